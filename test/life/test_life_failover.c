/* A database server dies, and a replica that lacks its last commits takes its place: commits of the
 * store, and on the same server of the journal. Nobody has restored anything, and both tell one
 * story. Only the chain knows more. */
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
	life_assert_waits(life, &other, reason_code(REASON_SLOT));
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
	life_assert_waits(life, &row, reason_code(REASON_SLOT));
	node.nonce_pending_more = 0;
	life_wait(life, 16000);
	life_run(life, 8);
	life_assert_paid(life, &row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_restore_old_backup_by_a_failover),
		LIFE_TEST(test_restore_old_backup_by_a_failover_and_a_pool),
		LIFE_TEST(test_restore_old_backup_by_a_failover_and_a_cancel),
		LIFE_TEST(test_person_starts_a_wallet_that_is_behind),
		LIFE_TEST(test_node_that_invents_nonces_delays),
	};
	return LIFE_MAIN(tests);
}
