/* The signer's append-only journal: which right to be paid was spent on which slot. MACs prove what
 * a row says; the journal proves that it is the first time. Rows carry a MAC and are chained;
 * nothing is ever updated or deleted. Reached by the signer and by admin commands only.
 */
#ifndef SLUICE_PORT_JOURNAL_H
#define SLUICE_PORT_JOURNAL_H

#include "base/err.h"
#include "core/address.h"
#include "core/amount.h"
#include "core/feed.h"
#include "core/id.h"
#include "core/limit_window.h"
#include "core/limits.h"

#include <stddef.h>
#include <stdint.h>

struct journal;

/* Stored as numbers. */
enum journal_kind {
	JOURNAL_PAY = 1,
	JOURNAL_CANCEL = 2,
	/* The nonce went to a transaction that is none of ours; the payload hash is its own. */
	JOURNAL_FOREIGN = 3,
};

struct journal_slot {
	uint64_t chain_id;
	struct address wallet;
	uint64_t nonce;
};

/* The right of one round of one withdrawal: spent on a slot, or void (it ends all rounds). */
struct journal_right {
	struct id withdrawal;
	uint32_t round;      /* from 0 */
	uint8_t pay_tag[32]; /* HMAC(tag key, account ‖ idempotency hash) */
	bool is_void;
	char void_stage[REASON_LEN_MAX]; /* when void: final stage and code */
	char void_code[REASON_LEN_MAX];
	struct journal_slot slot; /* when not void */
	uint64_t chain_id;
	struct address asset; /* token contract; zero for the native coin */
	struct amount amount;
	int64_t time_ms;
};

/* What people said of a round, and the chain did not contradict: paid by a transaction that is not
 * the slot's own payment, or not paid by the one that took its nonce. One per round; a transaction
 * pays one round. */
struct journal_resolution {
	struct id withdrawal;
	uint32_t round;
	bool is_paid;
	uint64_t chain_id;
	struct hash32 tx_hash;
	int64_t time_ms;
};

/* A seal of the store's feed as the signer saw it: kept here the feed's end cannot be cut off
 * unseen. One per life and number. */
struct journal_feed_head {
	int64_t sequence; /* its place in the journal; of what is appended: any */
	struct feed_head head;
	int64_t time_ms;
};

/* A set of pause switches as a signer believed it (core/control.h): kept here an older one that is
 * put back shows. One per version. */
struct journal_controls {
	uint64_t version;
	uint8_t mac[32];
	int64_t time_ms;
};

/* One entry is one slot about to be signed, one void, one resolution (with the slot and the right
 * of its round, where they are not written yet), the head of the feed, or a set of switches. */
struct journal_entry {
	bool has_slot;
	struct journal_slot slot;
	enum journal_kind kind;
	struct hash32 payload_hash;
	/* A block has it already, and nothing will be signed: a payment may stand there beside an
	 * earlier cancellation. */
	bool is_on_chain;
	bool has_right;
	struct journal_right right;
	bool has_attempt;
	uint32_t attempt_number; /* from 1 */
	struct wei fee_ceiling;  /* gas limit × fee cap */
	bool has_resolution;
	struct journal_resolution resolution;
	bool has_feed_head;
	struct journal_feed_head feed_head;
	bool has_controls;
	struct journal_controls controls;
};

enum journal_verdict {
	JOURNAL_WRITTEN = 1,   /* appended now */
	JOURNAL_EQUAL = 2,     /* the same rows stood there already: go on */
	JOURNAL_DIFFERENT = 3, /* something else stands there: nothing of this entry was written */
};

/* What the rights of one asset that were spent on slots of one wallet are counted by. */
struct journal_purse {
	uint64_t chain_id;
	struct address wallet;
	struct address asset; /* token contract; zero for the native coin */
};

/* Which rights of a purse are added up. */
struct journal_span {
	int64_t since_ms; /* dated then or later */
	struct id above;  /* of withdrawals with a higher id: younger ones; zero for all */
};

/* A right and its place in the journal: higher than that of every right before it. */
struct journal_listed {
	int64_t sequence; /* from 1, with gaps */
	struct journal_right right;
};

/* Under either of which rights are found. */
struct journal_name {
	struct id withdrawal; /* zero: by the tag alone */
	uint8_t pay_tag[32];
};

struct journal_ops {
	bool (*append_many)(struct journal *journal, const struct journal_entry *entries, size_t n,
			    enum journal_verdict *ret_verdicts, struct err *err);
	bool (*rights_of)(struct journal *journal, struct id withdrawal, const uint8_t pay_tag[32],
			  struct journal_right *ret_rights, size_t cap, size_t *ret_len,
			  struct err *err);
	bool (*rights_any)(struct journal *journal, const struct journal_name *names, size_t n,
			   bool *ret_any, struct err *err);
	bool (*slot_of)(struct journal *journal, const struct journal_slot *slot, bool *ret_has_pay,
			bool *ret_has_cancel, struct hash32 *ret_pay_hash,
			struct wei *ret_fee_ceiling_max, uint32_t *ret_attempts, struct err *err);
	bool (*sum)(struct journal *journal, const struct journal_purse *purse,
		    const struct journal_span *span, struct amount *ret_total,
		    int64_t *ret_sequence, struct err *err);
	bool (*window)(struct journal *journal, const struct journal_purse *purse, int64_t now_ms,
		       struct limit_window *ret_window, int64_t *ret_sequence, struct err *err);
	bool (*rights_after)(struct journal *journal, int64_t sequence,
			     struct journal_listed *ret_rights, size_t cap, size_t *ret_len,
			     struct err *err);
	bool (*next_nonce)(struct journal *journal, uint64_t chain_id, struct address wallet,
			   bool *ret_any, uint64_t *ret_next_nonce, struct err *err);
	bool (*resolution_of)(struct journal *journal, struct id withdrawal, uint32_t round,
			      bool *ret_any, struct journal_resolution *ret_resolution,
			      struct err *err);
	bool (*feed_heads_after)(struct journal *journal, int64_t sequence,
				 struct journal_feed_head *ret_heads, size_t cap, size_t *ret_len,
				 struct err *err);
	bool (*feed_head_last)(struct journal *journal, bool *ret_any,
			       struct journal_feed_head *ret_head, struct err *err);
	bool (*controls_last)(struct journal *journal, bool *ret_any,
			      struct journal_controls *ret_controls, struct err *err);
	void (*close)(struct journal *journal);
};

struct journal {
	const struct journal_ops *ops;
};

/* Appends 1 to BATCH_MAX entries in one durable transaction. Equal rows are skipped; a cancel row
 * beside a pay row of the same slot is no difference; a right under another slot, amount or void
 * is. MAYBE_DONE: call again with the same entries. */
MUST_CHECK bool journal_append_many(struct journal *journal, const struct journal_entry *entries,
				    size_t n, enum journal_verdict *ret_verdicts, struct err *err);
/* All rights under the withdrawal's id or its pay tag, in the order of rounds; up to cap. REFUSED
 * when a row's MAC does not verify. */
MUST_CHECK bool journal_rights_of(struct journal *journal, struct id withdrawal,
				  const uint8_t pay_tag[32], struct journal_right *ret_rights,
				  size_t cap, size_t *ret_len, struct err *err);
/* Under which of n names, 1 to BATCH_MAX, there are rights at all. That there are none is the
 * index's word, as an empty answer of journal_rights_of is. */
MUST_CHECK bool journal_rights_any(struct journal *journal, const struct journal_name *names,
				   size_t n, bool *ret_any, struct err *err);
/* What is written of one slot. ret_pay_hash is of the payment; without ret_has_pay, of the
 * stranger's transaction that took the nonce, or zero. The ceiling is the highest of its attempts
 * (zero without any). */
MUST_CHECK bool journal_slot_of(struct journal *journal, const struct journal_slot *slot,
				bool *ret_has_pay, bool *ret_has_cancel,
				struct hash32 *ret_pay_hash, struct wei *ret_fee_ceiling_max,
				uint32_t *ret_attempts, struct err *err);
/* What a span of a purse's rights adds up to (voids excluded), saturated. It reads them all; who
 * keeps the sum up to date goes on with journal_rights_after from ret_sequence: every right up to
 * there is in it, none behind. REFUSED when a row's MAC does not verify. */
MUST_CHECK bool journal_sum_of(struct journal *journal, const struct journal_purse *purse,
			       const struct journal_span *span, struct amount *ret_total,
			       int64_t *ret_sequence, struct err *err);
/* The rights of the last day as a window of that time, for hour and day limits. ret_window is
 * written in any case, and meaningful on success. */
MUST_CHECK bool journal_window_of(struct journal *journal, const struct journal_purse *purse,
				  int64_t now_ms, struct limit_window *ret_window,
				  int64_t *ret_sequence, struct err *err);
/* The rights behind a place, voids included, whoever wrote them, in their order; up to cap, so that
 * fewer are the last ones. REFUSED when a row's MAC does not verify. */
MUST_CHECK bool journal_rights_after(struct journal *journal, int64_t sequence,
				     struct journal_listed *ret_rights, size_t cap, size_t *ret_len,
				     struct err *err);
/* One above the highest nonce with a slot row; ret_any false when the wallet has none. */
MUST_CHECK bool journal_next_nonce(struct journal *journal, uint64_t chain_id,
				   struct address wallet, bool *ret_any, uint64_t *ret_next_nonce,
				   struct err *err);
/* What people resolved of a round. REFUSED when the row's MAC does not verify. */
MUST_CHECK bool journal_resolution_of(struct journal *journal, struct id withdrawal, uint32_t round,
				      bool *ret_any, struct journal_resolution *ret_resolution,
				      struct err *err);
/* The heads of the feed behind a place, in their order; up to cap, so that fewer are the last ones.
 * And the one that was appended last. REFUSED when a row's MAC does not verify. */
MUST_CHECK bool journal_feed_heads_after(struct journal *journal, int64_t sequence,
					 struct journal_feed_head *ret_heads, size_t cap,
					 size_t *ret_len, struct err *err);
MUST_CHECK bool journal_feed_head_last(struct journal *journal, bool *ret_any,
				       struct journal_feed_head *ret_head, struct err *err);
/* The set of switches with the highest version. REFUSED when its MAC does not verify. */
MUST_CHECK bool journal_controls_last(struct journal *journal, bool *ret_any,
				      struct journal_controls *ret_controls, struct err *err);
void journal_close(struct journal *journal); /* accepts NULL */

#endif
