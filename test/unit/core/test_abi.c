#include "core/abi.h"

#include "../testing.h"

static struct address column_address(struct str column)
{
	struct address address;
	assert_int_equal(address_read(column, &address), ADDRESS_OK);
	return address;
}

/* A line of erc20.tsv as a log. */
static struct abi_log log_of(const struct str column[9])
{
	struct abi_log log = { .topics_len = 3 };
	for (size_t i = 0; i < 3; i++)
		assert_true(hash32_read(column[5 + i], &log.topics[i]));
	log.data_len = column_bytes(column[8], log.data, sizeof log.data);
	return log;
}

static void writes_the_same_calldata(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("erc20.tsv");
	struct str column[9];
	while (vectors_next(&vectors, column, 9)) {
		uint8_t transfer[ABI_TRANSFER_BYTES], balance_of[36], wanted[ABI_TRANSFER_BYTES];
		struct amount amount = { column_u256(column[2]) };
		abi_write_transfer(column_address(column[1]), amount, transfer);
		assert_int_equal(column_bytes(column[3], wanted, sizeof wanted), sizeof transfer);
		assert_memory_equal(transfer, wanted, sizeof transfer);
		abi_write_balance_of(column_address(column[0]), balance_of);
		assert_int_equal(column_bytes(column[4], wanted, sizeof wanted), sizeof balance_of);
		assert_memory_equal(balance_of, wanted, sizeof balance_of);
	}
	vectors_close(&vectors, 80);
}

/* The selector of decimals(), as every token answers it. */
static void asks_for_decimals(void **state)
{
	(void)state;
	uint8_t calldata[4];
	abi_write_decimals(calldata);
	assert_memory_equal(calldata, "\x31\x3c\xe5\x67", 4);
}

static void reads_the_same_logs(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("erc20.tsv");
	struct str column[9];
	while (vectors_next(&vectors, column, 9)) {
		struct abi_transfer transfer;
		struct abi_log log = log_of(column);
		assert_true(abi_read_transfer_log(&log, &transfer));
		assert_true(address_equal(transfer.from, column_address(column[0])));
		assert_true(address_equal(transfer.to, column_address(column[1])));
		assert_true(u256_equal(transfer.amount.units, column_u256(column[2])));
	}
	vectors_close(&vectors, 80);
}

static void refuses_other_logs(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("erc20.tsv");
	struct str column[9];
	assert_true(vectors_next(&vectors, column, 9));
	const struct abi_log good = log_of(column);
	struct abi_transfer transfer = { .from = { { 7 } } };
	struct abi_log log = good;
	log.topics_len = 2;
	assert_false(abi_read_transfer_log(&log, &transfer));
	log.topics_len = 4; /* ERC-721 has the same topic and an indexed id */
	assert_false(abi_read_transfer_log(&log, &transfer));
	log.topics_len = 0;
	assert_false(abi_read_transfer_log(&log, &transfer));
	log = good;
	log.data_len = 31;
	assert_false(abi_read_transfer_log(&log, &transfer));
	log.data_len = 33;
	assert_false(abi_read_transfer_log(&log, &transfer));
	for (size_t topic = 0; topic < 3; topic++) {
		for (size_t byte = 0; byte < (topic == 0 ? 32 : 12); byte++) {
			log = good;
			log.topics[topic].bytes[byte] ^= 0x80;
			assert_false(abi_read_transfer_log(&log, &transfer));
		}
	}
	assert_int_equal(transfer.from.bytes[0], 7);
	assert_true(abi_read_transfer_log(&good, &transfer));
	vectors_close(&vectors, 1);
}

static void names_its_topic(void **state)
{
	(void)state;
	struct abi_log log = { .topics = { abi_transfer_topic() },
			       .topics_len = 3,
			       .data_len = 32 };
	struct abi_transfer transfer;
	assert_true(abi_read_transfer_log(&log, &transfer));
}

static void reads_its_own_calldata(void **state)
{
	(void)state;
	const struct address to = { { 1, 2, 3 } };
	struct address read;
	struct amount amount;
	uint8_t calldata[ABI_TRANSFER_BYTES + 1] = { 0 };
	abi_write_transfer(to, (struct amount){ u256_from_u64(9) }, calldata);
	struct str call = str_from_bytes(calldata, ABI_TRANSFER_BYTES);
	assert_true(abi_read_transfer(call, &read, &amount));
	assert_true(address_equal(read, to));
	assert_true(u256_equal(amount.units, u256_from_u64(9)));
	assert_false(abi_read_transfer(str_from_bytes(calldata, sizeof calldata), &read, &amount));
	assert_false(abi_read_transfer(STR(""), &read, &amount));
	calldata[3] ^= 1; /* another function */
	assert_false(abi_read_transfer(call, &read, &amount));
	calldata[3] ^= 1;
	calldata[15] = 1; /* above the address */
	assert_false(abi_read_transfer(call, &read, &amount));
}

static void reads_words(void **state)
{
	(void)state;
	uint8_t word[33] = { 0 };
	struct u256 value = u256_from_u64(7);
	word[31] = 6;
	assert_false(abi_read_word(STR(""), &value));
	assert_false(abi_read_word(str_from_bytes(word, 31), &value));
	assert_false(abi_read_word(str_from_bytes(word, 33), &value));
	assert_true(u256_equal(value, u256_from_u64(7)));
	assert_true(abi_read_word(str_from_bytes(word, 32), &value));
	assert_true(u256_equal(value, u256_from_u64(6)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_same_calldata),
		cmocka_unit_test(asks_for_decimals),
		cmocka_unit_test(reads_the_same_logs),
		cmocka_unit_test(refuses_other_logs),
		cmocka_unit_test(reads_words),
		cmocka_unit_test(reads_its_own_calldata),
		cmocka_unit_test(names_its_topic),
	};
	return cmocka_run_group_tests_name("core/abi", tests, NULL, NULL);
}
