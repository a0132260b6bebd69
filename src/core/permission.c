#include "core/permission.h"

#include "base/check.h"
#include "base/defence.h"

#include <string.h>

#define BIT(name) PERMISSION_BIT(PERMISSION_##name)

/* ---- what belongs to whom ---- */

#define SEES                                                                                 \
	(BIT(WITHDRAWALS_READ) | BIT(ASSETS_READ) | BIT(WALLETS_READ) | BIT(QUEUES_READ) |   \
	 BIT(CONTROLS_READ) | BIT(POLICIES_READ) | BIT(ALLOW_LIST_READ) | BIT(EVENTS_READ) | \
	 BIT(WEBHOOKS_READ) | BIT(SESSIONS_OWN))
#define ASKS (BIT(WITHDRAWALS_CREATE) | BIT(WITHDRAWALS_CANCEL) | BIT(WITHDRAWALS_SPEED_UP))

#define OPERATES                                                                              \
	(SEES | ASKS | BIT(WITHDRAWALS_RESOLVE) | BIT(QUEUES_REDRIVE) | BIT(CONTROLS_PAUSE) | \
	 BIT(AUDIT_READ))
#define APPROVES                                                                         \
	(SEES | BIT(WITHDRAWALS_APPROVE) | BIT(CONTROLS_PAUSE) | BIT(CONTROLS_UNPAUSE) | \
	 BIT(AUDIT_READ))
#define ADMINISTERS                                                                           \
	(SEES | BIT(CONTROLS_PAUSE) | BIT(CONTROLS_UNPAUSE) | BIT(POLICIES_WRITE) |           \
	 BIT(ALLOW_LIST_WRITE) | BIT(API_KEYS_READ) | BIT(API_KEYS_WRITE) | BIT(USERS_READ) | \
	 BIT(USERS_WRITE) | BIT(WEBHOOKS_WRITE) | BIT(AUDIT_READ) | BIT(ACCOUNTS_READ) |      \
	 BIT(ACCOUNTS_WRITE))

_Static_assert((OPERATES & BIT(WITHDRAWALS_APPROVE)) == 0 && (APPROVES & ASKS) == 0,
	       "no role lets go what it can ask for");
_Static_assert((ADMINISTERS & (ASKS | BIT(WITHDRAWALS_APPROVE) | BIT(WITHDRAWALS_RESOLVE))) == 0,
	       "who hands out rights moves no money");

#define SECOND_FACTOR                                                                           \
	(BIT(WITHDRAWALS_APPROVE) | BIT(CONTROLS_UNPAUSE) | BIT(POLICIES_WRITE) |               \
	 BIT(ALLOW_LIST_WRITE) | BIT(API_KEYS_WRITE) | BIT(USERS_WRITE) | BIT(WEBHOOKS_WRITE) | \
	 BIT(ACCOUNTS_WRITE))

/* Whoever takes a key has an account within limits that the key cannot move: it approves nothing,
 * and edits neither rules nor rights nor where the news goes. */
#define OF_KEYS_DEFAULT (ASKS | BIT(WITHDRAWALS_READ) | BIT(ASSETS_READ) | BIT(EVENTS_READ))
#define OF_KEYS                                                                                \
	(OF_KEYS_DEFAULT | BIT(WITHDRAWALS_RESOLVE) | BIT(WALLETS_READ) | BIT(QUEUES_READ) |   \
	 BIT(QUEUES_REDRIVE) | BIT(CONTROLS_READ) | BIT(CONTROLS_PAUSE) | BIT(POLICIES_READ) | \
	 BIT(ALLOW_LIST_READ) | BIT(AUDIT_READ) | BIT(WEBHOOKS_READ))

#define OF_ALL_ACCOUNTS \
	(BIT(WALLETS_READ) | BIT(QUEUES_READ) | BIT(QUEUES_REDRIVE) | BIT(AUDIT_READ))

/* ---- names ---- */

struct permission_row {
	const char *text;
	const char *means;
};

static const struct permission_row rows[PERMISSION_COUNT] = {
	[PERMISSION_PUBLIC] = { "public", "Nobody need say who they are." },
	[PERMISSION_WITHDRAWALS_CREATE] = { "withdrawals:create", "Ask for a payment." },
	[PERMISSION_WITHDRAWALS_READ] = { "withdrawals:read", "See withdrawals." },
	[PERMISSION_WITHDRAWALS_CANCEL] = { "withdrawals:cancel", "Cancel one." },
	[PERMISSION_WITHDRAWALS_SPEED_UP] = { "withdrawals:speed_up", "Raise its fee." },
	[PERMISSION_WITHDRAWALS_APPROVE] = { "withdrawals:approve",
					     "Approve or reject one that needs people." },
	[PERMISSION_WITHDRAWALS_RESOLVE] = { "withdrawals:resolve",
					     "Decide, with another person, about what is held." },
	[PERMISSION_ASSETS_READ] = { "assets:read", "See what can be paid." },
	[PERMISSION_WALLETS_READ] = { "wallets:read", "See wallets and their balances." },
	[PERMISSION_QUEUES_READ] = { "queues:read", "See how long the queues are." },
	[PERMISSION_QUEUES_REDRIVE] = { "queues:redrive", "Move dead letters back." },
	[PERMISSION_CONTROLS_READ] = { "controls:read", "See what is paused." },
	[PERMISSION_CONTROLS_PAUSE] = { "controls:pause", "Pause." },
	[PERMISSION_CONTROLS_UNPAUSE] = { "controls:unpause", "Let it go on." },
	[PERMISSION_POLICIES_READ] = { "policies:read", "See the rules, and try them out." },
	[PERMISSION_POLICIES_WRITE] = { "policies:write", "Change the rules." },
	[PERMISSION_ALLOW_LIST_READ] = { "allow_list:read", "See the allow-list." },
	[PERMISSION_ALLOW_LIST_WRITE] = { "allow_list:write", "Change the allow-list." },
	[PERMISSION_API_KEYS_READ] = { "api_keys:read", "See API keys, without their secrets." },
	[PERMISSION_API_KEYS_WRITE] = { "api_keys:write", "Make, rotate and revoke API keys." },
	[PERMISSION_USERS_READ] = { "users:read", "See users and their sessions." },
	[PERMISSION_USERS_WRITE] = { "users:write", "Make, change and disable users." },
	[PERMISSION_SESSIONS_OWN] = { "sessions:own",
				      "See and end one's own sessions; one's second factor." },
	[PERMISSION_AUDIT_READ] = { "audit:read", "Read the audit." },
	[PERMISSION_EVENTS_READ] = { "events:read", "Read the events of withdrawals." },
	[PERMISSION_WEBHOOKS_READ] = { "webhooks:read", "See where news goes." },
	[PERMISSION_WEBHOOKS_WRITE] = { "webhooks:write", "Change where news goes." },
	[PERMISSION_ACCOUNTS_READ] = { "accounts:read", "See accounts." },
	[PERMISSION_ACCOUNTS_WRITE] = { "accounts:write", "Declare, disable and enable accounts." },
};

_Static_assert(PERMISSION_COUNT <= 63, "a set is one signed column");

const char *permission_text(enum permission permission)
{
	CHECK(permission < PERMISSION_COUNT);
	return rows[permission].text;
}

bool permission_read(struct str text, enum permission *ret_permission)
{
	for (int i = PERMISSION_PUBLIC + 1; i < PERMISSION_COUNT; i++) {
		if (!str_equal_text(text, rows[i].text))
			continue;
		*ret_permission = (enum permission)i;
		return true;
	}
	return false;
}

bool permission_set_has(permission_set set, enum permission permission)
{
	CHECK(permission > PERMISSION_PUBLIC && permission < PERMISSION_COUNT);
	return (set & PERMISSION_BIT(permission)) != 0;
}

void permission_set_write(permission_set set, struct buf *out)
{
	bool is_first = true;
	for (int i = PERMISSION_PUBLIC + 1; i < PERMISSION_COUNT; i++) {
		if (!permission_set_has(set, (enum permission)i))
			continue;
		if (!is_first)
			buf_byte(out, ' ');
		buf_text(out, rows[i].text);
		is_first = false;
	}
}

static const char *const user_role_names[USER_ROLE_COUNT] = {
	[USER_ROLE_VIEWER] = "viewer",
	[USER_ROLE_OPERATOR] = "operator",
	[USER_ROLE_APPROVER] = "approver",
	[USER_ROLE_ADMIN] = "admin",
};

const char *user_role_text(enum user_role role)
{
	CHECK(role >= USER_ROLE_VIEWER && role < USER_ROLE_COUNT);
	return user_role_names[role];
}

bool user_role_read(struct str text, enum user_role *ret_role)
{
	for (int i = USER_ROLE_VIEWER; i < USER_ROLE_COUNT; i++) {
		if (!str_equal_text(text, user_role_names[i]))
			continue;
		*ret_role = (enum user_role)i;
		return true;
	}
	return false;
}

static const permission_set user_role_sets[USER_ROLE_COUNT] = {
	[USER_ROLE_VIEWER] = SEES,
	[USER_ROLE_OPERATOR] = OPERATES,
	[USER_ROLE_APPROVER] = APPROVES,
	[USER_ROLE_ADMIN] = ADMINISTERS,
};

permission_set user_role_permissions(enum user_role role)
{
	CHECK(role >= USER_ROLE_VIEWER && role < USER_ROLE_COUNT);
	return user_role_sets[role];
}

permission_set permissions_all(void)
{
	return PERMISSION_BIT(PERMISSION_COUNT) - PERMISSION_BIT(PERMISSION_PUBLIC + 1);
}

permission_set permissions_of_second_factor(void)
{
	return SECOND_FACTOR;
}

permission_set permissions_of_keys(void)
{
	return OF_KEYS;
}

permission_set permissions_of_keys_default(void)
{
	return OF_KEYS_DEFAULT;
}

permission_set permissions_of_all_accounts(void)
{
	return OF_ALL_ACCOUNTS;
}

/* ---- verdicts ---- */

enum permission_verdict principal_judge(const struct principal *by, enum permission permission)
{
	if (permission == PERMISSION_PUBLIC)
		return PERMISSION_GRANTED;
	bool is_key = by->kind == PRINCIPAL_KEY;
	permission_set held = is_key ? by->permissions & OF_KEYS : by->permissions;
	if (by->kind == PRINCIPAL_NONE || !permission_set_has(held, permission))
		return DEFENCE("permission_is_held") ? PERMISSION_MISSING : PERMISSION_GRANTED;
	if (!is_key && !by->has_second_factor && permission_set_has(SECOND_FACTOR, permission))
		return PERMISSION_SECOND_FACTOR_REQUIRED;
	if (!is_key && by->reach != REACH_ALL && permission_set_has(OF_ALL_ACCOUNTS, permission) &&
	    DEFENCE("shared_is_of_all"))
		return PERMISSION_OF_ALL_ACCOUNTS;
	return PERMISSION_GRANTED;
}

bool principal_reaches(const struct principal *by, enum permission permission, const char *account)
{
	switch (by->reach) {
	case REACH_ALL:
		return true;
	case REACH_CASES:
		if (permission == PERMISSION_WITHDRAWALS_READ ||
		    permission == PERMISSION_EVENTS_READ ||
		    permission == PERMISSION_WITHDRAWALS_RESOLVE)
			return true;
		break;
	case REACH_ACCOUNT:
		break;
	}
	if (!DEFENCE("account_is_own"))
		return true;
	return account[0] != 0 && strcmp(by->account, account) == 0;
}

bool person_is_outside(const char *name)
{
	return strchr(name, ':') != NULL;
}

enum person_pair person_compare(const char *a, const char *b)
{
	if (str_equal_fold(str_from(a), str_from(b)))
		return PERSON_SAME;
	return person_is_outside(a) == person_is_outside(b) ? PERSON_OTHER : PERSON_UNCLEAR;
}

/* ---- the document ---- */

static void write_mark(struct buf *out, bool is_so)
{
	buf_text(out, is_so ? " ✓ |" : " |");
}

void permission_write_markdown(struct buf *out)
{
	buf_text(out, "| permission | means | second factor |");
	for (int role = USER_ROLE_VIEWER; role < USER_ROLE_COUNT; role++)
		buf_format(out, " %s |", user_role_names[role]);
	buf_text(out, " API key |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n");
	for (int i = PERMISSION_PUBLIC + 1; i < PERMISSION_COUNT; i++) {
		enum permission permission = (enum permission)i;
		buf_format(out, "| `%s` | %s |", rows[i].text, rows[i].means);
		write_mark(out, permission_set_has(SECOND_FACTOR, permission));
		for (int role = USER_ROLE_VIEWER; role < USER_ROLE_COUNT; role++)
			write_mark(out,
				   permission_set_has(user_role_permissions((enum user_role)role),
						      permission));
		bool is_default = permission_set_has(OF_KEYS_DEFAULT, permission);
		buf_text(out, is_default                                ? " yes |\n"
			      : permission_set_has(OF_KEYS, permission) ? " when asked |\n"
									: " never |\n");
	}
}
