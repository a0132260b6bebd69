/* Receivers as rows: the allow-list, and whom each account knows. */
#ifndef SLUICE_ADAPTER_STORE_SQL_RECEIVERS_H
#define SLUICE_ADAPTER_STORE_SQL_RECEIVERS_H

#include "port/store_receivers.h"

bool store_sql_receivers_look(struct store *store, struct store_receiver *receivers, size_t n,
			      struct err *err);
bool store_sql_receivers_learn(struct store *store, const struct intent *const *intents, size_t n,
			       int64_t now_ms, struct err *err);
bool store_sql_allow_add(struct store *store, const struct store_allow_entry *entry,
			 struct store_proposal_change *ends, const struct store_by *by,
			 bool *ret_added, struct err *err);
bool store_sql_allow_remove(struct store *store, const struct store_allow_entry *entry,
			    struct store_proposal_change *ends, const struct store_by *by,
			    bool *ret_removed, struct err *err);
bool store_sql_allow_load(struct store *store, const uint8_t *place,
			  struct store_allow_entry *ret_entry, bool *ret_found, struct err *err);
bool store_sql_allow_reseal(struct store *store, const struct store_allow_entry *entry,
			    const struct mac_tag *before, const struct store_by *by, bool *ret_done,
			    struct err *err);
bool store_sql_allow_list(struct store *store, const char *account,
			  const struct store_allow_entry *after,
			  struct store_allow_entry *ret_entries, size_t cap, size_t *ret_len,
			  struct err *err);

#endif
