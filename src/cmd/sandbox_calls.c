/* The calls that a role may make, as a filter in the kernel. A call that is not on the list is
 * never carried out: the kernel sends SIGSYS in its place, whose handler says which call it was,
 * and ends the process by the same signal. Who has taken over the process can change nothing about
 * that: the filter lets nobody set another handler, and a thread that blocks the signal is killed
 * by the kernel.
 */
#include "cmd/sandbox_parts.h"

#include "cmd/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SOCKET_TYPE 0xf /* the rest of that argument are flags */

/* A handler reaches nothing but globals. */
static const struct log *handler_log;

static const char *call_name(int number)
{
	/* Allocated and never freed: the process ends in a moment. */
	const char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
	return name != NULL ? name : "unknown";
}

static void call_tell(int number)
{
	char text[96];
	struct log_about about = { .action = "forbidden_call",
				   .outcome = "failure",
				   .alarm = true };
	(void)snprintf(text, sizeof text, "the call %s (%d) is not one of its own",
		       call_name(number), number);
	log_line(handler_log, LOG_ERROR, &about,
		 "%s; it ends here: a fault, or somebody else's code", text);
	(void)notify_failure(text);
}

/* Dies by the signal, so that whoever waits for the process knows why. What the telling needs, and
 * the forbidden call may have been in the middle of (malloc's lock), must not keep it alive: a
 * second that passes ends it too. */
static void handle(int signal_number, siginfo_t *info, void *context)
{
	(void)context;
	(void)alarm(1);
	call_tell(info->si_syscall);
	(void)syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), signal_number);
	_exit(128 + SIGSYS);
}

static bool handler_set(void)
{
	/* RESETHAND and NODEFER: the same signal, sent from the handler, ends the process. */
	struct sigaction action = { .sa_sigaction = handle,
				    .sa_flags = SA_SIGINFO | (int)SA_RESETHAND | SA_NODEFER };
	struct sigaction deadly = { .sa_handler = SIG_DFL };
	return sigaction(SIGSYS, &action, NULL) == 0 && sigaction(SIGALRM, &deadly, NULL) == 0;
}

static bool names_add(scmp_filter_ctx filter, uint32_t action, const char *const *names)
{
	for (; *names != NULL; names++) {
		int number = seccomp_syscall_resolve_name(*names);
		if (number < 0)
			continue;
		int done = seccomp_rule_add(filter, action, number, 0);
		/* EACCES: the list's own action, which needs no rule. */
		if (done != 0 && done != -EACCES && done != -EEXIST)
			return false;
	}
	return true;
}

static bool add(scmp_filter_ctx filter, uint32_t action, int number, unsigned n,
		const struct scmp_arg_cmp *compare)
{
	int done = seccomp_rule_add_array(filter, action, number, n, compare);
	return done == 0 || done == -EEXIST;
}

/* Threads, and no processes. clone3 hides its flags in memory: the C library goes back to clone. */
static bool threads_add(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
	return add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, &thread) &&
	       add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL);
}

/* To itself alone: raise, abort. */
static bool signals_add(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp itself = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
	return add(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1, &itself);
}

/* Those that the network and the host's own daemons have; AF_NETLINK tells which addresses we have.
 */
static bool sockets_add(scmp_filter_ctx filter)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	bool ok = true;
	for (size_t i = 0; ok && i < sizeof families / sizeof families[0]; i++) {
		const struct scmp_arg_cmp is = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]);
		ok = add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, &is);
	}
	return ok;
}

static bool ioctls_add(scmp_filter_ctx filter)
{
	static const unsigned long requests[] = { FIONBIO, FIONREAD, TCGETS, TIOCGWINSZ };
	bool ok = true;
	for (size_t i = 0; ok && i < sizeof requests / sizeof requests[0]; i++) {
		const struct scmp_arg_cmp is = SCMP_A1(SCMP_CMP_EQ, requests[i]);
		ok = add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, &is);
	}
	return ok;
}

static bool prctls_add(scmp_filter_ctx filter)
{
	static const int options[] = { PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE,
				       PR_GET_NO_NEW_PRIVS, 0x53564d41 /* PR_SET_VMA: malloc */ };
	bool ok = true;
	for (size_t i = 0; ok && i < sizeof options / sizeof options[0]; i++) {
		const struct scmp_arg_cmp is = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)options[i]);
		ok = add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, &is);
	}
	return ok;
}

/* setrlimit by another name; to ask is harmless. */
static bool limits_add(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp asks = SCMP_A2(SCMP_CMP_EQ, 0);
	return add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, &asks);
}

static bool list_add(scmp_filter_ctx filter, uint32_t action, unsigned kinds)
{
	bool ok = true;
	(void)action;
	for (unsigned kind = 1; ok && kind <= kinds; kind <<= 1)
		if ((kinds & kind & SANDBOX_CALLS_NAMED) != 0)
			ok = names_add(filter, SCMP_ACT_ALLOW, sandbox_call_names(kind));
	return ok && threads_add(filter) && signals_add(filter) && sockets_add(filter) &&
	       ioctls_add(filter) && prctls_add(filter) && limits_add(filter);
}

/* Nothing that was written becomes code: neither at once nor in two steps. What is left is what a
 * library needs that is loaded late (one of the resolver, of MySQL): a file, mapped as code. */
static bool code_add(scmp_filter_ctx filter, uint32_t action)
{
	const struct scmp_arg_cmp runs = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC);
	const struct scmp_arg_cmp both =
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC | PROT_WRITE);
	const struct scmp_arg_cmp no_file =
		SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS);
	const struct scmp_arg_cmp runs_no_file[] = { runs, no_file };
	return add(filter, action, SCMP_SYS(mmap), 1, &both) &&
	       add(filter, action, SCMP_SYS(mmap), 2, runs_no_file) &&
	       add(filter, action, SCMP_SYS(mprotect), 1, &runs) &&
	       add(filter, action, SCMP_SYS(pkey_mprotect), 1, &runs);
}

/* A signal to another process: by its number, or as the owner of a descriptor. A signal's word to a
 * thread of our own passes. */
static bool others_add(scmp_filter_ctx filter, uint32_t action)
{
	static const int owners[] = { F_SETOWN, F_SETOWN_EX, F_SETSIG };
	const struct scmp_arg_cmp other = SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid());
	bool ok = add(filter, action, SCMP_SYS(tgkill), 1, &other);
	for (size_t i = 0; ok && i < sizeof owners / sizeof owners[0]; i++) {
		const struct scmp_arg_cmp is = SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)owners[i]);
		ok = add(filter, action, SCMP_SYS(fcntl), 1, &is) &&
		     add(filter, action, SCMP_SYS(fcntl64), 1, &is);
	}
	return ok;
}

/* A stream to a daemon of this host may be one to systemd, D-Bus or a container's engine, which
 * start programs for who asks. Refused without a death: the resolver looks for such daemons by
 * itself, and goes on without. Datagrams pass: wake-ups, and the word to systemd that we are there.
 */
static bool streams_add(scmp_filter_ctx filter)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	bool ok = true;
	for (size_t i = 0; ok && i < sizeof types / sizeof types[0]; i++) {
		const struct scmp_arg_cmp local[] = {
			SCMP_A0(SCMP_CMP_EQ, AF_UNIX),
			SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE, (scmp_datum_t)types[i]),
		};
		ok = add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 2, local);
	}
	return ok;
}

/* A second filter, over the first one: what is allowed there, and yet not in every way. The
 * strictest word counts. */
static bool exceptions_add(scmp_filter_ctx filter, uint32_t action, unsigned kinds)
{
	const struct scmp_arg_cmp own_handler = SCMP_A0(SCMP_CMP_EQ, SIGSYS);
	const struct scmp_arg_cmp not_null = SCMP_A1(SCMP_CMP_NE, 0);
	const struct scmp_arg_cmp handler[] = { own_handler, not_null };
	bool shuts_streams = (kinds & SANDBOX_CALLS_STREAMS) == 0 && action != SCMP_ACT_LOG;
	return add(filter, action, SCMP_SYS(rt_sigaction), 2, handler) &&
	       code_add(filter, action) && others_add(filter, action) &&
	       (!shuts_streams || streams_add(filter));
}

static enum sandbox_end load(scmp_filter_ctx filter, struct err *err)
{
	int done = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (done == 0)
		done = seccomp_load(filter);
	if (done == 0)
		return SANDBOX_DONE;
	err_set(err, ERR_NOT_DONE, "the kernel takes no filter of calls (seccomp): %s",
		strerror(-done));
	return SANDBOX_UNABLE;
}

static enum sandbox_end filter_load(uint32_t fallback, uint32_t action, unsigned kinds,
				    bool (*fill)(scmp_filter_ctx, uint32_t, unsigned),
				    struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(fallback);
	enum sandbox_end end = SANDBOX_FAILED;
	if (filter != NULL && fill(filter, action, kinds))
		end = load(filter, err);
	else
		err_set(err, ERR_NOT_DONE, "a filter of calls cannot be made");
	seccomp_release(filter);
	return end;
}

enum sandbox_end sandbox_calls(unsigned kinds, bool logs_only, const struct log *log,
			       struct err *err)
{
	uint32_t action = logs_only ? SCMP_ACT_LOG : SCMP_ACT_TRAP;
	handler_log = log;
	if (!handler_set()) {
		err_set(err, ERR_NOT_DONE, "SIGSYS: %s", strerror(errno));
		return SANDBOX_FAILED;
	}
	enum sandbox_end end = filter_load(SCMP_ACT_ALLOW, action, kinds, exceptions_add, err);
	return end == SANDBOX_DONE ? filter_load(action, action, kinds, list_add, err) : end;
}

/* A trap that nobody waits for is the end, too; a role that inherits this says which call it was.
 */
static bool never_add(scmp_filter_ctx filter, uint32_t action, unsigned kinds)
{
	(void)kinds;
	return names_add(filter, action, sandbox_never_names());
}

enum sandbox_end sandbox_calls_never(bool logs_only, struct err *err)
{
	return filter_load(SCMP_ACT_ALLOW, logs_only ? SCMP_ACT_LOG : SCMP_ACT_TRAP, 0, never_add,
			   err);
}
