/* A chain behind the JSON-RPC of a real node. Source: execution-apis, domain.md's findings in
 * ARCHITECTURE.md; what nodes say in words is read in core/chain_answer.c, what they say in JSON
 * in chain_jsonrpc_parse.c. */
#ifndef SLUICE_ADAPTER_CHAIN_JSONRPC_H
#define SLUICE_ADAPTER_CHAIN_JSONRPC_H

#include "base/metric.h"
#include "port/chain.h"
#include "port/clock.h"

#include <stdint.h>

struct chain_jsonrpc_options {
	const char *url;
	int64_t deadline_ms;     /* of one call of the port; 0: 10 s */
	size_t batch_max;        /* calls in a post; 0: 100; 1: the node takes no batches */
	struct clock *clock;     /* borrowed; NULL: no circuit breaker */
	struct metrics *metrics; /* borrowed, of the breaker; may be NULL */
	const char *neighbour;   /* the breaker's label, "rpc_polygon_1" */
};

/* REFUSED for a URL that is not http(s). Connects to nothing yet. Belongs to one thread.
 *
 * A call to which the node answers nothing at all counts against it; after some of these it is not
 * called for some seconds (net/circuit_breaker.h): reads are NOT_DONE then, sends
 * CHAIN_SEND_UNKNOWN, as of a node that is away. */
MUST_CHECK bool chain_jsonrpc_open(const struct chain_jsonrpc_options *options,
				   struct chain **ret_chain, struct err *err);

#endif
