#include "cmd/stop_signal.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

/* A handler reaches nothing but globals. */
static volatile sig_atomic_t came;
static void (*stop_hook)(void);

static void handle(int signal)
{
	(void)signal;
	if (came)
		_exit(1);
	came = 1;
	if (stop_hook != NULL)
		stop_hook();
}

static void mask(int how)
{
	sigset_t signals;
	CHECK(sigemptyset(&signals) == 0);
	CHECK(sigaddset(&signals, SIGTERM) == 0 && sigaddset(&signals, SIGINT) == 0);
	CHECK(sigprocmask(how, &signals, NULL) == 0);
}

void stop_signal_hold(void)
{
	/* No SA_RESTART: a wait shall end. */
	struct sigaction action = { .sa_handler = handle };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	mask(SIG_BLOCK);
	CHECK(sigaction(SIGTERM, &action, NULL) == 0 && sigaction(SIGINT, &action, NULL) == 0);
	CHECK(sigaction(SIGPIPE, &ignore, NULL) == 0);
}

void stop_signal_release(void (*hook)(void))
{
	stop_hook = hook;
	mask(SIG_UNBLOCK);
}

bool stop_signal_came(void)
{
	return came != 0;
}

void stop_signal_sleep(int64_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	if (!stop_signal_came())
		(void)nanosleep(&left, NULL);
}
