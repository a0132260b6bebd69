/* Slots in flight. Those whose nonce the wallet has passed are looked for by all their hashes,
 * always (T3); a receipt makes one mined. What lingers goes to wish.c. Absence alone proves nothing
 * (T12). */
#include "service/monitor/monitor_parts.h"

#include "base/defence.h"
#include "core/reason.h"

#include <string.h>

void monitor_watched_reset(struct monitor *self)
{
	self->watched_len = 0;
	self->hashes_len = 0;
}

static void hash_add(struct monitor *self, struct hash32 hash, bool is_cancel, bool is_foreign)
{
	self->hash_is_cancel[self->hashes_len] = is_cancel;
	self->hash_is_foreign[self->hashes_len] = is_foreign;
	self->hashes[self->hashes_len++] = hash;
}

bool monitor_watched_add(struct monitor *self, const struct transfer *row, bool *ret_added,
			 struct err *err)
{
	size_t n = 0;
	/* The row may say anything; there are no more. */
	size_t most = row->attempts < ATTEMPTS_MAX ? row->attempts : ATTEMPTS_MAX;
	*ret_added = false;
	if (self->watched_len == WATCH_BATCH ||
	    self->hashes_len + (most > 0 ? most : 1) > HASHES_MAX)
		return true;
	if (!monitor_attempts_load(self, row->id, &n, err))
		return false;
	bool foreign = row->stage == TRANSFER_MINED && row->outcome == OUTCOME_FOREIGN;
	if (self->hashes_len + n + (foreign ? 1 : 0) > HASHES_MAX)
		return true;
	struct watched *watched = &self->watched[self->watched_len++];
	watched->row = *row;
	watched->first_hash = self->hashes_len;
	for (size_t i = DEFENCE("all_hashes") || n == 0 ? 0 : n - 1; i < n; i++)
		hash_add(self, self->attempts[i].tx_hash, self->attempts[i].is_cancel, false);
	if (foreign)
		hash_add(self, row->mined_hash, false, true);
	watched->hashes_len = self->hashes_len - watched->first_hash;
	if (n > 0)
		watched->newest = self->attempts[n - 1];
	*ret_added = true;
	return true;
}

/* What stands above the head is looked at when the head gets there. One receipt of a block that
 * never comes would keep its slot for ever. */
bool monitor_receipts(struct monitor *self, struct err *err)
{
	if (self->hashes_len == 0)
		return true;
	if (!chain_receipts(self->client, self->hashes, self->hashes_len, self->receipts, err))
		return false;
	for (size_t i = 0; i < self->hashes_len && DEFENCE("receipt_is_below_head"); i++) {
		struct chain_receipt *receipt = &self->receipts[i];
		if (receipt->state == CHAIN_RECEIPT_FOUND &&
		    receipt->block_number > self->chain->head.number)
			receipt->state = CHAIN_RECEIPT_UNKNOWN;
	}
	return true;
}

const struct chain_receipt *monitor_receipt_of(const struct monitor *self,
					       const struct watched *watched,
					       struct receipt_of *ret_of)
{
	for (size_t i = 0; i < watched->hashes_len; i++) {
		const struct chain_receipt *receipt = &self->receipts[watched->first_hash + i];
		if (receipt->state != CHAIN_RECEIPT_FOUND)
			continue;
		ret_of->is_cancel = self->hash_is_cancel[watched->first_hash + i];
		ret_of->is_foreign = self->hash_is_foreign[watched->first_hash + i];
		return receipt;
	}
	return NULL;
}

bool monitor_is_unknown(const struct monitor *self, const struct watched *watched)
{
	for (size_t i = 0; i < watched->hashes_len; i++)
		if (self->receipts[watched->first_hash + i].state == CHAIN_RECEIPT_UNKNOWN)
			return true;
	return false;
}

static bool mined_observe(struct monitor *self, const struct watched *watched,
			  const struct chain_receipt *receipt, struct receipt_of of,
			  struct err *err)
{
	bool canonical = false;
	/* Of a block that the chain has not it is some other machine's word. */
	if (!monitor_is_canonical(self, receipt->block_number, receipt->block_hash, &canonical,
				  err))
		return false;
	if (!canonical)
		return true;
	if (!monitor_room(self, err))
		return false;
	monitor_fact_keep(self, &watched->row, receipt, of);
	struct store_observation *item = monitor_observe(self, &watched->row);
	item->to = TRANSFER_MINED;
	item->mined_hash = receipt->tx_hash;
	item->mined_block = receipt->block_number;
	item->mined_block_hash = receipt->block_hash;
	monitor_block_watch(self->chain, receipt->block_number, receipt->block_hash);
	metric_count(self->mined, 1);
	monitor_log(self, &watched->row, "transfer_mined", &receipt->tx_hash, "", false);
	return true;
}

/* The nonces of the chain's wallets at a block, each at its wallet's place. */
static bool nonces_ask(struct monitor *self, uint64_t block,
		       struct chain_nonce ret_nonces[WALLETS_MAX], struct err *err)
{
	struct address addresses[WALLETS_MAX];
	struct chain_nonce nonces[WALLETS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (monitor_is_of_chain(self, &self->wallets[i]))
			addresses[n++] = self->wallets[i].address;
	if (n > 0 && !chain_nonces(self->client, block, addresses, n, nonces, err))
		return false;
	n = 0;
	memset(ret_nonces, 0, WALLETS_MAX * sizeof ret_nonces[0]);
	for (size_t i = 0; i < self->wallets_len; i++)
		if (monitor_is_of_chain(self, &self->wallets[i]))
			ret_nonces[i] = nonces[n++];
	return true;
}

/* Nonces at a block that is as deep as a paid verdict, or as deep as nodes keep states; none while
 * the chain is younger. They are asked for when something is suspicious, once in a step. */
static bool nonces_read(struct monitor *self, struct err *err)
{
	uint64_t head = self->chain->head.number;
	uint64_t block = 0;
	if (self->nonces_read)
		return true;
	memset(self->nonces, 0, sizeof self->nonces);
	if (confirm_final_block(self->chain->params, head, monitor_finalized(self->chain),
				&block)) {
		if (!DEFENCE("foreign_is_deep"))
			block = head;
		if (head - block > CHAIN_STATE_BLOCKS)
			block = head - CHAIN_STATE_BLOCKS;
		if (!nonces_ask(self, block, self->nonces, err))
			return false;
		self->nonces_block = block;
	}
	self->nonces_read = true;
	return true;
}

/* May it be in a block? A nonce that is not known is looked for. */
static bool may_be_mined(const struct monitor *self, size_t wallet, uint64_t nonce)
{
	return !self->latest[wallet].known || nonce < self->latest[wallet].count;
}

static bool is_old(const struct monitor *self, size_t wallet)
{
	enum reason reason = REASON_NONE;
	return !self->options.recovers &&
	       reason_read(str_from(self->wallets[wallet].stop_reason), &reason) &&
	       (reason == REASON_RECOVERING || reason == REASON_JOURNAL_IS_AHEAD);
}

/* A slot whose nonce is consumed while none of its hashes is in a block. The nonces are of a block
 * that is deep enough for a verdict: a node that lags with its receipts is no foreign transaction.
 */
static bool foreign_look(struct monitor *self, const struct watched *watched, struct err *err)
{
	struct sighting *free_one = NULL;
	/* An old store does not know all transactions that are ours. */
	if (is_old(self, watched->wallet))
		return true;
	if (!may_be_mined(self, watched->wallet, watched->row.nonce) ||
	    (DEFENCE("unknown_is_no_news") && monitor_is_unknown(self, watched)))
		return true;
	if (!nonces_read(self, err))
		return false;
	const struct chain_nonce *nonce = &self->nonces[watched->wallet];
	if (!nonce->known || watched->row.nonce >= nonce->count)
		return true;
	for (size_t i = 0; i < SIGHTINGS_MAX; i++) {
		struct sighting *sighting = &self->chain->sightings[i];
		if (sighting->count > 0 && id_equal(sighting->transfer, watched->row.id)) {
			sighting->seen = true;
			return true;
		}
		if (sighting->count == 0 && !sighting->seen)
			free_one = sighting;
	}
	if (free_one != NULL)
		*free_one = (struct sighting){ .transfer = watched->row.id, .seen = true };
	return true;
}

/* The batch is full, or all is collected: ask, and act on what is there. */
static bool watched_ask(struct monitor *self, struct err *err)
{
	if (!monitor_receipts(self, err))
		return false;
	for (size_t i = 0; i < self->watched_len; i++) {
		struct watched *watched = &self->watched[i];
		struct receipt_of of = { 0 };
		const struct chain_receipt *receipt = monitor_receipt_of(self, watched, &of);
		bool done = receipt == NULL ? foreign_look(self, watched, err)
					    : mined_observe(self, watched, receipt, of, err);
		if (!done)
			return false;
	}
	if (!monitor_wish(self, err))
		return false;
	monitor_watched_reset(self);
	return true;
}

static bool foreign_stop(struct monitor *self, struct sighting *sighting,
			 const struct transfer *row, struct err *err)
{
	if (sighting->told)
		return true;
	monitor_log(self, row, "nonce_consumed_elsewhere", NULL,
		    "is consumed, and by none of our transactions: the wallet stops", true);
	if (!monitor_wallet_stop(self, row->wallet_id, REASON_NONCE_CONSUMED_ELSEWHERE, err))
		return false;
	sighting->told = true;
	return true;
}

/* Its transaction is looked for, with each head that shows the slot as it was. As soon as it is
 * there, or when it is not found for a while, the wallet stops, before anything else is written.
 * One of ours is no sight: receipts and nonces were of two machines. */
static bool foreign_act(struct monitor *self, struct sighting *sighting, struct err *err)
{
	struct transfer row;
	struct chain_found tx;
	struct err fault = { 0 };
	bool found = false, own = false;
	if (!store_transfer_load(self->options.store, sighting->transfer, &row, &found, err))
		return false;
	if (!found || row.stage >= TRANSFER_MINED)
		return true;
	bool looked = monitor_foreign_find(self, sighting, &row, &tx, &own, &fault);
	bool is_there = looked && tx.state == CHAIN_FOUND;
	if (is_there && own && DEFENCE("own_is_no_stranger")) {
		sighting->count = 0;
		return true;
	}
	if (!is_there && sighting->count < FOREIGN_PATIENCE)
		return true;
	if (!foreign_stop(self, sighting, &row, err))
		return false;
	return !is_there || monitor_foreign_observe(self, &row, &tx, err);
}

/* A wallet that the chain has seen more transactions of than we ever reserved: somebody else has
 * its key, or the store is an old one. Its next nonce is not what we believe, so nothing is
 * reserved. */
static bool ahead_judge(struct monitor *self, size_t index, struct err *err)
{
	const struct wallet *wallet = &self->wallets[index];
	const struct chain_nonce *nonce = &self->nonces[index];
	unsigned *sightings = &self->chain->ahead[index];
	bool suspicious = wallet->entered && monitor_is_of_chain(self, wallet) &&
			  may_be_mined(self, index, wallet->next_nonce);
	if (suspicious && !nonces_read(self, err))
		return false;
	bool ahead = suspicious && nonce->known && nonce->count > wallet->next_nonce;
	*sightings = ahead ? *sightings + 1 : 0;
	if (!DEFENCE("foreign_stop") || *sightings < FOREIGN_SIGHTINGS ||
	    wallet->stop_reason[0] != 0)
		return true;
	struct address_text address = address_text(wallet->address);
	struct log_about about = { .action = "nonce_consumed_elsewhere",
				   .wallet = address.at,
				   .alarm = true };
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "nonce_consumed_elsewhere the chain knows transactions that are none of ours: the "
		 "wallet stops");
	return monitor_wallet_stop(self, wallet->id, REASON_NONCE_CONSUMED_ELSEWHERE, err);
}

/* Several sightings of one slot in a row, so that a node that contradicts itself for a moment stops
 * nobody. */
static bool foreign_judge(struct monitor *self, struct err *err)
{
	for (size_t i = 0; i < SIGHTINGS_MAX; i++) {
		struct sighting *sighting = &self->chain->sightings[i];
		sighting->count = sighting->seen ? sighting->count + 1 : 0;
		sighting->told &= sighting->seen;
		sighting->seen = false;
		if (DEFENCE("foreign_stop") && sighting->count >= FOREIGN_SIGHTINGS &&
		    !foreign_act(self, sighting, err))
			return false;
	}
	return true;
}

/* Adds a slot to the batch, which is asked for first when it is full. */
static bool slot_add(struct monitor *self, size_t wallet, const struct transfer *row,
		     bool is_lowest, struct err *err)
{
	bool added = false;
	if (!monitor_watched_add(self, row, &added, err))
		return false;
	if (!added && (!watched_ask(self, err) || !monitor_watched_add(self, row, &added, err)))
		return false;
	CHECK(added); /* one slot always fits */
	self->watched[self->watched_len - 1].wallet = wallet;
	self->watched[self->watched_len - 1].is_lowest = is_lowest;
	return true;
}

/* What cannot be mined yet and was sent a moment ago has no news. */
static bool has_news(struct monitor *self, size_t wallet, const struct transfer *row)
{
	return may_be_mined(self, wallet, row->nonce) || monitor_lingers(self, row);
}

static bool page_fetch(struct monitor *self, size_t wallet, size_t n, struct err *err)
{
	struct id slots[WATCH_BATCH] = { { { 0 } } };
	size_t len = 0;
	for (size_t i = 0; i < n; i++)
		if (has_news(self, wallet, &self->rows[i]))
			slots[len++] = self->rows[i].id;
	return monitor_attempts_fetch(self, slots, len, err);
}

static bool slots_collect(struct monitor *self, size_t wallet, struct err *err)
{
	struct store_transfer_filter filter = { .wallet_id = self->wallets[wallet].id,
						.first = TRANSFER_RESERVED,
						.last = TRANSFER_BROADCAST,
						.mined_block_max = UINT64_MAX,
						.limit = WATCH_BATCH };
	size_t n = 0;
	if (!store_transfers_load(self->options.store, &filter, self->rows, &n, err))
		return false;
	self->busy |= n > 0;
	monitor_lowest_set(self, wallet, n > 0 ? &self->rows[0] : NULL);
	if (!page_fetch(self, wallet, n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct transfer *row = &self->rows[i];
		if (!has_news(self, wallet, row))
			continue;
		/* Behind a gap (what was final was taken back) no slot is the next one. */
		const struct chain_nonce *latest = &self->latest[wallet];
		bool is_next = !latest->known || row->nonce <= latest->count;
		if (!slot_add(self, wallet, row, i == 0 && is_next, err))
			return false;
	}
	monitor_attempts_forget(self);
	return true;
}

bool monitor_watch(struct monitor *self, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	int64_t now = clock_monotonic_ms(self->options.clock);
	/* Receipts come with heads; between heads only the ages of slots change. */
	if (!chain->new_head && now < chain->watch_at) {
		self->busy |= chain->in_flight;
		return true;
	}
	chain->watch_at = now + WATCH_INTERVAL_MS;
	self->nonces_read = false;
	/* What a step saw that failed is seen again, or it is none. */
	for (size_t i = 0; i < SIGHTINGS_MAX; i++)
		chain->sightings[i].seen &= !DEFENCE("failed_step_saw_nothing");
	if (!nonces_ask(self, chain->head.number, self->latest, err))
		return false;
	monitor_watched_reset(self);
	for (size_t i = 0; i < self->wallets_len; i++)
		if (monitor_is_of_chain(self, &self->wallets[i]) && !slots_collect(self, i, err))
			return false;
	if (!watched_ask(self, err))
		return false;
	chain->in_flight = self->busy;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (!ahead_judge(self, i, err))
			return false;
	return foreign_judge(self, err);
}
