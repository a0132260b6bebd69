#include "race.h"

#include "adapter/queue_store.h"
#include "base/hash.h"
#include "fault_db.h"

#include <time.h>

#define STATE_MAX 65536
#define SOUND_MAX 1024
#define LOOK_NS   300000

/* The second player's thread: one call at a time. */
struct second {
	struct player player;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_asked;
	bool is_done;
	bool ends;
};

struct race {
	struct fixture *f;
	const struct scene *scene;
	struct player first;
	struct second second;
	char *state_sql;
	uint8_t sound[SOUND_MAX][SHA256_BYTES]; /* states that were looked at */
	size_t sound_len;
	size_t runs;
	size_t blocked;
};

/* --- what stands --------------------------------------------------------------------------------
 */

/* Every column of every table but those that count something else than what is the case. */
static const char columns_sql[] =
	"SELECT table_name, GROUP_CONCAT(CASE "
	"WHEN table_name LIKE 'message%' AND column_name = 'claim' "
	"THEN 'CONCAT(''claim='', claim IS NOT NULL)' "
	"WHEN data_type IN ('binary', 'blob') OR character_maximum_length IN (16, 20, 32, 1024) "
	"THEN CONCAT('CONCAT(''', column_name, '='', COALESCE(HEX(', column_name, '), ''-''))') "
	"ELSE CONCAT('CONCAT(''', column_name, '='', COALESCE(', column_name, ', ''-''))') END "
	"ORDER BY ordinal_position) FROM information_schema.columns "
	"WHERE table_schema = DATABASE() AND table_name NOT IN ('schema_migrations', 'assets') "
	"AND table_name NOT LIKE 'was\\_%' AND CONCAT(table_name, '.', column_name) NOT IN "
	"('audit.id', 'wallets.id', 'wallets.fence_check', 'leases.renewals', 'attempts.raw') "
	"GROUP BY table_name";

static void table_keep(struct race *race, const char *table, struct str columns, struct buf *sql,
		       struct buf *reset)
{
	char text[256];
	if (sql->len > 0)
		buf_text(sql, " UNION ALL ");
	buf_format(sql, "SELECT CONCAT_WS(' ', '%s', %.*s) FROM %s", table, STR_ARG(columns),
		   table);
	(void)snprintf(text, sizeof text, "DROP TABLE IF EXISTS was_%s", table);
	fixture_edit(race->f, text);
	(void)snprintf(text, sizeof text, "CREATE TABLE was_%s AS SELECT * FROM %s", table, table);
	fixture_edit(race->f, text);
	buf_format(reset, " DELETE FROM %s; INSERT INTO %s SELECT * FROM was_%s;", table, table,
		   table);
}

/* Keeps all tables as they are, to come back to. */
static void state_keep(struct race *race)
{
	struct db *db = race->f->db;
	struct err err = { 0 };
	char tables[32][64];
	struct str columns[32];
	size_t n = 0;
	struct buf sql = buf_new(STATE_MAX);
	struct buf reset = buf_new(STATE_MAX);
	fixture_edit(race->f, "DROP PROCEDURE IF EXISTS state_reset");
	fixture_edit(race->f, "SET SESSION group_concat_max_len = 60000");
	struct db_statement *rows = db_prepare(db, columns_sql, &err);
	CHECK(rows != NULL);
	while (db_step(db, rows, &err) == DB_ROW) {
		struct str text = db_column_bytes(db, rows, 1);
		char *copy = strndup(text.at, text.len);
		CHECK(copy != NULL && n < COUNT_OF(tables));
		CHECK(str_copy(db_column_bytes(db, rows, 0), tables[n], sizeof tables[n]));
		columns[n++] = str_from(copy);
	}
	CHECK(n > 10);
	buf_text(&reset, "CREATE PROCEDURE state_reset() BEGIN START TRANSACTION;");
	for (size_t i = 0; i < n; i++) {
		table_keep(race, tables[i], columns[i], &sql, &reset);
		free((char *)(uintptr_t)columns[i].at);
	}
	buf_text(&sql, " ORDER BY 1");
	buf_text(&reset, " COMMIT; END");
	CHECK(!sql.overflow && !reset.overflow);
	fixture_edit(race->f, buf_terminated(&reset));
	buf_free(&reset);
	race->state_sql = strdup(buf_terminated(&sql));
	buf_free(&sql);
}

static void state_reset(struct race *race)
{
	fixture_edit(race->f, "CALL state_reset()");
}

/* As fixture_is_sound, once for every state; `text` as it was written. */
static bool state_is_sound(struct race *race, struct str text)
{
	uint8_t digest[SHA256_BYTES];
	sha256(text.at, text.len, digest);
	for (size_t i = 0; i < race->sound_len; i++)
		if (memcmp(race->sound[i], digest, sizeof digest) == 0)
			return true;
	CHECK(race->sound_len < SOUND_MAX);
	memcpy(race->sound[race->sound_len++], digest, sizeof digest);
	return fixture_is_sound(race->f);
}

static void state_write(struct race *race, struct buf *out)
{
	struct db *db = race->f->db;
	struct err err = { 0 };
	struct db_statement *rows = db_prepare(db, race->state_sql, &err);
	CHECK(rows != NULL);
	while (db_step(db, rows, &err) == DB_ROW) {
		struct str line = db_column_bytes(db, rows, 0);
		buf_bytes(out, line.at, line.len);
		buf_byte(out, '\n');
	}
	if (err.kind != ERR_NONE)
		fail_msg("%s", err.text);
}

/* --- players ------------------------------------------------------------------------------------
 */

static void player_open(struct race *race, struct player *player, size_t index, struct db *db)
{
	struct err err = { 0 };
	*player = (struct player){ .index = index,
				   .f = race->f,
				   .scene = race->scene,
				   .db = db,
				   .store = fixture_store_over(db) };
	CHECK(queue_store_open(db, &race->f->clock.base, &race->f->entropy, NULL, &player->queue,
			       &err));
}

static void player_close(struct player *player)
{
	queue_close(player->queue);
	store_close(player->store);
	db_close(player->db);
}

static void player_run(struct player *player)
{
	struct err err = { 0 };
	player->result[0] = 0;
	if (!player->act->run(player, player->act, &err))
		(void)snprintf(player->result, sizeof player->result, "fault %d: %.120s", err.kind,
			       err.text);
}

static void *second_work(void *context)
{
	struct second *second = context;
	pthread_mutex_lock(&second->mutex);
	while (!second->ends) {
		if (!second->is_asked) {
			pthread_cond_wait(&second->changed, &second->mutex);
			continue;
		}
		second->is_asked = false;
		pthread_mutex_unlock(&second->mutex);
		player_run(&second->player);
		pthread_mutex_lock(&second->mutex);
		second->is_done = true;
		pthread_cond_broadcast(&second->changed);
	}
	pthread_mutex_unlock(&second->mutex);
	return NULL;
}

static void second_ask(struct second *second)
{
	pthread_mutex_lock(&second->mutex);
	second->is_done = false;
	second->is_asked = true;
	pthread_cond_broadcast(&second->changed);
	pthread_mutex_unlock(&second->mutex);
}

static void second_join(struct second *second)
{
	pthread_mutex_lock(&second->mutex);
	while (!second->is_done)
		pthread_cond_wait(&second->changed, &second->mutex);
	pthread_mutex_unlock(&second->mutex);
}

/* Has it ended within a moment? */
static bool second_ends_now(struct second *second)
{
	struct timespec until;
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOOK_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&second->mutex);
	if (!second->is_done)
		(void)pthread_cond_timedwait(&second->changed, &second->mutex, &until);
	bool done = second->is_done;
	pthread_mutex_unlock(&second->mutex);
	return done;
}

/* Does anybody wait for a lock? Of innodb_trx one sees only what was a tenth of a second ago. Who
 * else may wait on this server makes the moment less exact, and no more. */
static bool anybody_is_blocked(struct race *race)
{
	return fixture_number(race->f, "SELECT count FROM information_schema.innodb_metrics "
				       "WHERE name = 'lock_row_lock_current_waits'") > 0;
}

static void second_meets(void *context)
{
	struct race *race = context;
	second_ask(&race->second);
	while (!second_ends_now(&race->second)) {
		if (anybody_is_blocked(race)) {
			race->blocked++;
			return;
		}
	}
}

static void race_open(struct race *race)
{
	struct second *second = &race->second;
	state_keep(race);
	player_open(race, &race->first, 0, fault_db_open(fixture_connect(race->f)));
	player_open(race, &second->player, 1, fixture_connect(race->f));
	CHECK(pthread_mutex_init(&second->mutex, NULL) == 0);
	CHECK(pthread_cond_init(&second->changed, NULL) == 0);
	CHECK(pthread_create(&second->thread, NULL, second_work, second) == 0);
}

static void race_close(struct race *race)
{
	struct second *second = &race->second;
	state_reset(race); /* for the rules that hold at the end of every test */
	pthread_mutex_lock(&second->mutex);
	second->ends = true;
	pthread_cond_broadcast(&second->changed);
	pthread_mutex_unlock(&second->mutex);
	pthread_join(second->thread, NULL);
	player_close(&race->first);
	player_close(&second->player);
	free(race->state_sql);
}

/* --- races --------------------------------------------------------------------------------------
 */

static void outcome_take(struct race *race, struct buf *out)
{
	out->len = 0;
	state_write(race, out);
	buf_format(out, "first: %s\nsecond: %s\n", race->first.result, race->second.player.result);
	CHECK(!out->overflow);
}

static void ready(struct race *race, const struct act *a, const struct act *b)
{
	struct player *first = &race->first;
	struct player *second = &race->second.player;
	state_reset(race);
	fault_db_plan(first->db, (struct fault_plan){ .kind = FAULT_NONE });
	first->act = a;
	second->act = b;
	if (a->ready != NULL)
		a->ready(first, a);
	if (b->ready != NULL)
		b->ready(second, b);
}

static bool is_stolen(const struct act *by, const struct act *from)
{
	return ((by->flags & ACT_STEALS) && (from->flags & ACT_IS_FENCED) &&
		by->wallet == from->wallet) ||
	       ((by->flags & ACT_STEALS_CHAIN) && (from->flags & ACT_IS_MONITORS));
}

static void serial_run(struct race *race, const struct act *a, const struct act *b, bool reverse,
		       struct buf *out)
{
	ready(race, a, b);
	if (!reverse)
		player_run(&race->first);
	second_ask(&race->second);
	second_join(&race->second);
	if (reverse)
		player_run(&race->first);
	outcome_take(race, out);
}

/* One after the other, undisturbed. What comes after its lease was stolen writes nothing. */
static bool order_judge(struct race *race, const struct act *a, const struct act *b,
			const struct buf *outcome)
{
	struct str state = buf_view(outcome);
	bool good = true;
	state.len = (size_t)((const char *)memmem(state.at, state.len, "first: ", 7) - state.at);
	if (is_stolen(a, b) && strcmp(race->second.player.result, "fenced") != 0) {
		print_error("%s after %s is not fenced off: %s\n", b->name, a->name,
			    race->second.player.result);
		good = false;
	}
	if (!state_is_sound(race, state)) {
		print_error("%s and then %s are not sound\n", a->name, b->name);
		good = false;
	}
	return good;
}

/* The line of the other text about the same row, so far as its first two words name it. */
static struct str line_like(const struct buf *text, struct str line)
{
	struct str rest = buf_view(text);
	struct str row, tail;
	size_t n = 0;
	for (int words = 0; n < line.len && words < 2; n++)
		words += line.at[n] == ' ';
	while (str_cut(rest, '\n', &row, &tail)) {
		if (row.len >= n && memcmp(row.at, line.at, n) == 0)
			return row;
		rest = tail;
	}
	return (struct str){ 0 };
}

/* Of a line that the other text has not, the words that its line about the same row has not. */
static void line_print(struct str line, struct str like)
{
	struct str rest = line;
	struct str word, tail;
	bool more = true;
	print_error("   ");
	for (int at = 0; more; at++) {
		more = str_cut(rest, ' ', &word, &tail);
		if (!more)
			word = rest;
		if (at < 2 || like.len == 0 || memmem(like.at, like.len, word.at, word.len) == NULL)
			print_error(" %.*s", (int)(word.len < 100 ? word.len : 100), word.at);
		rest = tail;
	}
	print_error("\n");
}

static void difference_print(const char *title, const struct buf *a, const struct buf *b)
{
	struct str rest = buf_view(a);
	struct str line, tail;
	print_error("  %s\n", title);
	while (str_cut(rest, '\n', &line, &tail)) {
		struct str whole = str_from_bytes(line.at, line.len + 1);
		if (memmem(b->at, b->len, whole.at, whole.len) == NULL)
			line_print(line, line_like(b, line));
		rest = tail;
	}
}

/* What may come of two acts, made when it is asked for first. */
struct orders {
	struct buf forth;
	struct buf back;
	struct buf passed; /* who comes passes over what is locked, and goes home */
	struct buf met;
};

static bool is_same(const struct buf *a, const struct buf *b)
{
	return str_equal(buf_view(a), buf_view(b));
}

static bool is_passed(struct race *race, const struct act *a, const struct act *b,
		      struct orders *orders)
{
	struct player *second = &race->second.player;
	if (!(b->flags & ACT_PASSES))
		return false;
	if (orders->passed.len == 0) {
		ready(race, a, b);
		player_run(&race->first);
		(void)snprintf(second->result, sizeof second->result, "claimed 0");
		outcome_take(race, &orders->passed);
	}
	return is_same(&orders->met, &orders->passed);
}

static bool has_order(struct race *race, const struct act *a, const struct act *b,
		      struct orders *orders)
{
	if (is_same(&orders->met, &orders->forth))
		return true;
	if (orders->back.len == 0)
		serial_run(race, a, b, true, &orders->back);
	return is_same(&orders->met, &orders->back) || is_passed(race, a, b, orders);
}

struct moment {
	enum fault_where where;
	uint64_t at;
};

static bool outcome_judge(struct race *race, const struct act *a, const struct act *b,
			  struct orders *orders, struct moment moment)
{
	const struct buf *met = &orders->met;
	if (has_order(race, a, b, orders))
		return true;
	print_error("%s, met by %s at %s %d, has no order\n", a->name, b->name,
		    moment.where == FAULT_AT_STEP ? "statement" : "commit", (int)moment.at);
	difference_print("met, and not in order:", met, &orders->forth);
	difference_print("in order, and not met:", &orders->forth, met);
	difference_print("met, and not in reverse:", met, &orders->back);
	difference_print("in reverse, and not met:", &orders->back, met);
	return false;
}

enum meeting {
	MEETING_NONE = 0, /* there is no such moment */
	MEETING_ENDED = 1,
	MEETING_BLOCKED = 2, /* who came had to wait until the first was done */
	MEETING_BROKEN = 3,
};

static enum meeting meeting_run(struct race *race, const struct act *a, const struct act *b,
				struct orders *orders, struct moment moment)
{
	size_t before = race->blocked;
	ready(race, a, b);
	fault_db_plan(race->first.db, (struct fault_plan){ .kind = FAULT_CALL,
							   .where = moment.where,
							   .at = moment.at,
							   .call = second_meets,
							   .context = race });
	player_run(&race->first);
	if (!fault_db_fired(race->first.db))
		return MEETING_NONE;
	second_join(&race->second);
	race->runs++;
	outcome_take(race, &orders->met);
	if (!outcome_judge(race, a, b, orders, moment))
		return MEETING_BROKEN;
	return race->blocked > before ? MEETING_BLOCKED : MEETING_ENDED;
}

/* Before the first statement of all there is nothing that could be judged too early. And once who
 * comes has to wait, it waits at all later moments too, and has not seen more by then: only the
 * last of them is left. */
static bool pair_run(struct race *race, const struct act *a, const struct act *b,
		     struct orders *orders)
{
	struct moment moment = { FAULT_AT_STEP, 2 };
	enum meeting meeting = MEETING_ENDED;
	buf_reset(&orders->back);
	buf_reset(&orders->passed);
	serial_run(race, a, b, false, &orders->forth);
	bool good = order_judge(race, a, b, &orders->forth);
	for (; good && meeting == MEETING_ENDED; moment.at++)
		meeting = meeting_run(race, a, b, orders, moment);
	good = good && meeting != MEETING_BROKEN;
	meeting = MEETING_ENDED;
	moment = (struct moment){ FAULT_AT_COMMIT, 1 };
	for (; good && (meeting == MEETING_ENDED || meeting == MEETING_BLOCKED); moment.at++)
		meeting = meeting_run(race, a, b, orders, moment);
	return good && meeting != MEETING_BROKEN;
}

bool race_all(struct fixture *f, const struct scene *scene, const struct act *acts, size_t n)
{
	struct race race = { .f = f, .scene = scene };
	struct orders orders = { buf_new(STATE_MAX), buf_new(STATE_MAX), buf_new(STATE_MAX),
				 buf_new(STATE_MAX) };
	bool good = true;
	race_open(&race);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			good = pair_run(&race, &acts[i], &acts[j], &orders) && good;
	print_message("# %zu meetings of %zu calls, %zu of them at a lock\n", race.runs, n,
		      race.blocked);
	race_close(&race);
	buf_free(&orders.forth);
	buf_free(&orders.back);
	buf_free(&orders.passed);
	buf_free(&orders.met);
	return good;
}
