/* A journal in a directory of its own, and entries to write there. */
#ifndef SLUICE_TEST_CONTRACT_JOURNAL_PLACE_H
#define SLUICE_TEST_CONTRACT_JOURNAL_PLACE_H

#include "adapter/db_sqlite.h"
#include "adapter/journal_sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

extern const uint8_t mac_key[32];
extern const struct id deployment;
extern const struct address hot;
extern const struct address cold;
extern const struct address token;
extern const struct address native;

struct place {
	char dir[64];
	char path[96];
	struct journal *journal;
};

int place_make(void **state);
int place_remove(void **state);
#define AT_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

/* SLUICE_STORE_BACKEND=mysql: on the server of run_with_mysql.mjs; a path is a database there. */
bool is_on_mysql(void);
struct db *open_db(const char *path);       /* for edits, with every right */
struct db *open_appender(const char *path); /* as the signer has it */
/* NULL: refused, and err says why. */
struct journal *open_journal(const char *path, struct err *err);
void reopen(struct place *place);

/* One payment: withdrawal `number` in its first round, paid from `hot` at that nonce. */
struct journal_entry payment(uint8_t number, uint64_t nonce);
struct journal_entry void_of(uint8_t number, uint32_t round);
struct journal_purse purse_of(struct address wallet, struct address asset);
enum journal_verdict append(struct place *place, const struct journal_entry *entry);
/* Of that withdrawal. */
size_t rights(struct place *place, uint8_t number, struct journal_right *ret_rights, size_t cap);
/* How many rows there are, after all of them were verified. */
int64_t verified_rows(struct place *place);

#endif
