/* What stands outside of Sluice in a life: the chain and its contracts; and the judgement at the
 * end, from the chain. */
#ifndef SLUICE_TEST_LIFE_LIFE_WORLD_H
#define SLUICE_TEST_LIFE_LIFE_WORLD_H

#include "life.h"

/* The order of TestToken.Behaviour. */
enum token_behaviour {
	TOKEN_GOOD,
	TOKEN_NO_RETURN,
	TOKEN_SILENT_FALSE,
	TOKEN_NO_LOG,
	TOKEN_WRONG_AMOUNT_LOG,
	TOKEN_WRONG_RECEIVER_LOG,
	TOKEN_TWO_LOGS,
	TOKEN_ONLY_LOG,
	TOKEN_FEE,
};

struct address life_fresh_address(struct life *life);

/* The token's owner calls it; in a block of its own. */
void life_token_pause(struct life *life, bool paused);
void life_token_block(struct life *life, struct address account, bool blocked);
void life_token_behave(struct life *life, enum token_behaviour behaviour);
/* transferFrom() of nothing, which needs no allowance: anybody may. */
void life_token_move_nothing(struct life *life, struct address from, struct address to);
/* A contract at the address that refuses every native payment, or takes it. */
void life_refuse(struct life *life, struct address receiver, bool refuses);
void life_fund(struct life *life, struct address account, struct u256 wei);
void life_drop_pool(struct life *life);
/* The last `depth` blocks are replaced by empty ones. */
void life_reorg(struct life *life, unsigned depth);
/* Of the next block. */
void life_base_fee(struct life *life, uint64_t wei);
/* Somebody else who holds the wallet's key sends a coin with it. */
void life_foreign_send(struct life *life, struct address wallet, struct address to);
/* The same, with so many wei; the transaction's hash. */
struct hash32 life_foreign_pay(struct life *life, struct address wallet, struct address to,
			       uint64_t wei);
/* The same, with a byte of data: what the signer never makes. */
struct hash32 life_foreign_note(struct life *life, struct address wallet, struct address to,
				uint64_t wei);
/* The same, with units of the token. */
struct hash32 life_foreign_transfer(struct life *life, struct address wallet, struct address to,
				    uint64_t units);
/* A person decides; the newest version of the withdrawal and its slot, as the API does it.
 * paid_by: NULL for "not paid". */
void life_decide(struct life *life, const struct withdrawal *row, const char *person,
		 const struct hash32 *paid_by);
/* "Not paid", and that an equal payment was another one's. */
void life_decide_another(struct life *life, const struct withdrawal *row, const char *person,
			 struct hash32 paid_another);
/* "Not paid" of a slot of the withdrawal that it has left. */
void life_decide_slot(struct life *life, const struct withdrawal *row, const char *person,
		      struct id slot);
/* The key that a person decides with: there, or revoked. */
void life_key_set(struct life *life, const char *person, bool revoked);
uint64_t life_chain_nonce(struct life *life, struct address wallet);

/* Accepted, sent, in a block, and seen there. */
struct withdrawal life_mined(struct life *life, const char *symbol, uint64_t units);

/* As the API does it: at once before the approval, by a request after it. False: too late,
 * it is in a block. */
bool life_cancel(struct life *life, const struct withdrawal *row);

/* The same for a higher fee. False: there is nothing to speed up. */
bool life_speed_up(struct life *life, const struct withdrawal *row);

/* Completed, and the receiver has exactly its amount. */
void life_assert_paid(struct life *life, const struct withdrawal *row);
/* The receiver has nothing. */
void life_assert_unpaid(struct life *life, const struct withdrawal *row);
/* Held for this reason (NULL: any), with an alarm, and the receiver has nothing. */
void life_assert_held(struct life *life, const struct withdrawal *row, const char *reason);
void life_assert_stage(struct life *life, const struct withdrawal *row,
		       enum withdrawal_stage stage);
/* Paid once and completed, or not paid, and canceled or failed. */
void life_assert_ended(struct life *life, const struct withdrawal *row);
/* Nobody has to do anything: no hold, no stopped wallet, no dead letter. */
void life_assert_quiet(struct life *life);
void life_assert_waits(struct life *life, const struct withdrawal *row, const char *reason);
/* Every nonce of every wallet has its row (T2), each of which is final, and the chain has seen not
 * one transaction of the wallets more. */
void life_assert_settled(struct life *life);
/* Others still get their money: pays one native and one token withdrawal. */
void life_assert_alive(struct life *life);

#endif
