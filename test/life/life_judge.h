/* The judge: what the wallets sent, read from the blocks themselves and not through a port of ours.
 */
#ifndef SLUICE_TEST_LIFE_LIFE_JUDGE_H
#define SLUICE_TEST_LIFE_LIFE_JUDGE_H

#include "life.h"

/* The number of the newest block. */
uint64_t life_judge_begin(struct life *life);
/* Everything that the wallets have sent in blocks after `since` is the payment of one of the rows,
 * each at most once, or a self-transfer of nothing; else the test fails, with `what` in its words.
 * Returns how many of the rows are paid. */
size_t life_judge(struct life *life, const char *what, uint64_t since,
		  const struct withdrawal *rows, size_t n);

#endif
