/* reconcile --after-restore: on the signer's host, with the signer's keys and journal, while the
 * roles are stopped. Signer and monitor of this process do what their roles do, for wallets that
 * recover; when all is final, people may unpause. */
#include "cmd/command_list.h"

#include "base/json.h"
#include "cmd/role_signer.h"
#include "cmd/stop_signal.h"
#include "core/reason.h"
#include "core/timing.h"
#include "port/store_recover.h"
#include "service/monitor/monitor.h"
#include "service/signer/signer_recover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDLE_MS     100
#define FAULT_MS    1000
#define TELL_MS     5000
#define PAGE_ROWS   64
#define LISTED_MAX  4096
#define PRINT_BYTES (4096 * 512)
#define LEASE_NAME  "monitor-%llu"

struct desk {
	struct signer_role signer;
	struct metrics *metrics; /* of the monitor: some have the same names as the signer's */
	struct monitor *monitor;
	struct store_lease monitors[CHAINS_MAX]; /* of other monitors, until they are gone */
	struct signer_recovery state;
	int64_t told_at;
};

/* Only this file's, and only for the time of the command: role_run hands it to nobody. */
static const struct invocation *asked;

static bool open_desk(struct role_parts *parts, void **ret_self, struct err *err)
{
	struct desk *desk = calloc(1, sizeof *desk);
	CHECK(desk != NULL);
	*ret_self = desk;
	desk->metrics = metrics_new();
	struct monitor_options options = {
		.store = parts->opened.store,
		.queue = parts->opened.queue,
		.clock = &parts->clock,
		.catalogue = &parts->config->catalogue,
		.log = &parts->log,
		.metrics = desk->metrics,
		.instance = parts->instance,
		.balances_interval_ms = parts->config->monitor_balances_interval_ms,
		.recovers = true,
	};
	memcpy(options.chains, parts->chains, sizeof options.chains);
	desk->monitor = monitor_new(&options);
	struct signer_purpose purpose = {
		.recovers = true,
		.journal_lost = invocation_flag(asked, "journal-lost"),
		.accepts_strangers = invocation_flag(asked, "accept-strangers"),
	};
	return role_signer_open(parts, purpose, &desk->signer, err);
}

static void close_desk(struct role_parts *parts, void *self)
{
	struct desk *desk = self;
	(void)parts;
	if (desk == NULL)
		return;
	role_signer_close(&desk->signer);
	monitor_free(desk->monitor);
	metrics_free(desk->metrics);
	free(desk);
}

/* ---- whoever worked before ---- */

/* The first chain that another monitor watches; chains_len: none. Each lease is kept once it is
 * taken. */
static bool monitors_look(struct role_parts *parts, struct desk *desk, size_t *ret_other,
			  struct err *err)
{
	const struct catalogue *catalogue = &parts->config->catalogue;
	*ret_other = catalogue->chains_len;
	for (size_t i = 0; i < catalogue->chains_len; i++) {
		struct store_lease *lease = &desk->monitors[i];
		bool taken = false;
		(void)snprintf(lease->name, sizeof lease->name, LEASE_NAME,
			       (unsigned long long)catalogue->chains[i].chain_id);
		if (!store_lease_take(parts->opened.store, lease, parts->instance,
				      clock_monotonic_ms(&parts->clock), &taken, err))
			return false;
		if (!taken && *ret_other == catalogue->chains_len)
			*ret_other = i;
	}
	return true;
}

/* Where no lock of the host tells, a role that is gone has its leases for a term more; one that
 * still renews them after two is not. A monitor that runs elsewhere would leave ours without work,
 * a signer would have the wallets. */
static bool owners_wait(struct role_parts *parts, struct desk *desk, struct err *err)
{
	const struct catalogue *catalogue = &parts->config->catalogue;
	int64_t patience_ms = parts->config->store.is_mysql ? 2 * LEASE_TERM_MS : 0;
	int64_t until = clock_monotonic_ms(&parts->clock) + patience_ms;
	size_t other = 0;
	bool owns = false;
	for (;;) {
		if (!monitors_look(parts, desk, &other, err) ||
		    !signer_recover_owns(desk->signer.signer, &owns, err))
			return false;
		bool alone = owns && other == catalogue->chains_len;
		if (alone || stop_signal_came() || clock_monotonic_ms(&parts->clock) >= until)
			break;
		health_beat(&parts->health, clock_monotonic_ms(&parts->clock));
		stop_signal_sleep(IDLE_MS);
	}
	return other == catalogue->chains_len ||
	       err_set(err, ERR_REFUSED, "another monitor watches %s: stop it first",
		       catalogue->chains[other].name);
}

/* ---- what it says ---- */

static const char *phase_text(enum signer_recovery_phase phase)
{
	switch (phase) {
	case RECOVERY_READING:
		return "reading";
	case RECOVERY_SLOTS:
		return "slots";
	case RECOVERY_BINDING:
		return "binding";
	case RECOVERY_DONE:
		return "done";
	}
	return "";
}

static void progress_tell(struct role_parts *parts, struct desk *desk)
{
	const struct signer_recovery *state = &desk->state;
	int64_t now = clock_monotonic_ms(&parts->clock);
	bool at_terminal = isatty(STDERR_FILENO) == 1;
	if (now - desk->told_at < (at_terminal ? TELL_MS / 10 : TELL_MS))
		return;
	desk->told_at = now;
	(void)fprintf(stderr,
		      "reconcile: %s: block %llu of %llu, %llu transactions found, %llu nonces to "
		      "take, %llu slots in flight, %llu withdrawals bound\n",
		      phase_text(state->phase), (unsigned long long)state->block,
		      (unsigned long long)state->block_head, (unsigned long long)state->imported,
		      (unsigned long long)state->slots_todo, (unsigned long long)state->in_flight,
		      (unsigned long long)state->bound);
}

/* What people need to find whose it was. */
static void unbound_write(const struct transfer *row, bool is_first, struct buf *out)
{
	char bytes[U256_DECIMAL_LEN_MAX + 1];
	struct buf amount = buf_of(bytes, sizeof bytes);
	u256_write_decimal(row->amount.units, &amount);
	buf_text(out, is_first ? "{" : ",{");
	json_write_member_text(out, "tx_hash", hash32_text(row->mined_hash).at);
	json_write_member_text(out, "to", address_text(row->receiver).at);
	if (row->is_token)
		json_write_member_text(out, "contract", address_text(row->to).at);
	else
		json_write_member_null(out, "contract");
	json_write_member(out, "amount_base", buf_view(&amount));
	buf_byte(out, '}');
}

static bool unbound_list(struct role_parts *parts, const struct wallet *wallet, struct buf *out,
			 uint64_t *count, struct err *err)
{
	struct transfer rows[PAGE_ROWS];
	struct store_transfer_filter filter = { .wallet_id = wallet->id,
						.first = TRANSFER_MINED,
						.last = TRANSFER_MINED,
						.mined_block_max = UINT64_MAX,
						.limit = PAGE_ROWS };
	size_t n = PAGE_ROWS;
	while (n == PAGE_ROWS) {
		if (!store_transfers_load(parts->opened.store, &filter, rows, &n, err))
			return false;
		for (size_t i = 0; i < n; i++) {
			if (strcmp(rows[i].held_reason, reason_code(REASON_PAYOUT_UNBOUND)) != 0)
				continue;
			if (++*count <= LISTED_MAX)
				unbound_write(&rows[i], *count == 1, out);
		}
		if (n > 0) {
			filter.has_after = true;
			filter.after_block = rows[n - 1].mined_block;
			filter.after_nonce = rows[n - 1].nonce;
		}
	}
	return true;
}

/* Who restored the store had no log of the roles; people are called here. */
static void held_tell(struct role_parts *parts, const struct withdrawal *row)
{
	struct id_text id = id_text(row->intent.id);
	struct log_about about = { .action = "withdrawal_held",
				   .trace_id = row->correlation_id,
				   .withdrawal_id = id.at,
				   .alarm = true };
	if (strcmp(row->held_reason, reason_code(REASON_RESTORED_UNDECIDED)) == 0)
		log_line(&parts->log, LOG_ERROR, &about, "withdrawal_held %s", row->held_reason);
}

static bool held_list(struct role_parts *parts, struct buf *out, uint64_t *count, struct err *err)
{
	struct id ids[BATCH_MAX];
	struct id after = { 0 };
	size_t n = BATCH_MAX;
	while (n == BATCH_MAX) {
		if (!store_withdrawals_open(parts->opened.store, after, ids, BATCH_MAX, &n, err))
			return false;
		for (size_t i = 0; i < n; i++) {
			struct withdrawal row;
			bool found = false;
			if (!store_withdrawals_load(parts->opened.store, &ids[i], 1, &row, &found,
						    err))
				return false;
			if (!found || row.held_reason[0] == 0)
				continue;
			held_tell(parts, &row);
			if (++*count > LISTED_MAX)
				continue;
			buf_format(out, "%s{\"id\":\"%s\",\"held\":\"%s\"}", *count > 1 ? "," : "",
				   id_text(ids[i]).at, row.held_reason);
		}
		if (n > 0)
			after = ids[n - 1];
	}
	return true;
}

/* They end their slots, and nobody is paid again by that. */
static void strangers_list(const struct desk *desk, struct buf *out)
{
	for (size_t i = 0; i < desk->state.strangers_len; i++) {
		const struct signer_stranger *one = &desk->state.strangers[i];
		buf_format(out, "%s{\"wallet\":\"%s\",\"nonce\":%llu,\"tx_hash\":\"%s\"}",
			   i > 0 ? "," : "", address_text(one->wallet).at,
			   (unsigned long long)one->nonce, hash32_text(one->tx_hash).at);
	}
}

static void strangers_print(const struct desk *desk)
{
	for (size_t i = 0; i < desk->state.strangers_len; i++) {
		const struct signer_stranger *one = &desk->state.strangers[i];
		(void)printf("wallet %s, nonce %llu: transaction %s is none of ours\n",
			     address_text(one->wallet).at, (unsigned long long)one->nonce,
			     hash32_text(one->tx_hash).at);
	}
}

/* What is left for people: payouts whose withdrawals nobody knows, and withdrawals that are held.
 */
static bool result_print(struct role_parts *parts, const struct desk *desk, struct err *err)
{
	struct wallet wallets[WALLETS_MAX];
	size_t len = 0;
	uint64_t unbound = 0;
	uint64_t held = 0;
	struct buf out = buf_new(PRINT_BYTES);
	bool done = store_wallets_load(parts->opened.store, wallets, WALLETS_MAX, &len, err);
	buf_byte(&out, '{');
	json_write_member_bool(&out, "recovered", true);
	json_write_member_u64(&out, "transactions_found", desk->state.imported);
	json_write_member_u64(&out, "withdrawals_bound", desk->state.bound);
	buf_text(&out, ",\"unbound_payouts\":[");
	for (size_t i = 0; i < len && done; i++)
		done = unbound_list(parts, &wallets[i], &out, &unbound, err);
	buf_text(&out, "],\"held\":[");
	done = done && held_list(parts, &out, &held, err);
	buf_text(&out, "],\"strangers\":[");
	strangers_list(desk, &out);
	buf_text(&out, "]");
	json_write_member_u64(&out, "unbound_count", unbound);
	json_write_member_u64(&out, "held_count", held);
	buf_byte(&out, '}');
	CHECK(!out.overflow);
	if (done && asked->json)
		(void)puts(buf_terminated(&out));
	if (done && !asked->json)
		strangers_print(desk);
	if (done && !asked->json)
		(void)printf("all slots are final; %llu withdrawals were bound to what paid them\n"
			     "%llu payouts belong to withdrawals that the store does not know; %s\n"
			     "%llu withdrawals are held for a person\n"
			     "next: start Sluice; sluice unpause --reason TEXT\n",
			     (unsigned long long)desk->state.bound, (unsigned long long)unbound,
			     invocation_flag(asked, "journal-lost")
				     ? "withdrawals that equal them are held for people"
				     : "each is bound when its client repeats its key",
			     (unsigned long long)held);
	buf_free(&out);
	return done;
}

/* ---- the work ---- */

/* A monitor that does not know all transactions would take some of ours for a stranger's. */
static bool is_watched(enum signer_recovery_phase phase)
{
	return phase == RECOVERY_SLOTS || phase == RECOVERY_BINDING;
}

/* What a node or a disk cannot do now it may do later. */
static bool step(struct role_parts *parts, struct desk *desk, bool *ret_worked, struct err *err)
{
	struct err fault = { 0 };
	bool watched = false;
	if (!signer_recover_step(desk->signer.signer, &desk->state, ret_worked, &fault) ||
	    (is_watched(desk->state.phase) && !monitor_step(desk->monitor, &watched, &fault))) {
		if (fault.kind == ERR_REFUSED) {
			*err = fault;
			return false;
		}
		struct log_about about = { .action = "reconcile_waits", .err = &fault };
		log_line(&parts->log, LOG_WARN, &about, "a step failed: %s", fault.text);
		stop_signal_sleep(FAULT_MS);
	}
	return true;
}

static bool run_desk(struct role_parts *parts, void *self, struct err *err)
{
	struct desk *desk = self;
	stop_signal_release(NULL);
	if (!owners_wait(parts, desk, err) || !signer_recover_begin(desk->signer.signer, err))
		return false;
	while (!stop_signal_came()) {
		bool worked = false;
		health_beat(&parts->health, clock_monotonic_ms(&parts->clock));
		if (!step(parts, desk, &worked, err))
			return false;
		progress_tell(parts, desk);
		if (desk->state.phase == RECOVERY_DONE)
			return result_print(parts, desk, err);
		if (!worked)
			stop_signal_sleep(IDLE_MS);
	}
	return err_set(err, ERR_NOT_DONE, "interrupted: run it again, it goes on where it was");
}

static const struct role_program recover_program = {
	.role = ROLE_SIGNER,
	.works_without_queues = true,
	.asks_chains = true,
	.open = open_desk,
	.run = run_desk,
	.close = close_desk,
};

enum exit_status command_recover(const struct invocation *invocation)
{
	struct config *config;
	struct err err;
	bool told = false;
	if (!config_load(invocation_option(invocation, "config"), &config, &err))
		return invocation_failed(invocation, &err);
	asked = invocation;
	bool ok = role_run(&recover_program, config, &told, &err);
	config_free(config);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}
