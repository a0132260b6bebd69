/* The allow-list over the API. Each account has its own; who belongs to one sees and changes that
 * one alone. */
#include "service/api/desk.h"

#include "base/hex.h"
#include "base/json.h"
#include "service/admin/allow_list.h"
#include "service/api/work.h"

#include <string.h>

#define ROW_BYTES  2048 /* a label of escapes */
#define LIST_BYTES ((PAGE_MAX + PROPOSALS_MAX) * ROW_BYTES + 512)

enum { ACCOUNT, CHAIN, RECEIVER, LABEL };

struct desk {
	struct admin_allow_list admin;
	char address[IP_TEXT_MAX + 1];
	int64_t now_ms;
};

static void desk_open(const struct api_options *options, const struct job *job, struct desk *desk)
{
	desk->now_ms = clock_now_ms(options->clock);
	desk->admin = (struct admin_allow_list){ .store = options->store,
						 .catalogue = options->catalogue,
						 .policy_keys = &options->policy_keys,
						 .by = desk_actor(job, desk->address),
						 .entropy = options->entropy,
						 .identity_keys = &options->identity_keys };
}

/* ---- what is shown ---- */

static void place_write(const char *name, const struct store_allow_entry *entry, struct buf *out)
{
	json_write_name(out, name);
	buf_byte(out, '"');
	hex_write(out, entry->place, sizeof entry->place);
	buf_byte(out, '"');
}

/* Whom it is about, of an entry that there is or is to be. */
static void subject_write(const struct desk *desk, const struct store_allow_entry *entry,
			  struct buf *out)
{
	const struct chain_params *chain =
		catalogue_chain_by_id(desk->admin.catalogue, entry->chain_id);
	json_write_member_text(out, "account", entry->account);
	if (chain != NULL)
		json_write_member_text(out, "chain", chain->name);
	else
		json_write_member_null(out, "chain");
	json_write_member_u64(out, "chain_id", entry->chain_id);
	json_write_member_text(out, "receiver", address_text(entry->receiver).at);
	json_write_member_text(out, "label", entry->label);
}

static void entry_write(const struct desk *desk, const struct store_allow_entry *entry,
			struct buf *out)
{
	place_write("id", entry, out);
	subject_write(desk, entry, out);
	json_write_member_text(out, "added_by", entry->added_by);
	desk_write_time(out, "added_at", entry->added_at);
	desk_write_time(out, "active_at", entry->active_at);
}

static void proposal_write(const struct desk *desk, const struct store_proposal *proposal,
			   const struct admin_allow_wish *wish, uint64_t version, struct buf *out)
{
	bool removes = wish->act == ADMIN_ALLOW_REMOVE;
	buf_byte(out, '{');
	desk_write_proposal(proposal, version, out);
	json_write_member_text(out, "act", removes ? "remove" : "add");
	if (removes)
		place_write("entry", &wish->entry, out);
	else
		json_write_member_null(out, "entry");
	subject_write(desk, &wish->entry, out);
	buf_byte(out, '}');
}

/* Of other accounts' a tenant's people see none; of edited ones the log hears. */
static bool proposals_write(const struct api_options *options, const struct job *job,
			    const struct desk *desk, struct buf *out, struct err *err)
{
	struct store_proposal rows[PROPOSALS_MAX];
	bool sealed[PROPOSALS_MAX];
	size_t len = 0;
	const struct admin_proposals proposals = admin_allow_proposals(&desk->admin);
	if (!admin_proposals_list(&proposals, PROPOSAL_ALLOW_LIST, desk->now_ms, rows, sealed, &len,
				  err))
		return false;
	json_write_name(out, "proposals");
	buf_byte(out, '[');
	for (size_t i = 0; i < len; i++) {
		struct admin_allow_wish wish;
		uint64_t version = 0;
		bool good =
			admin_allow_look(&desk->admin, rows[i].id, &rows[i], &wish, &version, err);
		if (!good && err->kind != ERR_REFUSED)
			return false;
		if (!sealed[i])
			desk_alarm(options, job, "proposal_seal_broken",
				   "a proposal was changed by others");
		if (!good)
			continue;
		if (out->at[out->len - 1] == '}')
			buf_byte(out, ',');
		proposal_write(desk, &rows[i], &wish, version, out);
	}
	buf_byte(out, ']');
	return true;
}

static bool entries_write(const struct api_options *options, const struct job *job,
			  const struct desk *desk, struct buf *out, struct err *err)
{
	const struct allow_query *query = &job->desk.allow;
	struct store_allow_entry entries[PAGE_MAX + 1], after = { 0 };
	bool sealed[PAGE_MAX + 1];
	const char *account =
		desk->admin.by.account[0] != 0 ? desk->admin.by.account : query->account;
	size_t len = 0;
	memcpy(after.place, query->after, sizeof after.place);
	if (!admin_allow_page(&desk->admin, account, query->has_after ? &after : NULL, entries,
			      sealed, query->limit + 1, &len, err))
		return false;
	size_t shown = len > query->limit ? query->limit : len;
	json_write_name(out, "items");
	buf_byte(out, '[');
	for (size_t i = 0; i < shown; i++) {
		buf_text(out, i > 0 ? ",{" : "{");
		entry_write(desk, &entries[i], out);
		json_write_member_bool(out, "sealed", sealed[i]);
		buf_byte(out, '}');
		if (!sealed[i])
			desk_alarm(options, job, "allow_list_seal_broken",
				   "an entry was changed by others");
	}
	buf_byte(out, ']');
	if (len > shown)
		place_write("next_after", &entries[shown - 1], out);
	else
		json_write_member_null(out, "next_after");
	return true;
}

/* done: with the entry as it is now; else with what waits. */
static bool wish_answer(const struct api_options *options, struct job *job, const struct desk *desk,
			const struct admin_allow_wish *wish, bool done, struct err *err)
{
	bool adds = wish->act == ADMIN_ALLOW_ADD;
	struct buf *out = desk_answer(job, done ? 200 : 202, (PROPOSALS_MAX + 1) * ROW_BYTES + 512);
	buf_byte(out, '{');
	json_write_member_bool(out, "done", done);
	if (done && adds) {
		json_write_name(out, "entry");
		buf_byte(out, '{');
		entry_write(desk, &wish->entry, out);
		buf_byte(out, '}');
	} else {
		json_write_member_null(out, "entry");
	}
	if (!proposals_write(options, job, desk, out, err))
		return false;
	buf_byte(out, '}');
	return true;
}

/* ---- what is asked ---- */

static bool run_list(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	desk_open(options, job, &desk);
	struct buf *out = desk_answer(job, 200, LIST_BYTES);
	buf_byte(out, '{');
	json_write_member_u64(out, "change_people", options->allow_list_people > 1 ? 2 : 1);
	if (!entries_write(options, job, &desk, out, err) ||
	    !proposals_write(options, job, &desk, out, err))
		return false;
	buf_byte(out, '}');
	return true;
}

static bool wish_carry_out(const struct api_options *options, struct job *job, struct desk *desk,
			   struct admin_allow_wish *wish, struct err *err)
{
	struct store_proposal proposal;
	bool is_alone = options->allow_list_people < 2;
	bool good = is_alone
			    ? admin_allow_do(&desk->admin, wish, desk->now_ms, err)
			    : admin_allow_propose(&desk->admin, wish, desk->now_ms, &proposal, err);
	return good && wish_answer(options, job, desk, wish, is_alone, err);
}

struct name_texts {
	char account[ACCOUNT_LEN_MAX + 1];
	char chain[CHAIN_NAME_LEN_MAX + 1];
	char receiver[ADDRESS_TEXT_LEN + 1];
	char label[ALLOW_LABEL_LEN_MAX + 1];
};

/* Left out, the account is the own one. */
static bool name_read(const struct job *job, struct name_texts *texts, struct err *err)
{
	if (!desk_text(job, ACCOUNT, texts->account, sizeof texts->account, err) ||
	    !desk_text(job, CHAIN, texts->chain, sizeof texts->chain, err) ||
	    !desk_text(job, RECEIVER, texts->receiver, sizeof texts->receiver, err) ||
	    !desk_text(job, LABEL, texts->label, sizeof texts->label, err))
		return false;
	if (texts->account[0] == 0)
		CHECK(str_copy(str_from(job->by.account), texts->account, sizeof texts->account));
	return true;
}

static bool run_add(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct name_texts texts;
	struct admin_allow_wish wish;
	desk_open(options, job, &desk);
	struct admin_allow_name name = { texts.account, texts.chain, texts.receiver };
	return name_read(job, &texts, err) &&
	       admin_allow_new(&desk.admin, &name, texts.label, &wish, err) &&
	       wish_carry_out(options, job, &desk, &wish, err);
}

static bool run_remove(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct admin_allow_wish wish;
	desk_open(options, job, &desk);
	return admin_allow_placed(&desk.admin, str_from(job->desk.subject), &wish, err) &&
	       wish_carry_out(options, job, &desk, &wish, err);
}

static bool run_confirm(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct admin_allow_wish wish;
	struct id id;
	bool done = false;
	desk_open(options, job, &desk);
	return desk_id(job, "proposal_unknown", &id, err) &&
	       admin_allow_confirm(&desk.admin, id, desk.now_ms, &wish, &done, err) &&
	       wish_answer(options, job, &desk, &wish, done, err);
}

static bool run_reject(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct id id;
	struct admin_allow_wish nothing = { .act = ADMIN_ALLOW_REMOVE };
	desk_open(options, job, &desk);
	return desk_id(job, "proposal_unknown", &id, err) &&
	       admin_allow_reject(&desk.admin, id, desk.now_ms, err) &&
	       wish_answer(options, job, &desk, &nothing, true, err);
}

bool desk_allow_list_run(const struct api_options *options, struct job *job, struct err *err)
{
	enum desk_act act = job->desk.act;
	return act == DESK_ALLOW_ADD       ? run_add(options, job, err)
	       : act == DESK_ALLOW_REMOVE  ? run_remove(options, job, err)
	       : act == DESK_ALLOW_CONFIRM ? run_confirm(options, job, err)
	       : act == DESK_ALLOW_REJECT  ? run_reject(options, job, err)
					   : run_list(options, job, err);
}
