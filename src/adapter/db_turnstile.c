#include "adapter/db_turnstile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* flock(2) waits in order but has no deadline, and a holder that is stopped (SIGSTOP, a frozen
 * container) would stop every role with it. So a wait is a series of attempts. Only one process
 * waits for the turn at a time, and its pause is what a handover costs: it looks often. The others
 * look less often, all with the same pause, so that none has an advantage.
 *
 * Measured with four processes on two cores, groups of 64 rows: 99.9 % of the waits under 18 ms,
 * the longest 31 ms with a build beside it; a blocking flock hands over a third faster when
 * transactions are tiny.
 */
#define POLL_TURN_NS 20000
#define POLL_NEXT_NS 100000

static int64_t monotonic_us(void)
{
	struct timespec now;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int db_turnstile_open_file(const char *path, const char *suffix, mode_t mode)
{
	char name[PATH_MAX];
	int written = snprintf(name, sizeof name, "%s%s", path, suffix);

	if (written < 0 || (size_t)written >= sizeof name) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
}

bool db_turnstile_init(struct db_turnstile *ret_turnstile, const char *path, mode_t mode,
		       struct err *err)
{
	int next_fd, turn_fd;

	next_fd = db_turnstile_open_file(path, "-next", mode);
	if (next_fd < 0)
		return err_set(err, ERR_NOT_DONE, "%s-next: %s", path, strerror(errno));
	turn_fd = db_turnstile_open_file(path, "-turn", mode);
	if (turn_fd < 0) {
		int reason = errno;

		close(next_fd);
		return err_set(err, ERR_NOT_DONE, "%s-turn: %s", path, strerror(reason));
	}
	ret_turnstile->next_fd = next_fd;
	ret_turnstile->turn_fd = turn_fd;
	return true;
}

void db_turnstile_deinit(struct db_turnstile *turnstile)
{
	if (turnstile->next_fd >= 0)
		close(turnstile->next_fd);
	if (turnstile->turn_fd >= 0)
		close(turnstile->turn_fd);
	turnstile->next_fd = turnstile->turn_fd = -1;
}

static bool lock_until(int fd, int64_t deadline_us, long poll_ns)
{
	const struct timespec pause = { .tv_nsec = poll_ns };

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		CHECK(errno == EWOULDBLOCK || errno == EINTR);
		if (monotonic_us() >= deadline_us)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

bool db_turnstile_enter(struct db_turnstile *turnstile, uint32_t wait_ms, struct err *err)
{
	int64_t deadline_us = monotonic_us() + (int64_t)wait_ms * 1000;
	bool ours;

	if (!lock_until(turnstile->next_fd, deadline_us, POLL_NEXT_NS))
		return err_set(err, ERR_NOT_DONE, "no turn to write within %u ms (queue)", wait_ms);
	ours = lock_until(turnstile->turn_fd, deadline_us, POLL_TURN_NS);
	CHECK(flock(turnstile->next_fd, LOCK_UN) == 0);
	if (!ours)
		return err_set(err, ERR_NOT_DONE, "no turn to write within %u ms", wait_ms);
	return true;
}

void db_turnstile_leave(struct db_turnstile *turnstile)
{
	CHECK(flock(turnstile->turn_fd, LOCK_UN) == 0);
}
