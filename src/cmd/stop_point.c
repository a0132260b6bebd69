/* Where a build with -Dstop_points=true stops itself. Linked into such a build's `sluice` alone.
 *
 *	SLUICE_TEST_STOP=chain_send_many:3        right before the third call of chain_send_many
 *	SLUICE_TEST_STOP=chain_send_many:3:after  right after it
 *	SLUICE_TEST_STOP_DIR=DIR                  the same, later: the first line of
 *DIR/sluice-signer is taken, and the file removed, at the signer's next port call, from which on
 *calls count
 *
 * A stopped process is in state T; SIGKILL ends it there, SIGCONT lets it go on.
 */
#include "port/stop_point.h"

#include "base/check.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALL_LEN_MAX 63
#define PLAN_LEN_MAX 127

static struct {
	pthread_mutex_t mutex;
	bool is_open;
	char file[512]; /* "": no directory was given */
	char call[CALL_LEN_MAX + 1];
	unsigned long calls_left; /* 0: no plan */
	bool is_after;
} stop = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* A plan that cannot be read is a mistake of the test: nothing would ever stop. */
static void plan_read(const char *text)
{
	char when[8] = "";
	CHECK(sscanf(text, "%63[a-z_]:%lu:%7[a-z]", stop.call, &stop.calls_left, when) >= 2);
	CHECK(stop.calls_left > 0);
	stop.is_after = strcmp(when, "after") == 0;
	CHECK(stop.is_after || when[0] == '\0' || strcmp(when, "before") == 0);
}

static void stop_open(void)
{
	char name[32] = "";
	const char *plan = getenv("SLUICE_TEST_STOP");
	const char *dir = getenv("SLUICE_TEST_STOP_DIR");
	stop.is_open = true;
	if (plan != NULL)
		plan_read(plan);
	/* The process' name, which is the main thread's. */
	FILE *stream = fopen("/proc/self/comm", "re");
	if (dir == NULL || stream == NULL || fscanf(stream, "%31s", name) != 1)
		name[0] = '\0';
	if (stream != NULL)
		(void)fclose(stream);
	if (name[0] != '\0')
		CHECK(snprintf(stop.file, sizeof stop.file, "%s/%s", dir, name) <
		      (int)sizeof stop.file);
}

static void plan_take(void)
{
	char line[PLAN_LEN_MAX + 1];
	FILE *stream = stop.file[0] != '\0' ? fopen(stop.file, "re") : NULL;
	if (stream == NULL)
		return;
	if (fgets(line, sizeof line, stream) != NULL)
		plan_read(line);
	(void)fclose(stream);
	(void)unlink(stop.file);
}

void stop_point_pass(const char *call, bool is_after)
{
	(void)pthread_mutex_lock(&stop.mutex);
	if (!stop.is_open)
		stop_open();
	plan_take();
	bool is_here = stop.calls_left > 0 && is_after == stop.is_after &&
		       strcmp(call, stop.call) == 0 && --stop.calls_left == 0;
	(void)pthread_mutex_unlock(&stop.mutex);
	if (is_here)
		(void)raise(SIGSTOP);
}
