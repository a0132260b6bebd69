/* Signed transactions: what is taken, written again, is the same bytes, so that a hash names one
 * transaction. */
#include "fuzz.h"

#include "core/tx.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str text = str_from_bytes(bytes, len);
	struct tx tx, again;
	struct tx_signature signature, signature_again;
	char storage[TX_BYTES_MAX];
	struct buf out = buf_of(storage, sizeof storage);
	memset(&tx, 0, sizeof tx);
	memset(&again, 0, sizeof again);
	if (!tx_read_signed(text, &tx, &signature))
		return 0;
	CHECK(tx.data_len <= CALLDATA_BYTES_MAX && signature.parity <= 1);
	tx_write_signed(&tx, &signature, &out);
	CHECK(!out.overflow && str_equal(buf_view(&out), text));
	CHECK(tx_read_signed(buf_view(&out), &again, &signature_again));
	CHECK(memcmp(&tx, &again, sizeof tx) == 0);

	/* What is signed and what is paid depend on the nonce. */
	struct hash32 signing = tx_signing_hash(&tx);
	struct hash32 payload = tx_payload_hash(&tx, tx.to);
	again.nonce ^= 1;
	CHECK(!hash32_equal(signing, tx_signing_hash(&again)));
	CHECK(!hash32_equal(payload, tx_payload_hash(&again, tx.to)));
	return 0;
}
