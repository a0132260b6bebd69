/* Sequential binding of parameters and reading of columns, for the SQL adapters: order in the
 * statement is order in the code. And their write transactions. */
#ifndef SLUICE_ADAPTER_SQL_ROW_H
#define SLUICE_ADAPTER_SQL_ROW_H

#include "core/address.h"
#include "core/amount.h"
#include "core/id.h"
#include "core/limits.h"
#include "core/withdrawal.h"
#include "port/db.h"

#define SQL_SCRATCH 32 /* values bound by copy in one statement */

struct sql {
	struct db *db;
	struct db_statement
		*statement; /* NULL: preparing failed, err is set, everything is a no-op */
	int at;             /* next parameter (from 1) or column (from 0) */
	struct err *err;
	bool failed;
	size_t scratch_len;
	/* Where values passed by copy stand until the step: a driver may read them only then. */
	uint8_t scratch[SQL_SCRATCH][U256_BYTES];
};

/* Prepares; on failure the other functions do nothing and sql_done and sql_row return false. */
struct sql sql_prepare(struct db *db, const char *text, struct err *err);
void sql_put_i64(struct sql *sql, int64_t value);
/* What is above an int64 is put as the highest one: nothing of ours counts as far, so somebody has
 * edited the row that it was counted on from, and that ends no process. */
void sql_put_u64(struct sql *sql, uint64_t value);
/* Bytes and text are borrowed until the step, or until the row's end. */
void sql_put_bytes(struct sql *sql, const void *bytes, size_t len);
void sql_put_text(struct sql *sql, const char *text);              /* NULL binds NULL */
void sql_put_copy(struct sql *sql, const void *bytes, size_t len); /* up to U256_BYTES */
void sql_put_null(struct sql *sql);
void sql_put_id(struct sql *sql, struct id id); /* zero binds NULL */
void sql_put_u256(struct sql *sql, struct u256 value);
void sql_put_address(struct sql *sql, struct address address);
void sql_put_hash(struct sql *sql, struct hash32 hash);       /* zero binds NULL */
void sql_put_mac(struct sql *sql, const struct mac_tag *tag); /* two parameters */
/* What was put is a row; what follows belongs to the next one (db_bind_next_row). */
void sql_put_next_row(struct sql *sql);

/* As many parameters as a batch has items, for `id IN (…)`. */
#define SQL_MARKS_8 "?, ?, ?, ?, ?, ?, ?, ?"
#define SQL_MARKS_BATCH                                                                 \
	SQL_MARKS_8 ", " SQL_MARKS_8 ", " SQL_MARKS_8 ", " SQL_MARKS_8 ", " SQL_MARKS_8 \
		    ", " SQL_MARKS_8 ", " SQL_MARKS_8 ", " SQL_MARKS_8
/* Their values: n ids, 1 to BATCH_MAX; what is missing at the end repeats the first one. */
void sql_put_ids(struct sql *sql, const struct id *ids, size_t n);

/* Runs a write; true when done. A conflict sets *ret_conflict when it is not NULL, and is a fault
 * otherwise. */
MUST_CHECK bool sql_run(struct sql *sql, bool *ret_conflict);
/* Runs a write and tells how many rows it changed. */
MUST_CHECK bool sql_run_count(struct sql *sql, int64_t *ret_changed);
/* Writes of which the outcome is known (db_later): each row changes one, as one that this
 * transaction has locked does; or as many as there are. */
MUST_CHECK bool sql_later_one(struct sql *sql);
MUST_CHECK bool sql_later_any(struct sql *sql);
/* The next row: true and the reader is at its first column; false at the end, or on a fault (then
 * sql->failed). */
bool sql_next(struct sql *sql);
/* Ends a read early. Returns !failed. */
MUST_CHECK bool sql_end(struct sql *sql);

int64_t sql_take_i64(struct sql *sql);
uint64_t sql_take_u64(struct sql *sql);
/* What is out of range reads as UINT32_MAX, which no row of ours has. */
uint32_t sql_take_u32(struct sql *sql);
/* A stored value that does not have the form that only we could have written is an edited database:
 * these take what fits and leave the rest zero; the MACs catch it. */
void sql_take_bytes(struct sql *sql, void *ret_bytes, size_t len);
size_t sql_take_blob(struct sql *sql, void *ret_bytes, size_t cap); /* its length, 0 if too long */
void sql_take_text(struct sql *sql, char *ret_text, size_t capacity);
struct id sql_take_id(struct sql *sql);
struct u256 sql_take_u256(struct sql *sql);
struct address sql_take_address(struct sql *sql);
struct hash32 sql_take_hash(struct sql *sql);
struct mac_tag sql_take_mac(struct sql *sql);
void sql_skip(struct sql *sql, int columns);

/* Begins a write, runs `body`, commits; a body that fails rolls back and its error stays. One that
 * was undone for the sake of another transaction runs again: it makes its results anew. */
MUST_CHECK bool sql_write(struct db *db,
			  bool (*body)(struct db *db, void *context, struct err *err),
			  void *context, struct err *err);

/* In which order the items of a batch are written: of the rows' ids, and those of one row as they
 * came. Who has rows in common with others meets them at the first one, and waits; each in an order
 * of its own they would give way to each other again and again. */
void items_order(struct id (*id_of)(const void *items, size_t at), const void *items, size_t n,
		 size_t ret_places[BATCH_MAX]);
/* Those of them that are the pass'th of their row, from 0: a row that a batch has twice is looked
 * at again after the first of them is written. 0: there are no more. */
size_t items_pass(struct id (*id_of)(const void *items, size_t at), const void *items,
		  const size_t *places, size_t n, size_t pass, size_t ret_places[BATCH_MAX]);

#endif
