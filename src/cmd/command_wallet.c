/* wallet list and start: in the store, beside the database. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "base/json.h"
#include "cmd/store_open.h"
#include "core/reason.h"
#include "service/admin/wallets.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#define PRINT_BYTES_MAX  65536
#define CHAIN_NUMBER_LEN 24

struct wallet_desk {
	struct config *config;
	struct opened_store opened;
	struct clock clock;
	struct entropy entropy;
	struct admin_wallets admin;
};

static void desk_close(struct wallet_desk *desk)
{
	opened_store_close(&desk->opened);
	config_free(desk->config);
}

static bool desk_open(struct wallet_desk *desk, const struct invocation *invocation,
		      struct err *err)
{
	const struct passwd *user = getpwuid(getuid());
	*desk = (struct wallet_desk){ 0 };
	clock_posix_init(&desk->clock);
	entropy_os_init(&desk->entropy);
	if (!config_load(invocation_option(invocation, "config"), &desk->config, err))
		return false;
	if (!opened_store_open(desk->config, 0, false, &desk->clock, &desk->entropy, NULL,
			       &desk->opened, err)) {
		desk_close(desk);
		return false;
	}
	desk->admin = (struct admin_wallets){
		.store = desk->opened.store,
		.catalogue = &desk->config->catalogue,
		.who = user != NULL ? user->pw_name : "unknown user",
	};
	return true;
}

/* The configured name, else the number: a chain may have left the configuration. */
static const char *chain_name(const struct wallet_desk *desk, const struct wallet *wallet,
			      char ret_number[CHAIN_NUMBER_LEN])
{
	const struct chain_params *chain =
		catalogue_chain_by_id(desk->admin.catalogue, wallet->chain_id);
	if (chain != NULL)
		return chain->name;
	(void)snprintf(ret_number, CHAIN_NUMBER_LEN, "%llu", (unsigned long long)wallet->chain_id);
	return ret_number;
}

static bool is_configured(const struct wallet_desk *desk, const struct wallet *wallet)
{
	return catalogue_wallet(desk->admin.catalogue, wallet->chain_id, wallet->address) != NULL;
}

static void wallet_write(struct buf *out, const struct wallet_desk *desk,
			 const struct wallet *wallet)
{
	char number[CHAIN_NUMBER_LEN];
	buf_byte(out, '{');
	json_write_member_text(out, "chain", chain_name(desk, wallet, number));
	json_write_member_text(out, "address", address_text(wallet->address).at);
	json_write_member_bool(out, "configured", is_configured(desk, wallet));
	json_write_member_bool(out, "entered", wallet->entered);
	json_write_member_u64(out, "next_nonce", wallet->next_nonce);
	json_write_member_text(out, "stopped", wallet->stop_reason);
	buf_byte(out, '}');
}

static void wallets_print_json(const struct wallet_desk *desk, const struct wallet *wallets,
			       size_t len)
{
	struct buf out = buf_new(PRINT_BYTES_MAX);
	buf_text(&out, "{\"items\":[");
	for (size_t i = 0; i < len; i++) {
		if (i > 0)
			buf_byte(&out, ',');
		wallet_write(&out, desk, &wallets[i]);
	}
	buf_text(&out, "]}");
	CHECK(!out.overflow);
	(void)puts(buf_terminated(&out));
	buf_free(&out);
}

static void wallets_print(const struct wallet_desk *desk, const struct wallet *wallets, size_t len)
{
	(void)printf("%-12s %-42s %10s  %s\n", "CHAIN", "WALLET", "NONCE", "STATE");
	for (size_t i = 0; i < len; i++) {
		const struct wallet *wallet = &wallets[i];
		char number[CHAIN_NUMBER_LEN];
		bool stopped = wallet->stop_reason[0] != 0;
		const char *state = !is_configured(desk, wallet) ? "not in the configuration"
				    : stopped                    ? "STOPPED"
				    : wallet->entered            ? "pays"
								 : "has not entered yet";
		(void)printf("%-12s %s %10llu  %s%s%s\n", chain_name(desk, wallet, number),
			     address_text(wallet->address).at,
			     (unsigned long long)wallet->next_nonce, state, stopped ? ": " : "",
			     wallet->stop_reason);
		enum reason reason = REASON_NONE;
		if (reason_read(str_from(wallet->stop_reason), &reason))
			(void)printf("%-12s %s\n", "", reason_text(reason));
	}
}

enum exit_status command_wallet_list(const struct invocation *invocation)
{
	struct wallet_desk desk;
	struct wallet wallets[WALLETS_MAX];
	struct err err;
	size_t len = 0;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	bool ok = admin_wallets_list(&desk.admin, wallets, &len, &err);
	if (ok && invocation->json)
		wallets_print_json(&desk, wallets, len);
	else if (ok)
		wallets_print(&desk, wallets, len);
	desk_close(&desk);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}

enum exit_status command_wallet_start(const struct invocation *invocation)
{
	struct wallet_desk desk;
	struct wallet wallet;
	struct err err;
	const char *chain = invocation_option(invocation, "chain");
	const char *reason = invocation_option(invocation, "reason");
	if (chain == NULL)
		return invocation_misused(invocation, "--chain is missing");
	if (reason == NULL)
		return invocation_misused(invocation, "--reason is missing");
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	bool ok = admin_wallet_start(&desk.admin, chain, invocation->arguments[0], reason,
				     invocation_flag(invocation, "force"),
				     clock_now_ms(&desk.clock), &wallet, &err);
	if (ok && invocation->json) {
		char bytes[512];
		struct buf out = buf_of(bytes, sizeof bytes);
		wallet_write(&out, &desk, &wallet);
		(void)puts(buf_terminated(&out));
	} else if (ok) {
		(void)printf("%s on %s pays again; it was stopped for %s\n",
			     address_text(wallet.address).at, chain, wallet.stop_reason);
	}
	desk_close(&desk);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}
