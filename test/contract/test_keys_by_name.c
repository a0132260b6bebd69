/* Several key stores as one: a keystore's keys and those of a token that goes wrong where it is
 * told to. */
#include "adapter/keys_by_name.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "adapter/keys_keystore.h"
#include "adapter/keys_keystore_file.h"
#include "adapter/keys_pkcs11.h"
#include "fault_hsm.h"
#include "keys_contract.h"
#include "net/circuit_breaker.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#define DEADLINE_MS 20000
#define SCRYPT_N    2
/* Of the private keys 1 and 2. */
#define HOT  "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
#define COLD "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF"

struct several {
	struct keys_contract contract;
	struct fault_hsm *fault;
	void *library;
	struct clock clock;
	struct entropy entropy;
};

static void key_add(struct several *several, const char *key_ref, const char *address)
{
	struct keys_contract *contract = &several->contract;
	assert_true(str_copy(str_from(key_ref), contract->refs[contract->len],
			     sizeof contract->refs[0]));
	assert_int_equal(address_read(str_from(address), &contract->addresses[contract->len]),
			 ADDRESS_OK);
	contract->len++;
}

static struct keys *keystores_make(struct several *several)
{
	struct keys_keystore_file files[2];
	static const char *const names[] = { "hot", "cold" };
	char paths[2][256];
	struct keys *keys = NULL;
	struct err err = { 0 };
	for (size_t i = 0; i < 2; i++) {
		uint8_t key[32] = { 0 };
		key[31] = (uint8_t)(i + 1);
		snprintf(paths[i], sizeof paths[i], "%s/%s.json", getenv("SLUICE_TEST_HSM_PATH"),
			 names[i]);
		unlink(paths[i]);
		if (!keystore_write(paths[i], str_from_bytes(key, 32), KEYSTORE_KEY, STR("p"),
				    SCRYPT_N, &several->entropy, &err))
			fail_msg("%s", err.text);
		files[i] = (struct keys_keystore_file){ names[i], paths[i], STR("p") };
	}
	struct keys_keystore_options options = { files, 2, &several->entropy };
	if (!keys_keystore_open(&options, &keys, &err))
		fail_msg("%s", err.text);
	return keys;
}

static struct keys *token_open(void)
{
	struct keys_pkcs11_options options = {
		.module = getenv("SLUICE_TEST_HSM_FAULT"),
		.token = getenv("SLUICE_TEST_HSM_TOKEN"),
		.pin = str_from(getenv("SLUICE_TEST_HSM_PIN")),
		.sessions = 4,
		.deadline_ms = DEADLINE_MS,
		.start_ms = DEADLINE_MS,
	};
	struct keys *keys = NULL;
	struct err err = { 0 };
	if (!keys_pkcs11_open(&options, &keys, &err))
		fail_msg("%s", err.text);
	return keys;
}

static int several_make(void **state)
{
	struct several *several = calloc(1, sizeof *several);
	struct fault_hsm *(*get)(void);
	several->library = dlopen(getenv("SLUICE_TEST_HSM_FAULT"), RTLD_NOW | RTLD_LOCAL);
	void *symbol = dlsym(several->library, "fault_hsm");
	memcpy(&get, &symbol, sizeof get);
	several->fault = get();
	memset(several->fault, 0, sizeof *several->fault);
	clock_posix_init(&several->clock);
	entropy_os_init(&several->entropy);
	several->contract.context = signature_context_new();
	several->contract.unknown = "hsm/nobody";
	key_add(several, "hot", HOT);
	keys_contract_read(&several->contract, "SLUICE_TEST_KEYS");
	key_add(several, "cold", COLD);
	struct keys *keystores = keystores_make(several);
	struct keys_store stores[] = {
		{ "hot", keystores, NULL },
		{ "hsm", token_open(), "pkcs11_1" },
		{ "cold", keystores, NULL },
	};
	struct keys_by_name_options options = { stores, 3, &several->clock, NULL };
	several->contract.keys = keys_by_name_new(&options);
	*state = several;
	return 0;
}

static int several_remove(void **state)
{
	struct several *several = *state;
	keys_close(several->contract.keys);
	signature_context_free(several->contract.context);
	dlclose(several->library);
	free(several);
	return 0;
}

static void a_name_that_no_store_has_is_refused(void **state)
{
	static const char *const refs[] = { "nobody/0", "nobody", "/hot", "ho", "hott", "HOT" };
	struct several *several = *state;
	for (size_t i = 0; i < COUNT_OF(refs); i++) {
		struct keys_request request = { refs[i], keys_contract_digest(i) };
		struct keys_result result;
		struct address address;
		struct err err = { 0 };
		keys_sign_many(several->contract.keys, &request, 1, &result);
		assert_false(result.done);
		assert_int_equal(result.err.kind, ERR_REFUSED);
		assert_false(keys_address(several->contract.keys, refs[i], &address, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
	}
}

/* One of the keystore, one of the token, one of the keystore. */
static void sign_three(struct several *several, struct keys_result ret_results[3])
{
	struct keys_contract *contract = &several->contract;
	size_t last = contract->len - 1;
	struct keys_request requests[] = {
		{ contract->refs[0], keys_contract_digest(0) },
		{ contract->refs[1], keys_contract_digest(1) },
		{ contract->refs[last], keys_contract_digest(2) },
	};
	keys_sign_many(contract->keys, requests, 3, ret_results);
	(void)keys_contract_verify(contract, 0, requests[0].digest, &ret_results[0]);
	(void)keys_contract_verify(contract, last, requests[2].digest, &ret_results[2]);
	if (ret_results[1].done)
		(void)keys_contract_verify(contract, 1, requests[1].digest, &ret_results[1]);
}

static void a_store_that_fails_harms_no_other_and_is_left_alone(void **state)
{
	struct several *several = *state;
	struct keys_result results[3];
	several->fault->fail_answer = CKR_FUNCTION_FAILED;
	several->fault->fail = UINT32_MAX;
	for (int i = 0; i < BREAKER_RUN; i++) {
		sign_three(several, results);
		assert_non_null(strstr(results[1].err.text, "CKR_FUNCTION_FAILED"));
	}
	unsigned asked = several->fault->fail;
	for (int i = 0; i < 10; i++) {
		sign_three(several, results);
		assert_false(results[1].done);
		assert_int_equal(results[1].err.kind, ERR_NOT_DONE);
	}
	/* It is asked again by the clock alone, and the load of these ten is not there. */
	assert_in_range(asked - several->fault->fail, 0, 5);
	several->fault->fail = 0;
	for (int i = 0; i < 30000 && !results[1].done; i++) {
		usleep(1000);
		sign_three(several, results);
	}
	assert_true(results[1].done);
}

/* A key that is not there is an answer: the token works. */
static void a_key_that_is_missing_opens_no_breaker(void **state)
{
	struct several *several = *state;
	struct keys_request request = { several->contract.unknown, keys_contract_digest(1) };
	struct keys_result result;
	for (int i = 0; i < 4 * BREAKER_RUN; i++) {
		keys_sign_many(several->contract.keys, &request, 1, &result);
		assert_int_equal(result.err.kind, ERR_REFUSED);
	}
	struct keys_result results[3];
	sign_three(several, results);
	assert_true(results[1].done);
}

#define SEVERAL_TEST(name) cmocka_unit_test_setup_teardown(name, several_make, several_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEYS_CONTRACT_TESTS(several_make, several_remove),
		SEVERAL_TEST(a_name_that_no_store_has_is_refused),
		SEVERAL_TEST(a_store_that_fails_harms_no_other_and_is_left_alone),
		SEVERAL_TEST(a_key_that_is_missing_opens_no_breaker),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
