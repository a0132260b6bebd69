/* From candidate to slot: a wallet whose purse covers it, gas estimated while no nonce is taken
 * yet, then nonce, transfer and binding in one transaction. */
#include "service/signer/signer_parts.h"

#include "core/transfer.h"

#include <string.h>

static uint64_t gas_ceiling_of(const struct signer *self, const struct asset *asset)
{
	const struct chain_params *chain = &self->options.catalogue->chains[asset->chain];
	return asset->is_native ? chain->native_gas_limit : asset->gas_ceiling;
}

/* How many candidates of this step have the wallet already. */
static size_t chosen_count(const struct signer *self, const struct signer_wallet *wallet)
{
	size_t count = 0;
	for (size_t i = 0; i < self->candidates_len; i++)
		if (self->candidates[i].wallet == wallet)
			count++;
	return count;
}

/* The least loaded wallet that covers it, so that slots fill side by side. *ret_any_slot tells
 * whether any wallet had a free slot at all. */
static struct signer_wallet *wallet_choose(struct signer *self, const struct candidate *candidate,
					   bool *ret_any_slot)
{
	struct signer_wallet *best = NULL;
	size_t best_load = 0;
	*ret_any_slot = false;
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct signer_wallet *wallet = &self->wallets[i];
		if (wallet->chain != candidate->asset->chain || !signer_wallet_can_reserve(wallet))
			continue;
		size_t load = wallet->slots_len + chosen_count(self, wallet);
		if (load >= wallet->params->in_flight_max)
			continue;
		*ret_any_slot = true;
		if (best != NULL && load >= best_load)
			continue;
		if (!signer_purse_covers(self, wallet, candidate->asset,
					 candidate->row->intent.amount,
					 gas_ceiling_of(self, candidate->asset)))
			continue;
		best = wallet;
		best_load = load;
	}
	return best;
}

/* Oldest first: what cannot be covered waits and is told of, smaller payouts go on. */
static void wallets_choose(struct signer *self, size_t chain)
{
	for (size_t i = 0; i < self->candidates_len; i++) {
		struct candidate *candidate = &self->candidates[i];
		bool any_slot = false;
		if (candidate->asset->chain != chain || candidate->wait_reason != NULL)
			continue;
		struct signer_wallet *wallet = wallet_choose(self, candidate, &any_slot);
		candidate->wallet = wallet;
		if (wallet == NULL) {
			candidate->wait_reason = any_slot ? "funds" : "slot";
			continue;
		}
		signer_purse_take(self, wallet, candidate->asset, candidate->row->intent.amount,
				  gas_ceiling_of(self, candidate->asset));
		struct transfer *transfer = &candidate->transfer;
		memset(transfer, 0, sizeof *transfer);
		transfer->wallet_id = wallet->row.id;
		transfer->wallet = wallet->row.address;
		transfer->round = candidate->row->round;
		transfer_bind(transfer, &candidate->row->intent);
		memcpy(transfer->correlation_id, candidate->row->correlation_id,
		       sizeof transfer->correlation_id);
	}
}

bool signer_receiver_is_to_blame(struct signer *self, const struct signer_wallet *wallet,
				 const struct transfer *transfer, bool *ret_receiver,
				 struct err *err)
{
	struct chain_estimate estimate;
	struct transfer probe = *transfer;
	struct tx tx;
	*ret_receiver = true;
	if (!probe.is_token)
		return true;
	probe.receiver = probe.wallet;
	transfer_payload(&probe, &tx);
	struct chain_call call = { .from = probe.wallet,
				   .to = tx.to,
				   .value = tx.value,
				   .data = tx.data,
				   .data_len = tx.data_len };
	if (!chain_estimate_many(self->options.chains[wallet->chain], &call, 1, &estimate, err))
		return false;
	*ret_receiver = estimate.state == CHAIN_ESTIMATE_OK;
	return true;
}

static bool reverted_judge(struct signer *self, struct candidate *candidate, struct err *err)
{
	bool receiver = false;
	if (!signer_receiver_is_to_blame(self, candidate->wallet, &candidate->transfer, &receiver,
					 err))
		return false;
	if (!receiver) {
		candidate->wait_reason = "asset_reverts";
		return true;
	}
	candidate->wallet = NULL;
	if (!signer_end(self, candidate->row, WITHDRAWAL_FAILED, REFUSAL_RECEIVER_REFUSES,
			&candidate->ack, err))
		return false;
	candidate->row = NULL; /* answered */
	return true;
}

/* A fee that no attempt could pay now is known before a nonce is taken. */
static bool fee_is_payable(struct signer *self, const struct candidate *candidate)
{
	const struct chain_params *params =
		&self->options.catalogue->chains[candidate->asset->chain];
	const struct chain_head *head = &self->chains[candidate->asset->chain].head;
	struct fee_market market = { .base_fee = head->base_fee, .tip = head->tip };
	struct fees fees;
	return fee_choose(&market, NULL, candidate->gas_limit, &params->fees, &fees) ==
	       REFUSAL_NONE;
}

static bool estimate_judge(struct signer *self, struct candidate *candidate,
			   const struct chain_estimate *estimate, struct err *err)
{
	const struct asset *asset = candidate->asset;
	uint64_t ceiling = gas_ceiling_of(self, asset);
	switch (estimate->state) {
	case CHAIN_ESTIMATE_OK:
		if (estimate->gas > ceiling)
			candidate->wait_reason = "gas_above_ceiling";
		candidate->gas_limit =
			gas_limit_of_estimate(estimate->gas, asset->gas_floor, ceiling);
		candidate->transfer.gas_limit = candidate->gas_limit;
		if (candidate->wait_reason == NULL && !fee_is_payable(self, candidate))
			candidate->wait_reason = "fee_above_cap";
		return true;
	case CHAIN_ESTIMATE_FUNDS:
		candidate->wait_reason = "funds";
		return true;
	case CHAIN_ESTIMATE_UNKNOWN:
		candidate->wait_reason = "chain_unavailable";
		return true;
	case CHAIN_ESTIMATE_REVERTED:
		return reverted_judge(self, candidate, err);
	}
	return true;
}

static bool gas_estimate(struct signer *self, size_t chain, struct err *err)
{
	struct chain_call calls[BATCH_MAX];
	struct chain_estimate estimates[BATCH_MAX];
	struct candidate *asked[BATCH_MAX];
	struct tx txs[BATCH_MAX];
	size_t n = 0;
	for (size_t i = 0; i < self->candidates_len; i++) {
		struct candidate *candidate = &self->candidates[i];
		if (candidate->wallet == NULL || candidate->wallet->chain != chain)
			continue;
		transfer_payload(&candidate->transfer, &txs[n]);
		calls[n] = (struct chain_call){ .from = candidate->transfer.wallet,
						.to = txs[n].to,
						.value = txs[n].value,
						.data = txs[n].data,
						.data_len = txs[n].data_len };
		asked[n++] = candidate;
	}
	if (n == 0)
		return true;
	if (!chain_estimate_many(self->options.chains[chain], calls, n, estimates, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!estimate_judge(self, asked[i], &estimates[i], err))
			return false;
	return true;
}

static void answered_drop(struct signer *self)
{
	size_t kept = 0;
	for (size_t i = 0; i < self->candidates_len; i++)
		if (self->candidates[i].row != NULL)
			self->candidates[kept++] = self->candidates[i];
	self->candidates_len = kept;
}

static void chain_unavailable(struct signer *self, size_t chain, const struct err *err)
{
	struct log_about about = { .action = "chain_unavailable", .err = err };
	log_line(self->options.log, LOG_WARN, &about, "payouts wait for the chain");
	for (size_t i = 0; i < self->candidates_len; i++)
		if (self->candidates[i].asset->chain == chain)
			self->candidates[i].wait_reason = "chain_unavailable";
}

bool signer_choose(struct signer *self, struct err *err)
{
	(void)err;
	for (size_t chain = 0; chain < self->options.catalogue->chains_len; chain++) {
		struct err fault = { 0 };
		bool any = false;
		for (size_t i = 0; i < self->candidates_len; i++)
			any |= self->candidates[i].asset->chain == chain;
		if (!any)
			continue;
		if (!signer_purses_load(self, chain, &fault)) {
			chain_unavailable(self, chain, &fault);
			continue;
		}
		wallets_choose(self, chain);
		if (!gas_estimate(self, chain, &fault))
			chain_unavailable(self, chain, &fault);
		answered_drop(self);
	}
	return true;
}

static void reservation_fill(struct signer *self, const struct candidate *candidate, int64_t now_ms,
			     struct store_reservation *ret_reservation)
{
	uint8_t random[10];
	entropy_fill(self->options.entropy, random, sizeof random);
	*ret_reservation = (struct store_reservation){ .withdrawal = candidate->row->intent.id,
						       .version = candidate->row->version,
						       .transfer = candidate->transfer,
						       .epoch = candidate->wallet->lease.epoch,
						       .ack = candidate->ack };
	ret_reservation->transfer.id = id_make(now_ms, random);
}

/* Sorted by wallet, and within one by age: the store gives nonces in this order. */
static size_t reservations_fill(struct signer *self, int64_t now_ms)
{
	size_t n = 0;
	for (size_t w = 0; w < self->wallets_len; w++)
		for (size_t i = 0; i < self->candidates_len; i++)
			if (self->candidates[i].wallet == &self->wallets[w])
				reservation_fill(self, &self->candidates[i], now_ms,
						 &self->reservations[n++]);
	return n;
}

static void reserved_add(struct signer *self, const struct store_reservation *reservation)
{
	struct signer_wallet *wallet = signer_wallet_of(self, reservation->transfer.wallet_id);
	switch (reservation->result) {
	case STORE_WRITTEN:
		CHECK(wallet->slots_len < SLOTS_MAX);
		wallet->slots[wallet->slots_len++] = reservation->transfer;
		metric_count(self->reserved, 1);
		signer_log_slot(self, &reservation->transfer, "transfer_reserved", NULL, "", false);
		break;
	case STORE_FENCED:
		wallet->owned = false;
		wallet->lease.epoch = 0;
		signer_log_wallet(self, wallet, "wallet_lost", "", true);
		break;
	case STORE_EXISTS:
		signer_log_slot(self, &reservation->transfer, "round_has_a_slot_already", NULL, "",
				true);
		break;
	case STORE_MOVED:
	case STORE_PAUSED:
		break;
	}
}

bool signer_reserve(struct signer *self, struct err *err)
{
	struct store_by by = signer_by(self);
	size_t n = reservations_fill(self, by.now_ms);
	if (n == 0)
		return true;
	if (!store_transfers_reserve(self->options.store, self->reservations, n, &by, err))
		return false;
	for (size_t i = 0; i < n; i++)
		reserved_add(self, &self->reservations[i]);
	return true;
}
