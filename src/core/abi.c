#include "core/abi.h"

#include <string.h>

#define SELECTOR_BYTES 4
#define WORD_BYTES     32

/* The first four bytes of the Keccak-256 of the signatures. */
static const uint8_t selector_transfer[SELECTOR_BYTES] = { 0xa9, 0x05, 0x9c, 0xbb };
static const uint8_t selector_balance_of[SELECTOR_BYTES] = { 0x70, 0xa0, 0x82, 0x31 };
static const uint8_t selector_decimals[SELECTOR_BYTES] = { 0x31, 0x3c, 0xe5, 0x67 };

/* The Keccak-256 of "Transfer(address,address,uint256)". */
static const struct hash32 topic_transfer = { {
	0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b, 0x69, 0xc2, 0xb0,
	0x68, 0xfc, 0x37, 0x8d, 0xaa, 0x95, 0x2b, 0xa7, 0xf1, 0x63, 0xc4,
	0xa1, 0x16, 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef,
} };

static void write_address_word(struct address address, uint8_t ret_word[WORD_BYTES])
{
	memset(ret_word, 0, WORD_BYTES);
	memcpy(ret_word + WORD_BYTES - ADDRESS_BYTES, address.bytes, ADDRESS_BYTES);
}

void abi_write_transfer(struct address to, struct amount amount,
			uint8_t ret_calldata[ABI_TRANSFER_BYTES])
{
	memcpy(ret_calldata, selector_transfer, SELECTOR_BYTES);
	write_address_word(to, ret_calldata + SELECTOR_BYTES);
	u256_to_bytes(amount.units, ret_calldata + SELECTOR_BYTES + WORD_BYTES);
}

/* An address in a word: twelve zeros before it. */
static bool read_address_word(const struct hash32 *word, struct address *ret_address)
{
	static const uint8_t zeros[WORD_BYTES - ADDRESS_BYTES];
	if (memcmp(word->bytes, zeros, sizeof zeros) != 0)
		return false;
	memcpy(ret_address->bytes, word->bytes + sizeof zeros, ADDRESS_BYTES);
	return true;
}

bool abi_read_transfer(struct str calldata, struct address *ret_to, struct amount *ret_amount)
{
	struct hash32 to;
	if (calldata.len != ABI_TRANSFER_BYTES ||
	    memcmp(calldata.at, selector_transfer, SELECTOR_BYTES) != 0)
		return false;
	memcpy(to.bytes, calldata.at + SELECTOR_BYTES, WORD_BYTES);
	if (!read_address_word(&to, ret_to))
		return false;
	ret_amount->units =
		u256_from_bytes((const uint8_t *)calldata.at + SELECTOR_BYTES + WORD_BYTES);
	return true;
}

void abi_write_balance_of(struct address owner, uint8_t ret_calldata[36])
{
	memcpy(ret_calldata, selector_balance_of, SELECTOR_BYTES);
	write_address_word(owner, ret_calldata + SELECTOR_BYTES);
}

void abi_write_decimals(uint8_t ret_calldata[4])
{
	memcpy(ret_calldata, selector_decimals, SELECTOR_BYTES);
}

bool abi_read_word(struct str return_data, struct u256 *ret_value)
{
	if (return_data.len != WORD_BYTES)
		return false;
	*ret_value = u256_from_bytes((const uint8_t *)return_data.at);
	return true;
}

struct hash32 abi_transfer_topic(void)
{
	return topic_transfer;
}

bool abi_read_transfer_log(const struct abi_log *log, struct abi_transfer *ret_transfer)
{
	struct abi_transfer transfer;
	if (log->topics_len != 3 || log->data_len != WORD_BYTES ||
	    !hash32_equal(log->topics[0], topic_transfer) ||
	    !read_address_word(&log->topics[1], &transfer.from) ||
	    !read_address_word(&log->topics[2], &transfer.to))
		return false;
	transfer.amount.units = u256_from_bytes(log->data);
	*ret_transfer = transfer;
	return true;
}
