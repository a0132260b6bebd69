/* A restored store beside a journal that is an old one as well, or none: payouts since the backup
 * that were in no block when it began, that the node in question did not show, or of a wallet that
 * the backup did not know. Whatever is seen late, nobody is paid twice. */
#include "life_node.h"
#include "life_fault.h"
#include "life_recover.h"
#include "life_world.h"

#include "adapter/chain_gate.h"
#include "service/admin/wallets.h"

#include <stdio.h>

/* A payout since the backup, as the nodes have it. */
struct since {
	struct withdrawal before; /* paid before the backup */
	struct withdrawal row;
	struct hash32 tx_hash;
	char raw[2 * 1024]; /* its bytes: 0x... */
};

/* The newest attempt of its slot, the nth, is out. */
static void since_keep(struct life *life, const struct withdrawal *row, size_t nth,
		       struct since *ret_since)
{
	struct attempt attempts[ATTEMPTS_MAX];
	struct err err = { 0 };
	size_t n = 0;
	struct buf out = buf_of(ret_since->raw, sizeof ret_since->raw);
	struct transfer slot = life_view(life, row->intent.id).transfer;
	assert_int_equal(slot.stage, TRANSFER_BROADCAST);
	assert_true(store_attempts_load(life->store, slot.id, attempts, ATTEMPTS_MAX, &n, &err));
	assert_int_equal(n, nth);
	buf_text(&out, "0x");
	for (size_t i = 0; i < attempts[n - 1].raw_len; i++)
		buf_format(&out, "%02x", (unsigned)attempts[n - 1].raw[i]);
	(void)buf_terminated(&out);
	assert_false(out.overflow);
	ret_since->tx_hash = attempts[n - 1].tx_hash;
	ret_since->row = *row;
}

/* Accepted at the backup or later, signed and sent after it, in no block yet. */
static void since_send(struct life *life, const struct withdrawal *row, struct since *ret_since)
{
	life_sign(life);
	life_sign(life);
	since_keep(life, row, 1, ret_since);
}

/* Whoever kept the bytes sends them again. */
static void since_resend(struct life *life, const struct since *since)
{
	char params[2 * 1024 + 16];
	(void)snprintf(params, sizeof params, "[\"%s\"]", since->raw);
	assert_non_null(strstr(life_rpc(life, "eth_sendRawTransaction", params), "\"result\""));
}

/* Backup of store and journal, a payout after it, and both as they were. */
static void old_make(struct life *life, uint64_t units, struct since *ret_since)
{
	ret_since->before = life_accept(life, "POL", units);
	life_run(life, 8);
	struct withdrawal row = life_accept(life, "TUSD", units + 1);
	life_process(life);
	journal_keep(life);
	life_back_up(life);
	since_send(life, &row, ret_since);
}

static void old_restore(struct life *life)
{
	life_restore(life);
	journal_revive(life);
	recover_mark(life);
}

/* The client waits, people wait: it has been paid once. */
static void assert_paid_once(struct life *life, const struct since *since, uint64_t units)
{
	recover_close(life);
	settle(life);
	life_assert_paid(life, &since->before);
	assert_received(life, "TUSD", &since->row, units);
}

/* The payout is in the pool when the command begins. */
static void test_old_journal_and_a_payout_in_the_pool(void **state)
{
	struct life *life = *state;
	struct since since;
	old_make(life, 7400, &since);
	old_restore(life);
	recover_open(life, false, false);
	recover_refuses(life, "nonce 1, which the journal lacks");
	life_mine(life, 1);
	assert_paid_once(life, &since, 7401);
}

static void blocks_pass(struct life *life, int blocks)
{
	for (; blocks > 0; blocks -= 100)
		life_mine(life, blocks < 100 ? blocks : 100);
}

/* It was in nobody's pool, and comes back when the blocks were read and the nonces filled. */
static void late_run(struct life *life, int blocks)
{
	struct since since;
	old_make(life, 7410, &since);
	life_drop_pool(life);
	old_restore(life);
	recover_open(life, false, false);
	recover_begin(life);
	recover_read(life);
	for (int i = 0; i < 3; i++) /* its nonce is filled */
		assert_int_equal(recover_step_dry(life), RECOVERY_SLOTS);
	life_drop_pool(life);
	blocks_pass(life, blocks);
	since_resend(life, &since);
	blocks_pass(life, blocks);
	recover_ends_refused(life);
	/* What the command has journaled itself does not make the journal a younger one. */
	recover_open(life, false, false);
	recover_begin(life);
	recover_ends_refused(life);
	assert_paid_once(life, &since, 7411);
}

static void test_old_journal_shows_while_it_is_read(void **state)
{
	late_run(*state, 0);
}

/* The command stood still meanwhile; its monitor sees the transaction first, and ends the slot. */
static void test_old_journal_shows_after_a_pause(void **state)
{
	struct life *life = *state;
	life->catalogue.chains[0].depth_paid = 16;
	life->catalogue.chains[0].depth_unpaid = 256;
	late_run(life, 600);
}

/* It is in a block, and the node that has the first word stands still since before. */
static void test_old_journal_and_a_node_that_stands(void **state)
{
	struct life *life = *state;
	struct life_node stuck = life_node_make(life);
	struct life_node good = life_node_make(life);
	struct life_node third = life_node_make(life);
	struct since since;
	struct chain_head head;
	old_make(life, 7420, &since);
	assert_true(chain_head(&stuck.base, &head, NULL));
	stuck.stuck = true;
	life_run(life, 8);
	life_assert_paid(life, &since.row);
	old_restore(life);
	struct chain_gate_options options = { .nodes = { &stuck.base, &good.base, &third.base },
					      .len = 3,
					      .clock = &life->clock.base,
					      .catalogue = &life->catalogue };
	struct chain *gate = chain_gate_new(&options);
	recover_open(life, false, false);
	life_chain_give(life, LIFE_SIGNER, gate);
	recover_refuses(life, "nonce 1, which the journal lacks");
	assert_paid_once(life, &since, 7421);
	chain_close(gate);
}

/* ---- a wallet that entered after the backup ---- */

/* The first wallet pays before the backup, another one that the backup does not know after it. */
static void entered_make(struct life *life, uint64_t units, bool accepts_late,
			 struct since *ret_since)
{
	struct withdrawal row;
	ret_since->before = life_accept(life, "POL", units);
	life_run(life, 8);
	int first = (int)life_view(life, ret_since->before.intent.id).transfer.wallet_id;
	if (!accepts_late)
		row = life_accept(life, "TUSD", units + 1);
	life_process(life);
	life_sql(life, "UPDATE wallets SET entered = 0 WHERE id <> %d", first);
	journal_keep(life);
	life_back_up(life);
	life_sql(life, "UPDATE wallets SET entered = 1 WHERE id <> %d", first);
	life_sql(life, "UPDATE wallets SET stop_reason = 'funds_low' WHERE id = %d", first);
	if (accepts_late)
		row = life_accept(life, "TUSD", units + 1);
	life_process(life);
	since_send(life, &row, ret_since);
	assert_int_not_equal(life_view(life, row.intent.id).transfer.wallet_id, first);
}

static void test_old_journal_and_a_new_wallet(void **state)
{
	struct life *life = *state;
	struct since since;
	entered_make(life, 7430, false, &since);
	life_run(life, 8);
	life_assert_paid(life, &since.row);
	old_restore(life);
	recover_open(life, false, false);
	recover_begin(life);
	recover_ends_refused(life);
	assert_paid_once(life, &since, 7431);
}

/* What a wallet has used before it was Sluice's says nothing of the journal. */
static void test_wallet_that_was_used_before(void **state)
{
	struct life *life = *state;
	struct withdrawal before = life_accept(life, "POL", 7500);
	life_run(life, 8);
	life_foreign_send(life, life->catalogue.wallets[1].address, life_fresh_address(life));
	blocks_pass(life, 600);
	for (int i = 0; i < 20; i++) /* store and chain are compared up to here */
		settle(life);
	assert_true(life_number(life, "SELECT reconciled_block FROM chains", NULL) > 500);
	life_sql(life, "UPDATE wallets SET entered = 0 WHERE id <> %d",
		 (int)life_view(life, before.intent.id).transfer.wallet_id);
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	life_back_up(life);
	life_restore(life);
	recover_mark(life);
	recover_open(life, false, false);
	recover_begin(life);
	recover_run(life);
	struct withdrawal later = life_accept(life, "TUSD", 7501);
	settle(life);
	life_assert_paid(life, &before);
	life_assert_paid(life, &later);
}

static void test_old_journal_and_a_new_wallet_later(void **state)
{
	struct life *life = *state;
	struct since since;
	entered_make(life, 7440, false, &since);
	life_drop_pool(life);
	old_restore(life);
	recover_open(life, false, false);
	recover_begin(life);
	recover_read(life);
	since_resend(life, &since);
	recover_ends_refused(life);
	assert_paid_once(life, &since, 7441);
}

/* ---- no journal at all ---- */

static void lost_restore(struct life *life)
{
	life_restore(life);
	journal_lose(life);
	recover_open(life, true, false);
	recover_begin(life);
}

/* A payout after the backup, whose row the store does not know. */
static void lost_make(struct life *life, uint64_t units, struct since *ret_since)
{
	ret_since->before = life_accept(life, "POL", units);
	life_run(life, 30);
	life_back_up(life);
	struct withdrawal row = life_accept(life, "TUSD", units + 1);
	life_process(life);
	since_send(life, &row, ret_since);
}

/* The command ends, and the client asks again with its key: people look, and find the payment. What
 * they say of it is what the signer finds, so that the request ends as paid, and is never paid. */
static void assert_asks_people(struct life *life, const struct since *since, uint64_t units)
{
	recover_run(life);
	life->made = 1;
	struct withdrawal again = life_accept_to(life, "TUSD", units, since->row.intent.to);
	life_wait(life, 60000);
	settle(life);
	settle(life);
	life_assert_paid(life, &since->before);
	assert_waits_for_people(life, &again, "may_be_paid_by_unbound");
	assert_received(life, "TUSD", &since->row, units);
	both_decide(life, &again, NULL);
	assert_waits_for_people(life, &again, "may_be_paid_by_unbound");
	both_decide(life, &again, &since->tx_hash);
	settle(life);
	life_assert_stage(life, &again, WITHDRAWAL_COMPLETED);
	assert_true(hash32_equal(life_view(life, again.intent.id).tx_hash, since->tx_hash));
	assert_received(life, "TUSD", &since->row, units);
}

/* All blocks are read, and none comes meanwhile. */
static void dry_read(struct life *life)
{
	for (int i = 0; i < 50 && recover_step_dry(life) == RECOVERY_READING; i++)
		life_wait(life, 500);
}

/* It was in no block when all were read, and its nonce was filled; the command stood still while it
 * came, so that the monitor has ended the slot before its block is read. */
static void test_lost_journal_and_a_pause(void **state)
{
	struct life *life = *state;
	struct since since;
	lost_make(life, 7450, &since);
	life->catalogue.chains[0].depth_paid = 16;
	life->catalogue.chains[0].depth_unpaid = 256;
	lost_restore(life);
	dry_read(life);
	life_drop_pool(life);
	blocks_pass(life, 800);
	since_resend(life, &since);
	blocks_pass(life, 400);
	assert_asks_people(life, &since, 7451);
}

/* Killed between journal and store, then signed for less under the same number, killed again. */
static void test_lost_journal_and_fees_that_fell(void **state)
{
	struct life *life = *state;
	struct signer_recovery phase;
	bool worked;
	lost_make(life, 7465, &(struct since){ .raw = "" });
	lost_restore(life);
	life_fault_install(life);
	recover_open(life, true, false);
	life_base_fee(life, UINT64_C(40000000000));
	life_fault_at(life, LIFE_FAULT_FAIL, "store_attempts_add", 0);
	while (signer_recover_step(life->signer, &phase, &worked, NULL))
		blocks_pass(life, 1);
	life_fault_clear(life);
	life_base_fee(life, UINT64_C(1000000000));
	for (int i = 0; i < 20; i++, (void)recover_step(life))
		if (i % 10 == 0)
			recover_open(life, true, false);
	recover_run(life);
}

/* It is in a block that replaces one which was read. */
static void test_lost_journal_and_a_reorg(void **state)
{
	struct life *life = *state;
	struct since since;
	char params[2 * 1024 + 32];
	lost_make(life, 7460, &since);
	life_drop_pool(life);
	life_mine(life, 4);
	lost_restore(life);
	dry_read(life);
	life_drop_pool(life);
	(void)snprintf(params, sizeof params, "[2,[[\"%s\",0]]]", since.raw);
	assert_non_null(strstr(life_rpc(life, "anvil_reorg", params), "\"result\""));
	assert_asks_people(life, &since, 7461);
}

/* The same pause beside the journal that lives: whoever repeats the key has the payment. */
static void test_living_journal_and_a_pause(void **state)
{
	struct life *life = *state;
	struct since since;
	lost_make(life, 7455, &since);
	life->catalogue.chains[0].depth_paid = 16;
	life->catalogue.chains[0].depth_unpaid = 256;
	life_restore(life);
	recover_mark(life);
	recover_open(life, false, false);
	recover_begin(life);
	dry_read(life);
	life_drop_pool(life);
	blocks_pass(life, 800);
	since_resend(life, &since);
	blocks_pass(life, 400);
	recover_run(life);
	life->made = 1;
	struct withdrawal again = life_accept_to(life, "TUSD", 7456, since.row.intent.to);
	settle(life);
	settle(life);
	life_assert_paid(life, &since.before);
	life_assert_paid(life, &again);
	assert_true(hash32_equal(life_view(life, again.intent.id).tx_hash, since.tx_hash));
}

/* The backup has its slot with the bytes of that day; what was mined in the pause are the bytes of
 * a speed-up since. The row is bound: people are shown that transaction, and only "paid" is true.
 */
static void sped_up_run(struct life *life, bool journal_lost)
{
	struct since since;
	since.before = life_accept(life, "POL", 7510);
	life_run(life, 30);
	struct withdrawal row = life_accept(life, "TUSD", 7511);
	life_process(life);
	since_send(life, &row, &since);
	life_back_up(life);
	assert_true(life_speed_up(life, &row));
	life_wait(life, 60000);
	life_sign(life);
	life_sign(life);
	since_keep(life, &row, 2, &since);
	life->catalogue.chains[0].depth_paid = 16;
	life->catalogue.chains[0].depth_unpaid = 256;
	life_restore(life);
	if (journal_lost)
		journal_lose(life);
	else
		recover_mark(life);
	recover_open(life, journal_lost, false);
	recover_begin(life);
	dry_read(life);
	life_drop_pool(life);
	blocks_pass(life, 800);
	since_resend(life, &since);
	blocks_pass(life, 400);
	recover_run(life);
	settle(life);
	life_assert_paid(life, &since.before);
	assert_received(life, "TUSD", &row, 7511);
	both_decide(life, &row, NULL);
	settle(life);
	struct withdrawal now = life_view(life, row.intent.id).withdrawal;
	assert_string_equal(now.held_reason, "nonce_consumed_elsewhere");
	assert_string_equal(now.wait_reason, "resolve_was_paid");
	both_decide(life, &row, &since.tx_hash);
	settle(life);
	life_assert_stage(life, &row, WITHDRAWAL_COMPLETED);
	assert_received(life, "TUSD", &row, 7511);
}

static void test_living_journal_and_a_speed_up(void **state)
{
	sped_up_run(*state, false);
}

static void test_lost_journal_and_a_speed_up(void **state)
{
	sped_up_run(*state, true);
}

/* The first of two nodes does not show it, nor that its nonce was used. */
static void test_lost_journal_and_a_node_that_hides(void **state)
{
	struct life *life = *state;
	struct life_node liar = life_node_make(life);
	struct life_node honest = life_node_make(life);
	struct since since;
	lost_make(life, 7470, &since);
	life_run(life, 8);
	struct store_view view = life_view(life, since.row.intent.id);
	liar.hides = view.tx_hash;
	liar.nonce_less = 1;
	life_restore(life);
	journal_lose(life);
	struct chain_gate_options options = { .nodes = { &liar.base, &honest.base },
					      .len = 2,
					      .clock = &life->clock.base,
					      .catalogue = &life->catalogue };
	struct chain *gate = chain_gate_new(&options);
	recover_open(life, true, false);
	life_chain_give(life, LIFE_SIGNER, gate);
	life_chain_give(life, LIFE_MONITOR, gate);
	recover_begin(life);
	recover_read(life);
	liar.nonce_less = 0; /* its nonces would end nothing */
	assert_asks_people(life, &since, 7471);
	chain_close(gate);
}

/* A wallet that nobody knows any more has sent, and it is in a pool. */
static void test_lost_journal_and_a_new_wallet(void **state)
{
	struct life *life = *state;
	struct since since;
	entered_make(life, 7480, true, &since);
	lost_restore(life);
	assert_asks_people(life, &since, 7481);
}

/* It is in a block that the node does not have yet when the command begins. */
static void test_lost_journal_and_a_new_wallet_later(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	struct chain_head head;
	struct since since;
	entered_make(life, 7490, true, &since);
	assert_true(chain_head(&node.base, &head, NULL));
	node.stuck = true;
	life_run(life, 8);
	life_assert_paid(life, &since.row);
	life_restore(life);
	journal_lose(life);
	recover_open(life, true, false);
	life_chain_give(life, LIFE_SIGNER, &node.base);
	life_chain_give(life, LIFE_MONITOR, &node.base);
	recover_begin(life);
	(void)recover_step(life);
	(void)recover_step(life);
	node.stuck = false;
	assert_asks_people(life, &since, 7491);
}

#define FAR (UINT64_C(1) << 40)

/* A store that was restored, beside a journal that lived or none. */
static void restored_make(struct life *life, uint64_t units, bool lost)
{
	struct withdrawal before = life_accept(life, "POL", units);
	life_run(life, 8);
	life_assert_paid(life, &before);
	life_back_up(life);
	life_restore(life);
	recover_mark(life);
	if (lost)
		journal_lose(life);
}

static int64_t target_of(struct life *life)
{
	return life_number(life, "SELECT max(recover_to) FROM wallets", NULL);
}

/* The first of three nodes names a nonce that nobody has used, when the target is set. */
static void far_nonce_run(struct life *life, bool lost)
{
	struct life_node nodes[3] = { life_node_make(life), life_node_make(life),
				      life_node_make(life) };
	struct chain *gate = life_gate_make(life, nodes, 3);
	restored_make(life, 7600, lost);
	recover_open(life, lost, false);
	life_chain_give(life, LIFE_SIGNER, gate);
	life_chain_give(life, LIFE_MONITOR, gate);
	recover_begin(life);
	nodes[0].nonce_more = FAR;
	for (int i = 0; i < 20 && target_of(life) == 0; i++)
		recover_step(life);
	nodes[0].nonce_more = 0;
	assert_in_range(target_of(life), 1, 1000);
	recover_run(life);
	chain_close(gate);
}

static void test_far_nonce_of_one_node(void **state)
{
	far_nonce_run(*state, false);
}

static void test_far_nonce_of_one_node_and_a_lost_journal(void **state)
{
	far_nonce_run(*state, true);
}

/* No pool holds so many: the only node is not believed, and asked again. */
static void test_far_nonce_in_a_pool(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	struct signer_recovery out = { .phase = RECOVERY_READING };
	struct err err = { 0 };
	bool worked = false;
	restored_make(life, 7610, false);
	recover_open(life, false, false);
	life_chain_give(life, LIFE_SIGNER, &node.base);
	recover_begin(life);
	node.nonce_pending_more = FAR;
	for (int i = 0; i < 3; i++) {
		assert_false(signer_recover_step(life->signer, &out, &worked, &err));
		assert_int_equal(err.kind, ERR_NOT_DONE);
		assert_non_null(strstr(err.text, "more than a pool holds"));
	}
	assert_int_equal(target_of(life), 0);
	node.nonce_pending_more = 0;
	recover_run(life);
}

/* The only node was wrong about what is mined: another run takes it back. */
static void test_far_nonce_is_taken_back(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	restored_make(life, 7620, false);
	recover_open(life, false, false);
	life_chain_give(life, LIFE_SIGNER, &node.base);
	recover_begin(life);
	node.nonce_more = FAR;
	for (int i = 0; i < 20 && target_of(life) == 0; i++)
		recover_step(life);
	node.nonce_more = 0;
	assert_in_range(target_of(life), FAR, 2 * FAR);
	recover_step(life);
	assert_in_range(target_of(life), FAR, 2 * FAR);
	recover_open(life, false, false);
	recover_begin(life);
	recover_run(life);
	assert_in_range(target_of(life), 1, 1000);
}

/* The newest wallet has left the configuration, with nothing in flight; later the store is
 * restored. It stays stopped, and nobody else for it. */
static void test_wallet_that_left_the_configuration(void **state)
{
	struct life *life = *state;
	struct wallet wallet;
	struct err err = { 0 };
	size_t started = 0;
	enum signer_recovery_phase phase = RECOVERY_READING;
	struct admin_wallets admin = { .catalogue = &life->catalogue, .who = "ann" };
	const char *left = life_hex(life->catalogue.wallets[2].address.bytes, ADDRESS_BYTES);
	const char *stopped = "SELECT stop_reason = 'not_recovered' FROM wallets WHERE id = 3";
	struct withdrawal before = life_accept(life, "POL", 7630);
	life_run(life, 8);
	life_assert_paid(life, &before);
	life->catalogue.wallets_len = 2;
	life_stop(life);
	life_start(life);
	life_back_up(life);
	life_restore(life);
	recover_mark(life);
	recover_open(life, false, false);
	recover_begin(life);
	for (int i = 0; i < 500 && phase != RECOVERY_DONE; i++)
		phase = recover_step(life);
	recover_close(life);
	assert_int_equal(life_number(life, stopped, NULL), 1);
	assert_int_equal(life_alarms(life, "wallet_stopped"), 1);
	admin.store = life->store;
	assert_true(admin_unpause(&admin, "done", clock_now_ms(&life->clock.base), &started, &err));
	assert_int_equal(started, 2);
	assert_int_equal(life_number(life, stopped, NULL), 1);
	struct withdrawal fresh = life_accept(life, "POL", 7631);
	settle(life);
	life_assert_paid(life, &fresh);
	/* It comes back: it does not pay before people say so. */
	life->catalogue.wallets_len = 3;
	life_stop(life);
	life_start(life);
	assert_int_equal(life_number(life, stopped, NULL), 1);
	admin.store = life->store;
	assert_false(admin_wallet_start(&admin, "dev", left, "looked", false,
					clock_now_ms(&life->clock.base), &wallet, &err));
	assert_true(admin_wallet_start(&admin, "dev", left, "looked", true,
				       clock_now_ms(&life->clock.base), &wallet, &err));
	assert_int_equal(life_number(life, stopped, NULL), 0);
}

/* ---- another key for what was paid in the lost hour; the journal lives ---- */

/* Paid since the backup; then the backup is back, and the journal knows whose it was. */
static struct withdrawal lost_hour(struct life *life, const char *external_id, uint64_t units,
				   struct hash32 *ret_tx)
{
	struct withdrawal paid;
	struct withdrawal before = life_accept(life, "POL", units - 1);
	life_run(life, 8);
	life_assert_paid(life, &before);
	life_back_up(life);
	assert_int_equal(
		life_order(life, external_id, "POL", units, life_fresh_address(life), &paid),
		STORE_ACCEPTED);
	life_run(life, 8);
	life_assert_paid(life, &paid);
	*ret_tx = life_view(life, paid.intent.id).tx_hash;
	return paid;
}

static void lost_hour_is_back(struct life *life)
{
	life_restore(life);
	life_back_up(life); /* it is the only one */
	recover_mark(life);
	recover_open(life, false, false);
	recover_begin(life);
	recover_run(life);
}

static void assert_is_taken(struct life *life, const struct withdrawal *order, uint64_t units)
{
	struct withdrawal row;
	assert_int_equal(life_order(life, "order-1", "POL", units, order->intent.to, &row),
			 STORE_EXTERNAL_ID_TAKEN);
}

/* Before the restore its name protected the order from a second key; the store that has come back
 * does not know the first one. */
static void test_order_of_the_lost_hour(void **state)
{
	struct life *life = *state;
	struct withdrawal again;
	struct hash32 tx;
	struct withdrawal paid = lost_hour(life, "order-1", 7701, &tx);
	assert_is_taken(life, &paid, 7701);
	lost_hour_is_back(life);
	assert_int_equal(life_order(life, "order-1", "POL", 7701, paid.intent.to, &again),
			 STORE_ACCEPTED);
	struct withdrawal other = life_accept(life, "POL", 7701);
	settle(life);
	assert_waits_for_people(life, &again, "may_be_paid_by_unbound");
	assert_received(life, "POL", &paid, 7701);
	life_assert_paid(life, &other); /* another receiver */
	life->made = 1;
	assert_is_taken(life, &paid, 7701);
	both_decide(life, &again, NULL);
	assert_waits_for_people(life, &again, "may_be_paid_by_unbound");
	assert_string_equal(life_view(life, again.intent.id).withdrawal.wait_reason,
			    "resolve_equal_is_unclaimed");
	both_decide(life, &again, &tx);
	settle(life);
	life_assert_paid(life, &again);
	/* The next one like it is a payment of its own. */
	life->made = 100;
	struct withdrawal next = life_accept_to(life, "POL", 7701, paid.intent.to);
	settle(life);
	life_assert_stage(life, &next, WITHDRAWAL_COMPLETED);
	assert_received(life, "POL", &paid, 2 * 7701);
}

/* The key itself is no news for people, whatever waits beside it, and ends what was in doubt. */
static void test_key_of_the_lost_hour(void **state)
{
	struct life *life = *state;
	struct hash32 tx;
	struct withdrawal paid = lost_hour(life, "", 7711, &tx);
	lost_hour_is_back(life);
	struct withdrawal other = life_accept_to(life, "POL", 7711, paid.intent.to);
	settle(life);
	assert_waits_for_people(life, &other, "may_be_paid_by_unbound");
	life->made = 1;
	struct withdrawal again = life_accept_to(life, "POL", 7711, paid.intent.to);
	settle(life);
	life_assert_paid(life, &again);
	both_decide(life, &other, &tx);
	assert_waits_for_people(life, &other, "may_be_paid_by_unbound");
	assert_string_equal(life_view(life, other.intent.id).withdrawal.wait_reason,
			    "resolve_tx_of_another");
	both_decide(life, &other, NULL);
	life->made = 100;
	struct withdrawal next = life_accept_to(life, "POL", 7711, paid.intent.to);
	settle(life);
	life_assert_stage(life, &other, WITHDRAWAL_COMPLETED);
	life_assert_stage(life, &next, WITHDRAWAL_COMPLETED);
	assert_received(life, "POL", &paid, 3 * 7711);
}

/* A second restore forgets the key once more. */
static void test_order_of_two_restores(void **state)
{
	struct life *life = *state;
	struct withdrawal again;
	struct hash32 tx;
	struct withdrawal paid = lost_hour(life, "order-1", 7721, &tx);
	lost_hour_is_back(life);
	life->made = 1;
	assert_int_equal(life_order(life, "order-1", "POL", 7721, paid.intent.to, &again),
			 STORE_ACCEPTED);
	settle(life);
	life_assert_paid(life, &again);
	lost_hour_is_back(life);
	life->made = 100;
	assert_int_equal(life_order(life, "order-1", "POL", 7721, paid.intent.to, &again),
			 STORE_ACCEPTED);
	settle(life);
	assert_waits_for_people(life, &again, "may_be_paid_by_unbound");
	assert_received(life, "POL", &paid, 7721);
	both_name_another(life, &again, tx);
	settle(life);
	life_assert_stage(life, &again, WITHDRAWAL_COMPLETED);
	assert_received(life, "POL", &paid, 2 * 7721);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_old_journal_and_a_payout_in_the_pool),
		LIFE_TEST(test_old_journal_shows_while_it_is_read),
		LIFE_TEST(test_old_journal_shows_after_a_pause),
		LIFE_TEST(test_old_journal_and_a_node_that_stands),
		LIFE_TEST(test_old_journal_and_a_new_wallet),
		LIFE_TEST(test_wallet_that_was_used_before),
		LIFE_TEST(test_old_journal_and_a_new_wallet_later),
		LIFE_TEST(test_lost_journal_and_a_pause),
		LIFE_TEST(test_lost_journal_and_fees_that_fell),
		LIFE_TEST(test_lost_journal_and_a_reorg),
		LIFE_TEST(test_living_journal_and_a_pause),
		LIFE_TEST(test_living_journal_and_a_speed_up),
		LIFE_TEST(test_lost_journal_and_a_speed_up),
		LIFE_TEST(test_lost_journal_and_a_node_that_hides),
		LIFE_TEST(test_lost_journal_and_a_new_wallet),
		LIFE_TEST(test_lost_journal_and_a_new_wallet_later),
		LIFE_TEST(test_far_nonce_of_one_node),
		LIFE_TEST(test_far_nonce_of_one_node_and_a_lost_journal),
		LIFE_TEST(test_far_nonce_in_a_pool),
		LIFE_TEST(test_far_nonce_is_taken_back),
		LIFE_TEST(test_wallet_that_left_the_configuration),
		LIFE_TEST(test_order_of_the_lost_hour),
		LIFE_TEST(test_key_of_the_lost_hour),
		LIFE_TEST(test_order_of_two_restores),
	};
	return LIFE_MAIN(tests);
}
