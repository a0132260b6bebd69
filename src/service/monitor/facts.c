/* What receipts said, so that a slot that was seen mined is not asked for once more when it becomes
 * final. A receipt is of a block: while that block is canonical, what it says stands, whichever
 * node said it. It is believed for "paid" alone; before "unpaid" the receipt is read again. */
#include "service/monitor/monitor_parts.h"

#include "base/defence.h"

#include <string.h>

/* Ids end in random bits. */
static size_t place_of(struct id id)
{
	uint32_t bits;
	memcpy(&bits, id.bytes + sizeof id.bytes - sizeof bits, sizeof bits);
	return bits % FACTS_MAX;
}

/* The place of the transfer's fact; else the one whose block is the lowest: a free one, if any. */
static struct fact *place_take(struct monitor *self, struct id transfer)
{
	struct fact *chosen = NULL;
	for (size_t i = 0; i < FACTS_PLACES; i++) {
		struct fact *fact = &self->facts[(place_of(transfer) + i) % FACTS_MAX];
		if (id_equal(fact->transfer, transfer))
			return fact;
		if (chosen == NULL || fact->block < chosen->block)
			chosen = fact;
	}
	return chosen;
}

/* The one Transfer log of the contract that was called. False: there is none, or more. */
static bool log_find(const struct chain_receipt *receipt, struct abi_log *ret_log)
{
	size_t seen = 0;
	for (size_t i = 0; i < receipt->logs_len; i++) {
		struct abi_transfer event;
		if (!address_equal(receipt->logs[i].contract, receipt->to) ||
		    !abi_read_transfer_log(&receipt->logs[i], &event))
			continue;
		*ret_log = receipt->logs[i];
		seen++;
	}
	return seen == 1;
}

void monitor_fact_keep(struct monitor *self, const struct transfer *row,
		       const struct chain_receipt *receipt, struct receipt_of of)
{
	struct fact fact = { .transfer = row->id,
			     .tx_hash = receipt->tx_hash,
			     .block = receipt->block_number,
			     .block_hash = receipt->block_hash,
			     .to = receipt->to,
			     .is_cancel = of.is_cancel,
			     .is_foreign = of.is_foreign,
			     .success = receipt->success };
	struct fact *place = place_take(self, row->id);
	fact.has_log = receipt->logs_len <= CHAIN_LOGS_MAX && log_find(receipt, &fact.log);
	*place = fact;
}

const struct fact *monitor_fact_of(const struct monitor *self, const struct transfer *row)
{
	for (size_t i = 0; i < FACTS_PLACES; i++) {
		const struct fact *fact = &self->facts[(place_of(row->id) + i) % FACTS_MAX];
		if (!id_equal(fact->transfer, row->id))
			continue;
		bool same = fact->block == row->mined_block &&
			    hash32_equal(fact->block_hash, row->mined_block_hash) &&
			    hash32_equal(fact->tx_hash, row->mined_hash);
		return same || !DEFENCE("fact_is_of_its_row") ? fact : NULL;
	}
	return NULL;
}

void monitor_fact_forget(struct monitor *self, const struct transfer *row)
{
	struct fact *place = place_take(self, row->id);
	if (id_equal(place->transfer, row->id))
		*place = (struct fact){ .block = 0 };
}
