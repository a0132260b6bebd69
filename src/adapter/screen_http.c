#include "adapter/screen_http.h"

#include "adapter/screen_http_message.h"
#include "base/hex.h"
#include "base/secret.h"
#include "base/time.h"
#include "net/circuit_breaker.h"
#include "net/http_client.h"

#include <stdlib.h>
#include <string.h>

#define SECRET_BYTES_MAX 1024
#define TIMESTAMP_LEN    40

_Static_assert(SCREEN_ASKED_MAX <= HTTP_CLIENT_CONNECTIONS_MAX, "each has a connection");
_Static_assert(HTTP_CLIENT_HEADER_LEN_MAX >= SCREEN_SIGNATURE_LEN, "signatures fit");

/* One question that is under way, at its place in the client. */
struct asked {
	struct screen_request request;
	struct circuit_pass pass;
	char body[SCREEN_BODY_BYTES_MAX];
	size_t body_len;
};

struct screen_http {
	struct screen base;
	struct screen_http_options options;
	struct secret secret;
	struct http_client *client;
	struct circuit_breaker breaker;
	struct asked asked[SCREEN_ASKED_MAX]; /* by places of the client */
};

static struct screen_http *self_of(struct screen *screen)
{
	return (struct screen_http *)(void *)screen;
}

static struct screen_secret secret_of(const struct screen_http *self)
{
	return (struct screen_secret){ self->secret.at, self->secret.len };
}

/* ---- questions ---- */

static void request_make(struct screen_http *self, const struct intent *intent, struct asked *asked)
{
	uint8_t random[SCREEN_REQUEST_ID_LEN / 2];
	struct buf id = buf_of(asked->request.id, sizeof asked->request.id);
	struct buf body = buf_of(asked->body, sizeof asked->body);
	entropy_fill(self->options.entropy, random, sizeof random);
	hex_write(&id, random, sizeof random);
	(void)buf_terminated(&id);
	screen_question_write(intent, &body);
	asked->body_len = body.len;
	asked->request.withdrawal = intent->id;
	asked->request.target = str_from(http_client_target(self->client));
}

/* The body stays where it is until its request has ended, so each place has its own. */
static bool place_find(struct screen_http *self, struct asked **ret_asked)
{
	for (size_t i = 0; i < self->options.asked_max; i++) {
		if (!id_is_zero(self->asked[i].request.withdrawal))
			continue;
		*ret_asked = &self->asked[i];
		return true;
	}
	return false;
}

static void request_send(struct screen_http *self, struct asked *asked)
{
	char time_storage[TIMESTAMP_LEN], signature_storage[SCREEN_SIGNATURE_LEN];
	struct buf timestamp = buf_of(time_storage, sizeof time_storage);
	struct buf signature = buf_of(signature_storage, sizeof signature_storage);
	struct screen_secret secret = secret_of(self);
	size_t place = 0;
	time_write_rfc3339(clock_now_ms(self->options.clock), &timestamp);
	asked->request.body = str_from_bytes(asked->body, asked->body_len);
	asked->request.timestamp = buf_view(&timestamp);
	screen_request_sign(&secret, &asked->request, &signature);
	asked->request.timestamp = (struct str){ 0 };
	const struct http_pair headers[] = {
		{ STR("Content-Type"), STR("application/json") },
		{ STR("Accept"), STR("application/json") },
		{ STR("Sluice-Request"), str_from(asked->request.id) },
		{ STR("Sluice-Timestamp"), buf_view(&timestamp) },
		{ STR("Sluice-Signature"), buf_view(&signature) },
	};
	const struct http_client_request request = {
		.method = HTTP_POST,
		.headers = headers,
		.headers_len = sizeof headers / sizeof *headers,
		.body = asked->request.body,
	};
	CHECK(http_client_begin(self->client, &request, self->options.deadline_ms, &place));
	CHECK(place == (size_t)(asked - self->asked));
}

static enum screen_begun begin(struct screen *screen, const struct intent *intent)
{
	struct screen_http *self = self_of(screen);
	struct asked *asked = NULL;
	struct circuit_pass pass;
	if (!place_find(self, &asked))
		return SCREEN_FULL;
	if (circuit_breaker_enter(&self->breaker, clock_monotonic_ms(self->options.clock), 1,
				  &pass) == 0)
		return SCREEN_AWAY;
	request_make(self, intent, asked);
	asked->pass = pass;
	request_send(self, asked);
	return SCREEN_BEGUN;
}

/* ---- answers ---- */

/* is_away: that is how a service looks that is down, or somebody in its place. */
static bool answer_take(const struct screen_http *self, const struct asked *asked,
			const struct http_client_response *response,
			struct screen_answer *ret_answer, bool *is_away, struct err *err)
{
	const char *origin = http_client_origin(self->client);
	struct screen_secret secret = secret_of(self);
	*is_away = true;
	if (response->delivery != HTTP_ANSWERED)
		return err_set(err,
			       response->delivery == HTTP_NOT_SENT ? ERR_NOT_DONE : ERR_MAYBE_DONE,
			       "%s", response->text);
	if (response->status != 200) {
		*is_away = response->status >= 500 || response->status == 429;
		return err_set(err, ERR_REFUSED, "%.100s: status %u", origin, response->status);
	}
	if (!screen_answer_is_signed(&secret, str_from(response->header), response->body))
		return err_set(err, ERR_REFUSED, "%.100s: the answer is not signed with our secret",
			       origin);
	if (!screen_answer_read(response->body, &asked->request, ret_answer, err))
		return err_wrap(err, "%.100s", origin);
	*is_away = false;
	return true;
}

static bool next(struct screen *screen, int64_t wait_ms, struct screen_outcome *ret_outcome)
{
	struct screen_http *self = self_of(screen);
	struct http_client_response response;
	size_t place;
	bool is_away;
	if (!http_client_progress(self->client, wait_ms, &place, &response))
		return false;
	struct asked *asked = &self->asked[place];
	ret_outcome->withdrawal = asked->request.withdrawal;
	ret_outcome->is_answered = answer_take(self, asked, &response, &ret_outcome->answer,
					       &is_away, &ret_outcome->err);
	circuit_breaker_leave(&self->breaker, clock_monotonic_ms(self->options.clock), asked->pass,
			      !is_away, is_away);
	asked->request.withdrawal = (struct id){ { 0 } };
	return true;
}

/* ---- life ---- */

static void close_screen(struct screen *screen)
{
	struct screen_http *self = self_of(screen);
	http_client_close(self->client);
	secret_free(&self->secret);
	free(self);
}

static const struct screen_ops ops = { begin, next, close_screen };

static bool open_parts(struct screen_http *self, struct err *err)
{
	const struct http_client_options client = {
		.url = self->options.url,
		.connections_max = self->options.asked_max,
		.response_bytes_max = SCREEN_ANSWER_BYTES,
		.connect_timeout_ms = self->options.deadline_ms,
		.ca_file = self->options.ca_file,
		.answer_header = "Sluice-Signature",
	};
	if (!http_client_open(&client, &self->client, err))
		return false;
	if (!http_client_is_private(self->client))
		return err_set(err, ERR_REFUSED, "%.100s: has to be https, or on this machine",
			       http_client_origin(self->client));
	if (!secret_read_file(&self->secret, self->options.secret_file, SECRET_BYTES_MAX, err))
		return false;
	return self->secret.len >= SCREEN_SECRET_MIN ||
	       err_set(err, ERR_REFUSED, "%s: has to have at least %d bytes",
		       self->options.secret_file, SCREEN_SECRET_MIN);
}

bool screen_http_open(const struct screen_http_options *options, struct screen **ret_screen,
		      struct err *err)
{
	struct screen_http *self = calloc(1, sizeof *self);
	CHECK(self != NULL && options->deadline_ms > 0);
	CHECK(options->asked_max >= 1 && options->asked_max <= SCREEN_ASKED_MAX);
	self->base.ops = &ops;
	self->options = *options;
	circuit_breaker_init(&self->breaker, options->metrics, "screening");
	if (!open_parts(self, err)) {
		close_screen(&self->base);
		return false;
	}
	*ret_screen = &self->base;
	return true;
}
