#include "service/api/account_gate.h"

#include "base/check.h"
#include "base/defence.h"
#include "port/store_account.h"

#include <stdlib.h>
#include <string.h>

#define PLACES 256 /* verdicts; one takes the place of another of the same hash */

struct verdict {
	char account[ACCOUNT_LEN_MAX + 1];
	int64_t until_ms; /* monotonic */
	bool is_open;
};

struct account_gate {
	const struct api_options *options;
	struct verdict verdicts[PLACES];
};

struct account_gate *account_gate_new(const struct api_options *options)
{
	struct account_gate *gate = calloc(1, sizeof *gate);
	CHECK(gate != NULL);
	gate->options = options;
	return gate;
}

void account_gate_free(struct account_gate *gate)
{
	free(gate);
}

/* FNV-1a: where a verdict stands, nothing more. */
static struct verdict *place_of(struct account_gate *gate, const char *account)
{
	uint32_t hash = UINT32_C(0x811c9dc5);
	for (const char *at = account; *at != 0; at++)
		hash = (hash ^ (uint8_t)*at) * UINT32_C(0x01000193);
	return &gate->verdicts[hash % PLACES];
}

/* Missing is an editor's as well: no account that was declared is ever removed, and keys and users
 * are made for those alone. */
static void tell(const struct account_gate *gate, const char *account, bool found)
{
	struct log_about about = { .action = found ? "account_seal_broken" : "account_missing",
				   .outcome = "failure",
				   .alarm = true };
	log_line(gate->options->log, LOG_ERROR, &about, "the row of account %s %s", account,
		 found ? "was changed by somebody else" : "is not there");
}

static bool is_open(const struct account_gate *gate, const char *name,
		    const struct store_account *row, bool found)
{
	bool sealed = found && strcmp(row->name, name) == 0 &&
		      (store_account_is_sealed(&gate->options->identity_keys, row) ||
		       !DEFENCE("account_is_sealed"));
	if (!sealed)
		tell(gate, name, found);
	return sealed && (row->disabled_at == 0 || !DEFENCE("disabled_account_takes_nothing"));
}

/* False: the store did not answer. */
static bool verdict_load(struct account_gate *gate, const char *account, int64_t now_ms,
			 struct verdict *verdict)
{
	struct store_account row;
	struct err err = { 0 };
	struct log_about about = { .action = "store_fault", .outcome = "failure", .err = &err };
	bool found = false;
	if (!store_account_load(gate->options->store, account, &row, &found, &err)) {
		log_line(gate->options->log, LOG_WARN, &about, "the row of account %s", account);
		return false;
	}
	verdict->is_open = is_open(gate, account, &row, found);
	verdict->until_ms = now_ms + gate->options->key_cache_ms;
	CHECK(str_copy(str_from(account), verdict->account, sizeof verdict->account));
	return true;
}

enum problem account_gate_judge(struct account_gate *gate, const char *account)
{
	struct verdict *verdict = place_of(gate, account);
	int64_t now_ms = clock_monotonic_ms(gate->options->clock);
	if (!gate->options->accounts_required)
		return PROBLEM_NONE;
	bool is_known = verdict->until_ms > now_ms && strcmp(verdict->account, account) == 0;
	if (!is_known && !verdict_load(gate, account, now_ms, verdict))
		return PROBLEM_STORE_UNAVAILABLE;
	return verdict->is_open ? PROBLEM_NONE : PROBLEM_ACCOUNT_DISABLED;
}
