#include "service/api/sessions.h"

#include "../testing.h"

#include "core/refresh_token.h"

#define CACHE_MS 5000
#define AT_MS    INT64_C(1700000000000)

static const uint8_t key_bytes[32] = { 1, 2, 3 };
static const uint8_t other_bytes[32] = { 4, 5, 6 };
static const struct mac_keys keys = { .keys = { { .id = 1, .key = key_bytes } }, .len = 1 };

static struct id id_of(uint8_t number)
{
	const uint8_t random[10] = { 1, 1, 2, 3, 4, 5, 6, 7, 8, number };
	return id_make(AT_MS, random);
}

static struct store_user user_of(void)
{
	struct store_user user = { .id = id_of(1),
				   .name = "ann",
				   .account = "acme",
				   .role = USER_ROLE_APPROVER,
				   .generation = 3,
				   .version = 4 };
	store_user_seal(&keys, &user);
	return user;
}

static struct store_session session_of(uint8_t number)
{
	struct store_session session = { .id = id_of(number),
					 .user = id_of(1),
					 .generation = 3,
					 .version = 1,
					 .expires_at = AT_MS + 1000 };
	store_session_seal(&keys, &session);
	return session;
}

static struct access_claims claims_of(uint8_t number, bool second_factor)
{
	return (struct access_claims){ .user = id_of(1),
				       .session = id_of(number),
				       .token = id_of(9),
				       .issued_at = AT_MS,
				       .expires_at = AT_MS + ACCESS_TOKEN_LIFE_MS,
				       .second_factor = second_factor };
}

static void a_good_session_is_its_user(void **state)
{
	struct sessions *sessions = sessions_new(&keys, CACHE_MS);
	struct store_user user = user_of();
	struct store_session row = session_of(2);
	struct access_claims claims = claims_of(2, false);
	struct principal by;
	(void)state;
	assert_int_equal(sessions_judge(sessions, &claims, 10, AT_MS, &by), AUTH_UNKNOWN);
	assert_true(sessions_learn(sessions, row.id, &row, &user, 10));
	assert_int_equal(sessions_judge(sessions, &claims, 10, AT_MS, &by), AUTH_GRANTED);
	assert_int_equal(by.kind, PRINCIPAL_USER);
	assert_int_equal(by.reach, REACH_ACCOUNT);
	assert_string_equal(by.account, "acme");
	assert_string_equal(by.name, "ann");
	assert_string_equal(by.id, id_text(user.id).at);
	assert_true(by.permissions == user_role_permissions(USER_ROLE_APPROVER));
	assert_int_equal(sessions_judge(sessions, &claims, 10 + CACHE_MS, AT_MS, &by),
			 AUTH_UNKNOWN);
	assert_int_equal(sessions_judge(sessions, &claims, 10, AT_MS + 1000, &by), AUTH_REFUSED);
	claims.user = id_of(7);
	assert_int_equal(sessions_judge(sessions, &claims, 10, AT_MS, &by), AUTH_REFUSED);
	claims = claims_of(2, false);
	sessions_forget(sessions, claims.session);
	assert_int_equal(sessions_judge(sessions, &claims, 10, AT_MS, &by), AUTH_UNKNOWN);
	user.account[0] = 0;
	store_user_seal(&keys, &user);
	assert_true(sessions_learn(sessions, row.id, &row, &user, 10));
	assert_int_equal(sessions_judge(sessions, &claims, 10, AT_MS, &by), AUTH_GRANTED);
	assert_int_equal(by.reach, REACH_ALL);
	sessions_free(sessions);
}

/* Token and row have to say so, both. */
static void scope_missing_a_second_factor_is_of_token_and_row(void **state)
{
	struct store_user user = user_of();
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct sessions *sessions = sessions_new(&keys, CACHE_MS);
		struct store_session row = session_of(2);
		struct access_claims claims = claims_of(2, (i & 1) != 0);
		struct principal by;
		row.second_factor_at = (i & 2) != 0 ? AT_MS : 0;
		store_session_seal(&keys, &row);
		assert_true(sessions_learn(sessions, row.id, &row, &user, 10));
		assert_int_equal(sessions_judge(sessions, &claims, 10, AT_MS, &by), AUTH_GRANTED);
		assert_int_equal(by.has_second_factor, i == 3);
		assert_int_equal(principal_judge(&by, PERMISSION_WITHDRAWALS_APPROVE),
				 i == 3 ? PERMISSION_GRANTED : PERMISSION_SECOND_FACTOR_REQUIRED);
		sessions_free(sessions);
	}
}

static void assert_refused(const struct store_session *row, const struct store_user *user,
			   bool sealed)
{
	struct sessions *sessions = sessions_new(&keys, CACHE_MS);
	struct access_claims claims = claims_of(2, false);
	struct principal by;
	assert_int_equal(sessions_learn(sessions, id_of(2), row, user, 10), sealed);
	assert_int_equal(sessions_judge(sessions, &claims, 10, AT_MS, &by), AUTH_REFUSED);
	sessions_free(sessions);
}

static void revoked_key_a_session_that_is_over_is_refused(void **state)
{
	struct store_user user = user_of(), disabled = user_of(), later = user_of();
	struct store_session row = session_of(2), revoked = session_of(2), other = session_of(2);
	(void)state;
	disabled.disabled_at = 1;
	later.generation = 4;
	revoked.revoked_at = 1;
	other.user = id_of(8);
	store_user_seal(&keys, &disabled);
	store_user_seal(&keys, &later);
	store_session_seal(&keys, &revoked);
	store_session_seal(&keys, &other);
	assert_refused(NULL, NULL, true);
	assert_refused(&row, NULL, true);
	assert_refused(&row, &disabled, true);
	assert_refused(&row, &later, true);
	assert_refused(&revoked, &user, true);
	assert_refused(&other, &user, true);
	row.expires_at++;
	assert_refused(&row, &user, false);
	row = session_of(3); /* another one's row in this place */
	assert_refused(&row, &user, false);
	row = session_of(2);
	user.role = USER_ROLE_ADMIN;
	assert_refused(&row, &user, false);
}

/* ---- the tokens themselves ---- */

static bool claims_equal(const struct access_claims *a, const struct access_claims *b)
{
	return id_equal(a->user, b->user) && id_equal(a->session, b->session) &&
	       id_equal(a->token, b->token) && a->issued_at == b->issued_at &&
	       a->expires_at == b->expires_at && a->second_factor == b->second_factor;
}

static void an_access_token_comes_back(void **state)
{
	static const struct mac_keys rotated = { { { 2, other_bytes }, { 1, key_bytes } }, 2 };
	static const struct mac_keys later = { { { 2, other_bytes } }, 1 };
	static const struct mac_keys renamed = { { { 2, key_bytes } }, 1 };
	struct access_claims claims = claims_of(2, true), got;
	char bytes[ACCESS_TOKEN_MAX];
	struct buf out = buf_of(bytes, sizeof bytes);
	(void)state;
	access_token_write(&keys, id_of(5), &claims, &out);
	struct str text = buf_view(&out);
	assert_true(access_token_is_shaped(text));
	assert_int_equal(access_token_read(&keys, id_of(5), text, AT_MS, &got), ACCESS_GRANTED);
	assert_true(claims_equal(&got, &claims));
	assert_int_equal(access_token_read(&rotated, id_of(5), text, AT_MS, &got), ACCESS_GRANTED);
	assert_int_equal(access_token_read(&later, id_of(5), text, AT_MS, &got), ACCESS_REFUSED);
	assert_int_equal(access_token_read(&renamed, id_of(5), text, AT_MS, &got), ACCESS_REFUSED);
	assert_int_equal(access_token_read(&keys, id_of(6), text, AT_MS, &got), ACCESS_REFUSED);
	int64_t end = AT_MS + ACCESS_TOKEN_LIFE_MS;
	assert_int_equal(access_token_read(&keys, id_of(5), text, end - 1, &got), ACCESS_GRANTED);
	assert_int_equal(access_token_read(&keys, id_of(5), text, end, &got), ACCESS_EXPIRED);
	int64_t early = AT_MS - ACCESS_TOKEN_SKEW_MS;
	assert_int_equal(access_token_read(&keys, id_of(5), text, early, &got), ACCESS_GRANTED);
	assert_int_equal(access_token_read(&keys, id_of(5), text, early - 1, &got), ACCESS_REFUSED);
	for (size_t i = 0; i < text.len; i++) {
		bytes[i] ^= 1;
		assert_int_equal(access_token_read(&keys, id_of(5), text, AT_MS, &got),
				 ACCESS_REFUSED);
		bytes[i] ^= 1;
		struct str part = { text.at, i };
		assert_int_equal(access_token_read(&keys, id_of(5), part, AT_MS, &got),
				 ACCESS_REFUSED);
	}
}

static void a_refresh_token_has_one_text(void **state)
{
	uint8_t secret[REFRESH_SECRET_BYTES], hash[SHA256_BYTES], expected[SHA256_BYTES];
	char bytes[REFRESH_TOKEN_TEXT_LEN + 1] = "";
	struct buf out = buf_of(bytes, REFRESH_TOKEN_TEXT_LEN);
	struct id session;
	(void)state;
	memset(secret, 0xab, sizeof secret);
	refresh_token_write(id_of(2), secret, &out);
	struct str text = buf_view(&out);
	assert_int_equal(text.len, REFRESH_TOKEN_TEXT_LEN);
	assert_true(refresh_token_read(text, &session, hash));
	assert_true(id_equal(session, id_of(2)));
	sha256(bytes, REFRESH_TOKEN_TEXT_LEN, expected);
	assert_memory_equal(hash, expected, sizeof hash);
	bytes[text.len - 1] = 'B';
	assert_false(refresh_token_read(text, &session, hash));
	bytes[text.len - 1] = 'g';
	assert_false(refresh_token_read(text, &session, hash));
	bytes[text.len - 1] = 'b';
	bytes[4] = 'A';
	assert_false(refresh_token_read(text, &session, hash));
	assert_false(refresh_token_read(STR("slr_"), &session, hash));
	assert_false(refresh_token_read(STR(""), &session, hash));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_session_is_its_user),
		cmocka_unit_test(scope_missing_a_second_factor_is_of_token_and_row),
		cmocka_unit_test(revoked_key_a_session_that_is_over_is_refused),
		cmocka_unit_test(an_access_token_comes_back),
		cmocka_unit_test(a_refresh_token_has_one_text),
	};
	return cmocka_run_group_tests_name("service/api_sessions", tests, NULL, NULL);
}
