/* Leases: who may write for a wallet, or watch a chain. On one host the kernel tells when an owner
 * is dead, since its file lock is free then; the epoch rises all the same, so that whatever the
 * dead owner left half done is fenced off. */
#include "adapter/store_sql_parts.h"

#include <string.h>

struct take {
	struct store_lease *lease;
	const char *holder;
};

static bool lease_load(struct db *db, const char *name, char ret_holder[65], uint64_t *ret_epoch,
		       bool *ret_found, struct err *err)
{
	struct sql sql = sql_prepare(
		db, "SELECT holder, epoch FROM leases WHERE name = ? {for update}", err);
	sql_put_text(&sql, name);
	*ret_found = sql_next(&sql);
	if (*ret_found) {
		sql_take_text(&sql, ret_holder, 65);
		*ret_epoch = sql_take_u64(&sql);
	}
	return sql_end(&sql);
}

static bool lease_is_ours(struct db *db, const struct store_lease *lease, const char *holder,
			  bool *ret_ours, struct err *err)
{
	char stored[65];
	uint64_t epoch = 0;
	bool found = false;
	if (!lease_load(db, lease->name, stored, &epoch, &found, err))
		return false;
	*ret_ours = found && strcmp(stored, holder) == 0 && epoch == lease->epoch;
	return true;
}

static bool lease_insert(struct db *db, const char *name, const char *holder, struct err *err)
{
	struct sql sql = sql_prepare(
		db, "INSERT INTO leases (name, holder, epoch, renewals) VALUES (?, ?, 1, 0)", err);
	sql_put_text(&sql, name);
	sql_put_text(&sql, holder);
	return sql_run(&sql, NULL);
}

static bool lease_pass(struct db *db, const char *name, const char *holder, uint64_t epoch,
		       struct err *err)
{
	struct sql sql = sql_prepare(
		db, "UPDATE leases SET holder = ?, epoch = ?, renewals = 0 WHERE name = ?", err);
	sql_put_text(&sql, holder);
	sql_put_u64(&sql, epoch);
	sql_put_text(&sql, name);
	return sql_run(&sql, NULL);
}

/* A wallet's fence is a column of its own row, so that one statement checks it. */
static bool wallet_epoch_set(struct db *db, const struct store_lease *lease, const char *holder,
			     struct err *err)
{
	if (lease->wallet_id == 0)
		return true;
	struct sql sql = sql_prepare(
		db, "UPDATE wallets SET lease_holder = ?, lease_epoch = ? WHERE id = ?", err);
	sql_put_text(&sql, holder);
	sql_put_u64(&sql, lease->epoch);
	sql_put_i64(&sql, lease->wallet_id);
	return sql_run(&sql, NULL);
}

static bool take_write(struct db *db, void *context, struct err *err)
{
	struct take *take = context;
	struct store_lease *lease = take->lease;
	char holder[65];
	uint64_t epoch = 0;
	bool found = false;
	if (!lease_load(db, lease->name, holder, &epoch, &found, err))
		return false;
	lease->epoch = epoch + 1;
	bool written = found ? lease_pass(db, lease->name, take->holder, lease->epoch, err)
			     : lease_insert(db, lease->name, take->holder, err);
	return written && wallet_epoch_set(db, lease, take->holder, err);
}

bool store_sql_lease(struct store *store, struct store_lease *lease, const char *holder,
		     int64_t now_ms, bool *ret_taken, struct err *err)
{
	(void)now_ms; /* a back end without host locks watches the row for a term instead */
	struct db *db = db_of(store);
	enum db_lock lock = db_host_lock(db, lease->name);
	if (lock == DB_LOCK_TAKEN) {
		*ret_taken = false;
		lease->epoch = 0;
		return true;
	}
	/* Looking first: keeping a lease takes no writer's turn. The lock alone does not tell that
	 * the epoch is still ours: a connection that was lost may have come back after another
	 * owner. */
	bool ours = false;
	if (lease->epoch != 0 && !lease_is_ours(db, lease, holder, &ours, err))
		return false;
	struct take take = { lease, holder };
	uint64_t before = lease->epoch;
	if (!ours && !store_sql_write(db, take_write, &take, err)) {
		lease->epoch = before;
		return false;
	}
	*ret_taken = true;
	return true;
}
