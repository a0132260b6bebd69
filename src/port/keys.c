/* The contract of port/keys.h, checked once for every back end. Only this file calls the ops
 * table. */
#include "port/keys.h"

#include "core/limits.h"
#include "port/stop_point.h"

#include <string.h>

static bool is_key_ref(const char *key_ref)
{
	return key_ref && key_ref[0] && memchr(key_ref, 0, KEY_REF_LEN_MAX + 1);
}

void keys_sign_many(struct keys *keys, const struct keys_request *requests, size_t n,
		    struct keys_result *ret_results)
{
	PORT_CALL();
	CHECK(keys && requests && ret_results);
	CHECK(n >= 1 && n <= BATCH_MAX);
	for (size_t i = 0; i < n; i++)
		CHECK(is_key_ref(requests[i].key_ref));
	keys->ops->sign_many(keys, requests, n, ret_results);
	for (size_t i = 0; i < n; i++) {
		const struct keys_result *result = &ret_results[i];

		CHECK(result->done || result->err.kind == ERR_NOT_DONE ||
		      result->err.kind == ERR_REFUSED);
		CHECK(!result->done || result->parity <= 1);
	}
}

bool keys_address(struct keys *keys, const char *key_ref, struct address *ret_address,
		  struct err *err)
{
	PORT_CALL();
	struct address address;

	CHECK(keys && ret_address && is_key_ref(key_ref));
	if (!keys->ops->address(keys, key_ref, &address, err))
		return false;
	CHECK(!address_is_zero(address));
	*ret_address = address;
	return true;
}

void keys_close(struct keys *keys)
{
	if (keys)
		keys->ops->close(keys);
}
