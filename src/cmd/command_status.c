/* status and dlq: what the API knows, for people. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "cmd/client.h"
#include "cmd/follow.h"
#include "cmd/store_open.h"
#include "core/id.h"
#include "core/lifecycle.h"
#include "core/reason.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_S_DEFAULT 600
#define TIMEOUT_S_MAX     86400
#define EVENTS_PAGE       200
#define DLQ_IDS_MAX       1000

static void row(const char *name, struct str text)
{
	if (text.len > 0)
		(void)printf("  %-14s %.*s\n", name, STR_ARG(text));
}

/* The code, and what it means if this version knows. */
static void reason_row(const char *name, struct str code)
{
	enum reason reason = REASON_NONE;
	(void)reason_read(code, &reason);
	const char *text = reason_text(reason);
	if (code.len > 0)
		(void)printf("  %-14s %.*s%s%s\n", name, STR_ARG(code), text[0] != 0 ? ": " : "",
			     text);
}

static void transfer_print(const struct json_value *transfer)
{
	struct str outcome = client_text(transfer, "outcome");
	int64_t block = client_number(transfer, "block_number");
	(void)printf("  %-14s nonce %lld of %.*s, %.*s%s%.*s, %lld attempt%s\n", "transfer",
		     (long long)client_number(transfer, "nonce"),
		     STR_ARG(client_text(transfer, "wallet")),
		     STR_ARG(client_text(transfer, "stage")), outcome.len > 0 ? ", " : "",
		     STR_ARG(outcome), (long long)client_number(transfer, "attempts"),
		     client_number(transfer, "attempts") == 1 ? "" : "s");
	row("transaction", client_text(transfer, "tx_hash"));
	row("fee raise", client_text(transfer, "bump_requested"));
	if (block > 0)
		(void)printf("  %-14s %lld\n", "block", (long long)block);
}

static void withdrawal_print(const struct json_value *root)
{
	const struct json_value *failure = json_member(root, "failure");
	(void)printf("%.*s  %.*s (%.*s)\n  ", STR_ARG(client_text(root, "id")),
		     STR_ARG(client_text(root, "status")), STR_ARG(client_text(root, "stage")));
	follow_print_what(root);
	row("external id", client_text(root, "external_id"));
	row("created", client_text(root, "created_at"));
	row("updated", client_text(root, "updated_at"));
	row("correlation", client_text(root, "correlation_id"));
	reason_row("waits", client_text(root, "wait_reason"));
	reason_row("held", client_text(root, "held"));
	if (failure != NULL)
		(void)printf("  %-14s %.*s: %.*s\n", "failure",
			     STR_ARG(client_text(failure, "code")),
			     STR_ARG(client_text(failure, "text")));
	if (json_member(root, "transfer") != NULL)
		transfer_print(json_member(root, "transfer"));
}

static void events_print(const struct json_value *items)
{
	for (size_t i = 0; i < json_size(items); i++) {
		const struct json_value *event = json_element(items, i);
		(void)printf("  %3lld  %.*s  %-10.*s %-18.*s",
			     (long long)client_number(event, "sequence"),
			     STR_ARG(client_text(event, "at")),
			     STR_ARG(client_text(event, "actor")),
			     STR_ARG(client_text(event, "type")));
		follow_print_detail(event);
		(void)putchar('\n');
	}
}

/* Two answers, both kept: the client's own body lives until its next call. */
struct two_answers {
	struct json *first, *second;
	struct buf first_text;
	struct str second_text;
};

static bool two_get(struct client *client, const char *first, const char *second,
		    struct two_answers *ret_answers, struct err *err)
{
	struct client_answer answer;
	struct two_answers answers = { 0 };
	if (!client_get(client, first, &answer, err))
		return false;
	answers.first = answer.json;
	answers.first_text = buf_new(answer.body.len);
	buf_str(&answers.first_text, answer.body);
	if (!client_get(client, second, &answer, err)) {
		json_free(answers.first);
		buf_free(&answers.first_text);
		return false;
	}
	answers.second = answer.json;
	answers.second_text = answer.body;
	*ret_answers = answers;
	return true;
}

static void two_print(const struct two_answers *answers, const char *first, const char *second)
{
	(void)printf("{\"%s\":%.*s,\"%s\":%.*s}\n", first, STR_ARG(buf_view(&answers->first_text)),
		     second, STR_ARG(answers->second_text));
}

static void two_free(struct two_answers *answers)
{
	json_free(answers->first);
	json_free(answers->second);
	buf_free(&answers->first_text);
}

static enum exit_status show_withdrawal(const struct invocation *invocation, struct client *client,
					struct id id)
{
	char path[96], events_path[128];
	struct two_answers answers;
	struct err err;
	(void)snprintf(path, sizeof path, "/v1/withdrawals/%s", id_text(id).at);
	(void)snprintf(events_path, sizeof events_path, "%s/events?limit=%d", path, EVENTS_PAGE);
	if (!two_get(client, path, events_path, &answers, &err))
		return invocation_failed(invocation, &err);
	if (invocation->json) {
		two_print(&answers, "withdrawal", "events");
	} else {
		withdrawal_print(json_root(answers.first));
		events_print(json_member(json_root(answers.second), "items"));
	}
	two_free(&answers);
	return EXIT_DONE;
}

static void queues_print(const struct json_value *items)
{
	(void)printf("%-10s %9s %9s %9s %9s %9s\n", "QUEUE", "WAITING", "DELAYED", "CLAIMED",
		     "DEAD", "OLDEST");
	for (size_t i = 0; i < json_size(items); i++) {
		const struct json_value *queue = json_element(items, i);
		(void)printf("%-10.*s %9lld %9lld %9lld %9lld %7.1f s\n",
			     STR_ARG(client_text(queue, "name")),
			     (long long)client_number(queue, "waiting"),
			     (long long)client_number(queue, "delayed"),
			     (long long)client_number(queue, "claimed"),
			     (long long)client_number(queue, "dead"),
			     (double)client_number(queue, "oldest_ms") / 1000);
	}
}

static void wallets_print(const struct json_value *items)
{
	(void)printf("\n%-12s %-42s %10s %9s  %s\n", "CHAIN", "WALLET", "NONCE", "IN FLIGHT",
		     "BALANCES");
	for (size_t i = 0; i < json_size(items); i++) {
		const struct json_value *wallet = json_element(items, i);
		const struct json_value *balances = json_member(wallet, "balances");
		struct str stopped = client_text(wallet, "stopped");
		bool configured = true;
		(void)printf("%-12.*s %.*s %10lld %4lld / %-3lld ",
			     STR_ARG(client_text(wallet, "chain")),
			     STR_ARG(client_text(wallet, "address")),
			     (long long)client_number(wallet, "next_nonce"),
			     (long long)client_number(wallet, "in_flight"),
			     (long long)client_number(wallet, "in_flight_max"));
		for (size_t j = 0; j < json_size(balances); j++) {
			const struct json_value *balance = json_element(balances, j);
			(void)printf("%s%.*s %.*s", j == 0 ? "" : ", ",
				     STR_ARG(client_text(balance, "amount")),
				     STR_ARG(client_text(balance, "asset")));
		}
		if (json_bool(json_member(wallet, "configured"), &configured) && !configured)
			(void)printf("  not in the configuration");
		if (stopped.len > 0)
			(void)printf("  STOPPED: %.*s", STR_ARG(stopped));
		(void)putchar('\n');
	}
}

static enum exit_status show_overview(const struct invocation *invocation, struct client *client)
{
	struct two_answers answers;
	struct err err;
	if (!two_get(client, "/v1/queues", "/v1/wallets", &answers, &err))
		return invocation_failed(invocation, &err);
	if (invocation->json) {
		two_print(&answers, "queues", "wallets");
	} else {
		queues_print(json_member(json_root(answers.first), "items"));
		wallets_print(json_member(json_root(answers.second), "items"));
	}
	two_free(&answers);
	return EXIT_DONE;
}

static enum exit_status wait_for(const struct invocation *invocation, struct client *client,
				 struct id id, uint64_t timeout_s)
{
	struct id_text text = id_text(id);
	struct follow_options options = { text.at, (int64_t)timeout_s * 1000, invocation->json };
	struct err err;
	bool paid = false;
	if (!follow_withdrawal(client, &options, &paid, &err))
		return invocation_failed(invocation, &err);
	return paid ? EXIT_DONE : EXIT_FAILED;
}

enum exit_status command_status(const struct invocation *invocation)
{
	struct client client;
	struct err err;
	struct id id;
	uint64_t timeout_s;
	bool has_id = invocation->arguments_len > 0;
	bool wait = invocation_flag(invocation, "wait");
	if (has_id && !id_read(str_from(invocation->arguments[0]), &id))
		return invocation_misused(invocation, "\"%s\" is no id of a withdrawal",
					  invocation->arguments[0]);
	if (wait && !has_id)
		return invocation_misused(invocation, "--wait needs an ID");
	if (!invocation_count(invocation, "timeout", 1, TIMEOUT_S_MAX, TIMEOUT_S_DEFAULT,
			      &timeout_s))
		return EXIT_USAGE;
	if (!client_open(invocation, &client, &err))
		return invocation_failed(invocation, &err);
	enum exit_status status = !has_id ? show_overview(invocation, &client)
				  : wait  ? wait_for(invocation, &client, id, timeout_s)
					  : show_withdrawal(invocation, &client, id);
	client_close(&client);
	return status;
}

/* --- dead letters ------------------------------------------------------------------------------
 */

/* "signing" and "signing-dlq" both name the dead letters of signing. */
static bool dlq_read(const struct invocation *invocation, enum queue_name *ret_dlq)
{
	enum queue_name queue;
	if (!queue_name_read(str_from(invocation->arguments[0]), &queue)) {
		(void)invocation_misused(invocation, "there is no queue \"%s\"",
					 invocation->arguments[0]);
		return false;
	}
	*ret_dlq = queue < QUEUE_REQUEST_DLQ ? (enum queue_name)(queue + QUEUE_DLQ_OFFSET) : queue;
	return true;
}

static bool dlq_ids_print(struct store *store, enum queue_name dlq, bool json, bool is_first,
			  struct err *err)
{
	struct id ids[DLQ_IDS_MAX];
	size_t len = 0;
	if (!store_dlq_list(store, dlq, ids, DLQ_IDS_MAX, &len, err))
		return false;
	if (json)
		(void)printf("%s\"%s\":[", is_first ? "" : ",", queue_name_text(dlq));
	for (size_t i = 0; i < len; i++) {
		if (json)
			(void)printf("%s\"%s\"", i == 0 ? "" : ",", id_text(ids[i]).at);
		else
			(void)printf("%-12s %s\n", queue_name_text(dlq), id_text(ids[i]).at);
	}
	if (json)
		(void)putchar(']');
	return true;
}

static bool dlq_list_direct(const struct invocation *invocation, enum queue_name only,
			    struct err *err)
{
	static const enum queue_name all[] = { QUEUE_REQUEST_DLQ, QUEUE_SIGNING_DLQ,
					       QUEUE_MONITOR_DLQ };
	struct config *config;
	struct clock clock;
	struct entropy entropy;
	struct opened_store opened = { 0 };
	bool is_first = true;
	clock_posix_init(&clock);
	entropy_os_init(&entropy);
	if (!config_load(invocation_option(invocation, "config"), &config, err))
		return false;
	bool ok = opened_store_open(config, 0, false, &clock, &entropy, NULL, &opened, err);
	if (ok && invocation->json)
		(void)putchar('{');
	for (size_t i = 0; ok && i < sizeof all / sizeof all[0]; i++) {
		if (only != QUEUE_NONE && only != all[i])
			continue;
		ok = dlq_ids_print(opened.store, all[i], invocation->json, is_first, err);
		is_first = false;
	}
	if (ok && invocation->json)
		(void)puts("}");
	opened_store_close(&opened);
	config_free(config);
	return ok;
}

static bool dlq_list_remote(const struct invocation *invocation, enum queue_name only,
			    struct err *err)
{
	struct client client;
	struct client_answer answer;
	if (!client_open(invocation, &client, err))
		return false;
	bool ok = client_get(&client, "/v1/queues", &answer, err);
	if (ok) {
		JSON_OWNED json = answer.json;
		const struct json_value *items = json_member(json_root(json), "items");
		if (invocation->json)
			client_print_body(&answer);
		for (size_t i = 0; !invocation->json && i < json_size(items); i++) {
			const struct json_value *item = json_element(items, i);
			enum queue_name queue = QUEUE_NONE;
			bool is_known = queue_name_read(client_text(item, "name"), &queue);
			if (only != QUEUE_NONE && (!is_known || queue + QUEUE_DLQ_OFFSET != only))
				continue;
			(void)printf("%-10.*s %lld\n", STR_ARG(client_text(item, "name")),
				     (long long)client_number(item, "dead"));
		}
	}
	client_close(&client);
	return ok;
}

enum exit_status command_dlq_list(const struct invocation *invocation)
{
	enum queue_name only = QUEUE_NONE;
	struct err err;
	if (invocation->arguments_len > 0 && !dlq_read(invocation, &only))
		return EXIT_USAGE;
	bool ok = invocation_flag(invocation, "direct") ? dlq_list_direct(invocation, only, &err)
							: dlq_list_remote(invocation, only, &err);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}

enum exit_status command_dlq_redrive(const struct invocation *invocation)
{
	struct client client;
	struct client_answer answer;
	struct err err;
	enum queue_name dlq;
	char path[96];
	if (!dlq_read(invocation, &dlq))
		return EXIT_USAGE;
	if (!client_open(invocation, &client, &err))
		return invocation_failed(invocation, &err);
	(void)snprintf(path, sizeof path, "/v1/queues/%s/redrive", queue_name_text(dlq));
	bool ok = client_post(&client, path, NULL, (struct str){ 0 }, &answer, &err);
	if (ok) {
		JSON_OWNED json = answer.json;
		const struct json_value *root = json_root(json);
		bool more = false;
		if (invocation->json)
			client_print_body(&answer);
		else if (json_bool(json_member(root, "more"), &more))
			(void)printf("%lld moved%s\n", (long long)client_number(root, "moved"),
				     more ? ", and there are more: repeat" : "");
	}
	client_close(&client);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}
