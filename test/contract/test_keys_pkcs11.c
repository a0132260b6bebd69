/* port/keys.h on a SoftHSM token, behind a module that goes wrong where it is told to. */
#include "adapter/keys_pkcs11.h"

#include "fault_hsm.h"
#include "keys_contract.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <sys/stat.h>
#include <time.h>

#define DEADLINE_MS  20000 /* nothing here comes near it, on any machine */
#define HANG_MS      200   /* of tests in which no call comes back */
#define SOME_HANG_MS 2000  /* of those in which others do, on any machine */
#define SESSIONS     8
#define GATHER_MS    10000 /* at most, until threads have come where they should */

#ifdef __SANITIZE_ADDRESS__
/* SoftHSM forgets what its sessions were doing when they are closed under it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libsofthsm2.so";
}
#endif

struct hsm {
	struct keys_contract contract;
	struct fault_hsm *fault;
	void *library;
};

static struct keys_pkcs11_options options_of(const char *token, const char *pin)
{
	return (struct keys_pkcs11_options){
		.module = getenv("SLUICE_TEST_HSM_FAULT"),
		.token = token,
		.pin = str_from(pin),
		.sessions = SESSIONS,
		.deadline_ms = DEADLINE_MS,
		.start_ms = DEADLINE_MS,
	};
}

static struct keys_pkcs11_options options_right(void)
{
	return options_of(getenv("SLUICE_TEST_HSM_TOKEN"), getenv("SLUICE_TEST_HSM_PIN"));
}

static struct keys *open_with(struct keys_pkcs11_options options)
{
	struct keys *keys = NULL;
	struct err err = { 0 };
	if (!keys_pkcs11_open(&options, &keys, &err))
		fail_msg("%s", err.text);
	return keys;
}

static struct err open_fails(struct keys_pkcs11_options options, enum err_kind kind)
{
	struct keys *keys = NULL;
	struct err err = { 0 };
	assert_false(keys_pkcs11_open(&options, &keys, &err));
	assert_int_equal(err.kind, kind);
	assert_true(err.text[0] != '\0');
	return err;
}

static int hsm_make(void **state)
{
	struct hsm *hsm = calloc(1, sizeof *hsm);
	struct fault_hsm *(*get)(void);
	hsm->library = dlopen(getenv("SLUICE_TEST_HSM_FAULT"), RTLD_NOW | RTLD_LOCAL);
	if (hsm->library == NULL)
		fail_msg("%s", dlerror());
	void *symbol = dlsym(hsm->library, "fault_hsm");
	memcpy(&get, &symbol, sizeof get);
	hsm->fault = get();
	memset(hsm->fault, 0, sizeof *hsm->fault);
	hsm->contract.context = signature_context_new();
	hsm->contract.unknown = "hsm/nobody";
	keys_contract_read(&hsm->contract, "SLUICE_TEST_KEYS");
	hsm->contract.keys = open_with(options_right());
	*state = hsm;
	return 0;
}

static int hsm_remove(void **state)
{
	struct hsm *hsm = *state;
	keys_close(hsm->contract.keys);
	signature_context_free(hsm->contract.context);
	dlclose(hsm->library);
	free(hsm);
	return 0;
}

static void close_keys(struct hsm *hsm)
{
	keys_close(hsm->contract.keys);
	hsm->contract.keys = NULL;
}

static void reopen(struct hsm *hsm, struct keys_pkcs11_options options)
{
	close_keys(hsm);
	hsm->contract.keys = open_with(options);
}

static struct keys_result sign_one(struct hsm *hsm, const char *key_ref, uint64_t number)
{
	struct keys_request request = { key_ref, keys_contract_digest(number) };
	struct keys_result result;
	keys_sign_many(hsm->contract.keys, &request, 1, &result);
	return result;
}

static size_t sign_all(struct hsm *hsm, struct keys_result *ret_results)
{
	struct keys_request requests[BATCH_MAX];
	size_t done = 0;
	for (size_t i = 0; i < BATCH_MAX; i++)
		requests[i] =
			(struct keys_request){ hsm->contract.refs[0], keys_contract_digest(i) };
	keys_sign_many(hsm->contract.keys, requests, BATCH_MAX, ret_results);
	for (size_t i = 0; i < BATCH_MAX; i++)
		if (ret_results[i].done) {
			(void)keys_contract_verify(&hsm->contract, 0, requests[i].digest,
						   &ret_results[i]);
			done++;
		}
	return done;
}

/* The same, after which every thread has a session. */
static void sign_all_together(struct hsm *hsm)
{
	struct keys_result results[BATCH_MAX];
	hsm->fault->gather = SESSIONS;
	assert_int_equal(sign_all(hsm, results), BATCH_MAX);
	assert_int_equal(hsm->fault->gather, 0);
}

/* Until the count is what it should be; a test that waits for ever is one that fails. */
static void gather(const atomic_uint *count, unsigned wanted)
{
	for (int i = 0; i < GATHER_MS && atomic_load(count) != wanted; i++)
		usleep(1000);
	assert_int_equal(atomic_load(count), wanted);
}

/* --- signatures ---------------------------------------------------------------------------------
 */

static void signs_the_digest_itself(void **state)
{
	struct hsm *hsm = *state;
	keys_contract_sign(&hsm->contract, 0, BATCH_MAX);
	assert_false(hsm->fault->digest_is_long);
	assert_int_equal(hsm->fault->mechanism, CKM_ECDSA);
}

static void hands_high_s_on_for_core_to_lower(void **state)
{
	struct hsm *hsm = *state;
	size_t high = 0;
	for (uint64_t i = 0; i < BATCH_MAX; i++) {
		struct keys_result result = sign_one(hsm, hsm->contract.refs[0], i);
		if (keys_contract_verify(&hsm->contract, 0, keys_contract_digest(i), &result))
			high++;
	}
	assert_true(high > 0 && high < BATCH_MAX);
}

static void many_signatures_are_under_way(void **state)
{
	/* Each waits for the others: were they one by one, none would end. */
	sign_all_together(*state);
}

static void a_signature_of_another_length_is_none(void **state)
{
	struct hsm *hsm = *state;
	hsm->fault->sign_len = 63;
	assert_int_equal(sign_one(hsm, hsm->contract.refs[0], 1).err.kind, ERR_REFUSED);
	hsm->fault->sign_len = 72;
	assert_int_equal(sign_one(hsm, hsm->contract.refs[0], 1).err.kind, ERR_REFUSED);
	hsm->fault->sign_len = 0;
	assert_true(sign_one(hsm, hsm->contract.refs[0], 1).done);
}

/* --- keys ---------------------------------------------------------------------------------------
 */

static void refuses_key(struct hsm *hsm, const char *key_ref)
{
	struct address address;
	struct err err = { 0 };
	assert_false(keys_address(hsm->contract.keys, key_ref, &address, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_false(sign_one(hsm, key_ref, 1).done);
	assert_int_equal(sign_one(hsm, key_ref, 1).err.kind, ERR_REFUSED);
}

static void a_key_of_another_curve_is_refused(void **state)
{
	refuses_key(*state, "hsm/p256");
	refuses_key(*state, "hsm/id=c0");
}

static void a_name_that_two_keys_have_is_refused(void **state)
{
	refuses_key(*state, "hsm/double");
}

static void references_that_name_no_key_are_refused(void **state)
{
	static const char *const refs[] = { "hsm",       "hsm/",      "hsm/id=",  "hsm/id=a",
					    "hsm/id=zz", "hsm/id=ee", "hsm/HOT-0" };
	for (size_t i = 0; i < COUNT_OF(refs); i++)
		refuses_key(*state, refs[i]);
}

static void a_bare_point_is_a_point(void **state)
{
	struct hsm *hsm = *state;
	hsm->fault->bare_points = true;
	keys_contract_gives_addresses(state);
}

/* Removes the private key by a session of the test's own. */
static void doomed_remove(struct hsm *hsm)
{
	CK_FUNCTION_LIST *calls;
	CK_C_GetFunctionList get;
	CK_SLOT_ID slots[8];
	CK_ULONG len = 8, found = 0;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	CK_BYTE id = 0xdd;
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof class }, { CKA_ID, &id, 1 } };
	void *symbol = dlsym(hsm->library, "C_GetFunctionList");
	memcpy(&get, &symbol, sizeof get);
	assert_int_equal(get(&calls), CKR_OK);
	assert_int_equal(calls->C_GetSlotList(CK_TRUE, slots, &len), CKR_OK);
	for (CK_ULONG i = 0; i < len && found == 0; i++) {
		if (calls->C_OpenSession(slots[i], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
					 &session) != CKR_OK)
			continue;
		assert_int_equal(calls->C_FindObjectsInit(session, wanted, 2), CKR_OK);
		assert_int_equal(calls->C_FindObjects(session, &key, 1, &found), CKR_OK);
		assert_int_equal(calls->C_FindObjectsFinal(session), CKR_OK);
		if (found == 1)
			assert_int_equal(calls->C_DestroyObject(session, key), CKR_OK);
		assert_int_equal(calls->C_CloseSession(session), CKR_OK);
	}
	assert_int_equal(found, 1);
}

static void a_removed_key_is_refused_and_harms_no_other(void **state)
{
	struct hsm *hsm = *state;
	assert_true(sign_one(hsm, "hsm/doomed", 1).done);
	doomed_remove(hsm);
	for (int i = 0; i < 2 * SESSIONS; i++) {
		struct keys_result result = sign_one(hsm, "hsm/doomed", 2);
		assert_false(result.done);
		assert_int_equal(result.err.kind, ERR_REFUSED);
	}
	keys_contract_sign(&hsm->contract, 0, BATCH_MAX);
}

/* --- the token goes away ------------------------------------------------------------------------
 */

static void sign_after(struct hsm *hsm, enum fault_hsm_deed deed, unsigned long answer)
{
	struct keys_result results[BATCH_MAX];
	unsigned long before = hsm->fault->logins;
	sign_all_together(hsm);
	hsm->fault->deed = (int)deed;
	hsm->fault->fail_answer = answer;
	hsm->fault->fail = 1;
	/* What was in a session at that moment waits for its next try. */
	assert_true(sign_all(hsm, results) > 0);
	assert_int_equal(sign_all(hsm, results), BATCH_MAX);
	assert_int_equal(hsm->fault->fail, 0);
	assert_true(deed == FAULT_HSM_NOTHING || hsm->fault->logins > before);
}

static void sessions_that_are_gone_are_opened_again(void **state)
{
	sign_after(*state, FAULT_HSM_CLOSE_SESSIONS, 0);
	sign_after(*state, FAULT_HSM_NOTHING, CKR_SESSION_HANDLE_INVALID);
	sign_after(*state, FAULT_HSM_CLOSE_SESSIONS, CKR_DEVICE_REMOVED);
	sign_after(*state, FAULT_HSM_NOTHING, CKR_DEVICE_ERROR);
}

static void a_login_that_is_gone_is_made_again(void **state)
{
	sign_after(*state, FAULT_HSM_LOG_OUT, 0);
	sign_after(*state, FAULT_HSM_LOG_OUT, CKR_USER_NOT_LOGGED_IN);
}

static void a_module_that_forgot_all_is_started_again(void **state)
{
	sign_after(*state, FAULT_HSM_FINALIZE, CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void a_token_that_is_away_is_waited_for(void **state)
{
	struct hsm *hsm = *state;
	struct keys_result results[BATCH_MAX];
	sign_all_together(hsm);
	hsm->fault->is_away = true;
	hsm->fault->deed = FAULT_HSM_CLOSE_SESSIONS;
	hsm->fault->fail_answer = CKR_DEVICE_REMOVED;
	hsm->fault->fail = 1;
	assert_false(sign_one(hsm, hsm->contract.refs[0], 1).done);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sign_all(hsm, results), 0);
		for (size_t k = 0; k < BATCH_MAX; k++)
			assert_int_equal(results[k].err.kind, ERR_NOT_DONE);
	}
	hsm->fault->is_away = false;
	assert_int_equal(sign_all(hsm, results), BATCH_MAX);
}

static void a_token_that_is_away_at_the_start_is_waited_for(void **state)
{
	struct hsm *hsm = *state;
	struct keys_result results[BATCH_MAX];
	struct address address;
	struct err err = { 0 };
	close_keys(hsm); /* with its login */
	hsm->fault->is_away = true;
	hsm->contract.keys = open_with(options_right());
	assert_int_equal(sign_all(hsm, results), 0);
	assert_int_equal(results[0].err.kind, ERR_NOT_DONE);
	assert_false(keys_address(hsm->contract.keys, hsm->contract.refs[0], &address, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	hsm->fault->is_away = false;
	keys_contract_sign(&hsm->contract, 0, BATCH_MAX);
	keys_contract_gives_addresses(state);
}

static void a_token_that_nobody_knows_is_not_done(void **state)
{
	struct hsm *hsm = *state;
	reopen(hsm, options_of("no such token", "pin"));
	struct keys_result result = sign_one(hsm, hsm->contract.refs[0], 1);
	assert_int_equal(result.err.kind, ERR_NOT_DONE);
	assert_non_null(strstr(result.err.text, "no such token"));
}

static void a_token_is_named_by_its_serial_number_too(void **state)
{
	struct hsm *hsm = *state;
	CK_FUNCTION_LIST *calls;
	CK_C_GetFunctionList get;
	CK_SLOT_ID slots[8];
	CK_ULONG len = 8;
	const char *label = getenv("SLUICE_TEST_HSM_TOKEN");
	char serial[17] = "";
	void *symbol = dlsym(hsm->library, "C_GetFunctionList");
	memcpy(&get, &symbol, sizeof get);
	assert_int_equal(get(&calls), CKR_OK);
	assert_int_equal(calls->C_GetSlotList(CK_TRUE, slots, &len), CKR_OK);
	for (CK_ULONG i = 0; i < len; i++) {
		CK_TOKEN_INFO info;
		assert_int_equal(calls->C_GetTokenInfo(slots[i], &info), CKR_OK);
		if (memcmp(info.label, label, strlen(label)) == 0)
			memcpy(serial, info.serialNumber, 16);
	}
	assert_true(serial[0] != '\0');
	reopen(hsm, options_of(serial, getenv("SLUICE_TEST_HSM_PIN")));
	keys_contract_gives_addresses(state);
}

static void two_tokens_of_one_name_are_refused(void **state)
{
	(void)state;
	open_fails(options_of("twin", getenv("SLUICE_TEST_HSM_PIN")), ERR_REFUSED);
}

/* --- calls that do not come back ----------------------------------------------------------------
 */

static void a_call_that_hangs_is_given_up_alone(void **state)
{
	struct hsm *hsm = *state;
	struct keys_pkcs11_options options = options_right();
	struct keys_result results[BATCH_MAX];
	options.deadline_ms = SOME_HANG_MS;
	reopen(hsm, options);
	hsm->fault->hang = 3;
	assert_int_equal(sign_all(hsm, results), BATCH_MAX - 3);
	for (size_t i = 0; i < BATCH_MAX; i++)
		assert_true(results[i].done || results[i].err.kind == ERR_NOT_DONE);
	gather(&hsm->fault->hanging, 3);
	/* Others have taken their places, and what comes back late harms nobody. */
	reopen(hsm, options_right());
	assert_int_equal(sign_all(hsm, results), BATCH_MAX);
	hsm->fault->release = true;
	gather(&hsm->fault->hanging, 0);
	assert_int_equal(sign_all(hsm, results), BATCH_MAX);
}

static void a_module_that_hangs_makes_requests_wait(void **state)
{
	struct hsm *hsm = *state;
	struct keys_pkcs11_options options = options_right();
	struct keys_result results[BATCH_MAX];
	options.deadline_ms = HANG_MS;
	reopen(hsm, options);
	hsm->fault->hang = 1000;
	for (int i = 0; i < 2 + PKCS11_GIVEN_UP_MAX / SESSIONS; i++) {
		assert_int_equal(sign_all(hsm, results), 0);
		for (size_t k = 0; k < BATCH_MAX; k++)
			assert_int_equal(results[k].err.kind, ERR_NOT_DONE);
	}
	/* No more threads than the bound, and no more waiting. */
	gather(&hsm->fault->hanging, PKCS11_GIVEN_UP_MAX);
	hsm->fault->hang = 0;
	hsm->fault->release = true;
	gather(&hsm->fault->hanging, 0);
	bool signs = false;
	for (int i = 0; i < GATHER_MS / HANG_MS && !signs; i++)
		signs = sign_one(hsm, hsm->contract.refs[0], 1).done;
	assert_true(signs);
}

static void closing_does_not_wait_for_what_hangs(void **state)
{
	struct hsm *hsm = *state;
	struct keys_pkcs11_options options = options_right();
	options.deadline_ms = HANG_MS;
	reopen(hsm, options);
	hsm->fault->hang = 1;
	assert_false(sign_one(hsm, hsm->contract.refs[0], 1).done);
	close_keys(hsm);
	gather(&hsm->fault->hanging, 1);
	hsm->fault->release = true;
	gather(&hsm->fault->hanging, 0);
	hsm->contract.keys = open_with(options_right());
}

/* --- the PIN ------------------------------------------------------------------------------------
 */

static void a_wrong_pin_is_refused_and_offered_once(void **state)
{
	struct hsm *hsm = *state;
	close_keys(hsm);
	unsigned long before = hsm->fault->logins;
	struct err err =
		open_fails(options_of(getenv("SLUICE_TEST_HSM_TOKEN"), "wrong pin"), ERR_REFUSED);
	assert_int_equal(hsm->fault->logins, before + 1);
	assert_null(strstr(err.text, "wrong pin"));
	hsm->contract.keys = open_with(options_right());
}

static void wrong_pin_locks_token_is_offered_once(void **state)
{
	struct hsm *hsm = *state;
	struct keys_result results[BATCH_MAX];
	sign_all_together(hsm);
	unsigned long before = hsm->fault->logins;
	hsm->fault->login_answer = CKR_PIN_INCORRECT;
	hsm->fault->deed = FAULT_HSM_CLOSE_SESSIONS;
	hsm->fault->fail_answer = CKR_DEVICE_REMOVED;
	hsm->fault->fail = 1;
	for (int i = 0; i < 4; i++)
		(void)sign_all(hsm, results);
	for (size_t i = 0; i < BATCH_MAX; i++)
		assert_int_equal(results[i].err.kind, ERR_REFUSED);
	assert_int_equal(hsm->fault->logins, before + 1);
	assert_non_null(strstr(results[0].err.text, "CKR_PIN_INCORRECT"));
}

static void wrong_pin_locks_token_last_try_is_peoples(void **state)
{
	struct hsm *hsm = *state;
	close_keys(hsm);
	unsigned long before = hsm->fault->logins;
	hsm->fault->token_flags = CKF_USER_PIN_FINAL_TRY;
	open_fails(options_right(), ERR_REFUSED);
	hsm->fault->token_flags = CKF_USER_PIN_LOCKED;
	open_fails(options_right(), ERR_REFUSED);
	assert_int_equal(hsm->fault->logins, before);
	hsm->fault->token_flags = CKF_USER_PIN_COUNT_LOW;
	hsm->contract.keys = open_with(options_right());
}

/* --- the module ---------------------------------------------------------------------------------
 */

static void file_write(char *path, size_t cap, const char *name, const char *text, mode_t mode)
{
	snprintf(path, cap, "%s/%s", getenv("SLUICE_TEST_HSM_PATH"), name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void what_is_no_module_is_refused(void **state)
{
	struct keys_pkcs11_options options = options_right();
	char path[256];
	(void)state;
	options.module = "/nonexistent/module.so";
	open_fails(options, ERR_REFUSED);
	file_write(path, sizeof path, "text.so", "no module\n", 0600);
	options.module = path;
	open_fails(options, ERR_REFUSED);
	options.module = getenv("SLUICE_TEST_HSM_LIBRARY"); /* a library, and no module */
	open_fails(options, ERR_REFUSED);
}

static void a_module_that_others_may_write_is_refused(void **state)
{
	struct keys_pkcs11_options options = options_right();
	char path[256];
	(void)state;
	file_write(path, sizeof path, "open.so", "", 0666);
	options.module = path;
	assert_non_null(strstr(open_fails(options, ERR_REFUSED).text, "may write"));
}

#define HSM_TEST(name) cmocka_unit_test_setup_teardown(name, hsm_make, hsm_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEYS_CONTRACT_TESTS(hsm_make, hsm_remove),
		HSM_TEST(signs_the_digest_itself),
		HSM_TEST(hands_high_s_on_for_core_to_lower),
		HSM_TEST(many_signatures_are_under_way),
		HSM_TEST(a_signature_of_another_length_is_none),
		HSM_TEST(a_key_of_another_curve_is_refused),
		HSM_TEST(a_name_that_two_keys_have_is_refused),
		HSM_TEST(references_that_name_no_key_are_refused),
		HSM_TEST(a_bare_point_is_a_point),
		HSM_TEST(a_removed_key_is_refused_and_harms_no_other),
		HSM_TEST(sessions_that_are_gone_are_opened_again),
		HSM_TEST(a_login_that_is_gone_is_made_again),
		HSM_TEST(a_module_that_forgot_all_is_started_again),
		HSM_TEST(a_token_that_is_away_is_waited_for),
		HSM_TEST(a_token_that_is_away_at_the_start_is_waited_for),
		HSM_TEST(a_token_that_nobody_knows_is_not_done),
		HSM_TEST(a_token_is_named_by_its_serial_number_too),
		HSM_TEST(two_tokens_of_one_name_are_refused),
		HSM_TEST(a_call_that_hangs_is_given_up_alone),
		HSM_TEST(a_module_that_hangs_makes_requests_wait),
		HSM_TEST(closing_does_not_wait_for_what_hangs),
		HSM_TEST(a_wrong_pin_is_refused_and_offered_once),
		HSM_TEST(wrong_pin_locks_token_is_offered_once),
		HSM_TEST(wrong_pin_locks_token_last_try_is_peoples),
		HSM_TEST(what_is_no_module_is_refused),
		HSM_TEST(a_module_that_others_may_write_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
