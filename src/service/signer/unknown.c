/* What a wallet has sent that the store does not know (ahead.c): found in the blocks, lowest nonce
 * first, and believed as deep as "unpaid" asks for, when as many nodes as have to agree show the
 * same. A payment is told to the journal as one whose withdrawal is not known, before anybody of
 * the chain is paid again: who equals it is held, and people say whose it was (loss.c). Then its
 * nonce gets a slot, so that store and chain are level for whoever asks later: of what the signer
 * makes with its transaction as an attempt, which the monitor follows and people can name.
 *
 * The wallet is stopped meanwhile, and until a person starts it. Nothing that cannot be read is
 * taken for harmless: the chain waits. */
#include "service/signer/signer_loss.h"
#include "service/signer/signer_recovery.h"
#include "service/signer/signer_resolve.h"

#include "base/defence.h"
#include "core/reason.h"
#include "core/transfer.h"

#include <stdlib.h>
#include <string.h>

#define READ_CALLS    4 /* in a step, of each wallet */
#define READ_PAUSE_MS 1000
#define AWAY_PAUSE_MS 10000 /* when it could not be read at all */
/* So far down a transaction is looked for: a day of two-second blocks. */
#define READ_BACK_MAX 43200
/* More is no loss of a moment: the store is an old one. */
#define UNKNOWN_MAX 1024

enum told {
	TOLD_NOT_YET, /* it may be another one, or none */
	TOLD_DONE,
	TOLD_NEVER, /* it cannot be read */
};

/* One look at one wallet's blocks. */
struct look {
	struct signer_wallet *wallet;
	uint64_t head;
	uint64_t wanted; /* the lowest nonce without its transaction */
	uint64_t used;   /* as many nonces have been used by blocks, as nodes agree */
};

/* ---- telling ---- */

static struct transfer payload_of(const struct signer_wallet *wallet, uint64_t nonce)
{
	return (struct transfer){ .wallet_id = wallet->row.id,
				  .chain_id = wallet->row.chain_id,
				  .wallet = wallet->row.address,
				  .nonce = nonce };
}

static bool payout_tell(struct signer *self, const struct signer_wallet *wallet,
			const struct chain_transaction *transaction, const struct transfer *paid,
			struct err *err)
{
	struct transfer payload = payload_of(wallet, transaction->nonce);
	payload.is_token = paid->is_token;
	payload.to = paid->to;
	payload.receiver = paid->receiver;
	payload.amount = paid->amount;
	return signer_payout_add(self, &payload, JOURNAL_FOREIGN, transaction->hash, err);
}

/* What the signer would not make itself may pay in its own ways: by the coin that it takes along,
 * and by what tokens log. */
static bool foreign_tell(struct signer *self, const struct signer_wallet *wallet,
			 const struct chain_transaction *transaction, const struct tx_look *look,
			 struct err *err)
{
	struct journal_entry entry = { .has_slot = true,
				       .slot = { wallet->row.chain_id, wallet->row.address,
						 transaction->nonce },
				       .kind = JOURNAL_FOREIGN,
				       .payload_hash = transaction->hash };
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	struct transfer coin = { .to = look->found.to,
				 .receiver = look->found.to,
				 .amount = { look->found.value.value } };
	if (!u256_is_zero(look->found.value.value) &&
	    !payout_tell(self, wallet, transaction, &coin, err))
		return false;
	for (size_t i = 0; i < look->receipt.logs_len; i++) {
		const struct abi_log *log = &look->receipt.logs[i];
		struct abi_transfer moved;
		if (!abi_read_transfer_log(log, &moved) ||
		    !address_equal(moved.from, wallet->row.address))
			continue;
		struct transfer token = { .is_token = true,
					  .to = log->contract,
					  .receiver = moved.to,
					  .amount = moved.amount };
		if (!payout_tell(self, wallet, transaction, &token, err))
			return false;
	}
	return journal_append_many(self->options.journal, &entry, 1, &verdict, err);
}

static struct attempt attempt_of(const struct chain_transaction *transaction)
{
	struct attempt attempt = { .raw_len = transaction->raw_len, .tx_hash = transaction->hash };
	memcpy(attempt.raw, transaction->raw, transaction->raw_len);
	return attempt;
}

/* As the signer makes them, by its own bytes. */
static bool is_ours(const struct signer *self, const struct signer_wallet *wallet,
		    const struct chain_transaction *transaction)
{
	const struct attempt attempt = attempt_of(transaction);
	struct transfer payload = { 0 };
	struct tx tx;
	bool pays = false;
	return transaction->raw_len > 0 &&
	       signer_attempt_is_signed(self, wallet, transaction->nonce, &attempt, &tx, &pays) &&
	       (!pays || transfer_read_payload(&tx, &payload));
}

static bool journal_tell(struct signer *self, struct signer_wallet *wallet,
			 const struct chain_transaction *transaction, const struct tx_look *look,
			 bool ours, struct err *err)
{
	const struct attempt attempt = attempt_of(transaction);
	struct transfer slot = payload_of(wallet, transaction->nonce);
	if (!DEFENCE("unknown_is_told"))
		return true;
	if (ours ? !signer_found_journal(self, wallet, &slot, &attempt, err)
		 : !foreign_tell(self, wallet, transaction, look, err))
		return false;
	signer_wallet_journaled(wallet, transaction->nonce);
	return true;
}

/* The nonces are level by it, also for who starts tomorrow. One of ours is watched by the monitor
 * from now on; of any other one the monitor finds out by itself. */
static bool slot_tell(struct signer *self, struct signer_wallet *wallet,
		      const struct chain_transaction *transaction, bool ours, struct err *err)
{
	struct store_by by = signer_by(self);
	struct store_import import;
	struct transfer slot;
	bool found = false;
	if (transaction->nonce == wallet->row.next_nonce &&
	    !signer_fillers_reserve(self, wallet, 1, err))
		return false;
	if (!ours)
		return true;
	if (!store_transfer_of_slot(self->options.store, wallet->row.id, transaction->nonce, &slot,
				    &found, err) ||
	    (found && !signer_import_fill(self, wallet, &slot, transaction, &import, &ours, err)))
		return false;
	return !found || !ours || store_attempt_import(self->options.store, &import, &by, err);
}

/* What pays in our form is bound to its withdrawal; what does not, never. One node that leaves the
 * bytes out does not decide that: so many answers as there are nodes say it, one after the other.
 */
static bool is_strange(const struct signer *self, struct signer_wallet *wallet)
{
	size_t len = chain_nodes_len(self->options.chains[wallet->chain]);
	return ++wallet->unknown.strange >= len || !DEFENCE("bytes_have_witnesses");
}

/* By its hash, in a block that is deep, on as many nodes as have to agree. */
static bool transaction_tell(struct signer *self, const struct look *at,
			     const struct chain_transaction *transaction, enum told *ret_told,
			     struct err *err)
{
	struct signer_wallet *wallet = at->wallet;
	const struct chain_params *params = &self->options.catalogue->chains[wallet->chain];
	struct tx_look look = { .seen = RESOLVE_SEEN_UNKNOWN };
	bool ours = is_ours(self, wallet, transaction);
	*ret_told = TOLD_NOT_YET;
	if (DEFENCE("depth_unpaid") && transaction->block + params->depth_unpaid > at->head) {
		wallet->unknown.deep = transaction->block + params->depth_unpaid;
		wallet->unknown.rises = true;
		return true;
	}
	if (!signer_tx_look(self, wallet->chain, transaction->hash, &look, err))
		return false;
	wallet->unknown.begun = look.seen != RESOLVE_SEEN_ABSENT; /* a reorg: once more */
	if (look.seen != RESOLVE_SEEN_FINAL || look.found.nonce != transaction->nonce ||
	    !address_equal(look.found.from, wallet->row.address))
		return true;
	if (!ours && !is_strange(self, wallet))
		return true;
	*ret_told = TOLD_NEVER;
	if (!ours && look.receipt.logs_len > CHAIN_LOGS_MAX)
		return true;
	if (wallet->row.stop_reason[0] == 0 &&
	    !signer_wallet_stop(self, wallet, reason_code(REASON_NONCE_CONSUMED_ELSEWHERE), err))
		return false;
	if (!journal_tell(self, wallet, transaction, &look, ours, err) ||
	    !slot_tell(self, wallet, transaction, ours, err))
		return false;
	*ret_told = TOLD_DONE;
	wallet->unknown.strange = 0;
	signer_log_wallet(self, wallet, "unknown_transaction", hash32_text(transaction->hash).at,
			  true);
	return true;
}

/* ---- looking for it ---- */

/* People look at the chain, and start the wallet; or take it out of the configuration. */
static bool give_up(struct signer *self, struct signer_wallet *wallet, const char *text,
		    struct err *err)
{
	if (!wallet->unknown.gave_up)
		signer_log_wallet(self, wallet, "unknown_transaction_unread", text, true);
	wallet->unknown.gave_up = true;
	wallet->unknown.begun = false;
	return wallet->row.stop_reason[0] != 0 ||
	       signer_wallet_stop(self, wallet, reason_code(REASON_NONCE_CONSUMED_ELSEWHERE), err);
}

/* From the head down; another node may show what this one hides, or does not have yet. */
static void begin(const struct look *at)
{
	struct unknown *unknown = &at->wallet->unknown;
	unknown->begun = true;
	unknown->rises = false;
	unknown->top = at->head;
	unknown->next =
		at->head >= CHAIN_SCAN_BLOCKS_MAX ? at->head - CHAIN_SCAN_BLOCKS_MAX + 1 : 0;
}

static void begin_again(struct signer *self, struct signer_wallet *wallet)
{
	wallet->unknown.begun = false;
	wallet->unknown.node++;
	wallet->unknown.at = clock_monotonic_ms(self->options.clock) + READ_PAUSE_MS;
}

/* What some blocks have shown. */
struct shown {
	size_t blocks; /* so many were asked for, */
	size_t read;   /* and read */
	size_t len;    /* transactions of the wallet */
	bool is_past;  /* some are below the wanted one, or were it */
};

static bool window_tell(struct signer *self, struct look *at, struct shown *shown, enum told *told,
			struct err *err)
{
	*told = TOLD_DONE;
	for (size_t i = 0; i < shown->len && at->wanted < at->used; i++) {
		const struct chain_transaction *transaction = &self->read[i];
		shown->is_past |= transaction->nonce <= at->wanted;
		if (transaction->nonce != at->wanted)
			continue;
		if (!transaction_tell(self, at, transaction, told, err))
			return false;
		if (*told != TOLD_DONE)
			return true;
		at->wanted++;
	}
	return true;
}

static bool window_read(struct signer *self, const struct look *at, struct shown *ret_shown,
			struct err *err)
{
	const struct unknown *unknown = &at->wallet->unknown;
	struct chain *chain = self->options.chains[at->wallet->chain];
	uint64_t left = at->head - unknown->next + 1;
	struct chain *node = NULL;
	*ret_shown =
		(struct shown){ .blocks = left < CHAIN_SCAN_BLOCKS_MAX ? (size_t)left
								       : CHAIN_SCAN_BLOCKS_MAX };
	return chain_node(chain, unknown->node % chain_nodes_len(chain), &node, err) &&
	       chain_transactions(node, unknown->next, ret_shown->blocks, &at->wallet->row.address,
				  1, self->read, CHAIN_SCAN_TXS_MAX, &ret_shown->len,
				  &ret_shown->read, err);
}

/* Down to where the wallet's older ones are, then up; where it ends without the wanted one, a node
 * hid it, or a reorg has moved it. */
static bool window_move(struct signer *self, const struct look *at, const struct shown *shown,
			struct err *err)
{
	struct unknown *unknown = &at->wallet->unknown;
	unknown->rises |= shown->is_past;
	if (unknown->rises)
		unknown->next += shown->read;
	bool lags = shown->read < (unknown->rises ? 1 : shown->blocks);
	if (lags || unknown->next > at->head)
		begin_again(self, at->wallet);
	if (lags || unknown->rises)
		return true;
	if (unknown->next == 0 || unknown->top - unknown->next > READ_BACK_MAX) {
		begin_again(self, at->wallet);
		return give_up(self, at->wallet, "no block of the last ones has it", err);
	}
	unknown->next =
		unknown->next > CHAIN_SCAN_BLOCKS_MAX ? unknown->next - CHAIN_SCAN_BLOCKS_MAX : 0;
	return true;
}

static bool blocks_read(struct signer *self, struct look *at, struct err *err)
{
	struct unknown *unknown = &at->wallet->unknown;
	for (int i = 0; i < READ_CALLS && at->wanted < at->used; i++) {
		struct shown shown;
		enum told told = TOLD_DONE;
		if (!unknown->begun || unknown->next > at->head)
			begin(at);
		if (!window_read(self, at, &shown, err) ||
		    !window_tell(self, at, &shown, &told, err))
			return false;
		if (told == TOLD_NEVER)
			return give_up(self, at->wallet, "more logs than are kept", err);
		/* What others do not have another node shows as it is. */
		if (told == TOLD_NOT_YET && unknown->deep == 0 && DEFENCE("another_node_shows_it"))
			begin_again(self, at->wallet);
		if (told == TOLD_NOT_YET) {
			unknown->at = clock_monotonic_ms(self->options.clock) + READ_PAUSE_MS;
			return true;
		}
		if (at->wanted < at->used && !window_move(self, at, &shown, err))
			return false;
		if (!unknown->begun)
			return true;
	}
	return true;
}

/* ---- which ---- */

/* Its nonce has a slot, and its transaction was told, but the process ended before that became an
 * attempt. */
static bool half_told(struct signer *self, const struct signer_wallet *wallet, uint64_t *ret_nonce,
		      struct err *err)
{
	for (size_t i = 0; i < wallet->slots_len; i++) {
		const struct transfer *slot = &wallet->slots[i];
		const struct journal_slot key = { slot->chain_id, slot->wallet, slot->nonce };
		struct hash32 hash;
		struct wei ceiling;
		uint32_t attempts = 0;
		bool has_pay = false;
		bool has_cancel = false;
		if (slot->stage != TRANSFER_RESERVED || !id_is_zero(slot->withdrawal))
			continue;
		if (!journal_slot_of(self->options.journal, &key, &has_pay, &has_cancel, &hash,
				     &ceiling, &attempts, err))
			return false;
		if ((has_pay || has_cancel) && slot->nonce < *ret_nonce)
			*ret_nonce = slot->nonce;
	}
	return true;
}

static bool is_stopped_for_it(const struct signer_wallet *wallet)
{
	return strcmp(wallet->row.stop_reason, reason_code(REASON_NONCE_CONSUMED_ELSEWHERE)) == 0;
}

/* The journal's own stops are for people: what is known of the store's age is in their hands. */
static bool may_read(const struct signer *self, const struct signer_wallet *wallet)
{
	enum reason reason = REASON_NONE;
	if (!wallet->owned || !wallet->row.entered || self->store_paused)
		return false;
	if (wallet->unknown.count == 0 && !is_stopped_for_it(wallet))
		return false;
	(void)reason_read(str_from(wallet->row.stop_reason), &reason);
	return !reason_is_of_journal(reason) &&
	       clock_monotonic_ms(self->options.clock) >= wallet->unknown.at;
}

/* Who waits for it is looked at again, and the nodes are asked again before that. */
static bool is_over(struct signer *self, struct signer_wallet *wallet, const struct look *at)
{
	if (at->wanted < at->used)
		return false;
	wallet->unknown.begun = wallet->unknown.gave_up = wallet->is_behind = false;
	wallet->unknown.count = 0;
	signer_ahead_spread(self, wallet->chain, false);
	return true;
}

static bool wallet_read(struct signer *self, struct signer_wallet *wallet, struct err *err)
{
	struct look at = { .wallet = wallet, .wanted = wallet->row.next_nonce };
	struct chain_head head;
	uint64_t pending = 0;
	bool journaled = wallet->journal_any && wallet->journal_next > wallet->row.next_nonce;
	if (!half_told(self, wallet, &at.wanted, err))
		return false;
	/* A wallet that was stopped for it is asked about no more. */
	if (wallet->unknown.count == 0 && !journaled && at.wanted == wallet->row.next_nonce)
		return true;
	if (!signer_head(self, wallet->chain, HEAD_AGE_MS, &head, err))
		return false;
	if (head.number < wallet->unknown.deep)
		return true;
	wallet->unknown.deep = 0;
	at.head = head.number;
	if (!signer_nonces_agreed(self, wallet, &at.used, &pending, err))
		return false;
	if (at.used > at.wanted && at.used - at.wanted > UNKNOWN_MAX) {
		wallet->unknown.at = clock_monotonic_ms(self->options.clock) + READ_PAUSE_MS;
		return give_up(self, wallet, "more than are read: the store is an old one", err);
	}
	bool read = is_over(self, wallet, &at) || blocks_read(self, &at, err);
	if (!wallet->unknown.begun || !read)
		wallet->unknown.at = clock_monotonic_ms(self->options.clock) + READ_PAUSE_MS;
	return read;
}

/* A fault of this keeps nothing else from going on: the chain waits for it anyway. */
void signer_unknown_read(struct signer *self)
{
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct err fault = { 0 };
		if (!may_read(self, &self->wallets[i]))
			continue;
		if (self->read == NULL)
			self->read = calloc(CHAIN_SCAN_TXS_MAX, sizeof *self->read);
		CHECK(self->read != NULL);
		if (wallet_read(self, &self->wallets[i], &fault))
			continue;
		self->wallets[i].unknown.begun = false;
		self->wallets[i].unknown.node++; /* this one may be away */
		self->wallets[i].unknown.at =
			clock_monotonic_ms(self->options.clock) + AWAY_PAUSE_MS;
		log_line(
			self->options.log, LOG_WARN,
			&(struct log_about){ .action = "unknown_transaction_waits", .err = &fault },
			"what a wallet has sent cannot be read now");
	}
}
