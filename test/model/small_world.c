/* The events of the small world. An actor does whatever core lets it do: only where core leaves the
 * decision to facts (T4, free slots) does a guard stand here, and it asks the rows, never the
 * chain. What is true is asked by the rules at the end. */
#include "small_world.h"

#include "base/check.h"
#include "core/confirm.h"
#include "core/policy.h"
#include "core/wish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_PAID   1
#define DEPTH_UNPAID 2
#define HEAD         100
#define REVERTS_END  2 /* of a withdrawal; then its receiver refuses */

struct step {
	const struct world *from;
	struct seen_moves *moves;
	struct world *next;
	size_t len;
};

/* ---- what core is asked ------------------------------------------------------------------- */

static const struct address our_wallet = { { 1 } };
static const struct address receiver = { { 2 } };
static const struct address contract = { { 3 } };

static struct amount amount_of(uint64_t units)
{
	return (struct amount){ u256_from_u64(units) };
}

/* The first withdrawal pays the native coin, the second one a token. */
static bool is_token(size_t w)
{
	return w == 1;
}

static struct asset asset_of(size_t w)
{
	return (struct asset){ .is_native = !is_token(w),
			       .contract = is_token(w) ? contract : (struct address){ { 0 } },
			       .minimum = amount_of(10),
			       .payment_max = amount_of(1000) };
}

static struct intent intent_of(const struct world *world, size_t w)
{
	static const uint64_t units[] = {
		[SUM_RIGHT] = 100, [SUM_BELOW_MINIMUM] = 1, [SUM_ABOVE_LIMIT] = 5000
	};
	struct asset asset = asset_of(w);
	return (struct intent){ .is_native = asset.is_native,
				.contract = asset.contract,
				.to = receiver,
				.amount = amount_of(units[world->withdrawals[w].sum]) };
}

static bool processor_allows(const struct world *world, size_t w)
{
	struct asset asset = asset_of(w);
	struct intent intent = intent_of(world, w);
	return policy_decide(&asset, &intent) == REFUSAL_NONE;
}

static bool signer_allows(const struct world *world, size_t w)
{
	static const struct catalogue catalogue;
	struct asset asset = asset_of(w);
	struct intent intent = intent_of(world, w);
	return policy_signer_decide(&catalogue, &asset, &intent) == REFUSAL_NONE;
}

static const struct chain_params chain = { .has_finality = true,
					   .depth_paid = DEPTH_PAID,
					   .depth_unpaid = DEPTH_UNPAID,
					   .bump_after_ms = 1000 };

static void address_word(struct address address, struct hash32 *ret_word)
{
	*ret_word = (struct hash32){ { 0 } };
	memcpy(ret_word->bytes + 12, address.bytes, ADDRESS_BYTES);
}

static struct abi_log log_of(struct amount amount)
{
	static const uint8_t topic[] = { 0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b,
					 0x69, 0xc2, 0xb0, 0x68, 0xfc, 0x37, 0x8d, 0xaa,
					 0x95, 0x2b, 0xa7, 0xf1, 0x63, 0xc4, 0xa1, 0x16,
					 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef };
	struct abi_log log = { .contract = contract, .topics_len = 3, .data_len = 32 };
	memcpy(log.topics[0].bytes, topic, sizeof topic);
	address_word(our_wallet, &log.topics[1]);
	address_word(receiver, &log.topics[2]);
	u256_to_bytes(amount.units, log.data);
	return log;
}

static bool is_cancellation(const struct world_slot *slot, unsigned attempt)
{
	return (slot->cancels >> (attempt - 1) & 1) != 0;
}

static bool is_same_receipt(const struct world_receipt *a, const struct world_receipt *b)
{
	return a->attempt == b->attempt && a->result == b->result && a->fork == b->fork;
}

/* The monitor judges by what it has seen; whether that is still canonical is asked. */
static enum confirm confirm_ask(const struct world *world, size_t n,
				enum transfer_outcome *ret_outcome)
{
	const struct world_slot *slot = &world->slots[n];
	size_t w = slot->owner - 1u;
	struct amount amount = intent_of(world, w).amount;
	struct abi_log log = log_of(amount);
	bool cancels = is_cancellation(slot, slot->seen.attempt);
	bool token = is_token(w) && !slot->is_cancel;
	struct transfer transfer = { .wallet = our_wallet,
				     .is_cancel = slot->is_cancel,
				     .outcome = (enum transfer_outcome)slot->outcome,
				     .is_token = token,
				     .to = token ? contract : receiver,
				     .receiver = receiver,
				     .amount = amount };
	uint64_t block = HEAD - (uint64_t)slot->seen.age;
	bool pays = token && !cancels && slot->seen.result == RESULT_PAID;
	struct confirm_facts facts = { .transfer = &transfer,
				       .attempt_is_cancel = cancels,
				       .success = slot->seen.result != RESULT_REVERTED,
				       .to = cancels ? our_wallet : transfer.to,
				       .block = block,
				       .canonical = is_same_receipt(&slot->seen, &world->chain[n]),
				       .logs = &log,
				       .logs_len = pays ? 1 : 0,
				       .logs_cap = 1,
				       .head = HEAD,
				       .finalized = slot->seen.finalized ? block : block - 1 };
	return confirm_decide(&chain, &facts, ret_outcome);
}

/* ---- moves -------------------------------------------------------------------------------- */

static struct world *event(struct step *step)
{
	CHECK(step->len < SUCCESSORS_MAX);
	step->next[step->len] = *step->from;
	return &step->next[step->len++];
}

static void forbidden(const char *machine, const char *from, const char *to, enum actor actor)
{
	fprintf(stderr, "the table forbids %s: %s %s -> %s\n", actor_text(actor), machine, from,
		to);
	exit(1);
}

static void withdrawal_move(struct step *step, struct world *world, size_t w,
			    enum withdrawal_stage to, enum actor actor)
{
	enum withdrawal_stage from = (enum withdrawal_stage)world->withdrawals[w].stage;
	if (!lifecycle_withdrawal_allows(from, to, actor))
		forbidden("withdrawal", withdrawal_stage_text(from), withdrawal_stage_text(to),
			  actor);
	step->moves->withdrawal[from][to][actor] = true;
	world->withdrawals[w].stage = (uint8_t)to;
}

static void transfer_move(struct step *step, struct world *world, size_t n, enum transfer_stage to,
			  enum actor actor)
{
	enum transfer_stage from = (enum transfer_stage)world->slots[n].stage;
	if (!lifecycle_transfer_allows(from, to, actor))
		forbidden("transfer", transfer_stage_text(from), transfer_stage_text(to), actor);
	step->moves->transfer[from][to][actor] = true;
	world->slots[n].stage = (uint8_t)to;
}

/* ---- before the signer -------------------------------------------------------------------- */

static void accept(struct step *step, size_t w)
{
	if (step->from->withdrawals[w].stage != 0)
		return;
	for (uint8_t sum = SUM_RIGHT; sum <= SUM_ABOVE_LIMIT; sum++) {
		struct world *next = event(step);
		withdrawal_move(step, next, w, WITHDRAWAL_ACCEPTED, ACTOR_API);
		next->withdrawals[w].sum = sum;
	}
}

static void decide(struct step *step, size_t w)
{
	if (step->from->withdrawals[w].stage != WITHDRAWAL_ACCEPTED)
		return;
	if (!processor_allows(step->from, w)) {
		withdrawal_move(step, event(step), w, WITHDRAWAL_REJECTED, ACTOR_PROCESSOR);
		return;
	}
	withdrawal_move(step, event(step), w, WITHDRAWAL_QUEUED, ACTOR_PROCESSOR);
	withdrawal_move(step, event(step), w, WITHDRAWAL_AWAITING_APPROVAL, ACTOR_PROCESSOR);
}

static void approve(struct step *step, size_t w)
{
	if (step->from->withdrawals[w].stage != WITHDRAWAL_AWAITING_APPROVAL)
		return;
	withdrawal_move(step, event(step), w, WITHDRAWAL_QUEUED, ACTOR_PROCESSOR);
	withdrawal_move(step, event(step), w, WITHDRAWAL_REJECTED, ACTOR_PROCESSOR);
}

static void cancel(struct step *step, size_t w)
{
	const struct world_withdrawal *row = &step->from->withdrawals[w];
	bool is_open = row->stage == WITHDRAWAL_QUEUED || row->stage == WITHDRAWAL_ASSIGNED;
	if (row->stage == WITHDRAWAL_ACCEPTED || row->stage == WITHDRAWAL_AWAITING_APPROVAL)
		withdrawal_move(step, event(step), w, WITHDRAWAL_CANCELED, ACTOR_API);
	if (!is_open || row->cancel_requested || step->from->cancels == 0)
		return;
	struct world *next = event(step);
	next->withdrawals[w].cancel_requested = 1;
	next->cancels--;
}

/* A message that nobody can work on, and a person who puts it back. */
static void hold(struct step *step, size_t w)
{
	const struct world_withdrawal *row = &step->from->withdrawals[w];
	bool is_open = row->stage == WITHDRAWAL_QUEUED || row->stage == WITHDRAWAL_ASSIGNED;
	if (is_open && row->hold == HOLD_DEAD_LETTER)
		event(step)->withdrawals[w].hold = HOLD_NONE;
	if (!is_open || row->hold != HOLD_NONE || step->from->holds == 0)
		return;
	struct world *next = event(step);
	next->withdrawals[w].hold = HOLD_DEAD_LETTER;
	next->holds--;
}

/* ---- the signer --------------------------------------------------------------------------- */

static void reserve(struct step *step, size_t w)
{
	const struct world_withdrawal *row = &step->from->withdrawals[w];
	size_t n = 0;
	while (n < SLOTS && step->from->slots[n].stage != 0)
		n++;
	if (row->stage != WITHDRAWAL_QUEUED || row->hold != HOLD_NONE || row->cancel_requested ||
	    n == SLOTS || step->from->stopped || !signer_allows(step->from, w))
		return;
	struct world *next = event(step);
	transfer_move(step, next, n, TRANSFER_RESERVED, ACTOR_SIGNER);
	withdrawal_move(step, next, w, WITHDRAWAL_ASSIGNED, ACTOR_SIGNER);
	next->slots[n].owner = (uint8_t)(w + 1);
	next->slots[n].round = row->round;
	next->withdrawals[w].slot = (uint8_t)(n + 1);
}

static void end_queued(struct step *step, size_t w)
{
	const struct world_withdrawal *row = &step->from->withdrawals[w];
	if (row->stage != WITHDRAWAL_QUEUED || row->hold != HOLD_NONE)
		return;
	if (row->cancel_requested)
		withdrawal_move(step, event(step), w, WITHDRAWAL_CANCELED, ACTOR_SIGNER);
	else if (!signer_allows(step->from, w))
		withdrawal_move(step, event(step), w, WITHDRAWAL_REJECTED, ACTOR_SIGNER);
	else /* its estimate reverts */
		withdrawal_move(step, event(step), w, WITHDRAWAL_FAILED, ACTOR_SIGNER);
}

static unsigned reverts_of(const struct world *world, size_t w)
{
	unsigned count = 0;
	for (size_t n = 0; n < SLOTS; n++)
		if (world->slots[n].owner == w + 1 && world->slots[n].outcome == OUTCOME_REVERTED)
			count++;
	return count;
}

static void end_assigned(struct step *step, size_t w)
{
	const struct world_withdrawal *row = &step->from->withdrawals[w];
	if (row->stage != WITHDRAWAL_ASSIGNED || row->hold != HOLD_NONE)
		return;
	const struct world_slot *slot = &step->from->slots[row->slot - 1];
	if (slot->stage != TRANSFER_FINAL ||
	    !lifecycle_outcome_is_unpaid((enum transfer_outcome)slot->outcome))
		return;
	struct world *next = event(step);
	if (row->cancel_requested) {
		withdrawal_move(step, next, w, WITHDRAWAL_CANCELED, ACTOR_SIGNER);
	} else if (reverts_of(step->from, w) >= REVERTS_END) {
		withdrawal_move(step, next, w, WITHDRAWAL_FAILED, ACTOR_SIGNER);
	} else {
		withdrawal_move(step, next, w, WITHDRAWAL_QUEUED, ACTOR_SIGNER);
		next->withdrawals[w].round++;
		next->withdrawals[w].slot = 0;
	}
}

static void attempt_add(struct world *world, size_t n, bool cancels)
{
	struct world_slot *slot = &world->slots[n];
	slot->cancels |= (uint8_t)((cancels ? 1u : 0u) << slot->attempts);
	slot->attempts++;
}

static void sign(struct step *step, size_t n)
{
	const struct world_slot *slot = &step->from->slots[n];
	if (slot->stage != TRANSFER_RESERVED || step->from->stopped)
		return;
	const struct world_withdrawal *row = &step->from->withdrawals[slot->owner - 1];
	if (!slot->is_cancel && (row->cancel_requested || row->hold != HOLD_NONE)) {
		struct world *turned = event(step);
		transfer_move(step, turned, n, TRANSFER_RESERVED, ACTOR_SIGNER);
		turned->slots[n].is_cancel = 1;
		return;
	}
	struct world *next = event(step);
	transfer_move(step, next, n, TRANSFER_SIGNED, ACTOR_SIGNER);
	attempt_add(next, n, slot->is_cancel);
}

static uint8_t newest_bit(const struct world_slot *slot)
{
	return (uint8_t)(1u << (slot->attempts - 1));
}

/* Bytes leave or do not, and a crash may keep it from being recorded. */
static void send(struct step *step, size_t n)
{
	const struct world_slot *slot = &step->from->slots[n];
	if (slot->stage != TRANSFER_SIGNED)
		return;
	struct world *sent = event(step);
	transfer_move(step, sent, n, TRANSFER_BROADCAST, ACTOR_SIGNER);
	sent->slots[n].out |= newest_bit(slot);
	struct world *lost = event(step);
	transfer_move(step, lost, n, TRANSFER_BROADCAST, ACTOR_SIGNER);
	if ((slot->out & newest_bit(slot)) == 0)
		event(step)->slots[n].out |= newest_bit(slot);
}

/* What the monitor wishes for, with all facts that matter, and the signer does at once. */
static void wish(struct step *step, size_t n)
{
	const struct world_slot *slot = &step->from->slots[n];
	if (slot->stage != TRANSFER_BROADCAST || step->from->chain[n].attempt != 0 ||
	    slot->attempts == 0)
		return;
	for (unsigned bits = 0; bits < 4; bits++) {
		bool is_known = (slot->out & newest_bit(slot)) != 0;
		struct wish_facts facts = { .is_pending = is_known && (bits & 1) != 0,
					    .is_lowest =
						    n == 0 || step->from->chain[n - 1].attempt != 0,
					    .is_forgotten = (bits & 1) == 0,
					    .bytes_age_ms = (bits & 2) != 0 ? 1000 : 0,
					    .forgotten_ms = (bits & 2) != 0 ? 1000 : 0,
					    .heads_passed = WISH_HEADS_MIN };
		enum wish_reason reason;
		enum wish chosen = wish_choose(&chain, &facts, &reason);
		if (chosen == WISH_REBROADCAST && !is_known)
			event(step)->slots[n].out |= newest_bit(slot);
		if (chosen != WISH_BUMP || slot->attempts == ATTEMPTS)
			continue;
		const struct world_withdrawal *row = &step->from->withdrawals[slot->owner - 1];
		attempt_add(event(step), n,
			    row->cancel_requested || is_cancellation(slot, slot->attempts));
	}
}

/* ---- the chain ---------------------------------------------------------------------------- */

static void age(struct world_receipt *receipt)
{
	if (receipt->attempt != 0 && receipt->age < DEPTH_UNPAID)
		receipt->age++;
}

static void head_rise(struct world *world)
{
	for (size_t n = 0; n < SLOTS; n++) {
		age(&world->chain[n]);
		age(&world->slots[n].seen);
	}
}

/* A block without anything of ours. */
static void block(struct step *step)
{
	struct world next = *step->from;
	head_rise(&next);
	if (memcmp(&next, step->from, sizeof next) != 0)
		*event(step) = next;
}

/* A block with one. */
static void mined(struct world *world, size_t n, unsigned attempt, uint8_t result)
{
	head_rise(world);
	world->chain[n] = (struct world_receipt){ .attempt = (uint8_t)attempt,
						  .result = result,
						  .fork = world->fork };
}

static void include_attempt(struct step *step, size_t n, unsigned attempt)
{
	const struct world_slot *slot = &step->from->slots[n];
	bool pays = !is_cancellation(slot, attempt);
	for (uint8_t result = RESULT_PAID; result <= RESULT_SILENT; result++) {
		if (result != RESULT_PAID && (!pays || step->from->reverts == 0))
			continue;
		if (result == RESULT_SILENT && !is_token(slot->owner - 1u))
			continue;
		struct world *next = event(step);
		next->reverts = (uint8_t)(next->reverts - (result == RESULT_PAID ? 0 : 1));
		mined(next, n, attempt, result);
	}
}

static void include(struct step *step, size_t n)
{
	const struct world *world = step->from;
	if (world->chain[n].attempt != 0 || (n > 0 && world->chain[n - 1].attempt == 0))
		return;
	for (unsigned attempt = 1; attempt <= ATTEMPTS; attempt++)
		if ((world->slots[n].out >> (attempt - 1) & 1) != 0)
			include_attempt(step, n, attempt);
	if (world->strangers > 0 && world->slots[n].stage != 0) {
		struct world *next = event(step);
		next->strangers--;
		mined(next, n, FOREIGN_ATTEMPT,
		      RESULT_REVERTED); /* whom else it paid is no matter */
		const struct world_slot *slot = &world->slots[n];
		if (world->withdrawals[slot->owner - 1u].slot != n + 1)
			return;
		next = event(step);
		next->strangers--;
		mined(next, n, FOREIGN_ATTEMPT, RESULT_PAID); /* the very same */
	}
}

static void mark_raise(struct world_receipt *receipt, unsigned age_max)
{
	if (receipt->attempt != 0 && receipt->age >= age_max)
		receipt->finalized = 1;
}

/* The mark rises to the block of nonce n: what is there, and what was seen there, is below it. */
static void finalize(struct step *step, size_t n)
{
	const struct world_receipt *receipt = &step->from->chain[n];
	if (receipt->attempt == 0 || receipt->finalized)
		return;
	struct world *next = event(step);
	for (size_t i = 0; i < SLOTS; i++) {
		mark_raise(&next->chain[i], receipt->age);
		mark_raise(&next->slots[i].seen, receipt->age);
	}
}

/* What is not finalized may be taken back; what is, once, and only where something was paid. */
static void reorg(struct step *step, size_t n)
{
	const struct world *world = step->from;
	const struct world_receipt *receipt = &world->chain[n];
	if (receipt->attempt == 0 || (receipt->finalized ? world->strangers : world->reorgs) == 0)
		return;
	if (receipt->finalized && (world->slots[n].outcome != OUTCOME_SUCCEEDED ||
				   (n + 1 < SLOTS && world->chain[n + 1].attempt != 0)))
		return;
	struct world *next = event(step);
	if (receipt->finalized) {
		next->strangers--;
		next->taken_back = next->stopped = 1;
	} else {
		next->reorgs--;
	}
	next->fork++;
	for (size_t i = n; i < SLOTS; i++)
		next->chain[i] = (struct world_receipt){ 0 };
}

/* ---- the monitor -------------------------------------------------------------------------- */

static void observe(struct step *step, size_t n)
{
	const struct world_slot *slot = &step->from->slots[n];
	const struct world_receipt *receipt = &step->from->chain[n];
	bool is_watched = slot->stage >= TRANSFER_RESERVED && slot->stage <= TRANSFER_MINED;
	bool is_deep = receipt->age >= DEPTH_PAID;
	if (!is_watched || slot->held || is_same_receipt(&slot->seen, receipt) ||
	    (receipt->attempt == FOREIGN_ATTEMPT && !is_deep))
		return;
	struct world *next = event(step);
	enum transfer_stage back = slot->attempts == 0 ? TRANSFER_RESERVED : TRANSFER_BROADCAST;
	transfer_move(step, next, n, receipt->attempt == 0 ? back : TRANSFER_MINED, ACTOR_MONITOR);
	next->slots[n].seen = *receipt;
	next->slots[n].outcome = OUTCOME_NONE;
	next->stopped |= receipt->attempt == FOREIGN_ATTEMPT;
}

static void final_move(struct step *step, size_t n, enum transfer_outcome outcome)
{
	struct world *next = event(step);
	size_t w = next->slots[n].owner - 1u;
	struct world_withdrawal *row = &next->withdrawals[w];
	static const char *const reasons[] = { [HOLD_NONE] = "",
					       [HOLD_DEAD_LETTER] = "dead_letter",
					       [HOLD_DOUBT] = "success_without_proof" };
	transfer_move(step, next, n, TRANSFER_FINAL, ACTOR_MONITOR);
	next->slots[n].outcome = (uint8_t)outcome;
	if (outcome != OUTCOME_SUCCEEDED || row->stage != WITHDRAWAL_ASSIGNED ||
	    !lifecycle_paid_ends_hold(reasons[row->hold]))
		return;
	withdrawal_move(step, next, w, WITHDRAWAL_COMPLETED, ACTOR_MONITOR);
	row->hold = HOLD_NONE;
}

static void settle(struct step *step, size_t n)
{
	const struct world_slot *slot = &step->from->slots[n];
	enum transfer_outcome outcome = OUTCOME_NONE;
	if (slot->stage != TRANSFER_MINED || slot->held)
		return;
	if (slot->seen.attempt == FOREIGN_ATTEMPT) {
		if (is_same_receipt(&slot->seen, &step->from->chain[n]) && slot->seen.finalized)
			final_move(step, n, OUTCOME_FOREIGN);
		return;
	}
	switch (confirm_ask(step->from, n, &outcome)) {
	case CONFIRM_WAIT:
		break;
	case CONFIRM_FINAL:
		final_move(step, n, outcome);
		break;
	case CONFIRM_HOLD: {
		struct world *next = event(step);
		transfer_move(step, next, n, TRANSFER_MINED, ACTOR_MONITOR);
		next->slots[n].outcome = OUTCOME_UNPROVEN;
		struct world_withdrawal *row = &next->withdrawals[slot->owner - 1];
		if (!lifecycle_is_terminal((enum withdrawal_stage)row->stage))
			row->hold = HOLD_DOUBT;
		break;
	}
	}
}

/* A stranger's transaction, or our own that proves nothing: people say what it did, and the signer
 * finds nothing else. */
static void resolve_doubt(struct step *step, size_t n)
{
	const struct world_slot *slot = &step->from->slots[n];
	const struct world_receipt *receipt = &step->from->chain[n];
	size_t w = slot->owner - 1u;
	bool is_doubt = slot->outcome == OUTCOME_FOREIGN || slot->outcome == OUTCOME_UNPROVEN;
	if (slot->stage != TRANSFER_FINAL || !is_doubt || !receipt->finalized ||
	    receipt->age < DEPTH_UNPAID ||
	    (receipt->attempt == FOREIGN_ATTEMPT) != (slot->outcome == OUTCOME_FOREIGN))
		return;
	const struct world_withdrawal *row = &step->from->withdrawals[w];
	if (row->stage != WITHDRAWAL_ASSIGNED || row->slot != n + 1)
		return;
	struct world *next = event(step);
	next->stopped = 0;
	next->withdrawals[w].hold = HOLD_NONE;
	if (receipt->result == RESULT_PAID) {
		withdrawal_move(step, next, w, WITHDRAWAL_COMPLETED, ACTOR_PERSON);
	} else if (row->cancel_requested) {
		withdrawal_move(step, next, w, WITHDRAWAL_CANCELED, ACTOR_PERSON);
	} else {
		withdrawal_move(step, next, w, WITHDRAWAL_QUEUED, ACTOR_PERSON);
		next->withdrawals[w].round++;
		next->withdrawals[w].slot = 0;
	}
}

/* T9: a person has looked, and the same bytes go out again. */
static void resolve(struct step *step, size_t n)
{
	const struct world *world = step->from;
	resolve_doubt(step, n);
	if (!world->taken_back || world->slots[n].stage != TRANSFER_FINAL ||
	    world->chain[n].attempt != 0)
		return;
	struct world *next = event(step);
	transfer_move(step, next, n, TRANSFER_BROADCAST, ACTOR_PERSON);
	next->slots[n].outcome = OUTCOME_NONE;
	next->slots[n].seen = (struct world_receipt){ 0 };
	next->stopped = 0;
}

/* ---- the whole ---------------------------------------------------------------------------- */

struct world world_start(void)
{
	struct world world;
	memset(&world, 0, sizeof world);
	return world;
}

size_t world_successors(const struct world *world, struct seen_moves *moves,
			struct world ret_next[SUCCESSORS_MAX])
{
	static void (*const of_withdrawals[])(struct step *, size_t) = {
		accept, decide, approve, cancel, hold, reserve, end_queued, end_assigned
	};
	static void (*const of_slots[])(struct step *, size_t) = { sign,    send,   wish,
								   include, reorg,  finalize,
								   observe, settle, resolve };
	struct step step = { world, moves, ret_next, 0 };
	for (size_t i = 0; i < sizeof of_withdrawals / sizeof of_withdrawals[0]; i++)
		for (size_t w = 0; w < WITHDRAWALS; w++)
			of_withdrawals[i](&step, w);
	for (size_t i = 0; i < sizeof of_slots / sizeof of_slots[0]; i++)
		for (size_t n = 0; n < SLOTS; n++)
			of_slots[i](&step, n);
	block(&step);
	return step.len;
}

/* ---- the rules, by what is true on the chain ---------------------------------------------- */

static bool is_paid(const struct world *world, size_t n)
{
	const struct world_receipt *receipt = &world->chain[n];
	return receipt->attempt != 0 && receipt->result == RESULT_PAID &&
	       (receipt->attempt == FOREIGN_ATTEMPT ||
		!is_cancellation(&world->slots[n], receipt->attempt));
}

static bool cannot_pay(const struct world *world, size_t n)
{
	return world->chain[n].finalized && world->chain[n].age >= DEPTH_UNPAID &&
	       !is_paid(world, n);
}

static const char *broken_of_withdrawal(const struct world *world, size_t w)
{
	const struct world_withdrawal *row = &world->withdrawals[w];
	size_t live = 0;
	size_t paid = 0;
	if (row->sum != SUM_RIGHT && row->slot != 0)
		return "a slot for what the rules refuse";
	if (row->sum == SUM_BELOW_MINIMUM && row->stage == WITHDRAWAL_QUEUED)
		return "approved, and the rules refuse it";
	if (row->hold == HOLD_DOUBT && !world->taken_back &&
	    world->chain[row->slot - 1u].result != RESULT_SILENT)
		return "a hold without a cause";
	for (size_t n = 0; n < SLOTS; n++) {
		const struct world_slot *slot = &world->slots[n];
		bool bound = row->stage >= WITHDRAWAL_ASSIGNED && row->slot == n + 1;
		if (slot->owner != w + 1)
			continue;
		live += slot->stage != TRANSFER_FINAL ? 1 : 0;
		paid += is_paid(world, n) ? 1 : 0;
		if (row->stage != WITHDRAWAL_ASSIGNED && row->stage != WITHDRAWAL_COMPLETED &&
		    !cannot_pay(world, n))
			return "T4: it left a slot that may pay it";
		if (row->stage == WITHDRAWAL_COMPLETED && !bound && !cannot_pay(world, n))
			return "T4: it was paid elsewhere, and this slot may pay it too";
	}
	if (paid > 1)
		return "it is paid twice";
	if (live > 1)
		return "T1: two live transfers of one withdrawal";
	if (row->stage == WITHDRAWAL_ASSIGNED &&
	    (row->slot == 0 || world->slots[row->slot - 1].owner != w + 1 ||
	     world->slots[row->slot - 1].round != row->round))
		return "T1: it is assigned, and not to a slot of its round";
	if (row->stage == WITHDRAWAL_COMPLETED && row->hold == HOLD_DOUBT)
		return "a hold that doubts it ended by itself";
	if (row->stage == WITHDRAWAL_COMPLETED && !world->taken_back &&
	    (!is_paid(world, row->slot - 1u) || !world->chain[row->slot - 1u].finalized ||
	     world->chain[row->slot - 1u].age < DEPTH_PAID))
		return "T6: it is completed, and not paid for good";
	return NULL;
}

static const char *broken_of_slot(const struct world *world, size_t n)
{
	const struct world_slot *slot = &world->slots[n];
	const struct world_receipt *receipt = &world->chain[n];
	if (slot->stage == 0)
		return slot->owner == 0 ? NULL : "T2: a slot without a stage";
	if (n > 0 && world->slots[n - 1].stage == 0)
		return "T2: a nonce was left out";
	if (slot->out >> slot->attempts != 0)
		return "T3: bytes are out that no attempt has";
	if (slot->stage >= TRANSFER_SIGNED && slot->attempts == 0 &&
	    slot->seen.attempt != FOREIGN_ATTEMPT)
		return "T3: a slot is signed without an attempt";
	if (slot->is_cancel && slot->cancels != (1u << slot->attempts) - 1u)
		return "T7: a self-transfer has an attempt that pays";
	if (slot->stage != TRANSFER_FINAL)
		return slot->outcome == OUTCOME_NONE || (slot->outcome == OUTCOME_UNPROVEN &&
							 slot->stage == TRANSFER_MINED)
			       ? NULL
			       : "an outcome before the end";
	if (slot->outcome == OUTCOME_NONE)
		return "T12: an end without an outcome";
	if (world->taken_back) /* T9: what rows say is for a person to compare */
		return NULL;
	if (receipt->attempt == 0)
		return "T12: final, and nothing has its nonce";
	if (slot->outcome != OUTCOME_FOREIGN &&
	    (slot->outcome == OUTCOME_SUCCEEDED) != is_paid(world, n))
		return "T6: what the slot says is not what the chain did";
	return NULL;
}

const char *world_broken_rule(const struct world *world)
{
	for (size_t w = 0; w < WITHDRAWALS; w++) {
		const char *broken = broken_of_withdrawal(world, w);
		if (broken != NULL)
			return broken;
	}
	for (size_t n = 0; n < SLOTS; n++) {
		const char *broken = broken_of_slot(world, n);
		if (broken != NULL)
			return broken;
	}
	return NULL;
}

/* Does it wait for what this world is too small for, or for a person? */
static bool may_wait(const struct world *world, size_t w)
{
	const struct world_withdrawal *row = &world->withdrawals[w];
	bool is_full = world->slots[SLOTS - 1].stage != 0;
	return row->hold != HOLD_NONE || world->stopped || world->taken_back ||
	       (row->stage == WITHDRAWAL_QUEUED && is_full);
}

const char *world_broken_at_the_end(const struct world *world)
{
	for (size_t w = 0; w < WITHDRAWALS; w++)
		if (world->withdrawals[w].stage < WITHDRAWAL_COMPLETED && !may_wait(world, w))
			return "T11: nothing can happen any more, and a withdrawal has not ended";
	return NULL;
}

const char *world_broken_on_the_way(const struct world *from, const struct world *to)
{
	for (size_t w = 0; w < WITHDRAWALS; w++)
		if (from->withdrawals[w].stage >= WITHDRAWAL_COMPLETED &&
		    memcmp(&from->withdrawals[w], &to->withdrawals[w],
			   sizeof from->withdrawals[w]) != 0)
			return "T9: a final status changed";
	for (size_t n = 0; n < SLOTS; n++) {
		const struct world_slot *before = &from->slots[n];
		const struct world_slot *after = &to->slots[n];
		if (before->stage == TRANSFER_FINAL && after->stage != TRANSFER_FINAL &&
		    (!from->taken_back || from->chain[n].attempt != 0))
			return "T9: a final slot came back without the chain taking it";
		if (after->attempts < before->attempts || (before->cancels & ~after->cancels) != 0)
			return "T3: an attempt was lost";
		if (after->is_cancel != before->is_cancel && before->attempts != 0)
			return "T7: a signed slot became another one";
	}
	return NULL;
}
