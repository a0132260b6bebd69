#include "core/wish.h"

#include "base/defence.h"

/* Whether anything can be said at all: blocks have to come. */
static bool is_moving(const struct chain_params *chain, const struct wish_facts *facts)
{
	return facts->head_age_ms < chain->bump_after_ms;
}

/* Tips move all the time, and one after the other the slots of a wallet become its lowest: only
 * that one is bumped for its tip, once blocks have passed it by. What the base fee has passed can
 * be in no block, wherever it stands. */
static bool is_pressed(const struct chain_params *chain, const struct wish_facts *facts)
{
	if (facts->bytes_age_ms < chain->rebroadcast_after_ms)
		return false;
	return facts->is_priced_out ||
	       (facts->is_underbid && facts->is_lowest && facts->heads_passed >= WISH_HEADS_MIN);
}

static bool is_stuck(const struct chain_params *chain, const struct wish_facts *facts)
{
	int64_t waited_ms = facts->is_forgotten ? facts->forgotten_ms : facts->bytes_age_ms;
	return facts->bytes_age_ms >= chain->bump_after_ms && facts->is_lowest &&
	       waited_ms >= chain->bump_after_ms && facts->heads_passed >= WISH_HEADS_MIN;
}

enum wish wish_choose(const struct chain_params *chain, const struct wish_facts *facts,
		      enum wish_reason *ret_reason)
{
	bool moves = DEFENCE("bump") && is_moving(chain, facts);
	*ret_reason = WISH_REASON_FEE_PRESSURE;
	if (moves && is_pressed(chain, facts))
		return WISH_BUMP;
	*ret_reason = WISH_REASON_AGE;
	if (moves && is_stuck(chain, facts))
		return WISH_BUMP;
	*ret_reason = facts->is_pending ? WISH_REASON_NONE : WISH_REASON_FORGOTTEN;
	return facts->is_pending || !DEFENCE("rebroadcast") ? WISH_NONE : WISH_REBROADCAST;
}

const char *wish_reason_text(enum wish_reason reason)
{
	switch (reason) {
	case WISH_REASON_NONE:
		break;
	case WISH_REASON_FORGOTTEN:
		return "forgotten";
	case WISH_REASON_AGE:
		return "age";
	case WISH_REASON_FEE_PRESSURE:
		return "fee_pressure";
	case WISH_REASON_NODE_REFUSED:
		return "node_refused";
	case WISH_REASON_SPEED_UP:
		return "speed_up";
	case WISH_REASON_CANCEL:
		return "cancel";
	}
	return "";
}
