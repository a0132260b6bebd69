/* A db that stands before a real one, counts its calls, and misbehaves at the one it is told to.
 * With it a suite shows that a transaction leaves all or nothing, wherever it breaks. */
#ifndef SLUICE_TEST_CONTRACT_FAULT_DB_H
#define SLUICE_TEST_CONTRACT_FAULT_DB_H

#include "port/db.h"

/* Which calls are counted. */
enum fault_where {
	FAULT_AT_ANY = 0, /* begin, prepare, next row, step, exec and commit */
	FAULT_AT_BEGIN,
	FAULT_AT_STEP,
	FAULT_AT_COMMIT,
};

enum fault_kind {
	FAULT_NONE = 0,
	FAULT_FAIL,        /* NOT_DONE, and it is not done */
	FAULT_GIVE_WAY,    /* the same, for the sake of another transaction: it may be repeated */
	FAULT_COMMIT_LOST, /* a commit says MAYBE_DONE, and is not done */
	FAULT_COMMIT_DONE, /* a commit says MAYBE_DONE, and is done */
	FAULT_KILL_BEFORE, /* the process dies by SIGKILL before the call */
	FAULT_KILL_AFTER,
	FAULT_CALL, /* `call` runs first, then the call goes on as if nothing was */
};

struct fault_plan {
	enum fault_kind kind;
	enum fault_where where;
	uint64_t at;   /* the number of the counted call, from 1 */
	uint64_t seen; /* calls counted so far */
	bool fired;
	void (*call)(void *context); /* FAULT_CALL; and after a lost commit, unless NULL */
	void *context;
};

/* Takes over the real one. Without a plan it only passes on. */
struct db *fault_db_open(struct db *real);
/* Sets the plan and starts counting. */
void fault_db_plan(struct db *db, struct fault_plan plan);
bool fault_db_fired(const struct db *db);
/* The texts that were prepared through this connection, each once. */
size_t fault_db_texts(const struct db *db, const char **ret_texts, size_t cap);

#endif
