#include "core/address_list.h"

#include <string.h>

enum address_line address_line_read(struct str line, struct address *ret_address)
{
	struct str before, after;
	if (str_cut(line, '#', &before, &after))
		line = before;
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	line = str_trim(line);
	if (line.len == 0)
		return ADDRESS_LINE_EMPTY;
	return address_read(line, ret_address) == ADDRESS_OK ? ADDRESS_LINE_ADDRESS
							     : ADDRESS_LINE_WRONG;
}

int address_compare(struct address a, struct address b)
{
	return memcmp(a.bytes, b.bytes, ADDRESS_BYTES);
}

bool address_list_has(const struct address *sorted, size_t len, struct address address)
{
	size_t first = 0;
	while (len > 0) {
		size_t half = len / 2;
		int order = address_compare(sorted[first + half], address);
		if (order == 0)
			return true;
		if (order < 0) {
			first += half + 1;
			len -= half + 1;
		} else {
			len = half;
		}
	}
	return false;
}
