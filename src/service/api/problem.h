/* Every "no" of the API: one table of codes, from which the answers and doc/errors.md are made. A
 * code is a promise to clients: it never changes its meaning and is never renamed.
 *
 * Source: RFC 9457 (problem details), RFC 6901 (JSON pointers).
 */
#ifndef SLUICE_SERVICE_API_PROBLEM_H
#define SLUICE_SERVICE_API_PROBLEM_H

#include "base/buf.h"
#include "core/id.h"
#include "core/permission.h"
#include "core/refusal.h"

#include <stdbool.h>
#include <stddef.h>

enum problem {
	PROBLEM_NONE = 0,
	/* of the bytes on the wire: net/ refuses with these codes before a request exists */
	PROBLEM_REQUEST_MALFORMED,
	PROBLEM_REQUEST_TIMEOUT,
	PROBLEM_BODY_TOO_LARGE,
	PROBLEM_TARGET_TOO_LONG,
	PROBLEM_EXPECTATION_FAILED,
	PROBLEM_HEADERS_TOO_LARGE,
	PROBLEM_METHOD_NOT_IMPLEMENTED,
	PROBLEM_VERSION_NOT_SUPPORTED,
	/* of the route and the caller */
	PROBLEM_ROUTE_UNKNOWN,
	PROBLEM_METHOD_NOT_ALLOWED,
	PROBLEM_AUTHORIZATION_MISSING,
	PROBLEM_AUTHORIZATION_MALFORMED,
	PROBLEM_API_KEY_INVALID,
	PROBLEM_ACCESS_TOKEN_INVALID,
	PROBLEM_ACCESS_TOKEN_EXPIRED,
	PROBLEM_LOGIN_FAILED,
	PROBLEM_REFRESH_TOKEN_INVALID,
	PROBLEM_SECOND_FACTOR_INVALID,
	PROBLEM_ADDRESS_FORBIDDEN,
	PROBLEM_ACCOUNT_FORBIDDEN,
	PROBLEM_ACCOUNT_MISSING,
	PROBLEM_PERMISSION_MISSING,
	PROBLEM_SECOND_FACTOR_REQUIRED,
	/* of headers and query */
	PROBLEM_CONTENT_TYPE_UNSUPPORTED,
	PROBLEM_IDEMPOTENCY_KEY_MISSING,
	PROBLEM_IDEMPOTENCY_KEY_MALFORMED,
	PROBLEM_QUERY_UNKNOWN,
	PROBLEM_QUERY_REPEATED,
	PROBLEM_QUERY_MALFORMED,
	PROBLEM_CURSOR_MALFORMED,
	/* of the body as text */
	PROBLEM_BODY_MISSING,
	PROBLEM_BODY_UNEXPECTED,
	PROBLEM_BODY_NOT_UTF8,
	PROBLEM_JSON_MALFORMED,
	PROBLEM_JSON_DUPLICATE_KEY,
	PROBLEM_JSON_TOO_DEEP,
	PROBLEM_BODY_NOT_OBJECT,
	/* of its fields */
	PROBLEM_FIELD_MISSING,
	PROBLEM_FIELD_UNKNOWN,
	PROBLEM_FIELD_TYPE,
	PROBLEM_FIELD_LENGTH,
	PROBLEM_NUMBER_FORBIDDEN,
	PROBLEM_VERDICT_UNKNOWN,
	PROBLEM_TX_HASH_MALFORMED,
	PROBLEM_REQUEST_REFUSED,
	PROBLEM_EXTERNAL_ID_MALFORMED,
	PROBLEM_EXTERNAL_ID_TOO_LONG,
	PROBLEM_METADATA_TOO_MANY,
	PROBLEM_METADATA_TOO_LARGE,
	/* core's refusals of a request, under core's own codes */
	PROBLEM_CHAIN_UNKNOWN,
	PROBLEM_ASSET_UNKNOWN,
	PROBLEM_ADDRESS_MALFORMED,
	PROBLEM_ADDRESS_CHECKSUM,
	PROBLEM_ADDRESS_ZERO,
	PROBLEM_ADDRESS_IS_TOKEN,
	PROBLEM_ADDRESS_IS_OURS,
	PROBLEM_AMOUNT_MALFORMED,
	PROBLEM_AMOUNT_DECIMALS,
	PROBLEM_AMOUNT_TOO_LARGE,
	PROBLEM_AMOUNT_NOT_POSITIVE,
	/* of what is stored already */
	PROBLEM_IDEMPOTENCY_KEY_REUSED,
	PROBLEM_EXTERNAL_ID_TAKEN,
	PROBLEM_WITHDRAWAL_UNKNOWN,
	PROBLEM_QUEUE_UNKNOWN,
	PROBLEM_TOO_LATE_TO_CANCEL,
	PROBLEM_NOT_SENT_YET,
	PROBLEM_TOO_LATE_TO_SPEED_UP,
	PROBLEM_ALREADY_FINAL,
	PROBLEM_WITHDRAWAL_HELD,
	PROBLEM_NOTHING_TO_RESOLVE,
	PROBLEM_DEAD_LETTER,
	PROBLEM_DECISION_DIFFERS,
	PROBLEM_SESSION_UNKNOWN,
	PROBLEM_SECOND_FACTOR_ENROLLED,
	PROBLEM_CHANGED_MEANWHILE,
	PROBLEM_PAUSED_ALREADY,
	PROBLEM_NOT_PAUSED,
	PROBLEM_CONTROLS_IN_DOUBT,
	PROBLEM_PROPOSAL_UNKNOWN,
	PROBLEM_PROPOSAL_ENDED,
	PROBLEM_PROPOSAL_EXPIRED,
	PROBLEM_PROPOSAL_VOID,
	PROBLEM_PROPOSALS_FULL,
	PROBLEM_SECOND_PERSON_NEEDED,
	PROBLEM_DIGEST_DIFFERS,
	PROBLEM_NOT_ASKED,
	PROBLEM_INITIATOR_FORBIDDEN,
	PROBLEM_SAID_OTHERWISE,
	PROBLEM_APPROVALS_FULL,
	PROBLEM_SIGNATURE_INVALID,
	PROBLEM_API_KEY_UNKNOWN,
	PROBLEM_API_KEY_ENDED,
	PROBLEM_USER_UNKNOWN,
	PROBLEM_USER_NAME_TAKEN,
	PROBLEM_OWN_USER,
	PROBLEM_LAST_ADMIN,
	PROBLEM_ANSWER_LOST,
	PROBLEM_ACCOUNT_UNKNOWN,
	PROBLEM_ACCOUNT_TAKEN,
	PROBLEM_ACCOUNT_DISABLED,
	PROBLEM_ALLOW_ENTRY_UNKNOWN,
	PROBLEM_ALLOW_LISTED_ALREADY,
	/* of ourselves; the same request may be sent again, with the same key */
	PROBLEM_RATE_LIMITED,
	PROBLEM_LOGIN_BACKOFF,
	PROBLEM_OVERLOADED,
	PROBLEM_STORE_UNAVAILABLE,
	PROBLEM_INTAKE_PAUSED,
	PROBLEM_SHUTTING_DOWN,
	PROBLEM_COUNT,
};

#define PROBLEM_ERRORS_MAX   8 /* further ones are left out of errors[] */
#define PROBLEM_POINTER_LEN  160
#define PROBLEM_BYTES_MAX    12288 /* the longest document: all errors, each pointer escaped */
#define PROBLEM_CONTENT_TYPE "application/problem+json"

struct problem_error {
	enum problem problem;
	const char *detail;                    /* static; NULL: the table's text */
	char pointer[PROBLEM_POINTER_LEN + 1]; /* RFC 6901 into the body, or a parameter's name */
};

/* What is said to one request. `problem` is that of the first error when there are some. */
struct problem_report {
	enum problem problem;
	const char *detail;         /* borrowed; NULL: the table's text */
	enum permission permission; /* PERMISSION_MISSING, SECOND_FACTOR_REQUIRED: which; else 0 */
	struct id existing;         /* EXTERNAL_ID_TAKEN: the withdrawal that owns it; else zero */
	size_t errors_len;
	struct problem_error errors[PROBLEM_ERRORS_MAX];
};

/* All are static text; CHECK 0 < problem < PROBLEM_COUNT. */
const char *problem_code(enum problem problem);
unsigned problem_status(enum problem problem);
const char *problem_text(enum problem problem);
/* The problem of a stable code, NONE for an unknown one. */
enum problem problem_of_code(const char *code);
/* A refusal of a request; CHECKs that it is one. */
enum problem problem_of_refusal(enum refusal refusal);

/* Says one thing and has no errors[]. Does not touch the rest of the storage. */
void problem_report_set(struct problem_report *report, enum problem problem, const char *detail);
/* Starts an empty report for problem_report_add. */
void problem_report_reset(struct problem_report *report);
/* Adds an entry of errors[], whose first one gives the whole report its code. A pointer that is too
 * long becomes the empty one, which means the whole document. */
void problem_report_add(struct problem_report *report, enum problem problem, struct str pointer,
			const char *detail);

/* The document. instance: the request's id. `out` has PROBLEM_BYTES_MAX of room. */
void problem_write(const struct problem_report *report, const char *request_id, struct buf *out);
/* A document of a code that the table may not know: what net/ refused. */
void problem_write_plain(unsigned status, const char *code, const char *detail,
			 const char *request_id, struct buf *out);
/* The table as Markdown: doc/errors.md. */
void problem_write_markdown(struct buf *out);

#endif
