/* Rights of the journal by name: a batch of queued rows asks once which of its names have any, and
 * only of those what they are. Nearly all have none. */
#include "service/signer/signer_loss.h"

#include <string.h>

bool signer_rights_under(struct signer *self, const struct journal_name *name,
			 struct journal_right *ret_rights, size_t cap, size_t *ret_len,
			 struct err *err)
{
	for (size_t i = 0; i < self->asked.unused_len; i++) {
		const struct journal_name *unused = &self->asked.unused[i];
		if (!id_equal(unused->withdrawal, name->withdrawal) ||
		    memcmp(unused->pay_tag, name->pay_tag, sizeof name->pay_tag) != 0)
			continue;
		*ret_len = 0;
		return true;
	}
	return journal_rights_of(self->options.journal, name->withdrawal, name->pay_tag, ret_rights,
				 cap, ret_len, err);
}

/* What cannot be asked now is asked name by name, and each row has its own answer. */
static void unused_add(struct signer *self, const struct journal_name *names, size_t n)
{
	bool any[BATCH_MAX];
	struct err fault = { 0 };
	if (n < 2 || !journal_rights_any(self->options.journal, names, n, any, &fault))
		return;
	for (size_t i = 0; i < n; i++)
		if (!any[i])
			self->asked.unused[self->asked.unused_len++] = names[i];
}

void signer_names_look(struct signer *self, size_t n)
{
	struct journal_name own[BATCH_MAX];
	struct journal_name payouts[BATCH_MAX];
	size_t len = 0;
	self->asked.unused_len = 0;
	for (size_t i = 0; i < n; i++) {
		if (!self->found[i] || self->rows[i].stage != WITHDRAWAL_QUEUED)
			continue;
		signer_row_name(self, &self->rows[i], &own[len]);
		signer_payout_name(self, &self->rows[i], &payouts[len++]);
	}
	unused_add(self, own, len);
	unused_add(self, payouts, len);
}

void signer_names_forget(struct signer *self)
{
	self->asked.unused_len = 0;
}
