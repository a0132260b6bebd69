/* Documents of a policy: compiled within the bounds of a policy, or refused with a place; and
 * whatever they say, nobody is allowed without a rule that allows, nor while he is on the
 * deny-list. */
#include "fuzz.h"

#include "core/policy_rules.h"
#include "core/refusal.h"

#define NAME_LEN_MAX 256

static const struct catalogue *catalogue_of(void)
{
	static struct catalogue catalogue;
	if (catalogue.assets_len > 0)
		return &catalogue;
	snprintf(catalogue.chains[0].name, sizeof catalogue.chains[0].name, "polygon");
	catalogue.chains[0].chain_id = 137;
	catalogue.chains_len = 1;
	snprintf(catalogue.assets[0].symbol, sizeof catalogue.assets[0].symbol, "POL");
	catalogue.assets[0].is_native = true;
	catalogue.assets[0].decimals = 18;
	snprintf(catalogue.assets[1].symbol, sizeof catalogue.assets[1].symbol, "USDC");
	memset(catalogue.assets[1].contract.bytes, 0x33, sizeof catalogue.assets[1].contract.bytes);
	catalogue.assets[1].decimals = 6;
	catalogue.assets_len = 2;
	return &catalogue;
}

static struct intent intent_of(const struct asset *asset, uint8_t steer)
{
	struct intent intent = { .chain_id = 137,
				 .is_native = asset->is_native,
				 .contract = asset->contract,
				 .decimals = asset->decimals };
	intent.amount.units = u256_from_u64((uint64_t)1 << (steer % 60));
	memset(intent.to.bytes, steer, sizeof intent.to.bytes);
	snprintf(intent.asset, sizeof intent.asset, "%s", asset->symbol);
	snprintf(intent.account, sizeof intent.account, "%s", steer % 2 ? "shop" : "vault");
	snprintf(intent.created_by, sizeof intent.created_by, "1f2e3d4c5b6a7988");
	return intent;
}

static bool allows_anybody(const struct policy *policy)
{
	bool allows = false;
	for (size_t i = 0; i < policy->rules_len; i++)
		allows |= policy->rules[i].effect != POLICY_DENY;
	return allows;
}

static void check_verdict(const struct policy *policy, const struct policy_receiver *receiver,
			  const struct policy_verdict *verdict)
{
	CHECK(verdict->claims_len <= policy->limits_len);
	if (verdict->answer == POLICY_DENIED) {
		CHECK(refusal_code(verdict->refusal) != NULL);
		return;
	}
	CHECK(!receiver->is_denied && allows_anybody(policy));
	CHECK(verdict->rule >= policy->rules && verdict->rule < policy->rules + policy->rules_len);
	CHECK(verdict->rule->effect != POLICY_DENY);
}

static void check_judged(const struct policy *policy, uint8_t steer)
{
	const struct catalogue *catalogue = catalogue_of();
	for (size_t i = 0; i < catalogue->assets_len; i++) {
		struct intent intent = intent_of(&catalogue->assets[i], steer);
		struct policy_receiver receiver = { .is_denied = (steer & 4) != 0,
						    .is_allowed = (steer & 8) != 0,
						    .looks_alike = (steer & 24) == 16 };
		struct policy_verdict verdict = { 0 };
		policy_judge(policy, catalogue, &catalogue->assets[i], &intent, &receiver,
			     &verdict);
		check_verdict(policy, &receiver, &verdict);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct policy policy;
	struct str input = str_from_bytes(bytes, len);
	struct err err = { 0 };
	uint8_t steer = fuzz_take(&input);
	char *copy = fuzz_copy(input);
	struct json *json = fuzz_json(str_from_bytes(copy, input.len));
	memset(&policy, 0, sizeof policy);
	if (json != NULL && policy_compile(json_root(json), catalogue_of(), &policy, &err)) {
		CHECK(policy.rules_len <= POLICY_RULES_MAX);
		CHECK(policy.limits_len <= POLICY_LIMITS_MAX);
		CHECK(policy.texts_len <= POLICY_ITEMS_MAX);
		for (size_t i = 0; i < policy.rules_len; i++)
			CHECK(policy.rules[i].name.len <= NAME_LEN_MAX);
		for (unsigned more = 0; more < 256; more += 37)
			check_judged(&policy, (uint8_t)(steer + more));
	} else if (json != NULL) {
		CHECK(err.kind == ERR_REFUSED && err.text[0] != 0);
	}
	json_free(json);
	free(copy);
	return 0;
}
