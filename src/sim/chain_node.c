/* What a node answers, at its own head. */
#include "sim/chain_node.h"

#include "sim/chain_parts.h"

#include <stdlib.h>
#include <string.h>

#define TIP_MIN        25000000000U /* bor's */
#define EXECUTABLE_MAX 16
#define GAPPED_MAX     64
#define REVERTED       3 /* JSON-RPC code of a revert */
#define SERVER_ERROR   (-32000)
#define LIES_STREAM    0x6c696172 /* of its own: honest nodes are as they would be */

static struct sim_node *node_of(struct chain *chain)
{
	return (struct sim_node *)chain;
}

static const struct sim_tree_block *head_of(const struct sim_node *node)
{
	return &node->chain->blocks[node->head];
}

/* ---- where it stands ---- */

static void block_return(struct sim_node *node, const struct sim_tree_block *block,
			 unsigned keep_per_mille)
{
	for (uint32_t i = 0; i < block->inclusions_len; i++) {
		uint32_t id = node->chain->inclusions[block->inclusions + i].tx;
		const struct sim_tx *tx = &node->chain->txs[id];
		const struct sim_pool_entry entry = { .nonce = tx->nonce, .tx = id };
		if (sim_random_chance(&node->random, keep_per_mille))
			(void)sim_pool_put(&node->pool, tx->call.wallet, entry);
	}
}

/* What was in the blocks that it leaves waits again, the lowest nonces first. */
static void head_move(struct sim_node *node, uint32_t to)
{
	const struct sim_chain *chain = node->chain;
	uint32_t ancestor = sim_common_ancestor(chain, node->head, to);
	/* A head that only steps back forgets nothing. */
	unsigned keep =
		ancestor == to ? 1000 : chain->branches[chain->blocks[to].branch].keep_per_mille;
	uint64_t top = head_of(node)->number;
	for (uint64_t number = chain->blocks[ancestor].number + 1; number <= top; number++)
		block_return(node, &chain->blocks[sim_ancestor(chain, node->head, number)], keep);
	node->head = to;
	for (unsigned i = 0; i < chain->wallets_len; i++)
		sim_pool_prune(&node->pool, i, head_of(node)->state.nonces[i]);
}

void sim_node_sync(struct sim_node *node)
{
	size_t newest = node->chain->moments_len - 1;
	uint64_t lag = node->settings.lag;
	if (node->settings.split_lag > 0 && sim_random_chance(&node->random, 500))
		lag = node->settings.split_lag;
	node->moment = lag > newest ? 0 : newest - (size_t)lag;
	uint32_t to = node->chain->moments[node->moment].head;
	if (to != node->head)
		head_move(node, to);
}

/* False and err when it does not answer at all. */
static bool answers(struct sim_node *node, struct err *err)
{
	if (node->settings.state == SIM_NODE_UP) {
		sim_node_sync(node);
		return true;
	}
	node->chain->counts.answers_refused++;
	return err_set(err, ERR_NOT_DONE, "%s",
		       node->settings.state == SIM_NODE_DOWN ? "connection refused"
							     : "no answer in time");
}

/* Is this one answer of a batch lost? */
static bool is_lost(struct sim_node *node)
{
	return sim_random_chance(&node->random, node->settings.unknown_per_mille);
}

/* The block with the state that is asked for; SIM_NONE when it is above the head, or pruned. */
static uint32_t state_block(const struct sim_node *node, uint64_t block)
{
	uint64_t head = head_of(node)->number;
	if (block == CHAIN_BLOCK_LATEST || block == CHAIN_BLOCK_PENDING)
		return node->head;
	if (block > head)
		return SIM_NONE;
	if (node->settings.state_blocks != 0 && head - block >= node->settings.state_blocks)
		return SIM_NONE;
	return sim_ancestor(node->chain, node->head, block);
}

/* The genesis block has none. */
static struct hash32 parent_hash(const struct sim_node *node, const struct sim_tree_block *block)
{
	if (block->parent == SIM_NONE)
		return (struct hash32){ { 0 } };
	return node->chain->blocks[block->parent].hash;
}

/* ---- the port ---- */

static bool node_identity(struct chain *chain, uint64_t *ret_chain_id, struct err *err)
{
	struct sim_node *node = node_of(chain);
	if (!answers(node, err))
		return false;
	*ret_chain_id = node->chain->options.chain_id;
	return true;
}

static void finalized_answer(const struct sim_node *node, struct chain_head *head)
{
	uint64_t number = node->chain->moments[node->moment].finalized;
	uint64_t back = node->settings.finalized_back;
	if (!node->chain->options.has_finality || node->settings.no_finalized)
		return;
	number = number > back ? number - back : 0;
	head->has_finalized = true;
	head->finalized_number = number;
	head->finalized_hash =
		node->chain->blocks[sim_ancestor(node->chain, node->head, number)].hash;
}

static bool node_head(struct chain *chain, struct chain_head *ret_head, struct err *err)
{
	struct sim_node *node = node_of(chain);
	uint64_t tip = node->settings.tip_suggested;
	if (!answers(node, err))
		return false;
	const struct sim_tree_block *block = head_of(node);
	*ret_head = (struct chain_head){
		.number = block->number,
		.hash = block->hash,
		.parent = parent_hash(node, block),
		.time_ms = block->time_ms,
		.base_fee = { u256_from_u64(block->base_fee) },
		.tip = { u256_from_u64(tip == 0 ? node->settings.tip_min : tip) },
		.gas_limit = node->chain->options.gas_limit,
	};
	finalized_answer(node, ret_head);
	sim_lie_head(node, ret_head);
	return true;
}

static void estimate_text(struct chain_estimate *estimate, int64_t code, const char *text)
{
	estimate->state = chain_estimate_classify(code, str_from(text));
	CHECK(str_copy(str_from(text), estimate->text, sizeof estimate->text));
}

static struct chain_estimate estimate(struct sim_node *node, const struct chain_call *asked)
{
	struct chain_estimate estimate = { .state = CHAIN_ESTIMATE_OK };
	const struct sim_state *state = &head_of(node)->state;
	struct sim_call call = sim_call_of(node->chain, asked->from, asked->to, asked->value.value,
					   asked->data, asked->data_len);
	if (call.wallet == SIM_NONE ||
	    u256_compare(state->balances[call.wallet][0], call.value) < 0) {
		estimate_text(&estimate, SERVER_ERROR, "insufficient funds for transfer");
		return estimate;
	}
	struct sim_effect effect = sim_effect_of(node->chain, state, &call);
	estimate.gas = effect.gas;
	if (!effect.success)
		estimate_text(&estimate, REVERTED, effect.reason);
	return estimate;
}

static bool node_estimate_many(struct chain *chain, const struct chain_call *calls, size_t n,
			       struct chain_estimate *ret_estimates, struct err *err)
{
	struct sim_node *node = node_of(chain);
	if (!answers(node, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		ret_estimates[i] = estimate(node, &calls[i]);
		sim_lie_estimate(node, &calls[i], &ret_estimates[i]);
		if (is_lost(node))
			ret_estimates[i] = (struct chain_estimate){ .state = CHAIN_ESTIMATE_UNKNOWN,
								    .text = "no answer" };
	}
	return true;
}

static struct chain_balance balance(const struct sim_node *node, uint32_t block,
				    const struct chain_balance_query *query)
{
	struct chain_balance balance = { .known = false };
	unsigned wallet = SIM_NONE, asset = 0;
	if (block == SIM_NONE || !sim_chain_wallet_of(node->chain, query->owner, &wallet))
		return balance; /* nobody asks for others */
	if (query->is_token && !sim_chain_asset_of(node->chain, query->token, &asset))
		return balance;
	balance.known = true;
	balance.units = node->chain->blocks[block].state.balances[wallet][asset];
	return balance;
}

static bool node_balances(struct chain *chain, uint64_t block,
			  const struct chain_balance_query *queries, size_t n,
			  struct chain_balance *ret_balances, struct err *err)
{
	struct sim_node *node = node_of(chain);
	if (!answers(node, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		ret_balances[i] = balance(node, state_block(node, block), &queries[i]);
		if (is_lost(node))
			ret_balances[i] = (struct chain_balance){ .known = false };
	}
	return true;
}

static struct chain_nonce nonce(const struct sim_node *node, uint64_t block, struct address wallet)
{
	struct chain_nonce nonce = { .known = false };
	uint32_t at = state_block(node, block);
	unsigned index = SIM_NONE;
	if (at == SIM_NONE)
		return nonce;
	nonce.known = true;
	if (!sim_chain_wallet_of(node->chain, wallet, &index))
		return nonce;
	nonce.count = node->chain->blocks[at].state.nonces[index];
	if (block == CHAIN_BLOCK_PENDING)
		nonce.count += sim_pool_executable(&node->pool, index, nonce.count);
	return nonce;
}

static bool node_nonces(struct chain *chain, uint64_t block, const struct address *wallets,
			size_t n, struct chain_nonce *ret_nonces, struct err *err)
{
	struct sim_node *node = node_of(chain);
	if (!answers(node, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		ret_nonces[i] = nonce(node, block, wallets[i]);
		sim_lie_nonce(node, &ret_nonces[i]);
		if (is_lost(node))
			ret_nonces[i] = (struct chain_nonce){ .known = false };
	}
	return true;
}

/* Tokens alone are contracts here. */
static bool node_codes(struct chain *chain, const struct address *addresses, size_t n,
		       enum chain_code *ret_codes, struct err *err)
{
	struct sim_node *node = node_of(chain);
	unsigned asset;
	if (!answers(node, err))
		return false;
	for (size_t i = 0; i < n; i++)
		ret_codes[i] = is_lost(node) ? CHAIN_CODE_UNKNOWN
			       : sim_chain_asset_of(node->chain, addresses[i], &asset)
				       ? CHAIN_CODE_CONTRACT
				       : CHAIN_CODE_NONE;
	return true;
}

static bool node_decimals(struct chain *chain, struct address token, unsigned *ret_decimals,
			  struct err *err)
{
	struct sim_node *node = node_of(chain);
	unsigned asset;
	if (!answers(node, err))
		return false;
	if (!sim_chain_asset_of(node->chain, token, &asset))
		return err_set(err, ERR_NOT_DONE, "decimals(): there is no contract");
	*ret_decimals = node->chain->tokens[asset].decimals;
	return true;
}

static void send_lose(struct sim_node *node, struct chain_send *send, const char *text)
{
	node->chain->counts.answers_lost++;
	*send = (struct chain_send){ .state = CHAIN_SEND_UNKNOWN };
	CHECK(str_copy(str_from(text), send->text, sizeof send->text));
}

static struct chain_send send_one(struct sim_node *node, struct str raw)
{
	struct chain_send send = { .state = CHAIN_SEND_ACCEPTED };
	bool lost = is_lost(node);
	bool takes = true;
	if (sim_lie_send(node, &send, &takes)) {
		if (takes)
			(void)sim_node_take(node, raw);
		return send;
	}
	/* One half gets lost on the way there, the other on the way back. */
	if (lost && sim_random_chance(&node->random, 500)) {
		send_lose(node, &send, "no answer");
		return send;
	}
	const char *refusal = sim_node_take(node, raw);
	if (refusal != NULL) {
		send.state = chain_error_classify(str_from(refusal));
		CHECK(str_copy(str_from(refusal), send.text, sizeof send.text));
	}
	if (lost)
		send_lose(node, &send, "no answer");
	else if (node->settings.state == SIM_NODE_HANGS)
		send_lose(node, &send, "no answer in time");
	return send;
}

static void node_send_many(struct chain *chain, const struct str *raw, size_t n,
			   struct chain_send *ret_sends)
{
	struct sim_node *node = node_of(chain);
	bool down = node->settings.state == SIM_NODE_DOWN;
	node->chain->counts.answers_refused += down;
	sim_node_sync(node);
	for (size_t i = 0; i < n; i++) {
		if (down)
			ret_sends[i] = (struct chain_send){ .state = CHAIN_SEND_UNKNOWN,
							    .text = "connection refused" };
		else
			ret_sends[i] = send_one(node, raw[i]);
		node->chain->counts.sends[ret_sends[i].state]++;
	}
}

static struct chain_receipt receipt(const struct sim_node *node, struct hash32 hash)
{
	const struct sim_chain *chain = node->chain;
	struct chain_receipt receipt = { .state = CHAIN_RECEIPT_ABSENT };
	uint32_t id = sim_table_find(&chain->tx_of, hash);
	uint32_t at = id == SIM_NONE ? SIM_NONE : sim_inclusion_seen(chain, id, node->head);
	if (at == SIM_NONE)
		return receipt;
	const struct sim_inclusion *inclusion = &chain->inclusions[at];
	const struct sim_tree_block *block = &chain->blocks[inclusion->block];
	receipt.state = CHAIN_RECEIPT_FOUND;
	receipt.success = inclusion->success;
	receipt.tx_hash = hash;
	receipt.block_hash = block->hash;
	receipt.block_number = block->number;
	receipt.gas_used = inclusion->gas_used;
	receipt.gas_price.value = u256_from_u64(inclusion->gas_price);
	receipt.from = chain->txs[id].from;
	receipt.to = chain->parties[chain->txs[id].call.to].address;
	receipt.logs_len = sim_logs_of(chain, inclusion, receipt.logs);
	return receipt;
}

static bool node_receipts(struct chain *chain, const struct hash32 *hashes, size_t n,
			  struct chain_receipt *ret_receipts, struct err *err)
{
	struct sim_node *node = node_of(chain);
	if (!answers(node, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		ret_receipts[i] = receipt(node, hashes[i]);
		sim_lie_receipt(node, hashes[i], &ret_receipts[i]);
		if (is_lost(node))
			ret_receipts[i] = (struct chain_receipt){ .state = CHAIN_RECEIPT_UNKNOWN };
	}
	return true;
}

static enum chain_lookup lookup(const struct sim_node *node, struct hash32 hash)
{
	uint32_t id = sim_table_find(&node->chain->tx_of, hash);
	if (id == SIM_NONE)
		return CHAIN_LOOKUP_ABSENT;
	if (sim_inclusion_seen(node->chain, id, node->head) != SIM_NONE)
		return CHAIN_LOOKUP_MINED;
	return sim_node_has(node, hash) ? CHAIN_LOOKUP_PENDING : CHAIN_LOOKUP_ABSENT;
}

static bool node_lookups(struct chain *chain, const struct hash32 *hashes, size_t n,
			 enum chain_lookup *ret_lookups, struct err *err)
{
	struct sim_node *node = node_of(chain);
	if (!answers(node, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		ret_lookups[i] = lookup(node, hashes[i]);
		sim_lie_lookup(node, &ret_lookups[i]);
		if (is_lost(node))
			ret_lookups[i] = CHAIN_LOOKUP_UNKNOWN;
	}
	return true;
}

static bool node_blocks(struct chain *chain, const uint64_t *numbers, size_t n,
			struct chain_block *ret_blocks, struct err *err)
{
	struct sim_node *node = node_of(chain);
	if (!answers(node, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		ret_blocks[i] = (struct chain_block){ .known = false };
		if (numbers[i] > head_of(node)->number || is_lost(node))
			continue;
		uint32_t block = sim_ancestor(node->chain, node->head, numbers[i]);
		ret_blocks[i].known = true;
		ret_blocks[i].hash = node->chain->blocks[block].hash;
		ret_blocks[i].parent = parent_hash(node, &node->chain->blocks[block]);
		sim_lie_block(node, numbers[i], &ret_blocks[i]);
	}
	return true;
}

static bool is_wanted(const struct sim_tx *tx, const struct chain_wanted *wanted)
{
	if (!hash32_is_zero(wanted->tx_hash))
		return hash32_equal(tx->hash, wanted->tx_hash);
	return address_equal(tx->from, wanted->from) && tx->nonce == wanted->nonce;
}

static bool node_find(struct chain *chain, uint64_t number, const struct chain_wanted *wanted,
		      struct chain_found *ret_found, struct err *err)
{
	struct sim_node *node = node_of(chain);
	*ret_found = (struct chain_found){ .state = CHAIN_FOUND_UNKNOWN };
	if (!answers(node, err))
		return false;
	if (number > head_of(node)->number || is_lost(node))
		return true;
	const struct sim_tree_block *block =
		&node->chain->blocks[sim_ancestor(node->chain, node->head, number)];
	ret_found->state = CHAIN_FOUND_ABSENT;
	ret_found->block_hash = block->hash;
	ret_found->time_ms = block->time_ms;
	for (uint32_t i = 0; i < block->inclusions_len; i++) {
		const struct sim_tx *tx =
			&node->chain->txs[node->chain->inclusions[block->inclusions + i].tx];
		if (!is_wanted(tx, wanted))
			continue;
		ret_found->state = CHAIN_FOUND;
		ret_found->tx_hash = tx->hash;
		ret_found->from = tx->from;
		ret_found->to = node->chain->parties[tx->call.to].address;
		ret_found->nonce = tx->nonce;
		ret_found->value.value = tx->call.value;
		ret_found->data_len = tx->call.is_transfer ? ABI_TRANSFER_BYTES : 0;
	}
	sim_lie_found(node, number, wanted, ret_found);
	return true;
}

static bool is_among(const struct address *all, size_t n, struct address one)
{
	for (size_t i = 0; i < n; i++)
		if (address_equal(all[i], one))
			return true;
	return false;
}

static bool block_transactions(const struct sim_node *node, uint64_t number,
			       const struct address *senders, size_t n,
			       struct chain_transaction *ret_transactions, size_t cap, size_t *len)
{
	const struct sim_chain *chain = node->chain;
	const struct sim_tree_block *block =
		&chain->blocks[sim_ancestor(chain, node->head, number)];
	size_t at = *len;
	for (uint32_t i = 0; i < block->inclusions_len; i++) {
		const struct sim_tx *tx = &chain->txs[chain->inclusions[block->inclusions + i].tx];
		if (!is_among(senders, n, tx->from))
			continue;
		if (at == cap)
			return false;
		struct chain_transaction *one = &ret_transactions[at++];
		*one = (struct chain_transaction){ .from = tx->from,
						   .nonce = tx->nonce,
						   .block = number,
						   .hash = tx->hash,
						   .raw_len = tx->raw_len };
		memcpy(one->raw, tx->raw, tx->raw_len);
	}
	*len = at;
	return true;
}

static bool node_transactions(struct chain *chain, uint64_t first, size_t blocks,
			      const struct address *senders, size_t n,
			      struct chain_transaction *ret_transactions, size_t cap,
			      size_t *ret_len, size_t *ret_blocks, struct err *err)
{
	struct sim_node *node = node_of(chain);
	*ret_len = *ret_blocks = 0;
	if (!answers(node, err))
		return false;
	if (is_lost(node))
		return err_set(err, ERR_NOT_DONE, "the node did not answer for these blocks");
	while (*ret_blocks < blocks && first + *ret_blocks <= head_of(node)->number &&
	       block_transactions(node, first + *ret_blocks, senders, n, ret_transactions, cap,
				  ret_len))
		++*ret_blocks;
	return true;
}

static void block_transfers(struct sim_node *node, const struct sim_tree_block *block,
			    const struct chain_transfer_query *query,
			    struct chain_transfer *ret_transfers, size_t *len)
{
	for (uint32_t i = 0; i < block->inclusions_len; i++) {
		const struct sim_inclusion *inclusion =
			&node->chain->inclusions[block->inclusions + i];
		struct abi_log logs[CHAIN_LOGS_MAX];
		size_t logs_len = sim_logs_of(node->chain, inclusion, logs);
		for (size_t k = 0; k < logs_len; k++) {
			struct chain_transfer one = { .contract = logs[k].contract,
						      .tx_hash =
							      node->chain->txs[inclusion->tx].hash,
						      .block = block->number };
			if (!abi_read_transfer_log(&logs[k], &one.transfer) ||
			    u256_is_zero(one.transfer.amount.units) ||
			    !is_among(query->contracts, query->contracts_len, one.contract) ||
			    !is_among(query->wallets, query->wallets_len, one.transfer.from))
				continue;
			if (*len < CHAIN_TRANSFERS_MAX)
				ret_transfers[(*len)++] = one;
		}
	}
}

static bool node_transfers(struct chain *chain, const struct chain_transfer_query *query,
			   struct chain_transfer *ret_transfers, size_t *ret_len,
			   struct hash32 *ret_last, struct err *err)
{
	struct sim_node *node = node_of(chain);
	size_t len = 0;
	if (!answers(node, err))
		return false;
	if (query->last > head_of(node)->number || is_lost(node))
		return err_set(err, ERR_NOT_DONE, "the node does not have these blocks");
	for (uint64_t number = query->first; number <= query->last; number++) {
		const struct sim_tree_block *block =
			&node->chain->blocks[sim_ancestor(node->chain, node->head, number)];
		block_transfers(node, block, query, ret_transfers, &len);
		*ret_last = block->hash;
	}
	*ret_len = len;
	return true;
}

static void node_close(struct chain *chain)
{
	(void)chain; /* it is the simulated chain's */
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

/* ---- the world's side ---- */

struct sim_node_settings sim_node_settings_default(void)
{
	return (struct sim_node_settings){ .tip_min = TIP_MIN,
					   .executable_max = EXECUTABLE_MAX,
					   .gapped_max = GAPPED_MAX,
					   .gossip_per_mille = 1000 };
}

struct sim_node *sim_node_add(struct sim_chain *chain, const struct sim_node_settings *settings)
{
	CHECK(chain->nodes_len < SIM_NODES_MAX);
	CHECK(settings->executable_max >= 1 && settings->executable_max <= SIM_POOL_MAX / 2);
	CHECK(settings->gapped_max <= SIM_POOL_MAX / 2);
	struct sim_node *node = calloc(1, sizeof *node);
	CHECK(node != NULL);
	node->base.ops = &node_ops;
	node->chain = chain;
	node->index = chain->nodes_len;
	node->settings = *settings;
	node->random = sim_random_fork(&chain->random, "node");
	node->lies = sim_random_of(node->random.state ^ LIES_STREAM);
	chain->nodes[chain->nodes_len++] = node;
	sim_node_sync(node);
	return node;
}

struct sim_node_settings *sim_node_settings(struct sim_node *node)
{
	return &node->settings;
}

struct chain *sim_node_port(struct sim_node *node)
{
	return &node->base;
}

size_t sim_node_evict(struct sim_node *node, unsigned per_mille)
{
	size_t gone = sim_pool_evict(&node->pool, &node->random, per_mille);
	node->chain->counts.evicted += gone;
	return gone;
}

size_t sim_node_pool_len(const struct sim_node *node)
{
	return sim_pool_len(&node->pool);
}

bool sim_node_has(const struct sim_node *node, struct hash32 tx_hash)
{
	uint32_t id = sim_table_find(&node->chain->tx_of, tx_hash);
	if (id == SIM_NONE || node->chain->txs[id].call.wallet == SIM_NONE)
		return false;
	const struct sim_tx *tx = &node->chain->txs[id];
	const struct sim_pool_entry *entry = sim_pool_find(&node->pool, tx->call.wallet, tx->nonce);
	return entry != NULL && entry->tx == id;
}

uint64_t sim_node_head(struct sim_node *node)
{
	sim_node_sync(node);
	return head_of(node)->number;
}
