/* The calls that race, each with a name of its own in tables of acts. */
#ifndef SLUICE_TEST_CONTRACT_RACE_ACTS_H
#define SLUICE_TEST_CONTRACT_RACE_ACTS_H

#include "race.h"

#define ACT(name) bool name(struct player *player, const struct act *act, struct err *err)

/* `to`: the stage, 0: as it is; `text`: the event; `held`: a reason, in `how` 1 it is one to wait,
 * in 2 of a failure. */
ACT(act_change);
ACT(act_reserve);     /* from the wallet, for the row */
ACT(act_fill);        /* a slot for a recovery's sake */
ACT(act_turn_cancel); /* the slot */
ACT(act_sign);        /* the slot's next attempt; `how` 1: its cancellation */
ACT(act_send);        /* attempt `how`; `to` 1: it surely was not taken */
ACT(act_observe);     /* `to`: the stage, `how`: the outcome, or `held` */
ACT(act_wish);        /* `how` */
ACT(act_sweep);
ACT(act_redrive); /* the dead letters of queue `how` */
ACT(act_claim);   /* of queue `how` */
ACT(act_ack);
ACT(act_extend);
/* `how` 0: the row's key, 1: with another body, 2: its external id, 3: two keys of the players'
 * own, each in another order. */
ACT(act_accept);
ACT(act_decide);  /* person `text`, verdict `how` */
ACT(act_resolve); /* `how` */
ACT(act_import);
ACT(act_bind);
ACT(act_recover); /* up to nonce `how` */
ACT(act_recovered);
ACT(act_begin);
ACT(act_stop);
ACT(act_start);
ACT(act_enter);
ACT(act_renew);
ACT(act_steal);
ACT(act_mark);
ACT(act_reconciled);
ACT(act_pin);

void ready_to_steal(struct player *player, const struct act *act);

#endif
