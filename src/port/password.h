/* Hashing of passwords, as a port: slow on purpose. Not for the loop thread, and no more at once
 * than the machine has memory for; who bounds that is the caller. */
#ifndef SLUICE_PORT_PASSWORD_H
#define SLUICE_PORT_PASSWORD_H

#include "base/err.h"
#include "base/str.h"
#include "port/entropy.h"

#include <stdbool.h>

#define PASSWORD_LEN_MIN  12   /* bytes; NIST SP 800-63B asks for 8 at least, or 15 alone */
#define PASSWORD_LEN_MAX  1024 /* a longer one would only cost time */
#define PASSWORD_HASH_LEN 127  /* in PHC string format: parameters, salt and hash */

struct password_hasher;

struct password_ops {
	bool (*hash)(const struct password_hasher *hasher, struct str password,
		     struct entropy *entropy, char ret_text[PASSWORD_HASH_LEN + 1],
		     struct err *err);
	bool (*verify)(const struct password_hasher *hasher, struct str password, const char *text,
		       bool *ret_equal, bool *ret_weak, struct err *err);
};

/* Any number of threads may use one. */
struct password_hasher {
	const struct password_ops *ops;
};

/* A new hash, with a salt of its own. NOT_DONE: there is no memory for it. */
MUST_CHECK bool password_hash(const struct password_hasher *hasher, struct str password,
			      struct entropy *entropy, char ret_text[PASSWORD_HASH_LEN + 1],
			      struct err *err);
/* Is it the password of this hash? *ret_weak: its parameters are below today's; who has the
 * password at hand hashes it anew. REFUSED: the text is none that this hasher takes, or wants more
 * than a few times today's memory or work. */
MUST_CHECK bool password_verify(const struct password_hasher *hasher, struct str password,
				const char *text, bool *ret_equal, bool *ret_weak, struct err *err);

#endif
