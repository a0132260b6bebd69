/* An old copy takes the store's place, while the journal lives on; and what people do about it. */
#ifndef SLUICE_SIM_RESTORE_H
#define SLUICE_SIM_RESTORE_H

#include "port/db.h"
#include "sim/random.h"

#include <stdint.h>

struct sim_process;
struct sim_world;

enum sim_restore_stage {
	SIM_RESTORE_NONE,       /* none is planned */
	SIM_RESTORE_PLANNED,    /* the copy is to be made */
	SIM_RESTORE_COPIED,     /* it is to take the store's place */
	SIM_RESTORE_REPLACED,   /* somebody is to start `reconcile --after-restore` */
	SIM_RESTORE_RECOVERING, /* that runs */
	SIM_RESTORE_RECOVERED,  /* signer and monitor are to start */
	SIM_RESTORE_STARTED,    /* people are to unpause */
	SIM_RESTORE_DONE,
};

struct sim_restore {
	struct sim_random random; /* of its own decisions: older seeds tell what they told */
	enum sim_restore_stage stage;
	int64_t at; /* when the next thing happens; INT64_MAX: nobody knows */
	int64_t replace_at;
	struct db *copy;
};

/* Once, when a seed with this family knows how long its troubles last: until `end`, or the time
 * that is returned. */
int64_t sim_restore_plan(struct sim_world *world, int64_t end);
/* So much longer all may take. */
int64_t sim_restore_bound_ms(const struct sim_world *world);
int64_t sim_restore_next(const struct sim_world *world);
void sim_restore_act(struct sim_world *world);
/* The desk says that all is reconciled, and ends. */
void sim_restore_done(struct sim_process *desk);
/* Are all wallets recovered? */
bool sim_restore_is_recovered(struct sim_world *world);
/* Has the store been replaced? */
bool sim_restore_was(const struct sim_world *world);

#endif
