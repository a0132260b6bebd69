/* Balances for people to look at. They decide nothing: the signer reads its own, at one block. */
#include "service/monitor/monitor_parts.h"

#include <string.h>

static size_t queries_collect(const struct monitor *self,
			      struct chain_balance_query queries[CHAIN_BATCH_MAX],
			      struct store_balance rows[CHAIN_BATCH_MAX])
{
	const struct catalogue *catalogue = self->options.catalogue;
	uint64_t chain_id = self->chain->params->chain_id;
	size_t n = 0;
	for (size_t i = 0; i < self->wallets_len; i++) {
		if (self->wallets[i].chain_id != chain_id)
			continue;
		for (size_t k = 0; k < catalogue->assets_len && n < BATCH_MAX; k++) {
			const struct asset *asset = &catalogue->assets[k];
			if (catalogue_chain_id_of(catalogue, asset) != chain_id)
				continue;
			queries[n] =
				(struct chain_balance_query){ .owner = self->wallets[i].address,
							      .is_token = !asset->is_native,
							      .token = asset->contract };
			rows[n] = (struct store_balance){ .chain_id = chain_id,
							  .wallet = self->wallets[i].address,
							  .block = self->chain->head.number };
			memcpy(rows[n].asset, asset->symbol, sizeof rows[n].asset);
			n++;
		}
	}
	return n;
}

bool monitor_balances(struct monitor *self, struct err *err)
{
	struct chain_balance_query queries[CHAIN_BATCH_MAX];
	struct chain_balance balances[CHAIN_BATCH_MAX];
	struct store_balance rows[CHAIN_BATCH_MAX];
	int64_t now = clock_monotonic_ms(self->options.clock);
	size_t kept = 0;
	if (now < self->chain->balances_at)
		return true;
	self->chain->balances_at = now + self->options.balances_interval_ms;
	size_t n = queries_collect(self, queries, rows);
	if (n == 0)
		return true;
	if (!chain_balances(self->client, self->chain->head.number, queries, n, balances, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!balances[i].known)
			continue;
		rows[i].amount.units = balances[i].units;
		rows[i].at_ms = clock_now_ms(self->options.clock);
		rows[kept++] = rows[i];
	}
	return kept == 0 || store_balances_save(self->options.store, rows, kept, err);
}
