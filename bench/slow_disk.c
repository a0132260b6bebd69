/* A disk on which a commit takes long, for LD_PRELOAD: SLOW_DISK_MS milliseconds more for each
 * fsync and fdatasync. */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static int slowly(const char *name, int fd)
{
	const char *text = getenv("SLOW_DISK_MS");
	long ms = text == NULL ? 0 : strtol(text, NULL, 10);
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };
	int (*real)(int fd);
	*(void **)&real = dlsym(RTLD_NEXT, name);
	(void)nanosleep(&pause, NULL);
	return real(fd);
}

int fsync(int fd);
int fsync(int fd)
{
	return slowly("fsync", fd);
}

int fdatasync(int fd);
int fdatasync(int fd)
{
	return slowly("fdatasync", fd);
}
