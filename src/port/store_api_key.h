/* The seal of a row of api_keys: a MAC with the identity grants' keys over all its columns, made by
 * whoever adds, revokes or replaces it and verified by whoever lets it grant something. Pure; here
 * because the API and the commands need the same one. Source: doc/protocol.md 3. */
#ifndef SLUICE_PORT_STORE_API_KEY_H
#define SLUICE_PORT_STORE_API_KEY_H

#include "core/intent.h"
#include "port/store.h"

/* Sets key->mac; every other column is final. */
void store_api_key_seal(const struct mac_keys *keys, struct store_api_key *key);
/* False: the row grants nothing, and somebody has edited the store. */
bool store_api_key_is_sealed(const struct mac_keys *keys, const struct store_api_key *key);

#endif
