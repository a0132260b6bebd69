#include "adapter/store_sql_room.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MAX (BATCH_MAX * POLICY_LIMITS_MAX)

/* A window's row, locked. */
struct room_window {
	uint8_t key[POLICY_LIMIT_KEY_BYTES];
	bool is_stored;
	bool is_broken; /* not what we write */
	bool is_changed;
	int64_t until_at;
	struct policy_window window;
	uint8_t bytes[POLICY_WINDOW_BYTES_MAX]; /* of the write */
};

/* What a withdrawal has in a window. */
struct reservation {
	struct id withdrawal;
	uint8_t key[POLICY_LIMIT_KEY_BYTES];
	int64_t start; /* of the window's part */
	int64_t until_at;
	struct amount amount;
	bool is_stored;
	bool is_over;
};

struct room {
	struct db *db;
	int64_t now_ms;
	size_t windows_len, reservations_len, reservations_cap;
	struct room_window *windows; /* in the order of their keys */
	struct reservation *reservations;
};

bool room_is_given_back(enum withdrawal_stage from, enum withdrawal_stage to)
{
	return from != to && lifecycle_is_terminal(to) && to != WITHDRAWAL_COMPLETED;
}

void room_close(struct room *room)
{
	if (room == NULL)
		return;
	free(room->windows);
	free(room->reservations);
	free(room);
}

/* ---- reservations ---- */

static struct reservation *reservation_add(struct room *room)
{
	if (room->reservations_len == room->reservations_cap) {
		room->reservations_cap = room->reservations_cap * 2 + BATCH_MAX;
		room->reservations = realloc(room->reservations,
					     room->reservations_cap * sizeof *room->reservations);
		CHECK(room->reservations != NULL);
	}
	struct reservation *reservation = &room->reservations[room->reservations_len++];
	*reservation = (struct reservation){ 0 };
	return reservation;
}

/* What the withdrawals have already. */
static bool reservations_load(struct room *room, const struct id *ids, size_t n, struct err *err)
{
	struct sql sql = sql_prepare(room->db,
				     "SELECT withdrawal_id, limit_key, part_start, amount FROM "
				     "policy_reservations WHERE withdrawal_id IN (" SQL_MARKS_BATCH
				     ") {for update}",
				     err);
	sql_put_ids(&sql, ids, n);
	while (sql_next(&sql)) {
		struct reservation *reservation = reservation_add(room);
		reservation->withdrawal = sql_take_id(&sql);
		sql_take_bytes(&sql, reservation->key, sizeof reservation->key);
		reservation->start = sql_take_i64(&sql);
		reservation->amount.units = sql_take_u256(&sql);
		reservation->is_stored = true;
	}
	return sql_end(&sql);
}

static bool has(const struct room *room, struct id withdrawal, const uint8_t *key)
{
	for (size_t i = 0; i < room->reservations_len; i++) {
		const struct reservation *reservation = &room->reservations[i];
		if (!reservation->is_over && id_equal(reservation->withdrawal, withdrawal) &&
		    memcmp(reservation->key, key, POLICY_LIMIT_KEY_BYTES) == 0)
			return true;
	}
	return false;
}

/* ---- windows ---- */

static int key_compare(const void *a, const void *b)
{
	return memcmp(a, b, POLICY_LIMIT_KEY_BYTES);
}

/* The key stands first in each. */
static struct room_window *window_of(const struct room *room, const uint8_t *key)
{
	return bsearch(key, room->windows, room->windows_len, sizeof *room->windows, key_compare);
}

/* One window for each key that is claimed, or given back. */
static void windows_make(struct room *room, const struct store_change *changes, size_t n)
{
	uint8_t(*keys)[POLICY_LIMIT_KEY_BYTES] =
		calloc(KEYS_MAX + room->reservations_len, sizeof *keys);
	size_t len = 0;
	CHECK(keys != NULL);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < changes[i].claims_len; k++)
			memcpy(keys[len++], changes[i].claims[k].key, sizeof *keys);
	for (size_t i = 0; i < room->reservations_len; i++)
		memcpy(keys[len++], room->reservations[i].key, sizeof *keys);
	qsort(keys, len, sizeof *keys, key_compare);
	room->windows = calloc(len, sizeof *room->windows);
	CHECK(len > 0 && room->windows != NULL);
	for (size_t i = 0; i < len; i++)
		if (i == 0 || key_compare(keys[i - 1], keys[i]) != 0)
			memcpy(room->windows[room->windows_len++].key, keys[i], sizeof *keys);
	free(keys);
}

/* Locks those from `first` on that are there, at most a batch, in the order of their keys. */
static bool windows_lock(struct room *room, size_t first, struct err *err)
{
	static const char text[] =
		"SELECT limit_key, parts FROM policy_windows WHERE limit_key IN (" SQL_MARKS_BATCH
		") ORDER BY limit_key {for update}";
	struct sql sql = sql_prepare(room->db, text, err);
	uint8_t bytes[POLICY_WINDOW_BYTES_MAX];
	for (size_t i = 0; i < BATCH_MAX; i++) {
		size_t at = first + i < room->windows_len ? first + i : first;
		sql_put_bytes(&sql, room->windows[at].key, POLICY_LIMIT_KEY_BYTES);
	}
	while (sql_next(&sql)) {
		uint8_t key[POLICY_LIMIT_KEY_BYTES];
		sql_take_bytes(&sql, key, sizeof key);
		struct str stored = db_column_bytes(room->db, sql.statement, sql.at);
		struct room_window *window = window_of(room, key);
		if (window == NULL)
			continue;
		window->is_stored = true;
		window->is_broken =
			stored.len > sizeof bytes || !policy_window_read(stored, &window->window);
	}
	return sql_end(&sql);
}

/* What is not there is made first: two who want the same new one meet at its row. */
static bool windows_insert(struct room *room, size_t first, size_t end, bool *ret_any,
			   struct err *err)
{
	*ret_any = false;
	for (size_t i = first; i < end; i++) {
		if (room->windows[i].is_stored)
			continue;
		struct sql sql = sql_prepare(
			room->db,
			"{insert new} policy_windows (limit_key, parts, until_at) VALUES (?, ?, 0)",
			err);
		sql_put_bytes(&sql, room->windows[i].key, POLICY_LIMIT_KEY_BYTES);
		sql_put_bytes(&sql, "", 0);
		if (!sql_run(&sql, NULL))
			return false;
		*ret_any = true;
	}
	return true;
}

static bool windows_load(struct room *room, struct err *err)
{
	for (size_t first = 0; first < room->windows_len; first += BATCH_MAX) {
		bool any;
		size_t end = first + BATCH_MAX;
		end = end < room->windows_len ? end : room->windows_len;
		if (!windows_lock(room, first, err) ||
		    !windows_insert(room, first, end, &any, err) ||
		    (any && !windows_lock(room, first, err)))
			return false;
	}
	return true;
}

/* ---- a batch ---- */

bool room_open(struct db *db, const struct store_change *changes, size_t n, int64_t now_ms,
	       struct room **ret_room, struct err *err)
{
	struct id ids[BATCH_MAX];
	size_t len = 0, claims = 0;
	*ret_room = NULL;
	for (size_t i = 0; i < n; i++) {
		claims += changes[i].claims_len;
		if (changes[i].claims_len > 0 || room_is_given_back(changes[i].from, changes[i].to))
			ids[len++] = changes[i].withdrawal;
	}
	if (len == 0)
		return true;
	struct room *room = calloc(1, sizeof *room);
	CHECK(room != NULL);
	room->db = db;
	room->now_ms = now_ms;
	bool good = reservations_load(room, ids, len, err);
	if (good && claims + room->reservations_len > 0) {
		windows_make(room, changes, n);
		good = windows_load(room, err);
	}
	if (good)
		*ret_room = room;
	else
		room_close(room);
	return good;
}

static enum store_room room_of(const struct room *room, const struct policy_claim *claim,
			       struct policy_window *ret_window, int64_t *ret_start)
{
	const struct room_window *window = window_of(room, claim->key);
	CHECK(window != NULL);
	*ret_window = window->window;
	if (window->is_broken ||
	    !policy_window_is_sound(ret_window, claim->window_ms, room->now_ms))
		return STORE_ROOM_BROKEN;
	return policy_window_take(ret_window, claim, ret_start) ? STORE_ROOM_TAKEN
								: STORE_ROOM_FULL;
}

static void reserve(struct room *room, const struct store_change *change,
		    const struct policy_claim *claim)
{
	struct policy_window taken;
	int64_t start = 0;
	CHECK(room_of(room, claim, &taken, &start) == STORE_ROOM_TAKEN);
	struct room_window *window = window_of(room, claim->key);
	/* What is decided late, of a time long ago, is asked about by others of that time. */
	int64_t newest = taken.parts[taken.len - 1].start;
	newest = newest > room->now_ms ? newest : room->now_ms;
	window->window = taken;
	window->is_changed = true;
	window->until_at = newest + 3 * claim->window_ms;
	struct reservation *reservation = reservation_add(room);
	reservation->withdrawal = change->withdrawal;
	reservation->start = start;
	reservation->until_at = window->until_at;
	reservation->amount = claim->amount;
	memcpy(reservation->key, claim->key, sizeof reservation->key);
}

/* Each claim is of another window, so that one look at all of them tells whether all fit. */
void room_take(struct room *room, struct store_change *change)
{
	struct policy_window ignored;
	int64_t start;
	change->room = STORE_ROOM_TAKEN;
	for (size_t i = 0; i < change->claims_len; i++) {
		const struct policy_claim *claim = &change->claims[i];
		if (has(room, change->withdrawal, claim->key))
			continue;
		change->room = room_of(room, claim, &ignored, &start);
		change->room_at = i;
		if (change->room != STORE_ROOM_TAKEN)
			return;
	}
	for (size_t i = 0; i < change->claims_len; i++)
		if (!has(room, change->withdrawal, change->claims[i].key))
			reserve(room, change, &change->claims[i]);
}

void room_release(struct room *room, struct id withdrawal)
{
	for (size_t i = 0; i < room->reservations_len; i++) {
		struct reservation *reservation = &room->reservations[i];
		if (reservation->is_over || !id_equal(reservation->withdrawal, withdrawal))
			continue;
		reservation->is_over = true;
		struct room_window *window = window_of(room, reservation->key);
		if (window == NULL || window->is_broken)
			continue;
		policy_window_release(&window->window, reservation->start, reservation->amount);
		window->is_changed = true;
	}
}

static bool window_write(struct room *room, struct room_window *window, struct err *err)
{
	struct buf out = buf_of(window->bytes, sizeof window->bytes);
	if (!window->is_changed)
		return true;
	policy_window_write(&window->window, &out);
	CHECK(!out.overflow);
	struct sql sql =
		sql_prepare(room->db,
			    "UPDATE policy_windows SET parts = ?, until_at = CASE WHEN ? > "
			    "until_at THEN ? ELSE until_at END WHERE limit_key = ?",
			    err);
	sql_put_bytes(&sql, window->bytes, out.len);
	sql_put_i64(&sql, window->until_at);
	sql_put_i64(&sql, window->until_at);
	sql_put_bytes(&sql, window->key, sizeof window->key);
	return sql_later_any(&sql);
}

static bool reservation_insert(struct room *room, const struct reservation *reservation,
			       struct err *err)
{
	struct sql sql = sql_prepare(room->db,
				     "INSERT INTO policy_reservations (withdrawal_id, limit_key, "
				     "part_start, amount, until_at) VALUES (?, ?, ?, ?, ?)",
				     err);
	sql_put_id(&sql, reservation->withdrawal);
	sql_put_bytes(&sql, reservation->key, sizeof reservation->key);
	sql_put_i64(&sql, reservation->start);
	sql_put_u256(&sql, reservation->amount.units);
	sql_put_i64(&sql, reservation->until_at);
	return sql_later_one(&sql);
}

static bool reservation_delete(struct room *room, const struct reservation *reservation,
			       struct err *err)
{
	struct sql sql = sql_prepare(
		room->db,
		"DELETE FROM policy_reservations WHERE withdrawal_id = ? AND limit_key = ?", err);
	sql_put_id(&sql, reservation->withdrawal);
	sql_put_bytes(&sql, reservation->key, sizeof reservation->key);
	return sql_later_any(&sql);
}

static bool reservation_write(struct room *room, const struct reservation *reservation,
			      struct err *err)
{
	if (reservation->is_stored)
		return !reservation->is_over || reservation_delete(room, reservation, err);
	return reservation->is_over || reservation_insert(room, reservation, err);
}

bool room_write(struct room *room, struct err *err)
{
	for (size_t i = 0; i < room->windows_len; i++)
		if (!window_write(room, &room->windows[i], err))
			return false;
	for (size_t i = 0; i < room->reservations_len; i++)
		if (!reservation_write(room, &room->reservations[i], err))
			return false;
	return true;
}

bool room_release_one(struct db *db, struct id withdrawal, struct err *err)
{
	struct room *room;
	struct store_change end = { .withdrawal = withdrawal,
				    .from = WITHDRAWAL_QUEUED,
				    .to = WITHDRAWAL_CANCELED };
	if (!room_open(db, &end, 1, 0, &room, err))
		return false;
	room_release(room, withdrawal);
	bool good = room_write(room, err);
	room_close(room);
	return good;
}
