/* People at the door: login, tokens, sessions, the second factor. The routes under /v1/auth, and
 * the access tokens that other routes are asked with. For http*.c alone. */
#ifndef SLUICE_SERVICE_API_HTTP_LOGIN_H
#define SLUICE_SERVICE_API_HTTP_LOGIN_H

#include "service/api/http.h"

struct identity;

struct identity *identity_new(const struct api_options *options,
			      void (*post)(void *context, void (*run)(void *arg), void *arg),
			      void *context);
MUST_CHECK bool identity_start(struct identity *identity, struct err *err);
/* A few times a second; now_ms: monotonic. */
void identity_tick(struct identity *identity, int64_t now_ms);
void identity_stop(struct identity *identity); /* accepts NULL, as does the next one */
void identity_free(struct identity *identity);

/* Authenticates by an access token, and goes on by exchange_admit; or answers. */
void http_login_bearer(struct exchange *exchange, struct str token);

/* Has the hash of a new password made, for whoever else needs one. It takes one of the client's
 * places, as a log-in does. False: too many. */
MUST_CHECK bool http_login_hash(struct exchange *exchange, struct str password,
				void (*done)(struct exchange *exchange,
					     const struct hash_result *result));
/* What was read is of no more use; a password does not wait there for the next request. */
void http_body_wipe(struct exchange *exchange);

#endif
