#include "service/admin/policies.h"

#include "base/defence.h"

#include <stdlib.h>

bool admin_policy_check(const struct admin_policies *admin, struct str document,
			struct admin_policy_summary *ret_summary, struct err *err)
{
	JSON_OWNED tree = NULL;
	if (document.len > POLICY_DOCUMENT_BYTES_MAX)
		return err_set(err, ERR_REFUSED, "a policy has at most %d bytes",
			       POLICY_DOCUMENT_BYTES_MAX);
	if (!json_parse(document, &tree, err))
		return false;
	struct policy *policy = calloc(1, sizeof *policy);
	CHECK(policy != NULL);
	bool good = policy_compile(json_root(tree), admin->catalogue, policy, err);
	*ret_summary = (struct admin_policy_summary){ policy->rules_len, policy->limits_len };
	free(policy);
	return good;
}

/* The number of the next one. An editor's row is not counted on from: its number may be the last
 * that there is. The time is above all that people ever set, which counts from 1. */
static bool next_number(const struct admin_policies *admin, struct store_policy *policy,
			struct err *err)
{
	struct store_policy last;
	struct buf document = buf_new(POLICY_DOCUMENT_BYTES_MAX);
	bool found = false, sealed = false;
	bool good = admin_policy_load(admin, &last, &document, &found, &sealed, err);
	sealed = sealed || !DEFENCE("policies_count_what_is_sealed");
	policy->version = found ? last.version + 1 : 1;
	if (found && !sealed) {
		policy->version = (uint64_t)policy->set_at;
		policy->replaces = last.version;
	}
	buf_free(&document);
	return good;
}

bool admin_policy_set(const struct admin_policies *admin, struct str document, int64_t now_ms,
		      struct store_policy *ret_policy, struct err *err)
{
	struct admin_policy_summary ignored;
	struct store_policy policy = { .set_at = now_ms };
	struct store_by by = admin_by(&admin->by, now_ms);
	bool added = false;
	if (!admin_policy_check(admin, document, &ignored, err) ||
	    !next_number(admin, &policy, err))
		return false;
	if (!str_copy(str_from(admin->by.name), policy.set_by, sizeof policy.set_by))
		return err_set(err, ERR_REFUSED, "the name of whoever sets it is too long");
	store_policy_seal(admin->policy_keys, document, &policy);
	if (!store_policy_add(admin->store, &policy, document, &by, &added, err))
		return false;
	if (!added)
		return err_set(err, ERR_REFUSED,
			       "somebody else has set policy %llu at the same moment: look at it "
			       "first",
			       (unsigned long long)policy.version);
	*ret_policy = policy;
	return true;
}

bool admin_policy_load(const struct admin_policies *admin, struct store_policy *ret_policy,
		       struct buf *ret_document, bool *ret_found, bool *ret_sealed, struct err *err)
{
	if (!store_policy_load(admin->store, 0, ret_policy, ret_document, ret_found, err))
		return false;
	*ret_sealed = *ret_found && store_policy_is_sealed(admin->policy_keys,
							   buf_view(ret_document), ret_policy);
	return true;
}
