#include "service/api/http_address.h"

#include <string.h>

#define HOPS_MAX 32 /* more proxies than that are a loop */

/* Some proxies add the port: "192.0.2.1:4711", "[2001:db8::1]:443", "[2001:db8::1]". */
static bool read_hop(struct str text, struct ip_address *ret_address)
{
	struct str address = text, rest;
	if (ip_read(text, ret_address))
		return true;
	if (text.len > 0 && text.at[0] == '[')
		return str_cut(str_skip(text, 1), ']', &address, &rest) &&
		       (rest.len == 0 || rest.at[0] == ':') && ip_read(address, ret_address);
	return str_cut(text, ':', &address, &rest) && ip_read(address, ret_address);
}

/* Takes what stands behind the last comma. */
static struct str take_last(struct str *list)
{
	size_t at = list->len;
	while (at > 0 && list->at[at - 1] != ',')
		at--;
	struct str last = str_trim(str_skip(*list, at));
	list->len = at > 0 ? at - 1 : 0;
	return last;
}

/* The line of X-Forwarded-For before the one at *at, which starts behind the last header. */
static bool take_line(const struct http_request *request, size_t *at, struct str *ret_list)
{
	while (*at > 0) {
		const struct http_pair *header = &request->headers[--*at];
		if (!str_equal_fold(header->name, STR("X-Forwarded-For")))
			continue;
		*ret_list = header->value;
		return true;
	}
	return false;
}

struct ip_address http_client_address(const struct http_request *request,
				      const struct ip_range *proxies, size_t proxies_len)
{
	static const struct ip_address unknown = { { 0 } };
	struct ip_address address = request->address;
	struct str list = { 0 };
	size_t at = request->headers_len;
	for (int hop = 0; hop < HOPS_MAX && ip_ranges_have(proxies, proxies_len, address); hop++) {
		while (list.len == 0)
			if (!take_line(request, &at, &list))
				return address; /* the proxy asks for itself */
		if (!read_hop(take_last(&list), &address))
			return unknown;
	}
	return address;
}
