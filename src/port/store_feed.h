/* The store's fourth part: positions of events and audit records in the order of their commits, and
 * the seals over them (core/feed.h). Only the sequencer writes here, under the one lease
 * FEED_LEASE; whoever verifies reads. The promises of store.h hold.
 */
#ifndef SLUICE_PORT_STORE_FEED_H
#define SLUICE_PORT_STORE_FEED_H

#include "core/feed.h"
#include "port/store_transfer.h"

#define FEED_LEASE "sequencer"

/* Committed rows without a position, up to cap: of a withdrawal the older events first, and a later
 * call does not leave out what an earlier one could see. */
MUST_CHECK bool store_feed_pending(struct store *store, enum feed_kind kind,
				   struct feed_row *ret_rows, size_t cap, size_t *ret_len,
				   struct err *err);
/* Gives the rows of a seal their positions and adds the seal; in one transaction, under the lease.
 * rows: events, then audit, each in the order of the positions that they bring. WRITTEN; FENCED;
 * MOVED: a row has a position by now, or there is a seal of this number; TAKEN: a row that is none
 * of these has one of the positions. Nothing is written but with WRITTEN. */
MUST_CHECK bool store_feed_append(struct store *store, const struct store_lease *lease,
				  const struct feed_seal *seal, const struct feed_row *rows,
				  enum store_write *ret_result, struct err *err);
/* The newest seal; and the first one above a number. */
MUST_CHECK bool store_feed_newest(struct store *store, struct feed_seal *ret_seal, bool *ret_any,
				  struct err *err);
MUST_CHECK bool store_feed_next(struct store *store, uint64_t after, struct feed_seal *ret_seal,
				bool *ret_any, struct err *err);
/* Rows above a position, in order. From INT64_MIN on: every row that has one, whoever gave it. */
MUST_CHECK bool store_feed_rows(struct store *store, enum feed_kind kind, int64_t after,
				struct feed_row *ret_rows, size_t cap, size_t *ret_len,
				struct err *err);

/* An audit record as people read it. */
struct store_audit {
	int64_t position;
	int64_t at_ms;
	enum actor actor;
	char who[PRINCIPAL_LEN_MAX + 1];
	char request_id[CORRELATION_ID_LEN_MAX + 1];
	char action[REASON_LEN_MAX + 1];
	struct id subject; /* zero: none */
	char detail[513];  /* a JSON object, or "" */
};

/* Records above a position, in order, 1 to PAGE_MAX. */
MUST_CHECK bool store_audit_list(struct store *store, int64_t after,
				 struct store_audit *ret_records, size_t cap, size_t *ret_len,
				 struct err *err);

#endif
