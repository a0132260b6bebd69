/* JSON: what is written is read back; the canonical form is a fixed point; any bytes make a string
 * that is JSON. */
#include "fuzz.h"

#include "base/utf8.h"

static void check_canonical(const struct json_value *root, size_t len)
{
	struct buf first = buf_new(6 * len + 16);
	struct buf second = buf_new(6 * len + 16);
	json_write_canonical(root, &first);
	/* request.c relies on it: escapes only get shorter. */
	CHECK(!first.overflow && first.len <= len);
	JSON_OWNED again = fuzz_json(buf_view(&first));
	CHECK(again != NULL && json_type_of(json_root(again)) == json_type_of(root));
	CHECK(json_size(json_root(again)) == json_size(root));
	json_write_canonical(json_root(again), &second);
	CHECK(str_equal(buf_view(&first), buf_view(&second)));
	buf_free(&first);
	buf_free(&second);
}

static void check_string(struct str text)
{
	struct str read;
	struct buf out = buf_new(6 * text.len + 16);
	json_write_string(&out, text);
	CHECK(!out.overflow);
	JSON_OWNED json = fuzz_json(buf_view(&out));
	CHECK(json != NULL && json_string(json_root(json), &read));
	CHECK(utf8_is_valid(read));
	if (utf8_is_valid(text))
		CHECK(str_equal(read, text));
	buf_free(&out);
}

static void check_members(const struct json_value *root)
{
	const struct json_value *value;
	struct str name;
	void *cursor = NULL;
	size_t count = 0;
	if (json_type_of(root) != JSON_TYPE_OBJECT)
		return;
	while (json_next_member(root, &cursor, &name, &value)) {
		char terminated[64];
		count++;
		if (str_copy(name, terminated, sizeof terminated))
			CHECK(json_member(root, terminated) == value);
	}
	CHECK(count == json_size(root));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str text = str_from_bytes(bytes, len);
	struct err err = { 0 };
	struct json *json = NULL;
	check_string(text);
	if (!json_parse(text, &json, &err)) {
		CHECK(json == NULL && err.kind == ERR_REFUSED && err.text[0] != 0);
		/* Foreign bytes stay out of messages. */
		CHECK(utf8_is_valid(str_from(err.text)));
		return 0;
	}
	CHECK(utf8_is_valid(text));
	check_members(json_root(json));
	if (!json_has_number(json_root(json)))
		check_canonical(json_root(json), len);
	json_free(json);
	return 0;
}
