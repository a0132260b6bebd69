/* One chain behind several nodes, none of which is asked anything before it has proved to be of
 * that chain: its chain id is the configured one, and so are the decimals of each token. A pasted
 * URL or a wrong number must stop a role before it costs money, also when the node was away at the
 * start of the process. After each call that failed a node has to prove it again, before the next
 * one: an address may be another machine's by then. If it does not, it is not asked until it does,
 * which is an alarm (node_of_another_chain) and stops nobody else.
 *
 * Calls go to one node until one of its calls fails as a whole; then the next node is asked, in the
 * same call. Every answer comes from one node.
 *
 * A node that goes on answering with the same head is left as well, or nothing would ever be seen
 * to be paid. When the present node's head has not risen for GATE_DOUBT_MS the heads of the others
 * are asked for, and no sooner. After GATE_STILL_MS one of them has the turn that has risen again
 * and again meanwhile and is above. That a node is ahead is never a reason: one that lies about its
 * head would draw all callers to itself. So a liar can have the turn only when the present node
 * stands still, and gets by it what the first node of the configuration has from the start: it is
 * asked first. What ends a slot, refuses a receiver or lets a wallet enter is never one node's
 * word, whoever has the turn. Where all stand still nothing is changed. Each turn of this kind is
 * logged (node_left), with the places of the nodes in the configuration, from 1: URLs may hold
 * keys.
 *
 * Transactions go to the present node and to one of the others, by turns: a node that takes them
 * and hands them on to nobody would keep them from all miners. What either of them took is taken;
 * whatever else the second one says changes nothing.
 *
 * A head that is too high serves a node for as long as it goes on rising. Whoever named one that
 * did not come is measured anew after GATE_STILL_MS, from what it names then; who stays with it is
 * left after GATE_FAR_MS, also for nodes that are below.
 *
 * A node that does not answer, again and again, is left alone for some seconds by its own circuit
 * breaker (chain_jsonrpc.h). Here that is one more call that failed; it changes neither who is
 * believed nor whose turn it is.
 *
 * What it does not see: a node whose head rises too slowly, and one that is still far behind.
 */
#ifndef SLUICE_ADAPTER_CHAIN_GATE_H
#define SLUICE_ADAPTER_CHAIN_GATE_H

#include "base/log.h"
#include "core/catalogue.h"
#include "port/chain.h"
#include "port/clock.h"

/* The head of a node is asked for at most so often, and after no answer so often. */
#define GATE_LOOK_MS   15000
#define GATE_FAILED_MS 60000
/* Longer than any block takes to come on a chain that goes on. */
#define GATE_DOUBT_MS 30000
#define GATE_STILL_MS 60000
/* Whose head has stood so long is left for who rises, also below it. */
#define GATE_FAR_MS 600000
/* Looks at which another node's head had risen, since the present one's did: the first may find
 * what came long ago, or a block that just reached this node sooner. */
#define GATE_RISES_MIN 2

/* So long is a node compared in one call; the rest of its tokens comes with the next one. */
#define GATE_PROOF_MS 5000

enum chain_gate_state {
	CHAIN_GATE_CLOSED = 1,   /* no node has answered yet: not ready */
	CHAIN_GATE_OPEN = 2,     /* at least one node is proved */
	CHAIN_GATE_MISMATCH = 3, /* a node is of another chain, or a token has other decimals */
};

struct chain_gate_options {
	struct chain *nodes[RPC_ENDPOINTS_MAX]; /* owned from now on, closed by chain_close */
	size_t len;                             /* 1 to RPC_ENDPOINTS_MAX */
	struct clock *clock;                    /* borrowed */
	const struct log *log;                  /* borrowed; NULL: nobody is told */
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
