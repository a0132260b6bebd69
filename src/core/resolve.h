/* The exits for people: what two of them decide about a withdrawal or a slot that nobody else may
 * touch, and what the chain must say before the signer carries it out. Pure; the keys are handed
 * in.
 *
 * A decision is a row with a MAC (the controls' key), bound to the case as it stood: once that has
 * changed, the decision is about nothing any more. Source: doc/protocol.md, "Decisions of people".
 */
#ifndef SLUICE_CORE_RESOLVE_H
#define SLUICE_CORE_RESOLVE_H

#include "core/abi.h"
#include "core/intent.h"
#include "core/reason.h"
#include "core/withdrawal.h"

/* What a decision is about. A withdrawal, and its slot; only the withdrawal, while it has none; or
 * only a slot that has no withdrawal. */
struct resolve_case {
	struct id withdrawal;
	struct id transfer;
	uint64_t version;    /* of the withdrawal; of the transfer, when there is no withdrawal */
	struct hash32 shown; /* digest of what people see of it: a version can be set back */
};

/* Stored as numbers. */
enum resolve_verdict {
	RESOLVE_PAID_BY = 1,  /* this transaction paid it */
	RESOLVE_NOT_PAID = 2, /* nothing did: it may go on */
};

#define PERSON_LEN_MAX 64

struct decision {
	struct resolve_case of;
	char person[PERSON_LEN_MAX + 1]; /* the name of the API key: two keys of a name are one */
	char key_id[ID_TEXT_LEN + 1];    /* or the id of a user */
	enum resolve_verdict verdict;
	struct hash32 tx_hash; /* when not paid: zero, or what paid another one */
	int64_t decided_at;
	struct mac_tag mac; /* over all of the above: without it the row decides nothing */
};

/* Decisions that one case can have; more people than that are not heard. */
#define DECISIONS_MAX 8

/* The case of a withdrawal and its slot as they stand; NULL for what it has not, not both. What is
 * shown of them is stage, round and hold of the row, and of the slot whether it is over, by which
 * transaction, whether that is in doubt (foreign, unproven), and its hold. */
struct resolve_case resolve_case_of(const struct withdrawal *row, const struct transfer *slot);
bool resolve_case_equal(const struct resolve_case *a, const struct resolve_case *b);
/* "paid_by", "not_paid"; "unknown" of an edited row. */
const char *resolve_verdict_text(enum resolve_verdict verdict);
bool resolve_verdict_read(struct str text, enum resolve_verdict *ret_verdict);
/* Sets the MAC; every other field is final. */
void decision_seal(const struct mac_keys *keys, struct decision *decision);
/* False: somebody has edited the store. */
bool decision_is_sealed(const struct mac_keys *keys, const struct decision *decision);
/* Do both say the same of the same case, whoever they are? */
bool decision_agrees(const struct decision *a, const struct decision *b);
/* Or may be: names are compared as in person_compare, so that case makes no other person. */
bool decision_same_person(const struct decision *a, const struct decision *b);
/* Is it what two different people say? Of n sealed decisions of one case; *ret_decision: the newer
 * one of theirs. False as long as anybody says another thing. */
bool resolve_is_decided(const struct decision *decisions, size_t n, struct decision *ret_decision);

/* A transaction as the chain has it, final. */
struct resolve_tx {
	struct address from;
	struct address to; /* zero for a creation */
	struct wei value;
	size_t data_len;
	bool success;
	const struct abi_log *logs;
	size_t logs_len; /* as in the receipt */
	size_t logs_cap; /* how many are kept */
};

enum resolve_payment {
	PAYMENT_PROVEN = 1,   /* it pays exactly this, from this wallet */
	PAYMENT_EXCLUDED = 2, /* it cannot have */
	PAYMENT_UNCLEAR = 3,
};
/* What a transaction of a wallet did for an intent. Conservative both ways: a payment needs the
 * proof that completes any other withdrawal; and it is excluded only if it reverted, or (tokens) no
 * Transfer log of the contract names the receiver, or (native coin) it went elsewhere as a plain
 * payment or with less than the amount. */
enum resolve_payment resolve_payment_judge(const struct intent *intent, struct address wallet,
					   const struct resolve_tx *tx);

/* What two accounts of the payment's token had before the transaction's block, and after it. */
struct resolve_balances {
	bool known;
	struct u256 wallet[2]; /* before, after */
	struct u256 receiver[2];
	bool is_alone; /* no other transaction of the wallet is in that block */
};

enum resolve_moved {
	MOVED_UNKNOWN = 1, /* the node does not say, or others moved as well */
	MOVED_MAYBE = 2,   /* the receiver got something, or the wallet lost what no log tells of */
	MOVED_NOTHING = 3, /* neither: the receiver has not got it */
};
/* What a token did that does not log what it does. */
enum resolve_moved resolve_moved_judge(const struct intent *intent, struct address wallet,
				       const struct resolve_tx *tx,
				       const struct resolve_balances *balances);

/* What a transaction's place on the chain is, as the nodes say. */
enum resolve_seen {
	RESOLVE_SEEN_UNKNOWN = 1, /* not all have answered, or not deep enough: later */
	RESOLVE_SEEN_ABSENT = 2,  /* in no block, say all */
	RESOLVE_SEEN_FINAL = 3,   /* as deep as "unpaid" asks for, and finalized */
};

/* Was a block made before the withdrawal was accepted, by more than clocks differ? Both times are
 * of others: the chain's, and that of the API's host, in milliseconds. */
bool resolve_is_older(int64_t block_time_ms, int64_t created_at_ms);

/* What the signer found of a case. */
struct resolve_facts {
	enum resolve_verdict verdict;
	bool row_is_good;  /* MACs and journal say the same as the row */
	bool has_slot;     /* a transfer, of the row's own round */
	bool slot_is_over; /* mined or final; then the transaction that has its nonce */
	/* is a payment of the token with status 1, as the slot's own one: what moved then? */
	bool is_token_success;
	bool seen_by_all; /* every node says that it is final, and what it says */
	enum resolve_moved moved;
	enum resolve_seen consumer;
	enum resolve_payment consumer_payment;
	/* With PAID_BY, of the transaction that people name: */
	enum resolve_seen named;
	enum resolve_payment named_payment;
	bool named_is_own;      /* the slot's own payment by its bytes, with status 1 */
	bool named_is_earlier;  /* of another slot of the same withdrawal, as the journal has it */
	bool named_is_anothers; /* an attempt of another slot, or it paid another withdrawal */
	bool named_is_older;    /* mined before anybody asked for the withdrawal */
};

enum resolve_act {
	RESOLVE_WAIT = 1,     /* the chain does not say yet */
	RESOLVE_REFUSE = 2,   /* *ret_reason says why */
	RESOLVE_RELEASE = 3,  /* the hold ends; all goes on as it would have */
	RESOLVE_COMPLETE = 4, /* it was paid by the named transaction */
	RESOLVE_UNPAID = 5,   /* its slot is over and did not pay: again, or canceled */
	RESOLVE_FILL = 6,     /* of a slot that was taken back: its nonce goes to a self-transfer */
};
enum resolve_act resolve_decide(const struct resolve_facts *facts, enum reason *ret_reason);

/* The chain took back a slot that was final (T9). */
struct resolve_back_facts {
	bool block_is_gone;  /* another block stands in its place, say the nodes */
	bool block_is_there; /* the same one, say the nodes */
	bool may_pay_again;  /* its bytes pay a withdrawal that has gone on to another slot */
	bool has_bytes;      /* something to send again */
	bool later_is_out;   /* bytes of that other slot may pay, and are not final */
	bool has_room;       /* for another attempt */
};
/* WAIT, REFUSE; RELEASE: its block stands after all; UNPAID: the same bytes go out again; FILL:
 * they never do, and the nonce is used up. */
enum resolve_act resolve_back_decide(const struct resolve_back_facts *facts,
				     enum reason *ret_reason);

/* The slot ended in another way than its withdrawal's status says, which stays: does the decision
 * say what the chain has? RELEASE: it does; REFUSE. */
enum resolve_act resolve_otherwise_decide(const struct decision *decision,
					  const struct transfer *slot, enum reason *ret_reason);

#endif
