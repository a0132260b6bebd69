/* What is asked of the journal, and appended to it, for many at once: each has its own answer. */
#include "journal_place.h"

/* A batch is looked for at once; one that is there, or that the batch has twice, has its own
 * verdict, and the others theirs. */
static void a_batch_is_new_but_for_one(void **state)
{
	struct place *place = *state;
	struct journal_entry entries[4];
	enum journal_verdict verdicts[4];
	struct err err = { 0 };

	for (uint8_t i = 0; i < 4; i++)
		entries[i] = payment((uint8_t)(10 + i), i);
	assert_true(journal_append_many(place->journal, entries, 4, verdicts, &err));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(verdicts[i], JOURNAL_WRITTEN);
	assert_int_equal(verified_rows(place), 12);
	for (uint8_t i = 0; i < 4; i++)
		entries[i] = payment((uint8_t)(20 + i), (uint64_t)(10 + i));
	entries[1] = payment(11, 1);                               /* is there */
	entries[2].right.withdrawal = entries[0].right.withdrawal; /* is the first one's */
	assert_true(journal_append_many(place->journal, entries, 4, verdicts, &err));
	assert_int_equal(verdicts[0], JOURNAL_WRITTEN);
	assert_int_equal(verdicts[1], JOURNAL_EQUAL);
	assert_int_equal(verdicts[2], JOURNAL_DIFFERENT);
	assert_int_equal(verdicts[3], JOURNAL_WRITTEN);
	assert_int_equal(verified_rows(place), 18);
	/* Each kind of row alone is in the way. */
	for (int kind = 0; kind < 2; kind++) {
		struct journal_entry two[2] = { payment((uint8_t)(40 + kind), 40),
						payment(50, 50) };
		if (kind == 0)
			two[0].slot = two[0].right.slot = payment(10, 0).slot;
		else
			memcpy(two[0].right.pay_tag, payment(10, 0).right.pay_tag, 32);
		two[1] = payment((uint8_t)(50 + kind), (uint64_t)(50 + kind));
		assert_true(journal_append_many(place->journal, two, 2, verdicts, &err));
		assert_int_equal(verdicts[0], JOURNAL_DIFFERENT);
		assert_int_equal(verdicts[1], JOURNAL_WRITTEN);
	}
	assert_int_equal(verified_rows(place), 24);
}

static void names_with_rights_are_told_apart(void **state)
{
	struct place *place = *state;
	struct journal_entry entry = payment(1, 7);
	struct journal_name names[4] = { { .withdrawal = entry.right.withdrawal },
					 { .withdrawal = payment(2, 0).right.withdrawal },
					 { .withdrawal = { { 0 } } },
					 { .withdrawal = payment(3, 0).right.withdrawal } };
	bool any[4] = { false, true, false, true };
	struct err err = { 0 };

	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	memcpy(names[1].pay_tag, payment(2, 0).right.pay_tag, 32);
	memcpy(names[2].pay_tag, entry.right.pay_tag, 32);
	memcpy(names[3].pay_tag, payment(3, 0).right.pay_tag, 32);
	assert_true(journal_rights_any(place->journal, names, 4, any, &err));
	assert_true(any[0] && !any[1] && any[2] && !any[3]);
	assert_true(journal_rights_any(place->journal, &names[1], 1, any, &err));
	assert_false(any[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(a_batch_is_new_but_for_one),
		AT_PLACE(names_with_rights_are_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
