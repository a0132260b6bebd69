#include "net/http_socket.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 1024

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage storage;
};

static bool read_port(struct str text, uint16_t *ret_port)
{
	uint64_t port;
	if (!str_to_u64(text, &port) || port > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static bool read_v6(struct str text, union socket_address *ret_address, socklen_t *ret_len)
{
	struct str host, rest;
	uint16_t port;
	char ip[INET6_ADDRSTRLEN];
	if (!str_starts_with(text, STR("[")) || !str_cut(str_skip(text, 1), ']', &host, &rest) ||
	    !str_starts_with(rest, STR(":")) || !read_port(str_skip(rest, 1), &port) ||
	    !str_copy(host, ip, sizeof ip))
		return false;
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	if (inet_pton(AF_INET6, ip, &v6.sin6_addr) != 1)
		return false;
	ret_address->v6 = v6;
	*ret_len = sizeof v6;
	return true;
}

static bool read_v4(struct str text, union socket_address *ret_address, socklen_t *ret_len)
{
	struct str host, rest;
	uint16_t port;
	char ip[INET_ADDRSTRLEN];
	if (!str_cut(text, ':', &host, &rest) || !read_port(rest, &port) ||
	    !str_copy(host, ip, sizeof ip))
		return false;
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	if (inet_pton(AF_INET, ip, &v4.sin_addr) != 1)
		return false;
	ret_address->v4 = v4;
	*ret_len = sizeof v4;
	return true;
}

static uint16_t port_of(const union socket_address *address)
{
	if (address->any.sa_family == AF_INET6)
		return ntohs(address->v6.sin6_port);
	return ntohs(address->v4.sin_port);
}

bool http_socket_listen(const char *address, int *ret_fd, uint16_t *ret_port, struct err *err)
{
	union socket_address bound = { 0 };
	socklen_t len;
	struct str text = str_from(address);
	if (!read_v4(text, &bound, &len) && !read_v6(text, &bound, &len))
		return err_set(err, ERR_REFUSED,
			       "\"%s\" is not an address to listen on, such as 127.0.0.1:3000",
			       address);
	int fd = socket(bound.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, ERR_NOT_DONE, "no socket: %s", strerror(errno));
	int on = 1;
	/* REUSEADDR: connections of the last run that linger in the kernel do not stop a restart.
	 */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    bind(fd, &bound.any, len) != 0 || listen(fd, BACKLOG) != 0 ||
	    getsockname(fd, &bound.any, &len) != 0) {
		err_set(err, ERR_NOT_DONE, "cannot listen on %s: %s", address, strerror(errno));
		close(fd);
		return false;
	}
	*ret_fd = fd;
	*ret_port = port_of(&bound);
	return true;
}

int http_socket_accept(int listen_fd, struct sockaddr_storage *ret_peer)
{
	union socket_address peer = { 0 };
	socklen_t len = sizeof peer;
	int fd = accept4(listen_fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return -1;
	int on = 1;
	/* A reply is one write: waiting for more to send along would only cost time. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	*ret_peer = peer.storage;
	return fd;
}

struct ip_address http_socket_address(const struct sockaddr_storage *peer)
{
	union socket_address address = { .storage = *peer };
	struct ip_address ip = { .bytes = { [10] = 0xff, [11] = 0xff } }; /* IPv4, mapped */
	if (address.any.sa_family == AF_INET6)
		memcpy(ip.bytes, &address.v6.sin6_addr, sizeof ip.bytes);
	else
		memcpy(ip.bytes + 12, &address.v4.sin_addr, 4);
	return ip;
}

void http_socket_write_peer(const struct sockaddr_storage *peer, char ret_text[HTTP_PEER_LEN])
{
	union socket_address address = { .storage = *peer };
	char ip[INET6_ADDRSTRLEN] = "?";
	bool is_v6 = address.any.sa_family == AF_INET6;
	if (is_v6)
		inet_ntop(AF_INET6, &address.v6.sin6_addr, ip, sizeof ip);
	else
		inet_ntop(AF_INET, &address.v4.sin_addr, ip, sizeof ip);
	snprintf(ret_text, HTTP_PEER_LEN, is_v6 ? "[%s]:%u" : "%s:%u", ip,
		 (unsigned)port_of(&address));
}
