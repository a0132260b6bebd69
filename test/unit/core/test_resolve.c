#include "core/resolve.h"

#include "../testing.h"

static const struct address wallet = { { 1 } };
static const struct address receiver = { { 2 } };
static const struct address contract = { { 3 } };
static const struct address stranger = { { 4 } };

static const uint8_t key_bytes[32] = { 7 };
static const struct mac_keys keys = { .keys = { { 1, key_bytes } }, .len = 1 };

static struct decision decision_of(const char *person, const char *key_id)
{
	struct decision decision = {
		.of = { .withdrawal = { { 1 } }, .transfer = { { 2 } }, .version = 7 },
		.verdict = RESOLVE_NOT_PAID,
		.decided_at = 1000
	};
	snprintf(decision.person, sizeof decision.person, "%s", person);
	snprintf(decision.key_id, sizeof decision.key_id, "%s", key_id);
	return decision;
}

/* The MAC covers each field: who, what, about which case, when. */
static void a_decision_is_what_was_sealed(void **state)
{
	(void)state;
	struct decision good = decision_of("ann", "a");
	decision_seal(&keys, &good);
	assert_true(decision_is_sealed(&keys, &good));
	for (int field = 0; field < 9; field++) {
		struct decision bad = good;
		switch (field) {
		case 0:
			bad.of.withdrawal.bytes[3]++;
			break;
		case 1:
			bad.of.transfer.bytes[3]++;
			break;
		case 2:
			bad.of.version++;
			break;
		case 3:
			bad.person[0] = 'b';
			break;
		case 4:
			bad.key_id[0] = 'b';
			break;
		case 5:
			bad.verdict = RESOLVE_PAID_BY;
			break;
		case 6:
			bad.tx_hash.bytes[0]++;
			break;
		case 7:
			bad.of.shown.bytes[0]++;
			break;
		default:
			bad.decided_at++;
		}
		assert_false(decision_is_sealed(&keys, &bad));
	}
	assert_aborts(decision_seal(&keys, &(struct decision){ .key_id = "a" }));
	assert_aborts(decision_seal(&keys, &(struct decision){ .person = "ann" }));
}

/* Of what people see of it each thing makes another case; that its slot is final makes none. */
static void a_case_is_what_people_saw(void **state)
{
	(void)state;
	const struct withdrawal row = { .intent.id = { { 1 } },
					.stage = WITHDRAWAL_ASSIGNED,
					.version = 7,
					.held_reason = "dead_letter" };
	const struct transfer slot = { .id = { { 2 } }, .stage = TRANSFER_MINED, .version = 9 };
	const struct resolve_case of = resolve_case_of(&row, &slot);
	assert_true(id_equal(of.withdrawal, row.intent.id) && id_equal(of.transfer, slot.id));
	assert_int_equal(of.version, 7);
	assert_int_equal(resolve_case_of(NULL, &slot).version, 9);
	assert_true(id_is_zero(resolve_case_of(NULL, &slot).withdrawal));
	assert_true(id_is_zero(resolve_case_of(&row, NULL).transfer));
	for (int field = 0; field <= 10; field++) {
		struct withdrawal other = row;
		struct transfer slot_of = slot;
		other.version += field == 0;
		other.round += field == 1;
		other.held_reason[0] ^= field == 2;
		other.stage = field == 3 ? WITHDRAWAL_COMPLETED : other.stage;
		slot_of.stage = field == 4 ? TRANSFER_BROADCAST : slot_of.stage;
		slot_of.outcome = field == 5 ? OUTCOME_FOREIGN : slot_of.outcome;
		slot_of.outcome = field == 10 ? OUTCOME_UNPROVEN : slot_of.outcome;
		slot_of.mined_hash.bytes[31] ^= field == 6;
		slot_of.held_reason[0] ^= field == 7;
		slot_of.stage = field == 8 ? TRANSFER_FINAL : slot_of.stage;
		slot_of.outcome = field == 8 ? OUTCOME_REVERTED : slot_of.outcome;
		struct resolve_case now = resolve_case_of(&other, &slot_of);
		assert_int_equal(resolve_case_equal(&of, &now), field == 8 || field == 9);
	}
}

static void two_different_people_decide(void **state)
{
	(void)state;
	struct decision both[3] = { decision_of("ann", "a"), decision_of("ben", "b"),
				    decision_of("cat", "c") };
	struct decision made;
	assert_false(resolve_is_decided(both, 0, &made));
	assert_false(resolve_is_decided(both, 1, &made));
	assert_true(resolve_is_decided(both, 2, &made));
	assert_string_equal(made.person, "ben");
	both[0].decided_at = 2000;
	assert_true(resolve_is_decided(both, 2, &made));
	assert_string_equal(made.person, "ann");
	/* One person twice is one, by name and by key. */
	both[1] = decision_of("ann", "b");
	assert_false(resolve_is_decided(both, 2, &made));
	both[1] = decision_of("ben", "a");
	assert_false(resolve_is_decided(both, 2, &made));
	both[1] = decision_of("Ann", "b");
	assert_false(resolve_is_decided(both, 2, &made));
	both[1] = decision_of("sso:ann", "b");
	assert_false(resolve_is_decided(both, 2, &made));
	/* A third one who says another thing stops it. */
	both[1] = decision_of("ben", "b");
	both[2].verdict = RESOLVE_PAID_BY;
	assert_false(resolve_is_decided(both, 3, &made));
	both[2] = decision_of("cat", "c");
	both[2].tx_hash.bytes[0] = 1;
	assert_false(resolve_is_decided(both, 3, &made));
	both[2] = decision_of("cat", "c");
	assert_true(resolve_is_decided(both, 3, &made));
	for (int field = 0; field < 4; field++) {
		both[2] = decision_of("cat", "c");
		both[2].of.version += field == 0 ? 1 : 0;
		both[2].of.transfer.bytes[0] ^= field == 1;
		both[2].of.withdrawal.bytes[0] ^= field == 2;
		both[2].of.shown.bytes[0] ^= field == 3;
		assert_false(resolve_is_decided(both, 3, &made));
	}
}

static void verdicts_are_read_back(void **state)
{
	(void)state;
	enum resolve_verdict verdict;
	assert_true(resolve_verdict_read(STR("paid_by"), &verdict));
	assert_int_equal(verdict, RESOLVE_PAID_BY);
	assert_true(resolve_verdict_read(STR("not_paid"), &verdict));
	assert_int_equal(verdict, RESOLVE_NOT_PAID);
	assert_false(resolve_verdict_read(STR("unknown"), &verdict));
	assert_string_equal(resolve_verdict_text((enum resolve_verdict)9), "unknown");
}

/* ---- what a transaction did ---- */

static struct wei wei_of(uint64_t units)
{
	return (struct wei){ u256_from_u64(units) };
}

static enum resolve_payment native(struct address from, struct address to, uint64_t value,
				   size_t data_len, bool success)
{
	const struct intent intent = { .is_native = true,
				       .to = receiver,
				       .amount = { u256_from_u64(100) } };
	const struct resolve_tx tx = { .from = from,
				       .to = to,
				       .value = wei_of(value),
				       .data_len = data_len,
				       .success = success };
	return resolve_payment_judge(&intent, wallet, &tx);
}

static void native_coin_is_paid_by_a_plain_payment(void **state)
{
	(void)state;
	assert_int_equal(native(wallet, receiver, 100, 0, true), PAYMENT_PROVEN);
	assert_int_equal(native(wallet, receiver, 100, 0, false), PAYMENT_EXCLUDED);
	assert_int_equal(native(stranger, receiver, 100, 0, true), PAYMENT_UNCLEAR);
	assert_int_equal(native(wallet, receiver, 99, 0, true), PAYMENT_UNCLEAR);
	assert_int_equal(native(wallet, receiver, 0, 0, true), PAYMENT_EXCLUDED);
	assert_int_equal(native(wallet, stranger, 100, 0, true), PAYMENT_EXCLUDED);
	assert_int_equal(native(wallet, stranger, 99, 68, true), PAYMENT_EXCLUDED);
	assert_int_equal(native(wallet, stranger, 100, 68, true), PAYMENT_UNCLEAR);
}

static struct abi_log log_of(struct address from, struct address to, uint64_t units)
{
	struct abi_log log = { .contract = contract, .topics_len = 3, .data_len = 32 };
	assert_true(hash32_read(
		STR("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"),
		&log.topics[0]));
	memcpy(log.topics[1].bytes + 12, from.bytes, ADDRESS_BYTES);
	memcpy(log.topics[2].bytes + 12, to.bytes, ADDRESS_BYTES);
	u256_to_bytes(u256_from_u64(units), log.data);
	return log;
}

static enum resolve_payment token(struct address to, const struct abi_log *logs, size_t logs_len)
{
	const struct intent intent = { .to = receiver,
				       .contract = contract,
				       .amount = { u256_from_u64(100) } };
	const struct resolve_tx tx = { .from = wallet,
				       .to = to,
				       .success = true,
				       .logs = logs,
				       .logs_len = logs_len,
				       .logs_cap = 2 };
	return resolve_payment_judge(&intent, wallet, &tx);
}

static void a_token_is_paid_by_its_log(void **state)
{
	(void)state;
	struct abi_log logs[2] = { log_of(wallet, receiver, 100), log_of(wallet, receiver, 100) };
	assert_int_equal(token(contract, logs, 1), PAYMENT_PROVEN);
	assert_int_equal(token(stranger, logs, 1), PAYMENT_UNCLEAR);
	assert_int_equal(token(contract, logs, 2), PAYMENT_UNCLEAR);
	assert_int_equal(token(contract, logs, 3), PAYMENT_UNCLEAR); /* more than were kept */
	assert_int_equal(token(contract, logs, 0), PAYMENT_EXCLUDED);
	logs[1] = log_of(wallet, stranger, 5);
	assert_int_equal(token(contract, logs, 2), PAYMENT_UNCLEAR);
	logs[1].contract = stranger; /* another token's */
	assert_int_equal(token(contract, logs, 2), PAYMENT_PROVEN);
	logs[1].contract = contract;
	logs[1].topics_len = 1; /* another event */
	assert_int_equal(token(contract, logs, 2), PAYMENT_PROVEN);
	logs[0] = log_of(wallet, stranger, 100);
	assert_int_equal(token(contract, logs, 1), PAYMENT_EXCLUDED);
	logs[0] = log_of(wallet, receiver, 99);
	assert_int_equal(token(contract, logs, 1), PAYMENT_UNCLEAR);
	logs[0] = log_of(stranger, receiver, 100);
	assert_int_equal(token(contract, logs, 1), PAYMENT_UNCLEAR);
}

/* ---- what becomes of it ---- */

static const struct resolve_facts unpaid_facts = { .verdict = RESOLVE_NOT_PAID,
						   .row_is_good = true,
						   .has_slot = true,
						   .slot_is_over = true,
						   .consumer = RESOLVE_SEEN_FINAL,
						   .consumer_payment = PAYMENT_EXCLUDED,
						   .named = RESOLVE_SEEN_UNKNOWN,
						   .named_payment = PAYMENT_UNCLEAR };

static void decide(const struct resolve_facts *facts, enum resolve_act act, enum reason reason)
{
	enum reason given = REASON_COUNT;
	assert_int_equal(resolve_decide(facts, &given), act);
	assert_int_equal(given, reason);
}

static void unpaid_is_proven_or_refused(void **state)
{
	(void)state;
	struct resolve_facts facts = unpaid_facts;
	decide(&facts, RESOLVE_UNPAID, REASON_NONE);
	facts.consumer_payment = PAYMENT_PROVEN;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_WAS_PAID);
	facts.consumer_payment = PAYMENT_UNCLEAR;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_MAY_HAVE_PAID);
	facts.consumer = RESOLVE_SEEN_ABSENT;
	decide(&facts, RESOLVE_WAIT, REASON_NONE);
	facts.slot_is_over = false;
	decide(&facts, RESOLVE_RELEASE, REASON_NONE);
	facts.has_slot = false;
	facts.slot_is_over = true;
	decide(&facts, RESOLVE_RELEASE, REASON_NONE);
	/* Nothing is ever paid on a MAC that does not verify. */
	facts.row_is_good = false;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_STILL_IN_DOUBT);
	facts.row_is_good = true;
	facts.verdict = (enum resolve_verdict)9;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_STILL_IN_DOUBT);
}

/* Status 1, and no log tells what the token did. */
static void a_silent_payment_is_what_people_say(void **state)
{
	(void)state;
	struct resolve_facts facts = unpaid_facts;
	facts.is_token_success = true;
	facts.moved = MOVED_UNKNOWN;
	decide(&facts, RESOLVE_WAIT, REASON_NONE); /* not all nodes have answered */
	facts.seen_by_all = true;
	decide(&facts, RESOLVE_UNPAID, REASON_NONE);
	facts.moved = MOVED_NOTHING;
	decide(&facts, RESOLVE_UNPAID, REASON_NONE);
	facts.moved = MOVED_MAYBE;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_MAY_HAVE_PAID);
	facts.consumer_payment = PAYMENT_UNCLEAR; /* a log names the receiver */
	facts.moved = MOVED_NOTHING;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_MAY_HAVE_PAID);

	facts.verdict = RESOLVE_PAID_BY;
	facts.named = RESOLVE_SEEN_FINAL;
	facts.named_is_own = true;
	facts.named_payment = PAYMENT_UNCLEAR;
	decide(&facts, RESOLVE_COMPLETE, REASON_NONE);
	facts.named_payment = PAYMENT_EXCLUDED;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_TX_IS_NO_PAYMENT);
	facts.moved = MOVED_UNKNOWN;
	decide(&facts, RESOLVE_COMPLETE, REASON_NONE);
	facts.moved = MOVED_MAYBE;
	decide(&facts, RESOLVE_COMPLETE, REASON_NONE);
	facts.named_is_own = false;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_TX_IS_NO_PAYMENT);
}

static enum resolve_moved moved(uint64_t wallet_after, uint64_t receiver_after, bool is_alone,
				const struct abi_log *logs, size_t logs_len)
{
	const struct intent intent = { .to = receiver,
				       .contract = contract,
				       .amount = { u256_from_u64(100) } };
	const struct resolve_tx tx = { .from = wallet,
				       .to = contract,
				       .success = true,
				       .logs = logs,
				       .logs_len = logs_len,
				       .logs_cap = 4 };
	const struct resolve_balances balances = {
		.known = true,
		.wallet = { u256_from_u64(1000), u256_from_u64(wallet_after) },
		.receiver = { u256_from_u64(50), u256_from_u64(receiver_after) },
		.is_alone = is_alone
	};
	return resolve_moved_judge(&intent, wallet, &tx, &balances);
}

static void balances_tell_what_no_log_does(void **state)
{
	(void)state;
	struct abi_log logs[5] = { log_of(wallet, stranger, 100), log_of(stranger, stranger, 7),
				   log_of(wallet, receiver, 7), log_of(wallet, stranger, 7),
				   log_of(wallet, stranger, 7) };
	const struct intent intent = { .to = receiver };
	const struct resolve_tx tx = { .logs_len = 0 };
	const struct resolve_balances unknown = { .known = false };
	assert_int_equal(resolve_moved_judge(&intent, wallet, &tx, &unknown), MOVED_UNKNOWN);
	assert_int_equal(moved(1000, 50, true, NULL, 0), MOVED_NOTHING);
	assert_int_equal(moved(1000, 50, false, NULL, 0), MOVED_NOTHING);
	assert_int_equal(moved(900, 150, true, NULL, 0), MOVED_MAYBE);
	assert_int_equal(moved(1000, 51, false, NULL, 0), MOVED_MAYBE);
	assert_int_equal(moved(999, 50, true, NULL, 0), MOVED_MAYBE);    /* swept at once */
	assert_int_equal(moved(900, 50, false, NULL, 0), MOVED_UNKNOWN); /* others paid too */
	assert_int_equal(moved(1000, 40, true, NULL, 0), MOVED_UNKNOWN);
	/* What its own logs say that others got is explained. */
	assert_int_equal(moved(900, 50, true, logs, 1), MOVED_NOTHING);
	assert_int_equal(moved(900, 50, true, logs, 3), MOVED_NOTHING);
	assert_int_equal(moved(899, 50, true, logs, 3), MOVED_MAYBE);
	assert_int_equal(moved(950, 50, true, logs, 1), MOVED_UNKNOWN);
	assert_int_equal(moved(900, 51, true, logs, 1), MOVED_MAYBE);
	/* Of more logs than are kept the rest says nothing. */
	assert_int_equal(moved(893, 50, true, logs, 5), MOVED_NOTHING);
	logs[0].contract = stranger;
	assert_int_equal(moved(900, 50, true, logs, 1), MOVED_MAYBE);
	logs[0].contract = contract;
	logs[0].topics_len = 1;
	assert_int_equal(moved(900, 50, true, logs, 1), MOVED_MAYBE);
}

static void paid_is_proven_or_refused(void **state)
{
	(void)state;
	struct resolve_facts facts = unpaid_facts;
	facts.verdict = RESOLVE_PAID_BY;
	facts.named = RESOLVE_SEEN_FINAL;
	facts.named_payment = PAYMENT_PROVEN;
	decide(&facts, RESOLVE_COMPLETE, REASON_NONE);
	facts.named_payment = PAYMENT_UNCLEAR;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_TX_IS_NO_PAYMENT);
	facts.named_payment = PAYMENT_PROVEN;
	facts.named_is_older = true;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_TX_IS_OLDER);
	facts.consumer = RESOLVE_SEEN_UNKNOWN;
	decide(&facts, RESOLVE_WAIT, REASON_NONE);
	facts.consumer = RESOLVE_SEEN_FINAL;
	facts.named = RESOLVE_SEEN_UNKNOWN;
	decide(&facts, RESOLVE_WAIT, REASON_NONE);
	facts.named = RESOLVE_SEEN_ABSENT;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_TX_NOT_FOUND);
	facts.named_is_anothers = true;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_TX_OF_ANOTHER);
	facts.slot_is_over = false;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_SLOT_IS_OPEN);
	facts.slot_is_over = true;
	facts.has_slot = false;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_SLOT_IS_OPEN);
}

static void clocks_differ_by_hours_at_most(void **state)
{
	(void)state;
	assert_false(resolve_is_older(7200000, 0));
	assert_false(resolve_is_older(5, 5));
	assert_false(resolve_is_older(5, 7200005));
	assert_true(resolve_is_older(5, 7200006));
}

/* Without a slot of its own it is completed by an earlier one; with one, once that is over. */
static void an_earlier_slot_paid(void **state)
{
	(void)state;
	struct resolve_facts facts = { .verdict = RESOLVE_PAID_BY,
				       .row_is_good = true,
				       .consumer = RESOLVE_SEEN_UNKNOWN,
				       .consumer_payment = PAYMENT_UNCLEAR,
				       .named = RESOLVE_SEEN_FINAL,
				       .named_payment = PAYMENT_PROVEN,
				       .named_is_earlier = true };
	decide(&facts, RESOLVE_COMPLETE, REASON_NONE);
	facts.named_payment = PAYMENT_EXCLUDED;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_TX_IS_NO_PAYMENT);
	facts.named = RESOLVE_SEEN_UNKNOWN;
	decide(&facts, RESOLVE_WAIT, REASON_NONE);
	facts.named = RESOLVE_SEEN_FINAL;
	facts.named_payment = PAYMENT_PROVEN;
	facts.has_slot = true;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_SLOT_IS_OPEN);
	facts.slot_is_over = true;
	decide(&facts, RESOLVE_WAIT, REASON_NONE);
	facts.consumer = RESOLVE_SEEN_FINAL;
	decide(&facts, RESOLVE_COMPLETE, REASON_NONE);
	facts.row_is_good = false;
	decide(&facts, RESOLVE_REFUSE, REASON_RESOLVE_STILL_IN_DOUBT);
}

static void what_was_taken_back_is_sent_again(void **state)
{
	(void)state;
	enum reason reason;
	struct resolve_back_facts facts = { .has_bytes = true };
	assert_int_equal(resolve_back_decide(&facts, &reason), RESOLVE_WAIT);
	facts.block_is_there = true;
	assert_int_equal(resolve_back_decide(&facts, &reason), RESOLVE_RELEASE);
	facts.block_is_gone = true; /* nodes are not of one mind */
	assert_int_equal(resolve_back_decide(&facts, &reason), RESOLVE_WAIT);
	facts.block_is_there = false;
	assert_int_equal(resolve_back_decide(&facts, &reason), RESOLVE_UNPAID);
	assert_int_equal(reason, REASON_NONE);
	facts.has_bytes = false;
	assert_int_equal(resolve_back_decide(&facts, &reason), RESOLVE_REFUSE);
	facts.has_bytes = facts.may_pay_again = true;
	assert_int_equal(resolve_back_decide(&facts, &reason), RESOLVE_REFUSE);
	assert_int_equal(reason, REASON_RESOLVE_WOULD_PAY_AGAIN);
	facts.has_room = true;
	assert_int_equal(resolve_back_decide(&facts, &reason), RESOLVE_FILL);
	assert_int_equal(reason, REASON_NONE);
	facts.later_is_out = true;
	assert_int_equal(resolve_back_decide(&facts, &reason), RESOLVE_REFUSE);
	assert_int_equal(reason, REASON_RESOLVE_LATER_ROUND_IS_OUT);
}

/* People say what the chain has, or are refused. */
static void what_ended_otherwise_is_told(void **state)
{
	(void)state;
	const struct {
		enum transfer_outcome outcome;
		enum resolve_verdict verdict;
		uint8_t named;
		enum resolve_act act;
	} rows[] = {
		{ OUTCOME_SUCCEEDED, RESOLVE_PAID_BY, 7, RESOLVE_RELEASE },
		{ OUTCOME_SUCCEEDED, RESOLVE_PAID_BY, 8, RESOLVE_REFUSE },
		{ OUTCOME_SUCCEEDED, RESOLVE_NOT_PAID, 0, RESOLVE_REFUSE },
		{ OUTCOME_REVERTED, RESOLVE_PAID_BY, 7, RESOLVE_REFUSE },
		{ OUTCOME_REPLACED, RESOLVE_NOT_PAID, 0, RESOLVE_RELEASE },
		{ OUTCOME_FOREIGN, RESOLVE_PAID_BY, 7, RESOLVE_RELEASE },
		{ OUTCOME_UNPROVEN, RESOLVE_NOT_PAID, 0, RESOLVE_RELEASE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct transfer slot = { .outcome = rows[i].outcome,
					       .mined_hash = { { 7 } } };
		const struct decision said = { .verdict = rows[i].verdict,
					       .tx_hash = { { rows[i].named } } };
		enum reason reason = REASON_FUNDS;
		assert_int_equal(resolve_otherwise_decide(&said, &slot, &reason), rows[i].act);
		assert_int_equal(reason == REASON_NONE, rows[i].act == RESOLVE_RELEASE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_decision_is_what_was_sealed),
		cmocka_unit_test(a_case_is_what_people_saw),
		cmocka_unit_test(what_ended_otherwise_is_told),
		cmocka_unit_test(two_different_people_decide),
		cmocka_unit_test(verdicts_are_read_back),
		cmocka_unit_test(native_coin_is_paid_by_a_plain_payment),
		cmocka_unit_test(a_token_is_paid_by_its_log),
		cmocka_unit_test(unpaid_is_proven_or_refused),
		cmocka_unit_test(a_silent_payment_is_what_people_say),
		cmocka_unit_test(balances_tell_what_no_log_does),
		cmocka_unit_test(paid_is_proven_or_refused),
		cmocka_unit_test(clocks_differ_by_hours_at_most),
		cmocka_unit_test(an_earlier_slot_paid),
		cmocka_unit_test(what_was_taken_back_is_sent_again),
	};
	return cmocka_run_group_tests_name("core/resolve", tests, NULL, NULL);
}
