/* scrypt without the limit n < 2^(16 r) of RFC 7914, which OpenSSL enforces and some key files do
 * not keep (among them the published example of Web3 Secret Storage: n = 262144, r = 1). Used for
 * those alone. Source: RFC 7914. */
#ifndef SLUICE_ADAPTER_KEYS_SCRYPT_H
#define SLUICE_ADAPTER_KEYS_SCRYPT_H

#include "base/check.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* n: a power of two; n * r * p as bounded by the caller. False when there is no memory
 * (128 * r * (n + p) bytes), which is wiped before it goes back. */
MUST_CHECK bool scrypt_derive(struct str password, struct str salt, uint64_t n, uint32_t r,
			      uint32_t p, uint8_t *ret_derived, size_t len);

#endif
