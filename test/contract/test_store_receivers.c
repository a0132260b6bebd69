/* Receivers as rows: whom an account knows, and the allow-list. */
#include "store_fixture.h"

#include "port/store_receivers.h"

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

static const uint8_t secret[32] = { 7 };
static const struct mac_keys keys = { .keys = { { 1, secret } }, .len = 1 };
static const struct store_by by = {
	.actor = ACTOR_PERSON, .who = "ann", .request_id = "", .now_ms = 1000
};

static struct address address_of(uint8_t first, uint8_t middle, uint8_t last)
{
	return (struct address){ { first, first, [10] = middle, [18] = last, last } };
}

static struct intent intent_to(const char *account, struct address to)
{
	struct intent intent = { .chain_id = 137, .to = to };
	assert_true(str_copy(str_from(account), intent.account, sizeof intent.account));
	return intent;
}

static struct store_receiver look(struct fixture *f, const struct intent *intent)
{
	struct store_receiver receiver = { .intent = intent, .is_listed = true, .is_known = true };
	struct err err = { 0 };
	if (!store_receivers_look(f->store, &receiver, 1, &err))
		fail_msg("%s", err.text);
	return receiver;
}

static void learn(struct fixture *f, const struct intent *intent)
{
	struct err err = { 0 };
	if (!store_receivers_learn(f->store, &intent, 1, 1000, &err))
		fail_msg("%s", err.text);
}

static struct store_allow_entry entry_of(const struct intent *intent)
{
	struct store_allow_entry entry = { .chain_id = intent->chain_id,
					   .receiver = intent->to,
					   .label = "their vault",
					   .added_by = "ann",
					   .added_at = 1000,
					   .active_at = 2000 };
	assert_true(str_copy(str_from(intent->account), entry.account, sizeof entry.account));
	store_allow_seal(&keys, &entry);
	return entry;
}

static bool add(struct fixture *f, const struct store_allow_entry *entry)
{
	struct err err = { 0 };
	bool added = false;
	if (!store_allow_add(f->store, entry, NULL, &by, &added, &err))
		fail_msg("%s", err.text);
	return added;
}

static bool take_off(struct fixture *f, const struct store_allow_entry *entry)
{
	struct store_allow_entry row;
	struct err err = { 0 };
	bool found = false, removed = false;
	if (!store_allow_load(f->store, entry->place, &row, &found, &err) ||
	    (found && !store_allow_remove(f->store, &row, NULL, &by, &removed, &err)))
		fail_msg("%s", err.text);
	return removed;
}

static void the_first_of_these_digits_stays_known(void **state)
{
	struct fixture *f = *state;
	struct intent first = intent_to("acme", address_of(1, 1, 2));
	struct intent alike = intent_to("acme", address_of(1, 9, 2));
	struct intent other = intent_to("acme", address_of(1, 1, 3));
	struct intent theirs = intent_to("zeta", address_of(1, 9, 2));
	assert_false(look(f, &first).is_known);
	learn(f, &first);
	learn(f, &first);
	learn(f, &alike);
	assert_true(address_equal(look(f, &first).known, first.to));
	assert_true(look(f, &alike).is_known);
	assert_true(address_equal(look(f, &alike).known, first.to));
	assert_false(look(f, &other).is_known);
	assert_false(look(f, &theirs).is_known);
	alike.chain_id = 1; /* on whichever chain */
	assert_true(look(f, &alike).is_known);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM known_receivers"), 1);
}

static void an_entry_is_of_account_chain_and_receiver(void **state)
{
	struct fixture *f = *state;
	struct intent intent = intent_to("acme", address_of(1, 1, 2));
	struct store_allow_entry entry = entry_of(&intent);
	int64_t audits = fixture_number(f, "SELECT COUNT(*) FROM audit");
	assert_false(look(f, &intent).is_listed);
	assert_true(add(f, &entry));
	assert_false(add(f, &entry));
	struct store_receiver found = look(f, &intent);
	assert_true(found.is_listed && found.is_known);
	assert_string_equal(found.entry.label, "their vault");
	assert_string_equal(found.entry.added_by, "ann");
	assert_int_equal(found.entry.active_at, 2000);
	assert_true(store_allow_is_sealed(&keys, &found.entry));
	struct intent others[] = { intent, intent, intent };
	others[0].account[0] = 'b';
	others[1].chain_id = 1;
	others[2].to.bytes[5] = 1;
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(look(f, &others[i]).is_listed);
	assert_true(take_off(f, &entry));
	assert_false(take_off(f, &entry));
	assert_false(look(f, &intent).is_listed);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM audit"), audits + 2);
}

/* Every column: who edits one has an entry that is no entry. */
static void an_edited_entry_has_no_seal(void **state)
{
	static const char *const edits[] = {
		"UPDATE allow_list SET account = 'zeta'",
		"UPDATE allow_list SET chain_id = 1",
		"UPDATE allow_list SET receiver = x'0101010101010101010101010101010101010101'",
		"UPDATE allow_list SET label = 'ours'",
		"UPDATE allow_list SET added_by = 'bob'",
		"UPDATE allow_list SET added_at = 999",
		"UPDATE allow_list SET active_at = 1",
		"UPDATE allow_list SET mac_key_id = 2",
		"UPDATE allow_list SET mac = "
		"x'0101010101010101010101010101010101010101010101010101010101010101'",
	};
	struct fixture *f = *state;
	struct intent intent = intent_to("acme", address_of(1, 1, 2));
	struct store_allow_entry entry = entry_of(&intent);
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		assert_true(add(f, &entry));
		fixture_edit(f, edits[i]);
		struct store_receiver found = look(f, &intent);
		if (!found.is_listed || store_allow_is_sealed(&keys, &found.entry))
			fail_msg("%s", edits[i]);
		assert_true(take_off(f, &entry));
	}
}

/* By whoever read it: one that was sealed by somebody else meanwhile stays as that one left it. */
static void an_entry_is_sealed_anew_once(void **state)
{
	static const uint8_t other[32] = { 9 };
	const struct mac_keys next = { .keys = { { 2, other } }, .len = 1 };
	struct fixture *f = *state;
	struct intent intent = intent_to("acme", address_of(1, 1, 2));
	struct store_allow_entry entry = entry_of(&intent);
	struct mac_tag before = entry.mac;
	struct err err = { 0 };
	bool done = false;
	assert_true(add(f, &entry));
	store_allow_seal(&next, &entry);
	assert_true(store_allow_reseal(f->store, &entry, &before, &by, &done, &err));
	assert_true(done);
	struct store_receiver found = look(f, &intent);
	assert_true(store_allow_is_sealed(&next, &found.entry));
	assert_false(store_allow_is_sealed(&keys, &found.entry));
	assert_true(store_allow_reseal(f->store, &entry, &before, &by, &done, &err));
	assert_false(done);
	assert_true(take_off(f, &entry));
	assert_true(store_allow_reseal(f->store, &entry, &entry.mac, &by, &done, &err));
	assert_false(done);
}

/* A whole batch in one look, with a receiver twice. */
static void a_batch_is_looked_at_together(void **state)
{
	struct fixture *f = *state;
	struct intent intents[BATCH_MAX];
	struct store_receiver receivers[BATCH_MAX];
	const struct intent *learned[BATCH_MAX];
	struct err err = { 0 };
	for (size_t i = 0; i < BATCH_MAX; i++) {
		intents[i] = intent_to("acme", address_of((uint8_t)(i / 2), 1, 2));
		receivers[i] = (struct store_receiver){ .intent = &intents[i] };
		learned[i] = &intents[BATCH_MAX - 1 - i];
	}
	struct store_allow_entry entry = entry_of(&intents[6]);
	assert_true(add(f, &entry));
	assert_true(store_receivers_learn(f->store, learned, BATCH_MAX / 2, 1000, &err));
	assert_true(store_receivers_look(f->store, receivers, BATCH_MAX, &err));
	for (size_t i = 0; i < BATCH_MAX; i++) {
		assert_int_equal(receivers[i].is_listed, i == 6 || i == 7);
		assert_int_equal(receivers[i].is_known, i >= BATCH_MAX / 2 || i == 6 || i == 7);
	}
}

/* Whom pages of three show, by the tenth byte of the receiver. */
static size_t pages_of(struct fixture *f, const char *of, size_t *ret_last)
{
	struct store_allow_entry page[3], last;
	struct err err = { 0 };
	size_t len = 0, seen = 0;
	const struct store_allow_entry *after = NULL;
	do {
		assert_true(store_allow_list(f->store, of, after, page, 3, &len, &err));
		for (size_t i = 0; i < len; i++)
			seen |= (size_t)1 << page[i].receiver.bytes[10];
		last = page[len > 0 ? len - 1 : 0];
		after = &last;
	} while (len == 3);
	*ret_last = len;
	return seen;
}

static void the_list_comes_in_pages(void **state)
{
	struct fixture *f = *state;
	size_t last = 0;
	for (uint8_t i = 0; i < 7; i++) {
		struct intent intent = intent_to(i < 4 ? "acme" : "zeta", address_of(1, i, 2));
		struct store_allow_entry entry = entry_of(&intent);
		assert_true(add(f, &entry));
	}
	assert_int_equal(pages_of(f, "", &last), 127);
	assert_int_equal(last, 1);
	assert_int_equal(pages_of(f, "acme", &last), 15);
	assert_int_equal(last, 1);
	assert_int_equal(pages_of(f, "zeta", &last), 112);
	assert_int_equal(last, 0);
	assert_int_equal(pages_of(f, "acm", &last), 0);
}

/* An editor's row stands where it stands, whatever it says: nothing is looked at twice, or never.
 */
static void an_edited_entry_turns_no_pages(void **state)
{
	struct fixture *f = *state;
	struct store_allow_entry page[1], last;
	struct err err = { 0 };
	size_t len = 0, seen = 0;
	for (uint8_t i = 0; i < 3; i++) {
		struct intent intent = intent_to("acme", address_of(1, i, 2));
		struct store_allow_entry entry = entry_of(&intent);
		assert_true(add(f, &entry));
	}
	fixture_edit(f, "UPDATE allow_list SET account = 'another', chain_id = 7");
	const struct store_allow_entry *after = NULL;
	while (seen < 4 && store_allow_list(f->store, "", after, page, 1, &len, &err) && len == 1) {
		last = page[0];
		after = &last;
		seen++;
	}
	assert_int_equal(seen, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(the_first_of_these_digits_stays_known),
		STORE_TEST(an_entry_is_of_account_chain_and_receiver),
		STORE_TEST(an_edited_entry_has_no_seal),
		STORE_TEST(an_entry_is_sealed_anew_once),
		STORE_TEST(a_batch_is_looked_at_together),
		STORE_TEST(the_list_comes_in_pages),
		STORE_TEST(an_edited_entry_turns_no_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
