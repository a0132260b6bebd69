/* Memory for keys: locked into RAM, left out of core dumps, wiped before it goes back.
 * Lives in mappings of its own; a struct with other data never holds a key directly. */
#ifndef SLUICE_BASE_SECRET_H
#define SLUICE_BASE_SECRET_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct secret {
	uint8_t *at; /* NULL when empty */
	size_t len;
	size_t mapped; /* bytes of the mapping */
};

/* Zeroed memory of len bytes. NOT_DONE when the kernel refuses to map or to lock it
 * (RLIMIT_MEMLOCK: the text says how to raise it). Wiped and unmapped by secret_free, which accepts
 * an empty one. */
MUST_CHECK bool secret_new(struct secret *ret_secret, size_t len, struct err *err);
void secret_free(struct secret *secret);
/* Overwrites in a way that the compiler does not remove. */
void secret_wipe(void *bytes, size_t len);
/* No core dumps, not readable through /proc by other processes of the user (PR_SET_DUMPABLE 0). */
MUST_CHECK bool secret_process_harden(struct err *err);
/* Reads a whole file, at most `cap` bytes, into new secret memory; one trailing newline is dropped.
 * REFUSED when the mode lets others than its owner use the file, when it is longer, when nothing is
 * in it; NOT_DONE when it cannot be read. */
MUST_CHECK bool secret_read_file(struct secret *ret_secret, const char *path, size_t cap,
				 struct err *err);
/* The same for a file that others put there for this process, whatever its mode: a mounted token.
 */
MUST_CHECK bool secret_read_mounted(struct secret *ret_secret, const char *path, size_t cap,
				    struct err *err);

#endif
