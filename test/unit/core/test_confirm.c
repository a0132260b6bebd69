#include "core/confirm.h"

#include "../testing.h"

#define BLOCK 1000

static const struct address wallet = { { 1 } };
static const struct address receiver = { { 2 } };
static const struct address contract = { { 3 } };
static const struct address stranger = { { 4 } };

/* A slot and a receipt of it, all of it as it should be: deep, finalized, paid. */
struct scene {
	struct chain_params chain;
	struct transfer transfer;
	struct abi_log logs[2];
	struct confirm_facts facts;
};

static struct abi_log log_of(struct address from, struct address to, uint64_t units)
{
	struct abi_log log = { .contract = contract, .topics_len = 3, .data_len = 32 };
	assert_true(hash32_read(
		STR("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"),
		&log.topics[0]));
	memcpy(log.topics[1].bytes + 12, from.bytes, ADDRESS_BYTES);
	memcpy(log.topics[2].bytes + 12, to.bytes, ADDRESS_BYTES);
	u256_to_bytes(u256_from_u64(units), log.data);
	return log;
}

static void scene_make(bool is_token, struct scene *ret_scene)
{
	*ret_scene = (struct scene){
		.chain = { .has_finality = true, .depth_paid = 10, .depth_unpaid = 100 }
	};
	ret_scene->transfer = (struct transfer){ .wallet = wallet,
						 .is_token = is_token,
						 .to = is_token ? contract : receiver,
						 .receiver = receiver,
						 .amount = { u256_from_u64(100) } };
	ret_scene->logs[0] = log_of(wallet, receiver, 100);
	ret_scene->facts = (struct confirm_facts){ .transfer = &ret_scene->transfer,
						   .success = true,
						   .to = ret_scene->transfer.to,
						   .block = BLOCK,
						   .canonical = true,
						   .logs = ret_scene->logs,
						   .logs_len = is_token ? 1 : 0,
						   .logs_cap = 2,
						   .head = BLOCK + 100,
						   .finalized = BLOCK };
}

static enum confirm decide(const struct scene *scene, enum transfer_outcome *ret_outcome)
{
	*ret_outcome = OUTCOME_NONE;
	return confirm_decide(&scene->chain, &scene->facts, ret_outcome);
}

static void assert_final(const struct scene *scene, enum transfer_outcome expected)
{
	enum transfer_outcome outcome;
	assert_int_equal(decide(scene, &outcome), CONFIRM_FINAL);
	assert_int_equal(outcome, expected);
}

static void assert_verdict(const struct scene *scene, enum confirm expected)
{
	enum transfer_outcome outcome;
	assert_int_equal(decide(scene, &outcome), expected);
	assert_int_equal(outcome, OUTCOME_NONE);
}

static void paid_is_deep_and_finalized(void **state)
{
	(void)state;
	struct scene scene;
	scene_make(false, &scene);
	scene.facts.head = BLOCK + 10;
	assert_final(&scene, OUTCOME_SUCCEEDED);
	scene.facts.head = BLOCK + 9;
	assert_verdict(&scene, CONFIRM_WAIT);
	scene.facts.head = BLOCK - 1; /* a node that lags */
	assert_verdict(&scene, CONFIRM_WAIT);
	scene_make(false, &scene);
	scene.facts.finalized = BLOCK - 1;
	assert_verdict(&scene, CONFIRM_WAIT);
	scene.chain.has_finality = false; /* then depth alone counts */
	assert_final(&scene, OUTCOME_SUCCEEDED);
	scene_make(false, &scene);
	scene.facts.canonical = false;
	assert_verdict(&scene, CONFIRM_WAIT);
}

/* Another payment may follow "unpaid". */
static void unpaid_waits_deeper(void **state)
{
	(void)state;
	struct scene scene;
	scene_make(false, &scene);
	scene.facts.success = false;
	assert_final(&scene, OUTCOME_REVERTED);
	scene.facts.head = BLOCK + 99;
	assert_verdict(&scene, CONFIRM_WAIT);
	scene.facts.attempt_is_cancel = true;
	scene.facts.success = true;
	assert_verdict(&scene, CONFIRM_WAIT);
	scene.facts.head = BLOCK + 100;
	assert_final(&scene, OUTCOME_REPLACED);
	scene.facts.attempt_is_cancel = false;
	scene.transfer.is_cancel = true;
	assert_final(&scene, OUTCOME_REPLACED);
}

/* Whatever it did, it is none of ours: it proves neither, and waits as deep as "unpaid". */
static void a_foreign_transaction_is_foreign(void **state)
{
	(void)state;
	struct scene scene;
	scene_make(false, &scene);
	scene.facts.is_foreign = true;
	assert_final(&scene, OUTCOME_FOREIGN);
	scene.facts.success = false;
	assert_final(&scene, OUTCOME_FOREIGN);
	scene.facts.head = BLOCK + 99;
	assert_verdict(&scene, CONFIRM_WAIT);
	scene.facts.success = true;
	assert_verdict(&scene, CONFIRM_WAIT);
}

static void native_coin_went_to_the_receiver(void **state)
{
	(void)state;
	struct scene scene;
	scene_make(false, &scene);
	scene.facts.to = stranger;
	assert_verdict(&scene, CONFIRM_HOLD);
}

/* T6: exactly one Transfer of the contract, and it is ours. */
static void a_token_is_paid_by_its_log(void **state)
{
	(void)state;
	struct scene scene;
	scene_make(true, &scene);
	assert_final(&scene, OUTCOME_SUCCEEDED);
	scene.facts.logs_len = 0;
	assert_verdict(&scene, CONFIRM_HOLD);

	const struct abi_log wrong[] = { log_of(stranger, receiver, 100),
					 log_of(wallet, stranger, 100),
					 log_of(wallet, receiver, 99) };
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		scene_make(true, &scene);
		scene.logs[0] = wrong[i];
		assert_verdict(&scene, CONFIRM_HOLD);
		/* Beside the right one it is one too many. */
		scene.facts.logs_len = 2;
		scene.logs[1] = log_of(wallet, receiver, 100);
		assert_verdict(&scene, CONFIRM_HOLD);
	}
}

/* People were called: it is final as what it is, as deep as "unpaid"; or it is paid after all. */
static void what_proves_nothing_is_final_for_people(void **state)
{
	(void)state;
	struct scene scene;
	scene_make(true, &scene);
	scene.facts.logs_len = 0;
	scene.transfer.outcome = OUTCOME_UNPROVEN;
	assert_final(&scene, OUTCOME_UNPROVEN);
	scene.facts.head = BLOCK + 99;
	assert_verdict(&scene, CONFIRM_WAIT);
	scene.facts.logs_len = 1;
	assert_final(&scene, OUTCOME_SUCCEEDED);
}

static void other_logs_do_not_count(void **state)
{
	(void)state;
	struct scene scene;
	scene_make(true, &scene);
	scene.facts.logs_len = 2;
	scene.logs[1] = log_of(stranger, stranger, 1);
	scene.logs[1].contract = stranger;
	assert_final(&scene, OUTCOME_SUCCEEDED);
	scene.logs[1] = log_of(stranger, stranger, 1);
	scene.logs[1].topics_len = 2; /* of our contract, and no Transfer */
	assert_final(&scene, OUTCOME_SUCCEEDED);
	scene.facts.logs_len = 3; /* more than were kept: a second Transfer could be among them */
	assert_verdict(&scene, CONFIRM_HOLD);
}

static void the_highest_block_that_can_be_final(void **state)
{
	(void)state;
	struct chain_params chain = { .has_finality = true, .depth_paid = 10 };
	uint64_t block = 0;
	assert_false(confirm_final_block(&chain, 9, 9, &block));
	assert_true(confirm_final_block(&chain, 10, 9, &block));
	assert_int_equal(block, 0);
	assert_true(confirm_final_block(&chain, 100, 50, &block));
	assert_int_equal(block, 50);
	assert_true(confirm_final_block(&chain, 100, 95, &block));
	assert_int_equal(block, 90);
	chain.has_finality = false;
	assert_true(confirm_final_block(&chain, 100, 50, &block));
	assert_int_equal(block, 90);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paid_is_deep_and_finalized),
		cmocka_unit_test(unpaid_waits_deeper),
		cmocka_unit_test(a_foreign_transaction_is_foreign),
		cmocka_unit_test(native_coin_went_to_the_receiver),
		cmocka_unit_test(a_token_is_paid_by_its_log),
		cmocka_unit_test(what_proves_nothing_is_final_for_people),
		cmocka_unit_test(other_logs_do_not_count),
		cmocka_unit_test(the_highest_block_that_can_be_final),
	};
	return cmocka_run_group_tests_name("core/confirm", tests, NULL, NULL);
}
