/* Documents that are made from tables: the committed file must be what the code writes now. With
 * SLUICE_WRITE_DOCUMENTS set, the test writes the file instead. */
#ifndef SLUICE_TEST_UNIT_DOCUMENT_H
#define SLUICE_TEST_UNIT_DOCUMENT_H

#include "testing.h"

static inline void document_write(const char *path, struct str text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text.at, 1, text.len, file), text.len);
	assert_int_equal(fclose(file), 0);
}

/* name: below the root of the source, "doc/errors.md". */
static inline void assert_document(const char *name, void (*write)(struct buf *out))
{
	char path[512];
	const char *root = getenv("SLUICE_SOURCE_ROOT");
	snprintf(path, sizeof path, "%s/%s", root == NULL ? "." : root, name);
	struct buf expected = buf_new(1 << 17);
	write(&expected);
	assert_false(expected.overflow);
	if (getenv("SLUICE_WRITE_DOCUMENTS") != NULL)
		document_write(path, buf_view(&expected));

	struct buf found = buf_new(1 << 17);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		fail_msg("there is no %s; run this test with SLUICE_WRITE_DOCUMENTS=1", path);
	found.len = fread(found.at, 1, found.cap, file);
	fclose(file);
	if (!str_equal(buf_view(&expected), buf_view(&found)))
		fail_msg("%s is not what the code says; run this test with "
			 "SLUICE_WRITE_DOCUMENTS=1 and commit it",
			 path);
	buf_free(&expected);
	buf_free(&found);
}

#endif
