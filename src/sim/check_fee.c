/* What replacements cost, and how often they come: each pays an eighth more than the one before,
 * for tip and cap; none costs more than its slot may; and one interval holds one of them, but for
 * the first cancellation, which waits for nothing. */
#include "sim/check.h"

#define ATTEMPTS_MOST 32

static struct wei wei_of_row(struct sim_world *world, const char *literal, int64_t row)
{
	uint8_t bytes[U256_BYTES] = { 0 };
	size_t len = 0;
	CHECK(sim_ask_bytes(world, literal, row, bytes, sizeof bytes, &len) && len == U256_BYTES);
	return (struct wei){ u256_from_bytes(bytes) };
}

/* after >= before × 9 / 8, without a division to round. */
static bool is_an_eighth_more(struct wei before, struct wei after)
{
	struct wei nine, eight;
	return wei_of_gas(9, before, &nine) && wei_of_gas(8, after, &eight) &&
	       wei_compare(eight, nine) >= 0;
}

static void bump_check(struct sim_world *world, const struct sim_slot *slot,
		       const struct sim_slot *before, bool cancels)
{
	int64_t interval_ms = world->catalogue.chains[0].rebroadcast_after_ms;
	int64_t age_ms = slot->signed_at - before->signed_at;
	bool is_first_cancel = cancels && !before->canceled;
	if (!is_an_eighth_more(before->fees.tip, slot->fees.tip) ||
	    !is_an_eighth_more(before->fees.cap, slot->fees.cap))
		sim_fail(world, "fees",
			 "wallet %u nonce %llu: attempt %u is no replacement of the one before",
			 slot->wallet, (unsigned long long)slot->nonce, slot->attempts);
	/* By the signers' own clocks: one that is behind the other cannot know. */
	else if (!is_first_cancel && age_ms >= 0 && age_ms < interval_ms)
		sim_fail(world, "fees",
			 "wallet %u nonce %llu: attempt %u comes %lld ms after the one before",
			 slot->wallet, (unsigned long long)slot->nonce, slot->attempts,
			 (long long)age_ms);
}

void sim_check_fees(struct sim_world *world, struct sim_slot *slot, int64_t row, bool cancels)
{
	struct sim_slot before = *slot;
	int64_t reason = sim_ask_i64(world, "SELECT reason FROM attempts WHERE rowid = ?", row);
	slot->fees.tip = wei_of_row(world, "SELECT tip FROM attempts WHERE rowid = ?", row);
	slot->fees.cap = wei_of_row(world, "SELECT cap FROM attempts WHERE rowid = ?", row);
	slot->signed_at = sim_ask_i64(world, "SELECT signed_at FROM attempts WHERE rowid = ?", row);
	if (slot->attempts > ATTEMPTS_MOST)
		sim_fail(world, "fees", "wallet %u nonce %llu has %u attempts", slot->wallet,
			 (unsigned long long)slot->nonce, slot->attempts);
	if (wei_compare(slot->fees.cap, world->catalogue.chains[0].fees.cap_max) > 0)
		sim_fail(world, "fees", "wallet %u nonce %llu: gas at more than the ceiling",
			 slot->wallet, (unsigned long long)slot->nonce);
	if (slot->attempts < 2 || world->importing)
		return;
	if (reason >= 0 && reason < SIM_REASONS)
		world->summary->replacements[reason]++;
	bump_check(world, slot, &before, cancels);
}

void sim_check_fees_reload(struct sim_world *world, struct sim_slot *slot)
{
	int64_t row =
		sim_ask_i64(world,
			    "SELECT a.rowid FROM attempts a JOIN transfers t ON "
			    "t.id = a.transfer_id WHERE t.rowid = ? AND a.number = t.attempts",
			    slot->row);
	if (row < 0)
		return;
	slot->fees.tip = wei_of_row(world, "SELECT tip FROM attempts WHERE rowid = ?", row);
	slot->fees.cap = wei_of_row(world, "SELECT cap FROM attempts WHERE rowid = ?", row);
	slot->signed_at = sim_ask_i64(world, "SELECT signed_at FROM attempts WHERE rowid = ?", row);
}

void sim_check_cost(struct sim_world *world, const struct sim_slot *slot, const struct tx *tx)
{
	const struct fee_limits *limits = &world->catalogue.chains[0].fees;
	struct wei cost;
	bool fits = wei_of_gas(tx->gas_limit, tx->fees.cap, &cost) &&
		    (u256_is_zero(limits->slot_fee_max.value) ||
		     wei_compare(cost, limits->slot_fee_max) <= 0);
	if (!fits || wei_compare(tx->fees.cap, limits->cap_max) > 0)
		sim_fail(world, "fees", "wallet %u nonce %llu: bytes cost more than a slot may",
			 slot->wallet, (unsigned long long)slot->nonce);
}
