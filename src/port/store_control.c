/* As store.c, for store_control.h. */
#include "port/store_control.h"

#include "port/stop_point.h"
#include "port/store_ops.h"

bool store_controls_load(struct store *store, struct control_set *ret_set, struct err *err)
{
	PORT_CALL();
	return store->ops->controls_load(store, ret_set, err);
}

bool store_controls_change(struct store *store, struct store_control_change *change,
			   const struct store_by *by, struct err *err)
{
	PORT_CALL();
	/* A reset does not count on from what an editor may have written. */
	CHECK(change->set->version > change->version || change->resets);
	CHECK(change->set->version <= INT64_MAX && change->set->mac.key_id != 0);
	CHECK(change->action[0] != 0 && by->who[0] != 0);
	return store->ops->controls_change(store, change, by, err);
}

bool store_withdrawal_of_key(struct store *store, const uint8_t key_hash[KEY_HASH_BYTES],
			     struct withdrawal *ret_row, bool *ret_found, struct err *err)
{
	PORT_CALL();
	return store->ops->withdrawal_of_key(store, key_hash, ret_row, ret_found, err);
}
