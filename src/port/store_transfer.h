/* The store's second half: wallets, transfers, attempts, leases; for signer and monitor. The
 * promises of store.h hold. */
#ifndef SLUICE_PORT_STORE_TRANSFER_H
#define SLUICE_PORT_STORE_TRANSFER_H

#include "port/store.h"

enum store_write {
	STORE_WRITTEN = 1,
	STORE_MOVED = 2,  /* the row had moved; nothing written for this item */
	STORE_FENCED = 3, /* the lease is not ours any more; nothing written for this wallet */
	STORE_PAUSED = 4, /* a pause or a stopped wallet forbids it */
	STORE_EXISTS = 5, /* the very same thing stood there already */
	STORE_TAKEN = 6,  /* a row stands where the wallet's next one is to go: edited */
};

/* A right to write for a wallet or a chain; epoch 0 is none. Who has none may ask whoever has it,
 * and gets it when that one gives it; where a lock of the host tells who is alive nobody asks. */
struct store_lease {
	char name[80];     /* "wallet-<id>", "monitor-<chain id>" */
	int64_t wallet_id; /* 0 when the lease is not a wallet's */
	uint64_t epoch;
	bool asks;          /* whoever has it is asked for it, unless somebody else asks */
	bool gives;         /* to who asks, if anybody does */
	bool rests;         /* it is left to stand still: not renewed, nor taken from anybody */
	bool leaves;        /* it is given up, for anybody to take at once */
	char holder[65];    /* seen by the last look: who has it, ours or not; "": nobody knows, */
	char wanted_by[65]; /* and who asks for it; "": nobody */
};

struct store_reservation {
	struct id withdrawal;
	uint64_t version; /* expected; stage queued, no cancel requested, not held */
	/* Complete but for nonce and payload_hash, which the store fills in; id is the new row's. A
	 * filler (is_cancel) has no withdrawal. */
	struct transfer transfer;
	uint64_t epoch; /* of the wallet's lease */
	/* Of a wallet that recovers, or whose nonces others have used, and which has to be stopped;
	 * a filler. One kind for all items of a wallet. */
	bool recovers;
	uint64_t controls; /* the version of the pause switches that it was decided by: with another
			      one it is PAUSED, unless it recovers */
	struct message_ack ack;
	enum store_write result;
};

struct store_attempt {
	struct attempt attempt;
	int64_t wallet_id;
	uint64_t epoch;
	uint64_t controls; /* as of a reservation; asked of a slot's first attempt only */
	bool recovers;     /* a filler of a wallet that recovers */
	enum store_write result;
};

struct store_sent {
	struct id transfer;
	uint32_t number; /* of the attempt */
	int64_t wallet_id;
	uint64_t epoch;
	bool may_be_out; /* false: the node surely did not take it; only the time is recorded */
	enum store_write result;
};

/* What the monitor saw of one transfer. */
struct store_observation {
	struct id transfer;
	struct id withdrawal;          /* whose it is, for who listens; zero: nobody's */
	uint64_t version;              /* expected, of the transfer */
	enum transfer_stage to;        /* mined, broadcast or reserved (reorg), final */
	enum transfer_outcome outcome; /* when final; FOREIGN, UNPROVEN when mined as that */
	struct hash32 mined_hash;      /* when mined or final */
	uint64_t mined_block;
	struct hash32 mined_block_hash;
	const char *held_reason; /* NULL keeps it; borrowed: hold instead of moving */
	bool is_otherwise;       /* comes back: final, and not as its ended withdrawal says; held */
	enum store_write result;
};

struct store_wish {
	struct id transfer;
	enum wish wish;
	enum wish_reason reason;
	uint32_t attempts_seen;
};

struct store_transfer_filter {
	int64_t wallet_id;
	enum transfer_stage first; /* range of stages */
	enum transfer_stage last;
	uint64_t mined_block_min; /* 0 for any; unmined transfers have block 0 */
	uint64_t mined_block_max; /* UINT64_MAX for any */
	uint64_t nonce_min;       /* 0 for any */
	bool without_held;        /* leaves out what waits for a person */
	bool unresolved; /* only what says something against the wallet: held, but for payouts that
			    wait for their withdrawals, or a stranger's with a held withdrawal */
	bool foreign;    /* only what a stranger's transaction has ended, or is about to */
	bool for_signer; /* leaves out what is broadcast and has no wish, nor one to cancel */
	bool has_after;  /* continues behind a row: */
	uint64_t after_block;
	uint64_t after_nonce;
	size_t limit; /* in the order of nonces (mined: of blocks) */
};

/* What slots take of one purse. */
struct store_taken {
	struct address contract; /* of the token; zero: the native coin */
	struct amount amount;    /* saturated */
};

/* What becomes of a case that two people decided. */
enum store_resolve {
	STORE_RESOLVE_STALE = 1,    /* the case has changed: its decisions are answered, no more */
	STORE_RESOLVE_REFUSE = 2,   /* with a code; the row stays held */
	STORE_RESOLVE_RELEASE = 3,  /* the holds of row and slot end */
	STORE_RESOLVE_COMPLETE = 4, /* the slot is final; tx_hash paid it */
	STORE_RESOLVE_REQUEUE = 5,  /* the slot is final and did not pay; round + 1 */
	STORE_RESOLVE_CANCEL = 6,   /* the same; with a failure code */
	STORE_RESOLVE_RESEND = 7,   /* a final slot that was taken back is broadcast again */
	STORE_RESOLVE_FILL = 8,     /* the same, and wishes for its cancellation */
};

struct store_resolution {
	struct resolve_case of; /* must be current, but for STALE */
	enum store_resolve act;
	const char *code;      /* REFUSE, CANCEL; borrowed */
	struct hash32 tx_hash; /* COMPLETE */
	/* COMPLETE of a queued row without a slot of its own: a final slot without a withdrawal, to
	 * which it is bound as this round; zero: none. */
	struct id bound;
	uint32_t bound_round;
	const char *people[2];   /* their names; borrowed; NULL: none */
	int64_t wallet_id;       /* of the slot; 0: the case has none */
	uint64_t epoch;          /* of the wallet's lease */
	enum store_write result; /* WRITTEN; MOVED: it was not current, or not as it must be */
};

struct store_mark {
	uint64_t chain_id;
	uint64_t finalized; /* high-water mark: it only rises */
};

struct store_balance {
	uint64_t chain_id;
	struct address wallet;
	char asset[SYMBOL_LEN_MAX + 1];
	struct amount amount;
	uint64_t block;
	int64_t at_ms;
};

/* Pins chains, assets and wallets of the catalogue; REFUSED when a row differs (another contract or
 * other decimals under an existing symbol, another name or id of a chain). */
MUST_CHECK bool store_catalogue_pin(struct store *store, const struct catalogue *catalogue,
				    struct err *err);
MUST_CHECK bool store_wallets_load(struct store *store, struct wallet *ret_wallets, size_t cap,
				   size_t *ret_len, struct err *err);
/* Takes a lease, or keeps it: at once when it is free or its owner on this host is dead; where the
 * store is not of one host, when its owner has not renewed it for LEASE_TERM_MS, as this process
 * has watched by now_ms, its own monotonic clock; or when it was given to us, or given up.
 * ret_taken false: somebody else has it (since now, if it was given away), or nobody, and the epoch
 * is 0. Epochs rise with every change of hands. lease->name is set by the caller, who calls every
 * LEASES_LOOK_MS or so. */
MUST_CHECK bool store_lease_take(struct store *store, struct store_lease *lease, const char *holder,
				 int64_t now_ms, bool *ret_taken, struct err *err);
/* The same of n leases, 1 to WALLETS_MAX, each of another name; what is kept is renewed together.
 * Where it fails, some may have been taken: their epochs say which. */
MUST_CHECK bool store_leases_take(struct store *store, struct store_lease *const *leases, size_t n,
				  const char *holder, int64_t now_ms, bool *ret_taken,
				  struct err *err);
/* Sets the first nonce of a wallet that enters. */
MUST_CHECK bool store_wallet_enter(struct store *store, int64_t wallet_id, uint64_t epoch,
				   uint64_t first_nonce, const struct store_by *by,
				   struct err *err);
/* Stops a wallet (no more reservations) until a person resolves it; an earlier reason stays, but
 * that `not_recovered` ends `recovering` and `journal_is_ahead`. lease: of who judges, the wallet's
 * or its chain's; when that is somebody else's now nothing is written, and ret_held is false. NULL:
 * what is judged belongs to nobody. */
MUST_CHECK bool store_wallet_stop(struct store *store, int64_t wallet_id, const char *reason,
				  const struct store_lease *lease, const struct store_by *by,
				  bool *ret_held, struct err *err);
/* Lets a wallet go on that is stopped for exactly this reason; why: for the audit record.
 * ret_started false: it is not, or no more. A person's. */
MUST_CHECK bool store_wallet_start(struct store *store, int64_t wallet_id, const char *stop_reason,
				   const char *why, const struct store_by *by, bool *ret_started,
				   struct err *err);

/* Items sorted by wallet; nonces are given in the order of the items. */
MUST_CHECK bool store_transfers_reserve(struct store *store, struct store_reservation *items,
					size_t n, const struct store_by *by, struct err *err);
/* Turns a reserved slot without attempts into its self-transfer (zero value to the wallet itself).
 */
MUST_CHECK bool store_transfer_turn_cancel(struct store *store, struct transfer *transfer,
					   uint64_t epoch, const struct store_by *by,
					   enum store_write *ret_result, struct err *err);
MUST_CHECK bool store_attempts_add(struct store *store, struct store_attempt *items, size_t n,
				   const struct store_by *by, struct err *err);
MUST_CHECK bool store_attempts_sent(struct store *store, struct store_sent *items, size_t n,
				    const struct store_by *by, struct err *err);
MUST_CHECK bool store_transfers_observe(struct store *store, struct store_observation *items,
					size_t n, const struct store_lease *lease,
					const struct store_by *by, struct err *err);
/* What monitor and signer wish for by themselves. No event is written: the attempt that comes of it
 * has the reason, and its event too. A client's wish is a store_change. */
MUST_CHECK bool store_transfers_wish(struct store *store, const struct store_wish *wishes, size_t n,
				     const struct store_by *by, struct err *err);
MUST_CHECK bool store_transfers_load(struct store *store,
				     const struct store_transfer_filter *filter,
				     struct transfer *ret_rows, size_t *ret_len, struct err *err);
/* What the slots of a wallet take that are not mined at or below a block: those in flight, and
 * those mined above it, final ones too. One snapshot. items: a contract each, and the amounts come
 * back; ret_gas: all gas limits together, saturated. */
MUST_CHECK bool store_taken_load(struct store *store, int64_t wallet_id, uint64_t block,
				 struct store_taken *items, size_t n, uint64_t *ret_gas,
				 struct err *err);
MUST_CHECK bool store_transfer_load(struct store *store, struct id id, struct transfer *ret_row,
				    bool *ret_found, struct err *err);
/* All attempts of a transfer in order; CHECKs cap >= ATTEMPTS_MAX. */
MUST_CHECK bool store_attempts_load(struct store *store, struct id transfer,
				    struct attempt *ret_rows, size_t cap, size_t *ret_len,
				    struct err *err);
/* Those of n transfers, 1 to BATCH_MAX: by the transfers' ids, and in order. At most cap: that many
 * may be a part. */
MUST_CHECK bool store_attempts_of(struct store *store, const struct id *transfers, size_t n,
				  struct attempt *ret_rows, size_t cap, size_t *ret_len,
				  struct err *err);
/* The transfer of a withdrawal's round. */
MUST_CHECK bool store_transfer_of_round(struct store *store, struct id withdrawal, uint32_t round,
					struct transfer *ret_row, bool *ret_found, struct err *err);
/* Is it an attempt of any slot? Zero in *ret_transfer: no. */
MUST_CHECK bool store_attempt_owner(struct store *store, struct hash32 tx_hash,
				    struct id *ret_transfer, struct err *err);
/* Carries out what people decided: row, slot, event and the decisions' answer in one transaction.
 */
MUST_CHECK bool store_case_resolve(struct store *store, struct store_resolution *resolution,
				   const struct store_by *by, struct err *err);
/* Raises the finalized mark of a chain and returns it. */
MUST_CHECK bool store_mark_raise(struct store *store, struct store_mark *mark, struct err *err);
MUST_CHECK bool store_balances_save(struct store *store, const struct store_balance *balances,
				    size_t n, struct err *err);
MUST_CHECK bool store_balances_list(struct store *store, struct store_balance *ret_balances,
				    size_t cap, size_t *ret_len, struct err *err);

#endif
