/* A withdrawal on its way, shown as it goes: a line for each event, and at a terminal a last line
 * that moves. */
#ifndef SLUICE_CMD_FOLLOW_H
#define SLUICE_CMD_FOLLOW_H

#include "cmd/client.h"

struct follow_options {
	const char *id;
	int64_t timeout_ms;
	bool json; /* prints the withdrawal as the API sends it, one line a change */
};

/* Follows to the end. ret_paid: it is COMPLETED. NOT_DONE when the time is up; REFUSED when the API
 * does not know it. While the API cannot be reached it goes on asking. */
MUST_CHECK bool follow_withdrawal(struct client *client, const struct follow_options *options,
				  bool *ret_paid, struct err *err);

/* "12.5 USDC on polygon to 0x…" */
void follow_print_what(const struct json_value *withdrawal);
/* The rest of a line about an event: what its detail says. */
void follow_print_detail(const struct json_value *event);

#endif
