/* What a limit has let through lately: a sum and a count for each part of a window that rolls. One
 * window per limit and per whom it is counted for; the processor takes room of it at its first
 * decision about a withdrawal, in the part in which that was created, and whoever ends the
 * withdrawal unpaid gives the room back.
 *
 * It never counts too little. A window has POLICY_WINDOW_PARTS parts, and a part counts whole as
 * long as any moment of it is inside; so a limit of 24 hours forgets up to half an hour later than
 * it could. Parts are kept for two windows, so that what is decided late is counted when it was
 * created; what is later than that counts in the oldest part that is kept. Pure.
 *
 * Source: doc/policy.md.
 */
#ifndef SLUICE_CORE_POLICY_WINDOW_H
#define SLUICE_CORE_POLICY_WINDOW_H

#include "core/amount.h"

#define POLICY_WINDOW_PARTS     48
#define POLICY_WINDOW_KEPT      (2 * POLICY_WINDOW_PARTS + 1)
#define POLICY_WINDOW_MS_MIN    INT64_C(60000)
#define POLICY_WINDOW_MS_MAX    (31 * INT64_C(86400000))
#define POLICY_WINDOW_BYTES_MAX (POLICY_WINDOW_KEPT * (8 + 32 + 4))
#define POLICY_LIMIT_KEY_BYTES  32
#define POLICY_LIMITS_MAX       16 /* of a policy, and so the claims of a withdrawal */

/* Room that one withdrawal needs in one window. */
struct policy_claim {
	uint8_t key[POLICY_LIMIT_KEY_BYTES]; /* of the window */
	int64_t window_ms;                   /* POLICY_WINDOW_MS_MIN to POLICY_WINDOW_MS_MAX */
	int64_t at;                          /* since 1970; when the withdrawal was created */
	struct amount amount;
	struct amount amount_max; /* of the window; zero: none */
	uint32_t count_max;       /* likewise */
};

struct policy_window_part {
	int64_t start; /* since 1970 */
	struct amount amount;
	uint32_t count;
};

struct policy_window {
	size_t len;
	struct policy_window_part parts[POLICY_WINDOW_KEPT]; /* in the order of their starts */
};

/* The stored form, and back. False when nobody of us can have written it. */
MUST_CHECK bool policy_window_read(struct str bytes, struct policy_window *ret_window);
void policy_window_write(const struct policy_window *window, struct buf *out);
/* Are its parts those of a window of that length, as many as are kept, none full to the brim, and
 * none of a time that is far ahead? An editor's are not, and no room is taken of them: by a part of
 * next year everybody's claims would count as of then, and find the limit full for ever. */
bool policy_window_is_sound(const struct policy_window *window, int64_t window_ms, int64_t now_ms);
/* Takes the room, and says in which part; false when there is not enough, and nothing changes. */
MUST_CHECK bool policy_window_take(struct policy_window *window, const struct policy_claim *claim,
				   int64_t *ret_start);
/* Gives back what was taken in the part of that start. */
void policy_window_release(struct policy_window *window, int64_t start, struct amount amount);

#endif
