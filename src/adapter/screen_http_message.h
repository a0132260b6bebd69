/* What is said to a screening service and what it says, as bytes: pure, so that it can be fuzzed.
 *
 *	POST /screen HTTP/1.1
 *	Sluice-Request: 5f0c…            128 random bits, another one each time
 *	Sluice-Timestamp: 2026-03-01T12:00:00.000Z
 *	Sluice-Signature: v1=9a1e…       HMAC-SHA-256 over method, path, the two above and the body
 *
 *	{"withdrawal":"…","account":"…", …}
 *
 * The body is the same each time that one withdrawal is asked about. The answer:
 *
 *	HTTP/1.1 200 OK
 *	Sluice-Signature: v1=77b2…       HMAC-SHA-256 over the body
 *
 *	{"request":"5f0c…","withdrawal":"…","decision":"allow","reference":"…","reason":"…"}
 *
 * Source: doc/policy.md, "Screening".
 */
#ifndef SLUICE_ADAPTER_SCREEN_HTTP_MESSAGE_H
#define SLUICE_ADAPTER_SCREEN_HTTP_MESSAGE_H

#include "base/hash.h"
#include "port/screen.h"

#define SCREEN_REQUEST_ID_LEN 32 /* hexadecimal digits */
#define SCREEN_BODY_BYTES_MAX 2048
#define SCREEN_ANSWER_BYTES   4096
#define SCREEN_SIGNATURE_LEN  (3 + 2 * SHA256_BYTES) /* "v1=" and digits */
#define SCREEN_SECRET_MIN     32

/* The secret that both sides have; borrowed. */
struct screen_secret {
	const uint8_t *at;
	size_t len;
};

/* What one question is about, to which only its own answer belongs. */
struct screen_request {
	struct id withdrawal;
	char id[SCREEN_REQUEST_ID_LEN + 1];
	struct str target;    /* "/path?query" */
	struct str timestamp; /* RFC 3339 */
	struct str body;
};

/* The body. `out` has room for SCREEN_BODY_BYTES_MAX. */
void screen_question_write(const struct intent *intent, struct buf *out);
/* "v1=…" of a POST; out: SCREEN_SIGNATURE_LEN bytes. */
void screen_request_sign(const struct screen_secret *secret, const struct screen_request *request,
			 struct buf *out);
/* False: none, or not one over this body. */
bool screen_answer_is_signed(const struct screen_secret *secret, struct str signature,
			     struct str body);
/* Takes the answer to that request out of its body. REFUSED: anything else than one, whole and
 * exact. */
MUST_CHECK bool screen_answer_read(struct str body, const struct screen_request *request,
				   struct screen_answer *ret_answer, struct err *err);

#endif
