/* Blocks, receipts with their logs, transactions and numbers of a node: nothing is half believed,
 * and what was read of a receipt, written as a node would, is read as the same receipt. */
#include "fuzz.h"

#include "adapter/chain_jsonrpc_parse.h"
#include "base/hex.h"
#include "core/tx.h"

#define TRANSFER_TOPIC "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
#define NUMBER_MAX     ((UINT64_C(1) << 62) - 1)

/* The hash that the node says, so that what comes behind the comparison is reached too. */
static struct hash32 hash_of(const struct json_value *root, const char *name)
{
	struct hash32 hash = { .bytes = { 1 } };
	if (!chain_read_hash(json_member(root, name), &hash))
		hash = (struct hash32){ .bytes = { 1 } };
	return hash;
}

static void write_hex(struct buf *out, const char *name, const void *bytes, size_t len)
{
	json_write_name(out, name);
	buf_byte(out, '"');
	hex_write_0x(out, bytes, len);
	buf_byte(out, '"');
}

static void write_number(struct buf *out, const char *name, struct u256 number)
{
	json_write_name(out, name);
	buf_byte(out, '"');
	u256_write_hex(number, out);
	buf_byte(out, '"');
}

static void write_log(struct buf *out, const struct abi_log *log)
{
	buf_byte(out, '{');
	write_hex(out, "address", log->contract.bytes, ADDRESS_BYTES);
	json_write_name(out, "topics");
	buf_byte(out, '[');
	for (size_t i = 0; i < log->topics_len; i++) {
		buf_text(out, i > 0 ? ",\"" : "\"");
		hash32_write(log->topics[i], out);
		buf_byte(out, '"');
	}
	buf_byte(out, ']');
	write_hex(out, "data", log->data, log->data_len);
	buf_byte(out, '}');
}

static void write_receipt(struct buf *out, const struct chain_receipt *receipt)
{
	buf_byte(out, '{');
	write_hex(out, "transactionHash", receipt->tx_hash.bytes, 32);
	write_hex(out, "blockHash", receipt->block_hash.bytes, 32);
	write_number(out, "blockNumber", u256_from_u64(receipt->block_number));
	write_number(out, "status", u256_from_u64(receipt->success));
	write_number(out, "gasUsed", u256_from_u64(receipt->gas_used));
	write_number(out, "effectiveGasPrice", receipt->gas_price.value);
	write_hex(out, "from", receipt->from.bytes, ADDRESS_BYTES);
	write_hex(out, "to", receipt->to.bytes, ADDRESS_BYTES);
	json_write_name(out, "logs");
	buf_byte(out, '[');
	for (size_t i = 0; i < receipt->logs_len; i++) {
		buf_text(out, i > 0 ? "," : "");
		write_log(out, &receipt->logs[i]);
	}
	buf_text(out, "]}");
}

static struct hash32 topic_of(struct address address)
{
	struct hash32 topic = { .bytes = { 0 } };
	memcpy(topic.bytes + sizeof topic.bytes - ADDRESS_BYTES, address.bytes, ADDRESS_BYTES);
	return topic;
}

/* As a node would answer eth_getLogs. */
static void write_transfer(struct buf *out, const struct chain_transfer *transfer)
{
	struct hash32 from = topic_of(transfer->transfer.from);
	struct hash32 to = topic_of(transfer->transfer.to);
	uint8_t data[32];
	u256_to_bytes(transfer->transfer.amount.units, data);
	buf_byte(out, '{');
	write_hex(out, "transactionHash", transfer->tx_hash.bytes, sizeof transfer->tx_hash.bytes);
	write_number(out, "blockNumber", u256_from_u64(transfer->block));
	write_hex(out, "address", transfer->contract.bytes, ADDRESS_BYTES);
	write_hex(out, "data", data, sizeof data);
	buf_text(out, ",\"topics\":[\"" TRANSFER_TOPIC "\",\"");
	hash32_write(from, out);
	buf_text(out, "\",\"");
	hash32_write(to, out);
	buf_text(out, "\"]}");
}

static bool is_kept_whole(const struct chain_receipt *receipt)
{
	if (receipt->logs_len > CHAIN_LOGS_MAX)
		return false;
	for (size_t i = 0; i < receipt->logs_len; i++)
		if (receipt->logs[i].data_len > ABI_LOG_DATA_MAX)
			return false;
	return true;
}

static void check_rewritten(const struct chain_receipt *receipt)
{
	struct chain_receipt again;
	struct buf text = buf_new(16384);
	memset(&again, 0, sizeof again);
	write_receipt(&text, receipt);
	CHECK(!text.overflow);
	JSON_OWNED json = fuzz_json(buf_view(&text));
	CHECK(json != NULL);
	chain_read_receipt(json_root(json), receipt->tx_hash, &again);
	CHECK(again.state == CHAIN_RECEIPT_FOUND && memcmp(&again, receipt, sizeof again) == 0);
	buf_free(&text);
}

static void check_log(const struct abi_log *log)
{
	struct abi_transfer transfer;
	struct u256 word;
	CHECK(log->topics_len <= ABI_LOG_TOPICS_MAX);
	if (!abi_read_transfer_log(log, &transfer))
		return;
	CHECK(log->topics_len == 3 && log->data_len == 32);
	CHECK(memcmp(log->topics[1].bytes + 12, transfer.from.bytes, ADDRESS_BYTES) == 0);
	CHECK(memcmp(log->topics[2].bytes + 12, transfer.to.bytes, ADDRESS_BYTES) == 0);
	CHECK(abi_read_word(str_from_bytes(log->data, 32), &word));
	CHECK(u256_equal(word, transfer.amount.units));
}

static void check_receipt(const struct json_value *root)
{
	struct hash32 hash = hash_of(root, "transactionHash");
	struct hash32 other = hash;
	struct chain_receipt receipt;
	memset(&receipt, 0xff, sizeof receipt);
	chain_read_receipt(root, hash, &receipt);
	if (receipt.state == CHAIN_RECEIPT_FOUND) {
		CHECK(hash32_equal(receipt.tx_hash, hash));
		CHECK(!hash32_is_zero(receipt.block_hash) && receipt.block_number <= NUMBER_MAX);
		for (size_t i = 0; i < receipt.logs_len && i < CHAIN_LOGS_MAX; i++)
			check_log(&receipt.logs[i]);
		if (is_kept_whole(&receipt))
			check_rewritten(&receipt);
	} else {
		bool is_null = json_type_of(root) == JSON_TYPE_NULL;
		CHECK(receipt.state == (is_null ? CHAIN_RECEIPT_ABSENT : CHAIN_RECEIPT_UNKNOWN));
		CHECK(receipt.logs_len == 0 && !receipt.success);
	}
	other.bytes[31] ^= 1;
	chain_read_receipt(root, other, &receipt);
	CHECK(receipt.state != CHAIN_RECEIPT_FOUND);
}

static void check_lookup(const struct json_value *root)
{
	struct hash32 hash = hash_of(root, "hash");
	enum chain_lookup lookup = chain_read_lookup(root, hash);
	CHECK((lookup == CHAIN_LOOKUP_ABSENT) == (json_type_of(root) == JSON_TYPE_NULL));
	hash.bytes[0] ^= 1;
	if (json_type_of(root) != JSON_TYPE_NULL)
		CHECK(chain_read_lookup(root, hash) == CHAIN_LOOKUP_UNKNOWN);
}

static void check_blocks(const struct json_value *root)
{
	struct chain_head head, before;
	struct chain_block block;
	uint64_t number = 0;
	memset(&head, 0, sizeof head);
	head.tip.value = u256_from_u64(7);
	before = head;
	bool is_block = chain_read_block(root, &number, &block);
	if (is_block)
		CHECK(block.known && number <= NUMBER_MAX && !hash32_is_zero(block.hash));
	if (!chain_read_head(root, &head)) {
		CHECK(memcmp(&head, &before, sizeof head) == 0);
		return;
	}
	CHECK(is_block && head.number == number && hash32_equal(head.hash, block.hash) &&
	      hash32_equal(head.parent, block.parent));
	CHECK(head.time_ms >= 0 && u256_equal(head.tip.value, before.tip.value));
}

/* What is found is what was looked for, in the block that was asked for. */
static void check_found(const struct json_value *root)
{
	const struct chain_wanted wanted = { .from = { { 1 } }, .nonce = 1 };
	struct chain_found found;
	struct chain_block block;
	uint64_t number = 0;
	bool is_block = chain_read_block(root, &number, &block);
	chain_read_found(root, number, &wanted, &found);
	if (found.state == CHAIN_FOUND_UNKNOWN)
		return;
	CHECK(is_block && hash32_equal(found.block_hash, block.hash));
	CHECK(found.state == CHAIN_FOUND_ABSENT ||
	      (found.nonce == wanted.nonce && address_equal(found.from, wanted.from)));
	chain_read_found(root, number + 1, &wanted, &found);
	CHECK(found.state == CHAIN_FOUND_UNKNOWN);
}

/* Bytes are kept only if they are the transaction of that hash. */
static void check_transaction(const struct json_value *value)
{
	struct chain_transaction transaction = { 0 };
	struct address sender;
	(void)chain_read_sender(value, &sender);
	if (!chain_read_transaction(value, &transaction) || transaction.raw_len == 0)
		return;
	CHECK(transaction.raw_len <= sizeof transaction.raw);
	struct str raw = str_from_bytes(transaction.raw, transaction.raw_len);
	CHECK(hash32_equal(tx_hash_of(raw), transaction.hash));
}

/* What is a transfer of a receipt is one of eth_getLogs too, and nothing is half of one. */
static void check_transfer(const struct json_value *value)
{
	struct chain_transfer transfer, again;
	bool is_transfer = false;
	bool still = false;
	char storage[1024];
	struct buf text = buf_of(storage, sizeof storage);
	if (!chain_read_transfer(value, &transfer, &is_transfer)) {
		CHECK(!is_transfer);
		return;
	}
	CHECK(transfer.block <= NUMBER_MAX);
	if (!is_transfer)
		return;
	write_transfer(&text, &transfer);
	CHECK(!text.overflow);
	JSON_OWNED json = fuzz_json(buf_view(&text));
	CHECK(json != NULL);
	CHECK(chain_read_transfer(json_root(json), &again, &still) && still);
	CHECK(again.block == transfer.block && hash32_equal(again.tx_hash, transfer.tx_hash));
	CHECK(address_equal(again.contract, transfer.contract));
	CHECK(address_equal(again.transfer.from, transfer.transfer.from));
	CHECK(address_equal(again.transfer.to, transfer.transfer.to));
	CHECK(u256_equal(again.transfer.amount.units, transfer.transfer.amount.units));
}

static void check_number(const struct json_value *value)
{
	struct u256 number, again;
	uint64_t small = 0;
	char storage[80];
	struct buf text = buf_of(storage, sizeof storage);
	bool is_small = chain_read_u64(value, &small);
	if (!chain_read_u256(value, &number)) {
		CHECK(!is_small);
		return;
	}
	u256_write_hex(number, &text);
	CHECK(!text.overflow && u256_from_hex(buf_view(&text), &again));
	CHECK(u256_equal(number, again));
	CHECK(!is_small || (small <= NUMBER_MAX && u256_equal(number, u256_from_u64(small))));
	CHECK(is_small || u256_compare(number, u256_from_u64(NUMBER_MAX)) > 0);
	/* Return data of one word is a number of 64 digits. */
	if (chain_read_word(value, &again))
		CHECK(u256_equal(number, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	JSON_OWNED json = fuzz_json(str_from_bytes(bytes, len));
	const struct json_value *root = json != NULL ? json_root(json) : NULL;
	check_receipt(root);
	check_lookup(root);
	check_blocks(root);
	check_found(root);
	check_transaction(root);
	check_transfer(root);
	check_number(root);
	return 0;
}
