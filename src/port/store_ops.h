/* The table behind the store port. Only port/store.c calls it, only back ends and the simulator's
 * fault wrapper fill it. */
#ifndef SLUICE_PORT_STORE_OPS_H
#define SLUICE_PORT_STORE_OPS_H

#include "port/store_account.h"
#include "port/store_api_key.h"
#include "port/store_control.h"
#include "port/store_feed.h"
#include "port/store_once.h"
#include "port/store_people.h"
#include "port/store_policy.h"
#include "port/store_proposal.h"
#include "port/store_receivers.h"
#include "port/store_recover.h"
#include "port/store_transfer.h"

struct store_ops {
	bool (*accept_withdrawals)(struct store *, struct store_accept *, size_t, struct err *);
	bool (*withdrawals_load)(struct store *, const struct id *, size_t, struct withdrawal *,
				 bool *, struct err *);
	bool (*withdrawals_change)(struct store *, struct store_change *, size_t,
				   const struct store_by *, struct err *);
	bool (*withdrawal_view)(struct store *, struct id, struct store_view *, bool *,
				struct err *);
	bool (*withdrawals_list)(struct store *, const struct store_filter *, struct store_view *,
				 struct store_page *, struct err *);
	bool (*events_list)(struct store *, struct id, uint64_t, struct store_event *, size_t,
			    size_t *, struct err *);
	bool (*sweep)(struct store *, int64_t, size_t, size_t[3], struct err *);
	bool (*redrive)(struct store *, enum queue_name, size_t, const struct store_by *, size_t *,
			struct err *);
	bool (*dlq_list)(struct store *, enum queue_name, struct id *, size_t, size_t *,
			 struct err *);
	bool (*api_key_add)(struct store *, const struct store_api_key *, const struct store_by *,
			    struct err *);
	bool (*api_key_load)(struct store *, const char *, struct store_api_key *, bool *,
			     struct err *);
	bool (*api_keys_list)(struct store *, const struct store_names *, struct store_api_key *,
			      size_t, size_t *, struct err *);
	bool (*api_key_change)(struct store *, struct store_api_key_change *,
			       const struct store_by *, struct err *);
	bool (*api_keys_used)(struct store *, const struct store_api_key_use *, size_t,
			      struct err *);
	bool (*catalogue_pin)(struct store *, const struct catalogue *, struct err *);
	bool (*wallets_load)(struct store *, struct wallet *, size_t, size_t *, struct err *);
	bool (*leases_take)(struct store *, struct store_lease *const *, size_t, const char *,
			    int64_t, bool *, struct err *);
	bool (*wallet_enter)(struct store *, int64_t, uint64_t, uint64_t, const struct store_by *,
			     struct err *);
	bool (*wallet_stop)(struct store *, int64_t, const char *, const struct store_lease *,
			    const struct store_by *, bool *, struct err *);
	bool (*wallet_start)(struct store *, int64_t, const char *, const char *,
			     const struct store_by *, bool *, struct err *);
	bool (*transfers_reserve)(struct store *, struct store_reservation *, size_t,
				  const struct store_by *, struct err *);
	bool (*transfer_turn_cancel)(struct store *, struct transfer *, uint64_t,
				     const struct store_by *, enum store_write *, struct err *);
	bool (*attempts_add)(struct store *, struct store_attempt *, size_t,
			     const struct store_by *, struct err *);
	bool (*attempts_sent)(struct store *, struct store_sent *, size_t, const struct store_by *,
			      struct err *);
	bool (*transfers_observe)(struct store *, struct store_observation *, size_t,
				  const struct store_lease *, const struct store_by *,
				  struct err *);
	bool (*transfers_wish)(struct store *, const struct store_wish *, size_t,
			       const struct store_by *, struct err *);
	bool (*transfers_load)(struct store *, const struct store_transfer_filter *,
			       struct transfer *, size_t *, struct err *);
	bool (*taken_load)(struct store *, int64_t, uint64_t, struct store_taken *, size_t,
			   uint64_t *, struct err *);
	bool (*transfer_load)(struct store *, struct id, struct transfer *, bool *, struct err *);
	bool (*attempts_load)(struct store *, const struct id *, size_t, struct attempt *, size_t,
			      size_t *, struct err *);
	bool (*transfer_of_round)(struct store *, struct id, uint32_t, struct transfer *, bool *,
				  struct err *);
	bool (*mark_raise)(struct store *, struct store_mark *, struct err *);
	bool (*balances_save)(struct store *, const struct store_balance *, size_t, struct err *);
	bool (*balances_list)(struct store *, struct store_balance *, size_t, size_t *,
			      struct err *);
	bool (*incarnation_load)(struct store *, struct store_incarnation *, struct err *);
	bool (*recover_begin)(struct store *, uint64_t, bool, const struct store_by *, uint64_t *,
			      struct err *);
	bool (*wallet_recover)(struct store *, int64_t, uint64_t, uint64_t, struct err *);
	bool (*wallet_recovered)(struct store *, int64_t, uint64_t, const struct store_by *, bool *,
				 struct err *);
	bool (*attempt_import)(struct store *, struct store_import *, const struct store_by *,
			       struct err *);
	bool (*transfer_bind)(struct store *, struct store_binding *, const struct store_by *,
			      struct err *);
	bool (*transfer_of_slot)(struct store *, int64_t, uint64_t, struct transfer *, bool *,
				 struct err *);
	bool (*withdrawals_open)(struct store *, struct id, struct id *, size_t, size_t *,
				 struct err *);
	bool (*reconciled_load)(struct store *, uint64_t, uint64_t *, struct err *);
	bool (*reconciled_raise)(struct store *, uint64_t, uint64_t, const struct store_lease *,
				 struct err *);
	bool (*decision_put)(struct store *, const struct decision *, const struct store_by *,
			     bool *, struct err *);
	bool (*decisions_load)(struct store *, const struct resolve_case *, struct decision *,
			       size_t, size_t *, struct err *);
	bool (*attempt_owner)(struct store *, struct hash32, struct id *, struct err *);
	bool (*case_resolve)(struct store *, struct store_resolution *, const struct store_by *,
			     struct err *);
	bool (*feed_pending)(struct store *, enum feed_kind, struct feed_row *, size_t, size_t *,
			     struct err *);
	bool (*feed_append)(struct store *, const struct store_lease *, const struct feed_seal *,
			    const struct feed_row *, enum store_write *, struct err *);
	bool (*feed_newest)(struct store *, struct feed_seal *, bool *, struct err *);
	bool (*feed_next)(struct store *, uint64_t, struct feed_seal *, bool *, struct err *);
	bool (*feed_rows)(struct store *, enum feed_kind, int64_t, struct feed_row *, size_t,
			  size_t *, struct err *);
	bool (*user_add)(struct store *, const struct store_user *, const struct store_by *,
			 struct err *);
	bool (*user_find)(struct store *, struct str, struct store_user *, bool *, struct err *);
	bool (*user_load)(struct store *, struct id, struct store_user *, bool *, struct err *);
	bool (*users_list)(struct store *, const struct store_names *, struct store_user *, size_t,
			   size_t *, struct err *);
	bool (*user_change)(struct store *, struct store_user_change *, const struct store_by *,
			    struct err *);
	bool (*session_change)(struct store *, struct store_session_change *,
			       const struct store_by *, struct err *);
	bool (*session_load)(struct store *, struct id, struct store_session *, bool *,
			     struct err *);
	bool (*sessions_list)(struct store *, struct id, int64_t, struct store_session *, size_t,
			      size_t *, struct err *);
	bool (*token_was_used)(struct store *, struct id, const uint8_t *, bool *, struct err *);
	bool (*peer_is_known)(struct store *, struct id, const char *, bool *, struct err *);
	bool (*controls_load)(struct store *, struct control_set *, struct err *);
	bool (*controls_change)(struct store *, struct store_control_change *,
				const struct store_by *, struct err *);
	bool (*withdrawal_of_key)(struct store *, const uint8_t *, struct withdrawal *, bool *,
				  struct err *);
	bool (*policy_add)(struct store *, const struct store_policy *, struct str,
			   struct store_proposal_change *, const struct store_by *, bool *,
			   struct err *);
	bool (*once_load)(struct store *, const struct store_once *, struct store_once_row *,
			  struct buf *, bool *, struct err *);
	bool (*once_answer)(struct store *, const struct store_once *, unsigned, struct str,
			    int64_t, struct err *);
	bool (*audit_list)(struct store *, int64_t, struct store_audit *, size_t, size_t *,
			   struct err *);
	bool (*policies_list)(struct store *, uint64_t, struct store_policy *, size_t, size_t *,
			      struct err *);
	bool (*policy_load)(struct store *, uint64_t, struct store_policy *, struct buf *, bool *,
			    struct err *);
	bool (*policy_forget)(struct store *, int64_t, size_t, size_t *, struct err *);
	bool (*proposal_add)(struct store *, const struct store_proposal *, struct str,
			     const struct store_by *, struct err *);
	bool (*proposal_change)(struct store *, struct store_proposal_change *,
				const struct store_by *, struct err *);
	bool (*proposal_load)(struct store *, struct id, struct store_proposal *, struct buf *,
			      bool *, struct err *);
	bool (*proposals_list)(struct store *, enum proposal_kind, const char *, int64_t,
			       struct store_proposal *, size_t, size_t *, struct err *);
	bool (*receivers_look)(struct store *, struct store_receiver *, size_t, struct err *);
	bool (*receivers_learn)(struct store *, const struct intent *const *, size_t, int64_t,
				struct err *);
	bool (*allow_add)(struct store *, const struct store_allow_entry *,
			  struct store_proposal_change *, const struct store_by *, bool *,
			  struct err *);
	bool (*allow_remove)(struct store *, const struct store_allow_entry *,
			     struct store_proposal_change *, const struct store_by *, bool *,
			     struct err *);
	bool (*allow_load)(struct store *, const uint8_t *, struct store_allow_entry *, bool *,
			   struct err *);
	bool (*allow_reseal)(struct store *, const struct store_allow_entry *,
			     const struct mac_tag *, const struct store_by *, bool *, struct err *);
	bool (*allow_list)(struct store *, const char *, const struct store_allow_entry *,
			   struct store_allow_entry *, size_t, size_t *, struct err *);
	bool (*policy_room)(struct store *, const struct policy_claim *, size_t, enum store_room *,
			    struct err *);
	bool (*votes_load)(struct store *, struct id, uint64_t, struct vote *, size_t *,
			   struct err *);
	bool (*account_add)(struct store *, const struct store_account *, const struct store_by *,
			    bool *, struct err *);
	bool (*account_change)(struct store *, struct store_account_change *,
			       const struct store_by *, struct err *);
	bool (*account_load)(struct store *, const char *, struct store_account *, bool *,
			     struct err *);
	bool (*accounts_list)(struct store *, struct store_account *, size_t, size_t *,
			      struct err *);
	void (*close)(struct store *);
};

#endif
