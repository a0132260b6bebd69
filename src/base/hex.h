/* Hexadecimal text. */
#ifndef SLUICE_BASE_HEX_H
#define SLUICE_BASE_HEX_H

#include "base/buf.h"
#include "base/str.h"

/* Lower case, without "0x". */
void hex_write(struct buf *out, const void *bytes, size_t len);
/* With "0x" before it. */
void hex_write_0x(struct buf *out, const void *bytes, size_t len);
/* Exactly len bytes from exactly 2 * len digits, any case, no prefix. */
bool hex_read(struct str text, void *ret_bytes, size_t len);
/* The same behind "0x". */
bool hex_read_0x(struct str text, void *ret_bytes, size_t len);
/* "0x" and an even number of digits up to cap bytes. */
bool hex_read_0x_any(struct str text, void *ret_bytes, size_t cap, size_t *ret_len);

#endif
