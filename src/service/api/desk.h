/* What people manage over the API: pause switches, policies, API
 * keys, users; and the audit. The store thread's half: the use
 * cases of service/admin, asked and answered without HTTP. http_desk.c asks; desk_*.c answer, by
 * subject. */
#ifndef SLUICE_SERVICE_API_DESK_H
#define SLUICE_SERVICE_API_DESK_H

#include "base/ip.h"
#include "port/store_once.h"
#include "service/admin/actor.h"
#include "service/api/api.h"
#include "service/api/problem.h"
#include "service/api/query.h"

#define DESK_FIELDS_MAX  8
#define DESK_SUBJECT_MAX 64

struct job;

enum desk_act {
	DESK_CONTROLS,        /* pause switches, and what waits to be lifted */
	DESK_PAUSE,           /* scope, name, stops, reason */
	DESK_UNPAUSE,         /* the same */
	DESK_UNPAUSE_CONFIRM, /* of a proposal */
	DESK_UNPAUSE_REJECT,
	DESK_POLICIES,        /* the one in force, those before, and what waits to be confirmed */
	DESK_POLICY_SET,      /* document */
	DESK_POLICY_PROPOSAL, /* one, with its document */
	DESK_POLICY_CONFIRM,  /* digest */
	DESK_POLICY_REJECT,
	DESK_SIMULATE,   /* chain, asset, to, amount, account, key */
	DESK_KEYS,       /* API keys, without their secrets */
	DESK_KEY_CREATE, /* name, account, scopes, ranges, expires_at */
	DESK_KEY_ROTATE, /* overlap_s */
	DESK_KEY_REVOKE,
	DESK_USERS,
	DESK_USER_CREATE, /* name, role, account, password: as a hash */
	DESK_USER_DISABLE,
	DESK_USER_ROLE,     /* role */
	DESK_USER_PASSWORD, /* password: as a hash */
	DESK_USER_TOTP,
	DESK_USER_SESSIONS, /* ends them */
	DESK_AUDIT,
	DESK_APPROVE,       /* digest, signature; of a withdrawal */
	DESK_REJECT,        /* digest */
	DESK_ALLOW_LIST,    /* a page, and what waits to be confirmed */
	DESK_ALLOW_ADD,     /* account, chain, receiver, label */
	DESK_ALLOW_REMOVE,  /* of an entry */
	DESK_ALLOW_CONFIRM, /* of a proposal */
	DESK_ALLOW_REJECT,
	DESK_SESSIONS,    /* of a user */
	DESK_SESSION_END, /* one, of whoever has it */
	DESK_ACCOUNTS,
	DESK_ACCOUNT_ADD, /* name */
	DESK_ACCOUNT_DISABLE,
	DESK_ACCOUNT_ENABLE,
	DESK_ACTS,
};

struct desk_query {
	enum desk_act act;
	char subject[DESK_SUBJECT_MAX + 1]; /* of the path; "" for none, and where it is too long */
	bool has_key;                       /* Idempotency-Key */
	struct store_once once;             /* made of it */
	size_t secret_at; /* where in the answer its secret begins; 0: it has none */
	char hash[PASSWORD_HASH_LEN + 1]; /* of a password */
	struct events_query page;         /* AUDIT */
	struct allow_query allow;         /* ALLOW_LIST */
	struct rows_query rows;           /* KEYS, USERS */
	struct str
		fields[DESK_FIELDS_MAX]; /* of the body, in the order of the act; into job->input */
};

/* Answers a DESK job. False when the store did not answer; then the job's problem says so. */
bool desk_run(const struct api_options *options, struct job *job);

/* Shared by desk_*.c, and nobody else's. */

/* Who asks; address: IP_TEXT_MAX + 1 bytes of room. */
struct admin_actor desk_actor(const struct job *job, char *address);
/* Starts the body of an answer. */
struct buf *desk_answer(struct job *job, unsigned status, size_t cap);
/* A field as text; "" where it was left out. False: it is longer, or holds a NUL. */
MUST_CHECK bool desk_text(const struct job *job, size_t field, char *ret_text, size_t cap,
			  struct err *err);
/* The subject as an id. False: it is none, and so nobody's (code: what it then is). */
MUST_CHECK bool desk_id(const struct job *job, const char *code, struct id *ret_id,
			struct err *err);
/* Only for people who reach every account, and for keys that somebody like that gave the scope. */
MUST_CHECK bool desk_reaches_all(const struct job *job, struct err *err);
/* A time, or null for 0. */
void desk_write_time(struct buf *out, const char *name, int64_t at_ms);
/* Tells the log that a row was edited behind our back. */
void desk_alarm(const struct api_options *options, const struct job *job, const char *action,
		const char *what);

struct store_proposal;
/* The members of a proposal that say who and when, without braces. version: of what it changes as
 * that is now. */
void desk_write_proposal(const struct store_proposal *proposal, uint64_t version, struct buf *out);

/* The acts, by subject. False with *err: REFUSED becomes the problem of its code. */
bool desk_controls_run(const struct api_options *options, struct job *job, struct err *err);
bool desk_policies_run(const struct api_options *options, struct job *job, struct err *err);
bool desk_simulate_run(const struct api_options *options, struct job *job, struct err *err);
bool desk_keys_run(const struct api_options *options, struct job *job, struct err *err);
bool desk_users_run(const struct api_options *options, struct job *job, struct err *err);
bool desk_sessions_run(const struct api_options *options, struct job *job, struct err *err);
bool desk_accounts_run(const struct api_options *options, struct job *job, struct err *err);
bool desk_audit_run(const struct api_options *options, struct job *job, struct err *err);
bool desk_allow_list_run(const struct api_options *options, struct job *job, struct err *err);
bool desk_approvals_run(const struct api_options *options, struct job *job, struct err *err);

#endif
