/* Reservations: a nonce, a slot and a bound withdrawal, or nothing; without holes (T1, T2). */
#include "store_fixture.h"

#include "core/transfer.h"

static void reserve(struct fixture *f, struct store_reservation *items, size_t n)
{
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	MUST(store_transfers_reserve, f->store, items, n, &by);
}

static uint64_t next_nonce(struct fixture *f, size_t wallet)
{
	return fixture_wallet(f, wallet).next_nonce;
}

static void assert_slot_matches(const struct transfer *slot, const struct transfer *asked)
{
	assert_true(id_equal(slot->id, asked->id));
	assert_int_equal(slot->wallet_id, asked->wallet_id);
	assert_int_equal(slot->chain_id, FIXTURE_CHAIN_ID);
	assert_true(address_equal(slot->wallet, asked->wallet));
	assert_int_equal(slot->nonce, asked->nonce);
	assert_int_equal(slot->is_cancel, asked->is_cancel);
	assert_true(id_equal(slot->withdrawal, asked->withdrawal));
	assert_int_equal(slot->round, asked->round);
	assert_true(address_equal(slot->to, asked->to));
	assert_int_equal(wei_compare(slot->value, asked->value), 0);
	assert_int_equal(slot->is_token, asked->is_token);
	assert_true(address_equal(slot->receiver, asked->receiver));
	assert_int_equal(amount_compare(slot->amount, asked->amount), 0);
	assert_int_equal(slot->gas_limit, asked->gas_limit);
	assert_true(hash32_equal(slot->payload_hash, asked->payload_hash));
	assert_true(hash32_equal(slot->payload_hash, transfer_payload_hash(slot)));
}

static void assert_slot_is_fresh(const struct transfer *slot, int64_t now_ms)
{
	assert_int_equal(slot->stage, TRANSFER_RESERVED);
	assert_int_equal(slot->outcome, OUTCOME_NONE);
	assert_int_equal(slot->attempts, 0);
	assert_int_equal(slot->wish, WISH_NONE);
	assert_int_equal(slot->version, 1);
	assert_int_equal(slot->stage_at, now_ms);
	assert_int_equal(slot->sent_at, 0);
	assert_int_equal(slot->mined_block, 0);
	assert_string_equal(slot->held_reason, "");
}

static void nonce_slot_and_withdrawal_move_together(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct message message = fixture_claim(f, QUEUE_SIGNING, row.intent.id);
	struct store_reservation item = fixture_reservation(f, &row, 0);
	fixture_edit(f, "UPDATE withdrawals SET wait_reason = 'funds', funds_since = 7");
	fixture_wait(f, 500);
	item.ack = message.ack;
	reserve(f, &item, 1);
	assert_int_equal(item.result, STORE_WRITTEN);
	assert_int_equal(item.transfer.nonce, FIXTURE_FIRST_GAP);
	assert_int_equal(next_nonce(f, 0), FIXTURE_FIRST_GAP + 1);

	struct transfer slot = fixture_transfer(f, item.transfer.id);
	assert_slot_matches(&slot, &item.transfer);
	assert_slot_is_fresh(&slot, f->clock.now_ms);
	assert_string_equal(slot.correlation_id, row.correlation_id);

	struct withdrawal bound = fixture_load(f, row.intent.id);
	assert_int_equal(bound.stage, WITHDRAWAL_ASSIGNED);
	assert_int_equal(bound.version, row.version + 1);
	assert_string_equal(bound.wait_reason, "");
	assert_int_equal(bound.funds_since, 0);
	assert_true(id_equal(bound.transfer, slot.id));
	assert_int_equal(bound.due_at, f->clock.now_ms + lifecycle_due_in_ms(WITHDRAWAL_ASSIGNED));
	assert_int_equal(bound.updated_at, f->clock.now_ms);
	struct store_event event = fixture_last_event(f, row.intent.id);
	assert_string_equal(event.type, "assigned");
	assert_int_equal(event.actor, ACTOR_SIGNER);
	assert_non_null(strstr(event.detail, "\"nonce\":5}"));
	assert_non_null(strstr(event.detail, address_text(slot.wallet).at));
	assert_int_equal(fixture_messages(f, QUEUE_SIGNING, row.intent.id), 0);
}

static struct transfer token_reserve(struct fixture *f, const char *key, struct u256 units)
{
	struct withdrawal row = fixture_withdrawal(f, key);
	row.intent.is_native = false;
	snprintf(row.intent.asset, sizeof row.intent.asset, "USDC");
	row.intent.contract = f->catalogue.assets[1].contract;
	row.intent.amount.units = units;
	struct store_accept accept = fixture_item(&row);
	MUST(store_accept_withdrawals, f->store, &accept, 1);
	struct store_change queue = fixture_change(&row, WITHDRAWAL_QUEUED, "queued");
	assert_true(fixture_apply(f, &queue, ACTOR_PROCESSOR));
	row = fixture_load(f, row.intent.id);
	struct store_reservation item = fixture_reservation(f, &row, 1);
	reserve(f, &item, 1);
	struct transfer slot = fixture_transfer(f, item.transfer.id);
	assert_slot_matches(&slot, &item.transfer);
	return slot;
}

static void a_token_slot_keeps_its_payload(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = token_reserve(f, "one", u256_max());
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_true(slot.is_token);
	assert_true(address_equal(slot.to, row.intent.contract));
	assert_true(address_equal(slot.receiver, row.intent.to));
	assert_true(u256_equal(slot.amount.units, u256_max()));
}

/* nonce-burnt: what moved meanwhile takes no nonce, wherever in the batch it stands. */
static void a_batch_over_wallets_has_no_holes(void **state)
{
	struct fixture *f = *state;
	struct store_reservation items[9];
	char key[16];
	for (size_t i = 0; i < 9; i++) {
		snprintf(key, sizeof key, "key-%zu", i);
		struct withdrawal row = fixture_queue(f, key);
		items[i] = fixture_reservation(f, &row, i < 5 ? 0 : 1);
		items[i].ack = fixture_claim(f, QUEUE_SIGNING, row.intent.id).ack;
	}
	items[0].version--;                  /* an old version */
	items[4].withdrawal = fixture_id(f); /* no such row */
	struct withdrawal asked = fixture_load(f, items[2].withdrawal);
	struct store_change cancel = fixture_change(&asked, asked.stage, "cancel_requested");
	cancel.request_cancel = true;
	assert_true(fixture_apply(f, &cancel, ACTOR_API));
	items[2].version++;
	struct withdrawal held = fixture_load(f, items[6].withdrawal);
	struct store_change hold = fixture_change(&held, held.stage, "held");
	hold.held_reason = "intent_mac";
	assert_true(fixture_apply(f, &hold, ACTOR_SIGNER));
	items[6].version++;

	reserve(f, items, 9);
	static const uint64_t nonces[9] = { 0, 5, 0, 6, 0, 0, 0, 1, 2 };
	for (size_t i = 0; i < 9; i++) {
		bool moved = i == 0 || i == 2 || i == 4 || i == 6;
		assert_int_equal(items[i].result, moved ? STORE_MOVED : STORE_WRITTEN);
		if (!moved)
			assert_int_equal(items[i].transfer.nonce, nonces[i]);
		/* A moved row's message is acknowledged too; item 2 was woken by its cancel. */
		assert_int_equal(fixture_messages(f, QUEUE_SIGNING, items[i].ack.subject), i == 2);
	}
	assert_int_equal(next_nonce(f, 0), 7);
	assert_int_equal(next_nonce(f, 1), 3);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM transfers"), 5);
	assert_int_equal(fixture_load(f, held.intent.id).stage, WITHDRAWAL_QUEUED);
	assert_int_equal(fixture_load(f, asked.intent.id).stage, WITHDRAWAL_QUEUED);
}

static void only_a_queued_row_is_reserved(void **state)
{
	struct fixture *f = *state;
	struct withdrawal accepted = fixture_accept(f, "one");
	struct withdrawal rejected = fixture_accept(f, "two");
	struct store_change reject = fixture_change(&rejected, WITHDRAWAL_REJECTED, "rejected");
	assert_true(fixture_apply(f, &reject, ACTOR_PROCESSOR));
	rejected = fixture_load(f, rejected.intent.id);
	struct digest before = fixture_digest(f);
	struct store_reservation items[2] = { fixture_reservation(f, &accepted, 0),
					      fixture_reservation(f, &rejected, 0) };
	reserve(f, items, 2);
	assert_int_equal(items[0].result, STORE_MOVED);
	assert_int_equal(items[1].result, STORE_MOVED);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

/* row-edited: a row at a nonce that its wallet has not given keeps that wallet, and no other one,
 * from giving it. */
static void a_taken_nonce_is_its_wallets(void **state)
{
	struct fixture *f = *state;
	(void)fixture_broadcast(f, "one", 1);
	fixture_edit(f, "UPDATE wallets SET next_nonce = next_nonce - 1 WHERE id = "
			"(SELECT wallet_id FROM transfers)");
	struct withdrawal rows[2] = { fixture_queue(f, "two"), fixture_queue(f, "three") };
	struct store_reservation items[2] = { fixture_reservation(f, &rows[0], 0),
					      fixture_reservation(f, &rows[1], 1) };
	reserve(f, items, 2);
	assert_int_equal(items[0].result, STORE_WRITTEN);
	assert_int_equal(items[1].result, STORE_TAKEN);
	assert_int_equal(fixture_load(f, rows[1].intent.id).stage, WITHDRAWAL_QUEUED);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM transfers"), 2);
	fixture_edit(f, "UPDATE wallets SET next_nonce = next_nonce + 1 WHERE id = "
			"(SELECT wallet_id FROM transfers WHERE stage > 1)");
}

/* two-workers-one-row */
static void a_withdrawal_gets_one_slot_per_round(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct store_reservation items[3] = { fixture_reservation(f, &row, 0),
					      fixture_reservation(f, &row, 0),
					      fixture_reservation(f, &row, 1) };
	reserve(f, items, 3);
	assert_int_equal(items[0].result, STORE_WRITTEN);
	assert_int_equal(items[1].result, STORE_EXISTS);
	assert_int_equal(items[2].result, STORE_EXISTS);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM transfers"), 1);
	assert_int_equal(next_nonce(f, 0), FIXTURE_FIRST_GAP + 1);
	assert_int_equal(next_nonce(f, 1), 0);
}

/* row-edited: somebody sets a paid row back. The round has had its slot. */
static void an_edited_row_gets_no_second_slot(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	slot = fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	struct digest before = fixture_digest(f);
	fixture_edit(f, "UPDATE withdrawals SET stage = 3, due_at = 1");
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	struct store_reservation item = fixture_reservation(f, &row, 0);
	reserve(f, &item, 1);
	assert_int_equal(item.result, STORE_EXISTS);
	/* Another round is another matter of the rows; the signer's journal stands before it. */
	item = fixture_reservation(f, &row, 0);
	item.transfer.round++;
	reserve(f, &item, 1);
	assert_int_equal(item.result, STORE_MOVED);
	fixture_edit(f, "UPDATE withdrawals SET stage = 5, due_at = NULL");
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

static void a_filler_takes_a_nonce_without_a_withdrawal(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct store_reservation items[2] = { { .epoch = f->leases[0].epoch },
					      fixture_reservation(f, &row, 0) };
	struct transfer *filler = &items[0].transfer;
	filler->id = fixture_id(f);
	filler->wallet_id = f->wallets[0].id;
	filler->chain_id = FIXTURE_CHAIN_ID;
	filler->wallet = f->wallets[0].address;
	filler->gas_limit = 21000;
	transfer_make_cancel(filler);
	reserve(f, items, 2);
	assert_int_equal(items[0].result, STORE_WRITTEN);
	assert_int_equal(items[1].transfer.nonce, items[0].transfer.nonce + 1);
	struct transfer slot = fixture_transfer(f, filler->id);
	assert_slot_matches(&slot, filler);
	assert_true(slot.is_cancel);
	assert_true(id_is_zero(slot.withdrawal));
	assert_string_equal(slot.correlation_id, "");
}

static void a_stopped_or_new_wallet_reserves_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	bool taken = false;
	f->leases[2] = (struct store_lease){ .wallet_id = f->wallets[2].id, .name = "wallet-3" };
	MUST(store_lease_take, f->store, &f->leases[2], "signer-1", f->clock.now_ms, &taken);
	MUST(store_wallet_stop, f->store, f->wallets[0].id, "foreign_transaction", NULL, &by,
	     &(bool){ false });
	struct store_reservation items[3];
	static const char *const keys[3] = { "one", "two", "three" };
	for (size_t i = 0; i < 3; i++) {
		struct withdrawal row = fixture_queue(f, keys[i]);
		items[i] = fixture_reservation(f, &row, i);
		items[i].ack = fixture_claim(f, QUEUE_SIGNING, row.intent.id).ack;
	}
	reserve(f, items, 3);
	assert_int_equal(items[0].result, STORE_PAUSED);
	assert_int_equal(items[1].result, STORE_WRITTEN);
	assert_int_equal(items[2].result, STORE_PAUSED);
	assert_int_equal(next_nonce(f, 0), FIXTURE_FIRST_GAP);
	assert_int_equal(next_nonce(f, 2), 0);
	assert_int_equal(fixture_load(f, items[0].withdrawal).stage, WITHDRAWAL_QUEUED);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM transfers"), 1);
	/* Their wake-ups are not lost: they come back when the claim ends. */
	assert_int_equal(fixture_messages(f, QUEUE_SIGNING, items[0].ack.subject), 1);
	assert_int_equal(fixture_messages(f, QUEUE_SIGNING, items[2].ack.subject), 1);
}

/* slow-signer-outlives-lease, split-brain-wallet */
static void an_old_epoch_reserves_nothing_for_its_wallet(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[3] = { fixture_queue(f, "one"), fixture_queue(f, "two"),
				      fixture_queue(f, "three") };
	struct store_reservation items[3] = { fixture_reservation(f, &rows[0], 0),
					      fixture_reservation(f, &rows[1], 1),
					      fixture_reservation(f, &rows[2], 1) };
	items[0].epoch--;
	reserve(f, items, 3);
	assert_int_equal(items[0].result, STORE_FENCED);
	assert_int_equal(items[1].result, STORE_WRITTEN);
	assert_int_equal(items[2].result, STORE_WRITTEN);
	struct digest before = fixture_digest(f);
	items[0].epoch = f->leases[0].epoch + 1;
	reserve(f, items, 1);
	assert_int_equal(items[0].result, STORE_FENCED);
	items[0].epoch = f->leases[0].epoch;
	items[0].transfer.wallet_id = 99;
	reserve(f, items, 1);
	assert_int_equal(items[0].result, STORE_FENCED);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

/* Each item brings its own epoch: a good one does not vouch for its neighbour. */
static void every_item_is_fenced_by_its_own_epoch(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[3] = { fixture_queue(f, "one"), fixture_queue(f, "two"),
				      fixture_queue(f, "three") };
	struct store_reservation items[3];
	for (size_t i = 0; i < 3; i++)
		items[i] = fixture_reservation(f, &rows[i], 0);
	items[1].epoch--;
	reserve(f, items, 3);
	assert_int_equal(items[0].result, STORE_WRITTEN);
	assert_int_equal(items[1].result, STORE_FENCED);
	assert_int_equal(items[2].result, STORE_WRITTEN);
	assert_int_equal(items[2].transfer.nonce, items[0].transfer.nonce + 1);
}

#define RACE_ROWS 48

struct racer {
	pthread_t thread;
	const struct fixture *fixture;
	pthread_barrier_t *start;
	struct store_reservation items[RACE_ROWS];
	size_t batch;
};

/* A signer of its own wallet, on a connection of its own. */
static void *racer_run(void *context)
{
	struct racer *racer = context;
	struct db *db = fixture_connect(racer->fixture);
	struct store *store = fixture_store_over(db);
	struct store_by by = fixture_by(racer->fixture, ACTOR_SIGNER);
	(void)pthread_barrier_wait(racer->start);
	for (size_t done = 0; done < RACE_ROWS; done += racer->batch) {
		struct err err = { 0 };
		CHECK(store_transfers_reserve(store, racer->items + done, racer->batch, &by, &err));
	}
	store_close(store);
	db_close(db);
	return NULL;
}

/* two-workers-one-row: each row has one slot, and neither wallet has a hole. */
static void two_workers_one_row_get_one_slot(void **state)
{
	struct fixture *f = *state;
	struct racer *racers = calloc(2, sizeof *racers);
	pthread_barrier_t start;
	char key[16];
	assert_non_null(racers);
	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	for (size_t i = 0; i < RACE_ROWS; i++) {
		snprintf(key, sizeof key, "key-%zu", i);
		struct withdrawal row = fixture_queue(f, key);
		racers[0].items[i] = fixture_reservation(f, &row, 0);
		racers[1].items[i] = fixture_reservation(f, &row, 1);
	}
	for (size_t i = 0; i < 2; i++) {
		racers[i].fixture = f;
		racers[i].start = &start;
		racers[i].batch = i == 0 ? 1 : 3;
		assert_int_equal(pthread_create(&racers[i].thread, NULL, racer_run, &racers[i]), 0);
	}
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
	for (size_t i = 0; i < RACE_ROWS; i++) {
		enum store_write first = racers[0].items[i].result;
		enum store_write second = racers[1].items[i].result;
		assert_true((first == STORE_WRITTEN && second == STORE_EXISTS) ||
			    (first == STORE_EXISTS && second == STORE_WRITTEN));
	}
	assert_int_equal(next_nonce(f, 0) - FIXTURE_FIRST_GAP + next_nonce(f, 1), RACE_ROWS);
	assert_true(fixture_is_sound(f));
	pthread_barrier_destroy(&start);
	free(racers);
}

static void only_the_signer_reserves(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct store_reservation item = fixture_reservation(f, &row, 0);
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	struct err err = { 0 };
	assert_aborts((void)!store_transfers_reserve(f->store, &item, 1, &by, &err));
}

/* --- the self-transfer --------------------------------------------------------------------------
 */

static enum store_write turn_cancel(struct fixture *f, struct transfer *slot, uint64_t epoch)
{
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	enum store_write result = 0;
	MUST(store_transfer_turn_cancel, f->store, slot, epoch, &by, &result);
	return result;
}

static void an_unsigned_slot_turns_into_its_self_transfer(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct transfer slot = fixture_reserve(f, &row, 0);
	struct transfer before = slot;
	assert_int_equal(turn_cancel(f, &slot, f->leases[0].epoch), STORE_WRITTEN);
	assert_int_equal(slot.version, before.version + 1);
	struct transfer stored = fixture_transfer(f, slot.id);
	assert_slot_matches(&stored, &slot);
	assert_int_equal(stored.version, slot.version);
	assert_true(stored.is_cancel);
	assert_false(stored.is_token);
	assert_int_equal(stored.nonce, before.nonce);
	assert_int_equal(stored.stage, TRANSFER_RESERVED);
	assert_true(address_equal(stored.to, f->wallets[0].address));
	assert_true(u256_is_zero(stored.value.value));
	assert_true(amount_is_zero(stored.amount));
	assert_false(hash32_equal(stored.payload_hash, before.payload_hash));
	/* The withdrawal stays bound until that is final (T4). */
	row = fixture_load(f, row.intent.id);
	assert_int_equal(row.stage, WITHDRAWAL_ASSIGNED);
	assert_true(id_equal(row.transfer, slot.id));
	assert_int_equal(fixture_number_of(f,
					   "SELECT COUNT(*) FROM audit WHERE subject = ? AND "
					   "action = 'slot_turned_cancel'",
					   slot.id),
			 1);
}

static void a_slot_that_was_signed_or_lost_does_not_turn(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct transfer slot = fixture_reserve(f, &row, 0);
	struct transfer old = slot;
	assert_int_equal(turn_cancel(f, &slot, f->leases[0].epoch + 1), STORE_FENCED);
	struct transfer stored = fixture_sign(f, &slot);
	assert_int_equal(turn_cancel(f, &old, f->leases[0].epoch), STORE_MOVED);
	assert_memory_equal(&old, &slot, sizeof old);
	assert_false(fixture_transfer(f, slot.id).is_cancel);
	struct err err = { 0 };
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	enum store_write result;
	assert_aborts((void)!store_transfer_turn_cancel(f->store, &stored, f->leases[0].epoch, &by,
							&result, &err));
}

/* --- reading ------------------------------------------------------------------------------------
 */

static void the_slot_of_a_round_is_found(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct transfer slot = fixture_reserve(f, &row, 0);
	struct transfer found_slot;
	bool found = false;
	MUST(store_transfer_of_round, f->store, row.intent.id, 0, &found_slot, &found);
	assert_true(found);
	assert_true(id_equal(found_slot.id, slot.id));
	assert_true(id_equal(found_slot.withdrawal, row.intent.id));
	MUST(store_transfer_of_round, f->store, row.intent.id, 1, &found_slot, &found);
	assert_false(found);
	MUST(store_transfer_of_round, f->store, fixture_id(f), 0, &found_slot, &found);
	assert_false(found);
	MUST(store_transfer_load, f->store, fixture_id(f), &found_slot, &found);
	assert_false(found);
}

static size_t load(struct fixture *f, size_t wallet, enum transfer_stage first,
		   enum transfer_stage last, uint64_t block_max, size_t limit,
		   struct transfer ret_rows[8])
{
	struct store_transfer_filter filter = { .wallet_id = f->wallets[wallet].id,
						.first = first,
						.last = last,
						.mined_block_max = block_max,
						.limit = limit };
	size_t len = 0;
	assert_true(limit <= 8);
	MUST(store_transfers_load, f->store, &filter, ret_rows, &len);
	return len;
}

static void slots_are_listed_by_stage_in_order(void **state)
{
	struct fixture *f = *state;
	struct transfer slots[6];
	struct transfer rows[8];
	char key[16];
	for (size_t i = 0; i < 6; i++) {
		snprintf(key, sizeof key, "key-%zu", i);
		slots[i] = fixture_broadcast(f, key, i < 5 ? 0 : 1);
	}
	/* Mined against the order of nonces: 6 in block 10, 5 in block 20. */
	for (size_t i = 0; i < 2; i++) {
		struct store_observation item =
			fixture_observation(f, &slots[i], TRANSFER_MINED, OUTCOME_NONE);
		item.mined_block = i == 0 ? 20 : 10;
		struct store_by by = fixture_by(f, ACTOR_MONITOR);
		MUST(store_transfers_observe, f->store, &item, 1, &f->monitor, &by);
	}
	assert_int_equal(load(f, 0, TRANSFER_RESERVED, TRANSFER_BROADCAST, UINT64_MAX, 8, rows), 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(rows[i].nonce, 7 + i);
	assert_int_equal(load(f, 0, TRANSFER_RESERVED, TRANSFER_BROADCAST, UINT64_MAX, 2, rows), 2);
	assert_int_equal(rows[0].nonce, 7);
	assert_int_equal(load(f, 0, TRANSFER_MINED, TRANSFER_MINED, UINT64_MAX, 8, rows), 2);
	assert_int_equal(rows[0].nonce, 6);
	assert_int_equal(rows[1].nonce, 5);
	assert_int_equal(load(f, 0, TRANSFER_MINED, TRANSFER_MINED, 19, 8, rows), 1);
	assert_int_equal(rows[0].nonce, 6);
	assert_int_equal(load(f, 0, TRANSFER_MINED, TRANSFER_MINED, 9, 8, rows), 0);
	struct store_transfer_filter from = { .wallet_id = f->wallets[0].id,
					      .first = TRANSFER_MINED,
					      .last = TRANSFER_MINED,
					      .mined_block_min = 11,
					      .mined_block_max = 20,
					      .limit = 8 };
	size_t len = 0;
	MUST(store_transfers_load, f->store, &from, rows, &len);
	assert_int_equal(len, 1);
	assert_int_equal(rows[0].nonce, 5);
	assert_int_equal(load(f, 1, TRANSFER_RESERVED, TRANSFER_FINAL, UINT64_MAX, 8, rows), 1);
	assert_true(id_equal(rows[0].id, slots[5].id));
	assert_int_equal(load(f, 2, TRANSFER_RESERVED, TRANSFER_FINAL, UINT64_MAX, 8, rows), 0);
}

/* Page by page, and without what waits for a person. */
static void a_list_of_slots_goes_on_behind_a_row(void **state)
{
	struct fixture *f = *state;
	struct transfer rows[8];
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	uint64_t nonces[6];
	size_t found = 0;
	size_t len = 0;
	char key[16];
	for (size_t i = 0; i < 6; i++) {
		snprintf(key, sizeof key, "key-%zu", i);
		struct transfer slot = fixture_broadcast(f, key, 0);
		struct store_observation item =
			fixture_observation(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
		item.mined_block = 100 + i / 4; /* four in one block, two in the next */
		MUST(store_transfers_observe, f->store, &item, 1, &f->monitor, &by);
		if (i != 1)
			continue;
		slot = fixture_transfer(f, slot.id);
		item = fixture_observation(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
		item.held_reason = "success_without_proof";
		MUST(store_transfers_observe, f->store, &item, 1, &f->monitor, &by);
	}
	struct store_transfer_filter filter = { .wallet_id = f->wallets[0].id,
						.first = TRANSFER_MINED,
						.last = TRANSFER_MINED,
						.mined_block_max = UINT64_MAX,
						.without_held = true,
						.limit = 2 };
	do {
		MUST(store_transfers_load, f->store, &filter, rows, &len);
		for (size_t i = 0; i < len; i++)
			nonces[found++] = rows[i].nonce;
		if (len > 0) {
			filter.has_after = true;
			filter.after_block = rows[len - 1].mined_block;
			filter.after_nonce = rows[len - 1].nonce;
		}
	} while (len > 0);
	static const uint64_t expected[] = { 5, 7, 8, 9, 10 };
	assert_int_equal(found, COUNT_OF(expected));
	assert_memory_equal(nonces, expected, sizeof expected);
	filter = (struct store_transfer_filter){ .wallet_id = f->wallets[0].id,
						 .first = TRANSFER_MINED,
						 .last = TRANSFER_MINED,
						 .mined_block_max = UINT64_MAX,
						 .limit = 8 };
	MUST(store_transfers_load, f->store, &filter, rows, &len);
	assert_int_equal(len, 6);
}

/* What the signer looks at in each step: how many slots are out, and those that wait for it. */
static void slots_that_need_the_signer(void **state)
{
	struct fixture *f = *state;
	struct transfer slots[5];
	struct transfer rows[8];
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	size_t len = 0;
	char key[16];
	for (size_t i = 0; i < 5; i++) {
		snprintf(key, sizeof key, "key-%zu", i);
		struct withdrawal row = fixture_queue(f, key);
		slots[i] = fixture_reserve(f, &row, 0);
	}
	/* Reserved, signed, broadcast, broadcast with a wish, mined. */
	for (size_t i = 1; i < 5; i++)
		slots[i] = fixture_sign(f, &slots[i]);
	for (size_t i = 2; i < 5; i++)
		slots[i] = fixture_send(f, &slots[i]);
	struct store_wish wish = { slots[3].id, WISH_REBROADCAST, WISH_REASON_FORGOTTEN, 1 };
	MUST(store_transfers_wish, f->store, &wish, 1, &by);
	(void)fixture_observe(f, &slots[4], TRANSFER_MINED, OUTCOME_NONE);
	struct store_transfer_filter filter = { .wallet_id = f->wallets[0].id,
						.first = TRANSFER_RESERVED,
						.last = TRANSFER_BROADCAST,
						.mined_block_max = UINT64_MAX,
						.for_signer = true,
						.limit = 8 };
	MUST(store_transfers_load, f->store, &filter, rows, &len);
	assert_int_equal(len, 3);
	assert_true(id_equal(rows[0].id, slots[0].id));
	assert_true(id_equal(rows[1].id, slots[1].id));
	assert_true(id_equal(rows[2].id, slots[3].id));
	assert_int_equal(fixture_wallet(f, 0).in_flight, 4);
	assert_int_equal(fixture_wallet(f, 1).in_flight, 0);
}

struct takes {
	struct store_taken coin;
	struct store_taken token;
	uint64_t gas;
};

static struct takes take(struct fixture *f, size_t wallet, uint64_t block)
{
	struct store_taken items[2] = {
		{ .amount = { u256_max() } },
		{ .contract = f->catalogue.assets[1].contract, .amount = { u256_max() } },
	};
	uint64_t gas = 0;
	MUST(store_taken_load, f->store, f->wallets[wallet].id, block, items, 2, &gas);
	return (struct takes){ items[0], items[1], gas };
}

static void assert_takes(struct takes takes, uint64_t coin, uint64_t token, uint64_t gas)
{
	assert_true(u256_equal(takes.coin.amount.units, u256_from_u64(coin)));
	assert_true(u256_equal(takes.token.amount.units, u256_from_u64(token)));
	assert_int_equal(takes.gas, gas);
}

/* Whatever is not mined at or below the block takes from the purses, whoever knows already that it
 * is mined above. */
static void what_slots_take_of_the_purses(void **state)
{
	struct fixture *f = *state;
	assert_takes(take(f, 1, 0), 0, 0, 0);
	struct transfer coin = fixture_broadcast(f, "coin", 1);
	struct transfer token = token_reserve(f, "token", u256_from_u64(70));
	uint64_t coins = 0;
	assert_true(u256_to_u64(coin.amount.units, &coins));
	assert_takes(take(f, 1, 0), coins, 70, coin.gas_limit + token.gas_limit);
	assert_takes(take(f, 1, UINT64_MAX), coins, 70, coin.gas_limit + token.gas_limit);
	assert_takes(take(f, 0, 0), 0, 0, 0);
	coin = fixture_observe(f, &coin, TRANSFER_MINED, OUTCOME_NONE);
	assert_takes(take(f, 1, coin.mined_block - 1), coins, 70, coin.gas_limit + token.gas_limit);
	assert_takes(take(f, 1, coin.mined_block), 0, 70, token.gas_limit);
	coin = fixture_observe(f, &coin, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	assert_takes(take(f, 1, coin.mined_block - 1), coins, 70, coin.gas_limit + token.gas_limit);
	assert_takes(take(f, 1, coin.mined_block), 0, 70, token.gas_limit);
	/* What adds up to more than there can be is more than any balance. */
	(void)token_reserve(f, "all", u256_max());
	assert_true(u256_equal(take(f, 1, 0).token.amount.units, u256_max()));
	fixture_edit(f, "UPDATE transfers SET gas_limit = 9223372036854775807");
	assert_int_equal(take(f, 1, 0).gas, UINT64_MAX);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(nonce_slot_and_withdrawal_move_together),
		STORE_TEST(a_token_slot_keeps_its_payload),
		STORE_TEST(a_batch_over_wallets_has_no_holes),
		STORE_TEST(only_a_queued_row_is_reserved),
		STORE_TEST(a_taken_nonce_is_its_wallets),
		STORE_TEST(a_withdrawal_gets_one_slot_per_round),
		STORE_TEST(an_edited_row_gets_no_second_slot),
		STORE_TEST(a_filler_takes_a_nonce_without_a_withdrawal),
		STORE_TEST(a_stopped_or_new_wallet_reserves_nothing),
		STORE_TEST(an_old_epoch_reserves_nothing_for_its_wallet),
		STORE_TEST(every_item_is_fenced_by_its_own_epoch),
		STORE_TEST(two_workers_one_row_get_one_slot),
		STORE_TEST(only_the_signer_reserves),
		STORE_TEST(an_unsigned_slot_turns_into_its_self_transfer),
		STORE_TEST(a_slot_that_was_signed_or_lost_does_not_turn),
		STORE_TEST(the_slot_of_a_round_is_found),
		STORE_TEST(slots_are_listed_by_stage_in_order),
		STORE_TEST(a_list_of_slots_goes_on_behind_a_row),
		STORE_TEST(slots_that_need_the_signer),
		STORE_TEST(what_slots_take_of_the_purses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
