#include "service/admin/simulate.h"

#include "core/policy.h"

#include <stdlib.h>

/* ---- the wish ---- */

static bool refused(enum refusal refusal, struct err *err)
{
	return err_refuse(err, refusal_code(refusal), "%s", refusal_text(refusal));
}

static bool receiver_read(const struct admin_simulate *admin, struct str text,
			  struct intent *intent, struct err *err)
{
	enum address_read read = address_read(text, &intent->to);
	if (read != ADDRESS_OK)
		return refused(read == ADDRESS_BAD_CHECKSUM ? REFUSAL_ADDRESS_CHECKSUM
							    : REFUSAL_ADDRESS_MALFORMED,
			       err);
	if (address_is_zero(intent->to))
		return refused(REFUSAL_ADDRESS_ZERO, err);
	if (catalogue_is_wallet(admin->catalogue, intent->to))
		return refused(REFUSAL_ADDRESS_IS_OURS, err);
	return !catalogue_is_token(admin->catalogue, intent->chain_id, intent->to) ||
	       refused(REFUSAL_ADDRESS_IS_TOKEN, err);
}

static bool amount_take(struct str text, const struct asset *asset, struct intent *intent,
			struct err *err)
{
	switch (amount_read(text, asset->decimals, &intent->amount)) {
	case AMOUNT_OK:
		return true;
	case AMOUNT_TOO_MANY_DECIMALS:
		return refused(REFUSAL_AMOUNT_DECIMALS, err);
	case AMOUNT_TOO_LARGE:
		return refused(REFUSAL_AMOUNT_TOO_LARGE, err);
	case AMOUNT_NOT_POSITIVE:
		return refused(REFUSAL_AMOUNT_NOT_POSITIVE, err);
	case AMOUNT_MALFORMED:
		break;
	}
	return refused(REFUSAL_AMOUNT_MALFORMED, err);
}

static bool asset_read(const struct admin_simulate *admin, const struct admin_wish *wish,
		       struct intent *intent, const struct asset **ret_asset, struct err *err)
{
	const struct chain_params *chain =
		catalogue_chain_by_name(admin->catalogue, str_from(wish->chain));
	if (chain == NULL)
		return refused(REFUSAL_CHAIN_UNKNOWN, err);
	*ret_asset = catalogue_asset(admin->catalogue, chain->chain_id, str_from(wish->asset));
	if (*ret_asset == NULL)
		return refused(REFUSAL_ASSET_UNKNOWN, err);
	intent->chain_id = chain->chain_id;
	intent->is_native = (*ret_asset)->is_native;
	intent->contract = (*ret_asset)->contract;
	intent->decimals = (*ret_asset)->decimals;
	CHECK(str_copy(str_from((*ret_asset)->symbol), intent->asset, sizeof intent->asset));
	return true;
}

static bool intent_read(const struct admin_simulate *admin, const struct admin_wish *wish,
			int64_t now_ms, struct intent *ret_intent, const struct asset **ret_asset,
			struct err *err)
{
	*ret_intent = (struct intent){ .created_at = now_ms };
	if (!admin_reaches(&admin->by, wish->account))
		return err_refuse(err, "account_forbidden", "this account is not yours");
	if (wish->account[0] == 0 ||
	    !str_copy(str_from(wish->account), ret_intent->account, sizeof ret_intent->account))
		return err_set(err, ERR_REFUSED, "an account has 1 to %d characters",
			       ACCOUNT_LEN_MAX);
	if (!str_copy(str_from(wish->key), ret_intent->created_by, sizeof ret_intent->created_by))
		return err_set(err, ERR_REFUSED, "a key has at most %d characters",
			       PRINCIPAL_LEN_MAX);
	return asset_read(admin, wish, ret_intent, ret_asset, err) &&
	       receiver_read(admin, str_from(wish->to), ret_intent, err) &&
	       amount_take(str_from(wish->amount), *ret_asset, ret_intent, err);
}

/* ---- the judgement ---- */

struct judging {
	const struct admin_simulate *admin;
	const struct intent *intent;
	const struct asset *asset;
	int64_t now_ms;
	struct json *tree;
	struct policy *policy;
	struct store_policy row;
	struct policy_verdict verdict;
};

/* *ret_good false: there is none that is believed. */
static bool policy_take(struct judging *judging, bool *ret_good, struct err *err)
{
	const struct admin_simulate *admin = judging->admin;
	struct buf document = buf_new(POLICY_DOCUMENT_BYTES_MAX);
	struct err why;
	bool found = false;
	bool loaded = store_policy_load(admin->store, 0, &judging->row, &document, &found, err);
	*ret_good =
		loaded && found &&
		store_policy_is_sealed(admin->policy_keys, buf_view(&document), &judging->row) &&
		json_parse(buf_view(&document), &judging->tree, &why) &&
		policy_compile(json_root(judging->tree), admin->catalogue, judging->policy, &why);
	buf_free(&document);
	return loaded;
}

static bool receiver_look(struct judging *judging, struct admin_simulated *result, struct err *err)
{
	const struct admin_simulate *admin = judging->admin;
	struct deny_list *list = admin->deny_list;
	struct store_receiver receiver = { .intent = judging->intent };
	struct err why;
	bool is_broken;
	if (store_receivers_are_asked(judging->policy)) {
		if (!store_receivers_look(admin->store, &receiver, 1, err))
			return false;
		result->receiver =
			store_receiver_facts(&receiver, admin->policy_keys, judging->policy,
					     judging->row.set_at, judging->now_ms, &is_broken);
		result->known = receiver.known;
	}
	result->has_deny_list = list != NULL;
	if (list != NULL && !deny_list_look(list, &why))
		result->waits = REASON_DENY_LIST_UNAVAILABLE;
	else if (list != NULL)
		result->receiver.is_denied = deny_list_has(list, judging->intent->to);
	return true;
}

static bool limits_look(const struct judging *judging, struct admin_simulated *result,
			struct err *err)
{
	const struct policy_verdict *verdict = &judging->verdict;
	enum store_room rooms[POLICY_LIMITS_MAX];
	result->limits_len = verdict->claims_len;
	if (verdict->claims_len == 0)
		return true;
	if (!store_policy_room(judging->admin->store, verdict->claims, verdict->claims_len, rooms,
			       err))
		return false;
	for (size_t i = 0; i < verdict->claims_len; i++) {
		struct admin_simulate_limit *limit = &result->limits[i];
		CHECK(str_copy(verdict->limits[i]->name, limit->name, sizeof limit->name));
		limit->room = rooms[i];
		if (rooms[i] == STORE_ROOM_FULL)
			result->refusal = REFUSAL_LIMIT_EXCEEDED;
		else if (rooms[i] == STORE_ROOM_BROKEN)
			result->waits = REASON_LIMIT_UNREADABLE;
	}
	return true;
}

static bool judge(struct judging *judging, struct admin_simulated *result, struct err *err)
{
	struct policy_verdict *verdict = &judging->verdict;
	bool good;
	if (!policy_take(judging, &good, err))
		return false;
	if (!good) {
		result->waits = REASON_POLICY_UNAVAILABLE;
		return true;
	}
	result->version = judging->row.version;
	result->assumes_no_contract = judging->policy->asks_contracts;
	if (!receiver_look(judging, result, err))
		return false;
	policy_judge(judging->policy, judging->admin->catalogue, judging->asset, judging->intent,
		     &result->receiver, verdict);
	result->refusal = verdict->refusal;
	result->approvals = verdict->answer == POLICY_ASKED ? verdict->approvals : 0;
	result->wants_signature = verdict->answer == POLICY_ASKED && verdict->wants_signature;
	result->wants_screening = verdict->wants_screening;
	result->has_rule = verdict->rule != NULL;
	if (verdict->rule != NULL)
		CHECK(str_copy(verdict->rule->name, result->rule, sizeof result->rule));
	return limits_look(judging, result, err);
}

bool admin_simulate(const struct admin_simulate *admin, const struct admin_wish *wish,
		    int64_t now_ms, struct admin_simulated *ret_result, struct err *err)
{
	struct intent intent;
	const struct asset *asset = NULL;
	*ret_result = (struct admin_simulated){ 0 };
	if (!intent_read(admin, wish, now_ms, &intent, &asset, err))
		return false;
	struct judging *judging = calloc(1, sizeof *judging);
	CHECK(judging != NULL);
	*judging = (struct judging){ admin, &intent, asset, now_ms, NULL, NULL, { 0 }, { 0 } };
	judging->policy = calloc(1, sizeof *judging->policy);
	CHECK(judging->policy != NULL);
	bool done = judge(judging, ret_result, err);
	json_free(judging->tree);
	free(judging->policy);
	free(judging);
	return done;
}

/* ---- the answer ---- */

const char *admin_simulated_answer(const struct admin_simulated *result)
{
	if (result->waits != REASON_NONE)
		return "wait";
	if (result->refusal != REFUSAL_NONE)
		return "deny";
	return result->approvals > 0 ? "approve" : "allow";
}

const char *admin_simulated_code(const struct admin_simulated *result)
{
	return result->waits != REASON_NONE ? reason_code(result->waits)
					    : refusal_code(result->refusal);
}

static void text_or_null(struct buf *out, const char *name, const char *text, bool has)
{
	if (has)
		json_write_member_text(out, name, text);
	else
		json_write_member_null(out, name);
}

static void receiver_write(const struct admin_simulated *result, struct buf *out)
{
	json_write_name(out, "receiver");
	buf_byte(out, '{');
	if (result->has_deny_list && result->waits != REASON_DENY_LIST_UNAVAILABLE)
		json_write_member_bool(out, "deny_listed", result->receiver.is_denied);
	else
		json_write_member_null(out, "deny_listed");
	json_write_member_bool(out, "allow_listed", result->receiver.is_allowed);
	json_write_member_bool(out, "assumes_no_contract", result->assumes_no_contract);
	text_or_null(out, "looks_like", address_text(result->known).at,
		     result->receiver.looks_alike);
	buf_byte(out, '}');
}

void admin_simulated_write(const struct admin_simulated *result, struct buf *out)
{
	const char *code = admin_simulated_code(result);
	buf_byte(out, '{');
	json_write_member_text(out, "answer", admin_simulated_answer(result));
	text_or_null(out, "code", code, code[0] != 0);
	json_write_member_u64(out, "policy_version", result->version);
	text_or_null(out, "rule", result->rule, result->has_rule);
	json_write_member_u64(out, "approvals", result->approvals);
	json_write_member_bool(out, "signature", result->wants_signature);
	json_write_member_bool(out, "screening", result->wants_screening);
	receiver_write(result, out);
	json_write_name(out, "limits");
	buf_byte(out, '[');
	for (size_t i = 0; i < result->limits_len; i++) {
		buf_text(out, i > 0 ? ",{" : "{");
		json_write_member_text(out, "name", result->limits[i].name);
		json_write_member_bool(out, "has_room", result->limits[i].room == STORE_ROOM_TAKEN);
		buf_byte(out, '}');
	}
	buf_text(out, "]}");
	CHECK(!out->overflow);
}
