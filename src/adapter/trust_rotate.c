#include "adapter/trust_rotate.h"

#include "adapter/private_file.h"
#include "adapter/trust_keys.h"
#include "base/buf.h"
#include "base/hex.h"
#include "base/secret.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX 4096
#define KEY_BYTES      32

/* What a file says of the name, and what it is to say. */
struct file_keys {
	struct trust_keys *all;
	struct mac_keys now; /* of the name; len 0: this role does not hold it */
};

struct rotation {
	const char *dir;
	const char *name;
	int64_t now_ms;
	struct file_keys files[TRUST_FILES];
	uint32_t lowest;     /* that makes MACs in some file */
	uint32_t highest;    /* of all */
	struct secret fresh; /* a key that nobody has yet */
	struct mac_keys wanted;
	int64_t until_ms; /* of the second one; 0: for ever */
};

/* The pay tag names rights and the journal is never rewritten; what was sealed stays to be opened,
 * and an old feed to be verified. */
static const char *const never_replaced[] = { TRUST_PAY_TAG, TRUST_JOURNAL_MAC, TRUST_SECRETS_SEAL,
					      TRUST_FEED_SEAL };

static bool is_replaced(const char *name, enum trust_step step)
{
	bool keeps_old = step == TRUST_STEP_ADD || step == TRUST_STEP_USE;
	for (size_t i = 0; i < sizeof never_replaced / sizeof never_replaced[0]; i++)
		if (strcmp(name, never_replaced[i]) == 0)
			return i >= 2 && keeps_old;
	return true;
}

bool trust_step_read(const char *text, enum trust_step *ret_step)
{
	static const char *const texts[] = { "add", "use", "retire", "replace" };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (strcmp(text, texts[i]) != 0)
			continue;
		*ret_step = (enum trust_step)i;
		return true;
	}
	return false;
}

static bool path_of(const struct rotation *self, size_t file, char ret_path[PATH_MAX],
		    struct err *err)
{
	int len = snprintf(ret_path, PATH_MAX, "%s/%s", self->dir, trust_file_name(file));
	return len < PATH_MAX || err_set(err, ERR_REFUSED, "%s: the name is too long", self->dir);
}

static void note(struct rotation *self, const struct mac_keys *keys)
{
	if (self->lowest == 0 || keys->keys[0].id < self->lowest)
		self->lowest = keys->keys[0].id;
	for (size_t i = 0; i < keys->len; i++)
		if (keys->keys[i].id > self->highest)
			self->highest = keys->keys[i].id;
}

static bool files_read(struct rotation *self, struct err *err)
{
	char path[PATH_MAX];
	for (size_t i = 0; i < TRUST_FILES; i++) {
		struct file_keys *file = &self->files[i];
		if (!path_of(self, i, path, err) || !trust_keys_read(path, &file->all, err))
			return false;
		if (!id_equal(trust_keys_deployment(file->all),
			      trust_keys_deployment(self->files[0].all)))
			return err_set(err, ERR_REFUSED, "%s is of another deployment", path);
		if (trust_keys_mac_keys(file->all, self->name, &file->now))
			note(self, &file->now);
	}
	return self->highest != 0 ||
	       err_set(err, ERR_REFUSED, "no file has a key of the name \"%s\"", self->name);
}

static const struct mac_key *key_find(const struct file_keys *file, uint32_t id)
{
	for (size_t i = 0; i < file->now.len; i++)
		if (file->now.keys[i].id == id)
			return &file->now.keys[i];
	return NULL;
}

/* In any file; NULL: in none. */
static const struct mac_key *key_anywhere(const struct rotation *self, uint32_t id)
{
	for (size_t i = 0; i < TRUST_FILES; i++) {
		const struct mac_key *key = key_find(&self->files[i], id);
		if (key != NULL)
			return key;
	}
	return NULL;
}

static bool all_hold(const struct rotation *self, uint32_t id)
{
	for (size_t i = 0; i < TRUST_FILES; i++)
		if (self->files[i].now.len > 0 && key_find(&self->files[i], id) == NULL)
			return false;
	return true;
}

static bool all_make_by(const struct rotation *self, uint32_t id)
{
	for (size_t i = 0; i < TRUST_FILES; i++)
		if (self->files[i].now.len > 0 && self->files[i].now.keys[0].id != id)
			return false;
	return true;
}

static struct mac_key newest(const struct rotation *self, uint32_t id)
{
	const struct mac_key *begun = key_anywhere(self, id);
	return begun != NULL ? *begun : (struct mac_key){ id, self->fresh.at };
}

/* One that made MACs before the one that makes them now. */
static bool is_overlapping(const struct rotation *self)
{
	bool overlapping = false;
	for (size_t i = 0; i < TRUST_FILES; i++) {
		const struct mac_keys *now = &self->files[i].now;
		overlapping |= now->len == 2 && now->keys[1].id < now->keys[0].id;
	}
	return overlapping;
}

static bool plan_add(struct rotation *self, struct err *err)
{
	uint32_t id = self->lowest + 1;
	const struct mac_key *old = key_anywhere(self, self->lowest);
	if (is_overlapping(self) || self->highest > id ||
	    (self->highest == id && !all_make_by(self, self->lowest)) ||
	    !all_hold(self, self->lowest))
		return err_set(err, ERR_REFUSED, "\"%s\": retire the old key first", self->name);
	self->wanted = (struct mac_keys){ { *old, newest(self, id) }, 2 };
	return true;
}

static bool plan_use(struct rotation *self, struct err *err)
{
	uint32_t old = self->highest - 1;
	if (!all_hold(self, self->highest) || key_anywhere(self, old) == NULL ||
	    !all_hold(self, old))
		return err_set(err, ERR_REFUSED, "\"%s\": add the new key first, in all files",
			       self->name);
	self->wanted =
		(struct mac_keys){ { *key_anywhere(self, self->highest), *key_anywhere(self, old) },
				   2 };
	self->until_ms = self->now_ms + TRUST_OVERLAP_MS;
	return true;
}

static bool plan_retire(struct rotation *self, struct err *err)
{
	if (!all_make_by(self, self->highest))
		return err_set(err, ERR_REFUSED, "\"%s\": use the new key first, in all files",
			       self->name);
	self->wanted = (struct mac_keys){ { newest(self, self->highest) }, 1 };
	return true;
}

/* One that was interrupted: a file has nothing but a key that another one lacks. */
static bool replace_was_begun(const struct rotation *self)
{
	bool alone = false;
	for (size_t i = 0; i < TRUST_FILES; i++)
		alone |= self->files[i].now.len == 1 &&
			 self->files[i].now.keys[0].id == self->highest;
	return alone && !all_hold(self, self->highest);
}

static void plan_replace(struct rotation *self)
{
	uint32_t id = replace_was_begun(self) ? self->highest : self->highest + 1;
	self->wanted = (struct mac_keys){ { newest(self, id) }, 1 };
}

static bool plan(struct rotation *self, enum trust_step step, struct err *err)
{
	switch (step) {
	case TRUST_STEP_ADD:
		return plan_add(self, err);
	case TRUST_STEP_USE:
		return plan_use(self, err);
	case TRUST_STEP_RETIRE:
		return plan_retire(self, err);
	case TRUST_STEP_REPLACE:
		plan_replace(self);
		return true;
	}
	CHECK(false);
}

static void keys_write(const struct rotation *self, struct buf *out)
{
	for (size_t i = 0; i < self->wanted.len; i++) {
		buf_format(out, "%s %u ", self->name, self->wanted.keys[i].id);
		hex_write(out, self->wanted.keys[i].key, KEY_BYTES);
		if (i == 1 && self->until_ms != 0)
			buf_format(out, " %lld", (long long)self->until_ms);
		buf_byte(out, '\n');
	}
}

/* The file as it is, with the lines of the name in place of its own. */
static void text_write(const struct rotation *self, struct str text, struct buf *out)
{
	bool written = false;
	while (text.len > 0) {
		struct str line = text, rest = { 0 }, name, value;
		(void)str_cut(text, '\n', &line, &rest);
		if (!str_cut(line, ' ', &name, &value) || !str_equal_text(name, self->name)) {
			buf_str(out, line);
			buf_byte(out, '\n');
		} else if (!written) {
			keys_write(self, out);
			written = true;
		}
		text = rest;
	}
}

static bool is_done(const struct rotation *self, const struct file_keys *file)
{
	bool same = file->now.len == self->wanted.len;
	for (size_t i = 0; same && i < self->wanted.len; i++)
		same = file->now.keys[i].id == self->wanted.keys[i].id;
	return same;
}

static bool file_write(const struct rotation *self, size_t file, struct err *err)
{
	char path[PATH_MAX];
	struct secret old, text;
	if (!path_of(self, file, path, err) || !secret_read_file(&old, path, FILE_BYTES_MAX, err))
		return false;
	bool ok = secret_new(&text, FILE_BYTES_MAX, err);
	if (ok) {
		struct buf out = buf_of(text.at, text.len);
		text_write(self, str_from_bytes(old.at, old.len), &out);
		ok = !out.overflow ? private_file_replace(path, buf_view(&out), err)
				   : err_set(err, ERR_REFUSED, "%s is too long", path);
		secret_free(&text);
	}
	secret_free(&old);
	return ok;
}

static bool rotate(struct rotation *self, enum trust_step step, struct err *err)
{
	if (!files_read(self, err) || !plan(self, step, err))
		return false;
	for (size_t i = 0; i < TRUST_FILES; i++)
		if (self->files[i].now.len > 0 && !is_done(self, &self->files[i]) &&
		    !file_write(self, i, err))
			return false;
	return true;
}

bool trust_keys_rotate(const char *dir, const char *name, enum trust_step step, int64_t now_ms,
		       struct entropy *entropy, uint32_t *ret_id, struct err *err)
{
	struct rotation self = { .dir = dir, .name = name, .now_ms = now_ms };
	CHECK(dir && name && entropy);
	if (!is_replaced(name, step))
		return err_set(err, ERR_REFUSED, "\"%s\" is never replaced", name);
	if (!secret_new(&self.fresh, KEY_BYTES, err))
		return false;
	entropy_fill(entropy, self.fresh.at, KEY_BYTES);
	bool ok = rotate(&self, step, err);
	if (ok)
		*ret_id = self.wanted.keys[0].id;
	for (size_t i = 0; i < TRUST_FILES; i++)
		trust_keys_free(self.files[i].all);
	secret_free(&self.fresh);
	return ok;
}
