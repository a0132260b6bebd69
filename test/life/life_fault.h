/* Ports that misbehave on demand: each call of store, queue, journal, keys and chain that the
 * services make is counted, and the one that is chosen fails, loses its answer, or is the last one
 * before its process dies. */
#ifndef SLUICE_TEST_LIFE_LIFE_FAULT_H
#define SLUICE_TEST_LIFE_LIFE_FAULT_H

#include "life.h"

enum life_fault_mode {
	LIFE_FAULT_NONE = 0,
	LIFE_FAULT_FAIL,    /* nothing is done, and the call says so */
	LIFE_FAULT_LOSE,    /* it is done, and the call says that it may be */
	LIFE_FAULT_KILL,    /* it is done, and the process is gone; its role starts again */
	LIFE_FAULT_DOUBLE,  /* a send that hands the bytes over twice */
	LIFE_FAULT_TOO_LOW, /* a send that is answered with "nonce too low", and did nothing */
	LIFE_FAULT_ACT,     /* somebody else acts first; then the call goes on */
	LIFE_FAULT_AFTER,   /* the call is done, and somebody else acts before its caller goes on */
	LIFE_FAULT_STORM,   /* one of the first three at random; `at` in a thousand calls */
};

struct life_fault_plan {
	enum life_fault_mode mode;
	const char *call; /* "store_transfers_reserve"; NULL: any */
	uint64_t at;      /* the at-th such call, from 1; 0: every one of them */
	uint64_t seed;    /* of a storm; not 0 */
	void (*act)(struct life *life, const struct withdrawal *row);
	const struct withdrawal *row;
};

/* The next of a row of random numbers. */
uint64_t life_random(uint64_t *state);

/* Puts the wrappers between the life's services and its ports; they are ended by life_tear_down. */
void life_fault_install(struct life *life);
/* Starts counting from zero. */
void life_fault_plan(struct life *life, struct life_fault_plan plan);
/* The same for a plan of one call. */
void life_fault_at(struct life *life, enum life_fault_mode mode, const char *call, uint64_t at);
/* Without a plan. */
void life_fault_clear(struct life *life);
/* Calls that the plan counted so far, and the name of the one that was hit ("" for none). */
uint64_t life_fault_seen(const struct life *life);
const char *life_fault_hit(const struct life *life);
/* Rights that journal_rights_after has handed out so far. */
uint64_t life_fault_rights_listed(const struct life *life);

#endif
