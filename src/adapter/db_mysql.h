/* port/db.h on MariaDB 10.11 and MySQL 8: one connection.
 *
 * READ COMMITTED for writes, whose statements lock the rows that they are about ({for update}); a
 * read transaction is one snapshot. Strict SQL mode. The server has to flush each commit
 * (innodb_flush_log_at_trx_commit=1, and sync_binlog=1 where it keeps a binary log), or it is
 * refused: an answered commit may not be lost. A server that takes no writes (a replica, or a
 * primary that became one) is left, also while connected: NOT_DONE.
 *
 * A connection that breaks is made anew by the next transaction, or by the next statement outside
 * of one; after some tries in vain none is made for some seconds (net/circuit_breaker.h), and what
 * would need one is NOT_DONE at once. A deadlock, or a lock that is waited for too long, ends the
 * transaction: NOT_DONE, and the whole of it may be done again. Before it begins again it lets the
 * others go first for some milliseconds, more each time in a row (adapter/db_way.h); whoever has
 * waited for the whole deadline twice in a row is told not to. A commit without an answer is
 * MAYBE_DONE. The server ends a session that stands still within a transaction (a process that was
 * stopped, a host that hangs), whose locks would keep everybody else from its rows.
 *
 * Source: https://mariadb.com/kb/en/mariadb-connectorc-api-functions/ */
#ifndef SLUICE_ADAPTER_DB_MYSQL_H
#define SLUICE_ADAPTER_DB_MYSQL_H

#include "base/err.h"
#include "base/metric.h"
#include "port/clock.h"
#include "port/db.h"

#include <stdint.h>

#define DB_MYSQL_WAIT_MS_DEFAULT 5000
#define DB_MYSQL_PORT_DEFAULT    3306
/* As long as a lease's term: a transaction is over by the time that its owner is replaced. */
#define DB_MYSQL_IDLE_MS_DEFAULT 5000

struct db_mysql_options {
	const char *host;   /* or NULL, for a socket */
	const char *socket; /* path; or NULL */
	uint16_t port;      /* 0: DB_MYSQL_PORT_DEFAULT */
	const char *user;
	const char *password; /* may be NULL */
	bool reads_only;      /* a copy for reading: how it keeps what it has does not matter */
	const char *database; /* exists already */
	const char
		*tls_ca; /* PEM file: TLS is asked for, and the server's name is checked; or NULL */
	const char *tls_cert; /* the client's own, with its key; or NULL */
	const char *tls_key;
	struct clock *clock;     /* borrowed; NULL: no circuit breaker */
	struct metrics *metrics; /* borrowed, of the breaker; may be NULL */
	const char *neighbour;   /* the breaker's label: "store" */
	uint32_t wait_ms; /* for a lock, an answer, a connection: each; 0 is the default. Whole
			   * seconds above one: the server counts locks so */
	bool row_by_row;  /* also where the server takes arrays of rows: as on MySQL; for tests */
	uint32_t idle_ms; /* between two statements of a transaction; 0 is the default. Whole
			   * seconds above one */
};

/* Connects. NOT_DONE when nobody answers, REFUSED when the server refuses the user, is too old, or
 * may lose what it has answered. What the options point to is copied, the password into secret
 * memory; but for clock and metrics, which are borrowed. */
MUST_CHECK bool db_mysql_open(const struct db_mysql_options *options, struct db **ret_db,
			      struct err *err);

#endif
