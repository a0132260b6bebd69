/* Two calls of the store that meet over one thing: each statement of the first is the moment at
 * which the second comes, over a connection of its own. What comes of it, results and all rows, has
 * to be what comes of the one after the other. */
#ifndef SLUICE_TEST_CONTRACT_RACE_H
#define SLUICE_TEST_CONTRACT_RACE_H

#include "store_fixture.h"

#include "port/store_recover.h"

/* What is fought over, as it was read before anybody moved. */
struct subject {
	struct withdrawal row;
	struct transfer slot;
	struct message_ack ack;          /* of the row's wake-up, whose claim has run out */
	struct hash32 tx_hash;           /* what mined the slot */
	struct store_attempt attempt[2]; /* the slot's next, of each player */
};

/* And what the players bring along, made beforehand, so that every time is the same. */
struct scene {
	struct subject subjects[2]; /* the second one only where it is said */
	struct resolve_case of;
	struct withdrawal fresh[2]; /* each player's own, not stored */
	struct id transfer[2];      /* of a new slot */
	struct store_import import;
};

struct player {
	size_t index; /* 0: who is interrupted, 1: who comes */
	const struct fixture *f;
	const struct scene *scene;
	struct db *db;
	struct store *store;
	struct queue *queue;
	const struct act *act;
	char result[160];
};

enum act_flag {
	ACT_ACKS = 1,
	ACT_BURIES = 2,
	ACT_CANCELS = 4,
	ACT_SPEEDS_UP = 8,
	ACT_NEXT_ROUND = 16,
	ACT_APPROVES = 32,
	ACT_STEALS = 64,       /* the leases of the wallet of `wallet` */
	ACT_IS_FENCED = 128,   /* by the lease of that wallet */
	ACT_IS_MONITORS = 256, /* fenced by the lease of the chain */
	ACT_STEALS_CHAIN = 512,
	ACT_RELEASES = 1024,
	ACT_PASSES = 2048,   /* over what is locked */
	ACT_IS_BOTHS = 4096, /* of both subjects at once */
	ACT_IS_BACK = 8192,  /* the second one first */
};

/* One call, its arguments made of the scene and of what stands here. Runs in threads: writes its
 * result into the player, asserts nothing. */
struct act {
	const char *name;
	bool (*run)(struct player *player, const struct act *act, struct err *err);
	void (*ready)(struct player *player, const struct act *act); /* before the race; or NULL */
	unsigned flags;
	enum actor actor;
	int to; /* a stage, an outcome, a kind: what `run` makes of it */
	int how;
	size_t wallet;
	const char *text; /* event, reason, person */
	const char *held;
};

/* Runs every act against every one, at each statement. Prints what has no order; false then. */
bool race_all(struct fixture *f, const struct scene *scene, const struct act *acts, size_t n);

#endif
