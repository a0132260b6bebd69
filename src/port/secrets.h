/* Secrets at rest, as a port: what has to be read again (a seed of one-time codes, the secret of a
 * webhook) stands in the store encrypted, bound to the place where it stands. Copied into another
 * row, column or table it does not open. Only the API holds the key. */
#ifndef SLUICE_PORT_SECRETS_H
#define SLUICE_PORT_SECRETS_H

#include "base/err.h"
#include "base/str.h"
#include "port/entropy.h"

#include <stddef.h>
#include <stdint.h>

#define SECRETS_PLAIN_MAX 512
#define SECRETS_OVERHEAD  32 /* key id, nonce, tag */
#define SECRETS_MAX       (SECRETS_PLAIN_MAX + SECRETS_OVERHEAD)

/* Where a sealed value stands. All borrowed. */
struct secrets_place {
	const char *table;
	const char *column;
	struct str row; /* its id */
};

struct secrets;

struct secrets_ops {
	void (*seal)(struct secrets *secrets, const struct secrets_place *place, struct str plain,
		     uint8_t *ret_sealed);
	bool (*open)(struct secrets *secrets, const struct secrets_place *place, struct str sealed,
		     uint8_t *ret_plain, bool *ret_is_old, struct err *err);
};

struct secrets {
	const struct secrets_ops *ops;
};

/* ret_sealed: plain.len + SECRETS_OVERHEAD bytes. plain: 1 to SECRETS_PLAIN_MAX bytes. */
void secrets_seal(struct secrets *secrets, const struct secrets_place *place, struct str plain,
		  uint8_t *ret_sealed);
/* ret_plain: sealed.len - SECRETS_OVERHEAD bytes, wiped by the caller. *ret_is_old: sealed under a
 * key that is on its way out, to be sealed anew. REFUSED: it was not sealed here for this place, or
 * under a key that nobody has any more. */
MUST_CHECK bool secrets_open(struct secrets *secrets, const struct secrets_place *place,
			     struct str sealed, uint8_t *ret_plain, bool *ret_is_old,
			     struct err *err);

#endif
