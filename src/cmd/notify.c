#include "cmd/notify.h"

#include "base/str.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool address_read(const char *text, struct sockaddr_un *ret_address, socklen_t *ret_len)
{
	size_t len = strlen(text);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (len < 2 || len >= sizeof address.sun_path || (text[0] != '@' && text[0] != '/'))
		return false;
	memcpy(address.sun_path, text, len);
	if (text[0] == '@')
		address.sun_path[0] = '\0';
	*ret_address = address;
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

/* systemd's sockets are never named so: whoever listens there understands FAILURE. */
#define ABSTRACT_PREFIX "@sluice-run-"
#define ADDRESS_TRIES   64

static bool notify_send(const char *message)
{
	const char *text = getenv(NOTIFY_VARIABLE);
	struct sockaddr_un address;
	socklen_t len;
	if (text == NULL || !address_read(text, &address, &len))
		return false;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	ssize_t sent = sendto(fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
			      (const struct sockaddr *)&address, len);
	(void)close(fd);
	return sent >= 0;
}

void notify_ready(const char *status)
{
	char message[NOTIFY_LEN_MAX];
	(void)snprintf(message, sizeof message, "READY=1\nSTATUS=%s\n", status);
	(void)notify_send(message);
}

void notify_stopping(void)
{
	(void)notify_send("STOPPING=1\n");
}

bool notify_failure(const char *text)
{
	const char *address = getenv(NOTIFY_VARIABLE);
	char message[NOTIFY_LEN_MAX];
	if (address == NULL || !str_starts_with(str_from(address), STR(ABSTRACT_PREFIX)))
		return false;
	(void)snprintf(message, sizeof message, "FAILURE=%s\n", text);
	return notify_send(message);
}

/* A name of our own making, and not the kernel's, so that a role knows whom it tells. */
static bool address_bind(int fd, char *ret_address, size_t cap)
{
	for (int try = 0; try < ADDRESS_TRIES; try++) {
		struct sockaddr_un address;
		socklen_t len;
		(void)snprintf(ret_address, cap, ABSTRACT_PREFIX "%d-%d", (int)getpid(), try);
		CHECK(address_read(ret_address, &address, &len));
		if (bind(fd, (const struct sockaddr *)&address, len) == 0)
			return true;
		if (errno != EADDRINUSE)
			return false;
	}
	return false;
}

bool notify_server_open(struct notify_server *ret_server, struct err *err)
{
	int yes = 1;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, ERR_NOT_DONE, "socket: %s", strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) != 0 ||
	    !address_bind(fd, ret_server->address, sizeof ret_server->address)) {
		err_set(err, ERR_NOT_DONE, "socket for readiness: %s", strerror(errno));
		(void)close(fd);
		return false;
	}
	ret_server->fd = fd;
	return true;
}

void notify_server_close(struct notify_server *server)
{
	(void)close(server->fd);
}

static pid_t sender_of(struct msghdr *header)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL;
	     part = CMSG_NXTHDR(header, part)) {
		struct ucred sender;
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&sender, CMSG_DATA(part), sizeof sender);
		return sender.pid;
	}
	return 0;
}

static void message_read(struct str text, struct notify_message *message)
{
	struct str line, rest = text;
	while (str_cut(rest, '\n', &line, &rest)) {
		if (str_equal(line, STR("READY=1")))
			message->is_ready = true;
		if (str_starts_with(line, STR("STATUS=")))
			(void)str_copy(str_skip(line, 7), message->status, sizeof message->status);
		if (str_starts_with(line, STR("FAILURE=")))
			(void)str_copy(str_skip(line, 8), message->failure,
				       sizeof message->failure);
	}
}

bool notify_server_take(struct notify_server *server, struct notify_message *ret_message)
{
	char bytes[NOTIFY_LEN_MAX];
	union {
		struct cmsghdr aligned;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = { .iov_base = bytes, .iov_len = sizeof bytes };
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes,
	};
	ssize_t len = recvmsg(server->fd, &header, MSG_CMSG_CLOEXEC);
	if (len < 0)
		return false;
	*ret_message = (struct notify_message){ .pid = sender_of(&header) };
	message_read(str_from_bytes(bytes, (size_t)len), ret_message);
	return true;
}
