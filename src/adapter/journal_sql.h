/* port/journal.h in a database of its own.
 *
 * Five tables, one chain: every row has the next number of one sequence, the MAC of the row before
 * it, and a MAC over all of that and its columns. So a changed, moved, added or removed row shows;
 * only a cut-off end does not, and that is what reconciliation with the chain is for
 * (doc/protocol.md, "Restore"). The adapter inserts and selects, and nothing else; a
 * database that has users is asked for no more rights than these two.
 *
 * Several signers may append to one journal: each verifies what the others have appended before it
 * appends, and of two that have found the same end one has to look again.
 *
 * What is a difference, beyond port/journal.h: a new right after a void of the same withdrawal or
 * tag; anything new that pays in a slot which has a cancel row. The time of a right is no part of
 * the comparison: the journal keeps the first one. Attempts of a slot: the same number with another
 * ceiling is a difference.
 */
#ifndef SLUICE_ADAPTER_JOURNAL_SQL_H
#define SLUICE_ADAPTER_JOURNAL_SQL_H

#include "port/db.h"
#include "port/journal.h"

/* Verified when the journal is opened; the rest when it is read, or by journal_sql_verify. */
#define JOURNAL_SQL_TAIL 1000

struct journal_sql_options {
	struct id deployment;   /* pinned in the journal when it is created */
	const uint8_t *mac_key; /* 32 bytes in secret memory; borrowed until journal_close */
	bool is_made; /* its tables were made by journal_sql_create; otherwise they are made now */
};

/* Makes the tables where they are not there yet: for a user who may. */
MUST_CHECK bool journal_sql_create(struct db *db, struct err *err);

/* Opens the journal in `db`, or creates it there. REFUSED when it belongs to another deployment or
 * key, or when its last rows do not verify. The journal owns `db` on success (journal_close closes
 * it); on failure the caller keeps it. */
MUST_CHECK bool journal_sql_open(struct db *db, const struct journal_sql_options *options,
				 struct journal **ret_journal, struct err *err);

/* Walks the whole chain. REFUSED with the number of the first row that is wrong; ret_rows is how
 * many there are. */
MUST_CHECK bool journal_sql_verify(struct journal *journal, int64_t *ret_rows, struct err *err);

#endif
