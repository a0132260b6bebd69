/* Has the chain seen more transactions of a wallet than the store has nonces? Then somebody else
 * has its key; or store and journal are both older than what was paid: a replica that takes a dead
 * server's place without the last commits of either tells one story. From there any wallet's next
 * payment may be the second one of its withdrawal, and what is told as unpaid may be paid.
 *
 * So nobody of the chain reserves until it is known what those transactions paid (unknown.c). This
 * is looked at before each reservation, of all wallets at once, stopped ones and other signers'
 * too; any node is believed: nothing is decided by it, the chain waits. */
#include "service/signer/signer_parts.h"

#include "base/defence.h"
#include "core/reason.h"

#include <string.h>

_Static_assert(WALLETS_MAX <= CHAIN_BATCH_MAX, "one question for all wallets of a chain");

/* What the nodes have seen of the wallets of a chain: the highest of their answers; and the nonces
 * that store or journal know. */
struct counts {
	struct signer_wallet *wallets[WALLETS_MAX];
	struct address addresses[WALLETS_MAX];
	uint64_t seen[WALLETS_MAX];
	uint64_t known[WALLETS_MAX];
	size_t len;
	/* Something was told since the rows of this step were read (unknown.c): it was no news yet
	 * when the withdrawals of the batch were judged. */
	bool has_news;
};

static void counts_collect(struct signer *self, size_t chain, struct counts *ret_counts)
{
	memset(ret_counts, 0, sizeof *ret_counts);
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct signer_wallet *wallet = &self->wallets[i];
		if (wallet->row.id == 0 || wallet->chain != chain || !wallet->row.entered)
			continue;
		ret_counts->wallets[ret_counts->len] = wallet;
		ret_counts->known[ret_counts->len] = wallet->row.next_nonce;
		ret_counts->addresses[ret_counts->len++] = wallet->row.address;
	}
}

/* What waits in a pool was sent as well; not every node tells of it. */
static bool node_ask(struct chain *node, struct counts *counts, struct err *err)
{
	static const uint64_t blocks[] = { CHAIN_BLOCK_PENDING, CHAIN_BLOCK_LATEST };
	struct chain_nonce nonces[WALLETS_MAX];
	bool known = false;
	for (size_t k = 0; k < sizeof blocks / sizeof blocks[0] && !known; k++) {
		if (!chain_nonces(node, blocks[k], counts->addresses, counts->len, nonces, err))
			return false;
		known = true;
		for (size_t i = 0; i < counts->len; i++) {
			known &= nonces[i].known;
			if (nonces[i].known && nonces[i].count > counts->seen[i])
				counts->seen[i] = nonces[i].count;
		}
	}
	return known || err_set(err, ERR_NOT_DONE, "the node does not know the wallets' nonces");
}

static bool nodes_ask(struct chain *chain, struct counts *counts, struct err *err)
{
	bool any = false;
	for (size_t i = 0; i < chain_nodes_len(chain); i++) {
		struct chain *node = NULL;
		any |= chain_node(chain, i, &node, err) && node_ask(node, counts, err);
	}
	return any;
}

static bool any_ahead(const struct counts *counts)
{
	for (size_t i = 0; i < counts->len; i++)
		if (counts->seen[i] > counts->known[i])
			return true;
	return false;
}

/* Whose right the journal has as spent is not paid again, whatever the store has lost. */
static bool journal_level(struct signer *self, struct counts *counts, size_t at, struct err *err)
{
	struct signer_wallet *wallet = counts->wallets[at];
	uint64_t next = 0;
	bool any = false;
	if (counts->seen[at] <= counts->known[at])
		return true;
	if (!journal_next_nonce(self->options.journal, wallet->row.chain_id, wallet->row.address,
				&any, &next, err))
		return false;
	if (!any || next <= counts->known[at])
		return true;
	counts->known[at] = next;
	bool is_read = wallet->owned && wallet->journal_any && next <= wallet->journal_next;
	counts->has_news |= !is_read && next > wallet->unknown.journaled;
	wallet->unknown.journaled = next;
	return true;
}

/* Nonces of a stopped wallet nobody has given: its owner has read what was sent. */
static void row_level(struct counts *counts, size_t at, const struct wallet *row)
{
	const struct wallet *before = &counts->wallets[at]->row;
	bool is_stopped = row->stop_reason[0] != 0 || before->stop_reason[0] != 0;
	counts->has_news |= is_stopped && row->next_nonce > counts->known[at];
	counts->known[at] = row->next_nonce;
}

/* Another signer gives nonces all the time, and each before its transaction is seen; who was asleep
 * remembers fewer than the next owner has used. So the rows are read again, after what the nodes
 * said. */
static bool counts_level(struct signer *self, struct counts *counts, struct err *err)
{
	struct wallet rows[WALLETS_MAX];
	size_t len = 0;
	if (!any_ahead(counts) || !DEFENCE("owner_is_behind"))
		return true;
	if (!store_wallets_load(self->options.store, rows, WALLETS_MAX, &len, err))
		return false;
	for (size_t i = 0; i < counts->len; i++) {
		for (size_t k = 0; k < len; k++)
			if (rows[k].id == counts->wallets[i]->row.id)
				row_level(counts, i, &rows[k]);
		if (!journal_level(self, counts, i, err))
			return false;
	}
	return true;
}

static void ahead_tell(const struct signer *self, struct signer_wallet *wallet)
{
	bool tells = wallet->unknown.count > 0 && wallet->owned;
	if (tells && !wallet->unknown.told)
		signer_log_wallet(self, wallet, "chain_is_ahead",
				  "the chain knows transactions that the store does not: no wallet "
				  "of the chain reserves before they are read",
				  true);
	wallet->unknown.told = tells;
}

static void unknown_show(const struct signer *self)
{
	uint64_t count = 0;
	for (size_t i = 0; i < self->wallets_len; i++)
		count += self->wallets[i].unknown.count;
	metric_set(self->unknown, count > INT64_MAX ? INT64_MAX : (int64_t)count);
}

/* *ret_any: there is something of a wallet, whoever has it, of which nobody knew what it paid. */
static void counts_judge(struct signer *self, const struct counts *counts, bool *ret_any)
{
	*ret_any = counts->has_news && DEFENCE("news_are_judged");
	for (size_t i = 0; i < counts->len; i++) {
		struct signer_wallet *wallet = counts->wallets[i];
		bool ahead = counts->seen[i] > counts->known[i];
		bool more = counts->seen[i] > wallet->unknown.known_to;
		wallet->unknown.seen = counts->seen[i];
		wallet->unknown.is_known &= ahead && !(more && DEFENCE("known_is_bounded"));
		ahead &= !wallet->unknown.is_known;
		wallet->unknown.count = ahead ? counts->seen[i] - counts->known[i] : 0;
		wallet->is_behind = ahead && DEFENCE("chain_is_not_ahead");
		*ret_any |= ahead;
		ahead_tell(self, wallet);
	}
	unknown_show(self);
}

static bool chain_ask(struct signer *self, size_t chain, bool *ret_any, struct err *err)
{
	struct counts counts;
	*ret_any = false;
	counts_collect(self, chain, &counts);
	if (counts.len == 0)
		return true;
	if (!nodes_ask(self->options.chains[chain], &counts, err) ||
	    !counts_level(self, &counts, err))
		return false;
	counts_judge(self, &counts, ret_any);
	return true;
}

void signer_ahead_spread(struct signer *self, size_t chain, bool behind)
{
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].row.id != 0 && self->wallets[i].chain == chain &&
		    self->wallets[i].unknown.count == 0)
			self->wallets[i].is_behind = behind;
}

bool signer_ahead_look(struct signer *self, size_t chain, bool *ret_behind, struct err *err)
{
	if (!chain_ask(self, chain, ret_behind, err))
		return false;
	*ret_behind &= DEFENCE("chain_is_not_ahead") && DEFENCE("unknown_stops_the_chain");
	signer_ahead_spread(self, chain, *ret_behind);
	return true;
}

void signer_ahead_forget(struct signer *self)
{
	for (size_t i = 0; i < self->options.catalogue->chains_len; i++)
		self->chains[i].ahead_asked = false;
}

/* A withdrawal that a store of before calls unpaid may be what the chain has. Nodes are asked once
 * for all rows of a batch: a client may cancel many at once. */
bool signer_ahead_any(struct signer *self, uint64_t chain_id, bool *ret_any, struct err *err)
{
	const struct catalogue *catalogue = self->options.catalogue;
	const struct chain_params *params = catalogue_chain_by_id(catalogue, chain_id);
	CHECK(params != NULL); /* only rows that are believed get here */
	size_t index = (size_t)(params - catalogue->chains);
	struct signer_chain *chain = &self->chains[index];
	*ret_any = chain->ahead_any;
	if (chain->ahead_asked && chain->ahead_silent)
		return err_set(err, ERR_NOT_DONE, "no node has answered for this batch");
	if (chain->ahead_asked)
		return true;
	chain->ahead_asked = chain->ahead_any = true; /* unless they say otherwise */
	chain->ahead_silent = true;
	if (!chain_ask(self, index, &chain->ahead_any, err)) {
		chain->ahead_any = true;
		return false;
	}
	chain->ahead_silent = false;
	*ret_any = chain->ahead_any;
	return true;
}

/* A person who starts it again when it could not be read has looked, at what there was; until the
 * nonces are level. */
void signer_ahead_started(struct signer_wallet *wallet, const char *stop_reason)
{
	struct unknown *unknown = &wallet->unknown;
	if (wallet->row.id == 0 || stop_reason[0] != 0 || wallet->row.stop_reason[0] == 0 ||
	    !unknown->gave_up)
		return;
	unknown->is_known = true;
	unknown->known_to = unknown->seen;
	unknown->gave_up = false;
}
