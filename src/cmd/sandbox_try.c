/* In builds with -Ddefence_switches=true alone: what somebody would try who has taken over a role.
 *
 *	SLUICE_TEST_SANDBOX=ROLE ACTION[:ARGUMENT][,ACTION…]    of the role ROLE: "api
 *read:/etc/passwd"
 *
 * read, write, make, list and remove take a path; signal and attach (ptrace) a process; exec, fork,
 * mount, keys, handler (another one for SIGSYS), code (memory to write and run), made (written, and
 * then run), thread (a signal to another process's thread), owner (by a descriptor), local (a
 *stream to a daemon), datagram, packet. Each end is a line of the log: "read /etc/passwd:
 *Permission denied". The last ones end the process.
 */
#include "cmd/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

static bool handler_try(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN };
	return sigaction(SIGSYS, &action, NULL) == 0;
}

static bool made_try(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(at != MAP_FAILED);
	return mprotect(at, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool file_try(const char *action, const char *path, bool *ret_done)
{
	if (strcmp(action, "read") == 0)
		*ret_done = opens(path, O_RDONLY);
	else if (strcmp(action, "write") == 0)
		*ret_done = opens(path, O_WRONLY);
	else if (strcmp(action, "make") == 0)
		*ret_done = opens(path, O_WRONLY | O_CREAT | O_EXCL);
	else if (strcmp(action, "list") == 0)
		*ret_done = opens(path, O_RDONLY | O_DIRECTORY);
	else if (strcmp(action, "remove") == 0)
		*ret_done = unlink(path) == 0;
	else
		return false;
	return true;
}

static pid_t process_of(const char *argument)
{
	uint64_t number = 0;
	CHECK(str_to_u64(str_from(argument), &number));
	return (pid_t)number;
}

static bool call_try(const char *action, const char *argument)
{
	if (strcmp(action, "signal") == 0)
		return kill(process_of(argument), 0) == 0;
	if (strcmp(action, "attach") == 0)
		return ptrace(PTRACE_ATTACH, process_of(argument), NULL, NULL) == 0;
	if (strcmp(action, "exec") == 0)
		return execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL) == 0;
	if (strcmp(action, "fork") == 0)
		return fork() >= 0;
	if (strcmp(action, "mount") == 0)
		return mount("none", "/mnt", "tmpfs", 0, NULL) == 0;
	if (strcmp(action, "keys") == 0)
		return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) >= 0;
	if (strcmp(action, "handler") == 0)
		return handler_try();
	if (strcmp(action, "code") == 0)
		return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
	if (strcmp(action, "made") == 0)
		return made_try();
	if (strcmp(action, "thread") == 0)
		return syscall(SYS_tgkill, process_of(argument), process_of(argument), 0) == 0;
	if (strcmp(action, "owner") == 0)
		return fcntl(STDERR_FILENO, F_SETOWN, process_of(argument)) == 0;
	if (strcmp(action, "local") == 0)
		return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
	if (strcmp(action, "datagram") == 0)
		return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;
	if (strcmp(action, "packet") == 0)
		return socket(AF_PACKET, SOCK_RAW, 0) >= 0;
	CHECK(false);
	return false;
}

static void one_try(const struct log *log, char *text)
{
	struct log_about about = { .action = "sandbox_tried" };
	char *argument = strchr(text, ':');
	bool done = false;
	if (argument != NULL)
		*argument++ = '\0';
	errno = 0;
	if (!file_try(text, argument, &done))
		done = call_try(text, argument);
	log_line(log, LOG_INFO, &about, "%s %s: %s", text, argument != NULL ? argument : "",
		 done ? "done" : strerror(errno));
}

void sandbox_try(const struct log *log)
{
	char list[4096];
	const char *text = getenv("SLUICE_TEST_SANDBOX");
	size_t role_len = text != NULL ? strcspn(text, " ") : 0;
	const char *service = log->service + strlen("sluice-");
	if (text == NULL || strlen(service) != role_len || strncmp(text, service, role_len) != 0)
		return;
	CHECK(str_copy(str_from(text + role_len + (text[role_len] == ' ')), list, sizeof list));
	char *rest = list;
	for (char *one = strsep(&rest, ","); one != NULL; one = strsep(&rest, ","))
		one_try(log, one);
}
