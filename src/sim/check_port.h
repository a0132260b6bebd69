/* What a process may do at its ports, judged by what stands in the store when the call begins and
 * by what the process was told. Each pair is called right before and right after the real call;
 * nothing happens in between. */
#ifndef SLUICE_SIM_CHECK_PORT_H
#define SLUICE_SIM_CHECK_PORT_H

#include "sim/world.h"

/* Nobody writes with a lease that has passed on, or upon a row that has moved. */
void sim_before_reserve(struct sim_process *process, const struct store_reservation *items,
			size_t n);
void sim_after_reserve(struct sim_process *process, const struct store_reservation *items,
		       size_t n);
void sim_before_change(struct sim_process *process, const struct store_change *changes, size_t n);
void sim_after_change(struct sim_process *process, const struct store_change *changes, size_t n);
void sim_before_attempts(struct sim_process *process, const struct store_attempt *items, size_t n);
void sim_after_attempts(struct sim_process *process, const struct store_attempt *items, size_t n);
void sim_before_observe(struct sim_process *process, const struct store_observation *items,
			size_t n);
void sim_after_observe(struct sim_process *process, const struct store_observation *items, size_t n,
		       const struct store_lease *lease);
void sim_after_sent(struct sim_process *process, const struct store_sent *items, size_t n);
void sim_after_turn_cancel(struct sim_process *process, const struct transfer *transfer,
			   uint64_t epoch, enum store_write result);

/* What it knows of the switches from now on. */
void sim_after_controls(struct sim_process *process, const struct control_set *set);

/* What the store learns after a restore. */
void sim_after_bind(struct sim_process *process, const struct store_binding *item);
void sim_after_import(struct sim_process *process, const struct store_import *item);

/* A claim ends its own message, as it was claimed, and no other. */
void sim_before_acks(struct sim_process *process, const struct message_ack *acks, size_t n);
void sim_after_acks(struct sim_process *process, const struct message_ack *acks, size_t n);

/* check_proof.c: what the journal is given. */
void sim_before_journal(struct sim_process *process, const struct journal_entry *entries, size_t n);
void sim_after_journal(struct sim_process *process, const struct journal_entry *entries, size_t n,
		       const enum journal_verdict *verdicts);
/* A round may follow another one only if the process was told in this step, by two nodes where
 * there are two, that the other one was not paid, as deep as that takes. */
void sim_check_round_proof(struct sim_process *process, struct id withdrawal, unsigned round);
/* A final slot's verdict stands on what its monitor was told in this step. */
void sim_check_final_proof(struct sim_process *process, const struct store_observation *item);

#endif
