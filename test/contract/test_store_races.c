/* Whoever meets over a withdrawal, a slot, a wallet or a message: what comes of it is what comes of
 * one after the other, at whichever statement they meet. On one host a write transaction has the
 * whole store; here every statement is a moment at which somebody else comes. */
#include "race_acts.h"

#include "core/reason.h"
#include "core/transfer.h"

#define PROCESSOR      .actor = ACTOR_PROCESSOR
#define SIGNER         .actor = ACTOR_SIGNER
#define MONITOR        .actor = ACTOR_MONITOR, .flags = ACT_IS_MONITORS
#define API            .actor = ACTOR_API
#define PERSON         .actor = ACTOR_PERSON
#define SIGNERS_PERSON .actor = ACTOR_PERSON, .flags = ACT_IS_FENCED
#define OWNER          .actor = ACTOR_SIGNER, .flags = ACT_IS_FENCED

/* --- what they meet over ------------------------------------------------------------------------
 */

static void attempts_make(struct fixture *f, struct subject *subject)
{
	for (size_t i = 0; i < 2; i++)
		subject->attempt[i] = fixture_attempt(f, &subject->slot);
}

/* The clock goes on until claims have run out and rows are due. */
static void scene_ready(struct fixture *f, struct scene *scene)
{
	struct subject *subject = &scene->subjects[0];
	for (size_t i = 0; i < 2; i++) {
		scene->fresh[i] = fixture_withdrawal(f, i == 0 ? "fresh-0" : "fresh-1");
		scene->transfer[i] = fixture_id(f);
		if (!id_is_zero(scene->subjects[i].slot.id))
			attempts_make(f, &scene->subjects[i]);
	}
	scene->import = (struct store_import){ .transfer = subject->slot.id,
					       .version = subject->slot.version,
					       .wallet_id = subject->slot.wallet_id,
					       .payload = subject->slot,
					       .attempt = subject->attempt[0].attempt };
	scene->of = resolve_case_of(&subject->row,
				    id_is_zero(subject->slot.id) ? NULL : &subject->slot);
	fixture_wait(f, 70000);
}

static void reload(struct fixture *f, struct subject *subject)
{
	subject->row = fixture_load(f, subject->row.intent.id);
	if (!id_is_zero(subject->slot.id))
		subject->slot = fixture_transfer(f, subject->slot.id);
}

static void accepted(struct fixture *f, struct scene *scene)
{
	struct subject *subject = &scene->subjects[0];
	struct withdrawal row = fixture_withdrawal(f, "one");
	snprintf(row.intent.external_id, sizeof row.intent.external_id, "order-1");
	struct store_accept item = fixture_item(&row);
	MUST(store_accept_withdrawals, f->store, &item, 1);
	subject->row = row;
	subject->ack = fixture_claim(f, QUEUE_REQUEST, row.intent.id).ack;
	reload(f, subject);
}

static void one_queued(struct fixture *f, struct subject *subject, const char *key)
{
	subject->row = fixture_queue(f, key);
	subject->ack = fixture_claim(f, QUEUE_SIGNING, subject->row.intent.id).ack;
	reload(f, subject);
}

static void queued(struct fixture *f, struct scene *scene)
{
	one_queued(f, &scene->subjects[0], "one");
}

static void two_queued(struct fixture *f, struct scene *scene)
{
	one_queued(f, &scene->subjects[0], "one");
	one_queued(f, &scene->subjects[1], "two");
}

static void one_reserved(struct fixture *f, struct subject *subject, const char *key, size_t wallet)
{
	one_queued(f, subject, key);
	subject->slot = fixture_reserve(f, &subject->row, wallet);
	subject->tx_hash = fixture_hash(f);
	reload(f, subject);
}

static void reserved(struct fixture *f, struct scene *scene)
{
	one_reserved(f, &scene->subjects[0], "one", 0);
}

static void one_signed(struct fixture *f, struct subject *subject, const char *key, size_t wallet)
{
	struct attempt attempts[ATTEMPTS_MAX];
	one_reserved(f, subject, key, wallet);
	subject->slot = fixture_sign(f, &subject->slot);
	assert_int_equal(fixture_attempts(f, subject->slot.id, attempts), 1);
	subject->tx_hash = attempts[0].tx_hash;
	reload(f, subject);
}

static void signed_slot(struct fixture *f, struct scene *scene)
{
	one_signed(f, &scene->subjects[0], "one", 0);
}

/* Of two wallets. */
static void two_signed(struct fixture *f, struct scene *scene)
{
	one_signed(f, &scene->subjects[0], "one", 0);
	one_signed(f, &scene->subjects[1], "two", 1);
}

static void broadcast(struct fixture *f, struct scene *scene)
{
	struct subject *subject = &scene->subjects[0];
	signed_slot(f, scene);
	subject->slot = fixture_send(f, &subject->slot);
	reload(f, subject);
}

static void subject_observe(struct fixture *f, struct subject *subject, enum transfer_stage to,
			    enum transfer_outcome outcome)
{
	subject->slot = fixture_observe(f, &subject->slot, to, outcome);
	reload(f, subject);
}

static void mined(struct fixture *f, struct scene *scene)
{
	broadcast(f, scene);
	subject_observe(f, &scene->subjects[0], TRANSFER_MINED, OUTCOME_NONE);
}

static void reverted(struct fixture *f, struct scene *scene)
{
	mined(f, scene);
	subject_observe(f, &scene->subjects[0], TRANSFER_FINAL, OUTCOME_REVERTED);
}

static void keys_add(struct fixture *f)
{
	static const char *const people[] = { "ann", "ben" };
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	for (size_t i = 0; i < 2; i++) {
		struct store_api_key key = { .created_by = "root",
					     .created_at = 1,
					     .scopes =
						     PERMISSION_BIT(PERMISSION_WITHDRAWALS_RESOLVE),
					     .mac = { .key_id = 1 } };
		snprintf(key.id, sizeof key.id, "key-%s", people[i]);
		MUST(store_api_key_add, f->store, &key, &by);
	}
}

/* A stranger's transaction has the nonce; people are to say what it was. */
static void foreign(struct fixture *f, struct scene *scene)
{
	broadcast(f, scene);
	keys_add(f);
	subject_observe(f, &scene->subjects[0], TRANSFER_MINED, OUTCOME_FOREIGN);
	subject_observe(f, &scene->subjects[0], TRANSFER_FINAL, OUTCOME_FOREIGN);
}

static void buried(struct fixture *f, struct scene *scene)
{
	struct subject *subject = &scene->subjects[0];
	queued(f, scene);
	struct store_change change = fixture_change(&subject->row, WITHDRAWAL_QUEUED, "held");
	change.held_reason = "dead_letter";
	change.ack = subject->ack;
	change.bury = true;
	assert_true(fixture_apply(f, &change, ACTOR_SIGNER));
	reload(f, subject);
}

/* A slot for a recovery's sake. */
static struct transfer filler(struct fixture *f)
{
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	struct store_reservation item = { .epoch = f->leases[0].epoch, .recovers = true };
	item.transfer.id = fixture_id(f);
	item.transfer.wallet_id = f->wallets[0].id;
	item.transfer.chain_id = FIXTURE_CHAIN_ID;
	item.transfer.wallet = f->wallets[0].address;
	item.transfer.gas_limit = 21000;
	transfer_make_cancel(&item.transfer);
	MUST(store_transfers_reserve, f->store, &item, 1, &by);
	assert_int_equal(item.result, STORE_WRITTEN);
	return fixture_transfer(f, item.transfer.id);
}

/* It turns out to have paid the subject's row. */
static void import(struct fixture *f, struct subject *subject)
{
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	struct store_import item = { .transfer = subject->slot.id,
				     .version = subject->slot.version,
				     .wallet_id = subject->slot.wallet_id,
				     .epoch = f->leases[0].epoch,
				     .payload = subject->slot };
	item.attempt.tx_hash = subject->tx_hash = fixture_hash(f);
	item.attempt.raw_len = 100;
	item.attempt.gas_limit = 21000;
	transfer_bind(&item.payload, &subject->row.intent);
	item.payload.payload_hash = transfer_payload_hash(&item.payload);
	MUST(store_attempt_import, f->store, &item, &by);
	assert_int_equal(item.result, STORE_WRITTEN);
	reload(f, subject);
}

/* A restored store: its wallets recover, and a slot that it did not know has paid somebody. */
static void recovering(struct fixture *f, struct scene *scene)
{
	struct subject *subject = &scene->subjects[0];
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct store_by monitor = fixture_by(f, ACTOR_MONITOR);
	uint64_t number = 0;
	queued(f, scene);
	MUST(store_recover_begin, f->store, 0, false, &by, &number);
	subject->slot = filler(f);
	import(f, subject);
	subject_observe(f, subject, TRANSFER_MINED, OUTCOME_NONE);
	struct store_observation held = { .transfer = subject->slot.id,
					  .version = subject->slot.version,
					  .held_reason = reason_code(REASON_PAYOUT_UNBOUND) };
	MUST(store_transfers_observe, f->store, &held, 1, &f->monitor, &monitor);
	assert_int_equal(held.result, STORE_WRITTEN);
	reload(f, subject);
}

/* --- and who they are ---------------------------------------------------------------------------
 */

static const struct act accepted_acts[] = {
	{ "queue", act_change, PROCESSOR, .to = WITHDRAWAL_QUEUED, .text = "queued",
	  .flags = ACT_ACKS | ACT_APPROVES },
	{ "reject", act_change, PROCESSOR, .to = WITHDRAWAL_REJECTED, .text = "rejected", .how = 2,
	  .held = "above_maximum", .flags = ACT_ACKS },
	{ "bury", act_change, PROCESSOR, .text = "held", .held = "dead_letter",
	  .flags = ACT_ACKS | ACT_BURIES },
	{ "hold", act_change, PROCESSOR, .text = "held", .held = "intent_mac_invalid",
	  .flags = ACT_ACKS },
	{ "cancel", act_change, API, .to = WITHDRAWAL_CANCELED, .text = "canceled", .how = 2,
	  .held = "canceled" },
	{ "cancel request", act_change, API, .text = "cancel_requested", .flags = ACT_CANCELS },
	{ "sweep", act_sweep, PROCESSOR },
	{ "claim", act_claim, PROCESSOR, .how = QUEUE_REQUEST, .flags = ACT_PASSES },
	{ "ack", act_ack, PROCESSOR },
	{ "extend", act_extend, PROCESSOR },
	{ "begin recovery", act_begin, PERSON },
};

static const struct act keys_acts[] = {
	{ "accept", act_accept, API, .how = 0 },
	{ "accept its external id", act_accept, API, .how = 2 },
	{ "accept two keys", act_accept, API, .how = 3 },
	{ "queue", act_change, PROCESSOR, .to = WITHDRAWAL_QUEUED, .text = "queued",
	  .flags = ACT_ACKS | ACT_APPROVES },
	{ "begin recovery", act_begin, PERSON },
};

static const struct act queued_acts[] = {
	{ "wait", act_change, SIGNER, .text = "waiting", .how = 1, .held = "funds",
	  .flags = ACT_ACKS },
	{ "reserve", act_reserve, .actor = ACTOR_SIGNER, .flags = ACT_IS_FENCED | ACT_ACKS },
	{ "reserve from another", act_reserve, OWNER, .wallet = 1 },
	{ "fail", act_change, SIGNER, .to = WITHDRAWAL_FAILED, .text = "failed", .how = 2,
	  .held = "receiver_refuses", .flags = ACT_ACKS },
	{ "cancel", act_change, SIGNER, .to = WITHDRAWAL_CANCELED, .text = "canceled", .how = 2,
	  .held = "canceled" },
	{ "cancel request", act_change, API, .text = "cancel_requested", .flags = ACT_CANCELS },
	{ "bury", act_change, SIGNER, .text = "held", .held = "dead_letter",
	  .flags = ACT_ACKS | ACT_BURIES },
	{ "sweep", act_sweep, PROCESSOR },
	{ "claim", act_claim, SIGNER, .how = QUEUE_SIGNING, .flags = ACT_PASSES },
	{ "ack", act_ack, SIGNER },
	{ "stop", act_stop, SIGNER, .held = "journal_differs" },
	{ "steal", act_steal, ready_to_steal, .flags = ACT_STEALS },
	{ "begin recovery", act_begin, PERSON },
};

static const struct act reserved_acts[] = {
	{ "turn to a cancellation", act_turn_cancel, OWNER },
	{ "sign", act_sign, OWNER },
	{ "see a stranger's", act_observe, MONITOR, .to = TRANSFER_MINED, .how = OUTCOME_FOREIGN },
	{ "hold the slot", act_observe, MONITOR, .held = "slot_rows_mismatch" },
	{ "cancel request", act_change, API, .text = "cancel_requested", .flags = ACT_CANCELS },
	{ "hold", act_change, SIGNER, .text = "held", .held = "payload_mismatch" },
	{ "speed up", act_change, API, .text = "speed_up_requested", .flags = ACT_SPEEDS_UP },
	{ "import", act_import, OWNER },
	{ "sweep", act_sweep, PROCESSOR },
	{ "stop", act_stop, SIGNER, .held = "journal_differs" },
	{ "steal", act_steal, ready_to_steal, .flags = ACT_STEALS },
	{ "steal the chain", act_steal, ready_to_steal, .flags = ACT_STEALS_CHAIN },
};

static const struct act signed_acts[] = {
	{ "send", act_send, OWNER, .how = 1 },
	{ "was not taken", act_send, OWNER, .how = 1, .to = 1 },
	{ "sign", act_sign, OWNER },
	{ "see it mined", act_observe, MONITOR, .to = TRANSFER_MINED },
	{ "see a stranger's", act_observe, MONITOR, .to = TRANSFER_MINED, .how = OUTCOME_FOREIGN },
	{ "cancel request", act_change, API, .text = "cancel_requested", .flags = ACT_CANCELS },
	{ "speed up", act_change, API, .text = "speed_up_requested", .flags = ACT_SPEEDS_UP },
	{ "wish", act_wish, .actor = ACTOR_MONITOR, .how = WISH_BUMP },
	{ "steal", act_steal, ready_to_steal, .flags = ACT_STEALS },
};

static const struct act broadcast_acts[] = {
	{ "send again", act_send, OWNER, .how = 1 },
	{ "sign", act_sign, OWNER },
	{ "sign a cancellation", act_sign, OWNER, .how = 1 },
	{ "see it mined", act_observe, MONITOR, .to = TRANSFER_MINED },
	{ "see a stranger's", act_observe, MONITOR, .to = TRANSFER_MINED, .how = OUTCOME_FOREIGN },
	{ "hold the slot", act_observe, MONITOR, .held = "slot_rows_mismatch" },
	{ "cancel request", act_change, API, .text = "cancel_requested", .flags = ACT_CANCELS },
	{ "speed up", act_change, API, .text = "speed_up_requested", .flags = ACT_SPEEDS_UP },
	{ "wish", act_wish, .actor = ACTOR_MONITOR, .how = WISH_BUMP },
	{ "sweep", act_sweep, PROCESSOR },
	{ "steal", act_steal, ready_to_steal, .flags = ACT_STEALS },
	{ "steal the chain", act_steal, ready_to_steal, .flags = ACT_STEALS_CHAIN },
};

static const struct act mined_acts[] = {
	{ "pay", act_observe, MONITOR, .to = TRANSFER_FINAL, .how = OUTCOME_SUCCEEDED },
	{ "revert", act_observe, MONITOR, .to = TRANSFER_FINAL, .how = OUTCOME_REVERTED },
	{ "take back", act_observe, MONITOR, .to = TRANSFER_BROADCAST },
	{ "see no proof", act_observe, MONITOR, .to = TRANSFER_MINED, .how = OUTCOME_UNPROVEN },
	{ "hold the slot", act_observe, MONITOR, .held = "slot_rows_mismatch" },
	{ "cancel request", act_change, API, .text = "cancel_requested", .flags = ACT_CANCELS },
	{ "hold", act_change, SIGNER, .text = "held", .held = "payload_mismatch" },
	{ "send again", act_send, OWNER, .how = 1 },
	{ "sign", act_sign, OWNER },
	{ "sweep", act_sweep, PROCESSOR },
	{ "steal the chain", act_steal, ready_to_steal, .flags = ACT_STEALS_CHAIN },
	{ "begin recovery", act_begin, PERSON },
};

static const struct act reverted_acts[] = {
	{ "requeue", act_change, SIGNER, .to = WITHDRAWAL_QUEUED, .text = "requeued",
	  .flags = ACT_NEXT_ROUND | ACT_ACKS },
	{ "fail", act_change, SIGNER, .to = WITHDRAWAL_FAILED, .text = "failed", .how = 2,
	  .held = "receiver_refuses" },
	{ "cancel", act_change, SIGNER, .to = WITHDRAWAL_CANCELED, .text = "canceled", .how = 2,
	  .held = "canceled" },
	{ "cancel request", act_change, API, .text = "cancel_requested", .flags = ACT_CANCELS },
	{ "hold", act_change, SIGNER, .text = "held", .held = "payload_mismatch" },
	{ "hold the slot", act_observe, MONITOR, .held = "final_taken_back" },
	{ "sweep", act_sweep, PROCESSOR },
	{ "claim", act_claim, SIGNER, .how = QUEUE_SIGNING, .flags = ACT_PASSES },
	{ "ack", act_ack, SIGNER },
};

static const struct act foreign_acts[] = {
	{ "decide", act_decide, PERSON, .text = "ann", .how = RESOLVE_NOT_PAID },
	{ "decide too", act_decide, PERSON, .text = "ben", .how = RESOLVE_NOT_PAID },
	{ "complete", act_resolve, SIGNERS_PERSON, .how = STORE_RESOLVE_COMPLETE },
	{ "requeue", act_resolve, SIGNERS_PERSON, .how = STORE_RESOLVE_REQUEUE },
	{ "cancel", act_resolve, SIGNERS_PERSON, .how = STORE_RESOLVE_CANCEL, .text = "canceled" },
	{ "refuse", act_resolve, SIGNERS_PERSON, .how = STORE_RESOLVE_REFUSE,
	  .text = "resolve_was_paid" },
	{ "release", act_resolve, SIGNERS_PERSON, .how = STORE_RESOLVE_RELEASE },
	{ "resend", act_resolve, SIGNERS_PERSON, .how = STORE_RESOLVE_RESEND },
	{ "stale", act_resolve, SIGNERS_PERSON, .how = STORE_RESOLVE_STALE },
	{ "cancel request", act_change, API, .text = "cancel_requested", .flags = ACT_CANCELS },
	{ "hold the slot", act_observe, MONITOR, .held = "final_taken_back" },
	{ "sweep", act_sweep, PROCESSOR },
	{ "start", act_start, PERSON, .held = "nonce_consumed_elsewhere" },
	{ "steal", act_steal, ready_to_steal, .flags = ACT_STEALS },
	{ "begin recovery", act_begin, PERSON },
};

static const struct act buried_acts[] = {
	{ "redrive", act_redrive, PERSON, .how = QUEUE_SIGNING_DLQ },
	{ "cancel request", act_change, API, .text = "cancel_requested",
	  .flags = ACT_CANCELS | ACT_RELEASES },
	{ "release", act_resolve, PERSON, .how = STORE_RESOLVE_RELEASE },
	{ "decide", act_decide, PERSON, .text = "ann", .how = RESOLVE_NOT_PAID },
	{ "reserve", act_reserve, OWNER },
	{ "sweep", act_sweep, PROCESSOR },
	{ "claim", act_claim, SIGNER, .how = QUEUE_SIGNING, .flags = ACT_PASSES },
};

static const struct act recovering_acts[] = {
	{ "bind", act_bind, .actor = ACTOR_SIGNER, .flags = ACT_IS_FENCED | ACT_ACKS },
	{ "fill", act_fill, OWNER },
	{ "fill another", act_fill, OWNER, .wallet = 1 },
	{ "recover", act_recover, OWNER, .how = FIXTURE_FIRST_GAP + 1 },
	{ "recovered", act_recovered, OWNER },
	{ "reserve", act_reserve, OWNER },
	{ "start", act_start, PERSON, .held = "recovering" },
	{ "take back", act_observe, MONITOR, .to = TRANSFER_BROADCAST },
	{ "hold", act_change, SIGNER, .text = "held", .held = "payload_mismatch" },
	{ "steal", act_steal, ready_to_steal, .flags = ACT_STEALS },
	{ "begin recovery", act_begin, PERSON, .how = 1 },
};

static const struct act wallet_acts[] = {
	{ "renew", act_renew, OWNER },
	{ "steal", act_steal, ready_to_steal, .flags = ACT_STEALS },
	{ "enter", act_enter, OWNER, .how = 7, .wallet = 1 },
	{ "stop", act_stop, SIGNER, .held = "journal_differs" },
	{ "start", act_start, PERSON, .held = "journal_differs" },
	{ "reserve", act_reserve, OWNER },
};

static const struct act chain_acts[] = {
	{ "mark", act_mark, .actor = ACTOR_MONITOR, .how = 100 },
	{ "mark more", act_mark, .actor = ACTOR_MONITOR, .how = 101 },
	{ "reconcile", act_reconciled, MONITOR, .how = 50 },
	{ "pin", act_pin, SIGNER, .how = 1 },
	{ "pin another key", act_pin, SIGNER, .how = 2 },
	{ "steal the chain", act_steal, ready_to_steal, .flags = ACT_STEALS_CHAIN },
	{ "renew the chain", act_renew, MONITOR },
	{ "begin recovery", act_begin, PERSON },
};

/* Who works on several at once, each in an order of its own. */
static const struct act messages_acts[] = {
	{ "ack", act_ack, SIGNER, .flags = ACT_IS_BOTHS },
	{ "ack back", act_ack, SIGNER, .flags = ACT_IS_BOTHS | ACT_IS_BACK },
	{ "extend back", act_extend, SIGNER, .flags = ACT_IS_BOTHS | ACT_IS_BACK },
	{ "wait", act_change, SIGNER, .text = "waiting", .how = 1, .held = "funds",
	  .flags = ACT_ACKS | ACT_IS_BOTHS },
	{ "wait back", act_change, SIGNER, .text = "waiting", .how = 1, .held = "funds",
	  .flags = ACT_ACKS | ACT_IS_BOTHS | ACT_IS_BACK },
	{ "cancel request back", act_change, API, .text = "cancel_requested",
	  .flags = ACT_CANCELS | ACT_IS_BOTHS | ACT_IS_BACK },
	{ "sweep", act_sweep, PROCESSOR },
};

static const struct act slots_acts[] = {
	{ "send", act_send, SIGNER, .how = 1, .flags = ACT_IS_BOTHS },
	{ "send back", act_send, SIGNER, .how = 1, .flags = ACT_IS_BOTHS | ACT_IS_BACK },
	{ "sign back", act_sign, SIGNER, .flags = ACT_IS_BOTHS | ACT_IS_BACK },
	{ "see them mined", act_observe, .actor = ACTOR_MONITOR, .to = TRANSFER_MINED,
	  .flags = ACT_IS_MONITORS | ACT_IS_BOTHS | ACT_IS_BACK },
	{ "see strangers'", act_observe, .actor = ACTOR_MONITOR, .to = TRANSFER_MINED,
	  .how = OUTCOME_FOREIGN, .flags = ACT_IS_MONITORS | ACT_IS_BOTHS },
	{ "cancel request", act_change, API, .text = "cancel_requested",
	  .flags = ACT_CANCELS | ACT_IS_BOTHS },
	{ "speed up back", act_change, API, .text = "speed_up_requested",
	  .flags = ACT_SPEEDS_UP | ACT_IS_BOTHS | ACT_IS_BACK },
	{ "wish back", act_wish, .actor = ACTOR_MONITOR, .how = WISH_BUMP,
	  .flags = ACT_IS_BOTHS | ACT_IS_BACK },
};

/* --- races --------------------------------------------------------------------------------------
 */

struct arena {
	const char *name;
	void (*make)(struct fixture *f, struct scene *scene);
	const struct act *acts;
	size_t n;
};

#define ARENA(what, made) { "over_" #what, made, what##_acts, COUNT_OF(what##_acts) }
static const struct arena arenas[] = {
	ARENA(accepted, accepted),     ARENA(queued, queued),       ARENA(reserved, reserved),
	ARENA(signed, signed_slot),    ARENA(broadcast, broadcast), ARENA(mined, mined),
	ARENA(reverted, reverted),     ARENA(foreign, foreign),     ARENA(buried, buried),
	ARENA(recovering, recovering), ARENA(wallet, queued),       ARENA(messages, two_queued),
	ARENA(slots, two_signed),      ARENA(keys, accepted),       ARENA(chain, queued),
};

struct meeting {
	struct fixture *f;
	const struct arena *arena;
};

static int set_up(void **state)
{
	struct meeting *meeting = calloc(1, sizeof *meeting);
	void *fixture = NULL;
	assert_non_null(meeting);
	meeting->arena = *state;
	(void)fixture_set_up(&fixture);
	meeting->f = fixture;
	*state = meeting;
	return 0;
}

static int tear_down(void **state)
{
	struct meeting *meeting = *state;
	void *fixture = meeting->f;
	int result = fixture_tear_down(&fixture);
	free(meeting);
	return result;
}

static void what_meets_has_an_order(void **state)
{
	const struct meeting *meeting = *state;
	struct scene scene;
	memset(&scene, 0, sizeof scene);
	meeting->arena->make(meeting->f, &scene);
	scene_ready(meeting->f, &scene);
	assert_true(race_all(meeting->f, &scene, meeting->arena->acts, meeting->arena->n));
}

int main(void)
{
	struct CMUnitTest tests[COUNT_OF(arenas)];
	for (size_t i = 0; i < COUNT_OF(arenas); i++)
		tests[i] = (struct CMUnitTest){ arenas[i].name, what_meets_has_an_order, set_up,
						tear_down, (void *)(uintptr_t)&arenas[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
