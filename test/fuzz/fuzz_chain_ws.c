/* What a node may push over its WebSocket: a message is of one kind, an identity has a number, and
 * the same bytes say the same again. */
#include "fuzz.h"

#include "adapter/chain_ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint64_t first = 0, second = 0;
	char *copy = fuzz_copy(str_from_bytes(bytes, len));
	enum chain_ws_kind kind = chain_ws_read((struct str){ copy, len }, &first);
	CHECK(kind >= CHAIN_WS_OTHER && kind <= CHAIN_WS_HEAD);
	CHECK(kind == CHAIN_WS_IDENTITY || first == 0);
	CHECK(first <= INT64_MAX);
	CHECK(chain_ws_read((struct str){ copy, len }, &second) == kind && first == second);
	free(copy);
	return 0;
}
