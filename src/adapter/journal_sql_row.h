/* The rows of the journal: their columns, their MACs, and the chain that they form. */
#ifndef SLUICE_ADAPTER_JOURNAL_SQL_ROW_H
#define SLUICE_ADAPTER_JOURNAL_SQL_ROW_H

#include "adapter/sql_row.h"
#include "port/journal.h"

#define JOURNAL_SLOT_COLUMNS "sequence, previous, mac, chain_id, wallet, nonce, kind, payload_hash"
#define JOURNAL_RIGHT_COLUMNS                                                                   \
	"sequence, previous, mac, withdrawal, round, pay_tag, is_void, void_stage, void_code, " \
	"wallet, nonce, chain_id, asset, amount, time_ms"
#define JOURNAL_ATTEMPT_COLUMNS \
	"sequence, previous, mac, chain_id, wallet, nonce, number, fee_ceiling"
#define JOURNAL_RESOLUTION_COLUMNS \
	"sequence, previous, mac, withdrawal, round, is_paid, chain_id, tx_hash, time_ms"

#define JOURNAL_FEED_COLUMNS     "sequence, previous, mac, life, number, seal_mac, time_ms"

#define JOURNAL_CONTROLS_COLUMNS "sequence, previous, mac, version, set_mac, time_ms"

/* The place of a row in the chain. */
struct journal_link {
	int64_t sequence;     /* from 1, dense over the five tables */
	uint8_t previous[32]; /* the MAC of the row before; of `meta` for the first one */
	uint8_t mac[32];      /* over the table's label, sequence, previous and the columns */
};

struct journal_slot_row {
	struct journal_link link;
	struct journal_slot slot;
	enum journal_kind kind;
	struct hash32 payload_hash;
};

struct journal_right_row {
	struct journal_link link;
	struct journal_right right;
};

struct journal_attempt_row {
	struct journal_link link;
	struct journal_slot slot;
	uint32_t number;
	struct wei fee_ceiling;
};

struct journal_resolution_row {
	struct journal_link link;
	struct journal_resolution resolution;
};

struct journal_feed_row {
	struct journal_link link;
	struct journal_feed_head head; /* its sequence is the link's */
};

struct journal_controls_row {
	struct journal_link link;
	struct journal_controls controls;
};

/* The end of the chain: what the next row is linked to. */
struct journal_head {
	int64_t sequence; /* 0: no row yet */
	uint8_t mac[32];
};

static inline bool slots_equal(const struct journal_slot *a, const struct journal_slot *b)
{
	return a->chain_id == b->chain_id && a->nonce == b->nonce &&
	       address_equal(a->wallet, b->wallet);
}

void journal_meta_mac(const uint8_t key[32], struct id deployment, uint8_t ret_mac[32]);

/* Read a row at the columns above. REFUSED when its MAC does not verify. */
MUST_CHECK bool journal_slot_take(struct sql *sql, const uint8_t key[32],
				  struct journal_slot_row *ret_row, struct err *err);
MUST_CHECK bool journal_right_take(struct sql *sql, const uint8_t key[32],
				   struct journal_right_row *ret_row, struct err *err);
MUST_CHECK bool journal_attempt_take(struct sql *sql, const uint8_t key[32],
				     struct journal_attempt_row *ret_row, struct err *err);
MUST_CHECK bool journal_resolution_take(struct sql *sql, const uint8_t key[32],
					struct journal_resolution_row *ret_row, struct err *err);

MUST_CHECK bool journal_feed_take(struct sql *sql, const uint8_t key[32],
				  struct journal_feed_row *ret_row, struct err *err);

MUST_CHECK bool journal_controls_take(struct sql *sql, const uint8_t key[32],
				      struct journal_controls_row *ret_row, struct err *err);

/* Append a row behind `head` (its link is filled in) and move the head to it. In a write
 * transaction; a conflict is a fault, of whatever waits next (db_later). */
MUST_CHECK bool journal_slot_insert(struct db *db, const uint8_t key[32], struct journal_head *head,
				    struct journal_slot_row *row, struct err *err);
MUST_CHECK bool journal_right_insert(struct db *db, const uint8_t key[32],
				     struct journal_head *head, struct journal_right_row *row,
				     struct err *err);
MUST_CHECK bool journal_attempt_insert(struct db *db, const uint8_t key[32],
				       struct journal_head *head, struct journal_attempt_row *row,
				       struct err *err);
MUST_CHECK bool journal_resolution_insert(struct db *db, const uint8_t key[32],
					  struct journal_head *head,
					  struct journal_resolution_row *row, struct err *err);

MUST_CHECK bool journal_feed_insert(struct db *db, const uint8_t key[32], struct journal_head *head,
				    struct journal_feed_row *row, struct err *err);

MUST_CHECK bool journal_controls_insert(struct db *db, const uint8_t key[32],
					struct journal_head *head, struct journal_controls_row *row,
					struct err *err);

/* Has the journal nothing at all of any of n entries, at most BATCH_MAX, and none of them anything
 * of another one? Then nothing differs, and all is to be written. *ret_new false: that, or nobody
 * has looked. */
MUST_CHECK bool journal_are_new(struct db *db, const struct journal_entry *entries, size_t n,
				bool *ret_new, struct err *err);

/* As journal_rights_any. */
MUST_CHECK bool journal_names_any(struct db *db, const struct journal_name *names, size_t n,
				  bool *ret_any, struct err *err);

/* The highest sequence, 0 for an empty journal. */
MUST_CHECK bool journal_last_sequence(struct db *db, int64_t *ret_sequence, struct err *err);
/* Whether the row that the head stands for is there, and is that one: a server that lost its last
 * commits may have got as many others since. */
MUST_CHECK bool journal_head_is_kept(struct db *db, const struct journal_head *head, bool *ret_kept,
				     struct err *err);
/* Verifies the rows behind `head` up to `last`, and moves the head there. With any_previous the
 * first row may be linked to anything: for a tail whose beginning is not read. */
MUST_CHECK bool journal_walk(struct db *db, const uint8_t key[32], struct journal_head *head,
			     int64_t last, bool any_previous, struct err *err);

#endif
