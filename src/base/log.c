#include "base/log.h"

#include "base/json.h"
#include "base/time.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Long text is cut, so that a line always fits: an escaped byte takes six at most. */
#define MESSAGE_LEN_MAX 1023
#define FIELD_LEN_MAX   128
#define FIELDS_MAX      9 /* those of struct log_about that are text, service and level */
#define ESCAPED         6
#define NAMES_LEN_MAX   512 /* all names, quotes, commas, the time */
#define LINE_LEN_MAX    16384

_Static_assert((MESSAGE_LEN_MAX + ERR_TEXT_LEN + FIELDS_MAX * FIELD_LEN_MAX) * ESCAPED +
			       NAMES_LEN_MAX <
		       LINE_LEN_MAX,
	       "the longest line fits");

static const char *const level_texts[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARN] = "warn",
	[LOG_ERROR] = "error",
};

bool log_level_read(struct str text, enum log_level *ret_level)
{
	for (size_t i = 0; i < sizeof level_texts / sizeof *level_texts; i++) {
		if (!str_equal_text(text, level_texts[i]))
			continue;
		*ret_level = (enum log_level)i;
		return true;
	}
	return false;
}

static void write_field(struct buf *out, const char *name, const char *terminated)
{
	if (terminated == NULL)
		return;
	size_t len = strlen(terminated);
	len = len < FIELD_LEN_MAX ? len : FIELD_LEN_MAX;
	json_write_member(out, name, (struct str){ terminated, len });
}

static void write_about(struct buf *out, const struct log_about *about)
{
	write_field(out, "event.action", about->action);
	write_field(out, "event.outcome", about->outcome);
	write_field(out, "trace.id", about->trace_id);
	write_field(out, "labels.withdrawal_id", about->withdrawal_id);
	write_field(out, "labels.transfer_id", about->transfer_id);
	write_field(out, "labels.tx_hash", about->tx_hash);
	write_field(out, "labels.wallet", about->wallet);
	if (about->err != NULL) {
		write_field(out, "error.type", err_kind_text(about->err->kind));
		json_write_member(out, "error.message", str_from(about->err->text));
	}
	if (about->alarm)
		json_write_member_bool(out, "labels.alarm", true);
}

/* One write a line. What the file does not take is lost: a log must not stop a payment. */
static void write_all(int fd, struct str line)
{
	while (line.len > 0) {
		ssize_t written = write(fd, line.at, line.len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		line = str_skip(line, (size_t)written);
	}
}

void log_line(const struct log *log, enum log_level level, const struct log_about *about,
	      const char *format, ...)
{
	if (log == NULL || level < log->level)
		return;
	int saved_errno = errno;
	char message[MESSAGE_LEN_MAX + 1];
	va_list arguments;
	va_start(arguments, format);
	int formatted = vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	CHECK(formatted >= 0);
	if (log->hear != NULL) {
		log->hear(log->listener, level, about, message);
		return;
	}

	char storage[LINE_LEN_MAX];
	struct buf out = buf_of(storage, sizeof storage);
	buf_text(&out, "{\"@timestamp\":\"");
	time_write_rfc3339(log->now_ms(log->clock), &out);
	buf_byte(&out, '"');
	write_field(&out, "log.level", level_texts[level]);
	json_write_member_text(&out, "message", message);
	write_field(&out, "ecs.version", "8.11");
	write_field(&out, "service.name", log->service);
	if (about != NULL)
		write_about(&out, about);
	buf_text(&out, "}\n");
	CHECK(!out.overflow);
	write_all(log->fd, buf_view(&out));
	errno = saved_errno;
}
