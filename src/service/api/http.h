/* What the files http*.c share, and nobody else includes: one HTTP request on its way through
 * routing, authentication and a route's own function, to its answer. */
#ifndef SLUICE_SERVICE_API_HTTP_H
#define SLUICE_SERVICE_API_HTTP_H

#include "net/http_server.h"
#include "service/api/access_token.h"
#include "service/api/auth.h"
#include "service/api/fields.h"
#include "service/api/jobs.h"
#include "service/api/problem.h"
#include "service/api/server.h"

struct hash_result;

/* Lives in the request's storage until the answer. */
struct exchange {
	struct api_server *server;
	struct http_request *request;
	const struct http_route *route; /* NULL before routing and when there is none */
	struct str parameter;           /* the {…} of the path */
	struct credential credential;   /* slices of the request */
	struct ip_address address;      /* of the client; see http_address.h */
	char client[IP_TEXT_MAX + 1];   /* room of http_login.c: its network */
	struct principal by;            /* once authenticated */
	struct access_claims claims;    /* when by an access token of ours; else zero */
	struct sign_in *sign_in;        /* of http_login.c; NULL: it does not log in */
	/* Of it, too: who goes on with the hash of a new password. */
	void (*hashed)(struct exchange *exchange, const struct hash_result *result);
	bool is_address_judged;  /* by the shared limit: a job has gone to the store */
	struct rate_state rate;  /* the strictest one of its limits */
	struct waiter *waiter;   /* of http_waiters.c; NULL: it does not wait */
	struct listing *listing; /* of http_lists.c; NULL: no replica is asked */
	int64_t started_ms;
	char request_id[ID_TEXT_LEN + 1];
	char correlation_id[CORRELATION_ID_LEN_MAX + 1];
	char withdrawal_id[ID_TEXT_LEN + 1]; /* for the log line; "" when not known */
};

struct http_route {
	enum http_method method;
	const char *pattern;        /* segments; one of them may be {…} */
	enum permission permission; /* that it needs */
	bool has_query;             /* takes parameters, and judges them itself */
	void (*handle)(struct exchange *exchange);
};

#define HTTP_ROUTES_MAX 64

/* http_routes.c */
extern const struct http_route http_routes[];
extern const size_t http_routes_len;
/* The route of a request; HEAD goes where GET goes. NULL: `ret_allow` holds the methods that the
 * path has ("GET, HEAD, POST"), or is empty when nothing is there. */
const struct http_route *http_route_find(const struct http_request *request,
					 struct str *ret_parameter, struct buf *ret_allow);

/* http.c: the answers. Each ends the exchange. */

/* headers: beside Content-Type, Request-Id and Cache-Control; at most EXCHANGE_HEADERS_MAX. */
#define EXCHANGE_HEADERS_MAX 4
void exchange_reply(struct exchange *exchange, unsigned status, struct str body,
		    const struct http_pair *headers, size_t headers_len);
void exchange_refuse(struct exchange *exchange, const struct problem_report *report);
void exchange_refuse_with(struct exchange *exchange, enum problem problem);
/* A job with the exchange as its context, or NULL after an answer: too many wait. */
struct job *exchange_job(struct exchange *exchange, enum job_kind kind);
/* For a job that was taken elsewhere: who asks, and the exchange as its context. */
void exchange_job_fill(struct exchange *exchange, struct job *job);
void exchange_submit(struct exchange *exchange, struct job *job, void (*answer)(struct job *job));
void exchange_drop(struct exchange *exchange, struct job *job);
/* Takes what a job was told about the limit of its key; before its answer. */
void exchange_rate(struct exchange *exchange, const struct job *job);
/* Answers with what a job says: its problem, or its status and body. */
void exchange_answer(struct job *job);
/* The fields of a body (fields.h). False after an answer. */
bool exchange_body_read(struct exchange *exchange, struct field *fields, size_t n,
			struct buf *lists, struct json **ret_json);
/* False after an answer: the body is neither empty nor {}. */
bool exchange_body_is_empty(struct exchange *exchange);
struct id exchange_new_id(struct exchange *exchange);
const struct api_options *exchange_options(const struct exchange *exchange);
/* Goes on to the route, or refuses: who asks is known. */
void exchange_admit(struct exchange *exchange);
struct identity *exchange_identity(const struct exchange *exchange);
struct auth *exchange_auth(const struct exchange *exchange);
struct waiters *exchange_waiters(const struct exchange *exchange);
struct lists *exchange_lists(const struct exchange *exchange); /* NULL without a replica */

/* http_auth.c. Takes from the bucket of the client's address, of whatever is asked. False after an
 * answer: there is nothing left in it. */
bool http_address_pass(struct exchange *exchange);
/* The same of a handshake, before there is a request: it counts as one. */
bool http_handshake_pass(const struct api_options *options, struct ip_address address);
/* Goes on to the route's function once it is known who asks, and that they may. */
void http_authenticate(struct exchange *exchange);

/* http_withdrawals.c */
void http_withdrawals_create(struct exchange *exchange);
void http_withdrawals_list(struct exchange *exchange);
void http_withdrawals_get(struct exchange *exchange);
void http_withdrawals_events(struct exchange *exchange);
void http_withdrawals_cancel(struct exchange *exchange);
void http_withdrawals_speed_up(struct exchange *exchange);
void http_withdrawals_approve(struct exchange *exchange);
void http_withdrawals_reject(struct exchange *exchange);
void http_withdrawals_resolve(struct exchange *exchange);
void http_transfers_resolve(struct exchange *exchange);
/* http_login.c */
void http_auth_login(struct exchange *exchange);
void http_auth_refresh(struct exchange *exchange);
void http_auth_logout(struct exchange *exchange);
void http_auth_sessions_list(struct exchange *exchange);
void http_auth_session_revoke(struct exchange *exchange);
void http_auth_step_up(struct exchange *exchange);
void http_auth_totp_enrol(struct exchange *exchange);
void http_auth_password(struct exchange *exchange);
void http_auth_totp_confirm(struct exchange *exchange);
/* http_desk.c */
void http_controls_get(struct exchange *exchange);
void http_controls_pause(struct exchange *exchange);
void http_controls_unpause(struct exchange *exchange);
void http_controls_confirm(struct exchange *exchange);
void http_controls_reject(struct exchange *exchange);
void http_policies_get(struct exchange *exchange);
void http_policies_set(struct exchange *exchange);
void http_policies_proposal_get(struct exchange *exchange);
void http_policies_confirm(struct exchange *exchange);
void http_policies_reject(struct exchange *exchange);
void http_policies_simulate(struct exchange *exchange);
void http_accounts_list(struct exchange *exchange);
void http_accounts_add(struct exchange *exchange);
void http_accounts_disable(struct exchange *exchange);
void http_accounts_enable(struct exchange *exchange);
void http_users_sessions_list(struct exchange *exchange);
void http_users_session_end(struct exchange *exchange);
void http_allow_list_get(struct exchange *exchange);
void http_allow_list_add(struct exchange *exchange);
void http_allow_list_remove(struct exchange *exchange);
void http_allow_list_confirm(struct exchange *exchange);
void http_allow_list_reject(struct exchange *exchange);
void http_api_keys_list(struct exchange *exchange);
void http_api_keys_create(struct exchange *exchange);
void http_api_keys_rotate(struct exchange *exchange);
void http_api_keys_revoke(struct exchange *exchange);
void http_users_list(struct exchange *exchange);
void http_users_create(struct exchange *exchange);
void http_users_disable(struct exchange *exchange);
void http_users_role(struct exchange *exchange);
void http_users_password(struct exchange *exchange);
void http_users_totp(struct exchange *exchange);
void http_users_sessions(struct exchange *exchange);
void http_audit_list(struct exchange *exchange);
/* http_routes.c */
void http_assets_list(struct exchange *exchange);
void http_wallets_list(struct exchange *exchange);
void http_queues_list(struct exchange *exchange);
void http_queues_redrive(struct exchange *exchange);
void http_openapi_get(struct exchange *exchange);

#endif
