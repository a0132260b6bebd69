/* Parameters of the lists, and their cursors: each is taken within its bounds, or not at all. An
 * input has lines of name=value. */
#include "fuzz.h"

#include "base/time.h"
#include "service/api/query.h"

static void check_cursor(struct id id, struct str text)
{
	char storage[CURSOR_LEN];
	struct buf again = buf_of(storage, sizeof storage);
	cursor_write(id, &again);
	CHECK(!again.overflow && str_equal_fold(buf_view(&again), text));
}

static void check_time(int64_t at_ms)
{
	char storage[32];
	int64_t again = -1;
	struct buf text = buf_of(storage, sizeof storage);
	time_write_rfc3339(at_ms, &text);
	CHECK(text.len == 24 && time_read_rfc3339(buf_view(&text), &again) && again == at_ms);
}

static void check_list(const struct list_query *query)
{
	CHECK(query->limit >= 1 && query->limit <= PAGE_MAX);
	CHECK(!query->has_status || query->stage_first <= query->stage_last);
	CHECK(strlen(query->asset) <= SYMBOL_LEN_MAX);
	CHECK(strlen(query->external_id) <= EXTERNAL_ID_LEN_MAX);
	struct principal by = { .account = "acme" };
	struct store_filter filter = list_query_filter(query, &by);
	CHECK(filter.limit == query->limit && (filter.asset == NULL || filter.asset[0] != 0));
	check_time(query->created_after_ms);
}

static void list_line(struct list_query *query, struct str name, struct str value)
{
	struct list_query before = *query;
	enum problem problem = list_query_take(query, name, value);
	if (problem == PROBLEM_NONE) {
		CHECK(query->seen != before.seen);
		CHECK(list_query_take(query, name, value) == PROBLEM_QUERY_REPEATED);
		if (str_equal_text(name, "cursor"))
			check_cursor(query->before, value);
		return;
	}
	CHECK(problem == PROBLEM_QUERY_UNKNOWN || problem == PROBLEM_QUERY_REPEATED ||
	      problem == PROBLEM_QUERY_MALFORMED || problem == PROBLEM_CURSOR_MALFORMED);
	const char *text = list_query_explain(name, problem);
	CHECK((text == NULL) == (problem == PROBLEM_QUERY_REPEATED));
	before.seen = query->seen;
	CHECK(memcmp(&before, query, sizeof before) == 0);
}

static void events_line(struct events_query *query, struct str name, struct str value)
{
	struct events_query before = *query;
	enum problem problem = events_query_take(query, name, value);
	if (problem == PROBLEM_NONE) {
		CHECK(events_query_take(query, name, value) == PROBLEM_QUERY_REPEATED);
		return;
	}
	before.seen = query->seen;
	CHECK(memcmp(&before, query, sizeof before) == 0);
	CHECK((events_query_explain(name, problem) == NULL) == (problem == PROBLEM_QUERY_REPEATED));
}

static void wait_line(struct wait_query *query, struct str name, struct str value)
{
	struct wait_query before = *query;
	enum problem problem = wait_query_take(query, name, value);
	if (problem == PROBLEM_NONE) {
		CHECK(wait_query_take(query, name, value) == PROBLEM_QUERY_REPEATED);
		return;
	}
	before.seen = query->seen;
	CHECK(memcmp(&before, query, sizeof before) == 0);
	CHECK((wait_query_explain(name, problem) == NULL) == (problem == PROBLEM_QUERY_REPEATED));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str rest = str_from_bytes(bytes, len);
	struct list_query list;
	struct events_query events;
	struct wait_query wait;
	memset(&wait, 0, sizeof wait);
	memset(&list, 0, sizeof list);
	memset(&events, 0, sizeof events);
	list_query_init(&list);
	events_query_init(&events);
	bool more = true;
	while (more) {
		struct str line = rest, name, value = { 0 };
		more = str_cut(rest, '\n', &line, &rest);
		name = line;
		(void)str_cut(line, '=', &name, &value);
		list_line(&list, name, value);
		events_line(&events, name, value);
		wait_line(&wait, name, value);
	}
	check_list(&list);
	CHECK(wait.wait_ms >= 0 && wait.wait_ms <= WAIT_MS_MAX && wait.after <= INT64_MAX);
	CHECK(events.after <= INT64_MAX && events.limit >= 1 && events.limit <= PAGE_MAX);
	return 0;
}
