/* What a batch of the signer asks once, and remembers until the next one begins. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_NAMES_H
#define SLUICE_SERVICE_SIGNER_SIGNER_NAMES_H

#include "port/journal.h"

struct signer_asked {
	struct journal_name unused[2 * BATCH_MAX]; /* names without rights: names.c */
	size_t unused_len;
	bool losses_known; /* of the journal, by now: loss.c */
	uint32_t losses;
	int64_t lost_at;      /* the last one */
	bool rights_followed; /* up to now: spending.c */
};

#endif
