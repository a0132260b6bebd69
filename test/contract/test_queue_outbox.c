/* The queue over an external transport: what SQS may do to it, and what must not come of it. The
 * transport is the simulator's model, told to misbehave. */
#include "store_fixture.h"

#include "adapter/message_body.h"
#include "adapter/queue_outbox.h"
#include "core/timing.h"
#include "fault_db.h"
#include "line.h"
#include "sim/sqs.h"

#define VISIBILITY_MS 30000
#define RELAY_MS      1000

struct place {
	struct fixture *fixture;
	struct sim_sqs *sqs;
	struct line line;
	struct queue *queue;
};

static struct queue *queue_of(struct place *place, struct db *db, uint64_t waiting_max)
{
	struct queue_outbox_options options = { .db = db,
						.transport = &place->line.base,
						.clock = &place->fixture->clock.base,
						.entropy = &place->fixture->entropy,
						.waiting_max = waiting_max };
	return queue_outbox_new(&options);
}

static struct queue *queue_over(struct place *place, struct db *db)
{
	return queue_of(place, db, 0);
}

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof *place);
	assert_non_null(place);
	(void)fixture_set_up(state);
	place->fixture = *state;
	place->sqs = sim_sqs_new(&place->fixture->clock.base, sim_random_of(7));
	place->line = line_to(sim_sqs_port(place->sqs));
	place->queue = queue_over(place, place->fixture->db);
	*state = place;
	return 0;
}

static int place_leave(void **state)
{
	struct place *place = *state;
	queue_close(place->queue);
	sim_sqs_free(place->sqs);
	*state = place->fixture;
	free(place);
	return fixture_tear_down(state);
}

static size_t claim_by(struct queue *queue, size_t max, struct message *ret_messages)
{
	size_t len = 99;
	MUST(queue_claim, queue, QUEUE_REQUEST, max, VISIBILITY_MS, ret_messages, &len);
	return len;
}

static size_t claim(struct place *place, size_t max, struct message *ret_messages)
{
	return claim_by(place->queue, max, ret_messages);
}

static struct id accept(struct place *place, bool notify)
{
	char key[32];
	snprintf(key, sizeof key, "key-%d", (int)place->fixture->made);
	struct id id = fixture_accept(place->fixture, key).intent.id;
	if (notify)
		queue_notify(place->queue, QUEUE_REQUEST);
	return id;
}

static int64_t outbox_len(struct place *place)
{
	return fixture_number(place->fixture, "SELECT COUNT(*) FROM messages WHERE queue < 11");
}

static int64_t claims_len(struct place *place)
{
	return fixture_number(place->fixture, "SELECT COUNT(*) FROM message_claims");
}

/* As the processor's verdict: in the transaction of the change. */
static bool decide(struct place *place, const struct message *message)
{
	struct fixture *f = place->fixture;
	struct withdrawal row = fixture_load(f, message->ack.subject);
	if (row.stage != WITHDRAWAL_ACCEPTED) {
		MUST(queue_ack, place->queue, &message->ack, 1);
		return false;
	}
	struct store_change change = fixture_change(&row, WITHDRAWAL_QUEUED, "queued");
	change.has_approval = true;
	change.ack = message->ack;
	return fixture_apply(f, &change, ACTOR_PROCESSOR);
}

/* Works as a processor does until nothing comes for a while; how many were decided. */
static size_t work(struct place *place, int rounds)
{
	struct message messages[BATCH_MAX];
	size_t decided = 0;
	for (int i = 0; i < rounds; i++) {
		size_t len = claim(place, BATCH_MAX, messages);
		for (size_t k = 0; k < len; k++)
			decided += decide(place, &messages[k]);
		if (len == 0)
			fixture_wait(place->fixture, RELAY_MS);
	}
	return decided;
}

static void wake(struct place *place, int64_t ahead_ms)
{
	size_t woken[3];
	MUST(store_sweep, place->fixture->store, place->fixture->clock.now_ms + ahead_ms, 64,
	     woken);
}

/* --- on their way out ---------------------------------------------------------------------------
 */

static void who_commits_sends_and_what_was_sent_is_gone(void **state)
{
	struct place *place = *state;
	struct id id = accept(place, true);
	struct message message;
	assert_int_equal(outbox_len(place), 0);
	assert_int_equal(sim_sqs_len(place->sqs, QUEUE_REQUEST), 1);
	assert_int_equal(claim(place, 1, &message), 1);
	assert_true(id_equal(message.ack.subject, id));
	assert_true(message.ack.is_received);
	assert_true(decide(place, &message));
	assert_int_equal(claims_len(place), 0);
	/* The copy goes once the verdict stands, with the next call. */
	assert_int_equal(claim(place, 1, &message), 0);
	assert_int_equal(sim_sqs_len(place->sqs, QUEUE_REQUEST), 0);
}

/* accept-then-crash: nobody sent it; whoever looks next does, after a second. */
static void accept_then_crash(void **state)
{
	struct place *place = *state;
	struct message message;
	(void)accept(place, false);
	assert_int_equal(claim(place, 1, &message), 0);
	assert_int_equal(outbox_len(place), 1);
	fixture_wait(place->fixture, RELAY_MS);
	assert_int_equal(claim(place, 1, &message), 1);
	assert_int_equal(outbox_len(place), 0);
}

/* partial-batch-send: what the service did not take stays here and goes out later. */
static void partial_batch_send(void **state)
{
	struct place *place = *state;
	const size_t n = 40;
	sim_sqs_settings(place->sqs)->refuse_per_mille = 500;
	for (size_t i = 0; i < n; i++)
		(void)accept(place, false);
	queue_notify(place->queue, QUEUE_REQUEST);
	int64_t kept = outbox_len(place);
	assert_int_equal((size_t)kept + sim_sqs_len(place->sqs, QUEUE_REQUEST), n);
	assert_true(kept > 0 && kept < (int64_t)n);
	assert_true(sim_sqs_count(place->sqs, SIM_SQS_REFUSED) >= (uint64_t)kept);
	assert_int_equal(work(place, 60), n);
	assert_int_equal(outbox_len(place), 0);
}

/* The answer of a send is lost: it is sent again, and the second copy finds nothing to do. */
static void an_answer_that_is_lost_costs_a_copy(void **state)
{
	struct place *place = *state;
	place->line.loses_answers = true;
	(void)accept(place, true);
	place->line.loses_answers = false;
	assert_int_equal(outbox_len(place), 1);
	assert_int_equal(sim_sqs_len(place->sqs, QUEUE_REQUEST), 1);
	assert_int_equal(work(place, 8), 1);
	assert_int_equal(sim_sqs_count(place->sqs, SIM_SQS_SENT),
			 2 + sim_sqs_len(place->sqs, QUEUE_SIGNING));
	assert_int_equal(outbox_len(place), 0);
	assert_int_equal(sim_sqs_len(place->sqs, QUEUE_REQUEST), 0);
	assert_int_equal(claims_len(place), 0);
}

/* Away: acceptance goes on, the outbox grows, nobody knocks at every call. */
static void a_transport_that_is_away_is_an_empty_queue(void **state)
{
	struct place *place = *state;
	struct queue_stats stats = { 0 };
	struct message messages[BATCH_MAX];
	place->line.is_cut = true;
	for (size_t i = 0; i < 20; i++)
		(void)accept(place, true);
	assert_int_equal(outbox_len(place), 20);
	assert_int_equal(place->line.requests, 2); /* how much waits there, and the first send */
	assert_int_equal(claim(place, BATCH_MAX, messages), 0);
	assert_int_equal(place->line.requests, 2);
	MUST_FAIL(ERR_NOT_DONE, queue_stats, place->queue, QUEUE_REQUEST, &stats);
	MUST(queue_stats, place->queue, QUEUE_REQUEST_DLQ, &stats);
	fixture_wait(place->fixture, 5000);
	assert_int_equal(claim(place, BATCH_MAX, messages), 0);
	place->line.is_cut = false;
	assert_int_equal(work(place, 20), 20);
	assert_int_equal(outbox_len(place), 0);
}

/* What waited while it was away goes out as fast as there are calls. */
static void a_backlog_goes_out_without_a_pause(void **state)
{
	struct place *place = *state;
	struct message message;
	for (int i = 0; i < 3 * BATCH_MAX + 1; i++)
		(void)accept(place, false);
	fixture_wait(place->fixture, RELAY_MS);
	for (int64_t calls = 1; calls <= 4; calls++) {
		(void)claim(place, 1, &message);
		int64_t sent = calls * BATCH_MAX < 3 * BATCH_MAX + 1 ? calls * BATCH_MAX
								     : 3 * BATCH_MAX + 1;
		assert_int_equal(outbox_len(place), 3 * BATCH_MAX + 1 - sent);
	}
}

/* Nobody can work for an hour, and the sweeper wakes every row again and again: the copies do not
 * pile up, and a row that comes afterwards does not stand behind an hour of them. */
static void backlog_of_copies(void **state)
{
	struct place *place = *state;
	enum { ROWS = 40, WAITING_MAX = 100, SWEEPS = 200 };
	struct message messages[BATCH_MAX];
	queue_close(place->queue);
	place->queue = queue_of(place, place->fixture->db, WAITING_MAX);
	for (int i = 0; i < ROWS; i++)
		(void)accept(place, true);
	for (int i = 0; i < SWEEPS; i++) {
		fixture_wait(place->fixture, SWEPT_AGAIN_MS + 1000);
		wake(place, INT64_C(3600000));
		queue_notify(place->queue, QUEUE_REQUEST);
	}
	assert_true(sim_sqs_len(place->sqs, QUEUE_REQUEST) >= WAITING_MAX);
	assert_true(sim_sqs_len(place->sqs, QUEUE_REQUEST) < WAITING_MAX + ROWS);
	assert_int_equal(outbox_len(place), ROWS);
	(void)accept(place, true);
	assert_int_equal(work(place, 8), ROWS + 1);
	fixture_wait(place->fixture, RELAY_MS);
	while (claim(place, BATCH_MAX, messages) > 0)
		fail_msg("a copy came of a row that nobody woke");
	assert_int_equal(outbox_len(place), 0);
}

/* Claims of what came once, killed its worker and was never seen again. */
static void a_claim_that_nobody_ends_goes_in_the_end(void **state)
{
	struct place *place = *state;
	struct message message;
	sim_sqs_inject(place->sqs, QUEUE_REQUEST,
		       STR("{\"id\":\"018BCFE5-6800-7000-8000-000000000001\","
			   "\"kind\":\"request\"}"));
	assert_int_equal(claim(place, 1, &message), 1);
	(void)sim_sqs_wipe(place->sqs);
	fixture_wait(place->fixture, INT64_C(14) * 24 * 3600 * 1000);
	assert_int_equal(claim(place, 1, &message), 0);
	assert_int_equal(claims_len(place), 1);
	fixture_wait(place->fixture, INT64_C(2) * 24 * 3600 * 1000);
	assert_int_equal(claim(place, 1, &message), 0);
	assert_int_equal(claims_len(place), 0);
}

/* A wake-up that is written while its row is being sent is sent as well. */
static void wake_once(void *arg)
{
	struct place *place = arg;
	place->line.sending = NULL;
	wake(place, 3600000);
}

static void news_while_it_is_sent_is_sent_too(void **state)
{
	struct place *place = *state;
	place->line.sending = wake_once;
	place->line.arg = place;
	(void)accept(place, false);
	queue_notify(place->queue, QUEUE_REQUEST);
	assert_null(place->line.sending);
	assert_int_equal(outbox_len(place), 1);
	queue_notify(place->queue, QUEUE_REQUEST);
	assert_int_equal(outbox_len(place), 0);
	assert_int_equal(sim_sqs_count(place->sqs, SIM_SQS_SENT), 2);
}

/* A row of the outbox that no id names, or whose generation is none, stands in nobody's way. */
static void edited_rows_are_in_nobodys_way(void **state)
{
	struct place *place = *state;
	fixture_edit(place->fixture,
		     "INSERT INTO messages (queue, subject, correlation_id, created_at, "
		     "visible_at) VALUES (1, X'0102', '', 1, 1), (1, 7, '', 1, 3)");
	(void)accept(place, false);
	fixture_edit(place->fixture, "UPDATE messages SET generation = 'x', correlation_id = "
				     "X'22FF5C0A' WHERE LENGTH(subject) = 16");
	queue_notify(place->queue, QUEUE_REQUEST);
	assert_int_equal(outbox_len(place), 0);
	assert_int_equal(work(place, 4), 1);
}

/* Whatever call of the database breaks, and however a commit ends: nothing is lost. */
static void a_call_that_breaks_anywhere_loses_nothing(void **state)
{
	struct place *place = *state;
	const enum fault_kind kinds[] = { FAULT_FAIL, FAULT_COMMIT_LOST, FAULT_COMMIT_DONE };
	struct db *db = fault_db_open(fixture_connect(place->fixture));
	struct queue *faulty = queue_over(place, db);
	for (size_t k = 0; k < COUNT_OF(kinds); k++) {
		bool fired = true;
		for (uint64_t at = 1; fired; at++) {
			struct message messages[BATCH_MAX];
			struct err err = { 0 };
			size_t len = 0;
			(void)accept(place, false);
			enum fault_where where = k > 0 ? FAULT_AT_COMMIT : FAULT_AT_ANY;
			fault_db_plan(db, (struct fault_plan){
						  .kind = kinds[k], .where = where, .at = at });
			queue_notify(faulty, QUEUE_REQUEST);
			bool done = queue_claim(faulty, QUEUE_REQUEST, BATCH_MAX, VISIBILITY_MS,
						messages, &len, &err);
			struct message_ack acks[BATCH_MAX];
			for (size_t i = 0; done && i < len; i++)
				acks[i] = messages[i].ack;
			if (done && len > 0 && queue_extend(faulty, acks, len, VISIBILITY_MS, &err))
				(void)!queue_ack(faulty, acks, 0 + len, &err);
			fired = fault_db_fired(db);
			fault_db_plan(db, (struct fault_plan){ 0 });
			/* Acknowledged without a decision, or lost on the way: the sweeper knows.
			 */
			fixture_wait(place->fixture, 2 * VISIBILITY_MS);
			wake(place, 3600000);
			assert_int_equal(work(place, 12), 1);
		}
	}
	assert_int_equal(outbox_len(place), 0);
	queue_close(faulty);
	db_close(db);
}

/* --- on their way in ----------------------------------------------------------------------------
 */

/* claimed-then-crash: without a verdict the copy comes back, to whoever asks. */
static void claimed_then_crash(void **state)
{
	struct place *place = *state;
	struct message message;
	struct id id = accept(place, true);
	struct queue *dead = queue_over(place, place->fixture->db);
	assert_int_equal(claim_by(dead, 1, &message), 1);
	queue_close(dead);
	fixture_wait(place->fixture, VISIBILITY_MS - 1);
	assert_int_equal(claim(place, 1, &message), 0);
	fixture_wait(place->fixture, 1);
	assert_int_equal(claim(place, 1, &message), 1);
	assert_true(id_equal(message.ack.subject, id));
	assert_int_equal(message.receives, 2);
	assert_true(decide(place, &message));
}

/* The same between the receive and the claim: nothing was begun, and nothing counts. */
static void received_then_crash(void **state)
{
	struct place *place = *state;
	struct transport_message delivery;
	struct message message;
	size_t len = 0;
	(void)accept(place, true);
	MUST(transport_receive, &place->line.base, QUEUE_REQUEST, 1, VISIBILITY_MS, 0, &delivery,
	     &len);
	assert_int_equal(len, 1);
	fixture_wait(place->fixture, VISIBILITY_MS);
	assert_int_equal(claim(place, 1, &message), 1);
	assert_int_equal(message.receives, 1);
}

/* A second copy of what somebody works on waits for him, and counts for nothing. */
static void a_copy_of_what_is_worked_on_waits(void **state)
{
	struct place *place = *state;
	struct message first, second;
	struct queue *other = queue_over(place, place->fixture->db);
	(void)accept(place, true);
	assert_int_equal(claim(place, 1, &first), 1);
	wake(place, 3600000);
	queue_notify(place->queue, QUEUE_REQUEST);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(claim_by(other, 1, &second), 0);
		fixture_wait(place->fixture, 1000);
	}
	/* And keeps nobody from what is not being worked on. */
	struct id fresh = accept(place, true);
	assert_int_equal(claim_by(other, 1, &second), 1);
	assert_true(id_equal(second.ack.subject, fresh));
	assert_true(decide(place, &first));
	assert_true(decide(place, &second));
	assert_int_equal(claim_by(other, 1, &second), 1);
	assert_int_equal(second.receives, 1);
	assert_false(decide(place, &second));
	queue_close(other);
}

/* poison-message: the row's own count decides, over all copies and over the transport's own dead
 * letters. */
static void poison_message_is_counted_by_its_row(void **state)
{
	struct place *place = *state;
	struct message message;
	uint32_t receives = 0;
	(void)accept(place, true);
	for (int i = 0; i < 10; i++) {
		if (claim(place, 1, &message) == 1)
			assert_int_equal(message.receives, ++receives);
		else
			wake(place, 3600000);
		fixture_wait(place->fixture, VISIBILITY_MS);
	}
	assert_true(receives > RECEIVES_WITHOUT_VERDICT_MAX + 1);
	assert_int_equal(sim_sqs_dead(place->sqs), 1);
}

/* replay-after-dlq: dead letters come back, twice, long after their row has moved on. */
static void replay_after_dlq(void **state)
{
	struct place *place = *state;
	struct message message;
	sim_sqs_settings(place->sqs)->max_receives = 2;
	(void)accept(place, true);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(claim(place, 1, &message), 1);
		fixture_wait(place->fixture, VISIBILITY_MS);
	}
	assert_int_equal(claim(place, 1, &message), 0);
	assert_int_equal(sim_sqs_dead(place->sqs), 1);
	/* It holds nothing: the sweeper wakes the row, which is decided. */
	assert_string_equal(fixture_load(place->fixture, message.ack.subject).held_reason, "");
	wake(place, 3600000);
	assert_int_equal(work(place, 4), 1);
	struct withdrawal before = fixture_load(place->fixture, message.ack.subject);
	fixture_wait(place->fixture, INT64_C(12) * 3600 * 1000);
	assert_int_equal(sim_sqs_redrive(place->sqs, 2), 1);
	assert_int_equal(claim(place, 2, &message), 1); /* both copies as one */
	assert_false(decide(place, &message));
	struct withdrawal after = fixture_load(place->fixture, message.ack.subject);
	assert_withdrawal_equal(&before, &after);
	assert_int_equal(sim_sqs_len(place->sqs, QUEUE_REQUEST), 0);
	assert_int_equal(claims_len(place), 0);
}

/* queue-wiped: the rows are the truth. */
static void queue_wiped(void **state)
{
	struct place *place = *state;
	struct message messages[4];
	for (int i = 0; i < 10; i++)
		(void)accept(place, true);
	assert_int_equal(claim(place, 4, messages), 4);
	assert_int_equal(sim_sqs_wipe(place->sqs), 10);
	assert_int_equal(work(place, 4), 0);
	fixture_wait(place->fixture, VISIBILITY_MS);
	wake(place, 3600000);
	assert_int_equal(work(place, 20), 10);
}

/* message-forged, poison-message: what is none of ours is deleted, and wakes nobody. */
static void what_is_not_ours_is_deleted(void **state)
{
	struct place *place = *state;
	static const char *const bodies[] = {
		"",
		"x",
		"{}",
		"[]",
		"null",
		"{\"kind\":\"request\"}",
		"{\"kind\":\"request\",\"id\":7}",
		"{\"kind\":\"request\",\"id\":\"x\"}",
		"{\"kind\":\"signing\",\"id\":\"018bcfe5-6800-7000-8000-000000000001\"}",
		"{\"kind\":\"request-dlq\",\"id\":\"018bcfe5-6800-7000-8000-000000000001\"}",
		"{\"kind\":\"request\",\"kind\":\"request\",\"id\":"
		"\"018bcfe5-6800-7000-8000-000000000001\"}",
		"{\"kind\":\"request\",\"id\":\"018bcfe5-6800-4000-8000-000000000001\"}",
	};
	char long_body[2000];
	struct message message;
	memset(long_body, ' ', sizeof long_body);
	for (size_t i = 0; i < COUNT_OF(bodies); i++)
		sim_sqs_inject(place->sqs, QUEUE_REQUEST, str_from(bodies[i]));
	sim_sqs_inject(place->sqs, QUEUE_REQUEST, str_from_bytes(long_body, sizeof long_body));
	struct id id = accept(place, true);
	size_t claimed = 0;
	for (int i = 0; i < 2 * (int)COUNT_OF(bodies); i++) {
		if (claim(place, 1, &message) == 0)
			continue;
		assert_true(id_equal(message.ack.subject, id));
		assert_true(decide(place, &message));
		claimed++;
	}
	assert_int_equal(claimed, 1);
	assert_int_equal(sim_sqs_len(place->sqs, QUEUE_REQUEST), 0);
	assert_int_equal(claims_len(place), 0);
}

/* One that has our form and names no row is acknowledged by the consumer; a trace that is no text
 * to be shown is left out. */
static void a_forged_wake_up_grants_nothing(void **state)
{
	struct place *place = *state;
	struct message message;
	sim_sqs_inject(place->sqs, QUEUE_REQUEST,
		       STR("{\"trace\":\"a\\nb\",\"later\":[1],\"id\":"
			   "\"018BCFE5-6800-7000-8000-000000000001\",\"kind\":\"request\"}"));
	assert_int_equal(claim(place, 1, &message), 1);
	assert_string_equal(message.correlation_id, "");
	assert_int_equal(fixture_number(place->fixture, "SELECT COUNT(*) FROM withdrawals"), 0);
	MUST(queue_ack, place->queue, &message.ack, 1);
	assert_int_equal(sim_sqs_len(place->sqs, QUEUE_REQUEST), 0);
	assert_int_equal(claims_len(place), 0);
}

/* Claims of a wrong clock do not last, and those that an editor left do not either. */
static void an_edited_claim_does_not_last(void **state)
{
	struct place *place = *state;
	struct message message;
	(void)accept(place, true);
	assert_int_equal(claim(place, 1, &message), 1);
	fixture_edit(place->fixture, "UPDATE message_claims SET claimed_until = "
				     "9223372036854775807, receives = -5, claim = 'x'");
	fixture_wait(place->fixture, VISIBILITY_MS);
	assert_int_equal(claim(place, 1, &message), 1);
	assert_true(decide(place, &message));
	assert_int_equal(claims_len(place), 0);
}

/* Late, twice, in any order, not hidden, deleted and back, partly refused: each row is decided
 * once, and in the end nothing is left anywhere. */
static void whatever_the_service_does(void **state)
{
	struct place *place = *state;
	const size_t n = 60;
	*sim_sqs_settings(place->sqs) = (struct sim_sqs_settings){ .max_receives = 5,
								   .refuse_per_mille = 200,
								   .late_per_mille = 300,
								   .late_ms_max = 20000,
								   .double_per_mille = 200,
								   .again_per_mille = 200,
								   .undelete_per_mille = 200,
								   .miss_per_mille = 300,
								   .disorder = true };
	for (size_t i = 0; i < n; i++)
		(void)accept(place, i % 3 != 0);
	size_t decided = work(place, 400);
	for (int i = 0; i < 4 && decided < n; i++) {
		fixture_wait(place->fixture, VISIBILITY_MS);
		wake(place, 3600000);
		decided += work(place, 200);
	}
	assert_int_equal(decided, n);
	struct sim_sqs_settings calm = { .max_receives = 5 };
	*sim_sqs_settings(place->sqs) = calm;
	for (int i = 0; i < 10; i++) {
		fixture_wait(place->fixture, VISIBILITY_MS);
		(void)work(place, 60);
	}
	assert_int_equal(sim_sqs_len(place->sqs, QUEUE_REQUEST), 0);
	assert_int_equal(outbox_len(place) -
				 fixture_number(place->fixture,
						"SELECT COUNT(*) FROM messages WHERE queue = 2"),
			 0);
	assert_int_equal(claims_len(place), 0);
	for (enum sim_sqs_event event = 0; event < SIM_SQS_REDRIVEN; event++)
		if (event != SIM_SQS_BURIED)
			assert_true(sim_sqs_count(place->sqs, event) > 0);
}

/* The long poll's catch is the next claim's; who does not claim takes nothing from others. */
static void what_a_wait_brings_is_claimed_next(void **state)
{
	struct place *place = *state;
	struct message message;
	assert_int_equal(claim(place, 1, &message), 0);
	assert_false(queue_wait(place->queue, QUEUE_REQUEST, 0));
	(void)accept(place, true);
	assert_false(queue_wait(place->queue, QUEUE_REQUEST, 0));
	sim_sqs_settings(place->sqs)->miss_per_mille = 1000;
	assert_int_equal(claim(place, 1, &message), 0);
	sim_sqs_settings(place->sqs)->miss_per_mille = 0;
	assert_true(queue_wait(place->queue, QUEUE_REQUEST, 0));
	sim_sqs_settings(place->sqs)->miss_per_mille = 1000;
	assert_int_equal(claim(place, 1, &message), 1);
	assert_int_equal(message.receives, 1);
	place->line.is_cut = true;
	assert_false(queue_wait(place->queue, QUEUE_REQUEST, 1));
	assert_false(queue_wait(place->queue, QUEUE_REQUEST, 1));
}

/* Where the messages are: in the outbox, in the transport, with a consumer; dead ones are rows. */
static void stats_count_both_places(void **state)
{
	struct place *place = *state;
	struct queue_stats stats = { 0 };
	struct message message;
	(void)accept(place, true);
	(void)accept(place, true);
	(void)accept(place, false);
	fixture_wait(place->fixture, 400);
	assert_int_equal(claim(place, 1, &message), 1);
	MUST(queue_stats, place->queue, QUEUE_REQUEST, &stats);
	assert_int_equal(stats.queue, QUEUE_REQUEST);
	assert_int_equal(stats.waiting, 2);
	assert_int_equal(stats.delayed, 0);
	assert_int_equal(stats.claimed, 1);
	assert_int_equal(stats.oldest_ms, 400);
	struct withdrawal row = fixture_load(place->fixture, message.ack.subject);
	struct store_change bury = fixture_change(&row, row.stage, "held");
	bury.held_reason = "dead_letter";
	bury.bury = true;
	bury.ack = message.ack;
	assert_true(fixture_apply(place->fixture, &bury, ACTOR_PROCESSOR));
	MUST(queue_stats, place->queue, QUEUE_REQUEST_DLQ, &stats);
	assert_int_equal(stats.waiting, 1);
	fixture_wait(place->fixture, 5000);
	assert_int_equal(claim(place, 1, &message), 1);
	MUST(queue_stats, place->queue, QUEUE_REQUEST_DLQ, &stats);
	assert_int_equal(stats.waiting, 1); /* not sent */
}

#define OUTBOX_TEST(test) cmocka_unit_test_setup_teardown(test, place_make, place_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OUTBOX_TEST(who_commits_sends_and_what_was_sent_is_gone),
		OUTBOX_TEST(accept_then_crash),
		OUTBOX_TEST(partial_batch_send),
		OUTBOX_TEST(an_answer_that_is_lost_costs_a_copy),
		OUTBOX_TEST(a_transport_that_is_away_is_an_empty_queue),
		OUTBOX_TEST(a_backlog_goes_out_without_a_pause),
		OUTBOX_TEST(backlog_of_copies),
		OUTBOX_TEST(a_claim_that_nobody_ends_goes_in_the_end),
		OUTBOX_TEST(news_while_it_is_sent_is_sent_too),
		OUTBOX_TEST(a_call_that_breaks_anywhere_loses_nothing),
		OUTBOX_TEST(claimed_then_crash),
		OUTBOX_TEST(received_then_crash),
		OUTBOX_TEST(a_copy_of_what_is_worked_on_waits),
		OUTBOX_TEST(poison_message_is_counted_by_its_row),
		OUTBOX_TEST(replay_after_dlq),
		OUTBOX_TEST(queue_wiped),
		OUTBOX_TEST(what_is_not_ours_is_deleted),
		OUTBOX_TEST(a_forged_wake_up_grants_nothing),
		OUTBOX_TEST(an_edited_claim_does_not_last),
		OUTBOX_TEST(whatever_the_service_does),
		OUTBOX_TEST(what_a_wait_brings_is_claimed_next),
		OUTBOX_TEST(stats_count_both_places),
		/* Where a column takes values of any type. */
		OUTBOX_TEST(edited_rows_are_in_nobodys_way),
	};
	const size_t typed = fixture_is_of_one_host() ? 0 : 1;
	return _cmocka_run_group_tests("queue_outbox", tests, COUNT_OF(tests) - typed, NULL, NULL);
}
