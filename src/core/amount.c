#include "core/amount.h"

#define TEXT_LEN_MAX 120

/* The two runs of digits around the point; fraction is empty when there is no point. */
struct decimal {
	struct str whole;
	struct str fraction;
};

static bool is_digits(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	return text.len > 0;
}

static bool split_decimal(struct str text, struct decimal *ret_decimal)
{
	struct decimal decimal = { .whole = text };
	bool has_point = str_cut(text, '.', &decimal.whole, &decimal.fraction);
	if (!is_digits(decimal.whole) || (has_point && !is_digits(decimal.fraction)))
		return false;
	if (decimal.whole.at[0] == '0' && decimal.whole.len > 1)
		return false;
	*ret_decimal = decimal;
	return true;
}

static bool append_digit(struct u256 *value, char digit)
{
	return u256_mul_u64(*value, 10, value) &&
	       u256_add(*value, u256_from_u64((uint64_t)(digit - '0')), value);
}

/* The digits of both runs as one number, with zeros up to the asset's decimals. */
static bool units_of(struct decimal decimal, unsigned decimals, struct u256 *ret_units)
{
	struct u256 units = u256_zero();
	for (size_t i = 0; i < decimal.whole.len; i++)
		if (!append_digit(&units, decimal.whole.at[i]))
			return false;
	for (size_t i = 0; i < decimals; i++)
		if (!append_digit(&units, i < decimal.fraction.len ? decimal.fraction.at[i] : '0'))
			return false;
	*ret_units = units;
	return true;
}

enum amount_read amount_read(struct str text, unsigned decimals, struct amount *ret_amount)
{
	struct decimal decimal;
	struct u256 units;
	CHECK(decimals <= DECIMALS_MAX);
	if (text.len > TEXT_LEN_MAX)
		return AMOUNT_MALFORMED;
	bool is_negative = str_starts_with(text, STR("-"));
	if (!split_decimal(str_skip(text, is_negative ? 1 : 0), &decimal))
		return AMOUNT_MALFORMED;
	if (is_negative)
		return AMOUNT_NOT_POSITIVE;
	if (decimal.fraction.len > decimals)
		return AMOUNT_TOO_MANY_DECIMALS;
	if (!units_of(decimal, decimals, &units))
		return AMOUNT_TOO_LARGE;
	if (u256_is_zero(units))
		return AMOUNT_NOT_POSITIVE;
	*ret_amount = (struct amount){ units };
	return AMOUNT_OK;
}

void amount_write(struct amount amount, unsigned decimals, struct buf *out)
{
	char storage[U256_DECIMAL_LEN_MAX + 1];
	struct buf digits = buf_of(storage, sizeof storage);
	CHECK(decimals <= DECIMALS_MAX);
	u256_write_decimal(amount.units, &digits);
	CHECK(!digits.overflow);

	size_t whole_len = digits.len > decimals ? digits.len - decimals : 0;
	size_t zeros = digits.len > decimals ? 0 : decimals - digits.len;
	size_t end = digits.len;
	while (end > whole_len && storage[end - 1] == '0')
		end--;
	if (whole_len == 0)
		buf_byte(out, '0');
	buf_bytes(out, storage, whole_len);
	if (end == whole_len)
		return;
	buf_byte(out, '.');
	for (size_t i = 0; i < zeros; i++)
		buf_byte(out, '0');
	buf_bytes(out, storage + whole_len, end - whole_len);
}

int amount_compare(struct amount a, struct amount b)
{
	return u256_compare(a.units, b.units);
}

bool amount_is_zero(struct amount a)
{
	return u256_is_zero(a.units);
}

bool amount_add(struct amount a, struct amount b, struct amount *ret_sum)
{
	return u256_add(a.units, b.units, &ret_sum->units);
}

bool amount_sub(struct amount a, struct amount b, struct amount *ret_difference)
{
	return u256_sub(a.units, b.units, &ret_difference->units);
}

int wei_compare(struct wei a, struct wei b)
{
	return u256_compare(a.value, b.value);
}

bool wei_add(struct wei a, struct wei b, struct wei *ret_sum)
{
	return u256_add(a.value, b.value, &ret_sum->value);
}

bool wei_of_gas(uint64_t gas, struct wei price, struct wei *ret_cost)
{
	return u256_mul_u64(price.value, gas, &ret_cost->value);
}

struct amount amount_of_wei(struct wei wei)
{
	return (struct amount){ wei.value };
}

struct wei wei_of_amount(struct amount native)
{
	return (struct wei){ native.units };
}
