/* A node that lies. Each answer is made honestly first and bent here, so that what a liar says has
 * the form of the truth; some of its lies fit each other, some contradict. Nobody but the checkers
 * knows better, and the other nodes. */
#include "sim/chain_parts.h"

#include <string.h>

#define BEND         0xa5 /* of a byte of a hash */
#define PAID_SPREAD  8    /* blocks over which false payments lie */
#define GAS_DEAR     20   /* times what it takes */
#define NONCE_OFF    3    /* at most */
#define REVERT_CODE  3
#define NONCE_KINDS  (2 * NONCE_OFF)
#define REFUSE_KINDS 3

static bool lies(struct sim_node *node, enum sim_lie lie)
{
	return (node->settings.lies >> lie & 1U) != 0 &&
	       sim_random_chance(&node->lies, node->settings.lie_per_mille);
}

/* A false chain is false in every answer, or nobody would follow it. */
static void fork_bend(const struct sim_node *node, uint64_t number, struct hash32 *hash)
{
	if ((node->settings.lies >> SIM_LIE_FORK & 1U) != 0 && number >= node->settings.lie_block)
		hash->bytes[0] ^= BEND;
}

void sim_lie_head(struct sim_node *node, struct chain_head *head)
{
	fork_bend(node, head->number, &head->hash);
	if (head->number > 0)
		fork_bend(node, head->number - 1, &head->parent);
	if (head->has_finalized)
		fork_bend(node, head->finalized_number, &head->finalized_hash);
	if (!lies(node, SIM_LIE_FINALIZED) || !head->has_finalized)
		return;
	head->finalized_number = head->number;
	head->finalized_hash = head->hash;
}

void sim_lie_block(struct sim_node *node, uint64_t number, struct chain_block *block)
{
	fork_bend(node, number, &block->hash);
	if (number > 0)
		fork_bend(node, number - 1, &block->parent);
}

/* As the receipt would be, had it paid. */
static void paid_make(const struct sim_node *node, uint32_t id, struct chain_receipt *receipt)
{
	const struct sim_chain *chain = node->chain;
	const struct sim_tx *tx = &chain->txs[id];
	struct sim_inclusion paid = { .tx = id, .success = true };
	uint64_t top = chain->blocks[node->head].number;
	uint64_t number = node->settings.lie_block + tx->hash.bytes[0] % PAID_SPREAD;
	number = number < top ? number : top;
	if (tx->call.is_transfer) {
		paid.is_token = true;
		paid.asset = chain->parties[tx->call.to].asset;
		paid.receiver = tx->call.receiver;
		paid.paid = tx->call.amount;
	}
	if (receipt->state != CHAIN_RECEIPT_FOUND) {
		receipt->block_number = number;
		receipt->block_hash = chain->blocks[sim_ancestor(chain, node->head, number)].hash;
		fork_bend(node, number, &receipt->block_hash);
	}
	receipt->state = CHAIN_RECEIPT_FOUND;
	receipt->success = true;
	receipt->tx_hash = tx->hash;
	receipt->gas_used = tx->gas_limit;
	receipt->gas_price.value = u256_from_u64(tx->cap);
	receipt->from = tx->from;
	receipt->to = chain->parties[tx->call.to].address;
	receipt->logs_len = sim_logs_of(chain, &paid, receipt->logs);
}

static void logs_bend(struct chain_receipt *receipt)
{
	bool amount = (receipt->tx_hash.bytes[0] & 1) != 0;
	for (size_t i = 0; i < receipt->logs_len; i++) {
		if (amount)
			receipt->logs[i].data[U256_BYTES - 1] ^= 1;
		else
			receipt->logs[i].topics[2].bytes[sizeof(struct hash32) - 1] ^= 1;
	}
}

static void invented_receipt(const struct sim_node *node, struct chain_receipt *receipt)
{
	*receipt = (struct chain_receipt){ .state = CHAIN_RECEIPT_FOUND,
					   .success = true,
					   .tx_hash = node->invented,
					   .block_hash = node->invented_hash,
					   .block_number = node->invented_block,
					   .from = node->invented_from };
}

void sim_lie_receipt(struct sim_node *node, struct hash32 tx_hash, struct chain_receipt *receipt)
{
	uint32_t id = sim_table_find(&node->chain->tx_of, tx_hash);
	if (node->settings.lies == 0)
		return;
	if (receipt->state == CHAIN_RECEIPT_FOUND)
		fork_bend(node, receipt->block_number, &receipt->block_hash);
	if (!hash32_is_zero(node->invented) && hash32_equal(node->invented, tx_hash))
		invented_receipt(node, receipt);
	else if (id != SIM_NONE && lies(node, SIM_LIE_PAID))
		paid_make(node, id, receipt);
	if (receipt->state != CHAIN_RECEIPT_FOUND)
		return;
	if (lies(node, SIM_LIE_ABSENT)) {
		*receipt = (struct chain_receipt){ .state = CHAIN_RECEIPT_ABSENT };
		return;
	}
	if (lies(node, SIM_LIE_REVERTED)) {
		receipt->success = false;
		receipt->logs_len = 0;
	}
	if (lies(node, SIM_LIE_LOGS))
		logs_bend(receipt);
	if (lies(node, SIM_LIE_BLOCK))
		receipt->block_hash.bytes[1] ^= BEND;
}

void sim_lie_nonce(struct sim_node *node, struct chain_nonce *nonce)
{
	unsigned kind = node->settings.lie_kind % NONCE_KINDS;
	uint64_t off = kind % NONCE_OFF + 1;
	if (!lies(node, SIM_LIE_NONCE) || !nonce->known)
		return;
	if (kind >= NONCE_OFF)
		nonce->count -= nonce->count < off ? nonce->count : off;
	else
		nonce->count += off;
}

void sim_lie_estimate(struct sim_node *node, const struct chain_call *asked,
		      struct chain_estimate *estimate)
{
	bool to_itself =
		asked->data_len == ABI_TRANSFER_BYTES
			? memcmp(asked->data + ABI_TRANSFER_BYTES - U256_BYTES - ADDRESS_BYTES,
				 asked->from.bytes, ADDRESS_BYTES) == 0
			: address_equal(asked->to, asked->from);
	unsigned kind = node->settings.lie_kind % REFUSE_KINDS;
	if (!lies(node, SIM_LIE_ESTIMATE))
		return;
	if (kind == 0) {
		estimate->gas *= GAS_DEAR;
		return;
	}
	/* One that refuses all but the wallet itself, and one that refuses everybody. */
	if (kind == 1 && to_itself)
		return;
	*estimate = (struct chain_estimate){ .text = "execution reverted" };
	estimate->state = chain_estimate_classify(REVERT_CODE, str_from(estimate->text));
}

/* What was asked for is there, if it was not: in the block in which it is looked for. */
void sim_lie_found(struct sim_node *node, uint64_t number, const struct chain_wanted *wanted,
		   struct chain_found *found)
{
	if (found->state != CHAIN_FOUND_UNKNOWN)
		fork_bend(node, number, &found->block_hash);
	if (found->state == CHAIN_FOUND_UNKNOWN || !hash32_is_zero(wanted->tx_hash) ||
	    !lies(node, SIM_LIE_STRANGER))
		return;
	sim_random_fill(&node->lies, node->invented.bytes, sizeof node->invented.bytes);
	node->invented_block = number;
	node->invented_hash = found->block_hash;
	node->invented_from = wanted->from;
	found->state = CHAIN_FOUND;
	found->tx_hash = node->invented;
	found->from = wanted->from;
	found->nonce = wanted->nonce;
	found->to = (struct address){ { 0 } };
	found->value = (struct wei){ u256_zero() };
	found->data_len = 0;
}

static void send_say(struct chain_send *send, const char *text)
{
	send->state = chain_error_classify(str_from(text));
	CHECK(str_copy(str_from(text), send->text, sizeof send->text));
}

bool sim_lie_send(struct sim_node *node, struct chain_send *send, bool *ret_takes)
{
	*ret_takes = false;
	if (lies(node, SIM_LIE_KNOWN)) {
		send_say(send, "already known");
		return true;
	}
	if (!lies(node, SIM_LIE_INVALID))
		return false;
	*ret_takes = sim_random_chance(&node->lies, 500);
	send_say(send, "invalid sender");
	return true;
}

void sim_lie_lookup(struct sim_node *node, enum chain_lookup *lookup)
{
	if (*lookup == CHAIN_LOOKUP_ABSENT && lies(node, SIM_LIE_KNOWN))
		*lookup = CHAIN_LOOKUP_PENDING;
}
