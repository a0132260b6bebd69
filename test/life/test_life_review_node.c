/* A node that lags, does not know, is in trouble of its own, or lies: what must not be decided by
 * its word. */
#include "life_fault.h"
#include "life_node.h"
#include "life_world.h"

static void wallets_stop_but_one(struct life *life)
{
	life_sql(life, "UPDATE wallets SET stop_reason = 'test' WHERE id > 1");
}

static void wallets_start(struct life *life)
{
	life_sql(life, "UPDATE wallets SET stop_reason = '' WHERE stop_reason = 'test'");
}

static int64_t wallets_stopped(struct life *life)
{
	return life_number(
		life, "SELECT count(*) FROM wallets WHERE stop_reason NOT IN ('', 'test')", NULL);
}

/* Nonces are those of the head, receipts those of the block before: every payment looks as if
 * somebody else had consumed its nonce. */
static void test_receipts_lag_behind_head(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[6];
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	node.receipts_lag = 1;
	wallets_stop_but_one(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rows[i] = life_accept(life, "POL", 5000 + i);
		life_run(life, 1);
		assert_int_equal(wallets_stopped(life), 0);
	}
	node.receipts_lag = 0;
	life_run(life, 8);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	assert_int_equal(life_alarms(life, "nonce_consumed_elsewhere"), 0);
	wallets_start(life);
	life_assert_quiet(life);
	life_assert_settled(life);
}

static void test_receipts_unknown_three_times(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	struct withdrawal row = life_accept(life, "POL", 5010);
	life_process(life);
	life_sign(life);
	life_mine(life, 1);
	node.receipts_unknown = true;
	for (int i = 0; i < 3; i++) {
		life_watch(life);
		life_wait(life, 600);
		life_mine(life, 3);
	}
	assert_int_equal(wallets_stopped(life), 0);
	node.receipts_unknown = false;
	life_run(life, 7);
	life_assert_paid(life, &row);
	life_assert_quiet(life);
	life_assert_settled(life);
}

/* What was seen mined is not taken back because a node does not know today. */
static void test_receipts_unknown_once_mined(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	struct withdrawal row = life_mined(life, "TUSD", 5020);
	/* It is known already, and its block is canonical. */
	node.receipts_unknown = true;
	life_run(life, 4);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

/* The same by a monitor that has not seen what the receipts said before. */
static void test_receipts_unknown_after_a_start(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	struct withdrawal row = life_mined(life, "TUSD", 5021);
	life_chain_give(life, LIFE_MONITOR, &node.base);
	node.receipts_unknown = true;
	life_mine(life, 3);
	life_wait(life, 300);
	life_watch(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_MINED);
	node.receipts_unknown = false;
	life_run(life, 4);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

/* Machines behind one address that are not of one mind: what does not link proves nothing. */
static void unlinked_run(struct life *life, bool head_alone, bool blocks_of_fork)
{
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	life->catalogue.chains[0].depth_paid = 2000;
	struct withdrawal row = life_accept(life, "TUSD", 5022);
	life_run(life, 1);
	life_run(life, 2);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_MINED);
	node.head_alone = head_alone;
	node.blocks_of_fork = blocks_of_fork;
	for (int i = 0; i < 8; i++) {
		life_mine(life, i % 4 == 3 ? 300 : 2);
		life_watch(life);
		assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_MINED);
	}
	node.head_alone = node.blocks_of_fork = false;
	life->catalogue.chains[0].depth_paid = 2;
	life_run(life, 4);
	life_assert_paid(life, &row);
	assert_int_equal(life_alarms(life, "final_taken_back"), 0);
	life_assert_settled(life);
	life_assert_quiet(life);
}

static void test_heads_that_do_not_link(void **state)
{
	unlinked_run(*state, true, false);
}

static void test_blocks_of_another_machine(void **state)
{
	unlinked_run(*state, false, true);
}

/* A pool that is full takes what pays more: bytes that no pool has are bumped all the same. */
static void test_pool_full_for_long(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	node.send = CHAIN_SEND_BACK_PRESSURE;
	node.sends_refused = UINT64_MAX;
	struct withdrawal row = life_accept(life, "POL", 5030);
	life_run(life, 1);
	for (int i = 0; i < 8; i++) {
		life_wait(life, 11000);
		life_run(life, 1);
	}
	uint32_t attempts = life_view(life, row.intent.id).transfer.attempts;
	assert_in_range(attempts, 2, 9);
	node.sends_refused = 0;
	life_wait(life, 11000);
	life_run(life, 8);
	life_assert_paid(life, &row);
	life_assert_quiet(life);
	life_assert_settled(life);
}

/* Neither the node's own trouble nor a node to which everything reverts is the receiver's doing. */
static void test_estimate_in_trouble(void **state)
{
	struct life *life = *state;
	static const struct {
		int64_t code;
		const char *text;
		const char *waits;
	} cases[] = {
		{ -32603, "EVM error; database error: failed to get account: timed out",
		  "chain_unavailable" },
		{ -32000, "header not found", "chain_unavailable" },
		{ 3, "execution reverted", "asset_reverts" },
	};
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct withdrawal rows[2] = { life_accept(life, "POL", 5040 + i),
					      life_accept(life, "TUSD", 5050 + i) };
		node.estimate_code = cases[i].code;
		node.estimate_err = cases[i].text;
		life_run(life, 2);
		life_assert_waits(life, &rows[0], cases[i].waits);
		life_assert_waits(life, &rows[1], cases[i].waits);
		node.estimate_err = NULL;
		life_wait(life, 1500);
		life_run(life, 7);
		life_assert_paid(life, &rows[0]);
		life_assert_paid(life, &rows[1]);
	}
	life_assert_quiet(life);
	life_assert_settled(life);
}

/* The payment is mined and was paid; a liar tells the monitor that it reverted. The signer asks the
 * nodes itself, and does not pay again. */
static void lied_run(struct life *life, const char *symbol, struct chain *asked)
{
	uint64_t once = 0;
	struct life_node liar = life_node_make(life);
	liar.says_reverted = true;
	life_chain_give(life, LIFE_MONITOR, &liar.base);
	life_chain_give(life, LIFE_SIGNER, asked);
	life_sign(life);
	struct withdrawal row = life_accept(life, symbol, 5060);
	life_run(life, 12);
	life_wait(life, 20000);
	life_run(life, 12);
	struct store_view view = life_view(life, row.intent.id);
	assert_int_equal(view.withdrawal.round, 0);
	assert_int_equal(view.transfer.outcome, OUTCOME_REVERTED); /* as the store has it */
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	assert_true(u256_to_u64(life_balance(life, symbol, row.intent.to), &once));
	assert_int_equal(once, 5060);
	life_restart(life, LIFE_MONITOR);
}

static void test_one_of_two_nodes_lies(void **state)
{
	struct life *life = *state;
	struct life_node nodes[2] = { life_node_make(life), life_node_make(life) };
	for (size_t liar = 0; liar < 2; liar++) {
		nodes[liar].says_reverted = true;
		nodes[1 - liar].says_reverted = false;
		struct chain *gate = life_gate_make(life, nodes, 2);
		lied_run(life, liar == 0 ? "POL" : "TUSD", gate);
		life_restart(life, LIFE_SIGNER);
		chain_close(gate);
	}
}

/* The monitor hears two nodes as well: while they contradict each other nothing is final, and
 * somebody is told, once. */
static void monitor_hears(struct life *life, size_t liar)
{
	struct life_node nodes[2] = { life_node_make(life), life_node_make(life) };
	struct chain *gate = life_gate_make(life, nodes, 2);
	nodes[liar].says_reverted = true;
	life_chain_give(life, LIFE_MONITOR, gate);
	struct withdrawal row = life_accept(life, "TUSD", 5060);
	life_run(life, 12);
	life_wait(life, 20000);
	life_run(life, 12);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_MINED);
	assert_int_equal(life_alarms(life, "nodes_disagree"), 1);
	nodes[liar].says_reverted = false;
	life_run(life, 12);
	life_assert_paid(life, &row);
	life_assert_settled(life);
	life_restart(life, LIFE_MONITOR);
	chain_close(gate);
}

static void test_monitor_hears_first_node_lie(void **state)
{
	monitor_hears(*state, 0);
}

static void test_monitor_hears_second_node_lie(void **state)
{
	monitor_hears(*state, 1);
}

/* One node says that a receiver takes nothing, and the other that it does: nobody is refused. */
static void test_one_of_two_nodes_refuses(void **state)
{
	struct life *life = *state;
	for (size_t liar = 0; liar < 2; liar++) {
		struct life_node nodes[2] = { life_node_make(life), life_node_make(life) };
		struct chain *gate = life_gate_make(life, nodes, 2);
		life_chain_give(life, LIFE_SIGNER, gate);
		life_sign(life);
		nodes[liar].says_refuses = life_fresh_address(life);
		struct withdrawal row =
			life_accept_to(life, "POL", 5060 + liar, nodes[liar].says_refuses);
		life_run(life, 6);
		if (liar == 0)
			life_assert_waits(life, &row, "chain_unavailable");
		nodes[liar].says_refuses = (struct address){ { 0 } };
		life_wait(life, 1500);
		life_run(life, 12);
		life_assert_paid(life, &row);
		life_restart(life, LIFE_SIGNER);
		chain_close(gate);
	}
	life_assert_settled(life);
}

/* Of two nodes one is away for long: nothing is final, somebody is told, once, and it goes on by
 * itself when the node is back. */
static void test_second_node_missing(void **state)
{
	struct life *life = *state;
	struct life_node nodes[2] = { life_node_make(life), life_node_make(life) };
	struct chain *gate = life_gate_make(life, nodes, 2);
	nodes[1].away = true;
	life_chain_give(life, LIFE_MONITOR, gate);
	struct withdrawal row = life_accept(life, "TUSD", 5060);
	for (int i = 0; i < 20; i++) {
		life_run(life, 1);
		life_wait(life, 5000);
	}
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_MINED);
	assert_int_equal(life_alarms(life, "second_node_missing"), 1);
	nodes[1].away = false;
	life_run(life, 6);
	life_assert_paid(life, &row);
	life_assert_settled(life);
	life_restart(life, LIFE_MONITOR);
	chain_close(gate);
}

/* The other node is away: one word is not enough. */
static void test_one_of_two_nodes_away(void **state)
{
	struct life *life = *state;
	struct life_node nodes[2] = { life_node_make(life), life_node_make(life) };
	nodes[0].says_reverted = true;
	nodes[1].away = true;
	struct chain *gate = life_gate_make(life, nodes, 2);
	lied_run(life, "POL", gate);
	life_restart(life, LIFE_SIGNER);
	chain_close(gate);
}

/* A wallet enters at a nonce that two nodes name: at a higher one it would pay nobody for ever. */
static void test_entry_is_nobodys_word(void **state)
{
	struct life *life = *state;
	struct life_node nodes[2] = { life_node_make(life), life_node_make(life) };
	struct chain *gate = life_gate_make(life, nodes, 2);
	const char *entered = "SELECT entered FROM wallets WHERE id = 3";
	nodes[0].nonce_more = 5;
	life_sql(life, "UPDATE wallets SET entered = 0 WHERE id = 3");
	life_chain_give(life, LIFE_SIGNER, gate);
	for (int i = 0; i < 4; i++) {
		life_run(life, 1);
		life_wait(life, 20000);
	}
	assert_int_equal(life_number(life, entered, NULL), 0);
	nodes[0].nonce_more = 0;
	for (int i = 0; i < 4; i++) {
		life_run(life, 1);
		life_wait(life, 20000);
	}
	assert_int_equal(life_number(life, entered, NULL), 1);
	life_assert_quiet(life);
	life_assert_settled(life);
	life_restart(life, LIFE_SIGNER);
	chain_close(gate);
}

/* A receipt of a block that is no longer there proves nothing. */
static void test_receipt_of_lost_block(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	node.says_reverted = node.says_other_block = true;
	lied_run(life, "POL", &node.base);
	/* The node has learned better, and so has the monitor's: a person compares the two. */
	node.says_reverted = node.says_other_block = false;
	life_wait(life, 20000);
	life_run(life, 2);
	assert_true(life_alarms(life, "withdrawal_held") > 0);
	life_restart(life, LIFE_SIGNER);
}

/* The monitor has seen the revert become final; the signer's own node does not say what is final,
 * and nobody is paid again by that. */
static void test_unpaid_is_final(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	node.final_unknown = true;
	life_chain_give(life, LIFE_SIGNER, &node.base);
	life_sign(life);
	struct withdrawal row = life_accept(life, "POL", 5065);
	life_process(life);
	life_sign(life);
	life_refuse(life, row.intent.to, true);
	life_mine(life, 1);
	life_watch(life);
	life_refuse(life, row.intent.to, false);
	life_run(life, 12);
	struct store_view view = life_view(life, row.intent.id);
	assert_int_equal(view.withdrawal.round, 0);
	assert_int_equal(view.transfer.outcome, OUTCOME_REVERTED);
	life_assert_waits(life, &row, "not_proven_unpaid");
	node.final_unknown = false;
	life_wait(life, 20000);
	life_run(life, 12);
	life_assert_paid(life, &row);
	life_assert_settled(life);
	life_restart(life, LIFE_SIGNER);
}

/* A chain that is away fails no step: other chains' slots are in the same batch. */
static void test_head_away_while_signing(void **state)
{
	struct life *life = *state;
	struct err err = { 0 };
	bool worked = false;
	struct life_node node = life_node_make(life);
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 5070);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "keys_sign_many", 0);
	life_sign(life);
	life_fault_clear(life);
	life_chain_give(life, LIFE_SIGNER, &node.base);
	node.away = true;
	life_wait(life, 1000);
	for (int i = 0; i < 3; i++) {
		assert_true(signer_step(life->signer, &worked, &err));
		life_wait(life, 1000);
	}
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_RESERVED);
	node.away = false;
	life_run(life, 6);
	life_assert_paid(life, &row);
	life_assert_quiet(life);
	life_assert_settled(life);
	life_restart(life, LIFE_SIGNER);
}

/* One chain's node is away; what is mined on another is watched all the same. */
static void test_one_chain_away(void **state)
{
	struct life *life = *state;
	static struct catalogue two;
	struct life_node away = life_node_make(life);
	struct withdrawal row = life_accept(life, "POL", 5080);
	life_process(life);
	life_sign(life);
	two = life->catalogue;
	two.chains[1] = two.chains[0];
	two.chains[0].chain_id = 999;
	two.chains_len = 2;
	for (size_t i = 0; i < two.assets_len; i++)
		two.assets[i].chain = 1;
	for (size_t i = 0; i < two.wallets_len; i++)
		two.wallets[i].chain = 1;
	away.away = true;
	struct monitor_options options = { .store = life->store,
					   .queue = life->queue,
					   .clock = &life->clock.base,
					   .chains = { &away.base, life->chain },
					   .catalogue = &two,
					   .log = &life->log,
					   .instance = "monitor-two",
					   .balances_interval_ms = 100000 };
	struct monitor *monitor = monitor_new(&options);
	for (int i = 0; i < 10; i++) {
		struct err err = { 0 };
		bool worked = false;
		life_mine(life, 1);
		(void)!monitor_step(monitor, &worked, &err);
		life_wait(life, 100);
	}
	monitor_free(monitor);
	life_assert_paid(life, &row);
}

/* The chain's rules changed between estimate and send: the same payload goes out with more gas. */
static void test_gas_refused_by_node(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	for (int i = 0; i < 2; i++) {
		struct withdrawal row = life_accept(life, i == 0 ? "POL" : "TUSD", 5090);
		life_process(life);
		node.send = CHAIN_SEND_GAS_WRONG;
		node.sends_refused = 1;
		life_sign(life);
		struct store_view before = life_view(life, row.intent.id);
		node.gas_more = 30000;
		life_wait(life, 3000);
		life_run(life, 7);
		struct store_view after = life_view(life, row.intent.id);
		life_assert_paid(life, &row);
		assert_int_equal(after.transfer.attempts, 2);
		assert_int_equal(after.transfer.nonce, before.transfer.nonce);
		int64_t gas = life_number(life,
					  "SELECT max(gas_limit) FROM attempts "
					  "WHERE transfer_id = ?",
					  &after.transfer.id);
		assert_true(gas > (int64_t)before.transfer.gas_limit);
		node.gas_more = 0;
	}
	life_assert_quiet(life);
	life_assert_settled(life);
}

/* It needs more than it may ever have: the slot goes to its self-transfer, the payment goes on. */
static void test_gas_that_never_fits(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	struct withdrawal row = life_accept(life, "TUSD", 5100);
	life_process(life);
	node.send = CHAIN_SEND_GAS_WRONG;
	node.sends_refused = 1;
	life_sign(life);
	node.gas_more = 1000000;
	life_wait(life, 3000);
	life_run(life, 14);
	life_wait(life, 20000);
	life_run(life, 4);
	life_assert_waits(life, &row, "gas_above_ceiling");
	life_assert_unpaid(life, &row);
	node.gas_more = 0;
	life_wait(life, 2000);
	life_run(life, 7);
	life_assert_paid(life, &row);
	life_assert_quiet(life);
	life_assert_settled(life);
}

/* The block of a payment is gone, and the node does not say what became of it: what its receipt
 * said is not worth anything any more. */
static void test_reorg_while_receipts_are_unknown(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	struct withdrawal row = life_mined(life, "POL", 5060);
	life_reorg(life, 1);
	life_drop_pool(life);
	node.receipts_unknown = true;
	for (int i = 0; i < 5; i++) {
		life_mine(life, 1);
		life_watch(life);
		life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	}
	node.receipts_unknown = false;
	life_run(life, 2);
	life_wait(life, 3000);
	life_run(life, 8);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

/* A payment whose block is gone; the node answers with the receipt that it had there. */
static struct withdrawal mined_on_old_branch(struct life *life, struct life_node *node)
{
	struct err err = { 0 };
	struct withdrawal row = life_mined(life, "POL", 5061);
	struct hash32 tx_hash = life_view(life, row.intent.id).transfer.mined_hash;
	assert_true(chain_receipts(node->real, &tx_hash, 1, &node->old, &err));
	life_reorg(life, 1);
	life_drop_pool(life);
	return row;
}

static void head_watch(struct life *life)
{
	life_mine(life, 1);
	life_watch(life);
}

/* Nobody answers with the old receipt any more: it goes out again. */
static void old_branch_ends(struct life *life, struct life_node *node, const struct withdrawal *row)
{
	node->old.state = CHAIN_RECEIPT_ABSENT;
	head_watch(life);
	assert_int_equal(life_view(life, row->intent.id).transfer.stage, TRANSFER_BROADCAST);
	life_wait(life, 3000);
	life_run(life, 8);
	life_assert_paid(life, row);
	life_assert_settled(life);
}

/* Blocks are named by one machine, receipts by another one that has not heard of the reorg: the
 * slot is looked for again as soon as somebody has. */
static void test_reorg_while_receipts_are_old(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	struct withdrawal row = mined_on_old_branch(life, &node);
	life_watch(life);
	old_branch_ends(life, &node, &row);
}

/* A stranger's transaction paid somebody else; one of two nodes says that it paid who should have
 * been paid, and two people believe it. */
static void people_hear_a_lie(struct life *life, size_t liar)
{
	struct life_node nodes[2] = { life_node_make(life), life_node_make(life) };
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "chain_send_many", 1);
	struct withdrawal row = life_accept(life, "TUSD", 5070);
	life_process(life);
	life_sign(life);
	life_fault_clear(life);
	struct transfer slot = life_view(life, row.intent.id).transfer;
	struct hash32 other =
		life_foreign_transfer(life, slot.wallet, life_fresh_address(life), 5070);
	for (int i = 0; i < 6; i++) {
		life_wait(life, 3000);
		life_run(life, 2);
	}
	nodes[liar].says_paid = row.intent.to;
	struct chain *gate = life_gate_make(life, nodes, 2);
	life_chain_give(life, LIFE_SIGNER, gate);
	life_decide(life, &row, "ann", &other);
	life_decide(life, &row, "ben", &other);
	for (int i = 0; i < 4; i++) {
		life_wait(life, 1000);
		life_run(life, 1);
	}
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	life_assert_unpaid(life, &row);
	life_restart(life, LIFE_SIGNER);
	chain_close(gate);
}

static void test_first_node_lies_to_people(void **state)
{
	people_hear_a_lie(*state, 0);
}

static void test_second_node_lies_to_people(void **state)
{
	people_hear_a_lie(*state, 1);
}

/* What a step saw that failed is no sighting of the next one, which did not look: of three in a row
 * that call a person there is one. */
static void test_sighting_of_a_failed_step(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	struct withdrawal row = life_accept(life, "POL", 5062);
	life_process(life);
	life_sign(life);
	life_mine(life, 4);
	life_wait(life, 3000);
	node.receipts_lag = 1000;
	head_watch(life);
	node.lookups_away = true;
	head_watch(life);
	node.lookups_away = false;
	node.receipts_unknown = true;
	head_watch(life);
	node.receipts_unknown = false;
	head_watch(life);
	assert_int_equal(life_alarms(life, "nonce_consumed_elsewhere"), 0);
	assert_int_equal(wallets_stopped(life), 0);
	node.receipts_lag = 0;
	life_run(life, 4);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

/* A monitor that has just started hears from a machine of the old branch alone that the payment is
 * mined, and deep. It is not: its block is not the chain's. */
static void test_old_receipts_after_a_start(void **state)
{
	struct life *life = *state;
	struct life_node node = life_node_make(life);
	life_node_give(life, &node);
	struct withdrawal row = mined_on_old_branch(life, &node);
	life_chain_give(life, LIFE_MONITOR, &node.base);
	for (int i = 0; i < 6; i++) {
		head_watch(life);
		life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	}
	old_branch_ends(life, &node, &row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_receipts_lag_behind_head),
		LIFE_TEST(test_receipts_unknown_three_times),
		LIFE_TEST(test_receipts_unknown_once_mined),
		LIFE_TEST(test_receipts_unknown_after_a_start),
		LIFE_TEST(test_heads_that_do_not_link),
		LIFE_TEST(test_blocks_of_another_machine),
		LIFE_TEST(test_pool_full_for_long),
		LIFE_TEST(test_estimate_in_trouble),
		LIFE_TEST(test_one_of_two_nodes_lies),
		LIFE_TEST(test_first_node_lies_to_people),
		LIFE_TEST(test_second_node_lies_to_people),
		LIFE_TEST(test_monitor_hears_first_node_lie),
		LIFE_TEST(test_monitor_hears_second_node_lie),
		LIFE_TEST(test_one_of_two_nodes_refuses),
		LIFE_TEST(test_second_node_missing),
		LIFE_TEST(test_one_of_two_nodes_away),
		LIFE_TEST(test_entry_is_nobodys_word),
		LIFE_TEST(test_receipt_of_lost_block),
		LIFE_TEST(test_unpaid_is_final),
		LIFE_TEST(test_head_away_while_signing),
		LIFE_TEST(test_one_chain_away),
		LIFE_TEST(test_gas_refused_by_node),
		LIFE_TEST(test_gas_that_never_fits),
		LIFE_TEST(test_reorg_while_receipts_are_unknown),
		LIFE_TEST(test_reorg_while_receipts_are_old),
		LIFE_TEST(test_old_receipts_after_a_start),
		LIFE_TEST(test_sighting_of_a_failed_step),
	};
	return LIFE_MAIN(tests);
}
