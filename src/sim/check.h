/* What the files of the checkers share. They know the schema and the rules, and nothing of the code
 * that they check: no service, no lifecycle table. */
#ifndef SLUICE_SIM_CHECK_H
#define SLUICE_SIM_CHECK_H

#include "core/tx.h"
#include "sim/world.h"

#include <string.h>

enum sim_what {
	SIM_WITHDRAWAL_MADE = 1,
	SIM_WITHDRAWAL_MOVED = 2,
	SIM_WITHDRAWAL_EDITED = 3,
	SIM_SLOT_MADE = 4,
	SIM_SLOT_MOVED = 5,
	SIM_SLOT_EDITED = 6,
	SIM_ATTEMPT_MADE = 7,
	SIM_ATTEMPT_EDITED = 8,
	SIM_WALLET_STOPPED = 9,
	SIM_SWITCHES_CHANGED = 10,
	SIM_WORD_SAID = 11,
	SIM_APPROVAL_CHANGED = 12,
};

/* One change of one row; value: as the trigger of its kind wrote them. */
struct sim_change {
	enum sim_what what;
	int64_t row;
	int64_t value[5];
	int64_t n;
};

/* check_log.c */
/* One number, or bytes, of the row that the statement names by its one parameter; -1 or false when
 * there is none. `literal` must be one: it is cached by its address. */
int64_t sim_ask_i64(struct sim_world *world, const char *literal, int64_t row);
bool sim_ask_bytes(struct sim_world *world, const char *literal, int64_t row, void *ret_bytes,
		   size_t cap, size_t *ret_len);
/* Several numbers of the row with this id; false when there is none. */
bool sim_ask_of_id(struct sim_world *world, const char *literal, struct id id, int64_t *ret_values,
		   int n);

/* check_change.c */
/* Up to where the truth is final: by the chain's word, or by the depth that the run promises. */
uint64_t sim_final_height(const struct sim_world *world);
void sim_check_change(struct sim_world *world, const struct sim_change *change);
struct sim_slot *sim_slot_of_row(struct sim_world *world, int64_t row);
/* Of this nonce, as its row was when it was signed for: the one that is for the receiver, or else
 * the newest; NULL: there is none. */
const struct sim_slot *sim_slot_of_payment(const struct sim_world *world, unsigned wallet,
					   uint64_t nonce, struct address to);
/* The newest slot of that round of the withdrawal; NULL: none was seen. */
const struct sim_slot *sim_slot_of_round(struct sim_world *world, struct id withdrawal,
					 unsigned round);
/* The hash of an attempt; false: there is none of this number. */
bool sim_slot_hash(struct sim_world *world, const struct sim_slot *slot, unsigned number,
		   struct hash32 *ret_hash);
bool sim_attempt_hash(struct sim_world *world, struct id transfer, unsigned number,
		      struct hash32 *ret_hash);
/* check_withdrawal.c */
void sim_check_withdrawal_made(struct sim_world *world, const struct sim_change *change);
void sim_check_withdrawal_moved(struct sim_world *world, const struct sim_change *change);
/* Could any slot of the order still pay it, or did one? Says so under `rule`. */
void sim_check_unpaid(struct sim_world *world, const struct sim_order *order, const char *rule);
/* check_slot.c */
void sim_check_slot_made(struct sim_world *world, const struct sim_change *change);
void sim_check_slot_moved(struct sim_world *world, const struct sim_change *change);
void sim_check_attempt_made(struct sim_world *world, const struct sim_change *change);
/* Rows that an editor made: they count for nothing until the signer signs for them. */
void sim_check_slot_forged(struct sim_world *world, const struct sim_change *change);
void sim_check_attempt_forged(struct sim_world *world, const struct sim_change *change);
bool sim_pays_order(const struct sim_world *world, const struct sim_order *order,
		    const struct tx *tx);
/* check_fee.c */
/* The newest attempt as the store has it. */
void sim_check_fees_reload(struct sim_world *world, struct sim_slot *slot);
/* A new attempt (its rowid) against the one before; keeps its fees and its time. */
void sim_check_fees(struct sim_world *world, struct sim_slot *slot, int64_t row, bool cancels);
/* What leaves costs no more than a slot may. */
void sim_check_cost(struct sim_world *world, const struct sim_slot *slot, const struct tx *tx);
/* check_proof.c */
struct tx;
/* Does the journal have it that the order ended so, unpaid? */
bool sim_has_void(struct sim_world *world, const struct sim_order *order, enum withdrawal_stage to);
void sim_check_void(struct sim_world *world, const struct sim_order *order,
		    enum withdrawal_stage to);
/* Signed bytes: does the journal know them, and is the right spent on them? */
void sim_check_journaled(struct sim_world *world, const struct sim_slot *slot, const struct tx *tx,
			 bool pays);
/* check_money.c */
void sim_check_purse(struct sim_world *world, unsigned wallet);
/* Could the chain itself have paid it twice? */
bool sim_is_excused(const struct sim_world *world, const struct sim_order *order);
void sim_check_limits(struct sim_world *world, const struct sim_slot *slot);
/* check_restore.c */
const struct sim_order *sim_order_paid(const struct sim_world *world, const struct sim_slot *slot,
				       const struct tx *tx);
/* The slot that its nonce has since; itself while there is none. */
const struct sim_slot *sim_slot_found(const struct sim_world *world, const struct sim_slot *lost);
/* A slot of the lost hour, of a round that the queued row comes to now: its journal knows it, and
 * what it paid is bound to the row then. */
bool sim_is_later_round(struct sim_world *world, const struct sim_order *order,
			const struct sim_slot *slot);
/* Is such a slot the one that paid it? */
bool sim_was_paid_later(struct sim_world *world, const struct sim_order *order,
			const struct sim_payments *paid);
void sim_check_lost(struct sim_world *world, int order);
void sim_check_told(struct sim_world *world, const struct sim_order *order);
/* Right before all is lost, and when the old copy stands there. */
void sim_check_lose(struct sim_world *world);
void sim_check_restored(struct sim_world *world);
/* check_feed.c */
void sim_check_feed(struct sim_world *world);
/* check_stop.c */
void sim_check_stopped(struct sim_world *world, unsigned wallet);
/* Did the chain take back what was final, and a wallet goes on? */
bool sim_check_goes_on(struct sim_world *world);

#endif
