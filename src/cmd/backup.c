#include "cmd/backup.h"

#include "adapter/private_file.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_BYTES_MAX 4096

const char *backup_part_name(enum backup_part part)
{
	switch (part) {
	case BACKUP_PART_STORE:
		return BACKUP_STORE;
	case BACKUP_PART_JOURNAL:
		return BACKUP_JOURNAL;
	}
	return "";
}

bool backup_path(const char *dir, const char *name, char *ret_path, struct err *err)
{
	if (snprintf(ret_path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		return err_set(err, ERR_REFUSED, "%s is too long a path", dir);
	return true;
}

static bool fault(const char *path, struct err *err)
{
	return err_set(err, ERR_NOT_DONE, "%s: %s", path, strerror(errno));
}

bool backup_file_measure(const char *path, struct backup_file *ret_file, struct err *err)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fault(path, err);
	bool done = fstat(fd, &status) == 0 && sha256_file(fd, ret_file->sha256);
	if (!done)
		(void)fault(path, err);
	(void)close(fd);
	if (done)
		ret_file->bytes = (uint64_t)status.st_size;
	return done;
}

static void file_write(struct buf *out, enum backup_part part, const struct backup_file *file)
{
	char bytes[2 * SHA256_BYTES + 1];
	struct buf hex = buf_of(bytes, sizeof bytes);
	hex_write(&hex, file->sha256, sizeof file->sha256);
	buf_byte(out, '{');
	json_write_member_text(out, "name", backup_part_name(part));
	json_write_member_u64(out, "bytes", file->bytes);
	json_write_member(out, "sha256", buf_view(&hex));
	buf_byte(out, '}');
}

bool backup_manifest_write(const char *dir, const struct backup_manifest *manifest, struct err *err)
{
	char path[PATH_MAX];
	char bytes[MANIFEST_BYTES_MAX];
	char at[32];
	struct buf out = buf_of(bytes, sizeof bytes);
	struct buf time = buf_of(at, sizeof at);
	if (!backup_path(dir, BACKUP_MANIFEST, path, err))
		return false;
	time_write_rfc3339(manifest->made_at, &time);
	buf_byte(&out, '{');
	json_write_member_u64(&out, "format", BACKUP_FORMAT);
	json_write_member_text(&out, "program", manifest->program);
	json_write_member_text(&out, "deployment", id_text(manifest->deployment).at);
	json_write_member_i64(&out, "schema", manifest->schema);
	json_write_member(&out, "made", buf_view(&time));
	json_write_member_i64(&out, "made_at_ms", manifest->made_at);
	buf_text(&out, ",\"files\":[");
	for (int i = 0; i < BACKUP_PARTS; i++) {
		if (i > 0)
			buf_byte(&out, ',');
		file_write(&out, (enum backup_part)i, &manifest->files[i]);
	}
	buf_text(&out, "]}\n");
	CHECK(!out.overflow);
	return private_file_create(path, buf_view(&out), err);
}

static bool file_read(const struct json_value *value, enum backup_part part,
		      struct backup_file *ret_file)
{
	struct str name;
	struct str hash;
	int64_t bytes = 0;
	if (!json_string(json_member(value, "name"), &name) ||
	    !str_equal_text(name, backup_part_name(part)) ||
	    !json_i64(json_member(value, "bytes"), &bytes) || bytes < 0 ||
	    !json_string(json_member(value, "sha256"), &hash) ||
	    !hex_read(hash, ret_file->sha256, sizeof ret_file->sha256))
		return false;
	ret_file->bytes = (uint64_t)bytes;
	return true;
}

static bool root_read(const struct json_value *root, struct backup_manifest *manifest)
{
	struct str deployment;
	struct str program;
	int64_t format = 0;
	int64_t schema = 0;
	const struct json_value *files = json_member(root, "files");
	if (!json_i64(json_member(root, "format"), &format) || format != BACKUP_FORMAT ||
	    !json_string(json_member(root, "deployment"), &deployment) ||
	    !id_read(deployment, &manifest->deployment) ||
	    !json_string(json_member(root, "program"), &program) ||
	    !str_copy(program, manifest->program, sizeof manifest->program) ||
	    !json_i64(json_member(root, "schema"), &schema) || schema < 1 || schema > INT_MAX ||
	    !json_i64(json_member(root, "made_at_ms"), &manifest->made_at) ||
	    json_size(files) != BACKUP_PARTS)
		return false;
	manifest->schema = (int)schema;
	for (int i = 0; i < BACKUP_PARTS; i++)
		if (!file_read(json_element(files, (size_t)i), (enum backup_part)i,
			       &manifest->files[i]))
			return false;
	return true;
}

static bool text_read(const char *path, char *bytes, size_t cap, size_t *ret_len, struct err *err)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return fault(path, err);
	*ret_len = fread(bytes, 1, cap, file);
	bool done = ferror(file) == 0;
	(void)fclose(file);
	return done || err_set(err, ERR_NOT_DONE, "%s: cannot be read", path);
}

static bool manifest_read(const char *dir, struct backup_manifest *ret_manifest, struct err *err)
{
	char path[PATH_MAX];
	char bytes[MANIFEST_BYTES_MAX];
	JSON_OWNED json = NULL;
	size_t len = 0;
	if (!backup_path(dir, BACKUP_MANIFEST, path, err) ||
	    !text_read(path, bytes, sizeof bytes, &len, err))
		return err_wrap(err, "no backup, or one that was not finished");
	if (!json_parse(str_from_bytes(bytes, len), &json, err))
		return err_wrap(err, "%s", path);
	return root_read(json_root(json), ret_manifest) ||
	       err_set(err, ERR_REFUSED, "%s is not the manifest of a backup of this format", path);
}

static bool part_verify(const char *dir, enum backup_part part, const struct backup_file *wanted,
			struct err *err)
{
	char path[PATH_MAX];
	struct backup_file file;
	if (!backup_path(dir, backup_part_name(part), path, err) ||
	    !backup_file_measure(path, &file, err))
		return false;
	if (file.bytes != wanted->bytes)
		return err_set(err, ERR_REFUSED, "%s has %llu bytes; its manifest says %llu", path,
			       (unsigned long long)file.bytes, (unsigned long long)wanted->bytes);
	return memcmp(file.sha256, wanted->sha256, sizeof file.sha256) == 0 ||
	       err_set(err, ERR_REFUSED, "%s is not what its manifest says: another SHA-256", path);
}

bool backup_verify(const char *dir, struct backup_manifest *ret_manifest, struct err *err)
{
	if (!manifest_read(dir, ret_manifest, err))
		return false;
	for (int i = 0; i < BACKUP_PARTS; i++)
		if (!part_verify(dir, (enum backup_part)i, &ret_manifest->files[i], err))
			return false;
	return true;
}

static bool bytes_copy(int from, int to)
{
	char bytes[65536];
	for (;;) {
		ssize_t n = read(from, bytes, sizeof bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 && fsync(to) == 0;
		for (ssize_t done = 0; done < n;) {
			ssize_t written = write(to, bytes + done, (size_t)(n - done));
			if (written < 0 && errno == EINTR)
				continue;
			if (written < 0)
				return false;
			done += written;
		}
	}
}

bool backup_file_copy(const char *from, const char *to, struct err *err)
{
	int source = open(from, O_RDONLY | O_CLOEXEC);
	if (source < 0)
		return fault(from, err);
	int target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool done = target >= 0 && bytes_copy(source, target);
	if (!done)
		(void)fault(to, err);
	if (target >= 0 && close(target) != 0 && done)
		done = fault(to, err);
	(void)close(source);
	if (!done && target >= 0)
		(void)unlink(to);
	return done;
}
