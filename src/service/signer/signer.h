/* The signer: the only one that holds keys, assigns nonces, writes attempts and sends. Takes
 * wake-ups of the signing queue while it has free slots; everything after the reservation is driven
 * by the rows of its wallets, so that nothing lives in memory alone. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_H
#define SLUICE_SERVICE_SIGNER_SIGNER_H

#include "base/log.h"
#include "base/metric.h"
#include "core/catalogue.h"
#include "core/intent.h"
#include "port/cache.h"
#include "port/chain.h"
#include "port/clock.h"
#include "port/entropy.h"
#include "port/journal.h"
#include "port/keys.h"
#include "port/queue.h"
#include "port/store_transfer.h"

struct deny_list;
struct freeze;

struct signer_options {
	struct store *store; /* all borrowed */
	struct queue *queue;
	struct cache *cache; /* shared with other signers; NULL: none */
	struct clock *clock;
	struct entropy *entropy;
	struct keys *keys;
	struct journal *journal;
	struct chain *chains[CHAINS_MAX]; /* in the order of the catalogue */
	const struct catalogue *catalogue;
	const struct log *log;
	struct metrics *metrics;
	struct id deployment;
	struct mac_keys intent_keys;
	struct mac_keys approval_keys;
	struct mac_keys controls_keys; /* verify what people decided */
	struct mac_keys feed_keys;     /* without any no head of the feed is journaled */
	const uint8_t *pay_tag_key;    /* 32 bytes in secret memory */
	const char *instance;
	int64_t visibility_ms;  /* 60 s by default */
	int64_t funds_wait_ms;  /* before a payout that waits for funds is looked at again: 5 s */
	int64_t passed_over_ms; /* before funds are set aside for it: 10 min; 0: never */
	struct deny_list *deny_list; /* NULL: none is configured */
	struct freeze *freeze;       /* NULL: no file freezes it */
	bool recovers;               /* after a restore: see signer_recover.h */
	bool journal_lost;           /* then: people say that it is not the journal that lived */
	bool accepts_strangers;      /* then: what it does not know was sent by somebody else */
	int64_t entry_wait_ms;       /* between the two looks at a wallet that enters: 60 s */
};

struct signer;

struct signer *signer_new(const struct signer_options *options);
void signer_free(struct signer *signer); /* accepts NULL */
/* Before it ends: others may have its wallets at once. What fails costs them a lease's term. */
void signer_leave(struct signer *signer);
/* As processor_step. */
MUST_CHECK bool signer_step(struct signer *signer, bool *ret_worked, struct err *err);

#endif
