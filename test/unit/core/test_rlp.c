#include "core/rlp.h"

#include "../testing.h"

static uint8_t storage[4096];

static void write_items(struct str items, struct buf *out)
{
	uint8_t bytes[1024];
	struct str item;
	while (str_cut(items, ',', &item, &items))
		rlp_write_bytes(out, bytes, column_bytes(item, bytes, sizeof bytes));
	if (!is_nothing(items))
		rlp_write_bytes(out, bytes, column_bytes(items, bytes, sizeof bytes));
}

static void write_vector(struct str kind, struct str content, struct buf *out)
{
	uint8_t bytes[1024];
	if (str_equal_text(kind, "bytes")) {
		rlp_write_bytes(out, bytes, column_bytes(content, bytes, sizeof bytes));
	} else if (str_equal_text(kind, "uint")) {
		rlp_write_u256(out, column_u256(content));
	} else {
		uint8_t items_storage[2048];
		struct buf items = buf_of(items_storage, sizeof items_storage);
		write_items(content, &items);
		rlp_write_list_head(out, items.len);
		buf_str(out, buf_view(&items));
	}
}

static void agrees_on_encodings(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("rlp.tsv");
	struct str column[3];
	while (vectors_next(&vectors, column, 3)) {
		uint8_t wanted[2048];
		size_t wanted_len = column_bytes(column[2], wanted, sizeof wanted);
		struct buf out = buf_of(storage, sizeof storage);
		write_vector(column[0], column[1], &out);
		if (out.len != wanted_len || memcmp(storage, wanted, wanted_len) != 0)
			fail_msg("rlp.tsv line %d", vectors.number);
	}
	vectors_close(&vectors, 160);
}

static void reads_what_others_wrote(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("rlp.tsv");
	struct str column[3];
	while (vectors_next(&vectors, column, 3)) {
		uint8_t bytes[2048], again_storage[2048];
		size_t len = column_bytes(column[2], bytes, sizeof bytes);
		struct str rest = str_from_bytes(bytes, len);
		struct str content, item;
		enum rlp_type type;
		assert_true(rlp_take(&rest, &type, &content));
		assert_int_equal(rest.len, 0);
		assert_int_equal(type, str_equal_text(column[0], "list") ? RLP_LIST : RLP_BYTES);
		struct buf again = buf_of(again_storage, sizeof again_storage);
		if (type == RLP_LIST)
			rlp_write_list_head(&again, content.len);
		else
			rlp_write_bytes(&again, content.at, content.len);
		while (type == RLP_LIST && content.len > 0) {
			enum rlp_type item_type;
			assert_true(rlp_take(&content, &item_type, &item));
			rlp_write_bytes(&again, item.at, item.len);
		}
		assert_true(str_equal(buf_view(&again), str_from_bytes(bytes, len)));
	}
	vectors_close(&vectors, 160);
}

static void writes_small_integers(void **state)
{
	(void)state;
	static const uint64_t values[] = {
		0,         1,     127,   128,        255,
		256,       65535, 65536, UINT32_MAX, (uint64_t)UINT32_MAX + 1,
		UINT64_MAX
	};
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		uint8_t wide_storage[64];
		struct buf out = buf_of(storage, sizeof storage);
		struct buf wide = buf_of(wide_storage, sizeof wide_storage);
		rlp_write_u64(&out, values[i]);
		rlp_write_u256(&wide, u256_from_u64(values[i]));
		assert_true(str_equal(buf_view(&out), buf_view(&wide)));
	}
}

static void assert_not_taken(struct str bytes)
{
	enum rlp_type type;
	struct str content;
	struct str rest = bytes;
	if (rlp_take(&rest, &type, &content))
		fail_msg("taken: %02x…", (unsigned char)bytes.at[0]);
	assert_ptr_equal(rest.at, bytes.at);
	assert_int_equal(rest.len, bytes.len);
}

static void refuses_what_is_not_canonical(void **state)
{
	(void)state;
	static uint8_t long_bytes[400];
	assert_not_taken(STR(""));
	assert_not_taken(STR("\x81"));     /* no content */
	assert_not_taken(STR("\x81\x7f")); /* a byte that needs no head */
	assert_not_taken(STR("\x81\x00"));
	assert_not_taken(STR("\x83"
			     "ab")); /* cut */
	assert_not_taken(STR("\xc1"));
	assert_not_taken(STR("\xb8"));     /* no length */
	assert_not_taken(STR("\xb9\x01")); /* half a length */
	assert_not_taken(STR("\xf8"));
	assert_not_taken(STR("\xbb\x7f\xff\xff\xff")); /* longer than all that is there */
	assert_not_taken(STR("\xbf\xff\xff\xff\xff\xff\xff\xff\xff"));
	assert_not_taken(STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
	long_bytes[0] = 0xb8; /* 55 bytes do not need the long form */
	long_bytes[1] = 55;
	assert_not_taken(str_from_bytes(long_bytes, 2 + 55));
	long_bytes[0] = 0xf8;
	assert_not_taken(str_from_bytes(long_bytes, 2 + 55));
	long_bytes[0] = 0xb9; /* a length with a leading zero */
	long_bytes[1] = 0;
	long_bytes[2] = 200;
	assert_not_taken(str_from_bytes(long_bytes, 3 + 200));
	long_bytes[0] = 0xb8; /* one byte short */
	long_bytes[1] = 56;
	assert_not_taken(str_from_bytes(long_bytes, 2 + 55));
}

static void takes_one_item_after_the_other(void **state)
{
	(void)state;
	struct str rest = STR("\x05\x80\x82"
			      "ab\xc0\xc1\x80"
			      "tail");
	struct str content;
	enum rlp_type type;
	assert_true(rlp_take(&rest, &type, &content));
	assert_int_equal(type, RLP_BYTES);
	assert_str_equal(content, "\x05");
	assert_true(rlp_take(&rest, &type, &content));
	assert_int_equal(content.len, 0);
	assert_true(rlp_take(&rest, &type, &content));
	assert_str_equal(content, "ab");
	assert_true(rlp_take(&rest, &type, &content));
	assert_int_equal(type, RLP_LIST);
	assert_int_equal(content.len, 0);
	assert_true(rlp_take(&rest, &type, &content));
	assert_int_equal(type, RLP_LIST);
	assert_int_equal(content.len, 1);
	assert_str_equal(rest, "tail");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_on_encodings),
		cmocka_unit_test(reads_what_others_wrote),
		cmocka_unit_test(writes_small_integers),
		cmocka_unit_test(refuses_what_is_not_canonical),
		cmocka_unit_test(takes_one_item_after_the_other),
	};
	return cmocka_run_group_tests_name("core/rlp", tests, NULL, NULL);
}
