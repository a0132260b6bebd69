#include "service/api/outside_token.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/defence.h"
#include "base/hash.h"
#include "base/json.h"
#include "core/limits.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES        1024
#define WAYS           8
#define SIGNATURE_MAX  1024
#define LIST_MAX       16 /* of audiences, roles, methods: more are not looked at */
#define S_MS           1000
#define SUBJECT_ID_LEN 32 /* hexadecimal digits: who it is, in the audit */

struct outside_entry {
	uint8_t hash[SHA256_BYTES];
	int64_t expires_at; /* 0: free */
	struct principal principal;
};

struct outside {
	struct outside_options options;
	struct outside_entry entries[ENTRIES];
};

struct outside *outside_new(const struct outside_options *options)
{
	CHECK(options->keys != NULL && options->life_max_ms > 0);
	struct outside *outside = calloc(1, sizeof *outside);
	CHECK(outside != NULL);
	outside->options = *options;
	return outside;
}

void outside_free(struct outside *outside)
{
	free(outside);
}

void outside_tick(struct outside *outside, int64_t now_ms)
{
	if (outside != NULL && token_keys_poll(outside->options.keys, now_ms) &&
	    DEFENCE("token_keys_forget"))
		memset(outside->entries, 0, sizeof outside->entries);
}

/* ---- the parts of a token ---- */

struct outside_parts {
	struct str header, claims;
	struct str signed_text; /* both, with the dot between them */
	uint8_t signature[SIGNATURE_MAX];
	size_t signature_len;
};

static bool parts_read(struct str token, struct outside_parts *ret_parts)
{
	struct str rest, signature;
	if (token.len > OUTSIDE_TOKEN_MAX || !str_cut(token, '.', &ret_parts->header, &rest) ||
	    !str_cut(rest, '.', &ret_parts->claims, &signature))
		return false;
	ret_parts->signed_text.at = token.at;
	ret_parts->signed_text.len = ret_parts->header.len + 1 + ret_parts->claims.len;
	return ret_parts->header.len > 0 && ret_parts->claims.len > 0 &&
	       base64url_read(signature, ret_parts->signature, sizeof ret_parts->signature,
			      &ret_parts->signature_len) &&
	       ret_parts->signature_len > 0;
}

static bool part_parse(struct str part, struct json **ret_json)
{
	char bytes[OUTSIDE_TOKEN_MAX];
	struct err err;
	size_t len;
	struct json *json;
	if (!base64url_read(part, bytes, sizeof bytes, &len) ||
	    !json_parse(str_from_bytes(bytes, len), &json, &err))
		return false;
	if (json_type_of(json_root(json)) == JSON_TYPE_OBJECT) {
		*ret_json = json;
		return true;
	}
	json_free(json);
	return false;
}

/* ---- the header ---- */

static bool type_is_token(const struct json_value *header)
{
	struct str type;
	if (json_member(header, "typ") == NULL)
		return true;
	return json_string(json_member(header, "typ"), &type) &&
	       (str_equal_fold(type, STR("JWT")) || str_equal_fold(type, STR("at+jwt")) ||
		str_equal_fold(type, STR("application/at+jwt")));
}

/* What would have a say about how the token is to be read. */
static bool header_is_plain(const struct json_value *header)
{
	static const char *const names[] = { "crit", "b64", "jwk",      "jku", "x5c",
					     "x5u",  "x5t", "x5t#S256", "zip", "enc" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (json_member(header, names[i]) != NULL)
			return false;
	return type_is_token(header);
}

static bool signature_verify(struct outside *outside, const struct outside_parts *parts)
{
	JSON_OWNED json = NULL;
	struct str algorithm_name, key_id;
	enum token_algorithm algorithm;
	if (!part_parse(parts->header, &json))
		return false;
	const struct json_value *header = json_root(json);
	if (!header_is_plain(header) || !json_string(json_member(header, "alg"), &algorithm_name) ||
	    !token_algorithm_read(algorithm_name, &algorithm) ||
	    !json_string(json_member(header, "kid"), &key_id) || key_id.len == 0)
		return false;
	return token_keys_verify(outside->options.keys, key_id, algorithm, parts->signed_text,
				 str_from_bytes(parts->signature, parts->signature_len)) ==
	       TOKEN_VERIFIED;
}

/* ---- the claims ---- */

static bool is_text(const struct json_value *value, const char *text)
{
	struct str got;
	return json_string(value, &got) && str_equal_text(got, text);
}

/* The text itself, or one of a list. */
static bool has_text(const struct json_value *value, const char *text)
{
	if (json_type_of(value) != JSON_TYPE_ARRAY)
		return is_text(value, text);
	for (size_t i = 0; i < json_size(value) && i < LIST_MAX; i++)
		if (is_text(json_element(value, i), text))
			return true;
	return false;
}

static bool time_read(const struct json_value *claims, const char *name, int64_t *ret_ms)
{
	int64_t seconds;
	if (!json_i64(json_member(claims, name), &seconds) || seconds < 0 ||
	    seconds > INT64_MAX / S_MS)
		return false;
	*ret_ms = seconds * S_MS;
	return true;
}

static enum outside_verdict times_judge(const struct outside_options *options,
					const struct json_value *claims, int64_t at_ms,
					int64_t *ret_expires_at)
{
	int64_t issued_at, expires_at, not_before = 0;
	if (!time_read(claims, "iat", &issued_at) || !time_read(claims, "exp", &expires_at) ||
	    (json_member(claims, "nbf") != NULL && !time_read(claims, "nbf", &not_before)))
		return OUTSIDE_REFUSED;
	if (expires_at <= issued_at || expires_at - issued_at > options->life_max_ms ||
	    issued_at > at_ms + OUTSIDE_TOKEN_SKEW_MS || not_before > at_ms + OUTSIDE_TOKEN_SKEW_MS)
		return OUTSIDE_REFUSED;
	*ret_expires_at = expires_at;
	return expires_at > at_ms || !DEFENCE("tokens_expire") ? OUTSIDE_GRANTED : OUTSIDE_EXPIRED;
}

/* The one role that it names; with two it is not clear which one is meant. */
static bool role_read(const struct json_value *value, enum user_role *ret_role)
{
	int found = 0;
	if (value == NULL)
		return false;
	for (int i = USER_ROLE_VIEWER; i < USER_ROLE_COUNT; i++) {
		if (!has_text(value, user_role_text((enum user_role)i)))
			continue;
		*ret_role = (enum user_role)i;
		found++;
	}
	return found == 1;
}

static bool account_read(const struct json_value *value, struct principal *principal)
{
	struct str account;
	if (!json_string(value, &account) || account.len == 0)
		return false;
	if (str_equal_text(account, "*")) {
		principal->reach = REACH_ALL;
		return true;
	}
	principal->reach = REACH_ACCOUNT;
	for (size_t i = 0; i < account.len; i++)
		if (!isalnum((unsigned char)account.at[i]) &&
		    (account.at[i] == 0 || strchr("-_", account.at[i]) == NULL))
			return false;
	return str_copy(account, principal->account, sizeof principal->account);
}

/* Who it is: a name that no user of our own can have, and an id of issuer and subject. */
static bool subject_read(const struct outside_options *options, const struct json_value *value,
			 struct principal *principal)
{
	struct str subject;
	uint8_t digest[SHA256_BYTES];
	char bytes[1024];
	struct buf name = buf_of(principal->name, sizeof principal->name - 1);
	struct buf id = buf_of(principal->id, sizeof principal->id);
	struct buf both = buf_of(bytes, sizeof bytes);
	if (!json_string(value, &subject) || subject.len == 0)
		return false;
	for (size_t i = 0; i < subject.len; i++)
		if (subject.at[i] <= ' ' || subject.at[i] > '~' ||
		    strchr("\"\\", subject.at[i]) != NULL)
			return false;
	buf_text(&name, OUTSIDE_NAME_PREFIX);
	buf_str(&name, subject);
	buf_prefixed(&both, options->issuer, strlen(options->issuer));
	buf_prefixed(&both, subject.at, subject.len);
	if (name.overflow || both.overflow)
		return false;
	sha256(both.at, both.len, digest);
	for (size_t i = 0; i < SUBJECT_ID_LEN / 2; i++)
		buf_format(&id, "%02x", digest[i]);
	(void)buf_terminated(&id);
	return true;
}

static bool claims_read(const struct outside_options *options, const struct json_value *claims,
			struct principal *ret_principal)
{
	enum user_role role;
	struct principal principal = { .kind = PRINCIPAL_TOKEN };
	if (!is_text(json_member(claims, "iss"), options->issuer) ||
	    json_member(claims, "aud") == NULL ||
	    !has_text(json_member(claims, "aud"), options->audience) ||
	    !subject_read(options, json_member(claims, "sub"), &principal) ||
	    !role_read(json_member(claims, options->role_claim), &role) ||
	    !account_read(json_member(claims, options->account_claim), &principal))
		return false;
	const struct json_value *methods = json_member(claims, "amr");
	principal.has_second_factor = methods != NULL && json_type_of(methods) == JSON_TYPE_ARRAY &&
				      has_text(methods, "mfa");
	principal.permissions = user_role_permissions(role);
	*ret_principal = principal;
	return true;
}

/* ---- the verdict ---- */

static struct outside_entry *entry_find(struct outside *outside, const uint8_t hash[SHA256_BYTES],
					struct outside_entry **ret_oldest)
{
	size_t place = ((size_t)hash[0] << 8 | hash[1]) % ENTRIES;
	*ret_oldest = &outside->entries[place];
	for (size_t i = 0; i < WAYS; i++) {
		struct outside_entry *entry = &outside->entries[(place + i) % ENTRIES];
		if (entry->expires_at != 0 && memcmp(entry->hash, hash, SHA256_BYTES) == 0)
			return entry;
		if (entry->expires_at < (*ret_oldest)->expires_at)
			*ret_oldest = entry;
	}
	return NULL;
}

static enum outside_verdict token_read(struct outside *outside, struct str token, int64_t at_ms,
				       struct outside_entry *ret_entry)
{
	struct outside_parts parts;
	JSON_OWNED json = NULL;
	if (!parts_read(token, &parts) || !signature_verify(outside, &parts) ||
	    !part_parse(parts.claims, &json) ||
	    !claims_read(&outside->options, json_root(json), &ret_entry->principal))
		return OUTSIDE_REFUSED;
	return times_judge(&outside->options, json_root(json), at_ms, &ret_entry->expires_at);
}

enum outside_verdict outside_judge(struct outside *outside, struct str token, int64_t at_ms,
				   struct principal *ret_principal)
{
	struct outside_entry fresh = { 0 }, *oldest;
	sha256(token.at, token.len, fresh.hash);
	const struct outside_entry *known = entry_find(outside, fresh.hash, &oldest);
	if (known != NULL && known->expires_at <= at_ms && DEFENCE("tokens_expire"))
		return OUTSIDE_EXPIRED;
	if (known == NULL) {
		enum outside_verdict verdict = token_read(outside, token, at_ms, &fresh);
		if (verdict != OUTSIDE_GRANTED)
			return verdict;
		*oldest = fresh;
		known = oldest;
	}
	*ret_principal = known->principal;
	return OUTSIDE_GRANTED;
}
