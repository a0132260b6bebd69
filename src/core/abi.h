/* The ERC-20 part of the contract ABI: calldata that we send, logs and words that we read.
 * Source: EIP-20, Solidity ABI specification. */
#ifndef SLUICE_CORE_ABI_H
#define SLUICE_CORE_ABI_H

#include "base/buf.h"
#include "core/address.h"
#include "core/amount.h"

#define ABI_TRANSFER_BYTES 68

/* transfer(address,uint256): selector a9059cbb and two words. */
void abi_write_transfer(struct address to, struct amount amount,
			uint8_t ret_calldata[ABI_TRANSFER_BYTES]);
/* False unless it is exactly such a call, with a clean address word. */
bool abi_read_transfer(struct str calldata, struct address *ret_to, struct amount *ret_amount);
/* balanceOf(address), 36 bytes. */
void abi_write_balance_of(struct address owner, uint8_t ret_calldata[36]);
/* decimals(), 4 bytes. */
void abi_write_decimals(uint8_t ret_calldata[4]);
/* One word of return data; false unless exactly 32 bytes. */
bool abi_read_word(struct str return_data, struct u256 *ret_value);

#define ABI_LOG_TOPICS_MAX 4
#define ABI_LOG_DATA_MAX   32 /* longer data is kept as its length alone: no log of ours has it */

struct abi_log {
	struct address contract;
	struct hash32 topics[ABI_LOG_TOPICS_MAX];
	size_t topics_len;
	uint8_t data[ABI_LOG_DATA_MAX];
	size_t data_len; /* as in the log; may exceed ABI_LOG_DATA_MAX */
};

struct abi_transfer {
	struct address from;
	struct address to;
	struct amount amount;
};

/* The first topic of such a log. */
struct hash32 abi_transfer_topic(void);
/* True when the log is Transfer(address indexed, address indexed, uint256): three topics, 32 bytes.
 */
bool abi_read_transfer_log(const struct abi_log *log, struct abi_transfer *ret_transfer);

#endif
