/* A node that answers nonsense: whatever it says, items are unknown and nothing crashes. What a
 * real node says is test/contract/test_chain_jsonrpc.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapter/chain_jsonrpc.h"
#include "net/circuit_breaker.h"
#include "net/http_server.h"

#include <pthread.h>
#include <stdatomic.h>

#define N 3

struct node {
	struct clock clock; /* the first member */
	int64_t now_ms;
	atomic_uint asked; /* posts */
	struct http_server *server;
	pthread_t thread;
	struct chain *chain;
	const char *body;
	unsigned status;
};

static void handle(void *context, struct http_request *request)
{
	struct node *node = context;
	atomic_fetch_add(&node->asked, 1);
	http_reply(request, node->status, NULL, 0, str_from(node->body));
}

static void *serve(void *arg)
{
	http_server_run(arg);
	return NULL;
}

static int64_t node_now(struct clock *clock)
{
	return ((struct node *)(void *)clock)->now_ms;
}

static const struct clock_ops node_clock = { node_now, node_now };

static int node_setup(void **state, bool breaks)
{
	static struct node node;
	memset(&node, 0, sizeof node);
	node.clock.ops = &node_clock;
	struct err err;
	struct http_server_options options = {
		.listen = "127.0.0.1:0", .body_bytes_max = 8192, .handle = handle, .context = &node
	};
	assert_true(http_server_open(&options, &node.server, &err));
	char url[64];
	snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)http_server_port(node.server));
	assert_int_equal(pthread_create(&node.thread, NULL, serve, node.server), 0);
	const struct chain_jsonrpc_options chain_options = { .url = url,
							     .clock = breaks ? &node.clock : NULL,
							     .neighbour = "rpc_polygon_1" };
	assert_true(chain_jsonrpc_open(&chain_options, &node.chain, &err));
	*state = &node;
	return 0;
}

static int setup(void **state)
{
	return node_setup(state, false);
}

static int setup_breaker(void **state)
{
	return node_setup(state, true);
}

static int teardown(void **state)
{
	struct node *node = *state;
	chain_close(node->chain);
	http_server_stop(node->server, 0);
	pthread_join(node->thread, NULL);
	http_server_close(node->server);
	return 0;
}

/* Asks everything; no item may come back as known. */
static void expect_nothing_known(struct chain *chain)
{
	struct err err;
	uint64_t id;
	unsigned decimals;
	struct chain_head head;
	struct address token = { { 1 } };
	assert_false(chain_identity(chain, &id, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_false(chain_head(chain, &head, &err));
	assert_false(chain_decimals(chain, token, &decimals, &err));

	static const struct chain_call calls[N];
	struct chain_estimate estimates[N];
	if (chain_estimate_many(chain, calls, N, estimates, &err))
		for (size_t i = 0; i < N; i++)
			assert_int_equal(estimates[i].state, CHAIN_ESTIMATE_UNKNOWN);

	const struct chain_balance_query queries[N] = { { .is_token = true },
							{ .is_token = false } };
	struct chain_balance balances[N];
	if (chain_balances(chain, 7, queries, N, balances, &err))
		for (size_t i = 0; i < N; i++)
			assert_false(balances[i].known);

	static const struct address wallets[N];
	struct chain_nonce nonces[N];
	if (chain_nonces(chain, CHAIN_BLOCK_PENDING, wallets, N, nonces, &err))
		for (size_t i = 0; i < N; i++)
			assert_false(nonces[i].known);

	const struct hash32 hashes[N] = { { { 1 } }, { { 2 } }, { { 3 } } };
	struct chain_receipt receipts[N];
	if (chain_receipts(chain, hashes, N, receipts, &err))
		for (size_t i = 0; i < N; i++)
			assert_int_equal(receipts[i].state, CHAIN_RECEIPT_UNKNOWN);
	enum chain_lookup lookups[N];
	if (chain_lookups(chain, hashes, N, lookups, &err))
		for (size_t i = 0; i < N; i++)
			assert_int_equal(lookups[i], CHAIN_LOOKUP_UNKNOWN);

	const uint64_t numbers[N] = { 1, 2, 3 };
	struct chain_block blocks[N];
	if (chain_blocks(chain, numbers, N, blocks, &err))
		for (size_t i = 0; i < N; i++)
			assert_false(blocks[i].known);

	static const struct chain_wanted wanted;
	struct chain_found found;
	if (chain_find(chain, 1, &wanted, &found, &err))
		assert_int_equal(found.state, CHAIN_FOUND_UNKNOWN);

	const struct str raw[N] = { STR("\x02\x01"), STR("\x02\x02"), STR("\x02\x03") };
	struct chain_send sends[N];
	chain_send_many(chain, raw, N, sends);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(sends[i].state, CHAIN_SEND_UNKNOWN);
}

static void test_nonsense(void **state)
{
	struct node *node = *state;
	static const char *const bodies[] = {
		"",
		"<html>Bad Gateway</html>",
		"null",
		"[]",
		"{}",
		"[null,1,\"x\",[],{}]",
		"{\"id\":null,\"error\":{\"code\":-32600,\"message\":\"Invalid request\"}}",
		"[{\"id\":0},{\"id\":1},{\"id\":2}]",
		"[{\"id\":0,\"result\":5},{\"id\":1,\"result\":true},{\"id\":2,\"result\":[]}]",
		"[{\"id\":0,\"result\":\"\"},{\"id\":1,\"result\":\"0x\"},{\"id\":2,\"result\":"
		"\"x\"}]",
		"[{\"id\":0,\"result\":{}},{\"id\":1,\"result\":{\"hash\":7}},{\"id\":2,"
		"\"result\":{\"number\":\"0x3\"}}]",
		"[{\"id\":0,\"result\":\"0x10000000000000000000000000000000000000000000000000000000"
		"0000000001\"}]",
		"[{\"id\":0,\"error\":{\"code\":-32603,\"message\":\"internal error\"}},"
		"{\"id\":1,\"error\":{\"code\":-32005,\"message\":\"limit exceeded\"}},"
		"{\"id\":2,\"error\":{\"code\":-32000,\"message\":\"\\u0000\\u0007\"}}]",
		"[{\"id\":0,\"error\":7},{\"id\":1,\"error\":{}},{\"id\":2,\"error\":\"no\"}]",
	};
	node->status = 200;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		node->body = bodies[i];
		expect_nothing_known(node->chain);
	}
	/* What would be a fine answer, under a status that says otherwise. */
	node->body = "[{\"id\":0,\"result\":\"0x1\"},{\"id\":1,\"result\":\"0x1\"},{\"id\":2,"
		     "\"result\":\"0x1\"}]";
	static const unsigned statuses[] = { 400, 401, 403, 429, 500, 502, 503, 504 };
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		node->status = statuses[i];
		expect_nothing_known(node->chain);
	}
}

/* A bad item leaves its neighbours alone. */
static void test_one_bad_item(void **state)
{
	struct node *node = *state;
	struct err err;
	struct chain_nonce nonces[N];
	static const struct address wallets[N];
	node->status = 200;
	node->body = "[{\"id\":2,\"result\":\"0x7\"},{\"id\":1,\"result\":{}},"
		     "{\"id\":0,\"result\":\"0x5\"}]";
	assert_true(chain_nonces(node->chain, 9, wallets, N, nonces, &err));
	assert_true(nonces[0].known && nonces[0].count == 5);
	assert_false(nonces[1].known);
	assert_true(nonces[2].known && nonces[2].count == 7);
}

#define HASH "\"0x1111111111111111111111111111111111111111111111111111111111111111\""
#define LATEST                                                     \
	"{\"id\":0,\"result\":{\"number\":\"0x10\",\"hash\":" HASH \
	",\"timestamp\":\"0x1\",\"baseFeePerGas\":\"0x7\",\"gasLimit\":\"0x1\"}}"

/* Only a node that says it does not know the tag frees a chain of the demand for finality. */
static void test_finalized(void **state)
{
	struct node *node = *state;
	static const struct {
		const char *body;
		bool done, has_finalized;
	} cases[] = {
		{ "[" LATEST ",{\"id\":1,\"result\":{\"number\":\"0xe\",\"hash\":" HASH "}}]", true,
		  true },
		{ "[" LATEST ",{\"id\":1,\"result\":{\"number\":\"0x10\",\"hash\":" HASH "}}]",
		  true, true },
		{ "[" LATEST ",{\"id\":1,\"result\":{\"number\":\"0x11\",\"hash\":" HASH "}}]",
		  false, false },
		{ "[" LATEST ",{\"id\":1,\"result\":null}]", true, false },
		{ "[" LATEST ",{\"id\":1,\"error\":{\"code\":-39001,\"message\":\"Unknown "
		  "block\"}}]",
		  true, false },
		{ "[" LATEST ",{\"id\":1,\"error\":{\"code\":-32000,\"message\":\"finalized block "
		  "not found\"}}]",
		  true, false },
		{ "[" LATEST ",{\"id\":1,\"error\":{\"code\":-32603,\"message\":\"internal\"}}]",
		  false, false },
		{ "[" LATEST ",{\"id\":1,\"result\":{\"number\":\"0xe\"}}]", false, false },
		{ "[" LATEST "]", false, false },
		{ "[{\"id\":1,\"result\":{\"number\":\"0xe\",\"hash\":" HASH "}}]", false, false },
	};
	node->status = 200;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct chain_head head = { .number = 99 };
		struct err err;
		node->body = cases[i].body;
		if (chain_head(node->chain, &head, &err) != cases[i].done)
			fail_msg("%s", cases[i].body);
		assert_int_equal(head.number, cases[i].done ? 16 : 99);
		assert_int_equal(head.has_finalized, cases[i].has_finalized);
		assert_true(u256_is_zero(head.tip.value));
	}
}

/* ---- the circuit breaker ---- */

static void expect_calls(struct node *node, unsigned calls, bool done)
{
	for (unsigned i = 0; i < calls; i++) {
		uint64_t id;
		struct err err = { 0 };
		assert_int_equal(chain_identity(node->chain, &id, &err), done);
		assert_true(done || err.kind == ERR_NOT_DONE);
	}
}

/* It costs nobody a deadline; and that it was not called says nothing about what was sent. */
static void a_node_that_fails_is_left_alone(void **state)
{
	struct node *node = *state;
	const struct str raw[N] = { STR("\x02\x01"), STR("\x02\x02"), STR("\x02\x03") };
	struct chain_send sends[N];
	node->status = 503;
	node->body = "";
	expect_calls(node, BREAKER_RUN, false);
	assert_int_equal(node->asked, BREAKER_RUN);
	expect_calls(node, 50, false);
	memset(sends, 0, sizeof sends);
	chain_send_many(node->chain, raw, N, sends);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(sends[i].state, CHAIN_SEND_UNKNOWN);
		assert_non_null(strstr(sends[i].text, "left alone"));
	}
	assert_int_equal(node->asked, BREAKER_RUN);
	/* Its time is over by itself, and one answer brings the next call. */
	node->status = 200;
	node->body = "{\"id\":0,\"result\":\"0x89\"}";
	node->now_ms += BREAKER_OPEN_MS;
	expect_calls(node, 50, true);
	assert_int_equal(node->asked, BREAKER_RUN + 50);
}

/* Sends that get no answer count like reads. */
static void sends_open_it_too(void **state)
{
	struct node *node = *state;
	const struct str raw = STR("\x02\x01");
	struct chain_send sent;
	node->status = 429;
	node->body = "slow down";
	for (int i = 0; i < 50; i++) {
		chain_send_many(node->chain, &raw, 1, &sent);
		assert_int_equal(sent.state, CHAIN_SEND_UNKNOWN);
	}
	assert_int_equal(node->asked, BREAKER_RUN);
	expect_calls(node, 1, false);
	assert_int_equal(node->asked, BREAKER_RUN);
}

/* A no by the node's own rules is an answer, however often it comes. */
static void a_refusal_is_an_answer(void **state)
{
	struct node *node = *state;
	const struct str raw = STR("\x02\x01");
	struct chain_send sent;
	node->status = 200;
	node->body = "{\"id\":0,\"error\":{\"code\":-32000,\"message\":\"nonce too low\"}}";
	for (unsigned i = 1; i <= 50; i++) {
		chain_send_many(node->chain, &raw, 1, &sent);
		assert_int_equal(sent.state, CHAIN_SEND_NONCE_TOO_LOW);
		assert_int_equal(node->asked, i);
	}
	expect_calls(node, 50, false);
	assert_int_equal(node->asked, 100);
}

#define BREAKER_TEST(test) cmocka_unit_test_setup_teardown(test, setup_breaker, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_bad_item, setup, teardown),
		cmocka_unit_test_setup_teardown(test_finalized, setup, teardown),
		BREAKER_TEST(a_node_that_fails_is_left_alone),
		BREAKER_TEST(sends_open_it_too),
		BREAKER_TEST(a_refusal_is_an_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
