/* At the end: everything that was accepted has ended, and the money is where the list of answers
 * says. */
#include "sim/check.h"

static bool is_terminal(const struct sim_order *order)
{
	return order->stage >= WITHDRAWAL_COMPLETED;
}

/* Was the row of a slot of it edited, or made, is it bound to such a one, or does its own stand
 * behind one that has not ended? It may wait for what the row says, and that never comes. */
static bool has_edited_slot(struct sim_world *world, const struct sim_order *order)
{
	int64_t bound =
		sim_ask_i64(world,
			    "SELECT COALESCE((SELECT t.rowid FROM withdrawals w JOIN transfers t "
			    "ON t.id = w.transfer_id WHERE w.rowid = ?), 0)",
			    order->row);
	const struct sim_slot *its = NULL;
	for (size_t i = 0; i < world->slots_len; i++)
		if (world->slots[i].row == bound)
			its = &world->slots[i];
	for (size_t i = 0; i < world->slots_len; i++) {
		const struct sim_slot *slot = &world->slots[i];
		bool is_its = slot->order == (int)(order - world->orders) || slot == its;
		bool is_before = its != NULL && slot->wallet == its->wallet &&
				 slot->nonce < its->nonce && slot->stage != TRANSFER_FINAL;
		if ((is_its || is_before) && (slot->is_edited || slot->is_forged))
			return true;
	}
	return false;
}

/* Its wallet is; or, as long as it has none, any is. */
static bool is_stopped(struct sim_world *world, const struct sim_order *order)
{
	return sim_ask_i64(world,
			   "SELECT COUNT(*) FROM wallets l WHERE stop_reason <> '' AND id = "
			   "COALESCE((SELECT t.wallet_id FROM withdrawals w JOIN transfers t ON "
			   "t.id = w.transfer_id WHERE w.rowid = ?), id)",
			   order->row) > 0;
}

/* The chain took back what its wallet's nonces began with, from before its time: whose transaction
 * that was nobody here knows, and people are told of the slots behind it. */
static bool is_cut_off(struct sim_world *world, const struct sim_order *order)
{
	for (size_t i = world->slots_len; i > 0; i--) {
		const struct sim_slot *slot = &world->slots[i - 1];
		if (slot->order == (int)(order - world->orders))
			return (int64_t)sim_chain_nonce(world->model, slot->wallet) <
			       sim_ask_i64(world, "SELECT first_nonce FROM wallets WHERE rowid = ?",
					   slot->wallet + 1);
	}
	return false;
}

/* A stranger took a nonce of the wallet, and somebody edited the row of the withdrawal that had it:
 * what its transaction paid is not said, and its wallet not started, before that is put right. */
static bool has_edited_stranger(const struct sim_world *world, const struct sim_order *order)
{
	unsigned wallet = SIM_WALLETS;
	for (size_t i = 0; i < world->slots_len; i++)
		if (world->slots[i].order == (int)(order - world->orders))
			wallet = world->slots[i].wallet;
	for (size_t i = 0; i < world->slots_len; i++) {
		const struct sim_slot *slot = &world->slots[i];
		if (slot->wallet == wallet && slot->outcome == OUTCOME_FOREIGN &&
		    slot->order >= 0 && (world->orders[slot->order].causes & SIM_CAUSE_EDITED) != 0)
			return true;
	}
	return false;
}

/* It is a person's turn, who was told, and there is a reason for it. */
static bool may_wait(struct sim_world *world, const struct sim_order *order)
{
	/* Who held it himself is not told of it. */
	bool by_editor = strcmp(order->held_reason, "edited") == 0;
	if (world->alarms == 0 && !by_editor)
		return false;
	/* What strangers and the chain did people have resolved. */
	if (order->held_reason[0] != 0 && order->causes != 0)
		return true;
	if ((world->causes & SIM_CAUSE_TAKE_BACK) != 0 && is_cut_off(world, order))
		return true;
	if (is_stopped(world, order) && has_edited_stranger(world, order))
		return true;
	/* Whoever edits slots can hold up what they are for; and what stands behind them, and then
	 * the wallet says so. */
	return world->has_slot_edits && (has_edited_slot(world, order) || is_stopped(world, order));
}

/* Its slot is final as what it is, or was before an editor put another row in its place; or by the
 * hand of who edited its row: nobody looks for the stranger then, and its withdrawal waits for a
 * proof that never comes. */
static bool is_recorded(const struct sim_world *world, unsigned wallet, uint64_t nonce)
{
	for (size_t i = 0; i < world->slots_len; i++) {
		const struct sim_slot *slot = &world->slots[i];
		if (slot->wallet == wallet && slot->nonce == nonce &&
		    slot->stage == TRANSFER_FINAL &&
		    (slot->outcome == OUTCOME_FOREIGN || slot->is_end_edited))
			return true;
	}
	return false;
}

/* The first nonce of ours that a stranger used; before a wallet entered, its past is its own. */
static bool used_by_stranger(struct sim_world *world, unsigned wallet, uint64_t *ret_nonce)
{
	struct sim_mined consumer;
	uint64_t nonces = sim_chain_nonce(world->model, wallet);
	int64_t first =
		sim_ask_i64(world,
			    "SELECT first_nonce FROM wallets WHERE rowid = ? AND entered = 1 "
			    "AND stop_reason = ''",
			    wallet + 1);
	for (uint64_t nonce = (uint64_t)first; first >= 0 && nonce < nonces; nonce++)
		if (sim_chain_consumer(world->model, wallet, nonce, &consumer) &&
		    consumer.is_foreign && !is_recorded(world, wallet, nonce)) {
			*ret_nonce = nonce;
			return true;
		}
	return false;
}

/* A stranger's transaction stops its wallet, once it is deep enough to be believed. */
static bool strangers_go_on(struct sim_world *world, unsigned *ret_wallet, uint64_t *ret_nonce)
{
	if ((world->causes & SIM_CAUSE_FOREIGN) == 0)
		return false;
	for (*ret_wallet = 0; *ret_wallet < SIM_WALLETS; (*ret_wallet)++)
		if (used_by_stranger(world, *ret_wallet, ret_nonce))
			return true;
	return false;
}

bool sim_check_is_done(struct sim_world *world)
{
	unsigned wallet = 0;
	uint64_t nonce = 0;
	if (strangers_go_on(world, &wallet, &nonce) || sim_check_goes_on(world))
		return false;
	if (world->restore.stage != SIM_RESTORE_NONE && world->restore.stage != SIM_RESTORE_DONE)
		return false;
	for (size_t i = 0; i < world->orders_len; i++) {
		const struct sim_order *order = &world->orders[i];
		if (!order->accepted || order->repeats_left > 0)
			return false;
		if (!is_terminal(order) && !may_wait(world, order))
			return false;
	}
	return true;
}

/* Every order is paid once or never, as it says. */
static void order_check(struct sim_world *world, const struct sim_order *order,
			struct u256 *inout_paid)
{
	struct sim_payments paid;
	sim_chain_payments(world->model, (unsigned)order->asset, order->to, &paid);
	if (paid.count > 1 && !sim_is_excused(world, order))
		sim_fail(world, "T8", "%s was paid %llu times", order->key,
			 (unsigned long long)paid.count);
	else if (order->stage == WITHDRAWAL_COMPLETED && paid.count != 1 && world->causes == 0)
		sim_fail(world, "T6", "%s is completed, and was not paid", order->key);
	else if (order->stage > WITHDRAWAL_COMPLETED && paid.count != 0 && world->causes == 0)
		sim_fail(world, "T4", "%s ended unpaid, and was paid", order->key);
	*inout_paid = u256_add_saturated(*inout_paid, paid.sum);
	if (!is_terminal(order))
		world->summary->held++;
}

/* T10: what left the wallets is what the orders got, and gas. */
static void asset_check(struct sim_world *world, unsigned asset, struct u256 paid)
{
	struct u256 in = u256_zero();
	struct u256 out = paid;
	struct u256 left = u256_zero();
	for (unsigned wallet = 0; wallet < SIM_WALLETS; wallet++) {
		in = u256_add_saturated(in, sim_chain_funded(world->model, wallet, asset));
		left = u256_add_saturated(left, sim_chain_balance(world->model, wallet, asset));
		if (asset == 0)
			out = u256_add_saturated(out, sim_chain_fees_paid(world->model, wallet));
	}
	/* Odd tokens keep a part for themselves; a foreign transaction goes elsewhere. */
	bool excused = sim_has(world, SIM_FAMILY_RECEIVER) && asset > 0;
	if (!u256_equal(in, u256_add_saturated(out, left)) && !excused &&
	    (world->causes & SIM_CAUSE_FOREIGN) == 0)
		sim_fail(world, "T10", "asset %u: what went in is not what is left and was paid",
			 asset);
}

static void stuck_tell(struct sim_world *world)
{
	unsigned wallet = 0;
	uint64_t nonce = 0;
	if (strangers_go_on(world, &wallet, &nonce))
		sim_fail(world, "T12", "a stranger took nonce %llu of wallet %u, which goes on",
			 (unsigned long long)nonce, wallet);
	else if (sim_check_goes_on(world))
		sim_fail(world, "T9", "what was final was taken back, and a wallet goes on");
	if (world->restore.stage != SIM_RESTORE_NONE && world->restore.stage != SIM_RESTORE_DONE)
		sim_fail(world, "T11", "the restore does not end: %d", (int)world->restore.stage);
	for (size_t i = 0; i < world->orders_len; i++) {
		const struct sim_order *order = &world->orders[i];
		if (order->accepted && (is_terminal(order) || may_wait(world, order)))
			continue;
		char reason[REASON_LEN_MAX + 1] = "";
		size_t len = 0;
		(void)sim_ask_bytes(world, "SELECT wait_reason FROM withdrawals WHERE rowid = ?",
				    order->row, reason, sizeof reason - 1, &len);
		sim_fail(world, "T11", "%s does not end: %s, stage %d, waits for '%s', held '%s'",
			 order->key, order->accepted ? "accepted" : "never answered",
			 (int)order->stage, reason, order->held_reason);
		return;
	}
}

void sim_check_end(struct sim_world *world)
{
	struct u256 paid[2] = { u256_zero(), u256_zero() };
	for (size_t i = 0; i < world->orders_len && !world->failed; i++)
		order_check(world, &world->orders[i], &paid[world->orders[i].asset]);
	if (!world->failed && !sim_check_is_done(world))
		stuck_tell(world);
	for (unsigned asset = 0; asset < 2 && !world->failed; asset++)
		asset_check(world, asset, paid[asset]);
	if (!world->failed)
		sim_check_feed(world);
}
