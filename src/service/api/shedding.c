#include "service/api/shedding.h"

#include "base/defence.h"

#define SMOOTHING 8
/* Fewer share a commit that costs as much as one of many: what each of them costs says nothing. */
#define LEARNED_FROM (SHEDDING_FREE / 2)

void shedding_learn(struct shedding *shedding, size_t were_there, int64_t took_ms)
{
	if (were_there < LEARNED_FROM || took_ms < 0)
		return;
	uint64_t each_us = (uint64_t)took_ms * 1000 / were_there;
	if (shedding->each_us == 0)
		shedding->each_us = each_us;
	else
		shedding->each_us = (shedding->each_us * (SMOOTHING - 1) + each_us) / SMOOTHING;
}

bool shedding_admits(const struct shedding *shedding, size_t are_there, int64_t oldest_ms)
{
	if (shedding->wait_max_ms == 0 || are_there < SHEDDING_FREE || !DEFENCE("late_is_refused"))
		return true;
	uint64_t wait_us = (are_there + 1) * shedding->each_us;
	/* A store that stands still finishes nothing to learn from. */
	return oldest_ms <= shedding->wait_max_ms &&
	       wait_us <= (uint64_t)shedding->wait_max_ms * 1000;
}
