/* Journal, keys and chain as a process sees them. */
#include "core/tx.h"
#include "sim/check_port.h"

#include <stdio.h>
#include <string.h>

#define PROCESS(self) (((struct sim_port *)(void *)(self))->process)

#define FORWARD(real, call, expression)                             \
	enum sim_fault fault;                                       \
	if (!sim_call_enter(process, SIM_CALL_##call, &fault, err)) \
		return false;                                       \
	return sim_call_leave(process, SIM_CALL_##call, fault, (real)->ops->expression, err)

/* ---- journal ---- */

static bool append_many(struct journal *self, const struct journal_entry *entries, size_t n,
			enum journal_verdict *ret_verdicts, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct journal *real = process->world->journal;
	enum sim_fault fault;
	if (!sim_call_enter(process, SIM_CALL_JOURNAL_APPEND, &fault, err))
		return false;
	sim_before_journal(process, entries, n);
	bool done = real->ops->append_many(real, entries, n, ret_verdicts, err);
	if (done)
		sim_after_journal(process, entries, n, ret_verdicts);
	return sim_call_leave(process, SIM_CALL_JOURNAL_APPEND, fault, done, err);
}

static bool rights_of(struct journal *self, struct id withdrawal, const uint8_t pay_tag[32],
		      struct journal_right *ret_rights, size_t cap, size_t *ret_len,
		      struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct journal *real = process->world->journal;
	enum sim_fault fault;
	if (!sim_call_enter(process, SIM_CALL_JOURNAL_RIGHTS, &fault, err))
		return false;
	bool done = real->ops->rights_of(real, withdrawal, pay_tag, ret_rights, cap, ret_len, err);
	if (done)
		sim_seen_rights(process->seen, withdrawal, ret_rights, *ret_len);
	return sim_call_leave(process, SIM_CALL_JOURNAL_RIGHTS, fault, done, err);
}

static bool rights_any(struct journal *self, const struct journal_name *names, size_t n,
		       bool *ret_any, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct journal *real = process->world->journal;
	enum sim_fault fault;
	if (!sim_call_enter(process, SIM_CALL_JOURNAL_ANY, &fault, err))
		return false;
	bool done = real->ops->rights_any(real, names, n, ret_any, err);
	for (size_t i = 0; i < n && done; i++)
		if (!ret_any[i] && !id_is_zero(names[i].withdrawal))
			sim_seen_rights(process->seen, names[i].withdrawal, NULL, 0);
	return sim_call_leave(process, SIM_CALL_JOURNAL_ANY, fault, done, err);
}

static bool slot_of(struct journal *self, const struct journal_slot *slot, bool *ret_has_pay,
		    bool *ret_has_cancel, struct hash32 *ret_pay_hash,
		    struct wei *ret_fee_ceiling_max, uint32_t *ret_attempts, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct journal *real = process->world->journal;
	FORWARD(real, JOURNAL_SLOT,
		slot_of(real, slot, ret_has_pay, ret_has_cancel, ret_pay_hash, ret_fee_ceiling_max,
			ret_attempts, err));
}

static bool sum(struct journal *self, const struct journal_purse *purse,
		const struct journal_span *span, struct amount *ret_total, int64_t *ret_sequence,
		struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct journal *real = process->world->journal;
	FORWARD(real, JOURNAL_SUM, sum(real, purse, span, ret_total, ret_sequence, err));
}

static bool window(struct journal *self, const struct journal_purse *purse, int64_t now_ms,
		   struct limit_window *ret_window, int64_t *ret_sequence, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct journal *real = process->world->journal;
	FORWARD(real, JOURNAL_WINDOW, window(real, purse, now_ms, ret_window, ret_sequence, err));
}

static bool rights_after(struct journal *self, int64_t sequence, struct journal_listed *ret_rights,
			 size_t cap, size_t *ret_len, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct journal *real = process->world->journal;
	FORWARD(real, JOURNAL_AFTER, rights_after(real, sequence, ret_rights, cap, ret_len, err));
}

static bool next_nonce(struct journal *self, uint64_t chain_id, struct address wallet,
		       bool *ret_any, uint64_t *ret_next_nonce, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct journal *real = process->world->journal;
	FORWARD(real, JOURNAL_NEXT,
		next_nonce(real, chain_id, wallet, ret_any, ret_next_nonce, err));
}

static bool resolution_of(struct journal *self, struct id withdrawal, uint32_t round, bool *ret_any,
			  struct journal_resolution *ret_resolution, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct journal *real = process->world->journal;
	FORWARD(real, JOURNAL_RESOLUTION,
		resolution_of(real, withdrawal, round, ret_any, ret_resolution, err));
}

static bool feed_head_last(struct journal *self, bool *ret_any, struct journal_feed_head *ret_head,
			   struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct journal *real = process->world->journal;
	FORWARD(real, JOURNAL_FEED_LAST, feed_head_last(real, ret_any, ret_head, err));
}

static bool controls_last(struct journal *self, bool *ret_any,
			  struct journal_controls *ret_controls, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct journal *real = process->world->journal;
	FORWARD(real, JOURNAL_CONTROLS_LAST, controls_last(real, ret_any, ret_controls, err));
}

const struct journal_ops sim_journal_ops = {
	.append_many = append_many,
	.rights_of = rights_of,
	.rights_any = rights_any,
	.slot_of = slot_of,
	.sum = sum,
	.window = window,
	.rights_after = rights_after,
	.next_nonce = next_nonce,
	.resolution_of = resolution_of,
	.feed_head_last = feed_head_last,
	.controls_last = controls_last,
};

/* ---- keys ---- */

static void sign_many(struct keys *self, const struct keys_request *requests, size_t n,
		      struct keys_result *ret_results)
{
	struct sim_process *process = PROCESS(self);
	struct keys *real = process->world->keys;
	struct err err = { 0 };
	enum sim_fault fault;
	bool done = sim_call_enter(process, SIM_CALL_KEYS_SIGN, &fault, &err);
	if (done) {
		real->ops->sign_many(real, requests, n, ret_results);
		done = sim_call_leave(process, SIM_CALL_KEYS_SIGN, fault, true, &err);
	}
	for (size_t i = 0; i < n && !done; i++) {
		memset(&ret_results[i], 0, sizeof ret_results[i]);
		ret_results[i].err = err;
	}
}

const struct keys_ops sim_keys_ops = { .sign_many = sign_many };

/* ---- chain ---- */

#define CHAIN(call, expression)                                       \
	struct sim_process *process = PROCESS(self);                  \
	struct chain *real = ((struct sim_port *)(void *)self)->node; \
	FORWARD(real, call, expression)

/* The same, and what was answered is remembered. */
#define CHAIN_SEEN(call, expression, remember)                            \
	struct sim_process *process = PROCESS(self);                      \
	struct chain *real = ((struct sim_port *)(void *)self)->node;     \
	struct sim_view *view = view_of((struct sim_port *)(void *)self); \
	enum sim_fault fault;                                             \
	if (!sim_call_enter(process, SIM_CALL_##call, &fault, err))       \
		return false;                                             \
	bool done = real->ops->expression;                                \
	if (done)                                                         \
		remember;                                                 \
	return sim_call_leave(process, SIM_CALL_##call, fault, done, err)

static struct sim_view *view_of(struct sim_port *port)
{
	struct sim_process *process = port->process;
	if (port == &process->chain)
		return &process->seen->views[SIM_NODES_MAX];
	return &process->seen->views[port - process->nodes];
}

static bool head(struct chain *self, struct chain_head *ret_head, struct err *err)
{
	CHAIN_SEEN(CHAIN_HEAD, head(real, ret_head, err), sim_seen_head(view, ret_head));
}

static bool estimate_many(struct chain *self, const struct chain_call *calls, size_t n,
			  struct chain_estimate *ret_estimates, struct err *err)
{
	CHAIN(CHAIN_ESTIMATE, estimate_many(real, calls, n, ret_estimates, err));
}

static bool balances(struct chain *self, uint64_t block, const struct chain_balance_query *queries,
		     size_t n, struct chain_balance *ret_balances, struct err *err)
{
	CHAIN(CHAIN_BALANCES, balances(real, block, queries, n, ret_balances, err));
}

static bool nonces(struct chain *self, uint64_t block, const struct address *wallets, size_t n,
		   struct chain_nonce *ret_nonces, struct err *err)
{
	CHAIN(CHAIN_NONCES, nonces(real, block, wallets, n, ret_nonces, err));
}

/* A send that fails and one whose answer is lost look alike: nobody knows. */
static void send_many(struct chain *self, const struct str *raw, size_t n,
		      struct chain_send *ret_sends)
{
	struct sim_process *process = PROCESS(self);
	struct chain *real = ((struct sim_port *)(void *)self)->node;
	struct err err = { 0 };
	enum sim_fault fault;
	process->world->acting = process;
	for (size_t i = 0; i < n; i++)
		sim_check_sent(process->world, raw[i]);
	bool done = sim_call_enter(process, SIM_CALL_CHAIN_SEND, &fault, &err);
	if (done) {
		real->ops->send_many(real, raw, n, ret_sends);
		done = sim_call_leave(process, SIM_CALL_CHAIN_SEND, fault, true, &err);
	}
	for (size_t i = 0; i < n && !done; i++) {
		ret_sends[i].state = CHAIN_SEND_UNKNOWN;
		(void)snprintf(ret_sends[i].text, sizeof ret_sends[i].text, "no answer");
	}
	for (size_t i = 0; i < n; i++)
		sim_seen_send(process->seen, tx_hash_of(raw[i]), ret_sends[i].state);
}

static bool receipts(struct chain *self, const struct hash32 *hashes, size_t n,
		     struct chain_receipt *ret_receipts, struct err *err)
{
	CHAIN_SEEN(CHAIN_RECEIPTS, receipts(real, hashes, n, ret_receipts, err),
		   sim_seen_receipts(view, ret_receipts, n));
}

static bool lookups(struct chain *self, const struct hash32 *hashes, size_t n,
		    enum chain_lookup *ret_lookups, struct err *err)
{
	CHAIN(CHAIN_LOOKUPS, lookups(real, hashes, n, ret_lookups, err));
}

static bool blocks(struct chain *self, const uint64_t *numbers, size_t n,
		   struct chain_block *ret_blocks, struct err *err)
{
	CHAIN_SEEN(CHAIN_BLOCKS, blocks(real, numbers, n, ret_blocks, err),
		   sim_seen_blocks(view, numbers, ret_blocks, n));
}

static bool find(struct chain *self, uint64_t block, const struct chain_wanted *wanted,
		 struct chain_found *ret_found, struct err *err)
{
	CHAIN(CHAIN_FIND, find(real, block, wanted, ret_found, err));
}

static bool transactions(struct chain *self, uint64_t first, size_t count,
			 const struct address *senders, size_t n,
			 struct chain_transaction *ret_transactions, size_t cap, size_t *ret_len,
			 size_t *ret_blocks, struct err *err)
{
	CHAIN(CHAIN_TRANSACTIONS, transactions(real, first, count, senders, n, ret_transactions,
					       cap, ret_len, ret_blocks, err));
}

static bool transfers(struct chain *self, const struct chain_transfer_query *query,
		      struct chain_transfer *ret_transfers, size_t *ret_len,
		      struct hash32 *ret_last, struct err *err)
{
	CHAIN(CHAIN_TRANSFERS, transfers(real, query, ret_transfers, ret_len, ret_last, err));
}

static size_t nodes_len(const struct chain *self)
{
	const struct sim_port *port = (const struct sim_port *)(const void *)self;
	return chain_nodes_len(port->node);
}

static bool node(struct chain *self, size_t index, struct chain **ret_node, struct err *err)
{
	struct sim_process *process = PROCESS(self);
	struct sim_port *port = &process->nodes[index];
	if (!chain_node(((struct sim_port *)(void *)self)->node, index, &port->node, err))
		return false;
	*ret_node = &port->chain;
	return true;
}

const struct chain_ops sim_chain_ops = {
	.head = head,
	.estimate_many = estimate_many,
	.balances = balances,
	.nonces = nonces,
	.send_many = send_many,
	.receipts = receipts,
	.lookups = lookups,
	.blocks = blocks,
	.find = find,
	.transactions = transactions,
	.transfers = transfers,
	.nodes_len = nodes_len,
	.node = node,
};

void sim_ports_init(struct sim_process *process)
{
	struct sim_port *ports[] = { &process->store,   &process->queue, &process->transport,
				     &process->journal, &process->keys,  &process->chain };
	for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
		ports[i]->process = process;
	process->store.store.ops = &sim_store_ops;
	process->queue.queue.ops = &sim_queue_ops;
	process->transport.transport.ops = &sim_transport_ops;
	process->journal.journal.ops = &sim_journal_ops;
	process->keys.keys.ops = &sim_keys_ops;
	process->chain.chain.ops = &sim_chain_ops;
	process->chain.node = sim_front_port(process->world->front);
	for (size_t i = 0; i < SIM_NODES_MAX; i++) {
		process->nodes[i].process = process;
		process->nodes[i].chain.ops = &sim_chain_ops;
	}
}
