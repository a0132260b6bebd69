/* When a slot that is in no block is sent again, and when with a higher fee. Pure: the monitor
 * gathers the facts.
 *
 * A higher fee helps when blocks come and leave the slot out although the node offers it. It does
 * not help while no blocks come, and not a node that has forgotten the bytes: that one gets them
 * again. A node that drops them silently, over and over, asks for a higher fee all the same. Where
 * the market asks for more than the bytes can pay, their age says nothing more: one interval after
 * they were signed they are bumped. */
#ifndef SLUICE_CORE_WISH_H
#define SLUICE_CORE_WISH_H

#include "core/catalogue.h"
#include "core/withdrawal.h"

/* Blocks that have to pass a slot by: one or two may have been made before it was known. */
#define WISH_HEADS_MIN 3

struct wish_facts {
	bool is_pending;    /* the node knows the newest bytes, and in no block; else it does not */
	bool is_lowest;     /* of its wallet: all others wait for it */
	bool is_priced_out; /* the base fee has passed its fee cap */
	bool is_underbid;   /* the market's tip has passed what it can still pay, by a bump */
	bool is_forgotten;  /* the node was seen without the bytes, now or before */
	int64_t bytes_age_ms;  /* since they were signed */
	int64_t forgotten_ms;  /* since they were seen missing first; when is_forgotten */
	int64_t head_age_ms;   /* since the head was last seen to rise */
	uint64_t heads_passed; /* rises seen since it is the lowest, or since it was missing first
				*/
};

/* *ret_reason: why; NONE without a wish. */
enum wish wish_choose(const struct chain_params *chain, const struct wish_facts *facts,
		      enum wish_reason *ret_reason);
/* "age", "fee_pressure", …; "" for NONE and for what only an edited row can have. Static storage.
 */
const char *wish_reason_text(enum wish_reason reason);

#endif
