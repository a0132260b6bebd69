/* What the files of the monitor share. */
#ifndef SLUICE_SERVICE_MONITOR_MONITOR_PARTS_H
#define SLUICE_SERVICE_MONITOR_MONITOR_PARTS_H

#include "core/confirm.h"
#include "service/monitor/monitor.h"

/* Blocks that hold mined slots which are not final: a reorg shows in their hashes. Twice the depth
 * of the dangerous verdict; beyond that a reorg is still found when a slot is about to become
 * final. */
#define WATCHED_BLOCKS_MAX 512
/* Sightings in a row of a consumed nonce without any of our hashes, or of another block where
 * payments were final, before it is told. */
#define FOREIGN_SIGHTINGS 3
/* Slots are looked at with each head, and at least so often. */
#define WATCH_INTERVAL_MS 500

/* A slot whose nonce is consumed, deep enough for a verdict, by none of its hashes. */
struct sighting {
	struct id transfer;
	unsigned count; /* in a row; 0: free */
	bool seen;      /* in this step */
};
#define SIGHTINGS_MAX 64 /* more at once are told when these are settled */

struct watched_block {
	uint64_t number;
	struct hash32 hash;
};

struct monitor_chain {
	const struct chain_params *params;
	struct store_lease lease;
	int64_t lease_at; /* monotonic: next look */
	bool owned;
	bool looked;
	bool new_head;
	bool busy;        /* something is not final */
	bool in_flight;   /* as of the last watch */
	int64_t watch_at; /* monotonic */
	struct chain_head head;
	uint64_t mark; /* finalized, the highest ever */
	struct watched_block blocks[WATCHED_BLOCKS_MAX];
	size_t blocks_len;
	bool blocks_loaded;               /* after a start: from the rows */
	struct watched_block final_block; /* the newest with a final transfer; zero hash: none */
	bool final_loaded;
	unsigned final_doubts; /* heads in a row that had another block there */
	int64_t balances_at;
	struct sighting sightings[SIGHTINGS_MAX];
	unsigned ahead[WALLETS_MAX]; /* sightings of a wallet whose chain knows more nonces than we
				      */
};

/* One slot with its hashes and what the chain says of them. */
struct watched {
	struct transfer row;
	struct attempt newest;
	size_t first_hash; /* into hashes */
	size_t hashes_len;
};

#define WATCH_BATCH 64
#define HASHES_MAX  CHAIN_BATCH_MAX

struct monitor {
	struct monitor_options options;
	struct monitor_chain chains[CHAINS_MAX];
	struct monitor_chain *chain; /* of the step */
	struct chain *client;
	bool busy;
	struct wallet wallets[WALLETS_MAX];
	size_t wallets_len;
	struct chain_nonce nonces[WALLETS_MAX];
	struct store_observation observations[BATCH_MAX];
	size_t observations_len;
	struct watched watched[WATCH_BATCH];
	size_t watched_len;
	struct transfer rows[WATCH_BATCH];
	struct attempt attempts[ATTEMPTS_MAX];
	struct hash32 hashes[HASHES_MAX];
	bool hash_is_cancel[HASHES_MAX];
	size_t hashes_len;
	struct chain_receipt receipts[HASHES_MAX];
	struct chain_block asked; /* the canonical block that a verdict of this step was asked of */
	uint64_t asked_number;
	struct metric *mined;
	struct metric *reorged;
	struct metric *final[OUTCOME_FOREIGN];
	struct metric *wishes;
	struct metric *alarms;
	struct metric *head;
};

static inline struct store_by monitor_by(const struct monitor *self)
{
	return (struct store_by){ .actor = ACTOR_MONITOR,
				  .who = self->options.instance,
				  .request_id = "",
				  .now_ms = clock_now_ms(self->options.clock) };
}

void monitor_log(const struct monitor *self, const struct transfer *transfer, const char *action,
		 const struct hash32 *tx_hash, const char *text, bool alarm);
/* Room for one more observation, flushing when full; then the observation itself. */
MUST_CHECK bool monitor_room(struct monitor *self, struct err *err);
struct store_observation *monitor_observe(struct monitor *self, const struct transfer *transfer);
MUST_CHECK bool monitor_flush(struct monitor *self, struct err *err);

/* watch.c */
MUST_CHECK bool monitor_watch(struct monitor *self, struct err *err);
/* Starts over with watched slots and hashes. */
void monitor_watched_reset(struct monitor *self);
/* Adds a slot with all its hashes; false in *ret_added when there is no room: ask, reset, add
 * again. */
MUST_CHECK bool monitor_watched_add(struct monitor *self, const struct transfer *row,
				    bool *ret_added, struct err *err);
/* Reads the receipts of all collected hashes. */
MUST_CHECK bool monitor_receipts(struct monitor *self, struct err *err);
/* The receipt that was found among a slot's hashes, and whether it is of a cancellation; or NULL.
 */
const struct chain_receipt *monitor_receipt_of(const struct monitor *self,
					       const struct watched *watched, bool *ret_is_cancel);
/* Was any of its hashes not answered for? Then nothing is known of the slot. */
bool monitor_is_unknown(const struct monitor *self, const struct watched *watched);
void monitor_block_watch(struct monitor_chain *chain, uint64_t number, struct hash32 hash);

/* settle.c */
MUST_CHECK bool monitor_settle(struct monitor *self, struct err *err);

/* finality.c */
/* A transfer became final in this block. */
void monitor_final_note(struct monitor_chain *chain, uint64_t number, struct hash32 hash);
/* Is the newest block with a final transfer still the chain's? If not, the wallets stop. */
MUST_CHECK bool monitor_finality(struct monitor *self, struct err *err);

/* balances.c */
MUST_CHECK bool monitor_balances(struct monitor *self, struct err *err);

#endif
