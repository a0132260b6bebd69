/* Somebody writes the store's slots: what a nonce pays, whose it is, which bytes go out. */
#include "life_fault.h"
#include "life_world.h"

#include "core/signature.h"
#include "core/transfer.h"

static const char *blob_of(struct id id)
{
	return life_blob(id.bytes, sizeof id.bytes);
}

/* A withdrawal whose nonce is taken and whose signer stands still before `halt`. */
static struct withdrawal reserve_only(struct life *life, const char *symbol, uint64_t units,
				      const char *halt)
{
	struct withdrawal row = life_accept(life, symbol, units);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_FAIL, halt, 0);
	life_sign(life);
	life_fault_clear(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_RESERVED);
	return row;
}

/* Signed and stored, and the signer died before it sent. */
static struct withdrawal sign_only(struct life *life, const char *symbol, uint64_t units)
{
	struct withdrawal row = life_accept(life, symbol, units);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_KILL, "store_attempts_add", 1);
	life_sign(life);
	life_fault_clear(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_SIGNED);
	return row;
}

/* The slot as the thief wants it, with the payload hash that belongs to it. */
static void slot_save(struct life *life, struct transfer slot, const char *also)
{
	struct hash32 hash = transfer_payload_hash(&slot);
	uint8_t value[32];
	uint8_t amount[32];
	u256_to_bytes(slot.value.value, value);
	u256_to_bytes(slot.amount.units, amount);
	life_sql(life,
		 "UPDATE transfers SET destination = %s, receiver = %s, value = %s, amount = %s, "
		 "is_token = %d, is_cancel = %d, wallet = %s, chain_id = %llu, nonce = %llu, "
		 "payload_hash = %s WHERE id = %s; %s",
		 life_blob(slot.to.bytes, 20), life_blob(slot.receiver.bytes, 20),
		 life_blob(value, 32), life_blob(amount, 32), slot.is_token, slot.is_cancel,
		 life_blob(slot.wallet.bytes, 20), (unsigned long long)slot.chain_id,
		 (unsigned long long)slot.nonce, life_blob(hash.bytes, 32), blob_of(slot.id), also);
}

static void assert_thief_has_nothing(struct life *life, struct address thief)
{
	assert_true(u256_is_zero(life_balance(life, "POL", thief)));
	assert_true(u256_is_zero(life_balance(life, "TUSD", thief)));
}

static const char *const halts[] = { "journal_append_many", "keys_sign_many",
				     "store_attempts_add" };

enum theft {
	THEFT_RECEIVER,
	THEFT_AMOUNT,
	THEFT_TOKEN_FOR_COIN,
	THEFT_MORE_AND_FILLER, /* the slot is nobody's any more */
	THEFT_AS_CANCEL,
	THEFT_COUNT,
};

static void slot_rob(struct transfer *slot, enum theft theft, struct address thief)
{
	switch (theft) {
	case THEFT_RECEIVER:
	case THEFT_MORE_AND_FILLER:
	case THEFT_AS_CANCEL:
		slot->receiver = thief;
		if (!slot->is_token)
			slot->to = thief;
		slot->is_cancel = theft == THEFT_AS_CANCEL;
		break;
	case THEFT_AMOUNT:
		slot->amount.units = u256_from_u64(90000000);
		if (!slot->is_token)
			slot->value.value = slot->amount.units;
		break;
	case THEFT_TOKEN_FOR_COIN:
		slot->is_token = false;
		slot->to = thief;
		slot->value.value = u256_from_u64(90000000);
		break;
	case THEFT_COUNT:
		break;
	}
}

static void test_slot_edited(void **state)
{
	struct life *life = *state;
	struct address thief = life_fresh_address(life);
	life_fault_install(life);
	for (int i = 0; i < THEFT_COUNT * 2 * 3; i++) {
		enum theft theft = (enum theft)(i % THEFT_COUNT);
		const char *halt = halts[i / THEFT_COUNT % 3];
		bool token = i >= THEFT_COUNT * 3;
		struct withdrawal row =
			reserve_only(life, token ? "TUSD" : "POL", (uint64_t)(9000 + i), halt);
		struct transfer slot = life_view(life, row.intent.id).transfer;
		slot_rob(&slot, theft, thief);
		slot_save(life, slot,
			  theft == THEFT_MORE_AND_FILLER ? "DELETE FROM transfer_items" : "");
		life_run(life, 1);
		assert_thief_has_nothing(life, thief);
		life_assert_unpaid(life, &row);
		if (theft == THEFT_RECEIVER || theft == THEFT_AMOUNT ||
		    theft == THEFT_TOKEN_FOR_COIN)
			life_assert_held(life, &row, "payload_mismatch");
	}
	life_run(life, 9);
	assert_thief_has_nothing(life, thief);
	life_assert_alive(life);
}

/* The row says that it is canceled while its slot waits for the journal: then nobody is paid. */
static void test_row_ended_before_signature(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = reserve_only(life, "POL", 9400, "journal_append_many");
	life_sql(life, "UPDATE withdrawals SET stage = %d", (int)WITHDRAWAL_CANCELED);
	life_run(life, 9);
	life_assert_unpaid(life, &row);
	life_assert_stage(life, &row, WITHDRAWAL_CANCELED);
	life_assert_alive(life);
	life_assert_settled(life);
}

/* Another nonce, another wallet, another chain: the journal knows where the right was spent. */
static void moved_run(struct life *life, uint64_t nonces, size_t wallet, uint64_t chain_id)
{
	life_fault_install(life);
	struct withdrawal row = reserve_only(life, "POL", 9500, "keys_sign_many");
	struct transfer slot = life_view(life, row.intent.id).transfer;
	slot.nonce += nonces;
	slot.wallet = life->catalogue.wallets[wallet].address;
	slot.chain_id = chain_id;
	slot_save(life, slot, "");
	life_run(life, 3);
	life_assert_held(life, &row, NULL);
	life_assert_alive(life);
}

static void test_slot_moved_to_another_nonce(void **state)
{
	moved_run(*state, 7, 0, 31337);
}

static void test_slot_moved_to_another_wallet(void **state)
{
	moved_run(*state, 0, 2, 31337);
}

static void test_slot_moved_to_another_chain(void **state)
{
	moved_run(*state, 0, 0, 1);
}

/* A slot out of nowhere for a withdrawal that was paid: its row verifies, its right is spent. */
static void slot_forge(struct life *life, const struct withdrawal *row, uint32_t round)
{
	struct transfer slot = life_view(life, row->intent.id).transfer;
	struct id forged = slot.id;
	forged.bytes[15] ^= 0x55;
	slot.id = forged;
	slot.nonce = (uint64_t)life_number(
		life, "SELECT next_nonce FROM wallets WHERE id = (SELECT wallet_id FROM transfers)",
		NULL);
	life_sql(
		life,
		"INSERT INTO transfers (id, wallet_id, chain_id, wallet, nonce, stage, is_cancel, "
		"destination, value, is_token, receiver, amount, gas_limit, payload_hash, stage_at) "
		"SELECT %s, wallet_id, chain_id, wallet, %llu, 1, 0, destination, value, is_token, "
		"receiver, amount, gas_limit, payload_hash, stage_at FROM transfers WHERE id = %s; "
		"UPDATE wallets SET next_nonce = next_nonce + 1 WHERE id = "
		"(SELECT wallet_id FROM transfers); INSERT INTO transfer_items (transfer_id, "
		"position, withdrawal_id, round) VALUES (%s, 0, %s, %u); UPDATE withdrawals SET "
		"stage = 4, round = %u, transfer_id = %s, due_at = 1 WHERE id = %s",
		blob_of(forged), (unsigned long long)slot.nonce,
		blob_of(life_view(life, row->intent.id).transfer.id), blob_of(forged),
		blob_of(row->intent.id), round, round, blob_of(forged), blob_of(row->intent.id));
	slot_save(life, slot, "");
}

static void forged_run(struct life *life, uint32_t round, const char *before)
{
	struct withdrawal row = life_accept(life, "TUSD", 31000);
	life_run(life, 8);
	life_assert_paid(life, &row);
	life_sql(life, "%s;", before);
	slot_forge(life, &row, round);
	life_run(life, 12);
	assert_true(u256_equal(life_balance(life, "TUSD", row.intent.to), u256_from_u64(31000)));
	assert_true(life_view(life, row.intent.id).withdrawal.held_reason[0] != 0);
	assert_true(life_alarms(life, "withdrawal_held") > 0);
	life_assert_alive(life);
	life_assert_settled(life);
}

static void test_slot_forged_next_round(void **state)
{
	forged_run(*state, 1, "");
}

static void test_slot_forged_same_round(void **state)
{
	forged_run(*state, 0, "DELETE FROM transfer_items");
}

static void test_slot_forged_later_round(void **state)
{
	forged_run(*state, 2, "");
}

/* The forger has a transaction of the wallet at hand that did revert, and says it was this one. */
static void test_round_proved_by_another_slot(void **state)
{
	struct life *life = *state;
	struct withdrawal paid = life_accept(life, "POL", 32000);
	life_run(life, 8);
	life_assert_paid(life, &paid);
	struct withdrawal other = life_accept(life, "POL", 32001);
	life_process(life);
	life_sign(life);
	life_refuse(life, other.intent.to, true);
	life_run(life, 1);
	life_refuse(life, other.intent.to, false);
	life_run(life, 7);
	life_wait(life, 20000); /* unpaid is proved late */
	life_run(life, 9);
	life_assert_paid(life, &other); /* in its second round */
	struct id reverted;
	memcpy(reverted.bytes, life_view(life, other.intent.id).transfer.id.bytes, 16);
	life_sql(life,
		 "UPDATE transfer_items SET withdrawal_id = zeroblob(16) WHERE withdrawal_id = %s; "
		 "UPDATE transfer_items SET withdrawal_id = %s WHERE withdrawal_id = %s AND "
		 "round = 0; UPDATE withdrawals SET stage = 3, round = 1, due_at = 1 WHERE id = %s",
		 blob_of(paid.intent.id), blob_of(paid.intent.id), blob_of(other.intent.id),
		 blob_of(paid.intent.id));
	life_run(life, 12);
	assert_true(u256_equal(life_balance(life, "POL", paid.intent.to), u256_from_u64(32000)));
	assert_string_equal(life_view(life, paid.intent.id).withdrawal.held_reason,
			    "slot_rows_missing");
	life_assert_alive(life);
}

/* Each leaves bytes that are not this slot's own. Before "= the slot's id". */
static const char *const byte_edits[] = {
	"UPDATE attempts SET raw = x'02c0' WHERE transfer_id",
	"UPDATE attempts SET raw = x'' WHERE transfer_id",
	"UPDATE attempts SET tx_hash = zeroblob(32) WHERE transfer_id",
	"DELETE FROM attempts WHERE transfer_id",
	"UPDATE attempts SET raw = (SELECT raw FROM attempts LIMIT 1) WHERE transfer_id",
	"UPDATE transfers SET attempts = 2 WHERE id",
	"UPDATE transfers SET stage = 1 WHERE id",
	"UPDATE transfers SET nonce = nonce + 5 WHERE id",
};

/* Bytes are looked at before they are sent: what is not the slot's own transaction stays here, and
 * its wallet stops. */
static void bytes_run(struct life *life, size_t i, bool is_out)
{
	struct withdrawal first = life_accept(life, "POL", 33000);
	life_run(life, 8);
	life_assert_paid(life, &first);
	struct withdrawal row = sign_only(life, "POL", 33001);
	struct transfer slot = life_view(life, row.intent.id).transfer;
	if (is_out) { /* sent once, and forgotten by the node */
		life_sign(life);
		life_drop_pool(life);
		life_sql(life, "UPDATE transfers SET wish = 2, wish_attempts_seen = 1 "
			       "WHERE stage = 3");
		life_wait(life, 3000);
	}
	life_sql(life, "%s = %s", byte_edits[i], blob_of(slot.id));
	life_run(life, 4);
	life_assert_held(life, &row, NULL);
	assert_int_equal(life_alarms(life, "slot_refused"), 1);
	assert_int_equal(life_alarms(life, "wallet_stopped"), 1);
	life_assert_alive(life); /* from the other wallets */
}

#define BYTES_TEST(number, out)                               \
	static void test_bytes_##number##_##out(void **state) \
	{                                                     \
		life_fault_install(*state);                   \
		bytes_run(*state, number, out);               \
	}

BYTES_TEST(0, 0)
BYTES_TEST(1, 0)
BYTES_TEST(2, 0)
BYTES_TEST(3, 0)
BYTES_TEST(4, 0)
BYTES_TEST(5, 0)
BYTES_TEST(6, 0)
BYTES_TEST(7, 0)
BYTES_TEST(0, 1)
BYTES_TEST(1, 1)
BYTES_TEST(3, 1)
BYTES_TEST(4, 1)

/* Signed bytes of a nonce that pay the thief, under one of our keys, in the place of the stored
 * ones. */
static void bytes_of_key(struct life *life, const struct withdrawal *row,
			 const struct wallet_params *wallet, struct address thief)
{
	struct signature_context *context = signature_context_new();
	struct tx_signature signature;
	struct keys_result result;
	uint8_t raw_bytes[TX_BYTES_MAX];
	struct buf raw = buf_of(raw_bytes, sizeof raw_bytes);
	struct tx tx = { .chain_id = 31337,
			 .nonce = life_view(life, row->intent.id).transfer.nonce,
			 .gas_limit = 21000,
			 .to = thief,
			 .value = { u256_from_u64(5000000) },
			 .fees = { { u256_from_u64(2000000000) }, { u256_from_u64(9000000000) } } };
	struct keys_request request = { wallet->key_ref, tx_signing_hash(&tx) };
	keys_sign_many(life->keys, &request, 1, &result);
	assert_true(result.done);
	assert_true(signature_complete(context, request.digest, result.r, result.s, 0,
				       wallet->address, &signature));
	tx_write_signed(&tx, &signature, &raw);
	struct hash32 hash = tx_hash_of(buf_view(&raw));
	life_sql(life, "UPDATE attempts SET raw = %s, tx_hash = %s", life_blob(raw.at, raw.len),
		 life_blob(hash.bytes, 32));
	signature_context_free(context);
}

static void key_run(struct life *life, size_t other)
{
	struct address thief = life_fresh_address(life);
	life_fault_install(life);
	struct withdrawal row = sign_only(life, "POL", 34000);
	struct transfer slot = life_view(life, row.intent.id).transfer;
	size_t wallet = ((size_t)slot.wallet_id - 1 + other) % life->catalogue.wallets_len;
	bytes_of_key(life, &row, &life->catalogue.wallets[wallet], thief);
	assert_int_equal(address_equal(life->catalogue.wallets[wallet].address, slot.wallet),
			 other == 0);
	life_run(life, 3);
	assert_thief_has_nothing(life, thief);
	life_assert_held(life, &row, "attempt_mismatch");
	life_assert_alive(life);
}

/* It is not this wallet's transaction. */
static void test_bytes_of_another_wallet(void **state)
{
	key_run(*state, 1);
}

/* It is this wallet's, of this nonce, and not what the journal has of it. */
static void test_bytes_of_another_payload(void **state)
{
	key_run(*state, 0);
}

/* No MAC covers gas and fees: they are kept within the signer's own limits, and nothing breaks. */
static void test_gas_edited(void **state)
{
	struct life *life = *state;
	static const long long gas[] = { 0, -5, 1, 22000, 30000000, INT64_MAX };
	life_fault_install(life);
	for (size_t i = 0; i < COUNT_OF(gas); i++) {
		struct withdrawal row = reserve_only(life, i % 2 ? "TUSD" : "POL", 35000 + i,
						     "journal_append_many");
		life_sql(life, "UPDATE transfers SET gas_limit = %lld WHERE stage = 1", gas[i]);
		life_run(life, 1);
		struct store_view view = life_view(life, row.intent.id);
		assert_true(life_number(life, "SELECT max(gas_limit) FROM attempts", NULL) <=
			    200000);
		(void)view;
	}
}

static void test_fees_edited_before_bump(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 36000);
	life_process(life);
	life_sign(life);
	life_sql(life, "UPDATE attempts SET tip = cap, cap = zeroblob(32), gas_limit = 0; "
		       "UPDATE transfers SET wish = 2, wish_attempts_seen = 1");
	life_wait(life, 3000);
	life_sign(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.attempts, 2);
	life_run(life, 6);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

/* The store says that nothing was signed: the same payment is signed again, at the same nonce. */
static void test_slot_set_back(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 37000);
	life_process(life);
	life_sign(life);
	life_sql(life, "DELETE FROM attempts; UPDATE transfers SET stage = 1, attempts = 0");
	life_run(life, 8);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

/* The counter of a wallet is moved, or a row of it is gone: a nonce without a row would keep all
 * later ones waiting. The wallet stops, and the others go on. */
static void nonces_run(struct life *life, const char *edit, const char *reason)
{
	struct withdrawal rows[3];
	life_fault_install(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, "POL", 38000 + i);
	life_run(life, 8);
	struct withdrawal reserved = reserve_only(life, "POL", 38010, "journal_append_many");
	life_sql(life, "%s WHERE %s", edit,
		 strstr(edit, "wallets") != NULL ? "id = 1" : "stage = 1 AND wallet_id = 1");
	life_wait(life, 1000);
	life_run(life, 3);
	assert_int_equal(life_alarms(life, "wallet_stopped"), 1);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM wallets WHERE stop_reason <> ''", NULL), 1);
	struct wallet wallets[WALLETS_MAX];
	struct err err = { 0 };
	size_t n = 0;
	assert_true(store_wallets_load(life->store, wallets, WALLETS_MAX, &n, &err));
	assert_string_equal(wallets[0].stop_reason, reason);
	life_assert_unpaid(life, &reserved);
	life_assert_alive(life);
}

/* The nonce is taken, and its owner dies before anything is journaled or signed: whoever comes next
 * fills the slot. */
static void test_nonce_burnt_by_a_crash(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 9900);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_KILL, "store_transfers_reserve", 1);
	life_sign(life);
	life_fault_clear(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_RESERVED);
	struct withdrawal later = life_accept(life, "POL", 9901);
	life_run(life, 8);
	life_assert_paid(life, &row);
	life_assert_paid(life, &later);
	life_assert_settled(life);
	life_assert_quiet(life);
}

static void test_nonce_burnt(void **state)
{
	nonces_run(*state, "UPDATE wallets SET next_nonce = next_nonce + 1", "nonces_not_dense");
}

static void test_counter_expired(void **state)
{
	nonces_run(*state, "UPDATE wallets SET next_nonce = 0", "journal_is_ahead");
}

static void test_reserved_slot_deleted(void **state)
{
	nonces_run(*state, "DELETE FROM transfers", "nonces_not_dense");
}

static void test_reserved_slot_said_to_be_final(void **state)
{
	nonces_run(*state, "UPDATE transfers SET stage = 5, outcome = 3", "nonces_not_dense");
}

/* Somebody holds the withdrawal while its slot waits for the keys: the slot pays nobody. */
static void test_held_before_signature(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 9910);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "keys_sign_many", 0);
	life_sign(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_RESERVED);
	life_sql(life, "UPDATE withdrawals SET held_reason = 'dead_letter'");
	life_fault_clear(life);
	life_wait(life, 11000);
	life_sign(life);
	life_mine(life, 1);
	life_assert_unpaid(life, &row);
	assert_true(life_view(life, row.intent.id).transfer.is_cancel);
}

static void slot_move(struct life *life, const struct withdrawal *row)
{
	(void)row;
	life_sql(life, "UPDATE transfers SET attempts = attempts + 1");
}

/* The slot is another one by the time its bytes are to be stored: what is not stored is not sent.
 */
static void test_moved_before_it_is_stored(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 9920);
	life_process(life);
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = "store_attempts_add",
							.at = 1,
							.act = slot_move });
	life_sign(life);
	assert_string_equal(life_fault_hit(life), "store_attempts_add");
	assert_int_equal(life_number(life, "SELECT count(*) FROM attempts", NULL), 0);
	life_mine(life, 1);
	life_assert_unpaid(life, &row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_slot_edited),
		LIFE_TEST(test_row_ended_before_signature),
		LIFE_TEST(test_slot_moved_to_another_nonce),
		LIFE_TEST(test_slot_moved_to_another_wallet),
		LIFE_TEST(test_slot_moved_to_another_chain),
		LIFE_TEST(test_slot_forged_next_round),
		LIFE_TEST(test_slot_forged_same_round),
		LIFE_TEST(test_slot_forged_later_round),
		LIFE_TEST(test_round_proved_by_another_slot),
		LIFE_TEST(test_bytes_0_0),
		LIFE_TEST(test_bytes_1_0),
		LIFE_TEST(test_bytes_2_0),
		LIFE_TEST(test_bytes_3_0),
		LIFE_TEST(test_bytes_4_0),
		LIFE_TEST(test_bytes_5_0),
		LIFE_TEST(test_bytes_6_0),
		LIFE_TEST(test_bytes_7_0),
		LIFE_TEST(test_bytes_0_1),
		LIFE_TEST(test_bytes_1_1),
		LIFE_TEST(test_bytes_3_1),
		LIFE_TEST(test_bytes_4_1),
		LIFE_TEST(test_bytes_of_another_wallet),
		LIFE_TEST(test_bytes_of_another_payload),
		LIFE_TEST(test_gas_edited),
		LIFE_TEST(test_fees_edited_before_bump),
		LIFE_TEST(test_slot_set_back),
		LIFE_TEST(test_nonce_burnt),
		LIFE_TEST(test_nonce_burnt_by_a_crash),
		LIFE_TEST(test_counter_expired),
		LIFE_TEST(test_reserved_slot_deleted),
		LIFE_TEST(test_reserved_slot_said_to_be_final),
		LIFE_TEST(test_held_before_signature),
		LIFE_TEST(test_moved_before_it_is_stored),
	};
	return LIFE_MAIN(tests);
}
