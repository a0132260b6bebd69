/* What is asked for once: its key is taken in the transaction of the change, by one attempt alone.
 */
#include "store_fixture.h"

#include "port/store_once.h"
#include "port/store_people.h"

static const uint8_t key_bytes[32] = { 5 };
static const struct mac_keys keys = { .keys = { { 2, key_bytes } }, .len = 1 };

static struct store_once once_of(uint8_t key, uint8_t attempt)
{
	return (struct store_once){ .principal = "ann",
				    .key_hash = { key },
				    .fingerprint = { key, 1 },
				    .attempt = { { attempt } } };
}

/* Makes a user of that name under a key. */
static bool make(struct fixture *f, const char *name, const struct store_once *once,
		 struct err *err)
{
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct store_user user = { .role = USER_ROLE_VIEWER,
				   .password = "x",
				   .created_at = 1,
				   .generation = 1,
				   .version = 1 };
	uint8_t random[10];
	entropy_fill(&f->entropy, random, sizeof random);
	user.id = id_make(f->clock.now_ms, random);
	assert_true(str_copy(str_from(name), user.name, sizeof user.name));
	store_user_seal(&keys, &user);
	by.once = once;
	return store_user_add(f->store, &user, &by, err);
}

static bool load(struct fixture *f, const struct store_once *once, struct store_once_row *ret_row,
		 struct buf *ret_answer)
{
	bool found = false;
	MUST(store_once_load, f->store, once, ret_row, ret_answer, &found);
	return found;
}

static void same_key_twice_is_done_once(void **state)
{
	struct fixture *f = *state;
	struct store_once first = once_of(1, 1), second = once_of(1, 2), other = once_of(2, 3);
	struct err err = { 0 };
	assert_true(make(f, "one", &first, &err));
	struct digest before = fixture_digest(f);
	assert_false(make(f, "two", &second, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_string_equal(err.code, "once_taken");
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
	assert_true(make(f, "three", &other, &err));
	second.principal = "ben";
	assert_true(make(f, "four", &second, &err));
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM users"), 3);
}

/* What is told of a withdrawal is written by many rows at once, which must not pass the key by. */
static void a_word_about_a_withdrawal_takes_its_key(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_accept(f, "one");
	struct store_once first = once_of(1, 1), second = once_of(1, 2);
	struct store_by by = fixture_by(f, ACTOR_API);
	struct store_change item = fixture_change(&row, row.stage, "cancel_requested");
	struct err err = { 0 };
	item.request_cancel = true;
	by.once = &first;
	by.address = "192.0.2.7";
	MUST(store_withdrawals_change, f->store, &item, 1, &by);
	assert_true(item.applied);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM idempotency"), 1);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM audit WHERE detail LIKE "
					   "'%\"address\":\"192.0.2.7\"%'"),
			 1);
	row = fixture_load(f, row.intent.id);
	item = fixture_change(&row, row.stage, "cancel_requested");
	item.request_cancel = true;
	by.once = &second;
	assert_false(store_withdrawals_change(f->store, &item, 1, &by, &err));
	assert_string_equal(err.code, "once_taken");
	assert_int_equal(fixture_load(f, row.intent.id).version, row.version);
}

static void what_was_not_done_takes_no_key(void **state)
{
	struct fixture *f = *state;
	struct store_once first = once_of(1, 1), second = once_of(1, 2);
	struct store_once_row row;
	struct buf answer = buf_new(ONCE_ANSWER_BYTES_MAX);
	struct err err = { 0 };
	assert_true(make(f, "one", NULL, &err));
	assert_false(make(f, "one", &first, &err)); /* the name is taken */
	assert_false(load(f, &first, &row, &answer));
	assert_true(make(f, "two", &second, &err));
	assert_true(load(f, &first, &row, &answer));
	assert_memory_equal(row.fingerprint, first.fingerprint, sizeof row.fingerprint);
	assert_int_equal(row.status, 0);
	buf_free(&answer);
}

static void an_answer_is_of_its_attempt_and_ends(void **state)
{
	struct fixture *f = *state;
	struct store_once once = once_of(1, 1), stranger = once_of(1, 2);
	struct store_once_row row;
	struct buf answer = buf_new(ONCE_ANSWER_BYTES_MAX);
	struct err err = { 0 };
	int64_t now_ms = f->clock.now_ms;
	assert_true(make(f, "one", &once, &err));
	MUST(store_once_answer, f->store, &stranger, 201, STR("{\"a\":2}"), now_ms);
	assert_true(load(f, &once, &row, &answer));
	assert_int_equal(row.status, 0);
	MUST(store_once_answer, f->store, &once, 201, STR("{\"a\":1}"), now_ms + ONCE_KEPT_MS);
	assert_true(load(f, &once, &row, &answer));
	assert_int_equal(row.status, 201);
	assert_true(str_equal(buf_view(&answer), STR("{\"a\":1}")));
	MUST(store_once_answer, f->store, &stranger, 201, STR("{}"), now_ms + ONCE_KEPT_MS + 1);
	assert_false(load(f, &once, &row, &answer));
	buf_free(&answer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(same_key_twice_is_done_once),
		TEST(a_word_about_a_withdrawal_takes_its_key),
		TEST(what_was_not_done_takes_no_key),
		TEST(an_answer_is_of_its_attempt_and_ends),
	};
#undef TEST
	return _cmocka_run_group_tests("store_once", tests, COUNT_OF(tests), NULL, NULL);
}
