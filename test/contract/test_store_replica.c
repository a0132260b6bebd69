/* Lists of a replica and the marks by which their age is known. The replica is a second connection
 * to the same database here; a real one that lags is in test/integration/replica.test.mjs. */
#include "store_fixture.h"

#include "adapter/store_sql_replica.h"
#include "port/replica.h"

struct place {
	struct fixture *fixture;
	unsigned opened;
	bool is_away;
};

static bool place_open(void *context, struct db **ret_db, struct err *err)
{
	struct place *place = context;
	if (place->is_away)
		return err_set(err, ERR_NOT_DONE, "nobody answers");
	place->opened++;
	*ret_db = fixture_connect(place->fixture);
	return true;
}

static struct replica *replica_of(struct place *place)
{
	const struct store_sql_replica_options options = { .primary = place->fixture->db,
							   .open = place_open,
							   .context = place,
							   .entropy = &place->fixture->entropy };
	return store_sql_replica_new(&options);
}

/* The mark that a list shows, and its length. */
static int64_t list(struct replica *replica, size_t *ret_len)
{
	struct store_filter filter = { .account = "acme", .limit = 8 };
	struct store_view views[8];
	struct store_page page;
	int64_t mark_ms = -1;
	MUST(replica_list, replica, &filter, views, &page, &mark_ms);
	*ret_len = page.len;
	return mark_ms;
}

static void list_fails(struct replica *replica, enum err_kind expected)
{
	struct store_filter filter = { .account = "acme", .limit = 8 };
	struct store_view views[8];
	int64_t mark_ms;
	struct store_page page;
	MUST_FAIL(expected, replica_list, replica, &filter, views, &page, &mark_ms);
}

static void a_list_shows_the_newest_mark_of_its_own_process(void **state)
{
	struct place place = { .fixture = *state };
	struct replica *mine = replica_of(&place);
	struct replica *other = replica_of(&place);
	size_t len = 0;
	(void)fixture_accept(*state, "one");
	assert_int_equal(list(mine, &len), 0);
	assert_int_equal(len, 1);
	MUST(replica_mark, mine, 1000, FIXTURE_FIRST_MS);
	MUST(replica_mark, other, 5000, FIXTURE_FIRST_MS);
	assert_int_equal(list(mine, &len), 1000);
	assert_int_equal(list(other, &len), 5000);
	(void)fixture_accept(*state, "two");
	MUST(replica_mark, mine, 1500, FIXTURE_FIRST_MS + 500);
	assert_int_equal(list(mine, &len), 1500);
	assert_int_equal(len, 2);
	assert_int_equal(place.opened, 2); /* one connection each */
	replica_close(mine);
	replica_close(other);
}

static void marks_of_processes_that_are_gone_are_cleared_away(void **state)
{
	struct place place = { .fixture = *state };
	const int64_t day_ms = INT64_C(24) * 3600 * 1000;
	struct replica *old = replica_of(&place);
	struct replica *young = replica_of(&place);
	struct replica *new = replica_of(&place);
	size_t len = 0;
	MUST(replica_mark, old, 1, FIXTURE_FIRST_MS);
	MUST(replica_mark, young, 2, FIXTURE_FIRST_MS + 2);
	MUST(replica_mark, new, 3, FIXTURE_FIRST_MS + 1 + day_ms);
	assert_int_equal(list(old, &len), 0);
	assert_int_equal(list(young, &len), 2);
	assert_int_equal(list(new, &len), 3);
	/* One that was taken for gone marks again. */
	MUST(replica_mark, old, 4, FIXTURE_FIRST_MS + 2 + day_ms);
	assert_int_equal(list(old, &len), 4);
	replica_close(old);
	replica_close(young);
	replica_close(new);
}

static void another_schema_is_refused_for_as_long_as_it_is_there(void **state)
{
	struct place place = { .fixture = *state };
	struct replica *replica = replica_of(&place);
	size_t len = 0;
	(void)list(replica, &len);
	fixture_edit(*state, "INSERT INTO schema_migrations (version, applied_at, checksum) "
			     "VALUES (999, 1, X'00')");
	list_fails(replica, ERR_REFUSED);
	list_fails(replica, ERR_REFUSED);
	fixture_edit(*state, "DELETE FROM schema_migrations WHERE version = 999");
	(void)list(replica, &len);
	assert_int_equal(place.opened, 3);
	replica_close(replica);
}

static void one_that_is_away_is_looked_for_again(void **state)
{
	struct place place = { .fixture = *state, .is_away = true };
	struct replica *replica = replica_of(&place);
	size_t len = 0;
	list_fails(replica, ERR_NOT_DONE);
	MUST(replica_mark, replica, 7, FIXTURE_FIRST_MS); /* the primary is there */
	list_fails(replica, ERR_NOT_DONE);
	place.is_away = false;
	assert_int_equal(list(replica, &len), 7);
	replica_close(replica);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_list_shows_the_newest_mark_of_its_own_process),
		STORE_TEST(marks_of_processes_that_are_gone_are_cleared_away),
		STORE_TEST(another_schema_is_refused_for_as_long_as_it_is_there),
		STORE_TEST(one_that_is_away_is_looked_for_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
