/* The two MACs that let the signer believe a row: the API's over what was asked, the processor's
 * over what was granted. Pure; the keys are handed in. Source: doc/protocol.md, "Who holds what".
 */
#ifndef SLUICE_CORE_INTENT_H
#define SLUICE_CORE_INTENT_H

#include "core/withdrawal.h"

/* Up to two keys of one purpose: the current one first, then one that still verifies. */
#define MAC_KEYS_MAX 2

struct mac_key {
	uint32_t id;        /* > 0 */
	const uint8_t *key; /* 32 bytes in secret memory; borrowed */
};

struct mac_keys {
	struct mac_key keys[MAC_KEYS_MAX];
	size_t len;
};

/* deployment: the pinned deployment id. CHECKs keys->len > 0. */
struct mac_tag intent_mac_make(const struct mac_keys *keys, struct id deployment,
			       const struct intent *intent);
bool intent_mac_verify(const struct mac_keys *keys, struct id deployment,
		       const struct intent *intent, const struct mac_tag *tag);
/* Binds the grant to the intent as it was judged, and to its MAC. */
struct mac_tag approval_mac_make(const struct mac_keys *keys, const struct intent *intent,
				 const struct mac_tag *intent_mac, const struct approval *approval);
bool approval_mac_verify(const struct mac_keys *keys, const struct intent *intent,
			 const struct mac_tag *intent_mac, const struct approval *approval,
			 const struct mac_tag *tag);
/* HMAC(key, label ‖ fields) over any row that grants something. */
struct mac_tag row_mac_make(const struct mac_keys *keys, const char *label, struct str fields);
bool row_mac_verify(const struct mac_keys *keys, const char *label, struct str fields,
		    const struct mac_tag *tag);
/* SHA-256 over all of it: is it still what was asked about? */
struct hash32 intent_digest(const struct intent *intent);
/* The tag of a right to be paid: HMAC(tag key, account ‖ idempotency hash). */
void pay_tag_make(const uint8_t key[32], const struct intent *intent, uint8_t ret_tag[32]);
/* SHA-256(account ‖ 0 ‖ key), first half: how an idempotency key or external id is stored. */
void key_hash_make(const char *account, struct str key, uint8_t ret_hash[KEY_HASH_BYTES]);

#endif
