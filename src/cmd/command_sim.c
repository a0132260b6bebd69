/* sim: the whole system under seeds, in one process and without a network. */
#include "cmd/command_list.h"

#include "cmd/sim_jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUMMARY_BYTES_MAX 65536
#define SEEDS_MAX         1000000000
/* From so many on, a fault or a move that never happened is a failure of the run. */
#define JUDGED_WITHDRAWALS 100000
#define JUDGED_SEEDS       200

static void tell(void *context, const char *terminated_line)
{
	(void)fprintf(context, "%s\n", terminated_line);
}

/* One word of a list: "crash", "-editor", "all", "none". */
static bool family_read(struct str word, unsigned *inout_families)
{
	bool off = word.len > 0 && word.at[0] == '-';
	struct str name = str_skip(word, off ? 1 : 0);
	unsigned set = 0;
	if (str_equal_text(name, "all"))
		set = SIM_FAMILY_ALL;
	else if (str_equal_text(name, "none"))
		off = true, set = SIM_FAMILY_ALL;
	for (unsigned i = 0; i < SIM_FAMILIES; i++)
		if (str_equal_text(name, sim_family_text(i)))
			set = 1U << i;
	*inout_families = off ? *inout_families & ~set : *inout_families | set;
	return set != 0;
}

/* A list that begins with a plain word starts from none, one that begins with - or + from the
 * default. */
static bool families_read(const char *list, unsigned *ret_families, struct str *ret_wrong)
{
	struct str rest = str_from(list);
	*ret_families = rest.len > 0 && rest.at[0] == '-' ? SIM_FAMILY_DEFAULT : 0;
	while (rest.len > 0) {
		const char *comma = memchr(rest.at, ',', rest.len);
		size_t len = comma != NULL ? (size_t)(comma - rest.at) : rest.len;
		*ret_wrong = (struct str){ rest.at, len };
		if (!family_read(*ret_wrong, ret_families))
			return false;
		rest = str_skip(rest, comma != NULL ? len + 1 : len);
	}
	return true;
}

static bool plant_read(const char *name, enum sim_plant *ret_plant)
{
	for (enum sim_plant plant = SIM_PLANT_NONE; plant < SIM_PLANTS; plant++)
		if (strcmp(name, sim_plant_text(plant)) == 0) {
			*ret_plant = plant;
			return true;
		}
	return false;
}

static bool options_read(const struct invocation *invocation, struct sim_options *options,
			 uint64_t *ret_seeds, unsigned *ret_jobs)
{
	const char *list = invocation_option(invocation, "faults");
	const char *plant = invocation_option(invocation, "plant");
	uint64_t withdrawals, jobs;
	struct str wrong = { 0 };
	options->faults = SIM_FAMILY_DEFAULT;
	if (!invocation_count(invocation, "seed", 0, INT64_MAX, 1, &options->seed) ||
	    !invocation_count(invocation, "seeds", 1, SEEDS_MAX, 1, ret_seeds) ||
	    !invocation_count(invocation, "withdrawals", 1, SIM_WITHDRAWALS_MAX,
			      SIM_WITHDRAWALS_DEFAULT, &withdrawals) ||
	    !invocation_count(invocation, "jobs", 1, SIM_JOBS_MAX, 1, &jobs))
		return false;
	options->withdrawals = (unsigned)withdrawals;
	options->whole_story = invocation_flag(invocation, "story");
	*ret_jobs = (unsigned)jobs;
	if (options->whole_story && jobs > 1) {
		(void)invocation_misused(invocation, "--story tells one seed after the other: "
						     "leave out --jobs");
		return false;
	}
	if (list != NULL && !families_read(list, &options->faults, &wrong)) {
		(void)invocation_misused(invocation, "there is no fault called '%.*s'",
					 STR_ARG(wrong));
		return false;
	}
	if (plant != NULL && !plant_read(plant, &options->plant)) {
		(void)invocation_misused(invocation, "there is nothing called '%s' to plant",
					 plant);
		return false;
	}
	return true;
}

static enum exit_status summary_print(const struct invocation *invocation,
				      const struct sim_summary *summary, unsigned families)
{
	struct buf text = buf_new(SUMMARY_BYTES_MAX);
	unsigned zeros = 0;
	sim_summary_write(summary, families, &text, &zeros);
	if (invocation->json)
		(void)printf("{\"seeds\":%" PRIu64 ",\"accepted\":%" PRIu64
			     ",\"completed\":%" PRIu64 ",\"held\":%" PRIu64
			     ",\"never_happened\":%u}\n",
			     summary->seeds, summary->accepted, summary->completed, summary->held,
			     zeros);
	else
		(void)printf("%.*s", STR_ARG(buf_view(&text)));
	buf_free(&text);
	if (zeros == 0 || summary->accepted < JUDGED_WITHDRAWALS || summary->seeds < JUDGED_SEEDS)
		return EXIT_DONE;
	(void)fprintf(stderr, "sluice sim: %u faults or moves never happened\n", zeros);
	return EXIT_FAILED;
}

enum exit_status command_sim(const struct invocation *invocation)
{
	static struct sim_summary summary;
	struct sim_options options = { .tell = tell, .context = stderr };
	uint64_t seeds;
	unsigned jobs;
	struct err err;
	if (!options_read(invocation, &options, &seeds, &jobs))
		return EXIT_USAGE;
	if (!sim_jobs_run(&options, seeds, jobs, &summary, &err))
		return invocation_failed(invocation, &err);
	return summary_print(invocation, &summary, options.faults);
}
