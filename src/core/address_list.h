/* Lists of addresses as files have them: one a line, '#' begins a comment. Pure. */
#ifndef SLUICE_CORE_ADDRESS_LIST_H
#define SLUICE_CORE_ADDRESS_LIST_H

#include "core/address.h"

enum address_line {
	ADDRESS_LINE_EMPTY = 0, /* or a comment */
	ADDRESS_LINE_ADDRESS,
	ADDRESS_LINE_WRONG, /* no address, or one whose checksum is another's */
};

/* A line without its end. */
enum address_line address_line_read(struct str line, struct address *ret_address);
/* Below, at, or above zero, as memcmp. */
int address_compare(struct address a, struct address b);
/* Is it in a list that address_compare has put in order? */
bool address_list_has(const struct address *sorted, size_t len, struct address address);

#endif
