#include "service/api/desk.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"
#include "port/store_proposal.h"
#include "service/api/work.h"

#include <string.h>

struct admin_actor desk_actor(const struct job *job, char *address)
{
	struct buf out = buf_of(address, IP_TEXT_MAX + 1);
	bool is_key = job->by.kind == PRINCIPAL_KEY;
	if (ip_is_known(job->from))
		ip_write(job->from, &out);
	return (struct admin_actor){
		.who = job->by.id,
		.name = job->by.name,
		.person = is_key ? NULL : job->by.name,
		.account = job->by.account,
		.request_id = job->request_id,
		.address = buf_terminated(&out),
		.once = job->desk.has_key ? &job->desk.once : NULL,
	};
}

struct buf *desk_answer(struct job *job, unsigned status, size_t cap)
{
	job->status = status;
	job->body = buf_new(cap);
	return &job->body;
}

bool desk_text(const struct job *job, size_t field, char *ret_text, size_t cap, struct err *err)
{
	CHECK(field < DESK_FIELDS_MAX);
	return str_copy(job->desk.fields[field], ret_text, cap) ||
	       err_set(err, ERR_REFUSED, "a text is too long, or holds a NUL");
}

bool desk_id(const struct job *job, const char *code, struct id *ret_id, struct err *err)
{
	return id_read(str_from(job->desk.subject), ret_id) ||
	       err_refuse(err, code, "\"%s\" is no id", job->desk.subject);
}

bool desk_reaches_all(const struct job *job, struct err *err)
{
	bool is_tenant = job->by.kind != PRINCIPAL_KEY && job->by.reach != REACH_ALL;
	return !is_tenant ||
	       err_refuse(err, "account_forbidden", "this is of all accounts, and you are of %s",
			  job->by.account);
}

void desk_write_time(struct buf *out, const char *name, int64_t at_ms)
{
	if (at_ms == 0) {
		json_write_member_null(out, name);
		return;
	}
	json_write_name(out, name);
	buf_byte(out, '"');
	time_write_rfc3339(at_ms, out);
	buf_byte(out, '"');
}

void desk_alarm(const struct api_options *options, const struct job *job, const char *action,
		const char *what)
{
	struct log_about about = { .action = action, .outcome = "failure", .alarm = true };
	log_line(options->log, LOG_ERROR, &about, "%s %s, seen by %s", action, what,
		 job->request_id);
}

static const char *state_text(const struct store_proposal *proposal, uint64_t version)
{
	switch (proposal->state) {
	case PROPOSAL_OPEN:
		return proposal->version == version ? "open" : "void";
	case PROPOSAL_DONE:
		return "confirmed";
	case PROPOSAL_REJECTED:
		return "rejected";
	}
	return "unknown";
}

void desk_write_proposal(const struct store_proposal *proposal, uint64_t version, struct buf *out)
{
	json_write_member_text(out, "id", id_text(proposal->id).at);
	json_write_member_text(out, "state", state_text(proposal, version));
	json_write_member_u64(out, "version", proposal->version);
	json_write_member_text(out, "proposed_by", proposal->proposed_by);
	desk_write_time(out, "created_at", proposal->created_at);
	desk_write_time(out, "expires_at", proposal->expires_at);
	if (proposal->first_person[0] != 0)
		json_write_member_text(out, "first_person", proposal->first_person);
	else
		json_write_member_null(out, "first_person");
}

static bool run_act(const struct api_options *options, struct job *job, struct err *err)
{
	switch (job->desk.act) {
	case DESK_CONTROLS:
	case DESK_PAUSE:
	case DESK_UNPAUSE:
	case DESK_UNPAUSE_CONFIRM:
	case DESK_UNPAUSE_REJECT:
		return desk_controls_run(options, job, err);
	case DESK_POLICIES:
	case DESK_POLICY_SET:
	case DESK_POLICY_PROPOSAL:
	case DESK_POLICY_CONFIRM:
	case DESK_POLICY_REJECT:
		return desk_policies_run(options, job, err);
	case DESK_SIMULATE:
		return desk_simulate_run(options, job, err);
	case DESK_KEYS:
	case DESK_KEY_CREATE:
	case DESK_KEY_ROTATE:
	case DESK_KEY_REVOKE:
		return desk_keys_run(options, job, err);
	case DESK_USERS:
	case DESK_USER_CREATE:
	case DESK_USER_DISABLE:
	case DESK_USER_ROLE:
	case DESK_USER_PASSWORD:
	case DESK_USER_TOTP:
	case DESK_USER_SESSIONS:
		return desk_users_run(options, job, err);
	case DESK_AUDIT:
		return desk_audit_run(options, job, err);
	case DESK_APPROVE:
	case DESK_REJECT:
		return desk_approvals_run(options, job, err);
	case DESK_ALLOW_LIST:
	case DESK_ALLOW_ADD:
	case DESK_ALLOW_REMOVE:
	case DESK_ALLOW_CONFIRM:
	case DESK_ALLOW_REJECT:
		return desk_allow_list_run(options, job, err);
	case DESK_SESSIONS:
	case DESK_SESSION_END:
		return desk_sessions_run(options, job, err);
	case DESK_ACCOUNTS:
	case DESK_ACCOUNT_ADD:
	case DESK_ACCOUNT_DISABLE:
	case DESK_ACCOUNT_ENABLE:
		return desk_accounts_run(options, job, err);
	case DESK_ACTS:
		break;
	}
	CHECK(false);
}

/* What a rule refuses is answered under its code, with its words. */
static void refuse(struct job *job, const struct err *err)
{
	job->problem = err->code != NULL ? problem_of_code(err->code) : PROBLEM_NONE;
	if (job->problem == PROBLEM_NONE)
		job->problem = PROBLEM_REQUEST_REFUSED;
	memcpy(job->detail, err->text, sizeof job->detail);
}

/* ---- requests with a key ---- */

/* What a repeat has to say again: act, subject and fields; a password is none of them. */
static void once_make(const struct api_options *options, struct job *job)
{
	struct desk_query *query = &job->desk;
	struct buf said = buf_new(job->input.len + 1024);
	uint8_t random[10];
	buf_prefixed_u64(&said, (uint64_t)query->act);
	buf_prefixed(&said, query->subject, strlen(query->subject));
	for (size_t i = 0; i < DESK_FIELDS_MAX; i++)
		buf_prefixed(&said, query->fields[i].at, query->fields[i].len);
	CHECK(!said.overflow);
	sha256(said.at, said.len, query->once.fingerprint);
	buf_free(&said);
	entropy_fill(options->entropy, random, sizeof random);
	query->once.attempt = id_make(clock_now_ms(options->clock), random);
	query->once.principal = job->by.id;
}

/* *ret_known: it was asked before, and the job is answered. */
static bool once_look(const struct api_options *options, struct job *job, bool *ret_known,
		      struct err *err)
{
	struct store_once_row row;
	const struct store_once *once = &job->desk.once;
	struct buf *out = desk_answer(job, 0, ONCE_ANSWER_BYTES_MAX);
	if (!store_once_load(options->store, once, &row, out, ret_known, err))
		return false;
	if (*ret_known && memcmp(row.fingerprint, once->fingerprint, sizeof row.fingerprint) != 0)
		return err_refuse(err, "idempotency_key_reused",
				  "the key was sent with another request");
	bool is_answer =
		row.status >= 200 && row.status < 300 && row.status != 204 && !out->overflow;
	if (*ret_known && !is_answer) /* none yet, or an editor's */
		return err_refuse(err, "answer_lost",
				  "it was done, and its answer is lost: look at what is there");
	job->status = row.status;
	job->is_replayed = *ret_known;
	if (!*ret_known)
		buf_free(out);
	return true;
}

/* Without its secret. Nothing is lost but the answer when it does not get there. */
static void once_keep(const struct api_options *options, const struct job *job)
{
	struct err err;
	struct log_about about = { .action = "store_fault", .outcome = "failure", .err = &err };
	size_t secret_at = job->desk.secret_at;
	struct str body = buf_view(&job->body);
	if (body.len > ONCE_ANSWER_BYTES_MAX)
		return;
	struct buf answer = buf_new(body.len + 1);
	buf_bytes(&answer, body.at, secret_at > 0 ? secret_at : body.len);
	if (secret_at > 0)
		buf_byte(&answer, '}');
	if (!store_once_answer(options->store, &job->desk.once, job->status, buf_view(&answer),
			       clock_now_ms(options->clock), &err))
		log_line(options->log, LOG_WARN, &about, "the answer to a repeat is lost");
	buf_free(&answer);
}

static bool run_once(const struct api_options *options, struct job *job, struct err *err)
{
	bool known = false;
	once_make(options, job);
	if (!once_look(options, job, &known, err))
		return false;
	if (known)
		return true;
	if (run_act(options, job, err)) {
		once_keep(options, job);
		return true;
	}
	/* The other one was faster: its answer is there, or soon will be. */
	bool raced = err->kind == ERR_REFUSED && err->code != NULL &&
		     strcmp(err->code, "once_taken") == 0;
	buf_free(&job->body);
	return raced && once_look(options, job, &known, err) &&
	       (known || err_set(err, ERR_NOT_DONE, "a key has come and gone"));
}

bool desk_run(const struct api_options *options, struct job *job)
{
	struct err err = { 0 };
	struct log_about about = { .action = "store_fault", .outcome = "failure", .err = &err };
	bool done = job->desk.has_key ? run_once(options, job, &err) : run_act(options, job, &err);
	if (done && job->body.overflow) /* nobody of us wrote rows of that size */
		done = err_set(&err, ERR_NOT_DONE, "rows are too large to be shown");
	if (done)
		return true;
	buf_free(&job->body);
	if (err.kind == ERR_REFUSED) {
		refuse(job, &err);
		return true;
	}
	log_line(options->log, LOG_WARN, &about, "a desk gets 503: %s", job->request_id);
	job->problem = PROBLEM_STORE_UNAVAILABLE;
	return false;
}
