/* The way of jobs between two threads, with the real store at its end. This thread plays the loop.
 */
#include "service/api/jobs.h"

#include "../../contract/store_fixture.h"
#include "adapter/queue_store.h"

#include <pthread.h>

#define JOBS_MAX   100
#define ACCEPTS    75 /* a quarter is kept for others */
#define LISTS      12 /* and an eighth is for lists */
#define TIMEOUT_MS 5000

/* What the loop would run next. */
struct loop_stand_in {
	pthread_mutex_t mutex;
	pthread_cond_t posted;
	void (*run)(void *arg);
	void *arg;
};

struct desk {
	struct fixture *fixture;
	struct queue *queue;
	struct work *work;
	struct jobs *jobs;
	struct loop_stand_in loop;
	size_t answered;
	size_t problems[PROBLEM_COUNT];
};

static void post(void *context, void (*run)(void *arg), void *arg)
{
	struct loop_stand_in *loop = context;
	pthread_mutex_lock(&loop->mutex);
	CHECK(loop->run == NULL); /* one at a time */
	loop->run = run;
	loop->arg = arg;
	pthread_cond_signal(&loop->posted);
	pthread_mutex_unlock(&loop->mutex);
}

/* Waits for a post and runs it. */
static void loop_turn(struct loop_stand_in *loop)
{
	pthread_mutex_lock(&loop->mutex);
	while (loop->run == NULL)
		pthread_cond_wait(&loop->posted, &loop->mutex);
	void (*run)(void *arg) = loop->run;
	loop->run = NULL;
	pthread_mutex_unlock(&loop->mutex);
	run(loop->arg);
}

static struct desk *desk_make(struct fixture *fixture)
{
	struct desk *desk = calloc(1, sizeof *desk);
	assert_non_null(desk);
	desk->fixture = fixture;
	pthread_mutex_init(&desk->loop.mutex, NULL);
	pthread_cond_init(&desk->loop.posted, NULL);
	MUST(queue_store_open, fixture->db, &fixture->clock.base, &fixture->entropy, NULL,
	     &desk->queue);
	struct api_options options = { .store = fixture->store,
				       .queue = desk->queue,
				       .clock = &fixture->clock.base,
				       .entropy = &fixture->entropy,
				       .catalogue = &fixture->catalogue };
	desk->work = work_new(&options);
	struct jobs_options jobs = { .work = desk->work,
				     .clock = &fixture->clock.base,
				     .jobs_max = JOBS_MAX,
				     .timeout_ms = TIMEOUT_MS,
				     .post = post,
				     .context = &desk->loop };
	desk->jobs = jobs_new(&jobs);
	return desk;
}

static void desk_end(struct desk *desk)
{
	jobs_stop(desk->jobs);
	assert_int_equal(jobs_under_way(desk->jobs), 0);
	jobs_free(desk->jobs);
	work_free(desk->work);
	queue_close(desk->queue);
	free(desk);
}

static void answer(struct job *job)
{
	struct desk *desk = job->context;
	desk->answered++;
	desk->problems[job->problem]++;
}

static void submit_accept(struct desk *desk, const struct withdrawal *row)
{
	struct job *job = job_take(desk->jobs, JOB_ACCEPT);
	assert_non_null(job);
	job->accept = *row;
	snprintf(job->by.id, sizeof job->by.id, "key-1");
	job->answer = answer;
	job->context = desk;
	job_submit(desk->jobs, job);
}

static void each_job_is_answered_once(void **state)
{
	struct fixture *fixture = *state;
	struct desk *desk = desk_make(fixture);
	char key[16];
	struct withdrawal first = fixture_withdrawal(fixture, "k-0");
	/* More than one group, one of them twice; half of it waits before the thread starts. */
	submit_accept(desk, &first);
	for (int i = 0; i < ACCEPTS - 1; i++) {
		if (i == ACCEPTS / 2)
			MUST(jobs_start, desk->jobs);
		snprintf(key, sizeof key, "k-%d", i);
		struct withdrawal row = fixture_withdrawal(fixture, key);
		submit_accept(desk, i == 0 ? &first : &row);
	}
	while (desk->answered < ACCEPTS)
		loop_turn(&desk->loop);
	assert_int_equal(desk->problems[PROBLEM_NONE], ACCEPTS);
	assert_int_equal(jobs_under_way(desk->jobs), 0);
	jobs_stop(desk->jobs); /* the store is this thread's again */
	assert_int_equal(fixture_number(fixture, "SELECT COUNT(*) FROM withdrawals"), ACCEPTS - 1);
	desk_end(desk);
}

static void the_bound_refuses(void **state)
{
	struct fixture *fixture = *state;
	struct desk *desk = desk_make(fixture);
	struct job *jobs[JOBS_MAX];
	for (size_t i = 0; i < JOBS_MAX; i++) {
		jobs[i] = job_take(desk->jobs, JOB_VIEW);
		assert_non_null(jobs[i]);
	}
	assert_null(job_take(desk->jobs, JOB_VIEW));
	job_drop(desk->jobs, jobs[7]);
	jobs[7] = job_take(desk->jobs, JOB_ACCEPT);
	assert_non_null(jobs[7]);
	for (size_t i = 0; i < JOBS_MAX; i++)
		job_drop(desk->jobs, jobs[i]);
	desk_end(desk);
}

/* Who looks after payments, or logs in to stop them, finds room while everybody asks for some. */
static void overload_drowns_not_who_looks_after_payments(void **state)
{
	struct fixture *fixture = *state;
	struct desk *desk = desk_make(fixture);
	struct job *jobs[JOBS_MAX];
	for (size_t i = 0; i < JOBS_MAX; i++) {
		assert_int_equal(jobs_shed(desk->jobs), i >= ACCEPTS);
		jobs[i] = job_take(desk->jobs, JOB_ACCEPT);
		assert_true((jobs[i] != NULL) == (i < ACCEPTS));
		if (jobs[i] == NULL)
			jobs[i] = job_take(desk->jobs, JOB_VIEW);
		assert_non_null(jobs[i]);
	}
	job_drop(desk->jobs, jobs[0]);
	assert_false(jobs_shed(desk->jobs));
	for (size_t i = 1; i < JOBS_MAX; i++)
		job_drop(desk->jobs, jobs[i]);
	desk_end(desk);
}

static void submit_look(struct desk *desk, enum job_kind kind, void (*told)(struct job *job))
{
	struct job *job = job_take(desk->jobs, kind);
	assert_non_null(job);
	list_query_init(&job->list);
	job->withdrawal = fixture_id(desk->fixture);
	snprintf(job->by.id, sizeof job->by.id, "key-1");
	snprintf(job->by.account, sizeof job->by.account, "acme");
	job->answer = told;
	job->context = desk;
	job_submit(desk->jobs, job);
}

static void answer_found(struct job *job)
{
	struct desk *desk = job->context;
	assert_int_equal(desk->answered, 0);
	answer(job);
}

static void answer_cancel(struct job *job)
{
	struct desk *desk = job->context;
	assert_int_equal(desk->answered, 1);
	assert_int_equal(job->problem, PROBLEM_WITHDRAWAL_UNKNOWN);
	answer(job);
}

/* Whoever has any key may ask for lists, as many as there is room for. Whether one was paid is
 * asked by an external id, and is no list. */
static void overload_drowns_by_lists_nobody_who_cancels(void **state)
{
	struct fixture *fixture = *state;
	struct desk *desk = desk_make(fixture);
	for (size_t i = 0; i < LISTS; i++)
		submit_look(desk, JOB_LIST, answer);
	assert_null(job_take(desk->jobs, JOB_LIST));
	submit_look(desk, JOB_LIST_ONE, answer_found);
	submit_look(desk, JOB_CANCEL, answer_cancel);
	MUST(jobs_start, desk->jobs);
	while (desk->answered < LISTS + 2)
		loop_turn(&desk->loop);
	assert_int_equal(desk->problems[PROBLEM_WITHDRAWAL_UNKNOWN], 1);
	assert_int_equal(desk->problems[PROBLEM_NONE], LISTS + 1);
	submit_look(desk, JOB_LIST, answer); /* the places are free again */
	while (desk->answered < LISTS + 3)
		loop_turn(&desk->loop);
	desk_end(desk);
}

/* What nobody has begun is taken back: it is answered, and never carried out. */
static void what_waits_too_long_is_taken_back(void **state)
{
	struct fixture *fixture = *state;
	struct desk *desk = desk_make(fixture);
	struct withdrawal old = fixture_withdrawal(fixture, "old");
	struct withdrawal young = fixture_withdrawal(fixture, "young");
	submit_accept(desk, &old);
	fixture_wait(fixture, TIMEOUT_MS - 1);
	submit_accept(desk, &young);
	jobs_expire(desk->jobs);
	assert_int_equal(desk->answered, 0);
	fixture_wait(fixture, 1);
	jobs_expire(desk->jobs);
	assert_int_equal(desk->answered, 1);
	assert_int_equal(desk->problems[PROBLEM_STORE_UNAVAILABLE], 1);

	MUST(jobs_start, desk->jobs);
	while (desk->answered < 2)
		loop_turn(&desk->loop);
	assert_int_equal(desk->problems[PROBLEM_NONE], 1);
	jobs_stop(desk->jobs);
	assert_int_equal(fixture_number(fixture, "SELECT COUNT(*) FROM withdrawals"), 1);
	fixture_load(fixture, young.intent.id);
	desk_end(desk);
}

/* The database is frozen by another writer: the client gets its 503 while the store thread is in
 * the transaction, and its repeat finds what that transaction did. */
static void what_is_under_way_is_answered_and_still_done(void **state)
{
	struct fixture *fixture = *state;
	struct desk *desk = desk_make(fixture);
	struct db *other = fixture_connect(fixture);
	struct withdrawal row = fixture_withdrawal(fixture, "k-1");
	MUST(jobs_start, desk->jobs);
	MUST(db_begin, other, true);
	submit_accept(desk, &row);
	/* Taken or still waiting, the answer comes now. */
	fixture_wait(fixture, TIMEOUT_MS);
	jobs_expire(desk->jobs);
	assert_int_equal(desk->answered, 1);
	assert_int_equal(desk->problems[PROBLEM_STORE_UNAVAILABLE], 1);
	db_rollback(other);
	db_close(other);

	submit_accept(desk, &row);
	while (desk->answered < 2)
		loop_turn(&desk->loop);
	assert_int_equal(desk->problems[PROBLEM_NONE], 1);
	jobs_stop(desk->jobs);
	assert_int_equal(fixture_number(fixture, "SELECT COUNT(*) FROM withdrawals"), 1);
	desk_end(desk);
}

static void a_stop_answers_what_is_left(void **state)
{
	struct fixture *fixture = *state;
	struct desk *desk = desk_make(fixture);
	struct withdrawal first = fixture_withdrawal(fixture, "k-1");
	struct withdrawal second = fixture_withdrawal(fixture, "k-2");
	submit_accept(desk, &first);
	submit_accept(desk, &second);
	jobs_stop(desk->jobs); /* not started: nothing to stop, nobody to answer for */
	assert_int_equal(desk->answered, 0);
	MUST(jobs_start, desk->jobs);
	jobs_stop(desk->jobs);
	/* Done before the stop or not: each is answered once. */
	assert_int_equal(desk->answered, 2);
	assert_int_equal(desk->problems[PROBLEM_SHUTTING_DOWN] + desk->problems[PROBLEM_NONE], 2);
	desk_end(desk);
}

#define ON_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STORE(each_job_is_answered_once),
		ON_STORE(the_bound_refuses),
		ON_STORE(overload_drowns_not_who_looks_after_payments),
		ON_STORE(overload_drowns_by_lists_nobody_who_cancels),
		ON_STORE(what_waits_too_long_is_taken_back),
		ON_STORE(what_is_under_way_is_answered_and_still_done),
		ON_STORE(a_stop_answers_what_is_left),
	};
	return cmocka_run_group_tests_name("service/api/jobs", tests, NULL, NULL);
}
