/* New heads of a chain, pushed by a node over a WebSocket: they ring a bell, and that is all. What
 * a head is, and everything else, is asked of the nodes that chain_gate.h stands before; so whoever
 * speaks here can have a chain looked at sooner, or later by its poll, and nothing more.
 *
 * A connection counts once its node has named the chain's id; one of another chain is left, with an
 * alarm, and tried again like any other that fails. Source: execution-apis, eth_subscribe; ADR 18.
 */
#ifndef SLUICE_ADAPTER_CHAIN_WS_H
#define SLUICE_ADAPTER_CHAIN_WS_H

#include "base/log.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* What several chains ring, and one thread waits for. */
struct head_bell;

struct head_bell *head_bell_new(void);
void head_bell_free(struct head_bell *bell); /* accepts NULL; after its chains are closed */
/* True when a chain that rings is connected: who waits for the bell hears of its heads. */
bool head_bell_is_live(struct head_bell *bell);
/* Until it rings, or timeout_ms have passed; but no shorter than HEAD_PAUSE_MS, so that nobody who
 * rings all the time keeps all others from the nodes. A ring that nobody waited for is not lost. */
bool head_bell_wait(struct head_bell *bell, int64_t timeout_ms);
#define HEAD_PAUSE_MS 100

struct chain_ws;

struct chain_ws_options {
	const char *url;  /* copied */
	const char *name; /* of the chain; copied */
	uint64_t chain_id;
	unsigned silent_s;       /* 0: 30; see net/websocket.h */
	unsigned answer_s;       /* 0: 15 */
	int64_t pause_ms_max;    /* between tries; 0: a minute */
	struct head_bell *bell;  /* borrowed */
	const struct log *log;   /* borrowed; NULL: nobody is told */
	struct metrics *metrics; /* borrowed; may be NULL */
};

/* Starts a thread that connects. REFUSED for a URL that is none. */
MUST_CHECK bool chain_ws_open(const struct chain_ws_options *options, struct chain_ws **ret_ws,
			      struct err *err);
void chain_ws_close(struct chain_ws *ws); /* accepts NULL */

enum chain_ws_kind {
	CHAIN_WS_OTHER,      /* anything else */
	CHAIN_WS_IDENTITY,   /* the answer to the first question */
	CHAIN_WS_SUBSCRIBED, /* to the second */
	CHAIN_WS_REFUSED,    /* an error in place of either */
	CHAIN_WS_HEAD,
};
/* What a message is. ret_chain_id: of an IDENTITY. Pure. */
enum chain_ws_kind chain_ws_read(struct str text, uint64_t *ret_chain_id);

#endif
