/* From the outbox to the transport: claim rows, send them, delete those that were sent. Nothing is
 * locked while the transport is asked. A claim lasts a little longer than one request may, and is
 * renewed while requests are slow: a process that dies in between holds its rows up for seconds,
 * and they are sent (again). That costs a copy, which finds its row worked on, or changed. A
 * wake-up that is written meanwhile raises the row's generation, so that it is sent once more. */
#include "adapter/queue_outbox_parts.h"

#include "adapter/message_body.h"
#include "base/defence.h"

#include <string.h>

#define TRACEPARENT_LEN 55
#define SEND_CLAIM_MS   5000 /* longer than a request: queue.timeout_ms is 4000 at most */
#define SEND_RENEW_MS   500  /* the age at which a claim is renewed before the next request */
#define CLAIM_KEPT_MS   (INT64_C(15) * 24 * 3600 * 1000) /* longer than dead letters are kept */
#define SEND_AGAIN_MS   1000                             /* an entry that the transport refused */
#define CROWD_LOOK_MS   1000
#define SEND_VISIBLE_MS 60000 /* a row that is visible later than this has a wrong clock's time */

struct outgoing {
	struct message_ack ack;
	bool sent;
	size_t len;
	size_t traceparent_len;
	char body[MESSAGE_BODY_BYTES_MAX];
	char traceparent[TRACEPARENT_LEN];
};

static void due_put(struct sql *sql, enum queue_name name, int64_t now_ms, int64_t age_ms)
{
	sql_put_i64(sql, name);
	sql_put_i64(sql, now_ms - age_ms);
	sql_put_i64(sql, now_ms + SEND_VISIBLE_MS);
}

static bool anything_due(struct queue_outbox *self, enum queue_name name, int64_t age_ms,
			 bool *ret_any, struct err *err)
{
	struct sql sql = sql_prepare(
		self->options.db,
		"SELECT 1 FROM messages WHERE queue = ? AND (visible_at <= ? OR visible_at > ?) "
		"LIMIT 1",
		err);
	due_put(&sql, name, clock_now_ms(self->options.clock), age_ms);
	*ret_any = sql_next(&sql);
	return sql_end(&sql);
}

static bool due_load(struct queue_outbox *self, enum queue_name name, int64_t age_ms,
		     struct outgoing *ret_rows, size_t *ret_len, struct err *err)
{
	struct sql sql = sql_prepare(self->options.db,
				     "SELECT subject, generation, correlation_id FROM messages "
				     "WHERE queue = ? AND (visible_at <= ? OR visible_at > ?) "
				     "ORDER BY visible_at LIMIT ? {for update skip locked}",
				     err);
	char correlation_id[CORRELATION_ID_LEN_MAX + 1];
	size_t len = 0;
	due_put(&sql, name, clock_now_ms(self->options.clock), age_ms);
	sql_put_i64(&sql, BATCH_MAX);
	while (len < BATCH_MAX && sql_next(&sql)) {
		struct outgoing *row = &ret_rows[len++];
		struct buf body = buf_of(row->body, sizeof row->body);
		row->ack.queue = name;
		row->ack.subject = sql_take_id(&sql);
		row->ack.generation = sql_take_u64(&sql);
		sql_take_text(&sql, correlation_id, sizeof correlation_id);
		message_body_write(name, row->ack.subject, correlation_id, &body);
		row->len = body.len;
		struct buf trace = buf_of(row->traceparent, sizeof row->traceparent);
		message_traceparent_write(row->ack.subject, correlation_id, &trace);
		row->traceparent_len = trace.len;
	}
	*ret_len = len;
	return sql_end(&sql);
}

/* The generation is written as it was read: what is no count would never match its end. */
static bool row_claim(struct queue_outbox *self, const struct outgoing *row, int64_t until_ms,
		      struct err *err)
{
	struct sql sql = sql_prepare(self->options.db,
				     "UPDATE messages SET claim = ?, visible_at = ?, "
				     "generation = ? WHERE queue = ? AND subject = ?",
				     err);
	sql_put_bytes(&sql, row->ack.token, sizeof row->ack.token);
	sql_put_i64(&sql, until_ms);
	sql_put_u64(&sql, row->ack.generation);
	sql_put_i64(&sql, row->ack.queue);
	sql_put_id(&sql, row->ack.subject);
	return sql_later_one(&sql);
}

struct taking {
	struct queue_outbox *self;
	enum queue_name name;
	int64_t age_ms;
	struct outgoing *rows;
	size_t len;
};

static bool rows_claim(struct db *db, void *context, struct err *err)
{
	struct taking *taking = context;
	struct queue_outbox *self = taking->self;
	struct outgoing *rows = taking->rows;
	uint8_t token[16];
	size_t len = 0;
	int64_t until_ms = clock_now_ms(self->options.clock) + SEND_CLAIM_MS;
	if (!due_load(self, taking->name, taking->age_ms, rows, &len, err))
		return false;
	entropy_fill(self->options.entropy, token, sizeof token);
	taking->len = 0;
	for (size_t i = 0; i < len; i++) {
		if (id_is_zero(rows[i].ack.subject))
			continue;
		memcpy(rows[i].ack.token, token, sizeof token);
		if (!row_claim(self, &rows[i], until_ms, err))
			return false;
		if (taking->len != i)
			rows[taking->len] = rows[i];
		taking->len++;
	}
	return taking->len == len || messages_nameless_delete(db, taking->name, err);
}

static bool rows_take(struct queue_outbox *self, enum queue_name name, int64_t age_ms,
		      struct outgoing *ret_rows, size_t *ret_len, struct err *err)
{
	struct taking taking = { self, name, age_ms, ret_rows, 0 };
	if (!sql_write(self->options.db, rows_claim, &taking, err))
		return false;
	*ret_len = taking.len;
	return true;
}

/* One request. False: the transport is away, and nobody knows of these. */
static bool part_send(struct queue_outbox *self, enum queue_name name, struct outgoing *rows,
		      size_t n)
{
	struct transport_entry entries[TRANSPORT_BATCH_MAX];
	struct err err = { 0 };
	for (size_t i = 0; i < n; i++)
		entries[i] = (struct transport_entry){ .body = { rows[i].body, rows[i].len },
						       .traceparent = { rows[i].traceparent,
									rows[i].traceparent_len } };
	if (!transport_send_batch(self->options.transport, name, entries, n, &err)) {
		outbox_away(self, &err);
		return false;
	}
	outbox_present(self);
	for (size_t i = 0; i < n; i++) {
		rows[i].sent = entries[i].sent || !DEFENCE("sent_is_listed");
		self->crowds[name].waiting += entries[i].sent;
		metric_count(entries[i].sent ? self->sent : self->unsent, 1);
	}
	return true;
}

static struct id outgoing_id(const void *rows, size_t at)
{
	return ((const struct outgoing *)rows)[at].ack.subject;
}

struct renewal {
	const struct outgoing *rows;
	size_t n;
	int64_t until_ms;
};

/* Only what is still ours. */
static bool row_renew(struct db *db, const struct outgoing *row, int64_t until_ms, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "UPDATE messages SET visible_at = ? WHERE queue = ? "
				     "AND subject = ? AND claim = ?",
				     err);
	sql_put_i64(&sql, until_ms);
	sql_put_i64(&sql, row->ack.queue);
	sql_put_id(&sql, row->ack.subject);
	sql_put_bytes(&sql, row->ack.token, sizeof row->ack.token);
	return sql_later_any(&sql);
}

static bool rows_renew(struct db *db, void *context, struct err *err)
{
	const struct renewal *renewal = context;
	size_t places[BATCH_MAX];
	items_order(outgoing_id, renewal->rows, renewal->n, places);
	for (size_t i = 0; i < renewal->n; i++)
		if (!row_renew(db, &renewal->rows[places[i]], renewal->until_ms, err))
			return false;
	return true;
}

/* Those that were sent, too: they are deleted under the same claim. One that cannot be kept is no
 * fault: others send what they find, which costs copies. */
static void claims_keep(struct queue_outbox *self, const struct outgoing *rows, size_t n,
			int64_t *inout_claimed_at)
{
	struct renewal renewal = { rows, n, clock_now_ms(self->options.clock) + SEND_CLAIM_MS };
	struct err err = { 0 };
	int64_t now = clock_monotonic_ms(self->options.clock);
	if (now - *inout_claimed_at < SEND_RENEW_MS)
		return;
	*inout_claimed_at = now;
	if (!sql_write(self->options.db, rows_renew, &renewal, &err))
		metric_count(self->faults, 1);
}

static void rows_send(struct queue_outbox *self, enum queue_name name, struct outgoing *rows,
		      size_t n, int64_t claimed_at)
{
	for (size_t at = 0; at < n; at += TRANSPORT_BATCH_MAX) {
		size_t part = n - at < TRANSPORT_BATCH_MAX ? n - at : TRANSPORT_BATCH_MAX;
		claims_keep(self, rows, n, &claimed_at);
		if (!part_send(self, name, rows + at, part))
			return;
	}
}

/* What was not sent is visible again soon; a claim that another has by now is his. */
static bool row_open(struct queue_outbox *self, const struct outgoing *row, int64_t now_ms,
		     struct err *err)
{
	struct sql sql = sql_prepare(self->options.db,
				     "UPDATE messages SET claim = NULL, visible_at = ? "
				     "WHERE queue = ? AND subject = ? AND claim = ?",
				     err);
	sql_put_i64(&sql, now_ms + SEND_AGAIN_MS);
	sql_put_i64(&sql, row->ack.queue);
	sql_put_id(&sql, row->ack.subject);
	sql_put_bytes(&sql, row->ack.token, sizeof row->ack.token);
	return sql_later_any(&sql);
}

struct ending {
	struct queue_outbox *self;
	const struct outgoing *rows;
	size_t n;
};

static bool rows_end(struct db *db, void *context, struct err *err)
{
	const struct ending *ending = context;
	int64_t now_ms = clock_now_ms(ending->self->options.clock);
	struct message_ack sent[BATCH_MAX];
	size_t places[BATCH_MAX];
	size_t len = 0;
	items_order(outgoing_id, ending->rows, ending->n, places);
	for (size_t i = 0; i < ending->n; i++) {
		const struct outgoing *row = &ending->rows[places[i]];
		if (row->sent)
			sent[len++] = row->ack;
		else if (!row_open(ending->self, row, now_ms, err))
			return false;
	}
	return messages_end_here(db, sent, len, now_ms, err);
}

/* Without an answer nobody knows, and they go out: the bound saves time, not money. */
static bool is_crowded(struct queue_outbox *self, enum queue_name name)
{
	struct crowd *crowd = &self->crowds[name];
	struct transport_depth depth = { 0 };
	struct err err = { 0 };
	int64_t now = clock_monotonic_ms(self->options.clock);
	if (now >= crowd->look_at) {
		bool known = transport_depth(self->options.transport, name, &depth, &err);
		crowd->waiting = known ? depth.waiting : 0;
		crowd->look_at = now + CROWD_LOOK_MS;
	}
	return crowd->waiting >= self->options.waiting_max && DEFENCE("crowd_waits_here");
}

bool outbox_relay(struct queue_outbox *self, enum queue_name name, int64_t age_ms)
{
	struct outgoing rows[BATCH_MAX];
	struct err err = { 0 };
	size_t len = 0;
	bool any = false;
	memset(rows, 0, sizeof rows);
	if (!anything_due(self, name, age_ms, &any, &err) || !any || is_crowded(self, name))
		return false;
	int64_t claimed_at = clock_monotonic_ms(self->options.clock);
	if (!rows_take(self, name, age_ms, rows, &len, &err) || len == 0)
		return false;
	rows_send(self, name, rows, len, claimed_at);
	/* Without this the claim runs out, and they are sent once more. */
	struct ending ending = { self, rows, len };
	if (sql_write(self->options.db, rows_end, &ending, &err))
		return len == BATCH_MAX && !outbox_is_away(self);
	metric_count(self->faults, 1);
	return false;
}

static bool old_claims_delete(struct db *db, void *context, struct err *err)
{
	const int64_t *before_ms = context;
	struct sql sql = sql_prepare(db, "DELETE FROM message_claims WHERE claimed_until < ?", err);
	sql_put_i64(&sql, *before_ms);
	return sql_run(&sql, NULL);
}

void outbox_clean(struct queue_outbox *self)
{
	int64_t before_ms = clock_now_ms(self->options.clock) - CLAIM_KEPT_MS;
	struct err err = { 0 };
	if (!sql_write(self->options.db, old_claims_delete, &before_ms, &err))
		metric_count(self->faults, 1);
}
