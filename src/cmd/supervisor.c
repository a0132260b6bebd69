#include "cmd/supervisor.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "base/json.h"
#include "base/secret.h"
#include "cmd/child.h"
#include "cmd/command.h"
#include "cmd/log_open.h"
#include "cmd/notify.h"
#include "cmd/sandbox.h"
#include "core/retry.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEALTHY_MS 10000 /* ready for so long, and the next restart is a fast one again */

static const struct retry_policy restart_policy = { .first_ms = 100, .max_ms = 5000 };

struct member {
	enum role role;
	pid_t pid; /* 0: not running */
	bool is_ready;
	int64_t ready_at; /* monotonic */
	int64_t start_at; /* when not running */
	uint32_t failures;
	char status[sizeof(((struct notify_message *)0)->status)];
	char failure[ERR_TEXT_LEN]; /* as it said itself; "" for nothing */
};

struct supervisor {
	const struct supervisor_options *options;
	const char *config_file; /* absolute, so that the roles find the same one */
	struct member members[ROLES_LEN];
	struct notify_server notify;
	int signal_fd;
	struct clock clock;
	struct entropy entropy;
	struct log log;
	int64_t began_at;
	bool was_ready;
	bool stopping;
	bool killing;
	int64_t kill_at;              /* when stopping */
	bool clean;                   /* every role ended by itself, with 0 */
	const struct member *refused; /* the first role that must not go on; or NULL */
};

static void say(struct supervisor *supervisor, enum log_level level, const char *action,
		const struct member *member, const char *text)
{
	struct log_about about = { .action = action };
	log_line(&supervisor->log, level, &about, "%s %s", role_text(member->role), text);
}

static void member_start(struct supervisor *supervisor, struct member *member)
{
	struct err err;
	const char *argv[] = { "sluice", role_text(member->role), "--config",
			       supervisor->config_file, NULL };
	member->is_ready = false;
	member->failure[0] = '\0';
	if (!child_start(argv, supervisor->notify.address, &member->pid, &err)) {
		say(supervisor, LOG_ERROR, "role_not_started", member, err.text);
		member->pid = 0;
		member->start_at = clock_monotonic_ms(&supervisor->clock) + restart_policy.max_ms;
		return;
	}
	if (!pid_file_write(supervisor->options->pid_dir, role_text(member->role), member->pid,
			    &err))
		say(supervisor, LOG_WARN, "pid_file_failed", member, err.text);
}

static void member_schedule(struct supervisor *supervisor, struct member *member)
{
	int64_t now = clock_monotonic_ms(&supervisor->clock);
	uint32_t random;
	entropy_fill(&supervisor->entropy, &random, sizeof random);
	if (member->is_ready && now - member->ready_at >= HEALTHY_MS)
		member->failures = 0;
	member->start_at = now + retry_delay_ms(&restart_policy, member->failures++, random);
}

static void members_signal(struct supervisor *supervisor, int signal)
{
	for (int i = 0; i < ROLES_LEN; i++)
		if (supervisor->members[i].pid > 0)
			(void)kill(supervisor->members[i].pid, signal);
}

/* The first time: end in order. The second time: now. */
static void stop_begin(struct supervisor *supervisor)
{
	if (supervisor->stopping) {
		supervisor->killing = true;
		members_signal(supervisor, SIGKILL);
		return;
	}
	struct log_about about = { .action = "stopping" };
	log_line(&supervisor->log, LOG_INFO, &about, "stopping");
	notify_stopping();
	supervisor->stopping = true;
	supervisor->kill_at =
		clock_monotonic_ms(&supervisor->clock) + supervisor->options->config->grace_ms;
	members_signal(supervisor, SIGTERM);
}

/* A call that its filter forbids is a fault of ours, or somebody else's code in it. */
static void member_died_say(struct supervisor *supervisor, const struct member *member, bool alarm,
			    const char *text)
{
	struct log_about about = { .action = "role_died", .alarm = alarm };
	log_line(&supervisor->log, LOG_ERROR, &about, "%s %s", role_text(member->role), text);
}

static void member_ended(struct supervisor *supervisor, struct member *member, int status)
{
	char how[64], text[128 + sizeof member->failure];
	child_describe_end(status, how, sizeof how);
	bool is_forbidden = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	member->pid = 0;
	pid_file_remove(supervisor->options->pid_dir, role_text(member->role));
	if (supervisor->stopping) {
		bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
		supervisor->clean = supervisor->clean && clean;
		say(supervisor, clean ? LOG_INFO : LOG_WARN, "role_ended", member, how);
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_REFUSED) {
		supervisor->refused = member;
		stop_begin(supervisor);
		return;
	}
	member_schedule(supervisor, member);
	(void)snprintf(text, sizeof text, "%s%s%s; it is started again in %lld ms", how,
		       is_forbidden && member->failure[0] != '\0' ? ": " : "",
		       is_forbidden ? member->failure : "",
		       (long long)(member->start_at - clock_monotonic_ms(&supervisor->clock)));
	member_died_say(supervisor, member, is_forbidden, text);
	member->is_ready = false;
}

static void children_reap(struct supervisor *supervisor)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid <= 0)
			return;
		for (int i = 0; i < ROLES_LEN; i++)
			if (supervisor->members[i].pid == pid)
				member_ended(supervisor, &supervisor->members[i], status);
	}
}

static void signals_take(struct supervisor *supervisor)
{
	struct signalfd_siginfo got;
	while (read(supervisor->signal_fd, &got, sizeof got) == (ssize_t)sizeof got) {
		if (got.ssi_signo == SIGCHLD)
			children_reap(supervisor);
		else
			stop_begin(supervisor);
	}
}

static void ready_print(struct supervisor *supervisor)
{
	char bytes[2048];
	struct buf out = buf_of(bytes, sizeof bytes);
	int64_t took_ms = clock_monotonic_ms(&supervisor->clock) - supervisor->began_at;
	if (supervisor->options->json) {
		buf_byte(&out, '{');
		json_write_member_bool(&out, "ready", true);
		json_write_member_i64(&out, "ms", took_ms);
		for (int i = 0; i < ROLES_LEN; i++) {
			const struct member *member = &supervisor->members[i];
			json_write_name(&out, role_text(member->role));
			buf_byte(&out, '{');
			json_write_member_i64(&out, "pid", member->pid);
			json_write_member_text(&out, "status", member->status);
			buf_byte(&out, '}');
		}
		buf_byte(&out, '}');
	} else {
		buf_format(&out, "sluice is ready after %lld ms\n", (long long)took_ms);
		for (int i = 0; i < ROLES_LEN; i++)
			buf_format(&out, "  %-10s %s\n", role_text(supervisor->members[i].role),
				   supervisor->members[i].status);
		if (out.len > 0)
			out.len--; /* puts ends the line */
	}
	(void)puts(buf_terminated(&out));
	(void)fflush(stdout);
}

static void messages_take(struct supervisor *supervisor)
{
	struct notify_message message;
	bool all = true;
	while (notify_server_take(&supervisor->notify, &message)) {
		for (int i = 0; i < ROLES_LEN; i++) {
			struct member *member = &supervisor->members[i];
			if (member->pid != message.pid || message.pid == 0)
				continue;
			if (message.failure[0] != '\0')
				memcpy(member->failure, message.failure, sizeof member->failure);
			if (!message.is_ready)
				continue;
			member->is_ready = true;
			member->ready_at = clock_monotonic_ms(&supervisor->clock);
			memcpy(member->status, message.status, sizeof member->status);
			say(supervisor, LOG_INFO, "role_ready", member, "is ready");
		}
	}
	for (int i = 0; i < ROLES_LEN; i++)
		all = all && supervisor->members[i].is_ready;
	if (!all || supervisor->was_ready)
		return;
	supervisor->was_ready = true;
	notify_ready("all roles are ready");
	ready_print(supervisor);
}

/* Starts whose time has come. Returns the ms until the next thing to do; -1 for none. */
static int due_work(struct supervisor *supervisor)
{
	int64_t now = clock_monotonic_ms(&supervisor->clock), next = -1;
	if (supervisor->stopping) {
		if (now >= supervisor->kill_at && !supervisor->killing) {
			supervisor->killing = true;
			members_signal(supervisor, SIGKILL);
		}
		return supervisor->killing ? -1 : (int)(supervisor->kill_at - now);
	}
	for (int i = 0; i < ROLES_LEN; i++) {
		struct member *member = &supervisor->members[i];
		if (member->pid == 0 && member->start_at <= now)
			member_start(supervisor, member);
		if (member->pid == 0 && (next < 0 || member->start_at - now < next))
			next = member->start_at - now;
	}
	return (int)next;
}

static bool any_alive(const struct supervisor *supervisor)
{
	for (int i = 0; i < ROLES_LEN; i++)
		if (supervisor->members[i].pid > 0)
			return true;
	return false;
}

static void wait_for_events(struct supervisor *supervisor, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = supervisor->signal_fd, .events = POLLIN },
		{ .fd = supervisor->notify.fd, .events = POLLIN },
	};
	(void)poll(fds, 2, timeout_ms);
	/* Readiness first: a role that said it and died was ready. */
	messages_take(supervisor);
	signals_take(supervisor);
}

/* Runs `sluice migrate` and waits for it; a signal to stop is passed on to it. */
static bool migrate(struct supervisor *supervisor, struct err *err)
{
	pid_t pid;
	int status;
	const char *argv[] = { "sluice", "migrate", "--quiet", "--config", supervisor->config_file,
			       NULL };
	if (!child_start(argv, supervisor->notify.address, &pid, err))
		return false;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		struct pollfd waiting = { .fd = supervisor->signal_fd, .events = POLLIN };
		struct signalfd_siginfo got;
		(void)poll(&waiting, 1, -1);
		if (read(supervisor->signal_fd, &got, sizeof got) != (ssize_t)sizeof got ||
		    got.ssi_signo == SIGCHLD)
			continue;
		supervisor->stopping = true;
		(void)kill(pid, SIGTERM);
	}
	if (supervisor->stopping || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return true;
	struct notify_message message = { 0 };
	char how[64];
	child_describe_end(status, how, sizeof how);
	while (message.failure[0] == '\0' && notify_server_take(&supervisor->notify, &message))
		;
	if (message.failure[0] != '\0')
		return err_set(err, ERR_NOT_DONE, "migrate: %s", message.failure);
	return err_set(err, ERR_NOT_DONE, "`sluice migrate` %s", how);
}

static bool supervisor_open(struct supervisor *supervisor, struct err *err)
{
	sigset_t watched;
	clock_posix_init(&supervisor->clock);
	entropy_os_init(&supervisor->entropy);
	supervisor->began_at = clock_monotonic_ms(&supervisor->clock);
	if (!secret_process_harden(err) ||
	    !log_open(supervisor->options->config, "sluice-run", &supervisor->clock,
		      &supervisor->log, err) ||
	    !sandbox_supervise(supervisor->options->config, &supervisor->log, err))
		return false;
	if (supervisor->options->pid_dir != NULL &&
	    (!directory_make(supervisor->options->pid_dir, err) ||
	     !pid_file_write(supervisor->options->pid_dir, "run", getpid(), err)))
		return false;
	(void)sigemptyset(&watched);
	(void)sigaddset(&watched, SIGCHLD);
	(void)sigaddset(&watched, SIGTERM);
	(void)sigaddset(&watched, SIGINT);
	(void)sigaddset(&watched, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &watched, NULL) != 0)
		return err_set(err, ERR_NOT_DONE, "signals: %s", strerror(errno));
	supervisor->signal_fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
	if (supervisor->signal_fd < 0)
		return err_set(err, ERR_NOT_DONE, "signals: %s", strerror(errno));
	for (int i = 0; i < ROLES_LEN; i++)
		supervisor->members[i].role = (enum role)i;
	return notify_server_open(&supervisor->notify, err);
}

static bool ended_well(const struct supervisor *supervisor, struct err *err)
{
	const struct member *refused = supervisor->refused;
	if (refused != NULL)
		return err_set(err, ERR_REFUSED, "the %s refuses to go on: %.180s",
			       role_text(refused->role),
			       refused->failure[0] != '\0' ? refused->failure : "see above");
	if (!supervisor->clean)
		return err_set(err, ERR_NOT_DONE, "not every role ended by itself");
	return true;
}

/* The last line of the log, where a person looks first. */
static void failure_log(struct supervisor *supervisor, const struct err *err)
{
	struct log_about about = { .action = "run_failed",
				   .outcome = "failure",
				   .err = err,
				   .alarm = err->kind == ERR_REFUSED };
	log_line(&supervisor->log, LOG_ERROR, &about, "%s", err->text);
}

bool supervisor_run(const struct supervisor_options *options, bool *ret_told, struct err *err)
{
	char config_file[PATH_MAX];
	struct supervisor supervisor = { .options = options, .clean = true };
	*ret_told = false;
	if (realpath(options->config->file, config_file) == NULL)
		return err_set(err, ERR_NOT_DONE, "%s: %s", options->config->file, strerror(errno));
	supervisor.config_file = config_file;
	if (!supervisor_open(&supervisor, err))
		return false;
	bool ok = !options->migrate || migrate(&supervisor, err);
	while (ok && (!supervisor.stopping || any_alive(&supervisor))) {
		int timeout_ms = due_work(&supervisor);
		wait_for_events(&supervisor, timeout_ms);
	}
	ok = ok && ended_well(&supervisor, err);
	if (!ok) {
		failure_log(&supervisor, err);
		*ret_told = options->config->log_file == NULL;
	}
	pid_file_remove(options->pid_dir, "run");
	notify_server_close(&supervisor.notify);
	(void)close(supervisor.signal_fd);
	return ok;
}
