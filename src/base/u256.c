#include "base/u256.h"

#include "base/hex.h"

#include <string.h>

__extension__ typedef unsigned __int128 wide; /* the product of two limbs */

#define LIMBS 4

/* The largest power of ten that fits a limb, for reading and writing decimals in chunks. */
#define CHUNK_DIGITS 19
#define CHUNK        UINT64_C(10000000000000000000)

struct u256 u256_zero(void)
{
	return (struct u256){ { 0, 0, 0, 0 } };
}

struct u256 u256_max(void)
{
	return (struct u256){ { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } };
}

struct u256 u256_from_u64(uint64_t value)
{
	return (struct u256){ { value, 0, 0, 0 } };
}

bool u256_is_zero(struct u256 a)
{
	return (a.limb[0] | a.limb[1] | a.limb[2] | a.limb[3]) == 0;
}

int u256_compare(struct u256 a, struct u256 b)
{
	for (int i = LIMBS - 1; i >= 0; i--)
		if (a.limb[i] != b.limb[i])
			return a.limb[i] < b.limb[i] ? -1 : 1;
	return 0;
}

bool u256_equal(struct u256 a, struct u256 b)
{
	return u256_compare(a, b) == 0;
}

struct u256 u256_min_of(struct u256 a, struct u256 b)
{
	return u256_compare(a, b) < 0 ? a : b;
}

struct u256 u256_max_of(struct u256 a, struct u256 b)
{
	return u256_compare(a, b) > 0 ? a : b;
}

bool u256_add(struct u256 a, struct u256 b, struct u256 *ret_sum)
{
	struct u256 sum;
	wide carry = 0;
	for (int i = 0; i < LIMBS; i++) {
		carry += (wide)a.limb[i] + b.limb[i];
		sum.limb[i] = (uint64_t)carry;
		carry >>= 64;
	}
	if (carry != 0)
		return false;
	*ret_sum = sum;
	return true;
}

bool u256_sub(struct u256 a, struct u256 b, struct u256 *ret_difference)
{
	if (u256_compare(a, b) < 0)
		return false;
	struct u256 difference;
	uint64_t borrow = 0;
	for (int i = 0; i < LIMBS; i++) {
		wide taken = (wide)b.limb[i] + borrow;
		difference.limb[i] = a.limb[i] - (uint64_t)taken;
		borrow = taken > a.limb[i] ? 1 : 0;
	}
	CHECK(borrow == 0);
	*ret_difference = difference;
	return true;
}

bool u256_mul(struct u256 a, struct u256 b, struct u256 *ret_product)
{
	uint64_t product[2 * LIMBS] = { 0 };
	for (int i = 0; i < LIMBS; i++) {
		wide carry = 0;
		for (int j = 0; j < LIMBS; j++) {
			carry += (wide)a.limb[i] * b.limb[j] + product[i + j];
			product[i + j] = (uint64_t)carry;
			carry >>= 64;
		}
		product[i + LIMBS] = (uint64_t)carry;
	}
	if ((product[4] | product[5] | product[6] | product[7]) != 0)
		return false;
	memcpy(ret_product->limb, product, sizeof ret_product->limb);
	return true;
}

bool u256_mul_u64(struct u256 a, uint64_t b, struct u256 *ret_product)
{
	return u256_mul(a, u256_from_u64(b), ret_product);
}

struct u256 u256_add_saturated(struct u256 a, struct u256 b)
{
	struct u256 sum;
	return u256_add(a, b, &sum) ? sum : u256_max();
}

struct u256 u256_sub_saturated(struct u256 a, struct u256 b)
{
	struct u256 difference;
	return u256_sub(a, b, &difference) ? difference : u256_zero();
}

struct u256 u256_div_u64(struct u256 a, uint64_t divisor, uint64_t *ret_remainder)
{
	CHECK(divisor > 0);
	struct u256 quotient;
	wide remainder = 0;
	for (int i = LIMBS - 1; i >= 0; i--) {
		remainder = remainder << 64 | a.limb[i];
		quotient.limb[i] = (uint64_t)(remainder / divisor);
		remainder %= divisor;
	}
	*ret_remainder = (uint64_t)remainder;
	return quotient;
}

struct u256 u256_div_u64_up(struct u256 a, uint64_t divisor)
{
	uint64_t remainder;
	struct u256 quotient = u256_div_u64(a, divisor, &remainder);
	/* A remainder means divisor >= 2, so that the quotient is far from the end of the range. */
	if (remainder > 0)
		CHECK(u256_add(quotient, u256_from_u64(1), &quotient));
	return quotient;
}

bool u256_to_u64(struct u256 a, uint64_t *ret_value)
{
	if ((a.limb[1] | a.limb[2] | a.limb[3]) != 0)
		return false;
	*ret_value = a.limb[0];
	return true;
}

void u256_to_bytes(struct u256 a, uint8_t ret_bytes[U256_BYTES])
{
	for (int i = 0; i < U256_BYTES; i++)
		ret_bytes[U256_BYTES - 1 - i] = (uint8_t)(a.limb[i / 8] >> (8 * (i % 8)));
}

struct u256 u256_from_bytes(const uint8_t bytes[U256_BYTES])
{
	struct u256 value = u256_zero();
	for (int i = 0; i < U256_BYTES; i++)
		value.limb[i / 8] |= (uint64_t)bytes[U256_BYTES - 1 - i] << (8 * (i % 8));
	return value;
}

bool u256_from_bytes_short(const uint8_t *bytes, size_t len, struct u256 *ret_value)
{
	uint8_t padded[U256_BYTES] = { 0 };
	if (len > sizeof padded)
		return false;
	if (len > 0)
		memcpy(padded + sizeof padded - len, bytes, len);
	*ret_value = u256_from_bytes(padded);
	return true;
}

bool u256_from_decimal(struct str digits, struct u256 *ret_value)
{
	struct u256 value = u256_zero();
	if (digits.len == 0 || digits.len > U256_DECIMAL_LEN_MAX)
		return false;
	if (digits.at[0] == '0' && digits.len > 1)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.at[i] < '0' || digits.at[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(digits.at[i] - '0');
		if (!u256_mul_u64(value, 10, &value) ||
		    !u256_add(value, u256_from_u64(digit), &value))
			return false;
	}
	*ret_value = value;
	return true;
}

void u256_write_decimal(struct u256 a, struct buf *out)
{
	uint64_t chunks[U256_DECIMAL_LEN_MAX / CHUNK_DIGITS + 1];
	size_t len = 0;
	do {
		CHECK(len < sizeof chunks / sizeof *chunks);
		a = u256_div_u64(a, CHUNK, &chunks[len++]);
	} while (!u256_is_zero(a));
	buf_format(out, "%llu", (unsigned long long)chunks[--len]);
	while (len > 0)
		buf_format(out, "%019llu", (unsigned long long)chunks[--len]);
}

bool u256_from_hex(struct str text, struct u256 *ret_value)
{
	char padded[2 * U256_BYTES];
	uint8_t bytes[U256_BYTES];
	if (!str_starts_with(text, STR("0x")))
		return false;
	struct str digits = str_skip(text, 2);
	if (digits.len == 0 || digits.len > sizeof padded)
		return false;
	memset(padded, '0', sizeof padded);
	memcpy(padded + sizeof padded - digits.len, digits.at, digits.len);
	if (!hex_read((struct str){ padded, sizeof padded }, bytes, sizeof bytes))
		return false;
	*ret_value = u256_from_bytes(bytes);
	return true;
}

void u256_write_hex(struct u256 a, struct buf *out)
{
	int top = LIMBS - 1;
	while (top > 0 && a.limb[top] == 0)
		top--;
	buf_format(out, "0x%llx", (unsigned long long)a.limb[top]);
	while (top > 0)
		buf_format(out, "%016llx", (unsigned long long)a.limb[--top]);
}
