/* Pause switches in the store: changed together, read in one look, and under lock where they
 * decide.
 */
#include "store_fixture.h"

#include "adapter/sql_row.h"
#include "port/store_control.h"

#include <stdatomic.h>
#include <time.h>

static const uint8_t key_bytes[32] = { 5 };
static const struct mac_keys keys = { .keys = { { 2, key_bytes } }, .len = 1 };

static struct control_set *load(struct fixture *f)
{
	static struct control_set set;
	MUST(store_controls_load, f->store, &set);
	return &set;
}

/* What a person does: of the set as it stands; `version` is of what was read. */
static bool change(struct fixture *f, struct control_set *set, uint64_t version, bool resets)
{
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct store_control_change item = { .version = version,
					     .set = set,
					     .resets = resets,
					     .action = "paused",
					     .detail = "{\"reason\":\"drill\"}" };
	control_set_seal(&keys, set);
	MUST(store_controls_change, f->store, &item, &by);
	return item.applied;
}

static bool switch_on(struct fixture *f, enum control_scope scope, const char *name, unsigned stops)
{
	struct control_set *set = load(f);
	struct control row = { .scope = scope, .stops = stops, .who = "ann", .reason = "drill" };
	uint64_t version = set->version;
	assert_true(control_name_read(scope, str_from(name), row.name));
	assert_true(control_set_put(set, &row, f->clock.now_ms));
	return change(f, set, version, false);
}

static void a_new_store_has_no_switches(void **state)
{
	struct fixture *f = *state;
	struct control_set *set = load(f);
	assert_true(set->has_head && !set->is_cut);
	assert_int_equal(set->version, 0);
	assert_int_equal(set->len, 0);
	assert_true(control_set_is_sealed(&keys, set));
}

static void a_set_comes_back_whole_and_sealed(void **state)
{
	struct fixture *f = *state;
	assert_true(switch_on(f, CONTROL_WALLET, "0xde709f2102306220921060314715629080e2fb77",
			      CONTROL_SIGNING));
	assert_true(switch_on(f, CONTROL_ALL, "", CONTROL_INTAKE));
	assert_true(switch_on(f, CONTROL_ACCOUNT, "zeta", CONTROL_STOPS_ALL));
	assert_true(switch_on(f, CONTROL_ACCOUNT, "Acme", CONTROL_BROADCAST));
	struct control_set *set = load(f);
	assert_int_equal(set->version, 4);
	assert_int_equal(set->len, 4);
	assert_true(control_set_is_sealed(&keys, set));
	assert_int_equal(set->changed_at, f->clock.now_ms);
	assert_int_equal(set->rows[0].scope, CONTROL_ALL);
	assert_string_equal(set->rows[1].name, "Acme");
	assert_string_equal(set->rows[2].name, "zeta");
	assert_int_equal(set->rows[1].stops, CONTROL_BROADCAST);
	assert_int_equal(set->rows[1].version, 4);
	assert_string_equal(set->rows[1].who, "ann");
	assert_string_equal(set->rows[1].reason, "drill");
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM audit WHERE action = 'paused'"),
			 4);
}

static void a_change_of_an_older_set_is_not_written(void **state)
{
	struct fixture *f = *state;
	struct control row = { .scope = CONTROL_ALL, .stops = CONTROL_SIGNING, .who = "ben" };
	struct control_set mine = *load(f);
	assert_true(switch_on(f, CONTROL_CHAIN, "137", CONTROL_SIGNING));
	struct digest before = fixture_digest(f);
	assert_true(control_set_put(&mine, &row, 1));
	assert_false(change(f, &mine, 0, false));
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

/* The head is made anew by those only who say that they reset it. */
static void a_head_that_is_gone_shows(void **state)
{
	struct fixture *f = *state;
	struct control row = { .scope = CONTROL_ALL, .stops = CONTROL_SIGNING, .who = "ben" };
	assert_true(switch_on(f, CONTROL_CHAIN, "137", CONTROL_SIGNING));
	fixture_edit(f, "DELETE FROM controls_head");
	struct control_set set = *load(f);
	assert_false(set.has_head);
	assert_int_equal(set.len, 1); /* what was stopped still shows */
	assert_true(control_set_put(&set, &row, 1));
	assert_false(change(f, &set, 0, false));
	set.version = set.reset_version = 70;
	assert_true(change(f, &set, 0, true));
	struct control_set *made = load(f);
	assert_true(made->has_head);
	assert_int_equal(made->reset_version, 70);
	assert_true(control_set_is_sealed(&keys, made));
}

static void more_rows_than_a_set_has_show(void **state)
{
	struct fixture *f = *state;
	char text[200];
	for (int i = 0; i <= CONTROLS_MAX; i++) {
		snprintf(text, sizeof text,
			 "INSERT INTO controls (scope, name, stops, version, since, who, reason) "
			 "VALUES (2, 'c%03d', 2, 1, 1, 'x', 'x')",
			 i);
		fixture_edit(f, text);
	}
	struct control_set *set = load(f);
	assert_true(set->is_cut);
	assert_int_equal(set->len, CONTROLS_MAX);
	assert_false(control_set_is_sealed(&keys, set));
}

/* ---- where they decide ---- */

static enum store_write reserve(struct fixture *f, const struct withdrawal *row, uint64_t version)
{
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	struct store_reservation item = fixture_reservation(f, row, 0);
	item.controls = version;
	MUST(store_transfers_reserve, f->store, &item, 1, &by);
	return item.result;
}

static void a_reservation_by_an_older_set_is_paused(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	assert_true(switch_on(f, CONTROL_CHAIN, "1", CONTROL_SIGNING));
	struct digest before = fixture_digest(f);
	assert_int_equal(reserve(f, &row, 0), STORE_PAUSED);
	assert_int_equal(reserve(f, &row, 2), STORE_PAUSED);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
	fixture_edit(f, "UPDATE controls_head SET id = 2");
	assert_int_equal(reserve(f, &row, 1), STORE_PAUSED);
	fixture_edit(f, "UPDATE controls_head SET id = 1");
	assert_int_equal(reserve(f, &row, 1), STORE_WRITTEN);
}

static enum store_write sign(struct fixture *f, const struct transfer *slot, uint64_t version,
			     bool recovers)
{
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	struct store_attempt item = fixture_attempt(f, slot);
	item.controls = version;
	item.recovers = recovers;
	MUST(store_attempts_add, f->store, &item, 1, &by);
	return item.result;
}

static void paid_while_paused_a_first_attempt_is_not_stored(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct transfer slot = fixture_reserve(f, &row, 0);
	assert_true(switch_on(f, CONTROL_ALL, "", CONTROL_SIGNING));
	struct digest before = fixture_digest(f);
	assert_int_equal(sign(f, &slot, 0, false), STORE_PAUSED);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
	assert_int_equal(sign(f, &slot, 1, false), STORE_WRITTEN);
}

/* What may be out goes on being bumped, and a wallet that recovers fills its nonces. */
static void later_attempts_and_fillers_ask_for_no_version(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	struct withdrawal row = fixture_queue(f, "two");
	struct transfer filler = fixture_reserve(f, &row, 0);
	assert_true(switch_on(f, CONTROL_ALL, "", CONTROL_SIGNING));
	assert_int_equal(sign(f, &slot, 0, false), STORE_WRITTEN);
	assert_int_equal(sign(f, &filler, 0, true), STORE_WRITTEN);
}

/* ---- where they meet ---- */

struct meeting {
	struct fixture *f;
	struct db *db; /* a connection of its own */
	struct store *store;
	struct store_reservation item;
	struct store_control_change change;
	bool pauses;
	bool done; /* the call came back with its transaction committed */
	atomic_bool is_over;
};

static void meeting_open(struct meeting *meeting)
{
	meeting->db = fixture_connect(meeting->f);
	meeting->store = fixture_store_over(meeting->db);
}

static void meeting_close(struct meeting *meeting)
{
	store_close(meeting->store);
	db_close(meeting->db);
}

/* In a thread: asserts nothing. */
static void *meet(void *context)
{
	struct meeting *meeting = context;
	struct store_by by = fixture_by(meeting->f, ACTOR_SIGNER);
	struct err err = { 0 };
	meeting->done =
		meeting->pauses
			? store_controls_change(meeting->store, &meeting->change, &by, &err)
			: store_transfers_reserve(meeting->store, &meeting->item, 1, &by, &err);
	atomic_store(&meeting->is_over, true);
	return NULL;
}

/* Who else waits on this server makes the moment less exact, and no more. */
static void meet_until_blocked(struct meeting *meeting, pthread_t *ret_thread)
{
	const struct timespec pause = { 0, 300000 };
	atomic_init(&meeting->is_over, false);
	assert_int_equal(pthread_create(ret_thread, NULL, meet, meeting), 0);
	while (!atomic_load(&meeting->is_over) &&
	       fixture_number(meeting->f, "SELECT count FROM information_schema.innodb_metrics "
					  "WHERE name = 'lock_row_lock_current_waits'") == 0)
		nanosleep(&pause, NULL);
}

/* A pause that is about to be committed: who reserves waits for it, and writes nothing. */
static void who_reserves_waits_for_who_pauses(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct db *people = fixture_connect(f);
	struct meeting meeting = { .f = f, .item = fixture_reservation(f, &row, 0) };
	pthread_t thread;
	meeting_open(&meeting);
	MUST(db_begin, people, true);
	MUST(db_exec, people, "UPDATE controls_head SET version = 1");
	meet_until_blocked(&meeting, &thread);
	assert_false(atomic_load(&meeting.is_over));
	MUST(db_commit, people);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(meeting.done);
	assert_int_equal(meeting.item.result, STORE_PAUSED);
	db_close(people);
	meeting_close(&meeting);
}

/* A reservation that is about to be committed: the pause is there when that is, and not before. */
static void who_pauses_waits_for_who_reserves(void **state)
{
	struct fixture *f = *state;
	struct control row = { .scope = CONTROL_ALL, .stops = CONTROL_SIGNING, .who = "ann" };
	struct control_set set = *load(f);
	struct db *signer = fixture_connect(f);
	struct meeting meeting = { .f = f, .pauses = true };
	pthread_t thread;
	meeting_open(&meeting);
	assert_true(control_set_put(&set, &row, 1));
	control_set_seal(&keys, &set);
	meeting.change =
		(struct store_control_change){ .set = &set, .action = "paused", .detail = "{}" };
	MUST(db_begin, signer, true);
	struct sql version = sql_prepare(
		signer, "SELECT version FROM controls_head WHERE id = 1 {for share}", NULL);
	assert_true(sql_next(&version));
	assert_true(sql_end(&version));
	meet_until_blocked(&meeting, &thread);
	assert_false(atomic_load(&meeting.is_over));
	MUST(db_commit, signer);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(meeting.done && meeting.change.applied);
	db_close(signer);
	meeting_close(&meeting);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_new_store_has_no_switches),
		TEST(a_set_comes_back_whole_and_sealed),
		TEST(a_change_of_an_older_set_is_not_written),
		TEST(a_head_that_is_gone_shows),
		TEST(more_rows_than_a_set_has_show),
		TEST(a_reservation_by_an_older_set_is_paused),
		TEST(paid_while_paused_a_first_attempt_is_not_stored),
		TEST(later_attempts_and_fillers_ask_for_no_version),
		/* Not on one host: there a write has the whole store. */
		TEST(who_reserves_waits_for_who_pauses),
		TEST(who_pauses_waits_for_who_reserves),
	};
#undef TEST
	size_t n = COUNT_OF(tests) - (fixture_is_of_one_host() ? 2 : 0);
	return _cmocka_run_group_tests("store_control", tests, n, NULL, NULL);
}
