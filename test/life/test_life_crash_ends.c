/* As test_life_crash, for the lives that do not go straight: reverted and sent again, refused,
 * canceled, stuck, reorganized. Whichever call breaks, the withdrawal ends, paid once or not at
 * all; and the end that the world asked for is the one that it gets. */
#include "life_fault.h"
#include "life_world.h"

#define PROOF_MS      16000
#define VISIBILITY_MS 61000
#define STRIDE        3

struct course {
	const char *symbol;
	uint64_t units;
	void (*run)(struct life *life, const struct withdrawal *row);
	bool may_be_paid;
	bool may_fail;
	bool may_be_canceled;
	bool may_be_rejected;
};

/* Mined, deep, and told to the signer. */
static void settle(struct life *life, int times)
{
	for (int i = 0; i < times; i++) {
		life_mine(life, 7);
		life_wait(life, PROOF_MS);
		life_watch(life);
		life_process(life);
		life_sign(life);
	}
}

static void send(struct life *life)
{
	life_process(life);
	life_sign(life);
}

static void mine_refused(struct life *life, const struct withdrawal *row)
{
	life_refuse(life, row->intent.to, true);
	life_mine(life, 1);
	life_refuse(life, row->intent.to, false);
	life_wait(life, 1000);
	life_watch(life);
}

static void course_reverted_once(struct life *life, const struct withdrawal *row)
{
	send(life);
	mine_refused(life, row);
	settle(life, 3);
}

static void course_reverted_twice(struct life *life, const struct withdrawal *row)
{
	send(life);
	mine_refused(life, row);
	settle(life, 1);
	mine_refused(life, row);
	settle(life, 3);
}

static void course_refused(struct life *life, const struct withdrawal *row)
{
	life_refuse(life, row->intent.to, true);
	send(life);
	settle(life, 1);
	life_refuse(life, row->intent.to, false);
}

static void course_canceled(struct life *life, const struct withdrawal *row)
{
	life_process(life);
	(void)life_cancel(life, row);
	settle(life, 2);
}

/* Asked for while the slot is reserved: by its self-transfer. */
static void course_canceled_late(struct life *life, const struct withdrawal *row)
{
	life_process(life);
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	life_sign(life);
	life_sql(life,
		 "UPDATE withdrawals SET cancel_requested = 1 WHERE id = %s AND stage IN (3, 4)",
		 life_blob(row->intent.id.bytes, sizeof row->intent.id.bytes));
	settle(life, 4);
}

/* Asked for while the payment is out; the chain takes what pays more. */
static void course_canceled_sent(struct life *life, const struct withdrawal *row)
{
	send(life);
	(void)life_cancel(life, row);
	life_sign(life);
	settle(life, 4);
}

/* The block of one of the two is taken back, and what is out by then goes on. */
static void course_canceled_reorganized(struct life *life, const struct withdrawal *row)
{
	send(life);
	(void)life_cancel(life, row);
	life_sign(life);
	life_mine(life, 1);
	life_watch(life);
	life_reorg(life, 1);
	life_wait(life, 3000);
	life_watch(life);
	life_sign(life);
	settle(life, 4);
}

static void course_stuck(struct life *life, const struct withdrawal *row)
{
	(void)row;
	send(life);
	life_base_fee(life, UINT64_C(60000000000));
	life_mine(life, 1);
	life_wait(life, 11000);
	life_watch(life);
	life_sign(life);
	settle(life, 2);
}

/* Nobody takes it; a client asks for more speed, twice. */
static void course_sped_up(struct life *life, const struct withdrawal *row)
{
	send(life);
	life_base_fee(life, UINT64_C(60000000000));
	life_mine(life, 1);
	for (int i = 0; i < 2; i++) {
		(void)life_speed_up(life, row);
		life_wait(life, 2100);
		life_sign(life);
	}
	settle(life, 2);
}

/* Both at once: what is mined is the payment only where a fault came before the wish to cancel. */
static void course_sped_up_and_canceled(struct life *life, const struct withdrawal *row)
{
	send(life);
	(void)life_speed_up(life, row);
	(void)life_cancel(life, row);
	life_sign(life);
	(void)life_speed_up(life, row);
	life_wait(life, 2100);
	life_sign(life);
	settle(life, 4);
}

static void course_reorganized(struct life *life, const struct withdrawal *row)
{
	(void)row;
	send(life);
	life_mine(life, 1);
	life_watch(life);
	life_reorg(life, 1);
	life_watch(life);
	life_wait(life, 3000);
	life_watch(life);
	life_sign(life);
	settle(life, 2);
}

static void course_rejected(struct life *life, const struct withdrawal *row)
{
	(void)row;
	send(life);
	settle(life, 1);
}

static bool is_ended(struct life *life, const struct withdrawal *row)
{
	return lifecycle_is_terminal(life_view(life, row->intent.id).withdrawal.stage);
}

static void assert_course(struct life *life, const struct course *course,
			  const struct withdrawal *row, const char *hit, uint64_t at)
{
	bool good = false;
	enum withdrawal_stage stage = life_view(life, row->intent.id).withdrawal.stage;
	switch (stage) {
	case WITHDRAWAL_COMPLETED:
		good = course->may_be_paid;
		break;
	case WITHDRAWAL_FAILED:
		good = course->may_fail;
		break;
	case WITHDRAWAL_CANCELED:
		good = course->may_be_canceled;
		break;
	case WITHDRAWAL_REJECTED:
		good = course->may_be_rejected;
		break;
	case WITHDRAWAL_ACCEPTED:
	case WITHDRAWAL_AWAITING_APPROVAL:
	case WITHDRAWAL_QUEUED:
	case WITHDRAWAL_ASSIGNED:
		break;
	}
	if (!good)
		fail_msg("after %s, call %d: %s", hit, (int)at, withdrawal_stage_text(stage));
	if (stage == WITHDRAWAL_COMPLETED)
		life_assert_paid(life, row);
	else
		life_assert_unpaid(life, row);
}

/* One life with a fault at the at-th call, of the three kinds in turn. */
static bool live_through(struct life *life, const struct course *course, uint64_t at, unsigned turn)
{
	static const enum life_fault_mode modes[] = { LIFE_FAULT_KILL, LIFE_FAULT_LOSE,
						      LIFE_FAULT_FAIL };
	struct withdrawal row = life_accept(life, course->symbol, course->units);
	life_fault_at(life, modes[(at / STRIDE + turn) % COUNT_OF(modes)], NULL, at);
	course->run(life, &row);
	const char *hit = life_fault_hit(life);
	life_fault_clear(life);
	for (int i = 0; i < 4 && !is_ended(life, &row); i++) {
		life_wait(life, VISIBILITY_MS);
		life_run(life, 8);
	}
	assert_course(life, course, &row, hit, at);
	return hit[0] != 0;
}

/* Every third call, to be quick; SLUICE_LIFE_TURN from 0 to 8 takes each call with each kind. */
static void course_run(struct life *life, struct course course)
{
	const char *text = getenv("SLUICE_LIFE_TURN");
	unsigned turn = text == NULL ? 0 : (unsigned)strtoul(text, NULL, 10);
	uint64_t at = 1 + turn % STRIDE;
	life_fault_install(life);
	while (live_through(life, &course, at, turn / STRIDE))
		at += STRIDE;
	assert_true(at > 30);
	life_run(life, 9);
	life_assert_settled(life);
	life_assert_quiet(life);
}

static void test_reverted_once(void **state)
{
	course_run(*state, (struct course){ .symbol = "POL",
					    .units = 6000,
					    .run = course_reverted_once,
					    .may_be_paid = true });
}

/* It fails if it was sent twice while the receiver refused, and is paid if a fault came between. */
static void test_reverted_twice(void **state)
{
	course_run(*state, (struct course){ .symbol = "POL",
					    .units = 6001,
					    .run = course_reverted_twice,
					    .may_be_paid = true,
					    .may_fail = true });
}

static void test_refused(void **state)
{
	course_run(*state, (struct course){ .symbol = "POL",
					    .units = 6002,
					    .run = course_refused,
					    .may_be_paid = true,
					    .may_fail = true });
}

static void test_canceled(void **state)
{
	course_run(*state, (struct course){ .symbol = "TUSD",
					    .units = 6003,
					    .run = course_canceled,
					    .may_be_canceled = true });
}

static void test_canceled_late(void **state)
{
	course_run(*state, (struct course){ .symbol = "TUSD",
					    .units = 6004,
					    .run = course_canceled_late,
					    .may_be_paid = true,
					    .may_be_canceled = true });
}

/* Without a fault in its way the wish is there before a block is. */
static void test_canceled_sent(void **state)
{
	course_run(*state, (struct course){ .symbol = "POL",
					    .units = 6007,
					    .run = course_canceled_sent,
					    .may_be_paid = true,
					    .may_be_canceled = true });
}

static void test_canceled_reorganized(void **state)
{
	course_run(*state, (struct course){ .symbol = "TUSD",
					    .units = 6008,
					    .run = course_canceled_reorganized,
					    .may_be_paid = true,
					    .may_be_canceled = true });
}

static void test_stuck(void **state)
{
	course_run(*state, (struct course){ .symbol = "TUSD",
					    .units = 6005,
					    .run = course_stuck,
					    .may_be_paid = true });
}

static void test_sped_up(void **state)
{
	course_run(*state, (struct course){ .symbol = "POL",
					    .units = 6009,
					    .run = course_sped_up,
					    .may_be_paid = true });
}

static void test_sped_up_and_canceled(void **state)
{
	course_run(*state, (struct course){ .symbol = "TUSD",
					    .units = 6010,
					    .run = course_sped_up_and_canceled,
					    .may_be_paid = true,
					    .may_be_canceled = true });
}

static void test_reorganized(void **state)
{
	course_run(*state, (struct course){ .symbol = "POL",
					    .units = 6006,
					    .run = course_reorganized,
					    .may_be_paid = true });
}

static void test_rejected(void **state)
{
	course_run(*state, (struct course){ .symbol = "TUSD",
					    .units = 900000001,
					    .run = course_rejected,
					    .may_be_rejected = true });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_reverted_once),
		LIFE_TEST(test_reverted_twice),
		LIFE_TEST(test_refused),
		LIFE_TEST(test_canceled),
		LIFE_TEST(test_canceled_late),
		LIFE_TEST(test_canceled_sent),
		LIFE_TEST(test_canceled_reorganized),
		LIFE_TEST(test_stuck),
		LIFE_TEST(test_sped_up),
		LIFE_TEST(test_sped_up_and_canceled),
		LIFE_TEST(test_reorganized),
		LIFE_TEST(test_rejected),
	};
	return LIFE_MAIN(tests);
}
