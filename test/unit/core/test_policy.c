#include "core/policy.h"

#include "../testing.h"

static const struct address receiver = { { 9 } };

static struct amount amount_of(uint64_t units)
{
	return (struct amount){ u256_from_u64(units) };
}

static struct asset asset_new(void)
{
	return (struct asset){ .contract = { { 3 } },
			       .decimals = 6,
			       .minimum = amount_of(10),
			       .maximum = amount_of(1000),
			       .payment_max = amount_of(500) };
}

static struct intent intent_new(uint64_t units)
{
	return (struct intent){ .chain_id = 137,
				.contract = { { 3 } },
				.decimals = 6,
				.to = receiver,
				.amount = amount_of(units) };
}

/* Each thing that a rebound symbol or an edited row could say otherwise. */
static void an_asset_matches_in_all_it_says(void **state)
{
	(void)state;
	struct asset asset = asset_new();
	struct intent intent = intent_new(100);
	assert_true(policy_asset_matches(&asset, &intent));
	assert_false(policy_asset_matches(NULL, &intent));
	intent.is_native = true;
	assert_false(policy_asset_matches(&asset, &intent));
	intent = intent_new(100);
	intent.contract.bytes[19] = 1;
	assert_false(policy_asset_matches(&asset, &intent));
	intent = intent_new(100);
	intent.decimals = 18;
	assert_false(policy_asset_matches(&asset, &intent));
	assert_aborts((void)policy_decide(&asset, &intent));
}

static enum refusal decide(uint64_t units, uint64_t maximum)
{
	struct asset asset = asset_new();
	struct intent intent = intent_new(units);
	asset.maximum = amount_of(maximum);
	return policy_decide(&asset, &intent);
}

static void both_bounds_are_allowed(void **state)
{
	(void)state;
	assert_int_equal(decide(9, 1000), REFUSAL_BELOW_MINIMUM);
	assert_int_equal(decide(10, 1000), REFUSAL_NONE);
	assert_int_equal(decide(1000, 1000), REFUSAL_NONE);
	assert_int_equal(decide(1001, 1000), REFUSAL_ABOVE_MAXIMUM);
	assert_int_equal(decide(UINT64_MAX, 0), REFUSAL_NONE); /* zero: no maximum */
}

static enum refusal signer_decide(uint64_t units, uint64_t payment_max, struct address to)
{
	static const struct catalogue catalogue = {
		.chains = { { .chain_id = 137 } },
		.chains_len = 1,
		.assets = { { .contract = { { 3 } } } },
		.assets_len = 1,
		.wallets = { { .address = { { 1 } } } },
		.wallets_len = 1,
	};
	struct asset asset = asset_new();
	struct intent intent = intent_new(units);
	asset.payment_max = amount_of(payment_max);
	intent.to = to;
	return policy_signer_decide(&catalogue, &asset, &intent);
}

/* Whatever the roles before it said. */
static void native_to_burning_contract_and_others_who_are_never_paid(void **state)
{
	(void)state;
	assert_int_equal(signer_decide(100, 500, receiver), REFUSAL_NONE);
	assert_int_equal(signer_decide(100, 500, (struct address){ { 0 } }), REFUSAL_ADDRESS_ZERO);
	assert_int_equal(signer_decide(100, 500, (struct address){ { 1 } }),
			 REFUSAL_ADDRESS_IS_OURS);
	assert_int_equal(signer_decide(100, 500, (struct address){ { 3 } }),
			 REFUSAL_ADDRESS_IS_TOKEN);
}

static void the_signers_limit_for_one_payment(void **state)
{
	(void)state;
	assert_int_equal(signer_decide(500, 500, receiver), REFUSAL_NONE);
	assert_int_equal(signer_decide(501, 500, receiver), REFUSAL_SIGNER_LIMIT);
	assert_int_equal(signer_decide(UINT64_MAX, 0, receiver), REFUSAL_NONE);
}

static bool wants_signature(uint64_t units, uint64_t above)
{
	struct asset asset = asset_new();
	asset.signature_above = amount_of(above);
	return policy_wants_signature(&asset, amount_of(units));
}

static void more_than_the_threshold_wants_a_signature(void **state)
{
	(void)state;
	assert_false(wants_signature(500, 500));
	assert_true(wants_signature(501, 500));
	assert_false(wants_signature(UINT64_MAX, 0)); /* zero: no threshold */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_asset_matches_in_all_it_says),
		cmocka_unit_test(both_bounds_are_allowed),
		cmocka_unit_test(native_to_burning_contract_and_others_who_are_never_paid),
		cmocka_unit_test(the_signers_limit_for_one_payment),
		cmocka_unit_test(more_than_the_threshold_wants_a_signature),
	};
	return cmocka_run_group_tests_name("core/policy", tests, NULL, NULL);
}
