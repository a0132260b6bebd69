/* What takes two people, on a real store: whose word counts, for how long, and for what. */
#include "../../contract/store_fixture.h"

#include "port/store_people.h"
#include "service/admin/controls.h"

static const uint8_t key_bytes[32] = { 1, 2, 3 };
static const struct mac_keys keys = { .keys = { { .id = 1, .key = key_bytes } }, .len = 1 };

#define NOW INT64_C(1700000000000)
#define DAY (INT64_C(24) * 3600 * 1000)

static const struct admin_control_wish wish = {
	.scope = CONTROL_CHAIN, .name = "1", .stops = CONTROL_SIGNING, .reason = "drill"
};

/* Somebody with a login; `id` as it stands in the rows. */
static struct admin_controls desk_of(struct fixture *f, const char *name, const char *id)
{
	return (struct admin_controls){ .store = f->store,
					.keys = &keys,
					.entropy = &f->entropy,
					.identity_keys = &keys,
					.by = { .who = id, .name = name, .person = name } };
}

static struct admin_controls host_of(struct fixture *f)
{
	struct admin_controls desk = desk_of(f, "root", "root");
	desk.by.person = NULL;
	return desk;
}

/* A user of our own with that name. */
static struct admin_controls user_of(struct fixture *f, const char *name, enum user_role role,
				     struct id_text *ret_id)
{
	struct store_user user = {
		.role = role, .password = "x", .created_at = NOW, .generation = 1, .version = 1
	};
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	uint8_t random[10];
	entropy_fill(&f->entropy, random, sizeof random);
	user.id = id_make(NOW, random);
	assert_true(str_copy(str_from(name), user.name, sizeof user.name));
	store_user_seal(&keys, &user);
	MUST(store_user_add, f->store, &user, &by);
	*ret_id = id_text(user.id);
	return desk_of(f, name, ret_id->at);
}

static struct store_proposal proposed_by(struct fixture *f, const struct admin_controls *desk)
{
	struct control_set set;
	struct store_proposal proposal;
	struct err err;
	(void)f;
	if (!admin_controls_pause(desk, &wish, false, NOW, &set, &err))
		assert_string_equal(err.code, "paused_already");
	MUST(admin_controls_propose, desk, &wish, NOW, &proposal);
	return proposal;
}

static void refuses(const struct admin_controls *desk, const struct store_proposal *proposal,
		    int64_t now_ms, const char *code)
{
	struct control_set set, after;
	bool done = false, sealed = false;
	struct err err = { 0 };
	MUST(admin_controls_list, desk, now_ms, &set, &sealed);
	assert_false(admin_controls_confirm(desk, proposal->id, now_ms, &after, &done, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(err.code);
	assert_string_equal(err.code, code);
	MUST(admin_controls_list, desk, now_ms, &after, &sealed);
	assert_int_equal(after.version, set.version);
}

static void confirms(const struct admin_controls *desk, const struct store_proposal *proposal,
		     bool completes)
{
	struct control_set set;
	bool done = !completes;
	MUST(admin_controls_confirm, desk, proposal->id, NOW, &set, &done);
	assert_int_equal(done, completes);
}

static void one_person_as_two_takes_another_name(void **state)
{
	struct fixture *f = *state;
	struct id_text ann_id, bob_id;
	struct admin_controls ann = user_of(f, "ann", USER_ROLE_APPROVER, &ann_id);
	struct admin_controls bob = user_of(f, "bob", USER_ROLE_APPROVER, &bob_id);
	struct store_proposal proposal = proposed_by(f, &ann);
	struct admin_controls again = desk_of(f, "ANN", bob_id.at);
	struct admin_controls outside = desk_of(f, "idp:bea", bob_id.at);
	struct admin_controls host = host_of(f);
	refuses(&ann, &proposal, NOW, "second_person_needed");
	refuses(&again, &proposal, NOW, "second_person_needed");
	refuses(&outside, &proposal, NOW, "second_person_needed");
	refuses(&host, &proposal, NOW, "second_person_needed");
	confirms(&bob, &proposal, true);
	refuses(&bob, &proposal, NOW, "proposal_ended");
}

static void two_of_a_provider_are_two(void **state)
{
	struct fixture *f = *state;
	struct admin_controls ann = desk_of(f, "idp:ann", "00000000-0000-7000-8000-000000000001");
	struct admin_controls bea = desk_of(f, "idp:bea", "00000000-0000-7000-8000-000000000002");
	struct store_proposal proposal = proposed_by(f, &ann);
	refuses(&ann, &proposal, NOW, "second_person_needed");
	confirms(&bea, &proposal, true);
}

static void what_a_host_proposes_takes_two_logins(void **state)
{
	struct fixture *f = *state;
	struct id_text ann_id, bob_id;
	struct admin_controls ann = user_of(f, "ann", USER_ROLE_APPROVER, &ann_id);
	struct admin_controls bob = user_of(f, "bob", USER_ROLE_APPROVER, &bob_id);
	struct admin_controls host = host_of(f);
	struct store_proposal proposal = proposed_by(f, &host);
	refuses(&host, &proposal, NOW, "second_person_needed");
	confirms(&ann, &proposal, false);
	refuses(&ann, &proposal, NOW, "second_person_needed");
	confirms(&bob, &proposal, true);
}

static void one_person_as_two_a_day_later(void **state)
{
	struct fixture *f = *state;
	struct id_text ann_id, bob_id;
	struct admin_controls ann = user_of(f, "ann", USER_ROLE_APPROVER, &ann_id);
	struct admin_controls bob = user_of(f, "bob", USER_ROLE_APPROVER, &bob_id);
	struct store_proposal proposal = proposed_by(f, &ann);
	refuses(&bob, &proposal, NOW + DAY, "proposal_expired");
	confirms(&bob, &proposal, true);
}

static void one_person_as_two_of_another_version(void **state)
{
	struct fixture *f = *state;
	struct control_set set;
	struct id_text ann_id, bob_id;
	struct admin_controls ann = user_of(f, "ann", USER_ROLE_APPROVER, &ann_id);
	struct admin_controls bob = user_of(f, "bob", USER_ROLE_APPROVER, &bob_id);
	struct store_proposal proposal = proposed_by(f, &ann);
	MUST(admin_controls_unpause, &bob, &wish, true, NOW, &set);
	MUST(admin_controls_pause, &bob, &wish, false, NOW, &set);
	refuses(&bob, &proposal, NOW, "proposal_void");
}

static void another_switch_voids_nothing(void **state)
{
	static const struct admin_control_wish other = {
		.scope = CONTROL_ACCOUNT, .name = "x", .stops = CONTROL_INTAKE, .reason = "drill"
	};
	struct fixture *f = *state;
	struct control_set set;
	struct id_text ann_id, bob_id;
	struct admin_controls ann = user_of(f, "ann", USER_ROLE_APPROVER, &ann_id);
	struct admin_controls bob = user_of(f, "bob", USER_ROLE_APPROVER, &bob_id);
	struct store_proposal proposal = proposed_by(f, &ann);
	MUST(admin_controls_pause, &bob, &other, false, NOW, &set);
	confirms(&bob, &proposal, true);
}

static void a_new_beginning_voids_all(void **state)
{
	static const struct admin_control_wish all = {
		.scope = CONTROL_ALL, .name = "", .stops = CONTROL_STOPS_ALL, .reason = "drill"
	};
	struct fixture *f = *state;
	struct control_set set;
	struct id_text ann_id, bob_id;
	struct admin_controls ann = user_of(f, "ann", USER_ROLE_APPROVER, &ann_id);
	struct admin_controls bob = user_of(f, "bob", USER_ROLE_APPROVER, &bob_id);
	struct store_proposal proposal = proposed_by(f, &ann);
	MUST(admin_controls_pause, &bob, &all, true, NOW, &set);
	refuses(&bob, &proposal, NOW, "proposal_void");
}

static void who_may_not_any_more_stands_for_nothing(void **state)
{
	struct fixture *f = *state;
	struct id_text ann_id, bob_id;
	struct admin_controls ann = user_of(f, "ann", USER_ROLE_APPROVER, &ann_id);
	struct admin_controls bob = user_of(f, "bob", USER_ROLE_APPROVER, &bob_id);
	struct store_proposal proposal = proposed_by(f, &ann);
	struct store_user user;
	bool found = false;
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	MUST(store_user_find, f->store, STR("ann"), &user, &found);
	struct store_user_change change = { .user = &user, .version = 1, .action = "user_changed" };
	user.role = USER_ROLE_OPERATOR;
	user.version = 2;
	store_user_seal(&keys, &user);
	MUST(store_user_change, f->store, &change, &by);
	refuses(&bob, &proposal, NOW, "proposal_void");
}

static void row_edited_a_proposal_grants_nothing(void **state)
{
	static const char *const edits[] = {
		"UPDATE proposals SET first_person = 'carl'",
		"UPDATE proposals SET first_person = ''",
		"UPDATE proposals SET version = version + 1",
		"UPDATE proposals SET expires_at = expires_at + 1",
		"UPDATE proposals SET created_at = created_at - 1",
		"UPDATE proposals SET proposed_by = 'carl'",
		"UPDATE proposals SET first_id = ''",
		"UPDATE proposals SET text = '{}'",
		"UPDATE proposals SET mac_key_id = 2",
		"UPDATE proposals SET kind = 2",
		"UPDATE proposals SET account = 'acme'",
	};
	struct fixture *f = *state;
	struct id_text ann_id, bob_id;
	struct admin_controls ann = user_of(f, "ann", USER_ROLE_APPROVER, &ann_id);
	struct admin_controls bob = user_of(f, "bob", USER_ROLE_APPROVER, &bob_id);
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		struct store_proposal proposal = proposed_by(f, &ann);
		fixture_edit(f, edits[i]);
		refuses(&bob, &proposal, NOW, "proposal_unknown");
		fixture_edit(f, "DELETE FROM proposals");
	}
}

static void idor_a_tenant_reaches_its_own_switch_alone(void **state)
{
	static const struct admin_control_wish own = {
		.scope = CONTROL_ACCOUNT, .name = "acme", .stops = CONTROL_INTAKE, .reason = "drill"
	};
	static const struct admin_control_wish others[] = {
		{ CONTROL_ALL, "", CONTROL_INTAKE, "drill" },
		{ CONTROL_CHAIN, "1", CONTROL_INTAKE, "drill" },
		{ CONTROL_ASSET, "USDC", CONTROL_INTAKE, "drill" },
		{ CONTROL_ACCOUNT, "acme2", CONTROL_INTAKE, "drill" },
		{ CONTROL_ACCOUNT, "ACME", CONTROL_INTAKE, "drill" },
	};
	struct control_set set;
	struct admin_controls tess = desk_of(*state, "tess", "id");
	tess.by.account = "acme";
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		struct err err = { 0 };
		assert_false(admin_controls_pause(&tess, &others[i], false, NOW, &set, &err));
		assert_string_equal(err.code, "account_forbidden");
	}
	MUST(admin_controls_pause, &tess, &own, false, NOW, &set);
	MUST(admin_controls_unpause, &tess, &own, false, NOW, &set);
}

static void so_many_wait_and_no_more(void **state)
{
	struct fixture *f = *state;
	struct store_proposal proposal;
	struct id_text ann_id;
	struct admin_controls ann = user_of(f, "ann", USER_ROLE_APPROVER, &ann_id);
	struct err err = { 0 };
	struct admin_controls desks[PROPOSALS_MAX / PROPOSALS_OF_ONE_MAX];
	struct id_text ids[COUNT_OF(desks)];
	for (size_t i = 0; i < PROPOSALS_OF_ONE_MAX; i++)
		(void)proposed_by(f, &ann);
	assert_false(admin_controls_propose(&ann, &wish, NOW, &proposal, &err));
	assert_string_equal(err.code, "proposals_full");
	for (size_t i = 1; i < COUNT_OF(desks); i++) {
		char name[] = { 'u', (char)('a' + i), 0 };
		desks[i] = user_of(f, name, USER_ROLE_APPROVER, &ids[i]);
		for (size_t k = 0; k < PROPOSALS_OF_ONE_MAX; k++)
			(void)proposed_by(f, &desks[i]);
	}
	struct id_text late_id;
	struct admin_controls late = user_of(f, "late", USER_ROLE_APPROVER, &late_id);
	assert_false(admin_controls_propose(&late, &wish, NOW, &proposal, &err));
	assert_string_equal(err.code, "proposals_full");
	/* Of one account: its people have a room of their own. */
	static const struct admin_control_wish own = {
		.scope = CONTROL_ACCOUNT, .name = "acme", .stops = CONTROL_INTAKE, .reason = "drill"
	};
	struct control_set set;
	struct store_proposal rows[PROPOSALS_MAX];
	size_t len = 0;
	struct admin_controls tess = desk_of(f, "tess", "id");
	tess.by.account = "acme";
	MUST(admin_controls_pause, &tess, &own, false, NOW, &set);
	MUST(admin_controls_propose, &tess, &own, NOW, &proposal);
	assert_string_equal(proposal.account, "acme");
	MUST(store_proposals_list, f->store, PROPOSAL_UNPAUSE, "acme", NOW, rows, PROPOSALS_MAX,
	     &len);
	assert_int_equal(len, PROPOSALS_MAX);
	assert_true(id_equal(rows[0].id, proposal.id)); /* their own before all others */
	MUST(store_proposals_list, f->store, PROPOSAL_UNPAUSE, "zeta", NOW, rows, PROPOSALS_MAX,
	     &len);
	for (size_t i = 0; i < len; i++)
		assert_string_equal(rows[i].account, "");
	MUST(admin_controls_propose, &ann, &wish, NOW + DAY, &proposal);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_person_as_two_takes_another_name),
		TEST(two_of_a_provider_are_two),
		TEST(what_a_host_proposes_takes_two_logins),
		TEST(one_person_as_two_a_day_later),
		TEST(one_person_as_two_of_another_version),
		TEST(another_switch_voids_nothing),
		TEST(a_new_beginning_voids_all),
		TEST(who_may_not_any_more_stands_for_nothing),
		TEST(row_edited_a_proposal_grants_nothing),
		TEST(idor_a_tenant_reaches_its_own_switch_alone),
		TEST(so_many_wait_and_no_more),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
