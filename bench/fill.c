/* Fills a database with withdrawals of the past, so that acceptance can be measured on a store that
 * has worked for a while: each is accepted as the API accepts it and then ended, with its wake-up
 * gone, in batches and without waiting for the disk.
 *
 *	fill DATABASE ROWS
 */
#include "adapter/clock_posix.h"
#include "adapter/db_sqlite.h"
#include "adapter/entropy_os.h"
#include "adapter/sql_row.h"
#include "adapter/store_sql.h"
#include "base/hash.h"
#include "core/intent.h"
#include "port/clock.h"
#include "port/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_KB     524288
#define AGE_MS_FIRST 86400000 /* the oldest is a day old; they come a millisecond apart */

struct fill {
	struct clock clock;
	struct entropy entropy;
	struct db *db;
	struct store *store;
	int64_t first_ms;
	struct store_accept items[BATCH_MAX];
};

static void must(bool good, const struct err *err)
{
	if (good)
		return;
	fprintf(stderr, "fill: %s\n", err->text);
	exit(1);
}

static void open_store(struct fill *fill, const char *path)
{
	struct db_sqlite_options options = { .path = path, .cache_kb = CACHE_KB };
	struct err err;
	clock_posix_init(&fill->clock);
	entropy_os_init(&fill->entropy);
	fill->first_ms = clock_now_ms(&fill->clock) - AGE_MS_FIRST;
	must(db_sqlite_open(&options, &fill->db, &err), &err);
	must(db_exec(fill->db, "PRAGMA synchronous=OFF", &err), &err);
	must(db_exec(fill->db, "PRAGMA wal_autocheckpoint=100000", &err), &err);
	must(store_sql_migrate(fill->db, fill->first_ms, &err), &err);
	must(store_sql_open(fill->db, &fill->store, &err), &err);
}

/* The same shape and lengths as a row that came over HTTP. */
static void make_row(struct fill *fill, size_t number, struct withdrawal *row)
{
	struct {
		uint8_t id[10];
		uint8_t to[ADDRESS_BYTES];
		uint8_t fingerprint[32];
		uint8_t mac[32];
	} random;
	char key[32];
	struct intent *intent = &row->intent;
	entropy_fill(&fill->entropy, &random, sizeof random);
	memset(row, 0, sizeof *row);
	intent->created_at = fill->first_ms + (int64_t)number;
	intent->id = id_make(intent->created_at, random.id);
	(void)snprintf(intent->account, sizeof intent->account, "default");
	(void)snprintf(intent->asset, sizeof intent->asset, "ETH");
	(void)snprintf(key, sizeof key, "fill-%zu", number);
	intent->chain_id = 31337;
	intent->is_native = true;
	intent->decimals = 18;
	memcpy(intent->to.bytes, random.to, sizeof random.to);
	intent->amount.units = u256_from_u64(1000000000000000);
	key_hash_make(intent->account, str_from(key), intent->key_hash);
	memcpy(intent->fingerprint, random.fingerprint, sizeof random.fingerprint);
	row->intent_mac.key_id = 1;
	memcpy(row->intent_mac.bytes, random.mac, sizeof random.mac);
	memcpy(row->correlation_id, id_text(intent->id).at, ID_TEXT_LEN + 1);
	row->stage = WITHDRAWAL_ACCEPTED;
	row->version = 1;
	row->due_at = intent->created_at + lifecycle_due_in_ms(WITHDRAWAL_ACCEPTED);
	row->updated_at = intent->created_at;
}

/* What is over takes no part in any queue. */
static void end_batch(struct fill *fill, struct id first)
{
	struct err err;
	must(db_begin(fill->db, true, &err), &err);
	struct sql end = sql_prepare(
		fill->db,
		"UPDATE withdrawals SET stage = ?, version = 2, due_at = NULL WHERE id >= ?", &err);
	sql_put_i64(&end, WITHDRAWAL_COMPLETED);
	sql_put_id(&end, first);
	must(sql_run(&end, NULL), &err);
	struct sql wake = sql_prepare(fill->db, "DELETE FROM messages", &err);
	must(sql_run(&wake, NULL), &err);
	must(db_commit(fill->db, &err), &err);
}

static void fill_rows(struct fill *fill, size_t rows)
{
	struct err err;
	for (size_t done = 0; done < rows;) {
		size_t n = rows - done < BATCH_MAX ? rows - done : BATCH_MAX;
		for (size_t i = 0; i < n; i++) {
			make_row(fill, done + i, &fill->items[i].withdrawal);
			fill->items[i].who = "0123456789abcdef";
		}
		must(store_accept_withdrawals(fill->store, fill->items, n, &err), &err);
		end_batch(fill, fill->items[0].withdrawal.intent.id);
		done += n;
	}
}

int main(int argc, char **argv)
{
	static struct fill fill;
	uint64_t rows;
	if (argc != 3 || !str_to_u64(str_from(argv[2]), &rows)) {
		fprintf(stderr, "usage: fill DATABASE ROWS\n");
		return 2;
	}
	open_store(&fill, argv[1]);
	fill_rows(&fill, rows);
	store_close(fill.store);
	db_close(fill.db);
	return 0;
}
