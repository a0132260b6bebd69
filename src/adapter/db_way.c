#include "adapter/db_way.h"

#include "base/check.h"

#include <time.h>

#define FIRST_US 4000 /* a transaction of the others takes no longer */

void db_way_give(struct db_way *way, bool waited_out)
{
	way->gave++;
	way->waited_out = waited_out ? way->waited_out + 1 : 0;
}

void db_way_committed(struct db_way *way)
{
	way->gave = 0;
	way->waited_out = 0;
}

bool db_way_may_repeat(const struct db_way *way)
{
	return way->gave > 0 && way->waited_out < DB_WAY_WAITS_MAX;
}

/* Source: splitmix64, https://prng.di.unimi.it/splitmix64.c */
static uint64_t draw(struct db_way *way)
{
	uint64_t mixed = way->seed + ++way->drawn * UINT64_C(0x9e3779b97f4a7c15);
	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ (mixed >> 31);
}

uint32_t db_way_draw_us(struct db_way *way)
{
	uint32_t bound_us = FIRST_US;
	if (way->gave == 0)
		return 0;
	for (unsigned i = 1; i < way->gave && bound_us < DB_WAY_PAUSE_US_MAX; i++)
		bound_us *= 2;
	CHECK(bound_us <= DB_WAY_PAUSE_US_MAX);
	return bound_us / 2 + 1 + (uint32_t)(draw(way) % (bound_us / 2));
}

/* A signal cuts it short, which harms nobody. */
void db_way_pause(struct db_way *way)
{
	struct timespec pause = { .tv_nsec = (long)db_way_draw_us(way) * 1000 };
	if (pause.tv_nsec > 0)
		(void)nanosleep(&pause, NULL);
}
