#include "base/metric.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

/* From a cache hit to a payment that waits for finality. Microseconds, and the same as text in
 * seconds. */
static const struct {
	int64_t us;
	const char *seconds;
} bounds[METRIC_BUCKETS_MAX] = {
	{ 500, "0.0005" },  { 1000, "0.001" },    { 2500, "0.0025" }, { 5000, "0.005" },
	{ 10000, "0.01" },  { 25000, "0.025" },   { 50000, "0.05" },  { 100000, "0.1" },
	{ 250000, "0.25" }, { 1000000, "1" },     { 2500000, "2.5" }, { 10000000, "10" },
	{ 30000000, "30" }, { 120000000, "120" },
};

struct metrics *metrics_new(void)
{
	struct metrics *metrics = calloc(1, sizeof *metrics);
	CHECK(metrics != NULL);
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	free(metrics);
}

struct metric *metric_add(struct metrics *metrics, enum metric_type type, const char *name,
			  const char *labels, const char *help)
{
	if (metrics == NULL)
		return NULL;
	CHECK(metrics->len < METRICS_MAX);
	CHECK(strpbrk(help, "\\\n") == NULL);
	struct metric *metric = &metrics->metric[metrics->len];
	metric->type = type;
	metric->name = name;
	metric->help = help;
	CHECK(str_copy(str_from(labels), metric->labels, sizeof metric->labels));
	metrics->len++;
	return metric;
}

void metric_count(struct metric *metric, int64_t by)
{
	if (metric != NULL)
		atomic_fetch_add_explicit(&metric->value, by, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t value)
{
	if (metric != NULL)
		atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

void metric_observe_us(struct metric *metric, int64_t microseconds)
{
	if (metric == NULL)
		return;
	CHECK(metric->type == METRIC_HISTOGRAM);
	if (microseconds < 0)
		microseconds = 0; /* a clock that was set back */
	size_t bucket = 0;
	while (bucket < METRIC_BUCKETS_MAX && microseconds > bounds[bucket].us)
		bucket++;
	atomic_fetch_add_explicit(&metric->buckets[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&metric->value, microseconds, memory_order_relaxed);
}

int64_t metric_value(const struct metric *metric)
{
	return metric == NULL ? 0 : atomic_load_explicit(&metric->value, memory_order_relaxed);
}

static const char *type_text(enum metric_type type)
{
	switch (type) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_GAUGE:
		return "gauge";
	case METRIC_HISTOGRAM:
		return "histogram";
	}
	return "untyped";
}

/* name, suffix, the labels and perhaps `le`, and the space before the value. */
static void write_series(struct buf *out, const struct metric *metric, const char *suffix,
			 const char *bound)
{
	buf_format(out, "%s%s", metric->name, suffix);
	if (metric->labels[0] != 0 || bound != NULL)
		buf_format(out, "{%s", metric->labels);
	if (bound != NULL)
		buf_format(out, "%sle=\"%s\"", metric->labels[0] != 0 ? "," : "", bound);
	buf_text(out, metric->labels[0] != 0 || bound != NULL ? "} " : " ");
}

static void write_histogram(struct buf *out, const struct metric *metric)
{
	int64_t count = 0;
	for (size_t i = 0; i <= METRIC_BUCKETS_MAX; i++) {
		count += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
		write_series(out, metric, "_bucket",
			     i < METRIC_BUCKETS_MAX ? bounds[i].seconds : "+Inf");
		buf_format(out, "%lld\n", (long long)count);
	}
	int64_t sum_us = metric_value(metric);
	write_series(out, metric, "_sum", NULL);
	buf_format(out, "%lld.%06lld\n", (long long)(sum_us / 1000000),
		   (long long)(sum_us % 1000000));
	write_series(out, metric, "_count", NULL);
	buf_format(out, "%lld\n", (long long)count);
}

/* Of the series from `index` on the next one of that name; `len` when there is none. */
static size_t name_find(const struct metrics *metrics, size_t index, size_t len, const char *name)
{
	while (index < len && strcmp(metrics->metric[index].name, name) != 0)
		index++;
	return index;
}

static void write_values(struct buf *out, const struct metric *metric)
{
	if (metric->type == METRIC_HISTOGRAM) {
		write_histogram(out, metric);
		return;
	}
	write_series(out, metric, "", NULL);
	buf_format(out, "%lld\n", (long long)metric_value(metric));
}

/* Prometheus wants the series of one name together. */
void metrics_write(const struct metrics *metrics, struct buf *out)
{
	size_t len = metrics->len;
	for (size_t i = 0; i < len; i++) {
		const struct metric *metric = &metrics->metric[i];
		if (name_find(metrics, 0, len, metric->name) < i)
			continue;
		buf_format(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
			   metric->name, type_text(metric->type));
		for (size_t k = i; k < len; k = name_find(metrics, k + 1, len, metric->name))
			write_values(out, &metrics->metric[k]);
	}
}
