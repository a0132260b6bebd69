/* Withdrawals: the moves they may make, and the truth of what they say at their end. */
#include "sim/check.h"

#include <stdlib.h>

struct move {
	enum withdrawal_stage from, to;
};

/* Written from the agreement, not from the code: doc/protocol.md. */
static const struct move moves[] = {
	{ WITHDRAWAL_ACCEPTED, WITHDRAWAL_QUEUED },
	{ WITHDRAWAL_ACCEPTED, WITHDRAWAL_REJECTED },
	{ WITHDRAWAL_ACCEPTED, WITHDRAWAL_AWAITING_APPROVAL },
	{ WITHDRAWAL_AWAITING_APPROVAL, WITHDRAWAL_QUEUED },
	{ WITHDRAWAL_AWAITING_APPROVAL, WITHDRAWAL_REJECTED },
	{ WITHDRAWAL_AWAITING_APPROVAL, WITHDRAWAL_CANCELED },
	{ WITHDRAWAL_ACCEPTED, WITHDRAWAL_CANCELED },
	{ WITHDRAWAL_QUEUED, WITHDRAWAL_ASSIGNED },
	{ WITHDRAWAL_QUEUED, WITHDRAWAL_REJECTED },
	{ WITHDRAWAL_QUEUED, WITHDRAWAL_FAILED },
	{ WITHDRAWAL_QUEUED, WITHDRAWAL_CANCELED },
	{ WITHDRAWAL_ASSIGNED, WITHDRAWAL_COMPLETED },
	{ WITHDRAWAL_ASSIGNED, WITHDRAWAL_QUEUED },
	{ WITHDRAWAL_ASSIGNED, WITHDRAWAL_FAILED },
	{ WITHDRAWAL_ASSIGNED, WITHDRAWAL_CANCELED },
};

/* Did two people say which transaction paid it, in the journal? */
static bool is_said_paid(struct sim_world *world, const struct sim_order *order)
{
	struct journal_resolution said;
	struct err err = { 0 };
	for (uint32_t round = 0; round < ATTEMPTS_MAX; round++) {
		bool any = false;
		CHECK(journal_resolution_of(world->journal, order->id_stored, round, &any, &said,
					    &err));
		if (any && said.is_paid)
			return true;
	}
	return false;
}

static bool is_move(struct sim_world *world, const struct sim_order *order,
		    enum withdrawal_stage from, enum withdrawal_stage to)
{
	for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
		if (moves[i].from == from && moves[i].to == to)
			return true;
	/* It was queued again, and a slot of an earlier round paid it after all. */
	if (from == WITHDRAWAL_QUEUED && to == WITHDRAWAL_COMPLETED)
		return is_said_paid(world, order);
	return from == to;
}

void sim_check_withdrawal_made(struct sim_world *world, const struct sim_change *change)
{
	char key[32] = "";
	size_t len = 0;
	CHECK(sim_ask_bytes(world, "SELECT correlation_id FROM withdrawals WHERE rowid = ?",
			    change->row, key, sizeof key - 1, &len));
	size_t index = strtoul(key + strlen("order-"), NULL, 10);
	if (strncmp(key, "order-", strlen("order-")) != 0 || index >= world->orders_len) {
		sim_fail(world, "T8", "a withdrawal that nobody asked for: %s", key);
		return;
	}
	struct sim_order *order = &world->orders[index];
	if (order->row != 0) {
		sim_fail(world, "T1", "%s was stored twice", key);
		return;
	}
	order->row = change->row;
	CHECK(sim_ask_bytes(world, "SELECT id FROM withdrawals WHERE rowid = ?", change->row,
			    order->id_stored.bytes, sizeof order->id_stored.bytes, &len));
	order->stage = (enum withdrawal_stage)change->value[0];
	order->version = (uint64_t)change->value[1];
	world->summary->withdrawal_moves[0][order->stage]++;
	sim_check_paused_accept(world, order);
}

static void held_note(struct sim_world *world, struct sim_order *order)
{
	size_t len = 0;
	char reason[REASON_LEN_MAX + 1] = "";
	(void)sim_ask_bytes(world, "SELECT held_reason FROM withdrawals WHERE rowid = ?",
			    order->row, reason, sizeof reason - 1, &len);
	bool is_news = reason[0] != 0 && strcmp(reason, order->held_reason) != 0;
	if (is_news)
		order->held_step = world->steps;
	memcpy(order->held_reason, reason, sizeof order->held_reason);
	/* A message that killed its worker over and over: somebody will put it back. */
	if (strcmp(reason, "dead_letter") == 0 &&
	    sim_has(world,
		    SIM_FAMILY_CRASH | SIM_FAMILY_PAUSE | SIM_FAMILY_MESSAGES | SIM_FAMILY_STORE))
		return;
	/* What a liar says of a stranger stops what is in doubt, until people have looked. */
	if (strcmp(reason, "nonce_consumed_elsewhere") == 0 && world->has_lies)
		return;
	if (is_news && order->causes == 0 && world->causes == 0)
		sim_fail(world, "hold", "%s is held for %s, and nothing was done to it", order->key,
			 reason);
}

/* The payment stands on the chain, once, and the chain calls it final. */
static void check_completed(struct sim_world *world, const struct sim_order *order)
{
	struct sim_payments paid;
	sim_chain_payments(world->model, (unsigned)order->asset, order->to, &paid);
	if (paid.count != 1)
		sim_fail(world, "T6", "%s is completed, and was paid %llu times", order->key,
			 (unsigned long long)paid.count);
	else if (!u256_equal(paid.sum, order->amount.units))
		sim_fail(world, "T6", "%s is completed, and was paid another amount", order->key);
	else if (paid.newest.block_number > sim_final_height(world))
		sim_fail(world, "T6", "%s is completed by block %llu, which is not final",
			 order->key, (unsigned long long)paid.newest.block_number);
}

/* The row says so, or of one that was edited, or lost, the chain does, for good. */
static bool is_over(const struct sim_world *world, const struct sim_slot *slot)
{
	struct sim_mined consumer;
	return (slot->stage == TRANSFER_FINAL && !slot->is_lost) ||
	       ((slot->is_edited || slot->is_lost) &&
		sim_chain_consumer(world->model, slot->wallet, slot->nonce, &consumer) &&
		consumer.block_number <= sim_final_height(world));
}

void sim_check_unpaid(struct sim_world *world, const struct sim_order *order, const char *rule)
{
	struct sim_payments paid;
	int index = (int)(order - world->orders);
	sim_chain_payments(world->model, (unsigned)order->asset, order->to, &paid);
	if (paid.count > 0 && !sim_was_paid_later(world, order, &paid)) {
		sim_fail(world, rule, "%s counts as unpaid, and was paid", order->key);
		return;
	}
	for (size_t i = 0; i < world->slots_len && !world->failed; i++) {
		const struct sim_slot *slot = &world->slots[i];
		struct sim_mined consumer;
		/* A row that an editor made, and for which nothing was signed but a self-transfer.
		 */
		bool is_nobodys = slot->is_forged ||
				  (slot->is_stuffed && slot->canceled && slot->paid_at == 0);
		/* One whose row an editor took away, and that of its withdrawal too, before
		 * anything was signed. */
		is_nobodys |= slot->is_edited && slot->paid_at == 0 &&
			      (order->causes & SIM_CAUSE_EDITED) != 0;
		if (slot->order != index || is_nobodys)
			continue;
		/* A row that somebody set back leaves no slot: the chain alone says what became
		 * of it. */
		bool is_set_back = (order->causes & SIM_CAUSE_EDITED) != 0 && !slot->is_edited;
		if (slot->is_lost && (slot->paid_at == 0 || sim_is_later_round(world, order, slot)))
			continue;
		if (!is_over(world, slot) && !is_set_back)
			sim_fail(world, rule,
				 "%s counts as unpaid, and nonce %llu may still pay it", order->key,
				 (unsigned long long)slot->nonce);
		else if (!sim_chain_consumer(world->model, (unsigned)slot->wallet, slot->nonce,
					     &consumer) ||
			 consumer.block_number > sim_final_height(world))
			sim_fail(world, rule,
				 "%s counts as unpaid, and nonce %llu is open on the chain",
				 order->key, (unsigned long long)slot->nonce);
		else if (consumer.is_foreign && !order->resolved)
			sim_fail(world, rule, "%s counts as unpaid by the word of a stranger",
				 order->key);
	}
}

static void end_count(struct sim_world *world, enum withdrawal_stage stage)
{
	struct sim_summary *summary = world->summary;
	summary->completed += stage == WITHDRAWAL_COMPLETED ? 1 : 0;
	summary->failed += stage == WITHDRAWAL_FAILED ? 1 : 0;
	summary->rejected += stage == WITHDRAWAL_REJECTED ? 1 : 0;
	summary->canceled += stage == WITHDRAWAL_CANCELED ? 1 : 0;
}

/* Who takes what is sent is not said to refuse it. */
static void refused_check(struct sim_world *world, const struct sim_order *order)
{
	char code[REASON_LEN_MAX + 1] = "";
	size_t len = 0;
	(void)sim_ask_bytes(world, "SELECT failure_code FROM withdrawals WHERE rowid = ?",
			    order->row, code, sizeof code - 1, &len);
	if (strcmp(code, "receiver_refuses") == 0 && order->causes == 0 && !order->is_fickle)
		sim_fail(world, "refused", "%s failed by its receiver, which takes everything",
			 order->key);
}

static void arrival_check(struct sim_world *world, const struct sim_order *order,
			  enum withdrawal_stage from, enum withdrawal_stage to)
{
	/* What was taken back from under Sluice is T9's business. */
	if ((world->causes & SIM_CAUSE_TAKE_BACK) != 0)
		return;
	switch (to) {
	case WITHDRAWAL_COMPLETED:
		check_completed(world, order);
		break;
	case WITHDRAWAL_FAILED:
		sim_check_unpaid(world, order, "T5");
		refused_check(world, order);
		break;
	case WITHDRAWAL_REJECTED:
	case WITHDRAWAL_CANCELED:
		sim_check_unpaid(world, order, "T4");
		break;
	case WITHDRAWAL_QUEUED:
		if (from == WITHDRAWAL_ASSIGNED)
			sim_check_unpaid(world, order, "T4");
		break;
	case WITHDRAWAL_ACCEPTED:
	case WITHDRAWAL_AWAITING_APPROVAL:
	case WITHDRAWAL_ASSIGNED:
		break;
	}
	const struct asset *asset = &world->catalogue.assets[order->asset];
	if (to == WITHDRAWAL_REJECTED && order->causes == 0 &&
	    !sim_is_refused_by_people(world, order) &&
	    (amount_is_zero(asset->payment_max) ||
	     amount_compare(order->amount, asset->payment_max) <= 0))
		sim_fail(world, "limit", "%s is rejected, and is within the limits", order->key);
	if (to == WITHDRAWAL_CANCELED && !order->cancel_asked && order->causes == 0 &&
	    !order->people.may_be_canceled)
		sim_fail(world, "T4", "%s is canceled, and nobody asked for it", order->key);
}

/* What is held stays where it is, and what is held because its row is doubted stays held. A payment
 * that nobody doubts ends the hold of a dead letter. */
static void held_check(struct sim_world *world, const struct sim_order *order, bool was_held,
		       bool is_doubted, int moved_to)
{
	if (order->resolved) /* two people did */
		return;
	if (was_held && moved_to != 0 && (is_doubted || moved_to != WITHDRAWAL_COMPLETED))
		sim_fail(world, "hold", "%s was held, and moved to stage %d", order->key, moved_to);
	else if (is_doubted && order->held_reason[0] == 0)
		sim_fail(world, "hold", "%s was held, and is not, and no person said so",
			 order->key);
}

void sim_check_withdrawal_moved(struct sim_world *world, const struct sim_change *change)
{
	struct sim_order *order = sim_order_of_row(world, change->row);
	enum withdrawal_stage from = (enum withdrawal_stage)change->value[0];
	enum withdrawal_stage to = (enum withdrawal_stage)change->value[1];
	/* A row that an editor made: whatever is said of it, it gets no nonce. */
	if (order == NULL) {
		CHECK(world->has_edits);
		if (to == WITHDRAWAL_ASSIGNED || to == WITHDRAWAL_COMPLETED)
			sim_fail(world, "T8", "a withdrawal that nobody asked for moves to %d",
				 (int)to);
		return;
	}
	if (change->value[3] != change->value[2] + 1)
		sim_fail(world, "events", "%s: version %lld follows %lld", order->key,
			 (long long)change->value[3], (long long)change->value[2]);
	order->version = (uint64_t)change->value[3];
	if (change->value[4] != 0 && !order->cancel_requested)
		order->cancel_step = world->steps;
	order->cancel_requested = change->value[4] != 0;
	bool was_held = order->held_reason[0] != 0;
	bool is_doubted =
		was_held && strcmp(order->held_reason, "dead_letter") != 0 &&
		!(order->cancel_requested && lifecycle_cancel_ends_hold(order->held_reason));
	held_note(world, order);
	held_check(world, order, was_held, is_doubted, from != to ? (int)to : 0);
	if (from == to)
		return;
	order->stage = to;
	if (!is_move(world, order, from, to)) {
		sim_fail(world, "lifecycle", "%s moved from stage %d to %d", order->key, (int)from,
			 (int)to);
		return;
	}
	world->summary->withdrawal_moves[from][to]++;
	sim_tell(world, "%s: stage %d -> %d", order->key, (int)from, (int)to);
	arrival_check(world, order, from, to);
	sim_check_told(world, order);
	if (to > WITHDRAWAL_COMPLETED && from > WITHDRAWAL_AWAITING_APPROVAL && !world->failed)
		sim_check_void(world, order, to);
	end_count(world, to);
}
