#include "adapter/token_keys_source.h"

#include "adapter/token_keys_jwks.h"
#include "base/buf.h"
#include "base/defence.h"
#include "net/http_client.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS     2000
#define FETCH_S     600
#define WANTED_S    60
#define DEADLINE_MS 5000

struct source {
	struct token_keys base;
	struct token_keys_source from;
	struct jwks *jwks; /* NULL: none has come yet */
	int64_t looked_ms;
	int64_t confirmed_ms; /* when the set was last seen where it comes from; 0: not since the
				 start */
	struct stat seen;     /* of the file, when it was read last, */
	bool is_taken;        /* and was a key set */
	struct http_client *client;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t wake;
	struct buf fetched; /* a new set's text; at NULL: none */
	bool is_wanted;
	bool is_stopping;
};

static struct source *source_of(struct token_keys *keys)
{
	return (struct source *)(void *)keys;
}

static void failure_tell(const struct source *source, const struct err *err)
{
	struct log_about about = { .action = "token_keys_failed",
				   .outcome = "failure",
				   .err = err };
	log_line(source->from.log, LOG_WARN, &about,
		 "the key set of the identity provider stays as it was");
}

/* Takes a set, or tells why not. */
static bool set_take(struct source *source, struct str text, struct err *err)
{
	struct log_about about = { .action = "token_keys_read", .outcome = "success" };
	struct jwks *jwks;
	if (!jwks_read(text, &jwks, err))
		return false;
	jwks_free(source->jwks);
	source->jwks = jwks;
	log_line(source->from.log, LOG_INFO, &about, "the identity provider has %zu keys for us",
		 jwks_len(jwks));
	return true;
}

/* ---- from a file ---- */

static bool file_read_whole(const char *path, struct buf *out, struct stat *ret_seen,
			    struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;
	if (fd < 0)
		return err_set(err, ERR_NOT_DONE, "%s: %s", path, strerror(errno));
	bool ok = fstat(fd, ret_seen) == 0;
	while (ok && got > 0 && out->len < out->cap) {
		got = read(fd, out->at + out->len, out->cap - out->len);
		out->len += got > 0 ? (size_t)got : 0;
	}
	int error = errno;
	close(fd);
	if (!ok || got < 0)
		return err_set(err, ERR_NOT_DONE, "%s: %s", path, strerror(error));
	return true;
}

static bool file_take(struct source *source, struct err *err)
{
	struct buf text = buf_new(JWKS_BYTES_MAX + 1);
	bool ok =
		file_read_whole(source->from.file, &text, &source->seen, err) &&
		(set_take(source, buf_view(&text), err) || err_wrap(err, "%s", source->from.file));
	buf_free(&text);
	source->is_taken = ok;
	return ok;
}

/* What was read once and is no key set need not be read again, and says nothing. */
enum file_state { FILE_USELESS, FILE_SAME, FILE_CHANGED };

static enum file_state file_look(const struct source *source)
{
	struct stat now;
	if (stat(source->from.file, &now) != 0)
		return FILE_USELESS;
	bool same = now.st_ino == source->seen.st_ino && now.st_size == source->seen.st_size &&
		    now.st_mtim.tv_sec == source->seen.st_mtim.tv_sec &&
		    now.st_mtim.tv_nsec == source->seen.st_mtim.tv_nsec;
	if (!same)
		return FILE_CHANGED;
	return source->is_taken ? FILE_SAME : FILE_USELESS;
}

static bool file_poll(struct source *source, int64_t now_ms)
{
	struct err err;
	if (now_ms - source->looked_ms < LOOK_MS)
		return false;
	source->looked_ms = now_ms;
	enum file_state state = file_look(source);
	if (state == FILE_SAME)
		source->confirmed_ms = now_ms;
	if (state != FILE_CHANGED)
		return false;
	if (file_take(source, &err)) {
		source->confirmed_ms = now_ms;
		return true;
	}
	failure_tell(source, &err);
	return false;
}

/* ---- from an URL, on a thread of its own ---- */

bool token_keys_url_is_allowed(struct str url)
{
	static const char *const loopback[] = { "127.0.0.1", "localhost", "[::1]" };
	if (str_starts_with(url, STR("https://")))
		return true;
	if (!str_starts_with(url, STR("http://")))
		return false;
	struct str rest = str_skip(url, sizeof "http://" - 1);
	for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++) {
		struct str host = str_from(loopback[i]);
		if (str_starts_with(rest, host) &&
		    (rest.len == host.len || strchr(":/", rest.at[host.len]) != NULL))
			return true;
	}
	return false;
}

static void fetch(struct source *source)
{
	const struct http_client_request request = { .method = HTTP_GET };
	struct http_client_response response;
	struct err err;
	http_client_request(source->client, &request, DEADLINE_MS, &response);
	if (response.delivery != HTTP_ANSWERED) {
		err_set(&err, ERR_NOT_DONE, "%s: %s", http_client_origin(source->client),
			response.text);
		failure_tell(source, &err);
		return;
	}
	if (response.status != 200) {
		err_set(&err, ERR_REFUSED, "%s: status %u", http_client_origin(source->client),
			response.status);
		failure_tell(source, &err);
		return;
	}
	struct buf text = buf_new(response.body.len + 1);
	buf_str(&text, response.body);
	pthread_mutex_lock(&source->mutex);
	buf_free(&source->fetched);
	source->fetched = text;
	pthread_mutex_unlock(&source->mutex);
}

static int64_t seconds_now(void)
{
	struct timespec now;
	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return now.tv_sec;
}

/* Until the next time to fetch: the regular one, or a wanted one that is not too early. Called with
 * the mutex held. */
static void wait_for_turn(struct source *source, int64_t fetched_s)
{
	while (!source->is_stopping) {
		int64_t due_s = fetched_s + (source->is_wanted ? WANTED_S : FETCH_S);
		struct timespec until = { .tv_sec = due_s };
		if (seconds_now() >= due_s)
			break;
		(void)pthread_cond_timedwait(&source->wake, &source->mutex, &until);
	}
	source->is_wanted = false;
}

static void *run_fetch_thread(void *arg)
{
	struct source *source = arg;
	pthread_mutex_lock(&source->mutex);
	while (!source->is_stopping) {
		pthread_mutex_unlock(&source->mutex);
		fetch(source);
		int64_t fetched_s = seconds_now();
		pthread_mutex_lock(&source->mutex);
		wait_for_turn(source, fetched_s);
	}
	pthread_mutex_unlock(&source->mutex);
	return NULL;
}

static bool url_poll(struct source *source, int64_t now_ms)
{
	struct err err;
	pthread_mutex_lock(&source->mutex);
	struct buf text = source->fetched;
	source->fetched = (struct buf){ 0 };
	pthread_mutex_unlock(&source->mutex);
	if (text.at == NULL)
		return false;
	bool ok = set_take(source, buf_view(&text), &err);
	if (ok)
		source->confirmed_ms = now_ms;
	else
		failure_tell(source, &err);
	buf_free(&text);
	return ok;
}

static bool thread_start(struct source *source, struct err *err)
{
	sigset_t all, before;
	sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	source->has_thread = pthread_create(&source->thread, NULL, run_fetch_thread, source) == 0;
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	return source->has_thread || err_set(err, ERR_NOT_DONE, "no thread for the key set");
}

static bool url_start(struct source *source, struct err *err)
{
	const struct http_client_options options = { .url = source->from.url,
						     .connections_max = 1,
						     .response_bytes_max = JWKS_BYTES_MAX };
	if (!token_keys_url_is_allowed(str_from(source->from.url)))
		return err_set(err, ERR_REFUSED,
			       "a key set comes by https, or by http from this machine");
	return http_client_open(&options, &source->client, err) && thread_start(source, err);
}

/* ---- the port ---- */

static enum token_verdict source_verify(struct token_keys *keys, struct str key_id,
					enum token_algorithm algorithm, struct str text,
					struct str signature)
{
	struct source *source = source_of(keys);
	enum token_verdict verdict = source->jwks == NULL ? TOKEN_KEY_UNKNOWN
							  : jwks_verify(source->jwks, key_id,
									algorithm, text, signature);
	if (verdict != TOKEN_KEY_UNKNOWN || !source->has_thread)
		return verdict;
	pthread_mutex_lock(&source->mutex);
	source->is_wanted = true;
	pthread_mutex_unlock(&source->mutex);
	pthread_cond_signal(&source->wake);
	return verdict;
}

/* Who takes a key out of the set, or loses the whole of it, cannot tell us as long as we do not get
 * there; and who keeps us from getting there keeps the old one good. */
static bool old_forget(struct source *source, int64_t now_ms)
{
	struct log_about about = { .action = "token_keys_expired",
				   .outcome = "failure",
				   .alarm = true };
	if (source->jwks == NULL || now_ms - source->confirmed_ms < source->from.keep_ms ||
	    !DEFENCE("token_keys_grow_old"))
		return false;
	jwks_free(source->jwks);
	source->jwks = NULL;
	source->seen = (struct stat){ 0 }; /* as it comes back it may be the same file */
	log_line(source->from.log, LOG_ERROR, &about,
		 "token_keys_expired the key set of the identity provider could not be had again "
		 "for too long: its people are not believed until it is there");
	return true;
}

static bool source_poll(struct token_keys *keys, int64_t now_ms)
{
	struct source *source = source_of(keys);
	if (source->confirmed_ms == 0)
		source->confirmed_ms = now_ms;
	bool changed = source->has_thread ? url_poll(source, now_ms) : file_poll(source, now_ms);
	return old_forget(source, now_ms) || changed;
}

static void source_close(struct token_keys *keys)
{
	struct source *source = source_of(keys);
	if (source->has_thread) {
		pthread_mutex_lock(&source->mutex);
		source->is_stopping = true;
		pthread_mutex_unlock(&source->mutex);
		pthread_cond_signal(&source->wake);
		CHECK(pthread_join(source->thread, NULL) == 0);
	}
	http_client_close(source->client);
	buf_free(&source->fetched);
	jwks_free(source->jwks);
	pthread_mutex_destroy(&source->mutex);
	pthread_cond_destroy(&source->wake);
	free(source);
}

static struct source *source_new(const struct token_keys_source *from)
{
	static const struct token_keys_ops ops = { source_verify, source_poll, source_close };
	pthread_condattr_t attributes;
	struct source *source = calloc(1, sizeof *source);
	CHECK(source != NULL);
	source->base.ops = &ops;
	source->from = *from;
	CHECK(pthread_mutex_init(&source->mutex, NULL) == 0);
	CHECK(pthread_condattr_init(&attributes) == 0);
	CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&source->wake, &attributes) == 0);
	CHECK(pthread_condattr_destroy(&attributes) == 0);
	return source;
}

bool token_keys_open(const struct token_keys_source *from, struct token_keys **ret_keys,
		     struct err *err)
{
	CHECK((from->file != NULL) != (from->url != NULL) && from->keep_ms > 0);
	struct source *source = source_new(from);
	bool ok = from->file != NULL ? file_take(source, err) : url_start(source, err);
	if (!ok) {
		source_close(&source->base);
		return false;
	}
	*ret_keys = &source->base;
	return true;
}
