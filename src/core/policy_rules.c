#include "core/policy_rules.h"

#include "base/hash.h"
#include "core/policy.h"

#include <string.h>

#define ASSET_TEXT_LEN_MAX (CHAIN_NAME_LEN_MAX + 1 + SYMBOL_LEN_MAX)
#define LIMIT_LABEL        "sluice limit 1"
#define LIMIT_BYTES_MAX    1024

/* What selectors look at, made once for all of them. */
struct policy_facts {
	const struct asset *asset;
	const struct intent *intent;
	const struct policy_receiver *receiver;
	struct str chain;
	struct str asset_text; /* "chain/SYMBOL" */
};

static bool has_text(const struct policy *policy, struct policy_items items, struct str text)
{
	bool found = items.len == 0;
	for (size_t i = 0; i < items.len && !found; i++)
		found = str_equal(policy->texts[items.first + i], text);
	return found;
}

static bool has_receiver(const struct policy *policy, struct policy_items items,
			 struct address receiver)
{
	bool found = items.len == 0;
	for (size_t i = 0; i < items.len && !found; i++)
		found = address_equal(policy->receivers[items.first + i], receiver);
	return found;
}

/* The text was read for each asset when the document was compiled. */
static struct amount amount_of(struct str text, const struct asset *asset)
{
	struct amount amount;
	CHECK(amount_read(text, asset->decimals, &amount) == AMOUNT_OK);
	return amount;
}

static bool amount_is_meant(const struct policy_selector *when, const struct policy_facts *facts)
{
	struct amount amount = facts->intent->amount;
	if (when->amount_min.len > 0 &&
	    amount_compare(amount, amount_of(when->amount_min, facts->asset)) < 0)
		return false;
	return when->amount_max.len == 0 ||
	       amount_compare(amount, amount_of(when->amount_max, facts->asset)) <= 0;
}

static bool listed_is_meant(enum policy_listed listed, bool is)
{
	return listed == POLICY_LISTED_ANY || (listed == POLICY_LISTED_YES) == is;
}

static bool matches(const struct policy *policy, const struct policy_selector *when,
		    const struct policy_facts *facts)
{
	const struct intent *intent = facts->intent;
	return has_text(policy, when->accounts, str_from(intent->account)) &&
	       has_text(policy, when->chains, facts->chain) &&
	       has_text(policy, when->assets, facts->asset_text) &&
	       has_text(policy, when->keys, str_from(intent->created_by)) &&
	       has_receiver(policy, when->receivers, intent->to) &&
	       listed_is_meant(when->listed, facts->receiver->is_allowed) &&
	       listed_is_meant(when->contract, facts->receiver->is_contract) &&
	       amount_is_meant(when, facts);
}

/* A rule that denies, wherever it stands; else the first that matches. */
static const struct policy_rule *rule_find(const struct policy *policy,
					   const struct policy_facts *facts)
{
	const struct policy_rule *first = NULL;
	for (size_t i = 0; i < policy->rules_len; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		if ((first != NULL && rule->effect != POLICY_DENY) ||
		    !matches(policy, &rule->when, facts))
			continue;
		if (rule->effect == POLICY_DENY)
			return rule;
		first = rule;
	}
	return first;
}

static void prefixed(struct buf *out, struct str text)
{
	buf_prefixed(out, text.at, text.len);
}

/* Whom the limit counts together is under one key. Its bounds are not part of it, so that a limit
 * that is raised or lowered goes on counting; its window is. */
static void limit_key_make(const struct policy_limit *limit, const struct policy_facts *facts,
			   uint8_t ret_key[POLICY_LIMIT_KEY_BYTES])
{
	uint8_t bytes[LIMIT_BYTES_MAX];
	struct buf out = buf_of(bytes, sizeof bytes);
	const struct intent *intent = facts->intent;
	prefixed(&out, STR(LIMIT_LABEL));
	prefixed(&out, limit->name);
	buf_prefixed_u64(&out, (uint64_t)limit->window_ms);
	prefixed(&out, limit->amount.len > 0 ? facts->asset_text : STR(""));
	prefixed(&out, limit->per_account ? str_from(intent->account) : STR(""));
	prefixed(&out, limit->per_key ? str_from(intent->created_by) : STR(""));
	buf_prefixed(&out, intent->to.bytes, limit->per_receiver ? ADDRESS_BYTES : 0);
	CHECK(!out.overflow);
	sha256(out.at, out.len, ret_key);
}

static struct policy_claim claim_of(const struct policy_limit *limit,
				    const struct policy_facts *facts)
{
	struct policy_claim claim = {
		.window_ms = limit->window_ms,
		.at = facts->intent->created_at,
		.amount = facts->intent->amount,
		.count_max = limit->count,
	};
	if (limit->amount.len > 0)
		claim.amount_max = amount_of(limit->amount, facts->asset);
	limit_key_make(limit, facts, claim.key);
	return claim;
}

static void claims_make(const struct policy *policy, const struct policy_facts *facts,
			struct policy_verdict *verdict)
{
	for (size_t i = 0; i < policy->limits_len; i++) {
		const struct policy_limit *limit = &policy->limits[i];
		if (!matches(policy, &limit->when, facts))
			continue;
		verdict->limits[verdict->claims_len] = limit;
		verdict->claims[verdict->claims_len++] = claim_of(limit, facts);
	}
}

/* Each entry that matches adds what it wants; none takes away what another one does. */
static void screening_look(const struct policy *policy, const struct policy_facts *facts,
			   struct policy_verdict *verdict)
{
	for (size_t i = 0; i < policy->screenings_len; i++) {
		const struct policy_screening *screening = &policy->screenings[i];
		if (!matches(policy, &screening->when, facts))
			continue;
		verdict->wants_screening = true;
		if (verdict->review_approvals < screening->approvals)
			verdict->review_approvals = screening->approvals;
	}
}

void policy_review(struct policy_verdict *verdict)
{
	CHECK(verdict->answer != POLICY_DENIED && verdict->wants_screening);
	if (verdict->answer == POLICY_ALLOWED || verdict->approvals < verdict->review_approvals)
		verdict->approvals = verdict->review_approvals;
	verdict->answer = POLICY_ASKED;
}

static void deny(struct policy_verdict *verdict, enum refusal refusal)
{
	verdict->answer = POLICY_DENIED;
	verdict->refusal = refusal;
}

/* Above its threshold an asset wants a person's own signature, whatever the rules say. */
static void people_ask(const struct policy_facts *facts, struct policy_verdict *verdict)
{
	const struct policy_rule *rule = verdict->rule;
	bool asks = rule->effect == POLICY_APPROVE;
	verdict->wants_signature = policy_wants_signature(facts->asset, facts->intent->amount);
	verdict->answer = asks || verdict->wants_signature ? POLICY_ASKED : POLICY_ALLOWED;
	verdict->approvals = asks ? rule->approvals : 1;
	verdict->within_ms = asks ? rule->within_ms : POLICY_WITHIN_MS;
}

static void rule_apply(const struct policy *policy, const struct policy_facts *facts,
		       struct policy_verdict *verdict)
{
	if (verdict->rule == NULL) {
		deny(verdict, REFUSAL_POLICY_NO_RULE);
	} else if (verdict->rule->effect == POLICY_DENY) {
		deny(verdict, REFUSAL_POLICY_DENIED);
	} else {
		verdict->warns_look_alike = facts->receiver->looks_alike &&
					    policy->look_alikes == POLICY_LOOK_ALIKES_WARN;
		people_ask(facts, verdict);
		claims_make(policy, facts, verdict);
		screening_look(policy, facts, verdict);
	}
}

/* What no rule can change. */
static enum refusal before_rules(const struct policy *policy, const struct policy_facts *facts)
{
	const struct policy_receiver *receiver = facts->receiver;
	if (receiver->is_denied)
		return REFUSAL_RECEIVER_DENIED;
	if (receiver->looks_alike && policy->look_alikes == POLICY_LOOK_ALIKES_DENY)
		return REFUSAL_RECEIVER_LOOKS_ALIKE;
	if (receiver->is_contract && policy->denies_contracts)
		return REFUSAL_RECEIVER_IS_CONTRACT;
	return policy_decide(facts->asset, facts->intent);
}

void policy_judge(const struct policy *policy, const struct catalogue *catalogue,
		  const struct asset *asset, const struct intent *intent,
		  const struct policy_receiver *receiver, struct policy_verdict *ret_verdict)
{
	char storage[ASSET_TEXT_LEN_MAX];
	struct buf text = buf_of(storage, sizeof storage);
	const struct chain_params *chain = &catalogue->chains[asset->chain];
	buf_text(&text, chain->name);
	buf_byte(&text, '/');
	buf_text(&text, asset->symbol);
	struct policy_facts facts = { asset, intent, receiver, str_from(chain->name),
				      buf_view(&text) };
	enum refusal refusal = before_rules(policy, &facts);
	CHECK(!text.overflow);
	ret_verdict->rule = NULL;
	ret_verdict->warns_look_alike = false;
	ret_verdict->claims_len = 0;
	ret_verdict->wants_screening = false;
	ret_verdict->review_approvals = 0;
	ret_verdict->refusal = REFUSAL_NONE;
	if (refusal != REFUSAL_NONE) {
		deny(ret_verdict, refusal);
		return;
	}
	ret_verdict->rule = rule_find(policy, &facts);
	rule_apply(policy, &facts, ret_verdict);
}

bool policy_allow_counts(const struct policy *policy, int64_t policy_set_at, int64_t added_at,
			 int64_t active_at, int64_t now_ms)
{
	int64_t cooldown_ms = policy->allow_cooldown_ms;
	if (cooldown_ms < POLICY_COOLDOWN_MS && now_ms - policy_set_at < POLICY_COOLDOWN_MS)
		cooldown_ms = POLICY_COOLDOWN_MS;
	if (added_at < 0 || now_ms < active_at || now_ms - added_at < cooldown_ms)
		return false;
	return policy->allow_life_ms == 0 || now_ms - added_at < policy->allow_life_ms;
}

bool policy_may_approve(const struct policy *policy, const struct policy_rule *rule,
			struct str person)
{
	return has_text(policy, rule->approvers, person);
}

const char *policy_effect_text(enum policy_effect effect)
{
	static const char *const texts[] = {
		[POLICY_DENY] = "deny", [POLICY_ALLOW] = "allow", [POLICY_APPROVE] = "approve"
	};
	CHECK(effect >= POLICY_DENY && effect <= POLICY_APPROVE);
	return texts[effect];
}
