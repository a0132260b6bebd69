#include "cmd/sim_jobs.h"

#include "base/check.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRESS_EVERY_US 200000
#define STORY_BYTES       (1 << 20) /* the end of a story is written at once, not line by line */

/* What a process and the one that started it share. The summary and the error are read when it has
 * ended, the count at any time. */
struct job {
	struct sim_summary summary;
	_Atomic uint64_t done; /* seeds */
	bool failed;
	struct err err;
	pid_t pid; /* 0: it has ended */
};

static void progress(uint64_t done, uint64_t seeds)
{
	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " seeds%s", done, seeds,
			      done == seeds ? "\n" : "");
}

static void job_run(struct job *job, struct sim_options options, uint64_t seeds, unsigned first,
		    unsigned step, bool tells)
{
	options.seed += first;
	for (uint64_t i = first; i < seeds; i += step, options.seed += step) {
		if (!sim_run(&options, &job->summary, &job->err)) {
			job->failed = true;
			return;
		}
		(void)atomic_fetch_add(&job->done, 1);
		if (tells)
			progress(i + 1, seeds);
	}
}

static bool job_start(struct job *job, const struct sim_options *options, uint64_t seeds,
		      unsigned first, unsigned jobs, struct err *err)
{
	pid_t parent = getpid();
	(void)fflush(NULL);
	pid_t pid = fork(); /* the job is shared: the child has to leave its number alone */
	if (pid < 0)
		return err_set(err, ERR_NOT_DONE, "fork: %s", strerror(errno));
	if (pid > 0) {
		job->pid = pid;
		return true;
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(1);
	(void)setvbuf(stderr, NULL, _IOFBF, STORY_BYTES);
	job_run(job, *options, seeds, first, jobs, false);
	(void)fflush(NULL);
	_exit(0);
}

/* A process that died by itself (a broken invariant) is a find too. */
static bool job_judge(const struct job *job, int status, struct err *err)
{
	if (job->failed) {
		*err = job->err;
		return false;
	}
	if (status != 0)
		return err_set(
			err, ERR_REFUSED,
			"a process of the simulator died (status %d) behind its first %" PRIu64
			" seeds",
			status, job->summary.seeds);
	return true;
}

static struct job *job_of(struct job *all, unsigned jobs, pid_t pid)
{
	for (unsigned i = 0; i < jobs; i++)
		if (all[i].pid == pid)
			return &all[i];
	return NULL;
}

static void jobs_end(struct job *all, unsigned jobs)
{
	for (unsigned i = 0; i < jobs; i++)
		if (all[i].pid > 0) {
			(void)kill(all[i].pid, SIGKILL);
			(void)waitpid(all[i].pid, NULL, 0);
		}
}

static void jobs_progress(struct job *all, unsigned jobs, uint64_t seeds)
{
	uint64_t done = 0;
	for (unsigned i = 0; i < jobs; i++)
		done += atomic_load(&all[i].done);
	progress(done, seeds);
}

static bool jobs_wait(struct job *all, unsigned jobs, uint64_t seeds, struct err *err)
{
	for (unsigned running = jobs; running > 0;) {
		int status = 0;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		struct job *job = pid > 0 ? job_of(all, jobs, pid) : NULL;
		jobs_progress(all, jobs, seeds);
		if (job == NULL) {
			(void)usleep(PROGRESS_EVERY_US);
			continue;
		}
		job->pid = 0;
		running--;
		if (!job_judge(job, status, err))
			return false;
	}
	return true;
}

static bool jobs_start(struct job *all, unsigned jobs, const struct sim_options *options,
		       uint64_t seeds, struct err *err)
{
	for (unsigned i = 0; i < jobs; i++)
		if (!job_start(&all[i], options, seeds, i, jobs, err))
			return false;
	return true;
}

bool sim_jobs_run(const struct sim_options *options, uint64_t seeds, unsigned jobs,
		  struct sim_summary *ret_summary, struct err *err)
{
	CHECK(jobs >= 1 && jobs <= SIM_JOBS_MAX);
	size_t bytes = jobs * sizeof(struct job);
	struct job *all =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		return err_set(err, ERR_NOT_DONE, "mmap: %s", strerror(errno));
	bool ok;
	if (jobs == 1) {
		job_run(&all[0], *options, seeds, 0, 1, true);
		ok = job_judge(&all[0], 0, err);
	} else {
		ok = jobs_start(all, jobs, options, seeds, err) && jobs_wait(all, jobs, seeds, err);
		jobs_end(all, jobs);
	}
	*ret_summary = (struct sim_summary){ 0 };
	for (unsigned i = 0; i < jobs; i++)
		sim_summary_add(ret_summary, &all[i].summary);
	(void)munmap(all, bytes);
	return ok;
}
