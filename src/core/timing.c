#include "core/timing.h"

#define SECOND_MS INT64_C(1000)
#define HOUR_MS   INT64_C(3600000)

static const struct timing rows[] = {
	{ "bump age", 30000, "chains[].bump_after_s",
	  "an unmined transaction's age before its fee is raised" },
	{ "rebroadcast", 15000, "chains[].rebroadcast_after_s",
	  "least time between two sends of the same bytes" },
	{ "head", 1000, "chains[].poll_ms", "how often the head is asked for" },
	{ "visibility, request", 30000, "processor.visibility_ms",
	  "how long a claim hides its message when its owner neither ends it nor dies" },
	{ "visibility, signing", 60000, "signer.visibility_ms", "the same" },
	{ "visibility, monitor", MONITOR_VISIBILITY_MS, NULL, "the same" },
	{ "approval life", 24 * HOUR_MS, "processor.approval_life_s",
	  "how long an approval may wait for its nonce before it is renewed" },
	{ "wait", 5000, "signer.funds_wait_ms",
	  "before a waiting payout is looked at again, where no time of its own stands above" },
	{ "passed over", 600000, "signer.passed_over_ms",
	  "lack of funds before some are set aside for a payout" },
	{ "wallet entry", 60000, "signer.entry_wait_s",
	  "between the two looks at the nonce of a wallet that enters" },
	{ "sweep", 1000, "processor.sweep_interval_ms", "how often rows that are due are woken" },
	{ "swept again", SWEPT_AGAIN_MS, NULL, "when a row that was woken is due the next time" },
	{ "lease term", LEASE_TERM_MS, NULL,
	  "not on one host: how long a lease stands still before another instance takes it" },
	{ "lease", LEASES_LOOK_MS, NULL,
	  "how often leases are looked at; on one host they have no term: a file lock tells that "
	  "the owner is dead" },
	{ "API key", 5000, "api.key_cache_ms", "how long a verdict about an API key is kept" },
	{ "stop", 10000, "run.grace_s", "how long a role may take to end" },
};

const struct timing *timings(size_t *ret_len)
{
	*ret_len = sizeof rows / sizeof rows[0];
	return rows;
}

void timing_write(int64_t ms, struct buf *out)
{
	if (ms >= HOUR_MS && ms % HOUR_MS == 0)
		buf_format(out, "%lld h", (long long)(ms / HOUR_MS));
	else if (ms % SECOND_MS == 0)
		buf_format(out, "%lld s", (long long)(ms / SECOND_MS));
	else
		buf_format(out, "%lld ms", (long long)ms);
}

void timing_write_markdown(struct buf *out)
{
	buf_text(out, "## Default timings\n\n"
		      "| what | default | setting | meaning |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_format(out, "| %s | ", rows[i].what);
		timing_write(rows[i].ms, out);
		if (rows[i].setting != NULL)
			buf_format(out, " | `%s`", rows[i].setting);
		else
			buf_text(out, " | –");
		buf_format(out, " | %s |\n", rows[i].text);
	}
}
