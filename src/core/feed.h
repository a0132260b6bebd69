/* The feed: every event and every audit record has a place in the order in which they were
 * committed, and is sealed there, so that nobody changes or removes one behind Sluice's back. The
 * sequencer (service/monitor/sequencer.c) gives positions to what was committed, a batch at a time,
 * and seals each batch: a tag per row, and a MAC over the tags and the seal before. Pure; the keys
 * are handed in.
 *
 * What it shows, and what not: doc/protocol.md, "The feed and its seals".
 */
#ifndef SLUICE_CORE_FEED_H
#define SLUICE_CORE_FEED_H

#include "base/str.h"
#include "core/id.h"
#include "core/intent.h"
#include "core/limits.h"

#define FEED_TAG_BYTES 16
/* "number.life.mac" with two numbers of 20 digits and 64 of the MAC. */
#define FEED_HEAD_LEN_MAX 106

/* Two tables, each with positions of its own: from 1, without gaps. */
enum feed_kind {
	FEED_EVENTS = 0,
	FEED_AUDIT = 1,
};
#define FEED_KINDS 2

/* What a row is known by, and what it says. */
struct feed_row {
	enum feed_kind kind;
	struct id withdrawal; /* the event's, or what the audit record is about; zero: nothing */
	int64_t number;       /* the event's sequence, or the audit record's own number */
	int64_t position;     /* 0: none yet */
	int64_t at_ms;
	uint8_t digest[32]; /* SHA-256 over all of its columns but the position */
};

/* A batch. It can be verified alone, but for the rows before it. */
struct feed_seal {
	uint64_t number;         /* from 1, without gaps */
	uint64_t life;           /* the store's incarnation in which it was made; it only rises */
	int64_t to[FEED_KINDS];  /* the last position of each kind after it, */
	size_t rows[FEED_KINDS]; /* and how many of them are its own; up to FEED_ROWS_MAX */
	int64_t sealed_at;       /* ms, by the sequencer's clock */
	int64_t complete_at;     /* the last time when a look left no row without a position */
	uint8_t previous[32];    /* the MAC of the seal before; zero for the first one */
	uint8_t tags[FEED_KINDS * FEED_ROWS_MAX][FEED_TAG_BYTES]; /* events, then audit */
	struct mac_tag mac;
};

/* A seal as somebody outside of the store remembers it: whoever has one knows all before it. */
struct feed_head {
	uint64_t number; /* 0: none */
	uint64_t life;
	uint8_t mac[32];
};

struct feed_keys {
	struct mac_keys keys;
	struct id deployment;
};

/* The tag of a row at its position, by the key with that id; false when there is none. */
MUST_CHECK bool feed_tag_make(const struct feed_keys *keys, uint32_t key_id,
			      const struct feed_row *row, uint8_t ret_tag[FEED_TAG_BYTES]);
/* Fills in the tags and the MAC; the rest is there. rows: events, then audit, with their positions.
 */
void feed_seal_make(const struct feed_keys *keys, struct feed_seal *seal,
		    const struct feed_row *rows);
bool feed_seal_verify(const struct feed_keys *keys, const struct feed_seal *seal);

struct feed_head feed_head_of(const struct feed_seal *seal);
bool feed_head_equal(const struct feed_head *a, const struct feed_head *b);
/* "12.0.9f86…": as it stands in the log. ret_text has room for FEED_HEAD_LEN_MAX and its end. */
void feed_head_write(const struct feed_head *head, char ret_text[FEED_HEAD_LEN_MAX + 1]);
MUST_CHECK bool feed_head_read(struct str text, struct feed_head *ret_head);

#endif
