/* What travels through an external queue: {"kind":"signing","id":"0190…","trace":"…"}. It names a
 * row and grants nothing; the trace is for log lines alone. */
#ifndef SLUICE_ADAPTER_MESSAGE_BODY_H
#define SLUICE_ADAPTER_MESSAGE_BODY_H

#include "base/buf.h"
#include "base/err.h"
#include "core/id.h"
#include "core/lifecycle.h"
#include "core/limits.h"

/* At most MESSAGE_BODY_BYTES_MAX bytes for any terminated correlation id of at most
 * CORRELATION_ID_LEN_MAX bytes; what is written is read again. queue: QUEUE_REQUEST to
 * QUEUE_MONITOR. */
void message_body_write(enum queue_name queue, struct id id, const char *correlation_id,
			struct buf *out);
/* Reads what anybody may have put into `queue`. False: it is none of ours, or of another queue.
 * Members that we do not know are a later version's. A trace that is no plain text of at most
 * CORRELATION_ID_LEN_MAX visible characters is left out. */
MUST_CHECK bool message_body_read(struct str body, enum queue_name queue, struct id *ret_id,
				  char ret_correlation_id[CORRELATION_ID_LEN_MAX + 1]);
/* The W3C traceparent of such a message: the trace is the correlation id, where a client gave one,
 * the span the end of the row's own id. Writes nothing when the correlation id is no trace. Its
 * flags say that nobody recorded it: what the client's said is not kept. */
void message_traceparent_write(struct id id, const char *correlation_id, struct buf *out);

#endif
