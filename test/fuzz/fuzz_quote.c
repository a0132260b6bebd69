/* What anybody may have put into the cache as a price: bytes that no signer sealed are no quote,
 * and what one seals comes back as it was. */
#include "fuzz.h"

#include "service/signer/signer_quote.h"

#define NOW_MS INT64_C(1800000000000)

static const uint8_t tag_key[32] = { 1, 2, 3 };
static const struct id deployment = { { 1 } };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str input = str_from_bytes(bytes, len);
	char storage[QUOTE_BYTES];
	struct buf out = buf_of(storage, sizeof storage);
	struct quote quote = { .chain_id = 137, .made_ms = NOW_MS };
	struct fee_market market;
	uint8_t key[32], price[2 * U256_BYTES] = { 0 };
	quote_key_make(tag_key, key);
	char *exact = fuzz_copy(input);
	CHECK(quote_read((struct str){ exact, input.len }, 137, key, deployment, NOW_MS, &market) ==
	      QUOTE_FORGED);
	free(exact);
	if (len > 0)
		memcpy(price, bytes, len < sizeof price ? len : sizeof price);
	quote.market.base_fee.value = u256_from_bytes(price);
	quote.market.tip.value = u256_from_bytes(price + U256_BYTES);
	quote_write(&quote, key, deployment, &out);
	CHECK(quote_read(buf_view(&out), 137, key, deployment, NOW_MS, &market) == QUOTE_TAKEN);
	CHECK(wei_compare(market.base_fee, quote.market.base_fee) == 0);
	CHECK(wei_compare(market.tip, quote.market.tip) == 0);
	return 0;
}
