#include "core/rlp.h"

/* A content of up to 55 bytes has its length in the first byte; a longer one has the length of its
 * length there. */
#define SHORT_MAX   55
#define BYTES_SHORT 0x80
#define LIST_SHORT  0xc0

/* Big-endian, without leading zeros; returns how many bytes. */
static size_t strip_u64(uint64_t value, uint8_t ret_bytes[8])
{
	size_t len = 0;
	for (int shift = 56; shift >= 0; shift -= 8)
		if (value >> shift != 0)
			ret_bytes[len++] = (uint8_t)(value >> shift);
	return len;
}

static void write_head(struct buf *out, uint8_t base, size_t content_len)
{
	uint8_t length[8];
	if (content_len <= SHORT_MAX) {
		buf_byte(out, (uint8_t)(base + content_len));
		return;
	}
	size_t length_len = strip_u64(content_len, length);
	buf_byte(out, (uint8_t)(base + SHORT_MAX + length_len));
	buf_bytes(out, length, length_len);
}

void rlp_write_bytes(struct buf *out, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	if (len != 1 || at[0] >= BYTES_SHORT)
		write_head(out, BYTES_SHORT, len);
	buf_bytes(out, bytes, len);
}

void rlp_write_u64(struct buf *out, uint64_t value)
{
	uint8_t bytes[8];
	size_t len = strip_u64(value, bytes);
	rlp_write_bytes(out, bytes, len);
}

void rlp_write_u256(struct buf *out, struct u256 value)
{
	uint8_t bytes[U256_BYTES];
	size_t zeros = 0;
	u256_to_bytes(value, bytes);
	while (zeros < sizeof bytes && bytes[zeros] == 0)
		zeros++;
	rlp_write_bytes(out, bytes + zeros, sizeof bytes - zeros);
}

void rlp_write_list_head(struct buf *out, size_t content_len)
{
	write_head(out, LIST_SHORT, content_len);
}

/* Reads a long length of length_len bytes and moves behind it; false unless it is canonical. */
static bool take_length(struct str *input, size_t length_len, size_t *ret_len)
{
	uint64_t len = 0;
	if (input->len < length_len || input->at[0] == 0)
		return false;
	for (size_t i = 0; i < length_len; i++)
		len = len << 8 | (uint8_t)input->at[i];
	if (len <= SHORT_MAX)
		return false;
	*input = str_skip(*input, length_len);
	*ret_len = len;
	return true;
}

bool rlp_take(struct str *input, enum rlp_type *ret_type, struct str *ret_content)
{
	struct str rest = *input;
	if (rest.len == 0)
		return false;
	uint8_t first = (uint8_t)rest.at[0];
	enum rlp_type type = first >= LIST_SHORT ? RLP_LIST : RLP_BYTES;
	size_t len = 1;
	if (first >= BYTES_SHORT) {
		rest = str_skip(rest, 1);
		len = (size_t)(first - (type == RLP_LIST ? LIST_SHORT : BYTES_SHORT));
		if (len > SHORT_MAX && !take_length(&rest, len - SHORT_MAX, &len))
			return false;
	}
	if (len > rest.len)
		return false;
	/* One byte below 0x80 is written as itself, without a head. */
	if (first == BYTES_SHORT + 1 && (uint8_t)rest.at[0] < BYTES_SHORT)
		return false;
	*ret_type = type;
	*ret_content = (struct str){ rest.at, len };
	*input = str_skip(rest, len);
	return true;
}
