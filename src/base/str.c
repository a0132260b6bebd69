#include "base/str.h"

#include "base/check.h"

#include <string.h>
#include <strings.h>

struct str str_from(const char *terminated)
{
	if (terminated == NULL)
		return (struct str){ NULL, 0 };
	return (struct str){ terminated, strlen(terminated) };
}

struct str str_from_bytes(const void *bytes, size_t len)
{
	return (struct str){ bytes, len };
}

bool str_equal(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool str_equal_text(struct str a, const char *terminated)
{
	return str_equal(a, str_from(terminated));
}

bool str_starts_with(struct str s, struct str prefix)
{
	return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

bool str_equal_fold(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || strncasecmp(a.at, b.at, a.len) == 0);
}

bool str_contains_fold(struct str s, struct str part)
{
	if (part.len == 0)
		return true;
	for (size_t i = 0; i + part.len <= s.len; i++)
		if (strncasecmp(s.at + i, part.at, part.len) == 0)
			return true;
	return false;
}

struct str str_skip(struct str s, size_t count)
{
	CHECK(count <= s.len);
	if (count == 0)
		return s;
	return (struct str){ s.at + count, s.len - count };
}

bool str_cut(struct str s, char separator, struct str *ret_before, struct str *ret_after)
{
	const char *found = s.len == 0 ? NULL : memchr(s.at, separator, s.len);
	if (found == NULL)
		return false;
	size_t before = (size_t)(found - s.at);
	*ret_before = (struct str){ s.at, before };
	*ret_after = (struct str){ found + 1, s.len - before - 1 };
	return true;
}

struct str str_trim(struct str s)
{
	while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
		s = str_skip(s, 1);
	while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool str_to_u64(struct str s, uint64_t *ret_value)
{
	uint64_t value = 0;
	if (s.len == 0 || (s.len > 1 && s.at[0] == '0'))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(s.at[i] - '0'), &value))
			return false;
	}
	*ret_value = value;
	return true;
}

bool str_copy(struct str s, char *ret_text, size_t capacity)
{
	if (s.len >= capacity || (s.len > 0 && memchr(s.at, 0, s.len) != NULL))
		return false;
	if (s.len > 0)
		memcpy(ret_text, s.at, s.len);
	ret_text[s.len] = 0;
	return true;
}
