/* What the suites of store and queue share: a database of its own per test, made by a backend, a
 * clock that stands until it is moved, rows to begin with, and a digest of everything stored.
 *
 * SLUICE_STORE_BACKEND names the backend; "sqlite" when it is not set. Every test ends with
 * fixture_is_sound, so that each of them also shows the rules that hold for all rows. */
#ifndef SLUICE_TEST_CONTRACT_STORE_FIXTURE_H
#define SLUICE_TEST_CONTRACT_STORE_FIXTURE_H

#include "../unit/testing.h"
#include "port/clock.h"
#include "port/db.h"
#include "port/entropy.h"
#include "port/queue.h"
#include "port/store_api_key.h"
#include "port/store_transfer.h"

#include <pthread.h>

#define FIXTURE_WALLETS   3 /* the last one is pinned, but has not entered */
#define FIXTURE_TABLES    28
#define FIXTURE_CHAIN_ID  137
#define FIXTURE_FIRST_MS  INT64_C(1700000000000)
#define FIXTURE_FIRST_GAP 5 /* first nonce of wallet 0; wallet 1 begins at 0 */

struct fixture;

/* Where a suite's databases come from. The functions must not return into the test runner: they are
 * also called in threads and children, and abort instead. */
struct backend {
	const char *name;
	bool is_of_one_host;
	void (*make)(struct fixture *fixture); /* a new, empty database */
	struct db *(*connect)(const struct fixture *fixture);
	void (*remove)(struct fixture *fixture);
};

struct fixture_clock {
	struct clock base;
	int64_t now_ms;
};

struct fixture {
	const struct backend *backend;
	char dir[64]; /* for the backend, and for sockets */
	char path[96];
	struct fixture_clock clock;
	struct entropy entropy;
	struct db *db;
	struct store *store;
	struct catalogue catalogue;
	struct wallet wallets[FIXTURE_WALLETS];
	struct store_lease leases[FIXTURE_WALLETS];
	struct store_lease monitor;
	uint64_t made; /* counts what was made, so that ids and hashes differ */
};

/* Calls a function that ends with an err, and fails the test with its text. Not for threads. */
#define MUST(function, ...)                                       \
	do {                                                      \
		struct err err_ = { 0 };                          \
		if (!function(__VA_ARGS__, &err_))                \
			fail_msg("%s: %s", #function, err_.text); \
	} while (0)
#define MUST_FAIL(expected, function, ...)                  \
	do {                                                \
		struct err err_ = { 0 };                    \
		assert_false(function(__VA_ARGS__, &err_)); \
		assert_int_equal(err_.kind, expected);      \
	} while (0)

/* Set-up: the schema alone; or with the catalogue, leases of wallets 0 and 1 (which have entered)
 * and the chain's monitor. The tear-down serves both. */
int fixture_set_up_bare(void **state);
int fixture_set_up(void **state);
int fixture_tear_down(void **state);
/* Another connection to the same database; closed by db_close. Aborts when there is none. */
/* Of the back end that SLUICE_STORE_BACKEND names. */
bool fixture_is_of_one_host(void);
struct db *fixture_connect(const struct fixture *fixture);
/* A store over a connection; aborts when it cannot be opened. */
struct store *fixture_store_over(struct db *db);

void fixture_wait(struct fixture *fixture, int64_t ms); /* moves the clock */
struct id fixture_id(struct fixture *fixture);
struct hash32 fixture_hash(struct fixture *fixture);
struct store_by fixture_by(const struct fixture *fixture, enum actor actor);

/* A new withdrawal of account "acme", not stored yet; `key` is its idempotency key. */
struct withdrawal fixture_withdrawal(struct fixture *fixture, const char *key);
void fixture_set_key(struct withdrawal *row, const char *account, const char *key);
struct store_accept fixture_item(const struct withdrawal *row);
/* Stored rows, as the store gives them back. */
struct withdrawal fixture_accept(struct fixture *fixture, const char *key);
struct withdrawal fixture_queue(struct fixture *fixture, const char *key);
struct withdrawal fixture_load(struct fixture *fixture, struct id id);
struct store_change fixture_change(const struct withdrawal *row, enum withdrawal_stage to,
				   const char *event);
/* Applies one change; its `applied`. */
bool fixture_apply(struct fixture *fixture, struct store_change *change, enum actor actor);
void assert_withdrawal_equal(const struct withdrawal *a, const struct withdrawal *b);

struct store_reservation fixture_reservation(struct fixture *fixture, const struct withdrawal *row,
					     size_t wallet);
/* Each brings a slot one step on, and returns it as stored. */
struct transfer fixture_reserve(struct fixture *fixture, const struct withdrawal *row,
				size_t wallet);
struct transfer fixture_sign(struct fixture *fixture, const struct transfer *slot);
struct transfer fixture_send(struct fixture *fixture, const struct transfer *slot);
struct transfer fixture_observe(struct fixture *fixture, const struct transfer *slot,
				enum transfer_stage to, enum transfer_outcome outcome);
/* A withdrawal's slot that was sent: queued, reserved, signed and broadcast. */
struct transfer fixture_broadcast(struct fixture *fixture, const char *key, size_t wallet);
struct transfer fixture_transfer(struct fixture *fixture, struct id id);
/* The next attempt of a slot, complete. */
struct store_attempt fixture_attempt(struct fixture *fixture, const struct transfer *slot);
struct store_sent fixture_sent(const struct fixture *fixture, const struct transfer *slot,
			       uint32_t number);
struct store_observation fixture_observation(struct fixture *fixture, const struct transfer *slot,
					     enum transfer_stage to, enum transfer_outcome outcome);
size_t fixture_attempts(struct fixture *fixture, struct id transfer,
			struct attempt ret_rows[ATTEMPTS_MAX]);
struct wallet fixture_wallet(struct fixture *fixture, size_t index);

/* The newest event of a withdrawal. */
struct store_event fixture_last_event(struct fixture *fixture, struct id withdrawal);
/* The first column of the first row of a literal; the second form has one parameter. */
int64_t fixture_number(struct fixture *fixture, const char *sql);
int64_t fixture_number_of(struct fixture *fixture, const char *sql, struct id id);
/* Changes rows behind the store's back. */
void fixture_edit(struct fixture *fixture, const char *sql);
/* Is there a wake-up (0 or 1)? And how often was it renewed? */
int64_t fixture_messages(struct fixture *fixture, enum queue_name queue, struct id subject);
int64_t fixture_generation(struct fixture *fixture, enum queue_name queue, struct id subject);
/* Claims the one message of a queue that is there for `subject`. */
struct message fixture_claim(struct fixture *fixture, enum queue_name queue, struct id subject);

/* Everything that is stored, as one digest per table. */
struct digest {
	uint8_t tables[FIXTURE_TABLES][32];
};
struct digest fixture_digest(struct fixture *fixture);
bool digest_equal(const struct digest *a, const struct digest *b);
#define assert_digest_equal(a, b) assert_digest_equal_at(a, b, __FILE__, __LINE__)
void assert_digest_equal_at(const struct digest *a, const struct digest *b, const char *file,
			    int line);
/* Rules that hold for every row at every time: dense nonces, one event and audit record per
 * version, bound pairs, counted attempts, a due time on everything that is not ended. */
bool fixture_is_sound(struct fixture *fixture);

#endif
