#include "service/admin/accounts.h"

#include "base/check.h"

#include <ctype.h>

bool admin_account_name_check(struct str name, struct err *err)
{
	bool ok = name.len > 0 && name.len <= ACCOUNT_LEN_MAX;
	for (size_t i = 0; ok && i < name.len; i++)
		ok = isalnum((unsigned char)name.at[i]) || name.at[i] == '-' || name.at[i] == '_';
	return ok ||
	       err_set(err, ERR_REFUSED, "an account has 1 to %d letters, digits, '-' and '_'",
		       ACCOUNT_LEN_MAX);
}

/* *ret_added false: somebody was faster. */
static bool declare(const struct admin_accounts *admin, const char *name, int64_t now_ms,
		    struct store_account *ret_account, bool *ret_added, struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	struct store_account account = { .created_at = now_ms };
	if (!admin_account_name_check(str_from(name), err))
		return false;
	CHECK(str_copy(str_from(name), account.name, sizeof account.name));
	CHECK(str_copy(str_from(admin->by.who), account.created_by, sizeof account.created_by));
	store_account_seal(admin->identity_keys, &account);
	*ret_account = account;
	return store_account_add(admin->store, &account, &by, ret_added, err);
}

bool admin_account_add(const struct admin_accounts *admin, const char *name, int64_t now_ms,
		       struct store_account *ret_account, struct err *err)
{
	bool added = false;
	if (!declare(admin, name, now_ms, ret_account, &added, err))
		return false;
	return added ||
	       err_refuse(err, "account_taken", "there is an account \"%s\" already", name);
}

static bool unknown(const char *name, struct err *err)
{
	return err_refuse(err, "account_unknown", "there is no account \"%s\"", name);
}

/* The row of an account within reach that can be believed. */
static bool account_load(const struct admin_accounts *admin, const char *name,
			 struct store_account *ret_account, bool *ret_found, struct err *err)
{
	*ret_found = false;
	if (!admin_account_name_check(str_from(name), err) ||
	    !store_account_load(admin->store, name, ret_account, ret_found, err))
		return false;
	if (*ret_found && !admin_reaches(&admin->by, name))
		return unknown(name, err);
	if (*ret_found && !store_account_is_sealed(admin->identity_keys, ret_account))
		return err_refuse(err, "account_unknown",
				  "the row of account \"%s\" was changed by somebody else; it lets "
				  "nothing in",
				  name);
	return true;
}

bool admin_account_switch(const struct admin_accounts *admin, const char *name, bool disabled,
			  int64_t now_ms, struct store_account *ret_account, struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	struct store_account account;
	bool found = false;
	if (!account_load(admin, name, &account, &found, err))
		return false;
	if (!found)
		return unknown(name, err);
	if ((account.disabled_at != 0) != disabled) {
		struct store_account_change change = { .before = account.mac,
						       .account = &account,
						       .action = disabled ? "account_disabled"
									  : "account_enabled" };
		account.disabled_at = disabled ? now_ms : 0;
		store_account_seal(admin->identity_keys, &account);
		if (!store_account_change(admin->store, &change, &by, err))
			return false;
		if (!change.applied)
			return err_refuse(err, "changed_meanwhile",
					  "account %s was changed meanwhile; look, and try again",
					  name);
	}
	*ret_account = account;
	return true;
}

bool admin_account_bind(const struct admin_accounts *admin, enum admin_account_rule rule,
			const char *name, int64_t now_ms, bool *ret_declared, struct err *err)
{
	struct store_account account;
	bool found = false;
	*ret_declared = false;
	if (name[0] == 0 || rule == ADMIN_ACCOUNT_ANY)
		return true;
	if (!account_load(admin, name, &account, &found, err))
		return false;
	if (!found && rule == ADMIN_ACCOUNT_DECLARE) {
		if (!declare(admin, name, now_ms, &account, ret_declared, err))
			return false;
		/* Somebody was faster: what they wrote is looked at. */
		return *ret_declared || admin_account_bind(admin, ADMIN_ACCOUNT_KNOWN, name, now_ms,
							   ret_declared, err);
	}
	if (!found)
		return unknown(name, err);
	return account.disabled_at == 0 ||
	       err_refuse(err, "account_disabled", "account \"%s\" is disabled", name);
}

bool admin_accounts_list(const struct admin_accounts *admin, struct store_account *ret_accounts,
			 bool *ret_sealed, size_t *ret_len, struct err *err)
{
	size_t len = 0, kept = 0;
	if (!store_accounts_list(admin->store, ret_accounts, ACCOUNTS_MAX, &len, err))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!admin_reaches(&admin->by, ret_accounts[i].name))
			continue;
		ret_accounts[kept] = ret_accounts[i];
		ret_sealed[kept] =
			store_account_is_sealed(admin->identity_keys, &ret_accounts[kept]);
		kept++;
	}
	*ret_len = kept;
	return true;
}
