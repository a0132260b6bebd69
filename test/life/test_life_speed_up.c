/* A payment that no block takes: bumped for its age, for the market, on demand; and no further, and
 * no more often, than the signer's limits allow. */
#include "life_fault.h"
#include "life_world.h"

#include "core/tx.h"
#include "core/wish.h"

#define GWEI        UINT64_C(1000000000)
#define INTERVAL_MS 2100 /* chain_params.rebroadcast_after_ms of a life, and a little */

/* Accepted and sent, when fees are low: the node remembers the last test's. */
static struct withdrawal send_one(struct life *life, const char *symbol, uint64_t units)
{
	life_base_fee(life, GWEI);
	life_mine(life, 1);
	life_wait(life, 1000);
	struct withdrawal row = life_accept(life, symbol, units);
	life_process(life);
	life_sign(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_BROADCAST);
	return row;
}

/* The next block costs so much that what was sent is in none. */
static void stuck(struct life *life, uint64_t gwei)
{
	life_base_fee(life, gwei * GWEI);
	life_mine(life, 1);
}

static struct attempt attempt_of(struct life *life, const struct withdrawal *row, uint32_t number)
{
	struct attempt attempts[ATTEMPTS_MAX];
	struct err err = { 0 };
	size_t n = 0;
	struct id transfer = life_view(life, row->intent.id).transfer.id;
	assert_true(store_attempts_load(life->store, transfer, attempts, ATTEMPTS_MAX, &n, &err));
	assert_true(number >= 1 && number <= n);
	return attempts[number - 1];
}

static uint32_t attempts_of(struct life *life, const struct withdrawal *row)
{
	return life_view(life, row->intent.id).transfer.attempts;
}

/* The newest attempt is the second, third, … and pays what the one before paid, or nobody; tip and
 * cap are raised by an eighth at least, rounded up; what it may cost is within the limits. */
static void assert_bumped(struct life *life, const struct withdrawal *row, uint32_t number,
			  enum wish_reason reason)
{
	const struct fee_limits *limits = &life->catalogue.chains[0].fees;
	struct attempt before = attempt_of(life, row, number - 1);
	struct attempt after = attempt_of(life, row, number);
	struct wei least, cost;
	struct tx tx;
	struct tx_signature signature;
	assert_int_equal(attempts_of(life, row), number);
	assert_int_equal(after.reason, reason);
	assert_true(tx_read_signed(str_from_bytes(after.raw, after.raw_len), &tx, &signature));
	assert_int_equal(tx.nonce, life_view(life, row->intent.id).transfer.nonce);
	assert_true(fee_bump(before.fees.tip, &least) && wei_compare(tx.fees.tip, least) >= 0);
	assert_true(fee_bump(before.fees.cap, &least) && wei_compare(tx.fees.cap, least) >= 0);
	assert_true(wei_compare(tx.fees.cap, limits->cap_max) <= 0);
	assert_true(wei_of_gas(tx.gas_limit, tx.fees.cap, &cost));
	if (!u256_is_zero(limits->slot_fee_max.value))
		assert_true(wei_compare(cost, limits->slot_fee_max) <= 0);
}

static int64_t events_of(struct life *life, const struct withdrawal *row, const char *type)
{
	char kept[64];
	snprintf(kept, sizeof kept, "%s", type);
	int64_t n = 0;
	struct store_event events[64];
	struct err err = { 0 };
	size_t len = 0;
	assert_true(store_events_list(life->store, row->intent.id, 0, events, COUNT_OF(events),
				      &len, &err));
	for (size_t i = 0; i < len; i++)
		n += strcmp(events[i].type, kept) == 0 ? 1 : 0;
	return n;
}

static void finish(struct life *life)
{
	for (int i = 0; i < 3; i++) {
		life_wait(life, 16000);
		life_run(life, 4);
	}
	life_assert_settled(life);
	life_assert_quiet(life);
}

static void wait_and_sign(struct life *life)
{
	life_wait(life, INTERVAL_MS);
	life_sign(life);
}

static void test_sped_up_and_mined_once(void **state)
{
	struct life *life = *state;
	static const char *const symbols[] = { "POL", "TUSD" };
	for (size_t i = 0; i < COUNT_OF(symbols); i++) {
		struct withdrawal row = send_one(life, symbols[i], 4000 + i);
		stuck(life, 60);
		assert_true(life_speed_up(life, &row));
		wait_and_sign(life);
		assert_bumped(life, &row, 2, WISH_REASON_SPEED_UP);
		/* Never below what a new payment needs today. */
		assert_true(wei_compare(attempt_of(life, &row, 2).fees.cap,
					(struct wei){ u256_from_u64(50 * GWEI) }) > 0);
		life_mine(life, 1);
		life_wait(life, 1000);
		life_watch(life);
		assert_true(hash32_equal(life_view(life, row.intent.id).transfer.mined_hash,
					 attempt_of(life, &row, 2).tx_hash));
		finish(life);
		life_assert_paid(life, &row);
		assert_int_equal(attempts_of(life, &row), 2);
		assert_int_equal(events_of(life, &row, "speed_up_requested"), 1);
		assert_int_equal(events_of(life, &row, "bumped"), 1);
	}
	life_assert_alive(life);
}

/* The interval counts from the last signature, whoever asks, and however often. */
static void test_twice_within_the_interval(void **state)
{
	struct life *life = *state;
	struct withdrawal row = send_one(life, "TUSD", 4010);
	assert_true(life_speed_up(life, &row));
	life_sign(life);
	assert_int_equal(attempts_of(life, &row), 1);
	wait_and_sign(life);
	assert_bumped(life, &row, 2, WISH_REASON_SPEED_UP);
	for (int i = 0; i < 3; i++) {
		(void)life_speed_up(life, &row);
		life_wait(life, 300);
		life_sign(life);
		assert_int_equal(attempts_of(life, &row), 2);
	}
	wait_and_sign(life);
	assert_bumped(life, &row, 3, WISH_REASON_SPEED_UP);
	/* Done: a wish is for one attempt. */
	wait_and_sign(life);
	assert_int_equal(attempts_of(life, &row), 3);
	finish(life);
	life_assert_paid(life, &row);
}

/* The process dies with the bump stored and not recorded as sent: the next one waits all the same,
 * and the stored bytes go out. */
static void test_twice_around_a_crash(void **state)
{
	struct life *life = *state;
	static const char *const calls[] = { "store_attempts_add", "chain_send_many" };
	life_fault_install(life);
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		struct withdrawal row = send_one(life, "POL", 4020 + i);
		assert_true(life_speed_up(life, &row));
		life_wait(life, INTERVAL_MS);
		life_fault_at(life, LIFE_FAULT_KILL, calls[i], 1);
		life_sign(life);
		assert_string_equal(life_fault_hit(life), calls[i]);
		life_fault_clear(life);
		assert_bumped(life, &row, 2, WISH_REASON_SPEED_UP);
		assert_true(life_speed_up(life, &row));
		life_sign(life);
		assert_int_equal(attempts_of(life, &row), 2);
		assert_true(attempt_of(life, &row, 2).sent_at != 0);
		assert_int_equal(events_of(life, &row, "bumped"), 1);
		wait_and_sign(life);
		assert_bumped(life, &row, 3, WISH_REASON_SPEED_UP);
		finish(life);
		life_assert_paid(life, &row);
	}
}

/* fee-cap-reached: the same bytes go on being sent, and are mined when fees fall. */
static void test_capped(void **state)
{
	struct life *life = *state;
	struct fee_limits *limits = &life->catalogue.chains[0].fees;
	struct wei most = limits->cap_max;
	for (int i = 0; i < 2; i++) {
		struct withdrawal row = send_one(life, "POL", 4030);
		struct attempt first = attempt_of(life, &row, 1);
		/* By the price of gas, and by the money that the slot may cost. */
		if (i == 0)
			limits->cap_max = first.fees.cap;
		else
			assert_true(
				wei_of_gas(first.gas_limit, first.fees.cap, &limits->slot_fee_max));
		stuck(life, 60);
		assert_true(life_speed_up(life, &row));
		int64_t sent_at = first.sent_at;
		for (int times = 0; times < 3; times++) {
			wait_and_sign(life);
			assert_int_equal(attempts_of(life, &row), 1);
			assert_true(attempt_of(life, &row, 1).sent_at > sent_at);
			sent_at = attempt_of(life, &row, 1).sent_at;
			/* Once in each interval. */
			life_wait(life, 500);
			life_sign(life);
			assert_true(attempt_of(life, &row, 1).sent_at == sent_at);
		}
		assert_int_equal(life_alarms(life, "fee_above_cap"), 1 + i);
		life_drop_pool(life); /* so that it is mined because it was sent again */
		life_base_fee(life, GWEI);
		life_mine(life, 1);
		wait_and_sign(life);
		finish(life);
		life_assert_paid(life, &row);
		assert_int_equal(attempts_of(life, &row), 1);
		limits->cap_max = most;
		limits->slot_fee_max = (struct wei){ u256_zero() };
	}
}

/* A bump that fits in part takes the limit, and the one after it is refused. */
static void test_up_to_the_limit(void **state)
{
	struct life *life = *state;
	struct fee_limits *limits = &life->catalogue.chains[0].fees;
	struct withdrawal row = send_one(life, "TUSD", 4040);
	struct attempt first = attempt_of(life, &row, 1);
	struct wei twice;
	assert_true(wei_add(first.fees.cap, first.fees.cap, &twice));
	assert_true(wei_of_gas(first.gas_limit, twice, &limits->slot_fee_max));
	for (int i = 0; i < 12; i++) {
		(void)life_speed_up(life, &row);
		wait_and_sign(life);
	}
	uint32_t n = attempts_of(life, &row);
	assert_true(n > 3 && n < 10);
	for (uint32_t number = 2; number <= n; number++)
		assert_true(wei_compare(attempt_of(life, &row, number).fees.cap, twice) <= 0);
	finish(life);
	life_assert_paid(life, &row);
}

/* The base fee passes what was sent: one interval later it is bumped, unasked. */
static void test_fee_pressure(void **state)
{
	struct life *life = *state;
	struct withdrawal row = send_one(life, "POL", 4050);
	stuck(life, 60);
	life_wait(life, 1000);
	life_watch(life);
	life_sign(life);
	assert_int_equal(attempts_of(life, &row), 1);
	life_wait(life, INTERVAL_MS);
	life_watch(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.wish_reason,
			 WISH_REASON_FEE_PRESSURE);
	life_sign(life);
	assert_bumped(life, &row, 2, WISH_REASON_FEE_PRESSURE);
	assert_int_equal(events_of(life, &row, "bumped"), 1);
	finish(life);
	life_assert_paid(life, &row);
}

/* Nobody takes it although its fee is right: it is bumped when it is old. The chain's blocks are
 * made without the pool. */
static void test_age(void **state)
{
	struct life *life = *state;
	struct withdrawal row = send_one(life, "POL", 4060);
	struct attempt first = attempt_of(life, &row, 1);
	struct str raw = str_from_bytes(first.raw, first.raw_len);
	struct chain_send send;
	for (int i = 0; i < 5; i++) {
		life_drop_pool(life);
		life_mine(life, 1);
		chain_send_many(life->chain, &raw, 1, &send);
		assert_int_equal(send.state, CHAIN_SEND_ACCEPTED);
		life_wait(life, 2500);
		life_watch(life);
	}
	life_sign(life);
	assert_bumped(life, &row, 2, WISH_REASON_AGE);
	finish(life);
	life_assert_paid(life, &row);
}

/* An editor's wish about attempts that there never were: the monitor's own takes its place. */
static void test_edited_wish(void **state)
{
	struct life *life = *state;
	struct withdrawal row = send_one(life, "POL", 4065);
	life_sql(life, "UPDATE transfers SET wish = 2, wish_attempts_seen = 9");
	stuck(life, 60);
	life_wait(life, INTERVAL_MS);
	life_watch(life);
	life_sign(life);
	assert_bumped(life, &row, 2, WISH_REASON_FEE_PRESSURE);
	finish(life);
	life_assert_paid(life, &row);
}

/* Both are asked for, in both orders: the slot signs cancellations alone. */
static void test_cancel_wins(void **state)
{
	struct life *life = *state;
	for (int i = 0; i < 2; i++) {
		struct withdrawal row = send_one(life, "TUSD", 4070);
		stuck(life, 60);
		if (i == 0)
			assert_true(life_speed_up(life, &row));
		assert_true(life_cancel(life, &row));
		if (i == 1)
			assert_true(life_speed_up(life, &row));
		wait_and_sign(life);
		assert_bumped(life, &row, 2, WISH_REASON_CANCEL);
		assert_true(attempt_of(life, &row, 2).is_cancel);
		/* A cancellation is sped up like everything else. */
		stuck(life, 400);
		assert_true(life_speed_up(life, &row));
		wait_and_sign(life);
		assert_bumped(life, &row, 3, WISH_REASON_SPEED_UP);
		assert_true(attempt_of(life, &row, 3).is_cancel);
		assert_int_equal(events_of(life, &row, "cancellation_sent"), 2);
		life_base_fee(life, GWEI);
		finish(life);
		life_assert_stage(life, &row, WITHDRAWAL_CANCELED);
		life_assert_unpaid(life, &row);
	}
}

/* No cancellation fits under the cap when it is asked for, and the clock jumps: what the wish for
 * speed gets later is the cancellation all the same. */
static void test_cancel_wins_after_the_cap(void **state)
{
	struct life *life = *state;
	struct fee_limits *limits = &life->catalogue.chains[0].fees;
	struct wei most = limits->cap_max;
	struct withdrawal row = send_one(life, "POL", 4080);
	limits->cap_max = attempt_of(life, &row, 1).fees.cap;
	assert_true(life_cancel(life, &row));
	assert_true(life_speed_up(life, &row));
	life_sign(life);
	assert_int_equal(attempts_of(life, &row), 1);
	limits->cap_max = most;
	/* The row says that it was sent long ago, the signer remembers that it has just tried. */
	life_sql(life, "UPDATE transfers SET sent_at = 1; UPDATE attempts SET signed_at = 1");
	life_sign(life);
	assert_bumped(life, &row, 2, WISH_REASON_CANCEL);
	finish(life);
	life_assert_stage(life, &row, WITHDRAWAL_CANCELED);
	life_assert_unpaid(life, &row);
}

/* What is in a block, held or not signed yet is not wished for; nor is what ended. */
static void test_nothing_to_speed_up(void **state)
{
	struct life *life = *state;
	struct withdrawal queued = life_accept(life, "POL", 4090);
	life_process(life);
	assert_false(life_speed_up(life, &queued));
	life_sign(life);
	life_mine(life, 1);
	life_wait(life, 1000);
	life_watch(life);
	assert_false(life_speed_up(life, &queued));
	finish(life);
	life_assert_paid(life, &queued);
	assert_false(life_speed_up(life, &queued));
	assert_int_equal(events_of(life, &queued, "speed_up_requested"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_sped_up_and_mined_once),
		LIFE_TEST(test_twice_within_the_interval),
		LIFE_TEST(test_twice_around_a_crash),
		LIFE_TEST(test_capped),
		LIFE_TEST(test_up_to_the_limit),
		LIFE_TEST(test_fee_pressure),
		LIFE_TEST(test_age),
		LIFE_TEST(test_edited_wish),
		LIFE_TEST(test_cancel_wins),
		LIFE_TEST(test_cancel_wins_after_the_cap),
		LIFE_TEST(test_nothing_to_speed_up),
	};
	return LIFE_MAIN(tests);
}
