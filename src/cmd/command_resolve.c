/* resolve: what one person decides about a held withdrawal, or a slot that was taken back. */
#include "cmd/command_list.h"

#include "cmd/client.h"

#include <stdio.h>
#include <string.h>

#define PATH_BYTES 128
#define BODY_BYTES 256

static bool body_write(const char *verdict, const char *tx_hash, char *bytes, size_t cap,
		       struct str *ret_body)
{
	struct buf out = buf_of(bytes, cap);
	buf_byte(&out, '{');
	json_write_member_text(&out, "verdict", verdict);
	if (tx_hash != NULL)
		json_write_member_text(&out, "tx_hash", tx_hash);
	buf_byte(&out, '}');
	*ret_body = buf_view(&out);
	return !out.overflow;
}

/* The id may be a withdrawal's or a transfer's; both are never the same. */
static bool post(struct client *client, const char *id, struct str body,
		 struct client_answer *ret_answer, struct err *err)
{
	static const char *const kinds[] = { "withdrawals", "transfers" };
	for (size_t i = 0; i < 2; i++) {
		char path[PATH_BYTES];
		(void)snprintf(path, sizeof path, "/v1/%s/%.64s/resolve", kinds[i], id);
		if (client_post(client, path, NULL, body, ret_answer, err))
			return true;
		if (strstr(err->text, "withdrawal_unknown") == NULL)
			return false;
	}
	return false;
}

static void decisions_print(const struct json_value *root)
{
	const struct json_value *list = json_member(root, "decisions");
	bool decided = false;
	for (size_t i = 0; i < json_size(list); i++) {
		const struct json_value *one = json_element(list, i);
		(void)printf("%.*s: %.*s %.*s\n", STR_ARG(client_text(one, "person")),
			     STR_ARG(client_text(one, "verdict")),
			     STR_ARG(client_text(one, "tx_hash")));
	}
	(void)json_bool(json_member(root, "decided"), &decided);
	(void)printf("%s\n", decided ? "two people have decided: the signer compares it with the "
				       "chain; see `sluice status`"
				     : "waits for a second person");
}

enum exit_status command_resolve(const struct invocation *invocation)
{
	struct client client;
	struct client_answer answer;
	struct err err;
	struct str body;
	char bytes[BODY_BYTES];
	const char *paid_by = invocation_option(invocation, "paid-by");
	const char *another = invocation_option(invocation, "paid-another");
	int said = (paid_by != NULL) + (another != NULL) + invocation_flag(invocation, "not-paid");
	if (said != 1)
		return invocation_misused(
			invocation, "one of --paid-by HASH, --not-paid and --paid-another HASH");
	if (!body_write(paid_by != NULL ? "paid_by" : "not_paid",
			paid_by != NULL ? paid_by : another, bytes, sizeof bytes, &body))
		return invocation_misused(invocation, "a HASH is 0x and 64 hexadecimal digits");
	if (!client_open(invocation, &client, &err))
		return invocation_failed(invocation, &err);
	bool ok = post(&client, invocation->arguments[0], body, &answer, &err);
	if (ok) {
		JSON_OWNED json = answer.json;
		if (invocation->json)
			client_print_body(&answer);
		else
			decisions_print(json_root(json));
	}
	client_close(&client);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}
