#include "service/processor/receivers.h"

#include "base/defence.h"

#include <stdlib.h>
#include <string.h>

struct receivers {
	struct receivers_options options;
	bool is_told;                /* that there is no list */
	const struct policy *policy; /* of the rows that were loaded; */
	int64_t policy_set_at, now_ms;
	size_t len;
	struct store_receiver known[BATCH_MAX];
	size_t told_len; /* entries that were told last */
	struct metric *alarms, *entries, *broken;
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
	self->broken =
		metric_add(options->metrics, METRIC_COUNTER, "sluice_allow_list_seals_broken_total",
			   "", "Entries of the allow-list that somebody else has written.");
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

/* ---- what the store knows ---- */

static bool is_asked(const struct policy *policy)
{
	return policy->asks_allow_list || policy->look_alikes != POLICY_LOOK_ALIKES_OFF;
}

static void seal_tell(const struct receivers *self, const struct store_allow_entry *entry)
{
	struct log_about about = { .action = "allow_list_seal_broken",
				   .outcome = "failure",
				   .alarm = true };
	metric_count(self->broken, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "somebody else has written the entry of %s for %s: it does not count",
		 address_text(entry->receiver).at, entry->account);
}

/* A row under the right key may be about somebody else. */
static bool is_about(const struct store_allow_entry *entry, const struct intent *intent)
{
	return strcmp(entry->account, intent->account) == 0 &&
	       entry->chain_id == intent->chain_id && address_equal(entry->receiver, intent->to);
}

bool receivers_load(struct receivers *receivers, const struct policy *policy, int64_t policy_set_at,
		    const struct withdrawal *const *rows, size_t n, int64_t now_ms, struct err *err)
{
	receivers->policy = policy;
	receivers->policy_set_at = policy_set_at;
	receivers->now_ms = now_ms;
	receivers->len = 0;
	if (n == 0 || policy == NULL || !is_asked(policy))
		return true;
	for (size_t i = 0; i < n; i++)
		receivers->known[i] = (struct store_receiver){ .intent = &rows[i]->intent };
	if (!store_receivers_look(receivers->options.store, receivers->known, n, err))
		return false;
	receivers->len = n;
	for (size_t i = 0; i < n; i++) {
		struct store_receiver *known = &receivers->known[i];
		if (!known->is_listed || !DEFENCE("allow_list_is_sealed"))
			continue;
		known->is_listed = is_about(&known->entry, known->intent) &&
				   store_allow_is_sealed(&receivers->options.keys, &known->entry);
		if (!known->is_listed)
			seal_tell(receivers, &known->entry);
	}
	return true;
}

static const struct store_receiver *known_of(const struct receivers *self,
					     const struct withdrawal *row)
{
	const struct store_receiver *known = NULL;
	for (size_t i = 0; i < self->len && known == NULL; i++)
		if (self->known[i].intent == &row->intent)
			known = &self->known[i];
	return known;
}

struct policy_receiver receivers_facts(const struct receivers *receivers,
				       const struct withdrawal *row, struct address *ret_known)
{
	const struct deny_list *list = receivers->options.deny_list;
	const struct store_receiver *known = known_of(receivers, row);
	struct policy_receiver facts = {
		.is_denied = DEFENCE("deny_list_is_asked") && list != NULL &&
			     deny_list_has(list, row->intent.to),
	};
	if (known == NULL)
		return facts;
	facts.is_allowed = known->is_listed &&
			   (policy_allow_counts(receivers->policy, receivers->policy_set_at,
						known->entry.added_at, known->entry.active_at,
						receivers->now_ms) ||
			    !DEFENCE("allow_list_cools_down"));
	facts.looks_alike = known->is_known && !facts.is_allowed &&
			    !address_equal(known->known, row->intent.to) &&
			    DEFENCE("look_alikes_are_seen");
	*ret_known = known->known;
	return facts;
}

bool receivers_learn(struct receivers *receivers, const struct withdrawal *const *rows, size_t n,
		     int64_t now_ms, struct err *err)
{
	const struct intent *intents[BATCH_MAX];
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		const struct store_receiver *known = known_of(receivers, rows[i]);
		if (known != NULL && !known->is_known)
			intents[len++] = known->intent;
	}
	return len == 0 ||
	       store_receivers_learn(receivers->options.store, intents, len, now_ms, err);
}
