/* One incarnation of a role, with its memory, its clock, and the ports as it sees them. */
#ifndef SLUICE_SIM_PROCESS_H
#define SLUICE_SIM_PROCESS_H

#include "port/chain.h"
#include "port/clock.h"
#include "port/entropy.h"
#include "port/journal.h"
#include "port/keys.h"
#include "port/queue.h"
#include "port/queue_transport.h"
#include "core/feed.h"
#include "port/store_ops.h"
#include "service/signer/signer_recover.h"
#include "sim/chain_model.h"
#include "sim/fault.h"
#include "sim/random.h"
#include "sim/seen.h"

#include <setjmp.h>

struct job;

/* The desk is `sluice reconcile --after-restore`: a signer and a monitor in one process. */
enum sim_role { SIM_API, SIM_PROCESSOR, SIM_SIGNER, SIM_MONITOR, SIM_DESK, SIM_ROLES };

struct sim_world;
struct sim_process;

struct sim_clock {
	struct clock base;
	const struct sim_world *world;
	int64_t skew_ms; /* of the wall clock alone */
};

struct sim_entropy {
	struct entropy base;
	struct sim_random random;
};

/* A port as one process sees it. */
struct sim_port {
	union {
		struct store store;
		struct queue queue;
		struct queue_transport transport;
		struct journal journal;
		struct keys keys;
		struct chain chain;
	};
	struct sim_process *process;
	struct chain *node; /* of a chain: the real one behind it */
};

struct feed_keys sim_feed_keys(struct sim_world *world);

struct sim_process {
	enum sim_role role;
	struct sim_world *world;
	bool alive;      /* its memory exists */
	bool busy;       /* a step is under way; it may stand still in the middle */
	bool doomed;     /* killed while it stood still */
	bool is_extra;   /* a second incarnation; dies for good */
	int64_t wake_at; /* INT64_MAX: never */
	int64_t dies_at; /* of an extra one */
	unsigned born;   /* counts incarnations, from 1 */
	char instance[32];
	uint64_t controls_version; /* of the switches that it saw last, */
	uint64_t controls_step;    /* in that step of its own; 0: never */
	struct sim_seen *seen;
	struct sim_clock clock;
	struct sim_port store, queue, transport, journal, keys, chain, nodes[SIM_NODES_MAX];
	struct queue *outbox; /* its queue, where the seed has an external one; or NULL */
	jmp_buf death;
	union {
		struct work *work;
		struct processor *processor;
		struct signer *signer;
		struct monitor *monitor;
		struct {
			struct signer *signer;
			struct monitor *monitor;
			struct signer_recovery state;
			bool begun;
		} desk;
	};
};

/* source.c */
void sim_clock_init(struct sim_clock *clock, const struct sim_world *world);
void sim_entropy_init(struct sim_entropy *entropy, struct sim_random random);
/* keys.c: those of SIM_WALLETS wallets, "sim/0" and on. */
struct keys *sim_keys_new(struct sim_random random);

/* process.c */
void sim_process_start(struct sim_world *world, struct sim_process *process, enum sim_role role,
		       bool is_extra);
/* Another one of its role, while it stands still; where there is room. */
void sim_process_second(struct sim_process *process);
/* A place for an incarnation; NULL: there is none. */
struct sim_process *sim_process_free_slot(struct sim_world *world);
/* One step. */
void sim_process_step(struct sim_process *process);
/* The API's: answers jobs. False: the process died or none is there; nothing is known. */
bool sim_process_answer(struct sim_process *process, struct job **jobs, size_t n);
/* kill -9, from outside. */
void sim_process_kill(struct sim_process *process);
void sim_processes_free(struct sim_world *world);
struct sim_process *sim_process_of_role(struct sim_world *world, enum sim_role role);

/* port_*.c */
void sim_ports_init(struct sim_process *process);
/* A call begins: what goes wrong with it? May not return (the process dies). False: it fails. */
bool sim_call_enter(struct sim_process *process, enum sim_call call, enum sim_fault *ret_fault,
		    struct err *err);
/* And ends, done or not. */
bool sim_call_leave(struct sim_process *process, enum sim_call call, enum sim_fault fault,
		    bool done, struct err *err);
extern const struct store_ops sim_store_ops;
extern const struct queue_ops sim_queue_ops;
extern const struct queue_transport_ops sim_transport_ops;
extern const struct journal_ops sim_journal_ops;
extern const struct keys_ops sim_keys_ops;
extern const struct chain_ops sim_chain_ops;

#endif
