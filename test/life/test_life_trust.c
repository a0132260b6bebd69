/* Somebody can write the store. Nobody is paid who should not be, nobody twice; a person is told,
 * and the others get their money. */
#include "life_fault.h"
#include "life_world.h"

#include "port/store_recover.h"
#include "service/admin/audit.h"

static const char *hex_of(const struct withdrawal *row)
{
	return life_blob(row->intent.id.bytes, sizeof row->intent.id.bytes);
}

struct edit {
	const char *name;
	const char *set; /* SQL after SET; %s is the thief's address, where there is one */
};

/* Every column that the intent's MAC covers, and what else says where the money goes. */
static const struct edit edits[] = {
	{ "receiver", "receiver = %s" },
	{ "amount",
	  "amount = x'00000000000000000000000000000000000000000000000000000000000f4240'" },
	{ "amount_short", "amount = x'01'" },
	{ "amount_text", "amount = 'a lot'" },
	{ "contract", "contract = %s, is_native = 0" },
	{ "symbol", "asset = 'XUSD'" },
	{ "decimals", "decimals = 2" },
	{ "chain", "chain_id = 1" },
	{ "account", "account = 'mallory'" },
	{ "key_hash", "key_hash = x'00112233445566778899aabbccddeeff'" },
	{ "external_id", "external_id = 'another-order'" },
	{ "fingerprint", "fingerprint = zeroblob(32)" },
	{ "created", "created_at = created_at - 1" },
	{ "created_by", "created_by = 'another-key'" },
	{ "key_owner", "key_owner = 'somebody'" },
	{ "intent_mac", "intent_mac = zeroblob(32)" },
	{ "intent_key", "intent_key_id = 7" },
	{ "approval_mac", "approval_mac = zeroblob(32)" },
	{ "approval_none", "approval_mac = NULL, approval_key_id = 0" },
	{ "approval_life", "expires_at = expires_at + 3600000" },
	{ "approval_policy", "policy_version = policy_version + 1" },
};

static void edit_make(struct life *life, const struct edit *edit, const struct withdrawal *row,
		      struct address thief)
{
	char set[256];
	const char *mark = strstr(edit->set, "%s");
	if (mark == NULL)
		snprintf(set, sizeof set, "%s", edit->set);
	else
		snprintf(set, sizeof set, "%.*s%s%s", (int)(mark - edit->set), edit->set,
			 life_blob(thief.bytes, sizeof thief.bytes), mark + 2);
	life_sql(life, "UPDATE withdrawals SET %s WHERE id = %s", set, hex_of(row));
}

/* The thief has nothing, and the one who was robbed of his order neither. */
static void assert_foiled(struct life *life, const struct edit *edit, const struct withdrawal *row,
			  struct address thief)
{
	if (life_view(life, row->intent.id).withdrawal.held_reason[0] == 0)
		fail_msg("%s: not held", edit->name);
	life_assert_held(life, row, NULL);
	if (!u256_is_zero(life_balance(life, "POL", thief)) ||
	    !u256_is_zero(life_balance(life, "TUSD", thief)))
		fail_msg("%s: the thief has it", edit->name);
}

/* Between acceptance and the signer. */
static void test_row_edited(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[COUNT_OF(edits)];
	struct address thief = life_fresh_address(life);
	for (size_t i = 0; i < COUNT_OF(edits); i++)
		rows[i] = life_accept(life, "POL", 1000 + i);
	life_process(life);
	for (size_t i = 0; i < COUNT_OF(edits); i++)
		edit_make(life, &edits[i], &rows[i], thief);
	life_run(life, 8);
	for (size_t i = 0; i < COUNT_OF(edits); i++)
		assert_foiled(life, &edits[i], &rows[i], thief);
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 0);
	life_assert_alive(life);
	life_assert_settled(life);
}

/* The two edits that pay a thief: another receiver, another amount. */
static void test_row_edited_receiver_and_amount(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2];
	struct address thief = life_fresh_address(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, "POL", 1000 + i);
	life_process(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		edit_make(life, &edits[i], &rows[i], thief);
	life_run(life, 8);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_foiled(life, &edits[i], &rows[i], thief);
}

/* Before the processor, which does not know the intent's key: the signer does not believe it. */
static void test_row_edited_before_approval(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[COUNT_OF(edits)];
	struct address thief = life_fresh_address(life);
	size_t intent_edits = 15; /* the rest is of the approval */
	for (size_t i = 0; i < intent_edits; i++) {
		rows[i] = life_accept(life, "POL", 1000 + i);
		edit_make(life, &edits[i], &rows[i], thief);
	}
	life_run(life, 8);
	for (size_t i = 0; i < intent_edits; i++) {
		bool rejected = life_view(life, rows[i].intent.id).withdrawal.stage ==
				WITHDRAWAL_REJECTED; /* an amount of nothing is below the minimum */
		if (rejected)
			life_assert_unpaid(life, &rows[i]);
		else
			assert_foiled(life, &edits[i], &rows[i], thief);
	}
	life_assert_alive(life);
	life_assert_settled(life);
}

/* Where the signer's work stands still while the editor writes. */
static const char *const halts[] = {
	"journal_append_many", /* nonce taken, nothing journaled */
	"keys_sign_many",      /* journaled, not signed */
	"store_attempts_add",  /* signed, not stored */
};

/* After the nonce is taken, before the signature is stored: the slot pays nobody. */
static void test_row_edited_after_reservation(void **state)
{
	struct life *life = *state;
	struct address thief = life_fresh_address(life);
	life_fault_install(life);
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		const char *halt = halts[i % COUNT_OF(halts)];
		struct withdrawal row = life_accept(life, i % 2 ? "TUSD" : "POL", 1000 + i);
		life_process(life);
		life_fault_at(life, LIFE_FAULT_FAIL, halt, 0);
		life_sign(life);
		assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_RESERVED);
		edit_make(life, &edits[i], &row, thief);
		life_fault_clear(life);
		life_run(life, 2);
		assert_foiled(life, &edits[i], &row, thief);
	}
	life_run(life, 9); /* the slots are filled by self-transfers, deep enough to be final */
	life_assert_alive(life);
	life_assert_settled(life);
}

static void test_row_deleted_after_reservation(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	for (size_t i = 0; i < COUNT_OF(halts); i++) {
		struct withdrawal row = life_accept(life, "POL", 4000 + i);
		life_process(life);
		life_fault_at(life, LIFE_FAULT_FAIL, halts[i], 0);
		life_sign(life);
		life_sql(life, "DELETE FROM withdrawals WHERE id = %s", hex_of(&row));
		life_fault_clear(life);
		life_run(life, 2);
		life_assert_unpaid(life, &row);
	}
	assert_true(life_alarms(life, "slot_turned_cancel") >= COUNT_OF(halts));
	life_run(life, 9);
	life_assert_alive(life);
	life_assert_settled(life);
}

/* A completed row set back by hand still has two good MACs. */
static const struct edit resets[] = {
	{ "stage", "stage = 3" },
	{ "due", "stage = 3, due_at = 1" },
	{ "round", "stage = 3, due_at = 1, round = 1" },
	{ "two_rounds", "stage = 3, due_at = 1, round = 2" },
	{ "round_max", "stage = 3, due_at = 1, round = 4294967295" },
	{ "version", "stage = 3, due_at = 1, version = 900, transfer_id = NULL" },
	{ "accepted", "stage = 1, due_at = 1, transfer_id = NULL" },
	{ "assigned", "stage = 4, due_at = 1" },
	{ "assigned_round", "stage = 4, due_at = 1, round = 1" },
	{ "assigned_round_max", "stage = 4, due_at = 1, round = 4294967295" },
	{ "assigned_loose", "stage = 4, due_at = 1, transfer_id = NULL" },
};

static void resets_run(struct life *life, const char *also)
{
	struct withdrawal rows[COUNT_OF(resets)];
	for (size_t i = 0; i < COUNT_OF(resets); i++)
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 5000 + i);
	life_run(life, 8);
	for (size_t i = 0; i < COUNT_OF(resets); i++)
		life_assert_paid(life, &rows[i]);
	for (size_t i = 0; i < COUNT_OF(resets); i++) {
		life_sql(life, "UPDATE withdrawals SET %s WHERE id = %s; %s", resets[i].set,
			 hex_of(&rows[i]), also);
		life_sql(life,
			 "INSERT OR IGNORE INTO messages (queue, subject, correlation_id, "
			 "created_at, visible_at) VALUES (2, %s, 'forged', 1, 1)",
			 hex_of(&rows[i]));
	}
	int64_t slots = life_number(life, "SELECT count(*) FROM transfers", NULL);
	life_run(life, 10);
	for (int i = 0; i < 4; i++) {
		life_wait(life, 20000);
		life_run(life, 2);
	}
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), slots);
	for (size_t i = 0; i < COUNT_OF(resets); i++) {
		struct withdrawal now = life_view(life, rows[i].intent.id).withdrawal;
		if (now.held_reason[0] == 0)
			fail_msg("%s: %s, wait '%s'", resets[i].name,
				 withdrawal_stage_text(now.stage), now.wait_reason);
		assert_true(u256_equal(life_balance(life, rows[i].intent.asset, rows[i].intent.to),
				       rows[i].intent.amount.units));
	}
	assert_true(life_alarms(life, "withdrawal_held") >= COUNT_OF(resets));
	life_assert_alive(life);
}

static void test_row_reset(void **state)
{
	resets_run(*state, "");
}

/* The editor also takes away what the store knows of the payment. */
static void test_row_reset_items_deleted(void **state)
{
	resets_run(*state, "DELETE FROM transfer_items");
}

static void test_row_reset_attempts_deleted(void **state)
{
	resets_run(*state, "DELETE FROM attempts");
}

/* The slot says that it was replaced, so that the next round looks right. */
static void test_row_reset_outcome_edited(void **state)
{
	resets_run(*state, "UPDATE transfers SET outcome = 3; "
			   "UPDATE attempts SET is_cancel = 1; "
			   "UPDATE transfer_items SET outcome = 3");
}

/* A client's key used again: the row of its first use is gone, the right to be paid is spent. */
static void test_row_deleted_key_used_again(void **state)
{
	struct life *life = *state;
	struct withdrawal first = life_accept(life, "POL", 6000);
	life_run(life, 8);
	life_assert_paid(life, &first);
	life_sql(life, "DELETE FROM withdrawals; DELETE FROM transfer_items");
	life->made = 0; /* the same idempotency key */
	struct withdrawal again = life_accept(life, "POL", 6000);
	life_run(life, 8);
	life_assert_held(life, &again, "right_already_spent");
	life_assert_alive(life);
}

/* The configuration of a role says something else of the symbol than the row was accepted with. */
static void test_decimals_changed(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 6100);
	life->catalogue.assets[1].decimals = 18;
	life_run(life, 4);
	life_assert_held(life, &row, "asset_mismatch");
	life->catalogue.assets[1].decimals = 6;
	life_assert_alive(life);
}

static void test_symbol_rebound(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 6101);
	struct address real = life->catalogue.assets[1].contract;
	life_process(life);
	life->catalogue.assets[1].contract = life_fresh_address(life);
	life_run(life, 4);
	life->catalogue.assets[1].contract = real;
	life_assert_held(life, &row, "asset_mismatch");
	life_assert_alive(life);
}

static void message_forge(struct life *life, const char *id)
{
	life_sql(life,
		 "INSERT OR REPLACE INTO messages (queue, subject, correlation_id, created_at, "
		 "visible_at) VALUES (2, %s, 'forged', 1, 1)",
		 id);
}

static void test_message_forged(void **state)
{
	struct life *life = *state;
	struct address unknown = life_fresh_address(life);
	struct withdrawal paid = life_accept(life, "POL", 7000);
	life_run(life, 8);
	struct withdrawal accepted = life_accept(life, "POL", 7001);
	message_forge(life, hex_of(&accepted)); /* the processor has not seen it */
	message_forge(life, life_blob(unknown.bytes, 16));
	message_forge(life, hex_of(&paid));
	life_sign(life);
	life_assert_stage(life, &accepted, WITHDRAWAL_ACCEPTED);
	life_assert_unpaid(life, &accepted);
	assert_int_equal(life_alarms(life, "message_without_cause"), 2);
	assert_int_equal(life_number(life, "SELECT count(*) FROM messages WHERE queue = 2", NULL),
			 0);
	life_run(life, 8);
	life_assert_paid(life, &paid);
	life_assert_paid(life, &accepted);
	life_assert_settled(life);
}

static void test_replay_after_dlq(void **state)
{
	struct life *life = *state;
	struct store_by person = { .actor = ACTOR_PERSON,
				   .who = "life",
				   .request_id = "",
				   .now_ms = clock_now_ms(&life->clock.base) };
	struct withdrawal row = life_accept(life, "POL", 8000);
	struct err err = { 0 };
	size_t moved = 1;
	life_run(life, 8);
	life_assert_paid(life, &row);
	for (int i = 0; i < 3; i++) {
		life_sql(life,
			 "INSERT INTO messages (queue, subject, correlation_id, created_at, "
			 "visible_at) VALUES (12, %s, 'old', 1, 1)",
			 hex_of(&row));
		message_forge(life, hex_of(&row));
		life_wait(life, INT64_C(12) * 3600 * 1000);
		assert_true(
			store_redrive(life->store, QUEUE_SIGNING_DLQ, 10, &person, &moved, &err));
		assert_int_equal(moved, 0);
		life_run(life, 8);
		life_assert_paid(life, &row);
	}
	life_assert_settled(life);
}

static void found(void *context, const struct audit_finding *finding)
{
	size_t *cuts = context;
	*cuts += finding->kind == AUDIT_CUT || finding->kind == AUDIT_HEAD_DIFFERS;
	print_message("# %s\n", finding->text);
}

/* How many say that the feed's end is not what the journal knows. */
static size_t cuts_of(struct life *life, struct audit_report *ret_report)
{
	size_t cuts = 0;
	struct audit_options options = { .store = life->store,
					 .journal = life->journal,
					 .keys = life_feed_keys(life),
					 .context = &cuts,
					 .found = found };
	struct err err = { 0 };
	assert_true(audit_verify(&options, ret_report, &err));
	return cuts;
}

/* The newest seals go into the journal. */
static void heads_copy(struct life *life)
{
	life_watch(life);
	life_wait(life, 61000);
	life_watch(life);
	life_sign(life);
}

/* The end of the feed is cut off, and it goes on from there as if nothing was: who wrote it died.
 */
static void test_audit_edited_an_end_is_in_the_journal(void **state)
{
	struct life *life = *state;
	struct audit_report report;
	struct withdrawal row = life_accept(life, "POL", 7000);
	heads_copy(life);
	life_run(life, 8);
	life_assert_paid(life, &row);
	heads_copy(life);
	assert_int_equal(cuts_of(life, &report), 0);
	assert_true(report.heads >= 2);
	assert_int_equal(life_alarms(life, "feed_differs"), 0);
	life_sql(life, "DELETE FROM audit WHERE feed > (SELECT MAX(audit_to - audit_rows) FROM "
		       "feed_seals)");
	life_sql(life, "DELETE FROM events WHERE feed > (SELECT MAX(events_to - events_rows) FROM "
		       "feed_seals)");
	life_sql(life,
		 "DELETE FROM feed_seals WHERE number = (SELECT MAX(number) FROM feed_seals)");
	life_restart(life, LIFE_MONITOR);
	row = life_accept(life, "POL", 7001);
	life_run(life, 8);
	heads_copy(life);
	heads_copy(life);
	assert_true(life_alarms(life, "feed_differs") == 1);
	assert_true(cuts_of(life, &report) == 1);
	life_assert_paid(life, &row);
}

/* What came after the copy was made is gone with the store that was lost: nobody is called. */
static void test_heads_of_a_store_that_was_restored(void **state)
{
	struct life *life = *state;
	struct audit_report report;
	struct store_by person = { .actor = ACTOR_PERSON,
				   .who = "ann",
				   .request_id = "",
				   .now_ms = clock_now_ms(&life->clock.base) };
	struct err err = { 0 };
	uint64_t number = 0;
	life_back_up(life);
	struct withdrawal row = life_accept(life, "POL", 7002);
	life_process(life);
	heads_copy(life);
	(void)row;
	assert_int_equal(cuts_of(life, &report), 0);
	uint64_t before = report.heads;
	assert_true(before >= 1);
	life_restore(life);
	assert_true(store_recover_begin(life->store, 1, false, &person, &number, &err));
	life_restart(life, LIFE_MONITOR);
	heads_copy(life);
	heads_copy(life);
	assert_int_equal(life_alarms(life, "feed_differs"), 0);
	assert_int_equal(cuts_of(life, &report), 0);
	assert_int_equal(report.findings, 0);
	assert_true(report.heads >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_audit_edited_an_end_is_in_the_journal),
		LIFE_TEST(test_heads_of_a_store_that_was_restored),
		LIFE_TEST(test_row_edited),
		LIFE_TEST(test_row_edited_receiver_and_amount),
		LIFE_TEST(test_row_edited_before_approval),
		LIFE_TEST(test_row_edited_after_reservation),
		LIFE_TEST(test_row_deleted_after_reservation),
		LIFE_TEST(test_row_reset),
		LIFE_TEST(test_row_reset_items_deleted),
		LIFE_TEST(test_row_reset_attempts_deleted),
		LIFE_TEST(test_row_reset_outcome_edited),
		LIFE_TEST(test_row_deleted_key_used_again),
		LIFE_TEST(test_decimals_changed),
		LIFE_TEST(test_symbol_rebound),
		LIFE_TEST(test_message_forged),
		LIFE_TEST(test_replay_after_dlq),
	};
	return LIFE_MAIN(tests);
}
