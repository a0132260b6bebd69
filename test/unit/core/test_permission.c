#include "core/permission.h"

#include "../testing.h"

/* Written apart from the code's own tables: who is meant to hold what. v viewer, o operator,
 * a approver, A admin, k a key that is asked for it, K every key; 2: with a second factor. */
static const struct {
	const char *permission;
	const char *holders;
} expected[] = {
	{ "withdrawals:create", "oK" },  { "withdrawals:read", "voaAK" },
	{ "withdrawals:cancel", "oK" },  { "withdrawals:speed_up", "oK" },
	{ "withdrawals:approve", "a2" }, { "withdrawals:resolve", "ok" },
	{ "assets:read", "voaAK" },      { "wallets:read", "voaAk" },
	{ "queues:read", "voaAk" },      { "queues:redrive", "ok" },
	{ "controls:read", "voaAk" },    { "controls:pause", "oaAk" },
	{ "controls:unpause", "aA2" },   { "policies:read", "voaAk" },
	{ "policies:write", "A2" },      { "allow_list:read", "voaAk" },
	{ "allow_list:write", "A2" },    { "api_keys:read", "A" },
	{ "api_keys:write", "A2" },      { "users:read", "A" },
	{ "users:write", "A2" },         { "sessions:own", "voaA" },
	{ "audit:read", "oaAk" },        { "events:read", "voaAK" },
	{ "webhooks:read", "voaAk" },    { "webhooks:write", "A2" },
	{ "accounts:read", "A" },        { "accounts:write", "A2" },
};

static bool holds(size_t i, char who)
{
	return strchr(expected[i].holders, who) != NULL;
}

static enum permission permission_of(size_t i)
{
	enum permission permission;
	assert_true(permission_read(str_from(expected[i].permission), &permission));
	return permission;
}

static void every_permission_has_a_name_of_its_own(void **state)
{
	(void)state;
	enum permission permission;
	assert_int_equal(COUNT_OF(expected), PERMISSION_COUNT - 1);
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		assert_int_equal(permission_of(i), i + 1); /* stored numbers stay */
		assert_string_equal(permission_text(permission_of(i)), expected[i].permission);
	}
	assert_false(permission_read(STR("public"), &permission));
	assert_false(permission_read(STR("withdrawals"), &permission));
	assert_false(permission_read(STR("withdrawals:create "), &permission));
	assert_false(permission_read(STR(""), &permission));
	assert_string_equal(permission_text(PERMISSION_PUBLIC), "public");
	assert_aborts(permission_text(PERMISSION_COUNT));
	assert_aborts(permission_set_has(0, PERMISSION_PUBLIC));
}

static void a_set_is_written_as_names(void **state)
{
	(void)state;
	char bytes[1024];
	struct buf out = buf_of(bytes, sizeof bytes);
	permission_set_write(PERMISSION_BIT(PERMISSION_EVENTS_READ) |
				     PERMISSION_BIT(PERMISSION_WITHDRAWALS_CREATE),
			     &out);
	assert_str_equal(buf_view(&out), "withdrawals:create events:read");
	buf_reset(&out);
	permission_set_write(0, &out);
	assert_int_equal(out.len, 0);
	permission_set_write(permissions_all(), &out);
	assert_false(out.overflow);
}

/* Every pair of a role and a permission, without and with a second factor. */
static void a_role_may_what_it_is_for(void **state)
{
	(void)state;
	static const char letters[] = { [USER_ROLE_VIEWER] = 'v',
					[USER_ROLE_OPERATOR] = 'o',
					[USER_ROLE_APPROVER] = 'a',
					[USER_ROLE_ADMIN] = 'A' };
	for (int role = USER_ROLE_VIEWER; role < USER_ROLE_COUNT; role++) {
		struct principal one = { .kind = PRINCIPAL_USER,
					 .reach = REACH_ALL,
					 .permissions =
						 user_role_permissions((enum user_role)role) };
		struct principal two = one;
		enum user_role again;
		two.has_second_factor = true;
		assert_true(user_role_read(str_from(user_role_text((enum user_role)role)), &again));
		assert_int_equal(again, role);
		for (size_t i = 0; i < COUNT_OF(expected); i++) {
			bool has = holds(i, letters[role]);
			int full = has ? PERMISSION_GRANTED : PERMISSION_MISSING;
			int half = has && holds(i, '2') ? PERMISSION_SECOND_FACTOR_REQUIRED : full;
			assert_int_equal(principal_judge(&one, permission_of(i)), half);
			assert_int_equal(principal_judge(&two, permission_of(i)), full);
			one.kind = PRINCIPAL_TOKEN;
			assert_int_equal(principal_judge(&one, permission_of(i)), half);
			one.kind = PRINCIPAL_USER;
		}
	}
	enum user_role role;
	assert_false(user_role_read(STR("root"), &role));
	assert_aborts(user_role_permissions(USER_ROLE_COUNT));
	assert_aborts(user_role_permissions((enum user_role)0));
}

/* Wallets, queues and the audit are everybody's: who belongs to an account sees and moves none. */
static void idor_what_is_of_all_accounts_is_not_of_one(void **state)
{
	(void)state;
	static const enum principal_reach reaches[] = { REACH_ACCOUNT, REACH_CASES, REACH_ALL };
	static const enum principal_kind kinds[] = { PRINCIPAL_USER, PRINCIPAL_TOKEN };
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		bool is_shared = strstr("wallets:read queues:read queues:redrive audit:read",
					expected[i].permission) != NULL;
		assert_int_equal(
			permission_set_has(permissions_of_all_accounts(), permission_of(i)),
			is_shared);
		for (size_t k = 0; k < COUNT_OF(reaches) * COUNT_OF(kinds); k++) {
			struct principal by = { .kind = kinds[k % 2],
						.reach = reaches[k / 2],
						.has_second_factor = true,
						.permissions = permissions_all(),
						.account = "acme" };
			bool is_forbidden = is_shared && by.reach != REACH_ALL;
			assert_int_equal(principal_judge(&by, permission_of(i)),
					 is_forbidden ? PERMISSION_OF_ALL_ACCOUNTS
						      : PERMISSION_GRANTED);
			by.permissions = 0;
			assert_int_equal(principal_judge(&by, permission_of(i)),
					 PERMISSION_MISSING);
		}
	}
}

/* Whatever stands in its row. */
static void a_key_never_holds_what_people_hold(void **state)
{
	(void)state;
	struct principal key = { .kind = PRINCIPAL_KEY, .permissions = permissions_all() };
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		bool may = holds(i, 'k') || holds(i, 'K');
		assert_int_equal(principal_judge(&key, permission_of(i)),
				 may ? PERMISSION_GRANTED : PERMISSION_MISSING);
		assert_int_equal(
			permission_set_has(permissions_of_keys_default(), permission_of(i)),
			holds(i, 'K'));
	}
}

static void scope_missing_a_key_may_what_its_scopes_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		struct principal with = { .kind = PRINCIPAL_KEY,
					  .permissions = PERMISSION_BIT(permission_of(i)) };
		struct principal without = { .kind = PRINCIPAL_KEY,
					     .permissions = permissions_all() ^
							    PERMISSION_BIT(permission_of(i)) };
		for (size_t k = 0; k < COUNT_OF(expected); k++) {
			bool may = holds(k, 'k') || holds(k, 'K');
			assert_int_equal(principal_judge(&with, permission_of(k)),
					 may && k == i ? PERMISSION_GRANTED : PERMISSION_MISSING);
			assert_int_equal(principal_judge(&without, permission_of(k)),
					 may && k != i ? PERMISSION_GRANTED : PERMISSION_MISSING);
		}
	}
}

static void nobody_may_nothing_but_what_is_public(void **state)
{
	(void)state;
	struct principal nobody = { .permissions = permissions_all() };
	assert_int_equal(principal_judge(&nobody, PERMISSION_PUBLIC), PERMISSION_GRANTED);
	for (size_t i = 0; i < COUNT_OF(expected); i++)
		assert_int_equal(principal_judge(&nobody, permission_of(i)), PERMISSION_MISSING);
}

static void an_account_ends_at_its_border(void **state)
{
	(void)state;
	struct principal own = { .account = "acme" };
	struct principal cases = { .account = "acme", .reach = REACH_CASES };
	struct principal all = { .reach = REACH_ALL };
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		enum permission permission = permission_of(i);
		bool is_case = permission == PERMISSION_WITHDRAWALS_READ ||
			       permission == PERMISSION_EVENTS_READ ||
			       permission == PERMISSION_WITHDRAWALS_RESOLVE;
		assert_true(principal_reaches(&own, permission, "acme"));
		assert_false(principal_reaches(&own, permission, "acme2"));
		assert_false(principal_reaches(&own, permission, "ACME"));
		assert_false(principal_reaches(&own, permission, ""));
		assert_int_equal(principal_reaches(&cases, permission, "other"), is_case);
		assert_int_equal(principal_reaches(&cases, permission, ""), is_case);
		assert_true(principal_reaches(&cases, permission, "acme"));
		assert_true(principal_reaches(&all, permission, "other"));
	}
	struct principal nobody = { 0 };
	assert_false(principal_reaches(&nobody, PERMISSION_WITHDRAWALS_READ, ""));
}

/* Whatever an editor made of its reach: it is no wider than its account. */
static void an_unknown_reach_ends_at_the_account(void **state)
{
	(void)state;
	struct principal edited = { .account = "acme", .reach = (enum principal_reach)77 };
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		assert_true(principal_reaches(&edited, permission_of(i), "acme"));
		assert_false(principal_reaches(&edited, permission_of(i), "other"));
		assert_false(principal_reaches(&edited, permission_of(i), ""));
	}
}

static void mark_write(struct buf *out, bool is_so)
{
	buf_text(out, is_so ? " ✓ |" : " |");
}

/* The line of a permission from behind what it means. */
static void marks_write(struct buf *out, size_t i)
{
	static const char roles[] = { 'v', 'o', 'a', 'A' };
	mark_write(out, holds(i, '2'));
	for (size_t k = 0; k < COUNT_OF(roles); k++)
		mark_write(out, holds(i, roles[k]));
	buf_text(out, holds(i, 'K') ? " yes |" : holds(i, 'k') ? " when asked |" : " never |");
}

static void the_document_has_a_line_for_each_permission(void **state)
{
	(void)state;
	struct buf out = buf_new(1 << 14);
	permission_write_markdown(&out);
	assert_false(out.overflow);
	struct str line, rest = buf_view(&out);
	assert_true(str_cut(rest, '\n', &line, &rest));
	assert_str_equal(line, "| permission | means | second factor | viewer | operator | "
			       "approver | admin | API key |");
	assert_true(str_cut(rest, '\n', &line, &rest));
	assert_str_equal(line, "| --- | --- | --- | --- | --- | --- | --- | --- |");
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		char head[64], marks[64];
		struct str edge, name, means, got;
		struct buf tail = buf_of(marks, sizeof marks);
		marks_write(&tail, i);
		snprintf(head, sizeof head, " `%s` ", expected[i].permission);
		assert_true(str_cut(rest, '\n', &line, &rest));
		assert_true(str_cut(line, '|', &edge, &line));
		assert_true(str_cut(line, '|', &name, &line));
		assert_true(str_cut(line, '|', &means, &got));
		assert_str_equal(name, head);
		assert_true(str_trim(means).len > 0);
		assert_str_equal(got, buf_terminated(&tail));
	}
	assert_int_equal(rest.len, 0);
	buf_free(&out);
}

static void two_names_may_be_one_person(void **state)
{
	(void)state;
	assert_int_equal(person_compare("ann", "ann"), PERSON_SAME);
	assert_int_equal(person_compare("ann", "Ann"), PERSON_SAME);
	assert_int_equal(person_compare("ann", "bob"), PERSON_OTHER);
	assert_int_equal(person_compare("sso:ann", "sso:bob"), PERSON_OTHER);
	assert_int_equal(person_compare("sso:ann", "bob"), PERSON_UNCLEAR);
	assert_int_equal(person_compare("ann", "sso:ann"), PERSON_UNCLEAR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_permission_has_a_name_of_its_own),
		cmocka_unit_test(a_set_is_written_as_names),
		cmocka_unit_test(a_role_may_what_it_is_for),
		cmocka_unit_test(idor_what_is_of_all_accounts_is_not_of_one),
		cmocka_unit_test(a_key_never_holds_what_people_hold),
		cmocka_unit_test(scope_missing_a_key_may_what_its_scopes_say),
		cmocka_unit_test(nobody_may_nothing_but_what_is_public),
		cmocka_unit_test(an_account_ends_at_its_border),
		cmocka_unit_test(an_unknown_reach_ends_at_the_account),
		cmocka_unit_test(two_names_may_be_one_person),
		cmocka_unit_test(the_document_has_a_line_for_each_permission),
	};
	return cmocka_run_group_tests_name("core/permission", tests, NULL, NULL);
}
