/* Rows that grant something are sealed with the new key while the old one verifies; a run that ends
 * anywhere is finished by the next one. */
#include "../../contract/fault_db.h"
#include "../../contract/store_fixture.h"

#include "port/store_people.h"
#include "port/store_receivers.h"
#include "service/admin/api_keys.h"
#include "service/admin/rekey.h"

#include <string.h>

#define ROWS_MAX 4096

static const struct store_names all = { "", "" };

static const uint8_t old_bytes[32] = { 1 };
static const uint8_t new_bytes[32] = { 2 };
static const struct mac_keys old_keys = { .keys = { { 1, old_bytes } }, .len = 1 };
static const struct mac_keys both_keys = { .keys = { { 2, new_bytes }, { 1, old_bytes } },
					   .len = 2 };
static const struct mac_keys new_keys = { .keys = { { 2, new_bytes } }, .len = 1 };
static const struct admin_actor actor = { .who = "test", .name = "test" };

#define POLICY  "{\"rules\":[{\"name\":\"all\",\"effect\":\"allow\"}]}"
#define KEYS    3
#define USERS   2
#define ENTRIES 3
#define GOOD    (KEYS - 1 + USERS + 1 + ENTRIES - 1 + 1)

static struct admin_rekey admin_of(struct fixture *fixture)
{
	return (struct admin_rekey){ fixture->store, &fixture->catalogue, &both_keys, &both_keys,
				     actor };
}

static void user_add(struct fixture *fixture, const char *name, uint8_t number)
{
	struct store_by by = admin_by(&actor, FIXTURE_FIRST_MS);
	struct store_user user = { .id = { { 1, number } },
				   .role = USER_ROLE_VIEWER,
				   .created_at = 1000,
				   .generation = 1,
				   .version = 1 };
	snprintf(user.name, sizeof user.name, "%s", name);
	memset(user.password, 'x', PASSWORD_HASH_LEN);
	store_user_seal(&old_keys, &user);
	MUST(store_user_add, fixture->store, &user, &by);
}

static void entry_add(struct fixture *fixture, uint8_t number)
{
	struct store_by by = admin_by(&actor, FIXTURE_FIRST_MS);
	struct store_allow_entry entry = { .account = "default",
					   .chain_id = FIXTURE_CHAIN_ID,
					   .receiver = { { number } },
					   .added_by = "test",
					   .added_at = 1000,
					   .active_at = 2000 };
	bool added = false;
	store_allow_seal(&old_keys, &entry);
	MUST(store_allow_add, fixture->store, &entry, NULL, &by, &added);
	assert_true(added);
}

static void users_make(struct fixture *fixture, uint8_t first, uint8_t n)
{
	for (uint8_t i = first; i < first + n; i++) {
		char name[8];
		(void)snprintf(name, sizeof name, "u%u", i);
		user_add(fixture, name, i);
	}
}

static void keys_make(struct fixture *fixture, int n)
{
	struct admin_api_keys keys = { .store = fixture->store,
				       .entropy = &fixture->entropy,
				       .identity_keys = &old_keys,
				       .by = actor,
				       .accounts = ADMIN_ACCOUNT_DECLARE };
	struct admin_api_key_wish wish = { .account = "default",
					   .name = "shop",
					   .scopes = PERMISSION_BIT(PERMISSION_WITHDRAWALS_READ),
					   .ranges = "" };
	for (int i = 0; i < n; i++) {
		struct store_api_key key;
		struct secret text;
		MUST(admin_api_key_create, &keys, &wish, FIXTURE_FIRST_MS + i, &text, &key);
		secret_free(&text);
	}
}

/* All that grants something, by the old key; one key's row was edited. */
static void rows_make(struct fixture *fixture)
{
	struct admin_policies policies = { .store = fixture->store,
					   .catalogue = &fixture->catalogue,
					   .policy_keys = &old_keys,
					   .by = actor };
	struct store_policy policy;
	keys_make(fixture, KEYS);
	users_make(fixture, 0, USERS);
	MUST(admin_policy_set, &policies, STR(POLICY), FIXTURE_FIRST_MS, &policy);
	for (uint8_t i = 0; i < ENTRIES; i++)
		entry_add(fixture, (uint8_t)(i + 1));
	fixture_edit(fixture, "UPDATE allow_list SET label = 'edited' WHERE receiver = "
			      "x'0100000000000000000000000000000000000000'");
	fixture_edit(fixture, "UPDATE api_keys SET scopes = 4095 WHERE created_at = (SELECT c FROM "
			      "(SELECT MAX(created_at) AS c FROM api_keys) k)");
}

/* How many grant something by the new key alone. */
static size_t good(struct fixture *fixture)
{
	static struct store_api_key keys[ROWS_MAX];
	static struct store_user users[ROWS_MAX];
	struct store_policy policy;
	struct buf document = buf_new(POLICY_DOCUMENT_BYTES_MAX);
	size_t keys_len = 0, users_len = 0, count = 0;
	bool found = false;
	MUST(store_api_keys_list, fixture->store, &all, keys, ROWS_MAX, &keys_len);
	MUST(store_users_list, fixture->store, &all, users, ROWS_MAX, &users_len);
	MUST(store_policy_load, fixture->store, 0, &policy, &document, &found);
	for (size_t i = 0; i < keys_len; i++)
		count += store_api_key_is_sealed(&new_keys, &keys[i]);
	for (size_t i = 0; i < users_len; i++)
		count += store_user_is_sealed(&new_keys, &users[i]);
	struct store_account accounts[2];
	size_t accounts_len = 0;
	MUST(store_accounts_list, fixture->store, accounts, COUNT_OF(accounts), &accounts_len);
	for (size_t i = 0; i < accounts_len; i++)
		count += store_account_is_sealed(&new_keys, &accounts[i]);
	count += store_policy_is_sealed(&new_keys, buf_view(&document), &policy);
	struct store_allow_entry entries[ENTRIES];
	size_t entries_len = 0;
	MUST(store_allow_list, fixture->store, "", NULL, entries, ENTRIES, &entries_len);
	for (size_t i = 0; i < entries_len; i++)
		count += store_allow_is_sealed(&new_keys, &entries[i]);
	buf_free(&document);
	return count;
}

static void all_is_sealed_anew_and_what_was_edited_is_not(void **state)
{
	struct fixture *fixture = *state;
	struct admin_rekey admin = admin_of(fixture);
	struct admin_rekey_report report;
	rows_make(fixture);
	assert_int_equal(good(fixture), 0);
	MUST(admin_rekey, &admin, FIXTURE_FIRST_MS, &report);
	assert_int_equal(report.api_keys.renewed, KEYS - 1);
	assert_int_equal(report.api_keys.void_, 1);
	assert_int_equal(report.users.renewed, USERS);
	assert_int_equal(report.accounts.renewed, 1);
	assert_int_equal(report.policies.renewed, 1);
	assert_int_equal(report.allow_list.renewed, ENTRIES - 1);
	assert_int_equal(report.allow_list.void_, 1);
	assert_int_equal(good(fixture), GOOD);
	MUST(admin_rekey, &admin, FIXTURE_FIRST_MS, &report);
	assert_int_equal(report.api_keys.renewed + report.users.renewed + report.policies.renewed,
			 0);
	assert_int_equal(report.api_keys.current, KEYS - 1);
	assert_int_equal(report.users.current, USERS);
	assert_int_equal(report.policies.current, 1);
	assert_int_equal(report.allow_list.current, ENTRIES - 1);
}

/* However many there are, also of those that nobody uses any more. */
static void all_pages_are_sealed_anew(void **state)
{
	struct fixture *fixture = *state;
	struct admin_rekey admin = admin_of(fixture);
	struct admin_rekey_report report;
	rows_make(fixture);
	keys_make(fixture, 130);
	users_make(fixture, USERS, 130);
	MUST(admin_rekey, &admin, FIXTURE_FIRST_MS, &report);
	assert_int_equal(report.api_keys.renewed, KEYS - 1 + 130);
	assert_int_equal(report.users.renewed, USERS + 130);
	assert_int_equal(good(fixture), GOOD + 260);
}

/* After `replace` the old key is nobody's: what it sealed is not sealed anew. */
static void what_a_leaked_key_sealed_stays_void(void **state)
{
	struct fixture *fixture = *state;
	struct admin_rekey admin = admin_of(fixture);
	struct admin_rekey_report report;
	admin.identity_keys = &new_keys;
	admin.policy_keys = &new_keys;
	rows_make(fixture);
	MUST(admin_rekey, &admin, FIXTURE_FIRST_MS, &report);
	assert_int_equal(report.api_keys.void_, KEYS);
	assert_int_equal(report.users.void_, USERS);
	assert_int_equal(report.accounts.void_, 1);
	assert_int_equal(report.policies.void_, 1);
	assert_int_equal(report.allow_list.void_, ENTRIES);
	assert_int_equal(good(fixture), 0);
}

/* It ends at each commit, without the answer, done or not. */
static void a_run_that_ends_anywhere_is_finished(void **state)
{
	static const enum fault_kind kinds[] = { FAULT_FAIL, FAULT_COMMIT_LOST, FAULT_COMMIT_DONE };
	struct fixture *fixture = *state;
	struct admin_rekey_report report;
	rows_make(fixture);
	uint64_t ended = 0;
	for (uint64_t at = 1; good(fixture) < GOOD; at++) {
		struct db *db = fault_db_open(fixture_connect(fixture));
		struct store *store = fixture_store_over(db);
		struct admin_rekey admin = admin_of(fixture);
		struct err err = { 0 };
		admin.store = store;
		fault_db_plan(db, (struct fault_plan){ .kind = kinds[at % COUNT_OF(kinds)],
						       .where = FAULT_AT_COMMIT,
						       .at = at % 2 + 1 });
		ended += !admin_rekey(&admin, FIXTURE_FIRST_MS, &report, &err);
		store_close(store);
		db_close(db);
		assert_in_range(at, 1, 20);
	}
	assert_true(ended >= 2);
	assert_int_equal(good(fixture), GOOD);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_is_sealed_anew_and_what_was_edited_is_not),
		TEST(all_pages_are_sealed_anew),
		TEST(what_a_leaked_key_sealed_stays_void),
		TEST(a_run_that_ends_anywhere_is_finished),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
