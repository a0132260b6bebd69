/* A WebSocket client that keeps one connection to one server, on a thread of its own: it connects,
 * and when the connection is lost, or is silent although it was pinged, connects again, with pauses
 * that grow. Text messages of a bounded size. No proxies, no extensions, no redirects.
 *
 * All callbacks come on that thread, one after the other, and must not wait.
 *
 * Source: RFC 6455; ADR 18.
 */
#ifndef SLUICE_NET_WEBSOCKET_H
#define SLUICE_NET_WEBSOCKET_H

#include "base/check.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEBSOCKET_URL_LEN_MAX 1024
#define WEBSOCKET_SEND_MAX    1024 /* bytes of a message that is sent */
#define WEBSOCKET_RECEIVE_MAX                                                                   \
	65536                      /* of one that is received; a longer one ends the connection \
				    */
#define WEBSOCKET_PAUSE_MS     500 /* before the first new try, and twice as long each time */
#define WEBSOCKET_PAUSE_MS_MAX 60000

struct websocket;

struct websocket_options {
	const char *url;      /* ws or wss; copied */
	unsigned connect_s;   /* from name to handshake; > 0 */
	unsigned silent_s;    /* then a ping is sent; > 0 */
	unsigned answer_s;    /* and when nothing came after so long, it is lost; > 0 */
	int64_t pause_ms;     /* 0: WEBSOCKET_PAUSE_MS */
	int64_t pause_ms_max; /* 0: WEBSOCKET_PAUSE_MS_MAX */
	void *context;
	/* False ends the connection. */
	bool (*opened)(void *context, struct websocket *socket);
	/* False ends the connection. True, once: the pauses begin anew after it. */
	bool (*received)(void *context, struct websocket *socket, struct str text);
	/* After each try: why it ended. Never holds the URL's path or query. */
	void (*closed)(void *context, const char *why);
};

/* Starts the thread. REFUSED for a URL that is not ws(s)://host[:port][/…], or that holds a user.
 */
MUST_CHECK bool websocket_start(const struct websocket_options *options,
				struct websocket **ret_socket, struct err *err);
/* Ends connection and thread; callbacks may come until it returns. Accepts NULL. */
void websocket_stop(struct websocket *socket);
/* In `opened` and `received` only, 1 to WEBSOCKET_SEND_MAX bytes. False: the last one has not left,
 * as when the other side answers what it was not asked. */
MUST_CHECK bool websocket_send(struct websocket *socket, struct str text);

#endif
