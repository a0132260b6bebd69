/* A file that freezes by being there. */
#ifndef SLUICE_ADAPTER_FREEZE_FILE_H
#define SLUICE_ADAPTER_FREEZE_FILE_H

#include "port/freeze.h"

struct freeze_file {
	struct freeze base;
	const char *path; /* borrowed */
};

struct freeze_file freeze_file_of(const char *path);

#endif
