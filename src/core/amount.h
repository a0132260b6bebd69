/* Money. Two types over u256, so that token units and gas fees never mix by accident:
 * struct amount is in base units of one asset, struct wei in wei of the chain's native coin. */
#ifndef SLUICE_CORE_AMOUNT_H
#define SLUICE_CORE_AMOUNT_H

#include "base/buf.h"
#include "base/check.h"
#include "base/str.h"
#include "base/u256.h"

#define DECIMALS_MAX 36

struct amount {
	struct u256 units;
};

struct wei {
	struct u256 value;
};

enum amount_read {
	AMOUNT_OK = 0,
	AMOUNT_MALFORMED,         /* not digits with at most one point; signs, exponents, spaces */
	AMOUNT_TOO_MANY_DECIMALS, /* more fraction digits than the asset has (zeros count too) */
	AMOUNT_TOO_LARGE,         /* 2^256 base units or more */
	AMOUNT_NOT_POSITIVE,      /* zero, or a well-formed number behind a minus sign */
};

/* Reads a decimal in units of the asset ("12.5" with 6 decimals is 12500000). The form is
 * (0|[1-9][0-9]*)(\.[0-9]+)?, at most 120 characters. decimals: 0 to DECIMALS_MAX. */
enum amount_read amount_read(struct str text, unsigned decimals, struct amount *ret_amount);
/* The shortest form that reads back: no trailing zeros, no point for whole numbers. */
void amount_write(struct amount amount, unsigned decimals, struct buf *out);
int amount_compare(struct amount a, struct amount b);
bool amount_is_zero(struct amount a);
MUST_CHECK bool amount_add(struct amount a, struct amount b, struct amount *ret_sum);
MUST_CHECK bool amount_sub(struct amount a, struct amount b, struct amount *ret_difference);

int wei_compare(struct wei a, struct wei b);
MUST_CHECK bool wei_add(struct wei a, struct wei b, struct wei *ret_sum);
/* gas * price; false on overflow. */
MUST_CHECK bool wei_of_gas(uint64_t gas, struct wei price, struct wei *ret_cost);
/* The native coin's base unit is the wei: the only bridge between the two types. */
struct amount amount_of_wei(struct wei wei);
struct wei wei_of_amount(struct amount native);

#endif
