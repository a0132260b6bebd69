#include "service/admin/rekey.h"

#include "base/check.h"
#include "port/store_account.h"
#include "port/store_api_key.h"
#include "port/store_people.h"
#include "port/store_receivers.h"
#include "service/admin/api_keys.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 64 /* rows that are read at once */

/* By which key, and is it good? False: there is nothing to do. */
static bool is_due(const struct mac_keys *keys, const struct mac_tag *mac, bool sealed,
		   struct admin_rekey_count *count)
{
	if (!sealed)
		count->void_++;
	else if (mac->key_id == keys->keys[0].id)
		count->current++;
	return sealed && mac->key_id != keys->keys[0].id;
}

static bool key_renew(const struct admin_rekey *admin, struct store_api_key *key, int64_t now_ms,
		      struct admin_rekey_count *count, struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	struct store_api_key_change change = { .before = key->mac,
					       .key = key,
					       .action = "api_key_resealed" };
	if (!is_due(admin->identity_keys, &key->mac,
		    store_api_key_is_sealed(admin->identity_keys, key), count))
		return true;
	store_api_key_seal(admin->identity_keys, key);
	if (!store_api_key_change(admin->store, &change, &by, err))
		return false;
	count->renewed += change.applied; /* else somebody else has just sealed it */
	return true;
}

static bool keys_renew(const struct admin_rekey *admin, int64_t now_ms,
		       struct admin_rekey_count *count, struct err *err)
{
	struct store_api_key page[PAGE];
	char after[sizeof page->id] = "";
	size_t len = PAGE;
	while (len == PAGE) {
		struct store_names names = { "", after };
		if (!store_api_keys_list(admin->store, &names, page, PAGE, &len, err))
			return false;
		for (size_t i = 0; i < len; i++) {
			memcpy(after, page[i].id, sizeof after);
			if (!key_renew(admin, &page[i], now_ms, count, err))
				return false;
		}
	}
	return true;
}

static bool account_renew(const struct admin_rekey *admin, struct store_account *account,
			  int64_t now_ms, struct admin_rekey_count *count, struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	struct store_account_change change = { .before = account->mac,
					       .account = account,
					       .action = "account_resealed" };
	if (!is_due(admin->identity_keys, &account->mac,
		    store_account_is_sealed(admin->identity_keys, account), count))
		return true;
	store_account_seal(admin->identity_keys, account);
	if (!store_account_change(admin->store, &change, &by, err))
		return false;
	count->renewed += change.applied;
	return true;
}

static bool accounts_renew(const struct admin_rekey *admin, int64_t now_ms,
			   struct admin_rekey_count *count, struct err *err)
{
	struct store_account *accounts = calloc(ACCOUNTS_MAX, sizeof *accounts);
	size_t len = 0;
	CHECK(accounts);
	bool ok = store_accounts_list(admin->store, accounts, ACCOUNTS_MAX, &len, err);
	for (size_t i = 0; ok && i < len; i++)
		ok = account_renew(admin, &accounts[i], now_ms, count, err);
	free(accounts);
	return ok;
}

static bool user_renew(const struct admin_rekey *admin, struct store_user *user, int64_t now_ms,
		       struct admin_rekey_count *count, struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	struct store_user_change change = { .user = user,
					    .version = user->version,
					    .action = "user_resealed" };
	if (!is_due(admin->identity_keys, &user->mac,
		    store_user_is_sealed(admin->identity_keys, user), count))
		return true;
	user->version++; /* of the same generation: sessions go on */
	store_user_seal(admin->identity_keys, user);
	if (!store_user_change(admin->store, &change, &by, err))
		return false;
	count->renewed += change.applied;
	return true;
}

static bool users_renew(const struct admin_rekey *admin, int64_t now_ms,
			struct admin_rekey_count *count, struct err *err)
{
	struct store_user page[PAGE];
	char after[sizeof page->name] = "";
	size_t len = PAGE;
	while (len == PAGE) {
		struct store_names names = { "", after };
		if (!store_users_list(admin->store, &names, page, PAGE, &len, err))
			return false;
		for (size_t i = 0; i < len; i++) {
			memcpy(after, page[i].name, sizeof after);
			if (!user_renew(admin, &page[i], now_ms, count, err))
				return false;
		}
	}
	return true;
}

/* The same document as another version: versions are never written twice. */
static bool policy_renew(const struct admin_rekey *admin, int64_t now_ms,
			 struct admin_rekey_count *count, struct err *err)
{
	struct admin_policies policies = { .store = admin->store,
					   .catalogue = admin->catalogue,
					   .policy_keys = admin->policy_keys,
					   .by = admin->by };
	struct buf document = buf_new(POLICY_DOCUMENT_BYTES_MAX);
	struct store_policy policy;
	bool found = false, sealed = false;
	bool ok = admin_policy_load(&policies, &policy, &document, &found, &sealed, err);
	if (ok && found && is_due(admin->policy_keys, &policy.mac, sealed, count)) {
		ok = admin_policy_set(&policies, buf_view(&document), now_ms, &policy, err);
		count->renewed += ok;
	}
	buf_free(&document);
	return ok;
}

static bool entry_renew(const struct admin_rekey *admin, struct store_allow_entry *entry,
			int64_t now_ms, struct admin_rekey_count *count, struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	struct mac_tag before = entry->mac;
	bool done = false;
	if (!is_due(admin->policy_keys, &entry->mac,
		    store_allow_is_sealed(admin->policy_keys, entry), count))
		return true;
	store_allow_seal(admin->policy_keys, entry);
	if (!store_allow_reseal(admin->store, entry, &before, &by, &done, err))
		return false;
	count->renewed += done;
	return true;
}

static bool entries_renew(const struct admin_rekey *admin, int64_t now_ms,
			  struct admin_rekey_count *count, struct err *err)
{
	struct store_allow_entry page[PAGE], last;
	const struct store_allow_entry *after = NULL;
	size_t len = PAGE;
	while (len == PAGE) {
		if (!store_allow_list(admin->store, "", after, page, PAGE, &len, err))
			return false;
		for (size_t i = 0; i < len; i++)
			if (!entry_renew(admin, &page[i], now_ms, count, err))
				return false;
		if (len > 0)
			last = page[len - 1];
		after = &last;
	}
	return true;
}

bool admin_rekey(const struct admin_rekey *admin, int64_t now_ms,
		 struct admin_rekey_report *ret_report, struct err *err)
{
	struct admin_rekey_report report = { 0 };
	if (!keys_renew(admin, now_ms, &report.api_keys, err) ||
	    !accounts_renew(admin, now_ms, &report.accounts, err) ||
	    !users_renew(admin, now_ms, &report.users, err) ||
	    !policy_renew(admin, now_ms, &report.policies, err) ||
	    !entries_renew(admin, now_ms, &report.allow_list, err))
		return false;
	*ret_report = report;
	return true;
}
