/* Proposals, for the files of the SQL store. */
#ifndef SLUICE_ADAPTER_STORE_SQL_PROPOSAL_H
#define SLUICE_ADAPTER_STORE_SQL_PROPOSAL_H

#include "adapter/store_sql_parts.h"

bool store_sql_proposal_add(struct store *store, const struct store_proposal *proposal,
			    struct str text, const struct store_by *by, struct err *err);
bool store_sql_proposal_change(struct store *store, struct store_proposal_change *change,
			       const struct store_by *by, struct err *err);
bool store_sql_proposal_load(struct store *store, struct id id, struct store_proposal *ret_proposal,
			     struct buf *ret_text, bool *ret_found, struct err *err);
bool store_sql_proposals_list(struct store *store, enum proposal_kind kind, const char *account,
			      int64_t now_ms, struct store_proposal *ret_proposals, size_t cap,
			      size_t *ret_len, struct err *err);
/* Inside the write of what was proposed. change NULL: nothing was, and *ret_ended is true; else
 * whether the row was still the one that was read. */
MUST_CHECK bool proposal_end(struct db *db, struct store_proposal_change *change,
			     const struct store_by *by, bool *ret_ended, struct err *err);

#endif
