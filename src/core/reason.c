#include "core/reason.h"

#include "base/check.h"
#include "core/timing.h"

#include <stddef.h>
#include <string.h>

struct reason_row {
	const char *code;
	unsigned uses;
	int64_t due_in_ms; /* 0: signer.funds_wait_ms */
	bool is_routine;   /* a wait that no person need know of */
	bool is_of_journal;
	bool pauses_store;
	const char *text;
};

#define WAIT(due_in_ms, text)     REASON_WAITS, due_in_ms, false, false, false, text
#define ROUTINE(due_in_ms, text)  REASON_WAITS, due_in_ms, true, false, false, text
#define HOLD(text)                REASON_HOLDS, 0, false, false, false, text
#define HOLD_STOP(text)           REASON_HOLDS | REASON_STOPS, 0, false, false, false, text
#define STOP(text)                REASON_STOPS, 0, false, false, false, text
#define STOP_BY_JOURNAL(text)     REASON_STOPS, 0, false, true, false, text
#define STOP_ALL_BY_JOURNAL(text) REASON_STOPS, 0, false, true, true, text
#define STOP_ALL(text)            REASON_STOPS, 0, false, false, true, text
#define REFUSE(text)              REASON_REFUSES, 0, false, false, false, text

static const struct reason_row rows[REASON_COUNT] = {
	[REASON_NONE] = { "", 0, 0, true, false, false, "" },
	[REASON_SLOT] = { "slot", ROUTINE(0, "all nonce slots of the wallets are in use") },
	[REASON_FUNDS] = { "funds", WAIT(0, "no wallet covers the amount and its gas") },
	[REASON_FUNDS_ABOVE_CEILING] = { "funds_above_ceiling",
					 WAIT(0, "no wallet covers it, and it is above the "
						 "signer's limits of a wallet") },
	[REASON_CHAIN_UNAVAILABLE] = { "chain_unavailable",
				       WAIT(0, "no node of the chain answers") },
	[REASON_CHAIN_IS_AHEAD] = { "chain_is_ahead",
				    WAIT(0, "a wallet of the chain has sent what the store does "
					    "not know: it is read, as deep as \"unpaid\" asks "
					    "for, before anybody is paid or told that he is not") },
	[REASON_UNAVAILABLE] = { "unavailable", WAIT(0, "a part of the signer is away") },
	[REASON_ASSET_REVERTS] = { "asset_reverts",
				   WAIT(0, "the token moves for nobody: it is paused, "
					   "or the wallet is blocked") },
	[REASON_GAS_ABOVE_CEILING] = { "gas_above_ceiling",
				       WAIT(0, "the payment needs more gas than is allowed") },
	[REASON_FEE_ABOVE_CAP] = { "fee_above_cap", WAIT(0, "fees are above the configured cap") },
	[REASON_HOUR_LIMIT] = { "hour_limit", WAIT(0, "the signer's limit of an hour is reached") },
	[REASON_DAY_LIMIT] = { "day_limit", WAIT(0, "the signer's limit of a day is reached") },
	[REASON_APPROVAL_EXPIRED] = { "approval_expired",
				      ROUTINE(EXPIRED_WAIT_MS,
					      "the processor renews the approval") },
	[REASON_APPROVALS_MISSING] = { "approvals_missing",
				       ROUTINE(PAUSED_WAIT_MS,
					       "people are asked again: the policy or its lists "
					       "have changed since they approved, or nobody "
					       "signed it") },
	[REASON_PAUSED] = { "paused", ROUTINE(PAUSED_WAIT_MS,
					      "people have paused everything, its chain, asset or "
					      "account, or all wallets that could pay it") },
	[REASON_POLICY_UNAVAILABLE] = { "policy_unavailable",
					WAIT(0, "there is no policy that can be believed: set "
						"one with `sluice policy set`") },
	[REASON_LIMIT_UNREADABLE] = { "limit_unreadable",
				      WAIT(0, "what a limit has let through lately was changed by "
					      "somebody else") },
	[REASON_DENY_LIST_UNAVAILABLE] = { "deny_list_unavailable",
					   WAIT(0, "there is no deny-list that can be read, and so "
						   "nobody is known not to be on it") },
	[REASON_SCREENING_UNAVAILABLE] = { "screening_unavailable",
					   ROUTINE(SCREENING_WAIT_MS,
						   "the screening service gave no answer that "
						   "counts: it is asked again, and nobody is paid "
						   "without its yes") },
	[REASON_SCREENING_BUSY] = { "screening_busy",
				    ROUTINE(SCREENING_WAIT_MS,
					    "many others are before it at the screening "
					    "service") },
	[REASON_PREVIOUS_ROUND_NOT_PROVEN_UNPAID] = { "previous_round_not_proven_unpaid",
						      WAIT(PROOF_WAIT_MS,
							   "the chain does not prove yet that the round before was not "
							   "paid") },
	[REASON_NOT_PROVEN_UNPAID] = { "not_proven_unpaid",
				       WAIT(PROOF_WAIT_MS,
					    "its transfer is final, and the chain "
					    "does not prove yet that it did not pay") },
	[REASON_RESTORE_NOT_RECONCILED] = { "restore_not_reconciled",
					    WAIT(PROOF_WAIT_MS,
						 "its right was spent on a slot that the store does not "
						 "know: the store is an old one, and `sluice reconcile "
						 "--after-restore` finds out what was paid") },

	[REASON_DEAD_LETTER] = { "dead_letter",
				 HOLD("its message was received too often without a verdict; "
				      "`sluice dlq redrive` lets it go on") },
	[REASON_APPROVER_SIGNATURE_MISSING] = { "approver_signature_missing",
						HOLD("its amount needs an approver's own "
						     "signature, and there is none") },
	[REASON_INTENT_MAC_INVALID] = { "intent_mac_invalid",
					HOLD("the row is not what the API accepted") },
	[REASON_APPROVAL_MAC_INVALID] = { "approval_mac_invalid",
					  HOLD("the row is not what the processor approved") },
	[REASON_ASSET_MISMATCH] = { "asset_mismatch",
				    HOLD("the asset is configured in another way than when it was "
					 "asked for") },
	[REASON_RIGHT_ALREADY_SPENT] = { "right_already_spent",
					 HOLD_STOP("the journal has its right to be paid as "
						   "spent") },
	[REASON_ROUNDS_DO_NOT_MATCH_JOURNAL] = { "rounds_do_not_match_journal",
						 HOLD_STOP("row and journal count its rounds "
							   "differently") },
	[REASON_ROUND_WAS_PAID] = { "round_was_paid",
				    HOLD("the chain shows that the round before was paid") },
	[REASON_ROUND_HAS_A_SLOT] = { "round_has_a_slot", HOLD("its round has a slot already") },
	[REASON_JOURNAL_VOID_UNREADABLE] = { "journal_void_unreadable",
					     HOLD("the journal ended it in a way that this version "
						  "does not know") },
	[REASON_SLOT_ROWS_MISSING] = { "slot_rows_missing",
				       HOLD("the rows of the slot that it was bound to are gone") },
	[REASON_SLOT_ROWS_MISMATCH] = { "slot_rows_mismatch",
					HOLD("the rows of its slot do not belong to it") },
	[REASON_WITHDRAWAL_MISSING] = { "withdrawal_missing",
					HOLD_STOP(
						"the slot names a withdrawal that is not there") },
	[REASON_PAYLOAD_MISMATCH] = { "payload_mismatch",
				      HOLD_STOP("the slot would pay something else than its row "
						"says") },
	[REASON_SLOT_MISMATCH] = { "slot_mismatch",
				   HOLD_STOP("the slot is not the one that the journal knows") },
	[REASON_ATTEMPT_MISSING] = { "attempt_missing",
				     HOLD_STOP("the slot was signed, and its bytes are gone") },
	[REASON_ATTEMPT_MISMATCH] = { "attempt_mismatch",
				      HOLD_STOP("stored bytes are not this slot's transaction") },
	[REASON_SUCCESS_WITHOUT_PROOF] = { "success_without_proof",
					   HOLD("its transaction succeeded, and no proof of the "
						"payment is in the receipt") },
	[REASON_SUCCESS_WITHOUT_ATTEMPT] = { "success_without_attempt",
					     HOLD("a transaction that succeeded is no attempt of "
						  "its slot") },
	[REASON_PAYOUT_UNBOUND] = { "payout_unbound",
				    HOLD("of a slot: it paid a withdrawal that the restored store "
					 "does not know; bound when its client repeats its key") },
	[REASON_JOURNAL_WAS_LOST] = { "journal_was_lost",
				      HOLD("it was accepted before the journal was lost: nobody "
					   "but people can say that it was not paid or ended "
					   "since") },
	[REASON_MAY_BE_PAID_BY_UNBOUND] = { "may_be_paid_by_unbound",
					    HOLD("asset, receiver and amount are those of a payout "
						 "whose withdrawal is not known") },
	[REASON_RESTORED_UNDECIDED] = { "restored_undecided",
					HOLD("the store was restored, and the backup is older than "
					     "its approval: nobody but people can say that it was "
					     "not canceled or rejected since") },

	[REASON_NONCE_CONSUMED_ELSEWHERE] = { "nonce_consumed_elsewhere",
					      HOLD_STOP("a transaction that is none of ours has a "
							"nonce of the wallet") },
	[REASON_FINAL_TAKEN_BACK] = { "final_taken_back",
				      HOLD_STOP(
					      "the chain took back a block in which something was "
					      "final") },
	[REASON_SETTLED_OTHERWISE] = { "settled_otherwise",
				       HOLD_STOP("of a slot that was taken back: it ended in "
						 "another way than its client was told") },
	[REASON_NODE_SAYS_INVALID] = { "node_says_invalid",
				       STOP("the node refuses the wallet's transactions as "
					    "invalid") },
	[REASON_SIGNATURE_MISMATCH] = { "signature_mismatch",
					STOP("the key signs for another address than the pinned "
					     "one") },
	[REASON_NONCES_NOT_DENSE] = { "nonces_not_dense",
				      STOP_BY_JOURNAL("a nonce without a slot would keep all later "
						      "ones waiting") },
	[REASON_JOURNAL_IS_AHEAD] = { "journal_is_ahead",
				      STOP_BY_JOURNAL("the journal knows slots that the store does "
						      "not: the store is an old one") },
	[REASON_JOURNAL_IS_BEHIND] = { "journal_is_behind",
				       STOP_BY_JOURNAL(
					       "the store has signed slots that the journal "
					       "does not know: the journal is lost") },
	[REASON_JOURNAL_DIFFERS] = { "journal_differs",
				     STOP_BY_JOURNAL("store and journal tell of a slot "
						     "differently") },
	[REASON_RECONCILIATION_DIFFERS] = { "reconciliation_differs",
					    STOP("what the chain says that the wallet did is not "
						 "what the store says") },
	[REASON_RECOVERING] = { "recovering",
				STOP_ALL_BY_JOURNAL(
					"the store was restored; `sluice reconcile "
					"--after-restore` has yet to find what was paid since") },
	[REASON_RECOVERED] = { "recovered",
			       STOP_ALL("the store was restored and reconciled; `sluice unpause` "
					"lets it pay again") },
	[REASON_NOT_RECOVERED] = { "not_recovered",
				   STOP_BY_JOURNAL(
					   "the store was recovered while the wallet was not "
					   "configured: what it sent since the backup is "
					   "not known") },

	[REASON_RESOLVE_STILL_IN_DOUBT] = { "resolve_still_in_doubt",
					    REFUSE("MACs or journal still do not say what the row "
						   "says") },
	[REASON_RESOLVE_SLOT_IS_OPEN] = { "resolve_slot_is_open",
					  REFUSE("no block has its slot yet: what is out may still "
						 "pay") },
	[REASON_RESOLVE_TX_NOT_FOUND] = { "resolve_tx_not_found",
					  REFUSE("the named transaction is in no block") },
	[REASON_RESOLVE_TX_IS_NO_PAYMENT] = { "resolve_tx_is_no_payment",
					      REFUSE("the named transaction does not pay exactly "
						     "this, from this wallet") },
	[REASON_RESOLVE_TX_OF_ANOTHER] = { "resolve_tx_of_another",
					   REFUSE("the named transaction belongs to another slot, "
						  "or paid another withdrawal") },
	[REASON_RESOLVE_TX_IS_OLDER] = { "resolve_tx_is_older",
					 REFUSE("the named transaction was mined before the "
						"withdrawal was asked for") },
	[REASON_RESOLVE_WAS_PAID] = { "resolve_was_paid",
				      REFUSE("the transaction that has its nonce pays it") },
	[REASON_RESOLVE_MAY_HAVE_PAID] = { "resolve_may_have_paid",
					   REFUSE("the transaction that has its nonce may have "
						  "paid it") },
	[REASON_RESOLVE_BLOCK_STANDS] = { "resolve_block_stands",
					  REFUSE("the block in which it was final is still the "
						 "chain's") },
	[REASON_RESOLVE_WOULD_PAY_AGAIN] = { "resolve_would_pay_again",
					     REFUSE("its bytes would pay a withdrawal that went on "
						    "without them, and no other can be made") },
	[REASON_RESOLVE_LATER_ROUND_IS_OUT] = { "resolve_later_round_is_out",
						REFUSE("a payment of a later round is out: to be "
						       "canceled, or final, first") },
	[REASON_RESOLVE_EQUAL_IS_UNCLAIMED] = { "resolve_equal_is_unclaimed",
						REFUSE("a payment of exactly this is nobody's: it "
						       "paid this one, or is to be named as "
						       "another one's") },
};

static const struct reason_row *row_of(enum reason reason)
{
	CHECK(reason >= REASON_NONE && reason < REASON_COUNT);
	return &rows[reason];
}

const char *reason_code(enum reason reason)
{
	return row_of(reason)->code;
}

const char *reason_text(enum reason reason)
{
	return row_of(reason)->text;
}

unsigned reason_uses(enum reason reason)
{
	return row_of(reason)->uses;
}

bool reason_is_alarm(enum reason reason)
{
	return !row_of(reason)->is_routine;
}

bool reason_is_of_journal(enum reason reason)
{
	return row_of(reason)->is_of_journal;
}

bool reason_pauses_store(enum reason reason)
{
	return row_of(reason)->pauses_store;
}

int64_t reason_due_in_ms(enum reason reason, int64_t funds_wait_ms)
{
	const struct reason_row *row = row_of(reason);
	CHECK((row->uses & REASON_WAITS) != 0 && funds_wait_ms > 0);
	return row->due_in_ms > 0 ? row->due_in_ms : funds_wait_ms;
}

bool reason_read(struct str code, enum reason *ret_reason)
{
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		if (str_equal_text(code, rows[i].code)) {
			*ret_reason = (enum reason)i;
			return true;
		}
	}
	return false;
}

static void due_write(struct buf *out, const struct reason_row *row)
{
	if (row->due_in_ms == 0)
		buf_text(out, "`signer.funds_wait_ms`");
	else
		timing_write(row->due_in_ms, out);
}

void reason_write_markdown(struct buf *out)
{
	buf_text(out, "## Reasons to wait\n\n"
		      "`wait_reason` of a withdrawal that is queued or assigned, event `waiting`. "
		      "Its message is done; the row is looked at again when it is due, or when "
		      "something wakes it.\n\n"
		      "| code | due after | alarm | meaning |\n| --- | --- | --- | --- |\n");
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		if ((rows[i].uses & REASON_WAITS) == 0)
			continue;
		buf_format(out, "| `%s` | ", rows[i].code);
		due_write(out, &rows[i]);
		buf_format(out, " | %s | %s |\n", rows[i].is_routine ? "–" : "yes", rows[i].text);
	}
	buf_text(out,
		 "\n## Reasons to hold\n\n"
		 "`held` of a withdrawal, event `held`, always an alarm: only a person lets it "
		 "go on. With \"stops\", the wallet whose slot it was found on stops as well, "
		 "with the same code.\n\n"
		 "| code | wallet | meaning |\n| --- | --- | --- |\n");
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if ((rows[i].uses & REASON_HOLDS) != 0)
			buf_format(out, "| `%s` | %s | %s |\n", rows[i].code,
				   (rows[i].uses & REASON_STOPS) != 0 ? "stops" : "–",
				   rows[i].text);
	buf_text(out,
		 "\n## Reasons to refuse a decision\n\n"
		 "What two people decided (`sluice resolve`) and the chain or the journal does "
		 "not bear out: event `resolve_refused`, and `wait_reason` of the row, which "
		 "stays held.\n\n"
		 "| code | meaning |\n| --- | --- |\n");
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (rows[i].uses == REASON_REFUSES)
			buf_format(out, "| `%s` | %s |\n", rows[i].code, rows[i].text);
	buf_text(out, "\n## Reasons for which a wallet stops\n\n"
		      "`stopped` of a wallet, always an alarm: it takes no new payouts until a "
		      "person starts it (`sluice wallet start`), with `--force` where it says "
		      "so.\n\n"
		      "| code | force | meaning |\n| --- | --- | --- |\n");
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (rows[i].uses == REASON_STOPS)
			buf_format(out, "| `%s` | %s | %s |\n", rows[i].code,
				   rows[i].is_of_journal ? "yes" : "–", rows[i].text);
}
