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
	struct store_api_key row = { .account = "default", .created_at = 1, .created_by = "root" };
	assert_true(str_copy(str_from(id), row.id, sizeof row.id));
	api_key_hash(STR(SECRET), row.secret_hash);
	store_api_key_seal(&keys, &row);
	return row;
}

static struct credential credential_of(const char *id, const char *secret)
{
	return (struct credential){ str_from(id), str_from(secret) };
}

static const struct ip_address home = { { [10] = 0xff, 0xff, 10, 0, 0, 1 } };
static const struct ip_address abroad = { { [10] = 0xff, 0xff, 192, 0, 2, 1 } };

static enum auth_verdict judge_from(struct auth *auth, const char *id, const char *secret,
				    struct ip_address from, int64_t now_ms)
{
	struct principal principal;
	struct credential credential = credential_of(id, secret);
	enum auth_verdict verdict = auth_judge(auth, &credential, from, now_ms, &principal);
	if (verdict == AUTH_GRANTED) {
		assert_string_equal(principal.account, "default");
		assert_string_equal(principal.id, id);
		assert_string_equal(principal.owner, "root");
	}
	return verdict;
}

static enum auth_verdict judge(struct auth *auth, const char *id, const char *secret,
			       int64_t now_ms)
{
	return judge_from(auth, id, secret, home, now_ms);
}

#define WALL 1700000000000 /* by the other clock */

static bool learn(struct auth *auth, struct str id, const struct store_api_key *row, int64_t now_ms)
{
	return auth_learn(auth, id, row, (struct auth_now){ now_ms, WALL + now_ms });
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
	assert_true(learn(auth, STR(ID), &row, 100));
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

	assert_true(learn(auth, STR(ID), NULL, 100));
	assert_int_equal(judge(auth, ID, SECRET, 100), AUTH_REFUSED);
	assert_int_equal(judge(auth, ID, SECRET, 100 + CACHE_MS), AUTH_UNKNOWN);

	/* A revocation that is learned ends the grant at once. */
	assert_true(learn(auth, STR(ID), &good, 20000));
	revoked.revoked_at = 7;
	store_api_key_seal(&keys, &revoked);
	assert_true(learn(auth, STR(ID), &revoked, 20000));
	assert_int_equal(judge(auth, ID, SECRET, 20000), AUTH_REFUSED);

	/* A revocation that was taken back in the database, without the key of the seal. */
	edited = revoked;
	edited.revoked_at = 0;
	assert_false(learn(auth, STR(ID), &edited, 40000));
	assert_int_equal(judge(auth, ID, SECRET, 40000), AUTH_REFUSED);

	/* A whole row, well sealed, under another id. */
	assert_false(learn(auth, STR("fedcba9876543210"), &other, 60000));
	assert_int_equal(judge(auth, "fedcba9876543210", SECRET, 60000), AUTH_REFUSED);
	auth_free(auth);
}

static void expired_token_a_key_ends_when_it_says(void **state)
{
	(void)state;
	struct auth *auth = auth_new(&keys, CACHE_MS);
	struct store_api_key row = row_of(ID);
	row.expires_at = WALL + 3000; /* sooner than the verdict would be asked for again */
	store_api_key_seal(&keys, &row);
	assert_true(learn(auth, STR(ID), &row, 100));
	assert_int_equal(judge(auth, ID, SECRET, 2999), AUTH_GRANTED);
	assert_int_equal(judge(auth, ID, SECRET, 3000), AUTH_UNKNOWN);
	assert_true(learn(auth, STR(ID), &row, 3000));
	assert_int_equal(judge(auth, ID, SECRET, 3000), AUTH_REFUSED);

	/* Put off in the database, without the key of the seal. */
	row.expires_at = 0;
	assert_false(learn(auth, STR(ID), &row, 20000));
	assert_int_equal(judge(auth, ID, SECRET, 20000), AUTH_REFUSED);
	auth_free(auth);
}

static void revoked_key_ends_at_the_next_look(void **state)
{
	(void)state;
	struct auth *auth = auth_new(&keys, CACHE_MS);
	struct store_api_key row = row_of(ID);
	assert_true(learn(auth, STR(ID), &row, 100));
	assert_int_equal(judge(auth, ID, SECRET, 100), AUTH_GRANTED);
	assert_int_equal(judge(auth, ID, SECRET, 100 + CACHE_MS), AUTH_UNKNOWN);
	row.revoked_at = 7;
	store_api_key_seal(&keys, &row);
	assert_true(learn(auth, STR(ID), &row, 100 + CACHE_MS));
	assert_int_equal(judge(auth, ID, SECRET, 100 + CACHE_MS), AUTH_REFUSED);
	auth_free(auth);
}

static void scope_missing_a_key_has_its_places(void **state)
{
	(void)state;
	struct auth *auth = auth_new(&keys, CACHE_MS);
	struct store_api_key row = row_of(ID);
	snprintf(row.ranges, sizeof row.ranges, "10.0.0.0/8 2001:db8::/32");
	store_api_key_seal(&keys, &row);
	assert_true(learn(auth, STR(ID), &row, 100));
	assert_int_equal(judge_from(auth, ID, SECRET, home, 100), AUTH_GRANTED);
	assert_int_equal(judge_from(auth, ID, SECRET, abroad, 100), AUTH_ADDRESS);
	assert_int_equal(judge_from(auth, ID, SECRET, (struct ip_address){ { 0 } }, 100),
			 AUTH_ADDRESS);
	/* Who does not know the secret learns nothing of the places. */
	assert_int_equal(judge_from(auth, ID, OTHER, abroad, 100), AUTH_REFUSED);
	assert_int_equal(judge_from(auth, ID, OTHER, home, 100), AUTH_REFUSED);

	/* What nobody could have written, although it is sealed. */
	snprintf(row.ranges, sizeof row.ranges, "10.0.0.1/8");
	store_api_key_seal(&keys, &row);
	assert_false(learn(auth, STR(ID), &row, 200));
	assert_int_equal(judge_from(auth, ID, SECRET, home, 200), AUTH_REFUSED);
	auth_free(auth);
}

static void what_a_key_may_is_in_its_row(void **state)
{
	(void)state;
	struct auth *auth = auth_new(&keys, CACHE_MS);
	struct store_api_key row = row_of(ID);
	struct credential credential = credential_of(ID, SECRET);
	struct principal by;
	row.scopes = PERMISSION_BIT(PERMISSION_ASSETS_READ);
	store_api_key_seal(&keys, &row);
	assert_true(learn(auth, STR(ID), &row, 100));
	assert_int_equal(auth_judge(auth, &credential, home, 100, &by), AUTH_GRANTED);
	assert_int_equal(by.kind, PRINCIPAL_KEY);
	assert_int_equal(by.permissions, PERMISSION_BIT(PERMISSION_ASSETS_READ));
	assert_int_equal(by.reach, REACH_ACCOUNT);
	assert_false(by.has_second_factor);

	row.scopes = PERMISSION_BIT(PERMISSION_WITHDRAWALS_RESOLVE);
	store_api_key_seal(&keys, &row);
	assert_true(learn(auth, STR(ID), &row, 100));
	assert_int_equal(auth_judge(auth, &credential, home, 100, &by), AUTH_GRANTED);
	assert_int_equal(by.reach, REACH_CASES);

	/* Given to it in the database. */
	row.scopes = permissions_all();
	assert_false(learn(auth, STR(ID), &row, 100));
	assert_int_equal(judge(auth, ID, SECRET, 100), AUTH_REFUSED);
	auth_free(auth);
}

static size_t uses_of(struct auth *auth, int64_t now_ms,
		      struct store_api_key_use uses[API_KEY_USES_MAX])
{
	return auth_uses_take(auth, (struct auth_now){ now_ms, WALL + now_ms }, uses);
}

static void a_use_is_told_once_a_minute(void **state)
{
	(void)state;
	struct auth *auth = auth_new(&keys, CACHE_MS);
	struct store_api_key row = row_of(ID);
	struct store_api_key_use uses[API_KEY_USES_MAX];
	assert_true(learn(auth, STR(ID), &row, 100));
	assert_int_equal(uses_of(auth, 100, uses), 0);
	assert_int_equal(judge(auth, ID, OTHER, 100), AUTH_REFUSED);
	assert_int_equal(uses_of(auth, 100, uses), 0);
	assert_int_equal(judge_from(auth, ID, SECRET, abroad, 100), AUTH_GRANTED);
	assert_int_equal(uses_of(auth, 350, uses), 1);
	assert_string_equal(uses[0].id, ID);
	assert_int_equal(uses[0].at_ms, WALL + 350);
	assert_true(ip_equal(uses[0].from, abroad));
	/* Learned again in between, as every few seconds. */
	assert_true(learn(auth, STR(ID), &row, 59000));
	assert_int_equal(judge(auth, ID, SECRET, 59000), AUTH_GRANTED);
	assert_int_equal(uses_of(auth, 60349, uses), 0);
	assert_int_equal(uses_of(auth, 60350, uses), 1);
	assert_true(ip_equal(uses[0].from, home));
	assert_int_equal(uses_of(auth, 200000, uses), 0);
	auth_free(auth);
}

static void guesses_never_push_a_key_out(void **state)
{
	(void)state;
	struct auth *auth = auth_new(&keys, CACHE_MS);
	struct store_api_key row = row_of(ID);
	char id[API_KEY_ID_LEN + 1];
	assert_true(learn(auth, STR(ID), &row, 100));
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(id, sizeof id, "%016x", i);
		assert_true(learn(auth, str_from(id), NULL, 100));
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
		assert_true(learn(auth, str_from(id), &row, 100 + i));
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
		cmocka_unit_test(expired_token_a_key_ends_when_it_says),
		cmocka_unit_test(revoked_key_ends_at_the_next_look),
		cmocka_unit_test(scope_missing_a_key_has_its_places),
		cmocka_unit_test(what_a_key_may_is_in_its_row),
		cmocka_unit_test(a_use_is_told_once_a_minute),
		cmocka_unit_test(guesses_never_push_a_key_out),
		cmocka_unit_test(many_keys_work_side_by_side),
	};
	return cmocka_run_group_tests_name("service/api/auth", tests, NULL, NULL);
}
