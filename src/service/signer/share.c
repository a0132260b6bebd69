/* Wallets are shared out between the signers that live: who has at least two more than we would
 * have is asked for one, and gives it between two steps. No signer knows the others but by the
 * leases; what was asked for counts as given, so that all of them come to the same end, and stay
 * there. Who can do nothing with a wallet lets it go. */
#include "service/signer/signer_share.h"

#include "base/defence.h"
#include "core/timing.h"

#include <stdio.h>
#include <string.h>

#define NODES_AWAY_MS 10000
/* A pause of the keys, which doubles, of so much: they are away for about as long. */
#define KEYS_AWAY_MS 5000
#define KEYS_REST_MS 60000

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

static int64_t now_of(const struct signer *self)
{
	return clock_monotonic_ms(self->options.clock);
}

/* Who cannot sign now asks for nothing more to sign. */
static bool may_ask(const struct signer *self)
{
	int64_t now = now_of(self);
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].keys_pause_ms > 0 || now < self->wallets[i].rests_until)
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

static bool nodes_are_away(const struct signer *self, size_t chain)
{
	int64_t since = self->chains[chain].away_since;
	return since != 0 && now_of(self) - since >= NODES_AWAY_MS;
}

/* Who has lost its wallets asks its nodes for nothing else, and would not see that they are back.
 */
void signer_share_look(struct signer *self)
{
	for (size_t i = 0; i < self->options.catalogue->chains_len; i++)
		if (nodes_are_away(self, i))
			(void)chain_answers(self, i);
}

bool signer_share_rests(const struct signer *self, const struct signer_wallet *wallet)
{
	bool keys_away = wallet->owned ? wallet->keys_pause_ms > KEYS_AWAY_MS
				       : now_of(self) < wallet->rests_until;
	return (keys_away || nodes_are_away(self, wallet->chain)) && !self->options.recovers &&
	       DEFENCE("wallet_is_let_go");
}

void signer_share_lost(struct signer *self, struct signer_wallet *wallet)
{
	if (wallet->keys_pause_ms > KEYS_AWAY_MS)
		wallet->rests_until = now_of(self) + KEYS_REST_MS;
	wallet->keys_pause_ms = 0;
}
