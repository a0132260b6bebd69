/* Slots that were sent a while ago and are in no block: what does the node know of the newest
 * bytes? core/wish decides what would help. */
#include "core/transfer.h"
#include "core/wish.h"
#include "service/monitor/monitor_parts.h"

#include "base/defence.h"

/* Bumps have long been tried where fees keep it waiting: nobody hands it on, or nobody takes it. */
#define STUCK_TELL_MS   1800000
#define STUCK_HEADS_MIN 10

int64_t monitor_age_ms(const struct monitor *self, int64_t at_ms)
{
	int64_t now_ms = clock_now_ms(self->options.clock);
	return at_ms > now_ms || at_ms < 0 ? INT64_MAX : now_ms - at_ms;
}

bool monitor_lingers(const struct monitor *self, const struct transfer *row)
{
	return row->stage == TRANSFER_BROADCAST &&
	       monitor_age_ms(self, row->sent_at) >= self->chain->params->rebroadcast_after_ms;
}

static const char *stuck_text(const struct transfer *row, bool is_passed)
{
	if (!is_passed)
		return "is in no block, and no attempt is left";
	return row->stage == TRANSFER_BROADCAST ? "blocks have passed it by for half an hour"
						: "has not gone out for half an hour";
}

/* Once for a slot: all later ones of its wallet wait for it, and no node says why; or nobody signs
 * it, whose reasons are the signer's log. */
static void stuck_tell(struct monitor *self, struct lowest *lowest, const struct transfer *row)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	bool is_passed = now - lowest->out_since >= STUCK_TELL_MS &&
			 self->chain->heads - lowest->out_heads >= STUCK_HEADS_MIN;
	if (lowest->out_told || (!is_passed && row->attempts < ATTEMPTS_MAX) ||
	    !DEFENCE("stuck_is_told"))
		return;
	lowest->out_told = true;
	monitor_log(self, row, "transfer_passed_by", NULL, stuck_text(row, is_passed), true);
}

void monitor_lowest_set(struct monitor *self, size_t wallet, const struct transfer *row)
{
	struct lowest *lowest = &self->chain->lowest[wallet];
	struct lowest fresh = { .heads = self->chain->heads };
	if (row != NULL) {
		fresh.transfer = row->id;
		fresh.attempts = row->attempts;
	}
	bool is_same = id_equal(lowest->transfer, fresh.transfer);
	fresh.out_since = is_same ? lowest->out_since : clock_monotonic_ms(self->options.clock);
	fresh.out_heads = is_same ? lowest->out_heads : fresh.heads;
	fresh.out_told = is_same && lowest->out_told;
	if (!is_same || lowest->attempts != fresh.attempts)
		*lowest = fresh;
	if (row != NULL)
		stuck_tell(self, lowest, row);
}

static size_t lingering_collect(struct monitor *self, struct watched *ret_lingering[WATCH_BATCH])
{
	size_t n = 0;
	for (size_t i = 0; i < self->watched_len; i++) {
		struct watched *watched = &self->watched[i];
		struct receipt_of of = { 0 };
		if (watched->hashes_len > 0 && monitor_lingers(self, &watched->row) &&
		    monitor_receipt_of(self, watched, &of) == NULL)
			ret_lingering[n++] = watched;
	}
	return n;
}

static void forgotten_note(struct monitor *self, struct lowest *lowest)
{
	if (lowest->is_forgotten)
		return;
	lowest->is_forgotten = true;
	lowest->forgotten_at = clock_monotonic_ms(self->options.clock);
	lowest->heads = self->chain->heads;
}

static enum wish wish_of(struct monitor *self, const struct watched *watched, bool is_pending,
			 enum wish_reason *ret_reason)
{
	const struct monitor_chain *chain = self->chain;
	int64_t now = clock_monotonic_ms(self->options.clock);
	struct lowest *lowest = &self->chain->lowest[watched->wallet];
	struct fee_market market = { .base_fee = chain->head.base_fee, .tip = chain->head.tip };
	struct wish_facts facts = {
		.is_pending = is_pending,
		.is_lowest = watched->is_lowest,
		.is_priced_out = wei_compare(chain->head.base_fee, watched->newest.fees.cap) > 0,
		.is_underbid = fee_is_underbid(&market, &watched->newest.fees),
		.is_forgotten = !is_pending,
		.bytes_age_ms = monitor_age_ms(self, watched->newest.signed_at),
		.head_age_ms = now - chain->head_at,
	};
	if (watched->is_lowest) {
		if (!is_pending)
			forgotten_note(self, lowest);
		facts.is_forgotten = lowest->is_forgotten;
		facts.forgotten_ms = now - lowest->forgotten_at;
		facts.heads_passed = chain->heads - lowest->heads;
	}
	return wish_choose(chain->params, &facts, ret_reason);
}

static void wish_log(const struct monitor *self, const struct watched *watched,
		     const struct store_wish *wish)
{
	const char *action = wish->wish == WISH_BUMP ? "transfer_stuck" : "transfer_forgotten";
	monitor_log(self, &watched->row, action, &watched->newest.tx_hash,
		    wish_reason_text(wish->reason), false);
}

bool monitor_wish(struct monitor *self, struct err *err)
{
	struct watched *lingering[WATCH_BATCH];
	struct hash32 hashes[WATCH_BATCH];
	enum chain_lookup lookups[WATCH_BATCH];
	struct store_wish wishes[WATCH_BATCH];
	struct store_by by = monitor_by(self);
	size_t wishes_len = 0;
	size_t n = lingering_collect(self, lingering);
	if (n == 0)
		return true;
	for (size_t i = 0; i < n; i++)
		hashes[i] = lingering[i]->newest.tx_hash;
	if (!chain_lookups(self->client, hashes, n, lookups, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct transfer *row = &lingering[i]->row;
		/* In a block there is nothing to wish for; without an answer there is no news. */
		if (lookups[i] != CHAIN_LOOKUP_PENDING && lookups[i] != CHAIN_LOOKUP_ABSENT)
			continue;
		struct store_wish wish = { .transfer = row->id, .attempts_seen = row->attempts };
		wish.wish = wish_of(self, lingering[i], lookups[i] == CHAIN_LOOKUP_PENDING,
				    &wish.reason);
		/* What stands there about other attempts is an editor's, and nobody acts on it. */
		if (row->wish_attempts_seen == row->attempts && wish.wish <= row->wish)
			continue;
		if (wish.wish == WISH_NONE)
			continue;
		wishes[wishes_len++] = wish;
		wish_log(self, lingering[i], &wish);
	}
	if (wishes_len == 0)
		return true;
	metric_count(self->wishes, (int64_t)wishes_len);
	if (!store_transfers_wish(self->options.store, wishes, wishes_len, &by, err))
		return false;
	queue_notify(self->options.queue, QUEUE_SIGNING);
	return true;
}
