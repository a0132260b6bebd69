#include "cmd/health.h"

#include "base/check.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

void health_init(struct health *ret_health, int64_t beat_max_ms, int64_t now_monotonic_ms)
{
	CHECK(beat_max_ms > 0);
	*ret_health = (struct health){ .beat_max_ms = beat_max_ms };
	atomic_init(&ret_health->beat_at, now_monotonic_ms);
	atomic_init(&ret_health->is_stopping, false);
	CHECK(pthread_mutex_init(&ret_health->mutex, NULL) == 0);
}

void health_deinit(struct health *health)
{
	CHECK(pthread_mutex_destroy(&health->mutex) == 0);
}

size_t health_part_add(struct health *health, const char *name)
{
	CHECK(health->parts_len < HEALTH_PARTS_MAX);
	health->parts[health->parts_len] = (struct health_part){ .name = name, .text = "starting" };
	return health->parts_len++;
}

void health_beat(struct health *health, int64_t now_monotonic_ms)
{
	atomic_store_explicit(&health->beat_at, now_monotonic_ms, memory_order_relaxed);
}

void health_part_set(struct health *health, size_t part, bool is_ok, const char *text)
{
	CHECK(part < health->parts_len);
	CHECK(pthread_mutex_lock(&health->mutex) == 0);
	health->parts[part].is_ok = is_ok;
	(void)snprintf(health->parts[part].text, HEALTH_TEXT_LEN, "%s", text);
	CHECK(pthread_mutex_unlock(&health->mutex) == 0);
}

void health_stopping(struct health *health)
{
	atomic_store(&health->is_stopping, true);
}

bool health_is_alive(const struct health *health, int64_t now_monotonic_ms)
{
	int64_t beat_at = atomic_load_explicit(&health->beat_at, memory_order_relaxed);
	return now_monotonic_ms - beat_at <= health->beat_max_ms;
}

static bool all_ok(const struct health *health)
{
	for (size_t i = 0; i < health->parts_len; i++)
		if (!health->parts[i].is_ok)
			return false;
	return !atomic_load(&health->is_stopping);
}

bool health_is_ready(struct health *health)
{
	CHECK(pthread_mutex_lock(&health->mutex) == 0);
	bool ready = all_ok(health);
	CHECK(pthread_mutex_unlock(&health->mutex) == 0);
	return ready;
}

void health_write(struct health *health, struct buf *out)
{
	CHECK(pthread_mutex_lock(&health->mutex) == 0);
	buf_byte(out, '{');
	json_write_member_bool(out, "ready", all_ok(health));
	if (atomic_load(&health->is_stopping))
		json_write_member_bool(out, "stopping", true);
	json_write_name(out, "parts");
	buf_byte(out, '{');
	for (size_t i = 0; i < health->parts_len; i++) {
		const struct health_part *part = &health->parts[i];
		json_write_name(out, part->name);
		buf_byte(out, '{');
		json_write_member_bool(out, "ok", part->is_ok);
		if (part->text[0] != '\0')
			json_write_member_text(out, "text", part->text);
		buf_byte(out, '}');
	}
	buf_text(out, "}}");
	CHECK(pthread_mutex_unlock(&health->mutex) == 0);
}
