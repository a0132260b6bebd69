/* Somebody who can write every table of the store makes slots of his own, to have the signer spend
 * rights, prove ends and skip nonces that are none. The journal and the chain say otherwise. */
#include "life_world.h"

#define UNITS 10000

static void assert_received(struct life *life, const struct withdrawal *row, uint64_t units)
{
	uint64_t has = 0;
	assert_true(u256_to_u64(life_balance(life, row->intent.asset, row->intent.to), &has));
	assert_int_equal(has, units);
}

static void days_pass(struct life *life, int looks)
{
	for (int i = 0; i < looks; i++) {
		life_wait(life, 61000);
		life_run(life, 4);
	}
}

#define FORGED "x'00000000000000000000000000000077'"

/* A copy of the first slot that takes the next nonce of its wallet: a self-transfer that waits for
 * its first signature, but for what `set` says. */
static void slot_forge(struct life *life, const char *set)
{
	life_sql(life,
		 "CREATE TEMP TABLE forged AS SELECT * FROM transfers ORDER BY id LIMIT 1; "
		 "UPDATE forged SET id = " FORGED ", stage = 1, outcome = 0, is_cancel = 1, "
		 "nonce = (SELECT next_nonce FROM wallets WHERE id = forged.wallet_id), "
		 "destination = wallet, receiver = wallet, value = zeroblob(32), "
		 "amount = zeroblob(32), is_token = 0, attempts = 0, mined_hash = NULL, "
		 "mined_block = 0, mined_block_hash = NULL, sent_at = 0, version = 1; "
		 "UPDATE forged SET %s; INSERT INTO transfers SELECT * FROM forged; "
		 "UPDATE wallets SET next_nonce = next_nonce + 1 "
		 "WHERE id = (SELECT wallet_id FROM forged)",
		 set);
}

static void slot_give(struct life *life, const struct withdrawal *row, unsigned round)
{
	life_sql(life, "INSERT INTO transfer_items VALUES (" FORGED ", 0, %s, %u, 0)",
		 life_blob(row->intent.id.bytes, ID_BYTES), round);
}

/* ---- what was paid gets another round ---- */

static void round_in_between(struct life *life, const char *also)
{
	struct withdrawal row = life_accept(life, "POL", UNITS);
	life_run(life, 12);
	life_assert_paid(life, &row);
	slot_forge(life, "is_cancel = 1");
	slot_give(life, &row, 1);
	life_sql(life,
		 "UPDATE withdrawals SET stage = 4, round = 1, due_at = 1, "
		 "transfer_id = " FORGED "; %s",
		 also);
	days_pass(life, 8);
	assert_received(life, &row, UNITS);
	assert_string_not_equal(life_view(life, row.intent.id).withdrawal.held_reason, "");
}

static void test_outcome_of_an_earlier_round(void **state)
{
	round_in_between(*state, "UPDATE transfers SET outcome = 2 WHERE stage = 5");
}

static void test_earlier_round_without_its_item(void **state)
{
	round_in_between(*state, "DELETE FROM transfer_items WHERE round = 0");
}

static void test_earlier_round_without_its_slot(void **state)
{
	round_in_between(*state, "DELETE FROM transfer_items WHERE round = 0; "
				 "DELETE FROM transfers WHERE stage = 5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_outcome_of_an_earlier_round),
		LIFE_TEST(test_earlier_round_without_its_item),
		LIFE_TEST(test_earlier_round_without_its_slot),
	};
	return LIFE_MAIN(tests);
}
