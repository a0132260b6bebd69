/* Which accounts take in anything new, by their rows on a real store. */
#include "../../contract/store_fixture.h"

#include "port/store_account.h"
#include "service/api/account_gate.h"

#define CACHE_MS 5000

static const uint8_t key_bytes[32] = { 9, 9 };
static const struct mac_keys keys = { .keys = { { .id = 1, .key = key_bytes } }, .len = 1 };

struct desk {
	struct api_options options;
	struct account_gate *gate;
};

static void desk_open(struct desk *desk, struct fixture *f)
{
	desk->options = (struct api_options){ .store = f->store,
					      .clock = &f->clock.base,
					      .identity_keys = keys,
					      .key_cache_ms = CACHE_MS,
					      .accounts_required = true };
	desk->gate = account_gate_new(&desk->options);
}

/* As if nobody had looked yet. */
static enum problem judged(struct fixture *f, const char *name)
{
	struct desk desk;
	desk_open(&desk, f);
	enum problem problem = account_gate_judge(desk.gate, name);
	account_gate_free(desk.gate);
	return problem;
}

static void account_put(struct fixture *f, const char *name, int64_t disabled_at)
{
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct store_account row = { .created_at = 1,
				     .created_by = "ann",
				     .disabled_at = disabled_at };
	bool added = false;
	assert_true(str_copy(str_from(name), row.name, sizeof row.name));
	store_account_seal(&keys, &row);
	MUST(store_account_add, f->store, &row, &by, &added);
	assert_true(added);
}

static void a_disabled_account_takes_in_nothing(void **state)
{
	struct fixture *f = *state;
	account_put(f, "acme", 0);
	account_put(f, "zeta", 7);
	assert_int_equal(judged(f, "acme"), PROBLEM_NONE);
	assert_int_equal(judged(f, "zeta"), PROBLEM_ACCOUNT_DISABLED);
	assert_int_equal(judged(f, "ACME"), PROBLEM_ACCOUNT_DISABLED);
	assert_int_equal(judged(f, ""), PROBLEM_ACCOUNT_DISABLED);
}

static void row_edited_an_account_takes_in_nothing(void **state)
{
	static const char *const edits[] = {
		"UPDATE accounts SET disabled_at = 0",
		"UPDATE accounts SET name = 'acme', disabled_at = 0",
		"DELETE FROM accounts",
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		account_put(f, "acme", 7);
		fixture_edit(f, edits[i]);
		assert_int_equal(judged(f, "acme"), PROBLEM_ACCOUNT_DISABLED);
		fixture_edit(f, "DELETE FROM accounts");
	}
	account_put(f, "zeta", 0); /* another one's, under this name */
	fixture_edit(f, "UPDATE accounts SET name = 'acme'");
	assert_int_equal(judged(f, "acme"), PROBLEM_ACCOUNT_DISABLED);
}

/* A verdict is believed for so long, and a store that does not answer says nothing. */
static void a_verdict_is_looked_at_again(void **state)
{
	struct fixture *f = *state;
	struct desk desk;
	account_put(f, "acme", 0);
	desk_open(&desk, f);
	assert_int_equal(account_gate_judge(desk.gate, "acme"), PROBLEM_NONE);
	fixture_edit(f, "DELETE FROM accounts");
	account_put(f, "acme", 7);
	fixture_wait(f, CACHE_MS - 1);
	assert_int_equal(account_gate_judge(desk.gate, "acme"), PROBLEM_NONE);
	fixture_wait(f, 1);
	assert_int_equal(account_gate_judge(desk.gate, "acme"), PROBLEM_ACCOUNT_DISABLED);
	fixture_edit(f, "ALTER TABLE accounts RENAME TO elsewhere");
	assert_int_equal(account_gate_judge(desk.gate, "acme"), PROBLEM_ACCOUNT_DISABLED);
	fixture_wait(f, CACHE_MS);
	assert_int_equal(account_gate_judge(desk.gate, "acme"), PROBLEM_STORE_UNAVAILABLE);
	fixture_edit(f, "ALTER TABLE elsewhere RENAME TO accounts");
	assert_int_equal(account_gate_judge(desk.gate, "acme"), PROBLEM_ACCOUNT_DISABLED);
	account_gate_free(desk.gate);
}

static void any_name_is_one_where_none_is_declared(void **state)
{
	struct desk desk;
	desk_open(&desk, *state);
	desk.options.accounts_required = false;
	assert_int_equal(account_gate_judge(desk.gate, "acme"), PROBLEM_NONE);
	account_gate_free(desk.gate);
}

int main(void)
{
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_disabled_account_takes_in_nothing),
		STORE_TEST(row_edited_an_account_takes_in_nothing),
		STORE_TEST(a_verdict_is_looked_at_again),
		STORE_TEST(any_name_is_one_where_none_is_declared),
	};
	return cmocka_run_group_tests_name("service/api_account_gate", tests, NULL, NULL);
}
