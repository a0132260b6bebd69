/* Addresses, hashes, ids and plain hexadecimal: one value, one text (but for the case of letters).
 */
#include "fuzz.h"

#include "base/hex.h"
#include "core/address.h"
#include "core/id.h"

static void check_address(struct str text)
{
	struct address address, again;
	if (address_read(text, &address) != ADDRESS_OK)
		return;
	struct address_text written = address_text(address);
	CHECK(str_equal_fold(text, str_from(written.at)));
	CHECK(address_read(str_from(written.at), &again) == ADDRESS_OK);
	CHECK(address_equal(address, again));
	/* One letter in the other case is another checksum, unless no letter differs then. */
	for (size_t i = 2; i < ADDRESS_TEXT_LEN; i++) {
		struct address_text wrong = written;
		if (wrong.at[i] < 'A')
			continue;
		wrong.at[i] ^= 0x20;
		enum address_read read = address_read(str_from(wrong.at), &again);
		bool has_upper = false, has_lower = false;
		for (size_t j = 2; j < ADDRESS_TEXT_LEN; j++) {
			has_upper = has_upper || (wrong.at[j] >= 'A' && wrong.at[j] <= 'F');
			has_lower = has_lower || wrong.at[j] >= 'a';
		}
		CHECK(read == (has_upper && has_lower ? ADDRESS_BAD_CHECKSUM : ADDRESS_OK));
	}
}

static void check_hash(struct str text)
{
	struct hash32 hash;
	if (!hash32_read(text, &hash))
		return;
	struct hash32_text written = hash32_text(hash);
	CHECK(str_equal_fold(str_from(written.at), text));
}

static void check_id(struct str text)
{
	struct id id;
	if (!id_read(text, &id))
		return;
	CHECK(str_equal_fold(str_from(id_text(id).at), text));
	CHECK(id_time_ms(id) >= 0 && id.bytes[6] >> 4 == 7 && id.bytes[8] >> 6 == 2);
}

static void check_hex(struct str text)
{
	uint8_t bytes[64];
	size_t len = 0;
	char storage[2 * sizeof bytes + 2];
	struct buf out = buf_of(storage, sizeof storage);
	if (!hex_read_0x_any(text, bytes, sizeof bytes, &len))
		return;
	hex_write_0x(&out, bytes, len);
	CHECK(!out.overflow && str_equal_fold(buf_view(&out), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str text = str_from_bytes(bytes, len);
	check_address(text);
	check_hash(text);
	check_id(text);
	check_hex(text);
	return 0;
}
