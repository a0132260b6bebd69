/* As store.c, for store_account.h; and the seal. */
#include "port/store_account.h"

#include "base/check.h"
#include "port/stop_point.h"
#include "port/store_ops.h"

#include <string.h>

#define LABEL      "sluice accounts 1"
#define FIELDS_MAX 512

_Static_assert(sizeof(struct store_account) < FIELDS_MAX, "all columns and their lengths fit");

bool store_account_add(struct store *store, const struct store_account *account,
		       const struct store_by *by, bool *ret_added, struct err *err)
{
	PORT_CALL();
	CHECK(account->mac.key_id != 0 && by->who[0] != 0);
	return store->ops->account_add(store, account, by, ret_added, err);
}

bool store_account_change(struct store *store, struct store_account_change *change,
			  const struct store_by *by, struct err *err)
{
	PORT_CALL();
	CHECK(change->account->mac.key_id != 0 && change->action[0] != 0);
	return store->ops->account_change(store, change, by, err);
}

bool store_account_load(struct store *store, const char *name, struct store_account *ret_account,
			bool *ret_found, struct err *err)
{
	PORT_CALL();
	return store->ops->account_load(store, name, ret_account, ret_found, err);
}

bool store_accounts_list(struct store *store, struct store_account *ret_accounts, size_t cap,
			 size_t *ret_len, struct err *err)
{
	PORT_CALL();
	CHECK(cap > 0);
	return store->ops->accounts_list(store, ret_accounts, cap, ret_len, err);
}

static struct str fields_of(const struct store_account *account, char *storage)
{
	struct buf out = buf_of(storage, FIELDS_MAX);
	buf_prefixed(&out, account->name, strnlen(account->name, sizeof account->name));
	buf_prefixed_u64(&out, (uint64_t)account->created_at);
	buf_prefixed(&out, account->created_by,
		     strnlen(account->created_by, sizeof account->created_by));
	buf_prefixed_u64(&out, (uint64_t)account->disabled_at);
	CHECK(!out.overflow);
	return buf_view(&out);
}

void store_account_seal(const struct mac_keys *keys, struct store_account *account)
{
	char storage[FIELDS_MAX];
	CHECK(account->name[0] != 0 && account->created_by[0] != 0);
	account->mac = row_mac_make(keys, LABEL, fields_of(account, storage));
}

bool store_account_is_sealed(const struct mac_keys *keys, const struct store_account *account)
{
	char storage[FIELDS_MAX];
	return row_mac_verify(keys, LABEL, fields_of(account, storage), &account->mac);
}
