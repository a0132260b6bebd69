#include "base/time.h"

#include "../testing.h"

#include <time.h>

static void assert_written(int64_t unix_ms, const char *expected)
{
	char storage[32];
	struct buf out = buf_of(storage, sizeof storage);
	time_write_rfc3339(unix_ms, &out);
	assert_str_equal(buf_view(&out), expected);
}

static void assert_read(const char *text, int64_t expected)
{
	int64_t unix_ms = -1;
	if (!time_read_rfc3339(str_from(text), &unix_ms))
		fail_msg("%s was refused", text);
	assert_true(unix_ms == expected);
}

static void writes_known_times(void **state)
{
	(void)state;
	assert_written(0, "1970-01-01T00:00:00.000Z");
	assert_written(1, "1970-01-01T00:00:00.001Z");
	assert_written(951782400000, "2000-02-29T00:00:00.000Z");
	assert_written(951868799999, "2000-02-29T23:59:59.999Z");
	assert_written(951868800000, "2000-03-01T00:00:00.000Z");
	assert_written(1769903999123, "2026-01-31T23:59:59.123Z");
	assert_written(4107542400000, "2100-03-01T00:00:00.000Z");
	assert_written(253402300799999, "9999-12-31T23:59:59.999Z");
}

static void writes_the_nearest_end(void **state)
{
	(void)state;
	assert_written(-1, "1970-01-01T00:00:00.000Z");
	assert_written(INT64_MIN, "1970-01-01T00:00:00.000Z");
	assert_written(253402300800000, "9999-12-31T23:59:59.999Z");
	assert_written(INT64_MAX, "9999-12-31T23:59:59.999Z");
}

/* Every day until 2106, then every 29th, against the C library, and back. */
static void agrees_with_the_library(void **state)
{
	(void)state;
	for (int64_t day = 0; day <= 253402300799 / 86400; day += day < 50000 ? 1 : 29) {
		time_t seconds = (time_t)(day * 86400 + day % 86400);
		struct tm parts;
		char expected[64], storage[32];
		int64_t back = -1;
		assert_non_null(gmtime_r(&seconds, &parts));
		snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.000Z",
			 parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
			 parts.tm_min, parts.tm_sec);
		struct buf out = buf_of(storage, sizeof storage);
		time_write_rfc3339((int64_t)seconds * 1000, &out);
		if (!str_equal_text(buf_view(&out), expected))
			fail_msg("%s", expected);
		assert_true(time_read_rfc3339(buf_view(&out), &back));
		assert_true(back == (int64_t)seconds * 1000);
	}
}

static void reads_offsets(void **state)
{
	(void)state;
	assert_read("2026-01-31T23:59:59Z", 1769903999000);
	assert_read("2026-01-31t23:59:59z", 1769903999000);
	assert_read("2026-01-31T23:59:59+00:00", 1769903999000);
	assert_read("2026-01-31T23:59:59-00:00", 1769903999000);
	assert_read("2026-02-01T00:59:59+01:00", 1769903999000);
	assert_read("2026-02-01T05:29:59+05:30", 1769903999000);
	assert_read("2026-01-31T15:59:59-08:00", 1769903999000);
	assert_read("2026-01-31T00:00:59-23:59", 1769903999000);
	assert_read("1970-01-01T23:59:00+23:59", 0);
	assert_read("1969-12-31T23:00:00-01:00", 0);
}

static void reads_fractions(void **state)
{
	(void)state;
	assert_read("1970-01-01T00:00:00.1Z", 100);
	assert_read("1970-01-01T00:00:00.12Z", 120);
	assert_read("1970-01-01T00:00:00.123Z", 123);
	assert_read("1970-01-01T00:00:00.1239Z", 123);
	assert_read("1970-01-01T00:00:00.000999999Z", 0);
	assert_read("1970-01-01T00:00:00.123456789+00:00", 123);
}

static void refuses_what_is_no_time(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"2026",
		"2026-01-31",
		"2026-01-31T23:59:59",
		"2026-01-31 23:59:59Z",
		"2026-01-31T23:59:59Zx",
		" 2026-01-31T23:59:59Z",
		"26-01-31T23:59:59Z",
		"202601-31T23:59:59Z",
		"2026-0131T23:59:59Z",
		"2026-01-3123:59:59Z",
		"2026-01-31T2359:59Z",
		"2026-01-31T23:5959Z",
		"2026-01-31T23:59:5901:00",
		"12026-01-31T23:59:59Z",
		"2026/01-31T23:59:59Z",
		"2026-01/31T23:59:59Z",
		"2026-1-31T23:59:59Z",
		"2026-x1-31T23:59:59Z",
		"2026-01-1T23:59:59Z",
		"2026-00-31T23:59:59Z",
		"2026-13-31T23:59:59Z",
		"2026-01-00T23:59:59Z",
		"2026-01-32T23:59:59Z",
		"2026-04-31T23:59:59Z",
		"2026-02-29T23:59:59Z",
		"2100-02-29T23:59:59Z",
		"2000-02-30T23:59:59Z",
		"2026-01-31T24:00:00Z",
		"2026-01-31T23:60:00Z",
		"2026-12-31T23:59:60Z",
		"2026-01-31T2:59:59Z",
		"2026-01-31T23.59:59Z",
		"2026-01-31T23:5:59Z",
		"2026-01-31T23:59.59Z",
		"2026-01-31T23:59:5Z",
		"2026-01-31T23:59:59.Z",
		"2026-01-31T23:59:59,5Z",
		"2026-01-31T23:59:59.1234567890Z",
		"2026-01-31T23:59:59.5",
		"2026-01-31T23:59:59+1:00",
		"2026-01-31T23:59:59+0100",
		"2026-01-31T23:59:59+01:0",
		"2026-01-31T23:59:59+01",
		"2026-01-31T23:59:59+24:00",
		"2026-01-31T23:59:59+01:60",
		"2026-01-31T23:59:59*01:00",
		"1969-12-31T23:59:59.999Z",
		"1970-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01",
		"0000-01-01T00:00:00Z",
		"-026-01-31T23:59:59Z",
	};
	int64_t unix_ms = 42;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (time_read_rfc3339(str_from(bad[i]), &unix_ms))
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(unix_ms, 42);
	assert_read("2000-02-29T00:00:00Z", 951782400000);
	assert_read("2024-02-29T00:00:00Z", 1709164800000);
}

/* The last day of each month is there, the next one is not. */
static void knows_the_length_of_months(void **state)
{
	(void)state;
	static const int days[12] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	for (int month = 1; month <= 12; month++) {
		char text[64];
		int64_t unix_ms;
		snprintf(text, sizeof text, "2028-%02d-%02dT00:00:00Z", month, days[month - 1]);
		assert_true(time_read_rfc3339(str_from(text), &unix_ms));
		snprintf(text, sizeof text, "2028-%02d-%02dT00:00:00Z", month, days[month - 1] + 1);
		assert_false(time_read_rfc3339(str_from(text), &unix_ms));
	}
}

static void a_duration_has_a_number_and_a_unit(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = { { "0s", 0 },
		     { "45s", 45000 },
		     { "30m", 1800000 },
		     { "24h", 86400000 },
		     { "90d", INT64_C(7776000000) },
		     { "36525d", INT64_C(3155760000000) } };
	static const char *const bad[] = { "",     "s",      "1",   "-1s",
					   "1 s",  "1S",     "01s", "1.5h",
					   "1h2m", "36526d", "1w",  "99999999999999999999s",
					   "1ms" };
	int64_t ms = 0;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_true(time_read_duration(str_from(good[i].text), &ms));
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (time_read_duration(str_from(bad[i]), &ms))
			fail_msg("\"%s\" is taken", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_known_times),
		cmocka_unit_test(writes_the_nearest_end),
		cmocka_unit_test(agrees_with_the_library),
		cmocka_unit_test(reads_offsets),
		cmocka_unit_test(reads_fractions),
		cmocka_unit_test(refuses_what_is_no_time),
		cmocka_unit_test(knows_the_length_of_months),
		cmocka_unit_test(a_duration_has_a_number_and_a_unit),
	};
	return cmocka_run_group_tests_name("base/time", tests, NULL, NULL);
}
