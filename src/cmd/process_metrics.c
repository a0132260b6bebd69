#include "cmd/process_metrics.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void write_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_format(out, "# HELP %s %s\n# TYPE %s %s\n%s ", name, help, name, type, name);
}

static void write_u64(struct buf *out, const char *name, const char *type, const char *help,
		      uint64_t value)
{
	write_head(out, name, type, help);
	buf_format(out, "%llu\n", (unsigned long long)value);
}

static void write_memory(struct buf *out)
{
	unsigned long long pages, resident;
	FILE *stream = fopen("/proc/self/statm", "re");
	if (stream == NULL)
		return;
	int got = fscanf(stream, "%llu %llu", &pages, &resident);
	(void)fclose(stream);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	if (got != 2)
		return;
	write_u64(out, "process_virtual_memory_bytes", "gauge", "Virtual memory.", pages * page);
	write_u64(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
		  resident * page);
}

static void write_cpu(struct buf *out)
{
	struct timespec used;
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
		return;
	write_head(out, "process_cpu_seconds_total", "counter", "CPU time, user and system.");
	buf_format(out, "%lld.%06ld\n", (long long)used.tv_sec, used.tv_nsec / 1000);
}

/* Field 22 of /proc/self/stat, in ticks since boot; the name before may hold spaces and ')'. */
static void write_start(struct buf *out)
{
	char text[1024];
	struct timespec boot, now;
	FILE *stream = fopen("/proc/self/stat", "re");
	if (stream == NULL)
		return;
	size_t len = fread(text, 1, sizeof text - 1, stream);
	(void)fclose(stream);
	text[len] = '\0';
	const char *at = strrchr(text, ')');
	for (int field = 2; at != NULL && field < 22; field++) {
		at = strchr(at, ' ');
		at = at != NULL ? at + 1 : NULL;
	}
	unsigned long long ticks;
	if (at == NULL || sscanf(at, "%llu", &ticks) != 1 ||
	    clock_gettime(CLOCK_BOOTTIME, &boot) != 0 || clock_gettime(CLOCK_REALTIME, &now) != 0)
		return;
	int64_t hertz = sysconf(_SC_CLK_TCK);
	int64_t age_ms =
		boot.tv_sec * 1000 + boot.tv_nsec / 1000000 - (int64_t)ticks * 1000 / hertz;
	int64_t start_ms = now.tv_sec * 1000 + now.tv_nsec / 1000000 - age_ms;
	write_head(out, "process_start_time_seconds", "gauge", "Start, in seconds since 1970.");
	buf_format(out, "%lld.%03lld\n", (long long)(start_ms / 1000),
		   (long long)(start_ms % 1000));
}

static void write_descriptors(struct buf *out)
{
	struct rlimit limit;
	uint64_t open = 0;
	DIR *dir = opendir("/proc/self/fd");
	if (dir != NULL) {
		while (readdir(dir) != NULL)
			open++;
		(void)closedir(dir);
		/* Without ".", ".." and the directory itself. */
		write_u64(out, "process_open_fds", "gauge", "Open file descriptors.",
			  open > 3 ? open - 3 : 0);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		write_u64(out, "process_max_fds", "gauge", "Most file descriptors allowed.",
			  limit.rlim_cur);
}

void process_metrics_write(struct buf *out)
{
	write_memory(out);
	write_cpu(out);
	write_start(out);
	write_descriptors(out);
	buf_format(out,
		   "# HELP sluice_build_info Which version runs.\n# TYPE sluice_build_info gauge\n"
		   "sluice_build_info{version=\"%s\"} 1\n",
		   SLUICE_VERSION);
}
