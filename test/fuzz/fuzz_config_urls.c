/* Files of RPC URLs: 1 to RPC_ENDPOINTS_MAX of them, each http(s) and a slice of a line. */
#include "fuzz.h"

#include "cmd/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct config config;
	static char storage[CONFIG_RPC_BYTES_MAX];
	const char *urls[RPC_ENDPOINTS_MAX] = { 0 };
	size_t urls_len = 0;
	struct err err = { 0 };
	config.chains[0].rpc_file = fuzz_file_write(str_from_bytes(bytes, len));
	if (!config_chain_urls(&config.chains[0], storage, urls, &urls_len, &err)) {
		CHECK(urls_len == 0 && err.kind == ERR_REFUSED);
		CHECK(strstr(err.text, config.chains[0].rpc_file) != NULL);
		return 0;
	}
	CHECK(urls_len >= 1 && urls_len <= RPC_ENDPOINTS_MAX);
	for (size_t i = 0; i < urls_len; i++) {
		struct str url = str_from(urls[i]);
		CHECK(str_starts_with(url, STR("http://")) ||
		      str_starts_with(url, STR("https://")));
		CHECK(url.len > strlen("http://"));
		for (size_t j = 0; j < url.len; j++)
			CHECK((uint8_t)url.at[j] > ' ');
	}
	return 0;
}
