/* What an operator does after a restore, with the roles of a life: `reconcile --after-restore`,
 * with the journal that lived, an old one or none, and what two people decide then. */
#ifndef SLUICE_TEST_LIFE_LIFE_RECOVER_H
#define SLUICE_TEST_LIFE_LIFE_RECOVER_H

#include "life.h"
#include "service/signer/signer_recover.h"

/* Signer and monitor become those of the command; and those of every day again. */
void recover_open(struct life *life, bool journal_lost, bool accepts_strangers);
void recover_close(struct life *life);
void recover_begin(struct life *life);
void recover_refuses(struct life *life, const char *word);
/* A step; and one with a block after it. */
enum signer_recovery_phase recover_step_dry(struct life *life);
enum signer_recovery_phase recover_step(struct life *life);
/* Until all blocks are read. */
void recover_read(struct life *life);
/* To its end, and a person who says that it may go on. */
void recover_run(struct life *life);
/* It refuses in the middle, and all wallets recover still. */
void recover_ends_refused(struct life *life);
/* What `sluice restore` does to a copy of the store that has its place. */
void recover_mark(struct life *life);
void journal_lose(struct life *life);
/* The journal as it is now is kept, and lives again. */
void journal_keep(struct life *life);
void journal_revive(struct life *life);
void settle(struct life *life);
void both_name_another(struct life *life, const struct withdrawal *row, struct hash32 paid_another);
void both_decide(struct life *life, const struct withdrawal *row, const struct hash32 *paid_by);
void assert_received(struct life *life, const char *symbol, const struct withdrawal *row,
		     uint64_t units);
void assert_waits_for_people(struct life *life, const struct withdrawal *row, const char *reason);

#endif
