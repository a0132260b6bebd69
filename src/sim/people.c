/* People who look after what only they can: two of them say of each payment whose nonce a stranger
 * took that it was not paid, and start its wallet again; now and then also while all goes wrong,
 * and then they may name the stranger's transaction as the payment. What they say is compared with
 * the chain by the signer. */
#include "sim/check.h"

#include "core/reason.h"
#include "service/api/work.h"

#include <stdio.h>
#include <string.h>

#define MISTAKES 300 /* per mille of what they say while all goes wrong */

static struct store_by people_by(const struct sim_world *world, const char *person)
{
	return (struct store_by){
		.actor = ACTOR_PERSON, .who = person, .request_id = "", .now_ms = world->now_ms
	};
}

/* Each decides with a key of their own. */
static void key_give(struct sim_world *world, const char *id, const struct store_by *by)
{
	struct store_api_key key = { .created_at = world->now_ms,
				     .created_by = "root",
				     .scopes = PERMISSION_BIT(PERMISSION_WITHDRAWALS_RESOLVE),
				     .mac = { .key_id = 1 } };
	struct err err = { 0 };
	bool found = false;
	(void)snprintf(key.id, sizeof key.id, "%s", id);
	CHECK(store_api_key_load(world->store, id, &key, &found, &err));
	CHECK(found || store_api_key_add(world->store, &key, by, &err));
}

/* By the API, as a person does; without its answer the person asks again later. */
static void decide(struct sim_world *world, struct id about, const char *person,
		   const struct resolve_query *query)
{
	struct sim_process *api = sim_process_of_role(world, SIM_API);
	struct store_by by = people_by(world, person);
	struct job *job = world->jobs + world->depth * SIM_JOBS;
	if (api == NULL)
		return;
	memset(job, 0, sizeof *job);
	job->kind = JOB_RESOLVE;
	job->withdrawal = about;
	job->resolve = *query;
	job->by.reach = REACH_CASES;
	(void)snprintf(job->by.account, sizeof job->by.account, "default");
	(void)snprintf(job->by.name, sizeof job->by.name, "%s", person);
	(void)snprintf(job->by.id, sizeof job->by.id, "key of %s", person);
	key_give(world, job->by.id, &by);
	if (sim_process_answer(api, &job, 1))
		buf_free(&job->body);
}

/* Of a slot that was taken back it is the word that its bytes go out again, whatever they said. */
static void slot_is_told(struct sim_world *world, const struct sim_order *order, unsigned round)
{
	for (size_t i = 0; i < world->slots_len; i++) {
		struct sim_slot *slot = &world->slots[i];
		slot->is_resolved |=
			slot->order == (int)(order - world->orders) && slot->round == round;
	}
}

static void order_resolve(struct sim_world *world, struct sim_order *order)
{
	struct store_view view;
	struct sim_payments paid;
	struct err err = { 0 };
	bool found = false;
	if (strcmp(order->held_reason, reason_code(REASON_NONCE_CONSUMED_ELSEWHERE)) != 0 ||
	    order->stage != WITHDRAWAL_ASSIGNED)
		return;
	CHECK(store_withdrawal_view(world->store, order->id, &view, &found, &err));
	/* What was refused once is refused again; but for who named the wrong transaction. */
	const char *wait_reason = view.withdrawal.wait_reason;
	bool refused =
		wait_reason[0] != 0 && strcmp(wait_reason, reason_code(REASON_UNAVAILABLE)) != 0;
	/* The stranger was a liar's: people hear that the slot paid after all, and say so. */
	bool was_paid = strcmp(wait_reason, reason_code(REASON_RESOLVE_WAS_PAID)) == 0;
	if (!found || !view.has_transfer || (refused && !was_paid && !order->is_mistaken))
		return;
	struct resolve_query query = { .verdict = RESOLVE_NOT_PAID };
	if (was_paid) {
		query.verdict = RESOLVE_PAID_BY;
		query.tx_hash = view.transfer.mined_hash;
		decide(world, order->id, "ann", &query);
		decide(world, order->id, "ben", &query);
		return;
	}
	/* Who names what has paid is not mistaken, whoever sent it. */
	sim_chain_payments(world->model, (unsigned)order->asset, order->to, &paid);
	bool mistaken = world->faults_on && !hash32_is_zero(view.transfer.mined_hash) &&
			paid.count == 0 && sim_random_chance(&world->own, MISTAKES);
	if (mistaken) {
		query.verdict = RESOLVE_PAID_BY;
		query.tx_hash = view.transfer.mined_hash;
	}
	if (!order->resolved)
		sim_tell(world, "people: %s was %s", order->key,
			 mistaken ? "paid by a stranger" : "not paid");
	order->is_mistaken |= mistaken;
	order->resolved |= !mistaken;
	slot_is_told(world, order, view.withdrawal.round);
	decide(world, order->id, "ann", &query);
	decide(world, order->id, "ben", &query);
}

/* ---- what was final, and is gone ---- */

static void slot_resolve(struct sim_world *world, struct sim_slot *slot)
{
	struct resolve_query query = { .is_slot = true, .verdict = RESOLVE_NOT_PAID };
	struct id id;
	size_t len = 0;
	if (slot->stage != TRANSFER_FINAL ||
	    !sim_ask_bytes(world,
			   "SELECT id FROM transfers WHERE rowid = ? AND stage = 5 AND "
			   "held_reason = 'final_taken_back'",
			   slot->row, id.bytes, sizeof id.bytes, &len))
		return;
	if (!slot->is_resolved)
		sim_tell(world, "people: nonce %llu of wallet %u is not final any more",
			 (unsigned long long)slot->nonce, slot->wallet);
	slot->is_resolved = true;
	if (slot->order >= 0)
		world->orders[slot->order].resolved = true;
	decide(world, id, "ann", &query);
	decide(world, id, "ben", &query);
}

/* What the chain has now is what they say; a person looks it up elsewhere. */
static void held_resolve(struct sim_world *world, struct sim_order *order)
{
	struct resolve_query query = { .verdict = RESOLVE_NOT_PAID };
	struct sim_payments paid;
	if (order->held_reason[0] == 0 || order->stage >= WITHDRAWAL_COMPLETED ||
	    order->stage < WITHDRAWAL_QUEUED || order->causes != 0)
		return;
	sim_chain_payments(world->model, (unsigned)order->asset, order->to, &paid);
	if (paid.count > 0) {
		query.verdict = RESOLVE_PAID_BY;
		query.tx_hash = paid.newest.tx_hash;
	}
	if (!order->resolved)
		sim_tell(world, "people: %s (%s) was %s", order->key, order->held_reason,
			 paid.count > 0 ? "paid" : "not paid");
	order->resolved = true;
	decide(world, order->id, "ann", &query);
	decide(world, order->id, "ben", &query);
}

/* Nobody knows what became of it since the backup; people have asked its client. */
static void undecided_resolve(struct sim_world *world)
{
	const struct resolve_query query = { .verdict = RESOLVE_NOT_PAID };
	for (size_t i = 0; i < world->orders_len; i++) {
		struct sim_order *order = &world->orders[i];
		if (!order->accepted ||
		    strcmp(order->held_reason, reason_code(REASON_RESTORED_UNDECIDED)) != 0)
			continue;
		if (!order->resolved)
			sim_tell(world, "people: %s was open when the backup was made", order->key);
		order->resolved = true;
		decide(world, order->id, "ann", &query);
		decide(world, order->id, "ben", &query);
	}
}

static void back_resolve(struct sim_world *world)
{
	for (size_t i = 0; i < world->slots_len; i++)
		slot_resolve(world, &world->slots[i]);
	for (size_t i = 0; i < world->orders_len; i++)
		if (world->orders[i].accepted)
			held_resolve(world, &world->orders[i]);
}

/* A liar stops wallets, and nothing else; who knows better starts them again. */
static bool is_by_lies(const char *reason)
{
	return strcmp(reason, reason_code(REASON_NODE_SAYS_INVALID)) == 0 ||
	       strcmp(reason, reason_code(REASON_FINAL_TAKEN_BACK)) == 0 ||
	       strcmp(reason, reason_code(REASON_RECONCILIATION_DIFFERS)) == 0;
}

static void wallet_start(struct sim_world *world, const struct wallet *wallet)
{
	const char *reason = reason_code(REASON_NONCE_CONSUMED_ELSEWHERE);
	struct store_transfer_filter filter = { .wallet_id = wallet->id,
						.first = TRANSFER_RESERVED,
						.last = TRANSFER_FINAL,
						.mined_block_max = UINT64_MAX,
						.unresolved = true,
						.limit = 1 };
	struct store_by by = people_by(world, "ann");
	struct transfer slot;
	struct err err = { 0 };
	bool started = false;
	size_t n = 0;
	if ((world->has_lies || (world->causes & SIM_CAUSE_TAKE_BACK) != 0) &&
	    is_by_lies(wallet->stop_reason))
		reason = wallet->stop_reason;
	if (strcmp(wallet->stop_reason, reason) != 0)
		return;
	CHECK(store_transfers_load(world->store, &filter, &slot, &n, &err));
	if (n > 0)
		return;
	CHECK(store_wallet_start(world->store, wallet->id, reason, "seen", &by, &started, &err));
	sim_tell(world, "people: wallet %d goes on", (int)wallet->id);
}

void sim_people_act(struct sim_world *world)
{
	struct wallet wallets[WALLETS_MAX];
	struct err err = { 0 };
	size_t len = 0;
	bool open = false;
	bool is_back = (world->causes & SIM_CAUSE_TAKE_BACK) != 0;
	if (world->depth == 0 && sim_restore_was(world))
		undecided_resolve(world);
	if ((world->causes == 0 && !world->has_lies) || world->depth > 0)
		return;
	if (is_back && !world->faults_on)
		back_resolve(world);
	for (size_t i = 0; i < world->orders_len; i++) {
		struct sim_order *order = &world->orders[i];
		open |= order->accepted && order->stage < WITHDRAWAL_COMPLETED;
		if (order->accepted)
			order_resolve(world, order);
	}
	if (!open)
		return;
	CHECK(store_wallets_load(world->store, wallets, WALLETS_MAX, &len, &err));
	for (size_t i = 0; i < len; i++)
		wallet_start(world, &wallets[i]);
	sim_check_changes(world);
}
