#include "adapter/db_marks.h"

#include "base/check.h"
#include "base/str.h"

#include <inttypes.h>
#include <string.h>

#define GROWTH   3 /* {next version} grows most: 14 characters become 39 */
#define HEADROOM 64

struct mark {
	const char *name;
	const char *sqlite;
	const char *mysql; /* of a sized one: followed by its size */
	bool sized;        /* may be written as {name N} */
};

/* Text is compared byte by byte and without padding, which of MySQL's types only the binary ones
 * do in every version. */
static const struct mark marks[] = {
	{ "for update", "", "FOR UPDATE", false },
	{ "for update skip locked", "", "FOR UPDATE SKIP LOCKED", false },
	{ "by events_feed", "INDEXED BY events_feed", "FORCE INDEX (events_feed)", false },
	{ "by audit_feed", "INDEXED BY audit_feed", "FORCE INDEX (audit_feed)", false },
	{ "by withdrawals_account", "INDEXED BY withdrawals_account",
	  "FORCE INDEX (withdrawals_account)", false },
	{ "for share", "", "LOCK IN SHARE MODE", false },
	{ "least", "min", "LEAST", false },
	{ "index new", "CREATE INDEX IF NOT EXISTS", "CREATE INDEX", false },
	{ "insert new", "INSERT OR IGNORE INTO", "INSERT IGNORE INTO", false },
	{ "blob", "BLOB", "VARBINARY", true },
	{ "text", "TEXT", "VARBINARY", true },
	{ "document", "BLOB", "MEDIUMBLOB", false },
	{ "id", "BLOB", "BINARY(16)", false },
	{ "u256", "BLOB", "BINARY(32)", false },
	{ "serial", "INTEGER PRIMARY KEY", "BIGINT AUTO_INCREMENT PRIMARY KEY", false },
	{ "without rowid", "WITHOUT ROWID", "", false },
};

static bool is_named(const struct mark *mark, struct str name, uint64_t *ret_size)
{
	struct str head, size;
	*ret_size = 0;
	if (str_equal_text(name, mark->name))
		return true;
	return mark->sized && str_cut(name, ' ', &head, &size) &&
	       str_equal_text(head, mark->name) && str_to_u64(size, ret_size);
}

/* Without its size MySQL has another type for it. */
static void mark_write(enum db_dialect dialect, const struct mark *mark, uint64_t size,
		       struct buf *out)
{
	if (dialect == DB_DIALECT_SQLITE)
		buf_text(out, mark->sqlite);
	else if (mark->sized && size > 0)
		buf_format(out, "%s(%" PRIu64 ")", mark->mysql, size);
	else
		buf_text(out, mark->sized ? "BLOB" : mark->mysql);
}

/* {next NAME} and {next small NAME}: a column and one more. */
static bool next_write(enum db_dialect dialect, struct str name, struct buf *out)
{
	struct str head, column, small;
	const char *end = "9223372036854775806";
	if (!str_cut(name, ' ', &head, &column) || !str_equal_text(head, "next"))
		return false;
	if (str_cut(column, ' ', &head, &small)) {
		column = small;
		end = "2147483646";
	}
	buf_format(out, "%s(%.*s, %s) + 1", dialect == DB_DIALECT_SQLITE ? "min" : "LEAST",
		   STR_ARG(column), end);
	return true;
}

static bool mark_replace(enum db_dialect dialect, struct str name, struct buf *out, struct err *err)
{
	if (next_write(dialect, name, out))
		return true;
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		uint64_t size;
		if (!is_named(&marks[i], name, &size))
			continue;
		mark_write(dialect, &marks[i], size, out);
		return true;
	}
	return err_set(err, ERR_REFUSED, "SQL: unknown mark {%.*s}", STR_ARG(name));
}

bool db_marks_replace(enum db_dialect dialect, const char *sql, struct buf *ret_text,
		      struct err *err)
{
	struct str rest = str_from(sql);
	bool quoted = false;
	*ret_text = buf_new(strlen(sql) * GROWTH + HEADROOM);
	while (rest.len > 0) {
		struct str name, tail;
		if (*rest.at == '\'')
			quoted = !quoted;
		if (quoted || *rest.at != '{') {
			buf_byte(ret_text, (uint8_t)*rest.at);
			rest = str_skip(rest, 1);
			continue;
		}
		if (!str_cut(str_skip(rest, 1), '}', &name, &tail))
			return err_set(err, ERR_REFUSED, "SQL: a mark without its end: %.60s",
				       rest.at);
		if (!mark_replace(dialect, name, ret_text, err))
			return false;
		rest = tail;
	}
	CHECK(!ret_text->overflow);
	return true;
}
