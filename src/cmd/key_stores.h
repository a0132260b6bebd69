/* The key stores that a configuration names, opened as one. */
#ifndef SLUICE_CMD_KEY_STORES_H
#define SLUICE_CMD_KEY_STORES_H

#include "base/metric.h"
#include "cmd/config.h"
#include "port/clock.h"
#include "port/entropy.h"
#include "port/keys.h"

#include <stdint.h>

#define KEY_STORE_START_MS 30000 /* network HSMs take seconds until they are logged into */

struct key_stores_parts {
	struct entropy *entropy;
	struct clock *clock;
	struct metrics *metrics; /* or NULL */
};

/* Unlocks the keystores, logs into the tokens, finds the credentials for KMS. REFUSED when the
 * configuration names none, or a person has to act: a wrong password or PIN. A token or a KMS that
 * is away is no fault yet. */
MUST_CHECK bool key_stores_open(const struct config *config, const struct key_stores_parts *parts,
				struct keys **ret_keys, struct err *err);
/* One alone. The PIN is read from its file. */
MUST_CHECK bool key_store_open_pkcs11(const struct config_pkcs11 *token, struct keys **ret_keys,
				      struct err *err);
MUST_CHECK bool key_store_open_kms(const struct config_kms *kms, struct keys **ret_keys,
				   struct err *err);
/* How long a step of the signer may wait for all of them together. */
int64_t key_stores_step_ms(const struct config *config);

#endif
