/* Where the key set of an identity provider comes from: a file, which is read again when it has
 * changed, or an URL, which a thread of its own fetches: https, or http from this machine alone; no
 * redirects; every ten minutes, and when a token names a key that is not there, at most once a
 * minute. A set that cannot be had or read leaves the one that was there, but not for ever: after a
 * while without it nobody is believed until it is there again. */
#ifndef SLUICE_ADAPTER_TOKEN_KEYS_SOURCE_H
#define SLUICE_ADAPTER_TOKEN_KEYS_SOURCE_H

#include "base/log.h"
#include "port/token_keys.h"

struct token_keys_source {
	const char *file; /* one of both; borrowed */
	const char *url;
	int64_t keep_ms; /* how long a set is believed that could not be had again */
	const struct log *log;
};

/* REFUSED for a file that is no key set, and for an URL that is not as above. An URL that does not
 * answer yet is no failure: until it does, no token is believed. */
MUST_CHECK bool token_keys_open(const struct token_keys_source *source,
				struct token_keys **ret_keys, struct err *err);
/* https, or http to a loopback address? */
bool token_keys_url_is_allowed(struct str url);

#endif
