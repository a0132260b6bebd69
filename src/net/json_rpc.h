/* JSON-RPC 2.0 over HTTP: batches of calls to one endpoint, one answer per call.
 *
 *	json_rpc_begin(rpc);
 *	buf_text(json_rpc_add(rpc, "eth_chainId"), "");
 *	buf_text(json_rpc_add(rpc, "eth_getBlockByNumber"), "\"latest\",false");
 *	json_rpc_run(rpc, 1);
 *	const struct json_rpc_answer *answer = json_rpc_answer(rpc, 0);
 *
 * Above the endpoint's limit a batch is split into several posts. One answer never harms another:
 * what is missing or malformed is UNKNOWN, and the rest counts. Source: jsonrpc.org specification.
 */
#ifndef SLUICE_NET_JSON_RPC_H
#define SLUICE_NET_JSON_RPC_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/json_sieve.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_rpc;

#define JSON_RPC_CALLS_MAX     256               /* of one batch */
#define JSON_RPC_REQUEST_BYTES ((size_t)2 << 20) /* of one batch, all posts together */
#define JSON_RPC_TEXT_LEN      160

struct json_rpc_options {
	const char *url;
	int64_t deadline_ms;       /* of a whole batch; 0: 10 s */
	size_t batch_max;          /* calls in a post; 0: 100; 1: no arrays at all */
	size_t connections_max;    /* 0: 4 */
	size_t response_bytes_max; /* of one post; 0: 8 MiB */
};

enum json_rpc_verdict {
	JSON_RPC_RESULT,
	JSON_RPC_ERROR,   /* the node answered this call with an error */
	JSON_RPC_UNKNOWN, /* no answer to this call, or none that can be read */
};

struct json_rpc_answer {
	enum json_rpc_verdict verdict;
	const struct json_value *result; /* when RESULT; may be a JSON null */
	int64_t code;                    /* when ERROR */
	struct str message;              /* when ERROR */
	const struct json_value *data;   /* when ERROR; NULL without */
	bool is_not_sent;                /* when UNKNOWN: the call has not left, for sure */
	char text[JSON_RPC_TEXT_LEN];    /* when UNKNOWN: why */
};

/* REFUSED for a URL that is not http(s). Connects to nothing yet. */
MUST_CHECK bool json_rpc_open(const struct json_rpc_options *options, struct json_rpc **ret_rpc,
			      struct err *err);
void json_rpc_close(struct json_rpc *rpc); /* accepts NULL */
/* "https://host:port", for log lines. */
const char *json_rpc_origin(const struct json_rpc *rpc);

/* Starts a batch of posts of at most batch_max calls; ends the life of the last batch's answers. */
void json_rpc_begin(struct json_rpc *rpc);
/* The same with a lower limit, for calls with large answers. */
void json_rpc_begin_split(struct json_rpc *rpc, size_t batch_max);
/* Reads of this batch's answers only what the sieve keeps (borrowed until the next batch); to be
 * kept at level 0 are id, result and error, at level 1 code, message and data. */
void json_rpc_sieve(struct json_rpc *rpc, const struct json_sieve *sieve);
/* Adds a call and returns where its parameters go: JSON values, separated by commas, without the
 * brackets. CHECKs JSON_RPC_CALLS_MAX. */
struct buf *json_rpc_add(struct json_rpc *rpc, const char *method);
/* Sends the batch, up to `at_once` posts side by side (0: as many as there are connections; 1: one
 * after the other, in order), and reads the answers. Never fails as a whole: then every answer is
 * UNKNOWN. A batch that does not fit JSON_RPC_REQUEST_BYTES is not sent. CHECKs that there is at
 * least one call. */
void json_rpc_run(struct json_rpc *rpc, size_t at_once);
/* The answer to the call that was added index-th (from 0); lives until the next batch. */
const struct json_rpc_answer *json_rpc_answer(const struct json_rpc *rpc, size_t index);
/* When not one call was answered: the first one's text, else NULL. */
const char *json_rpc_failure(const struct json_rpc *rpc);

/* Reads the body of one post that carried the calls first to first + n - 1 (their ids) into n
 * answers, by a sieve (NULL: all of it). ret_document owns what the answers point to (NULL when it
 * cannot be parsed). Pure; used by json_rpc_run and by tests. */
void json_rpc_read(struct str body, const struct json_sieve *sieve, size_t first, size_t n,
		   struct json_rpc_answer *ret_answers, struct json **ret_document);

#endif
