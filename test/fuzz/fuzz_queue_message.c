/* Rows of `messages` as somebody with access to the database may have left them: claims stay within
 * their bounds, say only what the rows say, and none of them stands in the way for ever. An input
 * is a list of rows: lengths and types of the columns, then their bytes. */
#include "fuzz.h"

#include "adapter/db_sqlite.h"
#include "adapter/queue_store.h"
#include "adapter/store_schema.h"

#define ROWS_MAX   12
#define CLAIMS_MAX (2 * ROWS_MAX)
#define NOW_MS     INT64_C(1700000000000)

static int64_t now_ms;

static int64_t clock_read(struct clock *clock)
{
	(void)clock;
	return now_ms;
}

static void entropy_write(struct entropy *entropy, void *ret_bytes, size_t len)
{
	(void)entropy;
	memset(ret_bytes, 0x5a, len);
}

static const struct clock_ops clock_table = { clock_read, clock_read };
static const struct entropy_ops entropy_table = { entropy_write };
static struct clock clock_fixed = { &clock_table };
static struct entropy entropy_fixed = { &entropy_table };

/* Any of SQLite's types in any column. */
static void bind(struct db *db, struct db_statement *statement, int at, struct str *input)
{
	uint8_t steer = fuzz_take(input);
	size_t len = steer >> 2;
	int64_t number = 0;
	if (len > input->len)
		len = input->len;
	struct str bytes = { input->at, len };
	*input = str_skip(*input, len);
	switch (steer & 3) {
	case 0:
		db_bind_bytes(db, statement, at, bytes.at == NULL ? "" : bytes.at, bytes.len);
		return;
	case 1:
		db_bind_text(db, statement, at, bytes);
		return;
	default:
		memcpy(&number, bytes.at, len < sizeof number ? len : sizeof number);
		db_bind_i64(db, statement, at,
			    (steer & 3) == 2 ? number : NOW_MS - number % NOW_MS);
	}
}

static void row_put(struct db *db, struct str *input)
{
	struct err err;
	struct db_statement *statement = db_prepare(
		db,
		"INSERT OR IGNORE INTO messages (queue, subject, correlation_id, created_at, "
		"visible_at, receives, generation, claim) VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
		&err);
	CHECK(statement != NULL);
	for (int at = 1; at <= 7; at++)
		bind(db, statement, at, input);
	(void)db_step(db, statement, &err);
	db_reset(db, statement);
}

static int64_t rows_count(struct db *db)
{
	struct err err;
	struct db_statement *statement =
		db_prepare(db, "SELECT COUNT(*) FROM messages WHERE queue = 1", &err);
	CHECK(statement != NULL && db_step(db, statement, &err) == DB_ROW);
	int64_t count = db_column_i64(db, statement, 0);
	db_reset(db, statement);
	return count;
}

/* Claims and acknowledges until nothing is there. */
static void drain(struct db *db, struct queue *queue)
{
	struct message messages[BATCH_MAX];
	struct message_ack acks[BATCH_MAX];
	struct err err;
	size_t len = 1;
	for (int claim = 0; len > 0; claim++) {
		CHECK(claim < CLAIMS_MAX);
		CHECK(queue_claim(queue, QUEUE_REQUEST, BATCH_MAX, 60000, messages, &len, &err));
		CHECK(len <= ROWS_MAX);
		for (size_t i = 0; i < len; i++) {
			CHECK(memchr(messages[i].correlation_id, 0,
				     sizeof messages[i].correlation_id) != NULL);
			CHECK(messages[i].ack.queue == QUEUE_REQUEST);
			CHECK(len == 1 || messages[i].receives == 1);
			acks[i] = messages[i].ack;
		}
		if (len > 0) {
			CHECK(queue_extend(queue, acks, len, 60000, &err));
			CHECK(queue_ack(queue, acks, len, &err));
		}
	}
	(void)rows_count(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct db *db;
	static struct queue *queue;
	struct str input = str_from_bytes(bytes, len);
	struct queue_stats stats;
	struct err err;
	if (db == NULL) {
		const struct db_sqlite_options options = { .path = ":memory:" };
		CHECK(db_sqlite_open(&options, &db, &err));
		CHECK(store_schema_migrate(db, NOW_MS, &err));
		CHECK(queue_store_open(db, &clock_fixed, &entropy_fixed, NULL, &queue, &err));
	}
	now_ms = NOW_MS;
	CHECK(db_begin(db, true, &err) && db_exec(db, "DELETE FROM messages", &err));
	for (int i = 0; i < ROWS_MAX && input.len > 0; i++)
		row_put(db, &input);
	CHECK(db_commit(db, &err));
	int64_t rows = rows_count(db);
	CHECK(queue_stats(queue, QUEUE_REQUEST, &stats, &err));
	CHECK(stats.waiting + stats.delayed + stats.claimed <= (uint64_t)rows);
	drain(db, queue);
	return 0;
}
