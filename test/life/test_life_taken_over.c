/* The table of doc/security.md, "Who is taken over, and what is to be had", row by row: the test
 * has what that part's process holds (the store, and the keys of its role's file), does with it
 * what pays best, and the judge reads from the blocks what came of it. */
#include "life_fault.h"
#include "life_judge.h"
#include "life_node.h"
#include "life_world.h"

#include "adapter/trust_keys.h"

#include <stdio.h>

#define NOBODY  "{\"rules\":[{\"name\":\"nobody\",\"effect\":\"deny\"}]}"
#define HOUR_MS (INT64_C(3600) * 1000)

/* ---- what a role's file holds ---- */

struct hand {
	struct life *life;
	struct trust_keys *keys;
	uint8_t made_up[32]; /* in place of a key that it does not hold */
};

static struct hand hand_of(struct life *life, const char *role)
{
	struct hand hand = { .life = life };
	struct err err = { 0 };
	char dir[96], path[128];
	snprintf(dir, sizeof dir, "%s/trust", life->dir);
	snprintf(path, sizeof path, "%s/%s.keys", dir, role);
	assert_true(trust_keys_init(dir, 1, &life->entropy, &err));
	assert_true(trust_keys_read(path, &hand.keys, &err));
	entropy_fill(&life->entropy, hand.made_up, sizeof hand.made_up);
	return hand;
}

static void hand_close(struct hand *hand)
{
	trust_keys_free(hand->keys);
}

/* The life's own key of that name, if the file of the role has one; else one that is made up. */
static struct mac_keys hand_key(const struct hand *hand, const char *name, size_t index)
{
	struct mac_keys held;
	bool has = trust_keys_mac_keys(hand->keys, name, &held);
	return (struct mac_keys){
		.keys = { { 1, has ? hand->life->keys_bytes[index] : hand->made_up } }, .len = 1
	};
}

static struct mac_keys intent_key(const struct hand *hand)
{
	return hand_key(hand, TRUST_INTENT_MAC, 0);
}

static struct mac_keys approval_key(const struct hand *hand)
{
	return hand_key(hand, TRUST_APPROVAL_MAC, 1);
}

/* ---- what is forged ---- */

static const char *id_of(const struct withdrawal *row)
{
	return life_blob(row->intent.id.bytes, ID_BYTES);
}

/* The row says that it is approved, by the best MAC that the hand can make. */
static void approval_forge(const struct hand *hand, struct withdrawal *row)
{
	struct life *life = hand->life;
	struct mac_keys keys = approval_key(hand);
	int64_t now_ms = clock_now_ms(&life->clock.base);
	row->approval = (struct approval){ .policy_version = 1,
					   .approved_at = now_ms,
					   .expires_at = now_ms + 24 * HOUR_MS };
	row->approval_mac =
		approval_mac_make(&keys, &row->intent, &row->intent_mac, &row->approval);
	life_sql(life,
		 "UPDATE withdrawals SET stage = 3, policy_version = 1, approved_at = %lld, "
		 "expires_at = %lld, approval_key_id = 1, approval_mac = %s, due_at = 1, "
		 "failure_code = '', wait_reason = '' WHERE id = %s",
		 (long long)row->approval.approved_at, (long long)row->approval.expires_at,
		 life_blob(row->approval_mac.bytes, 32), id_of(row));
	life_sql(life,
		 "INSERT OR REPLACE INTO messages (queue, subject, correlation_id, created_at, "
		 "visible_at) VALUES (2, %s, 'forged', 1, 1)",
		 id_of(row));
}

/* Another receiver for an accepted row, with the best MAC that the hand can make. */
static void receiver_forge(const struct hand *hand, struct withdrawal *row, struct address thief)
{
	struct mac_keys keys = intent_key(hand);
	row->intent.to = thief;
	row->intent_mac = intent_mac_make(&keys, hand->life->deployment, &row->intent);
	life_sql(hand->life, "UPDATE withdrawals SET receiver = %s, intent_mac = %s WHERE id = %s",
		 life_blob(thief.bytes, 20), life_blob(row->intent_mac.bytes, 32), id_of(row));
}

static void hours_pass(struct life *life, int looks)
{
	for (int i = 0; i < looks; i++) {
		life_wait(life, 61000);
		life_run(life, 3);
	}
}

static void assert_has(struct life *life, const char *symbol, struct address who, uint64_t units)
{
	uint64_t has = 0;
	assert_true(u256_to_u64(life_balance(life, symbol, who), &has));
	assert_int_equal(has, units);
}

/* ---- queue, Redis ----
 * Redis: test_life_price (test_cache_lies_about_a_price, test_a_shared_price_is_capped). */

static void messages_replace(struct life *life, const struct withdrawal *rows, size_t n,
			     unsigned round)
{
	life_sql(life, "DELETE FROM messages; DELETE FROM message_claims");
	for (size_t i = 0; i < n; i++)
		life_sql(life,
			 "INSERT INTO messages (queue, subject, correlation_id, created_at, "
			 "visible_at, receives, claim) SELECT value, %s, 'forged', 1, 1, %u, NULL "
			 "FROM json_each('[1,2,3,11,12,13]')",
			 id_of(&rows[i]), round % 4);
	life_sql(life,
		 "INSERT INTO messages (queue, subject, correlation_id, created_at, visible_at) "
		 "SELECT value, randomblob(16), 'forged', 1, 1 FROM json_each('[1,2,3]')");
}

static void test_queue_taken_over_gets_delay(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[6];
	uint64_t since = life_judge_begin(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 1100 + i);
	for (unsigned round = 0; round < 6; round++) {
		messages_replace(life, rows, COUNT_OF(rows), round);
		life_run(life, 1);
	}
	(void)life_judge(life, "queue", since, rows, COUNT_OF(rows));
	life_sql(life, "DELETE FROM messages; DELETE FROM message_claims");
	hours_pass(life, 10);
	assert_int_equal(life_judge(life, "queue", since, rows, COUNT_OF(rows)), COUNT_OF(rows));
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
}

/* ---- api ---- */

/* Intents to whom it likes, up to the signer's limits: of a payment, and of an hour. */
static void test_api_taken_over_gets_intents_up_to_the_signers_limits(void **state)
{
	struct life *life = *state;
	struct asset *token = &life->catalogue.assets[1];
	struct address thief = life_fresh_address(life);
	struct withdrawal rows[8];
	uint64_t since = life_judge_begin(life);
	struct hand hand = hand_of(life, "api");
	token->payment_max.units = u256_from_u64(5000);
	token->hour_max.units = u256_from_u64(5000); /* of each of three wallets */
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rows[i] = life_accept(life, "TUSD", i == 0 ? 5001 : 3000 + i);
		receiver_forge(&hand, &rows[i], thief);
	}
	life_policy_set(life, LIFE_POLICY); /* it holds what policies are sealed with */
	life_run(life, 10);
	assert_int_equal(life_judge(life, "api", since, rows, COUNT_OF(rows)), 3);
	life_assert_stage(life, &rows[0], WITHDRAWAL_REJECTED);
	uint64_t has = 0;
	assert_true(u256_to_u64(life_balance(life, "TUSD", thief), &has));
	assert_in_range(has, 9003, 15000);
	hand_close(&hand);
}

/* No approval: nothing that it holds makes one, and it pays nobody whom the policy refuses, for as
 * long as the policy stands. */
static void test_api_taken_over_approves_nothing(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	uint64_t since = life_judge_begin(life);
	struct hand hand = hand_of(life, "api");
	life_policy_set(life, NOBODY);
	row = life_accept(life, "TUSD", 1200);
	approval_forge(&hand, &row);
	life_run(life, 4);
	hours_pass(life, 2);
	assert_int_equal(life_judge(life, "api", since, &row, 1), 0);
	life_assert_held(life, &row, NULL);
	hand_close(&hand);
}

/* ---- processor ---- */

/* The policy is bypassed for what clients asked for, below the same ceilings. */
static void test_processor_taken_over_gets_real_intents_past_the_policy(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2];
	uint64_t since = life_judge_begin(life);
	struct hand hand = hand_of(life, "processor");
	life_policy_set(life, NOBODY);
	rows[0] = life_accept(life, "TUSD", 1300);
	rows[1] = life_accept(life, "TUSD", 900000001); /* above the signer's limit of a payment */
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		approval_forge(&hand, &rows[i]);
	life_run(life, 8);
	assert_int_equal(life_judge(life, "processor", since, rows, COUNT_OF(rows)), 1);
	life_assert_paid(life, &rows[0]);
	life_assert_stage(life, &rows[1], WITHDRAWAL_REJECTED);
	hand_close(&hand);
}

/* No new receiver: not by an edited row, and not by one of its own. */
static void test_row_edited_by_a_processor_gets_no_new_receiver(void **state)
{
	struct life *life = *state;
	struct address thief = life_fresh_address(life);
	struct withdrawal rows[2], ordered[2];
	uint64_t since = life_judge_begin(life);
	struct hand hand = hand_of(life, "processor");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ordered[i] = rows[i] = life_accept(life, "TUSD", 1400 + i);
	receiver_forge(&hand, &rows[0], thief);
	approval_forge(&hand, &rows[0]);
	/* A second row for an intent that is there, at another key. */
	rows[1].intent.key_hash[0] ^= 1;
	life_sql(life, "UPDATE withdrawals SET key_hash = %s WHERE id = %s",
		 life_blob(rows[1].intent.key_hash, KEY_HASH_BYTES), id_of(&rows[1]));
	receiver_forge(&hand, &rows[1], thief);
	approval_forge(&hand, &rows[1]);
	life_run(life, 8);
	hours_pass(life, 2);
	assert_int_equal(life_judge(life, "processor", since, ordered, COUNT_OF(ordered)), 0);
	assert_has(life, "TUSD", thief, 0);
	life_assert_held(life, &rows[0], NULL);
	life_assert_held(life, &rows[1], NULL);
	hand_close(&hand);
}

/* ---- api and processor together: what the signer's own configuration says stands ---- */

static void asset_forge(struct life *life, struct withdrawal *row)
{
	struct hand api = hand_of(life, "api");
	struct mac_keys keys = intent_key(&api);
	row->intent_mac = intent_mac_make(&keys, life->deployment, &row->intent);
	life_sql(life,
		 "UPDATE withdrawals SET contract = %s, decimals = %u, intent_mac = %s WHERE id = "
		 "%s",
		 life_blob(row->intent.contract.bytes, 20), row->intent.decimals,
		 life_blob(row->intent_mac.bytes, 32), id_of(row));
	struct hand processor = { .life = life };
	char path[128];
	struct err err = { 0 };
	snprintf(path, sizeof path, "%s/trust/processor.keys", life->dir);
	assert_true(trust_keys_read(path, &processor.keys, &err));
	approval_forge(&processor, row);
	hand_close(&processor);
	hand_close(&api);
}

static void assert_asset_is_none(struct life *life, struct withdrawal *row)
{
	uint64_t since = life_judge_begin(life);
	struct withdrawal ordered = *row;
	asset_forge(life, row);
	life_sign(life);
	life_run(life, 4);
	assert_int_equal(life_judge(life, "asset", since, &ordered, 1), 0);
	life_assert_held(life, row, "asset_mismatch");
}

static void test_symbol_rebound_by_api_and_processor(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 1820);
	row.intent.contract = life_fresh_address(life);
	assert_asset_is_none(life, &row);
}

static void test_decimals_changed_by_api_and_processor(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 1821);
	row.intent.decimals = 18;
	assert_asset_is_none(life, &row);
}

/* The wallets call the contracts of their configuration, to transfer, and no other one: there is
 * nothing that could take an allowance. */
static void test_allowance_to_public_contract(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 1822);
	row.intent.contract = life_fresh_address(life);
	life_refuse(life, row.intent.contract, false);
	assert_asset_is_none(life, &row);
}

/* ---- monitor ---- */

/* Whatever it says of what was paid, and of what was not. */
static void test_monitor_taken_over_gets_false_statuses(void **state)
{
	static const char *const says[] = {
		"UPDATE transfers SET stage = 5, outcome = 2", /* reverted */
		"UPDATE transfers SET stage = 5, outcome = 3", /* our cancellation won */
		"UPDATE transfers SET stage = 3, outcome = 0, mined_hash = NULL, mined_block = 0",
		"UPDATE transfers SET wish = 2, wish_reason = 6, wish_attempts_seen = attempts",
	};
	struct life *life = *state;
	struct hand hand = hand_of(life, "monitor");
	for (size_t i = 0; i < COUNT_OF(says); i++) {
		struct withdrawal rows[2];
		uint64_t since = life_judge_begin(life);
		rows[0] = life_accept(life, "TUSD", 1500 + i);
		life_run(life, 8);
		life_assert_paid(life, &rows[0]);
		rows[1] = life_accept(life, "POL", 1500 + i);
		life_process(life);
		life_sign(life);
		life_sql(life, "%s", says[i]);
		life_sql(life, "UPDATE transfer_items SET outcome = 2; "
			       "UPDATE withdrawals SET stage = 4, due_at = 1 WHERE stage = 5");
		life_process(life);
		life_sign(life);
		life_wait(life, 61000);
		life_sign(life);
		life_mine(life, 3);
		(void)life_judge(life, says[i], since, rows, COUNT_OF(rows));
		life_sql(life, "UPDATE wallets SET stop_reason = ''");
	}
	hand_close(&hand);
}

/* It holds neither of the keys that a payment needs. */
static void test_monitor_taken_over_gets_no_payment(void **state)
{
	struct life *life = *state;
	struct address thief = life_fresh_address(life);
	struct withdrawal rows[2], ordered[2];
	uint64_t since = life_judge_begin(life);
	struct hand hand = hand_of(life, "monitor");
	life_policy_set(life, NOBODY);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ordered[i] = rows[i] = life_accept(life, "POL", 1600 + i);
	receiver_forge(&hand, &rows[0], thief);
	approval_forge(&hand, &rows[0]);
	approval_forge(&hand, &rows[1]);
	life_run(life, 6);
	hours_pass(life, 2);
	assert_int_equal(life_judge(life, "monitor", since, ordered, COUNT_OF(ordered)), 0);
	assert_has(life, "POL", thief, 0);
	hand_close(&hand);
}

/* ---- one RPC node ---- */

static void lie(struct life_node *node, struct life *life, size_t kind)
{
	*node = life_node_make(life);
	node->receipts_unknown = kind == 1;
	node->says_reverted = kind == 2;
	node->says_other_block = kind == 3;
	if (kind == 4)
		node->says_paid = life_fresh_address(life);
	node->nonce_more = kind == 5 ? 3 : 0;
	node->nonce_less = kind == 6 ? 2 : 0;
	node->swallows = node->pretends = kind == 7;
	node->invents = kind == 8 ? 3 : 0;
	node->blocks_of_fork = kind == 9;
	node->head_of_fork = kind == 10;
	node->final_unknown = kind == 11;
	node->gas_more = kind == 12 ? 3000 : 0;
	node->lookups_away = kind == 13;
}
#define LIES 13

/* `sluice wallet start`, by a person who has asked another node. Returns how many had stopped. */
static int64_t wallets_start(struct life *life)
{
	int64_t stopped =
		life_number(life, "SELECT count(*) FROM wallets WHERE stop_reason <> ''", NULL);
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	return stopped;
}

/* The first of two lies in each way that it can; when it stops, all are paid, once. Nonces that it
 * makes up stop the wallets, until a person starts them: that is a delay, too. */
static void test_one_rpc_node_taken_over_gets_delay(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2 * LIES];
	uint64_t since = life_judge_begin(life);
	int64_t stopped = 0;
	struct life_node nodes[2] = { life_node_make(life), life_node_make(life) };
	struct chain *gate = life_gate_make(life, nodes, 2);
	life_chain_give(life, LIFE_SIGNER, gate);
	life_chain_give(life, LIFE_MONITOR, gate);
	for (size_t kind = 1; kind <= LIES; kind++) {
		struct withdrawal *pair = &rows[2 * (kind - 1)];
		lie(&nodes[0], life, kind);
		pair[0] = life_accept(life, "POL", 1700 + kind);
		pair[1] = life_accept(life, "TUSD", 1700 + kind);
		life_run(life, 3);
		for (size_t i = 0; i < 2; i++)
			if (life_view(life, pair[i].intent.id).withdrawal.stage ==
			    WITHDRAWAL_COMPLETED)
				life_assert_paid(life, &pair[i]);
		(void)life_judge(life, "node", since, rows, 2 * kind);
		nodes[0] = life_node_make(life);
		stopped += wallets_start(life);
		life_run(life, 3);
	}
	assert_int_equal(stopped, 3); /* by the nonces that it made up */
	hours_pass(life, 12);
	assert_int_equal(life_judge(life, "node", since, rows, COUNT_OF(rows)), COUNT_OF(rows));
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	life_restart(life, LIFE_SIGNER);
	life_restart(life, LIFE_MONITOR);
	chain_close(gate);
}

/* ---- signer ---- */

/* It has the wallets: what is in them is the ceiling, and the others notice. */
static void test_signer_taken_over_gets_the_hot_wallets(void **state)
{
	struct life *life = *state;
	struct address thief = life_fresh_address(life);
	struct address wallet = life->catalogue.wallets[0].address;
	(void)life_foreign_transfer(life, wallet, thief, 4321);
	assert_has(life, "TUSD", thief, 4321);
	for (int i = 0; i < 5; i++) {
		life_wait(life, 1000);
		life_mine(life, 1);
		life_watch(life); /* whose process is another */
	}
	assert_true(life_alarms(life, "nonce_consumed_elsewhere") == 1);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM wallets WHERE stop_reason <> ''", NULL), 1);
}

/* ---- a key is replaced ---- */

static void intent_key_replace(struct life *life, const uint8_t *before)
{
	life->intent_key_id = 2;
	life->intent_key_before = before;
	entropy_fill(&life->entropy, life->keys_bytes[0], 32);
	life_restart(life, LIFE_SIGNER);
	life_sign(life);
}

/* In steps: what was accepted before it is paid, and so is what comes after it. */
static void test_key_rotated_pays_all(void **state)
{
	struct life *life = *state;
	uint8_t before[32];
	struct withdrawal rows[2];
	uint64_t since = life_judge_begin(life);
	memcpy(before, life->keys_bytes[0], sizeof before);
	rows[0] = life_accept(life, "POL", 1800);
	life_process(life);
	intent_key_replace(life, before);
	rows[1] = life_accept(life, "TUSD", 1801);
	assert_int_equal(rows[1].intent_mac.key_id, 2);
	life_run(life, 8);
	assert_int_equal(life_judge(life, "rotated", since, rows, COUNT_OF(rows)), 2);
	life_assert_paid(life, &rows[0]);
	life_assert_paid(life, &rows[1]);
	life->intent_key_before = NULL;
}

/* At once, after a leak: who has the old key gets nothing with it, dated back or not; what was in
 * flight by its journal goes on, and what was not waits for people. */
static void test_key_leaked_and_replaced_pays_no_forger(void **state)
{
	struct life *life = *state;
	struct address thief = life_fresh_address(life);
	struct withdrawal rows[4], ordered[4];
	uint64_t since = life_judge_begin(life);
	struct hand hand = hand_of(life, "api");
	rows[0] = life_accept(life, "POL", 1810);
	life_process(life);
	life_sign(life); /* it is out */
	rows[1] = life_accept(life, "POL", 1811);
	rows[2] = life_accept(life, "TUSD", 1812);
	rows[3] = life_accept(life, "TUSD", 1813);
	memcpy(ordered, rows, sizeof rows);
	rows[2].intent.created_at -= 24 * HOUR_MS;
	life_sql(life, "UPDATE withdrawals SET created_at = %lld WHERE id = %s",
		 (long long)rows[2].intent.created_at, id_of(&rows[2]));
	receiver_forge(&hand, &rows[2], thief);
	receiver_forge(&hand, &rows[3], thief);
	life_sql(life, "UPDATE withdrawals SET intent_key_id = 2 WHERE id = %s", id_of(&rows[3]));
	intent_key_replace(life, NULL);
	life_run(life, 8);
	hours_pass(life, 3);
	assert_int_equal(life_judge(life, "leaked", since, ordered, COUNT_OF(ordered)), 1);
	life_assert_paid(life, &rows[0]);
	for (size_t i = 1; i < COUNT_OF(rows); i++)
		life_assert_held(life, &rows[i], "intent_mac_invalid");
	assert_has(life, "TUSD", thief, 0);
	struct withdrawal later = life_accept(life, "TUSD", 1814);
	life_run(life, 8);
	life_assert_paid(life, &later);
	hand_close(&hand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_queue_taken_over_gets_delay),
		LIFE_TEST(test_api_taken_over_gets_intents_up_to_the_signers_limits),
		LIFE_TEST(test_api_taken_over_approves_nothing),
		LIFE_TEST(test_processor_taken_over_gets_real_intents_past_the_policy),
		LIFE_TEST(test_row_edited_by_a_processor_gets_no_new_receiver),
		LIFE_TEST(test_symbol_rebound_by_api_and_processor),
		LIFE_TEST(test_decimals_changed_by_api_and_processor),
		LIFE_TEST(test_allowance_to_public_contract),
		LIFE_TEST(test_monitor_taken_over_gets_false_statuses),
		LIFE_TEST(test_monitor_taken_over_gets_no_payment),
		LIFE_TEST(test_one_rpc_node_taken_over_gets_delay),
		LIFE_TEST(test_signer_taken_over_gets_the_hot_wallets),
		LIFE_TEST(test_key_rotated_pays_all),
		LIFE_TEST(test_key_leaked_and_replaced_pays_no_forger),
	};
	return LIFE_MAIN(tests);
}
