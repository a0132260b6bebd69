/* The price of gas that the signers of a deployment share: what a node told one of them serves the
 * others for some seconds, in place of a call. It may save a call, and nothing else: no block, no
 * limit and no verdict comes from it, and what it says is capped as every price is.
 *
 * The cache may be anybody's. A quote carries a MAC by a key that signers alone can derive, over
 * deployment, chain, time and price: who writes to the cache can bring back a price of the last
 * seconds, and no other.
 *
 * Source: ADR 23.
 */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_QUOTE_H
#define SLUICE_SERVICE_SIGNER_SIGNER_QUOTE_H

#include "base/buf.h"
#include "base/err.h"
#include "core/fee.h"
#include "core/id.h"
#include "core/intent.h"

/* A price of that age is still paid: an attempt's cap survives 14 of the worst blocks. */
#define QUOTE_LIFE_MS 3000
/* Clocks of hosts may differ by so much; a quote from further ahead is none. */
#define QUOTE_SKEW_MS  1000
#define QUOTE_BYTES    (1 + 8 + 32 + 32 + 32)
#define QUOTE_KEY_MAX  32 /* "fee:" and the chain's id */
#define QUOTE_MAC_SIZE 32

struct quote {
	uint64_t chain_id;
	int64_t made_ms; /* wall clock; > 0 */
	struct fee_market market;
};

enum quote_state {
	QUOTE_TAKEN,
	QUOTE_OLD,    /* ours, but not of now */
	QUOTE_FORGED, /* not ours, or of another chain or deployment */
};

/* The key of all quotes, out of the signers' pay tag key. */
void quote_key_make(const uint8_t pay_tag_key[32], uint8_t ret_key[32]);
/* The key of a chain's quote in the cache. */
void quote_name_write(uint64_t chain_id, struct buf *out);
void quote_write(const struct quote *quote, const uint8_t key[32], struct id deployment,
		 struct buf *out);
/* What came out of the cache. ret_market: when TAKEN. */
enum quote_state quote_read(struct str value, uint64_t chain_id, const uint8_t key[32],
			    struct id deployment, int64_t now_ms, struct fee_market *ret_market);

/* market.c: what the signer does with them. */
struct signer;
/* What fees are chosen by. */
struct market {
	struct fee_market price;
	uint64_t gas_limit; /* of a block; never out of a cache */
};
void signer_quotes_init(struct signer *self); /* nothing without a cache */
void signer_quotes_deinit(struct signer *self);
/* A node has named the head of a chain: the others may have its price. */
void signer_quote_publish(struct signer *self, size_t chain);
/* The price of a chain: of a head that was just seen, else a quote, else of a head that is asked
 * for now. NOT_DONE: no node answers. */
MUST_CHECK bool signer_market(struct signer *self, size_t chain, struct market *ret_market,
			      struct err *err);

#endif
