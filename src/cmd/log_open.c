#include "cmd/log_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t clock_read(void *clock)
{
	return clock_now_ms(clock);
}

bool log_open(const struct config *config, const char *service, struct clock *clock,
	      struct log *ret_log, struct err *err)
{
	int fd = STDERR_FILENO;
	if (config->log_file != NULL) {
		if (!directory_make_for(config->log_file, err))
			return false;
		fd = open(config->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
		if (fd < 0)
			return err_set(err, ERR_NOT_DONE, "log.file %s: %s", config->log_file,
				       strerror(errno));
	}
	*ret_log = (struct log){
		.fd = fd,
		.level = config->log_level,
		.service = service,
		.now_ms = clock_read,
		.clock = clock,
	};
	return true;
}

bool directory_make(const char *path, struct err *err)
{
	char part[PATH_MAX];
	if (!str_copy(str_from(path), part, sizeof part))
		return err_set(err, ERR_REFUSED, "a path is too long");
	for (char *slash = part + 1;; slash++) {
		if (*slash != '/' && *slash != '\0')
			continue;
		char end = *slash;
		*slash = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return err_set(err, ERR_NOT_DONE, "cannot make the directory %s: %s", part,
				       strerror(errno));
		if (end == '\0')
			return true;
		*slash = end;
	}
}

bool directory_make_for(const char *file, struct err *err)
{
	const char *slash = strrchr(file, '/');
	char path[PATH_MAX];
	if (slash == NULL || slash == file)
		return true;
	if (!str_copy((struct str){ file, (size_t)(slash - file) }, path, sizeof path))
		return err_set(err, ERR_REFUSED, "a path is too long");
	return directory_make(path, err);
}
