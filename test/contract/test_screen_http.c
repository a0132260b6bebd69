/* The port of screening on HTTP, against a service that answers well, badly, late, twice, or in the
 * place of another one (run_with_screening.mjs: the account says how). */
#include "adapter/screen_http.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "net/circuit_breaker.h"

#include "../unit/testing.h"

#include <time.h>

#define DEADLINE_MS 800
#define PATIENT_MS  20000

struct place {
	struct clock clock;
	struct entropy entropy;
	struct screen *screen;
};

static struct screen *open_at(struct place *place, const char *url, int64_t deadline_ms)
{
	struct screen *screen = NULL;
	struct err err = { 0 };
	const struct screen_http_options options = {
		.url = url,
		.secret_file = getenv("SLUICE_TEST_SCREENING_SECRET_FILE"),
		.deadline_ms = deadline_ms,
		.asked_max = SCREEN_ASKED_MAX,
		.clock = &place->clock,
		.entropy = &place->entropy,
	};
	if (!screen_http_open(&options, &screen, &err))
		fail_msg("%s", err.text);
	return screen;
}

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof *place);
	assert_non_null(place);
	clock_posix_init(&place->clock);
	entropy_os_init(&place->entropy);
	place->screen = open_at(place, getenv("SLUICE_TEST_SCREENING_URL"), PATIENT_MS);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;
	screen_close(place->screen);
	free(place);
	return 0;
}

static struct intent intent_of(const char *account)
{
	static uint8_t made;
	struct intent intent = { .chain_id = 137, .decimals = 6, .created_at = 1772366400000 };
	uint8_t random[10] = { ++made };
	intent.id = id_make(1772366400000, random);
	assert_true(str_copy(str_from(account), intent.account, sizeof intent.account));
	assert_true(str_copy(STR("USDC"), intent.asset, sizeof intent.asset));
	assert_true(str_copy(STR("1f2e3d4c5b6a7988"), intent.created_by, sizeof intent.created_by));
	assert_int_equal(amount_read(STR("12.5"), 6, &intent.amount), AMOUNT_OK);
	return intent;
}

static struct screen_outcome outcome_of(struct screen *screen, struct id withdrawal)
{
	struct screen_outcome outcome;
	for (int i = 0; i < 60; i++) {
		if (!screen_next(screen, 1000, &outcome))
			continue;
		assert_true(id_equal(outcome.withdrawal, withdrawal));
		return outcome;
	}
	fail_msg("no outcome came");
	return outcome;
}

static struct screen_outcome ask(struct screen *screen, const char *account)
{
	struct intent intent = intent_of(account);
	assert_int_equal(screen_begin(screen, &intent), SCREEN_BEGUN);
	return outcome_of(screen, intent.id);
}

static void test_answers(void **state)
{
	struct place *place = *state;
	struct screen_outcome outcome = ask(place->screen, "allow");
	assert_true(outcome.is_answered);
	assert_int_equal(outcome.answer.decision, SCREEN_ALLOW);
	assert_string_equal(outcome.answer.reference, "ref-1");
	assert_string_equal(outcome.answer.reason, "known for years");
	outcome = ask(place->screen, "deny");
	assert_int_equal(outcome.answer.decision, SCREEN_DENY);
	assert_string_equal(outcome.answer.reference, "case/17");
	assert_string_equal(outcome.answer.reason, "");
	outcome = ask(place->screen, "review");
	assert_int_equal(outcome.answer.decision, SCREEN_REVIEW);
	assert_string_equal(outcome.answer.reason, "größer als sonst");
}

/* A breaker would hide the second one behind the first. */
static void no_answer(struct place *place, const char *account, const char *why)
{
	struct screen *screen = open_at(place, getenv("SLUICE_TEST_SCREENING_URL"),
					strcmp(account, "silent") == 0 ? DEADLINE_MS : PATIENT_MS);
	struct screen_outcome outcome = ask(screen, account);
	if (outcome.is_answered || strstr(outcome.err.text, why) == NULL)
		fail_msg("%s: decision %d, \"%s\"", account, (int)outcome.answer.decision,
			 outcome.err.text);
	screen_close(screen);
}

static void screening_forged_in_between(void **state)
{
	no_answer(*state, "unsigned", "not signed");
	no_answer(*state, "stranger", "not signed");
	no_answer(*state, "changed", "not signed");
	no_answer(*state, "reflected", "not signed");
	no_answer(*state, "twice_signed", "not signed");
}

static void screening_forged_by_an_older_answer(void **state)
{
	struct place *place = *state;
	assert_true(ask(place->screen, "keep").is_answered);
	no_answer(place, "replay", "it is to another request");
	no_answer(place, "replay_request", "it is to another request");
	no_answer(place, "replay_withdrawal", "it is about another withdrawal");
}

static void test_other_statuses_are_no_answer(void **state)
{
	no_answer(*state, "redirect", "status 307");
	no_answer(*state, "redirect_signed", "status 302");
	no_answer(*state, "broken", "status 503");
	no_answer(*state, "busy", "status 429");
	no_answer(*state, "unknown", "status 404");
	no_answer(*state, "created", "status 201");
}

static void test_broken_answers_are_none(void **state)
{
	no_answer(*state, "silent", "no answer in time");
	no_answer(*state, "oversize", "the answer is too large");
	no_answer(*state, "cut", "http://127.0.0.1");
	no_answer(*state, "reset", "http://127.0.0.1");
	no_answer(*state, "no_json", "it is not JSON");
	no_answer(*state, "a_list", "it is no object");
	no_answer(*state, "no_decision", "a member is missing");
	no_answer(*state, "other_decision", "its decision is none");
	no_answer(*state, "more_members", "a member that no answer has");
	no_answer(*state, "twice_decided", "it is not JSON");
	no_answer(*state, "null_reason", "a member is no text");
	no_answer(*state, "quoted_reference", "its reference");
	no_answer(*state, "long_reference", "its reference");
	no_answer(*state, "control_reason", "its reason");
}

/* Who is slow holds up nobody else. */
static void test_side_by_side(void **state)
{
	struct place *place = *state;
	struct intent slow = intent_of("slow"), quick = intent_of("allow");
	struct screen_outcome outcome;
	assert_false(screen_next(place->screen, 0, &outcome));
	assert_int_equal(screen_begin(place->screen, &slow), SCREEN_BEGUN);
	assert_int_equal(screen_begin(place->screen, &quick), SCREEN_BEGUN);
	outcome = outcome_of(place->screen, quick.id);
	assert_true(outcome.is_answered);
	outcome = outcome_of(place->screen, slow.id);
	assert_true(outcome.is_answered);
}

static void test_full_and_free_again(void **state)
{
	struct place *place = *state;
	struct screen_outcome outcome;
	for (size_t i = 0; i < SCREEN_ASKED_MAX; i++) {
		struct intent intent = intent_of("slow");
		assert_int_equal(screen_begin(place->screen, &intent), SCREEN_BEGUN);
	}
	struct intent more = intent_of("allow");
	assert_int_equal(screen_begin(place->screen, &more), SCREEN_FULL);
	for (size_t ended = 0; ended < SCREEN_ASKED_MAX;)
		ended += screen_next(place->screen, 1000, &outcome);
	assert_int_equal(screen_begin(place->screen, &more), SCREEN_BEGUN);
	assert_true(outcome_of(place->screen, more.id).is_answered);
}

/* Nobody is asked for a while, and the neighbour that is away costs no deadlines. */
static void test_breaker(void **state)
{
	struct place *place = *state;
	struct screen *screen = open_at(place, getenv("SLUICE_TEST_SCREENING_NOBODY"), PATIENT_MS);
	for (int i = 0; i < BREAKER_RUN; i++) {
		struct screen_outcome outcome = ask(screen, "allow");
		assert_false(outcome.is_answered);
		assert_int_equal(outcome.err.kind, ERR_NOT_DONE);
	}
	struct intent intent = intent_of("allow");
	assert_int_equal(screen_begin(screen, &intent), SCREEN_AWAY);
	screen_close(screen);
}

/* What was asked is forgotten with who asked. */
static void test_closed_while_asked(void **state)
{
	struct place *place = *state;
	struct screen *screen = open_at(place, getenv("SLUICE_TEST_SCREENING_URL"), PATIENT_MS);
	struct intent intent = intent_of("slow");
	struct screen_outcome outcome;
	assert_int_equal(screen_begin(screen, &intent), SCREEN_BEGUN);
	assert_false(screen_next(screen, 1, &outcome));
	screen_close(screen);
}

static void refused(struct place *place, const char *url, const char *why)
{
	struct screen *screen = NULL;
	struct err err = { 0 };
	const struct screen_http_options options = {
		.url = url,
		.secret_file = getenv("SLUICE_TEST_SCREENING_SECRET_FILE"),
		.deadline_ms = DEADLINE_MS,
		.asked_max = 1,
		.clock = &place->clock,
		.entropy = &place->entropy,
	};
	assert_false(screen_http_open(&options, &screen, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	if (strstr(err.text, why) == NULL)
		fail_msg("%s: \"%s\"", url, err.text);
}

static void test_urls_that_others_could_read(void **state)
{
	refused(*state, "http://screening.example.com/", "has to be https");
	refused(*state, "http://127.0.0.1:80@screening.example.com/", "has to be https");
	refused(*state, "http://localhost.example.com/", "has to be https");
	refused(*state, "http://10.0.0.1/", "has to be https");
	refused(*state, "ftp://127.0.0.1/", "scheme");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(screening_forged_in_between, set_up, tear_down),
		cmocka_unit_test_setup_teardown(screening_forged_by_an_older_answer, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_other_statuses_are_no_answer, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_broken_answers_are_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_side_by_side, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_and_free_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_breaker, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_closed_while_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_urls_that_others_could_read, set_up,
						tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
