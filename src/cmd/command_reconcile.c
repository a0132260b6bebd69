/* reconcile: what the chain says of our wallets, compared with what the store says, up to the
 * finalized block; beside Sluice while it runs. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "base/json.h"
#include "cmd/role.h"
#include "core/confirm.h"
#include "port/store_recover.h"
#include "service/monitor/reconciler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_BLOCKS 256
#define TRIES         5
#define TRY_US        300000
#define PRINT_BYTES   65536
#define TELL_WINDOWS  16

struct report {
	const struct invocation *invocation;
	struct config *config;
	struct opened_store opened;
	struct clock clock;
	struct entropy entropy;
	struct wallet wallets[WALLETS_MAX];
	size_t wallets_len;
	struct reconciler *reconciler;
	uint64_t first; /* of the chain that is compared */
	uint64_t last;
};

/* Below what is mined and not final, and not above what is final for the node and the monitor. */
static bool last_find(struct report *report, const struct chain_params *params, struct err *err)
{
	struct chain_head head;
	struct store_mark mark = { .chain_id = params->chain_id };
	if (!chain_head(report->reconciler->client, &head, err) ||
	    !store_mark_raise(report->opened.store, &mark, err))
		return false;
	uint64_t finalized = head.has_finalized && head.finalized_number < mark.finalized
				     ? head.finalized_number
				     : mark.finalized;
	if (!confirm_final_block(params, head.number, finalized, &report->last))
		report->last = 0;
	for (size_t i = 0; i < report->wallets_len; i++) {
		struct store_transfer_filter filter = { .wallet_id = report->wallets[i].id,
							.first = TRANSFER_MINED,
							.last = TRANSFER_MINED,
							.mined_block_max = UINT64_MAX,
							.without_held = true,
							.limit = 1 };
		struct transfer row;
		size_t n = 0;
		if (report->wallets[i].chain_id != params->chain_id)
			continue;
		if (!store_transfers_load(report->opened.store, &filter, &row, &n, err))
			return false;
		if (n > 0 && row.mined_block <= report->last)
			report->last = row.mined_block - 1;
	}
	return true;
}

static bool first_find(struct report *report, const struct chain_params *params, struct err *err)
{
	uint64_t first = 0;
	if (!invocation_count(report->invocation, "from-block", 0, INT64_MAX, 0, &first))
		return err_set(err, ERR_REFUSED, "--from-block is no number");
	report->first = first > 0 ? first : report->last + 1;
	for (size_t i = 0; i < report->wallets_len && first == 0; i++) {
		struct store_transfer_filter filter = { .wallet_id = report->wallets[i].id,
							.first = TRANSFER_FINAL,
							.last = TRANSFER_FINAL,
							.mined_block_max = UINT64_MAX,
							.limit = 1 };
		struct transfer row;
		size_t n = 0;
		if (report->wallets[i].chain_id != params->chain_id)
			continue;
		if (!store_transfers_load(report->opened.store, &filter, &row, &n, err))
			return false;
		if (n > 0 && row.mined_block < report->first)
			report->first = row.mined_block;
	}
	return true;
}

static void progress_tell(const struct report *report, uint64_t at, uint64_t windows)
{
	if (isatty(STDERR_FILENO) == 1 && windows % TELL_WINDOWS == 0)
		(void)fprintf(stderr, "\rblock %llu of %llu", (unsigned long long)at,
			      (unsigned long long)report->last);
}

/* A node that is away for a moment, or has too much to tell at once, is asked again, for less. What
 * is counted twice by that would be a difference: the results are those before it, or all of it. */
static bool window_compare(struct report *report, uint64_t at, uint64_t *span, struct err *err)
{
	struct reconciler *reconciler = report->reconciler;
	struct reconciler *before = malloc(sizeof *before);
	struct hash32 hash;
	bool done = false;
	CHECK(before != NULL);
	*before = *reconciler;
	for (int i = 0; i < TRIES && !done; i++) {
		uint64_t last = at + *span - 1;
		if (last > report->last)
			last = report->last;
		done = reconciler_compare(reconciler, at, last, &hash, err);
		if (done)
			break;
		*reconciler = *before;
		if (*span > 1)
			*span /= 2;
		(void)usleep(TRY_US);
	}
	free(before);
	return done;
}

static bool chain_compare(struct report *report, size_t chain, struct err *err)
{
	const struct chain_params *params = &report->config->catalogue.chains[chain];
	uint64_t span = WINDOW_BLOCKS;
	uint64_t windows = 0;
	bool any = false;
	for (size_t i = 0; i < report->wallets_len; i++)
		any |= report->wallets[i].chain_id == params->chain_id;
	if (!any)
		return true;
	report->reconciler->chain = chain;
	if (!last_find(report, params, err) || !first_find(report, params, err))
		return false;
	for (uint64_t at = report->first; at <= report->last; windows++) {
		progress_tell(report, at, windows);
		if (!window_compare(report, at, &span, err))
			return false;
		at += span;
	}
	return report->last < report->first ||
	       reconciler_compare_nonces(report->reconciler, report->last, err);
}

static void units_write(struct buf *out, const char *name, struct amount amount)
{
	char bytes[U256_DECIMAL_LEN_MAX + 1];
	struct buf text = buf_of(bytes, sizeof bytes);
	u256_write_decimal(amount.units, &text);
	json_write_member(out, name, buf_view(&text));
}

static void sums_write(const struct report *report, struct buf *out)
{
	const struct catalogue *catalogue = &report->config->catalogue;
	buf_text(out, ",\"assets\":[");
	for (size_t i = 0; i < catalogue->assets_len; i++) {
		if (i > 0)
			buf_byte(out, ',');
		buf_byte(out, '{');
		json_write_member_text(out, "chain",
				       catalogue->chains[catalogue->assets[i].chain].name);
		json_write_member_text(out, "asset", catalogue->assets[i].symbol);
		units_write(out, "left_wallets", report->reconciler->sums[i].chain);
		units_write(out, "paid_by_store", report->reconciler->sums[i].store);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

static void difference_write(struct buf *out, const struct reconcile_difference *one)
{
	buf_byte(out, '{');
	json_write_member_text(out, "wallet", address_text(one->wallet).at);
	if (one->nonce == RECONCILE_NO_NONCE)
		json_write_member_null(out, "nonce");
	else
		json_write_member_u64(out, "nonce", one->nonce);
	if (hash32_is_zero(one->tx_hash))
		json_write_member_null(out, "tx_hash");
	else
		json_write_member_text(out, "tx_hash", hash32_text(one->tx_hash).at);
	json_write_member_text(out, "text", one->text);
	buf_byte(out, '}');
}

static void report_print_json(const struct report *report)
{
	const struct reconciler *reconciler = report->reconciler;
	struct buf out = buf_new(PRINT_BYTES);
	buf_byte(&out, '{');
	json_write_member_bool(&out, "agrees", reconciler->differences_all == 0);
	json_write_member_u64(&out, "slots", reconciler->slots);
	json_write_member_u64(&out, "differences_count", reconciler->differences_all);
	sums_write(report, &out);
	buf_text(&out, ",\"differences\":[");
	for (size_t i = 0; i < reconciler->differences_len; i++) {
		if (i > 0)
			buf_byte(&out, ',');
		difference_write(&out, &reconciler->differences[i]);
	}
	buf_text(&out, "]}");
	CHECK(!out.overflow);
	(void)puts(buf_terminated(&out));
	buf_free(&out);
}

static void report_print(const struct report *report)
{
	const struct reconciler *reconciler = report->reconciler;
	for (size_t i = 0; i < reconciler->differences_len; i++) {
		const struct reconcile_difference *one = &reconciler->differences[i];
		(void)printf("%s nonce ", address_text(one->wallet).at);
		if (one->nonce == RECONCILE_NO_NONCE)
			(void)printf("-");
		else
			(void)printf("%llu", (unsigned long long)one->nonce);
		(void)printf(" %s: %s\n",
			     hash32_is_zero(one->tx_hash) ? "" : hash32_text(one->tx_hash).at,
			     one->text);
	}
	(void)printf("%llu slots compared: %llu differences\n",
		     (unsigned long long)reconciler->slots,
		     (unsigned long long)reconciler->differences_all);
}

static bool report_make(struct report *report, struct err *err)
{
	clock_posix_init(&report->clock);
	entropy_os_init(&report->entropy);
	if (!opened_store_open(report->config, 0, false, &report->clock, &report->entropy, NULL,
			       &report->opened, err) ||
	    !store_wallets_load(report->opened.store, report->wallets, WALLETS_MAX,
				&report->wallets_len, err))
		return false;
	report->reconciler->store = report->opened.store;
	report->reconciler->catalogue = &report->config->catalogue;
	report->reconciler->wallets = report->wallets;
	report->reconciler->wallets_len = report->wallets_len;
	for (size_t i = 0; i < report->config->catalogue.chains_len; i++) {
		if (!role_chain_open(report->config, i, &report->clock, NULL, NULL,
				     &report->reconciler->client, err))
			return false;
		bool done = chain_compare(report, i, err);
		chain_close(report->reconciler->client);
		if (!done)
			return false;
	}
	return true;
}

enum exit_status command_reconcile(const struct invocation *invocation)
{
	struct report report = { .invocation = invocation };
	struct err err;
	if (invocation_flag(invocation, "after-restore"))
		return command_recover(invocation);
	if (invocation_flag(invocation, "journal-lost") ||
	    invocation_flag(invocation, "accept-strangers"))
		return invocation_misused(invocation, "that goes with --after-restore");
	if (!config_load(invocation_option(invocation, "config"), &report.config, &err))
		return invocation_failed(invocation, &err);
	report.reconciler = calloc(1, sizeof *report.reconciler);
	CHECK(report.reconciler != NULL);
	bool ok = report_make(&report, &err);
	bool agrees = report.reconciler->differences_all == 0;
	if (ok && invocation->json)
		report_print_json(&report);
	else if (ok)
		report_print(&report);
	opened_store_close(&report.opened);
	free(report.reconciler);
	config_free(report.config);
	if (!ok)
		return invocation_failed(invocation, &err);
	return agrees ? EXIT_DONE : EXIT_FAILED;
}
