/* Room in the windows of limits, within the transaction of a batch: what its decisions take, and
 * what is given back by those that end a withdrawal unpaid. All windows that the batch needs are
 * locked by one look, in the order of their keys, after its withdrawals and before anything is
 * written; sums are made in C. */
#ifndef SLUICE_ADAPTER_STORE_SQL_ROOM_H
#define SLUICE_ADAPTER_STORE_SQL_ROOM_H

#include "adapter/store_sql_parts.h"

struct room;

/* Does this end give room back? */
bool room_is_given_back(enum withdrawal_stage from, enum withdrawal_stage to);

/* For the changes of a batch, whose withdrawals are locked. *ret_room: NULL when none of them has
 * to do with limits; freed by room_close. */
MUST_CHECK bool room_open(struct db *db, const struct store_change *changes, size_t n,
			  int64_t now_ms, struct room **ret_room, struct err *err);
void room_close(struct room *room); /* accepts NULL */
/* Takes what the change claims, all or nothing: sets its room and room_at. What the withdrawal has
 * already is not taken twice. */
void room_take(struct room *room, struct store_change *change);
/* Gives back what the withdrawal has. */
void room_release(struct room *room, struct id withdrawal);
/* Writes what has changed. */
MUST_CHECK bool room_write(struct room *room, struct err *err);
/* The same for one withdrawal that is ended outside of a batch of changes. */
MUST_CHECK bool room_release_one(struct db *db, struct id withdrawal, struct err *err);

#endif
