/* After a restore, in this order:
 *
 *	targets   up to where a wallet's nonces are looked for or filled: it only falls
 *	rebuild.c a lost journal: what the store holds signed
 *	scan.c    the blocks since the backup: each transaction of our wallets becomes an attempt
 *	          of its slot, if the journal knows it
 *	fill      nonces that nobody has used get their self-transfers
 *	binding   when all slots are final: withdrawals go to what paid them (adopt.c), and what is
 *	          left of those slots is told to the journal
 *
 * A slot of the journal whose bytes are lost is filled like the others: either its payment is
 *mined, and found, or its nonce is gone and it can never be. */
#include "service/signer/signer_loss.h"
#include "service/signer/signer_recovery.h"

#include "base/defence.h"
#include "core/reason.h"
#include "core/transfer.h"

#include <stdlib.h>
#include <string.h>

/* Nonces above what the node says: more than it queues for an account (protocol.md 10). */
#define TARGET_MARGIN 64
#define FILL_GAS      21000
/* The store keeps 63 bits. */
#define NONCE_MAX ((uint64_t)INT64_MAX / 2)
/* A run that was ended right after its last word is begun once more. */
#define DONE_ADVICE "that is done: people may unpause"

void signer_recovery_init(struct signer *self)
{
	if (!self->options.recovers)
		return;
	self->recovery = calloc(1, sizeof *self->recovery);
	CHECK(self->recovery != NULL);
}

void signer_recovery_deinit(struct signer *self)
{
	free(self->recovery);
}

static bool recovers(const struct signer_wallet *wallet)
{
	return wallet->row.id != 0 && wallet->row.entered && signer_wallet_recovers(wallet);
}

/* Not known to the store at all, and used since: it enters first. */
static bool has_to_enter(const struct signer_wallet *wallet)
{
	return wallet->row.id != 0 && !wallet->row.entered && wallet->journal_any;
}

/* ---- may it begin? ---- */

static bool all_owned(const struct signer *self, struct err *err)
{
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].row.id != 0 && !self->wallets[i].owned)
			return err_set(err, ERR_REFUSED,
				       "another signer has wallet %s: stop it first",
				       address_text(self->wallets[i].row.address).at);
	return true;
}

bool signer_recover_owns(struct signer *self, bool *ret_owns, struct err *err)
{
	if (!signer_wallets_refresh(self, err))
		return false;
	*ret_owns = all_owned(self, NULL);
	return true;
}

/* What the wallets are stopped for: how many of them. */
struct stops {
	size_t recovering;
	size_t recovered;
	size_t ahead;
	size_t behind;
};

static bool is_configured(const struct signer *self, int64_t wallet_id)
{
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].row.id == wallet_id)
			return true;
	return false;
}

/* Those that left the configuration are counted too: nobody but the command ends their stops. */
static bool stops_count(struct signer *self, struct stops *ret_stops, struct err *err)
{
	struct wallet rows[WALLETS_MAX];
	struct stops stops = { 0 };
	size_t len = 0;
	if (!store_wallets_load(self->options.store, rows, WALLETS_MAX, &len, err))
		return false;
	for (size_t i = 0; i < len; i++) {
		const char *reason = rows[i].stop_reason;
		stops.recovering += strcmp(reason, reason_code(REASON_RECOVERING)) == 0;
		stops.recovered += strcmp(reason, reason_code(REASON_RECOVERED)) == 0;
		stops.ahead += strcmp(reason, reason_code(REASON_JOURNAL_IS_AHEAD)) == 0;
		stops.behind += is_configured(self, rows[i].id) &&
				strcmp(reason, reason_code(REASON_JOURNAL_IS_BEHIND)) == 0;
	}
	*ret_stops = stops;
	return true;
}

static bool living_begin(struct signer *self, const struct store_incarnation *last,
			 const struct stops *stops, struct err *err)
{
	struct store_by by = signer_by(self);
	uint64_t number = 0;
	if (stops->behind > 0 || (last->journal_lost && stops->recovering > 0))
		return err_set(err, ERR_REFUSED, "the journal is lost; " LOST_ADVICE);
	if (stops->recovering + stops->ahead == 0 && stops->recovered > 0)
		return err_set(err, ERR_REFUSED, DONE_ADVICE);
	if (stops->recovering + stops->ahead == 0)
		return err_set(err, ERR_REFUSED, "no wallet recovers: nothing was restored");
	return stops->recovering > 0 ||
	       store_recover_begin(self->options.store, last->number + 1, false, &by, &number, err);
}

static bool loss_mark(struct signer *self, const struct store_incarnation *life, struct err *err)
{
	int64_t chain_ms = 0;
	return signer_head_time_seen(self, &chain_ms, err) &&
	       signer_loss_mark(self, life, chain_ms, err);
}

/* A loss is marked once: a run that goes on finds that of this life of the store marked. */
static bool lost_begin(struct signer *self, const struct store_incarnation *last,
		       const struct stops *stops, struct err *err)
{
	struct store_by by = signer_by(self);
	struct store_incarnation now;
	bool marked = false;
	if (!signer_loss_is_marked(self, last, &marked, err))
		return false;
	if (last->journal_lost && marked && stops->recovered > 0 && stops->recovering == 0)
		return err_set(err, ERR_REFUSED, DONE_ADVICE);
	if (last->journal_lost && stops->recovering > 0)
		return marked || loss_mark(self, last, err);
	return store_recover_begin(self->options.store, last->number + 1, true, &by, &now.number,
				   err) &&
	       store_incarnation_load(self->options.store, &now, err) && loss_mark(self, &now, err);
}

/* Wallets that are new since the backup, and those of a store that was replaced by hand. */
static bool wallets_stop(struct signer *self, struct err *err)
{
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct signer_wallet *wallet = &self->wallets[i];
		if (wallet->row.id != 0 && wallet->row.stop_reason[0] == 0 &&
		    !signer_wallet_stop(self, wallet, reason_code(REASON_RECOVERING), err))
			return false;
	}
	return true;
}

bool signer_recover_begin(struct signer *self, struct err *err)
{
	struct store_incarnation last;
	bool lost = self->options.journal_lost;
	if (!signer_wallets_refresh(self, err) || !all_owned(self, err) ||
	    !store_incarnation_load(self->options.store, &last, err))
		return false;
	struct stops stops;
	if (!stops_count(self, &stops, err) ||
	    !(lost ? lost_begin(self, &last, &stops, err) : living_begin(self, &last, &stops, err)))
		return false;
	if (!signer_wallets_refresh(self, err) || !wallets_stop(self, err))
		return false;
	for (size_t i = 0; i < self->wallets_len && !lost; i++)
		if (self->wallets[i].row.id != 0 &&
		    !signer_journal_check(self, &self->wallets[i], err))
			return false;
	return signer_entries_look(self, err);
}

/* ---- targets and fillers ---- */

/* Above all that may have been signed. A node that names a nonce which no pool gets to is not
 * believed: all nonces below would be filled, for ever. */
static bool target_find(struct signer *self, const struct signer_wallet *wallet,
			uint64_t *ret_target, struct err *err)
{
	uint64_t latest = 0;
	uint64_t pending = 0;
	if (!signer_nonces_agreed(self, wallet, &latest, &pending, err))
		return false;
	uint64_t target = latest + wallet->params->in_flight_max + TARGET_MARGIN;
	if ((target < pending && DEFENCE("target_is_near")) || latest > NONCE_MAX)
		return err_set(err, ERR_NOT_DONE,
			       "wallet %s has used %llu nonces, and %llu are said to wait: more "
			       "than a pool holds",
			       address_text(wallet->row.address).at, (unsigned long long)latest,
			       (unsigned long long)(pending - latest));
	if (target < pending)
		target = pending;
	if (wallet->journal_any && target < wallet->journal_next)
		target = wallet->journal_next;
	if (target < wallet->row.next_nonce)
		target = wallet->row.next_nonce;
	*ret_target = target;
	return true;
}

/* The first word stays, since what is filled raises what the nodes say; but what they said too much
 * another run takes back. */
static bool target_set(struct signer *self, struct signer_wallet *wallet, struct err *err)
{
	bool *targeted = &self->recovery->targeted[wallet - self->wallets];
	uint64_t target = 0;
	if (*targeted && wallet->row.recover_to != 0)
		return true;
	if (!target_find(self, wallet, &target, err))
		return false;
	*targeted = true;
	if (wallet->row.recover_to != 0 &&
	    (target >= wallet->row.recover_to || wallet->row.next_nonce >= wallet->row.recover_to))
		return true;
	*targeted = store_wallet_recover(self->options.store, wallet->row.id, wallet->lease.epoch,
					 target, err);
	if (*targeted)
		wallet->row.recover_to = target;
	return *targeted;
}

bool signer_fillers_reserve(struct signer *self, struct signer_wallet *wallet, size_t n,
			    struct err *err)
{
	struct store_by by = signer_by(self);
	CHECK(n > 0 && n <= BATCH_MAX);
	for (size_t i = 0; i < n; i++) {
		uint8_t random[10];
		struct transfer filler = { .wallet_id = wallet->row.id,
					   .chain_id = wallet->row.chain_id,
					   .wallet = wallet->row.address,
					   .gas_limit = FILL_GAS };
		entropy_fill(self->options.entropy, random, sizeof random);
		filler.id = id_make(by.now_ms, random);
		filler.nonce = wallet->row.next_nonce + i;
		transfer_make_cancel(&filler);
		self->reservations[i] = (struct store_reservation){ .transfer = filler,
								    .epoch = wallet->lease.epoch,
								    .recovers = true };
	}
	if (!store_transfers_reserve(self->options.store, self->reservations, n, &by, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (self->reservations[i].result == STORE_TAKEN)
			return err_set(
				err, ERR_REFUSED,
				"a row stands at nonce %llu, which the wallet has not given: "
				"somebody has edited the store",
				(unsigned long long)wallet->row.next_nonce);
		else if (self->reservations[i].result != STORE_WRITTEN)
			return err_set(err, ERR_NOT_DONE, "the wallet is somebody else's now");
	wallet->row.next_nonce += n;
	wallet->in_flight += n;
	return true;
}

static bool fill(struct signer *self, struct signer_wallet *wallet, bool *ret_worked,
		 struct err *err)
{
	size_t room = wallet->params->in_flight_max;
	if (wallet->row.next_nonce >= wallet->row.recover_to || wallet->in_flight >= room)
		return true;
	room -= wallet->in_flight;
	if (room > wallet->row.recover_to - wallet->row.next_nonce)
		room = (size_t)(wallet->row.recover_to - wallet->row.next_nonce);
	*ret_worked = true;
	return signer_fillers_reserve(self, wallet, room < BATCH_MAX ? room : BATCH_MAX, err);
}

/* ---- binding ---- */

static bool has_moved(const struct signer *self)
{
	for (size_t i = 0; i < self->changes_len; i++)
		if (self->changes[i].to != self->changes[i].from || self->changes[i].next_round ||
		    self->changes[i].held_reason != NULL)
			return true;
	return false;
}

/* One batch of the withdrawals that are open. A pass in which nothing moved is the last one. */
static bool rows_bind(struct signer *self, bool *ret_last, struct err *err)
{
	struct recovery *recovery = self->recovery;
	struct id ids[BATCH_MAX];
	struct withdrawal row;
	bool found = false;
	size_t n = 0;
	*ret_last = false;
	if (!store_withdrawals_open(self->options.store, recovery->bind_after, ids, BATCH_MAX, &n,
				    err))
		return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t bound = self->bound;
		if (!store_withdrawals_load(self->options.store, &ids[i], 1, &row, &found, err) ||
		    (found && !signer_row_judge(self, &row, err)))
			return false;
		recovery->bind_moved |= has_moved(self) || self->bound != bound;
	}
	if (n > 0)
		recovery->bind_after = ids[n - 1];
	if (n == BATCH_MAX)
		return true;
	*ret_last = !recovery->bind_moved;
	recovery->bind_moved = false;
	recovery->bind_after = (struct id){ 0 };
	return true;
}

/* ---- the step ---- */

/* Is every slot of the wallet final, or with a person? */
static bool is_settled(struct signer *self, const struct signer_wallet *wallet, bool *ret_settled,
		       struct err *err)
{
	struct store_transfer_filter filter = { .wallet_id = wallet->row.id,
						.first = TRANSFER_MINED,
						.last = TRANSFER_MINED,
						.mined_block_max = UINT64_MAX,
						.without_held = true,
						.limit = 1 };
	struct transfer row;
	size_t n = 0;
	*ret_settled = false;
	if (wallet->row.next_nonce < wallet->row.recover_to || wallet->in_flight > 0)
		return true;
	if (!store_transfers_load(self->options.store, &filter, &row, &n, err))
		return false;
	*ret_settled = n == 0;
	return true;
}

/* A wallet that left the configuration has nobody who reads its blocks or fills its nonces. It
 * would pause all others for ever; it pays again when people have started it. */
static bool left_finish(struct signer *self, struct err *err)
{
	struct wallet rows[WALLETS_MAX];
	size_t len = 0;
	if (!store_wallets_load(self->options.store, rows, WALLETS_MAX, &len, err))
		return false;
	for (size_t i = 0; i < len; i++) {
		struct signer_wallet left = { .row = rows[i] };
		if (!is_configured(self, rows[i].id) && signer_wallet_recovers(&left) &&
		    !signer_wallet_stop(self, &left, reason_code(REASON_NOT_RECOVERED), err))
			return false;
	}
	return true;
}

static bool wallets_finish(struct signer *self, struct err *err)
{
	struct store_by by = signer_by(self);
	/* Before the others: while one recovers the command can be run again. */
	if (!left_finish(self, err))
		return false;
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct signer_wallet *wallet = &self->wallets[i];
		bool done = false;
		if (wallet->row.id != 0 && signer_wallet_recovers(wallet) &&
		    !store_wallet_recovered(self->options.store, wallet->row.id,
					    wallet->lease.epoch, &by, &done, err))
			return false;
	}
	return true;
}

/* Blocks are read for the wallets that are there: what one sent that enters later would be missed,
 * and the monitor would take it for a stranger's. */
static bool all_entered(const struct signer *self)
{
	for (size_t i = 0; i < self->wallets_len; i++)
		if (has_to_enter(&self->wallets[i]))
			return false;
	return true;
}

static bool slots_step(struct signer *self, bool *ret_scanned, bool *ret_worked, struct err *err)
{
	bool worked = false;
	if (!signer_rebuild(self, ret_scanned, err))
		return false;
	*ret_worked |= !*ret_scanned;
	*ret_scanned &= all_entered(self);
	if (!*ret_scanned)
		return true;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (recovers(&self->wallets[i]) && !target_set(self, &self->wallets[i], err))
			return false;
	if (!signer_scan(self, ret_scanned, ret_worked, err))
		return false;
	/* Nonces whose transactions are still to be found need no other ones. */
	if (!*ret_scanned)
		return true;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (recovers(&self->wallets[i]) && !fill(self, &self->wallets[i], ret_worked, err))
			return false;
	if (!signer_slots(self, &worked, err))
		return false;
	*ret_worked |= worked;
	return true;
}

static bool evaluate(struct signer *self, bool scanned, struct signer_recovery *out,
		     struct err *err)
{
	bool settled = scanned;
	for (size_t i = 0; i < self->wallets_len; i++) {
		const struct signer_wallet *wallet = &self->wallets[i];
		bool one = false;
		settled &= !has_to_enter(wallet);
		if (!recovers(wallet))
			continue;
		if (!is_settled(self, wallet, &one, err))
			return false;
		settled &= one;
		out->wallets += one ? 0 : 1;
		out->in_flight += wallet->in_flight;
		if (wallet->row.next_nonce < wallet->row.recover_to)
			out->slots_todo += wallet->row.recover_to - wallet->row.next_nonce;
	}
	if (!signer_foreign_read(self, &settled, err))
		return false;
	out->phase = settled ? RECOVERY_BINDING : scanned ? RECOVERY_SLOTS : RECOVERY_READING;
	return true;
}

bool signer_recover_step(struct signer *self, struct signer_recovery *ret_recovery,
			 bool *ret_worked, struct err *err)
{
	struct recovery *recovery = self->recovery;
	struct signer_recovery out = { .phase = RECOVERY_READING };
	bool scanned = false;
	bool last = false;
	CHECK(recovery != NULL);
	*ret_worked = false;
	if (!signer_wallets_refresh(self, err) || !all_owned(self, err) ||
	    !signer_entries_look(self, err) || !slots_step(self, &scanned, ret_worked, err) ||
	    !evaluate(self, scanned, &out, err))
		return false;
	if (out.phase == RECOVERY_BINDING) {
		if (!rows_bind(self, &last, err) ||
		    (last && !signer_unbound_tell(self, &last, err)))
			return false;
		*ret_worked |= !last;
	} else {
		memset(recovery->unbound, 0, sizeof recovery->unbound);
	}
	/* What was bound is mined again, until the monitor has judged it. */
	if (last && !wallets_finish(self, err))
		return false;
	if (last)
		out.phase = RECOVERY_DONE;
	out.imported = recovery->imported;
	out.bound = self->bound;
	out.block = recovery->block;
	out.block_head = recovery->block_head;
	out.strangers_len = recovery->strangers_len;
	memcpy(out.strangers, recovery->strangers, sizeof out.strangers);
	*ret_recovery = out;
	return true;
}
