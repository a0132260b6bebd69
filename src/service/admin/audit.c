#include "service/admin/audit.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/defence.h"
#include "base/time.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_ROWS 256
/* A row says when its transaction began, by the clock of its host: so much later, and somebody
 * wrote it then. Transactions end within seconds, and clocks of one deployment are not so far
 * apart. */
#define LATE_MS 600000

/* Rows that have a position, in order, whoever gave it. */
struct cursor {
	struct feed_row rows[PAGE_ROWS];
	size_t at, len;
	int64_t after;
	bool is_last;         /* page */
	int64_t next;         /* the position that comes next, by the seals so far */
	int64_t removed_from; /* a gap that is not told yet; 0: none */
};

struct walk {
	const struct audit_options *options;
	struct audit_report *report;
	struct cursor cursors[FEED_KINDS];
	struct feed_seal seal;
	struct feed_head head; /* of the seal before, */
	int64_t complete_at;   /* and what it says of its time */
	bool is_sound;         /* nothing is wrong with the seal before */
	bool is_head_told[AUDIT_FINDINGS];
};

static const char *const feeds[FEED_KINDS] = { "event", "audit record" };

const char *audit_finding_text(enum audit_finding_kind kind)
{
	static const char *const texts[AUDIT_FINDINGS] = {
		"row_changed",  "row_removed",   "row_added", "row_backdated", "seal_changed",
		"seal_removed", "seal_unlinked", "cut",       "head_differs",  "restored",
	};
	CHECK(kind < AUDIT_FINDINGS);
	return texts[kind];
}

__attribute__((format(printf, 3, 4))) static void tell(struct walk *walk,
						       enum audit_finding_kind kind,
						       const char *format, ...)
{
	struct audit_finding finding = { .kind = kind, .is_note = kind == AUDIT_RESTORED };
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(finding.text, sizeof finding.text, format, arguments);
	va_end(arguments);
	walk->report->findings += !finding.is_note;
	walk->options->found(walk->options->context, &finding);
}

struct moment {
	char at[32];
};
static struct moment moment(int64_t ms)
{
	struct moment text;
	struct buf out = buf_of(text.at, sizeof text.at);
	time_write_rfc3339(ms, &out);
	(void)buf_terminated(&out);
	return text;
}

/* ---- rows ---- */

/* What a person finds the row by. */
struct row_name {
	char at[96];
};
static struct row_name row_name(const struct feed_row *row)
{
	struct row_name name;
	if (row->kind == FEED_EVENTS)
		(void)snprintf(name.at, sizeof name.at, "event %lld of withdrawal %s",
			       (long long)row->number, id_text(row->withdrawal).at);
	else
		(void)snprintf(name.at, sizeof name.at, "audit record %lld",
			       (long long)row->number);
	return name;
}

static bool row_peek(struct walk *walk, enum feed_kind kind, const struct feed_row **ret_row,
		     struct err *err)
{
	struct cursor *cursor = &walk->cursors[kind];
	if (cursor->at == cursor->len && !cursor->is_last) {
		if (!store_feed_rows(walk->options->store, kind, cursor->after, cursor->rows,
				     PAGE_ROWS, &cursor->len, err))
			return false;
		cursor->at = 0;
		cursor->is_last = cursor->len < PAGE_ROWS;
		if (cursor->len > 0)
			cursor->after = cursor->rows[cursor->len - 1].position;
	}
	*ret_row = cursor->at < cursor->len ? &cursor->rows[cursor->at] : NULL;
	return true;
}

/* What was read as the end may go on by now. */
static void rows_reread(struct walk *walk)
{
	for (size_t kind = 0; kind < FEED_KINDS; kind++)
		walk->cursors[kind].is_last = false;
}

static void added_tell(struct walk *walk, const struct feed_row *row, const char *why)
{
	tell(walk, AUDIT_ROW_ADDED, "%s at position %lld %s", row_name(row).at,
	     (long long)row->position, why);
}

static void removed_end(struct walk *walk, enum feed_kind kind, int64_t before)
{
	struct cursor *cursor = &walk->cursors[kind];
	int64_t from = cursor->removed_from;
	cursor->removed_from = 0;
	if (from == 0)
		return;
	tell(walk, AUDIT_ROW_REMOVED, "the %ss at positions %lld to %lld are gone", feeds[kind],
	     (long long)from, (long long)before - 1);
}

/* Rows below a position that the seals so far know nothing of. */
static bool added_skip(struct walk *walk, enum feed_kind kind, int64_t below, const char *why,
		       struct err *err)
{
	const struct feed_row *row = NULL;
	for (;;) {
		if (!row_peek(walk, kind, &row, err))
			return false;
		if (row == NULL || row->position >= below)
			return true;
		if (why != NULL)
			added_tell(walk, row, why);
		walk->cursors[kind].at++;
	}
}

static void row_compare(struct walk *walk, const struct feed_row *row,
			const uint8_t tag[FEED_TAG_BYTES])
{
	uint8_t expected[FEED_TAG_BYTES];
	if (!feed_tag_make(&walk->options->keys, walk->seal.mac.key_id, row, expected))
		memset(expected, 0, sizeof expected);
	if (memcmp(expected, tag, sizeof expected) != 0 && DEFENCE("row_tag")) {
		tell(walk, AUDIT_ROW_CHANGED,
		     "%s at position %lld was changed: it is not what was sealed there",
		     row_name(row).at, (long long)row->position);
		return;
	}
	if (row->at_ms < walk->complete_at - LATE_MS && DEFENCE("row_is_of_its_time"))
		tell(walk, AUDIT_ROW_BACKDATED,
		     "%s at position %lld says %s, and was not there at %s", row_name(row).at,
		     (long long)row->position, moment(row->at_ms).at, moment(walk->complete_at).at);
	else
		walk->report->rows[row->kind]++;
}

/* The rows of a kind that the seal is about. */
static bool rows_compare(struct walk *walk, enum feed_kind kind, struct err *err)
{
	struct cursor *cursor = &walk->cursors[kind];
	const struct feed_seal *seal = &walk->seal;
	const uint8_t(*tags)[FEED_TAG_BYTES] =
		&seal->tags[kind == FEED_AUDIT ? seal->rows[FEED_EVENTS] : 0];
	int64_t first = seal->to[kind] - (int64_t)seal->rows[kind] + 1;
	/* They came with the seal: a page that was read before may end below them. */
	cursor->is_last = false;
	/* Where seals are missing, or changed, nothing is known of what they were about. */
	if (first > cursor->next) {
		removed_end(walk, kind, cursor->next);
		if (!added_skip(walk, kind, cursor->next, "was given by nobody", err) ||
		    !added_skip(walk, kind, first, NULL, err))
			return false;
	}
	for (size_t i = 0; i < seal->rows[kind]; i++) {
		const struct feed_row *row = NULL;
		int64_t position = first + (int64_t)i;
		cursor->next = position + 1;
		if (!added_skip(walk, kind, position, "was given by nobody", err) ||
		    !row_peek(walk, kind, &row, err))
			return false;
		if (row == NULL || row->position > position) {
			cursor->removed_from =
				cursor->removed_from == 0 ? position : cursor->removed_from;
			continue;
		}
		removed_end(walk, kind, position);
		row_compare(walk, row, tags[i]);
		cursor->at++;
	}
	return true;
}

/* ---- seals ---- */

static bool seal_is_proved(struct walk *walk)
{
	const struct feed_seal *seal = &walk->seal;
	const struct mac_keys *keys = &walk->options->keys.keys;
	bool has_key = false;
	for (size_t i = 0; i < keys->len; i++)
		has_key |= keys->keys[i].id == seal->mac.key_id;
	if (feed_seal_verify(&walk->options->keys, seal))
		return true;
	tell(walk, AUDIT_SEAL_CHANGED,
	     has_key ? "seal %llu was changed, or is none: what it was about cannot be compared"
		     : "seal %llu is made with a key that is not here, or was changed",
	     (unsigned long long)seal->number);
	return false;
}

/* An older copy of the store goes on behind what it had: what came after the copy is lost with the
 * store that was lost. */
static void life_compare(struct walk *walk)
{
	const struct feed_seal *seal = &walk->seal;
	if (seal->life == walk->head.life)
		return;
	tell(walk, AUDIT_RESTORED,
	     "life %llu of the store begins at seal %llu (%s): it was restored from a copy that "
	     "ended at seal %llu",
	     (unsigned long long)seal->life, (unsigned long long)seal->number,
	     moment(seal->sealed_at).at, (unsigned long long)walk->head.number);
}

static void link_compare(struct walk *walk)
{
	const struct feed_seal *seal = &walk->seal;
	bool is_linked = memcmp(seal->previous, walk->head.mac, sizeof seal->previous) == 0 &&
			 seal->life >= walk->head.life;
	for (size_t kind = 0; kind < FEED_KINDS; kind++)
		is_linked &=
			seal->to[kind] - (int64_t)seal->rows[kind] + 1 == walk->cursors[kind].next;
	if (!is_linked && DEFENCE("seals_are_linked"))
		tell(walk, AUDIT_SEAL_UNLINKED,
		     "seal %llu does not follow seal %llu: one of them is of another copy",
		     (unsigned long long)seal->number, (unsigned long long)walk->head.number);
	else
		life_compare(walk);
}

static bool seal_compare(struct walk *walk, struct err *err)
{
	const struct feed_seal *seal = &walk->seal;
	uint64_t before = walk->head.number;
	bool is_next = seal->number == before + 1;
	if (!is_next)
		tell(walk, AUDIT_SEAL_REMOVED, "the seals %llu to %llu are gone",
		     (unsigned long long)before + 1, (unsigned long long)seal->number - 1);
	bool is_proved = seal_is_proved(walk);
	if (is_proved && is_next && walk->is_sound)
		link_compare(walk);
	else if (is_proved)
		life_compare(walk);
	walk->report->seals++;
	if (is_proved)
		walk->head = walk->report->head = feed_head_of(seal);
	walk->head.number = seal->number;
	walk->is_sound = is_proved;
	for (size_t kind = 0; is_proved && kind < FEED_KINDS; kind++)
		if (!rows_compare(walk, (enum feed_kind)kind, err))
			return false;
	if (is_proved)
		walk->complete_at = seal->complete_at;
	return walk->options->progress == NULL ||
	       walk->options->progress(walk->options->context, walk->report) ||
	       err_set(err, ERR_NOT_DONE, "stopped");
}

static bool seals_walk(struct walk *walk, struct err *err)
{
	bool any = true;
	while (any) {
		if (!store_feed_next(walk->options->store, walk->head.number, &walk->seal, &any,
				     err) ||
		    (any && !seal_compare(walk, err)))
			return false;
	}
	return true;
}

/* ---- the end ---- */

/* Rows that are there now were written with their seal: one that is not found is not there. */
static bool end_walk(struct walk *walk, struct err *err)
{
	const struct feed_row *rows[FEED_KINDS] = { NULL };
	uint64_t before = 0;
	do {
		before = walk->head.number;
		rows_reread(walk);
		for (size_t kind = 0; kind < FEED_KINDS; kind++)
			if (!row_peek(walk, (enum feed_kind)kind, &rows[kind], err))
				return false;
		if (!seals_walk(walk, err))
			return false;
	} while (walk->head.number != before);
	for (size_t kind = 0; kind < FEED_KINDS; kind++) {
		removed_end(walk, (enum feed_kind)kind, walk->cursors[kind].next);
		if (!added_skip(walk, (enum feed_kind)kind, INT64_MAX,
				walk->is_sound ? "stands behind the last seal" : NULL, err))
			return false;
	}
	return true;
}

/* A head that somebody outside of the store remembers. Of each kind of finding the first one is
 * told: those behind it say the same. */
static bool head_compare(struct walk *walk, const struct feed_head *known, const char *whose,
			 struct err *err)
{
	struct feed_head head;
	bool any = false;
	if (!store_feed_next(walk->options->store, known->number - 1, &walk->seal, &any, err))
		return false;
	head = feed_head_of(&walk->seal);
	enum audit_finding_kind kind = known->life < walk->head.life        ? AUDIT_RESTORED
				       : known->number <= walk->head.number ? AUDIT_HEAD_DIFFERS
									    : AUDIT_CUT;
	bool is_there = any && feed_head_equal(&head, known);
	walk->report->heads += is_there;
	if (is_there || walk->is_head_told[kind] || !DEFENCE("head_is_compared"))
		return true;
	walk->is_head_told[kind] = true;
	tell(walk, kind,
	     kind == AUDIT_CUT ? "the store ends at seal %llu, and %s knows seal %llu of life %llu"
	     : kind == AUDIT_RESTORED
		     ? "the store has %llu seals; %s knows seal %llu of life %llu, which was lost "
		       "with the store that was lost"
		     : "the store has %llu seals, and %s knows another seal %llu of life %llu",
	     (unsigned long long)walk->head.number, whose, (unsigned long long)known->number,
	     (unsigned long long)known->life);
	return true;
}

/* Each of them: an end that was cut off and written anew has another seal somewhere. */
static bool journal_compare(struct walk *walk, struct err *err)
{
	struct journal_feed_head heads[BATCH_MAX];
	int64_t after = 0;
	size_t n = BATCH_MAX;
	while (walk->options->journal != NULL && n == BATCH_MAX) {
		if (!journal_feed_heads_after(walk->options->journal, after, heads, BATCH_MAX, &n,
					      err))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!head_compare(walk, &heads[i].head, "the journal", err))
				return false;
		after = n > 0 ? heads[n - 1].sequence : after;
	}
	return true;
}

static bool waiting_count(struct walk *walk, struct err *err)
{
	for (size_t kind = 0; kind < FEED_KINDS; kind++) {
		size_t n = 0;
		if (!store_feed_pending(walk->options->store, (enum feed_kind)kind,
					walk->cursors[kind].rows, PAGE_ROWS, &n, err))
			return false;
		walk->report->waiting += n;
	}
	return true;
}

bool audit_verify(const struct audit_options *options, struct audit_report *ret_report,
		  struct err *err)
{
	struct walk *walk = calloc(1, sizeof *walk);
	CHECK(walk != NULL && options->keys.keys.len > 0);
	*ret_report = (struct audit_report){ 0 };
	walk->options = options;
	walk->report = ret_report;
	walk->is_sound = true;
	for (size_t kind = 0; kind < FEED_KINDS; kind++) {
		walk->cursors[kind].after = INT64_MIN;
		walk->cursors[kind].next = 1;
	}
	bool done = seals_walk(walk, err) && end_walk(walk, err);
	if (done && options->head != NULL)
		done = head_compare(walk, options->head, "who gave it", err);
	done = done && journal_compare(walk, err) && waiting_count(walk, err);
	free(walk);
	return done;
}
