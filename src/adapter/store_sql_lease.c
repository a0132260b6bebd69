/* Leases: who may write for a wallet, or watch a chain. On one host the kernel tells when an owner
 * is dead, since its file lock is free then. Elsewhere an owner renews its lease, and who has
 * watched it for a whole term by a clock of its own, and has seen no renewal, takes it; or asks for
 * it, and is given it. Either way the epoch rises, so that whatever the owner before left half
 * done, or does in its sleep, is fenced off. */
#include "adapter/store_sql_parts.h"
#include "base/defence.h"
#include "core/timing.h"

#include <string.h>

_Static_assert(WALLETS_MAX <= BATCH_MAX, "all leases of an owner fit a batch");

struct take {
	struct store_lease *lease;
	const char *holder;
	const struct store_sql_watch *seen; /* as it has to stand still; NULL: whoever has it */
	bool taken;
	bool given;
	bool asked;
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
	struct sql sql =
		sql_prepare(db,
			    "UPDATE leases SET holder = ?, epoch = ?, renewals = 0, wanted_by = '' "
			    "WHERE name = ?",
			    err);
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

/* ---- without locks of the host ---- */

/* Reads the lease as it stands; what of it is everybody's to know goes into take->lease. */
static bool watched_load(struct db *db, struct store_lease *lease,
			 struct store_sql_watch *ret_watch, bool *ret_found, struct err *err)
{
	struct sql sql = sql_prepare(
		db, "SELECT holder, epoch, renewals, wanted_by FROM leases WHERE name = ?", err);
	*ret_watch = (struct store_sql_watch){ .since_ms = 0 };
	lease->holder[0] = lease->wanted_by[0] = 0;
	sql_put_text(&sql, lease->name);
	*ret_found = sql_next(&sql);
	if (*ret_found) {
		sql_take_text(&sql, ret_watch->holder, sizeof ret_watch->holder);
		ret_watch->epoch = sql_take_u64(&sql);
		ret_watch->renewals = sql_take_u64(&sql);
		sql_take_text(&sql, lease->wanted_by, sizeof lease->wanted_by);
		memcpy(lease->holder, ret_watch->holder, sizeof lease->holder);
	}
	return sql_end(&sql);
}

static bool renew_write(struct db *db, void *context, struct err *err)
{
	struct take *take = context;
	int64_t changed = 0;
	struct sql sql = sql_prepare(db,
				     "UPDATE leases SET renewals = {next renewals} WHERE name = ? "
				     "AND holder = ? AND epoch = ?",
				     err);
	sql_put_text(&sql, take->lease->name);
	sql_put_text(&sql, take->holder);
	sql_put_u64(&sql, take->lease->epoch);
	if (!sql_run_count(&sql, &changed))
		return false;
	take->taken = changed == 1;
	return true;
}

/* Only as it was watched: of two who have watched it for a term one gets it. */
static bool steal_write(struct db *db, void *context, struct err *err)
{
	struct take *take = context;
	int64_t changed = 0;
	struct sql sql =
		sql_prepare(db,
			    "UPDATE leases SET holder = ?, epoch = {next epoch}, renewals = 0, "
			    "wanted_by = '' "
			    "WHERE name = ? AND holder = ? AND epoch = ? AND renewals = ?",
			    err);
	sql_put_text(&sql, take->holder);
	sql_put_text(&sql, take->lease->name);
	sql_put_text(&sql, take->seen->holder);
	sql_put_u64(&sql, take->seen->epoch);
	sql_put_u64(&sql, take->seen->renewals);
	if (!sql_run_count(&sql, &changed))
		return false;
	take->taken = changed == 1;
	if (!take->taken)
		return true;
	take->lease->epoch = take->seen->epoch + 1;
	return wallet_epoch_set(db, take->lease, take->holder, err);
}

/* Whoever asked for it has it from now on, once it has seen that; or nobody, if nobody did. Only by
 * who has it now. */
static bool give_write(struct db *db, void *context, struct err *err)
{
	struct take *take = context;
	struct store_lease given = *take->lease;
	int64_t changed = 0;
	given.epoch++;
	struct sql sql =
		sql_prepare(db,
			    "UPDATE leases SET holder = ?, epoch = {next epoch}, renewals = 0, "
			    "wanted_by = '' "
			    "WHERE name = ? AND holder = ? AND epoch = ? AND wanted_by = ?",
			    err);
	sql_put_text(&sql, take->lease->wanted_by);
	sql_put_text(&sql, take->lease->name);
	sql_put_text(&sql, DEFENCE("gift_is_fenced") ? take->holder : take->lease->holder);
	sql_put_u64(&sql, DEFENCE("gift_is_fenced") ? take->lease->epoch : take->seen->epoch);
	sql_put_text(&sql, take->lease->wanted_by);
	if (!sql_run_count(&sql, &changed))
		return false;
	take->given = changed == 1;
	return !take->given || wallet_epoch_set(db, &given, take->lease->wanted_by, err);
}

static bool ask_write(struct db *db, void *context, struct err *err)
{
	struct take *take = context;
	int64_t changed = 0;
	struct sql sql = sql_prepare(db,
				     "UPDATE leases SET wanted_by = ? WHERE name = ? AND "
				     "epoch = ? AND wanted_by = ''",
				     err);
	sql_put_text(&sql, take->holder);
	sql_put_text(&sql, take->lease->name);
	sql_put_u64(&sql, take->seen->epoch);
	if (!sql_run_count(&sql, &changed))
		return false;
	take->asked = changed == 1;
	return true;
}

static bool first_write(struct db *db, void *context, struct err *err)
{
	struct take *take = context;
	int64_t changed = 0;
	struct sql sql = sql_prepare(
		db, "{insert new} leases (name, holder, epoch, renewals) VALUES (?, ?, 1, 0)", err);
	sql_put_text(&sql, take->lease->name);
	sql_put_text(&sql, take->holder);
	if (!sql_run_count(&sql, &changed))
		return false;
	take->taken = changed == 1;
	if (!take->taken)
		return true;
	take->lease->epoch = 1;
	return wallet_epoch_set(db, take->lease, take->holder, err);
}

static bool is_still(const struct store_sql_watch *a, const struct store_sql_watch *b)
{
	return strcmp(a->holder, b->holder) == 0 && a->epoch == b->epoch &&
	       a->renewals == b->renewals;
}

/* This process's sightings of the lease, at most one for each name that it ever asks for. */
static struct store_sql_watch *watch_of(struct store_sql *self, const char *name)
{
	for (size_t i = 0; i < self->watches_len; i++)
		if (strcmp(self->watches[i].name, name) == 0)
			return &self->watches[i];
	CHECK(self->watches_len < LEASES_MAX);
	struct store_sql_watch *watch = &self->watches[self->watches_len++];
	*watch = (struct store_sql_watch){ .since_ms = INT64_MIN };
	(void)str_copy(str_from(name), watch->name, sizeof watch->name);
	return watch;
}

static void watch_anew(struct store_sql_watch *watch, const struct store_sql_watch *now,
		       int64_t now_ms)
{
	(void)str_copy(str_from(now->holder), watch->holder, sizeof watch->holder);
	watch->epoch = now->epoch;
	watch->renewals = now->renewals;
	watch->since_ms = now_ms;
}

static bool lease_ask(struct store *store, struct take *take, struct store_sql_watch *watch,
		      struct err *err)
{
	take->seen = watch;
	if (!sql_write(db_of(store), ask_write, take, err))
		return false;
	watch->asked = take->asked ? watch->epoch : watch->asked;
	return true;
}

/* A lease that somebody has: it is taken once it has stood still for a term, or when it was given
 * to who asked for it in this process: another one of the same name may have died. */
static bool still_take(struct store *store, struct take *take, const struct store_sql_watch *now,
		       int64_t now_ms, struct err *err)
{
	struct store_sql_watch *watch = watch_of(store_sql_of(store), take->lease->name);
	bool is_ours = strcmp(now->holder, take->holder) == 0;
	bool is_given = is_ours && watch->asked != 0 && now->epoch == watch->asked + 1;
	if (watch->since_ms == INT64_MIN || !is_still(watch, now) || now_ms < watch->since_ms)
		watch_anew(watch, now, now_ms);
	bool is_free = now_ms - watch->since_ms >= LEASE_TERM_MS || now->holder[0] == 0;
	bool takes = !take->lease->rests && !take->lease->leaves;
	if (is_given || (is_free && takes)) {
		take->seen = watch;
		return sql_write(db_of(store), steal_write, take, err);
	}
	bool asks = take->lease->asks && !is_ours && take->lease->wanted_by[0] == 0;
	return !asks || lease_ask(store, take, watch, err);
}

/* What is ours: given to who asks, if it is to be, or renewed, or left to rest. */
static bool own_keep(struct store *store, struct take *take, struct err *err)
{
	struct store_sql_watch now;
	bool found = false;
	if (!watched_load(db_of(store), take->lease, &now, &found, err))
		return false;
	take->seen = &now;
	bool gives = take->lease->gives && take->lease->wanted_by[0] != 0;
	if ((gives || take->lease->leaves) && !sql_write(db_of(store), give_write, take, err))
		return false;
	if (take->given || !take->lease->rests)
		return take->given || sql_write(db_of(store), renew_write, take, err);
	take->taken =
		found && strcmp(now.holder, take->holder) == 0 && now.epoch == take->lease->epoch;
	return true;
}

static bool watched_take(struct store *store, struct store_lease *lease, const char *holder,
			 int64_t now_ms, bool *ret_taken, struct err *err)
{
	struct take take = { .lease = lease, .holder = holder };
	struct store_sql_watch now;
	struct db *db = db_of(store);
	uint64_t before = lease->epoch;
	bool found = false;
	bool done = before == 0 || own_keep(store, &take, err);
	if (done && !take.taken) {
		lease->epoch = 0;
		done = watched_load(db, lease, &now, &found, err) &&
		       (found ? still_take(store, &take, &now, now_ms, err)
			      : sql_write(db, first_write, &take, err));
	}
	if (!done)
		lease->epoch = before;
	*ret_taken = take.taken;
	return done;
}

static bool lease_take(struct store *store, struct store_lease *lease, const char *holder,
		       int64_t now_ms, bool *ret_taken, struct err *err)
{
	struct db *db = db_of(store);
	enum db_lock lock = db_host_lock(db, lease->name);
	if (lock == DB_LOCK_UNSUPPORTED)
		return watched_take(store, lease, holder, now_ms, ret_taken, err);
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
	struct take take = { .lease = lease, .holder = holder };
	uint64_t before = lease->epoch;
	if (!ours && !sql_write(db, take_write, &take, err)) {
		lease->epoch = before;
		return false;
	}
	*ret_taken = true;
	return true;
}

/* ---- many ---- */

struct keep {
	struct store_lease *const *leases;
	size_t n;
	const char *holder;
	bool *kept; /* of each */
};

static bool renewal_put(struct db *db, const struct store_lease *lease, struct err *err)
{
	struct sql sql =
		sql_prepare(db, "UPDATE leases SET renewals = {next renewals} WHERE name = ?", err);
	sql_put_text(&sql, lease->name);
	return sql_later_one(&sql);
}

/* What somebody asks for, or is let go, is looked at by itself. */
static bool is_kept(const struct store_lease *lease, const char *holder, uint64_t epoch)
{
	if (lease->rests || lease->leaves)
		return false;
	return lease->epoch != 0 && epoch == lease->epoch && strcmp(lease->holder, holder) == 0 &&
	       (lease->wanted_by[0] == 0 || !lease->gives);
}

/* Reads them all, locked in the order of their names, and renews what is ours. */
static bool keep_write(struct db *db, void *context, struct err *err)
{
	struct keep *keep = context;
	struct sql sql = sql_prepare(
		db,
		"SELECT name, holder, epoch, wanted_by FROM leases WHERE name IN (" SQL_MARKS_BATCH
		") ORDER BY name {for update}",
		err);
	for (size_t i = 0; i < BATCH_MAX; i++)
		sql_put_text(&sql, keep->leases[i < keep->n ? i : 0]->name);
	memset(keep->kept, 0, keep->n * sizeof keep->kept[0]);
	while (sql_next(&sql)) {
		char name[80];
		size_t at = 0;
		sql_take_text(&sql, name, sizeof name);
		while (at < keep->n && strcmp(keep->leases[at]->name, name) != 0)
			at++;
		if (at == keep->n)
			continue;
		struct store_lease *lease = keep->leases[at];
		sql_take_text(&sql, lease->holder, sizeof lease->holder);
		uint64_t epoch = sql_take_u64(&sql);
		sql_take_text(&sql, lease->wanted_by, sizeof lease->wanted_by);
		keep->kept[at] = is_kept(lease, keep->holder, epoch);
	}
	bool good = sql_end(&sql);
	for (size_t i = 0; i < keep->n && good; i++)
		good = !keep->kept[i] || renewal_put(db, keep->leases[i], err);
	return good;
}

/* What an owner has it keeps by one transaction, however many wallets that are. What it has lost,
 * is to give, or never had, is looked at one by one. */
bool store_sql_leases(struct store *store, struct store_lease *const *leases, size_t n,
		      const char *holder, int64_t now_ms, bool *ret_taken, struct err *err)
{
	struct store_lease *own[BATCH_MAX];
	size_t places[BATCH_MAX];
	bool kept[BATCH_MAX];
	struct keep keep = { own, 0, holder, kept };
	memset(ret_taken, 0, n * sizeof ret_taken[0]);
	for (size_t i = 0; i < n; i++) {
		if (leases[i]->epoch == 0)
			continue;
		places[keep.n] = i;
		own[keep.n++] = leases[i];
	}
	if (keep.n > 1 && db_host_lock(db_of(store), own[0]->name) == DB_LOCK_UNSUPPORTED) {
		if (!sql_write(db_of(store), keep_write, &keep, err))
			return false;
		for (size_t i = 0; i < keep.n; i++)
			ret_taken[places[i]] = kept[i];
	}
	for (size_t i = 0; i < n; i++)
		if (!ret_taken[i] &&
		    !lease_take(store, leases[i], holder, now_ms, &ret_taken[i], err))
			return false;
	return true;
}
