/* As store.c, for store_proposal.h; and the seal. */
#include "port/store_proposal.h"

#include "base/hash.h"
#include "port/stop_point.h"
#include "port/store_ops.h"

#include <string.h>

#define LABEL      "sluice proposals 2"
#define FIELDS_MAX 512

_Static_assert(sizeof(struct store_proposal) < FIELDS_MAX, "all columns and their lengths fit");

bool store_proposal_add(struct store *store, const struct store_proposal *proposal, struct str text,
			const struct store_by *by, struct err *err)
{
	PORT_CALL();
	CHECK(proposal->mac.key_id != 0 && proposal->state == PROPOSAL_OPEN);
	CHECK(text.len > 0 && text.len <= PROPOSAL_TEXT_BYTES_MAX);
	return store->ops->proposal_add(store, proposal, text, by, err);
}

bool store_proposal_change(struct store *store, struct store_proposal_change *change,
			   const struct store_by *by, struct err *err)
{
	PORT_CALL();
	CHECK(change->proposal->mac.key_id != 0 && change->action[0] != 0);
	return store->ops->proposal_change(store, change, by, err);
}

bool store_proposal_load(struct store *store, struct id id, struct store_proposal *ret_proposal,
			 struct buf *ret_text, bool *ret_found, struct err *err)
{
	PORT_CALL();
	if (ret_text != NULL)
		buf_reset(ret_text);
	return store->ops->proposal_load(store, id, ret_proposal, ret_text, ret_found, err);
}

bool store_proposals_list(struct store *store, enum proposal_kind kind, const char *account,
			  int64_t now_ms, struct store_proposal *ret_proposals, size_t cap,
			  size_t *ret_len, struct err *err)
{
	PORT_CALL();
	CHECK(cap > 0 && cap <= PROPOSALS_MAX);
	return store->ops->proposals_list(store, kind, account, now_ms, ret_proposals, cap, ret_len,
					  err);
}

static void text_put(struct buf *out, const char *text, size_t cap)
{
	buf_prefixed(out, text, strnlen(text, cap));
}

static struct str fields_of(const struct store_proposal *proposal, char *storage)
{
	struct buf out = buf_of(storage, FIELDS_MAX);
	buf_prefixed(&out, proposal->id.bytes, ID_BYTES);
	buf_prefixed_u64(&out, (uint64_t)proposal->kind);
	buf_prefixed_u64(&out, (uint64_t)proposal->state);
	buf_prefixed_u64(&out, proposal->version);
	buf_prefixed(&out, proposal->digest, sizeof proposal->digest);
	text_put(&out, proposal->account, sizeof proposal->account);
	text_put(&out, proposal->proposed_by, sizeof proposal->proposed_by);
	buf_prefixed_u64(&out, (uint64_t)proposal->created_at);
	buf_prefixed_u64(&out, (uint64_t)proposal->expires_at);
	text_put(&out, proposal->first_person, sizeof proposal->first_person);
	text_put(&out, proposal->first_id, sizeof proposal->first_id);
	text_put(&out, proposal->ended_by, sizeof proposal->ended_by);
	buf_prefixed_u64(&out, (uint64_t)proposal->ended_at);
	CHECK(!out.overflow);
	return buf_view(&out);
}

void store_proposal_seal(const struct mac_keys *keys, struct store_proposal *proposal)
{
	char storage[FIELDS_MAX];
	CHECK(!id_is_zero(proposal->id) && proposal->expires_at > proposal->created_at);
	proposal->mac = row_mac_make(keys, LABEL, fields_of(proposal, storage));
}

bool store_proposal_is_sealed(const struct mac_keys *keys, const struct store_proposal *proposal)
{
	char storage[FIELDS_MAX];
	return row_mac_verify(keys, LABEL, fields_of(proposal, storage), &proposal->mac);
}

bool store_proposal_is_of(const struct store_proposal *proposal, struct str text)
{
	uint8_t digest[SHA256_BYTES];
	sha256(text.at, text.len, digest);
	return memcmp(digest, proposal->digest, sizeof digest) == 0;
}
