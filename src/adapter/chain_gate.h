/* One chain behind several nodes, none of which is asked anything before it has proved to be of
 * that chain: its chain id is the configured one, and so are the decimals of each token. A pasted
 * URL or a wrong number must stop a role before it costs money, also when the node was away at the
 * start of the process.
 *
 * Calls go to one node until one of its calls fails as a whole; then the next node is asked, in the
 * same call. Every answer comes from one node.
 */
#ifndef SLUICE_ADAPTER_CHAIN_GATE_H
#define SLUICE_ADAPTER_CHAIN_GATE_H

#include "core/catalogue.h"
#include "port/chain.h"

enum chain_gate_state {
	CHAIN_GATE_CLOSED = 1,   /* no node has answered yet: not ready */
	CHAIN_GATE_OPEN = 2,     /* at least one node is proved */
	CHAIN_GATE_MISMATCH = 3, /* a node is of another chain, or a token has other decimals */
};

struct chain_gate_options {
	struct chain *nodes[RPC_ENDPOINTS_MAX]; /* owned from now on, closed by chain_close */
	size_t len;                             /* 1 to RPC_ENDPOINTS_MAX */
	const struct catalogue *catalogue;      /* borrowed */
	size_t chain;                           /* index into it */
};

/* Asks nothing yet. Belongs to one thread. */
struct chain *chain_gate_new(const struct chain_gate_options *options);
/* Tries to open a closed gate. err: why it is closed, or what differs. */
enum chain_gate_state chain_gate_prove(struct chain *chain, struct err *err);
/* Asks nobody: has a node turned out to be a wrong one, here or in any call? Then err says how. */
bool chain_gate_is_mismatch(struct chain *chain, struct err *err);

#endif
