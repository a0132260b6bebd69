/* The store's approvals by people. */
#ifndef SLUICE_ADAPTER_STORE_SQL_VOTE_H
#define SLUICE_ADAPTER_STORE_SQL_VOTE_H

#include "port/db.h"
#include "port/store_policy.h"

/* Within the transaction that changes the withdrawal, whose row is locked; in place of what
 * that person said before. */
MUST_CHECK bool vote_row_add(struct db *db, const struct vote *vote, struct err *err);
bool store_sql_votes_load(struct store *store, struct id withdrawal, uint64_t policy_version,
			  struct vote ret_votes[VOTES_MAX], size_t *ret_len, struct err *err);

#endif
