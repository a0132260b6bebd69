/* The queue port over the outbox and a transport: claims, their ends, what is there. */
#include "adapter/queue_outbox_parts.h"

#include "base/defence.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define RELAY_INTERVAL_MS   1000
#define RELAY_AGE_MS        1000 /* until then the process that committed is expected to send */
#define CLEAN_INTERVAL_MS   (INT64_C(3600) * 1000)
#define AWAY_MS             1000 /* between two tries of a transport that is away */
#define VISIBILITY_FIRST_MS 30000
/* Of its visibility, that may have passed when a copy is handed out: one part in so many. */
#define WAITED_SHARE      4
#define RECEIVES_KEPT_MAX 1000000

static struct queue_outbox *self_of(struct queue *queue)
{
	return (struct queue_outbox *)(void *)queue;
}

void outbox_present(struct queue_outbox *self)
{
	struct log_about about = { .action = "queue_back" };
	if (self->is_away)
		log_line(self->options.log, LOG_INFO, &about, "the queue answers again");
	self->is_away = false;
	self->away_until = 0;
}

void outbox_away(struct queue_outbox *self, const struct err *err)
{
	struct log_about about = { .action = "queue_away", .err = err };
	metric_count(self->faults, 1);
	if (!self->is_away)
		log_line(self->options.log, LOG_WARN, &about,
			 "the queue does not answer; wake-ups wait in the database");
	self->is_away = true;
	self->away_until = clock_monotonic_ms(self->options.clock) + AWAY_MS;
}

bool outbox_is_away(const struct queue_outbox *self)
{
	return clock_monotonic_ms(self->options.clock) < self->away_until;
}

static void relay_if_due(struct queue_outbox *self)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	if (now < self->relay_at)
		return;
	self->relay_at = now + RELAY_INTERVAL_MS;
	for (enum queue_name name = QUEUE_REQUEST; name <= QUEUE_MONITOR && !outbox_is_away(self);
	     name++)
		if (DEFENCE("outbox_relay") && outbox_relay(self, name, RELAY_AGE_MS))
			self->relay_at = now; /* a backlog goes out without the pause */
	if (now < self->clean_at)
		return;
	self->clean_at = now + CLEAN_INTERVAL_MS;
	outbox_clean(self);
}

/* --- claims -------------------------------------------------------------------------------------
 */

/* What is chosen of the copies that wait, and how often each row was received before. */
struct choice {
	struct copy *copies[BATCH_MAX];
	uint32_t receives[BATCH_MAX]; /* without verdict, before this time */
	bool has_row[BATCH_MAX];      /* of a claim, of before */
	size_t len;
};

/* Copies, each of another row, and what the claims of these say. */
struct looked {
	struct copy *copies[BATCH_MAX];
	struct claim_row {
		bool is_there;
		bool is_taken;     /* somebody works on it */
		uint32_t receives; /* without verdict */
	} rows[BATCH_MAX];
	size_t len;
};

static void claim_take(struct sql *sql, int64_t now_ms, struct claim_row *ret_row)
{
	uint64_t receives = sql_take_u64(sql);
	if (!DEFENCE("rows_own_count"))
		receives = 0;
	int64_t until_ms = sql_take_i64(sql);
	ret_row->is_there = true;
	ret_row->is_taken = until_ms > now_ms && until_ms <= now_ms + CLAIM_AHEAD_MS;
	ret_row->receives = receives < RECEIVES_KEPT_MAX ? (uint32_t)receives : RECEIVES_KEPT_MAX;
}

/* Locked, in the order of their subjects. */
static bool claims_load(struct queue_outbox *self, enum queue_name name, struct looked *looked,
			struct err *err)
{
	struct sql sql = sql_prepare(self->options.db,
				     "SELECT subject, receives, claimed_until FROM message_claims "
				     "WHERE queue = ? AND subject IN (" SQL_MARKS_BATCH
				     ") ORDER BY subject {for update}",
				     err);
	struct id ids[BATCH_MAX];
	int64_t now_ms = clock_now_ms(self->options.clock);
	for (size_t i = 0; i < looked->len; i++)
		ids[i] = looked->copies[i]->subject;
	sql_put_i64(&sql, name);
	sql_put_ids(&sql, ids, looked->len);
	while (sql_next(&sql)) {
		struct claim_row row;
		struct id subject = sql_take_id(&sql);
		claim_take(&sql, now_ms, &row);
		for (size_t i = 0; i < looked->len; i++)
			if (id_equal(ids[i], subject))
				looked->rows[i] = row;
	}
	return sql_end(&sql);
}

static bool is_looked_at(const struct looked *looked, struct id subject)
{
	for (size_t i = 0; i < looked->len; i++)
		if (id_equal(looked->copies[i]->subject, subject))
			return true;
	return false;
}

static bool is_chosen(const struct choice *choice, struct id subject)
{
	for (size_t i = 0; i < choice->len; i++)
		if (id_equal(choice->copies[i]->subject, subject))
			return true;
	return false;
}

/* The next copies that wait, in the order of arrival. */
static void looked_fill(struct queue_outbox *self, enum queue_name name,
			const struct choice *choice, size_t *inout_at, struct looked *looked)
{
	looked->len = 0;
	for (; *inout_at < self->copies_len && looked->len < BATCH_MAX; (*inout_at)++) {
		struct copy *copy = &self->copies[*inout_at];
		if (copy->state != COPY_WAITING || copy->queue != name ||
		    is_chosen(choice, copy->subject) || is_looked_at(looked, copy->subject))
			continue;
		looked->rows[looked->len] = (struct claim_row){ .is_there = false };
		looked->copies[looked->len++] = copy;
	}
}

/* *ret_over: what was received before comes alone. */
static void looked_choose(const struct looked *looked, size_t max, struct choice *choice,
			  bool *ret_over)
{
	for (size_t i = 0; i < looked->len && choice->len < max && !*ret_over; i++) {
		const struct claim_row *row = &looked->rows[i];
		struct copy *copy = looked->copies[i];
		copy->is_taken = row->is_taken;
		if (row->is_taken || (row->receives > 0 && choice->len > 0))
			continue;
		choice->receives[choice->len] = row->receives;
		choice->has_row[choice->len] = row->is_there;
		choice->copies[choice->len++] = copy;
		*ret_over = row->receives > 0;
	}
}

/* In the order of arrival. What was received before without verdict is worked on alone: when its
 * turn comes it is the whole claim, and until then what is fresh passes it. A row that somebody
 * works on keeps its copy, which has its turn afterwards. */
static bool choose(struct queue_outbox *self, enum queue_name name, size_t max,
		   struct choice *choice, struct err *err)
{
	struct looked looked;
	bool over = false;
	choice->len = 0;
	for (size_t at = 0; at < self->copies_len && choice->len < max && !over;) {
		looked_fill(self, name, choice, &at, &looked);
		if (looked.len == 0)
			break;
		if (!claims_load(self, name, &looked, err))
			return false;
		looked_choose(&looked, max, choice, &over);
	}
	return true;
}

struct claim {
	struct queue_outbox *self;
	enum queue_name name;
	size_t max;
	int64_t visibility_ms;
	uint8_t token[16];
	int64_t until_ms;
	struct choice choice;
};

/* Both statements have their parameters in this order. */
static void claim_put(struct sql *sql, const struct claim *claim, size_t at)
{
	sql_put_i64(sql, claim->choice.receives[at] + 1);
	sql_put_i64(sql, claim->until_ms);
	sql_put_bytes(sql, claim->token, sizeof claim->token);
	sql_put_i64(sql, claim->name);
	sql_put_id(sql, claim->choice.copies[at]->subject);
}

static bool claim_update(const struct claim *claim, size_t at, struct err *err)
{
	struct sql sql = sql_prepare(claim->self->options.db,
				     "UPDATE message_claims SET receives = ?, "
				     "claimed_until = ?, claim = ? "
				     "WHERE queue = ? AND subject = ?",
				     err);
	claim_put(&sql, claim, at);
	return sql_later_one(&sql);
}

/* *ret_taken: one of them has a claim since the look, and none was inserted. */
static bool claims_insert(const struct claim *claim, const size_t *places, size_t n,
			  bool *ret_taken, struct err *err)
{
	struct sql sql = sql_prepare(claim->self->options.db,
				     "INSERT INTO message_claims (receives, claimed_until, "
				     "claim, queue, subject) VALUES (?, ?, ?, ?, ?)",
				     err);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sql_put_next_row(&sql);
		claim_put(&sql, claim, places[i]);
	}
	return sql_run(&sql, ret_taken);
}

static struct id chosen_id(const void *copies, size_t at)
{
	return ((struct copy *const *)copies)[at]->subject;
}

/* Whom somebody else inserts at the same time has them inserted one by one. */
static bool claims_write(const struct claim *claim, struct err *err)
{
	const struct choice *choice = &claim->choice;
	size_t places[BATCH_MAX];
	size_t fresh[BATCH_MAX];
	size_t len = 0;
	bool taken = false;
	items_order(chosen_id, choice->copies, choice->len, places);
	for (size_t i = 0; i < choice->len; i++) {
		if (!choice->has_row[places[i]])
			fresh[len++] = places[i];
		else if (!claim_update(claim, places[i], err))
			return false;
	}
	if (len > 0 && !claims_insert(claim, fresh, len, &taken, err))
		return false;
	for (size_t i = 0; i < len && taken; i++)
		if (!claims_insert(claim, &fresh[i], 1, &choice->copies[fresh[i]]->is_taken, err))
			return false;
	return true;
}

static bool choice_write(struct db *db, void *context, struct err *err)
{
	struct claim *claim = context;
	struct queue_outbox *self = claim->self;
	struct choice *choice = &claim->choice;
	size_t kept = 0;
	(void)db; /* the queue's own */
	claim->until_ms = clock_now_ms(self->options.clock) +
			  (DEFENCE("claim_runs_out") ? claim->visibility_ms : CLAIM_AHEAD_MS);
	if (!choose(self, claim->name, claim->max, choice, err) || !claims_write(claim, err))
		return false;
	for (size_t i = 0; i < choice->len; i++) {
		choice->copies[kept] = choice->copies[i];
		choice->receives[kept] = choice->receives[i];
		kept += choice->copies[i]->is_taken ? 0 : 1;
	}
	choice->len = kept;
	return true;
}

/* All copies of a row end with its claim. */
static void copies_mark(struct queue_outbox *self, const struct copy *chosen,
			const uint8_t token[16])
{
	struct id subject = chosen->subject;
	enum queue_name queue = chosen->queue;
	for (size_t i = 0; i < self->copies_len; i++) {
		struct copy *copy = &self->copies[i];
		if (copy->state != COPY_WAITING || copy->queue != queue ||
		    !id_equal(copy->subject, subject))
			continue;
		copy->state = COPY_CLAIMED;
		memcpy(copy->token, token, sizeof copy->token);
	}
}

static void message_fill(const struct copy *copy, uint32_t receives, const uint8_t token[16],
			 struct message *ret_message)
{
	memset(ret_message, 0, sizeof *ret_message);
	ret_message->ack.queue = copy->queue;
	ret_message->ack.subject = copy->subject;
	ret_message->ack.is_received = true;
	memcpy(ret_message->ack.token, token, sizeof ret_message->ack.token);
	ret_message->receives = receives;
	memcpy(ret_message->correlation_id, copy->correlation_id,
	       sizeof ret_message->correlation_id);
}

struct extension {
	enum queue_name queue;
	int64_t visibility_ms;
	struct transport_receipt receipts[TRANSPORT_BATCH_MAX];
	struct copy *copies[TRANSPORT_BATCH_MAX];
	size_t len;
};

/* A copy whose receipt is stale comes to somebody else, who finds the row claimed. */
static void extension_flush(struct queue_outbox *self, struct extension *part)
{
	int64_t until = clock_monotonic_ms(self->options.clock) + part->visibility_ms;
	struct err err = { 0 };
	if (part->len > 0 && !outbox_is_away(self) &&
	    !transport_extend_batch(self->options.transport, part->queue, part->receipts, part->len,
				    part->visibility_ms, &err))
		outbox_away(self, &err);
	for (size_t i = 0; i < part->len; i++)
		if (part->receipts[i].done)
			part->copies[i]->hidden_until = until;
	part->len = 0;
}

static void extension_add(struct queue_outbox *self, struct extension *part, struct copy *copy)
{
	if (part->len == TRANSPORT_BATCH_MAX || (part->len > 0 && part->queue != copy->queue))
		extension_flush(self, part);
	part->queue = copy->queue;
	part->receipts[part->len] = (struct transport_receipt){ copy->receipt, false };
	part->copies[part->len++] = copy;
}

/* What has waited here for its turn is not hidden for as long as its claim is good. */
static void waited_extend(struct queue_outbox *self, const uint8_t token[16], int64_t visibility_ms)
{
	int64_t enough = clock_monotonic_ms(self->options.clock) + visibility_ms -
			 visibility_ms / WAITED_SHARE;
	struct extension part = { .visibility_ms = visibility_ms };
	for (size_t i = 0; i < self->copies_len; i++) {
		struct copy *copy = &self->copies[i];
		if (copy->state == COPY_CLAIMED && copy->hidden_until < enough &&
		    memcmp(copy->token, token, sizeof copy->token) == 0)
			extension_add(self, &part, copy);
	}
	extension_flush(self, &part);
}

static bool copies_claim(struct queue_outbox *self, enum queue_name name, size_t max,
			 int64_t visibility_ms, struct message *ret_messages, size_t *ret_len,
			 struct err *err)
{
	struct claim claim = {
		.self = self, .name = name, .max = max, .visibility_ms = visibility_ms
	};
	const struct choice *choice = &claim.choice;
	entropy_fill(self->options.entropy, claim.token, sizeof claim.token);
	if (!sql_write(self->options.db, choice_write, &claim, err))
		return false;
	for (size_t i = 0; i < choice->len; i++) {
		message_fill(choice->copies[i], choice->receives[i] + 1, claim.token,
			     &ret_messages[i]);
		copies_mark(self, choice->copies[i], claim.token);
	}
	*ret_len = choice->len;
	waited_extend(self, claim.token, visibility_ms);
	return true;
}

static bool outbox_claim(struct queue *queue, enum queue_name name, size_t max,
			 int64_t visibility_ms, struct message *ret_messages, size_t *ret_len,
			 struct err *err)
{
	struct queue_outbox *self = self_of(queue);
	*ret_len = 0;
	self->visibility_ms = visibility_ms;
	self->has_claimed = true;
	copies_settle(self);
	relay_if_due(self);
	/* One request after the other, until one comes back with less than it was asked for. */
	for (bool more = !outbox_is_away(self); more;) {
		size_t waiting = copies_waiting(self, name, false);
		size_t wanted = waiting < max ? max - waiting : 0;
		wanted = wanted < TRANSPORT_BATCH_MAX ? wanted : TRANSPORT_BATCH_MAX;
		if (wanted == 0 || !copies_receive(self, name, wanted, visibility_ms, 0))
			break;
		more = copies_waiting(self, name, false) - waiting == wanted;
	}
	if (copies_waiting(self, name, true) == 0)
		return true;
	return copies_claim(self, name, max, visibility_ms, ret_messages, ret_len, err);
}

/* --- their ends ---------------------------------------------------------------------------------
 */

struct claims_extension {
	const struct message_ack *acks;
	size_t n;
	int64_t until_ms;
};

static bool claims_extend(struct db *db, void *context, struct err *err)
{
	const struct claims_extension *claims = context;
	size_t places[BATCH_MAX];
	items_order(ack_id, claims->acks, claims->n, places);
	for (size_t i = 0; i < claims->n; i++) {
		const struct message_ack *ack = &claims->acks[places[i]];
		struct sql sql = sql_prepare(db,
					     "UPDATE message_claims SET claimed_until = ? "
					     "WHERE queue = ? AND subject = ? AND claim = ?",
					     err);
		sql_put_i64(&sql, claims->until_ms);
		sql_put_i64(&sql, ack->queue);
		sql_put_id(&sql, ack->subject);
		sql_put_bytes(&sql, ack->token, sizeof ack->token);
		if (!sql_later_any(&sql))
			return false;
	}
	return true;
}

static bool is_of(const struct copy *copy, const struct message_ack *ack)
{
	return copy->state == COPY_CLAIMED && copy->queue == ack->queue &&
	       id_equal(copy->subject, ack->subject) &&
	       memcmp(copy->token, ack->token, sizeof copy->token) == 0;
}

static void copies_extend(struct queue_outbox *self, const struct message_ack *ack,
			  struct extension *part)
{
	for (size_t i = 0; i < self->copies_len; i++) {
		struct copy *copy = &self->copies[i];
		if (is_of(copy, ack))
			extension_add(self, part, copy);
	}
}

static bool outbox_extend(struct queue *queue, const struct message_ack *acks, size_t n,
			  int64_t visibility_ms, struct err *err)
{
	struct queue_outbox *self = self_of(queue);
	struct extension part = { .visibility_ms = visibility_ms };
	struct claims_extension claims = { acks, n,
					   clock_now_ms(self->options.clock) + visibility_ms };
	if (!sql_write(self->options.db, claims_extend, &claims, err))
		return false;
	for (size_t i = 0; i < n; i++)
		copies_extend(self, &acks[i], &part);
	extension_flush(self, &part);
	return true;
}

static bool outbox_ack(struct queue *queue, const struct message_ack *acks, size_t n,
		       struct err *err)
{
	struct queue_outbox *self = self_of(queue);
	if (!messages_end(self->options.db, acks, n, clock_now_ms(self->options.clock), err))
		return false;
	copies_settle(self);
	return true;
}

/* --- the rest -----------------------------------------------------------------------------------
 */

/* What is in the outbox waits, also while it is being sent. Nobody tells the age of what is in the
 * transport. */
static bool outbox_stats(struct queue *queue, enum queue_name name, struct queue_stats *ret_stats,
			 struct err *err)
{
	struct queue_outbox *self = self_of(queue);
	struct transport_depth depth = { 0 };
	struct queue_stats stats = { 0 };
	if (!messages_stats(self->options.db, name, clock_now_ms(self->options.clock), &stats, err))
		return false;
	if (name <= QUEUE_MONITOR) {
		if (!transport_depth(self->options.transport, name, &depth, err))
			return false;
		stats.waiting += stats.claimed + depth.waiting;
		stats.delayed += depth.delayed;
		stats.claimed = depth.claimed;
	}
	*ret_stats = stats;
	return true;
}

static void outbox_notify(struct queue *queue, enum queue_name name)
{
	struct queue_outbox *self = self_of(queue);
	if (name <= QUEUE_MONITOR && !outbox_is_away(self))
		(void)outbox_relay(self, name, 0);
}

/* The long poll. What it brings is handed out by the next claim, and is hidden from all others: who
 * has not claimed since the last one (no slot is free, say) only sleeps. */
static bool outbox_wait(struct queue *queue, enum queue_name name, int64_t timeout_ms)
{
	struct queue_outbox *self = self_of(queue);
	int64_t wait_ms = timeout_ms < TRANSPORT_WAIT_MS_MAX ? timeout_ms : TRANSPORT_WAIT_MS_MAX;
	size_t before;
	bool takes = self->has_claimed;
	self->has_claimed = false;
	copies_settle(self);
	relay_if_due(self);
	if (self->relay_at <= clock_monotonic_ms(self->options.clock))
		wait_ms = 0; /* there is a backlog to send */
	before = copies_waiting(self, name, false);
	if (takes && !outbox_is_away(self) &&
	    copies_receive(self, name, TRANSPORT_BATCH_MAX, self->visibility_ms, wait_ms))
		return copies_waiting(self, name, false) > before;
	(void)poll(NULL, 0, wait_ms < AWAY_MS ? (int)wait_ms : AWAY_MS);
	return false;
}

/* What it still holds comes to others when its time is over. */
static void outbox_close(struct queue *queue)
{
	free(self_of(queue));
}

static const struct queue_ops outbox_ops = {
	.claim = outbox_claim,
	.extend = outbox_extend,
	.ack = outbox_ack,
	.stats = outbox_stats,
	.notify = outbox_notify,
	.wait = outbox_wait,
	.close = outbox_close,
};

struct queue *queue_outbox_new(const struct queue_outbox_options *options)
{
	struct queue_outbox *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->base.ops = &outbox_ops;
	self->options = *options;
	if (options->waiting_max == 0)
		self->options.waiting_max = OUTBOX_WAITING_MAX;
	self->visibility_ms = VISIBILITY_FIRST_MS;
	const char *entries = "sluice_queue_sends_total";
	const char *help = "Wake-ups handed to the external queue.";
	self->sent =
		metric_add(options->metrics, METRIC_COUNTER, entries, "outcome=\"sent\"", help);
	self->unsent =
		metric_add(options->metrics, METRIC_COUNTER, entries, "outcome=\"refused\"", help);
	self->rubbish = metric_add(options->metrics, METRIC_COUNTER, "sluice_queue_rubbish_total",
				   "", "Messages in the external queue that are none of ours.");
	self->faults = metric_add(options->metrics, METRIC_COUNTER, "sluice_queue_faults_total", "",
				  "Requests to the external queue that got no answer.");
	return &self->base;
}
