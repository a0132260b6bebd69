/* Queued withdrawals of one batch that end unpaid, until their voids are written together. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_ENDS_H
#define SLUICE_SERVICE_SIGNER_SIGNER_ENDS_H

#include "port/queue.h"
#include "core/refusal.h"
#include "core/withdrawal.h"

struct row_end {
	const struct withdrawal *row;
	enum withdrawal_stage to;
	enum refusal refusal;
	struct message_ack ack;
};

struct row_ends {
	struct row_end items[BATCH_MAX];
	size_t len;
	bool collects; /* a batch is being judged */
};

#endif
