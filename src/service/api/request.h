/* A client's text becomes a withdrawal, or a list of what is wrong with it. Pure apart from the
 * memory of the JSON tree, which it gives back before it returns.
 *
 * Source: doc/protocol.md 9 (fingerprint, keys), RFC 8785.
 */
#ifndef SLUICE_SERVICE_API_REQUEST_H
#define SLUICE_SERVICE_API_REQUEST_H

#include "base/json.h"
#include "core/catalogue.h"
#include "core/intent.h"
#include "core/withdrawal.h"
#include "service/api/problem.h"

/* PROBLEM_NONE for application/json, with no parameter but charset=utf-8. count: header lines. */
enum problem request_content_type_check(size_t count, struct str value);
/* PROBLEM_NONE for one line of 1 to 255 visible ASCII characters. */
enum problem request_idempotency_key_check(size_t count, struct str value);
/* PROBLEM_NONE for an empty body and for {}. */
enum problem request_empty_body_check(struct str body);

/* The JSON object that a body is; freed by the caller. False: *report says why it is none. */
bool request_body_parse(struct str body, struct json **ret_json, struct problem_report *report);
/* Reads the body of POST /v1/withdrawals.
 *
 * ret_withdrawal  on success zero but for what the body says: chain, asset, contract, decimals,
 *                 receiver, amount, external id, metadata, fingerprint. Scratch on failure.
 * ret_report      written on failure: every field that is wrong, up to PROBLEM_ERRORS_MAX.
 */
MUST_CHECK bool request_read(struct str body, const struct catalogue *catalogue,
			     struct withdrawal *ret_withdrawal, struct problem_report *ret_report);

/* Who sent it, and when. */
struct request_origin {
	const char *account;
	const char *created_by; /* the id of the key or the user */
	const char *key_owner;  /* who made the key; "" of a user */
	struct str idempotency_key;
	const char *correlation_id;
	struct id id; /* of the new withdrawal */
	int64_t now_ms;
	struct id deployment;
	const struct mac_keys *intent_keys;
};

/* Completes what request_read filled: identity, times, stage accepted, version 1, intent MAC. */
void request_complete(struct withdrawal *withdrawal, const struct request_origin *origin);

/* SHA-256(version ‖ method ‖ route ‖ canonical JSON), each behind its length. */
void request_fingerprint(struct str method, struct str route, struct str canonical,
			 uint8_t ret_fingerprint[32]);

/* The trace id of a W3C traceparent (32 characters, the slice of `value`), or the empty slice. */
struct str request_trace_id(struct str value);

#endif
