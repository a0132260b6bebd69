/* What the unit tests share: cmocka with what it wants before it, slices in assertions, code that
 * must abort, and the vectors of test/vector. */
#ifndef SLUICE_TEST_UNIT_TESTING_H
#define SLUICE_TEST_UNIT_TESTING_H

#include "base/buf.h"
#include "base/hex.h"
#include "base/str.h"
#include "base/u256.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* SLUICE_TEST_FILTER runs the tests of a program whose names match it (with * and ?). */
__attribute__((constructor)) static inline void testing_filter(void)
{
	const char *filter = getenv("SLUICE_TEST_FILTER");
	if (filter != NULL)
		cmocka_set_test_filter(filter);
}

#define COUNT_OF(array)               (sizeof(array) / sizeof *(array))

#define assert_str_equal(slice, text) assert_str_equal_at(slice, text, __FILE__, __LINE__)

static inline void assert_str_equal_at(struct str got, const char *expected, const char *file,
				       int line)
{
	if (str_equal_text(got, expected))
		return;
	print_error("got \"%.*s\", expected \"%s\"\n", STR_ARG(got), expected);
	_fail(file, line);
}

/* Runs the statement in a child and wants it to end by abort(): a broken CHECK. */
#define assert_aborts(statement)                                                   \
	do {                                                                       \
		pid_t child_ = fork();                                             \
		assert_true(child_ >= 0);                                          \
		if (child_ == 0) {                                                 \
			(void)!freopen("/dev/null", "w", stderr);                  \
			signal(SIGABRT, SIG_DFL);                                  \
			statement;                                                 \
			_exit(0);                                                  \
		}                                                                  \
		int status_ = 0;                                                   \
		assert_int_equal(waitpid(child_, &status_, 0), child_);            \
		assert_true(WIFSIGNALED(status_) && WTERMSIG(status_) == SIGABRT); \
	} while (0)

/* A file of vectors: its current line as columns. */
struct vectors {
	FILE *file;
	char *line;
	size_t cap;
	int number;
	int taken; /* lines that were not comments */
};

static inline struct vectors vectors_open(const char *name)
{
	char path[512];
	const char *root = getenv("SLUICE_SOURCE_ROOT");
	snprintf(path, sizeof path, "%s/test/vector/%s", root == NULL ? "." : root, name);
	struct vectors vectors = { .file = fopen(path, "r") };
	if (vectors.file == NULL)
		fail_msg("cannot open %s; set SLUICE_SOURCE_ROOT", path);
	return vectors;
}

/* The next line that is no comment. It must have exactly `count` columns. */
static inline bool vectors_next(struct vectors *vectors, struct str *ret_columns, size_t count)
{
	ssize_t len;
	do {
		len = getline(&vectors->line, &vectors->cap, vectors->file);
		vectors->number++;
	} while (len > 0 && vectors->line[0] == '#');
	if (len <= 0)
		return false;
	struct str rest = { vectors->line, (size_t)len - 1 };
	size_t last = count - 1;
	for (size_t i = 0; i < last; i++)
		if (!str_cut(rest, '\t', &ret_columns[i], &rest))
			fail_msg("line %d has too few columns", vectors->number);
	ret_columns[last] = rest;
	assert_null(memchr(rest.at, '\t', rest.len));
	vectors->taken++;
	return true;
}

/* Ends the reading; at least `least` vectors must have been there. */
static inline void vectors_close(struct vectors *vectors, int least)
{
	assert_true(vectors->taken >= least);
	free(vectors->line);
	fclose(vectors->file);
}

static inline bool is_nothing(struct str column)
{
	return str_equal(column, STR("-"));
}

/* Columns as values; a column that cannot be read fails the test. */
static inline struct u256 column_u256(struct str column)
{
	struct u256 value;
	assert_true(u256_from_decimal(column, &value));
	return value;
}

static inline uint64_t column_u64(struct str column)
{
	uint64_t value = 0;
	assert_true(str_to_u64(column, &value));
	return value;
}

static inline size_t column_bytes(struct str column, void *ret_bytes, size_t cap)
{
	size_t len = 0;
	assert_true(hex_read_0x_any(column, ret_bytes, cap, &len));
	return len;
}

#endif
