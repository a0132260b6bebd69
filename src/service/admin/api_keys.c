#include "service/admin/api_keys.h"

#include "base/defence.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "port/store_api_key.h"

#include <string.h>

static bool name_check(struct str name, struct err *err)
{
	bool ok = name.len > 0 && name.len < sizeof((struct store_api_key *)0)->name &&
		  utf8_is_valid(name);
	for (size_t i = 0; ok && i < name.len; i++)
		ok = (unsigned char)name.at[i] >= ' ' && name.at[i] != 0x7f;
	if (!ok)
		return err_set(err, ERR_REFUSED,
			       "a name has 1 to %zu bytes of UTF-8 without control characters",
			       sizeof((struct store_api_key *)0)->name - 1);
	return true;
}

/* The key's text into secret memory, its id and hash into the row. */
static void key_make(struct entropy *entropy, struct secret *text, struct store_api_key *key)
{
	uint8_t id[API_KEY_ID_LEN / 2], secret[API_KEY_SECRET_LEN / 2];
	struct str id_text, secret_text;
	entropy_fill(entropy, id, sizeof id);
	entropy_fill(entropy, secret, sizeof secret);
	struct buf out = buf_of(text->at, text->len);
	api_key_write(id, secret, &out);
	secret_wipe(secret, sizeof secret);
	CHECK(!out.overflow && out.len == API_KEY_TEXT_LEN);
	CHECK(api_key_read(buf_view(&out), &id_text, &secret_text));
	CHECK(str_copy(id_text, key->id, sizeof key->id));
	api_key_hash(secret_text, key->secret_hash);
}

/* What reaches beyond an account is not for who belongs to one to give, nor to see the secret of.
 */
static bool grant_check(const struct admin_api_keys *admin, const char *account,
			permission_set scopes, struct err *err)
{
	bool is_bound = admin->by.account != NULL && admin->by.account[0] != 0;
	if (!is_bound || !DEFENCE("key_is_of_own_account"))
		return true;
	if (!admin_reaches(&admin->by, account))
		return err_refuse(err, "account_forbidden", "you make keys of account %s alone",
				  admin->by.account);
	return (scopes & ~permissions_of_keys_default()) == 0 ||
	       err_refuse(err, "account_forbidden",
			  "a key of these scopes reaches beyond an account");
}

static bool scopes_check(permission_set scopes, struct err *err)
{
	char bytes[1024];
	struct buf text = buf_of(bytes, sizeof bytes);
	permission_set never = scopes & ~permissions_of_keys();
	if (scopes == 0)
		return err_set(err, ERR_REFUSED, "a key without a scope can do nothing");
	permission_set_write(never & permissions_all(), &text);
	if (never != 0)
		return err_set(err, ERR_REFUSED, "no API key can have %s", buf_terminated(&text));
	return true;
}

/* As it will be read again. */
static bool ranges_write(const char *text, char ret_ranges[API_KEY_RANGES_TEXT_MAX + 1],
			 struct err *err)
{
	struct ip_range ranges[API_KEY_RANGES_MAX];
	size_t len = 0;
	struct buf out = buf_of(ret_ranges, API_KEY_RANGES_TEXT_MAX + 1);
	if (!ip_ranges_read(str_from(text), ranges, API_KEY_RANGES_MAX, &len))
		return err_set(err, ERR_REFUSED,
			       "\"%s\" is not up to %d ranges such as 10.0.0.0/8 or 2001:db8::/32, "
			       "with no bit set behind the prefix",
			       text, API_KEY_RANGES_MAX);
	for (size_t i = 0; i < len; i++) {
		if (i > 0)
			buf_byte(&out, ' ');
		ip_range_write(&ranges[i], &out);
	}
	(void)buf_terminated(&out);
	CHECK(!out.overflow);
	return true;
}

static bool wish_take(const struct admin_api_key_wish *wish, int64_t now_ms,
		      struct store_api_key *ret_key, struct err *err)
{
	struct store_api_key key = { .created_at = now_ms,
				     .expires_at = wish->expires_at,
				     .scopes = wish->scopes };
	if (!name_check(str_from(wish->name), err) ||
	    !admin_account_name_check(str_from(wish->account), err) ||
	    !scopes_check(wish->scopes, err) || !ranges_write(wish->ranges, key.ranges, err))
		return false;
	if (wish->expires_at != 0 && wish->expires_at <= now_ms)
		return err_set(err, ERR_REFUSED, "a key that has expired already is of no use");
	CHECK(str_copy(str_from(wish->name), key.name, sizeof key.name));
	CHECK(str_copy(str_from(wish->account), key.account, sizeof key.account));
	*ret_key = key;
	return true;
}

static bool account_bind(const struct admin_api_keys *admin, const char *account, int64_t now_ms,
			 struct err *err)
{
	const struct admin_accounts accounts = { .store = admin->store,
						 .identity_keys = admin->identity_keys,
						 .by = admin->by };
	bool declared = false;
	bool good = admin_account_bind(&accounts, admin->accounts, account, now_ms, &declared, err);
	if (admin->declared != NULL)
		*admin->declared = declared;
	return good;
}

bool admin_api_key_create(const struct admin_api_keys *admin, const struct admin_api_key_wish *wish,
			  int64_t now_ms, struct secret *ret_text, struct store_api_key *ret_key,
			  struct err *err)
{
	struct store_api_key key;
	struct secret text;
	struct store_by by = admin_by(&admin->by, now_ms);
	if (!wish_take(wish, now_ms, &key, err) ||
	    !grant_check(admin, key.account, key.scopes, err) ||
	    !account_bind(admin, key.account, now_ms, err) ||
	    !secret_new(&text, API_KEY_TEXT_LEN, err))
		return false;
	key_make(admin->entropy, &text, &key);
	CHECK(str_copy(str_from(admin->by.who), key.created_by, sizeof key.created_by));
	store_api_key_seal(admin->identity_keys, &key);
	if (!store_api_key_add(admin->store, &key, &by, err)) {
		secret_free(&text);
		return false;
	}
	*ret_text = text;
	*ret_key = key;
	return true;
}

/* The row of a key that somebody means to change; REFUSED when there is none to believe. */
static bool key_load(const struct admin_api_keys *admin, const char *id,
		     struct store_api_key *ret_key, struct err *err)
{
	bool found = false;
	if (!store_api_key_load(admin->store, id, ret_key, &found, err))
		return false;
	if (!found ||
	    (!admin_reaches(&admin->by, ret_key->account) && DEFENCE("key_is_of_own_account")))
		return err_refuse(err, "api_key_unknown", "there is no API key \"%s\"", id);
	if (!store_api_key_is_sealed(admin->identity_keys, ret_key))
		return err_set(err, ERR_REFUSED,
			       "the row of API key \"%s\" was changed by somebody else; it grants "
			       "nothing",
			       id);
	return true;
}

static bool has_moved(const char *id, struct err *err)
{
	return err_refuse(err, "changed_meanwhile",
			  "API key %s was changed meanwhile; look, and try again", id);
}

bool admin_api_key_revoke(const struct admin_api_keys *admin, const char *id, int64_t now_ms,
			  struct store_api_key *ret_key, struct err *err)
{
	struct store_api_key key;
	struct store_by by = admin_by(&admin->by, now_ms);
	if (!key_load(admin, id, &key, err))
		return false;
	if (key.revoked_at == 0) {
		struct store_api_key_change change = { .before = key.mac,
						       .key = &key,
						       .action = "api_key_revoked" };
		key.revoked_at = now_ms;
		store_api_key_seal(admin->identity_keys, &key);
		if (!store_api_key_change(admin->store, &change, &by, err))
			return false;
		if (!change.applied)
			return has_moved(id, err);
	}
	*ret_key = key;
	return true;
}

/* Is it there, as it was meant to be? For a commit without an answer. */
static bool is_there(const struct admin_api_keys *admin, const struct store_api_key *key)
{
	struct store_api_key row;
	struct err err;
	bool found = false;
	return store_api_key_load(admin->store, key->id, &row, &found, &err) && found &&
	       memcmp(row.mac.bytes, key->mac.bytes, sizeof row.mac.bytes) == 0;
}

/* Of whoever sees the new secret. */
static void successor_of(const struct store_api_key *old, const char *owner, int64_t now_ms,
			 struct store_api_key *ret_key)
{
	*ret_key = *old;
	ret_key->created_at = now_ms;
	CHECK(str_copy(str_from(owner), ret_key->created_by, sizeof ret_key->created_by));
	ret_key->last_used_at = 0;
	ret_key->last_used_from[0] = 0;
	if (old->expires_at != 0)
		ret_key->expires_at = now_ms + (old->expires_at - old->created_at);
}

static bool rotate(const struct admin_api_keys *admin, struct store_api_key_change *change,
		   int64_t now_ms, struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	if (store_api_key_change(admin->store, change, &by, err))
		return change->applied || has_moved(change->key->id, err);
	return err->kind == ERR_MAYBE_DONE && is_there(admin, change->added);
}

bool admin_api_key_rotate(const struct admin_api_keys *admin, const char *id, int64_t overlap_ms,
			  int64_t now_ms, struct secret *ret_text, struct store_api_key *ret_old,
			  struct store_api_key *ret_key, struct err *err)
{
	struct store_api_key old, key;
	struct secret text;
	if (!key_load(admin, id, &old, err) || !grant_check(admin, old.account, old.scopes, err))
		return false;
	if (old.revoked_at != 0 || (old.expires_at != 0 && old.expires_at <= now_ms))
		return err_refuse(err, "api_key_ended", "API key \"%s\" is not valid any more", id);
	if (!secret_new(&text, API_KEY_TEXT_LEN, err))
		return false;
	struct store_api_key_change change = {
		.before = old.mac, .key = &old, .added = &key, .action = "api_key_rotated"
	};
	successor_of(&old, admin->by.who, now_ms, &key);
	key_make(admin->entropy, &text, &key);
	store_api_key_seal(admin->identity_keys, &key);
	if (old.expires_at == 0 || old.expires_at > now_ms + overlap_ms)
		old.expires_at = now_ms + overlap_ms;
	store_api_key_seal(admin->identity_keys, &old);
	if (!rotate(admin, &change, now_ms, err)) {
		secret_free(&text);
		return false;
	}
	*ret_text = text;
	*ret_old = old;
	*ret_key = key;
	return true;
}

bool admin_api_keys_list(const struct admin_api_keys *admin, const char *after,
			 struct store_api_key *ret_keys, bool *ret_sealed, size_t cap,
			 size_t *ret_len, struct err *err)
{
	struct store_names names = { admin->by.account != NULL ? admin->by.account : "", after };
	size_t len = 0;
	if (!store_api_keys_list(admin->store, &names, ret_keys, cap, &len, err))
		return false;
	for (size_t i = 0; i < len; i++)
		ret_sealed[i] = store_api_key_is_sealed(admin->identity_keys, &ret_keys[i]);
	*ret_len = len;
	return true;
}
