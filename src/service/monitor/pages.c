#include "service/monitor/pages.h"

bool monitor_pages_walk(struct monitor *self, const struct wallet *wallet,
			enum transfer_stage stage, uint64_t from, uint64_t to,
			bool (*act)(struct monitor *, size_t, struct err *), struct err *err)
{
	struct store_transfer_filter filter = { .wallet_id = wallet->id,
						.first = stage,
						.last = stage,
						.mined_block_min = from,
						.mined_block_max = to,
						.without_held = true,
						.limit = WATCH_BATCH };
	size_t n = WATCH_BATCH;
	while (n == WATCH_BATCH) {
		if (!store_transfers_load(self->options.store, &filter, self->rows, &n, err))
			return false;
		if (n == 0)
			return true;
		filter.has_after = true;
		filter.after_block = self->rows[n - 1].mined_block;
		filter.after_nonce = self->rows[n - 1].nonce;
		if (!act(self, n, err))
			return false;
	}
	return true;
}
