/* What anybody may have put into an external queue: a body that is read names a row and a queue,
 * and says the same when it is written again; what we write, whatever the trace, is read. */
#include "fuzz.h"

#include "adapter/message_body.h"

static bool is_plain(const char *trace)
{
	for (; *trace != 0; trace++)
		if (*trace <= ' ' || *trace > '~')
			return false;
	return true;
}

/* Any terminated text may stand in a row. */
static void trace_pass(enum queue_name queue, struct id id, const char *trace)
{
	char storage[MESSAGE_BODY_BYTES_MAX];
	char read[CORRELATION_ID_LEN_MAX + 1];
	struct buf body = buf_of(storage, sizeof storage);
	struct id again;
	message_body_write(queue, id, trace, &body);
	CHECK(message_body_read(buf_view(&body), queue, &again, read));
	CHECK(id_equal(id, again));
	CHECK(strcmp(read, is_plain(trace) ? trace : "") == 0);
	for (enum queue_name other = QUEUE_REQUEST; other <= QUEUE_MONITOR; other++)
		CHECK(other == queue || !message_body_read(buf_view(&body), other, &again, read));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str input = str_from_bytes(bytes, len);
	enum queue_name queue = (enum queue_name)(QUEUE_REQUEST + fuzz_take(&input) % 3);
	const uint8_t random[10] = { 7 };
	char trace[CORRELATION_ID_LEN_MAX + 1] = "";
	struct id id;
	char *copy = fuzz_copy(input);
	if (message_body_read((struct str){ copy, input.len }, queue, &id, trace)) {
		CHECK(!id_is_zero(id) && is_plain(trace));
		trace_pass(queue, id, trace);
	}
	free(copy);
	memset(trace, 0, sizeof trace);
	memcpy(trace, input.at, input.len < sizeof trace - 1 ? input.len : sizeof trace - 1);
	trace_pass(queue, id_make(1700000000000, random), trace);
	return 0;
}
