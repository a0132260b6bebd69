#include "base/secret.h"

#include "../testing.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* AddressSanitizer turns mlock(2) into nothing, so that only the other builds show the lock. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
static const bool lock_is_real = false;
#else
static const bool lock_is_real = true;
#endif

/* The flags that the kernel has for the mapping at this address, "" when it does not tell. */
static void mapping_flags(const void *at, char *ret_flags, size_t cap)
{
	char line[512];
	bool is_ours = false;
	FILE *maps = fopen("/proc/self/smaps", "r");
	ret_flags[0] = 0;
	while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
		unsigned long start, end;
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			is_ours = (uintptr_t)at >= start && (uintptr_t)at < end;
		else if (is_ours && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(ret_flags, cap, "%s", line + 8);
	}
	if (maps != NULL)
		fclose(maps);
}

static void memory_is_zeroed_locked_and_undumpable(void **state)
{
	(void)state;
	struct secret secret = { 0 };
	struct err err = { 0 };
	char flags[512];
	assert_true(secret_new(&secret, 5000, &err));
	assert_int_equal(secret.len, 5000);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	assert_int_equal(secret.mapped, (5000 + page - 1) / page * page);
	for (size_t i = 0; i < secret.mapped; i++)
		assert_int_equal(secret.at[i], 0);
	mapping_flags(secret.at, flags, sizeof flags);
	if (flags[0] != 0) {
		assert_true(!lock_is_real || strstr(flags, " lo") != NULL);
		assert_non_null(strstr(flags, " dd")); /* do not dump */
		assert_non_null(strstr(flags, " wf")); /* wipe on fork */
	}
	memset(secret.at, 0xaa, secret.len);
	secret_free(&secret);
	assert_null(secret.at);
	secret_free(&secret);
	assert_true(secret_new(&secret, page, &err));
	assert_int_equal(secret.mapped, page);
	secret_free(&secret);
	assert_aborts((void)!secret_new(&secret, 0, &err));
}

static void says_when_memory_cannot_be_locked(void **state)
{
	(void)state;
	struct secret secret = { 0 };
	struct err err = { 0 };
	/* Without the privilege that ignores the limit the lock fails; with it this shows nothing.
	 */
	assert_false(secret_new(&secret, SIZE_MAX / 4, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_null(secret.at);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		const struct rlimit none = { 0, 0 };
		/* Root is not bound by the limit. */
		bool is_unprivileged = setrlimit(RLIMIT_MEMLOCK, &none) == 0 && setuid(65534) == 0;
		if (!is_unprivileged || !lock_is_real)
			_exit(0);
		bool is_made = secret_new(&secret, 10, &err);
		_exit(!is_made && err.kind == ERR_NOT_DONE && strstr(err.text, "ulimit") ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void wipes(void **state)
{
	(void)state;
	uint8_t bytes[] = { 1, 2, 3, 4 };
	secret_wipe(bytes, 3);
	assert_memory_equal(bytes, "\0\0\0\4", 4);
	secret_wipe(bytes + 3, 1);
	assert_int_equal(bytes[3], 0);
	secret_wipe(NULL, 0);
}

static char file_path[64];

static int file_make(void **state)
{
	(void)state;
	snprintf(file_path, sizeof file_path, "/tmp/sluice-test-secret-XXXXXX");
	int fd = mkstemp(file_path);
	return fd < 0 ? -1 : close(fd);
}

static int file_remove(void **state)
{
	(void)state;
	return unlink(file_path);
}

static void file_write(struct str content, mode_t mode)
{
	FILE *file = fopen(file_path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(content.at, 1, content.len, file), content.len);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(file_path, mode), 0);
}

static void assert_file_holds(struct str content, size_t cap, const char *expected)
{
	struct secret secret = { 0 };
	struct err err = { 0 };
	file_write(content, 0600);
	assert_true(secret_read_file(&secret, file_path, cap, &err));
	assert_str_equal(str_from_bytes(secret.at, secret.len), expected);
	assert_int_equal(secret.at[secret.len], 0); /* nothing is left of the newline */
	secret_free(&secret);
}

static void assert_file_refused(struct str content, mode_t mode, size_t cap, const char *reason)
{
	struct secret secret = { 0 };
	struct err err = { 0 };
	file_write(content, mode);
	assert_false(secret_read_file(&secret, file_path, cap, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, reason));
	assert_null(secret.at);
}

static void reads_files(void **state)
{
	(void)state;
	assert_file_holds(STR("hunter2"), 64, "hunter2");
	assert_file_holds(STR("hunter2\n"), 64, "hunter2");
	assert_file_holds(STR("hunter2\n\n"), 64, "hunter2\n");
	assert_file_holds(STR("12345678"), 8, "12345678");
	assert_file_refused(STR("123456789"), 0600, 8, "longer than 8");
	assert_file_refused(STR("12345678\n"), 0600, 8, "longer than 8");
	assert_file_refused(STR(""), 0600, 8, "empty");
	assert_file_refused(STR("\n"), 0600, 8, "empty");
	struct secret secret = { 0 };
	struct err err = { 0 };
	assert_false(secret_read_file(&secret, file_path, SIZE_MAX / 4, &err)); /* no memory */
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_file_refused(STR("hunter2"), 0640, 8, "chmod");
	assert_file_refused(STR("hunter2"), 0604, 8, "chmod");
	assert_file_refused(STR("hunter2"), 0602, 8, "chmod");
}

static void reads_what_others_mounted(void **state)
{
	(void)state;
	struct secret secret = { 0 };
	struct err err = { 0 };
	file_write(STR("token\n"), 0644);
	assert_true(secret_read_mounted(&secret, file_path, 8, &err));
	assert_str_equal(str_from_bytes(secret.at, secret.len), "token");
	secret_free(&secret);
	assert_false(secret_read_mounted(&secret, file_path, 4, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
}

static void says_why_a_file_cannot_be_read(void **state)
{
	(void)state;
	struct secret secret = { 0 };
	struct err err = { 0 };
	char directory[] = "/tmp/sluice-test-secret-XXXXXX";
	assert_false(secret_read_file(&secret, "/nonexistent/x", 8, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_non_null(strstr(err.text, "cannot open /nonexistent/x"));
	assert_non_null(mkdtemp(directory));
	assert_false(secret_read_file(&secret, directory, 8, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_non_null(strstr(err.text, "cannot read"));
	assert_int_equal(rmdir(directory), 0);
	assert_false(secret_read_file(&secret, "/dev/null", 8, &err));
	assert_int_equal(err.kind, ERR_REFUSED); /* anybody may use it */
	assert_null(secret.at);
}

/* A pipe gives its content in pieces. */
static void reads_pieces(void **state)
{
	(void)state;
	struct secret secret = { 0 };
	assert_int_equal(unlink(file_path), 0);
	assert_int_equal(mkfifo(file_path, 0600), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		FILE *pipe = fopen(file_path, "w");
		bool is_written = pipe != NULL && fputs("hun", pipe) >= 0 && fflush(pipe) == 0 &&
				  usleep(20000) == 0 && fputs("ter2\n", pipe) >= 0 &&
				  fclose(pipe) == 0;
		_exit(is_written ? 0 : 1);
	}
	assert_true(secret_read_file(&secret, file_path, 64, NULL));
	assert_str_equal(str_from_bytes(secret.at, secret.len), "hunter2");
	secret_free(&secret);
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void hardens_the_process(void **state)
{
	(void)state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit limit = { 1, 1 };
		bool is_hard = secret_process_harden(NULL) && prctl(PR_GET_DUMPABLE) == 0 &&
			       getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0;
		_exit(is_hard ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_locked_and_undumpable),
		cmocka_unit_test(says_when_memory_cannot_be_locked),
		cmocka_unit_test(wipes),
		cmocka_unit_test_setup_teardown(reads_files, file_make, file_remove),
		cmocka_unit_test_setup_teardown(reads_what_others_mounted, file_make, file_remove),
		cmocka_unit_test(says_why_a_file_cannot_be_read),
		cmocka_unit_test_setup_teardown(reads_pieces, file_make, file_remove),
		cmocka_unit_test(hardens_the_process),
	};
	return cmocka_run_group_tests_name("base/secret", tests, NULL, NULL);
}
