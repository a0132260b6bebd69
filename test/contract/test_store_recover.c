/* What a store learns that was replaced by an older copy of itself: port/store_recover.h. */
#include "store_fixture.h"

#include "core/reason.h"
#include "core/transfer.h"
#include "port/store_recover.h"

static uint64_t begin(struct fixture *f, uint64_t number_min)
{
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	uint64_t number = 0;
	MUST(store_recover_begin, f->store, number_min, false, &by, &number);
	return number;
}

static void assert_stopped(struct fixture *f, size_t wallet, enum reason reason)
{
	struct wallet row = fixture_wallet(f, wallet);
	assert_string_equal(row.stop_reason, reason_code(reason));
}

static struct store_reservation filler_of(struct fixture *f, size_t wallet, bool recovers)
{
	struct store_reservation item = { .epoch = f->leases[wallet].epoch, .recovers = recovers };
	item.transfer.id = fixture_id(f);
	item.transfer.wallet_id = f->wallets[wallet].id;
	item.transfer.chain_id = FIXTURE_CHAIN_ID;
	item.transfer.wallet = f->wallets[wallet].address;
	item.transfer.gas_limit = 21000;
	transfer_make_cancel(&item.transfer);
	return item;
}

static enum store_write reserve(struct fixture *f, struct store_reservation *item)
{
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	MUST(store_transfers_reserve, f->store, item, 1, &by);
	return item->result;
}

/* A slot that recovers, and the payment that turns out to have been sent from it. */
static struct transfer recovered_slot(struct fixture *f, size_t wallet)
{
	struct store_reservation item = filler_of(f, wallet, true);
	assert_int_equal(reserve(f, &item), STORE_WRITTEN);
	return fixture_transfer(f, item.transfer.id);
}

static struct store_import import_of(struct fixture *f, const struct transfer *slot,
				     const struct withdrawal *paid)
{
	struct store_import item = { .transfer = slot->id,
				     .version = slot->version,
				     .wallet_id = slot->wallet_id,
				     .payload = *slot };
	for (size_t i = 0; i < FIXTURE_WALLETS; i++)
		if (f->wallets[i].id == slot->wallet_id)
			item.epoch = f->leases[i].epoch;
	item.attempt.tx_hash = fixture_hash(f);
	item.attempt.raw_len = 100;
	item.attempt.gas_limit = 21000;
	item.attempt.is_cancel = paid == NULL;
	if (paid != NULL) {
		transfer_bind(&item.payload, &paid->intent);
		item.payload.payload_hash = transfer_payload_hash(&item.payload);
	}
	return item;
}

static enum store_write import(struct fixture *f, struct store_import *item)
{
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	MUST(store_attempt_import, f->store, item, &by);
	return item->result;
}

static struct store_binding binding_of(const struct fixture *f, const struct transfer *slot,
				       const struct withdrawal *row)
{
	struct store_binding item = { .transfer = slot->id,
				      .transfer_version = slot->version,
				      .wallet_id = slot->wallet_id,
				      .epoch = f->leases[0].epoch,
				      .withdrawal = row->intent.id,
				      .version = row->version,
				      .round = row->round };
	return item;
}

static enum store_write bind(struct fixture *f, struct store_binding *item)
{
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	MUST(store_transfer_bind, f->store, item, &by);
	return item->result;
}

/* The monitor came first, and took it for a stranger's: that it is ours is known now, and it may be
 * final as what it is. */
static void a_stranger_turns_out_to_be_ours(void **state)
{
	struct fixture *f = *state;
	struct withdrawal paid = fixture_accept(f, "paid");
	(void)begin(f, 0);
	struct transfer slot = recovered_slot(f, 0);
	struct store_import item = import_of(f, &slot, &paid);
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	struct store_observation seen =
		fixture_observation(f, &slot, TRANSFER_MINED, OUTCOME_FOREIGN);
	seen.mined_hash = item.attempt.tx_hash;
	MUST(store_transfers_observe, f->store, &seen, 1, &f->monitor, &by);
	assert_int_equal(seen.result, STORE_WRITTEN);
	item.version = fixture_transfer(f, slot.id).version;
	assert_int_equal(import(f, &item), STORE_WRITTEN);
	slot = fixture_transfer(f, slot.id);
	assert_int_equal(slot.stage, TRANSFER_MINED);
	assert_int_equal(slot.outcome, OUTCOME_NONE);
	struct store_observation last =
		fixture_observation(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	last.mined_hash = item.attempt.tx_hash;
	MUST(store_transfers_observe, f->store, &last, 1, &f->monitor, &by);
	assert_int_equal(last.result, STORE_WRITTEN);
	assert_int_equal(fixture_transfer(f, slot.id).stage, TRANSFER_FINAL);
}

/* A slot that paid a withdrawal which this store does not know: mined, and held so. */
static struct transfer unbound(struct fixture *f, const struct withdrawal *paid)
{
	struct transfer slot = recovered_slot(f, 0);
	struct store_import item = import_of(f, &slot, paid);
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	assert_int_equal(import(f, &item), STORE_WRITTEN);
	slot = fixture_transfer(f, slot.id);
	struct store_observation seen = fixture_observation(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	seen.mined_hash = item.attempt.tx_hash;
	MUST(store_transfers_observe, f->store, &seen, 1, &f->monitor, &by);
	assert_int_equal(seen.result, STORE_WRITTEN);
	slot = fixture_transfer(f, slot.id);
	struct store_observation held = { .transfer = slot.id,
					  .version = slot.version,
					  .held_reason = reason_code(REASON_PAYOUT_UNBOUND) };
	MUST(store_transfers_observe, f->store, &held, 1, &f->monitor, &by);
	assert_int_equal(held.result, STORE_WRITTEN);
	return fixture_transfer(f, slot.id);
}

static void a_restore_stops_all_wallets_and_open_rows_jump(void **state)
{
	struct fixture *f = *state;
	struct store_incarnation last;
	struct withdrawal open = fixture_queue(f, "open");
	struct transfer slot = fixture_broadcast(f, "ended", 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	slot = fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	struct withdrawal ended = fixture_load(f, slot.withdrawal);
	MUST(store_incarnation_load, f->store, &last);
	assert_int_equal(last.number, 0);
	assert_int_equal(begin(f, 0), 1);
	assert_int_equal(begin(f, 7), 7);
	assert_int_equal(begin(f, 2), 8);
	/* Each life between, of which this copy may know nothing, has had its own million. */
	MUST(store_incarnation_load, f->store, &last);
	assert_int_equal(last.number, 8);
	assert_false(last.journal_lost);
	for (size_t i = 0; i < FIXTURE_WALLETS; i++)
		assert_stopped(f, i, REASON_RECOVERING);
	assert_int_equal(fixture_load(f, open.intent.id).version,
			 open.version + 8 * RECOVER_VERSION_JUMP);
	assert_int_equal(fixture_last_event(f, open.intent.id).sequence,
			 open.version + 8 * RECOVER_VERSION_JUMP);
	assert_int_equal(fixture_load(f, ended.intent.id).version, ended.version);
}

/* Nothing is reserved from any wallet while one is an old store's, whatever that one is. */
static void restore_old_backup_pays_from_no_wallet(void **state)
{
	static const enum reason reasons[] = { REASON_RECOVERING, REASON_RECOVERED };
	struct fixture *f = *state;
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	struct store_by person = fixture_by(f, ACTOR_PERSON);
	struct withdrawal row = fixture_queue(f, "one");
	for (size_t i = 0; i < COUNT_OF(reasons); i++) {
		bool started = false;
		MUST(store_wallet_stop, f->store, f->wallets[1].id, reason_code(reasons[i]), NULL,
		     &by, &(bool){ false });
		struct store_reservation item = fixture_reservation(f, &row, 0);
		assert_int_equal(reserve(f, &item), STORE_PAUSED);
		MUST(store_wallet_start, f->store, f->wallets[1].id, reason_code(reasons[i]),
		     "test", &person, &started);
		assert_true(started);
	}
	struct store_reservation item = fixture_reservation(f, &row, 0);
	assert_int_equal(reserve(f, &item), STORE_WRITTEN);
}

static void slots_of_a_recovery_need_a_wallet_that_recovers(void **state)
{
	struct fixture *f = *state;
	struct store_reservation early = filler_of(f, 0, true);
	assert_int_equal(reserve(f, &early), STORE_PAUSED);
	begin(f, 0);
	struct store_reservation plain = filler_of(f, 0, false);
	assert_int_equal(reserve(f, &plain), STORE_PAUSED);
	struct store_reservation fenced = filler_of(f, 0, true);
	fenced.epoch--;
	assert_int_equal(reserve(f, &fenced), STORE_FENCED);
	struct transfer slot = recovered_slot(f, 0);
	struct transfer found;
	bool is_there = false;
	MUST(store_transfer_of_slot, f->store, slot.wallet_id, slot.nonce, &found, &is_there);
	assert_true(is_there && id_equal(found.id, slot.id));
	MUST(store_transfer_of_slot, f->store, slot.wallet_id, slot.nonce + 1, &found, &is_there);
	assert_false(is_there);
}

static void a_wallet_is_recovered_when_its_slots_are_there(void **state)
{
	struct fixture *f = *state;
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	int64_t id = f->wallets[0].id;
	uint64_t epoch = f->leases[0].epoch;
	bool done = true;
	begin(f, 0);
	MUST(store_wallet_recovered, f->store, id, epoch, &by, &done);
	assert_false(done); /* nobody said up to where */
	MUST(store_wallet_recover, f->store, id, epoch, 900);
	MUST(store_wallet_recover, f->store, id, epoch, 1000); /* the first word stays */
	assert_int_equal(fixture_wallet(f, 0).recover_to, 900);
	MUST(store_wallet_recover, f->store, id, epoch, fixture_wallet(f, 0).next_nonce + 1);
	MUST(store_wallet_recovered, f->store, id, epoch, &by, &done);
	assert_false(done);
	recovered_slot(f, 0);
	MUST_FAIL(ERR_REFUSED, store_wallet_recovered, f->store, id, epoch - 1, &by, &done);
	MUST(store_wallet_recovered, f->store, id, epoch, &by, &done);
	assert_true(done);
	assert_stopped(f, 0, REASON_RECOVERED);
	assert_stopped(f, 1, REASON_RECOVERING);
	MUST(store_wallet_recovered, f->store, id, epoch, &by, &done);
	assert_false(done);
	MUST(store_wallet_stop, f->store, f->wallets[1].id, "asked", NULL, &by, &(bool){ false });
	assert_stopped(f, 1, REASON_RECOVERING);
	MUST(store_wallet_stop, f->store, f->wallets[1].id, reason_code(REASON_NOT_RECOVERED), NULL,
	     &by, &(bool){ false });
	assert_stopped(f, 1, REASON_NOT_RECOVERED);
	MUST(store_wallet_recover, f->store, id, epoch, 1); /* it is reached: it stands */
	assert_int_equal(fixture_wallet(f, 0).recover_to, fixture_wallet(f, 0).next_nonce);
}

static void a_filler_that_paid_becomes_a_payment(void **state)
{
	struct fixture *f = *state;
	struct withdrawal paid = fixture_withdrawal(f, "lost");
	struct attempt attempts[ATTEMPTS_MAX];
	begin(f, 0);
	struct transfer slot = recovered_slot(f, 0);
	struct store_import item = import_of(f, &slot, &paid);
	item.version++;
	assert_int_equal(import(f, &item), STORE_MOVED);
	item.version--;
	item.epoch--;
	assert_int_equal(import(f, &item), STORE_FENCED);
	item.epoch++;
	assert_int_equal(import(f, &item), STORE_WRITTEN);
	assert_int_equal(import(f, &item), STORE_EXISTS);
	slot = fixture_transfer(f, slot.id);
	assert_int_equal(slot.stage, TRANSFER_BROADCAST);
	assert_false(slot.is_cancel);
	assert_true(address_equal(slot.receiver, paid.intent.to));
	assert_int_equal(amount_compare(slot.amount, paid.intent.amount), 0);
	assert_true(hash32_equal(slot.payload_hash, transfer_payload_hash(&slot)));
	assert_int_equal(fixture_attempts(f, slot.id, attempts), 1);
	assert_true(hash32_equal(attempts[0].tx_hash, item.attempt.tx_hash));
	assert_true(attempts[0].sent_at > 0);
	/* A cancellation beside it changes nothing of what the slot pays. */
	struct store_import cancel = import_of(f, &slot, NULL);
	assert_int_equal(import(f, &cancel), STORE_WRITTEN);
	struct transfer after = fixture_transfer(f, slot.id);
	assert_int_equal(after.attempts, 2);
	assert_true(hash32_equal(after.payload_hash, slot.payload_hash));
}

static void a_final_slot_takes_no_attempt(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	slot = fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	struct store_import item = import_of(f, &slot, NULL);
	assert_int_equal(import(f, &item), STORE_MOVED);
}

static struct transfer ended_as_foreign(struct fixture *f, struct transfer slot,
					struct hash32 tx_hash)
{
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	for (int to = TRANSFER_MINED; to <= TRANSFER_FINAL; to++) {
		struct store_observation seen =
			fixture_observation(f, &slot, (enum transfer_stage)to, OUTCOME_FOREIGN);
		seen.mined_hash = tx_hash;
		seen.mined_block = 1000;
		seen.mined_block_hash = tx_hash;
		MUST(store_transfers_observe, f->store, &seen, 1, &f->monitor, &by);
		assert_int_equal(seen.result, STORE_WRITTEN);
		slot = fixture_transfer(f, slot.id);
	}
	return slot;
}

/* A recovery that stood still: the monitor has ended the slot as a stranger's before its bytes were
 * found. Only by this very transaction, and only where nobody was told of it, it is open again. */
static void what_ended_as_a_strangers_is_judged_anew(void **state)
{
	struct fixture *f = *state;
	struct withdrawal paid = fixture_withdrawal(f, "lost");
	struct transfer bound = fixture_broadcast(f, "one", 1);
	bound = ended_as_foreign(f, bound, fixture_hash(f));
	begin(f, 0);
	struct transfer slot = recovered_slot(f, 0);
	slot = ended_as_foreign(f, slot, fixture_hash(f));
	struct store_import item = import_of(f, &slot, &paid);
	assert_int_equal(import(f, &item), STORE_MOVED);
	item.attempt.tx_hash = slot.mined_hash;
	assert_int_equal(import(f, &item), STORE_WRITTEN);
	slot = fixture_transfer(f, slot.id);
	assert_int_equal(slot.stage, TRANSFER_BROADCAST);
	assert_int_equal(slot.outcome, OUTCOME_NONE);
	assert_int_equal(slot.mined_block, 0);
	assert_int_equal(slot.attempts, 1);
	assert_false(slot.is_cancel);
	/* Of a slot with a withdrawal people say what the transaction was. */
	item = import_of(f, &bound, NULL);
	item.attempt.tx_hash = bound.mined_hash;
	assert_int_equal(import(f, &item), STORE_MOVED);
}

static void a_repeated_key_is_bound_to_what_paid_it(void **state)
{
	struct fixture *f = *state;
	struct withdrawal paid = fixture_withdrawal(f, "lost");
	begin(f, 0);
	struct transfer slot = unbound(f, &paid);
	struct withdrawal row = fixture_queue(f, "repeated");
	struct store_binding item = binding_of(f, &slot, &row);
	item.round = 1;
	assert_int_equal(bind(f, &item), STORE_MOVED);
	item.round = 0;
	item.transfer_version++;
	assert_int_equal(bind(f, &item), STORE_MOVED);
	item.transfer_version--;
	item.epoch++;
	assert_int_equal(bind(f, &item), STORE_FENCED);
	item.epoch--;
	assert_int_equal(bind(f, &item), STORE_WRITTEN);
	assert_int_equal(bind(f, &item), STORE_MOVED);
	row = fixture_load(f, row.intent.id);
	slot = fixture_transfer(f, slot.id);
	assert_int_equal(row.stage, WITHDRAWAL_ASSIGNED);
	assert_true(id_equal(row.transfer, slot.id));
	assert_true(id_equal(slot.withdrawal, row.intent.id));
	assert_string_equal(slot.held_reason, "");
	/* And from there on like every other one. */
	struct store_observation done =
		fixture_observation(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	done.mined_hash = slot.mined_hash;
	MUST(store_transfers_observe, f->store, &done, 1, &f->monitor, &by);
	assert_int_equal(done.result, STORE_WRITTEN);
	assert_int_equal(fixture_load(f, row.intent.id).stage, WITHDRAWAL_COMPLETED);
}

/* Held rows, rows of another stage, and slots that somebody has are nobody's to bind. */
static void only_what_is_free_is_bound(void **state)
{
	struct fixture *f = *state;
	struct withdrawal paid = fixture_withdrawal(f, "lost");
	begin(f, 0);
	struct transfer slot = unbound(f, &paid);
	struct withdrawal accepted = fixture_accept(f, "accepted");
	struct store_binding item = binding_of(f, &slot, &accepted);
	assert_int_equal(bind(f, &item), STORE_MOVED);
	struct withdrawal held = fixture_queue(f, "held");
	struct store_change hold = fixture_change(&held, WITHDRAWAL_QUEUED, "held");
	hold.held_reason = reason_code(REASON_RIGHT_ALREADY_SPENT);
	assert_true(fixture_apply(f, &hold, ACTOR_SIGNER));
	held = fixture_load(f, held.intent.id);
	item = binding_of(f, &slot, &held);
	assert_int_equal(bind(f, &item), STORE_MOVED);
	struct withdrawal first = fixture_queue(f, "first");
	struct withdrawal second = fixture_queue(f, "second");
	item = binding_of(f, &slot, &first);
	assert_int_equal(bind(f, &item), STORE_WRITTEN);
	slot = fixture_transfer(f, slot.id);
	item = binding_of(f, &slot, &second);
	assert_int_equal(bind(f, &item), STORE_MOVED);
}

static void a_queued_row_skips_a_round_that_was_spent(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct store_change change = fixture_change(&row, WITHDRAWAL_QUEUED, "round_spent");
	change.next_round = true;
	assert_true(fixture_apply(f, &change, ACTOR_SIGNER));
	struct withdrawal after = fixture_load(f, row.intent.id);
	assert_int_equal(after.round, row.round + 1);
	assert_int_equal(after.version, row.version + 1);
	assert_int_equal(fixture_messages(f, QUEUE_SIGNING, row.intent.id), 1);
}

static void open_rows_are_listed_in_pages(void **state)
{
	struct fixture *f = *state;
	struct id ids[2];
	size_t len = 0;
	struct withdrawal a = fixture_accept(f, "a");
	fixture_wait(f, 1);
	struct withdrawal b = fixture_queue(f, "b");
	fixture_wait(f, 1);
	struct withdrawal c = fixture_accept(f, "c");
	struct store_change change = fixture_change(&c, WITHDRAWAL_CANCELED, "canceled");
	change.failure_code = "canceled";
	assert_true(fixture_apply(f, &change, ACTOR_API));
	MUST(store_withdrawals_open, f->store, (struct id){ 0 }, ids, 1, &len);
	assert_int_equal(len, 1);
	assert_true(id_equal(ids[0], a.intent.id));
	MUST(store_withdrawals_open, f->store, a.intent.id, ids, 2, &len);
	assert_int_equal(len, 1);
	assert_true(id_equal(ids[0], b.intent.id));
}

static void what_is_reconciled_only_rises(void **state)
{
	struct fixture *f = *state;
	uint64_t block = 1;
	MUST(store_reconciled_load, f->store, FIXTURE_CHAIN_ID, &block);
	assert_int_equal(block, 0);
	MUST(store_reconciled_raise, f->store, FIXTURE_CHAIN_ID, 70, &f->monitor);
	MUST(store_reconciled_raise, f->store, FIXTURE_CHAIN_ID, 60, &f->monitor);
	MUST(store_reconciled_load, f->store, FIXTURE_CHAIN_ID, &block);
	assert_int_equal(block, 70);
	struct store_lease lost = f->monitor;
	lost.epoch++;
	MUST_FAIL(ERR_NOT_DONE, store_reconciled_raise, f->store, FIXTURE_CHAIN_ID, 80, &lost);
}

/* What a monitor finds later does not hide the blocks that the backup had not compared. */
static void a_restore_says_where_blocks_are_read_from(void **state)
{
	struct fixture *f = *state;
	struct store_mark mark = { .chain_id = FIXTURE_CHAIN_ID, .finalized = 500 };
	uint64_t block = 0;
	MUST(store_mark_raise, f->store, &mark);
	(void)begin(f, 1);
	mark.finalized = 900;
	MUST(store_mark_raise, f->store, &mark);
	MUST(store_reconciled_load, f->store, FIXTURE_CHAIN_ID, &block);
	assert_int_equal(block, 500);
	(void)begin(f, 2);
	MUST(store_reconciled_load, f->store, FIXTURE_CHAIN_ID, &block);
	assert_int_equal(block, 500);
}

/* A backup that knows of no block at all knows of none later either. */
static void a_restore_of_a_young_store_reads_all_blocks(void **state)
{
	struct fixture *f = *state;
	struct store_mark mark = { .chain_id = FIXTURE_CHAIN_ID, .finalized = 900 };
	uint64_t block = 0;
	(void)begin(f, 1);
	MUST(store_mark_raise, f->store, &mark);
	MUST(store_reconciled_load, f->store, FIXTURE_CHAIN_ID, &block);
	assert_int_equal(block, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_restore_stops_all_wallets_and_open_rows_jump),
		TEST(a_stranger_turns_out_to_be_ours),
		TEST(restore_old_backup_pays_from_no_wallet),
		TEST(slots_of_a_recovery_need_a_wallet_that_recovers),
		TEST(a_wallet_is_recovered_when_its_slots_are_there),
		TEST(a_filler_that_paid_becomes_a_payment),
		TEST(a_final_slot_takes_no_attempt),
		TEST(what_ended_as_a_strangers_is_judged_anew),
		TEST(a_repeated_key_is_bound_to_what_paid_it),
		TEST(only_what_is_free_is_bound),
		TEST(a_queued_row_skips_a_round_that_was_spent),
		TEST(open_rows_are_listed_in_pages),
		TEST(what_is_reconciled_only_rises),
		TEST(a_restore_says_where_blocks_are_read_from),
		TEST(a_restore_of_a_young_store_reads_all_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
