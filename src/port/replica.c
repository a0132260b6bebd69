/* Checks the contract of port/replica.h once for every back end, on the way in and out. */
#include "port/replica.h"

#include "base/check.h"
#include "port/stop_point.h"

bool replica_mark(struct replica *replica, int64_t mark_ms, int64_t now_ms, struct err *err)
{
	PORT_CALL();
	CHECK(replica != NULL && mark_ms > 0 && now_ms > 0);
	return replica->ops->mark(replica, mark_ms, now_ms, err);
}

bool replica_list(struct replica *replica, const struct store_filter *filter,
		  struct store_view *ret_views, struct store_page *ret_page, int64_t *ret_mark_ms,
		  struct err *err)
{
	PORT_CALL();
	CHECK(replica != NULL && filter->account != NULL);
	CHECK(filter->limit >= 1 && filter->limit <= PAGE_MAX);
	if (!replica->ops->list(replica, filter, ret_views, ret_page, ret_mark_ms, err))
		return false;
	CHECK(ret_page->len <= filter->limit && *ret_mark_ms >= 0);
	return true;
}

void replica_close(struct replica *replica)
{
	if (replica != NULL)
		replica->ops->close(replica);
}
