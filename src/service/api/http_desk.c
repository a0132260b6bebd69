/* What people manage, over HTTP: which fields a body may have, and a job for the store thread. */
#include "service/api/http.h"

#include "base/check.h"
#include "base/ed25519.h"
#include "base/hash.h"
#include "base/secret.h"
#include "core/control.h"
#include "service/admin/users.h"
#include "service/api/hashing.h"
#include "service/api/http_login.h"
#include "service/api/request.h"

#include <string.h>

#define AMOUNT_LEN_MAX 100

struct desk_form {
	size_t len;
	struct field fields[DESK_FIELDS_MAX];
};

#define FIELD_FEW(name_, len_max_) \
	{ .name = (name_), .len_max = (len_max_), .kind = FIELD_LIST, .is_optional = true }

#define SWITCH_FORM                                                                      \
	{                                                                                \
		4,                                                                       \
		{                                                                        \
			FIELD("scope", 8), FIELD_OPTIONAL("name", CONTROL_NAME_LEN_MAX), \
				FIELD_FEW("stops", CONTROL_STOPS_LEN_MAX),               \
				FIELD("reason", CONTROL_REASON_LEN_MAX)                  \
		}                                                                        \
	}

/* len 0: it takes no body. */
static const struct desk_form forms[DESK_ACTS] = {
	[DESK_PAUSE] = SWITCH_FORM,
	[DESK_UNPAUSE] = SWITCH_FORM,
	[DESK_POLICY_SET] = { 1, { FIELD("document", BODY_BYTES_MAX) } },
	[DESK_KEY_CREATE] = { 5,
			      { FIELD("name", 64), FIELD_OPTIONAL("account", ACCOUNT_LEN_MAX),
				FIELD_FEW("scopes", 1024),
				FIELD_FEW("ranges", API_KEY_RANGES_TEXT_MAX),
				FIELD_OPTIONAL("expires_at", 40) } },
	[DESK_KEY_ROTATE] = { 1, { FIELD_OPTIONAL("overlap_s", 8) } },
	[DESK_USER_CREATE] = { 4,
			       { FIELD("name", USER_NAME_LEN_MAX), FIELD("role", 16),
				 FIELD_OPTIONAL("account", ACCOUNT_LEN_MAX),
				 FIELD("password", PASSWORD_LEN_MAX) } },
	[DESK_USER_ROLE] = { 1, { FIELD("role", 16) } },
	[DESK_USER_PASSWORD] = { 1, { FIELD("password", PASSWORD_LEN_MAX) } },
	[DESK_POLICY_CONFIRM] = { 1, { FIELD("digest", 2 * SHA256_BYTES) } },
	[DESK_APPROVE] = { 2,
			   { FIELD("digest", 2 * SHA256_BYTES),
			     FIELD_OPTIONAL("signature", 2 * ED25519_SIGNATURE_BYTES) } },
	[DESK_REJECT] = { 1, { FIELD("digest", 2 * SHA256_BYTES) } },
	[DESK_ACCOUNT_ADD] = { 1, { FIELD("name", ACCOUNT_LEN_MAX) } },
	[DESK_ALLOW_ADD] = { 4,
			     { FIELD_OPTIONAL("account", ACCOUNT_LEN_MAX),
			       FIELD("chain", CHAIN_NAME_LEN_MAX),
			       FIELD("receiver", ADDRESS_TEXT_LEN),
			       FIELD_OPTIONAL("label", ALLOW_LABEL_LEN_MAX) } },
	[DESK_SIMULATE] = { 6,
			    { FIELD("chain", CHAIN_NAME_LEN_MAX), FIELD("asset", SYMBOL_LEN_MAX),
			      FIELD("to", ADDRESS_TEXT_LEN), FIELD("amount", AMOUNT_LEN_MAX),
			      FIELD_OPTIONAL("account", ACCOUNT_LEN_MAX),
			      FIELD_OPTIONAL("key", PRINCIPAL_LEN_MAX) } },
};

/* Copies of the values: the request may be gone when the store looks at them. */
static void values_keep(struct job *job, const struct field *fields, size_t len)
{
	size_t bytes = 0;
	for (size_t i = 0; i < len; i++)
		bytes += fields[i].value.len;
	job->input = buf_new(bytes + 1);
	for (size_t i = 0; i < len; i++) {
		size_t start = job->input.len;
		buf_str(&job->input, fields[i].value);
		job->desk.fields[i] = str_skip(buf_view(&job->input), start);
	}
	CHECK(!job->input.overflow);
}

/* False after an answer: the header is none. */
static bool key_read(struct exchange *exchange, struct str *ret_key)
{
	size_t lines = http_header(exchange->request, "idempotency-key", ret_key);
	enum problem problem =
		lines == 0 ? PROBLEM_NONE : request_idempotency_key_check(lines, *ret_key);
	if (lines == 0)
		*ret_key = STR("");
	if (problem != PROBLEM_NONE)
		exchange_refuse_with(exchange, problem);
	return problem == PROBLEM_NONE;
}

static void key_take(struct job *job, struct str key)
{
	job->desk.has_key = key.len > 0;
	sha256(key.at, key.len, job->desk.once.key_hash);
}

static struct job *desk_job(struct exchange *exchange, enum desk_act act)
{
	struct job *job = exchange_job(exchange, JOB_DESK);
	if (job == NULL)
		return NULL;
	job->desk = (struct desk_query){ .act = act };
	(void)str_copy(exchange->parameter, job->desk.subject, sizeof job->desk.subject);
	return job;
}

/* What an answer holds may be a secret: it stays nowhere. */
static void answer_once(struct job *job)
{
	static const struct http_pair replayed = { { "Idempotent-Replayed", 19 }, { "true", 4 } };
	if (job->problem == PROBLEM_NONE && job->is_replayed) {
		exchange_rate(job->context, job);
		exchange_reply(job->context, job->status, buf_view(&job->body), &replayed, 1);
	} else {
		exchange_answer(job);
	}
	if (job->body.len > 0)
		secret_wipe(job->body.at, job->body.len);
}

/* Goes on with the body's values, or answers. */
static void desk_post(struct exchange *exchange, enum desk_act act)
{
	char storage[BODY_BYTES_MAX];
	struct buf lists = buf_of(storage, sizeof storage);
	struct desk_form form = forms[act];
	JSON_OWNED json = NULL;
	struct str key = STR("");
	if (!key_read(exchange, &key))
		return;
	if (form.len == 0 ? !exchange_body_is_empty(exchange)
			  : !exchange_body_read(exchange, form.fields, form.len, &lists, &json))
		return;
	struct job *job = desk_job(exchange, act);
	if (job == NULL)
		return;
	values_keep(job, form.fields, form.len);
	key_take(job, key);
	exchange_submit(exchange, job, answer_once);
}

/* ---- with a password, whose hash is made first ---- */

/* The body was sound when the hash was asked for; it is read again, so that the password is nowhere
 * else meanwhile. The last field is the password, which goes no further. */
static void on_hashed(struct exchange *exchange, const struct hash_result *result)
{
	bool creates = exchange->route->handle == http_users_create;
	enum desk_act act = creates ? DESK_USER_CREATE : DESK_USER_PASSWORD;
	struct desk_form form = forms[act];
	struct problem_report report;
	struct str key = STR("");
	JSON_OWNED json = NULL;
	(void)http_header(exchange->request, "idempotency-key", &key);
	CHECK(fields_read(exchange->request->body, form.fields, form.len, NULL, &json, &report));
	struct job *job = result->is_known ? desk_job(exchange, act) : NULL;
	if (job != NULL) {
		values_keep(job, form.fields, form.len - 1);
		key_take(job, key);
		memcpy(job->desk.hash, result->renewed, sizeof job->desk.hash);
		exchange_submit(exchange, job, answer_once);
	} else if (!result->is_known) {
		exchange_refuse_with(exchange, PROBLEM_OVERLOADED);
	}
}

static void desk_post_password(struct exchange *exchange, enum desk_act act)
{
	struct desk_form form = forms[act];
	struct err err;
	struct problem_report report;
	JSON_OWNED json = NULL;
	struct str key = STR("");
	if (!key_read(exchange, &key) ||
	    !exchange_body_read(exchange, form.fields, form.len, NULL, &json))
		return;
	struct str password = form.fields[form.len - 1].value;
	if (!admin_password_check(password, &err)) {
		problem_report_set(&report, PROBLEM_REQUEST_REFUSED, err.text);
		exchange_refuse(exchange, &report);
	} else if (!http_login_hash(exchange, password, on_hashed)) {
		exchange_refuse_with(exchange, PROBLEM_OVERLOADED);
	}
}

static void desk_get(struct exchange *exchange, enum desk_act act)
{
	struct job *job = desk_job(exchange, act);
	if (job != NULL)
		exchange_submit(exchange, job, exchange_answer);
}

static void refuse_parameter(struct exchange *exchange, struct str name, enum problem problem,
			     const char *detail)
{
	struct problem_report report;
	problem_report_reset(&report);
	problem_report_add(&report, problem, name, detail);
	exchange_refuse(exchange, &report);
}

/* A page of rows by name. */
static void rows_get(struct exchange *exchange, enum desk_act act)
{
	const struct http_request *request = exchange->request;
	struct rows_query page;
	rows_query_init(&page);
	for (size_t i = 0; i < request->query_len; i++) {
		const struct http_pair *pair = &request->query[i];
		enum problem problem = rows_query_take(&page, pair->name, pair->value);
		if (problem != PROBLEM_NONE) {
			refuse_parameter(exchange, pair->name, problem,
					 rows_query_explain(pair->name, problem));
			return;
		}
	}
	struct job *job = desk_job(exchange, act);
	if (job == NULL)
		return;
	job->desk.rows = page;
	exchange_submit(exchange, job, exchange_answer);
}

void http_controls_get(struct exchange *exchange)
{
	desk_get(exchange, DESK_CONTROLS);
}

void http_controls_pause(struct exchange *exchange)
{
	desk_post(exchange, DESK_PAUSE);
}

void http_controls_unpause(struct exchange *exchange)
{
	desk_post(exchange, DESK_UNPAUSE);
}

void http_controls_confirm(struct exchange *exchange)
{
	desk_post(exchange, DESK_UNPAUSE_CONFIRM);
}

void http_controls_reject(struct exchange *exchange)
{
	desk_post(exchange, DESK_UNPAUSE_REJECT);
}

void http_policies_get(struct exchange *exchange)
{
	desk_get(exchange, DESK_POLICIES);
}

void http_policies_set(struct exchange *exchange)
{
	desk_post(exchange, DESK_POLICY_SET);
}

void http_policies_proposal_get(struct exchange *exchange)
{
	desk_get(exchange, DESK_POLICY_PROPOSAL);
}

void http_withdrawals_approve(struct exchange *exchange)
{
	desk_post(exchange, DESK_APPROVE);
}

void http_withdrawals_reject(struct exchange *exchange)
{
	desk_post(exchange, DESK_REJECT);
}

void http_policies_confirm(struct exchange *exchange)
{
	desk_post(exchange, DESK_POLICY_CONFIRM);
}

void http_policies_reject(struct exchange *exchange)
{
	desk_post(exchange, DESK_POLICY_REJECT);
}

void http_policies_simulate(struct exchange *exchange)
{
	desk_post(exchange, DESK_SIMULATE);
}

void http_api_keys_list(struct exchange *exchange)
{
	rows_get(exchange, DESK_KEYS);
}

void http_api_keys_create(struct exchange *exchange)
{
	desk_post(exchange, DESK_KEY_CREATE);
}

void http_api_keys_rotate(struct exchange *exchange)
{
	desk_post(exchange, DESK_KEY_ROTATE);
}

void http_api_keys_revoke(struct exchange *exchange)
{
	desk_post(exchange, DESK_KEY_REVOKE);
}

void http_users_list(struct exchange *exchange)
{
	rows_get(exchange, DESK_USERS);
}

void http_users_create(struct exchange *exchange)
{
	desk_post_password(exchange, DESK_USER_CREATE);
}

void http_users_disable(struct exchange *exchange)
{
	desk_post(exchange, DESK_USER_DISABLE);
}

void http_users_role(struct exchange *exchange)
{
	desk_post(exchange, DESK_USER_ROLE);
}

void http_users_password(struct exchange *exchange)
{
	desk_post_password(exchange, DESK_USER_PASSWORD);
}

void http_users_totp(struct exchange *exchange)
{
	desk_post(exchange, DESK_USER_TOTP);
}

void http_users_sessions(struct exchange *exchange)
{
	desk_post(exchange, DESK_USER_SESSIONS);
}

void http_accounts_list(struct exchange *exchange)
{
	desk_get(exchange, DESK_ACCOUNTS);
}

void http_accounts_add(struct exchange *exchange)
{
	desk_post(exchange, DESK_ACCOUNT_ADD);
}

void http_accounts_disable(struct exchange *exchange)
{
	desk_post(exchange, DESK_ACCOUNT_DISABLE);
}

void http_accounts_enable(struct exchange *exchange)
{
	desk_post(exchange, DESK_ACCOUNT_ENABLE);
}

void http_users_sessions_list(struct exchange *exchange)
{
	desk_get(exchange, DESK_SESSIONS);
}

void http_users_session_end(struct exchange *exchange)
{
	desk_post(exchange, DESK_SESSION_END);
}

void http_audit_list(struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	struct events_query page;
	events_query_init(&page);
	for (size_t i = 0; i < request->query_len; i++) {
		const struct http_pair *pair = &request->query[i];
		enum problem problem = events_query_take(&page, pair->name, pair->value);
		if (problem != PROBLEM_NONE) {
			refuse_parameter(exchange, pair->name, problem,
					 events_query_explain(pair->name, problem));
			return;
		}
	}
	struct job *job = desk_job(exchange, DESK_AUDIT);
	if (job == NULL)
		return;
	job->desk.page = page;
	exchange_submit(exchange, job, exchange_answer);
}

void http_allow_list_get(struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	struct allow_query page;
	allow_query_init(&page);
	for (size_t i = 0; i < request->query_len; i++) {
		const struct http_pair *pair = &request->query[i];
		enum problem problem = allow_query_take(&page, pair->name, pair->value);
		if (problem != PROBLEM_NONE) {
			refuse_parameter(exchange, pair->name, problem,
					 allow_query_explain(pair->name, problem));
			return;
		}
	}
	const char *own = exchange->by.account;
	if (own[0] != 0 && page.account[0] != 0 && strcmp(own, page.account) != 0) {
		exchange_refuse_with(exchange, PROBLEM_ACCOUNT_FORBIDDEN);
		return;
	}
	struct job *job = desk_job(exchange, DESK_ALLOW_LIST);
	if (job == NULL)
		return;
	job->desk.allow = page;
	exchange_submit(exchange, job, exchange_answer);
}

void http_allow_list_add(struct exchange *exchange)
{
	desk_post(exchange, DESK_ALLOW_ADD);
}

void http_allow_list_remove(struct exchange *exchange)
{
	desk_post(exchange, DESK_ALLOW_REMOVE);
}

void http_allow_list_confirm(struct exchange *exchange)
{
	desk_post(exchange, DESK_ALLOW_CONFIRM);
}

void http_allow_list_reject(struct exchange *exchange)
{
	desk_post(exchange, DESK_ALLOW_REJECT);
}
