#include "service/signer/signer_quote.h"

#include "base/check.h"
#include "base/defence.h"
#include "base/hash.h"

#include <string.h>

#define QUOTE_FORMAT 1
#define KEY_LABEL    "sluice fee quote key 1"
#define MAC_LABEL    "sluice fee quote 1"
#define FIELDS_MAX   256

void quote_key_make(const uint8_t pay_tag_key[32], uint8_t ret_key[32])
{
	hmac_sha256(pay_tag_key, 32, KEY_LABEL, sizeof KEY_LABEL - 1, ret_key);
}

void quote_name_write(uint64_t chain_id, struct buf *out)
{
	buf_text(out, "fee:");
	buf_decimal(out, chain_id);
}

static void wei_write(struct buf *out, struct wei wei)
{
	uint8_t bytes[U256_BYTES];
	u256_to_bytes(wei.value, bytes);
	buf_bytes(out, bytes, sizeof bytes);
}

static void mac_make(const struct quote *quote, const uint8_t key[32], struct id deployment,
		     uint8_t ret_mac[QUOTE_MAC_SIZE])
{
	char storage[FIELDS_MAX];
	struct buf fields = buf_of(storage, sizeof storage);
	buf_prefixed(&fields, MAC_LABEL, sizeof MAC_LABEL - 1);
	buf_prefixed(&fields, deployment.bytes, sizeof deployment.bytes);
	buf_prefixed_u64(&fields, quote->chain_id);
	buf_prefixed_u64(&fields, (uint64_t)quote->made_ms);
	wei_write(&fields, quote->market.base_fee);
	wei_write(&fields, quote->market.tip);
	CHECK(!fields.overflow);
	hmac_sha256(key, 32, fields.at, fields.len, ret_mac);
}

void quote_write(const struct quote *quote, const uint8_t key[32], struct id deployment,
		 struct buf *out)
{
	uint8_t mac[QUOTE_MAC_SIZE];
	CHECK(quote->made_ms > 0);
	mac_make(quote, key, deployment, mac);
	buf_byte(out, QUOTE_FORMAT);
	buf_u64(out, (uint64_t)quote->made_ms);
	wei_write(out, quote->market.base_fee);
	wei_write(out, quote->market.tip);
	buf_bytes(out, mac, sizeof mac);
}

static uint64_t number_read(const uint8_t bytes[8])
{
	uint64_t number = 0;
	for (size_t i = 0; i < 8; i++)
		number = number << 8 | bytes[i];
	return number;
}

enum quote_state quote_read(struct str value, uint64_t chain_id, const uint8_t key[32],
			    struct id deployment, int64_t now_ms, struct fee_market *ret_market)
{
	const uint8_t *at = (const uint8_t *)value.at;
	struct quote quote = { .chain_id = chain_id };
	uint8_t mac[QUOTE_MAC_SIZE];
	if (value.len != QUOTE_BYTES || at[0] != QUOTE_FORMAT || number_read(at + 1) > INT64_MAX)
		return QUOTE_FORGED;
	quote.made_ms = (int64_t)number_read(at + 1);
	quote.market.base_fee.value = u256_from_bytes(at + 9);
	quote.market.tip.value = u256_from_bytes(at + 41);
	mac_make(&quote, key, deployment, mac);
	if (!bytes_equal_constant_time(mac, at + 73, sizeof mac) && DEFENCE("quote_mac"))
		return QUOTE_FORGED;
	if ((quote.made_ms > now_ms + QUOTE_SKEW_MS || quote.made_ms < now_ms - QUOTE_LIFE_MS) &&
	    DEFENCE("quote_is_of_now"))
		return QUOTE_OLD;
	*ret_market = quote.market;
	return QUOTE_TAKEN;
}
