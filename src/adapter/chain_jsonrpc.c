#include "adapter/chain_jsonrpc.h"

#include "adapter/chain_jsonrpc_parse.h"
#include "base/defence.h"
#include "base/hex.h"
#include "core/chain_answer.h"
#include "core/limits.h"
#include "core/tx.h"
#include "net/circuit_breaker.h"
#include "net/json_rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blocks come with the hashes of all their transactions, up to half a megabyte each on a chain of
 * 140 M gas: 8 of them stay below the 8 MiB that json_rpc takes from one post. */
/* "0x", 0xef0100 and an address. Source: EIP-7702. */
#define DELEGATION_TEXT_LEN (2 + 2 * (3 + ADDRESS_BYTES))
#define BLOCKS_PER_POST     8
/* With the transactions themselves, up to three megabytes each. */
#define WHOLE_BLOCKS_PER_POST 2

_Static_assert(CHAIN_BATCH_MAX <= JSON_RPC_CALLS_MAX, "a batch of the port is one batch of calls");

/* What is read of the answers; most of a block is the hashes of its transactions, and half of a
 * receipt its bloom filter. */
static const char *const call_names[] = { "id", "result", "error", NULL };
static const char *const block_names[] = { "number",        "hash",     "parentHash", "timestamp",
					   "baseFeePerGas", "gasLimit", "code",       "message",
					   "data",          NULL };
static const char *const receipt_names[] = {
	"transactionHash",   "blockHash", "blockNumber", "status", "gasUsed",
	"effectiveGasPrice", "from",      "to",          "logs",   "code",
	"message",           "data",      NULL,
};
static const char *const log_names[] = { "removed", "address", "topics", "data", NULL };
static const char *const lookup_names[] = {
	"hash", "blockNumber", "code", "message", "data", NULL
};
static const char *const full_names[] = { "number", "hash",    "timestamp", "transactions",
					  "code",   "message", "data",      NULL };
static const char *const tx_names[] = { "hash", "from", "to", "nonce", "value", "input", NULL };
static const struct json_sieve full_sieve = { { call_names, full_names, tx_names } };
static const char *const whole_block_names[] = {
	"number", "transactions", "code", "message", "data", NULL,
};
static const char *const transaction_names[] = {
	"hash",
	"type",
	"chainId",
	"from",
	"nonce",
	"to",
	"value",
	"gas",
	"maxFeePerGas",
	"maxPriorityFeePerGas",
	"input",
	"r",
	"s",
	"v",
	"yParity",
	NULL,
};
static const struct json_sieve whole_block_sieve = { { call_names, whole_block_names,
						       transaction_names } };
static const struct json_sieve block_sieve = { { call_names, block_names } };
static const struct json_sieve receipt_sieve = { { call_names, receipt_names, log_names } };
static const struct json_sieve lookup_sieve = { { call_names, lookup_names } };

struct chain_jsonrpc {
	struct chain base;
	struct json_rpc *rpc;
	struct clock *clock; /* NULL: the breaker is not used */
	struct circuit_breaker breaker;
};

static struct json_rpc *rpc_of(struct chain *chain)
{
	return ((struct chain_jsonrpc *)chain)->rpc;
}

static const char left_alone[] = "the node did not answer, again and again, and is left alone for "
				 "some seconds";

/* Runs the calls. False: it made none, because the node is left alone, and there are no answers. A
 * node that answers one of them is there, whatever it says. */
static bool node_run(struct chain_jsonrpc *self, size_t at_once)
{
	struct circuit_pass pass;
	if (self->clock == NULL) {
		json_rpc_run(self->rpc, at_once);
		return true;
	}
	if (circuit_breaker_enter(&self->breaker, clock_monotonic_ms(self->clock), 1, &pass) == 0)
		return false;
	json_rpc_run(self->rpc, at_once);
	bool failed = json_rpc_failure(self->rpc) != NULL;
	circuit_breaker_leave(&self->breaker, clock_monotonic_ms(self->clock), pass, !failed,
			      failed);
	return true;
}

/* Runs the calls of a read. False when not one of them was answered; a read has no effect, so that
 * is NOT_DONE whatever happened. */
static bool ask(struct chain *chain, struct err *err)
{
	struct chain_jsonrpc *self = (struct chain_jsonrpc *)chain;
	if (!node_run(self, 0))
		return err_set(err, ERR_NOT_DONE, "%s", left_alone);
	const char *failure = json_rpc_failure(self->rpc);
	if (failure != NULL)
		return err_set(err, ERR_NOT_DONE, "%s", failure);
	return true;
}

/* What a node said, for people: printable ASCII, cut. */
static void set_text(char ret_text[CHAIN_TEXT_LEN], const struct json_rpc_answer *answer)
{
	struct str text = str_from(answer->text);
	if (answer->verdict == JSON_RPC_ERROR)
		text = answer->message;
	size_t len = text.len < CHAIN_TEXT_LEN - 1 ? text.len : CHAIN_TEXT_LEN - 1;
	for (size_t i = 0; i < len; i++) {
		char c = text.at[i];
		ret_text[i] = c;
		if (c < 0x20 || c > 0x7e)
			ret_text[i] = '?';
	}
	ret_text[len] = 0;
}

/* Turns an answer that is not the expected result into an error. */
static bool fail(const struct json_rpc_answer *answer, const char *what, struct err *err)
{
	char text[CHAIN_TEXT_LEN];
	set_text(text, answer);
	if (answer->verdict == JSON_RPC_RESULT)
		return err_set(err, ERR_NOT_DONE, "%s: the node's answer makes no sense", what);
	return err_set(err, ERR_NOT_DONE, "%s: %s", what, text);
}

/* ---- writing parameters ---- */

static void write_bytes(struct buf *out, const void *bytes, size_t len)
{
	buf_byte(out, '"');
	hex_write_0x(out, bytes, len);
	buf_byte(out, '"');
}

static void write_block(struct buf *out, uint64_t block)
{
	if (block == CHAIN_BLOCK_LATEST)
		buf_text(out, "\"latest\"");
	else if (block == CHAIN_BLOCK_PENDING)
		buf_text(out, "\"pending\"");
	else
		buf_format(out, "\"0x%llx\"", (unsigned long long)block);
}

static void write_call(struct buf *out, const struct address *from, struct address to,
		       struct u256 value, const void *data, size_t data_len)
{
	buf_byte(out, '{');
	if (from != NULL) {
		buf_text(out, "\"from\":");
		write_bytes(out, from->bytes, sizeof from->bytes);
		buf_byte(out, ',');
	}
	buf_text(out, "\"to\":");
	write_bytes(out, to.bytes, sizeof to.bytes);
	if (!u256_is_zero(value)) {
		buf_text(out, ",\"value\":\"");
		u256_write_hex(value, out);
		buf_byte(out, '"');
	}
	if (data_len > 0) {
		buf_text(out, ",\"data\":");
		write_bytes(out, data, data_len);
	}
	buf_byte(out, '}');
}

/* ---- what the chain is, and where it stands ---- */

static bool identity(struct chain *chain, uint64_t *ret_chain_id, struct err *err)
{
	struct json_rpc *rpc = rpc_of(chain);
	json_rpc_begin(rpc);
	(void)json_rpc_add(rpc, "eth_chainId");
	if (!ask(chain, err))
		return false;
	const struct json_rpc_answer *answer = json_rpc_answer(rpc, 0);
	uint64_t id;
	if (answer->verdict != JSON_RPC_RESULT || !chain_read_u64(answer->result, &id) || id == 0)
		return fail(answer, "eth_chainId", err);
	*ret_chain_id = id;
	return true;
}

static bool is_null_result(const struct json_rpc_answer *answer)
{
	return answer->verdict == JSON_RPC_RESULT && json_type_of(answer->result) == JSON_TYPE_NULL;
}

/* A node that does not know the tag is one thing, a node that fails to answer another: taking the
 * second for the first would drop the demand for finality. */
static bool read_finalized(const struct json_rpc_answer *answer, struct chain_head *head,
			   struct err *err)
{
	head->has_finalized = false;
	if (is_null_result(answer))
		return true;
	if (answer->verdict == JSON_RPC_ERROR)
		return chain_tag_is_unknown(answer->code, answer->message) ||
		       fail(answer, "the finalized block", err);
	struct chain_block block;
	if (answer->verdict != JSON_RPC_RESULT ||
	    !chain_read_block(answer->result, &head->finalized_number, &block))
		return fail(answer, "the finalized block", err);
	head->finalized_hash = block.hash;
	if (head->finalized_number > head->number)
		return err_set(err, ERR_NOT_DONE,
			       "finalized is above the latest block: two nodes "
			       "answer behind one address, one of them lags");
	head->has_finalized = true;
	return true;
}

static bool head(struct chain *chain, struct chain_head *ret_head, struct err *err)
{
	struct json_rpc *rpc = rpc_of(chain);
	json_rpc_begin(rpc);
	json_rpc_sieve(rpc, &block_sieve);
	buf_text(json_rpc_add(rpc, "eth_getBlockByNumber"), "\"latest\",false");
	buf_text(json_rpc_add(rpc, "eth_getBlockByNumber"), "\"finalized\",false");
	(void)json_rpc_add(rpc, "eth_maxPriorityFeePerGas");
	if (!ask(chain, err))
		return false;
	struct chain_head head = { 0 };
	const struct json_rpc_answer *latest = json_rpc_answer(rpc, 0);
	const struct json_rpc_answer *tip = json_rpc_answer(rpc, 2);
	if (latest->verdict != JSON_RPC_RESULT || !chain_read_head(latest->result, &head))
		return fail(latest, "the latest block", err);
	if (!read_finalized(json_rpc_answer(rpc, 1), &head, err))
		return false;
	if (tip->verdict != JSON_RPC_RESULT || !chain_read_u256(tip->result, &head.tip.value))
		head.tip.value = u256_zero();
	*ret_head = head;
	return true;
}

static bool blocks(struct chain *chain, const uint64_t *numbers, size_t n,
		   struct chain_block *ret_blocks, struct err *err)
{
	struct json_rpc *rpc = rpc_of(chain);
	json_rpc_begin_split(rpc, BLOCKS_PER_POST);
	json_rpc_sieve(rpc, &block_sieve);
	for (size_t i = 0; i < n; i++) {
		struct buf *out = json_rpc_add(rpc, "eth_getBlockByNumber");
		write_block(out, numbers[i]);
		buf_text(out, ",false");
	}
	if (!ask(chain, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct json_rpc_answer *answer = json_rpc_answer(rpc, i);
		struct chain_block block;
		uint64_t number;
		ret_blocks[i] = (struct chain_block){ 0 };
		ret_blocks[i].known = answer->verdict == JSON_RPC_RESULT &&
				      chain_read_block(answer->result, &number, &block) &&
				      number == numbers[i];
		if (ret_blocks[i].known)
			ret_blocks[i] = block;
	}
	return true;
}

/* One block a post: with all its transactions it may be some megabytes. */
static bool find(struct chain *chain, uint64_t block, const struct chain_wanted *wanted,
		 struct chain_found *ret_found, struct err *err)
{
	struct json_rpc *rpc = rpc_of(chain);
	json_rpc_begin(rpc);
	json_rpc_sieve(rpc, &full_sieve);
	struct buf *out = json_rpc_add(rpc, "eth_getBlockByNumber");
	write_block(out, block);
	buf_text(out, ",true");
	if (!ask(chain, err))
		return false;
	const struct json_rpc_answer *answer = json_rpc_answer(rpc, 0);
	*ret_found = (struct chain_found){ .state = CHAIN_FOUND_UNKNOWN };
	if (answer->verdict == JSON_RPC_RESULT)
		chain_read_found(answer->result, block, wanted, ret_found);
	return true;
}

/* ---- wallets ---- */

static bool estimate_many(struct chain *chain, const struct chain_call *calls, size_t n,
			  struct chain_estimate *ret_estimates, struct err *err)
{
	struct json_rpc *rpc = rpc_of(chain);
	json_rpc_begin(rpc);
	for (size_t i = 0; i < n; i++) {
		struct buf *out = json_rpc_add(rpc, "eth_estimateGas");
		write_call(out, &calls[i].from, calls[i].to, calls[i].value.value, calls[i].data,
			   calls[i].data_len);
		buf_text(out, ",\"latest\"");
	}
	if (!ask(chain, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct json_rpc_answer *answer = json_rpc_answer(rpc, i);
		struct chain_estimate estimate = { .state = CHAIN_ESTIMATE_UNKNOWN };
		set_text(estimate.text, answer);
		if (answer->verdict == JSON_RPC_RESULT &&
		    chain_read_u64(answer->result, &estimate.gas) && estimate.gas > 0)
			estimate.state = CHAIN_ESTIMATE_OK;
		else if (answer->verdict == JSON_RPC_ERROR)
			estimate.state = chain_estimate_classify(answer->code, answer->message);
		ret_estimates[i] = estimate;
	}
	return true;
}

static void add_balance(struct json_rpc *rpc, uint64_t block,
			const struct chain_balance_query *query)
{
	struct buf *out;
	if (query->is_token) {
		uint8_t data[36];
		abi_write_balance_of(query->owner, data);
		out = json_rpc_add(rpc, "eth_call");
		write_call(out, NULL, query->token, u256_zero(), data, sizeof data);
	} else {
		out = json_rpc_add(rpc, "eth_getBalance");
		write_bytes(out, query->owner.bytes, sizeof query->owner.bytes);
	}
	buf_byte(out, ',');
	write_block(out, block);
}

static bool balances(struct chain *chain, uint64_t block, const struct chain_balance_query *queries,
		     size_t n, struct chain_balance *ret_balances, struct err *err)
{
	struct json_rpc *rpc = rpc_of(chain);
	json_rpc_begin(rpc);
	for (size_t i = 0; i < n; i++)
		add_balance(rpc, block, &queries[i]);
	if (!ask(chain, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct json_rpc_answer *answer = json_rpc_answer(rpc, i);
		struct chain_balance balance = { 0 };
		if (answer->verdict == JSON_RPC_RESULT)
			balance.known = queries[i].is_token
						? chain_read_word(answer->result, &balance.units)
						: chain_read_u256(answer->result, &balance.units);
		ret_balances[i] = balance;
	}
	return true;
}

static bool nonces(struct chain *chain, uint64_t block, const struct address *wallets, size_t n,
		   struct chain_nonce *ret_nonces, struct err *err)
{
	struct json_rpc *rpc = rpc_of(chain);
	json_rpc_begin(rpc);
	for (size_t i = 0; i < n; i++) {
		struct buf *out = json_rpc_add(rpc, "eth_getTransactionCount");
		write_bytes(out, wallets[i].bytes, sizeof wallets[i].bytes);
		buf_byte(out, ',');
		write_block(out, block);
	}
	if (!ask(chain, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct json_rpc_answer *answer = json_rpc_answer(rpc, i);
		ret_nonces[i] = (struct chain_nonce){ 0 };
		ret_nonces[i].known = answer->verdict == JSON_RPC_RESULT &&
				      chain_read_u64(answer->result, &ret_nonces[i].count);
	}
	return true;
}

static enum chain_code read_code(const struct json_rpc_answer *answer)
{
	struct str text;
	if (answer->verdict != JSON_RPC_RESULT || !json_string(answer->result, &text) ||
	    !str_starts_with(text, STR("0x")) || text.len % 2 != 0)
		return CHAIN_CODE_UNKNOWN;
	if (text.len == 2 ||
	    (text.len == DELEGATION_TEXT_LEN && str_starts_with(text, STR("0xef0100"))))
		return CHAIN_CODE_NONE;
	return CHAIN_CODE_CONTRACT;
}

static bool codes(struct chain *chain, const struct address *addresses, size_t n,
		  enum chain_code *ret_codes, struct err *err)
{
	struct json_rpc *rpc = rpc_of(chain);
	json_rpc_begin(rpc);
	for (size_t i = 0; i < n; i++) {
		struct buf *out = json_rpc_add(rpc, "eth_getCode");
		write_bytes(out, addresses[i].bytes, sizeof addresses[i].bytes);
		buf_text(out, ",\"latest\"");
	}
	if (!ask(chain, err))
		return false;
	for (size_t i = 0; i < n; i++)
		ret_codes[i] = read_code(json_rpc_answer(rpc, i));
	return true;
}

static bool decimals(struct chain *chain, struct address token, unsigned *ret_decimals,
		     struct err *err)
{
	struct json_rpc *rpc = rpc_of(chain);
	uint8_t data[4];
	abi_write_decimals(data);
	json_rpc_begin(rpc);
	struct buf *out = json_rpc_add(rpc, "eth_call");
	write_call(out, NULL, token, u256_zero(), data, sizeof data);
	buf_text(out, ",\"latest\"");
	if (!ask(chain, err))
		return false;
	const struct json_rpc_answer *answer = json_rpc_answer(rpc, 0);
	struct u256 word;
	uint64_t value;
	if (answer->verdict != JSON_RPC_RESULT || !chain_read_word(answer->result, &word) ||
	    !u256_to_u64(word, &value) || value > UINT8_MAX)
		return fail(answer, "decimals()", err);
	*ret_decimals = (unsigned)value;
	return true;
}

/* ---- transactions ---- */

static void read_send(const struct json_rpc_answer *answer, struct str raw,
		      struct chain_send *ret_send)
{
	struct hash32 hash;
	*ret_send = (struct chain_send){ .state = CHAIN_SEND_UNKNOWN };
	set_text(ret_send->text, answer);
	switch (answer->verdict) {
	case JSON_RPC_RESULT:
		if (chain_read_hash(answer->result, &hash) && hash32_equal(hash, tx_hash_of(raw)))
			ret_send->state = CHAIN_SEND_ACCEPTED;
		else
			snprintf(ret_send->text, sizeof ret_send->text,
				 "the node does not answer with the transaction's hash");
		return;
	case JSON_RPC_ERROR:
		ret_send->state = chain_error_classify(answer->message);
		return;
	case JSON_RPC_UNKNOWN:
		return;
	}
}

/* As of a node that is away: whether these bytes are out from an earlier time is as open as it was.
 */
static void leave_alone(struct chain_send *ret_sends, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ret_sends[i] = (struct chain_send){ .state = CHAIN_SEND_UNKNOWN };
		(void)snprintf(ret_sends[i].text, sizeof ret_sends[i].text, "%s", left_alone);
	}
}

/* Posts go one after the other: nonces in order keep a node's queue of gapped ones short. */
static void send_many(struct chain *chain, const struct str *raw, size_t n,
		      struct chain_send *ret_sends)
{
	struct json_rpc *rpc = rpc_of(chain);
	json_rpc_begin(rpc);
	for (size_t i = 0; i < n; i++)
		write_bytes(json_rpc_add(rpc, "eth_sendRawTransaction"), raw[i].at, raw[i].len);
	if (!node_run((struct chain_jsonrpc *)chain, 1)) {
		leave_alone(ret_sends, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		read_send(json_rpc_answer(rpc, i), raw[i], &ret_sends[i]);
}

static bool ask_by_hash(struct chain *chain, const char *method, const struct json_sieve *sieve,
			const struct hash32 *hashes, size_t n, struct err *err)
{
	struct json_rpc *rpc = rpc_of(chain);
	json_rpc_begin(rpc);
	json_rpc_sieve(rpc, sieve);
	for (size_t i = 0; i < n; i++)
		write_bytes(json_rpc_add(rpc, method), hashes[i].bytes, sizeof hashes[i].bytes);
	return ask(chain, err);
}

static bool receipts(struct chain *chain, const struct hash32 *hashes, size_t n,
		     struct chain_receipt *ret_receipts, struct err *err)
{
	struct json_rpc *rpc = rpc_of(chain);
	if (!ask_by_hash(chain, "eth_getTransactionReceipt", &receipt_sieve, hashes, n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct json_rpc_answer *answer = json_rpc_answer(rpc, i);
		ret_receipts[i] = (struct chain_receipt){ .state = CHAIN_RECEIPT_UNKNOWN };
		if (answer->verdict == JSON_RPC_RESULT)
			chain_read_receipt(answer->result, hashes[i], &ret_receipts[i]);
	}
	return true;
}

static bool lookups(struct chain *chain, const struct hash32 *hashes, size_t n,
		    enum chain_lookup *ret_lookups, struct err *err)
{
	struct json_rpc *rpc = rpc_of(chain);
	if (!ask_by_hash(chain, "eth_getTransactionByHash", &lookup_sieve, hashes, n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct json_rpc_answer *answer = json_rpc_answer(rpc, i);
		ret_lookups[i] = CHAIN_LOOKUP_UNKNOWN;
		if (answer->verdict == JSON_RPC_RESULT)
			ret_lookups[i] = chain_read_lookup(answer->result, hashes[i]);
	}
	return true;
}

/* Those of a block; false in *ret_fits: there is no room for all of them. */
static bool read_transactions(const struct json_value *block, uint64_t number,
			      const struct address *senders, size_t n,
			      struct chain_transaction *ret_transactions, size_t cap, size_t *len,
			      bool *ret_fits)
{
	const struct json_value *all = json_member(block, "transactions");
	uint64_t named;
	size_t found = *len;
	*ret_fits = true;
	if (!chain_read_u64(json_member(block, "number"), &named) || named != number ||
	    json_type_of(all) != JSON_TYPE_ARRAY)
		return false;
	for (size_t i = 0; i < json_size(all); i++) {
		struct chain_transaction one = { .block = number };
		bool ours = false;
		if (!chain_read_sender(json_element(all, i), &one.from))
			return false;
		for (size_t k = 0; k < n && !ours; k++)
			ours = address_equal(senders[k], one.from);
		if (!ours)
			continue;
		*ret_fits = found < cap;
		if (!*ret_fits)
			return true;
		if (!chain_read_transaction(json_element(all, i), &one))
			return false;
		ret_transactions[found++] = one;
	}
	*len = found;
	return true;
}

static bool transactions(struct chain *chain, uint64_t first, size_t blocks,
			 const struct address *senders, size_t n,
			 struct chain_transaction *ret_transactions, size_t cap, size_t *ret_len,
			 size_t *ret_blocks, struct err *err)
{
	struct json_rpc *rpc = rpc_of(chain);
	bool fits = true;
	json_rpc_begin_split(rpc, WHOLE_BLOCKS_PER_POST);
	json_rpc_sieve(rpc, &whole_block_sieve);
	for (size_t i = 0; i < blocks; i++) {
		struct buf *out = json_rpc_add(rpc, "eth_getBlockByNumber");
		write_block(out, first + i);
		buf_text(out, ",true");
	}
	if (!ask(chain, err))
		return false;
	*ret_len = *ret_blocks = 0;
	for (size_t i = 0; i < blocks; i++) {
		const struct json_rpc_answer *answer = json_rpc_answer(rpc, i);
		if (is_null_result(answer))
			return true;
		if (answer->verdict != JSON_RPC_RESULT ||
		    !read_transactions(answer->result, first + i, senders, n, ret_transactions, cap,
				       ret_len, &fits))
			return *ret_blocks > 0 || fail(answer, "a block", err);
		if (!fits)
			return *ret_blocks > 0 || err_set(err, ERR_REFUSED,
							  "block %llu has more transactions of "
							  "ours than are read at once",
							  (unsigned long long)first);
		++*ret_blocks;
	}
	return true;
}

/* A token lets anybody move nothing out of a wallet, without an allowance, and logs it: what moved
 * nothing is left out, and counts for nothing. */
static bool has_moved(const struct chain_transfer *transfer)
{
	return !u256_is_zero(transfer->transfer.amount.units) || !DEFENCE("nothing_is_no_payment");
}

static bool read_transfers(const struct json_value *logs, const struct chain_transfer_query *query,
			   struct chain_transfer *ret_transfers, size_t *ret_len, bool *ret_fits)
{
	size_t found = 0;
	*ret_fits = true;
	for (size_t i = 0; i < json_size(logs); i++) {
		struct chain_transfer one;
		bool is_transfer = false;
		if (!chain_read_transfer(json_element(logs, i), &one, &is_transfer) ||
		    one.block < query->first || one.block > query->last)
			return false;
		if (!is_transfer || !has_moved(&one))
			continue;
		*ret_fits = found < CHAIN_TRANSFERS_MAX;
		if (!*ret_fits)
			return true;
		ret_transfers[found++] = one;
	}
	*ret_len = found;
	return true;
}

/* Any contract may log what it likes about our wallets, and as often: those are not asked for. */
static void write_contracts(struct buf *out, const struct chain_transfer_query *query)
{
	if (!DEFENCE("logs_of_our_tokens"))
		return;
	buf_text(out, ",\"address\":[");
	for (size_t i = 0; i < query->contracts_len; i++) {
		if (i > 0)
			buf_byte(out, ',');
		write_bytes(out, query->contracts[i].bytes, sizeof query->contracts[i].bytes);
	}
	buf_byte(out, ']');
}

static void write_topics(struct buf *out, const struct address *wallets, size_t n)
{
	static const uint8_t zeros[12];
	const struct hash32 topic = abi_transfer_topic();
	buf_text(out, ",\"topics\":[");
	write_bytes(out, topic.bytes, sizeof topic.bytes);
	buf_text(out, ",[");
	for (size_t i = 0; i < n; i++) {
		buf_text(out, i == 0 ? "\"0x" : ",\"0x");
		hex_write(out, zeros, sizeof zeros);
		hex_write(out, wallets[i].bytes, sizeof wallets[i].bytes);
		buf_byte(out, '"');
	}
	buf_text(out, "]]}");
}

/* One post: the node that answers for the logs says as well which block it has at their end. */
static bool transfers(struct chain *chain, const struct chain_transfer_query *query,
		      struct chain_transfer *ret_transfers, size_t *ret_len,
		      struct hash32 *ret_last, struct err *err)
{
	struct json_rpc *rpc = rpc_of(chain);
	struct chain_block block;
	uint64_t number;
	bool fits = true;
	json_rpc_begin(rpc);
	struct buf *out = json_rpc_add(rpc, "eth_getLogs");
	buf_text(out, "{\"fromBlock\":");
	write_block(out, query->first);
	buf_text(out, ",\"toBlock\":");
	write_block(out, query->last);
	write_contracts(out, query);
	write_topics(out, query->wallets, query->wallets_len);
	out = json_rpc_add(rpc, "eth_getBlockByNumber");
	write_block(out, query->last);
	buf_text(out, ",false");
	if (!ask(chain, err))
		return false;
	const struct json_rpc_answer *logs = json_rpc_answer(rpc, 0);
	const struct json_rpc_answer *end = json_rpc_answer(rpc, 1);
	if (end->verdict != JSON_RPC_RESULT || !chain_read_block(end->result, &number, &block) ||
	    number != query->last)
		return fail(end, "the last block of the logs", err);
	if (logs->verdict != JSON_RPC_RESULT || json_type_of(logs->result) != JSON_TYPE_ARRAY)
		return fail(logs, "eth_getLogs", err);
	if (!read_transfers(logs->result, query, ret_transfers, ret_len, &fits))
		return fail(logs, "eth_getLogs", err);
	if (!fits)
		return err_set(err, ERR_REFUSED, "too many logs in these blocks");
	*ret_last = block.hash;
	return true;
}

static void close_chain(struct chain *chain)
{
	struct chain_jsonrpc *jsonrpc = (struct chain_jsonrpc *)chain;
	json_rpc_close(jsonrpc->rpc);
	free(jsonrpc);
}

bool chain_jsonrpc_open(const struct chain_jsonrpc_options *options, struct chain **ret_chain,
			struct err *err)
{
	static const struct chain_ops ops = {
		.identity = identity,
		.head = head,
		.estimate_many = estimate_many,
		.balances = balances,
		.nonces = nonces,
		.codes = codes,
		.decimals = decimals,
		.send_many = send_many,
		.receipts = receipts,
		.lookups = lookups,
		.blocks = blocks,
		.find = find,
		.transactions = transactions,
		.transfers = transfers,
		.close = close_chain,
	};
	const struct json_rpc_options rpc_options = { .url = options->url,
						      .deadline_ms = options->deadline_ms,
						      .batch_max = options->batch_max };
	struct json_rpc *rpc;
	if (!json_rpc_open(&rpc_options, &rpc, err))
		return false;
	struct chain_jsonrpc *jsonrpc = calloc(1, sizeof *jsonrpc);
	CHECK(jsonrpc != NULL);
	jsonrpc->base.ops = &ops;
	jsonrpc->rpc = rpc;
	jsonrpc->clock = options->clock;
	if (options->clock != NULL)
		circuit_breaker_init(&jsonrpc->breaker, options->metrics, options->neighbour);
	*ret_chain = &jsonrpc->base;
	return true;
}
