/* The wrapper stops a caller that breaks the contract, and a back end that does. */
#include "port/chain.h"

#include "../testing.h"

struct broken {
	struct chain base;
	struct chain_receipt receipt;
	struct chain_head head;
	struct chain_send send;
	struct chain_estimate estimate;
	bool answers;
};

static bool head(struct chain *chain, struct chain_head *ret_head, struct err *err)
{
	const struct broken *broken = (struct broken *)chain;
	if (!broken->answers)
		return err_set(err, ERR_NOT_DONE, "no answer");
	*ret_head = broken->head;
	return true;
}

static bool receipts(struct chain *chain, const struct hash32 *hashes, size_t n,
		     struct chain_receipt *ret_receipts, struct err *err)
{
	(void)hashes;
	(void)n;
	(void)err;
	ret_receipts[0] = ((struct broken *)chain)->receipt;
	return true;
}

static bool estimate_many(struct chain *chain, const struct chain_call *calls, size_t n,
			  struct chain_estimate *ret_estimates, struct err *err)
{
	(void)calls;
	(void)n;
	(void)err;
	ret_estimates[0] = ((struct broken *)chain)->estimate;
	return true;
}

static void send_many(struct chain *chain, const struct str *raw, size_t n,
		      struct chain_send *ret_sends)
{
	(void)raw;
	(void)n;
	ret_sends[0] = ((struct broken *)chain)->send;
}

static const struct chain_ops ops = {
	.head = head,
	.receipts = receipts,
	.estimate_many = estimate_many,
	.send_many = send_many,
};

static void what_the_back_end_says_comes_through(void **state)
{
	(void)state;
	struct broken broken = { .base = { &ops } };
	struct chain_head got;
	struct err err;
	assert_false(chain_head(&broken.base, &got, &err));
	assert_string_equal(err.text, "no answer");
	broken.answers = true;
	broken.head = (struct chain_head){ .number = 9, .has_finalized = true };
	assert_true(chain_head(&broken.base, &got, &err));
	assert_int_equal(got.number, 9);
	chain_close(NULL);
}

static void a_receipt_of_another_transaction_is_a_bug(void **state)
{
	(void)state;
	struct broken broken = { .base = { &ops } };
	const struct hash32 asked = { { 1 } }, other = { { 2 } };
	struct chain_receipt got;
	struct err err;
	broken.receipt = (struct chain_receipt){ .state = CHAIN_RECEIPT_FOUND, .tx_hash = asked };
	assert_true(chain_receipts(&broken.base, &asked, 1, &got, &err));
	assert_aborts((void)!chain_receipts(&broken.base, &other, 1, &got, &err));
}

static void other_broken_promises_are_bugs(void **state)
{
	(void)state;
	struct broken broken = { .base = { &ops }, .answers = true };
	struct chain_head got;
	struct err err;
	broken.head =
		(struct chain_head){ .number = 9, .has_finalized = true, .finalized_number = 10 };
	assert_aborts((void)!chain_head(&broken.base, &got, &err));

	const struct str raw = STR("x");
	struct chain_send sent;
	assert_aborts(chain_send_many(&broken.base, &raw, 1, &sent)); /* state 0 */
	broken.send.state = CHAIN_SEND_UNKNOWN;
	memset(broken.send.text, 'x', sizeof broken.send.text); /* not terminated */
	assert_aborts(chain_send_many(&broken.base, &raw, 1, &sent));

	const struct chain_call call = { 0 };
	struct chain_estimate estimate;
	assert_aborts((void)!chain_estimate_many(&broken.base, &call, 1, &estimate, &err));
	broken.estimate.gas = 21000;
	assert_true(chain_estimate_many(&broken.base, &call, 1, &estimate, &err));
}

static void callers_keep_within_bounds(void **state)
{
	(void)state;
	struct broken broken = { .base = { &ops }, .answers = true };
	const struct hash32 hashes[1] = { { { 1 } } };
	struct chain_receipt got[1];
	struct chain_send sent[1];
	const struct str empty = STR("");
	const struct chain_call no_data = { .data_len = 1 };
	struct chain_estimate estimate;
	struct chain_balance balance;
	const struct chain_balance_query query = { 0 };
	const uint64_t latest = CHAIN_BLOCK_LATEST;
	struct chain_block block;
	struct err err;
	assert_aborts((void)!chain_receipts(&broken.base, hashes, 0, got, &err));
	assert_aborts((void)!chain_receipts(&broken.base, hashes, CHAIN_BATCH_MAX + 1, got, &err));
	assert_aborts((void)!chain_receipts(&broken.base, NULL, 1, got, &err));
	assert_aborts((void)!chain_receipts(NULL, hashes, 1, got, &err));
	assert_aborts(chain_send_many(&broken.base, &empty, 1, sent));
	assert_aborts((void)!chain_estimate_many(&broken.base, &no_data, 1, &estimate, &err));
	assert_aborts((void)!chain_balances(&broken.base, CHAIN_BLOCK_PENDING, &query, 1, &balance,
					    &err));
	assert_aborts((void)!chain_blocks(&broken.base, &latest, 1, &block, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_back_end_says_comes_through),
		cmocka_unit_test(a_receipt_of_another_transaction_is_a_bug),
		cmocka_unit_test(other_broken_promises_are_bugs),
		cmocka_unit_test(callers_keep_within_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
