/* What a node refuses, and in which words: each refusal of each kind of node is read back as what
 * it means. */
#include "chain_fixture.h"
#include "sim/chain_refusal.h"

static void words_mean_what_they_should(void **state)
{
	(void)state;
	static const enum chain_send_state wanted[SIM_REFUSALS] = {
		[SIM_REFUSE_UNREADABLE] = CHAIN_SEND_INVALID,
		[SIM_REFUSE_CHAIN_ID] = CHAIN_SEND_INVALID,
		[SIM_REFUSE_SIGNATURE] = CHAIN_SEND_INVALID,
		[SIM_REFUSE_TIP_ABOVE_CAP] = CHAIN_SEND_INVALID,
		[SIM_REFUSE_NODE_CAP] = CHAIN_SEND_NODE_CAP,
		[SIM_REFUSE_BLOCK_GAS] = CHAIN_SEND_GAS_WRONG,
		[SIM_REFUSE_INTRINSIC_GAS] = CHAIN_SEND_GAS_WRONG,
		[SIM_REFUSE_TIP_LOW] = CHAIN_SEND_FEE_TOO_LOW,
		[SIM_REFUSE_BASE_FEE] = CHAIN_SEND_FEE_TOO_LOW,
		[SIM_REFUSE_KNOWN] = CHAIN_SEND_KNOWN,
		[SIM_REFUSE_NONCE_LOW] = CHAIN_SEND_NONCE_TOO_LOW,
		[SIM_REFUSE_NONCE_HIGH] = CHAIN_SEND_NONCE_TOO_HIGH,
		[SIM_REFUSE_FUNDS] = CHAIN_SEND_FUNDS,
		[SIM_REFUSE_REPLACEMENT] = CHAIN_SEND_UNDERPRICED,
		[SIM_REFUSE_POOL_FULL] = CHAIN_SEND_BACK_PRESSURE,
		[SIM_REFUSE_ACCOUNT_LIMIT] = CHAIN_SEND_BACK_PRESSURE,
	};
	for (enum sim_refusal refusal = 1; refusal < SIM_REFUSALS; refusal++) {
		for (enum sim_node_flavour flavour = 0; flavour < SIM_NODE_FLAVOURS; flavour++) {
			const char *text = sim_refusal_text(refusal, flavour);
			assert_true(strlen(text) < CHAIN_TEXT_LEN);
			assert_int_equal(chain_error_classify(str_from(text)), wanted[refusal]);
		}
	}
}

static void invalid_ones(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct tx tx = coin_tx(0, address_number(1), 1);
	struct signed_tx made = sign(f, 0, &tx);
	made.len--;
	assert_int_equal(send_to(f->nodes[0], &made).state, CHAIN_SEND_INVALID);
	tx.chain_id = 1;
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_INVALID);
	tx = coin_tx(0, address_number(1), 1);
	tx.fees.tip.value = u256_from_u64(CAP + 1);
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_INVALID);
	/* Another s: valid to the curve for somebody else's key, who has no money. */
	tx = coin_tx(0, address_number(1), 1);
	made = sign(f, 0, &tx);
	made.bytes[made.len - 1] ^= 1;
	assert_int_equal(send_to(f->nodes[0], &made).state, CHAIN_SEND_FUNDS);
	assert_int_equal(sim_node_pool_len(f->nodes[0]), 0);
	fixture_free(f);
}

static void gas_and_fees(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct sim_node_settings *settings = sim_node_settings(f->nodes[0]);
	struct tx tx = coin_tx(0, address_number(1), 1);
	tx.gas_limit = 20999;
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_GAS_WRONG);
	tx.gas_limit = 30000001;
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_GAS_WRONG);
	tx = coin_tx(0, address_number(1), 1);
	tx.fees.tip.value = u256_from_u64(25 * GWEI - 1);
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_FEE_TOO_LOW);
	tx = coin_tx(0, address_number(1), 1);
	settings->fee_cap = u256_from_u64(30000 * CAP - 1);
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_NODE_CAP);
	settings->fee_cap = u256_from_u64(30000 * CAP);
	settings->flavour = SIM_NODE_ANVIL;
	sim_chain_base_fee_set(f->chain, CAP + 1, 5);
	mine(f, 1);
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_FEE_TOO_LOW);
	/* Others keep it until the fee falls. */
	settings->flavour = SIM_NODE_BOR;
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_ACCEPTED);
	fixture_free(f);
}

static void known_and_consumed(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct tx tx = coin_tx(0, address_number(1), 1);
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_ACCEPTED);
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_KNOWN);
	mine(f, 1);
	/* The very bytes that are in a block: geth says this, too. */
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_NONCE_TOO_LOW);
	fixture_free(f);
}

static struct tx priced(uint64_t tip, uint64_t cap)
{
	struct tx tx = coin_tx(0, address_number(1), 1);
	tx.fees.tip.value = u256_from_u64(tip);
	tx.fees.cap.value = u256_from_u64(cap);
	return tx;
}

static void replacement_pays_a_tenth_more(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct tx first = priced(TIP, CAP);
	struct tx tip_only = priced(TIP + TIP / 10, CAP), cap_only = priced(TIP, CAP + CAP / 10);
	struct tx short_of_it = priced(TIP + TIP / 10 - 1, CAP + CAP / 10);
	struct tx enough = priced(TIP + TIP / 10, CAP + CAP / 10);
	struct hash32 old = submit(f, 0, &first);
	assert_int_equal(offer(f, 0, &tip_only), CHAIN_SEND_UNDERPRICED);
	assert_int_equal(offer(f, 0, &cap_only), CHAIN_SEND_UNDERPRICED);
	assert_int_equal(offer(f, 0, &short_of_it), CHAIN_SEND_UNDERPRICED);
	assert_int_equal(lookup_of(f->nodes[0], old), CHAIN_LOOKUP_PENDING);
	sim_node_settings(f->nodes[0])->pool_full = true; /* does not matter here */
	struct hash32 new = submit(f, 0, &enough);
	assert_int_equal(lookup_of(f->nodes[0], old), CHAIN_LOOKUP_ABSENT);
	assert_int_equal(lookup_of(f->nodes[0], new), CHAIN_LOOKUP_PENDING);
	assert_int_equal(offer(f, 0, &first), CHAIN_SEND_UNDERPRICED);
	assert_int_equal(sim_chain_counts(f->chain)->replaced, 1);
	mine(f, 1);
	assert_int_equal(receipt_of(f->nodes[0], new).state, CHAIN_RECEIPT_FOUND);
	assert_int_equal(receipt_of(f->nodes[0], old).state, CHAIN_RECEIPT_ABSENT);
	fixture_free(f);
}

static void room_for_an_account(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct sim_node_settings *settings = sim_node_settings(f->nodes[0]);
	settings->executable_max = 3;
	settings->gapped_max = 2;
	for (uint64_t nonce = 0; nonce < 3; nonce++) {
		struct tx tx = coin_tx(nonce, address_number(1), 1);
		assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_ACCEPTED);
	}
	struct tx fourth = coin_tx(3, address_number(1), 1);
	assert_int_equal(offer(f, 0, &fourth), CHAIN_SEND_BACK_PRESSURE);
	for (uint64_t nonce = 5; nonce < 8; nonce++) {
		struct tx tx = coin_tx(nonce, address_number(1), 1);
		assert_int_equal(offer(f, 0, &tx),
				 nonce < 7 ? CHAIN_SEND_ACCEPTED : CHAIN_SEND_BACK_PRESSURE);
	}
	/* Another account has its own room. */
	struct tx other = coin_tx(0, address_number(1), 1);
	assert_int_equal(offer(f, 1, &other), CHAIN_SEND_ACCEPTED);
	settings->gapped_max = 0;
	other = coin_tx(2, address_number(1), 1);
	assert_int_equal(offer(f, 1, &other), CHAIN_SEND_NONCE_TOO_HIGH);
	settings->pool_full = true;
	other = coin_tx(1, address_number(1), 1);
	assert_int_equal(offer(f, 1, &other), CHAIN_SEND_BACK_PRESSURE);
	fixture_free(f);
}

static void funds_cover_what_is_queued(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct tx tx = coin_tx(0, address_number(1), 0);
	assert_true(u256_mul_u64(u256_from_u64(600), 1000000000000000000U, &tx.value.value));
	submit(f, 0, &tx);
	tx.nonce = 1;
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_FUNDS);
	/* In the first one's place it is one cost, not two. */
	tx = priced(2 * TIP, 2 * CAP);
	assert_true(u256_mul_u64(u256_from_u64(700), 1000000000000000000U, &tx.value.value));
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_ACCEPTED);
	fixture_free(f);
}

static void gossip_takes_time(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 3);
	struct tx tx = coin_tx(0, address_number(1), 1);
	sim_chain_space_set(f->chain, 0); /* nothing is mined */
	struct hash32 hash = submit(f, 0, &tx);
	for (size_t i = 0; i < 3; i++)
		assert_true(sim_node_has(f->nodes[i], hash));
	sim_node_settings(f->nodes[0])->gossip_per_mille = 0;
	tx = coin_tx(1, address_number(1), 1);
	hash = submit(f, 0, &tx);
	assert_false(sim_node_has(f->nodes[1], hash));
	sim_node_settings(f->nodes[0])->gossip_per_mille = 1000;
	sim_node_settings(f->nodes[0])->gossip_delay_max = 1000;
	tx = coin_tx(0, address_number(1), 1);
	hash = submit(f, 1, &tx);
	assert_false(sim_node_has(f->nodes[1], hash));
	assert_false(sim_node_has(f->nodes[2], hash));
	mine(f, 1);
	assert_false(sim_node_has(f->nodes[1], hash) || sim_node_has(f->nodes[2], hash));
	mine(f, 1000);
	assert_true(sim_node_has(f->nodes[1], hash));
	assert_true(sim_node_has(f->nodes[2], hash));
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_mean_what_they_should),
		cmocka_unit_test(invalid_ones),
		cmocka_unit_test(gas_and_fees),
		cmocka_unit_test(known_and_consumed),
		cmocka_unit_test(replacement_pays_a_tenth_more),
		cmocka_unit_test(room_for_an_account),
		cmocka_unit_test(funds_cover_what_is_queued),
		cmocka_unit_test(gossip_takes_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
