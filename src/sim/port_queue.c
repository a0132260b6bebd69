/* The queue as a process sees it: in even seeds the embedded one, in odd ones the outbox over a
 * simulated SQS, each of whose requests may go wrong as well. */
#include "sim/check_port.h"

#include "adapter/message_body.h"

#define PROCESS(self) (((struct sim_port *)(void *)(self))->process)

#define FORWARD(call, expression)                                   \
	enum sim_fault fault;                                       \
	if (!sim_call_enter(process, SIM_CALL_##call, &fault, err)) \
		return false;                                       \
	return sim_call_leave(process, SIM_CALL_##call, fault, expression, err)

static struct queue *real_of(const struct sim_process *process)
{
	return process->outbox != NULL ? process->outbox : process->world->queue;
}

/* A wake-up that gets lost on its way was claimed by somebody who never worked on it. */
static void messages_lose(struct sim_world *world, struct message *messages, size_t *len)
{
	size_t kept = 0;
	for (size_t i = 0; i < *len; i++)
		if (!sim_chance(world, 20))
			messages[kept++] = messages[i];
	*len = kept;
}

static bool claim(struct queue *self, enum queue_name name, size_t max, int64_t visibility_ms,
		  struct message *ret_messages, size_t *ret_len, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct sim_world *world = process->world;
	struct queue *real = real_of(process);
	enum sim_fault fault;
	if (!sim_call_enter(process, SIM_CALL_QUEUE_CLAIM, &fault, err))
		return false;
	bool done = real->ops->claim(real, name, max, visibility_ms, ret_messages, ret_len, err);
	if (done && world->faults_on && sim_has(world, SIM_FAMILY_MESSAGES))
		messages_lose(world, ret_messages, ret_len);
	return sim_call_leave(process, SIM_CALL_QUEUE_CLAIM, fault, done, err);
}

static bool extend(struct queue *self, const struct message_ack *acks, size_t n,
		   int64_t visibility_ms, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct queue *real = real_of(process);
	FORWARD(QUEUE_EXTEND, real->ops->extend(real, acks, n, visibility_ms, err));
}

static bool ack(struct queue *self, const struct message_ack *acks, size_t n, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct queue *real = real_of(process);
	enum sim_fault fault;
	if (!sim_call_enter(process, SIM_CALL_QUEUE_ACK, &fault, err))
		return false;
	/* Of the outbox's claims the messages' own table knows nothing. */
	size_t watched = process->outbox == NULL ? n : 0;
	sim_before_acks(process, acks, watched);
	bool done = real->ops->ack(real, acks, n, err);
	if (done)
		sim_after_acks(process, acks, watched);
	return sim_call_leave(process, SIM_CALL_QUEUE_ACK, fault, done, err);
}

/* Hands over and wakes one who sleeps, or does not. */
static void notify(struct queue *self, enum queue_name name)
{
	struct sim_process *notifier = PROCESS(self);
	struct sim_world *world = notifier->world;
	enum sim_role role = name == QUEUE_REQUEST   ? SIM_PROCESSOR
			     : name == QUEUE_SIGNING ? SIM_SIGNER
						     : SIM_MONITOR;
	if (world->faults_on && sim_has(world, SIM_FAMILY_MESSAGES) && sim_chance(world, 200))
		return;
	if (notifier->outbox != NULL)
		queue_notify(notifier->outbox, name);
	for (size_t i = 0; i < SIM_PROCESSES_MAX; i++) {
		struct sim_process *process = &world->processes[i];
		if (process->alive && process->role == role && process->wake_at > world->now_ms)
			process->wake_at = world->now_ms;
	}
}

const struct queue_ops sim_queue_ops = {
	.claim = claim, .extend = extend, .ack = ack, .notify = notify
};

/* ---- transport ---- */

static bool send_batch(struct queue_transport *self, enum queue_name name,
		       struct transport_entry *entries, size_t n, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct queue_transport *real = sim_sqs_port(process->world->sqs);
	FORWARD(TRANSPORT_SEND, real->ops->send_batch(real, name, entries, n, err));
}

static bool receive(struct queue_transport *self, enum queue_name name, size_t max,
		    int64_t visibility_ms, int64_t wait_ms, struct transport_message *ret_messages,
		    size_t *ret_len, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct queue_transport *real = sim_sqs_port(process->world->sqs);
	FORWARD(TRANSPORT_RECEIVE, real->ops->receive(real, name, max, visibility_ms, wait_ms,
						      ret_messages, ret_len, err));
}

static bool extend_batch(struct queue_transport *self, enum queue_name name,
			 struct transport_receipt *receipts, size_t n, int64_t visibility_ms,
			 struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct queue_transport *real = sim_sqs_port(process->world->sqs);
	FORWARD(TRANSPORT_EXTEND,
		real->ops->extend_batch(real, name, receipts, n, visibility_ms, err));
}

static bool delete_batch(struct queue_transport *self, enum queue_name name,
			 struct transport_receipt *receipts, size_t n, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct queue_transport *real = sim_sqs_port(process->world->sqs);
	FORWARD(TRANSPORT_DELETE, real->ops->delete_batch(real, name, receipts, n, err));
}

static bool depth(struct queue_transport *self, enum queue_name name,
		  struct transport_depth *ret_depth, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct queue_transport *real = sim_sqs_port(process->world->sqs);
	FORWARD(TRANSPORT_DEPTH, real->ops->depth(real, name, ret_depth, err));
}

const struct queue_transport_ops sim_transport_ops = {
	.send_batch = send_batch,
	.receive = receive,
	.extend_batch = extend_batch,
	.delete_batch = delete_batch,
	.depth = depth,
};

/* ---- its moods ---- */

static unsigned up_to(struct sim_world *world, unsigned per_mille)
{
	return (unsigned)sim_between(world, 0, per_mille);
}

void sim_queue_open(struct sim_world *world)
{
	bool has_sqs = world->options->seed % 2 != 0;
	sim_tell(world, "the queue is %s", has_sqs ? "a simulated SQS" : "the embedded one");
	if (!has_sqs)
		return;
	world->sqs = sim_sqs_new(&world->clock.base, sim_random_fork(&world->random, "sqs"));
	world->waiting_max = (uint64_t)sim_between(world, 50, 2000);
	world->summary->sqs_seeds++;
	if (!sim_has(world, SIM_FAMILY_MESSAGES))
		return;
	struct sim_sqs_settings *settings = sim_sqs_settings(world->sqs);
	settings->refuse_per_mille = up_to(world, 200);
	settings->late_per_mille = up_to(world, 300);
	settings->late_ms_max = sim_between(world, 1000, 120000);
	settings->double_per_mille = up_to(world, 100);
	settings->again_per_mille = up_to(world, 100);
	settings->undelete_per_mille = up_to(world, 100);
	settings->miss_per_mille = up_to(world, 300);
	settings->disorder = sim_chance(world, 700);
}

void sim_queue_calm(struct sim_world *world)
{
	if (world->sqs == NULL)
		return;
	*sim_sqs_settings(world->sqs) =
		(struct sim_sqs_settings){ .max_receives = RECEIVES_WITHOUT_VERDICT_MAX };
}

void sim_queue_count(struct sim_world *world)
{
	for (enum sim_sqs_event event = 0; world->sqs != NULL && event < SIM_SQS_EVENTS; event++)
		world->summary->sqs[event] += sim_sqs_count(world->sqs, event);
}

/* A wake-up of our form for any order in any queue, or something else. */
static void stranger_write(struct sim_world *world)
{
	enum queue_name name = (enum queue_name)sim_between(world, QUEUE_REQUEST, QUEUE_MONITOR);
	char text[MESSAGE_BODY_BYTES_MAX];
	struct buf body = buf_of(text, sizeof text);
	const struct sim_order *order =
		&world->orders[sim_between(world, 0, (int64_t)world->orders_len - 1)];
	if (order->accepted && sim_chance(world, 700))
		message_body_write(name, order->id, "a stranger", &body);
	else
		buf_text(&body, "{\"kind\":\"signing\",\"id\":\"0\",\"pay\":\"me\"}");
	sim_sqs_inject(world->sqs, name, buf_view(&body));
	sim_tell(world, "queue: a stranger writes to %s", queue_name_text(name));
}

void sim_queue_trouble(struct sim_world *world)
{
	struct err err = { 0 };
	if (world->sqs == NULL) {
		if (world->depth > 0)
			return;
		sim_tell(world, "queue: every message is gone");
		CHECK(db_exec(world->db, "DELETE FROM messages", &err));
		sim_check_changes(world);
		return;
	}
	if (sim_chance(world, 400))
		sim_tell(world, "queue: %zu messages are gone", sim_sqs_wipe(world->sqs));
	else if (sim_chance(world, 500))
		sim_tell(world, "queue: %zu dead letters come back",
			 sim_sqs_redrive(world->sqs, 1 + (unsigned)sim_chance(world, 500)));
	else
		stranger_write(world);
}
