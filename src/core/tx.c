#include "core/tx.h"

#include "base/keccak.h"
#include "core/rlp.h"

#include <string.h>

#define TYPE_EIP1559 0x02

/* Nine fields and a signature around the calldata: the heads and the widest integers. */
#define FIELDS_BYTES_MAX (3 * 9 + 3 * 33 + 21 + 3 + 1 + 1 + 2 * 33)
#define HEAD_BYTES_MAX   4 /* type, and a list head with two bytes of length */

_Static_assert(FIELDS_BYTES_MAX + CALLDATA_BYTES_MAX + HEAD_BYTES_MAX <= TX_BYTES_MAX,
	       "the widest transaction fits");
_Static_assert(TX_BYTES_MAX <= UINT16_MAX, "the list head has two bytes of length at most");

/* The fields that are signed, without the head of their list. */
static void write_fields(const struct tx *tx, struct buf *out)
{
	CHECK(tx->data_len <= CALLDATA_BYTES_MAX);
	rlp_write_u64(out, tx->chain_id);
	rlp_write_u64(out, tx->nonce);
	rlp_write_u256(out, tx->fees.tip.value);
	rlp_write_u256(out, tx->fees.cap.value);
	rlp_write_u64(out, tx->gas_limit);
	rlp_write_bytes(out, tx->to.bytes, ADDRESS_BYTES);
	rlp_write_u256(out, tx->value.value);
	rlp_write_bytes(out, tx->data, tx->data_len);
	rlp_write_list_head(out, 0); /* the access list */
}

static void write_envelope(struct str fields, struct buf *out)
{
	buf_byte(out, TYPE_EIP1559);
	rlp_write_list_head(out, fields.len);
	buf_str(out, fields);
}

struct hash32 tx_signing_hash(const struct tx *tx)
{
	uint8_t fields_storage[TX_BYTES_MAX];
	uint8_t storage[TX_BYTES_MAX];
	struct buf fields = buf_of(fields_storage, sizeof fields_storage);
	struct buf out = buf_of(storage, sizeof storage);
	write_fields(tx, &fields);
	write_envelope(buf_view(&fields), &out);
	CHECK(!fields.overflow && !out.overflow);
	return tx_hash_of(buf_view(&out));
}

void tx_write_signed(const struct tx *tx, const struct tx_signature *signature, struct buf *out)
{
	uint8_t storage[TX_BYTES_MAX];
	struct buf fields = buf_of(storage, sizeof storage);
	CHECK(signature->parity <= 1);
	write_fields(tx, &fields);
	rlp_write_u64(&fields, signature->parity);
	rlp_write_u256(&fields, u256_from_bytes(signature->r));
	rlp_write_u256(&fields, u256_from_bytes(signature->s));
	CHECK(!fields.overflow);
	write_envelope(buf_view(&fields), out);
}

struct hash32 tx_hash_of(struct str signed_bytes)
{
	struct hash32 hash;
	keccak256(signed_bytes.at, signed_bytes.len, hash.bytes);
	return hash;
}

static bool take_bytes(struct str *input, struct str *ret_content)
{
	enum rlp_type type;
	return rlp_take(input, &type, ret_content) && type == RLP_BYTES;
}

static bool take_u256(struct str *input, struct u256 *ret_value)
{
	struct str content;
	if (!take_bytes(input, &content) || (content.len > 0 && content.at[0] == 0))
		return false;
	return u256_from_bytes_short((const uint8_t *)content.at, content.len, ret_value);
}

static bool take_u64(struct str *input, uint64_t *ret_value)
{
	struct u256 value;
	return take_u256(input, &value) && u256_to_u64(value, ret_value);
}

static bool take_address(struct str *input, struct address *ret_address)
{
	struct str content;
	if (!take_bytes(input, &content) || content.len != ADDRESS_BYTES)
		return false;
	memcpy(ret_address->bytes, content.at, ADDRESS_BYTES);
	return true;
}

static bool take_data(struct str *input, struct tx *tx)
{
	struct str content;
	if (!take_bytes(input, &content) || content.len > CALLDATA_BYTES_MAX)
		return false;
	memcpy(tx->data, content.at, content.len);
	tx->data_len = content.len;
	return true;
}

static bool take_list(struct str *input, struct str *ret_content)
{
	enum rlp_type type;
	return rlp_take(input, &type, ret_content) && type == RLP_LIST;
}

static bool take_fields(struct str *fields, struct tx *tx)
{
	struct str access_list;
	return take_u64(fields, &tx->chain_id) && take_u64(fields, &tx->nonce) &&
	       take_u256(fields, &tx->fees.tip.value) && take_u256(fields, &tx->fees.cap.value) &&
	       take_u64(fields, &tx->gas_limit) && take_address(fields, &tx->to) &&
	       take_u256(fields, &tx->value.value) && take_data(fields, tx) &&
	       take_list(fields, &access_list) && access_list.len == 0;
}

static bool take_signature(struct str *fields, struct tx_signature *signature)
{
	uint64_t parity;
	struct u256 r, s;
	if (!take_u64(fields, &parity) || parity > 1 || !take_u256(fields, &r) ||
	    !take_u256(fields, &s))
		return false;
	signature->parity = (uint8_t)parity;
	u256_to_bytes(r, signature->r);
	u256_to_bytes(s, signature->s);
	return true;
}

bool tx_read_signed(struct str signed_bytes, struct tx *ret_tx, struct tx_signature *ret_signature)
{
	struct tx tx = { 0 };
	struct tx_signature signature;
	struct str fields;
	if (signed_bytes.len == 0 || signed_bytes.at[0] != TYPE_EIP1559)
		return false;
	struct str rest = str_skip(signed_bytes, 1);
	if (!take_list(&rest, &fields) || rest.len != 0)
		return false;
	if (!take_fields(&fields, &tx) || !take_signature(&fields, &signature) || fields.len != 0)
		return false;
	*ret_tx = tx;
	*ret_signature = signature;
	return true;
}

struct hash32 tx_payload_hash(const struct tx *tx, struct address wallet)
{
	uint8_t storage[TX_BYTES_MAX];
	uint8_t value[U256_BYTES];
	struct str label = STR("sluice payload 1");
	struct hash32 hash;
	struct buf out = buf_of(storage, sizeof storage);
	CHECK(tx->data_len <= CALLDATA_BYTES_MAX);
	u256_to_bytes(tx->value.value, value);
	buf_prefixed(&out, label.at, label.len);
	buf_prefixed_u64(&out, tx->chain_id);
	buf_prefixed(&out, wallet.bytes, ADDRESS_BYTES);
	buf_prefixed_u64(&out, tx->nonce);
	buf_prefixed(&out, tx->to.bytes, ADDRESS_BYTES);
	buf_prefixed(&out, value, sizeof value);
	buf_prefixed(&out, tx->data, tx->data_len);
	CHECK(!out.overflow);
	keccak256(storage, out.len, hash.bytes);
	return hash;
}
