/* The policy: what people have written down about who may be paid what. A document of JSON with
 * ordered rules and limits, compiled once and then asked about each withdrawal. Facts in, decision
 * out; pure.
 *
 *	{ "rules":  [ { "name": "small", "effect": "allow", "assets": ["polygon/USDC"],
 *	                "amount_max": "1000" },
 *	              { "name": "never", "effect": "deny", "accounts": ["closed"] } ],
 *	  "limits": [ { "name": "a day", "assets": ["polygon/USDC"], "amount": "50000",
 *	                "window": "24h", "per": ["account"] } ],
 *	  "screening": [ { "name": "large", "assets": ["polygon/USDC"], "amount_min": "100" } ] }
 *
 * A rule that denies wins over all others, wherever it stands; of the rest the first that matches
 * decides: it allows, or wants the approval of so many people. Where none matches, the answer is
 * no. What is allowed, now or by people, must fit every limit that matches, and be allowed by the
 * screening service too when any entry of "screening" matches.
 *
 * Source: doc/policy.md.
 */
#ifndef SLUICE_CORE_POLICY_RULES_H
#define SLUICE_CORE_POLICY_RULES_H

#include "base/err.h"
#include "base/json.h"
#include "core/catalogue.h"
#include "core/policy_window.h"
#include "core/refusal.h"
#include "core/withdrawal.h"

#define POLICY_DOCUMENT_BYTES_MAX 262144
#define POLICY_RULES_MAX          1024
#define POLICY_ITEMS_MAX          8192 /* texts of all selectors; as many receivers */
#define POLICY_NAME_LEN_MAX       48
#define POLICY_APPROVALS_MAX      16
#define POLICY_SCREENINGS_MAX     16
#define POLICY_WITHIN_MS          (24 * INT64_C(3600000)) /* unless the rule says another time */

/* Of the allow-list, unless the document says another one. */
#define POLICY_COOLDOWN_MS INT64_C(86400000)

enum policy_effect {
	POLICY_DENY = 1,
	POLICY_ALLOW = 2,
	POLICY_APPROVE = 3, /* people have to */
};

/* A part of the compiled texts or receivers. */
struct policy_items {
	uint16_t first, len; /* len 0: any */
};

enum policy_listed {
	POLICY_LISTED_ANY = 0,
	POLICY_LISTED_YES, /* the receiver is on the account's allow-list */
	POLICY_LISTED_NO,
};

/* What becomes of a receiver that looks like another one, whom the account knows. */
enum policy_look_alikes {
	POLICY_LOOK_ALIKES_WARN = 0, /* paid, and people hear of it */
	POLICY_LOOK_ALIKES_DENY,
	POLICY_LOOK_ALIKES_OFF,
};

/* Which withdrawals are meant: all of what is named has to hold. */
struct policy_selector {
	struct policy_items accounts;
	struct policy_items chains;    /* names */
	struct policy_items assets;    /* "chain/SYMBOL" */
	struct policy_items keys;      /* ids of API keys and users */
	struct policy_items receivers; /* of policy.receivers */
	struct str amount_min;         /* decimal; empty: any. At least this, */
	struct str amount_max;         /* at most that */
	enum policy_listed listed;
	enum policy_listed contract; /* is the receiver one? */
};

struct policy_rule {
	struct str name;
	enum policy_effect effect;
	struct policy_selector when;
	/* With APPROVE: */
	uint32_t approvals;            /* so many, 1 to POLICY_APPROVALS_MAX, */
	struct policy_items approvers; /* ids of users; */
	int64_t within_ms;             /* and in that time */
};

/* Sums are of one asset; `amount` is in units of each. */
struct policy_limit {
	struct str name;
	struct policy_selector when;
	int64_t window_ms;
	struct str amount; /* empty: none */
	uint32_t count;    /* 0: none */
	bool per_account, per_key, per_receiver;
};

/* Who is asked about at the screening service; and how many people have to approve what that wants
 * people to look at. */
struct policy_screening {
	struct str name;
	struct policy_selector when;
	uint32_t approvals; /* 1 to POLICY_APPROVALS_MAX */
};

/* Borrows the texts of the document's tree. About 350 kB: not for the stack. */
struct policy {
	size_t rules_len, limits_len, screenings_len, texts_len, receivers_len;
	enum policy_look_alikes look_alikes;
	int64_t allow_cooldown_ms; /* before an entry of the allow-list counts */
	int64_t allow_life_ms;     /* after which it counts no more; 0: for ever */
	bool asks_allow_list;      /* some selector does */
	bool denies_contracts;     /* as receivers, all of them */
	bool asks_contracts;       /* that, or some selector */
	struct policy_rule rules[POLICY_RULES_MAX];
	struct policy_limit limits[POLICY_LIMITS_MAX];
	struct policy_screening screenings[POLICY_SCREENINGS_MAX];
	struct str texts[POLICY_ITEMS_MAX];
	struct address receivers[POLICY_ITEMS_MAX];
};

enum policy_answer {
	POLICY_DENIED = 1,
	POLICY_ALLOWED = 2,
	POLICY_ASKED = 3, /* allowed once people say so */
};

struct policy_verdict {
	enum policy_answer answer;
	enum refusal refusal;           /* DENIED: why */
	const struct policy_rule *rule; /* that decided; NULL: none did */
	bool warns_look_alike;          /* not DENIED, and people have to hear of it */
	uint32_t approvals;             /* ASKED: of so many people, within that time; */
	int64_t within_ms;
	bool wants_signature; /* and one of them signs (core/vote.h) */
	bool wants_screening; /* not DENIED: it goes on with the service's yes alone, or with */
	uint32_t review_approvals; /* so many people's when that wants them to look */
	size_t claims_len;         /* not DENIED: the room that it needs */
	struct policy_claim claims[POLICY_LIMITS_MAX];
	const struct policy_limit *limits[POLICY_LIMITS_MAX]; /* of each claim */
};

/* What is known of the receiver besides its address. */
struct policy_receiver {
	bool is_denied;   /* on the deny-list */
	bool is_allowed;  /* on the account's allow-list (policy_allow_counts) */
	bool is_contract; /* code is at it; */
	bool is_unsure;   /* and nobody knows, though the policy asks: not to be judged */
	bool looks_alike; /* and is not; like another one whom the account knows */
};

/* Compiles a document; `root` outlives the policy. The catalogue knows the chains and assets that
 * it names. REFUSED with the place and what is wrong there: "rules[2].amount_max: …". */
MUST_CHECK bool policy_compile(const struct json_value *root, const struct catalogue *catalogue,
			       struct policy *ret_policy, struct err *err);
/* Judges an intent of that asset (policy_asset_matches). The deny-list wins over all, and bounds of
 * the asset come before rules. */
void policy_judge(const struct policy *policy, const struct catalogue *catalogue,
		  const struct asset *asset, const struct intent *intent,
		  const struct policy_receiver *receiver, struct policy_verdict *ret_verdict);
/* The screening service wants people to look: what was allowed is ASKED, what was asked already
 * takes as many people as the stricter of both. */
void policy_review(struct policy_verdict *verdict);
/* Does an entry of the allow-list count? The cool-down is the one that it was added with, or the
 * one that is in force, whichever is longer; and a day at least as long as the policy is younger
 * than that, so that who shortens it still waits. */
bool policy_allow_counts(const struct policy *policy, int64_t policy_set_at, int64_t added_at,
			 int64_t active_at, int64_t now_ms);
/* May that person approve what the rule asks about? */
bool policy_may_approve(const struct policy *policy, const struct policy_rule *rule,
			struct str person);
/* "deny", "allow", "approve"; static storage. */
const char *policy_effect_text(enum policy_effect effect);

#endif
