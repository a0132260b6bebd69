/* The continuous reconciliation: what the chain says of our wallets is what the store says, or the
 * wallet stops and a person hears of it. */
#include "core/abi.h"
#include "life_fault.h"
#include "life_node.h"
#include "life_world.h"
#include "port/store_recover.h"

static uint64_t reconciled(struct life *life)
{
	uint64_t block = 0;
	struct err err = { 0 };
	if (!store_reconciled_load(life->store, 31337, &block, &err))
		fail_msg("%s", err.text);
	return block;
}

static uint64_t height(struct life *life)
{
	struct chain_head head;
	struct err err = { 0 };
	if (!chain_head(life->chain, &head, &err))
		fail_msg("%s", err.text);
	return head.number;
}

static int64_t stopped(struct life *life)
{
	return life_number(life,
			   "SELECT count(*) FROM wallets WHERE stop_reason = "
			   "'reconciliation_differs'",
			   NULL);
}

/* Payouts of both kinds that are final, with the reconciliation behind them. */
static void pay(struct life *life)
{
	struct withdrawal rows[4];
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 7000 + i);
	life_run(life, 10);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	for (int i = 0; i < 4; i++) {
		life_wait(life, 1500);
		life_run(life, 1);
	}
}

/* An editor has been there, and the blocks are compared once more. */
static void compare_again(struct life *life)
{
	life_sql(life, "UPDATE chains SET reconciled_block = 0");
	life_restart(life, LIFE_MONITOR);
	for (int i = 0; i < 8; i++) {
		life_wait(life, 1500);
		life_run(life, 1);
	}
}

static void test_what_agrees_stops_nobody(void **state)
{
	struct life *life = *state;
	pay(life);
	uint64_t last = (uint64_t)life_number(life, "SELECT max(mined_block) FROM transfers", NULL);
	assert_true(reconciled(life) >= last);
	compare_again(life);
	assert_int_equal(stopped(life), 0);
	assert_int_equal(life_alarms(life, "reconciliation_differs"), 0);
	assert_true(reconciled(life) >= last);
}

static void differs(struct life *life, const char *edit)
{
	pay(life);
	life_sql(life, "%s", edit);
	compare_again(life);
	assert_int_equal(stopped(life), 1);
	assert_true(life_alarms(life, "reconciliation_differs") >= 1);
	/* Told once: what differed is behind it. */
	size_t told = life_alarms(life, "reconciliation_differs");
	for (int i = 0; i < 4; i++) {
		life_wait(life, 1500);
		life_run(life, 1);
	}
	assert_int_equal(life_alarms(life, "reconciliation_differs"), told);
}

static void test_token_amount_differs(void **state)
{
	differs(*state, "UPDATE transfers SET amount = zeroblob(31) || x'07' WHERE id = "
			"(SELECT id FROM transfers WHERE is_token = 1 LIMIT 1)");
}

static void test_native_amount_differs(void **state)
{
	differs(*state, "UPDATE transfers SET amount = zeroblob(31) || x'07' WHERE id = "
			"(SELECT id FROM transfers WHERE is_token = 0 LIMIT 1)");
}

static void test_payout_is_said_to_be_unpaid(void **state)
{
	differs(*state, "UPDATE transfers SET outcome = 3 WHERE id = "
			"(SELECT id FROM transfers WHERE is_token = 1 LIMIT 1)");
}

static void test_slot_is_said_to_have_paid(void **state)
{
	differs(*state, "UPDATE transfers SET mined_hash = randomblob(32) WHERE id = "
			"(SELECT id FROM transfers WHERE is_token = 1 LIMIT 1)");
}

static void only(struct life *life, int wallet)
{
	life_sql(life, "UPDATE wallets SET stop_reason = CASE id WHEN %d THEN '' ELSE 'test' END",
		 wallet);
}

/* Who can make one wallet differ very often hides nothing that another one did. */
static void test_many_of_one_hide_none_of_another(void **state)
{
	struct life *life = *state;
	only(life, 1);
	for (int i = 0; i < 70; i++)
		(void)life_accept(life, "TUSD", 7000);
	life_run(life, 20);
	only(life, 2);
	(void)life_accept(life, "TUSD", 7000);
	life_run(life, 10);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM withdrawals WHERE stage = 5", NULL), 71);
	life_sql(life, "UPDATE wallets SET stop_reason = ''; "
		       "UPDATE transfers SET amount = zeroblob(31) || x'07'");
	compare_again(life);
	assert_int_equal(stopped(life), 2);
}

/* A wallet that was used before enters at the head; the blocks that are compared first are older,
 * and know fewer of its transactions than its first nonce says. */
static void test_blocks_before_an_entry(void **state)
{
	struct life *life = *state;
	struct address used = life->catalogue.wallets[2].address;
	life->catalogue.chains[0].depth_paid = 20;
	life_run(life, 1); /* from here on blocks are compared */
	life_mine(life, 15);
	for (int i = 0; i < 5; i++)
		life_foreign_send(life, used, life_fresh_address(life));
	life_mine(life, 2);
	life->catalogue.chains[0].depth_paid = 2; /* which is deep enough for the entry */
	life_sql(life, "UPDATE wallets SET entered = 0 WHERE id = 3");
	life_restart(life, LIFE_SIGNER);
	life_sign(life);
	life_wait(life, 1000);
	life_sign(life);
	life->catalogue.chains[0].depth_paid = 20;
	assert_int_equal(life_number(life, "SELECT first_nonce FROM wallets WHERE id = 3", NULL),
			 5);
	for (int i = 0; i < 30; i++) {
		life_wait(life, 1500);
		life_run(life, 1);
		assert_int_equal(life_alarms(life, "reconciliation_differs"), 0);
	}
	assert_int_equal(stopped(life), 0);
	life->catalogue.chains[0].depth_paid = 2;
	life_assert_alive(life);
}

/* What was sent before the entry may be taken back: a wallet that had entered above it would wait
 * for that nonce for ever. */
static void test_entry_above_what_is_not_deep(void **state)
{
	struct life *life = *state;
	struct address used = life->catalogue.wallets[2].address;
	life_mine(life, 8);
	life_foreign_send(life, used, life_fresh_address(life));
	life_sql(life, "UPDATE wallets SET entered = 0 WHERE id = 3");
	life_restart(life, LIFE_SIGNER);
	for (int i = 0; i < 3; i++) {
		life_wait(life, 1000);
		life_sign(life);
	}
	life_reorg(life, 1);
	life_drop_pool(life);
	for (int i = 0; i < 3; i++) {
		life_mine(life, 2);
		life_wait(life, 1000);
		life_sign(life);
	}
	assert_int_equal(life_number(life, "SELECT entered FROM wallets WHERE id = 3", NULL), 1);
	assert_int_equal(life_number(life, "SELECT first_nonce FROM wallets WHERE id = 3", NULL),
			 0);
	life_assert_alive(life);
}

/* Address poisoning: a stranger has the token say that the wallet sent nothing to somebody. */
static void test_nothing_that_strangers_move(void **state)
{
	struct life *life = *state;
	pay(life);
	life_token_move_nothing(life, life->catalogue.wallets[0].address, life_fresh_address(life));
	uint64_t block = height(life);
	life_mine(life, 64); /* the cursor is written now and then */
	for (int i = 0; i < 12; i++) {
		life_wait(life, 1500);
		life_run(life, 1);
	}
	assert_true(reconciled(life) >= block);
	assert_int_equal(stopped(life), 0);
	assert_int_equal(life_alarms(life, "reconciliation_differs"), 0);
	life_assert_alive(life);
}

/* A contract that says, `times` over, that each of the first n wallets sent a unit to itself;
 * called once, by anybody. The block of that. */
static uint64_t contract_logs(struct life *life, struct address contract, size_t n, unsigned times)
{
	char code[900], params[1200];
	struct hash32 topic = abi_transfer_topic();
	/* MSTORE(0, 1); a counter; JUMPDEST */
	int len = snprintf(code, sizeof code, "0x600160005261%04x5b", times);
	for (size_t i = 0; i < n; i++) {
		const char *wallet = life_hex(life->catalogue.wallets[i].address.bytes, 20) + 2;
		/* PUSH20 to, PUSH20 from, PUSH32 topic, PUSH1 32, PUSH1 0, LOG3 */
		len += snprintf(code + len, sizeof code - (size_t)len, "73%s73%s7f%s60206000a3",
				wallet, wallet, life_hex(topic.bytes, 32) + 2);
	}
	/* PUSH1 1, SWAP1, SUB, DUP1, PUSH1 8, JUMPI */
	snprintf(code + len, sizeof code - (size_t)len, "600190038060085700");
	snprintf(params, sizeof params, "[\"%s\",\"%s\"]", life_hex(contract.bytes, 20), code);
	(void)life_rpc(life, "anvil_setCode", params);
	snprintf(params, sizeof params,
		 "[{\"from\":\"0xa0Ee7A142d267C1f36714E4a8F75612F20a79720\",\"to\":\"%s\","
		 "\"gas\":\"0x5b8d80\"}]",
		 life_hex(contract.bytes, 20));
	assert_non_null(strstr(life_rpc(life, "eth_sendTransaction", params), "\"result\""));
	life_mine(life, 1);
	uint64_t block = height(life);
	life_mine(life, 64);
	return block;
}

static void compare_for(struct life *life, int rounds, int64_t wait_ms)
{
	for (int i = 0; i < rounds; i++) {
		life_wait(life, wait_ms);
		life_run(life, 1);
	}
}

/* Nobody asks for them: they neither fill a window nor stop it. */
static void test_logs_of_a_strangers_contract(void **state)
{
	struct life *life = *state;
	pay(life);
	uint64_t block = contract_logs(life, life_fresh_address(life), 1, 1100);
	compare_for(life, 20, 1500);
	assert_true(reconciled(life) >= block);
	assert_int_equal(stopped(life), 0);
	assert_int_equal(life_alarms(life, "reconciliation_stands_still"), 0);
}

static struct asset *token_configure(struct life *life)
{
	struct asset *asset = &life->catalogue.assets[life->catalogue.assets_len];
	*asset = *catalogue_asset(&life->catalogue, 31337, STR("TUSD"));
	asset->contract = life_fresh_address(life);
	life->catalogue.assets_len++;
	return asset;
}

/* More than fits an answer, of one block: each wallet is asked for by itself. */
static void test_block_that_is_full_of_logs(void **state)
{
	struct life *life = *state;
	pay(life);
	uint64_t block = contract_logs(life, token_configure(life)->contract, 2, 600);
	compare_for(life, 30, 1500);
	assert_true(reconciled(life) >= block);
	assert_true(stopped(life) > 0);
	assert_int_equal(life_alarms(life, "reconciliation_stands_still"), 0);
	life->catalogue.assets_len--;
}

/* More than fits an answer, of one wallet: somebody is told that nothing behind it is compared. */
static void test_reconciliation_that_stands_still(void **state)
{
	struct life *life = *state;
	pay(life);
	uint64_t block = contract_logs(life, token_configure(life)->contract, 1, 1100);
	compare_for(life, 20, 61000);
	assert_true(reconciled(life) < block);
	assert_int_equal(life_alarms(life, "reconciliation_stands_still"), 1);
	life->catalogue.assets_len--;
}

/* A token that is configured no more: what was paid in it is compared all the same. */
static void test_token_that_is_configured_no_more(void **state)
{
	struct life *life = *state;
	pay(life);
	struct asset *token = &life->catalogue.assets[life->catalogue.assets_len - 1];
	assert_string_equal(token->symbol, "TUSD");
	life->catalogue.assets_len--;
	compare_again(life);
	assert_int_equal(stopped(life), 0);
	life_sql(life, "UPDATE transfers SET amount = zeroblob(31) || x'07' WHERE id = "
		       "(SELECT id FROM transfers WHERE is_token = 1 LIMIT 1)");
	compare_again(life);
	assert_int_equal(stopped(life), 1);
	life->catalogue.assets_len++;
}

static void watch_steal(struct life *life, const struct withdrawal *row)
{
	(void)row;
	life_sql(life, "UPDATE leases SET epoch = epoch + 1, holder = 'thief' "
		       "WHERE name LIKE 'monitor-%%'");
}

/* Somebody else watches the chain since the middle of a step: that one compares no further, and
 * tells nobody of what it saw twice before. */
static void test_fenced_in_the_middle_of_a_step(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	pay(life);
	struct withdrawal row = life_accept(life, "POL", 7010);
	life->catalogue.chains[0].depth_paid = 3;
	life_run(life, 1);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_MINED);
	life_sql(life, "UPDATE transfers SET amount = zeroblob(31) || x'07' WHERE stage = 5; "
		       "UPDATE chains SET reconciled_block = 0");
	life_restart(life, LIFE_MONITOR);
	for (int i = 0; i < 2; i++) {
		life_mine(life, 1);
		life_wait(life, 1500);
		life_watch(life);
	}
	assert_int_equal(stopped(life), 0);
	life_mine(life, 1);
	life_wait(life, 1500);
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = "store_transfers_observe",
							.at = 1,
							.act = watch_steal });
	life_watch(life);
	assert_string_equal(life_fault_hit(life), "store_transfers_observe");
	life_fault_clear(life);
	assert_int_equal(stopped(life), 0);
	assert_int_equal(life_alarms(life, "reconciliation_differs"), 0);
	compare_again(life);
	assert_true(stopped(life) > 0);
	life_assert_paid(life, &row);
}

/* ---- a node that names blocks that nobody else has ---- */

static void heads_come(struct life *life, int heads, int64_t each_ms)
{
	for (int i = 0; i < heads; i++) {
		life_wait(life, each_ms);
		life_mine(life, 1);
		life_watch(life);
	}
}

/* It is asked first, and all that it says of them fits: the other one has none of them. */
static void test_blocks_that_one_node_has_alone(void **state)
{
	struct life *life = *state;
	struct life_node nodes[2] = { life_node_make(life), life_node_make(life) };
	struct chain *gate = life_gate_make(life, nodes, 2);
	pay(life);
	uint64_t before = reconciled(life);
	nodes[0].invents = 5000;
	life_chain_give(life, LIFE_MONITOR, gate);
	heads_come(life, 100, 1500);
	assert_true(reconciled(life) > before && reconciled(life) <= height(life));
	assert_int_equal(life_alarms(life, "reconciliation_stands_still"), 0);
	/* The other one says nothing either. */
	nodes[1].away = true;
	before = reconciled(life);
	heads_come(life, 240, 1500);
	assert_int_equal(reconciled(life), before);
	assert_int_equal(life_alarms(life, "reconciliation_stands_still"), 1);
	nodes[0].invents = 0;
	nodes[1].away = false;
	life_restart(life, LIFE_MONITOR);
	heads_come(life, 100, 1500);
	assert_true(reconciled(life) > before && reconciled(life) <= height(life));
	assert_int_equal(stopped(life), 0);
	life_restart(life, LIFE_MONITOR);
	chain_close(gate);
}

/* A cursor that is above the chain, whoever put it there, compares nothing: somebody is told. */
static void test_cursor_above_the_chain(void **state)
{
	struct life *life = *state;
	pay(life);
	life_sql(life, "UPDATE chains SET reconciled_block = reconciled_block + 5000");
	life_restart(life, LIFE_MONITOR);
	heads_come(life, 100, 1500);
	assert_int_equal(life_alarms(life, "reconciliation_stands_still"), 0);
	heads_come(life, 200, 1500);
	assert_int_equal(life_alarms(life, "reconciliation_stands_still"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_what_agrees_stops_nobody),
		LIFE_TEST(test_token_amount_differs),
		LIFE_TEST(test_native_amount_differs),
		LIFE_TEST(test_payout_is_said_to_be_unpaid),
		LIFE_TEST(test_slot_is_said_to_have_paid),
		LIFE_TEST(test_many_of_one_hide_none_of_another),
		LIFE_TEST(test_blocks_before_an_entry),
		LIFE_TEST(test_entry_above_what_is_not_deep),
		LIFE_TEST(test_nothing_that_strangers_move),
		LIFE_TEST(test_logs_of_a_strangers_contract),
		LIFE_TEST(test_block_that_is_full_of_logs),
		LIFE_TEST(test_reconciliation_that_stands_still),
		LIFE_TEST(test_token_that_is_configured_no_more),
		LIFE_TEST(test_fenced_in_the_middle_of_a_step),
		LIFE_TEST(test_blocks_that_one_node_has_alone),
		LIFE_TEST(test_cursor_above_the_chain),
	};
	return LIFE_MAIN(tests);
}
