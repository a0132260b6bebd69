/* As store.c, for store_feed.h. */
#include "port/store_feed.h"

#include "port/stop_point.h"
#include "port/store_ops.h"

bool store_feed_pending(struct store *store, enum feed_kind kind, struct feed_row *ret_rows,
			size_t cap, size_t *ret_len, struct err *err)
{
	PORT_CALL();
	CHECK(cap > 0);
	return store->ops->feed_pending(store, kind, ret_rows, cap, ret_len, err);
}

/* Dense, and of the seal. */
static void rows_check(const struct feed_seal *seal, const struct feed_row *rows)
{
	size_t at = 0;
	for (size_t kind = 0; kind < FEED_KINDS; kind++) {
		int64_t position = seal->to[kind] - (int64_t)seal->rows[kind];
		CHECK(seal->rows[kind] <= FEED_ROWS_MAX && position >= 0);
		for (size_t i = 0; i < seal->rows[kind]; i++, at++)
			CHECK(rows[at].kind == (enum feed_kind)kind &&
			      rows[at].position == ++position);
	}
}

bool store_feed_append(struct store *store, const struct store_lease *lease,
		       const struct feed_seal *seal, const struct feed_row *rows,
		       enum store_write *ret_result, struct err *err)
{
	PORT_CALL();
	CHECK(lease->epoch > 0 && seal->number > 0);
	rows_check(seal, rows);
	return store->ops->feed_append(store, lease, seal, rows, ret_result, err);
}

bool store_feed_newest(struct store *store, struct feed_seal *ret_seal, bool *ret_any,
		       struct err *err)
{
	PORT_CALL();
	return store->ops->feed_newest(store, ret_seal, ret_any, err);
}

bool store_feed_next(struct store *store, uint64_t after, struct feed_seal *ret_seal, bool *ret_any,
		     struct err *err)
{
	PORT_CALL();
	return store->ops->feed_next(store, after, ret_seal, ret_any, err);
}

bool store_feed_rows(struct store *store, enum feed_kind kind, int64_t after,
		     struct feed_row *ret_rows, size_t cap, size_t *ret_len, struct err *err)
{
	PORT_CALL();
	CHECK(cap > 0);
	return store->ops->feed_rows(store, kind, after, ret_rows, cap, ret_len, err);
}

bool store_audit_list(struct store *store, int64_t after, struct store_audit *ret_records,
		      size_t cap, size_t *ret_len, struct err *err)
{
	PORT_CALL();
	CHECK(cap > 0 && cap <= PAGE_MAX);
	return store->ops->audit_list(store, after, ret_records, cap, ret_len, err);
}
