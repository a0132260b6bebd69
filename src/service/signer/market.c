/* Where the price of gas comes from: the node, or, for some seconds, the node of another signer. */
#include "service/signer/signer_parts.h"
#include "service/signer/signer_quote.h"

#include "base/secret.h"
#include "port/cache.h"

#include <stdlib.h>
#include <string.h>

/* The gas limit of blocks moves by a thousandth a block; it is our own node's all the same. */
#define GAS_LIMIT_AGE_MS 60000

struct quotes {
	uint8_t key[32];
	struct metric *results[QUOTE_FORGED + 1];
	struct metric *missing;
};

void signer_quotes_init(struct signer *self)
{
	static const char name[] = "sluice_fee_quotes_total";
	static const char help[] = "Looks for a price of gas that another signer shares.";
	struct metrics *metrics = self->options.metrics;
	if (self->options.cache == NULL)
		return;
	struct quotes *quotes = calloc(1, sizeof *quotes);
	CHECK(quotes != NULL);
	quote_key_make(self->options.pay_tag_key, quotes->key);
	quotes->results[QUOTE_TAKEN] =
		metric_add(metrics, METRIC_COUNTER, name, "result=\"taken\"", help);
	quotes->results[QUOTE_OLD] =
		metric_add(metrics, METRIC_COUNTER, name, "result=\"old\"", help);
	quotes->results[QUOTE_FORGED] =
		metric_add(metrics, METRIC_COUNTER, name, "result=\"forged\"", help);
	quotes->missing = metric_add(metrics, METRIC_COUNTER, name, "result=\"none\"", help);
	self->quotes = quotes;
}

void signer_quotes_deinit(struct signer *self)
{
	if (self->quotes != NULL)
		secret_wipe(self->quotes->key, sizeof self->quotes->key);
	free(self->quotes);
}

static struct str name_of(const struct signer *self, size_t chain, char storage[QUOTE_KEY_MAX])
{
	struct buf name = buf_of(storage, QUOTE_KEY_MAX);
	quote_name_write(self->options.catalogue->chains[chain].chain_id, &name);
	CHECK(!name.overflow);
	return buf_view(&name);
}

void signer_quote_publish(struct signer *self, size_t chain)
{
	char name[QUOTE_KEY_MAX], bytes[QUOTE_BYTES];
	struct buf value = buf_of(bytes, sizeof bytes);
	const struct chain_head *head = &self->chains[chain].head;
	if (self->quotes == NULL)
		return;
	const struct quote quote = { .chain_id = self->options.catalogue->chains[chain].chain_id,
				     .made_ms = clock_now_ms(self->options.clock),
				     .market = { head->base_fee, head->tip } };
	quote_write(&quote, self->quotes->key, self->options.deployment, &value);
	const struct cache_copy copy = { name_of(self, chain, name), (uint64_t)quote.made_ms,
					 buf_view(&value), QUOTE_LIFE_MS };
	/* Who finds none asks a node. */
	(void)!cache_put_many(self->options.cache, &copy, 1, NULL);
}

static bool quote_find(struct signer *self, size_t chain, struct fee_market *ret_price)
{
	char name[QUOTE_KEY_MAX], bytes[CACHE_VALUE_MAX];
	struct buf value = buf_of(bytes, sizeof bytes);
	struct str key = name_of(self, chain, name);
	if (!cache_get_many(self->options.cache, &key, 1, &value, NULL) || value.len == 0) {
		metric_count(self->quotes->missing, 1);
		return false;
	}
	enum quote_state state =
		quote_read(buf_view(&value), self->options.catalogue->chains[chain].chain_id,
			   self->quotes->key, self->options.deployment,
			   clock_now_ms(self->options.clock), ret_price);
	metric_count(self->quotes->results[state], 1);
	return state == QUOTE_TAKEN;
}

bool signer_market(struct signer *self, size_t chain, struct market *ret_market, struct err *err)
{
	const struct signer_chain *seen = &self->chains[chain];
	int64_t age_ms = clock_monotonic_ms(self->options.clock) - seen->looked_at;
	struct chain_head head;
	bool may_share = self->quotes != NULL && seen->looked_at != 0 && age_ms > HEAD_AGE_MS &&
			 age_ms <= GAS_LIMIT_AGE_MS;
	if (may_share && quote_find(self, chain, &ret_market->price)) {
		ret_market->gas_limit = seen->head.gas_limit;
		return true;
	}
	if (!signer_head(self, chain, HEAD_AGE_MS, &head, err))
		return false;
	*ret_market = (struct market){ { head.base_fee, head.tip }, head.gas_limit };
	return true;
}
