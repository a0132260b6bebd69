#include "base/ip.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <string.h>

#define MAPPED_BITS 96
#define BITS        128

static const uint8_t mapped[MAPPED_BITS / 8] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_v4(struct ip_address address)
{
	return memcmp(address.bytes, mapped, sizeof mapped) == 0;
}

bool ip_is_known(struct ip_address address)
{
	static const struct ip_address none = { { 0 } };
	return !ip_equal(address, none);
}

bool ip_equal(struct ip_address a, struct ip_address b)
{
	return memcmp(a.bytes, b.bytes, IP_BYTES) == 0;
}

bool ip_read(struct str text, struct ip_address *ret_address)
{
	char copy[IP_TEXT_MAX + 1];
	struct ip_address address;
	if (!str_copy(text, copy, sizeof copy))
		return false;
	memcpy(address.bytes, mapped, sizeof mapped);
	if (inet_pton(AF_INET, copy, address.bytes + sizeof mapped) != 1 &&
	    inet_pton(AF_INET6, copy, address.bytes) != 1)
		return false;
	*ret_address = address;
	return true;
}

void ip_write(struct ip_address address, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];
	const char *done = is_v4(address) ? inet_ntop(AF_INET, address.bytes + sizeof mapped, text,
						      sizeof text)
					  : inet_ntop(AF_INET6, address.bytes, text, sizeof text);
	CHECK(done != NULL);
	buf_text(out, text);
}

struct ip_address ip_client(struct ip_address address)
{
	if (!is_v4(address))
		memset(address.bytes + IP_NETWORK_BYTES, 0, IP_BYTES - IP_NETWORK_BYTES);
	return address;
}

/* The bits of byte `at` that a prefix of so many bits covers. */
static uint8_t mask_of(unsigned bits, size_t at)
{
	size_t covered = bits > 8 * at ? bits - 8 * at : 0;
	return (uint8_t)(covered >= 8 ? 0xffu : 0xff00u >> covered);
}

static bool is_clean(const struct ip_range *range)
{
	for (size_t i = 0; i < IP_BYTES; i++)
		if ((range->first.bytes[i] & (uint8_t)~mask_of(range->bits, i)) != 0)
			return false;
	return true;
}

bool ip_range_read(struct str text, struct ip_range *ret_range)
{
	struct str address = text, digits = { 0 };
	struct ip_range range = { .bits = BITS };
	uint64_t bits = 0;
	bool has_bits = str_cut(text, '/', &address, &digits);
	if (!ip_read(address, &range.first))
		return false;
	/* What is written with dots counts its bits by itself. */
	unsigned before = memchr(address.at, ':', address.len) == NULL ? MAPPED_BITS : 0;
	if (has_bits && (!str_to_u64(digits, &bits) || bits > BITS - before))
		return false;
	if (has_bits)
		range.bits = before + (unsigned)bits;
	if (!is_clean(&range))
		return false;
	*ret_range = range;
	return true;
}

void ip_range_write(const struct ip_range *range, struct buf *out)
{
	bool has_dots = is_v4(range->first) && range->bits >= MAPPED_BITS;
	ip_write(range->first, out);
	buf_format(out, "/%u", has_dots ? range->bits - MAPPED_BITS : range->bits);
}

bool ip_range_has(const struct ip_range *range, struct ip_address address)
{
	uint8_t differs = 0;
	CHECK(range->bits <= BITS);
	for (size_t i = 0; i < IP_BYTES; i++)
		differs = (uint8_t)(differs | ((range->first.bytes[i] ^ address.bytes[i]) &
					       mask_of(range->bits, i)));
	return differs == 0;
}

bool ip_ranges_read(struct str text, struct ip_range *ret_ranges, size_t cap, size_t *ret_len)
{
	size_t len = 0;
	struct str rest = text;
	while (rest.len > 0) {
		struct str one = rest, after = { 0 };
		bool is_last = !str_cut(rest, ' ', &one, &after);
		if (len == cap || !ip_range_read(one, &ret_ranges[len]) ||
		    (!is_last && after.len == 0))
			return false;
		len++;
		rest = is_last ? (struct str){ 0 } : after;
	}
	*ret_len = len;
	return true;
}

bool ip_ranges_have(const struct ip_range *ranges, size_t len, struct ip_address address)
{
	bool has = false;
	for (size_t i = 0; i < len; i++)
		has |= ip_range_has(&ranges[i], address);
	return has;
}
