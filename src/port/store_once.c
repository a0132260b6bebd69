/* As store.c, for store_once.h. */
#include "port/store_once.h"

#include "port/stop_point.h"
#include "port/store_ops.h"

bool store_once_load(struct store *store, const struct store_once *once,
		     struct store_once_row *ret_row, struct buf *ret_answer, bool *ret_found,
		     struct err *err)
{
	PORT_CALL();
	buf_reset(ret_answer);
	return store->ops->once_load(store, once, ret_row, ret_answer, ret_found, err);
}

bool store_once_answer(struct store *store, const struct store_once *once, unsigned status,
		       struct str answer, int64_t now_ms, struct err *err)
{
	PORT_CALL();
	CHECK(status >= 200 && answer.len <= ONCE_ANSWER_BYTES_MAX);
	return store->ops->once_answer(store, once, status, answer, now_ms, err);
}
