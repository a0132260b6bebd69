/* Walks the feed: does every event and audit record stand where it was sealed, and say what it said
 * then? Knows neither terminal nor HTTP. What it can find and what not: doc/protocol.md, "The feed
 * and its seals". */
#ifndef SLUICE_SERVICE_ADMIN_AUDIT_H
#define SLUICE_SERVICE_ADMIN_AUDIT_H

#include "core/feed.h"
#include "port/journal.h"
#include "port/store_feed.h"

enum audit_finding_kind {
	AUDIT_ROW_CHANGED = 0, /* it says something else than when it was sealed */
	AUDIT_ROW_REMOVED,     /* positions without a row */
	AUDIT_ROW_ADDED,       /* a position that the sequencer has not given, or not to this row */
	AUDIT_ROW_BACKDATED,   /* it was sealed long after the time that it tells */
	AUDIT_SEAL_CHANGED,    /* its MAC does not verify */
	AUDIT_SEAL_REMOVED,    /* numbers without a seal */
	AUDIT_SEAL_UNLINKED,   /* it does not follow the one before */
	AUDIT_CUT,             /* a head is known that is behind the end */
	AUDIT_HEAD_DIFFERS,    /* a head is known that is another one */
	AUDIT_RESTORED,        /* a note: an older copy of the store goes on here */
	AUDIT_FINDINGS,
};

struct audit_finding {
	enum audit_finding_kind kind;
	bool is_note; /* nothing that somebody did behind our back */
	char text[320];
};

struct audit_report {
	uint64_t seals;
	uint64_t rows[FEED_KINDS]; /* that stand as they were sealed */
	uint64_t findings;         /* that are no notes */
	uint64_t heads;            /* known from outside, and found */
	size_t waiting;            /* rows without a position, up to FEED_ROWS_MAX of each kind */
	struct feed_head head;     /* the end; number 0: there is no seal */
};

struct audit_options {
	struct store *store; /* all borrowed */
	struct feed_keys keys;
	const struct feed_head *head; /* from a line of the log; NULL: none is given */
	struct journal *journal;      /* the signer's, with the heads that it copied; or NULL */
	void *context;
	void (*found)(void *context, const struct audit_finding *finding);
	/* After each seal; NULL: nobody looks. False: to stop. */
	bool (*progress)(void *context, const struct audit_report *report);
};

/* "row_changed" … */
const char *audit_finding_text(enum audit_finding_kind kind);
/* NOT_DONE when it was stopped; ret_report is then of what was seen. */
MUST_CHECK bool audit_verify(const struct audit_options *options, struct audit_report *ret_report,
			     struct err *err);

#endif
