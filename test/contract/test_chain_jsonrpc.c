/* The chain port against a real node: run_with_anvil.mjs starts it and says where it is. */
#include "chain_suite.h"

#include "adapter/chain_jsonrpc.h"
#include "base/hex.h"
#include "net/json_rpc.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	struct chain *chain;
	struct json_rpc *rpc; /* for what only a development chain does */
	struct address token;
	unsigned wallets;
} place;

/* ---- the place ---- */

static const char *need(const char *name)
{
	const char *value = getenv(name);
	if (value == NULL)
		fail_msg("%s is not set: run by test/contract/run_with_anvil.mjs", name);
	return value;
}

static struct address address_of(const char *text)
{
	struct address address;
	assert_int_equal(address_read(str_from(text), &address), ADDRESS_OK);
	return address;
}

/* One call that must work; its parameters as JSON. */
static const struct json_value *admin(const char *method, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static const struct json_value *admin(const char *method, const char *format, ...)
{
	char text[2048];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	json_rpc_begin(place.rpc);
	buf_text(json_rpc_add(place.rpc, method), text);
	json_rpc_run(place.rpc, 1);
	const struct json_rpc_answer *answer = json_rpc_answer(place.rpc, 0);
	if (answer->verdict != JSON_RPC_RESULT)
		fail_msg("%s: %s%.*s", method, answer->text, STR_ARG(answer->message));
	return answer->result;
}

void place_mine(unsigned blocks)
{
	admin("anvil_mine", "\"0x%x\"", blocks);
}

void place_reorg(unsigned blocks)
{
	admin("anvil_reorg", "%u,[]", blocks);
}

void place_pool_drop(void)
{
	admin("anvil_dropAllTransactions", "%s", "");
}

void place_coin(struct address wallet)
{
	admin("anvil_setBalance", "\"%s\",\"" PLACE_COIN "\"", address_text(wallet).at);
}

/* By the token's owner, an unlocked account of the node: a call with one or two words. */
static void token_change(const char *selector, struct address account, uint64_t number)
{
	char to[ADDRESS_TEXT_LEN + 1], word[41];
	struct buf out = buf_of(word, sizeof word);
	hex_write(&out, account.bytes, sizeof account.bytes);
	(void)buf_terminated(&out);
	assert_true(str_copy(str_from(address_text(place.token).at), to, sizeof to));
	struct str owner;
	char from[ADDRESS_TEXT_LEN + 1];
	assert_true(json_string(json_element(admin("eth_accounts", "%s", ""), 0), &owner));
	assert_true(str_copy(owner, from, sizeof from));
	admin("eth_sendTransaction",
	      "{\"from\":\"%s\",\"to\":\"%s\",\"gas\":\"0x100000\",\"data\":\"%s%024d%s%064llx\"}",
	      from, to, selector, 0, word, (unsigned long long)number);
	place_mine(1);
}

void place_mint(struct address wallet, uint64_t units)
{
	token_change("0x40c10f19", wallet, units); /* mint(address,uint256) */
}

struct address place_token(void)
{
	return address_of(need("SLUICE_TEST_TOKEN"));
}

struct address place_refusing(void)
{
	return address_of(need("SLUICE_TEST_REFUSING"));
}

struct address place_burning(void)
{
	return address_of(need("SLUICE_TEST_BURNING"));
}

/* One chain serves all tests, each with wallets of its own. */
void place_open(struct chain **ret_chain, unsigned *ret_wallets)
{
	struct err err;
	const struct chain_jsonrpc_options options = { .url = need("SLUICE_TEST_RPC"),
						       .batch_max = 50 };
	const struct json_rpc_options rpc_options = { .url = options.url };
	assert_true(chain_jsonrpc_open(&options, &place.chain, &err));
	assert_true(json_rpc_open(&rpc_options, &place.rpc, &err));
	place.token = place_token();
	*ret_chain = place.chain;
	*ret_wallets = place.wallets;
	place.wallets += PLACE_WALLETS;
}

void place_close(void)
{
	chain_close(place.chain);
	json_rpc_close(place.rpc);
}

/* ---- a node that is gone, or hangs ---- */

static struct chain *open_chain(const char *url, size_t batch_max)
{
	struct chain *chain;
	struct err err;
	const struct chain_jsonrpc_options options = { .url = url,
						       .deadline_ms = 300,
						       .batch_max = batch_max };
	assert_true(chain_jsonrpc_open(&options, &chain, &err));
	return chain;
}

static void test_node_gone(void **state)
{
	(void)state;
	struct wallet wallet = make_wallet();
	struct tx tx = make_tx(0, wallet.address, 0);
	struct raw raw;
	struct chain_send sent;
	struct chain_head head;
	struct err err;
	sign(&wallet, &tx, &raw);
	struct chain *chain = open_chain("http://127.0.0.1:1/", 0);
	chain_send_many(chain, &raw.text, 1, &sent);
	assert_int_equal(sent.state, CHAIN_SEND_UNKNOWN);
	assert_true(strlen(sent.text) > 0);
	assert_false(chain_head(chain, &head, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	chain_close(chain);
}

/* True when every thread of the process has stopped: kill() returns earlier. */
static bool has_stopped(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *tasks = opendir(path);
	assert_non_null(tasks);
	bool stopped = true;
	const struct dirent *entry;
	while (stopped && (entry = readdir(tasks)) != NULL) {
		char name[400], state = 0;
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s/stat", path, entry->d_name);
		FILE *file = fopen(name, "r");
		stopped = file != NULL && fscanf(file, "%*d (%*[^)]) %c", &state) == 1 &&
			  state == 'T';
		if (file != NULL)
			fclose(file);
	}
	closedir(tasks);
	return stopped;
}

/* The answer is lost, the bytes are not: the state that must never be taken for a failure. */
static void test_node_hangs(void **state)
{
	(void)state;
	pid_t pid = (pid_t)strtol(need("SLUICE_TEST_RPC_PID"), NULL, 10);
	struct wallet wallet = make_wallet();
	struct tx tx = make_tx(0, wallet.address, 0);
	struct raw raw;
	struct chain_send sent;
	struct chain_head head;
	struct err err;
	sign(&wallet, &tx, &raw);
	struct chain *chain = open_chain(need("SLUICE_TEST_RPC"), 0);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	while (!has_stopped(pid))
		sched_yield();
	chain_send_many(chain, &raw.text, 1, &sent);
	bool asked = chain_head(chain, &head, &err);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(sent.state, CHAIN_SEND_UNKNOWN);
	assert_false(asked);
	chain_close(chain);

	enum chain_send_state again = send_raw(raw.text);
	assert_true(again == CHAIN_SEND_ACCEPTED || again == CHAIN_SEND_KNOWN);
	place_mine(1);
	assert_int_equal(receipt_of(raw.hash).state, CHAIN_RECEIPT_FOUND);
}

static void test_node_without_batches(void **state)
{
	(void)state;
	struct err err;
	struct chain *chain = open_chain(need("SLUICE_TEST_RPC"), 1);
	struct wallet wallet = make_wallet();
	const struct address wallets[] = { wallet.address, wallet.address, place.token };
	struct chain_nonce nonces[3];
	struct chain_head head;
	assert_true(chain_nonces(chain, CHAIN_BLOCK_LATEST, wallets, 3, nonces, &err));
	assert_true(nonces[0].known && nonces[1].known && nonces[2].known);
	assert_true(chain_head(chain, &head, &err));
	chain_close(chain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_node_gone),
		cmocka_unit_test(test_node_hangs),
		cmocka_unit_test(test_node_without_batches),
	};
	return chain_suite_run(tests, sizeof tests / sizeof *tests);
}
