/* A database file in a directory of its own. */
#ifndef SLUICE_TEST_CONTRACT_DB_PLACE_H
#define SLUICE_TEST_CONTRACT_DB_PLACE_H

#include "adapter/db_sqlite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct place {
	char dir[64];
	char path[96]; /* of the file, which is not there yet */
};

int place_make(void **state);
int place_remove(void **state);
#define AT_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

/* Aborts when it cannot be opened: also called in children, which must not return into the test
 * runner. */
struct db *open_db(const char *path);

#endif
