#include "core/policy_rules.h"

#include "../testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct catalogue catalogue = {
	.chains = { { .name = "polygon", .chain_id = 137 },
		    { .name = "anvil", .chain_id = 31337 } },
	.chains_len = 2,
	.assets = { { .chain = 0, .symbol = "USDC", .contract = { { 3 } }, .decimals = 6 },
		    { .chain = 0, .symbol = "POL", .is_native = true, .decimals = 18 },
		    { .chain = 1, .symbol = "TUSD", .contract = { { 4 } }, .decimals = 6 } },
	.assets_len = 3,
};

static struct policy *policy;
static struct json *tree;
static struct policy_verdict verdict;
static struct policy_receiver receiver;

static int setup(void **state)
{
	(void)state;
	policy = calloc(1, sizeof *policy);
	return policy == NULL;
}

static int teardown(void **state)
{
	(void)state;
	json_free(tree);
	tree = NULL;
	receiver = (struct policy_receiver){ 0 };
	free(policy);
	return 0;
}

static bool compile(const char *text, struct err *err)
{
	struct err ignored;
	json_free(tree);
	tree = NULL;
	assert_true(json_parse(str_from(text), &tree, &ignored));
	return policy_compile(json_root(tree), &catalogue, policy, err);
}

static void compile_good(const char *text)
{
	struct err err = { 0 };
	if (!compile(text, &err))
		fail_msg("%s", err.text);
}

/* 100 USDC of acme, by key k1, to 0x09… */
static struct intent intent_new(void)
{
	return (struct intent){ .account = "acme",
				.chain_id = 137,
				.asset = "USDC",
				.contract = { { 3 } },
				.decimals = 6,
				.to = { { 9 } },
				.amount = { u256_from_u64(100000000) },
				.created_at = 1700000000000,
				.created_by = "k1" };
}

static enum policy_answer judge(const struct intent *intent)
{
	const struct asset *asset =
		catalogue_asset(&catalogue, intent->chain_id, str_from(intent->asset));
	policy_judge(policy, &catalogue, asset, intent, &receiver, &verdict);
	return verdict.answer;
}

static void assert_rule(const char *name)
{
	assert_non_null(verdict.rule);
	assert_true(str_equal_text(verdict.rule->name, name));
}

static void nobody_is_paid_without_a_rule(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	compile_good("{\"rules\":[]}");
	assert_int_equal(judge(&intent), POLICY_DENIED);
	assert_int_equal(verdict.refusal, REFUSAL_POLICY_NO_RULE);
	assert_null(verdict.rule);
}

static void the_first_rule_that_matches_decides(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	compile_good("{\"description\":\"ours\",\"rules\":["
		     "{\"name\":\"a\",\"effect\":\"allow\",\"accounts\":[\"other\"]},"
		     "{\"name\":\"b\",\"effect\":\"allow\",\"accounts\":[\"x\",\"acme\"]},"
		     "{\"name\":\"c\",\"effect\":\"allow\"}]}");
	assert_int_equal(judge(&intent), POLICY_ALLOWED);
	assert_rule("b");
	memcpy(intent.account, "zeta", 5);
	assert_int_equal(judge(&intent), POLICY_ALLOWED);
	assert_rule("c");
}

static void a_rule_that_denies_wins_wherever_it_stands(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	compile_good("{\"rules\":[{\"name\":\"all\",\"effect\":\"allow\"},"
		     "{\"name\":\"not them\",\"effect\":\"deny\",\"receivers\":"
		     "[\"0x0800000000000000000000000000000000000000\","
		     "\"0x0900000000000000000000000000000000000000\"]}]}");
	assert_int_equal(judge(&intent), POLICY_DENIED);
	assert_int_equal(verdict.refusal, REFUSAL_POLICY_DENIED);
	assert_rule("not them");
	intent.to.bytes[19] = 1;
	assert_int_equal(judge(&intent), POLICY_ALLOWED);
}

/* Each selector by itself: one intent that it means, and one that it does not. */
static void each_selector_tells_withdrawals_apart(void **state)
{
	(void)state;
	static const struct {
		const char *selector;
		bool meant;
	} cases[] = {
		{ "\"accounts\":[\"acme\"]", true },
		{ "\"accounts\":[\"acm\"]", false },
		{ "\"chains\":[\"polygon\"]", true },
		{ "\"chains\":[\"anvil\"]", false },
		{ "\"assets\":[\"polygon/POL\",\"polygon/USDC\"]", true },
		{ "\"assets\":[\"anvil/TUSD\"]", false },
		{ "\"keys\":[\"k1\"]", true },
		{ "\"keys\":[\"k2\"]", false },
		{ "\"receivers\":[\"0x0900000000000000000000000000000000000000\"]", true },
		{ "\"receivers\":[\"0x0900000000000000000000000000000000000001\"]", false },
		{ "\"receivers\":[\"0x0900000000000000000000000000000000000000\","
		  "\"0x0800000000000000000000000000000000000000\"]",
		  true },
		{ "\"assets\":[\"polygon/USDC\"],\"amount_min\":\"100\"", true },
		{ "\"assets\":[\"polygon/USDC\"],\"amount_min\":\"100.000001\"", false },
		{ "\"assets\":[\"polygon/USDC\"],\"amount_max\":\"100\"", true },
		{ "\"assets\":[\"polygon/USDC\"],\"amount_max\":\"99.999999\"", false },
		{ "\"accounts\":[\"acme\"],\"keys\":[\"k2\"]", false },
	};
	struct intent intent = intent_new();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[256];
		snprintf(text, sizeof text,
			 "{\"rules\":[{\"name\":\"r\",\"effect\":\"allow\",%s}]}",
			 cases[i].selector);
		compile_good(text);
		if ((judge(&intent) == POLICY_ALLOWED) != cases[i].meant)
			fail_msg("%s", cases[i].selector);
	}
}

static void bounds_of_the_asset_come_before_rules(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	struct asset asset = catalogue.assets[0];
	asset.maximum = (struct amount){ u256_from_u64(1) };
	compile_good("{\"rules\":[{\"name\":\"all\",\"effect\":\"allow\"}]}");
	policy_judge(policy, &catalogue, &asset, &intent, &receiver, &verdict);
	assert_int_equal(verdict.answer, POLICY_DENIED);
	assert_int_equal(verdict.refusal, REFUSAL_ABOVE_MAXIMUM);
	assert_null(verdict.rule);
}

static void the_deny_list_wins_over_all(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	intent.amount = (struct amount){ u256_from_u64(1) };
	struct asset asset = catalogue.assets[0];
	asset.minimum = (struct amount){ u256_from_u64(2) };
	receiver.is_denied = true;
	compile_good("{\"rules\":[{\"name\":\"all\",\"effect\":\"allow\"}]}");
	policy_judge(policy, &catalogue, &asset, &intent, &receiver, &verdict);
	assert_int_equal(verdict.answer, POLICY_DENIED);
	assert_int_equal(verdict.refusal, REFUSAL_RECEIVER_DENIED);
	assert_null(verdict.rule);
	assert_int_equal(judge(&intent), POLICY_DENIED);
	assert_int_equal(verdict.claims_len, 0);
}

#define ANYBODY "\"rules\":[{\"name\":\"all\",\"effect\":\"allow\"}]"

static void the_allow_list_is_a_selector(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	for (int listed = 0; listed < 2; listed++) {
		receiver.is_allowed = listed != 0;
		compile_good("{\"rules\":[{\"name\":\"r\",\"effect\":\"allow\","
			     "\"allow_listed\":true}]}");
		assert_true(policy->asks_allow_list);
		assert_int_equal(judge(&intent), listed ? POLICY_ALLOWED : POLICY_DENIED);
		compile_good("{\"rules\":[{\"name\":\"r\",\"effect\":\"deny\","
			     "\"allow_listed\":false},{\"name\":\"all\",\"effect\":\"allow\"}]}");
		assert_int_equal(judge(&intent), listed ? POLICY_ALLOWED : POLICY_DENIED);
	}
	compile_good("{" ANYBODY "}");
	assert_false(policy->asks_allow_list);
}

static void who_looks_like_another_is_told_of_or_refused(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	receiver.looks_alike = true;
	compile_good("{" ANYBODY "}");
	assert_int_equal(judge(&intent), POLICY_ALLOWED);
	assert_true(verdict.warns_look_alike);
	compile_good("{\"look_alikes\":\"off\"," ANYBODY "}");
	assert_int_equal(judge(&intent), POLICY_ALLOWED);
	assert_false(verdict.warns_look_alike);
	compile_good("{\"look_alikes\":\"deny\"," ANYBODY "}");
	assert_int_equal(judge(&intent), POLICY_DENIED);
	assert_int_equal(verdict.refusal, REFUSAL_RECEIVER_LOOKS_ALIKE);
	receiver.looks_alike = false;
	assert_int_equal(judge(&intent), POLICY_ALLOWED);
	compile_good("{\"look_alikes\":\"warn\"," ANYBODY "}");
	assert_int_equal(judge(&intent), POLICY_ALLOWED);
	assert_false(verdict.warns_look_alike);
}

#define ASKS "\"name\":\"large\",\"effect\":\"approve\""

static void people_are_asked(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	compile_good("{\"rules\":[{" ASKS ",\"approvals\":2,\"within\":\"1h\",\"approvers\":"
		     "[\"anna\",\"bert\"],\"accounts\":[\"acme\"]},"
		     "{\"name\":\"all\",\"effect\":\"allow\"}],"
		     "\"limits\":[{\"name\":\"c\",\"count\":3,\"window\":\"7d\"}]}");
	assert_int_equal(judge(&intent), POLICY_ASKED);
	assert_rule("large");
	assert_int_equal(verdict.refusal, REFUSAL_NONE);
	assert_int_equal(verdict.approvals, 2);
	assert_int_equal(verdict.within_ms, 3600000);
	assert_false(verdict.wants_signature);
	assert_int_equal(verdict.claims_len, 1); /* so that they are not asked in vain */
	assert_true(policy_may_approve(policy, verdict.rule, STR("anna")));
	assert_true(policy_may_approve(policy, verdict.rule, STR("bert")));
	assert_false(policy_may_approve(policy, verdict.rule, STR("carl")));
	memcpy(intent.account, "zeta", 5);
	assert_int_equal(judge(&intent), POLICY_ALLOWED);
	assert_int_equal(verdict.claims_len, 1);
}

/* No rule opens a way around: whatever allows, whoever is meant is screened. */
static void each_screening_that_matches_counts(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	compile_good("{\"rules\":[{\"name\":\"never\",\"effect\":\"deny\",\"keys\":[\"k9\"]},"
		     "{\"name\":\"all\",\"effect\":\"allow\"}],\"screening\":["
		     "{\"name\":\"other\",\"accounts\":[\"zeta\"],\"approvals\":9},"
		     "{\"name\":\"large\",\"assets\":[\"polygon/USDC\"],\"amount_min\":\"100\","
		     "\"approvals\":3},"
		     "{\"name\":\"ours\",\"accounts\":[\"acme\"],\"chains\":[\"polygon\"]}]}");
	assert_int_equal(judge(&intent), POLICY_ALLOWED);
	assert_true(verdict.wants_screening);
	assert_int_equal(verdict.review_approvals, 3);
	intent.amount = (struct amount){ u256_from_u64(99999999) };
	assert_int_equal(judge(&intent), POLICY_ALLOWED);
	assert_true(verdict.wants_screening);
	assert_int_equal(verdict.review_approvals, 1);
	memcpy(intent.account, "beta", 5);
	assert_int_equal(judge(&intent), POLICY_ALLOWED);
	assert_false(verdict.wants_screening);
	memcpy(intent.account, "acme", 5);
	memcpy(intent.created_by, "k9", 3);
	assert_int_equal(judge(&intent), POLICY_DENIED);
	assert_false(verdict.wants_screening);
}

static void a_review_takes_as_many_as_the_stricter_wants(void **state)
{
	(void)state;
	static const struct {
		const char *rule;
		uint32_t review, approvals;
	} cases[] = { { "\"allow\"", 1, 1 },
		      { "\"allow\"", 2, 2 },
		      { "\"approve\",\"approvals\":3,\"within\":\"2h\"", 2, 3 },
		      { "\"approve\",\"approvals\":1,\"within\":\"2h\"", 2, 2 } };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct intent intent = intent_new();
		char text[256];
		snprintf(text, sizeof text,
			 "{\"rules\":[{\"name\":\"r\",\"effect\":%s}],"
			 "\"screening\":[{\"name\":\"s\",\"approvals\":%u}]}",
			 cases[i].rule, cases[i].review);
		compile_good(text);
		assert_int_not_equal(judge(&intent), POLICY_DENIED);
		policy_review(&verdict);
		assert_int_equal(verdict.answer, POLICY_ASKED);
		assert_int_equal(verdict.approvals, cases[i].approvals);
		assert_true(verdict.within_ms == (i < 2 ? POLICY_WITHIN_MS : 2 * 3600000));
	}
}

static void who_is_asked_and_how_long_unless_the_rule_says(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	compile_good("{\"rules\":[{" ASKS ",\"approvals\":16}]}");
	assert_int_equal(judge(&intent), POLICY_ASKED);
	assert_int_equal(verdict.approvals, POLICY_APPROVALS_MAX);
	assert_int_equal(verdict.within_ms, POLICY_WITHIN_MS);
	assert_true(policy_may_approve(policy, verdict.rule, STR("anybody")));
}

static void a_rule_that_denies_wins_over_people(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	compile_good("{\"rules\":[{" ASKS ",\"approvals\":1},"
		     "{\"name\":\"none\",\"effect\":\"deny\"}]}");
	assert_int_equal(judge(&intent), POLICY_DENIED);
	assert_rule("none");
}

/* Above the asset's threshold somebody signs, whatever the rules say. */
static void a_large_amount_is_signed(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	struct asset asset = catalogue.assets[0];
	asset.signature_above = (struct amount){ u256_from_u64(99999999) };
	compile_good("{" ANYBODY "}");
	policy_judge(policy, &catalogue, &asset, &intent, &receiver, &verdict);
	assert_int_equal(verdict.answer, POLICY_ASKED);
	assert_true(verdict.wants_signature);
	assert_int_equal(verdict.approvals, 1);
	assert_int_equal(verdict.within_ms, POLICY_WITHIN_MS);
	compile_good("{\"rules\":[{" ASKS ",\"approvals\":3,\"within\":\"2h\"}]}");
	policy_judge(policy, &catalogue, &asset, &intent, &receiver, &verdict);
	assert_int_equal(verdict.answer, POLICY_ASKED);
	assert_true(verdict.wants_signature);
	assert_int_equal(verdict.approvals, 3);
	assert_int_equal(verdict.within_ms, 7200000);
	compile_good("{\"rules\":[{\"name\":\"none\",\"effect\":\"deny\"}]}");
	policy_judge(policy, &catalogue, &asset, &intent, &receiver, &verdict);
	assert_int_equal(verdict.answer, POLICY_DENIED);
}

static void contracts_are_refused_or_selected(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	for (int contract = 0; contract < 2; contract++) {
		receiver.is_contract = contract != 0;
		compile_good("{" ANYBODY "}");
		assert_false(policy->asks_contracts);
		assert_int_equal(judge(&intent), POLICY_ALLOWED);
		compile_good("{\"contract_receivers\":\"allow\"," ANYBODY "}");
		assert_false(policy->asks_contracts);
		assert_int_equal(judge(&intent), POLICY_ALLOWED);
		compile_good("{\"contract_receivers\":\"deny\"," ANYBODY "}");
		assert_true(policy->asks_contracts);
		assert_int_equal(judge(&intent), contract ? POLICY_DENIED : POLICY_ALLOWED);
		assert_int_equal(verdict.refusal,
				 contract ? REFUSAL_RECEIVER_IS_CONTRACT : REFUSAL_NONE);
		compile_good("{\"rules\":[{\"name\":\"r\",\"effect\":\"allow\","
			     "\"receiver_is_contract\":true}]}");
		assert_true(policy->asks_contracts);
		assert_int_equal(judge(&intent), contract ? POLICY_ALLOWED : POLICY_DENIED);
	}
}

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

static void an_entry_counts_between_its_cool_down_and_its_end(void **state)
{
	(void)state;
	const int64_t at = 100 * DAY_MS;
	compile_good("{" ANYBODY "}");
	assert_false(policy_allow_counts(policy, 0, at, at + DAY_MS, at + DAY_MS - 1));
	assert_true(policy_allow_counts(policy, 0, at, at + DAY_MS, at + DAY_MS));
	assert_true(policy_allow_counts(policy, 0, at, at + DAY_MS, at + 10000 * DAY_MS));
	/* its own, though another one is in force now */
	assert_false(policy_allow_counts(policy, 0, at, at + 2 * DAY_MS, at + DAY_MS));
	assert_false(policy_allow_counts(policy, 0, -1, 0, at));
	/* a longer one counts at once, */
	compile_good("{\"allow_list\":{\"cooldown\":\"2d\",\"life\":\"3d\"}," ANYBODY "}");
	assert_false(policy_allow_counts(policy, 0, at, at + DAY_MS, at + 2 * DAY_MS - 1));
	assert_true(policy_allow_counts(policy, 0, at, at + DAY_MS, at + 2 * DAY_MS));
	assert_true(policy_allow_counts(policy, 0, at, at + DAY_MS, at + 3 * DAY_MS - 1));
	assert_false(policy_allow_counts(policy, 0, at, at + DAY_MS, at + 3 * DAY_MS));
	/* and a shorter one when it has been in force for a day */
	compile_good("{\"allow_list\":{\"cooldown\":\"1m\"}," ANYBODY "}");
	assert_false(policy_allow_counts(policy, at, at, at + 60000, at + HOUR_MS));
	assert_true(policy_allow_counts(policy, at, at, at + 60000, at + DAY_MS));
	assert_true(policy_allow_counts(policy, at - DAY_MS, at, at + 60000, at + 60000));
	assert_false(policy_allow_counts(policy, at - DAY_MS, at, at + 60000, at + 59999));
}

#define ALL "{\"rules\":[{\"name\":\"all\",\"effect\":\"allow\"}],\"limits\":["

static void only_limits_that_match_claim_room(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	compile_good(ALL "{\"name\":\"sum\",\"assets\":[\"polygon/USDC\"],\"amount\":\"50\","
			 "\"window\":\"90s\"},"
			 "{\"name\":\"other\",\"accounts\":[\"x\"],\"count\":1,\"window\":\"1m\"},"
			 "{\"name\":\"count\",\"count\":3,\"window\":\"7d\"}]}");
	assert_int_equal(judge(&intent), POLICY_ALLOWED);
	assert_int_equal(verdict.claims_len, 2);
	const struct policy_claim *sum = &verdict.claims[0], *count = &verdict.claims[1];
	assert_true(str_equal_text(verdict.limits[0]->name, "sum"));
	assert_int_equal(sum->window_ms, 90000);
	assert_int_equal(sum->at, intent.created_at);
	assert_int_equal(sum->count_max, 0);
	assert_int_equal(
		amount_compare(sum->amount_max, (struct amount){ u256_from_u64(50000000) }), 0);
	assert_int_equal(count->window_ms, 7 * INT64_C(86400000));
	assert_int_equal(count->count_max, 3);
	assert_true(amount_is_zero(count->amount_max));
	assert_int_equal(amount_compare(count->amount, intent.amount), 0);
}

static void what_is_denied_claims_nothing(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	compile_good("{\"rules\":[],\"limits\":[{\"name\":\"c\",\"count\":3,\"window\":\"7d\"}]}");
	assert_int_equal(judge(&intent), POLICY_DENIED);
	assert_int_equal(verdict.claims_len, 0);
}

static void key_of(const char *limit, const struct intent *intent, uint8_t ret_key[32])
{
	char text[512];
	snprintf(text, sizeof text, ALL "{%s}]}", limit);
	compile_good(text);
	(void)judge(intent);
	assert_int_equal(verdict.claims_len, 1);
	memcpy(ret_key, verdict.claims[0].key, 32);
}

/* Who is counted together, and who apart. */
static void windows_are_kept_apart_as_the_limit_says(void **state)
{
	(void)state;
	static const struct {
		const char *limit;
		bool account, key, receiver, asset; /* another one has a window of its own */
	} cases[] = {
		{ "\"name\":\"l\",\"count\":1,\"window\":\"1h\"", false, false, false, false },
		{ "\"name\":\"l\",\"count\":1,\"window\":\"1h\",\"per\":[\"account\"]", true, false,
		  false, false },
		{ "\"name\":\"l\",\"count\":1,\"window\":\"1h\",\"per\":[\"key\"]", false, true,
		  false, false },
		{ "\"name\":\"l\",\"count\":1,\"window\":\"1h\",\"per\":[\"receiver\"]", false,
		  false, true, false },
		{ "\"name\":\"l\",\"amount\":\"1\",\"window\":\"1h\","
		  "\"assets\":[\"polygon/USDC\",\"polygon/POL\"]",
		  false, false, false, true },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct intent intents[5];
		uint8_t keys[5][32];
		for (size_t k = 0; k < COUNT_OF(intents); k++)
			intents[k] = intent_new();
		intents[1].account[0] = 'b';
		intents[2].created_by[0] = 'l';
		intents[3].to.bytes[3] = 1;
		memcpy(intents[4].asset, "POL", 4);
		intents[4].is_native = true;
		intents[4].decimals = 18;
		intents[4].contract = (struct address){ 0 };
		for (size_t k = 0; k < COUNT_OF(intents); k++)
			key_of(cases[i].limit, &intents[k], keys[k]);
		assert_int_equal(memcmp(keys[0], keys[1], 32) != 0, cases[i].account);
		assert_int_equal(memcmp(keys[0], keys[2], 32) != 0, cases[i].key);
		assert_int_equal(memcmp(keys[0], keys[3], 32) != 0, cases[i].receiver);
		assert_int_equal(memcmp(keys[0], keys[4], 32) != 0, cases[i].asset);
	}
}

/* A bound that is changed goes on counting; another name or window begins anew. */
static void a_window_belongs_to_name_and_length(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	uint8_t keys[4][32];
	key_of("\"name\":\"l\",\"count\":1,\"window\":\"1h\"", &intent, keys[0]);
	key_of("\"name\":\"l\",\"count\":9,\"window\":\"60m\"", &intent, keys[1]);
	key_of("\"name\":\"m\",\"count\":1,\"window\":\"1h\"", &intent, keys[2]);
	key_of("\"name\":\"l\",\"count\":1,\"window\":\"2h\"", &intent, keys[3]);
	assert_memory_equal(keys[0], keys[1], 32);
	assert_memory_not_equal(keys[0], keys[2], 32);
	assert_memory_not_equal(keys[0], keys[3], 32);
}

#define RULE(members)  "{\"rules\":[{" members "}]}"
#define LIMIT(members) ALL "{" members "}]}"
#define NAMED          "\"name\":\"r\",\"effect\":\"allow\""
#define NAME_48        "012345678901234567890123456789012345678901234567"
_Static_assert(sizeof NAME_48 - 1 == POLICY_NAME_LEN_MAX, "the longest name");

#define SCREENING(entries) "{\"rules\":[],\"screening\":[" entries "]}"

/* What is wrong with a document, and where. */
static const struct {
	const char *text, *told;
} faults[] = {
	{ "[]", "the policy: has to be an object" },
	{ "{}", "rules: is missing" },
	{ "{\"rules\":{}}", "rules: has to be a list" },
	{ "{\"rules\":[],\"more\":1}", "a policy has" },
	{ "{\"rules\":[],\"description\":7}", "description: has to be a text" },
	{ "{\"look_alikes\":\"no\",\"rules\":[]}", "look_alikes: has to be" },
	{ "{\"look_alikes\":true,\"rules\":[]}", "look_alikes: has to be" },
	{ "{\"contract_receivers\":\"no\",\"rules\":[]}", "contract_receivers: has to be" },
	{ "{\"contract_receivers\":1,\"rules\":[]}", "contract_receivers: has to be" },
	{ "{\"allow_list\":1,\"rules\":[]}", "allow_list: has to be an object" },
	{ "{\"allow_list\":{\"more\":\"1h\"},\"rules\":[]}", "allow_list: has \"cooldown\"" },
	{ "{\"allow_list\":{\"cooldown\":\"1s\"},\"rules\":[]}",
	  "allow_list.cooldown: has to be a time" },
	{ "{\"allow_list\":{\"life\":7},\"rules\":[]}", "allow_list.life: has to be a text" },
	{ "{\"rules\":[{" NAMED ",\"allow_listed\":1}]}", "rules[0].allow_listed: has to be true" },
	{ "{\"rules\":[{" NAMED ",\"receiver_is_contract\":\"yes\"}]}",
	  "rules[0].receiver_is_contract: has to be true" },
	{ "{\"rules\":[7]}", "rules[0]: has to be an object" },
	{ RULE("\"effect\":\"allow\""), "rules[0].name: is missing" },
	{ RULE("\"name\":\"r\""), "rules[0].effect: is missing" },
	{ RULE("\"name\":\"\",\"effect\":\"allow\""), "rules[0].name: is empty" },
	{ RULE("\"name\":\"a\\u0000b\",\"effect\":\"allow\""), "rules[0].name: is empty" },
	{ RULE("\"name\":\"" NAME_48 "9\",\"effect\":\"allow\""), "name: is empty, too long" },
	{ RULE("\"name\":\"r\",\"effect\":\"maybe\""), "rules[0].effect: has to be" },
	{ RULE("\"name\":\"r\",\"effect\":1"), "rules[0].effect: has to be a text" },
	{ RULE(ASKS), "rules[0].approvals: is missing" },
	{ RULE(ASKS ",\"approvals\":0"), "rules[0].approvals: has to be a whole" },
	{ RULE(ASKS ",\"approvals\":17"), "rules[0].approvals: has to be a whole" },
	{ RULE(ASKS ",\"approvals\":\"2\""), "rules[0].approvals: has to be a whole" },
	{ RULE(ASKS ",\"approvals\":1,\"approvers\":[]"), "rules[0].approvers: has to be a list" },
	{ RULE(ASKS ",\"approvals\":1,\"approvers\":[1]"), "rules[0].approvers: has to be a text" },
	{ RULE(ASKS ",\"approvals\":2,\"approvers\":[\"anna\"]"), "rules[0].approvers: are fewer" },
	{ RULE(ASKS ",\"approvals\":1,\"within\":\"1s\""), "rules[0].within: has to be a time" },
	{ RULE(ASKS ",\"approvals\":1,\"within\":7"), "rules[0].within: has to be a text" },
	{ RULE(NAMED ",\"approvals\":1"), "rules[0].effect: has to be \"approve\"" },
	{ RULE(NAMED ",\"approvers\":[\"anna\"]"), "rules[0].effect: has to be \"approve\"" },
	{ RULE(NAMED ",\"within\":\"1h\""), "rules[0].effect: has to be \"approve\"" },
	{ RULE("\"name\":\"r\",\"effect\":\"deny\",\"approvals\":1"),
	  "rules[0].effect: has to be \"approve\"" },
	{ RULE(NAMED ",\"amuont_max\":\"1\""), "rules[0]: has a member" },
	{ "{\"rules\":[{" NAMED "},{" NAMED "}]}", "rules[1].name: is that of another" },
	{ RULE(NAMED ",\"accounts\":\"a\""), "rules[0].accounts: has to be a list" },
	{ RULE(NAMED ",\"accounts\":[]"), "rules[0].accounts: has to be a list" },
	{ RULE(NAMED ",\"accounts\":[1]"), "rules[0].accounts: has to be a text" },
	{ RULE(NAMED ",\"chains\":[\"mars\"]"), "rules[0].chains: has an entry" },
	{ RULE(NAMED ",\"assets\":[\"USDC\"]"), "rules[0].assets: has an entry" },
	{ RULE(NAMED ",\"assets\":[\"mars/USDC\"]"), "rules[0].assets: has an entry" },
	{ RULE(NAMED ",\"assets\":[\"polygon/TUSD\"]"), "rules[0].assets: has an entry" },
	{ RULE(NAMED ",\"receivers\":[]"), "rules[0].receivers: has to be a list" },
	{ RULE(NAMED ",\"receivers\":[1]"), "rules[0].receivers: has an entry" },
	{ RULE(NAMED ",\"receivers\":[\"0x12\"]"), "rules[0].receivers: has an entry" },
	{ RULE(NAMED ",\"amount_min\":\"1\""), "rules[0].amount_min: needs \"assets\"" },
	{ RULE(NAMED ",\"amount_max\":1"), "rules[0].amount_max: has to be a text" },
	{ RULE(NAMED ",\"assets\":[\"polygon/POL\",\"polygon/USDC\"],"
		     "\"amount_max\":\"0.0000001\""),
	  "rules[0].amount_max: has to be a decimal" },
	{ "{\"rules\":[],\"limits\":{}}", "limits: has to be a list" },
	{ LIMIT("\"count\":1,\"window\":\"1h\""), "limits[0].name: is missing" },
	{ LIMIT("\"name\":\"l\",\"count\":1"), "limits[0].window: is missing" },
	{ LIMIT("\"name\":\"l\",\"window\":\"1h\""), "limits[0]: limits neither" },
	{ LIMIT("\"name\":\"l\",\"window\":\"1h\",\"amount\":\"1\""), "amount: needs" },
	{ LIMIT("\"name\":\"l\",\"window\":\"59s\",\"count\":1"), "window: has to be a time" },
	{ LIMIT("\"name\":\"l\",\"window\":\"32d\",\"count\":1"), "window: has to be a time" },
	{ LIMIT("\"name\":\"l\",\"window\":\"h\",\"count\":1"), "window: has to be a time" },
	{ LIMIT("\"name\":\"l\",\"window\":\"90\",\"count\":1"), "window: has to be a time" },
	{ LIMIT("\"name\":\"l\",\"window\":60,\"count\":1"), "window: has to be a text" },
	{ LIMIT("\"name\":\"l\",\"window\":\"1h\",\"count\":\"1\""), "count: has to be a whole" },
	{ LIMIT("\"name\":\"l\",\"window\":\"1h\",\"count\":0"), "count: has to be a whole" },
	{ LIMIT("\"name\":\"l\",\"window\":\"1h\",\"count\":2147483648"),
	  "count: has to be a whole" },
	{ LIMIT("\"name\":\"l\",\"window\":\"1h\",\"count\":1,\"per\":[\"day\"]"), "per: has" },
	{ LIMIT("\"name\":\"l\",\"window\":\"1h\",\"count\":1,\"per\":[1]"), "per: has" },
	{ LIMIT("\"name\":\"l\",\"window\":\"1h\",\"count\":1,\"per\":[]"), "per: has to" },
	{ LIMIT("\"name\":\"l\",\"window\":\"1h\",\"count\":1,\"chains\":[\"x\"]"), "chains" },
	{ LIMIT("\"name\":\"l\",\"window\":\"1h\",\"count\":1,\"keys\":1"), "keys: has to" },
	{ LIMIT("\"name\":\"l\",\"window\":\"1h\",\"count\":1,\"x\":1"), "no limit has" },
	{ "{\"rules\":[],\"screening\":{}}", "screening: has to be a list" },
	{ SCREENING("{}"), "screening[0].name: is missing" },
	{ SCREENING("{\"name\":7}"), "screening[0].name: has to be a text" },
	{ SCREENING("{\"name\":\"s\",\"approvals\":0}"), "screening[0].approvals: has to be" },
	{ SCREENING("{\"name\":\"s\",\"approvals\":17}"), "screening[0].approvals: has to be" },
	{ SCREENING("{\"name\":\"s\",\"effect\":\"allow\"}"), "no screening has" },
	{ SCREENING("{\"name\":\"s\",\"assets\":[\"mars/X\"]}"), "screening[0].assets: has" },
	{ SCREENING("{\"name\":\"s\",\"amount_min\":\"1\"}"), "amount_min: needs" },
	{ SCREENING("{\"name\":\"s\"},{\"name\":\"s\"}"), "screening[1].name: is that of another" },
	{ ALL "{\"name\":\"l\",\"window\":\"1h\",\"count\":1},"
	      "{\"name\":\"l\",\"window\":\"1h\",\"count\":1}]}",
	  "limits[1].name: is that of another" },
};

static void each_fault_names_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(faults); i++) {
		struct err err = { 0 };
		if (compile(faults[i].text, &err))
			fail_msg("taken: %s", faults[i].text);
		assert_int_equal(err.kind, ERR_REFUSED);
		if (strstr(err.text, faults[i].told) == NULL)
			fail_msg("%s: %s", faults[i].text, err.text);
	}
}

/* `count` entries between the brackets, each with a number of 40 digits between head and tail. */
static char *repeated(const char *before, const char *head, const char *tail, size_t count,
		      const char *after)
{
	struct buf out = buf_new(count * 96 + 256);
	buf_text(&out, before);
	for (size_t i = 0; i < count; i++) {
		buf_text(&out, i > 0 ? "," : "");
		buf_format(&out, "%s%040zx%s", head, i, tail);
	}
	buf_text(&out, after);
	char *text = strdup(buf_terminated(&out));
	buf_free(&out);
	assert_non_null(text);
	return text;
}

static void assert_size(const char *before, const char *head, const char *tail, size_t max,
			const char *after)
{
	struct err err;
	char *good = repeated(before, head, tail, max, after);
	char *bad = repeated(before, head, tail, max + 1, after);
	compile_good(good);
	assert_false(compile(bad, &err));
	assert_non_null(strstr(err.text, "too"));
	free(good);
	free(bad);
}

static void a_document_has_its_bounds(void **state)
{
	(void)state;
	assert_size("{\"rules\":[", "{\"name\":\"", "\",\"effect\":\"deny\"}", POLICY_RULES_MAX,
		    "]}");
	assert_size(ALL, "{\"name\":\"", "\",\"count\":1,\"window\":\"1h\"}", POLICY_LIMITS_MAX,
		    "]}");
	assert_size("{\"rules\":[],\"screening\":[", "{\"name\":\"", "\"}", POLICY_SCREENINGS_MAX,
		    "]}");
	assert_size("{\"rules\":[{" NAMED ",\"accounts\":[", "\"a", "\"", POLICY_ITEMS_MAX, "]}]}");
	assert_size("{\"rules\":[{" NAMED ",\"receivers\":[", "\"0x", "\"", POLICY_ITEMS_MAX,
		    "]}]}");
}

static void the_longest_name_and_the_highest_count_are_taken(void **state)
{
	(void)state;
	struct intent intent = intent_new();
	compile_good("{\"rules\":[{\"name\":\"" NAME_48 "\",\"effect\":\"allow\"}],\"limits\":["
		     "{\"name\":\"" NAME_48 "\",\"window\":\"1h\",\"count\":2147483647}]}");
	assert_int_equal(judge(&intent), POLICY_ALLOWED);
	assert_rule(NAME_48);
	assert_int_equal(verdict.claims_len, 1);
	assert_true(str_equal_text(verdict.limits[0]->name, NAME_48));
	assert_int_equal(verdict.claims[0].count_max, INT32_MAX);
}

static void effects_have_names(void **state)
{
	(void)state;
	assert_string_equal(policy_effect_text(POLICY_DENY), "deny");
	assert_string_equal(policy_effect_text(POLICY_ALLOW), "allow");
	assert_string_equal(policy_effect_text(POLICY_APPROVE), "approve");
	assert_aborts((void)policy_effect_text((enum policy_effect)0));
	assert_aborts((void)policy_effect_text((enum policy_effect)9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_is_paid_without_a_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(the_first_rule_that_matches_decides, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_rule_that_denies_wins_wherever_it_stands, setup,
						teardown),
		cmocka_unit_test_setup_teardown(each_selector_tells_withdrawals_apart, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_deny_list_wins_over_all, setup, teardown),
		cmocka_unit_test_setup_teardown(people_are_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(each_screening_that_matches_counts, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_review_takes_as_many_as_the_stricter_wants, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_is_asked_and_how_long_unless_the_rule_says,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_rule_that_denies_wins_over_people, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_large_amount_is_signed, setup, teardown),
		cmocka_unit_test_setup_teardown(contracts_are_refused_or_selected, setup, teardown),
		cmocka_unit_test_setup_teardown(the_allow_list_is_a_selector, setup, teardown),
		cmocka_unit_test_setup_teardown(who_looks_like_another_is_told_of_or_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_entry_counts_between_its_cool_down_and_its_end,
						setup, teardown),
		cmocka_unit_test_setup_teardown(bounds_of_the_asset_come_before_rules, setup,
						teardown),
		cmocka_unit_test_setup_teardown(only_limits_that_match_claim_room, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_denied_claims_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(windows_are_kept_apart_as_the_limit_says, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_window_belongs_to_name_and_length, setup,
						teardown),
		cmocka_unit_test_setup_teardown(each_fault_names_its_place, setup, teardown),
		cmocka_unit_test_setup_teardown(a_document_has_its_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(the_longest_name_and_the_highest_count_are_taken,
						setup, teardown),
		cmocka_unit_test_setup_teardown(effects_have_names, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
