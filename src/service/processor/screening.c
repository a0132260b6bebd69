#include "service/processor/screening.h"

#include "base/defence.h"
#include "core/intent.h"

#include <stdlib.h>
#include <string.h>

#define ALARM_MS 60000 /* without an answer: long enough for a restart of the service */

enum place_state {
	PLACE_FREE = 0,
	PLACE_LINED,
	PLACE_ASKED,
	PLACE_ENDED,
	PLACE_TAKEN, /* ended, and being decided */
};

struct place {
	enum place_state state;
	uint64_t turn; /* rises with each row that is lined up */
	int64_t since_ms;
	int64_t asked_ms;
	struct intent intent;
	struct hash32 digest; /* of it */
	struct message message;
	bool is_busy; /* ended: its turn did not come in time */
	struct screen_outcome outcome;
};

struct screening {
	struct screening_options options;
	uint64_t turns;
	int64_t away_since; /* 0: there was an answer since, or nobody has asked */
	bool is_told;
	struct place places[SCREENING_ROWS_MAX];
	struct metric *answers[SCREEN_REVIEW + 1]; /* by decision; 0: none */
	struct metric *seconds, *rows, *alarms;
};

static void metrics_open(struct screening *self, struct metrics *metrics)
{
	static const char *const labels[] = { "outcome=\"none\"", "outcome=\"allow\"",
					      "outcome=\"deny\"", "outcome=\"review\"" };
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		self->answers[i] =
			metric_add(metrics, METRIC_COUNTER, "sluice_screening_answers_total",
				   labels[i], "What the screening service said.");
	self->seconds = metric_add(metrics, METRIC_HISTOGRAM, "sluice_screening_seconds", "",
				   "From a question to its answer, or to none.");
	self->rows = metric_add(metrics, METRIC_GAUGE, "sluice_screening_rows", "",
				"Withdrawals that are being screened, or lined up for it.");
	self->alarms = metric_add(metrics, METRIC_COUNTER, "sluice_screening_alarms_total", "",
				  "Times that the screening service was away for a minute.");
}

struct screening *screening_new(const struct screening_options *options)
{
	struct screening *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->options = *options;
	metrics_open(self, options->metrics);
	return self;
}

void screening_free(struct screening *screening)
{
	free(screening);
}

static int64_t now_of(const struct screening *self)
{
	return clock_monotonic_ms(self->options.clock);
}

/* ---- is the service there? ---- */

static void away_tell(struct screening *self, const struct err *err)
{
	struct log_about about = {
		.action = "screening_unavailable", .outcome = "failure", .err = err, .alarm = true
	};
	self->is_told = true;
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "who has to be screened is not paid until the screening service answers");
}

/* Once for each time that it is away for long; at once when there is none at all. */
static void away_note(struct screening *self, const struct err *err)
{
	int64_t now = now_of(self);
	if (self->away_since == 0)
		self->away_since = now > 0 ? now : 1;
	bool is_long = now - self->away_since >= ALARM_MS || self->options.screen == NULL;
	if (is_long && !self->is_told)
		away_tell(self, err);
}

static void there_note(struct screening *self)
{
	struct log_about about = { .action = "screening_available", .outcome = "success" };
	if (self->is_told)
		log_line(self->options.log, LOG_INFO, &about,
			 "the screening service answers again");
	self->away_since = 0;
	self->is_told = false;
}

static void outcome_tell(const struct screening *self, const struct place *place)
{
	const struct screen_outcome *outcome = &place->outcome;
	struct id_text id = id_text(place->intent.id);
	struct log_about about = { .action = "withdrawal_screened",
				   .outcome = outcome->is_answered ? "success" : "unknown",
				   .trace_id = place->message.correlation_id,
				   .withdrawal_id = id.at,
				   .err = outcome->is_answered ? NULL : &outcome->err };
	log_line(self->options.log, outcome->is_answered ? LOG_INFO : LOG_WARN, &about,
		 "withdrawal_screened %s %s %s", screen_decision_text(outcome->answer.decision),
		 outcome->answer.reference, outcome->answer.reason);
}

/* ---- from place to place ---- */

static void place_end(struct screening *self, struct place *place, int64_t now)
{
	const struct screen_outcome *outcome = &place->outcome;
	place->state = PLACE_ENDED;
	place->since_ms = now;
	if (outcome->is_answered)
		there_note(self);
	else
		away_note(self, &outcome->err);
}

static struct place *place_of(struct screening *self, struct id withdrawal)
{
	for (size_t i = 0; i < SCREENING_ROWS_MAX; i++)
		if (self->places[i].state != PLACE_FREE &&
		    id_equal(self->places[i].intent.id, withdrawal))
			return &self->places[i];
	return NULL;
}

static void outcomes_collect(struct screening *self, int64_t wait_ms)
{
	struct screen_outcome outcome;
	while (screen_next(self->options.screen, wait_ms, &outcome)) {
		struct place *place = place_of(self, outcome.withdrawal);
		int64_t now = now_of(self);
		wait_ms = 0;
		CHECK(place != NULL && place->state == PLACE_ASKED);
		metric_count(self->answers[outcome.answer.decision], 1);
		metric_observe_us(self->seconds, (now - place->asked_ms) * 1000);
		place->outcome = outcome;
		place_end(self, place, now);
		outcome_tell(self, place);
	}
}

static struct place *line_first(struct screening *self)
{
	struct place *first = NULL;
	for (size_t i = 0; i < SCREENING_ROWS_MAX; i++) {
		struct place *place = &self->places[i];
		if (place->state == PLACE_LINED && (first == NULL || place->turn < first->turn))
			first = place;
	}
	return first;
}

static void left_alone(struct screening *self, struct place *place, int64_t now)
{
	place->outcome = (struct screen_outcome){ .withdrawal = place->intent.id };
	(void)err_set(&place->outcome.err, ERR_NOT_DONE,
		      "the screening service is left alone for a while");
	place_end(self, place, now);
}

static void line_move(struct screening *self)
{
	struct place *place;
	while ((place = line_first(self)) != NULL) {
		int64_t now = now_of(self);
		enum screen_begun begun = screen_begin(self->options.screen, &place->intent);
		if (begun == SCREEN_FULL)
			return;
		if (begun == SCREEN_AWAY) {
			left_alone(self, place, now);
			continue;
		}
		place->state = PLACE_ASKED;
		place->asked_ms = now;
	}
}

/* Their messages are on their way to somebody else: who stands in line too long is put off, what
 * could not be written in time is asked about again. */
static void late_look(struct screening *self)
{
	int64_t now = now_of(self), rows = 0;
	for (size_t i = 0; i < SCREENING_ROWS_MAX; i++) {
		struct place *place = &self->places[i];
		int64_t age = now - place->since_ms;
		if (place->state == PLACE_TAKEN)
			place->state = PLACE_ENDED; /* the step that took it has failed */
		if (place->state == PLACE_LINED && age >= self->options.visibility_ms / 4) {
			place->state = PLACE_ENDED;
			place->is_busy = true;
			place->since_ms = now;
		} else if (place->state == PLACE_ENDED && age >= self->options.visibility_ms) {
			place->state = PLACE_FREE;
		}
		rows += place->state != PLACE_FREE;
	}
	metric_set(self->rows, rows);
}

static void look(struct screening *self, int64_t wait_ms)
{
	if (self->options.screen == NULL)
		return;
	outcomes_collect(self, wait_ms);
	late_look(self);
	line_move(self);
}

void screening_poll(struct screening *screening)
{
	look(screening, 0);
}

bool screening_wait(struct screening *screening, int64_t timeout_ms)
{
	bool is_asked = false;
	for (size_t i = 0; i < SCREENING_ROWS_MAX && !is_asked; i++)
		is_asked = screening->places[i].state != PLACE_FREE;
	if (is_asked)
		look(screening, timeout_ms);
	return is_asked;
}

/* ---- for who decides ---- */

size_t screening_take(struct screening *screening, struct message *ret_messages, size_t cap)
{
	size_t len = 0;
	for (size_t i = 0; i < SCREENING_ROWS_MAX && len < cap; i++) {
		struct place *place = &screening->places[i];
		bool is_alone = place->message.receives > 1;
		if (place->state != PLACE_ENDED || (is_alone && len > 0))
			continue;
		place->state = PLACE_TAKEN;
		ret_messages[len++] = place->message;
		if (is_alone)
			break;
	}
	return len;
}

void screening_forget(struct screening *screening)
{
	for (size_t i = 0; i < SCREENING_ROWS_MAX; i++)
		if (screening->places[i].state == PLACE_TAKEN)
			screening->places[i] = (struct place){ 0 };
}

static void line_up(struct screening *self, struct place *place, const struct withdrawal *row,
		    const struct message *message)
{
	*place = (struct place){ .state = PLACE_LINED,
				 .turn = ++self->turns,
				 .since_ms = now_of(self),
				 .intent = row->intent,
				 .digest = intent_digest(&row->intent),
				 .message = *message };
	line_move(self);
}

static struct place *place_free(struct screening *self)
{
	for (size_t i = 0; i < SCREENING_ROWS_MAX; i++)
		if (self->places[i].state == PLACE_FREE)
			return &self->places[i];
	return NULL;
}

static enum screening_state message_keep(struct place *place, const struct message *message)
{
	place->message = *message; /* the newer claim */
	if (message->receives <= 1 || !DEFENCE("screening_keeps_no_message_twice"))
		return SCREENING_PENDING;
	place->message.ack.queue = QUEUE_NONE;
	place->message.receives = 0;
	return SCREENING_APART;
}

static enum screening_state ask(struct screening *self, struct place *place,
				const struct withdrawal *row, const struct message *message)
{
	struct err none;
	if (self->options.screen == NULL) {
		(void)err_set(&none, ERR_NOT_DONE, "the policy asks, and none is configured");
		away_note(self, &none);
		return SCREENING_AWAY;
	}
	/* No service could name it: an editor's. */
	if (place == NULL || id_is_zero(row->intent.id))
		return SCREENING_BUSY;
	line_up(self, place, row, message);
	if (place->state != PLACE_ENDED)
		return message_keep(place, message);
	place->state = PLACE_FREE;
	return SCREENING_AWAY;
}

enum screening_state screening_of(struct screening *screening, const struct withdrawal *row,
				  const struct message *message, struct screen_answer *ret_answer)
{
	struct place *place = place_of(screening, row->intent.id);
	if (place == NULL)
		return ask(screening, place_free(screening), row, message);
	if (place->state == PLACE_LINED || place->state == PLACE_ASKED)
		return message_keep(place, message);
	if (place->is_busy)
		return SCREENING_BUSY;
	if (!place->outcome.is_answered)
		return SCREENING_AWAY;
	if (!hash32_equal(place->digest, intent_digest(&row->intent)) &&
	    DEFENCE("screening_is_of_the_row"))
		return ask(screening, place, row, message);
	*ret_answer = place->outcome.answer;
	return SCREENING_ANSWERED;
}
