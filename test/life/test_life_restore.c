/* A store that is older than what was paid, and nobody who knows the rest: the journal is lost too,
 * or somebody else has used the wallet. What only people can say they say, and nobody is paid twice
 * by Sluice itself. */
#include "life_fault.h"
#include "life_recover.h"
#include "life_world.h"

/* Everything that can be there: paid before the backup; open at the backup, and paid since, or not;
 * and paid since, unknown to the store. */
struct lost_world {
	struct withdrawal before;
	struct withdrawal queued; /* paid since */
	struct withdrawal open;   /* not paid */
	struct withdrawal later;  /* paid since */
	struct hash32 queued_tx;
	struct hash32 later_tx;
};

static void lost_world_make(struct life *life, struct lost_world *ret_world)
{
	struct lost_world world;
	world.before = life_accept(life, "POL", 7000);
	life_run(life, 8);
	world.queued = life_accept(life, "TUSD", 7001);
	life_process(life);
	life_back_up(life);
	world.later = life_accept(life, "POL", 7002);
	life_run(life, 8);
	life_assert_paid(life, &world.before);
	life_assert_paid(life, &world.queued);
	life_assert_paid(life, &world.later);
	world.queued_tx = life_view(life, world.queued.intent.id).tx_hash;
	world.later_tx = life_view(life, world.later.intent.id).tx_hash;
	life_restore(life);
	journal_lose(life);
	world.open = life_accept(life, "POL", 7003);
	life_process(life);
	*ret_world = world;
}

/* The client asks again with the key of a payment that nobody knows any more. */
static struct withdrawal later_again(struct life *life, const struct lost_world *world)
{
	return life_accept_to(life, "POL", 7002, world->later.intent.to);
}

static void test_lost_journal_calls_people(void **state)
{
	struct life *life = *state;
	struct lost_world world;
	lost_world_make(life, &world);
	life_run(life, 2); /* the store shows that the journal is none */
	recover_open(life, false, false);
	recover_refuses(life, "--journal-lost");
	recover_open(life, true, false);
	recover_begin(life);
	recover_run(life);
	struct withdrawal again = later_again(life, &world);
	struct withdrawal fresh = life_accept(life, "TUSD", 7004);
	settle(life);
	assert_waits_for_people(life, &world.queued, "journal_was_lost");
	assert_waits_for_people(life, &world.open, "journal_was_lost");
	assert_waits_for_people(life, &again, "may_be_paid_by_unbound");
	life_assert_paid(life, &fresh);
	life_assert_paid(life, &world.before);
	/* Whose it was is for two people to say; one alone says nothing. */
	life_decide(life, &world.queued, "ann", &world.queued_tx);
	settle(life);
	assert_waits_for_people(life, &world.queued, "journal_was_lost");
	both_decide(life, &world.queued, &world.queued_tx);
	both_decide(life, &world.open, NULL);
	both_decide(life, &again, &world.later_tx);
	settle(life);
	life_assert_paid(life, &world.queued);
	life_assert_paid(life, &world.open);
	life_assert_paid(life, &again);
	/* That payout is known by now: the next like it is a payment of its own. */
	struct withdrawal same = later_again(life, &world);
	settle(life);
	life_assert_stage(life, &same, WITHDRAWAL_COMPLETED);
	assert_received(life, "POL", &world.later, 2 * 7002);
	life_assert_alive(life);
}

/* What people said after one loss says nothing of what was paid before the next. */
static void test_second_loss_asks_again(void **state)
{
	struct life *life = *state;
	struct lost_world world;
	lost_world_make(life, &world);
	recover_open(life, true, false);
	recover_begin(life);
	recover_run(life);
	settle(life);
	life_sql(life, "UPDATE wallets SET stop_reason = 'nonce_consumed_elsewhere'");
	both_decide(life, &world.open, NULL);
	assert_waits_for_people(life, &world.open, "");
	journal_keep(life);
	life_back_up(life);
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	settle(life);
	life_assert_paid(life, &world.open);
	struct hash32 paid_by = life_view(life, world.open.intent.id).tx_hash;
	life_restore(life);
	journal_revive(life);
	recover_open(life, true, false);
	recover_begin(life);
	recover_run(life);
	settle(life);
	assert_waits_for_people(life, &world.open, "journal_was_lost");
	assert_received(life, "POL", &world.open, 7003);
	both_decide(life, &world.open, &paid_by);
	settle(life);
	life_assert_paid(life, &world.open);
}

/* Of a hold that says something else people said nothing about the loss. */
static void test_release_is_of_what_was_shown(void **state)
{
	struct life *life = *state;
	struct lost_world world;
	lost_world_make(life, &world);
	recover_open(life, true, false);
	recover_begin(life);
	recover_run(life);
	settle(life);
	assert_waits_for_people(life, &world.queued, "journal_was_lost");
	life_sql(life, "UPDATE withdrawals SET held_reason = 'asset_mismatch' WHERE held_reason = "
		       "'journal_was_lost'");
	both_decide(life, &world.queued, NULL);
	settle(life);
	assert_waits_for_people(life, &world.queued, "journal_was_lost");
	assert_received(life, "TUSD", &world.queued, 7001);
}

/* One payout pays one withdrawal, whatever people say. */
static void test_payout_is_claimed_once(void **state)
{
	struct life *life = *state;
	struct lost_world world;
	lost_world_make(life, &world);
	recover_open(life, true, false);
	recover_begin(life);
	recover_run(life);
	struct withdrawal first = later_again(life, &world);
	struct withdrawal second = later_again(life, &world);
	settle(life);
	assert_waits_for_people(life, &first, "may_be_paid_by_unbound");
	assert_waits_for_people(life, &second, "may_be_paid_by_unbound");
	both_decide(life, &first, &world.queued_tx); /* not what it asks for */
	assert_waits_for_people(life, &first, "may_be_paid_by_unbound");
	both_decide(life, &first, &world.later_tx);
	both_decide(life, &second, &world.later_tx);
	settle(life);
	life_assert_paid(life, &first);
	assert_waits_for_people(life, &second, "may_be_paid_by_unbound");
	assert_string_equal(life_view(life, second.intent.id).withdrawal.wait_reason,
			    "resolve_tx_of_another");
	both_decide(life, &second, NULL);
	settle(life);
	life_assert_stage(life, &second, WITHDRAWAL_COMPLETED);
	assert_received(life, "POL", &world.later, 2 * 7002);
}

/* "Not paid" of a request while a payment of exactly that is nobody's: refused, since the one that
 * was paid may be this one. Whoever has looked at that payment, and knows whose it was, names it;
 * for its own request it is there all the same. */
static void test_equal_payout_is_nobodys(void **state)
{
	struct life *life = *state;
	struct lost_world world;
	lost_world_make(life, &world);
	recover_open(life, true, false);
	recover_begin(life);
	recover_run(life);
	struct withdrawal other = later_again(life, &world);
	settle(life);
	both_decide(life, &world.queued, NULL);
	both_decide(life, &other, NULL);
	assert_waits_for_people(life, &world.queued, "journal_was_lost");
	assert_waits_for_people(life, &other, "may_be_paid_by_unbound");
	assert_string_equal(life_view(life, other.intent.id).withdrawal.wait_reason,
			    "resolve_equal_is_unclaimed");
	both_name_another(life, &other, world.queued_tx); /* it pays something else */
	assert_waits_for_people(life, &other, "may_be_paid_by_unbound");
	assert_received(life, "TUSD", &world.queued, 7001);
	assert_received(life, "POL", &world.later, 7002);
	both_name_another(life, &other, world.later_tx);
	settle(life);
	life_assert_stage(life, &other, WITHDRAWAL_COMPLETED);
	assert_received(life, "POL", &world.later, 2 * 7002);
	struct withdrawal again = later_again(life, &world);
	settle(life);
	assert_waits_for_people(life, &again, "may_be_paid_by_unbound");
	both_decide(life, &again, &world.later_tx);
	both_decide(life, &world.queued, &world.queued_tx);
	settle(life);
	life_assert_stage(life, &again, WITHDRAWAL_COMPLETED);
	life_assert_paid(life, &world.queued);
	assert_received(life, "POL", &world.later, 2 * 7002);
}

/* An editor clears holds, and sets back what is completed: the new journal knows better. */
static void test_lost_journal_believes_no_row(void **state)
{
	struct life *life = *state;
	struct lost_world world;
	lost_world_make(life, &world);
	recover_open(life, true, false);
	recover_begin(life);
	recover_run(life);
	settle(life);
	for (int i = 0; i < 3; i++) {
		life_sql(life,
			 "UPDATE withdrawals SET held_reason = '', due_at = 1 WHERE stage < 5; "
			 "UPDATE withdrawals SET stage = 3, due_at = 1, transfer_id = NULL, "
			 "version = version + 1 WHERE stage = 5; DELETE FROM transfer_items");
		settle(life);
	}
	assert_received(life, "POL", &world.before, 7000);
	assert_received(life, "TUSD", &world.queued, 7001);
	assert_received(life, "POL", &world.later, 7002);
	life_assert_unpaid(life, &world.open);
	assert_waits_for_people(life, &world.before, "right_already_spent");
}

/* It ends anywhere, and goes on: at every step, in a new process. */
static void test_lost_journal_goes_on(void **state)
{
	struct life *life = *state;
	struct lost_world world;
	enum signer_recovery_phase phase = RECOVERY_READING;
	lost_world_make(life, &world);
	for (int i = 0; i < 500 && phase != RECOVERY_DONE; i++) {
		recover_open(life, true, false);
		recover_begin(life);
		phase = recover_step(life);
		if (phase != RECOVERY_DONE)
			phase = recover_step(life);
	}
	assert_int_equal(phase, RECOVERY_DONE);
	recover_open(life, true, false);
	recover_refuses(life, "unpause");
	recover_close(life);
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	struct withdrawal again = later_again(life, &world);
	settle(life);
	assert_waits_for_people(life, &again, "may_be_paid_by_unbound");
	both_decide(life, &again, &world.later_tx);
	both_decide(life, &world.queued, &world.queued_tx);
	life_assert_paid(life, &again);
	life_assert_paid(life, &world.queued);
	assert_int_equal(life_number(life, "SELECT max(number) FROM incarnations", NULL), 1);
}

/* The whole of it, and what people have to say in the end. */
static void restore_run(struct life *life)
{
	life_restore(life);
	recover_mark(life);
	recover_open(life, false, false);
	recover_begin(life);
	recover_run(life);
	settle(life);
}

/* A transaction that nobody of us made, where the journal ends, looks like a journal that ends too
 * early: a person says which it is. */
static void test_stranger_at_the_next_nonce(void **state)
{
	struct life *life = *state;
	struct withdrawal before = life_accept(life, "POL", 7100);
	life_run(life, 8);
	life_back_up(life);
	struct withdrawal later = life_accept(life, "POL", 7101);
	life_run(life, 8);
	struct address wallet = life_view(life, later.intent.id).transfer.wallet;
	struct address payee = life_fresh_address(life);
	struct hash32 strangers = life_foreign_pay(life, wallet, payee, 7102);
	life_restore(life);
	life_run(life, 2);
	recover_open(life, false, false);
	recover_refuses(life, "--accept-strangers");
	recover_open(life, false, true);
	recover_begin(life);
	recover_run(life);
	life->made = 1;
	struct withdrawal again = life_accept_to(life, "POL", 7101, later.intent.to);
	struct withdrawal same = life_accept_to(life, "POL", 7102, payee);
	struct withdrawal fresh = life_accept(life, "TUSD", 7103);
	settle(life);
	life_assert_paid(life, &before);
	life_assert_paid(life, &again);
	life_assert_paid(life, &fresh);
	assert_waits_for_people(life, &same, "may_be_paid_by_unbound");
	assert_received(life, "POL", &same, 7102);
	assert_true(life_chain_nonce(life, wallet) >= 2);
	/* It is no other request's: what can be said of it is that it paid. */
	both_decide(life, &same, NULL);
	assert_waits_for_people(life, &same, "may_be_paid_by_unbound");
	both_decide(life, &same, &strangers);
	settle(life);
	life_assert_stage(life, &same, WITHDRAWAL_COMPLETED);
	assert_received(life, "POL", &same, 7102);
}

/* On a nonce that the journal has for a payment of ours: its slot ends, and the rest goes on. */
static void test_stranger_on_a_journaled_nonce(void **state)
{
	struct life *life = *state;
	struct withdrawal before = life_accept(life, "POL", 7200);
	life_run(life, 8);
	life_back_up(life);
	struct withdrawal never = life_accept(life, "POL", 7201);
	life_process(life);
	life_sign(life);
	struct address wallet = life_view(life, never.intent.id).transfer.wallet;
	life_drop_pool(life);
	struct hash32 taken_by = life_foreign_pay(life, wallet, life_fresh_address(life), 5);
	life_restore(life);
	life_run(life, 2);
	recover_open(life, false, false);
	recover_begin(life);
	recover_run(life);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM transfers WHERE outcome = 4", NULL), 1);
	life->made = 1;
	struct withdrawal again = life_accept_to(life, "POL", 7201, never.intent.to);
	struct withdrawal fresh = life_accept(life, "TUSD", 7202);
	settle(life);
	life_assert_paid(life, &before);
	life_assert_paid(life, &fresh);
	/* The journal has its right as spent, and nothing proves it unpaid: that people say, and
	 * the signer compares it with what has the nonce. */
	assert_waits_for_people(life, &again, "right_already_spent");
	both_decide(life, &again, &taken_by);
	assert_string_equal(life_view(life, again.intent.id).withdrawal.wait_reason,
			    "resolve_tx_is_no_payment");
	both_decide(life, &again, NULL);
	settle(life);
	life_assert_paid(life, &again);
}

/* The stranger paid the very same: that is what people can say, and nothing else. */
static void test_stranger_that_paid_the_same(void **state)
{
	struct life *life = *state;
	struct withdrawal before = life_accept(life, "POL", 7210);
	life_run(life, 8);
	life_back_up(life);
	struct withdrawal never = life_accept(life, "POL", 7211);
	life_process(life);
	life_sign(life);
	struct address wallet = life_view(life, never.intent.id).transfer.wallet;
	life_drop_pool(life);
	struct hash32 taken_by = life_foreign_note(life, wallet, never.intent.to, 7211);
	restore_run(life);
	life->made = 1;
	struct withdrawal again = life_accept_to(life, "POL", 7211, never.intent.to);
	settle(life);
	life_assert_paid(life, &before);
	assert_waits_for_people(life, &again, "right_already_spent");
	both_decide(life, &again, NULL);
	assert_waits_for_people(life, &again, "right_already_spent");
	assert_string_equal(life_view(life, again.intent.id).withdrawal.wait_reason,
			    "resolve_was_paid");
	both_decide(life, &again, &taken_by);
	settle(life);
	life_assert_stage(life, &again, WITHDRAWAL_COMPLETED);
	assert_received(life, "POL", &never, 7211);
}

/* ---- what people said in the lost hour ---- */

/* Its nonce went to a stranger, people said that it was not paid, and it was paid then, or
 * canceled. The store that comes back knows nothing of that; the journal does, also when its client
 * wants it no more now. */
static void said_run(struct life *life, bool cancels, bool cancels_late)
{
	struct withdrawal row = life_accept(life, "POL", 7300);
	life_process(life);
	life_sign(life);
	struct address wallet = life_view(life, row.intent.id).transfer.wallet;
	life_drop_pool(life);
	life_foreign_send(life, wallet, life_fresh_address(life));
	settle(life);
	assert_string_equal(life_view(life, row.intent.id).withdrawal.held_reason,
			    "nonce_consumed_elsewhere");
	life_back_up(life);
	if (cancels)
		life_sql(life, "UPDATE withdrawals SET cancel_requested = 1");
	both_decide(life, &row, NULL);
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	settle(life);
	life_assert_stage(life, &row, cancels ? WITHDRAWAL_CANCELED : WITHDRAWAL_COMPLETED);
	life_restore(life);
	life_sql(life, "UPDATE wallets SET stop_reason = 'recovering'");
	recover_open(life, false, false);
	recover_begin(life);
	recover_run(life);
	if (cancels_late)
		life_sql(life, "UPDATE withdrawals SET cancel_requested = 1");
	settle(life);
	assert_string_equal(life_view(life, row.intent.id).withdrawal.held_reason,
			    "nonce_consumed_elsewhere");
	both_decide(life, &row, NULL);
	settle(life);
	life_assert_stage(life, &row, cancels ? WITHDRAWAL_CANCELED : WITHDRAWAL_COMPLETED);
	assert_received(life, "POL", &row, cancels ? 0 : 7300);
	life_assert_settled(life);
}

static void test_said_and_paid_since(void **state)
{
	said_run(*state, false, false);
}

static void test_said_and_canceled_since(void **state)
{
	said_run(*state, true, false);
}

static void test_said_and_canceled_too_late(void **state)
{
	said_run(*state, false, true);
}

/* ---- what the API and the processor ended in the lost hour ---- */

static void assert_undecided(struct life *life, const struct withdrawal *row)
{
	struct withdrawal now = life_view(life, row->intent.id).withdrawal;
	assert_string_equal(now.held_reason, "restored_undecided");
	assert_int_equal(now.stage, WITHDRAWAL_ACCEPTED);
	assert_received(life, "TUSD", row, 0);
}

/* Held at the backup, let go on by two people since, and paid: the journal knows, so that it is
 * paid by what they name, and never again. */
static void test_released_since_the_backup(void **state)
{
	struct life *life = *state;
	struct withdrawal before = life_accept(life, "POL", 7450);
	life_run(life, 8);
	struct withdrawal row = life_accept(life, "TUSD", 7451);
	life_process(life);
	life->catalogue.assets[1].decimals = 7; /* a wrong configuration, for a moment */
	life_restart(life, LIFE_SIGNER);
	life_sign(life);
	life->catalogue.assets[1].decimals = 6;
	life_restart(life, LIFE_SIGNER);
	assert_waits_for_people(life, &row, "asset_mismatch");
	life_back_up(life);
	both_decide(life, &row, NULL);
	life_run(life, 8);
	life_assert_paid(life, &row);
	struct hash32 paid_by = life_view(life, row.intent.id).tx_hash;
	struct hash32 another = life_view(life, before.intent.id).tx_hash;
	restore_run(life);
	life_assert_paid(life, &before);
	assert_waits_for_people(life, &row, "asset_mismatch");
	both_decide(life, &row, NULL);
	assert_string_equal(life_view(life, row.intent.id).withdrawal.wait_reason,
			    "resolve_was_paid");
	both_decide(life, &row, &another);
	assert_string_equal(life_view(life, row.intent.id).withdrawal.wait_reason,
			    "resolve_tx_is_no_payment");
	assert_waits_for_people(life, &row, "asset_mismatch");
	both_decide(life, &row, &paid_by);
	settle(life);
	life_assert_paid(life, &row);
	assert_received(life, "TUSD", &row, 7451);
}

/* The key of what was paid in the lost hour, with another amount or receiver: its right is spent,
 * and on another request. What people can say is that this one was not paid; it never is. */
static void test_key_of_another_request(void **state)
{
	struct life *life = *state;
	struct withdrawal before = life_accept(life, "POL", 7460);
	life_run(life, 8);
	life_back_up(life);
	struct withdrawal first = life_accept(life, "POL", 7461);
	struct withdrawal second = life_accept(life, "TUSD", 7462);
	life_run(life, 8);
	life_assert_paid(life, &first);
	life_assert_paid(life, &second);
	struct hash32 paid_by = life_view(life, first.intent.id).tx_hash;
	restore_run(life);
	life->made = 1;
	struct withdrawal more = life_accept_to(life, "POL", 9461, first.intent.to);
	struct withdrawal other = life_accept(life, "TUSD", 7462);
	settle(life);
	life_assert_paid(life, &before);
	assert_waits_for_people(life, &more, "right_already_spent");
	assert_waits_for_people(life, &other, "right_already_spent");
	both_decide(life, &more, &paid_by);
	assert_string_equal(life_view(life, more.intent.id).withdrawal.wait_reason,
			    "resolve_tx_of_another");
	life_decide(life, &more, "ann", NULL);
	settle(life);
	assert_waits_for_people(life, &more, "right_already_spent");
	life_decide(life, &more, "ben", NULL);
	both_decide(life, &other, NULL);
	settle(life);
	life_assert_stage(life, &more, WITHDRAWAL_CANCELED);
	life_assert_stage(life, &other, WITHDRAWAL_CANCELED);
	/* What is canceled is never paid, whoever sets it back. */
	life_sql(life, "UPDATE withdrawals SET stage = 3, due_at = 1, held_reason = '', "
		       "version = version + 1 WHERE stage = 8");
	settle(life);
	assert_received(life, "POL", &first, 7461);
	assert_received(life, "TUSD", &second, 7462);
	assert_received(life, "TUSD", &other, 0);
}

/* The key of another request that never paid, and went on with this one: an editor puts it back to
 * that round. What it was paid is its own, and is in the journal. */
static void test_editor_hides_a_later_round(void **state)
{
	struct life *life = *state;
	struct withdrawal before = life_accept(life, "POL", 7470);
	life_run(life, 8);
	life_back_up(life);
	struct withdrawal never = life_accept(life, "POL", 7471);
	life_process(life);
	life_sign(life);
	life_drop_pool(life);
	restore_run(life);
	life->made = 1;
	struct withdrawal again = life_accept_to(life, "POL", 9471, never.intent.to);
	settle(life);
	life_assert_paid(life, &before);
	life_assert_paid(life, &again);
	assert_int_equal(life_view(life, again.intent.id).withdrawal.round, 1);
	life_sql(life,
		 "UPDATE withdrawals SET stage = 3, round = 0, due_at = 1, transfer_id = NULL, "
		 "held_reason = 'right_already_spent', version = version + 1 "
		 "WHERE round = 1; DELETE FROM transfer_items");
	both_decide(life, &again, NULL);
	settle(life);
	assert_waits_for_people(life, &again, "right_already_spent");
	assert_received(life, "POL", &again, 9471);
}

/* Its client was told that it is canceled, and neither journal nor store knows. Asked again, or by
 * two people, it goes on; only then. */
static void test_canceled_before_its_approval(void **state)
{
	struct life *life = *state;
	struct withdrawal before = life_accept(life, "POL", 7420);
	life_run(life, 8);
	struct withdrawal again = life_accept(life, "TUSD", 7421);
	struct withdrawal asked = life_accept(life, "TUSD", 7422);
	life_back_up(life);
	assert_true(life_cancel(life, &again));
	life_assert_stage(life, &again, WITHDRAWAL_CANCELED);
	restore_run(life);
	life_assert_paid(life, &before);
	assert_undecided(life, &again);
	assert_undecided(life, &asked);
	assert_true(life_cancel(life, &again));
	settle(life);
	life_assert_stage(life, &again, WITHDRAWAL_CANCELED);
	assert_received(life, "TUSD", &again, 0);
	life_decide(life, &asked, "ann", NULL);
	settle(life);
	assert_undecided(life, &asked);
	life_decide(life, &asked, "ben", NULL);
	settle(life);
	life_assert_paid(life, &asked);
}

/* Accepted at the backup and paid since: whatever is said of it then, the journal knows. */
static void test_paid_since_it_was_accepted(void **state)
{
	struct life *life = *state;
	struct withdrawal before = life_accept(life, "POL", 7430);
	life_run(life, 8);
	struct withdrawal released = life_accept(life, "TUSD", 7431);
	struct withdrawal canceled = life_accept(life, "TUSD", 7432);
	life_back_up(life);
	life_run(life, 8);
	life_assert_paid(life, &released);
	life_assert_paid(life, &canceled);
	restore_run(life);
	life_assert_paid(life, &before);
	both_decide(life, &released, NULL);
	assert_true(life_cancel(life, &canceled));
	settle(life);
	life_assert_paid(life, &released);
	life_assert_paid(life, &canceled);
	assert_received(life, "TUSD", &released, 7431);
	assert_received(life, "TUSD", &canceled, 7432);
}

/* The host on which the loss is marked has a clock that is behind: what was open is old all the
 * same. */
static void test_lost_by_a_clock_that_is_behind(void **state)
{
	struct life *life = *state;
	struct withdrawal before = life_accept(life, "POL", 7440);
	life_run(life, 8);
	struct withdrawal row = life_accept(life, "TUSD", 7441);
	life_process(life);
	life_back_up(life);
	assert_true(life_cancel(life, &row));
	life_run(life, 4);
	life_assert_stage(life, &row, WITHDRAWAL_CANCELED);
	life_restore(life);
	journal_lose(life);
	life->clock.skew_ms -= 3600000;
	recover_open(life, true, false);
	recover_begin(life);
	life->clock.skew_ms += 3600000;
	recover_run(life);
	settle(life);
	life_assert_paid(life, &before);
	assert_waits_for_people(life, &row, "journal_was_lost");
	assert_received(life, "TUSD", &row, 0);
	struct withdrawal fresh = life_accept(life, "TUSD", 7442);
	settle(life);
	life_assert_paid(life, &fresh);
}

#define DAY_MS INT64_C(86400000)

/* The journal is lost while the host's clock is a day ahead. */
static void loss_dated_ahead(struct life *life)
{
	life_restore(life);
	recover_mark(life);
	journal_lose(life);
	life->clock.skew_ms += DAY_MS;
	recover_open(life, true, false);
	recover_begin(life);
	life->clock.skew_ms -= DAY_MS;
}

/* What people released after the first loss is canceled, and its client told; then a backup of each
 * takes the places of store and journal. Nobody knows that any more. */
static void second_loss_run(struct life *life, bool while_recovering)
{
	struct withdrawal before = life_accept(life, "POL", 7450);
	life_run(life, 8);
	struct withdrawal open = life_accept(life, "POL", 7451);
	life_process(life);
	life_back_up(life);
	loss_dated_ahead(life);
	if (while_recovering)
		life_back_up(life);
	recover_run(life);
	settle(life);
	assert_waits_for_people(life, &open, "journal_was_lost");
	life_sql(life, "UPDATE wallets SET stop_reason = 'nonce_consumed_elsewhere'");
	both_decide(life, &open, NULL);
	assert_waits_for_people(life, &open, "");
	journal_keep(life);
	if (!while_recovering)
		life_back_up(life);
	assert_true(life_cancel(life, &open));
	settle(life);
	life_assert_stage(life, &open, WITHDRAWAL_CANCELED);
	life_restore(life);
	journal_revive(life);
	recover_mark(life);
	recover_open(life, true, false);
	recover_begin(life);
	recover_run(life);
	settle(life);
	life_assert_paid(life, &before);
	assert_received(life, "POL", &open, 0);
	assert_waits_for_people(life, &open, "journal_was_lost");
}

static void test_second_loss_after_a_clock_ahead(void **state)
{
	second_loss_run(*state, false);
}

/* The life before is still one of a lost journal: its successor begins as one, and is not marked.
 */
static void test_second_loss_of_a_life_that_inherits(void **state)
{
	second_loss_run(*state, true);
}

/* What is accepted an hour after a loss that was dated a day ahead is no older than the loss. */
static void test_loss_dated_ahead_holds_nothing_new(void **state)
{
	struct life *life = *state;
	struct withdrawal before = life_accept(life, "POL", 7460);
	life_run(life, 8);
	life_back_up(life);
	loss_dated_ahead(life);
	recover_run(life);
	life_wait(life, 3600000);
	struct withdrawal fresh = life_accept(life, "TUSD", 7461);
	settle(life);
	life_assert_paid(life, &before);
	life_assert_paid(life, &fresh);
}

/* The store was restored by a clock that was ahead: however often the command is begun, that is one
 * loss, of as many as a journal can have. */
static void test_loss_is_one_however_often_begun(void **state)
{
	struct life *life = *state;
	struct withdrawal before = life_accept(life, "POL", 7470);
	life_run(life, 8);
	life_back_up(life);
	life_restore(life);
	journal_lose(life);
	life->clock.skew_ms += DAY_MS;
	recover_mark(life);
	life_sql(life, "UPDATE incarnations SET journal_lost = 1"); /* as restore finds it */
	life->clock.skew_ms -= DAY_MS;
	for (int i = 0; i < 70; i++) {
		recover_open(life, true, false);
		recover_begin(life);
	}
	recover_run(life);
	life_wait(life, 30 * DAY_MS);
	struct withdrawal fresh = life_accept(life, "TUSD", 7471);
	settle(life);
	life_assert_paid(life, &before);
	life_assert_paid(life, &fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_lost_journal_calls_people),
		LIFE_TEST(test_second_loss_asks_again),
		LIFE_TEST(test_release_is_of_what_was_shown),
		LIFE_TEST(test_payout_is_claimed_once),
		LIFE_TEST(test_equal_payout_is_nobodys),
		LIFE_TEST(test_lost_journal_believes_no_row),
		LIFE_TEST(test_lost_journal_goes_on),
		LIFE_TEST(test_stranger_at_the_next_nonce),
		LIFE_TEST(test_stranger_on_a_journaled_nonce),
		LIFE_TEST(test_stranger_that_paid_the_same),
		LIFE_TEST(test_said_and_paid_since),
		LIFE_TEST(test_said_and_canceled_since),
		LIFE_TEST(test_said_and_canceled_too_late),
		LIFE_TEST(test_canceled_before_its_approval),
		LIFE_TEST(test_paid_since_it_was_accepted),
		LIFE_TEST(test_released_since_the_backup),
		LIFE_TEST(test_key_of_another_request),
		LIFE_TEST(test_editor_hides_a_later_round),
		LIFE_TEST(test_lost_by_a_clock_that_is_behind),
		LIFE_TEST(test_second_loss_after_a_clock_ahead),
		LIFE_TEST(test_second_loss_of_a_life_that_inherits),
		LIFE_TEST(test_loss_dated_ahead_holds_nothing_new),
		LIFE_TEST(test_loss_is_one_however_often_begun),
	};
	return LIFE_MAIN(tests);
}
