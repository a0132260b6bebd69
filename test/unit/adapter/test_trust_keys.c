#include "adapter/trust_keys.h"

#include "../testing.h"
#include "adapter/entropy_os.h"

#include <fcntl.h>
#include <sys/stat.h>

static const char *const files[] = { "api.keys", "processor.keys", "signer.keys", "monitor.keys",
				     "admin.keys" };
static const char *const names[] = { TRUST_INTENT_MAC,      TRUST_APPROVAL_MAC,
				     TRUST_IDENTITY_GRANTS, TRUST_POLICY_GRANTS,
				     TRUST_CONTROLS,        TRUST_PAY_TAG,
				     TRUST_JOURNAL_MAC,     TRUST_ACCESS_TOKENS,
				     TRUST_SECRETS_SEAL };

struct place {
	char dir[64];
	char keys[96];
	char path[160];
	struct entropy entropy;
};

static const char *path_of(struct place *place, const char *file)
{
	snprintf(place->path, sizeof place->path, "%s/%s", place->keys, file);
	return place->path;
}

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof *place);

	assert_non_null(place);
	snprintf(place->dir, sizeof place->dir, "/tmp/sluice-trust-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	entropy_os_init(&place->entropy);
	snprintf(place->keys, sizeof place->keys, "%s/keys", place->dir);
	*state = place;
	return 0;
}

static int place_remove(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(files); i++)
		unlink(path_of(place, files[i]));
	unlink(path_of(place, "test.keys"));
	rmdir(place->keys);
	assert_int_equal(rmdir(place->dir), 0);
	free(place);
	return 0;
}

static void init(struct place *place)
{
	struct err err = { 0 };

	if (!trust_keys_init(place->keys, 1700000000000, &place->entropy, &err))
		fail_msg("%s", err.text);
}

static struct trust_keys *read_file(struct place *place, const char *file)
{
	struct trust_keys *keys = NULL;
	struct err err = { 0 };

	if (!trust_keys_read(path_of(place, file), &keys, &err))
		fail_msg("%s", err.text);
	return keys;
}

/* Rows: files; columns: names. The table of protocol.md, section 3. */
static void each_role_holds_its_own(void **state)
{
	static const char held[COUNT_OF(files)][COUNT_OF(names) + 1] = { "i-gpc--ts", "-a-pc----",
									 "ia--ctj--", "----c----",
									 "--gpc----" };
	struct place *place = *state;
	const uint8_t *first[COUNT_OF(names)] = { 0 };
	struct trust_keys *keys[COUNT_OF(files)];

	init(place);
	for (size_t f = 0; f < COUNT_OF(files); f++) {
		struct stat status;

		keys[f] = read_file(place, files[f]);
		assert_int_equal(stat(place->path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
		assert_true(
			id_equal(trust_keys_deployment(keys[f]), trust_keys_deployment(keys[0])));
		for (size_t n = 0; n < COUNT_OF(names); n++) {
			const uint8_t *bytes = NULL;
			uint32_t id = 0;
			bool has = trust_keys_find(keys[f], names[n], &id, &bytes);

			assert_int_equal(has, held[f][n] != '-');
			if (!has)
				continue;
			assert_int_equal(id, 1);
			if (!first[n])
				first[n] = bytes;
			assert_memory_equal(first[n], bytes, 32);
		}
	}
	assert_int_equal(id_time_ms(trust_keys_deployment(keys[0])), 1700000000000);
	for (size_t n = 0; n < COUNT_OF(names); n++)
		for (size_t other = 0; other < n; other++)
			assert_memory_not_equal(first[n], first[other], 32);
	for (size_t f = 0; f < COUNT_OF(files); f++)
		trust_keys_free(keys[f]);
}

static void second_init_harms_nothing(void **state)
{
	struct place *place = *state;
	struct trust_keys *before, *after;
	struct err err = { 0 };

	init(place);
	before = read_file(place, "signer.keys");
	assert_false(trust_keys_init(place->keys, 1800000000000, &place->entropy, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	/* One missing file is not filled in: the set belongs together. */
	assert_int_equal(unlink(path_of(place, "api.keys")), 0);
	assert_false(trust_keys_init(place->keys, 1800000000000, &place->entropy, &err));
	assert_int_equal(access(path_of(place, "api.keys"), F_OK), -1);
	after = read_file(place, "signer.keys");
	assert_true(id_equal(trust_keys_deployment(before), trust_keys_deployment(after)));
	trust_keys_free(before);
	trust_keys_free(after);
}

/* A file that cannot be made (here: a directory stands at its name's end) leaves none behind. */
static void failed_init_leaves_nothing(void **state)
{
	struct place *place = *state;
	struct err err = { 0 };

	assert_int_equal(mkdir(place->keys, 0700), 0);
	/* A dangling link is not there for access(2), and is there for O_EXCL. */
	assert_int_equal(symlink("/nonexistent/target", path_of(place, "monitor.keys")), 0);
	assert_false(trust_keys_init(place->keys, 1700000000000, &place->entropy, &err));
	for (size_t i = 0; i < COUNT_OF(files); i++)
		assert_int_equal(access(path_of(place, files[i]), F_OK), -1);
}

#define HEX_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX_B "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ID    "deployment_id 01890a5d-ac96-774b-bcce-b302099a8057\n"

static bool reads(struct place *place, const char *text, mode_t mode, struct trust_keys **ret_keys,
		  struct err *err)
{
	int fd;

	mkdir(place->keys, 0700);
	unlink(path_of(place, "test.keys"));
	fd = open(place->path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	return trust_keys_read(place->path, ret_keys, err);
}

static void key_may_stand_twice(void **state)
{
	struct place *place = *state;
	struct trust_keys *keys = NULL;
	struct mac_keys found;
	struct err err = { 0 };
	const uint8_t *bytes = NULL;
	uint32_t id = 0;

	assert_true(reads(place,
			  "# replaced on Monday\n\n" ID "intent_mac 2 " HEX_B
			  "\nintent_mac 1 " HEX_A "\ncontrols 7 " HEX_A,
			  0600, &keys, &err));
	assert_true(trust_keys_mac_keys(keys, TRUST_INTENT_MAC, &found));
	assert_int_equal(found.len, 2);
	assert_int_equal(found.keys[0].id, 2);
	assert_int_equal(found.keys[0].key[0], 0xff);
	assert_int_equal(found.keys[1].id, 1);
	assert_int_equal(found.keys[1].key[0], 0x00);
	assert_true(trust_keys_find(keys, TRUST_CONTROLS, &id, &bytes));
	assert_int_equal(id, 7);
	assert_false(trust_keys_find(keys, TRUST_PAY_TAG, &id, &bytes));
	assert_false(trust_keys_find(keys, "no such name", &id, &bytes));
	trust_keys_free(keys);
}

static void malformed_files_are_refused(void **state)
{
	static const char *const texts[] = {
		"intent_mac 1 " HEX_A "\n",
		ID,
		ID ID "intent_mac 1 " HEX_A "\n",
		"deployment_id 01890a5d\nintent_mac 1 " HEX_A "\n",
		ID "unknown 1 " HEX_A "\n",
		ID "intent_mac 0 " HEX_A "\n",
		ID "intent_mac 4294967296 " HEX_A "\n",
		ID "intent_mac one " HEX_A "\n",
		ID "intent_mac " HEX_A "\n",
		ID "intent_mac 1 " HEX_A "00\n",
		ID "intent_mac 1 0x" HEX_A "\n",
		ID "intent_mac 1 " HEX_A " \n",
		ID "intent_mac 1  " HEX_A "\n",
		ID "intent_mac\n",
		ID "intent_mac 1 " HEX_A "\nintent_mac 1 " HEX_B "\n",
		ID "intent_mac 1 " HEX_A "\nintent_mac 2 " HEX_B "\nintent_mac 3 " HEX_B "\n",
	};
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct trust_keys *keys = NULL;
		struct err err = { 0 };

		if (reads(place, texts[i], 0600, &keys, &err))
			fail_msg("read: %s", texts[i]);
		assert_int_equal(err.kind, ERR_REFUSED);
		assert_null(strstr(err.text, "00112233"));
	}
}

static void open_file_is_refused(void **state)
{
	struct place *place = *state;
	struct trust_keys *keys = NULL;
	struct err err = { 0 };

	assert_false(reads(place, ID "intent_mac 1 " HEX_A "\n", 0640, &keys, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_true(reads(place, ID "intent_mac 1 " HEX_A "\n", 0400, &keys, &err));
	trust_keys_free(keys);
}

#define AT_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(each_role_holds_its_own),     AT_PLACE(second_init_harms_nothing),
		AT_PLACE(failed_init_leaves_nothing),  AT_PLACE(key_may_stand_twice),
		AT_PLACE(malformed_files_are_refused), AT_PLACE(open_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
