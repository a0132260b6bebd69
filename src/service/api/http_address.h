/* Where a request comes from. That is the other end of its connection; where this is a proxy that
 * the configuration trusts, it is what the proxy says in X-Forwarded-For. Each proxy adds the
 * address that it saw at the right end, and only what a trusted one has added is believed: the
 * list is read from the right, past every trusted proxy, to the first that is none. What stands
 * further left was written by that client, and may say anything.
 */
#ifndef SLUICE_SERVICE_API_HTTP_ADDRESS_H
#define SLUICE_SERVICE_API_HTTP_ADDRESS_H

#include "net/http_parse.h"

/* proxies: those that are trusted. An address that is not known (::) when a trusted proxy wrote
 * what is none. */
struct ip_address http_client_address(const struct http_request *request,
				      const struct ip_range *proxies, size_t proxies_len);

#endif
