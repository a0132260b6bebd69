#include "adapter/keys_keystore.h"

#include "../testing.h"
#include "adapter/entropy_os.h"
#include "adapter/keys_keystore_file.h"
#include "core/limits.h"
#include "core/signature.h"

#define COST 2 /* of scrypt */

struct place {
	char dir[64];
	char path[KEYSTORE_FILES_MAX][128];
	struct keys_keystore_file files[KEYSTORE_FILES_MAX];
	char names[KEYSTORE_FILES_MAX][8];
	size_t len;
	struct entropy entropy;
};

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof *place);

	assert_non_null(place);
	snprintf(place->dir, sizeof place->dir, "/tmp/sluice-keys-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	entropy_os_init(&place->entropy);
	*state = place;
	return 0;
}

static int place_remove(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < place->len; i++)
		unlink(place->path[i]);
	assert_int_equal(rmdir(place->dir), 0);
	free(place);
	return 0;
}

/* A file named f0, f1, …, with the password "p". */
static void add_file(struct place *place, const uint8_t *bytes, size_t len, enum keystore_kind kind)
{
	size_t at = place->len++;
	struct err err = { 0 };

	struct buf path = buf_of(place->path[at], sizeof place->path[at]);
	buf_format(&path, "%s/%zu.json", place->dir, at);
	(void)buf_terminated(&path);
	snprintf(place->names[at], sizeof place->names[at], "f%zu", at);
	if (!keystore_write(place->path[at], str_from_bytes(bytes, len), kind, STR("p"), COST,
			    &place->entropy, &err))
		fail_msg("%s", err.text);
	place->files[at] = (struct keys_keystore_file){ .name = place->names[at],
							.path = place->path[at],
							.password = STR("p") };
}

static struct keys *open_keys(struct place *place)
{
	const struct keys_keystore_options options = { .files = place->files,
						       .len = place->len,
						       .entropy = &place->entropy };
	struct keys *keys = NULL;
	struct err err = { 0 };

	if (!keys_keystore_open(&options, &keys, &err))
		fail_msg("%s", err.text);
	return keys;
}

static void refuses_to_open(struct place *place)
{
	const struct keys_keystore_options options = { .files = place->files,
						       .len = place->len,
						       .entropy = &place->entropy };
	struct keys *keys = NULL;
	struct err err = { 0 };

	assert_false(keys_keystore_open(&options, &keys, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
}

static struct keys_result sign(struct keys *keys, const char *key_ref, struct hash32 digest)
{
	const struct keys_request request = { .key_ref = key_ref, .digest = digest };
	struct keys_result result;

	keys_sign_many(keys, &request, 1, &result);
	return result;
}

/* Addresses and signatures are those of ethers: same path, same k. */
static void seeds_give_the_keys_of_ethers(void **state)
{
	struct place *place = *state;
	struct vectors vectors = vectors_open("hd_address.tsv");
	struct keys *keys = NULL;
	struct str column[6];
	char seed[160] = "";

	while (vectors_next(&vectors, column, 6)) {
		struct address expected, address;
		struct keys_result result;
		struct hash32 digest;
		uint8_t bytes[64], r[32], s[32];
		char key_ref[32];
		struct err err = { 0 };

		if (!str_equal_text(column[0], seed)) {
			size_t len = column_bytes(column[0], bytes, sizeof bytes);

			assert_true(str_copy(column[0], seed, sizeof seed));
			add_file(place, bytes, len, KEYSTORE_SEED);
			keys_close(keys);
			keys = open_keys(place);
		}
		snprintf(key_ref, sizeof key_ref, "f%zu/%.*s", place->len - 1, STR_ARG(column[1]));
		assert_int_equal(address_read(column[2], &expected), ADDRESS_OK);
		assert_true(hash32_read(column[3], &digest));
		assert_int_equal(column_bytes(column[4], r, sizeof r), 32);
		assert_int_equal(column_bytes(column[5], s, sizeof s), 32);
		assert_true(keys_address(keys, key_ref, &address, &err));
		assert_true(address_equal(address, expected));
		result = sign(keys, key_ref, digest);
		assert_true(result.done);
		assert_memory_equal(result.r, r, sizeof r);
		assert_memory_equal(result.s, s, sizeof s);
	}
	keys_close(keys);
	vectors_close(&vectors, 39);
}

static void signatures_recover_the_address(void **state)
{
	struct place *place = *state;
	static const uint8_t key[32] = { 0x11, 7 }, seed[32] = { 0x22, 9 };
	static const char *const refs[] = { "f0", "f1/0", "f1/1", "f1/2147483647" };
	struct signature_context *context = signature_context_new();
	struct keys_request requests[BATCH_MAX];
	struct keys_result results[BATCH_MAX];
	struct tx_signature signature;
	struct address address;
	struct keys *keys;
	struct err err = { 0 };

	add_file(place, key, sizeof key, KEYSTORE_KEY);
	add_file(place, seed, sizeof seed, KEYSTORE_SEED);
	keys = open_keys(place);
	for (size_t i = 0; i < BATCH_MAX; i++) {
		requests[i].key_ref = refs[i % COUNT_OF(refs)];
		memset(requests[i].digest.bytes, (int)i, 32);
	}
	keys_sign_many(keys, requests, BATCH_MAX, results);
	for (size_t i = 0; i < BATCH_MAX; i++) {
		assert_true(results[i].done);
		assert_true(keys_address(keys, requests[i].key_ref, &address, &err));
		assert_true(signature_complete(context, requests[i].digest, results[i].r,
					       results[i].s, 1, address, &signature));
		/* The hint is the truth, and s is low: no second trial is ever needed. */
		assert_int_equal(results[i].parity, signature.parity);
		assert_memory_equal(results[i].s, signature.s, sizeof signature.s);
	}
	signature_context_free(context);
	keys_close(keys);
}

static void unknown_references_are_refused(void **state)
{
	struct place *place = *state;
	static const uint8_t key[32] = { 0x11, 7 }, seed[32] = { 0x22, 9 };
	static const char *const refs[] = { "f2",
					    "f0/0",
					    "f1",
					    "f1/",
					    "f1/01",
					    "f1/-1",
					    "f1/+1",
					    "f1/1 ",
					    "f1/2147483648",
					    "f1/0/0",
					    "/0",
					    "F1/0",
					    "f1/x",
					    "f1/99999999999999999999" };
	struct address address;
	struct keys *keys;

	add_file(place, key, sizeof key, KEYSTORE_KEY);
	add_file(place, seed, sizeof seed, KEYSTORE_SEED);
	keys = open_keys(place);
	for (size_t i = 0; i < COUNT_OF(refs); i++) {
		struct keys_result result = sign(keys, refs[i], (struct hash32){ { 1 } });
		struct err err = { 0 };

		assert_false(result.done);
		assert_int_equal(result.err.kind, ERR_REFUSED);
		assert_false(keys_address(keys, refs[i], &address, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
	}
	keys_close(keys);
}

/* At the bound a new key is refused; the ones in use go on. */
static void keys_in_use_are_bounded(void **state)
{
	struct place *place = *state;
	static const uint8_t seed[32] = { 0x22, 9 };
	struct hash32 digest = { { 3 } };
	struct keys *keys;
	char key_ref[32];

	add_file(place, seed, sizeof seed, KEYSTORE_SEED);
	keys = open_keys(place);
	for (int i = 0; i < KEYSTORE_KEYS_MAX; i++) {
		snprintf(key_ref, sizeof key_ref, "f0/%d", i);
		assert_true(sign(keys, key_ref, digest).done);
	}
	assert_false(sign(keys, "f0/256", digest).done);
	assert_true(sign(keys, "f0/0", digest).done);
	assert_true(sign(keys, "f0/255", digest).done);
	keys_close(keys);
}

static void bad_configuration_is_refused(void **state)
{
	struct place *place = *state;
	static const uint8_t key[32] = { 0x11, 7 };
	struct keys_keystore_file good;

	add_file(place, key, sizeof key, KEYSTORE_KEY);
	add_file(place, key, sizeof key, KEYSTORE_KEY);
	good = place->files[1];
	place->files[1].password = STR("q");
	refuses_to_open(place);
	place->files[1] = good;
	place->files[1].name = "f0";
	refuses_to_open(place);
	place->files[1].name = "a/b";
	refuses_to_open(place);
	place->files[1].name = "";
	refuses_to_open(place);
	place->files[1] = good;
	keys_close(open_keys(place));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(seeds_give_the_keys_of_ethers, place_make,
						place_remove),
		cmocka_unit_test_setup_teardown(signatures_recover_the_address, place_make,
						place_remove),
		cmocka_unit_test_setup_teardown(unknown_references_are_refused, place_make,
						place_remove),
		cmocka_unit_test_setup_teardown(keys_in_use_are_bounded, place_make, place_remove),
		cmocka_unit_test_setup_teardown(bad_configuration_is_refused, place_make,
						place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
