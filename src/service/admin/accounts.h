/* Accounts, for people who run Sluice: declared, disabled, enabled, listed; and whether a key or a
 * user may be bound to one. Knows neither terminal nor HTTP. Source: ADR 48. */
#ifndef SLUICE_SERVICE_ADMIN_ACCOUNTS_H
#define SLUICE_SERVICE_ADMIN_ACCOUNTS_H

#include "port/store_account.h"
#include "service/admin/actor.h"

struct admin_accounts {
	struct store *store; /* all borrowed */
	const struct mac_keys *identity_keys;
	struct admin_actor by;
};

/* What is asked of the account of a new key or user. */
enum admin_account_rule {
	ADMIN_ACCOUNT_ANY,     /* nothing: a name is an account */
	ADMIN_ACCOUNT_KNOWN,   /* it is declared, and not disabled */
	ADMIN_ACCOUNT_DECLARE, /* likewise; one that is not there is declared on the way */
};

/* 1 to ACCOUNT_LEN_MAX letters, digits, '-' and '_'. REFUSED otherwise. */
MUST_CHECK bool admin_account_name_check(struct str name, struct err *err);
/* REFUSED (account_taken) when there is one. */
MUST_CHECK bool admin_account_add(const struct admin_accounts *admin, const char *name,
				  int64_t now_ms, struct store_account *ret_account,
				  struct err *err);
/* It takes in nothing new from then on, within the life of the API's cache, or does again; one that
 * is so already stays as it is. What was accepted before goes on. REFUSED (account_unknown) when
 * there is none that can be believed. */
MUST_CHECK bool admin_account_switch(const struct admin_accounts *admin, const char *name,
				     bool disabled, int64_t now_ms,
				     struct store_account *ret_account, struct err *err);
/* May something be bound to it? "": all accounts, which is none. *ret_declared: it is new. REFUSED:
 * account_unknown, account_disabled. */
MUST_CHECK bool admin_account_bind(const struct admin_accounts *admin, enum admin_account_rule rule,
				   const char *name, int64_t now_ms, bool *ret_declared,
				   struct err *err);
/* Up to ACCOUNTS_MAX by name, within reach; ret_sealed[i]: the row is what some holder of the
 * identity grants wrote. */
MUST_CHECK bool admin_accounts_list(const struct admin_accounts *admin,
				    struct store_account *ret_accounts, bool *ret_sealed,
				    size_t *ret_len, struct err *err);

#endif
