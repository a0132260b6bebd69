/* RLP encoding, as far as transactions need it, and a strict reader for tests and checks.
 * Source: Yellow Paper, appendix B. */
#ifndef SLUICE_CORE_RLP_H
#define SLUICE_CORE_RLP_H

#include "base/buf.h"
#include "base/str.h"
#include "base/u256.h"

/* A byte string. */
void rlp_write_bytes(struct buf *out, const void *bytes, size_t len);
/* An integer: big-endian without leading zeros; zero is the empty string. */
void rlp_write_u64(struct buf *out, uint64_t value);
void rlp_write_u256(struct buf *out, struct u256 value);
/* The head of a list whose content takes `content_len` bytes. */
void rlp_write_list_head(struct buf *out, size_t content_len);

enum rlp_type {
	RLP_BYTES,
	RLP_LIST,
};
/* Takes the first item of *input: its type and content; *input moves behind it. False when the
 * bytes are not canonical RLP. Does not descend. */
bool rlp_take(struct str *input, enum rlp_type *ret_type, struct str *ret_content);

#endif
