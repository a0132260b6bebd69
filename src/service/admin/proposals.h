/* What takes two people: one proposes, another one confirms, and a third may reject. A proposal is
 * of one change, in place of one version: it is void when that is not the version any more.
 *
 * Refusals have codes: proposal_unknown, proposal_ended, proposal_expired, proposal_void,
 * second_person_needed.
 *
 * Source: ADR 41.
 */
#ifndef SLUICE_SERVICE_ADMIN_PROPOSALS_H
#define SLUICE_SERVICE_ADMIN_PROPOSALS_H

#include "port/entropy.h"
#include "port/store_proposal.h"
#include "service/admin/actor.h"

#define ADMIN_PROPOSAL_LIFE_MS (INT64_C(24) * 3600 * 1000)

struct admin_proposals {
	struct store *store; /* all borrowed */
	struct entropy *entropy;
	const struct mac_keys *identity_keys;
	struct admin_actor by;
};

MUST_CHECK bool admin_proposal_make(const struct admin_proposals *admin, enum proposal_kind kind,
				    uint64_t version, struct str text, int64_t now_ms,
				    struct store_proposal *ret_proposal, struct err *err);
/* One of a kind with its text, whatever became of it; ret_text NULL: without. An edited one is
 * unknown. */
MUST_CHECK bool admin_proposal_load(const struct admin_proposals *admin, enum proposal_kind kind,
				    struct id id, struct store_proposal *ret_proposal,
				    struct buf *ret_text, struct err *err);
/* Is it still to be confirmed, and is that still what it would change? */
MUST_CHECK bool admin_proposal_is_open(const struct store_proposal *proposal, uint64_t version,
				       int64_t now_ms, struct err *err);
/* The word of whoever asks. ret_complete: two people stand for it, and ret_change is to go into the
 * transaction that does it; ret_after is the row then. Otherwise the word is stored. permission:
 * which the first one has to have still. */
MUST_CHECK bool admin_proposal_second(const struct admin_proposals *admin,
				      const struct store_proposal *proposal,
				      enum permission permission, int64_t now_ms,
				      struct store_proposal *ret_after,
				      struct store_proposal_change *ret_change, bool *ret_complete,
				      struct err *err);
MUST_CHECK bool admin_proposal_reject(const struct admin_proposals *admin, enum proposal_kind kind,
				      struct id id, int64_t now_ms,
				      struct store_proposal *ret_proposal, struct err *err);
/* Open ones. ret_sealed[i] false: somebody has edited it, and it is of no use. */
MUST_CHECK bool admin_proposals_list(const struct admin_proposals *admin, enum proposal_kind kind,
				     int64_t now_ms,
				     struct store_proposal ret_proposals[PROPOSALS_MAX],
				     bool ret_sealed[PROPOSALS_MAX], size_t *ret_len,
				     struct err *err);

#endif
