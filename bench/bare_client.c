/* The barest client that pays: the RPC calls that a payment cannot do without (estimate, send,
 * receipt), in the batches that Sluice uses, with as many wallets and as many transactions in
 * flight, until all are mined. It stores nothing, checks nothing and would lose money on its first
 * bad day: this is the bar that bench/run puts beside Sluice, not a program to use.
 *
 *	bare_client addresses WALLETS
 *	bare_client pay RPC WALLETS IN_FLIGHT COUNT POLL_MS [TOKEN]
 *
 * `addresses` prints the wallets, to be funded. `pay` pays COUNT fresh addresses: coins, or with
 * TOKEN every other time tokens; then prints {"mined":…,"seconds":…}.
 */
#include "adapter/chain_jsonrpc.h"
#include "base/hash.h"
#include "core/abi.h"
#include "core/fee.h"
#include "core/limits.h"
#include "core/tx.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHAIN_ID         31337
#define SLOTS_MAX        (WALLETS_MAX * IN_FLIGHT_MAX)
#define GAS_FLOOR        21000
#define GAS_CEILING      200000
#define STANDSTILL_S_MAX 20

struct payer {
	uint8_t key[32];
	struct address address;
	uint64_t nonce;
	size_t in_flight;
};

struct slot {
	struct payer *payer;
	struct hash32 hash;
};

struct bare {
	struct chain *chain;
	secp256k1_context *curve;
	struct chain_head head;
	bool has_token;
	struct address token;
	struct payer payers[WALLETS_MAX];
	size_t payers_len;
	size_t in_flight_max;
	size_t count, started, mined;
	struct slot slots[SLOTS_MAX];
	size_t slots_len;
	/* One batch. */
	struct payer *batch_payers[BATCH_MAX];
	struct tx batch[BATCH_MAX];
	uint8_t raw[BATCH_MAX][TX_BYTES_MAX];
	struct chain_receipt receipts[CHAIN_BATCH_MAX];
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bare_client: %s\n", what);
	exit(1);
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void make_payers(struct bare *bare, size_t n)
{
	uint8_t point[65];
	must(n > 0 && n <= WALLETS_MAX, "too many wallets");
	bare->curve = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
	bare->payers_len = n;
	for (size_t i = 0; i < n; i++) {
		struct payer *payer = &bare->payers[i];
		secp256k1_pubkey public;
		char name[32];
		size_t len = sizeof point;
		int name_len = snprintf(name, sizeof name, "bare client %zu", i);
		sha256(name, (size_t)name_len, payer->key);
		must(secp256k1_ec_pubkey_create(bare->curve, &public, payer->key), "a key");
		(void)secp256k1_ec_pubkey_serialize(bare->curve, point, &len, &public,
						    SECP256K1_EC_UNCOMPRESSED);
		payer->address = address_of_public_key(point + 1);
	}
}

/* ---- one batch: estimate, sign, send ---- */

static void make_payment(struct bare *bare, size_t number, struct tx *ret_tx)
{
	struct address receiver;
	struct amount amount = { u256_from_u64(1000000) };
	uint8_t digest[SHA256_BYTES];
	sha256(&number, sizeof number, digest);
	memcpy(receiver.bytes, digest, sizeof receiver.bytes);
	*ret_tx = (struct tx){ .chain_id = CHAIN_ID, .to = receiver };
	if (bare->has_token && number % 2 == 1) {
		ret_tx->to = bare->token;
		abi_write_transfer(receiver, amount, ret_tx->data);
		ret_tx->data_len = ABI_TRANSFER_BYTES;
	} else {
		ret_tx->value.value = amount.units;
	}
}

static struct payer *least_loaded(struct bare *bare)
{
	struct payer *best = NULL;
	for (size_t i = 0; i < bare->payers_len; i++) {
		struct payer *payer = &bare->payers[i];
		if (payer->in_flight < bare->in_flight_max &&
		    (best == NULL || payer->in_flight < best->in_flight))
			best = payer;
	}
	return best;
}

static size_t fill_batch(struct bare *bare)
{
	size_t n = 0;
	while (n < BATCH_MAX && bare->started < bare->count) {
		struct payer *payer = least_loaded(bare);
		if (payer == NULL)
			break;
		payer->in_flight++;
		bare->batch_payers[n] = payer;
		make_payment(bare, bare->started++, &bare->batch[n]);
		n++;
	}
	return n;
}

static void estimate_batch(struct bare *bare, size_t n)
{
	struct chain_call calls[BATCH_MAX];
	struct chain_estimate estimates[BATCH_MAX];
	struct fee_market market = { .base_fee = bare->head.base_fee, .tip = bare->head.tip };
	struct fee_limits limits = { .cap_max.value = u256_max() };
	struct err err;
	for (size_t i = 0; i < n; i++)
		calls[i] = (struct chain_call){ .from = bare->batch_payers[i]->address,
						.to = bare->batch[i].to,
						.value = bare->batch[i].value,
						.data = bare->batch[i].data,
						.data_len = bare->batch[i].data_len };
	must(chain_estimate_many(bare->chain, calls, n, estimates, &err), err.text);
	for (size_t i = 0; i < n; i++) {
		struct tx *tx = &bare->batch[i];
		must(estimates[i].state == CHAIN_ESTIMATE_OK, estimates[i].text);
		tx->gas_limit = gas_limit_of_estimate(estimates[i].gas, GAS_FLOOR, GAS_CEILING);
		tx->nonce = bare->batch_payers[i]->nonce++;
		must(fee_choose(&market, NULL, tx->gas_limit, &limits, &tx->fees) == REFUSAL_NONE,
		     "fees");
	}
}

static struct str sign(struct bare *bare, size_t at)
{
	struct hash32 digest = tx_signing_hash(&bare->batch[at]);
	struct buf out = buf_of(bare->raw[at], sizeof bare->raw[at]);
	secp256k1_ecdsa_recoverable_signature signature;
	struct tx_signature parts;
	uint8_t compact[64];
	int parity;
	must(secp256k1_ecdsa_sign_recoverable(bare->curve, &signature, digest.bytes,
					      bare->batch_payers[at]->key, NULL, NULL),
	     "signing");
	(void)secp256k1_ecdsa_recoverable_signature_serialize_compact(bare->curve, compact, &parity,
								      &signature);
	memcpy(parts.r, compact, 32);
	memcpy(parts.s, compact + 32, 32);
	parts.parity = (uint8_t)parity;
	tx_write_signed(&bare->batch[at], &parts, &out);
	return buf_view(&out);
}

static void send_batch(struct bare *bare, size_t n)
{
	struct str raw[BATCH_MAX] = { 0 };
	struct chain_send sends[BATCH_MAX];
	for (size_t i = 0; i < n; i++)
		raw[i] = sign(bare, i);
	chain_send_many(bare->chain, raw, n, sends);
	for (size_t i = 0; i < n; i++) {
		must(sends[i].state == CHAIN_SEND_ACCEPTED, sends[i].text);
		bare->slots[bare->slots_len++] =
			(struct slot){ bare->batch_payers[i], tx_hash_of(raw[i]) };
	}
}

/* ---- what became of them ---- */

static void wait_for_block(struct bare *bare, long poll_ms)
{
	const struct timespec pause = { .tv_nsec = poll_ms * 1000000 };
	struct hash32 before = bare->head.hash;
	struct err err;
	must(chain_head(bare->chain, &bare->head, &err), err.text);
	while (hash32_equal(before, bare->head.hash)) {
		(void)nanosleep(&pause, NULL);
		must(chain_head(bare->chain, &bare->head, &err), err.text);
	}
}

/* Looks at up to CHAIN_BATCH_MAX slots from `first`, and leaves those out that are mined. Returns
 * how many it looked at. */
static size_t look(struct bare *bare, size_t first, size_t *kept)
{
	struct hash32 hashes[CHAIN_BATCH_MAX] = { 0 };
	struct err err;
	size_t n = bare->slots_len - first;
	n = n < CHAIN_BATCH_MAX ? n : CHAIN_BATCH_MAX;
	for (size_t i = 0; i < n; i++)
		hashes[i] = bare->slots[first + i].hash;
	must(chain_receipts(bare->chain, hashes, n, bare->receipts, &err), err.text);
	for (size_t i = 0; i < n; i++) {
		const struct chain_receipt *receipt = &bare->receipts[i];
		if (receipt->state != CHAIN_RECEIPT_FOUND) {
			bare->slots[(*kept)++] = bare->slots[first + i];
			continue;
		}
		must(receipt->success, "a payment reverted");
		bare->slots[first + i].payer->in_flight--;
		bare->mined++;
	}
	return n;
}

static void look_at_all(struct bare *bare)
{
	size_t kept = 0;
	for (size_t at = 0; at < bare->slots_len;)
		at += look(bare, at, &kept);
	bare->slots_len = kept;
}

static void pay(struct bare *bare, long poll_ms)
{
	struct err err;
	double begun = now_s(), moved = begun;
	must(chain_head(bare->chain, &bare->head, &err), err.text);
	while (bare->mined < bare->count) {
		size_t n, before = bare->mined;
		while ((n = fill_batch(bare)) > 0) {
			estimate_batch(bare, n);
			send_batch(bare, n);
		}
		wait_for_block(bare, poll_ms);
		look_at_all(bare);
		if (bare->mined > before)
			moved = now_s();
		must(now_s() - moved < STANDSTILL_S_MAX, "nothing is mined any more");
	}
	printf("{\"mined\":%zu,\"seconds\":%.3f}\n", bare->mined, now_s() - begun);
}

/* ---- the program ---- */

static size_t number_of(const char *text)
{
	uint64_t number;
	must(str_to_u64(str_from(text), &number), "a number is needed");
	return (size_t)number;
}

static int usage(void)
{
	fprintf(stderr, "usage: bare_client addresses WALLETS\n"
			"       bare_client pay RPC WALLETS IN_FLIGHT COUNT POLL_MS [TOKEN]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static struct bare bare;
	struct err err;
	if (argc == 3 && strcmp(argv[1], "addresses") == 0) {
		make_payers(&bare, number_of(argv[2]));
		for (size_t i = 0; i < bare.payers_len; i++)
			printf("%s\n", address_text(bare.payers[i].address).at);
		return 0;
	}
	if ((argc != 7 && argc != 8) || strcmp(argv[1], "pay") != 0)
		return usage();
	struct chain_jsonrpc_options options = { .url = argv[2] };
	make_payers(&bare, number_of(argv[3]));
	bare.in_flight_max = number_of(argv[4]);
	bare.count = number_of(argv[5]);
	bare.has_token = argc == 8;
	must(bare.in_flight_max <= IN_FLIGHT_MAX, "too many in flight");
	must(!bare.has_token || address_read(str_from(argv[7]), &bare.token) == ADDRESS_OK,
	     "the token is no address");
	must(chain_jsonrpc_open(&options, &bare.chain, &err), err.text);
	pay(&bare, (long)number_of(argv[6]));
	chain_close(bare.chain);
	return 0;
}
