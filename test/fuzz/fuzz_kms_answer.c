/* What KMS may answer: a signature and an address come out of what is right alone, and nothing is
 * written otherwise. */
#include "fuzz.h"

#include "adapter/keys_kms.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str body = str_from_bytes(bytes, len);
	uint8_t r[32] = { 0 }, s[32] = { 0 };
	static const uint8_t none[32];
	struct address address = { 0 };
	struct err err = { 0 };
	char *copy = fuzz_copy(body);
	body.at = copy;
	if (keys_kms_signature_read(body, r, s, &err)) {
		CHECK(memcmp(r, none, 32) != 0 && memcmp(s, none, 32) != 0);
	} else {
		CHECK(memcmp(r, none, 32) == 0 && memcmp(s, none, 32) == 0);
		CHECK(err.kind == ERR_NOT_DONE && err.text[0] != 0);
	}
	if (keys_kms_public_key_read(body, &address, &err)) {
		CHECK(!address_is_zero(address));
	} else {
		CHECK(address_is_zero(address));
		CHECK(err.kind == ERR_NOT_DONE || err.kind == ERR_REFUSED);
	}
	free(copy);
	return 0;
}
