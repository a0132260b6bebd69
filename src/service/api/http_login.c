/* Who logs in passes through here three times: the row is loaded on the store thread, the password
 * is compared on a thread for that, and the session begins on the store thread again. An unknown
 * name takes the same way with nobody's hash, and gets the same answer. */
#include "service/api/http_login.h"

#include "base/check.h"
#include "base/json.h"
#include "base/secret.h"
#include "service/admin/users.h"
#include "service/api/backoff.h"
#include "service/api/hashing.h"
#include "service/api/request.h"
#include "service/api/sessions.h"

#include <stdlib.h>
#include <string.h>

enum login_result {
	LOGIN_GRANTED,
	LOGIN_FAILED,
	LOGIN_WAITS,
	LOGIN_OVERLOADED,
	LOGIN_RESULTS,
};

struct identity {
	const struct api_options *options;
	struct sessions *sessions;
	struct backoff *backoff;
	struct hashing *hashing;
	struct ip_address hashed_for[HASHING_MAX]; /* whose passwords are under way */
	size_t hashed_len;
	struct outside *outside; /* NULL: nobody outside is believed */
	struct metric *logins[LOGIN_RESULTS];
};

/* What an exchange keeps between its stations; in the request's storage. */
struct sign_in {
	struct exchange *exchange;
	enum people_act act; /* LOGIN or ENROL, once the password was right */
	bool has_user;
	bool is_enabled;
	struct id user;
	char name[USER_NAME_LEN_MAX + 1];
	char code[TOTP_DIGITS + 1];
	char hash[PASSWORD_HASH_LEN + 1];
};

struct identity *identity_new(const struct api_options *options,
			      void (*post)(void *context, void (*run)(void *arg), void *arg),
			      void *context)
{
	static const char *const results[LOGIN_RESULTS] = { "result=\"granted\"",
							    "result=\"failed\"", "result=\"waits\"",
							    "result=\"overloaded\"" };
	struct identity *identity = calloc(1, sizeof *identity);
	CHECK(identity != NULL && options->secrets != NULL && options->access_keys.len > 0);
	struct hashing_options hashing = { .hasher = options->hasher,
					   .entropy = options->entropy,
					   .post = post,
					   .context = context };
	identity->options = options;
	identity->sessions = sessions_new(&options->identity_keys, options->key_cache_ms);
	identity->backoff = backoff_new(options->entropy);
	identity->hashing = hashing_new(&hashing);
	if (options->outside.keys != NULL)
		identity->outside = outside_new(&options->outside);
	for (size_t i = 0; i < LOGIN_RESULTS; i++)
		identity->logins[i] =
			metric_add(options->metrics, METRIC_COUNTER, "sluice_logins_total",
				   results[i], "Attempts to log in or to show a second factor.");
	return identity;
}

bool identity_start(struct identity *identity, struct err *err)
{
	return hashing_start(identity->hashing, err);
}

void identity_tick(struct identity *identity, int64_t now_ms)
{
	outside_tick(identity->outside, now_ms);
}

void identity_stop(struct identity *identity)
{
	if (identity != NULL)
		hashing_stop(identity->hashing);
}

void identity_free(struct identity *identity)
{
	if (identity == NULL)
		return;
	outside_free(identity->outside);
	hashing_free(identity->hashing);
	backoff_free(identity->backoff);
	sessions_free(identity->sessions);
	free(identity);
}

/* What one client may have by itself: who has a network has all its addresses. */
static struct str client_of(struct exchange *exchange)
{
	struct buf text = buf_of(exchange->client, sizeof exchange->client);
	ip_write(ip_client(exchange->address), &text);
	return buf_view(&text);
}

static int64_t now_of(const struct exchange *exchange)
{
	return clock_monotonic_ms(exchange_options(exchange)->clock);
}

/* ---- bodies ---- */

void http_body_wipe(struct exchange *exchange)
{
	struct str body = exchange->request->body;
	secret_wipe((void *)(uintptr_t)body.at, body.len);
}

/* ---- answers ---- */

static void refuse_wait(struct exchange *exchange, int64_t wait_ms)
{
	metric_count(exchange_identity(exchange)->logins[LOGIN_WAITS], 1);
	exchange->rate = (struct rate_state){ .wait_ms = wait_ms };
	exchange_refuse_with(exchange, PROBLEM_LOGIN_BACKOFF);
}

/* Of the name only that somebody has it is told, and to the log alone. */
static void login_fail(const struct sign_in *sign_in)
{
	struct exchange *exchange = sign_in->exchange;
	struct identity *identity = exchange_identity(exchange);
	struct log_about about = { .action = "login_failed",
				   .outcome = "failure",
				   .trace_id = exchange->correlation_id };
	int64_t now_ms = now_of(exchange);
	backoff_fail(identity->backoff, BACKOFF_BY_NAME, str_from(sign_in->name), now_ms);
	backoff_fail(identity->backoff, BACKOFF_BY_PEER, client_of(exchange), now_ms);
	metric_count(identity->logins[LOGIN_FAILED], 1);
	log_line(exchange_options(exchange)->log, LOG_INFO, &about, "login of %s from %.*s failed",
		 sign_in->has_user ? id_text(sign_in->user).at : "nobody",
		 STR_ARG(client_of(exchange)));
	exchange_refuse_with(exchange, PROBLEM_LOGIN_FAILED);
}

/* A job's body goes to the client, and stays nowhere: it may hold tokens. */
static void answer_and_wipe(struct job *job)
{
	struct exchange *exchange = job->context;
	if (job->problem != PROBLEM_NONE) {
		exchange_refuse_with(exchange, job->problem);
		return;
	}
	exchange_reply(exchange, job->status, buf_view(&job->body), NULL, 0);
	secret_wipe(job->body.at, job->body.len);
}

static struct job *people_job(struct exchange *exchange, enum people_act act)
{
	struct job *job = exchange_job(exchange, JOB_PEOPLE);
	if (job == NULL)
		return NULL;
	job->people = (struct people_query){ .act = act };
	struct buf peer = buf_of(job->people.peer, sizeof job->people.peer);
	ip_write(exchange->address, &peer);
	(void)buf_terminated(&peer);
	return job;
}

/* Counts a code before it is looked at, as if it was wrong: many at once would all be looked at
 * before the first of them is known to be. A right one clears the count, and a log-in without a
 * code does not. False after an answer: the user has to wait. */
static bool code_try(struct exchange *exchange, struct str user)
{
	struct identity *identity = exchange_identity(exchange);
	int64_t now_ms = now_of(exchange);
	int64_t wait_ms = backoff_wait_ms(identity->backoff, BACKOFF_BY_CODE, user, now_ms);
	if (wait_ms > 0) {
		refuse_wait(exchange, wait_ms);
		return false;
	}
	backoff_fail(identity->backoff, BACKOFF_BY_CODE, user, now_ms);
	return true;
}

/* ---- login and enrolment ---- */

static void answer_login(struct job *job)
{
	struct exchange *exchange = job->context;
	struct sign_in *sign_in = exchange->sign_in;
	struct identity *identity = exchange_identity(exchange);
	if (job->problem == PROBLEM_LOGIN_FAILED) {
		login_fail(sign_in);
		return;
	}
	if (job->problem == PROBLEM_NONE && sign_in->act == PEOPLE_PASSWORD)
		sessions_forget(identity->sessions, exchange->claims.session);
	if (job->problem == PROBLEM_NONE) {
		/* Whoever has a name of his own must not clear what he failed at with others'. */
		uint32_t failures = backoff_succeed(identity->backoff, BACKOFF_BY_NAME,
						    str_from(sign_in->name));
		backoff_forgive(identity->backoff, BACKOFF_BY_PEER, client_of(exchange), failures);
		if (sign_in->code[0] != 0)
			backoff_succeed(identity->backoff, BACKOFF_BY_CODE,
					str_from(id_text(sign_in->user).at));
		metric_count(identity->logins[LOGIN_GRANTED], 1);
	}
	answer_and_wipe(job);
}

/* One client has half of the places: nobody keeps everybody else out alone. */
static bool place_take(struct exchange *exchange)
{
	struct identity *identity = exchange_identity(exchange);
	struct ip_address client = ip_client(exchange->address);
	size_t own = 0;
	for (size_t i = 0; i < identity->hashed_len; i++)
		own += ip_equal(identity->hashed_for[i], client) ? 1 : 0;
	if (identity->hashed_len == HASHING_MAX || own >= HASHING_MAX / 2)
		return false;
	identity->hashed_for[identity->hashed_len++] = client;
	return true;
}

static void place_give(struct exchange *exchange)
{
	struct identity *identity = exchange_identity(exchange);
	struct ip_address client = ip_client(exchange->address);
	size_t at = 0;
	while (at < identity->hashed_len && !ip_equal(identity->hashed_for[at], client))
		at++;
	CHECK(at < identity->hashed_len);
	identity->hashed_for[at] = identity->hashed_for[--identity->hashed_len];
}

static void people_submit(struct exchange *exchange, const struct hash_result *result)
{
	struct sign_in *sign_in = exchange->sign_in;
	struct job *job = people_job(exchange, sign_in->act);
	if (job == NULL)
		return;
	job->people.user.id = sign_in->user;
	job->people.session_id = exchange->claims.session;
	memcpy(job->people.user.password, sign_in->hash, sizeof sign_in->hash);
	memcpy(job->people.renewed, result->renewed, sizeof job->people.renewed);
	memcpy(job->people.code, sign_in->code, sizeof sign_in->code);
	exchange_submit(exchange, job, answer_login);
}

static void refuse_overloaded(struct exchange *exchange)
{
	metric_count(exchange_identity(exchange)->logins[LOGIN_OVERLOADED], 1);
	exchange_refuse_with(exchange, PROBLEM_OVERLOADED);
}

static void on_made(void *context, const struct hash_result *result)
{
	struct exchange *exchange = context;
	place_give(exchange);
	if (result->is_known)
		people_submit(exchange, result);
	else
		refuse_overloaded(exchange);
}

/* The old one was right; the body is there until this has read it. */
static void new_password_submit(struct exchange *exchange)
{
	struct problem_report report;
	struct str password = { 0 };
	JSON_OWNED json = NULL;
	CHECK(request_body_parse(exchange->request->body, &json, &report));
	CHECK(json_string(json_member(json_root(json), "new_password"), &password));
	bool is_submitted = place_take(exchange);
	if (is_submitted &&
	    !hashing_make(exchange_identity(exchange)->hashing, password, on_made, exchange)) {
		place_give(exchange);
		is_submitted = false;
	}
	http_body_wipe(exchange);
	if (!is_submitted)
		refuse_overloaded(exchange);
}

static void on_hashed(void *context, const struct hash_result *result)
{
	struct exchange *exchange = context;
	struct sign_in *sign_in = exchange->sign_in;
	place_give(exchange);
	bool is_right = result->is_equal && sign_in->has_user && sign_in->is_enabled;
	if (result->is_known && is_right && sign_in->act == PEOPLE_PASSWORD) {
		new_password_submit(exchange);
		return;
	}
	http_body_wipe(exchange);
	if (!result->is_known) {
		refuse_overloaded(exchange);
		return;
	}
	if (!is_right) {
		login_fail(sign_in);
		return;
	}
	struct id_text user = id_text(sign_in->user);
	if (sign_in->code[0] == 0 || code_try(exchange, str_from(user.at)))
		people_submit(exchange, result);
}

/* The body was sound when the row was asked for; it is read again, so that the password is nowhere
 * else meanwhile. */
static bool password_submit(struct exchange *exchange)
{
	struct sign_in *sign_in = exchange->sign_in;
	struct identity *identity = exchange_identity(exchange);
	struct problem_report report;
	struct str password = { 0 };
	JSON_OWNED json = NULL;
	CHECK(request_body_parse(exchange->request->body, &json, &report));
	CHECK(json_string(json_member(json_root(json), "password"), &password));
	return hashing_submit(identity->hashing, password, sign_in->has_user ? sign_in->hash : NULL,
			      on_hashed, exchange);
}

static void answer_found(struct job *job)
{
	struct exchange *exchange = job->context;
	struct sign_in *sign_in = exchange->sign_in;
	struct identity *identity = exchange_identity(exchange);
	if (job->problem != PROBLEM_NONE) {
		http_body_wipe(exchange);
		exchange_refuse_with(exchange, job->problem);
		return;
	}
	/* Who has been here before does not wait because of others. */
	int64_t wait_ms = backoff_wait_ms(identity->backoff, BACKOFF_BY_NAME,
					  str_from(sign_in->name), now_of(exchange));
	if (wait_ms > 0 && !job->people.is_peer_known) {
		http_body_wipe(exchange);
		refuse_wait(exchange, wait_ms);
		return;
	}
	/* Who enrols is who the token says, whatever else has that name. */
	sign_in->has_user =
		job->people.has_user && (sign_in->act == PEOPLE_LOGIN ||
					 id_equal(job->people.user.id, exchange->claims.user));
	if (sign_in->has_user) {
		sign_in->user = job->people.user.id;
		sign_in->is_enabled = job->people.user.disabled_at == 0;
		memcpy(sign_in->hash, job->people.user.password, sizeof sign_in->hash);
	}
	/* Who has a second factor shows it before the password that it stands beside is changed. */
	bool needs_factor = sign_in->act == PEOPLE_PASSWORD && sign_in->has_user &&
			    job->people.user.totp == TOTP_CONFIRMED &&
			    !exchange->by.has_second_factor;
	bool is_submitted = !needs_factor && place_take(exchange);
	if (is_submitted && !password_submit(exchange)) {
		place_give(exchange);
		is_submitted = false;
	}
	if (!is_submitted || sign_in->act != PEOPLE_PASSWORD)
		http_body_wipe(exchange);
	if (needs_factor)
		exchange_refuse_with(exchange, PROBLEM_SECOND_FACTOR_REQUIRED);
	else if (!is_submitted)
		refuse_overloaded(exchange);
}

/* NULL after an answer: too much has failed from there lately. */
static struct sign_in *sign_in_start(struct exchange *exchange, enum people_act act,
				     struct str name)
{
	struct identity *identity = exchange_identity(exchange);
	int64_t wait_ms = backoff_wait_ms(identity->backoff, BACKOFF_BY_PEER, client_of(exchange),
					  now_of(exchange));
	if (wait_ms > 0) {
		http_body_wipe(exchange);
		refuse_wait(exchange, wait_ms);
		return NULL;
	}
	struct sign_in *sign_in = http_request_alloc(exchange->request, sizeof *sign_in);
	sign_in->exchange = exchange;
	sign_in->act = act;
	/* A name with a NUL in it is nobody's; it counts as the empty one. */
	(void)str_copy(name, sign_in->name, sizeof sign_in->name);
	exchange->sign_in = sign_in;
	return sign_in;
}

void http_auth_login(struct exchange *exchange)
{
	struct field fields[] = { FIELD("name", USER_NAME_LEN_MAX),
				  FIELD("password", PASSWORD_LEN_MAX),
				  FIELD_OPTIONAL("code", TOTP_DIGITS) };
	JSON_OWNED json = NULL;
	if (!exchange_body_read(exchange, fields, 3, NULL, &json))
		return;
	struct sign_in *sign_in = sign_in_start(exchange, PEOPLE_LOGIN, fields[0].value);
	if (sign_in == NULL)
		return;
	/* What holds a NUL is no code, and must not pass for none. */
	if (!str_copy(fields[2].value, sign_in->code, sizeof sign_in->code))
		sign_in->code[0] = '?';
	struct job *job = people_job(exchange, PEOPLE_FIND);
	if (job == NULL)
		return;
	memcpy(job->people.name, sign_in->name[0] != 0 ? sign_in->name : "?",
	       sign_in->name[0] != 0 ? sizeof sign_in->name : sizeof "?");
	exchange_submit(exchange, job, answer_found);
}

/* A token alone enrols nothing: the password is asked for again. */
void http_auth_totp_enrol(struct exchange *exchange)
{
	struct field fields[] = { FIELD("password", PASSWORD_LEN_MAX) };
	JSON_OWNED json = NULL;
	if (!exchange_body_read(exchange, fields, 1, NULL, &json) ||
	    sign_in_start(exchange, PEOPLE_ENROL, str_from(exchange->by.name)) == NULL)
		return;
	struct job *job = people_job(exchange, PEOPLE_FIND);
	if (job == NULL)
		return;
	memcpy(job->people.name, exchange->by.name, sizeof job->people.name);
	exchange_submit(exchange, job, answer_found);
}

/* Another password, by who knows the old one. Every other session ends. */
void http_auth_password(struct exchange *exchange)
{
	struct field fields[] = { FIELD("password", PASSWORD_LEN_MAX),
				  FIELD("new_password", PASSWORD_LEN_MAX) };
	struct problem_report report;
	struct err err;
	JSON_OWNED json = NULL;
	if (!exchange_body_read(exchange, fields, 2, NULL, &json))
		return;
	if (!admin_password_check(fields[1].value, &err)) {
		http_body_wipe(exchange);
		problem_report_set(&report, PROBLEM_REQUEST_REFUSED, err.text);
		exchange_refuse(exchange, &report);
		return;
	}
	if (sign_in_start(exchange, PEOPLE_PASSWORD, str_from(exchange->by.name)) == NULL)
		return;
	struct job *job = people_job(exchange, PEOPLE_FIND);
	if (job == NULL)
		return;
	memcpy(job->people.name, exchange->by.name, sizeof job->people.name);
	exchange_submit(exchange, job, answer_found);
}

/* ---- codes ---- */

static void answer_code(struct job *job)
{
	struct exchange *exchange = job->context;
	struct identity *identity = exchange_identity(exchange);
	struct str user = str_from(exchange->by.id);
	if (job->problem == PROBLEM_SECOND_FACTOR_INVALID) {
		metric_count(identity->logins[LOGIN_FAILED], 1);
	} else if (job->problem == PROBLEM_NONE) {
		backoff_succeed(identity->backoff, BACKOFF_BY_CODE, user);
		sessions_forget(identity->sessions, exchange->claims.session);
	}
	answer_and_wipe(job);
}

static void code_submit(struct exchange *exchange, enum people_act act)
{
	struct field fields[] = { FIELD("code", TOTP_DIGITS) };
	JSON_OWNED json = NULL;
	if (!exchange_body_read(exchange, fields, 1, NULL, &json) ||
	    !code_try(exchange, str_from(exchange->by.id)))
		return;
	struct job *job = people_job(exchange, act);
	if (job == NULL)
		return;
	(void)str_copy(fields[0].value, job->people.code, sizeof job->people.code);
	job->people.session_id = exchange->claims.session;
	job->people.user_id = exchange->claims.user;
	exchange_submit(exchange, job, answer_code);
}

void http_auth_totp_confirm(struct exchange *exchange)
{
	code_submit(exchange, PEOPLE_CONFIRM);
}

void http_auth_step_up(struct exchange *exchange)
{
	code_submit(exchange, PEOPLE_STEP_UP);
}

/* ---- sessions ---- */

static void answer_refresh(struct job *job)
{
	struct exchange *exchange = job->context;
	if (job->problem == PROBLEM_REFRESH_TOKEN_INVALID)
		backoff_fail(exchange_identity(exchange)->backoff, BACKOFF_BY_TOKEN,
			     client_of(exchange), now_of(exchange));
	answer_and_wipe(job);
}

/* Nobody guesses a token; who tries has the store read a row each time. */
static bool refresh_waits(struct exchange *exchange)
{
	int64_t wait_ms = backoff_wait_ms(exchange_identity(exchange)->backoff, BACKOFF_BY_TOKEN,
					  client_of(exchange), now_of(exchange));
	if (wait_ms == 0)
		return false;
	http_body_wipe(exchange);
	refuse_wait(exchange, wait_ms);
	return true;
}

void http_auth_refresh(struct exchange *exchange)
{
	struct field fields[] = { FIELD("refresh_token", REFRESH_TOKEN_TEXT_LEN) };
	struct id session;
	uint8_t hash[SHA256_BYTES];
	JSON_OWNED json = NULL;
	if (!exchange_body_read(exchange, fields, 1, NULL, &json))
		return;
	if (refresh_waits(exchange))
		return;
	bool is_token = refresh_token_read(fields[0].value, &session, hash);
	http_body_wipe(exchange);
	if (!is_token) {
		exchange_refuse_with(exchange, PROBLEM_REFRESH_TOKEN_INVALID);
		return;
	}
	struct job *job = people_job(exchange, PEOPLE_REFRESH);
	if (job == NULL)
		return;
	job->people.session_id = session;
	memcpy(job->people.token_hash, hash, sizeof job->people.token_hash);
	exchange_submit(exchange, job, answer_refresh);
}

static void answer_revoked(struct job *job)
{
	struct exchange *exchange = job->context;
	if (job->problem == PROBLEM_NONE)
		sessions_forget(exchange_identity(exchange)->sessions, job->people.session_id);
	answer_and_wipe(job);
}

static void revoke_submit(struct exchange *exchange, struct id session)
{
	struct job *job = people_job(exchange, PEOPLE_REVOKE);
	if (job == NULL)
		return;
	job->people.session_id = session;
	job->people.user_id = exchange->claims.user;
	exchange_submit(exchange, job, answer_revoked);
}

void http_auth_logout(struct exchange *exchange)
{
	if (exchange_body_is_empty(exchange))
		revoke_submit(exchange, exchange->claims.session);
}

void http_auth_session_revoke(struct exchange *exchange)
{
	struct id session;
	if (!exchange_body_is_empty(exchange))
		return;
	if (!id_read(exchange->parameter, &session))
		exchange_refuse_with(exchange, PROBLEM_SESSION_UNKNOWN);
	else
		revoke_submit(exchange, session);
}

void http_auth_sessions_list(struct exchange *exchange)
{
	struct job *job = people_job(exchange, PEOPLE_SESSIONS);
	if (job == NULL)
		return;
	job->people.user_id = exchange->claims.user;
	exchange_submit(exchange, job, exchange_answer);
}

/* ---- access tokens ---- */

/* True when the verdict is there. */
static bool go_on(struct exchange *exchange)
{
	int64_t at_ms = clock_now_ms(exchange_options(exchange)->clock);
	switch (sessions_judge(exchange_identity(exchange)->sessions, &exchange->claims,
			       now_of(exchange), at_ms, &exchange->by)) {
	case AUTH_GRANTED:
		exchange_admit(exchange);
		return true;
	case AUTH_ADDRESS: /* of keys alone */
	case AUTH_REFUSED:
		exchange_refuse_with(exchange, PROBLEM_ACCESS_TOKEN_INVALID);
		return true;
	case AUTH_UNKNOWN:
		break;
	}
	return false;
}

/* The rows of a session have come, whose MACs were looked at on their way. */
static void answer_check(struct job *job)
{
	struct exchange *exchange = job->context;
	struct people_query *people = &job->people;
	if (job->problem != PROBLEM_NONE) {
		exchange_refuse_with(exchange, job->problem);
		return;
	}
	bool is_good = people->has_session && people->has_user;
	bool is_sealed = sessions_learn(exchange_identity(exchange)->sessions,
					exchange->claims.session, is_good ? &people->session : NULL,
					is_good ? &people->user : NULL, now_of(exchange));
	if (!is_sealed || !go_on(exchange))
		exchange_refuse_with(exchange, PROBLEM_OVERLOADED);
}

/* Not a token of ours: one of somebody whom an outside identity provider vouches for, or nobody's.
 */
static void outside_bearer(struct exchange *exchange, struct str token)
{
	struct identity *identity = exchange_identity(exchange);
	int64_t at_ms = clock_now_ms(exchange_options(exchange)->clock);
	enum problem problem = PROBLEM_ACCESS_TOKEN_INVALID;
	if (identity->outside != NULL) {
		switch (outside_judge(identity->outside, token, at_ms, &exchange->by)) {
		case OUTSIDE_GRANTED:
			exchange_admit(exchange);
			return;
		case OUTSIDE_EXPIRED:
			problem = PROBLEM_ACCESS_TOKEN_EXPIRED;
			break;
		case OUTSIDE_REFUSED:
			break;
		}
	}
	exchange_refuse_with(exchange, problem);
}

void http_login_bearer(struct exchange *exchange, struct str token)
{
	const struct api_options *options = exchange_options(exchange);
	switch (access_token_read(&options->access_keys, options->deployment, token,
				  clock_now_ms(options->clock), &exchange->claims)) {
	case ACCESS_GRANTED:
		break;
	case ACCESS_EXPIRED:
		exchange_refuse_with(exchange, PROBLEM_ACCESS_TOKEN_EXPIRED);
		return;
	case ACCESS_REFUSED:
		outside_bearer(exchange, token);
		return;
	}
	if (go_on(exchange))
		return;
	struct job *job = people_job(exchange, PEOPLE_CHECK);
	if (job == NULL)
		return;
	job->people.session_id = exchange->claims.session;
	exchange_submit(exchange, job, answer_check);
}

static void on_made_for(void *context, const struct hash_result *result)
{
	struct exchange *exchange = context;
	place_give(exchange);
	exchange->hashed(exchange, result);
}

bool http_login_hash(struct exchange *exchange, struct str password,
		     void (*done)(struct exchange *exchange, const struct hash_result *result))
{
	if (!place_take(exchange))
		return false;
	exchange->hashed = done;
	if (hashing_make(exchange_identity(exchange)->hashing, password, on_made_for, exchange))
		return true;
	place_give(exchange);
	return false;
}
