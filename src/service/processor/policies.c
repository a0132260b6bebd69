#include "service/processor/policies.h"

#include "base/defence.h"

#include <stdlib.h>

struct policies {
	struct policies_options options;
	struct buf document;
	struct json *tree;     /* that the policy borrows from */
	struct policy *policy; /* compiled; counts when is_good */
	bool is_good;
	uint64_t version; /* that was looked at last; 0: none */
	uint64_t highest;
	int64_t set_at;
	const char *told; /* what the last alarm was about; NULL: all was well */
	struct metric *alarms, *gauge;
};

struct policies *policies_new(const struct policies_options *options)
{
	struct policies *self = calloc(1, sizeof *self);
	CHECK(self != NULL && options->keys.len > 0);
	self->options = *options;
	self->document = buf_new(POLICY_DOCUMENT_BYTES_MAX);
	self->policy = calloc(1, sizeof *self->policy);
	CHECK(self->policy != NULL);
	self->gauge = metric_add(options->metrics, METRIC_GAUGE, "sluice_policy_version", "",
				 "The policy that decides; 0: there is none to be believed.");
	self->alarms = metric_add(options->metrics, METRIC_COUNTER, "sluice_policy_alarms_total",
				  "", "Times that there was no policy to be believed.");
	return self;
}

void policies_free(struct policies *policies)
{
	if (policies == NULL)
		return;
	json_free(policies->tree);
	buf_free(&policies->document);
	free(policies->policy);
	free(policies);
}

/* Once for each time that it begins. */
static bool none(struct policies *self, const char *what, const char *text)
{
	struct log_about about = { .action = what, .outcome = "failure", .alarm = true };
	self->is_good = false;
	self->version = 0; /* to be read again */
	metric_set(self->gauge, 0);
	if (self->told == what)
		return true;
	self->told = what;
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "nothing is decided until there is a policy: %s", text);
	return true;
}

static bool compile(struct policies *self, struct err *err)
{
	json_free(self->tree);
	self->tree = NULL;
	return json_parse(buf_view(&self->document), &self->tree, err) &&
	       policy_compile(json_root(self->tree), self->options.catalogue, self->policy, err);
}

static bool take(struct policies *self, const struct store_policy *row)
{
	struct err err;
	struct log_about about = { .action = "policy_taken", .outcome = "success" };
	if (DEFENCE("policy_is_sealed") &&
	    !store_policy_is_sealed(&self->options.keys, buf_view(&self->document), row))
		return none(self, "policy_seal_broken",
			    "the newest one was changed by somebody else");
	if (!compile(self, &err))
		return none(self, "policy_unusable", err.text);
	self->is_good = true;
	self->told = NULL;
	self->version = self->highest = row->version;
	self->set_at = row->set_at;
	metric_set(self->gauge, (int64_t)row->version);
	log_line(self->options.log, LOG_INFO, &about, "policy %llu of %s: %zu rules, %zu limits",
		 (unsigned long long)row->version, row->set_by, self->policy->rules_len,
		 self->policy->limits_len);
	return true;
}

bool policies_refresh(struct policies *policies, struct err *err)
{
	struct store_policy row;
	bool found;
	if (!store_policy_load(policies->options.store, policies->version, &row,
			       &policies->document, &found, err))
		return false;
	if (!found)
		return none(policies, "policy_missing", "set one with `sluice policy set FILE`");
	if (row.version < policies->highest && DEFENCE("policy_does_not_go_back"))
		return none(policies, "policy_is_older", "the store has an older one than before");
	return row.version == policies->version || take(policies, &row);
}

const struct policy *policies_current(const struct policies *policies, uint64_t *ret_version)
{
	*ret_version = policies->version;
	return policies->is_good ? policies->policy : NULL;
}

int64_t policies_set_at(const struct policies *policies)
{
	return policies->set_at;
}
