#include "core/address.h"

#include "base/check.h"
#include "base/hex.h"
#include "base/keccak.h"

#include <string.h>

#define DIGITS (2 * ADDRESS_BYTES)

/* The 40 digits in the case that EIP-55 gives them: a letter is upper case where the digit of the
 * Keccak-256 of the lower-case text is 8 or more. */
static void write_checksummed(struct address address, char ret_digits[DIGITS])
{
	uint8_t hash[KECCAK256_BYTES];
	struct buf out = buf_of(ret_digits, DIGITS);
	hex_write(&out, address.bytes, ADDRESS_BYTES);
	CHECK(!out.overflow && out.len == DIGITS);
	keccak256(ret_digits, DIGITS, hash);
	for (size_t i = 0; i < DIGITS; i++) {
		int digit = i % 2 == 0 ? hash[i / 2] >> 4 : hash[i / 2] & 15;
		if (digit >= 8 && ret_digits[i] >= 'a')
			ret_digits[i] = (char)(ret_digits[i] - 'a' + 'A');
	}
}

static bool is_of_one_case(struct str digits)
{
	bool has_lower = false;
	bool has_upper = false;
	for (size_t i = 0; i < digits.len; i++) {
		has_lower = has_lower || digits.at[i] >= 'a';
		has_upper = has_upper || (digits.at[i] >= 'A' && digits.at[i] < 'a');
	}
	return !(has_lower && has_upper);
}

enum address_read address_read(struct str text, struct address *ret_address)
{
	struct address address;
	char expected[DIGITS];
	if (!hex_read_0x(text, address.bytes, ADDRESS_BYTES))
		return ADDRESS_MALFORMED;
	struct str digits = str_skip(text, 2);
	write_checksummed(address, expected);
	if (!is_of_one_case(digits) && memcmp(digits.at, expected, DIGITS) != 0)
		return ADDRESS_BAD_CHECKSUM;
	*ret_address = address;
	return ADDRESS_OK;
}

void address_write(struct address address, struct buf *out)
{
	char digits[DIGITS];
	write_checksummed(address, digits);
	buf_text(out, "0x");
	buf_bytes(out, digits, sizeof digits);
}

bool address_equal(struct address a, struct address b)
{
	return memcmp(a.bytes, b.bytes, ADDRESS_BYTES) == 0;
}

bool address_is_zero(struct address address)
{
	static const struct address zero;
	return address_equal(address, zero);
}

struct address address_of_public_key(const uint8_t point[64])
{
	uint8_t hash[KECCAK256_BYTES];
	struct address address;
	keccak256(point, 64, hash);
	memcpy(address.bytes, hash + sizeof hash - ADDRESS_BYTES, ADDRESS_BYTES);
	return address;
}

bool hash32_equal(struct hash32 a, struct hash32 b)
{
	return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

bool hash32_is_zero(struct hash32 hash)
{
	static const struct hash32 zero;
	return hash32_equal(hash, zero);
}

bool hash32_read(struct str text, struct hash32 *ret_hash)
{
	return hex_read_0x(text, ret_hash->bytes, sizeof ret_hash->bytes);
}

void hash32_write(struct hash32 hash, struct buf *out)
{
	hex_write_0x(out, hash.bytes, sizeof hash.bytes);
}

struct address_text address_text(struct address address)
{
	struct address_text text;
	struct buf out = buf_of(text.at, sizeof text.at);
	address_write(address, &out);
	(void)buf_terminated(&out);
	CHECK(!out.overflow);
	return text;
}

struct hash32_text hash32_text(struct hash32 hash)
{
	struct hash32_text text;
	struct buf out = buf_of(text.at, sizeof text.at);
	hash32_write(hash, &out);
	(void)buf_terminated(&out);
	CHECK(!out.overflow);
	return text;
}
