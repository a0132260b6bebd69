/* Slots: dense nonces, one live slot per withdrawal, bytes that are stored before they leave and
 * pay what was asked for, and ends with the transaction in hand that took the nonce. */
#include "sim/check.h"

#include "core/abi.h"
#include "core/tx.h"

static int order_of_slot(struct sim_world *world, int64_t row)
{
	int64_t withdrawal = sim_ask_i64(
		world,
		"SELECT w.rowid FROM transfers t JOIN transfer_items i ON i.transfer_id = t.id "
		"JOIN withdrawals w ON w.id = i.withdrawal_id WHERE t.rowid = ?",
		row);
	struct sim_order *order = withdrawal > 0 ? sim_order_of_row(world, withdrawal) : NULL;
	return order == NULL ? -1 : (int)(order - world->orders);
}

static int64_t attempt_slot(struct sim_world *world, int64_t attempt)
{
	return sim_ask_i64(world,
			   "SELECT t.rowid FROM attempts a JOIN transfers t "
			   "ON t.id = a.transfer_id WHERE a.rowid = ?",
			   attempt);
}

/* What was edited while the step was under way it could not know of. */
static bool knew_of_edit(const struct sim_world *world, uint64_t edited)
{
	return world->acting == NULL || world->acting->seen->step > edited;
}

static void nonce_check(struct sim_world *world, unsigned wallet, uint64_t nonce)
{
	if (world->nonces_known[wallet] && nonce != world->next_nonce[wallet] &&
	    knew_of_edit(world, world->nonce_edited[wallet]))
		sim_fail(world, "T2", "wallet %u: nonce %llu follows %llu", wallet,
			 (unsigned long long)nonce,
			 (unsigned long long)world->next_nonce[wallet] - 1);
	world->nonces_known[wallet] = true;
	world->next_nonce[wallet] = nonce + 1;
}

/* Did its nonce go to a transaction of ours that paid nobody, as deep as that takes? */
static bool is_unpaid_for_good(const struct sim_world *world, const struct sim_slot *slot)
{
	struct sim_mined consumer;
	const struct chain_params *chain = &world->catalogue.chains[0];
	return sim_chain_consumer(world->model, slot->wallet, slot->nonce, &consumer) &&
	       !consumer.is_foreign && !consumer.is_odd && u256_is_zero(consumer.paid) &&
	       consumer.block_number <= sim_final_height(world) &&
	       consumer.block_number + chain->depth_unpaid <= sim_chain_head(world->model);
}

/* Slots of an order that may still pay. Where an editor has parted a slot from its order, the order
 * goes on before the row says that the slot is over: one that is edited and not signed for, or
 * whose first signature was its cancellation, never pays, and of any other the chain says what
 * became of it. */
static unsigned live_count(const struct sim_world *world, int order)
{
	bool is_parted = (world->orders[order].causes & SIM_CAUSE_EDITED) != 0;
	unsigned live = 0;
	for (size_t i = 0; i < world->slots_len; i++) {
		const struct sim_slot *slot = &world->slots[i];
		if (slot->order != order || slot->stage >= TRANSFER_FINAL || slot->is_forged ||
		    slot->is_lost)
			continue;
		bool never_pays = slot->paid_at == 0 && (slot->canceled || slot->is_edited);
		live += !never_pays && !(is_parted && is_unpaid_for_good(world, slot)) ? 1 : 0;
	}
	return live;
}

static void live_check(struct sim_world *world, int order)
{
	unsigned live = live_count(world, order);
	if (live > 1)
		sim_fail(world, "T1", "%s has %u live slots", world->orders[order].key, live);
}

/* For whom it is, as its row says. */
static void slot_bind(struct sim_world *world, struct sim_slot *slot)
{
	int64_t round = sim_ask_i64(world,
				    "SELECT i.round FROM transfers t JOIN transfer_items i ON "
				    "i.transfer_id = t.id WHERE t.rowid = ?",
				    slot->row);
	slot->order = order_of_slot(world, slot->row);
	slot->round = round > 0 ? (unsigned)round : 0;
	if (slot->order < 0)
		return;
	struct sim_order *order = &world->orders[slot->order];
	order->rounds++;
	live_check(world, slot->order);
	sim_check_lost(world, slot->order);
	sim_tell(world, "%s: wallet %u nonce %llu", order->key, slot->wallet,
		 (unsigned long long)slot->nonce);
}

void sim_check_slot_made(struct sim_world *world, const struct sim_change *change)
{
	CHECK(world->slots_len < SIM_SLOTS_MAX);
	struct sim_slot *slot = &world->slots[world->slots_len++];
	*slot = (struct sim_slot){ .row = change->row,
				   .wallet = (unsigned)change->value[0] - 1,
				   .nonce = (uint64_t)change->value[1],
				   .stage = (enum transfer_stage)change->value[2] };
	CHECK(slot->wallet < SIM_WALLETS);
	nonce_check(world, slot->wallet, slot->nonce);
	world->summary->transfer_moves[0][slot->stage]++;
	slot_bind(world, slot);
	sim_check_paused_reserve(world, slot);
}

/* ---- what an editor makes ---- */

void sim_check_slot_forged(struct sim_world *world, const struct sim_change *change)
{
	CHECK(world->slots_len < SIM_SLOTS_MAX);
	world->slots[world->slots_len++] =
		(struct sim_slot){ .row = change->row,
				   .wallet = (unsigned)change->value[0] - 1,
				   .nonce = (uint64_t)change->value[1],
				   .stage = (enum transfer_stage)change->value[2],
				   .order = -1,
				   .is_end_edited = change->value[2] == TRANSFER_FINAL,
				   .is_forged = true,
				   .is_edited = true };
}

void sim_check_attempt_forged(struct sim_world *world, const struct sim_change *change)
{
	struct sim_slot *slot = sim_slot_of_row(world, attempt_slot(world, change->row));
	if (slot != NULL)
		slot->is_stuffed = slot->is_edited = true;
}

/* The signer signs for it: from now on it is a slot as any other, of whom its row says. */
static void forged_adopt(struct sim_world *world, struct sim_slot *slot, bool cancels)
{
	slot->is_forged = false;
	slot->is_stuffed = true; /* there may be older bytes of its nonce */
	slot->canceled = cancels;
	slot_bind(world, slot);
}

/* ---- the end of a slot ---- */

static bool mined_hash_is(struct sim_world *world, const struct sim_slot *slot, struct hash32 hash)
{
	struct hash32 stored = { { 0 } };
	size_t len = 0;
	return sim_ask_bytes(world, "SELECT mined_hash FROM transfers WHERE rowid = ?", slot->row,
			     stored.bytes, sizeof stored.bytes, &len) &&
	       hash32_equal(stored, hash);
}

/* Was the transaction one that pays the slot's order? */
static enum transfer_outcome true_outcome(const struct sim_world *world,
					  const struct sim_slot *slot,
					  const struct sim_mined *consumer)
{
	if (consumer->is_foreign)
		return OUTCOME_FOREIGN;
	if (!consumer->success)
		return OUTCOME_REVERTED;
	if (consumer->is_odd)
		return OUTCOME_UNPROVEN;
	if (slot->order < 0)
		return OUTCOME_REPLACED;
	const struct sim_order *order = &world->orders[slot->order];
	return address_equal(consumer->paid_to, order->to) && !u256_is_zero(consumer->paid)
		       ? OUTCOME_SUCCEEDED
		       : OUTCOME_REPLACED;
}

static void final_check(struct sim_world *world, const struct sim_slot *slot)
{
	struct sim_mined consumer;
	unsigned long long nonce = slot->nonce;
	if ((world->causes & SIM_CAUSE_TAKE_BACK) != 0)
		return;
	bool is_taken = sim_chain_consumer(world->model, slot->wallet, slot->nonce, &consumer);
	/* An editor's row with the bytes of another one ends as they did. */
	if (slot->is_forged && (!is_taken || !mined_hash_is(world, slot, consumer.tx_hash)))
		return;
	if (!is_taken) {
		sim_fail(world, "T12", "wallet %u nonce %llu is final, and open on the chain",
			 slot->wallet, nonce);
		return;
	}
	uint64_t depth = sim_chain_head(world->model) - consumer.block_number;
	const struct chain_params *chain = &world->catalogue.chains[0];
	if (consumer.block_number > sim_final_height(world))
		sim_fail(world, "T12", "wallet %u nonce %llu is final before its block is",
			 slot->wallet, nonce);
	else if (slot->outcome != OUTCOME_FOREIGN && !mined_hash_is(world, slot, consumer.tx_hash))
		sim_fail(world, "T12", "wallet %u nonce %llu ended by another transaction",
			 slot->wallet, nonce);
	else if (depth <
		 (slot->outcome == OUTCOME_SUCCEEDED ? chain->depth_paid : chain->depth_unpaid))
		sim_fail(world, "T12", "wallet %u nonce %llu: outcome %d at a depth of %llu",
			 slot->wallet, nonce, (int)slot->outcome, (unsigned long long)depth);
	/* What an editor's row is for is his word; and what lost its bytes looks like a stranger's.
	 */
	else if (slot->outcome != true_outcome(world, slot, &consumer) && !slot->is_bent &&
		 !slot->is_forged && !(slot->is_stuffed && slot->outcome == OUTCOME_FOREIGN))
		sim_fail(world, "T12", "wallet %u nonce %llu: outcome %d, and %d is true",
			 slot->wallet, nonce, (int)slot->outcome,
			 (int)true_outcome(world, slot, &consumer));
}

static bool is_move(enum transfer_stage from, enum transfer_stage to)
{
	if (from == TRANSFER_FINAL)
		return false;
	if (to == from)
		return true;
	if (to == TRANSFER_BROADCAST)
		return from == TRANSFER_SIGNED || from == TRANSFER_MINED;
	/* A stranger's transaction on a nonce that was never signed for, taken away by a reorg. */
	if (from == TRANSFER_MINED && to == TRANSFER_RESERVED)
		return true;
	return to > from && !(from == TRANSFER_RESERVED && to > TRANSFER_MINED) &&
	       !(to == TRANSFER_FINAL && from != TRANSFER_MINED);
}

void sim_check_slot_moved(struct sim_world *world, const struct sim_change *change)
{
	struct sim_slot *slot = sim_slot_of_row(world, change->row);
	enum transfer_stage from = (enum transfer_stage)change->value[0];
	enum transfer_stage to = (enum transfer_stage)change->value[1];
	CHECK(slot != NULL);
	/* T9: people said that it goes out again. */
	if (from == TRANSFER_FINAL && to == TRANSFER_BROADCAST && slot->is_resolved) {
		slot->stage = to;
		slot->outcome = (enum transfer_outcome)change->value[3];
		slot->is_resolved = false;
		return;
	}
	/* What a recovery took for a stranger's, and whose bytes it has found since. */
	bool is_reopened = world->importing && from == TRANSFER_FINAL && to == TRANSFER_BROADCAST &&
			   slot->order < 0 && slot->outcome == OUTCOME_FOREIGN;
	if (from == TRANSFER_FINAL && !is_reopened) {
		sim_fail(world, "T9", "wallet %u nonce %llu was final, and changed", slot->wallet,
			 (unsigned long long)slot->nonce);
		return;
	}
	slot->outcome = (enum transfer_outcome)change->value[3];
	/* What a block has was signed and sent in the lost hour. */
	bool is_found = world->importing && from == TRANSFER_RESERVED && to == TRANSFER_BROADCAST;
	if (!is_move(from, to) && !is_found && !is_reopened) {
		sim_fail(world, "lifecycle", "wallet %u nonce %llu moved from stage %d to %d",
			 slot->wallet, (unsigned long long)slot->nonce, (int)from, (int)to);
		return;
	}
	slot->stage = to;
	world->summary->transfer_moves[from][to]++;
	if (to != TRANSFER_FINAL)
		return;
	slot->is_end_edited = false;
	final_check(world, slot);
}

/* ---- what transactions pay ---- */

bool sim_pays_order(const struct sim_world *world, const struct sim_order *order,
		    const struct tx *tx)
{
	const struct asset *asset = &world->catalogue.assets[order->asset];
	uint8_t calldata[ABI_TRANSFER_BYTES];
	if (asset->is_native)
		return address_equal(tx->to, order->to) && tx->data_len == 0 &&
		       u256_equal(tx->value.value, order->amount.units);
	abi_write_transfer(order->to, order->amount, calldata);
	return address_equal(tx->to, asset->contract) && u256_is_zero(tx->value.value) &&
	       tx->data_len == sizeof calldata && memcmp(tx->data, calldata, sizeof calldata) == 0;
}

static bool pays_nobody(const struct sim_world *world, const struct sim_slot *slot,
			const struct tx *tx)
{
	return address_equal(tx->to, world->catalogue.wallets[slot->wallet].address) &&
	       u256_is_zero(tx->value.value) && tx->data_len == 0;
}

/* ---- signatures ---- */

/* What is signed is what the order, the slot's row and the journal say. */
static void payload_check(struct sim_world *world, struct sim_slot *slot, int64_t attempt,
			  bool cancels)
{
	uint8_t raw[TX_BYTES_MAX];
	size_t len = 0;
	struct tx tx;
	struct tx_signature signature;
	(void)sim_ask_bytes(world, "SELECT raw FROM attempts WHERE rowid = ?", attempt, raw,
			    sizeof raw, &len);
	bool read = tx_read_signed(str_from_bytes(raw, len), &tx, &signature) &&
		    tx.nonce == slot->nonce;
	bool pays = read && !pays_nobody(world, slot, &tx);
	if (!read || pays == cancels || (pays && sim_order_paid(world, slot, &tx) == NULL))
		sim_fail(world, "T7", "wallet %u nonce %llu is signed for what nobody asked for",
			 slot->wallet, (unsigned long long)slot->nonce);
	else if (pays && slot->paid_at == 0 && slot->is_bent &&
		 knew_of_edit(world, slot->bent_step))
		sim_fail(world, "T7",
			 "wallet %u nonce %llu is signed, and its row says something else",
			 slot->wallet, (unsigned long long)slot->nonce);
	else
		sim_check_journaled(world, slot, &tx, pays);
}

/* Before the first signature that pays a person, or the client, can still say no. */
static void first_check(struct sim_world *world, struct sim_slot *slot)
{
	const struct sim_order *order = &world->orders[slot->order];
	uint64_t step = world->acting == NULL ? 0 : world->acting->seen->step;
	slot->paid_at = world->now_ms;
	if (order->cancel_requested && order->cancel_step < step)
		sim_fail(world, "cancel", "%s is signed, and its cancellation was asked for before",
			 order->key);
	else if (order->held_reason[0] != 0 && order->held_step < step)
		sim_fail(world, "hold", "%s is signed, and was held before", order->key);
	live_check(world, slot->order);
	sim_check_limits(world, slot);
	sim_check_granted(world, order);
}

void sim_check_attempt_made(struct sim_world *world, const struct sim_change *change)
{
	struct sim_slot *slot = sim_slot_of_row(world, attempt_slot(world, change->row));
	CHECK(slot != NULL);
	world->summary->attempts++;
	bool cancels = sim_ask_i64(world, "SELECT is_cancel FROM attempts WHERE rowid = ?",
				   change->row) != 0;
	if (slot->is_forged)
		forged_adopt(world, slot, cancels);
	if (slot->is_stuffed)
		slot->attempts = (unsigned)change->value[0];
	else if (change->value[0] != (int64_t)++slot->attempts)
		sim_fail(world, "T3", "wallet %u nonce %llu: attempt %lld is its number %u",
			 slot->wallet, (unsigned long long)slot->nonce, (long long)change->value[0],
			 slot->attempts);
	payload_check(world, slot, change->row, cancels);
	/* What was signed in the lost hour is no signature of now. */
	if (slot->canceled && !cancels && !world->importing)
		sim_fail(world, "T7",
			 "wallet %u nonce %llu: a payment is signed after a cancellation",
			 slot->wallet, (unsigned long long)slot->nonce);
	if (!world->failed)
		sim_check_fees(world, slot, change->row, cancels);
	sim_check_paused_sign(world, slot, cancels);
	slot->canceled |= cancels;
	slot->signed_epoch = (uint64_t)sim_ask_i64(
		world, "SELECT lease_epoch FROM wallets WHERE rowid = ?", slot->wallet + 1);
	if (!cancels && slot->paid_at == 0 && slot->order >= 0 && !world->importing &&
	    !world->failed)
		first_check(world, slot);
	if (slot->stage == TRANSFER_FINAL)
		sim_fail(world, "T12", "wallet %u nonce %llu is final, and is signed again",
			 slot->wallet, (unsigned long long)slot->nonce);
}

/* ---- bytes at a node ---- */

static struct sim_slot *slot_of_nonce(struct sim_world *world, unsigned wallet, uint64_t nonce)
{
	for (size_t i = world->slots_len; i > 0; i--)
		if (world->slots[i - 1].wallet == wallet && world->slots[i - 1].nonce == nonce)
			return &world->slots[i - 1];
	return NULL;
}

/* NULL: they are not stored. Of those that an editor has taken away since the newest slot that had
 * their nonce. */
static struct sim_slot *slot_of_hash(struct sim_world *world, struct hash32 hash)
{
	struct err err = { 0 };
	struct sim_slot *slot = NULL;
	struct db_statement *statement = db_prepare(
		world->db,
		"SELECT s.wallet_id - 1, s.nonce, t.rowid FROM sim_stored s LEFT JOIN attempts a "
		"ON a.tx_hash = s.tx_hash LEFT JOIN transfers t ON t.id = a.transfer_id "
		"WHERE s.tx_hash = ?",
		&err);
	CHECK(statement != NULL);
	db_bind_bytes(world->db, statement, 1, hash.bytes, sizeof hash.bytes);
	if (db_step(world->db, statement, &err) == DB_ROW) {
		if (!db_column_is_null(world->db, statement, 2))
			slot = sim_slot_of_row(world, db_column_i64(world->db, statement, 2));
		else if (world->has_slot_edits)
			slot = slot_of_nonce(world,
					     (unsigned)db_column_i64(world->db, statement, 0),
					     (uint64_t)db_column_i64(world->db, statement, 1));
	}
	db_reset(world->db, statement);
	return slot;
}

/* An order that its nonce was once signed for, whatever an editor has made of the row since. */
static bool pays_somebody(const struct sim_world *world, const struct sim_slot *slot,
			  const struct tx *tx)
{
	for (size_t i = 0; i < world->slots_len; i++) {
		const struct sim_slot *other = &world->slots[i];
		if (other->wallet == slot->wallet && other->nonce == slot->nonce &&
		    other->order >= 0 && !other->is_forged &&
		    sim_pays_order(world, &world->orders[other->order], tx))
			return true;
	}
	return false;
}

void sim_check_sent(struct sim_world *world, struct str raw)
{
	struct tx tx;
	struct tx_signature signature;
	struct sim_slot *slot = slot_of_hash(world, tx_hash_of(raw));
	if (slot == NULL) {
		sim_fail(world, "T3", "bytes reach a node that are not stored");
		return;
	}
	bool is_read = tx_read_signed(raw, &tx, &signature);
	sim_check_paused_send(world, slot, is_read && !pays_nobody(world, slot, &tx));
	slot->sender = world->acting == NULL ? 0 : world->acting->born;
	if (!is_read || tx.nonce != slot->nonce) {
		sim_fail(world, "T7", "wallet %u nonce %llu: bytes of another slot", slot->wallet,
			 (unsigned long long)slot->nonce);
		return;
	}
	sim_check_cost(world, slot, &tx);
	if (pays_nobody(world, slot, &tx) || pays_somebody(world, slot, &tx))
		return;
	sim_fail(world, "T7", "wallet %u nonce %llu pays what nobody asked for", slot->wallet,
		 (unsigned long long)slot->nonce);
}
