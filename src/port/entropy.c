#include "port/entropy.h"

#include "base/check.h"

void entropy_fill(struct entropy *entropy, void *ret_bytes, size_t len)
{
	CHECK(entropy != NULL && entropy->ops != NULL);
	CHECK(ret_bytes != NULL && len > 0);
	entropy->ops->fill(entropy, ret_bytes, len);
}
