#include "service/processor/receivers.h"

#include "base/defence.h"

#include <stdlib.h>

struct receivers {
	struct receivers_options options;
	bool is_told;  /* that there is no list */
	bool is_asked; /* the store, for the rows that were loaded */
	size_t len;
	struct store_receiver known[BATCH_MAX];
	struct policy_receiver facts[BATCH_MAX]; /* of them */
	size_t told_len;                         /* entries that were told last */
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

/* ---- what the chains know ---- */

/* Those of one chain, together. What no node tells stays unsure. */
static void codes_look(struct receivers *self, size_t chain)
{
	uint64_t chain_id = self->options.catalogue->chains[chain].chain_id;
	struct chain *nodes = self->options.chains[chain];
	struct address addresses[BATCH_MAX];
	enum chain_code codes[BATCH_MAX];
	size_t places[BATCH_MAX], n = 0;
	struct err err = { 0 };
	for (size_t i = 0; i < self->len; i++) {
		if (self->known[i].intent->chain_id != chain_id)
			continue;
		addresses[n] = self->known[i].intent->to;
		places[n++] = i;
	}
	if (n == 0)
		return;
	if (nodes == NULL || !chain_codes(nodes, addresses, n, codes, &err)) {
		struct log_about about = { .action = "decision_waits", .err = &err };
		log_line(self->options.log, LOG_WARN, &about, "no node says who is a contract");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct policy_receiver *facts = &self->facts[places[i]];
		facts->is_unsure = codes[i] == CHAIN_CODE_UNKNOWN;
		facts->is_contract =
			codes[i] == CHAIN_CODE_CONTRACT && DEFENCE("contracts_are_seen");
	}
}

/* ---- a batch ---- */

static bool store_look(struct receivers *self, const struct policy *policy, int64_t policy_set_at,
		       int64_t now_ms, struct err *err)
{
	if (!store_receivers_look(self->options.store, self->known, self->len, err))
		return false;
	for (size_t i = 0; i < self->len; i++) {
		bool is_broken;
		self->facts[i] = store_receiver_facts(&self->known[i], &self->options.keys, policy,
						      policy_set_at, now_ms, &is_broken);
		if (is_broken)
			seal_tell(self, &self->known[i].entry);
	}
	return true;
}

bool receivers_load(struct receivers *receivers, const struct policy *policy, int64_t policy_set_at,
		    const struct withdrawal *const *rows, size_t n, int64_t now_ms, struct err *err)
{
	receivers->len = 0;
	if (n == 0 || policy == NULL)
		return true;
	receivers->is_asked = store_receivers_are_asked(policy);
	receivers->len = n;
	for (size_t i = 0; i < n; i++) {
		receivers->known[i] = (struct store_receiver){ .intent = &rows[i]->intent };
		receivers->facts[i] = (struct policy_receiver){ 0 };
	}
	if (receivers->is_asked && !store_look(receivers, policy, policy_set_at, now_ms, err))
		return false;
	if (!policy->asks_contracts)
		return true;
	for (size_t i = 0; i < n; i++)
		receivers->facts[i].is_unsure = true;
	for (size_t i = 0; i < receivers->options.catalogue->chains_len; i++)
		codes_look(receivers, i);
	return true;
}

/* As many as were loaded: it was not. */
static size_t place_of(const struct receivers *self, const struct withdrawal *row)
{
	size_t at = 0;
	while (at < self->len && self->known[at].intent != &row->intent)
		at++;
	return at;
}

struct policy_receiver receivers_facts(const struct receivers *receivers,
				       const struct withdrawal *row, struct address *ret_known)
{
	const struct deny_list *list = receivers->options.deny_list;
	size_t at = place_of(receivers, row);
	struct policy_receiver facts = { 0 };
	if (at < receivers->len) {
		facts = receivers->facts[at];
		*ret_known = receivers->known[at].known;
	}
	facts.is_denied = DEFENCE("deny_list_is_asked") && list != NULL &&
			  deny_list_has(list, row->intent.to);
	return facts;
}

bool receivers_learn(struct receivers *receivers, const struct withdrawal *const *rows, size_t n,
		     int64_t now_ms, struct err *err)
{
	const struct intent *intents[BATCH_MAX];
	size_t len = 0;
	for (size_t i = 0; i < n && receivers->is_asked; i++) {
		size_t at = place_of(receivers, rows[i]);
		if (at < receivers->len && !receivers->known[at].is_known)
			intents[len++] = receivers->known[at].intent;
	}
	return len == 0 ||
	       store_receivers_learn(receivers->options.store, intents, len, now_ms, err);
}
