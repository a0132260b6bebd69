/* How a withdrawal ends unpaid, or goes on to its next round: ending.c. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_ENDING_H
#define SLUICE_SERVICE_SIGNER_SIGNER_ENDING_H

#include "service/signer/signer_parts.h"

/* An assigned withdrawal whose transfer is final and unpaid. */
MUST_CHECK bool signer_end_assigned(struct signer *self, const struct withdrawal *row,
				    const struct message_ack *ack, struct err *err);
/* Journals the void, then queues the change to a terminal stage. */
MUST_CHECK bool signer_end(struct signer *self, const struct withdrawal *row,
			   enum withdrawal_stage to, enum refusal refusal,
			   const struct message_ack *ack, struct err *err);
/* Voids of the queued rows that were ended since signer.ends.collects was set, and their changes; a
 * row whose void cannot be written now waits. */
void signer_ends_write(struct signer *self);
/* The same for a void that stands in the journal already (a crash before the store heard of it). */
MUST_CHECK bool signer_end_by_void(struct signer *self, const struct withdrawal *row,
				   const struct journal_right *right, const struct message_ack *ack,
				   struct err *err);

#endif
