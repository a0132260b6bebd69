/* What every chain does. See chain_suite.h. */
#include "chain_suite.h"

#include "core/signature.h"

#include <secp256k1.h>
#include <stdio.h>
#include <string.h>

#define GWEI 1000000000u

static struct {
	struct chain *chain;
	struct address token, refusing, burning;
	secp256k1_context *secp;
	struct signature_context *signatures;
	unsigned wallets;
} fixture;

/* ---- help ---- */

struct wallet wallet_number(unsigned number)
{
	struct wallet wallet = { .key = { 0x53, 0x6c } };
	wallet.key[30] = (uint8_t)(number >> 8);
	wallet.key[31] = (uint8_t)number;
	secp256k1_context *secp = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
	secp256k1_pubkey point;
	uint8_t bytes[65];
	size_t len = sizeof bytes;
	assert_int_equal(secp256k1_ec_pubkey_create(secp, &point, wallet.key), 1);
	secp256k1_ec_pubkey_serialize(secp, bytes, &len, &point, SECP256K1_EC_UNCOMPRESSED);
	wallet.address = address_of_public_key(bytes + 1);
	secp256k1_context_destroy(secp);
	return wallet;
}

static struct wallet make_poor_wallet(void)
{
	return wallet_number(++fixture.wallets);
}

struct wallet make_wallet(void)
{
	struct wallet wallet = make_poor_wallet();
	place_coin(wallet.address);
	return wallet;
}

static struct chain_head head_now(void)
{
	struct chain_head head;
	struct err err;
	if (!chain_head(fixture.chain, &head, &err))
		fail_msg("%s", err.text);
	return head;
}

static uint64_t height(void)
{
	return head_now().number;
}

struct tx make_tx(uint64_t nonce, struct address to, uint64_t value)
{
	return (struct tx){
		.chain_id = PLACE_CHAIN_ID,
		.nonce = nonce,
		.fees = { .tip = { u256_from_u64(2 * (uint64_t)GWEI) },
			  .cap = { u256_from_u64(10 * (uint64_t)GWEI) } },
		.gas_limit = 21000,
		.to = to,
		.value = { u256_from_u64(value) },
	};
}

void sign(const struct wallet *wallet, const struct tx *tx, struct raw *ret_raw)
{
	struct hash32 digest = tx_signing_hash(tx);
	secp256k1_ecdsa_signature plain;
	uint8_t compact[64];
	struct tx_signature signature;
	assert_int_equal(
		secp256k1_ecdsa_sign(fixture.secp, &plain, digest.bytes, wallet->key, NULL, NULL),
		1);
	secp256k1_ecdsa_signature_serialize_compact(fixture.secp, compact, &plain);
	assert_true(signature_complete(fixture.signatures, digest, compact, compact + 32, 0,
				       wallet->address, &signature));
	struct buf out = buf_of(ret_raw->bytes, sizeof ret_raw->bytes);
	tx_write_signed(tx, &signature, &out);
	assert_false(out.overflow);
	ret_raw->text = buf_view(&out);
	ret_raw->hash = tx_hash_of(ret_raw->text);
}

enum chain_send_state send_raw(struct str text)
{
	struct chain_send sent;
	chain_send_many(fixture.chain, &text, 1, &sent);
	if (sent.state == CHAIN_SEND_UNKNOWN)
		print_message("unknown: %s\n", sent.text);
	return sent.state;
}

static enum chain_send_state send_tx(const struct wallet *wallet, const struct tx *tx)
{
	struct raw raw;
	sign(wallet, tx, &raw);
	return send_raw(raw.text);
}

static enum chain_lookup look_up(struct hash32 hash)
{
	enum chain_lookup lookup;
	struct err err;
	assert_true(chain_lookups(fixture.chain, &hash, 1, &lookup, &err));
	return lookup;
}

struct chain_receipt receipt_of(struct hash32 hash)
{
	struct chain_receipt receipt;
	struct err err;
	assert_true(chain_receipts(fixture.chain, &hash, 1, &receipt, &err));
	return receipt;
}

static void write_token_transfer(struct tx *tx, struct address to, uint64_t units)
{
	abi_write_transfer(to, (struct amount){ u256_from_u64(units) }, tx->data);
	tx->data_len = ABI_TRANSFER_BYTES;
	tx->to = fixture.token;
	tx->value = (struct wei){ u256_zero() };
	tx->gas_limit = 200000;
}

static int begin(void **state)
{
	(void)state;
	fixture.secp = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
	fixture.signatures = signature_context_new();
	place_open(&fixture.chain, &fixture.wallets);
	fixture.token = place_token();
	fixture.refusing = place_refusing();
	fixture.burning = place_burning();
	return 0;
}

static int end(void **state)
{
	(void)state;
	place_close();
	secp256k1_context_destroy(fixture.secp);
	signature_context_free(fixture.signatures);
	return 0;
}

/* ---- where the chain stands ---- */

static void test_identity_and_head(void **state)
{
	(void)state;
	struct err err;
	uint64_t id;
	struct chain_head head, later;
	assert_true(chain_identity(fixture.chain, &id, &err));
	assert_int_equal(id, PLACE_CHAIN_ID);
	place_mine(4);
	assert_true(chain_head(fixture.chain, &head, &err));
	assert_true(head.number >= 4);
	assert_true(head.time_ms > 1600000000000);
	assert_int_equal(head.gas_limit, 300000000);
	assert_false(u256_is_zero(head.base_fee.value));
	assert_false(u256_is_zero(head.tip.value));
	assert_true(head.has_finalized);
	assert_int_equal(head.finalized_number, head.number - 2); /* two epochs of one slot */
	place_mine(2);
	assert_true(chain_head(fixture.chain, &later, &err));
	assert_int_equal(later.finalized_number, head.number);
	assert_true(hash32_equal(later.finalized_hash, head.hash));
}

static void test_blocks(void **state)
{
	(void)state;
	struct err err;
	struct chain_head head;
	place_mine(30);
	assert_true(chain_head(fixture.chain, &head, &err));
	uint64_t numbers[30];
	struct chain_block blocks[30];
	for (size_t i = 0; i < 30; i++)
		numbers[i] = head.number + 2 - i;
	assert_true(chain_blocks(fixture.chain, numbers, 30, blocks, &err));
	for (size_t i = 0; i < 30; i++)
		assert_int_equal(blocks[i].known, i >= 2); /* two are not mined yet */
	assert_true(hash32_equal(blocks[2].hash, head.hash));
	assert_true(hash32_equal(blocks[4].hash, head.finalized_hash));

	place_reorg(3);
	struct chain_block after[30];
	assert_true(chain_blocks(fixture.chain, numbers, 30, after, &err));
	assert_false(hash32_equal(after[2].hash, blocks[2].hash));
	assert_true(hash32_equal(after[10].hash, blocks[10].hash));
}

static void test_balances_and_nonces(void **state)
{
	(void)state;
	struct err err;
	struct wallet wallet = make_wallet(), empty = make_wallet();
	place_mine(1);
	uint64_t before = height();
	place_mint(wallet.address, 777);
	struct tx tx = make_tx(0, empty.address, 5);
	assert_int_equal(send_tx(&wallet, &tx), CHAIN_SEND_ACCEPTED);
	place_mine(1);
	tx.nonce = 1;
	assert_int_equal(send_tx(&wallet, &tx), CHAIN_SEND_ACCEPTED); /* stays in the pool */

	const struct chain_balance_query queries[] = {
		{ .owner = wallet.address },
		{ .owner = wallet.address, .is_token = true, .token = fixture.token },
		{ .owner = empty.address, .is_token = true, .token = fixture.token },
		{ .owner = wallet.address, .is_token = true, .token = empty.address }, /* no code */
	};
	struct chain_balance balances[4];
	assert_true(chain_balances(fixture.chain, height(), queries, 4, balances, &err));
	assert_true(balances[0].known && balances[1].known && balances[2].known);
	assert_false(balances[3].known);
	assert_true(u256_equal(balances[1].units, u256_from_u64(777)));
	assert_true(u256_is_zero(balances[2].units));
	struct u256 coin;
	assert_true(u256_from_hex(STR(PLACE_COIN), &coin));
	assert_true(u256_compare(balances[0].units, coin) < 0);
	assert_true(chain_balances(fixture.chain, before, queries, 2, balances, &err));
	assert_true(u256_equal(balances[0].units, coin));
	assert_true(u256_is_zero(balances[1].units));
	assert_true(chain_balances(fixture.chain, CHAIN_BLOCK_LATEST, queries, 2, balances, &err));
	assert_true(balances[0].known && balances[1].known);
	assert_true(chain_balances(fixture.chain, height() + 1000, queries, 2, balances, &err));
	assert_false(balances[0].known || balances[1].known);

	const struct address wallets[] = { wallet.address, empty.address };
	struct chain_nonce nonces[2];
	assert_true(chain_nonces(fixture.chain, before, wallets, 2, nonces, &err));
	assert_true(nonces[0].known && nonces[0].count == 0);
	assert_true(chain_nonces(fixture.chain, CHAIN_BLOCK_LATEST, wallets, 2, nonces, &err));
	assert_true(nonces[0].known && nonces[0].count == 1);
	assert_true(chain_nonces(fixture.chain, CHAIN_BLOCK_PENDING, wallets, 2, nonces, &err));
	assert_true(nonces[0].known && nonces[0].count == 2);
	assert_true(nonces[1].known && nonces[1].count == 0);
	assert_true(chain_nonces(fixture.chain, height() + 1000, wallets, 2, nonces, &err));
	assert_false(nonces[0].known);

	const struct address places[] = { fixture.token, empty.address, wallet.address };
	enum chain_code codes[3];
	assert_true(chain_codes(fixture.chain, places, 3, codes, &err));
	assert_int_equal(codes[0], CHAIN_CODE_CONTRACT);
	assert_int_equal(codes[1], CHAIN_CODE_NONE);
	assert_int_equal(codes[2], CHAIN_CODE_NONE);

	unsigned decimals = 0;
	assert_true(chain_decimals(fixture.chain, fixture.token, &decimals, &err));
	assert_int_equal(decimals, 6);
	assert_false(chain_decimals(fixture.chain, empty.address, &decimals, &err));
	assert_false(chain_decimals(fixture.chain, fixture.refusing, &decimals, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_true(strlen(err.text) > 0);
}

/* ---- estimates ---- */

static void test_estimates(void **state)
{
	(void)state;
	struct err err;
	struct wallet wallet = make_wallet(), poor = make_poor_wallet();
	place_mint(wallet.address, 100);
	uint8_t enough[ABI_TRANSFER_BYTES], too_much[ABI_TRANSFER_BYTES];
	abi_write_transfer(poor.address, (struct amount){ u256_from_u64(100) }, enough);
	abi_write_transfer(poor.address, (struct amount){ u256_from_u64(101) }, too_much);
	const struct wei one = { u256_from_u64(1) };
	const struct chain_call calls[] = {
		{ .from = wallet.address, .to = poor.address, .value = one },
		{ .from = wallet.address, .to = fixture.token, .data = enough, .data_len = 68 },
		{ .from = wallet.address, .to = fixture.token, .data = too_much, .data_len = 68 },
		{ .from = wallet.address, .to = fixture.refusing, .value = one },
		{ .from = wallet.address, .to = fixture.burning, .value = one },
		{ .from = poor.address, .to = fixture.refusing, .value = one },
	};
	struct chain_estimate estimates[6];
	assert_true(chain_estimate_many(fixture.chain, calls, 6, estimates, &err));
	assert_int_equal(estimates[0].state, CHAIN_ESTIMATE_OK);
	assert_int_equal(estimates[0].gas, 21000);
	assert_int_equal(estimates[1].state, CHAIN_ESTIMATE_OK);
	assert_true(estimates[1].gas > 30000 && estimates[1].gas < 100000);
	assert_int_equal(estimates[2].state, CHAIN_ESTIMATE_REVERTED);
	assert_non_null(strstr(estimates[2].text, "balance"));
	assert_int_equal(estimates[3].state, CHAIN_ESTIMATE_REVERTED);
	assert_int_equal(estimates[4].state, CHAIN_ESTIMATE_REVERTED);
	assert_int_equal(estimates[5].state, CHAIN_ESTIMATE_FUNDS);
}

/* ---- sending ---- */

static void test_send_life(void **state)
{
	(void)state;
	struct wallet wallet = make_wallet(), receiver = make_wallet();
	struct tx tx = make_tx(0, receiver.address, 1);
	struct raw first, bumped;
	sign(&wallet, &tx, &first);
	assert_int_equal(look_up(first.hash), CHAIN_LOOKUP_ABSENT);
	assert_int_equal(send_raw(first.text), CHAIN_SEND_ACCEPTED);
	assert_int_equal(look_up(first.hash), CHAIN_LOOKUP_PENDING);
	assert_int_equal(receipt_of(first.hash).state, CHAIN_RECEIPT_ABSENT);
	assert_int_equal(send_raw(first.text), CHAIN_SEND_KNOWN);

	tx.value = (struct wei){ u256_from_u64(2) };
	assert_int_equal(send_tx(&wallet, &tx), CHAIN_SEND_UNDERPRICED);
	tx.value = (struct wei){ u256_from_u64(1) };
	assert_true(fee_bump(tx.fees.tip, &tx.fees.tip) && fee_bump(tx.fees.cap, &tx.fees.cap));
	sign(&wallet, &tx, &bumped);
	assert_int_equal(send_raw(bumped.text), CHAIN_SEND_ACCEPTED);

	place_mine(1);
	assert_int_equal(look_up(bumped.hash), CHAIN_LOOKUP_MINED);
	assert_int_equal(look_up(first.hash), CHAIN_LOOKUP_ABSENT);
	struct chain_receipt receipt = receipt_of(bumped.hash);
	assert_int_equal(receipt.state, CHAIN_RECEIPT_FOUND);
	assert_true(receipt.success);
	assert_int_equal(receipt.block_number, height());
	assert_int_equal(receipt.gas_used, 21000);
	assert_int_equal(receipt.logs_len, 0);
	assert_true(address_equal(receipt.from, wallet.address));
	assert_true(address_equal(receipt.to, receiver.address));
	assert_int_equal(receipt_of(first.hash).state, CHAIN_RECEIPT_ABSENT);

	assert_int_equal(send_raw(first.text), CHAIN_SEND_NONCE_TOO_LOW);
	assert_int_equal(send_raw(bumped.text), CHAIN_SEND_NONCE_TOO_LOW);

	/* A reorg takes it out again, and the same bytes go in again. */
	place_reorg(1);
	assert_int_equal(receipt_of(bumped.hash).state, CHAIN_RECEIPT_ABSENT);
	enum chain_send_state again = send_raw(bumped.text);
	assert_true(again == CHAIN_SEND_ACCEPTED || again == CHAIN_SEND_KNOWN);
	place_mine(1);
	assert_int_equal(receipt_of(bumped.hash).state, CHAIN_RECEIPT_FOUND);
}

/* A transaction in its block, by hash or by sender and nonce; and that it is in no other. */
static void test_find(void **state)
{
	(void)state;
	struct wallet wallet = make_wallet(), receiver = make_wallet();
	struct tx first = make_tx(0, receiver.address, 5), second = make_tx(1, receiver.address, 6);
	struct raw raw;
	struct err err;
	struct chain_found found;
	assert_int_equal(send_tx(&wallet, &first), CHAIN_SEND_ACCEPTED);
	sign(&wallet, &second, &raw);
	assert_int_equal(send_raw(raw.text), CHAIN_SEND_ACCEPTED);
	place_mine(1);
	struct chain_receipt receipt = receipt_of(raw.hash);
	struct chain_wanted by_nonce = { .from = wallet.address, .nonce = 1 };
	struct chain_wanted by_hash = { .tx_hash = raw.hash };
	const struct chain_wanted *const both[] = { &by_nonce, &by_hash };
	for (size_t i = 0; i < 2; i++) {
		uint64_t block = receipt.block_number;
		assert_true(chain_find(fixture.chain, block, both[i], &found, &err));
		assert_int_equal(found.state, CHAIN_FOUND);
		assert_true(hash32_equal(found.tx_hash, raw.hash));
		assert_true(hash32_equal(found.block_hash, receipt.block_hash));
		assert_true(address_equal(found.from, wallet.address));
		assert_true(address_equal(found.to, receiver.address));
		assert_int_equal(found.nonce, 1);
		assert_true(u256_equal(found.value.value, u256_from_u64(6)));
		assert_int_equal(found.data_len, 0);
		assert_int_equal(found.time_ms, head_now().time_ms);
		assert_true(chain_find(fixture.chain, block - 1, both[i], &found, &err));
		assert_int_equal(found.state, CHAIN_FOUND_ABSENT);
		assert_true(chain_find(fixture.chain, block + 1, both[i], &found, &err));
		assert_int_equal(found.state, CHAIN_FOUND_UNKNOWN);
	}
	by_nonce.nonce = 2;
	assert_true(chain_find(fixture.chain, receipt.block_number, &by_nonce, &found, &err));
	assert_int_equal(found.state, CHAIN_FOUND_ABSENT);
}

/* Those of some senders in some blocks, with the bytes that they were sent as. */
static void test_transactions(void **state)
{
	(void)state;
	struct wallet ours = make_wallet(), other = make_wallet();
	struct tx txs[3] = { make_tx(0, other.address, 5), make_tx(1, other.address, 6),
			     make_tx(2, other.address, 7) };
	struct address senders[2] = { ours.address, fixture.token };
	static struct chain_transaction found[8];
	struct raw raws[3];
	struct tx tx;
	struct tx_signature signature;
	struct err err;
	size_t len = 0, blocks = 0;
	write_token_transfer(&txs[1], other.address, 0);
	uint64_t first = height();
	struct tx theirs = make_tx(0, ours.address, 1);
	assert_int_equal(send_tx(&other, &theirs), CHAIN_SEND_ACCEPTED);
	for (size_t i = 0; i < 3; i++) {
		sign(&ours, &txs[i], &raws[i]);
		assert_int_equal(send_raw(raws[i].text), CHAIN_SEND_ACCEPTED);
		place_mine(1);
	}
	/* Sixteen blocks are asked for; the ones that are not there yet are not read. */
	assert_true(chain_transactions(fixture.chain, first, 16, senders, 2, found, 8, &len,
				       &blocks, &err));
	assert_int_equal(blocks, 4);
	assert_int_equal(len, 3);
	for (size_t i = 0; i < 3; i++) {
		struct str raw = str_from_bytes(found[i].raw, found[i].raw_len);
		assert_true(address_equal(found[i].from, ours.address));
		assert_int_equal(found[i].nonce, i);
		assert_int_equal(found[i].block, first + 1 + i);
		assert_true(hash32_equal(found[i].hash, raws[i].hash));
		assert_true(hash32_equal(tx_hash_of(raw), raws[i].hash));
		assert_true(tx_read_signed(raw, &tx, &signature));
		assert_true(hash32_equal(tx_payload_hash(&tx, ours.address),
					 tx_payload_hash(&txs[i], ours.address)));
	}
	/* Room for two: the third one's block is left for the next call. */
	assert_true(chain_transactions(fixture.chain, first, 16, senders, 2, found, 2, &len,
				       &blocks, &err));
	assert_int_equal(blocks, 3);
	assert_int_equal(len, 2);
	assert_true(chain_transactions(fixture.chain, first + 4, 4, senders, 2, found, 2, &len,
				       &blocks, &err));
	assert_int_equal(blocks + len, 0);
}

/* Tokens that left a wallet, and what the node has as the last block. */
static void test_transfers(void **state)
{
	(void)state;
	struct wallet wallet = make_wallet(), other = make_wallet();
	struct tx tx = make_tx(0, other.address, 0);
	struct address wallets[2] = { other.address, wallet.address };
	static struct chain_transfer found[CHAIN_TRANSFERS_MAX];
	struct chain_block block;
	struct hash32 last;
	struct raw raw;
	struct err err;
	size_t len = 9;
	place_mint(wallet.address, 50);
	uint64_t first = height();
	write_token_transfer(&tx, other.address, 7);
	sign(&wallet, &tx, &raw);
	assert_int_equal(send_raw(raw.text), CHAIN_SEND_ACCEPTED);
	/* Of nothing: none. */
	struct tx nothing = make_tx(1, other.address, 0);
	write_token_transfer(&nothing, other.address, 0);
	assert_int_equal(send_tx(&wallet, &nothing), CHAIN_SEND_ACCEPTED);
	place_mine(2);
	uint64_t end = height();
	struct chain_transfer_query query = { .first = first,
					      .last = end,
					      .contracts = &fixture.token,
					      .contracts_len = 1,
					      .wallets = wallets,
					      .wallets_len = 2 };
	assert_true(chain_transfers(fixture.chain, &query, found, &len, &last, &err));
	assert_int_equal(len, 1);
	assert_true(address_equal(found[0].contract, fixture.token));
	assert_true(address_equal(found[0].transfer.from, wallet.address));
	assert_true(address_equal(found[0].transfer.to, other.address));
	assert_true(u256_equal(found[0].transfer.amount.units, u256_from_u64(7)));
	assert_true(hash32_equal(found[0].tx_hash, raw.hash));
	assert_int_equal(found[0].block, first + 1);
	assert_true(chain_blocks(fixture.chain, &end, 1, &block, &err));
	assert_true(hash32_equal(block.hash, last));
	/* What was minted to it left nobody of ours; nor is anything in the blocks behind it. */
	query.last = first;
	assert_true(chain_transfers(fixture.chain, &query, found, &len, &last, &err));
	assert_int_equal(len, 0);
	/* Of another contract there are none. */
	query.last = end;
	query.contracts = &other.address;
	assert_true(chain_transfers(fixture.chain, &query, found, &len, &last, &err));
	assert_int_equal(len, 0);
	query.last = end + 1;
	assert_false(chain_transfers(fixture.chain, &query, found, &len, &last, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
}

static void test_send_refused(void **state)
{
	(void)state;
	struct wallet wallet = make_wallet(), receiver = make_wallet();
	struct tx tx = make_tx(0, receiver.address, 2000000000000000000u);
	assert_int_equal(send_tx(&wallet, &tx), CHAIN_SEND_FUNDS);
	tx = make_tx(0, receiver.address, 1);
	tx.gas_limit = 20999;
	assert_int_equal(send_tx(&wallet, &tx), CHAIN_SEND_GAS_WRONG);
	tx.gas_limit = 300000001;
	assert_int_equal(send_tx(&wallet, &tx), CHAIN_SEND_GAS_WRONG);
	tx = make_tx(0, receiver.address, 1);
	tx.fees = (struct fees){ { u256_from_u64(1) }, { u256_from_u64(1) } };
	assert_int_equal(send_tx(&wallet, &tx), CHAIN_SEND_FEE_TOO_LOW);
	tx = make_tx(0, receiver.address, 1);
	tx.chain_id = 1;
	assert_int_equal(send_tx(&wallet, &tx), CHAIN_SEND_INVALID);

	struct raw raw;
	tx = make_tx(0, receiver.address, 1);
	sign(&wallet, &tx, &raw);
	assert_int_equal(send_raw((struct str){ raw.text.at, raw.text.len - 1 }),
			 CHAIN_SEND_INVALID);
	/* Another s recovers another sender: an address that has nothing. */
	raw.bytes[raw.text.len - 1] ^= 1;
	assert_int_equal(send_raw(raw.text), CHAIN_SEND_FUNDS);
	/* Nothing of all this was taken. */
	struct chain_nonce nonce;
	struct err err;
	assert_true(
		chain_nonces(fixture.chain, CHAIN_BLOCK_PENDING, &wallet.address, 1, &nonce, &err));
	assert_true(nonce.known && nonce.count == 0);
}

static void test_send_batch(void **state)
{
	(void)state;
	static struct raw raws[CHAIN_BATCH_MAX];
	struct str texts[CHAIN_BATCH_MAX];
	struct hash32 hashes[CHAIN_BATCH_MAX];
	static struct chain_send sends[CHAIN_BATCH_MAX];
	static struct chain_receipt receipts[CHAIN_BATCH_MAX];
	struct wallet wallet = make_wallet(), receiver = make_wallet();
	for (size_t i = 0; i < CHAIN_BATCH_MAX; i++) {
		struct tx tx = make_tx(i, receiver.address, 1);
		if (i == 70)
			tx.gas_limit = 1; /* refused, and the rest is gapped */
		sign(&wallet, &tx, &raws[i]);
		texts[i] = raws[i].text;
		hashes[i] = raws[i].hash;
	}
	chain_send_many(fixture.chain, texts, CHAIN_BATCH_MAX, sends);
	for (size_t i = 0; i < CHAIN_BATCH_MAX; i++)
		assert_int_equal(sends[i].state,
				 i == 70 ? CHAIN_SEND_GAS_WRONG : CHAIN_SEND_ACCEPTED);
	place_mine(1);
	struct err err;
	assert_true(chain_receipts(fixture.chain, hashes, CHAIN_BATCH_MAX, receipts, &err));
	for (size_t i = 0; i < CHAIN_BATCH_MAX; i++)
		assert_int_equal(receipts[i].state,
				 i < 70 ? CHAIN_RECEIPT_FOUND : CHAIN_RECEIPT_ABSENT);
	assert_int_equal(look_up(hashes[71]), CHAIN_LOOKUP_PENDING);
	place_pool_drop();
	assert_int_equal(look_up(hashes[71]), CHAIN_LOOKUP_ABSENT);
}

static void test_token_receipts(void **state)
{
	(void)state;
	struct wallet wallet = make_wallet(), receiver = make_wallet();
	place_mint(wallet.address, 100);
	struct tx good = make_tx(0, fixture.token, 0), bad = make_tx(1, fixture.token, 0);
	write_token_transfer(&good, receiver.address, 60);
	write_token_transfer(&bad, receiver.address, 60);
	struct raw good_raw, bad_raw;
	sign(&wallet, &good, &good_raw);
	sign(&wallet, &bad, &bad_raw);
	assert_int_equal(send_raw(good_raw.text), CHAIN_SEND_ACCEPTED);
	assert_int_equal(send_raw(bad_raw.text), CHAIN_SEND_ACCEPTED);
	place_mine(1);

	struct chain_receipt receipt = receipt_of(good_raw.hash);
	struct abi_transfer transfer;
	assert_int_equal(receipt.state, CHAIN_RECEIPT_FOUND);
	assert_true(receipt.success);
	assert_int_equal(receipt.logs_len, 1);
	assert_true(address_equal(receipt.logs[0].contract, fixture.token));
	assert_true(abi_read_transfer_log(&receipt.logs[0], &transfer));
	assert_true(address_equal(transfer.from, wallet.address));
	assert_true(address_equal(transfer.to, receiver.address));
	assert_true(u256_equal(transfer.amount.units, u256_from_u64(60)));

	receipt = receipt_of(bad_raw.hash);
	assert_int_equal(receipt.state, CHAIN_RECEIPT_FOUND);
	assert_false(receipt.success);
	assert_int_equal(receipt.logs_len, 0);
}

static const struct {
	const char *name;
	CMUnitTestFunction run;
} SUITE[] = {
	{ "test_identity_and_head", test_identity_and_head },
	{ "test_blocks", test_blocks },
	{ "test_balances_and_nonces", test_balances_and_nonces },
	{ "test_estimates", test_estimates },
	{ "test_send_life", test_send_life },
	{ "test_find", test_find },
	{ "test_transactions", test_transactions },
	{ "test_transfers", test_transfers },
	{ "test_send_refused", test_send_refused },
	{ "test_send_batch", test_send_batch },
	{ "test_token_receipts", test_token_receipts },
};

int chain_suite_run(const struct CMUnitTest *more, size_t n)
{
	struct CMUnitTest tests[32];
	size_t len = sizeof SUITE / sizeof *SUITE;
	assert_true(len + n <= sizeof tests / sizeof *tests);
	for (size_t i = 0; i < len; i++)
		tests[i] = (struct CMUnitTest){ SUITE[i].name, SUITE[i].run, begin, end, NULL };
	for (size_t i = 0; i < n; i++)
		tests[len + i] =
			(struct CMUnitTest){ more[i].name, more[i].test_func, begin, end, NULL };
	return _cmocka_run_group_tests("chain", tests, len + n, NULL, NULL);
}
