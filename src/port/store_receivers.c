/* As store.c, for store_receivers.h; and keys and seal. */
#include "port/store_receivers.h"

#include "base/defence.h"
#include "base/hash.h"
#include "port/stop_point.h"
#include "port/store_ops.h"

#include <string.h>

#define SEAL_LABEL  "sluice allow list 1"
#define ALLOW_LABEL "sluice allow key 1"
#define KNOWN_LABEL "sluice known key 1"
#define FIELDS_MAX  512
#define END_BYTES   2

bool store_receivers_look(struct store *store, struct store_receiver *receivers, size_t n,
			  struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= BATCH_MAX);
	return store->ops->receivers_look(store, receivers, n, err);
}

bool store_receivers_learn(struct store *store, const struct intent *const *intents, size_t n,
			   int64_t now_ms, struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= BATCH_MAX);
	return store->ops->receivers_learn(store, intents, n, now_ms, err);
}

bool store_allow_add(struct store *store, const struct store_allow_entry *entry,
		     struct store_proposal_change *ends, const struct store_by *by, bool *ret_added,
		     struct err *err)
{
	PORT_CALL();
	CHECK(entry->account[0] != 0 && entry->mac.key_id != 0 && by->who[0] != 0);
	CHECK(entry->active_at > entry->added_at && store_allow_is_at_home(entry));
	return store->ops->allow_add(store, entry, ends, by, ret_added, err);
}

bool store_allow_remove(struct store *store, const struct store_allow_entry *entry,
			struct store_proposal_change *ends, const struct store_by *by,
			bool *ret_removed, struct err *err)
{
	PORT_CALL();
	CHECK(by->who[0] != 0);
	return store->ops->allow_remove(store, entry, ends, by, ret_removed, err);
}

bool store_allow_load(struct store *store, const uint8_t place[ALLOW_KEY_BYTES],
		      struct store_allow_entry *ret_entry, bool *ret_found, struct err *err)
{
	PORT_CALL();
	return store->ops->allow_load(store, place, ret_entry, ret_found, err);
}

bool store_allow_reseal(struct store *store, const struct store_allow_entry *entry,
			const struct mac_tag *before, const struct store_by *by, bool *ret_done,
			struct err *err)
{
	PORT_CALL();
	CHECK(entry->mac.key_id != 0 && by->who[0] != 0);
	return store->ops->allow_reseal(store, entry, before, by, ret_done, err);
}

bool store_allow_list(struct store *store, const char *account,
		      const struct store_allow_entry *after, struct store_allow_entry *ret_entries,
		      size_t cap, size_t *ret_len, struct err *err)
{
	PORT_CALL();
	CHECK(cap > 0);
	return store->ops->allow_list(store, account, after, ret_entries, cap, ret_len, err);
}

static void text_put(struct buf *out, const char *text, size_t capacity)
{
	buf_prefixed(out, text, strnlen(text, capacity));
}

void store_allow_key(const char *account, uint64_t chain_id, struct address receiver,
		     uint8_t ret_key[ALLOW_KEY_BYTES])
{
	char storage[FIELDS_MAX];
	struct buf out = buf_of(storage, sizeof storage);
	text_put(&out, ALLOW_LABEL, sizeof ALLOW_LABEL);
	text_put(&out, account, ACCOUNT_LEN_MAX + 1);
	buf_prefixed_u64(&out, chain_id);
	buf_prefixed(&out, receiver.bytes, ADDRESS_BYTES);
	CHECK(!out.overflow);
	sha256(out.at, out.len, ret_key);
}

void store_known_key(const char *account, struct address receiver, uint8_t ret_key[ALLOW_KEY_BYTES])
{
	char storage[FIELDS_MAX];
	struct buf out = buf_of(storage, sizeof storage);
	text_put(&out, KNOWN_LABEL, sizeof KNOWN_LABEL);
	text_put(&out, account, ACCOUNT_LEN_MAX + 1);
	buf_prefixed(&out, receiver.bytes, END_BYTES);
	buf_prefixed(&out, receiver.bytes + ADDRESS_BYTES - END_BYTES, END_BYTES);
	CHECK(!out.overflow);
	sha256(out.at, out.len, ret_key);
}

static struct str fields_of(const struct store_allow_entry *entry, char *storage)
{
	struct buf out = buf_of(storage, FIELDS_MAX);
	text_put(&out, entry->account, sizeof entry->account);
	buf_prefixed_u64(&out, entry->chain_id);
	buf_prefixed(&out, entry->receiver.bytes, ADDRESS_BYTES);
	text_put(&out, entry->label, sizeof entry->label);
	text_put(&out, entry->added_by, sizeof entry->added_by);
	buf_prefixed_u64(&out, (uint64_t)entry->added_at);
	buf_prefixed_u64(&out, (uint64_t)entry->active_at);
	CHECK(!out.overflow);
	return buf_view(&out);
}

void store_allow_seal(const struct mac_keys *keys, struct store_allow_entry *entry)
{
	char storage[FIELDS_MAX];
	store_allow_key(entry->account, entry->chain_id, entry->receiver, entry->place);
	entry->mac = row_mac_make(keys, SEAL_LABEL, fields_of(entry, storage));
}

bool store_allow_is_at_home(const struct store_allow_entry *entry)
{
	uint8_t place[ALLOW_KEY_BYTES];
	store_allow_key(entry->account, entry->chain_id, entry->receiver, place);
	return memcmp(place, entry->place, sizeof place) == 0;
}

bool store_allow_is_sealed(const struct mac_keys *keys, const struct store_allow_entry *entry)
{
	char storage[FIELDS_MAX];
	return row_mac_verify(keys, SEAL_LABEL, fields_of(entry, storage), &entry->mac);
}

bool store_receivers_are_asked(const struct policy *policy)
{
	return policy->asks_allow_list || policy->look_alikes != POLICY_LOOK_ALIKES_OFF;
}

/* A row under the right key may be about somebody else. */
static bool is_believed(const struct store_receiver *receiver, const struct mac_keys *keys)
{
	const struct store_allow_entry *entry = &receiver->entry;
	const struct intent *intent = receiver->intent;
	if (!DEFENCE("allow_list_is_sealed"))
		return true;
	return strcmp(entry->account, intent->account) == 0 &&
	       entry->chain_id == intent->chain_id && address_equal(entry->receiver, intent->to) &&
	       store_allow_is_sealed(keys, entry);
}

struct policy_receiver store_receiver_facts(const struct store_receiver *receiver,
					    const struct mac_keys *keys,
					    const struct policy *policy, int64_t policy_set_at,
					    int64_t now_ms, bool *ret_broken)
{
	const struct store_allow_entry *entry = &receiver->entry;
	struct policy_receiver facts = { 0 };
	*ret_broken = receiver->is_listed && !is_believed(receiver, keys);
	facts.is_allowed = receiver->is_listed && !*ret_broken &&
			   (policy_allow_counts(policy, policy_set_at, entry->added_at,
						entry->active_at, now_ms) ||
			    !DEFENCE("allow_list_cools_down"));
	facts.looks_alike = receiver->is_known && !facts.is_allowed &&
			    !address_equal(receiver->known, receiver->intent->to) &&
			    DEFENCE("look_alikes_are_seen");
	return facts;
}
