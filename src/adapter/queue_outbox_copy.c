/* The copies that the transport delivered, as long as they are this consumer's. */
#include "adapter/queue_outbox_parts.h"

#include "adapter/message_body.h"

#include <string.h>

static void rubbish_tell(struct queue_outbox *self, enum queue_name name)
{
	struct log_about about = { .action = "message_not_ours" };
	metric_count(self->rubbish, 1);
	log_line(self->options.log, LOG_WARN, &about,
		 "something in the %s queue is none of our messages, and is deleted",
		 queue_name_text(name));
}

static void copy_add(struct queue_outbox *self, enum queue_name name,
		     const struct transport_message *message, int64_t hidden_until)
{
	CHECK(self->copies_len < COPIES_MAX);
	struct copy *copy = &self->copies[self->copies_len++];
	struct str body = { message->body, message->body_len };
	memset(copy, 0, sizeof *copy);
	copy->queue = name;
	copy->hidden_until = hidden_until;
	CHECK(memchr(message->receipt, 0, sizeof message->receipt) != NULL);
	memcpy(copy->receipt, message->receipt, strlen(message->receipt) + 1);
	if (message_body_read(body, name, &copy->subject, copy->correlation_id)) {
		copy->state = COPY_WAITING;
	} else {
		copy->state = COPY_ENDED;
		rubbish_tell(self, name);
	}
}

bool copies_receive(struct queue_outbox *self, enum queue_name name, size_t max,
		    int64_t visibility_ms, int64_t wait_ms)
{
	struct err err = { 0 };
	size_t len = 0;
	size_t room = COPIES_MAX - self->copies_len;
	int64_t hidden_until = clock_monotonic_ms(self->options.clock) + visibility_ms;
	max = max < room ? max : room;
	max = max < TRANSPORT_BATCH_MAX ? max : TRANSPORT_BATCH_MAX;
	if (max == 0)
		return true;
	if (!transport_receive(self->options.transport, name, max, visibility_ms, wait_ms,
			       self->received, &len, &err)) {
		outbox_away(self, &err);
		return false;
	}
	outbox_present(self);
	for (size_t i = 0; i < len; i++)
		copy_add(self, name, &self->received[i], hidden_until);
	return true;
}

size_t copies_waiting(const struct queue_outbox *self, enum queue_name name, bool with_taken)
{
	size_t count = 0;
	for (size_t i = 0; i < self->copies_len; i++) {
		const struct copy *copy = &self->copies[i];
		count += copy->state == COPY_WAITING && copy->queue == name &&
			 (with_taken || !copy->is_taken);
	}
	return count;
}

static void copies_compact(struct queue_outbox *self)
{
	size_t kept = 0;
	for (size_t i = 0; i < self->copies_len; i++) {
		if (self->copies[i].state == COPY_FORGOTTEN)
			continue;
		if (kept != i)
			self->copies[kept] = self->copies[i];
		kept++;
	}
	self->copies_len = kept;
}

static void stale_forget(struct queue_outbox *self)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	for (size_t i = 0; i < self->copies_len; i++)
		if (self->copies[i].hidden_until <= now)
			self->copies[i].state = COPY_FORGOTTEN;
}

/* A claim that is gone had its verdict. Where another one stands in its place, this one ran out,
 * and the copy is the other one's by now. */
static void claim_judge(struct copy *copy, bool found, const uint8_t token[16])
{
	if (!found)
		copy->state = COPY_ENDED;
	else if (memcmp(token, copy->token, sizeof copy->token) != 0)
		copy->state = COPY_FORGOTTEN;
}

struct claims_look {
	struct copy *copies[BATCH_MAX];
	bool found[BATCH_MAX];
	uint8_t tokens[BATCH_MAX][16];
	size_t len;
};

static bool claims_look(struct queue_outbox *self, enum queue_name name, struct claims_look *look,
			struct err *err)
{
	struct sql sql = sql_prepare(self->options.db,
				     "SELECT subject, claim FROM message_claims WHERE queue = ? "
				     "AND subject IN (" SQL_MARKS_BATCH ")",
				     err);
	struct id ids[BATCH_MAX];
	memset(look->found, 0, sizeof look->found);
	for (size_t i = 0; i < look->len; i++)
		ids[i] = look->copies[i]->subject;
	sql_put_i64(&sql, name);
	sql_put_ids(&sql, ids, look->len);
	while (sql_next(&sql)) {
		uint8_t token[16];
		struct id subject = sql_take_id(&sql);
		sql_take_bytes(&sql, token, sizeof token);
		for (size_t i = 0; i < look->len; i++) {
			if (!id_equal(ids[i], subject))
				continue;
			look->found[i] = true;
			memcpy(look->tokens[i], token, sizeof token);
		}
	}
	return sql_end(&sql);
}

/* Of one queue, many by one statement. */
static bool queue_verdicts_look(struct queue_outbox *self, enum queue_name name, struct err *err)
{
	struct claims_look look;
	for (size_t at = 0; at < self->copies_len;) {
		look.len = 0;
		for (; at < self->copies_len && look.len < BATCH_MAX; at++)
			if (self->copies[at].state == COPY_CLAIMED &&
			    self->copies[at].queue == name)
				look.copies[look.len++] = &self->copies[at];
		if (look.len == 0)
			return true;
		if (!claims_look(self, name, &look, err))
			return false;
		for (size_t i = 0; i < look.len; i++)
			claim_judge(look.copies[i], look.found[i], look.tokens[i]);
	}
	return true;
}

static void verdicts_look(struct queue_outbox *self)
{
	struct err err = { 0 };
	for (enum queue_name name = QUEUE_REQUEST; name <= QUEUE_MONITOR; name++)
		if (!queue_verdicts_look(self, name, &err))
			return;
}

/* One request of one queue. False: there is nothing, or the transport is away. */
static bool part_delete(struct queue_outbox *self, enum queue_name name)
{
	struct transport_receipt receipts[TRANSPORT_BATCH_MAX];
	struct copy *copies[TRANSPORT_BATCH_MAX];
	struct err err = { 0 };
	size_t n = 0;
	size_t done = 0;
	for (size_t i = 0; i < self->copies_len && n < TRANSPORT_BATCH_MAX; i++) {
		struct copy *copy = &self->copies[i];
		if (copy->state != COPY_ENDED || copy->queue != name)
			continue;
		receipts[n] = (struct transport_receipt){ .receipt = copy->receipt };
		copies[n++] = copy;
	}
	if (n == 0)
		return false;
	if (!transport_delete_batch(self->options.transport, name, receipts, n, &err)) {
		outbox_away(self, &err);
		return false;
	}
	outbox_present(self);
	for (size_t i = 0; i < n; i++) {
		if (receipts[i].done)
			copies[i]->state = COPY_FORGOTTEN;
		done += receipts[i].done;
	}
	/* Those that were refused wait for the next time. */
	return done == n;
}

void copies_settle(struct queue_outbox *self)
{
	verdicts_look(self);
	for (enum queue_name name = QUEUE_REQUEST; name <= QUEUE_MONITOR; name++)
		while (!outbox_is_away(self) && part_delete(self, name))
			;
	/* A receipt is good until the next delivery, which nobody tells: what had its verdict late
	 * was worth a try. */
	stale_forget(self);
	copies_compact(self);
}
