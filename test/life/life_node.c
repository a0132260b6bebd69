#include "life_node.h"

#include "adapter/chain_gate.h"
#include "core/chain_answer.h"

static struct life_node *node_of(struct chain *chain)
{
	return (struct life_node *)(void *)chain;
}

static bool node_identity(struct chain *chain, uint64_t *ret_chain_id, struct err *err)
{
	return chain_identity(node_of(chain)->real, ret_chain_id, err);
}

/* ---- blocks that nobody else has ---- */

static struct hash32 invented_hash(uint64_t number)
{
	struct hash32 hash = { { 0xfa } };
	memcpy(hash.bytes + 8, &number, sizeof number);
	return hash;
}

static void head_invent(struct life_node *node, struct chain_head *head)
{
	node->real_head = head->number;
	head->number += node->invents;
	head->hash = invented_hash(head->number);
	head->parent = invented_hash(head->number - 1);
	head->has_finalized = true;
	head->finalized_number = head->number - 1;
	head->finalized_hash = invented_hash(head->number - 1);
}

static bool is_invented(const struct life_node *node, uint64_t block)
{
	return node->invents > 0 && block > node->real_head && block < CHAIN_BLOCK_PENDING &&
	       block != CHAIN_BLOCK_LATEST;
}

static bool node_head(struct chain *chain, struct chain_head *ret_head, struct err *err)
{
	struct life_node *node = node_of(chain);
	if (node->away)
		return err_set(err, ERR_NOT_DONE, "injected: the node is away");
	if (node->stuck) {
		*ret_head = node->last;
		return true;
	}
	if (!chain_head(node->real, ret_head, err))
		return false;
	if (node->invents > 0)
		head_invent(node, ret_head);
	node->last = *ret_head;
	node->head = ret_head->number;
	ret_head->has_finalized &= !node->final_unknown;
	if (node->head_alone || node->head_of_fork)
		ret_head->parent.bytes[0] ^= 1;
	if (node->head_of_fork) {
		ret_head->hash.bytes[0] ^= 1;
		ret_head->finalized_hash.bytes[0] ^= 1;
	}
	return true;
}

static bool node_estimate_many(struct chain *chain, const struct chain_call *calls, size_t n,
			       struct chain_estimate *ret_estimates, struct err *err)
{
	struct life_node *node = node_of(chain);
	if (!chain_estimate_many(node->real, calls, n, ret_estimates, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		ret_estimates[i].gas += node->gas_more;
		if (node->estimate_err != NULL)
			ret_estimates[i].state = chain_estimate_classify(
				node->estimate_code, str_from(node->estimate_err));
		if (!address_is_zero(node->says_refuses) &&
		    address_equal(calls[i].to, node->says_refuses))
			ret_estimates[i].state = CHAIN_ESTIMATE_REVERTED;
	}
	return true;
}

/* The latest block of a node that is stuck is an old one; so is what is pending there, since it has
 * no other pool than its own. */
static uint64_t block_of(const struct life_node *node, uint64_t block)
{
	bool moves = block == CHAIN_BLOCK_LATEST || block == CHAIN_BLOCK_PENDING;
	if (is_invented(node, block))
		return node->real_head;
	return node->stuck && moves ? node->last.number : block;
}

static bool node_balances(struct chain *chain, uint64_t block,
			  const struct chain_balance_query *queries, size_t n,
			  struct chain_balance *ret_balances, struct err *err)
{
	struct life_node *node = node_of(chain);
	return chain_balances(node->real, block_of(node, block), queries, n, ret_balances, err);
}

static bool node_nonces(struct chain *chain, uint64_t block, const struct address *wallets,
			size_t n, struct chain_nonce *ret_nonces, struct err *err)
{
	struct life_node *node = node_of(chain);
	if (!chain_nonces(node->real, block_of(node, block), wallets, n, ret_nonces, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t less = node->nonce_less;
		ret_nonces[i].count += node->nonce_more;
		if (block == CHAIN_BLOCK_PENDING)
			ret_nonces[i].count += node->nonce_pending_more;
		ret_nonces[i].count -= ret_nonces[i].count < less ? ret_nonces[i].count : less;
	}
	return true;
}

static bool node_codes(struct chain *chain, const struct address *addresses, size_t n,
		       enum chain_code *ret_codes, struct err *err)
{
	return chain_codes(node_of(chain)->real, addresses, n, ret_codes, err);
}

static bool node_decimals(struct chain *chain, struct address token, unsigned *ret_decimals,
			  struct err *err)
{
	return chain_decimals(node_of(chain)->real, token, ret_decimals, err);
}

static void node_send_many(struct chain *chain, const struct str *raw, size_t n,
			   struct chain_send *ret_sends)
{
	struct life_node *node = node_of(chain);
	bool keeps = node->stuck || node->swallows;
	for (size_t i = 0; i < n && keeps; i++)
		ret_sends[i] = (struct chain_send){ .state = CHAIN_SEND_ACCEPTED };
	if (keeps)
		return;
	if (node->sends_refused == 0) {
		chain_send_many(node->real, raw, n, ret_sends);
		return;
	}
	node->sends_refused--;
	for (size_t i = 0; i < n; i++)
		ret_sends[i] = (struct chain_send){ .state = node->send, .text = "refused" };
}

static void receipt_bend(const struct life_node *node, struct hash32 tx_hash,
			 struct chain_receipt *receipt)
{
	if (node->old.state == CHAIN_RECEIPT_FOUND && hash32_equal(tx_hash, node->old.tx_hash))
		*receipt = node->old;
	if (node->receipts_unknown)
		receipt->state = CHAIN_RECEIPT_UNKNOWN;
	if (receipt->state != CHAIN_RECEIPT_FOUND)
		return;
	if (node->stuck && receipt->block_number > node->head)
		receipt->state = CHAIN_RECEIPT_ABSENT;
	if (node->receipts_lag > 0 && receipt->block_number + node->receipts_lag > node->head)
		receipt->state = CHAIN_RECEIPT_ABSENT;
	if (node->says_reverted) {
		receipt->success = false;
		receipt->logs_len = 0;
	}
	if (!address_is_zero(node->says_paid) && receipt->logs_len > 0)
		memcpy(&receipt->logs[0].topics[2].bytes[12], node->says_paid.bytes, 20);
	if (node->says_other_block)
		receipt->block_hash.bytes[0] ^= 1;
}

static bool node_receipts(struct chain *chain, const struct hash32 *hashes, size_t n,
			  struct chain_receipt *ret_receipts, struct err *err)
{
	struct life_node *node = node_of(chain);
	if (!chain_receipts(node->real, hashes, n, ret_receipts, err))
		return false;
	for (size_t i = 0; i < n; i++)
		receipt_bend(node, hashes[i], &ret_receipts[i]);
	return true;
}

static bool node_lookups(struct chain *chain, const struct hash32 *hashes, size_t n,
			 enum chain_lookup *ret_lookups, struct err *err)
{
	struct life_node *node = node_of(chain);
	if (node->lookups_away)
		return err_set(err, ERR_NOT_DONE, "injected: the node is away");
	if (!chain_lookups(node->real, hashes, n, ret_lookups, err))
		return false;
	/* What it was sent is in its pool for ever. */
	for (size_t i = 0; i < n && (node->stuck || node->pretends); i++)
		ret_lookups[i] = CHAIN_LOOKUP_PENDING;
	return true;
}

static bool node_blocks(struct chain *chain, const uint64_t *numbers, size_t n,
			struct chain_block *ret_blocks, struct err *err)
{
	const struct life_node *node = node_of(chain);
	if (node->blocks_away)
		return err_set(err, ERR_NOT_DONE, "injected: the node is away");
	if (!chain_blocks(node->real, numbers, n, ret_blocks, err))
		return false;
	for (size_t i = 0; i < n && node->stuck; i++)
		ret_blocks[i].known &= numbers[i] <= node->last.number;
	for (size_t i = 0; i < n; i++)
		if (is_invented(node, numbers[i]))
			ret_blocks[i] = (struct chain_block){ true, invented_hash(numbers[i]),
							      invented_hash(numbers[i] - 1) };
	for (size_t i = 0; i < n && node->blocks_of_fork; i++)
		ret_blocks[i].hash.bytes[0] ^= 1;
	return true;
}

static bool node_find(struct chain *chain, uint64_t block, const struct chain_wanted *wanted,
		      struct chain_found *ret_found, struct err *err)
{
	return chain_find(node_of(chain)->real, block, wanted, ret_found, err);
}

static bool node_transactions(struct chain *chain, uint64_t first, size_t blocks,
			      const struct address *senders, size_t n,
			      struct chain_transaction *ret_transactions, size_t cap,
			      size_t *ret_len, size_t *ret_blocks, struct err *err)
{
	const struct life_node *node = node_of(chain);
	size_t kept = 0;
	if (!chain_transactions(node->real, first, blocks, senders, n, ret_transactions, cap,
				ret_len, ret_blocks, err))
		return false;
	for (size_t i = 0; i < *ret_len; i++)
		if (!hash32_equal(ret_transactions[i].hash, node->hides))
			ret_transactions[kept++] = ret_transactions[i];
	for (size_t i = 0; i < kept; i++)
		if (!hash32_is_zero(node->fakes) &&
		    hash32_equal(ret_transactions[i].hash, node->fakes))
			ret_transactions[i].hash.bytes[0] ^= 1;
	for (size_t i = 0; i < kept; i++)
		if (!hash32_is_zero(node->strips) &&
		    hash32_equal(ret_transactions[i].hash, node->strips))
			ret_transactions[i].raw_len = 0;
	*ret_len = kept;
	return true;
}

static bool node_transfers(struct chain *chain, const struct chain_transfer_query *query,
			   struct chain_transfer *ret_transfers, size_t *ret_len,
			   struct hash32 *ret_last, struct err *err)
{
	const struct life_node *node = node_of(chain);
	struct chain_transfer_query real = *query;
	if (!is_invented(node, query->last))
		return chain_transfers(node->real, query, ret_transfers, ret_len, ret_last, err);
	*ret_len = 0;
	real.last = node->real_head;
	if (real.first <= real.last &&
	    !chain_transfers(node->real, &real, ret_transfers, ret_len, ret_last, err))
		return false;
	*ret_last = invented_hash(query->last);
	return true;
}

static void node_close(struct chain *chain)
{
	(void)chain; /* the life's own */
}

static const struct chain_ops node_ops = {
	.identity = node_identity,
	.head = node_head,
	.estimate_many = node_estimate_many,
	.balances = node_balances,
	.nonces = node_nonces,
	.codes = node_codes,
	.decimals = node_decimals,
	.send_many = node_send_many,
	.receipts = node_receipts,
	.lookups = node_lookups,
	.blocks = node_blocks,
	.find = node_find,
	.transactions = node_transactions,
	.transfers = node_transfers,
	.close = node_close,
};

struct life_node life_node_make(struct life *life)
{
	return (struct life_node){ .base = { &node_ops }, .real = life->chain, .head = UINT64_MAX };
}

void life_chain_give(struct life *life, enum life_role role, struct chain *chain)
{
	life->ports.chain = chain;
	life_restart(life, role);
	life->ports.chain = life->chain;
}

struct chain *life_gate_make(struct life *life, struct life_node *nodes, size_t len)
{
	struct chain_gate_options options = { .len = len,
					      .catalogue = &life->catalogue,
					      .clock = &life->clock.base };
	assert_in_range(len, 2, sizeof options.nodes / sizeof options.nodes[0]);
	for (size_t i = 0; i < len; i++)
		options.nodes[i] = &nodes[i].base;
	return chain_gate_new(&options);
}

void life_node_give(struct life *life, struct life_node *node)
{
	life_chain_give(life, LIFE_SIGNER, &node->base);
	life_chain_give(life, LIFE_MONITOR, &node->base);
	life_sign(life);
}
