/* Jobs against the real store. */
#include "service/api/work.h"

#include "../../contract/store_fixture.h"
#include "adapter/queue_store.h"
#include "base/json.h"
#include "port/store_control.h"
#include "port/store_recover.h"

struct desk {
	struct fixture *fixture;
	struct queue *queue;
	struct work *work;
};

static const uint8_t controls_key[32] = { 8 };
static const struct mac_keys controls_keys = { .keys = { { 1, controls_key } }, .len = 1 };

static void desk_open(struct desk *desk, bool ends_by_signer)
{
	struct fixture *fixture = desk->fixture;
	struct api_options options = { .store = fixture->store,
				       .queue = desk->queue,
				       .clock = &fixture->clock.base,
				       .entropy = &fixture->entropy,
				       .catalogue = &fixture->catalogue,
				       .controls_keys = controls_keys,
				       .ends_by_signer = ends_by_signer };
	desk->work = work_new(&options);
}

static int desk_set_up(void **state)
{
	struct desk *desk = calloc(1, sizeof *desk);
	assert_non_null(desk);
	if (fixture_set_up(state) != 0)
		return -1;
	struct fixture *fixture = desk->fixture = *state;
	MUST(queue_store_open, fixture->db, &fixture->clock.base, &fixture->entropy, NULL,
	     &desk->queue);
	desk_open(desk, false);
	*state = desk;
	return 0;
}

static void desk_open_again(struct desk *desk, bool ends_by_signer)
{
	work_free(desk->work);
	desk_open(desk, ends_by_signer);
}

static int desk_tear_down(void **state)
{
	struct desk *desk = *state;
	work_free(desk->work);
	queue_close(desk->queue);
	*state = desk->fixture;
	free(desk);
	return fixture_tear_down(state);
}

static struct job job_make(enum job_kind kind)
{
	return (struct job){ .kind = kind,
			     .by = { .account = "acme", .id = "key-1" },
			     .request_id = "0190a5d4-0000-7000-8000-000000000001" };
}

static void job_run(struct desk *desk, struct job *job)
{
	work_run(desk->work, &job, 1);
}

/* Runs a job of a kind about one withdrawal; its body as text, "" for a problem. */
static struct str job_about(struct desk *desk, struct job *job, enum job_kind kind, struct id id)
{
	buf_free(&job->body);
	*job = job_make(kind);
	job->withdrawal = id;
	job->events.limit = PAGE_DEFAULT;
	if (kind == JOB_EVENTS)
		job->events = (struct events_query){ .limit = 2 };
	job_run(desk, job);
	return buf_view(&job->body);
}

static void assert_has(struct str text, const char *part)
{
	if (!str_contains_fold(text, str_from(part)))
		fail_msg("%s is not in %.*s", part, STR_ARG(text));
}

static void assert_is_json(struct str text)
{
	struct json *json;
	struct err err;
	if (!json_parse(text, &json, &err))
		fail_msg("%s: %.*s", err.text, STR_ARG(text));
	json_free(json);
}

/* ---- acceptances ---- */

static void one_group_judges_each_on_its_own(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct job jobs[7], *pointers[7];
	for (size_t i = 0; i < COUNT_OF(jobs); i++) {
		jobs[i] = job_make(JOB_ACCEPT);
		pointers[i] = &jobs[i];
	}
	/* 0 new · 1 repeats 0 · 2 has its key, another body · 3 has its external id, another key ·
	 * 4 new · 5 repeats 4 · 6 new, with the id of 0 */
	jobs[0].accept = fixture_withdrawal(fixture, "k-1");
	snprintf(jobs[0].accept.intent.external_id, EXTERNAL_ID_LEN_MAX, "order-1");
	jobs[1].accept = jobs[0].accept;
	jobs[1].accept.intent.id = fixture_id(fixture);
	jobs[2].accept = fixture_withdrawal(fixture, "k-1");
	jobs[2].accept.intent.fingerprint[0] ^= 1;
	jobs[3].accept = fixture_withdrawal(fixture, "k-2");
	snprintf(jobs[3].accept.intent.external_id, EXTERNAL_ID_LEN_MAX, "order-1");
	jobs[4].accept = fixture_withdrawal(fixture, "k-3");
	jobs[5].accept = jobs[4].accept;
	jobs[5].accept.intent.id = fixture_id(fixture);
	jobs[6].accept = fixture_withdrawal(fixture, "k-4");
	jobs[6].accept.intent.id = jobs[0].accept.intent.id;
	struct id first = jobs[0].accept.intent.id, second = jobs[4].accept.intent.id;

	work_run(desk->work, pointers, COUNT_OF(jobs));
	static const struct {
		enum store_accept_result accepted;
		enum problem problem;
	} expected[] = {
		{ STORE_ACCEPTED, PROBLEM_NONE },
		{ STORE_REPLAYED, PROBLEM_NONE },
		{ STORE_KEY_REUSED, PROBLEM_IDEMPOTENCY_KEY_REUSED },
		{ STORE_EXTERNAL_ID_TAKEN, PROBLEM_EXTERNAL_ID_TAKEN },
		{ STORE_ACCEPTED, PROBLEM_NONE },
		{ STORE_REPLAYED, PROBLEM_NONE },
		{ STORE_ID_TAKEN, PROBLEM_STORE_UNAVAILABLE },
	};
	for (size_t i = 0; i < COUNT_OF(jobs); i++) {
		assert_int_equal(jobs[i].accepted, expected[i].accepted);
		assert_int_equal(jobs[i].problem, expected[i].problem);
	}
	assert_true(id_equal(jobs[1].accept.intent.id, first));
	assert_true(id_equal(jobs[3].existing, first));
	assert_true(id_equal(jobs[5].accept.intent.id, second));
	assert_int_equal(fixture_number(fixture, "SELECT COUNT(*) FROM withdrawals"), 2);
	assert_int_equal(fixture_messages(fixture, QUEUE_REQUEST, first), 1);
}

static void a_fault_of_the_store_is_503_for_all(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct job accept = job_make(JOB_ACCEPT), view = job_make(JOB_VIEW);
	struct job *both[] = { &accept, &view };
	accept.accept = fixture_withdrawal(fixture, "k-1");
	view.withdrawal = accept.accept.intent.id;
	assert_true(work_answered_ms(desk->work) < 0);
	fixture_edit(fixture, "ALTER TABLE withdrawals RENAME TO elsewhere");
	work_run(desk->work, both, COUNT_OF(both));
	assert_int_equal(accept.problem, PROBLEM_STORE_UNAVAILABLE);
	assert_int_equal(view.problem, PROBLEM_STORE_UNAVAILABLE);
	assert_true(work_answered_ms(desk->work) < 0);

	fixture_edit(fixture, "ALTER TABLE elsewhere RENAME TO withdrawals");
	accept.problem = PROBLEM_NONE;
	job_run(desk, &accept);
	assert_int_equal(accept.problem, PROBLEM_NONE);
	assert_int_equal(accept.accepted, STORE_ACCEPTED);
	assert_int_equal(work_answered_ms(desk->work), fixture->clock.now_ms);
}

/* ---- while people have paused it ---- */

static void intake_switch(struct fixture *fixture, bool on)
{
	struct store_by by = fixture_by(fixture, ACTOR_PERSON);
	struct control row = { .scope = CONTROL_ACCOUNT,
			       .name = "acme",
			       .stops = CONTROL_INTAKE,
			       .who = "ann",
			       .reason = "drill" };
	struct control_set set;
	MUST(store_controls_load, fixture->store, &set);
	struct store_control_change change = {
		.version = set.version, .set = &set, .action = "paused", .detail = "{}"
	};
	if (on)
		assert_true(control_set_put(&set, &row, 1));
	else
		assert_true(control_set_lift(&set, row.scope, row.name, row.stops, 1));
	control_set_seal(&controls_keys, &set);
	MUST(store_controls_change, fixture->store, &change, &by);
	assert_true(change.applied);
}

static struct job job_of_key(struct desk *desk, const char *key)
{
	struct job job = job_make(JOB_ACCEPT);
	job.accept = fixture_withdrawal(desk->fixture, key);
	return job;
}

static enum problem accepted(struct desk *desk, struct job job)
{
	job_run(desk, &job);
	return job.problem;
}

static void a_paused_intake_answers_what_was_accepted(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct job first = job_of_key(desk, "k-1"), again = first;
	assert_int_equal(accepted(desk, first), PROBLEM_NONE);
	intake_switch(fixture, true);
	fixture_wait(fixture, 1000);
	struct job late = job_of_key(desk, "k-2"), other = job_of_key(desk, "k-3");
	assert_int_equal(accepted(desk, late), PROBLEM_INTAKE_PAUSED);
	assert_int_equal(fixture_number(fixture, "SELECT COUNT(*) FROM withdrawals"), 1);
	/* Whose repeat is refused thinks that it was not stored. */
	again.accept.intent.id = fixture_id(fixture);
	job_run(desk, &again);
	assert_int_equal(again.problem, PROBLEM_NONE);
	assert_int_equal(again.accepted, STORE_REPLAYED);
	assert_true(id_equal(again.accept.intent.id, first.accept.intent.id));
	again.accept.intent.fingerprint[0] ^= 1;
	assert_int_equal(accepted(desk, again), PROBLEM_IDEMPOTENCY_KEY_REUSED);
	/* Others go on, also in the same group. */
	fixture_set_key(&other.accept, "umbra", "k-3");
	struct job *both[] = { &late, &other };
	work_run(desk->work, both, COUNT_OF(both));
	assert_int_equal(late.problem, PROBLEM_INTAKE_PAUSED);
	assert_int_equal(other.problem, PROBLEM_NONE);
	assert_int_equal(other.accepted, STORE_ACCEPTED);
	intake_switch(fixture, false);
	fixture_wait(fixture, 1000);
	late.problem = PROBLEM_NONE;
	assert_int_equal(accepted(desk, late), PROBLEM_NONE);
}

static void switches_that_nobody_set_pause_the_intake(void **state)
{
	static const char *const edits[] = {
		"DELETE FROM controls",
		"UPDATE controls_head SET version = 0, mac = ''",
		"DELETE FROM controls_head",
		"ALTER TABLE controls RENAME TO elsewhere",
	};
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	intake_switch(fixture, true);
	assert_int_equal(accepted(desk, job_of_key(desk, "k-1")), PROBLEM_INTAKE_PAUSED);
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		fixture_edit(fixture, edits[i]);
		fixture_wait(fixture, 1000);
		assert_int_equal(accepted(desk, job_of_key(desk, "k-1")), PROBLEM_INTAKE_PAUSED);
	}
	fixture_edit(fixture, "ALTER TABLE elsewhere RENAME TO controls");
}

/* ---- reading ---- */

static void a_withdrawal_of_another_account_is_not_there(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct withdrawal row = fixture_accept(fixture, "k-1");
	static const enum job_kind kinds[] = { JOB_VIEW, JOB_EVENTS, JOB_CANCEL, JOB_SPEED_UP };
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct job job = job_make(kinds[i]);
		job.withdrawal = row.intent.id;
		snprintf(job.by.account, sizeof job.by.account, "other");
		job_run(desk, &job);
		assert_int_equal(job.problem, PROBLEM_WITHDRAWAL_UNKNOWN);
		job = job_make(kinds[i]);
		job.withdrawal = fixture_id(fixture);
		job_run(desk, &job);
		assert_int_equal(job.problem, PROBLEM_WITHDRAWAL_UNKNOWN);
	}
	assert_int_equal(fixture_load(fixture, row.intent.id).version, 1);
}

static void a_view_tells_of_the_transfer(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct job job = job_make(JOB_VIEW);
	struct withdrawal accepted = fixture_accept(fixture, "k-1");
	struct str body = job_about(desk, &job, JOB_VIEW, accepted.intent.id);
	assert_is_json(body);
	assert_int_equal(job.status, 200);
	assert_has(body, "\"status\":\"PENDING\",\"stage\":\"accepted\",\"chain\":\"polygon\"");
	assert_has(body, "\"metadata\":{}");
	assert_false(str_contains_fold(body, STR("transfer")));

	struct transfer sent = fixture_broadcast(fixture, "k-2", 0);
	body = job_about(desk, &job, JOB_VIEW, sent.withdrawal);
	assert_is_json(body);
	assert_has(body, "\"transfer\":{\"id\":\"018bcfe5-6800-7000-8000-000000000003\","
			 "\"stage\":\"broadcast\",\"wallet\":\"0x");
	assert_has(body, "\"nonce\":5,\"tx_hash\":\"0x");
	assert_has(body, "\"attempts\":1,\"block_number\":null,\"outcome\":null}");
	buf_free(&job.body);
}

static size_t count_text(struct str text, const char *part)
{
	size_t count = 0;
	for (size_t i = 0; i + strlen(part) <= text.len; i++)
		count += memcmp(text.at + i, part, strlen(part)) == 0;
	return count;
}

static void lists_go_on_at_their_cursor(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct id ids[5];
	char key[16];
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		fixture_wait(fixture, 1);
		snprintf(key, sizeof key, "k-%zu", i);
		ids[i] = fixture_accept(fixture, key).intent.id;
	}
	struct job job = job_make(JOB_LIST);
	job.list = (struct list_query){ .limit = 3 };
	job_run(desk, &job);
	struct str body = buf_view(&job.body), before, cursor;
	assert_is_json(body);
	assert_int_equal(count_text(body, "\"id\":"), 3);
	for (size_t i = 2; i < COUNT_OF(ids); i++)
		assert_has(body, id_text(ids[i]).at);
	const char *at = strstr(buf_terminated(&job.body), "\"next_cursor\":\"");
	assert_non_null(at);
	struct str rest = str_from(at + strlen("\"next_cursor\":\""));
	assert_true(str_cut(rest, '"', &cursor, &before));
	struct id last;
	assert_true(cursor_read(cursor, &last) && id_equal(last, ids[2]));
	buf_free(&job.body);

	job = job_make(JOB_LIST);
	job.list = (struct list_query){ .limit = 3, .has_before = true, .before = last };
	job_run(desk, &job);
	body = buf_view(&job.body);
	assert_int_equal(count_text(body, "\"id\":"), 2);
	assert_has(body, id_text(ids[1]).at);
	assert_has(body, id_text(ids[0]).at);
	assert_has(body, "\"next_cursor\":null");
	buf_free(&job.body);

	job = job_make(JOB_LIST);
	snprintf(job.by.account, sizeof job.by.account, "other");
	job.list = (struct list_query){ .limit = 3 };
	job_run(desk, &job);
	assert_str_equal(buf_view(&job.body), "{\"items\":[],\"next_cursor\":null}");
	buf_free(&job.body);
}

static void events_wallets_and_queues_are_json(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct job job = job_make(JOB_VIEW);
	struct transfer sent = fixture_broadcast(fixture, "k-1", 0);
	struct str body = job_about(desk, &job, JOB_EVENTS, sent.withdrawal);
	assert_is_json(body);
	assert_has(body, "{\"items\":[{\"sequence\":1,");
	assert_has(body, "\"type\":\"accepted\",\"actor\":\"api\",\"status\":\"PENDING\"");
	assert_has(body, "\"next_after\":2}");

	static const struct store_balance balances[] = {
		{ .chain_id = FIXTURE_CHAIN_ID, .asset = "USDC", .block = 9, .at_ms = 1 },
	};
	struct store_balance balance = balances[0];
	balance.wallet = fixture->wallets[0].address;
	balance.amount.units = u256_from_u64(1500000);
	MUST(store_balances_save, fixture->store, &balance, 1);
	body = job_about(desk, &job, JOB_WALLETS, sent.withdrawal);
	assert_is_json(body);
	assert_int_equal(count_text(body, "\"address\":"), FIXTURE_WALLETS);
	assert_has(body, "\"configured\":true,\"entered\":true,\"first_nonce\":5,\"next_nonce\":6,"
			 "\"in_flight\":1,\"in_flight_max\":16,\"balances\":[{\"asset\":\"USDC\",");
	assert_has(body, "\"amount\":\"1.5\",\"amount_base\":\"1500000\",\"block_number\":9,");
	assert_has(body, "\"entered\":false,\"first_nonce\":0,\"next_nonce\":0,\"in_flight\":0");

	body = job_about(desk, &job, JOB_QUEUES, sent.withdrawal);
	assert_is_json(body);
	assert_has(body, "{\"items\":[{\"name\":\"request\",\"waiting\":");
	assert_int_equal(count_text(body, "\"name\":"), 3);
	buf_free(&job.body);

	job = job_make(JOB_REDRIVE);
	job.queue = QUEUE_SIGNING;
	job_run(desk, &job);
	assert_str_equal(buf_view(&job.body), "{\"queue\":\"signing\",\"moved\":0,\"more\":false}");
	buf_free(&job.body);
}

static void the_row_of_a_key_is_loaded(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct store_by by = fixture_by(fixture, ACTOR_PERSON);
	struct store_api_key row = { .id = "0123456789abcdef",
				     .account = "acme",
				     .created_at = 1,
				     .created_by = "root",
				     .mac = { .key_id = 1 } };
	MUST(store_api_key_add, fixture->store, &row, &by);
	struct job job = job_make(JOB_KEY);
	snprintf(job.key.id, sizeof job.key.id, "0123456789abcdef");
	job_run(desk, &job);
	assert_true(job.problem == PROBLEM_NONE && job.found);
	assert_string_equal(job.key.account, "acme");
	job = job_make(JOB_KEY);
	snprintf(job.key.id, sizeof job.key.id, "fedcba9876543210");
	job_run(desk, &job);
	assert_true(job.problem == PROBLEM_NONE && !job.found);
}

/* ---- other accounts ---- */

static void stranger_asks(struct desk *desk, enum job_kind kind, struct id id, bool is_slot)
{
	struct job job = job_make(kind);
	snprintf(job.by.account, sizeof job.by.account, "other");
	job.withdrawal = id;
	if (kind == JOB_EVENTS)
		job.events.limit = PAGE_DEFAULT;
	if (kind == JOB_RESOLVE)
		job.resolve =
			(struct resolve_query){ .is_slot = is_slot, .verdict = RESOLVE_NOT_PAID };
	job_run(desk, &job);
	/* The same as of an id that nobody has. */
	assert_int_equal(job.problem, PROBLEM_WITHDRAWAL_UNKNOWN);
	assert_int_equal(job.body.len, 0);
}

static void idor_an_id_opens_nothing_of_another_account(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	static const enum job_kind kinds[] = { JOB_VIEW, JOB_EVENTS, JOB_CANCEL, JOB_SPEED_UP,
					       JOB_RESOLVE };
	struct transfer sent = fixture_broadcast(fixture, "k-1", 0);
	fixture_edit(fixture, "UPDATE withdrawals SET held_reason = 'right_already_spent'");
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		stranger_asks(desk, kinds[i], sent.withdrawal, false);
	fixture_edit(fixture, "UPDATE transfers SET stage = 5, held_reason = 'final_taken_back'");
	stranger_asks(desk, JOB_RESOLVE, sent.id, true);
	fixture_edit(fixture, "UPDATE withdrawals SET held_reason = ''");
	fixture_edit(fixture, "UPDATE transfers SET stage = 3, held_reason = ''");
	struct store_view view;
	bool found = false;
	MUST(store_withdrawal_view, fixture->store, sent.withdrawal, &view, &found);
	assert_true(found && !view.withdrawal.cancel_requested);
	assert_int_equal(view.transfer.wish, WISH_NONE);
}

static void idor_a_list_and_an_external_id_are_of_ones_own(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct withdrawal mine = fixture_withdrawal(fixture, "k-1");
	snprintf(mine.intent.external_id, sizeof mine.intent.external_id, "order-1");
	struct store_accept item = fixture_item(&mine);
	MUST(store_accept_withdrawals, fixture->store, &item, 1);
	for (int i = 0; i < 2; i++) {
		struct job job = job_make(JOB_LIST);
		snprintf(job.by.account, sizeof job.by.account, "other");
		job.list = (struct list_query){ .limit = 3 };
		snprintf(job.list.account, sizeof job.list.account, "%s", mine.intent.account);
		if (i == 1)
			memcpy(job.list.external_id, mine.intent.external_id,
			       sizeof job.list.external_id);
		job_run(desk, &job);
		assert_str_equal(buf_view(&job.body), "{\"items\":[],\"next_cursor\":null}");
		buf_free(&job.body);
	}
}

/* The same key in another account is another request. */
static void idor_a_key_replays_nothing_of_another_account(void **state)
{
	struct desk *desk = *state;
	struct withdrawal mine = fixture_accept(desk->fixture, "k-1");
	struct job job = job_make(JOB_ACCEPT);
	job.accept = fixture_withdrawal(desk->fixture, "k-1");
	fixture_set_key(&job.accept, "other", "k-1");
	job_run(desk, &job);
	assert_int_equal(job.problem, PROBLEM_NONE);
	assert_int_equal(job.accepted, STORE_ACCEPTED);
	assert_false(id_equal(job.accept.intent.id, mine.intent.id));
}

/* ---- cancelling ---- */

/* A store that was restored does not know who was paid: the one who has the journal ends it. */
static void of_a_restored_store_it_is_asked_for(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct withdrawal row = fixture_accept(fixture, "k-1");
	struct job job = { 0 };
	struct store_by by = fixture_by(fixture, ACTOR_PERSON);
	uint64_t number = 0;
	MUST(store_recover_begin, fixture->store, 1, false, &by, &number);
	for (int i = 0; i < 2; i++) {
		struct str body = job_about(desk, &job, JOB_CANCEL, row.intent.id);
		assert_int_equal(job.status, 202);
		assert_has(body, "\"stage\":\"accepted\"");
		assert_has(body, "\"cancel_requested\":true");
	}
	buf_free(&job.body);
}

/* One that a replica may have taken over does not know either, and does not know that. */
static void of_a_server_it_is_asked_for(void **state)
{
	struct desk *desk = *state;
	struct withdrawal row = fixture_accept(desk->fixture, "k-1");
	struct job job = { 0 };
	desk_open_again(desk, true);
	for (int i = 0; i < 2; i++) {
		struct str body = job_about(desk, &job, JOB_CANCEL, row.intent.id);
		assert_int_equal(job.status, 202);
		assert_has(body, "\"stage\":\"accepted\"");
		assert_has(body, "\"cancel_requested\":true");
	}
	buf_free(&job.body);
}

static void before_the_approval_it_is_canceled_at_once(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct job job = job_make(JOB_VIEW);
	struct withdrawal row = fixture_accept(fixture, "k-1");
	for (int i = 0; i < 2; i++) { /* a repeat finds it done */
		struct str body = job_about(desk, &job, JOB_CANCEL, row.intent.id);
		assert_int_equal(job.problem, PROBLEM_NONE);
		assert_int_equal(job.status, 200);
		assert_has(body, "\"status\":\"CANCELED\",\"stage\":\"canceled\"");
		assert_has(body, "\"failure\":{\"code\":\"canceled\"");
		assert_int_equal(fixture_load(fixture, row.intent.id).version, 2);
	}
	buf_free(&job.body);
}

static void a_queued_one_is_left_to_the_signer(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct job job = job_make(JOB_VIEW);
	struct withdrawal row = fixture_queue(fixture, "k-1");
	struct store_change wait = fixture_change(&row, WITHDRAWAL_QUEUED, "waiting");
	wait.wait_reason = "funds";
	assert_true(fixture_apply(fixture, &wait, ACTOR_SIGNER));
	for (int i = 0; i < 2; i++) {
		struct str body = job_about(desk, &job, JOB_CANCEL, row.intent.id);
		assert_int_equal(job.status, 202);
		assert_has(body, "\"stage\":\"queued\"");
		assert_has(body, "\"cancel_requested\":true,\"wait_reason\":\"funds\"");
		assert_int_equal(fixture_load(fixture, row.intent.id).version, row.version + 2);
		assert_int_equal(fixture_messages(fixture, QUEUE_SIGNING, row.intent.id), 1);
	}
	buf_free(&job.body);
}

static void one_that_was_sent_is_left_to_the_signer(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct job job = job_make(JOB_VIEW);
	struct transfer sent = fixture_broadcast(fixture, "k-1", 0);
	struct withdrawal before = fixture_load(fixture, sent.withdrawal);
	for (int i = 0; i < 2; i++) {
		struct str body = job_about(desk, &job, JOB_CANCEL, sent.withdrawal);
		assert_int_equal(job.status, 202);
		assert_has(body, "\"cancel_requested\":true");
		assert_int_equal(fixture_load(fixture, sent.withdrawal).version,
				 before.version + 1);
		assert_int_equal(fixture_messages(fixture, QUEUE_SIGNING, sent.withdrawal), 1);
	}
	/* Once asked for it stays so, whatever the chain does. */
	fixture_observe(fixture, &sent, TRANSFER_MINED, OUTCOME_NONE);
	job_about(desk, &job, JOB_CANCEL, sent.withdrawal);
	assert_int_equal(job.status, 202);
	buf_free(&job.body);
}

static void in_a_block_it_is_too_late(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct job job = job_make(JOB_VIEW);
	struct transfer sent = fixture_broadcast(fixture, "k-1", 0);
	fixture_observe(fixture, &sent, TRANSFER_MINED, OUTCOME_NONE);
	struct withdrawal before = fixture_load(fixture, sent.withdrawal);
	job_about(desk, &job, JOB_CANCEL, sent.withdrawal);
	assert_int_equal(job.problem, PROBLEM_TOO_LATE_TO_CANCEL);
	struct withdrawal after = fixture_load(fixture, sent.withdrawal);
	assert_withdrawal_equal(&before, &after);
	buf_free(&job.body);
}

static void every_stage_has_its_decision(void **state)
{
	(void)state;
	static const struct {
		enum withdrawal_stage stage;
		enum cancel_decision free;
		enum cancel_decision held;
	} expected[] = {
		{ WITHDRAWAL_ACCEPTED, CANCEL_NOW, CANCEL_HELD },
		{ WITHDRAWAL_AWAITING_APPROVAL, CANCEL_NOW, CANCEL_HELD },
		{ WITHDRAWAL_QUEUED, CANCEL_REQUEST, CANCEL_HELD },
		{ WITHDRAWAL_ASSIGNED, CANCEL_TOO_LATE, CANCEL_HELD },
		{ WITHDRAWAL_COMPLETED, CANCEL_FINAL, CANCEL_FINAL },
		{ WITHDRAWAL_FAILED, CANCEL_FINAL, CANCEL_FINAL },
		{ WITHDRAWAL_REJECTED, CANCEL_FINAL, CANCEL_FINAL },
		{ (enum withdrawal_stage)99, CANCEL_HELD, CANCEL_HELD }, /* an edited row */
		{ WITHDRAWAL_CANCELED, CANCEL_DONE, CANCEL_DONE },
	};
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		struct store_view view = { .withdrawal.stage = expected[i].stage };
		assert_int_equal(work_cancel_decide(&view), expected[i].free);
		view.withdrawal.held_reason[0] = 'x';
		assert_int_equal(work_cancel_decide(&view), expected[i].held);
		/* What the API writes by itself must be what the lifecycle lets it write. */
		if (expected[i].free == CANCEL_NOW)
			assert_true(lifecycle_withdrawal_allows(expected[i].stage,
								WITHDRAWAL_CANCELED, ACTOR_API));
	}
	struct store_view asked = { .withdrawal = { .stage = WITHDRAWAL_QUEUED,
						    .cancel_requested = true } };
	assert_int_equal(work_cancel_decide(&asked), CANCEL_REQUESTED);
}

static void an_assigned_one_is_decided_by_its_slot(void **state)
{
	(void)state;
	struct store_view view = { .withdrawal.stage = WITHDRAWAL_ASSIGNED, .has_transfer = true };
	for (int stage = TRANSFER_RESERVED; stage <= TRANSFER_FINAL; stage++) {
		view.transfer.stage = (enum transfer_stage)stage;
		view.withdrawal.cancel_requested = false;
		assert_int_equal(work_cancel_decide(&view),
				 stage < TRANSFER_MINED ? CANCEL_REQUEST : CANCEL_TOO_LATE);
		view.withdrawal.cancel_requested = true;
		assert_int_equal(work_cancel_decide(&view), CANCEL_REQUESTED);
	}
}

/* ---- speeding up ---- */

static void a_wish_for_speed_is_written_once(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct job job = job_make(JOB_VIEW);
	struct transfer sent = fixture_broadcast(fixture, "k-1", 0);
	struct withdrawal before = fixture_load(fixture, sent.withdrawal);
	for (int i = 0; i < 2; i++) {
		struct str body = job_about(desk, &job, JOB_SPEED_UP, sent.withdrawal);
		assert_int_equal(job.problem, PROBLEM_NONE);
		assert_int_equal(job.status, 202);
		assert_has(body, "\"bump_requested\":\"speed_up\"");
		assert_int_equal(fixture_load(fixture, sent.withdrawal).version,
				 before.version + 1);
		assert_int_equal(fixture_messages(fixture, QUEUE_SIGNING, sent.withdrawal), 1);
	}
	/* The next attempt has done it; what is asked for then is another one. */
	sent = fixture_transfer(fixture, sent.id);
	sent = fixture_sign(fixture, &sent);
	struct str body = job_about(desk, &job, JOB_VIEW, sent.withdrawal);
	assert_false(str_contains_fold(body, STR("bump_requested")));
	job_about(desk, &job, JOB_SPEED_UP, sent.withdrawal);
	assert_int_equal(job.status, 202);
	assert_int_equal(fixture_load(fixture, sent.withdrawal).version, before.version + 2);
	buf_free(&job.body);
}

static void what_cannot_be_sped_up_says_why(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture = desk->fixture;
	struct job job = job_make(JOB_VIEW);
	struct withdrawal row = fixture_queue(fixture, "k-1");
	job_about(desk, &job, JOB_SPEED_UP, row.intent.id);
	assert_int_equal(job.problem, PROBLEM_NOT_SENT_YET);
	struct transfer mined = fixture_broadcast(fixture, "k-2", 0);
	fixture_observe(fixture, &mined, TRANSFER_MINED, OUTCOME_NONE);
	job_about(desk, &job, JOB_SPEED_UP, mined.withdrawal);
	assert_int_equal(job.problem, PROBLEM_TOO_LATE_TO_SPEED_UP);
	job_about(desk, &job, JOB_SPEED_UP, fixture_id(fixture));
	assert_int_equal(job.problem, PROBLEM_WITHDRAWAL_UNKNOWN);
	/* idor */
	struct transfer ours = fixture_broadcast(fixture, "k-3", 0);
	struct digest before = fixture_digest(fixture);
	job = job_make(JOB_SPEED_UP);
	snprintf(job.by.account, sizeof job.by.account, "other");
	job.withdrawal = ours.withdrawal;
	job_run(desk, &job);
	assert_int_equal(job.problem, PROBLEM_WITHDRAWAL_UNKNOWN);
	struct digest after = fixture_digest(fixture);
	assert_digest_equal(&before, &after);
	buf_free(&job.body);
}

static void every_stage_can_be_sped_up_or_not(void **state)
{
	(void)state;
	for (int i = WITHDRAWAL_ACCEPTED; i <= WITHDRAWAL_CANCELED; i++) {
		struct store_view view = { .withdrawal.stage = (enum withdrawal_stage)i };
		bool is_final = i >= WITHDRAWAL_COMPLETED;
		assert_int_equal(work_speed_up_decide(&view),
				 is_final ? SPEED_UP_FINAL : SPEED_UP_NOT_SENT);
		view.withdrawal.held_reason[0] = 'x';
		assert_int_equal(work_speed_up_decide(&view),
				 is_final ? SPEED_UP_FINAL : SPEED_UP_HELD);
	}
	static const enum speed_up_decision of_slots[] = {
		[TRANSFER_RESERVED] = SPEED_UP_NOT_SENT, [TRANSFER_SIGNED] = SPEED_UP_REQUEST,
		[TRANSFER_BROADCAST] = SPEED_UP_REQUEST, [TRANSFER_MINED] = SPEED_UP_TOO_LATE,
		[TRANSFER_FINAL] = SPEED_UP_TOO_LATE,
	};
	struct store_view view = { .withdrawal.stage = WITHDRAWAL_ASSIGNED, .has_transfer = true };
	for (int i = TRANSFER_RESERVED; i <= TRANSFER_FINAL; i++) {
		view.transfer.stage = (enum transfer_stage)i;
		assert_int_equal(work_speed_up_decide(&view), of_slots[i]);
	}
	view.transfer = (struct transfer){ .stage = TRANSFER_BROADCAST,
					   .wish = WISH_BUMP,
					   .wish_reason = WISH_REASON_SPEED_UP,
					   .wish_attempts_seen = 2,
					   .attempts = 2 };
	assert_int_equal(work_speed_up_decide(&view), SPEED_UP_REQUESTED);
	/* The signer is on its way already, but nobody has asked. */
	view.transfer.wish_reason = WISH_REASON_AGE;
	assert_int_equal(work_speed_up_decide(&view), SPEED_UP_REQUEST);
	view.transfer.held_reason[0] = 'x';
	assert_int_equal(work_speed_up_decide(&view), SPEED_UP_HELD);
}

#define ON_STORE(test) cmocka_unit_test_setup_teardown(test, desk_set_up, desk_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STORE(one_group_judges_each_on_its_own),
		ON_STORE(a_fault_of_the_store_is_503_for_all),
		ON_STORE(a_paused_intake_answers_what_was_accepted),
		ON_STORE(switches_that_nobody_set_pause_the_intake),
		ON_STORE(a_withdrawal_of_another_account_is_not_there),
		ON_STORE(a_view_tells_of_the_transfer),
		ON_STORE(lists_go_on_at_their_cursor),
		ON_STORE(events_wallets_and_queues_are_json),
		ON_STORE(the_row_of_a_key_is_loaded),
		ON_STORE(idor_an_id_opens_nothing_of_another_account),
		ON_STORE(idor_a_list_and_an_external_id_are_of_ones_own),
		ON_STORE(idor_a_key_replays_nothing_of_another_account),
		ON_STORE(before_the_approval_it_is_canceled_at_once),
		ON_STORE(of_a_restored_store_it_is_asked_for),
		ON_STORE(of_a_server_it_is_asked_for),
		ON_STORE(a_queued_one_is_left_to_the_signer),
		ON_STORE(one_that_was_sent_is_left_to_the_signer),
		ON_STORE(in_a_block_it_is_too_late),
		ON_STORE(a_wish_for_speed_is_written_once),
		ON_STORE(what_cannot_be_sped_up_says_why),
		cmocka_unit_test(every_stage_can_be_sped_up_or_not),
		cmocka_unit_test(every_stage_has_its_decision),
		cmocka_unit_test(an_assigned_one_is_decided_by_its_slot),
	};
	return cmocka_run_group_tests_name("service/api/work", tests, NULL, NULL);
}
