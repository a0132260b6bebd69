#include "core/confirm.h"

#include "base/defence.h"

static bool is_deep(const struct chain_params *chain, const struct confirm_facts *facts,
		    uint64_t depth)
{
	if (facts->head < facts->block || facts->head - facts->block < depth)
		return false;
	return !chain->has_finality || facts->block <= facts->finalized || !DEFENCE("finalized");
}

/* T6 for tokens: exactly one Transfer log of the contract, and it is ours. A receipt with more logs
 * than were kept could hide a second one. */
static bool token_is_paid(const struct confirm_facts *facts)
{
	const struct transfer *transfer = facts->transfer;
	size_t seen = 0;
	bool ours = false;
	if (facts->logs_len > facts->logs_cap)
		return false;
	for (size_t i = 0; i < facts->logs_len; i++) {
		struct abi_transfer event;
		if (!address_equal(facts->logs[i].contract, transfer->to) ||
		    !abi_read_transfer_log(&facts->logs[i], &event))
			continue;
		seen++;
		ours = address_equal(event.from, transfer->wallet) &&
		       address_equal(event.to, transfer->receiver) &&
		       amount_compare(event.amount, transfer->amount) == 0;
	}
	return seen == 1 && ours;
}

static bool payment_is_proven(const struct confirm_facts *facts)
{
	if (!DEFENCE("transfer_log"))
		return true;
	if (!address_equal(facts->to, facts->transfer->to))
		return false;
	return !facts->transfer->is_token || token_is_paid(facts);
}

/* People are called at once; they decide about what no reorg is to change any more. */
static enum confirm unproven_decide(const struct confirm_facts *facts, bool deep,
				    enum transfer_outcome *ret_outcome)
{
	if (facts->transfer->outcome != OUTCOME_UNPROVEN)
		return CONFIRM_HOLD;
	if (!deep)
		return CONFIRM_WAIT;
	*ret_outcome = OUTCOME_UNPROVEN;
	return CONFIRM_FINAL;
}

enum confirm confirm_decide(const struct chain_params *chain, const struct confirm_facts *facts,
			    enum transfer_outcome *ret_outcome)
{
	bool cancel = DEFENCE("cancellation_is_known") &&
		      (facts->attempt_is_cancel || facts->transfer->is_cancel);
	bool paid = facts->success && !cancel && !facts->is_foreign;
	uint64_t depth_unpaid = DEFENCE("depth_unpaid") ? chain->depth_unpaid : 0;
	if (!facts->canonical || !is_deep(chain, facts, paid ? chain->depth_paid : depth_unpaid))
		return CONFIRM_WAIT;
	if (paid && !payment_is_proven(facts))
		return unproven_decide(facts, is_deep(chain, facts, depth_unpaid), ret_outcome);
	if (facts->is_foreign)
		*ret_outcome = OUTCOME_FOREIGN;
	else if (cancel)
		*ret_outcome = OUTCOME_REPLACED;
	else
		*ret_outcome = facts->success ? OUTCOME_SUCCEEDED : OUTCOME_REVERTED;
	return CONFIRM_FINAL;
}

bool confirm_final_block(const struct chain_params *chain, uint64_t head, uint64_t finalized,
			 uint64_t *ret_block)
{
	if (head < chain->depth_paid)
		return false;
	uint64_t block = head - chain->depth_paid;
	if (DEFENCE("finalized") && chain->has_finality && finalized < block)
		block = finalized;
	*ret_block = block;
	return true;
}
