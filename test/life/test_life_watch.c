/* What the monitor asks of a node, and what it wishes for: no more than there is news. */
#include "life_fault.h"
#include "life_node.h"
#include "life_world.h"

#define FAR (UINT64_C(1) << 40)

/* Counts the calls of one name from here on. */
static void count(struct life *life, const char *call)
{
	life_fault_at(life, LIFE_FAULT_FAIL, call, UINT64_MAX);
}

/* A head whose parent is known tells of all blocks below: nobody asks for them. */
static void test_heads_are_followed_by_their_parents(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	life->catalogue.chains[0].depth_paid = 8;
	struct withdrawal row = life_mined(life, "TUSD", 6000);
	count(life, "chain_blocks");
	life_run(life, 7);
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	life_run(life, 4);
	life_assert_paid(life, &row);
	assert_int_equal(life_fault_seen(life), 0);
	life_assert_settled(life);
}

/* What the receipt said when it was seen still holds: its block is canonical. */
static void test_paid_by_the_receipt_that_was_read(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_mined(life, "TUSD", 6001);
	count(life, "chain_receipts");
	life_run(life, 4);
	life_assert_paid(life, &row);
	assert_int_equal(life_fault_seen(life), 0);
}

/* Before "unpaid" it is read again. */
static void test_unpaid_by_a_receipt_that_is_read(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 6002);
	life_process(life);
	life_sign(life);
	life_refuse(life, row.intent.to, true);
	life_mine(life, 1);
	life_watch(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_MINED);
	life_refuse(life, row.intent.to, false);
	count(life, "chain_receipts");
	for (int i = 0; i < 5; i++) {
		life_mine(life, 1);
		life_watch(life);
	}
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_MINED);
	assert_int_equal(life_fault_seen(life), 0);
	for (int i = 0; i < 3; i++) {
		life_mine(life, 1);
		life_watch(life);
	}
	assert_true(life_fault_seen(life) > 0);
	assert_int_equal(life_view(life, row.intent.id).transfer.outcome, OUTCOME_REVERTED);
	life_run(life, 8);
	life_assert_paid(life, &row);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 1);
}

/* Blocks that nobody looked at meanwhile: they are asked for once, and link. */
static void test_blocks_that_were_missed(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 6003);
	life_watch(life);
	life_process(life);
	life_sign(life);
	count(life, "chain_blocks");
	life_mine(life, 40);
	life_watch(life);
	assert_int_equal(life_fault_seen(life), 1);
	life_run(life, 2);
	assert_int_equal(life_fault_seen(life), 1);
	life_assert_paid(life, &row);
}

/* So many that they are not asked for, and the block of a payment is gone below them. */
static void test_reorg_behind_a_long_absence(void **state)
{
	struct life *life = *state;
	life->catalogue.chains[0].depth_paid = 2000;
	struct withdrawal row = life_mined(life, "POL", 6004);
	life_mine(life, 2);
	life_watch(life);
	life_reorg(life, 3);
	life_mine(life, 400);
	life_watch(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_BROADCAST);
	life->catalogue.chains[0].depth_paid = 2;
	life_wait(life, 3000);
	life_run(life, 1);
	life_wait(life, 3000);
	life_run(life, 6);
	life_assert_paid(life, &row);
	assert_int_equal(life_view(life, row.intent.id).transfer.attempts, 1);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* Deeper than what is asked for at a time, and the chain is as long as before, or shorter. */
static void reorg_run(struct life *life, unsigned depth, bool restart)
{
	life->catalogue.chains[0].depth_paid = 60;
	struct withdrawal row = life_mined(life, "POL", 6005);
	for (unsigned i = 1; i < depth; i++) {
		life_mine(life, 1);
		life_watch(life);
	}
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_MINED);
	life_reorg(life, depth);
	if (restart)
		life_restart(life, LIFE_MONITOR);
	life_mine(life, 1);
	life_watch(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_BROADCAST);
	life->catalogue.chains[0].depth_paid = 2;
	life_wait(life, 3000);
	life_run(life, 1);
	life_wait(life, 3000);
	life_run(life, 6);
	life_assert_paid(life, &row);
	assert_int_equal(life_view(life, row.intent.id).transfer.attempts, 1);
	life_assert_settled(life);
	life_assert_quiet(life);
}

static void test_reorg_of_many_blocks(void **state)
{
	reorg_run(*state, 20, false);
}

static void test_reorg_of_one_block(void **state)
{
	reorg_run(*state, 1, false);
}

static void test_reorg_during_a_restart(void **state)
{
	reorg_run(*state, 20, true);
}

static enum wish wish_of(struct life *life, const struct withdrawal *row)
{
	return life_view(life, row->intent.id).transfer.wish;
}

/* While no blocks come a higher fee helps nobody; what the node forgot it is given again. */
static void test_no_bump_without_blocks(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 6010);
	life_process(life);
	life_sign(life);
	for (int i = 0; i < 5; i++) {
		life_wait(life, 11000);
		life_watch(life);
		assert_int_equal(wish_of(life, &row), WISH_NONE);
	}
	life_drop_pool(life);
	for (int i = 0; i < 3; i++) {
		life_wait(life, 11000);
		life_watch(life);
		assert_int_equal(wish_of(life, &row), WISH_REBROADCAST);
	}
	life_sign(life);
	life_run(life, 4);
	life_assert_paid(life, &row);
	assert_int_equal(life_view(life, row.intent.id).transfer.attempts, 1);
	life_assert_settled(life);
}

/* A pool that drops the bytes again and again while blocks come wants more for them. */
static void test_bump_of_what_is_dropped_silently(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 6011);
	life_process(life);
	life_sign(life);
	bool was_sent_again = false;
	int i = 0;
	for (; i < 20 && life_view(life, row.intent.id).transfer.attempts == 1; i++) {
		life_drop_pool(life);
		life_mine(life, 1);
		life_wait(life, 3000);
		life_watch(life);
		was_sent_again |= wish_of(life, &row) == WISH_REBROADCAST;
		life_sign(life);
	}
	assert_true(was_sent_again);
	assert_in_range(i, 4, 12);
	assert_int_equal(life_view(life, row.intent.id).transfer.attempts, 2);
	life_run(life, 4);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

/* A wish that was made before the newest attempt was: nobody acts on it. */
static void test_wish_about_fewer_attempts(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", 6150);
	life_process(life);
	life_sign(life);
	life_sql(life, "UPDATE transfers SET wish = 2, wish_attempts_seen = 0");
	life_wait(life, 20000);
	life_sign(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.attempts, 1);
	life_run(life, 6);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

/* What a receipt said is of the block that it was of, whatever the row says by now. */
static void test_mined_block_edited(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_mined(life, "POL", 6160);
	struct transfer seen = life_view(life, row.intent.id).transfer;
	life_sql(life, "UPDATE transfers SET mined_block_hash = zeroblob(32)");
	life_run(life, 6);
	life_assert_paid(life, &row);
	struct transfer paid = life_view(life, row.intent.id).transfer;
	assert_int_equal(paid.mined_block, seen.mined_block);
	assert_true(hash32_equal(paid.mined_block_hash, seen.mined_block_hash));
	life_assert_settled(life);
}

/* A row that says it had more attempts than any slot can have is looked at all the same. */
static void test_attempts_edited(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", 6170);
	life_process(life);
	life_sign(life);
	life_sql(life, "UPDATE transfers SET attempts = 1000");
	life_mine(life, 1);
	life_watch(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_MINED);
	life_restart(life, LIFE_MONITOR);
	life_run(life, 6);
	life_assert_paid(life, &row);
}

/* What a node says of the withdrawal's transaction that has lost its mind for a moment. */
static struct chain_receipt far_receipt(struct life *life, const struct withdrawal *row)
{
	struct store_view view = life_view(life, row->intent.id);
	return (struct chain_receipt){ .state = CHAIN_RECEIPT_FOUND,
				       .tx_hash = view.tx_hash,
				       .block_number = FAR,
				       .block_hash = { { 1 } },
				       .success = true,
				       .from = view.transfer.wallet,
				       .to = row->intent.to };
}

static void assert_goes_on(struct life *life, const struct withdrawal *row)
{
	for (int i = 0; i < 4; i++) {
		life_wait(life, 61000);
		life_run(life, 4);
	}
	life_assert_paid(life, row);
	life_assert_settled(life);
}

/* No head gets there: a slot that was mined there would wait for ever. */
static void test_receipt_of_a_block_far_above(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	node.send = CHAIN_SEND_BACK_PRESSURE;
	node.sends_refused = 1;
	struct withdrawal row = life_accept(life, "POL", 6020);
	life_process(life);
	life_sign(life);
	node.old = far_receipt(life, &row);
	for (int i = 0; i < 3; i++) {
		life_wait(life, 20000);
		life_mine(life, 1);
		life_watch(life);
	}
	node.old.state = CHAIN_RECEIPT_ABSENT;
	assert_goes_on(life, &row);
}

static void test_far_block_of_one_of_two_nodes(void **state)
{
	struct life *life = *state;
	struct life_node nodes[2] = { life_node_make(life), life_node_make(life) };
	struct chain *gate = life_gate_make(life, nodes, 2);
	life_chain_give(life, LIFE_MONITOR, gate);
	struct withdrawal row = life_accept(life, "POL", 6021);
	life_process(life);
	life_sign(life);
	nodes[0].old = far_receipt(life, &row);
	life_mine(life, 1);
	life_watch(life);
	nodes[0].old.state = CHAIN_RECEIPT_ABSENT;
	assert_goes_on(life, &row);
	life_restart(life, LIFE_MONITOR);
	chain_close(gate);
}

/* The same of a slot whose block is gone, and which is looked for again. */
static void test_far_block_after_a_reorg(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	struct withdrawal row = life_mined(life, "POL", 6022);
	node.old = far_receipt(life, &row);
	life_reorg(life, 1);
	life_drop_pool(life);
	life_mine(life, 1);
	life_watch(life);
	node.old.state = CHAIN_RECEIPT_ABSENT;
	assert_goes_on(life, &row);
}

/* It is in the row, from a head that was a lie too, or by an editor. */
static void test_far_block_in_a_row(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_mined(life, "POL", 6023);
	life_sql(life, "UPDATE transfers SET mined_block = %llu", (unsigned long long)FAR);
	life_restart(life, LIFE_MONITOR);
	assert_goes_on(life, &row);
}

/* What a machine of another branch says of a mined slot: its block's hash is as life_node bends it.
 */
static struct chain_receipt bent_receipt(struct life *life, const struct withdrawal *row)
{
	struct chain_receipt receipt = far_receipt(life, row);
	struct transfer seen = life_view(life, row->intent.id).transfer;
	receipt.block_number = seen.mined_block;
	receipt.block_hash = seen.mined_block_hash;
	receipt.block_hash.bytes[0] ^= 1;
	return receipt;
}

static void assert_moved(struct life *life, const struct withdrawal *row, uint64_t block,
			 struct hash32 hash)
{
	struct transfer now = life_view(life, row->intent.id).transfer;
	assert_int_equal(now.stage, TRANSFER_MINED);
	assert_int_equal(now.mined_block, block);
	assert_true(hash32_equal(now.mined_block_hash, hash));
}

/* A liar answers while the watched blocks are compared one by one, has moved one slot, and the step
 * fails before the next. The blocks that are known do not reach down to it; whoever goes on from
 * them as if nothing had been would leave the slot on the liar's branch until it is deep. */
static void test_comparison_that_a_liar_began(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_fault_install(life);
	life_node_give(life, &node);
	life->catalogue.chains[0].depth_paid = 64;
	struct withdrawal first = life_mined(life, "POL", 6030);
	struct withdrawal second = life_mined(life, "POL", 6031);
	struct transfer seen = life_view(life, first.intent.id).transfer;
	life_mine(life, 2);
	life_chain_give(life, LIFE_MONITOR, &node.base);
	life_watch(life);
	node.old = bent_receipt(life, &first);
	node.head_of_fork = node.blocks_of_fork = true;
	life_mine(life, 1);
	life_fault_at(life, LIFE_FAULT_FAIL, "store_attempts_load", 2);
	life_watch(life);
	assert_string_equal(life_fault_hit(life), "store_attempts_load");
	life_fault_clear(life);
	assert_moved(life, &first, seen.mined_block, node.old.block_hash);
	node.old.state = CHAIN_RECEIPT_ABSENT;
	node.head_of_fork = node.blocks_of_fork = false;
	for (int i = 0; i < 3; i++) {
		life_watch(life);
		life_mine(life, 1);
	}
	assert_moved(life, &first, seen.mined_block, seen.mined_block_hash);
	life->catalogue.chains[0].depth_paid = 2;
	life_run(life, 6);
	life_assert_paid(life, &first);
	life_assert_paid(life, &second);
	life_assert_settled(life);
}

/* A slot whose block is gone is said to be in another one, which the chain has not either: below
 * the blocks that are known since the start nothing would tell, before it is deep. */
static void test_moved_to_a_block_of_no_chain(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	life->catalogue.chains[0].depth_paid = 64;
	life_mine(life, 3);
	life_chain_give(life, LIFE_MONITOR, &node.base);
	struct withdrawal row = life_mined(life, "POL", 6032);
	struct transfer seen = life_view(life, row.intent.id).transfer;
	node.old = far_receipt(life, &row);
	node.old.block_number = seen.mined_block - 3;
	life_reorg(life, 1);
	life_mine(life, 1);
	life_watch(life);
	node.old.state = CHAIN_RECEIPT_ABSENT;
	for (int i = 0; i < 3; i++) {
		life_sign(life);
		life_mine(life, 1);
		life_watch(life);
	}
	struct transfer now = life_view(life, row.intent.id).transfer;
	assert_false(hash32_equal(now.mined_block_hash, node.old.block_hash));
	life->catalogue.chains[0].depth_paid = 2;
	life_wait(life, 20000);
	life_run(life, 2);
	life_run(life, 6);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

/* The chain goes on, and the node that signer and monitor ask first does not: it names the same
 * head for ever, and keeps what it is sent to itself. */
static void test_first_node_is_stuck(void **state)
{
	struct life *life = *state;
	struct life_node nodes[3] = { life_node_make(life), life_node_make(life),
				      life_node_make(life) };
	struct chain *signers = life_gate_make(life, nodes, 3);
	struct chain *monitors = life_gate_make(life, nodes, 3);
	life_chain_give(life, LIFE_SIGNER, signers);
	life_chain_give(life, LIFE_MONITOR, monitors);
	life_run(life, 2);
	nodes[0].stuck = true;
	struct withdrawal row = life_accept(life, "POL", 6024);
	for (int i = 0; i < 40; i++) {
		life_wait(life, 60000);
		life_run(life, 4);
	}
	life_assert_paid(life, &row);
	assert_int_equal(life_alarms(life, "head_stands_still"), 0);
	life_restart(life, LIFE_SIGNER);
	life_restart(life, LIFE_MONITOR);
	chain_close(signers);
	chain_close(monitors);
}

/* Where no node goes on somebody is told, once for each time. */
static void test_head_stands_still(void **state)
{
	struct life *life = *state;
	life_watch(life);
	for (size_t times = 1; times <= 2; times++) {
		life_mine(life, 1);
		for (int minutes = 0; minutes < 10; minutes++) {
			life_watch(life);
			assert_int_equal(life_alarms(life, "head_stands_still"), times - 1);
			life_wait(life, 60000);
		}
		for (int minutes = 0; minutes < 30; minutes++) {
			life_watch(life);
			assert_int_equal(life_alarms(life, "head_stands_still"), times);
			life_wait(life, 60000);
		}
	}
}

/* A block that one machine named once, and that never came, is told of as well, and forgotten. */
static void test_head_that_never_came(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	life_watch(life);
	node.stuck = true;
	node.last.number += FAR;
	life_watch(life);
	node.stuck = false;
	for (size_t times = 1; times <= 2; times++) {
		life_wait(life, 601000);
		life_watch(life);
		assert_int_equal(life_alarms(life, "head_stands_still"), times);
		life_mine(life, 1);
		life_watch(life);
	}
}

/* ---- a node that hands nothing on ---- */

static void minutes_run(struct life *life, int minutes)
{
	for (int i = 0; i < minutes * 12; i++) {
		life_wait(life, 5000);
		life_process(life);
		life_sign(life);
		life_watch(life);
		life_mine(life, 1);
	}
}

/* The node that is asked first follows the chain and takes what it is sent, and nobody else ever
 * sees it; of what it took it says so for ever, or that it has forgotten it. The second one of the
 * three has it too. */
static void swallow_run(struct life *life, bool pretends)
{
	struct life_node nodes[3] = { life_node_make(life), life_node_make(life),
				      life_node_make(life) };
	struct chain *gate = life_gate_make(life, nodes, 3);
	nodes[0].swallows = true;
	nodes[0].pretends = pretends;
	life_chain_give(life, LIFE_SIGNER, gate);
	life_chain_give(life, LIFE_MONITOR, gate);
	struct withdrawal row = life_accept(life, "TUSD", 6090);
	minutes_run(life, 5);
	life_assert_paid(life, &row);
	life_assert_settled(life);
	life_restart(life, LIFE_SIGNER);
	life_restart(life, LIFE_MONITOR);
	chain_close(gate);
}

static void test_first_node_forgets_what_it_took(void **state)
{
	swallow_run(*state, false);
}

static void test_first_node_keeps_what_it_took(void **state)
{
	swallow_run(*state, true);
}

/* Where there is no other node somebody is told, once, in half an hour, or as soon as no attempt is
 * left. */
static void stuck_run(struct life *life, bool pretends)
{
	struct life_node node = life_node_make(life);
	node.swallows = true;
	node.pretends = pretends;
	life_node_give(life, &node);
	struct withdrawal row = life_accept(life, "TUSD", 6091);
	minutes_run(life, 10);
	assert_int_equal(life_alarms(life, "transfer_passed_by"), 0);
	minutes_run(life, 50);
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	assert_int_equal(life_alarms(life, "transfer_passed_by"), 1);
	node.swallows = node.pretends = false;
	minutes_run(life, 5);
	life_assert_paid(life, &row);
}

static void test_only_node_forgets_what_it_took(void **state)
{
	stuck_run(*state, false);
}

static void test_only_node_keeps_what_it_took(void **state)
{
	stuck_run(*state, true);
}

/* Its key is away, or its fees are above the cap: what has not gone out for half an hour keeps the
 * wallet's others waiting, and somebody is told, once. */
static void test_lowest_slot_is_not_signed(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 6033);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "keys_sign_many", 0);
	minutes_run(life, 10);
	assert_int_equal(life_alarms(life, "transfer_passed_by"), 0);
	minutes_run(life, 50);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_RESERVED);
	assert_int_equal(life_alarms(life, "transfer_passed_by"), 1);
	life_fault_clear(life);
	minutes_run(life, 5);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_heads_are_followed_by_their_parents),
		LIFE_TEST(test_paid_by_the_receipt_that_was_read),
		LIFE_TEST(test_unpaid_by_a_receipt_that_is_read),
		LIFE_TEST(test_blocks_that_were_missed),
		LIFE_TEST(test_reorg_behind_a_long_absence),
		LIFE_TEST(test_reorg_of_many_blocks),
		LIFE_TEST(test_reorg_of_one_block),
		LIFE_TEST(test_reorg_during_a_restart),
		LIFE_TEST(test_no_bump_without_blocks),
		LIFE_TEST(test_bump_of_what_is_dropped_silently),
		LIFE_TEST(test_wish_about_fewer_attempts),
		LIFE_TEST(test_mined_block_edited),
		LIFE_TEST(test_attempts_edited),
		LIFE_TEST(test_receipt_of_a_block_far_above),
		LIFE_TEST(test_far_block_of_one_of_two_nodes),
		LIFE_TEST(test_far_block_after_a_reorg),
		LIFE_TEST(test_far_block_in_a_row),
		LIFE_TEST(test_comparison_that_a_liar_began),
		LIFE_TEST(test_moved_to_a_block_of_no_chain),
		LIFE_TEST(test_first_node_is_stuck),
		LIFE_TEST(test_head_stands_still),
		LIFE_TEST(test_head_that_never_came),
		LIFE_TEST(test_first_node_forgets_what_it_took),
		LIFE_TEST(test_first_node_keeps_what_it_took),
		LIFE_TEST(test_only_node_forgets_what_it_took),
		LIFE_TEST(test_only_node_keeps_what_it_took),
		LIFE_TEST(test_lowest_slot_is_not_signed),
	};
	return LIFE_MAIN(tests);
}
