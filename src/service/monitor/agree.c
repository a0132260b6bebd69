/* Each node answers alone, by its own head, finalized mark, block and receipt; where two or more
 * are configured, two have to say the same of a slot before it is final, or a person is called, and
 * none another thing. A node that is away, or lags, says nothing. */
#include "service/monitor/monitor_parts.h"

#include "base/check.h"
#include "base/defence.h"

/* What is deep and has no second node's word for so long is told of, once. */
#define LONELY_TELL_MS 60000

struct node_vote {
	unsigned agree;
	bool contradicted;
};

/* What one node says, for all claims. */
struct testimony {
	struct chain_head head;
	struct chain_block blocks[WATCH_BATCH + 2]; /* of the claims; head; finalized */
	uint64_t finalized;
};
_Static_assert(WATCH_BATCH + 2 <= CHAIN_BATCH_MAX, "one question for all blocks");

void monitor_claim(struct monitor *self, const struct transfer *row, struct receipt_of of,
		   enum confirm verdict, enum transfer_outcome outcome)
{
	CHECK(self->claims_len < WATCH_BATCH);
	self->claims[self->claims_len++] =
		(struct claim){ .row = *row, .of = of, .verdict = verdict, .outcome = outcome };
}

static bool is_block(const struct chain_block *block, struct hash32 hash)
{
	return block->known && hash32_equal(block->hash, hash);
}

/* False also for answers of two machines behind the node's address. */
static bool node_hear(struct monitor *self, struct chain *node, struct testimony *ret_said)
{
	uint64_t numbers[WATCH_BATCH + 2];
	struct chain_head *head = &ret_said->head;
	size_t n = self->claims_len;
	for (size_t i = 0; i < n; i++) {
		self->hashes[i] = self->claims[i].row.mined_hash;
		numbers[i] = self->claims[i].row.mined_block;
	}
	if (!chain_receipts(node, self->hashes, n, self->receipts, NULL) ||
	    !chain_head(node, head, NULL))
		return false;
	ret_said->finalized = head->has_finalized ? head->finalized_number : 0;
	numbers[n] = head->number;
	numbers[n + 1] = ret_said->finalized;
	if (!chain_blocks(node, numbers, n + (head->has_finalized ? 2 : 1), ret_said->blocks, NULL))
		return false;
	return is_block(&ret_said->blocks[n], head->hash) &&
	       (!head->has_finalized || is_block(&ret_said->blocks[n + 1], head->finalized_hash));
}

static void vote_count(struct monitor *self, const struct testimony *said, size_t i,
		       struct node_vote *vote)
{
	const struct claim *claim = &self->claims[i];
	const struct chain_receipt *receipt = &self->receipts[i];
	enum transfer_outcome outcome = OUTCOME_NONE;
	if (receipt->state != CHAIN_RECEIPT_FOUND ||
	    receipt->block_number != claim->row.mined_block)
		return;
	struct confirm_facts facts = { .transfer = &claim->row,
				       .is_foreign = claim->of.is_foreign,
				       .attempt_is_cancel = claim->of.is_cancel,
				       .success = receipt->success,
				       .to = receipt->to,
				       .block = receipt->block_number,
				       .canonical = is_block(&said->blocks[i], receipt->block_hash),
				       .logs = receipt->logs,
				       .logs_len = receipt->logs_len,
				       .logs_cap = CHAIN_LOGS_MAX,
				       .head = said->head.number,
				       .finalized = said->finalized };
	enum confirm verdict = confirm_decide(self->chain->params, &facts, &outcome);
	if (verdict == CONFIRM_WAIT)
		return;
	if (verdict == claim->verdict && outcome == claim->outcome &&
	    hash32_equal(receipt->block_hash, claim->row.mined_block_hash))
		vote->agree++;
	else
		vote->contradicted = true;
}

static void nodes_hear(struct monitor *self, struct node_vote *votes)
{
	size_t len = chain_nodes_len(self->client);
	for (size_t i = 0; i < len; i++) {
		struct testimony said;
		struct chain *node = NULL;
		if (!chain_node(self->client, i, &node, NULL) || !node_hear(self, node, &said))
			continue;
		for (size_t k = 0; k < self->claims_len; k++)
			vote_count(self, &said, k, &votes[k]);
	}
}

/* Once for a slot: the next head says the same. */
static void dispute_tell(struct monitor *self, const struct transfer *row)
{
	if (id_equal(self->chain->disputed, row->id))
		return;
	self->chain->disputed = row->id;
	monitor_log(self, row, "nodes_disagree", &row->mined_hash,
		    "nodes contradict each other: it waits until they agree", true);
}

/* The next settled claim ends it. */
static void lonely_note(struct monitor *self, bool lonely)
{
	struct monitor_chain *chain = self->chain;
	int64_t now = clock_monotonic_ms(self->options.clock);
	struct log_about about = { .action = "second_node_missing", .alarm = true };
	if (!lonely || chain->lonely_since == 0)
		chain->lonely_since = lonely ? now : 0;
	if (!lonely)
		chain->lonely_told = false;
	if (!lonely || chain->lonely_told || now - chain->lonely_since < LONELY_TELL_MS)
		return;
	chain->lonely_told = true;
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "second_node_missing chain %s: nothing becomes final until a second node answers",
		 chain->params->name);
}

bool monitor_claims_settle(struct monitor *self, struct err *err)
{
	struct node_vote votes[WATCH_BATCH] = { { 0 } };
	bool alone =
		chain_nodes_len(self->client) < CHAIN_NODES_AGREE_MIN || !DEFENCE("final_by_two");
	size_t n = self->claims_len;
	bool told = false;
	if (n > 0 && !alone)
		nodes_hear(self, votes);
	self->claims_len = 0;
	for (size_t i = 0; i < n; i++) {
		const struct claim *claim = &self->claims[i];
		if (votes[i].contradicted && !told) {
			dispute_tell(self, &claim->row);
			told = true;
		}
		bool lonely =
			!alone && !votes[i].contradicted && votes[i].agree < CHAIN_NODES_AGREE_MIN;
		lonely_note(self, lonely);
		if (votes[i].contradicted || lonely) {
			self->unsettled = true;
			monitor_fact_forget(self, &claim->row);
			continue;
		}
		if (!monitor_room(self, err))
			return false;
		monitor_claim_observe(self, claim);
	}
	return true;
}
