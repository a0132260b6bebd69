/* Jobs against the store. Called by jobs.c on the store thread; what it writes is answered by
 * http_*.c. Acceptances of one call share a transaction; all else is one store call or two. */
#include "service/api/work.h"

#include "base/check.h"
#include "base/defence.h"
#include "base/json.h"
#include "port/replica.h"
#include "port/store_control.h"
#include "port/store_recover.h"
#include "service/api/account_gate.h"
#include "service/api/intake.h"
#include "service/api/shared.h"
#include "service/api/view.h"

#include <stdlib.h>
#include <string.h>

#define CHANGE_TRIES     4  /* the row moves under us at most this often */
#define REDRIVE_ROUNDS   16 /* of BATCH_MAX: more is another request */
#define BALANCES_MAX     (WALLETS_MAX * ASSETS_MAX)
#define LIST_FRAME_MAX   256 /* what stands around the items */
#define QUEUES_BYTES_MAX (8 * VIEW_QUEUE_MAX)
#define MARK_MS          500 /* between two marks; an idle thread makes one at each probe */

/* Large, but only touched as far as it is used. */
struct work {
	struct api_options options;
	struct shared *shared; /* NULL without a cache */
	struct intake *intake;
	struct account_gate *gate;
	atomic_int_least64_t answered_ms;
	int64_t marked_ms; /* when it last tried to; monotonic */
	struct metric *accepts[STORE_ID_TAKEN + 1];
	struct metric *batches;
	struct metric *batch_seconds;
	struct metric *faults;
	struct store_accept items[BATCH_MAX];
	struct store_view views[PAGE_MAX];
	struct store_event events[PAGE_MAX];
	struct wallet wallets[WALLETS_MAX];
	struct store_balance balances[BALANCES_MAX];
	struct transfer transfers[IN_FLIGHT_MAX];
};

static void add_metrics(struct work *work)
{
	struct metrics *metrics = work->options.metrics;
	static const char *const results[] = {
		[STORE_ACCEPTED] = "result=\"accepted\"",
		[STORE_REPLAYED] = "result=\"replayed\"",
		[STORE_KEY_REUSED] = "result=\"key_reused\"",
		[STORE_EXTERNAL_ID_TAKEN] = "result=\"external_id_taken\"",
		[STORE_ID_TAKEN] = "result=\"id_taken\"",
	};
	for (int i = STORE_ACCEPTED; i <= STORE_ID_TAKEN; i++)
		work->accepts[i] = metric_add(metrics, METRIC_COUNTER, "sluice_accepts_total",
					      results[i], "Withdrawals that were asked for.");
	work->batches = metric_add(metrics, METRIC_COUNTER, "sluice_accept_batches_total", "",
				   "Transactions that accepted withdrawals.");
	work->batch_seconds = metric_add(metrics, METRIC_HISTOGRAM, "sluice_accept_batch_seconds",
					 "", "Time of a transaction that accepts withdrawals.");
	work->faults = metric_add(metrics, METRIC_COUNTER, "sluice_api_store_faults_total", "",
				  "Jobs that the store did not answer.");
}

struct work *work_new(const struct api_options *options)
{
	struct work *work = calloc(1, sizeof *work);
	CHECK(work != NULL);
	work->options = *options;
	/* Ready only once the store has answered. */
	atomic_init(&work->answered_ms, INT64_MIN / 2);
	work->marked_ms = INT64_MIN / 2;
	add_metrics(work);
	work->shared = shared_new(options);
	work->intake = intake_new(&work->options);
	work->gate = account_gate_new(&work->options);
	return work;
}

void work_free(struct work *work)
{
	if (work != NULL) {
		shared_free(work->shared);
		intake_free(work->intake);
		account_gate_free(work->gate);
	}
	free(work);
}

static void note_answer(struct work *work)
{
	atomic_store_explicit(&work->answered_ms, clock_monotonic_ms(work->options.clock),
			      memory_order_relaxed);
}

int64_t work_answered_ms(const struct work *work)
{
	return atomic_load_explicit(&work->answered_ms, memory_order_relaxed);
}

/* The store did not answer these jobs. */
static void fault_all(struct work *work, struct job **jobs, size_t n, const struct err *err)
{
	struct log_about about = { .action = "store_fault", .outcome = "failure", .err = err };
	metric_count(work->faults, (int64_t)n);
	log_line(work->options.log, LOG_WARN, &about, "%zu requests get 503, among them %s", n,
		 jobs[0]->request_id);
	for (size_t i = 0; i < n; i++)
		jobs[i]->problem = PROBLEM_STORE_UNAVAILABLE;
}

static void fault(struct work *work, struct job *job, const struct err *err)
{
	fault_all(work, &job, 1, err);
}

static struct store_by by_of(struct work *work, const struct job *job)
{
	return (struct store_by){ .actor = ACTOR_API,
				  .who = job->by.id,
				  .request_id = job->request_id,
				  .now_ms = clock_now_ms(work->options.clock) };
}

/* ---- acceptances ---- */

static void take_result(struct work *work, struct job *job, const struct store_accept *item)
{
	job->accepted = item->result;
	metric_count(work->accepts[item->result], 1);
	switch (item->result) {
	case STORE_ACCEPTED:
		return;
	case STORE_REPLAYED:
		job->accept = item->existing;
		return;
	case STORE_KEY_REUSED:
		job->problem = PROBLEM_IDEMPOTENCY_KEY_REUSED;
		return;
	case STORE_EXTERNAL_ID_TAKEN:
		job->problem = PROBLEM_EXTERNAL_ID_TAKEN;
		job->existing = item->existing.intent.id;
		return;
	case STORE_ID_TAKEN: /* the repeat gets a new id */
		job->problem = PROBLEM_STORE_UNAVAILABLE;
		return;
	}
	CHECK(false);
}

static void run_accepts(struct work *work, struct job **jobs, size_t n)
{
	struct err err;
	int64_t before_ms = clock_monotonic_ms(work->options.clock);
	CHECK(n > 0 && n <= BATCH_MAX);
	for (size_t i = 0; i < n; i++) {
		work->items[i].withdrawal = jobs[i]->accept;
		work->items[i].who = jobs[i]->by.id;
	}
	if (!store_accept_withdrawals(work->options.store, work->items, n, &err)) {
		fault_all(work, jobs, n, &err);
		return;
	}
	note_answer(work);
	bool is_new = false;
	for (size_t i = 0; i < n; i++) {
		take_result(work, jobs[i], &work->items[i]);
		is_new = is_new || work->items[i].result == STORE_ACCEPTED;
	}
	if (is_new)
		queue_notify(work->options.queue, QUEUE_REQUEST);
	metric_count(work->batches, 1);
	metric_observe_us(work->batch_seconds,
			  (clock_monotonic_ms(work->options.clock) - before_ms) * 1000);
}

/* What was accepted before is answered: who hears "no" of it would pay in another way. */
static void run_refused(struct work *work, struct job *job, enum problem problem)
{
	struct store_accept *item = &work->items[0];
	const struct intent *ours = &job->accept.intent;
	struct err err;
	bool found = false;
	if (!store_withdrawal_of_key(work->options.store, ours->key_hash, &item->existing, &found,
				     &err)) {
		fault(work, job, &err);
		return;
	}
	note_answer(work);
	job->problem = found ? PROBLEM_NONE : problem;
	if (!found)
		return;
	bool same = memcmp(ours->fingerprint, item->existing.intent.fingerprint,
			   sizeof ours->fingerprint) == 0;
	item->result = same ? STORE_REPLAYED : STORE_KEY_REUSED;
	take_result(work, job, item);
}

/* Of accounts that take in nothing, or paused; the others stay, and how many those are. */
static size_t refused_answer(struct work *work, struct job **jobs, size_t n)
{
	size_t kept = 0;
	intake_look(work->intake);
	for (size_t i = 0; i < n; i++) {
		const struct intent *intent = &jobs[i]->accept.intent;
		enum problem problem = account_gate_judge(work->gate, intent->account);
		if (problem == PROBLEM_NONE && intake_is_paused(work->intake, intent))
			problem = PROBLEM_INTAKE_PAUSED;
		if (problem == PROBLEM_NONE)
			jobs[kept++] = jobs[i];
		else
			run_refused(work, jobs[i], problem);
	}
	return kept;
}

/* ---- reading ---- */

static struct buf *start_body(struct job *job, unsigned status, size_t cap)
{
	job->status = status;
	job->body = buf_new(cap);
	return &job->body;
}

/* What a job that is about one withdrawal does to it. */
static enum permission permission_of(const struct job *job)
{
	switch (job->kind) {
	case JOB_VIEW:
		return PERMISSION_WITHDRAWALS_READ;
	case JOB_EVENTS:
		return PERMISSION_EVENTS_READ;
	case JOB_CANCEL:
		return PERMISSION_WITHDRAWALS_CANCEL;
	case JOB_SPEED_UP:
		return PERMISSION_WITHDRAWALS_SPEED_UP;
	case JOB_RESOLVE:
		return PERMISSION_WITHDRAWALS_RESOLVE;
	case JOB_ACCEPT:
	case JOB_LIST:
	case JOB_LIST_ONE:
	case JOB_WALLETS:
	case JOB_QUEUES:
	case JOB_REDRIVE:
	case JOB_KEY:
	case JOB_PEOPLE:
	case JOB_DESK:
	case JOB_KEYS_USED:
		break;
	}
	CHECK(false);
}

/* Loads the job's withdrawal into views[0]; false when the job is answered. A withdrawal of another
 * account is not there. */
static bool load_view(struct work *work, struct job *job)
{
	struct err err;
	bool found;
	struct store_view *view = &work->views[0];
	if (!store_withdrawal_view(work->options.store, job->withdrawal, view, &found, &err)) {
		fault(work, job, &err);
		return false;
	}
	note_answer(work);
	if (found &&
	    principal_reaches(&job->by, permission_of(job), view->withdrawal.intent.account))
		return true;
	job->problem = PROBLEM_WITHDRAWAL_UNKNOWN;
	return false;
}

static void answer_view(struct work *work, struct job *job, unsigned status)
{
	view_write_withdrawal(&work->views[0], work->options.catalogue,
			      start_body(job, status, VIEW_WITHDRAWAL_MAX));
}

static void run_view(struct work *work, struct job *job)
{
	if (!load_view(work, job))
		return;
	const struct withdrawal *row = &work->views[0].withdrawal;
	answer_view(work, job, 200);
	job->version = row->version;
	job->is_final = lifecycle_is_terminal(row->stage);
	shared_note(work->shared, job, row);
}

void job_answer_list(struct job *job, const struct store_view *views, const struct store_page *page,
		     const struct catalogue *catalogue)
{
	struct buf *out = start_body(job, 200, page->len * VIEW_WITHDRAWAL_MAX + LIST_FRAME_MAX);
	buf_text(out, "{\"items\":[");
	for (size_t i = 0; i < page->len; i++) {
		if (i > 0)
			buf_byte(out, ',');
		view_write_withdrawal(&views[i], catalogue, out);
	}
	buf_text(out, "]");
	if (page->has_next) {
		json_write_name(out, "next_cursor");
		buf_byte(out, '"');
		cursor_write(page->next, out);
		buf_byte(out, '"');
	} else {
		json_write_member_null(out, "next_cursor");
	}
	buf_text(out, "}");
}

static void run_list(struct work *work, struct job *job)
{
	struct err err;
	struct store_page page;
	struct store_filter filter = list_query_filter(&job->list, &job->by);
	if (!store_withdrawals_list(work->options.store, &filter, work->views, &page, &err)) {
		fault(work, job, &err);
		return;
	}
	note_answer(work);
	job_answer_list(job, work->views, &page, work->options.catalogue);
}

static void run_events(struct work *work, struct job *job)
{
	struct err err;
	size_t len;
	if (!load_view(work, job))
		return;
	if (!store_events_list(work->options.store, job->withdrawal, job->events.after,
			       work->events, job->events.limit, &len, &err)) {
		fault(work, job, &err);
		return;
	}
	struct buf *out = start_body(job, 200, len * VIEW_EVENT_MAX + LIST_FRAME_MAX);
	buf_text(out, "{\"items\":[");
	for (size_t i = 0; i < len; i++) {
		if (i > 0)
			buf_byte(out, ',');
		view_write_event(&work->events[i], out);
	}
	buf_text(out, "]");
	if (len == job->events.limit)
		json_write_member_u64(out, "next_after", work->events[len - 1].sequence);
	else
		json_write_member_null(out, "next_after");
	buf_text(out, "}");
}

static bool count_in_flight(struct work *work, int64_t wallet_id, size_t *ret_len, struct err *err)
{
	struct store_transfer_filter filter = { .wallet_id = wallet_id,
						.first = TRANSFER_RESERVED,
						.last = TRANSFER_BROADCAST,
						.mined_block_max = UINT64_MAX,
						.limit = IN_FLIGHT_MAX };
	return store_transfers_load(work->options.store, &filter, work->transfers, ret_len, err);
}

static bool write_wallets(struct work *work, struct job *job, size_t wallets_len,
			  size_t balances_len, struct err *err)
{
	const struct catalogue *catalogue = work->options.catalogue;
	struct buf *out = start_body(job, 200,
				     wallets_len * VIEW_WALLET_MAX +
					     balances_len * VIEW_BALANCE_MAX + LIST_FRAME_MAX);
	buf_text(out, "{\"items\":[");
	for (size_t i = 0; i < wallets_len; i++) {
		const struct wallet *wallet = &work->wallets[i];
		const struct wallet_params *params =
			catalogue_wallet(catalogue, wallet->chain_id, wallet->address);
		struct view_wallet view = { .wallet = wallet,
					    .in_flight_max =
						    params != NULL ? params->in_flight_max : 0,
					    .balances = work->balances,
					    .balances_len = balances_len };
		if (!count_in_flight(work, wallet->id, &view.in_flight, err))
			return false;
		if (i > 0)
			buf_byte(out, ',');
		view_write_wallet(&view, catalogue, out);
	}
	buf_text(out, "]}");
	return true;
}

static void run_wallets(struct work *work, struct job *job)
{
	struct err err;
	size_t wallets_len, balances_len;
	struct store *store = work->options.store;
	if (!store_wallets_load(store, work->wallets, WALLETS_MAX, &wallets_len, &err) ||
	    !store_balances_list(store, work->balances, BALANCES_MAX, &balances_len, &err) ||
	    !write_wallets(work, job, wallets_len, balances_len, &err))
		fault(work, job, &err);
	else
		note_answer(work);
}

static void run_queues(struct work *work, struct job *job)
{
	static const enum queue_name names[] = { QUEUE_REQUEST, QUEUE_SIGNING, QUEUE_MONITOR };
	struct err err;
	struct queue_stats stats, dlq;
	struct buf *out = start_body(job, 200, QUEUES_BYTES_MAX);
	buf_text(out, "{\"items\":[");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		enum queue_name dlq_name = (enum queue_name)(names[i] + QUEUE_DLQ_OFFSET);
		if (!queue_stats(work->options.queue, names[i], &stats, &err) ||
		    !queue_stats(work->options.queue, dlq_name, &dlq, &err)) {
			fault(work, job, &err);
			return;
		}
		if (i > 0)
			buf_byte(out, ',');
		view_write_queue(&stats, &dlq, out);
	}
	buf_text(out, "]}");
	note_answer(work);
}

/* ---- changing ---- */

/* Of a payment that is in no block yet a cancellation may come first; of one that is, none can. */
static enum cancel_decision assigned_decide(const struct store_view *view)
{
	if (view->withdrawal.cancel_requested)
		return CANCEL_REQUESTED;
	bool is_mined = !view->has_transfer || view->transfer.stage >= TRANSFER_MINED;
	return is_mined ? CANCEL_TOO_LATE : CANCEL_REQUEST;
}

enum cancel_decision work_cancel_decide(const struct store_view *view)
{
	const struct withdrawal *withdrawal = &view->withdrawal;
	bool is_final = lifecycle_is_terminal(withdrawal->stage);
	if (!is_final && withdrawal->held_reason[0] != 0)
		return lifecycle_cancel_ends_hold(withdrawal->held_reason) ? CANCEL_REQUEST
									   : CANCEL_HELD;
	switch (withdrawal->stage) {
	case WITHDRAWAL_ACCEPTED:
	case WITHDRAWAL_AWAITING_APPROVAL:
		return withdrawal->cancel_requested ? CANCEL_REQUESTED : CANCEL_NOW;
	case WITHDRAWAL_QUEUED:
		return withdrawal->cancel_requested ? CANCEL_REQUESTED : CANCEL_REQUEST;
	case WITHDRAWAL_ASSIGNED:
		return assigned_decide(view);
	case WITHDRAWAL_CANCELED:
		return CANCEL_DONE;
	case WITHDRAWAL_COMPLETED:
	case WITHDRAWAL_FAILED:
	case WITHDRAWAL_REJECTED:
		return CANCEL_FINAL;
	}
	return CANCEL_HELD; /* a stage that only an edited row has */
}

/* Writes the decision. ret_applied false: the row had moved, look again. */
static bool change_for_cancel(struct work *work, const struct job *job, bool is_now,
			      bool *ret_applied, struct err *err)
{
	const struct withdrawal *withdrawal = &work->views[0].withdrawal;
	struct store_by by = by_of(work, job);
	struct store_change change = {
		.withdrawal = withdrawal->intent.id,
		.version = withdrawal->version,
		.from = withdrawal->stage,
		.to = is_now ? WITHDRAWAL_CANCELED : withdrawal->stage,
		.event = is_now ? "canceled" : "cancel_requested",
		.failure_code = is_now ? refusal_code(REFUSAL_CANCELED) : NULL,
		/* A request changes nothing of why the row waits. */
		.wait_reason =
			!is_now && withdrawal->wait_reason[0] != 0 ? withdrawal->wait_reason : NULL,
		.request_cancel = true,
		.held_reason = withdrawal->held_reason[0] != 0 ? "" : NULL,
	};
	if (!store_withdrawals_change(work->options.store, &change, 1, &by, err))
		return false;
	*ret_applied = change.applied;
	return true;
}

/* A store that was restored does not know who was paid under the same key, and one that has lost
 * its last commits does not know that it has. The signer, who asks journal and chain, ends such a
 * row, also before the approval: here it is only asked for. */
static bool cancel_decide(struct work *work, enum cancel_decision *ret_decision, struct err *err)
{
	struct store_incarnation last;
	*ret_decision = work_cancel_decide(&work->views[0]);
	if (*ret_decision != CANCEL_NOW)
		return true;
	if (!store_incarnation_load(work->options.store, &last, err))
		return false;
	if (last.is_old || (work->options.ends_by_signer && DEFENCE("cancel_asks_the_chain")))
		*ret_decision = CANCEL_REQUEST;
	return true;
}

/* True when the job is answered, false when the row moved meanwhile. */
static bool try_cancel(struct work *work, struct job *job)
{
	struct err err;
	bool is_applied;
	enum cancel_decision decision;
	if (!load_view(work, job))
		return true;
	if (!cancel_decide(work, &decision, &err)) {
		fault(work, job, &err);
		return true;
	}
	switch (decision) {
	case CANCEL_DONE:
		answer_view(work, job, 200);
		return true;
	case CANCEL_REQUESTED:
		answer_view(work, job, 202);
		return true;
	case CANCEL_TOO_LATE:
		job->problem = PROBLEM_TOO_LATE_TO_CANCEL;
		return true;
	case CANCEL_FINAL:
		job->problem = PROBLEM_ALREADY_FINAL;
		return true;
	case CANCEL_HELD:
		job->problem = PROBLEM_WITHDRAWAL_HELD;
		return true;
	case CANCEL_NOW:
	case CANCEL_REQUEST:
		break;
	}
	if (!change_for_cancel(work, job, decision == CANCEL_NOW, &is_applied, &err)) {
		fault(work, job, &err);
		return true;
	}
	if (!is_applied)
		return false;
	if (decision == CANCEL_REQUEST)
		queue_notify(work->options.queue, QUEUE_SIGNING);
	if (load_view(work, job))
		answer_view(work, job, decision == CANCEL_NOW ? 200 : 202);
	return true;
}

static void run_cancel(struct work *work, struct job *job)
{
	for (int i = 0; i < CHANGE_TRIES; i++)
		if (try_cancel(work, job))
			return;
	job->problem = PROBLEM_STORE_UNAVAILABLE;
}

static enum speed_up_decision slot_decide(const struct transfer *slot)
{
	bool is_asked = slot->wish == WISH_BUMP && slot->wish_reason == WISH_REASON_SPEED_UP &&
			slot->wish_attempts_seen == slot->attempts;
	switch (slot->stage) {
	case TRANSFER_RESERVED:
		return SPEED_UP_NOT_SENT;
	case TRANSFER_SIGNED:
	case TRANSFER_BROADCAST:
		return is_asked ? SPEED_UP_REQUESTED : SPEED_UP_REQUEST;
	case TRANSFER_MINED:
	case TRANSFER_FINAL:
		break;
	}
	return SPEED_UP_TOO_LATE;
}

enum speed_up_decision work_speed_up_decide(const struct store_view *view)
{
	const struct withdrawal *withdrawal = &view->withdrawal;
	if (lifecycle_is_terminal(withdrawal->stage))
		return SPEED_UP_FINAL;
	if (withdrawal->held_reason[0] != 0)
		return SPEED_UP_HELD;
	if (withdrawal->stage != WITHDRAWAL_ASSIGNED || !view->has_transfer)
		return SPEED_UP_NOT_SENT;
	return view->transfer.held_reason[0] != 0 ? SPEED_UP_HELD : slot_decide(&view->transfer);
}

/* Writes the wish. ret_applied false: the row, or its slot, had moved; look again. */
static bool change_for_speed_up(struct work *work, const struct job *job, bool *ret_applied,
				struct err *err)
{
	const struct withdrawal *withdrawal = &work->views[0].withdrawal;
	struct store_by by = by_of(work, job);
	struct store_change change = {
		.withdrawal = withdrawal->intent.id,
		.version = withdrawal->version,
		.from = WITHDRAWAL_ASSIGNED,
		.to = WITHDRAWAL_ASSIGNED,
		.event = "speed_up_requested",
		/* A request changes nothing of why the row waits. */
		.wait_reason = withdrawal->wait_reason[0] != 0 ? withdrawal->wait_reason : NULL,
		.request_speed_up = true,
	};
	if (!store_withdrawals_change(work->options.store, &change, 1, &by, err))
		return false;
	*ret_applied = change.applied;
	return true;
}

/* True when the job is answered, false when the row moved meanwhile. */
static bool try_speed_up(struct work *work, struct job *job)
{
	struct err err;
	bool is_applied;
	if (!load_view(work, job))
		return true;
	switch (work_speed_up_decide(&work->views[0])) {
	case SPEED_UP_REQUEST:
		break;
	case SPEED_UP_REQUESTED:
		answer_view(work, job, 202);
		return true;
	case SPEED_UP_NOT_SENT:
		job->problem = PROBLEM_NOT_SENT_YET;
		return true;
	case SPEED_UP_TOO_LATE:
		job->problem = PROBLEM_TOO_LATE_TO_SPEED_UP;
		return true;
	case SPEED_UP_FINAL:
		job->problem = PROBLEM_ALREADY_FINAL;
		return true;
	case SPEED_UP_HELD:
		job->problem = PROBLEM_WITHDRAWAL_HELD;
		return true;
	}
	if (!change_for_speed_up(work, job, &is_applied, &err)) {
		fault(work, job, &err);
		return true;
	}
	if (!is_applied)
		return false;
	queue_notify(work->options.queue, QUEUE_SIGNING);
	if (load_view(work, job))
		answer_view(work, job, 202);
	return true;
}

static void run_speed_up(struct work *work, struct job *job)
{
	for (int i = 0; i < CHANGE_TRIES; i++)
		if (try_speed_up(work, job))
			return;
	job->problem = PROBLEM_STORE_UNAVAILABLE;
}

static void run_redrive(struct work *work, struct job *job)
{
	struct err err;
	size_t total = 0, moved = BATCH_MAX;
	enum queue_name dlq = (enum queue_name)(job->queue + QUEUE_DLQ_OFFSET);
	struct store_by by = by_of(work, job);
	for (int i = 0; i < REDRIVE_ROUNDS && moved == BATCH_MAX; i++) {
		if (!store_redrive(work->options.store, dlq, BATCH_MAX, &by, &moved, &err)) {
			fault(work, job, &err);
			return;
		}
		total += moved;
	}
	note_answer(work);
	if (total > 0)
		queue_notify(work->options.queue, job->queue);
	struct buf *out = start_body(job, 200, 128);
	buf_text(out, "{");
	json_write_member_text(out, "queue", queue_name_text(job->queue));
	json_write_member_u64(out, "moved", total);
	json_write_member_bool(out, "more", moved == BATCH_MAX);
	buf_text(out, "}");
}

static void run_key(struct work *work, struct job *job)
{
	struct err err;
	char id[sizeof job->key.id];
	memcpy(id, job->key.id, sizeof id);
	if (!store_api_key_load(work->options.store, id, &job->key, &job->found, &err))
		fault(work, job, &err);
	else
		note_answer(work);
}

/* Lost when the store is away: it is for people to look at. */
static void run_keys_used(struct work *work, struct job *job)
{
	struct err err;
	struct log_about about = { .action = "api_keys_used", .outcome = "failure", .err = &err };
	if (!store_api_keys_used(work->options.store, job->uses.items, job->uses.len, &err))
		log_line(work->options.log, LOG_WARN, &about, "the last use of %zu keys is lost",
			 job->uses.len);
}

/* By what the replica shows of it, lists know how old they are. */
static void mark_replica(struct work *work)
{
	struct err err;
	struct log_about about = { .action = "replica_mark", .outcome = "failure", .err = &err };
	const struct api_options *options = &work->options;
	int64_t now_ms = clock_monotonic_ms(options->clock);
	if (options->replica == NULL || now_ms - work->marked_ms < MARK_MS)
		return;
	work->marked_ms = now_ms;
	if (!replica_mark(options->replica, now_ms, clock_now_ms(options->clock), &err))
		log_line(options->log, LOG_WARN, &about, "lists will come from the primary");
}

void work_probe(struct work *work)
{
	struct err err;
	struct store_api_key key;
	bool found;
	struct log_about about = { .action = "store_probe", .outcome = "failure", .err = &err };
	if (store_api_key_load(work->options.store, "probe", &key, &found, &err))
		note_answer(work);
	else
		log_line(work->options.log, LOG_WARN, &about, "the store does not answer");
	mark_replica(work);
}

static void run_one(struct work *work, struct job *job)
{
	switch (job->kind) {
	case JOB_ACCEPT:
		break;
	case JOB_VIEW:
		run_view(work, job);
		break;
	case JOB_LIST:
	case JOB_LIST_ONE:
		run_list(work, job);
		break;
	case JOB_EVENTS:
		run_events(work, job);
		break;
	case JOB_CANCEL:
		run_cancel(work, job);
		break;
	case JOB_SPEED_UP:
		run_speed_up(work, job);
		break;
	case JOB_WALLETS:
		run_wallets(work, job);
		break;
	case JOB_QUEUES:
		run_queues(work, job);
		break;
	case JOB_REDRIVE:
		run_redrive(work, job);
		break;
	case JOB_RESOLVE:
		if (resolve_run(&work->options, job))
			note_answer(work);
		break;
	case JOB_KEY:
		run_key(work, job);
		break;
	case JOB_DESK:
		if (desk_run(&work->options, job))
			note_answer(work);
		break;
	case JOB_PEOPLE:
		if (people_run(&work->options, job))
			note_answer(work);
		break;
	case JOB_KEYS_USED:
		run_keys_used(work, job);
		break;
	}
	CHECK(job->problem != PROBLEM_NONE || !job->body.overflow);
}

void work_run(struct work *work, struct job **jobs, size_t n)
{
	struct job *accepts[BATCH_MAX];
	size_t accepts_len = 0;
	CHECK(n > 0 && n <= WORK_JOBS_MAX);
	shared_judge(work->shared, jobs, n);
	shared_answer(work->shared, jobs, n);
	for (size_t i = 0; i < n; i++) {
		if (jobs[i]->problem != PROBLEM_NONE || jobs[i]->is_answered)
			continue;
		if (jobs[i]->kind != JOB_ACCEPT) {
			run_one(work, jobs[i]);
			continue;
		}
		CHECK(accepts_len < BATCH_MAX);
		accepts[accepts_len++] = jobs[i];
	}
	if (accepts_len > 0)
		accepts_len = refused_answer(work, accepts, accepts_len);
	if (accepts_len > 0)
		run_accepts(work, accepts, accepts_len);
	shared_keep(work->shared);
	mark_replica(work);
}
