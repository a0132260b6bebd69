#include "adapter/cache_redis.h"

#include "base/check.h"
#include "base/defence.h"
#include "base/secret.h"
#include "net/circuit_breaker.h"

#include <hiredis/hiredis.h>
#include <hiredis/sds.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ARGUMENTS_MAX  8
#define NUMBER_LEN     24
#define SHA_LEN        40 /* of a script, in hex */
#define VERSION_DIGITS 19 /* of INT64_MAX */
#define VERSION_FORMAT "%019llu"
#define DROPPED        '-'
#define EAR_SILENT_MS  60000   /* then a connection that listens is made anew */
#define PAUSE_NS       5000000 /* between two looks at the clock */
#define TLS_BYTES      16384   /* of one record */
#define ELEMENTS_MAX   8       /* of an answer that is a list */
/* What may wait to be parsed: the answers of one call, and their framing. */
#define ANSWERS_BYTES_MAX ((size_t)CACHE_BATCH_MAX * (CACHE_VALUE_MAX + 256))

_Static_assert(CACHE_LIFE_MS_MAX < 1000000000, "a life fits NUMBER_LEN");

/* A copy, unless a newer one is there or the key was dropped. Versions have the same length, so
 * that they compare as texts; as numbers of the script language they would lose their last digits.
 */
static const char put_script[] =
	"local seen = redis.call('GETRANGE', KEYS[1], 0, 18)\n"
	"if seen == '-' or (seen ~= '' and seen > ARGV[1]) then return 0 end\n"
	"redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], 'PX', ARGV[3])\n"
	"return 1\n";

/* Tokens as a time: when the bucket will be full again, in microseconds. A time that lies further
 * ahead than an empty bucket is the work of another clock, and counts as an empty bucket.
 * ARGV: microseconds for a token, tokens of a full bucket. Returns: taken, left, wait in us. */
static const char take_script[] =
	"local time = redis.call('TIME')\n"
	"local now = time[1] * 1000000 + time[2]\n"
	"local token, burst = tonumber(ARGV[1]), tonumber(ARGV[2])\n"
	"local full = tonumber(redis.call('GET', KEYS[1]) or now) or now\n"
	"if full < now then full = now end\n"
	"if full > now + token * burst then full = now + token * burst end\n"
	"local left = math.floor((now + token * burst - full) / token)\n"
	"if left < 1 then return {0, 0, full + token - now - token * burst} end\n"
	"full = full + token\n"
	"redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX',\n"
	"	string.format('%.0f', math.ceil((full - now) / 1000)))\n"
	"return {1, left - 1, 0}\n";

enum script {
	SCRIPT_PUT,
	SCRIPT_TAKE,
	SCRIPTS,
};

static const char *const scripts[SCRIPTS] = {
	[SCRIPT_PUT] = put_script,
	[SCRIPT_TAKE] = take_script,
};

/* Where the host is. Names are looked up by threads of the C library: its only other way to do it
 * may wait for many seconds. */
struct place {
	char address[INET6_ADDRSTRLEN]; /* the last that was found; "" for none yet */
	bool is_stale;                  /* it did not answer: look it up anew */
	struct lookup *lookup;          /* under way; NULL: none */
};

/* Of its own memory, which the library writes to until it is done. */
struct lookup {
	struct gaicb request;
	struct addrinfo hints;
	char host[256];
};

struct cache_redis {
	struct cache base;
	struct cache_redis_options options;
	struct place place;
	char prefix[CACHE_REDIS_PREFIX_MAX + 1];
	struct circuit_breaker breaker;
	bool is_away; /* as it was told */
	redisContext *link;
	redisContext *ear;                     /* listens; NULL: does not */
	struct tls_stream *link_tls, *ear_tls; /* NULL: not encrypted */
	int64_t heard_ms;                      /* when something came to it */
	redisReplyObjectFunctions functions;   /* of its reader */
	void *(*array_new)(const redisReadTask *task, int elements);
	char sha[SCRIPTS][SHA_LEN + 1];
	int64_t deadline_ms; /* of the present call */
};

/* One command, as it is put together. */
struct command {
	const char *at[ARGUMENTS_MAX];
	size_t len[ARGUMENTS_MAX];
	int count;
	char key[CACHE_REDIS_PREFIX_MAX + CACHE_KEY_LEN_MAX];
};

/* A call of the port: n commands, and what becomes of their answers. */
struct call {
	void *items;
	size_t n;
	void (*write)(struct cache_redis *self, void *items, size_t index);
	/* False: that cannot be an answer. */
	bool (*read)(const redisReply *reply, void *items, size_t index);
};

static struct cache_redis *redis_of(struct cache *cache)
{
	return (struct cache_redis *)(void *)cache;
}

/* ---- commands ---- */

static void command_add(struct command *command, const char *at, size_t len)
{
	CHECK(command->count < ARGUMENTS_MAX);
	command->at[command->count] = at;
	command->len[command->count++] = len;
}

static void command_text(struct command *command, const char *text)
{
	command_add(command, text, strlen(text));
}

static void command_key(struct cache_redis *self, struct command *command, struct str key)
{
	struct buf out = buf_of(command->key, sizeof command->key);
	buf_text(&out, self->prefix);
	buf_str(&out, key);
	CHECK(!out.overflow);
	command_add(command, out.at, out.len);
}

static void command_script(struct cache_redis *self, struct command *command, enum script script,
			   struct str key)
{
	command_text(command, "EVALSHA");
	command_add(command, self->sha[script], SHA_LEN);
	command_text(command, "1");
	command_key(self, command, key);
}

/* Only memory can be short here. */
static void command_send(redisContext *link, struct command *command)
{
	CHECK(redisAppendCommandArgv(link, command->count, command->at, command->len) == REDIS_OK);
}

/* ---- where it is ---- */

static void lookup_start(struct cache_redis *self)
{
	struct lookup *lookup = calloc(1, sizeof *lookup);
	struct gaicb *list[] = { lookup == NULL ? NULL : &lookup->request };
	CHECK(lookup != NULL);
	CHECK(str_copy(str_from(self->options.host), lookup->host, sizeof lookup->host));
	lookup->hints.ai_socktype = SOCK_STREAM;
	lookup->request.ar_name = lookup->host;
	lookup->request.ar_request = &lookup->hints;
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) != 0) {
		free(lookup);
		return;
	}
	self->place.lookup = lookup;
}

static void lookup_free(struct lookup *lookup)
{
	if (lookup->request.ar_result != NULL)
		freeaddrinfo(lookup->request.ar_result);
	free(lookup);
}

/* Takes what was found, if the look-up is done. */
static void lookup_take(struct place *place)
{
	if (place->lookup == NULL || gai_error(&place->lookup->request) == EAI_INPROGRESS)
		return;
	const struct addrinfo *found = place->lookup->request.ar_result;
	if (gai_error(&place->lookup->request) == 0 && found != NULL &&
	    getnameinfo(found->ai_addr, found->ai_addrlen, place->address, sizeof place->address,
			NULL, 0, NI_NUMERICHOST) == 0)
		place->is_stale = false;
	lookup_free(place->lookup);
	place->lookup = NULL;
}

/* The library may still write to one that it does not let go; that one stays. */
static void lookup_end(struct place *place)
{
	if (place->lookup != NULL && gai_cancel(&place->lookup->request) != EAI_NOTCANCELED)
		lookup_free(place->lookup);
	place->lookup = NULL;
}

/* An old address is better than none, while a new one is looked for. */
static bool place_find(struct cache_redis *self, struct err *err)
{
	struct place *place = &self->place;
	lookup_take(place);
	if (place->lookup == NULL && (place->is_stale || place->address[0] == 0))
		lookup_start(self);
	while (place->address[0] == 0 && place->lookup != NULL &&
	       clock_monotonic_ms(self->options.clock) < self->deadline_ms) {
		const struct gaicb *list[] = { &place->lookup->request };
		const struct timespec pause = { .tv_nsec = PAUSE_NS };
		(void)gai_suspend(list, 1, &pause);
		lookup_take(place);
	}
	return place->address[0] != 0 ||
	       err_set(err, ERR_NOT_DONE, "redis: %s is not found yet", self->options.host);
}

/* ---- the connection ---- */

static void link_close(struct cache_redis *self)
{
	tls_stream_free(self->link_tls);
	self->link_tls = NULL;
	if (self->link != NULL)
		redisFree(self->link);
	self->link = NULL;
}

/* Longer lists than any that is expected are refused before there is memory for them. */
static void *array_bounded(const redisReadTask *task, int elements)
{
	struct cache_redis *self = task->privdata;
	return elements <= ELEMENTS_MAX ? self->array_new(task, elements) : NULL;
}

static bool link_failed(const redisContext *link, struct err *err)
{
	return err_set(err, ERR_NOT_DONE, "redis: %s", link->errstr);
}

/* Waits until the socket can be read, or also written. */
static bool link_wait(struct cache_redis *self, redisContext *link, bool writes, struct err *err)
{
	struct pollfd poll_fd = { .fd = link->fd, .events = POLLIN };
	int64_t left_ms = self->deadline_ms - clock_monotonic_ms(self->options.clock);
	if (writes)
		poll_fd.events |= POLLOUT;
	if (left_ms <= 0)
		return err_set(err, ERR_NOT_DONE, "redis: no answer within %lld ms",
			       (long long)self->options.timeout_ms);
	/* Interrupted or over: the next turn sees. */
	(void)poll(&poll_fd, 1, (int)left_ms);
	return true;
}

/* False when the stream has ended; what is to be written stays in the link. */
static bool tls_move(redisContext *link, struct tls_stream *tls)
{
	char bytes[TLS_BYTES];
	ssize_t moved = 1;
	while (moved > 0 && sdslen(link->obuf) > 0) {
		moved = tls_send(tls, link->obuf, sdslen(link->obuf));
		if (moved > 0)
			sdsrange(link->obuf, (int)moved, -1);
	}
	if (moved < 0 && errno != EAGAIN)
		return false;
	do {
		moved = tls_recv(tls, bytes, sizeof bytes);
		if (moved > 0 && redisReaderFeed(link->reader, bytes, (size_t)moved) != REDIS_OK)
			return false;
	} while (moved > 0 && tls_has_pending(tls));
	return moved > 0 || (moved < 0 && errno == EAGAIN);
}

/* The handshake comes with the first command. */
static bool link_move_tls(redisContext *link, struct tls_stream *tls, bool *ret_written,
			  struct err *err)
{
	enum tls_step step = tls_handshake(tls);
	*ret_written = step == TLS_WAITS_READ;
	if (step == TLS_FAILED)
		return err_set(err, ERR_NOT_DONE, "redis: %s", tls_client_reason(tls));
	if (step != TLS_DONE)
		return true;
	if (!tls_move(link, tls))
		return err_set(err, ERR_NOT_DONE, "redis: the connection is closed");
	*ret_written = sdslen(link->obuf) == 0;
	return true;
}

/* Writes what is to be written, reads what is there. Neither of them waits. */
static bool link_move(struct cache_redis *self, redisContext *link, bool *ret_written,
		      struct err *err)
{
	struct tls_stream *tls = link == self->ear ? self->ear_tls : self->link_tls;
	int done = 0;
	if (tls != NULL && !link_move_tls(link, tls, ret_written, err))
		return false;
	if (tls == NULL && redisBufferWrite(link, &done) != REDIS_OK)
		return link_failed(link, err);
	if (tls == NULL)
		*ret_written = done == 1;
	if (tls == NULL && redisBufferRead(link) != REDIS_OK)
		return link_failed(link, err);
	if (link->reader->len - link->reader->pos > ANSWERS_BYTES_MAX)
		return err_set(err, ERR_NOT_DONE, "redis: an answer is too long");
	return true;
}

/* What is there already; NULL in *ret_reply: nothing yet. */
static bool reply_take(redisContext *link, redisReply **ret_reply, struct err *err)
{
	void *reply = NULL;
	if (redisGetReplyFromReader(link, &reply) != REDIS_OK)
		return link_failed(link, err);
	*ret_reply = reply;
	return true;
}

/* The next answer, to be freed by freeReplyObject. Never one that says "error". */
static bool reply_next(struct cache_redis *self, redisContext *link, redisReply **ret_reply,
		       struct err *err)
{
	redisReply *answer = NULL;
	bool written = false;
	if (!reply_take(link, &answer, err))
		return false;
	while (answer == NULL) {
		if (!link_move(self, link, &written, err) || !reply_take(link, &answer, err))
			return false;
		if (answer == NULL && !link_wait(self, link, !written, err))
			return false;
	}
	if (answer->type == REDIS_REPLY_ERROR) {
		(void)err_set(err, ERR_NOT_DONE, "redis says \"%.100s\"", answer->str);
		freeReplyObject(answer);
		return false;
	}
	*ret_reply = answer;
	return true;
}

static bool password_send(struct cache_redis *self, redisContext *link, struct err *err)
{
	struct secret password;
	struct command command = { .count = 0 };
	if (self->options.password_file == NULL)
		return true;
	if (!secret_read_file(&password, self->options.password_file, CACHE_REDIS_PASSWORD_MAX,
			      err))
		return false;
	command_text(&command, "AUTH");
	if (self->options.username != NULL)
		command_text(&command, self->options.username);
	command_add(&command, (const char *)password.at, password.len);
	command_send(link, &command);
	secret_free(&password);
	redisReply *reply;
	if (!reply_next(self, link, &reply, err))
		return false;
	freeReplyObject(reply);
	return true;
}

static bool sha_read(const redisReply *reply, char ret_sha[SHA_LEN + 1])
{
	if (reply->type != REDIS_REPLY_STRING || reply->len != SHA_LEN ||
	    strspn(reply->str, "0123456789abcdef") != SHA_LEN)
		return false;
	memcpy(ret_sha, reply->str, SHA_LEN + 1);
	return true;
}

static bool script_load(struct cache_redis *self, enum script script, struct err *err)
{
	struct command command = { .count = 0 };
	redisReply *reply;
	command_text(&command, "SCRIPT");
	command_text(&command, "LOAD");
	command_text(&command, scripts[script]);
	command_send(self->link, &command);
	if (!reply_next(self, self->link, &reply, err))
		return false;
	bool is_sha = sha_read(reply, self->sha[script]);
	freeReplyObject(reply);
	return is_sha || err_set(err, ERR_NOT_DONE, "redis: a script got no name");
}

/* A connection to where it is, that has told its password. On failure *ret_link is to be closed as
 * well. */
static bool link_make(struct cache_redis *self, redisContext **ret_link,
		      struct tls_stream **ret_tls, struct err *err)
{
	if (!place_find(self, err))
		return false;
	redisContext *link = redisConnectNonBlock(self->place.address, self->options.port);
	CHECK(link != NULL);
	*ret_link = link;
	if (link->err != 0)
		return link_failed(link, err);
	if (self->options.tls != NULL) {
		*ret_tls = tls_client_stream(self->options.tls, link->fd, self->options.host);
		CHECK(*ret_tls != NULL);
	}
	if (self->array_new == NULL) {
		self->functions = *link->reader->fn;
		self->array_new = self->functions.createArray;
		self->functions.createArray = array_bounded;
	}
	link->reader->fn = &self->functions;
	link->reader->privdata = self;
	return password_send(self, link, err);
}

static bool link_open(struct cache_redis *self, struct err *err)
{
	return self->link != NULL ||
	       (link_make(self, &self->link, &self->link_tls, err) &&
		script_load(self, SCRIPT_PUT, err) && script_load(self, SCRIPT_TAKE, err));
}

/* ---- calls ---- */

static bool call_try(struct cache_redis *self, const struct call *call, struct err *err)
{
	if (!link_open(self, err))
		return false;
	for (size_t i = 0; i < call->n; i++)
		call->write(self, call->items, i);
	for (size_t i = 0; i < call->n; i++) {
		redisReply *reply;
		if (!reply_next(self, self->link, &reply, err))
			return false;
		bool makes_sense = call->read(reply, call->items, i);
		freeReplyObject(reply);
		if (!makes_sense)
			return err_set(err, ERR_NOT_DONE, "redis: an answer makes no sense");
	}
	return true;
}

/* Once when it goes away and once when it is back, not for every call. */
static void link_tell(struct cache_redis *self, const struct err *err)
{
	bool is_away = self->breaker.state != CIRCUIT_CLOSED;
	struct log_about about = { .action = is_away ? "cache_away" : "cache_back" };
	if (is_away == self->is_away)
		return;
	self->is_away = is_away;
	if (is_away)
		log_line(self->options.log, LOG_WARN, &about,
			 "limits are judged by each process, and nothing is copied: %s", err->text);
	else
		log_line(self->options.log, LOG_INFO, &about, "redis answers again");
}

static bool call_run(struct cache_redis *self, const struct call *call, struct err *err)
{
	struct circuit_pass pass;
	struct err why = { 0 };
	int64_t now_ms = clock_monotonic_ms(self->options.clock);
	if (circuit_breaker_enter(&self->breaker, now_ms, 1, &pass) == 0)
		return err_set(err, ERR_NOT_DONE,
			       "redis did not answer, and is left alone for some seconds");
	self->deadline_ms = now_ms + self->options.timeout_ms;
	bool ok = call_try(self, call, &why);
	self->place.is_stale = self->place.is_stale || !ok;
	if (!ok && DEFENCE("late_answer_is_dropped"))
		link_close(self);
	circuit_breaker_leave(&self->breaker, clock_monotonic_ms(self->options.clock), pass, ok,
			      !ok);
	link_tell(self, &why);
	if (!ok && err != NULL)
		*err = why;
	return ok;
}

/* ---- the port ---- */

struct get_items {
	const struct str *keys;
	struct buf *values;
};

static void get_write(struct cache_redis *self, void *items, size_t index)
{
	struct get_items *get = items;
	struct command command = { .count = 0 };
	command_text(&command, "GET");
	command_key(self, &command, get->keys[index]);
	command_send(self->link, &command);
}

static bool get_read(const redisReply *reply, void *items, size_t index)
{
	struct get_items *get = items;
	struct buf *value = &get->values[index];
	if (reply->type == REDIS_REPLY_NIL)
		return true;
	if (reply->type != REDIS_REPLY_STRING)
		return false;
	if (reply->len > VERSION_DIGITS && reply->len - VERSION_DIGITS <= CACHE_VALUE_MAX)
		buf_bytes(value, reply->str + VERSION_DIGITS, reply->len - VERSION_DIGITS);
	if (value->overflow)
		buf_reset(value);
	return true;
}

static bool redis_get_many(struct cache *cache, const struct str *keys, size_t n,
			   struct buf *ret_values, struct err *err)
{
	struct get_items items = { keys, ret_values };
	const struct call call = { &items, n, get_write, get_read };
	return call_run(redis_of(cache), &call, err);
}

static void put_write(struct cache_redis *self, void *items, size_t index)
{
	const struct cache_copy *copy = (const struct cache_copy *)items + index;
	struct command command = { .count = 0 };
	char version[NUMBER_LEN], life[NUMBER_LEN];
	(void)snprintf(version, sizeof version, VERSION_FORMAT, (unsigned long long)copy->version);
	(void)snprintf(life, sizeof life, "%lld", (long long)copy->life_ms);
	command_script(self, &command, SCRIPT_PUT, copy->key);
	command_text(&command, version);
	command_add(&command, copy->value.at, copy->value.len);
	command_text(&command, life);
	command_send(self->link, &command);
}

static bool put_read(const redisReply *reply, void *items, size_t index)
{
	(void)items;
	(void)index;
	return reply->type == REDIS_REPLY_INTEGER;
}

static bool redis_put_many(struct cache *cache, const struct cache_copy *copies, size_t n,
			   struct err *err)
{
	const struct call call = { (void *)(uintptr_t)copies, n, put_write, put_read };
	return call_run(redis_of(cache), &call, err);
}

struct drop_items {
	const struct str *keys;
	int64_t life_ms;
};

static void drop_write(struct cache_redis *self, void *items, size_t index)
{
	const struct drop_items *drop = items;
	struct command command = { .count = 0 };
	const char dropped = DROPPED;
	char life[NUMBER_LEN];
	(void)snprintf(life, sizeof life, "%lld", (long long)drop->life_ms);
	command_text(&command, "SET");
	command_key(self, &command, drop->keys[index]);
	command_add(&command, &dropped, 1);
	command_text(&command, "PX");
	command_text(&command, life);
	command_send(self->link, &command);
}

static bool drop_read(const redisReply *reply, void *items, size_t index)
{
	(void)items;
	(void)index;
	return reply->type == REDIS_REPLY_STATUS;
}

static bool redis_drop_many(struct cache *cache, const struct str *keys, size_t n, int64_t life_ms,
			    struct err *err)
{
	struct drop_items items = { keys, life_ms };
	const struct call call = { &items, n, drop_write, drop_read };
	return call_run(redis_of(cache), &call, err);
}

static void take_write(struct cache_redis *self, void *items, size_t index)
{
	const struct cache_bucket *bucket = (const struct cache_bucket *)items + index;
	struct command command = { .count = 0 };
	char token[NUMBER_LEN], burst[NUMBER_LEN];
	(void)snprintf(token, sizeof token, "%u", CACHE_RATE_MAX / bucket->rate);
	(void)snprintf(burst, sizeof burst, "%u", bucket->burst);
	command_script(self, &command, SCRIPT_TAKE, bucket->key);
	command_text(&command, token);
	command_text(&command, burst);
	command_send(self->link, &command);
}

static bool take_read(const redisReply *reply, void *items, size_t index)
{
	struct cache_bucket *bucket = (struct cache_bucket *)items + index;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
		return false;
	for (size_t i = 0; i < reply->elements; i++)
		if (reply->element[i]->type != REDIS_REPLY_INTEGER)
			return false;
	long long taken = reply->element[0]->integer, left = reply->element[1]->integer;
	long long wait_us = reply->element[2]->integer;
	long long wait_us_max = (long long)CACHE_RATE_MAX * CACHE_RATE_MAX;
	if (taken < 0 || taken > 1 || left < 0 || left > bucket->burst || wait_us < 0 ||
	    wait_us > wait_us_max)
		return false;
	bucket->taken = taken == 1;
	bucket->left = (unsigned)left;
	bucket->wait_ms = bucket->taken ? 0 : wait_us / 1000 + 1;
	return true;
}

static bool redis_take_many(struct cache *cache, struct cache_bucket *buckets, size_t n,
			    struct err *err)
{
	const struct call call = { buckets, n, take_write, take_read };
	return call_run(redis_of(cache), &call, err);
}

/* ---- telling and listening ---- */

struct publish_items {
	struct str channel, text;
};

static void publish_write(struct cache_redis *self, void *items, size_t index)
{
	const struct publish_items *publish = items;
	struct command command = { .count = 0 };
	(void)index;
	command_text(&command, "PUBLISH");
	command_key(self, &command, publish->channel);
	command_add(&command, publish->text.at, publish->text.len);
	command_send(self->link, &command);
}

static bool redis_publish(struct cache *cache, struct str channel, struct str text, struct err *err)
{
	struct publish_items items = { channel, text };
	const struct call call = { &items, 1, publish_write, put_read };
	return call_run(redis_of(cache), &call, err);
}

static void ear_close(struct cache_redis *self)
{
	tls_stream_free(self->ear_tls);
	self->ear_tls = NULL;
	if (self->ear != NULL)
		redisFree(self->ear);
	self->ear = NULL;
}

/* A connection that listens can do nothing else. */
static bool ear_make(struct cache_redis *self, struct str channel, struct err *err)
{
	struct command command = { .count = 0 };
	redisReply *reply;
	if (!link_make(self, &self->ear, &self->ear_tls, err))
		return false;
	command_text(&command, "SUBSCRIBE");
	command_key(self, &command, channel);
	command_send(self->ear, &command);
	if (!reply_next(self, self->ear, &reply, err))
		return false;
	freeReplyObject(reply);
	return true;
}

static bool ear_open(struct cache_redis *self, struct str channel, struct err *err)
{
	struct circuit_pass pass;
	int64_t now_ms = clock_monotonic_ms(self->options.clock);
	if (self->ear != NULL)
		return true;
	if (circuit_breaker_enter(&self->breaker, now_ms, 1, &pass) == 0)
		return err_set(err, ERR_NOT_DONE,
			       "redis did not answer, and is left alone for some seconds");
	self->deadline_ms = now_ms + self->options.timeout_ms;
	bool ok = ear_make(self, channel, err);
	self->heard_ms = clock_monotonic_ms(self->options.clock);
	circuit_breaker_leave(&self->breaker, self->heard_ms, pass, ok, !ok);
	return ok;
}

/* Of a list of three strings ("message", channel, text) the last one; nothing of anything else. */
static void text_read(const redisReply *reply, struct buf *ret_text)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
		return;
	const redisReply *text = reply->element[2];
	if (text->type == REDIS_REPLY_STRING && text->len <= CACHE_TEXT_MAX)
		buf_bytes(ret_text, text->str, text->len);
}

/* What has come, if anything has. */
static bool ear_take(struct cache_redis *self, bool *ret_came, struct buf *ret_text,
		     struct err *err)
{
	redisReply *reply = NULL;
	bool written = false;
	if (!reply_take(self->ear, &reply, err) ||
	    (reply == NULL &&
	     (!link_move(self, self->ear, &written, err) || !reply_take(self->ear, &reply, err))))
		return false;
	*ret_came = reply != NULL;
	if (reply == NULL)
		return true;
	self->heard_ms = clock_monotonic_ms(self->options.clock);
	text_read(reply, ret_text);
	freeReplyObject(reply);
	return true;
}

/* A connection that nobody closes may be dead: one that is silent for long is made anew. */
static bool ear_hear(struct cache_redis *self, struct buf *ret_text, struct err *err)
{
	bool came = true;
	while (ret_text->len == 0 && came) {
		if (!ear_take(self, &came, ret_text, err))
			return false;
		if (!came)
			came = link_wait(self, self->ear, false, NULL);
	}
	return ret_text->len > 0 ||
	       clock_monotonic_ms(self->options.clock) - self->heard_ms < EAR_SILENT_MS ||
	       err_set(err, ERR_NOT_DONE, "redis: nothing was heard for long");
}

static bool redis_hear(struct cache *cache, struct str channel, int64_t timeout_ms,
		       struct buf *ret_text, struct err *err)
{
	struct cache_redis *self = redis_of(cache);
	bool heard = ear_open(self, channel, err);
	self->deadline_ms = clock_monotonic_ms(self->options.clock) + timeout_ms;
	heard = heard && ear_hear(self, ret_text, err);
	if (!heard) {
		self->place.is_stale = true;
		ear_close(self);
	}
	return heard;
}

static void redis_close(struct cache *cache)
{
	struct cache_redis *self = redis_of(cache);
	link_close(self);
	ear_close(self);
	lookup_end(&self->place);
	tls_client_free(self->options.tls);
	free(self);
}

struct cache *cache_redis_new(const struct cache_redis_options *options)
{
	static const struct cache_ops ops = {
		.get_many = redis_get_many,
		.put_many = redis_put_many,
		.drop_many = redis_drop_many,
		.take_many = redis_take_many,
		.publish = redis_publish,
		.hear = redis_hear,
		.close = redis_close,
	};
	struct cache_redis *self = calloc(1, sizeof *self);
	CHECK(self != NULL && options->timeout_ms > 0);
	CHECK(str_copy(str_from(options->prefix), self->prefix, sizeof self->prefix));
	self->base.ops = &ops;
	self->options = *options;
	circuit_breaker_init(&self->breaker, options->metrics, "redis");
	return &self->base;
}
