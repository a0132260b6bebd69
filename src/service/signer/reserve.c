/* From candidate to slot: a wallet whose purse covers it, gas estimated while no nonce is taken
 * yet, then nonce, transfer and binding in one transaction. */
#include "service/signer/signer_ending.h"
#include "service/signer/signer_trust.h"

#include "base/defence.h"
#include "core/funds.h"
#include "core/reason.h"
#include "core/transfer.h"

#include <string.h>

static uint64_t gas_ceiling_of(const struct signer *self, const struct asset *asset)
{
	return signer_gas_ceiling(self->options.catalogue, asset->chain, asset);
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

/* Why this wallet cannot pay the candidate now: NULL, or what it waits for. What no wallet may ever
 * pay waits for a person who raises a limit, and keeps nobody's funds back. */
static bool wallet_judge(struct signer *self, const struct candidate *candidate,
			 const struct signer_wallet *wallet, const char **ret_reason,
			 struct err *err)
{
	const struct asset *asset = candidate->asset;
	struct amount amount = candidate->row->intent.amount;
	bool allowed = false;
	*ret_reason = reason_code(funds_fit_ceiling(asset, amount) ? REASON_FUNDS
								   : REASON_FUNDS_ABOVE_CEILING);
	if (!signer_purse_covers(self, wallet, asset, amount, gas_ceiling_of(self, asset)))
		return true;
	if (!signer_claims_allow(self, candidate, wallet, &allowed, err))
		return false;
	return !allowed || signer_limit_judge(self, wallet, asset, amount, ret_reason, err);
}

/* The least loaded wallet that covers it and may pay it, so that slots fill side by side; or why
 * none does. */
static bool wallet_choose(struct signer *self, const struct candidate *candidate,
			  struct signer_wallet **ret_wallet, const char **ret_reason,
			  struct err *err)
{
	const struct asset *asset = candidate->asset;
	size_t best_load = 0;
	*ret_wallet = NULL;
	*ret_reason = reason_code(REASON_SLOT);
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct signer_wallet *wallet = &self->wallets[i];
		const char *limit = NULL;
		if (wallet->chain != asset->chain || !signer_wallet_can_reserve(wallet))
			continue;
		if ((signer_stops_at(self, wallet) & CONTROL_SIGNING) != 0) {
			*ret_reason = reason_code(REASON_PAUSED);
			continue;
		}
		size_t load = wallet->in_flight + chosen_count(self, wallet);
		if (load >= wallet->params->in_flight_max ||
		    (*ret_wallet != NULL && load >= best_load))
			continue;
		if (!wallet_judge(self, candidate, wallet, &limit, err))
			return false;
		if (limit != NULL) {
			*ret_reason = limit;
			continue;
		}
		*ret_wallet = wallet;
		best_load = load;
	}
	return true;
}

static void transfer_make(const struct candidate *candidate, const struct signer_wallet *wallet,
			  struct transfer *ret_transfer)
{
	memset(ret_transfer, 0, sizeof *ret_transfer);
	ret_transfer->wallet_id = wallet->row.id;
	ret_transfer->wallet = wallet->row.address;
	ret_transfer->round = candidate->row->round;
	transfer_bind(ret_transfer, &candidate->row->intent);
	memcpy(ret_transfer->correlation_id, candidate->row->correlation_id,
	       sizeof ret_transfer->correlation_id);
}

/* Oldest first: what cannot be covered waits and is told of, smaller payouts go on. */
static bool wallets_choose(struct signer *self, size_t chain, struct err *err)
{
	for (size_t i = 0; i < self->candidates_len; i++) {
		struct candidate *candidate = &self->candidates[i];
		const char *reason = NULL;
		if (candidate->asset->chain != chain || candidate->wait_reason != NULL)
			continue;
		if (!wallet_choose(self, candidate, &candidate->wallet, &reason, err))
			return false;
		struct signer_wallet *wallet = candidate->wallet;
		if (wallet == NULL) {
			candidate->wait_reason = reason;
			continue;
		}
		struct amount amount = candidate->row->intent.amount;
		signer_purse_take(self, wallet, candidate->asset, amount,
				  gas_ceiling_of(self, candidate->asset));
		signer_limit_take(self, wallet, candidate->asset, amount);
		transfer_make(candidate, wallet, &candidate->transfer);
	}
	return true;
}

static void call_make(const struct transfer *transfer, struct tx *tx, struct chain_call *ret_call)
{
	transfer_payload(transfer, tx);
	*ret_call = (struct chain_call){ .from = transfer->wallet,
					 .to = tx->to,
					 .value = tx->value,
					 .data = tx->data,
					 .data_len = tx->data_len };
}

/* Both in one batch, so that they see the same state, as far as a node allows. */
static enum blame node_blame(struct chain *nodes, size_t index, const struct chain_call calls[2])
{
	struct chain_estimate estimates[2];
	struct chain *node = NULL;
	if (!chain_node(nodes, index, &node, NULL) ||
	    !chain_estimate_many(node, calls, 2, estimates, NULL))
		return BLAME_UNKNOWN;
	bool reverts = estimates[0].state == CHAIN_ESTIMATE_REVERTED;
	if (estimates[0].state == CHAIN_ESTIMATE_OK)
		return BLAME_NOBODY;
	if (reverts && estimates[1].state == CHAIN_ESTIMATE_OK)
		return BLAME_RECEIVER;
	if (reverts && estimates[1].state == CHAIN_ESTIMATE_REVERTED)
		return BLAME_ASSET;
	return BLAME_UNKNOWN;
}

enum blame signer_revert_judge(struct signer *self, const struct signer_wallet *wallet,
			       const struct transfer *transfer)
{
	struct chain *nodes = self->options.chains[wallet->chain];
	struct chain_call calls[2];
	struct tx txs[2];
	struct transfer probe = *transfer;
	size_t len = DEFENCE("all_nodes_blame") ? chain_nodes_len(nodes) : 1;
	enum blame blame = BLAME_UNKNOWN;
	probe.receiver = probe.wallet;
	if (!transfer->is_token)
		probe.to = probe.wallet;
	call_make(transfer, &txs[0], &calls[0]);
	call_make(&probe, &txs[1], &calls[1]);
	for (size_t i = 0; i < len; i++) {
		enum blame one = node_blame(nodes, i, calls);
		blame = i == 0 || one == blame ? one : BLAME_UNKNOWN;
	}
	return blame;
}

static bool reverted_judge(struct signer *self, struct candidate *candidate, struct err *err)
{
	enum blame blame = signer_revert_judge(self, candidate->wallet, &candidate->transfer);
	if (blame != BLAME_RECEIVER) {
		candidate->wait_reason = blame == BLAME_ASSET
						 ? reason_code(REASON_ASSET_REVERTS)
						 : reason_code(REASON_CHAIN_UNAVAILABLE);
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
			candidate->wait_reason = reason_code(REASON_GAS_ABOVE_CEILING);
		candidate->gas_limit =
			gas_limit_of_estimate(estimate->gas, asset->gas_floor, ceiling);
		candidate->transfer.gas_limit = candidate->gas_limit;
		if (candidate->wait_reason == NULL && !fee_is_payable(self, candidate))
			candidate->wait_reason = reason_code(REASON_FEE_ABOVE_CAP);
		return true;
	case CHAIN_ESTIMATE_FUNDS:
		candidate->wait_reason = reason_code(REASON_FUNDS);
		return true;
	case CHAIN_ESTIMATE_UNKNOWN:
		candidate->wait_reason = reason_code(REASON_CHAIN_UNAVAILABLE);
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
		call_make(&candidate->transfer, &txs[n], &calls[n]);
		asked[n++] = candidate;
	}
	if (n == 0)
		return true;
	if (!chain_estimate_many(self->options.chains[chain], calls, n, estimates, err))
		return false;
	for (size_t i = 0; i < n && !DEFENCE("each_by_itself"); i++)
		if (estimates[i].state != CHAIN_ESTIMATE_OK)
			return err_set(err, ERR_NOT_DONE, "one of the batch is refused");
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
			self->candidates[i].wait_reason = reason_code(REASON_CHAIN_UNAVAILABLE);
}

/* Nobody of the chain is paid before it is known what its wallets have paid. */
static bool ahead_judge(struct signer *self, size_t chain, bool *ret_behind, struct err *err)
{
	if (!signer_ahead_look(self, chain, ret_behind, err))
		return false;
	for (size_t i = 0; i < self->candidates_len && *ret_behind; i++)
		if (self->candidates[i].asset->chain == chain)
			self->candidates[i].wait_reason = reason_code(REASON_CHAIN_IS_AHEAD);
	return true;
}

/* The nodes took their time. A switch of somebody else that changed meanwhile would keep these from
 * being reserved, and one who changes his all day would keep everybody waiting. */
static void pauses_look_again(struct signer *self)
{
	signer_controls_look(self);
	for (size_t i = 0; i < self->candidates_len; i++) {
		struct candidate *candidate = &self->candidates[i];
		unsigned stops = signer_stops_of(self, &candidate->row->intent);
		if (candidate->wallet != NULL)
			stops |= signer_stops_at(self, candidate->wallet);
		if (candidate->wait_reason == NULL && (stops & CONTROL_SIGNING) != 0)
			candidate->wait_reason = reason_code(REASON_PAUSED);
	}
}

/* What a part that is away keeps from being decided waits for it; the other chains go on. */
void signer_choose(struct signer *self)
{
	for (size_t chain = 0; chain < self->options.catalogue->chains_len; chain++) {
		struct err fault = { 0 };
		bool any = false;
		bool behind = false;
		for (size_t i = 0; i < self->candidates_len; i++)
			any |= self->candidates[i].asset->chain == chain;
		if (!any)
			continue;
		if (!ahead_judge(self, chain, &behind, &fault) ||
		    (!behind &&
		     (!signer_claims_refresh(self, chain, &fault) ||
		      !signer_purses_load(self, chain, &fault) ||
		      !wallets_choose(self, chain, &fault) || !gas_estimate(self, chain, &fault))))
			chain_unavailable(self, chain, &fault);
		answered_drop(self);
	}
	if (self->candidates_len > 0)
		pauses_look_again(self);
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
						       .controls = self->controls.set.version,
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
		CHECK(wallet->slots_len < SLOTS_KEPT);
		wallet->slots[wallet->slots_len++] = reservation->transfer;
		wallet->in_flight++;
		metric_count(self->reserved, 1);
		signer_log_slot(self, &reservation->transfer, "transfer_reserved", NULL, "", false);
		break;
	case STORE_FENCED:
		wallet->owned = false;
		wallet->lease.epoch = 0;
		signer_log_wallet(self, wallet, "wallet_lost", "", false);
		break;
	case STORE_EXISTS: /* only an edited row has a slot of its round and is queued */
	case STORE_TAKEN:
	case STORE_MOVED:
	case STORE_PAUSED:
		break;
	}
}

/* A wallet whose next nonce has a row that the signer did not make gives none until people have
 * looked; the others go on. */
static bool taken_stop(struct signer *self, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct store_reservation *one = &self->reservations[i];
		struct signer_wallet *wallet = signer_wallet_of(self, one->transfer.wallet_id);
		if (one->result == STORE_TAKEN && wallet->row.stop_reason[0] == 0 &&
		    !signer_wallet_stop(self, wallet, reason_code(REASON_NONCES_NOT_DENSE), err))
			return false;
	}
	return true;
}

static const struct candidate *candidate_of(const struct signer *self, struct id withdrawal)
{
	for (size_t i = 0; i < self->candidates_len; i++)
		if (id_equal(self->candidates[i].row->intent.id, withdrawal))
			return &self->candidates[i];
	return NULL;
}

/* What was not reserved is answered all the same: a message that stays claimed would count as one
 * without verdict. Of EXISTS the message is acknowledged by now, and the row is as it was. */
static bool rest_answer(struct signer *self, size_t n, struct err *err)
{
	struct message_ack none = { .queue = QUEUE_NONE };
	self->changes_len = 0;
	for (size_t i = 0; i < n; i++) {
		enum store_write result = self->reservations[i].result;
		const struct candidate *candidate =
			candidate_of(self, self->reservations[i].withdrawal);
		CHECK(candidate != NULL);
		if (result == STORE_EXISTS)
			signer_change_hold(self, candidate->row,
					   reason_code(REASON_ROUND_HAS_A_SLOT), &none, false);
		else if (result == STORE_PAUSED || result == STORE_FENCED || result == STORE_TAKEN)
			signer_change_wait(self, candidate->row, reason_code(REASON_SLOT),
					   &candidate->ack);
	}
	return signer_changes_write(self, err);
}

/* Nothing could be reserved, or nobody knows: the rows that were not moved by it wait. Without this
 * verdict each such try would count as a receive, and after a few the rows would be held. */
static void failure_wait(struct signer *self)
{
	struct err fault = { 0 };
	self->changes_len = 0;
	for (size_t i = 0; i < self->candidates_len; i++)
		signer_change_wait(self, self->candidates[i].row, reason_code(REASON_UNAVAILABLE),
				   &self->candidates[i].ack);
	if (!signer_changes_write(self, &fault))
		log_line(self->options.log, LOG_WARN,
			 &(struct log_about){ .action = "decision_waits", .err = &fault },
			 "the store takes neither slots nor waits");
}

bool signer_reserve(struct signer *self, struct err *err)
{
	struct store_by by = signer_by(self);
	size_t n = reservations_fill(self, by.now_ms);
	if (n == 0)
		return true;
	if (!store_transfers_reserve(self->options.store, self->reservations, n, &by, err)) {
		failure_wait(self);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		reserved_add(self, &self->reservations[i]);
	return taken_stop(self, n, err) && rest_answer(self, n, err);
}
