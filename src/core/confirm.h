/* What a receipt proves about a slot. Pure: the monitor gathers the facts, this decides.
 *
 * "Paid" and "unpaid" are both verdicts about money, and "unpaid" is the dangerous one: it may lead
 * to another payment, so it waits deeper. Absence proves nothing (T12). */
#ifndef SLUICE_CORE_CONFIRM_H
#define SLUICE_CORE_CONFIRM_H

#include "core/abi.h"
#include "core/catalogue.h"
#include "core/withdrawal.h"

struct confirm_facts {
	const struct transfer *transfer;
	bool is_foreign;        /* the receipt is of none of the slot's attempts */
	bool attempt_is_cancel; /* of the attempt that the receipt is of */
	bool success;           /* status 1 */
	struct address to;      /* of the receipt */
	uint64_t block;         /* of the receipt */
	bool canonical;         /* its block hash is the canonical one at that height */
	const struct abi_log *logs;
	size_t logs_len; /* as in the receipt */
	size_t logs_cap; /* how many are kept */
	uint64_t head;
	uint64_t finalized; /* of the node that named the head; never above the mark */
};

enum confirm {
	CONFIRM_WAIT,  /* mined, not yet final */
	CONFIRM_FINAL, /* final, with ret_outcome */
	CONFIRM_HOLD,  /* it succeeded and yet does not prove the payment: people look */
};

/* A slot that is held for that (its row says OUTCOME_UNPROVEN) waits as deep as "unpaid" asks for,
 * and is final as what it is: what it did is for people to say. */
enum confirm confirm_decide(const struct chain_params *chain, const struct confirm_facts *facts,
			    enum transfer_outcome *ret_outcome);
/* The highest block at which something can be final now, for a paid slot; false: none. */
bool confirm_final_block(const struct chain_params *chain, uint64_t head, uint64_t finalized,
			 uint64_t *ret_block);

#endif
