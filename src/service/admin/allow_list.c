#include "service/admin/allow_list.h"

#include "base/check.h"
#include "base/defence.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX 1024

static bool receiver_read(const char *text, struct address *ret_receiver, struct err *err)
{
	switch (address_read(str_from(text), ret_receiver)) {
	case ADDRESS_OK:
		return true;
	case ADDRESS_MALFORMED:
		return err_set(err, ERR_REFUSED, "%s is no address", text);
	case ADDRESS_BAD_CHECKSUM:
		break;
	}
	return err_set(err, ERR_REFUSED, "the checksum of %s is wrong: is a digit?", text);
}

static bool name_read(const struct admin_allow_list *admin, const struct admin_allow_name *name,
		      struct store_allow_entry *ret_entry, struct err *err)
{
	const struct chain_params *chain =
		catalogue_chain_by_name(admin->catalogue, str_from(name->chain));
	if (chain == NULL)
		return err_set(err, ERR_REFUSED, "the chain %s is not configured", name->chain);
	ret_entry->chain_id = chain->chain_id;
	if (name->account[0] == 0 ||
	    !str_copy(str_from(name->account), ret_entry->account, sizeof ret_entry->account))
		return err_set(err, ERR_REFUSED, "an account has 1 to %d characters",
			       ACCOUNT_LEN_MAX);
	if (!receiver_read(name->receiver, &ret_entry->receiver, err))
		return false;
	store_allow_key(ret_entry->account, ret_entry->chain_id, ret_entry->receiver,
			ret_entry->place);
	return true;
}

static bool cooldown_of(const struct admin_allow_list *admin, const struct store_policy *row,
			struct str document, int64_t *ret_cooldown_ms)
{
	JSON_OWNED tree = NULL;
	struct err ignored;
	struct policy *policy = calloc(1, sizeof *policy);
	CHECK(policy != NULL);
	bool good = store_policy_is_sealed(admin->policy_keys, document, row) &&
		    json_parse(document, &tree, &ignored) &&
		    policy_compile(json_root(tree), admin->catalogue, policy, &ignored);
	*ret_cooldown_ms = policy->allow_cooldown_ms;
	free(policy);
	return good;
}

static bool cooldown_load(const struct admin_allow_list *admin, int64_t *ret_cooldown_ms,
			  struct err *err)
{
	struct store_policy row;
	struct buf document = buf_new(POLICY_DOCUMENT_BYTES_MAX);
	bool found = false;
	bool loaded = store_policy_load(admin->store, 0, &row, &document, &found, err);
	if (!loaded || !found || !cooldown_of(admin, &row, buf_view(&document), ret_cooldown_ms))
		*ret_cooldown_ms = POLICY_COOLDOWN_MS;
	buf_free(&document);
	return loaded;
}

static bool unknown(struct err *err)
{
	return err_refuse(err, "allow_entry_unknown", "there is no such entry");
}

/* What a row says of itself is an editor's where it does not stand in its place. */
static bool reaches(const struct admin_allow_list *admin, const struct store_allow_entry *entry)
{
	bool is_bound = admin->by.account != NULL && admin->by.account[0] != 0;
	return !is_bound || !DEFENCE("allow_entry_is_own") ||
	       (admin_reaches(&admin->by, entry->account) && store_allow_is_at_home(entry));
}

static bool label_check(struct str label, struct err *err)
{
	bool good = label.len <= ALLOW_LABEL_LEN_MAX && utf8_is_valid(label);
	for (size_t i = 0; good && i < label.len; i++)
		good = (unsigned char)label.at[i] >= ' ' && label.at[i] != 0x7f;
	return good || err_set(err, ERR_REFUSED,
			       "a label has at most %d bytes of UTF-8 without control characters",
			       ALLOW_LABEL_LEN_MAX);
}

bool admin_allow_new(const struct admin_allow_list *admin, const struct admin_allow_name *name,
		     const char *label, struct admin_allow_wish *ret_wish, struct err *err)
{
	struct admin_allow_wish wish = { .act = ADMIN_ALLOW_ADD };
	if (!name_read(admin, name, &wish.entry, err) || !label_check(str_from(label), err))
		return false;
	if (!reaches(admin, &wish.entry))
		return err_refuse(err, "account_forbidden", "the list of account %s is yours alone",
				  admin->by.account);
	CHECK(str_copy(str_from(label), wish.entry.label, sizeof wish.entry.label));
	*ret_wish = wish;
	return true;
}

static bool entry_load(const struct admin_allow_list *admin, const uint8_t place[ALLOW_KEY_BYTES],
		       struct admin_allow_wish *ret_wish, struct err *err)
{
	bool found = false;
	*ret_wish = (struct admin_allow_wish){ .act = ADMIN_ALLOW_REMOVE };
	if (!store_allow_load(admin->store, place, &ret_wish->entry, &found, err))
		return false;
	return (found && reaches(admin, &ret_wish->entry)) || unknown(err);
}

bool admin_allow_named(const struct admin_allow_list *admin, const struct admin_allow_name *name,
		       struct admin_allow_wish *ret_wish, struct err *err)
{
	struct store_allow_entry entry = { 0 };
	return name_read(admin, name, &entry, err) && entry_load(admin, entry.place, ret_wish, err);
}

bool admin_allow_placed(const struct admin_allow_list *admin, struct str place,
			struct admin_allow_wish *ret_wish, struct err *err)
{
	uint8_t bytes[ALLOW_KEY_BYTES];
	return hex_read(place, bytes, sizeof bytes) ? entry_load(admin, bytes, ret_wish, err)
						    : unknown(err);
}

/* ---- what is done ---- */

static bool entry_add(const struct admin_allow_list *admin, struct store_allow_entry *entry,
		      const char *added_by, struct store_proposal_change *ends, int64_t now_ms,
		      struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	int64_t cooldown_ms;
	bool added = false;
	if (!str_copy(str_from(added_by), entry->added_by, sizeof entry->added_by))
		return err_set(err, ERR_REFUSED, "the name of whoever adds it is too long");
	if (!cooldown_load(admin, &cooldown_ms, err))
		return false;
	entry->added_at = now_ms;
	entry->active_at = now_ms + cooldown_ms;
	store_allow_seal(admin->policy_keys, entry);
	if (!store_allow_add(admin->store, entry, ends, &by, &added, err))
		return false;
	if (!added && ends != NULL)
		return err_refuse(err, "changed_meanwhile", "the proposal has moved: look again");
	return added || err_refuse(err, "allow_listed_already",
				   "%s is on the list of %s already: to begin anew, remove it "
				   "first",
				   address_text(entry->receiver).at, entry->account);
}

static bool entry_remove(const struct admin_allow_list *admin,
			 const struct store_allow_entry *entry, struct store_proposal_change *ends,
			 int64_t now_ms, struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	bool removed = false;
	if (!store_allow_remove(admin->store, entry, ends, &by, &removed, err))
		return false;
	return removed ||
	       err_refuse(err, "changed_meanwhile", "somebody else was faster: look again");
}

bool admin_allow_do(const struct admin_allow_list *admin, struct admin_allow_wish *wish,
		    int64_t now_ms, struct err *err)
{
	return wish->act == ADMIN_ALLOW_ADD
		       ? entry_add(admin, &wish->entry, admin->by.name, NULL, now_ms, err)
		       : entry_remove(admin, &wish->entry, NULL, now_ms, err);
}

/* ---- by two people ---- */

struct admin_proposals admin_allow_proposals(const struct admin_allow_list *admin)
{
	return (struct admin_proposals){ .store = admin->store,
					 .entropy = admin->entropy,
					 .identity_keys = admin->identity_keys,
					 .by = admin->by };
}

static void hex_member(struct buf *out, const char *name, const uint8_t *bytes, size_t len)
{
	json_write_name(out, name);
	buf_byte(out, '"');
	hex_write(out, bytes, len);
	buf_byte(out, '"');
}

/* Of one that is removed its place and seal as well: it is that row, and no later one of the name.
 */
static void wish_write(const struct admin_allow_wish *wish, struct buf *out)
{
	const struct store_allow_entry *entry = &wish->entry;
	bool removes = wish->act == ADMIN_ALLOW_REMOVE;
	buf_byte(out, '{');
	json_write_member_text(out, "act", removes ? "remove" : "add");
	json_write_member_text(out, "account", entry->account);
	json_write_member_u64(out, "chain_id", entry->chain_id);
	json_write_member_text(out, "receiver", address_text(entry->receiver).at);
	json_write_member_text(out, "label", entry->label);
	hex_member(out, "place", entry->place, sizeof entry->place);
	hex_member(out, "mac", entry->mac.bytes, removes ? sizeof entry->mac.bytes : 0);
	json_write_member_u64(out, "mac_key_id", removes ? entry->mac.key_id : 0);
	buf_byte(out, '}');
	CHECK(!out->overflow);
}

static bool hex_take(const struct json_value *root, const char *name, uint8_t *ret_bytes,
		     size_t len)
{
	struct str text;
	return json_string(json_member(root, name), &text) && hex_read(text, ret_bytes, len);
}

static bool wish_read(struct str text, struct admin_allow_wish *ret_wish)
{
	JSON_OWNED json = NULL;
	struct err ignored;
	struct str act, account, receiver, label;
	int64_t chain_id, key_id;
	struct admin_allow_wish wish = { .act = ADMIN_ALLOW_ADD };
	struct store_allow_entry *entry = &wish.entry;
	if (!json_parse(text, &json, &ignored))
		return false;
	const struct json_value *root = json_root(json);
	if (!json_string(json_member(root, "act"), &act) ||
	    !json_string(json_member(root, "account"), &account) ||
	    !json_i64(json_member(root, "chain_id"), &chain_id) ||
	    !json_string(json_member(root, "receiver"), &receiver) ||
	    !json_string(json_member(root, "label"), &label) ||
	    !json_i64(json_member(root, "mac_key_id"), &key_id) ||
	    !hex_take(root, "place", entry->place, sizeof entry->place))
		return false;
	entry->chain_id = (uint64_t)chain_id;
	entry->mac.key_id = (uint32_t)key_id;
	if (str_equal_text(act, "remove")) {
		wish.act = ADMIN_ALLOW_REMOVE;
		if (!hex_take(root, "mac", entry->mac.bytes, sizeof entry->mac.bytes))
			return false;
	}
	*ret_wish = wish;
	return str_copy(account, ret_wish->entry.account, sizeof entry->account) &&
	       str_copy(label, ret_wish->entry.label, sizeof entry->label) &&
	       address_read(receiver, &ret_wish->entry.receiver) == ADDRESS_OK;
}

/* When the entry of that place was added; 0: there is none. */
static bool version_load(const struct admin_allow_list *admin,
			 const struct store_allow_entry *entry, uint64_t *ret_version,
			 struct err *err)
{
	struct store_allow_entry row;
	bool found = false;
	if (!store_allow_load(admin->store, entry->place, &row, &found, err))
		return false;
	*ret_version = found ? (uint64_t)row.added_at : 0;
	return true;
}

bool admin_allow_propose(const struct admin_allow_list *admin, const struct admin_allow_wish *wish,
			 int64_t now_ms, struct store_proposal *ret_proposal, struct err *err)
{
	char bytes[TEXT_BYTES_MAX];
	struct buf text = buf_of(bytes, sizeof bytes);
	const struct admin_proposals proposals = admin_allow_proposals(admin);
	uint64_t version = 0;
	if (!version_load(admin, &wish->entry, &version, err))
		return false;
	if (wish->act == ADMIN_ALLOW_ADD && version != 0)
		return err_refuse(err, "allow_listed_already",
				  "%s is on the list of %s already: to begin anew, remove it first",
				  address_text(wish->entry.receiver).at, wish->entry.account);
	wish_write(wish, &text);
	return admin_proposal_make(&proposals, PROPOSAL_ALLOW_LIST, version, buf_view(&text),
				   now_ms, ret_proposal, err);
}

bool admin_allow_look(const struct admin_allow_list *admin, struct id id,
		      struct store_proposal *ret_proposal, struct admin_allow_wish *ret_wish,
		      uint64_t *ret_version, struct err *err)
{
	char bytes[TEXT_BYTES_MAX];
	struct buf text = buf_of(bytes, sizeof bytes);
	const struct admin_proposals proposals = admin_allow_proposals(admin);
	if (!admin_proposal_load(&proposals, PROPOSAL_ALLOW_LIST, id, ret_proposal, &text, err))
		return false;
	if (!wish_read(buf_view(&text), ret_wish) || !reaches(admin, &ret_wish->entry))
		return err_refuse(err, "proposal_unknown", "there is no such proposal");
	return version_load(admin, &ret_wish->entry, ret_version, err);
}

bool admin_allow_confirm(const struct admin_allow_list *admin, struct id id, int64_t now_ms,
			 struct admin_allow_wish *ret_wish, bool *ret_done, struct err *err)
{
	struct store_proposal proposal, after;
	struct store_proposal_change ends;
	const struct admin_proposals proposals = admin_allow_proposals(admin);
	uint64_t version = 0;
	*ret_done = false;
	if (!admin_allow_look(admin, id, &proposal, ret_wish, &version, err) ||
	    !admin_proposal_is_open(&proposal, version, now_ms, err) ||
	    !admin_proposal_second(&proposals, &proposal, PERMISSION_ALLOW_LIST_WRITE, now_ms,
				   &after, &ends, ret_done, err))
		return false;
	if (!*ret_done)
		return true;
	return ret_wish->act == ADMIN_ALLOW_ADD
		       ? entry_add(admin, &ret_wish->entry, proposal.proposed_by, &ends, now_ms,
				   err)
		       : entry_remove(admin, &ret_wish->entry, &ends, now_ms, err);
}

bool admin_allow_reject(const struct admin_allow_list *admin, struct id id, int64_t now_ms,
			struct err *err)
{
	struct store_proposal proposal;
	struct admin_allow_wish wish;
	const struct admin_proposals proposals = admin_allow_proposals(admin);
	uint64_t version = 0;
	return admin_allow_look(admin, id, &proposal, &wish, &version, err) &&
	       admin_proposal_reject(&proposals, PROPOSAL_ALLOW_LIST, id, now_ms, &proposal, err);
}

bool admin_allow_page(const struct admin_allow_list *admin, const char *account,
		      const struct store_allow_entry *after, struct store_allow_entry *ret_entries,
		      bool *ret_sealed, size_t cap, size_t *ret_len, struct err *err)
{
	if (!store_allow_list(admin->store, account, after, ret_entries, cap, ret_len, err))
		return false;
	for (size_t i = 0; i < *ret_len; i++)
		ret_sealed[i] = store_allow_is_at_home(&ret_entries[i]) &&
				store_allow_is_sealed(admin->policy_keys, &ret_entries[i]);
	return true;
}
