/* The calendar is the proleptic Gregorian one, computed in eras of 400 years whose years start in
 * March, so that the leap day is the last of its year.
 * Source: RFC 3339; H. Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
#include "base/time.h"

#include "base/check.h"

#include <stdbool.h>
#include <time.h>

#define MS_PER_DAY    INT64_C(86400000)
#define UNIX_MS_MAX   INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

#define DAYS_PER_ERA  146097
#define DAYS_TO_EPOCH 719468 /* from 0000-03-01 to 1970-01-01 */

struct date {
	int64_t year;
	int64_t month; /* 1 to 12 */
	int64_t day;   /* 1 to 31 */
};

static struct date date_of_days(int64_t days)
{
	days += DAYS_TO_EPOCH;
	int64_t era = days / DAYS_PER_ERA;
	int64_t day_of_era = days % DAYS_PER_ERA;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month_from_march = (5 * day_of_year + 2) / 153;
	int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
	return (struct date){
		.year = era * 400 + year_of_era + (month <= 2 ? 1 : 0),
		.month = month,
		.day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
	};
}

static int64_t days_of_date(struct date date)
{
	int64_t year = date.month <= 2 ? date.year - 1 : date.year;
	int64_t era = year / 400;
	int64_t year_of_era = year % 400;
	int64_t month_from_march = date.month > 2 ? date.month - 3 : date.month + 9;
	int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
	static const int8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

static void put_digits(char *at, size_t count, int64_t value)
{
	for (size_t i = count; i > 0; i--) {
		at[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
}

void time_write_rfc3339(int64_t unix_ms, struct buf *out)
{
	if (unix_ms < 0)
		unix_ms = 0;
	if (unix_ms > UNIX_MS_MAX)
		unix_ms = UNIX_MS_MAX;
	struct date date = date_of_days(unix_ms / MS_PER_DAY);
	int64_t ms = unix_ms % MS_PER_DAY;
	char text[] = "0000-00-00T00:00:00.000Z";
	put_digits(text, 4, date.year);
	put_digits(text + 5, 2, date.month);
	put_digits(text + 8, 2, date.day);
	put_digits(text + 11, 2, ms / 3600000);
	put_digits(text + 14, 2, ms / 60000 % 60);
	put_digits(text + 17, 2, ms / 1000 % 60);
	put_digits(text + 20, 3, ms % 1000);
	buf_bytes(out, text, sizeof text - 1);
}

/* Takes exactly `count` digits from the head of *text. */
static bool take_digits(struct str *text, size_t count, int64_t *ret_value)
{
	int64_t value = 0;
	if (text->len < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (text->at[i] < '0' || text->at[i] > '9')
			return false;
		value = value * 10 + (text->at[i] - '0');
	}
	*text = str_skip(*text, count);
	*ret_value = value;
	return true;
}

/* Takes one byte, any of `accepted`. */
static bool take_one_of(struct str *text, const char *accepted, char *ret_byte)
{
	if (text->len == 0)
		return false;
	for (const char *at = accepted; *at != 0; at++) {
		if (text->at[0] != *at)
			continue;
		*ret_byte = *at;
		*text = str_skip(*text, 1);
		return true;
	}
	return false;
}

static bool take_date(struct str *text, struct date *ret_date)
{
	struct date date;
	char separator;
	if (!take_digits(text, 4, &date.year) || !take_one_of(text, "-", &separator) ||
	    !take_digits(text, 2, &date.month) || !take_one_of(text, "-", &separator) ||
	    !take_digits(text, 2, &date.day) || !take_one_of(text, "Tt", &separator))
		return false;
	if (date.month < 1 || date.month > 12 || date.day < 1 ||
	    date.day > days_in_month(date.year, date.month))
		return false;
	*ret_date = date;
	return true;
}

/* A fraction of one to nine digits behind its point, cut to milliseconds. */
static bool take_fraction(struct str *text, int64_t *ret_ms)
{
	int64_t ms = 0;
	size_t digits = 0;
	int64_t digit;
	while (take_digits(text, 1, &digit)) {
		digits++;
		if (digits <= 3)
			ms = ms * 10 + digit;
	}
	for (size_t i = digits; i < 3; i++)
		ms *= 10;
	*ret_ms = ms;
	return digits >= 1 && digits <= 9;
}

static bool take_time_of_day(struct str *text, int64_t *ret_ms)
{
	int64_t hour, minute, second;
	int64_t fraction_ms = 0;
	char separator;
	if (!take_digits(text, 2, &hour) || !take_one_of(text, ":", &separator) ||
	    !take_digits(text, 2, &minute) || !take_one_of(text, ":", &separator) ||
	    !take_digits(text, 2, &second))
		return false;
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	if (take_one_of(text, ".", &separator) && !take_fraction(text, &fraction_ms))
		return false;
	*ret_ms = ((hour * 60 + minute) * 60 + second) * 1000 + fraction_ms;
	return true;
}

/* "Z", or a sign and hours and minutes: how far the text's clock is ahead of UTC. */
static bool take_offset(struct str *text, int64_t *ret_ahead_ms)
{
	char sign;
	char separator;
	int64_t hour, minute;
	if (take_one_of(text, "Zz", &sign)) {
		*ret_ahead_ms = 0;
		return true;
	}
	if (!take_one_of(text, "+-", &sign) || !take_digits(text, 2, &hour) ||
	    !take_one_of(text, ":", &separator) || !take_digits(text, 2, &minute))
		return false;
	if (hour > 23 || minute > 59)
		return false;
	int64_t ms = (hour * 60 + minute) * 60000;
	*ret_ahead_ms = sign == '-' ? -ms : ms;
	return true;
}

bool time_read_rfc3339(struct str text, int64_t *ret_unix_ms)
{
	struct date date;
	int64_t day_ms, ahead_ms;
	if (!take_date(&text, &date) || !take_time_of_day(&text, &day_ms) ||
	    !take_offset(&text, &ahead_ms) || text.len != 0)
		return false;
	int64_t unix_ms = days_of_date(date) * MS_PER_DAY + day_ms - ahead_ms;
	if (unix_ms < 0 || unix_ms > UNIX_MS_MAX)
		return false;
	*ret_unix_ms = unix_ms;
	return true;
}

bool time_read_duration(struct str text, int64_t *ret_ms)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	static const uint64_t seconds_max = UINT64_C(36525) * 86400;
	uint64_t count = 0;
	if (text.len < 2 || !str_to_u64((struct str){ text.at, text.len - 1 }, &count))
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (units[i].unit != text.at[text.len - 1] ||
		    count > seconds_max / units[i].seconds)
			continue;
		*ret_ms = (int64_t)(count * units[i].seconds * 1000);
		return true;
	}
	return false;
}

void time_write_http(int64_t seconds, struct buf *out)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t at = (time_t)seconds;
	struct tm parts;
	CHECK(gmtime_r(&at, &parts) != NULL);
	buf_format(out, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[parts.tm_wday], parts.tm_mday,
		   months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
		   parts.tm_sec);
}
