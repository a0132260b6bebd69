/* Checks the contract of the store once for all back ends, then calls the back end. */
#include "port/store_ops.h"

#include "port/stop_point.h"

#include <stddef.h>

/* Whatever came of the call: a change that is not known to be made may have been. */
static void listener_tell(struct store *store, const struct id *ids, size_t n)
{
	if (store->listener != NULL && n > 0)
		store->listener->changed(store->listener, ids, n);
}

bool store_accept_withdrawals(struct store *store, struct store_accept *items, size_t n,
			      struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= BATCH_MAX);
	return store->ops->accept_withdrawals(store, items, n, err);
}

bool store_withdrawals_load(struct store *store, const struct id *ids, size_t n,
			    struct withdrawal *ret_rows, bool *ret_found, struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= BATCH_MAX);
	return store->ops->withdrawals_load(store, ids, n, ret_rows, ret_found, err);
}

bool store_withdrawals_change(struct store *store, struct store_change *changes, size_t n,
			      const struct store_by *by, struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= BATCH_MAX);
	CHECK(by->actor != 0);
	for (size_t i = 0; i < n; i++)
		CHECK(changes[i].claims_len <= POLICY_LIMITS_MAX);
	for (size_t i = 0; i < n; i++)
		CHECK(!changes[i].request_speed_up || (changes[i].from == WITHDRAWAL_ASSIGNED &&
						       changes[i].to == WITHDRAWAL_ASSIGNED));
	struct id ids[BATCH_MAX];
	for (size_t i = 0; i < n; i++)
		ids[i] = changes[i].withdrawal;
	bool ok = store->ops->withdrawals_change(store, changes, n, by, err);
	listener_tell(store, ids, n);
	return ok;
}

bool store_withdrawal_view(struct store *store, struct id id, struct store_view *ret_view,
			   bool *ret_found, struct err *err)
{
	PORT_CALL();
	return store->ops->withdrawal_view(store, id, ret_view, ret_found, err);
}

bool store_withdrawals_list(struct store *store, const struct store_filter *filter,
			    struct store_view *ret_views, struct store_page *ret_page,
			    struct err *err)
{
	PORT_CALL();
	CHECK(filter->limit > 0 && filter->limit <= PAGE_MAX);
	CHECK(filter->account != NULL);
	return store->ops->withdrawals_list(store, filter, ret_views, ret_page, err);
}

bool store_events_list(struct store *store, struct id withdrawal, uint64_t after,
		       struct store_event *ret_events, size_t cap, size_t *ret_len, struct err *err)
{
	PORT_CALL();
	return store->ops->events_list(store, withdrawal, after, ret_events, cap, ret_len, err);
}

bool store_sweep(struct store *store, int64_t now_ms, size_t limit, size_t ret_woken[3],
		 struct err *err)
{
	PORT_CALL();
	CHECK(limit > 0);
	return store->ops->sweep(store, now_ms, limit, ret_woken, err);
}

bool store_redrive(struct store *store, enum queue_name dlq, size_t limit,
		   const struct store_by *by, size_t *ret_moved, struct err *err)
{
	PORT_CALL();
	CHECK(dlq > QUEUE_DLQ_OFFSET && limit > 0);
	return store->ops->redrive(store, dlq, limit, by, ret_moved, err);
}

bool store_dlq_list(struct store *store, enum queue_name dlq, struct id *ret_ids, size_t cap,
		    size_t *ret_len, struct err *err)
{
	PORT_CALL();
	CHECK(dlq > QUEUE_DLQ_OFFSET && cap > 0);
	return store->ops->dlq_list(store, dlq, ret_ids, cap, ret_len, err);
}

bool store_api_key_add(struct store *store, const struct store_api_key *key,
		       const struct store_by *by, struct err *err)
{
	PORT_CALL();
	return store->ops->api_key_add(store, key, by, err);
}

bool store_api_key_load(struct store *store, const char *id, struct store_api_key *ret_key,
			bool *ret_found, struct err *err)
{
	PORT_CALL();
	return store->ops->api_key_load(store, id, ret_key, ret_found, err);
}

bool store_api_keys_list(struct store *store, const struct store_names *names,
			 struct store_api_key *ret_keys, size_t cap, size_t *ret_len,
			 struct err *err)
{
	PORT_CALL();
	CHECK(cap > 0);
	return store->ops->api_keys_list(store, names, ret_keys, cap, ret_len, err);
}

bool store_api_key_change(struct store *store, struct store_api_key_change *change,
			  const struct store_by *by, struct err *err)
{
	PORT_CALL();
	CHECK(change->key->id[0] != 0 && change->action != NULL);
	return store->ops->api_key_change(store, change, by, err);
}

bool store_api_keys_used(struct store *store, const struct store_api_key_use *uses, size_t n,
			 struct err *err)
{
	PORT_CALL();
	CHECK(n >= 1 && n <= API_KEY_USES_MAX);
	return store->ops->api_keys_used(store, uses, n, err);
}

bool store_decision_put(struct store *store, const struct decision *decision,
			const struct store_by *by, bool *ret_current, struct err *err)
{
	PORT_CALL();
	CHECK(decision != NULL && by != NULL && ret_current != NULL);
	CHECK(decision->person[0] != 0 && decision->of.version <= INT64_MAX);
	CHECK(!id_is_zero(decision->of.withdrawal) || !id_is_zero(decision->of.transfer));
	CHECK(decision->verdict != RESOLVE_PAID_BY || !hash32_is_zero(decision->tx_hash));
	return store->ops->decision_put(store, decision, by, ret_current, err);
}

bool store_decisions_load(struct store *store, const struct resolve_case *of,
			  struct decision *ret_decisions, size_t cap, size_t *ret_len,
			  struct err *err)
{
	PORT_CALL();
	CHECK(ret_decisions != NULL && ret_len != NULL && cap > 0);
	return store->ops->decisions_load(store, of, ret_decisions, cap, ret_len, err);
}

bool store_attempt_owner(struct store *store, struct hash32 tx_hash, struct id *ret_transfer,
			 struct err *err)
{
	PORT_CALL();
	CHECK(!hash32_is_zero(tx_hash) && ret_transfer != NULL);
	return store->ops->attempt_owner(store, tx_hash, ret_transfer, err);
}

bool store_case_resolve(struct store *store, struct store_resolution *resolution,
			const struct store_by *by, struct err *err)
{
	PORT_CALL();
	CHECK(resolution != NULL && by != NULL && by->actor == ACTOR_PERSON);
	CHECK(resolution->act >= STORE_RESOLVE_STALE && resolution->act <= STORE_RESOLVE_FILL);
	CHECK((resolution->act == STORE_RESOLVE_REFUSE ||
	       resolution->act == STORE_RESOLVE_CANCEL) == (resolution->code != NULL));
	CHECK(resolution->wallet_id != 0 || id_is_zero(resolution->of.transfer) ||
	      resolution->act <= STORE_RESOLVE_REFUSE);
	struct id withdrawal = resolution->of.withdrawal;
	bool ok = store->ops->case_resolve(store, resolution, by, err);
	listener_tell(store, &withdrawal, id_is_zero(withdrawal) ? 0 : 1);
	return ok;
}

void store_close(struct store *store)
{
	if (store != NULL)
		store->ops->close(store);
}

bool store_catalogue_pin(struct store *store, const struct catalogue *catalogue, struct err *err)
{
	PORT_CALL();
	return store->ops->catalogue_pin(store, catalogue, err);
}

bool store_wallets_load(struct store *store, struct wallet *ret_wallets, size_t cap,
			size_t *ret_len, struct err *err)
{
	PORT_CALL();
	CHECK(cap > 0);
	return store->ops->wallets_load(store, ret_wallets, cap, ret_len, err);
}

bool store_leases_take(struct store *store, struct store_lease *const *leases, size_t n,
		       const char *holder, int64_t now_ms, bool *ret_taken, struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= WALLETS_MAX && holder[0] != 0);
	for (size_t i = 0; i < n; i++)
		CHECK(leases[i]->name[0] != 0);
	return store->ops->leases_take(store, leases, n, holder, now_ms, ret_taken, err);
}

bool store_lease_take(struct store *store, struct store_lease *lease, const char *holder,
		      int64_t now_ms, bool *ret_taken, struct err *err)
{
	return store_leases_take(store, &lease, 1, holder, now_ms, ret_taken, err);
}

bool store_wallet_enter(struct store *store, int64_t wallet_id, uint64_t epoch,
			uint64_t first_nonce, const struct store_by *by, struct err *err)
{
	PORT_CALL();
	return store->ops->wallet_enter(store, wallet_id, epoch, first_nonce, by, err);
}

bool store_wallet_stop(struct store *store, int64_t wallet_id, const char *reason,
		       const struct store_lease *lease, const struct store_by *by, bool *ret_held,
		       struct err *err)
{
	PORT_CALL();
	CHECK(reason[0] != 0);
	return store->ops->wallet_stop(store, wallet_id, reason, lease, by, ret_held, err);
}

bool store_wallet_start(struct store *store, int64_t wallet_id, const char *stop_reason,
			const char *why, const struct store_by *by, bool *ret_started,
			struct err *err)
{
	PORT_CALL();
	CHECK(stop_reason[0] != 0 && why[0] != 0);
	CHECK(by->actor == ACTOR_PERSON);
	return store->ops->wallet_start(store, wallet_id, stop_reason, why, by, ret_started, err);
}

bool store_transfers_reserve(struct store *store, struct store_reservation *items, size_t n,
			     const struct store_by *by, struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= BATCH_MAX);
	CHECK(by->actor == ACTOR_SIGNER);
	struct id ids[BATCH_MAX];
	size_t len = 0;
	for (size_t i = 0; i < n; i++)
		if (!id_is_zero(items[i].withdrawal))
			ids[len++] = items[i].withdrawal;
	bool ok = store->ops->transfers_reserve(store, items, n, by, err);
	listener_tell(store, ids, len);
	return ok;
}

bool store_transfer_turn_cancel(struct store *store, struct transfer *transfer, uint64_t epoch,
				const struct store_by *by, enum store_write *ret_result,
				struct err *err)
{
	PORT_CALL();
	CHECK(by->actor == ACTOR_SIGNER);
	CHECK(epoch > 0);
	struct id withdrawal = transfer->withdrawal;
	bool ok = store->ops->transfer_turn_cancel(store, transfer, epoch, by, ret_result, err);
	listener_tell(store, &withdrawal, id_is_zero(withdrawal) ? 0 : 1);
	return ok;
}

bool store_attempts_add(struct store *store, struct store_attempt *items, size_t n,
			const struct store_by *by, struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= BATCH_MAX);
	CHECK(by->actor == ACTOR_SIGNER);
	return store->ops->attempts_add(store, items, n, by, err);
}

bool store_attempts_sent(struct store *store, struct store_sent *items, size_t n,
			 const struct store_by *by, struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= BATCH_MAX);
	CHECK(by->actor == ACTOR_SIGNER);
	return store->ops->attempts_sent(store, items, n, by, err);
}

bool store_transfers_observe(struct store *store, struct store_observation *items, size_t n,
			     const struct store_lease *lease, const struct store_by *by,
			     struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= BATCH_MAX);
	CHECK(by->actor == ACTOR_MONITOR);
	CHECK(lease->epoch > 0);
	struct id ids[BATCH_MAX];
	size_t len = 0;
	for (size_t i = 0; i < n; i++)
		if (!id_is_zero(items[i].withdrawal))
			ids[len++] = items[i].withdrawal;
	bool ok = store->ops->transfers_observe(store, items, n, lease, by, err);
	listener_tell(store, ids, len);
	return ok;
}

bool store_transfers_wish(struct store *store, const struct store_wish *wishes, size_t n,
			  const struct store_by *by, struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= BATCH_MAX);
	CHECK(by->actor == ACTOR_MONITOR || by->actor == ACTOR_SIGNER);
	return store->ops->transfers_wish(store, wishes, n, by, err);
}

bool store_transfers_load(struct store *store, const struct store_transfer_filter *filter,
			  struct transfer *ret_rows, size_t *ret_len, struct err *err)
{
	PORT_CALL();
	CHECK(filter->limit > 0);
	CHECK(filter->first <= filter->last);
	return store->ops->transfers_load(store, filter, ret_rows, ret_len, err);
}

bool store_taken_load(struct store *store, int64_t wallet_id, uint64_t block,
		      struct store_taken *items, size_t n, uint64_t *ret_gas, struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= ASSETS_MAX + 1);
	return store->ops->taken_load(store, wallet_id, block, items, n, ret_gas, err);
}

bool store_transfer_load(struct store *store, struct id id, struct transfer *ret_row,
			 bool *ret_found, struct err *err)
{
	PORT_CALL();
	return store->ops->transfer_load(store, id, ret_row, ret_found, err);
}

bool store_attempts_load(struct store *store, struct id transfer, struct attempt *ret_rows,
			 size_t cap, size_t *ret_len, struct err *err)
{
	CHECK(cap >= ATTEMPTS_MAX);
	return store_attempts_of(store, &transfer, 1, ret_rows, cap, ret_len, err);
}

bool store_attempts_of(struct store *store, const struct id *transfers, size_t n,
		       struct attempt *ret_rows, size_t cap, size_t *ret_len, struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= BATCH_MAX && cap > 0);
	return store->ops->attempts_load(store, transfers, n, ret_rows, cap, ret_len, err);
}

bool store_transfer_of_round(struct store *store, struct id withdrawal, uint32_t round,
			     struct transfer *ret_row, bool *ret_found, struct err *err)
{
	PORT_CALL();
	return store->ops->transfer_of_round(store, withdrawal, round, ret_row, ret_found, err);
}

bool store_mark_raise(struct store *store, struct store_mark *mark, struct err *err)
{
	PORT_CALL();
	return store->ops->mark_raise(store, mark, err);
}

bool store_balances_save(struct store *store, const struct store_balance *balances, size_t n,
			 struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= BATCH_MAX);
	return store->ops->balances_save(store, balances, n, err);
}

bool store_balances_list(struct store *store, struct store_balance *ret_balances, size_t cap,
			 size_t *ret_len, struct err *err)
{
	PORT_CALL();
	return store->ops->balances_list(store, ret_balances, cap, ret_len, err);
}
