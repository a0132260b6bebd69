/* What the files of the signer share. One step goes through them in this order:
 *
 *	wallet.c   leases, entry, the slots of each wallet as the store has them
 *	share.c    which of them are asked for, and given
 *	adopt.c    rows whose right was spent before the store was restored
 *	intake.c   wake-ups -> withdrawals that may be paid; ends and waits for those that may not
 *	control.c  what people have paused
 *	changes.c  what becomes of rows: collected, written together
 *	trust.c    which rows, slots and stored bytes are believed
 *	ahead.c    of which wallets the chain has seen more than the store
 *	unknown.c  what that was, and whom it may have paid
 *	funds.c    what each wallet can still pay at one block
 *	limits.c   what it may by its limits; spending.c  what it has paid, by the journal
 *	names.c    what of the journal a batch asks once
 *	passed_over.c  what of it is set aside for a payout that smaller ones pass
 *	reserve.c  wallet chosen, gas estimated, nonce taken
 *	verify.c   which slots may go on; what became unpayable
 *	price.c    gas and fees of what is signed
 *	slot.c     reserved and wished-for slots: journal, sign, store
 *	send.c     stored bytes: send, record
 *	resolve.c  what two people decided of holds, and of what was final
 *	ending.c   final and unpaid: once more, or the end (with its void)
 *	recover.c  after a restore, in a process of its own: what the store does not know
 */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_PARTS_H
#define SLUICE_SERVICE_SIGNER_SIGNER_PARTS_H

#include "core/signature.h"
#include "port/store_recover.h"
#include "service/signer/signer.h"
#include "service/signer/signer_changes.h"
#include "service/signer/signer_control.h"
#include "service/signer/signer_ends.h"
#include "service/signer/signer_money.h"
#include "service/signer/signer_unknown.h"

/* How old a look at the chain's head may be when fees are chosen by it, and balances read at its
 * block. An older block is as good: what is mined above it is subtracted from what it says. */
#define HEAD_AGE_MS 500

/* Slots read per wallet: its in-flight rows. */
#define SLOTS_MAX IN_FLIGHT_MAX
/* Waiting for a signature or a send; given back by a reorg; reserved in this step. */
#define SLOTS_KEPT (3 * SLOTS_MAX)

/* What a person was last told of a slot that cannot go on. */
struct slot_told {
	const char *action; /* NULL: nothing */
	uint64_t nonce;
	uint32_t attempts; /* that it had then */
};

/* When a slot was last worked on for a wish to cancel. */
struct slot_tried {
	int64_t at; /* monotonic; 0: not yet */
	uint64_t nonce;
};

struct signer_wallet {
	struct wallet row;
	const struct wallet_params *params;
	size_t chain; /* index into the catalogue */
	struct store_lease lease;
	bool owned;
	size_t in_flight; /* slots reserved, signed or broadcast: at least as many as are */
	/* Those of them that may need the signer: reserved, signed, or wished for; by nonces. */
	struct transfer slots[SLOTS_KEPT];
	size_t slots_len;
	size_t slots_fresh_from; /* slots behind it were reserved in this step */
	bool journal_any;        /* the journal has slots of this wallet; */
	uint64_t journal_next;   /* then one above the highest */
	int64_t entry_looked_at; /* monotonic, of the first look; 0 before */
	uint64_t entry_nonce;
	bool entry_mismatch; /* told once */
	bool entry_told;     /* that it cannot enter now */
	bool unsure;         /* the nodes are still to say whose a nonce is: nothing new above it */
	bool is_behind;      /* the chain has seen more of its wallets than the store: ahead.c */
	struct unknown unknown;
	bool drained;          /* since the lease was taken: what others left is on its way */
	bool pause_keeps;      /* a slot of it does not go on, because of a pause */
	int64_t keys_at;       /* monotonic: keys that were away are not asked before */
	int64_t keys_pause_ms; /* the last pause; 0 when they answered */
	int64_t rests_until;   /* monotonic: lost over its keys, it is not wanted before */
	struct slot_told told[SLOTS_MAX]; /* at nonce % SLOTS_MAX: the nonces in flight are dense */
	struct slot_tried tried[SLOTS_MAX]; /* likewise */
};

/* What one chain looked like a moment ago. */
struct signer_chain {
	struct chain_head head;
	int64_t looked_at;           /* monotonic; 0 for never */
	int64_t away_since;          /* monotonic; 0: the last look at the head was answered */
	bool ahead_asked, ahead_any; /* what the nodes said since this batch was claimed: ahead.c */
	bool ahead_silent;           /* nobody answered */
};

/* A withdrawal on its way to a slot. */
struct candidate {
	struct withdrawal *row;
	struct message_ack ack;
	const struct asset *asset;
	struct signer_wallet *wallet; /* chosen; NULL: none can pay it now */
	uint64_t gas_limit;
	const char *wait_reason; /* set: it waits */
	struct transfer transfer;
};

/* One slot on its way out. */
struct slot_work {
	struct signer_wallet *wallet;
	struct transfer *slot;
	const struct withdrawal *row; /* believed; NULL: none, or it is not */
	const struct asset *asset;    /* of the row; NULL without one */
	bool is_fresh;                /* reserved in this step: all was checked a moment ago */
	bool sign;        /* needs a new attempt; otherwise attempt is the newest stored one */
	bool is_bump;     /* a higher fee than the newest attempt */
	bool wished;      /* by a wish to send or to bump */
	bool cancels;     /* by the wish to cancel: the bump pays nobody */
	bool turns;       /* the newest bytes pay, and those to be signed do not */
	bool pays;        /* tx is the payload, not the self-transfer */
	bool stored_pays; /* what goes out unless something is signed: the newest bytes pay */
	bool is_stale; /* the newest bytes would pay what went on without them: never sent again */
	bool drop;     /* given up for this step */
	struct attempt attempt;
	struct journal_entry entry;
	struct tx tx;         /* to be signed; for stored bytes what they say */
	struct hash32 digest; /* of tx, when it is to be signed */
};

struct recovery;

#define FORGERIES_TOLD 16 /* decisions without a MAC that a person was told of */
struct signer {
	struct signer_options options;
	struct signature_context *context;
	struct signer_wallet *wallets; /* catalogue->wallets_len of them */
	size_t wallets_len;
	struct signer_chain chains[CHAINS_MAX];
	struct quotes *quotes;                 /* shared prices; NULL without a cache */
	struct spending *spendings;            /* ASSETS_MAX of each wallet */
	bool follows_rights;                   /* every right of the journal was seen up to */
	int64_t rights_at;                     /* this place, by all that need it */
	int64_t feed_at;                       /* monotonic: next look at the feed's head */
	bool feed_told;                        /* that the store has lost it */
	struct funds_claim claims[ASSETS_MAX]; /* by the catalogue's assets */
	/* Storage of one step. */
	struct message messages[BATCH_MAX];
	struct withdrawal rows[BATCH_MAX];
	bool found[BATCH_MAX];
	struct row_ends ends; /* to be voided, together */
	struct candidate candidates[BATCH_MAX];
	size_t candidates_len;
	struct store_change changes[BATCH_MAX];
	struct change_news news[BATCH_MAX]; /* of each */
	size_t changes_len;
	struct message_ack idle[BATCH_MAX];
	size_t idle_len;
	struct purse purses[PURSES_MAX];
	size_t purses_len;
	struct limit_sum sums[PURSES_MAX];
	size_t sums_len;
	struct journal_listed listed[BATCH_MAX];
	struct store_reservation reservations[BATCH_MAX];
	struct slot_work work[BATCH_MAX];
	size_t work_len;
	int64_t work_at; /* monotonic: before their rows were read */
	struct store_attempt adds[BATCH_MAX];
	struct attempt attempts[ATTEMPTS_MAX];
	struct signer_asked asked; /* in this batch */
	struct signer_controls controls;
	bool deny_list_told;       /* that there is none */
	bool store_paused;         /* a restored store: nothing is reserved, no withdrawal judged */
	uint64_t bound;            /* withdrawals bound to what paid them before a restore */
	struct recovery *recovery; /* recover.c; NULL unless options.recovers */
	struct id forgeries[FORGERIES_TOLD];
	size_t forgeries_len;
	int64_t cases_at;  /* monotonic: when decisions of people are looked at again */
	int64_t leases_at; /* monotonic: when leases are looked at again */
	int64_t intake_at; /* monotonic: when wake-ups are taken although no slot is free */
	struct chain_transaction *read; /* of blocks: unknown.c; NULL before it is needed */
	/* Metrics. */
	struct metric *reserved;
	struct metric *signatures;
	struct metric *sends[CHAIN_SEND_UNKNOWN + 1];
	struct metric *waiting;
	struct metric *held;
	struct metric *alarms;
	struct metric *in_flight;
	struct metric *bumps;
	struct metric *unknown;
};

static inline struct store_by signer_by(const struct signer *self)
{
	return (struct store_by){ .actor = ACTOR_SIGNER,
				  .who = self->options.instance,
				  .request_id = "",
				  .now_ms = clock_now_ms(self->options.clock) };
}

/* A line about a withdrawal; alarm tells a person and counts. */
void signer_log(const struct signer *self, const struct withdrawal *row, const char *action,
		const char *text, bool alarm);
void signer_log_slot(const struct signer *self, const struct transfer *slot, const char *action,
		     const struct hash32 *tx_hash, const char *text, bool alarm);
/* An alarm about a slot that cannot go on, once: until another one, or another attempt. */
void signer_tell_slot(struct signer *self, struct signer_wallet *wallet,
		      const struct transfer *slot, const char *action);
void signer_log_wallet(const struct signer *self, const struct signer_wallet *wallet,
		       const char *action, const char *text, bool alarm);

/* wallet.c */
MUST_CHECK bool signer_wallets_refresh(struct signer *self, struct err *err);
struct signer_wallet *signer_wallet_of(struct signer *self, int64_t wallet_id);
bool signer_wallet_can_reserve(const struct signer_wallet *wallet);
/* Free slots of all wallets that may reserve. */
size_t signer_free_slots(const struct signer *self);
/* The chain's head, at most max_age_ms old. */
MUST_CHECK bool signer_head(struct signer *self, size_t chain, int64_t max_age_ms,
			    struct chain_head *ret_head, struct err *err);
/* The journal has this slot of the wallet by now. */
void signer_wallet_journaled(struct signer_wallet *wallet, uint64_t nonce);
MUST_CHECK bool signer_wallet_stop(struct signer *self, struct signer_wallet *wallet,
				   const char *reason, struct err *err);

/* intake.c */
MUST_CHECK bool signer_intake(struct signer *self, size_t free_slots, bool *ret_worked,
			      struct err *err);
/* Of a row without a wake-up: it ends, is bound, held, sent to its next round, or stays. */
MUST_CHECK bool signer_row_judge(struct signer *self, struct withdrawal *row, struct err *err);

/* reserve.c */
/* Gives each candidate a wallet and a gas limit, or a reason to wait, or ends it. */
void signer_choose(struct signer *self);
/* Takes the nonces of all candidates that have a wallet. */
MUST_CHECK bool signer_reserve(struct signer *self, struct err *err);

/* slot.c */
MUST_CHECK bool signer_slots(struct signer *self, bool *ret_worked, struct err *err);
/* verify.c: the row of a slot's withdrawal, when it is believed; or NULL. */
const struct withdrawal *signer_work_row(const struct signer *self, const struct slot_work *work);
/* send.c. A first send is stopped by what people have said up to now; what may be out goes on,
 * unless every send is forbidden. */
void signer_pauses_look_again(struct signer *self);
MUST_CHECK bool signer_send(struct signer *self, struct err *err);

#endif
