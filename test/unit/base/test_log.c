#include "base/log.h"

#include "base/json.h"

#include "../testing.h"

#include <errno.h>
#include <fcntl.h>

/* Lines go into a pipe; this is its other end. */
struct sink {
	int read_fd;
	struct log log;
	char text[65536];
};

static int64_t fixed_now_ms(void *clock)
{
	return *(const int64_t *)clock;
}

static int sink_open(void **state)
{
	static int64_t now_ms = 1769903999123;
	struct sink *sink = calloc(1, sizeof *sink);
	int fds[2];
	if (sink == NULL || pipe2(fds, O_NONBLOCK) != 0)
		return -1;
	sink->read_fd = fds[0];
	sink->log = (struct log){ .fd = fds[1],
				  .level = LOG_DEBUG,
				  .service = "sluice-test",
				  .now_ms = fixed_now_ms,
				  .clock = &now_ms };
	*state = sink;
	return 0;
}

static int sink_close(void **state)
{
	struct sink *sink = *state;
	close(sink->read_fd);
	close(sink->log.fd);
	free(sink);
	return 0;
}

static struct str taken(struct sink *sink)
{
	ssize_t len = read(sink->read_fd, sink->text, sizeof sink->text);
	return (struct str){ sink->text, len < 0 ? 0 : (size_t)len };
}

/* The one line that was written, parsed. */
static struct json *taken_json(struct sink *sink)
{
	struct json *json = NULL;
	struct str line = taken(sink);
	assert_true(line.len > 1 && line.at[line.len - 1] == '\n');
	assert_ptr_equal(memchr(line.at, '\n', line.len), line.at + line.len - 1);
	assert_true(json_parse(line, &json, NULL));
	return json;
}

static void assert_field(const struct json *json, const char *name, const char *expected)
{
	struct str text;
	assert_true(json_string(json_member(json_root(json), name), &text));
	assert_str_equal(text, expected);
}

static void writes_a_line(void **state)
{
	struct sink *sink = *state;
	log_line(&sink->log, LOG_INFO, NULL, "listening on %s:%d", "127.0.0.1", 3000);
	assert_str_equal(taken(sink),
			 "{\"@timestamp\":\"2026-01-31T23:59:59.123Z\",\"log.level\":\"info\","
			 "\"message\":\"listening on 127.0.0.1:3000\",\"ecs.version\":\"8.11\","
			 "\"service.name\":\"sluice-test\"}\n");
}

static void says_what_it_is_about(void **state)
{
	struct sink *sink = *state;
	const struct err err = { .kind = ERR_MAYBE_DONE, .text = "timeout" };
	const struct log_about about = { .action = "transfer_sent",
					 .outcome = "unknown",
					 .trace_id = "trace",
					 .withdrawal_id = "w",
					 .transfer_id = "t",
					 .tx_hash = "0xhash",
					 .wallet = "0xwallet",
					 .err = &err,
					 .alarm = true };
	bool alarm = false;
	log_line(&sink->log, LOG_ERROR, &about, "sent, perhaps");
	JSON_OWNED json = taken_json(sink);
	assert_field(json, "log.level", "error");
	assert_field(json, "event.action", "transfer_sent");
	assert_field(json, "event.outcome", "unknown");
	assert_field(json, "trace.id", "trace");
	assert_field(json, "labels.withdrawal_id", "w");
	assert_field(json, "labels.transfer_id", "t");
	assert_field(json, "labels.tx_hash", "0xhash");
	assert_field(json, "labels.wallet", "0xwallet");
	assert_field(json, "error.type", "maybe done");
	assert_field(json, "error.message", "timeout");
	assert_true(json_bool(json_member(json_root(json), "labels.alarm"), &alarm));
	assert_true(alarm);
	assert_int_equal(json_size(json_root(json)), 15);
}

static void leaves_out_what_is_empty(void **state)
{
	struct sink *sink = *state;
	const struct log_about about = { .action = "started" };
	log_line(&sink->log, LOG_WARN, &about, "%s", "");
	JSON_OWNED json = taken_json(sink);
	assert_field(json, "log.level", "warn");
	assert_field(json, "message", "");
	assert_int_equal(json_size(json_root(json)), 6);
}

static void drops_lower_levels(void **state)
{
	struct sink *sink = *state;
	log_line(NULL, LOG_ERROR, NULL, "nobody listens");
	sink->log.level = LOG_WARN;
	log_line(&sink->log, LOG_DEBUG, NULL, "no");
	log_line(&sink->log, LOG_INFO, NULL, "no");
	assert_int_equal(taken(sink).len, 0);
	log_line(&sink->log, LOG_WARN, NULL, "yes");
	assert_true(taken(sink).len > 0);
}

/* The longest line there can be: all fields full of bytes that escape to six. */
static void longest_line_is_whole(void **state)
{
	struct sink *sink = *state;
	char text[5000];
	struct err err = { .kind = ERR_REFUSED };
	memset(text, 1, sizeof text - 1);
	text[sizeof text - 1] = 0;
	memset(err.text, 1, sizeof err.text - 1);
	const struct log_about about = { text, text, text, text, text, text, text, &err, true };
	sink->log.service = text;
	log_line(&sink->log, LOG_ERROR, &about, "%s", text);
	JSON_OWNED json = taken_json(sink);
	struct str message;
	assert_true(json_string(json_member(json_root(json), "message"), &message));
	assert_int_equal(message.len, 1023);
	assert_int_equal(json_size(json_root(json)), 15);
}

static void foreign_text_stays_in_its_line(void **state)
{
	struct sink *sink = *state;
	log_line(&sink->log, LOG_INFO, NULL, "x\",\"log.level\":\"fatal\"}\n{\xff%s", "\r");
	JSON_OWNED json = taken_json(sink);
	assert_field(json, "message", "x\",\"log.level\":\"fatal\"}\n{\xef\xbf\xbd\r");
	assert_field(json, "log.level", "info");
}

static void survives_a_dead_file(void **state)
{
	struct sink *sink = *state;
	int fd = sink->log.fd;
	sink->log.fd = -1;
	errno = EAGAIN;
	log_line(&sink->log, LOG_INFO, NULL, "lost");
	assert_int_equal(errno, EAGAIN);
	sink->log.fd = fd;
	for (int i = 0; i < 1000; i++) /* more than the pipe holds */
		log_line(&sink->log, LOG_INFO, NULL, "%0500d", i);
	assert_true(taken(sink).len > 0);
}

static void reads_levels(void **state)
{
	(void)state;
	enum log_level level = LOG_WARN;
	assert_false(log_level_read(STR("loud"), &level));
	assert_false(log_level_read(STR(""), &level));
	assert_int_equal(level, LOG_WARN);
	assert_true(log_level_read(STR("debug"), &level) && level == LOG_DEBUG);
	assert_true(log_level_read(STR("info"), &level) && level == LOG_INFO);
	assert_true(log_level_read(STR("warn"), &level) && level == LOG_WARN);
	assert_true(log_level_read(STR("error"), &level) && level == LOG_ERROR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sink_open, sink_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(writes_a_line),
		TEST(says_what_it_is_about),
		TEST(leaves_out_what_is_empty),
		TEST(drops_lower_levels),
		TEST(longest_line_is_whole),
		TEST(foreign_text_stays_in_its_line),
		TEST(survives_a_dead_file),
		cmocka_unit_test(reads_levels),
	};
	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
