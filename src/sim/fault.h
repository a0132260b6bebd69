/* What can go wrong at a port, and where: the names that a run counts and prints. */
#ifndef SLUICE_SIM_FAULT_H
#define SLUICE_SIM_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum sim_fault {
	SIM_FAIL,        /* nothing is done, and the call says so */
	SIM_LOSE,        /* it is done, and the call does not know */
	SIM_KILL_BEFORE, /* nothing is done, and the process is gone */
	SIM_KILL_AFTER,  /* it is done, and the process is gone */
	SIM_PAUSE,       /* the process stands still here while the others work, maybe for long */
	SIM_FAULTS
};

/* Families, to be switched by name: `--faults crash,store`. */
#define SIM_FAMILY_CRASH     (1U << 0) /* kills */
#define SIM_FAMILY_STORE     (1U << 1) /* store and queue calls that fail or lose their answer */
#define SIM_FAMILY_JOURNAL   (1U << 2)
#define SIM_FAMILY_KEYS      (1U << 3)
#define SIM_FAMILY_NODE      (1U << 4)  /* nodes lag, fail, forget, switch */
#define SIM_FAMILY_MESSAGES  (1U << 5)  /* wake-ups are lost, doubled, late, wiped */
#define SIM_FAMILY_REORG     (1U << 6)  /* above the finalized mark */
#define SIM_FAMILY_FEES      (1U << 7)  /* base fees and tips that jump, also above the cap */
#define SIM_FAMILY_CLOCK     (1U << 8)  /* clocks that jump */
#define SIM_FAMILY_PAUSE     (1U << 9)  /* processes that stand still, and come back */
#define SIM_FAMILY_OVERLAP   (1U << 10) /* two incarnations of one role at once */
#define SIM_FAMILY_RECEIVER  (1U << 11) /* receivers and tokens that refuse */
#define SIM_FAMILY_CANCEL    (1U << 12) /* clients that change their mind, or cannot wait */
#define SIM_FAMILY_FUNDS     (1U << 13) /* wallets that run dry */
#define SIM_FAMILY_EDITOR    (1U << 14) /* somebody edits rows */
#define SIM_FAMILY_FOREIGN   (1U << 15) /* a transaction that Sluice did not make */
#define SIM_FAMILY_TAKE_BACK (1U << 16) /* the chain takes back what was final */
#define SIM_FAMILY_LIAR      (1U << 17) /* one of several nodes lies */
#define SIM_FAMILY_RESTORE   (1U << 18) /* an old copy takes the store's place */
#define SIM_FAMILY_CONTROLS  (1U << 19) /* people pause and unpause */
#define SIM_FAMILY_APPROVALS (1U << 20) /* people are asked, and change the rules */
#define SIM_FAMILIES         21
#define SIM_FAMILY_ALL       ((1U << SIM_FAMILIES) - 1)
/* What a run may have without a person being needed at its end. */
#define SIM_FAMILY_DEFAULT \
	(SIM_FAMILY_ALL &  \
	 ~(SIM_FAMILY_EDITOR | SIM_FAMILY_FOREIGN | SIM_FAMILY_TAKE_BACK | SIM_FAMILY_RESTORE))

/* The port calls that services make. writes: it can be done without its caller knowing. */
/* clang-format off */
#define SIM_CALL_LIST(call) \
	call(STORE_ACCEPT, "store_accept_withdrawals", true) \
	call(STORE_WITHDRAWALS_LOAD, "store_withdrawals_load", false) \
	call(STORE_CHANGE, "store_withdrawals_change", true) \
	call(STORE_VIEW, "store_withdrawal_view", false) \
	call(STORE_SWEEP, "store_sweep", true) \
	call(STORE_REDRIVE, "store_redrive", true) \
	call(STORE_WALLETS_LOAD, "store_wallets_load", false) \
	call(STORE_LEASE, "store_lease_take", true) \
	call(STORE_ENTER, "store_wallet_enter", true) \
	call(STORE_STOP, "store_wallet_stop", true) \
	call(STORE_RESERVE, "store_transfers_reserve", true) \
	call(STORE_TURN_CANCEL, "store_transfer_turn_cancel", true) \
	call(STORE_ATTEMPTS_ADD, "store_attempts_add", true) \
	call(STORE_ATTEMPTS_SENT, "store_attempts_sent", true) \
	call(STORE_OBSERVE, "store_transfers_observe", true) \
	call(STORE_WISH, "store_transfers_wish", true) \
	call(STORE_TRANSFERS_LOAD, "store_transfers_load", false) \
	call(STORE_TAKEN, "store_taken_load", false) \
	call(STORE_TRANSFER_LOAD, "store_transfer_load", false) \
	call(STORE_ATTEMPTS_LOAD, "store_attempts_load", false) \
	call(STORE_OF_ROUND, "store_transfer_of_round", false) \
	call(STORE_MARK, "store_mark_raise", true) \
	call(STORE_BALANCES, "store_balances_save", true) \
	call(STORE_DECISION_PUT, "store_decision_put", true) \
	call(STORE_DECISIONS, "store_decisions_load", false) \
	call(STORE_ATTEMPT_OWNER, "store_attempt_owner", false) \
	call(STORE_CASE_RESOLVE, "store_case_resolve", true) \
	call(STORE_RECONCILED, "store_reconciled_load", false) \
	call(STORE_RECONCILED_RAISE, "store_reconciled_raise", true) \
	call(STORE_OF_SLOT, "store_transfer_of_slot", false) \
	call(STORE_BIND, "store_transfer_bind", true) \
	call(STORE_INCARNATION, "store_incarnation_load", false) \
	call(STORE_RECOVER_BEGIN, "store_recover_begin", true) \
	call(STORE_WALLET_RECOVER, "store_wallet_recover", true) \
	call(STORE_WALLET_RECOVERED, "store_wallet_recovered", true) \
	call(STORE_IMPORT, "store_attempt_import", true) \
	call(STORE_OPEN, "store_withdrawals_open", false) \
	call(STORE_FEED_NEWEST, "store_feed_newest", false) \
	call(STORE_FEED_NEXT, "store_feed_next", false) \
	call(STORE_FEED_PENDING, "store_feed_pending", false) \
	call(STORE_FEED_APPEND, "store_feed_append", true) \
	call(STORE_CONTROLS, "store_controls_load", false) \
	call(STORE_CONTROLS_CHANGE, "store_controls_change", true) \
	call(STORE_OF_KEY, "store_withdrawal_of_key", false) \
	call(STORE_PROPOSALS, "store_proposals_list", false) \
	call(STORE_PROPOSAL_ADD, "store_proposal_add", true) \
	call(STORE_PROPOSAL_CHANGE, "store_proposal_change", true) \
	call(STORE_PROPOSAL_LOAD, "store_proposal_load", false) \
	call(STORE_USER_LOAD, "store_user_load", false) \
	call(STORE_POLICIES, "store_policies_list", false) \
	call(STORE_POLICY_LOAD, "store_policy_load", false) \
	call(STORE_VOTES_LOAD, "store_votes_load", false) \
	call(STORE_POLICY_FORGET, "store_policy_forget", true) \
	call(STORE_RECEIVERS_LOOK, "store_receivers_look", false) \
	call(STORE_RECEIVERS_LEARN, "store_receivers_learn", true) \
	call(TRANSPORT_SEND, "transport_send_batch", true) \
	call(TRANSPORT_RECEIVE, "transport_receive", true) \
	call(TRANSPORT_EXTEND, "transport_extend_batch", true) \
	call(TRANSPORT_DELETE, "transport_delete_batch", true) \
	call(TRANSPORT_DEPTH, "transport_depth", false) \
	call(QUEUE_CLAIM, "queue_claim", true) \
	call(QUEUE_EXTEND, "queue_extend", true) \
	call(QUEUE_ACK, "queue_ack", true) \
	call(JOURNAL_APPEND, "journal_append_many", true) \
	call(JOURNAL_RIGHTS, "journal_rights_of", false) \
	call(JOURNAL_ANY, "journal_rights_any", false) \
	call(JOURNAL_SLOT, "journal_slot_of", false) \
	call(JOURNAL_SUM, "journal_sum_of", false) \
	call(JOURNAL_WINDOW, "journal_window_of", false) \
	call(JOURNAL_AFTER, "journal_rights_after", false) \
	call(JOURNAL_RESOLUTION, "journal_resolution_of", false) \
	call(JOURNAL_NEXT, "journal_next_nonce", false) \
	call(JOURNAL_FEED_LAST, "journal_feed_head_last", false) \
	call(JOURNAL_CONTROLS_LAST, "journal_controls_last", false) \
	call(KEYS_SIGN, "keys_sign_many", false) \
	call(CHAIN_HEAD, "chain_head", false) \
	call(CHAIN_ESTIMATE, "chain_estimate_many", false) \
	call(CHAIN_BALANCES, "chain_balances", false) \
	call(CHAIN_NONCES, "chain_nonces", false) \
	call(CHAIN_SEND, "chain_send_many", true) \
	call(CHAIN_RECEIPTS, "chain_receipts", false) \
	call(CHAIN_LOOKUPS, "chain_lookups", false) \
	call(CHAIN_BLOCKS, "chain_blocks", false) \
	call(CHAIN_FIND, "chain_find", false) \
	call(CHAIN_TRANSFERS, "chain_transfers", false) \
	call(CHAIN_TRANSACTIONS, "chain_transactions", false)
/* clang-format on */

#define SIM_CALL_NAME(name, text, writes) SIM_CALL_##name,
enum sim_call { SIM_CALL_LIST(SIM_CALL_NAME) SIM_CALLS };
#undef SIM_CALL_NAME

#define SIM_CALL_STORE_RECOVER_LAST SIM_CALL_STORE_OPEN
#define SIM_STAGES                  9 /* of withdrawals and of transfers, 0 for "none yet" */

/* Can this go wrong with that call, with these families on? */
bool sim_fault_fits(enum sim_call call, enum sim_fault fault, unsigned families);
/* Does a run of many seeds surely make this call? A liar leads to some of them, and seldom. */
bool sim_call_is_sure(enum sim_call call, unsigned families);
/* Is it made where two people have to unpause, and nowhere else? */
bool sim_call_is_of_proposals(enum sim_call call);
/* "store_lease_take"; static storage. */
const char *sim_call_text(enum sim_call call);
bool sim_call_writes(enum sim_call call);
const char *sim_fault_text(enum sim_fault fault);
/* "crash"; index below SIM_FAMILIES. */
const char *sim_family_text(unsigned index);

#endif
