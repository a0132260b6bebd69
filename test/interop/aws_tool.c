/* Sends requests of ours to an AWS endpoint, for a test that judges them. The credentials are those
 * of the environment.
 *
 * usage: aws_tool ENDPOINT REGION SERVICE TARGET 1.0|1.1
 *
 * Each line of the input is "ACTION BODY"; an empty line, or the end, sends those before it side by
 * side and prints a line for each: the number of the verdict, the status, the fault or "-", and the
 * body or the text. */
#include "net/aws_client.h"

#include "base/check.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE     16
#define DEADLINE_MS 10000

struct batch {
	struct aws_request requests[HTTP_CLIENT_REQUESTS_MAX];
	struct aws_answer answers[HTTP_CLIENT_REQUESTS_MAX];
	char *lines[HTTP_CLIENT_REQUESTS_MAX];
	size_t n;
};

static void batch_send(struct aws_client *client, struct batch *batch)
{
	if (batch->n == 0)
		return;
	aws_client_call(client, batch->requests, batch->n, AT_ONCE, DEADLINE_MS, batch->answers);
	for (size_t i = 0; i < batch->n; i++) {
		const struct aws_answer *answer = &batch->answers[i];
		struct str rest =
			answer->verdict == AWS_DONE ? answer->body : str_from(answer->text);
		printf("%d %u %s %.*s\n", (int)answer->verdict, answer->status,
		       answer->fault[0] != 0 ? answer->fault : "-", STR_ARG(rest));
		free(batch->lines[i]);
	}
	fflush(stdout);
	aws_client_wipe(client);
	batch->n = 0;
}

static void line_add(struct batch *batch, char *line, size_t len)
{
	char *space = strchr(line, ' ');
	CHECK(space != NULL && batch->n < HTTP_CLIENT_REQUESTS_MAX);
	*space = 0;
	batch->requests[batch->n] =
		(struct aws_request){ .action = line,
				      .body = { space + 1, len - (size_t)(space - line) - 1 } };
	batch->lines[batch->n++] = line;
}

static void run(struct aws_client *client)
{
	struct batch *batch = calloc(1, sizeof *batch);
	char *line = NULL;
	size_t cap = 0;
	CHECK(batch != NULL);
	for (ssize_t len; (len = getline(&line, &cap, stdin)) > 0; line = NULL, cap = 0) {
		line[--len] = 0;
		if (len > 0) {
			line_add(batch, line, (size_t)len);
			continue;
		}
		free(line);
		batch_send(client, batch);
	}
	free(line);
	batch_send(client, batch);
	free(batch);
}

int main(int argc, char **argv)
{
	struct aws_credentials *credentials = NULL;
	struct aws_client *client = NULL;
	struct err err = { 0 };
	if (argc != 6)
		return 2;
	const struct aws_credentials_options from = { .region = argv[2] };
	if (!aws_credentials_open(&from, &credentials, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	const struct aws_client_options to = {
		.service = argv[3],
		.target = argv[4],
		.json = strcmp(argv[5], "1.0") == 0 ? AWS_JSON_1_0 : AWS_JSON_1_1,
		.region = argv[2],
		.endpoint = argv[1],
		.credentials = credentials,
		.connections_max = AT_ONCE,
	};
	bool opened = aws_client_open(&to, &client, &err);
	if (opened)
		run(client);
	else
		fprintf(stderr, "%s\n", err.text);
	aws_client_close(client);
	aws_credentials_close(credentials);
	return opened ? 0 : 1;
}
