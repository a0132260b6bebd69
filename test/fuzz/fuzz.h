/* What the fuzz targets share. A target is one function over any bytes: it parses them as Sluice
 * does, and aborts (CHECK, a sanitizer) when a promise of the parser does not hold. libFuzzer
 * searches for such bytes (test/fuzz/run); main.c runs those that are kept in corpus/TARGET.
 *
 * A target keeps nothing between two inputs, apart from storage that it made once. */
#ifndef SLUICE_TEST_FUZZ_FUZZ_H
#define SLUICE_TEST_FUZZ_FUZZ_H

#include "base/buf.h"
#include "base/check.h"
#include "base/json.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The first byte steers the target; the rest is what is parsed. 0 for an empty input. */
static inline uint8_t fuzz_take(struct str *input)
{
	if (input->len == 0)
		return 0;
	uint8_t first = (uint8_t)input->at[0];
	*input = str_skip(*input, 1);
	return first;
}

/* Memory of exactly this size, so that the sanitizer sees a step too far. Freed by the caller. */
static inline char *fuzz_copy(struct str text)
{
	char *copy = malloc(text.len > 0 ? text.len : 1);
	CHECK(copy != NULL);
	if (text.len > 0)
		memcpy(copy, text.at, text.len);
	return copy;
}

/* NULL when it is not JSON. */
static inline struct json *fuzz_json(struct str text)
{
	struct err err;
	struct json *json = NULL;
	return json_parse(text, &json, &err) ? json : NULL;
}

/* A private file for parsers that read one: made once, written anew for each input, gone at exit.
 */
struct fuzz_file {
	char path[64];
	int fd;
};

static struct fuzz_file fuzz_file_one;

static inline void fuzz_file_remove(void)
{
	unlink(fuzz_file_one.path);
}

static inline const char *fuzz_file_write(struct str content)
{
	struct fuzz_file *file = &fuzz_file_one;
	if (file->path[0] == 0) {
		const char *dir = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
		snprintf(file->path, sizeof file->path, "%s/sluice-fuzz-XXXXXX", dir);
		file->fd = mkstemp(file->path);
		CHECK(file->fd >= 0 && atexit(fuzz_file_remove) == 0);
	}
	CHECK(ftruncate(file->fd, 0) == 0);
	CHECK(pwrite(file->fd, content.at, content.len, 0) == (ssize_t)content.len);
	return file->path;
}

#endif
