#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t whole_pages(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	return (len + page - 1) / page * page;
}

bool secret_new(struct secret *ret_secret, size_t len, struct err *err)
{
	CHECK(len > 0 && len <= SIZE_MAX / 2);
	size_t mapped = whole_pages(len);
	void *at = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return err_set(err, ERR_NOT_DONE, "no memory for a secret: %s", strerror(errno));
	if (mlock(at, mapped) != 0) {
		err_set(err, ERR_NOT_DONE,
			"cannot lock memory for a secret: %s; raise the limit of locked memory "
			"(ulimit -l, LimitMEMLOCK=)",
			strerror(errno));
		munmap(at, mapped);
		return false;
	}
	if (madvise(at, mapped, MADV_DONTDUMP) != 0) {
		err_set(err, ERR_NOT_DONE, "cannot keep a secret out of core dumps: %s",
			strerror(errno));
		munmap(at, mapped);
		return false;
	}
	/* Kernels before 4.14 cannot; no role forks once it holds a key. */
	(void)madvise(at, mapped, MADV_WIPEONFORK);
	*ret_secret = (struct secret){ .at = at, .len = len, .mapped = mapped };
	return true;
}

void secret_free(struct secret *secret)
{
	if (secret->at == NULL)
		return;
	secret_wipe(secret->at, secret->mapped);
	CHECK(munmap(secret->at, secret->mapped) == 0);
	*secret = (struct secret){ 0 };
}

void secret_wipe(void *bytes, size_t len)
{
	if (len > 0)
		OPENSSL_cleanse(bytes, len);
}

bool secret_process_harden(struct err *err)
{
	const struct rlimit none = { 0, 0 };
	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_set(err, ERR_NOT_DONE, "cannot forbid core dumps: %s", strerror(errno));
	return true;
}

/* Fills `into` from fd. True when the file ended within it. */
static bool read_whole(int fd, struct secret *into, const char *path, size_t *ret_len,
		       struct err *err)
{
	size_t len = 0;
	while (len < into->len) {
		ssize_t got = read(fd, into->at + len, into->len - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, ERR_NOT_DONE, "cannot read %s: %s", path,
				       strerror(errno));
		if (got == 0) {
			*ret_len = len;
			return true;
		}
		len += (size_t)got;
	}
	return err_set(err, ERR_REFUSED, "%s is longer than %zu bytes", path, into->len - 1);
}

static bool is_private(int fd, const char *path, struct err *err)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return err_set(err, ERR_NOT_DONE, "cannot read %s: %s", path, strerror(errno));
	if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return err_set(err, ERR_REFUSED,
			       "%s holds a secret, but others than its owner may use it "
			       "(chmod 600)",
			       path);
	return true;
}

static bool read_secret(int fd, const char *path, size_t cap, struct secret *ret_secret,
			struct err *err)
{
	struct secret secret;
	size_t len = 0;
	/* One byte more than allowed: a file that fills it is too long. */
	if (!secret_new(&secret, cap + 1, err))
		return false;
	if (!read_whole(fd, &secret, path, &len, err)) {
		secret_free(&secret);
		return false;
	}
	if (len > 0 && secret.at[len - 1] == '\n')
		secret.at[--len] = 0;
	if (len == 0) {
		secret_free(&secret);
		return err_set(err, ERR_REFUSED, "%s is empty", path);
	}
	secret.len = len;
	*ret_secret = secret;
	return true;
}

static bool read_file(struct secret *ret_secret, const char *path, size_t cap, bool is_mounted,
		      struct err *err)
{
	CHECK(cap > 0);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, ERR_NOT_DONE, "cannot open %s: %s", path, strerror(errno));
	bool is_read = (is_mounted || is_private(fd, path, err)) &&
		       read_secret(fd, path, cap, ret_secret, err);
	close(fd);
	return is_read;
}

bool secret_read_file(struct secret *ret_secret, const char *path, size_t cap, struct err *err)
{
	return read_file(ret_secret, path, cap, false, err);
}

bool secret_read_mounted(struct secret *ret_secret, const char *path, size_t cap, struct err *err)
{
	return read_file(ret_secret, path, cap, true, err);
}
