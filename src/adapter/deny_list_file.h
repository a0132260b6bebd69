/* A deny-list in a file: an address a line, '#' begins a comment, an end of line behind the last.
 * Kept sorted in memory; looked at once a second at most, and read when it is another one.
 *
 * A file that is being written has the entries of a half one. So one that has changed is read when
 * two looks have seen it the same, and until then the one before stands. A file that cannot be
 * read, has a line that is no address, or no entry at all, is no list. */
#ifndef SLUICE_ADAPTER_DENY_LIST_FILE_H
#define SLUICE_ADAPTER_DENY_LIST_FILE_H

#include "port/clock.h"
#include "port/deny_list.h"

#define DENY_LIST_LOOK_MS   1000
#define DENY_LIST_SETTLE_MS 10000 /* that a file may go on changing before it is no list */
#define DENY_LIST_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* Borrows both. Reads nothing yet. */
struct deny_list *deny_list_file_new(const char *path, struct clock *clock);

#endif
