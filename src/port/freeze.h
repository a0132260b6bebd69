/* Does somebody on this very host forbid every send? For who can reach the machine and neither the
 * database nor the API; asked before each batch. */
#ifndef SLUICE_PORT_FREEZE_H
#define SLUICE_PORT_FREEZE_H

#include <stdbool.h>

struct freeze {
	/* What cannot be found out counts as set. */
	bool (*is_set)(struct freeze *freeze);
};

static inline bool freeze_is_set(struct freeze *freeze)
{
	return freeze->is_set(freeze);
}

#endif
