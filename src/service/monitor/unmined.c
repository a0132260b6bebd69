/* Slots that are final in the store, and whose nonce no block has: the chain took them back, or
 * somebody wrote so. All later ones of their wallet wait for them, and nobody would look: a final
 * slot is looked at by its block alone, and only the newest one's. What is held here goes out again
 * when two people say so (signer/resolve_back.c). */
#include "service/monitor/monitor_parts.h"

#include "base/defence.h"
#include "core/reason.h"
#include "port/store_recover.h"

/* Whether a node says that the nonce is open, by a head of its own whose block it has. One that has
 * not come to the slot's block lags, and says nothing; what an editor wrote there may never come,
 * so that a head as high as any is enough. */
static bool node_says_open(const struct monitor *self, struct chain *node,
			   const struct transfer *slot, bool *ret_open)
{
	struct chain_head head;
	struct chain_block block = { 0 };
	struct chain_nonce count = { 0 };
	if (!chain_head(node, &head, NULL) ||
	    (head.number < slot->mined_block && head.number < self->chain->top) ||
	    !chain_blocks(node, &head.number, 1, &block, NULL) || !block.known ||
	    !hash32_equal(block.hash, head.hash) ||
	    !chain_nonces(node, head.number, &slot->wallet, 1, &count, NULL) || !count.known)
		return false;
	*ret_open = count.count <= slot->nonce;
	return true;
}

/* As many nodes as have to agree, and none that has seen it taken. */
static bool is_open(struct monitor *self, const struct transfer *slot)
{
	size_t open_len = 0;
	for (size_t i = 0; i < chain_nodes_len(self->client); i++) {
		struct chain *node = NULL;
		bool open = false;
		if (!chain_node(self->client, i, &node, NULL) ||
		    !node_says_open(self, node, slot, &open))
			continue;
		if (!open)
			return false;
		open_len++;
	}
	return open_len >= chain_nodes_needed(self->client);
}

static bool slot_hold(struct monitor *self, const struct wallet *wallet,
		      const struct transfer *slot, struct err *err)
{
	if (!monitor_wallet_stop(self, wallet->id, REASON_FINAL_TAKEN_BACK, err) ||
	    !monitor_room(self, err))
		return false;
	monitor_observe(self, slot)->held_reason = reason_code(REASON_FINAL_TAKEN_BACK);
	monitor_log(self, slot, "transfer_taken_back", &slot->mined_hash,
		    "is final here, and no block has its nonce: people resolve it", true);
	return true;
}

/* The slot of the first nonce that no block has; all before it are taken. */
static bool wallet_look(struct monitor *self, size_t at, struct err *err)
{
	const struct wallet *wallet = &self->wallets[at];
	const struct chain_nonce *latest = &self->latest[at];
	struct unmined *seen = &self->chain->unmined[at];
	struct transfer slot;
	bool found = false;
	if (!latest->known || latest->count >= wallet->next_nonce) {
		seen->heads = 0;
		return true;
	}
	if (!store_transfer_of_slot(self->options.store, wallet->id, latest->count, &slot, &found,
				    err))
		return false;
	bool is_odd = found && slot.stage == TRANSFER_FINAL && slot.held_reason[0] == 0;
	seen->heads = is_odd && seen->nonce == slot.nonce ? seen->heads + 1 : is_odd ? 1 : 0;
	seen->nonce = latest->count;
	if (seen->heads < FOREIGN_SIGHTINGS || !DEFENCE("final_is_mined") || !is_open(self, &slot))
		return true;
	seen->heads = 0;
	return slot_hold(self, wallet, &slot, err);
}

bool monitor_unmined(struct monitor *self, struct err *err)
{
	if (!self->chain->new_head)
		return true;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (monitor_is_of_chain(self, &self->wallets[i]) && self->wallets[i].entered &&
		    !wallet_look(self, i, err))
			return false;
	return true;
}
