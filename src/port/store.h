/* The store: the truth about every withdrawal and transfer, as a port. Batch-first: one transaction
 * per call, one result per item, and one item never harms another. State, event, audit record,
 * outgoing message and incoming acknowledgement move in the same transaction.
 *
 * Every function returns false when the transaction did not (NOT_DONE) or may not (MAYBE_DONE) have
 * been committed; results are then not meaningful. What was changed by somebody else in the
 * meantime is no failure: the item's result says so.
 *
 * This header has what API, processor and commands use, and the shared parts; store_transfer.h has
 * what signer and monitor use.
 */
#ifndef SLUICE_PORT_STORE_H
#define SLUICE_PORT_STORE_H

#include "base/err.h"
#include "core/api_key.h"
#include "core/catalogue.h"
#include "core/permission.h"
#include "core/policy_window.h"
#include "core/resolve.h"
#include "core/vote.h"
#include "core/withdrawal.h"
#include "port/queue.h"

#include <stddef.h>

struct store;

struct store_once;

/* Who did it: for events and audit records. */
struct store_by {
	enum actor actor;
	const char *who;        /* key id, role instance; borrowed */
	const char *request_id; /* of the HTTP request or step; borrowed; "" for none */
	int64_t now_ms;
	const char *address; /* of the client, for the audit record; borrowed; NULL: none */
	const struct store_once *once; /* under which key (store_once.h); borrowed; NULL: none */
};

enum store_accept_result {
	STORE_ACCEPTED = 1,
	STORE_REPLAYED = 2,          /* same key, same body: `existing` holds the first one */
	STORE_KEY_REUSED = 3,        /* same key, other body */
	STORE_EXTERNAL_ID_TAKEN = 4, /* under another key: `existing` has the owner of the id */
	STORE_ID_TAKEN = 5,          /* another withdrawal has it; to be repeated with a new one */
};

struct store_accept {
	struct withdrawal withdrawal; /* complete, stage accepted, version 1 */
	const char *who;              /* the API key's id; borrowed */
	enum store_accept_result result;
	struct withdrawal existing; /* when not accepted */
};

/* Does a withdrawal wait for funds? The row keeps since when (funds_since). */
enum store_funds {
	STORE_FUNDS_KEPT = 0,    /* nobody looked: as it was */
	STORE_FUNDS_LACKING = 1, /* since now, unless it waited for them already */
	STORE_FUNDS_THERE = 2,   /* not any more */
};

/* Did the windows of its limits have room for it? */
enum store_room {
	STORE_ROOM_TAKEN = 0, /* or none was claimed */
	STORE_ROOM_FULL = 1,
	STORE_ROOM_BROKEN = 2, /* a window's row is not what we write: an edited store */
};

/* One compare-and-set of a withdrawal. from == to keeps the stage (wait, hold, cancel request). */
struct store_change {
	struct id withdrawal;
	uint64_t version; /* expected */
	enum withdrawal_stage from;
	enum withdrawal_stage to;
	const char *event;        /* its type: "queued", "waiting", … ; borrowed */
	const char *wait_reason;  /* borrowed; NULL clears it */
	enum store_funds funds;   /* another stage is THERE */
	const char *failure_code; /* borrowed; NULL keeps it */
	const char *held_reason;  /* borrowed; NULL keeps it, "" clears it */
	int64_t due_at;           /* 0: the stage's own */
	bool has_approval;
	struct approval approval;
	struct mac_tag approval_mac;
	bool request_cancel;
	bool request_speed_up; /* assigned; wishes for a bump of its transfer, whose bytes have to
				  be stored and in no block: not applied otherwise */
	bool next_round; /* assigned → queued; or queued, when its round was spent before a restore
			  */
	bool bury;       /* move the message to its dead-letter queue instead of deleting it */
	const struct vote
		*vote;         /* what a person said, in the same transaction; borrowed; NULL: none
				*/
	const char *rule;      /* of the policy, for the event; borrowed; NULL: none */
	const char *screening; /* the screening service's reference, likewise */
	const struct policy_claim
		*claims;      /* room that it needs, each in another window; borrowed */
	size_t claims_len;    /* at most POLICY_LIMITS_MAX */
	enum store_room room; /* result; not TAKEN: not applied, and its message stays as it is */
	size_t room_at;       /* and the first claim that has none */
	struct message_ack ack;
	bool applied; /* result; false: the row had moved (the message is acknowledged all the same)
		       */
};

struct store_filter {
	const char *account; /* borrowed */
	bool has_status;
	enum withdrawal_stage stage_first; /* when has_status */
	enum withdrawal_stage stage_last;
	const char *asset;        /* NULL: any */
	const char *external_id;  /* NULL: any */
	int64_t created_after_ms; /* 0: any */
	bool has_before;
	struct id before; /* the cursor: ids below it; newest first */
	size_t limit;     /* 1 to PAGE_MAX */
};

/* A list looks at PAGE_LOOKED_MAX rows of its account at most, whatever its filters let pass: a
 * page may be short, or empty, and still have a next one. */
struct store_page {
	size_t len; /* at most the filter's limit */
	bool has_next;
	struct id next; /* when has_next: the cursor that goes on */
};

/* A withdrawal with what a reader wants to know of its transfer. */
struct store_view {
	struct withdrawal withdrawal;
	bool has_transfer;
	struct transfer transfer;
	struct hash32 tx_hash; /* the mined attempt's, else the newest one's; zero before any */
	uint32_t attempts;
};

struct store_event {
	uint64_t sequence;
	int64_t at_ms;
	char type[REASON_LEN_MAX + 1];
	enum actor actor;
	enum withdrawal_stage stage;
	char detail[512]; /* a JSON object, or "" */
};

struct store_api_key {
	char id[33];
	uint8_t secret_hash[32]; /* SHA-256 of the secret's text */
	char account[ACCOUNT_LEN_MAX + 1];
	char name[65];
	int64_t created_at;
	int64_t revoked_at; /* 0: valid */
	int64_t expires_at; /* 0: never */
	permission_set scopes;
	char ranges[API_KEY_RANGES_TEXT_MAX + 1]; /* where from; "": anywhere */
	char created_by[PRINCIPAL_LEN_MAX + 1];   /* a user's id, or a name of a host's user */
	struct mac_tag mac; /* over all of the above: without it the row grants nothing */
	/* For people to look at; nothing decides by it. */
	int64_t last_used_at; /* 0: never */
	char last_used_from[IP_TEXT_MAX + 1];
};

struct store_ops;

/* Is told of withdrawals that a call has changed, after it has, on the thread of the caller; of
 * some more than once, and of some changes that only show in a slot never. May do nothing that
 * matters: a process that dies before it tells nobody. */
struct store_listener {
	void (*changed)(struct store_listener *listener, const struct id *ids, size_t n);
};

struct store {
	const struct store_ops *ops;
	struct store_listener *listener; /* borrowed; NULL: nobody listens */
};

/* Accepts 1 to BATCH_MAX withdrawals. On MAYBE_DONE it has looked again and still does not know. */
MUST_CHECK bool store_accept_withdrawals(struct store *store, struct store_accept *items, size_t n,
					 struct err *err);
/* ret_found[i] tells whether ids[i] exists. */
MUST_CHECK bool store_withdrawals_load(struct store *store, const struct id *ids, size_t n,
				       struct withdrawal *ret_rows, bool *ret_found,
				       struct err *err);
MUST_CHECK bool store_withdrawals_change(struct store *store, struct store_change *changes,
					 size_t n, const struct store_by *by, struct err *err);
MUST_CHECK bool store_withdrawal_view(struct store *store, struct id id,
				      struct store_view *ret_view, bool *ret_found,
				      struct err *err);
MUST_CHECK bool store_withdrawals_list(struct store *store, const struct store_filter *filter,
				       struct store_view *ret_views, struct store_page *ret_page,
				       struct err *err);
MUST_CHECK bool store_events_list(struct store *store, struct id withdrawal, uint64_t after,
				  struct store_event *ret_events, size_t cap, size_t *ret_len,
				  struct err *err);
/* Wakes what is due and has not moved: inserts messages for up to `limit` rows, and sets their due
 * time ahead. Never changes a stage. ret_woken counts per queue: request, signing, monitor. */
MUST_CHECK bool store_sweep(struct store *store, int64_t now_ms, size_t limit, size_t ret_woken[3],
			    struct err *err);
/* Moves up to `limit` messages of a dead-letter queue back, and clears `dead_letter` of their rows.
 */
MUST_CHECK bool store_redrive(struct store *store, enum queue_name dlq, size_t limit,
			      const struct store_by *by, size_t *ret_moved, struct err *err);
/* The subjects of a dead-letter queue, oldest first. */
MUST_CHECK bool store_dlq_list(struct store *store, enum queue_name dlq, struct id *ret_ids,
			       size_t cap, size_t *ret_len, struct err *err);

/* REFUSED when there is one of this id. */
MUST_CHECK bool store_api_key_add(struct store *store, const struct store_api_key *key,
				  const struct store_by *by, struct err *err);
MUST_CHECK bool store_api_key_load(struct store *store, const char *id,
				   struct store_api_key *ret_key, bool *ret_found, struct err *err);
/* Which keys or users: of an account ("": of all), after an id or a name ("": from the beginning).
 */
struct store_names {
	const char *account;
	const char *after;
};
/* Up to `cap`, by id. */
MUST_CHECK bool store_api_keys_list(struct store *store, const struct store_names *names,
				    struct store_api_key *ret_keys, size_t cap, size_t *ret_len,
				    struct err *err);
/* Stores what a person decided, in place of what that person decided of the same case before; and
 * wakes the signer. *ret_current false: the case has changed since, nothing is written. */
MUST_CHECK bool store_decision_put(struct store *store, const struct decision *decision,
				   const struct store_by *by, bool *ret_current, struct err *err);
/* The decisions that are not answered yet, neighbours of one case beside each other: all of them
 * (of NULL), or those of one case. Those of a key that is revoked by now, or gone, are left out:
 * who may not decide any more has not decided. */
MUST_CHECK bool store_decisions_load(struct store *store, const struct resolve_case *of,
				     struct decision *ret_decisions, size_t cap, size_t *ret_len,
				     struct err *err);
void store_close(struct store *store); /* accepts NULL */

#endif
