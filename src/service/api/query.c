#include "service/api/query.h"

#include "base/hex.h"
#include "base/time.h"

#include <string.h>

#define CURSOR_VERSION "c1"

enum list_parameter {
	LIST_STATUS,
	LIST_ASSET,
	LIST_ACCOUNT,
	LIST_EXTERNAL_ID,
	LIST_CREATED_AFTER,
	LIST_LIMIT,
	LIST_CURSOR,
	LIST_COUNT,
};

static const char *const list_names[LIST_COUNT] = {
	[LIST_STATUS] = "status",
	[LIST_ASSET] = "asset",
	[LIST_ACCOUNT] = "account",
	[LIST_EXTERNAL_ID] = "external_id",
	[LIST_CREATED_AFTER] = "created_after",
	[LIST_LIMIT] = "limit",
	[LIST_CURSOR] = "cursor",
};

enum events_parameter {
	EVENTS_AFTER,
	EVENTS_LIMIT,
	EVENTS_COUNT,
};

static const char *const events_names[EVENTS_COUNT] = {
	[EVENTS_AFTER] = "after",
	[EVENTS_LIMIT] = "limit",
};

enum wait_parameter {
	WAIT_MS,
	WAIT_AFTER,
	WAIT_COUNT,
};

static const char *const wait_names[WAIT_COUNT] = {
	[WAIT_MS] = "wait_ms",
	[WAIT_AFTER] = "after",
};

enum allow_parameter {
	ALLOW_ACCOUNT,
	ALLOW_AFTER,
	ALLOW_LIMIT,
	ALLOW_COUNT,
};

static const char *const allow_names[ALLOW_COUNT] = {
	[ALLOW_ACCOUNT] = "account",
	[ALLOW_AFTER] = "after",
	[ALLOW_LIMIT] = "limit",
};

enum rows_parameter {
	ROWS_AFTER,
	ROWS_LIMIT,
	ROWS_COUNT,
};

static const char *const rows_names[ROWS_COUNT] = {
	[ROWS_AFTER] = "after",
	[ROWS_LIMIT] = "limit",
};

/* What a value of each has to be, for the detail of an error. */
static const char *const list_wanted[LIST_COUNT] = {
	[LIST_STATUS] = "status is PENDING, PROCESSING, COMPLETED, FAILED, REJECTED or CANCELED.",
	[LIST_ASSET] = "asset is a symbol of at most 16 bytes, as GET /v1/assets lists it.",
	[LIST_ACCOUNT] = "account is the name of an account, of at most 64 bytes.",
	[LIST_EXTERNAL_ID] = "external_id has 1 to 128 bytes.",
	[LIST_CREATED_AFTER] = "created_after is a time of RFC 3339, such as 2026-01-31T12:00:00Z.",
	[LIST_LIMIT] = "limit is a number from 1 to 200.",
	[LIST_CURSOR] = "cursor is taken from the next_cursor of an earlier answer, unchanged.",
};

static const char *const events_wanted[EVENTS_COUNT] = {
	[EVENTS_AFTER] = "after is the sequence of an event: a number from 0.",
	[EVENTS_LIMIT] = "limit is a number from 1 to 200.",
};

static const char *const allow_wanted[ALLOW_COUNT] = {
	[ALLOW_ACCOUNT] = "account is the name of an account, of at most 64 bytes.",
	[ALLOW_AFTER] = "after is the next_after of an earlier answer, unchanged.",
	[ALLOW_LIMIT] = "limit is a number from 1 to 200.",
};

static const char *const rows_wanted[ROWS_COUNT] = {
	[ROWS_AFTER] = "after is the next_after of an earlier answer, unchanged.",
	[ROWS_LIMIT] = "limit is a number from 1 to 200.",
};

static const char *const wait_wanted[WAIT_COUNT] = {
	[WAIT_MS] = "wait_ms is a number of milliseconds from 0 to 30000.",
	[WAIT_AFTER] = "after is the version of an earlier answer: a number from 0.",
};

_Static_assert(WAIT_MS_MAX == 30000, "the text above names it");
_Static_assert(PAGE_MAX == 200 && SYMBOL_LEN_MAX == 16 && ACCOUNT_LEN_MAX == 64 &&
		       EXTERNAL_ID_LEN_MAX == 128,
	       "the texts above name the limits");

void list_query_init(struct list_query *query)
{
	*query = (struct list_query){ .limit = PAGE_DEFAULT };
}

void events_query_init(struct events_query *query)
{
	*query = (struct events_query){ .limit = PAGE_DEFAULT };
}

void allow_query_init(struct allow_query *query)
{
	*query = (struct allow_query){ .limit = PAGE_DEFAULT };
}

void rows_query_init(struct rows_query *query)
{
	*query = (struct rows_query){ .limit = PAGE_MAX };
}

/* Finds the parameter among its route's, and marks it as seen. */
static enum problem find(const char *const *names, int count, struct str name, unsigned *seen,
			 int *ret_at)
{
	int at = 0;
	while (at < count && !str_equal_text(name, names[at]))
		at++;
	if (at == count)
		return PROBLEM_QUERY_UNKNOWN;
	if ((*seen & (1u << at)) != 0)
		return PROBLEM_QUERY_REPEATED;
	*seen |= 1u << at;
	*ret_at = at;
	return PROBLEM_NONE;
}

static bool take_text(struct str value, char *ret_text, size_t cap)
{
	return value.len > 0 && str_copy(value, ret_text, cap);
}

static bool take_wait(struct str value, int64_t *ret_wait_ms)
{
	uint64_t wait_ms;
	if (!str_to_u64(value, &wait_ms) || wait_ms > WAIT_MS_MAX)
		return false;
	*ret_wait_ms = (int64_t)wait_ms;
	return true;
}

static bool take_limit(struct str value, size_t *ret_limit)
{
	uint64_t limit;
	if (!str_to_u64(value, &limit) || limit == 0 || limit > PAGE_MAX)
		return false;
	*ret_limit = (size_t)limit;
	return true;
}

/* Sequences are stored as signed numbers. */
static bool take_sequence(struct str value, uint64_t *ret_sequence)
{
	uint64_t sequence;
	if (!str_to_u64(value, &sequence) || sequence > INT64_MAX)
		return false;
	*ret_sequence = sequence;
	return true;
}

static bool take_list_value(struct list_query *query, enum list_parameter parameter,
			    struct str value)
{
	switch (parameter) {
	case LIST_STATUS:
		query->has_status =
			withdrawal_status_read(value, &query->stage_first, &query->stage_last);
		return query->has_status;
	case LIST_ASSET:
		return take_text(value, query->asset, sizeof query->asset);
	case LIST_ACCOUNT:
		return take_text(value, query->account, sizeof query->account);
	case LIST_EXTERNAL_ID:
		return take_text(value, query->external_id, sizeof query->external_id);
	case LIST_CREATED_AFTER:
		return time_read_rfc3339(value, &query->created_after_ms);
	case LIST_LIMIT:
		return take_limit(value, &query->limit);
	case LIST_CURSOR:
		query->has_before = cursor_read(value, &query->before);
		return query->has_before;
	case LIST_COUNT:
		break;
	}
	return false;
}

enum problem list_query_take(struct list_query *query, struct str name, struct str value)
{
	int at;
	enum problem problem = find(list_names, LIST_COUNT, name, &query->seen, &at);
	if (problem != PROBLEM_NONE)
		return problem;
	if (take_list_value(query, (enum list_parameter)at, value))
		return PROBLEM_NONE;
	return at == LIST_CURSOR ? PROBLEM_CURSOR_MALFORMED : PROBLEM_QUERY_MALFORMED;
}

enum problem events_query_take(struct events_query *query, struct str name, struct str value)
{
	int at;
	enum problem problem = find(events_names, EVENTS_COUNT, name, &query->seen, &at);
	if (problem != PROBLEM_NONE)
		return problem;
	bool is_taken = at == EVENTS_AFTER ? take_sequence(value, &query->after)
					   : take_limit(value, &query->limit);
	return is_taken ? PROBLEM_NONE : PROBLEM_QUERY_MALFORMED;
}

static bool take_allow_value(struct allow_query *query, enum allow_parameter parameter,
			     struct str value)
{
	switch (parameter) {
	case ALLOW_ACCOUNT:
		return take_text(value, query->account, sizeof query->account);
	case ALLOW_AFTER:
		query->has_after = hex_read(value, query->after, sizeof query->after);
		return query->has_after;
	case ALLOW_LIMIT:
		return take_limit(value, &query->limit);
	case ALLOW_COUNT:
		break;
	}
	return false;
}

enum problem allow_query_take(struct allow_query *query, struct str name, struct str value)
{
	int at;
	enum problem problem = find(allow_names, ALLOW_COUNT, name, &query->seen, &at);
	if (problem != PROBLEM_NONE)
		return problem;
	return take_allow_value(query, (enum allow_parameter)at, value) ? PROBLEM_NONE
									: PROBLEM_QUERY_MALFORMED;
}

enum problem rows_query_take(struct rows_query *query, struct str name, struct str value)
{
	int at;
	enum problem problem = find(rows_names, ROWS_COUNT, name, &query->seen, &at);
	if (problem != PROBLEM_NONE)
		return problem;
	bool is_taken = at == ROWS_AFTER ? take_text(value, query->after, sizeof query->after)
					 : take_limit(value, &query->limit);
	return is_taken ? PROBLEM_NONE : PROBLEM_QUERY_MALFORMED;
}

enum problem wait_query_take(struct wait_query *query, struct str name, struct str value)
{
	int at;
	enum problem problem = find(wait_names, WAIT_COUNT, name, &query->seen, &at);
	if (problem != PROBLEM_NONE)
		return problem;
	bool is_taken = at == WAIT_AFTER ? take_sequence(value, &query->after)
					 : take_wait(value, &query->wait_ms);
	if (!is_taken)
		return PROBLEM_QUERY_MALFORMED;
	query->has_after = query->has_after || at == WAIT_AFTER;
	return PROBLEM_NONE;
}

static const char *explain(const char *const *names, const char *const *wanted, int count,
			   const char *all, struct str name, enum problem problem)
{
	for (int i = 0; i < count; i++)
		if (problem != PROBLEM_QUERY_REPEATED && str_equal_text(name, names[i]))
			return wanted[i];
	return problem == PROBLEM_QUERY_UNKNOWN ? all : NULL;
}

const char *list_query_explain(struct str name, enum problem problem)
{
	return explain(list_names, list_wanted, LIST_COUNT,
		       "The parameters are status, asset, account, external_id, created_after, "
		       "limit and cursor.",
		       name, problem);
}

const char *events_query_explain(struct str name, enum problem problem)
{
	return explain(events_names, events_wanted, EVENTS_COUNT,
		       "The parameters are after and limit.", name, problem);
}

const char *allow_query_explain(struct str name, enum problem problem)
{
	return explain(allow_names, allow_wanted, ALLOW_COUNT,
		       "The parameters are account, after and limit.", name, problem);
}

const char *rows_query_explain(struct str name, enum problem problem)
{
	return explain(rows_names, rows_wanted, ROWS_COUNT, "The parameters are after and limit.",
		       name, problem);
}

const char *wait_query_explain(struct str name, enum problem problem)
{
	return explain(wait_names, wait_wanted, WAIT_COUNT, "The parameters are wait_ms and after.",
		       name, problem);
}

static const char *text_or_null(const char *text)
{
	return text[0] != 0 ? text : NULL;
}

struct store_filter list_query_filter(const struct list_query *query, const struct principal *by)
{
	return (struct store_filter){
		.account = by->reach == REACH_ALL ? query->account : by->account,
		.has_status = query->has_status,
		.stage_first = query->stage_first,
		.stage_last = query->stage_last,
		.asset = text_or_null(query->asset),
		.external_id = text_or_null(query->external_id),
		.created_after_ms = query->created_after_ms,
		.has_before = query->has_before,
		.before = query->before,
		.limit = query->limit,
	};
}

void cursor_write(struct id last, struct buf *out)
{
	buf_text(out, CURSOR_VERSION);
	hex_write(out, last.bytes, sizeof last.bytes);
}

bool cursor_read(struct str text, struct id *ret_last)
{
	if (text.len != CURSOR_LEN || !str_starts_with(text, STR(CURSOR_VERSION)))
		return false;
	return hex_read(str_skip(text, strlen(CURSOR_VERSION)), ret_last->bytes,
			sizeof ret_last->bytes);
}
