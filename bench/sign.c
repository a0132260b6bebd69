/* How many digests a store of keys signs in a second: batches of BATCH_MAX, one after the other, as
 * the signer asks for them at most. The first batch is verified, the others are only counted.
 *
 * usage: bench_sign MS ADDRESS keystore FILE PASSWORD_FILE KEY
 *        bench_sign MS ADDRESS pkcs11 MODULE TOKEN PIN_FILE SESSIONS KEY
 *        bench_sign MS ADDRESS kms REGION ENDPOINT KEY
 *
 * Prints {"signatures":N,"ms":N,"cpu_us":N}: what our process took of the processor. */
#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "adapter/keys_keystore.h"
#include "adapter/keys_kms.h"
#include "adapter/keys_pkcs11.h"
#include "base/check.h"
#include "base/secret.h"
#include "core/limits.h"
#include "core/signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEADLINE_MS 60000
#define SECRET_MAX  1024

static void must(bool ok, const struct err *err)
{
	if (ok)
		return;
	(void)fprintf(stderr, "bench_sign: %s\n", err->text);
	exit(1);
}

static struct str file_read(const char *path, struct secret *ret_secret)
{
	struct err err = { 0 };
	must(secret_read_file(ret_secret, path, SECRET_MAX, &err), &err);
	return str_from_bytes(ret_secret->at, ret_secret->len);
}

static struct keys *keystore_open(char **args)
{
	struct entropy entropy;
	struct secret password;
	struct keys *keys = NULL;
	struct err err = { 0 };
	entropy_os_init(&entropy);
	const struct keys_keystore_file file = { "bench", args[0], file_read(args[1], &password) };
	const struct keys_keystore_options options = { &file, 1, &entropy };
	must(keys_keystore_open(&options, &keys, &err), &err);
	secret_free(&password);
	return keys;
}

static struct keys *pkcs11_open(char **args)
{
	struct secret pin;
	struct keys *keys = NULL;
	struct err err = { 0 };
	const struct keys_pkcs11_options options = {
		.module = args[0],
		.token = args[1],
		.pin = file_read(args[2], &pin),
		.sessions = strtoul(args[3], NULL, 10),
		.deadline_ms = DEADLINE_MS,
		.start_ms = DEADLINE_MS,
	};
	must(keys_pkcs11_open(&options, &keys, &err), &err);
	secret_free(&pin);
	return keys;
}

static struct keys *kms_open(char **args)
{
	struct keys *keys = NULL;
	struct err err = { 0 };
	const struct keys_kms_options options = {
		.region = args[0],
		.endpoint = args[1],
		.deadline_ms = DEADLINE_MS,
	};
	must(keys_kms_open(&options, &keys, &err), &err);
	return keys;
}

static int64_t cpu_us(void)
{
	struct timespec spent;
	CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) == 0);
	return (int64_t)spent.tv_sec * 1000000 + spent.tv_nsec / 1000;
}

static void batch_sign(struct keys *keys, const char *key_ref, uint64_t number,
		       struct keys_request *requests, struct keys_result *ret_results)
{
	for (size_t i = 0; i < BATCH_MAX; i++) {
		requests[i].key_ref = key_ref;
		memset(requests[i].digest.bytes, (int)(i + 1), 32);
		memcpy(requests[i].digest.bytes, &number, sizeof number);
	}
	keys_sign_many(keys, requests, BATCH_MAX, ret_results);
	for (size_t i = 0; i < BATCH_MAX; i++)
		must(ret_results[i].done, &ret_results[i].err);
}

static void batch_verify(const struct keys_request *requests, const struct keys_result *results,
			 struct address address)
{
	struct signature_context *context = signature_context_new();
	struct tx_signature signature;
	for (size_t i = 0; i < BATCH_MAX; i++)
		CHECK(signature_complete(context, requests[i].digest, results[i].r, results[i].s,
					 results[i].parity, address, &signature));
	signature_context_free(context);
}

static void measure(struct keys *keys, const char *key_ref, struct address address, int64_t ms)
{
	struct keys_request requests[BATCH_MAX] = { 0 };
	struct keys_result results[BATCH_MAX];
	struct clock clock;
	uint64_t batches = 0;
	clock_posix_init(&clock);
	batch_sign(keys, key_ref, UINT64_MAX, requests, results);
	batch_verify(requests, results, address);
	int64_t start = clock_monotonic_ms(&clock), cpu = cpu_us(), now = start;
	while (now - start < ms) {
		batch_sign(keys, key_ref, batches++, requests, results);
		now = clock_monotonic_ms(&clock);
	}
	(void)printf("{\"signatures\":%llu,\"ms\":%lld,\"cpu_us\":%lld}\n",
		     (unsigned long long)batches * BATCH_MAX, (long long)(now - start),
		     (long long)(cpu_us() - cpu));
}

int main(int argc, char **argv)
{
	struct address address;
	struct keys *keys = NULL;
	if (argc < 7 || address_read(str_from(argv[2]), &address) != ADDRESS_OK) {
		(void)fputs("bench_sign: see the head of bench/sign.c\n", stderr);
		return 2;
	}
	if (strcmp(argv[3], "keystore") == 0)
		keys = keystore_open(argv + 4);
	else if (strcmp(argv[3], "pkcs11") == 0 && argc == 9)
		keys = pkcs11_open(argv + 4);
	else if (strcmp(argv[3], "kms") == 0)
		keys = kms_open(argv + 4);
	if (keys == NULL)
		return 2;
	measure(keys, argv[argc - 1], address, strtoll(argv[1], NULL, 10));
	keys_close(keys);
	return 0;
}
