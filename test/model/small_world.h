/* A world of two withdrawals and two nonces: small enough for all of its orders of events. What may
 * happen is decided by src/core (its tables, confirm, wish, policy), what is true by the chain of
 * the world; small_world.c knows the events, test_small_world.c looks at all of them. */
#ifndef SLUICE_TEST_MODEL_SMALL_WORLD_H
#define SLUICE_TEST_MODEL_SMALL_WORLD_H

#include "core/lifecycle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WITHDRAWALS    2
#define SLOTS          2
#define ATTEMPTS       2
#define SUCCESSORS_MAX 96

enum sum { /* of a withdrawal */
	   SUM_RIGHT = 0,
	   SUM_BELOW_MINIMUM = 1, /* the processor's rule says no */
	   SUM_ABOVE_LIMIT = 2,   /* the signer's own does */
};

enum hold {
	HOLD_NONE = 0,
	HOLD_DEAD_LETTER = 1,
	HOLD_DOUBT = 2,
};

enum result { /* of a transaction in a block */
	      RESULT_PAID = 0,
	      RESULT_REVERTED = 1,
	      RESULT_SILENT = 2, /* a token that says status 1 and logs nothing */
};

/* Bytes only, so that worlds can be compared as bytes. */
struct world_withdrawal {
	uint8_t stage;
	uint8_t sum;
	uint8_t round;
	uint8_t slot; /* from 1; 0: none */
	uint8_t cancel_requested;
	uint8_t hold;
};

#define FOREIGN_ATTEMPT 3

/* What a receipt said. Ages are blocks on top, counted up to the depth of "unpaid". */
struct world_receipt {
	uint8_t attempt; /* from 1; 0: in no block */
	uint8_t result;
	uint8_t age;
	uint8_t finalized;
	uint8_t fork; /* which of the forks its block is of */
};

struct world_slot {
	uint8_t stage;
	uint8_t outcome;
	uint8_t owner; /* from 1; 0: not taken */
	uint8_t round;
	uint8_t is_cancel;
	uint8_t attempts;
	uint8_t cancels; /* bits: attempts that are cancellations */
	uint8_t out;     /* bits: attempts whose bytes have left */
	uint8_t held;
	struct world_receipt seen; /* by the monitor, last */
};

struct world {
	struct world_withdrawal withdrawals[WITHDRAWALS];
	struct world_slot slots[SLOTS];
	struct world_receipt chain[SLOTS]; /* by nonce, which is the slot's place */
	uint8_t fork;                      /* that is canonical: counts reorgs */
	uint8_t stopped;                   /* the wallet; */
	uint8_t taken_back;                /* since the chain took back what was final (T9) */
	/* What may still happen to it. */
	uint8_t reorgs;
	uint8_t reverts;
	uint8_t strangers; /* foreign transactions, deep reorgs */
	uint8_t cancels;   /* asked for after the approval */
	uint8_t holds;     /* dead letters */
};

/* The change of a stage, for comparing with the tables. */
struct seen_moves {
	bool withdrawal[WITHDRAWAL_CANCELED + 1][WITHDRAWAL_CANCELED + 1][ACTOR_PERSON + 1];
	bool transfer[TRANSFER_FINAL + 1][TRANSFER_FINAL + 1][ACTOR_PERSON + 1];
};

/* Nothing has happened; how often things may go wrong is the caller's to set. */
struct world world_start(void);
/* All worlds that one event makes of this one. Fails the test when core forbids what an actor of
 * the system does. */
size_t world_successors(const struct world *world, struct seen_moves *moves,
			struct world ret_next[SUCCESSORS_MAX]);
/* NULL, or the rule that does not hold in this world. */
const char *world_broken_rule(const struct world *world);
/* NULL, or the rule that an event broke on the way. */
const char *world_broken_on_the_way(const struct world *from, const struct world *to);
/* NULL, or the rule that does not hold where nothing can happen any more. */
const char *world_broken_at_the_end(const struct world *world);

#endif
