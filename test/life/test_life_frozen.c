/* Two hosts on one MariaDB. One of them stands still (SIGSTOP) before or after the n-th call that
 * its roles make of a port, or the n-th statement that they run, for as long as the other one needs
 * to take its leases over and to end all work; then it goes on with what it was about to do, and
 * what it read before. Nothing is lost, doubled, stopped or held, and nobody is called.
 *
 * usage: test_life_frozen [STRIDE [FIRST]]
 *
 * Every STRIDE-th point, from FIRST on; without arguments a sample. */
#include "life_world.h"
#include "core/lifecycle.h"
#include "port/stop_point.h"

#include <stdlib.h>

#define ROWS 2
/* From acceptance to final, with a turn more. */
#define ROUNDS 6
/* Turns of the other host until it has ended everything; each takes longer than a lease's look. */
#define TURNS_MAX 60
#define TURN_MS   6000

/* What is going on when a host stands still. */
struct scene {
	unsigned long stride; /* of the sample */
	void (*begin)(struct life *life, struct withdrawal rows[ROWS]);
};

static struct {
	struct life *hosts[2];
	struct life *victim;
	struct life *other;
	bool is_armed; /* the victim's roles run */
	bool is_after;
	uint64_t at;
	uint64_t seen;
	const char *hit; /* NULL: not yet */
	struct withdrawal rows[ROWS];
	size_t turns;
	bool in_transaction;
} frozen;

static unsigned long stride = 0; /* 0: the sample */
static unsigned long first = 1;

static bool is_ended(struct life *life, const struct withdrawal *row)
{
	return lifecycle_is_terminal(life_view(life, row->intent.id).withdrawal.stage);
}

static bool all_ended(struct life *life)
{
	for (size_t i = 0; i < ROWS; i++)
		if (!is_ended(life, &frozen.rows[i]))
			return false;
	return true;
}

/* A session that stands still within a transaction is ended by the server, as db_mysql asks it to:
 * here at once, since the clock of the test is not the server's. */
static void session_end(struct db *db)
{
	struct err err = { 0 };
	char sql[64];
	if (!db->in_transaction)
		return;
	frozen.in_transaction = true;
	struct db_statement *id = db_prepare(db, "SELECT CONNECTION_ID()", &err);
	assert_non_null(id);
	assert_int_equal(db_step(db, id, &err), DB_ROW);
	snprintf(sql, sizeof sql, "KILL CONNECTION %lld", (long long)db_column_i64(db, id, 0));
	db_reset(db, id);
	struct db *root = life_mysql("mysql");
	assert_true(db_exec(root, sql, &err));
	db_close(root);
}

static void time_passes(int64_t ms)
{
	life_wait(frozen.victim, ms);
	life_wait(frozen.other, ms);
}

static void victim_sleeps(void)
{
	struct life *other = frozen.other;
	frozen.turns = 0;
	frozen.in_transaction = false;
	session_end(frozen.victim->db);
	session_end(frozen.victim->journal_db);
	while (!all_ended(other) && frozen.turns < TURNS_MAX) {
		life_run(other, 2);
		time_passes(TURN_MS);
		frozen.turns++;
	}
	life_run(other, 2);
}

void stop_point_pass(const char *call, bool is_after)
{
	if (!frozen.is_armed || is_after != frozen.is_after || ++frozen.seen != frozen.at)
		return;
	frozen.is_armed = false;
	frozen.hit = call;
	victim_sleeps();
}

/* ---- the judgement ---- */

static void log_show(struct life *life)
{
	static char text[1 << 20];
	ssize_t len = pread(life->log_fd, text, sizeof text - 1, 0);
	if (len >= 0)
		print_message("%.*s\n", (int)len, text);
}

/* Lines that call a person; shown. */
static size_t alarms(const struct life *life)
{
	static char text[1 << 20];
	ssize_t len = pread(life->log_fd, text, sizeof text - 1, 0);
	size_t count = 0;
	char *rest = NULL;
	assert_true(len >= 0 && (size_t)len < sizeof text - 1);
	text[len] = 0;
	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (strstr(line, "\"labels.alarm\":true") == NULL)
			continue;
		print_message("%s\n", line);
		count++;
	}
	return count;
}

static void point_show(void)
{
	print_message("# %llu %s %s%s, %zu turns\n", (unsigned long long)frozen.at,
		      frozen.is_after ? "after" : "before", frozen.hit == NULL ? "-" : frozen.hit,
		      frozen.in_transaction ? " (in a transaction)" : "", frozen.turns);
}

static void judge(struct life *life)
{
	if (stride > 0 || !all_ended(life))
		point_show();
	if (!all_ended(life))
		log_show(life);
	for (size_t i = 0; i < ROWS; i++)
		life_assert_ended(life, &frozen.rows[i]);
	assert_int_equal(alarms(life), 0);
	life_assert_quiet(life);
	assert_int_equal(ftruncate(life->log_fd, 0), 0);
}

/* ---- scenes ---- */

static void payouts_begin(struct life *life, struct withdrawal rows[ROWS])
{
	rows[0] = life_accept(life, "POL", 1000);
	rows[1] = life_accept(life, "TUSD", 1001);
}

static const struct scene payouts = { 17, payouts_begin };

/* One is out and was asked back, so that its slot gets a cancellation, or pays all the same; the
 * other one was asked back before it had a slot. */
static void cancels_begin(struct life *life, struct withdrawal rows[ROWS])
{
	rows[0] = life_accept(life, "POL", 1100);
	life_process(life);
	for (int i = 0; i < TURNS_MAX && !life_view(life, rows[0].intent.id).has_transfer; i++) {
		life_sign(frozen.hosts[0]);
		life_sign(frozen.hosts[1]);
		time_passes(TURN_MS);
	}
	life_drop_pool(life);
	assert_true(life_cancel(life, &rows[0]));
	rows[1] = life_accept(life, "TUSD", 1101);
	life_process(life);
	assert_true(life_cancel(life, &rows[1]));
}

static const struct scene cancels = { 31, cancels_begin };

static bool has_leases(struct life *life)
{
	return life_number(life,
			   life == frozen.hosts[0]
				   ? "SELECT COUNT(*) FROM leases WHERE holder LIKE '%-second'"
				   : "SELECT COUNT(*) FROM leases WHERE holder LIKE '%-life'",
			   NULL) == 0;
}

/* Whoever had them before. */
static void leases_take(struct life *life)
{
	for (int i = 0; i < TURNS_MAX && !has_leases(life); i++) {
		time_passes(TURN_MS);
		life_sign(life);
		life_watch(life);
	}
	assert_true(has_leases(life));
}

/* False: the point was not reached. */
static bool point_run(const struct scene *scene, uint64_t at, bool is_after)
{
	struct life *victim = frozen.victim = frozen.hosts[at % 2];
	struct life *other = frozen.other = frozen.hosts[1 - at % 2];
	scene->begin(frozen.hosts[0], frozen.rows);
	leases_take(victim);
	frozen.at = at;
	frozen.is_after = is_after;
	frozen.seen = 0;
	frozen.hit = NULL;
	frozen.is_armed = true;
	life_run(victim, ROUNDS);
	frozen.is_armed = false;
	for (int i = 0; i < 3 || (i < TURNS_MAX && !all_ended(other)); i++) {
		life_run(victim, 1);
		life_run(other, 1);
		time_passes(1000);
	}
	judge(other);
	return frozen.hit != NULL;
}

static void sweep(void **state, const struct scene *scene, bool is_after)
{
	struct life *life = *state;
	struct life *other = life_join(life);
	frozen.hosts[0] = life;
	frozen.hosts[1] = other;
	unsigned long step = stride == 0 ? scene->stride : stride;
	uint64_t at = first;
	while (point_run(scene, at, is_after))
		at += step;
	life_assert_settled(other);
	life_part(other);
	assert_true(at > 200); /* it is not the hook that was missed */
}

static void test_payouts_before(void **state)
{
	sweep(state, &payouts, false);
}

static void test_payouts_after(void **state)
{
	sweep(state, &payouts, true);
}

static void test_cancels_before(void **state)
{
	sweep(state, &cancels, false);
}

static void test_cancels_after(void **state)
{
	sweep(state, &cancels, true);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_payouts_before),
		LIFE_TEST(test_payouts_after),
		LIFE_TEST(test_cancels_before),
		LIFE_TEST(test_cancels_after),
	};
	if (argc > 1)
		stride = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		first = strtoul(argv[2], NULL, 10);
	return LIFE_MAIN(tests);
}
