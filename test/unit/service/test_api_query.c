#include "service/api/query.h"

#include "../testing.h"

static enum problem take(struct list_query *query, const char *name, const char *value)
{
	return list_query_take(query, str_from(name), str_from(value));
}

static void a_list_takes_its_filters(void **state)
{
	(void)state;
	struct list_query query;
	struct principal by = { .account = "default" };
	struct id last = { { 1, 2, 3 } };
	char text[CURSOR_LEN + 1];
	struct buf cursor = buf_of(text, sizeof text);
	cursor_write(last, &cursor);
	list_query_init(&query);
	struct store_filter empty = list_query_filter(&query, &by);
	assert_string_equal(empty.account, "default");
	assert_true(empty.asset == NULL && empty.external_id == NULL);
	assert_false(empty.has_status || empty.has_before);
	assert_int_equal(empty.limit, PAGE_DEFAULT);

	assert_int_equal(take(&query, "status", "PROCESSING"), PROBLEM_NONE);
	assert_int_equal(take(&query, "asset", "USDC"), PROBLEM_NONE);
	assert_int_equal(take(&query, "account", "default"), PROBLEM_NONE);
	assert_int_equal(take(&query, "external_id", "order 1"), PROBLEM_NONE);
	assert_int_equal(take(&query, "created_after", "2026-01-01T00:00:00Z"), PROBLEM_NONE);
	assert_int_equal(take(&query, "limit", "200"), PROBLEM_NONE);
	assert_int_equal(list_query_take(&query, STR("cursor"), buf_view(&cursor)), PROBLEM_NONE);
	struct store_filter filter = list_query_filter(&query, &by);
	assert_int_equal(filter.stage_first, WITHDRAWAL_QUEUED);
	assert_int_equal(filter.stage_last, WITHDRAWAL_ASSIGNED);
	assert_string_equal(filter.asset, "USDC");
	assert_string_equal(filter.external_id, "order 1");
	assert_int_equal(filter.created_after_ms, 1767225600000);
	assert_true(filter.has_status && filter.has_before && id_equal(filter.before, last));
	assert_int_equal(filter.limit, PAGE_MAX);
}

static void a_list_is_of_the_callers_account(void **state)
{
	(void)state;
	struct list_query query;
	struct principal key = { .account = "acme", .reach = REACH_CASES };
	struct principal user = { .reach = REACH_ALL };
	list_query_init(&query);
	assert_int_equal(take(&query, "account", "other"), PROBLEM_NONE);
	assert_string_equal(list_query_filter(&query, &key).account, "acme");
	key.reach = REACH_ACCOUNT;
	assert_string_equal(list_query_filter(&query, &key).account, "acme");
	assert_string_equal(list_query_filter(&query, &user).account, "other");
}

static void a_list_refuses_what_it_does_not_know(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *value;
		enum problem problem;
	} bad[] = {
		{ "", "", PROBLEM_QUERY_UNKNOWN },
		{ "Status", "PENDING", PROBLEM_QUERY_UNKNOWN },
		{ "offset", "1", PROBLEM_QUERY_UNKNOWN },
		{ "status", "pending", PROBLEM_QUERY_MALFORMED },
		{ "status", "queued", PROBLEM_QUERY_MALFORMED },
		{ "status", "", PROBLEM_QUERY_MALFORMED },
		{ "asset", "", PROBLEM_QUERY_MALFORMED },
		{ "asset", "12345678901234567", PROBLEM_QUERY_MALFORMED },
		{ "external_id", "", PROBLEM_QUERY_MALFORMED },
		{ "created_after", "yesterday", PROBLEM_QUERY_MALFORMED },
		{ "created_after", "1767225600000", PROBLEM_QUERY_MALFORMED },
		{ "limit", "0", PROBLEM_QUERY_MALFORMED },
		{ "limit", "201", PROBLEM_QUERY_MALFORMED },
		{ "limit", "-1", PROBLEM_QUERY_MALFORMED },
		{ "limit", "1e1", PROBLEM_QUERY_MALFORMED },
		{ "cursor", "", PROBLEM_CURSOR_MALFORMED },
		{ "cursor", "c1zz", PROBLEM_CURSOR_MALFORMED },
		{ "cursor", "c200000000000000000000000000000000", PROBLEM_CURSOR_MALFORMED },
		{ "cursor", "c10000000000000000000000000000000g", PROBLEM_CURSOR_MALFORMED },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct list_query query;
		list_query_init(&query);
		assert_int_equal(take(&query, bad[i].name, bad[i].value), bad[i].problem);
	}
	struct list_query query;
	list_query_init(&query);
	assert_int_equal(take(&query, "limit", "1"), PROBLEM_NONE);
	assert_int_equal(take(&query, "limit", "1"), PROBLEM_QUERY_REPEATED);
}

static void events_are_read_behind_a_sequence(void **state)
{
	(void)state;
	struct events_query query;
	events_query_init(&query);
	assert_int_equal(query.after, 0);
	assert_int_equal(query.limit, PAGE_DEFAULT);
	assert_int_equal(events_query_take(&query, STR("after"), STR("9223372036854775807")),
			 PROBLEM_NONE);
	assert_int_equal(events_query_take(&query, STR("after"), STR("1")), PROBLEM_QUERY_REPEATED);
	assert_int_equal(events_query_take(&query, STR("limit"), STR("3")), PROBLEM_NONE);
	assert_int_equal(events_query_take(&query, STR("cursor"), STR("3")), PROBLEM_QUERY_UNKNOWN);
	events_query_init(&query);
	assert_int_equal(events_query_take(&query, STR("after"), STR("9223372036854775808")),
			 PROBLEM_QUERY_MALFORMED);
	assert_int_equal(query.after, 0);
}

static void a_refused_parameter_says_what_it_takes(void **state)
{
	static const char *const names[] = { "status", "asset",         "account", "external_id",
					     "limit",  "created_after", "cursor" };
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *text = list_query_explain(str_from(names[i]), PROBLEM_QUERY_MALFORMED);
		assert_non_null(text);
		assert_true(str_starts_with(str_from(text), str_from(names[i])));
		assert_null(list_query_explain(str_from(names[i]), PROBLEM_QUERY_REPEATED));
		/* An unknown one is told all that are known. */
		text = list_query_explain(STR("frob"), PROBLEM_QUERY_UNKNOWN);
		assert_non_null(strstr(text, names[i]));
	}
	/* Each status that is named is one, and each that is one is named. */
	const char *text = list_query_explain(STR("status"), PROBLEM_QUERY_MALFORMED);
	for (int stage = WITHDRAWAL_ACCEPTED; stage <= WITHDRAWAL_CANCELED; stage++)
		assert_non_null(strstr(text, withdrawal_status_text((enum withdrawal_stage)stage)));
	assert_non_null(
		strstr(events_query_explain(STR("after"), PROBLEM_QUERY_MALFORMED), "sequence"));
	assert_non_null(strstr(events_query_explain(STR("x"), PROBLEM_QUERY_UNKNOWN), "limit"));
}

static enum problem wait_for(struct wait_query *query, const char *name, const char *value)
{
	return wait_query_take(query, str_from(name), str_from(value));
}

static void a_wait_is_bounded(void **state)
{
	struct wait_query query = { .wait_ms = 0 };
	(void)state;
	assert_int_equal(wait_for(&query, "after", "0"), PROBLEM_NONE);
	assert_true(query.has_after);
	assert_int_equal(wait_for(&query, "wait_ms", "30000"), PROBLEM_NONE);
	assert_int_equal(query.wait_ms, WAIT_MS_MAX);
	assert_int_equal(wait_for(&query, "wait_ms", "1"), PROBLEM_QUERY_REPEATED);
	assert_int_equal(query.wait_ms, WAIT_MS_MAX);
	const char *const wrong[] = { "30001", "-1", "", "1.5", "99999999999999999999" };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		query = (struct wait_query){ .wait_ms = 0 };
		assert_int_equal(wait_for(&query, "wait_ms", wrong[i]), PROBLEM_QUERY_MALFORMED);
		assert_int_equal(query.wait_ms, 0);
	}
	assert_int_equal(wait_for(&query, "after", "x"), PROBLEM_QUERY_MALFORMED);
	assert_false(query.has_after);
	assert_int_equal(wait_for(&query, "limit", "1"), PROBLEM_QUERY_UNKNOWN);
	assert_non_null(
		strstr(wait_query_explain(STR("wait_ms"), PROBLEM_QUERY_MALFORMED), "30000"));
	assert_non_null(strstr(wait_query_explain(STR("x"), PROBLEM_QUERY_UNKNOWN), "wait_ms"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_parameter_says_what_it_takes),
		cmocka_unit_test(a_list_takes_its_filters),
		cmocka_unit_test(a_list_is_of_the_callers_account),
		cmocka_unit_test(a_list_refuses_what_it_does_not_know),
		cmocka_unit_test(events_are_read_behind_a_sequence),
		cmocka_unit_test(a_wait_is_bounded),
	};
	return cmocka_run_group_tests_name("service/api/query", tests, NULL, NULL);
}
