/* Sockets of the HTTP server. */
#ifndef SLUICE_NET_HTTP_SOCKET_H
#define SLUICE_NET_HTTP_SOCKET_H

#include "base/err.h"
#include "base/ip.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define HTTP_PEER_LEN 64 /* "[ipv6]:port" and a terminator */

/* A listening, non-blocking socket at "127.0.0.1:3000" or "[::1]:3000"; ret_port is the one that
 * was bound. REFUSED for text that is not an address, NOT_DONE when binding fails. */
MUST_CHECK bool http_socket_listen(const char *address, int *ret_fd, uint16_t *ret_port,
				   struct err *err);
/* The next client, non-blocking, TCP_NODELAY; or -1 and errno (EAGAIN: none waits). */
int http_socket_accept(int listen_fd, struct sockaddr_storage *ret_peer);
struct ip_address http_socket_address(const struct sockaddr_storage *peer);
void http_socket_write_peer(const struct sockaddr_storage *peer, char ret_text[HTTP_PEER_LEN]);

#endif
