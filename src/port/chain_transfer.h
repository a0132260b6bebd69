/* Tokens that left a wallet, as a chain tells of them: part of port/chain.h. */
#ifndef SLUICE_PORT_CHAIN_TRANSFER_H
#define SLUICE_PORT_CHAIN_TRANSFER_H

#include "core/abi.h"
#include "core/address.h"

#include <stddef.h>
#include <stdint.h>

#define CHAIN_TRANSFERS_MAX 1024

struct chain_transfer {
	struct address contract;
	struct abi_transfer transfer;
	struct hash32 tx_hash;
	uint64_t block;
};

/* In blocks first to last, of one of these contracts, out of one of these wallets: 1 to
 * CHAIN_BATCH_MAX of each, borrowed. */
struct chain_transfer_query {
	uint64_t first;
	uint64_t last;
	const struct address *contracts;
	size_t contracts_len;
	const struct address *wallets;
	size_t wallets_len;
};

#endif
