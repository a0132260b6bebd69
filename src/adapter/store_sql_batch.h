/* What batches share: their wallets, locked at their start, and what they tell at their end. In
 * between they lock what they judge, withdrawals before slots, each by a statement, and write by
 * db_later. */
#ifndef SLUICE_ADAPTER_STORE_SQL_BATCH_H
#define SLUICE_ADAPTER_STORE_SQL_BATCH_H

#include "adapter/store_sql_parts.h"

/* A wallet's row as a batch sees it, locked. */
struct wallet_locked {
	int64_t id;
	bool found;
	uint64_t lease_epoch;
	bool entered;
	uint64_t next_nonce;
	char stop_reason[REASON_LEN_MAX + 1];
};
/* Fills n rows, 1 to BATCH_MAX, whose ids are set, each another one. */
MUST_CHECK bool wallets_lock(struct db *db, struct wallet_locked *rows, size_t n, struct err *err);
/* Of a wallet that is locked: is the lease ours? STORE_WRITTEN, or STORE_FENCED. */
enum store_write wallet_locked_fence(const struct wallet_locked *row, uint64_t epoch);

/* The lease under which an item is written, and what its wallet says to that. */
struct store_fence {
	int64_t wallet_id;
	uint64_t epoch;
	enum store_write *result; /* the item's own */
};
/* Asks each wallet once, before anything else is locked: n fences, at most BATCH_MAX. */
MUST_CHECK bool fences_ask(struct db *db, const struct store_fence *fences, size_t n,
			   struct err *err);

/* What a batch of at most BATCH_MAX items tells beside its rows: their events with audit records,
 * wake-ups, ends of claims. Nothing of it is written before store_news_write, the last thing that
 * the batch does. */
#define EVENT_DETAIL_LEN_MAX 255
struct store_news {
	struct db *db;
	const struct store_by *by;
	struct event_row events[BATCH_MAX];
	char details[BATCH_MAX][EVENT_DETAIL_LEN_MAX + 1];
	size_t events_len;
	struct message_put puts[BATCH_MAX];
	size_t puts_len;
	struct message_ack acks[BATCH_MAX];
	size_t acks_len;
};
struct store_news store_news_of(struct db *db, const struct store_by *by);
MUST_CHECK bool store_news_event(struct store_news *news, const struct event_row *event,
				 struct err *err);
MUST_CHECK bool store_news_wake(struct store_news *news, enum queue_name queue, struct id subject,
				const char *correlation_id, struct err *err);
void store_news_end(struct store_news *news, const struct message_ack *ack);
MUST_CHECK bool store_news_write(struct store_news *news, struct err *err);

#endif
