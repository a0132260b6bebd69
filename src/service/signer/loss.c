/* A journal that was lost cannot say any more whose right was spent. What takes its place: the time
 * of the loss, since everything that was accepted until then may have been paid or ended; and the
 * payouts that the chain has and that belong to no withdrawal of the store, each as a right of its
 * own, under a tag that is made of what it paid. Only people clear a withdrawal of either. */
#include "service/signer/signer_loss.h"

#include "base/defence.h"
#include "base/hash.h"
#include "core/reason.h"
#include "core/transfer.h"

#include <string.h>

/* Equal payouts that are looked through for one that nobody has claimed. */
#define PAYOUTS_MAX 64
/* A step's worth of what was told, and has no slot yet. */
#define PAYOUTS_TOLD_MAX 64
/* Rights of one tag differ by their round: two slots may have to give way to each other. */
#define PAYOUT_ROUNDS 16
/* No round of a withdrawal: what people said of all of them, after so many losses. */
#define ROUND_ALL UINT32_MAX
/* By so much a chain that stands, or lags, may be behind the clock. */
#define CHAIN_LATE_MS 600000

static const char loss_label[] = "sluice journal lost";
static const char reach_label[] = "sluice reach of a loss";
static const char released_label[] = "sluice released by people";
static const char payout_label[] = "sluice payout without a withdrawal";
static const char claimed_label[] = "sluice payout with its withdrawal";

/* An id that no withdrawal can have (its time is 1970), and that sorts below all that do. */
static struct id id_of(const uint8_t digest[SHA256_BYTES])
{
	struct id id;
	memcpy(id.bytes, digest, sizeof id.bytes);
	memset(id.bytes, 0, 6);
	return id;
}

static void digest_make(const char *label, const void *bytes, size_t len,
			uint8_t ret_digest[SHA256_BYTES])
{
	char storage[256];
	struct buf out = buf_of(storage, sizeof storage);
	buf_bytes(&out, label, strlen(label) + 1); /* its terminator keeps the parts apart */
	buf_bytes(&out, bytes, len);
	CHECK(!out.overflow);
	sha256(out.at, out.len, ret_digest);
}

/* ---- the loss ---- */

static struct id loss_id(void)
{
	uint8_t digest[SHA256_BYTES];
	digest_make(loss_label, "", 0, digest);
	return id_of(digest);
}

static bool losses_load(struct signer *self, uint32_t *ret_count, int64_t *ret_lost_at,
			struct err *err)
{
	struct journal_resolution loss;
	bool any = true;
	int64_t lost_at = 0;
	uint32_t count = 0;
	for (; count < LOSSES_MAX; count++) {
		if (!journal_resolution_of(self->options.journal, loss_id(), count, &any, &loss,
					   err))
			return false;
		if (!any)
			break;
		lost_at = loss.time_ms > lost_at ? loss.time_ms : lost_at;
	}
	*ret_count = count;
	*ret_lost_at = count == LOSSES_MAX ? INT64_MAX : lost_at;
	return true;
}

/* A loss is that of one life of the store: the same number may be given again by a store that was
 * replaced by hand, at the same time it is not. */
static struct hash32 life_hash(uint32_t round, const struct store_incarnation *life)
{
	uint8_t bytes[sizeof round + sizeof life->number + sizeof life->at];
	struct hash32 hash;
	memcpy(bytes, &round, sizeof round);
	memcpy(bytes + sizeof round, &life->number, sizeof life->number);
	memcpy(bytes + sizeof round + sizeof life->number, &life->at, sizeof life->at);
	digest_make(loss_label, bytes, sizeof bytes, hash.bytes);
	return hash;
}

bool signer_loss_is_marked(struct signer *self, const struct store_incarnation *life,
			   bool *ret_marked, struct err *err)
{
	struct journal_resolution loss;
	bool any = true;
	*ret_marked = false;
	for (uint32_t i = 0; i < LOSSES_MAX && any && !*ret_marked; i++) {
		if (!journal_resolution_of(self->options.journal, loss_id(), i, &any, &loss, err))
			return false;
		*ret_marked = any && (hash32_equal(loss.tx_hash, life_hash(i, life)) ||
				      !DEFENCE("loss_is_of_its_life"));
	}
	return true;
}

static bool resolution_append(struct signer *self, const struct journal_resolution *resolution,
			      struct err *err)
{
	const struct journal_entry entry = { .has_resolution = true, .resolution = *resolution };
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	if (!journal_append_many(self->options.journal, &entry, 1, &verdict, err))
		return false;
	return verdict != JOURNAL_DIFFERENT ||
	       err_set(err, ERR_REFUSED, "the journal says otherwise of this already");
}

static struct id reach_id(void)
{
	uint8_t digest[SHA256_BYTES];
	digest_make(reach_label, "", 0, digest);
	return id_of(digest);
}

/* The newest of the open rows that the API accepted: its clock dated them, and this host's may be
 * behind. */
static bool newest_load(struct signer *self, int64_t *ret_at, struct err *err)
{
	struct id ids[BATCH_MAX];
	struct id after = { 0 };
	size_t n = BATCH_MAX;
	*ret_at = 0;
	while (n == BATCH_MAX) {
		if (!store_withdrawals_open(self->options.store, after, ids, BATCH_MAX, &n, err))
			return false;
		for (size_t i = 0; i < n; i++) {
			struct withdrawal row;
			bool found = false;
			if (!store_withdrawals_load(self->options.store, &ids[i], 1, &row, &found,
						    err))
				return false;
			if (found && row.intent.created_at > *ret_at &&
			    intent_mac_verify(&self->options.intent_keys, self->options.deployment,
					      &row.intent, &row.intent_mac))
				*ret_at = row.intent.created_at;
			after = ids[i];
		}
	}
	return true;
}

/* When it was, and how far the rows reach that it is about. A clock that is ahead would call people
 * to all that is accepted until then: what is neither as old as an open row nor as the chain is not
 * of the time before. */
bool signer_loss_mark(struct signer *self, const struct store_incarnation *life, int64_t chain_ms,
		      struct err *err)
{
	struct journal_entry entries[2] = { { .has_resolution = true },
					    { .has_resolution = true } };
	enum journal_verdict verdicts[2] = { JOURNAL_DIFFERENT, JOURNAL_DIFFERENT };
	struct journal_resolution *loss = &entries[0].resolution;
	struct journal_resolution *reach = &entries[1].resolution;
	int64_t lost_at = 0;
	*loss = (struct journal_resolution){ .withdrawal = loss_id(),
					     .time_ms = clock_now_ms(self->options.clock) };
	if (!losses_load(self, &loss->round, &lost_at, err))
		return false;
	if (loss->round == LOSSES_MAX)
		return true;
	loss->tx_hash = life_hash(loss->round, life);
	*reach = (struct journal_resolution){ .withdrawal = reach_id(), .round = loss->round };
	digest_make(reach_label, &loss->round, sizeof loss->round, reach->tx_hash.bytes);
	if (!newest_load(self, &reach->time_ms, err))
		return false;
	int64_t newest = reach->time_ms > chain_ms ? reach->time_ms : chain_ms;
	if (loss->time_ms > newest + CHAIN_LATE_MS)
		loss->time_ms = newest + CHAIN_LATE_MS;
	if (!journal_append_many(self->options.journal, entries, 2, verdicts, err))
		return false;
	return (verdicts[0] != JOURNAL_DIFFERENT && verdicts[1] != JOURNAL_DIFFERENT) ||
	       err_set(err, ERR_REFUSED, "the journal says otherwise of this loss already");
}

static bool reach_load(struct signer *self, uint32_t losses, int64_t *inout_at, struct err *err)
{
	for (uint32_t i = 0; i < losses && DEFENCE("loss_reaches_its_rows"); i++) {
		struct journal_resolution reach;
		bool any = false;
		if (!journal_resolution_of(self->options.journal, reach_id(), i, &any, &reach, err))
			return false;
		if (any && reach.time_ms > *inout_at)
			*inout_at = reach.time_ms;
	}
	return true;
}

/* ---- payouts without a withdrawal ---- */

/* One slot as bytes: chain, wallet, nonce. */
static void slot_digest(const struct journal_slot *slot, uint8_t ret_digest[SHA256_BYTES])
{
	uint8_t bytes[sizeof slot->chain_id + sizeof slot->nonce + ADDRESS_BYTES];
	memcpy(bytes, &slot->chain_id, sizeof slot->chain_id);
	memcpy(bytes + sizeof slot->chain_id, &slot->nonce, sizeof slot->nonce);
	memcpy(bytes + sizeof slot->chain_id + sizeof slot->nonce, slot->wallet.bytes,
	       ADDRESS_BYTES);
	digest_make(payout_label, bytes, sizeof bytes, ret_digest);
}

/* What all equal payouts have in common: chain, asset, receiver, amount. An account has a name, so
 * that no client's tag is like it. */
static void payout_tag(const struct signer *self, uint64_t chain_id, struct address contract,
		       struct address receiver, struct amount amount, uint8_t ret_tag[32])
{
	struct intent nobody = { .account = "" };
	uint8_t digest[SHA256_BYTES];
	uint8_t bytes[sizeof chain_id + 2 * ADDRESS_BYTES + U256_BYTES];
	uint8_t *at = bytes;
	memcpy(at, &chain_id, sizeof chain_id);
	at += sizeof chain_id;
	memcpy(at, contract.bytes, ADDRESS_BYTES);
	at += ADDRESS_BYTES;
	memcpy(at, receiver.bytes, ADDRESS_BYTES);
	at += ADDRESS_BYTES;
	u256_to_bytes(amount.units, at);
	digest_make(payout_label, bytes, sizeof bytes, digest);
	memcpy(nobody.key_hash, digest, sizeof nobody.key_hash);
	pay_tag_make(self->options.pay_tag_key, &nobody, ret_tag);
}

static struct journal_slot key_of(const struct transfer *slot)
{
	return (struct journal_slot){ slot->chain_id, slot->wallet, slot->nonce };
}

static void payout_fill(const struct signer *self, const struct transfer *payload,
			enum journal_kind kind, struct hash32 payload_hash,
			struct journal_entry *ret_entry)
{
	uint8_t digest[SHA256_BYTES];
	struct journal_right *right = &ret_entry->right;
	*ret_entry = (struct journal_entry){ .has_slot = true,
					     .slot = key_of(payload),
					     .kind = kind,
					     .payload_hash = payload_hash,
					     .is_on_chain = true,
					     .has_right = true };
	slot_digest(&ret_entry->slot, digest);
	*right = (struct journal_right){ .withdrawal = id_of(digest),
					 .slot = ret_entry->slot,
					 .chain_id = payload->chain_id,
					 .amount = payload->amount,
					 .time_ms = clock_now_ms(self->options.clock) };
	if (payload->is_token)
		right->asset = payload->to;
	/* Any number will do, if it is always the same one. */
	memcpy(&right->round, digest, sizeof right->round);
	right->round /= 2;
	payout_tag(self, payload->chain_id, right->asset, payload->receiver, payload->amount,
		   right->pay_tag);
}

/* Under the first round that is free. */
static bool payout_append(struct signer *self, struct journal_entry *entry, bool *ret_done,
			  struct err *err)
{
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	*ret_done = false;
	for (unsigned i = 0; i < PAYOUT_ROUNDS && !*ret_done; i++, entry->right.round++) {
		if (!journal_append_many(self->options.journal, entry, 1, &verdict, err))
			return false;
		*ret_done = verdict != JOURNAL_DIFFERENT;
	}
	return true;
}

static bool payout_try(struct signer *self, const struct transfer *payload, enum journal_kind kind,
		       struct hash32 payload_hash, bool *ret_done, struct err *err)
{
	struct journal_entry entry;
	payout_fill(self, payload, kind, payload_hash, &entry);
	return payout_append(self, &entry, ret_done, err);
}

bool signer_payout_add(struct signer *self, const struct transfer *payload, enum journal_kind kind,
		       struct hash32 tx_hash, struct err *err)
{
	bool done = false;
	CHECK(kind == JOURNAL_PAY || kind == JOURNAL_FOREIGN);
	if (kind == JOURNAL_PAY &&
	    !payout_try(self, payload, JOURNAL_PAY, payload->payload_hash, &done, err))
		return false;
	/* The journal has another payment for this slot: that one was never made. */
	if (!done && !payout_try(self, payload, JOURNAL_FOREIGN, tx_hash, &done, err))
		return false;
	return done || err_set(err, ERR_REFUSED, "the journal tells of nonce %llu differently",
			       (unsigned long long)payload->nonce);
}

void signer_payout_name(const struct signer *self, const struct withdrawal *row,
			struct journal_name *ret_name)
{
	ret_name->withdrawal = (struct id){ { 0 } };
	payout_tag(self, row->intent.chain_id, row->intent.contract, row->intent.to,
		   row->intent.amount, ret_name->pay_tag);
}

static bool payouts_load(struct signer *self, const struct withdrawal *row,
			 struct journal_right ret_rights[PAYOUTS_MAX], size_t *ret_len,
			 struct err *err)
{
	struct journal_name name;
	signer_payout_name(self, row, &name);
	return signer_rights_under(self, &name, ret_rights, PAYOUTS_MAX, ret_len, err);
}

static bool is_same_slot(const struct journal_slot *a, const struct journal_slot *b)
{
	return a->chain_id == b->chain_id && a->nonce == b->nonce &&
	       address_equal(a->wallet, b->wallet);
}

bool signer_payout_find(struct signer *self, const struct withdrawal *row, struct hash32 tx_hash,
			struct transfer *ret_slot, bool *ret_found, struct err *err)
{
	struct journal_right rights[PAYOUTS_MAX];
	struct id owner;
	bool found = false;
	size_t n = 0;
	*ret_found = false;
	if (!store_attempt_owner(self->options.store, tx_hash, &owner, err) ||
	    !store_transfer_load(self->options.store, owner, ret_slot, &found, err) ||
	    !payouts_load(self, row, rights, &n, err))
		return false;
	if (!found || signer_wallet_of(self, ret_slot->wallet_id) == NULL)
		return true;
	const struct journal_slot key = key_of(ret_slot);
	for (size_t i = 0; i < n; i++)
		*ret_found |= is_same_slot(&rights[i].slot, &key);
	return true;
}

static bool is_claimed(struct signer *self, const struct journal_right *payout, bool *ret_claimed,
		       struct err *err)
{
	struct journal_resolution claim;
	return journal_resolution_of(self->options.journal, payout->withdrawal, payout->round,
				     ret_claimed, &claim, err);
}

/* The last of the slot's own says whether anybody has claimed it: a claim is of the life in which
 * the store knew the withdrawal, and a store that was restored again asks anew. */
static bool told_look(struct signer *self, struct journal_entry *entry, bool *ret_told,
		      struct err *err)
{
	static const struct id none = { { 0 } };
	struct journal_right rights[PAYOUTS_MAX];
	bool claimed = true;
	size_t n = 0;
	if (!journal_rights_of(self->options.journal, none, entry->right.pay_tag, rights,
			       PAYOUTS_MAX, &n, err))
		return false;
	*ret_told = n == PAYOUTS_MAX; /* no more can be looked through */
	for (size_t i = 0; i < n && !*ret_told; i++) {
		if (!is_same_slot(&rights[i].slot, &entry->slot))
			continue;
		if (!is_claimed(self, &rights[i], &claimed, err))
			return false;
		entry->right.round = rights[i].round + 1;
		*ret_told = !claimed;
	}
	return true;
}

/* No row puts a slot into the journal. */
static bool is_journaled(struct signer *self, const struct journal_entry *entry,
			 bool *ret_journaled, struct err *err)
{
	struct hash32 hash;
	struct wei ceiling;
	uint32_t attempts = 0;
	bool has_pay = false;
	bool has_cancel = false;
	if (!journal_slot_of(self->options.journal, &entry->slot, &has_pay, &has_cancel, &hash,
			     &ceiling, &attempts, err))
		return false;
	*ret_journaled = has_pay && hash32_equal(hash, entry->payload_hash);
	return true;
}

bool signer_payout_tell(struct signer *self, const struct transfer *slot, struct err *err)
{
	struct journal_entry entry;
	bool known = false;
	bool done = false;
	payout_fill(self, slot, JOURNAL_PAY, transfer_payload_hash(slot), &entry);
	/* The right that was spent on it counts for the limits. */
	entry.right.amount = (struct amount){ 0 };
	if (!is_journaled(self, &entry, &known, err))
		return false;
	if (!known)
		return true;
	if (!told_look(self, &entry, &done, err) ||
	    (!done && !payout_append(self, &entry, &done, err)))
		return false;
	return done || err_set(err, ERR_REFUSED, "the journal tells of nonce %llu differently",
			       (unsigned long long)slot->nonce);
}

/* Is it the slot of a stranger, or of a payout without a withdrawal? */
static bool is_nobodys(struct signer *self, const struct journal_slot *slot, bool *ret_nobodys,
		       struct err *err)
{
	static const uint8_t no_tag[32] = { 0 };
	uint8_t digest[SHA256_BYTES];
	struct journal_right right;
	struct hash32 hash;
	struct wei ceiling;
	uint32_t attempts = 0;
	bool has_pay = false;
	bool has_cancel = false;
	size_t n = 0;
	slot_digest(slot, digest);
	if (!journal_slot_of(self->options.journal, slot, &has_pay, &has_cancel, &hash, &ceiling,
			     &attempts, err) ||
	    !journal_rights_of(self->options.journal, id_of(digest), no_tag, &right, 1, &n, err))
		return false;
	*ret_nobodys = n > 0 || (!has_pay && !hash32_is_zero(hash));
	return true;
}

bool signer_payouts_told(struct signer *self, const struct signer_wallet *wallet, uint64_t to,
			 bool *ret_told, struct err *err)
{
	struct journal_slot slot = { wallet->row.chain_id, wallet->row.address,
				     wallet->row.next_nonce };
	*ret_told = to - slot.nonce <= PAYOUTS_TOLD_MAX;
	for (; slot.nonce < to && *ret_told; slot.nonce++)
		if (!is_nobodys(self, &slot, ret_told, err))
			return false;
	return true;
}

/* One that nobody has claimed, among those that pay exactly this. More than can be looked through
 * are as good as one. */
static bool payout_is_open(struct signer *self, const struct withdrawal *row, size_t *ret_payouts,
			   bool *ret_open, struct err *err)
{
	struct journal_right rights[PAYOUTS_MAX];
	size_t n = 0;
	if (!payouts_load(self, row, rights, &n, err))
		return false;
	*ret_payouts = n;
	*ret_open = n == PAYOUTS_MAX;
	for (size_t i = 0; i < n && !*ret_open; i++) {
		bool claimed = false;
		if (!is_claimed(self, &rights[i], &claimed, err))
			return false;
		*ret_open = !claimed;
	}
	return true;
}

/* Is it the transaction of one that nobody has claimed? A slot that went to a stranger's has no
 * attempt of that. */
static bool names_open_payout(struct signer *self, const struct withdrawal *row,
			      struct hash32 tx_hash, bool *ret_named, struct err *err)
{
	struct journal_right rights[PAYOUTS_MAX];
	struct id owner;
	size_t n = 0;
	*ret_named = false;
	if (hash32_is_zero(tx_hash))
		return true;
	if (!store_attempt_owner(self->options.store, tx_hash, &owner, err) ||
	    !payouts_load(self, row, rights, &n, err))
		return false;
	for (size_t i = 0; i < n && !*ret_named; i++) {
		struct transfer slot;
		bool claimed = false;
		bool found = false;
		if (!is_claimed(self, &rights[i], &claimed, err) ||
		    !signer_slot_load(self, &rights[i].slot, &slot, &found, err))
			return false;
		*ret_named = found && !claimed &&
			     (id_equal(slot.id, owner) || hash32_equal(slot.mined_hash, tx_hash));
	}
	return true;
}

/* One transaction may be claimed in each life of the store: no hash is that of two claims. */
static struct journal_resolution claim_of(const struct signer *self,
					  const struct journal_right *payout)
{
	struct journal_resolution claim = { .withdrawal = payout->withdrawal,
					    .round = payout->round,
					    .chain_id = payout->chain_id,
					    .time_ms = clock_now_ms(self->options.clock) };
	uint8_t bytes[ID_BYTES + sizeof claim.round];
	memcpy(bytes, claim.withdrawal.bytes, ID_BYTES);
	memcpy(bytes + ID_BYTES, &claim.round, sizeof claim.round);
	digest_make(claimed_label, bytes, sizeof bytes, claim.tx_hash.bytes);
	return claim;
}

bool signer_payout_close(struct signer *self, const struct withdrawal *row,
			 const struct transfer *slot, struct err *err)
{
	const struct journal_slot key = key_of(slot);
	struct journal_right rights[PAYOUTS_MAX];
	size_t n = 0;
	if (!payouts_load(self, row, rights, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct journal_resolution claim = claim_of(self, &rights[i]);
		if (is_same_slot(&rights[i].slot, &key) && !resolution_append(self, &claim, err))
			return false;
	}
	return true;
}

bool signer_payout_claim(struct signer *self, const struct withdrawal *row,
			 const struct transfer *slot, struct hash32 tx_hash,
			 enum journal_verdict *ret_verdict, struct err *err)
{
	struct transfer of_row = *slot;
	struct journal_entry entry = { .has_slot = true,
				       .slot = key_of(slot),
				       .kind = JOURNAL_PAY,
				       .payload_hash = slot->payload_hash,
				       .is_on_chain = true,
				       .has_right = true,
				       .has_resolution = true };
	entry.resolution =
		(struct journal_resolution){ .withdrawal = row->intent.id,
					     .round = row->round,
					     .is_paid = true,
					     .chain_id = slot->chain_id,
					     .tx_hash = tx_hash,
					     .time_ms = clock_now_ms(self->options.clock) };
	of_row.withdrawal = row->intent.id;
	of_row.round = row->round;
	signer_right_fill(self, &of_row, row, &entry.slot, &entry.right);
	if (!journal_append_many(self->options.journal, &entry, 1, ret_verdict, err))
		return false;
	/* An end in between only calls people once more. */
	return *ret_verdict == JOURNAL_DIFFERENT || signer_payout_close(self, row, slot, err);
}

/* ---- the question ---- */

/* What there is to doubt of a row. */
struct doubt {
	bool is_old;  /* accepted before the last loss */
	bool is_open; /* a payout that nobody has claimed pays exactly this */
	/* Both only grow. What people release they release of these: neither a later loss nor a
	 * payout that is found later. */
	uint32_t losses;
	size_t payouts;
};

void signer_loss_forget(struct signer *self)
{
	self->asked.losses_known = false;
}

/* Losses are of the journal, and not of a row: a batch looks once. */
static bool losses_look(struct signer *self, uint32_t *ret_count, int64_t *ret_lost_at,
			struct err *err)
{
	if (!self->asked.losses_known &&
	    !losses_load(self, &self->asked.losses, &self->asked.lost_at, err))
		return false;
	self->asked.losses_known = true;
	*ret_count = self->asked.losses;
	*ret_lost_at = self->asked.lost_at;
	return true;
}

static bool doubt_load(struct signer *self, const struct withdrawal *row, struct doubt *ret_doubt,
		       struct err *err)
{
	int64_t lost_at = 0;
	if (!losses_look(self, &ret_doubt->losses, &lost_at, err) ||
	    !reach_load(self, ret_doubt->losses, &lost_at, err) ||
	    !payout_is_open(self, row, &ret_doubt->payouts, &ret_doubt->is_open, err))
		return false;
	ret_doubt->is_old =
		DEFENCE("lost_journal_calls_people") && row->intent.created_at <= lost_at;
	ret_doubt->is_open &= DEFENCE("payout_calls_people");
	return true;
}

static struct journal_resolution release_of(const struct signer *self, const struct withdrawal *row,
					    const struct doubt *doubt)
{
	struct journal_resolution release = { .withdrawal = row->intent.id,
					      .round = ROUND_ALL,
					      .chain_id = row->intent.chain_id,
					      .time_ms = clock_now_ms(self->options.clock) };
	uint8_t bytes[ID_BYTES + sizeof release.round];
	if (DEFENCE("release_is_of_its_loss"))
		release.round -= doubt->losses * (PAYOUTS_MAX + 1) + (uint32_t)doubt->payouts;
	memcpy(bytes, row->intent.id.bytes, ID_BYTES);
	memcpy(bytes + ID_BYTES, &release.round, sizeof release.round);
	digest_make(released_label, bytes, sizeof bytes, release.tx_hash.bytes);
	return release;
}

static bool doubt_judge(struct signer *self, const struct withdrawal *row,
			const struct doubt *doubt, const char **ret_hold, struct err *err)
{
	const struct journal_resolution release = release_of(self, row, doubt);
	struct journal_resolution resolution;
	bool released = false;
	*ret_hold = NULL;
	if (!doubt->is_old && !doubt->is_open)
		return true;
	if (!journal_resolution_of(self->options.journal, row->intent.id, release.round, &released,
				   &resolution, err))
		return false;
	if (!released)
		*ret_hold = reason_code(doubt->is_old ? REASON_JOURNAL_WAS_LOST
						      : REASON_MAY_BE_PAID_BY_UNBOUND);
	return true;
}

bool signer_loss_judge(struct signer *self, const struct withdrawal *row, const char **ret_hold,
		       struct err *err)
{
	struct doubt doubt = { .is_old = false };
	return doubt_load(self, row, &doubt, err) && doubt_judge(self, row, &doubt, ret_hold, err);
}

bool signer_loss_release(struct signer *self, const struct withdrawal *row, struct hash32 another,
			 bool *ret_may, struct err *err)
{
	struct doubt doubt = { .is_old = false };
	const char *hold = NULL;
	*ret_may = true;
	signer_loss_forget(self);
	if (!doubt_load(self, row, &doubt, err) || !doubt_judge(self, row, &doubt, &hold, err))
		return false;
	if (hold == NULL)
		return true;
	/* Of another hold they have said nothing about this: it is held for this next. */
	if (DEFENCE("release_is_of_its_hold") && strcmp(row->held_reason, hold) != 0)
		return true;
	/* It was made for somebody: for this one, unless they have looked at that very payout. */
	if (doubt.is_open && DEFENCE("equal_payout_is_named") &&
	    !names_open_payout(self, row, another, ret_may, err))
		return false;
	if (!*ret_may)
		return true;
	const struct journal_resolution release = release_of(self, row, &doubt);
	return resolution_append(self, &release, err);
}
