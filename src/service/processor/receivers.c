#include "service/processor/receivers.h"

#include "base/defence.h"

#include <stdlib.h>

struct receivers {
	struct receivers_options options;
	bool is_told;    /* that there is no list */
	size_t told_len; /* entries that were told last */
	struct metric *alarms, *entries;
};

struct receivers *receivers_new(const struct receivers_options *options)
{
	struct receivers *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->options = *options;
	self->entries = metric_add(options->metrics, METRIC_GAUGE, "sluice_deny_list_entries", "",
				   "Addresses on the deny-list; 0: there is none that can be "
				   "believed, or none is configured.");
	self->alarms = metric_add(options->metrics, METRIC_COUNTER, "sluice_deny_list_alarms_total",
				  "", "Times that the configured deny-list could not be believed.");
	return self;
}

void receivers_free(struct receivers *receivers)
{
	free(receivers);
}

/* Once for each time that it begins. */
static void none_tell(struct receivers *self, const struct err *err)
{
	struct log_about about = { .action = "deny_list_unavailable",
				   .outcome = "failure",
				   .alarm = true };
	metric_set(self->entries, 0);
	if (self->is_told)
		return;
	self->is_told = true;
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "nothing is decided until there is a deny-list: %s", err->text);
}

/* Who shortens it is seen in the log, with how much is gone. */
static void len_tell(struct receivers *self, size_t len)
{
	struct log_about about = { .action = "deny_list_taken", .outcome = "success" };
	metric_set(self->entries, (int64_t)len);
	if (!self->is_told && self->told_len == len)
		return;
	log_line(self->options.log, len < self->told_len ? LOG_WARN : LOG_INFO, &about,
		 "the deny-list has %zu entries, after %zu", len, self->told_len);
	self->is_told = false;
	self->told_len = len;
}

bool receivers_look(struct receivers *receivers)
{
	struct deny_list *list = receivers->options.deny_list;
	struct err err;
	if (list == NULL)
		return true;
	if (!deny_list_look(list, &err)) {
		none_tell(receivers, &err);
		return false;
	}
	len_tell(receivers, deny_list_len(list));
	return true;
}

struct policy_receiver receivers_facts(const struct receivers *receivers,
				       const struct intent *intent)
{
	const struct deny_list *list = receivers->options.deny_list;
	return (struct policy_receiver){
		.is_denied = DEFENCE("deny_list_is_asked") && list != NULL &&
			     deny_list_has(list, intent->to),
	};
}
