/* The two machines of Sluice: a withdrawal (what the client asked for) and a transfer (one nonce of
 * one wallet). lifecycle.c opens with the rules T1 to T12 and holds the transitions as one table,
 * from which doc/lifecycle.md is made. The store CHECKs every change of a stage against it. Pure.
 */
#ifndef SLUICE_CORE_LIFECYCLE_H
#define SLUICE_CORE_LIFECYCLE_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Stored as numbers; never renumbered. */
enum withdrawal_stage {
	WITHDRAWAL_ACCEPTED = 1,
	WITHDRAWAL_AWAITING_APPROVAL = 2,
	WITHDRAWAL_QUEUED = 3,
	WITHDRAWAL_ASSIGNED = 4,
	WITHDRAWAL_COMPLETED = 5,
	WITHDRAWAL_FAILED = 6,
	WITHDRAWAL_REJECTED = 7,
	WITHDRAWAL_CANCELED = 8,
};

enum transfer_stage {
	TRANSFER_RESERVED = 1,  /* nonce taken, payload fixed */
	TRANSFER_SIGNED = 2,    /* bytes and hash persisted */
	TRANSFER_BROADCAST = 3, /* may be out */
	TRANSFER_MINED = 4,     /* in a block; reversible */
	TRANSFER_FINAL = 5,
};

enum transfer_outcome {
	OUTCOME_NONE = 0,
	OUTCOME_SUCCEEDED = 1,
	OUTCOME_REVERTED = 2,
	OUTCOME_REPLACED = 3, /* our own cancellation used the nonce */
	OUTCOME_FOREIGN = 4,  /* somebody else's transaction did */
	/* Our payment has status 1, and its receipt does not prove that it paid: people say. */
	OUTCOME_UNPROVEN = 5,
};

enum actor {
	ACTOR_API = 1,
	ACTOR_PROCESSOR = 2,
	ACTOR_SIGNER = 3,
	ACTOR_MONITOR = 4,
	ACTOR_PERSON = 5,
};

/* The queue that a change wakes. Stored as numbers in messages. */
enum queue_name {
	QUEUE_NONE = 0,
	QUEUE_REQUEST = 1,
	QUEUE_SIGNING = 2,
	QUEUE_MONITOR = 3,
	QUEUE_REQUEST_DLQ = 11,
	QUEUE_SIGNING_DLQ = 12,
	QUEUE_MONITOR_DLQ = 13,
};
#define QUEUE_DLQ_OFFSET 10

/* May `actor` move a withdrawal (transfer) so? `from` 0 is "does not exist yet". */
bool lifecycle_withdrawal_allows(enum withdrawal_stage from, enum withdrawal_stage to,
				 enum actor actor);
bool lifecycle_transfer_allows(enum transfer_stage from, enum transfer_stage to, enum actor actor);
/* The queue that the change of a withdrawal wakes; QUEUE_NONE for none. */
enum queue_name lifecycle_withdrawal_wakes(enum withdrawal_stage from, enum withdrawal_stage to);
bool lifecycle_is_terminal(enum withdrawal_stage stage);
/* Does the proof that a withdrawal is paid end its hold? Only one that doubts nothing about it;
 * every other hold stays for a person, and the withdrawal with it. "" is none. */
bool lifecycle_paid_ends_hold(const char *held_reason);
/* Does the client's wish to cancel end a hold? Only one that doubts nothing but whether it was
 * canceled already. */
bool lifecycle_cancel_ends_hold(const char *held_reason);
/* T4: did a final transfer of this outcome provably not pay? FOREIGN proves nothing. */
bool lifecycle_outcome_is_unpaid(enum transfer_outcome outcome);

/* "accepted"…; "PENDING"…; static storage. */
/* "unknown" and "UNKNOWN" for a stage that only an edited row can have. */
const char *withdrawal_stage_text(enum withdrawal_stage stage);
bool withdrawal_stage_read(struct str text, enum withdrawal_stage *ret_stage);
const char *withdrawal_status_text(enum withdrawal_stage stage);
const char *transfer_stage_text(enum transfer_stage stage);
const char *transfer_outcome_text(enum transfer_outcome outcome);
const char *actor_text(enum actor actor);
const char *queue_name_text(enum queue_name queue);
bool queue_name_read(struct str text, enum queue_name *ret_queue);
/* The first and last stage with that public status; false for an unknown status. A status covers
 * neighbouring stages. */
bool withdrawal_status_read(struct str text, enum withdrawal_stage *ret_first,
			    enum withdrawal_stage *ret_last);
/* The due time that a row gets when it enters a stage, in ms from now; 0 for terminal stages. The
 * sweeper wakes what has not moved until then. */
int64_t lifecycle_due_in_ms(enum withdrawal_stage stage);
/* The table as Markdown: doc/lifecycle.md. */
void lifecycle_write_markdown(struct buf *out);

#endif
