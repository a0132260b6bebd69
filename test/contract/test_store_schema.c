/* The schema: made once, whoever starts first and however often; never used when it does not fit.
 */
#include "store_fixture.h"

#include "adapter/store_schema.h"
#include "adapter/store_sql.h"
#include "fault_db.h"

#include <sys/stat.h>

/* A second, empty database beside the fixture's. */
static struct fixture empty_beside(const struct fixture *fixture)
{
	struct fixture empty = *fixture;
	int len = snprintf(empty.dir, sizeof empty.dir, "%s/second", fixture->dir);
	assert_true(len > 0 && (size_t)len < sizeof empty.dir);
	assert_int_equal(mkdir(empty.dir, 0700), 0);
	empty.backend->make(&empty);
	empty.db = fixture_connect(&empty);
	empty.store = NULL;
	return empty;
}

static void empty_leave(struct fixture *empty)
{
	store_close(empty->store);
	db_close(empty->db);
	empty->backend->remove(empty);
}

static void assert_opens(struct fixture *f, bool opens)
{
	struct err err = { 0 };
	struct store *store = NULL;
	assert_int_equal(store_sql_open(f->db, &store, &err), opens);
	assert_int_equal(store != NULL, opens);
	if (!opens)
		assert_int_equal(err.kind, ERR_REFUSED);
	store_close(store);
}

static void a_store_without_its_schema_is_not_opened(void **state)
{
	struct fixture *f = *state;
	struct fixture empty = empty_beside(f);
	assert_opens(&empty, false);
	MUST(store_sql_migrate, empty.db, 1);
	assert_opens(&empty, true);
	empty_leave(&empty);
}

static void a_second_migration_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_accept(f, "one");
	struct digest before = fixture_digest(f);
	MUST(store_sql_migrate, f->db, f->clock.now_ms + 1000);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
	struct withdrawal read = fixture_load(f, row.intent.id);
	assert_withdrawal_equal(&read, &row);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM schema_migrations"),
			 STORE_SCHEMA_MAX);
}

static void *migrate_run(void *context)
{
	const struct fixture *f = context;
	struct db *db = fixture_connect(f);
	struct err err = { 0 };
	CHECK(store_sql_migrate(db, 1, &err));
	db_close(db);
	return NULL;
}

static void several_starters_make_one_schema(void **state)
{
	struct fixture *f = *state;
	struct fixture empty = empty_beside(f);
	pthread_t threads[6];
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, migrate_run, &empty), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(fixture_number(&empty, "SELECT COUNT(*) FROM schema_migrations"),
			 STORE_SCHEMA_MAX);
	assert_opens(&empty, true);
	empty_leave(&empty);
}

/* Broken at any of its statements it can be run again. */
static void a_broken_migration_can_be_repeated(void **state)
{
	struct fixture *f = *state;
	struct fixture empty = empty_beside(f);
	struct db *db = fault_db_open(fixture_connect(&empty));
	uint64_t at = 0;
	for (;;) {
		struct err err = { 0 };
		fault_db_plan(db, (struct fault_plan){ .kind = FAULT_FAIL, .at = ++at });
		bool done = store_sql_migrate(db, 1, &err);
		if (!fault_db_fired(db)) {
			assert_true(done);
			break;
		}
		assert_false(done);
		assert_int_equal(err.kind, ERR_NOT_DONE);
		assert_opens(&empty, false);
	}
	assert_true(at > 20);
	assert_opens(&empty, true);
	db_close(db);
	empty_leave(&empty);
}

static void a_schema_of_another_build_is_refused(void **state)
{
	struct fixture *f = *state;
	struct fixture empty = empty_beside(f);
	MUST(store_sql_migrate, empty.db, 1);
	fixture_edit(&empty, "UPDATE schema_migrations SET checksum = X'00' WHERE version = 1");
	MUST_FAIL(ERR_REFUSED, store_sql_migrate, empty.db, 1);
	empty_leave(&empty);
}

static void a_newer_schema_is_refused(void **state)
{
	struct fixture *f = *state;
	struct fixture empty = empty_beside(f);
	MUST(store_sql_migrate, empty.db, 1);
	fixture_edit(&empty, "INSERT INTO schema_migrations (version, applied_at, checksum) "
			     "VALUES (999, 1, X'00')");
	MUST_FAIL(ERR_REFUSED, store_sql_migrate, empty.db, 1);
	assert_opens(&empty, false);
	empty_leave(&empty);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_store_without_its_schema_is_not_opened),
		STORE_TEST(a_second_migration_changes_nothing),
		STORE_TEST(several_starters_make_one_schema),
		STORE_TEST(a_broken_migration_can_be_repeated),
		STORE_TEST(a_schema_of_another_build_is_refused),
		STORE_TEST(a_newer_schema_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
