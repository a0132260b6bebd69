/* What the monitor remembers of receipts (facts.c). */
#ifndef SLUICE_SERVICE_MONITOR_FACTS_H
#define SLUICE_SERVICE_MONITOR_FACTS_H

#include "port/chain.h"
#include "service/monitor/claims.h"

/* What a receipt said of a slot, until another one needs its place: worth as much as the receipt
 * for as long as its block is canonical. */
struct fact {
	struct id transfer; /* zero: free */
	struct hash32 tx_hash;
	uint64_t block;
	struct hash32 block_hash;
	struct address to;
	bool is_cancel;
	bool is_foreign;
	bool success;
	bool has_log; /* the one Transfer log of the contract `to` */
	struct abi_log log;
};
/* About 1.3 MB when all are in use: what is mined in a minute at 60 a second. What is not there is
 * read again. A fact stands in one of a few places, found by its id. */
#define FACTS_MAX    4096
#define FACTS_PLACES 4

void monitor_fact_keep(struct monitor *self, const struct transfer *row,
		       const struct chain_receipt *receipt, struct receipt_of of);
/* Others do not say so: what its receipt said is worth nothing, and is read again. */
void monitor_fact_forget(struct monitor *self, const struct transfer *row);
/* What is known of a mined slot as its row has it; NULL: nothing. */
const struct fact *monitor_fact_of(const struct monitor *self, const struct transfer *row);

#endif
