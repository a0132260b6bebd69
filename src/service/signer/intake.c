/* From wake-ups to candidates: withdrawals that the signer believes, may pay, and has not paid. All
 * that may not be paid now is answered here: it waits, is held, or ends (with its void). */
#include "service/signer/signer_parts.h"

#include "core/policy.h"

#include <string.h>

#define LIMIT_WAIT_MS   60000
#define EXPIRED_WAIT_MS 500
#define HOUR_MS         (INT64_C(3600) * 1000)

static struct store_change *change_next(struct signer *self, const struct withdrawal *row,
					const struct message_ack *ack)
{
	CHECK(self->changes_len < BATCH_MAX);
	struct store_change *change = &self->changes[self->changes_len++];
	*change = (struct store_change){ .withdrawal = row->intent.id,
					 .version = row->version,
					 .from = row->stage,
					 .to = row->stage,
					 .ack = *ack };
	return change;
}

void signer_change_wait(struct signer *self, const struct withdrawal *row, const char *reason,
			int64_t wait_ms, const struct message_ack *ack)
{
	struct store_change *change = change_next(self, row, ack);
	change->event = "waiting";
	change->wait_reason = reason;
	change->due_at = clock_now_ms(self->options.clock) + wait_ms;
	metric_count(self->waiting, 1);
	/* The first time is news, and for missing money an alarm; the hundredth is not. */
	if (strcmp(row->wait_reason, reason) != 0)
		signer_log(self, row, "withdrawal_waits", reason, true);
}

void signer_change_hold(struct signer *self, const struct withdrawal *row, const char *reason,
			const struct message_ack *ack, bool bury)
{
	struct store_change *change = change_next(self, row, ack);
	change->event = "held";
	change->held_reason = reason;
	change->bury = bury;
	metric_count(self->held, 1);
	signer_log(self, row, "withdrawal_held", reason, true);
}

const char *signer_row_distrust(const struct signer *self, const struct withdrawal *row)
{
	const struct signer_options *options = &self->options;
	const struct asset *asset = catalogue_asset(options->catalogue, row->intent.chain_id,
						    str_from(row->intent.asset));
	if (!intent_mac_verify(&options->intent_keys, options->deployment, &row->intent,
			       &row->intent_mac))
		return "intent_mac_invalid";
	if (!approval_mac_verify(&options->approval_keys, &row->intent_mac, &row->approval,
				 &row->approval_mac))
		return "approval_mac_invalid";
	if (!policy_asset_matches(asset, &row->intent))
		return "asset_mismatch";
	return NULL;
}

/* What the journal says of a row's right to be paid. */
struct journal_word {
	const char *distrust; /* NULL: the row's round is the next one to spend */
	bool has_void;        /* it was ended, and the store has not heard of it yet */
	struct journal_right right;
};

static bool journal_ask(struct signer *self, const struct withdrawal *row,
			struct journal_word *ret_word, struct err *err)
{
	struct journal_right rights[ATTEMPTS_MAX];
	uint8_t tag[32];
	size_t len = 0;
	ret_word->distrust = NULL;
	ret_word->has_void = false;
	pay_tag_make(self->options.pay_tag_key, &row->intent, tag);
	if (!journal_rights_of(self->options.journal, row->intent.id, tag, rights, ATTEMPTS_MAX,
			       &len, err))
		return false;
	if (len != row->round)
		ret_word->distrust = "rounds_do_not_match_journal";
	for (size_t i = 0; i < len; i++) {
		bool same = id_equal(rights[i].withdrawal, row->intent.id);
		if (rights[i].is_void && same) {
			ret_word->has_void = true;
			ret_word->right = rights[i];
		} else if (rights[i].round >= row->round || !same) {
			ret_word->distrust = "right_already_spent";
		}
	}
	return true;
}

/* Sums of an hour and a day, for the wallet that would pay. True in *ret_exceeded: wait. */
static bool sum_exceeds(struct signer *self, const struct candidate *candidate, struct amount limit,
			int64_t window_ms, bool *ret_exceeded, struct err *err)
{
	*ret_exceeded = false;
	if (amount_is_zero(limit))
		return true;
	struct journal_sum query = { .wallet = candidate->wallet->row.address,
				     .chain_id = candidate->wallet->row.chain_id,
				     .asset = candidate->asset->contract,
				     .since_ms = clock_now_ms(self->options.clock) - window_ms };
	struct amount total;
	if (!journal_sum_of(self->options.journal, &query, &total, err))
		return false;
	total.units = u256_add_saturated(total.units, candidate->row->intent.amount.units);
	for (const struct candidate *other = self->candidates; other < candidate; other++)
		if (other->wallet == candidate->wallet && other->asset == candidate->asset &&
		    other->wait_reason == NULL)
			total.units =
				u256_add_saturated(total.units, other->row->intent.amount.units);
	*ret_exceeded = amount_compare(total, limit) > 0;
	return true;
}

/* Hour and day limits of the wallets that were chosen; what exceeds them waits. */
static bool limits_apply(struct signer *self, struct err *err)
{
	for (size_t i = 0; i < self->candidates_len; i++) {
		struct candidate *candidate = &self->candidates[i];
		bool hour = false;
		bool day = false;
		if (candidate->wallet == NULL || candidate->wait_reason != NULL)
			continue;
		if (!sum_exceeds(self, candidate, candidate->asset->hour_max, HOUR_MS, &hour,
				 err) ||
		    !sum_exceeds(self, candidate, candidate->asset->day_max, 24 * HOUR_MS, &day,
				 err))
			return false;
		if (hour || day)
			candidate->wait_reason = hour ? "hour_limit" : "day_limit";
	}
	return true;
}

static void candidate_add(struct signer *self, struct withdrawal *row,
			  const struct message_ack *ack)
{
	CHECK(self->candidates_len < BATCH_MAX);
	struct candidate *candidate = &self->candidates[self->candidates_len++];
	*candidate = (struct candidate){ .row = row, .ack = *ack };
	candidate->asset = catalogue_asset(self->options.catalogue, row->intent.chain_id,
					   str_from(row->intent.asset));
}

/* A later round needs the chain's own word that the one before was not paid. */
static bool round_check(struct signer *self, const struct withdrawal *row, const char **ret_wait,
			struct err *err)
{
	bool unpaid = true;
	if (row->round > 0 && !signer_round_is_unpaid(self, row, row->round - 1, &unpaid, err))
		return false;
	*ret_wait = unpaid ? NULL : "previous_round_not_proven_unpaid";
	return true;
}

static bool queued_take(struct signer *self, struct withdrawal *row, const struct message_ack *ack,
			struct err *err)
{
	const struct asset *asset = catalogue_asset(self->options.catalogue, row->intent.chain_id,
						    str_from(row->intent.asset));
	struct journal_word word = { .distrust = signer_row_distrust(self, row) };
	const char *wait = NULL;
	if (word.distrust == NULL && !journal_ask(self, row, &word, err))
		return false;
	if (word.has_void)
		return signer_end_by_void(self, row, &word.right, ack, err);
	if (word.distrust != NULL) {
		signer_change_hold(self, row, word.distrust, ack, false);
		return true;
	}
	if (!round_check(self, row, &wait, err))
		return false;
	if (wait != NULL) {
		signer_change_wait(self, row, wait, LIMIT_WAIT_MS, ack);
		return true;
	}
	if (row->cancel_requested)
		return signer_end(self, row, WITHDRAWAL_CANCELED, REFUSAL_CANCELED, ack, err);
	enum refusal refusal = policy_signer_decide(self->options.catalogue, asset, &row->intent);
	if (refusal != REFUSAL_NONE)
		return signer_end(self, row, WITHDRAWAL_REJECTED, REFUSAL_SIGNER_LIMIT, ack, err);
	if (row->approval.expires_at <= clock_now_ms(self->options.clock))
		signer_change_wait(self, row, "approval_expired", EXPIRED_WAIT_MS, ack);
	else
		candidate_add(self, row, ack);
	return true;
}

static bool row_take(struct signer *self, struct withdrawal *row, const struct message *message,
		     struct err *err)
{
	if (row->held_reason[0] != 0 || lifecycle_is_terminal(row->stage) ||
	    row->stage < WITHDRAWAL_QUEUED) {
		self->idle[self->idle_len++] = message->ack;
		return true;
	}
	if (message->receives > RECEIVES_WITHOUT_VERDICT_MAX) {
		signer_change_hold(self, row, "dead_letter", &message->ack, true);
		return true;
	}
	if (row->stage == WITHDRAWAL_ASSIGNED)
		return signer_end_assigned(self, row, &message->ack, err);
	return queued_take(self, row, &message->ack, err);
}

/* Oldest first; ids carry the time. */
static void messages_sort(struct message *messages, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct message moved = messages[i];
		size_t at = i;
		for (; at > 0 && id_compare(messages[at - 1].ack.subject, moved.ack.subject) > 0;
		     at--)
			messages[at] = messages[at - 1];
		messages[at] = moved;
	}
}

static bool rows_take(struct signer *self, size_t n, struct err *err)
{
	struct id ids[BATCH_MAX];
	CHECK(n > 0 && n <= BATCH_MAX);
	messages_sort(self->messages, n);
	for (size_t i = 0; i < n; i++)
		ids[i] = self->messages[i].ack.subject;
	if (!store_withdrawals_load(self->options.store, ids, n, self->rows, self->found, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!self->found[i])
			self->idle[self->idle_len++] = self->messages[i].ack;
		else if (!row_take(self, &self->rows[i], &self->messages[i], err))
			return false;
	}
	return true;
}

/* Candidates without wallet or with a reason to wait become changes; the rest is reserved. */
static void waits_collect(struct signer *self)
{
	size_t kept = 0;
	for (size_t i = 0; i < self->candidates_len; i++) {
		struct candidate *candidate = &self->candidates[i];
		if (candidate->wait_reason == NULL)
			self->candidates[kept++] = *candidate;
		else
			signer_change_wait(self, candidate->row, candidate->wait_reason,
					   self->options.funds_wait_ms, &candidate->ack);
	}
	self->candidates_len = kept;
}

static bool answers_write(struct signer *self, struct err *err)
{
	struct store_by by = signer_by(self);
	if (self->idle_len > 0 && !queue_ack(self->options.queue, self->idle, self->idle_len, err))
		return false;
	return self->changes_len == 0 ||
	       store_withdrawals_change(self->options.store, self->changes, self->changes_len, &by,
					err);
}

bool signer_intake(struct signer *self, size_t free_slots, bool *ret_worked, struct err *err)
{
	size_t n = 0;
	self->candidates_len = self->changes_len = self->idle_len = 0;
	if (free_slots == 0)
		return true;
	if (!queue_claim(self->options.queue, QUEUE_SIGNING,
			 free_slots < BATCH_MAX ? free_slots : BATCH_MAX,
			 self->options.visibility_ms, self->messages, &n, err))
		return false;
	if (n == 0)
		return true;
	*ret_worked = true;
	if (!rows_take(self, n, err))
		return false;
	if (self->candidates_len > 0 && (!signer_choose(self, err) || !limits_apply(self, err)))
		return false;
	waits_collect(self);
	return answers_write(self, err) && (self->candidates_len == 0 || signer_reserve(self, err));
}
