/* A large payout that lacks funds, and small ones that pass it: funds are set aside for it in the
 * end, and the small ones get their part until then. */
#include "life_fault.h"
#include "life_world.h"

#define COIN      UINT64_C(1000000000000000000)
#define MINUTE_MS INT64_C(60000)
#define SMALL_MAX 200

struct trickle {
	struct life *life;
	struct withdrawal small[SMALL_MAX];
	size_t small_len;
	size_t each_minute;    /* small ones that are asked for */
	unsigned restart_each; /* minutes; 0: never */
	unsigned minutes;      /* gone by */
};

/* One wallet has something; none has enough for anything large. */
static void trickle_start(struct trickle *trickle, struct life *life)
{
	*trickle = (struct trickle){ .life = life, .each_minute = 2 };
	for (size_t i = 0; i < life->catalogue.wallets_len; i++)
		life_fund(life, life->catalogue.wallets[i].address,
			  u256_from_u64(i == 0 ? COIN : 0));
	life_mine(life, 1);
}

static void funds_come(struct life *life, uint64_t wei)
{
	struct address wallet = life->catalogue.wallets[0].address;
	struct u256 balance = life_balance(life, "POL", wallet);
	life_fund(life, wallet, u256_add_saturated(balance, u256_from_u64(wei)));
}

static size_t small_paid(const struct trickle *trickle)
{
	size_t count = 0;
	for (size_t i = 0; i < trickle->small_len; i++)
		count += life_view(trickle->life, trickle->small[i].intent.id).withdrawal.stage ==
			 WITHDRAWAL_COMPLETED;
	return count;
}

/* A minute in which 0.3 coins come, and 0.2 or 0.4 are asked for. */
static void minute_run(struct trickle *trickle)
{
	struct life *life = trickle->life;
	for (size_t i = 0; i < trickle->each_minute; i++) {
		assert_true(trickle->small_len < SMALL_MAX);
		trickle->small[trickle->small_len++] = life_accept(life, "POL", COIN / 5);
	}
	funds_come(life, COIN / 10 * 3);
	trickle->minutes++;
	if (trickle->restart_each > 0 && trickle->minutes % trickle->restart_each == 0)
		life_restart(life, LIFE_SIGNER);
	for (int i = 0; i < 3; i++) {
		life_wait(life, MINUTE_MS / 3);
		life_run(life, 3);
	}
}

static bool is_paid(struct life *life, const struct withdrawal *row)
{
	return life_view(life, row->intent.id).withdrawal.stage == WITHDRAWAL_COMPLETED;
}

/* Until it is paid, or so many minutes are over. */
static unsigned minutes_until_paid(struct trickle *trickle, const struct withdrawal *row,
				   unsigned max)
{
	unsigned from = trickle->minutes;
	while (trickle->minutes - from < max && !is_paid(trickle->life, row))
		minute_run(trickle);
	return trickle->minutes - from;
}

/* Everybody has been paid, once. */
static void all_end(struct trickle *trickle)
{
	struct life *life = trickle->life;
	funds_come(life, 15 * COIN);
	for (int i = 0; i < 12; i++) {
		life_wait(life, 2000);
		life_run(life, 6);
	}
	for (size_t i = 0; i < trickle->small_len; i++)
		life_assert_paid(life, &trickle->small[i]);
	life_assert_settled(life);
	life_assert_quiet(life);
}

static void passed_over_run(struct life *life, unsigned restart_each)
{
	static struct trickle trickle;
	trickle_start(&trickle, life);
	trickle.restart_each = restart_each;
	struct withdrawal large = life_accept(life, "POL", 2 * COIN);
	assert_int_equal(minutes_until_paid(&trickle, &large, 9), 9);
	life_assert_waits(life, &large, "funds");
	assert_int_equal(life_alarms(life, "withdrawal_passed_over"), 0);
	size_t before = small_paid(&trickle);
	assert_true(before >= 9); /* of 18 */
	unsigned minutes = minutes_until_paid(&trickle, &large, 20);
	life_assert_paid(life, &large);
	assert_true(minutes >= 4);                  /* it had to wait for its half */
	assert_true(small_paid(&trickle) > before); /* and left them theirs */
	if (restart_each == 0)
		assert_int_equal(life_alarms(life, "withdrawal_passed_over"), 1);
	all_end(&trickle);
}

static void test_passed_over_payout_is_paid(void **state)
{
	passed_over_run(*state, 0);
}

/* Nothing of it is in the signer's memory alone. */
static void test_passed_over_while_signer_restarts(void **state)
{
	passed_over_run(*state, 2);
}

/* What happens without it: the test above is no accident. */
static void test_small_ones_take_it_all(void **state)
{
	struct life *life = *state;
	static struct trickle trickle;
	life->passed_over_ms = 0;
	life_restart(life, LIFE_SIGNER);
	trickle_start(&trickle, life);
	struct withdrawal large = life_accept(life, "POL", 2 * COIN);
	assert_int_equal(minutes_until_paid(&trickle, &large, 29), 29);
	life_assert_waits(life, &large, "funds");
}

/* Above what a wallet may ever pay: it keeps nothing back, and a person is told, once. */
static void test_above_ceiling_sets_nothing_aside(void **state)
{
	struct life *life = *state;
	static struct trickle trickle;
	trickle_start(&trickle, life);
	trickle.each_minute = 1;
	struct withdrawal large = life_accept(life, "POL", 5 * COIN);
	life->catalogue.assets[0].day_max.units = u256_from_u64(5 * COIN - 1);
	assert_int_equal(minutes_until_paid(&trickle, &large, 16), 16);
	life_assert_waits(life, &large, "funds_above_ceiling");
	assert_int_equal(life_alarms(life, "withdrawal_waits"), 1);
	assert_int_equal(life_alarms(life, "withdrawal_passed_over"), 0);
	assert_int_equal(small_paid(&trickle), 16);
	/* Somebody raises the limit. */
	life->catalogue.assets[0].day_max.units = u256_zero();
	funds_come(life, 3 * COIN);
	(void)minutes_until_paid(&trickle, &large, 5);
	life_assert_paid(life, &large);
	all_end(&trickle);
}

/* Its client gives up: what was set aside for it is there for the others at once. */
static void test_claim_ends_with_its_payout(void **state)
{
	struct life *life = *state;
	static struct trickle trickle;
	trickle_start(&trickle, life);
	struct withdrawal large = life_accept(life, "POL", 12 * COIN);
	assert_int_equal(minutes_until_paid(&trickle, &large, 20), 20);
	assert_int_equal(life_alarms(life, "withdrawal_passed_over"), 1);
	size_t before = small_paid(&trickle);
	assert_true(life_cancel(life, &large));
	minute_run(&trickle);
	minute_run(&trickle);
	life_assert_stage(life, &large, WITHDRAWAL_CANCELED);
	assert_true(small_paid(&trickle) >= before + 5);
	all_end(&trickle);
}

/* Older ones are not kept back, and neither are other assets. */
static void test_only_younger_ones_are_kept_back(void **state)
{
	struct life *life = *state;
	static struct trickle trickle;
	struct withdrawal older[2], large, token;
	trickle_start(&trickle, life);
	older[0] = life_accept(life, "POL", COIN * 11 / 10); /* with gas more than there is */
	older[1] = life_accept(life, "POL", 70);
	life_process(life);
	life_wait(life, 10);
	large = life_accept(life, "POL", 12 * COIN);
	life_run(life, 5);
	life_assert_paid(life, &older[1]);
	for (int i = 0; i < 12; i++) {
		life_wait(life, MINUTE_MS);
		life_run(life, 2);
	}
	/* The oldest that lacks funds has the claim, not the largest. */
	assert_int_equal(life_alarms(life, "withdrawal_passed_over"), 1);
	token = life_accept(life, "TUSD", 2000);
	funds_come(life, COIN / 2);
	life_wait(life, 2000);
	life_run(life, 6);
	life_assert_paid(life, &token);
	life_assert_paid(life, &older[0]);
	life_assert_waits(life, &large, "funds");
	life_wait(life, 2000);
	life_run(life, 2);
	assert_int_equal(life_alarms(life, "withdrawal_passed_over"), 2);
	/* Half of the rest is what a younger one may have. */
	struct u256 rest = life_balance(life, "POL", life->catalogue.wallets[0].address);
	uint64_t half = 0;
	assert_true(u256_to_u64(u256_div_u64(rest, 2, &half), &half));
	struct withdrawal small[2] = { life_accept(life, "POL", half + COIN / 100),
				       life_accept(life, "POL", half / 2) };
	life_run(life, 6);
	life_assert_waits(life, &small[0], "funds");
	life_assert_paid(life, &small[1]);
}

/* Minutes in which nothing comes and nobody asks for anything. */
static void quiet_minutes(struct life *life, int minutes)
{
	for (int i = 0; i < minutes; i++) {
		life_wait(life, MINUTE_MS);
		life_run(life, 2);
	}
}

/* Those that come at once share one half. */
static void test_many_in_one_step(void **state)
{
	struct life *life = *state;
	static struct trickle trickle;
	struct withdrawal small[4];
	size_t paid = 0;
	trickle_start(&trickle, life);
	(void)life_accept(life, "POL", 12 * COIN);
	quiet_minutes(life, 12);
	for (size_t i = 0; i < COUNT_OF(small); i++)
		small[i] = life_accept(life, "POL", COIN / 5); /* 0.25 with gas, of 1 */
	life_run(life, 8);
	for (size_t i = 0; i < COUNT_OF(small); i++)
		paid += is_paid(life, &small[i]);
	assert_int_equal(paid, 2);
}

/* A look that finds out nothing of funds does not begin the wait anew. */
static void test_wait_outlasts_an_outage(void **state)
{
	struct life *life = *state;
	static struct trickle trickle;
	life_fault_install(life);
	trickle_start(&trickle, life);
	struct withdrawal large = life_accept(life, "POL", 12 * COIN);
	quiet_minutes(life, 5);
	life_assert_waits(life, &large, "funds");
	life_fault_at(life, LIFE_FAULT_FAIL, "chain_balances", 0);
	quiet_minutes(life, 2);
	life_assert_waits(life, &large, "chain_unavailable");
	life_fault_clear(life);
	quiet_minutes(life, 2);
	assert_int_equal(life_alarms(life, "withdrawal_passed_over"), 0);
	quiet_minutes(life, 3);
	assert_int_equal(life_alarms(life, "withdrawal_passed_over"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_passed_over_payout_is_paid),
		LIFE_TEST(test_passed_over_while_signer_restarts),
		LIFE_TEST(test_small_ones_take_it_all),
		LIFE_TEST(test_above_ceiling_sets_nothing_aside),
		LIFE_TEST(test_claim_ends_with_its_payout),
		LIFE_TEST(test_only_younger_ones_are_kept_back),
		LIFE_TEST(test_many_in_one_step),
		LIFE_TEST(test_wait_outlasts_an_outage),
	};
	return LIFE_MAIN(tests);
}
