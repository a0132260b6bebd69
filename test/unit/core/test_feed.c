#include "core/feed.h"

#include "../testing.h"

static const uint8_t old_key[32] = { 1, 2, 3 };
static const uint8_t new_key[32] = { 4, 5, 6 };
static const struct feed_keys both = {
	.keys = { .keys = { { 2, new_key }, { 1, old_key } }, .len = 2 }, .deployment = { { 7 } }
};
static const struct feed_keys olds = { .keys = { .keys = { { 1, old_key } }, .len = 1 },
				       .deployment = { { 7 } } };

static struct feed_row row_at(enum feed_kind kind, int64_t position)
{
	struct feed_row row = { .kind = kind, .number = 3, .position = position };
	memset(row.digest, (int)position, sizeof row.digest);
	return row;
}

/* Two events and one record, behind another seal. */
static const struct feed_seal *seal_new(struct feed_row ret_rows[3])
{
	static struct feed_seal seal;
	ret_rows[0] = row_at(FEED_EVENTS, 11);
	ret_rows[1] = row_at(FEED_EVENTS, 12);
	ret_rows[2] = row_at(FEED_AUDIT, 5);
	seal = (struct feed_seal){ .number = 4,
				   .life = 1,
				   .to = { 12, 5 },
				   .rows = { 2, 1 },
				   .sealed_at = 1700000000000,
				   .complete_at = 1700000000000,
				   .previous = { 9 } };
	feed_seal_make(&both, &seal, ret_rows);
	return &seal;
}

static void a_seal_is_of_the_first_key_and_verifies_by_any(void **state)
{
	(void)state;
	struct feed_row rows[3];
	const struct feed_seal *seal = seal_new(rows);
	assert_int_equal(seal->mac.key_id, 2);
	assert_true(feed_seal_verify(&both, seal));
	assert_false(feed_seal_verify(&olds, seal)); /* its key is not there */
	static struct feed_seal old;
	old = *seal;
	feed_seal_make(&olds, &old, rows);
	assert_int_equal(old.mac.key_id, 1);
	assert_true(feed_seal_verify(&both, &old));
}

static void each_field_of_a_seal_counts(void **state)
{
	(void)state;
	struct feed_row rows[3];
	static struct feed_seal edited[10];
	for (size_t i = 0; i < COUNT_OF(edited); i++)
		edited[i] = *seal_new(rows);
	edited[0].number++;
	edited[1].life++;
	edited[2].to[FEED_EVENTS]++;
	edited[3].to[FEED_AUDIT]++;
	edited[4].rows[FEED_AUDIT]--;
	edited[5].sealed_at++;
	edited[6].complete_at++;
	edited[7].previous[31] ^= 1;
	edited[8].tags[2][FEED_TAG_BYTES - 1] ^= 1;
	edited[9].mac.bytes[0] ^= 1;
	for (size_t i = 0; i < COUNT_OF(edited); i++)
		assert_false(feed_seal_verify(&both, &edited[i]));
}

/* Out of a row that an editor wrote. */
static void more_rows_than_a_seal_has_room_for_are_none_of_ours(void **state)
{
	(void)state;
	struct feed_row rows[3];
	static struct feed_seal edited;
	edited = *seal_new(rows);
	edited.rows[FEED_EVENTS] = FEED_ROWS_MAX + 1;
	assert_false(feed_seal_verify(&both, &edited));
	edited = *seal_new(rows);
	edited.rows[FEED_AUDIT] = SIZE_MAX;
	assert_false(feed_seal_verify(&both, &edited));
}

static void a_tag_is_of_its_row_and_its_position(void **state)
{
	(void)state;
	struct feed_row rows[3];
	const struct feed_seal *seal = seal_new(rows);
	uint8_t tag[FEED_TAG_BYTES];
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_true(feed_tag_make(&both, 2, &rows[i], tag));
		assert_memory_equal(tag, seal->tags[i], sizeof tag);
		rows[i].position++;
		assert_true(feed_tag_make(&both, 2, &rows[i], tag));
		assert_memory_not_equal(tag, seal->tags[i], sizeof tag);
		rows[i].position--;
		rows[i].digest[0] ^= 1;
		assert_true(feed_tag_make(&both, 2, &rows[i], tag));
		assert_memory_not_equal(tag, seal->tags[i], sizeof tag);
	}
	assert_true(feed_tag_make(&both, 1, &rows[0], tag));
	assert_false(feed_tag_make(&both, 3, &rows[0], tag));
}

static void a_head_is_read_as_it_was_written(void **state)
{
	(void)state;
	struct feed_row rows[3];
	struct feed_head head = feed_head_of(seal_new(rows));
	struct feed_head again;
	char text[FEED_HEAD_LEN_MAX + 1];
	feed_head_write(&head, text);
	assert_true(strncmp(text, "4.1.", 4) == 0);
	assert_int_equal(strlen(text), 4 + 64);
	assert_true(feed_head_read(str_from(text), &again));
	assert_true(feed_head_equal(&head, &again));
	head.number = head.life = UINT64_MAX;
	feed_head_write(&head, text);
	assert_int_equal(strlen(text), FEED_HEAD_LEN_MAX);
	assert_true(feed_head_read(str_from(text), &again));
	assert_true(feed_head_equal(&head, &again));
}

static void heads_differ_in_each_part(void **state)
{
	(void)state;
	struct feed_row rows[3];
	const struct feed_head head = feed_head_of(seal_new(rows));
	struct feed_head others[3] = { head, head, head };
	others[0].number++;
	others[1].life++;
	others[2].mac[31] ^= 1;
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(feed_head_equal(&head, &others[i]));
}

#define MAC_TEXT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void what_is_no_head_is_not_read(void **state)
{
	(void)state;
	static const char *const texts[] = { "",
					     "4",
					     "4.1",
					     "x.1." MAC_TEXT,
					     "4.x." MAC_TEXT,
					     "0.1." MAC_TEXT,
					     "4.1." MAC_TEXT "00",
					     "4.1.zz" };
	struct feed_head head = { .number = 77 };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_false(feed_head_read(str_from(texts[i]), &head));
	assert_int_equal(head.number, 77);
	assert_true(feed_head_read(str_from("4.1." MAC_TEXT), &head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seal_is_of_the_first_key_and_verifies_by_any),
		cmocka_unit_test(each_field_of_a_seal_counts),
		cmocka_unit_test(more_rows_than_a_seal_has_room_for_are_none_of_ours),
		cmocka_unit_test(a_tag_is_of_its_row_and_its_position),
		cmocka_unit_test(a_head_is_read_as_it_was_written),
		cmocka_unit_test(heads_differ_in_each_part),
		cmocka_unit_test(what_is_no_head_is_not_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
