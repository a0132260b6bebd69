#include "service/admin/allow_list.h"

#include <stdlib.h>

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
	switch (address_read(str_from(name->receiver), &ret_entry->receiver)) {
	case ADDRESS_OK:
		return true;
	case ADDRESS_MALFORMED:
		return err_set(err, ERR_REFUSED, "%s is no address", name->receiver);
	case ADDRESS_BAD_CHECKSUM:
		break;
	}
	return err_set(err, ERR_REFUSED, "the checksum of %s is wrong: is a digit?",
		       name->receiver);
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

bool admin_allow_add(const struct admin_allow_list *admin, const struct admin_allow_name *name,
		     const char *label, int64_t now_ms, struct store_allow_entry *ret_entry,
		     struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	int64_t cooldown_ms;
	bool added = false;
	*ret_entry = (struct store_allow_entry){ .added_at = now_ms };
	if (!name_read(admin, name, ret_entry, err))
		return false;
	if (!str_copy(str_from(label), ret_entry->label, sizeof ret_entry->label))
		return err_set(err, ERR_REFUSED, "a label has at most %d bytes",
			       ALLOW_LABEL_LEN_MAX);
	if (!str_copy(str_from(admin->by.name), ret_entry->added_by, sizeof ret_entry->added_by))
		return err_set(err, ERR_REFUSED, "the name of whoever adds it is too long");
	if (!cooldown_load(admin, &cooldown_ms, err))
		return false;
	ret_entry->active_at = now_ms + cooldown_ms;
	store_allow_seal(admin->policy_keys, ret_entry);
	if (!store_allow_add(admin->store, ret_entry, &by, &added, err))
		return false;
	return added || err_set(err, ERR_REFUSED,
				"%s is on the list of %s already: to begin anew, remove it first",
				name->receiver, name->account);
}

bool admin_allow_remove(const struct admin_allow_list *admin, const struct admin_allow_name *name,
			int64_t now_ms, struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	struct store_allow_entry entry = { 0 };
	bool removed = false;
	if (!name_read(admin, name, &entry, err) ||
	    !store_allow_remove(admin->store, &entry, &by, &removed, err))
		return false;
	return removed || err_set(err, ERR_REFUSED, "%s is not on the list of %s", name->receiver,
				  name->account);
}

bool admin_allow_page(const struct admin_allow_list *admin, const struct store_allow_entry *after,
		      struct store_allow_entry *ret_entries, bool *ret_sealed, size_t cap,
		      size_t *ret_len, struct err *err)
{
	if (!store_allow_list(admin->store, after, ret_entries, cap, ret_len, err))
		return false;
	for (size_t i = 0; i < *ret_len; i++)
		ret_sealed[i] = store_allow_is_sealed(admin->policy_keys, &ret_entries[i]);
	return true;
}
