#include "service/admin/sessions.h"

#include "base/defence.h"

#define CHANGE_TRIES 4 /* the row moves under us at most this often */

bool admin_sessions_list(const struct admin_users *admin, const char *name, int64_t now_ms,
			 struct store_session ret_sessions[SESSIONS_MAX], size_t *ret_len,
			 size_t *ret_broken, struct err *err)
{
	struct store_user user;
	size_t len = 0;
	*ret_len = *ret_broken = 0;
	if (!admin_user_find(admin, name, &user, err) ||
	    !store_sessions_list(admin->store, user.id, now_ms, ret_sessions, SESSIONS_MAX, &len,
				 err))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!store_session_is_sealed(admin->identity_keys, &ret_sessions[i]))
			(*ret_broken)++;
		else if (ret_sessions[i].generation == user.generation)
			ret_sessions[(*ret_len)++] = ret_sessions[i];
	}
	return true;
}

static bool unknown(struct err *err)
{
	return err_refuse(err, "session_unknown", "there is no such open session");
}

/* It is open, and its user is one whom they reach. */
static bool session_find(const struct admin_users *admin, struct id id, int64_t now_ms,
			 struct store_session *ret_session, struct err *err)
{
	struct store_user user;
	bool found = false, has_user = false;
	if (!store_session_load(admin->store, id, ret_session, &found, err))
		return false;
	if (!found || !store_session_is_sealed(admin->identity_keys, ret_session) ||
	    ret_session->revoked_at != 0 || ret_session->expires_at <= now_ms)
		return unknown(err);
	if (!store_user_load(admin->store, ret_session->user, &user, &has_user, err))
		return false;
	if (!has_user || !store_user_is_sealed(admin->identity_keys, &user) ||
	    user.generation != ret_session->generation)
		return unknown(err);
	return admin_reaches(&admin->by, user.account) || !DEFENCE("session_is_of_own_account") ||
	       unknown(err);
}

bool admin_session_end(const struct admin_users *admin, struct id session, int64_t now_ms,
		       struct store_session *ret_session, struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	for (int i = 0; i < CHANGE_TRIES; i++) {
		if (!session_find(admin, session, now_ms, ret_session, err))
			return false;
		struct store_session_change change = { .session = ret_session,
						       .version = ret_session->version,
						       .action = "session_revoked" };
		ret_session->version++;
		ret_session->revoked_at = now_ms;
		store_session_seal(admin->identity_keys, ret_session);
		if (!store_session_change(admin->store, &change, &by, err))
			return false;
		if (change.applied)
			return true;
	}
	return err_set(err, ERR_NOT_DONE, "the session is being changed by others");
}
