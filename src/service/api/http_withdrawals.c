/* The routes under /v1/withdrawals: headers, parameters and bodies become jobs, jobs become
 * answers. What a body means is in request.c, what a job does in work.c. */
#include "service/api/http_lists.h"
#include "service/api/http_waiters.h"

#include "base/check.h"
#include "service/api/request.h"
#include "service/api/view.h"

#include <string.h>

#define LOCATION_MAX 64

/* 202 for a new withdrawal and for each repeat, which differs by one header. */
static void answer_create(struct job *job)
{
	struct exchange *exchange = job->context;
	exchange_rate(exchange, job);
	if (job->problem != PROBLEM_NONE) {
		struct problem_report report;
		problem_report_set(&report, job->problem, NULL);
		report.existing = job->existing;
		exchange_refuse(exchange, &report);
		return;
	}
	char storage[VIEW_WITHDRAWAL_MAX], location[LOCATION_MAX];
	struct buf body = buf_of(storage, sizeof storage);
	struct buf path = buf_of(location, sizeof location);
	view_write_accepted(&job->accept, exchange_options(exchange)->catalogue, &body);
	struct id_text id = id_text(job->accept.intent.id);
	memcpy(exchange->withdrawal_id, id.at, sizeof id.at);
	buf_text(&path, "/v1/withdrawals/");
	buf_text(&path, id.at);
	CHECK(!body.overflow && !path.overflow);
	bool is_replay = job->accepted == STORE_REPLAYED;
	struct http_pair headers[] = { { STR("Location"), buf_view(&path) },
				       { STR("Idempotent-Replayed"), STR("true") } };
	exchange_reply(exchange, 202, buf_view(&body), headers, is_replay ? 2 : 1);
}

static enum problem check_headers(const struct http_request *request, struct str *ret_key)
{
	struct str type = { 0 }, key = { 0 };
	size_t types = http_header(request, "content-type", &type);
	enum problem problem = request_content_type_check(types, type);
	if (problem != PROBLEM_NONE)
		return problem;
	size_t keys = http_header(request, "idempotency-key", &key);
	*ret_key = key;
	return request_idempotency_key_check(keys, key);
}

void http_withdrawals_create(struct exchange *exchange)
{
	const struct api_options *options = exchange_options(exchange);
	struct problem_report report;
	struct str key;
	enum problem problem = check_headers(exchange->request, &key);
	if (exchange->by.account[0] == 0)
		problem = PROBLEM_ACCOUNT_FORBIDDEN;
	if (problem != PROBLEM_NONE) {
		exchange_refuse_with(exchange, problem);
		return;
	}
	struct job *job = exchange_job(exchange, JOB_ACCEPT);
	if (job == NULL)
		return;
	if (!request_read(exchange->request->body, options->catalogue, &job->accept, &report)) {
		exchange_drop(exchange, job);
		exchange_refuse(exchange, &report);
		return;
	}
	struct request_origin origin = { .account = exchange->by.account,
					 .created_by = exchange->by.id,
					 .key_owner = exchange->by.owner,
					 .idempotency_key = key,
					 .correlation_id = exchange->correlation_id,
					 .id = exchange_new_id(exchange),
					 .now_ms = clock_now_ms(options->clock),
					 .deployment = options->deployment,
					 .intent_keys = &options->intent_keys };
	request_complete(&job->accept, &origin);
	exchange_submit(exchange, job, answer_create);
}

static void refuse_parameter(struct exchange *exchange, enum problem problem, struct str name,
			     const char *detail)
{
	struct problem_report report;
	problem_report_reset(&report);
	problem_report_add(&report, problem, name, detail);
	exchange_refuse(exchange, &report);
}

/* A list is of one account: the caller's own, or the one that a caller of all accounts names. */
static enum problem account_check(const struct principal *by, const struct list_query *query)
{
	if (by->reach == REACH_ALL)
		return query->account[0] == 0 ? PROBLEM_ACCOUNT_MISSING : PROBLEM_NONE;
	bool is_own = query->account[0] == 0 || strcmp(query->account, by->account) == 0;
	return is_own ? PROBLEM_NONE : PROBLEM_ACCOUNT_FORBIDDEN;
}

void http_withdrawals_list(struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	struct list_query query;
	list_query_init(&query);
	for (size_t i = 0; i < request->query_len; i++) {
		const struct http_pair *pair = &request->query[i];
		enum problem problem = list_query_take(&query, pair->name, pair->value);
		if (problem != PROBLEM_NONE) {
			refuse_parameter(exchange, problem, pair->name,
					 list_query_explain(pair->name, problem));
			return;
		}
	}
	enum problem problem = account_check(&exchange->by, &query);
	if (problem != PROBLEM_NONE) {
		exchange_refuse_with(exchange, problem);
		return;
	}
	lists_submit(exchange, &query);
}

/* The withdrawal that the path names. False after an answer: what is no id names none. */
static bool read_id(struct exchange *exchange, struct id *ret_id)
{
	if (!id_read(exchange->parameter, ret_id)) {
		exchange_refuse_with(exchange, PROBLEM_WITHDRAWAL_UNKNOWN);
		return false;
	}
	struct id_text text = id_text(*ret_id);
	memcpy(exchange->withdrawal_id, text.at, sizeof text.at);
	return true;
}

static void submit_for_id(struct exchange *exchange, enum job_kind kind, struct id id)
{
	struct job *job = exchange_job(exchange, kind);
	if (job == NULL)
		return;
	job->withdrawal = id;
	exchange_submit(exchange, job, exchange_answer);
}

void http_withdrawals_get(struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	struct wait_query query = { .wait_ms = 0 };
	struct id id;
	if (!read_id(exchange, &id))
		return;
	for (size_t i = 0; i < request->query_len; i++) {
		const struct http_pair *pair = &request->query[i];
		enum problem problem = wait_query_take(&query, pair->name, pair->value);
		if (problem != PROBLEM_NONE) {
			refuse_parameter(exchange, problem, pair->name,
					 wait_query_explain(pair->name, problem));
			return;
		}
	}
	waiters_submit(exchange, id, &query);
}

void http_withdrawals_cancel(struct exchange *exchange)
{
	struct id id;
	if (read_id(exchange, &id) && exchange_body_is_empty(exchange))
		submit_for_id(exchange, JOB_CANCEL, id);
}

void http_withdrawals_speed_up(struct exchange *exchange)
{
	struct id id;
	if (read_id(exchange, &id) && exchange_body_is_empty(exchange))
		submit_for_id(exchange, JOB_SPEED_UP, id);
}

/* The decision of the one who calls, on a withdrawal or on a slot. */
static void submit_decision(struct exchange *exchange, bool is_slot)
{
	struct str type = { 0 };
	struct problem_report report;
	struct id id;
	size_t types = http_header(exchange->request, "content-type", &type);
	enum problem problem = request_content_type_check(types, type);
	if (problem != PROBLEM_NONE) {
		exchange_refuse_with(exchange, problem);
		return;
	}
	/* The signer looks for the key of each decision: another one's would be taken, and not
	 * count.
	 */
	if (exchange->by.kind != PRINCIPAL_KEY) {
		problem_report_set(&report, PROBLEM_PERMISSION_MISSING,
				   "A decision counts by an API key of its person, made with "
				   "--resolve, and by no log-in.");
		exchange_refuse(exchange, &report);
		return;
	}
	if (!read_id(exchange, &id))
		return;
	struct job *job = exchange_job(exchange, JOB_RESOLVE);
	if (job == NULL)
		return;
	job->withdrawal = id;
	if (!resolve_query_read(exchange->request->body, is_slot, &job->resolve, &report)) {
		exchange_drop(exchange, job);
		exchange_refuse(exchange, &report);
		return;
	}
	exchange_submit(exchange, job, exchange_answer);
}

void http_withdrawals_resolve(struct exchange *exchange)
{
	submit_decision(exchange, false);
}

void http_transfers_resolve(struct exchange *exchange)
{
	submit_decision(exchange, true);
}

void http_withdrawals_events(struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	struct events_query query;
	struct id id;
	if (!read_id(exchange, &id))
		return;
	events_query_init(&query);
	for (size_t i = 0; i < request->query_len; i++) {
		const struct http_pair *pair = &request->query[i];
		enum problem problem = events_query_take(&query, pair->name, pair->value);
		if (problem != PROBLEM_NONE) {
			refuse_parameter(exchange, problem, pair->name,
					 events_query_explain(pair->name, problem));
			return;
		}
	}
	struct job *job = exchange_job(exchange, JOB_EVENTS);
	if (job == NULL)
		return;
	job->withdrawal = id;
	job->events = query;
	exchange_submit(exchange, job, exchange_answer);
}
