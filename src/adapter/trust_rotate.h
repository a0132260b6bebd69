/* Another key in place of one with which the roles believe each other, in the files of all roles
 *that hold it. In steps, each of which leaves every MAC that somebody can meet verifiable:
 *
 *	add      a new key, which verifies, and makes nothing yet; then all roles start again
 *	use      it makes MACs from now on, the old one verifies for TRUST_OVERLAP_MS; start again
 *	retire   the old one is gone; what it made, and nobody has made anew, grants nothing
 *
 * and in one for a key that somebody else may have: nothing that it made is believed any more.
 *
 *	replace
 *
 * A step that was interrupted leaves files of which some have it behind them; the same step, done
 * once more, finishes it, with the same key.
 *
 * Source: ADR 47.
 */
#ifndef SLUICE_ADAPTER_TRUST_ROTATE_H
#define SLUICE_ADAPTER_TRUST_ROTATE_H

#include "base/err.h"
#include "port/entropy.h"

#include <stdint.h>

#define TRUST_OVERLAP_MS (INT64_C(7) * 24 * 3600 * 1000)

enum trust_step {
	TRUST_STEP_ADD,
	TRUST_STEP_USE,
	TRUST_STEP_RETIRE,
	TRUST_STEP_REPLACE,
};

/* "add" and so on; false for any other text. */
bool trust_step_read(const char *text, enum trust_step *ret_step);
/* dir holds the files of all roles. REFUSED when one is missing, the name is none that is ever
 * replaced, or the step before was not done. NOT_DONE: some files may have the step behind them.
 * ret_id: of the key that makes MACs after it. */
MUST_CHECK bool trust_keys_rotate(const char *dir, const char *name, enum trust_step step,
				  int64_t now_ms, struct entropy *entropy, uint32_t *ret_id,
				  struct err *err);

#endif
