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
	struct life *other; /* a second signer; NULL: none */
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

static void assert_weathered(struct storm *storm)
{
	life_assert_quiet(storm->life);
	for (size_t i = 0; i < storm->rows_len; i++)
		life_assert_ended(storm->life, &storm->rows[i]);
	life_assert_settled(storm->life);
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
	life_fault_clear(life);
	calm(&storm);
	assert_weathered(&storm);
}

/* Whoever has the wallets dies now and then, with all its connections, and comes back. */
static void owners_turn(struct storm *storm)
{
	struct life *one = dice(storm, 2) ? storm->life : storm->other;
	if (dice(storm, 8) == 0) {
		life_stop(one);
		if (one == storm->other || dice(storm, 2))
			life_start(one);
		else { /* the other one has it alone for a while */
			life_sign(storm->other);
			life_mine(storm->other, 1);
			life_watch(storm->other);
			life_start(one);
		}
	}
	life_sign(one);
}

static void owners_run(struct life *life, uint64_t seed)
{
	struct storm storm = { .life = life, .random = seed * 0xbf58476d1ce4e5b9 };
	print_message("seed %d\n", (int)seed);
	storm.other = life_join(life);
	payout_add(&storm);
	for (int i = 0; i < ROUNDS * 3; i++) {
		if (dice(&storm, 5) == 0)
			payout_add(&storm);
		roles_turn(&storm);
		owners_turn(&storm);
		if (dice(&storm, 3) == 0)
			world_turn(&storm);
		storm.other->clock.skew_ms = life->clock.skew_ms;
	}
	life_part(storm.other);
	calm(&storm);
	assert_weathered(&storm);
}

static void seeds_run(struct life *life, void (*run)(struct life *life, uint64_t seed))
{
	const char *one = getenv("SLUICE_LIFE_SEED");
	const char *many = getenv("SLUICE_LIFE_SEEDS");
	uint64_t first = one == NULL ? 1 : strtoull(one, NULL, 10);
	uint64_t n = one != NULL ? 1 : many == NULL ? SEEDS : strtoull(many, NULL, 10);
	for (uint64_t i = 0; i < n; i++)
		run(life, first + i);
}

static void test_storm(void **state)
{
	life_fault_install(*state);
	seeds_run(*state, storm_run);
}

static void test_storm_of_owners(void **state)
{
	seeds_run(*state, owners_run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_storm),
		LIFE_TEST(test_storm_of_owners),
	};
	return LIFE_MAIN(tests);
}
