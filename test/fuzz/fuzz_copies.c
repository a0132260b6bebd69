/* What anybody may have put into the cache: bytes that we did not seal are no copy, whatever they
 * are, and what we seal comes back as it was. */
#include "fuzz.h"

#include "service/api/copies.h"
#include "service/api/view.h"

#define NOW_MS INT64_C(1800000000000)

static const uint8_t key_bytes[32] = { 1, 2, 3 };
static const struct mac_keys keys = { .keys = { { 7, key_bytes } }, .len = 1 };
static const struct id deployment = { { 1 } }, withdrawal = { { 3 } };

static bool is_read(struct str value, struct copy *ret_copy)
{
	return copy_read(value, withdrawal, &keys, deployment, NOW_MS, 2000, ret_copy);
}

static void sealed_pass(struct str account, struct str body)
{
	static char storage[CACHE_VALUE_MAX];
	struct buf out = buf_of(storage, sizeof storage);
	const struct copy made = { withdrawal, 5, NOW_MS, account, body };
	struct copy copy;
	copy_write(&made, &keys, deployment, &out);
	CHECK(!out.overflow && is_read(buf_view(&out), &copy));
	CHECK(str_equal(copy.account, account) && str_equal(copy.body, body));
	CHECK(copy.version == 5 && copy.made_ms == NOW_MS);
	CHECK(!is_read((struct str){ out.at, out.len - 1 }, &copy));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str input = str_from_bytes(bytes, len);
	struct copy copy;
	char *exact = fuzz_copy(input);
	CHECK(!is_read((struct str){ exact, input.len }, &copy));
	free(exact);
	size_t account_len = 1 + fuzz_take(&input) % ACCOUNT_LEN_MAX;
	if (input.len <= account_len || input.len - account_len > VIEW_WITHDRAWAL_MAX)
		return 0;
	sealed_pass((struct str){ input.at, account_len }, str_skip(input, account_len));
	return 0;
}
