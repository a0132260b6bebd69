/* Answers of a node to a batch: each call has one verdict, and it is the same whether the answer is
 * read through a sieve or whole. */
#include "fuzz.h"

#include "net/json_rpc.h"

#define CALLS_MAX 8

static const char *const call_names[] = { "id", "result", "error", NULL };
static const char *const inner_names[] = { "hash", "code", "message", "data", NULL };
static const struct json_sieve sieve = { { call_names, inner_names } };

static void check_answer(const struct json_rpc_answer *answer)
{
	CHECK(!answer->is_not_sent);
	switch (answer->verdict) {
	case JSON_RPC_RESULT:
		CHECK(answer->result != NULL);
		return;
	case JSON_RPC_ERROR:
		CHECK(answer->message.at != NULL && answer->result == NULL);
		return;
	case JSON_RPC_UNKNOWN:
		CHECK(answer->text[0] != 0 && memchr(answer->text, 0, sizeof answer->text) != NULL);
		CHECK(answer->result == NULL && answer->data == NULL);
		return;
	}
	CHECK(false);
}

static void check_same(const struct json_rpc_answer *whole, const struct json_rpc_answer *sieved)
{
	CHECK(whole->verdict == sieved->verdict && whole->code == sieved->code);
	CHECK(str_equal(whole->message, sieved->message));
	CHECK(json_type_of(whole->data) == json_type_of(sieved->data));
	CHECK(json_type_of(whole->result) == json_type_of(sieved->result));
	CHECK(strcmp(whole->text, sieved->text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str body = str_from_bytes(bytes, len);
	uint8_t steer = fuzz_take(&body);
	size_t n = 1 + steer % CALLS_MAX;
	size_t first = steer / CALLS_MAX % 4;
	struct json_rpc_answer whole[CALLS_MAX], sieved[CALLS_MAX];
	JSON_OWNED all = NULL;
	JSON_OWNED rest = NULL;
	json_rpc_read(body, NULL, first, n, whole, &all);
	json_rpc_read(body, &sieve, first, n, sieved, &rest);
	bool has_escape = body.len > 0 && memchr(body.at, '\\', body.len) != NULL;
	CHECK(all == NULL || rest != NULL);
	for (size_t i = 0; i < n; i++) {
		check_answer(&whole[i]);
		check_answer(&sieved[i]);
		/* What is left out may hold what is no JSON; names with escapes are left out. */
		if (all != NULL && !has_escape)
			check_same(&whole[i], &sieved[i]);
	}
	return 0;
}
