/* What is remembered of the run: by the client, and by the checkers, of orders, slots and leases.
 */
#ifndef SLUICE_SIM_RECORD_H
#define SLUICE_SIM_RECORD_H

#include "core/withdrawal.h"
#include "sim/desk.h"
#include "sim/sim.h"

struct sim_process;

/* Why a person may be needed for a withdrawal: a hold without any is a failure of the run. */
#define SIM_CAUSE_EDITED    (1U << 0)
#define SIM_CAUSE_RECEIVER  (1U << 1) /* receiver or token behaves oddly */
#define SIM_CAUSE_TAKE_BACK (1U << 2)
#define SIM_CAUSE_FOREIGN   (1U << 3)

/* What the client knows, and what the checkers keep, of one withdrawal. */
struct sim_order {
	struct id id; /* once answered with 202 */
	char key[24];
	size_t asset;
	struct address to;
	struct amount amount;
	bool accepted;
	bool cancel_asked;
	unsigned causes; /* SIM_CAUSE_* */
	int64_t post_at;
	int64_t cancel_at;     /* 0: not */
	int64_t hurry_at;      /* when it asks for more speed; */
	unsigned hurries_left; /* 0: not */
	unsigned repeats_left; /* of the request after its 202: they must change nothing */
	/* As the store has it: */
	int64_t row; /* rowid; 0 before it was seen */
	enum withdrawal_stage stage;
	uint64_t version;
	char held_reason[REASON_LEN_MAX + 1];
	struct id id_stored; /* of the row; the answer may still be lost */
	bool cancel_requested;
	uint64_t cancel_step; /* of the world, when the row began to say so */
	uint64_t held_step;   /* likewise */
	bool is_mistaken;     /* they named a transaction that did not pay it */
	bool resolved;        /* people said that a stranger's transaction did not pay it */
	unsigned rounds;
	enum withdrawal_stage told; /* its end before a restore, which stands; 0: none */
	uint64_t told_version;
	bool is_fickle; /* a block may find it unwilling, though an estimate did not */
	unsigned flips; /* blocks in which its receiver refuses, though an estimate says yes */
	struct sim_case people; /* what they were asked about it */
};

/* One slot as the checkers saw it grow. */
struct sim_slot {
	int64_t row;  /* rowid of transfers */
	bool is_lost; /* of a store that was replaced by an older copy; row is -1 */
	unsigned wallet;
	uint64_t nonce;
	enum transfer_stage stage;
	enum transfer_outcome outcome;
	int order; /* -1: a filler */
	unsigned round;
	unsigned attempts;
	/* Of the newest attempt: */
	struct fees fees;
	int64_t signed_at;
	bool canceled;         /* a cancellation of it was signed */
	bool is_edited;        /* its row is not what the services wrote */
	bool is_bent;          /* nor is what it pays; */
	uint64_t bent_step;    /* since that step of the world */
	bool is_end_edited;    /* nor is its end */
	bool is_forged;        /* no service made its row, or has signed for it yet */
	bool is_stuffed;       /* its attempts are not what the signer wrote */
	uint64_t signed_epoch; /* of the wallet's lease, at the newest signature */
	unsigned sender;       /* incarnation that handed it to a node last; 0: none */
	int64_t paid_at;       /* of the first signature that pays; 0: none */
	bool is_resolved;      /* people said that it goes out again */
	int64_t stale_since;   /* its block is not the chain's; 0: it is */
};
#define SIM_SLOTS_MAX (4 * SIM_WITHDRAWALS_MAX)

struct sim_lease {
	char name[80];
	const struct sim_process *owner;
	char holder[32]; /* its name then */
	int64_t renewed_ms;
};

/* What stands there when a port call begins, for its item of the same index. */
struct sim_before {
	int64_t version;
	int stage;
	unsigned round;
	bool held;
	bool cancel_requested;
	bool message_open; /* the wake-up is not this claim's to end */
	bool spent;        /* the right stands in the journal already */
	enum wish wish;
	int64_t wish_seen;
	int64_t attempts;
};

#endif
