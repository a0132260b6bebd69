/* What people manage, over HTTP: which fields a body may have, and a job for the store thread. */
#include "service/api/http.h"

#include "base/check.h"
#include "base/hash.h"
#include "core/control.h"

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
	[DESK_POLICY_CONFIRM] = { 1, { FIELD("digest", 2 * SHA256_BYTES) } },
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

static struct job *desk_job(struct exchange *exchange, enum desk_act act)
{
	struct job *job = exchange_job(exchange, JOB_DESK);
	if (job == NULL)
		return NULL;
	job->desk = (struct desk_query){ .act = act };
	(void)str_copy(exchange->parameter, job->desk.subject, sizeof job->desk.subject);
	return job;
}

/* Goes on with the body's values, or answers. */
static void desk_post(struct exchange *exchange, enum desk_act act)
{
	char storage[BODY_BYTES_MAX];
	struct buf lists = buf_of(storage, sizeof storage);
	struct desk_form form = forms[act];
	JSON_OWNED json = NULL;
	if (form.len == 0 ? !exchange_body_is_empty(exchange)
			  : !exchange_body_read(exchange, form.fields, form.len, &lists, &json))
		return;
	struct job *job = desk_job(exchange, act);
	if (job == NULL)
		return;
	values_keep(job, form.fields, form.len);
	exchange_submit(exchange, job, exchange_answer);
}

static void desk_get(struct exchange *exchange, enum desk_act act)
{
	struct job *job = desk_job(exchange, act);
	if (job != NULL)
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
