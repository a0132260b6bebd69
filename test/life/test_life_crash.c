/* Every call that a role makes of a port, in every life of a withdrawal, fails once, loses its
 * answer once, and is once the last one of its process. Each withdrawal is paid once all the same,
 * and nothing is left behind that a person would have to look at. */
#include "life_fault.h"
#include "life_world.h"

/* From acceptance to final. */
#define ROUNDS 5
/* A message that was claimed when its claimant died is visible again. */
#define VISIBILITY_MS 61000

static bool is_completed(struct life *life, const struct withdrawal *row)
{
	return life_view(life, row->intent.id).withdrawal.stage == WITHDRAWAL_COMPLETED;
}

/* One life with a fault at the at-th call. False: there are fewer calls. */
static bool live_through(struct life *life, const char *symbol, enum life_fault_mode mode,
			 uint64_t at)
{
	struct withdrawal row = life_accept(life, symbol, 1000 + at);
	life_fault_at(life, mode, NULL, at);
	life_run(life, ROUNDS);
	const char *hit = life_fault_hit(life);
	life_fault_clear(life);
	life_restart(life, LIFE_PROCESSOR);
	life_restart(life, LIFE_SIGNER);
	life_restart(life, LIFE_MONITOR);
	for (int i = 0; i < 3 && !is_completed(life, &row); i++) {
		life_wait(life, VISIBILITY_MS);
		life_run(life, ROUNDS);
	}
	if (!is_completed(life, &row))
		print_message("after %s, call %d\n", hit, (int)at);
	life_assert_paid(life, &row);
	return hit[0] != 0;
}

static void lives_run(struct life *life, const char *symbol, enum life_fault_mode mode)
{
	uint64_t at = 1;
	life_fault_install(life);
	while (live_through(life, symbol, mode, at))
		at++;
	assert_true(at > 50); /* it is not the plan that was missed */
	life_run(life, 3);
	life_assert_settled(life);
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), at);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM withdrawals WHERE stage <> 5 OR round <> 0",
			    NULL),
		0);
	life_assert_quiet(life);
}

static void test_native_every_call_fails(void **state)
{
	lives_run(*state, "POL", LIFE_FAULT_FAIL);
}

static void test_native_every_answer_lost(void **state)
{
	lives_run(*state, "POL", LIFE_FAULT_LOSE);
}

static void test_native_killed_after_every_call(void **state)
{
	lives_run(*state, "POL", LIFE_FAULT_KILL);
}

static void test_token_every_call_fails(void **state)
{
	lives_run(*state, "TUSD", LIFE_FAULT_FAIL);
}

static void test_token_every_answer_lost(void **state)
{
	lives_run(*state, "TUSD", LIFE_FAULT_LOSE);
}

static void test_token_killed_after_every_call(void **state)
{
	lives_run(*state, "TUSD", LIFE_FAULT_KILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_native_every_call_fails),
		LIFE_TEST(test_native_every_answer_lost),
		LIFE_TEST(test_native_killed_after_every_call),
		LIFE_TEST(test_token_every_call_fails),
		LIFE_TEST(test_token_every_answer_lost),
		LIFE_TEST(test_token_killed_after_every_call),
	};
	return LIFE_MAIN(tests);
}
