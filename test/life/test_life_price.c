/* The price of gas that signers share in a cache: it saves calls of nodes, and whoever writes to
 * the cache gets nothing for it. */
#include "life_fault.h"
#include "life_world.h"

#include "adapter/cache_memory.h"
#include "core/tx.h"
#include "service/signer/signer_quote.h"

#define PAYMENTS 4
#define APART_MS 600 /* more than a look at the head serves */

static struct cache *cache_for(struct life *life)
{
	life->cache = cache_memory_new(&life->clock.base, 16);
	life_restart(life, LIFE_SIGNER);
	return life->cache;
}

/* What the cache holds as the chain's price. */
static void cache_set(struct life *life, const void *bytes, size_t len)
{
	struct err err = { 0 };
	const struct cache_copy copy = { STR("fee:31337"), INT64_MAX, str_from_bytes(bytes, len),
					 60000 };
	if (!cache_put_many(life->cache, &copy, 1, &err))
		fail_msg("%s", err.text);
}

static void send_all(struct life *life, struct withdrawal rows[PAYMENTS])
{
	for (uint64_t i = 0; i < PAYMENTS; i++)
		rows[i] = life_accept(life, "POL", 4000 + i);
	life_process(life);
	life_sign(life);
}

/* Cancels one after the other, each with a cancellation that is priced anew. Heads that the signer
 * asked for meanwhile. */
static uint64_t cancel_all(struct life *life, const struct withdrawal rows[PAYMENTS])
{
	life_fault_at(life, LIFE_FAULT_FAIL, "chain_head", UINT64_MAX); /* counts */
	for (size_t i = 0; i < PAYMENTS; i++) {
		life_wait(life, APART_MS);
		assert_true(life_cancel(life, &rows[i]));
		life_sign(life);
		assert_int_equal(life_view(life, rows[i].intent.id).transfer.attempts, 2);
	}
	uint64_t heads = life_fault_seen(life);
	life_fault_clear(life);
	return heads;
}

static void finish(struct life *life, const struct withdrawal rows[PAYMENTS])
{
	for (int i = 0; i < 3; i++) {
		life_wait(life, 16000);
		life_run(life, 4);
	}
	for (size_t i = 0; i < PAYMENTS; i++) {
		life_assert_stage(life, &rows[i], WITHDRAWAL_CANCELED);
		life_assert_unpaid(life, &rows[i]);
	}
	life_assert_settled(life);
	life_assert_quiet(life);
	cache_close(life->cache);
	life->cache = NULL;
}

static struct fees newest_fees(struct life *life, const struct withdrawal *row)
{
	struct attempt attempts[ATTEMPTS_MAX];
	struct tx_signature signature;
	struct err err = { 0 };
	struct tx tx;
	size_t n = 0;
	struct id slot = life_view(life, row->intent.id).transfer.id;
	assert_true(store_attempts_load(life->store, slot, attempts, ATTEMPTS_MAX, &n, &err));
	assert_true(tx_read_signed(str_from_bytes(attempts[n - 1].raw, attempts[n - 1].raw_len),
				   &tx, &signature));
	return tx.fees;
}

static void test_each_price_is_asked_for_without_a_cache(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[PAYMENTS];
	life_fault_install(life);
	send_all(life, rows);
	assert_int_equal(cancel_all(life, rows), PAYMENTS);
	finish(life, rows);
}

/* Two signers of one deployment: what one was told serves the other. */
static void test_a_shared_price_saves_the_calls(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[PAYMENTS];
	life_fault_install(life);
	(void)cache_for(life);
	send_all(life, rows);
	assert_int_equal(cancel_all(life, rows), 0);
	finish(life, rows);
}

/* Of a signer that has seen no head itself nothing is known of its node: it asks. */
static void test_a_new_signer_asks_once(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[PAYMENTS];
	life_fault_install(life);
	(void)cache_for(life);
	send_all(life, rows);
	life_restart(life, LIFE_SIGNER);
	assert_true(cancel_all(life, rows) <= 1);
	finish(life, rows);
}

static struct quote dear_quote(struct life *life)
{
	const uint64_t gwei = 1000000000;
	struct quote quote = { .chain_id = 31337, .made_ms = clock_now_ms(&life->clock.base) };
	quote.market.base_fee.value = u256_from_u64(100 * gwei);
	quote.market.tip.value = u256_from_u64(100 * gwei);
	return quote;
}

/* Puts a dear one into the cache, sealed by `key`; it moves nothing. */
static void lie_is_not_believed(struct life *life, int64_t later_ms, const uint8_t key[32])
{
	struct withdrawal rows[PAYMENTS];
	char bytes[QUOTE_BYTES];
	struct buf out = buf_of(bytes, sizeof bytes);
	life_fault_install(life);
	(void)cache_for(life);
	send_all(life, rows);
	struct quote quote = dear_quote(life);
	quote.made_ms += later_ms;
	quote_write(&quote, key, life->deployment, &out);
	cache_set(life, bytes, sizeof bytes);
	assert_int_equal(cancel_all(life, rows), PAYMENTS);
	for (size_t i = 0; i < PAYMENTS; i++)
		assert_true(wei_compare(newest_fees(life, &rows[i]).tip, quote.market.tip) < 0);
	finish(life, rows);
}

/* Whoever writes to the cache without the signers' key moves no price. */
static void test_cache_lies_about_a_price(void **state)
{
	const uint8_t key[32] = { 9 };
	lie_is_not_believed(*state, 1000, key);
}

/* Replayed: sealed by a signer, seconds ago. */
static void test_cache_lies_about_the_time_of_a_price(void **state)
{
	struct life *life = *state;
	uint8_t key[32];
	quote_key_make(life->keys_bytes[2], key);
	lie_is_not_believed(life, -QUOTE_LIFE_MS, key);
}

/* Who has the signers' key can raise a price, to the ceiling and no further: above it nothing is
 * signed. */
static void test_a_shared_price_is_capped(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[PAYMENTS];
	uint8_t key[32];
	char bytes[QUOTE_BYTES];
	struct buf out = buf_of(bytes, sizeof bytes);
	const struct wei ceiling = life->catalogue.chains[0].fees.cap_max;
	life_fault_install(life);
	(void)cache_for(life);
	send_all(life, rows);
	struct quote quote = dear_quote(life);
	quote.made_ms += APART_MS;
	quote_key_make(life->keys_bytes[2], key);
	quote_write(&quote, key, life->deployment, &out);
	cache_set(life, bytes, sizeof bytes);
	life_wait(life, APART_MS);
	assert_true(life_cancel(life, &rows[0]));
	life_sign(life);
	struct fees fees = newest_fees(life, &rows[0]);
	assert_int_equal(wei_compare(fees.tip, quote.market.tip), 0);
	assert_true(wei_compare(fees.cap, ceiling) <= 0);
	for (size_t i = 1; i < PAYMENTS; i++)
		assert_true(life_cancel(life, &rows[i]));
	finish(life, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_each_price_is_asked_for_without_a_cache),
		LIFE_TEST(test_a_shared_price_saves_the_calls),
		LIFE_TEST(test_a_new_signer_asks_once),
		LIFE_TEST(test_cache_lies_about_a_price),
		LIFE_TEST(test_cache_lies_about_the_time_of_a_price),
		LIFE_TEST(test_a_shared_price_is_capped),
	};
	return LIFE_MAIN(tests);
}
