#include "fault_db.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define TEXTS_MAX 256

struct fault_db;

/* The statements that this driver hands out; `real` is one of the real driver's. */
struct db_statement {
	struct fault_db *owner;
	struct db_statement *real;
	const char *text;
	bool struck; /* at one of its rows: its step says so */
};

struct fault_db {
	struct db base;
	struct db *real;
	struct fault_plan plan;
	bool gave_way;
	struct db_statement statements[TEXTS_MAX];
	size_t statements_len;
};

static struct fault_db *fault_db_of(struct db *db)
{
	return (struct fault_db *)db;
}

/* True when the plan's call is this one. */
static bool is_time(struct fault_db *self, enum fault_where where)
{
	struct fault_plan *plan = &self->plan;
	if (plan->kind == FAULT_NONE || plan->fired)
		return false;
	if (plan->where != FAULT_AT_ANY && plan->where != where)
		return false;
	plan->fired = ++plan->seen == plan->at;
	return plan->fired;
}

static void die(void)
{
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

/* What happens before the call itself: true when it must fail. */
static bool strikes(struct fault_db *self, enum fault_where where, bool *ret_dies_after)
{
	*ret_dies_after = false;
	if (!is_time(self, where))
		return false;
	switch (self->plan.kind) {
	case FAULT_NONE:
		return false;
	case FAULT_GIVE_WAY:
		self->gave_way = true;
		return true;
	case FAULT_FAIL:
	case FAULT_COMMIT_LOST:
	case FAULT_COMMIT_DONE:
		return true;
	case FAULT_KILL_BEFORE:
		die();
		return true;
	case FAULT_KILL_AFTER:
		*ret_dies_after = true;
		return false;
	case FAULT_CALL:
		self->plan.call(self->plan.context);
		return false;
	}
	return false;
}

static bool struck(struct err *err)
{
	return err_set(err, ERR_NOT_DONE, "a planned fault");
}

static bool fault_begin(struct db *db, bool write, struct err *err)
{
	struct fault_db *self = fault_db_of(db);
	bool dies = false;
	self->gave_way = false;
	if (strikes(self, FAULT_AT_BEGIN, &dies))
		return struck(err);
	bool done = db_begin(self->real, write, err);
	if (dies)
		die();
	return done;
}

static bool fault_commit(struct db *db, struct err *err)
{
	struct fault_db *self = fault_db_of(db);
	bool dies = false;
	if (!strikes(self, FAULT_AT_COMMIT, &dies)) {
		bool done = db_commit(self->real, err);
		if (dies)
			die();
		return done;
	}
	if (self->plan.kind == FAULT_COMMIT_DONE) {
		CHECK(db_commit(self->real, err));
		return err_set(err, ERR_MAYBE_DONE, "a planned fault, after the commit");
	}
	db_rollback(self->real);
	if (self->plan.kind != FAULT_COMMIT_LOST)
		return struck(err); /* it failed, or gave way */
	if (self->plan.call != NULL)
		self->plan.call(self->plan.context);
	return err_set(err, ERR_MAYBE_DONE, "a planned fault, instead of the commit");
}

static void fault_rollback(struct db *db)
{
	db_rollback(fault_db_of(db)->real);
}

static bool fault_exec(struct db *db, const char *sql, struct err *err)
{
	struct fault_db *self = fault_db_of(db);
	bool dies = false;
	if (strikes(self, FAULT_AT_ANY, &dies))
		return struck(err);
	bool done = db_exec(self->real, sql, err);
	if (dies)
		die();
	return done;
}

static struct db_statement *statement_of(struct fault_db *self, const char *sql)
{
	for (size_t i = 0; i < self->statements_len; i++)
		if (self->statements[i].text == sql)
			return &self->statements[i];
	CHECK(self->statements_len < TEXTS_MAX);
	struct db_statement *statement = &self->statements[self->statements_len++];
	*statement = (struct db_statement){ .owner = self, .text = sql };
	return statement;
}

static struct db_statement *fault_prepare(struct db *db, const char *sql, struct err *err)
{
	struct fault_db *self = fault_db_of(db);
	struct db_statement *statement = statement_of(self, sql);
	bool dies = false;
	if (strikes(self, FAULT_AT_ANY, &dies)) {
		(void)struck(err);
		return NULL;
	}
	statement->real = db_prepare(self->real, sql, err);
	statement->struck = false;
	if (dies)
		die();
	return statement->real == NULL ? NULL : statement;
}

static void fault_bind_null(struct db_statement *statement, int at)
{
	db_bind_null(statement->owner->real, statement->real, at);
}

static void fault_bind_i64(struct db_statement *statement, int at, int64_t value)
{
	db_bind_i64(statement->owner->real, statement->real, at, value);
}

static void fault_bind_bytes(struct db_statement *statement, int at, const void *bytes, size_t len)
{
	db_bind_bytes(statement->owner->real, statement->real, at, bytes, len);
}

static void fault_bind_text(struct db_statement *statement, int at, struct str text)
{
	db_bind_text(statement->owner->real, statement->real, at, text);
}

/* A driver may store a row here, or only at the step. */
static void fault_bind_next_row(struct db_statement *statement)
{
	bool dies = false;
	if (strikes(statement->owner, FAULT_AT_ANY, &dies))
		statement->struck = true;
	db_bind_next_row(statement->owner->real, statement->real);
	if (dies)
		die();
}

static bool fault_later(struct db_statement *statement, bool changes_one, struct err *err)
{
	struct fault_db *self = statement->owner;
	bool dies = false;
	if (strikes(self, FAULT_AT_STEP, &dies)) {
		db_reset(self->real, statement->real);
		return struck(err);
	}
	bool done = db_later(self->real, statement->real, changes_one, err);
	if (dies)
		die();
	return done;
}

static enum db_step fault_step(struct db_statement *statement, struct err *err)
{
	struct fault_db *self = statement->owner;
	bool dies = false;
	if (statement->struck || strikes(self, FAULT_AT_STEP, &dies)) {
		db_reset(self->real, statement->real);
		(void)struck(err);
		return DB_FAILED;
	}
	enum db_step step = db_step(self->real, statement->real, err);
	if (dies)
		die();
	return step;
}

static void fault_reset(struct db_statement *statement)
{
	db_reset(statement->owner->real, statement->real);
}

static bool fault_schema_lock(struct db *db, bool take, struct err *err)
{
	struct db *real = fault_db_of(db)->real;
	return real->ops->schema_lock(real, take, err);
}

static bool fault_may_repeat(struct db *db)
{
	return fault_db_of(db)->gave_way || db_may_repeat(fault_db_of(db)->real);
}

static int64_t fault_changes(struct db *db)
{
	return db_changes(fault_db_of(db)->real);
}

static bool fault_column_is_null(struct db_statement *statement, int at)
{
	return db_column_is_null(statement->owner->real, statement->real, at);
}

static int64_t fault_column_i64(struct db_statement *statement, int at)
{
	return db_column_i64(statement->owner->real, statement->real, at);
}

static struct str fault_column_bytes(struct db_statement *statement, int at)
{
	return db_column_bytes(statement->owner->real, statement->real, at);
}

static enum db_lock fault_host_lock(struct db *db, const char *name)
{
	return db_host_lock(fault_db_of(db)->real, name);
}

static void fault_close(struct db *db)
{
	db_close(fault_db_of(db)->real);
	free(db);
}

static const struct db_ops fault_ops = {
	.begin = fault_begin,
	.commit = fault_commit,
	.rollback = fault_rollback,
	.exec = fault_exec,
	.prepare = fault_prepare,
	.bind_null = fault_bind_null,
	.bind_i64 = fault_bind_i64,
	.bind_bytes = fault_bind_bytes,
	.bind_text = fault_bind_text,
	.bind_next_row = fault_bind_next_row,
	.later = fault_later,
	.step = fault_step,
	.reset = fault_reset,
	.may_repeat = fault_may_repeat,
	.schema_lock = fault_schema_lock,
	.changes = fault_changes,
	.column_is_null = fault_column_is_null,
	.column_i64 = fault_column_i64,
	.column_bytes = fault_column_bytes,
	.host_lock = fault_host_lock,
	.close = fault_close,
};

struct db *fault_db_open(struct db *real)
{
	struct fault_db *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->base.ops = &fault_ops;
	self->real = real;
	return &self->base;
}

void fault_db_plan(struct db *db, struct fault_plan plan)
{
	struct fault_db *self = fault_db_of(db);
	self->plan = plan;
	self->plan.seen = 0;
	self->plan.fired = false;
}

bool fault_db_fired(const struct db *db)
{
	return ((const struct fault_db *)db)->plan.fired;
}

size_t fault_db_texts(const struct db *db, const char **ret_texts, size_t cap)
{
	const struct fault_db *self = (const struct fault_db *)db;
	CHECK(self->statements_len <= cap);
	for (size_t i = 0; i < self->statements_len; i++)
		ret_texts[i] = self->statements[i].text;
	return self->statements_len;
}
