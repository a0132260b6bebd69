/* What the files of the simulator share. An event of the world goes through them so:
 *
 *	schedule.c  what happens next, and when: steps, blocks, requests, faults of the outside
 *	process.c   one incarnation of a role: its start, its steps, its death
 *	sqs.c       a model of the queues that odd seeds have
 *	port_*.c    the ports as a process sees them: each call may go wrong
 *	client.c    what is asked for, and the list of what was answered with 202
 *	check_*.c   the rules T1 to T12, looked after from outside the code under test
 *	outside.c   what only a person can put right: an editor of rows, a stranger with a key
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
#include "sim/process.h"
#include "sim/random.h"
#include "sim/sim.h"
#include "sim/sqs.h"

#define SIM_PROCESSES_MAX 12
#define SIM_WALLETS       3
#define SIM_NEST_MAX      2 /* a process that stands still while others do, in turn */
#define SIM_REORG_MAX     250
#define SIM_STORY_LINES   400
#define SIM_JOBS          8 /* requests in one group commit */

/* Why a person may be needed for a withdrawal: a hold without any is a failure of the run. */
#define SIM_CAUSE_EDITED    (1U << 0)
#define SIM_CAUSE_RECEIVER  (1U << 1) /* receiver or token behaves oddly */
#define SIM_CAUSE_TAKE_BACK (1U << 2)
#define SIM_CAUSE_FOREIGN   (1U << 3)

/* What the client knows, and what the checkers keep, of one withdrawal. */
struct sim_order {
	struct id id; /* once answered with 202 */
	char key[24];
	size_t asset;
	struct address to;
	struct amount amount;
	bool accepted;
	bool cancel_asked;
	unsigned causes; /* SIM_CAUSE_* */
	int64_t post_at;
	int64_t cancel_at;     /* 0: not */
	int64_t hurry_at;      /* when it asks for more speed; */
	unsigned hurries_left; /* 0: not */
	unsigned repeats_left; /* of the request after its 202: they must change nothing */
	/* As the store has it: */
	int64_t row; /* rowid; 0 before it was seen */
	enum withdrawal_stage stage;
	uint64_t version;
	char held_reason[REASON_LEN_MAX + 1];
	unsigned live; /* transfers of it that are not final */
	unsigned rounds;
};

/* One slot as the checkers saw it grow. */
struct sim_slot {
	int64_t row; /* rowid of transfers */
	unsigned wallet;
	uint64_t nonce;
	enum transfer_stage stage;
	enum transfer_outcome outcome;
	int order; /* -1: a filler */
	unsigned attempts;
	bool canceled; /* a cancellation of it was signed */
	/* Of the newest attempt: */
	struct fees fees;
	int64_t signed_at;
};
#define SIM_SLOTS_MAX (4 * SIM_WITHDRAWALS_MAX)

struct sim_lease {
	char name[80];
	const struct sim_process *owner;
	char holder[32]; /* its name then */
	int64_t renewed_ms;
};

struct sim_world {
	const struct sim_options *options;
	struct sim_summary *summary;
	struct sim_random random; /* of the world's own decisions */
	struct sim_entropy entropy;
	struct sim_clock clock;
	int64_t now_ms;       /* since 1970 */
	int64_t monotonic_ms; /* the same speed, another start */
	int64_t born_ms;
	int64_t skew_ms; /* of the wall clocks, for what starts from now on */
	bool has_finality;
	bool short_approvals; /* they run out while a payout waits */
	unsigned born;        /* incarnations so far */
	uint64_t steps;
	int depth; /* of processes that stand still */
	bool faults_on;
	unsigned families;                /* of this seed */
	unsigned per_million[SIM_FAULTS]; /* of port calls */
	uint64_t calls;
	uint64_t seen[SIM_CALLS];
	struct catalogue catalogue;
	struct id deployment;
	uint8_t keys_bytes[4][32];
	struct db *db;
	struct store *store;
	struct queue *queue; /* the embedded one */
	struct sim_sqs *sqs; /* instead of it, in every other seed; or NULL */
	struct journal *journal;
	struct keys *keys;
	struct sim_chain *model;
	struct sim_front *front;
	struct sim_node *nodes[SIM_NODES_MAX];
	size_t nodes_len;
	struct log log;
	struct sim_process processes[SIM_PROCESSES_MAX];
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
	/* The checkers. */
	struct sim_slot *slots;
	size_t slots_len;
	uint64_t next_nonce[SIM_WALLETS];
	bool nonces_known[SIM_WALLETS];
	int64_t log_seen; /* the last change that was checked */
	bool planted;
	bool editing;    /* changes of now are an editor's */
	unsigned causes; /* of everything, from now on */
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

/* schedule.c */
/* Events until `until_ms`, or until the run failed. */
void sim_schedule_run(struct sim_world *world, int64_t until_ms);
void sim_schedule_calm(struct sim_world *world);

/* client.c */
void sim_client_plan(struct sim_world *world);
/* When the client acts next; INT64_MAX: never. */
int64_t sim_client_next(const struct sim_world *world);
void sim_client_act(struct sim_world *world);
/* An operator puts dead letters back. */
void sim_client_redrive(struct sim_world *world);

/* check_*.c */
bool sim_check_open(struct sim_world *world, struct err *err);
/* After any change of the store. */
void sim_check_changes(struct sim_world *world);
/* Bytes reach a node. */
void sim_check_sent(struct sim_world *world, struct str raw);
/* At the end. */
void sim_check_end(struct sim_world *world);
bool sim_check_is_done(struct sim_world *world);
struct sim_order *sim_order_of_row(struct sim_world *world, int64_t row);

/* outside.c */
void sim_editor_act(struct sim_world *world);
void sim_outside_foreign(struct sim_world *world);
void sim_outside_take_back(struct sim_world *world);
/* plant.c */
/* After each step; and before the last look. */
void sim_plant(struct sim_world *world);
void sim_plant_end(struct sim_world *world);

#endif
