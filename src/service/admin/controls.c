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
	(void)snprintf(ret_row->who, sizeof ret_row->who, "%s", admin->who);
	return true;
}

static void stops_put(struct buf *out, const char *name, const struct control *row)
{
	char text[CONTROL_STOPS_LEN_MAX + 1];
	struct buf stops = buf_of(text, sizeof text);
	control_stops_write(row == NULL ? 0 : row->stops, &stops);
	json_write_member_text(out, name, buf_terminated(&stops));
}

/* The whole set in place of `before`, with its audit record. */
static bool set_write(const struct admin_controls *admin, const struct control_set *before,
		      struct control_set *set, const struct control *row, const char *action,
		      int64_t now_ms, struct err *err)
{
	char text[DETAIL_MAX];
	struct buf out = buf_of(text, sizeof text);
	struct store_by by = { ACTOR_PERSON, admin->who, "", now_ms };
	struct store_control_change change = { .version = before->version,
					       .set = set,
					       .resets = set->reset_version == set->version,
					       .action = action };
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
	return change.applied ||
	       err_set(err, ERR_REFUSED, "somebody else has changed the switches: look again");
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
	       err_set(err, ERR_REFUSED,
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
		return err_set(err, ERR_REFUSED,
			       ret_set->len == CONTROLS_MAX
				       ? "there are as many switches as there can be"
				       : "it is paused so already");
	if (ret_set->version == began)
		ret_set->version++; /* all is paused already: anew all the same */
	if (resets)
		ret_set->reset_version = ret_set->version;
	return set_write(admin, &before, ret_set, &row, resets ? "pauses_reset" : "paused", now_ms,
			 err);
}

bool admin_controls_unpause(const struct admin_controls *admin,
			    const struct admin_control_wish *wish, int64_t now_ms,
			    struct control_set *ret_set, struct err *err)
{
	struct control_set before;
	struct control row;
	bool sealed = false;
	if (!wish_read(admin, wish, &row, err) ||
	    !admin_controls_list(admin, now_ms, &before, &sealed, err) ||
	    !sealed_check(sealed, err))
		return false;
	*ret_set = before;
	if (!control_set_lift(ret_set, row.scope, row.name, row.stops, now_ms))
		return err_set(err, ERR_REFUSED, "it is not paused");
	return set_write(admin, &before, ret_set, &row, "unpaused", now_ms, err);
}
