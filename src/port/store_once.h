/* What is asked for once however often it is repeated: the store's part. A change that carries a
 * struct store_once (struct store_by) leaves a row under its principal and key in the transaction
 * that writes its audit record; a second one of the same key is REFUSED there, and changes nothing.
 * The answer follows, without secrets. Rows are kept for ONCE_KEPT_MS.
 *
 * A row grants nothing: who edits it makes somebody believe an answer, or do a thing again.
 *
 * Source: doc/protocol.md, "Idempotency"; ADR 43.
 */
#ifndef SLUICE_PORT_STORE_ONCE_H
#define SLUICE_PORT_STORE_ONCE_H

#include "port/store.h"

#define ONCE_KEPT_MS          (INT64_C(30) * 24 * 3600 * 1000)
#define ONCE_ANSWER_BYTES_MAX 65536

/* Which request: under whose key, and what it said. */
struct store_once {
	const char *principal; /* borrowed */
	uint8_t key_hash[32];
	uint8_t fingerprint[32];
	struct id attempt; /* another one each time that it is tried */
};

struct store_once_row {
	uint8_t fingerprint[32];
	int64_t at_ms;
	unsigned status; /* 0: it was done, and its answer is not known */
};

/* ret_answer: of ONCE_ANSWER_BYTES_MAX. */
MUST_CHECK bool store_once_load(struct store *store, const struct store_once *once,
				struct store_once_row *ret_row, struct buf *ret_answer,
				bool *ret_found, struct err *err);
/* Keeps the answer of this attempt, if it changed anything; and forgets rows that are older than
 * ONCE_KEPT_MS. */
MUST_CHECK bool store_once_answer(struct store *store, const struct store_once *once,
				  unsigned status, struct str answer, int64_t now_ms,
				  struct err *err);

#endif
