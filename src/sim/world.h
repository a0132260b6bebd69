/* What the files of the simulator share. An event of the world goes through them so:
 *
 *	schedule.c  what happens next, and when: steps, blocks, requests, faults of the outside
 *	process.c   one incarnation of a role: its start, its steps, its death
 *	sqs.c       a model of the queues that odd seeds have
 *	port_*.c    the ports as a process sees them: each call may go wrong
 *	client.c    what is asked for, and the list of what was answered with 202
 *	check_*.c   the rules T1 to T12, looked after from outside the code under test
 *	restore.c    an old copy takes the store's place, and what people do about it
 *	desk.c       people come by: switches.c, approvers.c
 *	outside.c   what only a person can put right: a stranger with a key, a chain that goes back
 *	editor.c    somebody with the password of the database
 *	forge.c     rows that he makes
 *	aim.c       trouble at the worst moment: right before a certain call
 *	favourite.c the call that goes wrong most in this seed
 *	seen.c      what each process was told in its step
 *	plant.c     violations made on purpose, to see the checkers fire
 */
#ifndef SLUICE_SIM_WORLD_H
#define SLUICE_SIM_WORLD_H

#include "base/log.h"
#include "core/catalogue.h"
#include "core/intent.h"
#include "port/db.h"
#include "sim/chain_model.h"
#include "sim/chain_node.h"
#include "sim/desk.h"
#include "sim/process.h"
#include "sim/random.h"
#include "sim/record.h"
#include "sim/sim.h"
#include "sim/sqs.h"

#include "sim/restore.h"

#define SIM_PROCESSES_MAX 12
#define SIM_WALLETS       3
#define SIM_NEST_MAX      2 /* a process that stands still while others do, in turn */
#define SIM_REORG_MAX     250
#define SIM_STORY_LINES   400
#define SIM_JOBS          8 /* requests in one group commit */

struct sim_world {
	const struct sim_options *options;
	struct sim_summary *summary;
	struct sim_random random; /* of the world's own decisions */
	struct sim_random own;    /* of what came later, so that older seeds tell what they told */
	struct sim_entropy entropy;
	struct sim_clock clock;
	int64_t now_ms;       /* since 1970 */
	int64_t monotonic_ms; /* the same speed, another start */
	int64_t born_ms;
	int64_t skew_ms; /* of the wall clocks, for what starts from now on */
	bool has_finality;
	bool short_approvals; /* they run out while a payout waits */
	bool has_limits;      /* of the signer, that some payments meet */
	bool edits_slots;     /* the editor knows what slots are */
	bool forges;          /* and how to make rows */
	unsigned born;        /* incarnations so far */
	uint64_t steps;
	int depth; /* of processes that stand still */
	bool faults_on;
	unsigned families;                /* of this seed */
	unsigned per_million[SIM_FAULTS]; /* of port calls */
	uint64_t calls;
	uint64_t seen[SIM_CALLS];
	enum sim_call
		favourite; /* of the faults of this seed: what is called rarely goes wrong too */
	struct catalogue catalogue;
	struct id deployment;
	uint8_t keys_bytes[7][32];
	struct db *db;
	struct store *store;
	struct queue *queue;  /* the embedded one */
	struct sim_sqs *sqs;  /* instead of it, in every other seed; or NULL */
	uint64_t waiting_max; /* there, before wake-ups stay in the outbox */
	struct journal *journal;
	struct keys *keys;
	struct sim_chain *model;
	struct sim_front *front;
	struct sim_node *nodes[SIM_NODES_MAX];
	size_t nodes_len;
	struct log log;
	struct sim_process processes[SIM_PROCESSES_MAX];
	struct sim_seen *told;               /* of each of them */
	const struct sim_process *acting;    /* whose call it is */
	struct sim_before before[BATCH_MAX]; /* of that call */
	struct sim_lease leases[16];
	/* The client. */
	struct sim_order orders[SIM_WITHDRAWALS_MAX];
	size_t orders_len;
	struct job *jobs; /* SIM_JOBS for each depth */
	/* The outside, as times of the next. */
	int64_t block_at;
	int64_t block_ms;
	uint64_t depth_unpaid;
	int64_t trouble_at;
	int64_t trouble_ms_max;
	int64_t calm_at; /* when what is troubled now ends */
	struct sim_restore restore;
	struct sim_desk desk;
	/* The checkers. */
	struct sim_slot *slots;
	size_t slots_len;
	uint64_t next_nonce[SIM_WALLETS];
	bool nonces_known[SIM_WALLETS];
	int64_t log_seen; /* the last change that was checked */
	bool planted;
	bool importing;      /* changes of now are what the chain knew and the store did not */
	bool editing;        /* changes of now are an editor's */
	bool has_edits;      /* of any row */
	bool has_slot_edits; /* of slots, attempts or wallets */
	bool has_lies;       /* a node has lied */
	uint64_t nonce_edited[SIM_WALLETS]; /* step of the world; 0: never */
	unsigned foreign;                   /* wallets that a stranger used, as bits */
	unsigned causes;                    /* of everything, from now on */
	uint64_t reorgs;
	bool is_reorged;
	uint64_t money_reorgs; /* when the blocks were looked through last */
	uint64_t money_nonce[SIM_WALLETS];
	bool failed;
	struct err failure;
	unsigned alarms;
	/* The story: a ring of lines. */
	char (*story)[256];
	size_t story_next;
};

static inline int64_t sim_between(struct sim_world *world, int64_t low, int64_t high)
{
	return low + (int64_t)sim_random_below(&world->random, (uint64_t)(high - low + 1));
}

static inline bool sim_chance(struct sim_world *world, unsigned per_mille)
{
	return sim_random_chance(&world->random, per_mille);
}

static inline bool sim_has(const struct sim_world *world, unsigned family)
{
	return (world->families & family) != 0;
}

/* world.c */
/* A line of the story, kept in the ring and told. */
void sim_tell(struct sim_world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The first violation counts; the run ends. */
void sim_fail(struct sim_world *world, const char *rule, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A little money comes in. */
void sim_wallet_trickle(struct sim_world *world, unsigned wallet);

/* port_queue.c */
/* A seed with an external queue: what this one does. */
void sim_queue_open(struct sim_world *world);
/* Every message is gone, dead letters come back, strangers write. */
void sim_queue_trouble(struct sim_world *world);
/* From now on it is as good as it can be; what happened in it is counted. */
void sim_queue_calm(struct sim_world *world);
void sim_queue_count(struct sim_world *world);

/* favourite.c */
/* Once per seed, when its families are known; adds those that its favourite call takes. */
void sim_favourite_choose(struct sim_world *world);
/* What goes wrong with its favourite call now; SIM_FAULTS: nothing. */
enum sim_fault sim_favourite_roll(struct sim_world *world, enum sim_call call);
/* The lies, as bits, that lead to it; 0: it takes none. */
unsigned sim_favourite_lies(const struct sim_world *world);

/* schedule.c */
/* Events until `until_ms`, or until the run failed. */
void sim_schedule_run(struct sim_world *world, int64_t until_ms);
void sim_schedule_calm(struct sim_world *world);

/* client.c */
void sim_client_plan(struct sim_world *world);
/* Cancels this order now, if the API listens. */
void sim_client_cancel(struct sim_world *world, struct sim_order *order);
/* When the client acts next; INT64_MAX: never. */
int64_t sim_client_next(const struct sim_world *world);
void sim_client_act(struct sim_world *world);
/* An operator puts dead letters back. */
void sim_client_redrive(struct sim_world *world);
/* people.c: what is held for a stranger, and wallets that stand. */
void sim_people_act(struct sim_world *world);

/* check_*.c */
bool sim_check_open(struct sim_world *world, struct err *err);
/* After any change of the store. */
void sim_check_changes(struct sim_world *world);
/* Bytes reach a node. */
void sim_check_sent(struct sim_world *world, struct str raw);
/* At the end. */
void sim_check_end(struct sim_world *world);
/* A block is mined, or some were taken back. */
void sim_check_block(struct sim_world *world);
/* While nothing goes wrong any more: what has to have been noticed by now? */
void sim_check_calm(struct sim_world *world);
/* A person is called. */
void sim_check_alarm(struct sim_world *world, const char *action, const char *key,
		     const char *message);
bool sim_check_is_done(struct sim_world *world);
struct sim_order *sim_order_of_row(struct sim_world *world, int64_t row);

/* A withdrawal was bound to a slot that the store learned of. */
void sim_check_bound(struct sim_world *world, struct id transfer, struct id withdrawal);

/* editor.c */
/* One edit, of whatever. */
void sim_editor_act(struct sim_world *world);
/* One that meets what a call is about to write. */
void sim_editor_strike(struct sim_world *world, enum sim_call call);
/* forge.c */
/* One row more, of whatever, where the seed's editor makes any. */
void sim_forge(struct sim_world *world);
/* aim.c */
/* A call begins. */
void sim_aim(struct sim_process *process, enum sim_call call);
/* outside.c */
void sim_outside_foreign(struct sim_world *world);
void sim_outside_take_back(struct sim_world *world);
/* One node begins to lie, always the same one; or is honest again. */
void sim_outside_lie(struct sim_world *world);
/* plant.c */
/* After each step; and before the last look. */
void sim_plant(struct sim_world *world);
void sim_plant_end(struct sim_world *world);
/* Between a call and the look at what it did. */
void sim_plant_port(struct sim_process *process, enum sim_call call);

#endif
