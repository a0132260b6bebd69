#include "adapter/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool write_all(int fd, struct str content)
{
	while (content.len > 0) {
		ssize_t written = write(fd, content.at, content.len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		content = str_skip(content, (size_t)written);
	}
	return fsync(fd) == 0;
}

/* The directory entry is durable only when the directory is. */
static bool sync_directory(const char *path)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	bool synced;
	int fd;

	if (len >= sizeof directory) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(directory, path, len);
	directory[len] = 0;
	if (len == 0)
		memcpy(directory, slash ? "/" : ".", 2);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	synced = fsync(fd) == 0;
	close(fd);
	return synced;
}

bool private_file_create(const char *path, struct str content, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool written;
	int reason;

	if (fd < 0)
		return err_set(err, errno == EEXIST ? ERR_REFUSED : ERR_NOT_DONE, "%s: %s", path,
			       strerror(errno));
	written = write_all(fd, content);
	reason = errno;
	if (close(fd) != 0 && written) {
		written = false;
		reason = errno;
	}
	if (written && sync_directory(path))
		return true;
	reason = written ? errno : reason;
	unlink(path);
	return err_set(err, ERR_NOT_DONE, "%s: %s", path, strerror(reason));
}

bool private_file_replace(const char *path, struct str content, struct err *err)
{
	char made[PATH_MAX];

	if (snprintf(made, sizeof made, "%s.new", path) >= (int)sizeof made)
		return err_set(err, ERR_REFUSED, "%s: the name is too long", path);
	if (unlink(made) != 0 && errno != ENOENT) /* of one that was interrupted */
		return err_set(err, ERR_NOT_DONE, "%s: %s", made, strerror(errno));
	if (!private_file_create(made, content, err))
		return false;
	if (rename(made, path) != 0) {
		int reason = errno;

		unlink(made);
		return err_set(err, ERR_NOT_DONE, "%s: %s", path, strerror(reason));
	}
	return sync_directory(path) ||
	       err_set(err, ERR_MAYBE_DONE, "%s: %s", path, strerror(errno));
}
