#include "line.h"

static bool is_open(struct line *line, struct err *err)
{
	line->requests++;
	return !line->is_cut || err_set(err, ERR_NOT_DONE, "no way through");
}

static bool is_heard(const struct line *line, struct err *err)
{
	return !line->loses_answers || err_set(err, ERR_MAYBE_DONE, "no answer");
}

static struct line *line_of(struct queue_transport *transport)
{
	return (struct line *)(void *)transport;
}

static bool line_send(struct queue_transport *self, enum queue_name name,
		      struct transport_entry *entries, size_t n, struct err *err)
{
	struct line *line = line_of(self);
	if (line->sending != NULL)
		line->sending(line->arg);
	return is_open(line, err) && transport_send_batch(line->real, name, entries, n, err) &&
	       is_heard(line, err);
}

static bool line_receive(struct queue_transport *self, enum queue_name name, size_t max,
			 int64_t visibility_ms, int64_t wait_ms,
			 struct transport_message *ret_messages, size_t *ret_len, struct err *err)
{
	struct line *line = line_of(self);
	return is_open(line, err) &&
	       transport_receive(line->real, name, max, visibility_ms, wait_ms, ret_messages,
				 ret_len, err) &&
	       is_heard(line, err);
}

static bool line_extend(struct queue_transport *self, enum queue_name name,
			struct transport_receipt *receipts, size_t n, int64_t visibility_ms,
			struct err *err)
{
	struct line *line = line_of(self);
	return is_open(line, err) &&
	       transport_extend_batch(line->real, name, receipts, n, visibility_ms, err) &&
	       is_heard(line, err);
}

static bool line_delete(struct queue_transport *self, enum queue_name name,
			struct transport_receipt *receipts, size_t n, struct err *err)
{
	struct line *line = line_of(self);
	return is_open(line, err) && transport_delete_batch(line->real, name, receipts, n, err) &&
	       is_heard(line, err);
}

static bool line_depth(struct queue_transport *self, enum queue_name name,
		       struct transport_depth *ret_depth, struct err *err)
{
	struct line *line = line_of(self);
	return is_open(line, err) && transport_depth(line->real, name, ret_depth, err);
}

struct line line_to(struct queue_transport *real)
{
	static const struct queue_transport_ops ops = {
		.send_batch = line_send,
		.receive = line_receive,
		.extend_batch = line_extend,
		.delete_batch = line_delete,
		.depth = line_depth,
	};
	return (struct line){ .base.ops = &ops, .real = real };
}
