/* Whom the policy wants to be screened nobody pays before the service has said yes: to this very
 * row, as it is when it is approved, and whatever is edited, away, or begun anew in between. */
#include "life_fault.h"
#include "life_world.h"

#include "adapter/screen_http.h"
#include "core/refusal.h"
#include "core/vote.h"
#include "service/admin/approvals.h"
#include "service/processor/screening.h"

#include <stdio.h>
#include <stdlib.h>

#define SCREENS_ALL                                             \
	"{\"rules\":[{\"name\":\"all\",\"effect\":\"allow\"}]," \
	"\"screening\":[{\"name\":\"all\"}]}"
#define SCREENS_WITH_A_LIMIT                                                        \
	"{\"rules\":[{\"name\":\"all\",\"effect\":\"allow\"}],"                     \
	"\"screening\":[{\"name\":\"all\",\"approvals\":2}],\"limits\":[{\"name\":" \
	"\"one\",\"count\":1,\"window\":\"1h\"}]}"
#define TRIES 500

/* All of it at once: the service may read at any time. */
static void act_write(const char *act)
{
	const char *path = getenv("SLUICE_TEST_SCREENING_ACT");
	char next[512];
	assert_non_null(path);
	snprintf(next, sizeof next, "%s-next", path);
	FILE *file = fopen(next, "we");
	assert_non_null(file);
	assert_true(fputs(act, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(next, path), 0);
}

static unsigned asked_count(void)
{
	unsigned count = 0;
	int byte;
	FILE *file = fopen(getenv("SLUICE_TEST_SCREENING_ASKED"), "re");
	assert_non_null(file);
	while ((byte = fgetc(file)) != EOF)
		count += byte == '\n';
	assert_int_equal(fclose(file), 0);
	return count;
}

static struct screen *screen_new(struct life *life)
{
	struct err err = { 0 };
	struct screen *screen = NULL;
	const struct screen_http_options options = {
		.url = getenv("SLUICE_TEST_SCREENING_URL"),
		.secret_file = getenv("SLUICE_TEST_SCREENING_SECRET_FILE"),
		.deadline_ms = 20000,
		.asked_max = 4,
		.clock = &life->clock.base,
		.entropy = &life->entropy,
	};
	if (!screen_http_open(&options, &screen, &err))
		fail_msg("%s", err.text);
	return screen;
}

static void service_open(struct life *life)
{
	life->screen_open = screen_new;
	life_restart(life, LIFE_PROCESSOR);
}

static void look(struct life *life)
{
	life_process(life);
	(void)processor_wait(life->processor, 20);
	life_process(life);
}

static void until_stage(struct life *life, const struct withdrawal *row,
			enum withdrawal_stage stage)
{
	for (int i = 0; i < TRIES && life_view(life, row->intent.id).withdrawal.stage != stage; i++)
		look(life);
	life_assert_stage(life, row, stage);
}

static void until_waits(struct life *life, const struct withdrawal *row, const char *reason)
{
	for (int i = 0; i < TRIES; i++) {
		if (strcmp(life_view(life, row->intent.id).withdrawal.wait_reason, reason) == 0)
			return;
		look(life);
	}
	fail_msg("it does not wait for %s", reason);
}

static void until_asked(struct life *life, unsigned count)
{
	for (int i = 0; i < TRIES && asked_count() < count; i++)
		look(life);
	assert_int_equal(asked_count(), count);
}

static void assert_refused(struct life *life, const struct withdrawal *row, enum refusal refusal)
{
	until_stage(life, row, WITHDRAWAL_REJECTED);
	assert_string_equal(life_view(life, row->intent.id).withdrawal.failure_code,
			    refusal_code(refusal));
	life_assert_unpaid(life, row);
}

static void say(struct life *life, const struct withdrawal *row, const char *person,
		enum vote_verdict verdict)
{
	struct mac_keys keys = { .keys = { { 1, life->keys_bytes[6] } }, .len = 1 };
	struct withdrawal now = life_view(life, row->intent.id).withdrawal, judged;
	struct admin_approvals admin = { life->store,
					 &life->catalogue,
					 &keys,
					 { .who = person, .name = person, .person = person } };
	struct admin_word word = { .withdrawal = now.intent.id, .verdict = verdict };
	struct err err = { 0 };
	word.digest = vote_digest(&now.intent, &now.intent_mac, now.approval.policy_version);
	if (!admin_word_say(&admin, &word, clock_now_ms(&life->clock.base), &judged, &err))
		fail_msg("%s", err.text);
}

/* An editor shows the service somebody harmless, and takes it back before the answer is there. */
static void test_row_edited_while_it_is_screened(void **state)
{
	struct life *life = *state;
	struct address bad = life_fresh_address(life), good = life_fresh_address(life);
	char act[64];
	unsigned before = asked_count();
	life_policy_set(life, SCREENS_ALL);
	service_open(life);
	act_write("hold");
	struct withdrawal row = life_accept_to(life, "POL", 1000, bad);
	life_sql(life, "UPDATE withdrawals SET receiver = %s", life_blob(good.bytes, 20));
	until_asked(life, before + 1);
	life_sql(life, "UPDATE withdrawals SET receiver = %s", life_blob(bad.bytes, 20));
	snprintf(act, sizeof act, "deny %s", address_text(bad).at);
	act_write(act);
	assert_refused(life, &row, REFUSAL_SCREENING_DENIED);
	assert_int_equal(asked_count(), before + 2);
}

/* What an editor writes where nobody looks twice stops nobody. */
static void test_row_edited_to_what_cannot_be(void **state)
{
	static const char *const edits[] = {
		"UPDATE withdrawals SET created_at = -9223372036854775807 - 1",
		"UPDATE withdrawals SET created_at = 9223372036854775807",
	};
	struct life *life = *state;
	life_policy_set(life, SCREENS_ALL);
	service_open(life);
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		act_write("away");
		struct withdrawal row = life_accept(life, "POL", 1000);
		life_sql(life, "%s WHERE id = %s", edits[i], life_blob(row.intent.id.bytes, 16));
		for (int look_at = 0; look_at < 10; look_at++)
			look(life);
		act_write("allow");
		struct withdrawal next = life_accept(life, "POL", 1000);
		life_wait(life, 31000);
		until_stage(life, &next, WITHDRAWAL_QUEUED);
		life_run(life, 40);
		life_assert_paid(life, &next);
		life_assert_unpaid(life, &row);
	}
}

/* Who begins anew knows nothing of an answer, and asks. */
static void test_a_new_processor_asks_again(void **state)
{
	struct life *life = *state;
	unsigned before = asked_count();
	life_policy_set(life, SCREENS_ALL);
	service_open(life);
	act_write("hold");
	struct withdrawal row = life_accept(life, "POL", 1000);
	until_asked(life, before + 1);
	life_restart(life, LIFE_PROCESSOR);
	act_write("allow");
	life_wait(life, 31000); /* the claim of the one before */
	until_stage(life, &row, WITHDRAWAL_QUEUED);
	assert_int_equal(asked_count(), before + 2);
	life_run(life, 40);
	life_assert_paid(life, &row);
}

/* What could not be written is decided once more, by the answer that is there; what was, or may
 * have been, is not asked about again, also not by who begins anew. */
static void test_an_answer_and_a_write_that_fails(void **state)
{
	static const enum life_fault_mode modes[] = { LIFE_FAULT_FAIL, LIFE_FAULT_LOSE,
						      LIFE_FAULT_KILL };
	struct life *life = *state;
	life_policy_set(life, SCREENS_ALL);
	life_fault_install(life);
	service_open(life);
	act_write("allow");
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		unsigned before = asked_count();
		struct withdrawal row = life_accept(life, "POL", 1000);
		life_fault_at(life, modes[i], "store_withdrawals_change", 1);
		until_stage(life, &row, WITHDRAWAL_QUEUED);
		assert_string_equal(life_fault_hit(life), "store_withdrawals_change");
		life_fault_clear(life);
		assert_int_equal(asked_count(), before + 1);
		life_run(life, 40);
		life_assert_paid(life, &row);
	}
}

static void test_policy_off_by_a_service_that_is_away(void **state)
{
	struct life *life = *state;
	life_policy_set(life, SCREENS_ALL);
	service_open(life);
	act_write("away");
	struct withdrawal row = life_accept(life, "POL", 1000);
	until_waits(life, &row, "screening_unavailable");
	assert_int_equal(life_alarms(life, "screening_unavailable"), 0);
	for (int i = 0; i < 4; i++) {
		life_wait(life, 20000);
		look(life);
		life_run(life, 5);
		look(life);
	}
	life_assert_stage(life, &row, WITHDRAWAL_ACCEPTED);
	life_assert_unpaid(life, &row);
	assert_int_equal(life_alarms(life, "screening_unavailable"), 1);
	act_write("allow");
	for (int i = 0; i < 3; i++) {
		life_wait(life, 31000);
		look(life);
	}
	until_stage(life, &row, WITHDRAWAL_QUEUED);
	life_run(life, 40);
	life_assert_paid(life, &row);
}

static void test_policy_off_by_a_service_that_nobody_configured(void **state)
{
	struct life *life = *state;
	life_policy_set(life, SCREENS_ALL);
	struct withdrawal row = life_accept(life, "POL", 1000);
	life_run(life, 10);
	life_assert_waits(life, &row, "screening_unavailable");
	life_assert_unpaid(life, &row);
	assert_int_equal(life_alarms(life, "screening_unavailable"), 1);
	act_write("allow");
	service_open(life);
	life_wait(life, 31000);
	until_stage(life, &row, WITHDRAWAL_QUEUED);
	life_run(life, 40);
	life_assert_paid(life, &row);
}

/* A "no" of a person needs no service; what it gives back others have. */
static void test_a_review_that_people_reject(void **state)
{
	struct life *life = *state;
	life_policy_set(life, SCREENS_WITH_A_LIMIT);
	service_open(life);
	act_write("review");
	struct withdrawal row = life_accept(life, "POL", 1000);
	until_stage(life, &row, WITHDRAWAL_AWAITING_APPROVAL);
	act_write("away");
	say(life, &row, "anna", VOTE_REJECT);
	assert_refused(life, &row, REFUSAL_APPROVAL_DENIED);
	act_write("allow");
	struct withdrawal next = life_accept(life, "POL", 1000);
	until_stage(life, &next, WITHDRAWAL_QUEUED);
	life_run(life, 40);
	life_assert_paid(life, &next);
}

/* As many people as the entry says, and then the service once more. */
static void test_a_review_that_people_approve(void **state)
{
	struct life *life = *state;
	life_policy_set(life, SCREENS_WITH_A_LIMIT);
	service_open(life);
	act_write("review");
	struct withdrawal row = life_accept(life, "POL", 1000);
	until_stage(life, &row, WITHDRAWAL_AWAITING_APPROVAL);
	unsigned before = asked_count();
	say(life, &row, "anna", VOTE_APPROVE);
	until_asked(life, before + 1);
	for (int i = 0; i < 10; i++)
		look(life);
	life_assert_stage(life, &row, WITHDRAWAL_AWAITING_APPROVAL);
	say(life, &row, "bert", VOTE_APPROVE);
	until_stage(life, &row, WITHDRAWAL_QUEUED);
	life_run(life, 40);
	life_assert_paid(life, &row);
}

/* An approval that has run out is renewed by a service that says yes, and by no other. */
static void test_a_renewal_is_screened(void **state)
{
	struct life *life = *state;
	life_policy_set(life, SCREENS_ALL);
	life->approval_life_ms = 1000;
	service_open(life);
	act_write("allow");
	struct withdrawal row = life_accept(life, "POL", 1000);
	until_stage(life, &row, WITHDRAWAL_QUEUED);
	act_write("deny");
	life_wait(life, 2000);
	for (int i = 0; i < 10; i++) {
		life_run(life, 5);
		look(life);
		life_wait(life, 1000);
	}
	life_run(life, 20);
	life_assert_unpaid(life, &row);
	assert_true(life_view(life, row.intent.id).withdrawal.stage >= WITHDRAWAL_FAILED);
	life->approval_life_ms = 86400000;
}

static int64_t count_waiting(struct life *life)
{
	return life_number(life,
			   "SELECT COUNT(*) FROM withdrawals WHERE wait_reason = 'screening_busy'",
			   NULL);
}

static int64_t count_queued(struct life *life)
{
	return life_number(life, "SELECT COUNT(*) FROM withdrawals WHERE stage >= 3", NULL);
}

/* A row that kills its processor again and again buries nobody who is asked about meanwhile. */
static void test_poison_message_while_others_are_screened(void **state)
{
	struct life *life = *state;
	life_policy_set(life, SCREENS_ALL);
	service_open(life);
	act_write("hold");
	struct withdrawal row = life_accept(life, "POL", 1000);
	for (int deaths = 0; deaths < 8; deaths++) {
		for (int i = 0; i < 10; i++)
			look(life);
		life_restart(life, LIFE_PROCESSOR);
		life_wait(life, 31000); /* the claim of the one before */
	}
	act_write("allow");
	until_stage(life, &row, WITHDRAWAL_QUEUED);
	life_run(life, 40);
	life_assert_paid(life, &row);
}

/* As many are asked about as may be; others stand in line, in their order, and for a while. */
static void test_a_line_before_the_service(void **state)
{
	struct life *life = *state;
	unsigned before = asked_count();
	life_policy_set(life, SCREENS_ALL);
	service_open(life);
	act_write("hold");
	for (int i = 0; i < 10; i++)
		(void)life_accept(life, "POL", 1000);
	until_asked(life, before + 4);
	for (int i = 0; i < 5; i++)
		look(life);
	assert_int_equal(asked_count(), before + 4);
	assert_int_equal(count_waiting(life), 0);
	life_wait(life, 8000); /* a quarter of the visibility */
	for (int i = 0; i < TRIES && count_waiting(life) < 6; i++)
		look(life);
	assert_int_equal(count_waiting(life), 6);
	assert_int_equal(count_queued(life), 0);
	act_write("allow");
	for (int i = 0; i < TRIES && count_queued(life) < 10; i++) {
		look(life);
		life_wait(life, 500);
	}
	assert_int_equal(count_queued(life), 10);
	assert_int_equal(asked_count(), before + 10);
}

/* More than there are places in memory for: they come again, and nobody is lost. */
static void test_more_than_stand_in_line(void **state)
{
	struct life *life = *state;
	const int64_t many = SCREENING_ROWS_MAX + 10;
	life_policy_set(life, SCREENS_ALL);
	service_open(life);
	act_write("hold");
	for (int64_t i = 0; i < many; i++)
		(void)life_accept(life, "POL", 1000);
	for (int i = 0; i < TRIES && count_waiting(life) < 10; i++)
		look(life);
	assert_int_equal(count_waiting(life), 10);
	act_write("allow");
	for (int i = 0; i < 4 * TRIES && count_queued(life) < many; i++) {
		look(life);
		life_wait(life, 100);
	}
	assert_int_equal(count_queued(life), many);
}

/* ---- everything at once ---- */

#define STORM_ROWS  8
#define STORM_TURNS 40
#define STORM_SEEDS 6

struct screened_storm {
	struct life *life;
	uint64_t random;
	struct withdrawal rows[STORM_ROWS];
	char denies[64 * STORM_ROWS]; /* every other one, and never anything else */
};

static void storm_begin(struct screened_storm *storm)
{
	struct buf denies = buf_of(storm->denies, sizeof storm->denies);
	buf_text(&denies, "deny");
	for (size_t i = 0; i < STORM_ROWS; i++) {
		storm->rows[i] = life_accept(storm->life, i % 4 < 2 ? "POL" : "TUSD", 1000 + i);
		if (i % 2 == 0)
			continue;
		buf_byte(&denies, ' ');
		buf_text(&denies, address_text(storm->rows[i].intent.to).at);
	}
	act_write(buf_terminated(&denies));
}

static void storm_turn(struct screened_storm *storm)
{
	struct life *life = storm->life;
	switch (life_random(&storm->random) % 6) {
	case 0:
		act_write("away");
		break;
	case 1:
		act_write("hold");
		break;
	case 2:
		life_wait(life, (int64_t)(life_random(&storm->random) % 40000));
		break;
	default:
		act_write(storm->denies);
		break;
	}
	life_process(life);
	(void)processor_wait(life->processor, 5);
	life_run(life, 1);
}

static void storm_end(struct screened_storm *storm)
{
	struct life *life = storm->life;
	life_fault_clear(life);
	act_write(storm->denies);
	for (int i = 0; i < 40; i++) {
		look(life);
		life_run(life, 3);
		life_wait(life, 5000);
	}
	life_run(life, 60);
	for (size_t i = 0; i < STORM_ROWS; i++) {
		if (i % 2 == 0)
			life_assert_paid(life, &storm->rows[i]);
		else
			assert_refused(life, &storm->rows[i], REFUSAL_SCREENING_DENIED);
	}
}

/* Calls fail, lose their answers, end their processes; the service is away, slow, and says no to
 * every other one: whom it denies nobody pays, all others are paid once. */
static void test_a_storm_around_the_service(void **state)
{
	struct life *life = *state;
	life_policy_set(life, SCREENS_ALL);
	life_fault_install(life);
	service_open(life);
	for (uint64_t seed = 1; seed <= STORM_SEEDS; seed++) {
		struct screened_storm storm = { .life = life, .random = seed };
		printf("# seed %llu\n", (unsigned long long)seed);
		storm_begin(&storm);
		life_fault_plan(life, (struct life_fault_plan){
					      .mode = LIFE_FAULT_STORM, .at = 20, .seed = seed });
		for (int i = 0; i < STORM_TURNS; i++)
			storm_turn(&storm);
		storm_end(&storm);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_row_edited_while_it_is_screened),
		LIFE_TEST(test_row_edited_to_what_cannot_be),
		LIFE_TEST(test_a_new_processor_asks_again),
		LIFE_TEST(test_an_answer_and_a_write_that_fails),
		LIFE_TEST(test_policy_off_by_a_service_that_is_away),
		LIFE_TEST(test_policy_off_by_a_service_that_nobody_configured),
		LIFE_TEST(test_a_review_that_people_reject),
		LIFE_TEST(test_a_review_that_people_approve),
		LIFE_TEST(test_a_renewal_is_screened),
		LIFE_TEST(test_poison_message_while_others_are_screened),
		LIFE_TEST(test_a_line_before_the_service),
		LIFE_TEST(test_more_than_stand_in_line),
		LIFE_TEST(test_a_storm_around_the_service),
	};
	return LIFE_MAIN(tests);
}
