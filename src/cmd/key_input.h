/* Keys from outside: what `keys import` reads. */
#ifndef SLUICE_CMD_KEY_INPUT_H
#define SLUICE_CMD_KEY_INPUT_H

#include "adapter/keys_keystore_file.h"
#include "base/secret.h"

/* Reads a private key as 64 hexadecimal digits (0x allowed), or a Web3 Secret Storage file with the
 * password in password_file (NULL for none). path NULL: standard input, without echo at a terminal.
 * The caller frees ret_bytes. */
MUST_CHECK bool key_input_read(const char *path, const char *password_file,
			       struct secret *ret_bytes, enum keystore_kind *ret_kind,
			       struct err *err);

#endif
