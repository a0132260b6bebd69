/* Two signers, one wallet; and a store that is older than what was paid. */
#include "life_fault.h"
#include "life_world.h"
#include "port/store_recover.h"
#include "service/signer/signer_recover.h"

static void assert_all_paid(struct life *life, const struct withdrawal *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		life_assert_paid(life, &rows[i]);
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), n);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* Both work at every step; only the one with the lease acts. */
static void test_split_brain_wallet(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[10];
	struct life *other = life_join(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 5000 + i);
		life_process(life);
		life_sign(other);
		assert_false(life_view(life, rows[i].intent.id).has_transfer);
		life_sign(life);
		life_sign(other);
	}
	for (int i = 0; i < 8; i++) {
		life_run(life, 1);
		life_run(other, 1);
	}
	assert_int_equal(
		life_number(life,
			    "SELECT count(*) FROM wallets WHERE lease_holder <> 'signer-life'",
			    NULL),
		0);
	life_part(other);
	assert_all_paid(life, rows, COUNT_OF(rows));
}

/* The owner dies with work in every state; the other takes over, and the first one comes back. */
static void test_owner_dies(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[9];
	struct life *other = life_join(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 5100 + i);
		if (i % 3 == 0)
			life_sign(life);
		else if (i % 3 == 1)
			life_process(life);
	}
	life_sign(life);
	life_stop(life);
	for (int i = 0; i < 3; i++) {
		life_wait(other, 61000);
		life_run(other, 3);
	}
	life_start(life);
	life->clock.skew_ms = other->clock.skew_ms;
	for (int i = 0; i < 4; i++) {
		life_run(life, 2);
		life_run(other, 2);
	}
	assert_int_equal(life_number(life,
				     "SELECT count(*) FROM wallets WHERE lease_holder <> "
				     "'signer-second'",
				     NULL),
			 0);
	life_part(other);
	assert_all_paid(life, rows, COUNT_OF(rows));
}

/* Somebody takes the lease while the keys are slow: what was signed meanwhile is neither stored nor
 * sent. */
static void lease_steal(struct life *life, const struct withdrawal *row)
{
	(void)row;
	life_sql(life, "UPDATE leases SET epoch = epoch + 1, holder = 'thief'; "
		       "UPDATE wallets SET lease_epoch = lease_epoch + 1");
}

static void test_slow_signer_outlives_lease(void **state)
{
	struct life *life = *state;
	static const char *const calls[] = { "chain_estimate_many", "store_transfers_reserve",
					     "journal_append_many", "keys_sign_many",
					     "store_attempts_add",  "chain_send_many",
					     "store_attempts_sent" };
	struct withdrawal rows[COUNT_OF(calls)];
	life_fault_install(life);
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 5200 + i);
		life_process(life);
		life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
								.call = calls[i],
								.at = 1,
								.act = lease_steal });
		life_sign(life);
		assert_string_equal(life_fault_hit(life), calls[i]);
		life_fault_clear(life);
		/* Nothing of this owner's is stored after it, let alone sent. */
		struct store_view view = life_view(life, rows[i].intent.id);
		assert_int_equal(view.has_transfer, i >= 2);
		assert_int_equal(view.attempts, i >= 5 ? 1 : 0);
		life_wait(life, 61000);
		life_run(life, 8);
		life_assert_paid(life, &rows[i]);
	}
	life_run(life, 2);
	assert_all_paid(life, rows, COUNT_OF(rows));
}

/* Another process owns the wallets while this one stands still. */
static void other_owner(struct life *life, enum life_fault_mode mode, const char *call)
{
	struct signer *first = life->signer;
	life->signer = NULL;
	life->instance = "signer-second";
	life_restart(life, LIFE_SIGNER);
	life_fault_at(life, mode, call, 1);
	life_sign(life);
	assert_string_equal(life_fault_hit(life), call);
	life_fault_clear(life);
	signer_free(life->signer);
	life->signer = first;
	life->instance = "signer-life";
}

/* Fees have risen, so that it journals another ceiling than the first one would; and it dies before
 * the store hears of it. */
static void other_owner_journals(struct life *life, const struct withdrawal *row)
{
	(void)row;
	life_base_fee(life, 90000000000);
	life_mine(life, 1);
	other_owner(life, LIFE_FAULT_KILL, "journal_append_many");
}

static void other_owner_bumps(struct life *life, const struct withdrawal *row)
{
	other_owner(life, LIFE_FAULT_KILL, "store_attempts_sent");
	assert_int_equal(life_view(life, row->intent.id).transfer.attempts, 2);
}

/* Who has lost the lease judges nobody by what another one wrote meanwhile. */
static void overtaken_run(struct life *life, const struct withdrawal *row, const char *call,
			  void (*act)(struct life *, const struct withdrawal *))
{
	life_fault_plan(
		life,
		(struct life_fault_plan){
			.mode = LIFE_FAULT_ACT, .call = call, .at = 1, .act = act, .row = row });
	life_sign(life);
	life_assert_quiet(life);
	assert_int_equal(life_alarms(life, "wallet_stopped"), 0);
	life_wait(life, 3000);
	life_run(life, 8);
	assert_all_paid(life, row, 1);
}

/* The journal differs beside a slot that has not changed. */
static void test_journaled_by_another_owner(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 5250);
	life_process(life);
	overtaken_run(life, &row, "journal_append_many", other_owner_journals);
}

/* The first owner hung with its next append, and wakes when the second one is about to make its
 * own: the same slot, the same number, at the fee of its time. */
static void first_owner_wakes(struct life *life, const struct withdrawal *row)
{
	const struct transfer slot = life_view(life, row->intent.id).transfer;
	struct journal_entry entry = { .has_slot = true,
				       .slot = { slot.chain_id, slot.wallet, slot.nonce },
				       .kind = JOURNAL_PAY,
				       .payload_hash = slot.payload_hash,
				       .has_attempt = true,
				       .attempt_number = 1,
				       .fee_ceiling = { u256_from_u64(1) } };
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	struct err err = { 0 };
	if (!journal_append_many(life->journal, &entry, 1, &verdict, &err))
		fail_msg("%s", err.text);
	assert_int_equal(verdict, JOURNAL_WRITTEN);
}

static void test_journaled_by_an_owner_that_wakes(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 5252);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_KILL, "store_transfers_reserve", 1);
	life_sign(life);
	life_fault_clear(life);
	overtaken_run(life, &row, "journal_append_many", first_owner_wakes);
}

/* There are more attempts than the slot had when it was read. */
static void test_bumped_by_another_owner(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 5251);
	life_process(life);
	life_sign(life);
	life_sql(life, "UPDATE transfers SET wish = %d, wish_attempts_seen = 1", (int)WISH_BUMP);
	life_wait(life, 3000);
	overtaken_run(life, &row, "store_attempts_load", other_owner_bumps);
}

static void other_changes_the_row(struct life *life, const struct withdrawal *row)
{
	(void)row;
	life_sql(life, "UPDATE withdrawals SET version = version + 1, approval_mac = x'%064d'", 0);
}

/* Somebody changes the row while a hold is on its way: what was not written is nobody's alarm. */
static void test_what_is_not_written_is_not_told(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 5253);
	life_process(life);
	life_sql(life, "UPDATE withdrawals SET approval_mac = zeroblob(32)");
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = "store_withdrawals_change",
							.at = 1,
							.act = other_changes_the_row });
	life_sign(life);
	assert_string_equal(life_view(life, row.intent.id).withdrawal.held_reason, "");
	assert_int_equal(life_alarms(life, "withdrawal_held"), 0);
	life_fault_clear(life);
	life_wait(life, 16000);
	life_run(life, 2);
	life_assert_held(life, &row, "approval_mac_invalid");
}

/* Another owner pays something else meanwhile: the chain knows more than the one that wakes up, and
 * not more than the store. */
static void other_owner_pays(struct life *life, const struct withdrawal *row)
{
	(void)row;
	life_sql(life,
		 "UPDATE leases SET epoch = epoch + 1, holder = 'thief'; "
		 "UPDATE wallets SET lease_epoch = lease_epoch + 1, next_nonce = next_nonce + 1");
	for (size_t i = 0; i < life->catalogue.wallets_len; i++)
		(void)life_foreign_pay(life, life->catalogue.wallets[i].address,
				       life_fresh_address(life), 1);
	life_mine(life, 1);
}

static void test_chain_is_ahead_of_who_slept(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	(void)life_accept(life, "POL", 5255);
	life_process(life);
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = "chain_nonces",
							.at = 1,
							.act = other_owner_pays });
	life_sign(life);
	assert_string_equal(life_fault_hit(life), "chain_nonces");
	assert_int_equal(life_alarms(life, "chain_is_ahead"), 0);
	life_fault_clear(life);
}

/* Who has no wallet takes no wake-up, however long that lasts: the owner pays at once. */
static void test_who_owns_nothing_takes_nothing(void **state)
{
	struct life *life = *state;
	struct life *other = life_join(life);
	life_sign(other);
	life_wait(other, 61000);
	struct withdrawal row = life_accept(life, "POL", 5254);
	life_process(life);
	life_sign(other);
	life_assert_waits(life, &row, "");
	life_sign(life);
	assert_true(life_view(life, row.intent.id).has_transfer);
	life_part(other);
}

/* `reconcile --after-restore`, and a person who says that it may go on. */
static void recover(struct life *life)
{
	struct signer_recovery state = { .phase = RECOVERY_READING };
	struct err err = { 0 };
	life->recovers = true;
	life_restart(life, LIFE_SIGNER);
	life_restart(life, LIFE_MONITOR);
	if (!signer_recover_begin(life->signer, &err))
		fail_msg("%s", err.text);
	for (int i = 0; i < 500 && state.phase != RECOVERY_DONE; i++) {
		bool worked = false;
		if (!signer_recover_step(life->signer, &state, &worked, &err))
			fail_msg("%s", err.text);
		if (state.phase != RECOVERY_READING && state.phase != RECOVERY_DONE)
			life_watch(life);
		life_mine(life, 1);
		life_wait(life, 500);
	}
	assert_int_equal(state.phase, RECOVERY_DONE);
	life->recovers = false;
	life_restart(life, LIFE_SIGNER);
	life_restart(life, LIFE_MONITOR);
	assert_int_equal(life_number(life,
				     "SELECT count(*) FROM wallets WHERE stop_reason = 'recovered'",
				     NULL),
			 life->catalogue.wallets_len);
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
}

/* The store is an hour old: what was paid since is queued again, or unknown. */
static void test_restore_old_backup(void **state)
{
	struct life *life = *state;
	struct withdrawal before, queued, later;
	before = life_accept(life, "POL", 5300);
	life_run(life, 8);
	queued = life_accept(life, "TUSD", 5301);
	life_process(life);
	life_back_up(life);
	later = life_accept(life, "POL", 5302);
	(void)life_accept(life, "POL", 5303);
	life_run(life, 8);
	life_assert_paid(life, &before);
	life_assert_paid(life, &queued);
	life_assert_paid(life, &later);
	life_restore(life);
	for (int i = 0; i < 4; i++) {
		life_wait(life, 16000);
		life_run(life, 4);
	}
	assert_true(u256_equal(life_balance(life, "TUSD", queued.intent.to), u256_from_u64(5301)));
	assert_true(u256_equal(life_balance(life, "POL", later.intent.to), u256_from_u64(5302)));
	assert_string_equal(life_view(life, queued.intent.id).withdrawal.wait_reason,
			    "restore_not_reconciled");
	assert_true(life_alarms(life, "wallet_stopped") > 0);
	/* The client asks again with the key of a payment that the store has lost. */
	life->made = 2;
	struct withdrawal again = life_accept_to(life, "POL", 5302, later.intent.to);
	struct withdrawal other = life_accept(life, "POL", 5303); /* not whom it paid then */
	life_run(life, 2);
	life_wait(life, 16000); /* no slot is free: wake-ups are taken now and then */
	life_run(life, 4);
	assert_string_equal(life_view(life, again.intent.id).withdrawal.wait_reason,
			    "restore_not_reconciled");
	recover(life);
	/* Both end with the truth, and with the transaction that paid them. */
	life_wait(life, 16000);
	life_run(life, 8);
	life_assert_paid(life, &queued);
	life_assert_paid(life, &again);
	assert_true(u256_equal(life_balance(life, "POL", later.intent.to), u256_from_u64(5302)));
	life_assert_held(life, &other, "right_already_spent");
	struct withdrawal fresh = life_accept(life, "POL", 5304);
	life_run(life, 12);
	life_assert_paid(life, &fresh);
}

static void journal_add(struct life *life, uint64_t nonce, enum journal_kind kind,
			struct hash32 hash)
{
	struct journal_entry entry = { .has_slot = true, .kind = kind, .payload_hash = hash };
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	struct err err = { 0 };
	entry.slot = (struct journal_slot){ 31337, life->catalogue.wallets[0].address, nonce };
	assert_true(journal_append_many(life->journal, &entry, 1, &verdict, &err));
	assert_int_equal(verdict, JOURNAL_WRITTEN);
}

/* A wallet that the backup does not know yet, and a nonce in between that went to a stranger: it
 * enters below all that it has sent. */
static void test_restored_before_it_entered(void **state)
{
	struct life *life = *state;
	struct address wallet = life->catalogue.wallets[0].address;
	struct err err = { 0 };
	uint64_t first = life_chain_nonce(life, wallet);
	life_sql(life, "UPDATE wallets SET entered = 0 WHERE id = 1");
	life_back_up(life);
	life_sql(life, "UPDATE wallets SET entered = 1, stop_reason = ''; "
		       "UPDATE wallets SET stop_reason = 'test' WHERE id > 1");
	struct withdrawal row = life_accept(life, "POL", 5700);
	life_run(life, 8);
	life_assert_paid(life, &row);
	struct hash32 strange = life_foreign_pay(life, wallet, life_fresh_address(life), 1);
	journal_add(life, first + 1, JOURNAL_FOREIGN, strange);
	journal_add(life, first + 2, JOURNAL_PAY, strange); /* its bytes were never sent */
	life_restore(life);
	life_sql(life, "UPDATE wallets SET stop_reason = 'recovering'");
	life->recovers = true;
	life_restart(life, LIFE_SIGNER);
	if (!signer_recover_begin(life->signer, &err))
		fail_msg("%s", err.text);
	assert_int_equal(life_number(life, "SELECT entered FROM wallets WHERE id = 1", NULL), 1);
	assert_int_equal(life_number(life, "SELECT first_nonce FROM wallets WHERE id = 1", NULL),
			 first);
}

/* ---- what people said in the lost hour ---- */

#define SPENDER "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720" /* an account of the node's */

static struct hash32 call_token(struct life *life, const char *from, const char *data)
{
	char params[1024];
	struct hash32 hash = { 0 };
	struct address token = catalogue_asset(&life->catalogue, 31337, STR("TUSD"))->contract;
	snprintf(params, sizeof params,
		 "[{\"from\":\"%s\",\"to\":\"%s\",\"data\":\"%s\",\"gas\":\"0x493e0\"}]", from,
		 life_hex(token.bytes, 20), data);
	const char *result = strstr(life_rpc(life, "eth_sendTransaction", params), "\"result\":");
	assert_non_null(result);
	assert_true(hash32_read((struct str){ strstr(result, "0x"), 66 }, &hash));
	life_mine(life, 1);
	return hash;
}

/* Before the first wallet entered, somebody may spend its tokens. */
/* The store is away while that wallet is to enter: no block is read until it has, or nobody would
 * look for what it sent, and the monitor would take it for a stranger's. */
static void test_restored_and_enters_late(void **state)
{
	struct life *life = *state;
	struct signer_recovery recovery = { .phase = RECOVERY_READING };
	struct err err = { 0 };
	bool worked = false;
	life_sql(life, "UPDATE wallets SET entered = 0 WHERE id = 1");
	life_back_up(life);
	life_sql(life, "UPDATE wallets SET entered = 1, stop_reason = ''; "
		       "UPDATE wallets SET stop_reason = 'test' WHERE id > 1");
	struct withdrawal row = life_accept(life, "POL", 5710);
	life_run(life, 8);
	life_assert_paid(life, &row);
	life_restore(life);
	life_sql(life, "UPDATE wallets SET stop_reason = 'recovering'");
	life->recovers = true;
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "store_wallet_enter", 0);
	assert_true(signer_recover_begin(life->signer, &err));
	for (int i = 0; i < 5; i++) {
		assert_true(signer_recover_step(life->signer, &recovery, &worked, &err));
		assert_int_equal(recovery.phase, RECOVERY_READING);
		life_mine(life, 1);
		life_wait(life, 500);
	}
	assert_string_equal(life_fault_hit(life), "store_wallet_enter");
	life_fault_clear(life);
	for (int i = 0; i < 3; i++)
		assert_true(signer_recover_step(life->signer, &recovery, &worked, &err));
	assert_int_equal(recovery.imported, 1);
}

static void spender_allow(struct life *life)
{
	char data[200];
	char wallet[43];
	snprintf(wallet, sizeof wallet, "%s",
		 life_hex(life->catalogue.wallets[0].address.bytes, 20));
	snprintf(data, sizeof data, "0x095ea7b3%024d%s%064x", 0, &SPENDER[2], 1000000);
	(void)call_token(life, wallet, data);
	life_sql(life, "UPDATE wallets SET first_nonce = 1, next_nonce = 1 WHERE id = 1; "
		       "UPDATE wallets SET stop_reason = 'test' WHERE id > 1");
	life_restart(life, LIFE_SIGNER);
	life_sign(life);
}

static struct hash32 spender_pay(struct life *life, const struct withdrawal *row, unsigned units)
{
	char data[400];
	char wallet[43];
	snprintf(wallet, sizeof wallet, "%s",
		 life_hex(life->catalogue.wallets[0].address.bytes, 20));
	snprintf(data, sizeof data, "0x23b872dd%024d%s%024d%s%064x", 0, &wallet[2], 0,
		 life_hex(row->intent.to.bytes, 20) + 2, units);
	struct hash32 paid = call_token(life, SPENDER, data);
	life_mine(life, 12);
	return paid;
}

static void looks_pass(struct life *life, int n)
{
	for (int i = 0; i < n; i++) {
		life_wait(life, 20000);
		life_run(life, 4);
	}
}

/* Its own slot reverted, and two people named what had paid it. The store forgets the withdrawal;
 * its client asks again with the same key. */
static void test_paid_elsewhere_and_restored(void **state)
{
	struct life *life = *state;
	spender_allow(life);
	life_back_up(life);
	uint64_t made = life->made;
	struct withdrawal row = life_accept(life, "TUSD", 5600);
	life_process(life);
	life_sign(life);
	life_drop_pool(life);
	life_token_block(life, row.intent.to, true);
	life_sql(life, "UPDATE withdrawals SET held_reason = 'intent_mac_invalid', "
		       "version = version + 1");
	looks_pass(life, 4);
	life_token_block(life, row.intent.to, false);
	struct hash32 paid = spender_pay(life, &row, 5600);
	life_decide(life, &row, "ann", &paid);
	life_decide(life, &row, "ben", &paid);
	looks_pass(life, 1);
	life_assert_stage(life, &row, WITHDRAWAL_COMPLETED);
	life_restore(life);
	life_sql(life, "UPDATE wallets SET stop_reason = '' WHERE stop_reason = 'test'");
	looks_pass(life, 2);
	recover(life);
	life->made = made;
	struct withdrawal again = life_accept_to(life, "TUSD", 5600, row.intent.to);
	looks_pass(life, 4);
	assert_true(u256_equal(life_balance(life, "TUSD", row.intent.to), u256_from_u64(5600)));
	assert_string_equal(life_view(life, again.intent.id).withdrawal.held_reason,
			    "round_was_paid");
	/* They look at it once more, and say the same. */
	life_decide(life, &again, "ann", NULL);
	life_decide(life, &again, "ben", NULL);
	looks_pass(life, 1);
	assert_string_equal(life_view(life, again.intent.id).withdrawal.held_reason,
			    "round_was_paid");
	life_decide(life, &again, "ann", &paid);
	life_decide(life, &again, "ben", &paid);
	looks_pass(life, 1);
	life_assert_stage(life, &again, WITHDRAWAL_COMPLETED);
	assert_true(u256_equal(life_balance(life, "TUSD", row.intent.to), u256_from_u64(5600)));
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfer_items", NULL), 1);
}

/* Monitors raise the finalized mark of a store that recovers; what lies below it is found all the
 * same, by a recovery that begins anew. */
static void test_restore_reads_what_the_backup_did_not(void **state)
{
	struct life *life = *state;
	struct store_by by = { .actor = ACTOR_PERSON,
			       .who = "ann",
			       .request_id = "",
			       .now_ms = clock_now_ms(&life->clock.base) };
	struct err err = { 0 };
	uint64_t number = 0;
	life_back_up(life);
	struct withdrawal row = life_accept(life, "POL", 5450);
	life_run(life, 8);
	life_assert_paid(life, &row);
	life_mine(life, 800);
	life_restore(life);
	assert_true(store_recover_begin(life->store, 1, false, &by, &number, &err));
	life_watch(life); /* a monitor that somebody left running */
	assert_true(life_number(life, "SELECT finalized_mark FROM chains", NULL) > 500);
	life->made = 0;
	struct withdrawal again = life_accept_to(life, "POL", 5450, row.intent.to);
	life_process(life);
	recover(life);
	life_run(life, 8);
	life_assert_paid(life, &again);
	assert_true(u256_equal(life_balance(life, "POL", row.intent.to), u256_from_u64(5450)));
}

/* Whom the store does not know any more was paid all the same: neither today's rules nor a client
 * who cancels before the approval make "rejected" or "canceled" of it. */
static void test_restore_ends_nothing_early(void **state)
{
	struct life *life = *state;
	struct withdrawal paid[2];
	life_back_up(life);
	for (size_t i = 0; i < COUNT_OF(paid); i++)
		paid[i] = life_accept(life, "POL", 5500 + i);
	life_run(life, 8);
	for (size_t i = 0; i < COUNT_OF(paid); i++)
		life_assert_paid(life, &paid[i]);
	life_restore(life);
	life_run(life, 2); /* it shows itself */
	recover(life);
	life->made = 0;
	for (size_t i = 0; i < COUNT_OF(paid); i++)
		paid[i] = life_accept_to(life, "POL", 5500 + i, paid[i].intent.to);
	struct withdrawal fresh[2];
	for (size_t i = 0; i < COUNT_OF(fresh); i++)
		fresh[i] = life_accept(life, "POL", 5510 + i);
	life_sql(life, "UPDATE withdrawals SET cancel_requested = 1 WHERE id IN (%s, %s)",
		 life_blob(paid[0].intent.id.bytes, ID_BYTES),
		 life_blob(fresh[0].intent.id.bytes, ID_BYTES));
	struct asset *pol = &life->catalogue.assets[0];
	assert_string_equal(pol->symbol, "POL");
	struct amount minimum = pol->minimum;
	pol->minimum.units = u256_from_u64(6000);
	life_run(life, 6);
	pol->minimum = minimum;
	for (size_t i = 0; i < COUNT_OF(paid); i++)
		life_assert_stage(life, &paid[i], WITHDRAWAL_COMPLETED);
	for (size_t i = 0; i < COUNT_OF(fresh); i++) {
		life_assert_stage(life, &fresh[i], WITHDRAWAL_REJECTED);
		life_assert_unpaid(life, &fresh[i]);
	}
}

/* One wallet of an old store recovers: no other one pays either, until people say so. */
static void test_restore_old_backup_pays_from_no_wallet(void **state)
{
	static const char *const reasons[] = { "recovering", "recovered" };
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", 5350);
	for (size_t i = 0; i < COUNT_OF(reasons); i++) {
		life_sql(life, "UPDATE wallets SET stop_reason = '%s' WHERE id = 3", reasons[i]);
		for (int k = 0; k < 3; k++) {
			life_wait(life, 16000);
			life_run(life, 2);
		}
		assert_false(life_view(life, row.intent.id).has_transfer);
		life_assert_unpaid(life, &row);
	}
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	life_wait(life, 16000);
	life_run(life, 8);
	life_assert_paid(life, &row);
}

/* Backups of a wallet that worked on: its nonces are taken, though the store gives them again. */
static void test_restore_gives_nonces_again(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[6];
	life_back_up(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, "POL", 5400 + i);
	life_run(life, 8);
	life_restore(life);
	life->made = 100; /* new orders */
	struct withdrawal fresh = life_accept(life, "TUSD", 5410);
	for (int i = 0; i < 4; i++) {
		life_wait(life, 16000);
		life_run(life, 4);
	}
	life_assert_unpaid(life, &fresh);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_true(u256_equal(life_balance(life, "POL", rows[i].intent.to),
				       u256_from_u64(5400 + i)));
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM wallets WHERE stop_reason <> ''", NULL), 3);
}

/* The journal is gone: what was paid is no longer known by anybody but the chain. */
static void test_journal_lost(void **state)
{
	struct life *life = *state;
	char path[112];
	struct withdrawal paid = life_accept(life, "POL", 5500);
	life_run(life, 8);
	life_assert_paid(life, &paid);
	life_stop(life);
	snprintf(path, sizeof path, "%s/journal.db", life->dir);
	assert_int_equal(unlink(path), 0);
	life_start(life);
	life_sql(life, "UPDATE withdrawals SET stage = 3, due_at = 1, transfer_id = NULL; "
		       "DELETE FROM transfer_items");
	for (size_t i = 0; i < life->catalogue.wallets_len; i++)
		(void)life_accept(life, "TUSD", 5501 + i);
	for (int i = 0; i < 4; i++) {
		life_wait(life, 16000);
		life_run(life, 4);
	}
	assert_true(u256_equal(life_balance(life, "POL", paid.intent.to), u256_from_u64(5500)));
	assert_int_equal(life_alarms(life, "wallet_stopped"), life->catalogue.wallets_len);
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 1);
}

/* A reorg gives more slots back than a wallet may have in flight, while one is reserved that the
 * journal has not heard of yet. Nothing is wrong, nobody is called. */
static void test_reorg_of_a_full_wallet(void **state)
{
	struct life *life = *state;
	life->catalogue.wallets[0].in_flight_max = IN_FLIGHT_MAX;
	life_sql(life, "UPDATE wallets SET stop_reason = 'test' WHERE id > 1");
	(void)life_accept(life, "POL", 5600);
	life_run(life, 1);
	for (unsigned i = 1; i < IN_FLIGHT_MAX; i++)
		(void)life_accept(life, "POL", 5600 + i);
	life_process(life);
	life_sign(life);
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_KILL, "store_transfers_reserve", 1);
	(void)life_accept(life, "POL", 5700);
	life_process(life);
	life_sign(life);
	life_fault_clear(life);
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers WHERE stage = 1", NULL),
			 1);
	life_reorg(life, 1);
	life_drop_pool(life);
	life_watch(life);
	life_wait(life, 3000);
	life_watch(life);
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers WHERE wish <> 0", NULL),
			 IN_FLIGHT_MAX);
	life_sign(life);
	life_run(life, 20);
	assert_int_equal(life_alarms(life, "wallet_stopped"), 0);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM withdrawals WHERE stage <> 5", NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_split_brain_wallet),
		LIFE_TEST(test_owner_dies),
		LIFE_TEST(test_slow_signer_outlives_lease),
		LIFE_TEST(test_journaled_by_an_owner_that_wakes), /* before fees have risen */
		LIFE_TEST(test_journaled_by_another_owner),
		LIFE_TEST(test_bumped_by_another_owner),
		LIFE_TEST(test_what_is_not_written_is_not_told),
		LIFE_TEST(test_chain_is_ahead_of_who_slept),
		LIFE_TEST(test_who_owns_nothing_takes_nothing),
		LIFE_TEST(test_restore_old_backup),
		LIFE_TEST(test_restore_old_backup_pays_from_no_wallet),
		LIFE_TEST(test_restore_gives_nonces_again),
		LIFE_TEST(test_restore_ends_nothing_early),
		LIFE_TEST(test_restore_reads_what_the_backup_did_not),
		LIFE_TEST(test_paid_elsewhere_and_restored),
		LIFE_TEST(test_restored_before_it_entered),
		LIFE_TEST(test_restored_and_enters_late),
		LIFE_TEST(test_journal_lost),
		LIFE_TEST(test_reorg_of_a_full_wallet),
	};
	return LIFE_MAIN(tests);
}
