/* The attempts of slots, of a page of them together: on a cluster that is one round trip, and each
 * slot would be one. */
#include "service/monitor/monitor_parts.h"

#include <string.h>

void monitor_attempts_forget(struct monitor *self)
{
	self->fetched.len = self->fetched.of_len = 0;
}

bool monitor_attempts_fetch(struct monitor *self, const struct id *slots, size_t n, struct err *err)
{
	size_t len = 0;
	CHECK(n <= WATCH_BATCH);
	monitor_attempts_forget(self);
	if (n < 2)
		return true;
	if (!store_attempts_of(self->options.store, slots, n, self->fetched.rows, FETCHED_MAX, &len,
			       err))
		return false;
	/* More than there is room for: the last slot's may not all be here. */
	if (len == FETCHED_MAX)
		return true;
	self->fetched.len = len;
	memcpy(self->fetched.of, slots, n * sizeof slots[0]);
	self->fetched.of_len = n;
	return true;
}

static bool is_fetched(const struct monitor *self, struct id slot)
{
	for (size_t i = 0; i < self->fetched.of_len; i++)
		if (id_equal(self->fetched.of[i], slot))
			return true;
	return false;
}

bool monitor_attempts_load(struct monitor *self, struct id slot, size_t *ret_len, struct err *err)
{
	size_t n = 0;
	if (!is_fetched(self, slot))
		return store_attempts_load(self->options.store, slot, self->attempts, ATTEMPTS_MAX,
					   ret_len, err);
	for (size_t i = 0; i < self->fetched.len && n < ATTEMPTS_MAX; i++)
		if (id_equal(self->fetched.rows[i].transfer, slot))
			self->attempts[n++] = self->fetched.rows[i];
	*ret_len = n;
	return true;
}
