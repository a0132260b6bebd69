/* The signer's limits of an hour and a day: what counts, and what counting costs. */
#include "life_fault.h"
#include "life_world.h"

#define MINUTE_MS INT64_C(60000)

static void limit_token(struct life *life, uint64_t hour, uint64_t day)
{
	life->catalogue.assets[1].hour_max.units = u256_from_u64(hour);
	life->catalogue.assets[1].day_max.units = u256_from_u64(day);
}

static int64_t slots_count(struct life *life)
{
	return life_number(life, "SELECT count(*) FROM transfers", NULL);
}

/* Somebody else's entry in the journal: a right of the token on a slot of the wallet that the store
 * will not reach. */
static struct journal_entry foreign_entry(struct life *life, size_t wallet, uint64_t number,
					  uint64_t units, int64_t age_ms)
{
	struct journal_entry entry = { .has_slot = true, .kind = JOURNAL_PAY, .has_right = true };
	entry.slot = (struct journal_slot){ .chain_id = 31337,
					    .wallet = life->catalogue.wallets[wallet].address,
					    .nonce = 1000000 + number };
	struct journal_right *right = &entry.right;
	memcpy(right->withdrawal.bytes, &number, sizeof number);
	right->withdrawal.bytes[15] = (uint8_t)(wallet + 1);
	memcpy(right->pay_tag, right->withdrawal.bytes, sizeof right->withdrawal.bytes);
	right->slot = entry.slot;
	right->chain_id = 31337;
	right->asset = life->catalogue.assets[1].contract;
	right->amount.units = u256_from_u64(units);
	right->time_ms = clock_now_ms(&life->clock.base) - age_ms;
	return entry;
}

static void journal_fill(struct life *life, size_t wallet, uint64_t from, uint64_t to,
			 uint64_t units, int64_t age_ms)
{
	struct journal_entry entries[BATCH_MAX];
	enum journal_verdict verdicts[BATCH_MAX];
	struct err err = { 0 };
	while (from < to) {
		size_t n = 0;
		for (; n < BATCH_MAX && from < to; n++, from++)
			entries[n] = foreign_entry(life, wallet, from, units, age_ms);
		assert_true(journal_append_many(life->journal, entries, n, verdicts, &err));
	}
}

static void pay_one_by_one(struct life *life, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct withdrawal row = life_accept(life, "TUSD", 1000 + i);
		life_run(life, 5);
		life_assert_paid(life, &row);
	}
}

/* Each right is read once after a wallet was taken over, however many there are. */
static void cost_run(struct life *life, uint64_t rights)
{
	const struct life_fault_plan count = { .mode = LIFE_FAULT_FAIL,
					       .call = "journal_window_of",
					       .at = UINT64_MAX };
	life_fault_install(life);
	limit_token(life, 1000000, 1000000);
	life_sign(life);
	for (size_t i = 0; i < 3; i++)
		journal_fill(life, i, 0, rights, 1, 30 * MINUTE_MS);
	life_fault_plan(life, count);
	pay_one_by_one(life, 2);
	uint64_t windows = life_fault_seen(life);
	uint64_t listed = life_fault_rights_listed(life);
	assert_true(windows > 0 && windows <= 3);
	pay_one_by_one(life, 10);
	assert_true(life_fault_seen(life) <= 3);
	assert_true(life_fault_rights_listed(life) - listed <= 10 + 2);
	life_fault_clear(life);
}

static void test_cost_of_few(void **state)
{
	cost_run(*state, 10);
}

static void test_cost_of_many(void **state)
{
	cost_run(*state, 3000);
}

/* What others wrote into the journal counts from the next payment on: here, what fills two wallets
 * after their windows were read, and the third in part. */
static void test_foreign_rights_count(void **state)
{
	struct life *life = *state;
	limit_token(life, 10000, 10000);
	pay_one_by_one(life, 4);
	int64_t before = slots_count(life);
	struct withdrawal rows[6];
	journal_fill(life, 0, 0, 70, 150, MINUTE_MS);
	journal_fill(life, 1, 0, 1, 10000, 0);
	journal_fill(life, 2, 0, 1, 5000, 50 * MINUTE_MS);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, "TUSD", 4000);
	life_run(life, 6);
	assert_int_equal(slots_count(life) - before, 1);
	size_t waiting = 0;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		waiting += strcmp(life_view(life, rows[i].intent.id).withdrawal.wait_reason,
				  "hour_limit") == 0;
	assert_int_equal(waiting, COUNT_OF(rows) - 1);
}

static void wallet_1_spends(struct life *life, const struct withdrawal *row)
{
	(void)row;
	journal_fill(life, 1, 0, 1, 6000, 0);
}

/* A right that is appended while a window is filled counts once. */
static void test_right_appended_meanwhile(void **state)
{
	struct life *life = *state;
	const struct life_fault_plan plan = {
		.mode = LIFE_FAULT_ACT, .call = "journal_window_of", .at = 1, .act = wallet_1_spends
	};
	life_fault_install(life);
	limit_token(life, 10000, 10000);
	pay_one_by_one(life, 1); /* from wallet 0, whose window is there now */
	journal_fill(life, 0, 0, 1, 10000, 0);
	journal_fill(life, 2, 0, 1, 10000, 0);
	life_fault_plan(life, plan);
	for (size_t i = 0; i < 2; i++) {
		struct withdrawal row = life_accept(life, "TUSD", 2000);
		life_run(life, 5);
		life_assert_paid(life, &row);
	}
	assert_string_equal(life_fault_hit(life), "journal_window_of");
	struct withdrawal last = life_accept(life, "TUSD", 2000);
	life_run(life, 2);
	life_assert_waits(life, &last, "hour_limit");
}

/* An append whose answer is lost was one, and one that failed was none: either way nothing is paid
 * above the limit, and what may be is. */
static void append_run(struct life *life, enum life_fault_mode mode, const char *call)
{
	struct withdrawal rows[9];
	size_t paid = 0;
	limit_token(life, 1500, 1500);
	life_fault_install(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		life_fault_at(life, mode, call, 1 + i % 2);
		rows[i] = life_accept(life, "TUSD", 1000 + i);
		life_process(life);
		life_sign(life);
		life_wait(life, 1500);
	}
	life_fault_clear(life);
	for (int i = 0; i < 2; i++) {
		life_wait(life, 2000);
		life_run(life, 6);
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		paid += life_view(life, rows[i].intent.id).withdrawal.stage == WITHDRAWAL_COMPLETED;
	assert_int_equal(slots_count(life), 3);
	assert_int_equal(paid, 3);
	life_assert_settled(life);
}

static void test_append_lost(void **state)
{
	append_run(*state, LIFE_FAULT_LOSE, "journal_append_many");
}

static void test_append_failed(void **state)
{
	append_run(*state, LIFE_FAULT_FAIL, "journal_append_many");
}

static void test_death_after_append(void **state)
{
	append_run(*state, LIFE_FAULT_KILL, "journal_append_many");
}

static void test_window_is_away(void **state)
{
	append_run(*state, LIFE_FAULT_FAIL, "journal_window_of");
}

static void test_rights_are_away(void **state)
{
	append_run(*state, LIFE_FAULT_FAIL, "journal_rights_after");
}

static void pay_up_to_the_limit(struct life *life)
{
	limit_token(life, 1500, 1500);
	for (size_t i = 0; i < 3; i++)
		(void)life_accept(life, "TUSD", 1000 + i);
	life_run(life, 5);
	assert_int_equal(slots_count(life), 3);
}

static void assert_limited_after(struct life *life, int64_t jump_ms, uint64_t units)
{
	life_wait(life, jump_ms);
	struct withdrawal row = life_accept(life, "TUSD", units);
	life_run(life, 3);
	life_assert_waits(life, &row, "hour_limit");
	assert_int_equal(slots_count(life), 3);
}

/* The clock goes back, and what was paid stands ahead of it: it counts. */
static void test_clock_goes_back(void **state)
{
	struct life *life = *state;
	pay_up_to_the_limit(life);
	assert_limited_after(life, -70 * MINUTE_MS, 1100);
	assert_limited_after(life, 30 * MINUTE_MS, 1101);
	assert_limited_after(life, 39 * MINUTE_MS, 1102);
	assert_limited_after(life, 30 * MINUTE_MS, 1103);
}

/* A judgement while the clock is a day ahead forgets nothing that counts when it is right again. */
static void test_clock_was_ahead(void **state)
{
	struct life *life = *state;
	pay_up_to_the_limit(life);
	assert_limited_after(life, 1500 * MINUTE_MS, 1600);
	assert_limited_after(life, -1490 * MINUTE_MS, 1100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_cost_of_few),          LIFE_TEST(test_cost_of_many),
		LIFE_TEST(test_foreign_rights_count), LIFE_TEST(test_right_appended_meanwhile),
		LIFE_TEST(test_append_lost),          LIFE_TEST(test_append_failed),
		LIFE_TEST(test_death_after_append),   LIFE_TEST(test_window_is_away),
		LIFE_TEST(test_rights_are_away),      LIFE_TEST(test_clock_goes_back),
		LIFE_TEST(test_clock_was_ahead),
	};
	return LIFE_MAIN(tests);
}
