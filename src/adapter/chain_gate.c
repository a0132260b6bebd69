#include "adapter/chain_gate.h"

#include "base/defence.h"

#include <stdlib.h>
#include <string.h>

/* What a node said of its head. Times are monotonic. */
struct node_head {
	uint64_t number; /* the highest: machines behind one address may differ */
	int64_t risen_at;
	unsigned unsure; /* rises that do not count yet */
	int64_t ask_at;  /* the next time, at the earliest */
	unsigned rises;  /* looks that found it risen, since the present node's head rose */
};

/* That a node is of the chain. It may come back as another one. */
struct node_proof {
	bool holds;
	bool held;         /* at some time */
	bool is_told;      /* that it came back as another one */
	size_t assets;     /* so many are compared, of those before the next look at it */
	uint64_t failures; /* of the node, when it was last looked at */
};

struct gate {
	struct chain base;
	struct chain *nodes[RPC_ENDPOINTS_MAX];
	struct node_head heads[RPC_ENDPOINTS_MAX];
	struct clock *clock;
	const struct log *log;
	struct node_proof proofs[RPC_ENDPOINTS_MAX];
	int64_t send_at[RPC_ENDPOINTS_MAX]; /* the next time as the second one, at the earliest */
	size_t seconds;                     /* sends that looked for a second node */
	size_t len;
	size_t current;
	const struct catalogue *catalogue;
	size_t chain;
	bool mismatch; /* for ever: a person has to look */
	struct err difference;
};

static struct gate *gate_of(struct chain *chain)
{
	return (struct gate *)chain;
}

/* A node that is a wrong one from the start stops its role: somebody configured it so. One that
 * comes back as another one is not asked until it is right again, and its neighbours go on. */
static bool differs(struct gate *gate, size_t index, struct err *err, const char *what,
		    unsigned long long is, unsigned long long wanted)
{
	struct node_proof *proof = &gate->proofs[index];
	struct log_about about = { .action = "node_of_another_chain", .alarm = true };
	struct err difference;
	const char *name = gate->catalogue->chains[gate->chain].name;
	bool is_new = !proof->held || !DEFENCE("proof_is_renewed");
	(void)err_set(&difference, is_new ? ERR_REFUSED : ERR_NOT_DONE,
		      "chain %s: the node says %s %llu, not %llu", name, what, is, wanted);
	if (is_new) {
		gate->mismatch = true;
		gate->difference = difference;
	} else if (!proof->is_told) {
		log_line(gate->log, LOG_ERROR, &about, "chain %s: node %zu says %s %llu, not %llu",
			 name, index + 1, what, is, wanted);
		proof->is_told = true;
	}
	if (err != NULL)
		*err = difference;
	return false;
}

static bool asset_prove(struct gate *gate, size_t index, const struct asset *asset, struct err *err)
{
	unsigned decimals;
	char what[SYMBOL_LEN_MAX + 32];
	struct buf out = buf_of(what, sizeof what);
	if (asset->chain != gate->chain || asset->is_native)
		return true;
	if (!chain_decimals(gate->nodes[index], asset->contract, &decimals, err))
		return err_wrap(err, "decimals of %s", asset->symbol);
	buf_format(&out, "decimals of %s are", asset->symbol);
	if (decimals != asset->decimals)
		return differs(gate, index, err, buf_terminated(&out), decimals, asset->decimals);
	return true;
}

/* What was compared before the node failed in the midst of it, or took too long, is not compared
 * again. */
static bool assets_prove(struct gate *gate, size_t index, struct err *err)
{
	struct node_proof *proof = &gate->proofs[index];
	int64_t until = clock_monotonic_ms(gate->clock) + GATE_PROOF_MS;
	for (; proof->assets < gate->catalogue->assets_len; proof->assets++) {
		if (clock_monotonic_ms(gate->clock) >= until)
			return err_set(err, ERR_NOT_DONE, "the node is slow to prove itself");
		if (!asset_prove(gate, index, &gate->catalogue->assets[proof->assets], err))
			return false;
	}
	return true;
}

static bool identity_prove(struct gate *gate, size_t index, struct err *err)
{
	uint64_t wanted = gate->catalogue->chains[gate->chain].chain_id, id;
	if (!chain_identity(gate->nodes[index], &id, err))
		return false;
	return id == wanted || !DEFENCE("chain_id_is_checked") ||
	       differs(gate, index, err, "chain id", id, wanted);
}

static bool node_prove(struct gate *gate, size_t index, struct err *err)
{
	struct node_proof *proof = &gate->proofs[index];
	bool has_failed = proof->failures != gate->nodes[index]->failures;
	if (proof->holds && !(has_failed && DEFENCE("proof_is_renewed")))
		return true;
	if (has_failed)
		proof->assets = 0;
	proof->holds = identity_prove(gate, index, err) && assets_prove(gate, index, err);
	proof->failures = gate->nodes[index]->failures;
	proof->held = proof->held || proof->holds;
	proof->is_told = proof->is_told && !proof->holds;
	return proof->holds;
}

/* The node whose turn it is, once it is proved; NULL (and err) otherwise. */
static struct chain *gate_node(struct gate *gate, struct err *err)
{
	if (chain_gate_is_mismatch(&gate->base, err))
		return NULL;
	return node_prove(gate, gate->current, err) ? gate->nodes[gate->current] : NULL;
}

static void gate_turn(struct gate *gate)
{
	if (DEFENCE("next_node"))
		gate->current = (gate->current + 1) % gate->len;
}

/* ---- a node that stands still ---- */

/* It named a block that never came: from here on it rises from where it is. Machines behind one
 * address that stand still at different blocks seem to rise as well, but not again and again. */
static void node_lower(struct node_head *head, uint64_t number, int64_t now)
{
	if (number == head->number || now - head->risen_at < GATE_STILL_MS ||
	    !DEFENCE("head_that_never_came"))
		return;
	head->number = number;
	head->unsure = GATE_RISES_MIN;
}

/* Has it risen? */
static bool node_hear(struct node_head *head, uint64_t number, int64_t now)
{
	head->ask_at = now + GATE_LOOK_MS;
	if (number <= head->number) {
		node_lower(head, number, now);
		return false;
	}
	head->number = number;
	if (head->unsure > 0) {
		head->unsure--;
		return false;
	}
	head->risen_at = now;
	return true;
}

/* The next one that rises while the present one stands, and has blocks that it lacks; the present
 * one when there is none. Who stands for long at a block that nobody comes near lacks them all. */
static size_t riser_find(const struct gate *gate, int64_t now)
{
	const struct node_head *current = &gate->heads[gate->current];
	bool is_far = now - current->risen_at >= GATE_FAR_MS && DEFENCE("head_that_never_came");
	for (size_t i = 1; i < gate->len; i++) {
		size_t index = (gate->current + i) % gate->len;
		const struct node_head *head = &gate->heads[index];
		if (head->rises >= GATE_RISES_MIN && (is_far || head->number > current->number))
			return index;
	}
	return gate->current;
}

static void rises_forget(struct gate *gate)
{
	for (size_t i = 0; i < gate->len; i++)
		gate->heads[i].rises = 0;
}

static void gate_leave(struct gate *gate, size_t riser)
{
	const struct log_about about = { .action = "node_left" };
	log_line(
		gate->log, LOG_WARN, &about,
		"chain %s: node %zu stands still at block %llu, node %zu goes on and is asked first",
		gate->catalogue->chains[gate->chain].name, gate->current + 1,
		(unsigned long long)gate->heads[gate->current].number, riser + 1);
	gate->current = riser;
	rises_forget(gate);
}

/* The present node named its head. It is left only here, right after it said that it stands. */
static void current_hear(struct gate *gate, uint64_t number)
{
	struct node_head *head = &gate->heads[gate->current];
	int64_t now = clock_monotonic_ms(gate->clock);
	if (node_hear(head, number, now)) {
		rises_forget(gate);
		return;
	}
	size_t riser = riser_find(gate, now);
	if (now - head->risen_at >= GATE_STILL_MS && riser != gate->current &&
	    DEFENCE("stuck_node_is_left"))
		gate_leave(gate, riser);
}

static bool node_ask(struct gate *gate, size_t index, int64_t now, uint64_t *ret_number)
{
	struct chain_head said;
	if (!node_prove(gate, index, NULL) || !chain_head(gate->nodes[index], &said, NULL)) {
		gate->heads[index].ask_at = now + GATE_FAILED_MS;
		return false;
	}
	*ret_number = said.number;
	return true;
}

static void others_look(struct gate *gate, int64_t now)
{
	for (size_t i = 1; i < gate->len; i++) {
		size_t index = (gate->current + i) % gate->len;
		struct node_head *head = &gate->heads[index];
		uint64_t number;
		if (now >= head->ask_at && node_ask(gate, index, now, &number))
			head->rises += node_hear(head, number, now);
	}
}

/* Before each call; most of them find nothing to do. */
static void gate_look(struct gate *gate)
{
	int64_t now = clock_monotonic_ms(gate->clock);
	const struct node_head *head = &gate->heads[gate->current];
	uint64_t number;
	if (gate->len == 1 || gate->mismatch)
		return;
	if (now - head->risen_at >= GATE_DOUBT_MS)
		others_look(gate, now);
	if (now >= head->ask_at && node_ask(gate, gate->current, now, &number))
		current_hear(gate, number);
}

/* ---- calls ---- */

/* Asks one node after the other until a call succeeds. */
#define FORWARD(call)                                             \
	struct gate *gate = gate_of(chain);                       \
	gate_look(gate);                                          \
	for (size_t i = 0; i < gate->len; i++, gate_turn(gate)) { \
		struct chain *node = gate_node(gate, err);        \
		if (node != NULL && (call))                       \
			return true;                              \
	}                                                         \
	return false

static bool gate_identity(struct chain *chain, uint64_t *ret_chain_id, struct err *err)
{
	FORWARD(chain_identity(node, ret_chain_id, err));
}

static bool node_name(struct gate *gate, struct chain *node, struct chain_head *ret_head,
		      struct err *err)
{
	if (!chain_head(node, ret_head, err))
		return false;
	current_hear(gate, ret_head->number);
	return true;
}

static bool gate_head(struct chain *chain, struct chain_head *ret_head, struct err *err)
{
	FORWARD(node_name(gate, node, ret_head, err));
}

static bool gate_estimate_many(struct chain *chain, const struct chain_call *calls, size_t n,
			       struct chain_estimate *ret_estimates, struct err *err)
{
	FORWARD(chain_estimate_many(node, calls, n, ret_estimates, err));
}

static bool gate_balances(struct chain *chain, uint64_t block,
			  const struct chain_balance_query *queries, size_t n,
			  struct chain_balance *ret_balances, struct err *err)
{
	FORWARD(chain_balances(node, block, queries, n, ret_balances, err));
}

static bool gate_nonces(struct chain *chain, uint64_t block, const struct address *wallets,
			size_t n, struct chain_nonce *ret_nonces, struct err *err)
{
	FORWARD(chain_nonces(node, block, wallets, n, ret_nonces, err));
}

static bool gate_codes(struct chain *chain, const struct address *addresses, size_t n,
		       enum chain_code *ret_codes, struct err *err)
{
	FORWARD(chain_codes(node, addresses, n, ret_codes, err));
}

static bool gate_decimals(struct chain *chain, struct address token, unsigned *ret_decimals,
			  struct err *err)
{
	FORWARD(chain_decimals(node, token, ret_decimals, err));
}

static bool gate_receipts(struct chain *chain, const struct hash32 *hashes, size_t n,
			  struct chain_receipt *ret_receipts, struct err *err)
{
	FORWARD(chain_receipts(node, hashes, n, ret_receipts, err));
}

static bool gate_lookups(struct chain *chain, const struct hash32 *hashes, size_t n,
			 enum chain_lookup *ret_lookups, struct err *err)
{
	FORWARD(chain_lookups(node, hashes, n, ret_lookups, err));
}

static bool gate_blocks(struct chain *chain, const uint64_t *numbers, size_t n,
			struct chain_block *ret_blocks, struct err *err)
{
	FORWARD(chain_blocks(node, numbers, n, ret_blocks, err));
}

static bool gate_find(struct chain *chain, uint64_t block, const struct chain_wanted *wanted,
		      struct chain_found *ret_found, struct err *err)
{
	FORWARD(chain_find(node, block, wanted, ret_found, err));
}

static bool gate_transactions(struct chain *chain, uint64_t first, size_t blocks,
			      const struct address *senders, size_t n,
			      struct chain_transaction *ret_transactions, size_t cap,
			      size_t *ret_len, size_t *ret_blocks, struct err *err)
{
	FORWARD(chain_transactions(node, first, blocks, senders, n, ret_transactions, cap, ret_len,
				   ret_blocks, err));
}

static bool gate_transfers(struct chain *chain, const struct chain_transfer_query *query,
			   struct chain_transfer *ret_transfers, size_t *ret_len,
			   struct hash32 *ret_last, struct err *err)
{
	FORWARD(chain_transfers(node, query, ret_transfers, ret_len, ret_last, err));
}

static bool is_taken(const struct chain_send *send)
{
	return send->state == CHAIN_SEND_ACCEPTED || send->state == CHAIN_SEND_KNOWN;
}

static bool are_unknown(const struct chain_send *sends, size_t n)
{
	size_t unknown = 0;
	while (unknown < n && sends[unknown].state == CHAIN_SEND_UNKNOWN)
		unknown++;
	return unknown == n;
}

/* The next one of the others, by turns, so that bytes that are sent again come to all of them; the
 * present one when none may be asked. */
static size_t second_find(struct gate *gate)
{
	int64_t now = clock_monotonic_ms(gate->clock);
	for (size_t i = 1; i < gate->len; i++) {
		size_t others = gate->len - 1;
		size_t index = (gate->current + 1 + gate->seconds++ % others) % gate->len;
		if (now >= gate->send_at[index])
			return index;
	}
	return gate->current;
}

/* What one node takes and hands on to nobody, another one has too. Only that it took it counts: of
 * what it refuses the first one's word stands. */
static void second_send(struct gate *gate, const struct str *raw, size_t n,
			struct chain_send *sends)
{
	struct chain_send said[CHAIN_BATCH_MAX];
	size_t index = DEFENCE("second_node_is_sent") ? second_find(gate) : gate->current;
	if (index == gate->current || n > CHAIN_BATCH_MAX)
		return;
	bool proved = node_prove(gate, index, NULL);
	if (proved)
		chain_send_many(gate->nodes[index], raw, n, said);
	if (!proved || are_unknown(said, n)) {
		gate->send_at[index] = clock_monotonic_ms(gate->clock) + GATE_FAILED_MS;
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (is_taken(&said[i]) && !is_taken(&sends[i]))
			sends[i] = said[i];
}

static void gate_send_many(struct chain *chain, const struct str *raw, size_t n,
			   struct chain_send *ret_sends)
{
	struct gate *gate = gate_of(chain);
	struct err err = { 0 };
	struct chain *node = NULL;
	gate_look(gate);
	for (size_t i = 0; i < gate->len && node == NULL; i++) {
		node = gate_node(gate, &err);
		if (node == NULL)
			gate_turn(gate);
	}
	if (node == NULL) {
		for (size_t i = 0; i < n; i++) {
			ret_sends[i].state = CHAIN_SEND_UNKNOWN;
			struct buf text = buf_of(ret_sends[i].text, sizeof ret_sends[i].text);
			buf_str(&text, (struct str){ err.text, strnlen(err.text, text.cap - 1) });
			(void)buf_terminated(&text);
		}
		return;
	}
	chain_send_many(node, raw, n, ret_sends);
	bool is_away = are_unknown(ret_sends, n);
	if (gate->len > 1)
		second_send(gate, raw, n, ret_sends);
	if (is_away)
		gate_turn(gate);
}

static size_t gate_nodes_len(const struct chain *chain)
{
	return ((const struct gate *)chain)->len;
}

static bool gate_node_at(struct chain *chain, size_t index, struct chain **ret_node,
			 struct err *err)
{
	struct gate *gate = gate_of(chain);
	if (chain_gate_is_mismatch(chain, err) || !node_prove(gate, index, err))
		return false;
	*ret_node = gate->nodes[index];
	return true;
}

static void gate_close(struct chain *chain)
{
	struct gate *gate = gate_of(chain);
	for (size_t i = 0; i < gate->len; i++)
		chain_close(gate->nodes[i]);
	free(gate);
}

static const struct chain_ops gate_ops = {
	.identity = gate_identity,
	.head = gate_head,
	.estimate_many = gate_estimate_many,
	.balances = gate_balances,
	.nonces = gate_nonces,
	.codes = gate_codes,
	.decimals = gate_decimals,
	.send_many = gate_send_many,
	.receipts = gate_receipts,
	.lookups = gate_lookups,
	.blocks = gate_blocks,
	.find = gate_find,
	.transactions = gate_transactions,
	.transfers = gate_transfers,
	.nodes_len = gate_nodes_len,
	.node = gate_node_at,
	.close = gate_close,
};

struct chain *chain_gate_new(const struct chain_gate_options *options)
{
	CHECK(options->len > 0 && options->len <= RPC_ENDPOINTS_MAX);
	CHECK(options->chain < options->catalogue->chains_len && options->clock != NULL);
	struct gate *gate = calloc(1, sizeof *gate);
	CHECK(gate != NULL);
	gate->base.ops = &gate_ops;
	memcpy(gate->nodes, options->nodes, options->len * sizeof gate->nodes[0]);
	gate->len = options->len;
	gate->catalogue = options->catalogue;
	gate->chain = options->chain;
	gate->clock = options->clock;
	gate->log = options->log;
	for (size_t i = 0; i < gate->len; i++)
		gate->heads[i].risen_at = clock_monotonic_ms(gate->clock);
	return &gate->base;
}

enum chain_gate_state chain_gate_prove(struct chain *chain, struct err *err)
{
	struct gate *gate = gate_of(chain);
	CHECK(chain->ops == &gate_ops);
	bool open = false;
	for (size_t i = 0; i < gate->len && !gate->mismatch; i++)
		open = node_prove(gate, i, err) || open;
	if (chain_gate_is_mismatch(chain, err))
		return CHAIN_GATE_MISMATCH;
	return open ? CHAIN_GATE_OPEN : CHAIN_GATE_CLOSED;
}

bool chain_gate_is_mismatch(struct chain *chain, struct err *err)
{
	struct gate *gate = gate_of(chain);
	CHECK(chain->ops == &gate_ops);
	if (gate->mismatch && err != NULL)
		*err = gate->difference;
	return gate->mismatch;
}
