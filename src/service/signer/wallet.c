/* The signer's wallets: which are ours by lease, where their nonces start, which slots are in
 * flight. */
#include "service/signer/signer_loss.h"
#include "service/signer/signer_quote.h"
#include "service/signer/signer_recovery.h"
#include "service/signer/signer_resolve.h"
#include "service/signer/signer_share.h"

#include "base/defence.h"
#include "core/confirm.h"
#include "core/reason.h"
#include "core/timing.h"

#include <stdio.h>
#include <string.h>

struct signer_wallet *signer_wallet_of(struct signer *self, int64_t wallet_id)
{
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].row.id == wallet_id)
			return &self->wallets[i];
	return NULL;
}

bool signer_wallet_can_reserve(const struct signer_wallet *wallet)
{
	return wallet->owned && wallet->drained && wallet->row.entered && !wallet->unsure &&
	       !wallet->is_behind && wallet->row.stop_reason[0] == 0 &&
	       wallet->in_flight < wallet->params->in_flight_max;
}

size_t signer_free_slots(const struct signer *self)
{
	size_t free_slots = 0;
	for (size_t i = 0; i < self->wallets_len; i++) {
		const struct signer_wallet *wallet = &self->wallets[i];
		if (signer_wallet_can_reserve(wallet))
			free_slots += wallet->params->in_flight_max - wallet->in_flight;
	}
	return free_slots;
}

bool signer_head(struct signer *self, size_t chain, int64_t max_age_ms, struct chain_head *ret_head,
		 struct err *err)
{
	struct signer_chain *state = &self->chains[chain];
	int64_t now = clock_monotonic_ms(self->options.clock);
	CHECK(chain < self->options.catalogue->chains_len);
	if (state->looked_at == 0 || now - state->looked_at > max_age_ms) {
		now = now == 0 ? 1 : now;
		if (!chain_head(self->options.chains[chain], &state->head, err)) {
			state->away_since = state->away_since == 0 ? now : state->away_since;
			return false;
		}
		state->away_since = 0;
		state->looked_at = now;
		signer_quote_publish(self, chain);
	}
	*ret_head = state->head;
	return true;
}

bool signer_wallet_stop(struct signer *self, struct signer_wallet *wallet, const char *reason,
			struct err *err)
{
	struct store_by by = signer_by(self);
	const struct store_lease *lease = wallet->owned ? &wallet->lease : NULL;
	bool held = false;
	(void)snprintf(wallet->row.stop_reason, sizeof wallet->row.stop_reason, "%s", reason);
	if (!store_wallet_stop(self->options.store, wallet->row.id, reason, lease, &by, &held, err))
		return false;
	/* What one that slept believes of a wallet that it has lost is nobody's alarm. */
	if (held)
		signer_log_wallet(self, wallet, "wallet_stopped", reason, true);
	return true;
}

bool signer_wallet_recovers(const struct signer_wallet *wallet)
{
	return strcmp(wallet->row.stop_reason, reason_code(REASON_RECOVERING)) == 0 ||
	       strcmp(wallet->row.stop_reason, reason_code(REASON_JOURNAL_IS_AHEAD)) == 0;
}

static bool pauses_store(const struct wallet *row)
{
	enum reason reason = REASON_NONE;
	return reason_read(str_from(row->stop_reason), &reason) && reason_pauses_store(reason);
}

/* Copies what the store says of the configured wallets. */
static bool rows_load(struct signer *self, struct err *err)
{
	struct wallet rows[WALLETS_MAX];
	size_t len = 0;
	const struct catalogue *catalogue = self->options.catalogue;
	if (!store_wallets_load(self->options.store, rows, WALLETS_MAX, &len, err))
		return false;
	self->store_paused = self->options.recovers;
	for (size_t i = 0; i < len; i++) {
		self->store_paused |= DEFENCE("old_store_is_paused") && pauses_store(&rows[i]);
		const struct wallet_params *params =
			catalogue_wallet(catalogue, rows[i].chain_id, rows[i].address);
		if (params == NULL)
			continue;
		struct signer_wallet *wallet = &self->wallets[params - catalogue->wallets];
		signer_ahead_started(wallet, rows[i].stop_reason);
		wallet->row = rows[i];
		wallet->in_flight = rows[i].in_flight;
		wallet->params = params;
		wallet->chain = params->chain;
	}
	return true;
}

static bool journal_look(struct signer *self, struct signer_wallet *wallet, struct err *err)
{
	return journal_next_nonce(self->options.journal, wallet->row.chain_id, wallet->row.address,
				  &wallet->journal_any, &wallet->journal_next, err);
}

void signer_wallet_journaled(struct signer_wallet *wallet, uint64_t nonce)
{
	if (!wallet->journal_any || wallet->journal_next <= nonce)
		wallet->journal_next = nonce + 1;
	wallet->journal_any = true;
}

/* Does the store hold signed slots that the journal lacks? Then the journal is lost, or an old one.
 */
bool signer_journal_lacks(struct signer *self, const struct signer_wallet *wallet,
			  uint64_t journaled, bool *ret_lacks, struct err *err)
{
	struct transfer rows[SLOTS_MAX];
	struct store_transfer_filter filter = { .wallet_id = wallet->row.id,
						.first = TRANSFER_SIGNED,
						.last = TRANSFER_FINAL,
						.mined_block_max = UINT64_MAX,
						.nonce_min = journaled,
						.limit = SLOTS_MAX };
	size_t n = 0;
	*ret_lacks = false;
	if (!store_transfers_load(self->options.store, &filter, rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		*ret_lacks |= rows[i].attempts > 0;
	return true;
}

/* A journal that cannot say what was paid protects no wallet. */
static bool wallets_stop(struct signer *self, const char *reason, struct err *err)
{
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].row.id != 0 && self->wallets[i].row.stop_reason[0] == 0 &&
		    !signer_wallet_stop(self, &self->wallets[i], reason, err))
			return false;
	return true;
}

static bool hole_stop(struct signer *self, struct signer_wallet *wallet, uint64_t journaled,
		      struct err *err)
{
	bool lacks = false;
	if (!signer_journal_lacks(self, wallet, journaled, &lacks, err))
		return false;
	if (lacks)
		return wallets_stop(self, reason_code(REASON_JOURNAL_IS_BEHIND), err);
	return signer_wallet_stop(self, wallet, reason_code(REASON_NONCES_NOT_DENSE), err);
}

static bool stages_load(struct signer *self, struct signer_wallet *wallet,
			enum transfer_stage first, enum transfer_stage last, struct err *err)
{
	struct store_transfer_filter filter = { .wallet_id = wallet->row.id,
						.first = first,
						.last = last,
						.mined_block_max = UINT64_MAX,
						.for_signer = true,
						.limit = SLOTS_MAX };
	size_t n = 0;
	if (!store_transfers_load(self->options.store, &filter, wallet->slots + wallet->slots_len,
				  &n, err))
		return false;
	wallet->slots_len += n;
	return true;
}

/* Few are out of place: slots that a reorg gave back, below those that wait for a signature. */
static void slots_sort(struct signer_wallet *wallet)
{
	for (size_t i = 1; i < wallet->slots_len; i++) {
		struct transfer moved = wallet->slots[i];
		size_t at = i;
		for (; at > 0 && wallet->slots[at - 1].nonce > moved.nonce; at--)
			wallet->slots[at] = wallet->slots[at - 1];
		wallet->slots[at] = moved;
	}
}

/* What waits for its first signature or its first send is bounded by the wallet's limit, and all of
 * it is read. What a reorg gave back is not: of that as many as fit, the lowest first. */
static bool slots_load(struct signer *self, struct signer_wallet *wallet, struct err *err)
{
	wallet->slots_len = 0;
	if (wallet->in_flight == 0)
		return true;
	if (!stages_load(self, wallet, TRANSFER_RESERVED, TRANSFER_BROADCAST, err))
		return false;
	if (wallet->slots_len < SLOTS_MAX)
		return true;
	wallet->slots_len = 0;
	if (!stages_load(self, wallet, TRANSFER_RESERVED, TRANSFER_SIGNED, err) ||
	    !stages_load(self, wallet, TRANSFER_BROADCAST, TRANSFER_BROADCAST, err))
		return false;
	slots_sort(wallet);
	return true;
}

static void lease_name(struct signer_wallet *wallet)
{
	wallet->lease.wallet_id = wallet->row.id;
	(void)snprintf(wallet->lease.name, sizeof wallet->lease.name, "wallet-%d",
		       (int)wallet->row.id);
}

static bool lease_take(struct signer *self, struct signer_wallet *wallet, bool *ret_taken,
		       struct err *err)
{
	lease_name(wallet);
	return store_lease_take(self->options.store, &wallet->lease, self->options.instance,
				clock_monotonic_ms(self->options.clock), ret_taken, err);
}

/* After it was taken or kept. One that was lost and came back looks like one that was kept, but for
 * its epoch: somebody else has taken nonces in between. */
static bool lease_look(struct signer *self, struct signer_wallet *wallet, uint64_t epoch,
		       bool taken, struct err *err)
{
	taken |= !DEFENCE("wallet_lease");
	if (wallet->owned && !taken)
		signer_share_lost(self, wallet);
	if (!taken ||
	    (wallet->owned && (wallet->lease.epoch == epoch || !DEFENCE("lease_epoch")))) {
		wallet->owned = taken;
		return true;
	}
	wallet->owned = false;
	wallet->drained = !DEFENCE("drain");
	signer_spending_forget(self, wallet);
	/* The owner before may have taken nonces after this step's look. */
	if (!rows_load(self, err) || !journal_look(self, wallet, err))
		return false;
	wallet->owned = true;
	signer_log_wallet(self, wallet, "wallet_taken", "", false);
	return true;
}

static uint64_t journaled_of(const struct signer_wallet *wallet)
{
	return wallet->journal_any ? wallet->journal_next : wallet->row.first_nonce;
}

/* Every nonce up to next_nonce is journaled, or is a reserved slot that waits for its signature. */
static bool is_same_story(const struct signer_wallet *wallet)
{
	uint64_t journaled = journaled_of(wallet);
	uint64_t next = wallet->row.next_nonce;
	uint64_t waiting = 0;
	for (size_t i = 0; i < wallet->slots_len; i++) {
		const struct transfer *slot = &wallet->slots[i];
		if (slot->stage == TRANSFER_RESERVED && slot->nonce >= journaled &&
		    slot->nonce < next)
			waiting++;
	}
	return next >= journaled && next - journaled == waiting;
}

/* Is it still ours, before a person is called for what was read of it? Not owned: no more. */
static bool lease_look_again(struct signer *self, struct signer_wallet *wallet, struct err *err)
{
	uint64_t epoch = wallet->lease.epoch;
	bool taken = false;
	if (!lease_take(self, wallet, &taken, err))
		return false;
	if (!taken || wallet->lease.epoch != epoch) {
		wallet->owned = false; /* and to be taken over from the start */
		wallet->lease.epoch = 0;
	}
	return true;
}

/* Before a wallet stops: what was read one after the other may be torn by another owner, and so is
 * what an owner remembers who has been asleep. */
static bool story_read_again(struct signer *self, struct signer_wallet *wallet, struct err *err)
{
	if (!lease_look_again(self, wallet, err))
		return false;
	return !wallet->owned || (rows_load(self, err) && journal_look(self, wallet, err) &&
				  slots_load(self, wallet, err));
}

/* Is the slot's nonce a stranger's by the chain's own word? The row is an editor's as well, and
 * what is journaled here is a nonce that nobody fills any more. */
static bool foreign_prove(struct signer *self, const struct signer_wallet *wallet,
			  const struct transfer *slot, bool *ret_foreign, bool *ret_unsure,
			  struct err *err)
{
	struct tx_look look = { .seen = RESOLVE_SEEN_UNKNOWN };
	*ret_foreign = slot->outcome == OUTCOME_FOREIGN && slot->attempts == 0;
	if (!*ret_foreign || !DEFENCE("stranger_by_the_chain"))
		return true;
	if (!signer_tx_look(self, wallet->chain, slot->mined_hash, &look, err))
		return false;
	*ret_unsure = look.seen == RESOLVE_SEEN_UNKNOWN;
	*ret_foreign = look.seen == RESOLVE_SEEN_FINAL && look.found.nonce == slot->nonce &&
		       address_equal(look.found.from, wallet->row.address);
	return true;
}

/* Slots that were never signed for and went to somebody else's transaction: the journal takes them
 * over once they are final, so that its nonces are dense again. */
static bool foreign_journal(struct signer *self, struct signer_wallet *wallet, struct err *err)
{
	struct transfer rows[BATCH_MAX];
	struct journal_entry entries[BATCH_MAX];
	enum journal_verdict verdicts[BATCH_MAX];
	struct store_transfer_filter filter = { .wallet_id = wallet->row.id,
						.first = TRANSFER_FINAL,
						.last = TRANSFER_FINAL,
						.mined_block_max = UINT64_MAX,
						.nonce_min = journaled_of(wallet),
						.limit = BATCH_MAX };
	size_t n = 0;
	size_t len = 0;
	if (!store_transfers_load(self->options.store, &filter, rows, &n, err))
		return false;
	for (size_t i = 0; i < n && !wallet->unsure; i++) {
		bool foreign = false;
		if (!foreign_prove(self, wallet, &rows[i], &foreign, &wallet->unsure, err))
			return false;
		if (!foreign)
			continue;
		entries[len++] = (struct journal_entry){
			.has_slot = true,
			.slot = { wallet->row.chain_id, wallet->row.address, rows[i].nonce },
			.kind = JOURNAL_FOREIGN,
			.payload_hash = rows[i].mined_hash,
		};
	}
	return len == 0 ||
	       (journal_append_many(self->options.journal, entries, len, verdicts, err) &&
		journal_look(self, wallet, err));
}

static bool ahead_stop(struct signer *self, struct signer_wallet *wallet, uint64_t journaled,
		       struct err *err)
{
	bool told = false;
	if (!signer_payouts_told(self, wallet, journaled, &told, err))
		return false;
	told &= DEFENCE("told_is_no_old_store");
	return signer_wallet_stop(
		self, wallet,
		reason_code(told ? REASON_NONCE_CONSUMED_ELSEWHERE : REASON_JOURNAL_IS_AHEAD), err);
}

/* Store and journal must tell the same story (T2). A store that does not know slots of the journal
 * is an old one (a restored backup), and what was paid from them is unknown to it; a nonce without
 * a row would keep all later ones waiting for ever. Only people can go on from there. */
static bool nonces_compare(struct signer *self, struct signer_wallet *wallet, struct err *err)
{
	wallet->unsure = false;
	if (!DEFENCE("same_story") || wallet->row.stop_reason[0] != 0 || is_same_story(wallet))
		return true;
	if (DEFENCE("torn_read_again") && !story_read_again(self, wallet, err))
		return false;
	if (wallet->owned && !foreign_journal(self, wallet, err))
		return false;
	if (!wallet->owned || wallet->unsure || is_same_story(wallet))
		return true;
	uint64_t journaled = journaled_of(wallet);
	if (wallet->row.next_nonce < journaled)
		return ahead_stop(self, wallet, journaled, err);
	return hole_stop(self, wallet, journaled, err);
}

/* After a call that failed: whose epoch is another one is taken over from the start, next time. */
static void leases_doubt(struct signer_wallet *const *wallets, const uint64_t *epochs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (wallets[i]->lease.epoch != epochs[i])
			wallets[i]->owned = false;
}

/* Takes leases or keeps them, in one call; then looks at each. */
static bool leases_take(struct signer *self, struct signer_wallet *const *wallets, size_t n,
			int64_t now, struct err *err)
{
	struct store_lease *leases[WALLETS_MAX];
	uint64_t epochs[WALLETS_MAX];
	bool taken[WALLETS_MAX] = { false };
	for (size_t i = 0; i < n; i++) {
		lease_name(wallets[i]);
		wallets[i]->lease.gives = signer_share_gives(self, wallets[i]);
		wallets[i]->lease.rests = signer_share_rests(self, wallets[i]);
		epochs[i] = wallets[i]->lease.epoch;
		leases[i] = &wallets[i]->lease;
	}
	bool done = n == 0 || store_leases_take(self->options.store, leases, n,
						self->options.instance, now, taken, err);
	for (size_t i = 0; i < n; i++)
		wallets[i]->lease.gives = false;
	for (size_t i = 0; i < n && done; i++)
		done = lease_look(self, wallets[i], epochs[i], taken[i], err);
	if (!done)
		leases_doubt(wallets, epochs, n);
	return done;
}

/* What is ours is kept by one transaction. What is not is taken over wallet by wallet: who cannot
 * (the journal is away, say) would have them all, and nobody else could. */
static bool leases_take_all(struct signer *self, int64_t now, struct err *err)
{
	struct signer_wallet *wallets[WALLETS_MAX] = { NULL };
	size_t owned = 0;
	size_t others = 0;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].owned)
			wallets[owned++] = &self->wallets[i];
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].row.id != 0 && !self->wallets[i].owned)
			wallets[owned + others++] = &self->wallets[i];
	bool done = leases_take(self, wallets, owned, now, err);
	for (size_t i = 0; i < others && done; i++)
		done = leases_take(self, &wallets[owned + i], 1, now, err);
	return done;
}

static bool leases_keep(struct signer *self, struct err *err)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	if (now < self->leases_at)
		return true;
	signer_share_look(self);
	if (!leases_take_all(self, now, err))
		return false;
	signer_share(self);
	self->leases_at = now + LEASES_LOOK_MS;
	return true;
}

void signer_leave(struct signer *self)
{
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct signer_wallet *wallet = &self->wallets[i];
		struct err err = { 0 };
		bool taken = false;
		wallet->lease.leaves = true;
		if (wallet->owned)
			(void)lease_take(self, wallet, &taken, &err);
		wallet->owned = false;
	}
}

/* What was sent before the entry is as deep as a paid verdict: a reorg that takes it back would
 * leave a nonce below the wallet's first that nobody fills. A state that the node does not keep
 * says nothing. */
static bool entry_is_deep(struct chain *node, const struct signer_wallet *wallet,
			  const struct chain_params *params, uint64_t nonce, bool *ret_deep,
			  struct err *err)
{
	struct chain_head head;
	struct chain_nonce then = { 0 };
	uint64_t block = 0;
	*ret_deep = true;
	if (nonce == 0 || !DEFENCE("entry_is_deep"))
		return true;
	if (!chain_head(node, &head, err))
		return false;
	uint64_t finalized = head.has_finalized ? head.finalized_number : 0;
	*ret_deep = confirm_final_block(params, head.number, finalized, &block);
	if (!*ret_deep)
		return true;
	if (head.number - block > CHAIN_STATE_BLOCKS)
		block = head.number - CHAIN_STATE_BLOCKS;
	if (!chain_nonces(node, block, &wallet->row.address, 1, &then, err))
		return false;
	*ret_deep = !then.known || then.count == nonce;
	return true;
}

static bool entry_ask(struct chain *node, const struct signer_wallet *wallet,
		      const struct chain_params *params, uint64_t *ret_nonce, bool *ret_settled,
		      struct err *err)
{
	struct chain_nonce latest = { 0 };
	struct chain_nonce pending = { 0 };
	bool deep = false;
	if (!chain_nonces(node, CHAIN_BLOCK_LATEST, &wallet->row.address, 1, &latest, err) ||
	    !chain_nonces(node, CHAIN_BLOCK_PENDING, &wallet->row.address, 1, &pending, err) ||
	    !entry_is_deep(node, wallet, params, latest.count, &deep, err))
		return false;
	*ret_settled = latest.known && pending.known && latest.count == pending.count && deep;
	*ret_nonce = latest.count;
	return true;
}

/* A wallet that enters at a wrong nonce pays nobody, and only people get it out of that: two nodes
 * say the same, where there are two, and none another thing. */
static bool entry_nonces(struct signer *self, const struct signer_wallet *wallet,
			 uint64_t *ret_nonce, bool *ret_settled, struct err *err)
{
	struct chain *chain = self->options.chains[wallet->chain];
	const struct chain_params *params = &self->options.catalogue->chains[wallet->chain];
	size_t len = chain_nodes_len(chain);
	size_t agree = 0;
	*ret_settled = false;
	if (!DEFENCE("entry_has_witnesses"))
		return entry_ask(chain, wallet, params, ret_nonce, ret_settled, err);
	for (size_t i = 0; i < len; i++) {
		struct chain *node = NULL;
		uint64_t nonce = 0;
		bool settled = false;
		if (!chain_node(chain, i, &node, err) ||
		    !entry_ask(node, wallet, params, &nonce, &settled, err)) {
			if (len == 1)
				return false;
			continue;
		}
		if (!settled || (agree > 0 && nonce != *ret_nonce))
			return true;
		*ret_nonce = nonce;
		agree++;
	}
	*ret_settled = agree >= signer_nodes_needed(chain);
	return true;
}

/* It entered after the backup: the journal, which is dense with the strangers' nonces in it, says
 * where. */
static bool entry_recover(struct signer *self, struct signer_wallet *wallet, struct err *err)
{
	struct store_by by = signer_by(self);
	struct journal_slot slot = { .chain_id = wallet->row.chain_id,
				     .wallet = wallet->row.address,
				     .nonce = wallet->journal_next - 1 };
	bool has_pay = true;
	bool has_cancel = false;
	struct hash32 hash;
	struct wei ceiling;
	uint32_t attempts = 0;
	for (; slot.nonce > 0; slot.nonce--) {
		struct journal_slot below = slot;
		below.nonce--;
		if (!journal_slot_of(self->options.journal, &below, &has_pay, &has_cancel, &hash,
				     &ceiling, &attempts, err))
			return false;
		bool foreign = DEFENCE("strangers_are_dense") && !hash32_is_zero(hash);
		if (!has_pay && !has_cancel && !foreign)
			break;
	}
	if (!store_wallet_enter(self->options.store, wallet->row.id, wallet->lease.epoch,
				slot.nonce, &by, err))
		return false;
	wallet->row.entered = true;
	wallet->row.first_nonce = wallet->row.next_nonce = slot.nonce;
	return true;
}

/* A wallet enters when nothing of it is on its way: the same count at latest and pending, and at a
 * block that is deep, twice, some time apart. A key that was just made has never sent: it enters at
 * once, at nonce 0. The journal's word counts too: a store that knows less than the journal is an
 * old one. */
static bool wallet_enter(struct signer *self, struct signer_wallet *wallet, struct err *err)
{
	struct store_by by = signer_by(self);
	int64_t now = clock_monotonic_ms(self->options.clock);
	uint64_t nonce = 0;
	bool settled = false;
	if (wallet->journal_any) {
		if (self->options.recovers)
			return entry_recover(self, wallet, err);
		if (!wallet->entry_mismatch)
			signer_log_wallet(self, wallet, "wallet_entry_refused",
					  "the journal knows slots that the store does not", true);
		wallet->entry_mismatch = true;
		return true;
	}
	if (self->options.recovers)
		return true; /* it never sent anything: it enters when that is over */
	if (!entry_nonces(self, wallet, &nonce, &settled, err))
		return false;
	if (!settled || (wallet->entry_looked_at != 0 && nonce != wallet->entry_nonce)) {
		wallet->entry_looked_at = 0;
		return true;
	}
	bool at_once = wallet->params->fresh && nonce == 0;
	if (!at_once && wallet->entry_looked_at == 0) {
		wallet->entry_looked_at = now == 0 ? 1 : now;
		wallet->entry_nonce = nonce;
		return true;
	}
	if (!at_once && now - wallet->entry_looked_at < self->options.entry_wait_ms)
		return true;
	if (!store_wallet_enter(self->options.store, wallet->row.id, wallet->lease.epoch, nonce,
				&by, err))
		return false;
	wallet->row.entered = true;
	wallet->row.first_nonce = nonce;
	wallet->row.next_nonce = nonce;
	signer_log_wallet(self, wallet, "wallet_entered", "", false);
	return true;
}

/* A node that is away keeps a new wallet out, and stops nothing else. It is told of once. */
static void entry_try(struct signer *self, struct signer_wallet *wallet)
{
	struct err fault = { 0 };
	if (wallet_enter(self, wallet, &fault)) {
		wallet->entry_told = false;
		return;
	}
	if (!wallet->entry_told)
		log_line(self->options.log, LOG_WARN,
			 &(struct log_about){ .action = "wallet_entry", .err = &fault },
			 "the wallet cannot enter yet");
	wallet->entry_told = true;
}

bool signer_wallets_refresh(struct signer *self, struct err *err)
{
	int64_t in_flight = 0;
	self->sums_len = 0; /* they counted the slots of the step before */
	if (!rows_load(self, err) || !leases_keep(self, err))
		return false;
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct signer_wallet *wallet = &self->wallets[i];
		wallet->slots_len = wallet->slots_fresh_from = 0;
		if (!wallet->owned)
			continue;
		if (!wallet->row.entered)
			entry_try(self, wallet);
		if (wallet->row.entered &&
		    (!slots_load(self, wallet, err) || !nonces_compare(self, wallet, err)))
			return false;
		if (!wallet->owned)
			wallet->slots_len = 0;
		wallet->slots_fresh_from = wallet->slots_len;
		in_flight += (int64_t)wallet->in_flight;
	}
	metric_set(self->in_flight, in_flight);
	return true;
}
