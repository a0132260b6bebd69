/* The headers that the API reads: Content-Type, Idempotency-Key, traceparent, Authorization. */
#include "fuzz.h"

#include "base/hex.h"
#include "base/utf8.h"
#include "core/api_key.h"
#include "service/api/auth.h"
#include "service/api/request.h"

static void check_trace(struct str value)
{
	struct str id = request_trace_id(value);
	uint8_t read[16];
	if (id.len == 0)
		return;
	CHECK(id.at == value.at + 3 && value.len == 55 && hex_read(id, read, sizeof read));
	CHECK(!str_equal(id, STR("00000000000000000000000000000000")));
}

static void check_key(struct str text)
{
	struct str id, secret;
	uint8_t id_bytes[API_KEY_ID_LEN / 2], secret_bytes[API_KEY_SECRET_LEN / 2];
	char storage[API_KEY_TEXT_LEN];
	struct buf again = buf_of(storage, sizeof storage);
	if (!api_key_read(text, &id, &secret))
		return;
	CHECK(hex_read(id, id_bytes, sizeof id_bytes) &&
	      hex_read(secret, secret_bytes, sizeof secret_bytes));
	api_key_write(id_bytes, secret_bytes, &again);
	CHECK(str_equal(buf_view(&again), text));
}

static void check_credential(size_t count, struct str value)
{
	struct credential credential;
	if (auth_credential_read(count, value, &credential) != PROBLEM_NONE)
		return;
	CHECK(count == 1 && credential.key_id.len == API_KEY_ID_LEN &&
	      credential.secret.len == API_KEY_SECRET_LEN);
	CHECK(credential.key_id.at > value.at &&
	      credential.secret.at + credential.secret.len <= value.at + value.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str value = str_from_bytes(bytes, len);
	size_t count = fuzz_take(&value) % 3;
	if (request_idempotency_key_check(count, value) == PROBLEM_NONE)
		CHECK(count == 1 && value.len >= 1 && value.len <= IDEMPOTENCY_KEY_LEN_MAX &&
		      ascii_is_visible(value));
	if (request_content_type_check(count, value) == PROBLEM_NONE)
		CHECK(count == 1 && str_contains_fold(value, STR("application/json")));
	check_trace(value);
	check_key(value);
	check_credential(count, value);
	return 0;
}
