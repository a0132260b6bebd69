/* Pause switches over the API. */
#include "service/api/desk.h"

#include "base/json.h"
#include "service/admin/controls.h"
#include "service/api/work.h"

#include <string.h>

#define ROW_BYTES  1024
#define LIST_BYTES ((CONTROLS_MAX + PROPOSALS_MAX) * ROW_BYTES + 512)

enum { SCOPE, NAME, STOPS, REASON };

struct desk {
	struct admin_controls admin;
	char address[IP_TEXT_MAX + 1];
	int64_t now_ms;
};

static void desk_open(const struct api_options *options, const struct job *job, struct desk *desk)
{
	desk->now_ms = clock_now_ms(options->clock);
	desk->admin = (struct admin_controls){ .store = options->store,
					       .keys = &options->controls_keys,
					       .by = desk_actor(job, desk->address),
					       .entropy = options->entropy,
					       .identity_keys = &options->identity_keys };
}

/* ---- what is shown ---- */

static void stops_write(unsigned stops, struct buf *out)
{
	char text[CONTROL_STOPS_LEN_MAX + 1];
	struct buf list = buf_of(text, sizeof text);
	struct str rest, one;
	control_stops_write(stops, &list);
	rest = buf_view(&list);
	json_write_name(out, "stops");
	buf_byte(out, '[');
	for (size_t i = 0; rest.len > 0; i++) {
		if (i > 0)
			buf_byte(out, ',');
		if (!str_cut(rest, ',', &one, &rest)) {
			one = rest;
			rest = STR("");
		}
		json_write_string(out, one);
	}
	buf_byte(out, ']');
}

static void switch_write(const struct control *row, struct buf *out)
{
	json_write_member_text(out, "scope", control_scope_text(row->scope));
	if (row->name[0] != 0)
		json_write_member_text(out, "name", row->name);
	else
		json_write_member_null(out, "name");
	stops_write(row->stops, out);
	json_write_member_text(out, "reason", row->reason);
}

/* A tenant's people see what concerns them: what is of everybody, and their own account's. */
static bool is_shown(const struct desk *desk, const struct control *row)
{
	return row->scope != CONTROL_ACCOUNT || admin_reaches(&desk->admin.by, row->name);
}

static void set_write(const struct desk *desk, const struct control_set *set, struct buf *out)
{
	json_write_name(out, "items");
	buf_byte(out, '[');
	for (size_t i = 0; i < set->len; i++) {
		const struct control *row = &set->rows[i];
		if (!is_shown(desk, row))
			continue;
		if (out->at[out->len - 1] == '}')
			buf_byte(out, ',');
		buf_byte(out, '{');
		switch_write(row, out);
		json_write_member_text(out, "by", row->who);
		desk_write_time(out, "since", row->since);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

/* What a proposal would lift. */
static bool wish_load(const struct api_options *options, const struct job *job,
		      const struct admin_proposals *proposals, struct store_proposal *inout,
		      struct control *ret_row, bool *ret_good, struct err *err)
{
	char text[1024];
	struct buf out = buf_of(text, sizeof text);
	bool good = admin_proposal_load(proposals, PROPOSAL_UNPAUSE, inout->id, inout, &out, err);
	if (!good && err->kind != ERR_REFUSED)
		return false;
	*ret_good = good && admin_control_wish_read(buf_view(&out), ret_row);
	if (!*ret_good)
		desk_alarm(options, job, "proposal_seal_broken",
			   "a proposal was changed by others");
	return true;
}

static bool proposals_write(const struct api_options *options, const struct job *job,
			    const struct desk *desk, const struct control_set *set, struct buf *out,
			    struct err *err)
{
	struct store_proposal rows[PROPOSALS_MAX];
	bool sealed[PROPOSALS_MAX];
	size_t len = 0;
	const struct admin_proposals proposals = admin_controls_proposals(&desk->admin);
	if (!admin_proposals_list(&proposals, PROPOSAL_UNPAUSE, desk->now_ms, rows, sealed, &len,
				  err))
		return false;
	json_write_name(out, "proposals");
	buf_byte(out, '[');
	for (size_t i = 0; i < len; i++) {
		struct control row;
		bool good = false;
		if (!wish_load(options, job, &proposals, &rows[i], &row, &good, err))
			return false;
		if (!good || !is_shown(desk, &row))
			continue;
		if (out->at[out->len - 1] == '}')
			buf_byte(out, ',');
		buf_byte(out, '{');
		desk_write_proposal(&rows[i], admin_control_version(set, &row), out);
		switch_write(&row, out);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
	return true;
}

static bool controls_answer(const struct api_options *options, struct job *job,
			    const struct desk *desk, const struct control_set *set, bool sealed,
			    unsigned status, struct err *err)
{
	struct buf *out = desk_answer(job, status, LIST_BYTES);
	buf_byte(out, '{');
	json_write_member_u64(out, "version", set->version);
	json_write_member_bool(out, "sealed", sealed);
	json_write_member_u64(out, "unpause_people", options->unpause_people > 1 ? 2 : 1);
	set_write(desk, set, out);
	if (!proposals_write(options, job, desk, set, out, err))
		return false;
	buf_byte(out, '}');
	return true;
}

/* ---- what is asked ---- */

struct wish_texts {
	char name[CONTROL_NAME_LEN_MAX + 1];
	char reason[CONTROL_REASON_LEN_MAX + 1];
};

/* A list has a space where the terminal's has a comma. */
static bool stops_read(const struct job *job, unsigned usual, unsigned *ret_stops, struct err *err)
{
	char text[CONTROL_STOPS_LEN_MAX + 1];
	*ret_stops = usual;
	if (job->desk.fields[STOPS].len == 0)
		return true;
	if (!desk_text(job, STOPS, text, sizeof text, err))
		return false;
	for (char *at = text; *at != 0; at++)
		*at = *at == ' ' ? ',' : *at;
	return control_stops_read(str_from(text), ret_stops) ||
	       err_set(err, ERR_REFUSED, "stops holds intake, signing and broadcast");
}

static bool wish_read(const struct job *job, unsigned stops, struct wish_texts *texts,
		      struct admin_control_wish *ret_wish, struct err *err)
{
	*ret_wish = (struct admin_control_wish){ .name = texts->name, .reason = texts->reason };
	if (!control_scope_read(job->desk.fields[SCOPE], &ret_wish->scope))
		return err_set(err, ERR_REFUSED,
			       "scope is global, chain, asset, account or wallet");
	return stops_read(job, stops, &ret_wish->stops, err) &&
	       desk_text(job, NAME, texts->name, sizeof texts->name, err) &&
	       desk_text(job, REASON, texts->reason, sizeof texts->reason, err);
}

static bool run_list(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct control_set set;
	bool sealed = false;
	desk_open(options, job, &desk);
	return admin_controls_list(&desk.admin, desk.now_ms, &set, &sealed, err) &&
	       controls_answer(options, job, &desk, &set, sealed, 200, err);
}

static bool run_pause(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct wish_texts texts;
	struct admin_control_wish wish;
	struct control_set set;
	desk_open(options, job, &desk);
	return wish_read(job, CONTROL_INTAKE | CONTROL_SIGNING, &texts, &wish, err) &&
	       admin_controls_pause(&desk.admin, &wish, false, desk.now_ms, &set, err) &&
	       controls_answer(options, job, &desk, &set, true, 200, err);
}

static bool run_unpause(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct wish_texts texts;
	struct admin_control_wish wish;
	struct control_set set;
	struct store_proposal proposal;
	bool sealed = false;
	bool is_alone = options->unpause_people < 2;
	desk_open(options, job, &desk);
	if (!wish_read(job, CONTROL_STOPS_ALL, &texts, &wish, err))
		return false;
	if (is_alone)
		return admin_controls_unpause(&desk.admin, &wish, false, desk.now_ms, &set, err) &&
		       controls_answer(options, job, &desk, &set, true, 200, err);
	return admin_controls_propose(&desk.admin, &wish, desk.now_ms, &proposal, err) &&
	       admin_controls_list(&desk.admin, desk.now_ms, &set, &sealed, err) &&
	       controls_answer(options, job, &desk, &set, sealed, 202, err);
}

static bool run_confirm(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct control_set set;
	struct id id;
	bool done = false;
	desk_open(options, job, &desk);
	return desk_id(job, "proposal_unknown", &id, err) &&
	       admin_controls_confirm(&desk.admin, id, desk.now_ms, &set, &done, err) &&
	       controls_answer(options, job, &desk, &set, true, done ? 200 : 202, err);
}

/* A tenant's people reject what they could have proposed. */
static bool run_reject(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct control row;
	struct store_proposal proposal = { .kind = PROPOSAL_UNPAUSE };
	bool good = false;
	desk_open(options, job, &desk);
	const struct admin_proposals proposals = admin_controls_proposals(&desk.admin);
	if (!desk_id(job, "proposal_unknown", &proposal.id, err) ||
	    !admin_proposal_load(&proposals, PROPOSAL_UNPAUSE, proposal.id, &proposal, NULL, err) ||
	    !wish_load(options, job, &proposals, &proposal, &row, &good, err))
		return false;
	const char *account = good && row.scope == CONTROL_ACCOUNT ? row.name : "";
	if (!admin_reaches(&desk.admin.by, account))
		return err_refuse(err, "proposal_unknown", "there is no such proposal");
	return admin_proposal_reject(&proposals, PROPOSAL_UNPAUSE, proposal.id, desk.now_ms,
				     &proposal, err) &&
	       run_list(options, job, err);
}

bool desk_controls_run(const struct api_options *options, struct job *job, struct err *err)
{
	enum desk_act act = job->desk.act;
	return act == DESK_PAUSE             ? run_pause(options, job, err)
	       : act == DESK_UNPAUSE         ? run_unpause(options, job, err)
	       : act == DESK_UNPAUSE_CONFIRM ? run_confirm(options, job, err)
	       : act == DESK_UNPAUSE_REJECT  ? run_reject(options, job, err)
					     : run_list(options, job, err);
}
