/* Tokens that somebody else has made, or that are over: of our own kind, and of an identity
 * provider whose keys and tokens are vectors of npm's jose (test/vector/make_tokens.mjs). */
#include "../testing.h"

#include "adapter/token_keys_source.h"
#include "base/base64.h"
#include "base/hash.h"
#include "service/api/access_token.h"
#include "service/api/outside_token.h"

#define KEEP_MS 1000000
#define AT_MS   INT64_C(1700000000000)

static const uint8_t key_bytes[32] = { 1, 2, 3 };
static const struct mac_keys keys = { .keys = { { .id = 1, .key = key_bytes } }, .len = 1 };

/* ---- the vectors ---- */

struct provider {
	char path[64];
	struct token_keys *keys;
	struct outside *outside;
};

static void vector_read(const char *name, char *ret_text, size_t cap)
{
	struct vectors vectors = vectors_open("outside_token.tsv");
	struct str columns[2];
	bool found = false;
	while (vectors_next(&vectors, columns, 2)) {
		if (!str_equal_text(columns[0], name))
			continue;
		assert_true(str_copy(columns[1], ret_text, cap));
		found = true;
	}
	vectors_close(&vectors, 9);
	assert_true(found);
}

static void keys_publish(struct provider *provider, const char *name)
{
	char text[8192];
	vector_read(name, text, sizeof text);
	FILE *file = fopen(provider->path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int provider_open(void **state)
{
	struct provider *provider = calloc(1, sizeof *provider);
	struct err err;
	assert_non_null(provider);
	snprintf(provider->path, sizeof provider->path, "/tmp/sluice-jwks-XXXXXX");
	int fd = mkstemp(provider->path);
	assert_true(fd >= 0);
	close(fd);
	keys_publish(provider, "keys");
	const struct token_keys_source source = { .file = provider->path, .keep_ms = KEEP_MS };
	if (!token_keys_open(&source, &provider->keys, &err))
		fail_msg("%s", err.text);
	const struct outside_options options = { .keys = provider->keys,
						 .issuer = "https://idp",
						 .audience = "sluice",
						 .role_claim = "sluice_role",
						 .account_claim = "sluice_account",
						 .life_max_ms = 600000 };
	provider->outside = outside_new(&options);
	*state = provider;
	return 0;
}

static int provider_close(void **state)
{
	struct provider *provider = *state;
	outside_free(provider->outside);
	token_keys_close(provider->keys);
	unlink(provider->path);
	free(provider);
	return 0;
}

static enum outside_verdict judge(struct provider *provider, const char *name, int64_t at_ms,
				  struct principal *ret_by)
{
	char token[OUTSIDE_TOKEN_MAX];
	vector_read(name, token, sizeof token);
	return outside_judge(provider->outside, str_from(token), at_ms, ret_by);
}

/* ---- tokens of our own kind ---- */

static struct id id_of(uint8_t number)
{
	const uint8_t random[10] = { number, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	return id_make(AT_MS, random);
}

static struct str access_token_make(char bytes[ACCESS_TOKEN_MAX])
{
	struct buf out = buf_of(bytes, ACCESS_TOKEN_MAX);
	const struct access_claims claims = { .user = id_of(1),
					      .session = id_of(2),
					      .token = id_of(3),
					      .issued_at = AT_MS,
					      .expires_at = AT_MS + ACCESS_TOKEN_LIFE_MS };
	access_token_write(&keys, id_of(5), &claims, &out);
	assert_false(out.overflow);
	return buf_view(&out);
}

/* The claims of a good token under another header, with or without something at the end. */
static enum access_verdict judge_as(const char *header, const char *end)
{
	char bytes[ACCESS_TOKEN_MAX], forged_bytes[ACCESS_TOKEN_MAX];
	struct buf forged = buf_of(forged_bytes, sizeof forged_bytes);
	struct str first, rest, claims, mac;
	struct access_claims got;
	assert_true(str_cut(access_token_make(bytes), '.', &first, &rest));
	assert_true(str_cut(rest, '.', &claims, &mac));
	base64url_write(&forged, header, strlen(header));
	buf_byte(&forged, '.');
	buf_str(&forged, claims);
	buf_byte(&forged, '.');
	buf_str(&forged, end != NULL ? str_from(end) : mac);
	return access_token_read(&keys, id_of(5), buf_view(&forged), AT_MS, &got);
}

#define OURS "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"1\"}"

static void alg_none_a_token_has_no_say(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\"}", "{\"alg\":\"None\",\"typ\":\"at+jwt\",\"kid\":\"1\"}",
		"{\"alg\":\"\",\"typ\":\"at+jwt\",\"kid\":\"1\"}", "{}"
	};
	struct principal by;
	assert_int_equal(judge_as(OURS, NULL), ACCESS_GRANTED);
	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		assert_true(judge_as(headers[i], NULL) == ACCESS_REFUSED);
		assert_true(judge_as(headers[i], "AA") == ACCESS_REFUSED);
		assert_true(judge_as(headers[i], "") == ACCESS_REFUSED);
	}
	assert_true(judge(*state, "none", AT_MS, &by) == OUTSIDE_REFUSED);
}

static void a_token_under_no_key_of_ours_is_refused(void **state)
{
	(void)state;
	assert_true(judge_as(OURS, "") == ACCESS_REFUSED);
	assert_true(judge_as(OURS, "AA") == ACCESS_REFUSED);
	assert_true(judge_as(OURS, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") ==
		    ACCESS_REFUSED);
}

/* ---- tokens of a provider ---- */

static void a_token_of_the_provider_is_somebody(void **state)
{
	static const char *const names[] = { "RS256", "PS256", "ES256", "EdDSA" };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct principal by;
		assert_true(judge(*state, names[i], AT_MS, &by) == OUTSIDE_GRANTED);
		assert_string_equal(by.name, "idp:ann");
		assert_string_equal(by.account, "acme");
		assert_int_equal(by.kind, PRINCIPAL_TOKEN);
		assert_int_equal(by.reach, REACH_ACCOUNT);
		assert_false(by.has_second_factor);
		assert_true(by.permissions == user_role_permissions(USER_ROLE_VIEWER));
	}
}

/* Of the same RSA key, by the other algorithm of its kind; and with the public key as a secret. */
static void alg_confusion_a_key_is_for_one_algorithm(void **state)
{
	struct principal by;
	assert_true(judge(*state, "RS256", AT_MS, &by) == OUTSIDE_GRANTED);
	assert_true(judge(*state, "hmac", AT_MS, &by) == OUTSIDE_REFUSED);
	assert_true(judge(*state, "confused", AT_MS, &by) == OUTSIDE_REFUSED);
}

static void expired_token_of_ours_or_of_others_is_over(void **state)
{
	char bytes[ACCESS_TOKEN_MAX];
	struct access_claims got;
	struct principal by;
	struct str token = access_token_make(bytes);
	int64_t end_ms = AT_MS + ACCESS_TOKEN_LIFE_MS;
	assert_true(access_token_read(&keys, id_of(5), token, end_ms - 1, &got) == ACCESS_GRANTED);
	assert_true(access_token_read(&keys, id_of(5), token, end_ms, &got) == ACCESS_EXPIRED);
	assert_true(judge(*state, "ES256", AT_MS + 599999, &by) == OUTSIDE_GRANTED);
	assert_true(judge(*state, "ES256", AT_MS + 600000, &by) == OUTSIDE_EXPIRED);
	assert_true(judge(*state, "RS256", AT_MS + 600000, &by) == OUTSIDE_EXPIRED);
}

/* Also a token that was verified by the key while it was there. */
static void revoked_key_of_the_provider_takes_its_tokens_along(void **state)
{
	struct provider *provider = *state;
	struct principal by;
	assert_true(judge(provider, "ES256", AT_MS, &by) == OUTSIDE_GRANTED);
	keys_publish(provider, "keys_without_ES256");
	outside_tick(provider->outside, 1000000);
	assert_true(judge(provider, "ES256", AT_MS, &by) == OUTSIDE_REFUSED);
	assert_true(judge(provider, "RS256", AT_MS, &by) == OUTSIDE_GRANTED);
}

static void text_publish(const struct provider *provider, const char *text)
{
	FILE *file = fopen(provider->path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Who cannot say any more that a key is revoked is not taken to say that it is not. */
static void revoked_key_out_of_reach_is_not_believed_for_ever(void **state)
{
	struct provider *provider = *state;
	struct principal by;
	outside_tick(provider->outside, 5000);
	assert_int_equal(unlink(provider->path), 0);
	outside_tick(provider->outside, 5000 + KEEP_MS - 1);
	assert_true(judge(provider, "ES256", AT_MS, &by) == OUTSIDE_GRANTED);
	outside_tick(provider->outside, 5000 + KEEP_MS);
	assert_true(judge(provider, "ES256", AT_MS, &by) == OUTSIDE_REFUSED);
	keys_publish(provider, "keys");
	outside_tick(provider->outside, 9000 + KEEP_MS);
	assert_true(judge(provider, "ES256", AT_MS, &by) == OUTSIDE_GRANTED);
}

/* A file that is there, and is no key set, is no word either; one that stands is one each time. */
static void revoked_key_behind_a_broken_set_is_not_believed_for_ever(void **state)
{
	struct provider *provider = *state;
	struct principal by;
	for (int64_t at = 5000; at < 3 * KEEP_MS; at += KEEP_MS / 2) {
		outside_tick(provider->outside, at);
		assert_true(judge(provider, "RS256", AT_MS, &by) == OUTSIDE_GRANTED);
	}
	text_publish(provider, "{\"keys\":");
	for (int64_t at = 3 * KEEP_MS; at < 5 * KEEP_MS; at += KEEP_MS / 4)
		outside_tick(provider->outside, at);
	assert_true(judge(provider, "RS256", AT_MS, &by) == OUTSIDE_REFUSED);
	keys_publish(provider, "keys");
	outside_tick(provider->outside, 6 * KEEP_MS);
	assert_true(judge(provider, "RS256", AT_MS, &by) == OUTSIDE_GRANTED);
}

#define PROVIDER_TEST(test) cmocka_unit_test_setup_teardown(test, provider_open, provider_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROVIDER_TEST(alg_none_a_token_has_no_say),
		PROVIDER_TEST(a_token_under_no_key_of_ours_is_refused),
		PROVIDER_TEST(a_token_of_the_provider_is_somebody),
		PROVIDER_TEST(alg_confusion_a_key_is_for_one_algorithm),
		PROVIDER_TEST(expired_token_of_ours_or_of_others_is_over),
		PROVIDER_TEST(revoked_key_of_the_provider_takes_its_tokens_along),
		PROVIDER_TEST(revoked_key_out_of_reach_is_not_believed_for_ever),
		PROVIDER_TEST(revoked_key_behind_a_broken_set_is_not_believed_for_ever),
	};
	return cmocka_run_group_tests_name("service/api_tokens", tests, NULL, NULL);
}
