#include "adapter/db_sqlite_copy.h"

#include "adapter/db_sqlite.h"
#include "adapter/db_turnstile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define COPY_PAGES   1024 /* of 4 KiB: between two words about the progress */
#define COPY_BUSY_MS 5000

static bool fault(sqlite3 *sqlite, const char *path, const char *doing, struct err *err)
{
	return err_set(err, ERR_NOT_DONE, "%s: %s: %s", path, doing,
		       sqlite == NULL ? "no memory" : sqlite3_errmsg(sqlite));
}

static bool database_open(const char *path, sqlite3 **ret_sqlite, struct err *err)
{
	int code = sqlite3_open_v2(path, ret_sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				   NULL);
	if (code != SQLITE_OK)
		return fault(*ret_sqlite, path, "open", err);
	(void)sqlite3_busy_timeout(*ret_sqlite, COPY_BUSY_MS);
	return true;
}

static bool run(sqlite3 *sqlite, const char *path, const char *sql, struct err *err)
{
	return sqlite3_exec(sqlite, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       fault(sqlite, path, sql, err);
}

/* The first column of the first row is this text. */
static bool says(sqlite3 *sqlite, const char *path, const char *sql, const char *wanted,
		 struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool same = false;
	if (sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(stmt, 0);
		same = text != NULL && strcmp(text, wanted) == 0;
		if (!same)
			(void)err_set(err, ERR_REFUSED, "%s: %s: %s", path, sql,
				      text == NULL ? "nothing" : text);
	} else {
		(void)fault(sqlite, path, sql, err);
	}
	(void)sqlite3_finalize(stmt);
	return same;
}

/* The source's open read transaction keeps its snapshot, so that no step begins anew because
 * somebody wrote in between. */
static bool pages_copy(const struct db_sqlite_copy *copy, sqlite3 *from, sqlite3 *to,
		       struct err *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int code;
	if (backup == NULL)
		return fault(to, copy->to, "backup", err);
	do {
		code = sqlite3_backup_step(backup, COPY_PAGES);
		int64_t all = sqlite3_backup_pagecount(backup);
		if (copy->progress != NULL)
			copy->progress(copy->context, all - sqlite3_backup_remaining(backup), all);
	} while (code == SQLITE_OK);
	(void)sqlite3_backup_finish(backup);
	return code == SQLITE_DONE ||
	       err_set(err, ERR_NOT_DONE, "%s: backup: %s", copy->to, sqlite3_errstr(code));
}

static bool source_copy(const struct db_sqlite_copy *copy, sqlite3 *to, struct err *err)
{
	sqlite3 *from = NULL;
	bool done = database_open(copy->from, &from, err) &&
		    run(from, copy->from, "BEGIN; SELECT count(*) FROM sqlite_schema", err) &&
		    pages_copy(copy, from, to, err);
	(void)sqlite3_close(from); /* ends the read transaction as well */
	return done;
}

/* The copied header says WAL; a backup is one file. */
static bool target_finish(sqlite3 *to, const char *path, struct err *err)
{
	return says(to, path, "PRAGMA journal_mode=DELETE", "delete", err) &&
	       says(to, path, "PRAGMA integrity_check(1)", "ok", err);
}

static bool file_sync(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool synced = fd >= 0 && fsync(fd) == 0;
	if (!synced)
		(void)err_set(err, ERR_NOT_DONE, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return synced;
}

bool db_sqlite_copy(const struct db_sqlite_copy *copy, struct err *err)
{
	sqlite3 *to = NULL;
	int fd = open(copy->to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, errno == EEXIST ? ERR_REFUSED : ERR_NOT_DONE, "%s: %s",
			       copy->to, strerror(errno));
	(void)close(fd);
	bool done = database_open(copy->to, &to, err) &&
		    run(to, copy->to, "PRAGMA synchronous=FULL", err) &&
		    source_copy(copy, to, err) && target_finish(to, copy->to, err);
	(void)sqlite3_close(to);
	done = done && file_sync(copy->to, err);
	if (!done)
		(void)unlink(copy->to);
	return done;
}

/* "0": nobody kept it from being whole. */
bool db_sqlite_fold(const char *path, struct err *err)
{
	sqlite3 *sqlite = NULL;
	bool done = database_open(path, &sqlite, err) &&
		    run(sqlite, path, "PRAGMA synchronous=FULL", err) &&
		    says(sqlite, path, "PRAGMA wal_checkpoint(TRUNCATE)", "0", err);
	done = sqlite3_close(sqlite) == SQLITE_OK && done;
	return done;
}

bool db_sqlite_claim(const char *path, int *ret_fd, struct err *err)
{
	char real[PATH_MAX];
	const char *name = realpath(path, real) != NULL ? real : path;
	int fd = db_turnstile_open_file(name, DB_SQLITE_OPEN_SUFFIX, 0600);
	if (fd < 0)
		return err_set(err, ERR_NOT_DONE, "%s%s: %s", path, DB_SQLITE_OPEN_SUFFIX,
			       strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		(void)close(fd);
		return err_set(err, ERR_REFUSED,
			       "%s is in use: stop Sluice first, and every command that has it "
			       "open",
			       path);
	}
	*ret_fd = fd;
	return true;
}
