/* A thousand random operations, and after each hundred of them all that the chain says is counted
 * again, one transaction after the other, from receipts and from what was signed. */
#include "chain_fixture.h"

#define OPERATIONS 1000
#define TXS_MAX    (OPERATIONS + 8)
#define RECEIVERS  12

struct known {
	struct hash32 hash;
	struct signed_tx bytes;
	unsigned wallet;
	uint64_t nonce;
	bool is_token;
	unsigned receiver;
	uint64_t units;
};

struct play {
	struct fixture *f;
	struct sim_random random;
	struct known txs[TXS_MAX];
	size_t txs_len;
	uint64_t next[WALLETS];
};

struct counted {
	struct u256 spent[WALLETS]; /* coins, fees included */
	struct u256 fees[WALLETS];
	uint64_t tokens[WALLETS];
	uint64_t counts[2][RECEIVERS];
	uint64_t sums[2][RECEIVERS];
};

static void sign_and_send(struct play *play)
{
	struct sim_random *random = &play->random;
	struct fixture *f = play->f;
	struct known *known = &play->txs[play->txs_len++];
	known->wallet = (unsigned)sim_random_below(random, WALLETS);
	/* A new nonce, or another attempt of an old one. */
	uint64_t next = play->next[known->wallet];
	bool again = next > 0 && sim_random_chance(random, 300);
	uint64_t first = next > 20 ? next - 20 : 0;
	known->nonce = again ? sim_random_between(random, first, next - 1) : next;
	play->next[known->wallet] += again ? 0 : 1;
	known->is_token = sim_random_chance(random, 500);
	known->receiver = (unsigned)sim_random_below(random, RECEIVERS);
	known->units = sim_random_between(random, 1, 100);
	struct address to = address_number(known->receiver);
	struct tx tx = known->is_token ? token_tx(f, known->nonce, to, known->units)
				       : coin_tx(known->nonce, to, known->units);
	uint64_t price = sim_random_between(random, 25, 60);
	tx.fees.tip.value = u256_from_u64(price * GWEI);
	tx.fees.cap.value = u256_from_u64(4 * price * GWEI);
	known->bytes = sign(f, known->wallet, &tx);
	known->hash = known->bytes.hash;
	(void)send_to(f->nodes[sim_random_below(random, f->nodes_len)], &known->bytes);
}

static void send_again(struct play *play)
{
	struct fixture *f = play->f;
	if (play->txs_len == 0)
		return;
	struct known *known = &play->txs[sim_random_below(&play->random, play->txs_len)];
	(void)send_to(f->nodes[sim_random_below(&play->random, f->nodes_len)], &known->bytes);
}

/* What is missing of the lowest nonce goes out again, as a signer would do it. */
static void send_lowest(struct play *play)
{
	for (size_t i = 0; i < play->txs_len; i++) {
		const struct known *known = &play->txs[i];
		uint64_t next = sim_chain_nonce(play->f->chain, known->wallet);
		if (known->nonce >= next && known->nonce < next + 4)
			(void)send_to(play->f->nodes[0], &known->bytes);
	}
}

static void node_disturb(struct play *play)
{
	struct fixture *f = play->f;
	struct sim_node *node = f->nodes[sim_random_below(&play->random, f->nodes_len)];
	sim_node_settings(node)->lag = sim_random_below(&play->random, 6);
	sim_node_settings(node)->gossip_delay_max = (unsigned)sim_random_below(&play->random, 4);
	sim_node_settings(node)->gossip_per_mille =
		(unsigned)sim_random_between(&play->random, 300, 1000);
	if (sim_random_chance(&play->random, 300))
		(void)sim_node_evict(node, 500);
}

static void receiver_change(struct play *play)
{
	struct sim_receiver receiver = { .reverts = sim_random_chance(&play->random, 300),
					 .blocked = sim_random_chance(&play->random, 300) };
	sim_chain_receiver_set(play->f->chain,
			       address_number(sim_random_below(&play->random, RECEIVERS)),
			       &receiver);
}

static void fund(struct play *play)
{
	unsigned wallet = (unsigned)sim_random_below(&play->random, WALLETS);
	unsigned asset = (unsigned)sim_random_below(&play->random, 2);
	sim_chain_fund(play->f->chain, wallet, asset, u256_from_u64(1000));
}

static void operate(struct play *play)
{
	struct fixture *f = play->f;
	uint64_t roll = sim_random_below(&play->random, 100);
	if (roll < 40)
		sign_and_send(play);
	else if (roll < 50)
		send_again(play);
	else if (roll < 60)
		send_lowest(play);
	else if (roll < 85)
		mine(f, 1);
	else if (roll < 90)
		node_disturb(play);
	else if (roll < 93)
		receiver_change(play);
	else if (roll < 94)
		fund(play);
	else if (roll < 95)
		sim_chain_base_fee_set(f->chain, sim_random_between(&play->random, 10, 300) * GWEI,
				       3);
	else if (roll < 99)
		(void)sim_chain_reorg(f->chain, sim_random_between(&play->random, 1, 4),
				      (unsigned)sim_random_below(&play->random, 1001), f->now_ms);
	else
		(void)sim_chain_reorg_final(f->chain, sim_random_between(&play->random, 5, 40), 800,
					    f->now_ms);
}

static struct u256 plus(struct u256 a, struct u256 b)
{
	struct u256 sum;
	assert_true(u256_add(a, b, &sum));
	return sum;
}

static void count(struct counted *counted, const struct known *known,
		  const struct chain_receipt *receipt)
{
	struct u256 fee;
	assert_true(u256_mul_u64(receipt->gas_price.value, receipt->gas_used, &fee));
	counted->fees[known->wallet] = plus(counted->fees[known->wallet], fee);
	counted->spent[known->wallet] = plus(counted->spent[known->wallet], fee);
	assert_int_equal(receipt->logs_len, known->is_token && receipt->success);
	if (!receipt->success)
		return;
	counted->counts[known->is_token][known->receiver]++;
	counted->sums[known->is_token][known->receiver] += known->units;
	if (known->is_token)
		counted->tokens[known->wallet] += known->units;
	else
		counted->spent[known->wallet] =
			plus(counted->spent[known->wallet], u256_from_u64(known->units));
}

static const struct known *known_of(const struct play *play, struct hash32 hash)
{
	for (size_t i = 0; i < play->txs_len; i++)
		if (hash32_equal(play->txs[i].hash, hash))
			return &play->txs[i];
	fail_msg("a transaction that nobody signed");
	return NULL;
}

/* Every nonce below the wallet's has one consumer, of that nonce, in a canonical block. */
static void wallet_count(const struct play *play, unsigned wallet, struct counted *counted)
{
	const struct sim_chain *chain = play->f->chain;
	struct sim_mined mined;
	struct sim_block block;
	uint64_t nonces = sim_chain_nonce(chain, wallet);
	for (uint64_t nonce = 0; nonce < nonces; nonce++) {
		assert_true(sim_chain_consumer(chain, wallet, nonce, &mined));
		const struct known *known = known_of(play, mined.tx_hash);
		struct chain_receipt receipt = receipt_of(play->f->nodes[0], mined.tx_hash);
		assert_int_equal(known->wallet, wallet);
		assert_int_equal(known->nonce, nonce);
		assert_int_equal(receipt.state, CHAIN_RECEIPT_FOUND);
		assert_true(sim_chain_block(chain, receipt.block_number, &block));
		assert_true(hash32_equal(block.hash, receipt.block_hash));
		assert_true(hash32_equal(block.hash, mined.block_hash));
		count(counted, known, &receipt);
	}
	assert_false(sim_chain_consumer(chain, wallet, nonces, &mined));
}

static void blocks_compare(const struct play *play)
{
	const struct sim_chain *chain = play->f->chain;
	struct sim_block block, parent;
	size_t txs = 0;
	uint64_t nonces = 0;
	for (uint64_t i = 1; i <= sim_chain_head(chain); i++) {
		assert_true(sim_chain_block(chain, i, &block));
		assert_true(sim_chain_block(chain, i - 1, &parent));
		assert_true(hash32_equal(block.parent, parent.hash));
		assert_true(block.time_ms > parent.time_ms);
		txs += block.txs_len;
	}
	for (unsigned i = 0; i < WALLETS; i++)
		nonces += sim_chain_nonce(chain, i);
	assert_int_equal(txs, nonces);
}

static void compare(struct play *play)
{
	const struct sim_chain *chain = play->f->chain;
	struct counted counted = { 0 };
	sim_node_settings(play->f->nodes[0])->lag = 0;
	blocks_compare(play);
	for (unsigned i = 0; i < WALLETS; i++) {
		wallet_count(play, i, &counted);
		struct u256 left =
			u256_sub_saturated(sim_chain_funded(chain, i, 0), counted.spent[i]);
		assert_true(u256_equal(sim_chain_balance(chain, i, 0), left));
		assert_true(u256_equal(sim_chain_fees_paid(chain, i), counted.fees[i]));
		assert_int_equal(u64_of(sim_chain_balance(chain, i, 1)),
				 u64_of(sim_chain_funded(chain, i, 1)) - counted.tokens[i]);
	}
	for (unsigned asset = 0; asset < 2; asset++) {
		for (unsigned i = 0; i < RECEIVERS; i++) {
			struct sim_payments paid;
			sim_chain_payments(chain, asset, address_number(i), &paid);
			assert_int_equal(paid.count, counted.counts[asset][i]);
			assert_int_equal(u64_of(paid.sum), counted.sums[asset][i]);
		}
	}
}

/* Returns the hash of the last block, which stands for all that happened. */
static struct hash32 play_through(uint64_t seed, bool compares)
{
	struct play *play = calloc(1, sizeof *play);
	struct sim_block block;
	assert_non_null(play);
	play->f = fixture_new(seed, 3);
	play->random = sim_random_of(seed + 1000);
	for (unsigned i = 0; i < OPERATIONS; i++) {
		operate(play);
		if (compares && i % 100 == 99)
			compare(play);
	}
	const struct sim_chain_counts *counts = sim_chain_counts(play->f->chain);
	assert_true(counts->reorgs > 10 && counts->taken_back > 10);
	assert_true(counts->txs_mined > 200 && counts->txs_reverted > 10);
	assert_true(sim_chain_block(play->f->chain, sim_chain_head(play->f->chain), &block));
	fixture_free(play->f);
	free(play);
	return block.hash;
}

static void adds_up(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++)
		(void)play_through(seed, true);
}

static void the_same_seed_is_the_same_chain(void **state)
{
	(void)state;
	struct hash32 once = play_through(7, false), again = play_through(7, false);
	struct hash32 other = play_through(8, false);
	assert_true(hash32_equal(once, again));
	assert_false(hash32_equal(once, other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_up),
		cmocka_unit_test(the_same_seed_is_the_same_chain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
