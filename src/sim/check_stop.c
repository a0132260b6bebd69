/* Who calls a person needs a reason: a wallet that stops, a withdrawal that is held. And who has to
 * be called is, in time. */
#include "sim/check.h"

/* ---- for nothing ---- */

static bool is_reason(const char *reason, const char *text)
{
	return strcmp(reason, text) == 0;
}

/* Was anything done that this reason tells of? */
static bool is_caused(const struct sim_world *world, unsigned wallet, const char *reason)
{
	bool taken_back = (world->causes & SIM_CAUSE_TAKE_BACK) != 0;
	if (is_reason(reason, "recovering") || is_reason(reason, "recovered"))
		return sim_restore_was(world);
	if (is_reason(reason, "nonce_consumed_elsewhere"))
		return taken_back || (world->foreign & (1U << wallet)) != 0 ||
		       world->has_slot_edits || world->has_lies;
	/* A row that an editor made ends as he likes: in a block that goes away, or as its status
	 * does not say. */
	if (is_reason(reason, "final_taken_back"))
		return taken_back || world->has_lies || world->has_slot_edits;
	if (is_reason(reason, "settled_otherwise"))
		return taken_back || world->has_lies || (world->forges && world->has_slot_edits);
	if (is_reason(reason, "node_says_invalid"))
		return world->has_lies;
	if (is_reason(reason, "reconciliation_differs") &&
	    (taken_back || world->has_lies || (world->foreign & (1U << wallet)) != 0))
		return true;
	return world->has_edits && !is_reason(reason, "signature_mismatch");
}

void sim_check_stopped(struct sim_world *world, unsigned wallet)
{
	char reason[REASON_LEN_MAX + 1] = "";
	size_t len = 0;
	(void)sim_ask_bytes(world, "SELECT stop_reason FROM wallets WHERE rowid = ?", wallet + 1,
			    reason, sizeof reason - 1, &len);
	sim_tell(world, "wallet %u is stopped: %s", wallet, reason);
	if (!is_caused(world, wallet, reason))
		sim_fail(world, "stop", "wallet %u stops for %s, and nothing was done to it",
			 wallet, reason);
}

void sim_check_alarm(struct sim_world *world, const char *action, const char *key,
		     const char *message)
{
	if (action == NULL || key == NULL || strcmp(action, "withdrawal_held") != 0 ||
	    strstr(message, "dead_letter") != NULL || world->causes != 0 || world->has_lies)
		return;
	for (size_t i = 0; i < world->orders_len; i++) {
		const struct sim_order *order = &world->orders[i];
		if (strcmp(order->key, key) == 0 && order->causes == 0)
			sim_fail(world, "hold", "a person is called for %s (%s) for nothing",
				 order->key, message);
	}
}

/* ---- in time ---- */

#define STALE_BLOCKS 24
#define STALE_MS     60000

/* Is the block that the row names the chain's? */
static bool block_stands(struct sim_world *world, const struct sim_slot *slot)
{
	struct sim_block block;
	struct hash32 stored = { { 0 } };
	size_t len = 0;
	int64_t number = sim_ask_i64(
		world, "SELECT mined_block FROM transfers WHERE rowid = ? AND held_reason = ''",
		slot->row);
	if (number < 0 ||
	    !sim_ask_bytes(world, "SELECT mined_block_hash FROM transfers WHERE rowid = ?",
			   slot->row, stored.bytes, sizeof stored.bytes, &len))
		return true;
	return sim_chain_block(world->model, (uint64_t)number, &block) &&
	       hash32_equal(block.hash, stored);
}

/* A slot whose block was taken back is looked for again, and not when it is about to be final. */
static void stale_check(struct sim_world *world, struct sim_slot *slot)
{
	if (slot->stage != TRANSFER_MINED || slot->is_edited || slot->is_lost ||
	    block_stands(world, slot)) {
		slot->stale_since = 0;
		return;
	}
	if (slot->stale_since == 0)
		slot->stale_since = world->now_ms;
	if (world->now_ms - slot->stale_since > STALE_MS + STALE_BLOCKS * world->block_ms)
		sim_fail(world, "T12",
			 "wallet %u nonce %llu: its block went away, and nobody notices",
			 slot->wallet, (unsigned long long)slot->nonce);
}

void sim_check_calm(struct sim_world *world)
{
	for (size_t i = 0; i < world->slots_len && !world->failed; i++)
		stale_check(world, &world->slots[i]);
}

/* T9: a final slot whose block is not the chain's any more stops every wallet. */
bool sim_check_goes_on(struct sim_world *world)
{
	if ((world->causes & SIM_CAUSE_TAKE_BACK) == 0 ||
	    sim_ask_i64(world, "SELECT COUNT(*) FROM wallets WHERE stop_reason = '' AND id > ?",
			0) == 0)
		return false;
	for (size_t i = 0; i < world->slots_len; i++)
		if (world->slots[i].stage == TRANSFER_FINAL && !world->slots[i].is_edited &&
		    !block_stands(world, &world->slots[i]))
			return true;
	return false;
}
