/* Policies over the API. They are of all accounts, and so for who reaches them all; a key has the
 * scope by somebody who does. */
#include "service/api/desk.h"

#include "base/hash.h"
#include "base/hex.h"
#include "base/json.h"
#include "core/policy_rules.h"
#include "service/admin/policies.h"
#include "service/api/work.h"

#include <string.h>

#define HISTORY_MAX 32
#define ROW_BYTES   768
/* A document's quotes and line ends are escaped, which doubles it at most. */
#define DOCUMENT_BYTES (2 * POLICY_DOCUMENT_BYTES_MAX)
#define LIST_BYTES     (DOCUMENT_BYTES + (HISTORY_MAX + PROPOSALS_MAX) * ROW_BYTES + 512)

enum { DOCUMENT };
enum { DIGEST };

struct desk {
	struct admin_policies admin;
	char address[IP_TEXT_MAX + 1];
	int64_t now_ms;
};

static void desk_open(const struct api_options *options, const struct job *job, struct desk *desk)
{
	desk->now_ms = clock_now_ms(options->clock);
	desk->admin = (struct admin_policies){ .store = options->store,
					       .catalogue = options->catalogue,
					       .policy_keys = &options->policy_keys,
					       .by = desk_actor(job, desk->address),
					       .entropy = options->entropy,
					       .identity_keys = &options->identity_keys };
}

/* ---- what is shown ---- */

static void digest_write(const uint8_t digest[SHA256_BYTES], struct buf *out)
{
	json_write_name(out, "digest");
	buf_byte(out, '"');
	hex_write(out, digest, SHA256_BYTES);
	buf_byte(out, '"');
}

static void policy_write(const struct store_policy *policy, struct buf *out)
{
	json_write_member_u64(out, "version", policy->version);
	json_write_member_text(out, "set_by", policy->set_by);
	desk_write_time(out, "set_at", policy->set_at);
	digest_write(policy->digest, out);
}

static bool in_force_write(const struct api_options *options, const struct job *job,
			   const struct desk *desk, struct store_policy *ret_policy,
			   struct buf *out, struct err *err)
{
	struct buf document = buf_new(POLICY_DOCUMENT_BYTES_MAX);
	bool found = false, sealed = false;
	bool good = admin_policy_load(&desk->admin, ret_policy, &document, &found, &sealed, err);
	if (good && !found) {
		json_write_member_null(out, "in_force");
	} else if (good) {
		json_write_name(out, "in_force");
		buf_byte(out, '{');
		policy_write(ret_policy, out);
		json_write_member_bool(out, "sealed", sealed);
		if (sealed)
			json_write_member(out, "document", buf_view(&document));
		else
			json_write_member_null(out, "document");
		buf_byte(out, '}');
	}
	if (good && found && !sealed)
		desk_alarm(options, job, "policy_seal_broken", "the policy was changed by others");
	buf_free(&document);
	return good;
}

static bool history_write(const struct desk *desk, uint64_t below, struct buf *out, struct err *err)
{
	struct store_policy rows[HISTORY_MAX];
	size_t len = 0;
	if (!store_policies_list(desk->admin.store, below, rows, HISTORY_MAX, &len, err))
		return false;
	json_write_name(out, "history");
	buf_byte(out, '[');
	for (size_t i = 0; i < len; i++) {
		buf_text(out, i > 0 ? ",{" : "{");
		policy_write(&rows[i], out);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
	return true;
}

static bool proposals_write(const struct api_options *options, const struct job *job,
			    const struct desk *desk, uint64_t version, struct buf *out,
			    struct err *err)
{
	struct store_proposal rows[PROPOSALS_MAX];
	bool sealed[PROPOSALS_MAX];
	size_t len = 0;
	const struct admin_proposals proposals = admin_policy_proposals(&desk->admin);
	if (!admin_proposals_list(&proposals, PROPOSAL_POLICY, desk->now_ms, rows, sealed, &len,
				  err))
		return false;
	json_write_name(out, "proposals");
	buf_byte(out, '[');
	for (size_t i = 0; i < len; i++) {
		if (!sealed[i]) {
			desk_alarm(options, job, "proposal_seal_broken",
				   "a proposal was changed by others");
			continue;
		}
		if (out->at[out->len - 1] == '}')
			buf_byte(out, ',');
		buf_byte(out, '{');
		desk_write_proposal(&rows[i], version, out);
		digest_write(rows[i].digest, out);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
	return true;
}

static bool policies_answer(const struct api_options *options, struct job *job,
			    const struct desk *desk, unsigned status, struct err *err)
{
	struct store_policy policy = { 0 };
	struct buf *out = desk_answer(job, status, LIST_BYTES);
	buf_byte(out, '{');
	json_write_member_u64(out, "change_people", options->policy_people > 1 ? 2 : 1);
	if (!in_force_write(options, job, desk, &policy, out, err) ||
	    !history_write(desk, policy.version, out, err) ||
	    !proposals_write(options, job, desk, policy.version, out, err))
		return false;
	buf_byte(out, '}');
	return true;
}

/* ---- what is asked ---- */

static bool run_list(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	desk_open(options, job, &desk);
	return policies_answer(options, job, &desk, 200, err);
}

static bool run_set(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct store_policy policy;
	struct store_proposal proposal;
	struct str document = job->desk.fields[DOCUMENT];
	bool is_alone = options->policy_people < 2;
	desk_open(options, job, &desk);
	bool good =
		is_alone ? admin_policy_set(&desk.admin, document, desk.now_ms, &policy, err)
			 : admin_policy_propose(&desk.admin, document, desk.now_ms, &proposal, err);
	return good && policies_answer(options, job, &desk, is_alone ? 200 : 202, err);
}

/* What the second person confirms is looked at here, whole. */
static bool run_show(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct store_proposal proposal;
	struct store_policy policy;
	struct id id;
	bool found = false;
	struct buf text = buf_new(PROPOSAL_TEXT_BYTES_MAX);
	desk_open(options, job, &desk);
	const struct admin_proposals proposals = admin_policy_proposals(&desk.admin);
	bool good = desk_id(job, "proposal_unknown", &id, err) &&
		    admin_proposal_load(&proposals, PROPOSAL_POLICY, id, &proposal, &text, err);
	if (good) {
		struct buf known = buf_new(POLICY_DOCUMENT_BYTES_MAX);
		struct buf *out = desk_answer(job, 200, DOCUMENT_BYTES + ROW_BYTES);
		good = store_policy_load(desk.admin.store, 0, &policy, &known, &found, err);
		buf_byte(out, '{');
		desk_write_proposal(&proposal, good && found ? policy.version : 0, out);
		digest_write(proposal.digest, out);
		json_write_member(out, "document", buf_view(&text));
		buf_byte(out, '}');
		buf_free(&known);
	}
	buf_free(&text);
	return good;
}

static bool run_confirm(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct store_policy policy;
	struct id id;
	bool done = false;
	desk_open(options, job, &desk);
	return desk_id(job, "proposal_unknown", &id, err) &&
	       admin_policy_confirm(&desk.admin, id, job->desk.fields[DIGEST], desk.now_ms, &policy,
				    &done, err) &&
	       policies_answer(options, job, &desk, done ? 200 : 202, err);
}

static bool run_reject(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct store_proposal proposal;
	struct id id;
	desk_open(options, job, &desk);
	const struct admin_proposals proposals = admin_policy_proposals(&desk.admin);
	return desk_id(job, "proposal_unknown", &id, err) &&
	       admin_proposal_reject(&proposals, PROPOSAL_POLICY, id, desk.now_ms, &proposal,
				     err) &&
	       policies_answer(options, job, &desk, 200, err);
}

bool desk_policies_run(const struct api_options *options, struct job *job, struct err *err)
{
	if (!desk_reaches_all(job, err))
		return false;
	enum desk_act act = job->desk.act;
	return act == DESK_POLICY_SET        ? run_set(options, job, err)
	       : act == DESK_POLICY_PROPOSAL ? run_show(options, job, err)
	       : act == DESK_POLICY_CONFIRM  ? run_confirm(options, job, err)
	       : act == DESK_POLICY_REJECT   ? run_reject(options, job, err)
					     : run_list(options, job, err);
}
