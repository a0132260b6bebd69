/* The configuration file: refused with the file's name, or taken; and what is then printed as in
 * force is a configuration that prints as the same. */
#include "fuzz.h"

#include "base/utf8.h"
#include "cmd/config.h"

#define PRINT_BYTES ((size_t)1 << 20)

static void check_catalogue(const struct catalogue *catalogue)
{
	CHECK(catalogue->chains_len >= 1 && catalogue->chains_len <= CHAINS_MAX);
	CHECK(catalogue->assets_len <= ASSETS_MAX && catalogue->wallets_len <= WALLETS_MAX);
	for (size_t i = 0; i < catalogue->assets_len; i++) {
		const struct asset *asset = &catalogue->assets[i];
		CHECK(asset->chain < catalogue->chains_len && asset->decimals <= DECIMALS_MAX);
		CHECK(asset->is_native == address_is_zero(asset->contract));
		uint64_t chain_id = catalogue->chains[asset->chain].chain_id;
		CHECK(catalogue_asset(catalogue, chain_id, str_from(asset->symbol)) == asset);
	}
	for (size_t i = 0; i < catalogue->wallets_len; i++) {
		const struct wallet_params *wallet = &catalogue->wallets[i];
		CHECK(wallet->chain < catalogue->chains_len && wallet->key_ref[0] != 0);
		CHECK(wallet->in_flight_max >= 1 && wallet->in_flight_max <= IN_FLIGHT_MAX);
		CHECK(!address_is_zero(wallet->address));
	}
}

/* Comments name the file and say what was warned of; only the settings are compared. */
static void print(const struct config *config, struct buf *out)
{
	config_write_yaml(config, NULL, 0, out);
	CHECK(!out->overflow);
}

static void check_taken(const struct config *config)
{
	struct config *again = NULL;
	struct err err = { 0 };
	struct buf first = buf_new(PRINT_BYTES);
	struct buf second = buf_new(PRINT_BYTES);
	check_catalogue(&config->catalogue);
	print(config, &first);
	if (!config_load(fuzz_file_write(buf_view(&first)), &again, &err)) {
		fprintf(stderr, "%.*s\n%s\n", STR_ARG(buf_view(&first)), err.text);
		CHECK(false);
	}
	print(again, &second);
	CHECK(str_equal(buf_view(&first), buf_view(&second)));
	config_free(again);

	buf_reset(&second);
	config_write_json(config, NULL, 0, &second);
	JSON_OWNED json = fuzz_json(buf_view(&second));
	CHECK(!second.overflow && json != NULL);
	buf_free(&first);
	buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static char *nothing[] = { NULL };
	struct config *config = NULL;
	struct err err = { 0 };
	const char *path = fuzz_file_write(str_from_bytes(bytes, len));
	environ = nothing; /* variables are settings too */
	if (config_load(path, &config, &err)) {
		check_taken(config);
		config_free(config);
		return 0;
	}
	CHECK(config == NULL && err.kind == ERR_REFUSED);
	CHECK(strstr(err.text, path) != NULL);
	return 0;
}
