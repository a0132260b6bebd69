#include "service/monitor/reconciler.h"

#include "base/defence.h"
#include "core/reason.h"
#include "core/tx.h"
#include "port/store_recover.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

_Static_assert(ASSETS_MAX <= CHAIN_BATCH_MAX, "one question for all tokens");
_Static_assert(DIFFERENCES_MAX >= WALLETS_MAX,
	       "a wallet that has none takes the place of a second");

struct units_text {
	char at[U256_DECIMAL_LEN_MAX + 1];
};

static struct units_text units_text(struct amount amount)
{
	struct units_text text;
	struct buf out = buf_of(text.at, sizeof text.at);
	u256_write_decimal(amount.units, &out);
	(void)buf_terminated(&out);
	return text;
}

static size_t differences_of(const struct reconciler *self, int64_t wallet_id)
{
	size_t n = 0;
	for (size_t i = 0; i < self->differences_len; i++)
		n += self->differences[i].wallet_id == wallet_id ? 1 : 0;
	return n;
}

/* Where the next one of a wallet is kept. Many of one wallet hide none of another: each that
 * differs has to stop. NULL: it is one too many. */
static struct reconcile_difference *difference_place(struct reconciler *self, int64_t wallet_id)
{
	if (self->differences_len < DIFFERENCES_MAX)
		return &self->differences[self->differences_len++];
	if (differences_of(self, wallet_id) > 0 || !DEFENCE("each_wallet_is_named"))
		return NULL;
	for (size_t i = DIFFERENCES_MAX; i > 0; i--)
		if (differences_of(self, self->differences[i - 1].wallet_id) > 1)
			return &self->differences[i - 1];
	return NULL;
}

static void difference_add(struct reconciler *self, const struct wallet *wallet, uint64_t nonce,
			   struct hash32 tx_hash, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static void difference_add(struct reconciler *self, const struct wallet *wallet, uint64_t nonce,
			   struct hash32 tx_hash, const char *format, ...)
{
	va_list arguments;
	self->differences_all++;
	struct reconcile_difference *one = difference_place(self, wallet->id);
	if (one == NULL)
		return;
	*one = (struct reconcile_difference){ .wallet_id = wallet->id,
					      .wallet = wallet->address,
					      .nonce = nonce,
					      .tx_hash = tx_hash };
	va_start(arguments, format);
	(void)vsnprintf(one->text, sizeof one->text, format, arguments);
	va_end(arguments);
}

static bool is_ours(const struct reconciler *self, const struct wallet *wallet)
{
	return wallet->chain_id == self->catalogue->chains[self->chain].chain_id;
}

static const struct wallet *wallet_of(const struct reconciler *self, struct address address)
{
	for (size_t i = 0; i < self->wallets_len; i++)
		if (is_ours(self, &self->wallets[i]) &&
		    address_equal(self->wallets[i].address, address))
			return &self->wallets[i];
	return NULL;
}

/* A token that is not configured has no sum: that it left is a difference all the same. */
static struct reconcile_sum *sum_of(struct reconciler *self, bool is_native,
				    struct address contract)
{
	for (size_t i = 0; i < self->catalogue->assets_len; i++) {
		const struct asset *asset = &self->catalogue->assets[i];
		if (asset->chain == self->chain && asset->is_native == is_native &&
		    (is_native || address_equal(asset->contract, contract)))
			return &self->sums[i];
	}
	return NULL;
}

static void sum_add(struct amount *sum, struct amount more)
{
	sum->units = u256_add_saturated(sum->units, more.units);
}

/* ---- slots ---- */

/* What is with a person already is no news. */
static bool is_judged(const struct transfer *row)
{
	bool is_final = strcmp(row->held_reason, reason_code(REASON_PAYOUT_UNBOUND)) == 0 ||
			strcmp(row->held_reason, reason_code(REASON_SETTLED_OTHERWISE)) == 0;
	if (row->outcome == OUTCOME_FOREIGN || row->outcome == OUTCOME_UNPROVEN)
		return false;
	return row->held_reason[0] == 0 || is_final;
}

static bool has_paid(const struct transfer *row)
{
	return row->outcome == OUTCOME_SUCCEEDED || row->stage == TRANSFER_MINED;
}

static bool pays(const struct transfer *row, struct address contract,
		 const struct abi_transfer *event)
{
	return address_equal(contract, row->to) && address_equal(event->from, row->wallet) &&
	       address_equal(event->to, row->receiver) &&
	       amount_compare(event->amount, row->amount) == 0;
}

static size_t logs_explain(struct reconciler *self, const struct transfer *row)
{
	size_t found = 0;
	for (size_t i = 0; i < self->logs_len; i++) {
		const struct chain_transfer *log = &self->logs[i];
		if (!hash32_equal(log->tx_hash, row->mined_hash))
			continue;
		if (!is_judged(row)) {
			self->log_is_explained[i] = true;
			continue;
		}
		bool same =
			has_paid(row) && row->is_token && pays(row, log->contract, &log->transfer);
		if (same && found++ == 0)
			self->log_is_explained[i] = true;
	}
	return found;
}

/* Logs are asked for of the tokens that are configured. One that was, and is no more, says in its
 * receipts what was paid. */
static bool is_by_logs(struct reconciler *self, const struct transfer *row)
{
	return row->is_token && sum_of(self, false, row->to) != NULL;
}

static void unlogged_add(struct reconciler *self, const struct wallet *wallet,
			 const struct transfer *row)
{
	difference_add(self, wallet, row->nonce, row->mined_hash,
		       "the store says that it paid %s units, and no log says so",
		       units_text(row->amount).at);
}

static void token_compare(struct reconciler *self, const struct wallet *wallet,
			  const struct transfer *row)
{
	size_t found = logs_explain(self, row);
	struct reconcile_sum *sum = sum_of(self, false, row->to);
	if (!has_paid(row) || !is_by_logs(self, row) || !is_judged(row))
		return;
	sum_add(&sum->store, row->amount);
	if (found == 0)
		unlogged_add(self, wallet, row);
}

static void receipt_compare(struct reconciler *self, const struct wallet *wallet,
			    const struct transfer *row, const struct chain_receipt *receipt)
{
	for (size_t i = 0; i < receipt->logs_len && i < CHAIN_LOGS_MAX; i++) {
		struct abi_transfer event;
		if (abi_read_transfer_log(&receipt->logs[i], &event) &&
		    pays(row, receipt->logs[i].contract, &event))
			return;
	}
	unlogged_add(self, wallet, row);
}

/* The transaction of a native payment, by its own bytes, and what became of it. */
static bool native_compare(struct reconciler *self, const struct wallet *wallet,
			   const struct transfer *row, const struct chain_receipt *receipt,
			   struct err *err)
{
	size_t n = 0;
	struct reconcile_sum *sum = sum_of(self, true, row->to);
	if (!store_attempts_load(self->store, row->id, self->attempts, ATTEMPTS_MAX, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct attempt *attempt = &self->attempts[i];
		struct str raw = str_from_bytes(attempt->raw, attempt->raw_len);
		struct tx tx;
		struct tx_signature signature;
		if (!hash32_equal(attempt->tx_hash, row->mined_hash) ||
		    !hash32_equal(tx_hash_of(raw), row->mined_hash) ||
		    !tx_read_signed(raw, &tx, &signature))
			continue;
		struct amount paid = { receipt->success ? tx.value.value : u256_zero() };
		if (sum != NULL)
			sum_add(&sum->chain, paid);
		if (sum != NULL)
			sum_add(&sum->store, row->amount);
		if (amount_compare(paid, row->amount) != 0 || !address_equal(tx.to, row->receiver))
			difference_add(self, wallet, row->nonce, row->mined_hash,
				       "the chain says that it paid %s, the store says %s units",
				       units_text(paid).at, units_text(row->amount).at);
		return true;
	}
	difference_add(self, wallet, row->nonce, row->mined_hash,
		       "its transaction is none of the slot's attempts");
	return true;
}

static bool receipts_compare(struct reconciler *self, const struct wallet *wallet, size_t n,
			     struct err *err)
{
	struct hash32 hashes[RECONCILE_ROWS];
	struct chain_receipt receipts[RECONCILE_ROWS];
	const struct transfer *rows[RECONCILE_ROWS];
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		const struct transfer *row = &self->rows[i];
		if (is_by_logs(self, row) || !has_paid(row) || !is_judged(row))
			continue;
		rows[len] = row;
		hashes[len++] = row->mined_hash;
	}
	if (len > 0 && !chain_receipts(self->client, hashes, len, receipts, err))
		return false;
	for (size_t i = 0; i < len; i++) {
		/* What the node does not know of a final block it does not have: it lags. */
		if (receipts[i].state != CHAIN_RECEIPT_FOUND ||
		    !hash32_equal(receipts[i].block_hash, rows[i]->mined_block_hash))
			return err_set(err, ERR_NOT_DONE, "the node has no receipt of %s",
				       hash32_text(hashes[i]).at);
		if (rows[i]->is_token)
			receipt_compare(self, wallet, rows[i], &receipts[i]);
		else if (!native_compare(self, wallet, rows[i], &receipts[i], err))
			return false;
	}
	return true;
}

static bool wallet_compare(struct reconciler *self, const struct wallet *wallet, uint64_t first,
			   uint64_t last, struct err *err)
{
	struct store_transfer_filter filter = { .wallet_id = wallet->id,
						.first = TRANSFER_MINED,
						.last = TRANSFER_FINAL,
						.mined_block_min = first,
						.mined_block_max = last,
						.limit = RECONCILE_ROWS };
	size_t n = RECONCILE_ROWS;
	while (n == RECONCILE_ROWS) {
		if (!store_transfers_load(self->store, &filter, self->rows, &n, err))
			return false;
		if (n == 0)
			return true;
		for (size_t i = 0; i < n; i++)
			token_compare(self, wallet, &self->rows[i]);
		if (!receipts_compare(self, wallet, n, err))
			return false;
		self->slots += n;
		filter.has_after = true;
		filter.after_block = self->rows[n - 1].mined_block;
		filter.after_nonce = self->rows[n - 1].nonce;
	}
	return true;
}

/* ---- logs that no slot explains ---- */

static void logs_compare(struct reconciler *self)
{
	for (size_t i = 0; i < self->logs_len; i++) {
		const struct chain_transfer *log = &self->logs[i];
		const struct wallet *wallet = wallet_of(self, log->transfer.from);
		struct reconcile_sum *sum = sum_of(self, false, log->contract);
		if (wallet == NULL)
			continue;
		if (sum != NULL)
			sum_add(&sum->chain, log->transfer.amount);
		/* Anybody can make a contract that says that a wallet of ours sent nothing, or
		 * something that is not ours to send. */
		if (!self->log_is_explained[i] && sum != NULL)
			difference_add(self, wallet, RECONCILE_NO_NONCE, log->tx_hash,
				       "the chain says that %s units left to %s, and no slot does",
				       units_text(log->transfer.amount).at,
				       address_text(log->transfer.to).at);
	}
}

/* A chain without tokens has no logs that matter. */
static bool last_read(struct reconciler *self, uint64_t last, struct hash32 *ret_last,
		      struct err *err)
{
	struct chain_block block;
	if (!chain_blocks(self->client, &last, 1, &block, err))
		return false;
	if (!block.known)
		return err_set(err, ERR_NOT_DONE, "the node does not have the last block");
	*ret_last = block.hash;
	return true;
}

/* A part of the wallets, and the blocks that they are compared in. */
struct window {
	uint64_t first;
	uint64_t last;
	size_t from;
	size_t to;
};

static bool logs_read(struct reconciler *self, const struct window *window, struct hash32 *ret_last,
		      struct err *err)
{
	struct address contracts[ASSETS_MAX];
	struct address senders[WALLETS_MAX];
	struct chain_transfer_query query = { .first = window->first,
					      .last = window->last,
					      .contracts = contracts,
					      .wallets = senders };
	for (size_t i = 0; i < self->catalogue->assets_len; i++) {
		const struct asset *asset = &self->catalogue->assets[i];
		if (asset->chain == self->chain && !asset->is_native)
			contracts[query.contracts_len++] = asset->contract;
	}
	for (size_t i = window->from; i < window->to; i++)
		if (is_ours(self, &self->wallets[i]))
			senders[query.wallets_len++] = self->wallets[i].address;
	CHECK(query.wallets_len > 0);
	memset(self->log_is_explained, 0, sizeof self->log_is_explained);
	self->logs_len = 0;
	if (query.contracts_len == 0)
		return last_read(self, window->last, ret_last, err);
	return chain_transfers(self->client, &query, self->logs, &self->logs_len, ret_last, err);
}

static bool window_compare(struct reconciler *self, const struct window *window, struct err *err)
{
	for (size_t i = window->from; i < window->to; i++)
		if (is_ours(self, &self->wallets[i]) &&
		    !wallet_compare(self, &self->wallets[i], window->first, window->last, err))
			return false;
	logs_compare(self);
	return true;
}

/* One after the other, in a block that has too much to tell of all of them. */
static bool wallets_compare(struct reconciler *self, uint64_t block, struct hash32 *ret_last,
			    struct err *err)
{
	struct hash32 hash;
	bool any = false;
	for (size_t i = 0; i < self->wallets_len; i++) {
		const struct window window = { block, block, i, i + 1 };
		if (!is_ours(self, &self->wallets[i]))
			continue;
		if (!logs_read(self, &window, &hash, err))
			return false;
		if (any && !hash32_equal(hash, *ret_last))
			return err_set(err, ERR_NOT_DONE, "the node's chain has changed");
		*ret_last = hash;
		any = true;
		if (!window_compare(self, &window, err))
			return false;
	}
	return true;
}

bool reconciler_compare(struct reconciler *self, uint64_t first, uint64_t last,
			struct hash32 *ret_last, struct err *err)
{
	const struct window window = { first, last, 0, self->wallets_len };
	struct err fault = { 0 };
	if (logs_read(self, &window, ret_last, &fault))
		return window_compare(self, &window, err);
	if (fault.kind == ERR_REFUSED && first == last && DEFENCE("wallets_one_by_one"))
		return wallets_compare(self, first, ret_last, err);
	if (err != NULL)
		*err = fault;
	return false;
}

/* ---- nonces ---- */

static bool nonce_compare(struct reconciler *self, const struct wallet *wallet, uint64_t block,
			  uint64_t count, struct err *err)
{
	static const struct hash32 none = { { 0 } };
	struct transfer row;
	bool found = false;
	/* The block is older than the wallet's entry: none of its slots can be in it. */
	bool is_before = count < wallet->first_nonce;
	if (is_before && DEFENCE("entry_bounds"))
		return true;
	if (count > wallet->next_nonce || is_before) {
		difference_add(self, wallet, RECONCILE_NO_NONCE, none,
			       "the chain knows %llu transactions, the store slots up to %llu",
			       (unsigned long long)count, (unsigned long long)wallet->next_nonce);
		return true;
	}
	if (count > wallet->first_nonce) {
		if (!store_transfer_of_slot(self->store, wallet->id, count - 1, &row, &found, err))
			return false;
		bool mined = found && row.mined_block > 0 && row.mined_block <= block;
		if (!mined)
			difference_add(self, wallet, count - 1, none,
				       "the chain has used the nonce by block %llu, and no slot is "
				       "mined with it",
				       (unsigned long long)block);
	}
	if (!store_transfer_of_slot(self->store, wallet->id, count, &row, &found, err))
		return false;
	if (found && row.mined_block > 0 && row.mined_block <= block)
		difference_add(self, wallet, count, row.mined_hash,
			       "its slot is mined in block %llu, and the chain has not used it",
			       (unsigned long long)row.mined_block);
	return true;
}

bool reconciler_compare_nonces(struct reconciler *self, uint64_t block, struct err *err)
{
	for (size_t i = 0; i < self->wallets_len; i++) {
		const struct wallet *wallet = &self->wallets[i];
		struct chain_nonce nonce = { 0 };
		if (!is_ours(self, wallet) || !wallet->entered)
			continue;
		if (!chain_nonces(self->client, block, &wallet->address, 1, &nonce, err))
			return false;
		if (nonce.known && !nonce_compare(self, wallet, block, nonce.count, err))
			return false;
	}
	return true;
}
