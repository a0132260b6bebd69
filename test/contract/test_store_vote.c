/* What people say about a withdrawal: written with the change that brings it, or not at all. */
#include "store_fixture.h"

#include "port/store_policy.h"

#define VERSION 4

static struct withdrawal asked(struct fixture *f, const char *key)
{
	struct withdrawal row = fixture_accept(f, key);
	struct store_change change =
		fixture_change(&row, WITHDRAWAL_AWAITING_APPROVAL, "approval_asked");
	assert_true(fixture_apply(f, &change, ACTOR_PROCESSOR));
	return fixture_load(f, row.intent.id);
}

static struct vote vote_of(const struct withdrawal *row, const char *person, int64_t decided_at)
{
	struct vote vote = { .withdrawal = row->intent.id,
			     .policy_version = VERSION,
			     .shown = { { 1, 2, 3 } },
			     .verdict = VOTE_APPROVE,
			     .decided_at = decided_at,
			     .mac = { .key_id = 6, .bytes = { 7 } } };
	snprintf(vote.person, sizeof vote.person, "%s", person);
	return vote;
}

static struct store_change saying(const struct withdrawal *row, const struct vote *vote)
{
	struct store_change change = fixture_change(row, row->stage, "approval_given");
	change.vote = vote;
	return change;
}

static void say(struct fixture *f, const struct vote *vote)
{
	struct withdrawal row = fixture_load(f, vote->withdrawal);
	struct store_change change = saying(&row, vote);
	assert_true(fixture_apply(f, &change, ACTOR_API));
}

static size_t votes_of(struct fixture *f, struct id withdrawal, uint64_t version,
		       struct vote ret_votes[VOTES_MAX])
{
	size_t len = 99;
	MUST(store_votes_load, f->store, withdrawal, version, ret_votes, &len);
	return len;
}

static void assert_vote_equal(const struct vote *a, const struct vote *b)
{
	assert_memory_equal(a->withdrawal.bytes, b->withdrawal.bytes, ID_BYTES);
	assert_int_equal(a->policy_version, b->policy_version);
	assert_string_equal(a->person, b->person);
	assert_memory_equal(a->shown.bytes, b->shown.bytes, sizeof a->shown.bytes);
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->decided_at, b->decided_at);
	assert_int_equal(a->is_signed, b->is_signed);
	assert_memory_equal(a->signature, b->signature, sizeof a->signature);
	assert_int_equal(a->mac.key_id, b->mac.key_id);
	assert_memory_equal(a->mac.bytes, b->mac.bytes, sizeof a->mac.bytes);
}

static void a_word_is_read_as_it_was_written(void **state)
{
	struct fixture *f = *state;
	struct vote votes[VOTES_MAX];
	struct withdrawal row = asked(f, "one"), other = asked(f, "two");
	struct vote plain = vote_of(&row, "anna", 1000), of_other = vote_of(&other, "carl", 1);
	struct vote with_key = vote_of(&row, "bert", 2000);
	with_key.verdict = VOTE_REJECT;
	with_key.is_signed = true;
	memset(with_key.signature, 0xa5, sizeof with_key.signature);
	assert_int_equal(votes_of(f, row.intent.id, VERSION, votes), 0);
	say(f, &with_key);
	say(f, &plain);
	say(f, &of_other);
	assert_int_equal(votes_of(f, row.intent.id, VERSION, votes), 2);
	assert_vote_equal(&votes[0], &plain);
	assert_vote_equal(&votes[1], &with_key);
	struct store_event event = fixture_last_event(f, row.intent.id);
	assert_string_equal(event.detail, "{\"person\":\"anna\"}");
}

/* The processor hears of each word, and nobody else. */
static void a_word_wakes_the_processor(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = asked(f, "one");
	int64_t before = fixture_generation(f, QUEUE_REQUEST, row.intent.id);
	struct vote first = vote_of(&row, "anna", 1000), second = vote_of(&row, "bert", 2000);
	say(f, &first);
	assert_int_equal(fixture_messages(f, QUEUE_REQUEST, row.intent.id), 1);
	assert_true(fixture_generation(f, QUEUE_REQUEST, row.intent.id) > before);
	before = fixture_generation(f, QUEUE_REQUEST, row.intent.id);
	say(f, &second);
	assert_true(fixture_generation(f, QUEUE_REQUEST, row.intent.id) > before);
	assert_int_equal(fixture_messages(f, QUEUE_SIGNING, row.intent.id), 0);
}

/* Nor is a row that is queued, and asked about again, handed to the signer by a word. */
static void a_word_about_a_queued_row_wakes_the_processor(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	int64_t request = fixture_generation(f, QUEUE_REQUEST, row.intent.id);
	int64_t signing = fixture_generation(f, QUEUE_SIGNING, row.intent.id);
	struct vote vote = vote_of(&row, "anna", 1000);
	say(f, &vote);
	assert_true(fixture_generation(f, QUEUE_REQUEST, row.intent.id) > request);
	assert_int_equal(fixture_generation(f, QUEUE_SIGNING, row.intent.id), signing);
}

static void a_newer_word_takes_the_older_ones_place(void **state)
{
	struct fixture *f = *state;
	struct vote votes[VOTES_MAX];
	struct withdrawal row = asked(f, "one");
	struct vote vote = vote_of(&row, "anna", 1000);
	vote.is_signed = true;
	memset(vote.signature, 1, sizeof vote.signature);
	say(f, &vote);
	vote = vote_of(&row, "anna", 2000);
	vote.verdict = VOTE_REJECT;
	vote.mac.bytes[0] = 9;
	say(f, &vote);
	assert_int_equal(votes_of(f, row.intent.id, VERSION, votes), 1);
	assert_vote_equal(&votes[0], &vote);
}

/* Of a row that has moved meanwhile: nothing of the change is there, its vote as little. */
static void what_is_not_applied_leaves_no_word(void **state)
{
	struct fixture *f = *state;
	struct vote votes[VOTES_MAX];
	struct withdrawal before = asked(f, "one");
	struct vote first = vote_of(&before, "anna", 1000), late = vote_of(&before, "bert", 2000);
	say(f, &first);
	struct digest stored = fixture_digest(f);
	struct store_change change = saying(&before, &late);
	assert_false(fixture_apply(f, &change, ACTOR_API));
	struct digest after = fixture_digest(f);
	assert_digest_equal(&stored, &after);
	late = vote_of(&before, "anna", 3000);
	late.verdict = VOTE_REJECT;
	change = saying(&before, &late);
	assert_false(fixture_apply(f, &change, ACTOR_API));
	assert_int_equal(votes_of(f, before.intent.id, VERSION, votes), 1);
	assert_vote_equal(&votes[0], &first);
}

/* One transaction: where the word cannot be written, the row has not moved either. */
static void a_word_that_cannot_be_written_moves_nothing(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = asked(f, "one");
	struct vote vote = vote_of(&row, "anna", 1000);
	struct store_change change = saying(&row, &vote);
	struct store_by by = fixture_by(f, ACTOR_API);
	struct err err = { 0 };
	fixture_edit(f, "ALTER TABLE approvals RENAME TO approvals_away");
	assert_false(store_withdrawals_change(f->store, &change, 1, &by, &err));
	fixture_edit(f, "ALTER TABLE approvals_away RENAME TO approvals");
	struct withdrawal after = fixture_load(f, row.intent.id);
	assert_withdrawal_equal(&after, &row);
	say(f, &vote);
}

static void each_version_has_its_own(void **state)
{
	struct fixture *f = *state;
	struct vote votes[VOTES_MAX];
	struct withdrawal row = asked(f, "one");
	struct vote old = vote_of(&row, "anna", 1000), new = vote_of(&row, "anna", 2000);
	new.policy_version = VERSION + 1;
	say(f, &old);
	say(f, &new);
	assert_int_equal(votes_of(f, row.intent.id, VERSION, votes), 1);
	assert_vote_equal(&votes[0], &old);
	assert_int_equal(votes_of(f, row.intent.id, VERSION + 1, votes), 1);
	assert_vote_equal(&votes[0], &new);
	assert_int_equal(votes_of(f, row.intent.id, VERSION + 2, votes), 0);
}

/* Who comes last is not heard, whatever order they are stored in. */
static void so_many_are_read_and_the_oldest_first(void **state)
{
	struct fixture *f = *state;
	static struct vote votes[VOTES_MAX];
	struct withdrawal row = asked(f, "one");
	for (int i = VOTES_MAX + 1; i >= 0; i--) {
		char person[16];
		snprintf(person, sizeof person, "person-%d", i);
		struct vote vote = vote_of(&row, person, 1000 + i / 2);
		say(f, &vote);
	}
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM approvals"), VOTES_MAX + 2);
	assert_int_equal(votes_of(f, row.intent.id, VERSION, votes), VOTES_MAX);
	for (int i = 0; i < VOTES_MAX; i++) {
		assert_int_equal(votes[i].decided_at, 1000 + i / 2);
		if (i % 2 == 1) /* the same time: by name */
			assert_true(strcmp(votes[i - 1].person, votes[i].person) < 0);
	}
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_word_is_read_as_it_was_written),
		STORE_TEST(a_word_wakes_the_processor),
		STORE_TEST(a_word_about_a_queued_row_wakes_the_processor),
		STORE_TEST(a_newer_word_takes_the_older_ones_place),
		STORE_TEST(what_is_not_applied_leaves_no_word),
		STORE_TEST(a_word_that_cannot_be_written_moves_nothing),
		STORE_TEST(each_version_has_its_own),
		STORE_TEST(so_many_are_read_and_the_oldest_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
