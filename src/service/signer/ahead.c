/* Has the chain seen more transactions of a wallet than the store has nonces? Then somebody else
 * has its key; or store and journal are both older than what was paid: a replica that takes a dead
 * server's place without the last commits of either tells one story. From there the wallet's next
 * payment may be the second one of its withdrawal.
 *
 * The monitor stops such a wallet, when the blocks are deep. This is looked at before each
 * reservation, and any node is believed: nothing is decided by it, the wallet waits. */
#include "service/signer/signer_money.h"
#include "service/signer/signer_parts.h"

#include "base/defence.h"
#include "core/reason.h"

#include <string.h>

_Static_assert(WALLETS_MAX <= CHAIN_BATCH_MAX, "one question for all wallets of a chain");

/* What the nodes have seen of the wallets of a chain: the highest of their answers; and the nonces
 * that the store has given. */
struct counts {
	struct signer_wallet *wallets[WALLETS_MAX];
	struct address addresses[WALLETS_MAX];
	uint64_t seen[WALLETS_MAX];
	uint64_t given[WALLETS_MAX];
	size_t len;
};

/* Those that would reserve; or all of them, stopped ones and other signers' too. */
static void counts_collect(struct signer *self, uint64_t chain_id, bool all,
			   struct counts *ret_counts)
{
	memset(ret_counts, 0, sizeof *ret_counts);
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct signer_wallet *wallet = &self->wallets[i];
		if (wallet->row.chain_id != chain_id || !wallet->row.entered)
			continue;
		if (!all && !signer_wallet_can_reserve(wallet))
			continue;
		ret_counts->wallets[ret_counts->len] = wallet;
		ret_counts->given[ret_counts->len] = wallet->row.next_nonce;
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

static bool is_ahead(const struct counts *counts, size_t at)
{
	return counts->seen[at] > counts->given[at];
}

/* Another signer gives nonces all the time, and each before its transaction is seen; who was asleep
 * remembers fewer than the next owner has used. So the rows are read again, after what the nodes
 * said. */
static bool counts_level(struct signer *self, struct counts *counts, struct err *err)
{
	struct wallet rows[WALLETS_MAX];
	bool any = false;
	size_t len = 0;
	for (size_t i = 0; i < counts->len; i++)
		any |= is_ahead(counts, i);
	if (!any || !DEFENCE("owner_is_behind"))
		return true;
	if (!store_wallets_load(self->options.store, rows, WALLETS_MAX, &len, err))
		return false;
	for (size_t i = 0; i < counts->len; i++)
		for (size_t k = 0; k < len; k++)
			if (rows[k].id == counts->wallets[i]->row.id)
				counts->given[i] = rows[k].next_nonce;
	return true;
}

static bool counts_load(struct signer *self, uint64_t chain_id, bool all, struct counts *ret_counts,
			struct err *err)
{
	counts_collect(self, chain_id, all, ret_counts);
	return ret_counts->len == 0 ||
	       (nodes_ask(self->options.chains[ret_counts->wallets[0]->chain], ret_counts, err) &&
		counts_level(self, ret_counts, err));
}

static void behind_tell(const struct signer *self, struct signer_wallet *wallet)
{
	if (wallet->is_behind && wallet->owned && !wallet->behind_told)
		signer_log_wallet(
			self, wallet, "chain_is_ahead",
			"the chain knows transactions that the store does not: it reserves "
			"nothing",
			true);
	wallet->behind_told = wallet->is_behind && wallet->owned;
}

static void wallet_judge(struct signer *self, struct signer_wallet *wallet, bool ahead)
{
	wallet->ahead_is_known &= ahead;
	wallet->is_behind = ahead && !wallet->ahead_is_known && DEFENCE("chain_is_not_ahead");
	behind_tell(self, wallet);
}

bool signer_ahead_look(struct signer *self, size_t chain, struct err *err)
{
	struct counts counts;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].chain == chain)
			self->wallets[i].is_behind = false;
	if (!counts_load(self, self->options.catalogue->chains[chain].chain_id, false, &counts,
			 err))
		return false;
	for (size_t i = 0; i < counts.len; i++)
		wallet_judge(self, counts.wallets[i], is_ahead(&counts, i));
	return true;
}

void signer_ahead_forget(struct signer *self)
{
	for (size_t i = 0; i < self->options.catalogue->chains_len; i++)
		self->chains[i].ahead_asked = false;
}

/* A withdrawal that a store of before calls unpaid may be what the chain has: so the word of no
 * node may be against it, of no wallet of the chain, whoever has it now. Nodes are asked once for
 * all rows of a batch: a client may cancel many at once. */
bool signer_ahead_any(struct signer *self, uint64_t chain_id, bool *ret_any, struct err *err)
{
	const struct catalogue *catalogue = self->options.catalogue;
	const struct chain_params *params = catalogue_chain_by_id(catalogue, chain_id);
	CHECK(params != NULL); /* only rows that are believed get here */
	struct signer_chain *chain = &self->chains[params - catalogue->chains];
	struct counts counts;
	*ret_any = chain->ahead_any;
	if (chain->ahead_asked)
		return true;
	chain->ahead_asked = chain->ahead_any = true; /* unless they say otherwise */
	if (!counts_load(self, chain_id, true, &counts, err))
		return false;
	chain->ahead_any = false;
	for (size_t i = 0; i < counts.len; i++)
		chain->ahead_any |= is_ahead(&counts, i) && !counts.wallets[i]->ahead_is_known;
	*ret_any = chain->ahead_any;
	return true;
}

/* A person who starts it again has looked; until the nonces are level. */
void signer_ahead_started(struct signer_wallet *wallet, const char *stop_reason)
{
	enum reason was = REASON_NONE;
	if (wallet->row.id == 0 || stop_reason[0] != 0 ||
	    !reason_read(str_from(wallet->row.stop_reason), &was))
		return;
	wallet->ahead_is_known |=
		was == REASON_NONCE_CONSUMED_ELSEWHERE || was == REASON_RECONCILIATION_DIFFERS;
}
