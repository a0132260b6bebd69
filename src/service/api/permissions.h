/* Who may do what, as a document: the table of routes and that of permissions. */
#ifndef SLUICE_SERVICE_API_PERMISSIONS_H
#define SLUICE_SERVICE_API_PERMISSIONS_H

#include "base/buf.h"

/* doc/permissions.md */
void permissions_write_markdown(struct buf *out);

#endif
