#include "cmd/child.h"

#include "base/buf.h"
#include "cmd/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void child_become(const char *const *argv, const char *notify, pid_t parent)
{
	sigset_t none;
	(void)sigemptyset(&none);
	/* The parent may have died before the kernel knew of our wish: then we are somebody
	 * else's child already. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(1);
	if (setpgid(0, 0) != 0 || sigprocmask(SIG_SETMASK, &none, NULL) != 0)
		_exit(1);
	if (notify != NULL ? setenv(NOTIFY_VARIABLE, notify, 1) : unsetenv(NOTIFY_VARIABLE))
		_exit(1);
	union {
		const char *const *promised; /* execv does not write, whatever its type says */
		char *const *wanted;
	} arguments = { .promised = argv };
	(void)execv("/proc/self/exe", arguments.wanted);
	(void)fprintf(stderr, "sluice: cannot start itself: %s\n", strerror(errno));
	_exit(127);
}

bool child_start(const char *const *argv, const char *notify, pid_t *ret_pid, struct err *err)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0)
		return err_set(err, ERR_NOT_DONE, "fork: %s", strerror(errno));
	if (pid == 0)
		child_become(argv, notify, parent);
	*ret_pid = pid;
	return true;
}

void child_describe_end(int status, char *ret_text, size_t cap)
{
	if (WIFSIGNALED(status))
		(void)snprintf(ret_text, cap, "was killed by signal %d (%s)", WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	else
		(void)snprintf(ret_text, cap, "exited with %d", WEXITSTATUS(status));
}

bool pid_file_write(const char *dir, const char *name, pid_t pid, struct err *err)
{
	char path[PATH_MAX], next[PATH_MAX];
	if (dir == NULL)
		return true;
	if (snprintf(path, sizeof path, "%s/%s.pid", dir, name) >= (int)sizeof path ||
	    snprintf(next, sizeof next, "%s/.%s.pid", dir, name) >= (int)sizeof next)
		return err_set(err, ERR_REFUSED, "--pid-dir is too long");
	FILE *stream = fopen(next, "we");
	bool ok = stream != NULL && fprintf(stream, "%d\n", (int)pid) > 0;
	ok = stream != NULL && fclose(stream) == 0 && ok;
	if (!ok || rename(next, path) != 0)
		return err_set(err, ERR_NOT_DONE, "cannot write %s: %s", path, strerror(errno));
	return true;
}

void pid_file_remove(const char *dir, const char *name)
{
	char path[PATH_MAX];
	if (dir != NULL && snprintf(path, sizeof path, "%s/%s.pid", dir, name) < (int)sizeof path)
		(void)unlink(path);
}
