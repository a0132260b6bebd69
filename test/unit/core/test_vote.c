#include "core/vote.h"

#include "../testing.h"

#include <stdlib.h>

#define ASKED_AT INT64_C(1700000000000)
#define WITHIN   INT64_C(3600000)
#define VERSION  7

static const uint8_t mac_key[32] = { 1 }, other_mac_key[32] = { 2 };
static const struct mac_keys keys = { .keys = { { 3, mac_key } }, .len = 1 };
static const struct mac_keys other_keys = { .keys = { { 3, other_mac_key } }, .len = 1 };
static const uint8_t private_key[ED25519_KEY_BYTES] = { 5 };
static const uint8_t strange_key[ED25519_KEY_BYTES] = { 6 };

/* 100 USDC of acme, asked for by "carl" as a key that olga has made; a rule that asks two of anna,
 * bert, carl, dora and olga. */
struct world {
	struct catalogue catalogue;
	struct withdrawal row;
	struct policy policy;
	struct json *tree;
	struct policy_verdict verdict;
	struct vote_ask ask;
};

static struct intent intent_new(void)
{
	return (struct intent){ .id = { { 7 } },
				.account = "acme",
				.chain_id = 137,
				.asset = "USDC",
				.contract = { { 3 } },
				.decimals = 6,
				.to = { { 9 } },
				.amount = { u256_from_u64(100500000) },
				.created_at = ASKED_AT - 1000,
				.created_by = "carl",
				.key_owner = "olga" };
}

static int setup(void **state)
{
	static const char document[] =
		"{\"rules\":[{\"name\":\"large\",\"effect\":\"approve\",\"approvals\":2,"
		"\"approvers\":[\"anna\",\"bert\",\"carl\",\"dora\",\"olga\"],\"within\":\"1h\"}]}";
	struct world *w = calloc(1, sizeof *w);
	struct err err = { 0 };
	assert_non_null(w);
	assert_true(json_parse(str_from(document), &w->tree, &err));
	if (!policy_compile(json_root(w->tree), &w->catalogue, &w->policy, &err))
		fail_msg("%s", err.text);
	ed25519_public(strange_key, w->catalogue.approvers[0].key);
	w->catalogue.approvers[0].key[0] ^= 1; /* somebody, who signs nothing here */
	ed25519_public(private_key, w->catalogue.approvers[1].key);
	w->catalogue.approvers_len = 2;
	w->row.intent = intent_new();
	w->row.intent_mac = (struct mac_tag){ .key_id = 3, .bytes = { 8 } };
	w->row.approval = (struct approval){ .policy_version = VERSION, .approved_at = ASKED_AT };
	w->verdict = (struct policy_verdict){ .answer = POLICY_ASKED,
					      .rule = &w->policy.rules[0],
					      .approvals = 2,
					      .within_ms = WITHIN };
	w->ask = (struct vote_ask){ &w->row, &w->policy, &w->verdict };
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	json_free(w->tree);
	free(w);
	return 0;
}

static struct vote vote_of(const struct world *w, const char *person, enum vote_verdict verdict)
{
	struct vote vote = { .withdrawal = w->row.intent.id,
			     .policy_version = VERSION,
			     .verdict = verdict,
			     .decided_at = ASKED_AT + 1 };
	snprintf(vote.person, sizeof vote.person, "%s", person);
	vote.shown = vote_digest(&w->row.intent, &w->row.intent_mac, VERSION);
	return vote;
}

static struct vote yes(const struct world *w, const char *person)
{
	return vote_of(w, person, VOTE_APPROVE);
}

static void sign(const struct world *w, const uint8_t *key, uint64_t version, struct vote *vote)
{
	char storage[VOTE_TEXT_LEN_MAX];
	struct buf text = buf_of(storage, sizeof storage);
	vote_text(&w->row.intent, &w->row.intent_mac, version, &text);
	ed25519_sign(key, buf_view(&text), vote->signature);
	vote->is_signed = true;
}

/* ---- the text ---- */

static void people_read_what_they_pay(void **state)
{
	struct world *w = *state;
	char storage[VOTE_TEXT_LEN_MAX];
	struct buf text = buf_of(storage, sizeof storage);
	vote_text(&w->row.intent, &w->row.intent_mac, VERSION, &text);
	assert_str_equal(
		buf_view(&text),
		"approve sluice payment 1\n"
		"withdrawal 07000000-0000-0000-0000-000000000000\n"
		"account acme\n"
		"chain 137\n"
		"asset USDC\n"
		"contract 0x0300000000000000000000000000000000000000\n"
		"receiver 0x0900000000000000000000000000000000000000\n"
		"amount 100.5\n"
		"policy 7\n"
		"intent 0800000000000000000000000000000000000000000000000000000000000000\n");
	w->row.intent.is_native = true;
	buf_reset(&text);
	vote_text(&w->row.intent, &w->row.intent_mac, VERSION, &text);
	assert_non_null(strstr(buf_terminated(&text), "contract none\n"));
}

/* The longest of everything has room. */
static void the_longest_text_fits(void **state)
{
	struct world *w = *state;
	struct intent *intent = &w->row.intent;
	struct hash32 digest;
	memset(intent->account, 'a', ACCOUNT_LEN_MAX);
	memset(intent->asset, 'A', SYMBOL_LEN_MAX);
	intent->chain_id = UINT64_MAX;
	memset(&intent->amount, 0xff, sizeof intent->amount);
	digest = vote_digest(intent, &w->row.intent_mac, UINT64_MAX);
	assert_false(hash32_equal(digest, (struct hash32){ 0 }));
}

/* A field that the digest left out could be another one when it is paid. */
static void each_field_makes_another_digest(void **state)
{
	struct world *w = *state;
	struct hash32 digests[12];
	struct mac_tag mac = w->row.intent_mac;
	size_t n = 0;
#define WITH(member, value)                                                        \
	do {                                                                       \
		struct intent changed = intent_new();                              \
		changed.member = (value);                                          \
		digests[n++] = vote_digest(&changed, &w->row.intent_mac, VERSION); \
	} while (0)
	digests[n++] = vote_digest(&w->row.intent, &mac, VERSION);
	WITH(id.bytes[15], 1);
	WITH(account[3], 'f');
	WITH(chain_id, 1);
	WITH(asset[3], 'T');
	WITH(contract.bytes[19], 1);
	WITH(is_native, true);
	WITH(to.bytes[19], 1);
	WITH(amount.units, u256_from_u64(100500001));
	WITH(decimals, 7);
#undef WITH
	digests[n++] = vote_digest(&w->row.intent, &mac, VERSION + 1);
	mac.bytes[31] = 1;
	digests[n++] = vote_digest(&w->row.intent, &mac, VERSION);
	assert_int_equal(n, COUNT_OF(digests));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (hash32_equal(digests[i], digests[k]))
				fail_msg("%zu and %zu are the same", i, k);
}

/* ---- the seal ---- */

static void every_column_is_under_the_seal(void **state)
{
	struct world *w = *state;
	struct vote vote = yes(w, "anna"), changed[8];
	size_t n = 0;
	sign(w, private_key, VERSION, &vote);
	vote_seal(&keys, &vote);
	assert_true(vote_is_sealed(&keys, &vote));
	assert_false(vote_is_sealed(&other_keys, &vote));
	for (size_t i = 0; i < COUNT_OF(changed); i++)
		changed[i] = vote;
	changed[n++].withdrawal.bytes[15] = 1;
	changed[n++].policy_version++;
	changed[n++].person[3] = 'e';
	changed[n++].shown.bytes[31] ^= 1;
	changed[n++].verdict = VOTE_REJECT;
	changed[n++].decided_at++;
	changed[n++].is_signed = false;
	changed[n++].signature[63] ^= 1;
	assert_int_equal(n, COUNT_OF(changed));
	for (size_t i = 0; i < n; i++)
		if (vote_is_sealed(&keys, &changed[i]))
			fail_msg("%zu is not under the seal", i);
}

/* ---- the count ---- */

static enum vote_answer count(const struct world *w, const struct vote *votes, size_t n)
{
	return votes_count(&w->catalogue, &w->ask, votes, n);
}

static void so_many_people_approve(void **state)
{
	struct world *w = *state;
	struct vote votes[] = { yes(w, "anna"), yes(w, "bert"), yes(w, "dora") };
	assert_int_equal(count(w, votes, 0), VOTES_MISSING);
	assert_int_equal(count(w, votes, 1), VOTES_MISSING);
	assert_int_equal(count(w, votes, 2), VOTES_APPROVE);
	assert_int_equal(count(w, votes, 3), VOTES_APPROVE);
	w->verdict.approvals = 3;
	assert_int_equal(count(w, votes, 2), VOTES_MISSING);
	assert_int_equal(count(w, votes, 3), VOTES_APPROVE);
}

static void nobody_counts_twice(void **state)
{
	struct world *w = *state;
	struct vote votes[] = { yes(w, "anna"), yes(w, "anna"), yes(w, "bert") };
	votes[1].decided_at++;
	assert_int_equal(count(w, votes, 2), VOTES_MISSING);
	assert_int_equal(count(w, votes, 3), VOTES_APPROVE);
}

/* Each with one who counts: then two would be enough. */
static void who_is_not_heard(void **state)
{
	struct world *w = *state;
	struct vote votes[] = { yes(w, "anna"), yes(w, "bert") }, good = votes[1];
	static const char *const others[] = { "carl", "olga", "eve", "", "ann", "annab" };
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		votes[1] = yes(w, others[i]);
		assert_int_equal(count(w, votes, 2), VOTES_MISSING);
		votes[1] = vote_of(w, others[i], VOTE_REJECT);
		assert_int_equal(count(w, votes, 2), VOTES_MISSING);
	}
	votes[1] = good;
	votes[1].shown.bytes[0] ^= 1;
	assert_int_equal(count(w, votes, 2), VOTES_MISSING);
	votes[1] = good;
	votes[1].decided_at = ASKED_AT - 1;
	assert_int_equal(count(w, votes, 2), VOTES_MISSING);
	votes[1].decided_at = ASKED_AT;
	assert_int_equal(count(w, votes, 2), VOTES_APPROVE);
	assert_int_equal(vote_until(&w->ask), ASKED_AT + WITHIN);
	votes[1].decided_at = ASKED_AT + WITHIN - 1;
	assert_int_equal(count(w, votes, 2), VOTES_APPROVE);
	votes[1].decided_at = ASKED_AT + WITHIN;
	assert_int_equal(count(w, votes, 2), VOTES_MISSING);
}

/* Who asked without a key has no key's owner beside: "" is nobody's name. */
static void a_person_who_asks_has_no_owner(void **state)
{
	struct world *w = *state;
	w->row.intent.key_owner[0] = 0;
	w->policy.rules[0].approvers.len = 0;
	assert_true(vote_is_initiators(&w->row.intent, "carl"));
	assert_false(vote_is_initiators(&w->row.intent, "olga"));
	assert_false(vote_is_initiators(&w->row.intent, ""));
	struct vote votes[] = { yes(w, "anna"), yes(w, "olga") };
	assert_int_equal(count(w, votes, 2), VOTES_APPROVE);
}

/* It is the payment of now that they were shown, under the version of now. */
static void what_was_shown_is_what_is_paid(void **state)
{
	struct world *w = *state;
	struct vote votes[] = { yes(w, "anna"), yes(w, "bert") };
	assert_int_equal(count(w, votes, 2), VOTES_APPROVE);
	w->row.intent.to.bytes[0] = 1;
	assert_int_equal(count(w, votes, 2), VOTES_MISSING);
	w->row.intent = intent_new();
	w->row.approval.policy_version++;
	assert_int_equal(count(w, votes, 2), VOTES_MISSING);
}

/* Without a list, whoever may sign in as an approver may. */
static void a_rule_without_names(void **state)
{
	struct world *w = *state;
	w->policy.rules[0].approvers.len = 0;
	struct vote votes[] = { yes(w, "eve"), yes(w, "carl"), yes(w, "olga"), yes(w, "zoe") };
	assert_int_equal(count(w, votes, 3), VOTES_MISSING); /* who asked for it still may not */
	assert_int_equal(count(w, votes, 4), VOTES_APPROVE);
}

/* A user of ours and a person of an identity provider may be one; names that the rule gives are
 * not. */
static void one_person_as_two_log_ins_counts_once(void **state)
{
	struct world *w = *state;
	const char *ours = "0190a000-0000-7000-8000-000000000001";
	const char *other = "0190a000-0000-7000-8000-000000000002";
	struct vote votes[] = { yes(w, ours), yes(w, "anna"), yes(w, other) };
	w->policy.rules[0].approvers.len = 0;
	assert_int_equal(count(w, votes, 2), VOTES_MISSING);
	assert_int_equal(count(w, votes, 3), VOTES_APPROVE);
	votes[0] = vote_of(w, ours, VOTE_REJECT);
	assert_int_equal(count(w, votes, 3), VOTES_REJECT);
}

/* Who asked, or made the key, may be the same person by the other way to log in. */
static void one_person_as_two_by_another_log_in_than_the_initiators(void **state)
{
	static const char ours[] = "0190a000-0000-7000-8000-000000000001";
	static const char outside[] = "0123456789abcdef0123456789abcdef";
	static const struct {
		const char *asked, *made, *votes;
		bool heard;
	} cases[] = {
		{ ours, "", outside, false },
		{ outside, "", ours, false },
		{ "0123456789abcdef", ours, outside, false },
		{ "0123456789abcdef", outside, ours, false },
		{ "0123456789abcdef", "root", outside, true },
		{ "0190a000-0000-7000-8000-000000000002", "", ours, true },
		{ "00000000000000000000000000000000", "", outside, true },
	};
	struct world *w = *state;
	w->verdict.approvals = 1;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		(void)snprintf(w->row.intent.created_by, sizeof w->row.intent.created_by, "%s",
			       cases[i].asked);
		(void)snprintf(w->row.intent.key_owner, sizeof w->row.intent.key_owner, "%s",
			       cases[i].made);
		w->policy.rules[0].approvers.len = 0;
		struct vote vote = yes(w, cases[i].votes);
		assert_int_equal(count(w, &vote, 1),
				 cases[i].heard ? VOTES_APPROVE : VOTES_MISSING);
	}
}

static void initiators_are_who_asked_and_who_made_the_key(void **state)
{
	struct world *w = *state;
	struct intent *intent = &w->row.intent;
	(void)snprintf(intent->created_by, sizeof intent->created_by, "anna");
	intent->key_owner[0] = 0;
	assert_true(vote_is_initiators(intent, "anna"));
	assert_false(vote_is_initiators(intent, "bert"));
	(void)snprintf(intent->key_owner, sizeof intent->key_owner, "bert");
	assert_true(vote_is_initiators(intent, "bert"));
	assert_false(vote_is_initiators(intent, "cleo"));
}

static void one_who_says_no_is_enough(void **state)
{
	struct world *w = *state;
	struct vote votes[] = { yes(w, "anna"), yes(w, "bert"), vote_of(w, "dora", VOTE_REJECT) };
	assert_int_equal(count(w, votes, 2), VOTES_APPROVE);
	assert_int_equal(count(w, votes, 3), VOTES_REJECT);
	assert_int_equal(count(w, &votes[2], 1), VOTES_REJECT);
	votes[2].verdict = (enum vote_verdict)9; /* nothing that is known: no approval */
	assert_int_equal(count(w, &votes[2], 1), VOTES_REJECT);
}

static void a_signature_is_wanted(void **state)
{
	struct world *w = *state;
	struct vote votes[] = { yes(w, "anna"), yes(w, "bert") };
	w->verdict.wants_signature = true;
	assert_int_equal(count(w, votes, 2), VOTES_MISSING);
	sign(w, strange_key, VERSION, &votes[1]); /* nobody whom we know */
	assert_int_equal(count(w, votes, 2), VOTES_MISSING);
	sign(w, private_key, VERSION + 1, &votes[1]); /* of something else */
	assert_int_equal(count(w, votes, 2), VOTES_MISSING);
	sign(w, private_key, VERSION, &votes[1]);
	assert_int_equal(count(w, votes, 2), VOTES_APPROVE);
	assert_int_equal(count(w, &votes[1], 1), VOTES_MISSING); /* one person is still one */
	votes[1].is_signed = false;
	assert_int_equal(count(w, votes, 2), VOTES_MISSING);
	/* By somebody who is not heard it does not count. */
	struct vote outsider = yes(w, "eve");
	sign(w, private_key, VERSION, &outsider);
	struct vote three[] = { votes[0], votes[1], outsider };
	assert_int_equal(count(w, three, 3), VOTES_MISSING);
}

/* What the signer asks, who knows neither the policy nor its people. */
static void the_signer_looks_at_signatures_alone(void **state)
{
	struct world *w = *state;
	const struct catalogue *catalogue = &w->catalogue;
	struct vote votes[] = { yes(w, "anna"), yes(w, "bert") };
	assert_false(votes_are_signed(catalogue, &w->row, VERSION, votes, 0));
	assert_false(votes_are_signed(catalogue, &w->row, VERSION, votes, 2));
	sign(w, strange_key, VERSION, &votes[0]);
	assert_false(votes_are_signed(catalogue, &w->row, VERSION, votes, 2));
	sign(w, private_key, VERSION, &votes[1]);
	assert_true(votes_are_signed(catalogue, &w->row, VERSION, votes, 2));
	assert_false(votes_are_signed(catalogue, &w->row, VERSION, votes, 1));
	assert_false(votes_are_signed(catalogue, &w->row, VERSION + 1, votes, 2));
	votes[1].verdict = VOTE_REJECT;
	assert_false(votes_are_signed(catalogue, &w->row, VERSION, votes, 2));
	votes[1].verdict = VOTE_APPROVE;
	w->row.intent.to.bytes[0] = 1;
	assert_false(votes_are_signed(catalogue, &w->row, VERSION, votes, 2));
	w->row.intent = intent_new();
	w->catalogue.approvers_len = 0;
	assert_false(votes_are_signed(catalogue, &w->row, VERSION, votes, 2));
}

/* Any of the configured ones, wherever they stand, by whichever of the votes. */
static void each_approver_signs_for_all(void **state)
{
	struct world *w = *state;
	struct vote votes[] = { yes(w, "anna"), yes(w, "bert") };
	w->verdict.wants_signature = true;
	ed25519_public(strange_key, w->catalogue.approvers[0].key);
	sign(w, strange_key, VERSION, &votes[0]);
	assert_true(votes_are_signed(&w->catalogue, &w->row, VERSION, votes, 2));
	assert_int_equal(count(w, votes, 2), VOTES_APPROVE);
	sign(w, private_key, VERSION, &votes[0]);
	assert_true(votes_are_signed(&w->catalogue, &w->row, VERSION, votes, 2));
	assert_int_equal(count(w, votes, 2), VOTES_APPROVE);
}

static void verdicts_have_names(void **state)
{
	(void)state;
	assert_string_equal(vote_verdict_text(VOTE_APPROVE), "approve");
	assert_string_equal(vote_verdict_text(VOTE_REJECT), "reject");
	assert_string_equal(vote_verdict_text((enum vote_verdict)9), "unknown");
}

#define VOTE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VOTE_TEST(people_read_what_they_pay),
		VOTE_TEST(the_longest_text_fits),
		VOTE_TEST(each_field_makes_another_digest),
		VOTE_TEST(every_column_is_under_the_seal),
		VOTE_TEST(so_many_people_approve),
		VOTE_TEST(nobody_counts_twice),
		VOTE_TEST(who_is_not_heard),
		VOTE_TEST(a_person_who_asks_has_no_owner),
		VOTE_TEST(what_was_shown_is_what_is_paid),
		VOTE_TEST(a_rule_without_names),
		VOTE_TEST(one_person_as_two_log_ins_counts_once),
		VOTE_TEST(one_person_as_two_by_another_log_in_than_the_initiators),
		VOTE_TEST(initiators_are_who_asked_and_who_made_the_key),
		VOTE_TEST(one_who_says_no_is_enough),
		VOTE_TEST(a_signature_is_wanted),
		VOTE_TEST(the_signer_looks_at_signatures_alone),
		VOTE_TEST(each_approver_signs_for_all),
		VOTE_TEST(verdicts_have_names),
	};
	return cmocka_run_group_tests_name("core/vote", tests, NULL, NULL);
}
