/* What a cache that is not to be trusted may give back as a price, and what of it is believed. */
#include "service/signer/signer_quote.h"

#include "../testing.h"

#define MADE_MS INT64_C(1800000000000)

static const uint8_t tag_key[32] = { 1, 2, 3 };
static const struct id here = { { 1 } }, elsewhere = { { 2 } };

static struct quote quote_made(void)
{
	struct quote quote = { .chain_id = 137, .made_ms = MADE_MS };
	quote.market.base_fee.value = u256_from_u64(30000000000);
	quote.market.tip.value = u256_from_u64(25000000001);
	return quote;
}

static void sealed(char bytes[QUOTE_BYTES], uint8_t key[32])
{
	struct buf out = buf_of(bytes, QUOTE_BYTES);
	struct quote quote = quote_made();
	quote_key_make(tag_key, key);
	quote_write(&quote, key, here, &out);
	assert_false(out.overflow);
	assert_int_equal(out.len, QUOTE_BYTES);
}

static enum quote_state read_at(const char *bytes, size_t len, const uint8_t key[32],
				int64_t now_ms)
{
	struct fee_market market;
	return quote_read(str_from_bytes(bytes, len), 137, key, here, now_ms, &market);
}

static void a_quote_comes_back(void **state)
{
	char bytes[QUOTE_BYTES];
	uint8_t key[32];
	struct fee_market market;
	struct quote quote = quote_made();
	(void)state;
	sealed(bytes, key);
	assert_int_equal(
		quote_read(str_from_bytes(bytes, sizeof bytes), 137, key, here, MADE_MS, &market),
		QUOTE_TAKEN);
	assert_int_equal(wei_compare(market.base_fee, quote.market.base_fee), 0);
	assert_int_equal(wei_compare(market.tip, quote.market.tip), 0);
}

/* Whatever bit is turned, and wherever it is cut. */
static void the_cache_lies_about_the_bytes(void **state)
{
	char bytes[QUOTE_BYTES + 1], changed[QUOTE_BYTES];
	uint8_t key[32];
	(void)state;
	sealed(bytes, key);
	bytes[QUOTE_BYTES] = 0;
	for (size_t i = 0; i < QUOTE_BYTES * 8; i++) {
		memcpy(changed, bytes, sizeof changed);
		changed[i / 8] = (char)(changed[i / 8] ^ (1 << (i % 8)));
		assert_int_equal(read_at(changed, sizeof changed, key, MADE_MS), QUOTE_FORGED);
	}
	for (size_t len = 0; len <= QUOTE_BYTES + 1; len++)
		assert_int_equal(read_at(bytes, len, key, MADE_MS),
				 len == QUOTE_BYTES ? QUOTE_TAKEN : QUOTE_FORGED);
}

static void a_quote_is_of_its_chain_and_deployment(void **state)
{
	char bytes[QUOTE_BYTES];
	uint8_t key[32];
	struct fee_market market;
	(void)state;
	sealed(bytes, key);
	struct str value = str_from_bytes(bytes, sizeof bytes);
	assert_int_equal(quote_read(value, 1, key, here, MADE_MS, &market), QUOTE_FORGED);
	assert_int_equal(quote_read(value, 137, key, elsewhere, MADE_MS, &market), QUOTE_FORGED);
	/* The pay tag key itself seals no quotes. */
	assert_int_equal(quote_read(value, 137, tag_key, here, MADE_MS, &market), QUOTE_FORGED);
}

static void a_quote_is_of_now(void **state)
{
	char bytes[QUOTE_BYTES];
	uint8_t key[32];
	(void)state;
	sealed(bytes, key);
	assert_int_equal(read_at(bytes, sizeof bytes, key, MADE_MS + QUOTE_LIFE_MS), QUOTE_TAKEN);
	assert_int_equal(read_at(bytes, sizeof bytes, key, MADE_MS + QUOTE_LIFE_MS + 1), QUOTE_OLD);
	assert_int_equal(read_at(bytes, sizeof bytes, key, MADE_MS - QUOTE_SKEW_MS), QUOTE_TAKEN);
	assert_int_equal(read_at(bytes, sizeof bytes, key, MADE_MS - QUOTE_SKEW_MS - 1), QUOTE_OLD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quote_comes_back),
		cmocka_unit_test(the_cache_lies_about_the_bytes),
		cmocka_unit_test(a_quote_is_of_its_chain_and_deployment),
		cmocka_unit_test(a_quote_is_of_now),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
