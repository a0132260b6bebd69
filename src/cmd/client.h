/* The API as the commands see it: one server, one API key, JSON in and out. */
#ifndef SLUICE_CMD_CLIENT_H
#define SLUICE_CMD_CLIENT_H

#include "base/json.h"
#include "base/secret.h"
#include "cmd/command.h"
#include "cmd/config.h"
#include "net/http_client.h"

#define CLIENT_DEADLINE_MS 10000 /* of one request */

struct client {
	struct config *config; /* NULL when the URL was given and no configuration is there */
	struct http_client *http;
	struct secret authorization; /* "Bearer slk_…" */
};

/* Reads --url, --config, --api-key-file and their variables. */
MUST_CHECK bool client_open(const struct invocation *invocation, struct client *ret_client,
			    struct err *err);
void client_close(struct client *client);

struct client_answer {
	unsigned status;
	struct str body;   /* until the next call */
	struct json *json; /* its content; freed by the caller */
};

/* Asks, and takes a 2xx with a JSON body for success. NOT_DONE: not sent, or 429. MAYBE_DONE: no
 * answer, or 5xx: the same request may be sent again if it has an Idempotency-Key or changes
 * nothing. REFUSED: any other answer, with the problem's code, detail and places. */
MUST_CHECK bool client_get(struct client *client, const char *path,
			   struct client_answer *ret_answer, struct err *err);
/* idempotency_key: NULL for none; body: empty for none. */
MUST_CHECK bool client_post(struct client *client, const char *path, const char *idempotency_key,
			    struct str body, struct client_answer *ret_answer, struct err *err);

/* The text of a member, "" when it is absent or no string. The slice lives as long as the JSON. */
struct str client_text(const struct json_value *object, const char *name);
int64_t client_number(const struct json_value *object, const char *name); /* 0 when absent */
/* Prints the body as it came, with a newline. */
void client_print_body(const struct client_answer *answer);

#endif
