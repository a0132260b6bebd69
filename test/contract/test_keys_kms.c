/* port/keys.h on a KMS of others, behind what judges our signatures and goes wrong where it is told
 * to. */
#include "adapter/keys_kms.h"

#include "keys_contract.h"
#include "net/http_client.h"

#include <signal.h>

#define DEADLINE_MS 20000 /* nothing here comes near it, on any machine */
#define HANG_MS     300   /* of tests in which nobody answers */
#define AT_ONCE     8     /* at least */
#define SOME        24    /* the emulator is slow */

struct place {
	struct keys_contract contract;
	struct http_client *faults;
};

static struct keys *open_with(int64_t deadline_ms)
{
	struct keys_kms_options options = {
		.region = getenv("KMS_REGION"),
		.endpoint = getenv("KMS_ENDPOINT"),
		.deadline_ms = deadline_ms,
	};
	struct keys *keys = NULL;
	struct err err = { 0 };
	if (!keys_kms_open(&options, &keys, &err))
		fail_msg("%s", err.text);
	return keys;
}

static void tell(struct place *place, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void tell(struct place *place, const char *format, ...)
{
	char path[256];
	struct http_client_response response;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(path, sizeof path, format, arguments);
	va_end(arguments);
	const struct http_client_request request = { .method = HTTP_GET, .path = str_from(path) };
	http_client_request(place->faults, &request, DEADLINE_MS, &response);
	assert_int_equal(response.delivery, HTTP_ANSWERED);
	assert_int_equal(response.status, 200);
}

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof *place);
	struct http_client_options options = { .url = getenv("KMS_FAULTS") };
	struct err err = { 0 };
	if (!http_client_open(&options, &place->faults, &err))
		fail_msg("%s", err.text);
	place->contract.context = signature_context_new();
	place->contract.unknown = "kms/11111111-2222-3333-4444-555555555555";
	place->contract.batches = 1;
	keys_contract_read(&place->contract, "SLUICE_TEST_KEYS");
	place->contract.keys = open_with(DEADLINE_MS);
	*state = place;
	return 0;
}

static int place_remove(void **state)
{
	struct place *place = *state;
	keys_close(place->contract.keys);
	http_client_close(place->faults);
	signature_context_free(place->contract.context);
	free(place);
	return 0;
}

static void reopen(struct place *place, int64_t deadline_ms)
{
	keys_close(place->contract.keys);
	place->contract.keys = open_with(deadline_ms);
}

static size_t sign_some(struct place *place, struct keys_result *ret_results)
{
	struct keys_request requests[SOME];
	size_t done = 0;
	for (size_t i = 0; i < SOME; i++)
		requests[i] =
			(struct keys_request){ place->contract.refs[0], keys_contract_digest(i) };
	keys_sign_many(place->contract.keys, requests, SOME, ret_results);
	for (size_t i = 0; i < SOME; i++) {
		if (!ret_results[i].done)
			continue;
		(void)keys_contract_verify(&place->contract, 0, requests[i].digest,
					   &ret_results[i]);
		done++;
	}
	return done;
}

/* Those that went wrong are not done; the others are. */
static void signs_around(struct place *place, const char *kind, size_t count,
			 enum err_kind expected)
{
	struct keys_result results[SOME];
	tell(place, "/fault?kind=%s&count=%zu", kind, count);
	size_t done = sign_some(place, results);
	if (done != SOME - count)
		fail_msg("%s: %zu done", kind, done);
	for (size_t i = 0; i < SOME; i++) {
		if (results[i].done)
			continue;
		assert_int_equal(results[i].err.kind, expected);
		assert_true(results[i].err.text[0] != '\0');
	}
	assert_int_equal(sign_some(place, results), SOME);
}

static void many_signatures_are_under_way(void **state)
{
	struct place *place = *state;
	struct keys_result results[SOME];
	tell(place, "/gather?count=%d", AT_ONCE);
	assert_int_equal(sign_some(place, results), SOME);
}

static void what_is_throttled_is_not_done(void **state)
{
	signs_around(*state, "throttle", 5, ERR_NOT_DONE);
	signs_around(*state, "throttle", SOME, ERR_NOT_DONE);
}

static void faults_of_kms_are_not_done(void **state)
{
	signs_around(*state, "internal", 3, ERR_NOT_DONE);
	signs_around(*state, "unavailable", 3, ERR_NOT_DONE);
	signs_around(*state, "internal", SOME, ERR_NOT_DONE);
}

static void broken_answers_are_not_done(void **state)
{
	signs_around(*state, "garbage", 3, ERR_NOT_DONE);
	signs_around(*state, "empty", 3, ERR_NOT_DONE);
	signs_around(*state, "unsigned", 3, ERR_NOT_DONE);
}

static void a_reset_harms_nobody_for_long(void **state)
{
	struct place *place = *state;
	struct keys_result results[SOME];
	tell(place, "/fault?kind=reset&count=5");
	(void)sign_some(place, results);
	for (size_t i = 0; i < SOME; i++)
		assert_true(results[i].done || results[i].err.kind == ERR_NOT_DONE);
	tell(place, "/fault?kind=&count=0");
	assert_int_equal(sign_some(place, results), SOME);
}

static void what_we_may_not_do_waits(void **state)
{
	struct place *place = *state;
	struct address address;
	struct err err = { 0 };
	signs_around(place, "denied", 3, ERR_REFUSED);
	/* At a start somebody may be about to grant it. */
	tell(place, "/fault?kind=denied&count=1");
	assert_false(keys_address(place->contract.keys, place->contract.refs[0], &address, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
}

static void a_disabled_key_waits_and_harms_no_other(void **state)
{
	struct place *place = *state;
	struct keys_request requests[] = {
		{ place->contract.refs[0], keys_contract_digest(0) },
		{ place->contract.refs[1], keys_contract_digest(1) },
	};
	struct keys_result results[2];
	tell(place, "/call?action=DisableKey&body={%%22KeyId%%22:%%22%s%%22}", getenv("KMS_HOT"));
	keys_sign_many(place->contract.keys, requests, 2, results);
	tell(place, "/call?action=EnableKey&body={%%22KeyId%%22:%%22%s%%22}", getenv("KMS_HOT"));
	assert_false(results[0].done);
	assert_int_equal(results[0].err.kind, ERR_REFUSED);
	assert_non_null(strstr(results[0].err.text, "DisabledException"));
	(void)keys_contract_verify(&place->contract, 1, requests[1].digest, &results[1]);
	keys_sign_many(place->contract.keys, requests, 2, results);
	(void)keys_contract_verify(&place->contract, 0, requests[0].digest, &results[0]);
}

static void a_key_of_another_curve_is_refused(void **state)
{
	struct place *place = *state;
	char ref[128];
	struct address address;
	struct err err = { 0 };
	snprintf(ref, sizeof ref, "kms/%s", getenv("KMS_P256"));
	assert_false(keys_address(place->contract.keys, ref, &address, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "ECC_SECG_P256K1"));
}

static void references_that_name_no_key_are_refused(void **state)
{
	static const char *const refs[] = { "kms",     "kms/",  "kms/nobody", "kms/alias/nobody",
					    "kms/\"}", "kms/\\" };
	struct place *place = *state;
	for (size_t i = 0; i < COUNT_OF(refs); i++) {
		struct keys_request request = { refs[i], keys_contract_digest(1) };
		struct keys_result result;
		struct address address;
		struct err err = { 0 };
		keys_sign_many(place->contract.keys, &request, 1, &result);
		assert_false(result.done);
		assert_int_equal(result.err.kind, ERR_REFUSED);
		assert_false(keys_address(place->contract.keys, refs[i], &address, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
	}
}

static void addresses_are_asked_for_once(void **state)
{
	struct place *place = *state;
	struct address address;
	struct err err = { 0 };
	keys_contract_gives_addresses(state);
	tell(place, "/fault?kind=internal&count=1000");
	for (size_t i = 0; i < place->contract.len; i++)
		assert_true(keys_address(place->contract.keys, place->contract.refs[i], &address,
					 &err));
	tell(place, "/fault?kind=&count=0");
}

static void a_kms_that_does_not_answer_is_given_up(void **state)
{
	struct place *place = *state;
	struct keys_result results[SOME];
	pid_t pid = (pid_t)strtol(getenv("KMS_PID"), NULL, 10);
	struct address address;
	struct err err = { 0 };
	reopen(place, HANG_MS);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	size_t done = sign_some(place, results);
	bool known = keys_address(place->contract.keys, place->contract.refs[0], &address, &err);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(done, 0);
	for (size_t i = 0; i < SOME; i++)
		assert_int_equal(results[i].err.kind, ERR_NOT_DONE);
	assert_false(known);
	assert_int_equal(err.kind, ERR_NOT_DONE);
	reopen(place, DEADLINE_MS);
	assert_int_equal(sign_some(place, results), SOME);
}

static void nobody_there_is_not_done(void **state)
{
	struct place *place = *state;
	struct keys_kms_options options = { .region = "eu-central-1",
					    .endpoint = "http://127.0.0.1:1",
					    .deadline_ms = DEADLINE_MS };
	struct keys_result results[SOME];
	struct err err = { 0 };
	keys_close(place->contract.keys);
	if (!keys_kms_open(&options, &place->contract.keys, &err))
		fail_msg("%s", err.text);
	assert_int_equal(sign_some(place, results), 0);
	for (size_t i = 0; i < SOME; i++)
		assert_int_equal(results[i].err.kind, ERR_NOT_DONE);
}

static void what_cannot_be_right_is_refused_at_the_open(void **state)
{
	static const char *const regions[] = { "", "EU-CENTRAL-1", "eu central", "a/b",
					       "eu-central-1.evil.example" };
	struct keys *keys = NULL;
	struct err err = { 0 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(regions); i++) {
		struct keys_kms_options options = { .region = regions[i],
						    .deadline_ms = DEADLINE_MS };
		assert_false(keys_kms_open(&options, &keys, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
	}
	struct keys_kms_options options = { .region = "eu-central-1",
					    .endpoint = "ftp://host",
					    .deadline_ms = DEADLINE_MS };
	assert_false(keys_kms_open(&options, &keys, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
}

#define KMS_TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEYS_CONTRACT_TESTS(place_make, place_remove),
		KMS_TEST(many_signatures_are_under_way),
		KMS_TEST(what_is_throttled_is_not_done),
		KMS_TEST(faults_of_kms_are_not_done),
		KMS_TEST(broken_answers_are_not_done),
		KMS_TEST(a_reset_harms_nobody_for_long),
		KMS_TEST(what_we_may_not_do_waits),
		KMS_TEST(a_disabled_key_waits_and_harms_no_other),
		KMS_TEST(a_key_of_another_curve_is_refused),
		KMS_TEST(references_that_name_no_key_are_refused),
		KMS_TEST(addresses_are_asked_for_once),
		KMS_TEST(a_kms_that_does_not_answer_is_given_up),
		KMS_TEST(nobody_there_is_not_done),
		KMS_TEST(what_cannot_be_right_is_refused_at_the_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
