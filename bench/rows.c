/* How many acceptances a MariaDB takes when nothing is done but to store their rows: each
 * connection commits groups of 64, each of its four tables filled by one array-bound statement.
 * There is no HTTP, no validation, no MAC, no look at what is there: this is the bar that bench/run
 * puts beside the API on the same server, not a program to use.
 *
 * usage: rows SOCKET DATABASE CONNECTIONS SECONDS
 *
 * Prints {"rows":N,"seconds":N}: a row is a withdrawal with its event, audit record and message.
 * The database has the schema already. A change of the rows that store_sql_accept.c writes has to
 * be followed here; bench/run compares what both wrote. */
#include "base/str.h"
#include "core/id.h"
#include "core/lifecycle.h"

#include <mysql.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define GROUP           64
#define CONNECTIONS_MAX 64
#define COLUMNS_MAX     23
#define DUE_MS          30000
#define ACCOUNT         "default"
#define CHECK_IT(did)   check_it((did), #did)

/* One parameter of a group: the same of all, or one of each row. */
struct column {
	int64_t numbers[GROUP];
	const void *bytes[GROUP];
	unsigned long lens[GROUP];
	char nulls[GROUP];
};

struct insert {
	MYSQL_STMT *stmt;
	MYSQL_BIND binds[COLUMNS_MAX];
	struct column columns[COLUMNS_MAX];
	unsigned len;
};

enum { INSERT_WITHDRAWAL, INSERT_EVENT, INSERT_AUDIT, INSERT_MESSAGE, INSERTS };

static const char *const texts[INSERTS] = {
	"INSERT INTO withdrawals (id, account, chain_id, asset, is_native, contract, decimals, "
	"receiver, amount, key_hash, external_id, external_hash, fingerprint, created_at, "
	"created_by, correlation_id, metadata, intent_key_id, intent_mac, stage, version, due_at, "
	"updated_at) "
	"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	"INSERT INTO events (withdrawal_id, sequence, at, type, actor, stage, detail) "
	"VALUES (?, ?, ?, ?, ?, ?, ?)",
	"INSERT INTO audit (at, actor, who, request_id, action, subject, detail) "
	"VALUES (?, ?, ?, ?, ?, ?, ?)",
	"INSERT INTO messages (queue, subject, correlation_id, created_at, visible_at) "
	"VALUES (?, ?, ?, ?, ?)",
};

struct writer {
	const char *socket, *database;
	double seconds;
	uint64_t rows;
	MYSQL *mysql;
	struct insert inserts[INSERTS];
	struct id ids[GROUP];
	struct id_text id_texts[GROUP];
	uint8_t random[GROUP][10 + 20 + 16 + 32 + 32];
};

static void check_it(bool did, const char *what)
{
	if (did)
		return;
	fprintf(stderr, "rows: %s\n", what);
	exit(1);
}

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct column *column_next(struct insert *insert, enum enum_field_types type)
{
	struct column *column = &insert->columns[insert->len];
	insert->binds[insert->len] = (MYSQL_BIND){
		.buffer_type = type,
		.buffer = type == MYSQL_TYPE_LONGLONG ? (void *)column->numbers
						      : (void *)column->bytes,
		.length = type == MYSQL_TYPE_LONGLONG ? NULL : column->lens,
		.u = { .indicator = column->nulls },
	};
	insert->len++;
	return column;
}

static void put_i64(struct insert *insert, int64_t value)
{
	struct column *column = column_next(insert, MYSQL_TYPE_LONGLONG);
	for (size_t i = 0; i < GROUP; i++)
		column->numbers[i] = value;
}

/* stride 0: the same bytes for all. */
static void put_bytes(struct insert *insert, const void *bytes, size_t len, size_t stride)
{
	struct column *column = column_next(insert, MYSQL_TYPE_BLOB);
	for (size_t i = 0; i < GROUP; i++) {
		column->bytes[i] = (const char *)bytes + i * stride;
		column->lens[i] = len;
	}
}

static void put_text(struct insert *insert, const char *text)
{
	put_bytes(insert, text, strlen(text), 0);
}

static void put_null(struct insert *insert)
{
	memset(column_next(insert, MYSQL_TYPE_LONGLONG)->nulls, STMT_INDICATOR_NULL, GROUP);
}

static void fill_withdrawals(struct writer *writer, struct insert *insert, int64_t now_ms)
{
	static const uint8_t amount[32] = { [25] = 0x03, 0x8d, 0x7e, 0xa4, 0xc6, 0x80 };
	static const uint8_t zeros[20];
	size_t stride = sizeof writer->random[0];
	put_bytes(insert, writer->ids, ID_BYTES, sizeof writer->ids[0]);
	put_text(insert, ACCOUNT);
	put_i64(insert, 31337);
	put_text(insert, "ETH");
	put_i64(insert, 1);
	put_bytes(insert, zeros, sizeof zeros, 0);
	put_i64(insert, 18);
	put_bytes(insert, writer->random[0] + 10, 20, stride);
	put_bytes(insert, amount, sizeof amount, 0);
	put_bytes(insert, writer->random[0] + 30, 16, stride);
	put_null(insert);
	put_null(insert);
	put_bytes(insert, writer->random[0] + 46, 32, stride);
	put_i64(insert, now_ms);
	put_text(insert, "0123456789abcdef");
	put_bytes(insert, writer->id_texts, ID_TEXT_LEN, sizeof writer->id_texts[0]);
	put_null(insert);
	put_i64(insert, 1);
	put_bytes(insert, writer->random[0] + 78, 32, stride);
	put_i64(insert, WITHDRAWAL_ACCEPTED);
	put_i64(insert, 1);
	put_i64(insert, now_ms + DUE_MS);
	put_i64(insert, now_ms);
}

static void fill_rest(struct writer *writer, int64_t now_ms)
{
	struct insert *event = &writer->inserts[INSERT_EVENT];
	struct insert *audit = &writer->inserts[INSERT_AUDIT];
	struct insert *message = &writer->inserts[INSERT_MESSAGE];
	put_bytes(event, writer->ids, ID_BYTES, sizeof writer->ids[0]);
	put_i64(event, 1);
	put_i64(event, now_ms);
	put_text(event, "accepted");
	put_i64(event, ACTOR_API);
	put_i64(event, WITHDRAWAL_ACCEPTED);
	put_text(event, "");

	put_i64(audit, now_ms);
	put_i64(audit, ACTOR_API);
	put_text(audit, "0123456789abcdef");
	put_bytes(audit, writer->id_texts, ID_TEXT_LEN, sizeof writer->id_texts[0]);
	put_text(audit, "accepted");
	put_bytes(audit, writer->ids, ID_BYTES, sizeof writer->ids[0]);
	put_text(audit, "");

	put_i64(message, QUEUE_REQUEST);
	put_bytes(message, writer->ids, ID_BYTES, sizeof writer->ids[0]);
	put_bytes(message, writer->id_texts, ID_TEXT_LEN, sizeof writer->id_texts[0]);
	put_i64(message, now_ms);
	put_i64(message, now_ms);
}

static void run(struct insert *insert)
{
	unsigned size = GROUP;
	CHECK_IT(mysql_stmt_attr_set(insert->stmt, STMT_ATTR_ARRAY_SIZE, &size) == 0);
	CHECK_IT(mysql_stmt_bind_param(insert->stmt, insert->binds) == 0);
	if (mysql_stmt_execute(insert->stmt) != 0)
		fprintf(stderr, "%s\n", mysql_stmt_error(insert->stmt));
	CHECK_IT(mysql_stmt_affected_rows(insert->stmt) == GROUP);
}

static void group_write(struct writer *writer)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	for (size_t i = 0; i < GROUP; i++) {
		CHECK_IT(getrandom(writer->random[i], sizeof writer->random[i], 0) ==
			 sizeof writer->random[i]);
		writer->ids[i] = id_make(now_ms, writer->random[i]);
		writer->id_texts[i] = id_text(writer->ids[i]);
	}
	for (size_t i = 0; i < INSERTS; i++)
		writer->inserts[i].len = 0;
	fill_withdrawals(writer, &writer->inserts[INSERT_WITHDRAWAL], now_ms);
	fill_rest(writer, now_ms);
	CHECK_IT(mysql_query(writer->mysql, "START TRANSACTION") == 0);
	for (size_t i = 0; i < INSERTS; i++)
		run(&writer->inserts[i]);
	CHECK_IT(mysql_query(writer->mysql, "COMMIT") == 0);
	writer->rows += GROUP;
}

static void *write_rows(void *arg)
{
	struct writer *writer = arg;
	const char *isolation = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
	writer->mysql = mysql_init(NULL);
	CHECK_IT(mysql_real_connect(writer->mysql, NULL, "root", NULL, writer->database, 0,
				    writer->socket, 0) != NULL);
	CHECK_IT(mysql_query(writer->mysql, isolation) == 0);
	for (size_t i = 0; i < INSERTS; i++) {
		MYSQL_STMT *stmt = mysql_stmt_init(writer->mysql);
		CHECK_IT(mysql_stmt_prepare(stmt, texts[i], strlen(texts[i])) == 0);
		writer->inserts[i].stmt = stmt;
	}
	for (double begun = seconds_now(); seconds_now() - begun < writer->seconds;)
		group_write(writer);
	for (size_t i = 0; i < INSERTS; i++)
		CHECK_IT(mysql_stmt_close(writer->inserts[i].stmt) == 0);
	mysql_close(writer->mysql);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct writer writers[CONNECTIONS_MAX];
	pthread_t threads[CONNECTIONS_MAX];
	uint64_t connections, seconds, rows = 0;
	if (argc != 5 || !str_to_u64(str_from(argv[3]), &connections) ||
	    connections > CONNECTIONS_MAX || !str_to_u64(str_from(argv[4]), &seconds)) {
		fprintf(stderr, "usage: rows SOCKET DATABASE CONNECTIONS SECONDS\n");
		return 2;
	}
	CHECK_IT(mysql_library_init(0, NULL, NULL) == 0);
	double begun = seconds_now();
	for (size_t i = 0; i < connections; i++) {
		writers[i] = (struct writer){ .socket = argv[1],
					      .database = argv[2],
					      .seconds = (double)seconds };
		CHECK_IT(pthread_create(&threads[i], NULL, write_rows, &writers[i]) == 0);
	}
	for (size_t i = 0; i < connections; i++) {
		CHECK_IT(pthread_join(threads[i], NULL) == 0);
		rows += writers[i].rows;
	}
	printf("{\"rows\":%llu,\"seconds\":%.6f}\n", (unsigned long long)rows,
	       seconds_now() - begun);
	return 0;
}
