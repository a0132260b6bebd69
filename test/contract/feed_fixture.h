/* What the suites of the feed share: sequencers over a store of the fixture, and what a walk over
 * the feed finds. */
#ifndef SLUICE_TEST_CONTRACT_FEED_FIXTURE_H
#define SLUICE_TEST_CONTRACT_FEED_FIXTURE_H

#include "fault_db.h"
#include "store_fixture.h"

#include "service/admin/audit.h"
#include "service/monitor/sequencer.h"

#define FEED_TEXTS 16

/* A monitor's sequencer, with a connection of its own. */
struct instance {
	const char *name;
	struct db *db; /* a fault_db */
	struct store *store;
	struct log log;
	struct sequencer *sequencer;
	size_t alarms;
};

/* What was found, in order. */
struct walked {
	struct audit_report report;
	enum audit_finding_kind kinds[FEED_TEXTS];
	char texts[FEED_TEXTS][320];
	size_t len;
};

struct feed_keys feed_keys(void);
void instance_start(struct fixture *f, struct instance *instance, const char *name);
void instance_end(struct instance *instance);
/* It dies and starts again, and what it knew is gone. */
void instance_restart(struct fixture *f, struct instance *instance);
/* Steps until nothing is left; true unless one of them failed. */
bool instance_run(struct fixture *f, struct instance *instance);
/* One that takes the lease, runs and ends; the clock moves by more than a term. */
void feed_seal_all(struct fixture *f);
/* n audit records, in one transaction. */
void feed_audit_add(struct fixture *f, size_t n);
struct walked feed_walk(struct fixture *f, const struct feed_head *head);
/* The walk finds nothing, and no row waits: so every position is there once, and below the next. */
void feed_assert_intact(struct fixture *f);

#endif
