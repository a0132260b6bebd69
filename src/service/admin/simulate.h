/* What the policy in force would say to a withdrawal that nobody has asked for: which rule decides,
 * which limits it needs room of, what is known of the receiver. Takes no room and writes nothing.
 * Knows neither terminal nor HTTP. Source: doc/policy.md. */
#ifndef SLUICE_SERVICE_ADMIN_SIMULATE_H
#define SLUICE_SERVICE_ADMIN_SIMULATE_H

#include "core/reason.h"
#include "port/deny_list.h"
#include "port/store_policy.h"
#include "port/store_receivers.h"
#include "service/admin/actor.h"

struct admin_simulate {
	struct store *store;         /* all borrowed */
	struct deny_list *deny_list; /* NULL: none is configured */
	const struct catalogue *catalogue;
	const struct mac_keys *policy_keys;
	struct admin_actor by;
};

/* The wish, as people write it. */
struct admin_wish {
	const char *account, *chain, *asset, *to, *amount;
	const char *key; /* who would ask for it; "" is nobody that a rule could name */
};

struct admin_simulate_limit {
	char name[POLICY_NAME_LEN_MAX + 1];
	enum store_room room;
};

struct admin_simulated {
	uint64_t version;     /* of the policy; 0: there is none that is believed */
	enum reason waits;    /* NONE; or why nothing is decided now */
	enum refusal refusal; /* NONE: it is allowed */
	bool has_rule;
	char rule[POLICY_NAME_LEN_MAX + 1]; /* that decides */
	uint32_t approvals;                 /* of so many people; 0: none */
	bool wants_signature;
	bool wants_screening; /* nobody is asked here */
	bool has_deny_list;
	struct policy_receiver receiver;
	bool assumes_no_contract; /* the policy asks, and here is no node to say */
	struct address known;     /* whom it looks like, when it does */
	size_t limits_len;
	struct admin_simulate_limit limits[POLICY_LIMITS_MAX];
};

/* REFUSED, with a code, when the wish itself is none that could be asked for. */
MUST_CHECK bool admin_simulate(const struct admin_simulate *admin, const struct admin_wish *wish,
			       int64_t now_ms, struct admin_simulated *ret_result, struct err *err);
/* "allow", "approve", "deny", "wait"; and why: a code of a refusal or a wait, "" for none. Static
 * storage. */
const char *admin_simulated_answer(const struct admin_simulated *result);
const char *admin_simulated_code(const struct admin_simulated *result);
/* The result as a JSON object. */
#define ADMIN_SIMULATED_BYTES 8192
void admin_simulated_write(const struct admin_simulated *result, struct buf *out);

#endif
