/* One step: for each chain whose lease is ours, the newest head; then what it changed.
 *
 *	follow.c    from the head down to what is known: which blocks are canonical
 *	finality.c  what was final still is
 *	watch.c     slots in flight: receipts of all their hashes
 *	attempts.c  which those are, of many slots together
 *	foreign.c   what took a nonce, when it is none of ours
 *	wish.c      forgotten and stuck ones are wished to be sent again, or bumped
 *	settle.c    mined slots: still on the canonical chain? deep enough to be final?
 *	facts.c     what their receipts said
 *	reconcile.c  behind finality: does the store say what the chain says?
 *
 * And before all chains, whatever becomes of their nodes: sequencer.c, positions for what was
 * committed.
 */
#include "service/monitor/monitor_parts.h"
#include "service/monitor/sequencer.h"

#include "base/defence.h"
#include "core/timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void sequencer_make(struct monitor *self)
{
	struct sequencer_options options = { .store = self->options.store,
					     .clock = self->options.clock,
					     .log = self->options.log,
					     .metrics = self->options.metrics,
					     .instance = self->options.instance,
					     .keys = self->options.feed_keys };
	if (options.keys.keys.len > 0)
		self->sequencer = sequencer_new(&options);
}

struct monitor *monitor_new(const struct monitor_options *options)
{
	struct monitor *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->options = *options;
	struct metrics *metrics = options->metrics;
	self->mined = metric_add(metrics, METRIC_COUNTER, "sluice_transfers_mined_total", "",
				 "Transfers seen in a block.");
	self->reorged = metric_add(metrics, METRIC_COUNTER, "sluice_transfers_reorged_total", "",
				   "Transfers whose block went away.");
	const char *final = "sluice_transfers_final_total";
	const char *help = "Final transfers by outcome.";
	self->final[OUTCOME_SUCCEEDED] =
		metric_add(metrics, METRIC_COUNTER, final, "outcome=\"succeeded\"", help);
	self->final[OUTCOME_REVERTED] =
		metric_add(metrics, METRIC_COUNTER, final, "outcome=\"reverted\"", help);
	self->final[OUTCOME_REPLACED] =
		metric_add(metrics, METRIC_COUNTER, final, "outcome=\"replaced\"", help);
	self->final[OUTCOME_FOREIGN] =
		metric_add(metrics, METRIC_COUNTER, final, "outcome=\"foreign\"", help);
	self->final[OUTCOME_UNPROVEN] =
		metric_add(metrics, METRIC_COUNTER, final, "outcome=\"unproven\"", help);
	self->wishes = metric_add(metrics, METRIC_COUNTER, "sluice_wishes_total", "",
				  "Slots that should be sent again or bumped.");
	self->alarms = metric_add(metrics, METRIC_COUNTER, "sluice_alarms_total", "",
				  "Lines that a person should read.");
	self->head = metric_add(metrics, METRIC_GAUGE, "sluice_chain_head_block", "",
				"Newest block seen.");
	self->reconciled = metric_add(metrics, METRIC_GAUGE, "sluice_reconciled_block", "",
				      "Store and chain agree up to this block.");
	self->differences =
		metric_add(metrics, METRIC_COUNTER, "sluice_reconciliation_differences_total", "",
			   "What the chain says of a wallet and the store does not.");
	self->reconciler = calloc(1, sizeof *self->reconciler);
	CHECK(self->reconciler != NULL);
	sequencer_make(self);
	return self;
}

void monitor_free(struct monitor *monitor)
{
	if (monitor == NULL)
		return;
	sequencer_free(monitor->sequencer);
	free(monitor->reconciler);
	free(monitor);
}

void monitor_log(const struct monitor *self, const struct transfer *transfer, const char *action,
		 const struct hash32 *tx_hash, const char *text, bool alarm)
{
	struct id_text withdrawal = id_text(transfer->withdrawal);
	struct id_text id = id_text(transfer->id);
	struct hash32_text hash = { "" };
	struct log_about about = { .action = action,
				   .trace_id = transfer->correlation_id,
				   .transfer_id = id.at,
				   .alarm = alarm };
	if (!id_is_zero(transfer->withdrawal))
		about.withdrawal_id = withdrawal.at;
	if (tx_hash != NULL) {
		hash = hash32_text(*tx_hash);
		about.tx_hash = hash.at;
	}
	if (alarm)
		metric_count(self->alarms, 1);
	log_line(self->options.log, alarm ? LOG_ERROR : LOG_INFO, &about, "%s nonce %llu %s",
		 action, (unsigned long long)transfer->nonce, text);
}

struct store_observation *monitor_observe(struct monitor *self, const struct transfer *transfer)
{
	CHECK(self->observations_len < BATCH_MAX);
	struct store_observation *item = &self->observations[self->observations_len++];
	*item = (struct store_observation){ .transfer = transfer->id,
					    .withdrawal = transfer->withdrawal,
					    .version = transfer->version };
	return item;
}

/* Free slots, slots to send again and unpaid withdrawals are the signer's to use; that something is
 * paid and final is no news to it. */
static bool concerns_signer(const struct store_observation *item)
{
	return item->to != TRANSFER_FINAL || item->outcome != OUTCOME_SUCCEEDED;
}

static void otherwise_tell(struct monitor *self, const struct store_observation *item)
{
	struct id_text id = id_text(item->transfer);
	struct hash32_text hash = hash32_text(item->mined_hash);
	struct log_about about = { .action = "settled_otherwise",
				   .transfer_id = id.at,
				   .tx_hash = hash.at,
				   .alarm = true };
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "settled_otherwise a slot that was taken back is final as %s, and its client was "
		 "told otherwise: its wallet stops",
		 transfer_outcome_text(item->outcome));
}

/* Who is fenced off has lost the watch: its step ends there, and nothing more is compared, written
 * or told by it. */
bool monitor_flush(struct monitor *self, struct err *err)
{
	struct store_by by = monitor_by(self);
	bool wake = false;
	bool fenced = false;
	if (self->observations_len == 0)
		return true;
	if (!store_transfers_observe(self->options.store, self->observations,
				     self->observations_len, &self->chain->lease, &by, err))
		return false;
	for (size_t i = 0; i < self->observations_len; i++) {
		const struct store_observation *item = &self->observations[i];
		fenced |= item->result == STORE_FENCED && DEFENCE("fenced_step_ends");
		if (item->is_otherwise)
			otherwise_tell(self, item);
		wake |= concerns_signer(item);
	}
	self->observations_len = 0;
	if (wake)
		queue_notify(self->options.queue, QUEUE_SIGNING);
	if (!fenced)
		return true;
	self->chain->lease.epoch = 0;
	return err_set(err, ERR_NOT_DONE, "somebody else watches the chain by now");
}

bool monitor_room(struct monitor *self, struct err *err)
{
	return self->observations_len < BATCH_MAX || monitor_flush(self, err);
}

bool monitor_wallet_stop(struct monitor *self, int64_t wallet_id, enum reason reason,
			 struct err *err)
{
	struct store_by by = monitor_by(self);
	bool held = false;
	return store_wallet_stop(self->options.store, wallet_id, reason_code(reason),
				 &self->chain->lease, &by, &held, err);
}

/* What is remembered of a chain is true of one who has watched it all the time. */
static void chain_forget(struct monitor_chain *chain)
{
	const struct chain_params *params = chain->params;
	struct store_lease lease = chain->lease;
	int64_t lease_at = chain->lease_at;
	memset(chain, 0, sizeof *chain);
	chain->params = params;
	chain->lease = lease;
	chain->lease_at = lease_at;
}

static bool lease_take(struct monitor *self, struct monitor_chain *chain, bool *ret_taken,
		       struct err *err)
{
	(void)snprintf(chain->lease.name, sizeof chain->lease.name, "monitor-%llu",
		       (unsigned long long)chain->params->chain_id);
	return store_lease_take(self->options.store, &chain->lease, self->options.instance,
				clock_monotonic_ms(self->options.clock), ret_taken, err);
}

void monitor_leave(struct monitor *self)
{
	if (self->sequencer != NULL)
		sequencer_leave(self->sequencer);
	for (size_t i = 0; i < CHAINS_MAX; i++) {
		struct monitor_chain *chain = &self->chains[i];
		struct err err = { 0 };
		bool taken = false;
		chain->lease.leaves = true;
		if (chain->owned)
			(void)lease_take(self, chain, &taken, &err);
		chain->owned = false;
	}
}

/* Takes the lease or keeps it. With another epoch somebody else has watched in between. */
static bool lease_keep(struct monitor *self, struct monitor_chain *chain, struct err *err)
{
	bool taken = false;
	uint64_t epoch = chain->lease.epoch;
	if (!lease_take(self, chain, &taken, err))
		return false;
	if (taken && chain->lease.epoch != epoch)
		chain_forget(chain);
	chain->owned = taken;
	return true;
}

static bool wallets_load(struct monitor *self, struct err *err)
{
	return store_wallets_load(self->options.store, self->wallets, WALLETS_MAX,
				  &self->wallets_len, err);
}

/* The gate turns from one node that stands still to one that goes on; what is left is that all of
 * them stand still, or the only one, and then nothing is ever seen to be paid. */
static void standstill_note(struct monitor *self, struct monitor_chain *chain, uint64_t number)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	struct log_about about = { .action = "head_stands_still", .alarm = true };
	if (!chain->looked || number > chain->top) {
		chain->top = number;
		chain->top_at = now;
		chain->still_told = false;
	}
	if (chain->still_told || now - chain->top_at < STILL_TELL_MS)
		return;
	chain->still_told = true;
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "head_stands_still chain %s: no block above %llu for %lld ms", chain->params->name,
		 (unsigned long long)chain->top, (long long)(now - chain->top_at));
	/* Where a node named a block that never came, heads rise from what they are. */
	chain->top = number;
}

/* The head, the finalized mark (which only rises), and whether the head is a new one. */
static bool head_read(struct monitor *self, struct monitor_chain *chain, struct err *err)
{
	struct chain_head head;
	size_t index = (size_t)(chain - self->chains);
	if (!chain_head(self->options.chains[index], &head, err))
		return false;
	struct store_mark mark = { .chain_id = chain->params->chain_id,
				   .finalized = head.has_finalized ? head.finalized_number : 0 };
	if (mark.finalized > chain->mark || !chain->looked || !DEFENCE("mark_only_rises")) {
		if (!store_mark_raise(self->options.store, &mark, err))
			return false;
		chain->mark = mark.finalized;
	}
	/* A head stays new until a step has done with it. */
	chain->new_head |= !chain->looked || !hash32_equal(head.hash, chain->head.hash);
	if (chain->looked && head.number > chain->head.number)
		chain->heads++;
	if (!chain->looked || head.number > chain->head.number)
		chain->head_at = clock_monotonic_ms(self->options.clock);
	standstill_note(self, chain, head.number);
	chain->looked = true;
	chain->head = head;
	metric_set(self->head, (int64_t)head.number);
	return true;
}

static bool chain_step(struct monitor *self, struct monitor_chain *chain, struct err *err)
{
	self->chain = chain;
	self->client = self->options.chains[chain - self->chains];
	self->observations_len = 0;
	self->asked.known = false;
	self->busy = false;
	if (!head_read(self, chain, err))
		return false;
	/* Finality comes before anything else is settled on this chain. */
	if (!monitor_follow(self, err) || !monitor_flush(self, err) ||
	    !monitor_finality(self, err) || !monitor_watch(self, err) ||
	    !monitor_unmined(self, err) || !monitor_settle(self, err) || !monitor_flush(self, err))
		return false;
	chain->new_head = false;
	chain->busy = self->busy;
	return monitor_reconcile(self, err) && monitor_balances(self, err);
}

/* A chain whose steps fail is told of once, when it has lasted, and once when it is over: not with
 * each of the slots that wait for it. */
static void chain_away(struct monitor *self, struct monitor_chain *chain, const struct err *fault)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	struct log_about about = { .action = "chain_unwatched", .alarm = true, .err = fault };
	/* What blocks did meanwhile nobody saw: no slot is stuck by it. */
	memset(chain->lowest, 0, sizeof chain->lowest);
	/* Blocks count as compared when what was found in them is written, and not before. */
	if (self->observations_len > 0) {
		chain->links.len = 0;
		chain->blocks_loaded = false;
	}
	if (!chain->is_away)
		chain->away_since = now;
	chain->is_away = true;
	if (chain->away_told || now - chain->away_since < AWAY_TELL_MS)
		return;
	chain->away_told = true;
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about, "chain_unwatched %s since %lld ms",
		 chain->params->name, (long long)(now - chain->away_since));
}

static void chain_back(struct monitor *self, struct monitor_chain *chain)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	struct log_about about = { .action = "chain_watched" };
	if (chain->away_told)
		log_line(self->options.log, LOG_INFO, &about,
			 "chain_watched %s again after %lld ms", chain->params->name,
			 (long long)(now - chain->away_since));
	chain->is_away = chain->away_told = false;
}

/* Wake-ups say only that there is something to watch; the rows say what. */
static bool messages_drain(struct monitor *self, bool *ret_worked, struct err *err)
{
	struct message messages[BATCH_MAX];
	struct message_ack acks[BATCH_MAX];
	size_t n = 0;
	if (!queue_claim(self->options.queue, QUEUE_MONITOR, BATCH_MAX, MONITOR_VISIBILITY_MS,
			 messages, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		acks[i] = messages[i].ack;
	*ret_worked = n > 0;
	return n == 0 || queue_ack(self->options.queue, acks, n, err);
}

bool monitor_step(struct monitor *monitor, bool *ret_worked, struct err *err)
{
	const struct catalogue *catalogue = monitor->options.catalogue;
	int64_t now = clock_monotonic_ms(monitor->options.clock);
	bool woken = false;
	struct err fault = { 0 };
	*ret_worked = false;
	/* What keeps rows from their positions keeps no chain from being watched. */
	if (monitor->sequencer != NULL && !sequencer_step(monitor->sequencer, ret_worked, &fault))
		(void)err_wrap(&fault, "sequencer");
	if (!messages_drain(monitor, &woken, err) || !wallets_load(monitor, err))
		return false;
	for (size_t i = 0; i < catalogue->chains_len; i++) {
		struct monitor_chain *chain = &monitor->chains[i];
		chain->params = &catalogue->chains[i];
		if (now >= chain->lease_at) {
			if (!lease_keep(monitor, chain, err))
				return false;
			chain->lease_at = now + LEASES_LOOK_MS;
		}
		if (!chain->owned || chain->lease.epoch == 0)
			continue;
		/* A chain whose node is away keeps no other chain from being watched. */
		struct err away = { 0 };
		if (chain_step(monitor, chain, &away)) {
			chain_back(monitor, chain);
			continue;
		}
		chain_away(monitor, chain, &away);
		fault = away;
		(void)err_wrap(&fault, "chain %s", chain->params->name);
	}
	if (fault.kind != ERR_NONE && err != NULL)
		*err = fault;
	return fault.kind == ERR_NONE;
}

bool monitor_is_busy(const struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->options.catalogue->chains_len; i++)
		if (monitor->chains[i].params != NULL && monitor->chains[i].busy)
			return true;
	return false;
}

int64_t monitor_idle_ms(const struct monitor *monitor)
{
	int64_t idle = 1000;
	for (size_t i = 0; i < monitor->options.catalogue->chains_len; i++) {
		const struct monitor_chain *chain = &monitor->chains[i];
		if (chain->params == NULL || !chain->busy)
			continue;
		if (chain->params->poll_ms < idle)
			idle = chain->params->poll_ms;
	}
	return idle;
}
