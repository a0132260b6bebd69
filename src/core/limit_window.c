#include "core/limit_window.h"

#include <string.h>

#define MINUTE_MS INT64_C(60000)

static int64_t minute_of(int64_t time_ms)
{
	CHECK(time_ms >= 0);
	return time_ms / MINUTE_MS;
}

static struct amount *minute_at(struct limit_window *window, int64_t minute)
{
	return &window->minutes[minute % LIMIT_MINUTES_MAX];
}

static void sum_add(struct amount *sum, struct amount amount)
{
	sum->units = u256_add_saturated(sum->units, amount.units);
}

/* Added up anew instead of taken away: a sum at the end of the range cannot be made smaller. */
static void sums_make(struct limit_window *window)
{
	window->hour = window->day = window->later;
	for (int64_t age = 0; age < LIMIT_MINUTES_MAX && age <= window->newest; age++) {
		struct amount amount = *minute_at(window, window->newest - age);
		sum_add(&window->day, amount);
		if (age <= LIMIT_HOUR_MINUTES)
			sum_add(&window->hour, amount);
	}
}

int64_t limit_window_since(int64_t now_ms)
{
	int64_t oldest = minute_of(now_ms) - LIMIT_DAY_MINUTES;
	return oldest < 0 ? 0 : oldest * MINUTE_MS;
}

void limit_window_reset(struct limit_window *window, int64_t now_ms)
{
	memset(window, 0, sizeof *window);
	window->newest = minute_of(now_ms);
	window->later_from = INT64_MAX;
}

void limit_window_add(struct limit_window *window, int64_t time_ms, struct amount amount)
{
	int64_t minute = minute_of(time_ms);
	if (minute < window->newest - LIMIT_DAY_MINUTES)
		return;
	if (minute > window->newest) {
		sum_add(&window->later, amount);
		if (minute < window->later_from)
			window->later_from = minute;
	} else {
		sum_add(minute_at(window, minute), amount);
	}
	sum_add(&window->day, amount);
	if (minute >= window->newest - LIMIT_HOUR_MINUTES)
		sum_add(&window->hour, amount);
}

bool limit_window_advance(struct limit_window *window, int64_t now_ms)
{
	int64_t minute = minute_of(now_ms);
	if (minute < window->newest || minute >= window->later_from)
		return false;
	if (minute == window->newest)
		return true;
	/* Whatever stood in the places of the new minutes is older than a day. */
	for (int64_t i = 0; i < LIMIT_MINUTES_MAX && i < minute - window->newest; i++)
		*minute_at(window, minute - i) = (struct amount){ u256_zero() };
	window->newest = minute;
	sums_make(window);
	return true;
}
