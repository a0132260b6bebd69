#include "service/monitor/sequencer.h"

#include "base/check.h"
#include "base/defence.h"
#include "core/timing.h"
#include "port/store_feed.h"
#include "port/store_recover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A look that finds nothing costs a few reads; one that finds a row costs a commit. */
#define LOOK_MS 250
/* Of one step, after its first transaction: a backlog keeps nobody from watching the chains. */
#define STEP_MS_MAX 250
/* Somebody else's commit moves rows once; what moves again and again is none. */
#define MOVED_MAX 8
/* The head goes to the log so often at most, while it moves. */
#define HEAD_TELL_MS 5000

/* What an editor of the store did that leaves no way to go on. */
enum trouble {
	TROUBLE_NONE = 0,
	TROUBLE_SEAL, /* the newest seal is none of ours */
	TROUBLE_ROW,  /* a row takes no position, or has one that was never given */
};

struct sequencer {
	struct sequencer_options options;
	struct store_lease lease;
	int64_t lease_at; /* monotonic: next look */
	int64_t look_at;
	bool owned;
	uint64_t life;         /* of the store */
	bool is_known;         /* `last` is what the store has, or had when we wrote it */
	struct feed_seal last; /* number 0: none yet */
	struct feed_seal next;
	struct feed_row rows[FEED_KINDS * FEED_ROWS_MAX];
	uint64_t told; /* number of the head in the log */
	int64_t told_at;
	enum trouble trouble; /* told already */
	unsigned moved;       /* writes in a row whose rows were not as they were read */
	bool is_cut;          /* and was told of, when this was the newest seal */
	struct feed_head cut;
	struct metric *sealed;
	struct metric *alarms;
	struct metric *owner;
	struct metric *waiting;
	struct metric *lag;
	struct metric *position[FEED_KINDS];
};

struct sequencer *sequencer_new(const struct sequencer_options *options)
{
	struct sequencer *self = calloc(1, sizeof *self);
	struct metrics *metrics = options->metrics;
	CHECK(self != NULL && options->keys.keys.len > 0);
	self->options = *options;
	(void)snprintf(self->lease.name, sizeof self->lease.name, FEED_LEASE);
	self->sealed = metric_add(metrics, METRIC_COUNTER, "sluice_feed_sealed_total", "",
				  "Events and audit records that got a position.");
	self->alarms = metric_add(metrics, METRIC_COUNTER, "sluice_alarms_total", "",
				  "Lines that a person should read.");
	self->owner = metric_add(metrics, METRIC_GAUGE, "sluice_sequencer_owner", "",
				 "1 while this monitor is the sequencer, else 0.");
	self->waiting =
		metric_add(metrics, METRIC_GAUGE, "sluice_feed_waiting_rows", "",
			   "Rows without a position at the last look, as far as it counts.");
	self->lag = metric_add(metrics, METRIC_GAUGE, "sluice_feed_lag_seconds", "",
			       "How long the oldest of them waits.");
	const char *position = "sluice_feed_position";
	const char *help = "The last position that was given.";
	self->position[FEED_EVENTS] =
		metric_add(metrics, METRIC_GAUGE, position, "feed=\"events\"", help);
	self->position[FEED_AUDIT] =
		metric_add(metrics, METRIC_GAUGE, position, "feed=\"audit\"", help);
	return self;
}

void sequencer_free(struct sequencer *sequencer)
{
	free(sequencer);
}

/* What stands in the way is told once, and rows wait: nothing that was sealed is sealed anew. */
static void trouble_tell(struct sequencer *self, enum trouble trouble)
{
	struct log_about about = { .action = "feed_is_edited", .alarm = true };
	if (self->trouble == trouble)
		return;
	self->trouble = trouble;
	if (trouble == TROUBLE_NONE)
		return;
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "feed_is_edited %s: nothing gets a position until people have looked "
		 "(sluice audit verify)",
		 trouble == TROUBLE_SEAL
			 ? "the newest seal is none of ours"
			 : "a row takes no position, or has one that nobody gave it");
}

/* A seal that we have written is not the newest any more: the rows behind it may be gone too. We go
 * on from what we know, so that the gap stays. */
static void cut_tell(struct sequencer *self, const struct feed_head *stored)
{
	struct log_about about = { .action = "feed_was_cut", .alarm = true };
	char text[FEED_HEAD_LEN_MAX + 1];
	struct feed_head head = feed_head_of(&self->last);
	if (self->is_cut && feed_head_equal(stored, &self->cut))
		return;
	self->is_cut = true;
	self->cut = *stored;
	feed_head_write(&head, text);
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "feed_was_cut the newest seal is number %llu, and %s was written",
		 (unsigned long long)stored->number, text);
}

static void head_tell(struct sequencer *self)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	struct log_about about = { .action = "feed_head" };
	char text[FEED_HEAD_LEN_MAX + 1];
	struct feed_head head = feed_head_of(&self->last);
	if (!self->is_known || head.number == self->told || now < self->told_at + HEAD_TELL_MS)
		return;
	feed_head_write(&head, text);
	log_line(self->options.log, LOG_INFO, &about, "feed_head %s", text);
	self->told = head.number;
	self->told_at = now;
}

void sequencer_leave(struct sequencer *sequencer)
{
	int64_t now = clock_monotonic_ms(sequencer->options.clock);
	struct err err = { 0 };
	bool taken = false;
	sequencer->lease.leaves = true;
	if (sequencer->owned)
		(void)!store_lease_take(sequencer->options.store, &sequencer->lease,
					sequencer->options.instance, now, &taken, &err);
	sequencer->owned = false;
}

/* Takes the lease or keeps it. Of another epoch nothing is known. */
static bool lease_keep(struct sequencer *self, struct err *err)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	uint64_t epoch = self->lease.epoch;
	bool taken = false;
	if (now < self->lease_at)
		return true;
	if (!store_lease_take(self->options.store, &self->lease, self->options.instance, now,
			      &taken, err))
		return false;
	self->lease_at = now + LEASES_LOOK_MS;
	self->owned = taken;
	self->is_known &= taken && self->lease.epoch == epoch;
	metric_set(self->owner, taken);
	return true;
}

/* An older copy of the store lives a life of its own: what came after the copy is not missing. */
static bool last_know(struct sequencer *self, struct err *err)
{
	struct store_incarnation last;
	if (!store_incarnation_load(self->options.store, &last, err))
		return false;
	self->last = self->next;
	self->life = last.number > self->last.life ? last.number : self->last.life;
	self->told = 0;
	self->is_cut = false;
	self->is_known = true;
	return true;
}

/* A seal behind the one that we have written is another sequencer's, who has taken the lease while
 * we stood still. Anything else is an editor's work. */
static void known_compare(struct sequencer *self, const struct feed_seal *stored)
{
	struct feed_head head = feed_head_of(stored);
	struct feed_head known = feed_head_of(&self->last);
	if (feed_head_equal(&head, &known))
		return;
	if (head.number > known.number && feed_seal_verify(&self->options.keys, stored)) {
		self->owned = self->is_known = false;
		self->lease_at = 0;
	} else if (DEFENCE("cut_is_seen")) {
		cut_tell(self, &head);
	}
}

/* The newest seal: as the store has it, when nothing is known; else as it was written. ret_good:
 * one can go on from it. */
static bool last_look(struct sequencer *self, bool *ret_good, struct err *err)
{
	struct feed_seal *stored = &self->next;
	bool any = false;
	*stored = (struct feed_seal){ 0 };
	if (!store_feed_newest(self->options.store, stored, &any, err))
		return false;
	if (self->is_known) {
		known_compare(self, stored);
		*ret_good = self->owned;
		return true;
	}
	*ret_good = !any || feed_seal_verify(&self->options.keys, stored);
	if (!*ret_good)
		trouble_tell(self, TROUBLE_SEAL);
	return !*ret_good || last_know(self, err);
}

static void waiting_show(struct sequencer *self, size_t n)
{
	int64_t now = clock_now_ms(self->options.clock);
	int64_t oldest = now;
	for (size_t i = 0; i < n; i++) /* an edited one may be of any time */
		if (self->rows[i].at_ms >= 0 && self->rows[i].at_ms < oldest)
			oldest = self->rows[i].at_ms;
	metric_set(self->waiting, (int64_t)n);
	metric_set(self->lag, (now - oldest) / 1000);
}

/* Fills in what the seal says of the rows; the seal before it is known. */
static void seal_begin(struct sequencer *self, const size_t n[FEED_KINDS], bool is_all)
{
	struct feed_seal *seal = &self->next;
	int64_t now = clock_now_ms(self->options.clock);
	size_t at = 0;
	*seal = (struct feed_seal){ .number = self->last.number + 1,
				    .life = self->life,
				    .sealed_at = now,
				    .complete_at = is_all ? now : self->last.complete_at };
	memcpy(seal->previous, self->last.mac.bytes, sizeof seal->previous);
	for (size_t kind = 0; kind < FEED_KINDS; kind++) {
		seal->rows[kind] = n[kind];
		seal->to[kind] = self->last.to[kind];
		for (size_t i = 0; i < n[kind]; i++)
			self->rows[at++].position = ++seal->to[kind];
	}
	feed_seal_make(&self->options.keys, seal, self->rows);
}

static bool seal_write(struct sequencer *self, size_t n, struct err *err)
{
	enum store_write result = STORE_WRITTEN;
	/* After a commit without an answer the store says what came of it. */
	self->is_known = false;
	if (!store_feed_append(self->options.store, &self->lease, &self->next, self->rows, &result,
			       err))
		return false;
	if (result == STORE_FENCED)
		self->lease = (struct store_lease){ .name = FEED_LEASE };
	self->owned = self->owned && result != STORE_FENCED;
	self->moved = result == STORE_MOVED ? self->moved + 1 : 0;
	if (result == STORE_TAKEN || self->moved >= MOVED_MAX)
		trouble_tell(self, TROUBLE_ROW);
	if (result != STORE_WRITTEN)
		return true;
	self->is_known = true;
	self->last = self->next;
	trouble_tell(self, TROUBLE_NONE);
	metric_count(self->sealed, (int64_t)n);
	for (size_t kind = 0; kind < FEED_KINDS; kind++)
		metric_set(self->position[kind], self->last.to[kind]);
	return true;
}

/* One transaction, if there is anything to write. */
static bool batch_seal(struct sequencer *self, bool *ret_more, struct err *err)
{
	size_t n[FEED_KINDS];
	struct store *store = self->options.store;
	bool good = false;
	*ret_more = false;
	if (!last_look(self, &good, err))
		return false;
	if (!good)
		return true;
	if (!store_feed_pending(store, FEED_EVENTS, self->rows, FEED_ROWS_MAX, &n[FEED_EVENTS],
				err) ||
	    !store_feed_pending(store, FEED_AUDIT, &self->rows[n[FEED_EVENTS]], FEED_ROWS_MAX,
				&n[FEED_AUDIT], err))
		return false;
	size_t all = n[FEED_EVENTS] + n[FEED_AUDIT];
	bool is_all = n[FEED_EVENTS] < FEED_ROWS_MAX && n[FEED_AUDIT] < FEED_ROWS_MAX;
	waiting_show(self, all);
	if (all == 0 && self->life == self->last.life)
		return true;
	seal_begin(self, n, is_all);
	if (!seal_write(self, all, err))
		return false;
	*ret_more = self->is_known && !is_all;
	return true;
}

bool sequencer_step(struct sequencer *sequencer, bool *ret_worked, struct err *err)
{
	int64_t now = clock_monotonic_ms(sequencer->options.clock);
	bool more = true;
	*ret_worked = false;
	if (!lease_keep(sequencer, err))
		return false;
	if (!sequencer->owned || now < sequencer->look_at)
		return true;
	int64_t until = now + STEP_MS_MAX;
	do {
		if (!batch_seal(sequencer, &more, err))
			return false;
	} while (more && sequencer->owned && clock_monotonic_ms(sequencer->options.clock) < until);
	head_tell(sequencer);
	*ret_worked = more && sequencer->owned;
	if (!more)
		sequencer->look_at = now + LOOK_MS;
	return true;
}
