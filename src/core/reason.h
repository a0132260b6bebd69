/* Why something waits, is held, or stands still: one exhaustive list. The codes are what the API,
 * events, rows, logs and alarms say; they never change. doc/lifecycle.md is made from it. Pure.
 *
 * What ends a withdrawal unpaid is a refusal (core/refusal.h).
 */
#ifndef SLUICE_CORE_REASON_H
#define SLUICE_CORE_REASON_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Stored as text (reason_code), never as a number. */
enum reason {
	REASON_NONE = 0,
	/* A withdrawal waits: wait_reason. */
	REASON_SLOT,
	REASON_FUNDS,
	REASON_FUNDS_ABOVE_CEILING,
	REASON_CHAIN_UNAVAILABLE,
	REASON_CHAIN_IS_AHEAD,
	REASON_UNAVAILABLE,
	REASON_ASSET_REVERTS,
	REASON_GAS_ABOVE_CEILING,
	REASON_FEE_ABOVE_CAP,
	REASON_HOUR_LIMIT,
	REASON_DAY_LIMIT,
	REASON_APPROVAL_EXPIRED,
	REASON_APPROVALS_MISSING,
	REASON_PAUSED,
	REASON_POLICY_UNAVAILABLE,
	REASON_LIMIT_UNREADABLE,
	REASON_DENY_LIST_UNAVAILABLE,
	REASON_SCREENING_UNAVAILABLE,
	REASON_SCREENING_BUSY,
	REASON_PREVIOUS_ROUND_NOT_PROVEN_UNPAID,
	REASON_NOT_PROVEN_UNPAID,
	REASON_RESTORE_NOT_RECONCILED,
	/* A withdrawal is held: held_reason. Some stop the wallet whose slot they were found on. */
	REASON_DEAD_LETTER,
	REASON_APPROVER_SIGNATURE_MISSING,
	REASON_INTENT_MAC_INVALID,
	REASON_APPROVAL_MAC_INVALID,
	REASON_ASSET_MISMATCH,
	REASON_RIGHT_ALREADY_SPENT,
	REASON_ROUNDS_DO_NOT_MATCH_JOURNAL,
	REASON_ROUND_WAS_PAID,
	REASON_ROUND_HAS_A_SLOT,
	REASON_JOURNAL_VOID_UNREADABLE,
	REASON_SLOT_ROWS_MISSING,
	REASON_SLOT_ROWS_MISMATCH,
	REASON_WITHDRAWAL_MISSING,
	REASON_PAYLOAD_MISMATCH,
	REASON_SLOT_MISMATCH,
	REASON_ATTEMPT_MISSING,
	REASON_ATTEMPT_MISMATCH,
	REASON_SUCCESS_WITHOUT_PROOF,
	REASON_SUCCESS_WITHOUT_ATTEMPT,
	REASON_PAYOUT_UNBOUND,
	REASON_JOURNAL_WAS_LOST,
	REASON_MAY_BE_PAID_BY_UNBOUND,
	REASON_RESTORED_UNDECIDED,
	/* A wallet is stopped: stop_reason. */
	REASON_NONCE_CONSUMED_ELSEWHERE,
	REASON_FINAL_TAKEN_BACK,
	REASON_SETTLED_OTHERWISE,
	REASON_NODE_SAYS_INVALID,
	REASON_SIGNATURE_MISMATCH,
	REASON_NONCES_NOT_DENSE,
	REASON_JOURNAL_IS_AHEAD,
	REASON_JOURNAL_IS_BEHIND,
	REASON_JOURNAL_DIFFERS,
	REASON_RECONCILIATION_DIFFERS,
	REASON_RECOVERING,
	REASON_RECOVERED,
	REASON_NOT_RECOVERED,
	/* A decision of people was refused: wait_reason of a row that stays held. */
	REASON_RESOLVE_STILL_IN_DOUBT,
	REASON_RESOLVE_SLOT_IS_OPEN,
	REASON_RESOLVE_TX_NOT_FOUND,
	REASON_RESOLVE_TX_IS_NO_PAYMENT,
	REASON_RESOLVE_TX_OF_ANOTHER,
	REASON_RESOLVE_TX_IS_OLDER,
	REASON_RESOLVE_WAS_PAID,
	REASON_RESOLVE_MAY_HAVE_PAID,
	REASON_RESOLVE_BLOCK_STANDS,
	REASON_RESOLVE_WOULD_PAY_AGAIN,
	REASON_RESOLVE_LATER_ROUND_IS_OUT,
	REASON_RESOLVE_EQUAL_IS_UNCLAIMED,
	REASON_COUNT,
};

/* What a reason may be given for; several at once. */
#define REASON_WAITS   1u /* a withdrawal's wait */
#define REASON_HOLDS   2u /* a withdrawal's hold */
#define REASON_STOPS   4u /* a wallet's stop */
#define REASON_REFUSES 8u /* a refusal of what people decided */

/* "funds"; "" for REASON_NONE. At most REASON_LEN_MAX bytes. Static storage. */
const char *reason_code(enum reason reason);
bool reason_read(struct str code, enum reason *ret_reason);
/* A phrase for people. */
const char *reason_text(enum reason reason);
/* REASON_WAITS … */
unsigned reason_uses(enum reason reason);
/* Should a person be told when it begins? A routine wait ends by itself. */
bool reason_is_alarm(enum reason reason);
/* Of a wait: after how long the row is looked at again when nothing wakes it. `funds_wait_ms` is
 * the configured one, for those that have no time of their own. */
int64_t reason_due_in_ms(enum reason reason, int64_t funds_wait_ms);
/* Of a stop: the store may be an old or an edited one, and what was paid may be paid again. A
 * person starts such a wallet by force alone. */
bool reason_is_of_journal(enum reason reason);
/* Of a stop: the store is an old one, or was one and nobody has let it go on yet. As long as one
 * wallet is stopped so, no wallet of the store takes new payouts, and no withdrawal is judged. */
bool reason_pauses_store(enum reason reason);

/* The table as Markdown, for doc/lifecycle.md. */
void reason_write_markdown(struct buf *out);

#endif
