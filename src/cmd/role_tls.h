/* The identity with which the API speaks TLS, and that it is exchanged when its files are. */
#ifndef SLUICE_CMD_ROLE_TLS_H
#define SLUICE_CMD_ROLE_TLS_H

#include "cmd/role.h"
#include "net/tls_server.h"

struct role_tls;

/* ret_tls is NULL without api.tls. Takes SIGHUP from here on, once a process. */
MUST_CHECK bool role_tls_open(struct role_parts *parts, struct role_tls **ret_tls, struct err *err);
void role_tls_close(struct role_tls *tls); /* accepts NULL; after the server */
struct tls_server *role_tls_server(struct role_tls *tls);
/* To be called a few times a second, from one thread: looks at the files once a second, and at once
 * after a SIGHUP. Accepts NULL. */
void role_tls_look(struct role_tls *tls);

#endif
