/* API keys: the part of the store that store_sql_key.c has. */
#ifndef SLUICE_ADAPTER_STORE_SQL_KEY_H
#define SLUICE_ADAPTER_STORE_SQL_KEY_H

#include "port/store_api_key.h"

bool store_sql_key_add(struct store *store, const struct store_api_key *key,
		       const struct store_by *by, struct err *err);
bool store_sql_key_load(struct store *store, const char *id, struct store_api_key *ret_key,
			bool *ret_found, struct err *err);
bool store_sql_keys_list(struct store *store, const struct store_names *names,
			 struct store_api_key *ret_keys, size_t cap, size_t *ret_len,
			 struct err *err);
bool store_sql_key_change(struct store *store, struct store_api_key_change *change,
			  const struct store_by *by, struct err *err);
bool store_sql_keys_used(struct store *store, const struct store_api_key_use *uses, size_t n,
			 struct err *err);

#endif
