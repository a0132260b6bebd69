/* Addresses of the Internet and ranges of them. Both families are one: an IPv4 address is its
 * mapped IPv6 form (::ffff:a.b.c.d), so that a client is the same over either socket.
 *
 * Source: RFC 4291 2.5.5.2 (mapped), RFC 4632 (CIDR), RFC 5952 (text).
 */
#ifndef SLUICE_BASE_IP_H
#define SLUICE_BASE_IP_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP_BYTES         16
#define IP_TEXT_MAX      45 /* characters of an address */
#define IP_RANGE_MAX     (IP_TEXT_MAX + 4)
#define IP_NETWORK_BYTES 8 /* of an IPv6 address: what one client has at least */

/* All zero (::) is no client's: it stands for an address that is not known. */
struct ip_address {
	uint8_t bytes[IP_BYTES];
};

/* The addresses that begin with the first `bits` bits. */
struct ip_range {
	struct ip_address first;
	unsigned bits; /* 0 to 128; of IPv4 96 and its own */
};

bool ip_is_known(struct ip_address address);
bool ip_equal(struct ip_address a, struct ip_address b);
/* "192.0.2.1", "2001:db8::1"; no zone, no port. */
bool ip_read(struct str text, struct ip_address *ret_address);
void ip_write(struct ip_address address, struct buf *out);
/* What one client may have by itself: an IPv4 address, or a /64 of IPv6. */
struct ip_address ip_client(struct ip_address address);

/* "10.0.0.0/8", "2001:db8::/32", or an address. False also when there are bits behind the prefix:
 * 10.0.0.1/8 may be meant as either. */
bool ip_range_read(struct str text, struct ip_range *ret_range);
void ip_range_write(const struct ip_range *range, struct buf *out);
bool ip_range_has(const struct ip_range *range, struct ip_address address);

/* Ranges with one space between them; "" is none. False when one is malformed, or there are more
 * than `cap`. */
bool ip_ranges_read(struct str text, struct ip_range *ret_ranges, size_t cap, size_t *ret_len);
bool ip_ranges_have(const struct ip_range *ranges, size_t len, struct ip_address address);

#endif
