/* Passwords are compared on a thread of their own: each takes a fifth of a second of a core, and 64
 * MiB. So many at once and no more, a few wait, and the rest are told to come again: whoever floods
 * the login has bought one core and that memory, and nobody else's request waits for it.
 *
 *	loop thread: hashing_submit ──> waiting ──> a hashing thread ──> loop thread: done
 */
#ifndef SLUICE_SERVICE_API_HASHING_H
#define SLUICE_SERVICE_API_HASHING_H

#include "port/password.h"

#define HASHING_THREADS 1 /* of a machine that may have two cores, and pays with the other */
#define HASHING_MAX     8 /* under way at once: the last one waits for a second or two */

struct hashing;

struct hashing_options {
	const struct password_hasher *hasher; /* borrowed, all of them */
	struct entropy *entropy;
	void (*post)(void *context, void (*run)(void *arg), void *arg);
	void *context;
};

struct hash_result {
	bool is_equal;
	bool is_known;                       /* false: there was no memory, or the hash is none */
	char renewed[PASSWORD_HASH_LEN + 1]; /* with today's parameters; "" where they are; the
						hash that was to be made */
};

/* On the loop thread, all of them. */

struct hashing *hashing_new(const struct hashing_options *options);
MUST_CHECK bool hashing_start(struct hashing *hashing, struct err *err);
/* Waits for those that are under way; what waits is given up without being told. Accepts NULL. */
void hashing_stop(struct hashing *hashing);
void hashing_free(struct hashing *hashing); /* after hashing_stop; accepts NULL */
/* Compares; `done` is called later, once. text NULL: with the hash of nobody's password, which
 * takes as long. The password is copied, and wiped when it is done with. False: too many. */
MUST_CHECK bool hashing_submit(struct hashing *hashing, struct str password, const char *text,
			       void (*done)(void *context, const struct hash_result *result),
			       void *context);

/* Makes a hash; else the same. */
MUST_CHECK bool hashing_make(struct hashing *hashing, struct str password,
			     void (*done)(void *context, const struct hash_result *result),
			     void *context);

#endif
