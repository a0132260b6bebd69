/* What looks wrong on a chain, and is looked at several times before anybody is told. */
#ifndef SLUICE_SERVICE_MONITOR_SIGHTINGS_H
#define SLUICE_SERVICE_MONITOR_SIGHTINGS_H

#include "base/err.h"
#include "core/id.h"

#include <stdbool.h>
#include <stdint.h>

struct monitor;

/* A slot whose nonce is consumed, deep enough for a verdict, by none of its hashes. */
struct sighting {
	struct id transfer;
	unsigned count; /* in a row; 0: free */
	bool seen;      /* in this step */
	bool told;      /* and its wallet is stopped */
	uint64_t scan;  /* its transaction is in this block or below; 0: not looked for yet */
};

/* A slot that is final in the store, and whose nonce the chain has not given away. */
struct unmined {
	uint64_t nonce;
	unsigned heads; /* in a row */
};

/* unmined.c: after the watch, whose nonces of the head it takes. */
MUST_CHECK bool monitor_unmined(struct monitor *self, struct err *err);

#endif
