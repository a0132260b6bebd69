/* What one process was told in its current step. What it may conclude is judged by this, and by
 * nothing that the world knows better. */
#ifndef SLUICE_SIM_SEEN_H
#define SLUICE_SIM_SEEN_H

#include "port/chain.h"
#include "port/journal.h"
#include "sim/chain_model.h"

#define SIM_SEEN_MAX   256 /* of each kind; the newest ones */
#define SIM_SEEN_HEADS 16

struct sim_seen_receipt {
	struct hash32 tx_hash;
	struct hash32 block_hash;
	uint64_t block;
	bool success;
};

struct sim_seen_block {
	uint64_t number;
	struct hash32 hash;
};

/* By one node, or by the front. */
struct sim_view {
	struct sim_seen_receipt receipts[SIM_SEEN_MAX];
	size_t receipts_len;
	struct sim_seen_block blocks[SIM_SEEN_MAX];
	size_t blocks_len;
	struct chain_head heads[SIM_SEEN_HEADS];
	size_t heads_len;
};

/* What the journal said of the rights of a withdrawal. */
struct sim_seen_rights {
	struct id withdrawal;
	size_t len;
	bool has_void;
};

struct sim_seen_send {
	struct hash32 tx_hash;
	enum chain_send_state state;
};

struct sim_seen {
	uint64_t step;                            /* of the world, when this one began */
	bool has_stood;                           /* still, in the middle of it */
	struct sim_view views[SIM_NODES_MAX + 1]; /* by node; the last is the front's */
	struct sim_seen_rights rights[SIM_SEEN_MAX];
	size_t rights_len;
	struct sim_seen_send sends[SIM_SEEN_MAX];
	size_t sends_len;
};

/* A step begins: nothing was told yet. */
void sim_seen_reset(struct sim_seen *seen, uint64_t step);
void sim_seen_head(struct sim_view *view, const struct chain_head *head);
void sim_seen_receipts(struct sim_view *view, const struct chain_receipt *receipts, size_t n);
void sim_seen_blocks(struct sim_view *view, const uint64_t *numbers,
		     const struct chain_block *blocks, size_t n);
void sim_seen_rights(struct sim_seen *seen, struct id withdrawal,
		     const struct journal_right *rights, size_t n);
void sim_seen_send(struct sim_seen *seen, struct hash32 tx_hash, enum chain_send_state state);

/* NULL: it was not told. */
const struct sim_seen_receipt *sim_view_receipt(const struct sim_view *view, struct hash32 tx_hash);
bool sim_view_has_block(const struct sim_view *view, uint64_t number, struct hash32 hash);
const struct chain_head *sim_view_head(const struct sim_view *view); /* the newest */
const struct sim_seen_rights *sim_seen_rights_of(const struct sim_seen *seen, struct id withdrawal);
const struct sim_seen_send *sim_seen_send_of(const struct sim_seen *seen, struct hash32 tx_hash);

#endif
