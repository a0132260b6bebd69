#include "service/api/shared.h"

#include "base/check.h"
#include "service/api/copies.h"
#include "service/api/rate.h"
#include "service/api/view.h"

#include <stdlib.h>
#include <string.h>

#define VIEWS_MAX (WORK_JOBS_MAX - BATCH_MAX) /* the other jobs of one call */

_Static_assert(WORK_JOBS_MAX <= CACHE_BATCH_MAX, "all jobs of a call are one call of the cache");

struct note {
	struct cache_copy copy;
	char key[COPY_KEY_MAX];
	struct buf value; /* of its own memory */
};

/* The buckets of some jobs, and whose each is. */
struct counting {
	size_t len;
	struct rate_take takes[CACHE_BATCH_MAX];
	struct job *jobs[CACHE_BATCH_MAX];
};

struct shared {
	struct api_options options;
	struct counting counting;
	struct metric *hits, *misses;
	struct note notes[VIEWS_MAX];
	size_t notes_len;
	char keys[VIEWS_MAX][COPY_KEY_MAX]; /* of one shared_answer */
	char values[VIEWS_MAX][CACHE_VALUE_MAX];
};

struct shared *shared_new(const struct api_options *options)
{
	if (options->cache == NULL)
		return NULL;
	struct shared *shared = calloc(1, sizeof *shared);
	CHECK(shared != NULL);
	shared->options = *options;
	shared->hits = metric_add(options->metrics, METRIC_COUNTER, "sluice_api_copies_total",
				  "result=\"hit\"", "Views, by whether there was a copy.");
	shared->misses = metric_add(options->metrics, METRIC_COUNTER, "sluice_api_copies_total",
				    "result=\"miss\"", "Views, by whether there was a copy.");
	return shared;
}

void shared_free(struct shared *shared)
{
	if (shared == NULL)
		return;
	for (size_t i = 0; i < VIEWS_MAX; i++)
		buf_free(&shared->notes[i].value);
	free(shared);
}

/* ---- limits ---- */

/* A job that loads a key has no caller yet: it counts for the address alone, as a guess would. What
 * a replica did not answer was counted there, and what people log in by has limits of its own. */
static unsigned scopes_of(const struct job *job)
{
	if (job->is_judged || job->kind == JOB_KEYS_USED || job->kind == JOB_PEOPLE)
		return 0;
	unsigned of_address = job->is_address_judged ? 0 : 1u << RATE_ADDRESS;
	unsigned of_caller = job->kind == JOB_KEY ? 0 : 1u << RATE_KEY | 1u << RATE_ACCOUNT;
	return of_address | of_caller;
}

static void counting_judge(struct shared *shared, struct counting *counting)
{
	struct cache_bucket buckets[CACHE_BATCH_MAX];
	size_t len = counting->len;
	for (size_t i = 0; i < len; i++)
		buckets[i] = counting->takes[i].bucket;
	counting->len = 0;
	if (len == 0 || !cache_take_many(shared->options.cache, buckets, len, NULL))
		return;
	for (size_t i = 0; i < len; i++) {
		struct job *job = counting->jobs[i];
		job->rate = rate_state_stricter(
			job->rate, rate_state_of(counting->takes[i].scope, &buckets[i]));
		if (!buckets[i].taken)
			job->problem = PROBLEM_RATE_LIMITED;
	}
}

void shared_judge(struct shared *shared, struct job **jobs, size_t n)
{
	if (shared == NULL)
		return;
	struct counting *counting = &shared->counting;
	counting->len = 0;
	for (size_t i = 0; i < n; i++) {
		const struct rate_subject subject = { &jobs[i]->by, jobs[i]->from };
		if (counting->len > CACHE_BATCH_MAX - RATE_SCOPES)
			counting_judge(shared, counting);
		size_t more = rate_takes(&shared->options.rates, scopes_of(jobs[i]), &subject,
					 counting->takes + counting->len);
		for (size_t k = 0; k < more; k++)
			counting->jobs[counting->len++] = jobs[i];
	}
	counting_judge(shared, counting);
}

/* ---- copies ---- */

static bool wants_copy(const struct shared *shared, const struct job *job)
{
	return shared != NULL && shared->options.copy_life_ms > 0 && job->kind == JOB_VIEW &&
	       !job->wants_row && job->problem == PROBLEM_NONE;
}

/* Of the account, or for who may see all: as of a row of the store. */
static bool may_see(const struct job *job, const struct copy *copy)
{
	char account[ACCOUNT_LEN_MAX + 1];
	return str_copy(copy->account, account, sizeof account) &&
	       principal_reaches(&job->by, PERMISSION_WITHDRAWALS_READ, account);
}

static void take_copy(struct shared *shared, struct job *job, struct str value)
{
	const struct api_options *options = &shared->options;
	struct copy copy;
	bool is_hit =
		value.len > 0 &&
		copy_read(value, job->withdrawal, &options->identity_keys, options->deployment,
			  clock_now_ms(options->clock), options->copy_life_ms, &copy) &&
		may_see(job, &copy);
	metric_count(is_hit ? shared->hits : shared->misses, 1);
	if (!is_hit)
		return;
	job->status = 200;
	job->body = buf_new(copy.body.len);
	buf_str(&job->body, copy.body);
	job->is_answered = true;
}

void shared_answer(struct shared *shared, struct job **jobs, size_t n)
{
	struct job *views[VIEWS_MAX];
	struct str keys[VIEWS_MAX];
	struct buf values[VIEWS_MAX];
	size_t len = 0;
	for (size_t i = 0; i < n && len < VIEWS_MAX; i++) {
		if (!wants_copy(shared, jobs[i]))
			continue;
		struct buf key = buf_of(shared->keys[len], sizeof shared->keys[len]);
		copy_key_write(jobs[i]->withdrawal, &key);
		keys[len] = buf_view(&key);
		values[len] = buf_of(shared->values[len], sizeof shared->values[len]);
		views[len++] = jobs[i];
	}
	if (len == 0 || !cache_get_many(shared->options.cache, keys, len, values, NULL))
		return;
	for (size_t i = 0; i < len; i++)
		take_copy(shared, views[i], buf_view(&values[i]));
}

void shared_note(struct shared *shared, const struct job *job, const struct withdrawal *row)
{
	/* A row without an account was edited, and nobody's copy. */
	if (!wants_copy(shared, job) || shared->notes_len == VIEWS_MAX ||
	    row->intent.account[0] == 0)
		return;
	const struct api_options *options = &shared->options;
	struct note *note = &shared->notes[shared->notes_len++];
	const struct copy copy = { .withdrawal = row->intent.id,
				   .version = row->version,
				   .made_ms = clock_now_ms(options->clock),
				   .account = str_from(row->intent.account),
				   .body = buf_view(&job->body) };
	struct buf key = buf_of(note->key, sizeof note->key);
	copy_key_write(row->intent.id, &key);
	if (note->value.cap == 0)
		note->value = buf_new(CACHE_VALUE_MAX);
	buf_reset(&note->value);
	copy_write(&copy, &options->identity_keys, options->deployment, &note->value);
	CHECK(!key.overflow && !note->value.overflow);
	note->copy = (struct cache_copy){ buf_view(&key), row->version, buf_view(&note->value),
					  options->copy_life_ms };
}

void shared_keep(struct shared *shared)
{
	struct cache_copy copies[VIEWS_MAX];
	if (shared == NULL || shared->notes_len == 0)
		return;
	for (size_t i = 0; i < shared->notes_len; i++)
		copies[i] = shared->notes[i].copy;
	/* Who cannot keep them asks the store again. */
	(void)!cache_put_many(shared->options.cache, copies, shared->notes_len, NULL);
	shared->notes_len = 0;
}
