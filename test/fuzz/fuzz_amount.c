/* Amounts: what is read, written, is read as the same amount; and what digits mean is worked out
 * here a second time, the slow way. */
#include "fuzz.h"

#include "core/amount.h"

/* The grammar of the header; counts the digits behind the point. */
static bool is_form(struct str text, size_t *ret_decimals)
{
	struct str whole = text, fraction = { 0 };
	bool has_point = str_cut(text, '.', &whole, &fraction);
	if (whole.len == 0 || text.len > 120 || (has_point && fraction.len == 0) ||
	    (whole.len > 1 && whole.at[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (i != whole.len && (text.at[i] < '0' || text.at[i] > '9'))
			return false;
	*ret_decimals = fraction.len;
	return true;
}

/* Digit by digit; false when it leaves 256 bits. */
static bool slow_value(struct str text, unsigned decimals, struct u256 *ret_value)
{
	struct u256 value = u256_zero();
	unsigned behind = 0;
	bool has_point = false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '.') {
			has_point = true;
			continue;
		}
		behind += has_point;
		if (!u256_mul_u64(value, 10, &value) ||
		    !u256_add(value, u256_from_u64((uint64_t)(text.at[i] - '0')), &value))
			return false;
	}
	for (; behind < decimals; behind++)
		if (!u256_mul_u64(value, 10, &value))
			return false;
	*ret_value = value;
	return true;
}

static enum amount_read slow_read(struct str text, unsigned decimals, struct amount *ret_amount)
{
	size_t behind;
	bool is_negative = text.len > 1 && text.at[0] == '-';
	if (!is_form(is_negative ? str_skip(text, 1) : text, &behind) || text.len > 120)
		return AMOUNT_MALFORMED;
	if (is_negative)
		return AMOUNT_NOT_POSITIVE;
	if (behind > decimals)
		return AMOUNT_TOO_MANY_DECIMALS;
	if (!slow_value(text, decimals, &ret_amount->units))
		return AMOUNT_TOO_LARGE;
	return u256_is_zero(ret_amount->units) ? AMOUNT_NOT_POSITIVE : AMOUNT_OK;
}

static void check_written(struct amount amount, unsigned decimals, size_t len_max)
{
	char storage[160];
	struct amount again;
	struct buf text = buf_of(storage, sizeof storage);
	amount_write(amount, decimals, &text);
	CHECK(!text.overflow && text.len > 0 && text.len <= len_max);
	if (amount_is_zero(amount)) {
		CHECK(str_equal(buf_view(&text), STR("0")));
		return;
	}
	CHECK(amount_read(buf_view(&text), decimals, &again) == AMOUNT_OK);
	CHECK(amount_compare(again, amount) == 0);
	CHECK(memchr(text.at, '.', text.len) == NULL || text.at[text.len - 1] != '0');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str text = str_from_bytes(bytes, len);
	unsigned decimals = fuzz_take(&text) % (DECIMALS_MAX + 1);
	struct amount amount = { 0 }, slow = { 0 };
	struct u256 value, again;
	char storage[U256_DECIMAL_LEN_MAX + 1];
	struct buf digits = buf_of(storage, sizeof storage);

	enum amount_read read = amount_read(text, decimals, &amount);
	CHECK(read == slow_read(text, decimals, &slow));
	if (read == AMOUNT_OK) {
		CHECK(amount_compare(amount, slow) == 0);
		check_written(amount, decimals, text.len);
	}
	if (u256_from_decimal(text, &value)) {
		u256_write_decimal(value, &digits);
		CHECK(str_equal(buf_view(&digits), text));
	}
	if (text.len >= U256_BYTES) {
		amount.units = u256_from_bytes((const uint8_t *)text.at);
		check_written(amount, decimals, sizeof storage + 2);
		buf_reset(&digits);
		u256_write_decimal(amount.units, &digits);
		CHECK(u256_from_decimal(buf_view(&digits), &again));
		CHECK(u256_equal(again, amount.units));
	}
	return 0;
}
