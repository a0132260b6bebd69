#include "service/api/auth.h"

#include "../testing.h"

#include "core/api_key.h"
#include "port/store_api_key.h"

#define CACHE_MS 5000
#define SECRET   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER    "10112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ID       "0123456789abcdef"
#define BEARER   "Bearer slk_" ID "_" SECRET

static const uint8_t mac_key[32] = { 5 };
static const struct mac_keys keys = { .keys = { { 1, mac_key } }, .len = 1 };

static struct store_api_key row_of(const char *id)
{
	struct store_api_key row = { .account = "default", .created_at = 1 };
	assert_true(str_copy(str_from(id), row.id, sizeof row.id));
	api_key_hash(STR(SECRET), row.secret_hash);
	store_api_key_seal(&keys, &row);
	return row;
}

static struct credential credential_of(const char *id, const char *secret)
{
	return (struct credential){ str_from(id), str_from(secret) };
}

static enum auth_verdict judge(const struct auth *auth, const char *id, const char *secret,
			       int64_t now_ms)
{
	struct principal principal;
	struct credential credential = credential_of(id, secret);
	enum auth_verdict verdict = auth_judge(auth, &credential, now_ms, &principal);
	if (verdict == AUTH_GRANTED) {
		assert_string_equal(principal.account, "default");
		assert_string_equal(principal.id, id);
	}
	return verdict;
}

static void the_header_is_one_bearer_key(void **state)
{
	(void)state;
	struct credential credential;
	assert_int_equal(auth_credential_read(1, STR(BEARER), &credential), PROBLEM_NONE);
	assert_str_equal(credential.key_id, ID);
	assert_str_equal(credential.secret, SECRET);
	assert_int_equal(auth_credential_read(1, STR("bearer   slk_" ID "_" SECRET), &credential),
			 PROBLEM_NONE);
	assert_int_equal(auth_credential_read(0, (struct str){ 0 }, &credential),
			 PROBLEM_AUTHORIZATION_MISSING);
	static const char *const bad[] = { "",
					   "Bearer",
					   "Bearer ",
					   "Basic slk_" ID "_" SECRET,
					   "slk_" ID "_" SECRET,
					   BEARER "0",
					   BEARER " x",
					   "Bearer\tslk_" ID "_" SECRET };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(auth_credential_read(1, str_from(bad[i]), &credential),
				 PROBLEM_AUTHORIZATION_MALFORMED);
	assert_int_equal(auth_credential_read(2, STR(BEARER), &credential),
			 PROBLEM_AUTHORIZATION_MALFORMED);
}

static void a_verdict_is_believed_for_a_while(void **state)
{
	(void)state;
	struct auth *auth = auth_new(&keys, CACHE_MS);
	struct store_api_key row = row_of(ID);
	assert_int_equal(judge(auth, ID, SECRET, 100), AUTH_UNKNOWN);
	assert_true(auth_learn(auth, STR(ID), &row, 100));
	assert_int_equal(judge(auth, ID, SECRET, 100), AUTH_GRANTED);
	assert_int_equal(judge(auth, ID, OTHER, 100), AUTH_REFUSED);
	assert_int_equal(judge(auth, ID, SECRET, 100 + CACHE_MS - 1), AUTH_GRANTED);
	assert_int_equal(judge(auth, ID, SECRET, 100 + CACHE_MS), AUTH_UNKNOWN);
	auth_free(auth);
}

static void unknown_revoked_and_edited_rows_grant_nothing(void **state)
{
	(void)state;
	struct auth *auth = auth_new(&keys, CACHE_MS);
	struct store_api_key revoked = row_of(ID), edited = row_of(ID), other = row_of(ID);
	struct store_api_key good = row_of(ID);

	assert_true(auth_learn(auth, STR(ID), NULL, 100));
	assert_int_equal(judge(auth, ID, SECRET, 100), AUTH_REFUSED);
	assert_int_equal(judge(auth, ID, SECRET, 100 + CACHE_MS), AUTH_UNKNOWN);

	/* A revocation that is learned ends the grant at once. */
	assert_true(auth_learn(auth, STR(ID), &good, 20000));
	revoked.revoked_at = 7;
	store_api_key_seal(&keys, &revoked);
	assert_true(auth_learn(auth, STR(ID), &revoked, 20000));
	assert_int_equal(judge(auth, ID, SECRET, 20000), AUTH_REFUSED);

	/* A revocation that was taken back in the database, without the key of the seal. */
	edited = revoked;
	edited.revoked_at = 0;
	assert_false(auth_learn(auth, STR(ID), &edited, 40000));
	assert_int_equal(judge(auth, ID, SECRET, 40000), AUTH_REFUSED);

	/* A whole row, well sealed, under another id. */
	assert_false(auth_learn(auth, STR("fedcba9876543210"), &other, 60000));
	assert_int_equal(judge(auth, "fedcba9876543210", SECRET, 60000), AUTH_REFUSED);
	auth_free(auth);
}

static void guesses_never_push_a_key_out(void **state)
{
	(void)state;
	struct auth *auth = auth_new(&keys, CACHE_MS);
	struct store_api_key row = row_of(ID);
	char id[API_KEY_ID_LEN + 1];
	assert_true(auth_learn(auth, STR(ID), &row, 100));
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(id, sizeof id, "%016x", i);
		assert_true(auth_learn(auth, str_from(id), NULL, 100));
	}
	assert_int_equal(judge(auth, ID, SECRET, 100), AUTH_GRANTED);
	/* The newest guess is known, so that it costs no second look. */
	assert_int_equal(judge(auth, id, SECRET, 100), AUTH_REFUSED);
	auth_free(auth);
}

static void many_keys_work_side_by_side(void **state)
{
	(void)state;
	struct auth *auth = auth_new(&keys, CACHE_MS);
	char id[API_KEY_ID_LEN + 1];
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(id, sizeof id, "%016x", i);
		struct store_api_key row = row_of(id);
		assert_true(auth_learn(auth, str_from(id), &row, 100 + i));
		assert_int_equal(judge(auth, id, SECRET, 100 + i), AUTH_GRANTED);
	}
	/* What had to go is unknown again, never refused, never somebody else's. */
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(id, sizeof id, "%016x", i);
		assert_int_not_equal(judge(auth, id, SECRET, 1100), AUTH_REFUSED);
		assert_int_not_equal(judge(auth, id, OTHER, 1100), AUTH_GRANTED);
	}
	auth_free(auth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header_is_one_bearer_key),
		cmocka_unit_test(a_verdict_is_believed_for_a_while),
		cmocka_unit_test(unknown_revoked_and_edited_rows_grant_nothing),
		cmocka_unit_test(guesses_never_push_a_key_out),
		cmocka_unit_test(many_keys_work_side_by_side),
	};
	return cmocka_run_group_tests_name("service/api/auth", tests, NULL, NULL);
}
