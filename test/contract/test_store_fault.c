/* All or nothing: every call of the store, broken at every call of its database; with a commit
 * whose answer is lost; and in a process that is killed. */
#include "store_fixture.h"

#include "adapter/queue_store.h"
#include "core/transfer.h"
#include "fault_db.h"

#define ITEMS 3

/* What the acts work on: rows in every state that they need, prepared once per test. */
struct scene {
	struct fixture *f;
	struct withdrawal fresh[ITEMS]; /* not stored */
	struct withdrawal accepted[ITEMS];
	struct withdrawal queued[ITEMS];
	struct transfer reserved[ITEMS];
	struct transfer signed_slots[ITEMS];
	struct transfer broadcast[ITEMS];
	struct transfer mined[ITEMS];
	struct message_ack acks[ITEMS]; /* of `queued` */
	struct store_lease lease;       /* of the wallet that has not entered */
};

static struct transfer reserve(struct fixture *f, const char *key, size_t index)
{
	struct withdrawal row = fixture_queue(f, key);
	return fixture_reserve(f, &row, index % 2);
}

static struct message_ack ack_of(struct fixture *f, struct id subject)
{
	struct message_ack ack = { .queue = QUEUE_SIGNING, .subject = subject };
	struct message messages[BATCH_MAX];
	struct queue *queue = NULL;
	size_t len = 0;
	MUST(queue_store_open, f->db, &f->clock.base, &f->entropy, NULL, &queue);
	MUST(queue_claim, queue, QUEUE_SIGNING, BATCH_MAX, 30000, messages, &len);
	queue_close(queue);
	for (size_t i = 0; i < len; i++)
		if (id_equal(messages[i].ack.subject, subject))
			ack = messages[i].ack;
	return ack;
}

static struct scene *scene_new(struct fixture *f)
{
	struct scene *scene = calloc(1, sizeof *scene);
	char key[32];
	assert_non_null(scene);
	scene->f = f;
	for (size_t i = 0; i < ITEMS; i++) {
		snprintf(key, sizeof key, "fresh-%zu", i);
		scene->fresh[i] = fixture_withdrawal(f, key);
		snprintf(key, sizeof key, "accepted-%zu", i);
		scene->accepted[i] = fixture_accept(f, key);
		snprintf(key, sizeof key, "queued-%zu", i);
		scene->queued[i] = fixture_queue(f, key);
		scene->acks[i] = ack_of(f, scene->queued[i].intent.id);
		assert_true(scene->acks[i].generation > 0);
		snprintf(key, sizeof key, "reserved-%zu", i);
		scene->reserved[i] = reserve(f, key, i);
		snprintf(key, sizeof key, "signed-%zu", i);
		scene->signed_slots[i] = reserve(f, key, i);
		scene->signed_slots[i] = fixture_sign(f, &scene->signed_slots[i]);
		snprintf(key, sizeof key, "broadcast-%zu", i);
		scene->broadcast[i] = fixture_broadcast(f, key, i % 2);
		snprintf(key, sizeof key, "mined-%zu", i);
		scene->mined[i] = fixture_broadcast(f, key, i % 2);
		scene->mined[i] =
			fixture_observe(f, &scene->mined[i], TRANSFER_MINED, OUTCOME_NONE);
	}
	bool taken = false;
	scene->lease = (struct store_lease){ .name = "wallet-3", .wallet_id = f->wallets[2].id };
	MUST(store_lease_take, f->store, &scene->lease, "signer-1", f->clock.now_ms, &taken);
	assert_true(taken);
	fixture_wait(f, 1000);
	return scene;
}

/* One call of the store, with fresh arguments every time. Counts in *ret_written the items that it
 * wrote. Called in children too: aborts, does not assert. */
struct act {
	const char *name;
	bool (*run)(struct scene *scene, struct store *store, size_t *ret_written, struct err *err);
};

static bool act_accept(struct scene *scene, struct store *store, size_t *ret_written,
		       struct err *err)
{
	struct store_accept items[ITEMS];
	for (size_t i = 0; i < ITEMS; i++)
		items[i] = fixture_item(&scene->fresh[i]);
	if (!store_accept_withdrawals(store, items, ITEMS, err))
		return false;
	for (size_t i = 0; i < ITEMS; i++)
		*ret_written += items[i].result == STORE_ACCEPTED;
	return true;
}

static bool act_change(struct scene *scene, struct store *store, size_t *ret_written,
		       struct err *err)
{
	struct store_change changes[ITEMS];
	struct store_by by = fixture_by(scene->f, ACTOR_PROCESSOR);
	for (size_t i = 0; i < ITEMS; i++) {
		changes[i] = fixture_change(&scene->accepted[i], WITHDRAWAL_QUEUED, "queued");
		changes[i].has_approval = true;
		changes[i].approval = (struct approval){ 1, by.now_ms, by.now_ms + 60000 };
		changes[i].approval_mac = (struct mac_tag){ .key_id = 3, .bytes = { 1, 2, 3 } };
	}
	if (!store_withdrawals_change(store, changes, ITEMS, &by, err))
		return false;
	for (size_t i = 0; i < ITEMS; i++)
		*ret_written += changes[i].applied;
	return true;
}

static bool act_bury(struct scene *scene, struct store *store, size_t *ret_written, struct err *err)
{
	struct store_change changes[ITEMS];
	struct store_by by = fixture_by(scene->f, ACTOR_SIGNER);
	for (size_t i = 0; i < ITEMS; i++) {
		changes[i] = fixture_change(&scene->queued[i], WITHDRAWAL_QUEUED, "held");
		changes[i].held_reason = "dead_letter";
		changes[i].ack = scene->acks[i];
		changes[i].bury = true;
	}
	if (!store_withdrawals_change(store, changes, ITEMS, &by, err))
		return false;
	for (size_t i = 0; i < ITEMS; i++)
		*ret_written += changes[i].applied;
	return true;
}

static bool act_reserve(struct scene *scene, struct store *store, size_t *ret_written,
			struct err *err)
{
	struct store_reservation items[ITEMS];
	struct store_by by = fixture_by(scene->f, ACTOR_SIGNER);
	for (size_t i = 0; i < ITEMS; i++) {
		items[i] = fixture_reservation(scene->f, &scene->queued[i], i == 0 ? 0 : 1);
		items[i].ack = scene->acks[i];
	}
	if (!store_transfers_reserve(store, items, ITEMS, &by, err))
		return false;
	for (size_t i = 0; i < ITEMS; i++)
		*ret_written += items[i].result == STORE_WRITTEN;
	return true;
}

static bool act_turn_cancel(struct scene *scene, struct store *store, size_t *ret_written,
			    struct err *err)
{
	struct transfer slot = scene->reserved[0];
	struct store_by by = fixture_by(scene->f, ACTOR_SIGNER);
	enum store_write result = 0;
	bool done = store_transfer_turn_cancel(store, &slot, scene->f->leases[0].epoch, &by,
					       &result, err);
	/* What is handed back on a failure is what was handed in. */
	CHECK(done || memcmp(&slot, &scene->reserved[0], sizeof slot) == 0);
	*ret_written += done && result == STORE_WRITTEN;
	return done;
}

static bool act_attempts_add(struct scene *scene, struct store *store, size_t *ret_written,
			     struct err *err)
{
	struct store_attempt items[ITEMS];
	struct store_by by = fixture_by(scene->f, ACTOR_SIGNER);
	for (size_t i = 0; i < ITEMS; i++) {
		items[i] = fixture_attempt(scene->f, &scene->reserved[i]);
		memset(&items[i].attempt.tx_hash, (int)(0xe0 + i), sizeof(struct hash32));
	}
	if (!store_attempts_add(store, items, ITEMS, &by, err))
		return false;
	for (size_t i = 0; i < ITEMS; i++)
		*ret_written += items[i].result == STORE_WRITTEN;
	return true;
}

static bool act_attempts_sent(struct scene *scene, struct store *store, size_t *ret_written,
			      struct err *err)
{
	struct store_sent items[ITEMS];
	struct store_by by = fixture_by(scene->f, ACTOR_SIGNER);
	for (size_t i = 0; i < ITEMS; i++)
		items[i] = fixture_sent(scene->f, &scene->signed_slots[i], 1);
	if (!store_attempts_sent(store, items, ITEMS, &by, err))
		return false;
	for (size_t i = 0; i < ITEMS; i++)
		*ret_written += items[i].result == STORE_WRITTEN;
	return true;
}

static bool act_observe(struct scene *scene, struct store *store, size_t *ret_written,
			struct err *err)
{
	static const enum transfer_outcome outcomes[ITEMS] = { OUTCOME_SUCCEEDED, OUTCOME_REVERTED,
							       OUTCOME_REPLACED };
	struct store_observation items[ITEMS + 1];
	struct store_by by = fixture_by(scene->f, ACTOR_MONITOR);
	for (size_t i = 0; i < ITEMS; i++)
		items[i] = fixture_observation(scene->f, &scene->mined[i], TRANSFER_FINAL,
					       outcomes[i]);
	items[ITEMS] = fixture_observation(scene->f, &scene->broadcast[0], TRANSFER_BROADCAST,
					   OUTCOME_NONE);
	items[ITEMS].held_reason = "foreign_transaction";
	if (!store_transfers_observe(store, items, ITEMS + 1, &scene->f->monitor, &by, err))
		return false;
	for (size_t i = 0; i < ITEMS; i++)
		*ret_written += items[i].result == STORE_WRITTEN;
	return true;
}

static bool act_wish(struct scene *scene, struct store *store, size_t *ret_written, struct err *err)
{
	struct store_wish wishes[ITEMS];
	struct store_by by = fixture_by(scene->f, ACTOR_MONITOR);
	for (size_t i = 0; i < ITEMS; i++)
		wishes[i] = (struct store_wish){ scene->broadcast[i].id, WISH_BUMP, WISH_REASON_AGE,
						 1 };
	*ret_written = ITEMS;
	return store_transfers_wish(store, wishes, ITEMS, &by, err);
}

static bool act_sweep(struct scene *scene, struct store *store, size_t *ret_written,
		      struct err *err)
{
	size_t woken[3] = { 0 };
	if (!store_sweep(store, scene->f->clock.now_ms + 100000, BATCH_MAX, woken, err))
		return false;
	*ret_written += woken[0] + woken[1] > 0 ? ITEMS : 0;
	return true;
}

static bool act_enter(struct scene *scene, struct store *store, size_t *ret_written,
		      struct err *err)
{
	struct store_by by = fixture_by(scene->f, ACTOR_SIGNER);
	*ret_written = ITEMS;
	return store_wallet_enter(store, scene->f->wallets[2].id, scene->lease.epoch, 9, &by, err);
}

static bool act_stop(struct scene *scene, struct store *store, size_t *ret_written, struct err *err)
{
	struct store_by by = fixture_by(scene->f, ACTOR_SIGNER);
	bool held = false;
	*ret_written = ITEMS;
	return store_wallet_stop(store, scene->f->wallets[1].id, "asked", &scene->f->leases[1], &by,
				 &held, err);
}

static const struct act acts[] = {
	{ "accept", act_accept },
	{ "change", act_change },
	{ "bury", act_bury },
	{ "reserve", act_reserve },
	{ "turn_cancel", act_turn_cancel },
	{ "attempts_add", act_attempts_add },
	{ "attempts_sent", act_attempts_sent },
	{ "observe", act_observe },
	{ "wish", act_wish },
	{ "sweep", act_sweep },
	{ "enter", act_enter },
	{ "stop", act_stop },
};

/* --- faults -------------------------------------------------------------------------------------
 */

static void assert_act_is_atomic(struct fixture *f, struct scene *scene, const struct act *act)
{
	struct db *db = fault_db_open(fixture_connect(f));
	struct store *store = fixture_store_over(db);
	struct digest before = fixture_digest(f);
	uint64_t calls = 0;
	for (;;) {
		struct err err = { 0 };
		size_t written = 0;
		fault_db_plan(db, (struct fault_plan){ .kind = FAULT_FAIL, .at = ++calls });
		bool done = act->run(scene, store, &written, &err);
		if (!fault_db_fired(db)) {
			assert_true(done);
			assert_true(written > 0);
			break;
		}
		struct digest after = fixture_digest(f);
		if (done || err.kind != ERR_NOT_DONE || !digest_equal(&before, &after))
			fail_msg("%s, broken at call %d, is not undone", act->name, (int)calls);
	}
	struct digest after = fixture_digest(f);
	assert_false(digest_equal(&before, &after));
	assert_true(fixture_is_sound(f));
	/* Begin, a text, a step, commit: less would mean that nothing was tried. */
	assert_true(calls > 4);
	store_close(store);
	db_close(db);
}

static void a_call_that_breaks_anywhere_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct scene *scene = scene_new(f);
	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		if (acts[i].run != act_bury) /* it takes the rows of `reserve` */
			assert_act_is_atomic(f, scene, &acts[i]);
	}
	free(scene);
}

/* Undone at its very end for the sake of others: nobody hears of it, and it is there once. */
static void what_gives_way_is_done_again(void **state)
{
	struct fixture *f = *state;
	struct scene *scene = scene_new(f);
	struct db *db = fault_db_open(fixture_connect(f));
	struct store *store = fixture_store_over(db);
	struct fault_plan plan = { .kind = FAULT_GIVE_WAY, .where = FAULT_AT_COMMIT, .at = 1 };
	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		struct err err = { 0 };
		size_t written = 0;
		if (acts[i].run == act_bury) /* it takes the rows of `reserve` */
			continue;
		fault_db_plan(db, plan);
		if (!acts[i].run(scene, store, &written, &err))
			fail_msg("%s: %s", acts[i].name, err.text);
		assert_true(fault_db_fired(db));
		assert_true(written > 0);
		assert_true(fixture_is_sound(f));
	}
	store_close(store);
	db_close(db);
	free(scene);
}

static void assert_atomic(struct fixture *f, const char *name)
{
	struct scene *scene = scene_new(f);
	for (size_t i = 0; i < COUNT_OF(acts); i++)
		if (strcmp(acts[i].name, name) == 0)
			assert_act_is_atomic(f, scene, &acts[i]);
	free(scene);
}

/* The row with its event, its audit record and its wake-up. */
static void accept_then_crash_leaves_all_or_nothing(void **state)
{
	assert_atomic(*state, "accept");
}

/* What changes and the event that feeds and webhooks are made of. */
static void webhook_after_write_leaves_all_or_nothing(void **state)
{
	assert_atomic(*state, "change");
}

/* The nonce, its slot and the withdrawal that has it. */
static void nonce_burnt_leaves_all_or_nothing(void **state)
{
	assert_atomic(*state, "reserve");
}

static void a_burial_that_breaks_anywhere_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct scene *scene = scene_new(f);
	static const struct act act = { "bury", act_bury };
	assert_act_is_atomic(f, scene, &act);
	for (size_t i = 0; i < ITEMS; i++)
		assert_int_equal(fixture_messages(f, QUEUE_SIGNING_DLQ, scene->queued[i].intent.id),
				 1);
	free(scene);
}

/* Runs an act whose commit is answered with "maybe". */
static bool run_unclear(struct fixture *f, struct scene *scene, const struct act *act,
			enum fault_kind kind, size_t *ret_written)
{
	struct db *db = fault_db_open(fixture_connect(f));
	struct store *store = fixture_store_over(db);
	struct err err = { 0 };
	*ret_written = 0;
	fault_db_plan(db, (struct fault_plan){ .kind = kind, .where = FAULT_AT_COMMIT, .at = 1 });
	bool done = act->run(scene, store, ret_written, &err);
	assert_true(fault_db_fired(db));
	if (!done)
		assert_int_equal(err.kind, ERR_MAYBE_DONE);
	store_close(store);
	db_close(db);
	return done;
}

static void a_lost_commit_says_maybe_and_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct scene *scene = scene_new(f);
	struct digest before = fixture_digest(f);
	size_t written = 0;
	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		assert_false(run_unclear(f, scene, &acts[i], FAULT_COMMIT_LOST, &written));
		struct digest after = fixture_digest(f);
		assert_digest_equal(&before, &after);
	}
	free(scene);
}

/* The commit was done and its answer lost: the caller comes again with the same, and nothing is
 * done twice. Sweeps and wishes may be repeated freely; entering and stopping are tested elsewhere.
 */
static void what_may_be_done_is_not_done_twice(void **state)
{
	struct fixture *f = *state;
	struct scene *scene = scene_new(f);
	static const struct act once[] = {
		{ "change", act_change },
		{ "reserve", act_reserve },
		{ "turn_cancel", act_turn_cancel },
		{ "observe", act_observe },
	};
	for (size_t i = 0; i < COUNT_OF(once); i++) {
		struct err err = { 0 };
		size_t written = 0;
		struct digest before = fixture_digest(f);
		assert_false(run_unclear(f, scene, &once[i], FAULT_COMMIT_DONE, &written));
		struct digest first = fixture_digest(f);
		assert_false(digest_equal(&before, &first));
		written = 0;
		assert_true(once[i].run(scene, f->store, &written, &err));
		assert_int_equal(written, 0);
		struct digest second = fixture_digest(f);
		assert_digest_equal(&first, &second);
	}
	free(scene);
}

static void bytes_that_may_be_stored_are_stored_once(void **state)
{
	struct fixture *f = *state;
	struct scene *scene = scene_new(f);
	static const struct act act = { "attempts_add", act_attempts_add };
	struct err err = { 0 };
	size_t written = 0;
	assert_false(run_unclear(f, scene, &act, FAULT_COMMIT_DONE, &written));
	struct digest first = fixture_digest(f);
	written = 0;
	assert_true(act.run(scene, f->store, &written, &err)); /* each says EXISTS */
	assert_int_equal(written, 0);
	struct digest second = fixture_digest(f);
	assert_digest_equal(&first, &second);
	free(scene);
}

/* --- acceptance after an unclear commit ---------------------------------------------------------
 */

/* It has looked again: what stands there is the answer. */
static void an_acceptance_that_may_be_done_is_looked_up(void **state)
{
	struct fixture *f = *state;
	struct scene *scene = scene_new(f);
	static const struct act act = { "accept", act_accept };
	size_t written = 0;
	assert_true(run_unclear(f, scene, &act, FAULT_COMMIT_DONE, &written));
	assert_int_equal(written, ITEMS);
	free(scene);
}

struct rival {
	struct fixture *f;
	struct withdrawal row;
};

static void rival_accepts(void *context)
{
	struct rival *rival = context;
	struct store_accept item = fixture_item(&rival->row);
	struct err err = { 0 };
	CHECK(store_accept_withdrawals(rival->f->store, &item, 1, &err));
	CHECK(item.result == STORE_ACCEPTED);
}

/* Our commit was lost, and another process took the key before we looked. */
static void after_a_lost_commit_the_rival_is_the_answer(void **state)
{
	struct fixture *f = *state;
	struct db *db = fault_db_open(fixture_connect(f));
	struct store *store = fixture_store_over(db);
	struct rival rival = { f, fixture_withdrawal(f, "one") };
	struct withdrawal ours = fixture_withdrawal(f, "one");
	struct store_accept item = fixture_item(&ours);
	fault_db_plan(db, (struct fault_plan){ .kind = FAULT_COMMIT_LOST,
					       .where = FAULT_AT_COMMIT,
					       .at = 1,
					       .call = rival_accepts,
					       .context = &rival });
	MUST(store_accept_withdrawals, store, &item, 1);
	assert_int_equal(item.result, STORE_REPLAYED);
	assert_withdrawal_equal(&item.existing, &rival.row);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM withdrawals"), 1);
	store_close(store);
	db_close(db);
}

/* The same key twice in one batch: who met its own neighbour is not told of a row that was lost. */
static void after_a_lost_commit_a_neighbour_is_no_answer(void **state)
{
	struct fixture *f = *state;
	struct db *db = fault_db_open(fixture_connect(f));
	struct store *store = fixture_store_over(db);
	struct rival rival = { f, fixture_withdrawal(f, "one") };
	struct withdrawal ours[] = { fixture_withdrawal(f, "one"), fixture_withdrawal(f, "one") };
	struct store_accept items[] = { fixture_item(&ours[0]), fixture_item(&ours[1]) };
	fault_db_plan(db, (struct fault_plan){ .kind = FAULT_COMMIT_LOST,
					       .where = FAULT_AT_COMMIT,
					       .at = 1,
					       .call = rival_accepts,
					       .context = &rival });
	MUST(store_accept_withdrawals, store, items, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(items[i].result, STORE_REPLAYED);
		assert_withdrawal_equal(&items[i].existing, &rival.row);
	}
	store_close(store);
	db_close(db);
}

/* --- the process dies ---------------------------------------------------------------------------
 */

/* Runs the act in a process that is killed where the plan says; true when it was killed. */
static bool run_in_child(struct fixture *f, struct scene *scene, const struct act *act,
			 struct fault_plan plan)
{
	int status = 0;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct db *db = fault_db_open(fixture_connect(f));
		struct store *store = fixture_store_over(db);
		struct err err = { 0 };
		size_t written = 0;
		fault_db_plan(db, plan);
		_exit(act->run(scene, store, &written, &err) && written > 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return true;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static void assert_kills_leave_nothing(struct fixture *f, struct scene *scene,
				       const struct act *act)
{
	struct digest before = fixture_digest(f);
	struct fault_plan plan = { .kind = FAULT_KILL_BEFORE };
	struct digest after;
	for (;;) {
		plan.at++;
		bool killed = run_in_child(f, scene, act, plan);
		after = fixture_digest(f);
		if (!killed)
			break;
		if (!digest_equal(&before, &after))
			fail_msg("%s, killed before call %d, left something", act->name,
				 (int)plan.at);
	}
	assert_true(plan.at > 4);
	assert_false(digest_equal(&before, &after));
	assert_true(fixture_is_sound(f));
}

static void a_killed_process_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct scene *scene = scene_new(f);
	static const struct act killed[] = {
		{ "accept", act_accept },
		{ "change", act_change },
		{ "reserve", act_reserve },
		{ "attempts_add", act_attempts_add },
		{ "attempts_sent", act_attempts_sent },
		{ "observe", act_observe },
	};
	for (size_t i = 0; i < COUNT_OF(killed); i++)
		assert_kills_leave_nothing(f, scene, &killed[i]);
	free(scene);
}

/* accept-then-crash: after the commit, whatever happens, all of it is there. */
static void what_was_committed_survives_its_process(void **state)
{
	struct fixture *f = *state;
	struct scene *scene = scene_new(f);
	static const struct act kept[] = {
		{ "accept", act_accept },
		{ "change", act_change },
		{ "reserve", act_reserve },
		{ "attempts_add", act_attempts_add },
		{ "attempts_sent", act_attempts_sent },
		{ "observe", act_observe },
	};
	struct fault_plan plan = { .kind = FAULT_KILL_AFTER, .where = FAULT_AT_COMMIT, .at = 1 };
	for (size_t i = 0; i < COUNT_OF(kept); i++)
		assert_true(run_in_child(f, scene, &kept[i], plan));
	for (size_t i = 0; i < ITEMS; i++) {
		struct id fresh = scene->fresh[i].intent.id;
		assert_int_equal(fixture_load(f, fresh).stage, WITHDRAWAL_ACCEPTED);
		assert_int_equal(fixture_messages(f, QUEUE_REQUEST, fresh), 1);
		struct id accepted = scene->accepted[i].intent.id;
		assert_int_equal(fixture_load(f, accepted).stage, WITHDRAWAL_QUEUED);
		assert_int_equal(fixture_messages(f, QUEUE_SIGNING, accepted), 1);
		struct id queued = scene->queued[i].intent.id;
		assert_int_equal(fixture_load(f, queued).stage, WITHDRAWAL_ASSIGNED);
		assert_int_equal(fixture_messages(f, QUEUE_SIGNING, queued), 0);
		struct id slot = scene->reserved[i].id;
		assert_int_equal(fixture_transfer(f, slot).stage, TRANSFER_SIGNED);
		slot = scene->signed_slots[i].id;
		assert_int_equal(fixture_transfer(f, slot).stage, TRANSFER_BROADCAST);
		slot = scene->mined[i].id;
		assert_int_equal(fixture_transfer(f, slot).stage, TRANSFER_FINAL);
	}
	free(scene);
}

#define ROUNDS       12
#define ROUND_LENGTH 40

/* One withdrawal after the other along the whole path; a byte for each that was accepted. */
static void worker_run(const struct fixture *parent, int round, int answers)
{
	struct fixture f = *parent;
	char key[32];
	f.made = (uint64_t)(round + 1) * 1000000;
	f.db = fixture_connect(parent);
	f.store = fixture_store_over(f.db);
	for (int i = 0; i < ROUND_LENGTH; i++) {
		snprintf(key, sizeof key, "round-%d-%d", round, i);
		struct withdrawal row = fixture_accept(&f, key);
		CHECK(write(answers, "+", 1) == 1);
		struct store_change change = fixture_change(&row, WITHDRAWAL_QUEUED, "queued");
		CHECK(fixture_apply(&f, &change, ACTOR_PROCESSOR));
		row = fixture_load(&f, row.intent.id);
		struct transfer slot = fixture_reserve(&f, &row, (size_t)i % 2);
		slot = fixture_sign(&f, &slot);
		slot = fixture_send(&f, &slot);
		slot = fixture_observe(&f, &slot, TRANSFER_MINED, OUTCOME_NONE);
		(void)fixture_observe(&f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	}
	_exit(0);
}

/* Whatever it was doing when it was killed: what was answered is there, and the rows are sound. */
static void a_process_killed_at_any_time_loses_nothing(void **state)
{
	struct fixture *f = *state;
	int64_t answered = 0;
	for (int round = 0; round < ROUNDS; round++) {
		int ends[2];
		int status = 0;
		char byte;
		assert_int_equal(pipe(ends), 0);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0)
			worker_run(f, round, ends[1]);
		close(ends[1]);
		for (int i = 0; i <= round * 3 && read(ends[0], &byte, 1) == 1; i++)
			answered++;
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		while (read(ends[0], &byte, 1) == 1)
			answered++;
		close(ends[0]);
		int64_t stored = fixture_number(f, "SELECT COUNT(*) FROM withdrawals");
		/* One more a round may be stored whose answer did not come through. */
		assert_in_range(stored, answered, answered + round + 1);
		assert_true(fixture_is_sound(f));
	}
	assert_true(answered > ROUNDS);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_call_that_breaks_anywhere_leaves_nothing),
		STORE_TEST(what_gives_way_is_done_again),
		STORE_TEST(accept_then_crash_leaves_all_or_nothing),
		STORE_TEST(webhook_after_write_leaves_all_or_nothing),
		STORE_TEST(nonce_burnt_leaves_all_or_nothing),
		STORE_TEST(a_burial_that_breaks_anywhere_leaves_nothing),
		STORE_TEST(a_lost_commit_says_maybe_and_leaves_nothing),
		STORE_TEST(what_may_be_done_is_not_done_twice),
		STORE_TEST(bytes_that_may_be_stored_are_stored_once),
		STORE_TEST(an_acceptance_that_may_be_done_is_looked_up),
		STORE_TEST(after_a_lost_commit_the_rival_is_the_answer),
		STORE_TEST(after_a_lost_commit_a_neighbour_is_no_answer),
		STORE_TEST(a_killed_process_leaves_nothing),
		STORE_TEST(what_was_committed_survives_its_process),
		STORE_TEST(a_process_killed_at_any_time_loses_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
