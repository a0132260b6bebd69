#include "base/metric.h"

#include "../testing.h"

#include <pthread.h>

static void writes_counters_and_gauges(void **state)
{
	(void)state;
	struct metrics *metrics = metrics_new();
	struct metric *done = metric_add(metrics, METRIC_COUNTER, "sluice_steps_total",
					 "outcome=\"done\"", "Steps.");
	struct metric *failed = metric_add(metrics, METRIC_COUNTER, "sluice_steps_total",
					   "outcome=\"failed\"", "Steps.");
	struct metric *depth =
		metric_add(metrics, METRIC_GAUGE, "sluice_queue_depth", "", "Rows that wait.");
	char storage[1024];
	struct buf out = buf_of(storage, sizeof storage);
	metric_count(done, 2);
	metric_count(done, 3);
	metric_set(depth, 7);
	metric_set(depth, -1);
	assert_int_equal(metric_value(done), 5);
	assert_int_equal(metric_value(failed), 0);
	metrics_write(metrics, &out);
	assert_str_equal(buf_view(&out), "# HELP sluice_steps_total Steps.\n"
					 "# TYPE sluice_steps_total counter\n"
					 "sluice_steps_total{outcome=\"done\"} 5\n"
					 "sluice_steps_total{outcome=\"failed\"} 0\n"
					 "# HELP sluice_queue_depth Rows that wait.\n"
					 "# TYPE sluice_queue_depth gauge\n"
					 "sluice_queue_depth -1\n");
	metrics_free(metrics);
}

static void writes_histograms(void **state)
{
	(void)state;
	struct metrics *metrics = metrics_new();
	struct metric *plain =
		metric_add(metrics, METRIC_HISTOGRAM, "sluice_step_seconds", "", "Time.");
	char storage[2048];
	struct buf out = buf_of(storage, sizeof storage);
	metric_observe_us(plain, -5);  /* counts as 0 */
	metric_observe_us(plain, 500); /* a bound belongs to its bucket */
	metric_observe_us(plain, 501);
	metric_observe_us(plain, 120000001); /* above the last bound */
	metrics_write(metrics, &out);
	assert_str_equal(buf_view(&out), "# HELP sluice_step_seconds Time.\n"
					 "# TYPE sluice_step_seconds histogram\n"
					 "sluice_step_seconds_bucket{le=\"0.0005\"} 2\n"
					 "sluice_step_seconds_bucket{le=\"0.001\"} 3\n"
					 "sluice_step_seconds_bucket{le=\"0.0025\"} 3\n"
					 "sluice_step_seconds_bucket{le=\"0.005\"} 3\n"
					 "sluice_step_seconds_bucket{le=\"0.01\"} 3\n"
					 "sluice_step_seconds_bucket{le=\"0.025\"} 3\n"
					 "sluice_step_seconds_bucket{le=\"0.05\"} 3\n"
					 "sluice_step_seconds_bucket{le=\"0.1\"} 3\n"
					 "sluice_step_seconds_bucket{le=\"0.25\"} 3\n"
					 "sluice_step_seconds_bucket{le=\"1\"} 3\n"
					 "sluice_step_seconds_bucket{le=\"2.5\"} 3\n"
					 "sluice_step_seconds_bucket{le=\"10\"} 3\n"
					 "sluice_step_seconds_bucket{le=\"30\"} 3\n"
					 "sluice_step_seconds_bucket{le=\"120\"} 3\n"
					 "sluice_step_seconds_bucket{le=\"+Inf\"} 4\n"
					 "sluice_step_seconds_sum 120.001002\n"
					 "sluice_step_seconds_count 4\n");
	metrics_free(metrics);
}

/* Each bound as the text says it: the bound itself is inside, a microsecond more is not. */
static void bounds_are_what_they_say(void **state)
{
	(void)state;
	static const struct {
		int64_t us;
		const char *seconds;
	} bounds[METRIC_BUCKETS_MAX] = {
		{ 500, "0.0005" },  { 1000, "0.001" },    { 2500, "0.0025" }, { 5000, "0.005" },
		{ 10000, "0.01" },  { 25000, "0.025" },   { 50000, "0.05" },  { 100000, "0.1" },
		{ 250000, "0.25" }, { 1000000, "1" },     { 2500000, "2.5" }, { 10000000, "10" },
		{ 30000000, "30" }, { 120000000, "120" },
	};
	for (size_t i = 0; i < METRIC_BUCKETS_MAX; i++) {
		struct metrics *metrics = metrics_new();
		struct metric *metric =
			metric_add(metrics, METRIC_HISTOGRAM, "x_seconds", "", "X.");
		char storage[2048], line[64];
		struct buf out = buf_of(storage, sizeof storage);
		metric_observe_us(metric, bounds[i].us);
		metric_observe_us(metric, bounds[i].us + 1);
		metrics_write(metrics, &out);
		snprintf(line, sizeof line, "le=\"%s\"} 1\n", bounds[i].seconds);
		assert_true(str_contains_fold(buf_view(&out), str_from(line)));
		if (i > 0) {
			snprintf(line, sizeof line, "le=\"%s\"} 0\n", bounds[i - 1].seconds);
			assert_true(str_contains_fold(buf_view(&out), str_from(line)));
		}
		metrics_free(metrics);
	}
}

static void histograms_have_labels(void **state)
{
	(void)state;
	struct metrics *metrics = metrics_new();
	struct metric *metric = metric_add(metrics, METRIC_HISTOGRAM, "sluice_call_seconds",
					   "port=\"chain\"", "Time of a call.");
	char storage[2048];
	struct buf out = buf_of(storage, sizeof storage);
	metric_observe_us(metric, 2000000);
	metrics_write(metrics, &out);
	struct str text = buf_view(&out);
	assert_true(str_contains_fold(text, STR("\nsluice_call_seconds_bucket{port=\"chain\","
						"le=\"1\"} 0\n")));
	assert_true(str_contains_fold(text, STR("\nsluice_call_seconds_bucket{port=\"chain\","
						"le=\"2.5\"} 1\n")));
	assert_true(str_contains_fold(text, STR("\nsluice_call_seconds_sum{port=\"chain\"} "
						"2.000000\n")));
	assert_true(
		str_contains_fold(text, STR("\nsluice_call_seconds_count{port=\"chain\"} 1\n")));
	assert_aborts((metric->type = METRIC_GAUGE, metric_observe_us(metric, 1)));
	metric->type = (enum metric_type)99; /* a bug does not stop the page */
	buf_reset(&out);
	metrics_write(metrics, &out);
	assert_true(str_contains_fold(buf_view(&out), STR("untyped")));
	metrics_free(metrics);
}

static void lives_without_a_registry(void **state)
{
	(void)state;
	struct metric *none = metric_add(NULL, METRIC_COUNTER, "sluice_x_total", "", "X.");
	assert_null(none);
	metric_count(none, 1);
	metric_set(none, 1);
	metric_observe_us(none, 1);
	assert_int_equal(metric_value(none), 0);
	metrics_free(NULL);
}

static void has_bounds(void **state)
{
	(void)state;
	struct metrics *metrics = metrics_new();
	char labels[128];
	memset(labels, 'a', sizeof labels - 1);
	labels[sizeof labels - 1] = 0;
	assert_aborts(metric_add(metrics, METRIC_COUNTER, "sluice_a_total", labels, "Too long."));
	assert_aborts(metric_add(metrics, METRIC_COUNTER, "sluice_a_total", "", "Two\nlines."));
	metric_add(metrics, METRIC_COUNTER, "sluice_a_total", "x=\"1\"", "A.");
	metric_add(metrics, METRIC_COUNTER, "sluice_b_total", "", "B.");
	while (metrics->len < METRICS_MAX)
		metric_add(metrics, METRIC_COUNTER, "sluice_c_total", "", "C.");
	assert_aborts(metric_add(metrics, METRIC_COUNTER, "sluice_c_total", "", "C."));
	metrics_free(metrics);
}

/* In whatever order they were added. */
static void series_of_one_name_stand_together(void **state)
{
	(void)state;
	struct metrics *metrics = metrics_new();
	char storage[1024];
	struct buf out = buf_of(storage, sizeof storage);
	metric_add(metrics, METRIC_GAUGE, "sluice_a", "x=\"1\"", "A.");
	metric_add(metrics, METRIC_COUNTER, "sluice_b_total", "x=\"1\"", "B.");
	metric_set(metric_add(metrics, METRIC_GAUGE, "sluice_a", "x=\"2\"", "A."), 5);
	metric_add(metrics, METRIC_COUNTER, "sluice_b_total", "x=\"2\"", "B.");
	metrics_write(metrics, &out);
	assert_str_equal(buf_view(&out), "# HELP sluice_a A.\n"
					 "# TYPE sluice_a gauge\n"
					 "sluice_a{x=\"1\"} 0\n"
					 "sluice_a{x=\"2\"} 5\n"
					 "# HELP sluice_b_total B.\n"
					 "# TYPE sluice_b_total counter\n"
					 "sluice_b_total{x=\"1\"} 0\n"
					 "sluice_b_total{x=\"2\"} 0\n");
	metrics_free(metrics);
}

static void *count_much(void *metric)
{
	for (int i = 0; i < 50000; i++)
		metric_count(metric, 1);
	return NULL;
}

static void counts_from_several_threads(void **state)
{
	(void)state;
	struct metrics *metrics = metrics_new();
	struct metric *metric = metric_add(metrics, METRIC_COUNTER, "sluice_a_total", "", "A.");
	pthread_t threads[4];
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_much, metric), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(metric_value(metric), 200000);
	metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_counters_and_gauges),
		cmocka_unit_test(writes_histograms),
		cmocka_unit_test(bounds_are_what_they_say),
		cmocka_unit_test(histograms_have_labels),
		cmocka_unit_test(lives_without_a_registry),
		cmocka_unit_test(has_bounds),
		cmocka_unit_test(series_of_one_name_stand_together),
		cmocka_unit_test(counts_from_several_threads),
	};
	return cmocka_run_group_tests_name("base/metric", tests, NULL, NULL);
}
