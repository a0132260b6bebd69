/* The parameters of the lists, one at a time, and their cursors. Pure. */
#ifndef SLUICE_SERVICE_API_QUERY_H
#define SLUICE_SERVICE_API_QUERY_H

#include "port/store.h"
#include "port/store_receivers.h"
#include "service/api/problem.h"

/* Of GET /v1/withdrawals. */
struct list_query {
	char account[ACCOUNT_LEN_MAX + 1]; /* asked for; "" when not */
	bool has_status;
	enum withdrawal_stage stage_first;
	enum withdrawal_stage stage_last;
	char asset[SYMBOL_LEN_MAX + 1];
	char external_id[EXTERNAL_ID_LEN_MAX + 1];
	int64_t created_after_ms;
	bool has_before;
	struct id before;
	size_t limit;
	unsigned seen; /* bit per parameter: each comes once */
};

/* Of GET /v1/withdrawals/{id}/events. */
struct events_query {
	uint64_t after;
	size_t limit;
	unsigned seen;
};

/* Of GET /v1/withdrawals/{id}. */
#define WAIT_MS_MAX 30000 /* below what balancers wait for an answer */
struct wait_query {
	int64_t wait_ms; /* 0: not at all */
	bool has_after;
	uint64_t after; /* the version that the client knows */
	unsigned seen;
};

/* Of GET /v1/allow-list. */
struct allow_query {
	char account[ACCOUNT_LEN_MAX + 1]; /* asked for; "" when not */
	bool has_after;
	uint8_t after[ALLOW_KEY_BYTES];
	size_t limit;
	unsigned seen;
};

/* Rows by name. */
struct rows_query {
	char after[64 + 1]; /* "": from the beginning */
	size_t limit;
	unsigned seen;
};

void list_query_init(struct list_query *query);
void events_query_init(struct events_query *query);
void allow_query_init(struct allow_query *query);
void rows_query_init(struct rows_query *query);
/* Takes one decoded parameter. PROBLEM_NONE, or QUERY_UNKNOWN, QUERY_REPEATED, QUERY_MALFORMED,
 * CURSOR_MALFORMED with nothing taken. */
enum problem list_query_take(struct list_query *query, struct str name, struct str value);
enum problem events_query_take(struct events_query *query, struct str name, struct str value);
enum problem allow_query_take(struct allow_query *query, struct str name, struct str value);
enum problem rows_query_take(struct rows_query *query, struct str name, struct str value);
enum problem wait_query_take(struct wait_query *query, struct str name, struct str value);
/* What the route would have taken, as a sentence for the error; NULL when the problem says enough.
 */
const char *list_query_explain(struct str name, enum problem problem);
const char *events_query_explain(struct str name, enum problem problem);
const char *allow_query_explain(struct str name, enum problem problem);
const char *rows_query_explain(struct str name, enum problem problem);
const char *wait_query_explain(struct str name, enum problem problem);
/* The store's filter for the list of the caller's account, or of the one that a caller of all
 * accounts asked for; borrows from both. */
struct store_filter list_query_filter(const struct list_query *query, const struct principal *by);

/* A cursor: the last id of a page, opaque to clients. */
#define CURSOR_LEN 34
void cursor_write(struct id last, struct buf *out);
bool cursor_read(struct str text, struct id *ret_last);

#endif
