#include "adapter/deny_list_file.h"

#include "core/address_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES_MIN 43 /* of one with an address, and its end */

/* What tells one version of a file from another. */
struct stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec written, changed;
};

struct deny_list_file {
	struct deny_list base;
	const char *path;
	struct clock *clock;
	struct address *sorted;
	size_t len;
	bool is_good, has_looked;
	struct stamp read; /* of what was read last, good or not; */
	struct stamp seen; /* and of what the last look saw */
	int64_t looked_ms; /* monotonic */
	int64_t other_ms;  /* likewise: since when both are not the same */
	struct err why;    /* when not is_good */
};

static struct deny_list_file *self_of(struct deny_list *list)
{
	return (struct deny_list_file *)(void *)list;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       same_time(a->written, b->written) && same_time(a->changed, b->changed);
}

static struct stamp stamp_of(const struct stat *status)
{
	return (struct stamp){ status->st_dev, status->st_ino, status->st_size, status->st_mtim,
			       status->st_ctim };
}

/* ---- the text ---- */

static int order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

static bool lines_read(struct deny_list_file *self, struct str text, struct address *addresses,
		       size_t *ret_len, struct err *err)
{
	struct str line;
	size_t number = 1;
	*ret_len = 0;
	for (; str_cut(text, '\n', &line, &text); number++) {
		enum address_line read = address_line_read(line, &addresses[*ret_len]);
		if (read == ADDRESS_LINE_WRONG)
			return err_set(err, ERR_REFUSED, "%s:%zu: this is no address", self->path,
				       number);
		*ret_len += read == ADDRESS_LINE_ADDRESS;
	}
	if (text.len > 0)
		return err_set(err, ERR_REFUSED, "%s:%zu: the last line has no end: is it whole?",
			       self->path, number);
	return *ret_len > 0 || err_set(err, ERR_REFUSED, "%s: there is no entry in it", self->path);
}

/* The list that was, stays when the text is none. */
static bool text_take(struct deny_list_file *self, struct str text, struct err *err)
{
	size_t len;
	struct address *addresses = malloc((text.len / LINE_BYTES_MIN + 1) * sizeof *addresses);
	CHECK(addresses != NULL);
	if (!lines_read(self, text, addresses, &len, err)) {
		free(addresses);
		return false;
	}
	qsort(addresses, len, sizeof *addresses, order);
	free(self->sorted);
	self->sorted = addresses;
	self->len = len;
	return true;
}

/* ---- the file ---- */

static bool bytes_read(int fd, struct buf *out)
{
	ssize_t got = 1;
	while (got > 0 && out->len < out->cap) {
		got = read(fd, out->at + out->len, out->cap - out->len);
		out->len += got > 0 ? (size_t)got : 0;
	}
	return got >= 0;
}

static bool opened_take(struct deny_list_file *self, int fd, struct err *err)
{
	struct stat before, after;
	if (fstat(fd, &before) != 0 || !S_ISREG(before.st_mode))
		return err_set(err, ERR_REFUSED, "%s is no file", self->path);
	if (before.st_size >= (off_t)DENY_LIST_BYTES_MAX)
		return err_set(err, ERR_REFUSED, "%s is too large", self->path);
	struct buf text = buf_new((size_t)before.st_size + 1);
	bool good = bytes_read(fd, &text) && fstat(fd, &after) == 0;
	if (!good)
		err_set(err, ERR_NOT_DONE, "%s: %s", self->path, strerror(errno));
	self->read = stamp_of(&before);
	if (good) {
		struct stamp then = stamp_of(&after);
		good = (same_stamp(&self->read, &then) && text.len == (size_t)before.st_size) ||
		       err_set(err, ERR_NOT_DONE, "%s changed while it was read", self->path);
	}
	good = good && text_take(self, buf_view(&text), err);
	buf_free(&text);
	return good;
}

static void file_take(struct deny_list_file *self)
{
	int fd = open(self->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	self->read = self->seen;
	if (fd < 0) {
		self->is_good =
			err_set(&self->why, ERR_NOT_DONE, "%s: %s", self->path, strerror(errno));
		return;
	}
	self->is_good = opened_take(self, fd, &self->why);
	(void)close(fd);
}

/* ---- the looks ---- */

/* What could not be read may be read the next time; what says something wrong goes on saying it. */
static bool may_be_better(const struct deny_list_file *self)
{
	return !self->is_good && self->why.kind == ERR_NOT_DONE;
}

static void look_again(struct deny_list_file *self, int64_t now)
{
	struct stat status;
	struct stamp last = self->seen;
	bool is_first = !self->has_looked;
	self->has_looked = true;
	if (stat(self->path, &status) != 0) {
		self->is_good =
			err_set(&self->why, ERR_REFUSED, "%s: %s", self->path, strerror(errno));
		self->seen = self->read = (struct stamp){ 0 };
		return;
	}
	self->seen = stamp_of(&status);
	if (same_stamp(&last, &self->read))
		self->other_ms = now;
	if (same_stamp(&self->seen, &self->read) && !may_be_better(self))
		return;
	if (is_first || same_stamp(&self->seen, &last))
		file_take(self);
	else if (now - self->other_ms > DENY_LIST_SETTLE_MS)
		self->is_good =
			err_set(&self->why, ERR_NOT_DONE, "%s goes on changing", self->path);
}

static bool look(struct deny_list *list, struct err *err)
{
	struct deny_list_file *self = self_of(list);
	int64_t now = clock_monotonic_ms(self->clock);
	if (!self->has_looked || now - self->looked_ms >= DENY_LIST_LOOK_MS) {
		look_again(self, now);
		self->looked_ms = now;
	}
	if (!self->is_good)
		*err = self->why;
	return self->is_good;
}

static bool has(const struct deny_list *list, struct address address)
{
	const struct deny_list_file *self = (const struct deny_list_file *)(const void *)list;
	return address_list_has(self->sorted, self->len, address);
}

static size_t len(const struct deny_list *list)
{
	return ((const struct deny_list_file *)(const void *)list)->len;
}

static void deny_list_file_close(struct deny_list *list)
{
	struct deny_list_file *self = self_of(list);
	free(self->sorted);
	free(self);
}

static const struct deny_list_ops ops = { look, has, len, deny_list_file_close };

struct deny_list *deny_list_file_new(const char *path, struct clock *clock)
{
	struct deny_list_file *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	*self = (struct deny_list_file){ .base = { .ops = &ops }, .path = path, .clock = clock };
	return &self->base;
}
