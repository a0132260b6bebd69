/* Wake-ups per second through a queue: one thread commits them in groups and hands them on, as a
 * role does after its changes; another claims and acknowledges them. Each has a connection of its
 * own to the same database. With SQS the rows are the outbox and the messages go over it. */
#include "adapter/clock_posix.h"
#include "adapter/db_sqlite.h"
#include "adapter/entropy_os.h"
#include "adapter/queue_outbox.h"
#include "adapter/queue_sqs.h"
#include "adapter/queue_sqs_setup.h"
#include "adapter/queue_store.h"
#include "adapter/sql_message.h"
#include "adapter/store_sql.h"
#include "base/str.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VISIBILITY_MS 60000
#define IDLE_MS       100

/* What one of the two threads has. */
struct end {
	struct clock clock;
	struct entropy entropy;
	struct db *db;
	struct queue_transport *transport; /* NULL: embedded */
	struct queue *queue;
	uint64_t count;
};

static void must(bool good, const struct err *err)
{
	if (good)
		return;
	fprintf(stderr, "queue: %s\n", err->text);
	exit(1);
}

static void transport_make(struct end *end, const char *endpoint)
{
	const struct queue_sqs_options options = { .region = "eu-central-1",
						   .endpoint = endpoint,
						   .prefix = "bench-",
						   .clock = &end->clock };
	struct err err;
	must(queue_sqs_open(&options, &end->transport, &err), &err);
}

static void end_open(struct end *end, const char *path, const char *endpoint, uint64_t count)
{
	const struct db_sqlite_options options = { .path = path, .cache_kb = 2048 };
	char prefix[256];
	struct err err;
	*end = (struct end){ .count = count };
	clock_posix_init(&end->clock);
	entropy_os_init(&end->entropy);
	must(db_sqlite_open(&options, &end->db, &err), &err);
	if (endpoint == NULL) {
		(void)snprintf(prefix, sizeof prefix, "%s-wake", path);
		must(queue_store_open(end->db, &end->clock, &end->entropy, prefix, &end->queue,
				      &err),
		     &err);
		return;
	}
	transport_make(end, endpoint);
	end->queue = queue_outbox_new(&(struct queue_outbox_options){ .db = end->db,
								      .transport = end->transport,
								      .clock = &end->clock,
								      .entropy = &end->entropy });
}

static void end_close(struct end *end)
{
	queue_close(end->queue);
	transport_close(end->transport);
	db_close(end->db);
}

static void group_put(struct end *end, size_t n)
{
	struct err err;
	uint8_t random[10];
	must(db_begin(end->db, true, &err), &err);
	for (size_t i = 0; i < n; i++) {
		int64_t now_ms = clock_now_ms(&end->clock);
		entropy_fill(&end->entropy, random, sizeof random);
		must(message_put(end->db, QUEUE_SIGNING, id_make(now_ms, random),
				 "4bf92f3577b34da6a3ce929d0e0e4736", now_ms, &err),
		     &err);
	}
	must(db_commit(end->db, &err), &err);
}

static void *produce(void *arg)
{
	struct end *end = arg;
	for (uint64_t done = 0; done < end->count;) {
		size_t n = end->count - done < BATCH_MAX ? (size_t)(end->count - done) : BATCH_MAX;
		group_put(end, n);
		queue_notify(end->queue, QUEUE_SIGNING);
		done += n;
	}
	return NULL;
}

static void consume(struct end *end)
{
	static struct message messages[BATCH_MAX];
	static struct message_ack acks[BATCH_MAX];
	struct err err;
	for (uint64_t done = 0; done < end->count;) {
		size_t n = 0;
		must(queue_claim(end->queue, QUEUE_SIGNING, BATCH_MAX, VISIBILITY_MS, messages, &n,
				 &err),
		     &err);
		if (n == 0) {
			(void)queue_wait(end->queue, QUEUE_SIGNING, IDLE_MS);
			continue;
		}
		for (size_t i = 0; i < n; i++)
			acks[i] = messages[i].ack;
		must(queue_ack(end->queue, acks, n, &err), &err);
		done += n;
	}
}

static void prepare(const char *path, const char *endpoint)
{
	const struct db_sqlite_options options = { .path = path };
	struct end end = { .queue = NULL };
	struct err err;
	clock_posix_init(&end.clock);
	must(db_sqlite_open(&options, &end.db, &err), &err);
	must(store_sql_migrate(end.db, clock_now_ms(&end.clock), &err), &err);
	if (endpoint != NULL) {
		transport_make(&end, endpoint);
		must(queue_sqs_create(end.transport, &err), &err);
	}
	end_close(&end);
}

int main(int argc, char **argv)
{
	struct end near;
	struct end far;
	pthread_t thread;
	uint64_t count;
	if (argc < 3 || argc > 4 || !str_to_u64(str_from(argv[2]), &count)) {
		fprintf(stderr, "usage: queue DATABASE COUNT [SQS-ENDPOINT]\n");
		return 2;
	}
	const char *endpoint = argc == 4 ? argv[3] : NULL;
	db_sqlite_setup();
	prepare(argv[1], endpoint);
	end_open(&near, argv[1], endpoint, count);
	end_open(&far, argv[1], endpoint, count);
	int64_t begun_ms = clock_monotonic_ms(&far.clock);
	if (pthread_create(&thread, NULL, produce, &near) != 0)
		return 1;
	consume(&far);
	int64_t took_ms = clock_monotonic_ms(&far.clock) - begun_ms;
	(void)pthread_join(thread, NULL);
	printf("{\"messages\":%llu,\"seconds\":%.3f}\n", (unsigned long long)count,
	       (double)took_ms / 1000);
	end_close(&near);
	end_close(&far);
	return 0;
}
