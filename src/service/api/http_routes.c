/* The table of routes, each with the permission that it needs, and the routes that are small. Who
 * may pass is decided by it alone: no handler asks again, but for whose a withdrawal is. */
#include "service/api/http.h"

#include "base/check.h"
#include "service/api/openapi.h"
#include "service/api/view.h"

const struct http_route http_routes[] = {
	{ HTTP_POST, "/v1/withdrawals", PERMISSION_WITHDRAWALS_CREATE, false,
	  http_withdrawals_create },
	{ HTTP_GET, "/v1/withdrawals", PERMISSION_WITHDRAWALS_READ, true, http_withdrawals_list },
	{ HTTP_GET, "/v1/withdrawals/{id}", PERMISSION_WITHDRAWALS_READ, true,
	  http_withdrawals_get },
	{ HTTP_GET, "/v1/withdrawals/{id}/events", PERMISSION_EVENTS_READ, true,
	  http_withdrawals_events },
	{ HTTP_POST, "/v1/withdrawals/{id}/cancel", PERMISSION_WITHDRAWALS_CANCEL, false,
	  http_withdrawals_cancel },
	{ HTTP_POST, "/v1/withdrawals/{id}/speed-up", PERMISSION_WITHDRAWALS_SPEED_UP, false,
	  http_withdrawals_speed_up },
	{ HTTP_POST, "/v1/withdrawals/{id}/approve", PERMISSION_WITHDRAWALS_APPROVE, false,
	  http_withdrawals_approve },
	{ HTTP_POST, "/v1/withdrawals/{id}/reject", PERMISSION_WITHDRAWALS_APPROVE, false,
	  http_withdrawals_reject },
	{ HTTP_POST, "/v1/withdrawals/{id}/resolve", PERMISSION_WITHDRAWALS_RESOLVE, false,
	  http_withdrawals_resolve },
	{ HTTP_POST, "/v1/transfers/{id}/resolve", PERMISSION_WITHDRAWALS_RESOLVE, false,
	  http_transfers_resolve },
	{ HTTP_GET, "/v1/assets", PERMISSION_ASSETS_READ, false, http_assets_list },
	{ HTTP_GET, "/v1/wallets", PERMISSION_WALLETS_READ, false, http_wallets_list },
	{ HTTP_GET, "/v1/queues", PERMISSION_QUEUES_READ, false, http_queues_list },
	{ HTTP_POST, "/v1/queues/{name}/redrive", PERMISSION_QUEUES_REDRIVE, false,
	  http_queues_redrive },
	{ HTTP_GET, "/v1/controls", PERMISSION_CONTROLS_READ, false, http_controls_get },
	{ HTTP_POST, "/v1/controls", PERMISSION_CONTROLS_PAUSE, false, http_controls_pause },
	{ HTTP_POST, "/v1/controls/unpause", PERMISSION_CONTROLS_UNPAUSE, false,
	  http_controls_unpause },
	{ HTTP_POST, "/v1/controls/unpause/{id}/confirm", PERMISSION_CONTROLS_UNPAUSE, false,
	  http_controls_confirm },
	{ HTTP_POST, "/v1/controls/unpause/{id}/reject", PERMISSION_CONTROLS_UNPAUSE, false,
	  http_controls_reject },
	{ HTTP_GET, "/v1/policies", PERMISSION_POLICIES_READ, false, http_policies_get },
	{ HTTP_POST, "/v1/policies", PERMISSION_POLICIES_WRITE, false, http_policies_set },
	{ HTTP_GET, "/v1/policies/proposals/{id}", PERMISSION_POLICIES_READ, false,
	  http_policies_proposal_get },
	{ HTTP_POST, "/v1/policies/proposals/{id}/confirm", PERMISSION_POLICIES_WRITE, false,
	  http_policies_confirm },
	{ HTTP_POST, "/v1/policies/proposals/{id}/reject", PERMISSION_POLICIES_WRITE, false,
	  http_policies_reject },
	{ HTTP_POST, "/v1/policies/simulate", PERMISSION_POLICIES_READ, false,
	  http_policies_simulate },
	{ HTTP_GET, "/v1/allow-list", PERMISSION_ALLOW_LIST_READ, true, http_allow_list_get },
	{ HTTP_POST, "/v1/allow-list", PERMISSION_ALLOW_LIST_WRITE, false, http_allow_list_add },
	{ HTTP_POST, "/v1/allow-list/{id}/remove", PERMISSION_ALLOW_LIST_WRITE, false,
	  http_allow_list_remove },
	{ HTTP_POST, "/v1/allow-list/proposals/{id}/confirm", PERMISSION_ALLOW_LIST_WRITE, false,
	  http_allow_list_confirm },
	{ HTTP_POST, "/v1/allow-list/proposals/{id}/reject", PERMISSION_ALLOW_LIST_WRITE, false,
	  http_allow_list_reject },
	{ HTTP_GET, "/v1/accounts", PERMISSION_ACCOUNTS_READ, false, http_accounts_list },
	{ HTTP_POST, "/v1/accounts", PERMISSION_ACCOUNTS_WRITE, false, http_accounts_add },
	{ HTTP_POST, "/v1/accounts/{name}/disable", PERMISSION_ACCOUNTS_WRITE, false,
	  http_accounts_disable },
	{ HTTP_POST, "/v1/accounts/{name}/enable", PERMISSION_ACCOUNTS_WRITE, false,
	  http_accounts_enable },
	{ HTTP_GET, "/v1/api-keys", PERMISSION_API_KEYS_READ, true, http_api_keys_list },
	{ HTTP_POST, "/v1/api-keys", PERMISSION_API_KEYS_WRITE, false, http_api_keys_create },
	{ HTTP_POST, "/v1/api-keys/{id}/rotate", PERMISSION_API_KEYS_WRITE, false,
	  http_api_keys_rotate },
	{ HTTP_POST, "/v1/api-keys/{id}/revoke", PERMISSION_API_KEYS_WRITE, false,
	  http_api_keys_revoke },
	{ HTTP_GET, "/v1/users", PERMISSION_USERS_READ, true, http_users_list },
	{ HTTP_POST, "/v1/users", PERMISSION_USERS_WRITE, false, http_users_create },
	{ HTTP_POST, "/v1/users/{id}/disable", PERMISSION_USERS_WRITE, false, http_users_disable },
	{ HTTP_POST, "/v1/users/{id}/role", PERMISSION_USERS_WRITE, false, http_users_role },
	{ HTTP_POST, "/v1/users/{id}/password", PERMISSION_USERS_WRITE, false,
	  http_users_password },
	{ HTTP_POST, "/v1/users/{id}/totp/reset", PERMISSION_USERS_WRITE, false, http_users_totp },
	{ HTTP_GET, "/v1/users/{id}/sessions", PERMISSION_USERS_READ, false,
	  http_users_sessions_list },
	{ HTTP_POST, "/v1/users/{id}/sessions/revoke", PERMISSION_USERS_WRITE, false,
	  http_users_sessions },
	{ HTTP_POST, "/v1/users/sessions/{id}/revoke", PERMISSION_USERS_WRITE, false,
	  http_users_session_end },
	{ HTTP_GET, "/v1/audit", PERMISSION_AUDIT_READ, true, http_audit_list },
	{ HTTP_POST, "/v1/auth/login", PERMISSION_PUBLIC, false, http_auth_login },
	{ HTTP_POST, "/v1/auth/refresh", PERMISSION_PUBLIC, false, http_auth_refresh },
	{ HTTP_POST, "/v1/auth/logout", PERMISSION_SESSIONS_OWN, false, http_auth_logout },
	{ HTTP_GET, "/v1/auth/sessions", PERMISSION_SESSIONS_OWN, false, http_auth_sessions_list },
	{ HTTP_POST, "/v1/auth/sessions/{id}/revoke", PERMISSION_SESSIONS_OWN, false,
	  http_auth_session_revoke },
	{ HTTP_POST, "/v1/auth/step-up", PERMISSION_SESSIONS_OWN, false, http_auth_step_up },
	{ HTTP_POST, "/v1/auth/password", PERMISSION_SESSIONS_OWN, false, http_auth_password },
	{ HTTP_POST, "/v1/auth/totp", PERMISSION_SESSIONS_OWN, false, http_auth_totp_enrol },
	{ HTTP_POST, "/v1/auth/totp/confirm", PERMISSION_SESSIONS_OWN, false,
	  http_auth_totp_confirm },
	{ HTTP_GET, "/openapi.json", PERMISSION_PUBLIC, false, http_openapi_get },
};
const size_t http_routes_len = sizeof http_routes / sizeof *http_routes;

_Static_assert(sizeof http_routes / sizeof *http_routes <= HTTP_ROUTES_MAX,
	       "each route has its metrics");

/* Takes the segment before the next '/', and the rest behind it. */
static struct str take_segment(struct str *path)
{
	struct str segment = *path, rest = { 0 };
	if (!str_cut(*path, '/', &segment, &rest))
		rest = str_skip(*path, path->len);
	*path = rest;
	return segment;
}

static bool matches(const char *pattern_text, struct str path, struct str *ret_parameter)
{
	struct str pattern = str_from(pattern_text);
	if (path.len == 0 || path.at[path.len - 1] == '/')
		return false; /* an empty last segment is not the end of the one before */
	while (pattern.len > 0 && path.len > 0) {
		struct str wanted = take_segment(&pattern);
		struct str segment = take_segment(&path);
		if (wanted.len > 0 && wanted.at[0] == '{' && segment.len > 0)
			*ret_parameter = segment;
		else if (!str_equal(wanted, segment))
			return false;
	}
	return pattern.len == 0 && path.len == 0;
}

const struct http_route *http_route_find(const struct http_request *request,
					 struct str *ret_parameter, struct buf *ret_allow)
{
	enum http_method method = request->method == HTTP_HEAD ? HTTP_GET : request->method;
	for (size_t i = 0; i < http_routes_len; i++) {
		const struct http_route *route = &http_routes[i];
		struct str parameter = { 0 };
		if (!matches(route->pattern, request->path, &parameter))
			continue;
		if (route->method == method) {
			*ret_parameter = parameter;
			return route;
		}
		if (ret_allow->len > 0)
			buf_text(ret_allow, ", ");
		buf_text(ret_allow,
			 route->method == HTTP_GET ? "GET, HEAD" : http_method_text(route->method));
	}
	return NULL;
}

void http_assets_list(struct exchange *exchange)
{
	const struct catalogue *catalogue = exchange_options(exchange)->catalogue;
	struct buf body = buf_new(catalogue->assets_len * VIEW_ASSET_MAX + 64);
	view_write_assets(catalogue, &body);
	CHECK(!body.overflow);
	exchange_reply(exchange, 200, buf_view(&body), NULL, 0);
	buf_free(&body);
}

static void submit_plain(struct exchange *exchange, enum job_kind kind)
{
	struct job *job = exchange_job(exchange, kind);
	if (job != NULL)
		exchange_submit(exchange, job, exchange_answer);
}

void http_wallets_list(struct exchange *exchange)
{
	submit_plain(exchange, JOB_WALLETS);
}

void http_queues_list(struct exchange *exchange)
{
	submit_plain(exchange, JOB_QUEUES);
}

/* Takes the queue's own name, or that of its dead letters. */
void http_queues_redrive(struct exchange *exchange)
{
	enum queue_name queue;
	if (!queue_name_read(exchange->parameter, &queue)) {
		exchange_refuse_with(exchange, PROBLEM_QUEUE_UNKNOWN);
		return;
	}
	if (!exchange_body_is_empty(exchange))
		return;
	struct job *job = exchange_job(exchange, JOB_REDRIVE);
	if (job == NULL)
		return;
	bool is_dlq = queue > QUEUE_DLQ_OFFSET;
	job->queue = is_dlq ? (enum queue_name)(queue - QUEUE_DLQ_OFFSET) : queue;
	exchange_submit(exchange, job, exchange_answer);
}

void http_openapi_get(struct exchange *exchange)
{
	exchange_reply(exchange, 200, str_from_bytes(openapi_json, openapi_json_len), NULL, 0);
}
