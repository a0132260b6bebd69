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

/* What the nodes have seen of the wallets that would reserve: the highest of their answers. */
struct counts {
	struct signer_wallet *wallets[WALLETS_MAX];
	struct address addresses[WALLETS_MAX];
	uint64_t seen[WALLETS_MAX];
	size_t len;
};

static void counts_collect(struct signer *self, size_t chain, struct counts *ret_counts)
{
	memset(ret_counts, 0, sizeof *ret_counts);
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct signer_wallet *wallet = &self->wallets[i];
		if (wallet->chain != chain)
			continue;
		wallet->is_behind = false;
		if (!signer_wallet_can_reserve(wallet))
			continue;
		ret_counts->wallets[ret_counts->len] = wallet;
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

/* Who was asleep remembers fewer nonces than the next owner has used. */
static bool wallet_judge(struct signer *self, struct signer_wallet *wallet, uint64_t seen,
			 struct err *err)
{
	bool ahead = seen > wallet->row.next_nonce;
	wallet->ahead_is_known &= ahead;
	wallet->is_behind = ahead && !wallet->ahead_is_known && DEFENCE("chain_is_not_ahead");
	if (wallet->is_behind && !wallet->behind_told && DEFENCE("owner_is_behind") &&
	    !signer_wallet_look_again(self, wallet, err))
		return false;
	behind_tell(self, wallet);
	return true;
}

bool signer_ahead_look(struct signer *self, size_t chain, struct err *err)
{
	struct counts counts;
	counts_collect(self, chain, &counts);
	if (counts.len == 0)
		return true;
	if (!nodes_ask(self->options.chains[chain], &counts, err))
		return false;
	for (size_t i = 0; i < counts.len; i++)
		if (!wallet_judge(self, counts.wallets[i], counts.seen[i], err))
			return false;
	return true;
}

/* A withdrawal that a store of before calls unpaid may be what the chain has: so the word of no
 * node may be against it, of no wallet of the chain, whoever has it now. */
bool signer_ahead_any(struct signer *self, uint64_t chain_id, bool *ret_any, struct err *err)
{
	struct counts counts = { .len = 0 };
	*ret_any = false;
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct signer_wallet *wallet = &self->wallets[i];
		if (wallet->row.chain_id != chain_id || !wallet->row.entered)
			continue;
		counts.wallets[counts.len] = wallet;
		counts.addresses[counts.len++] = wallet->row.address;
	}
	if (counts.len == 0)
		return true;
	if (!nodes_ask(self->options.chains[counts.wallets[0]->chain], &counts, err))
		return false;
	for (size_t i = 0; i < counts.len; i++)
		*ret_any |= counts.seen[i] > counts.wallets[i]->row.next_nonce &&
			    !counts.wallets[i]->ahead_is_known;
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
