#include "core/amount.h"

#include "../testing.h"

static struct str written(struct amount amount, unsigned decimals, char storage[128])
{
	struct buf out = buf_of(storage, 128);
	amount_write(amount, decimals, &out);
	assert_false(out.overflow);
	return buf_view(&out);
}

static enum amount_read verdict_of(const char *text, unsigned decimals)
{
	struct amount amount;
	return amount_read(str_from(text), decimals, &amount);
}

static void agrees_both_ways(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("amount.tsv");
	struct str column[4];
	while (vectors_next(&vectors, column, 4)) {
		char storage[128];
		struct amount amount = { u256_zero() };
		unsigned decimals = (unsigned)column_u64(column[1]);
		enum amount_read expected = AMOUNT_OK;
		if (is_nothing(column[2]))
			expected = AMOUNT_TOO_LARGE;
		else if (u256_is_zero(column_u256(column[2])))
			expected = AMOUNT_NOT_POSITIVE;
		if (amount_read(column[0], decimals, &amount) != expected)
			fail_msg("amount.tsv line %d", vectors.number);
		if (expected == AMOUNT_TOO_LARGE)
			continue;
		if (!u256_equal(amount.units, column_u256(column[2])) ||
		    !str_equal(written(amount, decimals, storage), column[3]))
			fail_msg("amount.tsv line %d", vectors.number);
	}
	vectors_close(&vectors, 240);
}

/* Whatever is written reads back as itself, for every number of decimals. */
static void reads_back_what_it_writes(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("u256_text.tsv");
	struct str column[3];
	while (vectors_next(&vectors, column, 3)) {
		struct amount amount = { column_u256(column[0]) };
		for (unsigned decimals = 0; decimals <= DECIMALS_MAX; decimals++) {
			char storage[128];
			struct amount back = { u256_zero() };
			enum amount_read verdict =
				amount_read(written(amount, decimals, storage), decimals, &back);
			assert_int_equal(verdict,
					 amount_is_zero(amount) ? AMOUNT_NOT_POSITIVE : AMOUNT_OK);
			assert_int_equal(amount_compare(back, amount), 0);
		}
	}
	vectors_close(&vectors, 270);
}

static void refuses_bad_forms(void **state)
{
	(void)state;
	static const char *const malformed[] = {
		"",     " ",     "-",     ".",    "1.",       ".5",    "-.5", "-1.",
		"1..2", "1.2.3", "01",    "00",   "00.5",     "+1",    "1e3", "1E3",
		"0x1",  " 1",    "1 ",    "1,5",  "1 000",    "1_000", "--1", "-01",
		"NaN",  "inf",   "1.5e1", "1.-5", "\xd9\xa1", "1/",    "1:",  "1.:",
	};
	for (size_t i = 0; i < COUNT_OF(malformed); i++)
		if (verdict_of(malformed[i], 18) != AMOUNT_MALFORMED)
			fail_msg("\"%s\"", malformed[i]);
	struct amount amount = { u256_from_u64(7) };
	assert_int_equal(amount_read((struct str){ NULL, 0 }, 6, &amount), AMOUNT_MALFORMED);
	assert_int_equal(amount_read(STR("1\0"), 6, &amount), AMOUNT_MALFORMED);
	assert_true(u256_equal(amount.units, u256_from_u64(7)));
	assert_aborts((void)amount_read(STR("1"), DECIMALS_MAX + 1, &amount));
	assert_aborts(verdict_of("1", UINT32_MAX));
}

static void gives_each_refusal_its_name(void **state)
{
	(void)state;
	assert_int_equal(verdict_of("0", 6), AMOUNT_NOT_POSITIVE);
	assert_int_equal(verdict_of("0.000000", 6), AMOUNT_NOT_POSITIVE);
	assert_int_equal(verdict_of("-1", 6), AMOUNT_NOT_POSITIVE);
	assert_int_equal(verdict_of("-0", 6), AMOUNT_NOT_POSITIVE);
	assert_int_equal(verdict_of("-1.1234567", 6), AMOUNT_NOT_POSITIVE);
	assert_int_equal(verdict_of("0.0000000", 6), AMOUNT_TOO_MANY_DECIMALS);
	assert_int_equal(verdict_of("1.0000000", 6), AMOUNT_TOO_MANY_DECIMALS);
	assert_int_equal(verdict_of("1.0", 0), AMOUNT_TOO_MANY_DECIMALS);
	assert_int_equal(verdict_of("0.1234567", 6), AMOUNT_TOO_MANY_DECIMALS);
	assert_int_equal(verdict_of("1.123456", 6), AMOUNT_OK);
	assert_int_equal(verdict_of("115792089237316195423570985008687907853269984665640564039457"
				    "584007913129639935",
				    0),
			 AMOUNT_OK);
	assert_int_equal(verdict_of("115792089237316195423570985008687907853269984665640564039457"
				    "584007913129639936",
				    0),
			 AMOUNT_TOO_LARGE);
	assert_int_equal(verdict_of("1157920892373161954235709850086879078532699846656405640394575"
				    "84007913129639935",
				    1),
			 AMOUNT_TOO_LARGE);
}

static void bounds_the_length(void **state)
{
	(void)state;
	char text[130];
	struct amount amount;
	memset(text, '0', sizeof text);
	text[1] = '.';
	assert_int_equal(amount_read((struct str){ text, 120 }, 36, &amount),
			 AMOUNT_TOO_MANY_DECIMALS);
	assert_int_equal(amount_read((struct str){ text, 121 }, 36, &amount), AMOUNT_MALFORMED);
	memset(text, '9', sizeof text);
	assert_int_equal(amount_read((struct str){ text, 120 }, 36, &amount), AMOUNT_TOO_LARGE);
	assert_int_equal(amount_read((struct str){ text, 121 }, 36, &amount), AMOUNT_MALFORMED);
}

static void writes_the_shortest_form(void **state)
{
	(void)state;
	static const struct {
		uint64_t units;
		unsigned decimals;
		const char *text;
	} forms[] = {
		{ 0, 0, "0" },        { 0, 6, "0" },        { 1, 6, "0.000001" },
		{ 10, 6, "0.00001" }, { 1000000, 6, "1" },  { 12500000, 6, "12.5" },
		{ 100, 2, "1" },      { 120, 2, "1.2" },    { 999999, 6, "0.999999" },
		{ 10, 0, "10" },      { 100000, 6, "0.1" }, { 10000001, 6, "10.000001" },
	};
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		char storage[128];
		struct amount amount = { u256_from_u64(forms[i].units) };
		assert_str_equal(written(amount, forms[i].decimals, storage), forms[i].text);
	}
	char storage[128];
	struct buf out = buf_of(storage, sizeof storage);
	assert_aborts(amount_write((struct amount){ u256_zero() }, DECIMALS_MAX + 1, &out));
}

static void adds_and_subtracts(void **state)
{
	(void)state;
	struct amount one = { u256_from_u64(1) };
	struct amount two = { u256_from_u64(2) };
	struct amount most = { u256_max() };
	struct amount result = { u256_zero() };
	assert_true(amount_add(one, one, &result));
	assert_int_equal(amount_compare(result, two), 0);
	assert_true(amount_sub(two, one, &result));
	assert_int_equal(amount_compare(result, one), 0);
	assert_int_equal(amount_compare(one, two), -1);
	assert_int_equal(amount_compare(two, one), 1);
	assert_false(amount_add(most, one, &result));
	assert_false(amount_sub(one, two, &result));
	assert_int_equal(amount_compare(result, one), 0);
	assert_false(amount_is_zero(one));
	assert_true(amount_is_zero((struct amount){ u256_zero() }));
}

static void wei_is_a_type_of_its_own(void **state)
{
	(void)state;
	struct wei price = { u256_from_u64(30000000000) };
	struct wei most = { u256_max() };
	struct wei cost = { u256_zero() };
	assert_true(wei_of_gas(21000, price, &cost));
	assert_true(u256_equal(cost.value, u256_from_u64(630000000000000)));
	assert_false(wei_of_gas(2, most, &cost));
	assert_false(wei_add(most, price, &cost));
	assert_true(u256_equal(cost.value, u256_from_u64(630000000000000)));
	assert_true(wei_add(price, price, &cost));
	assert_true(u256_equal(cost.value, u256_from_u64(60000000000)));
	assert_int_equal(wei_compare(price, cost), -1);
	assert_int_equal(wei_compare(wei_of_amount(amount_of_wei(price)), price), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_both_ways),   cmocka_unit_test(reads_back_what_it_writes),
		cmocka_unit_test(refuses_bad_forms),  cmocka_unit_test(gives_each_refusal_its_name),
		cmocka_unit_test(bounds_the_length),  cmocka_unit_test(writes_the_shortest_form),
		cmocka_unit_test(adds_and_subtracts), cmocka_unit_test(wei_is_a_type_of_its_own),
	};
	return cmocka_run_group_tests_name("core/amount", tests, NULL, NULL);
}
