/* Wallets are shared out between the signers that live: who has at least two more than we would
 * have is asked for one, and gives it between two steps. No signer knows the others but by the
 * leases; what was asked for counts as given, so that all of them come to the same end, and stay
 * there. */
#include "service/signer/signer_parts.h"

#include "base/defence.h"
#include "core/timing.h"

#include <stdio.h>
#include <string.h>

/* Who has it when everybody has given what is asked for; "" on one host, where nobody shares. */
static const char *owner_of(const struct signer *self, const struct signer_wallet *wallet)
{
	if (wallet->lease.wanted_by[0] != 0)
		return wallet->lease.wanted_by;
	return wallet->owned ? self->options.instance : wallet->lease.holder;
}

static size_t share_of(const struct signer *self, const char *owner)
{
	size_t share = 0;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].row.id != 0 &&
		    strcmp(owner_of(self, &self->wallets[i]), owner) == 0)
			share++;
	return share;
}

/* One of who has the most, if that is worth it. */
static struct signer_wallet *wallet_to_ask(struct signer *self)
{
	struct signer_wallet *chosen = NULL;
	size_t most = share_of(self, self->options.instance) + 1;
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct signer_wallet *wallet = &self->wallets[i];
		if (wallet->row.id == 0 || wallet->owned || wallet->lease.holder[0] == 0 ||
		    wallet->lease.wanted_by[0] != 0)
			continue;
		size_t share = share_of(self, wallet->lease.holder);
		if (share <= most)
			continue;
		chosen = wallet;
		most = share;
	}
	return chosen;
}

/* Who cannot sign now asks for nothing more to sign. */
static bool may_ask(const struct signer *self)
{
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].keys_pause_ms > 0)
			return false;
	return !self->options.recovers && DEFENCE("wallets_are_shared");
}

/* Nor does who can reach no node: the wallet's owner may. */
static bool chain_answers(struct signer *self, size_t chain)
{
	struct chain_head head;
	return signer_head(self, chain, LEASE_TERM_MS, &head, NULL);
}

void signer_share(struct signer *self)
{
	struct signer_wallet *wallet = NULL;
	for (size_t i = 0; i < self->wallets_len; i++)
		self->wallets[i].lease.asks = false;
	/* Ends: each turn makes one wallet ours. */
	while (may_ask(self) && (wallet = wallet_to_ask(self)) != NULL &&
	       chain_answers(self, wallet->chain)) {
		wallet->lease.asks = true; /* with the next look */
		(void)snprintf(wallet->lease.wanted_by, sizeof wallet->lease.wanted_by, "%s",
			       self->options.instance);
	}
}

bool signer_share_gives(const struct signer *self, const struct signer_wallet *wallet)
{
	if (!wallet->owned || !wallet->row.entered || self->options.recovers)
		return false;
	for (size_t i = 0; i < wallet->slots_len; i++)
		if (wallet->slots[i].stage < TRANSFER_BROADCAST)
			return false;
	return true;
}
