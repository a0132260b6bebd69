/* Wake-ups that get lost, grants that run out, limits, parts that are away: all of it waits, none
 * of it is lost, and only what nobody can work on is held. */
#include "life_fault.h"
#include "life_world.h"

static void run_long(struct life *life, int times, int64_t pause_ms)
{
	for (int i = 0; i < times; i++) {
		life_wait(life, pause_ms);
		life_run(life, 8);
	}
}

static void test_approval_expired(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2];
	life->approval_life_ms = 3000;
	life_restart(life, LIFE_PROCESSOR);
	rows[0] = life_accept(life, "POL", 4000);
	rows[1] = life_accept(life, "TUSD", 4001);
	life_process(life);
	life_wait(life, 5000);
	life_sign(life);
	life_assert_waits(life, &rows[0], "approval_expired");
	run_long(life, 1, 1000);
	life_assert_paid(life, &rows[0]);
	life_assert_paid(life, &rows[1]);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* Today's rules would not grant it any more: it is canceled, by the signer, with its void. */
static void test_approval_not_renewed(void **state)
{
	struct life *life = *state;
	life->approval_life_ms = 3000;
	life_restart(life, LIFE_PROCESSOR);
	struct withdrawal row = life_accept(life, "POL", 4010);
	life_process(life);
	life->catalogue.assets[0].maximum.units = u256_from_u64(4000);
	life_wait(life, 5000);
	run_long(life, 1, 1000);
	life_assert_stage(life, &row, WITHDRAWAL_CANCELED);
	life_assert_unpaid(life, &row);
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 0);
}

static size_t completed(struct life *life, const struct withdrawal *rows, size_t n)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		if (life_view(life, rows[i].intent.id).withdrawal.stage == WITHDRAWAL_COMPLETED)
			count++;
	return count;
}

#define HOUR_MS (INT64_C(3600) * 1000)

/* Three wallets, each with room for two payouts an hour and five a day. */
static void test_hour_and_day_limits(void **state)
{
	struct life *life = *state;
	struct asset *token = &life->catalogue.assets[1];
	struct withdrawal rows[20];
	token->hour_max.units = u256_from_u64(2500);
	token->day_max.units = u256_from_u64(5500);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, "TUSD", 1000 + i);
	run_long(life, 2, 2000);
	assert_int_equal(completed(life, rows, COUNT_OF(rows)), 6);
	struct withdrawal coin = life_accept(life, "POL", 5000); /* not limited */
	run_long(life, 2, 2000);
	life_assert_paid(life, &coin);
	run_long(life, 2, HOUR_MS / 4);
	assert_int_equal(completed(life, rows, COUNT_OF(rows)), 6);
	assert_true(life_alarms(life, "withdrawal_waits") > 0);
	run_long(life, 2, HOUR_MS / 2);
	assert_int_equal(completed(life, rows, COUNT_OF(rows)), 12);
	run_long(life, 6, HOUR_MS / 2);
	assert_int_equal(completed(life, rows, COUNT_OF(rows)), 15); /* the day's */
	run_long(life, 2, 24 * HOUR_MS);
	assert_int_equal(completed(life, rows, COUNT_OF(rows)), 20);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* Slots that are reserved and not journaled yet count as well; so does what an editor reserves. */
static void test_limit_counts_reserved_slots(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[9];
	life->catalogue.assets[1].hour_max.units = u256_from_u64(1500);
	life->catalogue.assets[1].day_max.units = u256_from_u64(1500);
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "journal_append_many", 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rows[i] = life_accept(life, "TUSD", 1000 + i);
		life_process(life);
		life_sign(life);
	}
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 3);
	life_fault_clear(life);
	run_long(life, 2, 2000);
	assert_int_equal(completed(life, rows, COUNT_OF(rows)), 3);
	life_assert_settled(life);
}

/* The limit is lowered while slots wait for their signature: they are given up, and wait. */
static void test_limit_lowered_after_reservation(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "journal_append_many", 0);
	struct withdrawal row = life_accept(life, "TUSD", 4100);
	life_process(life);
	life_sign(life);
	life_fault_clear(life);
	life->catalogue.assets[1].hour_max.units = u256_from_u64(4000);
	run_long(life, 2, 16000);
	life_assert_unpaid(life, &row);
	life_assert_waits(life, &row, "hour_limit");
	life->catalogue.assets[1].hour_max.units = u256_from_u64(10000);
	run_long(life, 2, HOUR_MS);
	life_assert_paid(life, &row);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* A message that ends its worker each time: after five receives its row is held; a redrive puts
 * both back. The others go on. */
static void dead_letter_run(struct life *life, const char *call, enum life_role role,
			    enum queue_name dlq)
{
	struct store_by person = {
		.actor = ACTOR_PERSON, .who = "life", .request_id = "", .now_ms = 0
	};
	struct id ids[4];
	struct err err = { 0 };
	size_t n = 0;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 4200);
	if (role == LIFE_SIGNER)
		life_process(life);
	for (int i = 0; i < 5; i++) {
		life_fault_at(life, LIFE_FAULT_KILL, call, 1);
		if (role == LIFE_SIGNER)
			life_sign(life);
		else
			life_process(life);
		assert_string_equal(life_fault_hit(life), call);
		life_wait(life, 61000);
	}
	life_fault_clear(life);
	life_run(life, 2);
	life_assert_held(life, &row, "dead_letter");
	assert_true(store_dlq_list(life->store, dlq, ids, COUNT_OF(ids), &n, &err));
	assert_int_equal(n, 1);
	life_assert_alive(life);
	run_long(life, 2, 60000);
	life_assert_held(life, &row, "dead_letter"); /* the sweeper leaves it alone */
	person.now_ms = clock_now_ms(&life->clock.base);
	assert_true(store_redrive(life->store, dlq, 10, &person, &n, &err));
	assert_int_equal(n, 1);
	run_long(life, 1, 1000);
	life_assert_paid(life, &row);
	life_assert_settled(life);
	life_assert_quiet(life);
}

static void test_poison_message_of_signer(void **state)
{
	dead_letter_run(*state, "store_withdrawals_load", LIFE_SIGNER, QUEUE_SIGNING_DLQ);
}

static void test_poison_message_of_processor(void **state)
{
	dead_letter_run(*state, "store_withdrawals_load", LIFE_PROCESSOR, QUEUE_REQUEST_DLQ);
}

/* A bad message in a queue keeps none of its neighbours. */
static void test_poison_message_alone(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[6];
	life_fault_install(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, "POL", 4300 + i);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_KILL, "store_withdrawals_load", 1);
	life_sign(life); /* all six have been received once */
	life_fault_clear(life);
	run_long(life, 1, 61000);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	life_assert_settled(life);
}

/* The row is there, its wake-up is not. */
static void test_accept_then_crash(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 4350);
	life_sql(life, "DELETE FROM messages");
	life_run(life, 2);
	life_assert_stage(life, &row, WITHDRAWAL_ACCEPTED);
	run_long(life, 1, 11000);
	life_assert_paid(life, &row);
}

/* A worker takes the message and dies, as processor and as signer: it comes back, and is not taken
 * for somebody else's. */
static void test_claimed_then_crash(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 4360);
	life_fault_at(life, LIFE_FAULT_KILL, "queue_claim", 1);
	life_process(life);
	life_fault_clear(life);
	life_run(life, 2);
	life_assert_stage(life, &row, WITHDRAWAL_ACCEPTED); /* still claimed by the dead */
	life_wait(life, 31000);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_KILL, "queue_claim", 1);
	life_sign(life);
	life_fault_clear(life);
	life_run(life, 2);
	life_assert_stage(life, &row, WITHDRAWAL_QUEUED);
	run_long(life, 1, 61000);
	life_assert_paid(life, &row);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* Every message is gone, at every stage of six lives. */
static void test_queue_wiped(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[6];
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 4400 + i);
		life_sql(life, "DELETE FROM messages");
		if (i >= 1)
			life_process(life);
		life_sql(life, "DELETE FROM messages");
		if (i >= 3)
			life_sign(life);
		life_sql(life, "DELETE FROM messages");
	}
	for (int i = 0; i < 3; i++) {
		run_long(life, 1, 16000);
		life_sql(life, "DELETE FROM messages");
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* Every message is gone, and with each role all that it kept in memory. */
static void test_cache_wiped(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[6];
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 4450 + i);
		if (i >= 1)
			life_process(life);
		if (i >= 3)
			life_sign(life);
		if (i >= 5)
			life_mine(life, 1);
		life_watch(life);
		life_sql(life, "DELETE FROM messages");
		life_restart(life, LIFE_PROCESSOR);
		life_restart(life, LIFE_SIGNER);
		life_restart(life, LIFE_MONITOR);
	}
	run_long(life, 3, 16000);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* Its message is done and deleted, it waits for funds, and whoever knew of it dies. */
static void test_held_in_memory(void **state)
{
	struct life *life = *state;
	struct u256 before = life_balance(life, "POL", life->catalogue.wallets[0].address);
	for (size_t i = 0; i < life->catalogue.wallets_len; i++)
		life_fund(life, life->catalogue.wallets[i].address, u256_zero());
	life_mine(life, 1);
	struct withdrawal row = life_accept(life, "POL", 4460);
	life_run(life, 2);
	life_assert_waits(life, &row, "funds");
	assert_int_equal(life_number(life, "SELECT count(*) FROM messages", NULL), 0);
	life_restart(life, LIFE_PROCESSOR);
	life_restart(life, LIFE_SIGNER);
	life_restart(life, LIFE_MONITOR);
	life_fund(life, life->catalogue.wallets[0].address, before);
	run_long(life, 2, 16000);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

static void messages_lose(struct life *life, const struct withdrawal *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		life_sql(life, "DELETE FROM messages WHERE subject = %s",
			 life_blob(rows[i].intent.id.bytes, ID_BYTES));
}

/* Of a batch of messages some were not taken by the queue, and nobody heard of it. */
static void test_partial_batch_send(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[6];
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 4470 + i);
	messages_lose(life, rows, 2);
	life_process(life);
	messages_lose(life, rows + 1, 2);
	life_run(life, 2);
	run_long(life, 2, 16000);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	life_assert_settled(life);
	life_assert_quiet(life);
}

#define AWAY_ROWS 4

/* A part is away for an hour: what needs it waits, and nothing is held for it. */
static void away_run(struct life *life, const char *call, size_t n)
{
	struct withdrawal rows[AWAY_ROWS];
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_FAIL, call, 0);
	for (size_t i = 0; i < n; i++)
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 4500 + i);
	for (int i = 0; i < 20; i++) {
		life_wait(life, HOUR_MS / 20);
		life_run(life, 1);
	}
	assert_true(life_fault_seen(life) > 0);
	life_fault_clear(life);
	run_long(life, 3, 61000);
	for (size_t i = 0; i < n; i++)
		life_assert_paid(life, &rows[i]);
	life_assert_settled(life);
	life_assert_quiet(life);
}

#define AWAY_TEST(call)                             \
	static void test_away_##call(void **state)  \
	{                                           \
		away_run(*state, #call, AWAY_ROWS); \
	}

/* A batch asks for all of its names at once, and one by one where that fails. */
static void test_away_journal_rights_of(void **state)
{
	away_run(*state, "journal_rights_of", 1);
}

AWAY_TEST(journal_rights_any)
AWAY_TEST(journal_append_many)
AWAY_TEST(keys_sign_many)
AWAY_TEST(chain_head)
AWAY_TEST(chain_balances)
AWAY_TEST(chain_estimate_many)
AWAY_TEST(chain_send_many)
AWAY_TEST(chain_receipts)
AWAY_TEST(chain_nonces)
AWAY_TEST(store_transfers_reserve)
AWAY_TEST(store_attempts_add)
AWAY_TEST(store_attempts_sent)
AWAY_TEST(store_transfers_observe)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_approval_expired),
		LIFE_TEST(test_approval_not_renewed),
		LIFE_TEST(test_hour_and_day_limits),
		LIFE_TEST(test_limit_counts_reserved_slots),
		LIFE_TEST(test_limit_lowered_after_reservation),
		LIFE_TEST(test_poison_message_of_signer),
		LIFE_TEST(test_poison_message_of_processor),
		LIFE_TEST(test_poison_message_alone),
		LIFE_TEST(test_accept_then_crash),
		LIFE_TEST(test_claimed_then_crash),
		LIFE_TEST(test_queue_wiped),
		LIFE_TEST(test_cache_wiped),
		LIFE_TEST(test_held_in_memory),
		LIFE_TEST(test_partial_batch_send),
		LIFE_TEST(test_away_journal_rights_of),
		LIFE_TEST(test_away_journal_rights_any),
		LIFE_TEST(test_away_journal_append_many),
		LIFE_TEST(test_away_keys_sign_many),
		LIFE_TEST(test_away_chain_head),
		LIFE_TEST(test_away_chain_balances),
		LIFE_TEST(test_away_chain_estimate_many),
		LIFE_TEST(test_away_chain_send_many),
		LIFE_TEST(test_away_chain_receipts),
		LIFE_TEST(test_away_chain_nonces),
		LIFE_TEST(test_away_store_transfers_reserve),
		LIFE_TEST(test_away_store_attempts_add),
		LIFE_TEST(test_away_store_attempts_sent),
		LIFE_TEST(test_away_store_transfers_observe),
	};
	return LIFE_MAIN(tests);
}
