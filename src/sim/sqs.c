#include "sim/sqs.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUES       3
#define RETENTION_MS (INT64_C(4) * 24 * 3600 * 1000)
#define DEAD_MS      (INT64_C(14) * 24 * 3600 * 1000)
#define BODY_MAX     MESSAGE_BODY_BYTES_MAX /* longer ones are cut, as for who receives them */

struct sqs_message {
	uint64_t number;
	int64_t sent_at;
	int64_t visible_at;
	uint32_t receives; /* the newest receipt's number, too */
	size_t len;
	char body[BODY_MAX];
};

struct sqs_list {
	struct sqs_message *at;
	size_t len;
	size_t cap;
};

struct sim_sqs {
	struct queue_transport base;
	struct clock *clock;
	struct sim_random random;
	struct sim_sqs_settings settings;
	struct sqs_list queues[QUEUES];
	struct sqs_list dead[QUEUES];
	uint64_t next_number;
	uint64_t counts[SIM_SQS_EVENTS];
};

static const char *const event_texts[SIM_SQS_EVENTS] = {
	[SIM_SQS_SENT] = "entries sent",
	[SIM_SQS_REFUSED] = "entries refused",
	[SIM_SQS_LATE] = "late",
	[SIM_SQS_DOUBLED] = "doubled",
	[SIM_SQS_MISSED] = "missed by a receive",
	[SIM_SQS_DELIVERED] = "delivered",
	[SIM_SQS_AGAIN] = "delivered and not hidden",
	[SIM_SQS_CAME_BACK] = "delivered again",
	[SIM_SQS_STALE] = "stale receipts",
	[SIM_SQS_UNDELETED] = "deleted and still there",
	[SIM_SQS_BURIED] = "dead letters",
	[SIM_SQS_REDRIVEN] = "dead letters put back",
	[SIM_SQS_WIPED] = "wiped",
};

const char *sim_sqs_event_text(enum sim_sqs_event event)
{
	CHECK(event < SIM_SQS_EVENTS);
	return event_texts[event];
}

static struct sim_sqs *self_of(struct queue_transport *transport)
{
	return (struct sim_sqs *)(void *)transport;
}

static struct sqs_list *list_of(struct sim_sqs *self, enum queue_name name)
{
	CHECK(name >= QUEUE_REQUEST && name <= QUEUE_MONITOR);
	return &self->queues[name - QUEUE_REQUEST];
}

static int64_t now_of(const struct sim_sqs *self)
{
	return clock_monotonic_ms(self->clock);
}

static bool happens(struct sim_sqs *self, unsigned per_mille, enum sim_sqs_event event)
{
	if (!sim_random_chance(&self->random, per_mille))
		return false;
	self->counts[event]++;
	return true;
}

static struct sqs_message *list_add(struct sqs_list *list)
{
	if (list->len == list->cap) {
		list->cap = list->cap == 0 ? 64 : 2 * list->cap;
		list->at = realloc(list->at, list->cap * sizeof *list->at);
		CHECK(list->at != NULL);
	}
	return &list->at[list->len++];
}

static void list_remove(struct sqs_list *list, size_t index)
{
	memmove(&list->at[index], &list->at[index + 1], (list->len - index - 1) * sizeof *list->at);
	list->len--;
}

static void list_expire(struct sqs_list *list, int64_t before)
{
	for (size_t i = list->len; i > 0; i--)
		if (list->at[i - 1].sent_at < before)
			list_remove(list, i - 1);
}

/* --- sending ------------------------------------------------------------------------------------
 */

static void message_add(struct sim_sqs *self, enum queue_name name, struct str body)
{
	struct sqs_message *message = list_add(list_of(self, name));
	int64_t now = now_of(self);
	*message = (struct sqs_message){
		.number = ++self->next_number, .sent_at = now, .visible_at = now, .len = body.len
	};
	memcpy(message->body, body.at, body.len < BODY_MAX ? body.len : BODY_MAX);
	if (happens(self, self->settings.late_per_mille, SIM_SQS_LATE)) {
		uint64_t late_ms = (uint64_t)self->settings.late_ms_max;
		message->visible_at += (int64_t)sim_random_below(&self->random, late_ms + 1);
	}
}

static bool send_batch(struct queue_transport *transport, enum queue_name name,
		       struct transport_entry *entries, size_t n, struct err *err)
{
	struct sim_sqs *self = self_of(transport);
	(void)err;
	for (size_t i = 0; i < n; i++) {
		if (happens(self, self->settings.refuse_per_mille, SIM_SQS_REFUSED))
			continue;
		message_add(self, name, entries[i].body);
		self->counts[SIM_SQS_SENT]++;
		if (happens(self, self->settings.double_per_mille, SIM_SQS_DOUBLED))
			message_add(self, name, entries[i].body);
		entries[i].sent = true;
	}
	return true;
}

/* --- receiving ----------------------------------------------------------------------------------
 */

static void bury(struct sim_sqs *self, enum queue_name name, size_t index)
{
	struct sqs_list *list = list_of(self, name);
	struct sqs_message *dead = list_add(&self->dead[name - QUEUE_REQUEST]);
	*dead = list->at[index];
	list_remove(list, index);
	self->counts[SIM_SQS_BURIED]++;
}

/* Those that were received often enough go to the dead letters when somebody would receive them. */
static void graves_fill(struct sim_sqs *self, enum queue_name name, int64_t now)
{
	struct sqs_list *list = list_of(self, name);
	unsigned max = self->settings.max_receives;
	for (size_t i = list->len; max > 0 && i > 0; i--)
		if (list->at[i - 1].visible_at <= now && list->at[i - 1].receives >= max)
			bury(self, name, i - 1);
}

/* The visible one that has waited longest, or any: its index, or the length of the list. `taken`
 * are not to be had twice in one answer. */
static size_t message_pick(struct sim_sqs *self, const struct sqs_list *list, int64_t now,
			   const uint64_t *taken, size_t taken_len)
{
	size_t best = list->len;
	uint64_t seen = 0;
	for (size_t i = 0; i < list->len; i++) {
		const struct sqs_message *message = &list->at[i];
		bool again = false;
		for (size_t k = 0; k < taken_len; k++)
			again = again || taken[k] == message->number;
		if (again || message->visible_at > now)
			continue;
		seen++;
		bool earlier = best == list->len || message->visible_at < list->at[best].visible_at;
		if (self->settings.disorder ? sim_random_below(&self->random, seen) == 0 : earlier)
			best = i;
	}
	return best;
}

static void message_deliver(struct sim_sqs *self, struct sqs_message *message, int64_t until,
			    enum queue_name name, struct transport_message *ret_message)
{
	if (message->receives++ > 0)
		self->counts[SIM_SQS_CAME_BACK]++;
	self->counts[SIM_SQS_DELIVERED]++;
	if (!happens(self, self->settings.again_per_mille, SIM_SQS_AGAIN))
		message->visible_at = until;
	ret_message->body_len = message->len;
	memcpy(ret_message->body, message->body,
	       message->len < sizeof ret_message->body ? message->len : sizeof ret_message->body);
	(void)snprintf(ret_message->receipt, sizeof ret_message->receipt, "%d-%" PRIu64 "-%u",
		       (int)name, message->number, message->receives);
}

/* It cannot wait: nothing comes while the only thread does. */
static bool receive(struct queue_transport *transport, enum queue_name name, size_t max,
		    int64_t visibility_ms, int64_t wait_ms, struct transport_message *ret_messages,
		    size_t *ret_len, struct err *err)
{
	struct sim_sqs *self = self_of(transport);
	struct sqs_list *list = list_of(self, name);
	uint64_t taken[TRANSPORT_BATCH_MAX];
	int64_t now = now_of(self);
	(void)wait_ms;
	(void)err;
	*ret_len = 0;
	list_expire(list, now - RETENTION_MS);
	graves_fill(self, name, now);
	if (list->len > 0 && happens(self, self->settings.miss_per_mille, SIM_SQS_MISSED))
		return true;
	while (*ret_len < max) {
		size_t index = message_pick(self, list, now, taken, *ret_len);
		if (index == list->len)
			break;
		taken[*ret_len] = list->at[index].number;
		message_deliver(self, &list->at[index], now + visibility_ms, name,
				&ret_messages[(*ret_len)++]);
	}
	return true;
}

/* --- receipts -----------------------------------------------------------------------------------
 */

/* The message of a receipt, or NULL when it is gone. */
static struct sqs_message *message_of(struct sim_sqs *self, enum queue_name name,
				      const char *receipt, bool *ret_stale)
{
	struct sqs_list *list = list_of(self, name);
	int queue = 0;
	uint64_t number = 0;
	unsigned receive_number = 0;
	*ret_stale = false;
	if (sscanf(receipt, "%d-%" SCNu64 "-%u", &queue, &number, &receive_number) != 3 ||
	    queue != (int)name)
		return NULL;
	for (size_t i = 0; i < list->len; i++) {
		if (list->at[i].number != number)
			continue;
		*ret_stale = list->at[i].receives != receive_number;
		self->counts[SIM_SQS_STALE] += *ret_stale;
		return &list->at[i];
	}
	return NULL;
}

static bool extend_batch(struct queue_transport *transport, enum queue_name name,
			 struct transport_receipt *receipts, size_t n, int64_t visibility_ms,
			 struct err *err)
{
	struct sim_sqs *self = self_of(transport);
	(void)err;
	for (size_t i = 0; i < n; i++) {
		bool stale;
		struct sqs_message *message = message_of(self, name, receipts[i].receipt, &stale);
		receipts[i].done = message != NULL && !stale &&
				   !happens(self, self->settings.refuse_per_mille, SIM_SQS_REFUSED);
		if (receipts[i].done)
			message->visible_at = now_of(self) + visibility_ms;
	}
	return true;
}

/* A stale receipt deletes nothing, and the answer says that it did; so the real one. */
static bool delete_batch(struct queue_transport *transport, enum queue_name name,
			 struct transport_receipt *receipts, size_t n, struct err *err)
{
	struct sim_sqs *self = self_of(transport);
	struct sqs_list *list = list_of(self, name);
	(void)err;
	for (size_t i = 0; i < n; i++) {
		bool stale;
		if (happens(self, self->settings.refuse_per_mille, SIM_SQS_REFUSED))
			continue;
		struct sqs_message *message = message_of(self, name, receipts[i].receipt, &stale);
		receipts[i].done = true;
		if (message == NULL || stale ||
		    happens(self, self->settings.undelete_per_mille, SIM_SQS_UNDELETED))
			continue;
		list_remove(list, (size_t)(message - list->at));
	}
	return true;
}

static bool depth(struct queue_transport *transport, enum queue_name name,
		  struct transport_depth *ret_depth, struct err *err)
{
	struct sim_sqs *self = self_of(transport);
	const struct sqs_list *list = list_of(self, name);
	int64_t now = now_of(self);
	(void)err;
	*ret_depth = (struct transport_depth){ 0 };
	for (size_t i = 0; i < list->len; i++) {
		const struct sqs_message *message = &list->at[i];
		if (message->visible_at <= now)
			ret_depth->waiting++;
		else if (message->receives == 0)
			ret_depth->delayed++;
		else
			ret_depth->claimed++;
	}
	return true;
}

static void transport_is_borrowed(struct queue_transport *transport)
{
	(void)transport;
}

static const struct queue_transport_ops sqs_ops = {
	.send_batch = send_batch,
	.receive = receive,
	.extend_batch = extend_batch,
	.delete_batch = delete_batch,
	.depth = depth,
	.close = transport_is_borrowed,
};

/* --- from outside -------------------------------------------------------------------------------
 */

struct sim_sqs *sim_sqs_new(struct clock *clock, struct sim_random random)
{
	struct sim_sqs *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->base.ops = &sqs_ops;
	self->clock = clock;
	self->random = random;
	self->settings.max_receives = RECEIVES_WITHOUT_VERDICT_MAX;
	return self;
}

void sim_sqs_free(struct sim_sqs *sqs)
{
	if (sqs == NULL)
		return;
	for (size_t i = 0; i < QUEUES; i++) {
		free(sqs->queues[i].at);
		free(sqs->dead[i].at);
	}
	free(sqs);
}

struct queue_transport *sim_sqs_port(struct sim_sqs *sqs)
{
	return &sqs->base;
}

struct sim_sqs_settings *sim_sqs_settings(struct sim_sqs *sqs)
{
	return &sqs->settings;
}

size_t sim_sqs_wipe(struct sim_sqs *sqs)
{
	size_t count = 0;
	for (size_t i = 0; i < QUEUES; i++) {
		count += sqs->queues[i].len + sqs->dead[i].len;
		sqs->queues[i].len = sqs->dead[i].len = 0;
	}
	sqs->counts[SIM_SQS_WIPED] += count;
	return count;
}

size_t sim_sqs_redrive(struct sim_sqs *sqs, unsigned copies)
{
	size_t count = 0;
	for (size_t i = 0; i < QUEUES; i++) {
		struct sqs_list *dead = &sqs->dead[i];
		list_expire(dead, now_of(sqs) - DEAD_MS);
		count += dead->len;
		for (size_t k = 0; k < dead->len * copies; k++) {
			const struct sqs_message *message = &dead->at[k / copies];
			struct str body = { message->body,
					    message->len < BODY_MAX ? message->len : BODY_MAX };
			message_add(sqs, (enum queue_name)(i + QUEUE_REQUEST), body);
		}
		dead->len = 0;
	}
	sqs->counts[SIM_SQS_REDRIVEN] += count;
	return count;
}

void sim_sqs_inject(struct sim_sqs *sqs, enum queue_name name, struct str body)
{
	message_add(sqs, name, body);
}

size_t sim_sqs_len(const struct sim_sqs *sqs, enum queue_name name)
{
	CHECK(name >= QUEUE_REQUEST && name <= QUEUE_MONITOR);
	return sqs->queues[name - QUEUE_REQUEST].len;
}

size_t sim_sqs_dead(const struct sim_sqs *sqs)
{
	return sqs->dead[0].len + sqs->dead[1].len + sqs->dead[2].len;
}

uint64_t sim_sqs_count(const struct sim_sqs *sqs, enum sim_sqs_event event)
{
	CHECK(event < SIM_SQS_EVENTS);
	return sqs->counts[event];
}
