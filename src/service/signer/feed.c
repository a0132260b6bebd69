/* The head of the feed goes into the journal, which nobody but the signer writes: so that the end
 * of the audit cannot be cut off unseen (doc/protocol.md, "The feed and its seals"). Once a minute
 * while it moves; of several signers whoever comes first. */
#include "service/signer/signer_feed.h"
#include "service/signer/signer_parts.h"

#include "base/defence.h"
#include "port/store_feed.h"

#define HEAD_COPY_MS  60000
#define HEAD_AGAIN_MS 10000 /* after a fault, or when there is none yet */

/* What the journal has last is not what the store has there: told once. */
static void differs_tell(struct signer *self, const struct feed_head *known)
{
	char text[FEED_HEAD_LEN_MAX + 1];
	struct log_about about = { .action = "feed_differs", .alarm = true };
	if (self->feed_told)
		return;
	self->feed_told = true;
	feed_head_write(known, text);
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "feed_differs the journal knows %s, and the store does not: sluice audit verify "
		 "--journal",
		 text);
}

/* Does the store have what the journal has last? A restored one lives another life. */
static bool is_kept(struct signer *self, const struct feed_head *known,
		    const struct feed_seal *newest, bool *ret_kept, struct err *err)
{
	struct feed_seal seal;
	struct feed_head head;
	bool any = false;
	*ret_kept = newest->life > known->life || !DEFENCE("feed_head_is_kept");
	if (*ret_kept)
		return true;
	if (!store_feed_next(self->options.store, known->number - 1, &seal, &any, err))
		return false;
	head = feed_head_of(&seal);
	*ret_kept = any && feed_head_equal(&head, known);
	return true;
}

static bool head_copy(struct signer *self, const struct feed_seal *newest, struct err *err)
{
	struct journal_entry entry = { .has_feed_head = true };
	enum journal_verdict verdict = JOURNAL_WRITTEN;
	struct journal_feed_head last = { 0 };
	bool any = false;
	bool kept = true;
	if (!journal_feed_head_last(self->options.journal, &any, &last, err) ||
	    (any && !is_kept(self, &last.head, newest, &kept, err)))
		return false;
	if (!kept) {
		differs_tell(self, &last.head);
		return true;
	}
	self->feed_told = false;
	entry.feed_head.head = feed_head_of(newest);
	entry.feed_head.time_ms = clock_now_ms(self->options.clock);
	if (any && feed_head_equal(&entry.feed_head.head, &last.head))
		return true;
	if (!journal_append_many(self->options.journal, &entry, 1, &verdict, err))
		return false;
	if (verdict == JOURNAL_DIFFERENT)
		differs_tell(self, &entry.feed_head.head);
	return true;
}

static bool newest_copy(struct signer *self, bool *ret_any, struct err *err)
{
	const struct feed_keys keys = { self->options.feed_keys, self->options.deployment };
	struct feed_seal newest;
	if (!store_feed_newest(self->options.store, &newest, ret_any, err))
		return false;
	/* One that is none of ours is the sequencer's to tell of. */
	return !*ret_any || !feed_seal_verify(&keys, &newest) || head_copy(self, &newest, err);
}

void signer_feed_copy(struct signer *self)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	struct err fault = { 0 };
	struct log_about about = { .action = "feed_head_uncopied", .err = &fault };
	if (self->options.feed_keys.len == 0 || now < self->feed_at)
		return;
	bool any = false;
	bool copied = newest_copy(self, &any, &fault);
	self->feed_at = now + (copied && any ? HEAD_COPY_MS : HEAD_AGAIN_MS);
	if (!copied)
		log_line(self->options.log, LOG_WARN, &about,
			 "feed_head_uncopied the head of the feed is not journaled: %s",
			 fault.text);
}
