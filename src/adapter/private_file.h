/* New files that hold secrets. */
#ifndef SLUICE_ADAPTER_PRIVATE_FILE_H
#define SLUICE_ADAPTER_PRIVATE_FILE_H

#include "base/err.h"
#include "base/str.h"

/* Creates `path` with mode 0600 and this content, and returns when file and directory entry are on
 * disk. REFUSED when something stands there already; NOT_DONE otherwise, and then what was begun is
 * removed again. */
MUST_CHECK bool private_file_create(const char *path, struct str content, struct err *err);

/* The same in place of what stands there: whoever reads it sees the old content or the new one,
 * also after a crash. MAYBE_DONE: which one is not known. */
MUST_CHECK bool private_file_replace(const char *path, struct str content, struct err *err);

#endif
