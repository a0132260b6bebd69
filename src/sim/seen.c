#include "sim/seen.h"

#include "base/buf.h"

static size_t kept(size_t len, size_t max)
{
	return len < max ? len : max;
}

void sim_seen_reset(struct sim_seen *seen, uint64_t step)
{
	seen->step = step;
	seen->has_stood = false;
	seen->rights_len = seen->sends_len = 0;
	for (size_t i = 0; i <= SIM_NODES_MAX; i++)
		seen->views[i].receipts_len = seen->views[i].blocks_len = seen->views[i].heads_len =
			0;
}

void sim_seen_head(struct sim_view *view, const struct chain_head *head)
{
	view->heads[view->heads_len++ % SIM_SEEN_HEADS] = *head;
}

void sim_seen_receipts(struct sim_view *view, const struct chain_receipt *receipts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (receipts[i].state != CHAIN_RECEIPT_FOUND)
			continue;
		view->receipts[view->receipts_len++ % SIM_SEEN_MAX] =
			(struct sim_seen_receipt){ .tx_hash = receipts[i].tx_hash,
						   .block_hash = receipts[i].block_hash,
						   .block = receipts[i].block_number,
						   .success = receipts[i].success };
	}
}

void sim_seen_blocks(struct sim_view *view, const uint64_t *numbers,
		     const struct chain_block *blocks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (blocks[i].known)
			view->blocks[view->blocks_len++ % SIM_SEEN_MAX] =
				(struct sim_seen_block){ numbers[i], blocks[i].hash };
}

void sim_seen_rights(struct sim_seen *seen, struct id withdrawal,
		     const struct journal_right *rights, size_t n)
{
	struct sim_seen_rights *told = &seen->rights[seen->rights_len++ % SIM_SEEN_MAX];
	*told = (struct sim_seen_rights){ .withdrawal = withdrawal, .len = n };
	for (size_t i = 0; i < n; i++)
		told->has_void |= rights[i].is_void;
}

void sim_seen_send(struct sim_seen *seen, struct hash32 tx_hash, enum chain_send_state state)
{
	seen->sends[seen->sends_len++ % SIM_SEEN_MAX] = (struct sim_seen_send){ tx_hash, state };
}

/* ---- what is remembered: the newest one counts ---- */

const struct sim_seen_receipt *sim_view_receipt(const struct sim_view *view, struct hash32 tx_hash)
{
	size_t n = kept(view->receipts_len, SIM_SEEN_MAX);
	for (size_t i = 1; i <= n; i++) {
		const struct sim_seen_receipt *receipt =
			&view->receipts[(view->receipts_len - i) % SIM_SEEN_MAX];
		if (hash32_equal(receipt->tx_hash, tx_hash))
			return receipt;
	}
	return NULL;
}

bool sim_view_has_block(const struct sim_view *view, uint64_t number, struct hash32 hash)
{
	size_t n = kept(view->blocks_len, SIM_SEEN_MAX);
	for (size_t i = 0; i < n; i++)
		if (view->blocks[i].number == number && hash32_equal(view->blocks[i].hash, hash))
			return true;
	return false;
}

const struct chain_head *sim_view_head(const struct sim_view *view)
{
	return view->heads_len == 0 ? NULL : &view->heads[(view->heads_len - 1) % SIM_SEEN_HEADS];
}

const struct sim_seen_rights *sim_seen_rights_of(const struct sim_seen *seen, struct id withdrawal)
{
	size_t n = kept(seen->rights_len, SIM_SEEN_MAX);
	for (size_t i = 1; i <= n; i++) {
		const struct sim_seen_rights *rights =
			&seen->rights[(seen->rights_len - i) % SIM_SEEN_MAX];
		if (id_equal(rights->withdrawal, withdrawal))
			return rights;
	}
	return NULL;
}

const struct sim_seen_send *sim_seen_send_of(const struct sim_seen *seen, struct hash32 tx_hash)
{
	size_t n = kept(seen->sends_len, SIM_SEEN_MAX);
	for (size_t i = 1; i <= n; i++) {
		const struct sim_seen_send *send =
			&seen->sends[(seen->sends_len - i) % SIM_SEEN_MAX];
		if (hash32_equal(send->tx_hash, tx_hash))
			return send;
	}
	return NULL;
}
