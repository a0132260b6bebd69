/* cancel and speed-up: what a client may still ask for once a withdrawal is accepted. Both may be
 * repeated: the API knows what was asked for already. */
#include "cmd/command_list.h"

#include "cmd/client.h"
#include "core/id.h"

#include <stdio.h>

/* What the answer to `change` means, for people. */
static const char *words_of(const char *change, const struct client_answer *answer)
{
	if (str_equal_text(str_from(change), "speed-up"))
		return "a higher fee is asked for; the signer raises it as far as its limits allow";
	if (answer->status == 200)
		return "canceled";
	return "asked for; it ends as CANCELED, or as COMPLETED if a block has the payment first";
}

static enum exit_status run(const struct invocation *invocation, struct client *client,
			    struct id id, const char *change)
{
	char path[96];
	struct client_answer answer;
	struct err err;
	(void)snprintf(path, sizeof path, "/v1/withdrawals/%s/%s", id_text(id).at, change);
	if (!client_post(client, path, NULL, str_from(""), &answer, &err))
		return invocation_failed(invocation, &err);
	JSON_OWNED json = answer.json;
	if (invocation->json)
		client_print_body(&answer);
	else
		(void)printf("%s  %.*s  %s\n", id_text(id).at,
			     STR_ARG(client_text(json_root(json), "status")),
			     words_of(change, &answer));
	return EXIT_DONE;
}

static enum exit_status change_run(const struct invocation *invocation, const char *change)
{
	struct client client;
	struct err err;
	struct id id;
	if (!id_read(str_from(invocation->arguments[0]), &id))
		return invocation_misused(invocation, "%s is no id of a withdrawal",
					  invocation->arguments[0]);
	if (!client_open(invocation, &client, &err))
		return invocation_failed(invocation, &err);
	enum exit_status status = run(invocation, &client, id, change);
	client_close(&client);
	return status;
}

enum exit_status command_cancel(const struct invocation *invocation)
{
	return change_run(invocation, "cancel");
}

enum exit_status command_speed_up(const struct invocation *invocation)
{
	return change_run(invocation, "speed-up");
}
