/* What is told of withdrawals that have changed, over the cache that several processes share: their
 * ids, many in one text. It says that it is worth looking, and nothing more; anybody may have said
 * it, and it may be lost.
 */
#ifndef SLUICE_SERVICE_API_CHANGES_H
#define SLUICE_SERVICE_API_CHANGES_H

#include "base/buf.h"
#include "core/id.h"
#include "core/limits.h"
#include "port/cache.h"

#define CHANGES_CHANNEL STR("changes")
_Static_assert(BATCH_MAX *ID_BYTES <= CACHE_TEXT_MAX,
	       "what a call of the store changes is one text");

/* n: 1 to BATCH_MAX. */
void changes_write(const struct id *ids, size_t n, struct buf *out);
/* How many ids there are; 0 of what is no such text. */
size_t changes_read(struct str text, struct id ret_ids[BATCH_MAX]);

#endif
