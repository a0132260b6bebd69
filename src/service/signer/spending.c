/* What the wallets have paid of each asset, out of the journal: read whole when a wallet is taken
 * over, and from there on kept up to date from the journal's end. Every right is read once, so that
 * a payment costs the same however many there were before it.
 *
 * Nothing is counted that was not read there: an append whose outcome is unknown, and rows that
 * somebody else appended, are found like our own. */
#include "service/signer/signer_parts.h"

#include <stdlib.h>

void signer_spending_init(struct signer *self)
{
	if (self->wallets_len == 0)
		return;
	self->spendings = calloc(self->wallets_len * ASSETS_MAX, sizeof *self->spendings);
	CHECK(self->spendings != NULL);
}

void signer_spending_deinit(struct signer *self)
{
	for (size_t i = 0; self->spendings != NULL && i < self->wallets_len * ASSETS_MAX; i++)
		free(self->spendings[i].window);
	free(self->spendings);
}

static struct spending *spending_at(struct signer *self, size_t wallet, size_t asset)
{
	CHECK(wallet < self->wallets_len && asset < ASSETS_MAX);
	return &self->spendings[wallet * ASSETS_MAX + asset];
}

static struct spending *spending_of(struct signer *self, const struct signer_wallet *wallet,
				    const struct asset *asset)
{
	return spending_at(self, (size_t)(wallet - self->wallets),
			   (size_t)(asset - self->options.catalogue->assets));
}

void signer_spending_forget(struct signer *self, const struct signer_wallet *wallet)
{
	for (size_t i = 0; i < ASSETS_MAX; i++) {
		struct spending *spending = spending_at(self, (size_t)(wallet - self->wallets), i);
		spending->has_window = spending->has_total = false;
	}
}

/* Of a right that was spent on a slot of ours; NULL: of nobody's, or of what is not configured. */
static struct spending *spending_of_right(struct signer *self, const struct journal_right *right)
{
	const struct catalogue *catalogue = self->options.catalogue;
	size_t wallet = 0;
	size_t asset = 0;
	while (wallet < self->wallets_len &&
	       (self->wallets[wallet].row.chain_id != right->chain_id ||
		!address_equal(self->wallets[wallet].row.address, right->slot.wallet)))
		wallet++;
	while (asset < catalogue->assets_len &&
	       (catalogue_chain_id_of(catalogue, &catalogue->assets[asset]) != right->chain_id ||
		!address_equal(catalogue->assets[asset].contract, right->asset)))
		asset++;
	if (right->is_void || wallet == self->wallets_len || asset == catalogue->assets_len)
		return NULL;
	return spending_at(self, wallet, asset);
}

/* What was filled later than this place has the right already. */
static void window_add(struct spending *spending, const struct journal_listed *listed,
		       int64_t now_ms)
{
	if (!spending->has_window || spending->window_at >= listed->sequence)
		return;
	spending->window_at = listed->sequence;
	spending->has_window = limit_window_advance(spending->window, now_ms);
	if (spending->has_window)
		limit_window_add(spending->window, listed->right.time_ms, listed->right.amount);
}

static bool is_in_span(const struct journal_right *right, const struct journal_span *span)
{
	return right->time_ms >= span->since_ms && id_compare(right->withdrawal, span->above) > 0;
}

static bool spans_equal(const struct journal_span *a, const struct journal_span *b)
{
	return a->since_ms == b->since_ms && id_equal(a->above, b->above);
}

static void total_add(struct spending *spending, const struct journal_listed *listed)
{
	if (!spending->has_total || spending->total_at >= listed->sequence)
		return;
	spending->total_at = listed->sequence;
	if (is_in_span(&listed->right, &spending->total_of))
		spending->total.units =
			u256_add_saturated(spending->total.units, listed->right.amount.units);
}

void signer_spending_look_again(struct signer *self)
{
	self->asked.rights_followed = false;
}

/* Once for each batch: what it appends itself it counts. */
static bool rights_follow(struct signer *self, int64_t now_ms, struct err *err)
{
	size_t len = self->follows_rights && !self->asked.rights_followed ? BATCH_MAX : 0;
	while (len == BATCH_MAX) {
		if (!journal_rights_after(self->options.journal, self->rights_at, self->listed,
					  BATCH_MAX, &len, err))
			return false;
		for (size_t i = 0; i < len; i++) {
			struct spending *spending = spending_of_right(self, &self->listed[i].right);
			if (spending == NULL)
				continue;
			window_add(spending, &self->listed[i], now_ms);
			total_add(spending, &self->listed[i]);
		}
		if (len > 0)
			self->rights_at = self->listed[len - 1].sequence;
	}
	self->asked.rights_followed = self->follows_rights;
	return true;
}

/* The first one tells from where on rights are followed; those of later ones are read by then. */
static void rights_start(struct signer *self, int64_t sequence)
{
	if (!self->follows_rights)
		self->rights_at = sequence;
	self->follows_rights = true;
}

static struct journal_purse purse_of(const struct signer_wallet *wallet, const struct asset *asset)
{
	return (struct journal_purse){ .chain_id = wallet->row.chain_id,
				       .wallet = wallet->row.address,
				       .asset = asset->contract };
}

static bool window_load(struct signer *self, const struct signer_wallet *wallet,
			const struct asset *asset, int64_t now_ms, struct err *err)
{
	struct spending *spending = spending_of(self, wallet, asset);
	struct journal_purse purse = purse_of(wallet, asset);
	if (spending->window == NULL)
		spending->window = calloc(1, sizeof *spending->window);
	CHECK(spending->window != NULL);
	if (!journal_window_of(self->options.journal, &purse, now_ms, spending->window,
			       &spending->window_at, err))
		return false;
	rights_start(self, spending->window_at);
	spending->has_window = true;
	return true;
}

bool signer_spending_window(struct signer *self, const struct signer_wallet *wallet,
			    const struct asset *asset, const struct limit_window **ret_window,
			    struct err *err)
{
	struct spending *spending = spending_of(self, wallet, asset);
	int64_t now_ms = clock_now_ms(self->options.clock);
	if (!rights_follow(self, now_ms, err))
		return false;
	if (spending->has_window && !limit_window_advance(spending->window, now_ms))
		spending->has_window = false;
	if (!spending->has_window && !window_load(self, wallet, asset, now_ms, err))
		return false;
	*ret_window = spending->window;
	return true;
}

bool signer_spending_total(struct signer *self, const struct signer_wallet *wallet,
			   const struct asset *asset, const struct journal_span *span,
			   struct amount *ret_total, struct err *err)
{
	struct spending *spending = spending_of(self, wallet, asset);
	struct journal_purse purse = purse_of(wallet, asset);
	if (!rights_follow(self, clock_now_ms(self->options.clock), err))
		return false;
	if (!spending->has_total || !spans_equal(&spending->total_of, span)) {
		spending->has_total = false;
		if (!journal_sum_of(self->options.journal, &purse, span, &spending->total,
				    &spending->total_at, err))
			return false;
		rights_start(self, spending->total_at);
		spending->total_of = *span;
		spending->has_total = true;
	}
	*ret_total = spending->total;
	return true;
}
