/* The client: asks for withdrawals with a key each, repeats what was not answered with the same
 * key, keeps a list of every 202, and now and then changes its mind or cannot wait. */
#include "sim/world.h"

#include "service/api/request.h"
#include "service/api/work.h"

#include <stdio.h>
#include <string.h>

#define GAP_MS_MAX    900
#define AGAIN_MS_MIN  200
#define AGAIN_MS_MAX  5000
#define CANCEL_MS_MAX 30000
#define REPEATS_MAX   2
#define CANCEL_SHARE  120 /* per mille */
#define HURRY_SHARE   250
#define HURRY_MS_MAX  20000
#define HURRY_AGAIN   2500 /* most ms until it asks again */
#define HURRY_TRIES   20
#define REPEAT_SHARE  200
#define ODD_SHARE     60
#define FLIP_SHARE    80
#define FLIPS_MAX     20 /* blocks while it is assigned */
#define TOKEN_SHARE   450

/* Those of a client that waits, while a process stands still, are not to be touched. */
static struct job *jobs_of(struct sim_world *world)
{
	return world->jobs + world->depth * SIM_JOBS;
}

static void receiver_plan(struct sim_world *world, struct sim_order *order)
{
	struct sim_receiver odd = { 0 };
	if (!sim_has(world, SIM_FAMILY_RECEIVER))
		return;
	if (sim_chance(world, FLIP_SHARE)) {
		order->flips = (unsigned)sim_between(world, 1, FLIPS_MAX);
		order->is_fickle = true;
		return;
	}
	if (!sim_chance(world, ODD_SHARE))
		return;
	order->causes |= SIM_CAUSE_RECEIVER;
	bool is_token = order->asset > 0;
	if (!is_token)
		odd.reverts = true;
	else if (sim_chance(world, 500))
		odd.blocked = true;
	else
		odd.token_mode = (enum sim_token_mode)sim_between(world, SIM_TOKEN_SAYS_FALSE,
								  SIM_TOKEN_MODES - 1);
	sim_chain_receiver_set(world->model, order->to, &odd);
}

static void order_plan(struct sim_world *world, struct sim_order *order, int64_t at)
{
	*order = (struct sim_order){ .post_at = at };
	(void)snprintf(order->key, sizeof order->key, "order-%zu", world->orders_len);
	order->asset = sim_chance(world, TOKEN_SHARE) ? 1 : 0;
	sim_random_fill(&world->random, order->to.bytes, sizeof order->to.bytes);
	order->amount.units = u256_from_u64((uint64_t)sim_between(world, 1000, 100000000));
	if (sim_has(world, SIM_FAMILY_CANCEL) && sim_chance(world, CANCEL_SHARE))
		order->cancel_at = at + sim_between(world, 0, CANCEL_MS_MAX);
	if (sim_has(world, SIM_FAMILY_CANCEL) && sim_chance(world, HURRY_SHARE)) {
		order->hurry_at = at + sim_between(world, 0, HURRY_MS_MAX);
		order->hurries_left = (unsigned)sim_between(world, 1, HURRY_TRIES);
	}
	if (sim_chance(world, REPEAT_SHARE))
		order->repeats_left = (unsigned)sim_between(world, 1, REPEATS_MAX);
	receiver_plan(world, order);
}

void sim_client_plan(struct sim_world *world)
{
	int64_t at = world->now_ms;
	int64_t gap = sim_between(world, 10, GAP_MS_MAX);
	for (unsigned i = 0; i < world->options->withdrawals; i++) {
		at += sim_between(world, 0, gap);
		order_plan(world, &world->orders[world->orders_len], at);
		world->orders_len++;
	}
}

static int64_t order_next(const struct sim_order *order)
{
	int64_t next = INT64_MAX;
	if (!order->accepted || order->repeats_left > 0)
		next = order->post_at;
	if (order->accepted && order->cancel_at > 0 && order->cancel_at < next)
		next = order->cancel_at;
	if (order->accepted && order->hurries_left > 0 && order->hurry_at < next)
		next = order->hurry_at;
	return next;
}

int64_t sim_client_next(const struct sim_world *world)
{
	int64_t next = INT64_MAX;
	for (size_t i = 0; i < world->orders_len; i++) {
		int64_t at = order_next(&world->orders[i]);
		next = at < next ? at : next;
	}
	return next;
}

/* ---- asking ---- */

/* As the API server does with a body and its headers. */
static void accept_fill(struct sim_world *world, const struct sim_order *order, struct job *job)
{
	const struct asset *asset = &world->catalogue.assets[order->asset];
	struct mac_keys keys = { .keys = { { 1, world->keys_bytes[0] } }, .len = 1 };
	struct problem_report report;
	char text[512];
	struct buf body = buf_of(text, sizeof text);
	uint8_t random[10];
	buf_format(&body, "{\"chain\":\"sim\",\"asset\":\"%s\",\"to\":\"%s\",\"amount\":\"",
		   asset->symbol, address_text(order->to).at);
	amount_write(order->amount, asset->decimals, &body);
	buf_text(&body, "\"}");
	memset(job, 0, sizeof *job);
	job->kind = JOB_ACCEPT;
	CHECK(request_read(buf_view(&body), &world->catalogue, &job->accept, &report));
	entropy_fill(&world->entropy.base, random, sizeof random);
	struct request_origin origin = { .account = "default",
					 .created_by = "sim",
					 .key_owner = "",
					 .idempotency_key = str_from(order->key),
					 .correlation_id = order->key,
					 .id = id_make(world->now_ms, random),
					 .now_ms = world->now_ms,
					 .deployment = world->deployment,
					 .intent_keys = &keys };
	request_complete(&job->accept, &origin);
}

static void job_sign(struct job *job)
{
	(void)snprintf(job->by.account, sizeof job->by.account, "default");
	(void)snprintf(job->by.id, sizeof job->by.id, "sim");
}

static void answer_take(struct sim_world *world, struct sim_order *order, const struct job *job)
{
	struct id id = job->accept.intent.id;
	order->post_at = world->now_ms + sim_between(world, AGAIN_MS_MIN, AGAIN_MS_MAX);
	/* Switches that cannot be read are on: the intake is paused, and asked again. */
	if (job->problem == PROBLEM_STORE_UNAVAILABLE || job->problem == PROBLEM_INTAKE_PAUSED)
		return;
	if (job->problem != PROBLEM_NONE) {
		sim_fail(world, "accept", "%s was answered with %s", order->key,
			 problem_code(job->problem));
		return;
	}
	if (order->accepted && !id_equal(id, order->id)) {
		sim_fail(world, "T1", "%s has two ids, %s and %s", order->key,
			 id_text(order->id).at, id_text(id).at);
		return;
	}
	if (order->accepted) {
		order->repeats_left--;
		return;
	}
	order->accepted = true;
	order->id = id;
	world->summary->accepted++;
	sim_tell(world, "client: %s is %s", order->key, id_text(id).at);
}

static void orders_post(struct sim_world *world, struct sim_process *api)
{
	struct sim_order *asked[SIM_JOBS];
	struct job *jobs[SIM_JOBS];
	size_t n = 0;
	for (size_t i = 0; i < world->orders_len && n < SIM_JOBS; i++) {
		struct sim_order *order = &world->orders[i];
		bool wants = !order->accepted || order->repeats_left > 0;
		if (!wants || order->post_at > world->now_ms)
			continue;
		/* Now and then twice in one group commit. */
		for (int twice = sim_chance(world, 100) ? 2 : 1; twice > 0 && n < SIM_JOBS;
		     twice--) {
			jobs[n] = jobs_of(world) + n;
			accept_fill(world, order, jobs[n]);
			job_sign(jobs[n]);
			asked[n++] = order;
		}
		/* Without an answer it is repeated. */
		order->post_at = world->now_ms + sim_between(world, AGAIN_MS_MIN, AGAIN_MS_MAX);
	}
	if (n == 0 || !sim_process_answer(api, jobs, n))
		return;
	for (size_t i = 0; i < n; i++)
		if (!asked[i]->accepted || asked[i]->repeats_left > 0)
			answer_take(world, asked[i], jobs[i]);
}

static void cancel_post(struct sim_world *world, struct sim_process *api, struct sim_order *order)
{
	struct job *job = jobs_of(world);
	memset(job, 0, sizeof *job);
	job->kind = JOB_CANCEL;
	job->withdrawal = order->id;
	job_sign(job);
	order->cancel_at = 0;
	order->cancel_asked = true;
	sim_tell(world, "client: cancels %s", order->key);
	if (!sim_process_answer(api, &job, 1))
		return;
	if (job->problem == PROBLEM_STORE_UNAVAILABLE)
		order->cancel_at = world->now_ms + AGAIN_MS_MAX;
	buf_free(&job->body);
}

void sim_client_cancel(struct sim_world *world, struct sim_order *order)
{
	struct sim_process *api = sim_process_of_role(world, SIM_API);
	if (api != NULL)
		cancel_post(world, api, order);
}

static void cancels_post(struct sim_world *world)
{
	for (size_t i = 0; i < world->orders_len; i++) {
		struct sim_order *order = &world->orders[i];
		struct sim_process *api = sim_process_of_role(world, SIM_API);
		if (api == NULL)
			return;
		if (!order->accepted || order->cancel_at == 0 || order->cancel_at > world->now_ms)
			continue;
		cancel_post(world, api, order);
	}
}

/* Asks for more speed until there is nothing to speed up any more, or it has enough. */
static void hurry_answer(struct sim_world *world, struct sim_order *order, const struct job *job)
{
	order->hurry_at = world->now_ms + sim_between(world, AGAIN_MS_MIN, HURRY_AGAIN);
	order->hurries_left--;
	enum problem problem = job->problem;
	if (problem == PROBLEM_NONE) {
		world->summary->speed_ups++;
		sim_tell(world, "client: %s is to be sped up", order->key);
	} else if (problem == PROBLEM_TOO_LATE_TO_SPEED_UP || problem == PROBLEM_WITHDRAWAL_HELD) {
		order->hurry_at += HURRY_MS_MAX; /* a block may go away, a person may come */
	} else if (problem == PROBLEM_ALREADY_FINAL) {
		order->hurries_left = 0;
	} else if (problem != PROBLEM_STORE_UNAVAILABLE && problem != PROBLEM_NOT_SENT_YET) {
		sim_fail(world, "speed-up", "%s was answered with %s", order->key,
			 problem_code(problem));
	}
}

static void hurries_post(struct sim_world *world, struct sim_process *api)
{
	for (size_t i = 0; i < world->orders_len; i++) {
		struct sim_order *order = &world->orders[i];
		struct job *job = jobs_of(world);
		if (!order->accepted || order->hurries_left == 0 || order->hurry_at > world->now_ms)
			continue;
		memset(job, 0, sizeof *job);
		job->kind = JOB_SPEED_UP;
		job->withdrawal = order->id;
		job_sign(job);
		/* Without an answer it asks again. */
		order->hurry_at = world->now_ms + HURRY_AGAIN;
		if (!sim_process_answer(api, &job, 1))
			return;
		hurry_answer(world, order, job);
		buf_free(&job->body);
	}
}

void sim_client_redrive(struct sim_world *world)
{
	struct sim_process *api = sim_process_of_role(world, SIM_API);
	struct job *job = jobs_of(world);
	for (enum queue_name queue = QUEUE_REQUEST; api != NULL && queue <= QUEUE_MONITOR;
	     queue++) {
		memset(job, 0, sizeof *job);
		job->kind = JOB_REDRIVE;
		job->queue = queue;
		job_sign(job);
		if (!sim_process_answer(api, &job, 1))
			return;
		buf_free(&job->body);
	}
}

void sim_client_act(struct sim_world *world)
{
	struct sim_process *api = sim_process_of_role(world, SIM_API);
	if (api != NULL)
		orders_post(world, api);
	api = sim_process_of_role(world, SIM_API);
	if (api != NULL)
		cancels_post(world);
	api = sim_process_of_role(world, SIM_API);
	if (api != NULL)
		hurries_post(world, api);
	if (api != NULL)
		return;
	/* Nobody listens: it knocks again later. */
	for (size_t i = 0; i < world->orders_len; i++) {
		struct sim_order *order = &world->orders[i];
		if (order->post_at <= world->now_ms)
			order->post_at = world->now_ms + AGAIN_MS_MIN;
		if (order->cancel_at > 0 && order->cancel_at <= world->now_ms)
			order->cancel_at = world->now_ms + AGAIN_MS_MIN;
		if (order->hurries_left > 0 && order->hurry_at <= world->now_ms)
			order->hurry_at = world->now_ms + AGAIN_MS_MIN;
	}
}
