/* What the files of the monitor share. */
#ifndef SLUICE_SERVICE_MONITOR_MONITOR_PARTS_H
#define SLUICE_SERVICE_MONITOR_MONITOR_PARTS_H

#include "core/links.h"
#include "core/reason.h"
#include "service/monitor/attempts.h"
#include "service/monitor/facts.h"
#include "service/monitor/monitor.h"
#include "service/monitor/reconciler.h"
#include "service/monitor/sightings.h"

/* Blocks that hold mined slots which are not final: a reorg shows in their hashes. Twice the depth
 * of the dangerous verdict; beyond that a reorg is still found before a slot is final. */
#define WATCHED_BLOCKS_MAX 512
/* Sightings in a row of a consumed nonce without any of our hashes, or of another block where
 * payments were final, before it is told. */
#define FOREIGN_SIGHTINGS 3
/* A slot's wallet stops after so many, whether its transaction was found or not. */
#define FOREIGN_PATIENCE 9
/* Slots are looked at with each head, and at least so often. */
#define WATCH_INTERVAL_MS 500
/* A chain that cannot be watched for so long is told of, once. */
#define AWAY_TELL_MS 10000
/* So is a head that has not risen for so long, whichever node names it. */
#define STILL_TELL_MS 600000

#define SIGHTINGS_MAX 64 /* more at once are told when these are settled */

struct watched_block {
	uint64_t number;
	struct hash32 hash;
};

/* Blocks that are asked for to link a head to the known ones; beyond them the chain is known from
 * its head on only, and the watched blocks are compared one by one. */
#define WALK_BLOCKS_MAX 256
/* Heads in a row that do not link before the same is done. */
#define UNLINKED_HEADS_MAX 3

/* The slot that a wallet's others wait for, for as long as it has these attempts. */
struct lowest {
	struct id transfer;
	uint32_t attempts;
	bool is_forgotten;    /* the node was seen without its bytes */
	int64_t forgotten_at; /* monotonic */
	uint64_t heads;       /* chain's count when it became the lowest, or was forgotten */
	int64_t out_since;    /* monotonic: the lowest one, and out; whatever its attempts */
	uint64_t out_heads;   /* chain's count then */
	bool out_told;        /* for too long */
};

struct monitor_chain {
	const struct chain_params *params;
	struct store_lease lease;
	int64_t lease_at; /* monotonic: next look */
	bool owned;
	bool looked, new_head;
	bool linked;       /* the head is among the links */
	unsigned unlinked; /* heads in a row that were not */
	bool busy;         /* something is not final */
	bool in_flight;    /* as of the last watch */
	int64_t watch_at;  /* monotonic */
	struct chain_head head;
	uint64_t mark; /* finalized, the highest ever that any node named */
	struct links links;
	uint64_t heads;  /* rises of the head that were seen */
	int64_t head_at; /* monotonic: of the newest, or of the first look */
	uint64_t top;    /* the highest head */
	int64_t top_at;  /* monotonic: since when it is */
	bool still_told; /* that it stands still */
	struct lowest lowest[WALLETS_MAX];
	bool is_away;       /* its steps fail */
	int64_t away_since; /* monotonic */
	bool away_told;
	struct watched_block blocks[WATCHED_BLOCKS_MAX]; /* hash: compared with the links */
	size_t blocks_len;
	bool blocks_loaded;               /* after a start: from the rows */
	struct watched_block final_block; /* the newest with a final transfer; zero hash: none */
	bool final_loaded;
	uint64_t final_bound;           /* nothing above it becomes final in this step */
	unsigned final_doubts;          /* heads in a row that had another block there */
	struct hash32 final_doubted_by; /* the newest of them */
	int64_t lonely_since; /* monotonic: what is deep waits for a second node; 0: it does not */
	bool lonely_told;
	struct id disputed; /* the slot that nodes contradicted each other of, and was told */
	int64_t balances_at;
	struct reconcile_cursor reconcile;
	struct sighting sightings[SIGHTINGS_MAX];
	struct unmined unmined[WALLETS_MAX];
	unsigned ahead[WALLETS_MAX]; /* sightings of a wallet that the chain knows more nonces of */
};

/* One slot with its hashes and what the chain says of them. */
struct watched {
	struct transfer row;
	struct attempt newest;
	size_t wallet;     /* index into wallets */
	bool is_lowest;    /* of its wallet */
	size_t first_hash; /* into hashes */
	size_t hashes_len;
};

#define HASHES_MAX CHAIN_BATCH_MAX
struct monitor {
	struct monitor_options options;
	struct sequencer *sequencer; /* NULL: without keys for it */
	struct monitor_chain chains[CHAINS_MAX];
	struct monitor_chain *chain; /* of the step */
	struct chain *client;
	bool busy;
	struct wallet wallets[WALLETS_MAX];
	size_t wallets_len;
	struct chain_nonce latest[WALLETS_MAX]; /* nonces at the head */
	struct chain_nonce nonces[WALLETS_MAX]; /* as deep as a paid verdict; when nonces_read */
	bool nonces_read;
	uint64_t nonces_block;
	struct store_observation observations[BATCH_MAX];
	size_t observations_len;
	struct watched watched[WATCH_BATCH];
	size_t watched_len;
	struct transfer rows[WATCH_BATCH];
	struct attempts_page fetched;
	struct attempt attempts[ATTEMPTS_MAX];
	struct hash32 hashes[HASHES_MAX];
	bool hash_is_cancel[HASHES_MAX];
	bool hash_is_foreign[HASHES_MAX]; /* of none of the slot's attempts */
	size_t hashes_len;
	struct chain_receipt receipts[HASHES_MAX];
	bool unanswered;         /* a receipt of this recheck is not known, or of another branch */
	struct hash32 rechecked; /* the block that its slots are compared with */
	struct claim claims[WATCH_BATCH];
	size_t claims_len;
	bool unsettled; /* too few nodes stand behind a claim of this step */
	struct fact facts[FACTS_MAX];
	struct hash32 walk[WALK_BLOCKS_MAX]; /* from the head down */
	struct chain_block asked; /* the canonical block that a verdict of this step was asked of */
	uint64_t asked_number;
	struct metric *mined;
	struct metric *reorged;
	struct metric *final[OUTCOME_UNPROVEN + 1];
	struct metric *wishes;
	struct metric *alarms;
	struct metric *head;
	struct metric *reconciled;
	struct metric *differences;
	struct reconciler *reconciler;
};

static inline struct store_by monitor_by(const struct monitor *self)
{
	return (struct store_by){ .actor = ACTOR_MONITOR,
				  .who = self->options.instance,
				  .request_id = "",
				  .now_ms = clock_now_ms(self->options.clock) };
}

/* Up to where the node that named the head calls blocks final itself; 0 when it does not say, or
 * when its final block is not an ancestor of its head: two machines behind one address. The mark
 * may be another node's, of another branch: each node answers alone. */
uint64_t monitor_finalized(const struct monitor_chain *chain);
void monitor_log(const struct monitor *self, const struct transfer *transfer, const char *action,
		 const struct hash32 *tx_hash, const char *text, bool alarm);
/* Room for one more observation, flushing when full; then the observation itself. */
MUST_CHECK bool monitor_room(struct monitor *self, struct err *err);
struct store_observation *monitor_observe(struct monitor *self, const struct transfer *transfer);
MUST_CHECK bool monitor_flush(struct monitor *self, struct err *err);
/* Stops a wallet while the chain is still ours to watch. */
MUST_CHECK bool monitor_wallet_stop(struct monitor *self, int64_t wallet_id, enum reason reason,
				    struct err *err);

static inline bool monitor_is_of_chain(const struct monitor *self, const struct wallet *wallet)
{
	return wallet->chain_id == self->chain->params->chain_id;
}

/* follow.c */
/* Brings the links to the head; a head that does not link changes nothing. */
MUST_CHECK bool monitor_follow(struct monitor *self, struct err *err);
/* The canonical block at a height: out of the links, or asked for. */
MUST_CHECK bool monitor_canonical(struct monitor *self, uint64_t number,
				  struct chain_block *ret_block, struct err *err);
/* Is this the canonical block at a height? One answer serves all questions of a step about it. */
MUST_CHECK bool monitor_is_canonical(struct monitor *self, uint64_t number, struct hash32 hash,
				     bool *ret_canonical, struct err *err);
/* A slot is mined in this block. */
void monitor_block_watch(struct monitor_chain *chain, uint64_t number, struct hash32 hash);
/* Slots in watched blocks that are not canonical are looked for again. */
MUST_CHECK bool monitor_blocks_check(struct monitor *self, struct err *err);

/* watch.c */
MUST_CHECK bool monitor_watch(struct monitor *self, struct err *err);
/* Starts over with watched slots and hashes. */
void monitor_watched_reset(struct monitor *self);
/* Adds a slot with all its hashes; false in *ret_added when there is no room: ask, reset, add
 * again. */
MUST_CHECK bool monitor_watched_add(struct monitor *self, const struct transfer *row,
				    bool *ret_added, struct err *err);
/* Reads the receipts of all collected hashes; above the head nothing is known. */
MUST_CHECK bool monitor_receipts(struct monitor *self, struct err *err);
/* The receipt that was found, or NULL. */
const struct chain_receipt *monitor_receipt_of(const struct monitor *self,
					       const struct watched *watched,
					       struct receipt_of *ret_of);
/* Was any of its hashes not answered for? Then nothing is known of the slot. */
bool monitor_is_unknown(const struct monitor *self, const struct watched *watched);

/* foreign.c */
/* Looks on for the transaction that has the nonce of a slot none of whose hashes is in a block.
 * ret_found: its state is FOUND when it is there; ret_own: and it is one of the slot's attempts. */
MUST_CHECK bool monitor_foreign_find(struct monitor *self, struct sighting *sighting,
				     const struct transfer *row, struct chain_found *ret_found,
				     bool *ret_own, struct err *err);
/* Records it, once its receipt agrees. */
MUST_CHECK bool monitor_foreign_observe(struct monitor *self, const struct transfer *row,
					const struct chain_found *found, struct err *err);

/* wish.c */
/* What of the collected slots lingers is wished to be sent again, or bumped. */
MUST_CHECK bool monitor_wish(struct monitor *self, struct err *err);
/* How long ago; a time in the future was written while the clock was wrong, and is long ago. */
int64_t monitor_age_ms(const struct monitor *self, int64_t at_ms);
bool monitor_lingers(const struct monitor *self, const struct transfer *row);
/* The first slot in flight of a wallet, NULL for none. */
void monitor_lowest_set(struct monitor *self, size_t wallet, const struct transfer *row);

/* settle.c */
MUST_CHECK bool monitor_settle(struct monitor *self, struct err *err);
/* Looks again for the slots that are mined at a height, whose block is `canonical`; false in
 * *ret_answered: the node did not say of all. */
MUST_CHECK bool monitor_block_recheck(struct monitor *self, uint64_t number,
				      struct hash32 canonical, bool *ret_answered, struct err *err);

/* finality.c */
/* A transfer became final in this block. */
void monitor_final_note(struct monitor_chain *chain, uint64_t number, struct hash32 hash);
/* Is the newest block with a final transfer still the chain's? If not, the wallets stop. */
MUST_CHECK bool monitor_finality(struct monitor *self, struct err *err);

/* reconcile.c, balances.c */
MUST_CHECK bool monitor_reconcile(struct monitor *self, struct err *err);
MUST_CHECK bool monitor_balances(struct monitor *self, struct err *err);

#endif
