#include "service/api/access_token.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/defence.h"
#include "base/hash.h"
#include "base/json.h"

#define HEADER_MAX   128
#define MAC_TEXT_LEN 43 /* 32 bytes in base64url */
#define KEY_BYTES    32
#define S_MS         1000

static void header_write(const struct mac_key *key, struct buf *out)
{
	char bytes[HEADER_MAX];
	struct buf json = buf_of(bytes, sizeof bytes);
	buf_format(&json, "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"%u\"}", key->id);
	CHECK(!json.overflow);
	base64url_write(out, json.at, json.len);
}

/* Who made it, and for whom: this deployment. */
static struct str issuer_of(struct id deployment, char storage[64])
{
	struct buf out = buf_of(storage, 64);
	buf_text(&out, "urn:sluice:");
	id_write(deployment, &out);
	return buf_view(&out);
}

static void member_id(struct buf *out, const char *name, struct id id)
{
	json_write_member_text(out, name, id_text(id).at);
}

static void claims_write(struct id deployment, const struct access_claims *claims, struct buf *out)
{
	char storage[64];
	struct str issuer = issuer_of(deployment, storage);
	int64_t issued_s = claims->issued_at / S_MS;
	buf_byte(out, '{');
	json_write_member(out, "iss", issuer);
	json_write_member(out, "aud", issuer);
	member_id(out, "sub", claims->user);
	member_id(out, "sid", claims->session);
	member_id(out, "jti", claims->token);
	json_write_member_i64(out, "iat", issued_s);
	json_write_member_i64(out, "nbf", issued_s);
	json_write_member_i64(out, "exp", claims->expires_at / S_MS);
	json_write_name(out, "amr");
	buf_text(out, claims->second_factor ? "[\"pwd\",\"otp\",\"mfa\"]" : "[\"pwd\"]");
	buf_byte(out, '}');
}

void access_token_write(const struct mac_keys *keys, struct id deployment,
			const struct access_claims *claims, struct buf *out)
{
	char bytes[ACCESS_TOKEN_MAX];
	uint8_t tag[SHA256_BYTES];
	struct buf json = buf_of(bytes, sizeof bytes);
	size_t start = out->len;
	CHECK(keys->len > 0 && claims->expires_at > claims->issued_at &&
	      claims->expires_at - claims->issued_at <= ACCESS_TOKEN_LIFE_MS);
	header_write(&keys->keys[0], out);
	buf_byte(out, '.');
	claims_write(deployment, claims, &json);
	CHECK(!json.overflow);
	base64url_write(out, json.at, json.len);
	hmac_sha256(keys->keys[0].key, KEY_BYTES, out->at + start, out->len - start, tag);
	buf_byte(out, '.');
	base64url_write(out, tag, sizeof tag);
	CHECK(out->overflow || out->len - start <= ACCESS_TOKEN_MAX);
}

struct token_parts {
	struct str header, claims, mac;
	struct str signed_text; /* header and claims with the dot between them */
};

static bool parts_read(struct str text, struct token_parts *ret_parts)
{
	struct str rest;
	if (!str_cut(text, '.', &ret_parts->header, &rest) ||
	    !str_cut(rest, '.', &ret_parts->claims, &ret_parts->mac))
		return false;
	ret_parts->signed_text.at = text.at;
	ret_parts->signed_text.len = ret_parts->header.len + 1 + ret_parts->claims.len;
	return ret_parts->header.len > 0 && ret_parts->claims.len > 0 && ret_parts->mac.len > 0;
}

bool access_token_is_shaped(struct str text)
{
	struct token_parts parts;
	return parts_read(text, &parts);
}

static const struct mac_key *key_of(const struct mac_keys *keys, struct str header)
{
	for (size_t i = 0; i < keys->len; i++) {
		char storage[HEADER_MAX];
		struct buf expected = buf_of(storage, sizeof storage);
		header_write(&keys->keys[i], &expected);
		CHECK(!expected.overflow);
		if (str_equal(header, buf_view(&expected)) || !DEFENCE("access_token_header"))
			return &keys->keys[i];
	}
	return NULL;
}

static bool mac_is_ours(const struct mac_key *key, const struct token_parts *parts)
{
	uint8_t expected[SHA256_BYTES], got[SHA256_BYTES];
	size_t len = 0;
	hmac_sha256(key->key, KEY_BYTES, parts->signed_text.at, parts->signed_text.len, expected);
	return parts->mac.len == MAC_TEXT_LEN &&
	       base64url_read(parts->mac, got, sizeof got, &len) && len == sizeof got &&
	       bytes_equal_constant_time(expected, got, sizeof got);
}

static bool id_member(const struct json_value *root, const char *name, struct id *ret_id)
{
	struct str text;
	return json_string(json_member(root, name), &text) && id_read(text, ret_id);
}

static bool time_member(const struct json_value *root, const char *name, int64_t *ret_ms)
{
	int64_t seconds;
	if (!json_i64(json_member(root, name), &seconds) || seconds < 0 ||
	    seconds > INT64_MAX / S_MS)
		return false;
	*ret_ms = seconds * S_MS;
	return true;
}

static bool is_for_us(const struct json_value *root, struct id deployment)
{
	char storage[64];
	struct str issuer = issuer_of(deployment, storage), text;
	return json_string(json_member(root, "iss"), &text) && str_equal(text, issuer) &&
	       json_string(json_member(root, "aud"), &text) && str_equal(text, issuer);
}

static bool claims_read(const struct json_value *root, struct id deployment,
			int64_t *ret_not_before, struct access_claims *ret_claims)
{
	const struct json_value *methods = json_member(root, "amr");
	ret_claims->second_factor = json_size(methods) > 1;
	return is_for_us(root, deployment) && id_member(root, "sub", &ret_claims->user) &&
	       id_member(root, "sid", &ret_claims->session) &&
	       id_member(root, "jti", &ret_claims->token) &&
	       time_member(root, "iat", &ret_claims->issued_at) &&
	       time_member(root, "nbf", ret_not_before) &&
	       time_member(root, "exp", &ret_claims->expires_at) && methods != NULL;
}

static enum access_verdict claims_judge(const struct access_claims *claims, int64_t not_before,
					int64_t now_ms)
{
	if (claims->expires_at <= claims->issued_at ||
	    claims->expires_at - claims->issued_at > ACCESS_TOKEN_LIFE_MS ||
	    claims->issued_at > now_ms + ACCESS_TOKEN_SKEW_MS ||
	    not_before > now_ms + ACCESS_TOKEN_SKEW_MS)
		return ACCESS_REFUSED;
	return claims->expires_at > now_ms || !DEFENCE("tokens_expire") ? ACCESS_GRANTED
									: ACCESS_EXPIRED;
}

enum access_verdict access_token_read(const struct mac_keys *keys, struct id deployment,
				      struct str text, int64_t now_ms,
				      struct access_claims *ret_claims)
{
	struct token_parts parts;
	struct access_claims claims;
	char bytes[ACCESS_TOKEN_MAX];
	size_t len = 0;
	int64_t not_before = 0;
	JSON_OWNED json = NULL;
	struct err err;
	if (text.len > ACCESS_TOKEN_MAX || !parts_read(text, &parts))
		return ACCESS_REFUSED;
	const struct mac_key *key = key_of(keys, parts.header);
	if (key == NULL || (DEFENCE("access_token_mac") && !mac_is_ours(key, &parts)) ||
	    !base64url_read(parts.claims, bytes, sizeof bytes, &len) ||
	    !json_parse(str_from_bytes(bytes, len), &json, &err) ||
	    !claims_read(json_root(json), deployment, &not_before, &claims))
		return ACCESS_REFUSED;
	enum access_verdict verdict = claims_judge(&claims, not_before, now_ms);
	if (verdict == ACCESS_GRANTED)
		*ret_claims = claims;
	return verdict;
}
