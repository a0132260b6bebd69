/* Encrypted key files: Web3 Secret Storage, version 3. Reads what geth, ethers and others write
 * (scrypt or PBKDF2), writes scrypt.
 *
 * A file holds a private key of 32 bytes; or, with the extra member "sluice": {"kind": "seed"}, the
 * seed (16 to 64 bytes) of many keys. Other programs ignore the member and can decrypt the bytes.
 *
 * Source: Web3 Secret Storage Definition; domain.md "Signing".
 */
#ifndef SLUICE_ADAPTER_KEYS_KEYSTORE_FILE_H
#define SLUICE_ADAPTER_KEYS_KEYSTORE_FILE_H

#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "port/entropy.h"

enum keystore_kind {
	KEYSTORE_KEY = 1,
	KEYSTORE_SEED = 2,
};

#define KEYSTORE_FILE_BYTES_MAX 16384
#define KEYSTORE_SALT_BYTES_MAX 64
#define KEYSTORE_TEXT_BYTES_MAX 64 /* what is encrypted: a seed at most */
#define KEYSTORE_DKLEN_MAX      64

/* What a file may ask for. A file that somebody changed must not take the machine down: n * r * p
 * is what scrypt costs in time, and times 128 bytes an upper bound of its memory: 1 GiB and four
 * times the default. */
#define KEYSTORE_SCRYPT_N_MAX    1048576
#define KEYSTORE_SCRYPT_R_MAX    32
#define KEYSTORE_SCRYPT_P_MAX    16
#define KEYSTORE_SCRYPT_COST_MAX 8388608 /* n * r * p */
#define KEYSTORE_PBKDF2_C_MAX    10000000

/* Costs 1.5 s and 272 MB: what geth takes too. Tests take less. */
#define KEYSTORE_SCRYPT_N_DEFAULT 262144

/* Decrypts `text`, the content of a file. REFUSED when the password is wrong, when the file asks
 * for more than the limits above, or is no keystore. ret_bytes: 32 bytes for a key, 16 to 64 for a
 * seed; the caller frees it. */
MUST_CHECK bool keystore_decrypt(struct str text, struct str password, struct secret *ret_bytes,
				 enum keystore_kind *ret_kind, struct err *err);
/* The same from a file that only its owner can read. */
MUST_CHECK bool keystore_read(const char *path, struct str password, struct secret *ret_bytes,
			      enum keystore_kind *ret_kind, struct err *err);
/* Encrypts and writes a new file of mode 0600; durable when it returns. scrypt_n: a power of two
 * from 2 to KEYSTORE_SCRYPT_N_MAX. REFUSED when the path exists, a key is not one of the curve, or
 * a length is wrong. */
MUST_CHECK bool keystore_write(const char *path, struct str bytes, enum keystore_kind kind,
			       struct str password, uint32_t scrypt_n, struct entropy *entropy,
			       struct err *err);

#endif
