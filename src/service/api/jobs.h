/* The way of a job from the loop thread to the store thread and back.
 *
 *	job_take ──> job_submit ──> waiting ──> work_run ──> done ──> job->answer
 *	                               └── too long: answered with 503, at work or not
 *
 * The store thread takes what waits: up to BATCH_MAX acceptances, which share a transaction, and a
 * few others; then one list, which reads many rows and changes none. While it works the next ones
 * gather, so that batches grow with the load by themselves. A frozen database stops the store
 * thread alone; the loop thread goes on answering.
 */
#ifndef SLUICE_SERVICE_API_JOBS_H
#define SLUICE_SERVICE_API_JOBS_H

#include "service/api/work.h"

struct jobs;

/* The thread is that of the store, or that of its replica (reader.h). */
struct jobs_options {
	struct work *work;     /* borrowed */
	struct reader *reader; /* in place of work; borrowed */
	struct clock *clock;
	struct metrics *metrics; /* may be NULL */
	size_t jobs_max;         /* under way at once */
	int64_t timeout_ms;      /* from job_submit to an answer */
	int64_t wait_max_ms;     /* that an acceptance may have to expect; 0: any time */
	/* Has run(arg) called on the loop thread; from any thread. One call at a time is under way.
	 * It must not fail. */
	void (*post)(void *context, void (*run)(void *arg), void *arg);
	void *context;
};

/* On the loop thread, all of them. */

struct jobs *jobs_new(const struct jobs_options *options);
/* After jobs_stop. Accepts NULL. */
void jobs_free(struct jobs *jobs);
/* Starts the store thread. NOT_DONE when the system has none left. */
MUST_CHECK bool jobs_start(struct jobs *jobs, struct err *err);
/* Answers every job under way with SHUTTING_DOWN, and returns when the store thread has ended,
 * which takes as long as the store call that it is in. */
void jobs_stop(struct jobs *jobs);

/* Would an acceptance wait too long, or find no room? Each that is asked for and refused is
 * counted: once for a request. */
bool jobs_shed(struct jobs *jobs);
/* A job to fill in, or NULL when jobs_max are under way; a quarter of them is never for
 * acceptances, and lists have an eighth: who looks after payments, or logs in to stop them, finds
 * room. Goes on by job_submit or job_drop. Its question is not cleared. */
struct job *job_take(struct jobs *jobs, enum job_kind kind);
void job_drop(struct jobs *jobs, struct job *job);
/* Sends it off. job->answer is called once, later, and must not keep the job. */
void job_submit(struct jobs *jobs, struct job *job);
/* Answers the jobs whose time is up with STORE_UNAVAILABLE. Call it a few times a second. One that
 * the store thread is at work on may still be carried out: the client asks again with its key. */
void jobs_expire(struct jobs *jobs);
size_t jobs_under_way(const struct jobs *jobs);

#endif
