/* At the end: every event and audit record has its place in the feed, once, and says what it said
 * when it was sealed, whoever died and whatever broke meanwhile. What the monitors have not come to
 * yet is sealed here, behind what they have. */
#include "sim/check.h"

#include "service/admin/audit.h"
#include "service/monitor/sequencer.h"

#define STEPS_MAX 64

struct walked {
	struct sim_world *world;
	bool tells_any_time; /* an editor, or a clock */
};

static void found(void *context, const struct audit_finding *finding)
{
	struct walked *walked = context;
	bool is_excused = walked->tells_any_time && finding->kind == AUDIT_ROW_BACKDATED;
	if (!finding->is_note && !is_excused)
		sim_fail(walked->world, "feed", "%s: %s", audit_finding_text(finding->kind),
			 finding->text);
}

static void rest_seal(struct sim_world *world)
{
	struct sim_clock clock;
	struct sequencer_options options = { .store = world->store,
					     .clock = &clock.base,
					     .instance = "end",
					     .keys = sim_feed_keys(world) };
	struct sequencer *sequencer = NULL;
	bool worked = true;
	sim_clock_init(&clock, world);
	sequencer = sequencer_new(&options);
	for (int i = 0; worked && i < STEPS_MAX; i++) {
		struct err err = { 0 };
		if (!sequencer_step(sequencer, &worked, &err))
			sim_fail(world, "feed", "%s", err.text);
	}
	sequencer_free(sequencer);
}

void sim_check_feed(struct sim_world *world)
{
	struct walked walked = { world, sim_has(world, SIM_FAMILY_EDITOR) ||
						sim_has(world, SIM_FAMILY_CLOCK) };
	struct audit_report report;
	struct audit_options options = { .store = world->store,
					 .keys = sim_feed_keys(world),
					 .context = &walked,
					 .found = found };
	struct err err = { 0 };
	rest_seal(world);
	if (!audit_verify(&options, &report, &err))
		sim_fail(world, "feed", "%s", err.text);
	else if (report.waiting > 0)
		sim_fail(world, "feed", "%zu rows have no place", report.waiting);
}
