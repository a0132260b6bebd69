#include "port/store_api_key.h"

#include "../testing.h"

static const uint8_t key_a[32] = { 1 };
static const uint8_t key_b[32] = { 2 };

static struct store_api_key sealed_with(const struct mac_keys *keys)
{
	struct store_api_key row = { .id = "0123456789abcdef",
				     .secret_hash = { 9, 9 },
				     .account = "default",
				     .name = "laptop",
				     .created_at = 1700000000000,
				     .scopes = 6,
				     .ranges = "10.0.0.0/8",
				     .created_by = "root" };
	store_api_key_seal(keys, &row);
	return row;
}

static void an_untouched_row_verifies(void **state)
{
	(void)state;
	struct mac_keys keys = { .keys = { { 1, key_a } }, .len = 1 };
	struct store_api_key row = sealed_with(&keys);
	assert_int_equal(row.mac.key_id, 1);
	assert_true(store_api_key_is_sealed(&keys, &row));
	/* After a rotation the old key still verifies, and a stranger's never did. */
	struct mac_keys rotated = { .keys = { { 2, key_b }, { 1, key_a } }, .len = 2 };
	assert_true(store_api_key_is_sealed(&rotated, &row));
	struct mac_keys other = { .keys = { { 1, key_b } }, .len = 1 };
	assert_false(store_api_key_is_sealed(&other, &row));
}

/* Each column, one at a time: whoever edits the row grants nothing by it. */
static void every_column_is_under_the_seal(void **state)
{
	(void)state;
	struct mac_keys keys = { .keys = { { 1, key_a } }, .len = 1 };
	const struct store_api_key row = sealed_with(&keys);
	struct store_api_key edited[16];
	for (size_t i = 0; i < COUNT_OF(edited); i++)
		edited[i] = row;
	edited[0].id[0] = 'f';
	edited[1].secret_hash[31] = 1;
	edited[2].account[0] = 'e';
	edited[3].name[0] = 'L';
	edited[4].created_at++;
	edited[5].revoked_at = 1;
	edited[6].mac.bytes[0] ^= 1;
	edited[7].mac = (struct mac_tag){ 0 };
	/* Text that flows from one column into the next is another row. */
	memcpy(edited[8].account, "defaultl", 9);
	memcpy(edited[8].name, "aptop", 6);
	edited[9].mac.key_id = 2;
	edited[10].expires_at = 1;
	edited[11].scopes = 14;
	edited[12].ranges[0] = 0;
	edited[13].ranges[9] = '7';
	edited[14].created_by[0] = 0;
	memcpy(edited[15].ranges, "10.0.0.0/8r", 12);
	memcpy(edited[15].created_by, "oot", 4);
	for (size_t i = 0; i < COUNT_OF(edited); i++)
		if (store_api_key_is_sealed(&keys, &edited[i]))
			fail_msg("edit %zu goes unnoticed", i);
}

/* Nothing decides by it, so that it can be written without the key of the seal. */
static void the_last_use_is_not(void **state)
{
	(void)state;
	struct mac_keys keys = { .keys = { { 1, key_a } }, .len = 1 };
	struct store_api_key row = sealed_with(&keys);
	row.last_used_at = 5;
	row.last_used_from[0] = '1';
	assert_true(store_api_key_is_sealed(&keys, &row));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_untouched_row_verifies),
		cmocka_unit_test(every_column_is_under_the_seal),
		cmocka_unit_test(the_last_use_is_not),
	};
	return cmocka_run_group_tests_name("port/store_api_key", tests, NULL, NULL);
}
