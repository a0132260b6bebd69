#include "service/api/intake.h"

#include "base/check.h"
#include "base/defence.h"
#include "port/store_control.h"

#include <stdlib.h>

#define LOOK_MS 1000 /* a pause is to be effective in less than five seconds */

struct intake {
	const struct api_options *options;
	struct control_set set;
	struct control_seen seen;
	enum control_doubt doubt;
	int64_t looked_ms; /* monotonic */
	struct metric *alarms;
};

struct intake *intake_new(const struct api_options *options)
{
	struct intake *intake = calloc(1, sizeof *intake);
	CHECK(intake != NULL);
	intake->options = options;
	intake->doubt = CONTROL_UNREADABLE; /* nobody has looked yet */
	intake->looked_ms = INT64_MIN / 2;
	intake->alarms = metric_add(options->metrics, METRIC_COUNTER, "sluice_alarms_total", "",
				    "Lines that a person should read.");
	return intake;
}

void intake_free(struct intake *intake)
{
	free(intake);
}

static void doubt_tell(const struct intake *intake, enum control_doubt doubt, const struct err *err)
{
	bool alarm = doubt > CONTROL_UNREADABLE;
	struct log_about about = { .action = "controls_doubted", .err = err, .alarm = alarm };
	if (doubt == CONTROL_BELIEVED || doubt == intake->doubt)
		return;
	if (alarm)
		metric_count(intake->alarms, 1);
	log_line(intake->options->log, alarm ? LOG_ERROR : LOG_WARN, &about,
		 "controls_doubted the pause switches are %s: nothing new is accepted",
		 control_doubt_text(doubt));
}

void intake_look(struct intake *intake)
{
	struct err fault = { 0 };
	int64_t now_ms = clock_monotonic_ms(intake->options->clock);
	enum control_doubt doubt = CONTROL_UNREADABLE;
	if (now_ms - intake->looked_ms < LOOK_MS)
		return;
	if (store_controls_load(intake->options->store, &intake->set, &fault)) {
		intake->looked_ms = now_ms;
		doubt = control_judge(&intake->options->controls_keys, &intake->set, &intake->seen,
				      clock_now_ms(intake->options->clock));
	}
	doubt_tell(intake, doubt, doubt == CONTROL_UNREADABLE ? &fault : NULL);
	intake->doubt = doubt;
	if (doubt == CONTROL_BELIEVED)
		control_seen_note(&intake->set, &intake->seen);
}

bool intake_is_paused(const struct intake *intake, const struct intent *intent)
{
	const struct control_subject subject = { .chain_id = intent->chain_id,
						 .asset = intent->asset,
						 .account = intent->account };
	if (!DEFENCE("pause_stops_intake"))
		return false;
	return intake->doubt != CONTROL_BELIEVED ||
	       (control_stops(&intake->set, &subject) & CONTROL_INTAKE) != 0;
}
