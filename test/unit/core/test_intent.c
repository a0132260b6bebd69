#include "core/intent.h"

#include "../testing.h"

static const uint8_t old_key[32] = { 1 };
static const uint8_t new_key[32] = { 2 };
static const struct id deployment = { { 5 } };

static const struct mac_keys keys = { .keys = { { 2, new_key }, { 1, old_key } }, .len = 2 };
static const struct mac_keys old_keys = { .keys = { { 1, old_key } }, .len = 1 };
static const struct mac_keys new_keys = { .keys = { { 2, new_key } }, .len = 1 };

static struct intent intent_new(void)
{
	return (struct intent){ .id = { { 7 } },
				.account = "acme",
				.chain_id = 137,
				.asset = "USDC",
				.contract = { { 3 } },
				.decimals = 6,
				.to = { { 2 } },
				.amount = { u256_from_u64(100) },
				.key_hash = { 4 },
				.external_id = "order-1",
				.fingerprint = { 6 },
				.created_at = 1000,
				.created_by = "key-1",
				.key_owner = "olga" };
}

/* What was made under the old key verifies while the old key is held, and no longer. */
static void keys_are_changed_without_a_gap(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	struct mac_tag old_tag = intent_mac_make(&old_keys, deployment, &intent);
	struct mac_tag tag = intent_mac_make(&keys, deployment, &intent);
	assert_int_equal(tag.key_id, 2);
	assert_true(intent_mac_verify(&keys, deployment, &intent, &old_tag));
	assert_true(intent_mac_verify(&keys, deployment, &intent, &tag));
	assert_true(intent_mac_verify(&new_keys, deployment, &intent, &tag));
	assert_false(intent_mac_verify(&new_keys, deployment, &intent, &old_tag));
	/* A tag does not choose its key by its bytes alone. */
	old_tag.key_id = 2;
	assert_false(intent_mac_verify(&keys, deployment, &intent, &old_tag));
	struct mac_tag none = { .key_id = 0 };
	assert_false(intent_mac_verify(&keys, deployment, &intent, &none));
	struct mac_keys nothing = { .len = 0 };
	assert_false(intent_mac_verify(&nothing, deployment, &intent, &tag));
	assert_aborts((void)intent_mac_make(&nothing, deployment, &intent));
}

/* Every column of the intent is under its MAC: one that is not could be edited. */
static void every_column_is_under_the_mac(void **state)
{
	(void)state;
	struct intent changed[16];
	size_t n = 0;
	for (size_t i = 0; i < COUNT_OF(changed); i++)
		changed[i] = intent_new();
	changed[n++].id.bytes[15] = 1;
	changed[n++].account[0] = 'b';
	changed[n++].chain_id = 1;
	changed[n++].is_native = true;
	changed[n++].asset[0] = 'u';
	changed[n++].contract.bytes[19] = 1;
	changed[n++].decimals = 18;
	changed[n++].to.bytes[19] = 1;
	changed[n++].amount.units = u256_from_u64(101);
	changed[n++].key_hash[15] = 1;
	changed[n++].external_id[0] = 0;
	changed[n++].fingerprint[31] = 1;
	changed[n++].created_at = 1001;
	changed[n++].created_by[0] = 0;
	changed[n++].key_owner[0] = 0;
	/* Nothing moves from one column to its neighbour. */
	memcpy(changed[n].account, "acm", sizeof "acm");
	memcpy(changed[n++].asset, "eUSDC", sizeof "eUSDC");
	assert_int_equal(n, COUNT_OF(changed));
	struct intent intent = intent_new();
	struct mac_tag tag = intent_mac_make(&keys, deployment, &intent);
	for (size_t i = 0; i < n; i++)
		if (intent_mac_verify(&keys, deployment, &changed[i], &tag))
			fail_msg("change %zu is not seen", i);
	assert_false(intent_mac_verify(&keys, (struct id){ { 6 } }, &intent, &tag));
}

static void an_approval_is_of_one_intent(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	struct approval approval = { .policy_version = 1, .approved_at = 10, .expires_at = 20 };
	struct mac_tag mac = intent_mac_make(&keys, deployment, &intent);
	struct mac_tag tag = approval_mac_make(&keys, &intent, &mac, &approval);
	assert_true(approval_mac_verify(&keys, &intent, &mac, &approval, &tag));
	struct approval longer = approval;
	longer.expires_at++;
	assert_false(approval_mac_verify(&keys, &intent, &mac, &longer, &tag));
	/* Judged with another amount, and put back: the intent's MAC is the same. */
	struct intent judged = intent;
	judged.amount.units = u256_from_u64(1);
	struct mac_tag other = approval_mac_make(&keys, &judged, &mac, &approval);
	assert_false(approval_mac_verify(&keys, &intent, &mac, &approval, &other));
	intent.amount.units = u256_from_u64(101);
	mac = intent_mac_make(&keys, deployment, &intent);
	assert_false(approval_mac_verify(&keys, &intent, &mac, &approval, &tag));
}

static void a_row_is_of_one_table(void **state)
{
	(void)state;
	struct mac_tag tag = row_mac_make(&keys, "api_keys", STR("fields"));
	assert_true(row_mac_verify(&keys, "api_keys", STR("fields"), &tag));
	assert_false(row_mac_verify(&keys, "users", STR("fields"), &tag));
	assert_false(row_mac_verify(&keys, "api_keys", STR("field"), &tag));
}

/* The right to be paid is the account's and its key's, whatever else the row says. */
static void a_pay_tag_is_of_account_and_key(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	uint8_t tag[32], other[32];
	pay_tag_make(old_key, &intent, tag);
	intent.id.bytes[0] = 8;
	intent.amount.units = u256_from_u64(101);
	pay_tag_make(old_key, &intent, other);
	assert_memory_equal(tag, other, sizeof tag);
	intent.key_hash[0] = 5;
	pay_tag_make(old_key, &intent, other);
	assert_memory_not_equal(tag, other, sizeof tag);
}

static void a_key_is_of_its_account(void **state)
{
	(void)state;
	uint8_t hash[KEY_HASH_BYTES], other[KEY_HASH_BYTES];
	key_hash_make("acme", STR("order-1"), hash);
	key_hash_make("acm", STR("eorder-1"), other);
	assert_memory_not_equal(hash, other, sizeof hash);
	key_hash_make("acme", STR("Order-1"), other);
	assert_memory_not_equal(hash, other, sizeof hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_changed_without_a_gap),
		cmocka_unit_test(every_column_is_under_the_mac),
		cmocka_unit_test(an_approval_is_of_one_intent),
		cmocka_unit_test(a_row_is_of_one_table),
		cmocka_unit_test(a_pay_tag_is_of_account_and_key),
		cmocka_unit_test(a_key_is_of_its_account),
	};
	return cmocka_run_group_tests_name("core/intent", tests, NULL, NULL);
}
