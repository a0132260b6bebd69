#include "service/api/changes.h"

#include "base/check.h"

#include <string.h>

void changes_write(const struct id *ids, size_t n, struct buf *out)
{
	CHECK(n >= 1 && n <= BATCH_MAX);
	for (size_t i = 0; i < n; i++)
		buf_bytes(out, ids[i].bytes, ID_BYTES);
}

size_t changes_read(struct str text, struct id ret_ids[BATCH_MAX])
{
	size_t n = text.len / ID_BYTES;
	if (text.len % ID_BYTES != 0 || n > BATCH_MAX)
		return 0;
	for (size_t i = 0; i < n; i++)
		memcpy(ret_ids[i].bytes, text.at + i * ID_BYTES, ID_BYTES);
	return n;
}
