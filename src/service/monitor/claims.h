/* What the node that named the head says of mined slots, before it counts. */
#ifndef SLUICE_SERVICE_MONITOR_CLAIMS_H
#define SLUICE_SERVICE_MONITOR_CLAIMS_H

#include "base/err.h"
#include "core/confirm.h"

struct monitor;

/* Slots that are looked at together. */
#define WATCH_BATCH 64

/* What the receipt is of that was found among a slot's hashes. */
struct receipt_of {
	bool is_cancel;
	bool is_foreign; /* of the transaction that was seen in the slot's place */
};

struct claim {
	struct transfer row;
	struct receipt_of of;
	enum confirm verdict;          /* FINAL or HOLD */
	enum transfer_outcome outcome; /* of FINAL */
};

/* agree.c */
void monitor_claim(struct monitor *self, const struct transfer *row, struct receipt_of of,
		   enum confirm verdict, enum transfer_outcome outcome);
/* Up to WATCH_BATCH claims: what enough nodes say alike takes effect. Uses hashes and receipts. */
MUST_CHECK bool monitor_claims_settle(struct monitor *self, struct err *err);

/* settle.c */
/* The verdict takes effect. There has to be room. */
void monitor_claim_observe(struct monitor *self, const struct claim *claim);

#endif
