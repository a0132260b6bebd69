/* As store.c, for store_policy.h; and the seal. */
#include "port/store_policy.h"

#include "base/hash.h"
#include "port/stop_point.h"
#include "port/store_ops.h"

#include <string.h>

#define LABEL      "sluice policies 1"
#define FIELDS_MAX 256

bool store_policy_add(struct store *store, const struct store_policy *policy, struct str document,
		      const struct store_by *by, bool *ret_added, struct err *err)
{
	PORT_CALL();
	CHECK(policy->version > 0 && document.len <= POLICY_DOCUMENT_BYTES_MAX);
	return store->ops->policy_add(store, policy, document, NULL, by, ret_added, err);
}

bool store_policy_confirm(struct store *store, const struct store_policy *policy,
			  struct str document, struct store_proposal_change *ends,
			  const struct store_by *by, bool *ret_added, struct err *err)
{
	PORT_CALL();
	CHECK(policy->version > 0 && document.len <= POLICY_DOCUMENT_BYTES_MAX);
	/* In place of what an editor wrote, whatever its number was. */
	CHECK(ends->proposal->version < policy->version || policy->replaces != 0);
	return store->ops->policy_add(store, policy, document, ends, by, ret_added, err);
}

bool store_policies_list(struct store *store, uint64_t below, struct store_policy *ret_policies,
			 size_t cap, size_t *ret_len, struct err *err)
{
	PORT_CALL();
	CHECK(cap > 0 && cap <= PAGE_MAX);
	return store->ops->policies_list(store, below, ret_policies, cap, ret_len, err);
}

bool store_policy_load(struct store *store, uint64_t known, struct store_policy *ret_policy,
		       struct buf *ret_document, bool *ret_found, struct err *err)
{
	PORT_CALL();
	buf_reset(ret_document);
	return store->ops->policy_load(store, known, ret_policy, ret_document, ret_found, err);
}

bool store_policy_room(struct store *store, const struct policy_claim *claims, size_t n,
		       enum store_room *ret_rooms, struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= POLICY_LIMITS_MAX);
	return store->ops->policy_room(store, claims, n, ret_rooms, err);
}

bool store_policy_forget(struct store *store, int64_t now_ms, size_t limit, size_t *ret_forgotten,
			 struct err *err)
{
	PORT_CALL();
	CHECK(limit > 0 && limit <= BATCH_MAX);
	return store->ops->policy_forget(store, now_ms, limit, ret_forgotten, err);
}

bool store_votes_load(struct store *store, struct id withdrawal, uint64_t policy_version,
		      struct vote ret_votes[VOTES_MAX], size_t *ret_len, struct err *err)
{
	PORT_CALL();
	return store->ops->votes_load(store, withdrawal, policy_version, ret_votes, ret_len, err);
}

static struct str fields_of(const struct store_policy *policy, char *storage)
{
	struct buf out = buf_of(storage, FIELDS_MAX);
	buf_prefixed_u64(&out, policy->version);
	buf_prefixed_u64(&out, (uint64_t)policy->set_at);
	buf_prefixed(&out, policy->set_by, strnlen(policy->set_by, sizeof policy->set_by));
	buf_prefixed(&out, policy->digest, sizeof policy->digest);
	CHECK(!out.overflow);
	return buf_view(&out);
}

void store_policy_seal(const struct mac_keys *keys, struct str document,
		       struct store_policy *policy)
{
	char storage[FIELDS_MAX];
	sha256(document.at, document.len, policy->digest);
	policy->mac = row_mac_make(keys, LABEL, fields_of(policy, storage));
}

bool store_policy_is_sealed(const struct mac_keys *keys, struct str document,
			    const struct store_policy *policy)
{
	char storage[FIELDS_MAX];
	uint8_t digest[SHA256_BYTES];
	sha256(document.at, document.len, digest);
	return memcmp(digest, policy->digest, sizeof digest) == 0 &&
	       row_mac_verify(keys, LABEL, fields_of(policy, storage), &policy->mac);
}
