/* Is anything accepted now, and for whom? What people have paused (core/control.h), as the store
 * thread knows it. */
#ifndef SLUICE_SERVICE_API_INTAKE_H
#define SLUICE_SERVICE_API_INTAKE_H

#include "service/api/api.h"

struct intake;

struct intake *intake_new(const struct api_options *options);
void intake_free(struct intake *intake); /* accepts NULL */
/* Looks at the switches, unless it did a second ago. */
void intake_look(struct intake *intake);
bool intake_is_paused(const struct intake *intake, const struct intent *intent);

#endif
