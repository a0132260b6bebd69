/* Leaves out of a JSON text what nobody reads, before a tree is built of it: a block's answer is a
 * hundred times what is read of it. What is kept is kept byte by byte; whether it is JSON is for
 * json_parse to say. */
#ifndef SLUICE_BASE_JSON_SIEVE_H
#define SLUICE_BASE_JSON_SIEVE_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define JSON_SIEVE_LEVELS 4

/* Per level of nested objects (arrays do not count; 0 is the outermost object) the names of members
 * to keep, ended by NULL; a level without names keeps all. Below the last level all is kept. */
struct json_sieve {
	const char *const *names[JSON_SIEVE_LEVELS];
};

/* Writes what is kept of `text`. False when the text cannot be followed (it is no JSON, nested
 * deeper than JSON_DEPTH_MAX, or does not fit): use the whole text then. A name that is written
 * with an escape is not recognized, and left out. What is left out is not looked into: duplicates
 * there, and what is no JSON, go unseen. */
bool json_sieve_write(const struct json_sieve *sieve, struct str text, struct buf *out);

#endif
