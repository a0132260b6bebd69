/* Money, from outside: what the wallets owe is there, what left them in a block was owed, and no
 * limit of the signer was passed. Sums are made from the client's list and the chain. */
#include "sim/check.h"

#define HOUR_MS 3600000

/* ---- what slots take ---- */

struct owed {
	struct u256 units[2];
	uint64_t gas;
};

static struct u256 units_of(struct sim_world *world, struct db_statement *statement, int column)
{
	uint8_t bytes[U256_BYTES] = { 0 };
	struct str stored = db_column_bytes(world->db, statement, column);
	CHECK(stored.len == sizeof bytes);
	memcpy(bytes, stored.at, sizeof bytes);
	return u256_from_bytes(bytes);
}

static void owed_read(struct sim_world *world, unsigned wallet, uint64_t nonce, struct owed *owed)
{
	struct err err = { 0 };
	struct db_statement *statement =
		db_prepare(world->db,
			   "SELECT is_token, value, amount, gas_limit FROM transfers "
			   "WHERE wallet_id = ? AND nonce >= ?",
			   &err);
	CHECK(statement != NULL);
	*owed = (struct owed){ .gas = 0 };
	db_bind_i64(world->db, statement, 1, wallet + 1);
	db_bind_i64(world->db, statement, 2, (int64_t)nonce);
	while (db_step(world->db, statement, &err) == DB_ROW) {
		owed->units[0] = u256_add_saturated(owed->units[0], units_of(world, statement, 1));
		if (db_column_i64(world->db, statement, 0) != 0)
			owed->units[1] =
				u256_add_saturated(owed->units[1], units_of(world, statement, 2));
		owed->gas += (uint64_t)db_column_i64(world->db, statement, 3);
	}
	db_reset(world->db, statement);
}

/* A nonce was taken: all that is open on the chain together is covered, with gas at its ceiling.
 * What a reorg, a stranger or an editor did nobody could know of before. */
void sim_check_purse(struct sim_world *world, unsigned wallet)
{
	struct owed owed;
	struct wei gas;
	if (world->is_reorged || world->causes != 0 || world->has_edits || world->has_lies)
		return;
	owed_read(world, wallet, sim_chain_nonce(world->model, wallet), &owed);
	CHECK(wei_of_gas(owed.gas, world->catalogue.chains[0].fees.cap_max, &gas));
	owed.units[0] = u256_add_saturated(owed.units[0], gas.value);
	for (unsigned asset = 0; asset < 2; asset++)
		if (u256_compare(owed.units[asset],
				 sim_chain_balance(world->model, wallet, asset)) > 0)
			sim_fail(world, "funds", "wallet %u owes more of asset %u than it has",
				 wallet, asset);
}

/* ---- the signer's limits ---- */

void sim_check_limits(struct sim_world *world, const struct sim_slot *slot)
{
	const struct sim_order *order = &world->orders[slot->order];
	const struct asset *asset = &world->catalogue.assets[order->asset];
	struct u256 sum = u256_zero();
	if (!amount_is_zero(asset->payment_max) &&
	    amount_compare(order->amount, asset->payment_max) > 0)
		sim_fail(world, "limit", "%s is above the limit of a payment, and is signed",
			 order->key);
	if (amount_is_zero(asset->hour_max) || sim_has(world, SIM_FAMILY_CLOCK))
		return;
	for (size_t i = 0; i < world->slots_len; i++) {
		const struct sim_slot *other = &world->slots[i];
		if (other->wallet != slot->wallet || other->order < 0 || other->paid_at == 0 ||
		    other->paid_at + HOUR_MS <= world->now_ms)
			continue;
		const struct sim_order *paid = &world->orders[other->order];
		if (paid->asset == order->asset)
			sum = u256_add_saturated(sum, paid->amount.units);
	}
	if (u256_compare(sum, asset->hour_max.units) > 0)
		sim_fail(world, "limit", "wallet %u passes the limit of an hour with %s",
			 slot->wallet, order->key);
}

/* ---- block by block ---- */

/* A chain that takes back what was final may pay what was reverted there for good. */
bool sim_is_excused(const struct sim_world *world, const struct sim_order *order)
{
	return (world->causes & SIM_CAUSE_TAKE_BACK) != 0 && order->rounds > 1;
}

static void payment_check(struct sim_world *world, unsigned wallet, const struct sim_mined *mined)
{
	struct sim_payments paid;
	const struct sim_slot *slot =
		sim_slot_of_payment(world, wallet, mined->nonce, mined->paid_to);
	if (mined->is_foreign)
		return;
	if (slot == NULL) {
		sim_fail(world, "T10", "wallet %u nonce %llu is in a block, and in no row", wallet,
			 (unsigned long long)mined->nonce);
		return;
	}
	if (!mined->success || u256_is_zero(mined->paid))
		return;
	if (slot->order < 0 || !address_equal(mined->paid_to, world->orders[slot->order].to)) {
		sim_fail(world, "T10", "wallet %u nonce %llu paid somebody who asked for nothing",
			 wallet, (unsigned long long)mined->nonce);
		return;
	}
	sim_chain_payments(world->model, mined->paid_asset, mined->paid_to, &paid);
	if (paid.count > 1 && !sim_is_excused(world, &world->orders[slot->order]))
		sim_fail(world, "T8", "%s was paid %llu times", world->orders[slot->order].key,
			 (unsigned long long)paid.count);
}

static void wallet_check(struct sim_world *world, unsigned wallet)
{
	struct sim_mined mined;
	uint64_t nonces = sim_chain_nonce(world->model, wallet);
	uint64_t *next = &world->money_nonce[wallet];
	/* After a reorg all of its blocks are looked at again. */
	if (world->money_reorgs != world->reorgs || *next > nonces)
		*next = 0;
	for (; *next < nonces && !world->failed; ++*next)
		if (sim_chain_consumer(world->model, wallet, *next, &mined))
			payment_check(world, wallet, &mined);
}

/* What went in is what is left, was paid to those who asked, and was burnt as gas. */
static void balance_check(struct sim_world *world, unsigned asset)
{
	struct u256 in = u256_zero(), out = u256_zero(), left = u256_zero();
	for (unsigned wallet = 0; wallet < SIM_WALLETS; wallet++) {
		in = u256_add_saturated(in, sim_chain_funded(world->model, wallet, asset));
		left = u256_add_saturated(left, sim_chain_balance(world->model, wallet, asset));
		if (asset == 0)
			out = u256_add_saturated(out, sim_chain_fees_paid(world->model, wallet));
	}
	for (size_t i = 0; i < world->orders_len; i++) {
		struct sim_payments paid;
		if (world->orders[i].asset != asset || world->orders[i].rounds == 0)
			continue;
		sim_chain_payments(world->model, asset, world->orders[i].to, &paid);
		out = u256_add_saturated(out, paid.sum);
	}
	if (!u256_equal(in, u256_add_saturated(out, left)))
		sim_fail(world, "T10", "asset %u: what went in is not what is left and was paid",
			 asset);
}

void sim_check_block(struct sim_world *world)
{
	for (unsigned wallet = 0; wallet < SIM_WALLETS && !world->failed; wallet++)
		wallet_check(world, wallet);
	world->money_reorgs = world->reorgs;
	/* Odd tokens keep a part for themselves; a foreign transaction goes elsewhere. */
	for (unsigned asset = 0; asset < 2 && !world->failed; asset++)
		if ((asset == 0 || !sim_has(world, SIM_FAMILY_RECEIVER)) &&
		    (world->causes & SIM_CAUSE_FOREIGN) == 0)
			balance_check(world, asset);
}
