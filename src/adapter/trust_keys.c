#include "adapter/trust_keys.h"

#include "adapter/private_file.h"
#include "base/buf.h"
#include "base/defence.h"
#include "base/hex.h"
#include "base/secret.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES        32
#define FILE_BYTES_MAX   4096
#define PATH_CAP         (PATH_MAX + 32)
#define DEPLOYMENT_FIELD "deployment_id"

#define API              (1U << 0)
#define PROCESSOR        (1U << 1)
#define SIGNER           (1U << 2)
#define MONITOR          (1U << 3)
#define ADMIN            (1U << 4)

/* Who holds what: the table of the protocol. Wallet keys have files of their own. */
static const struct {
	const char *name;
	unsigned roles;
} purposes[] = {
	{ TRUST_INTENT_MAC, API | SIGNER },
	/* The processor does not verify intents: who verifies an HMAC can forge it. */
	{ TRUST_APPROVAL_MAC, PROCESSOR | SIGNER },
	{ TRUST_IDENTITY_GRANTS, API | ADMIN },
	{ TRUST_ACCESS_TOKENS, API },
	{ TRUST_SECRETS_SEAL, API },
	{ TRUST_POLICY_GRANTS, API | PROCESSOR | ADMIN },
	{ TRUST_CONTROLS, API | PROCESSOR | SIGNER | MONITOR | ADMIN },
	{ TRUST_FEED_SEAL, SIGNER | MONITOR | ADMIN },
	{ TRUST_PAY_TAG, SIGNER },
	{ TRUST_JOURNAL_MAC, SIGNER },
};
#define PURPOSES (sizeof purposes / sizeof purposes[0])

static const struct {
	const char *file;
	unsigned role;
} files[] = {
	{ "api.keys", API },         { "processor.keys", PROCESSOR }, { "signer.keys", SIGNER },
	{ "monitor.keys", MONITOR }, { "admin.keys", ADMIN },
};
#define FILES (sizeof files / sizeof files[0])

_Static_assert(FILES == TRUST_FILES, "a file for each");

#define KEYS_MAX (PURPOSES * MAC_KEYS_MAX)

struct trust_keys {
	struct id deployment;
	size_t len;
	size_t purpose[KEYS_MAX];
	uint32_t id[KEYS_MAX];
	int64_t until_ms[KEYS_MAX]; /* 0: for ever */
	struct secret bytes;        /* KEYS_MAX times 32 */
};

/* --- init ---------------------------------------------------------------------------------------
 */

static bool path_of(const char *dir, size_t file, char ret_path[PATH_CAP], struct err *err)
{
	int len = snprintf(ret_path, PATH_CAP, "%s/%s", dir, files[file].file);

	if (len > 0 && len < PATH_MAX)
		return true;
	return err_set(err, ERR_REFUSED, "%s: the name is too long", dir);
}

static bool write_role(const char *dir, size_t file, struct id deployment, const uint8_t *keys,
		       struct secret *scratch, struct err *err)
{
	struct buf out = buf_of(scratch->at, scratch->len);
	char path[PATH_CAP];

	if (!path_of(dir, file, path, err))
		return false;
	buf_format(&out, DEPLOYMENT_FIELD " %s\n", id_text(deployment).at);
	for (size_t i = 0; i < PURPOSES; i++) {
		if (!(purposes[i].roles & files[file].role))
			continue;
		buf_format(&out, "%s 1 ", purposes[i].name);
		hex_write(&out, keys + i * KEY_BYTES, KEY_BYTES);
		buf_text(&out, "\n");
	}
	CHECK(!out.overflow);
	return private_file_create(path, buf_view(&out), err);
}

static bool write_roles(const char *dir, struct id deployment, const uint8_t *keys,
			struct secret *scratch, struct err *err)
{
	for (size_t i = 0; i < FILES; i++) {
		if (write_role(dir, i, deployment, keys, scratch, err))
			continue;
		/* Half a set is no set: the files belong together. */
		while (i-- > 0) {
			char path[PATH_CAP];

			if (path_of(dir, i, path, NULL))
				unlink(path);
		}
		return false;
	}
	return true;
}

/* Before anything is made, so that a second init harms nothing. */
static bool check_none_exists(const char *dir, struct err *err)
{
	for (size_t i = 0; i < FILES; i++) {
		char path[PATH_CAP];

		if (!path_of(dir, i, path, err))
			return false;
		if (access(path, F_OK) == 0)
			return err_set(err, ERR_REFUSED, "%s exists already", path);
	}
	return true;
}

static bool make_and_write(const char *dir, struct id deployment, struct entropy *entropy,
			   struct err *err)
{
	struct secret keys, scratch;
	bool done;

	if (!secret_new(&keys, PURPOSES * KEY_BYTES, err))
		return false;
	if (!secret_new(&scratch, FILE_BYTES_MAX, err)) {
		secret_free(&keys);
		return false;
	}
	entropy_fill(entropy, keys.at, keys.len);
	done = write_roles(dir, deployment, keys.at, &scratch, err);
	secret_free(&scratch);
	secret_free(&keys);
	return done;
}

bool trust_keys_init(const char *dir, int64_t now_ms, struct entropy *entropy, struct err *err)
{
	uint8_t random[10];

	CHECK(dir && entropy);
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return err_set(err, ERR_NOT_DONE, "%s: %s", dir, strerror(errno));
	if (!check_none_exists(dir, err))
		return false;
	entropy_fill(entropy, random, sizeof random);
	return make_and_write(dir, id_make(now_ms, random), entropy, err);
}

/* --- read ---------------------------------------------------------------------------------------
 */

static bool find_purpose(struct str name, size_t *ret_purpose)
{
	for (size_t i = 0; i < PURPOSES; i++) {
		if (!str_equal_text(name, purposes[i].name))
			continue;
		*ret_purpose = i;
		return true;
	}
	return false;
}

static bool may_add(const struct trust_keys *keys, size_t purpose, uint64_t id)
{
	size_t same = 0;

	for (size_t i = 0; i < keys->len; i++) {
		if (keys->purpose[i] != purpose)
			continue;
		if (keys->id[i] == id)
			return false;
		same++;
	}
	return id >= 1 && id <= UINT32_MAX && same < MAC_KEYS_MAX;
}

static bool read_key(struct trust_keys *keys, struct str name, struct str rest)
{
	struct str digits, hex, time;
	size_t purpose;
	uint64_t id, until_ms = 0;

	if (!find_purpose(name, &purpose) || !str_cut(rest, ' ', &digits, &hex) ||
	    !str_to_u64(digits, &id) || !may_add(keys, purpose, id))
		return false;
	if (str_cut(hex, ' ', &hex, &time) &&
	    (!str_to_u64(time, &until_ms) || until_ms == 0 || until_ms > INT64_MAX))
		return false;
	CHECK(keys->len < KEYS_MAX);
	if (!hex_read(hex, keys->bytes.at + keys->len * KEY_BYTES, KEY_BYTES))
		return false;
	keys->purpose[keys->len] = purpose;
	keys->id[keys->len] = (uint32_t)id;
	keys->until_ms[keys->len] = (int64_t)until_ms;
	keys->len++;
	return true;
}

static bool read_line(struct trust_keys *keys, struct str line)
{
	struct str name, rest;

	if (line.len == 0 || *line.at == '#')
		return true;
	if (!str_cut(line, ' ', &name, &rest))
		return false;
	if (!str_equal_text(name, DEPLOYMENT_FIELD))
		return read_key(keys, name, rest);
	return id_is_zero(keys->deployment) && id_read(rest, &keys->deployment);
}

/* An error never shows the line: it holds a key. */
static bool read_lines(struct trust_keys *keys, const char *path, struct str text, struct err *err)
{
	for (int number = 1; text.len > 0; number++) {
		struct str line = text, rest = { 0 };

		(void)str_cut(text, '\n', &line, &rest);
		if (!read_line(keys, line))
			return err_set(err, ERR_REFUSED, "%s: line %d is not as it should be", path,
				       number);
		text = rest;
	}
	if (id_is_zero(keys->deployment))
		return err_set(err, ERR_REFUSED, "%s: has no " DEPLOYMENT_FIELD, path);
	if (keys->len == 0)
		return err_set(err, ERR_REFUSED, "%s: has no key", path);
	return true;
}

bool trust_keys_read(const char *path, struct trust_keys **ret_keys, struct err *err)
{
	struct trust_keys *keys;
	struct secret text;
	bool done;

	CHECK(path && ret_keys);
	if (!secret_read_file(&text, path, FILE_BYTES_MAX, err))
		return false;
	keys = calloc(1, sizeof *keys);
	CHECK(keys);
	done = secret_new(&keys->bytes, KEYS_MAX * KEY_BYTES, err) &&
	       read_lines(keys, path, str_from_bytes(text.at, text.len), err);
	secret_free(&text);
	if (!done) {
		trust_keys_free(keys);
		return false;
	}
	*ret_keys = keys;
	return true;
}

const char *trust_file_name(size_t file)
{
	CHECK(file < FILES);
	return files[file].file;
}

static void forget(struct trust_keys *keys, size_t at)
{
	keys->len--;
	for (size_t i = at; i < keys->len; i++) {
		keys->purpose[i] = keys->purpose[i + 1];
		keys->id[i] = keys->id[i + 1];
		keys->until_ms[i] = keys->until_ms[i + 1];
		memcpy(keys->bytes.at + i * KEY_BYTES, keys->bytes.at + (i + 1) * KEY_BYTES,
		       KEY_BYTES);
	}
	secret_wipe(keys->bytes.at + keys->len * KEY_BYTES, KEY_BYTES);
}

void trust_keys_expire(struct trust_keys *keys, int64_t now_ms)
{
	for (size_t i = keys->len; i-- > 0;)
		if (keys->until_ms[i] != 0 && keys->until_ms[i] <= now_ms &&
		    DEFENCE("old_key_is_over"))
			forget(keys, i);
}

void trust_keys_free(struct trust_keys *keys)
{
	if (!keys)
		return;
	secret_free(&keys->bytes);
	free(keys);
}

struct id trust_keys_deployment(const struct trust_keys *keys)
{
	return keys->deployment;
}

bool trust_keys_mac_keys(const struct trust_keys *keys, const char *name, struct mac_keys *ret_keys)
{
	struct mac_keys found = { 0 };

	for (size_t i = 0; i < keys->len; i++) {
		if (strcmp(purposes[keys->purpose[i]].name, name) != 0)
			continue;
		CHECK(found.len < MAC_KEYS_MAX);
		found.keys[found.len].id = keys->id[i];
		found.keys[found.len].key = keys->bytes.at + i * KEY_BYTES;
		found.len++;
	}
	if (found.len == 0)
		return false;
	*ret_keys = found;
	return true;
}

bool trust_keys_find(const struct trust_keys *keys, const char *name, uint32_t *ret_id,
		     const uint8_t **ret_bytes)
{
	struct mac_keys found;

	if (!trust_keys_mac_keys(keys, name, &found))
		return false;
	*ret_id = found.keys[0].id;
	*ret_bytes = found.keys[0].key;
	return true;
}
