/* Is the journal that is there the one that lived? What the chain has seen of a wallet, the journal
 * has: each nonce that was used, or is about to be, and each payment. A journal out of a backup
 * shows by what it lacks, at the start or at any time until the recovery is over. Its own rows of
 * this recovery (nonces that were filled) excuse nothing. */
#include "service/signer/signer_recovery.h"

#include "base/defence.h"

/* ---- what the nodes have seen ---- */

static bool nonce_ask(struct chain *node, const struct signer_wallet *wallet, uint64_t block,
		      uint64_t *ret_next, struct err *err)
{
	struct chain_nonce latest = { 0 };
	struct chain_nonce pending = { 0 };
	if (!chain_nonces(node, CHAIN_BLOCK_LATEST, &wallet->row.address, 1, &latest, err) ||
	    (block == CHAIN_BLOCK_PENDING &&
	     !chain_nonces(node, CHAIN_BLOCK_PENDING, &wallet->row.address, 1, &pending, err)))
		return false;
	if (!latest.known)
		return err_set(err, ERR_NOT_DONE, "the node does not know the wallet's nonce");
	bool waits = DEFENCE("pending_was_signed") && pending.known && pending.count > latest.count;
	*ret_next = waits ? pending.count : latest.count;
	return true;
}

static bool few_know(const struct signer_wallet *wallet, struct err *err)
{
	return err_set(err, ERR_NOT_DONE, "too few nodes know the nonce of wallet %s",
		       address_text(wallet->row.address).at);
}

bool signer_nonce_seen(struct signer *self, const struct signer_wallet *wallet, uint64_t block,
		       uint64_t *ret_next, struct err *err)
{
	struct chain *chain = self->options.chains[wallet->chain];
	size_t len = chain_nodes_len(chain);
	size_t answers = 0;
	*ret_next = 0;
	if (len == 1 || !DEFENCE("seen_by_any_node"))
		return nonce_ask(chain, wallet, block, ret_next, err);
	for (size_t i = 0; i < len; i++) {
		struct chain *node = NULL;
		uint64_t next = 0;
		if (!chain_node(chain, i, &node, err) ||
		    !nonce_ask(node, wallet, block, &next, err))
			continue;
		answers++;
		if (next > *ret_next)
			*ret_next = next;
	}
	return answers >= signer_nodes_needed(chain) || few_know(wallet, err);
}

/* The highest that were heard, in their order. */
struct highest {
	uint64_t at[CHAIN_NODES_AGREE_MIN];
};

static void highest_hear(struct highest *highest, uint64_t count)
{
	for (size_t i = 0; i < CHAIN_NODES_AGREE_MIN; i++) {
		uint64_t other = highest->at[i];
		if (count <= other)
			continue;
		highest->at[i] = count;
		count = other;
	}
}

bool signer_nonces_agreed(struct signer *self, const struct signer_wallet *wallet,
			  uint64_t *ret_latest, uint64_t *ret_pending, struct err *err)
{
	struct chain *chain = self->options.chains[wallet->chain];
	size_t needed = DEFENCE("target_has_witnesses") ? signer_nodes_needed(chain) : 1;
	struct highest latest = { { 0 } };
	struct highest pending = { { 0 } };
	size_t answers = 0;
	for (size_t i = 0; i < chain_nodes_len(chain); i++) {
		uint64_t mined = 0;
		uint64_t next = 0;
		struct chain *node = NULL;
		if (!chain_node(chain, i, &node, err) ||
		    !nonce_ask(node, wallet, CHAIN_BLOCK_LATEST, &mined, err) ||
		    !nonce_ask(node, wallet, CHAIN_BLOCK_PENDING, &next, err))
			continue;
		highest_hear(&latest, mined);
		highest_hear(&pending, next);
		answers++;
	}
	*ret_latest = latest.at[needed - 1];
	*ret_pending = pending.at[needed - 1];
	return answers >= needed || few_know(wallet, err);
}

static bool head_time_ask(struct chain *chain, int64_t *inout_ms, struct err *err)
{
	size_t answers = 0;
	for (size_t i = 0; i < chain_nodes_len(chain); i++) {
		struct chain *node = NULL;
		struct chain_head head;
		if (!chain_node(chain, i, &node, err) || !chain_head(node, &head, err))
			continue;
		answers++;
		if (head.time_ms > *inout_ms)
			*inout_ms = head.time_ms;
	}
	return answers >= signer_nodes_needed(chain) ||
	       err_set(err, ERR_NOT_DONE, "too few nodes know the head of the chain");
}

bool signer_head_time_seen(struct signer *self, int64_t *ret_ms, struct err *err)
{
	*ret_ms = 0;
	for (size_t i = 0; i < self->options.catalogue->chains_len; i++)
		if (!head_time_ask(self->options.chains[i], ret_ms, err))
			return false;
	return true;
}

/* ---- the journal's nonces ---- */

static bool nonce_refuse(const struct signer_wallet *wallet, uint64_t nonce, struct err *err)
{
	return err_set(err, ERR_REFUSED,
		       "wallet %s has used nonce %llu, which the journal lacks: it is lost, or an "
		       "old one (" LOST_ADVICE "), or somebody else has the key (see "
		       "--accept-strangers)",
		       address_text(wallet->row.address).at, (unsigned long long)nonce);
}

bool signer_journal_check(struct signer *self, const struct signer_wallet *wallet, struct err *err)
{
	uint64_t known = wallet->journal_any ? wallet->journal_next : wallet->row.first_nonce;
	uint64_t next = 0;
	bool lacks = false;
	if (!wallet->journal_any && !wallet->row.entered)
		return true; /* signer_entries_look */
	if (!signer_nonce_seen(self, wallet, CHAIN_BLOCK_PENDING, &next, err) ||
	    (wallet->row.entered && !signer_journal_lacks(self, wallet, known, &lacks, err)))
		return false;
	if (lacks)
		return err_set(err, ERR_REFUSED,
			       "the journal lacks slots of wallet %s that the store holds signed, "
			       "from nonce %llu on: it is lost, or an old one; " LOST_ADVICE,
			       address_text(wallet->row.address).at, (unsigned long long)known);
	return next <= known || self->options.accepts_strangers || nonce_refuse(wallet, known, err);
}

/* ---- wallets that neither knows ---- */

static bool enter(struct signer *self, struct signer_wallet *wallet, struct err *err)
{
	struct store_by by = signer_by(self);
	if (!store_wallet_enter(self->options.store, wallet->row.id, wallet->lease.epoch, 0, &by,
				err))
		return false;
	wallet->row.entered = true;
	wallet->row.first_nonce = wallet->row.next_nonce = 0;
	/* What was read was read without it. */
	self->recovery->scans[wallet->chain] = (struct scan){ .begun = false };
	return true;
}

bool signer_entry_sent(struct signer *self, struct signer_wallet *wallet, uint64_t nonce,
		       struct err *err)
{
	if (self->options.journal_lost || self->options.accepts_strangers)
		return enter(self, wallet, err);
	return nonce_refuse(wallet, nonce, err);
}

bool signer_entry_is_open(const struct signer_wallet *wallet)
{
	return wallet->row.id != 0 && !wallet->row.entered && !wallet->journal_any &&
	       DEFENCE("entry_looked_for_again");
}

bool signer_entries_look(struct signer *self, struct err *err)
{
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct signer_wallet *wallet = &self->wallets[i];
		uint64_t used = 0;
		uint64_t next = 0;
		if (!signer_entry_is_open(wallet))
			continue;
		if (!signer_nonce_seen(self, wallet, CHAIN_BLOCK_LATEST, &used, err) ||
		    !signer_nonce_seen(self, wallet, CHAIN_BLOCK_PENDING, &next, err))
			return false;
		if (next > used && !signer_entry_sent(self, wallet, used, err))
			return false;
	}
	return true;
}

/* ---- transactions ---- */

bool signer_found_check(struct signer *self, const struct signer_wallet *wallet,
			const struct chain_transaction *transaction, struct err *err)
{
	const struct journal_slot key = { wallet->row.chain_id, wallet->row.address,
					  transaction->nonce };
	struct hash32 hash;
	struct wei ceiling;
	uint32_t attempts = 0;
	bool has_pay = false;
	bool has_cancel = false;
	if (self->options.journal_lost || self->options.accepts_strangers)
		return true;
	if (!journal_slot_of(self->options.journal, &key, &has_pay, &has_cancel, &hash, &ceiling,
			     &attempts, err))
		return false;
	if (has_pay || hash32_equal(hash, transaction->hash) || !DEFENCE("found_is_journaled"))
		return true;
	return err_set(err, ERR_REFUSED,
		       "the journal does not know transaction %s of %s: it is an old one (see "
		       "--journal-lost), or somebody else's (see --accept-strangers)",
		       hash32_text(transaction->hash).at, address_text(wallet->row.address).at);
}
