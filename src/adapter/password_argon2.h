/* Passwords by Argon2id. Source: RFC 9106; its second recommended option has 64 MiB and three
 * passes, taken here with one lane, since several logins already run beside each other. */
#ifndef SLUICE_ADAPTER_PASSWORD_ARGON2_H
#define SLUICE_ADAPTER_PASSWORD_ARGON2_H

#include "port/password.h"

#include <stdint.h>

#define ARGON2_MEMORY_KIB 65536
#define ARGON2_PASSES     3
#define ARGON2_LANES      1

struct password_argon2 {
	struct password_hasher base;
	uint32_t memory_kib;
	uint32_t passes;
	uint32_t lanes;
};

/* Today's parameters; tests lower them afterwards. */
void password_argon2_init(struct password_argon2 *hasher);

#endif
