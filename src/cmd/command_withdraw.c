/* withdraw: one request, repeated until it is answered, and then followed. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "cmd/client.h"
#include "cmd/follow.h"
#include "core/limits.h"
#include "core/retry.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define BODY_BYTES_LEN    (2 * BODY_BYTES_MAX)
#define TIMEOUT_S_DEFAULT 600
#define TIMEOUT_S_MAX     86400
#define KEY_RANDOM_BYTES  16

static const struct retry_policy repeat_policy = { .first_ms = 200, .max_ms = 5000 };

struct order {
	const char *chain;
	const char *key;
	char key_bytes[sizeof "cli-" + 2 * KEY_RANDOM_BYTES];
	struct buf body;
	char body_bytes[BODY_BYTES_LEN];
	int64_t timeout_ms;
	struct clock clock;
	struct entropy entropy;
};

static bool metadata_write(const char *text, struct buf *out, struct err *err)
{
	JSON_OWNED json = NULL;
	if (!json_parse(str_from(text), &json, err))
		return err_wrap(err, "--metadata");
	if (json_type_of(json_root(json)) != JSON_TYPE_OBJECT)
		return err_set(err, ERR_REFUSED, "--metadata: must be a JSON object of strings");
	json_write_name(out, "metadata");
	buf_text(out, text);
	return true;
}

/* Writes the body; the API judges what is in it. */
static bool body_write(const struct invocation *invocation, struct order *order, struct err *err)
{
	const char *external_id = invocation_option(invocation, "external-id");
	const char *metadata = invocation_option(invocation, "metadata");
	struct buf *out = &order->body;
	*out = buf_of(order->body_bytes, sizeof order->body_bytes);
	buf_byte(out, '{');
	json_write_member_text(out, "chain", order->chain);
	json_write_member_text(out, "asset", invocation_option(invocation, "asset"));
	json_write_member_text(out, "to", invocation_option(invocation, "to"));
	json_write_member_text(out, "amount", invocation_option(invocation, "amount"));
	if (external_id != NULL)
		json_write_member_text(out, "external_id", external_id);
	if (metadata != NULL && !metadata_write(metadata, out, err))
		return false;
	buf_byte(out, '}');
	if (out->overflow)
		return err_set(err, ERR_REFUSED, "the request is too long");
	return true;
}

static void key_choose(const struct invocation *invocation, struct order *order)
{
	uint8_t random[KEY_RANDOM_BYTES];
	struct buf out = buf_of(order->key_bytes, sizeof order->key_bytes);
	order->key = invocation_option(invocation, "idempotency-key");
	if (order->key != NULL)
		return;
	entropy_fill(&order->entropy, random, sizeof random);
	buf_text(&out, "cli-");
	hex_write(&out, random, sizeof random);
	order->key = buf_terminated(&out);
}

/* Sends until somebody answers. With one key it is one withdrawal, however often it arrives. */
static bool post(struct client *client, struct order *order, struct client_answer *ret_answer,
		 struct err *err)
{
	int64_t until = clock_monotonic_ms(&order->clock) + order->timeout_ms;
	for (uint32_t attempt = 0;; attempt++) {
		uint32_t random;
		if (client_post(client, "/v1/withdrawals", order->key, buf_view(&order->body),
				ret_answer, err))
			return true;
		if (err->kind == ERR_REFUSED)
			return false;
		entropy_fill(&order->entropy, &random, sizeof random);
		int64_t pause = retry_delay_ms(&repeat_policy, attempt, random);
		if (clock_monotonic_ms(&order->clock) + pause >= until)
			return err_wrap(err, "no answer in time; repeat with --idempotency-key %s",
					order->key);
		(void)fprintf(stderr, "sluice withdraw: %s; again in %.1f s with the same key\n",
			      err->text, (double)pause / 1000);
		const struct timespec time = { .tv_sec = pause / 1000,
					       .tv_nsec = pause % 1000 * 1000000 };
		(void)nanosleep(&time, NULL);
	}
}

static enum exit_status follow(const struct invocation *invocation, struct client *client,
			       const char *id, int64_t timeout_ms)
{
	struct follow_options options = { id, timeout_ms, invocation->json };
	struct err err;
	bool paid = false;
	if (!follow_withdrawal(client, &options, &paid, &err))
		return invocation_failed(invocation, &err);
	return paid ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_status run(const struct invocation *invocation, struct client *client,
			    struct order *order)
{
	struct client_answer answer;
	struct err err;
	char id[64];
	if (!body_write(invocation, order, &err) || !post(client, order, &answer, &err))
		return invocation_failed(invocation, &err);
	JSON_OWNED json = answer.json;
	const struct json_value *root = json_root(json);
	if (!str_copy(client_text(root, "id"), id, sizeof id)) {
		(void)err_set(&err, ERR_MAYBE_DONE, "the answer names no id");
		return invocation_failed(invocation, &err);
	}
	bool wait = invocation_flag(invocation, "wait");
	if (invocation->json && !wait) {
		client_print_body(&answer);
	} else if (!invocation->json) {
		follow_print_what(root);
		(void)printf("%s\n", id);
		(void)fprintf(stderr, "Idempotency-Key: %s\n", order->key);
		(void)fflush(stdout);
	}
	return wait ? follow(invocation, client, id, order->timeout_ms) : EXIT_DONE;
}

enum exit_status command_withdraw(const struct invocation *invocation)
{
	static const char *const needed[] = { "asset", "amount", "to" };
	struct order order;
	struct client client;
	struct err err;
	uint64_t timeout_s;
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
		if (invocation_option(invocation, needed[i]) == NULL)
			return invocation_misused(invocation, "--%s is missing", needed[i]);
	if (!invocation_count(invocation, "timeout", 1, TIMEOUT_S_MAX, TIMEOUT_S_DEFAULT,
			      &timeout_s))
		return EXIT_USAGE;
	if (!client_open(invocation, &client, &err))
		return invocation_failed(invocation, &err);
	clock_posix_init(&order.clock);
	entropy_os_init(&order.entropy);
	order.timeout_ms = (int64_t)timeout_s * 1000;
	order.chain = invocation_option(invocation, "chain");
	if (order.chain == NULL && client.config != NULL &&
	    client.config->catalogue.chains_len == 1)
		order.chain = client.config->catalogue.chains[0].name;
	key_choose(invocation, &order);
	enum exit_status status = order.chain != NULL
					  ? run(invocation, &client, &order)
					  : invocation_misused(invocation, "--chain is missing");
	client_close(&client);
	return status;
}
