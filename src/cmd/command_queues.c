/* The queues of SQS: made, or looked at. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/queue_sqs_setup.h"
#include "cmd/queue_open.h"

#include <stdio.h>

static bool queues_do(const struct invocation *invocation,
		      bool (*act)(struct queue_transport *, struct err *), bool *ret_embedded,
		      struct err *err)
{
	struct config *config;
	struct clock clock;
	struct queue_transport *transport = NULL;
	clock_posix_init(&clock);
	if (!config_load(invocation_option(invocation, "config"), &config, err))
		return false;
	*ret_embedded = !config->queue_is_sqs;
	bool done = *ret_embedded || (sqs_transport_open(config, config->queue_timeout_ms, &clock,
							 NULL, &transport, err) &&
				      act(transport, err));
	transport_close(transport);
	config_free(config);
	return done;
}

static enum exit_status queues_run(const struct invocation *invocation,
				   bool (*act)(struct queue_transport *, struct err *))
{
	struct err err = { 0 };
	bool embedded = false;
	if (!queues_do(invocation, act, &embedded, &err))
		return invocation_failed(invocation, &err);
	if (invocation->json)
		(void)printf("{\"backend\":\"%s\",\"ready\":true}\n",
			     embedded ? "embedded" : "sqs");
	else if (embedded)
		(void)puts("the embedded queue is in the database; there is nothing to make");
	else
		(void)puts("the queues and their dead letters are as they should be");
	return EXIT_DONE;
}

enum exit_status command_queues_create(const struct invocation *invocation)
{
	return queues_run(invocation, queue_sqs_create);
}

enum exit_status command_queues_check(const struct invocation *invocation)
{
	return queues_run(invocation, queue_sqs_check);
}
