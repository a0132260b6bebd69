/* Users, sessions and used tokens as rows: written by compare-and-set, whole or not at all. */
#include "store_fixture.h"

#include "port/store_account.h"
#include "port/store_people.h"

static const struct store_names all = { "", "" };

static const uint8_t key_bytes[32] = { 1, 2, 3 };
static const struct mac_keys grants = { .keys = { { .id = 1, .key = key_bytes } }, .len = 1 };

static struct id id_of(uint8_t number)
{
	const uint8_t random[10] = { number, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	return id_make(FIXTURE_FIRST_MS + number, random);
}

static struct store_user user_of(uint8_t number, const char *name)
{
	struct store_user user;
	memset(&user, 0, sizeof user);
	user.id = id_of(number);
	snprintf(user.name, sizeof user.name, "%s", name);
	snprintf(user.account, sizeof user.account, "acme");
	snprintf(user.password, sizeof user.password, "$argon2id$v=19$%s", name);
	user.role = USER_ROLE_APPROVER;
	user.created_at = 100;
	user.generation = user.version = 1;
	user.totp = TOTP_PENDING;
	memset(user.totp_seed, 0x5e, sizeof user.totp_seed);
	store_user_seal(&grants, &user);
	return user;
}

static struct store_user user_add(struct fixture *f, uint8_t number, const char *name)
{
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct store_user user = user_of(number, name);
	MUST(store_user_add, f->store, &user, &by);
	return user;
}

static struct store_session session_of(uint8_t number, struct id user)
{
	struct store_session session;
	memset(&session, 0, sizeof session);
	session.id = id_of(number);
	session.user = user;
	session.generation = session.version = 1;
	session.created_at = session.refreshed_at = FIXTURE_FIRST_MS;
	session.expires_at = FIXTURE_FIRST_MS + 1000;
	memset(session.refresh_hash, number, sizeof session.refresh_hash);
	snprintf(session.peer, sizeof session.peer, "2001:db8::%u", number);
	store_session_seal(&grants, &session);
	return session;
}

static bool session_write(struct fixture *f, const struct store_session *session,
			  uint64_t user_version, int64_t step, const uint8_t *used)
{
	struct store_by by = fixture_by(f, ACTOR_API);
	struct store_session_change change = { .session = session,
					       .version = session->version - 1,
					       .user_version = user_version,
					       .totp_step = step,
					       .used_token = used,
					       .action = "session_test" };
	MUST(store_session_change, f->store, &change, &by);
	return change.applied;
}

static struct store_session session_add(struct fixture *f, uint8_t number, struct id user)
{
	struct store_session session = session_of(number, user);
	assert_true(session_write(f, &session, 1, 0, NULL));
	return session;
}

static bool user_write(struct fixture *f, struct store_user *user, int64_t step)
{
	struct store_by by = fixture_by(f, ACTOR_API);
	struct store_user_change change = {
		.user = user, .version = user->version, .totp_step = step, .action = "user_test"
	};
	user->version++;
	store_user_seal(&grants, user);
	MUST(store_user_change, f->store, &change, &by);
	return change.applied;
}

static void assert_user_is(struct fixture *f, const struct store_user *expected)
{
	struct store_user user, named;
	bool found = false, is_named = false;
	MUST(store_user_load, f->store, expected->id, &user, &found);
	MUST(store_user_find, f->store, str_from(expected->name), &named, &is_named);
	assert_true(found && is_named);
	assert_memory_equal(&user, expected, sizeof user);
	assert_memory_equal(&named, expected, sizeof named);
	assert_true(store_user_is_sealed(&grants, &user));
}

static void users_are_added_changed_and_listed(void **state)
{
	struct fixture *f = *state;
	struct store_user ben = user_add(f, 1, "ben"), ann = user_add(f, 2, "ann"), read[4];
	bool found = true;
	size_t len = 0;
	assert_user_is(f, &ben);
	ben.disabled_at = 500;
	ben.role = USER_ROLE_VIEWER;
	ben.generation = 7;
	assert_true(user_write(f, &ben, 0));
	assert_user_is(f, &ben);
	assert_user_is(f, &ann);
	MUST(store_users_list, f->store, &all, read, 4, &len);
	assert_int_equal(len, 2);
	assert_string_equal(read[0].name, "ann");
	assert_memory_equal(&read[1], &ben, sizeof ben);
	MUST(store_users_list, f->store, &all, read, 1, &len);
	assert_int_equal(len, 1);
	MUST(store_users_list, f->store, (&(struct store_names){ "", "ann" }), read, 4, &len);
	assert_int_equal(len, 1);
	assert_string_equal(read[0].name, "ben");
	MUST(store_users_list, f->store, (&(struct store_names){ "nobody", "" }), read, 4, &len);
	assert_int_equal(len, 0);
	MUST(store_user_find, f->store, STR("Ann"), read, &found);
	assert_false(found);
	MUST(store_user_find, f->store, STR("ann\0x"), read, &found);
	assert_false(found);
	MUST(store_user_load, f->store, id_of(9), read, &found);
	assert_false(found);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM audit WHERE action LIKE 'user_%'"),
			 3);
}

static void a_name_is_taken_once(void **state)
{
	struct fixture *f = *state;
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct store_user again = user_of(2, "ann");
	(void)user_add(f, 1, "ann");
	struct digest before = fixture_digest(f);
	MUST_FAIL(ERR_REFUSED, store_user_add, f->store, &again, &by);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

/* A change over a row that has moved leaves nothing behind, the step of its code included. */
static void a_user_changes_by_compare_and_set(void **state)
{
	struct fixture *f = *state;
	struct store_user ann = user_add(f, 1, "ann"), old = ann;
	assert_true(user_write(f, &ann, 50));
	struct digest before = fixture_digest(f);
	assert_false(user_write(f, &old, 60));
	old = ann;
	assert_false(user_write(f, &old, 50)); /* the code was used */
	old = ann;
	assert_false(user_write(f, &old, 49));
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
	assert_true(user_write(f, &ann, 51));
	ann.totp_step = 51;
	assert_user_is(f, &ann);
}

static void assert_session_is(struct fixture *f, const struct store_session *expected)
{
	struct store_session session;
	bool found = false;
	MUST(store_session_load, f->store, expected->id, &session, &found);
	assert_true(found);
	assert_memory_equal(&session, expected, sizeof session);
	assert_true(store_session_is_sealed(&grants, &session));
}

static void a_session_begins_and_moves(void **state)
{
	struct fixture *f = *state;
	struct store_user ann = user_add(f, 1, "ann");
	struct store_session session = session_add(f, 2, ann.id), other = session_add(f, 3, ann.id);
	uint8_t used[REFRESH_HASH_BYTES];
	bool was_used = true, is_known = false;
	assert_session_is(f, &session);
	memcpy(used, session.refresh_hash, sizeof used);
	MUST(store_token_was_used, f->store, session.id, used, &was_used);
	assert_false(was_used);
	session.version = 2;
	session.second_factor_at = 5;
	memset(session.refresh_hash, 0x77, sizeof session.refresh_hash);
	store_session_seal(&grants, &session);
	assert_true(session_write(f, &session, 0, 0, used));
	assert_session_is(f, &session);
	assert_session_is(f, &other);
	MUST(store_token_was_used, f->store, session.id, used, &was_used);
	assert_true(was_used);
	MUST(store_token_was_used, f->store, other.id, used, &was_used);
	assert_false(was_used);
	MUST(store_peer_is_known, f->store, ann.id, "2001:db8::3", &is_known);
	assert_true(is_known);
	MUST(store_peer_is_known, f->store, ann.id, "2001:db8::4", &is_known);
	assert_false(is_known);
	MUST(store_peer_is_known, f->store, id_of(9), "2001:db8::3", &is_known);
	assert_false(is_known);
}

/* Neither over a session that has moved, nor over a user who has, nor with a used code; and then
 * neither the step nor the token is taken. */
static void a_session_changes_by_compare_and_set(void **state)
{
	struct fixture *f = *state;
	struct store_user ann = user_add(f, 1, "ann");
	struct store_session session = session_add(f, 2, ann.id);
	struct store_session next = session, begun = session_of(4, ann.id);
	uint8_t used[REFRESH_HASH_BYTES] = { 9 };
	next.version = 2;
	store_session_seal(&grants, &next);
	assert_true(session_write(f, &next, 1, 70, NULL));
	struct digest before = fixture_digest(f);
	assert_false(session_write(f, &next, 0, 0, used)); /* version 1 is gone */
	assert_false(session_write(f, &next, 1, 80, used));
	next.version = 3;
	store_session_seal(&grants, &next);
	assert_false(session_write(f, &next, 2, 80, used)); /* the user stands at 1 */
	assert_false(session_write(f, &next, 1, 70, used)); /* the code was used */
	assert_false(session_write(f, &begun, 1, 70, NULL));
	assert_false(session_write(f, &begun, 2, 80, NULL));
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
	assert_true(session_write(f, &next, 1, 71, used));
}

static void the_list_has_what_is_open(void **state)
{
	struct fixture *f = *state;
	struct store_user ann = user_add(f, 1, "ann"), ben = user_add(f, 9, "ben");
	struct store_session one = session_add(f, 2, ann.id), two = session_add(f, 3, ann.id);
	struct store_session three = session_add(f, 4, ann.id), read[4];
	size_t len = 0;
	(void)session_add(f, 5, ben.id);
	two.revoked_at = 7;
	two.version = 2;
	store_session_seal(&grants, &two);
	assert_true(session_write(f, &two, 0, 0, NULL));
	MUST(store_sessions_list, f->store, ann.id, FIXTURE_FIRST_MS, read, 4, &len);
	assert_int_equal(len, 2);
	assert_memory_equal(&read[0], &three, sizeof three);
	assert_memory_equal(&read[1], &one, sizeof one);
	MUST(store_sessions_list, f->store, ann.id, FIXTURE_FIRST_MS + 1000, read, 4, &len);
	assert_int_equal(len, 0);
}

/* A user's sessions that ended long ago go, tokens and all, when a new one begins; nobody else's.
 */
static void what_ended_long_ago_goes(void **state)
{
	struct fixture *f = *state;
	struct store_user ann = user_add(f, 1, "ann"), ben = user_add(f, 9, "ben");
	struct store_session old = session_add(f, 2, ann.id), other = session_add(f, 5, ben.id);
	uint8_t used[REFRESH_HASH_BYTES] = { 9 };
	old.version = 2;
	store_session_seal(&grants, &old);
	assert_true(session_write(f, &old, 0, 0, used));
	f->clock.now_ms = old.expires_at + SESSION_KEPT_MS;
	(void)session_add(f, 3, ann.id);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM session_tokens"), 1);
	f->clock.now_ms++;
	(void)session_add(f, 4, ann.id);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM session_tokens"), 0);
	bool found = true;
	struct store_session gone;
	MUST(store_session_load, f->store, old.id, &gone, &found);
	assert_false(found);
	assert_session_is(f, &other);
}

/* Each column is under the MAC, but for the step of the last code. */
static void an_edited_row_is_not_sealed(void **state)
{
	struct fixture *f = *state;
	static const char *const edits[] = {
		"UPDATE users SET name = 'eve'",   "UPDATE users SET account = ''",
		"UPDATE users SET role = 4",       "UPDATE users SET password = 'x'",
		"UPDATE users SET created_at = 1", "UPDATE users SET disabled_at = 1",
		"UPDATE users SET generation = 2", "UPDATE users SET version = 2",
		"UPDATE users SET totp = 2",
	};
	static const char *const session_edits[] = {
		"UPDATE sessions SET generation = 2",       "UPDATE sessions SET version = 9",
		"UPDATE sessions SET created_at = 1",       "UPDATE sessions SET refreshed_at = 1",
		"UPDATE sessions SET expires_at = 1",       "UPDATE sessions SET revoked_at = 1",
		"UPDATE sessions SET second_factor_at = 1", "UPDATE sessions SET peer = '::1'",
	};
	struct store_user ann = user_add(f, 1, "ann"), read;
	struct store_session session = session_add(f, 2, ann.id), got;
	bool found;
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		fixture_edit(f, edits[i]);
		MUST(store_user_load, f->store, ann.id, &read, &found);
		assert_false(store_user_is_sealed(&grants, &read));
		fixture_edit(f, "DELETE FROM users");
		ann = user_add(f, 1, "ann");
	}
	fixture_edit(f, "UPDATE users SET totp_step = 77");
	MUST(store_user_load, f->store, ann.id, &read, &found);
	assert_true(store_user_is_sealed(&grants, &read));
	for (size_t i = 0; i < COUNT_OF(session_edits); i++) {
		fixture_edit(f, session_edits[i]);
		MUST(store_session_load, f->store, session.id, &got, &found);
		assert_false(store_session_is_sealed(&grants, &got));
		fixture_edit(f, "DELETE FROM sessions");
		session = session_add(f, 2, ann.id);
	}
	read.totp_seed[51] ^= 1;
	assert_false(store_user_is_sealed(&grants, &read));
	session.refresh_hash[31] ^= 1;
	assert_false(store_session_is_sealed(&grants, &session));
	session.refresh_hash[31] ^= 1;
	session.user.bytes[0] ^= 1;
	assert_false(store_session_is_sealed(&grants, &session));
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

static struct store_account account_of(const char *name)
{
	struct store_account account = { .created_at = 100, .created_by = "ann" };
	snprintf(account.name, sizeof account.name, "%s", name);
	store_account_seal(&grants, &account);
	return account;
}

static bool account_add(struct fixture *f, const struct store_account *account)
{
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	bool added = false;
	MUST(store_account_add, f->store, account, &by, &added);
	return added;
}

static void accounts_are_declared_changed_and_listed(void **state)
{
	struct fixture *f = *state;
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct store_account acme = account_of("acme"), zeta = account_of("zeta"), row, rows[3];
	bool found = true;
	size_t len = 0;
	int64_t audits = fixture_number(f, "SELECT COUNT(*) FROM audit");
	MUST(store_account_load, f->store, "acme", &row, &found);
	assert_false(found);
	assert_true(account_add(f, &zeta) && account_add(f, &acme));
	assert_false(account_add(f, &acme));
	MUST(store_account_load, f->store, "acme", &row, &found);
	assert_true(found && store_account_is_sealed(&grants, &row));
	assert_memory_equal(&row, &acme, sizeof row);
	struct store_account_change change = { .before = acme.mac,
					       .account = &acme,
					       .action = "account_disabled" };
	acme.disabled_at = 200;
	store_account_seal(&grants, &acme);
	MUST(store_account_change, f->store, &change, &by);
	assert_true(change.applied);
	MUST(store_account_change, f->store, &change, &by); /* it is not that row any more */
	assert_false(change.applied);
	MUST(store_accounts_list, f->store, rows, COUNT_OF(rows), &len);
	assert_int_equal(len, 2);
	assert_memory_equal(&rows[0], &acme, sizeof acme);
	assert_string_equal(rows[1].name, "zeta");
	MUST(store_accounts_list, f->store, rows, 1, &len);
	assert_int_equal(len, 1);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM audit"), audits + 3);
	MUST(store_account_load, f->store, "ACME", &row, &found); /* another name */
	assert_false(found);
}

static void an_edited_account_is_not_sealed(void **state)
{
	static const char *const edits[] = {
		"UPDATE accounts SET name = 'zeta'",
		"UPDATE accounts SET created_at = 101",
		"UPDATE accounts SET created_by = 'bob'",
		"UPDATE accounts SET disabled_at = 1",
		"UPDATE accounts SET mac_key_id = 2",
		"UPDATE accounts SET mac = "
		"x'0101010101010101010101010101010101010101010101010101010101010101'",
	};
	struct fixture *f = *state;
	struct store_account acme = account_of("acme"), row;
	size_t len = 0;
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		assert_true(account_add(f, &acme));
		fixture_edit(f, edits[i]);
		MUST(store_accounts_list, f->store, &row, 1, &len);
		if (len != 1 || store_account_is_sealed(&grants, &row))
			fail_msg("%s goes unnoticed", edits[i]);
		fixture_edit(f, "DELETE FROM accounts");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(accounts_are_declared_changed_and_listed),
		STORE_TEST(an_edited_account_is_not_sealed),
		STORE_TEST(users_are_added_changed_and_listed),
		STORE_TEST(a_name_is_taken_once),
		STORE_TEST(a_user_changes_by_compare_and_set),
		STORE_TEST(a_session_begins_and_moves),
		STORE_TEST(a_session_changes_by_compare_and_set),
		STORE_TEST(the_list_has_what_is_open),
		STORE_TEST(what_ended_long_ago_goes),
		STORE_TEST(an_edited_row_is_not_sealed),
	};
	return cmocka_run_group_tests_name("contract/store_people", tests, NULL, NULL);
}
