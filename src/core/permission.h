/* Who may do what: the things that can be done, the roles of people, what needs a second factor and
 * what an API key can never hold. Every route of the API names one permission in its table
 * (service/api/http_routes.c); doc/permissions.md is made from both. Pure.
 *
 * Source: doc/protocol.md 3 ("one API key"), OWASP API Security 2023 API1, API5.
 */
#ifndef SLUICE_CORE_PERMISSION_H
#define SLUICE_CORE_PERMISSION_H

#include "base/buf.h"
#include "base/str.h"
#include "core/id.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stdint.h>

/* Stored as bits of a permission_set: numbered, and never renumbered. */
enum permission {
	PERMISSION_PUBLIC = 0, /* of a route: nobody need say who they are */
	PERMISSION_WITHDRAWALS_CREATE = 1,
	PERMISSION_WITHDRAWALS_READ = 2,
	PERMISSION_WITHDRAWALS_CANCEL = 3,
	PERMISSION_WITHDRAWALS_SPEED_UP = 4,
	PERMISSION_WITHDRAWALS_APPROVE = 5, /* and reject */
	PERMISSION_WITHDRAWALS_RESOLVE = 6,
	PERMISSION_ASSETS_READ = 7,
	PERMISSION_WALLETS_READ = 8,
	PERMISSION_QUEUES_READ = 9,
	PERMISSION_QUEUES_REDRIVE = 10,
	PERMISSION_CONTROLS_READ = 11,
	PERMISSION_CONTROLS_PAUSE = 12,
	PERMISSION_CONTROLS_UNPAUSE = 13,
	PERMISSION_POLICIES_READ = 14,
	PERMISSION_POLICIES_WRITE = 15,
	PERMISSION_ALLOW_LIST_READ = 16,
	PERMISSION_ALLOW_LIST_WRITE = 17,
	PERMISSION_API_KEYS_READ = 18,
	PERMISSION_API_KEYS_WRITE = 19,
	PERMISSION_USERS_READ = 20,
	PERMISSION_USERS_WRITE = 21,
	PERMISSION_SESSIONS_OWN = 22, /* one's own: see and end them, one's own second factor */
	PERMISSION_AUDIT_READ = 23,
	PERMISSION_EVENTS_READ = 24,
	PERMISSION_WEBHOOKS_READ = 25,
	PERMISSION_WEBHOOKS_WRITE = 26,
	PERMISSION_ACCOUNTS_READ = 27,
	PERMISSION_ACCOUNTS_WRITE = 28,
	PERMISSION_COUNT,
};

/* Bit n is the permission of number n. */
typedef uint64_t permission_set;

#define PERMISSION_BIT(permission) (UINT64_C(1) << (permission))

/* Stored as numbers, never renumbered. */
enum user_role {
	USER_ROLE_VIEWER = 1,
	USER_ROLE_OPERATOR = 2, /* asks for payments, and looks after them */
	USER_ROLE_APPROVER = 3, /* lets them go; asks for none */
	USER_ROLE_ADMIN = 4,    /* says who may do what; moves no money */
	USER_ROLE_COUNT,
};

enum principal_kind {
	PRINCIPAL_NONE = 0,
	PRINCIPAL_KEY,   /* an API key: no person need be near */
	PRINCIPAL_USER,  /* somebody who logged in */
	PRINCIPAL_TOKEN, /* somebody whom an outside identity provider vouches for */
};

/* Whose withdrawals a principal can reach. What is out of reach is answered as if it was not
 * there. */
enum principal_reach {
	REACH_ACCOUNT = 0, /* those of its own account */
	REACH_CASES, /* and, to read and to resolve, those of every account: a key made to resolve
		      */
	REACH_ALL,   /* those of every account, as its own; it has none itself */
};

#define PRINCIPAL_NAME_LEN_MAX 64

/* Who asks. Zeroed, it may do nothing. */
struct principal {
	enum principal_kind kind;
	enum principal_reach reach;
	bool has_second_factor;
	permission_set permissions;
	char account[ACCOUNT_LEN_MAX + 1];     /* "" with REACH_ALL */
	char id[ID_TEXT_LEN + 1];              /* of the key or the user: for log and audit */
	char owner[PRINCIPAL_LEN_MAX + 1];     /* of a key: the id of who made it */
	char name[PRINCIPAL_NAME_LEN_MAX + 1]; /* who it is: two ids of a name are one person */
};

enum permission_verdict {
	PERMISSION_GRANTED,
	PERMISSION_MISSING,
	PERMISSION_SECOND_FACTOR_REQUIRED, /* it has the permission, and could use it with one */
	PERMISSION_OF_ALL_ACCOUNTS,        /* it has the permission, and belongs to one account */
};

/* "withdrawals:create"; "public" for PERMISSION_PUBLIC. Static. */
const char *permission_text(enum permission permission);
/* The permission of a name; false for an unknown one, and for "public". */
bool permission_read(struct str text, enum permission *ret_permission);
bool permission_set_has(permission_set set, enum permission permission);
/* Names with a space between them, in the order of the numbers. */
void permission_set_write(permission_set set, struct buf *out);

/* "viewer" … Static. */
const char *user_role_text(enum user_role role);
bool user_role_read(struct str text, enum user_role *ret_role);
permission_set user_role_permissions(enum user_role role);

/* All there are; those that a person uses with a second factor alone; those that an API key may
 * be given; those that it gets when nobody says. */
permission_set permissions_all(void);
permission_set permissions_of_second_factor(void);
permission_set permissions_of_keys(void);
permission_set permissions_of_keys_default(void);
/* What there is one of for all accounts: of people, those alone use it who belong to none. A key
 * that has it was given it by one of them. */
permission_set permissions_of_all_accounts(void);

/* May it? PERMISSION_PUBLIC is granted to everybody. What a key can never hold it is not granted,
 * whatever its set says. */
enum permission_verdict principal_judge(const struct principal *by, enum permission permission);
/* Is what belongs to `account` there for it, in a request that needs `permission`? account "": it
 * belongs to none. */
bool principal_reaches(const struct principal *by, enum permission permission, const char *account);

/* Two names of principals: are they two people? A name with a colon is an outside identity
 * provider's, and no user of our own has one: of one on each side nobody can tell. Case makes no
 * other person. */
enum person_pair {
	PERSON_OTHER,
	PERSON_SAME,
	PERSON_UNCLEAR,
};
enum person_pair person_compare(const char *a, const char *b);
bool person_is_outside(const char *name);

/* Permissions and roles as a Markdown table, for doc/permissions.md. */
void permission_write_markdown(struct buf *out);

#endif
