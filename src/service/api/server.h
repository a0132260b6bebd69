/* The API as a server: what cmd starts for the role `api`. The caller's thread runs the loop; a
 * thread of its own owns the store and the queue that are handed in.
 */
#ifndef SLUICE_SERVICE_API_SERVER_H
#define SLUICE_SERVICE_API_SERVER_H

#include "service/api/api.h"

#include <stdbool.h>
#include <stdint.h>

struct api_server;
struct tls_server;

struct api_server_options {
	struct api_options api;
	const char *listen;                /* "127.0.0.1:3000"; port 0: the kernel's choice */
	struct tls_server *tls;            /* net/tls_server.h; borrowed; NULL: plain HTTP */
	size_t connections_max;            /* 0: 1024 */
	size_t connections_of_address_max; /* 0: as many; of a trusted proxy always */
	int64_t idle_timeout_ms;           /* as in http_server.h; 0: its defaults */
	int64_t read_timeout_ms;
	int64_t write_timeout_ms;
};

/* Binds and starts the store thread; nothing is accepted before api_server_run. From here to
 * api_server_close the store and the queue belong to that thread. REFUSED or NOT_DONE when the
 * address cannot be listened on. */
MUST_CHECK bool api_server_open(const struct api_server_options *options,
				struct api_server **ret_server, struct err *err);
uint16_t api_server_port(const struct api_server *server);
/* Serves on the calling thread until api_server_stop has been obeyed. */
void api_server_run(struct api_server *server);
/* Takes no new connections, answers what is under way for at most grace_ms, then ends
 * api_server_run. From any thread and from signal handlers; a second call may shorten the grace. */
void api_server_stop(struct api_server *server, int64_t grace_ms);
/* After api_server_run, on its thread. Answers what is left with 503 and waits for the store thread
 * to leave the store. Accepts NULL. */
void api_server_close(struct api_server *server);

/* For the ops endpoint, from any thread. Ready: the store has answered within the last seconds. */
bool api_server_is_ready(const struct api_server *server);
/* When the loop last turned, monotonic ms: it does at least four times a second. */
int64_t api_server_heartbeat_ms(const struct api_server *server);

#endif
