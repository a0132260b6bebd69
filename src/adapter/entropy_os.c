#include "adapter/entropy_os.h"

#include "base/check.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/types.h>

/* getrandom() gives up to 256 bytes at once, and may be interrupted before the pool is ready. */
#define CHUNK_BYTES 256

static void fill(struct entropy *entropy, void *ret_bytes, size_t len)
{
	(void)entropy;
	uint8_t *at = ret_bytes;
	while (len > 0) {
		size_t part = len < CHUNK_BYTES ? len : CHUNK_BYTES;
		ssize_t got = getrandom(at, part, 0);
		if (got < 0 && errno == EINTR)
			continue;
		CHECK(got > 0 && (size_t)got <= part);
		at += got;
		len -= (size_t)got;
	}
}

void entropy_os_init(struct entropy *ret_entropy)
{
	static const struct entropy_ops ops = { .fill = fill };
	CHECK(ret_entropy != NULL);
	ret_entropy->ops = &ops;
}
