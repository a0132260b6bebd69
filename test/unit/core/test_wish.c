#include "core/wish.h"

#include "../testing.h"

static const struct chain_params chain = { .bump_after_ms = 30000, .rebroadcast_after_ms = 15000 };

/* The lowest slot of its wallet, known to the node, left out by block after block. */
static struct wish_facts stuck(void)
{
	return (struct wish_facts){ .is_pending = true,
				    .is_lowest = true,
				    .bytes_age_ms = 30000,
				    .head_age_ms = 2000,
				    .heads_passed = WISH_HEADS_MIN };
}

static void assert_reason(struct wish_facts facts, enum wish wanted, enum wish_reason why)
{
	enum wish_reason reason = WISH_REASON_CANCEL;
	assert_int_equal(wish_choose(&chain, &facts, &reason), wanted);
	assert_int_equal(reason, why);
}

static void assert_wish(struct wish_facts facts, enum wish wanted)
{
	static const enum wish_reason reasons[] = {
		[WISH_NONE] = WISH_REASON_NONE,
		[WISH_REBROADCAST] = WISH_REASON_FORGOTTEN,
		[WISH_BUMP] = WISH_REASON_AGE,
	};
	assert_reason(facts, wanted, reasons[wanted]);
}

static void assert_pressed(struct wish_facts facts)
{
	assert_reason(facts, WISH_BUMP, WISH_REASON_FEE_PRESSURE);
}

static void what_blocks_leave_out_is_bumped(void **state)
{
	(void)state;
	struct wish_facts facts = stuck();
	assert_wish(facts, WISH_BUMP);
	facts.bytes_age_ms = 29999;
	assert_wish(facts, WISH_NONE);
	facts = stuck();
	facts.heads_passed = WISH_HEADS_MIN - 1;
	assert_wish(facts, WISH_NONE);
	facts = stuck();
	facts.is_lowest = false;
	assert_wish(facts, WISH_NONE);
}

static void while_no_blocks_come_nothing_is_bumped(void **state)
{
	(void)state;
	struct wish_facts facts = stuck();
	facts.head_age_ms = 30000;
	assert_wish(facts, WISH_NONE);
	facts.is_priced_out = true;
	assert_wish(facts, WISH_NONE);
	facts.is_pending = false;
	assert_wish(facts, WISH_REBROADCAST);
}

static void what_is_forgotten_is_sent_again_first(void **state)
{
	(void)state;
	struct wish_facts facts = stuck();
	facts.is_pending = false;
	facts.is_forgotten = true;
	facts.bytes_age_ms = 600000;
	facts.forgotten_ms = 0;
	assert_wish(facts, WISH_REBROADCAST);
	facts.forgotten_ms = 29999;
	assert_wish(facts, WISH_REBROADCAST);
	/* Again and again, while blocks come: a pool that drops what is underpriced. */
	facts.forgotten_ms = 30000;
	assert_wish(facts, WISH_BUMP);
	facts.heads_passed = 0;
	assert_wish(facts, WISH_REBROADCAST);
	/* Sent again and known: it has its time from then. */
	facts = stuck();
	facts.is_forgotten = true;
	facts.bytes_age_ms = 600000;
	facts.forgotten_ms = 29999;
	assert_wish(facts, WISH_NONE);
	facts.forgotten_ms = 30000;
	assert_wish(facts, WISH_BUMP);
}

static void what_the_base_fee_has_passed_is_bumped_wherever_it_stands(void **state)
{
	(void)state;
	struct wish_facts facts = stuck();
	facts.is_priced_out = true;
	assert_pressed(facts);
	facts.is_lowest = false;
	facts.heads_passed = 0;
	assert_pressed(facts);
	/* One interval after it was signed: it need not grow old. */
	facts.bytes_age_ms = 15000;
	assert_pressed(facts);
	facts.is_pending = false;
	facts.is_forgotten = true;
	assert_pressed(facts);
	facts.bytes_age_ms = 14999;
	assert_wish(facts, WISH_REBROADCAST);
	facts.is_pending = true;
	assert_wish(facts, WISH_NONE);
}

static void what_the_market_outbids_is_bumped_where_others_wait_for_it(void **state)
{
	(void)state;
	struct wish_facts facts = stuck();
	facts.is_underbid = true;
	facts.bytes_age_ms = 15000;
	assert_pressed(facts);
	facts.heads_passed = WISH_HEADS_MIN - 1;
	assert_wish(facts, WISH_NONE);
	facts = stuck();
	facts.is_underbid = true;
	facts.is_lowest = false;
	assert_wish(facts, WISH_NONE);
	facts.is_lowest = true;
	facts.bytes_age_ms = 14999;
	assert_wish(facts, WISH_NONE);
}

static void every_reason_has_a_text(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"", "forgotten", "age", "fee_pressure", "node_refused", "speed_up", "cancel"
	};
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_string_equal(wish_reason_text((enum wish_reason)i), texts[i]);
	assert_string_equal(wish_reason_text((enum wish_reason)COUNT_OF(texts)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_blocks_leave_out_is_bumped),
		cmocka_unit_test(while_no_blocks_come_nothing_is_bumped),
		cmocka_unit_test(what_is_forgotten_is_sent_again_first),
		cmocka_unit_test(what_the_base_fee_has_passed_is_bumped_wherever_it_stands),
		cmocka_unit_test(what_the_market_outbids_is_bumped_where_others_wait_for_it),
		cmocka_unit_test(every_reason_has_a_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
