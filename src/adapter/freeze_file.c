#include "adapter/freeze_file.h"

#include <errno.h>
#include <sys/stat.h>

/* A directory that may not be read, or is gone with its mount, is no word of anybody. */
static bool is_set(struct freeze *freeze)
{
	const struct freeze_file *file = (const struct freeze_file *)(const void *)freeze;
	struct stat found;
	return lstat(file->path, &found) == 0 || errno != ENOENT;
}

struct freeze_file freeze_file_of(const char *path)
{
	return (struct freeze_file){ .base = { .is_set = is_set }, .path = path };
}
