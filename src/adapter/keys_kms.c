#include "adapter/keys_kms.h"

#include "adapter/keys_der.h"
#include "base/base64.h"
#include "base/json.h"
#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

#define AT_ONCE_MAX    HTTP_CLIENT_CONNECTIONS_MAX
#define BODY_MAX       1024  /* of a request: a key reference, every byte escaped, and a digest */
#define ANSWER_MAX     65536 /* the largest that is right has 2 kB */
#define ADDRESSES_MAX  WALLETS_MAX
#define PUBLIC_KEY_MAX 512 /* bytes: one of secp256k1 has 88 */
#define SIGNATURE_MAX  128 /* bytes: one has 72 at most */

struct known_address {
	char key[KEY_REF_LEN_MAX + 1];
	struct address address;
};

struct kms_keys {
	struct keys base;
	struct aws_credentials *credentials;
	struct aws_client *client;
	int64_t deadline_ms;
	size_t at_once; /* halves when KMS has enough, and grows again by one */
	struct known_address known[ADDRESSES_MAX];
	size_t known_len;
};

static struct kms_keys *kms_of(struct keys *keys)
{
	return (struct kms_keys *)keys;
}

/* The part of a reference behind the store's name. */
static bool key_of(const char *key_ref, struct str *ret_key, struct err *err)
{
	struct str name;
	if (!str_cut(str_from(key_ref), '/', &name, ret_key) || ret_key->len == 0)
		return err_set(err, ERR_REFUSED, "\"%s\" names no key: NAME/ID, NAME/alias/NAME",
			       key_ref);
	return true;
}

/* --- answers ------------------------------------------------------------------------------------
 */

/* A member that is base64. */
static bool member_read(const struct json_value *root, const char *name, void *ret_bytes,
			size_t cap, size_t *ret_len)
{
	struct str text;
	return json_string(json_member(root, name), &text) &&
	       base64_read(text, ret_bytes, cap, ret_len);
}

bool keys_kms_signature_read(struct str body, uint8_t ret_r[32], uint8_t ret_s[32], struct err *err)
{
	JSON_OWNED json = NULL;
	uint8_t der[SIGNATURE_MAX];
	size_t len;
	if (!json_parse(body, &json, err))
		return err_set(err, ERR_NOT_DONE, "KMS: the answer is no JSON");
	if (!member_read(json_root(json), "Signature", der, sizeof der, &len) ||
	    !keys_der_signature(str_from_bytes(der, len), ret_r, ret_s))
		return err_set(err, ERR_NOT_DONE, "KMS: the answer has no signature");
	return true;
}

bool keys_kms_public_key_read(struct str body, struct address *ret_address, struct err *err)
{
	JSON_OWNED json = NULL;
	uint8_t der[PUBLIC_KEY_MAX], point[KEYS_POINT_BYTES];
	size_t len;
	if (!json_parse(body, &json, err))
		return err_set(err, ERR_NOT_DONE, "KMS: the answer is no JSON");
	if (!member_read(json_root(json), "PublicKey", der, sizeof der, &len))
		return err_set(err, ERR_NOT_DONE, "KMS: the answer has no public key");
	if (!keys_der_public_key(str_from_bytes(der, len), point))
		return err_set(err, ERR_REFUSED, "KMS: the key is not of the kind ECC_SECG_P256K1");
	*ret_address = address_of_public_key(point);
	return true;
}

/* KMS says no, and would say yes when a person has put the key right. */
static bool is_passing(const char *fault)
{
	return strcmp(fault, "DisabledException") == 0 ||
	       strcmp(fault, "KMSInvalidStateException") == 0;
}

static bool answer_failed(const struct aws_answer *answer, struct err *err)
{
	if (aws_answer_check(answer, err))
		return false;
	/* A signature, or a public key, that was made and lost harms nobody. */
	if (err->kind == ERR_MAYBE_DONE)
		err->kind = ERR_NOT_DONE;
	return true;
}

/* --- requests -----------------------------------------------------------------------------------
 */

static struct str sign_body(struct buf *out, struct str key, struct hash32 digest)
{
	char base64[48];
	struct buf message = buf_of(base64, sizeof base64);
	size_t start = out->len;
	base64_write(&message, digest.bytes, sizeof digest.bytes);
	buf_byte(out, '{');
	json_write_member(out, "KeyId", key);
	json_write_member(out, "Message", buf_view(&message));
	json_write_member_text(out, "MessageType", "DIGEST");
	json_write_member_text(out, "SigningAlgorithm", "ECDSA_SHA_256");
	buf_byte(out, '}');
	CHECK(!out->overflow && !message.overflow);
	return str_skip(buf_view(out), start);
}

static void result_set(const struct aws_answer *answer, struct keys_result *ret_result)
{
	struct err err = { 0 };
	*ret_result = (struct keys_result){ .done = false };
	if (!answer_failed(answer, &err))
		ret_result->done =
			keys_kms_signature_read(answer->body, ret_result->r, ret_result->s, &err);
	else if (answer->verdict == AWS_DENIED || is_passing(answer->fault))
		err.kind =
			ERR_REFUSED; /* KMS works, and says no: not its circuit breaker's matter */
	ret_result->err = err;
}

/* As many side by side as KMS takes: a quota is shared with others whom we do not know. */
static void pace_set(struct kms_keys *keys, const struct aws_answer *answers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (answers[i].verdict != AWS_BUSY)
			continue;
		keys->at_once = keys->at_once > 1 ? keys->at_once / 2 : 1;
		return;
	}
	if (keys->at_once < AT_ONCE_MAX)
		keys->at_once++;
}

static void kms_sign_many(struct keys *base, const struct keys_request *requests, size_t n,
			  struct keys_result *ret_results)
{
	struct kms_keys *keys = kms_of(base);
	struct aws_request asked[BATCH_MAX];
	struct aws_answer *answers = calloc(n, sizeof *answers);
	size_t which[BATCH_MAX], len = 0;
	struct buf bodies = buf_new(n * BODY_MAX);
	CHECK(answers != NULL);
	for (size_t i = 0; i < n; i++) {
		struct str key;
		ret_results[i] = (struct keys_result){ .done = false };
		if (!key_of(requests[i].key_ref, &key, &ret_results[i].err))
			continue;
		which[len] = i;
		asked[len++] =
			(struct aws_request){ .action = "Sign",
					      .body = sign_body(&bodies, key, requests[i].digest) };
	}
	if (len > 0) {
		aws_client_call(keys->client, asked, len, keys->at_once, keys->deadline_ms,
				answers);
		pace_set(keys, answers, len);
	}
	for (size_t i = 0; i < len; i++)
		result_set(&answers[i], &ret_results[which[i]]);
	buf_free(&bodies);
	free(answers);
}

static bool address_ask(struct kms_keys *keys, struct str key, struct address *ret_address,
			struct err *err)
{
	char storage[BODY_MAX];
	struct buf body = buf_of(storage, sizeof storage);
	struct aws_answer answer;
	struct err fault = { 0 };
	buf_byte(&body, '{');
	json_write_member(&body, "KeyId", key);
	buf_byte(&body, '}');
	struct aws_request request = { .action = "GetPublicKey", .body = buf_view(&body) };
	aws_client_call(keys->client, &request, 1, 1, keys->deadline_ms, &answer);
	if (!answer_failed(&answer, &fault))
		return keys_kms_public_key_read(answer.body, ret_address, err);
	return err_set(err, is_passing(answer.fault) ? ERR_NOT_DONE : fault.kind, "%s", fault.text);
}

static bool kms_address(struct keys *base, const char *key_ref, struct address *ret_address,
			struct err *err)
{
	struct kms_keys *keys = kms_of(base);
	struct str key;
	if (!key_of(key_ref, &key, err))
		return false;
	for (size_t i = 0; i < keys->known_len; i++) {
		if (!str_equal_text(key, keys->known[i].key))
			continue;
		*ret_address = keys->known[i].address;
		return true;
	}
	if (!address_ask(keys, key, ret_address, err))
		return err_wrap(err, "\"%s\"", key_ref);
	if (keys->known_len < ADDRESSES_MAX) {
		struct known_address *known = &keys->known[keys->known_len++];
		CHECK(str_copy(key, known->key, sizeof known->key));
		known->address = *ret_address;
	}
	return true;
}

static void kms_close(struct keys *base)
{
	struct kms_keys *keys = kms_of(base);
	aws_client_close(keys->client);
	aws_credentials_close(keys->credentials);
	free(keys);
}

static const struct keys_ops kms_ops = {
	.sign_many = kms_sign_many,
	.address = kms_address,
	.close = kms_close,
};

static bool kms_connect(struct kms_keys *keys, const struct keys_kms_options *options,
			struct err *err)
{
	struct aws_credentials_options credentials = { .region = options->region };
	struct aws_client_options client = {
		.service = "kms",
		.target = "TrentService",
		.json = AWS_JSON_1_1,
		.region = options->region,
		.endpoint = options->endpoint,
		.connections_max = AT_ONCE_MAX,
		.response_bytes_max = ANSWER_MAX,
	};
	if (!aws_is_region(options->region))
		return err_set(err, ERR_REFUSED, "\"%.40s\" is no region", options->region);
	if (keys->credentials == NULL &&
	    !aws_credentials_open(&credentials, &keys->credentials, err))
		return false;
	client.credentials = keys->credentials;
	return aws_client_open(&client, &keys->client, err);
}

bool keys_kms_open(const struct keys_kms_options *options, struct keys **ret_keys, struct err *err)
{
	CHECK(options->region != NULL && options->deadline_ms > 0);
	struct kms_keys *keys = calloc(1, sizeof *keys);
	CHECK(keys != NULL);
	keys->base.ops = &kms_ops;
	keys->credentials = options->credentials;
	keys->deadline_ms = options->deadline_ms;
	keys->at_once = AT_ONCE_MAX;
	if (!kms_connect(keys, options, err)) {
		kms_close(&keys->base);
		return false;
	}
	*ret_keys = &keys->base;
	return true;
}
