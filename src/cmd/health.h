/* What the ops endpoint of a role answers from: written by the work thread, read by any. The work
 * thread never waits for a reader for longer than it takes to copy a text. */
#ifndef SLUICE_CMD_HEALTH_H
#define SLUICE_CMD_HEALTH_H

#include "base/buf.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HEALTH_PARTS_MAX 12
#define HEALTH_TEXT_LEN  160

struct health_part {
	const char *name; /* static: "store", "work", or borrowed: a chain's name */
	bool is_ok;
	char text[HEALTH_TEXT_LEN]; /* why not; never a secret */
};

struct health {
	atomic_int_least64_t beat_at; /* monotonic ms of the work thread's last sign of life */
	atomic_bool is_stopping;
	int64_t beat_max_ms; /* the sum of the deadlines of one step: set before any thread reads */
	pthread_mutex_t mutex; /* of what follows */
	struct health_part parts[HEALTH_PARTS_MAX];
	size_t parts_len;
};

void health_init(struct health *ret_health, int64_t beat_max_ms, int64_t now_monotonic_ms);
void health_deinit(struct health *health);
/* Before other threads read. Parts begin not ok: "starting". CHECKs HEALTH_PARTS_MAX. */
size_t health_part_add(struct health *health, const char *name);

void health_beat(struct health *health, int64_t now_monotonic_ms);
void health_part_set(struct health *health, size_t part, bool is_ok, const char *text);
void health_stopping(struct health *health);

bool health_is_alive(const struct health *health, int64_t now_monotonic_ms);
/* Every part is ok, and nobody has asked to stop. */
bool health_is_ready(struct health *health);
/* {"ready":false,"parts":{"store":{"ok":true},"polygon":{"ok":false,"text":"…"}}} */
void health_write(struct health *health, struct buf *out);

#endif
