/* What the configured nodes say of a transaction, and of what it moved. */
#include "service/signer/signer_resolve.h"

#include "base/defence.h"

#include <string.h>

static bool node_look(struct chain *node, const struct chain_params *params, struct hash32 hash,
		      struct tx_look *ret_look, struct err *err)
{
	const struct chain_wanted wanted = { .tx_hash = hash };
	struct chain_receipt *receipt = &ret_look->receipt;
	struct chain_head head;
	bool agrees = false;
	ret_look->seen = RESOLVE_SEEN_UNKNOWN;
	if (!chain_receipts(node, &hash, 1, receipt, err) || !chain_head(node, &head, err))
		return false;
	if (receipt->state == CHAIN_RECEIPT_ABSENT)
		ret_look->seen = RESOLVE_SEEN_ABSENT;
	if (receipt->state != CHAIN_RECEIPT_FOUND ||
	    !signer_is_deep(params, &head, receipt->block_number))
		return true;
	if (!signer_view_agrees(node, &head, receipt, &agrees, err) ||
	    !chain_find(node, receipt->block_number, &wanted, &ret_look->found, err))
		return false;
	if (agrees && ret_look->found.state == CHAIN_FOUND &&
	    hash32_equal(ret_look->found.block_hash, receipt->block_hash) &&
	    address_equal(ret_look->found.from, receipt->from))
		ret_look->seen = RESOLVE_SEEN_FINAL;
	return true;
}

static bool log_equal(const struct abi_log *a, const struct abi_log *b)
{
	if (!address_equal(a->contract, b->contract) || a->topics_len != b->topics_len ||
	    a->data_len != b->data_len)
		return false;
	for (size_t i = 0; i < a->topics_len && i < ABI_LOG_TOPICS_MAX; i++)
		if (!hash32_equal(a->topics[i], b->topics[i]))
			return false;
	size_t kept = a->data_len < ABI_LOG_DATA_MAX ? a->data_len : ABI_LOG_DATA_MAX;
	return memcmp(a->data, b->data, kept) == 0;
}

static bool logs_equal(const struct chain_receipt *a, const struct chain_receipt *b)
{
	if (a->logs_len != b->logs_len)
		return false;
	for (size_t i = 0; i < a->logs_len && i < CHAIN_LOGS_MAX; i++)
		if (!log_equal(&a->logs[i], &b->logs[i]))
			return false;
	return true;
}

/* In all that a verdict is made of: one node that lies decides nothing. */
static bool looks_equal(const struct tx_look *a, const struct tx_look *b)
{
	return hash32_equal(a->found.block_hash, b->found.block_hash) &&
	       a->receipt.success == b->receipt.success && a->found.nonce == b->found.nonce &&
	       address_equal(a->found.from, b->found.from) &&
	       address_equal(a->found.to, b->found.to) &&
	       wei_compare(a->found.value, b->found.value) == 0 &&
	       a->found.data_len == b->found.data_len && a->found.time_ms == b->found.time_ms &&
	       (logs_equal(&a->receipt, &b->receipt) || !DEFENCE("logs_agree"));
}

/* Two of them agree, where there are two, and none contradicts. "In no block" is what all say. */
bool signer_tx_look(struct signer *self, size_t chain, struct hash32 hash, struct tx_look *ret_look,
		    struct err *err)
{
	struct chain *nodes = self->options.chains[chain];
	const struct chain_params *params = &self->options.catalogue->chains[chain];
	size_t len = chain_nodes_len(nodes);
	size_t agree = 0;
	size_t absent = 0;
	ret_look->seen = RESOLVE_SEEN_UNKNOWN;
	for (size_t i = 0; i < len; i++) {
		struct tx_look one = { .seen = RESOLVE_SEEN_UNKNOWN };
		struct chain *node = NULL;
		if (!chain_node(nodes, i, &node, err) || !node_look(node, params, hash, &one, err))
			one.seen = RESOLVE_SEEN_UNKNOWN;
		absent += one.seen == RESOLVE_SEEN_ABSENT ? 1 : 0;
		if (one.seen != RESOLVE_SEEN_FINAL)
			continue;
		if (agree > 0 && !looks_equal(ret_look, &one)) {
			ret_look->seen = RESOLVE_SEEN_UNKNOWN;
			return true;
		}
		*ret_look = one;
		agree++;
	}
	ret_look->by_all = agree == len;
	ret_look->seen = agree >= signer_nodes_needed(nodes) ? RESOLVE_SEEN_FINAL
			 : absent == len                     ? RESOLVE_SEEN_ABSENT
							     : RESOLVE_SEEN_UNKNOWN;
	return true;
}

static struct resolve_tx tx_of(const struct tx_look *look)
{
	return (struct resolve_tx){ .from = look->found.from,
				    .to = look->found.to,
				    .value = look->found.value,
				    .data_len = look->found.data_len,
				    .success = look->receipt.success,
				    .logs = look->receipt.logs,
				    .logs_len = look->receipt.logs_len,
				    .logs_cap = CHAIN_LOGS_MAX };
}

enum resolve_payment signer_payment_of(const struct work_case *work, struct address wallet,
				       const struct tx_look *look)
{
	struct resolve_tx tx = tx_of(look);
	return resolve_payment_judge(&work->row.intent, wallet, &tx);
}

/* ---- what moved, where no log says so ---- */

/* Nodes forget the states of old blocks: then nothing is known, and nothing is wrong. */
static void node_balances(struct chain *node, const struct work_case *work,
			  const struct tx_look *look, struct resolve_balances *ret_balances)
{
	const struct intent *intent = &work->row.intent;
	const struct chain_balance_query queries[2] = {
		{ .owner = work->slot.wallet, .is_token = true, .token = intent->contract },
		{ .owner = intent->to, .is_token = true, .token = intent->contract },
	};
	ret_balances->known = look->receipt.block_number > 0;
	for (size_t i = 0; i < 2 && ret_balances->known; i++) {
		struct chain_balance found[2] = { { 0 } };
		struct err fault = { 0 };
		ret_balances->known = chain_balances(node, look->receipt.block_number - 1 + i,
						     queries, 2, found, &fault) &&
				      found[0].known && found[1].known;
		ret_balances->wallet[i] = found[0].units;
		ret_balances->receiver[i] = found[1].units;
	}
}

/* What any node says that moved counts; else what any says that did not. */
bool signer_moved_look(struct signer *self, const struct work_case *work,
		       const struct tx_look *look, enum resolve_moved *ret_moved, struct err *err)
{
	struct chain *nodes = self->options.chains[work->wallet->chain];
	const struct resolve_tx tx = tx_of(look);
	const struct store_transfer_filter filter = { .wallet_id = work->slot.wallet_id,
						      .first = TRANSFER_MINED,
						      .last = TRANSFER_FINAL,
						      .mined_block_min = look->receipt.block_number,
						      .mined_block_max = look->receipt.block_number,
						      .limit = 2 };
	struct transfer rows[2];
	struct resolve_balances balances = { 0 };
	size_t n = 0;
	*ret_moved = MOVED_UNKNOWN;
	if (!store_transfers_load(self->options.store, &filter, rows, &n, err))
		return false;
	balances.is_alone = n == 1;
	for (size_t i = 0; i < chain_nodes_len(nodes); i++) {
		struct chain *node = NULL;
		struct err fault = { 0 };
		if (!chain_node(nodes, i, &node, &fault))
			continue;
		node_balances(node, work, look, &balances);
		enum resolve_moved one =
			resolve_moved_judge(&work->row.intent, work->slot.wallet, &tx, &balances);
		if (one != MOVED_UNKNOWN && *ret_moved != MOVED_MAYBE)
			*ret_moved = one;
	}
	return true;
}
