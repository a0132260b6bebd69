#include "core/transfer.h"

#include "core/abi.h"

#include <string.h>

static void tx_of_slot(const struct transfer *transfer, struct tx *ret_tx)
{
	memset(ret_tx, 0, sizeof *ret_tx);
	ret_tx->chain_id = transfer->chain_id;
	ret_tx->nonce = transfer->nonce;
}

void transfer_payload(const struct transfer *transfer, struct tx *ret_tx)
{
	tx_of_slot(transfer, ret_tx);
	ret_tx->to = transfer->to;
	ret_tx->value = transfer->value;
	if (transfer->is_token) {
		_Static_assert(ABI_TRANSFER_BYTES <= CALLDATA_BYTES_MAX, "calldata fits");
		abi_write_transfer(transfer->receiver, transfer->amount, ret_tx->data);
		ret_tx->data_len = ABI_TRANSFER_BYTES;
	}
}

void transfer_cancellation(const struct transfer *transfer, struct tx *ret_tx)
{
	tx_of_slot(transfer, ret_tx);
	ret_tx->to = transfer->wallet;
}

struct hash32 transfer_payload_hash(const struct transfer *transfer)
{
	struct tx tx;
	transfer_payload(transfer, &tx);
	return tx_payload_hash(&tx, transfer->wallet);
}

void transfer_bind(struct transfer *transfer, const struct intent *intent)
{
	CHECK(!amount_is_zero(intent->amount));
	transfer->chain_id = intent->chain_id;
	transfer->withdrawal = intent->id;
	transfer->is_cancel = false;
	transfer->is_token = !intent->is_native;
	transfer->receiver = intent->to;
	transfer->amount = intent->amount;
	transfer->to = intent->is_native ? intent->to : intent->contract;
	transfer->value =
		intent->is_native ? wei_of_amount(intent->amount) : (struct wei){ u256_zero() };
}

void transfer_make_cancel(struct transfer *transfer)
{
	transfer->is_cancel = true;
	transfer->is_token = false;
	transfer->to = transfer->wallet;
	transfer->receiver = transfer->wallet;
	transfer->value = (struct wei){ u256_zero() };
	transfer->amount = (struct amount){ u256_zero() };
	transfer->payload_hash = transfer_payload_hash(transfer);
}

bool transfer_read_payload(const struct tx *tx, struct transfer *transfer)
{
	struct str data = str_from_bytes(tx->data, tx->data_len);
	bool is_token = tx->data_len > 0;
	struct address receiver = tx->to;
	struct amount amount = { tx->value.value };
	if (is_token &&
	    (!u256_is_zero(tx->value.value) || !abi_read_transfer(data, &receiver, &amount)))
		return false;
	transfer->is_cancel = false;
	transfer->is_token = is_token;
	transfer->to = tx->to;
	transfer->value = tx->value;
	transfer->receiver = receiver;
	transfer->amount = amount;
	transfer->payload_hash = tx_payload_hash(tx, transfer->wallet);
	return true;
}
