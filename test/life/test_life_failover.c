/* A database server dies, and a replica that lacks its last commits takes its place: commits of the
 * store, and on the same server of the journal. Nobody has restored anything, and both tell one
 * story. Only the chain knows more. */
#include "life_fault.h"
#include "life_node.h"
#include "life_recover.h"
#include "life_world.h"

#include "core/reason.h"

/* The replica as it is now; what follows never gets there. */
static void replica_lags(struct life *life)
{
	journal_keep(life);
	life_back_up(life);
}

static void replica_takes_over(struct life *life)
{
	life_restore(life);
	journal_revive(life);
}

/* One wallet has paid, and it is the only one. */
static void only_wallet(struct life *life)
{
	struct withdrawal row = life_accept(life, "POL", 9000);
	life_process(life);
	life_sign(life);
	life_mine(life, 1);
	life_sql(life, "UPDATE wallets SET stop_reason = 'signature_mismatch' WHERE id <> %d",
		 (int)life_view(life, row.intent.id).transfer.wallet_id);
}

static struct withdrawal queued(struct life *life, uint64_t units)
{
	struct withdrawal row = life_accept(life, "TUSD", units);
	life_process(life);
	return row;
}

static void wake_late(struct life *life, const struct withdrawal *row)
{
	life_sql(life, "UPDATE messages SET visible_at = visible_at + 3000 WHERE subject = %s",
		 life_blob(row->intent.id.bytes, sizeof row->intent.id.bytes));
}

static void sign_on(struct life *life, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		life_sign(life);
		life_mine(life, 1);
		life_wait(life, 1500);
	}
}

static void failover_run(struct life *life, bool in_pool)
{
	/* The monitor has no verdict for long. */
	life->catalogue.chains[0].depth_paid = 128;
	life->catalogue.chains[0].depth_unpaid = 256;
	only_wallet(life);
	struct withdrawal paid = queued(life, 9001);
	replica_lags(life);
	life_sign(life);
	if (!in_pool)
		life_mine(life, 1);
	replica_takes_over(life);
	/* Another one takes the nonce, and it the next: its wake-up comes later, as it may. */
	struct withdrawal other = queued(life, 9002);
	wake_late(life, &paid);
	sign_on(life, 10);
	assert_received(life, "TUSD", &paid, 9001);
	assert_received(life, "TUSD", &other, 0);
	life_assert_waits(life, &other, reason_code(REASON_CHAIN_IS_AHEAD));
	assert_int_equal(life_alarms(life, "chain_is_ahead"), 1);
}

static void test_restore_old_backup_by_a_failover(void **state)
{
	failover_run(*state, false);
}

static void test_restore_old_backup_by_a_failover_and_a_pool(void **state)
{
	failover_run(*state, true);
}

/* Its client cancels what seems to stand still, and would pay it by another way. */
static void test_restore_old_backup_by_a_failover_and_a_cancel(void **state)
{
	struct life *life = *state;
	life->catalogue.chains[0].depth_paid = 128;
	life->catalogue.chains[0].depth_unpaid = 256;
	only_wallet(life);
	struct withdrawal paid = queued(life, 9030);
	replica_lags(life);
	life_sign(life);
	life_mine(life, 1);
	replica_takes_over(life);
	assert_true(life_cancel(life, &paid));
	sign_on(life, 10);
	assert_received(life, "TUSD", &paid, 9030);
	life_assert_stage(life, &paid, WITHDRAWAL_QUEUED);
	/* So it is when the wallet is stopped. */
	life_sql(life, "UPDATE wallets SET stop_reason = 'nonce_consumed_elsewhere'");
	life_wait(life, 61000);
	sign_on(life, 10);
	life_assert_stage(life, &paid, WITHDRAWAL_QUEUED);
}

/* A stranger's transaction looks like that too. The monitor stops the wallet, a person looks and
 * starts it, and it goes on. */
static void test_person_starts_a_wallet_that_is_behind(void **state)
{
	struct life *life = *state;
	only_wallet(life);
	life_run(life, 4);
	struct withdrawal before = queued(life, 9010);
	life_sign(life);
	life_foreign_send(life, life_view(life, before.intent.id).transfer.wallet,
			  life_fresh_address(life));
	struct withdrawal row = queued(life, 9011);
	sign_on(life, 3);
	assert_false(life_view(life, row.intent.id).has_transfer);
	life_run(life, 6);
	assert_int_equal(life_alarms(life, "nonce_consumed_elsewhere"), 1);
	life_sql(life, "UPDATE wallets SET stop_reason = '' WHERE stop_reason = "
		       "'nonce_consumed_elsewhere'");
	life_wait(life, 11000);
	sign_on(life, 2);
	assert_true(life_view(life, row.intent.id).has_transfer);
}

/* A node that invents transactions delays, and no more. */
static void test_node_that_invents_nonces_delays(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	only_wallet(life);
	node.nonce_pending_more = 7;
	struct withdrawal row = queued(life, 9020);
	sign_on(life, 3);
	life_assert_waits(life, &row, reason_code(REASON_CHAIN_IS_AHEAD));
	node.nonce_pending_more = 0;
	life_wait(life, 16000);
	life_run(life, 8);
	life_assert_paid(life, &row);
}

/* ---- what the chain has and the store has not, with other wallets beside it ---- */

static const char may_be_paid[] = "may_be_paid_by_unbound";

/* Steps of all roles, as long as it takes to read what is deep, and to look at all that waits. */
static void read_on(struct life *life)
{
	for (int i = 0; i < 3; i++) {
		life_wait(life, 16000);
		life_run(life, 4);
	}
}

/* Paid by a wallet, and lost with that: the others have never heard of it. */
static struct withdrawal paid_and_lost(struct life *life, const char *symbol, uint64_t units,
				       struct hash32 *ret_tx)
{
	struct withdrawal row = life_accept(life, symbol, units);
	life_process(life);
	replica_lags(life);
	life_sign(life);
	life_mine(life, 1);
	*ret_tx = life_view(life, row.intent.id).tx_hash;
	replica_takes_over(life);
	return row;
}

static void test_restore_old_backup_by_a_failover_and_another_wallet(void **state)
{
	struct life *life = *state;
	struct hash32 tx;
	life_run(life, 2);
	struct withdrawal paid = paid_and_lost(life, "TUSD", 9101, &tx);
	struct withdrawal native = queued(life, 9102);
	sign_on(life, 3);
	/* Nobody of the chain is paid before it is known who was. */
	assert_received(life, "TUSD", &paid, 9101);
	life_assert_unpaid(life, &native);
	life_assert_waits(life, &native, reason_code(REASON_CHAIN_IS_AHEAD));
	assert_int_equal(life_alarms(life, "chain_is_ahead"), 1);
	read_on(life);
	assert_received(life, "TUSD", &paid, 9101);
	assert_waits_for_people(life, &paid, may_be_paid);
	life_assert_paid(life, &native);
	/* People say whose it was. */
	both_decide(life, &paid, &tx);
	settle(life);
	life_assert_paid(life, &paid);
	life_assert_alive(life);
}

/* Nothing that keeps a person from starting it without force. */
static void assert_no_slot_against(struct life *life)
{
	for (int64_t id = 1; id <= (int64_t)life->catalogue.wallets_len; id++) {
		struct store_transfer_filter filter = { .wallet_id = id,
							.first = TRANSFER_RESERVED,
							.last = TRANSFER_FINAL,
							.mined_block_max = UINT64_MAX,
							.unresolved = true,
							.limit = 1 };
		struct transfer slot;
		struct err err = { 0 };
		size_t n = 0;
		assert_true(store_transfers_load(life->store, &filter, &slot, &n, &err));
		assert_int_equal(n, 0);
	}
}

/* A person starts the wallet, and the signer starts again: store and chain are level. */
static void test_failover_and_its_wallet_starts_again(void **state)
{
	struct life *life = *state;
	struct hash32 tx;
	only_wallet(life);
	life_run(life, 8);
	struct withdrawal paid = paid_and_lost(life, "TUSD", 9111, &tx);
	struct withdrawal other = queued(life, 9112);
	read_on(life);
	life_assert_unpaid(life, &other);
	assert_waits_for_people(life, &paid, may_be_paid);
	assert_no_slot_against(life);
	life_sql(life, "UPDATE wallets SET stop_reason = '' WHERE stop_reason = "
		       "'nonce_consumed_elsewhere'");
	life_restart(life, LIFE_SIGNER);
	read_on(life);
	life_assert_paid(life, &other);
	assert_received(life, "TUSD", &paid, 9111);
	both_decide(life, &paid, &tx);
	settle(life);
	life_assert_paid(life, &paid);
	life_assert_settled(life);
}

/* Two payments of one amount to one receiver, of two wallets. */
static void test_restore_old_backup_by_a_failover_that_loses_equal_payments(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[3];
	struct hash32 tx[2];
	rows[0] = life_accept(life, "TUSD", 9121);
	rows[1] = life_accept_to(life, "TUSD", 9121, rows[0].intent.to);
	life_process(life);
	replica_lags(life);
	life_sign(life);
	life_mine(life, 1);
	for (int i = 0; i < 2; i++)
		tx[i] = life_view(life, rows[i].intent.id).tx_hash;
	replica_takes_over(life);
	/* One is asked for once more, and nobody knows that it is another one. */
	rows[2] = life_accept_to(life, "TUSD", 9121, rows[0].intent.to);
	read_on(life);
	for (int i = 0; i < 3; i++)
		assert_waits_for_people(life, &rows[i], may_be_paid);
	assert_received(life, "TUSD", &rows[0], 2 * 9121);
	both_decide(life, &rows[1], &tx[0]);
	both_decide(life, &rows[0], &tx[1]);
	both_decide(life, &rows[2], NULL);
	settle(life);
	for (int i = 0; i < 3; i++)
		life_assert_stage(life, &rows[i], WITHDRAWAL_COMPLETED);
	assert_received(life, "TUSD", &rows[0], 3 * 9121);
}

/* More than one step reads, of one wallet. */
static void test_failover_loses_many_payments(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[12];
	for (size_t i = 0; i < 12; i++)
		rows[i] = life_accept(life, "TUSD", 9130 + i);
	life_process(life);
	replica_lags(life);
	for (int i = 0; i < 6; i++) {
		life_sign(life);
		life_mine(life, 9);
		life_watch(life);
	}
	replica_takes_over(life);
	for (int i = 0; i < 3; i++)
		read_on(life);
	for (size_t i = 0; i < 12; i++) {
		assert_waits_for_people(life, &rows[i], may_be_paid);
		assert_received(life, "TUSD", &rows[i], 9130 + i);
	}
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	life_assert_alive(life);
}

/* It waits in a pool, and so does the chain; until a block has it. */
static void test_failover_and_what_waits_in_a_pool(void **state)
{
	struct life *life = *state;
	struct withdrawal paid = life_accept(life, "TUSD", 9141);
	life_process(life);
	replica_lags(life);
	life_sign(life);
	replica_takes_over(life);
	struct withdrawal other = queued(life, 9142);
	for (int i = 0; i < 6; i++) {
		life_wait(life, 16000);
		life_sign(life);
	}
	life_assert_unpaid(life, &other);
	life_assert_waits(life, &other, reason_code(REASON_CHAIN_IS_AHEAD));
	read_on(life);
	life_assert_paid(life, &other);
	assert_waits_for_people(life, &paid, may_be_paid);
	assert_received(life, "TUSD", &paid, 9141);
}

/* One of two nodes shows nothing of it: what the other one shows is believed when both do, and
 * until then nobody is paid. */
static void test_failover_and_a_node_that_hides(void **state)
{
	struct life *life = *state;
	struct life_node nodes[2] = { life_node_make(life), life_node_make(life) };
	struct hash32 tx;
	struct withdrawal paid = paid_and_lost(life, "TUSD", 9151, &tx);
	struct chain *gate = life_gate_make(life, nodes, 2);
	life_chain_give(life, LIFE_SIGNER, gate);
	nodes[0].hides = tx;
	nodes[0].nonce_less = 1;
	struct withdrawal other = queued(life, 9152);
	read_on(life);
	life_assert_unpaid(life, &other);
	assert_received(life, "TUSD", &paid, 9151);
	/* Its blocks show nothing still, and it has counted by now. */
	nodes[0].nonce_less = 0;
	read_on(life);
	assert_received(life, "TUSD", &paid, 9151);
	assert_waits_for_people(life, &paid, may_be_paid);
	life_assert_paid(life, &other);
	life_chain_give(life, LIFE_SIGNER, life->chain);
	chain_close(gate);
}

/* Its approval was lost too, and its client wants it no more. */
static struct withdrawal canceled_before_the_approval(struct life *life, struct hash32 *ret_tx)
{
	struct withdrawal row = life_accept(life, "TUSD", 9156);
	life->ends_by_signer = true;
	replica_lags(life);
	life_process(life);
	life_sign(life);
	life_mine(life, 1);
	*ret_tx = life_view(life, row.intent.id).tx_hash;
	replica_takes_over(life);
	assert_true(life_cancel(life, &row));
	life_assert_stage(life, &row, WITHDRAWAL_ACCEPTED);
	return row;
}

static void paid_and_held(struct life *life, const struct withdrawal *row, struct hash32 tx)
{
	read_on(life);
	assert_waits_for_people(life, row, may_be_paid);
	assert_received(life, "TUSD", row, 9156);
	both_decide(life, row, &tx);
	settle(life);
	life_assert_paid(life, row);
}

static void test_failover_and_a_cancel_before_the_approval(void **state)
{
	struct hash32 tx;
	struct withdrawal row = canceled_before_the_approval(*state, &tx);
	paid_and_held(*state, &row, tx);
}

/* Nor does the processor end it, whose rules have changed since. */
static void test_failover_and_a_cancel_of_what_the_rules_refuse(void **state)
{
	struct life *life = *state;
	struct hash32 tx;
	struct withdrawal row = canceled_before_the_approval(life, &tx);
	for (size_t i = 0; i < life->catalogue.assets_len; i++)
		life->catalogue.assets[i].maximum = (struct amount){ u256_from_u64(1) };
	life_process(life);
	paid_and_held(life, &row, tx);
}

/* Its approval was lost, its client says nothing, and the rules have changed: what the processor
 * would reject was paid. */
static void test_failover_and_what_the_rules_refuse(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 9156);
	life->ends_by_signer = true;
	replica_lags(life);
	life_process(life);
	life_sign(life);
	life_mine(life, 1);
	struct hash32 tx = life_view(life, row.intent.id).tx_hash;
	replica_takes_over(life);
	for (size_t i = 0; i < life->catalogue.assets_len; i++)
		life->catalogue.assets[i].maximum = (struct amount){ u256_from_u64(1) };
	life_process(life);
	paid_and_held(life, &row, tx);
}

/* Nobody has paid it: it ends, by the signer. */
static void test_cancel_before_the_approval_by_the_signer(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 9157);
	life->ends_by_signer = true;
	life_run(life, 1);
	struct withdrawal other = life_accept(life, "TUSD", 9158);
	assert_true(life_cancel(life, &other));
	life_run(life, 4);
	life_assert_stage(life, &other, WITHDRAWAL_CANCELED);
	life_assert_unpaid(life, &other);
	life_assert_paid(life, &row);
}

/* The process dies in the middle of it, at any step. */
static void read_and_die(struct life *life, const char *call, uint64_t at)
{
	struct hash32 tx;
	struct withdrawal paid = paid_and_lost(life, "TUSD", 9160 + at, &tx);
	struct withdrawal other = queued(life, 9170 + at);
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_KILL, call, at);
	read_on(life);
	life_fault_clear(life);
	read_on(life);
	assert_waits_for_people(life, &paid, may_be_paid);
	assert_received(life, "TUSD", &paid, 9160 + at);
	life_assert_paid(life, &other);
	both_decide(life, &paid, &tx);
	settle(life);
	life_assert_paid(life, &paid);
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	life_assert_alive(life);
	life_assert_settled(life);
}

static void test_failover_and_a_death_after_the_journal(void **state)
{
	read_and_die(*state, "journal_append_many", 1);
}

static void test_failover_and_a_death_after_the_slot(void **state)
{
	read_and_die(*state, "store_transfers_reserve", 1);
}

static void test_failover_and_a_death_after_the_import(void **state)
{
	read_and_die(*state, "store_attempt_import", 1);
}

static void test_failover_and_a_death_after_the_stop(void **state)
{
	read_and_die(*state, "store_wallet_stop", 1);
}

/* Between what is told and its slot: journal and store differ, by what nobody has lost. */
static void start_wallets(struct life *life, const struct withdrawal *row)
{
	(void)row;
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
}

static void test_failover_and_a_start_in_the_middle(void **state)
{
	struct life *life = *state;
	struct hash32 tx;
	struct withdrawal paid = paid_and_lost(life, "TUSD", 9181, &tx);
	struct withdrawal other = queued(life, 9182);
	life_fault_install(life);
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = "store_transfers_reserve",
							.at = 1,
							.act = start_wallets });
	sign_on(life, 16); /* no monitor stops it meanwhile */
	assert_string_equal(life_fault_hit(life), "store_transfers_reserve");
	life_fault_clear(life);
	read_on(life);
	assert_waits_for_people(life, &paid, may_be_paid);
	life_assert_paid(life, &other);
	assert_int_equal(life_number(life,
				     "SELECT count(*) FROM wallets WHERE stop_reason = "
				     "'nonce_consumed_elsewhere'",
				     NULL),
			 1);
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	life_assert_alive(life);
	both_decide(life, &paid, &tx);
	settle(life);
	life_assert_paid(life, &paid);
	life_assert_settled(life);
}

/* Signed and stored, and the commit is lost while the process stands still. */
static void commit_is_lost(struct life *life, const struct withdrawal *row)
{
	(void)row;
	life_sql(life, "CREATE TRIGGER lost AFTER INSERT ON attempts BEGIN "
		       "DELETE FROM attempts WHERE tx_hash = NEW.tx_hash; END");
	life_wait(life, 5000);
}

static void test_failover_while_the_signer_stands_still(void **state)
{
	struct life *life = *state;
	struct withdrawal row = queued(life, 9191);
	life_fault_install(life);
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = "store_attempts_add",
							.at = 1,
							.act = commit_is_lost });
	life_sign(life);
	assert_string_equal(life_fault_hit(life), "store_attempts_add");
	life_fault_clear(life);
	life_mine(life, 2);
	life_assert_unpaid(life, &row);
	assert_int_equal(life_alarms(life, "bytes_are_gone"), 1);
}

/* Nothing is lost: it goes out as ever. */
static void stand_still(struct life *life, const struct withdrawal *row)
{
	(void)row;
	life_wait(life, 5000);
}

static void test_signer_that_stood_still_sends(void **state)
{
	struct life *life = *state;
	struct withdrawal row = queued(life, 9192);
	life_fault_install(life);
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = "store_attempts_add",
							.at = 1,
							.act = stand_still });
	life_sign(life);
	life_mine(life, 1);
	assert_received(life, "TUSD", &row, 9191 + 1);
	assert_int_equal(life_alarms(life, "bytes_are_gone"), 0);
}

/* ---- strangers ---- */

/* By hand, to whom waits for exactly that: people say that it was not for him. */
static void test_stranger_pays_what_is_asked_for(void **state)
{
	struct life *life = *state;
	struct address wallet = life->catalogue.wallets[0].address;
	struct withdrawal row = life_accept(life, "POL", 9201);
	struct withdrawal other = life_accept(life, "POL", 9202);
	life_process(life);
	struct hash32 tx = life_foreign_pay(life, wallet, row.intent.to, 9201);
	read_on(life);
	assert_waits_for_people(life, &row, may_be_paid);
	assert_received(life, "POL", &row, 9201);
	life_assert_paid(life, &other);
	both_decide(life, &row, NULL);
	assert_waits_for_people(life, &row, may_be_paid);
	both_name_another(life, &row, tx);
	settle(life);
	life_assert_stage(life, &row, WITHDRAWAL_COMPLETED);
	assert_received(life, "POL", &row, 2 * 9201);
}

/* No block shows it: nobody is paid before a person has looked, and said so by the wallet. */
static void test_what_no_block_shows_is_for_people(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	struct address wallet = life->catalogue.wallets[0].address;
	life_node_give(life, &node);
	node.hides = life_foreign_pay(life, wallet, life_fresh_address(life), 9221);
	struct withdrawal row = queued(life, 9222);
	read_on(life);
	read_on(life);
	life_assert_unpaid(life, &row);
	life_assert_waits(life, &row, reason_code(REASON_CHAIN_IS_AHEAD));
	assert_int_equal(life_alarms(life, "unknown_transaction_unread"), 1);
	life_sql(life, "UPDATE wallets SET stop_reason = '' WHERE stop_reason = "
		       "'nonce_consumed_elsewhere'");
	read_on(life);
	life_assert_paid(life, &row);
}

/* In a way that the signer has not: with a word to it. */
static void test_stranger_pays_in_his_own_way(void **state)
{
	struct life *life = *state;
	struct address wallet = life->catalogue.wallets[0].address;
	struct withdrawal row = life_accept(life, "POL", 9211);
	struct withdrawal other = life_accept(life, "TUSD", 9212);
	life_process(life);
	struct hash32 tx = life_foreign_note(life, wallet, row.intent.to, 9211);
	read_on(life);
	assert_waits_for_people(life, &row, may_be_paid);
	life_assert_paid(life, &other);
	both_name_another(life, &row, tx);
	settle(life);
	life_assert_stage(life, &row, WITHDRAWAL_COMPLETED);
	assert_received(life, "POL", &row, 2 * 9211);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM transfers WHERE outcome = 4 AND stage = 5",
			    NULL),
		1);
	/* The wallet, too, when a person starts it. */
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	life_restart(life, LIFE_SIGNER);
	life_assert_alive(life);
	life_assert_settled(life);
}

/* Another wallet has a slot for it, and no signature yet: its keys are away. Then a node gets the
 * payment, and it is read before the keys come back. */
static void test_payment_is_read_while_its_slot_waits_for_keys(void **state)
{
	struct life *life = *state;
	life_run(life, 2);
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "keys_sign_many", 0);
	struct withdrawal paid = life_accept(life, "POL", 9330);
	life_process(life);
	life_sign(life);
	struct store_view view = life_view(life, paid.intent.id);
	assert_true(view.has_transfer && view.transfer.stage == TRANSFER_RESERVED);
	size_t other = view.transfer.wallet_id == 1 ? 1 : 0;
	life_foreign_pay(life, life->catalogue.wallets[other].address, paid.intent.to, 9330);
	(void)queued(life, 9331);
	for (int i = 0; i < 4; i++)
		read_on(life);
	assert_int_equal(life_alarms(life, "unknown_transaction"), 1);
	life_fault_clear(life);
	for (int i = 0; i < 3; i++)
		read_on(life);
	assert_received(life, "POL", &paid, 9330);
	assert_waits_for_people(life, &paid, may_be_paid);
}

/* The first of three nodes shows the payment as it is not; it is paid once, and people can name it.
 */
static void one_node_lies(struct life *life, bool strips)
{
	struct life_node nodes[3] = { life_node_make(life), life_node_make(life),
				      life_node_make(life) };
	struct hash32 tx;
	struct withdrawal paid = paid_and_lost(life, "TUSD", 9360, &tx);
	struct chain *gate = life_gate_make(life, nodes, 3);
	life_chain_give(life, LIFE_SIGNER, gate);
	*(strips ? &nodes[0].strips : &nodes[0].fakes) = tx;
	(void)queued(life, 9362);
	for (int i = 0; i < 6; i++)
		read_on(life);
	assert_waits_for_people(life, &paid, may_be_paid);
	both_decide(life, &paid, &tx);
	settle(life);
	life_chain_give(life, LIFE_SIGNER, life->chain);
	chain_close(gate);
	life_assert_paid(life, &paid);
	assert_received(life, "TUSD", &paid, 9360);
}

/* It stands on a branch where another transaction has the nonce. */
static void test_node_shows_another_transaction(void **state)
{
	one_node_lies(*state, false);
}

static void test_node_shows_no_bytes(void **state)
{
	one_node_lies(*state, true);
}

/* A person knows of one that nobody can read, and starts the wallet. What it sends after that
 * nobody knows. */
static void test_person_knows_what_there_was(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	struct address wallet = life->catalogue.wallets[0].address;
	life_node_give(life, &node);
	life_run(life, 2);
	node.hides = life_foreign_pay(life, wallet, life_fresh_address(life), 77);
	(void)queued(life, 9301);
	for (int i = 0; i < 6 && life_alarms(life, "unknown_transaction_unread") == 0; i++)
		read_on(life);
	assert_int_equal(life_alarms(life, "unknown_transaction_unread"), 1);
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	sign_on(life, 2);
	/* The monitor has no verdict for long. */
	life->catalogue.chains[0].depth_paid = 128;
	life->catalogue.chains[0].depth_unpaid = 256;
	life_restart(life, LIFE_MONITOR);
	struct withdrawal paid = life_accept(life, "POL", 9320);
	life_process(life);
	life_foreign_pay(life, wallet, paid.intent.to, 9320);
	sign_on(life, 6);
	life_wait(life, 61000);
	sign_on(life, 6);
	assert_received(life, "POL", &paid, 9320);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_restore_old_backup_by_a_failover),
		LIFE_TEST(test_restore_old_backup_by_a_failover_and_a_pool),
		LIFE_TEST(test_restore_old_backup_by_a_failover_and_a_cancel),
		LIFE_TEST(test_person_starts_a_wallet_that_is_behind),
		LIFE_TEST(test_node_that_invents_nonces_delays),
		LIFE_TEST(test_restore_old_backup_by_a_failover_and_another_wallet),
		LIFE_TEST(test_failover_and_its_wallet_starts_again),
		LIFE_TEST(test_restore_old_backup_by_a_failover_that_loses_equal_payments),
		LIFE_TEST(test_failover_loses_many_payments),
		LIFE_TEST(test_failover_and_what_waits_in_a_pool),
		LIFE_TEST(test_failover_and_a_node_that_hides),
		LIFE_TEST(test_failover_and_a_cancel_before_the_approval),
		LIFE_TEST(test_failover_and_a_cancel_of_what_the_rules_refuse),
		LIFE_TEST(test_failover_and_what_the_rules_refuse),
		LIFE_TEST(test_cancel_before_the_approval_by_the_signer),
		LIFE_TEST(test_failover_and_a_death_after_the_journal),
		LIFE_TEST(test_failover_and_a_death_after_the_slot),
		LIFE_TEST(test_failover_and_a_death_after_the_import),
		LIFE_TEST(test_failover_and_a_death_after_the_stop),
		LIFE_TEST(test_failover_and_a_start_in_the_middle),
		LIFE_TEST(test_failover_while_the_signer_stands_still),
		LIFE_TEST(test_signer_that_stood_still_sends),
		LIFE_TEST(test_stranger_pays_what_is_asked_for),
		LIFE_TEST(test_stranger_pays_in_his_own_way),
		LIFE_TEST(test_payment_is_read_while_its_slot_waits_for_keys),
		LIFE_TEST(test_node_shows_another_transaction),
		LIFE_TEST(test_node_shows_no_bytes),
		LIFE_TEST(test_person_knows_what_there_was),
		LIFE_TEST(test_what_no_block_shows_is_for_people),
	};
	return LIFE_MAIN(tests);
}
