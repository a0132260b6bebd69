/* Nobody is paid what people have to approve before they have: as many as the rule wants, in time,
 * none of them who asked for it, each about this very payment under this very policy; and above an
 * asset's threshold one of them with a signature that neither API nor processor can make. */
#include "life_world.h"

#include "core/reason.h"
#include "core/refusal.h"
#include "core/transfer.h"
#include "port/store_policy.h"
#include "service/admin/approvals.h"

#define ASKS(n) "{\"rules\":[{\"name\":\"large\",\"effect\":\"approve\",\"approvals\":" #n "}]}"
#define ASKS_TWO_OF_THREE                                                         \
	"{\"rules\":[{\"name\":\"large\",\"effect\":\"approve\",\"approvals\":2," \
	"\"approvers\":[\"anna\",\"bert\",\"cleo\"],\"within\":\"2h\"}]}"
#define ASKS_WITH_A_LIMIT                                                           \
	"{\"rules\":[{\"name\":\"large\",\"effect\":\"approve\",\"approvals\":1}]," \
	"\"limits\":[{\"name\":\"one\",\"count\":1,\"window\":\"1h\"}]}"
#define HOUR_MS INT64_C(3600000)

static const uint8_t private_key[ED25519_KEY_BYTES] = { 7, 1, 2, 3 };

/* What the API does when somebody answers. NULL: it was taken; else the code of the refusal. */
static const char *say_signed(struct life *life, const struct withdrawal *row, const char *person,
			      enum vote_verdict verdict, bool is_signed)
{
	struct mac_keys keys = { .keys = { { 1, life->keys_bytes[6] } }, .len = 1 };
	struct withdrawal now = life_view(life, row->intent.id).withdrawal, judged;
	struct admin_approvals admin = { life->store,
					 &life->catalogue,
					 &keys,
					 { .who = person, .name = person, .person = person } };
	struct admin_word word = { .withdrawal = now.intent.id,
				   .verdict = verdict,
				   .is_signed = is_signed };
	char storage[VOTE_TEXT_LEN_MAX];
	struct buf text = buf_of(storage, sizeof storage);
	struct err err = { 0 };
	vote_text(&now.intent, &now.intent_mac, now.approval.policy_version, &text);
	word.digest = vote_digest(&now.intent, &now.intent_mac, now.approval.policy_version);
	if (is_signed)
		ed25519_sign(private_key, buf_view(&text), word.signature);
	if (admin_word_say(&admin, &word, clock_now_ms(&life->clock.base), &judged, &err))
		return NULL;
	assert_int_equal(err.kind, ERR_REFUSED);
	return err.code;
}

static const char *say(struct life *life, const struct withdrawal *row, const char *person,
		       enum vote_verdict verdict)
{
	return say_signed(life, row, person, verdict, false);
}

static struct withdrawal asked(struct life *life)
{
	struct withdrawal row = life_accept(life, "POL", 1000);
	life_run(life, 5);
	life_assert_stage(life, &row, WITHDRAWAL_AWAITING_APPROVAL);
	life_assert_unpaid(life, &row);
	return row;
}

static void assert_rejected(struct life *life, const struct withdrawal *row, enum refusal refusal)
{
	life_assert_stage(life, row, WITHDRAWAL_REJECTED);
	assert_string_equal(life_view(life, row->intent.id).withdrawal.failure_code,
			    refusal_code(refusal));
	life_assert_unpaid(life, row);
}

static void assert_asked_again(struct life *life, const struct withdrawal *row)
{
	life_assert_stage(life, row, WITHDRAWAL_QUEUED);
	assert_string_equal(life_view(life, row->intent.id).withdrawal.wait_reason,
			    reason_code(REASON_APPROVALS_MISSING));
	life_assert_unpaid(life, row);
}

static void test_two_people_approve(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS(2));
	struct withdrawal row = asked(life);
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	assert_string_equal(say(life, &row, "anna", VOTE_REJECT), "said_otherwise");
	life_run(life, 10);
	life_assert_stage(life, &row, WITHDRAWAL_AWAITING_APPROVAL);
	life_assert_unpaid(life, &row);
	assert_null(say(life, &row, "bert", VOTE_APPROVE));
	life_run(life, 40);
	life_assert_paid(life, &row);
	assert_string_equal(say(life, &row, "cleo", VOTE_APPROVE), "not_asked");
}

static void test_one_says_no(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS(2));
	struct withdrawal row = asked(life);
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	assert_null(say(life, &row, "bert", VOTE_REJECT));
	assert_null(say(life, &row, "cleo", VOTE_APPROVE));
	life_run(life, 20);
	assert_rejected(life, &row, REFUSAL_APPROVAL_DENIED);
}

/* As it stood when people were asked, by who has kept it. */
static void row_set_back(struct life *life, const struct withdrawal *before)
{
	const struct approval *asked = &before->approval;
	life_sql(life,
		 "UPDATE withdrawals SET stage = 2, due_at = 1, cancel_requested = 0, "
		 "failure_code = '', policy_version = %lld, approved_at = %lld, expires_at = %lld, "
		 "approval_key_id = %lld, approval_mac = %s",
		 (long long)asked->policy_version, (long long)asked->approved_at,
		 (long long)asked->expires_at, (long long)before->approval_mac.key_id,
		 life_blob(before->approval_mac.bytes, 32));
}

/* On a server the signer ends what was refused: who deletes the "no" and sets the row back finds as
 * many genuine "yes" as the rule wants, and they pay nobody. */
static void test_approved_by_nobody_once_there_was_a_no(void **state)
{
	struct life *life = *state;
	life->ends_by_signer = true;
	life_restart(life, LIFE_PROCESSOR);
	life_policy_set(life, ASKS(2));
	struct withdrawal row = asked(life);
	struct withdrawal before = life_view(life, row.intent.id).withdrawal;
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	assert_null(say(life, &row, "bert", VOTE_REJECT));
	assert_null(say(life, &row, "cleo", VOTE_APPROVE));
	life_run(life, 20);
	assert_rejected(life, &row, REFUSAL_APPROVAL_DENIED);
	life_sql(life, "DELETE FROM approvals WHERE verdict = %d", VOTE_REJECT);
	row_set_back(life, &before);
	life_run(life, 20);
	life_wait(life, 61000);
	life_run(life, 20);
	assert_rejected(life, &row, REFUSAL_APPROVAL_DENIED);
}

static void test_time_is_up(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS_TWO_OF_THREE);
	struct withdrawal late = asked(life), in_time = asked(life);
	assert_null(say(life, &late, "anna", VOTE_APPROVE));
	assert_null(say(life, &in_time, "anna", VOTE_APPROVE));
	assert_null(say(life, &in_time, "bert", VOTE_APPROVE));
	life_wait(life, 2 * HOUR_MS); /* the processor looks at both only now */
	assert_null(say(life, &late, "bert", VOTE_APPROVE));
	life_run(life, 40);
	assert_rejected(life, &late, REFUSAL_APPROVAL_TIMEOUT);
	life_assert_paid(life, &in_time);
}

/* Strangers to the rule are not heard, whatever they say. */
static void test_only_the_rules_people(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS_TWO_OF_THREE);
	struct withdrawal row = asked(life);
	assert_null(say(life, &row, "dora", VOTE_REJECT));
	assert_null(say(life, &row, "emil", VOTE_APPROVE));
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	life_run(life, 10);
	life_assert_stage(life, &row, WITHDRAWAL_AWAITING_APPROVAL);
	assert_null(say(life, &row, "cleo", VOTE_APPROVE));
	life_run(life, 40);
	life_assert_paid(life, &row);
}

/* A vote as an API that was taken over writes it. */
static void vote_write(struct life *life, const struct withdrawal *row, const char *person,
		       enum vote_verdict verdict)
{
	struct mac_keys keys = { .keys = { { 1, life->keys_bytes[6] } }, .len = 1 };
	struct withdrawal now = life_view(life, row->intent.id).withdrawal;
	struct vote vote = { .withdrawal = now.intent.id,
			     .policy_version = now.approval.policy_version,
			     .verdict = verdict,
			     .decided_at = clock_now_ms(&life->clock.base) };
	struct store_by by = {
		.actor = ACTOR_API, .who = "life", .request_id = "", .now_ms = vote.decided_at
	};
	struct store_change change = { .withdrawal = now.intent.id,
				       .version = now.version,
				       .from = now.stage,
				       .to = now.stage,
				       .event = "approval_given",
				       .wait_reason =
					       now.wait_reason[0] != 0 ? now.wait_reason : NULL,
				       .vote = &vote };
	struct err err = { 0 };
	snprintf(vote.person, sizeof vote.person, "%s", person);
	vote.shown = vote_digest(&now.intent, &now.intent_mac, vote.policy_version);
	vote_seal(&keys, &vote);
	assert_true(store_withdrawals_change(life->store, &change, 1, &by, &err));
	assert_true(change.applied);
}

static void test_approved_by_nobody_but_the_initiator(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS(1));
	struct withdrawal row = asked(life);
	assert_string_equal(say(life, &row, row.intent.created_by, VOTE_APPROVE),
			    "initiator_forbidden");
	vote_write(life, &row, row.intent.created_by, VOTE_APPROVE);
	life_run(life, 20);
	life_assert_stage(life, &row, WITHDRAWAL_AWAITING_APPROVAL);
	life_assert_unpaid(life, &row);
}

/* Nor by who made the API key that asked for it: that person has had the secret in hand. */
static void test_approved_by_nobody_but_the_keys_owner(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS(1));
	struct withdrawal row = asked(life);
	assert_string_equal(row.intent.key_owner, "olga");
	assert_string_equal(say(life, &row, "olga", VOTE_APPROVE), "initiator_forbidden");
	vote_write(life, &row, "olga", VOTE_APPROVE);
	life_run(life, 20);
	life_assert_stage(life, &row, WITHDRAWAL_AWAITING_APPROVAL);
	life_assert_unpaid(life, &row);
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	life_run(life, 40);
	life_assert_paid(life, &row);
}

/* An editor makes somebody else of the key's owner, whose word then is a stranger's: the processor
 * may count it, and the signer knows the row that the API wrote. */
static void test_owner_edited_to_be_heard(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS(1));
	struct withdrawal row = asked(life);
	life_sql(life, "UPDATE withdrawals SET key_owner = '' WHERE id = %s",
		 life_blob(row.intent.id.bytes, ID_BYTES));
	vote_write(life, &row, "olga", VOTE_APPROVE);
	life_wait(life, 60000);
	life_run(life, 20);
	(void)say(life, &row, "olga", VOTE_APPROVE);
	life_run(life, 40);
	life_assert_unpaid(life, &row);
}

/* What was said was said of a payment under a policy: under another one people are asked again. */
static void test_policy_changes_meanwhile(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS(2));
	struct withdrawal row = asked(life);
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	life_policy_set(life, ASKS(1));
	life_wait(life, 120000);
	life_run(life, 10);
	life_assert_stage(life, &row, WITHDRAWAL_AWAITING_APPROVAL);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.approval.policy_version, 3);
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	life_run(life, 40);
	life_assert_paid(life, &row);
}

/* An editor's approvals: of nobody, another's word turned round, and that of another payment. */
static void test_approved_by_nobody_but_an_editor(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS(1));
	struct withdrawal turned = asked(life), copied = asked(life), early = asked(life);
	vote_write(life, &early, "anna", VOTE_APPROVE);
	assert_null(say(life, &turned, "dora", VOTE_APPROVE));
	life_sql(life, "UPDATE approvals SET person = 'bert' WHERE withdrawal_id = %s",
		 life_blob(turned.intent.id.bytes, ID_BYTES));
	life_sql(life,
		 "INSERT INTO approvals SELECT %s, policy_version, person, shown, verdict, "
		 "decided_at, signature, mac_key_id, mac FROM approvals WHERE withdrawal_id = %s",
		 life_blob(copied.intent.id.bytes, ID_BYTES),
		 life_blob(early.intent.id.bytes, ID_BYTES));
	life_wait(life, 120000);
	life_run(life, 40);
	life_assert_paid(life, &early);
	life_assert_stage(life, &turned, WITHDRAWAL_AWAITING_APPROVAL);
	life_assert_stage(life, &copied, WITHDRAWAL_AWAITING_APPROVAL);
	life_assert_unpaid(life, &turned);
	life_assert_unpaid(life, &copied);
	assert_true(life_alarms(life, "approval_seal_broken") > 0);
}

/* People were shown one receiver, and an editor would have another one paid. */
static void test_row_edited_after_it_was_shown(void **state)
{
	struct life *life = *state;
	struct address thief = life_fresh_address(life);
	life_policy_set(life, ASKS(1));
	struct withdrawal row = asked(life);
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	life_sql(life, "UPDATE withdrawals SET receiver = %s WHERE id = %s",
		 life_blob(thief.bytes, ADDRESS_BYTES), life_blob(row.intent.id.bytes, ID_BYTES));
	life_run(life, 20);
	life_assert_unpaid(life, &row);
	assert_true(u256_is_zero(life_balance(life, "POL", thief)));
}

/* Who skips the people has an approval that ran out; they are asked, and then it is paid. */
static void test_stage_edited_while_it_waits(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS(1));
	struct withdrawal row = asked(life);
	life_sql(life, "UPDATE withdrawals SET stage = 3, due_at = 1 WHERE id = %s",
		 life_blob(row.intent.id.bytes, ID_BYTES));
	life_wait(life, 60000);
	life_run(life, 20);
	assert_asked_again(life, &row);
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	life_run(life, 40);
	life_assert_paid(life, &row);
}

/* A grant that ran out before its turn came is not renewed on the strength of an old word. */
static void test_approval_that_ran_out_is_asked_again(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS(1));
	struct withdrawal row = asked(life);
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	life_process(life);
	life_assert_stage(life, &row, WITHDRAWAL_QUEUED);
	life_wait(life, 25 * HOUR_MS);
	life_run(life, 20);
	assert_asked_again(life, &row);
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	life_run(life, 40);
	life_assert_paid(life, &row);
}

/* Room is taken when people are asked, so that they are not asked for nothing; and given back. */
static void test_room_of_what_people_refuse(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS_WITH_A_LIMIT);
	struct withdrawal first = asked(life);
	struct withdrawal second = life_accept(life, "POL", 1000);
	life_run(life, 10);
	assert_rejected(life, &second, REFUSAL_LIMIT_EXCEEDED);
	assert_null(say(life, &first, "anna", VOTE_REJECT));
	life_run(life, 10);
	assert_rejected(life, &first, REFUSAL_APPROVAL_DENIED);
	struct withdrawal third = asked(life);
	assert_null(say(life, &third, "anna", VOTE_APPROVE));
	life_run(life, 40);
	life_assert_paid(life, &third);
}

/* Rows that are asked again wait in the queue; while there is no policy, a "no" is said: it stands.
 */
static void test_refused_while_the_policy_is_away(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS(1));
	struct withdrawal row = asked(life);
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	life_process(life);
	life_wait(life, 25 * HOUR_MS);
	life_run(life, 20);
	assert_asked_again(life, &row);
	life_sql(life, "UPDATE policies SET set_at = set_at + 1");
	vote_write(life, &row, "bert", VOTE_REJECT);
	life_wait(life, 60000);
	life_run(life, 10);
	life_sql(life, "UPDATE policies SET set_at = set_at - 1");
	life_wait(life, 60000);
	life_run(life, 10);
	(void)say(life, &row, "anna", VOTE_APPROVE);
	life_run(life, 40);
	life_assert_unpaid(life, &row);
	life_assert_stage(life, &row, WITHDRAWAL_CANCELED);
}

/* The room that was taken when people were asked is theirs, also when its window is long over. */
static void test_room_is_kept_for_who_is_asked(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS_WITH_A_LIMIT);
	struct withdrawal first = asked(life);
	life_wait(life, 5 * HOUR_MS / 2);
	struct withdrawal second = asked(life);
	life_wait(life, HOUR_MS);
	life_run(life, 5);
	assert_null(say(life, &first, "anna", VOTE_APPROVE));
	assert_null(say(life, &second, "anna", VOTE_APPROVE));
	life_run(life, 40);
	life_assert_paid(life, &first);
	life_assert_paid(life, &second);
}

static void test_canceled_while_it_waits(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS(1));
	struct withdrawal row = asked(life);
	assert_true(life_cancel(life, &row));
	life_run(life, 20);
	life_assert_stage(life, &row, WITHDRAWAL_CANCELED);
	assert_string_equal(say(life, &row, "anna", VOTE_APPROVE), "not_asked");
	life_run(life, 20);
	life_assert_unpaid(life, &row);
}

static void signatures_wanted(struct life *life)
{
	struct catalogue *catalogue = &life->catalogue;
	for (size_t i = 0; i < catalogue->assets_len; i++)
		catalogue->assets[i].signature_above.units = u256_from_u64(500);
	ed25519_public(private_key, catalogue->approvers[0].key);
	catalogue->approvers_len = 1;
}

/* Above the threshold a rule that allows asks one person, who signs. */
static void test_large_payment_is_signed(void **state)
{
	struct life *life = *state;
	signatures_wanted(life);
	struct withdrawal small = life_accept(life, "POL", 500);
	struct withdrawal row = asked(life);
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	life_run(life, 20);
	life_assert_stage(life, &row, WITHDRAWAL_AWAITING_APPROVAL);
	life_assert_paid(life, &small);
	assert_null(say_signed(life, &row, "bert", VOTE_APPROVE, true));
	life_run(life, 40);
	life_assert_paid(life, &row);
}

/* API and processor together are somebody else's: they make the approval, and no signature. */
static void test_approved_by_nobody_who_signs(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", 1000);
	life_process(life); /* it knows of no threshold */
	life_assert_stage(life, &row, WITHDRAWAL_QUEUED);
	signatures_wanted(life);
	life_run(life, 2);
	life_assert_unpaid(life, &row);
	life_wait(life, 5000);
	life_run(life, 20);
	assert_asked_again(life, &row);
	vote_write(life, &row, "nobody", VOTE_APPROVE);
	life_run(life, 20);
	life_assert_unpaid(life, &row);
	assert_null(say_signed(life, &row, "anna", VOTE_APPROVE, true));
	life_run(life, 40);
	life_assert_paid(life, &row);
}

/* ---- a slot out of nowhere ---- */

static const char *id_blob(struct id id)
{
	return life_blob(id.bytes, sizeof id.bytes);
}

/* As the signer would have made it, by somebody with the password of the store. */
static void slot_forge(struct life *life, const struct withdrawal *row)
{
	const struct address wallet = life->catalogue.wallets[0].address;
	struct transfer slot = { .chain_id = row->intent.chain_id, .wallet = wallet };
	uint8_t value[32], amount[32];
	struct id id = row->intent.id;
	id.bytes[15] ^= 0x55;
	slot.nonce =
		(uint64_t)life_number(life, "SELECT next_nonce FROM wallets WHERE id = 1", NULL);
	transfer_bind(&slot, &row->intent);
	struct hash32 hash = transfer_payload_hash(&slot);
	u256_to_bytes(slot.value.value, value);
	u256_to_bytes(slot.amount.units, amount);
	life_sql(life,
		 "INSERT INTO transfers (id, wallet_id, chain_id, wallet, nonce, stage, is_cancel, "
		 "destination, value, is_token, receiver, amount, gas_limit, payload_hash, "
		 "stage_at) VALUES (%s, 1, %llu, %s, %llu, 1, 0, %s, %s, %d, %s, %s, 21000, %s, 1)",
		 id_blob(id), (unsigned long long)slot.chain_id, life_blob(wallet.bytes, 20),
		 (unsigned long long)slot.nonce, life_blob(slot.to.bytes, 20), life_blob(value, 32),
		 slot.is_token, life_blob(slot.receiver.bytes, 20), life_blob(amount, 32),
		 life_blob(hash.bytes, 32));
	life_sql(life,
		 "UPDATE wallets SET next_nonce = next_nonce + 1 WHERE id = 1; INSERT INTO "
		 "transfer_items (transfer_id, position, withdrawal_id, round) VALUES (%s, 0, %s, "
		 "0); UPDATE withdrawals SET stage = 4, transfer_id = %s, due_at = 1 WHERE id = %s",
		 id_blob(id), id_blob(row->intent.id), id_blob(id), id_blob(row->intent.id));
}

static void forged_slot_run(struct life *life, const struct withdrawal *row)
{
	life_restart(life, LIFE_SIGNER);
	slot_forge(life, row);
	life_run(life, 20);
	life_assert_unpaid(life, row);
	assert_true(life_view(life, row->intent.id).withdrawal.held_reason[0] != 0);
	assert_true(life_alarms(life, "withdrawal_held") > 0);
	assert_int_equal(life_number(life, "SELECT is_cancel FROM transfers", NULL), 1);
}

/* Who writes the store gives what people are asked about a nonce: the row verifies, the right is
 * not spent, and the approval is the question. */
static void test_approved_by_nobody_but_a_slot(void **state)
{
	struct life *life = *state;
	life_policy_set(life, ASKS(2));
	struct withdrawal row = asked(life);
	assert_null(say(life, &row, "anna", VOTE_APPROVE));
	forged_slot_run(life, &row);
}

/* The same of what people have refused, where the signer was to end it. */
static void test_approved_by_nobody_but_a_slot_after_a_no(void **state)
{
	struct life *life = *state;
	life->ends_by_signer = true;
	life_restart(life, LIFE_PROCESSOR);
	life_policy_set(life, ASKS(2));
	struct withdrawal row = asked(life);
	assert_null(say(life, &row, "anna", VOTE_REJECT));
	life_process(life);
	life_sql(life, "UPDATE withdrawals SET cancel_requested = 0, failure_code = ''%s", "");
	forged_slot_run(life, &row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_two_people_approve),
		LIFE_TEST(test_one_says_no),
		LIFE_TEST(test_approved_by_nobody_once_there_was_a_no),
		LIFE_TEST(test_time_is_up),
		LIFE_TEST(test_only_the_rules_people),
		LIFE_TEST(test_approved_by_nobody_but_the_initiator),
		LIFE_TEST(test_approved_by_nobody_but_the_keys_owner),
		LIFE_TEST(test_owner_edited_to_be_heard),
		LIFE_TEST(test_policy_changes_meanwhile),
		LIFE_TEST(test_approved_by_nobody_but_an_editor),
		LIFE_TEST(test_row_edited_after_it_was_shown),
		LIFE_TEST(test_stage_edited_while_it_waits),
		LIFE_TEST(test_approval_that_ran_out_is_asked_again),
		LIFE_TEST(test_room_of_what_people_refuse),
		LIFE_TEST(test_refused_while_the_policy_is_away),
		LIFE_TEST(test_room_is_kept_for_who_is_asked),
		LIFE_TEST(test_canceled_while_it_waits),
		LIFE_TEST(test_large_payment_is_signed),
		LIFE_TEST(test_approved_by_nobody_who_signs),
		LIFE_TEST(test_approved_by_nobody_but_a_slot),
		LIFE_TEST(test_approved_by_nobody_but_a_slot_after_a_no),
	};
	return LIFE_MAIN(tests);
}
