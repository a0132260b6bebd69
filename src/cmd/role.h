/* A role as a process: what all four have in common. `sluice run` starts each as a process of its
 * own; alone or together they run the same code.
 *
 *	role.c            opens the parts in the order in which they need each other
 *	role_work.c       the loop of processor, signer and monitor
 *	role_ops.c        /livez, /readyz, /metrics on a thread of its own
 *	role_api.c …      what is particular to one role
 */
#ifndef SLUICE_CMD_ROLE_H
#define SLUICE_CMD_ROLE_H

#include "adapter/trust_keys.h"
#include "base/metric.h"
#include "cmd/cache_open.h"
#include "cmd/config.h"
#include "cmd/health.h"
#include "cmd/queue_open.h"
#include "cmd/store_open.h"
#include "port/chain.h"

#define ROLE_INSTANCE_LEN_MAX 60 /* the store keeps 64 */

struct role_ops;

struct role_parts {
	enum role role;
	const struct config *config;
	struct clock clock;
	struct entropy entropy;
	struct log log;
	char service[24];                         /* "sluice-api" */
	char instance[ROLE_INSTANCE_LEN_MAX + 1]; /* "signer-host-4711-9f3c" */
	struct metrics *metrics;
	struct health health;
	size_t health_work; /* parts of health */
	size_t health_chains[CHAINS_MAX];
	struct role_ops *ops;
	struct trust_keys *trust;
	struct opened_store opened;
	struct opened_queue external;     /* below opened.queue, when that is SQS */
	struct opened_cache cache;        /* of the thread that has the store */
	struct chain *chains[CHAINS_MAX]; /* in the order of the catalogue; NULL for a role
					     without */
};

/* What is particular to one role. */
struct role_program {
	enum role role;
	bool asks_chains;
	bool works_without_queues; /* they are told, and waited for */
	/* Opens what the role alone needs, and says what it is: ret_status for the supervisor's
	 * line, "127.0.0.1:3000". What it opened is closed by `close`, also after a failure. */
	bool (*open)(struct role_parts *parts, void **ret_self, struct err *err);
	/* Runs until stop_signal_came. False when the role must not go on. */
	bool (*run)(struct role_parts *parts, void *self, struct err *err);
	void (*close)(struct role_parts *parts, void *self); /* accepts NULL */
};

extern const struct role_program role_api;
extern const struct role_program role_processor;
extern const struct role_program role_signer;
extern const struct role_program role_monitor;

/* Runs a role until it is asked to stop: true; or until it cannot: false, and why is
 * logged. ret_told: it is also on standard error, as a line of the log, or `sluice run` says it. */
MUST_CHECK bool role_run(const struct role_program *program, const struct config *config,
			 bool *ret_told, struct err *err);

/* The nodes of a chain as one; closed by chain_close. Connects to nothing yet. Borrows clock, and
 * log and metrics, which may be NULL. */
MUST_CHECK bool role_chain_open(const struct config *config, size_t index, struct clock *clock,
				const struct log *log, struct metrics *metrics,
				struct chain **ret_chain, struct err *err);
/* For `open` of the roles: the keys of a purpose out of the role's own trust file. */
MUST_CHECK bool role_mac_keys(const struct role_parts *parts, const char *name,
			      struct mac_keys *ret_keys, struct err *err);

/* The loop of a role that works in steps. */
struct role_work {
	void *self;
	bool (*step)(void *self, bool *ret_worked, struct err *err);
	int64_t (*idle_ms)(void *self); /* how long to wait when there was nothing to do */
	enum queue_name queue;          /* whose wake-ups end that wait */
	/* Waits in another way and says true, or says false; NULL: never. */
	bool (*wait)(void *self, int64_t timeout_ms);
};
MUST_CHECK bool role_work_run(struct role_parts *parts, const struct role_work *work,
			      struct err *err);

/* The ops endpoint. extra, if not NULL, says whether more than the health's parts is ready. */
MUST_CHECK bool role_ops_open(struct role_parts *parts, struct role_ops **ret_ops, struct err *err);
void role_ops_close(struct role_ops *ops); /* accepts NULL */
/* "127.0.0.1:3001", with the port that it really has. */
const char *role_ops_address(const struct role_ops *ops);

#endif
