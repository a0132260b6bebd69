#include "service/admin/policies.h"

#include "base/check.h"
#include "base/defence.h"
#include "base/hash.h"
#include "base/hex.h"

#include <stdlib.h>
#include <string.h>

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
	*ret_summary = (struct admin_policy_summary){ policy->rules_len, policy->limits_len,
						      policy->screenings_len };
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
		return err_refuse(
			err, "changed_meanwhile",
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

/* ---- by two people ---- */

struct admin_proposals admin_policy_proposals(const struct admin_policies *admin)
{
	return (struct admin_proposals){ .store = admin->store,
					 .entropy = admin->entropy,
					 .identity_keys = admin->identity_keys,
					 .by = admin->by };
}

/* The number of the newest one, whoever wrote it; 0 without one. */
static bool newest(const struct admin_policies *admin, uint64_t *ret_version, struct err *err)
{
	struct store_policy last;
	struct buf document = buf_new(POLICY_DOCUMENT_BYTES_MAX);
	bool found = false;
	bool good = store_policy_load(admin->store, 0, &last, &document, &found, err);
	*ret_version = found ? last.version : 0;
	buf_free(&document);
	return good;
}

bool admin_policy_propose(const struct admin_policies *admin, struct str document, int64_t now_ms,
			  struct store_proposal *ret_proposal, struct err *err)
{
	struct admin_policy_summary ignored;
	const struct admin_proposals proposals = admin_policy_proposals(admin);
	uint64_t version = 0;
	return admin_policy_check(admin, document, &ignored, err) && newest(admin, &version, err) &&
	       admin_proposal_make(&proposals, PROPOSAL_POLICY, version, document, now_ms,
				   ret_proposal, err);
}

static bool digest_check(const struct store_proposal *proposal, struct str digest, struct err *err)
{
	uint8_t bytes[SHA256_BYTES];
	return (hex_read(digest, bytes, sizeof bytes) &&
		memcmp(bytes, proposal->digest, sizeof bytes) == 0) ||
	       err_refuse(err, "digest_differs", "the proposal is of another document");
}

/* Puts it in force, with the end of what asked for it. */
static bool policy_confirm(const struct admin_policies *admin,
			   const struct store_proposal *proposal, struct str document,
			   struct store_proposal_change *ends, int64_t now_ms,
			   struct store_policy *ret_policy, struct err *err)
{
	struct store_policy policy = { .set_at = now_ms };
	struct store_by by = admin_by(&admin->by, now_ms);
	bool added = false;
	if (!next_number(admin, &policy, err))
		return false;
	if (policy.version != proposal->version + 1 && policy.replaces != proposal->version)
		return err_refuse(err, "proposal_void", "somebody else has set a policy since");
	CHECK(str_copy(str_from(proposal->proposed_by), policy.set_by, sizeof policy.set_by));
	store_policy_seal(admin->policy_keys, document, &policy);
	if (!store_policy_confirm(admin->store, &policy, document, ends, &by, &added, err))
		return false;
	*ret_policy = policy;
	return added || err_refuse(err, "changed_meanwhile",
				   "somebody else was faster: look at the policy again");
}

static bool confirm(const struct admin_policies *admin, struct id id, struct str digest,
		    struct buf *text, int64_t now_ms, struct store_policy *ret_policy,
		    bool *ret_done, struct err *err)
{
	const struct admin_proposals proposals = admin_policy_proposals(admin);
	struct admin_policy_summary ignored;
	struct store_proposal proposal, after;
	struct store_proposal_change ends;
	uint64_t version = 0;
	if (!admin_proposal_load(&proposals, PROPOSAL_POLICY, id, &proposal, text, err) ||
	    !digest_check(&proposal, digest, err) || !newest(admin, &version, err) ||
	    !admin_proposal_is_open(&proposal, version, now_ms, err) ||
	    !admin_policy_check(admin, buf_view(text), &ignored, err) ||
	    !admin_proposal_second(&proposals, &proposal, PERMISSION_POLICIES_WRITE, now_ms, &after,
				   &ends, ret_done, err))
		return false;
	return !*ret_done ||
	       policy_confirm(admin, &proposal, buf_view(text), &ends, now_ms, ret_policy, err);
}

bool admin_policy_confirm(const struct admin_policies *admin, struct id id, struct str digest,
			  int64_t now_ms, struct store_policy *ret_policy, bool *ret_done,
			  struct err *err)
{
	struct buf text = buf_new(PROPOSAL_TEXT_BYTES_MAX);
	*ret_done = false;
	bool good = confirm(admin, id, digest, &text, now_ms, ret_policy, ret_done, err);
	buf_free(&text);
	return good;
}
