/* port/keys.h on encrypted key files: unlocked once, then signed with in locked memory.
 *
 * A key reference is NAME for a file with one key, and NAME/INDEX for a file with a seed: the key
 * at m/44'/60'/0'/0/INDEX. NAME is the file's name in the configuration, not its path. A child key
 * is derived when it is first used, and kept. The seed itself is wiped after the unlock: what stays
 * is the node above the indexes.
 *
 * Used by one thread.
 */
#ifndef SLUICE_ADAPTER_KEYS_KEYSTORE_H
#define SLUICE_ADAPTER_KEYS_KEYSTORE_H

#include "base/str.h"
#include "port/entropy.h"
#include "port/keys.h"

#define KEYSTORE_FILES_MAX    16
#define KEYSTORE_NAME_LEN_MAX 64
#define KEYSTORE_KEYS_MAX     256 /* keys in use: four times the wallets of one deployment */

struct keys_keystore_file {
	const char *name;    /* letters, digits, '-', '_', '.' */
	const char *path;    /* only its owner may read it */
	struct str password; /* in the caller's secret memory; not needed after the open */
};

struct keys_keystore_options {
	const struct keys_keystore_file *files; /* not needed after the open */
	size_t len;                             /* 1 to KEYSTORE_FILES_MAX */
	struct entropy *entropy;                /* blinds the curve's tables; at the open only */
};

/* Unlocks all files (about 1.5 s and 272 MB each at the default cost, one after the other). REFUSED
 * when a password is wrong, a file is no keystore, a name is used twice or malformed. */
MUST_CHECK bool keys_keystore_open(const struct keys_keystore_options *options,
				   struct keys **ret_keys, struct err *err);

#endif
