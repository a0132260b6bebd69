/* Unsigned 256-bit integers: the only arithmetic of money. Every operation that can leave the range
 * says so; none wraps. The limbs are touched in u256.c alone.
 *
 * Source: the EVM word (Ethereum Yellow Paper 9.1).
 */
#ifndef SLUICE_BASE_U256_H
#define SLUICE_BASE_U256_H

#include "base/buf.h"
#include "base/check.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct u256 {
	uint64_t limb[4]; /* limb[0] is the least significant */
};

#define U256_BYTES           32
#define U256_DECIMAL_LEN_MAX 78 /* digits of 2^256 - 1 */

struct u256 u256_zero(void);
struct u256 u256_max(void);
struct u256 u256_from_u64(uint64_t value);
bool u256_is_zero(struct u256 a);
int u256_compare(struct u256 a, struct u256 b); /* -1, 0, 1 */
bool u256_equal(struct u256 a, struct u256 b);
struct u256 u256_min_of(struct u256 a, struct u256 b);
struct u256 u256_max_of(struct u256 a, struct u256 b);
/* True and the result, or false on overflow (underflow) with nothing written. */
MUST_CHECK bool u256_add(struct u256 a, struct u256 b, struct u256 *ret_sum);
MUST_CHECK bool u256_sub(struct u256 a, struct u256 b, struct u256 *ret_difference);
MUST_CHECK bool u256_mul(struct u256 a, struct u256 b, struct u256 *ret_product);
MUST_CHECK bool u256_mul_u64(struct u256 a, uint64_t b, struct u256 *ret_product);
/* At the ends of the range instead of leaving it: for sums of limits and balances, where "as much
 * as can be written" is the safe reading. */
struct u256 u256_add_saturated(struct u256 a, struct u256 b);
struct u256 u256_sub_saturated(struct u256 a, struct u256 b); /* 0 when b > a */
/* Division by a small number; CHECKs divisor > 0. */
struct u256 u256_div_u64(struct u256 a, uint64_t divisor, uint64_t *ret_remainder);
struct u256 u256_div_u64_up(struct u256 a, uint64_t divisor);
/* True when it fits. */
bool u256_to_u64(struct u256 a, uint64_t *ret_value);
/* Bytes, big-endian, all 32. */
void u256_to_bytes(struct u256 a, uint8_t ret_bytes[U256_BYTES]);
struct u256 u256_from_bytes(const uint8_t bytes[U256_BYTES]);
/* 0 to 32 big-endian bytes. */
bool u256_from_bytes_short(const uint8_t *bytes, size_t len, struct u256 *ret_value);
/* Decimal digits without sign or leading zeros; false on anything else or overflow. */
bool u256_from_decimal(struct str digits, struct u256 *ret_value);
void u256_write_decimal(struct u256 a, struct buf *out);
/* "0x" and 1 to 64 hex digits, as JSON-RPC quantities; leading zeros are taken. */
bool u256_from_hex(struct str text, struct u256 *ret_value);
void u256_write_hex(struct u256 a, struct buf *out); /* "0x0", "0x1f": no leading zeros */

#endif
