#include "net/http_client.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/defence.h"
#include "base/secret.h"
#include "net/curl_memory.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECTIONS_DEFAULT        4
#define RESPONSE_BYTES_MAX_DEFAULT ((size_t)8 << 20)
#define CONNECT_TIMEOUT_MS_DEFAULT 5000
#define BODY_CAP_FIRST             ((size_t)16 << 10)
#define BODY_CAP_KEPT              ((size_t)64 << 10) /* larger ones go back before the next call */
#define POLL_MS_MAX                1000

/* Body of one response; grows up to response_bytes_max, so that idle clients hold little. */
struct http_body {
	char *at;
	size_t len, cap;
};

/* One transfer that can run at a time. */
struct http_transfer {
	CURL *easy;
	struct http_client *client;
	struct curl_slist *headers;
	size_t index; /* of the request that it carries */
	bool is_running;
	bool is_too_large;
	char failure[CURL_ERROR_SIZE];
};

struct http_client {
	CURLM *multi;
	size_t connections_max;
	size_t response_bytes_max;
	int64_t connect_timeout_ms;
	const char *ca_file, *cert_file, *key_file, *answer_header;
	bool is_private;
	char url[HTTP_CLIENT_URL_LEN_MAX]; /* without a '/' at its end when it has no other path */
	char origin[HTTP_CLIENT_URL_LEN_MAX];
	char target[HTTP_CLIENT_URL_LEN_MAX];
	struct http_transfer transfers[HTTP_CLIENT_CONNECTIONS_MAX];
	struct http_body bodies[HTTP_CLIENT_REQUESTS_MAX];
};

static int64_t now_ms(void)
{
	struct timespec now;
	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- opening ---- */

static bool read_url_part(CURLU *parts, CURLUPart part, char *ret_text, size_t cap)
{
	char *text = NULL;
	bool done = curl_url_get(parts, part, &text, 0) == CURLUE_OK &&
		    str_copy(str_from(text), ret_text, cap);
	curl_free(text);
	return done;
}

static bool is_loopback(const char *host)
{
	return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0 ||
	       strcmp(host, "[::1]") == 0;
}

static void read_target(struct http_client *client, CURLU *parts)
{
	struct buf out = buf_of(client->target, sizeof client->target);
	char path[HTTP_CLIENT_URL_LEN_MAX], query[HTTP_CLIENT_URL_LEN_MAX];
	CHECK(read_url_part(parts, CURLUPART_PATH, path, sizeof path));
	buf_text(&out, path);
	if (read_url_part(parts, CURLUPART_QUERY, query, sizeof query)) {
		buf_byte(&out, '?');
		buf_text(&out, query);
	}
	(void)buf_terminated(&out);
	CHECK(!out.overflow);
}

static bool read_url(struct http_client *client, CURLU *parts, const char *url, struct err *err)
{
	char scheme[16], host[256], port[8];
	if (strlen(url) >= sizeof client->url)
		return err_set(err, ERR_REFUSED, "the URL is longer than %zu characters",
			       sizeof client->url - 1);
	if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    !read_url_part(parts, CURLUPART_SCHEME, scheme, sizeof scheme) ||
	    !read_url_part(parts, CURLUPART_HOST, host, sizeof host) || host[0] == 0)
		return err_set(err, ERR_REFUSED, "the URL is not http(s)://host…");
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		return err_set(err, ERR_REFUSED, "the URL's scheme is neither http nor https");
	if (!read_url_part(parts, CURLUPART_PORT, port, sizeof port))
		port[0] = 0;
	snprintf(client->origin, sizeof client->origin, "%s://%s%s%s", scheme, host,
		 port[0] == 0 ? "" : ":", port);
	CHECK(str_copy(str_from(url), client->url, sizeof client->url));
	client->is_private = strcmp(scheme, "https") == 0 || is_loopback(host);
	read_target(client, parts);
	return true;
}

static void make_handles(struct http_client *client)
{
	client->multi = curl_multi_init();
	CHECK(client->multi != NULL);
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)client->connections_max);
	for (size_t i = 0; i < client->connections_max; i++) {
		client->transfers[i].easy = curl_easy_init();
		CHECK(client->transfers[i].easy != NULL);
		client->transfers[i].client = client;
	}
}

bool http_client_open(const struct http_client_options *options, struct http_client **ret_client,
		      struct err *err)
{
	CHECK(options->url != NULL && options->connections_max <= HTTP_CLIENT_CONNECTIONS_MAX);
	curl_memory_start();
	struct http_client *client = calloc(1, sizeof *client);
	CURLU *parts = curl_url();
	CHECK(client != NULL && parts != NULL);
	bool done = read_url(client, parts, options->url, err);
	curl_url_cleanup(parts);
	if (!done) {
		http_client_close(client);
		return false;
	}
	client->connections_max =
		options->connections_max > 0 ? options->connections_max : CONNECTIONS_DEFAULT;
	client->response_bytes_max = options->response_bytes_max > 0 ? options->response_bytes_max
								     : RESPONSE_BYTES_MAX_DEFAULT;
	client->connect_timeout_ms = options->connect_timeout_ms > 0 ? options->connect_timeout_ms
								     : CONNECT_TIMEOUT_MS_DEFAULT;
	client->ca_file = options->ca_file;
	client->cert_file = options->cert_file;
	client->key_file = options->key_file;
	client->answer_header = options->answer_header;
	make_handles(client);
	*ret_client = client;
	return true;
}

const char *http_client_origin(const struct http_client *client)
{
	return client->origin;
}

const char *http_client_target(const struct http_client *client)
{
	return client->target;
}

bool http_client_is_private(const struct http_client *client)
{
	return client->is_private;
}

/* ---- one transfer ---- */

static size_t take_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_transfer *transfer = arg;
	struct http_body *body = &transfer->client->bodies[transfer->index];
	size_t len = size * n;
	if (len > transfer->client->response_bytes_max - body->len) {
		transfer->is_too_large = true;
		return 0; /* curl ends the transfer */
	}
	if (len > body->cap - body->len) {
		size_t cap = body->cap > 0 ? body->cap : BODY_CAP_FIRST;
		while (cap - body->len < len)
			cap *= 2;
		body->at = realloc(body->at, cap);
		CHECK(body->at != NULL);
		body->cap = cap;
	}
	memcpy(body->at + body->len, bytes, len);
	body->len += len;
	return len;
}

static struct curl_slist *add_line(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(list, line);
	CHECK(longer != NULL);
	return longer;
}

static struct curl_slist *make_headers(const struct http_client_request *request)
{
	CHECK(request->headers_len <= HTTP_CLIENT_HEADERS_MAX);
	/* An empty Expect keeps curl from waiting a second for "100 Continue", and makes it sign
	 * what it does not send. */
	struct curl_slist *list = request->signing != NULL ? NULL : add_line(NULL, "Expect:");
	char line[HTTP_CLIENT_HEADER_LINE_MAX];
	for (size_t i = 0; i < request->headers_len; i++) {
		const struct http_pair *pair = &request->headers[i];
		struct buf out = buf_of(line, sizeof line);
		buf_str(&out, pair->name);
		/* curl leaves out a header without value unless it ends in a semicolon. */
		buf_text(&out, pair->value.len > 0 ? ": " : ";");
		buf_str(&out, pair->value);
		buf_byte(&out, 0);
		CHECK(!out.overflow && strlen(line) == out.len - 1);
		CHECK(strpbrk(line, "\r\n") == NULL);
		list = add_line(list, line);
	}
	secret_wipe(line, sizeof line);
	return list;
}

static void set_url(struct http_transfer *transfer, struct str path)
{
	char text[2 * HTTP_CLIENT_URL_LEN_MAX];
	struct buf url = buf_of(text, sizeof text);
	buf_text(&url, transfer->client->url);
	if (path.len > 0) {
		CHECK(path.at[0] == '/');
		if (url.len > 0 && url.at[url.len - 1] == '/')
			url.len--;
	}
	buf_str(&url, path);
	CHECK(curl_easy_setopt(transfer->easy, CURLOPT_URL, buf_terminated(&url)) == CURLE_OK);
	CHECK(!url.overflow);
}

static void set_tls(CURL *easy, const struct http_client *client)
{
	if (client->ca_file != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
	if (client->cert_file != NULL)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, client->cert_file);
	if (client->key_file != NULL)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, client->key_file);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

/* What every transfer of ours has in common. */
static void set_rules(struct http_transfer *transfer)
{
	CURL *easy = transfer->easy;
	curl_easy_reset(easy);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	CHECK(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, DEFENCE("connection_is_kept") ? 0L : 1L);
	set_tls(easy, transfer->client);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "sluice");
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)transfer->client->connect_timeout_ms);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->failure);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
}

static bool is_signable(const struct http_client *client, const struct http_client_request *request)
{
	const char *host = strstr(client->url, "://");
	bool good = request->method == HTTP_POST && request->path.len == 0 && host != NULL &&
		    strpbrk(host + 3, "/?#@") == NULL && request->body.len > 0 &&
		    request->body.len <= HTTP_CLIENT_SIGNED_BODY_MAX;
	for (size_t i = 0; i < request->headers_len; i++) {
		struct str name = request->headers[i].name;
		good = good && request->headers[i].value.len > 0 &&
		       (str_equal_text(name, "Content-Type") ||
			str_equal_text(name, "X-Amz-Target") ||
			str_equal_text(name, "X-Amz-Security-Token"));
	}
	return good;
}

static void set_signing(struct http_transfer *transfer, const struct http_client_request *request)
{
	const struct http_signing *signing = request->signing;
	char text[160];
	CHECK(is_signable(transfer->client, request));
	struct buf out = buf_of(text, sizeof text);
	buf_format(&out, "aws:amz:%s:%s", signing->region, signing->service);
	const char *scope = buf_terminated(&out);
	CHECK(!out.overflow);
	CHECK(curl_easy_setopt(transfer->easy, CURLOPT_AWS_SIGV4, scope) == CURLE_OK);
	CHECK(curl_easy_setopt(transfer->easy, CURLOPT_USERNAME, signing->key_id) == CURLE_OK);
	CHECK(curl_easy_setopt(transfer->easy, CURLOPT_PASSWORD, signing->secret) == CURLE_OK);
}

static void start_transfer(struct http_transfer *transfer,
			   const struct http_client_request *request, size_t index)
{
	CURL *easy = transfer->easy;
	transfer->index = index;
	transfer->is_too_large = false;
	transfer->failure[0] = 0;
	set_rules(transfer);
	set_url(transfer, request->path);
	transfer->headers = make_headers(request);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
	if (request->signing != NULL)
		set_signing(transfer, request);
	if (request->body.len > 0 || request->method == HTTP_POST) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
				 request->body.len > 0 ? request->body.at : "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
	}
	if (request->method == HTTP_HEAD)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, http_method_text(request->method));
	CHECK(curl_multi_add_handle(transfer->client->multi, easy) == CURLM_OK);
	transfer->is_running = true;
}

static void end_transfer(struct http_transfer *transfer)
{
	CHECK(curl_multi_remove_handle(transfer->client->multi, transfer->easy) == CURLM_OK);
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	transfer->is_running = false;
	curl_easy_reset(transfer->easy); /* forgets what it signed with */
}

void http_client_close(struct http_client *client)
{
	if (client == NULL)
		return;
	for (size_t i = 0; i < client->connections_max; i++) {
		if (client->transfers[i].is_running)
			end_transfer(&client->transfers[i]);
		curl_easy_cleanup(client->transfers[i].easy);
	}
	if (client->multi != NULL)
		curl_multi_cleanup(client->multi);
	for (size_t i = 0; i < HTTP_CLIENT_REQUESTS_MAX; i++)
		free(client->bodies[i].at);
	free(client);
	curl_global_cleanup();
}

/* No byte of the request has left: curl counts them. */
static bool is_unsent(const struct http_transfer *transfer)
{
	long sent = -1;
	return curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent) == CURLE_OK &&
	       sent == 0;
}

/* One that stands there twice says nothing: others may have read the other one. */
static void take_header(const struct http_transfer *transfer, char *ret_value, size_t cap)
{
	const char *name = transfer->client->answer_header;
	struct curl_header *header;
	if (name == NULL ||
	    curl_easy_header(transfer->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
	    header->amount != 1 || !str_copy(str_from(header->value), ret_value, cap))
		ret_value[0] = 0;
}

static void set_response(const struct http_transfer *transfer, CURLcode code,
			 struct http_client_response *ret_response)
{
	const struct http_client *client = transfer->client;
	const struct http_body *body = &client->bodies[transfer->index];
	memset(ret_response, 0, sizeof *ret_response);
	if (code == CURLE_OK) {
		long status = 0;
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
		ret_response->delivery = HTTP_ANSWERED;
		ret_response->status = (unsigned)status;
		ret_response->body = str_from_bytes(body->at, body->len);
		take_header(transfer, ret_response->header, sizeof ret_response->header);
		return;
	}
	ret_response->delivery = is_unsent(transfer) ? HTTP_NOT_SENT : HTTP_MAYBE_SENT;
	/* curl's own words can hold a URL; its list of reasons cannot. */
	const char *reason = curl_easy_strerror(code);
	if (transfer->is_too_large)
		reason = "the answer is too large";
	else if (code == CURLE_OPERATION_TIMEDOUT)
		reason = "no answer in time";
	snprintf(ret_response->text, sizeof ret_response->text, "%.100s: %s", client->origin,
		 reason);
}

/* ---- many ---- */

/* The next one that curl says is done, with its response; NULL: none is. */
static struct http_transfer *next_ended(struct http_client *client,
					struct http_client_response *ret_response)
{
	int left;
	struct http_transfer *transfer = NULL;
	const CURLMsg *message = curl_multi_info_read(client->multi, &left);
	if (message == NULL)
		return NULL;
	CHECK(message->msg == CURLMSG_DONE);
	CURLcode code = message->data.result; /* gone after end_transfer */
	CHECK(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer) == CURLE_OK);
	set_response(transfer, code, ret_response);
	end_transfer(transfer);
	return transfer;
}

/* Ends the transfers that are done; returns how many. */
static size_t collect(struct http_client *client, struct http_client_response *ret_responses)
{
	size_t ended = 0;
	struct http_client_response response;
	const struct http_transfer *transfer;
	while ((transfer = next_ended(client, &response)) != NULL) {
		ret_responses[transfer->index] = response;
		ended++;
	}
	return ended;
}

static void give_up(struct http_client *client, struct http_client_response *ret_responses)
{
	for (size_t i = 0; i < client->connections_max; i++) {
		struct http_transfer *transfer = &client->transfers[i];
		if (!transfer->is_running)
			continue;
		set_response(transfer, CURLE_OPERATION_TIMEDOUT, &ret_responses[transfer->index]);
		end_transfer(transfer); /* closes its connection */
	}
}

static void reset_bodies(struct http_client *client, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct http_body *body = &client->bodies[i];
		body->len = 0;
		if (body->cap > BODY_CAP_KEPT) {
			free(body->at);
			*body = (struct http_body){ 0 };
		}
	}
}

void http_client_wipe(struct http_client *client)
{
	for (size_t i = 0; i < HTTP_CLIENT_REQUESTS_MAX; i++)
		if (client->bodies[i].at != NULL)
			secret_wipe(client->bodies[i].at, client->bodies[i].cap);
}

static size_t start_more(struct http_client *client, const struct http_client_request *requests,
			 size_t n, size_t next, size_t at_once)
{
	for (size_t i = 0; i < at_once && next < n; i++)
		if (!client->transfers[i].is_running) {
			start_transfer(&client->transfers[i], &requests[next], next);
			next++;
		}
	return next;
}

void http_client_perform(struct http_client *client, const struct http_client_request *requests,
			 size_t n, size_t at_once, int64_t deadline_ms,
			 struct http_client_response *ret_responses)
{
	CHECK(n >= 1 && n <= HTTP_CLIENT_REQUESTS_MAX && deadline_ms > 0);
	CHECK(at_once >= 1 && at_once <= client->connections_max);
	int64_t end_ms = now_ms() + deadline_ms;
	size_t next = 0, ended = 0;
	reset_bodies(client, HTTP_CLIENT_REQUESTS_MAX);
	while (ended < n) {
		int64_t left_ms = end_ms - now_ms();
		if (left_ms <= 0)
			break;
		next = start_more(client, requests, n, next, at_once);
		int running;
		CHECK(curl_multi_perform(client->multi, &running) == CURLM_OK);
		size_t now_ended = collect(client, ret_responses);
		ended += now_ended;
		if (now_ended > 0 || ended == n)
			continue;
		int wait_ms = left_ms < POLL_MS_MAX ? (int)left_ms : POLL_MS_MAX;
		CHECK(curl_multi_poll(client->multi, NULL, 0, wait_ms, NULL) == CURLM_OK);
	}
	give_up(client, ret_responses);
	for (size_t i = next; i < n; i++) {
		memset(&ret_responses[i], 0, sizeof ret_responses[i]);
		ret_responses[i].delivery = HTTP_NOT_SENT;
		snprintf(ret_responses[i].text, sizeof ret_responses[i].text,
			 "%.100s: its turn did not come in time", client->origin);
	}
}

void http_client_post_many(struct http_client *client, const struct str *bodies, size_t n,
			   size_t at_once, int64_t deadline_ms,
			   struct http_client_response *ret_responses)
{
	static const struct http_pair headers[] = {
		{ { "Content-Type", 12 }, { "application/json", 16 } },
		{ { "Accept", 6 }, { "application/json", 16 } },
	};
	CHECK(n >= 1 && n <= HTTP_CLIENT_REQUESTS_MAX);
	struct http_client_request requests[HTTP_CLIENT_REQUESTS_MAX];
	for (size_t i = 0; i < n; i++)
		requests[i] = (struct http_client_request){
			.method = HTTP_POST, .headers = headers, .headers_len = 2, .body = bodies[i]
		};
	http_client_perform(client, requests, n, at_once, deadline_ms, ret_responses);
}

void http_client_request(struct http_client *client, const struct http_client_request *request,
			 int64_t deadline_ms, struct http_client_response *ret_response)
{
	http_client_perform(client, request, 1, 1, deadline_ms, ret_response);
}

/* ---- each by itself ---- */

bool http_client_begin(struct http_client *client, const struct http_client_request *request,
		       int64_t deadline_ms, size_t *ret_place)
{
	size_t at = 0;
	CHECK(deadline_ms > 0);
	while (at < client->connections_max && client->transfers[at].is_running)
		at++;
	if (at == client->connections_max)
		return false;
	client->bodies[at].len = 0;
	start_transfer(&client->transfers[at], request, at);
	curl_easy_setopt(client->transfers[at].easy, CURLOPT_TIMEOUT_MS, (long)deadline_ms);
	*ret_place = at;
	return true;
}

static bool go_on(struct http_client *client, size_t *ret_place,
		  struct http_client_response *ret_response)
{
	int running;
	CHECK(curl_multi_perform(client->multi, &running) == CURLM_OK);
	const struct http_transfer *transfer = next_ended(client, ret_response);
	if (transfer != NULL)
		*ret_place = transfer->index;
	return transfer != NULL;
}

bool http_client_progress(struct http_client *client, int64_t wait_ms, size_t *ret_place,
			  struct http_client_response *ret_response)
{
	if (go_on(client, ret_place, ret_response))
		return true;
	if (wait_ms <= 0)
		return false;
	int most_ms = wait_ms < POLL_MS_MAX ? (int)wait_ms : POLL_MS_MAX;
	CHECK(curl_multi_poll(client->multi, NULL, 0, most_ms, NULL) == CURLM_OK);
	return go_on(client, ret_place, ret_response);
}
