/* What a backup is: a directory of mode 0700 with three files of mode 0600.
 *
 *	store.db        the store, one snapshot
 *	journal.db      the signer's journal, copied after the store
 *	manifest.json   written last: what the others are; without it a backup is none
 *
 * The signer journals an attempt before it signs it, and stores it after. So the store is copied
 * first: whatever it knows to be signed, the journal's later copy knows as well.
 */
#ifndef SLUICE_CMD_BACKUP_H
#define SLUICE_CMD_BACKUP_H

#include "base/err.h"
#include "base/hash.h"
#include "core/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BACKUP_STORE    "store.db"
#define BACKUP_JOURNAL  "journal.db"
#define BACKUP_MANIFEST "manifest.json"
#define BACKUP_FORMAT   1

enum backup_part {
	BACKUP_PART_STORE,
	BACKUP_PART_JOURNAL,
};
#define BACKUP_PARTS 2

struct backup_file {
	uint64_t bytes;
	uint8_t sha256[SHA256_BYTES];
};

struct backup_manifest {
	struct id deployment;
	int schema;       /* version of the store's */
	int64_t made_at;  /* ms */
	char program[32]; /* version that made it */
	struct backup_file files[BACKUP_PARTS];
};

/* "store.db"; static storage. */
const char *backup_part_name(enum backup_part part);
/* dir/name into PATH_MAX bytes. REFUSED when it is too long. */
MUST_CHECK bool backup_path(const char *dir, const char *name, char *ret_path, struct err *err);
/* Size and hash of a file. */
MUST_CHECK bool backup_file_measure(const char *path, struct backup_file *ret_file,
				    struct err *err);
/* Refuses to overwrite. */
MUST_CHECK bool backup_manifest_write(const char *dir, const struct backup_manifest *manifest,
				      struct err *err);
/* Reads the manifest and compares the files with it. REFUSED when anything differs. */
MUST_CHECK bool backup_verify(const char *dir, struct backup_manifest *ret_manifest,
			      struct err *err);
/* Copies a file to a new one of mode 0600, durable. */
MUST_CHECK bool backup_file_copy(const char *from, const char *to, struct err *err);

#endif
