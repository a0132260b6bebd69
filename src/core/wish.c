#include "core/wish.h"

static bool bump_helps(const struct chain_params *chain, const struct wish_facts *facts)
{
	int64_t waited_ms = facts->is_forgotten ? facts->forgotten_ms : facts->bytes_age_ms;
	if (facts->bytes_age_ms < chain->bump_after_ms ||
	    facts->head_age_ms >= chain->bump_after_ms)
		return false;
	if (facts->is_priced_out)
		return true;
	return facts->is_lowest && waited_ms >= chain->bump_after_ms &&
	       facts->heads_passed >= WISH_HEADS_MIN;
}

enum wish wish_choose(const struct chain_params *chain, const struct wish_facts *facts)
{
	if (bump_helps(chain, facts))
		return WISH_BUMP;
	return facts->is_pending ? WISH_NONE : WISH_REBROADCAST;
}
