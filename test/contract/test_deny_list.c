/* A deny-list in a file: what it promises while others write the file. */
#include "adapter/deny_list_file.h"

#include "../unit/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANY 100000u

struct fake_clock {
	struct clock base;
	int64_t now;
};

struct place {
	char dir[64], path[96], other[96];
	struct fake_clock clock;
	struct deny_list *list;
};

static int64_t fake_now(struct clock *clock)
{
	return ((struct fake_clock *)(void *)clock)->now;
}

static const struct clock_ops fake_ops = { fake_now, fake_now };

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof *place);
	assert_non_null(place);
	snprintf(place->dir, sizeof place->dir, "/tmp/sluice-deny-list-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	snprintf(place->path, sizeof place->path, "%s/list", place->dir);
	snprintf(place->other, sizeof place->other, "%s/next", place->dir);
	place->clock.base.ops = &fake_ops;
	place->list = deny_list_file_new(place->path, &place->clock.base);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;
	deny_list_close(place->list);
	(void)unlink(place->path);
	(void)unlink(place->other);
	assert_int_equal(rmdir(place->dir), 0);
	free(place);
	return 0;
}

static void write_to(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* As who knows how: beside it, and then in its place. */
static void put(struct place *place, const char *text)
{
	write_to(place->other, text);
	assert_int_equal(rename(place->other, place->path), 0);
}

static bool looks(struct place *place)
{
	struct err err = { 0 };
	bool stands = deny_list_look(place->list, &err);
	assert_true(stands || err.text[0] != 0);
	return stands;
}

/* A second later. */
static bool looks_later(struct place *place)
{
	place->clock.now += DENY_LIST_LOOK_MS;
	return looks(place);
}

static bool has(const struct place *place, uint8_t last)
{
	return deny_list_has(place->list, (struct address){ { [19] = last } });
}

#define ONE "0x0000000000000000000000000000000000000001\n"
#define TWO "0x0000000000000000000000000000000000000002\n"

static void entries_are_denied_and_nobody_else(void **state)
{
	struct place *place = *state;
	put(place, "# ours\n" TWO "\n" ONE TWO);
	assert_true(looks(place));
	assert_true(has(place, 1) && has(place, 2));
	assert_false(has(place, 3) || has(place, 0));
	assert_int_equal(deny_list_len(place->list), 3);
}

/* Each is "no list", and never "nobody is on it". */
static void what_is_no_list_is_none(void **state)
{
	static const char *const wrong[] = { "", "# none yet\n", "0x01\n", ONE "what\n",
					     ONE "0x0000000000000000000000000000000000000002" };
	struct place *place = *state;
	assert_false(looks(place));
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		put(place, wrong[i]);
		looks_later(place);
		if (looks_later(place) || looks_later(place))
			fail_msg("%s", wrong[i]);
		assert_aborts(deny_list_has(place->list, (struct address){ { 0 } }));
		put(place, ONE);
		looks_later(place);
		assert_true(looks_later(place));
	}
	assert_int_equal(unlink(place->path), 0);
	assert_false(looks_later(place));
	assert_int_equal(mkdir(place->path, 0700), 0);
	looks_later(place);
	assert_false(looks_later(place));
	assert_int_equal(rmdir(place->path), 0);
}

static void another_file_is_felt_without_a_restart(void **state)
{
	struct place *place = *state;
	put(place, ONE);
	assert_true(looks(place));
	put(place, ONE TWO);
	assert_true(looks(place)); /* within the second nobody looks */
	assert_false(has(place, 2));
	assert_true(looks_later(place));
	assert_true(looks_later(place));
	assert_true(has(place, 2));
	assert_int_equal(unlink(place->path), 0);
	assert_false(looks_later(place));
	put(place, TWO);
	looks_later(place);
	assert_true(looks_later(place));
	assert_true(has(place, 2) && !has(place, 1));
}

/* A pause of hours is no file that goes on changing. */
static void a_file_that_changed_in_a_pause_is_taken(void **state)
{
	struct place *place = *state;
	put(place, ONE);
	assert_true(looks(place));
	put(place, TWO);
	place->clock.now += 100 * DENY_LIST_SETTLE_MS;
	assert_true(looks(place));
	assert_true(looks_later(place));
	assert_true(has(place, 2) && !has(place, 1));
}

/* Half a list is shorter, and reads well. */
static void what_is_being_written_is_not_read(void **state)
{
	struct place *place = *state;
	put(place, ONE TWO);
	assert_true(looks(place));
	struct buf text = buf_new(4096);
	for (int i = 0; i < 8; i++) {
		buf_text(&text, ONE);
		write_to(place->path, buf_terminated(&text));
		assert_true(looks_later(place));
		assert_true(has(place, 2));
	}
	assert_true(looks_later(place)); /* it is still for a second */
	assert_false(has(place, 2));
	for (int i = 0; i < 12; i++) {
		buf_text(&text, ONE);
		write_to(place->path, buf_terminated(&text));
		(void)looks_later(place);
	}
	buf_free(&text);
	assert_false(looks(place)); /* nor is the old one believed for ever */
}

static void large_lists_are_taken(void **state)
{
	struct place *place = *state;
	FILE *file = fopen(place->path, "we");
	assert_non_null(file);
	for (unsigned i = 0; i < MANY; i++) /* in no order: 7919 has no factor in common */
		fprintf(file, "0x%040x\n", (i * 7919u) % MANY * 2);
	assert_int_equal(fclose(file), 0);
	assert_true(looks(place));
	assert_int_equal(deny_list_len(place->list), MANY);
	for (uint32_t i = 0; i < 2 * MANY; i++) {
		struct address one = {
			{ [17] = (uint8_t)(i >> 16), [18] = (uint8_t)(i >> 8), [19] = (uint8_t)i }
		};
		assert_int_equal(deny_list_has(place->list, one), i % 2 == 0);
	}
}

#define LISTED(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LISTED(entries_are_denied_and_nobody_else),
		LISTED(what_is_no_list_is_none),
		LISTED(another_file_is_felt_without_a_restart),
		LISTED(a_file_that_changed_in_a_pause_is_taken),
		LISTED(what_is_being_written_is_not_read),
		LISTED(large_lists_are_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
