/* The services without HTTP, in one process beside a real node: their steps are called in
 * turn, and a test may do between two steps what a crash, an editor or a node would do. */
#ifndef SLUICE_TEST_LIFE_LIFE_H
#define SLUICE_TEST_LIFE_LIFE_H

#include "../unit/testing.h"
#include "core/catalogue.h"
#include "core/intent.h"
#include "net/http_client.h"
#include "port/chain.h"
#include "port/clock.h"
#include "port/db.h"
#include "port/entropy.h"
#include "port/journal.h"
#include "port/keys.h"
#include "port/queue.h"
#include "port/store_api_key.h"
#include "port/store_transfer.h"
#include "service/monitor/monitor.h"
#include "service/processor/processor.h"
#include "service/signer/signer.h"

struct life_clock {
	struct clock base;
	int64_t skew_ms; /* ahead of the machine's */
};

/* What the services are given; wrappers may stand before the real ports below. */
struct life_ports {
	struct store *store;
	struct queue *queue;
	struct journal *journal;
	struct keys *keys;
	struct chain *chain;
};

enum life_role {
	LIFE_PROCESSOR,
	LIFE_SIGNER,
	LIFE_MONITOR,
};

struct life_fault;

struct life {
	char dir[64];
	char database[32]; /* on MariaDB, and "" on SQLite; the journal's has a j behind it */
	struct life_clock clock;
	struct entropy entropy;
	struct http_client *rpc;
	struct db *db;
	struct db *journal_db; /* the journal's own */
	struct store *store;
	struct queue *queue;
	struct journal *journal;
	struct keys *keys;
	struct chain *chain;
	struct catalogue catalogue;
	struct log log;
	int log_fd; /* a file; life_alarms counts in it */
	struct id deployment;
	uint64_t policy_version;
	uint8_t keys_bytes[7][32]; /* intent, approval, pay tag, journal, controls, feed, policy */
	uint32_t intent_key_id;    /* from the next start of a role on; 0: the first */
	const uint8_t *intent_key_before; /* still verifies; NULL: none */
	struct processor *processor;
	struct signer *signer;
	struct monitor *monitor;
	uint64_t made;
	struct life_ports ports;
	struct life_fault *fault;    /* NULL: none installed */
	const char *instance;        /* of the signer, */
	const char *watcher;         /* and of the monitor */
	struct cache *cache;         /* of the signer, from its next start on; NULL: none */
	struct deny_list *deny_list; /* likewise, and of the processor */
	struct freeze *freeze;       /* of the signer, as the cache */
	struct screen *(*screen_open)(struct life *life); /* of each processor; NULL: none */
	struct screen *screen;                            /* of this one; NULL: none */
	bool recovers;     /* signer and monitor, from their next start on; */
	bool journal_lost; /* then, as options of the signer */
	bool accepts_strangers;
	bool ends_by_signer; /* the API, as on a server */
	int64_t approval_life_ms;
	int64_t passed_over_ms;
	jmp_buf death;
	char snapshot[40]; /* of the chain, as JSON parameters */
};

int life_set_up(void **state);
int life_tear_down(void **state);
#define LIFE_TEST(name)  cmocka_unit_test_setup_teardown(name, life_set_up, life_tear_down)
#define LIFE_MAIN(tests) cmocka_run_group_tests(tests, NULL, NULL)
/* Accepts one withdrawal, as the API would: amount in base units to a fresh address. */
struct withdrawal life_accept(struct life *life, const char *symbol, uint64_t units);
/* With the client's own name for it (""; none), and whatever the store says of that. */
enum store_accept_result life_order(struct life *life, const char *external_id, const char *symbol,
				    uint64_t units, struct address to, struct withdrawal *ret_row);
struct withdrawal life_accept_to(struct life *life, const char *symbol, uint64_t units,
				 struct address to);
/* Steps of one role until it has nothing to do; faults of neighbours are printed and ignored. */
void life_process(struct life *life);
void life_sign(struct life *life);
void life_watch(struct life *life);
/* Rounds of all roles and of mining, until all is done or `rounds` are over. */
void life_run(struct life *life, int rounds);
void life_mine(struct life *life, int blocks);
/* A JSON-RPC call; the answer's text in life's own storage. */
const char *life_rpc(struct life *life, const char *method, const char *params);
/* A role dies and starts again: its memory is gone. */
void life_restart(struct life *life, enum life_role role);
/* Called by a port: the role that calls it dies there, and starts again. Does not return. */
void life_die(struct life *life) __attribute__((noreturn));
/* All roles of a life end, and their connections and locks with them; and start again. */
void life_stop(struct life *life);
void life_start(struct life *life);
/* A copy of the store as it is; and the store as the copy has it (the journal stays). */
void life_back_up(struct life *life);
void life_restore(struct life *life);
/* A second signer on the same files, with connections of its own; ended by life_part. */
struct life *life_join(struct life *life);
void life_part(struct life *other);
struct store_view life_view(struct life *life, struct id id);
struct u256 life_balance(struct life *life, const char *symbol, struct address owner);
size_t life_alarms(struct life *life, const char *action);
/* A connection to a database of the server (run.mjs --mariadb), as root. */
struct db *life_mysql(const char *database);
/* Another program writes the store: SQL text by format, with x'…' from life_hex. */
void life_sql(struct life *life, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One number out of a statement (a literal), with up to one id as its parameter (NULL: none). */
int64_t life_number(struct life *life, const char *literal, const struct id *id);
/* x'…' for SQL, 0x… for RPC; the last eight stay. */
const char *life_blob(const void *bytes, size_t len);
const char *life_hex(const void *bytes, size_t len);
void life_wait(struct life *life, int64_t ms);
struct feed_keys life_feed_keys(struct life *life);
/* Has every event and audit record its place, and does it say what it said then? What the monitors
 * have not come to yet is sealed here. life_feed.c; at the end of each life. */
bool life_feed_is_intact(struct life *life);

/* Puts a policy in force. LIFE_POLICY allows all. */
#define LIFE_POLICY "{\"rules\":[{\"name\":\"all\",\"effect\":\"allow\"}]}"
void life_policy_set(struct life *life, const char *document);

#endif
