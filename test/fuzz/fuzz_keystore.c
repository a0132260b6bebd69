/* Key files: opened only with the right password, and then the length is the kind's; refusals name
 * no byte of the key. Files that ask for much work are passed over: the limits of work have unit
 * tests, and a fuzzer that waits for scrypt finds nothing. */
#include "fuzz.h"

#include "adapter/keys_keystore_file.h"
#include "base/utf8.h"

#define COST_MAX 4096

static bool is_cheap(struct str text)
{
	static const char *const names[] = { "n", "r", "p", "c" };
	JSON_OWNED json = fuzz_json(text);
	if (json == NULL)
		return true;
	const struct json_value *crypto = json_member(json_root(json), "crypto");
	if (crypto == NULL)
		crypto = json_member(json_root(json), "Crypto");
	const struct json_value *params = json_member(crypto, "kdfparams");
	int64_t cost = 1;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		int64_t value;
		if (!json_i64(json_member(params, names[i]), &value) || value < 1)
			continue;
		if (value > COST_MAX)
			return false;
		cost *= value;
	}
	return cost <= COST_MAX;
}

static void check(struct str text, struct str password)
{
	struct secret bytes = { 0 };
	enum keystore_kind kind = 0;
	struct err err = { 0 };
	if (!keystore_decrypt(text, password, &bytes, &kind, &err)) {
		CHECK(bytes.at == NULL && kind == 0);
		CHECK(err.kind != ERR_NONE && err.text[0] != 0);
		CHECK(utf8_is_valid(str_from(err.text)));
		return;
	}
	CHECK(kind == KEYSTORE_KEY || kind == KEYSTORE_SEED);
	CHECK(kind == KEYSTORE_SEED ? bytes.len >= 16 && bytes.len <= 64 : bytes.len == 32);
	secret_free(&bytes);

	/* The MAC is over what the password derives. */
	CHECK(!keystore_decrypt(text, STR("another password"), &bytes, &kind, &err));
	CHECK(err.kind == ERR_REFUSED);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str text = str_from_bytes(bytes, len);
	if (!is_cheap(text))
		return 0;
	check(text, STR("testpassword"));
	check(text, STR(""));
	return 0;
}
