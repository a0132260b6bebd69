/* Pause switches (doc/protocol.md, "Pauses"). Looked at before anything is decided, and again
 * before a first send; the version that a decision was made by goes into the transactions that
 * carry it out, which write nothing when there is another one by then. */
#include "service/signer/signer_recovery.h"

#include "base/defence.h"
#include "port/freeze.h"
#include "port/store_control.h"

#include <string.h>

#define JOURNAL_LOOK_MS 1000
#define NEVER           (INT64_MIN / 2)

void signer_controls_init(struct signer *self, struct metrics *metrics)
{
	static const char *const labels[CONTROL_SCOPES + 1] = {
		[CONTROL_ALL] = "scope=\"global\"",    [CONTROL_CHAIN] = "scope=\"chain\"",
		[CONTROL_ASSET] = "scope=\"asset\"",   [CONTROL_ACCOUNT] = "scope=\"account\"",
		[CONTROL_WALLET] = "scope=\"wallet\"",
	};
	struct signer_controls *controls = &self->controls;
	controls->journal_looked_ms = NEVER;
	for (int i = CONTROL_ALL; i <= CONTROL_WALLET; i++)
		controls->paused[i] = metric_add(metrics, METRIC_GAUGE, "sluice_control_paused",
						 labels[i], "Pause switches that are set.");
	controls->doubted = metric_add(metrics, METRIC_GAUGE, "sluice_controls_doubted", "",
				       "1: the pause switches are not believed; all is paused.");
	controls->frozen = metric_add(metrics, METRIC_GAUGE, "sluice_signer_frozen", "",
				      "1: a file on the signer's host forbids every send.");
}

/* ---- the look ---- */

/* Before each look at the store, but not more often than a pause is to be felt: another signer may
 * have seen a newer set than this one has. */
static bool journal_know(struct signer *self, struct err *err)
{
	struct signer_controls *controls = &self->controls;
	struct journal_controls last;
	int64_t now_ms = clock_monotonic_ms(self->options.clock);
	bool any = false;
	bool fresh = now_ms - controls->journal_looked_ms < JOURNAL_LOOK_MS ||
		     !DEFENCE("switches_of_other_signers");
	if ((controls->journal_looked_ms != NEVER && fresh) || !DEFENCE("switches_are_journaled"))
		return true;
	if (!journal_controls_last(self->options.journal, &any, &last, err))
		return false;
	if (any && last.version > controls->seen.version) {
		controls->seen.version = last.version;
		memcpy(controls->seen.mac, last.mac, sizeof controls->seen.mac);
	}
	controls->journal_looked_ms = now_ms;
	return true;
}

/* What is believed is journaled first: whoever comes after this process knows it too. */
static bool set_journal(struct signer *self, enum control_doubt *ret_doubt, struct err *err)
{
	const struct control_set *set = &self->controls.set;
	struct journal_entry entry = { .has_controls = true };
	enum journal_verdict verdict = JOURNAL_WRITTEN;
	if (set->version <= self->controls.seen.version || !DEFENCE("switches_are_journaled"))
		return true;
	entry.controls.version = set->version;
	entry.controls.time_ms = clock_now_ms(self->options.clock);
	memcpy(entry.controls.mac, set->mac.bytes, sizeof entry.controls.mac);
	if (!journal_append_many(self->options.journal, &entry, 1, &verdict, err))
		return false;
	if (verdict == JOURNAL_DIFFERENT)
		*ret_doubt = CONTROL_DIFFERS;
	/* And stays in doubt, whatever the store has next. */
	self->controls.seen.is_doubted |= verdict == JOURNAL_DIFFERENT;
	return true;
}

static enum control_doubt set_read(struct signer *self, struct err *err)
{
	struct signer_controls *controls = &self->controls;
	enum control_doubt doubt;
	if (!journal_know(self, err) ||
	    !store_controls_load(self->options.store, &controls->set, err))
		return CONTROL_UNREADABLE;
	doubt = control_judge(&self->options.controls_keys, &controls->set, &controls->seen,
			      clock_now_ms(self->options.clock));
	if (doubt == CONTROL_BELIEVED && !set_journal(self, &doubt, err))
		return CONTROL_UNREADABLE;
	return doubt;
}

static void doubt_tell(struct signer *self, enum control_doubt doubt, const struct err *err)
{
	bool alarm = doubt > CONTROL_UNREADABLE;
	struct log_about about = { .action = "controls_doubted", .err = err, .alarm = alarm };
	if (doubt == self->controls.doubt_told)
		return;
	self->controls.doubt_told = doubt;
	if (doubt == CONTROL_BELIEVED)
		return;
	if (alarm)
		metric_count(self->alarms, 1);
	log_line(self->options.log, alarm ? LOG_ERROR : LOG_WARN, &about,
		 "controls_doubted the pause switches are %s: nothing new is paid; version %llu is "
		 "known, the store has %llu",
		 control_doubt_text(doubt), (unsigned long long)self->controls.seen.version,
		 (unsigned long long)self->controls.set.version);
}

static void set_tell(struct signer *self)
{
	const struct control_set *set = &self->controls.set;
	struct log_about about = { .action = "controls_changed" };
	int64_t counts[CONTROL_SCOPES + 1] = { 0 };
	if (set->version != self->controls.believed.version)
		log_line(self->options.log, LOG_INFO, &about,
			 "controls_changed version %llu, %zu switches",
			 (unsigned long long)set->version, set->len);
	for (size_t i = 0; i < set->len; i++)
		if (set->rows[i].scope >= CONTROL_ALL && set->rows[i].scope <= CONTROL_WALLET)
			counts[set->rows[i].scope]++;
	for (int i = CONTROL_ALL; i <= CONTROL_WALLET; i++)
		metric_set(self->controls.paused[i], counts[i]);
}

static void file_look(struct signer *self)
{
	struct log_about about = { .action = "signer_frozen", .alarm = true };
	bool was = self->controls.is_frozen;
	self->controls.is_frozen =
		self->options.freeze != NULL && freeze_is_set(self->options.freeze);
	metric_set(self->controls.frozen, self->controls.is_frozen ? 1 : 0);
	if (was || !self->controls.is_frozen)
		return;
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "signer_frozen a file on this host forbids every send");
}

void signer_controls_look(struct signer *self)
{
	struct signer_controls *controls = &self->controls;
	struct err fault = { 0 };
	file_look(self);
	controls->doubt = set_read(self, &fault);
	metric_set(controls->doubted, controls->doubt == CONTROL_BELIEVED ? 0 : 1);
	doubt_tell(self, controls->doubt, fault.text[0] != 0 ? &fault : NULL);
	if (controls->doubt != CONTROL_BELIEVED)
		return;
	set_tell(self);
	controls->believed = controls->set;
	control_seen_note(&controls->set, &controls->seen);
}

/* ---- what it says ---- */

static unsigned stops_of(const struct signer *self, const struct control_subject *subject)
{
	const struct signer_controls *controls = &self->controls;
	unsigned stops = controls->is_frozen ? CONTROL_BROADCAST | CONTROL_SIGNING : 0;
	if (!DEFENCE("pause_stops_signer"))
		return stops;
	if (controls->doubt == CONTROL_BELIEVED)
		return stops | control_stops(&controls->set, subject);
	return stops | control_stops_doubted(&controls->set, &controls->believed, subject);
}

unsigned signer_stops_at(const struct signer *self, const struct signer_wallet *wallet)
{
	const struct control_subject subject = { .chain_id = wallet->row.chain_id,
						 .wallet = &wallet->params->address };
	return stops_of(self, &subject);
}

unsigned signer_stops_of(const struct signer *self, const struct intent *intent)
{
	const struct control_subject subject = { .chain_id = intent->chain_id,
						 .asset = intent->asset,
						 .account = intent->account };
	return stops_of(self, &subject);
}

/* Has it been handed to a node, as far as anybody knows? */
static bool is_out(const struct slot_work *work)
{
	return work->slot->stage >= TRANSFER_BROADCAST;
}

bool signer_work_waits(const struct signer *self, const struct slot_work *work)
{
	unsigned stops = signer_stops_at(self, work->wallet);
	bool recovers = self->options.recovers && signer_wallet_recovers(work->wallet);
	if ((stops & CONTROL_BROADCAST) != 0)
		return true;
	return (stops & CONTROL_SIGNING) != 0 && !is_out(work) && !recovers;
}

/* A cancellation that is not signed after all, since its fee is too high today, leaves the payment
 * to go out again. */
static bool is_payment(const struct slot_work *work)
{
	return work->sign || !DEFENCE("pause_is_of_what_goes_out") ? work->pays : work->stored_pays;
}

/* Bytes of a row that nobody vouches for may be anybody's: an editor could name another account. */
bool signer_payment_waits(const struct signer *self, const struct slot_work *work)
{
	const struct signer_controls *controls = &self->controls;
	/* Of a set in doubt some may have been taken out. */
	unsigned stops = control_stops_any(&controls->set) | control_stops_any(&controls->believed);
	if (!is_payment(work) || stops == 0)
		return false;
	const struct withdrawal *row = signer_work_row(self, work);
	if (row != NULL)
		stops = signer_stops_of(self, &row->intent);
	else if (!DEFENCE("unvouched_may_be_anybodys"))
		return false;
	return (stops & CONTROL_BROADCAST) != 0 ||
	       ((stops & CONTROL_SIGNING) != 0 && !is_out(work));
}
