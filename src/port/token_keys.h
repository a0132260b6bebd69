/* The public keys of an outside identity provider, as a port: they say whether a signature is one
 * of its own. Used by the API's loop thread alone. */
#ifndef SLUICE_PORT_TOKEN_KEYS_H
#define SLUICE_PORT_TOKEN_KEYS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Source: RFC 7518, RFC 8037. */
enum token_algorithm {
	TOKEN_RS256 = 1,
	TOKEN_PS256,
	TOKEN_ES256,
	TOKEN_EDDSA,
};

enum token_verdict {
	TOKEN_VERIFIED,
	TOKEN_FORGED,      /* or of another algorithm than the key is for */
	TOKEN_KEY_UNKNOWN, /* it may be a new one, of which we do not know yet */
};

struct token_keys;

struct token_keys_ops {
	enum token_verdict (*verify)(struct token_keys *keys, struct str key_id,
				     enum token_algorithm algorithm, struct str text,
				     struct str signature);
	bool (*poll)(struct token_keys *keys, int64_t now_ms);
	void (*close)(struct token_keys *keys);
};

struct token_keys {
	const struct token_keys_ops *ops;
};

/* The algorithm of a JOSE name; false for an unknown one, "none" and "HS256" among them. */
bool token_algorithm_read(struct str text, enum token_algorithm *ret_algorithm);
/* Is this the signature of `text` by the key of that id? */
enum token_verdict token_keys_verify(struct token_keys *keys, struct str key_id,
				     enum token_algorithm algorithm, struct str text,
				     struct str signature);
/* To be called a few times a second: takes new keys, if there are any. True: it did, and what was
 * said before may not be so any more. now_ms: monotonic. */
bool token_keys_poll(struct token_keys *keys, int64_t now_ms);
void token_keys_close(struct token_keys *keys); /* accepts NULL */

#endif
