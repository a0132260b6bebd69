/* What one deployment is configured to pay, and from where: chains, assets, wallets. Every role
 * uses its own copy from its own configuration; rows of the store only pin it (a difference stops
 * the role), so that an edited row can rebind no symbol and no decimals. */
#ifndef SLUICE_CORE_CATALOGUE_H
#define SLUICE_CORE_CATALOGUE_H

#include "core/address.h"
#include "core/amount.h"
#include "core/fee.h"
#include "core/limits.h"

struct chain_params {
	char name[CHAIN_NAME_LEN_MAX + 1]; /* "polygon" */
	uint64_t chain_id;
	bool has_finality;     /* the chain knows `finalized` */
	uint64_t depth_paid;   /* blocks on top before "paid" is final */
	uint64_t depth_unpaid; /* before "unpaid" is */
	struct fee_limits fees;
	int64_t bump_after_ms; /* a slot that is known to the node but not mined for so long */
	int64_t rebroadcast_after_ms; /* the least time between two sends of the same bytes */
	int64_t poll_ms;              /* how often the monitor asks for the head */
	uint64_t native_gas_limit;    /* ceiling for a payment of the native coin */
};

struct asset {
	size_t chain; /* index into catalogue.chains */
	char symbol[SYMBOL_LEN_MAX + 1];
	bool is_native;
	struct address contract; /* zero for the native coin */
	unsigned decimals;
	struct amount minimum; /* the processor's rules; zero maximum: none */
	struct amount maximum;
	struct amount
		signature_above;   /* more than that needs an approver's signature; zero: none */
	struct amount payment_max; /* the signer's own: per payment; zero: none */
	struct amount hour_max;    /* per wallet; zero: none */
	struct amount day_max;
	uint64_t gas_floor; /* limits of gasLimit */
	uint64_t gas_ceiling;
};

struct wallet_params {
	size_t chain;
	struct address address; /* pinned */
	char key_ref[KEY_REF_LEN_MAX + 1];
	unsigned in_flight_max; /* 1 to IN_FLIGHT_MAX */
	bool fresh;             /* made by `keys new` at nonce 0: enters at once */
};

/* Whose signatures count above a threshold. */
struct approver_params {
	char name[PERSON_NAME_LEN_MAX + 1];
	uint8_t key[32]; /* Ed25519, public */
};

struct catalogue {
	struct chain_params chains[CHAINS_MAX];
	size_t chains_len;
	struct asset assets[ASSETS_MAX];
	size_t assets_len;
	struct wallet_params wallets[WALLETS_MAX];
	size_t wallets_len;
	struct approver_params approvers[APPROVERS_MAX];
	size_t approvers_len;
};

/* NULL when there is none. */
const struct chain_params *catalogue_chain_by_name(const struct catalogue *catalogue,
						   struct str name);
const struct chain_params *catalogue_chain_by_id(const struct catalogue *catalogue,
						 uint64_t chain_id);
/* The asset of a symbol on a chain. Symbols are compared exactly. */
const struct asset *catalogue_asset(const struct catalogue *catalogue, uint64_t chain_id,
				    struct str symbol);
const struct asset *catalogue_native(const struct catalogue *catalogue, uint64_t chain_id);
uint64_t catalogue_chain_id_of(const struct catalogue *catalogue, const struct asset *asset);
bool catalogue_is_wallet(const struct catalogue *catalogue, struct address address);
/* True when the address is the contract of any configured token of that chain. */
bool catalogue_is_token(const struct catalogue *catalogue, uint64_t chain_id,
			struct address address);
const struct wallet_params *catalogue_wallet(const struct catalogue *catalogue, uint64_t chain_id,
					     struct address address);

#endif
