/* Accounts as rows. */
#ifndef SLUICE_ADAPTER_STORE_SQL_ACCOUNT_H
#define SLUICE_ADAPTER_STORE_SQL_ACCOUNT_H

#include "port/store_account.h"

bool store_sql_account_add(struct store *store, const struct store_account *account,
			   const struct store_by *by, bool *ret_added, struct err *err);
bool store_sql_account_change(struct store *store, struct store_account_change *change,
			      const struct store_by *by, struct err *err);
bool store_sql_account_load(struct store *store, const char *name,
			    struct store_account *ret_account, bool *ret_found, struct err *err);
bool store_sql_accounts_list(struct store *store, struct store_account *ret_accounts, size_t cap,
			     size_t *ret_len, struct err *err);

#endif
