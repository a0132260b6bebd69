/* What a withdrawal's acceptance costs when nothing is done but to accept it: libevent reads the
 * request, SQLite stores the rows that `sluice api` stores, in the same transaction (up to 64
 * requests at a time on a store thread), with the same pragmas; the answer goes out after the
 * commit. There is no authentication, no JSON, no validation, no MAC, no log, no metric: this is
 * the bar that bench/run puts beside the API, not a program to use.
 *
 *	probe DATABASE          prints its port; ends on SIGTERM
 *
 * The database has the schema already (`sluice migrate`). A change of the rows that
 * store_sql_accept.c writes has to be followed here; bench/run compares what both wrote.
 */
#include "core/id.h"
#include "core/lifecycle.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GROUP_MAX     64
#define IN_BYTES      8192
#define BACKLOG       1024
#define KEY_LEN_MAX   64
#define DUE_MS        30000
#define ACCOUNT       "default"
#define CACHE_KB      "16384"
#define CHECK_IT(did) check_it((did), #did)

struct connection {
	struct probe *probe;
	struct connection *next; /* in a list of requests */
	struct event *event;
	int fd;       /* -1: the client is gone, its request is at work */
	bool is_busy; /* between its request and its answer */
	size_t in_len;
	char key[KEY_LEN_MAX];
	uint8_t receiver[20];
	struct id id;
	int64_t now_ms;
	char in[IN_BYTES];
};

struct list {
	struct connection *first, *last;
};

enum { INSERT_WITHDRAWAL, INSERT_EVENT, INSERT_AUDIT, INSERT_MESSAGE, INSERTS };

struct probe {
	struct event_base *base;
	int listen_fd, wake_fd;
	sqlite3 *db;
	sqlite3_stmt *insert[INSERTS];
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct list waiting; /* for the store thread */
	struct list done;    /* for the loop */
};

static const char *const insert_text[INSERTS] = {
	[INSERT_WITHDRAWAL] =
		"INSERT INTO withdrawals (id, account, chain_id, asset, is_native, contract, decimals, "
		"receiver, amount, key_hash, external_id, external_hash, fingerprint, created_at, "
		"created_by, key_owner, correlation_id, metadata, intent_key_id, intent_mac, stage, version, due_at, "
		"updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'bench', ?, ?, ?, ?, "
		"?, ?, ?, ?)",
	[INSERT_EVENT] = "INSERT INTO events (withdrawal_id, sequence, at, type, actor, stage, "
			 "detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
	[INSERT_AUDIT] = "INSERT INTO audit (at, actor, who, request_id, action, subject, detail) "
			 "VALUES (?, ?, ?, ?, ?, ?, ?)",
	[INSERT_MESSAGE] = "INSERT INTO messages (queue, subject, correlation_id, created_at, "
			   "visible_at) VALUES (?, ?, ?, ?, ?)",
};

static void check_it(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void list_push(struct list *list, struct connection *connection)
{
	connection->next = NULL;
	if (list->first == NULL)
		list->first = connection;
	else
		list->last->next = connection;
	list->last = connection;
}

/* ---- the store ---- */

static void open_store(struct probe *probe, const char *path)
{
	const char *pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
			      "PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=1000; "
			      "PRAGMA trusted_schema=OFF; PRAGMA journal_size_limit=67108864; "
			      "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-" CACHE_KB;
	CHECK_IT(sqlite3_open_v2(path, &probe->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				 NULL) == SQLITE_OK);
	CHECK_IT(sqlite3_exec(probe->db, pragmas, NULL, NULL, NULL) == SQLITE_OK);
	for (int i = 0; i < INSERTS; i++)
		CHECK_IT(sqlite3_prepare_v3(probe->db, insert_text[i], -1,
					    SQLITE_PREPARE_PERSISTENT, &probe->insert[i],
					    NULL) == SQLITE_OK);
}

static void run(sqlite3_stmt *insert)
{
	CHECK_IT(sqlite3_step(insert) == SQLITE_DONE);
	CHECK_IT(sqlite3_reset(insert) == SQLITE_OK);
}

static void put_bytes(sqlite3_stmt *insert, int *at, const void *bytes, size_t len)
{
	sqlite3_bind_blob(insert, (*at)++, bytes, (int)len, SQLITE_STATIC);
}

static void put_text(sqlite3_stmt *insert, int *at, const char *text)
{
	sqlite3_bind_text(insert, (*at)++, text, -1, SQLITE_STATIC);
}

static void put_i64(sqlite3_stmt *insert, int *at, int64_t value)
{
	sqlite3_bind_int64(insert, (*at)++, value);
}

/* As random as a SHA-256 for an index, and cheap. */
static void hash_key(const char *key, uint8_t ret_hash[16])
{
	uint64_t mixed = UINT64_C(0xcbf29ce484222325);
	for (; *key != 0; key++)
		mixed = (mixed ^ (uint8_t)*key) * UINT64_C(0x100000001b3);
	for (int i = 0; i < 16; i++) {
		mixed = (mixed ^ (mixed >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
		ret_hash[i] = (uint8_t)(mixed >> 56);
	}
}

static void insert_withdrawal(struct probe *probe, const struct connection *request,
			      const char *correlation_id)
{
	static const uint8_t zeros[32], amount[32] = { [25] = 3, 141, 126, 164, 198, 128 };
	sqlite3_stmt *insert = probe->insert[INSERT_WITHDRAWAL];
	uint8_t key_hash[16];
	int at = 1;
	hash_key(request->key, key_hash);
	put_bytes(insert, &at, request->id.bytes, ID_BYTES);
	put_text(insert, &at, ACCOUNT);
	put_i64(insert, &at, 31337);
	put_text(insert, &at, "ETH");
	put_i64(insert, &at, 1);
	put_bytes(insert, &at, zeros, 20);
	put_i64(insert, &at, 18);
	put_bytes(insert, &at, request->receiver, sizeof request->receiver);
	put_bytes(insert, &at, amount, sizeof amount);
	put_bytes(insert, &at, key_hash, sizeof key_hash);
	at += 2; /* external id and its hash */
	put_bytes(insert, &at, zeros, sizeof zeros);
	put_i64(insert, &at, request->now_ms);
	put_text(insert, &at, "0123456789abcdef");
	put_text(insert, &at, correlation_id);
	at++; /* metadata */
	put_i64(insert, &at, 1);
	put_bytes(insert, &at, zeros, sizeof zeros);
	put_i64(insert, &at, WITHDRAWAL_ACCEPTED);
	put_i64(insert, &at, 1);
	put_i64(insert, &at, request->now_ms + DUE_MS);
	put_i64(insert, &at, request->now_ms);
	run(insert);
}

static void insert_rest(struct probe *probe, const struct connection *request,
			const char *correlation_id)
{
	sqlite3_stmt *insert = probe->insert[INSERT_EVENT];
	int at = 1;
	put_bytes(insert, &at, request->id.bytes, ID_BYTES);
	put_i64(insert, &at, 1);
	put_i64(insert, &at, request->now_ms);
	put_text(insert, &at, "accepted");
	put_i64(insert, &at, ACTOR_API);
	put_i64(insert, &at, WITHDRAWAL_ACCEPTED);
	put_text(insert, &at, "");
	run(insert);

	insert = probe->insert[INSERT_AUDIT];
	at = 1;
	put_i64(insert, &at, request->now_ms);
	put_i64(insert, &at, ACTOR_API);
	put_text(insert, &at, "0123456789abcdef");
	put_text(insert, &at, correlation_id);
	put_text(insert, &at, "accepted");
	put_bytes(insert, &at, request->id.bytes, ID_BYTES);
	put_text(insert, &at, "");
	run(insert);

	insert = probe->insert[INSERT_MESSAGE];
	at = 1;
	put_i64(insert, &at, QUEUE_REQUEST);
	put_bytes(insert, &at, request->id.bytes, ID_BYTES);
	put_text(insert, &at, correlation_id);
	put_i64(insert, &at, request->now_ms);
	put_i64(insert, &at, request->now_ms);
	run(insert);
}

static struct list take_group(struct probe *probe)
{
	struct list group = { 0 };
	pthread_mutex_lock(&probe->mutex);
	while (probe->waiting.first == NULL)
		pthread_cond_wait(&probe->wake, &probe->mutex);
	for (size_t i = 0; i < GROUP_MAX && probe->waiting.first != NULL; i++) {
		struct connection *request = probe->waiting.first;
		probe->waiting.first = request->next;
		list_push(&group, request);
	}
	pthread_mutex_unlock(&probe->mutex);
	return group;
}

static void *run_store(void *arg)
{
	static const uint64_t one = 1;
	struct probe *probe = arg;
	for (;;) {
		struct list group = take_group(probe);
		CHECK_IT(sqlite3_exec(probe->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == 0);
		for (struct connection *at = group.first; at != NULL; at = at->next) {
			struct id_text correlation_id = id_text(at->id);
			insert_withdrawal(probe, at, correlation_id.at);
			insert_rest(probe, at, correlation_id.at);
		}
		CHECK_IT(sqlite3_exec(probe->db, "COMMIT", NULL, NULL, NULL) == 0);
		pthread_mutex_lock(&probe->mutex);
		bool was_empty = probe->done.first == NULL;
		if (was_empty)
			probe->done.first = group.first;
		else
			probe->done.last->next = group.first;
		probe->done.last = group.last;
		pthread_mutex_unlock(&probe->mutex);
		if (was_empty)
			CHECK_IT(write(probe->wake_fd, &one, sizeof one) == sizeof one);
	}
	return NULL;
}

/* ---- HTTP, as far as a load generator speaks it ---- */

static void drop(struct connection *connection)
{
	if (connection->fd >= 0) {
		event_free(connection->event);
		close(connection->fd);
		connection->fd = -1;
	}
	if (!connection->is_busy)
		free(connection);
}

/* What the API answers, with the same fields. */
static void answer(struct connection *connection)
{
	char body[1024], head[512];
	struct id_text id = id_text(connection->id);
	int body_len = snprintf(
		body, sizeof body,
		"{\"id\":\"%s\",\"status\":\"PENDING\",\"stage\":\"accepted\","
		"\"account\":\"" ACCOUNT "\",\"chain\":\"anvil\",\"asset\":\"ETH\",\"to\":"
		"\"0x0000000000000000000000000000000000000000\",\"amount\":\"0.001\","
		"\"amount_base\":\"1000000000000000\",\"external_id\":null,\"metadata\":{},"
		"\"correlation_id\":\"%s\",\"created_at\":\"2026-01-01T00:00:00.000Z\","
		"\"updated_at\":\"2026-01-01T00:00:00.000Z\",\"version\":1}",
		id.at, id.at);
	int head_len = snprintf(head, sizeof head,
				"HTTP/1.1 202 Accepted\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
				"Content-Type: application/json\r\nRequest-Id: %s\r\n"
				"Cache-Control: no-store\r\nLocation: /v1/withdrawals/%s\r\n"
				"Content-Length: %d\r\n\r\n",
				id.at, id.at, body_len);
	struct iovec parts[2] = { { head, (size_t)head_len }, { body, (size_t)body_len } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	/* A client that is gone is found out by the next read. */
	(void)sendmsg(connection->fd, &message, MSG_NOSIGNAL);
}

static void on_done(evutil_socket_t fd, short what, void *arg)
{
	struct probe *probe = arg;
	uint64_t count;
	(void)what;
	CHECK_IT(read(fd, &count, sizeof count) == sizeof count);
	pthread_mutex_lock(&probe->mutex);
	struct connection *at = probe->done.first, *next;
	probe->done.first = NULL;
	pthread_mutex_unlock(&probe->mutex);
	for (; at != NULL; at = next) {
		next = at->next;
		at->is_busy = false;
		if (at->fd >= 0)
			answer(at);
		else
			drop(at);
	}
}

static int digit_of(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static void submit(struct connection *connection, const char *key, const char *to)
{
	struct probe *probe = connection->probe;
	struct timespec now;
	uint8_t random[10];
	size_t key_len = strcspn(key, "\r");
	clock_gettime(CLOCK_REALTIME, &now);
	CHECK_IT(getrandom(random, sizeof random, 0) == sizeof random);
	CHECK_IT(key_len < KEY_LEN_MAX);
	memcpy(connection->key, key, key_len);
	connection->key[key_len] = 0;
	for (size_t i = 0; i < sizeof connection->receiver; i++)
		connection->receiver[i] =
			(uint8_t)(digit_of(to[2 * i]) << 4 | digit_of(to[2 * i + 1]));
	connection->now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	connection->id = id_make(connection->now_ms, random);
	connection->is_busy = true;
	pthread_mutex_lock(&probe->mutex);
	bool was_empty = probe->waiting.first == NULL;
	list_push(&probe->waiting, connection);
	pthread_mutex_unlock(&probe->mutex);
	if (was_empty)
		pthread_cond_signal(&probe->wake);
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;
	(void)what;
	ssize_t got =
		recv(fd, connection->in + connection->in_len, IN_BYTES - 1 - connection->in_len, 0);
	if (got <= 0) {
		drop(connection);
		return;
	}
	connection->in_len += (size_t)got;
	connection->in[connection->in_len] = 0;
	const char *end = strstr(connection->in, "\r\n\r\n");
	const char *length = strstr(connection->in, "Content-Length: ");
	const char *key = strstr(connection->in, "Idempotency-Key: ");
	if (end == NULL || length == NULL || key == NULL)
		return;
	size_t body_len = strtoul(length + 16, NULL, 10);
	if ((size_t)(end + 4 - connection->in) + body_len > connection->in_len)
		return;
	const char *to = strstr(end, "\"to\":\"0x");
	CHECK_IT(to != NULL);
	connection->in_len = 0; /* one request at a time */
	submit(connection, key + 17, to + 8);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct probe *probe = arg;
	int on = 1;
	(void)what;
	int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client < 0)
		return;
	struct connection *connection = malloc(sizeof *connection);
	CHECK_IT(connection != NULL);
	connection->probe = probe;
	connection->fd = client;
	connection->is_busy = false;
	connection->in_len = 0;
	(void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	connection->event =
		event_new(probe->base, client, EV_READ | EV_PERSIST, on_read, connection);
	CHECK_IT(event_add(connection->event, NULL) == 0);
}

/* ---- the program ---- */

static void listen_on_loopback(struct probe *probe)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	probe->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK_IT(bind(probe->listen_fd, (struct sockaddr *)&address, len) == 0);
	CHECK_IT(listen(probe->listen_fd, BACKLOG) == 0);
	CHECK_IT(getsockname(probe->listen_fd, (struct sockaddr *)&address, &len) == 0);
	printf("%u\n", (unsigned)ntohs(address.sin_port));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct probe probe;
	pthread_t thread;
	if (argc != 2) {
		fprintf(stderr, "usage: probe DATABASE\n");
		return 2;
	}
	open_store(&probe, argv[1]);
	CHECK_IT(pthread_mutex_init(&probe.mutex, NULL) == 0);
	CHECK_IT(pthread_cond_init(&probe.wake, NULL) == 0);
	probe.base = event_base_new();
	probe.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK_IT(probe.base != NULL && probe.wake_fd >= 0);
	listen_on_loopback(&probe);
	struct event *accepting =
		event_new(probe.base, probe.listen_fd, EV_READ | EV_PERSIST, on_accept, &probe);
	struct event *done =
		event_new(probe.base, probe.wake_fd, EV_READ | EV_PERSIST, on_done, &probe);
	CHECK_IT(event_add(accepting, NULL) == 0 && event_add(done, NULL) == 0);
	CHECK_IT(pthread_create(&thread, NULL, run_store, &probe) == 0);
	event_base_dispatch(probe.base);
	return 0;
}
