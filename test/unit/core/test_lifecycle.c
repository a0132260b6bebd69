#include "core/lifecycle.h"

#include "../document.h"
#include "../testing.h"

static void the_document_is_the_table(void **state)
{
	(void)state;
	assert_document("doc/lifecycle.md", lifecycle_write_markdown);
}

/* What the client may be told changes only by somebody who may change it. */
static void terminal_stages_are_never_left(void **state)
{
	(void)state;
	for (int from = WITHDRAWAL_COMPLETED; from <= WITHDRAWAL_CANCELED; from++) {
		assert_true(lifecycle_is_terminal((enum withdrawal_stage)from));
		for (int to = WITHDRAWAL_ACCEPTED; to <= WITHDRAWAL_CANCELED; to++)
			for (int actor = ACTOR_API; actor <= ACTOR_PERSON; actor++)
				assert_false(lifecycle_withdrawal_allows(
					(enum withdrawal_stage)from, (enum withdrawal_stage)to,
					(enum actor)actor));
	}
}

/* Rows may have been edited; a person still wants to see them. */
static void a_stage_that_does_not_exist_has_a_text(void **state)
{
	static const int stages[] = { -1, 0, WITHDRAWAL_CANCELED + 1, 1000 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(stages); i++) {
		enum withdrawal_stage stage = (enum withdrawal_stage)stages[i];
		assert_string_equal(withdrawal_stage_text(stage), "unknown");
		assert_string_equal(withdrawal_status_text(stage), "UNKNOWN");
		assert_int_equal(lifecycle_due_in_ms(stage), 0);
	}
}

/* From the approval on, only the signer ends a withdrawal unpaid (protocol.md 2). */
static void only_the_signer_ends_an_approved_withdrawal_unpaid(void **state)
{
	(void)state;
	for (int from = WITHDRAWAL_QUEUED; from <= WITHDRAWAL_ASSIGNED; from++)
		for (int to = WITHDRAWAL_FAILED; to <= WITHDRAWAL_CANCELED; to++)
			for (int actor = ACTOR_API; actor <= ACTOR_PERSON; actor++)
				if (lifecycle_withdrawal_allows((enum withdrawal_stage)from,
								(enum withdrawal_stage)to,
								(enum actor)actor))
					assert_true(actor == ACTOR_SIGNER ||
						    (actor == ACTOR_PERSON &&
						     from == WITHDRAWAL_ASSIGNED &&
						     to == WITHDRAWAL_CANCELED));
}

/* A person compares what was paid with what the row says, whatever made somebody doubt it. */
static void only_a_hold_without_doubt_ends_with_the_payment(void **state)
{
	(void)state;
	assert_true(lifecycle_paid_ends_hold(""));
	assert_true(lifecycle_paid_ends_hold("dead_letter"));
	assert_false(lifecycle_paid_ends_hold("intent_mac_invalid"));
	assert_false(lifecycle_paid_ends_hold("dead_letters"));
	assert_true(lifecycle_cancel_ends_hold("restored_undecided"));
	assert_false(lifecycle_cancel_ends_hold("journal_was_lost"));
	assert_false(lifecycle_cancel_ends_hold(""));
}

/* Every row that can move is looked at again; what is final is not. */
static void what_is_not_final_has_a_due_time(void **state)
{
	(void)state;
	for (int i = WITHDRAWAL_ACCEPTED; i <= WITHDRAWAL_CANCELED; i++) {
		enum withdrawal_stage stage = (enum withdrawal_stage)i;
		assert_true((lifecycle_due_in_ms(stage) > 0) != lifecycle_is_terminal(stage));
	}
}

static void texts_are_read_back(void **state)
{
	(void)state;
	enum withdrawal_stage first, last;
	for (int i = WITHDRAWAL_ACCEPTED; i <= WITHDRAWAL_CANCELED; i++) {
		const char *status = withdrawal_status_text((enum withdrawal_stage)i);
		assert_true(withdrawal_status_read(str_from(status), &first, &last));
		assert_true((int)first <= i && i <= (int)last);
		enum withdrawal_stage stage = WITHDRAWAL_ACCEPTED;
		const char *text = withdrawal_stage_text((enum withdrawal_stage)i);
		assert_true(withdrawal_stage_read(str_from(text), &stage));
		assert_int_equal(stage, i);
	}
	enum withdrawal_stage none;
	assert_false(withdrawal_stage_read(STR("unknown"), &none));
	assert_false(withdrawal_status_read(STR("queued"), &first, &last));
	static const enum queue_name queues[] = { QUEUE_REQUEST,     QUEUE_SIGNING,
						  QUEUE_MONITOR,     QUEUE_REQUEST_DLQ,
						  QUEUE_SIGNING_DLQ, QUEUE_MONITOR_DLQ };
	for (size_t i = 0; i < COUNT_OF(queues); i++) {
		enum queue_name queue;
		assert_true(queue_name_read(str_from(queue_name_text(queues[i])), &queue));
		assert_int_equal(queue, queues[i]);
	}
	enum queue_name no_queue;
	assert_false(queue_name_read(STR("none"), &no_queue));
	assert_string_equal(queue_name_text(QUEUE_NONE), "none");
}

static void every_value_has_a_text_of_its_own(void **state)
{
	static const char *const outcomes[] = { "none",     "succeeded", "reverted",
						"replaced", "foreign",   "unproven" };
	static const char *const transfers[] = { "reserved", "signed", "broadcast", "mined",
						 "final" };
	static const char *const actors[] = { "api", "processor", "signer", "monitor", "person" };
	(void)state;
	for (int i = OUTCOME_NONE; i <= OUTCOME_UNPROVEN; i++)
		assert_string_equal(transfer_outcome_text((enum transfer_outcome)i), outcomes[i]);
	for (int i = TRANSFER_RESERVED; i <= TRANSFER_FINAL; i++)
		assert_string_equal(transfer_stage_text((enum transfer_stage)i), transfers[i - 1]);
	for (int i = ACTOR_API; i <= ACTOR_PERSON; i++)
		assert_string_equal(actor_text((enum actor)i), actors[i - 1]);
	/* Of an edited row. */
	assert_string_equal(transfer_outcome_text((enum transfer_outcome)77), "unknown");
	assert_string_equal(transfer_stage_text((enum transfer_stage)77), "unknown");
	assert_string_equal(actor_text((enum actor)77), "unknown");
}

/* What is handed over wakes the one who goes on with it; what does not exist wakes nobody. */
static void a_hand_over_wakes_the_next_role(void **state)
{
	(void)state;
	assert_int_equal(lifecycle_withdrawal_wakes((enum withdrawal_stage)0, WITHDRAWAL_ACCEPTED),
			 QUEUE_REQUEST);
	assert_int_equal(lifecycle_withdrawal_wakes(WITHDRAWAL_ACCEPTED, WITHDRAWAL_QUEUED),
			 QUEUE_SIGNING);
	assert_int_equal(lifecycle_withdrawal_wakes(WITHDRAWAL_ASSIGNED, WITHDRAWAL_QUEUED),
			 QUEUE_SIGNING);
	assert_int_equal(lifecycle_withdrawal_wakes(WITHDRAWAL_QUEUED, WITHDRAWAL_ASSIGNED),
			 QUEUE_NONE);
	assert_int_equal(lifecycle_withdrawal_wakes(WITHDRAWAL_COMPLETED, WITHDRAWAL_QUEUED),
			 QUEUE_NONE);
}

/* T4, T12: a foreign transaction proves nothing about the payment. */
static void only_two_outcomes_prove_a_payment_unpaid(void **state)
{
	(void)state;
	assert_true(lifecycle_outcome_is_unpaid(OUTCOME_REVERTED));
	assert_true(lifecycle_outcome_is_unpaid(OUTCOME_REPLACED));
	assert_false(lifecycle_outcome_is_unpaid(OUTCOME_FOREIGN));
	assert_false(lifecycle_outcome_is_unpaid(OUTCOME_UNPROVEN));
	assert_false(lifecycle_outcome_is_unpaid(OUTCOME_SUCCEEDED));
	assert_false(lifecycle_outcome_is_unpaid(OUTCOME_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_is_the_table),
		cmocka_unit_test(terminal_stages_are_never_left),
		cmocka_unit_test(only_the_signer_ends_an_approved_withdrawal_unpaid),
		cmocka_unit_test(only_a_hold_without_doubt_ends_with_the_payment),
		cmocka_unit_test(what_is_not_final_has_a_due_time),
		cmocka_unit_test(texts_are_read_back),
		cmocka_unit_test(every_value_has_a_text_of_its_own),
		cmocka_unit_test(a_hand_over_wakes_the_next_role),
		cmocka_unit_test(a_stage_that_does_not_exist_has_a_text),
		cmocka_unit_test(only_two_outcomes_prove_a_payment_unpaid),
	};
	return cmocka_run_group_tests_name("core/lifecycle", tests, NULL, NULL);
}
