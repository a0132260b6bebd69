#include "core/reason.h"

#include "core/limits.h"
#include "core/refusal.h"

#include "../testing.h"

static void codes_are_unique_and_read_back(void **state)
{
	(void)state;
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		enum reason read = REASON_NONE;
		const char *code = reason_code((enum reason)i);
		assert_true(code[0] != 0 && strlen(code) <= REASON_LEN_MAX);
		assert_int_equal(strspn(code, "abcdefghijklmnopqrstuvwxyz_"), strlen(code));
		assert_true(reason_read(str_from(code), &read));
		assert_int_equal(read, i); /* the first of its code: hence the only one */
		assert_true(reason_text((enum reason)i)[0] != 0);
		assert_true(reason_uses((enum reason)i) != 0);
	}
	enum reason kept = REASON_FUNDS;
	assert_false(reason_read(STR("frob"), &kept));
	assert_false(reason_read(STR(""), &kept));
	assert_int_equal(kept, REASON_FUNDS);
}

/* Rows, clients and people's scripts have them. Neither renamed nor removed: only added. */
static const char *const pinned[] = {
	"slot",
	"funds",
	"funds_above_ceiling",
	"chain_unavailable",
	"chain_is_ahead",
	"unavailable",
	"asset_reverts",
	"gas_above_ceiling",
	"fee_above_cap",
	"hour_limit",
	"day_limit",
	"approval_expired",
	"approvals_missing",
	"paused",
	"previous_round_not_proven_unpaid",
	"not_proven_unpaid",
	"restore_not_reconciled",
	"dead_letter",
	"approver_signature_missing",
	"intent_mac_invalid",
	"approval_mac_invalid",
	"asset_mismatch",
	"right_already_spent",
	"rounds_do_not_match_journal",
	"round_was_paid",
	"round_has_a_slot",
	"journal_void_unreadable",
	"slot_rows_missing",
	"slot_rows_mismatch",
	"withdrawal_missing",
	"payload_mismatch",
	"slot_mismatch",
	"attempt_missing",
	"attempt_mismatch",
	"success_without_proof",
	"success_without_attempt",
	"payout_unbound",
	"journal_was_lost",
	"may_be_paid_by_unbound",
	"restored_undecided",
	"nonce_consumed_elsewhere",
	"final_taken_back",
	"settled_otherwise",
	"node_says_invalid",
	"signature_mismatch",
	"nonces_not_dense",
	"journal_is_ahead",
	"journal_is_behind",
	"journal_differs",
	"reconciliation_differs",
	"recovering",
	"recovered",
	"not_recovered",
	"resolve_still_in_doubt",
	"resolve_slot_is_open",
	"resolve_tx_not_found",
	"resolve_tx_is_no_payment",
	"resolve_tx_of_another",
	"resolve_tx_is_older",
	"resolve_was_paid",
	"resolve_may_have_paid",
	"resolve_block_stands",
	"resolve_would_pay_again",
	"resolve_later_round_is_out",
	"resolve_equal_is_unclaimed",
	"policy_unavailable",
	"limit_unreadable",
	"deny_list_unavailable",
	"screening_unavailable",
	"screening_busy",
};

static void codes_are_pinned(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(pinned); i++) {
		enum reason reason;
		assert_true(reason_read(str_from(pinned[i]), &reason));
	}
	assert_int_equal(COUNT_OF(pinned), REASON_COUNT - 1);
}

static void waits_are_due_and_routine_ones_are_no_alarm(void **state)
{
	(void)state;
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		enum reason reason = (enum reason)i;
		if ((reason_uses(reason) & REASON_WAITS) != 0)
			assert_true(reason_due_in_ms(reason, 5000) > 0);
		else
			assert_true(reason_is_alarm(reason));
		if (reason_is_of_journal(reason))
			assert_int_equal(reason_uses(reason), REASON_STOPS);
		if (reason_pauses_store(reason))
			assert_int_equal(reason_uses(reason), REASON_STOPS);
	}
	assert_true(reason_pauses_store(REASON_RECOVERING));
	assert_true(reason_pauses_store(REASON_RECOVERED));
	assert_false(reason_pauses_store(REASON_JOURNAL_IS_AHEAD));
	assert_false(reason_pauses_store(REASON_JOURNAL_DIFFERS));
	assert_int_equal(reason_due_in_ms(REASON_FUNDS, 1234), 1234);
	assert_int_equal(reason_due_in_ms(REASON_NOT_PROVEN_UNPAID, 1234), 15000);
	assert_false(reason_is_alarm(REASON_SLOT));
	assert_false(reason_is_alarm(REASON_APPROVAL_EXPIRED));
	assert_true(reason_is_alarm(REASON_FUNDS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_unique_and_read_back),
		cmocka_unit_test(codes_are_pinned),
		cmocka_unit_test(waits_are_due_and_routine_ones_are_no_alarm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
