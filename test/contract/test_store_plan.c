/* How SQLite finds the rows: no statement of the store or the queue walks through a table that
 * grows with the number of withdrawals. A table may be large, and a write holds every other writer
 * up. */
#include "store_fixture.h"

#include "adapter/queue_store.h"
#include "core/transfer.h"
#include "fault_db.h"

#define TEXTS_MAX 256

/* Tables (by name, or by their alias in a join) that are as large as the configuration. */
static const char *const small_tables[] = { "chains", "assets",   "wallets",
					    "leases", "api_keys", "wallet_balances" };

/* --- every call once ----------------------------------------------------------------------------
 */

static void path_walk(struct fixture *f)
{
	struct withdrawal row = fixture_queue(f, "one");
	struct store_change wait = fixture_change(&row, row.stage, "waiting");
	struct transfer slot;
	bool found = false;
	wait.wait_reason = "funds";
	wait.has_approval = true;
	assert_true(fixture_apply(f, &wait, ACTOR_SIGNER));
	row = fixture_load(f, row.intent.id);
	wait = fixture_change(&row, row.stage, "waiting");
	wait.wait_reason = "funds";
	wait.ack = fixture_claim(f, QUEUE_SIGNING, row.intent.id).ack;
	assert_true(fixture_apply(f, &wait, ACTOR_SIGNER));
	slot = fixture_reserve(f, &row, 0);
	slot = fixture_sign(f, &slot);
	slot = fixture_send(f, &slot);
	struct store_wish wish = { slot.id, WISH_BUMP, WISH_REASON_AGE, 1 };
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	MUST(store_transfers_wish, f->store, &wish, 1, &by);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	slot = fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	MUST(store_transfer_of_round, f->store, row.intent.id, 0, &slot, &found);
	slot = fixture_broadcast(f, "two", 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	(void)fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_REVERTED);
	slot = fixture_broadcast(f, "three", 0);
	struct store_observation hold =
		fixture_observation(f, &slot, TRANSFER_BROADCAST, OUTCOME_NONE);
	hold.held_reason = "foreign_transaction";
	MUST(store_transfers_observe, f->store, &hold, 1, &f->monitor, &by);
	row = fixture_queue(f, "four");
	slot = fixture_reserve(f, &row, 1);
	enum store_write result = 0;
	by.actor = ACTOR_SIGNER;
	MUST(store_transfer_turn_cancel, f->store, &slot, f->leases[1].epoch, &by, &result);
	assert_int_equal(result, STORE_WRITTEN);
}

static void accept_every_way(struct fixture *f)
{
	struct withdrawal rows[3];
	struct store_accept items[3];
	for (size_t i = 0; i < 3; i++) {
		rows[i] = fixture_withdrawal(f, i < 2 ? "five" : "six");
		snprintf(rows[i].intent.external_id, 8, "order-1");
		items[i] = fixture_item(&rows[i]);
	}
	MUST(store_accept_withdrawals, f->store, items, 3);
	assert_int_equal(items[1].result, STORE_REPLAYED);
	assert_int_equal(items[2].result, STORE_EXTERNAL_ID_TAKEN);
}

static void read_every_way(struct fixture *f)
{
	struct store_view *views = calloc(PAGE_MAX, sizeof *views);
	struct store_filter filter = { .account = "acme", .limit = PAGE_MAX };
	struct store_transfer_filter slots = { .wallet_id = f->wallets[0].id,
					       .first = TRANSFER_RESERVED,
					       .last = TRANSFER_FINAL,
					       .mined_block_max = UINT64_MAX,
					       .limit = 8 };
	struct transfer rows[8];
	struct store_page page = { 0 };
	size_t len = 0;
	bool found = false;
	assert_non_null(views);
	MUST(store_withdrawals_list, f->store, &filter, views, &page);
	assert_true(page.len > 0);
	(void)fixture_last_event(f, views[0].withdrawal.intent.id);
	MUST(store_withdrawal_view, f->store, views[0].withdrawal.intent.id, &views[1], &found);
	filter.external_id = "order-1";
	MUST(store_withdrawals_list, f->store, &filter, views, &page);
	assert_int_equal(page.len, 1);
	filter.external_id = NULL;
	filter.has_status = true;
	filter.stage_first = filter.stage_last = WITHDRAWAL_QUEUED;
	MUST(store_withdrawals_list, f->store, &filter, views, &page);
	MUST(store_transfers_load, f->store, &slots, rows, &len);
	assert_true(len > 0);
	struct store_taken coin = { 0 };
	uint64_t gas = 0;
	MUST(store_taken_load, f->store, f->wallets[0].id, 0, &coin, 1, &gas);
	free(views);
}

static void sweep_and_redrive(struct fixture *f)
{
	struct queue *queue = NULL;
	struct queue_stats stats;
	struct message messages[BATCH_MAX];
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	size_t woken[3];
	size_t len = 0;
	fixture_wait(f, 600000);
	MUST(store_sweep, f->store, f->clock.now_ms, BATCH_MAX, woken);
	MUST(queue_store_open, f->db, &f->clock.base, &f->entropy, NULL, &queue);
	MUST(queue_claim, queue, QUEUE_REQUEST, BATCH_MAX, 1000, messages, &len);
	assert_true(len > 0);
	MUST(queue_extend, queue, &messages[0].ack, 1, 1000);
	MUST(queue_ack, queue, &messages[0].ack, 1);
	MUST(queue_stats, queue, QUEUE_REQUEST, &stats);
	queue_close(queue);
	struct withdrawal row = fixture_accept(f, "seven");
	struct store_change bury = fixture_change(&row, row.stage, "held");
	bury.held_reason = "dead_letter";
	bury.bury = true;
	bury.ack = fixture_claim(f, QUEUE_REQUEST, row.intent.id).ack;
	assert_true(fixture_apply(f, &bury, ACTOR_PROCESSOR));
	MUST(store_redrive, f->store, QUEUE_REQUEST_DLQ, 10, &by, &len);
	assert_int_equal(len, 1);
	MUST(store_redrive, f->store, QUEUE_REQUEST_DLQ, 10, &by, &len);
}

/* --- plans --------------------------------------------------------------------------------------
 */

static bool is_small(struct str step)
{
	static const char scan[] = "SCAN ";
	struct str name = str_skip(step, sizeof scan - 1);
	struct str rest;
	(void)str_cut(name, ' ', &name, &rest);
	for (size_t i = 0; i < COUNT_OF(small_tables); i++)
		if (str_equal_text(name, small_tables[i]))
			return true;
	return false;
}

/* What must be found by more than the order of its key: a walk from one end of an index is called a
 * search, too. */
static const struct {
	const char *sql;
	const char *step;
} searches[] = {
	{ "WHERE account = ? AND id < ?", "(account=? AND id>? AND id<?)" },
	{ "WHERE queue = ? AND visible_at >", "(queue=? AND visible_at>? AND visible_at<?)" },
	{ "WHERE due_at > ? AND due_at <= ?", "(due_at>? AND due_at<?)" },
	{ "WHERE due_at > 0", "(due_at>?)" },
	{ "WHERE t.wallet_id = ? AND t.stage", "(wallet_id=? AND stage>? AND stage<?)" },
};

static bool contains(struct str text, const char *part)
{
	return memmem(text.at, text.len, part, strlen(part)) != NULL;
}

/* Checks one step of a plan against its statement: it may not walk through a large table, and what
 * takes the first of many may not sort them all. */
static void step_check(struct str step, const char *sql)
{
	if (str_starts_with(step, STR("SCAN ")) && !is_small(step))
		fail_msg("%.*s: %s", STR_ARG(step), sql);
	for (size_t i = 0; i < COUNT_OF(searches); i++) {
		if (strstr(sql, searches[i].sql) == NULL || strstr(sql, "t.stage") != NULL)
			continue;
		if (str_starts_with(step, STR("USE TEMP B-TREE")))
			fail_msg("%.*s: %s", STR_ARG(step), sql);
	}
}

/* Explains a statement, and notes which of `searches` its plan shows. */
static void plan_check(struct db *db, const char *text, const char *sql, bool *seen)
{
	struct err err = { 0 };
	struct db_statement *plan = db_prepare(db, text, &err);
	size_t asked = 0;
	size_t shown = 0;
	if (plan == NULL)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < COUNT_OF(searches); i++)
		asked += strstr(sql, searches[i].sql) != NULL;
	while (db_step(db, plan, &err) == DB_ROW) {
		struct str step = db_column_bytes(db, plan, 3); /* in words */
		step_check(step, sql);
		for (size_t i = 0; i < COUNT_OF(searches); i++) {
			if (strstr(sql, searches[i].sql) == NULL ||
			    !contains(step, searches[i].step))
				continue;
			seen[i] = true;
			shown++;
		}
	}
	assert_int_equal(err.kind, ERR_NONE);
	if (shown != asked)
		fail_msg("not found by its index: %s", sql);
}

static void no_statement_walks_through_a_large_table(void **state)
{
	struct fixture *f = *state;
	struct fixture watched = *f;
	const char *texts[TEXTS_MAX];
	char *plans[TEXTS_MAX];
	bool seen[COUNT_OF(searches)] = { false };
	if (strcmp(f->backend->name, "sqlite") != 0)
		skip();
	watched.db = fault_db_open(fixture_connect(f));
	watched.store = fixture_store_over(watched.db);
	path_walk(&watched);
	accept_every_way(&watched);
	read_every_way(&watched);
	sweep_and_redrive(&watched);
	size_t len = fault_db_texts(watched.db, texts, TEXTS_MAX);
	assert_true(len > 40);

	struct db *db = fixture_connect(f);
	MUST(db_begin, db, true); /* the plan of a write counts as one */
	for (size_t i = 0; i < len; i++) {
		assert_true(asprintf(&plans[i], "EXPLAIN QUERY PLAN %s", texts[i]) > 0);
		plan_check(db, plans[i], texts[i], seen);
	}
	for (size_t i = 0; i < COUNT_OF(searches); i++)
		if (!seen[i])
			fail_msg("no statement has %s", searches[i].sql);
	db_rollback(db);
	db_close(db);
	for (size_t i = 0; i < len; i++)
		free(plans[i]);
	store_close(watched.store);
	db_close(watched.db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_statement_walks_through_a_large_table,
						fixture_set_up, fixture_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
