#include "adapter/chain_jsonrpc_parse.h"

#include "base/hex.h"
#include "core/tx.h"

#include <string.h>

/* No chain counts this far; what does would overflow where numbers are added. */
#define NUMBER_MAX ((UINT64_C(1) << 62) - 1)
/* Seconds: far future, and times 1000 fits an int64_t. */
#define TIME_S_MAX ((uint64_t)1 << 40)

static bool is_null(const struct json_value *value)
{
	return value == NULL || json_type_of(value) == JSON_TYPE_NULL;
}

bool chain_read_u256(const struct json_value *value, struct u256 *ret_number)
{
	struct str text;
	return json_string(value, &text) && u256_from_hex(text, ret_number);
}

bool chain_read_u64(const struct json_value *value, uint64_t *ret_number)
{
	struct u256 wide;
	uint64_t number;
	if (!chain_read_u256(value, &wide) || !u256_to_u64(wide, &number) || number > NUMBER_MAX)
		return false;
	*ret_number = number;
	return true;
}

bool chain_read_hash(const struct json_value *value, struct hash32 *ret_hash)
{
	struct str text;
	struct hash32 hash;
	if (!json_string(value, &text) || !hash32_read(text, &hash) || hash32_is_zero(hash))
		return false;
	*ret_hash = hash;
	return true;
}

bool chain_read_word(const struct json_value *value, struct u256 *ret_word)
{
	struct str text;
	uint8_t bytes[U256_BYTES];
	if (!json_string(value, &text) || !hex_read_0x(text, bytes, sizeof bytes))
		return false;
	return abi_read_word(str_from_bytes(bytes, sizeof bytes), ret_word);
}

static bool read_address(const struct json_value *value, struct address *ret_address)
{
	struct str text;
	/* Any case: nodes write lower case, some write checksums of their own kind. */
	return json_string(value, &text) &&
	       hex_read_0x(text, ret_address->bytes, sizeof ret_address->bytes);
}

bool chain_read_block(const struct json_value *block, uint64_t *ret_number,
		      struct chain_block *ret_block)
{
	uint64_t number;
	struct chain_block read = { .known = true };
	if (!chain_read_u64(json_member(block, "number"), &number) ||
	    !chain_read_hash(json_member(block, "hash"), &read.hash))
		return false;
	/* Without it the block links to nothing, and is asked for as if it stood alone. */
	if (!chain_read_hash(json_member(block, "parentHash"), &read.parent))
		read.parent = (struct hash32){ 0 };
	*ret_number = number;
	*ret_block = read;
	return true;
}

static bool read_time(const struct json_value *block, int64_t *ret_time_ms)
{
	uint64_t time_s;
	if (!chain_read_u64(json_member(block, "timestamp"), &time_s) || time_s > TIME_S_MAX)
		return false;
	*ret_time_ms = (int64_t)time_s * 1000;
	return true;
}

bool chain_read_head(const struct json_value *block, struct chain_head *ret_head)
{
	struct chain_head head = *ret_head;
	struct chain_block read;
	if (!chain_read_block(block, &head.number, &read) || !read_time(block, &head.time_ms) ||
	    !chain_read_u256(json_member(block, "baseFeePerGas"), &head.base_fee.value) ||
	    !chain_read_u64(json_member(block, "gasLimit"), &head.gas_limit))
		return false;
	head.hash = read.hash;
	head.parent = read.parent;
	*ret_head = head;
	return true;
}

static bool read_log(const struct json_value *value, struct abi_log *ret_log)
{
	struct str data;
	struct abi_log log = { 0 };
	const struct json_value *topics = json_member(value, "topics");
	bool removed = false;
	if (json_bool(json_member(value, "removed"), &removed) && removed)
		return false;
	if (!read_address(json_member(value, "address"), &log.contract) ||
	    json_type_of(topics) != JSON_TYPE_ARRAY || json_size(topics) > ABI_LOG_TOPICS_MAX)
		return false;
	log.topics_len = json_size(topics);
	for (size_t i = 0; i < log.topics_len; i++) {
		struct str topic; /* may well be zero, unlike a hash */
		if (!json_string(json_element(topics, i), &topic) ||
		    !hash32_read(topic, &log.topics[i]))
			return false;
	}
	if (!json_string(json_member(value, "data"), &data) || data.len % 2 != 0 ||
	    !str_starts_with(data, STR("0x")))
		return false;
	log.data_len = (data.len - 2) / 2;
	if (log.data_len <= ABI_LOG_DATA_MAX && !hex_read_0x(data, log.data, log.data_len))
		return false;
	*ret_log = log;
	return true;
}

static bool read_logs(const struct json_value *logs, struct chain_receipt *receipt)
{
	if (json_type_of(logs) != JSON_TYPE_ARRAY)
		return false;
	receipt->logs_len = json_size(logs);
	for (size_t i = 0; i < receipt->logs_len && i < CHAIN_LOGS_MAX; i++)
		if (!read_log(json_element(logs, i), &receipt->logs[i]))
			return false;
	return true;
}

static bool read_found(const struct json_value *value, struct hash32 hash,
		       struct chain_receipt *receipt)
{
	uint64_t status;
	const struct json_value *to = json_member(value, "to");
	if (!chain_read_hash(json_member(value, "transactionHash"), &receipt->tx_hash) ||
	    !hash32_equal(receipt->tx_hash, hash) ||
	    !chain_read_hash(json_member(value, "blockHash"), &receipt->block_hash) ||
	    !chain_read_u64(json_member(value, "blockNumber"), &receipt->block_number) ||
	    !chain_read_u64(json_member(value, "status"), &status) || status > 1 ||
	    !chain_read_u64(json_member(value, "gasUsed"), &receipt->gas_used) ||
	    !chain_read_u256(json_member(value, "effectiveGasPrice"), &receipt->gas_price.value) ||
	    !read_address(json_member(value, "from"), &receipt->from))
		return false;
	receipt->success = status == 1;
	if (!is_null(to) && !read_address(to, &receipt->to))
		return false;
	return read_logs(json_member(value, "logs"), receipt);
}

void chain_read_receipt(const struct json_value *receipt, struct hash32 hash,
			struct chain_receipt *ret_receipt)
{
	struct chain_receipt found = { .state = CHAIN_RECEIPT_FOUND };
	if (!is_null(receipt) && read_found(receipt, hash, &found)) {
		*ret_receipt = found;
		return;
	}
	*ret_receipt = (struct chain_receipt){
		.state = is_null(receipt) ? CHAIN_RECEIPT_ABSENT : CHAIN_RECEIPT_UNKNOWN,
	};
}

enum chain_lookup chain_read_lookup(const struct json_value *transaction, struct hash32 hash)
{
	if (is_null(transaction))
		return CHAIN_LOOKUP_ABSENT;
	struct hash32 named;
	uint64_t number;
	if (!chain_read_hash(json_member(transaction, "hash"), &named) ||
	    !hash32_equal(named, hash))
		return CHAIN_LOOKUP_UNKNOWN;
	const struct json_value *block = json_member(transaction, "blockNumber");
	if (is_null(block))
		return CHAIN_LOOKUP_PENDING;
	return chain_read_u64(block, &number) ? CHAIN_LOOKUP_MINED : CHAIN_LOOKUP_UNKNOWN;
}

static bool read_transaction(const struct json_value *value, struct chain_found *ret_tx)
{
	struct chain_found tx = { .state = CHAIN_FOUND };
	struct str input;
	const struct json_value *to = json_member(value, "to");
	if (!chain_read_hash(json_member(value, "hash"), &tx.tx_hash) ||
	    !read_address(json_member(value, "from"), &tx.from) ||
	    (!is_null(to) && !read_address(to, &tx.to)) ||
	    !chain_read_u64(json_member(value, "nonce"), &tx.nonce) ||
	    !chain_read_u256(json_member(value, "value"), &tx.value.value) ||
	    !json_string(json_member(value, "input"), &input) || input.len < 2 ||
	    input.len % 2 != 0)
		return false;
	tx.data_len = (input.len - 2) / 2;
	*ret_tx = tx;
	return true;
}

static bool is_wanted(const struct chain_found *tx, const struct chain_wanted *wanted)
{
	if (!hash32_is_zero(wanted->tx_hash))
		return hash32_equal(tx->tx_hash, wanted->tx_hash);
	return address_equal(tx->from, wanted->from) && tx->nonce == wanted->nonce;
}

void chain_read_found(const struct json_value *block, uint64_t number,
		      const struct chain_wanted *wanted, struct chain_found *ret_found)
{
	const struct json_value *list = json_member(block, "transactions");
	struct chain_found found = { .state = CHAIN_FOUND_ABSENT };
	struct chain_found tx;
	struct chain_block read;
	uint64_t named;
	int64_t time_ms;
	*ret_found = (struct chain_found){ .state = CHAIN_FOUND_UNKNOWN };
	if (!chain_read_block(block, &named, &read) || named != number ||
	    !read_time(block, &time_ms) || json_type_of(list) != JSON_TYPE_ARRAY)
		return;
	for (size_t i = 0; i < json_size(list); i++) {
		if (!read_transaction(json_element(list, i), &tx))
			return;
		if (is_wanted(&tx, wanted))
			found = tx;
	}
	found.block_hash = read.hash;
	found.time_ms = time_ms;
	*ret_found = found;
}

bool chain_read_sender(const struct json_value *transaction, struct address *ret_sender)
{
	return read_address(json_member(transaction, "from"), ret_sender);
}

#define TYPE_EIP1559 2

static bool read_signature(const struct json_value *value, struct tx_signature *ret_signature)
{
	struct u256 r;
	struct u256 s;
	uint64_t parity = 0;
	const struct json_value *named = json_member(value, "yParity");
	if (!chain_read_u256(json_member(value, "r"), &r) ||
	    !chain_read_u256(json_member(value, "s"), &s) ||
	    !chain_read_u64(named != NULL ? named : json_member(value, "v"), &parity) || parity > 1)
		return false;
	u256_to_bytes(r, ret_signature->r);
	u256_to_bytes(s, ret_signature->s);
	ret_signature->parity = (uint8_t)parity;
	return true;
}

/* The fields of a transaction of our kind; false: it is of another. */
static bool read_fields(const struct json_value *value, struct tx *ret_tx)
{
	struct str input;
	uint64_t type = 0;
	return chain_read_u64(json_member(value, "type"), &type) && type == TYPE_EIP1559 &&
	       chain_read_u64(json_member(value, "chainId"), &ret_tx->chain_id) &&
	       chain_read_u64(json_member(value, "nonce"), &ret_tx->nonce) &&
	       chain_read_u64(json_member(value, "gas"), &ret_tx->gas_limit) &&
	       chain_read_u256(json_member(value, "maxFeePerGas"), &ret_tx->fees.cap.value) &&
	       chain_read_u256(json_member(value, "maxPriorityFeePerGas"),
			       &ret_tx->fees.tip.value) &&
	       chain_read_u256(json_member(value, "value"), &ret_tx->value.value) &&
	       read_address(json_member(value, "to"), &ret_tx->to) &&
	       json_string(json_member(value, "input"), &input) &&
	       hex_read_0x_any(input, ret_tx->data, sizeof ret_tx->data, &ret_tx->data_len);
}

bool chain_read_transaction(const struct json_value *transaction,
			    struct chain_transaction *ret_transaction)
{
	struct tx tx = { 0 };
	struct tx_signature signature;
	if (!chain_read_hash(json_member(transaction, "hash"), &ret_transaction->hash) ||
	    !chain_read_u64(json_member(transaction, "nonce"), &ret_transaction->nonce))
		return false;
	ret_transaction->raw_len = 0;
	if (!read_fields(transaction, &tx) || !read_signature(transaction, &signature))
		return true;
	struct buf raw = buf_of(ret_transaction->raw, sizeof ret_transaction->raw);
	tx_write_signed(&tx, &signature, &raw);
	if (!raw.overflow && hash32_equal(tx_hash_of(buf_view(&raw)), ret_transaction->hash))
		ret_transaction->raw_len = raw.len;
	return true;
}

bool chain_read_transfer(const struct json_value *log, struct chain_transfer *ret_transfer,
			 bool *ret_is_transfer)
{
	struct abi_log read;
	if (!read_log(log, &read) ||
	    !chain_read_hash(json_member(log, "transactionHash"), &ret_transfer->tx_hash) ||
	    !chain_read_u64(json_member(log, "blockNumber"), &ret_transfer->block))
		return false;
	ret_transfer->contract = read.contract;
	*ret_is_transfer = abi_read_transfer_log(&read, &ret_transfer->transfer);
	return true;
}
