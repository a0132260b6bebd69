#include "adapter/queue_store.h"

#include "adapter/sql_message.h"
#include "adapter/sql_row.h"
#include "base/defence.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_PREFIX_MAX 80
/* No claim lasts longer than an hour. A message that is visible later than this was written while
 * the clock was wrong, and counts as visible. */
#define VISIBLE_AHEAD_MS (2 * INT64_C(3600) * 1000)

/* Claims of this host's consumers carry the number of their seat, 1 to SEATS_MAX. A seat is a host
 * lock: whoever gets it knows that the one before is dead, and takes what it held back at once,
 * where a claim would otherwise hide its message for as long as it was made. More consumers of a
 * queue than seats, and back ends without host locks, wait for that. */
#define SEATS_MAX  16
#define QUEUES_LEN 6

struct seat {
	uint8_t number;
	bool is_sought;
	bool is_cleared; /* of what its former owner held */
};

struct queue_store {
	struct queue base;
	struct db *db;
	struct clock *clock;
	struct entropy *entropy;
	char prefix[SOCKET_PREFIX_MAX + 1]; /* "" for no datagrams */
	int send_fd;
	int wait_fd; /* -1 until the first wait */
	enum queue_name wait_name;
	dev_t wait_device; /* of the socket's file, to know it again */
	ino_t wait_inode;
	struct seat seats[QUEUES_LEN]; /* by the place in `queues` */
};

_Static_assert(SOCKET_PREFIX_MAX + sizeof "-request-dlq" <
		       sizeof((struct sockaddr_un *)0)->sun_path,
	       "every socket path fits");

static const enum queue_name queues[QUEUES_LEN] = { QUEUE_REQUEST,     QUEUE_SIGNING,
						    QUEUE_MONITOR,     QUEUE_REQUEST_DLQ,
						    QUEUE_SIGNING_DLQ, QUEUE_MONITOR_DLQ };

static size_t place_of(enum queue_name name)
{
	size_t place = 0;
	while (place < QUEUES_LEN && queues[place] != name)
		place++;
	CHECK(place < QUEUES_LEN);
	return place;
}

static struct queue_store *self_of(struct queue *queue)
{
	return (struct queue_store *)(void *)queue;
}

/* --- seats --------------------------------------------------------------------------------------
 */

static void seat_seek(struct queue_store *self, enum queue_name name, struct seat *seat)
{
	char lock_name[48];
	seat->is_sought = true;
	seat->is_cleared = true;
	for (uint8_t number = 1; number <= SEATS_MAX; number++) {
		(void)snprintf(lock_name, sizeof lock_name, "claims-%s-%d", queue_name_text(name),
			       number);
		switch (db_host_lock(self->db, lock_name)) {
		case DB_LOCK_GAINED:
			seat->number = number;
			seat->is_cleared = false;
			return;
		case DB_LOCK_HELD: /* another queue over this connection sits there, alive */
			seat->number = number;
			return;
		case DB_LOCK_TAKEN:
			break;
		case DB_LOCK_PRIVATE:
		case DB_LOCK_UNSUPPORTED:
			return;
		}
	}
}

struct seat_write {
	enum queue_name name;
	uint8_t number;
	int64_t now_ms;
};

/* A claim that is taken back has been received without verdict, as one that ran out. */
static bool seat_write(struct db *db, void *context, struct err *err)
{
	const struct seat_write *seat = context;
	struct sql sql = sql_prepare(db,
				     "UPDATE messages SET visible_at = ? WHERE queue = ? "
				     "AND visible_at > ? AND visible_at <= ? "
				     "AND SUBSTR(claim, 1, 1) = ?",
				     err);
	sql_put_i64(&sql, seat->now_ms);
	sql_put_i64(&sql, seat->name);
	sql_put_i64(&sql, seat->now_ms);
	sql_put_i64(&sql, seat->now_ms + VISIBLE_AHEAD_MS);
	sql_put_bytes(&sql, &seat->number, 1);
	return sql_run(&sql, NULL);
}

/* Before the first claim of a process. */
static bool seat_take(struct queue_store *self, enum queue_name name, struct err *err)
{
	struct seat *seat = &self->seats[place_of(name)];
	if (!seat->is_sought)
		seat_seek(self, name, seat);
	if (seat->is_cleared || !DEFENCE("claims_of_the_dead"))
		return true;
	struct seat_write write = { name, seat->number, clock_now_ms(self->clock) };
	seat->is_cleared = sql_write(self->db, seat_write, &write, err);
	return seat->is_cleared;
}

/* --- claims -------------------------------------------------------------------------------------
 */

/* Messages that are visible in (after, until]. */
static bool visible_load(struct queue_store *self, enum queue_name name, int64_t after_ms,
			 int64_t until_ms, size_t max, struct message *ret_messages,
			 size_t *ret_len, struct err *err)
{
	struct sql sql = sql_prepare(self->db,
				     "SELECT subject, generation, receives, correlation_id "
				     "FROM messages WHERE queue = ? AND visible_at > ? "
				     "AND visible_at <= ? ORDER BY visible_at LIMIT ? "
				     "{for update skip locked}",
				     err);
	size_t len = 0;
	sql_put_i64(&sql, name);
	sql_put_i64(&sql, after_ms);
	sql_put_i64(&sql, until_ms);
	sql_put_i64(&sql, (int64_t)max);
	while (len < max && sql_next(&sql)) {
		struct message *message = &ret_messages[len++];
		message->ack = (struct message_ack){ .queue = name };
		message->ack.subject = sql_take_id(&sql);
		message->ack.generation = sql_take_u64(&sql);
		uint32_t before = sql_take_u32(&sql);
		message->receives = before < UINT32_MAX ? before + 1 : before;
		sql_take_text(&sql, message->correlation_id, sizeof message->correlation_id);
	}
	*ret_len = len;
	return sql_end(&sql);
}

/* A message that was received before without verdict is worked on alone: when its turn comes it is
 * the whole claim, and until then what is fresh passes it. Taking it only when nothing fresh is
 * there would keep it waiting for as long as the queue is busy. */
static size_t claim_len(struct message *messages, size_t len)
{
	size_t fresh = 0;
	if (!DEFENCE("received_before_comes_alone"))
		return len;
	if (len > 0 && messages[0].receives > 1)
		return 1;
	for (size_t i = 0; i < len; i++) {
		if (messages[i].receives > 1)
			continue;
		struct message swap = messages[fresh];
		messages[fresh] = messages[i];
		messages[i] = swap;
		fresh++;
	}
	return fresh;
}

/* The generation is written as it was read: what is no count would never match an ack. */
static bool claim_write(struct queue_store *self, struct message *message, int64_t until_ms,
			bool *ret_claimed, struct err *err)
{
	struct sql sql = sql_prepare(self->db,
				     "UPDATE messages SET claim = ?, visible_at = ?, "
				     "generation = ?, receives = {next small receives} "
				     "WHERE queue = ? AND subject = ?",
				     err);
	int64_t changed = 0;
	sql_put_bytes(&sql, message->ack.token, sizeof message->ack.token);
	sql_put_i64(&sql, until_ms);
	sql_put_u64(&sql, message->ack.generation);
	sql_put_i64(&sql, message->ack.queue);
	sql_put_id(&sql, message->ack.subject);
	if (!sql_run_count(&sql, &changed))
		return false;
	*ret_claimed = changed > 0;
	return true;
}

struct claim {
	struct queue_store *self;
	enum queue_name name;
	size_t max;
	int64_t visibility_ms;
	struct message *messages;
	size_t len;
};

static bool claim_in_transaction(struct db *db, void *context, struct err *err)
{
	struct claim *claim = context;
	struct queue_store *self = claim->self;
	struct message *messages = claim->messages;
	int64_t now_ms = clock_now_ms(self->clock);
	int64_t hidden_ms = DEFENCE("claim_runs_out") ? claim->visibility_ms : VISIBLE_AHEAD_MS;
	uint8_t token[16];
	size_t len = 0;
	if (!visible_load(self, claim->name, INT64_MIN, now_ms, claim->max, messages, &len, err))
		return false;
	if (len == 0 && !visible_load(self, claim->name, now_ms + VISIBLE_AHEAD_MS, INT64_MAX,
				      claim->max, messages, &len, err))
		return false;
	len = claim_len(messages, len);
	entropy_fill(self->entropy, token, sizeof token);
	token[0] = self->seats[place_of(claim->name)].number;
	claim->len = 0;
	for (size_t i = 0; i < len; i++) {
		bool is_claimed = false;
		memcpy(messages[i].ack.token, token, sizeof token);
		if (!claim_write(self, &messages[i], now_ms + hidden_ms, &is_claimed, err))
			return false;
		if (is_claimed)
			messages[claim->len++] = messages[i];
	}
	return claim->len == len || messages_nameless_delete(db, claim->name, err);
}

static bool anything_visible(struct queue_store *self, enum queue_name name, bool *ret_any,
			     struct err *err)
{
	struct sql sql = sql_prepare(
		self->db,
		"SELECT 1 FROM messages WHERE queue = ? AND (visible_at <= ? OR visible_at > ?) "
		"LIMIT 1",
		err);
	int64_t now_ms = clock_now_ms(self->clock);
	sql_put_i64(&sql, name);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, now_ms + VISIBLE_AHEAD_MS);
	*ret_any = sql_next(&sql);
	return sql_end(&sql);
}

static bool queue_store_claim(struct queue *queue, enum queue_name name, size_t max,
			      int64_t visibility_ms, struct message *ret_messages, size_t *ret_len,
			      struct err *err)
{
	struct queue_store *self = self_of(queue);
	bool any = false;
	*ret_len = 0;
	if (!seat_take(self, name, err))
		return false;
	/* Looking first: an idle consumer takes no writer's turn. */
	if (!anything_visible(self, name, &any, err))
		return false;
	if (!any)
		return true;
	struct claim claim = { self, name, max, visibility_ms, ret_messages, 0 };
	if (!sql_write(self->db, claim_in_transaction, &claim, err))
		return false;
	*ret_len = claim.len;
	return true;
}

struct extension {
	const struct message_ack *acks;
	size_t n;
	int64_t until_ms;
};

static bool extension_write(struct db *db, void *context, struct err *err)
{
	const struct extension *part = context;
	size_t places[BATCH_MAX];
	items_order(ack_id, part->acks, part->n, places);
	for (size_t i = 0; i < part->n; i++) {
		const struct message_ack *ack = &part->acks[places[i]];
		struct sql sql = sql_prepare(db,
					     "UPDATE messages SET visible_at = ? WHERE queue = ? "
					     "AND subject = ? AND claim = ?",
					     err);
		sql_put_i64(&sql, part->until_ms);
		sql_put_i64(&sql, ack->queue);
		sql_put_id(&sql, ack->subject);
		sql_put_bytes(&sql, ack->token, sizeof ack->token);
		if (!sql_run(&sql, NULL))
			return false;
	}
	return true;
}

static bool queue_store_extend(struct queue *queue, const struct message_ack *acks, size_t n,
			       int64_t visibility_ms, struct err *err)
{
	struct queue_store *self = self_of(queue);
	struct extension part = { acks, n, clock_now_ms(self->clock) + visibility_ms };
	return sql_write(self->db, extension_write, &part, err);
}

static bool queue_store_ack(struct queue *queue, const struct message_ack *acks, size_t n,
			    struct err *err)
{
	struct queue_store *self = self_of(queue);
	return messages_end(self->db, acks, n, clock_now_ms(self->clock), err);
}

static bool queue_store_stats(struct queue *queue, enum queue_name name,
			      struct queue_stats *ret_stats, struct err *err)
{
	struct queue_store *self = self_of(queue);
	return messages_stats(self->db, name, clock_now_ms(self->clock), ret_stats, err);
}

static socklen_t socket_path(const struct queue_store *self, enum queue_name name,
			     struct sockaddr_un *ret_address)
{
	memset(ret_address, 0, sizeof *ret_address);
	ret_address->sun_family = AF_UNIX;
	int len = snprintf(ret_address->sun_path, sizeof ret_address->sun_path, "%s-%s",
			   self->prefix, queue_name_text(name));
	CHECK(len > 0 && (size_t)len < sizeof ret_address->sun_path);
	return (socklen_t)sizeof *ret_address;
}

/* Nobody listening, or a full buffer (it is awake already): both are fine. */
static void queue_store_notify(struct queue *queue, enum queue_name name)
{
	struct queue_store *self = self_of(queue);
	struct sockaddr_un address;
	if (self->send_fd < 0)
		return;
	socklen_t len = socket_path(self, name, &address);
	(void)sendto(self->send_fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL,
		     (const struct sockaddr *)&address, len);
}

static void wait_bind(struct queue_store *self, enum queue_name name)
{
	struct sockaddr_un address;
	socklen_t len = socket_path(self, name, &address);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	(void)unlink(address.sun_path); /* of a predecessor */
	mode_t before = umask(0077);
	int bound = bind(fd, (const struct sockaddr *)&address, len);
	(void)umask(before);
	if (bound != 0) {
		(void)close(fd);
		return;
	}
	self->wait_fd = fd;
	self->wait_name = name;
	struct stat file;
	if (stat(address.sun_path, &file) == 0) {
		self->wait_device = file.st_dev;
		self->wait_inode = file.st_ino;
	}
}

/* A successor may have bound the path meanwhile: its file stays. */
static void wait_unbind(struct queue_store *self)
{
	struct sockaddr_un address;
	struct stat file;
	(void)socket_path(self, self->wait_name, &address);
	if (stat(address.sun_path, &file) == 0 && file.st_dev == self->wait_device &&
	    file.st_ino == self->wait_inode)
		(void)unlink(address.sun_path);
	(void)close(self->wait_fd);
}

static bool queue_store_wait(struct queue *queue, enum queue_name name, int64_t timeout_ms)
{
	struct queue_store *self = self_of(queue);
	char sink[8];
	if (self->prefix[0] != 0 && self->wait_fd < 0)
		wait_bind(self, name);
	CHECK(self->wait_fd < 0 || self->wait_name == name);
	struct pollfd poll_fd = { .fd = self->wait_fd, .events = POLLIN };
	int ready = poll(&poll_fd, 1, timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms);
	if (ready <= 0)
		return false;
	while (recv(self->wait_fd, sink, sizeof sink, MSG_DONTWAIT) >= 0)
		;
	return true;
}

static void queue_store_close(struct queue *queue)
{
	struct queue_store *self = self_of(queue);
	if (self->wait_fd >= 0)
		wait_unbind(self);
	if (self->send_fd >= 0)
		(void)close(self->send_fd);
	free(self);
}

static const struct queue_ops queue_store_ops = {
	.claim = queue_store_claim,
	.extend = queue_store_extend,
	.ack = queue_store_ack,
	.stats = queue_store_stats,
	.notify = queue_store_notify,
	.wait = queue_store_wait,
	.close = queue_store_close,
};

bool queue_store_open(struct db *db, struct clock *clock, struct entropy *entropy,
		      const char *socket_prefix, struct queue **ret_queue, struct err *err)
{
	if (socket_prefix != NULL && strlen(socket_prefix) > SOCKET_PREFIX_MAX)
		return err_set(err, ERR_REFUSED,
			       "the path %s is too long for a Unix socket: use a shorter data_dir",
			       socket_prefix);
	struct queue_store *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->base.ops = &queue_store_ops;
	self->db = db;
	self->clock = clock;
	self->entropy = entropy;
	self->wait_fd = -1;
	self->send_fd = -1;
	if (socket_prefix != NULL) {
		memcpy(self->prefix, socket_prefix, strlen(socket_prefix) + 1);
		self->send_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	}
	*ret_queue = &self->base;
	return true;
}
