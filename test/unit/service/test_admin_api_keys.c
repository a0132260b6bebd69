/* API keys as people make and revoke them, on a real store. */
#include "../../contract/store_fixture.h"

#include "base/hash.h"
#include "port/store_api_key.h"
#include "service/admin/api_keys.h"

#include <string.h>

static const uint8_t key_bytes[32] = { 1, 2, 3 };
static const uint8_t other_bytes[32] = { 4, 5, 6 };
static const struct mac_keys grants = { .keys = { { .id = 1, .key = key_bytes } }, .len = 1 };
static const struct mac_keys stranger = { .keys = { { .id = 1, .key = other_bytes } }, .len = 1 };

static struct admin_api_keys admin_of(struct fixture *fixture)
{
	return (struct admin_api_keys){ .store = fixture->store,
					.entropy = &fixture->entropy,
					.identity_keys = &grants,
					.by = { .who = "test", .name = "test" } };
}

#define DEFAULT_SCOPES PERMISSION_BIT(PERMISSION_WITHDRAWALS_READ)
#define WISH(who)      { .account = "default", .name = who, .scopes = DEFAULT_SCOPES, .ranges = "" }
static const struct admin_api_key_wish shop_wish = WISH("shop"), same_wish = WISH("same");

static void a_key_is_made_and_found_by_its_hash(void **state)
{
	struct fixture *fixture = *state;
	struct admin_api_keys admin = admin_of(fixture);
	struct store_api_key key, row;
	struct secret text;
	struct str id, secret;
	uint8_t hash[SHA256_BYTES];
	bool found = false;
	MUST(admin_api_key_create, &admin, &shop_wish, 1000, &text, &key);
	assert_int_equal(text.len, API_KEY_TEXT_LEN);
	assert_true(api_key_read(str_from_bytes(text.at, text.len), &id, &secret));
	assert_true(str_equal_text(id, key.id));
	api_key_hash(secret, hash);
	MUST(store_api_key_load, fixture->store, key.id, &row, &found);
	assert_true(found);
	assert_memory_equal(row.secret_hash, hash, sizeof hash);
	assert_string_equal(row.account, "default");
	assert_string_equal(row.name, "shop");
	assert_string_equal(row.created_by, "test");
	assert_int_equal(row.created_at, 1000);
	assert_int_equal(row.revoked_at, 0);
	assert_true(store_api_key_is_sealed(&grants, &row));
	assert_false(store_api_key_is_sealed(&stranger, &row));
	secret_free(&text);
}

static void two_keys_have_nothing_in_common(void **state)
{
	struct admin_api_keys admin = admin_of(*state);
	struct store_api_key one, two;
	struct secret one_text, two_text;
	MUST(admin_api_key_create, &admin, &same_wish, 1000, &one_text, &one);
	MUST(admin_api_key_create, &admin, &same_wish, 1000, &two_text, &two);
	assert_string_not_equal(one.id, two.id);
	assert_memory_not_equal(one.secret_hash, two.secret_hash, sizeof one.secret_hash);
	secret_free(&one_text);
	secret_free(&two_text);
}

static void a_revocation_is_for_ever(void **state)
{
	struct admin_api_keys admin = admin_of(*state);
	struct store_api_key key, row;
	struct secret text;
	MUST(admin_api_key_create, &admin, &shop_wish, 1000, &text, &key);
	secret_free(&text);
	MUST(admin_api_key_revoke, &admin, key.id, 2000, &row);
	assert_int_equal(row.revoked_at, 2000);
	MUST(admin_api_key_revoke, &admin, key.id, 3000, &row);
	assert_int_equal(row.revoked_at, 2000);
	assert_true(store_api_key_is_sealed(&grants, &row));
	MUST_FAIL(ERR_REFUSED, admin_api_key_revoke, &admin, "0000000000000000", 2000, &row);
}

/* Whoever can write the table cannot make a key of another account out of his own. */
static void an_edited_row_is_shown_and_not_sealed_again(void **state)
{
	struct fixture *fixture = *state;
	struct admin_api_keys admin = admin_of(fixture);
	static struct store_api_key keys[4];
	static bool sealed[4];
	struct store_by by = { .actor = ACTOR_PERSON, .who = "thief", .request_id = "" };
	struct store_api_key key, row;
	struct secret text;
	size_t len = 0;
	MUST(admin_api_key_create, &admin, &shop_wish, 1000, &text, &key);
	secret_free(&text);
	row = key;
	snprintf(row.account, sizeof row.account, "other");
	struct store_api_key_change edit = { .before = key.mac, .key = &row, .action = "edit" };
	MUST(store_api_key_change, fixture->store, &edit, &by);
	assert_true(edit.applied);
	MUST(admin_api_keys_list, &admin, "", keys, sealed, 4, &len);
	assert_int_equal(len, 1);
	assert_false(sealed[0]);
	assert_string_equal(keys[0].account, "other");
	MUST_FAIL(ERR_REFUSED, admin_api_key_revoke, &admin, key.id, 2000, &row);
}

static void names_and_accounts_are_checked(void **state)
{
	static const char *const bad_names[] = { "", "a\nb", "\x7f", "\xc3",
						 "0123456789012345678901234567890123456789012345678"
						 "9012345678901234" };
	static const char *const bad_accounts[] = { "", "a b", "a/b", "\xc3\xa4",
						    "0123456789012345678901234567890123456789012345"
						    "6789012345678901234" };
	struct admin_api_keys admin = admin_of(*state);
	static struct store_api_key keys[4];
	static bool sealed[4];
	struct store_api_key key;
	struct secret text;
	size_t len = 1;
	struct admin_api_key_wish wish = shop_wish;
	for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++) {
		wish.name = bad_names[i];
		MUST_FAIL(ERR_REFUSED, admin_api_key_create, &admin, &wish, 1000, &text, &key);
	}
	wish = shop_wish;
	for (size_t i = 0; i < sizeof bad_accounts / sizeof bad_accounts[0]; i++) {
		wish.account = bad_accounts[i];
		MUST_FAIL(ERR_REFUSED, admin_api_key_create, &admin, &wish, 1000, &text, &key);
	}
	MUST(admin_api_keys_list, &admin, "", keys, sealed, 4, &len);
	assert_int_equal(len, 0);
}

static void a_key_holds_what_a_key_can(void **state)
{
	struct admin_api_keys admin = admin_of(*state);
	struct admin_api_key_wish wish = shop_wish;
	struct store_api_key key;
	struct secret text;
	wish.scopes = 0;
	MUST_FAIL(ERR_REFUSED, admin_api_key_create, &admin, &wish, 1000, &text, &key);
	for (int i = PERMISSION_PUBLIC + 1; i < PERMISSION_COUNT; i++) {
		wish.scopes = DEFAULT_SCOPES | PERMISSION_BIT(i);
		if (permission_set_has(permissions_of_keys(), (enum permission)i)) {
			MUST(admin_api_key_create, &admin, &wish, 1000, &text, &key);
			assert_int_equal(key.scopes, wish.scopes);
			secret_free(&text);
		} else {
			MUST_FAIL(ERR_REFUSED, admin_api_key_create, &admin, &wish, 1000, &text,
				  &key);
		}
	}
	wish = shop_wish;
	wish.expires_at = 1000;
	MUST_FAIL(ERR_REFUSED, admin_api_key_create, &admin, &wish, 1000, &text, &key);
	static const char *const bad_ranges[] = { "10.0.0.1/8", "here", "10.0.0.0/8,::1" };
	wish = shop_wish;
	for (size_t i = 0; i < sizeof bad_ranges / sizeof *bad_ranges; i++) {
		wish.ranges = bad_ranges[i];
		MUST_FAIL(ERR_REFUSED, admin_api_key_create, &admin, &wish, 1000, &text, &key);
	}
	wish.ranges = "192.0.2.1 2001:DB8::/32";
	MUST(admin_api_key_create, &admin, &wish, 1000, &text, &key);
	assert_string_equal(key.ranges, "192.0.2.1/32 2001:db8::/32");
	secret_free(&text);
}

static void a_rotation_makes_another_and_ends_the_old_one(void **state)
{
	struct fixture *fixture = *state;
	struct admin_api_keys admin = admin_of(fixture);
	struct admin_api_key_wish wish = shop_wish;
	struct store_api_key first, old, next, row;
	struct secret text;
	bool found = false;
	wish.ranges = "10.0.0.0/8";
	wish.expires_at = 10000;
	MUST(admin_api_key_create, &admin, &wish, 1000, &text, &first);
	secret_free(&text);
	admin.by.who = "rita";
	MUST(admin_api_key_rotate, &admin, first.id, 500, 4000, &text, &old, &next);
	secret_free(&text);
	assert_string_equal(old.id, first.id);
	assert_string_equal(old.created_by, "test");
	assert_string_equal(next.created_by, "rita"); /* who has seen its secret */
	assert_int_equal(old.expires_at, 4500);
	assert_int_equal(old.revoked_at, 0);
	assert_memory_equal(old.secret_hash, first.secret_hash, sizeof old.secret_hash);
	assert_string_not_equal(next.id, first.id);
	assert_memory_not_equal(next.secret_hash, first.secret_hash, sizeof old.secret_hash);
	assert_string_equal(next.account, "default");
	assert_string_equal(next.name, "shop");
	assert_string_equal(next.ranges, "10.0.0.0/8");
	assert_int_equal(next.scopes, first.scopes);
	assert_int_equal(next.expires_at, 4000 + 9000);
	MUST(store_api_key_load, fixture->store, next.id, &row, &found);
	assert_true(found && store_api_key_is_sealed(&grants, &row));
	MUST(store_api_key_load, fixture->store, old.id, &row, &found);
	assert_true(found && store_api_key_is_sealed(&grants, &row));
	assert_int_equal(row.expires_at, 4500);
	assert_int_equal(fixture_number(fixture, "SELECT COUNT(*) FROM audit WHERE action IN "
						 "('api_key_rotated', 'api_key_created')"),
			 3);

	/* An overlap does not make the old one live longer; what has ended is not rotated. */
	MUST(admin_api_key_rotate, &admin, first.id, 90000, 4400, &text, &old, &next);
	secret_free(&text);
	assert_int_equal(old.expires_at, 4500);
	MUST_FAIL(ERR_REFUSED, admin_api_key_rotate, &admin, first.id, 0, 4500, &text, &old, &next);
	MUST(admin_api_key_revoke, &admin, next.id, 5000, &row);
	MUST_FAIL(ERR_REFUSED, admin_api_key_rotate, &admin, next.id, 0, 5000, &text, &old, &row);
	MUST_FAIL(ERR_REFUSED, admin_api_key_rotate, &admin, "0000000000000000", 0, 5000, &text,
		  &old, &row);
}

static void a_key_is_of_an_account_that_is_there(void **state)
{
	struct fixture *fixture = *state;
	struct admin_api_keys admin = admin_of(fixture);
	struct admin_accounts accounts = { fixture->store, &grants, admin.by };
	struct store_account account;
	struct store_api_key key;
	struct secret text;
	struct err err = { 0 };
	bool declared = false;
	admin.declared = &declared;
	admin.accounts = ADMIN_ACCOUNT_KNOWN;
	assert_false(admin_api_key_create(&admin, &shop_wish, 1000, &text, &key, &err));
	assert_string_equal(err.code, "account_unknown");
	admin.accounts = ADMIN_ACCOUNT_DECLARE;
	for (int i = 0; i < 2; i++) {
		MUST(admin_api_key_create, &admin, &shop_wish, 1000, &text, &key);
		secret_free(&text);
		assert_int_equal(declared, i == 0);
	}
	MUST(admin_account_switch, &accounts, "default", true, 2000, &account);
	assert_int_equal(account.disabled_at, 2000);
	MUST(admin_account_switch, &accounts, "default", true, 3000, &account);
	assert_int_equal(account.disabled_at, 2000);
	assert_false(admin_api_key_create(&admin, &shop_wish, 1000, &text, &key, &err));
	assert_string_equal(err.code, "account_disabled");
	/* What somebody edited is none, and is not declared over. */
	fixture_edit(fixture, "UPDATE accounts SET disabled_at = 0");
	assert_false(admin_api_key_create(&admin, &shop_wish, 1000, &text, &key, &err));
	assert_string_equal(err.code, "account_unknown");
	assert_false(admin_account_switch(&accounts, "default", false, 3000, &account, &err));
	assert_string_equal(err.code, "account_unknown");
	accounts.by.account = "acme";
	MUST_FAIL(ERR_REFUSED, admin_account_add, &accounts, "a b", 1000, &account);
}

static void idor_a_tenant_gives_nothing_beyond_its_account(void **state)
{
	struct admin_api_keys admin = admin_of(*state);
	struct store_api_key wide, own, old, next;
	struct secret text;
	struct err err = { 0 };
	struct admin_api_key_wish wish = WISH("wide");
	wish.scopes = PERMISSION_BIT(PERMISSION_WITHDRAWALS_RESOLVE);
	MUST(admin_api_key_create, &admin, &wish, 1000, &text, &wide);
	secret_free(&text);
	admin.by.account = "default";
	assert_false(admin_api_key_create(&admin, &wish, 1000, &text, &next, &err));
	assert_string_equal(err.code, "account_forbidden");
	assert_false(admin_api_key_rotate(&admin, wide.id, 0, 1000, &text, &old, &next, &err));
	assert_string_equal(err.code, "account_forbidden");
	MUST(admin_api_key_create, &admin, &shop_wish, 1000, &text, &own);
	secret_free(&text);
	admin.by.account = "other";
	assert_false(admin_api_key_create(&admin, &shop_wish, 1000, &text, &next, &err));
	assert_string_equal(err.code, "account_forbidden");
	assert_false(admin_api_key_rotate(&admin, own.id, 0, 1000, &text, &old, &next, &err));
	assert_string_equal(err.code, "api_key_unknown");
	assert_false(admin_api_key_revoke(&admin, own.id, 1000, &next, &err));
	assert_string_equal(err.code, "api_key_unknown");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up_bare, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_key_is_made_and_found_by_its_hash),
		TEST(two_keys_have_nothing_in_common),
		TEST(a_revocation_is_for_ever),
		TEST(an_edited_row_is_shown_and_not_sealed_again),
		TEST(names_and_accounts_are_checked),
		TEST(a_key_holds_what_a_key_can),
		TEST(a_rotation_makes_another_and_ends_the_old_one),
		TEST(a_key_is_of_an_account_that_is_there),
		TEST(idor_a_tenant_gives_nothing_beyond_its_account),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
