/* Stored bytes go out, and that they went is recorded. No answer of a node is a verdict: "maybe
 * sent" is the state of everything that was handed over, and the monitor looks for the hashes. */
#include "service/signer/signer_parts.h"

#include "base/defence.h"
#include "core/reason.h"
#include "core/timing.h"

#include <string.h>

/* What a node's answer asks for, beyond looking for the hash. */
static void answer_log(const struct signer *self, const struct slot_work *work,
		       const struct chain_send *send)
{
	const struct hash32 *hash = &work->attempt.tx_hash;
	switch (send->state) {
	case CHAIN_SEND_ACCEPTED:
	case CHAIN_SEND_KNOWN:
		signer_log_slot(self, work->slot, "transfer_sent", hash, "", false);
		break;
	case CHAIN_SEND_NONCE_TOO_LOW:
	case CHAIN_SEND_NONCE_TOO_HIGH:
	case CHAIN_SEND_UNDERPRICED:
	case CHAIN_SEND_BACK_PRESSURE:
	case CHAIN_SEND_FEE_TOO_LOW:
	case CHAIN_SEND_NODE_CAP:
	case CHAIN_SEND_UNKNOWN:
		signer_log_slot(self, work->slot, "transfer_maybe_sent", hash, send->text, false);
		break;
	case CHAIN_SEND_FUNDS:
	case CHAIN_SEND_GAS_WRONG:
	case CHAIN_SEND_INVALID:
		signer_log_slot(self, work->slot, "transfer_not_taken", hash, send->text, true);
		break;
	}
}

/* A fee or a gas limit that is too low now is a wish of our own for the next step, which chooses
 * both anew. */
static bool wishes_after(const struct signer *self, struct slot_work *const works[],
			 const struct chain_send *sends, size_t n, struct err *err)
{
	struct store_wish wishes[BATCH_MAX];
	struct store_by by = signer_by(self);
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		bool low = sends[i].state == CHAIN_SEND_FEE_TOO_LOW ||
			   sends[i].state == CHAIN_SEND_GAS_WRONG ||
			   (sends[i].state == CHAIN_SEND_UNDERPRICED && works[i]->is_bump);
		if (low && works[i]->slot->attempts < ATTEMPTS_MAX)
			wishes[len++] =
				(struct store_wish){ .transfer = works[i]->slot->id,
						     .wish = WISH_BUMP,
						     .reason = WISH_REASON_NODE_REFUSED,
						     .attempts_seen = works[i]->slot->attempts };
	}
	return len == 0 || store_transfers_wish(self->options.store, wishes, len, &by, err);
}

static bool sent_record(struct signer *self, struct slot_work *const works[],
			const struct chain_send *sends, size_t n, struct err *err)
{
	struct store_sent sent[BATCH_MAX];
	struct store_by by = signer_by(self);
	for (size_t i = 0; i < n; i++)
		sent[i] = (struct store_sent){
			.transfer = works[i]->slot->id,
			.number = works[i]->attempt.number,
			.wallet_id = works[i]->wallet->row.id,
			.epoch = works[i]->wallet->lease.epoch,
			.may_be_out = DEFENCE("maybe_sent") ? sends[i].state != CHAIN_SEND_INVALID
							    : sends[i].state <= CHAIN_SEND_KNOWN
		};
	return store_attempts_sent(self->options.store, sent, n, &by, err);
}

static bool invalid_stop(struct signer *self, struct slot_work *const works[],
			 const struct chain_send *sends, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (sends[i].state == CHAIN_SEND_INVALID &&
		    works[i]->wallet->row.stop_reason[0] == 0 &&
		    !signer_wallet_stop(self, works[i]->wallet,
					reason_code(REASON_NODE_SAYS_INVALID), err))
			return false;
	return true;
}

static bool chain_send_works(struct signer *self, size_t chain, struct slot_work *const works[],
			     size_t n, struct err *err)
{
	struct str raw[BATCH_MAX];
	struct chain_send sends[BATCH_MAX];
	CHECK(n > 0 && n <= BATCH_MAX);
	for (size_t i = 0; i < n; i++)
		raw[i] = str_from_bytes(works[i]->attempt.raw, works[i]->attempt.raw_len);
	chain_send_many(self->options.chains[chain], raw, n, sends);
	for (size_t i = 0; i < n; i++) {
		if (!DEFENCE("answers_are_no_verdict") && sends[i].state != CHAIN_SEND_ACCEPTED)
			sends[i].state = CHAIN_SEND_INVALID;
		metric_count(self->sends[sends[i].state], 1);
		answer_log(self, works[i], &sends[i]);
	}
	return sent_record(self, works, sends, n, err) &&
	       wishes_after(self, works, sends, n, err) && invalid_stop(self, works, sends, n, err);
}

static bool is_stored(struct signer *self, const struct slot_work *work, bool *ret_stored,
		      struct err *err)
{
	size_t n = 0;
	*ret_stored = false;
	if (!store_attempts_load(self->options.store, work->slot->id, self->attempts, ATTEMPTS_MAX,
				 &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		*ret_stored |= hash32_equal(self->attempts[i].tx_hash, work->attempt.tx_hash);
	return true;
}

/* Who stood still for a lease's term does not know whose the wallet is, nor whether the server that
 * answered is still the one that is asked: bytes of which the store knows nothing would pay what
 * somebody else pays. */
static bool stored_look_again(struct signer *self, struct err *err)
{
	int64_t age_ms = clock_monotonic_ms(self->options.clock) - self->work_at;
	if (age_ms < LEASE_TERM_MS || !DEFENCE("who_stood_still_looks_again"))
		return true;
	for (size_t i = 0; i < self->work_len; i++) {
		struct slot_work *work = &self->work[i];
		bool stored = false;
		if (work->drop)
			continue;
		if (!is_stored(self, work, &stored, err))
			return false;
		if (stored)
			continue;
		work->drop = true;
		signer_log_slot(self, work->slot, "bytes_are_gone", &work->attempt.tx_hash,
				"the store does not know them any more: they are not sent", true);
	}
	return true;
}

void signer_pauses_look_again(struct signer *self)
{
	if (!DEFENCE("pause_before_send"))
		return;
	signer_controls_look(self);
	for (size_t i = 0; i < self->work_len; i++) {
		struct slot_work *work = &self->work[i];
		bool waits = !work->drop &&
			     (signer_work_waits(self, work) || signer_payment_waits(self, work));
		work->wallet->pause_keeps |= waits;
		work->drop |= waits;
	}
}

bool signer_send(struct signer *self, struct err *err)
{
	struct slot_work *works[BATCH_MAX];
	for (size_t chain = 0; chain < self->options.catalogue->chains_len; chain++) {
		size_t n = 0;
		if (!stored_look_again(self, err))
			return false;
		signer_pauses_look_again(self);
		for (size_t i = 0; i < self->work_len; i++)
			if (!self->work[i].drop && self->work[i].wallet->chain == chain)
				works[n++] = &self->work[i];
		if (n > 0 && !chain_send_works(self, chain, works, n, err))
			return false;
	}
	queue_notify(self->options.queue, QUEUE_MONITOR);
	return true;
}
