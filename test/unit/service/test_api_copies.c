/* What a cache that is not to be trusted may give back, and what of it is believed. */
#include "service/api/copies.h"

#include "../testing.h"
#include "service/api/changes.h"

#define LIFE_MS 2000
#define MADE_MS INT64_C(1800000000000)

static const uint8_t key_bytes[2][32] = { { 1, 2, 3 }, { 4, 5, 6 } };
static const struct mac_keys keys = { .keys = { { 7, key_bytes[0] } }, .len = 1 };
static const struct mac_keys others = { .keys = { { 7, key_bytes[1] } }, .len = 1 };
static const struct id here = { { 1 } }, elsewhere = { { 2 } };
static const struct id withdrawal = { { 3 } }, another = { { 4 } };

static struct str copy_make(char *storage, size_t cap)
{
	struct buf out = buf_of(storage, cap);
	const struct copy copy = { .withdrawal = withdrawal,
				   .version = 9,
				   .made_ms = MADE_MS,
				   .account = STR("acme"),
				   .body = STR("{\"status\":\"COMPLETED\"}") };
	copy_write(&copy, &keys, here, &out);
	assert_false(out.overflow);
	return buf_view(&out);
}

static bool is_read_at(struct str value, int64_t now_ms)
{
	struct copy copy;
	return copy_read(value, withdrawal, &keys, here, now_ms, LIFE_MS, &copy);
}

static void a_copy_comes_back(void **state)
{
	char storage[512];
	struct copy copy;
	(void)state;
	struct str value = copy_make(storage, sizeof storage);
	assert_true(copy_read(value, withdrawal, &keys, here, MADE_MS, LIFE_MS, &copy));
	assert_str_equal(copy.account, "acme");
	assert_str_equal(copy.body, "{\"status\":\"COMPLETED\"}");
	assert_int_equal(copy.version, 9);
	assert_int_equal(copy.made_ms, MADE_MS);
}

/* Whatever bit is turned, and wherever it is cut. */
static void cache_lies_about_the_bytes(void **state)
{
	char storage[512], changed[512];
	(void)state;
	struct str value = copy_make(storage, sizeof storage);
	for (size_t i = 0; i < value.len * 8; i++) {
		memcpy(changed, value.at, value.len);
		changed[i / 8] = (char)(changed[i / 8] ^ (1 << (i % 8)));
		assert_false(is_read_at(str_from_bytes(changed, value.len), MADE_MS));
	}
	for (size_t len = 0; len < value.len; len++)
		assert_false(is_read_at(str_from_bytes(value.at, len), MADE_MS));
	memcpy(changed, value.at, value.len);
	changed[value.len] = ' ';
	assert_false(is_read_at(str_from_bytes(changed, value.len + 1), MADE_MS));
	assert_true(is_read_at(value, MADE_MS));
}

/* Account and body are apart, though nothing but a length stands between them. */
static void parts_do_not_flow_into_each_other(void **state)
{
	char storage[512];
	struct buf out = buf_of(storage, sizeof storage);
	const struct copy copy = {
		.withdrawal = withdrawal, .made_ms = MADE_MS, .account = STR("a"), .body = STR("{}")
	};
	(void)state;
	copy_write(&copy, &keys, here, &out);
	storage[out.len - 4]++; /* the account's length */
	assert_false(is_read_at(buf_view(&out), MADE_MS));
}

static void a_copy_is_of_its_place(void **state)
{
	char storage[512];
	struct copy copy;
	(void)state;
	struct str value = copy_make(storage, sizeof storage);
	assert_false(copy_read(value, another, &keys, here, MADE_MS, LIFE_MS, &copy));
	assert_false(copy_read(value, withdrawal, &others, here, MADE_MS, LIFE_MS, &copy));
	assert_false(copy_read(value, withdrawal, &keys, elsewhere, MADE_MS, LIFE_MS, &copy));
}

/* An old one that somebody kept says what was, and is not believed. */
static void cache_lies_about_the_time(void **state)
{
	char storage[512];
	(void)state;
	struct str value = copy_make(storage, sizeof storage);
	assert_true(is_read_at(value, MADE_MS + LIFE_MS));
	assert_false(is_read_at(value, MADE_MS + LIFE_MS + 1));
	assert_true(is_read_at(value, MADE_MS - COPY_SKEW_MS));
	assert_false(is_read_at(value, MADE_MS - COPY_SKEW_MS - 1));
	assert_false(is_read_at(value, 0));
}

static void keys_are_of_withdrawals(void **state)
{
	char storage[COPY_KEY_MAX];
	struct buf out = buf_of(storage, sizeof storage);
	(void)state;
	copy_key_write(withdrawal, &out);
	assert_str_equal(buf_view(&out), "w:03000000-0000-0000-0000-000000000000");
}

/* Anybody may publish: what is no row of ids says nothing. */
static void changes_are_ids_or_nothing(void **state)
{
	struct id ids[BATCH_MAX], seen[BATCH_MAX];
	char storage[CACHE_TEXT_MAX + ID_BYTES] = { 0 };
	struct buf out = buf_of(storage, sizeof storage);
	(void)state;
	for (size_t i = 0; i < BATCH_MAX; i++)
		ids[i] = (struct id){ { (uint8_t)i, 7 } };
	changes_write(ids, BATCH_MAX, &out);
	assert_int_equal(changes_read(buf_view(&out), seen), BATCH_MAX);
	assert_memory_equal(ids, seen, sizeof ids);
	assert_int_equal(changes_read(str_from_bytes(storage, ID_BYTES), seen), 1);
	assert_int_equal(changes_read(str_from_bytes(storage, 0), seen), 0);
	assert_int_equal(changes_read(str_from_bytes(storage, ID_BYTES + 1), seen), 0);
	assert_int_equal(changes_read(str_from_bytes(storage, sizeof storage), seen), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_comes_back),
		cmocka_unit_test(cache_lies_about_the_bytes),
		cmocka_unit_test(parts_do_not_flow_into_each_other),
		cmocka_unit_test(a_copy_is_of_its_place),
		cmocka_unit_test(cache_lies_about_the_time),
		cmocka_unit_test(keys_are_of_withdrawals),
		cmocka_unit_test(changes_are_ids_or_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
