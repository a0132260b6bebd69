/* From a transfer row to the transaction it stands for. Pure. */
#ifndef SLUICE_CORE_TRANSFER_H
#define SLUICE_CORE_TRANSFER_H

#include "core/tx.h"
#include "core/withdrawal.h"

/* What the slot pays: native coin to the receiver, or the token's transfer(receiver, amount); for a
 * cancellation zero value to the wallet itself. Fees and gas are left zero. */
void transfer_payload(const struct transfer *transfer, struct tx *ret_tx);
/* The same slot's cancellation. */
void transfer_cancellation(const struct transfer *transfer, struct tx *ret_tx);
/* tx_payload_hash of transfer_payload. */
struct hash32 transfer_payload_hash(const struct transfer *transfer);
/* Sets to, value, is_token, receiver and amount of a row from what a withdrawal asks for. */
void transfer_bind(struct transfer *transfer, const struct intent *intent);
/* The reverse: to, value, is_token, receiver, amount and payload_hash from a transaction of the
 * row's wallet. False: it pays in no way that we do. */
bool transfer_read_payload(const struct tx *tx, struct transfer *transfer);
/* Turns the row into the self-transfer that pays nothing. */
void transfer_make_cancel(struct transfer *transfer);

#endif
