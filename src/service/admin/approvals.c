#include "service/admin/approvals.h"

#include "base/defence.h"
#include "port/store_policy.h"

#include <string.h>

#define CLOCKS_DIFFER_MS 60000 /* of API and processor, at most */

bool admin_is_asked(const struct withdrawal *row)
{
	bool again = row->stage == WITHDRAWAL_QUEUED && row->approval.expires_at == APPROVAL_ASKS;
	return row->held_reason[0] == 0 && !row->cancel_requested &&
	       (row->stage == WITHDRAWAL_AWAITING_APPROVAL || again);
}

static bool row_check(const struct admin_approvals *admin, const struct admin_word *word,
		      const struct withdrawal *row, int64_t now_ms, struct err *err)
{
	const struct admin_actor *by = &admin->by;
	struct hash32 shown =
		vote_digest(&row->intent, &row->intent_mac, row->approval.policy_version);
	if (!admin_is_asked(row) || row->approval.approved_at > now_ms + CLOCKS_DIFFER_MS)
		return err_refuse(err, "not_asked", "nobody is asked about it now");
	if (vote_is_initiators(&row->intent, by->who))
		return err_refuse(err, "initiator_forbidden",
				  "who asked for a payment, or made the API key that did, does not "
				  "say whether it is made");
	return hash32_equal(shown, word->digest) ||
	       err_refuse(err, "digest_differs",
			  "the payment, or the policy, is another one than you were shown");
}

/* The row is anybody's who writes the store: nobody is heard about a policy that is not there yet.
 */
static bool version_check(const struct admin_approvals *admin, const struct withdrawal *row,
			  struct err *err)
{
	struct store_policy newest;
	uint64_t version = row->approval.policy_version;
	size_t n = 0;
	if (!store_policies_list(admin->store, INT64_MAX, &newest, 1, &n, err))
		return false;
	return (n > 0 && newest.version == version) ||
	       err_refuse(err, "digest_differs", "another policy is in force than you were shown");
}

static bool signature_check(const struct admin_approvals *admin, const struct withdrawal *row,
			    const struct vote *vote, struct err *err)
{
	char storage[VOTE_TEXT_LEN_MAX];
	struct buf text = buf_of(storage, sizeof storage);
	if (!vote->is_signed)
		return true;
	vote_text(&row->intent, &row->intent_mac, vote->policy_version, &text);
	return vote_is_signed(admin->catalogue, buf_view(&text), vote) ||
	       err_refuse(err, "signature_invalid",
			  "none of the configured approvers has signed this text");
}

/* *ret_said: the same, since people were asked. */
static bool said_look(const struct admin_approvals *admin, const struct vote *vote,
		      int64_t asked_at, bool *ret_said, struct err *err)
{
	struct vote votes[VOTES_MAX];
	size_t n = 0;
	*ret_said = false;
	if (!store_votes_load(admin->store, vote->withdrawal, vote->policy_version, votes, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(votes[i].person, vote->person) != 0)
			continue;
		if (votes[i].decided_at < asked_at || !hash32_equal(votes[i].shown, vote->shown) ||
		    !vote_is_sealed(admin->policy_keys, &votes[i]))
			return true; /* asked again since, or an editor's: in its place */
		*ret_said = votes[i].verdict == vote->verdict &&
			    (votes[i].is_signed || !vote->is_signed);
		if (votes[i].verdict == vote->verdict && !*ret_said)
			return true; /* and signed now */
		return *ret_said ||
		       err_refuse(err, "said_otherwise", "you have said \"%s\" already",
				  vote_verdict_text(votes[i].verdict));
	}
	return n < VOTES_MAX ||
	       err_refuse(err, "approvals_full", "as many people as are heard have spoken");
}

static bool vote_put(const struct admin_approvals *admin, const struct withdrawal *row,
		     const struct vote *vote, struct err *err)
{
	struct store_by by = admin_by(&admin->by, vote->decided_at);
	struct store_change change = {
		.withdrawal = row->intent.id,
		.version = row->version,
		.from = row->stage,
		.to = row->stage,
		.event = vote->verdict == VOTE_APPROVE ? "approval_given" : "approval_refused_by",
		.wait_reason = row->wait_reason[0] != 0 ? row->wait_reason : NULL,
		.vote = vote,
	};
	by.actor = ACTOR_API;
	if (!store_withdrawals_change(admin->store, &change, 1, &by, err))
		return false;
	return change.applied ||
	       err_refuse(err, "changed_meanwhile", "the withdrawal has moved: look again");
}

bool admin_word_say(const struct admin_approvals *admin, const struct admin_word *word,
		    int64_t now_ms, struct withdrawal *ret_row, struct err *err)
{
	bool found = false, said = false;
	struct vote vote = { .withdrawal = word->withdrawal,
			     .shown = word->digest,
			     .verdict = word->verdict,
			     .decided_at = now_ms,
			     .is_signed = word->is_signed };
	if (!store_withdrawals_load(admin->store, &word->withdrawal, 1, ret_row, &found, err))
		return false;
	if (!found || !admin_reaches(&admin->by, ret_row->intent.account))
		return err_refuse(err, "withdrawal_unknown", "there is no such withdrawal");
	vote.policy_version = ret_row->approval.policy_version;
	/* Clocks differ: what is said is never older than the question. */
	if (vote.decided_at < ret_row->approval.approved_at)
		vote.decided_at = ret_row->approval.approved_at;
	CHECK(str_copy(str_from(admin->by.who), vote.person, sizeof vote.person));
	memcpy(vote.signature, word->signature, sizeof vote.signature);
	if (!row_check(admin, word, ret_row, now_ms, err) || !version_check(admin, ret_row, err) ||
	    !signature_check(admin, ret_row, &vote, err) ||
	    !said_look(admin, &vote, ret_row->approval.approved_at, &said, err))
		return false;
	vote_seal(admin->policy_keys, &vote);
	return said || vote_put(admin, ret_row, &vote, err);
}
