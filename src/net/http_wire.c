#include "net/http_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define DISCARD_BYTES 4096
#define RECORD_BYTES  16384 /* the most that one record of TLS carries */

bool http_wire_open(struct http_wire *ret_wire, int fd, struct tls_server *tls)
{
	*ret_wire = (struct http_wire){ .fd = fd };
	if (tls == NULL)
		return true;
	ret_wire->tls = tls_stream_new(tls, fd);
	if (ret_wire->tls == NULL)
		http_wire_close(ret_wire);
	return ret_wire->tls != NULL;
}

void http_wire_close(struct http_wire *wire)
{
	tls_stream_free(wire->tls);
	close(wire->fd);
	*wire = (struct http_wire){ .fd = -1 };
}

void http_wire_reset(struct http_wire *wire)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	http_wire_close(wire);
}

bool http_wire_end(struct http_wire *wire)
{
	if (wire->tls != NULL)
		tls_end(wire->tls);
	return shutdown(wire->fd, SHUT_WR) == 0;
}

ssize_t http_wire_recv(struct http_wire *wire, void *bytes, size_t cap)
{
	return wire->tls != NULL ? tls_recv(wire->tls, bytes, cap) : recv(wire->fd, bytes, cap, 0);
}

ssize_t http_wire_send(struct http_wire *wire, struct str bytes)
{
	return wire->tls != NULL ? tls_send(wire->tls, bytes.at, bytes.len)
				 : send(wire->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
}

/* One record, and one packet, for all that fits. */
static ssize_t send_record(struct http_wire *wire, struct str head, struct str body)
{
	char record[RECORD_BYTES];
	size_t first = head.len < sizeof record ? head.len : sizeof record;
	size_t room = sizeof record - first;
	size_t second = body.len < room ? body.len : room;
	memcpy(record, head.at, first);
	if (second > 0)
		memcpy(record + first, body.at, second);
	return tls_send(wire->tls, record, first + second);
}

ssize_t http_wire_send_parts(struct http_wire *wire, struct str head, struct str body)
{
	/* sendmsg() does not write, but its type says so. */
	union {
		const char *read;
		void *write;
	} at[2] = { { .read = head.at }, { .read = body.at } };
	struct iovec parts[2] = { { at[0].write, head.len }, { at[1].write, body.len } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = body.len > 0 ? 2 : 1 };
	if (wire->tls != NULL)
		return send_record(wire, head, body);
	return sendmsg(wire->fd, &message, MSG_NOSIGNAL);
}

bool http_wire_discard(struct http_wire *wire)
{
	char bytes[DISCARD_BYTES];
	ssize_t got = recv(wire->fd, bytes, sizeof bytes, 0);
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

bool http_wire_has_pending(const struct http_wire *wire)
{
	return wire->tls != NULL && tls_has_pending(wire->tls);
}
