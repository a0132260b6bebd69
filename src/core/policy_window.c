#include "core/policy_window.h"

#include "base/check.h"

#include <string.h>

#define AHEAD_MS   INT64_C(3600000)
#define PART_BYTES (8 + U256_BYTES + 4)

static uint64_t be_read(const uint8_t *bytes, size_t len)
{
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | bytes[i];
	return value;
}

bool policy_window_read(struct str bytes, struct policy_window *ret_window)
{
	const uint8_t *at = (const uint8_t *)bytes.at;
	size_t len = bytes.len / PART_BYTES;
	ret_window->len = 0;
	if (bytes.len % PART_BYTES != 0 || len > POLICY_WINDOW_KEPT)
		return false;
	for (size_t i = 0; i < len; i++, at += PART_BYTES) {
		uint64_t start = be_read(at, 8);
		if (start > INT64_MAX ||
		    (i > 0 && (int64_t)start <= ret_window->parts[i - 1].start))
			return false;
		ret_window->parts[i] = (struct policy_window_part){
			.start = (int64_t)start,
			.amount = { u256_from_bytes(at + 8) },
			.count = (uint32_t)be_read(at + 8 + U256_BYTES, 4),
		};
	}
	ret_window->len = len;
	return true;
}

void policy_window_write(const struct policy_window *window, struct buf *out)
{
	for (size_t i = 0; i < window->len; i++) {
		const struct policy_window_part *part = &window->parts[i];
		uint8_t amount[U256_BYTES];
		u256_to_bytes(part->amount.units, amount);
		buf_u64(out, (uint64_t)part->start);
		buf_bytes(out, amount, sizeof amount);
		buf_u32(out, part->count);
	}
}

static int64_t part_ms(int64_t window_ms)
{
	return (window_ms + POLICY_WINDOW_PARTS - 1) / POLICY_WINDOW_PARTS;
}

/* Is the room there in all windows that end in the part of `end`? */
static bool fits_at(const struct policy_window *window, const struct policy_claim *claim,
		    int64_t end)
{
	struct amount sum = claim->amount;
	uint64_t count = 1;
	int64_t after = end - claim->window_ms - part_ms(claim->window_ms);
	for (size_t i = 0; i < window->len; i++) {
		const struct policy_window_part *part = &window->parts[i];
		if (part->start <= after || part->start > end)
			continue;
		sum.units = u256_add_saturated(sum.units, part->amount.units);
		count += part->count;
	}
	return (amount_is_zero(claim->amount_max) || amount_compare(sum, claim->amount_max) <= 0) &&
	       (claim->count_max == 0 || count <= claim->count_max);
}

/* What is decided late adds to windows that end after its own part as well. */
static bool fits(const struct policy_window *window, const struct policy_claim *claim,
		 int64_t start)
{
	int64_t before = start + claim->window_ms + part_ms(claim->window_ms);
	bool fit = fits_at(window, claim, start);
	for (size_t i = 0; i < window->len && fit; i++) {
		int64_t later = window->parts[i].start;
		if (later > start && later < before)
			fit = fits_at(window, claim, later);
	}
	return fit;
}

/* Leaves out the first parts, of which no window knows any more. */
static void forget(struct policy_window *window, int64_t before)
{
	size_t first = 0;
	while (first < window->len && window->parts[first].start < before)
		first++;
	window->len -= first;
	memmove(window->parts, window->parts + first, window->len * sizeof *window->parts);
}

static struct policy_window_part *part_make(struct policy_window *window, int64_t start)
{
	size_t at = 0;
	while (at < window->len && window->parts[at].start < start)
		at++;
	if (at < window->len && window->parts[at].start == start)
		return &window->parts[at];
	CHECK(window->len < POLICY_WINDOW_KEPT);
	memmove(window->parts + at + 1, window->parts + at,
		(window->len - at) * sizeof *window->parts);
	window->len++;
	window->parts[at] = (struct policy_window_part){ .start = start };
	return &window->parts[at];
}

bool policy_window_is_sound(const struct policy_window *window, int64_t window_ms, int64_t now_ms)
{
	int64_t part = part_ms(window_ms);
	/* Clocks differ, and by short windows that is more than their length. */
	int64_t ahead_ms = window_ms > AHEAD_MS ? window_ms : AHEAD_MS;
	if (window->len > 0 && window->parts[window->len - 1].start > now_ms + ahead_ms)
		return false;
	for (size_t i = 0; i < window->len; i++)
		if (window->parts[i].start % part != 0 || window->parts[i].count == UINT32_MAX ||
		    window->parts[i].start - window->parts[0].start >
			    2 * POLICY_WINDOW_PARTS * part)
			return false;
	return true;
}

/* The stored parts of another length are of a limit whose window was changed: its name is the same,
 * its key is not, so that they never meet here. */
bool policy_window_take(struct policy_window *window, const struct policy_claim *claim,
			int64_t *ret_start)
{
	CHECK(claim->window_ms >= POLICY_WINDOW_MS_MIN &&
	      claim->window_ms <= POLICY_WINDOW_MS_MAX && claim->at >= 0);
	int64_t part = part_ms(claim->window_ms);
	int64_t start = claim->at - claim->at % part;
	int64_t newest = window->len > 0 ? window->parts[window->len - 1].start : start;
	int64_t oldest = (newest > start ? newest : start) - 2 * POLICY_WINDOW_PARTS * part;
	start = start > oldest ? start : oldest;
	if (!fits(window, claim, start))
		return false;
	forget(window, oldest);
	struct policy_window_part *taken = part_make(window, start);
	taken->amount.units = u256_add_saturated(taken->amount.units, claim->amount.units);
	taken->count++;
	*ret_start = start;
	return true;
}

void policy_window_release(struct policy_window *window, int64_t start, struct amount amount)
{
	for (size_t i = 0; i < window->len; i++) {
		struct policy_window_part *part = &window->parts[i];
		if (part->start != start || part->count == 0)
			continue;
		part->amount.units = u256_sub_saturated(part->amount.units, amount.units);
		part->count--;
	}
}
