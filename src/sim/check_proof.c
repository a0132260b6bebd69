/* What a round costs, and what it stands on: a right of the journal for every signature, a void for
 * every end without payment, and for every later round the proof that the one before was not paid,
 * as the process itself was told in the same step, or as people resolved it. */
#include "sim/check.h"
#include "sim/check_port.h"

#include "core/tx.h"

#define NODES_AGREE 2

/* ---- a later round ---- */

/* Does this head of the node prove that what stands in the block is there for good? */
static bool head_proves(const struct sim_world *world, const struct sim_view *view,
			const struct chain_head *head, const struct sim_seen_receipt *receipt,
			uint64_t depth)
{
	const struct chain_params *chain = &world->catalogue.chains[0];
	if (head->number < receipt->block || head->number - receipt->block < depth)
		return false;
	if (chain->has_finality &&
	    (!head->has_finalized || head->finalized_number < receipt->block))
		return false;
	if (!sim_view_has_block(view, receipt->block, receipt->block_hash) ||
	    !sim_view_has_block(view, head->number, head->hash))
		return false;
	return !head->has_finalized ||
	       sim_view_has_block(view, head->finalized_number, head->finalized_hash);
}

static bool view_proves(const struct sim_world *world, const struct sim_view *view,
			const struct sim_seen_receipt *receipt, uint64_t depth)
{
	size_t heads = view->heads_len < SIM_SEEN_HEADS ? view->heads_len : SIM_SEEN_HEADS;
	for (size_t i = 0; receipt != NULL && i < heads; i++)
		if (head_proves(world, view, &view->heads[i], receipt, depth))
			return true;
	return false;
}

/* The receipt of the slot's transaction that this node proves, if it does. */
static const struct sim_seen_receipt *node_proves(struct sim_world *world,
						  const struct sim_view *view,
						  const struct sim_slot *slot)
{
	uint64_t depth = world->catalogue.chains[0].depth_unpaid;
	for (unsigned number = 1; number <= slot->attempts; number++) {
		struct hash32 hash;
		if (!sim_slot_hash(world, slot, number, &hash))
			continue;
		const struct sim_seen_receipt *receipt = sim_view_receipt(view, hash);
		if (view_proves(world, view, receipt, depth))
			return receipt;
	}
	/* An editor may have given its attempts to a row of his own: they prove what they did. */
	struct sim_mined consumer;
	if (!slot->is_edited ||
	    !sim_chain_consumer(world->model, slot->wallet, slot->nonce, &consumer))
		return NULL;
	const struct sim_seen_receipt *receipt = sim_view_receipt(view, consumer.tx_hash);
	return view_proves(world, view, receipt, depth) ? receipt : NULL;
}

/* Two people said so, and the journal has it, of the transaction that took the nonce indeed, and
 * that paid nobody of ours. What the slot's row says of it anybody may have written. */
static bool is_resolved(struct sim_world *world, const struct sim_slot *slot, struct id withdrawal)
{
	struct journal_resolution said;
	struct sim_mined consumer;
	struct err err = { 0 };
	bool any = false;
	if (slot->stage != TRANSFER_FINAL || slot->order < 0 ||
	    !world->orders[slot->order].resolved)
		return false;
	CHECK(journal_resolution_of(world->journal, withdrawal, slot->round, &any, &said, &err));
	if (!any || said.is_paid)
		return false;
	if ((world->causes & SIM_CAUSE_TAKE_BACK) != 0)
		return true;
	return sim_chain_consumer(world->model, slot->wallet, slot->nonce, &consumer) &&
	       hash32_equal(consumer.tx_hash, said.tx_hash) &&
	       (consumer.is_foreign || !consumer.success || u256_is_zero(consumer.paid));
}

static const struct sim_order *order_of(const struct sim_world *world, struct id withdrawal)
{
	for (size_t i = 0; i < world->orders_len; i++)
		if (id_equal(world->orders[i].id_stored, withdrawal))
			return &world->orders[i];
	return NULL;
}

void sim_check_round_proof(struct sim_process *process, struct id withdrawal, unsigned round)
{
	struct sim_world *world = process->world;
	const struct sim_slot *slot = sim_slot_of_round(world, withdrawal, round - 1);
	const struct sim_order *order = order_of(world, withdrawal);
	const struct sim_seen_receipt *first = NULL;
	size_t agree = 0;
	size_t needed = world->nodes_len < NODES_AGREE ? world->nodes_len : NODES_AGREE;
	CHECK(round > 0);
	/* An editor gave it a slot for which nothing was ever signed. */
	if (slot == NULL && order != NULL && (order->causes & SIM_CAUSE_EDITED) != 0)
		return;
	if (slot != NULL && is_resolved(world, slot, withdrawal))
		return;
	for (size_t i = 0; slot != NULL && i < world->nodes_len; i++) {
		const struct sim_seen_receipt *receipt =
			node_proves(world, &process->seen->views[i], slot);
		if (receipt == NULL)
			continue;
		if (first != NULL && (!hash32_equal(first->tx_hash, receipt->tx_hash) ||
				      first->success != receipt->success))
			agree = 0;
		first = receipt;
		agree++;
	}
	if (agree < needed)
		sim_fail(world, "proof",
			 "%s: %s goes on to round %u, %zu of %zu nodes proved that it was unpaid",
			 process->instance, order != NULL ? order->key : "somebody", round, agree,
			 needed);
}

/* ---- the journal ---- */

static size_t rights_read(struct sim_world *world, struct id withdrawal,
			  struct journal_right rights[ATTEMPTS_MAX])
{
	uint8_t tag[32] = { 0 };
	struct withdrawal row;
	struct err err = { 0 };
	bool found = false;
	size_t n = 0;
	/* Of the client's key, whatever row had it. */
	CHECK(store_withdrawals_load(world->store, &withdrawal, 1, &row, &found, &err));
	if (found && sim_restore_was(world))
		pay_tag_make(world->keys_bytes[2], &row.intent, tag);
	CHECK(journal_rights_of(world->journal, withdrawal, tag, rights, ATTEMPTS_MAX, &n, &err));
	return n;
}

static bool round_is_spent(struct sim_world *world, struct id withdrawal, unsigned round)
{
	struct journal_right rights[ATTEMPTS_MAX];
	size_t n = rights_read(world, withdrawal, rights);
	for (size_t i = 0; i < n; i++)
		if (rights[i].round == round)
			return true;
	return false;
}

void sim_before_journal(struct sim_process *process, const struct journal_entry *entries, size_t n)
{
	struct sim_world *world = process->world;
	for (size_t i = 0; i < n; i++)
		world->before[i].spent =
			entries[i].has_right && entries[i].right.round > 0 &&
			round_is_spent(world, entries[i].right.withdrawal, entries[i].right.round);
}

/* What a restore has found, and nobody has asked for: it was paid long ago, its id is older than
 * all that were made, and its round is no number of tries. */
static bool is_of_nobody(const struct journal_right *right)
{
	static const uint8_t oldest[6] = { 0 };
	return memcmp(right->withdrawal.bytes, oldest, sizeof oldest) == 0;
}

void sim_after_journal(struct sim_process *process, const struct journal_entry *entries, size_t n,
		       const enum journal_verdict *verdicts)
{
	struct sim_world *world = process->world;
	sim_plant_port(process, SIM_CALL_JOURNAL_APPEND);
	for (size_t i = 0; i < n && !world->failed; i++) {
		const struct journal_entry *entry = &entries[i];
		bool is_new = verdicts[i] == JOURNAL_WRITTEN && entry->has_right &&
			      entry->right.round > 0 && !world->before[i].spent &&
			      !is_of_nobody(&entry->right);
		/* A slot that pays nobody needs no proof: its right is spent on nothing. */
		if (is_new && (entry->right.is_void || entry->kind == JOURNAL_PAY))
			sim_check_round_proof(process, entry->right.withdrawal, entry->right.round);
	}
}

bool sim_has_void(struct sim_world *world, const struct sim_order *order, enum withdrawal_stage to)
{
	struct journal_right rights[ATTEMPTS_MAX];
	size_t n = rights_read(world, order->id_stored, rights);
	for (size_t i = 0; i < n; i++)
		if (rights[i].is_void &&
		    strcmp(rights[i].void_stage, withdrawal_stage_text(to)) == 0)
			return true;
	return false;
}

void sim_check_void(struct sim_world *world, const struct sim_order *order,
		    enum withdrawal_stage to)
{
	if (!sim_has_void(world, order, to))
		sim_fail(world, "journal", "%s ended unpaid, and the journal has no void of it",
			 order->key);
}

/* The newest round is spent on this very slot, and none is void. */
static void right_check(struct sim_world *world, const struct sim_slot *slot)
{
	const struct sim_order *order = &world->orders[slot->order];
	struct journal_right rights[ATTEMPTS_MAX];
	bool on_slot = false;
	size_t n = rights_read(world, order->id_stored, rights);
	for (size_t i = 0; i < n; i++) {
		if (rights[i].is_void || rights[i].round > slot->round)
			on_slot = false;
		else if (rights[i].round == slot->round)
			on_slot = rights[i].slot.nonce == slot->nonce &&
				  address_equal(rights[i].slot.wallet,
						world->catalogue.wallets[slot->wallet].address);
		if (rights[i].is_void)
			break;
	}
	if (!on_slot)
		sim_fail(world, "journal", "%s is signed, and its right is not spent on that slot",
			 order->key);
}

void sim_check_journaled(struct sim_world *world, const struct sim_slot *slot, const struct tx *tx,
			 bool pays)
{
	struct err err = { 0 };
	bool has_pay = false, has_cancel = false;
	struct hash32 pay_hash = { { 0 } };
	struct wei ceiling;
	uint32_t attempts = 0;
	struct address wallet = world->catalogue.wallets[slot->wallet].address;
	struct journal_slot key = { world->catalogue.chains[0].chain_id, wallet, slot->nonce };
	CHECK(journal_slot_of(world->journal, &key, &has_pay, &has_cancel, &pay_hash, &ceiling,
			      &attempts, &err));
	bool good =
		pays ? has_pay && hash32_equal(pay_hash, tx_payload_hash(tx, wallet)) : has_cancel;
	if (!good || attempts == 0)
		sim_fail(world, "journal", "wallet %u nonce %llu is signed, and not journaled so",
			 slot->wallet, (unsigned long long)slot->nonce);
	else if (pays && slot->order >= 0 && slot->paid_at == 0)
		right_check(world, slot);
}

/* ---- final ---- */

/* Did two nodes say so, where there are two, each of its own chain? */
static void witness_check(struct sim_process *process, const struct store_observation *item)
{
	struct sim_world *world = process->world;
	const struct chain_params *chain = &world->catalogue.chains[0];
	bool paid = item->outcome == OUTCOME_SUCCEEDED;
	size_t agree = 0;
	for (size_t i = 0; i < world->nodes_len; i++) {
		const struct sim_view *view = &process->seen->views[i];
		const struct sim_seen_receipt *receipt = sim_view_receipt(view, item->mined_hash);
		bool same = receipt != NULL &&
			    hash32_equal(receipt->block_hash, item->mined_block_hash) &&
			    (receipt->success || !paid) &&
			    (!receipt->success || item->outcome != OUTCOME_REVERTED);
		agree += same && view_proves(world, view, receipt,
					     paid ? chain->depth_paid : chain->depth_unpaid);
	}
	if (world->nodes_len >= NODES_AGREE && agree < NODES_AGREE)
		sim_fail(world, "proof", "%s: final in block %llu, and %zu of %zu nodes say so",
			 process->instance, (unsigned long long)item->mined_block, agree,
			 world->nodes_len);
}

void sim_check_final_proof(struct sim_process *process, const struct store_observation *item)
{
	struct sim_world *world = process->world;
	const struct sim_view *view = &process->seen->views[SIM_NODES_MAX];
	const struct chain_head *head = sim_view_head(view);
	const struct sim_seen_receipt *receipt = sim_view_receipt(view, item->mined_hash);
	if (head == NULL || head->number < item->mined_block)
		sim_fail(world, "proof", "%s: final in block %llu, above its own head",
			 process->instance, (unsigned long long)item->mined_block);
	else if (world->has_finality &&
		 (!head->has_finalized || head->finalized_number < item->mined_block))
		sim_fail(world, "proof",
			 "%s: final in block %llu, and the node of its head does not say so",
			 process->instance, (unsigned long long)item->mined_block);
	else if (item->outcome != OUTCOME_SUCCEEDED &&
		 (receipt == NULL || !hash32_equal(receipt->block_hash, item->mined_block_hash)))
		sim_fail(
			world, "proof",
			"%s: final and unpaid in block %llu, and it did not read the receipt again",
			process->instance, (unsigned long long)item->mined_block);
	else
		witness_check(process, item);
}
