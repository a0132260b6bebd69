#include "service/signer/signer.h"

#include "service/signer/signer_feed.h"
#include "service/signer/signer_quote.h"
#include "service/signer/signer_recovery.h"
#include "service/signer/signer_resolve.h"

#include <stdlib.h>
#include <string.h>

static const char *const send_labels[CHAIN_SEND_UNKNOWN + 1] = {
	[CHAIN_SEND_ACCEPTED] = "outcome=\"accepted\"",
	[CHAIN_SEND_KNOWN] = "outcome=\"known\"",
	[CHAIN_SEND_NONCE_TOO_LOW] = "outcome=\"nonce_too_low\"",
	[CHAIN_SEND_NONCE_TOO_HIGH] = "outcome=\"nonce_too_high\"",
	[CHAIN_SEND_UNDERPRICED] = "outcome=\"underpriced\"",
	[CHAIN_SEND_BACK_PRESSURE] = "outcome=\"back_pressure\"",
	[CHAIN_SEND_FEE_TOO_LOW] = "outcome=\"fee_too_low\"",
	[CHAIN_SEND_FUNDS] = "outcome=\"funds\"",
	[CHAIN_SEND_GAS_WRONG] = "outcome=\"gas_wrong\"",
	[CHAIN_SEND_NODE_CAP] = "outcome=\"node_cap\"",
	[CHAIN_SEND_INVALID] = "outcome=\"invalid\"",
	[CHAIN_SEND_UNKNOWN] = "outcome=\"unknown\"",
};

static void metrics_init(struct signer *self, struct metrics *metrics)
{
	self->reserved = metric_add(metrics, METRIC_COUNTER, "sluice_slots_reserved_total", "",
				    "Nonces taken.");
	self->signatures = metric_add(metrics, METRIC_COUNTER, "sluice_signatures_total", "",
				      "Attempts signed.");
	for (int i = CHAIN_SEND_ACCEPTED; i <= CHAIN_SEND_UNKNOWN; i++)
		self->sends[i] = metric_add(metrics, METRIC_COUNTER, "sluice_sends_total",
					    send_labels[i], "Answers to sent transactions.");
	self->bumps = metric_add(metrics, METRIC_COUNTER, "sluice_fee_bumps_total", "",
				 "Attempts that raise the fee of a slot.");
	self->waiting = metric_add(metrics, METRIC_COUNTER, "sluice_waits_total", "",
				   "Withdrawals sent to wait for funds, limits or fees.");
	self->held = metric_add(metrics, METRIC_COUNTER, "sluice_holds_total", "",
				"Withdrawals held for a person.");
	self->alarms = metric_add(metrics, METRIC_COUNTER, "sluice_alarms_total", "",
				  "Lines that a person should read.");
	self->in_flight = metric_add(metrics, METRIC_GAUGE, "sluice_slots_in_flight", "",
				     "Slots reserved, signed or broadcast.");
	self->unknown = metric_add(metrics, METRIC_GAUGE, "sluice_unknown_transactions", "",
				   "Transactions of the wallets that the store does not know.");
}

struct signer *signer_new(const struct signer_options *options)
{
	struct signer *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	CHECK(options->intent_keys.len > 0 && options->approval_keys.len > 0);
	CHECK(options->controls_keys.len > 0);
	CHECK(options->pay_tag_key != NULL && !id_is_zero(options->deployment));
	self->options = *options;
	self->context = signature_context_new();
	self->wallets_len = options->catalogue->wallets_len;
	if (self->wallets_len > 0) {
		self->wallets = calloc(self->wallets_len, sizeof *self->wallets);
		CHECK(self->wallets != NULL);
	}
	signer_spending_init(self);
	signer_recovery_init(self);
	metrics_init(self, options->metrics);
	signer_controls_init(self, options->metrics);
	signer_quotes_init(self);
	return self;
}

void signer_free(struct signer *signer)
{
	if (signer == NULL)
		return;
	signature_context_free(signer->context);
	signer_spending_deinit(signer);
	signer_recovery_deinit(signer);
	signer_quotes_deinit(signer);
	free(signer->read);
	free(signer->wallets);
	free(signer);
}

void signer_log(const struct signer *self, const struct withdrawal *row, const char *action,
		const char *text, bool alarm)
{
	struct id_text id = id_text(row->intent.id);
	struct log_about about = { .action = action,
				   .trace_id = row->correlation_id,
				   .withdrawal_id = id.at,
				   .alarm = alarm };
	if (alarm)
		metric_count(self->alarms, 1);
	log_line(self->options.log, alarm ? LOG_ERROR : LOG_INFO, &about, "%s %s", action, text);
}

void signer_log_slot(const struct signer *self, const struct transfer *slot, const char *action,
		     const struct hash32 *tx_hash, const char *text, bool alarm)
{
	struct id_text withdrawal = id_text(slot->withdrawal);
	struct id_text transfer = id_text(slot->id);
	struct hash32_text hash = { "" };
	struct log_about about = { .action = action,
				   .trace_id = slot->correlation_id,
				   .transfer_id = transfer.at,
				   .alarm = alarm };
	if (!id_is_zero(slot->withdrawal))
		about.withdrawal_id = withdrawal.at;
	if (tx_hash != NULL) {
		hash = hash32_text(*tx_hash);
		about.tx_hash = hash.at;
	}
	if (alarm)
		metric_count(self->alarms, 1);
	log_line(self->options.log, alarm ? LOG_ERROR : LOG_INFO, &about, "%s nonce %llu %s",
		 action, (unsigned long long)slot->nonce, text);
}

void signer_tell_slot(struct signer *self, struct signer_wallet *wallet,
		      const struct transfer *slot, const char *action)
{
	struct slot_told *told = &wallet->told[slot->nonce % SLOTS_MAX];
	bool known = told->action != NULL && strcmp(told->action, action) == 0 &&
		     told->nonce == slot->nonce && told->attempts == slot->attempts;
	if (known)
		return;
	*told = (struct slot_told){ action, slot->nonce, slot->attempts };
	signer_log_slot(self, slot, action, NULL, "", true);
}

void signer_log_wallet(const struct signer *self, const struct signer_wallet *wallet,
		       const char *action, const char *text, bool alarm)
{
	struct address_text address = address_text(wallet->row.address);
	struct log_about about = { .action = action, .wallet = address.at, .alarm = alarm };
	if (alarm)
		metric_count(self->alarms, 1);
	log_line(self->options.log, alarm ? LOG_ERROR : LOG_INFO, &about, "%s %s", action, text);
}

/* A new owner first brings out what was reserved before, in the order of nonces. What a pause keeps
 * back has yet to go out before anything new does. */
static bool owners_drain(struct signer *self, bool *ret_worked, struct err *err)
{
	bool any = false;
	for (size_t i = 0; i < self->wallets_len; i++)
		any |= self->wallets[i].owned && !self->wallets[i].drained;
	if (!any)
		return true;
	for (size_t i = 0; i < self->wallets_len; i++)
		self->wallets[i].pause_keeps = false;
	if (!signer_slots(self, ret_worked, err))
		return false;
	for (size_t i = 0; i < self->wallets_len; i++)
		self->wallets[i].drained = self->wallets[i].owned && !self->wallets[i].pause_keeps;
	return signer_wallets_refresh(self, err);
}

bool signer_step(struct signer *signer, bool *ret_worked, struct err *err)
{
	bool slots_worked = false;
	*ret_worked = false;
	signer_controls_look(signer);
	if (!signer_wallets_refresh(signer, err) || !owners_drain(signer, &slots_worked, err) ||
	    !signer_resolve(signer, err))
		return false;
	*ret_worked = slots_worked;
	signer_unknown_read(signer);
	size_t free_slots = signer_free_slots(signer);
	/* New payouts come first in the step, so that they leave with it; a fault of theirs must
	 * not keep what is reserved or wished for from going out. */
	struct err fault = { 0 };
	bool taken = signer_intake(signer, free_slots, ret_worked, &fault);
	if (!signer_slots(signer, &slots_worked, err))
		return false;
	*ret_worked |= slots_worked;
	signer_feed_copy(signer);
	if (!taken)
		*err = fault;
	return taken;
}
