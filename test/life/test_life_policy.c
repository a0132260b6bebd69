/* Nobody is paid what the policy does not allow: not while there is none, not by one that somebody
 * has edited or put back, and not above a limit, however many ask at once. */
#include "life_world.h"

#include "core/reason.h"
#include "core/refusal.h"

#define NOBODY "{\"rules\":[{\"name\":\"nobody\",\"effect\":\"deny\"}]}"
#define ONE_OF_TEN                                                                            \
	"{\"rules\":[{\"name\":\"all\",\"effect\":\"allow\"}],\"limits\":[{\"name\":\"ten\"," \
	"\"assets\":[\"dev/POL\"],\"amount\":\"0.000000000000001\",\"window\":\"1h\"}]}"
#define RACERS 100

static void assert_waits(struct life *life, const struct withdrawal *row, enum reason reason)
{
	life_assert_stage(life, row, WITHDRAWAL_ACCEPTED);
	assert_string_equal(life_view(life, row->intent.id).withdrawal.wait_reason,
			    reason_code(reason));
	life_assert_unpaid(life, row);
}

static void assert_rejected(struct life *life, const struct withdrawal *row, enum refusal refusal)
{
	life_assert_stage(life, row, WITHDRAWAL_REJECTED);
	assert_string_equal(life_view(life, row->intent.id).withdrawal.failure_code,
			    refusal_code(refusal));
	life_assert_unpaid(life, row);
}

/* Fail closed: without a policy all wait, and go on when there is one again. */
static void test_policy_off(void **state)
{
	struct life *life = *state;
	life_sql(life, "DELETE FROM policies");
	struct withdrawal row = life_accept(life, "POL", 1000);
	life_run(life, 10);
	assert_waits(life, &row, REASON_POLICY_UNAVAILABLE);
	assert_int_equal(life_alarms(life, "policy_missing"), 1);
	life_policy_set(life, LIFE_POLICY);
	life_wait(life, 60000);
	life_run(life, 40);
	life_assert_paid(life, &row);
}

/* An editor lets everybody be paid: the seal is of another document. */
static void test_policy_off_by_an_edited_document(void **state)
{
	struct life *life = *state;
	life_policy_set(life, NOBODY);
	life_sql(life, "UPDATE policies SET document = (SELECT document FROM policies WHERE "
		       "version = 1) WHERE version = 2");
	struct withdrawal row = life_accept(life, "POL", 1000);
	life_run(life, 20);
	assert_waits(life, &row, REASON_POLICY_UNAVAILABLE);
	assert_int_equal(life_alarms(life, "policy_seal_broken"), 1);
	life_policy_set(life, NOBODY);
	life_wait(life, 60000);
	life_run(life, 10);
	assert_rejected(life, &row, REFUSAL_POLICY_DENIED);
}

/* Or takes the newest one away, so that the one before it is the newest. */
static void test_policy_off_by_the_one_before(void **state)
{
	struct life *life = *state;
	life_policy_set(life, NOBODY);
	struct withdrawal first = life_accept(life, "POL", 1000);
	life_run(life, 5);
	assert_rejected(life, &first, REFUSAL_POLICY_DENIED);
	life_sql(life, "DELETE FROM policies WHERE version = 2");
	struct withdrawal row = life_accept(life, "POL", 1000);
	life_run(life, 20);
	assert_waits(life, &row, REASON_POLICY_UNAVAILABLE);
	assert_int_equal(life_alarms(life, "policy_is_older"), 1);
}

/* What is in force is felt by the next batch; what was allowed before stays allowed. */
static void test_policy_changes_are_felt_at_once(void **state)
{
	struct life *life = *state;
	struct withdrawal before = life_accept(life, "POL", 1000);
	life_process(life);
	life_policy_set(life, NOBODY);
	struct withdrawal after = life_accept(life, "POL", 1000);
	life_run(life, 40);
	life_assert_paid(life, &before);
	assert_rejected(life, &after, REFUSAL_POLICY_DENIED);
	assert_int_equal(life_view(life, before.intent.id).withdrawal.approval.policy_version, 1);
}

/* A hundred at once against a limit that fits one. */
static void test_limit_race(void **state)
{
	struct life *life = *state;
	static struct withdrawal rows[RACERS];
	size_t paid = 0;
	life_policy_set(life, ONE_OF_TEN);
	for (size_t i = 0; i < RACERS; i++)
		rows[i] = life_accept(life, "POL", 1000);
	life_run(life, 60);
	for (size_t i = 0; i < RACERS; i++) {
		bool is_paid =
			life_view(life, rows[i].intent.id).withdrawal.stage == WITHDRAWAL_COMPLETED;
		paid += is_paid;
		if (!is_paid)
			assert_rejected(life, &rows[i], REFUSAL_LIMIT_EXCEEDED);
	}
	assert_int_equal(paid, 1);
}

/* A canceled one gives its room back, and a paid one does not. */
static void test_limit_counts_what_is_paid(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ONE_OF_TEN);
	struct withdrawal first = life_accept(life, "POL", 1000);
	life_process(life);
	life_cancel(life, &first);
	life_run(life, 40);
	life_assert_stage(life, &first, WITHDRAWAL_CANCELED);
	struct withdrawal second = life_accept(life, "POL", 1000);
	life_run(life, 40);
	life_assert_paid(life, &second);
	struct withdrawal third = life_accept(life, "POL", 1000);
	life_run(life, 20);
	assert_rejected(life, &third, REFUSAL_LIMIT_EXCEEDED);
}

/* An editor has another amount judged, and puts the accepted one back. */
static void test_policy_off_by_a_row_that_was_another_when_judged(void **state)
{
	struct life *life = *state;
	life_policy_set(life, "{\"rules\":[{\"name\":\"small\",\"effect\":\"allow\",\"assets\":"
			      "[\"dev/POL\"],\"amount_max\":\"0.000000000000001\"}]}");
	struct withdrawal row = life_accept(life, "POL", 5000);
	life_sql(life, "UPDATE withdrawals SET amount = x'%064x'", 1000u);
	life_process(life);
	life_assert_stage(life, &row, WITHDRAWAL_QUEUED);
	life_sql(life, "UPDATE withdrawals SET amount = x'%064x'", 5000u);
	life_run(life, 20);
	life_assert_held(life, &row, reason_code(REASON_APPROVAL_MAC_INVALID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_policy_off),
		LIFE_TEST(test_policy_off_by_an_edited_document),
		LIFE_TEST(test_policy_off_by_the_one_before),
		LIFE_TEST(test_policy_off_by_a_row_that_was_another_when_judged),
		LIFE_TEST(test_policy_changes_are_felt_at_once),
		LIFE_TEST(test_limit_race),
		LIFE_TEST(test_limit_counts_what_is_paid),
	};
	return LIFE_MAIN(tests);
}
