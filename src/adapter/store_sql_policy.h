/* The functions of the store's table that are about policies: store_sql_policy.c. */
#ifndef SLUICE_ADAPTER_STORE_SQL_POLICY_H
#define SLUICE_ADAPTER_STORE_SQL_POLICY_H

#include "port/store_policy.h"

bool store_sql_policy_add(struct store *store, const struct store_policy *policy,
			  struct str document, struct store_proposal_change *ends,
			  const struct store_by *by, bool *ret_added, struct err *err);
bool store_sql_policies_list(struct store *store, uint64_t below, struct store_policy *ret_policies,
			     size_t cap, size_t *ret_len, struct err *err);
bool store_sql_policy_load(struct store *store, uint64_t known, struct store_policy *ret_policy,
			   struct buf *ret_document, bool *ret_found, struct err *err);
bool store_sql_policy_forget(struct store *store, int64_t now_ms, size_t limit,
			     size_t *ret_forgotten, struct err *err);

bool store_sql_policy_room(struct store *store, const struct policy_claim *claims, size_t n,
			   enum store_room *ret_rooms, struct err *err);

#endif
