/* The allow-list as people change it, alone and by two, on a real store. */
#include "../../contract/store_fixture.h"

#include "port/store_people.h"
#include "service/admin/allow_list.h"

#define NOW INT64_C(1700000000000)
#define DAY (INT64_C(24) * 3600 * 1000)

static const uint8_t key_bytes[32] = { 1, 2, 3 };
static const struct mac_keys keys = { .keys = { { .id = 1, .key = key_bytes } }, .len = 1 };
static const struct catalogue catalogue = { .chains = { { .name = "polygon", .chain_id = 137 } },
					    .chains_len = 1 };

static struct admin_allow_list desk_of(struct fixture *f, const char *name, const char *id,
				       const char *account)
{
	return (struct admin_allow_list){
		.store = f->store,
		.catalogue = &catalogue,
		.policy_keys = &keys,
		.entropy = &f->entropy,
		.identity_keys = &keys,
		.by = { .who = id, .name = name, .person = name, .account = account }
	};
}

/* A user of our own with that name. */
static struct admin_allow_list user_of(struct fixture *f, const char *name, const char *account,
				       struct id_text *ret_id)
{
	struct store_user user = { .role = USER_ROLE_ADMIN,
				   .password = "x",
				   .created_at = NOW,
				   .generation = 1,
				   .version = 1 };
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	uint8_t random[10];
	entropy_fill(&f->entropy, random, sizeof random);
	user.id = id_make(NOW, random);
	assert_true(str_copy(str_from(name), user.name, sizeof user.name));
	assert_true(str_copy(str_from(account), user.account, sizeof user.account));
	store_user_seal(&keys, &user);
	MUST(store_user_add, f->store, &user, &by);
	*ret_id = id_text(user.id);
	return desk_of(f, name, ret_id->at, account);
}

static struct admin_allow_name name_of(const char *account)
{
	return (struct admin_allow_name){ account, "polygon",
					  "0x52908400098527886E0F7030069857D2E4169EE7" };
}

static struct admin_allow_wish added(const struct admin_allow_list *desk, const char *account)
{
	struct admin_allow_name name = name_of(account);
	struct admin_allow_wish wish;
	MUST(admin_allow_new, desk, &name, "vault", &wish);
	MUST(admin_allow_do, desk, &wish, NOW);
	return wish;
}

static int64_t entries(struct fixture *f)
{
	return fixture_number(f, "SELECT COUNT(*) FROM allow_list");
}

static void refused(bool done, const struct err *err, const char *code)
{
	assert_false(done);
	assert_int_equal(err->kind, ERR_REFUSED);
	assert_string_equal(err->code, code);
}

static void who_adds_is_known_and_waits_a_day(void **state)
{
	struct fixture *f = *state;
	struct admin_allow_list ann = desk_of(f, "ann", "id", "");
	struct admin_allow_wish wish = added(&ann, "acme"), again, found;
	struct admin_allow_name name = name_of("acme"), other = name_of("zeta");
	struct err err = { 0 };
	assert_string_equal(wish.entry.added_by, "ann");
	assert_int_equal(wish.entry.active_at, NOW + DAY);
	MUST(admin_allow_new, &ann, &name, "vault", &again);
	refused(admin_allow_do(&ann, &again, NOW, &err), &err, "allow_listed_already");
	MUST(admin_allow_named, &ann, &name, &found);
	assert_int_equal(found.act, ADMIN_ALLOW_REMOVE);
	assert_memory_equal(found.entry.place, wish.entry.place, ALLOW_KEY_BYTES);
	refused(admin_allow_named(&ann, &other, &found, &err), &err, "allow_entry_unknown");
	MUST(admin_allow_named, &ann, &name, &found);
	MUST(admin_allow_do, &ann, &found, NOW);
	refused(admin_allow_do(&ann, &found, NOW, &err), &err, "changed_meanwhile");
	assert_int_equal(entries(f), 0);
}

static void idor_the_list_of_another_account(void **state)
{
	struct fixture *f = *state;
	struct admin_allow_list ann = desk_of(f, "ann", "id", "");
	struct admin_allow_list tess = desk_of(f, "tess", "id", "acme");
	struct admin_allow_name theirs = name_of("zeta");
	struct admin_allow_wish wish, entry = added(&ann, "zeta");
	struct err err = { 0 };
	char place[2 * ALLOW_KEY_BYTES + 1];
	struct buf text = buf_of(place, sizeof place);
	for (size_t i = 0; i < ALLOW_KEY_BYTES; i++)
		buf_format(&text, "%02x", entry.entry.place[i]);
	refused(admin_allow_new(&tess, &theirs, "", &wish, &err), &err, "account_forbidden");
	refused(admin_allow_named(&tess, &theirs, &wish, &err), &err, "allow_entry_unknown");
	refused(admin_allow_placed(&tess, buf_view(&text), &wish, &err), &err,
		"allow_entry_unknown");
	/* Nor when an editor writes that it is hers. */
	fixture_edit(f, "UPDATE allow_list SET account = 'acme'");
	refused(admin_allow_placed(&tess, buf_view(&text), &wish, &err), &err,
		"allow_entry_unknown");
	MUST(admin_allow_placed, &ann, buf_view(&text), &wish);
	MUST(admin_allow_do, &ann, &wish, NOW);
	assert_int_equal(entries(f), 0);
}

static void two_people_add_and_remove(void **state)
{
	struct fixture *f = *state;
	struct id_text ann_id, bob_id;
	struct admin_allow_list ann = user_of(f, "ann", "", &ann_id);
	struct admin_allow_list bob = user_of(f, "bob", "", &bob_id);
	struct admin_allow_name name = name_of("acme");
	struct admin_allow_wish wish, done_wish;
	struct store_proposal proposal;
	struct err err = { 0 };
	bool done = false;
	MUST(admin_allow_new, &ann, &name, "vault", &wish);
	MUST(admin_allow_propose, &ann, &wish, NOW, &proposal);
	assert_int_equal(proposal.version, 0);
	assert_int_equal(entries(f), 0);
	refused(admin_allow_confirm(&ann, proposal.id, NOW + 1, &done_wish, &done, &err), &err,
		"second_person_needed");
	MUST(admin_allow_confirm, &bob, proposal.id, NOW + 2, &done_wish, &done);
	assert_true(done);
	assert_int_equal(done_wish.entry.active_at, NOW + 2 + DAY); /* since it was confirmed */
	assert_string_equal(done_wish.entry.added_by, "ann");
	assert_int_equal(entries(f), 1);

	MUST(admin_allow_named, &bob, &name, &wish);
	MUST(admin_allow_propose, &bob, &wish, NOW + 3, &proposal);
	assert_int_equal(proposal.version, NOW + 2);
	refused(admin_allow_confirm(&bob, proposal.id, NOW + 4, &done_wish, &done, &err), &err,
		"second_person_needed");
	assert_int_equal(entries(f), 1);
	MUST(admin_allow_confirm, &ann, proposal.id, NOW + 4, &done_wish, &done);
	assert_true(done);
	assert_int_equal(entries(f), 0);
}

/* Somebody else was faster, or an editor was: the proposal does not end for nothing, and removes no
 * other row of the name. */
static void a_proposal_is_of_one_row(void **state)
{
	struct fixture *f = *state;
	struct id_text ann_id, bob_id;
	struct admin_allow_list ann = user_of(f, "ann", "", &ann_id);
	struct admin_allow_list bob = user_of(f, "bob", "", &bob_id);
	struct admin_allow_name name = name_of("acme");
	struct admin_allow_wish wish, other;
	struct store_proposal proposal;
	struct err err = { 0 };
	bool done = false;
	(void)added(&ann, "acme");
	MUST(admin_allow_named, &ann, &name, &wish);
	MUST(admin_allow_propose, &ann, &wish, NOW, &proposal);
	fixture_edit(f, "UPDATE allow_list SET label = 'edited', mac_key_id = 7");
	refused(admin_allow_confirm(&bob, proposal.id, NOW, &other, &done, &err), &err,
		"proposal_void");
	assert_int_equal(entries(f), 1);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM proposals WHERE state = 1"), 1);
	fixture_edit(f, "DELETE FROM allow_list");
	refused(admin_allow_confirm(&bob, proposal.id, NOW, &other, &done, &err), &err,
		"proposal_void");
}

int main(void)
{
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		STORE_TEST(who_adds_is_known_and_waits_a_day),
		STORE_TEST(idor_the_list_of_another_account),
		STORE_TEST(two_people_add_and_remove),
		STORE_TEST(a_proposal_is_of_one_row),
	};
	return cmocka_run_group_tests_name("service/admin_allow_list", tests, NULL, NULL);
}
