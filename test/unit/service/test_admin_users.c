/* Users as the people who run Sluice make and change them, on a real store. */
#include "../../contract/store_fixture.h"

#include "adapter/password_argon2.h"
#include "service/admin/sessions.h"

static const uint8_t key_bytes[32] = { 1, 2, 3 };
static const uint8_t other_bytes[32] = { 4, 5, 6 };
static const struct mac_keys grants = { .keys = { { .id = 1, .key = key_bytes } }, .len = 1 };
static const struct mac_keys stranger = { .keys = { { .id = 1, .key = other_bytes } }, .len = 1 };

#define PASSWORD "correct horse battery"

struct desk {
	struct password_argon2 hasher;
	struct admin_users admin;
};

static struct admin_users *desk_init(struct desk *desk, struct fixture *f)
{
	password_argon2_init(&desk->hasher);
	desk->hasher.memory_kib = 64;
	desk->hasher.passes = 1;
	desk->admin = (struct admin_users){ .store = f->store,
					    .entropy = &f->entropy,
					    .identity_keys = &grants,
					    .hasher = &desk->hasher.base,
					    .by = { .who = "test", .name = "test" } };
	return &desk->admin;
}

static bool is_password(const struct admin_users *admin, const struct store_user *user,
			const char *password)
{
	bool is_equal = false, is_weak = false;
	struct err err;
	assert_true(password_verify(admin->hasher, str_from(password), user->password, &is_equal,
				    &is_weak, &err));
	return is_equal;
}

static struct store_user create(const struct admin_users *admin, const char *name)
{
	struct store_user user;
	MUST(admin_user_create, admin, name, "acme", USER_ROLE_ADMIN, STR(PASSWORD), 1000, &user);
	return user;
}

static void a_user_is_made(void **state)
{
	struct fixture *f = *state;
	struct desk desk;
	struct admin_users *admin = desk_init(&desk, f);
	struct store_user user = create(admin, "ann.b-c@d"), row;
	bool found = false;
	MUST(store_user_find, f->store, STR("ann.b-c@d"), &row, &found);
	assert_true(found && store_user_is_sealed(&grants, &row));
	assert_false(store_user_is_sealed(&stranger, &row));
	assert_memory_equal(&row, &user, sizeof row);
	assert_int_equal(row.role, USER_ROLE_ADMIN);
	assert_string_equal(row.account, "acme");
	assert_int_equal(row.totp, TOTP_NONE);
	assert_true(is_password(admin, &row, PASSWORD));
	assert_false(is_password(admin, &row, PASSWORD "."));
}

static void bad_names_and_passwords_are_refused(void **state)
{
	static const char *const names[] = {
		"", "ann b", "ann\n", "\xc3\xa9ve", "ann/ben", "a\"b"
	};
	struct desk desk;
	struct admin_users *admin = desk_init(&desk, *state);
	struct store_user user;
	char longer[PASSWORD_LEN_MAX + 2] = { 0 };
	memset(longer, 'x', sizeof longer - 1);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		MUST_FAIL(ERR_REFUSED, admin_user_create, admin, names[i], "", USER_ROLE_VIEWER,
			  STR(PASSWORD), 1, &user);
	MUST_FAIL(ERR_REFUSED, admin_user_create, admin, "ann", "a b", USER_ROLE_VIEWER,
		  STR(PASSWORD), 1, &user);
	MUST_FAIL(ERR_REFUSED, admin_user_create, admin, "ann", "", USER_ROLE_VIEWER,
		  STR("elevenbytes"), 1, &user);
	MUST_FAIL(ERR_REFUSED, admin_user_create, admin, "ann", "", USER_ROLE_VIEWER,
		  str_from(longer), 1, &user);
	MUST_FAIL(ERR_REFUSED, admin_user_create, admin, "ann", "", USER_ROLE_VIEWER,
		  STR("\xff\xfe twelve bytes"), 1, &user);
	(void)create(admin, "ann");
	MUST_FAIL(ERR_REFUSED, admin_user_create, admin, "ann", "", USER_ROLE_VIEWER, STR(PASSWORD),
		  1, &user);
}

/* Each of them ends what the user has begun. */
static void changes_raise_the_generation(void **state)
{
	struct desk desk;
	struct fixture *f = *state;
	struct admin_users *admin = desk_init(&desk, f);
	struct store_user user = create(admin, "ann");
	MUST(admin_user_reset_password, admin, "ann", STR("another password"), 5, &user);
	assert_int_equal(user.generation, 2);
	assert_true(is_password(admin, &user, "another password"));
	assert_false(is_password(admin, &user, PASSWORD));
	MUST(admin_user_reset_totp, admin, "ann", 6, &user);
	assert_int_equal(user.generation, 3);
	MUST(admin_user_disable, admin, "ann", 7, &user);
	assert_int_equal(user.generation, 4);
	assert_int_equal(user.disabled_at, 7);
	MUST(admin_user_disable, admin, "ann", 8, &user);
	assert_int_equal(user.generation, 4);
	assert_int_equal(user.disabled_at, 7);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM audit WHERE action IN "
					   "('user_created', 'user_password_reset', "
					   "'user_totp_reset', 'user_disabled') AND who = 'test'"),
			 4);
	MUST_FAIL(ERR_REFUSED, admin_user_disable, admin, "ben", 9, &user);
}

/* Somebody who edits the store does not get an edit sealed by the next command. */
static void an_edited_user_is_not_changed(void **state)
{
	struct desk desk;
	struct fixture *f = *state;
	struct admin_users *admin = desk_init(&desk, f);
	struct store_user user = create(admin, "ann");
	static struct store_user all[4];
	static bool sealed[4];
	size_t len = 0;
	(void)create(admin, "ben");
	fixture_edit(f, "UPDATE users SET account = '' WHERE name = 'ann'");
	MUST_FAIL(ERR_REFUSED, admin_user_reset_password, admin, "ann", STR(PASSWORD), 5, &user);
	MUST_FAIL(ERR_REFUSED, admin_user_reset_totp, admin, "ann", 5, &user);
	MUST_FAIL(ERR_REFUSED, admin_user_disable, admin, "ann", 5, &user);
	MUST(admin_users_list, admin, "", all, sealed, 4, &len);
	assert_int_equal(len, 2);
	assert_false(sealed[0]);
	assert_true(sealed[1]);
}

static void refuses_code(bool ok, const struct err *err, const char *code)
{
	assert_false(ok);
	assert_non_null(err->code);
	assert_string_equal(err->code, code);
}

static void idor_a_tenant_reaches_its_own_users_alone(void **state)
{
	struct desk desk;
	struct admin_users *admin = desk_init(&desk, *state);
	struct store_user user;
	struct err err = { 0 };
	(void)create(admin, "ann");
	admin->by.account = "acme2";
	for (size_t i = 0; i < 2; i++) {
		const char *account = i == 0 ? "" : "acme";
		refuses_code(admin_user_create(admin, "ben", account, USER_ROLE_VIEWER,
					       STR(PASSWORD), 2000, &user, &err),
			     &err, "account_forbidden");
	}
	refuses_code(admin_user_disable(admin, "ann", 2000, &user, &err), &err, "user_unknown");
	refuses_code(admin_user_set_role(admin, "ann", USER_ROLE_VIEWER, 2000, &user, &err), &err,
		     "user_unknown");
	refuses_code(admin_user_reset_totp(admin, "ann", 2000, &user, &err), &err, "user_unknown");
	refuses_code(admin_user_end_sessions(admin, "ann", 2000, &user, &err), &err,
		     "user_unknown");
	refuses_code(admin_user_reset_password(admin, "ann", STR(PASSWORD), 2000, &user, &err),
		     &err, "user_unknown");
}

static void scope_missing_nobody_is_left_without_an_admin(void **state)
{
	struct desk desk;
	struct admin_users *admin = desk_init(&desk, *state);
	struct store_user user;
	struct err err = { 0 };
	(void)create(admin, "of-acme"); /* an admin of one account is none of all */
	MUST(admin_user_create, admin, "ann", "", USER_ROLE_ADMIN, STR(PASSWORD), 1000, &user);
	MUST(admin_user_create, admin, "ben", "", USER_ROLE_ADMIN, STR(PASSWORD), 1000, &user);
	admin->by.person = "carl";
	MUST(admin_user_disable, admin, "ann", 2000, &user);
	refuses_code(admin_user_disable(admin, "ben", 2000, &user, &err), &err, "last_admin");
	refuses_code(admin_user_set_role(admin, "ben", USER_ROLE_VIEWER, 2000, &user, &err), &err,
		     "last_admin");
	admin->by.person = "BEN";
	refuses_code(admin_user_disable(admin, "ben", 2000, &user, &err), &err, "own_user");
	admin->by.person = NULL; /* on a host people can */
	MUST(admin_user_disable, admin, "ben", 2000, &user);
}

/* Where admins are an identity provider's alone there is no admin here who could be left: what a
 * person does to somebody else waits for none. */
static void others_are_disabled_where_no_admin_is_ours(void **state)
{
	struct desk desk;
	struct admin_users *admin = desk_init(&desk, *state);
	struct store_user user;
	struct err err = { 0 };
	static const enum user_role roles[] = { USER_ROLE_OPERATOR, USER_ROLE_VIEWER };
	MUST(admin_user_create, admin, "olga", "", USER_ROLE_OPERATOR, STR(PASSWORD), 1000, &user);
	MUST(admin_user_create, admin, "tess", "acme", USER_ROLE_ADMIN, STR(PASSWORD), 1000, &user);
	admin->by.person = "idp:carl";
	for (size_t i = 0; i < COUNT_OF(roles); i++) {
		enum user_role role = roles[COUNT_OF(roles) - 1 - i];
		MUST(admin_user_set_role, admin, "olga", role, 2000, &user);
		assert_int_equal(user.role, role);
	}
	MUST(admin_user_disable, admin, "olga", 2000, &user);
	MUST(admin_user_disable, admin, "tess", 2000, &user);
	/* An admin of ours is one who has to be left. */
	admin->by.person = NULL;
	MUST(admin_user_create, admin, "ann", "", USER_ROLE_ADMIN, STR(PASSWORD), 1000, &user);
	admin->by.person = "idp:carl";
	refuses_code(admin_user_disable(admin, "ann", 2000, &user, &err), &err, "last_admin");
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

#define ENDS_AT          INT64_C(4000000000000) /* far ahead: what has ended long ago goes */

static struct store_session begun(struct fixture *f, const struct store_user *user, uint8_t number)
{
	struct store_by by = fixture_by(f, ACTOR_API);
	struct store_session session = { .id = { { number } },
					 .user = user->id,
					 .generation = user->generation,
					 .version = 1,
					 .created_at = number,
					 .refreshed_at = number,
					 .expires_at = ENDS_AT,
					 .peer = "10.0.0.1" };
	struct store_session_change change = { .session = &session, .action = "session_began" };
	store_session_seal(&grants, &session);
	MUST(store_session_change, f->store, &change, &by);
	assert_true(change.applied);
	return session;
}

static void idor_sessions_are_ended_by_who_reaches_their_user(void **state)
{
	struct fixture *f = *state;
	struct desk desk, theirs;
	struct admin_users *admin = desk_init(&desk, f), *stranger_of = desk_init(&theirs, f);
	struct store_user user = create(admin, "ann");
	struct store_session first = begun(f, &user, 1), second = begun(f, &user, 2), row;
	struct store_session rows[SESSIONS_MAX];
	size_t len = 0, broken = 0;
	struct err err = { 0 };
	admin->by.account = "acme";
	stranger_of->by.account = "zeta";
	assert_false(admin_session_end(stranger_of, first.id, 5000, &row, &err));
	assert_string_equal(err.code, "session_unknown");
	assert_false(admin_sessions_list(stranger_of, "ann", 5000, rows, &len, &broken, &err));
	assert_string_equal(err.code, "user_unknown");
	MUST(admin_sessions_list, admin, "ann", 5000, rows, &len, &broken);
	assert_int_equal(len, 2);
	MUST(admin_session_end, admin, first.id, 5000, &row);
	assert_int_equal(row.revoked_at, 5000);
	assert_false(admin_session_end(admin, first.id, 5001, &row, &err));
	assert_string_equal(err.code, "session_unknown");
	MUST(admin_sessions_list, admin, "ann", 5000, rows, &len, &broken);
	assert_int_equal(len, 1);
	assert_true(id_equal(rows[0].id, second.id));
	/* Edited: it opens nothing, and is nobody's to end. */
	fixture_edit(f, "UPDATE sessions SET expires_at = expires_at + 1");
	MUST(admin_sessions_list, admin, "ann", 5000, rows, &len, &broken);
	assert_int_equal(len, 0);
	assert_int_equal(broken, 1);
	assert_false(admin_session_end(admin, second.id, 5000, &row, &err));
	assert_string_equal(err.code, "session_unknown");
	/* Of an older generation, or over. */
	struct store_session third = begun(f, &user, 3);
	assert_false(admin_session_end(admin, third.id, ENDS_AT, &row, &err));
	MUST(admin_user_end_sessions, admin, "ann", 6000, &user);
	assert_false(admin_session_end(admin, third.id, 6000, &row, &err));
	MUST(admin_sessions_list, admin, "ann", 6000, rows, &len, &broken);
	assert_int_equal(len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_user_is_made),
		STORE_TEST(bad_names_and_passwords_are_refused),
		STORE_TEST(changes_raise_the_generation),
		STORE_TEST(an_edited_user_is_not_changed),
		STORE_TEST(idor_a_tenant_reaches_its_own_users_alone),
		STORE_TEST(idor_sessions_are_ended_by_who_reaches_their_user),
		STORE_TEST(scope_missing_nobody_is_left_without_an_admin),
		STORE_TEST(others_are_disabled_where_no_admin_is_ours),
	};
	return cmocka_run_group_tests_name("service/admin_users", tests, NULL, NULL);
}
