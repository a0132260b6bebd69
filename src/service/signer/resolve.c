/* What two people decided about a withdrawal or a slot that nobody else may touch: the signer reads
 * the chain itself, judges (core/resolve), journals, and only then changes a row. One decision
 * alone does nothing; a row without its MAC is somebody else's, and an alarm. Whatever is not
 * certain yet waits: the decisions stay, and are looked at again. */
#include "service/signer/signer_resolve.h"

#include "base/defence.h"
#include "core/timing.h"

#include <string.h>

#define CASES_LOOK_MS LEASES_LOOK_MS
#define OPEN_MAX      64 /* decisions that are looked at in a step */

static struct store_by people_by(const struct signer *self)
{
	struct store_by by = signer_by(self);
	by.actor = ACTOR_PERSON;
	return by;
}

bool signer_case_end(struct signer *self, const struct work_case *work, enum store_resolve act,
		     const char *code, struct err *err)
{
	struct store_by by = people_by(self);
	struct store_resolution item = {
		.of = work->decision.of,
		.act = act,
		.code = code,
		/* Of "not paid" it is another one's, if any. */
		.tx_hash = work->decision.verdict == RESOLVE_PAID_BY ? work->decision.tx_hash
								     : (struct hash32){ { 0 } },
		.people = { work->people[0], work->people[1] },
		.wallet_id = work->wallet != NULL ? work->wallet->row.id : 0,
		.epoch = work->wallet != NULL ? work->wallet->lease.epoch : 0
	};
	if (work->binds) {
		item.bound = work->earlier.id;
		item.bound_round = work->earlier.round;
	}
	if (!store_case_resolve(self->options.store, &item, &by, err))
		return false;
	if (item.result != STORE_WRITTEN || act == STORE_RESOLVE_STALE)
		return true;
	bool refused = act == STORE_RESOLVE_REFUSE;
	const char *text = refused ? code : resolve_verdict_text(work->decision.verdict);
	if (work->has_row)
		signer_log(self, &work->row, refused ? "resolve_refused" : "resolved", text, true);
	else
		signer_log_slot(self, &work->slot, refused ? "resolve_refused" : "resolved", NULL,
				text, true);
	return true;
}

/* Do people name the transaction of another slot of the same withdrawal? */
static bool earlier_load(struct signer *self, struct work_case *work, struct err *err)
{
	struct hash32 named = work->decision.tx_hash;
	struct id owner;
	bool found = false;
	if (work->decision.verdict != RESOLVE_PAID_BY)
		return true;
	if (!store_attempt_owner(self->options.store, named, &owner, err))
		return false;
	if (id_is_zero(owner) || (work->has_slot && id_equal(owner, work->slot.id)))
		return true;
	if (!store_transfer_load(self->options.store, owner, &work->earlier, &found, err))
		return false;
	work->has_earlier = found && work->earlier.stage == TRANSFER_FINAL &&
			    hash32_equal(work->earlier.mined_hash, named) &&
			    id_equal(work->earlier.withdrawal, work->row.intent.id);
	return true;
}

/* The version is a column like any other: what people saw of the case has to be there as well. */
static bool case_stands(const struct work_case *work)
{
	const struct resolve_case *of = &work->decision.of;
	if (!work->has_row && !work->has_slot)
		return false;
	struct resolve_case now = resolve_case_of(work->has_row ? &work->row : NULL,
						  work->has_slot ? &work->slot : NULL);
	if (!DEFENCE("decision_is_current"))
		now.version = of->version;
	if (!DEFENCE("decision_is_of_this"))
		now.shown = of->shown;
	return resolve_case_equal(&now, of);
}

static bool case_load(struct signer *self, struct work_case *work, bool *ret_current,
		      struct err *err)
{
	const struct resolve_case *of = &work->decision.of;
	bool wants_row = !id_is_zero(of->withdrawal);
	bool wants_slot = !id_is_zero(of->transfer);
	if (wants_row && !store_withdrawals_load(self->options.store, &of->withdrawal, 1,
						 &work->row, &work->has_row, err))
		return false;
	if (wants_slot && !store_transfer_load(self->options.store, of->transfer, &work->slot,
					       &work->has_slot, err))
		return false;
	if (work->has_row && !earlier_load(self, work, err))
		return false;
	if (work->has_slot || work->has_earlier)
		work->wallet = signer_wallet_of(self, work->has_slot ? work->slot.wallet_id
								     : work->earlier.wallet_id);
	*ret_current =
		work->has_row == wants_row && work->has_slot == wants_slot && case_stands(work);
	return true;
}

static bool case_resolve(struct signer *self, struct work_case *work, bool decided, struct err *err)
{
	bool current = false;
	if (!case_load(self, work, &current, err))
		return false;
	if (!current)
		return signer_case_end(self, work, STORE_RESOLVE_STALE, NULL, err);
	if (!decided)
		return true;
	/* Only the owner of the wallet acts on its slots. */
	if ((work->has_slot || work->has_earlier) && (work->wallet == NULL || !work->wallet->owned))
		return true;
	bool held = work->has_row && work->row.held_reason[0] != 0 &&
		    !lifecycle_is_terminal(work->row.stage);
	bool taken_back = work->has_slot && work->slot.stage == TRANSFER_FINAL &&
			  (!held || strcmp(work->slot.held_reason,
					   reason_code(REASON_FINAL_TAKEN_BACK)) == 0);
	if (work->has_slot && work->slot.stage == TRANSFER_FINAL &&
	    strcmp(work->slot.held_reason, reason_code(REASON_SETTLED_OTHERWISE)) == 0)
		return signer_otherwise_resolve(self, work, err);
	if (taken_back)
		return signer_back_resolve(self, work, err);
	return !held || signer_hold_resolve(self, work, err);
}

/* A row without its MAC decides nothing. It is told of once, as far as that is remembered. */
static void forgery_tell(struct signer *self, const struct decision *decision)
{
	struct id subject = id_is_zero(decision->of.withdrawal) ? decision->of.transfer
								: decision->of.withdrawal;
	struct id_text id = id_text(subject);
	struct log_about about = { .action = "decision_mac_invalid",
				   .withdrawal_id = id.at,
				   .alarm = true };
	for (size_t i = 0; i < FORGERIES_TOLD; i++)
		if (id_equal(self->forgeries[i], subject))
			return;
	self->forgeries[self->forgeries_len++ % FORGERIES_TOLD] = subject;
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "decision_mac_invalid a decision that nobody made is ignored");
}

/* The decisions of one case: rows[0] to rows[n - 1]. */
static bool group_resolve(struct signer *self, const struct decision *rows, size_t n,
			  struct err *err)
{
	struct decision sealed[DECISIONS_MAX];
	struct work_case work = { .has_row = false };
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		if (DEFENCE("decision_mac") &&
		    !decision_is_sealed(&self->options.controls_keys, &rows[i]))
			forgery_tell(self, &rows[i]);
		else if (len < DECISIONS_MAX)
			sealed[len++] = rows[i];
	}
	if (len == 0)
		return true;
	work.decision = sealed[0];
	bool decided = resolve_is_decided(sealed, len, &work.decision);
	work.people[0] = sealed[0].person;
	for (size_t i = 1; i < len && work.people[1] == NULL; i++)
		if (strcmp(sealed[i].person, sealed[0].person) != 0)
			work.people[1] = sealed[i].person;
	return case_resolve(self, &work, decided, err);
}

bool signer_resolve(struct signer *self, struct err *err)
{
	struct decision rows[OPEN_MAX];
	int64_t now = clock_monotonic_ms(self->options.clock);
	size_t n = 0;
	/* A restored store says nothing of what was paid until it is reconciled. */
	if (now < self->cases_at || self->store_paused)
		return true;
	if (!store_decisions_load(self->options.store, NULL, rows, OPEN_MAX, &n, err))
		return false;
	for (size_t from = 0, to = 0; from < n; from = to) {
		while (to < n && resolve_case_equal(&rows[from].of, &rows[to].of))
			to++;
		/* A node that is away keeps no other case waiting, and no slot. */
		struct err fault = { 0 };
		if (group_resolve(self, &rows[from], to - from, &fault))
			continue;
		log_line(self->options.log, LOG_WARN,
			 &(struct log_about){ .action = "resolve_waits", .err = &fault },
			 "a decision of people is carried out later");
	}
	self->cases_at = now + CASES_LOOK_MS;
	return true;
}
