/* The whole system in one thread under one seed: the real services over the real SQL, with chain,
 * keys, clock, entropy, network and operators simulated. Ships as `sluice sim`.
 *
 * A run has two phases. While faults are on, every port call may fail, lose its answer, or be the
 * last one of its process; nodes lag, blocks are taken back, rows are edited. Checkers look after
 * each store call and each sent transaction (T1 to T10, T12). Then the faults stop, and every
 * accepted withdrawal has to end within a bound (T11).
 *
 * The same seed on the same build replays to the byte: nothing here asks the machine for time,
 * entropy or the order of addresses.
 */
#ifndef SLUICE_SIM_SIM_H
#define SLUICE_SIM_SIM_H

#include "base/buf.h"
#include "base/err.h"
#include "sim/fault.h"
#include "sim/sqs.h"

#include <stdbool.h>
#include <stdint.h>

#define SIM_WITHDRAWALS_MAX     2000
#define SIM_WITHDRAWALS_DEFAULT 60
#define SIM_REASONS             7

/* What an editor of the store makes. */
enum sim_insert {
	SIM_INSERT_SLOT,
	SIM_INSERT_ITEM,
	SIM_INSERT_ATTEMPT,
	SIM_INSERT_WITHDRAWAL,
	SIM_INSERT_DECISION,
	SIM_INSERT_APPROVAL,
	SIM_INSERT_EVENT,
	SIM_INSERT_MESSAGE,
	SIM_INSERTS
};

/* A violation made on purpose, to see that its checker fires. */
enum sim_plant {
	SIM_PLANT_NONE = 0,
	SIM_PLANT_TWO_LIVE,          /* T1: a second live transfer of one withdrawal */
	SIM_PLANT_NONCE_GAP,         /* T2: a nonce without a row */
	SIM_PLANT_UNSTORED,          /* T3: bytes leave before they are stored */
	SIM_PLANT_LEFT_EARLY,        /* T4: a withdrawal leaves a transfer that may still pay */
	SIM_PLANT_FAILED_PAID,       /* T5: FAILED while its payment is under way */
	SIM_PLANT_NOT_PAID,          /* T6: COMPLETED without a payment */
	SIM_PLANT_OTHER_PAYLOAD,     /* T7: an attempt pays somebody else */
	SIM_PLANT_TWICE,             /* T8: a second payment to one receiver */
	SIM_PLANT_FINAL_CHANGED,     /* T9: a final transfer moves */
	SIM_PLANT_LEAK,              /* T10: money leaves a wallet that no row knows of */
	SIM_PLANT_STUCK,             /* T11: a withdrawal that nobody moves */
	SIM_PLANT_NO_CONSUMER,       /* T12: final without the transaction that took the nonce */
	SIM_PLANT_PAID_AFTER_CANCEL, /* T7: a payment is signed after a cancellation */
	SIM_PLANT_BUMP_TOO_LOW,      /* fees: a replacement that no node takes */
	SIM_PLANT_BUMP_TOO_SOON,     /* fees: a second replacement within the interval */
	SIM_PLANT_FEE_ABOVE_LIMIT,   /* fees: more than the signer may spend on a slot */
	SIM_PLANT_OLD_EPOCH,         /* fence: a write with a lease that has passed on */
	SIM_PLANT_MOVED,             /* moved: a write upon a row that has moved since */
	SIM_PLANT_UNASKED,           /* journal: a nonce, and nobody asked for the right */
	SIM_PLANT_NO_VOID,           /* journal: an end without payment, and without a void */
	SIM_PLANT_UNPROVEN,          /* proof: a verdict about what nobody was told */
	SIM_PLANT_UNWISHED,          /* wish: a bump that nobody asked for */
	SIM_PLANT_NOT_OUT,           /* T5: bytes that may be out are said not to be */
	SIM_PLANT_UNDRAINED,         /* drain: a nonce before what others signed was sent */
	SIM_PLANT_LOST_WAKE_UP,      /* messages: a wake-up ends that was renewed */
	SIM_PLANT_SIGNED_CANCELED,   /* cancel: signed after it was canceled */
	SIM_PLANT_HELD,              /* hold: held for nothing */
	SIM_PLANT_FALSE_ALARM,       /* hold: a person is called for nothing */
	SIM_PLANT_STOPPED,           /* stop: a wallet stops for nothing */
	SIM_PLANT_OVERDRAWN,         /* funds: a wallet owes more than it has */
	SIM_PLANT_LIMIT,             /* limit: more than a payment may be */
	SIM_PLANT_STRANGER,          /* T10: a payment to somebody who asked for nothing */
	SIM_PLANT_SHALLOW,           /* T12: final before it is deep */
	SIM_PLANT_STALE,             /* T12: a block went away, and nobody notices */
	SIM_PLANT_TAKEN_BACK,        /* T9: what was final went away, and a wallet goes on */
	SIM_PLANT_UNNOTICED,         /* T12: a stranger took a nonce, and nobody notices */
	SIM_PLANT_REFUSED,           /* refused: failed by a receiver that takes everything */
	SIM_PLANT_PAID_AGAIN,        /* T1: a slot for a key that was paid before the restore */
	SIM_PLANT_EDITED_AUDIT,      /* feed: a record says something else than it did */
	SIM_PLANT_UNHEEDED,          /* pause: a switch that nobody heeds */
	SIM_PLANT_UNAPPROVED,        /* approval: nobody has said yes */
	SIM_PLANTS
};

struct sim_options {
	uint64_t seed;
	unsigned withdrawals; /* 1 to SIM_WITHDRAWALS_MAX */
	unsigned faults;      /* a set of SIM_FAMILY_* */
	enum sim_plant plant;
	/* Called with the last lines of the story (moves, faults, log lines) when a checker fires,
	 * or with all of them; NULL: none is told. */
	void (*tell)(void *context, const char *terminated_line);
	void *context;
	bool whole_story;
};

/* What one run, or many, came to: counts, and nothing but counts. */
struct sim_summary {
	uint64_t seeds;
	uint64_t accepted;
	uint64_t completed;
	uint64_t canceled;
	uint64_t failed;
	uint64_t rejected;
	uint64_t held; /* with a cause that the run knows of */
	uint64_t steps;
	uint64_t kills;
	uint64_t reorgs;
	uint64_t attempts;
	uint64_t speed_ups;                 /* answered with yes */
	uint64_t replacements[SIM_REASONS]; /* by enum wish_reason */
	uint64_t blocks;
	uint64_t restores;
	uint64_t lost;          /* withdrawals that a restored store did not know */
	uint64_t imported;      /* transactions that it learned of */
	uint64_t bound;         /* withdrawals that were bound to what had paid them */
	uint64_t pauses;        /* that people asked for, as often as they did */
	uint64_t unpauses;      /* likewise */
	uint64_t words;         /* of people who are asked */
	uint64_t words_refused; /* too late, twice, about something else */
	uint64_t sqs_seeds;     /* those with an external queue */
	uint64_t sqs[SIM_SQS_EVENTS];
	uint64_t inserts[SIM_INSERTS];
	uint64_t inserts_refused[SIM_INSERTS]; /* by the schema */
	uint64_t calls[SIM_CALLS];             /* while faults were on */
	uint64_t hits[SIM_FAULTS][SIM_CALLS];
	uint64_t withdrawal_moves[SIM_STAGES][SIM_STAGES];
	uint64_t transfer_moves[SIM_STAGES][SIM_STAGES];
};

/* One seed. False: a checker fired; err->text has the rule, the step and what is wrong, and the
 * last events of the withdrawal concerned were told. The summary is added to. */
MUST_CHECK bool sim_run(const struct sim_options *options, struct sim_summary *summary,
			struct err *err);
const char *sim_plant_text(enum sim_plant plant);
/* "a slot". */
const char *sim_insert_text(enum sim_insert insert);
void sim_summary_add(struct sim_summary *summary, const struct sim_summary *other);
/* The tables of the summary as text. ret_zeros: fault × call pairs and moves that never happened,
 * but could have. */
void sim_summary_write(const struct sim_summary *summary, unsigned families, struct buf *out,
		       unsigned *ret_zeros);

#endif
