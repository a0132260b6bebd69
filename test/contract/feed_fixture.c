#include "feed_fixture.h"

#include "adapter/store_sql.h"
#include "core/timing.h"
#include "port/store_feed.h"

#include <stdio.h>
#include <string.h>

static const uint8_t key_bytes[32] = { 7, 7, 7 };

struct feed_keys feed_keys(void)
{
	struct feed_keys keys = { .keys = { .keys = { { 1, key_bytes } }, .len = 1 } };
	memset(keys.deployment.bytes, 5, sizeof keys.deployment.bytes);
	return keys;
}

static void hear(void *listener, enum log_level level, const struct log_about *about,
		 const char *text)
{
	struct instance *instance = listener;
	(void)level;
	if (!about->alarm)
		return;
	instance->alarms++;
	print_message("# %s: %s\n", instance->name, text);
}

static void sequencer_start(struct fixture *f, struct instance *instance)
{
	struct sequencer_options options = { .store = instance->store,
					     .clock = &f->clock.base,
					     .log = &instance->log,
					     .instance = instance->name,
					     .keys = feed_keys() };
	instance->sequencer = sequencer_new(&options);
}

void instance_start(struct fixture *f, struct instance *instance, const char *name)
{
	*instance = (struct instance){ .name = name };
	instance->log = (struct log){ .fd = -1, .hear = hear, .listener = instance };
	instance->db = fault_db_open(fixture_connect(f));
	instance->store = fixture_store_over(instance->db);
	sequencer_start(f, instance);
}

void instance_end(struct instance *instance)
{
	sequencer_free(instance->sequencer);
	store_close(instance->store);
	db_close(instance->db);
}

void instance_restart(struct fixture *f, struct instance *instance)
{
	instance_end(instance);
	instance_start(f, instance, instance->name);
}

bool instance_run(struct fixture *f, struct instance *instance)
{
	bool done = true;
	for (int i = 0; i < 16; i++) {
		struct err err = { 0 };
		bool worked = false;
		bool stepped = sequencer_step(instance->sequencer, &worked, &err);
		done = done && stepped;
		fixture_wait(f, LEASES_LOOK_MS);
	}
	return done;
}

void feed_seal_all(struct fixture *f)
{
	struct instance instance;
	instance_start(f, &instance, "all");
	fixture_wait(f, LEASE_TERM_MS);
	assert_true(instance_run(f, &instance));
	assert_int_equal(instance.alarms, 0);
	instance_end(&instance);
}

void feed_audit_add(struct fixture *f, size_t n)
{
	struct err err = { 0 };
	assert_true(db_begin(f->db, true, &err));
	for (size_t i = 0; i < n; i++) {
		struct db_statement *row = db_prepare(
			f->db,
			"INSERT INTO audit (at, actor, who, request_id, action, subject, detail) "
			"VALUES (?, 5, 'somebody', '', 'did_something', NULL, '{}')",
			&err);
		assert_non_null(row);
		db_bind_i64(f->db, row, 1, f->clock.now_ms);
		assert_int_equal(db_step(f->db, row, &err), DB_DONE);
	}
	assert_true(db_commit(f->db, &err));
}

static void found(void *context, const struct audit_finding *finding)
{
	struct walked *walked = context;
	assert_true(walked->len < FEED_TEXTS);
	walked->kinds[walked->len] = finding->kind;
	memcpy(walked->texts[walked->len++], finding->text, sizeof finding->text);
	print_message("# %s: %s\n", audit_finding_text(finding->kind), finding->text);
}

struct walked feed_walk(struct fixture *f, const struct feed_head *head)
{
	struct walked walked = { .len = 0 };
	struct audit_options options = { .store = f->store,
					 .keys = feed_keys(),
					 .head = head,
					 .context = &walked,
					 .found = found };
	MUST(audit_verify, &options, &walked.report);
	return walked;
}

void feed_assert_intact(struct fixture *f)
{
	struct walked walked = feed_walk(f, NULL);
	assert_int_equal(walked.len, 0);
	assert_int_equal(walked.report.waiting, 0);
	assert_int_equal(walked.report.rows[FEED_EVENTS],
			 fixture_number(f, "SELECT COUNT(*) FROM events"));
	assert_int_equal(walked.report.rows[FEED_AUDIT],
			 fixture_number(f, "SELECT COUNT(*) FROM audit"));
}
