/* As store.c, for store_recover.h. */
#include "port/store_recover.h"

#include "port/stop_point.h"
#include "port/store_ops.h"

bool store_incarnation_load(struct store *store, struct store_incarnation *ret_last,
			    struct err *err)
{
	PORT_CALL();
	return store->ops->incarnation_load(store, ret_last, err);
}

bool store_recover_begin(struct store *store, uint64_t number_min, bool journal_lost,
			 const struct store_by *by, uint64_t *ret_number, struct err *err)
{
	PORT_CALL();
	return store->ops->recover_begin(store, number_min, journal_lost, by, ret_number, err);
}

bool store_wallet_recover(struct store *store, int64_t wallet_id, uint64_t epoch,
			  uint64_t recover_to, struct err *err)
{
	PORT_CALL();
	CHECK(recover_to > 0);
	return store->ops->wallet_recover(store, wallet_id, epoch, recover_to, err);
}

bool store_wallet_recovered(struct store *store, int64_t wallet_id, uint64_t epoch,
			    const struct store_by *by, bool *ret_done, struct err *err)
{
	PORT_CALL();
	return store->ops->wallet_recovered(store, wallet_id, epoch, by, ret_done, err);
}

bool store_attempt_import(struct store *store, struct store_import *item, const struct store_by *by,
			  struct err *err)
{
	PORT_CALL();
	CHECK(item->attempt.raw_len > 0 && item->attempt.raw_len <= sizeof item->attempt.raw);
	return store->ops->attempt_import(store, item, by, err);
}

bool store_transfer_bind(struct store *store, struct store_binding *item, const struct store_by *by,
			 struct err *err)
{
	PORT_CALL();
	CHECK(!id_is_zero(item->withdrawal));
	return store->ops->transfer_bind(store, item, by, err);
}

bool store_transfer_of_slot(struct store *store, int64_t wallet_id, uint64_t nonce,
			    struct transfer *ret_row, bool *ret_found, struct err *err)
{
	PORT_CALL();
	return store->ops->transfer_of_slot(store, wallet_id, nonce, ret_row, ret_found, err);
}

bool store_withdrawals_open(struct store *store, struct id after, struct id *ret_ids, size_t cap,
			    size_t *ret_len, struct err *err)
{
	PORT_CALL();
	CHECK(cap > 0 && cap <= BATCH_MAX);
	return store->ops->withdrawals_open(store, after, ret_ids, cap, ret_len, err);
}

bool store_reconciled_load(struct store *store, uint64_t chain_id, uint64_t *ret_block,
			   struct err *err)
{
	PORT_CALL();
	return store->ops->reconciled_load(store, chain_id, ret_block, err);
}

bool store_reconciled_raise(struct store *store, uint64_t chain_id, uint64_t block,
			    const struct store_lease *lease, struct err *err)
{
	PORT_CALL();
	CHECK(lease->epoch > 0);
	return store->ops->reconciled_raise(store, chain_id, block, lease, err);
}
