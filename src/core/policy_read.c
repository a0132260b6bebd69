/* From the document's tree to a policy: everything that can be wrong is found here, once, with its
 * place, so that nothing can be wrong later. */
#include "core/policy_rules.h"

#include <string.h>

#define PLACE_LEN_MAX 64

/* Where in the document the reader is, and what it fills. */
struct reading {
	struct policy *policy;
	const struct catalogue *catalogue;
	struct err *err;
	char place[PLACE_LEN_MAX]; /* "rules[3]" */
};

static bool wrong(const struct reading *reading, const char *member, const char *what)
{
	const char *dot = reading->place[0] != 0 && member[0] != 0 ? "." : "";
	return err_set(reading->err, ERR_REFUSED, "%s%s%s: %s", reading->place, dot, member, what);
}

/* ---- texts, receivers, numbers ---- */

static bool text_read(const struct reading *reading, const struct json_value *value,
		      const char *member, size_t len_max, struct str *ret_text)
{
	struct str text;
	if (!json_string(value, &text))
		return wrong(reading, member, "has to be a text");
	bool good = text.len > 0 && text.len <= len_max;
	for (size_t i = 0; i < text.len && good; i++)
		good = (unsigned char)text.at[i] >= ' ';
	if (!good)
		return wrong(reading, member, "is empty, too long, or has control characters");
	*ret_text = text;
	return true;
}

static bool array_check(const struct reading *reading, const struct json_value *value,
			const char *member, size_t used)
{
	if (json_type_of(value) != JSON_TYPE_ARRAY || json_size(value) == 0)
		return wrong(reading, member, "has to be a list with at least one entry");
	if (json_size(value) > POLICY_ITEMS_MAX - used)
		return wrong(reading, member, "the document has too many entries in its lists");
	return true;
}

static bool texts_read(struct reading *reading, const struct json_value *value, const char *member,
		       size_t len_max, struct policy_items *ret_items)
{
	struct policy *policy = reading->policy;
	if (!array_check(reading, value, member, policy->texts_len))
		return false;
	ret_items->first = (uint16_t)policy->texts_len;
	ret_items->len = (uint16_t)json_size(value);
	for (size_t i = 0; i < json_size(value); i++)
		if (!text_read(reading, json_element(value, i), member, len_max,
			       &policy->texts[policy->texts_len++]))
			return false;
	return true;
}

static bool receivers_read(struct reading *reading, const struct json_value *value,
			   const char *member, struct policy_items *ret_items)
{
	struct policy *policy = reading->policy;
	if (!array_check(reading, value, member, policy->receivers_len))
		return false;
	ret_items->first = (uint16_t)policy->receivers_len;
	ret_items->len = (uint16_t)json_size(value);
	for (size_t i = 0; i < json_size(value); i++) {
		struct str text;
		if (!text_read(reading, json_element(value, i), member, ADDRESS_TEXT_LEN, &text) ||
		    address_read(text, &policy->receivers[policy->receivers_len++]) != ADDRESS_OK)
			return wrong(reading, member, "has an entry that is no address");
	}
	return true;
}

static bool whole_read(const struct reading *reading, const struct json_value *value,
		       const char *member, int64_t max, uint32_t *ret_value)
{
	int64_t number;
	if (!json_i64(value, &number) || number < 1 || number > max)
		return wrong(reading, member, "has to be a whole number above zero, in range");
	*ret_value = (uint32_t)number;
	return true;
}

/* 0 for what is none. */
static int64_t unit_ms(char unit)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
	int64_t ms = 0;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (units[i].unit == unit)
			ms = units[i].ms;
	return ms;
}

static bool duration_read(const struct reading *reading, const struct json_value *value,
			  const char *member, int64_t *ret_ms)
{
	struct str text = { 0 };
	uint64_t count = 0;
	int64_t unit = 0;
	if (!text_read(reading, value, member, 8, &text))
		return false;
	if (str_to_u64((struct str){ text.at, text.len - 1 }, &count))
		unit = unit_ms(text.at[text.len - 1]);
	if (unit == 0 || count > (uint64_t)(POLICY_WINDOW_MS_MAX / unit) ||
	    (int64_t)count * unit < POLICY_WINDOW_MS_MIN)
		return wrong(reading, member,
			     "has to be a time such as \"90s\", \"24h\", \"7d\", "
			     "from a minute to 31 days");
	*ret_ms = (int64_t)count * unit;
	return true;
}

/* ---- selectors ---- */

enum selector_read {
	SELECTOR_READ,
	SELECTOR_WRONG,
	SELECTOR_UNKNOWN, /* the member is none of a selector */
};

static enum selector_read read_or_wrong(bool read)
{
	return read ? SELECTOR_READ : SELECTOR_WRONG;
}

/* asks: what the policy then has to be told. */
static bool listed_read(const struct reading *reading, const struct json_value *value,
			const char *member, enum policy_listed *ret_listed, bool *asks)
{
	bool is_listed;
	if (!json_bool(value, &is_listed))
		return wrong(reading, member, "has to be true or false");
	*ret_listed = is_listed ? POLICY_LISTED_YES : POLICY_LISTED_NO;
	*asks = true;
	return true;
}

static enum selector_read selector_member(struct reading *reading, struct str name,
					  const struct json_value *value,
					  struct policy_selector *when)
{
	struct policy_items *const texts[] = { &when->accounts, &when->chains, &when->assets,
					       &when->keys };
	static const char *const names[] = { "accounts", "chains", "assets", "keys" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_equal_text(name, names[i]))
			return read_or_wrong(
				texts_read(reading, value, names[i], ACCOUNT_LEN_MAX, texts[i]));
	if (str_equal_text(name, "allow_listed"))
		return read_or_wrong(listed_read(reading, value, "allow_listed", &when->listed,
						 &reading->policy->asks_allow_list));
	if (str_equal_text(name, "receiver_is_contract"))
		return read_or_wrong(listed_read(reading, value, "receiver_is_contract",
						 &when->contract,
						 &reading->policy->asks_contracts));
	if (str_equal_text(name, "receivers"))
		return read_or_wrong(receivers_read(reading, value, "receivers", &when->receivers));
	if (str_equal_text(name, "amount_min"))
		return read_or_wrong(text_read(reading, value, "amount_min", ACCOUNT_LEN_MAX,
					       &when->amount_min));
	if (str_equal_text(name, "amount_max"))
		return read_or_wrong(text_read(reading, value, "amount_max", ACCOUNT_LEN_MAX,
					       &when->amount_max));
	return SELECTOR_UNKNOWN;
}

static const struct asset *asset_of(const struct catalogue *catalogue, struct str text)
{
	struct str chain, symbol;
	if (!str_cut(text, '/', &chain, &symbol))
		return NULL;
	const struct chain_params *params = catalogue_chain_by_name(catalogue, chain);
	return params == NULL ? NULL : catalogue_asset(catalogue, params->chain_id, symbol);
}

static bool amount_check(const struct reading *reading, const struct policy_selector *when,
			 struct str amount, const char *member)
{
	const struct policy *policy = reading->policy;
	struct amount ignored;
	if (amount.len == 0)
		return true;
	if (when->assets.len == 0)
		return wrong(reading, member, "needs \"assets\": whose units are these?");
	for (size_t i = 0; i < when->assets.len; i++) {
		struct str text = policy->texts[when->assets.first + i];
		const struct asset *asset = asset_of(reading->catalogue, text);
		if (amount_read(amount, asset->decimals, &ignored) != AMOUNT_OK)
			return wrong(reading, member,
				     "has to be a decimal above zero, with no more digits after "
				     "the point than each of its assets has");
	}
	return true;
}

/* Names that are configured nowhere would match nothing, and nobody would notice. */
static bool selector_check(const struct reading *reading, const struct policy_selector *when)
{
	const struct policy *policy = reading->policy;
	for (size_t i = 0; i < when->chains.len; i++)
		if (catalogue_chain_by_name(reading->catalogue,
					    policy->texts[when->chains.first + i]) == NULL)
			return wrong(reading, "chains", "has an entry that is not configured");
	for (size_t i = 0; i < when->assets.len; i++)
		if (asset_of(reading->catalogue, policy->texts[when->assets.first + i]) == NULL)
			return wrong(reading, "assets",
				     "has an entry that is not configured; they look like "
				     "\"polygon/USDC\"");
	return amount_check(reading, when, when->amount_min, "amount_min") &&
	       amount_check(reading, when, when->amount_max, "amount_max");
}

/* ---- rules ---- */

static bool effect_read(const struct reading *reading, const struct json_value *value,
			enum policy_effect *ret_effect)
{
	struct str text;
	if (!text_read(reading, value, "effect", 16, &text))
		return false;
	for (int effect = POLICY_DENY; effect <= POLICY_APPROVE; effect++) {
		if (!str_equal_text(text, policy_effect_text((enum policy_effect)effect)))
			continue;
		*ret_effect = (enum policy_effect)effect;
		return true;
	}
	return wrong(reading, "effect", "has to be \"allow\", \"approve\" or \"deny\"");
}

static bool rule_member(struct reading *reading, struct str name, const struct json_value *value,
			struct policy_rule *rule)
{
	if (str_equal_text(name, "name"))
		return text_read(reading, value, "name", POLICY_NAME_LEN_MAX, &rule->name);
	if (str_equal_text(name, "effect"))
		return effect_read(reading, value, &rule->effect);
	if (str_equal_text(name, "approvals"))
		return whole_read(reading, value, "approvals", POLICY_APPROVALS_MAX,
				  &rule->approvals);
	if (str_equal_text(name, "approvers"))
		return texts_read(reading, value, "approvers", PRINCIPAL_LEN_MAX, &rule->approvers);
	if (str_equal_text(name, "within"))
		return duration_read(reading, value, "within", &rule->within_ms);
	enum selector_read read = selector_member(reading, name, value, &rule->when);
	if (read == SELECTOR_UNKNOWN)
		return wrong(reading, "", "has a member that no rule has");
	return read == SELECTOR_READ;
}

static bool name_is_new(const struct reading *reading, struct str name, const struct str *first,
			size_t stride, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct str *other =
			(const struct str *)(const void *)((const char *)first + i * stride);
		if (str_equal(*other, name))
			return wrong(reading, "name", "is that of another one");
	}
	return true;
}

/* How many people, out of how many. */
static bool approvals_check(const struct reading *reading, struct policy_rule *rule)
{
	bool asks = rule->effect == POLICY_APPROVE;
	if (!asks && (rule->approvals > 0 || rule->approvers.len > 0 || rule->within_ms > 0))
		return wrong(reading, "effect", "has to be \"approve\", where people are asked");
	if (asks && rule->approvals == 0)
		return wrong(reading, "approvals", "is missing: how many people?");
	if (rule->approvers.len > 0 && rule->approvers.len < rule->approvals)
		return wrong(reading, "approvers", "are fewer than have to approve");
	if (asks && rule->within_ms == 0)
		rule->within_ms = POLICY_WITHIN_MS;
	return true;
}

static bool rule_check(const struct reading *reading, struct policy_rule *rule)
{
	const struct policy *policy = reading->policy;
	if (rule->name.len == 0)
		return wrong(reading, "name", "is missing");
	if (rule->effect == 0)
		return wrong(reading, "effect", "is missing");
	return name_is_new(reading, rule->name, &policy->rules[0].name, sizeof policy->rules[0],
			   policy->rules_len) &&
	       approvals_check(reading, rule) && selector_check(reading, &rule->when);
}

static bool rule_read(struct reading *reading, const struct json_value *value)
{
	struct policy *policy = reading->policy;
	struct policy_rule rule = { 0 };
	struct str name;
	void *cursor = NULL;
	const struct json_value *member;
	while (json_next_member(value, &cursor, &name, &member))
		if (!rule_member(reading, name, member, &rule))
			return false;
	if (!rule_check(reading, &rule))
		return false;
	policy->rules[policy->rules_len++] = rule;
	return true;
}

/* ---- limits ---- */

static bool per_read(struct reading *reading, const struct json_value *value,
		     struct policy_limit *limit)
{
	bool *const flags[] = { &limit->per_account, &limit->per_key, &limit->per_receiver };
	static const char *const names[] = { "account", "key", "receiver" };
	if (!array_check(reading, value, "per", 0))
		return false;
	for (size_t i = 0; i < json_size(value); i++) {
		struct str text = { 0 };
		size_t at = 0;
		(void)json_string(json_element(value, i), &text);
		while (at < sizeof names / sizeof *names && !str_equal_text(text, names[at]))
			at++;
		if (at == sizeof names / sizeof *names)
			return wrong(reading, "per",
				     "has an entry other than \"account\", \"key\", \"receiver\"");
		*flags[at] = true;
	}
	return true;
}

static bool limit_member(struct reading *reading, struct str name, const struct json_value *value,
			 struct policy_limit *limit)
{
	if (str_equal_text(name, "name"))
		return text_read(reading, value, "name", POLICY_NAME_LEN_MAX, &limit->name);
	if (str_equal_text(name, "window"))
		return duration_read(reading, value, "window", &limit->window_ms);
	if (str_equal_text(name, "amount"))
		return text_read(reading, value, "amount", ACCOUNT_LEN_MAX, &limit->amount);
	if (str_equal_text(name, "count"))
		return whole_read(reading, value, "count", INT32_MAX, &limit->count);
	if (str_equal_text(name, "per"))
		return per_read(reading, value, limit);
	enum selector_read read = selector_member(reading, name, value, &limit->when);
	if (read == SELECTOR_UNKNOWN)
		return wrong(reading, "", "has a member that no limit has");
	return read == SELECTOR_READ;
}

static bool limit_check(const struct reading *reading, const struct policy_limit *limit)
{
	const struct policy *policy = reading->policy;
	if (limit->name.len == 0)
		return wrong(reading, "name", "is missing");
	if (limit->window_ms == 0)
		return wrong(reading, "window", "is missing");
	if (limit->amount.len == 0 && limit->count == 0)
		return wrong(reading, "", "limits neither \"amount\" nor \"count\"");
	return name_is_new(reading, limit->name, &policy->limits[0].name, sizeof policy->limits[0],
			   policy->limits_len) &&
	       selector_check(reading, &limit->when) &&
	       amount_check(reading, &limit->when, limit->amount, "amount");
}

static bool limit_read(struct reading *reading, const struct json_value *value)
{
	struct policy *policy = reading->policy;
	struct policy_limit limit = { 0 };
	struct str name;
	void *cursor = NULL;
	const struct json_value *member;
	while (json_next_member(value, &cursor, &name, &member))
		if (!limit_member(reading, name, member, &limit))
			return false;
	if (!limit_check(reading, &limit))
		return false;
	policy->limits[policy->limits_len++] = limit;
	return true;
}

/* ---- screening ---- */

static bool screening_member(struct reading *reading, struct str name,
			     const struct json_value *value, struct policy_screening *screening)
{
	if (str_equal_text(name, "name"))
		return text_read(reading, value, "name", POLICY_NAME_LEN_MAX, &screening->name);
	if (str_equal_text(name, "approvals"))
		return whole_read(reading, value, "approvals", POLICY_APPROVALS_MAX,
				  &screening->approvals);
	enum selector_read read = selector_member(reading, name, value, &screening->when);
	if (read == SELECTOR_UNKNOWN)
		return wrong(reading, "", "has a member that no screening has");
	return read == SELECTOR_READ;
}

static bool screening_read(struct reading *reading, const struct json_value *value)
{
	struct policy *policy = reading->policy;
	struct policy_screening screening = { .approvals = 1 };
	struct str name;
	void *cursor = NULL;
	const struct json_value *member;
	while (json_next_member(value, &cursor, &name, &member))
		if (!screening_member(reading, name, member, &screening))
			return false;
	if (screening.name.len == 0)
		return wrong(reading, "name", "is missing");
	if (!name_is_new(reading, screening.name, &policy->screenings[0].name,
			 sizeof policy->screenings[0], policy->screenings_len) ||
	    !selector_check(reading, &screening.when))
		return false;
	policy->screenings[policy->screenings_len++] = screening;
	return true;
}

/* ---- the document ---- */

static bool list_read(struct reading *reading, const struct json_value *value, const char *member,
		      size_t max,
		      bool (*entry_read)(struct reading *reading, const struct json_value *value))
{
	if (json_type_of(value) != JSON_TYPE_ARRAY)
		return wrong(reading, member, "has to be a list");
	if (json_size(value) > max)
		return wrong(reading, member, "is too long");
	for (size_t i = 0; i < json_size(value); i++) {
		const struct json_value *entry = json_element(value, i);
		struct buf place = buf_of(reading->place, sizeof reading->place);
		buf_format(&place, "%s[%zu]", member, i);
		(void)buf_terminated(&place);
		if (json_type_of(entry) != JSON_TYPE_OBJECT)
			return wrong(reading, "", "has to be an object");
		if (!entry_read(reading, entry))
			return false;
	}
	reading->place[0] = 0;
	return true;
}

/* ---- receivers ---- */

static bool look_alikes_read(const struct reading *reading, const struct json_value *value)
{
	static const char *const names[] = { [POLICY_LOOK_ALIKES_WARN] = "warn",
					     [POLICY_LOOK_ALIKES_DENY] = "deny",
					     [POLICY_LOOK_ALIKES_OFF] = "off" };
	struct str text = { 0 };
	(void)json_string(value, &text);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!str_equal_text(text, names[i]))
			continue;
		reading->policy->look_alikes = (enum policy_look_alikes)i;
		return true;
	}
	return wrong(reading, "look_alikes", "has to be \"warn\", \"deny\" or \"off\"");
}

static bool contracts_read(const struct reading *reading, const struct json_value *value)
{
	struct str text = { 0 };
	(void)json_string(value, &text);
	if (!str_equal_text(text, "deny") && !str_equal_text(text, "allow"))
		return wrong(reading, "contract_receivers", "has to be \"allow\" or \"deny\"");
	reading->policy->denies_contracts = str_equal_text(text, "deny");
	reading->policy->asks_contracts |= reading->policy->denies_contracts;
	return true;
}

static bool allow_list_read(struct reading *reading, const struct json_value *value)
{
	struct policy *policy = reading->policy;
	struct str name;
	void *cursor = NULL;
	const struct json_value *member;
	if (json_type_of(value) != JSON_TYPE_OBJECT)
		return wrong(reading, "allow_list", "has to be an object");
	while (json_next_member(value, &cursor, &name, &member)) {
		bool is_cooldown = str_equal_text(name, "cooldown");
		if (!is_cooldown && !str_equal_text(name, "life"))
			return wrong(reading, "allow_list", "has \"cooldown\" and \"life\"");
		if (!duration_read(reading, member,
				   is_cooldown ? "allow_list.cooldown" : "allow_list.life",
				   is_cooldown ? &policy->allow_cooldown_ms
					       : &policy->allow_life_ms))
			return false;
	}
	return true;
}

static bool document_member(struct reading *reading, struct str name,
			    const struct json_value *value)
{
	struct str ignored;
	if (str_equal_text(name, "rules"))
		return list_read(reading, value, "rules", POLICY_RULES_MAX, rule_read);
	if (str_equal_text(name, "limits"))
		return list_read(reading, value, "limits", POLICY_LIMITS_MAX, limit_read);
	if (str_equal_text(name, "screening"))
		return list_read(reading, value, "screening", POLICY_SCREENINGS_MAX,
				 screening_read);
	if (str_equal_text(name, "description"))
		return text_read(reading, value, "description", 1024, &ignored);
	if (str_equal_text(name, "look_alikes"))
		return look_alikes_read(reading, value);
	if (str_equal_text(name, "contract_receivers"))
		return contracts_read(reading, value);
	if (str_equal_text(name, "allow_list"))
		return allow_list_read(reading, value);
	return wrong(reading, "",
		     "a policy has \"rules\", \"limits\", \"screening\", \"look_alikes\", "
		     "\"contract_receivers\", an \"allow_list\" and a \"description\"");
}

bool policy_compile(const struct json_value *root, const struct catalogue *catalogue,
		    struct policy *ret_policy, struct err *err)
{
	struct reading reading = { .policy = ret_policy, .catalogue = catalogue, .err = err };
	struct str name;
	void *cursor = NULL;
	const struct json_value *member;
	memset(ret_policy, 0, sizeof *ret_policy);
	ret_policy->allow_cooldown_ms = POLICY_COOLDOWN_MS;
	if (json_type_of(root) != JSON_TYPE_OBJECT)
		return wrong(&reading, "the policy", "has to be an object");
	if (json_member(root, "rules") == NULL)
		return wrong(&reading, "rules", "is missing: without a rule nobody is paid");
	while (json_next_member(root, &cursor, &name, &member))
		if (!document_member(&reading, name, member))
			return false;
	return true;
}
