#include "service/api/resolve.h"

#include "base/check.h"
#include "base/json.h"
#include "base/time.h"
#include "service/api/request.h"
#include "service/api/work.h"

#include <string.h>

#define TRIES      4 /* the case moves under us at most this often */
#define BODY_BYTES 8192

/* ---- the question ---- */

static void refuse(struct problem_report *report, enum problem problem, const char *pointer)
{
	problem_report_add(report, problem, str_from(pointer), NULL);
}

static bool is_text(const struct json_value *value, const char *pointer,
		    struct problem_report *report, struct str *ret_text)
{
	if (json_string(value, ret_text))
		return true;
	if (value != NULL)
		refuse(report, PROBLEM_FIELD_TYPE, pointer);
	return false;
}

static void members_check(const struct json_value *root, struct problem_report *report)
{
	void *cursor = NULL;
	struct str name;
	const struct json_value *value;
	while (json_next_member(root, &cursor, &name, &value))
		if (!str_equal_text(name, "verdict") && !str_equal_text(name, "tx_hash"))
			problem_report_add(report, PROBLEM_FIELD_UNKNOWN, name, NULL);
}

bool resolve_query_read(struct str body, bool is_slot, struct resolve_query *ret_query,
			struct problem_report *ret_report)
{
	JSON_OWNED json = NULL;
	struct str text = { 0 };
	*ret_query = (struct resolve_query){ .is_slot = is_slot };
	if (!request_body_parse(body, &json, ret_report))
		return false;
	problem_report_reset(ret_report);
	const struct json_value *root = json_root(json);
	const struct json_value *verdict = json_member(root, "verdict");
	const struct json_value *tx_hash = json_member(root, "tx_hash");
	members_check(root, ret_report);
	if (verdict == NULL)
		refuse(ret_report, PROBLEM_FIELD_MISSING, "/verdict");
	if (is_text(verdict, "/verdict", ret_report, &text) &&
	    !resolve_verdict_read(text, &ret_query->verdict))
		refuse(ret_report, PROBLEM_VERDICT_UNKNOWN, "/verdict");
	if (is_text(tx_hash, "/tx_hash", ret_report, &text) &&
	    (!hash32_read(text, &ret_query->tx_hash) || hash32_is_zero(ret_query->tx_hash)))
		refuse(ret_report, PROBLEM_TX_HASH_MALFORMED, "/tx_hash");
	if (ret_report->problem == PROBLEM_NONE && ret_query->verdict == RESOLVE_PAID_BY &&
	    tx_hash == NULL)
		refuse(ret_report, PROBLEM_VERDICT_UNKNOWN, "/tx_hash");
	return ret_report->problem == PROBLEM_NONE;
}

/* ---- the case ---- */

struct standing {
	struct resolve_case of;
	bool has_row;
	struct withdrawal row;
	bool has_slot;
	struct transfer slot;
};

static bool standing_load(const struct api_options *options, const struct job *job,
			  struct standing *ret_now, struct err *err)
{
	struct store *store = options->store;
	memset(ret_now, 0, sizeof *ret_now);
	struct id row = job->withdrawal;
	if (job->resolve.is_slot) {
		if (!store_transfer_load(store, job->withdrawal, &ret_now->slot, &ret_now->has_slot,
					 err))
			return false;
		row = ret_now->slot.withdrawal;
	}
	if (!id_is_zero(row) &&
	    !store_withdrawals_load(store, &row, 1, &ret_now->row, &ret_now->has_row, err))
		return false;
	if (job->resolve.is_slot || !ret_now->has_row || id_is_zero(ret_now->row.transfer) ||
	    ret_now->row.stage < WITHDRAWAL_ASSIGNED)
		return true;
	return store_transfer_load(store, ret_now->row.transfer, &ret_now->slot, &ret_now->has_slot,
				   err);
}

/* What there is to decide. */
static enum problem case_judge(const struct job *job, struct standing *now)
{
	const char *reason = now->slot.held_reason;
	const char *account = now->has_row ? now->row.intent.account : "";
	if (job->resolve.is_slot ? !now->has_slot : !now->has_row)
		return PROBLEM_WITHDRAWAL_UNKNOWN;
	if (!principal_reaches(&job->by, PERMISSION_WITHDRAWALS_RESOLVE, account))
		return PROBLEM_WITHDRAWAL_UNKNOWN;
	bool back = now->has_slot && now->slot.stage == TRANSFER_FINAL &&
		    (strcmp(reason, reason_code(REASON_FINAL_TAKEN_BACK)) == 0 ||
		     strcmp(reason, reason_code(REASON_SETTLED_OTHERWISE)) == 0);
	bool held = now->has_row && now->row.held_reason[0] != 0 &&
		    !lifecycle_is_terminal(now->row.stage);
	bool own = !now->has_slot || id_equal(now->row.transfer, now->slot.id);
	if (!back && held && strcmp(now->row.held_reason, reason_code(REASON_DEAD_LETTER)) == 0)
		return PROBLEM_DEAD_LETTER;
	if (!back && !(held && own))
		return PROBLEM_NOTHING_TO_RESOLVE;
	now->of =
		resolve_case_of(now->has_row ? &now->row : NULL, now->has_slot ? &now->slot : NULL);
	return PROBLEM_NONE;
}

/* ---- the answer ---- */

static void decision_write(struct buf *out, const struct decision *decision)
{
	buf_byte(out, '{');
	json_write_member_text(out, "person", decision->person);
	json_write_member_text(out, "verdict", resolve_verdict_text(decision->verdict));
	if (hash32_is_zero(decision->tx_hash))
		json_write_member_null(out, "tx_hash");
	else
		json_write_member_text(out, "tx_hash", hash32_text(decision->tx_hash).at);
	json_write_name(out, "at");
	buf_byte(out, '"');
	time_write_rfc3339(decision->decided_at, out);
	buf_text(out, "\"}");
}

static void decisions_write(struct buf *out, const struct decision *decisions, size_t n)
{
	json_write_name(out, "decisions");
	buf_byte(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_byte(out, ',');
		decision_write(out, &decisions[i]);
	}
	buf_byte(out, ']');
}

static void id_or_null_write(struct buf *out, const char *name, bool has, struct id id)
{
	if (has)
		json_write_member_text(out, name, id_text(id).at);
	else
		json_write_member_null(out, name);
}

static void answer(struct job *job, const struct standing *now, const struct decision *decisions,
		   size_t n, bool decided)
{
	job->status = 202;
	job->body = buf_new(BODY_BYTES);
	buf_byte(&job->body, '{');
	id_or_null_write(&job->body, "withdrawal", now->has_row, now->row.intent.id);
	id_or_null_write(&job->body, "transfer", now->has_slot, now->slot.id);
	json_write_member_bool(&job->body, "decided", decided);
	decisions_write(&job->body, decisions, n);
	buf_byte(&job->body, '}');
}

static struct str differs_text(const struct decision *decision, struct buf *text)
{
	buf_format(text, "%s decided %s", decision->person,
		   resolve_verdict_text(decision->verdict));
	if (!hash32_is_zero(decision->tx_hash))
		buf_format(text, " %s", hash32_text(decision->tx_hash).at);
	buf_text(text, ". ");
	buf_text(text, problem_text(PROBLEM_DECISION_DIFFERS));
	return buf_view(text);
}

/* The problem, and what stands there. */
static void answer_differs(struct job *job, const struct decision *decisions, size_t n)
{
	char bytes[512];
	struct buf text = buf_of(bytes, sizeof bytes);
	job->status = problem_status(PROBLEM_DECISION_DIFFERS);
	job->body = buf_new(BODY_BYTES);
	buf_byte(&job->body, '{');
	json_write_member_text(&job->body, "code", problem_code(PROBLEM_DECISION_DIFFERS));
	json_write_member_u64(&job->body, "status", job->status);
	json_write_name(&job->body, "detail");
	json_write_string(&job->body, differs_text(&decisions[0], &text));
	decisions_write(&job->body, decisions, n);
	buf_byte(&job->body, '}');
}

/* ---- the decision ---- */

static void forgery_tell(const struct api_options *options, const struct job *job)
{
	struct log_about about = { .action = "decision_mac_invalid", .alarm = true };
	log_line(options->log, LOG_ERROR, &about,
		 "decision_mac_invalid a decision that nobody made is ignored, seen by %s",
		 job->request_id);
}

/* The case's decisions without this person's, and without what has no MAC. */
static bool others_load(const struct api_options *options, const struct job *job,
			const struct decision *mine, struct decision ret_others[DECISIONS_MAX],
			size_t *ret_len, struct err *err)
{
	struct decision rows[DECISIONS_MAX];
	size_t n = 0;
	*ret_len = 0;
	if (!store_decisions_load(options->store, &mine->of, rows, DECISIONS_MAX, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!decision_is_sealed(&options->controls_keys, &rows[i]))
			forgery_tell(options, job);
		else if (!decision_same_person(&rows[i], mine))
			ret_others[(*ret_len)++] = rows[i];
	}
	return true;
}

static void decision_make(const struct api_options *options, const struct job *job,
			  const struct standing *now, struct decision *ret_mine)
{
	*ret_mine = (struct decision){ .of = now->of,
				       .verdict = job->resolve.verdict,
				       .tx_hash = job->resolve.tx_hash,
				       .decided_at = clock_now_ms(options->clock) };
	CHECK(str_copy(str_from(job->by.name), ret_mine->person, sizeof ret_mine->person));
	CHECK(str_copy(str_from(job->by.id), ret_mine->key_id, sizeof ret_mine->key_id));
	decision_seal(&options->controls_keys, ret_mine);
}

/* Writes it, unless another person says another thing. ret_done false: the case has moved. */
static bool decide(const struct api_options *options, struct job *job, const struct standing *now,
		   bool *ret_done, struct err *err)
{
	struct decision all[DECISIONS_MAX + 1];
	struct decision made;
	size_t n = 0;
	bool current = false;
	struct store_by by = { .actor = ACTOR_PERSON,
			       .who = job->by.id,
			       .request_id = job->request_id,
			       .now_ms = clock_now_ms(options->clock) };
	decision_make(options, job, now, &made);
	if (!others_load(options, job, &made, all, &n, err))
		return false;
	*ret_done = true;
	for (size_t i = 0; i < n; i++) {
		if (decision_agrees(&all[i], &made))
			continue;
		answer_differs(job, all, n);
		return true;
	}
	if (!store_decision_put(options->store, &made, &by, &current, err))
		return false;
	*ret_done = current;
	if (!current)
		return true;
	all[n++] = made;
	answer(job, now, all, n, resolve_is_decided(all, n, &made));
	queue_notify(options->queue, QUEUE_SIGNING);
	return true;
}

bool resolve_run(const struct api_options *options, struct job *job)
{
	struct err err = { 0 };
	struct log_about about = { .action = "store_fault", .outcome = "failure", .err = &err };
	for (int i = 0; i < TRIES; i++) {
		struct standing now;
		bool done = false;
		if (!standing_load(options, job, &now, &err))
			break;
		job->problem = case_judge(job, &now);
		if (job->problem != PROBLEM_NONE)
			return true;
		if (!decide(options, job, &now, &done, &err))
			break;
		if (done)
			return true;
	}
	log_line(options->log, LOG_WARN, &about, "a decision gets 503: %s", job->request_id);
	job->problem = PROBLEM_STORE_UNAVAILABLE;
	return false;
}
