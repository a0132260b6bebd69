/* The feed at the end of a life: whoever died, stood still or lost an answer, every row has its
 * place. */
#include "life.h"

#include "service/admin/audit.h"
#include "service/monitor/sequencer.h"

/* Of a lease whose owner does not renew it any more. */
#define TERM_MS 6000
#define STEPS   4

/* Clocks that were set back date rows back too. */
static void found(void *context, const struct audit_finding *finding)
{
	bool *is_intact = context;
	*is_intact &= finding->is_note || finding->kind == AUDIT_ROW_BACKDATED;
	if (!*is_intact)
		print_error("%s: %s\n", audit_finding_text(finding->kind), finding->text);
}

static void rest_seal(struct life *life)
{
	struct sequencer_options options = { .store = life->store,
					     .clock = &life->clock.base,
					     .instance = "end",
					     .keys = life_feed_keys(life) };
	struct sequencer *sequencer = sequencer_new(&options);
	for (int i = 0; i < STEPS; i++) {
		struct err err = { 0 };
		bool worked = false;
		if (!sequencer_step(sequencer, &worked, &err))
			print_error("%s\n", err.text);
		life_wait(life, TERM_MS);
	}
	sequencer_free(sequencer);
}

bool life_feed_is_intact(struct life *life)
{
	struct audit_report report;
	bool is_intact = true;
	struct audit_options options = { .store = life->store,
					 .keys = life_feed_keys(life),
					 .context = &is_intact,
					 .found = found };
	struct err err = { 0 };
	if (life->clock.skew_ms < 0)
		life->clock.skew_ms = 0;
	rest_seal(life);
	if (!audit_verify(&options, &report, &err)) {
		print_error("%s\n", err.text);
		return false;
	}
	if (report.waiting > 0)
		print_error("%zu rows have no place\n", report.waiting);
	return is_intact && report.waiting == 0;
}
