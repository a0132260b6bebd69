/* Questions of the people at the desk to the API. */
#ifndef SLUICE_SIM_DESK_JOB_H
#define SLUICE_SIM_DESK_JOB_H

#include "service/api/work.h"

struct sim_world;

/* Act and person are filled in; good until the next one. */
struct job *sim_desk_job(struct sim_world *world, enum desk_act act, unsigned person);

#endif
