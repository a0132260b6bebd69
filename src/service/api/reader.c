#include "service/api/reader.h"

#include "base/check.h"
#include "port/replica.h"
#include "service/api/shared.h"

#include <stdlib.h>

struct reader {
	struct api_options options;
	struct shared *shared; /* for the limit alone; NULL without a cache */
	struct metric *age;
	struct store_view views[PAGE_MAX];
};

struct reader *reader_new(const struct api_options *options)
{
	struct reader *reader = calloc(1, sizeof *reader);
	CHECK(reader != NULL && options->replica != NULL && options->replica_age_ms > 0);
	reader->options = *options;
	reader->age = metric_add(options->metrics, METRIC_GAUGE, "sluice_replica_age_ms", "",
				 "How old the last list from the replica may have been at most.");
	struct api_options shared = *options;
	shared.cache = options->replica_cache;
	shared.metrics = NULL; /* the store thread's are the ones that count */
	reader->shared = shared_new(&shared);
	return reader;
}

void reader_free(struct reader *reader)
{
	if (reader != NULL)
		shared_free(reader->shared);
	free(reader);
}

static void fault(struct reader *reader, struct job *job, const struct err *err)
{
	struct log_about about = { .action = "replica_fault", .outcome = "failure", .err = err };
	log_line(reader->options.log, LOG_WARN, &about,
		 "the replica gives no list; the primary is asked");
	job->problem = PROBLEM_STORE_UNAVAILABLE;
}

/* A mark ahead of the clock is none of ours. */
static bool is_young(const struct reader *reader, int64_t mark_ms, int64_t *ret_age_ms)
{
	*ret_age_ms = clock_monotonic_ms(reader->options.clock) - mark_ms;
	return mark_ms > 0 && *ret_age_ms >= 0 && *ret_age_ms <= reader->options.replica_age_ms;
}

static void run_list(struct reader *reader, struct job *job)
{
	struct err err;
	struct store_page page;
	int64_t mark_ms;
	struct store_filter filter = list_query_filter(&job->list, &job->by);
	if (!replica_list(reader->options.replica, &filter, reader->views, &page, &mark_ms, &err)) {
		fault(reader, job, &err);
		return;
	}
	if (!is_young(reader, mark_ms, &job->age_ms)) {
		job->is_stale = true;
		job->problem = PROBLEM_STORE_UNAVAILABLE;
		return;
	}
	metric_set(reader->age, job->age_ms);
	job_answer_list(job, reader->views, &page, reader->options.catalogue);
}

void reader_run(struct reader *reader, struct job **jobs, size_t n)
{
	CHECK(n > 0 && n <= WORK_JOBS_MAX);
	shared_judge(reader->shared, jobs, n);
	for (size_t i = 0; i < n; i++) {
		CHECK(jobs[i]->kind == JOB_LIST);
		if (jobs[i]->problem == PROBLEM_NONE)
			run_list(reader, jobs[i]);
	}
}
