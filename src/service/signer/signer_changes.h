/* Answers to withdrawals, of one step of the signer: changes.c. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_CHANGES_H
#define SLUICE_SERVICE_SIGNER_SIGNER_CHANGES_H

#include "port/store_transfer.h"

struct signer;

/* What is told of a change once it is written. */
struct change_news {
	const struct withdrawal *row; /* borrowed until then */
	const char *action;           /* NULL: nothing */
	const char *text;
	bool alarm;
};

/* One more change of this step, by default to nothing else than the row's own stage. */
struct store_change *signer_change_next(struct signer *self, const struct withdrawal *row,
					const struct message_ack *ack, struct change_news news);
/* Writes the changes of this step, if there are any, and tells what was written. */
MUST_CHECK bool signer_changes_write(struct signer *self, struct err *err);
/* A part that is away is no verdict about the row. */
void signer_row_wait(struct signer *self, const struct withdrawal *row,
		     const struct message_ack *ack, const struct err *fault);
void signer_change_wait(struct signer *self, const struct withdrawal *row, const char *reason,
			const struct message_ack *ack);
void signer_change_hold(struct signer *self, const struct withdrawal *row, const char *reason,
			const struct message_ack *ack, bool bury);
/* Holds the row unless it has moved since it was read: row, slot and journal are read one after the
 * other, and what looks wrong may be torn. A row that moved has its own wake-up. */
MUST_CHECK bool signer_hold_if_same(struct signer *self, const struct withdrawal *row,
				    const char *reason, const struct message_ack *ack,
				    struct err *err);

#endif
