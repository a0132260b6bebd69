/* The store's third half: what brings a store that is older than the chain and the journal up to
 * them (doc/protocol.md, "Backup and restore"). The promises of store.h hold.
 */
#ifndef SLUICE_PORT_STORE_RECOVER_H
#define SLUICE_PORT_STORE_RECOVER_H

#include "port/store_transfer.h"

/* By so much the version of every open withdrawal jumps, for each incarnation that the store did
 * not live: whoever has seen events that it does not know takes what comes now for newer. */
#define RECOVER_VERSION_JUMP 1000000

/* How often this store was replaced by an older copy of itself. */
struct store_incarnation {
	uint64_t number; /* 0: never */
	bool journal_lost;
	/* It may not know who was paid: restored once, or replaced by hand, so that the journal is
	 * ahead of it. */
	bool is_old;
	int64_t at; /* ms; of the last time */
};

/* A transaction of one of our wallets that the chain has, or had, and that the slot did not know
 * of: it becomes one of its attempts. */
struct store_import {
	struct id transfer;
	uint64_t version; /* expected, of the transfer */
	int64_t wallet_id;
	uint64_t epoch;
	struct attempt
		attempt; /* transfer and number are filled in; is_cancel, fees, bytes, hash */
	struct transfer payload; /* when it pays: what the slot pays by it (to, value, …, hash) */
	enum store_write result;
};

/* Binds a withdrawal to a slot that paid it before the store knew either. */
struct store_binding {
	struct id transfer;
	uint64_t transfer_version; /* expected; mined, held as payout_unbound, without a withdrawal
				    */
	int64_t wallet_id;
	uint64_t epoch;
	struct id withdrawal;
	uint64_t version; /* expected; stage queued, not held */
	uint32_t round;   /* expected */
	struct message_ack ack;
	enum store_write result;
};

MUST_CHECK bool store_incarnation_load(struct store *store, struct store_incarnation *ret_last,
				       struct err *err);
/* The store is an older copy of itself: its incarnation rises, above number_min at least; all
 * wallets are `recovering`; open withdrawals jump. One transaction. */
MUST_CHECK bool store_recover_begin(struct store *store, uint64_t number_min, bool journal_lost,
				    const struct store_by *by, uint64_t *ret_number,
				    struct err *err);
/* Up to where the slots of a wallet that recovers are looked for or filled; the first word stays,
 * or falls as long as it is not reached. */
MUST_CHECK bool store_wallet_recover(struct store *store, int64_t wallet_id, uint64_t epoch,
				     uint64_t recover_to, struct err *err);
/* `recovering` (or journal_is_ahead) becomes `recovered`, when all slots up to recover_to are
 * there.
 */
MUST_CHECK bool store_wallet_recovered(struct store *store, int64_t wallet_id, uint64_t epoch,
				       const struct store_by *by, bool *ret_done, struct err *err);
/* MOVED: the transfer is final, or moved. EXISTS: it has this attempt. One that is final as a
 * stranger's, by this transaction and without a withdrawal, is open again, for the monitor to
 * judge.
 */
MUST_CHECK bool store_attempt_import(struct store *store, struct store_import *item,
				     const struct store_by *by, struct err *err);
MUST_CHECK bool store_transfer_bind(struct store *store, struct store_binding *item,
				    const struct store_by *by, struct err *err);
MUST_CHECK bool store_transfer_of_slot(struct store *store, int64_t wallet_id, uint64_t nonce,
				       struct transfer *ret_row, bool *ret_found, struct err *err);
/* Ids of withdrawals that have not ended, behind `after` (zero: from the first), in their order. */
MUST_CHECK bool store_withdrawals_open(struct store *store, struct id after, struct id *ret_ids,
				       size_t cap, size_t *ret_len, struct err *err);
/* Up to which block store and chain were compared and found to agree; 0: not yet. */
MUST_CHECK bool store_reconciled_load(struct store *store, uint64_t chain_id, uint64_t *ret_block,
				      struct err *err);
/* It only rises. NOT_DONE when the lease of the chain is somebody else's. */
MUST_CHECK bool store_reconciled_raise(struct store *store, uint64_t chain_id, uint64_t block,
				       const struct store_lease *lease, struct err *err);

#endif
