#include "db_place.h"

#include "../place.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int place_make(void **state)
{
	struct place *place = calloc(1, sizeof *place);

	assert_non_null(place);
	snprintf(place->dir, sizeof place->dir, "%s/sluice-db-XXXXXX", test_place());
	assert_non_null(mkdtemp(place->dir));
	snprintf(place->path, sizeof place->path, "%s/store.db", place->dir);
	*state = place;
	return 0;
}

int place_remove(void **state)
{
	struct place *place = *state;
	pid_t child = fork();

	if (child == 0) {
		execlp("rm", "rm", "-rf", place->dir, (char *)NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
	free(place);
	return 0;
}

struct db *open_db(const char *path)
{
	struct db_sqlite_options options = { .path = path };
	struct err err = { 0 };
	struct db *db = NULL;

	if (!db_sqlite_open(&options, &db, &err))
		fprintf(stderr, "%s\n", err.text);
	CHECK(db);
	return db;
}
