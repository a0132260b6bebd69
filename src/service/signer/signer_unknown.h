/* What the chain has of a wallet and the store has not: ahead.c sees that there is something,
 * unknown.c reads it. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_UNKNOWN_H
#define SLUICE_SERVICE_SIGNER_SIGNER_UNKNOWN_H

#include "base/err.h"

#include <stdint.h>

struct signer;
struct signer_wallet;

/* Of one wallet, and how far it was read. */
struct unknown {
	uint64_t count; /* transactions, by the last look at all wallets of the chain */
	bool told;      /* that there are some */
	bool is_known;  /* to a person, who started the wallet although they could not be read, */
	uint64_t known_to;  /* below this nonce: as many as nodes had told of then */
	uint64_t seen;      /* nonces that nodes told of at the last look */
	uint64_t journaled; /* one above the highest nonce of the journal, where it was looked at */
	bool begun;
	bool rises;     /* the lowest was found, or what came before it: blocks are read upwards */
	uint64_t next;  /* the block to be read, */
	uint64_t top;   /* and the one where it was begun */
	uint64_t deep;  /* head at which what was found can be believed; 0: nothing waits for it */
	int64_t at;     /* monotonic: nothing is read before */
	size_t node;    /* that is asked for blocks; the next one when it shows nothing */
	size_t strange; /* answers in a row that show the wanted one in no form of ours */
	bool gave_up;   /* it was not found, or there is too much: people are told */
};

/* ahead.c */
/* Have nodes seen transactions of any wallet of the chain, whoever has it, that neither store nor
 * journal know? Then no wallet of the chain may reserve. NOT_DONE: no node says. */
MUST_CHECK bool signer_ahead_look(struct signer *self, size_t chain, bool *ret_behind,
				  struct err *err);
/* The same once for a batch of rows: then nothing is known to be unpaid. */
MUST_CHECK bool signer_ahead_any(struct signer *self, uint64_t chain_id, bool *ret_any,
				 struct err *err);
/* Before the rows of a batch are read: what the nodes said of others is not of them. */
void signer_ahead_forget(struct signer *self);
/* The wallets of the chain that are level may not reserve, or may again. */
void signer_ahead_spread(struct signer *self, size_t chain, bool behind);
/* Before the wallet's row is replaced by one with this reason. */
void signer_ahead_started(struct signer_wallet *wallet, const char *stop_reason);

/* unknown.c */
/* Reads on, of each of our wallets that is ahead. What cannot be read now waits. */
void signer_unknown_read(struct signer *self);

#endif
