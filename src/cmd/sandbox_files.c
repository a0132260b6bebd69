/* The files that a role may open, as rules of Landlock: all others are shut, whatever their modes.
 *
 * A rule names a file, or a directory with all that is in it, and there are no exceptions below a
 * directory. So a directory is opened only when nothing of another role lies in it; and what SQLite
 * makes beside a database is made here, before, so that a rule for each file will do.
 */
#include "cmd/sandbox_parts.h"

#include "cmd/config_files.h"
#include "cmd/config_texts.h"
#include "cmd/database_open.h"
#include "cmd/secret_reference.h"
#include "cmd/store_open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Headers may be older than kernels; the kernel says what it knows. */
#define RIGHTS_FIRST   ((UINT64_C(1) << 13) - 1)
#define RIGHT_REFER    (UINT64_C(1) << 13) /* 2 */
#define RIGHT_TRUNCATE (UINT64_C(1) << 14) /* 3 */
#define RIGHT_DEVICE   (UINT64_C(1) << 15) /* 5 */
#define SCOPE_SIGNAL   (UINT64_C(1) << 1)  /* 6 */

#define READ           ((uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR))
#define WRITE          (LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE)
#define ALL                                                                            \
	(READ | WRITE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_DIR |                  \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR)
#define OF_FILES   (LANDLOCK_ACCESS_FS_READ_FILE | WRITE | RIGHT_DEVICE)

#define OTHERS_MAX 64

struct ruleset {
	uint64_t handled;
	uint64_t handled_net;
	uint64_t scoped;
};

struct shutting {
	const struct config *config;
	enum role role;
	const struct log *log;
	int fd;
	uint64_t handled;
	char others[OTHERS_MAX][PATH_MAX]; /* files and directories of other roles */
	size_t others_len;
	bool has_aws_secret; /* one of its secrets is in Secrets Manager */
};

/* What every program reads: libraries that are loaded late, authorities, names of hosts, zones. */
static const char *const of_the_system[] = {
	"/usr/lib",
	"/usr/lib64",
	"/usr/lib32",
	"/lib",
	"/lib64",
	"/usr/local/lib",
	"/usr/share",
	"/usr/local/share/ca-certificates",
	"/etc/ssl",
	"/etc/pki",
	"/etc/ca-certificates",
	"/etc/crypto-policies",
	"/etc/ld.so.cache",
	"/etc/localtime",
	"/etc/nsswitch.conf",
	"/etc/gai.conf",
	"/etc/host.conf",
	"/etc/services",
	"/etc/protocols",
	"/etc/mysql",
	"/sys/devices/system/cpu",
	"/proc/self",
	"/proc/sys/vm/overcommit_memory",
	"/proc/meminfo",
	"/proc/cpuinfo",
	"/proc/stat",
	"/dev/urandom",
	"/dev/random",
	"/dev/zero",
};

/* Those that the resolver reads again when somebody has put a new one there. */
static const char *const replaced[] = { "/etc/resolv.conf", "/etc/hosts" };

static const char *const named_by_variables[] = {
	"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "OPENSSL_CONF",
};

/* What makes somebody one who may sign with KMS, or take messages. */
static const char *const credentials[] = {
	"AWS_SHARED_CREDENTIALS_FILE",
	"AWS_CONFIG_FILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
};

/* ---- rules ---- */

/* What is not there gets no rule: whoever needs it will say so. */
static void allow(const struct shutting *self, const char *path, uint64_t rights)
{
	struct stat status;
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0) {
		struct landlock_path_beneath_attr rule = { .parent_fd = fd };
		rule.allowed_access = rights & self->handled;
		if (!S_ISDIR(status.st_mode))
			rule.allowed_access &= OF_FILES;
		(void)syscall(SYS_landlock_add_rule, self->fd, LANDLOCK_RULE_PATH_BENEATH, &rule,
			      0);
	}
	(void)close(fd);
}

static bool is_beneath(const char *path, const char *directory)
{
	size_t len = strlen(directory);
	return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* The directory of what may be exchanged there, if it has nothing of another role in it. */
static bool allow_directory_of(const struct shutting *self, const char *path)
{
	char directory[PATH_MAX], given[PATH_MAX];
	(void)snprintf(given, sizeof given, "%s", path);
	char *slash = strrchr(given, '/');
	if (slash == NULL || slash == given)
		return false;
	*slash = '\0';
	if (realpath(given, directory) == NULL || strcmp(directory, "/") == 0)
		return false;
	for (size_t i = 0; i < self->others_len; i++)
		if (is_beneath(self->others[i], directory))
			return false;
	allow(self, directory, READ);
	return true;
}

static bool is_mounted(const char *path, const struct stat *status)
{
	char directory[PATH_MAX];
	struct stat above;
	(void)snprintf(directory, sizeof directory, "%s/..", path);
	(void)snprintf(directory, sizeof directory, "%s", path);
	char *slash = strrchr(directory, '/');
	if (slash != NULL)
		slash[slash == directory] = '\0';
	return stat(directory, &above) == 0 && above.st_dev != status->st_dev;
}

/* A link leads to the file of today: a mounted secret, a renewed certificate. */
static void allow_linked(const struct shutting *self, const char *path)
{
	char real[PATH_MAX];
	struct stat status;
	allow(self, path, READ);
	if (lstat(path, &status) != 0 || !S_ISLNK(status.st_mode))
		return;
	(void)allow_directory_of(self, path);
	if (realpath(path, real) != NULL)
		(void)allow_directory_of(self, real);
}

/* A file that others exchange while the role runs, and that it then reads again. */
static void allow_replaced(const struct shutting *self, const char *path)
{
	struct stat status;
	allow_linked(self, path);
	if (lstat(path, &status) != 0 || !S_ISREG(status.st_mode) || is_mounted(path, &status) ||
	    allow_directory_of(self, path))
		return;
	struct log_about about = { .action = "sandbox_incomplete" };
	log_line(self->log, LOG_WARN, &about,
		 "%s has secrets of other roles in its directory: when somebody exchanges it, the "
		 "new one is read after a restart only",
		 path);
}

/* ---- which ---- */

/* Files that a role has of its own, apart from those of the configuration's other keys. */
static unsigned roles_of(const char *pattern)
{
	if (strcmp(pattern, "journal.path") == 0)
		return 1u << ROLE_SIGNER;
	if (strcmp(pattern, "data_dir") == 0 || strcmp(pattern, "store.path") == 0 ||
	    strcmp(pattern, "log.file") == 0)
		return 0;
	return config_file_roles(pattern);
}

static void other_add(struct shutting *self, const char *path)
{
	CHECK(self->others_len < OTHERS_MAX);
	char *place = self->others[self->others_len++];
	if (realpath(path, place) == NULL)
		(void)snprintf(place, PATH_MAX, "%s", path);
}

/* Calls `each` for every file that the configuration names, or for every secret that AWS keeps. */
static void texts_walk(struct shutting *self, bool in_aws,
		       void (*each)(struct shutting *self, const char *pattern, const char *path))
{
	struct config_walk walk;
	struct config_place place;
	config_walk_init(&walk, self->config->texts->text);
	while (config_walk_next(&walk, &place)) {
		if (place.kind != CONFIG_SCALAR || *place.text == NULL)
			continue;
		const struct config_rule *rule = config_rule_of(str_from(place.path));
		if ((rule->type == CONFIG_TYPE_PATH || rule->type == CONFIG_TYPE_SECRET) &&
		    secret_reference_is_meant(str_from(*place.text)) == in_aws)
			each(self, rule->pattern, *place.text);
	}
}

static void files_walk(struct shutting *self,
		       void (*each)(struct shutting *self, const char *pattern, const char *path))
{
	texts_walk(self, false, each);
}

static void secret_look(struct shutting *self, const char *pattern, const char *reference)
{
	(void)reference;
	self->has_aws_secret |= (roles_of(pattern) & 1u << self->role) != 0;
}

static bool asks_aws(struct shutting *self)
{
	texts_walk(self, true, secret_look);
	return self->has_aws_secret || self->config->queue_is_sqs ||
	       (self->role == ROLE_SIGNER && self->config->kms_len > 0);
}

static void other_look(struct shutting *self, const char *pattern, const char *path)
{
	bool is_everybodys = strcmp(pattern, "data_dir") == 0 ||
			     strcmp(pattern, "store.path") == 0 || strcmp(pattern, "log.file") == 0;
	bool is_ours = (roles_of(pattern) & 1u << self->role) != 0;
	if (strcmp(pattern, "trust.dir") == 0 || (!is_everybodys && !is_ours))
		other_add(self, path);
}

static void own_allow(struct shutting *self, const char *pattern, const char *path)
{
	bool is_ours = (roles_of(pattern) & 1u << self->role) != 0;
	if (strcmp(pattern, "trust.dir") == 0 || strcmp(pattern, "journal.path") == 0 || !is_ours)
		return;
	if (config_file_is_replaced(pattern))
		allow_replaced(self, path);
	else
		allow_linked(self, path);
}

/* A database, and what is beside it. */
static void database_allow(const struct shutting *self, const struct config_database *database)
{
	static const char *const files[] = { "", "-wal", "-shm", "-next", "-turn", "-open" };
	char real[PATH_MAX], path[PATH_MAX + 8];
	if (database->is_mysql || realpath(database->path, real) == NULL)
		return;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		(void)snprintf(path, sizeof path, "%s%s", real, files[i]);
		allow(self, path, READ | WRITE);
	}
	(void)snprintf(path, sizeof path, "%s-run", real);
	allow(self, path, ALL);
	/* SQLite writes directories to disk; their names are no secret. */
	char *slash = strrchr(real, '/');
	if (slash != NULL && slash != real) {
		*slash = '\0';
		allow(self, real, LANDLOCK_ACCESS_FS_READ_DIR);
	}
}

static void trust_allow(const struct shutting *self)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/%s.keys", self->config->trust_dir,
		     role_text(self->role)) < (int)sizeof path)
		allow_linked(self, path);
}

static void variables_allow(const struct shutting *self, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *value = getenv(names[i]);
		if (value != NULL && value[0] == '/')
			allow_replaced(self, value);
	}
}

static void credentials_allow(struct shutting *self)
{
	char path[PATH_MAX];
	if (!asks_aws(self))
		return;
	variables_allow(self, credentials, sizeof credentials / sizeof credentials[0]);
	const char *home = getenv("HOME");
	if (home != NULL && snprintf(path, sizeof path, "%s/.aws", home) < (int)sizeof path)
		allow(self, path, READ);
}

/* What builds of tests write and read. */
static void tests_allow(const struct shutting *self)
{
#ifdef SLUICE_STOP_POINTS
	const char *directory = getenv("SLUICE_TEST_STOP_DIR");
	if (directory != NULL)
		allow(self, directory, ALL);
#endif
#ifdef SLUICE_COVERAGE
	allow(self, SLUICE_COVERAGE, ALL);
#endif
	(void)self;
}

/* "" for no module that keeps files. */
static void modules_allow(const struct shutting *self)
{
	const struct config *config = self->config;
	for (size_t i = 0; self->role == ROLE_SIGNER && i < config->pkcs11_len; i++) {
		char path[PATH_MAX];
		struct str one, rest = str_from(config->pkcs11[i].paths);
		bool more = true;
		while (more) {
			more = str_cut(rest, ':', &one, &rest);
			if (str_copy(more ? one : rest, path, sizeof path) && path[0] == '/')
				allow(self, path, ALL | RIGHT_DEVICE);
		}
	}
}

static void all_allow(struct shutting *self)
{
	char path[STORE_RUN_LEN_MAX + 1];
	for (size_t i = 0; i < sizeof of_the_system / sizeof of_the_system[0]; i++)
		allow(self, of_the_system[i], READ);
	for (size_t i = 0; i < sizeof replaced / sizeof replaced[0]; i++)
		allow_replaced(self, replaced[i]);
	allow(self, "/dev/null", READ | WRITE);
	allow(self, "/proc/self/exe", READ);
	variables_allow(self, named_by_variables,
			sizeof named_by_variables / sizeof named_by_variables[0]);
	credentials_allow(self);
	files_walk(self, own_allow);
	trust_allow(self);
	database_allow(self, &self->config->store);
	if (self->role == ROLE_SIGNER)
		database_allow(self, &self->config->journal);
	store_run_directory(self->config, path);
	allow(self, path, ALL);
	modules_allow(self);
	tests_allow(self);
}

/* ---- the whole ---- */

/* Each is made, and its directory entry on disk, before nothing can be made any more. What fails
 * here fails again, and is told, where it is opened to be used. */
static void database_make(const struct config_database *database)
{
	struct err ignored;
	struct db *db;
	if (!database->is_mysql &&
	    database_open(database, DATABASE_ROLE, STORE_CACHE_KB_OTHER, NULL, &db, &ignored))
		db_close(db);
}

static void files_make(const struct config *config, enum role role)
{
	char path[STORE_RUN_LEN_MAX + 1];
	if (!config->store.is_mysql && access(config->store.path, F_OK) == 0)
		database_make(&config->store);
	if (role == ROLE_SIGNER)
		database_make(&config->journal);
	store_run_directory(config, path);
	(void)mkdir(path, 0700);
}

/* A module of an HSM keeps files of its own, in places that only its vendor knows. */
static bool is_open_ended(const struct config *config, enum role role)
{
	for (size_t i = 0; role == ROLE_SIGNER && i < config->pkcs11_len; i++)
		if (config->pkcs11[i].paths == NULL)
			return true;
	return false;
}

static uint64_t rights_of(long version)
{
	return RIGHTS_FIRST | (version >= 2 ? RIGHT_REFER : 0) |
	       (version >= 3 ? RIGHT_TRUNCATE : 0) | (version >= 5 ? RIGHT_DEVICE : 0);
}

static size_t attributes_len(long version)
{
	if (version >= 6)
		return sizeof(struct ruleset);
	return version >= 4 ? offsetof(struct ruleset, scoped)
			    : offsetof(struct ruleset, handled_net);
}

static enum sandbox_end shut(struct shutting *self, long version, struct err *err)
{
	const struct ruleset ruleset = { .handled = rights_of(version), .scoped = SCOPE_SIGNAL };
	self->handled = ruleset.handled;
	self->fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, attributes_len(version), 0);
	if (self->fd < 0) {
		err_set(err, ERR_NOT_DONE, "Landlock: %s", strerror(errno));
		return SANDBOX_FAILED;
	}
	files_walk(self, other_look);
	all_allow(self);
	long done = syscall(SYS_landlock_restrict_self, self->fd, 0);
	if (done != 0)
		err_set(err, ERR_NOT_DONE, "Landlock: %s", strerror(errno));
	(void)close(self->fd);
	return done == 0 ? SANDBOX_DONE : SANDBOX_FAILED;
}

enum sandbox_end sandbox_files(const struct config *config, enum role role, const struct log *log,
			       struct err *err)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (version <= 0) {
		err_set(err, ERR_NOT_DONE,
			"the kernel has no Landlock (%s): files of other roles are shut by their "
			"modes alone",
			strerror(errno));
		return SANDBOX_UNABLE;
	}
	if (is_open_ended(config, role)) {
		err_set(err, ERR_NOT_DONE,
			"the signer may open every file that its user may: say in "
			"signer.pkcs11[].paths which ones the module needs");
		return SANDBOX_UNABLE;
	}
	files_make(config, role);
	struct shutting *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	*self = (struct shutting){ .config = config, .role = role, .log = log };
	enum sandbox_end end = shut(self, version, err);
	free(self);
	return end;
}
