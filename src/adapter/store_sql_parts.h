/* What the files of the SQL store share. */
#ifndef SLUICE_ADAPTER_STORE_SQL_PARTS_H
#define SLUICE_ADAPTER_STORE_SQL_PARTS_H

#include "adapter/sql_message.h"
#include "adapter/sql_row.h"
#include "port/store_ops.h"

/* Wallets, chains, and a few services. */
#define LEASES_MAX (WALLETS_MAX + CHAINS_MAX + 8)

/* A lease of somebody else, as it stood when it was seen to change last. */
struct store_sql_watch {
	char name[80];
	char holder[65];
	uint64_t epoch;
	uint64_t renewals;
	int64_t since_ms; /* monotonic; INT64_MIN: not seen yet */
	uint64_t asked;   /* the epoch that we asked for it at; 0: we did not */
};

struct store_sql {
	struct store base;
	struct db *db; /* borrowed */
	struct store_sql_watch watches[LEASES_MAX];
	size_t watches_len;
};

static inline struct store_sql *store_sql_of(struct store *store)
{
	return (struct store_sql *)(void *)store;
}

static inline struct db *db_of(struct store *store)
{
	return store_sql_of(store)->db;
}

/* Whoever writes slots and their withdrawals locks the withdrawals first, as do those who change a
 * withdrawal and then look at its slot: in a write transaction, before the first slot. */
MUST_CHECK bool slots_withdrawals_lock(struct db *db,
				       struct id (*id_of)(const void *items, size_t at),
				       const void *items, size_t n, struct err *err);

/* Columns in the order in which withdrawal_take reads them. */
#define WITHDRAWAL_COLUMNS                                                                      \
	"id, account, chain_id, asset, is_native, contract, decimals, receiver, amount, "       \
	"key_hash, external_id, fingerprint, created_at, created_by, key_owner, "               \
	"correlation_id, metadata, "                                                            \
	"intent_key_id, intent_mac, policy_version, approved_at, expires_at, approval_key_id, " \
	"approval_mac, stage, version, round, cancel_requested, wait_reason, funds_since, "     \
	"held_reason, failure_code, transfer_id, due_at, updated_at"
void withdrawal_take(struct sql *sql, struct withdrawal *ret_row);
/* One withdrawal by id; with a lock inside a write transaction. */
MUST_CHECK bool withdrawal_load(struct db *db, struct id id, struct withdrawal *ret_row,
				bool *ret_found, struct err *err);

/* Last, what has to be looked for: most slots are asked no further than the first word. */
#define CANCEL_WANTED                                                                            \
	"(COALESCE(w.cancel_requested, 0) = 1 AND w.stage = 4 AND w.held_reason = '' "           \
	"AND w.transfer_id = t.id AND t.is_cancel = 0 AND NOT EXISTS (SELECT 1 FROM attempts a " \
	"WHERE a.transfer_id = t.id AND a.is_cancel = 1))"
#define TRANSFER_COLUMNS                                                                       \
	"t.id, t.wallet_id, t.chain_id, t.wallet, t.nonce, t.stage, t.outcome, t.is_cancel, "  \
	"i.withdrawal_id, i.round, t.destination, t.value, t.is_token, t.receiver, t.amount, " \
	"t.gas_limit, t.payload_hash, t.wish, t.wish_reason, t.wish_attempts_seen, "           \
	"t.attempts, t.mined_hash, t.mined_block, t.mined_block_hash, t.stage_at, t.sent_at, " \
	"t.held_reason, t.version, w.correlation_id, " CANCEL_WANTED
#define TRANSFER_FROM                                                                              \
	" FROM transfers t LEFT JOIN transfer_items i ON i.transfer_id = t.id AND i.position = 0 " \
	"LEFT JOIN withdrawals w ON w.id = i.withdrawal_id "
void transfer_take(struct sql *sql, struct transfer *ret_row);
/* A client's wish for a higher fee. *ret_written: not where nothing is signed, or a block has it.
 */
MUST_CHECK bool transfer_speed_up(struct db *db, struct id transfer, bool *ret_written,
				  struct err *err);
MUST_CHECK bool transfer_load(struct db *db, struct id id, struct transfer *ret_row,
			      bool *ret_found, struct err *err);

/* Those at n places, 1 to BATCH_MAX, each another one; locked, in the order of their ids. Results
 * stand at the same places. */
MUST_CHECK bool transfers_lock(struct db *db, struct id (*id_of)(const void *items, size_t at),
			       const void *items, const size_t *places, size_t n,
			       struct transfer *ret_rows, bool *ret_found, struct err *err);

/* *ret_conflict: the slot has that number, or someone that hash. */
MUST_CHECK bool attempt_row_add(struct db *db, const struct attempt *attempt, bool *ret_conflict,
				struct err *err);

struct event_row {
	struct id withdrawal;
	uint64_t sequence;
	const char *type;
	enum withdrawal_stage stage;
	const char *detail; /* JSON object or "" */
};
/* An event and its audit record. */
MUST_CHECK bool event_row_add(struct db *db, const struct event_row *event,
			      const struct store_by *by, struct err *err);
/* The same of n, 1 to BATCH_MAX, each with its own `by`. */
MUST_CHECK bool event_rows_add(struct db *db, const struct event_row *events,
			       const struct store_by *by, size_t n, struct err *err);
MUST_CHECK bool audit_add(struct db *db, const char *action, struct id subject, const char *detail,
			  const struct store_by *by, struct err *err);
/* Fences a wallet inside a write transaction: STORE_WRITTEN while the lease is ours, else
 * STORE_FENCED. reserving: a wallet that is stopped, or has not entered, gives STORE_PAUSED. */
MUST_CHECK bool wallet_fence(struct db *db, int64_t wallet_id, uint64_t epoch, bool reserving,
			     enum store_write *ret_result, struct err *err);
/* Is it stopped since the store is an old one? */
MUST_CHECK bool wallet_recovers(struct db *db, int64_t wallet_id, bool *ret_recovers,
				struct err *err);
MUST_CHECK bool wallet_stop(struct db *db, int64_t wallet_id, const char *reason,
			    const struct store_by *by, struct err *err);

/* The functions of the table, by file. */
bool store_sql_accept(struct store *store, struct store_accept *items, size_t n, struct err *err);
bool store_sql_change(struct store *store, struct store_change *changes, size_t n,
		      const struct store_by *by, struct err *err);
bool store_sql_load(struct store *store, const struct id *ids, size_t n,
		    struct withdrawal *ret_rows, bool *ret_found, struct err *err);
bool store_sql_view(struct store *store, struct id id, struct store_view *ret_view, bool *ret_found,
		    struct err *err);
bool store_sql_list(struct store *store, const struct store_filter *filter,
		    struct store_view *ret_views, struct store_page *ret_page, struct err *err);
/* The same in a transaction that is open. */
MUST_CHECK bool store_sql_list_read(struct db *db, const struct store_filter *filter,
				    struct store_view *ret_views, struct store_page *ret_page,
				    struct err *err);
bool store_sql_events(struct store *store, struct id withdrawal, uint64_t after,
		      struct store_event *ret_events, size_t cap, size_t *ret_len, struct err *err);
bool store_sql_sweep(struct store *store, int64_t now_ms, size_t limit, size_t ret_woken[3],
		     struct err *err);
bool store_sql_redrive(struct store *store, enum queue_name dlq, size_t limit,
		       const struct store_by *by, size_t *ret_moved, struct err *err);
bool store_sql_dlq_list(struct store *store, enum queue_name dlq, struct id *ret_ids, size_t cap,
			size_t *ret_len, struct err *err);
bool store_sql_pin(struct store *store, const struct catalogue *catalogue, struct err *err);
bool store_sql_wallets(struct store *store, struct wallet *ret_wallets, size_t cap, size_t *ret_len,
		       struct err *err);
bool store_sql_leases(struct store *store, struct store_lease *const *leases, size_t n,
		      const char *holder, int64_t now_ms, bool *ret_taken, struct err *err);
bool store_sql_enter(struct store *store, int64_t wallet_id, uint64_t epoch, uint64_t first_nonce,
		     const struct store_by *by, struct err *err);
bool store_sql_stop(struct store *store, int64_t wallet_id, const char *reason,
		    const struct store_lease *lease, const struct store_by *by, bool *ret_held,
		    struct err *err);
bool store_sql_start(struct store *store, int64_t wallet_id, const char *stop_reason,
		     const char *why, const struct store_by *by, bool *ret_started,
		     struct err *err);
bool store_sql_reserve(struct store *store, struct store_reservation *items, size_t n,
		       const struct store_by *by, struct err *err);
bool store_sql_turn_cancel(struct store *store, struct transfer *transfer, uint64_t epoch,
			   const struct store_by *by, enum store_write *ret_result,
			   struct err *err);
bool store_sql_attempts_add(struct store *store, struct store_attempt *items, size_t n,
			    const struct store_by *by, struct err *err);
bool store_sql_attempts_sent(struct store *store, struct store_sent *items, size_t n,
			     const struct store_by *by, struct err *err);
bool store_sql_observe(struct store *store, struct store_observation *items, size_t n,
		       const struct store_lease *lease, const struct store_by *by, struct err *err);
bool store_sql_wish(struct store *store, const struct store_wish *wishes, size_t n,
		    const struct store_by *by, struct err *err);
bool store_sql_transfers(struct store *store, const struct store_transfer_filter *filter,
			 struct transfer *ret_rows, size_t *ret_len, struct err *err);
bool store_sql_taken(struct store *store, int64_t wallet_id, uint64_t block,
		     struct store_taken *items, size_t n, uint64_t *ret_gas, struct err *err);
bool store_sql_transfer(struct store *store, struct id id, struct transfer *ret_row,
			bool *ret_found, struct err *err);
bool store_sql_attempts(struct store *store, const struct id *transfers, size_t n,
			struct attempt *ret_rows, size_t cap, size_t *ret_len, struct err *err);
bool store_sql_of_round(struct store *store, struct id withdrawal, uint32_t round,
			struct transfer *ret_row, bool *ret_found, struct err *err);
bool store_sql_mark(struct store *store, struct store_mark *mark, struct err *err);
bool store_sql_balances_save(struct store *store, const struct store_balance *balances, size_t n,
			     struct err *err);
/* Is the lease (not a wallet's) still ours? Inside a write transaction. */
MUST_CHECK bool lease_fence(struct db *db, const struct store_lease *lease, bool *ret_held,
			    struct err *err);
/* store_sql_recover.c */
bool store_sql_reconciled(struct store *store, uint64_t chain_id, uint64_t *ret_block,
			  struct err *err);
bool store_sql_reconciled_raise(struct store *store, uint64_t chain_id, uint64_t block,
				const struct store_lease *lease, struct err *err);
struct store_incarnation;
struct store_import;
struct store_binding;
bool store_sql_incarnation(struct store *store, struct store_incarnation *ret_last,
			   struct err *err);
bool store_sql_recover_begin(struct store *store, uint64_t number_min, bool journal_lost,
			     const struct store_by *by, uint64_t *ret_number, struct err *err);
bool store_sql_wallet_recover(struct store *store, int64_t wallet_id, uint64_t epoch,
			      uint64_t recover_to, struct err *err);
bool store_sql_wallet_recovered(struct store *store, int64_t wallet_id, uint64_t epoch,
				const struct store_by *by, bool *ret_done, struct err *err);
bool store_sql_import(struct store *store, struct store_import *item, const struct store_by *by,
		      struct err *err);
bool store_sql_bind(struct store *store, struct store_binding *item, const struct store_by *by,
		    struct err *err);
bool store_sql_of_slot(struct store *store, int64_t wallet_id, uint64_t nonce,
		       struct transfer *ret_row, bool *ret_found, struct err *err);
bool store_sql_open_rows(struct store *store, struct id after, struct id *ret_ids, size_t cap,
			 size_t *ret_len, struct err *err);
bool store_sql_balances_list(struct store *store, struct store_balance *ret_balances, size_t cap,
			     size_t *ret_len, struct err *err);

/* store_sql_feed.c */
bool store_sql_feed_pending(struct store *store, enum feed_kind kind, struct feed_row *ret_rows,
			    size_t cap, size_t *ret_len, struct err *err);
bool store_sql_feed_append(struct store *store, const struct store_lease *lease,
			   const struct feed_seal *seal, const struct feed_row *rows,
			   enum store_write *ret_result, struct err *err);
bool store_sql_feed_newest(struct store *store, struct feed_seal *ret_seal, bool *ret_any,
			   struct err *err);
bool store_sql_feed_next(struct store *store, uint64_t after, struct feed_seal *ret_seal,
			 bool *ret_any, struct err *err);
bool store_sql_feed_rows(struct store *store, enum feed_kind kind, int64_t after,
			 struct feed_row *ret_rows, size_t cap, size_t *ret_len, struct err *err);

bool store_sql_audit_list(struct store *store, int64_t after, struct store_audit *ret_records,
			  size_t cap, size_t *ret_len, struct err *err);

/* store_sql_resolve.c */
bool store_sql_decision_put(struct store *store, const struct decision *decision,
			    const struct store_by *by, bool *ret_current, struct err *err);
bool store_sql_decisions(struct store *store, const struct resolve_case *of,
			 struct decision *ret_decisions, size_t cap, size_t *ret_len,
			 struct err *err);
bool store_sql_attempt_owner(struct store *store, struct hash32 tx_hash, struct id *ret_transfer,
			     struct err *err);
bool store_sql_case_resolve(struct store *store, struct store_resolution *resolution,
			    const struct store_by *by, struct err *err);

#endif
