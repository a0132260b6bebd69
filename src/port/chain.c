/* Checks the contract of port/chain.h once for every back end, on the way in and on the way out. */
#include "port/chain.h"

#include "base/check.h"
#include "port/stop_point.h"

#include <string.h>

static void check_batch(const struct chain *chain, const void *items, size_t n, const void *results)
{
	CHECK(chain != NULL && chain->ops != NULL);
	CHECK(n >= 1 && n <= CHAIN_BATCH_MAX);
	CHECK(items != NULL && results != NULL);
}

static bool failed(struct chain *chain)
{
	chain->failures++;
	return false;
}

static bool is_terminated(const char text[CHAIN_TEXT_LEN])
{
	return memchr(text, 0, CHAIN_TEXT_LEN) != NULL;
}

bool chain_identity(struct chain *chain, uint64_t *ret_chain_id, struct err *err)
{
	PORT_CALL();
	CHECK(chain != NULL && chain->ops != NULL);
	CHECK(ret_chain_id != NULL);
	if (!chain->ops->identity(chain, ret_chain_id, err))
		return failed(chain);
	CHECK(*ret_chain_id > 0);
	return true;
}

bool chain_head(struct chain *chain, struct chain_head *ret_head, struct err *err)
{
	PORT_CALL();
	CHECK(chain != NULL && chain->ops != NULL);
	CHECK(ret_head != NULL);
	if (!chain->ops->head(chain, ret_head, err))
		return failed(chain);
	CHECK(ret_head->number < CHAIN_BLOCK_PENDING);
	CHECK(!ret_head->has_finalized || ret_head->finalized_number <= ret_head->number);
	return true;
}

bool chain_estimate_many(struct chain *chain, const struct chain_call *calls, size_t n,
			 struct chain_estimate *ret_estimates, struct err *err)
{
	PORT_CALL();
	check_batch(chain, calls, n, ret_estimates);
	for (size_t i = 0; i < n; i++)
		CHECK(calls[i].data_len == 0 || calls[i].data != NULL);
	if (!chain->ops->estimate_many(chain, calls, n, ret_estimates, err))
		return failed(chain);
	for (size_t i = 0; i < n; i++) {
		CHECK(ret_estimates[i].state <= CHAIN_ESTIMATE_UNKNOWN);
		CHECK(ret_estimates[i].state != CHAIN_ESTIMATE_OK || ret_estimates[i].gas > 0);
		CHECK(is_terminated(ret_estimates[i].text));
	}
	return true;
}

bool chain_balances(struct chain *chain, uint64_t block, const struct chain_balance_query *queries,
		    size_t n, struct chain_balance *ret_balances, struct err *err)
{
	PORT_CALL();
	check_batch(chain, queries, n, ret_balances);
	CHECK(block != CHAIN_BLOCK_PENDING);
	return chain->ops->balances(chain, block, queries, n, ret_balances, err) || failed(chain);
}

bool chain_nonces(struct chain *chain, uint64_t block, const struct address *wallets, size_t n,
		  struct chain_nonce *ret_nonces, struct err *err)
{
	PORT_CALL();
	check_batch(chain, wallets, n, ret_nonces);
	return chain->ops->nonces(chain, block, wallets, n, ret_nonces, err) || failed(chain);
}

bool chain_codes(struct chain *chain, const struct address *addresses, size_t n,
		 enum chain_code *ret_codes, struct err *err)
{
	PORT_CALL();
	check_batch(chain, addresses, n, ret_codes);
	if (!chain->ops->codes(chain, addresses, n, ret_codes, err))
		return failed(chain);
	for (size_t i = 0; i < n; i++)
		CHECK(ret_codes[i] <= CHAIN_CODE_UNKNOWN);
	return true;
}

bool chain_decimals(struct chain *chain, struct address token, unsigned *ret_decimals,
		    struct err *err)
{
	PORT_CALL();
	CHECK(chain != NULL && chain->ops != NULL);
	CHECK(ret_decimals != NULL && !address_is_zero(token));
	if (!chain->ops->decimals(chain, token, ret_decimals, err))
		return failed(chain);
	CHECK(*ret_decimals <= UINT8_MAX);
	return true;
}

void chain_send_many(struct chain *chain, const struct str *raw, size_t n,
		     struct chain_send *ret_sends)
{
	PORT_CALL();
	check_batch(chain, raw, n, ret_sends);
	for (size_t i = 0; i < n; i++)
		CHECK(raw[i].at != NULL && raw[i].len > 0);
	chain->ops->send_many(chain, raw, n, ret_sends);
	size_t unknown = 0;
	for (size_t i = 0; i < n; i++) {
		unknown += ret_sends[i].state == CHAIN_SEND_UNKNOWN;
		CHECK(ret_sends[i].state >= CHAIN_SEND_ACCEPTED &&
		      ret_sends[i].state <= CHAIN_SEND_UNKNOWN);
		CHECK(is_terminated(ret_sends[i].text));
	}
	if (unknown == n)
		(void)failed(chain);
}

bool chain_receipts(struct chain *chain, const struct hash32 *hashes, size_t n,
		    struct chain_receipt *ret_receipts, struct err *err)
{
	PORT_CALL();
	check_batch(chain, hashes, n, ret_receipts);
	if (!chain->ops->receipts(chain, hashes, n, ret_receipts, err))
		return failed(chain);
	for (size_t i = 0; i < n; i++) {
		CHECK(ret_receipts[i].state <= CHAIN_RECEIPT_UNKNOWN);
		/* A receipt of another transaction than the one that was asked for would end the
		 * wrong slot. */
		CHECK(ret_receipts[i].state != CHAIN_RECEIPT_FOUND ||
		      hash32_equal(ret_receipts[i].tx_hash, hashes[i]));
	}
	return true;
}

bool chain_lookups(struct chain *chain, const struct hash32 *hashes, size_t n,
		   enum chain_lookup *ret_lookups, struct err *err)
{
	PORT_CALL();
	check_batch(chain, hashes, n, ret_lookups);
	if (!chain->ops->lookups(chain, hashes, n, ret_lookups, err))
		return failed(chain);
	for (size_t i = 0; i < n; i++)
		CHECK(ret_lookups[i] <= CHAIN_LOOKUP_UNKNOWN);
	return true;
}

bool chain_blocks(struct chain *chain, const uint64_t *numbers, size_t n,
		  struct chain_block *ret_blocks, struct err *err)
{
	PORT_CALL();
	check_batch(chain, numbers, n, ret_blocks);
	for (size_t i = 0; i < n; i++)
		CHECK(numbers[i] < CHAIN_BLOCK_PENDING);
	if (!chain->ops->blocks(chain, numbers, n, ret_blocks, err))
		return failed(chain);
	for (size_t i = 0; i < n; i++)
		CHECK(!ret_blocks[i].known || !hash32_is_zero(ret_blocks[i].hash));
	return true;
}

bool chain_find(struct chain *chain, uint64_t block, const struct chain_wanted *wanted,
		struct chain_found *ret_found, struct err *err)
{
	PORT_CALL();
	CHECK(chain != NULL && wanted != NULL && ret_found != NULL && block < CHAIN_BLOCK_PENDING);
	if (!chain->ops->find(chain, block, wanted, ret_found, err))
		return failed(chain);
	CHECK(ret_found->state <= CHAIN_FOUND_UNKNOWN);
	if (ret_found->state == CHAIN_FOUND_UNKNOWN)
		return true;
	CHECK(!hash32_is_zero(ret_found->block_hash));
	if (ret_found->state == CHAIN_FOUND_ABSENT)
		return true;
	/* Another transaction than the one that was asked for would end the wrong slot. */
	CHECK(hash32_is_zero(wanted->tx_hash) ? address_equal(ret_found->from, wanted->from) &&
							ret_found->nonce == wanted->nonce
					      : hash32_equal(ret_found->tx_hash, wanted->tx_hash));
	return true;
}

bool chain_transactions(struct chain *chain, uint64_t first, size_t blocks,
			const struct address *senders, size_t n,
			struct chain_transaction *ret_transactions, size_t cap, size_t *ret_len,
			size_t *ret_blocks, struct err *err)
{
	PORT_CALL();
	check_batch(chain, senders, n, ret_transactions);
	CHECK(blocks > 0 && blocks <= CHAIN_SCAN_BLOCKS_MAX && cap > 0);
	if (!chain->ops->transactions(chain, first, blocks, senders, n, ret_transactions, cap,
				      ret_len, ret_blocks, err))
		return failed(chain);
	CHECK(*ret_len <= cap && *ret_blocks <= blocks);
	return true;
}

bool chain_transfers(struct chain *chain, const struct chain_transfer_query *query,
		     struct chain_transfer *ret_transfers, size_t *ret_len, struct hash32 *ret_last,
		     struct err *err)
{
	PORT_CALL();
	check_batch(chain, query->wallets, query->wallets_len, ret_transfers);
	check_batch(chain, query->contracts, query->contracts_len, ret_transfers);
	CHECK(query->first <= query->last && query->last < CHAIN_BLOCK_PENDING);
	if (!chain->ops->transfers(chain, query, ret_transfers, ret_len, ret_last, err))
		return failed(chain);
	CHECK(*ret_len <= CHAIN_TRANSFERS_MAX && !hash32_is_zero(*ret_last));
	return true;
}

size_t chain_nodes_len(const struct chain *chain)
{
	CHECK(chain != NULL && chain->ops != NULL);
	size_t len = chain->ops->nodes_len == NULL ? 1 : chain->ops->nodes_len(chain);
	CHECK(len >= 1);
	return len;
}

size_t chain_nodes_needed(const struct chain *chain)
{
	size_t len = chain_nodes_len(chain);
	return len < CHAIN_NODES_AGREE_MIN ? len : CHAIN_NODES_AGREE_MIN;
}

bool chain_node(struct chain *chain, size_t index, struct chain **ret_node, struct err *err)
{
	CHECK(index < chain_nodes_len(chain));
	CHECK(ret_node != NULL);
	if (chain->ops->node != NULL)
		return chain->ops->node(chain, index, ret_node, err);
	*ret_node = chain;
	return true;
}

void chain_close(struct chain *chain)
{
	if (chain == NULL)
		return;
	CHECK(chain->ops != NULL);
	chain->ops->close(chain);
}
