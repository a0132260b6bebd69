/* Keys of all roles' files, one after the other: what verifies when, and steps that were
 * interrupted at each file. */
#include "adapter/trust_rotate.h"

#include "../testing.h"
#include "adapter/entropy_os.h"
#include "adapter/trust_keys.h"

#include <sys/stat.h>
#include <unistd.h>

#define NOW INT64_C(1700000000000)

struct place {
	char dir[64];
	char path[160];
	struct entropy entropy;
};

static const char *path_of(struct place *place, size_t file, const char *suffix)
{
	snprintf(place->path, sizeof place->path, "%s/%s%s", place->dir, trust_file_name(file),
		 suffix);
	return place->path;
}

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof *place);
	struct err err = { 0 };
	assert_non_null(place);
	snprintf(place->dir, sizeof place->dir, "/tmp/sluice-rotate-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	entropy_os_init(&place->entropy);
	assert_true(trust_keys_init(place->dir, NOW, &place->entropy, &err));
	*state = place;
	return 0;
}

static int place_remove(void **state)
{
	struct place *place = *state;
	for (size_t i = 0; i < TRUST_FILES; i++)
		unlink(path_of(place, i, ""));
	assert_int_equal(rmdir(place->dir), 0); /* nothing else was left */
	free(place);
	return 0;
}

static bool rotate(struct place *place, const char *name, enum trust_step step, struct err *err)
{
	uint32_t id = 0;
	return trust_keys_rotate(place->dir, name, step, NOW, &place->entropy, &id, err);
}

static void done(struct place *place, enum trust_step step)
{
	struct err err = { 0 };
	if (!rotate(place, TRUST_INTENT_MAC, step, &err))
		fail_msg("%s", err.text);
}

static void refused(struct place *place, const char *name, enum trust_step step)
{
	struct err err = { 0 };
	assert_false(rotate(place, name, step, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
}

/* What a file says of the name: ids, and the first byte of each key. */
static struct mac_keys keys_at(struct place *place, size_t file, int64_t now_ms,
			       uint8_t bytes[MAC_KEYS_MAX][32])
{
	struct trust_keys *all = NULL;
	struct mac_keys keys = { 0 };
	struct err err = { 0 };
	struct stat status;
	assert_true(trust_keys_read(path_of(place, file, ""), &all, &err));
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	trust_keys_expire(all, now_ms);
	if (trust_keys_mac_keys(all, TRUST_INTENT_MAC, &keys))
		for (size_t i = 0; i < keys.len; i++)
			memcpy(bytes[i], keys.keys[i].key, 32);
	trust_keys_free(all);
	return keys;
}

/* api and signer hold it, alike, and nobody else. first, second: 0 for none. */
static void assert_keys(struct place *place, int64_t now_ms, uint32_t first, uint32_t second)
{
	uint8_t bytes[TRUST_FILES][MAC_KEYS_MAX][32] = { 0 };
	for (size_t i = 0; i < TRUST_FILES; i++) {
		struct mac_keys keys = keys_at(place, i, now_ms, bytes[i]);
		bool holds = i == 0 || i == 2;
		assert_int_equal(keys.len, !holds ? 0 : second ? 2 : 1);
		if (!holds)
			continue;
		assert_int_equal(keys.keys[0].id, first);
		assert_memory_equal(bytes[i], bytes[0], sizeof bytes[0]);
		if (second)
			assert_int_equal(keys.keys[1].id, second);
	}
	assert_memory_not_equal(bytes[0][0], bytes[0][1], 32);
}

static void each_step_leaves_all_verifiable(void **state)
{
	struct place *place = *state;
	uint8_t old[MAC_KEYS_MAX][32], now[MAC_KEYS_MAX][32];
	(void)keys_at(place, 0, NOW, old);
	done(place, TRUST_STEP_ADD);
	assert_keys(place, NOW, 1, 2);
	done(place, TRUST_STEP_ADD); /* once more, and nothing happens */
	assert_keys(place, NOW, 1, 2);
	done(place, TRUST_STEP_USE);
	assert_keys(place, NOW, 2, 1);
	(void)keys_at(place, 0, NOW, now);
	assert_memory_equal(now[1], old[0], 32);
	done(place, TRUST_STEP_RETIRE);
	assert_keys(place, NOW, 2, 0);
	done(place, TRUST_STEP_ADD);
	assert_keys(place, NOW, 2, 3);
}

static void revoked_key_the_old_one_is_over_by_itself(void **state)
{
	struct place *place = *state;
	done(place, TRUST_STEP_ADD);
	done(place, TRUST_STEP_USE);
	assert_keys(place, NOW + TRUST_OVERLAP_MS - 1, 2, 1);
	assert_keys(place, NOW + TRUST_OVERLAP_MS, 2, 0);
}

static void a_step_wants_the_one_before(void **state)
{
	struct place *place = *state;
	refused(place, TRUST_INTENT_MAC, TRUST_STEP_USE);
	done(place, TRUST_STEP_ADD);
	refused(place, TRUST_INTENT_MAC, TRUST_STEP_RETIRE);
	done(place, TRUST_STEP_USE);
	refused(place, TRUST_INTENT_MAC, TRUST_STEP_ADD);
	assert_keys(place, NOW, 2, 1);
}

static void a_leaked_key_is_gone_at_once(void **state)
{
	struct place *place = *state;
	done(place, TRUST_STEP_REPLACE);
	assert_keys(place, NOW, 2, 0);
	done(place, TRUST_STEP_ADD);
	done(place, TRUST_STEP_REPLACE); /* in the middle of another one */
	assert_keys(place, NOW, 4, 0);
}

static void some_are_never_replaced(void **state)
{
	struct place *place = *state;
	struct err err = { 0 };
	for (int step = TRUST_STEP_ADD; step <= TRUST_STEP_REPLACE; step++) {
		refused(place, TRUST_PAY_TAG, (enum trust_step)step);
		refused(place, TRUST_JOURNAL_MAC, (enum trust_step)step);
	}
	refused(place, TRUST_FEED_SEAL, TRUST_STEP_REPLACE);
	refused(place, TRUST_SECRETS_SEAL, TRUST_STEP_RETIRE);
	assert_true(rotate(place, TRUST_SECRETS_SEAL, TRUST_STEP_ADD, &err));
	refused(place, "no such name", TRUST_STEP_ADD);
	assert_keys(place, NOW, 1, 0);
	assert_int_equal(unlink(path_of(place, 3, "")), 0);
	assert_false(rotate(place, TRUST_INTENT_MAC, TRUST_STEP_ADD, &err));
}

/* The signer's file cannot be written, when the API's is already. */
static void interrupted(struct place *place, enum trust_step step)
{
	struct err err = { 0 };
	char inner[200];
	assert_int_equal(mkdir(path_of(place, 2, ".new"), 0700), 0);
	snprintf(inner, sizeof inner, "%s/x", place->path);
	assert_int_equal(mkdir(inner, 0700), 0);
	assert_false(rotate(place, TRUST_INTENT_MAC, step, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_int_equal(rmdir(inner), 0);
	assert_int_equal(rmdir(path_of(place, 2, ".new")), 0);
	uint8_t one[MAC_KEYS_MAX][32], other[MAC_KEYS_MAX][32];
	struct mac_keys api = keys_at(place, 0, NOW, one);
	struct mac_keys signer = keys_at(place, 2, NOW, other);
	assert_true(api.len != signer.len || api.keys[0].id != signer.keys[0].id);
	done(place, step);
}

static void an_interrupted_step_is_finished(void **state)
{
	struct place *place = *state;
	interrupted(place, TRUST_STEP_ADD);
	assert_keys(place, NOW, 1, 2);
	interrupted(place, TRUST_STEP_USE);
	assert_keys(place, NOW, 2, 1);
	interrupted(place, TRUST_STEP_RETIRE);
	assert_keys(place, NOW, 2, 0);
	interrupted(place, TRUST_STEP_REPLACE);
	assert_keys(place, NOW, 3, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_step_leaves_all_verifiable),
		TEST(revoked_key_the_old_one_is_over_by_itself),
		TEST(a_step_wants_the_one_before),
		TEST(a_leaked_key_is_gone_at_once),
		TEST(some_are_never_replaced),
		TEST(an_interrupted_step_is_finished),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
