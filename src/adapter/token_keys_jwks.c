#include "adapter/token_keys_jwks.h"

#include "base/base64.h"
#include "base/defence.h"
#include "base/json.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BYTES_MIN     256 /* 2048 bits */
#define RSA_BYTES_MAX     1024
#define EXPONENT_MAX      4 /* bytes: larger ones only cost time */
#define COORDINATE_BYTES  32
#define ED25519_BYTES     32
#define ES256_BYTES       64
#define DER_SIGNATURE_MAX 80

struct jwk {
	char id[JWKS_KEY_ID_MAX + 1];
	enum token_algorithm algorithm;
	EVP_PKEY *key;
};

struct jwks {
	size_t len;
	struct jwk keys[JWKS_KEYS_MAX];
};

void jwks_free(struct jwks *jwks)
{
	if (jwks == NULL)
		return;
	for (size_t i = 0; i < jwks->len; i++)
		EVP_PKEY_free(jwks->keys[i].key);
	free(jwks);
}

size_t jwks_len(const struct jwks *jwks)
{
	return jwks->len;
}

/* ---- reading ---- */

static struct str text_of(const struct json_value *object, const char *name)
{
	struct str text = { 0 };
	(void)json_string(json_member(object, name), &text);
	return text;
}

static bool bytes_of(const struct json_value *object, const char *name, uint8_t *ret_bytes,
		     size_t cap, size_t *ret_len)
{
	struct str text = text_of(object, name);
	return text.len > 0 && base64url_read(text, ret_bytes, cap, ret_len) && *ret_len > 0;
}

static EVP_PKEY *key_make(const char *kind, OSSL_PARAM_BLD *build)
{
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	CHECK(params != NULL && context != NULL);
	if (EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return key;
}

static EVP_PKEY *rsa_read(const struct json_value *object)
{
	uint8_t modulus[RSA_BYTES_MAX], exponent[EXPONENT_MAX];
	size_t modulus_len, exponent_len;
	if (!bytes_of(object, "n", modulus, sizeof modulus, &modulus_len) ||
	    !bytes_of(object, "e", exponent, sizeof exponent, &exponent_len) ||
	    modulus_len < RSA_BYTES_MIN || modulus[0] < 0x80 || (modulus[modulus_len - 1] & 1) == 0)
		return NULL;
	bool is_one = exponent_len == 1 && exponent[0] == 1;
	if (is_one || (exponent[exponent_len - 1] & 1) == 0)
		return NULL;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(modulus, (int)modulus_len, NULL);
	BIGNUM *e = BN_bin2bn(exponent, (int)exponent_len, NULL);
	CHECK(build != NULL && n != NULL && e != NULL);
	CHECK(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1);
	CHECK(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1);
	EVP_PKEY *key = key_make("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	return key;
}

/* That the point is on the curve is asked besides: a key of another curve verifies anything. */
static bool point_is_sound(EVP_PKEY *key)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	CHECK(context != NULL);
	bool is_sound = EVP_PKEY_public_check(context) == 1;
	EVP_PKEY_CTX_free(context);
	return is_sound;
}

static EVP_PKEY *ec_read(const struct json_value *object)
{
	uint8_t point[1 + 2 * COORDINATE_BYTES] = { POINT_CONVERSION_UNCOMPRESSED };
	size_t x_len, y_len;
	if (!str_equal_text(text_of(object, "crv"), "P-256") ||
	    !bytes_of(object, "x", point + 1, COORDINATE_BYTES, &x_len) ||
	    !bytes_of(object, "y", point + 1 + COORDINATE_BYTES, COORDINATE_BYTES, &y_len) ||
	    x_len != COORDINATE_BYTES || y_len != COORDINATE_BYTES)
		return NULL;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	CHECK(build != NULL);
	CHECK(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) ==
	      1);
	CHECK(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
					       sizeof point) == 1);
	EVP_PKEY *key = key_make("EC", build);
	OSSL_PARAM_BLD_free(build);
	if (key != NULL && !point_is_sound(key)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

static EVP_PKEY *okp_read(const struct json_value *object)
{
	uint8_t bytes[ED25519_BYTES];
	size_t len;
	if (!str_equal_text(text_of(object, "crv"), "Ed25519") ||
	    !bytes_of(object, "x", bytes, sizeof bytes, &len) || len != sizeof bytes)
		return NULL;
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, sizeof bytes);
}

/* For signatures, as far as it says. */
static bool is_for_signatures(const struct json_value *object)
{
	const struct json_value *uses = json_member(object, "key_ops");
	if (json_member(object, "use") != NULL && !str_equal_text(text_of(object, "use"), "sig"))
		return false;
	struct str use;
	for (size_t i = 0; i < json_size(uses); i++)
		if (json_string(json_element(uses, i), &use) && str_equal_text(use, "verify"))
			return true;
	return uses == NULL;
}

static bool algorithm_fits(const struct json_value *object, struct str kind,
			   enum token_algorithm *ret_algorithm)
{
	bool is_rsa = str_equal_text(kind, "RSA"), is_ec = str_equal_text(kind, "EC");
	*ret_algorithm = is_rsa ? TOKEN_RS256 : is_ec ? TOKEN_ES256 : TOKEN_EDDSA;
	if (json_member(object, "alg") == NULL)
		return true;
	enum token_algorithm named;
	if (!token_algorithm_read(text_of(object, "alg"), &named))
		return false;
	bool fits = named == *ret_algorithm || (is_rsa && named == TOKEN_PS256);
	*ret_algorithm = named;
	return fits;
}

/* False: this one is not for us. */
static bool key_read(const struct json_value *object, struct jwk *ret_key)
{
	struct str kind = text_of(object, "kty"), id = text_of(object, "kid");
	*ret_key = (struct jwk){ 0 };
	if (id.len == 0 || !str_copy(id, ret_key->id, sizeof ret_key->id) ||
	    !is_for_signatures(object) || !algorithm_fits(object, kind, &ret_key->algorithm))
		return false;
	if (str_equal_text(kind, "RSA"))
		ret_key->key = rsa_read(object);
	else if (str_equal_text(kind, "EC"))
		ret_key->key = ec_read(object);
	else if (str_equal_text(kind, "OKP"))
		ret_key->key = okp_read(object);
	return ret_key->key != NULL;
}

static bool is_secret(const struct json_value *object)
{
	return json_member(object, "d") != NULL || json_member(object, "k") != NULL ||
	       str_equal_text(text_of(object, "kty"), "oct");
}

static const struct jwk *key_find(const struct jwks *jwks, struct str id)
{
	for (size_t i = 0; i < jwks->len; i++)
		if (str_equal_text(id, jwks->keys[i].id))
			return &jwks->keys[i];
	return NULL;
}

static bool keys_read(struct jwks *jwks, const struct json_value *list, struct err *err)
{
	for (size_t i = 0; i < json_size(list); i++) {
		const struct json_value *object = json_element(list, i);
		struct jwk key;
		if (is_secret(object))
			return err_set(err, ERR_REFUSED,
				       "key %zu of the set is a private or symmetric one", i);
		if (!key_read(object, &key))
			continue;
		if (jwks->len == JWKS_KEYS_MAX || key_find(jwks, str_from(key.id)) != NULL) {
			EVP_PKEY_free(key.key);
			return err_set(err, ERR_REFUSED,
				       "the set has too many keys, or two of one kid");
		}
		jwks->keys[jwks->len++] = key;
	}
	if (jwks->len == 0)
		return err_set(err, ERR_REFUSED, "the set has no key for signatures");
	return true;
}

bool jwks_read(struct str text, struct jwks **ret_jwks, struct err *err)
{
	JSON_OWNED json = NULL;
	if (text.len > JWKS_BYTES_MAX)
		return err_set(err, ERR_REFUSED, "a key set has at most %d bytes", JWKS_BYTES_MAX);
	if (!json_parse(text, &json, err))
		return false;
	struct jwks *jwks = calloc(1, sizeof *jwks);
	CHECK(jwks != NULL);
	if (!keys_read(jwks, json_member(json_root(json), "keys"), err)) {
		jwks_free(jwks);
		ERR_clear_error();
		return false;
	}
	ERR_clear_error();
	*ret_jwks = jwks;
	return true;
}

/* ---- verifying ---- */

/* r and s, 32 bytes each, as the DER that OpenSSL takes. */
static bool es256_der(struct str signature, uint8_t ret_der[DER_SIGNATURE_MAX], size_t *ret_len)
{
	if (signature.len != ES256_BYTES)
		return false;
	const uint8_t *bytes = (const uint8_t *)signature.at;
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(bytes, ES256_BYTES / 2, NULL);
	BIGNUM *s = BN_bin2bn(bytes + ES256_BYTES / 2, ES256_BYTES / 2, NULL);
	uint8_t *end = ret_der;
	CHECK(pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1);
	int len = i2d_ECDSA_SIG(pair, &end);
	ECDSA_SIG_free(pair); /* with r and s */
	CHECK(len > 0 && len <= DER_SIGNATURE_MAX);
	*ret_len = (size_t)len;
	return true;
}

static bool verify_begin(EVP_MD_CTX *digest, const struct jwk *key, enum token_algorithm algorithm)
{
	EVP_PKEY_CTX *context = NULL;
	const EVP_MD *hash = algorithm == TOKEN_EDDSA ? NULL : EVP_sha256();
	if (EVP_DigestVerifyInit(digest, &context, hash, NULL, key->key) != 1)
		return false;
	if (algorithm != TOKEN_PS256)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool is_signature(const struct jwk *key, enum token_algorithm algorithm, struct str text,
			 struct str signature)
{
	uint8_t der[DER_SIGNATURE_MAX];
	const uint8_t *bytes = (const uint8_t *)signature.at;
	size_t len = signature.len;
	if (algorithm == TOKEN_ES256) {
		if (!es256_der(signature, der, &len))
			return false;
		bytes = der;
	}
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	CHECK(digest != NULL);
	bool ok = verify_begin(digest, key, algorithm) &&
		  EVP_DigestVerify(digest, bytes, len, (const uint8_t *)text.at, text.len) == 1;
	EVP_MD_CTX_free(digest);
	ERR_clear_error(); /* what is forged leaves its reasons in the thread's queue */
	return ok;
}

enum token_verdict jwks_verify(const struct jwks *jwks, struct str key_id,
			       enum token_algorithm algorithm, struct str text,
			       struct str signature)
{
	const struct jwk *key = key_find(jwks, key_id);
	if (key == NULL)
		return TOKEN_KEY_UNKNOWN;
	bool is_for_it = key->algorithm == algorithm || !DEFENCE("key_is_for_one_algorithm");
	if (!is_for_it || !is_signature(key, algorithm, text, signature))
		return TOKEN_FORGED;
	return TOKEN_VERIFIED;
}
