/* The keys with which the roles believe each other, and who holds which of them: one file a role,
 * made together with the id of the deployment by `sluice keys init`.
 *
 *	deployment_id 01890a5d-ac96-774b-bcce-b302099a8057
 *	intent_mac 1 <64 hexadecimal digits>
 *
 * One line a key: name, id (from 1), 32 bytes. A name may stand twice while a key is replaced
 * (trust_rotate.h): the first one makes MACs, both verify them; the second one up to the time, in
 *ms, that stands behind it, if one does. Lines that begin with '#' are for people.
 *
 * Source: doc/protocol.md, "Who holds what".
 */
#ifndef SLUICE_ADAPTER_TRUST_KEYS_H
#define SLUICE_ADAPTER_TRUST_KEYS_H

#include "base/err.h"
#include "core/id.h"
#include "core/intent.h"
#include "port/entropy.h"

#include <stdint.h>

#define TRUST_INTENT_MAC      "intent_mac"
#define TRUST_APPROVAL_MAC    "approval_mac"
#define TRUST_IDENTITY_GRANTS "identity_grants"
#define TRUST_POLICY_GRANTS   "policy_grants"
#define TRUST_CONTROLS        "controls"
#define TRUST_ACCESS_TOKENS   "access_tokens" /* MAC of the tokens that a login gives */
#define TRUST_SECRETS_SEAL    "secrets_seal"  /* encrypts; the older one still opens */
#define TRUST_FEED_SEAL       "feed_seal"     /* an old one is kept: it verifies old seals */
#define TRUST_PAY_TAG         "pay_tag"       /* never replaced: it names rights for ever */
#define TRUST_JOURNAL_MAC     "journal_mac"   /* never replaced: the journal is never rewritten */

struct trust_keys;

/* One a role, and that of the commands. */
#define TRUST_FILES 5
const char *trust_file_name(size_t file);

/* Makes api.keys, processor.keys, signer.keys, monitor.keys and admin.keys in `dir` (made with mode
 * 0700 when missing), each with mode 0600 and durable. REFUSED when one of them exists; nothing is
 * left behind by a failure. now_ms: the time in the deployment's id. */
MUST_CHECK bool trust_keys_init(const char *dir, int64_t now_ms, struct entropy *entropy,
				struct err *err);

/* Reads one role's file into secret memory. REFUSED when others than its owner may read it, or a
 * line is not as above. */
MUST_CHECK bool trust_keys_read(const char *path, struct trust_keys **ret_keys, struct err *err);
/* Forgets keys whose time is over. Before anything is asked of them. */
void trust_keys_expire(struct trust_keys *keys, int64_t now_ms);
void trust_keys_free(struct trust_keys *keys); /* wipes; accepts NULL */

struct id trust_keys_deployment(const struct trust_keys *keys);
/* The current key of a name; false when the file has none. The 32 bytes live as long as `keys`. */
bool trust_keys_find(const struct trust_keys *keys, const char *name, uint32_t *ret_id,
		     const uint8_t **ret_bytes);
/* All keys of a name, the current one first, borrowed as above; false when the file has none. */
bool trust_keys_mac_keys(const struct trust_keys *keys, const char *name,
			 struct mac_keys *ret_keys);

#endif
