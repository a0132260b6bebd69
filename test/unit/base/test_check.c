#include "base/check.h"

#include "base/json.h"

#include "../testing.h"

static void holds(void **state)
{
	(void)state;
	int evaluated = 0;
	CHECK(++evaluated == 1);
	assert_int_equal(evaluated, 1); /* in every build, and once */
}

/* What a child that breaks an invariant says before it dies: in Sluice's log lines' form. */
static struct json *last_words(const char *condition)
{
	int fds[2];
	char storage[2048];
	struct json *json = NULL;
	assert_int_equal(pipe(fds), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(fds[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		check_failed("src/base/x.c", 17, "x_do", condition);
	}
	close(fds[1]);
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	ssize_t len = read(fds[0], storage, sizeof storage);
	close(fds[0]);
	assert_true(len > 0);
	assert_true(json_parse((struct str){ storage, (size_t)len }, &json, NULL));
	return json;
}

static void dies_with_a_log_line(void **state)
{
	(void)state;
	JSON_OWNED json = last_words("strcmp(at, \"a\\n\") == 0");
	struct str text;
	int64_t line = 0;
	assert_true(json_string(json_member(json_root(json), "message"), &text));
	assert_str_equal(text, "invariant broken: strcmp(at, \"a\\n\") == 0");
	assert_true(json_string(json_member(json_root(json), "log.level"), &text));
	assert_str_equal(text, "fatal");
	assert_true(json_string(json_member(json_root(json), "log.origin.file.name"), &text));
	assert_str_equal(text, "src/base/x.c");
	assert_true(json_string(json_member(json_root(json), "log.origin.function"), &text));
	assert_str_equal(text, "x_do");
	assert_true(json_i64(json_member(json_root(json), "log.origin.file.line"), &line));
	assert_int_equal(line, 17);
}

static void cuts_a_long_condition(void **state)
{
	(void)state;
	char condition[1000];
	memset(condition, '"', sizeof condition - 1);
	condition[sizeof condition - 1] = 0;
	struct str text;
	JSON_OWNED even = last_words(condition);
	assert_true(json_string(json_member(json_root(even), "message"), &text));
	assert_true(text.len > 200 && text.len < 300);
	condition[0] = 'x'; /* the cut falls between a backslash and its quote, or would */
	JSON_OWNED odd = last_words(condition);
	assert_true(json_string(json_member(json_root(odd), "message"), &text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds),
		cmocka_unit_test(dies_with_a_log_line),
		cmocka_unit_test(cuts_a_long_condition),
	};
	return cmocka_run_group_tests_name("base/check", tests, NULL, NULL);
}
