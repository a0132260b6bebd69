/* backup, restore, unpause: the store and the journal as files. What a restored store has to learn
 * is the signer's to find (command_reconcile.c). */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/db_sqlite.h"
#include "adapter/db_sqlite_copy.h"
#include "adapter/entropy_os.h"
#include "adapter/store_schema.h"
#include "adapter/store_sql.h"
#include "adapter/trust_keys.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/backup.h"
#include "cmd/database_open.h"
#include "cmd/log_open.h"
#include "cmd/store_open.h"
#include "port/store_recover.h"
#include "service/admin/wallets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRINT_BYTES_MAX 8192
#define ASIDE           ".before-restore-"

static const char *user_name(void)
{
	const struct passwd *user = getpwuid(getuid());
	return user != NULL ? user->pw_name : "unknown user";
}

static bool deployment_read(const struct config *config, struct id *ret_deployment, struct err *err)
{
	char path[PATH_MAX];
	struct trust_keys *trust;
	if (!backup_path(config->trust_dir, "admin.keys", path, err))
		return false;
	if (!trust_keys_read(path, &trust, err))
		return err_wrap(err, "the deployment's id");
	*ret_deployment = trust_keys_deployment(trust);
	trust_keys_free(trust);
	return true;
}

/* ---- backup ---- */

struct copying {
	const char *name;
	bool at_terminal;
};

static void copying_tell(void *context, int64_t done, int64_t all)
{
	const struct copying *copying = context;
	if (copying->at_terminal)
		(void)fprintf(stderr, "\r%-10s %lld of %lld pages%s", copying->name,
			      (long long)done, (long long)all, done == all ? "\n" : "");
}

static bool part_copy(const char *from, const char *dir, enum backup_part part,
		      struct backup_file *ret_file, struct err *err)
{
	char to[PATH_MAX];
	struct copying copying = { backup_part_name(part), isatty(STDERR_FILENO) == 1 };
	if (!backup_path(dir, backup_part_name(part), to, err))
		return false;
	struct db_sqlite_copy copy = {
		.from = from, .to = to, .progress = copying_tell, .context = &copying
	};
	return db_sqlite_copy(&copy, err) && backup_file_measure(to, ret_file, err);
}

static bool schema_read(const char *path, int *ret_schema, struct err *err)
{
	struct db_sqlite_options options = { .path = path, .read_only = true };
	struct db *db;
	if (!db_sqlite_open(&options, &db, err))
		return false;
	bool done = store_schema_version(db, ret_schema, err);
	db_close(db);
	return done;
}

static bool parts_copy(const struct config *config, const char *dir,
		       struct backup_manifest *manifest, struct err *err)
{
	char store[PATH_MAX];
	return backup_path(dir, BACKUP_STORE, store, err) &&
	       part_copy(config->store.path, dir, BACKUP_PART_STORE,
			 &manifest->files[BACKUP_PART_STORE], err) &&
	       schema_read(store, &manifest->schema, err) &&
	       part_copy(config->journal.path, dir, BACKUP_PART_JOURNAL,
			 &manifest->files[BACKUP_PART_JOURNAL], err);
}

/* A directory of our own: what stands in it already is never touched. */
static bool dir_make(const char *dir, struct err *err)
{
	if (mkdir(dir, 0700) == 0)
		return true;
	return err_set(err, errno == EEXIST ? ERR_REFUSED : ERR_NOT_DONE, "%s: %s", dir,
		       errno == EEXIST ? "it exists; a backup makes its own directory"
				       : strerror(errno));
}

/* What was begun is removed: without its manifest it is no backup. */
static void dir_remove(const char *dir)
{
	char path[PATH_MAX];
	struct err ignored;
	for (int i = 0; i < BACKUP_PARTS; i++)
		if (backup_path(dir, backup_part_name((enum backup_part)i), path, &ignored))
			(void)unlink(path);
	(void)rmdir(dir);
}

/* A server has tools of its own, and its files are not ours to move. */
static bool files_check(const struct config *config, const char *command, struct err *err)
{
	if (!config->store.is_mysql && !config->journal.is_mysql)
		return true;
	return err_set(err, ERR_REFUSED,
		       "%s copies files of SQLite; use the database server's own tools, the store "
		       "and the journal each, and `sluice restore --in-place` when they have "
		       "brought an older store back",
		       command);
}

static bool backup_make(const struct config *config, const char *dir,
			struct backup_manifest *ret_manifest, struct err *err)
{
	struct clock clock;
	if (!files_check(config, "`sluice backup`", err))
		return false;
	clock_posix_init(&clock);
	*ret_manifest = (struct backup_manifest){ .made_at = clock_now_ms(&clock) };
	(void)snprintf(ret_manifest->program, sizeof ret_manifest->program, "%s", SLUICE_VERSION);
	if (!deployment_read(config, &ret_manifest->deployment, err))
		return false;
	if (access(config->store.path, F_OK) != 0)
		return err_set(err, ERR_NOT_DONE, "there is no database at %s", config->store.path);
	if (access(config->journal.path, F_OK) != 0)
		return err_set(err, ERR_NOT_DONE,
			       "there is no journal at %s: a backup is made on the signer's host",
			       config->journal.path);
	if (!dir_make(dir, err))
		return false;
	if (parts_copy(config, dir, ret_manifest, err) &&
	    backup_manifest_write(dir, ret_manifest, err))
		return true;
	dir_remove(dir);
	return false;
}

static void manifest_print(const struct invocation *invocation, const char *dir,
			   const struct backup_manifest *manifest)
{
	char bytes[PRINT_BYTES_MAX];
	struct buf out = buf_of(bytes, sizeof bytes);
	const struct backup_file *files = manifest->files;
	if (!invocation->json) {
		(void)printf("%s: store %llu bytes, journal %llu bytes, both sound\n", dir,
			     (unsigned long long)files[BACKUP_PART_STORE].bytes,
			     (unsigned long long)files[BACKUP_PART_JOURNAL].bytes);
		return;
	}
	buf_byte(&out, '{');
	json_write_member_text(&out, "backup", dir);
	json_write_member_text(&out, "deployment", id_text(manifest->deployment).at);
	json_write_member_u64(&out, "store_bytes", files[BACKUP_PART_STORE].bytes);
	json_write_member_u64(&out, "journal_bytes", files[BACKUP_PART_JOURNAL].bytes);
	json_write_member_i64(&out, "schema", manifest->schema);
	buf_byte(&out, '}');
	(void)puts(buf_terminated(&out));
}

enum exit_status command_backup(const struct invocation *invocation)
{
	struct config *config;
	struct backup_manifest manifest;
	struct err err;
	const char *dir = invocation_option(invocation, "to");
	if (dir == NULL)
		return invocation_misused(invocation, "--to is missing");
	if (!config_load(invocation_option(invocation, "config"), &config, &err))
		return invocation_failed(invocation, &err);
	bool ok = backup_make(config, dir, &manifest, &err);
	if (ok)
		manifest_print(invocation, dir, &manifest);
	config_free(config);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}

/* ---- restore ---- */

struct restoring {
	const struct config *config;
	char fresh[PATH_MAX]; /* the store that is made */
	char aside[PATH_MAX]; /* where the one that stood there goes; "" when there was none */
	bool journal_lost;
	uint64_t incarnation; /* what the one that stood there had; then the new one */
	struct backup_manifest manifest;
};

static const char *const companions[] = { "", "-wal", "-shm" };
static const char *const locks[] = { "-next", "-turn", DB_SQLITE_OPEN_SUFFIX,
				     "-wal",  "-shm",  DB_SQLITE_RUN_SUFFIX,
				     "" };

static bool companion_path(const char *path, const char *suffix, char *ret_path, struct err *err)
{
	if (snprintf(ret_path, PATH_MAX, "%s%s", path, suffix) >= PATH_MAX)
		return err_set(err, ERR_REFUSED, "%s is too long a path", path);
	return true;
}

/* What a restore that was interrupted has left. */
static void fresh_remove(const struct restoring *restoring)
{
	char path[PATH_MAX];
	struct err ignored;
	for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++)
		if (companion_path(restoring->fresh, locks[i], path, &ignored))
			(void)remove(path);
}

/* How often that store was restored; one that cannot be read says nothing. */
static void incarnation_look(struct restoring *restoring, const char *path)
{
	struct db_sqlite_options options = { .path = path, .read_only = true };
	struct store_incarnation last = { 0 };
	struct store *store = NULL;
	struct err ignored;
	struct db *db = NULL;
	if (access(options.path, F_OK) != 0 || !db_sqlite_open(&options, &db, &ignored))
		return;
	if (store_sql_open(db, &store, &ignored) &&
	    store_incarnation_load(store, &last, &ignored) && last.number > restoring->incarnation)
		restoring->incarnation = last.number;
	store_close(store);
	db_close(db);
}

/* The stores that were moved aside count too: a restore that was ended between its renames has left
 * nothing in their place. Their names end with a time; their logs' do not. */
static void incarnations_look(struct restoring *restoring)
{
	const char *store = restoring->config->store.path;
	const char *slash = strrchr(store, '/');
	size_t dir_len = slash != NULL ? (size_t)(slash + 1 - store) : 0;
	char path[PATH_MAX];
	incarnation_look(restoring, store);
	(void)snprintf(path, sizeof path, "%.*s", (int)dir_len, store);
	DIR *dir = opendir(dir_len > 0 ? path : ".");
	struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		struct str name = str_from(entry->d_name);
		int len = snprintf(path, sizeof path, "%.*s%s", (int)dir_len, store, name.at);
		if (len > 0 && (size_t)len < sizeof path && name.at[name.len - 1] == 'Z' &&
		    strncmp(path, store, strlen(store)) == 0 &&
		    strncmp(path + strlen(store), ASIDE, strlen(ASIDE)) == 0)
			incarnation_look(restoring, path);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

/* Before it takes its place, so that no role ever sees it as one that may pay. */
static bool fresh_begin(struct restoring *restoring, struct err *err)
{
	struct db_sqlite_options options = { .path = restoring->fresh };
	struct clock clock;
	struct store *store = NULL;
	struct db *db;
	clock_posix_init(&clock);
	struct store_by by = { .actor = ACTOR_PERSON,
			       .who = user_name(),
			       .request_id = "",
			       .now_ms = clock_now_ms(&clock) };
	if (!db_sqlite_open(&options, &db, err))
		return false;
	bool done = store_sql_migrate(db, by.now_ms, err) && store_sql_open(db, &store, err) &&
		    store_recover_begin(store, restoring->incarnation + 1, restoring->journal_lost,
					&by, &restoring->incarnation, err);
	store_close(store);
	db_close(db);
	return done;
}

static bool move(const char *from, const char *to, struct err *err)
{
	if (rename(from, to) == 0 || errno == ENOENT)
		return true;
	return err_set(err, ERR_NOT_DONE, "%s to %s: %s", from, to, strerror(errno));
}

/* Something of a store is there: of a restore that was interrupted perhaps only its log. */
static bool old_exists(const char *path, bool *ret_exists, struct err *err)
{
	char one[PATH_MAX];
	*ret_exists = false;
	for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++) {
		if (!companion_path(path, companions[i], one, err))
			return false;
		*ret_exists |= access(one, F_OK) == 0;
	}
	return true;
}

/* All that was committed is in the one file before it is moved, so that no end in between takes the
 * newest commits from it. One that cannot be read goes as it is, the file before its write-ahead
 * log: nobody then works on it without. The log goes too, or it would be taken for the new one's.
 */
static bool old_move(const struct restoring *restoring, struct err *err)
{
	char from[PATH_MAX];
	char to[PATH_MAX];
	struct err unread = { 0 };
	if (access(restoring->config->store.path, F_OK) == 0 &&
	    !db_sqlite_fold(restoring->config->store.path, &unread))
		(void)fprintf(stderr, "the store that stands there is moved as it is: %s\n",
			      unread.text);
	for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++)
		if (!companion_path(restoring->config->store.path, companions[i], from, err) ||
		    !companion_path(restoring->aside, companions[i], to, err) ||
		    !move(from, to, err))
			return false;
	return true;
}

static bool directory_sync(const char *file, struct err *err)
{
	char dir[PATH_MAX];
	(void)snprintf(dir, sizeof dir, "%s", file);
	char *slash = strrchr(dir, '/');
	if (slash != NULL)
		*slash = 0;
	int fd = open(slash != NULL ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;
	if (!done)
		(void)err_set(err, ERR_MAYBE_DONE, "%s: %s", dir, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return done;
}

static bool fresh_place(struct restoring *restoring, struct err *err)
{
	const char *path = restoring->config->store.path;
	char at[32];
	struct buf time = buf_of(at, sizeof at);
	struct clock clock;
	clock_posix_init(&clock);
	time_write_rfc3339(clock_now_ms(&clock), &time);
	bool exists = false;
	if (!old_exists(path, &exists, err))
		return false;
	if (exists) {
		if (snprintf(restoring->aside, PATH_MAX, "%s" ASIDE "%s", path,
			     buf_terminated(&time)) >= PATH_MAX)
			return err_set(err, ERR_REFUSED, "%s is too long a path", path);
		if (!old_move(restoring, err))
			return false;
	}
	return move(restoring->fresh, path, err) && directory_sync(path, err);
}

static bool manifest_check(struct restoring *restoring, const char *dir, struct err *err)
{
	struct id deployment;
	if (!backup_verify(dir, &restoring->manifest, err) ||
	    !deployment_read(restoring->config, &deployment, err))
		return false;
	if (!id_equal(deployment, restoring->manifest.deployment))
		return err_set(err, ERR_REFUSED, "the backup is of deployment %s, this one is %s",
			       id_text(restoring->manifest.deployment).at, id_text(deployment).at);
	if (restoring->manifest.schema < STORE_SCHEMA_MIN ||
	    restoring->manifest.schema > STORE_SCHEMA_MAX)
		return err_set(err, ERR_REFUSED,
			       "the backup has schema version %d; this program takes %d to %d",
			       restoring->manifest.schema, STORE_SCHEMA_MIN, STORE_SCHEMA_MAX);
	return true;
}

/* The journal that lives is never replaced: it alone knows what was paid since the backup. One that
 * is gone stays so: the backup's would know too little, and look as if it knew all. */
static bool store_restore(struct restoring *restoring, const char *dir, struct err *err)
{
	char from[PATH_MAX];
	if (!backup_path(dir, BACKUP_STORE, from, err) ||
	    !companion_path(restoring->config->store.path, ".restoring", restoring->fresh, err) ||
	    !directory_make_for(restoring->config->store.path, err))
		return false;
	restoring->journal_lost = access(restoring->config->journal.path, F_OK) != 0;
	incarnations_look(restoring);
	fresh_remove(restoring);
	bool done = backup_file_copy(from, restoring->fresh, err) && fresh_begin(restoring, err) &&
		    fresh_place(restoring, err);
	fresh_remove(restoring);
	return done;
}

static void restored_print(const struct invocation *invocation, const struct restoring *restoring)
{
	char bytes[PRINT_BYTES_MAX];
	struct buf out = buf_of(bytes, sizeof bytes);
	char place[PATH_MAX];
	struct buf told = buf_of(place, sizeof place);
	database_tell(&restoring->config->store, &told);
	const char *path = buf_terminated(&told);
	if (invocation->json) {
		buf_byte(&out, '{');
		json_write_member_text(&out, "store", path);
		json_write_member_text(&out, "before", restoring->aside);
		json_write_member_u64(&out, "incarnation", restoring->incarnation);
		json_write_member_bool(&out, "journal_lost", restoring->journal_lost);
		buf_byte(&out, '}');
		(void)puts(buf_terminated(&out));
		return;
	}
	(void)printf("%s is an older copy, incarnation %llu; nothing is paid from it yet\n", path,
		     (unsigned long long)restoring->incarnation);
	if (restoring->aside[0] != 0)
		(void)printf("what stood there is %s\n", restoring->aside);
	(void)printf("%s\n", restoring->journal_lost
				     ? "THE JOURNAL IS LOST: people have to look at every payment"
				     : "the journal that lives was left as it is");
	(void)puts("API keys that were revoked since the backup are valid again: revoke them now");
	(void)puts("next: sluice reconcile --after-restore; then sluice unpause");
}

/* A server's own tools have brought the older copy back, or a replica that lacks the last commits
 * has taken its place. Roles may be at work: from this commit on they pay nobody. */
static bool place_mark(struct restoring *restoring, struct err *err)
{
	struct opened_store opened = { 0 };
	struct store_incarnation last = { 0 };
	struct clock clock;
	struct entropy entropy;
	clock_posix_init(&clock);
	entropy_os_init(&entropy);
	struct store_by by = { .actor = ACTOR_PERSON,
			       .who = user_name(),
			       .request_id = "",
			       .now_ms = clock_now_ms(&clock) };
	bool done = opened_store_open(restoring->config, 0, false, &clock, &entropy, NULL, &opened,
				      err) &&
		    store_incarnation_load(opened.store, &last, err) &&
		    store_recover_begin(opened.store, last.number + 1, false, &by,
					&restoring->incarnation, err);
	opened_store_close(&opened);
	return done;
}

static bool files_restore(struct restoring *restoring, const char *dir, struct err *err)
{
	int claim = -1;
	bool done = files_check(restoring->config, "`sluice restore --from`", err) &&
		    manifest_check(restoring, dir, err) &&
		    directory_make_for(restoring->config->store.path, err) &&
		    db_sqlite_claim(restoring->config->store.path, &claim, err) &&
		    store_restore(restoring, dir, err);
	if (claim >= 0)
		(void)close(claim);
	return done;
}

enum exit_status command_restore(const struct invocation *invocation)
{
	struct restoring restoring = { .aside = "" };
	struct config *config;
	struct err err;
	const char *dir = invocation_option(invocation, "from");
	bool in_place = invocation_flag(invocation, "in-place");
	if ((dir == NULL) != in_place)
		return invocation_misused(invocation, "either --from or --in-place is needed");
	if (!config_load(invocation_option(invocation, "config"), &config, &err))
		return invocation_failed(invocation, &err);
	restoring.config = config;
	bool ok = in_place ? place_mark(&restoring, &err) : files_restore(&restoring, dir, &err);
	if (ok)
		restored_print(invocation, &restoring);
	config_free(config);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}

/* ---- unpause ---- */

enum exit_status command_unpause(const struct invocation *invocation)
{
	struct config *config;
	struct opened_store opened = { 0 };
	struct clock clock;
	struct entropy entropy;
	struct err err;
	size_t started = 0;
	const char *reason = invocation_option(invocation, "reason");
	if (invocation_names_switch(invocation))
		return command_unpause_switch(invocation);
	if (reason == NULL)
		return invocation_misused(invocation, "--reason is missing");
	if (!config_load(invocation_option(invocation, "config"), &config, &err))
		return invocation_failed(invocation, &err);
	clock_posix_init(&clock);
	entropy_os_init(&entropy);
	struct admin_wallets admin = { .catalogue = &config->catalogue, .who = user_name() };
	bool ok = opened_store_open(config, 0, false, &clock, &entropy, NULL, &opened, &err);
	admin.store = opened.store;
	ok = ok && admin_unpause(&admin, reason, clock_now_ms(&clock), &started, &err);
	if (ok && invocation->json)
		(void)printf("{\"wallets_started\":%zu}\n", started);
	else if (ok)
		(void)printf("%zu wallet%s pay again\n", started, started == 1 ? "" : "s");
	opened_store_close(&opened);
	config_free(config);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}
