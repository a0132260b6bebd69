/* reconcile: what the chain says of our wallets, compared with what the store says. */
#include "cmd/command_list.h"

enum exit_status command_reconcile(const struct invocation *invocation)
{
	if (invocation_flag(invocation, "after-restore"))
		return command_recover(invocation);
	return invocation_misused(invocation, "--after-restore is missing");
}
