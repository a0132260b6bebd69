/* The blocks since the backup: what our wallets sent that the store does not know. A transaction is
 * ours by its signature and by the journal, which has its nonce with this very payload; any other
 * one is a stranger's, and for a person. */
#include "service/signer/signer_loss.h"
#include "service/signer/signer_recovery.h"

#include "base/defence.h"
#include "core/transfer.h"

#include <string.h>

#define SCAN_CALLS  4  /* in a step */
#define SCAN_MARGIN 64 /* blocks below where the backup's last look was */
#define SCAN_STEP   4096
#define SCAN_AGAIN \
	8 /* blocks after which a consumed nonce without its transaction is looked for lower */

static bool is_scanned(const struct signer_wallet *wallet, size_t chain)
{
	return wallet->row.id != 0 && wallet->row.entered && wallet->chain == chain &&
	       signer_wallet_recovers(wallet);
}

static bool is_sender(const struct signer_wallet *wallet, size_t chain)
{
	return is_scanned(wallet, chain) ||
	       (signer_entry_is_open(wallet) && wallet->chain == chain);
}

/* Below where the store and the chain were last found to agree, or its finalized mark was when the
 * recovery began. */
static bool scan_begin(struct signer *self, size_t chain, struct scan *scan, struct err *err)
{
	const struct chain_params *params = &self->options.catalogue->chains[chain];
	struct store_mark mark = { .chain_id = params->chain_id };
	uint64_t back = params->depth_unpaid + SCAN_MARGIN;
	uint64_t low = 0;
	if (!store_reconciled_load(self->options.store, params->chain_id, &low, err) ||
	    !store_mark_raise(self->options.store, &mark, err))
		return false;
	if (low == 0)
		low = mark.finalized;
	low = low > back ? low - back : 0;
	*scan = (struct scan){
		.begun = true, .low = low, .since = low, .next = low, .step = SCAN_STEP
	};
	return true;
}

static void stranger_add(struct signer *self, const struct signer_wallet *wallet,
			 const struct chain_transaction *transaction)
{
	struct recovery *recovery = self->recovery;
	for (size_t i = 0; i < recovery->strangers_len; i++)
		if (hash32_equal(recovery->strangers[i].tx_hash, transaction->hash))
			return;
	signer_log_wallet(self, wallet, "stranger_found", hash32_text(transaction->hash).at, true);
	if (recovery->strangers_len < STRANGERS_MAX)
		recovery->strangers[recovery->strangers_len++] =
			(struct signer_stranger){ wallet->row.address, transaction->nonce,
						  transaction->hash };
}

static bool has_attempt(struct signer *self, const struct transfer *slot, struct hash32 hash,
			bool *ret_has, struct err *err)
{
	size_t n = 0;
	*ret_has = false;
	if (!store_attempts_load(self->options.store, slot->id, self->attempts, ATTEMPTS_MAX, &n,
				 err))
		return false;
	for (size_t i = 0; i < n; i++)
		*ret_has |= hash32_equal(self->attempts[i].tx_hash, hash);
	return true;
}

/* The row of a nonce; those below it come to be with it. */
static bool slot_find(struct signer *self, struct signer_wallet *wallet, uint64_t nonce,
		      struct transfer *ret_slot, bool *ret_found, struct err *err)
{
	while (wallet->row.next_nonce <= nonce) {
		uint64_t missing = nonce + 1 - wallet->row.next_nonce;
		if (!signer_fillers_reserve(self, wallet,
					    missing < BATCH_MAX ? (size_t)missing : BATCH_MAX, err))
			return false;
	}
	return store_transfer_of_slot(self->options.store, wallet->row.id, nonce, ret_slot,
				      ret_found, err);
}

bool signer_import_fill(struct signer *self, const struct signer_wallet *wallet,
			const struct transfer *slot, const struct chain_transaction *transaction,
			struct store_import *import, bool *ret_ours, struct err *err)
{
	struct attempt *attempt = &import->attempt;
	struct attempt_word word;
	struct tx tx;
	*import = (struct store_import){ .transfer = slot->id,
					 .version = slot->version,
					 .wallet_id = wallet->row.id,
					 .epoch = wallet->lease.epoch,
					 .payload = *slot };
	memcpy(attempt->raw, transaction->raw, transaction->raw_len);
	attempt->raw_len = transaction->raw_len;
	attempt->tx_hash = transaction->hash;
	*ret_ours = false;
	if (transaction->raw_len == 0)
		return true;
	if (!signer_attempt_judge(self, wallet, slot, attempt, &tx, &word, err))
		return false;
	if (!word.ours || (word.pays && !transfer_read_payload(&tx, &import->payload)))
		return true;
	attempt->is_cancel = !word.pays;
	attempt->fees = tx.fees;
	attempt->gas_limit = tx.gas_limit;
	*ret_ours = true;
	return true;
}

static bool is_signed(const struct signer *self, const struct signer_wallet *wallet,
		      const struct chain_transaction *transaction)
{
	struct attempt attempt = { .raw_len = transaction->raw_len, .tx_hash = transaction->hash };
	struct tx tx;
	bool pays = false;
	memcpy(attempt.raw, transaction->raw, transaction->raw_len);
	return transaction->raw_len > 0 &&
	       signer_attempt_is_signed(self, wallet, transaction->nonce, &attempt, &tx, &pays);
}

/* A slot that has ended is no news, but for one that ended as a stranger's, with this. */
static bool is_open_for(const struct transfer *slot, const struct chain_transaction *transaction)
{
	return slot->stage != TRANSFER_FINAL ||
	       (slot->outcome == OUTCOME_FOREIGN && DEFENCE("foreign_is_read") &&
		hash32_equal(slot->mined_hash, transaction->hash));
}

static bool transaction_import(struct signer *self, struct signer_wallet *wallet,
			       const struct chain_transaction *transaction, struct err *err)
{
	struct store_by by = signer_by(self);
	struct store_import import;
	struct transfer slot;
	bool found = false;
	bool known = false;
	bool ours = false;
	if (!wallet->row.entered)
		return transaction->block < self->recovery->scans[wallet->chain].since ||
		       signer_entry_sent(self, wallet, transaction->nonce, err);
	if (transaction->nonce < wallet->row.first_nonce)
		return true;
	/* Above all that anybody said was used. */
	if (transaction->nonce >= wallet->row.recover_to && !is_signed(self, wallet, transaction))
		return signer_found_check(self, wallet, transaction, err);
	if (!slot_find(self, wallet, transaction->nonce, &slot, &found, err))
		return false;
	if (!found || !is_open_for(&slot, transaction))
		return true;
	if (!has_attempt(self, &slot, transaction->hash, &known, err))
		return false;
	if (known)
		return true;
	if (!signer_import_fill(self, wallet, &slot, transaction, &import, &ours, err))
		return false;
	bool writes = self->options.journal_lost || self->options.accepts_strangers;
	if (!ours && writes &&
	    (!signer_found_journal(self, wallet, &slot, &import.attempt, err) ||
	     !signer_import_fill(self, wallet, &slot, transaction, &import, &ours, err)))
		return false;
	if (!ours) {
		stranger_add(self, wallet, transaction);
		return signer_found_check(self, wallet, transaction, err);
	}
	/* Its withdrawal is held, and people are shown this transaction. */
	if (slot.stage == TRANSFER_FINAL && !id_is_zero(slot.withdrawal))
		return true;
	if (!store_attempt_import(self->options.store, &import, &by, err))
		return false;
	self->recovery->imported += import.result == STORE_WRITTEN ? 1 : 0;
	return true;
}

static struct signer_wallet *sender_of(struct signer *self, size_t chain, struct address from)
{
	for (size_t i = 0; i < self->wallets_len; i++)
		if (is_sender(&self->wallets[i], chain) &&
		    address_equal(self->wallets[i].row.address, from))
			return &self->wallets[i];
	return NULL;
}

static size_t senders_of(const struct signer *self, size_t chain,
			 struct address ret_senders[WALLETS_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (is_sender(&self->wallets[i], chain))
			ret_senders[n++] = self->wallets[i].row.address;
	return n;
}

/* Some blocks, and whose transactions are looked for. */
struct reading {
	size_t chain;
	uint64_t first;
	size_t blocks;
	const struct address *senders;
	size_t n;
	struct hash32 wanted; /* zero: none of them in particular; else: */
	bool found;
	/* All of how many blocks was read by so many nodes as have to agree. */
	size_t read;
};

static bool found_import(struct signer *self, struct reading *reading, size_t len, struct err *err)
{
	struct recovery *recovery = self->recovery;
	for (size_t i = 0; i < len; i++) {
		const struct chain_transaction *transaction = &recovery->transactions[i];
		struct signer_wallet *wallet = sender_of(self, reading->chain, transaction->from);
		reading->found |= hash32_equal(transaction->hash, reading->wanted);
		if (wallet != NULL && !transaction_import(self, wallet, transaction, err))
			return false;
	}
	return true;
}

/* What any node has is there, since it bears the wallet's signature. That nothing else is there no
 * node says alone, where there are others. */
static bool reading_import(struct signer *self, struct reading *reading, struct err *err)
{
	struct chain *chain = self->options.chains[reading->chain];
	bool asks_all = DEFENCE("read_by_all_nodes");
	size_t nodes = asks_all ? chain_nodes_len(chain) : 1;
	size_t needed = asks_all ? signer_nodes_needed(chain) : 1;
	size_t most[CHAIN_NODES_AGREE_MIN] = { 0 }; /* blocks that were read, the most first */
	size_t answers = 0;
	for (size_t i = 0; i < nodes; i++) {
		struct chain *node = chain;
		size_t len = 0;
		size_t read = 0;
		if ((asks_all && !chain_node(chain, i, &node, err)) ||
		    !chain_transactions(node, reading->first, reading->blocks, reading->senders,
					reading->n, self->recovery->transactions,
					CHAIN_SCAN_TXS_MAX, &len, &read, err))
			continue;
		answers++;
		if (!found_import(self, reading, len, err))
			return false;
		most[1] = read > most[0] ? most[0] : read > most[1] ? read : most[1];
		most[0] = read > most[0] ? read : most[0];
	}
	reading->read = most[needed - 1];
	return answers >= needed ||
	       (nodes > 1 && err_set(err, ERR_NOT_DONE, "too few nodes read the blocks"));
}

static bool blocks_read(struct signer *self, size_t chain, struct scan *scan, uint64_t head,
			const struct address *senders, size_t n, struct err *err)
{
	uint64_t left = head - scan->next + 1;
	struct reading reading = {
		.chain = chain,
		.first = scan->next,
		.blocks = left < CHAIN_SCAN_BLOCKS_MAX ? (size_t)left : CHAIN_SCAN_BLOCKS_MAX,
		.senders = senders,
		.n = n,
	};
	if (!reading_import(self, &reading, err))
		return false;
	scan->next += reading.read;
	return true;
}

static bool is_strangers(const struct signer *self, const struct signer_wallet *wallet,
			 uint64_t nonce)
{
	const struct recovery *recovery = self->recovery;
	for (size_t i = 0; i < recovery->strangers_len; i++)
		if (recovery->strangers[i].nonce == nonce &&
		    address_equal(recovery->strangers[i].wallet, wallet->row.address))
			return true;
	return false;
}

/* A nonce that a block has used, and whose slot is not beyond `last` (has no bytes, or no block),
 * was used below where the reading began, or in a block that was read before a reorg. */
static bool nonces_missing(struct signer *self, size_t chain, enum transfer_stage last,
			   bool *ret_missing, struct err *err)
{
	*ret_missing = false;
	for (size_t i = 0; i < self->wallets_len && !*ret_missing; i++) {
		const struct signer_wallet *wallet = &self->wallets[i];
		struct store_transfer_filter filter = { .wallet_id = wallet->row.id,
							.first = TRANSFER_RESERVED,
							.last = last,
							.mined_block_max = UINT64_MAX,
							.limit = 1 };
		struct transfer lowest;
		uint64_t used = 0;
		size_t n = 0;
		if (!is_scanned(wallet, chain))
			continue;
		if (!signer_nonce_seen(self, wallet, CHAIN_BLOCK_LATEST, &used, err) ||
		    !store_transfers_load(self->options.store, &filter, &lowest, &n, err))
			return false;
		uint64_t next = n > 0 ? lowest.nonce : wallet->row.next_nonce;
		*ret_missing = next < used && !is_strangers(self, wallet, next);
	}
	return true;
}

static void scan_lower(struct scan *scan, uint64_t head)
{
	scan->low = scan->low > scan->step ? scan->low - scan->step : 0;
	scan->next = scan->low;
	scan->step *= 2;
	scan->reached_at = head;
}

static bool chain_scan(struct signer *self, size_t chain, struct scan *scan, bool *ret_worked,
		       struct err *err)
{
	struct address senders[WALLETS_MAX];
	struct chain_head head;
	bool missing = false;
	size_t n = senders_of(self, chain, senders);
	if (n == 0) {
		scan->reached = true;
		return true;
	}
	if ((!scan->begun && !scan_begin(self, chain, scan, err)) ||
	    !signer_head(self, chain, HEAD_AGE_MS, &head, err))
		return false;
	for (size_t i = 0; i < SCAN_CALLS && scan->next <= head.number; i++) {
		uint64_t next = scan->next;
		if (!blocks_read(self, chain, scan, head.number, senders, n, err))
			return false;
		if (!scan->begun)
			return true; /* a wallet has entered: once more */
		if (scan->next == next)
			break; /* a node lags */
		*ret_worked = true;
	}
	self->recovery->block = scan->next > 0 ? scan->next - 1 : 0;
	self->recovery->block_head = head.number;
	if (scan->next <= head.number)
		return true;
	bool first = !scan->reached;
	/* Where the journal says nothing, all that was sent is found before anything is filled. */
	if (first && self->options.journal_lost && scan->low > 0) {
		if (!nonces_missing(self, chain, TRANSFER_RESERVED, &missing, err))
			return false;
		if (missing) {
			scan_lower(scan, head.number);
			return true;
		}
	}
	scan->reached = true;
	if (first)
		scan->reached_at = head.number;
	if (head.number < scan->reached_at + SCAN_AGAIN)
		return true;
	if (!nonces_missing(self, chain, TRANSFER_BROADCAST, &missing, err))
		return false;
	scan->reached_at = head.number;
	if (missing)
		scan_lower(scan, head.number);
	return true;
}

bool signer_scan(struct signer *self, bool *ret_scanned, bool *ret_worked, struct err *err)
{
	*ret_scanned = true;
	for (size_t i = 0; i < self->options.catalogue->chains_len; i++) {
		struct scan *scan = &self->recovery->scans[i];
		if (!chain_scan(self, i, scan, ret_worked, err))
			return false;
		*ret_scanned &= scan->reached;
	}
	return true;
}

/* ---- what the monitor took for a stranger's ---- */

static bool wallet_foreign_read(struct signer *self, size_t index, bool *ret_settled,
				struct err *err)
{
	struct signer_wallet *wallet = &self->wallets[index];
	struct slot_place *place = &self->recovery->foreign[index];
	struct store_transfer_filter filter = {
		.wallet_id = wallet->row.id,
		.first = TRANSFER_FINAL,
		.last = TRANSFER_FINAL,
		.mined_block_min = self->recovery->scans[wallet->chain].low,
		.mined_block_max = UINT64_MAX,
		.foreign = true,
		.has_after = place->any,
		.after_block = place->block,
		.after_nonce = place->nonce,
		.limit = 1,
	};
	struct transfer slot;
	size_t n = 0;
	if (!store_transfers_load(self->options.store, &filter, &slot, &n, err))
		return false;
	if (n == 0)
		return true;
	*ret_settled = false;
	struct reading reading = { .chain = wallet->chain,
				   .first = slot.mined_block,
				   .blocks = 1,
				   .senders = &wallet->row.address,
				   .n = 1,
				   .wanted = slot.mined_hash };
	if (!reading_import(self, &reading, err))
		return false;
	if (reading.found)
		*place = (struct slot_place){ true, slot.mined_block, slot.nonce };
	return true;
}

bool signer_foreign_read(struct signer *self, bool *ret_settled, struct err *err)
{
	struct recovery *recovery = self->recovery;
	if (!*ret_settled) {
		memset(recovery->foreign, 0, sizeof recovery->foreign);
		return true;
	}
	for (size_t i = 0; i < self->wallets_len && DEFENCE("foreign_is_read"); i++)
		if (is_scanned(&self->wallets[i], self->wallets[i].chain) &&
		    !wallet_foreign_read(self, i, ret_settled, err))
			return false;
	return true;
}
