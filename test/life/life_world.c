#include "life_world.h"

#include "base/keccak.h"
#include "port/store_policy.h"
#include "port/store_recover.h"

#include <string.h>

struct address life_fresh_address(struct life *life)
{
	struct address address;
	entropy_fill(&life->entropy, address.bytes, sizeof address.bytes);
	return address;
}

static struct address token_address(struct life *life)
{
	return catalogue_asset(&life->catalogue, 31337, STR("TUSD"))->contract;
}

/* The node's first account made the token, and is unlocked. */
#define OWNER "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"

static struct hash32 transaction_send(struct life *life, const char *from, struct address to,
				      const char *data, const char *value)
{
	char params[1024];
	snprintf(params, sizeof params,
		 "[{\"from\":\"%s\",\"to\":\"%s\",\"data\":\"%s\",\"value\":\"%s\","
		 "\"gas\":\"0x493e0\"}]",
		 from, life_hex(to.bytes, sizeof to.bytes), data, value);
	struct hash32 hash;
	const char *result =
		strstr(life_rpc(life, "eth_sendTransaction", params), "\"result\":\"0x");
	assert_non_null(result);
	assert_true(hash32_read((struct str){ strstr(result, "0x"), 66 }, &hash));
	life_mine(life, 1);
	return hash;
}

static void token_call(struct life *life, const char *signature, const uint8_t *words,
		       size_t words_len)
{
	uint8_t data[4 + 96];
	uint8_t hash[32];
	assert_true(words_len <= sizeof data - 4);
	keccak256(signature, strlen(signature), hash);
	memcpy(data, hash, 4);
	memcpy(data + 4, words, words_len);
	transaction_send(life, OWNER, token_address(life), life_hex(data, 4 + words_len), "0x0");
}

void life_token_pause(struct life *life, bool paused)
{
	uint8_t word[32] = { [31] = paused };
	token_call(life, "setPaused(bool)", word, sizeof word);
}

void life_token_block(struct life *life, struct address account, bool blocked)
{
	uint8_t words[64] = { [63] = blocked };
	memcpy(words + 12, account.bytes, sizeof account.bytes);
	token_call(life, "setBlocked(address,bool)", words, sizeof words);
}

void life_token_behave(struct life *life, enum token_behaviour behaviour)
{
	uint8_t word[32] = { [31] = (uint8_t)behaviour };
	token_call(life, "setBehaviour(uint8)", word, sizeof word);
}

void life_token_move_nothing(struct life *life, struct address from, struct address to)
{
	uint8_t words[96] = { 0 };
	memcpy(words + 12, from.bytes, sizeof from.bytes);
	memcpy(words + 44, to.bytes, sizeof to.bytes);
	token_call(life, "transferFrom(address,address,uint256)", words, sizeof words);
}

void life_refuse(struct life *life, struct address receiver, bool refuses)
{
	char params[128];
	/* PUSH1 0 PUSH1 0 REVERT; STOP. */
	snprintf(params, sizeof params, "[\"%s\",\"%s\"]",
		 life_hex(receiver.bytes, sizeof receiver.bytes),
		 refuses ? "0x60006000fd" : "0x00");
	(void)life_rpc(life, "anvil_setCode", params);
}

void life_fund(struct life *life, struct address account, struct u256 wei)
{
	char params[160];
	uint8_t bytes[U256_BYTES];
	u256_to_bytes(wei, bytes);
	snprintf(params, sizeof params, "[\"%s\",\"%s\"]",
		 life_hex(account.bytes, sizeof account.bytes), life_hex(bytes, sizeof bytes));
	assert_non_null(strstr(life_rpc(life, "anvil_setBalance", params), "\"result\""));
}

void life_drop_pool(struct life *life)
{
	(void)life_rpc(life, "anvil_dropAllTransactions", "[]");
}

void life_reorg(struct life *life, unsigned depth)
{
	char params[32];
	snprintf(params, sizeof params, "[%u,[]]", depth);
	assert_non_null(strstr(life_rpc(life, "anvil_reorg", params), "\"result\""));
}

void life_base_fee(struct life *life, uint64_t wei)
{
	char params[40];
	snprintf(params, sizeof params, "[\"0x%llx\"]", (unsigned long long)wei);
	(void)life_rpc(life, "anvil_setNextBlockBaseFeePerGas", params);
}

void life_foreign_send(struct life *life, struct address wallet, struct address to)
{
	transaction_send(life, life_hex(wallet.bytes, sizeof wallet.bytes), to, "0x", "0x1");
}

static struct hash32 foreign_pay(struct life *life, struct address wallet, struct address to,
				 const char *data, uint64_t wei)
{
	char value[24];
	snprintf(value, sizeof value, "0x%llx", (unsigned long long)wei);
	return transaction_send(life, life_hex(wallet.bytes, sizeof wallet.bytes), to, data, value);
}

struct hash32 life_foreign_pay(struct life *life, struct address wallet, struct address to,
			       uint64_t wei)
{
	return foreign_pay(life, wallet, to, "0x", wei);
}

struct hash32 life_foreign_note(struct life *life, struct address wallet, struct address to,
				uint64_t wei)
{
	return foreign_pay(life, wallet, to, "0x01", wei);
}

struct hash32 life_foreign_transfer(struct life *life, struct address wallet, struct address to,
				    uint64_t units)
{
	char data[2 + 8 + 64 + 64 + 1];
	snprintf(data, sizeof data, "0xa9059cbb%024d%s%048d%016llx", 0,
		 life_hex(to.bytes, sizeof to.bytes) + 2, 0, (unsigned long long)units);
	return transaction_send(life, life_hex(wallet.bytes, sizeof wallet.bytes),
				token_address(life), data, "0x0");
}

void life_policy_set(struct life *life, const char *document)
{
	struct mac_keys keys = { .keys = { { 1, life->keys_bytes[6] } }, .len = 1 };
	struct store_by by = { .actor = ACTOR_PERSON,
			       .who = "life",
			       .request_id = "",
			       .now_ms = clock_now_ms(&life->clock.base) };
	struct store_policy policy = { .version = ++life->policy_version,
				       .set_at = by.now_ms,
				       .set_by = "life" };
	struct err err = { 0 };
	bool added = false;
	store_policy_seal(&keys, str_from(document), &policy);
	assert_true(store_policy_add(life->store, &policy, str_from(document), &by, &added, &err));
	assert_true(added);
}

void life_key_set(struct life *life, const char *person, bool revoked)
{
	struct store_by by = { .actor = ACTOR_PERSON,
			       .who = person,
			       .request_id = "",
			       .now_ms = clock_now_ms(&life->clock.base) };
	struct store_api_key key = { .created_by = "root",
				     .created_at = by.now_ms,
				     .scopes = PERMISSION_BIT(PERMISSION_WITHDRAWALS_RESOLVE),
				     .mac = { .key_id = 1 } };
	struct err err = { 0 };
	bool found = false;
	snprintf(key.id, sizeof key.id, "key-%s", person);
	snprintf(key.name, sizeof key.name, "%s", person);
	assert_true(store_api_key_load(life->store, key.id, &key, &found, &err));
	struct store_api_key_change change = { .before = key.mac, .key = &key, .action = "edit" };
	key.revoked_at = revoked ? by.now_ms : 0;
	assert_true(found ? store_api_key_change(life->store, &change, &by, &err) && change.applied
			  : store_api_key_add(life->store, &key, &by, &err));
}

static void decision_put(struct life *life, const struct withdrawal *row, const char *person,
			 struct id slot, enum resolve_verdict verdict, const struct hash32 *tx_hash)
{
	struct store_by by = { .actor = ACTOR_PERSON,
			       .who = person,
			       .request_id = "",
			       .now_ms = clock_now_ms(&life->clock.base) };
	struct mac_keys keys = { .keys = { { 1, life->keys_bytes[4] } }, .len = 1 };
	struct store_view view = life_view(life, row->intent.id);
	struct err err = { 0 };
	bool current = false;
	struct transfer of = { 0 };
	bool has_slot = false;
	assert_true(store_transfer_load(life->store, slot, &of, &has_slot, &err));
	struct decision decision = { .of = resolve_case_of(&view.withdrawal, has_slot ? &of : NULL),
				     .verdict = verdict,
				     .decided_at = by.now_ms };
	if (tx_hash != NULL)
		decision.tx_hash = *tx_hash;
	snprintf(decision.person, sizeof decision.person, "%s", person);
	snprintf(decision.key_id, sizeof decision.key_id, "key-%s", person);
	life_key_set(life, person, false);
	decision_seal(&keys, &decision);
	assert_true(store_decision_put(life->store, &decision, &by, &current, &err));
	assert_true(current);
}

static struct id slot_of(struct life *life, const struct withdrawal *row)
{
	struct store_view view = life_view(life, row->intent.id);
	bool has_slot = view.has_transfer && view.withdrawal.stage >= WITHDRAWAL_ASSIGNED;
	return has_slot ? view.transfer.id : (struct id){ 0 };
}

void life_decide(struct life *life, const struct withdrawal *row, const char *person,
		 const struct hash32 *paid_by)
{
	decision_put(life, row, person, slot_of(life, row),
		     paid_by != NULL ? RESOLVE_PAID_BY : RESOLVE_NOT_PAID, paid_by);
}

void life_decide_another(struct life *life, const struct withdrawal *row, const char *person,
			 struct hash32 paid_another)
{
	decision_put(life, row, person, slot_of(life, row), RESOLVE_NOT_PAID, &paid_another);
}

void life_decide_slot(struct life *life, const struct withdrawal *row, const char *person,
		      struct id slot)
{
	decision_put(life, row, person, slot, RESOLVE_NOT_PAID, NULL);
}

uint64_t life_chain_nonce(struct life *life, struct address wallet)
{
	struct err err = { 0 };
	struct chain_nonce nonce = { 0 };
	assert_true(chain_nonces(life->chain, CHAIN_BLOCK_LATEST, &wallet, 1, &nonce, &err));
	assert_true(nonce.known);
	return nonce.count;
}

bool life_cancel(struct life *life, const struct withdrawal *row)
{
	struct store_by by = { .actor = ACTOR_API,
			       .who = "life",
			       .request_id = "",
			       .now_ms = clock_now_ms(&life->clock.base) };
	struct store_view view = life_view(life, row->intent.id);
	struct withdrawal now = view.withdrawal;
	bool is_out = now.stage == WITHDRAWAL_ASSIGNED && view.transfer.stage < TRANSFER_MINED;
	struct store_incarnation last;
	struct err err = { 0 };
	assert_true(store_incarnation_load(life->store, &last, &err));
	bool by_signer = last.is_old || life->ends_by_signer || life->database[0] != 0;
	bool is_now = now.stage < WITHDRAWAL_QUEUED && !by_signer;
	struct store_change change = { .withdrawal = now.intent.id,
				       .version = now.version,
				       .from = now.stage,
				       .to = is_now ? WITHDRAWAL_CANCELED : now.stage,
				       .event = is_now ? "canceled" : "cancel_requested",
				       .failure_code = is_now ? "canceled" : NULL,
				       .wait_reason =
					       now.wait_reason[0] != 0 ? now.wait_reason : NULL,
				       .request_cancel = true };
	if (lifecycle_cancel_ends_hold(now.held_reason))
		change.held_reason = "";
	else if (now.held_reason[0] != 0)
		return false;
	if (!is_out && now.stage > WITHDRAWAL_QUEUED)
		return false;
	assert_true(store_withdrawals_change(life->store, &change, 1, &by, &err));
	return change.applied;
}

struct withdrawal life_mined(struct life *life, const char *symbol, uint64_t units)
{
	struct withdrawal row = life_accept(life, symbol, units);
	life_watch(life);
	life_process(life);
	life_sign(life);
	life_mine(life, 1);
	life_watch(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_MINED);
	return row;
}

bool life_speed_up(struct life *life, const struct withdrawal *row)
{
	struct store_by by = { .actor = ACTOR_API,
			       .who = "life",
			       .request_id = "",
			       .now_ms = clock_now_ms(&life->clock.base) };
	struct withdrawal now = life_view(life, row->intent.id).withdrawal;
	struct err err = { 0 };
	struct store_change change = { .withdrawal = now.intent.id,
				       .version = now.version,
				       .from = WITHDRAWAL_ASSIGNED,
				       .to = WITHDRAWAL_ASSIGNED,
				       .event = "speed_up_requested",
				       .request_speed_up = true };
	assert_true(store_withdrawals_change(life->store, &change, 1, &by, &err));
	return change.applied;
}

/* --- the judgement ------------------------------------------------------------------------------
 */

static void state_print(struct life *life, const struct withdrawal *row)
{
	struct store_view view = life_view(life, row->intent.id);
	const struct withdrawal *now = &view.withdrawal;
	print_message("  %s %s wait '%s' held '%s' failure '%s' round %u\n", now->intent.asset,
		      withdrawal_stage_text(now->stage), now->wait_reason, now->held_reason,
		      now->failure_code, now->round);
	if (view.has_transfer)
		print_message("  transfer nonce %llu %s %s attempts %u wish %d held '%s'\n",
			      (unsigned long long)view.transfer.nonce,
			      transfer_stage_text(view.transfer.stage),
			      transfer_outcome_text(view.transfer.outcome), view.transfer.attempts,
			      (int)view.transfer.wish, view.transfer.held_reason);
}

static bool has_units(struct life *life, const struct withdrawal *row, struct u256 units)
{
	return u256_equal(life_balance(life, row->intent.asset, row->intent.to), units);
}

void life_assert_stage(struct life *life, const struct withdrawal *row, enum withdrawal_stage stage)
{
	if (life_view(life, row->intent.id).withdrawal.stage == stage)
		return;
	state_print(life, row);
	fail_msg("is not %s", withdrawal_stage_text(stage));
}

void life_assert_paid(struct life *life, const struct withdrawal *row)
{
	life_assert_stage(life, row, WITHDRAWAL_COMPLETED);
	struct store_view view = life_view(life, row->intent.id);
	assert_int_equal(view.transfer.stage, TRANSFER_FINAL);
	assert_int_equal(view.transfer.outcome, OUTCOME_SUCCEEDED);
	assert_true(has_units(life, row, row->intent.amount.units));
}

void life_assert_unpaid(struct life *life, const struct withdrawal *row)
{
	if (has_units(life, row, u256_zero()))
		return;
	state_print(life, row);
	fail_msg("the receiver was paid");
}

void life_assert_ended(struct life *life, const struct withdrawal *row)
{
	enum withdrawal_stage stage = life_view(life, row->intent.id).withdrawal.stage;
	if (stage == WITHDRAWAL_CANCELED || stage == WITHDRAWAL_FAILED)
		life_assert_unpaid(life, row);
	else
		life_assert_paid(life, row);
}

void life_assert_quiet(struct life *life)
{
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM withdrawals WHERE held_reason <> ''", NULL),
		0);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM transfers WHERE held_reason <> ''", NULL),
		0);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM wallets WHERE stop_reason <> ''", NULL), 0);
	assert_int_equal(life_number(life, "SELECT count(*) FROM messages WHERE queue > 10", NULL),
			 0);
}

void life_assert_held(struct life *life, const struct withdrawal *row, const char *reason)
{
	struct store_view view = life_view(life, row->intent.id);
	const char *held = view.withdrawal.held_reason;
	life_assert_unpaid(life, row);
	if (held[0] == 0 || (reason != NULL && strcmp(held, reason) != 0)) {
		state_print(life, row);
		fail_msg("is not held for %s", reason == NULL ? "any reason" : reason);
	}
	assert_true(life_alarms(life, "withdrawal_held") > 0);
}

void life_assert_waits(struct life *life, const struct withdrawal *row, const char *reason)
{
	struct store_view view = life_view(life, row->intent.id);
	if (strcmp(view.withdrawal.wait_reason, reason) == 0)
		return;
	state_print(life, row);
	fail_msg("does not wait for %s", reason);
}

void life_assert_settled(struct life *life)
{
	struct wallet wallets[WALLETS_MAX];
	struct err err = { 0 };
	size_t n = 0;
	assert_true(store_wallets_load(life->store, wallets, WALLETS_MAX, &n, &err));
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers WHERE stage < 5", NULL),
			 0);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM transfers", NULL),
		life_number(life, "SELECT sum(next_nonce - first_nonce) FROM wallets", NULL));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(life_chain_nonce(life, wallets[i].address), wallets[i].next_nonce);
}

void life_assert_alive(struct life *life)
{
	struct withdrawal rows[2];
	rows[0] = life_accept(life, "POL", 777);
	rows[1] = life_accept(life, "TUSD", 778);
	life_run(life, 8);
	life_assert_paid(life, &rows[0]);
	life_assert_paid(life, &rows[1]);
}
