#include "service/admin/controls.h"

#include "base/check.h"
#include "base/defence.h"
#include "base/json.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

#define DETAIL_MAX 512

bool admin_controls_list(const struct admin_controls *admin, int64_t now_ms,
			 struct control_set *ret_set, bool *ret_sealed, struct err *err)
{
	if (!store_controls_load(admin->store, ret_set, err))
		return false;
	*ret_sealed = ret_set->has_head && control_set_is_sealed(admin->keys, ret_set) &&
		      control_version_is_possible(ret_set->version, now_ms);
	return true;
}

static bool reason_is_plain(struct str reason)
{
	bool plain =
		reason.len > 0 && reason.len <= CONTROL_REASON_LEN_MAX && utf8_is_valid(reason);
	for (size_t i = 0; plain && i < reason.len; i++)
		plain = (unsigned char)reason.at[i] >= ' ' && reason.at[i] != 0x7f;
	return plain;
}

/* A tenant's people reach their own account's switch alone. */
static bool reach_check(const struct admin_controls *admin, const struct control *row,
			struct err *err)
{
	const char *account = row->scope == CONTROL_ACCOUNT ? row->name : "";
	return admin_reaches(&admin->by, account) || !DEFENCE("switch_is_own") ||
	       err_refuse(err, "account_forbidden",
			  "only the switch of account %s is for you to set", admin->by.account);
}

static bool wish_read(const struct admin_controls *admin, const struct admin_control_wish *wish,
		      struct control *ret_row, struct err *err)
{
	struct str reason = str_from(wish->reason);
	*ret_row = (struct control){ .scope = wish->scope, .stops = wish->stops };
	if (!control_name_read(wish->scope, str_from(wish->name), ret_row->name))
		return err_set(err, ERR_REFUSED, "\"%s\" is no %s", wish->name,
			       control_scope_text(wish->scope));
	if (!reason_is_plain(reason))
		return err_set(err, ERR_REFUSED,
			       "the reason is 1 to %d bytes of UTF-8 without control characters",
			       CONTROL_REASON_LEN_MAX);
	(void)snprintf(ret_row->reason, sizeof ret_row->reason, "%s", wish->reason);
	(void)snprintf(ret_row->who, sizeof ret_row->who, "%s", admin->by.name);
	return reach_check(admin, ret_row, err);
}

static void stops_put(struct buf *out, const char *name, const struct control *row)
{
	char text[CONTROL_STOPS_LEN_MAX + 1];
	struct buf stops = buf_of(text, sizeof text);
	control_stops_write(row == NULL ? 0 : row->stops, &stops);
	json_write_member_text(out, name, buf_terminated(&stops));
}

/* The whole set in place of `before`, with its audit record. ends: as in store_control_change. */
static bool set_write(const struct admin_controls *admin, const struct control_set *before,
		      struct control_set *set, const struct control *row, const char *action,
		      struct store_proposal_change *ends, int64_t now_ms, struct err *err)
{
	char text[DETAIL_MAX];
	struct buf out = buf_of(text, sizeof text);
	struct store_by by = admin_by(&admin->by, now_ms);
	struct store_control_change change = { .version = before->version,
					       .set = set,
					       .resets = set->reset_version == set->version,
					       .action = action,
					       .ends = ends };
	buf_byte(&out, '{');
	json_write_member_text(&out, "scope", control_scope_text(row->scope));
	json_write_member_text(&out, "name", row->name);
	stops_put(&out, "before", control_find(before, row->scope, row->name));
	stops_put(&out, "after", control_find(set, row->scope, row->name));
	json_write_member_u64(&out, "version", set->version);
	json_write_member_text(&out, "reason", row->reason);
	buf_byte(&out, '}');
	change.detail = buf_terminated(&out);
	CHECK(!out.overflow);
	control_set_seal(admin->keys, set);
	if (!store_controls_change(admin->store, &change, &by, err))
		return false;
	return change.applied || err_refuse(err, "changed_meanwhile",
					    "somebody else has changed the switches: look again");
}

/* Begins anew: far above every version that anybody has seen. The number of a set that is not
 * sealed is an editor's, and may be the last that there is. */
static void set_reset(struct control_set *set, bool sealed, int64_t now_ms)
{
	uint64_t least = (uint64_t)now_ms;
	if (!sealed) {
		set->len = 0;
		set->version = DEFENCE("reset_counts_from_now") ? 0 : set->version;
	}
	set->is_cut = false;
	set->has_head = true;
	set->version = set->version > least ? set->version : least;
}

static bool sealed_check(bool sealed, struct err *err)
{
	return sealed ||
	       err_refuse(
		       err, "controls_in_doubt",
		       "the pause switches are not what people set: somebody has edited the store. "
		       "`sluice pause --all --reset` begins anew");
}

bool admin_controls_pause(const struct admin_controls *admin, const struct admin_control_wish *wish,
			  bool resets, int64_t now_ms, struct control_set *ret_set, struct err *err)
{
	struct control_set before;
	struct control row;
	bool sealed = false;
	if (!wish_read(admin, wish, &row, err) ||
	    !admin_controls_list(admin, now_ms, &before, &sealed, err) ||
	    (!resets && !sealed_check(sealed, err)))
		return false;
	*ret_set = before;
	if (resets && wish->scope != CONTROL_ALL)
		return err_set(err, ERR_REFUSED, "only a pause of everything begins anew");
	if (resets)
		set_reset(ret_set, sealed, now_ms);
	uint64_t began = ret_set->version;
	if (!control_set_put(ret_set, &row, now_ms) && !resets)
		return ret_set->len >= CONTROLS_MAX - 1
			       ? err_set(err, ERR_REFUSED,
					 "there are as many switches as there can be")
			       : err_refuse(err, "paused_already", "it is paused so already");
	if (ret_set->version == began)
		ret_set->version++; /* all is paused already: anew all the same */
	if (resets)
		ret_set->reset_version = ret_set->version;
	return set_write(admin, &before, ret_set, &row, resets ? "pauses_reset" : "paused", NULL,
			 now_ms, err);
}

/* What the switches would be without it. */
static bool set_lift(const struct admin_controls *admin, const struct control *row,
		     struct control_set *ret_before, int64_t now_ms, struct control_set *ret_set,
		     struct err *err)
{
	bool sealed = false;
	if (!admin_controls_list(admin, now_ms, ret_before, &sealed, err) ||
	    !sealed_check(sealed, err))
		return false;
	*ret_set = *ret_before;
	return control_set_lift(ret_set, row->scope, row->name, row->stops, now_ms) ||
	       err_refuse(err, "not_paused", "it is not paused");
}

bool admin_controls_unpause(const struct admin_controls *admin,
			    const struct admin_control_wish *wish, bool is_alone, int64_t now_ms,
			    struct control_set *ret_set, struct err *err)
{
	struct control_set before;
	struct control row;
	return wish_read(admin, wish, &row, err) &&
	       set_lift(admin, &row, &before, now_ms, ret_set, err) &&
	       set_write(admin, &before, ret_set, &row, is_alone ? "unpaused_alone" : "unpaused",
			 NULL, now_ms, err);
}

/* ---- by two people ---- */

struct admin_proposals admin_controls_proposals(const struct admin_controls *admin)
{
	return (struct admin_proposals){ .store = admin->store,
					 .entropy = admin->entropy,
					 .identity_keys = admin->identity_keys,
					 .by = admin->by };
}

static void wish_write(const struct control *row, struct buf *out)
{
	buf_byte(out, '{');
	json_write_member_text(out, "scope", control_scope_text(row->scope));
	json_write_member_text(out, "name", row->name);
	stops_put(out, "stops", row);
	json_write_member_text(out, "reason", row->reason);
	buf_byte(out, '}');
	CHECK(!out->overflow);
}

bool admin_control_wish_read(struct str text, struct control *ret_row)
{
	JSON_OWNED json = NULL;
	struct err ignored;
	struct str scope, name, stops, reason;
	*ret_row = (struct control){ 0 };
	if (!json_parse(text, &json, &ignored))
		return false;
	const struct json_value *root = json_root(json);
	return json_string(json_member(root, "scope"), &scope) &&
	       json_string(json_member(root, "name"), &name) &&
	       json_string(json_member(root, "stops"), &stops) &&
	       json_string(json_member(root, "reason"), &reason) &&
	       control_scope_read(scope, &ret_row->scope) &&
	       control_name_read(ret_row->scope, name, ret_row->name) &&
	       control_stops_read(stops, &ret_row->stops) &&
	       str_copy(reason, ret_row->reason, sizeof ret_row->reason);
}

uint64_t admin_control_version(const struct control_set *set, const struct control *row)
{
	const struct control *found = control_find(set, row->scope, row->name);
	if (found == NULL)
		return 0;
	return found->version > set->reset_version ? found->version : set->reset_version;
}

bool admin_controls_propose(const struct admin_controls *admin,
			    const struct admin_control_wish *wish, int64_t now_ms,
			    struct store_proposal *ret_proposal, struct err *err)
{
	char text[DETAIL_MAX];
	struct buf out = buf_of(text, sizeof text);
	struct control_set before, after;
	struct control row;
	const struct admin_proposals proposals = admin_controls_proposals(admin);
	if (!wish_read(admin, wish, &row, err) ||
	    !set_lift(admin, &row, &before, now_ms, &after, err))
		return false;
	wish_write(&row, &out);
	return admin_proposal_make(&proposals, PROPOSAL_UNPAUSE,
				   admin_control_version(&before, &row), buf_view(&out), now_ms,
				   ret_proposal, err);
}

bool admin_controls_confirm(const struct admin_controls *admin, struct id id, int64_t now_ms,
			    struct control_set *ret_set, bool *ret_done, struct err *err)
{
	char text[DETAIL_MAX];
	struct buf out = buf_of(text, sizeof text);
	struct control_set before;
	struct control row;
	struct store_proposal proposal, after;
	struct store_proposal_change ends;
	const struct admin_proposals proposals = admin_controls_proposals(admin);
	bool sealed = false;
	*ret_done = false;
	if (!admin_proposal_load(&proposals, PROPOSAL_UNPAUSE, id, &proposal, &out, err))
		return false;
	if (!admin_control_wish_read(buf_view(&out), &row))
		return err_refuse(err, "proposal_unknown", "the proposal does not say what to do");
	if (!reach_check(admin, &row, err) ||
	    !admin_controls_list(admin, now_ms, &before, &sealed, err) ||
	    !sealed_check(sealed, err) ||
	    !admin_proposal_is_open(&proposal, admin_control_version(&before, &row), now_ms, err) ||
	    !set_lift(admin, &row, &before, now_ms, ret_set, err) ||
	    !admin_proposal_second(&proposals, &proposal, PERMISSION_CONTROLS_UNPAUSE, now_ms,
				   &after, &ends, ret_done, err))
		return false;
	if (!*ret_done) {
		*ret_set = before;
		return true;
	}
	return set_write(admin, &before, ret_set, &row, "unpaused", &ends, now_ms, err);
}
