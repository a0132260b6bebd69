/* What the store thread does for people who log in: the rows of users and sessions, and the tokens
 * that follow from them. Knows no HTTP. http_login.c asks; passwords are compared in between, on
 * a thread of their own (hashing.h). */
#ifndef SLUICE_SERVICE_API_PEOPLE_H
#define SLUICE_SERVICE_API_PEOPLE_H

#include "service/api/access_token.h"
#include "service/api/api.h"
#include "service/api/problem.h"

#include "core/refresh_token.h"
#include "port/store_people.h"

/* From the login on, whatever happens in between; after that one logs in again. */
#define SESSION_LIFE_MS (INT64_C(12) * 3600 * 1000)

struct job;

enum people_act {
	PEOPLE_FIND,     /* user by name, and whether the peer is known */
	PEOPLE_CHECK,    /* session and its user, for sessions_learn */
	PEOPLE_LOGIN,    /* a new session of `user`, whose password was right */
	PEOPLE_REFRESH,  /* a new pair of tokens for the one in `token_hash` */
	PEOPLE_REVOKE,   /* `session`, of `user` */
	PEOPLE_SESSIONS, /* those of `user` */
	PEOPLE_STEP_UP,  /* a code for `session` */
	PEOPLE_ENROL,    /* a new seed for `user`, whose password was right */
	PEOPLE_CONFIRM,  /* a code of that seed */
	PEOPLE_PASSWORD, /* `renewed` for `user`, whose old one was right; `session` goes on */
};

struct people_query {
	enum people_act act;
	char name[USER_NAME_LEN_MAX + 1];    /* FIND */
	char peer[PEER_LEN_MAX + 1];         /* FIND, LOGIN */
	char code[TOTP_DIGITS + 1];          /* LOGIN ("" for none), STEP_UP, CONFIRM */
	char renewed[PASSWORD_HASH_LEN + 1]; /* LOGIN: "" for none */
	uint8_t token_hash[REFRESH_HASH_BYTES];
	struct id session_id;
	struct id user_id;
	/* Answers; LOGIN and ENROL take the user as FIND found it. */
	bool has_user, has_session, is_peer_known;
	struct store_user user;
	struct store_session session;
};

/* Answers a PEOPLE job: its rows, or status and body. False when the store did not answer; then
 * the job's problem says so. */
bool people_run(const struct api_options *options, struct job *job);

#endif
