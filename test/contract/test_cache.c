/* The contract of port/cache.h, of the process' own memory and of a real Redis, and what a Redis
 * may do to us: run_with_redis.mjs starts it. */
#include "adapter/cache_memory.h"
#include "adapter/cache_redis.h"
#include "adapter/clock_posix.h"
#include "net/circuit_breaker.h"

#include "../unit/testing.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define PREFIX     "sluice:test:"
#define TIMEOUT_MS 250
#define LONG_MS    CACHE_LIFE_MS_MAX
#define SHORT_MS   60
#define WAIT_MS    10000 /* for what must come */
#define THREADS    4
#define WORD_64    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WORD_256   WORD_64 WORD_64 WORD_64 WORD_64
#define LONG_WORD  WORD_256 WORD_256 WORD_256 WORD_256 "x" /* more than CACHE_TEXT_MAX */

struct place {
	struct clock clock;
	bool is_redis;
	struct cache *cache;
	struct err err;
	char text[CACHE_VALUE_MAX];
	struct buf value;
};

static const char *need(const char *name)
{
	const char *value = getenv(name);
	if (value == NULL)
		fail_msg("%s is not set: run by test/contract/run_with_redis.mjs", name);
	return value;
}

static uint16_t redis_port(void)
{
	return (uint16_t)strtoul(need("SLUICE_TEST_REDIS_PORT"), NULL, 10);
}

static pid_t redis_pid(void)
{
	return (pid_t)strtol(need("SLUICE_TEST_REDIS_PID"), NULL, 10);
}

static struct cache *redis_at(struct clock *clock, const char *host, uint16_t port)
{
	const struct cache_redis_options options = {
		.host = host,
		.port = port,
		.password_file = need("SLUICE_TEST_REDIS_PASSWORD_FILE"),
		.prefix = PREFIX,
		.timeout_ms = TIMEOUT_MS,
		.clock = clock,
	};
	return cache_redis_new(&options);
}

static struct cache *redis_new(struct clock *clock, uint16_t port)
{
	return redis_at(clock, "127.0.0.1", port);
}

/* Says something to the server behind the cache's back. */
static void redis_say(const char *words)
{
	char password[128] = { 0 };
	FILE *file = fopen(need("SLUICE_TEST_REDIS_PASSWORD_FILE"), "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%127s", password), 1);
	(void)fclose(file);
	redisContext *link = redisConnect("127.0.0.1", redis_port());
	assert_non_null(link);
	assert_int_equal(link->err, 0);
	freeReplyObject(redisCommand(link, "AUTH %s", password));
	redisReply *reply = redisCommand(link, words);
	assert_non_null(reply);
	assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
	freeReplyObject(reply);
	redisFree(link);
}

static void place_make(struct place *place)
{
	clock_posix_init(&place->clock);
	place->value = buf_of(place->text, sizeof place->text);
	(void)signal(SIGPIPE, SIG_IGN);
}

static int setup_memory(void **state)
{
	static struct place place;
	place = (struct place){ .is_redis = false };
	place_make(&place);
	place.cache = cache_memory_new(&place.clock, 1000);
	*state = &place;
	return 0;
}

static int setup_redis(void **state)
{
	static struct place place;
	place = (struct place){ .is_redis = true };
	place_make(&place);
	redis_say("FLUSHALL");
	place.cache = redis_new(&place.clock, redis_port());
	*state = &place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	cache_close(place->cache);
	return 0;
}

static bool put(struct place *place, const char *key, uint64_t version, struct str value,
		int64_t life_ms)
{
	const struct cache_copy copy = { str_from(key), version, value, life_ms };
	return cache_put_many(place->cache, &copy, 1, &place->err);
}

static struct str get(struct place *place, const char *key)
{
	const struct str name = str_from(key);
	if (!cache_get_many(place->cache, &name, 1, &place->value, &place->err))
		fail_msg("%s", place->err.text);
	return buf_view(&place->value);
}

static bool drop(struct place *place, const char *key, int64_t life_ms)
{
	const struct str name = str_from(key);
	return cache_drop_many(place->cache, &name, 1, life_ms, &place->err);
}

static struct cache_bucket take(struct place *place, const char *key, unsigned rate, unsigned burst)
{
	struct cache_bucket bucket = { .key = str_from(key), .rate = rate, .burst = burst };
	if (!cache_take_many(place->cache, &bucket, 1, &place->err))
		fail_msg("%s", place->err.text);
	return bucket;
}

static void pause_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

/* ---- copies ---- */

static void a_copy_lives_for_its_time(void **state)
{
	struct place *place = *state;
	assert_str_equal(get(place, "w:1"), "");
	assert_true(put(place, "w:1", 7, STR("seven"), LONG_MS));
	assert_true(put(place, "w:2", 7, STR("brief"), SHORT_MS));
	assert_str_equal(get(place, "w:1"), "seven");
	int64_t until_ms = clock_monotonic_ms(&place->clock) + WAIT_MS;
	while (get(place, "w:2").len > 0 && clock_monotonic_ms(&place->clock) < until_ms)
		pause_ms(5);
	assert_str_equal(get(place, "w:2"), "");
	assert_str_equal(get(place, "w:1"), "seven");
}

/* Also where the versions have not the same number of digits, and are larger than a double. */
static void an_older_copy_replaces_no_newer_one(void **state)
{
	struct place *place = *state;
	assert_true(put(place, "w:1", 10, STR("ten"), LONG_MS));
	assert_true(put(place, "w:1", 9, STR("nine"), LONG_MS));
	assert_str_equal(get(place, "w:1"), "ten");
	assert_true(put(place, "w:1", 10, STR("ten again"), LONG_MS));
	assert_str_equal(get(place, "w:1"), "ten again");
	assert_true(put(place, "w:1", INT64_MAX, STR("last"), LONG_MS));
	assert_true(put(place, "w:1", INT64_MAX - 1, STR("one before"), LONG_MS));
	assert_str_equal(get(place, "w:1"), "last");
	assert_true(put(place, "w:2", 0, STR("first"), LONG_MS));
	assert_str_equal(get(place, "w:2"), "first");
}

/* Who read the source before it changed comes late, with whatever version. */
static void what_was_dropped_is_not_brought_back(void **state)
{
	struct place *place = *state;
	assert_true(put(place, "w:1", 7, STR("seven"), LONG_MS));
	assert_true(drop(place, "w:1", SHORT_MS));
	assert_str_equal(get(place, "w:1"), "");
	assert_true(drop(place, "w:1", LONG_MS));
	assert_true(put(place, "w:1", 8, STR("eight"), LONG_MS));
	assert_str_equal(get(place, "w:1"), "");
	assert_true(drop(place, "w:2", SHORT_MS));
	int64_t until_ms = clock_monotonic_ms(&place->clock) + WAIT_MS;
	do {
		pause_ms(5);
		assert_true(put(place, "w:2", 1, STR("one"), LONG_MS));
	} while (get(place, "w:2").len == 0 && clock_monotonic_ms(&place->clock) < until_ms);
	assert_str_equal(get(place, "w:2"), "one");
}

static void copies_hold_any_bytes(void **state)
{
	struct place *place = *state;
	static char bytes[CACHE_VALUE_MAX];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7);
	assert_true(put(place, "w:1", 1, str_from_bytes(bytes, sizeof bytes), LONG_MS));
	assert_true(str_equal(get(place, "w:1"), str_from_bytes(bytes, sizeof bytes)));
	assert_true(put(place, "w:2", 1, STR("-"), LONG_MS));
	assert_str_equal(get(place, "w:2"), "-");
	/* What does not fit is as if it were not there. */
	char little[4];
	struct buf value = buf_of(little, sizeof little);
	const struct str key = STR("w:1");
	assert_true(cache_get_many(place->cache, &key, 1, &value, &place->err));
	assert_int_equal(value.len, 0);
	assert_false(value.overflow);
}

static void a_batch_is_as_large_as_it_says(void **state)
{
	struct place *place = *state;
	static char keys[CACHE_BATCH_MAX][CACHE_KEY_LEN_MAX], values[CACHE_BATCH_MAX][2];
	struct cache_copy copies[CACHE_BATCH_MAX];
	struct str names[CACHE_BATCH_MAX];
	struct buf got[CACHE_BATCH_MAX];
	for (size_t i = 0; i < CACHE_BATCH_MAX; i++) {
		memset(keys[i], 'k', sizeof keys[i]);
		(void)snprintf(keys[i], 8, "%zu", i);
		keys[i][strlen(keys[i])] = ':';
		names[i] = str_from_bytes(keys[i], sizeof keys[i]);
		copies[i] = (struct cache_copy){ names[i], i, { keys[i], 2 }, LONG_MS };
		got[i] = buf_of(values[i], sizeof values[i]);
	}
	assert_true(cache_put_many(place->cache, copies, CACHE_BATCH_MAX, &place->err));
	assert_true(cache_get_many(place->cache, names, CACHE_BATCH_MAX, got, &place->err));
	for (size_t i = 0; i < CACHE_BATCH_MAX; i++)
		assert_true(str_equal(buf_view(&got[i]), copies[i].value));
	assert_true(cache_drop_many(place->cache, names, CACHE_BATCH_MAX, LONG_MS, &place->err));
	assert_true(cache_get_many(place->cache, names, CACHE_BATCH_MAX, got, &place->err));
	for (size_t i = 0; i < CACHE_BATCH_MAX; i++)
		assert_int_equal(got[i].len, 0);
}

/* ---- buckets ---- */

static void a_bucket_gives_what_it_holds(void **state)
{
	struct place *place = *state;
	struct cache_bucket bucket;
	for (unsigned i = 0; i < 5; i++) {
		bucket = take(place, "b:1", 1, 5);
		assert_true(bucket.taken);
		assert_int_equal(bucket.left, 4 - i);
	}
	bucket = take(place, "b:1", 1, 5);
	assert_false(bucket.taken);
	assert_int_equal(bucket.left, 0);
	assert_in_range(bucket.wait_ms, 1, 1001);
	/* Another one is another one; and what is refused costs nothing. */
	assert_true(take(place, "b:2", 1, 1).taken);
	for (int i = 0; i < 100; i++)
		bucket = take(place, "b:1", 1, 5);
	assert_in_range(bucket.wait_ms, 1, 1001);
}

static void a_bucket_fills_again(void **state)
{
	struct place *place = *state;
	assert_true(take(place, "b:1", 20, 1).taken);
	struct cache_bucket bucket = take(place, "b:1", 20, 1);
	assert_false(bucket.taken);
	int64_t until_ms = clock_monotonic_ms(&place->clock) + WAIT_MS;
	while (!bucket.taken && clock_monotonic_ms(&place->clock) < until_ms) {
		pause_ms((int)bucket.wait_ms);
		bucket = take(place, "b:1", 20, 1);
	}
	assert_true(bucket.taken);
	assert_false(take(place, "b:1", 20, 1).taken);
}

static void tokens_of_one_call_are_counted(void **state)
{
	struct place *place = *state;
	struct cache_bucket buckets[10];
	for (size_t i = 0; i < COUNT_OF(buckets); i++)
		buckets[i] = (struct cache_bucket){ .key = STR("b:1"), .rate = 1, .burst = 7 };
	assert_true(cache_take_many(place->cache, buckets, COUNT_OF(buckets), &place->err));
	for (size_t i = 0; i < COUNT_OF(buckets); i++)
		assert_int_equal(buckets[i].taken, i < 7);
}

/* The fastest and the largest that there are. */
static void buckets_have_bounds(void **state)
{
	struct place *place = *state;
	assert_int_equal(take(place, "b:1", CACHE_RATE_MAX, CACHE_RATE_MAX).left,
			 CACHE_RATE_MAX - 1);
	assert_int_equal(take(place, "b:2", 1, CACHE_RATE_MAX).left, CACHE_RATE_MAX - 1);
	assert_int_equal(take(place, "b:2", 1, CACHE_RATE_MAX).left, CACHE_RATE_MAX - 2);
	/* A limit that was lowered: no more than the new one holds. */
	assert_int_equal(take(place, "b:3", 1, 1000).left, 999);
	assert_in_range(take(place, "b:3", 1, 10).left, 8, 9);
}

/* ---- telling ---- */

static struct str hear(struct place *place, int64_t timeout_ms)
{
	if (!cache_hear(place->cache, STR("events"), timeout_ms, &place->value, &place->err))
		fail_msg("%s", place->err.text);
	return buf_view(&place->value);
}

static bool publish(struct place *place, const char *channel, struct str text)
{
	return cache_publish(place->cache, str_from(channel), text, &place->err);
}

static void who_listens_is_told(void **state)
{
	struct place *place = *state;
	char text[CACHE_TEXT_MAX];
	assert_true(publish(place, "events", STR("before")));
	assert_str_equal(hear(place, 0), "");
	for (int i = 0; i < CACHE_TEXT_MAX; i++)
		text[i] = (char)i;
	assert_true(publish(place, "others", STR("not for us")));
	assert_true(publish(place, "events", STR("one")));
	assert_true(publish(place, "events", STR("two")));
	assert_true(publish(place, "events", str_from_bytes(text, sizeof text)));
	assert_str_equal(hear(place, WAIT_MS), "one");
	assert_str_equal(hear(place, WAIT_MS), "two");
	assert_true(str_equal(hear(place, WAIT_MS), str_from_bytes(text, sizeof text)));
	int64_t from_ms = clock_monotonic_ms(&place->clock);
	assert_str_equal(hear(place, SHORT_MS), "");
	assert_in_range(clock_monotonic_ms(&place->clock) - from_ms, SHORT_MS, WAIT_MS);
}

/* What it forgets first is what would have gone first; of what it says nothing is wrong. */
static void memory_is_bounded(void **state)
{
	struct clock clock;
	struct err err;
	(void)state;
	clock_posix_init(&clock);
	struct cache *cache = cache_memory_new(&clock, 16);
	char key[32], text[64];
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 2000; i++) {
			(void)snprintf(key, sizeof key, "w:%u", i);
			const struct cache_copy copy = { str_from(key), i, str_from(key),
							 1000 + i };
			assert_true(cache_put_many(cache, &copy, 1, &err));
		}
		unsigned found = 0;
		for (unsigned i = 0; i < 2000; i++) {
			(void)snprintf(key, sizeof key, "w:%u", i);
			const struct str name = str_from(key);
			struct buf value = buf_of(text, sizeof text);
			assert_true(cache_get_many(cache, &name, 1, &value, &err));
			assert_true(value.len == 0 || str_equal(buf_view(&value), name));
			found += value.len > 0;
		}
		assert_in_range(found, 8, 16);
	}
	cache_close(cache);
}

/* ---- a Redis that several share ---- */

struct taker {
	struct clock clock;
	atomic_uint *taken;
};

static void *take_much(void *arg)
{
	struct taker *taker = arg;
	struct err err;
	struct cache *cache = redis_new(&taker->clock, redis_port());
	for (int i = 0; i < 200; i++) {
		struct cache_bucket bucket = { .key = STR("b:1"), .rate = 1, .burst = 300 };
		if (cache_take_many(cache, &bucket, 1, &err) && bucket.taken)
			atomic_fetch_add(taker->taken, 1);
	}
	cache_close(cache);
	return NULL;
}

/* Four that take 200 each from one bucket of 300 get 300, and what came in while they did. */
static void all_take_from_one_bucket(void **state)
{
	struct place *place = *state;
	atomic_uint taken = 0;
	pthread_t threads[THREADS];
	struct taker taker = { .clock = place->clock, .taken = &taken };
	int64_t from_ms = clock_monotonic_ms(&place->clock);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_much, &taker), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	int64_t took_s = (clock_monotonic_ms(&place->clock) - from_ms) / 1000 + 1;
	assert_in_range(taken, 300, 300 + took_s);
}

static void what_one_drops_is_gone_for_all(void **state)
{
	struct place *place = *state;
	struct place other = { .clock = place->clock };
	other.value = buf_of(other.text, sizeof other.text);
	other.cache = redis_new(&other.clock, redis_port());
	assert_true(put(place, "w:1", 5, STR("five"), LONG_MS));
	assert_str_equal(get(&other, "w:1"), "five");
	assert_true(drop(&other, "w:1", LONG_MS));
	assert_str_equal(get(place, "w:1"), "");
	assert_true(put(place, "w:1", 5, STR("five"), LONG_MS));
	assert_str_equal(get(&other, "w:1"), "");
	cache_close(other.cache);
}

/* Asks until it is answered, for at most so many calls, each with its deadline. */
static bool comes_back(struct place *place)
{
	const struct str key = STR("w:1");
	int64_t until_ms = clock_monotonic_ms(&place->clock) + BREAKER_OPEN_MS_MAX + WAIT_MS;
	while (clock_monotonic_ms(&place->clock) < until_ms) {
		if (cache_get_many(place->cache, &key, 1, &place->value, &place->err))
			return true;
		pause_ms(10);
	}
	return false;
}

static void flushed_it_starts_anew(void **state)
{
	struct place *place = *state;
	assert_true(put(place, "w:1", 5, STR("five"), LONG_MS));
	assert_true(take(place, "b:1", 1, 1).taken);
	redis_say("FLUSHALL");
	assert_str_equal(get(place, "w:1"), "");
	assert_true(take(place, "b:1", 1, 1).taken);
	/* Without its scripts one call fails, and the next brings them back. */
	redis_say("SCRIPT FLUSH");
	assert_false(put(place, "w:1", 5, STR("five"), LONG_MS));
	assert_int_equal(place->err.kind, ERR_NOT_DONE);
	assert_true(put(place, "w:1", 5, STR("five"), LONG_MS));
	assert_str_equal(get(place, "w:1"), "five");
}

/* Who listens is told that he missed something, and then hears again. */
static void cut_off_it_listens_again(void **state)
{
	struct place *place = *state;
	struct place other = { .clock = place->clock };
	other.value = buf_of(other.text, sizeof other.text);
	other.cache = redis_new(&other.clock, redis_port());
	assert_str_equal(hear(place, 0), "");
	assert_true(publish(&other, "events", STR("one")));
	assert_str_equal(hear(place, WAIT_MS), "one");
	redis_say("CLIENT KILL TYPE pubsub");
	assert_false(cache_hear(place->cache, STR("events"), WAIT_MS, &place->value, &place->err));
	assert_int_equal(place->err.kind, ERR_NOT_DONE);
	assert_str_equal(hear(place, 0), "");
	assert_true(publish(&other, "events", STR("two")));
	assert_str_equal(hear(place, WAIT_MS), "two");
	/* What is too long, or no text, is left out. */
	redis_say("PUBLISH " PREFIX "events " LONG_WORD);
	assert_true(publish(&other, "events", STR("three")));
	assert_str_equal(hear(place, WAIT_MS), "three");
	cache_close(other.cache);
}

/* A connection that is gone costs one call. */
static void cut_off_it_connects_again(void **state)
{
	struct place *place = *state;
	assert_true(put(place, "w:1", 5, STR("five"), LONG_MS));
	redis_say("CLIENT KILL TYPE normal SKIPME yes");
	assert_false(put(place, "w:1", 6, STR("six"), LONG_MS));
	assert_int_equal(place->err.kind, ERR_NOT_DONE);
	assert_true(put(place, "w:1", 6, STR("six"), LONG_MS));
	assert_str_equal(get(place, "w:1"), "six");
}

static int64_t fail_once(struct place *place)
{
	const struct str key = STR("w:2");
	int64_t from_ms = clock_monotonic_ms(&place->clock);
	assert_false(cache_get_many(place->cache, &key, 1, &place->value, &place->err));
	assert_int_equal(place->err.kind, ERR_NOT_DONE);
	return clock_monotonic_ms(&place->clock) - from_ms;
}

/* Each call ends with its deadline, later ones at once; and what Redis says when it goes on, to
 * questions of before, is taken for no answer to those of now. */
static void late_answer_of_a_frozen_one(void **state)
{
	struct place *place = *state;
	assert_true(put(place, "w:1", 1, STR("one"), LONG_MS));
	assert_true(put(place, "w:2", 1, STR("two"), LONG_MS));
	assert_int_equal(kill(redis_pid(), SIGSTOP), 0);
	for (int i = 0; i < BREAKER_RUN; i++)
		assert_in_range(fail_once(place), TIMEOUT_MS, 4 * TIMEOUT_MS);
	int64_t from_ms = clock_monotonic_ms(&place->clock);
	for (int i = 0; i < 100; i++)
		(void)fail_once(place);
	assert_in_range(clock_monotonic_ms(&place->clock) - from_ms, 0, TIMEOUT_MS);
	assert_int_equal(kill(redis_pid(), SIGCONT), 0);
	assert_true(comes_back(place));
	assert_str_equal(get(place, "w:1"), "one");
	assert_str_equal(get(place, "w:2"), "two");
}

/* What is at a key may be anything. */
static void what_others_write_is_no_copy(void **state)
{
	struct place *place = *state;
	assert_true(put(place, "w:0", 1, STR("zero"), LONG_MS));
	redis_say("SET " PREFIX "w:1 short");
	assert_str_equal(get(place, "w:1"), "");
	redis_say("SET " PREFIX "w:1 0000000000000000000");
	assert_str_equal(get(place, "w:1"), "");
	redis_say("SETRANGE " PREFIX "w:1 100000 x");
	assert_str_equal(get(place, "w:1"), "");
	redis_say("RPUSH " PREFIX "w:2 one two");
	(void)fail_once(place);
	redis_say("SET " PREFIX "b:1 rubbish");
	assert_true(take(place, "b:1", 1, 1).taken);
	/* A time far ahead, as another clock would write it: empty, and full again as ever. */
	redis_say("SET " PREFIX "b:2 9000000000000000");
	struct cache_bucket bucket = take(place, "b:2", 10, 5);
	assert_false(bucket.taken);
	assert_in_range(bucket.wait_ms, 1, 101);
	assert_str_equal(get(place, "w:0"), "zero");
}

static void a_wrong_password_is_told(void **state)
{
	struct place *place = *state;
	char path[] = "/tmp/sluice-redis-password-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "wrong\n", 6), 6);
	(void)close(fd);
	const struct cache_redis_options options = { .host = "127.0.0.1",
						     .port = redis_port(),
						     .password_file = path,
						     .prefix = PREFIX,
						     .timeout_ms = TIMEOUT_MS,
						     .clock = &place->clock };
	struct place other = { .clock = place->clock, .cache = cache_redis_new(&options) };
	other.value = buf_of(other.text, sizeof other.text);
	(void)fail_once(&other);
	assert_non_null(strstr(other.err.text, "WRONGPASS"));
	cache_close(other.cache);
	assert_int_equal(unlink(path), 0);
}

/* A name is looked up beside the calls: none waits longer for it than for an answer. */
static void it_may_have_a_name(void **state)
{
	struct place *place = *state;
	struct place other = { .clock = place->clock };
	other.value = buf_of(other.text, sizeof other.text);
	other.cache = redis_at(&other.clock, "localhost", redis_port());
	assert_true(comes_back(&other));
	assert_true(put(&other, "w:1", 5, STR("five"), LONG_MS));
	assert_str_equal(get(place, "w:1"), "five");
	cache_close(other.cache);
	other.cache = redis_at(&other.clock, "nobody.invalid", redis_port());
	for (int i = 0; i < 2 * BREAKER_RUN; i++)
		assert_in_range(fail_once(&other), 0, 4 * TIMEOUT_MS);
	cache_close(other.cache);
}

/* ---- a Redis that is none ---- */

struct liar {
	int fd;
	uint16_t port;
	struct str says;
	atomic_bool is_over;
	pthread_t thread;
};

/* Whatever it is asked, and once for each connection. */
static void *lie(void *arg)
{
	struct liar *liar = arg;
	int link = -1;
	while (!atomic_load(&liar->is_over)) {
		struct pollfd poll_fd = { .fd = liar->fd, .events = POLLIN };
		if (poll(&poll_fd, 1, 10) != 1)
			continue;
		if (link >= 0)
			(void)close(link);
		link = accept(liar->fd, NULL, NULL);
		(void)!send(link, liar->says.at, liar->says.len, MSG_NOSIGNAL);
	}
	if (link >= 0)
		(void)close(link);
	return NULL;
}

static void liar_start(struct liar *liar, struct str says)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	*liar = (struct liar){ .says = says, .fd = socket(AF_INET, SOCK_STREAM, 0) };
	assert_int_equal(bind(liar->fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(liar->fd, 8), 0);
	assert_int_equal(getsockname(liar->fd, (struct sockaddr *)&address, &len), 0);
	liar->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&liar->thread, NULL, lie, liar), 0);
}

static void liar_stop(struct liar *liar)
{
	atomic_store(&liar->is_over, true);
	assert_int_equal(pthread_join(liar->thread, NULL), 0);
	(void)close(liar->fd);
}

#define SHA    "$40\r\n0123456789012345678901234567890123456789\r\n"
#define HELLO  "+OK\r\n" SHA SHA
#define NESTED "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"

/* No words make it crash, wait longer than its deadline, or take a token that nobody gave. */
static void it_may_say_anything(void **state)
{
	static const char *const lies[] = {
		"HTTP/1.1 400 Bad Request\r\n\r\n",
		"\r\n\r\n\r\n",
		"*2147483647\r\n",
		"*-2\r\n",
		"$2147483647\r\nab",
		"$-7\r\n",
		NESTED,
		"+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
		"+OK\r\n$40\r\nGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGG\r\n" SHA,
		HELLO ":1\r\n",
		HELLO "*-1\r\n",
		HELLO "*0\r\n",
		HELLO "*2\r\n:1\r\n:1\r\n",
		HELLO "*3\r\n:1\r\n:1\r\n$1\r\n0\r\n",
		HELLO "*3\r\n:1\r\n:1\r\n*1\r\n:1\r\n",
		HELLO "*3\r\n:2\r\n:1\r\n:0\r\n",
		HELLO "*3\r\n:1\r\n:-1\r\n:0\r\n",
		HELLO "*3\r\n:1\r\n:5\r\n:0\r\n",
		HELLO "*3\r\n:0\r\n:0\r\n:-1\r\n",
		HELLO "*3\r\n:0\r\n:0\r\n:9223372036854775807\r\n",
		HELLO "*4\r\n:1\r\n:1\r\n:0\r\n:0\r\n",
		HELLO "*1000000\r\n",
		HELLO "-ERR no\r\n",
		HELLO "-\r\n",
	};
	struct place *place = *state;
	for (size_t i = 0; i < COUNT_OF(lies); i++) {
		struct liar liar;
		struct cache_bucket bucket = { .key = STR("b:1"), .rate = 1, .burst = 4 };
		struct err err = { 0 };
		liar_start(&liar, str_from(lies[i]));
		struct cache *cache = redis_new(&place->clock, liar.port);
		int64_t from_ms = clock_monotonic_ms(&place->clock);
		if (cache_take_many(cache, &bucket, 1, &err))
			fail_msg("believed %s", lies[i]);
		assert_int_equal(err.kind, ERR_NOT_DONE);
		assert_in_range(clock_monotonic_ms(&place->clock) - from_ms, 0, 4 * TIMEOUT_MS);
		cache_close(cache);
		liar_stop(&liar);
	}
}

/* More than all answers of a call together can have is not waited for. */
static void it_may_not_say_too_much(void **state)
{
	struct place *place = *state;
	size_t len = ((size_t)CACHE_BATCH_MAX * (CACHE_VALUE_MAX + 256)) + 200000;
	struct buf says = buf_new(len);
	struct liar liar;
	buf_text(&says, "$2147483647\r\n");
	while (says.len < len)
		buf_byte(&says, 'x');
	liar_start(&liar, buf_view(&says));
	struct place other = { .clock = place->clock,
			       .cache = redis_new(&place->clock, liar.port) };
	other.value = buf_of(other.text, sizeof other.text);
	(void)fail_once(&other);
	assert_true(strstr(other.err.text, "too long") != NULL ||
		    strstr(other.err.text, "no answer") != NULL);
	cache_close(other.cache);
	liar_stop(&liar);
	buf_free(&says);
}

#define ON_MEMORY(test) { #test "_in_memory", test, setup_memory, teardown, NULL }
#define ON_REDIS(test)  { #test "_in_redis", test, setup_redis, teardown, NULL }
#define ON_BOTH(test)   ON_MEMORY(test), ON_REDIS(test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(a_copy_lives_for_its_time),
		ON_BOTH(an_older_copy_replaces_no_newer_one),
		ON_BOTH(what_was_dropped_is_not_brought_back),
		ON_BOTH(copies_hold_any_bytes),
		ON_BOTH(a_batch_is_as_large_as_it_says),
		ON_BOTH(a_bucket_gives_what_it_holds),
		ON_BOTH(a_bucket_fills_again),
		ON_BOTH(tokens_of_one_call_are_counted),
		ON_BOTH(buckets_have_bounds),
		ON_BOTH(who_listens_is_told),
		ON_MEMORY(memory_is_bounded),
		ON_REDIS(all_take_from_one_bucket),
		ON_REDIS(what_one_drops_is_gone_for_all),
		ON_REDIS(flushed_it_starts_anew),
		ON_REDIS(cut_off_it_connects_again),
		ON_REDIS(cut_off_it_listens_again),
		ON_REDIS(late_answer_of_a_frozen_one),
		ON_REDIS(what_others_write_is_no_copy),
		ON_REDIS(a_wrong_password_is_told),
		ON_REDIS(it_may_have_a_name),
		ON_REDIS(it_may_say_anything),
		ON_REDIS(it_may_not_say_too_much),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
