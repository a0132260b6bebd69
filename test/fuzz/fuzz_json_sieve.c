/* The sieve and jansson on what it leaves, against jansson on all of it: what is to be kept is
 * there and the same, and nothing else is. */
#include "fuzz.h"

#include "base/json_sieve.h"

static const char *const names_0[] = { "id", "a", NULL };
static const char *const names_1[] = { "b", "c", "id", NULL };
static const char *const names_3[] = { "d", NULL };
/* Of level 2 all is kept. */
static const struct json_sieve sieve = { { names_0, names_1, NULL, names_3 } };

struct pair {
	const struct json_value *all;
	const struct json_value *kept;
	size_t level; /* of the objects that are met next */
};

struct work {
	struct pair *pairs;
	size_t len;
	size_t cap;
	bool is_escaped; /* a name may be written with an escape, which the sieve leaves out */
};

static void put(struct work *work, const struct json_value *all, const struct json_value *kept,
		size_t level)
{
	CHECK(work->len < work->cap);
	work->pairs[work->len++] = (struct pair){ all, kept, level };
}

static bool is_wanted(size_t level, struct str name)
{
	if (level >= JSON_SIEVE_LEVELS || sieve.names[level] == NULL)
		return true;
	for (const char *const *at = sieve.names[level]; *at != NULL; at++)
		if (str_equal_text(name, *at))
			return true;
	return false;
}

static const struct json_value *member_of(const struct json_value *object, struct str wanted)
{
	const struct json_value *value;
	struct str name;
	void *cursor = NULL;
	while (json_next_member(object, &cursor, &name, &value))
		if (str_equal(name, wanted))
			return value;
	return NULL;
}

static void compare_objects(struct work *work, struct pair pair)
{
	const struct json_value *value;
	struct str name;
	void *cursor = NULL;
	size_t wanted = 0;
	while (json_next_member(pair.all, &cursor, &name, &value)) {
		const struct json_value *kept = member_of(pair.kept, name);
		if (!is_wanted(pair.level, name)) {
			CHECK(kept == NULL);
			continue;
		}
		CHECK(kept != NULL || work->is_escaped);
		wanted += kept != NULL;
		if (kept != NULL)
			put(work, value, kept, pair.level + 1);
	}
	CHECK(json_size(pair.kept) == wanted);
}

static void compare(struct work *work, struct pair pair)
{
	enum json_type type = json_type_of(pair.all);
	struct str text = { 0 }, kept = { 0 };
	int64_t number = 0, kept_number = 0;
	CHECK(json_type_of(pair.kept) == type);
	if (type == JSON_TYPE_OBJECT) {
		compare_objects(work, pair);
	} else if (type == JSON_TYPE_ARRAY) {
		CHECK(json_size(pair.all) == json_size(pair.kept));
		for (size_t i = 0; i < json_size(pair.all); i++)
			put(work, json_element(pair.all, i), json_element(pair.kept, i),
			    pair.level);
	} else if (type == JSON_TYPE_STRING) {
		CHECK(json_string(pair.all, &text) && json_string(pair.kept, &kept));
		CHECK(str_equal(text, kept));
	} else if (type == JSON_TYPE_NUMBER) {
		CHECK(json_i64(pair.all, &number) == json_i64(pair.kept, &kept_number));
		CHECK(number == kept_number);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str text = str_from_bytes(bytes, len);
	struct buf kept = buf_new(len + 1);
	kept.cap = len;
	bool is_sieved = json_sieve_write(&sieve, text, &kept);
	JSON_OWNED all = fuzz_json(text);
	if (all != NULL) {
		/* Whatever is JSON can be followed, and is JSON still, and no longer than before.
		 */
		CHECK(is_sieved);
		JSON_OWNED rest = fuzz_json(buf_view(&kept));
		CHECK(rest != NULL);
		struct work work = { .pairs = calloc(len + 1, sizeof *work.pairs),
				     .cap = len + 1,
				     .is_escaped = memchr(text.at, '\\', len) != NULL };
		CHECK(work.pairs != NULL);
		put(&work, json_root(all), json_root(rest), 0);
		for (size_t i = 0; i < work.len; i++)
			compare(&work, work.pairs[i]);
		free(work.pairs);
	}
	buf_free(&kept);
	return 0;
}
