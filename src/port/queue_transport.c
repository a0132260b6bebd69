#include "port/queue_transport.h"

#include "base/check.h"
#include "port/stop_point.h"

static void call_check(enum queue_name name, size_t n)
{
	CHECK(name >= QUEUE_REQUEST && name <= QUEUE_MONITOR);
	CHECK(n > 0 && n <= TRANSPORT_BATCH_MAX);
}

bool transport_send_batch(struct queue_transport *transport, enum queue_name name,
			  struct transport_entry *entries, size_t n, struct err *err)
{
	PORT_CALL();
	call_check(name, n);
	for (size_t i = 0; i < n; i++) {
		CHECK(entries[i].body.len > 0 && entries[i].body.len <= MESSAGE_BODY_BYTES_MAX);
		entries[i].sent = false;
	}
	return transport->ops->send_batch(transport, name, entries, n, err);
}

bool transport_receive(struct queue_transport *transport, enum queue_name name, size_t max,
		       int64_t visibility_ms, int64_t wait_ms,
		       struct transport_message *ret_messages, size_t *ret_len, struct err *err)
{
	PORT_CALL();
	call_check(name, max);
	CHECK(visibility_ms > 0 && visibility_ms <= TRANSPORT_VISIBILITY_MS_MAX);
	CHECK(wait_ms >= 0 && wait_ms <= TRANSPORT_WAIT_MS_MAX);
	bool done = transport->ops->receive(transport, name, max, visibility_ms, wait_ms,
					    ret_messages, ret_len, err);
	CHECK(!done || *ret_len <= max);
	return done;
}

static void receipts_reset(struct transport_receipt *receipts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		receipts[i].done = false;
}

bool transport_extend_batch(struct queue_transport *transport, enum queue_name name,
			    struct transport_receipt *receipts, size_t n, int64_t visibility_ms,
			    struct err *err)
{
	PORT_CALL();
	call_check(name, n);
	CHECK(visibility_ms > 0 && visibility_ms <= TRANSPORT_VISIBILITY_MS_MAX);
	receipts_reset(receipts, n);
	return transport->ops->extend_batch(transport, name, receipts, n, visibility_ms, err);
}

bool transport_delete_batch(struct queue_transport *transport, enum queue_name name,
			    struct transport_receipt *receipts, size_t n, struct err *err)
{
	PORT_CALL();
	call_check(name, n);
	receipts_reset(receipts, n);
	return transport->ops->delete_batch(transport, name, receipts, n, err);
}

bool transport_depth(struct queue_transport *transport, enum queue_name name,
		     struct transport_depth *ret_depth, struct err *err)
{
	PORT_CALL();
	call_check(name, 1);
	return transport->ops->depth(transport, name, ret_depth, err);
}

void transport_close(struct queue_transport *transport)
{
	if (transport != NULL)
		transport->ops->close(transport);
}
