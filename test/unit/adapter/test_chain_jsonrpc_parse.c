/* Each known field, broken in one place, makes the whole thing unbelievable; unknown ones do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapter/chain_jsonrpc_parse.h"

#define HASH_A "0x1111111111111111111111111111111111111111111111111111111111111111"
#define HASH_B "0x2222222222222222222222222222222222222222222222222222222222222222"
#define ZERO   "0x0000000000000000000000000000000000000000000000000000000000000000"
#define TOPIC  "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
#define ADDR_A "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ADDR_B "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define WORD_5 "0x0000000000000000000000000000000000000000000000000000000000000005"
#define LOG                                                                                      \
	"{\"address\":\"" ADDR_B "\",\"topics\":[\"" TOPIC "\",\"" ZERO "\"],\"data\":\"" WORD_5 \
	"\",\"logIndex\":\"0x0\",\"removed\":false}"

static const char receipt_text[] =
	"{\"type\":\"0x7f\",\"status\":\"0x1\",\"transactionHash\":\"" HASH_A
	"\",\"blockHash\":\"" HASH_B "\",\"blockNumber\":\"0x10\",\"gasUsed\":\"0x5208\","
	"\"effectiveGasPrice\":\"0x59682f00\",\"from\":\"" ADDR_A "\",\"to\":\"" ADDR_B
	"\",\"logs\":[" LOG "],\"strange\":{\"a\":[1,2]}}";

static const char head_text[] =
	"{\"number\":\"0x10\",\"hash\":\"" HASH_A "\",\"timestamp\":\"0x6553f100\","
	"\"baseFeePerGas\":\"0x7\",\"gasLimit\":\"0x1c9c380\",\"transactions\":[],\"odd\":1.5}";

static const char lookup_text[] =
	"{\"hash\":\"" HASH_A "\",\"blockNumber\":\"0x10\",\"v\":\"0x0\"}";

/* The text with its first `from` replaced. */
static struct json *parse_with(const char *text, const char *from, const char *to)
{
	static char changed[4096];
	const char *at = strstr(text, from);
	assert_non_null(at);
	int len = snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to,
			   at + strlen(from));
	assert_true(len > 0 && (size_t)len < sizeof changed);
	struct json *json;
	struct err err;
	if (!json_parse(str_from(changed), &json, &err)) {
		print_error("%s: %s\n", err.text, changed);
		fail();
	}
	return json;
}

static struct hash32 hash_of(const char *text)
{
	struct hash32 hash;
	assert_true(hash32_read(str_from(text), &hash));
	return hash;
}

static enum chain_receipt_state read_receipt_with(const char *from, const char *to,
						  struct chain_receipt *ret_receipt)
{
	struct json *json = parse_with(receipt_text, from, to);
	chain_read_receipt(json_root(json), hash_of(HASH_A), ret_receipt);
	json_free(json);
	return ret_receipt->state;
}

static void test_receipt(void **state)
{
	(void)state;
	struct chain_receipt receipt;
	assert_int_equal(read_receipt_with("{", "{", &receipt), CHAIN_RECEIPT_FOUND);
	assert_true(receipt.success);
	assert_int_equal(receipt.block_number, 16);
	assert_int_equal(receipt.gas_used, 21000);
	assert_true(hash32_equal(receipt.tx_hash, hash_of(HASH_A)));
	assert_true(hash32_equal(receipt.block_hash, hash_of(HASH_B)));
	assert_true(u256_equal(receipt.gas_price.value, u256_from_u64(1500000000)));
	assert_int_equal(receipt.from.bytes[0], 0xaa);
	assert_int_equal(receipt.to.bytes[19], 0xbb);
	assert_int_equal(receipt.logs_len, 1);
	assert_int_equal(receipt.logs[0].topics_len, 2);
	assert_true(hash32_is_zero(receipt.logs[0].topics[1]));
	assert_int_equal(receipt.logs[0].data_len, 32);
	assert_int_equal(receipt.logs[0].data[31], 5);

	assert_int_equal(read_receipt_with("\"status\":\"0x1\"", "\"status\":\"0x0\"", &receipt),
			 CHAIN_RECEIPT_FOUND);
	assert_false(receipt.success);
	assert_int_equal(read_receipt_with("\"to\":\"" ADDR_B "\"", "\"to\":null", &receipt),
			 CHAIN_RECEIPT_FOUND);
	assert_true(address_is_zero(receipt.to));
	assert_int_equal(read_receipt_with("\"data\":\"" WORD_5 "\"", "\"data\":\"0x\"", &receipt),
			 CHAIN_RECEIPT_FOUND);
	assert_int_equal(receipt.logs[0].data_len, 0);
	assert_int_equal(read_receipt_with("\"data\":\"" WORD_5 "\"", "\"data\":\"" WORD_5 "0102\"",
					   &receipt),
			 CHAIN_RECEIPT_FOUND);
	assert_int_equal(receipt.logs[0].data_len, 34);
	chain_read_receipt(NULL, hash_of(HASH_A), &receipt);
	assert_int_equal(receipt.state, CHAIN_RECEIPT_ABSENT);
}

static void test_receipt_broken(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "\"status\":\"0x1\"", "\"status\":\"0x2\"" },
		{ "\"status\":\"0x1\"", "\"status\":1" },
		{ "\"status\":\"0x1\"", "\"status\":true" },
		{ "\"status\":\"0x1\"", "\"status\":null" },
		{ "\"status\":\"0x1\"", "\"status\":\"1\"" },
		{ "\"status\":\"0x1\"", "\"status\":\"0x\"" },
		{ "\"status\":\"0x1\"", "\"root\":\"" ZERO "\"" },
		{ HASH_A, HASH_B },
		{ HASH_A, "0x11" },
		{ "\"transactionHash\"", "\"hash\"" },
		{ "\"blockHash\":\"" HASH_B "\"", "\"blockHash\":null" },
		{ "\"blockHash\":\"" HASH_B "\"", "\"blockHash\":\"" ZERO "\"" },
		{ "\"blockNumber\":\"0x10\"", "\"blockNumber\":null" },
		{ "\"blockNumber\":\"0x10\"", "\"blockNumber\":16" },
		{ "\"blockNumber\":\"0x10\"", "\"blockNumber\":\"0x8000000000000000\"" },
		{ "\"blockNumber\":\"0x10\"", "\"blockNumber\":\"0x10000000000000000\"" },
		{ "\"blockNumber\":\"0x10\"", "\"blockNumber\":\"0x1g\"" },
		{ "\"gasUsed\":\"0x5208\"", "\"gasUsed\":\"-0x1\"" },
		{ "\"gasUsed\":\"0x5208\"", "\"gas\":\"0x1\"" },
		{ "\"effectiveGasPrice\":\"0x59682f00\"", "\"gasPrice\":\"0x1\"" },
		{ "\"from\":\"" ADDR_A "\"", "\"from\":null" },
		{ "\"from\":\"" ADDR_A "\"", "\"from\":\"" ADDR_A "00\"" },
		{ "\"to\":\"" ADDR_B "\"", "\"to\":\"0x\"" },
		{ "\"logs\":[" LOG "]", "\"logs\":null" },
		{ "\"logs\":[" LOG "]", "\"logs\":{}" },
		{ "\"logs\":[" LOG "]", "\"logs\":[5]" },
		{ "\"logs\":[" LOG "]", "\"logs\":[{}]" },
		{ "\"removed\":false", "\"removed\":true" },
		{ "\"address\":\"" ADDR_B "\"", "\"address\":\"0x12\"" },
		{ TOPIC, "0xdd" },
		{ "\"topics\":[", "\"topics\":[1," },
		{ "\"topics\":[", "\"topics\":[\"" ZERO "\",\"" ZERO "\",\"" ZERO "\"," },
		{ WORD_5, "0x0" },
		{ WORD_5, "5" },
		{ WORD_5, "0xzz" },
	};
	struct chain_receipt receipt;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (read_receipt_with(cases[i][0], cases[i][1], &receipt) != CHAIN_RECEIPT_UNKNOWN)
			print_error("%s\n", cases[i][1]);
		assert_int_equal(receipt.state, CHAIN_RECEIPT_UNKNOWN);
		assert_false(receipt.success);
	}
}

static void test_receipt_with_many_logs(void **state)
{
	(void)state;
	char text[4096];
	size_t len = 0;
	text[0] = 0;
	for (int i = 0; i < CHAIN_LOGS_MAX + 2; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i > 0 ? "," : "",
					LOG);
	struct chain_receipt receipt;
	assert_int_equal(read_receipt_with(LOG, text, &receipt), CHAIN_RECEIPT_FOUND);
	assert_int_equal(receipt.logs_len, CHAIN_LOGS_MAX + 2);
}

static void test_head(void **state)
{
	(void)state;
	static const char *const broken[][2] = {
		{ "\"number\":\"0x10\"", "\"number\":null" },
		{ "\"number\":\"0x10\"", "\"number\":\"0xffffffffffffffff\"" },
		{ HASH_A, ZERO },
		{ "\"timestamp\":\"0x6553f100\"", "\"timestamp\":\"0xffffffffffffff\"" },
		{ "\"timestamp\":\"0x6553f100\"", "\"timestamp\":1700000000" },
		{ "\"baseFeePerGas\":\"0x7\"", "\"base\":\"0x7\"" },
		{ "\"baseFeePerGas\":\"0x7\"", "\"baseFeePerGas\":\"7\"" },
		{ "\"gasLimit\":\"0x1c9c380\"", "\"gasLimit\":{}" },
	};
	struct chain_head head = { 0 };
	struct json *json = parse_with(head_text, "{", "{");
	assert_true(chain_read_head(json_root(json), &head));
	json_free(json);
	assert_int_equal(head.number, 16);
	assert_int_equal(head.time_ms, 1700000000000);
	assert_int_equal(head.gas_limit, 30000000);
	assert_true(u256_equal(head.base_fee.value, u256_from_u64(7)));
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		json = parse_with(head_text, broken[i][0], broken[i][1]);
		assert_false(chain_read_head(json_root(json), &head));
		json_free(json);
	}
	assert_false(chain_read_head(NULL, &head));
	assert_int_equal(head.number, 16);
}

static enum chain_lookup look_up_with(const char *from, const char *to)
{
	struct json *json = parse_with(lookup_text, from, to);
	enum chain_lookup lookup = chain_read_lookup(json_root(json), hash_of(HASH_A));
	json_free(json);
	return lookup;
}

static void test_lookup(void **state)
{
	(void)state;
	assert_int_equal(look_up_with("{", "{"), CHAIN_LOOKUP_MINED);
	assert_int_equal(look_up_with("\"0x10\"", "null"), CHAIN_LOOKUP_PENDING);
	assert_int_equal(look_up_with(",\"blockNumber\":\"0x10\"", ""), CHAIN_LOOKUP_PENDING);
	assert_int_equal(look_up_with("\"0x10\"", "16"), CHAIN_LOOKUP_UNKNOWN);
	assert_int_equal(look_up_with(HASH_A, HASH_B), CHAIN_LOOKUP_UNKNOWN);
	assert_int_equal(look_up_with("\"hash\"", "\"x\""), CHAIN_LOOKUP_UNKNOWN);
	assert_int_equal(look_up_with(lookup_text, "[]"), CHAIN_LOOKUP_UNKNOWN);
	assert_int_equal(look_up_with(lookup_text, "\"" HASH_A "\""), CHAIN_LOOKUP_UNKNOWN);
	assert_int_equal(look_up_with(lookup_text, "null"), CHAIN_LOOKUP_ABSENT);
}

static bool read_word_of(const char *text, struct u256 *ret_word)
{
	char quoted[256];
	struct json *json;
	struct err err;
	snprintf(quoted, sizeof quoted, "[%s]", text);
	assert_true(json_parse(str_from(quoted), &json, &err));
	bool done = chain_read_word(json_element(json_root(json), 0), ret_word);
	json_free(json);
	return done;
}

static void test_word(void **state)
{
	(void)state;
	struct u256 word;
	assert_true(read_word_of("\"" WORD_5 "\"", &word));
	assert_true(u256_equal(word, u256_from_u64(5)));
	assert_false(read_word_of("\"0x\"", &word));
	assert_false(read_word_of("\"0x5\"", &word));
	assert_false(read_word_of("\"" WORD_5 "00\"", &word));
	assert_false(read_word_of("null", &word));
	assert_false(read_word_of("5", &word));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receipt),
		cmocka_unit_test(test_receipt_broken),
		cmocka_unit_test(test_receipt_with_many_logs),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
