#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *function, const char *text)
{
	fprintf(stderr,
		"{\"log.level\":\"fatal\",\"message\":\"invariant broken: %s\","
		"\"log.origin.file.name\":\"%s\",\"log.origin.file.line\":%d,"
		"\"log.origin.function\":\"%s\"}\n",
		text, file, line, function);
	fflush(stderr);
	abort();
}
