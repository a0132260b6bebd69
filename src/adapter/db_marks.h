/* The words in which SQL dialects differ, as port/db.h lists them. */
#ifndef SLUICE_ADAPTER_DB_MARKS_H
#define SLUICE_ADAPTER_DB_MARKS_H

#include "base/buf.h"
#include "base/err.h"

enum db_dialect {
	DB_DIALECT_SQLITE,
	DB_DIALECT_MYSQL,
};

/* `sql` with its marks replaced, in a buffer of its own: freed by the caller, also on failure.
 * REFUSED for a mark that is none. */
MUST_CHECK bool db_marks_replace(enum db_dialect dialect, const char *sql, struct buf *ret_text,
				 struct err *err);

#endif
