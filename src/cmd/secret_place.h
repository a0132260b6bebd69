/* Settings that name a file with a secret may name a secret of AWS Secrets Manager in its place
 * (cmd/secret_reference.h). It is fetched when it is first needed, by the process that needs it,
 * into a file that exists in that process' memory alone; a secret that changes there is fetched by
 * the next start. ADR 19. */
#ifndef SLUICE_CMD_SECRET_PLACE_H
#define SLUICE_CMD_SECRET_PLACE_H

#include "base/err.h"

/* Writes the path to read: `place` itself, or that of the file in memory, which lives as long as
 * the process. NOT_DONE when the service is away, REFUSED when it has no such secret. Not for
 * several threads at once. */
MUST_CHECK bool secret_place_path(const char *place, const char **ret_path, struct err *err);

#endif
