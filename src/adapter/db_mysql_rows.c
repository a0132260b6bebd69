#include "adapter/db_mysql_rows.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_FIRST 4096

/* One parameter of all rows, as the library wants it. */
struct column {
	enum enum_field_types type; /* MYSQL_TYPE_NULL: of none so far */
	int64_t numbers[DB_ROWS_MAX];
	const void *at[DB_ROWS_MAX]; /* into `bytes`, once they move no more */
	size_t offsets[DB_ROWS_MAX];
	unsigned long lens[DB_ROWS_MAX];
	char indicators[DB_ROWS_MAX];
};

struct db_mysql_rows {
	size_t len;
	unsigned long parameters;
	struct column *columns;
	MYSQL_BIND *binds;
	char *bytes;
	size_t bytes_len;
	size_t bytes_cap;
};

struct db_mysql_rows *db_mysql_rows_new(unsigned long parameters)
{
	struct db_mysql_rows *rows = calloc(1, sizeof *rows);
	CHECK(parameters > 0 && rows != NULL);
	rows->parameters = parameters;
	rows->columns = calloc(parameters, sizeof *rows->columns);
	rows->binds = calloc(parameters, sizeof *rows->binds);
	rows->bytes_cap = BYTES_FIRST;
	rows->bytes = malloc(rows->bytes_cap);
	CHECK(rows->columns != NULL && rows->binds != NULL && rows->bytes != NULL);
	db_mysql_rows_clear(rows);
	return rows;
}

void db_mysql_rows_free(struct db_mysql_rows *rows)
{
	if (rows == NULL)
		return;
	free(rows->columns);
	free(rows->binds);
	free(rows->bytes);
	free(rows);
}

void db_mysql_rows_clear(struct db_mysql_rows *rows)
{
	rows->len = 0;
	rows->bytes_len = 0;
	for (unsigned long i = 0; i < rows->parameters; i++)
		rows->columns[i].type = MYSQL_TYPE_NULL;
}

size_t db_mysql_rows_len(const struct db_mysql_rows *rows)
{
	return rows->len;
}

static size_t bytes_copy(struct db_mysql_rows *rows, const void *bytes, size_t len)
{
	size_t offset = rows->bytes_len;
	while (rows->bytes_cap - offset < len) {
		CHECK(rows->bytes_cap <= SIZE_MAX / 2);
		rows->bytes_cap *= 2;
		rows->bytes = realloc(rows->bytes, rows->bytes_cap);
		CHECK(rows->bytes != NULL);
	}
	if (len > 0)
		memcpy(rows->bytes + offset, bytes, len);
	rows->bytes_len += len;
	return offset;
}

static void cell_add(struct db_mysql_rows *rows, struct column *column, const MYSQL_BIND *bind)
{
	size_t row = rows->len;
	bool is_null = bind->buffer_type == MYSQL_TYPE_NULL;
	column->indicators[row] = is_null ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE;
	column->offsets[row] = 0;
	column->lens[row] = 0;
	column->numbers[row] = 0;
	if (is_null)
		return;
	CHECK(column->type == MYSQL_TYPE_NULL || column->type == bind->buffer_type);
	column->type = bind->buffer_type;
	if (column->type == MYSQL_TYPE_LONGLONG) {
		memcpy(&column->numbers[row], bind->buffer, sizeof column->numbers[row]);
		return;
	}
	column->lens[row] = bind->buffer_length;
	column->offsets[row] = bytes_copy(rows, bind->buffer, bind->buffer_length);
}

void db_mysql_rows_add(struct db_mysql_rows *rows, const MYSQL_BIND *binds)
{
	CHECK(rows->len < DB_ROWS_MAX);
	for (unsigned long i = 0; i < rows->parameters; i++)
		cell_add(rows, &rows->columns[i], &binds[i]);
	rows->len++;
}

MYSQL_BIND *db_mysql_rows_array(struct db_mysql_rows *rows)
{
	for (unsigned long i = 0; i < rows->parameters; i++) {
		struct column *column = &rows->columns[i];
		bool is_number = column->type == MYSQL_TYPE_LONGLONG;
		for (size_t row = 0; row < rows->len; row++)
			column->at[row] = rows->bytes + column->offsets[row];
		rows->binds[i] = (MYSQL_BIND){
			/* A column of NULL alone has some type all the same. */
			.buffer_type =
				column->type == MYSQL_TYPE_NULL ? MYSQL_TYPE_STRING : column->type,
			.buffer = is_number ? (void *)column->numbers : (void *)column->at,
			.length = is_number ? NULL : column->lens,
			.u = { .indicator = column->indicators },
		};
	}
	return rows->binds;
}

MYSQL_BIND *db_mysql_rows_one(struct db_mysql_rows *rows, size_t at)
{
	CHECK(at < rows->len);
	for (unsigned long i = 0; i < rows->parameters; i++) {
		struct column *column = &rows->columns[i];
		bool is_null = column->indicators[at] == STMT_INDICATOR_NULL;
		bool is_number = column->type == MYSQL_TYPE_LONGLONG;
		rows->binds[i] = (MYSQL_BIND){
			.buffer_type = is_null ? MYSQL_TYPE_NULL : column->type,
			.buffer = is_number ? (void *)&column->numbers[at]
					    : rows->bytes + column->offsets[at],
			.buffer_length = is_number ? 0 : column->lens[at],
		};
	}
	return rows->binds;
}

bool db_mysql_rows_taken(MYSQL *mysql)
{
	unsigned long features = 0;
	return mariadb_get_infov(mysql, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES,
				 &features) == 0 &&
	       (features & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32)) != 0;
}
