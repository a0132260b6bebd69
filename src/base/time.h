/* Points in time: milliseconds since 1970-01-01T00:00:00Z, as int64_t named …_at or …_ms. Which
 * time it is comes from port/clock.h; this file only writes and reads text. */
#ifndef SLUICE_BASE_TIME_H
#define SLUICE_BASE_TIME_H

#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

/* RFC 3339, UTC, milliseconds: 2026-01-31T23:59:59.123Z (24 characters). What lies before 1970 or
 * after 9999 is written as the nearest end of that range. */
void time_write_rfc3339(int64_t unix_ms, struct buf *out);
/* RFC 3339 with any offset and 0 to 9 digits of a second's fraction (cut to ms); years 1970 to
 * 9999 UTC; no leap seconds, which such a count of milliseconds cannot name. False on anything
 * else. */
bool time_read_rfc3339(struct str text, int64_t *ret_unix_ms);

/* How long: "90d", "24h", "30m", "45s", up to 100 years. False on anything else. */
bool time_read_duration(struct str text, int64_t *ret_ms);

/* "Sun, 06 Nov 1994 08:49:37 GMT", of seconds since 1970. RFC 9110, 5.6.7. */
void time_write_http(int64_t seconds, struct buf *out);

#endif
