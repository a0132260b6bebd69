/* The gate in front of a chain's nodes, with a real node: run_with_anvil.mjs starts it. */
#include "adapter/chain_gate.h"

#include "adapter/chain_jsonrpc.h"
#include "adapter/clock_posix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHAIN_ID 31337
#define NOBODY   "http://127.0.0.1:9" /* the discard port: refused at once */

static const char *need(const char *name)
{
	const char *value = getenv(name);
	if (value == NULL)
		fail_msg("%s is not set: run by test/contract/run_with_anvil.mjs", name);
	return value;
}

static void catalogue_make(struct catalogue *catalogue, uint64_t chain_id, unsigned decimals)
{
	*catalogue = (struct catalogue){ .chains_len = 1, .assets_len = 2 };
	catalogue->chains[0].chain_id = chain_id;
	snprintf(catalogue->chains[0].name, sizeof catalogue->chains[0].name, "anvil");
	catalogue->assets[0].is_native = true;
	catalogue->assets[0].decimals = 18;
	catalogue->assets[1].decimals = decimals;
	snprintf(catalogue->assets[1].symbol, sizeof catalogue->assets[1].symbol, "TEST");
	assert_int_equal(
		address_read(str_from(need("SLUICE_TEST_TOKEN")), &catalogue->assets[1].contract),
		ADDRESS_OK);
}

static struct chain *gate_open(const struct catalogue *catalogue, const char *const *urls,
			       size_t len)
{
	static struct clock clock;
	struct chain_gate_options options = { .catalogue = catalogue, .len = len, .clock = &clock };
	struct err err;
	clock_posix_init(&clock);
	for (size_t i = 0; i < len; i++) {
		struct chain_jsonrpc_options node = { .url = urls[i], .deadline_ms = 5000 };
		if (!chain_jsonrpc_open(&node, &options.nodes[i], &err))
			fail_msg("%s", err.text);
	}
	return chain_gate_new(&options);
}

static void opens_for_the_right_chain(void **state)
{
	const char *urls[] = { need("SLUICE_TEST_RPC") };
	struct catalogue catalogue;
	struct chain_head head;
	struct err err;
	uint64_t id;
	(void)state;
	catalogue_make(&catalogue, CHAIN_ID, 6);
	struct chain *gate = gate_open(&catalogue, urls, 1);
	assert_int_equal(chain_gate_prove(gate, &err), CHAIN_GATE_OPEN);
	assert_false(chain_gate_is_mismatch(gate, &err));
	assert_true(chain_identity(gate, &id, &err));
	assert_int_equal(id, CHAIN_ID);
	assert_true(chain_head(gate, &head, &err));
	chain_close(gate);
}

/* Without anybody having asked for the proof before. */
static void chain_id_mismatch_a_wrong_chain_answers_nothing(void **state)
{
	const char *urls[] = { need("SLUICE_TEST_RPC") };
	struct catalogue catalogue;
	struct chain_head head;
	struct chain_send sent;
	struct str raw = STR("\x02");
	struct err err;
	(void)state;
	catalogue_make(&catalogue, 137, 6);
	struct chain *gate = gate_open(&catalogue, urls, 1);
	assert_false(chain_gate_is_mismatch(gate, &err));
	chain_send_many(gate, &raw, 1, &sent);
	assert_int_equal(sent.state, CHAIN_SEND_UNKNOWN);
	assert_non_null(strstr(sent.text, "chain id 31337, not 137"));
	assert_true(chain_gate_is_mismatch(gate, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_false(chain_head(gate, &head, &err));
	assert_int_equal(chain_gate_prove(gate, &err), CHAIN_GATE_MISMATCH);
	chain_close(gate);
}

static void other_decimals_are_a_mismatch(void **state)
{
	const char *urls[] = { need("SLUICE_TEST_RPC") };
	struct catalogue catalogue;
	struct err err;
	(void)state;
	catalogue_make(&catalogue, CHAIN_ID, 18);
	struct chain *gate = gate_open(&catalogue, urls, 1);
	assert_int_equal(chain_gate_prove(gate, &err), CHAIN_GATE_MISMATCH);
	assert_non_null(strstr(err.text, "decimals of TEST are 6, not 18"));
	chain_close(gate);
}

/* A contract that is not there yet proves nothing: closed, and asked again. */
static void a_missing_token_keeps_it_closed(void **state)
{
	const char *urls[] = { need("SLUICE_TEST_RPC") };
	struct catalogue catalogue;
	struct err err;
	(void)state;
	catalogue_make(&catalogue, CHAIN_ID, 6);
	memset(catalogue.assets[1].contract.bytes, 0x77, ADDRESS_BYTES);
	struct chain *gate = gate_open(&catalogue, urls, 1);
	assert_int_equal(chain_gate_prove(gate, &err), CHAIN_GATE_CLOSED);
	assert_false(chain_gate_is_mismatch(gate, &err));
	chain_close(gate);
}

static void the_next_node_is_asked_when_one_is_away(void **state)
{
	const char *urls[] = { NOBODY, need("SLUICE_TEST_RPC") };
	struct catalogue catalogue;
	struct chain_head head;
	struct chain_send sent;
	struct str raw = STR("\x02");
	struct err err;
	(void)state;
	catalogue_make(&catalogue, CHAIN_ID, 6);
	struct chain *gate = gate_open(&catalogue, urls, 2);
	assert_true(chain_head(gate, &head, &err));
	chain_send_many(gate, &raw, 1, &sent);
	assert_int_not_equal(sent.state, CHAIN_SEND_ACCEPTED); /* one byte is no transaction */
	assert_null(strstr(sent.text, "127.0.0.1:9"));
	assert_int_equal(chain_gate_prove(gate, &err), CHAIN_GATE_OPEN);
	chain_close(gate);
}

static void nobody_there_is_a_fault_and_no_mismatch(void **state)
{
	const char *urls[] = { NOBODY, NOBODY };
	struct catalogue catalogue;
	struct chain_head head;
	struct chain_send sent[2];
	struct str raw[] = { STR("\x02"), STR("\x02") };
	struct err err;
	(void)state;
	catalogue_make(&catalogue, CHAIN_ID, 6);
	struct chain *gate = gate_open(&catalogue, urls, 2);
	assert_int_equal(chain_gate_prove(gate, &err), CHAIN_GATE_CLOSED);
	assert_false(chain_head(gate, &head, &err));
	chain_send_many(gate, raw, 2, sent);
	assert_int_equal(sent[0].state, CHAIN_SEND_UNKNOWN);
	assert_int_equal(sent[1].state, CHAIN_SEND_UNKNOWN);
	assert_false(chain_gate_is_mismatch(gate, &err));
	chain_close(gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_for_the_right_chain),
		cmocka_unit_test(chain_id_mismatch_a_wrong_chain_answers_nothing),
		cmocka_unit_test(other_decimals_are_a_mismatch),
		cmocka_unit_test(a_missing_token_keeps_it_closed),
		cmocka_unit_test(the_next_node_is_asked_when_one_is_away),
		cmocka_unit_test(nobody_there_is_a_fault_and_no_mismatch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
