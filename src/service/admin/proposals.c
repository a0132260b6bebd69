#include "service/admin/proposals.h"

#include "base/check.h"
#include "base/defence.h"
#include "base/hash.h"
#include "port/store_people.h"

#include <string.h>

/* Who can be told apart stands for it from the beginning. */
static void first_set(const struct admin_actor *by, struct store_proposal *proposal)
{
	if (by->person == NULL)
		return;
	CHECK(str_copy(str_from(by->person), proposal->first_person,
		       sizeof proposal->first_person));
	CHECK(str_copy(str_from(by->who), proposal->first_id, sizeof proposal->first_id));
}

bool admin_proposal_make(const struct admin_proposals *admin, enum proposal_kind kind,
			 uint64_t version, struct str text, int64_t now_ms,
			 struct store_proposal *ret_proposal, struct err *err)
{
	uint8_t random[10];
	struct store_by by = admin_by(&admin->by, now_ms);
	struct store_proposal proposal = { .kind = kind,
					   .state = PROPOSAL_OPEN,
					   .version = version,
					   .created_at = now_ms,
					   .expires_at = now_ms + ADMIN_PROPOSAL_LIFE_MS };
	entropy_fill(admin->entropy, random, sizeof random);
	proposal.id = id_make(now_ms, random);
	sha256(text.at, text.len, proposal.digest);
	if (!str_copy(str_from(admin->by.name), proposal.proposed_by, sizeof proposal.proposed_by))
		return err_set(err, ERR_REFUSED, "the name of whoever proposes is too long");
	if (admin->by.account != NULL)
		CHECK(str_copy(str_from(admin->by.account), proposal.account,
			       sizeof proposal.account));
	first_set(&admin->by, &proposal);
	store_proposal_seal(admin->identity_keys, &proposal);
	if (!store_proposal_add(admin->store, &proposal, text, &by, err))
		return false;
	*ret_proposal = proposal;
	return true;
}

bool admin_proposal_load(const struct admin_proposals *admin, enum proposal_kind kind, struct id id,
			 struct store_proposal *ret_proposal, struct buf *ret_text, struct err *err)
{
	bool found = false;
	if (!store_proposal_load(admin->store, id, ret_proposal, ret_text, &found, err))
		return false;
	if (!found || ret_proposal->kind != kind)
		return err_refuse(err, "proposal_unknown", "there is no such proposal");
	if (!store_proposal_is_sealed(admin->identity_keys, ret_proposal) ||
	    (ret_text != NULL && !store_proposal_is_of(ret_proposal, buf_view(ret_text))))
		return err_refuse(err, "proposal_unknown",
				  "the proposal was changed by somebody else: it is of no use");
	return true;
}

bool admin_proposal_is_open(const struct store_proposal *proposal, uint64_t version, int64_t now_ms,
			    struct err *err)
{
	if (proposal->state != PROPOSAL_OPEN)
		return err_refuse(err, "proposal_ended", "the proposal was %s by %s",
				  proposal->state == PROPOSAL_DONE ? "confirmed" : "rejected",
				  proposal->ended_by);
	if (proposal->expires_at <= now_ms && DEFENCE("proposal_ends"))
		return err_refuse(err, "proposal_expired", "the proposal has expired");
	if (proposal->version != version && DEFENCE("proposal_is_of_a_version"))
		return err_refuse(err, "proposal_void",
				  "what the proposal would change is at version %llu by now, and "
				  "it was made for %llu",
				  (unsigned long long)version,
				  (unsigned long long)proposal->version);
	return true;
}

/* Whoever was shut out since does not stand for anything. Of whom a provider vouches for nothing is
 * known here. */
static bool first_check(const struct admin_proposals *admin, const struct store_proposal *proposal,
			enum permission permission, struct err *err)
{
	struct store_user user;
	struct id id;
	bool found = false;
	if (person_is_outside(proposal->first_person))
		return true;
	if (!id_read(str_from(proposal->first_id), &id))
		return err_refuse(err, "proposal_void", "nobody stands for the proposal");
	if (!store_user_load(admin->store, id, &user, &found, err))
		return false;
	if (found && store_user_is_sealed(admin->identity_keys, &user) && user.disabled_at == 0 &&
	    permission_set_has(user_role_permissions(user.role), permission))
		return true;
	return err_refuse(err, "proposal_void", "%s, who proposed it, may not do so any more",
			  proposal->first_person);
}

static bool pair_check(const struct store_proposal *proposal, const char *person, struct err *err)
{
	switch (person_compare(proposal->first_person, person)) {
	case PERSON_OTHER:
		return true;
	case PERSON_SAME:
		if (!DEFENCE("second_person_is_another"))
			return true;
		return err_refuse(err, "second_person_needed",
				  "%s stands for it already: another person has to confirm",
				  proposal->first_person);
	case PERSON_UNCLEAR:
		break;
	}
	if (!DEFENCE("second_person_of_one_source"))
		return true;
	return err_refuse(err, "second_person_needed",
			  "%s and %s log in by different ways, and may be one person",
			  proposal->first_person, person);
}

bool admin_proposal_second(const struct admin_proposals *admin,
			   const struct store_proposal *proposal, enum permission permission,
			   int64_t now_ms, struct store_proposal *ret_after,
			   struct store_proposal_change *ret_change, bool *ret_complete,
			   struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	if (admin->by.person == NULL)
		return err_refuse(err, "second_person_needed",
				  "only people who log in can confirm");
	*ret_after = *proposal;
	*ret_change =
		(struct store_proposal_change){ .proposal = ret_after, .before = proposal->mac };
	*ret_complete = proposal->first_person[0] != 0;
	if (*ret_complete) {
		if (!pair_check(proposal, admin->by.person, err) ||
		    !first_check(admin, proposal, permission, err))
			return false;
		ret_change->action = "proposal_confirmed";
		ret_after->state = PROPOSAL_DONE;
		ret_after->ended_at = now_ms;
		CHECK(str_copy(str_from(admin->by.name), ret_after->ended_by,
			       sizeof ret_after->ended_by));
		store_proposal_seal(admin->identity_keys, ret_after);
		return true;
	}
	ret_change->action = "proposal_seconded";
	first_set(&admin->by, ret_after);
	store_proposal_seal(admin->identity_keys, ret_after);
	if (!store_proposal_change(admin->store, ret_change, &by, err))
		return false;
	return ret_change->applied ||
	       err_refuse(err, "changed_meanwhile", "the proposal has moved: look again");
}

bool admin_proposal_reject(const struct admin_proposals *admin, enum proposal_kind kind,
			   struct id id, int64_t now_ms, struct store_proposal *ret_proposal,
			   struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	if (!admin_proposal_load(admin, kind, id, ret_proposal, NULL, err) ||
	    !admin_proposal_is_open(ret_proposal, ret_proposal->version, now_ms, err))
		return false;
	struct store_proposal_change change = { .proposal = ret_proposal,
						.before = ret_proposal->mac,
						.action = "proposal_rejected" };
	ret_proposal->state = PROPOSAL_REJECTED;
	ret_proposal->ended_at = now_ms;
	if (!str_copy(str_from(admin->by.name), ret_proposal->ended_by,
		      sizeof ret_proposal->ended_by))
		return err_set(err, ERR_REFUSED, "the name of whoever rejects is too long");
	store_proposal_seal(admin->identity_keys, ret_proposal);
	if (!store_proposal_change(admin->store, &change, &by, err))
		return false;
	return change.applied ||
	       err_refuse(err, "changed_meanwhile", "the proposal has moved: look again");
}

bool admin_proposals_list(const struct admin_proposals *admin, enum proposal_kind kind,
			  int64_t now_ms, struct store_proposal ret_proposals[PROPOSALS_MAX],
			  bool ret_sealed[PROPOSALS_MAX], size_t *ret_len, struct err *err)
{
	const char *account = admin->by.account != NULL ? admin->by.account : "";
	if (!store_proposals_list(admin->store, kind, account, now_ms, ret_proposals, PROPOSALS_MAX,
				  ret_len, err))
		return false;
	for (size_t i = 0; i < *ret_len; i++)
		ret_sealed[i] = store_proposal_is_sealed(admin->identity_keys, &ret_proposals[i]);
	return true;
}
