/* Base64, without white space. Source: RFC 4648: section 4 with padding; section 5, the alphabet
 * for addresses, without. */
#ifndef SLUICE_BASE_BASE64_H
#define SLUICE_BASE_BASE64_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

void base64_write(struct buf *out, const void *bytes, size_t len);
/* Takes the one form that base64_write gives, bits that pad included. False (what was written is
 * garbage) for anything else, and for more than cap bytes. */
bool base64_read(struct str text, void *ret_bytes, size_t cap, size_t *ret_len);
/* The same for '-' and '_' in place of '+' and '/', and no '=' at the end. */
void base64url_write(struct buf *out, const void *bytes, size_t len);
bool base64url_read(struct str text, void *ret_bytes, size_t cap, size_t *ret_len);

#endif
