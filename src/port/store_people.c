#include "port/store_people.h"

#include "base/check.h"
#include "port/stop_point.h"
#include "port/store_ops.h"

#include <string.h>

#define USER_LABEL    "sluice users 1"
#define SESSION_LABEL "sluice sessions 1"
#define FIELDS_MAX    768

_Static_assert(sizeof(struct store_user) < FIELDS_MAX, "all columns and their lengths fit");

static void text_put(struct buf *out, const char *text, size_t cap)
{
	buf_prefixed(out, text, strnlen(text, cap));
}

static struct str user_fields(const struct store_user *user, char storage[FIELDS_MAX])
{
	struct buf out = buf_of(storage, FIELDS_MAX);
	buf_prefixed(&out, user->id.bytes, ID_BYTES);
	text_put(&out, user->name, sizeof user->name);
	text_put(&out, user->account, sizeof user->account);
	buf_prefixed_u64(&out, (uint64_t)user->role);
	text_put(&out, user->password, sizeof user->password);
	buf_prefixed_u64(&out, (uint64_t)user->created_at);
	buf_prefixed_u64(&out, (uint64_t)user->disabled_at);
	buf_prefixed_u64(&out, user->generation);
	buf_prefixed_u64(&out, user->version);
	buf_prefixed_u64(&out, (uint64_t)user->totp);
	buf_prefixed(&out, user->totp_seed, sizeof user->totp_seed);
	CHECK(!out.overflow);
	return buf_view(&out);
}

static struct str session_fields(const struct store_session *session, char storage[FIELDS_MAX])
{
	struct buf out = buf_of(storage, FIELDS_MAX);
	buf_prefixed(&out, session->id.bytes, ID_BYTES);
	buf_prefixed(&out, session->user.bytes, ID_BYTES);
	buf_prefixed_u64(&out, session->generation);
	buf_prefixed_u64(&out, session->version);
	buf_prefixed_u64(&out, (uint64_t)session->created_at);
	buf_prefixed_u64(&out, (uint64_t)session->refreshed_at);
	buf_prefixed_u64(&out, (uint64_t)session->expires_at);
	buf_prefixed_u64(&out, (uint64_t)session->revoked_at);
	buf_prefixed_u64(&out, (uint64_t)session->second_factor_at);
	buf_prefixed(&out, session->refresh_hash, sizeof session->refresh_hash);
	text_put(&out, session->peer, sizeof session->peer);
	CHECK(!out.overflow);
	return buf_view(&out);
}

void store_user_seal(const struct mac_keys *keys, struct store_user *user)
{
	char storage[FIELDS_MAX];
	CHECK(!id_is_zero(user->id) && user->name[0] != 0 && user->version > 0);
	user->mac = row_mac_make(keys, USER_LABEL, user_fields(user, storage));
}

bool store_user_is_sealed(const struct mac_keys *keys, const struct store_user *user)
{
	char storage[FIELDS_MAX];
	return row_mac_verify(keys, USER_LABEL, user_fields(user, storage), &user->mac);
}

void store_session_seal(const struct mac_keys *keys, struct store_session *session)
{
	char storage[FIELDS_MAX];
	CHECK(!id_is_zero(session->id) && !id_is_zero(session->user) && session->version > 0);
	session->mac = row_mac_make(keys, SESSION_LABEL, session_fields(session, storage));
}

bool store_session_is_sealed(const struct mac_keys *keys, const struct store_session *session)
{
	char storage[FIELDS_MAX];
	return row_mac_verify(keys, SESSION_LABEL, session_fields(session, storage), &session->mac);
}

struct secrets_place store_user_totp_place(const struct store_user *user)
{
	return (struct secrets_place){ .table = "users",
				       .column = "totp_seed",
				       .row = { (const char *)user->id.bytes, ID_BYTES } };
}

bool store_user_add(struct store *store, const struct store_user *user, const struct store_by *by,
		    struct err *err)
{
	PORT_CALL();
	CHECK(user->version == 1 && user->generation == 1);
	return store->ops->user_add(store, user, by, err);
}

bool store_user_find(struct store *store, struct str name, struct store_user *ret_user,
		     bool *ret_found, struct err *err)
{
	PORT_CALL();
	CHECK(name.len > 0 && name.len <= USER_NAME_LEN_MAX);
	return store->ops->user_find(store, name, ret_user, ret_found, err);
}

bool store_user_load(struct store *store, struct id id, struct store_user *ret_user,
		     bool *ret_found, struct err *err)
{
	PORT_CALL();
	return store->ops->user_load(store, id, ret_user, ret_found, err);
}

bool store_users_list(struct store *store, const struct store_names *names,
		      struct store_user *ret_users, size_t cap, size_t *ret_len, struct err *err)
{
	PORT_CALL();
	CHECK(cap > 0);
	return store->ops->users_list(store, names, ret_users, cap, ret_len, err);
}

bool store_user_change(struct store *store, struct store_user_change *change,
		       const struct store_by *by, struct err *err)
{
	PORT_CALL();
	CHECK(change->version > 0 && change->user->version == change->version + 1);
	CHECK(change->action != NULL && change->totp_step >= 0);
	return store->ops->user_change(store, change, by, err);
}

bool store_session_change(struct store *store, struct store_session_change *change,
			  const struct store_by *by, struct err *err)
{
	PORT_CALL();
	CHECK(change->session->version == change->version + 1 && change->action != NULL);
	CHECK(change->totp_step == 0 || change->user_version > 0);
	return store->ops->session_change(store, change, by, err);
}

bool store_session_load(struct store *store, struct id id, struct store_session *ret_session,
			bool *ret_found, struct err *err)
{
	PORT_CALL();
	return store->ops->session_load(store, id, ret_session, ret_found, err);
}

bool store_sessions_list(struct store *store, struct id user, int64_t now_ms,
			 struct store_session *ret_sessions, size_t cap, size_t *ret_len,
			 struct err *err)
{
	PORT_CALL();
	CHECK(cap > 0 && cap <= SESSIONS_MAX);
	return store->ops->sessions_list(store, user, now_ms, ret_sessions, cap, ret_len, err);
}

bool store_token_was_used(struct store *store, struct id session,
			  const uint8_t hash[REFRESH_HASH_BYTES], bool *ret_used, struct err *err)
{
	PORT_CALL();
	return store->ops->token_was_used(store, session, hash, ret_used, err);
}

bool store_peer_is_known(struct store *store, struct id user, const char *peer, bool *ret_known,
			 struct err *err)
{
	PORT_CALL();
	CHECK(strlen(peer) <= PEER_LEN_MAX);
	return store->ops->peer_is_known(store, user, peer, ret_known, err);
}
