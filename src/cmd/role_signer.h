/* The signer's parts, for the role and for the command that does its work after a restore. */
#ifndef SLUICE_CMD_ROLE_SIGNER_H
#define SLUICE_CMD_ROLE_SIGNER_H

#include "adapter/freeze_file.h"
#include "cmd/role.h"
#include "port/deny_list.h"
#include "service/signer/signer.h"

struct signer_role {
	struct keys *keys;
	struct journal *journal;
	struct signer *signer;
	struct freeze_file freeze;
	struct deny_list *deny_list;
};

/* What a signer is opened for; zero: to pay. As in struct signer_options. */
struct signer_purpose {
	bool recovers;
	bool journal_lost;
	bool accepts_strangers;
};

/* Unlocks the keys, opens the journal, makes the signer. What was opened is closed by
 * role_signer_close, also after a failure. */
MUST_CHECK bool role_signer_open(struct role_parts *parts, struct signer_purpose purpose,
				 struct signer_role *ret_role, struct err *err);
void role_signer_close(struct signer_role *role);

#endif
