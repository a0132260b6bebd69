/* Slots in flight. All hashes of a slot are looked for, always (T3); a receipt makes it mined; a
 * slot that the node does not know is wished to be sent again, one that lingers to be bumped.
 * Absence alone proves nothing (T12). */
#include "service/monitor/monitor_parts.h"

#include <string.h>

void monitor_watched_reset(struct monitor *self)
{
	self->watched_len = 0;
	self->hashes_len = 0;
}

bool monitor_watched_add(struct monitor *self, const struct transfer *row, bool *ret_added,
			 struct err *err)
{
	size_t n = 0;
	*ret_added = false;
	if (self->watched_len == WATCH_BATCH ||
	    self->hashes_len + (row->attempts > 0 ? row->attempts : 1) > HASHES_MAX)
		return true;
	if (!store_attempts_load(self->options.store, row->id, self->attempts, ATTEMPTS_MAX, &n,
				 err))
		return false;
	if (self->hashes_len + n > HASHES_MAX)
		return true;
	struct watched *watched = &self->watched[self->watched_len++];
	watched->row = *row;
	watched->first_hash = self->hashes_len;
	watched->hashes_len = n;
	for (size_t i = 0; i < n; i++) {
		self->hash_is_cancel[self->hashes_len] = self->attempts[i].is_cancel;
		self->hashes[self->hashes_len++] = self->attempts[i].tx_hash;
	}
	if (n > 0)
		watched->newest = self->attempts[n - 1];
	*ret_added = true;
	return true;
}

bool monitor_receipts(struct monitor *self, struct err *err)
{
	return self->hashes_len == 0 ||
	       chain_receipts(self->client, self->hashes, self->hashes_len, self->receipts, err);
}

const struct chain_receipt *monitor_receipt_of(const struct monitor *self,
					       const struct watched *watched, bool *ret_is_cancel)
{
	for (size_t i = 0; i < watched->hashes_len; i++) {
		const struct chain_receipt *receipt = &self->receipts[watched->first_hash + i];
		if (receipt->state != CHAIN_RECEIPT_FOUND)
			continue;
		*ret_is_cancel = self->hash_is_cancel[watched->first_hash + i];
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

void monitor_block_watch(struct monitor_chain *chain, uint64_t number, struct hash32 hash)
{
	for (size_t i = 0; i < chain->blocks_len; i++) {
		if (chain->blocks[i].number == number) {
			chain->blocks[i].hash = hash;
			return;
		}
	}
	if (chain->blocks_len == WATCHED_BLOCKS_MAX) {
		memmove(&chain->blocks[0], &chain->blocks[1],
			(WATCHED_BLOCKS_MAX - 1) * sizeof chain->blocks[0]);
		chain->blocks_len--;
	}
	chain->blocks[chain->blocks_len++] =
		(struct watched_block){ .number = number, .hash = hash };
}

static bool mined_observe(struct monitor *self, const struct watched *watched,
			  const struct chain_receipt *receipt, struct err *err)
{
	if (!monitor_room(self, err))
		return false;
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

/* How long ago; a time in the future was written while the clock was wrong, and is long ago. */
static int64_t age_ms(const struct monitor *self, int64_t at_ms)
{
	int64_t now_ms = clock_now_ms(self->options.clock);
	return at_ms > now_ms ? INT64_MAX : now_ms - at_ms;
}

/* Slots that were sent a while ago and are in no block: what does the node know of the newest
 * bytes? */
static size_t lingering_collect(struct monitor *self, struct watched *ret_lingering[WATCH_BATCH])
{
	size_t n = 0;
	for (size_t i = 0; i < self->watched_len; i++) {
		struct watched *watched = &self->watched[i];
		bool is_cancel = false;
		if (watched->row.stage != TRANSFER_BROADCAST || watched->hashes_len == 0 ||
		    monitor_receipt_of(self, watched, &is_cancel) != NULL)
			continue;
		if (age_ms(self, watched->row.sent_at) >= self->chain->params->rebroadcast_after_ms)
			ret_lingering[n++] = watched;
	}
	return n;
}

/* A bump helps the lowest slot of a wallet, which all others wait for, and any whose cap the base
 * fee has passed. The age is that of the bytes, not of the last time they were sent: a pool that
 * throws them out again and again wants more. */
static bool bump_helps(const struct monitor *self, const struct watched *watched, bool lowest)
{
	bool priced_out = wei_compare(self->chain->head.base_fee, watched->newest.fees.cap) > 0;
	if (age_ms(self, watched->newest.signed_at) < self->chain->params->bump_after_ms)
		return false;
	return lowest || priced_out;
}

static enum wish wish_of(const struct monitor *self, const struct watched *watched, bool lowest,
			 enum chain_lookup lookup)
{
	switch (lookup) {
	case CHAIN_LOOKUP_ABSENT:
		return bump_helps(self, watched, lowest) ? WISH_BUMP : WISH_REBROADCAST;
	case CHAIN_LOOKUP_PENDING:
		return bump_helps(self, watched, lowest) ? WISH_BUMP : WISH_NONE;
	case CHAIN_LOOKUP_MINED:
	case CHAIN_LOOKUP_UNKNOWN:
		return WISH_NONE;
	}
	return WISH_NONE;
}

static bool lingering_wish(struct monitor *self, struct err *err)
{
	struct watched *lingering[WATCH_BATCH];
	struct hash32 hashes[WATCH_BATCH];
	enum chain_lookup lookups[WATCH_BATCH];
	struct store_wish wishes[WATCH_BATCH];
	struct store_by by = monitor_by(self);
	size_t wishes_len = 0;
	size_t n = lingering_collect(self, lingering);
	if (n == 0)
		return true;
	for (size_t i = 0; i < n; i++)
		hashes[i] = lingering[i]->newest.tx_hash;
	if (!chain_lookups(self->client, hashes, n, lookups, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		/* Slots come in the order of nonces. */
		bool lowest =
			i == 0 || lingering[i - 1]->row.wallet_id != lingering[i]->row.wallet_id;
		enum wish wish = wish_of(self, lingering[i], lowest, lookups[i]);
		if (wish == WISH_NONE || wish <= lingering[i]->row.wish)
			continue;
		wishes[wishes_len++] =
			(struct store_wish){ .transfer = lingering[i]->row.id,
					     .wish = wish,
					     .attempts_seen = lingering[i]->row.attempts };
		monitor_log(self, &lingering[i]->row,
			    wish == WISH_BUMP ? "transfer_stuck" : "transfer_forgotten", &hashes[i],
			    "", false);
	}
	if (wishes_len == 0)
		return true;
	metric_count(self->wishes, (int64_t)wishes_len);
	if (!store_transfers_wish(self->options.store, wishes, wishes_len, &by, err))
		return false;
	queue_notify(self->options.queue, QUEUE_SIGNING);
	return true;
}

/* A slot whose nonce is consumed while none of its hashes is in a block. The nonces are of a block
 * that is deep enough for a verdict: a node that lags with its receipts is no foreign transaction.
 */
static void foreign_look(struct monitor *self, const struct watched *watched)
{
	struct sighting *free_one = NULL;
	bool consumed = false;
	for (size_t i = 0; i < self->wallets_len; i++)
		consumed |= self->wallets[i].id == watched->row.wallet_id &&
			    self->nonces[i].known && watched->row.nonce < self->nonces[i].count;
	if (!consumed || monitor_is_unknown(self, watched))
		return;
	for (size_t i = 0; i < SIGHTINGS_MAX; i++) {
		struct sighting *sighting = &self->chain->sightings[i];
		if (sighting->count > 0 && id_equal(sighting->transfer, watched->row.id)) {
			sighting->seen = true;
			return;
		}
		if (sighting->count == 0 && !sighting->seen)
			free_one = sighting;
	}
	if (free_one != NULL)
		*free_one = (struct sighting){ .transfer = watched->row.id, .seen = true };
}

/* The batch is full, or all is collected: ask, and act on what is there. */
static bool watched_ask(struct monitor *self, struct err *err)
{
	if (!monitor_receipts(self, err))
		return false;
	for (size_t i = 0; i < self->watched_len; i++) {
		bool is_cancel = false;
		const struct chain_receipt *receipt =
			monitor_receipt_of(self, &self->watched[i], &is_cancel);
		if (receipt == NULL)
			foreign_look(self, &self->watched[i]);
		else if (!mined_observe(self, &self->watched[i], receipt, err))
			return false;
	}
	if (!lingering_wish(self, err))
		return false;
	monitor_watched_reset(self);
	return true;
}

static bool foreign_stop(struct monitor *self, const struct sighting *sighting, struct err *err)
{
	struct store_by by = monitor_by(self);
	struct transfer row;
	bool found = false;
	if (!store_transfer_load(self->options.store, sighting->transfer, &row, &found, err))
		return false;
	if (!found)
		return true;
	monitor_log(self, &row, "nonce_consumed_elsewhere", NULL,
		    "is consumed, and by none of our transactions: the wallet stops", true);
	return store_wallet_stop(self->options.store, row.wallet_id, "nonce_consumed_elsewhere",
				 &by, err);
}

/* A wallet that the chain has seen more transactions of than we ever reserved: somebody else has
 * its key, or the store is an old one. Its next nonce is not what we believe, so nothing is
 * reserved. */
static bool ahead_judge(struct monitor *self, size_t index, struct err *err)
{
	const struct wallet *wallet = &self->wallets[index];
	const struct chain_nonce *nonce = &self->nonces[index];
	unsigned *sightings = &self->chain->ahead[index];
	struct store_by by = monitor_by(self);
	bool ahead = wallet->entered && nonce->known && nonce->count > wallet->next_nonce;
	*sightings = ahead ? *sightings + 1 : 0;
	if (*sightings != FOREIGN_SIGHTINGS || wallet->stop_reason[0] != 0)
		return true;
	struct address_text address = address_text(wallet->address);
	struct log_about about = { .action = "nonce_consumed_elsewhere",
				   .wallet = address.at,
				   .alarm = true };
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "nonce_consumed_elsewhere the chain knows transactions that are none of ours: the "
		 "wallet stops");
	return store_wallet_stop(self->options.store, wallet->id, "nonce_consumed_elsewhere", &by,
				 err);
}

/* Several sightings of one slot in a row, so that a node that contradicts itself for a moment stops
 * nobody. */
static bool foreign_judge(struct monitor *self, struct err *err)
{
	for (size_t i = 0; i < SIGHTINGS_MAX; i++) {
		struct sighting *sighting = &self->chain->sightings[i];
		sighting->count = sighting->seen ? sighting->count + 1 : 0;
		sighting->seen = false;
		if (sighting->count == FOREIGN_SIGHTINGS && !foreign_stop(self, sighting, err))
			return false;
	}
	return true;
}

static bool slots_collect(struct monitor *self, const struct wallet *wallet, struct err *err)
{
	struct store_transfer_filter filter = { .wallet_id = wallet->id,
						.first = TRANSFER_RESERVED,
						.last = TRANSFER_BROADCAST,
						.mined_block_max = UINT64_MAX,
						.limit = WATCH_BATCH };
	size_t n = 0;
	if (!store_transfers_load(self->options.store, &filter, self->rows, &n, err))
		return false;
	self->busy |= n > 0;
	for (size_t i = 0; i < n; i++) {
		bool added = false;
		if (!monitor_watched_add(self, &self->rows[i], &added, err))
			return false;
		if (added)
			continue;
		if (!watched_ask(self, err) ||
		    !monitor_watched_add(self, &self->rows[i], &added, err))
			return false;
	}
	return true;
}

static bool is_of_chain(const struct monitor *self, const struct wallet *wallet)
{
	return wallet->chain_id == self->chain->params->chain_id;
}

/* Nonces at a block that is as deep as a paid verdict; none while the chain is younger. */
static bool nonces_read(struct monitor *self, struct err *err)
{
	uint64_t block = 0;
	struct address addresses[WALLETS_MAX];
	struct chain_nonce nonces[WALLETS_MAX];
	size_t n = 0;
	memset(self->nonces, 0, sizeof self->nonces);
	for (size_t i = 0; i < self->wallets_len; i++)
		if (is_of_chain(self, &self->wallets[i]))
			addresses[n++] = self->wallets[i].address;
	if (n == 0 || !confirm_final_block(self->chain->params, self->chain->head.number,
					   self->chain->mark, &block))
		return true;
	if (!chain_nonces(self->client, block, addresses, n, nonces, err))
		return false;
	n = 0;
	for (size_t i = 0; i < self->wallets_len; i++) {
		if (is_of_chain(self, &self->wallets[i]))
			self->nonces[i] = nonces[n++];
	}
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
	if (!nonces_read(self, err))
		return false;
	monitor_watched_reset(self);
	for (size_t i = 0; i < self->wallets_len; i++)
		if (is_of_chain(self, &self->wallets[i]) &&
		    !slots_collect(self, &self->wallets[i], err))
			return false;
	if (!watched_ask(self, err))
		return false;
	chain->in_flight = self->busy;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (!ahead_judge(self, i, err))
			return false;
	return foreign_judge(self, err);
}
