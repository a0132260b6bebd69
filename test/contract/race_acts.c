#include "race_acts.h"

#include "core/reason.h"
#include "core/timing.h"
#include "core/transfer.h"

static struct store_by by_of(const struct player *player, const struct act *act)
{
	return (struct store_by){ .actor = act->actor,
				  .who = player->index == 0 ? "first" : "second",
				  .request_id = "race",
				  .now_ms = player->f->clock.now_ms };
}

static void say(struct player *player, const char *result)
{
	(void)snprintf(player->result, sizeof player->result, "%s", result);
}

static const char *write_text(enum store_write result)
{
	switch (result) {
	case STORE_WRITTEN:
		return "written";
	case STORE_MOVED:
		return "moved";
	case STORE_FENCED:
		return "fenced";
	case STORE_PAUSED:
		return "paused";
	case STORE_EXISTS:
		return "exists";
	case STORE_TAKEN:
		return "taken";
	}
	return "?";
}

static uint64_t epoch_of(const struct player *player, const struct act *act)
{
	return player->f->leases[act->wallet].epoch;
}

static int64_t wallet_of(const struct player *player, const struct act *act)
{
	return player->f->wallets[act->wallet].id;
}

static const struct subject *subject_of(const struct player *player)
{
	return &player->scene->subjects[0];
}

/* What the act is about, in its order; how many. */
static size_t subjects_of(const struct player *player, const struct act *act,
			  const struct subject *ret_subjects[2])
{
	const struct subject *all = player->scene->subjects;
	size_t first = (act->flags & ACT_IS_BACK) != 0 ? 1 : 0;
	ret_subjects[0] = &all[first];
	ret_subjects[1] = &all[1 - first];
	return (act->flags & ACT_IS_BOTHS) != 0 ? 2 : 1;
}

static void say_more(struct player *player, const char *result)
{
	size_t len = strlen(player->result);
	(void)snprintf(player->result + len, sizeof player->result - len, "%s%s",
		       len == 0 ? "" : " ", result);
}

/* --- withdrawals --------------------------------------------------------------------------------
 */

static struct store_change change_of(const struct subject *subject, const struct act *act,
				     int64_t now_ms)
{
	const struct withdrawal *row = &subject->row;
	struct store_change change = { .withdrawal = row->intent.id,
				       .version = row->version,
				       .from = row->stage,
				       .to = act->to == 0 ? row->stage
							  : (enum withdrawal_stage)act->to,
				       .event = act->text,
				       .request_cancel = (act->flags & ACT_CANCELS) != 0,
				       .request_speed_up = (act->flags & ACT_SPEEDS_UP) != 0,
				       .next_round = (act->flags & ACT_NEXT_ROUND) != 0,
				       .has_approval = (act->flags & ACT_APPROVES) != 0,
				       .bury = (act->flags & ACT_BURIES) != 0 };
	if (act->flags & ACT_ACKS)
		change.ack = subject->ack;
	if (change.has_approval) {
		change.approval = (struct approval){ 1, now_ms, now_ms + 60000 };
		change.approval_mac = (struct mac_tag){ .key_id = 3, .bytes = { 1, 2, 3 } };
	}
	if (act->flags & ACT_RELEASES)
		change.held_reason = "";
	else if (act->how == 1)
		change.wait_reason = act->held;
	else if (act->how == 2)
		change.failure_code = act->held;
	else
		change.held_reason = act->held;
	return change;
}

ACT(act_change)
{
	const struct subject *subjects[2];
	struct store_change changes[2];
	struct store_by by = by_of(player, act);
	size_t n = subjects_of(player, act, subjects);
	for (size_t i = 0; i < n; i++)
		changes[i] = change_of(subjects[i], act, by.now_ms);
	if (!store_withdrawals_change(player->store, changes, n, &by, err))
		return false;
	for (size_t i = 0; i < n; i++)
		say_more(player, changes[i].applied ? "applied" : "moved");
	return true;
}

ACT(act_sweep)
{
	size_t woken[3] = { 0 };
	(void)act;
	if (!store_sweep(player->store, player->f->clock.now_ms, BATCH_MAX, woken, err))
		return false;
	(void)snprintf(player->result, sizeof player->result, "woke %zu %zu %zu", woken[0],
		       woken[1], woken[2]);
	return true;
}

ACT(act_redrive)
{
	struct store_by by = by_of(player, act);
	size_t moved = 0;
	if (!store_redrive(player->store, (enum queue_name)act->how, BATCH_MAX, &by, &moved, err))
		return false;
	(void)snprintf(player->result, sizeof player->result, "moved %zu", moved);
	return true;
}

static size_t items_make(const struct player *player, const struct act *act,
			 struct store_accept items[2])
{
	const struct scene *scene = player->scene;
	struct withdrawal row = scene->fresh[player->index];
	items[0] = fixture_item(&row);
	if (act->how == 3) {
		/* Both bring both: the other one's row under an id of one's own. */
		struct withdrawal other = scene->fresh[1 - player->index];
		other.intent.id.bytes[15] = (uint8_t)(0xf0 + player->index);
		items[1] = fixture_item(&other);
		return 2;
	}
	if (act->how == 2) {
		memcpy(items[0].withdrawal.intent.external_id,
		       scene->subjects[0].row.intent.external_id, sizeof row.intent.external_id);
		return 1;
	}
	memcpy(items[0].withdrawal.intent.key_hash, scene->subjects[0].row.intent.key_hash,
	       KEY_HASH_BYTES);
	if (act->how == 0)
		memcpy(items[0].withdrawal.intent.fingerprint,
		       scene->subjects[0].row.intent.fingerprint, sizeof row.intent.fingerprint);
	return 1;
}

ACT(act_accept)
{
	struct store_accept items[2];
	size_t n = items_make(player, act, items);
	if (!store_accept_withdrawals(player->store, items, n, err))
		return false;
	struct buf out = buf_of(player->result, sizeof player->result);
	for (size_t i = 0; i < n; i++) {
		const struct id *id = items[i].result == STORE_ACCEPTED
					      ? &items[i].withdrawal.intent.id
					      : &items[i].existing.intent.id;
		buf_format(&out, "%d %02x%02x ", items[i].result, id->bytes[14], id->bytes[15]);
	}
	(void)buf_terminated(&out);
	return true;
}

/* --- messages -----------------------------------------------------------------------------------
 */

ACT(act_claim)
{
	struct message messages[BATCH_MAX];
	size_t len = 0;
	if (!queue_claim(player->queue, (enum queue_name)act->how, BATCH_MAX, 30000, messages, &len,
			 err))
		return false;
	struct buf out = buf_of(player->result, sizeof player->result);
	buf_format(&out, "claimed %zu", len);
	for (size_t i = 0; i < len; i++)
		buf_format(&out, " %02x/%d/%d", messages[i].ack.subject.bytes[15],
			   (int)messages[i].ack.generation, (int)messages[i].receives);
	(void)buf_terminated(&out);
	return true;
}

static size_t acks_of(const struct player *player, const struct act *act,
		      struct message_ack ret_acks[2])
{
	const struct subject *subjects[2];
	size_t n = subjects_of(player, act, subjects);
	for (size_t i = 0; i < n; i++)
		ret_acks[i] = subjects[i]->ack;
	return n;
}

ACT(act_ack)
{
	struct message_ack acks[2];
	size_t n = acks_of(player, act, acks);
	say(player, "acked");
	return queue_ack(player->queue, acks, n, err);
}

ACT(act_extend)
{
	struct message_ack acks[2];
	size_t n = acks_of(player, act, acks);
	say(player, "extended");
	return queue_extend(player->queue, acks, n, 30000, err);
}

/* --- slots --------------------------------------------------------------------------------------
 */

static bool reserve(struct player *player, struct store_reservation *item, const struct act *act,
		    struct err *err)
{
	struct store_by by = by_of(player, act);
	item->epoch = epoch_of(player, act);
	item->transfer.id = player->scene->transfer[player->index];
	item->transfer.wallet_id = wallet_of(player, act);
	item->transfer.wallet = player->f->wallets[act->wallet].address;
	item->transfer.gas_limit = 21000;
	if (id_is_zero(item->withdrawal))
		transfer_make_cancel(&item->transfer);
	if (!store_transfers_reserve(player->store, item, 1, &by, err))
		return false;
	(void)snprintf(player->result, sizeof player->result, "%s", write_text(item->result));
	return true;
}

ACT(act_reserve)
{
	const struct withdrawal *row = &subject_of(player)->row;
	struct store_reservation item = { .withdrawal = row->intent.id, .version = row->version };
	item.transfer.round = row->round;
	transfer_bind(&item.transfer, &row->intent);
	if (act->flags & ACT_ACKS)
		item.ack = subject_of(player)->ack;
	return reserve(player, &item, act, err);
}

ACT(act_fill)
{
	struct store_reservation item = { .recovers = true };
	item.transfer.chain_id = FIXTURE_CHAIN_ID;
	return reserve(player, &item, act, err);
}

ACT(act_turn_cancel)
{
	struct transfer slot = subject_of(player)->slot;
	struct store_by by = by_of(player, act);
	enum store_write result = STORE_MOVED;
	if (!store_transfer_turn_cancel(player->store, &slot, epoch_of(player, act), &by, &result,
					err))
		return false;
	say(player, write_text(result));
	return true;
}

ACT(act_sign)
{
	const struct subject *subjects[2];
	struct store_attempt items[2];
	struct store_by by = by_of(player, act);
	size_t n = subjects_of(player, act, subjects);
	for (size_t i = 0; i < n; i++) {
		items[i] = subjects[i]->attempt[player->index];
		items[i].attempt.is_cancel = act->how == 1;
	}
	if (!store_attempts_add(player->store, items, n, &by, err))
		return false;
	for (size_t i = 0; i < n; i++)
		say_more(player, write_text(items[i].result));
	return true;
}

ACT(act_send)
{
	const struct subject *subjects[2];
	struct store_sent items[2];
	struct store_by by = by_of(player, act);
	size_t n = subjects_of(player, act, subjects);
	for (size_t i = 0; i < n; i++)
		items[i] = (struct store_sent){ .transfer = subjects[i]->slot.id,
						.number = (uint32_t)act->how,
						.wallet_id = subjects[i]->slot.wallet_id,
						.epoch = subjects[i]->attempt[0].epoch,
						.may_be_out = act->to == 0 };
	if (!store_attempts_sent(player->store, items, n, &by, err))
		return false;
	for (size_t i = 0; i < n; i++)
		say_more(player, write_text(items[i].result));
	return true;
}

static struct store_observation observation_of(const struct subject *subject, const struct act *act)
{
	struct store_observation item = { .transfer = subject->slot.id,
					  .version = subject->slot.version,
					  .to = (enum transfer_stage)act->to,
					  .outcome = (enum transfer_outcome)act->how,
					  .held_reason = act->held };
	if (item.to < TRANSFER_MINED)
		return item;
	item.mined_hash = subject->tx_hash;
	item.mined_block = 1000 + subject->slot.nonce;
	memset(item.mined_block_hash.bytes, 0xb1, sizeof item.mined_block_hash.bytes);
	return item;
}

ACT(act_observe)
{
	const struct subject *subjects[2];
	struct store_observation items[2];
	struct store_by by = by_of(player, act);
	size_t n = subjects_of(player, act, subjects);
	for (size_t i = 0; i < n; i++)
		items[i] = observation_of(subjects[i], act);
	if (!store_transfers_observe(player->store, items, n, &player->f->monitor, &by, err))
		return false;
	for (size_t i = 0; i < n; i++)
		say_more(player, write_text(items[i].result));
	return true;
}

ACT(act_wish)
{
	const struct subject *subjects[2];
	struct store_wish wishes[2];
	struct store_by by = by_of(player, act);
	size_t n = subjects_of(player, act, subjects);
	for (size_t i = 0; i < n; i++)
		wishes[i] = (struct store_wish){ subjects[i]->slot.id, (enum wish)act->how,
						 WISH_REASON_AGE, subjects[i]->slot.attempts };
	say(player, "wished");
	return store_transfers_wish(player->store, wishes, n, &by, err);
}

ACT(act_import)
{
	struct store_import item = player->scene->import;
	struct store_by by = by_of(player, act);
	item.epoch = epoch_of(player, act);
	if (!store_attempt_import(player->store, &item, &by, err))
		return false;
	say(player, write_text(item.result));
	return true;
}

ACT(act_bind)
{
	const struct subject *subject = subject_of(player);
	struct store_by by = by_of(player, act);
	struct store_binding item = { .transfer = subject->slot.id,
				      .transfer_version = subject->slot.version,
				      .wallet_id = wallet_of(player, act),
				      .epoch = epoch_of(player, act),
				      .withdrawal = subject->row.intent.id,
				      .version = subject->row.version,
				      .round = subject->row.round };
	if (act->flags & ACT_ACKS)
		item.ack = subject->ack;
	if (!store_transfer_bind(player->store, &item, &by, err))
		return false;
	say(player, write_text(item.result));
	return true;
}

/* --- people -------------------------------------------------------------------------------------
 */

ACT(act_decide)
{
	struct store_by by = by_of(player, act);
	struct decision decision = { .of = player->scene->of,
				     .verdict = (enum resolve_verdict)act->how,
				     .decided_at = by.now_ms,
				     .mac = { .key_id = 3, .bytes = { 4 } } };
	bool current = false;
	if (act->how == RESOLVE_PAID_BY)
		decision.tx_hash = subject_of(player)->tx_hash;
	(void)snprintf(decision.person, sizeof decision.person, "%s", act->text);
	(void)snprintf(decision.key_id, sizeof decision.key_id, "key-%s", act->text);
	if (!store_decision_put(player->store, &decision, &by, &current, err))
		return false;
	say(player, current ? "decided" : "changed");
	return true;
}

ACT(act_resolve)
{
	struct store_by by = by_of(player, act);
	struct store_resolution item = { .of = player->scene->of,
					 .act = (enum store_resolve)act->how,
					 .code = act->text,
					 .tx_hash = subject_of(player)->tx_hash,
					 .people = { "ann", "ben" },
					 .wallet_id = wallet_of(player, act),
					 .epoch = epoch_of(player, act) };
	if (!store_case_resolve(player->store, &item, &by, err))
		return false;
	say(player, write_text(item.result));
	return true;
}

/* --- wallets and leases -------------------------------------------------------------------------
 */

/* A refusal that says that the lease is somebody else's. */
static bool fenced(struct player *player, bool done, const char *result, struct err *err)
{
	say(player, done ? result : "fenced");
	return done || strstr(err->text, "somebody else") != NULL;
}

ACT(act_recover)
{
	bool done = store_wallet_recover(player->store, wallet_of(player, act),
					 epoch_of(player, act), (uint64_t)act->how, err);
	return fenced(player, done, "written", err);
}

ACT(act_recovered)
{
	struct store_by by = by_of(player, act);
	bool is_done = false;
	bool done = store_wallet_recovered(player->store, wallet_of(player, act),
					   epoch_of(player, act), &by, &is_done, err);
	return fenced(player, done, is_done ? "recovered" : "not yet", err);
}

ACT(act_enter)
{
	struct store_by by = by_of(player, act);
	bool done = store_wallet_enter(player->store, wallet_of(player, act), epoch_of(player, act),
				       (uint64_t)act->how, &by, err);
	return fenced(player, done, "written", err);
}

ACT(act_begin)
{
	struct store_by by = by_of(player, act);
	uint64_t number = 0;
	if (!store_recover_begin(player->store, 0, act->how == 1, &by, &number, err))
		return false;
	(void)snprintf(player->result, sizeof player->result, "life %d", (int)number);
	return true;
}

ACT(act_stop)
{
	struct store_by by = by_of(player, act);
	say(player, "stopped");
	bool held = false;
	return store_wallet_stop(player->store, wallet_of(player, act), act->held, NULL, &by, &held,
				 err);
}

ACT(act_start)
{
	struct store_by by = by_of(player, act);
	bool started = false;
	if (!store_wallet_start(player->store, wallet_of(player, act), act->held, "race", &by,
				&started, err))
		return false;
	say(player, started ? "started" : "not");
	return true;
}

static struct store_lease lease_of(const struct player *player, const struct act *act)
{
	return act->flags & (ACT_STEALS_CHAIN | ACT_IS_MONITORS) ? player->f->monitor
								 : player->f->leases[act->wallet];
}

static const char *holder_of(const struct player *player, const struct act *act, bool renews)
{
	bool chain = (act->flags & (ACT_STEALS_CHAIN | ACT_IS_MONITORS)) != 0;
	if (renews)
		return chain ? "monitor-1" : "signer-1";
	return player->index == 0 ? "thief-1" : "thief-2";
}

static bool lease_take(struct player *player, const struct act *act, bool renews, int64_t now_ms,
		       struct err *err)
{
	struct store_lease lease = lease_of(player, act);
	bool taken = false;
	if (!renews)
		lease.epoch = 0;
	if (!store_lease_take(player->store, &lease, holder_of(player, act, renews), now_ms, &taken,
			      err))
		return false;
	(void)snprintf(player->result, sizeof player->result, taken ? "epoch %d" : "fenced",
		       (int)lease.epoch);
	return true;
}

/* It has watched the lease for a term. */
void ready_to_steal(struct player *player, const struct act *act)
{
	struct err err = { 0 };
	CHECK(lease_take(player, act, false, 1000, &err));
}

ACT(act_steal)
{
	return lease_take(player, act, false, 1000 + LEASE_TERM_MS, err);
}

ACT(act_renew)
{
	return lease_take(player, act, true, 1000 + LEASE_TERM_MS, err);
}

/* --- chains and configuration -------------------------------------------------------------------
 */

ACT(act_mark)
{
	struct store_mark mark = { FIXTURE_CHAIN_ID, (uint64_t)act->how };
	if (!store_mark_raise(player->store, &mark, err))
		return false;
	(void)snprintf(player->result, sizeof player->result, "mark %d", (int)mark.finalized);
	return true;
}

ACT(act_reconciled)
{
	bool done = store_reconciled_raise(player->store, FIXTURE_CHAIN_ID, (uint64_t)act->how,
					   &player->f->monitor, err);
	return fenced(player, done, "raised", err);
}

ACT(act_pin)
{
	struct catalogue catalogue = player->f->catalogue;
	struct wallet_params *wallet = &catalogue.wallets[catalogue.wallets_len];
	*wallet = catalogue.wallets[0];
	wallet->address.bytes[19] = 0x77;
	(void)snprintf(wallet->key_ref, sizeof wallet->key_ref, "hot-new-%d", act->how);
	catalogue.wallets_len++;
	say(player, "pinned");
	if (store_catalogue_pin(player->store, &catalogue, err))
		return true;
	say(player, "refused");
	return err->kind == ERR_REFUSED;
}
