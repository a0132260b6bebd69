/* The rules. Each is asserted where it can break; the comments of other files name them.
 *
 * T1  One live transfer per withdrawal; (chain, wallet, nonce) is unique for ever.
 * T2  Nonces of a wallet are dense: every nonce from its first to next_nonce has a transfer row. A
 *slot that cannot pay is filled with a recorded self-transfer of nothing. T3  Signed bytes and hash
 *are committed before the first byte leaves the machine. An attempt's bytes, hash and fees never
 *change, its row is never deleted. All hashes of a slot are looked for, always. T4  A withdrawal
 *leaves a transfer only when that transfer is final with an outcome that provably did not pay it.
 * T5  An ambiguous answer is not a failure: "maybe sent", same bytes again, look it up by hash.
 * T6  Completed needs finality and proof: a receipt on the canonical chain, deep enough, and for a
 *token exactly one matching Transfer log of the right contract. T7  Every attempt of a slot pays
 *exactly the slot's payload, or is a recorded cancellation. T8  The signer signs only what it
 *derives itself from an intact, approved row, once (journal). T9  Final never changes silently: if
 *the chain takes it back, its wallets stop and a person is told. T10 Money is conserved: outflow on
 *the chain equals what the store says. T11 When faults stop, every accepted withdrawal that is not
 *held reaches a terminal stage. T12 No verdict from absence: a slot ends only with the transaction
 *that consumed its nonce in hand.
 *
 * A withdrawal:
 *
 *	accepted ──> awaiting_approval ──> queued ──> assigned ──> completed
 *	   │  └────────────────────────────^  │  ^        │
 *	   │               │                  │  └─ T4 ───┤
 *	   └> rejected, canceled <────────────┴───────────┴─> failed
 *
 * Its transfer:
 *
 *	reserved ──> signed ──> broadcast <──> mined ──> final {succeeded, reverted, replaced,
 *foreign}
 */
#include "core/lifecycle.h"

#include "base/check.h"
#include "core/reason.h"
#include "core/refusal.h"
#include "core/timing.h"

#include <stddef.h>
#include <string.h>

#define ROW_CODES_MAX 12

struct withdrawal_row {
	int from; /* 0: does not exist */
	enum withdrawal_stage to;
	enum actor actor;
	enum queue_name wakes;
	const char *event;
	const char *guard;
	enum refusal codes[ROW_CODES_MAX]; /* that `failure` may have then */
};

static const struct withdrawal_row withdrawal_rows[] = {
	{ 0,
	  WITHDRAWAL_ACCEPTED,
	  ACTOR_API,
	  QUEUE_REQUEST,
	  "accepted",
	  "valid request, new key, stored with intent MAC",
	  { REFUSAL_NONE } },
	{ WITHDRAWAL_ACCEPTED,
	  WITHDRAWAL_AWAITING_APPROVAL,
	  ACTOR_PROCESSOR,
	  QUEUE_NONE,
	  "awaiting_approval",
	  "a rule wants people",
	  { REFUSAL_NONE } },
	{ WITHDRAWAL_ACCEPTED,
	  WITHDRAWAL_QUEUED,
	  ACTOR_PROCESSOR,
	  QUEUE_SIGNING,
	  "queued",
	  "all rules allow; approval MAC written; or one says no, and an approval that ran out "
	  "asks the signer to end it",
	  { REFUSAL_NONE } },
	{ WITHDRAWAL_ACCEPTED,
	  WITHDRAWAL_REJECTED,
	  ACTOR_PROCESSOR,
	  QUEUE_NONE,
	  "rejected",
	  "a rule says no",
	  { REFUSAL_BELOW_MINIMUM, REFUSAL_ABOVE_MAXIMUM, REFUSAL_POLICY_DENIED,
	    REFUSAL_POLICY_NO_RULE, REFUSAL_LIMIT_EXCEEDED, REFUSAL_RECEIVER_DENIED,
	    REFUSAL_RECEIVER_LOOKS_ALIKE, REFUSAL_RECEIVER_IS_CONTRACT,
	    REFUSAL_SCREENING_DENIED } },
	{ WITHDRAWAL_ACCEPTED,
	  WITHDRAWAL_CANCELED,
	  ACTOR_API,
	  QUEUE_NONE,
	  "canceled",
	  "asked for before the approval",
	  { REFUSAL_CANCELED } },
	{ WITHDRAWAL_AWAITING_APPROVAL,
	  WITHDRAWAL_QUEUED,
	  ACTOR_PROCESSOR,
	  QUEUE_SIGNING,
	  "queued",
	  "enough approvals; approval MAC written; or a refusal for the signer",
	  { REFUSAL_NONE } },
	{ WITHDRAWAL_AWAITING_APPROVAL,
	  WITHDRAWAL_REJECTED,
	  ACTOR_PROCESSOR,
	  QUEUE_NONE,
	  "rejected",
	  "a person says no, time is up, or a rule of a newer policy says no",
	  { REFUSAL_APPROVAL_DENIED, REFUSAL_APPROVAL_TIMEOUT, REFUSAL_POLICY_DENIED,
	    REFUSAL_POLICY_NO_RULE, REFUSAL_LIMIT_EXCEEDED, REFUSAL_BELOW_MINIMUM,
	    REFUSAL_ABOVE_MAXIMUM, REFUSAL_RECEIVER_DENIED, REFUSAL_RECEIVER_LOOKS_ALIKE,
	    REFUSAL_RECEIVER_IS_CONTRACT, REFUSAL_SCREENING_DENIED } },
	{ WITHDRAWAL_AWAITING_APPROVAL,
	  WITHDRAWAL_CANCELED,
	  ACTOR_API,
	  QUEUE_NONE,
	  "canceled",
	  "asked for before the approval",
	  { REFUSAL_CANCELED } },
	{ WITHDRAWAL_QUEUED,
	  WITHDRAWAL_ASSIGNED,
	  ACTOR_SIGNER,
	  QUEUE_NONE,
	  "assigned",
	  "both MACs verify, limits hold, funds cover it, a slot is free; same transaction as the "
	  "nonce",
	  { REFUSAL_NONE } },
	{ WITHDRAWAL_QUEUED,
	  WITHDRAWAL_REJECTED,
	  ACTOR_SIGNER,
	  QUEUE_NONE,
	  "rejected",
	  "a signer limit that waiting cannot cure, or what the processor has refused; void "
	  "journaled first",
	  { REFUSAL_SIGNER_LIMIT, REFUSAL_BELOW_MINIMUM, REFUSAL_ABOVE_MAXIMUM,
	    REFUSAL_POLICY_DENIED, REFUSAL_POLICY_NO_RULE, REFUSAL_LIMIT_EXCEEDED,
	    REFUSAL_RECEIVER_DENIED, REFUSAL_RECEIVER_LOOKS_ALIKE, REFUSAL_RECEIVER_IS_CONTRACT,
	    REFUSAL_APPROVAL_DENIED, REFUSAL_APPROVAL_TIMEOUT, REFUSAL_SCREENING_DENIED } },
	{ WITHDRAWAL_QUEUED,
	  WITHDRAWAL_FAILED,
	  ACTOR_SIGNER,
	  QUEUE_NONE,
	  "failed",
	  "the receiver provably refuses; void journaled first",
	  { REFUSAL_RECEIVER_REFUSES } },
	{ WITHDRAWAL_QUEUED,
	  WITHDRAWAL_CANCELED,
	  ACTOR_SIGNER,
	  QUEUE_NONE,
	  "canceled",
	  "cancel requested; void journaled first",
	  { REFUSAL_CANCELED } },
	{ WITHDRAWAL_ASSIGNED,
	  WITHDRAWAL_COMPLETED,
	  ACTOR_MONITOR,
	  QUEUE_NONE,
	  "completed",
	  "T6: final, succeeded, proven",
	  { REFUSAL_NONE } },
	{ WITHDRAWAL_ASSIGNED,
	  WITHDRAWAL_QUEUED,
	  ACTOR_SIGNER,
	  QUEUE_SIGNING,
	  "requeued",
	  "T4: its transfer is final and unpaid; round + 1",
	  { REFUSAL_NONE } },
	{ WITHDRAWAL_ASSIGNED,
	  WITHDRAWAL_FAILED,
	  ACTOR_SIGNER,
	  QUEUE_NONE,
	  "failed",
	  "T4, and a second revert; void journaled first",
	  { REFUSAL_RECEIVER_REFUSES } },
	{ WITHDRAWAL_ASSIGNED,
	  WITHDRAWAL_CANCELED,
	  ACTOR_SIGNER,
	  QUEUE_NONE,
	  "canceled",
	  "T4, and cancel requested; void journaled first",
	  { REFUSAL_CANCELED } },
	{ WITHDRAWAL_ASSIGNED,
	  WITHDRAWAL_COMPLETED,
	  ACTOR_PERSON,
	  QUEUE_NONE,
	  "completed",
	  "two people name the transaction that paid; the signer finds it final and exactly that; a "
	  "queued row is bound again to the slot of its own that it was paid from, or, after a "
	  "restore, to the slot of the same request",
	  { REFUSAL_NONE } },
	{ WITHDRAWAL_ASSIGNED,
	  WITHDRAWAL_QUEUED,
	  ACTOR_PERSON,
	  QUEUE_SIGNING,
	  "requeued",
	  "two people say unpaid; the signer finds that its slot cannot have paid; round + 1",
	  { REFUSAL_NONE } },
	{ WITHDRAWAL_ASSIGNED,
	  WITHDRAWAL_CANCELED,
	  ACTOR_PERSON,
	  QUEUE_NONE,
	  "canceled",
	  "the same, and cancel requested; void journaled first; or two people say unpaid of a "
	  "queued row, and the journal has its key as spent on another request before a restore",
	  { REFUSAL_CANCELED } },
};

/* What leaves a withdrawal in its stage, and is an event all the same. For the document. */
struct stay_row {
	const char *stages;
	enum actor actor;
	const char *event;
	const char *guard;
	const char *wakes;
	const char *codes;
};

static const struct stay_row stay_rows[] = {
	{ "queued, assigned", ACTOR_SIGNER, "waiting", "it cannot go on now", "–",
	  "a reason to wait" },
	{ "queued", ACTOR_PROCESSOR, "approval_renewed", "its approval expired; all rules allow",
	  "signing", "–" },
	{ "queued", ACTOR_PROCESSOR, "approval_refused",
	  "its approval expired; a rule says no now: cancel requested", "signing", "–" },
	{ "accepted to queued", ACTOR_PROCESSOR, "approval_refused",
	  "of a restored store, or cancel requested; a rule says no: cancel requested, with an "
	  "approval that is over",
	  "signing", "–" },
	{ "accepted", ACTOR_API, "cancel_requested",
	  "of a store that was restored, or is on a server: whether it was paid only the signer "
	  "finds out",
	  "request", "–" },
	{ "queued, assigned", ACTOR_API, "cancel_requested",
	  "asked for after the approval, while no block has it", "signing", "–" },
	{ "assigned", ACTOR_API, "speed_up_requested",
	  "asked for while its bytes are stored and no block has them", "signing", "–" },
	{ "assigned", ACTOR_SIGNER, "broadcast", "its bytes were handed to a node the first time",
	  "monitor", "–" },
	{ "assigned", ACTOR_SIGNER, "bumped",
	  "bytes with a higher fee were handed to a node the first time", "–",
	  "`age`, `fee_pressure`, `node_refused` or `speed_up`" },
	{ "assigned", ACTOR_SIGNER, "cancellation_sent",
	  "bytes that use the nonce and pay nobody were handed to a node the first time", "–",
	  "`cancel`, or as above" },
	{ "accepted, queued", ACTOR_PROCESSOR, "held", "the row or its message cannot be trusted",
	  "–", "a reason to hold" },
	{ "queued, assigned", ACTOR_SIGNER, "held",
	  "row, journal, slot or message cannot be trusted", "–", "a reason to hold" },
	{ "assigned", ACTOR_MONITOR, "held", "the chain shows what no slot explains", "–",
	  "a reason to hold" },
	{ "accepted, queued, assigned", ACTOR_PERSON, "redriven",
	  "held as `dead_letter`, and its queue was redriven", "its queue", "–" },
	{ "accepted, queued, assigned", ACTOR_PERSON, "released",
	  "two people decided, and MACs, journal and slot say the same as the row", "its queue",
	  "–" },
	{ "any", ACTOR_PERSON, "resolve_refused",
	  "two people decided, and chain or journal do not bear it out", "–",
	  "a reason to refuse" },
	{ "any", ACTOR_PERSON, "finality_lost",
	  "T9: two people decided; the same bytes go out again", "–", "–" },
	{ "completed, failed, canceled", ACTOR_MONITOR, "settled_otherwise",
	  "T9: what was taken back ended in another way than its status says, which stays; the "
	  "detail has the outcome",
	  "–", "–" },
	{ "completed, failed, canceled", ACTOR_PERSON, "released",
	  "two people say what is true of that, and the slot says the same", "–", "–" },
};

struct transfer_row {
	int from;
	enum transfer_stage to;
	enum actor actor;
	const char *guard;
};

static const struct transfer_row transfer_rows[] = {
	{ 0, TRANSFER_RESERVED, ACTOR_SIGNER, "nonce taken, payload hash fixed, withdrawal bound" },
	{ TRANSFER_RESERVED, TRANSFER_RESERVED, ACTOR_SIGNER,
	  "became unpayable before any signature: payload turns into the self-transfer" },
	{ TRANSFER_RESERVED, TRANSFER_SIGNED, ACTOR_SIGNER,
	  "journaled; bytes and hash in the same transaction (T3)" },
	{ TRANSFER_SIGNED, TRANSFER_BROADCAST, ACTOR_SIGNER, "handed to a node, whatever it said" },
	{ TRANSFER_RESERVED, TRANSFER_MINED, ACTOR_MONITOR,
	  "a foreign transaction has the nonce: it is in hand, and recorded" },
	{ TRANSFER_SIGNED, TRANSFER_MINED, ACTOR_MONITOR,
	  "receipt found (crash after the send), or a foreign transaction" },
	{ TRANSFER_BROADCAST, TRANSFER_MINED, ACTOR_MONITOR,
	  "receipt of one of its hashes, or a foreign transaction" },
	{ TRANSFER_MINED, TRANSFER_MINED, ACTOR_MONITOR,
	  "a reorg mined it elsewhere, or another attempt of it; or its receipt does not prove the "
	  "payment" },
	{ TRANSFER_MINED, TRANSFER_BROADCAST, ACTOR_MONITOR, "a reorg took the block away" },
	{ TRANSFER_MINED, TRANSFER_RESERVED, ACTOR_MONITOR,
	  "a reorg took the foreign transaction away, and nothing was signed yet" },
	{ TRANSFER_MINED, TRANSFER_FINAL, ACTOR_MONITOR,
	  "receipt's block is canonical, deep enough, finalized" },
	{ TRANSFER_FINAL, TRANSFER_BROADCAST, ACTOR_PERSON, "T9: resolve after a deep reorg" },
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct withdrawal_row *withdrawal_row_of(int from, enum withdrawal_stage to)
{
	for (size_t i = 0; i < COUNT_OF(withdrawal_rows); i++)
		if (withdrawal_rows[i].from == from && withdrawal_rows[i].to == to)
			return &withdrawal_rows[i];
	return NULL; /* rows of the same change wake the same queue, whoever makes it */
}

bool lifecycle_withdrawal_allows(enum withdrawal_stage from, enum withdrawal_stage to,
				 enum actor actor)
{
	for (size_t i = 0; i < COUNT_OF(withdrawal_rows); i++)
		if (withdrawal_rows[i].from == (int)from && withdrawal_rows[i].to == to &&
		    withdrawal_rows[i].actor == actor)
			return true;
	return false;
}

bool lifecycle_transfer_allows(enum transfer_stage from, enum transfer_stage to, enum actor actor)
{
	for (size_t i = 0; i < COUNT_OF(transfer_rows); i++)
		if (transfer_rows[i].from == (int)from && transfer_rows[i].to == to &&
		    transfer_rows[i].actor == actor)
			return true;
	return false;
}

enum queue_name lifecycle_withdrawal_wakes(enum withdrawal_stage from, enum withdrawal_stage to)
{
	const struct withdrawal_row *row = withdrawal_row_of((int)from, to);
	return row == NULL ? QUEUE_NONE : row->wakes;
}

bool lifecycle_is_terminal(enum withdrawal_stage stage)
{
	return stage >= WITHDRAWAL_COMPLETED;
}

bool lifecycle_paid_ends_hold(const char *held_reason)
{
	return held_reason[0] == 0 || strcmp(held_reason, reason_code(REASON_DEAD_LETTER)) == 0;
}

bool lifecycle_cancel_ends_hold(const char *held_reason)
{
	return strcmp(held_reason, reason_code(REASON_RESTORED_UNDECIDED)) == 0;
}

bool lifecycle_outcome_is_unpaid(enum transfer_outcome outcome)
{
	return outcome == OUTCOME_REVERTED || outcome == OUTCOME_REPLACED;
}

struct stage_row {
	const char *text;
	const char *status;
	int64_t due_in_ms;
};

/* Due times: long enough that the queue's own wake-up has had its chance, short enough that a lost
 * one costs seconds. An assigned row is watched through its transfer; its wake-up goes to the
 * monitor. */
static const struct stage_row stage_rows[] = {
	[WITHDRAWAL_ACCEPTED] = { "accepted", "PENDING", 10000 },
	[WITHDRAWAL_AWAITING_APPROVAL] = { "awaiting_approval", "PENDING", 60000 },
	[WITHDRAWAL_QUEUED] = { "queued", "PROCESSING", 10000 },
	[WITHDRAWAL_ASSIGNED] = { "assigned", "PROCESSING", 60000 },
	[WITHDRAWAL_COMPLETED] = { "completed", "COMPLETED", 0 },
	[WITHDRAWAL_FAILED] = { "failed", "FAILED", 0 },
	[WITHDRAWAL_REJECTED] = { "rejected", "REJECTED", 0 },
	[WITHDRAWAL_CANCELED] = { "canceled", "CANCELED", 0 },
};

static const struct stage_row *stage_row_of(enum withdrawal_stage stage)
{
	CHECK(stage >= WITHDRAWAL_ACCEPTED && stage <= WITHDRAWAL_CANCELED);
	return &stage_rows[stage];
}

/* Rows may have been edited: a stage that does not exist has a text all the same. */
static bool stage_is_known(enum withdrawal_stage stage)
{
	return stage >= WITHDRAWAL_ACCEPTED && stage <= WITHDRAWAL_CANCELED;
}

const char *withdrawal_stage_text(enum withdrawal_stage stage)
{
	return stage_is_known(stage) ? stage_row_of(stage)->text : "unknown";
}

bool withdrawal_stage_read(struct str text, enum withdrawal_stage *ret_stage)
{
	for (int i = WITHDRAWAL_ACCEPTED; i <= WITHDRAWAL_CANCELED; i++) {
		if (str_equal_text(text, stage_rows[i].text)) {
			*ret_stage = (enum withdrawal_stage)i;
			return true;
		}
	}
	return false;
}

const char *withdrawal_status_text(enum withdrawal_stage stage)
{
	return stage_is_known(stage) ? stage_row_of(stage)->status : "UNKNOWN";
}

int64_t lifecycle_due_in_ms(enum withdrawal_stage stage)
{
	return stage_is_known(stage) ? stage_row_of(stage)->due_in_ms : 0;
}

bool withdrawal_status_read(struct str text, enum withdrawal_stage *ret_first,
			    enum withdrawal_stage *ret_last)
{
	bool found = false;
	for (int i = WITHDRAWAL_ACCEPTED; i <= WITHDRAWAL_CANCELED; i++) {
		if (!str_equal_text(text, stage_rows[i].status))
			continue;
		if (!found)
			*ret_first = (enum withdrawal_stage)i;
		*ret_last = (enum withdrawal_stage)i;
		found = true;
	}
	return found;
}

const char *transfer_stage_text(enum transfer_stage stage)
{
	switch (stage) {
	case TRANSFER_RESERVED:
		return "reserved";
	case TRANSFER_SIGNED:
		return "signed";
	case TRANSFER_BROADCAST:
		return "broadcast";
	case TRANSFER_MINED:
		return "mined";
	case TRANSFER_FINAL:
		return "final";
	}
	return "unknown";
}

const char *transfer_outcome_text(enum transfer_outcome outcome)
{
	switch (outcome) {
	case OUTCOME_NONE:
		return "none";
	case OUTCOME_SUCCEEDED:
		return "succeeded";
	case OUTCOME_REVERTED:
		return "reverted";
	case OUTCOME_REPLACED:
		return "replaced";
	case OUTCOME_FOREIGN:
		return "foreign";
	case OUTCOME_UNPROVEN:
		return "unproven";
	}
	return "unknown";
}

const char *actor_text(enum actor actor)
{
	switch (actor) {
	case ACTOR_API:
		return "api";
	case ACTOR_PROCESSOR:
		return "processor";
	case ACTOR_SIGNER:
		return "signer";
	case ACTOR_MONITOR:
		return "monitor";
	case ACTOR_PERSON:
		return "person";
	}
	return "unknown";
}

struct queue_row {
	enum queue_name queue;
	const char *text;
};

static const struct queue_row queue_rows[] = {
	{ QUEUE_REQUEST, "request" },         { QUEUE_SIGNING, "signing" },
	{ QUEUE_MONITOR, "monitor" },         { QUEUE_REQUEST_DLQ, "request-dlq" },
	{ QUEUE_SIGNING_DLQ, "signing-dlq" }, { QUEUE_MONITOR_DLQ, "monitor-dlq" },
};

const char *queue_name_text(enum queue_name queue)
{
	for (size_t i = 0; i < COUNT_OF(queue_rows); i++)
		if (queue_rows[i].queue == queue)
			return queue_rows[i].text;
	return "none";
}

bool queue_name_read(struct str text, enum queue_name *ret_queue)
{
	for (size_t i = 0; i < COUNT_OF(queue_rows); i++) {
		if (str_equal_text(text, queue_rows[i].text)) {
			*ret_queue = queue_rows[i].queue;
			return true;
		}
	}
	return false;
}

static void write_codes(struct buf *out, const enum refusal *codes)
{
	for (size_t i = 0; i < ROW_CODES_MAX && codes[i] != REFUSAL_NONE; i++)
		buf_format(out, "%s`%s`", i == 0 ? "" : ", ", refusal_code(codes[i]));
	if (codes[0] == REFUSAL_NONE)
		buf_text(out, "–");
}

static void write_withdrawal_rows(struct buf *out)
{
	buf_text(out, "| from | to | actor | event | guard | wakes | failure |\n"
		      "| --- | --- | --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < COUNT_OF(withdrawal_rows); i++) {
		const struct withdrawal_row *row = &withdrawal_rows[i];
		buf_format(out, "| %s | %s | %s | %s | %s | %s | ",
			   row->from == 0 ? "–" : stage_rows[row->from].text,
			   withdrawal_stage_text(row->to), actor_text(row->actor), row->event,
			   row->guard,
			   row->wakes == QUEUE_NONE ? "–" : queue_name_text(row->wakes));
		write_codes(out, row->codes);
		buf_text(out, " |\n");
	}
}

static void write_stay_rows(struct buf *out)
{
	buf_text(out, "| stage | actor | event | guard | wakes | code |\n"
		      "| --- | --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < COUNT_OF(stay_rows); i++) {
		const struct stay_row *row = &stay_rows[i];
		buf_format(out, "| %s | %s | %s | %s | %s | %s |\n", row->stages,
			   actor_text(row->actor), row->event, row->guard, row->wakes, row->codes);
	}
}

static void write_transfer_rows(struct buf *out)
{
	buf_text(out, "| from | to | actor | guard |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < COUNT_OF(transfer_rows); i++) {
		const struct transfer_row *row = &transfer_rows[i];
		buf_format(out, "| %s | %s | %s | %s |\n",
			   row->from == 0 ? "–"
					  : transfer_stage_text((enum transfer_stage)row->from),
			   transfer_stage_text(row->to), actor_text(row->actor), row->guard);
	}
}

static void write_due_times(struct buf *out)
{
	buf_text(out, "| stage | public status | due after |\n| --- | --- | --- |\n");
	for (int i = WITHDRAWAL_ACCEPTED; i <= WITHDRAWAL_CANCELED; i++) {
		buf_format(out, "| %s | %s | ", stage_rows[i].text, stage_rows[i].status);
		if (stage_rows[i].due_in_ms == 0)
			buf_text(out, "–");
		else
			timing_write(stage_rows[i].due_in_ms, out);
		buf_text(out, " |\n");
	}
}

void lifecycle_write_markdown(struct buf *out)
{
	buf_text(out,
		 "# The lifecycle as a table\n\n"
		 "Made from the tables in `src/core/lifecycle.c`, `reason.c` and `timing.c`; a "
		 "test compares them. What the codes of `failure` mean is in "
		 "[errors.md](errors.md).\n\n"
		 "## Withdrawal\n\n");
	write_withdrawal_rows(out);
	buf_text(out, "\nEvents that leave it in its stage:\n\n");
	write_stay_rows(out);
	buf_text(out, "\n## Transfer\n\n");
	write_transfer_rows(out);
	buf_text(out, "\n## Due times\n\n"
		      "What has not moved for so long is woken by the sweeper.\n\n");
	write_due_times(out);
	buf_byte(out, '\n');
	reason_write_markdown(out);
	buf_byte(out, '\n');
	timing_write_markdown(out);
}
