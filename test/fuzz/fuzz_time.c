/* Times of RFC 3339, and plain numbers. The calendar is worked out a second time, by timegm(). */
#include "fuzz.h"

#include "base/time.h"

#include <time.h>

static int number(struct str text, size_t at, size_t len)
{
	int value = 0;
	for (size_t i = at; i < at + len; i++)
		value = value * 10 + (text.at[i] - '0');
	return value;
}

static int64_t slow_ms(struct str text)
{
	struct tm tm = { .tm_year = number(text, 0, 4) - 1900,
			 .tm_mon = number(text, 5, 2) - 1,
			 .tm_mday = number(text, 8, 2),
			 .tm_hour = number(text, 11, 2),
			 .tm_min = number(text, 14, 2),
			 .tm_sec = number(text, 17, 2) };
	int64_t ms = (int64_t)timegm(&tm) * 1000;
	int64_t worth = 100;
	size_t at = 19;
	if (text.at[at] == '.')
		for (at++; text.at[at] >= '0' && text.at[at] <= '9'; at++, worth /= 10)
			ms += worth * (text.at[at] - '0');
	if (text.at[at] == 'Z' || text.at[at] == 'z')
		return ms;
	int64_t offset = number(text, at + 1, 2) * 60 + number(text, at + 4, 2);
	return ms - (text.at[at] == '-' ? -offset : offset) * 60000;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str text = str_from_bytes(bytes, len);
	int64_t at_ms, again;
	uint64_t plain;
	char storage[32];
	struct buf out = buf_of(storage, sizeof storage);
	if (time_read_rfc3339(text, &at_ms)) {
		CHECK(at_ms == slow_ms(text));
		time_write_rfc3339(at_ms, &out);
		CHECK(out.len == 24 && time_read_rfc3339(buf_view(&out), &again) && again == at_ms);
	}
	if (str_to_u64(text, &plain)) {
		buf_reset(&out);
		buf_decimal(&out, plain);
		CHECK(str_equal(buf_view(&out), text));
	}
	return 0;
}
