/* The work thread of processor, signer and monitor: step after step, each bounded; a fault of a
 * neighbour is logged once and tried again with growing pauses. */
#include "cmd/role.h"

#include "adapter/chain_gate.h"
#include "cmd/notify.h"
#include "cmd/stop_signal.h"
#include "core/retry.h"

#include <stdio.h>
#include <string.h>

#define PROVE_INTERVAL_MS 1000

static const struct retry_policy fault_policy = { .first_ms = 50, .max_ms = 5000 };

struct work_state {
	struct role_parts *parts;
	const struct role_work *work;
	bool proved[CHAINS_MAX];
	int64_t prove_at; /* monotonic */
	uint32_t faults;  /* steps that failed in a row */
	int64_t fault_since;
	char fault_text[ERR_TEXT_LEN]; /* logged already */
	bool was_ready;
	struct metric *steps_done;
	struct metric *steps_failed;
};

/* Opens the gates of chains whose nodes were away. False: a node is of another chain. */
static bool chains_prove(struct work_state *state, struct err *err)
{
	struct role_parts *parts = state->parts;
	int64_t now = clock_monotonic_ms(&parts->clock);
	bool is_time = now >= state->prove_at;
	if (is_time)
		state->prove_at = now + PROVE_INTERVAL_MS;
	for (size_t i = 0; i < CHAINS_MAX; i++) {
		struct err why = { 0 };
		if (parts->chains[i] == NULL)
			continue;
		if (chain_gate_is_mismatch(parts->chains[i], err))
			return false;
		if (state->proved[i] || !is_time)
			continue;
		health_beat(&parts->health, clock_monotonic_ms(&parts->clock));
		enum chain_gate_state gate = chain_gate_prove(parts->chains[i], &why);
		if (gate == CHAIN_GATE_MISMATCH) {
			*err = why;
			return false;
		}
		state->proved[i] = gate == CHAIN_GATE_OPEN;
		health_part_set(&parts->health, parts->health_chains[i], state->proved[i],
				state->proved[i] ? "" : why.text);
	}
	return true;
}

static void ready_tell(struct work_state *state)
{
	struct role_parts *parts = state->parts;
	if (state->was_ready || !health_is_ready(&parts->health))
		return;
	struct log_about about = { .action = "role_ready" };
	char status[96];
	state->was_ready = true;
	(void)snprintf(status, sizeof status, "ops http://%s", role_ops_address(parts->ops));
	notify_ready(status);
	log_line(&parts->log, LOG_INFO, &about, "%s is ready", parts->service);
}

static void step_succeeded(struct work_state *state)
{
	struct role_parts *parts = state->parts;
	metric_count(state->steps_done, 1);
	if (state->faults > 0) {
		struct log_about about = { .action = "work_recovered" };
		log_line(&parts->log, LOG_INFO, &about,
			 "working again after %u failed steps in %lld ms", state->faults,
			 (long long)(clock_monotonic_ms(&parts->clock) - state->fault_since));
		state->faults = 0;
		state->fault_text[0] = '\0';
	}
	health_part_set(&parts->health, parts->health_work, true, "");
}

/* Logs what is new, and waits. */
static void step_failed(struct work_state *state, const struct err *err)
{
	struct role_parts *parts = state->parts;
	uint32_t random;
	metric_count(state->steps_failed, 1);
	if (strcmp(state->fault_text, err->text) != 0) {
		struct log_about about = { .action = "step_failed",
					   .outcome = err->kind == ERR_MAYBE_DONE ? "unknown"
										  : "failure",
					   .err = err };
		log_line(&parts->log, LOG_WARN, &about, "a step failed: %s", err->text);
		memcpy(state->fault_text, err->text, sizeof state->fault_text);
	}
	if (state->faults == 0)
		state->fault_since = clock_monotonic_ms(&parts->clock);
	health_part_set(&parts->health, parts->health_work, false, err->text);
	entropy_fill(&parts->entropy, &random, sizeof random);
	stop_signal_sleep(retry_delay_ms(&fault_policy, state->faults++, random));
}

static void work_wait(struct work_state *state)
{
	const struct role_work *work = state->work;
	int64_t idle_ms = work->idle_ms(work->self);
	if (work->wait == NULL || !work->wait(work->self, idle_ms))
		(void)queue_wait(state->parts->opened.queue, work->queue, idle_ms);
}

bool role_work_run(struct role_parts *parts, const struct role_work *work, struct err *err)
{
	struct work_state state = { .parts = parts, .work = work };
	state.steps_done = metric_add(parts->metrics, METRIC_COUNTER, "sluice_steps_total",
				      "outcome=\"done\"", "Steps of the work thread.");
	state.steps_failed = metric_add(parts->metrics, METRIC_COUNTER, "sluice_steps_total",
					"outcome=\"failed\"", "Steps of the work thread.");
	stop_signal_release(NULL);
	while (!stop_signal_came()) {
		struct err fault = { 0 };
		bool worked = false;
		health_beat(&parts->health, clock_monotonic_ms(&parts->clock));
		if (!chains_prove(&state, err))
			return false;
		health_beat(&parts->health, clock_monotonic_ms(&parts->clock));
		if (!work->step(work->self, &worked, &fault)) {
			step_failed(&state, &fault);
			continue;
		}
		step_succeeded(&state);
		ready_tell(&state);
		if (!worked && !stop_signal_came())
			work_wait(&state);
	}
	return true;
}
