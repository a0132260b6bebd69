/* A screening service over HTTP: questions and answers that are signed (screen_http_message.h),
 * each within a deadline, behind a circuit breaker. No redirects; https, or http to this machine.
 */
#ifndef SLUICE_ADAPTER_SCREEN_HTTP_H
#define SLUICE_ADAPTER_SCREEN_HTTP_H

#include "base/metric.h"
#include "port/clock.h"
#include "port/entropy.h"
#include "port/screen.h"

struct screen_http_options {
	const char *url;         /* all borrowed */
	const char *secret_file; /* at least 32 bytes; read once */
	const char *ca_file;     /* whose certificates are believed; NULL: the system's */
	int64_t deadline_ms;     /* of each question */
	size_t asked_max;        /* side by side, 1 to SCREEN_ASKED_MAX */
	struct clock *clock;
	struct entropy *entropy;
	struct metrics *metrics; /* or NULL */
};

/* REFUSED for a URL that is not as above, a secret that is too short or open to others. Connects to
 * nothing yet. */
MUST_CHECK bool screen_http_open(const struct screen_http_options *options,
				 struct screen **ret_screen, struct err *err);

#endif
