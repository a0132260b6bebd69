#include "service/admin/api_keys.h"

#include "base/hex.h"
#include "base/utf8.h"
#include "port/store_api_key.h"

#include <ctype.h>
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

static bool account_check(struct str account, struct err *err)
{
	bool ok = account.len > 0 && account.len <= ACCOUNT_LEN_MAX;
	for (size_t i = 0; ok && i < account.len; i++)
		ok = isalnum((unsigned char)account.at[i]) || account.at[i] == '-' ||
		     account.at[i] == '_';
	if (!ok)
		return err_set(err, ERR_REFUSED,
			       "an account has 1 to %d letters, digits, '-' and '_'",
			       ACCOUNT_LEN_MAX);
	return true;
}

static struct store_by by_whom(const struct admin_api_keys *admin, int64_t now_ms)
{
	return (struct store_by){
		.actor = ACTOR_PERSON,
		.who = admin->who,
		.request_id = "",
		.now_ms = now_ms,
	};
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

bool admin_api_key_create(const struct admin_api_keys *admin, const char *account, const char *name,
			  bool may_resolve, int64_t now_ms, struct secret *ret_text,
			  struct store_api_key *ret_key, struct err *err)
{
	struct store_api_key key = { .created_at = now_ms, .may_resolve = may_resolve };
	struct secret text;
	struct store_by by = by_whom(admin, now_ms);
	if (!name_check(str_from(name), err) || !account_check(str_from(account), err) ||
	    !secret_new(&text, API_KEY_TEXT_LEN, err))
		return false;
	CHECK(str_copy(str_from(name), key.name, sizeof key.name));
	CHECK(str_copy(str_from(account), key.account, sizeof key.account));
	key_make(admin->entropy, &text, &key);
	store_api_key_seal(admin->identity_keys, &key);
	if (!store_api_key_add(admin->store, &key, &by, err)) {
		secret_free(&text);
		return false;
	}
	*ret_text = text;
	*ret_key = key;
	return true;
}

bool admin_api_key_revoke(const struct admin_api_keys *admin, const char *id, int64_t now_ms,
			  struct store_api_key *ret_key, struct err *err)
{
	struct store_api_key key;
	struct store_by by = by_whom(admin, now_ms);
	bool found = false;
	if (!store_api_key_load(admin->store, id, &key, &found, err))
		return false;
	if (!found)
		return err_set(err, ERR_REFUSED, "there is no API key \"%s\"", id);
	if (!store_api_key_is_sealed(admin->identity_keys, &key))
		return err_set(err, ERR_REFUSED,
			       "the row of API key \"%s\" was changed by somebody else; it grants "
			       "nothing",
			       id);
	if (key.revoked_at == 0) {
		key.revoked_at = now_ms;
		store_api_key_seal(admin->identity_keys, &key);
		if (!store_api_key_replace(admin->store, &key, &by, err))
			return false;
	}
	*ret_key = key;
	return true;
}

bool admin_api_keys_list(const struct admin_api_keys *admin, struct store_api_key *ret_keys,
			 bool *ret_sealed, size_t *ret_len, struct err *err)
{
	size_t len = 0;
	if (!store_api_keys_list(admin->store, ret_keys, ADMIN_API_KEYS_MAX, &len, err))
		return false;
	for (size_t i = 0; i < len; i++)
		ret_sealed[i] = store_api_key_is_sealed(admin->identity_keys, &ret_keys[i]);
	*ret_len = len;
	return true;
}
