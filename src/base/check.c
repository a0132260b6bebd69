#include "base/check.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* A condition may hold string literals; what does not fit is cut. Nothing else of base is used in
 * this file: it may be what is broken. */
static void escape(const char *text, char *ret_escaped, size_t cap)
{
	size_t len = 0;
	for (; *text != 0 && len + 2 < cap; text++) {
		if (*text == '"' || *text == '\\')
			ret_escaped[len++] = '\\';
		ret_escaped[len++] = *text;
	}
	ret_escaped[len] = 0;
}

void check_failed(const char *file, int line, const char *function, const char *text)
{
	char escaped[512];
	escape(text, escaped, sizeof escaped);
	fprintf(stderr,
		"{\"log.level\":\"fatal\",\"message\":\"invariant broken: %s\","
		"\"log.origin.file.name\":\"%s\",\"log.origin.file.line\":%d,"
		"\"log.origin.function\":\"%s\"}\n",
		escaped, file, line, function);
	fflush(stderr);
	abort();
}
