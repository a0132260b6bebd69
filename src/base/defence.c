/* In builds with -Ddefence_switches=true alone; see the header. */
#include "base/defence.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the linker puts the first name, and the end of the last one. */
extern const char __start_defences[];
extern const char __stop_defences[];

/* Is the name one of a list with commas in between? */
static bool is_listed(const char *list, const char *name, size_t len)
{
	for (const char *at = list; *at != 0;) {
		size_t n = strcspn(at, ",");
		if (n == len && memcmp(at, name, n) == 0)
			return true;
		at += n + (at[n] == ',');
	}
	return false;
}

bool defence_stands(const char *name)
{
	const char *out = getenv("DEFENCES_OUT");
	return out == NULL || !is_listed(out, name, strlen(name));
}

static bool is_known(const char *name, size_t len)
{
	const char *at = __start_defences;
	while (at < __stop_defences) {
		size_t n = strnlen(at, (size_t)(__stop_defences - at));
		if (n == len && memcmp(at, name, n) == 0)
			return true;
		at += n + 1;
	}
	return false;
}

/* A name that was changed, or is not of this program, would take out nothing, and its test would
 * show nothing. */
__attribute__((constructor)) static void names_check(void)
{
	const char *out = getenv("DEFENCES_OUT");
	if (out == NULL)
		return;
	for (const char *at = out; *at != 0;) {
		size_t n = strcspn(at, ",");
		if (!is_known(at, n)) {
			(void)fprintf(stderr, "DEFENCES_OUT: no defence \"%.*s\" in this program\n",
				      (int)n, at);
			abort();
		}
		at += n + (at[n] == ',');
	}
	(void)fprintf(stderr, "defences out: %s\n", out);
}
