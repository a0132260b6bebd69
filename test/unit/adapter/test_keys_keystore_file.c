#include "adapter/keys_keystore_file.h"

#include "../testing.h"
#include "adapter/entropy_os.h"
#include "core/address.h"

#include <fcntl.h>
#include <sys/stat.h>

struct place {
	char dir[64];
	char path[128];
	struct entropy entropy;
};

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof *place);

	assert_non_null(place);
	snprintf(place->dir, sizeof place->dir, "/tmp/sluice-keystore-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	snprintf(place->path, sizeof place->path, "%s/wallet.json", place->dir);
	entropy_os_init(&place->entropy);
	*state = place;
	return 0;
}

static int place_remove(void **state)
{
	struct place *place = *state;

	unlink(place->path);
	assert_int_equal(rmdir(place->dir), 0);
	free(place);
	return 0;
}

static struct str password_of(struct str column)
{
	return is_nothing(column) ? STR("") : column;
}

/* The two published files (PBKDF2 and scrypt) and files made by ethers. */
static void reads_what_others_write(void **state)
{
	struct vectors vectors = vectors_open("keystore.tsv");
	struct str column[4];

	(void)state;
	while (vectors_next(&vectors, column, 4)) {
		struct secret bytes;
		enum keystore_kind kind;
		uint8_t key[32];
		struct err err = { 0 };

		assert_true(hex_read_0x(column[1], key, sizeof key));
		if (!keystore_decrypt(column[3], password_of(column[0]), &bytes, &kind, &err))
			fail_msg("line %d: %s", vectors.number, err.text);
		assert_int_equal(kind, KEYSTORE_KEY);
		assert_int_equal(bytes.len, sizeof key);
		assert_memory_equal(bytes.at, key, sizeof key);
		secret_free(&bytes);
	}
	vectors_close(&vectors, 8);
}

/* The line of the file with the password "small". */
static void small_file(char *ret_text, size_t cap)
{
	struct vectors vectors = vectors_open("keystore.tsv");
	struct str column[4];
	bool found = false;

	while (!found && vectors_next(&vectors, column, 4)) {
		found = str_equal_text(column[0], "small");
		if (found)
			assert_true(str_copy(column[3], ret_text, cap));
	}
	assert_true(found);
	vectors_close(&vectors, 1);
}

static bool decrypts(const char *text, const char *password, struct err *ret_err)
{
	struct secret bytes;
	enum keystore_kind kind;
	struct err err = { 0 };
	bool done = keystore_decrypt(str_from(text), str_from(password), &bytes, &kind, &err);

	if (done)
		secret_free(&bytes);
	else
		*ret_err = err;
	return done;
}

/* The file with the first `from` replaced. */
static void change(const char *file, const char *from, const char *to, char *ret_text, size_t cap)
{
	const char *at = strstr(file, from);

	if (!at)
		fail_msg("no %s in %s", from, file);
	assert_true((size_t)snprintf(ret_text, cap, "%.*s%s%s", (int)(at - file), file, to,
				     at + strlen(from)) < cap);
}

static void wrong_password_is_refused(void **state)
{
	char file[2048], changed[2200];
	struct err err = { 0 };

	(void)state;
	small_file(file, sizeof file);
	assert_true(decrypts(file, "small", &err));
	assert_false(decrypts(file, "Small", &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_false(decrypts(file, "", &err));
	/* Also where no address would give it away. */
	change(file, "\"address\"", "\"owner\"", changed, sizeof changed);
	assert_true(decrypts(changed, "small", &err));
	assert_false(decrypts(changed, "Small", &err));
	assert_int_equal(err.kind, ERR_REFUSED);
}

/* Each would be read, or cost too much, if a check were missing. */
static void changed_files_are_refused(void **state)
{
	static const struct {
		const char *from, *to;
	} changes[] = {
		{ "\"version\":3", "\"version\":1" },
		{ "\"version\":3", "\"version\":\"3\"" },
		{ "\"version\":3", "\"version\":3,\"version\":3" },
		{ "\"Crypto\"", "\"CRYPTO\"" },
		{ "aes-128-ctr", "aes-128-cbc" },
		{ "\"kdf\":\"scrypt\"", "\"kdf\":\"none\"" },
		{ "\"kdf\":\"scrypt\"", "\"kdf\":\"pbkdf2\"" },
		{ "\"n\":4", "\"n\":5" },
		{ "\"n\":4", "\"n\":1" },
		{ "\"n\":4", "\"n\":0" },
		{ "\"n\":4", "\"n\":-4" },
		{ "\"n\":4", "\"n\":4.0" },
		{ "\"n\":4", "\"n\":\"4\"" },
		{ "\"n\":4", "\"n\":2097152" },
		{ "\"n\":4", "\"n\":18446744073709551616" },
		{ "\"r\":8", "\"r\":33" },
		{ "\"r\":8", "\"r\":0" },
		{ "\"p\":1", "\"p\":17" },
		{ "\"n\":4", "\"n\":1048576,\"q\":4" },
		{ "\"dklen\":32", "\"dklen\":16" },
		{ "\"dklen\":32", "\"dklen\":65" },
		{ "\"dklen\":32", "\"dklen\":4294967328" },
		{ "\"salt\":\"", "\"salt\":\"zz" },
		{ "\"salt\":\"", "\"salt\":\"\",\"pepper\":\"" },
		{ "\"iv\":\"", "\"iv\":\"00" },
		{ "\"mac\":\"", "\"mac\":\"00" },
		{ "\"mac\"", "\"tag\"" },
		{ "\"ciphertext\":\"", "\"ciphertext\":\"00" },
		{ "\"address\":\"d4", "\"address\":\"d5" },
		{ "\"address\":\"d4", "\"address\":\"" },
		{ "{\"address\"", "[{\"address\"" },
		{ "{\"address\"", "{\"sluice\":{\"kind\":\"other\"},\"address\"" },
		{ "{\"address\"", "{\"sluice\":true,\"address\"" },
	};
	char file[2048], changed[2200];
	struct err err;

	(void)state;
	small_file(file, sizeof file);
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		memset(&err, 0, sizeof err);
		change(file, changes[i].from, changes[i].to, changed, sizeof changed);
		if (decrypts(changed, "small", &err))
			fail_msg("read after: %s", changes[i].to);
		assert_int_equal(err.kind, ERR_REFUSED);
	}
	change(file, "\"dklen\":32", "\"dklen\":16", changed, sizeof changed);
	assert_false(decrypts(changed, "small", &err));
	assert_non_null(strstr(err.text, "dklen"));
	assert_false(decrypts("", "small", &err));
	assert_false(decrypts("{}", "small", &err));
	assert_false(decrypts("[]", "small", &err));
}

/* Together too much, each alone within its limit. */
static void cost_is_bounded(void **state)
{
	char file[2048], changed[2200], again[2200];
	struct err err = { 0 };

	(void)state;
	small_file(file, sizeof file);
	change(file, "\"n\":4", "\"n\":1048576", changed, sizeof changed);
	change(changed, "\"r\":8", "\"r\":9", again, sizeof again);
	assert_false(decrypts(again, "small", &err));
	assert_non_null(strstr(err.text, "too much"));
	change(changed, "\"p\":1", "\"p\":2", again, sizeof again);
	assert_false(decrypts(again, "small", &err));
	assert_non_null(strstr(err.text, "too much"));
}

/* Truncated anywhere: refused, never read past its end (the sanitizer looks). */
static void every_prefix_is_refused(void **state)
{
	char file[2048];
	struct err err = { 0 };

	(void)state;
	small_file(file, sizeof file);
	for (size_t len = strlen(file) - 1; len > 0; len--) {
		file[len] = 0;
		assert_false(decrypts(file, "small", &err));
	}
}

static void read_back(struct place *place, const char *password, enum keystore_kind expected_kind,
		      const uint8_t *expected, size_t len)
{
	struct secret bytes;
	enum keystore_kind kind;
	struct err err = { 0 };

	if (!keystore_read(place->path, str_from(password), &bytes, &kind, &err))
		fail_msg("%s", err.text);
	assert_int_equal(kind, expected_kind);
	assert_int_equal(bytes.len, len);
	assert_memory_equal(bytes.at, expected, len);
	secret_free(&bytes);
}

static void written_files_read_back(void **state)
{
	struct place *place = *state;
	static const size_t lengths[] = { 16, 24, 32, 64 };
	struct stat status;
	struct err err = { 0 };
	uint8_t bytes[64];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i + 1);
	assert_true(keystore_write(place->path, str_from_bytes(bytes, 32), KEYSTORE_KEY,
				   STR("secret"), 16, &place->entropy, &err));
	read_back(place, "secret", KEYSTORE_KEY, bytes, 32);
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	/* Never over another file. */
	assert_false(keystore_write(place->path, str_from_bytes(bytes, 32), KEYSTORE_KEY,
				    STR("other"), 16, &place->entropy, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	read_back(place, "secret", KEYSTORE_KEY, bytes, 32);
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		unlink(place->path);
		assert_true(keystore_write(place->path, str_from_bytes(bytes, lengths[i]),
					   KEYSTORE_SEED, STR(""), 2, &place->entropy, &err));
		read_back(place, "", KEYSTORE_SEED, bytes, lengths[i]);
	}
}

static void two_files_share_no_randomness(void **state)
{
	struct place *place = *state;
	static const uint8_t key[32] = { 7 };
	char text[2][2048] = { { 0 } };
	struct err err = { 0 };

	for (int i = 0; i < 2; i++) {
		int fd;

		assert_true(keystore_write(place->path, str_from_bytes(key, 32), KEYSTORE_KEY,
					   STR("p"), 2, &place->entropy, &err));
		fd = open(place->path, O_RDONLY);
		assert_true(read(fd, text[i], sizeof text[i] - 1) > 300);
		close(fd);
		unlink(place->path);
	}
	static const char *const members[] = { "\"iv\":\"", "\"salt\":\"", "\"id\":\"" };
	for (size_t i = 0; i < COUNT_OF(members); i++) {
		const char *first = strstr(text[0], members[i]);
		const char *second = strstr(text[1], members[i]);

		assert_non_null(first);
		assert_non_null(second);
		assert_memory_not_equal(first, second, strlen(members[i]) + 32);
	}
}

static void bad_content_is_not_written(void **state)
{
	struct place *place = *state;
	static const uint8_t zero[80];
	static const uint8_t one[80] = { 1 };
	static const struct {
		const uint8_t *bytes;
		size_t len;
		enum keystore_kind kind;
		uint32_t n;
	} contents[] = {
		{ zero, 32, KEYSTORE_KEY, 16 },     { one, 31, KEYSTORE_KEY, 16 },
		{ one, 33, KEYSTORE_KEY, 16 },      { one, 15, KEYSTORE_SEED, 16 },
		{ one, 65, KEYSTORE_SEED, 16 },     { one, 32, KEYSTORE_KEY, 0 },
		{ one, 32, KEYSTORE_KEY, 1 },       { one, 32, KEYSTORE_KEY, 1000 },
		{ one, 32, KEYSTORE_KEY, 1 << 21 },
	};

	for (size_t i = 0; i < COUNT_OF(contents); i++) {
		struct err err = { 0 };

		assert_false(keystore_write(
			place->path, str_from_bytes(contents[i].bytes, contents[i].len),
			contents[i].kind, STR("p"), contents[i].n, &place->entropy, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
		assert_int_equal(access(place->path, F_OK), -1);
	}
}

static void open_file_is_refused(void **state)
{
	struct place *place = *state;
	static const uint8_t key[32] = { 7 };
	struct secret bytes;
	enum keystore_kind kind;
	struct err err = { 0 };

	assert_true(keystore_write(place->path, str_from_bytes(key, 32), KEYSTORE_KEY, STR("p"), 2,
				   &place->entropy, &err));
	assert_int_equal(chmod(place->path, 0644), 0);
	assert_false(keystore_read(place->path, STR("p"), &bytes, &kind, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_others_write),
		cmocka_unit_test(wrong_password_is_refused),
		cmocka_unit_test(changed_files_are_refused),
		cmocka_unit_test(cost_is_bounded),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test_setup_teardown(written_files_read_back, place_make, place_remove),
		cmocka_unit_test_setup_teardown(two_files_share_no_randomness, place_make,
						place_remove),
		cmocka_unit_test_setup_teardown(bad_content_is_not_written, place_make,
						place_remove),
		cmocka_unit_test_setup_teardown(open_file_is_refused, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
