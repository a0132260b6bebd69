/* Rows as the JSON that clients see. Amounts are decimal strings, times RFC 3339 in UTC. */
#ifndef SLUICE_SERVICE_API_VIEW_H
#define SLUICE_SERVICE_API_VIEW_H

#include "base/buf.h"
#include "core/catalogue.h"
#include "port/queue.h"
#include "port/store_transfer.h"

/* The longest forms, in bytes. */
/* Full metadata, an external id of escapes, a transfer or what people are asked. */
#define VIEW_WITHDRAWAL_MAX 7168
#define VIEW_EVENT_MAX      1024
#define VIEW_ASSET_MAX      256
#define VIEW_WALLET_MAX     1024 /* without its balances */
#define VIEW_BALANCE_MAX    512
#define VIEW_QUEUE_MAX      256

/* A wallet with what is in flight in it. */
struct view_wallet {
	const struct wallet *wallet;
	size_t in_flight;                     /* reserved, signed or broadcast */
	unsigned in_flight_max;               /* 0: not configured any more */
	const struct store_balance *balances; /* of all wallets */
	size_t balances_len;
};

void view_write_withdrawal(const struct store_view *view, const struct catalogue *catalogue,
			   struct buf *out);
/* The withdrawal as it stood when it was accepted, whatever became of it: the answer to a POST and
 * to each of its repeats. */
void view_write_accepted(const struct withdrawal *withdrawal, const struct catalogue *catalogue,
			 struct buf *out);
void view_write_event(const struct store_event *event, struct buf *out);
/* The whole answer of GET /v1/assets; needs ASSETS_MAX * VIEW_ASSET_MAX. */
void view_write_assets(const struct catalogue *catalogue, struct buf *out);
void view_write_wallet(const struct view_wallet *view, const struct catalogue *catalogue,
		       struct buf *out);
/* A queue beside its dead-letter queue. */
void view_write_queue(const struct queue_stats *queue, const struct queue_stats *dlq,
		      struct buf *out);

#endif
