/* Everything at once, by seeds: calls fail, lose their answers and end their processes, the node
 * forgets its pool and reorganizes, fees rise, receivers refuse, clients change their mind. When
 * the faults stop, every withdrawal has ended, and none was paid twice. A failure prints its seed;
 * SLUICE_LIFE_SEED runs that one alone. */
#include "life_fault.h"
#include "life_world.h"

#define PAYOUTS 12
#define ROUNDS  25
#define SEEDS   8

struct storm {
	struct life *life;
	uint64_t random;
	struct withdrawal rows[PAYOUTS];
	size_t rows_len;
};

static uint64_t dice(struct storm *storm, uint64_t sides)
{
	return life_random(&storm->random) % sides;
}

static void payout_add(struct storm *storm)
{
	if (storm->rows_len == PAYOUTS)
		return;
	storm->rows[storm->rows_len] =
		life_accept(storm->life, dice(storm, 2) ? "TUSD" : "POL", 1000 + storm->rows_len);
	storm->rows_len++;
}

/* Receivers that have nothing yet refuse what comes; or take it again. */
static void receivers_refuse(struct storm *storm, bool refuses)
{
	struct life *life = storm->life;
	for (size_t i = 0; i < storm->rows_len; i++) {
		const struct withdrawal *row = &storm->rows[i];
		if (!u256_is_zero(life_balance(life, row->intent.asset, row->intent.to)))
			continue;
		if (row->intent.is_native)
			life_refuse(life, row->intent.to, refuses);
		else if (dice(storm, 3) == 0)
			life_token_block(life, row->intent.to, refuses);
	}
}

/* What the world does between two steps. Reorganizations stay above what is final. */
static void world_turn(struct storm *storm)
{
	struct life *life = storm->life;
	switch (dice(storm, 12)) {
	case 0:
		life_drop_pool(life);
		break;
	case 1:
	case 2:
		life_reorg(life, 1 + (unsigned)dice(storm, 2));
		break;
	case 3:
		life_base_fee(life, 1000000000 * (1 + dice(storm, 40)));
		break;
	case 4:
		receivers_refuse(storm, true);
		life_mine(life, 1);
		receivers_refuse(storm, dice(storm, 3) == 0);
		break;
	case 5:
		receivers_refuse(storm, false);
		break;
	case 6:
		(void)life_cancel(life, &storm->rows[dice(storm, storm->rows_len)]);
		break;
	case 7:
		life_wait(life, (int64_t)dice(storm, 70000));
		break;
	case 8:
		life_sql(life, "DELETE FROM messages WHERE queue < 10");
		break;
	default:
		life_mine(life, 1);
		break;
	}
}

static void roles_turn(struct storm *storm)
{
	switch (dice(storm, 3)) {
	case 0:
		life_process(storm->life);
		break;
	case 1:
		life_sign(storm->life);
		break;
	default:
		life_watch(storm->life);
		break;
	}
}

static bool all_ended(struct storm *storm)
{
	for (size_t i = 0; i < storm->rows_len; i++)
		if (!lifecycle_is_terminal(
			    life_view(storm->life, storm->rows[i].intent.id).withdrawal.stage))
			return false;
	return true;
}

static void calm(struct storm *storm)
{
	struct life *life = storm->life;
	life_fault_clear(life);
	for (size_t i = 0; i < storm->rows_len; i++) {
		if (storm->rows[i].intent.is_native)
			life_refuse(life, storm->rows[i].intent.to, false);
		else
			life_token_block(life, storm->rows[i].intent.to, false);
	}
	for (int i = 0; i < 14 && !all_ended(storm); i++) {
		life_wait(life, 31000);
		life_run(life, 8);
	}
	life_run(life, 9); /* slots that pay nobody any more */
}

static void storm_run(struct life *life, uint64_t seed)
{
	struct storm storm = { .life = life, .random = seed * 0x9e3779b97f4a7c15 };
	print_message("seed %d\n", (int)seed);
	life_fault_plan(life, (struct life_fault_plan){
				      .mode = LIFE_FAULT_STORM, .at = 30, .seed = storm.random });
	payout_add(&storm);
	for (int i = 0; i < ROUNDS * 4; i++) {
		if (dice(&storm, 6) == 0)
			payout_add(&storm);
		roles_turn(&storm);
		if (dice(&storm, 2) == 0)
			world_turn(&storm);
	}
	calm(&storm);
	life_assert_quiet(life);
	for (size_t i = 0; i < storm.rows_len; i++)
		life_assert_ended(life, &storm.rows[i]);
	life_assert_settled(life);
}

static void test_storm(void **state)
{
	struct life *life = *state;
	const char *one = getenv("SLUICE_LIFE_SEED");
	uint64_t first = one == NULL ? 1 : strtoull(one, NULL, 10);
	const char *many = getenv("SLUICE_LIFE_SEEDS");
	uint64_t n = one != NULL ? 1 : many == NULL ? SEEDS : strtoull(many, NULL, 10);
	life_fault_install(life);
	for (uint64_t i = 0; i < n; i++)
		storm_run(life, first + i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_storm),
	};
	return LIFE_MAIN(tests);
}
