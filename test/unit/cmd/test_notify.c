/* Readiness from a process to the one that started it. */
#include "cmd/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void a_message_names_its_sender(void **state)
{
	struct notify_server server;
	struct notify_message message;
	struct err err;
	(void)state;
	assert_true(notify_server_open(&server, &err));
	assert_false(notify_server_take(&server, &message));
	assert_int_equal(setenv(NOTIFY_VARIABLE, server.address, 1), 0);
	pid_t pid = fork();
	if (pid == 0) {
		notify_ready("http://127.0.0.1:3000");
		notify_stopping();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(notify_server_take(&server, &message));
	assert_int_equal(message.pid, pid);
	assert_true(message.is_ready);
	assert_string_equal(message.status, "http://127.0.0.1:3000");
	assert_true(notify_server_take(&server, &message));
	assert_int_equal(message.pid, pid);
	assert_false(message.is_ready);
	assert_string_equal(message.status, "");
	assert_false(notify_server_take(&server, &message));
	notify_server_close(&server);
}

static void a_failure_is_told_to_sluice_run_alone(void **state)
{
	struct notify_server server;
	struct notify_message message;
	struct err err;
	(void)state;
	assert_true(notify_server_open(&server, &err));
	assert_int_equal(setenv(NOTIFY_VARIABLE, server.address, 1), 0);
	assert_true(notify_failure("the key hot/0 gives 0x1"));
	assert_true(notify_server_take(&server, &message));
	assert_string_equal(message.failure, "the key hot/0 gives 0x1");
	assert_false(message.is_ready);
	notify_server_close(&server);
	/* It does not listen any more; systemd does, and would not say it; nobody does. */
	assert_false(notify_failure("x"));
	assert_int_equal(setenv(NOTIFY_VARIABLE, "/run/systemd/notify", 1), 0);
	assert_false(notify_failure("x"));
	assert_int_equal(unsetenv(NOTIFY_VARIABLE), 0);
	assert_false(notify_failure("x"));
}

static void two_servers_have_two_addresses(void **state)
{
	struct notify_server one, two;
	struct err err;
	(void)state;
	assert_true(notify_server_open(&one, &err));
	assert_true(notify_server_open(&two, &err));
	assert_string_not_equal(one.address, two.address);
	notify_server_close(&one);
	notify_server_close(&two);
}

static void without_a_listener_nothing_happens(void **state)
{
	(void)state;
	assert_int_equal(setenv(NOTIFY_VARIABLE, "@sluice-test-nobody-listens", 1), 0);
	notify_ready("x");
	assert_int_equal(setenv(NOTIFY_VARIABLE, "not an address", 1), 0);
	notify_ready("x");
	assert_int_equal(unsetenv(NOTIFY_VARIABLE), 0);
	notify_ready("x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_names_its_sender),
		cmocka_unit_test(a_failure_is_told_to_sluice_run_alone),
		cmocka_unit_test(two_servers_have_two_addresses),
		cmocka_unit_test(without_a_listener_nothing_happens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
