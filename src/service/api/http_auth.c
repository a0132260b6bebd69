/* The door: who is it, from where, how often, and may they take this route. Goes on to the route's
 * own function, or answers. */
#include "service/api/http.h"

#include "base/check.h"
#include "service/api/http_login.h"
#include "service/api/http_waiters.h"

/* Takes from the process' own buckets. False after an answer: one of them is empty. */
static bool take(struct exchange *exchange, struct cache *cache, unsigned scopes,
		 const struct principal *by)
{
	struct rate_take takes[RATE_SCOPES];
	const struct rate_subject subject = { by, exchange->address };
	size_t n = rate_takes(&exchange_options(exchange)->rates, scopes, &subject, takes);
	bool passes = true;
	for (size_t i = 0; i < n && passes; i++) {
		if (!cache_take_many(cache, &takes[i].bucket, 1, NULL))
			continue;
		exchange->rate = rate_state_stricter(
			exchange->rate, rate_state_of(takes[i].scope, &takes[i].bucket));
		passes = takes[i].bucket.taken;
	}
	if (!passes)
		exchange_refuse_with(exchange, PROBLEM_RATE_LIMITED);
	return passes;
}

bool http_address_pass(struct exchange *exchange)
{
	return take(exchange, exchange_options(exchange)->address_cache, 1u << RATE_ADDRESS, NULL);
}

bool http_handshake_pass(const struct api_options *options, struct ip_address address)
{
	const struct rate_subject subject = { NULL, address };
	struct rate_take takes[RATE_SCOPES];
	size_t n = rate_takes(&options->rates, 1u << RATE_ADDRESS, &subject, takes);
	if (n == 0 || !cache_take_many(options->address_cache, &takes[0].bucket, 1, NULL))
		return true;
	return takes[0].bucket.taken;
}

static bool rate_pass(struct exchange *exchange)
{
	return take(exchange, exchange_options(exchange)->rate_cache,
		    1u << RATE_KEY | 1u << RATE_ACCOUNT, &exchange->by);
}

/* The one place where a route's permission is compared with the caller's. False after an answer. */
static bool permission_pass(struct exchange *exchange)
{
	enum permission permission = exchange->route->permission;
	enum problem problem = PROBLEM_NONE;
	switch (principal_judge(&exchange->by, permission)) {
	case PERMISSION_GRANTED:
		return true;
	case PERMISSION_MISSING:
		problem = PROBLEM_PERMISSION_MISSING;
		break;
	case PERMISSION_SECOND_FACTOR_REQUIRED:
		problem = PROBLEM_SECOND_FACTOR_REQUIRED;
		break;
	case PERMISSION_OF_ALL_ACCOUNTS:
		exchange_refuse_with(exchange, PROBLEM_ACCOUNT_FORBIDDEN);
		return false;
	}
	char bytes[160];
	struct buf detail = buf_of(bytes, sizeof bytes);
	struct problem_report report;
	buf_format(&detail, "%s It is %s.", problem_text(problem), permission_text(permission));
	problem_report_set(&report, problem, buf_terminated(&detail));
	report.permission = permission;
	exchange_refuse(exchange, &report);
	return false;
}

void exchange_admit(struct exchange *exchange)
{
	if (exchange->waiter != NULL) { /* the same request, which was counted */
		if (permission_pass(exchange))
			waiters_look(exchange);
		return;
	}
	if (rate_pass(exchange) && permission_pass(exchange))
		exchange->route->handle(exchange);
}

/* Goes on once the caller is known, or refuses. True when the verdict is there. */
static bool go_on(struct exchange *exchange)
{
	int64_t now_ms = clock_monotonic_ms(exchange_options(exchange)->clock);
	enum auth_verdict verdict = auth_judge(exchange_auth(exchange), &exchange->credential,
					       exchange->address, now_ms, &exchange->by);
	switch (verdict) {
	case AUTH_GRANTED:
		exchange_admit(exchange);
		return true;
	case AUTH_REFUSED:
		exchange_refuse_with(exchange, PROBLEM_API_KEY_INVALID);
		return true;
	case AUTH_ADDRESS:
		exchange_refuse_with(exchange, PROBLEM_ADDRESS_FORBIDDEN);
		return true;
	case AUTH_UNKNOWN:
		break;
	}
	return false;
}

/* The row of a key has come. */
static void answer_key(struct job *job)
{
	struct exchange *exchange = job->context;
	const struct api_options *options = exchange_options(exchange);
	struct auth_now now = { clock_monotonic_ms(options->clock), clock_now_ms(options->clock) };
	exchange_rate(exchange, job);
	exchange->is_address_judged = true;
	if (job->problem != PROBLEM_NONE) {
		exchange_refuse_with(exchange, job->problem);
		return;
	}
	if (!auth_learn(exchange_auth(exchange), exchange->credential.key_id,
			job->found ? &job->key : NULL, now)) {
		struct log_about about = { .action = "api_key_seal_broken",
					   .outcome = "failure",
					   .trace_id = exchange->correlation_id,
					   .alarm = true };
		log_line(options->log, LOG_ERROR, &about,
			 "the row of API key %.*s was changed by somebody else",
			 STR_ARG(exchange->credential.key_id));
	}
	if (!go_on(exchange)) /* many others were learned in the same moment */
		exchange_refuse_with(exchange, PROBLEM_OVERLOADED);
}

void http_authenticate(struct exchange *exchange)
{
	struct str value = { 0 }, token = { 0 };
	size_t lines = http_header(exchange->request, "authorization", &value);
	if (auth_token_read(lines, value, &token)) {
		http_login_bearer(exchange, token);
		return;
	}
	enum problem problem = auth_credential_read(lines, value, &exchange->credential);
	if (problem != PROBLEM_NONE) {
		exchange_refuse_with(exchange, problem);
		return;
	}
	if (go_on(exchange))
		return;
	struct job *job = exchange_job(exchange, JOB_KEY);
	if (job == NULL)
		return;
	CHECK(str_copy(exchange->credential.key_id, job->key.id, sizeof job->key.id));
	exchange_submit(exchange, job, answer_key);
}
