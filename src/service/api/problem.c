/* The table of all problems and the document that tells one of them. */
#include "service/api/problem.h"

#include "base/check.h"
#include "base/json.h"

#include <string.h>

struct problem_row {
	enum refusal refusal; /* then code and text are core's */
	unsigned status;
	const char *code;
	const char *title;
	const char *text;
};

#define REFUSED_ADDRESS "The receiver cannot be paid"
#define REFUSED_AMOUNT  "The amount cannot be paid"

static const struct problem_row rows[PROBLEM_COUNT] = {
	[PROBLEM_REQUEST_MALFORMED] = { 0, 400, "request_malformed", "Malformed HTTP request",
					"The request is not plain HTTP, or it could be read in "
					"two ways. The connection is closed." },
	[PROBLEM_REQUEST_TIMEOUT] = { 0, 408, "request_timeout", "The request took too long",
				      "The request did not arrive completely in time." },
	[PROBLEM_BODY_TOO_LARGE] = { 0, 413, "body_too_large", "The body is too large",
				     "A body has at most 8192 bytes." },
	[PROBLEM_TARGET_TOO_LONG] = { 0, 414, "target_too_long", "The target is too long",
				      "Path and query together have at most 2048 bytes." },
	[PROBLEM_EXPECTATION_FAILED] = { 0, 417, "expectation_failed", "Unknown expectation",
					 "The only expectation taken is 100-continue." },
	[PROBLEM_HEADERS_TOO_LARGE] = { 0, 431, "headers_too_large", "The headers are too large",
					"There are too many headers, or they are too long." },
	[PROBLEM_METHOD_NOT_IMPLEMENTED] = { 0, 501, "method_not_implemented", "Unknown method",
					     "No route has this method." },
	[PROBLEM_VERSION_NOT_SUPPORTED] = { 0, 505, "version_not_supported", "Unknown HTTP version",
					    "Only HTTP/1.1 and HTTP/1.0 are spoken here." },

	[PROBLEM_ROUTE_UNKNOWN] = { 0, 404, "route_unknown", "Not found",
				    "There is nothing at this path." },
	[PROBLEM_METHOD_NOT_ALLOWED] = { 0, 405, "method_not_allowed", "Method not allowed",
					 "The path exists, but not with this method; the Allow "
					 "header names the methods." },
	[PROBLEM_AUTHORIZATION_MISSING] = { 0, 401, "authorization_missing", "Not authenticated",
					    "The request has no Authorization header." },
	[PROBLEM_AUTHORIZATION_MALFORMED] = { 0, 401, "authorization_malformed",
					      "Not authenticated",
					      "Authorization is 'Bearer slk_<id>_<secret>' or 'Bearer <access token>', once." },
	[PROBLEM_API_KEY_INVALID] = { 0, 401, "api_key_invalid", "Not authenticated",
				      "The API key is unknown, wrong, revoked, or has expired." },
	[PROBLEM_ACCESS_TOKEN_INVALID] = { 0, 401, "access_token_invalid", "Not authenticated",
					   "The access token is none of ours, or its session is "
					   "over. Log in again." },
	[PROBLEM_ACCESS_TOKEN_EXPIRED] = { 0, 401, "access_token_expired", "Not authenticated",
					   "The access token has expired. Take a new one with the "
					   "refresh token." },
	[PROBLEM_LOGIN_FAILED] = { 0, 401, "login_failed", "Not authenticated",
				   "Name, password or code is wrong, the code was used already, or "
				   "the user is disabled." },
	[PROBLEM_REFRESH_TOKEN_INVALID] = { 0, 401, "refresh_token_invalid", "Not authenticated",
					    "The refresh token is unknown, expired or used. A used "
					    "one that comes again ends its session. Log in again." },
	[PROBLEM_SECOND_FACTOR_INVALID] = { 0, 403, "second_factor_invalid", "Wrong code",
					    "The code is wrong, was used already, or there is no "
					    "second factor that it could be of." },
	[PROBLEM_ADDRESS_FORBIDDEN] = { 0, 403, "address_forbidden", "Not from this address",
					"The API key may be used from other addresses only." },
	[PROBLEM_ACCOUNT_FORBIDDEN] = { 0, 403, "account_forbidden", "Another account",
					"The caller belongs to another account, or to none." },
	[PROBLEM_ACCOUNT_MISSING] = { 0, 400, "account_missing", "Which account?",
				      "The caller belongs to no account of its own, so that the "
				      "request has to name one." },
	[PROBLEM_PERMISSION_MISSING] = { 0, 403, "permission_missing", "May not do this",
					 "The caller lacks the permission that this needs." },
	[PROBLEM_SECOND_FACTOR_REQUIRED] = { 0, 403, "second_factor_required",
					     "A second factor is needed",
					     "The permission that this needs is used only after a second "
					     "factor was shown." },

	[PROBLEM_CONTENT_TYPE_UNSUPPORTED] = { 0, 415, "content_type_unsupported",
					       "Unsupported media type",
					       "The Content-Type must be application/json, once." },
	[PROBLEM_IDEMPOTENCY_KEY_MISSING] = { 0, 400, "idempotency_key_missing",
					      "Idempotency-Key is missing",
					      "A request that creates needs an Idempotency-Key "
					      "header, the same in each repeat." },
	[PROBLEM_IDEMPOTENCY_KEY_MALFORMED] = { 0, 400, "idempotency_key_malformed",
						"Idempotency-Key is malformed",
						"An Idempotency-Key is 1 to 255 visible ASCII "
						"characters, sent once." },
	[PROBLEM_QUERY_UNKNOWN] = { 0, 400, "query_unknown", "Unknown query parameter",
				    "This route does not know the parameter; the detail names those that "
				    "it knows." },
	[PROBLEM_QUERY_REPEATED] = { 0, 400, "query_repeated", "Repeated query parameter",
				     "A parameter is given at most once." },
	[PROBLEM_QUERY_MALFORMED] = { 0, 400, "query_malformed", "Malformed query parameter",
				      "The parameter's value is not one that it can have; the detail "
				      "says which ones those are." },
	[PROBLEM_CURSOR_MALFORMED] = { 0, 400, "cursor_malformed", "Malformed cursor",
				       "A cursor is taken from an earlier answer, unchanged." },

	[PROBLEM_BODY_MISSING] = { 0, 400, "body_missing", "The body is missing",
				   "The request needs a JSON object as its body." },
	[PROBLEM_BODY_UNEXPECTED] = { 0, 400, "body_unexpected", "Unexpected body",
				      "This route takes no body, or an empty JSON object." },
	[PROBLEM_BODY_NOT_UTF8] = { 0, 400, "body_not_utf8", "The body is not UTF-8",
				    "The body must be valid UTF-8." },
	[PROBLEM_JSON_MALFORMED] = { 0, 400, "json_malformed", "The body is not JSON",
				     "The body does not parse as one JSON document." },
	[PROBLEM_JSON_DUPLICATE_KEY] = { 0, 400, "json_duplicate_key", "Duplicate key",
					 "An object of the body has the same key twice." },
	[PROBLEM_JSON_TOO_DEEP] = { 0, 400, "json_too_deep", "The body is nested too deeply",
				    "The body is nested deeper than 32 levels." },
	[PROBLEM_BODY_NOT_OBJECT] = { 0, 400, "body_not_object", "The body is not an object",
				      "The body must be a JSON object." },

	[PROBLEM_FIELD_MISSING] = { 0, 422, "field_missing", "A field is missing",
				    "This field is required." },
	[PROBLEM_FIELD_UNKNOWN] = { 0, 422, "field_unknown", "Unknown field",
				    "There is no such field." },
	[PROBLEM_FIELD_TYPE] = { 0, 422, "field_type", "A field has the wrong type",
				 "This field must be a string." },
	[PROBLEM_FIELD_LENGTH] = { 0, 422, "field_length", "A field has the wrong length",
				   "This field is empty or too long." },
	[PROBLEM_NUMBER_FORBIDDEN] = { 0, 422, "number_forbidden", "JSON number",
				       "Bodies hold no JSON numbers, which lose digits on their "
				       "way; write a string such as \"12.5\"." },
	[PROBLEM_VERDICT_UNKNOWN] = { 0, 422, "verdict_unknown", "Unknown verdict",
				      "verdict is paid_by (with tx_hash) or not_paid." },
	[PROBLEM_TX_HASH_MALFORMED] = { 0, 422, "tx_hash_malformed", "Malformed tx_hash",
					"tx_hash is 0x and 64 hexadecimal digits, not all zero." },
	[PROBLEM_REQUEST_REFUSED] = { 0, 422, "request_refused", "Refused",
				      "What is asked for cannot be; the detail says why." },
	[PROBLEM_EXTERNAL_ID_MALFORMED] = { 0, 422, "external_id_malformed",
					    "Malformed external_id",
					    "external_id is 1 to 128 bytes without control "
					    "characters." },
	[PROBLEM_EXTERNAL_ID_TOO_LONG] = { 0, 422, "external_id_too_long", "external_id too long",
					   "external_id has at most 128 bytes of UTF-8." },
	[PROBLEM_METADATA_TOO_MANY] = { 0, 422, "metadata_too_many", "Too much metadata",
					"metadata has at most 16 entries." },
	[PROBLEM_METADATA_TOO_LARGE] = { 0, 422, "metadata_too_large", "Too much metadata",
					 "metadata has at most 2048 bytes as canonical JSON." },

	[PROBLEM_CHAIN_UNKNOWN] = { REFUSAL_CHAIN_UNKNOWN, 422, NULL, "Unknown chain", NULL },
	[PROBLEM_ASSET_UNKNOWN] = { REFUSAL_ASSET_UNKNOWN, 422, NULL, "Unknown asset", NULL },
	[PROBLEM_ADDRESS_MALFORMED] = { REFUSAL_ADDRESS_MALFORMED, 422, NULL, REFUSED_ADDRESS,
					NULL },
	[PROBLEM_ADDRESS_CHECKSUM] = { REFUSAL_ADDRESS_CHECKSUM, 422, NULL, REFUSED_ADDRESS, NULL },
	[PROBLEM_ADDRESS_ZERO] = { REFUSAL_ADDRESS_ZERO, 422, NULL, REFUSED_ADDRESS, NULL },
	[PROBLEM_ADDRESS_IS_TOKEN] = { REFUSAL_ADDRESS_IS_TOKEN, 422, NULL, REFUSED_ADDRESS, NULL },
	[PROBLEM_ADDRESS_IS_OURS] = { REFUSAL_ADDRESS_IS_OURS, 422, NULL, REFUSED_ADDRESS, NULL },
	[PROBLEM_AMOUNT_MALFORMED] = { REFUSAL_AMOUNT_MALFORMED, 422, NULL, REFUSED_AMOUNT, NULL },
	[PROBLEM_AMOUNT_DECIMALS] = { REFUSAL_AMOUNT_DECIMALS, 422, NULL, REFUSED_AMOUNT, NULL },
	[PROBLEM_AMOUNT_TOO_LARGE] = { REFUSAL_AMOUNT_TOO_LARGE, 422, NULL, REFUSED_AMOUNT, NULL },
	[PROBLEM_AMOUNT_NOT_POSITIVE] = { REFUSAL_AMOUNT_NOT_POSITIVE, 422, NULL, REFUSED_AMOUNT,
					  NULL },

	[PROBLEM_IDEMPOTENCY_KEY_REUSED] = { 0, 422, "idempotency_key_reused",
					     "Idempotency-Key was used for another request",
					     "The key belongs to a withdrawal with another body. "
					     "Nothing was created." },
	[PROBLEM_EXTERNAL_ID_TAKEN] = { 0, 409, "external_id_taken", "external_id is taken",
					"Another withdrawal has this external_id; existing_id "
					"names it. Nothing was created." },
	[PROBLEM_WITHDRAWAL_UNKNOWN] = { 0, 404, "withdrawal_unknown", "Unknown withdrawal",
					 "The account has no withdrawal of this id." },
	[PROBLEM_QUEUE_UNKNOWN] = { 0, 404, "queue_unknown", "Unknown queue",
				    "The queues are request, signing and monitor." },
	[PROBLEM_TOO_LATE_TO_CANCEL] = { 0, 409, "too_late_to_cancel", "Too late to cancel",
					 "Its transaction is in a block." },
	[PROBLEM_NOT_SENT_YET] = { 0, 409, "not_sent_yet", "Not sent yet",
				   "No transaction of it is signed yet: there is nothing to speed "
				   "up. GET it to see what it waits for." },
	[PROBLEM_TOO_LATE_TO_SPEED_UP] = { 0, 409, "too_late_to_speed_up", "Too late to speed up",
					   "Its transaction is in a block." },
	[PROBLEM_ALREADY_FINAL] = { 0, 409, "already_final", "The withdrawal is final",
				    "It has ended already, and nothing can be changed any more; "
				    "GET it to see how it ended." },
	[PROBLEM_WITHDRAWAL_HELD] = { 0, 409, "withdrawal_held", "The withdrawal is held",
				      "A person has to look at the withdrawal first." },
	[PROBLEM_NOTHING_TO_RESOLVE] = { 0, 409, "nothing_to_resolve", "Nothing to resolve",
					 "It is not held, and no final slot of it was taken back." },
	[PROBLEM_DEAD_LETTER] = { 0, 409, "dead_letter", "It is held as a dead letter",
				  "Redrive its queue: what is wrong is not the withdrawal." },
	[PROBLEM_DECISION_DIFFERS] = { 0, 409, "decision_differs",
				       "Another person decided differently",
				       "decisions says what stands there. Say the same, or have that "
				       "person decide anew." },

	[PROBLEM_SESSION_UNKNOWN] = { 0, 404, "session_unknown", "Unknown session",
				      "The user has no open session of this id." },
	[PROBLEM_SECOND_FACTOR_ENROLLED] = { 0, 409, "second_factor_enrolled",
					     "There is a second factor already",
					     "Whoever runs Sluice can take it away, once it is clear who "
					     "is asking." },
	[PROBLEM_CHANGED_MEANWHILE] = { 0, 409, "changed_meanwhile", "Changed meanwhile",
					"Somebody else has changed it at the same moment; look, "
					"and ask again." },
	[PROBLEM_PAUSED_ALREADY] = { 0, 409, "paused_already", "Paused already",
				     "All of that is stopped already." },
	[PROBLEM_NOT_PAUSED] = { 0, 409, "not_paused", "Not paused",
				 "Nothing of that is stopped." },
	[PROBLEM_CONTROLS_IN_DOUBT] = { 0, 409, "controls_in_doubt",
					"The pause switches are in doubt",
					"The switches in the store are not what people set, and "
					"nothing new is paid: `sluice pause --all --reset` on a "
					"host begins anew." },
	[PROBLEM_PROPOSAL_UNKNOWN] = { 0, 404, "proposal_unknown", "Unknown proposal",
				       "There is no such proposal." },
	[PROBLEM_PROPOSAL_ENDED] = { 0, 409, "proposal_ended", "The proposal has ended",
				     "It was confirmed or rejected before." },
	[PROBLEM_PROPOSAL_EXPIRED] = { 0, 409, "proposal_expired", "The proposal has expired",
				       "A proposal is good for a day." },
	[PROBLEM_PROPOSAL_VOID] = { 0, 409, "proposal_void", "The proposal is void",
				    "What it would change has changed since, or whoever "
				    "proposed it may not do so any more." },
	[PROBLEM_PROPOSALS_FULL] = { 0, 409, "proposals_full", "Too many proposals",
				     "As many wait already as may; reject some." },
	[PROBLEM_SECOND_PERSON_NEEDED] = { 0, 403, "second_person_needed",
					   "A second person is needed",
					   "It takes another person than the one who stands for it "
					   "already, and one who is known to be another." },
	[PROBLEM_NOT_ASKED] = { 0, 409, "not_asked", "Nobody is asked",
				"The withdrawal does not wait for people, or not any more." },
	[PROBLEM_INITIATOR_FORBIDDEN] = { 0, 403, "initiator_forbidden", "Not by who asked for it",
					  "Who asked for a payment, or made the API key that did, "
					  "does not say whether it is made." },
	[PROBLEM_SAID_OTHERWISE] = { 0, 409, "said_otherwise", "Said otherwise before",
				     "You have said the contrary already; that stands." },
	[PROBLEM_APPROVALS_FULL] = { 0, 409, "approvals_full", "Enough people have spoken",
				     "More are not heard about one withdrawal." },
	[PROBLEM_SIGNATURE_INVALID] = { 0, 422, "signature_invalid", "Not a signature of this",
					"The text that GET shows has to be signed, by the Ed25519 "
					"key of one of the configured approvers." },
	[PROBLEM_DIGEST_DIFFERS] = { 0, 409, "digest_differs", "Another document",
				     "The proposal is not of the document whose digest is "
				     "given." },
	[PROBLEM_API_KEY_UNKNOWN] = { 0, 404, "api_key_unknown", "Unknown API key",
				      "There is no such API key." },
	[PROBLEM_API_KEY_ENDED] = { 0, 409, "api_key_ended", "The API key has ended",
				    "It is revoked or has expired." },
	[PROBLEM_ACCOUNT_UNKNOWN] = { 0, 404, "account_unknown", "Unknown account",
				      "There is no such account; somebody who reaches all of them "
				      "declares it." },
	[PROBLEM_ACCOUNT_TAKEN] = { 0, 409, "account_taken", "The account is there",
				    "There is an account of this name already." },
	[PROBLEM_ACCOUNT_DISABLED] = { 0, 403, "account_disabled", "The account is disabled",
				       "The account takes in nothing new, and nothing was stored "
				       "under this key; what was accepted before is answered as "
				       "ever." },
	[PROBLEM_ALLOW_ENTRY_UNKNOWN] = { 0, 404, "allow_entry_unknown", "Unknown entry",
					  "There is no such entry on the allow-list." },
	[PROBLEM_ALLOW_LISTED_ALREADY] = { 0, 409, "allow_listed_already", "On the list already",
					   "To begin its cool-down anew, remove it first." },
	[PROBLEM_USER_UNKNOWN] = { 0, 404, "user_unknown", "Unknown user",
				   "There is no such user." },
	[PROBLEM_USER_NAME_TAKEN] = { 0, 409, "user_name_taken", "The name is taken",
				      "There is a user of this name already." },
	[PROBLEM_OWN_USER] = { 0, 409, "own_user", "Not to oneself",
			       "Another person has to do that." },
	[PROBLEM_LAST_ADMIN] = { 0, 409, "last_admin", "The last admin",
				 "Nobody would be left who says who may do what." },
	[PROBLEM_ANSWER_LOST] = { 0, 409, "answer_lost", "The answer is lost",
				  "The request was carried out, once, and what it was answered is "
				  "not known any more; look at what is there." },

	[PROBLEM_RATE_LIMITED] = { 0, 429, "rate_limited", "Too many requests",
				   "Nothing was done; RateLimit names whose limit it is. Send the same request again after as many "
				   "seconds as Retry-After says." },
	[PROBLEM_LOGIN_BACKOFF] = { 0, 429, "login_backoff", "Too many failures",
				    "Nothing was looked at. Try again after as many seconds as "
				    "Retry-After says." },
	[PROBLEM_OVERLOADED] = { 0, 503, "overloaded", "Too many requests are waiting",
				 "Send the same request again, with the same key." },
	[PROBLEM_STORE_UNAVAILABLE] = { 0, 503, "store_unavailable", "The store does not answer",
					"Whether the request was carried out is not known. Send "
					"it again, with the same key." },
	[PROBLEM_INTAKE_PAUSED] = { 0, 503, "intake_paused", "New withdrawals are paused",
				    "Nothing is accepted for this chain, asset or account now, and "
				    "nothing was stored under this key. Send it again later, with "
				    "the same key; what was accepted before is answered as ever." },
	[PROBLEM_SHUTTING_DOWN] = { 0, 503, "shutting_down", "This server is going down",
				    "Send the same request again, with the same key." },
};

static const struct problem_row *row_of(enum problem problem)
{
	CHECK(problem > PROBLEM_NONE && problem < PROBLEM_COUNT);
	return &rows[problem];
}

const char *problem_code(enum problem problem)
{
	const struct problem_row *row = row_of(problem);
	return row->refusal != REFUSAL_NONE ? refusal_code(row->refusal) : row->code;
}

unsigned problem_status(enum problem problem)
{
	return row_of(problem)->status;
}

const char *problem_text(enum problem problem)
{
	const struct problem_row *row = row_of(problem);
	return row->refusal != REFUSAL_NONE ? refusal_text(row->refusal) : row->text;
}

enum problem problem_of_code(const char *code)
{
	for (int i = PROBLEM_NONE + 1; i < PROBLEM_COUNT; i++)
		if (strcmp(problem_code((enum problem)i), code) == 0)
			return (enum problem)i;
	return PROBLEM_NONE;
}

enum problem problem_of_refusal(enum refusal refusal)
{
	CHECK(refusal != REFUSAL_NONE);
	int found = PROBLEM_NONE;
	for (int i = PROBLEM_CHAIN_UNKNOWN; i <= PROBLEM_AMOUNT_NOT_POSITIVE; i++)
		if (rows[i].refusal == refusal)
			found = i;
	CHECK(found != PROBLEM_NONE);
	return (enum problem)found;
}

void problem_report_set(struct problem_report *report, enum problem problem, const char *detail)
{
	report->problem = problem;
	report->detail = detail;
	report->permission = PERMISSION_PUBLIC;
	report->existing = (struct id){ 0 };
	report->errors_len = 0;
}

void problem_report_reset(struct problem_report *report)
{
	problem_report_set(report, PROBLEM_NONE, NULL);
}

void problem_report_add(struct problem_report *report, enum problem problem, struct str pointer,
			const char *detail)
{
	if (report->errors_len == PROBLEM_ERRORS_MAX)
		return;
	struct problem_error *error = &report->errors[report->errors_len++];
	error->problem = problem;
	error->detail = detail;
	if (!str_copy(pointer, error->pointer, sizeof error->pointer))
		error->pointer[0] = 0;
	if (report->problem != PROBLEM_NONE)
		return;
	report->problem = problem;
	report->detail = detail;
}

/* Core's texts are phrases; a detail is a sentence. */
static void write_phrase(struct buf *out, const char *phrase)
{
	char storage[256];
	struct buf sentence = buf_of(storage, sizeof storage);
	buf_format(&sentence, "%c%s.", phrase[0] - 'a' + 'A', phrase + 1);
	CHECK(phrase[0] >= 'a' && phrase[0] <= 'z' && !sentence.overflow);
	json_write_member(out, "detail", buf_view(&sentence));
}

static void write_detail(struct buf *out, enum problem problem, const char *detail)
{
	const struct problem_row *row = row_of(problem);
	if (detail == NULL && row->refusal != REFUSAL_NONE)
		write_phrase(out, refusal_text(row->refusal));
	else
		json_write_member_text(out, "detail", detail != NULL ? detail : row->text);
}

static void write_head(struct buf *out, const char *code, unsigned status, const char *title)
{
	buf_text(out, "{");
	json_write_name(out, "type");
	buf_format(out, "\"urn:sluice:problem:%s\"", code);
	json_write_member_text(out, "title", title);
	json_write_member_u64(out, "status", status);
}

static void write_errors(struct buf *out, const struct problem_report *report)
{
	json_write_name(out, "errors");
	buf_text(out, "[");
	for (size_t i = 0; i < report->errors_len; i++) {
		const struct problem_error *error = &report->errors[i];
		buf_text(out, i == 0 ? "{" : ",{");
		json_write_member_text(out, "pointer", error->pointer);
		json_write_member_text(out, "code", problem_code(error->problem));
		write_detail(out, error->problem, error->detail);
		buf_text(out, "}");
	}
	buf_text(out, "]");
}

static void write_tail(struct buf *out, const char *code, const char *request_id)
{
	json_write_name(out, "instance");
	buf_format(out, "\"urn:uuid:%s\"", request_id);
	json_write_member_text(out, "code", code);
}

void problem_write(const struct problem_report *report, const char *request_id, struct buf *out)
{
	const struct problem_row *row = row_of(report->problem);
	const char *code = problem_code(report->problem);
	write_head(out, code, row->status, row->title);
	write_detail(out, report->problem, report->detail);
	write_tail(out, code, request_id);
	if (!id_is_zero(report->existing))
		json_write_member_text(out, "existing_id", id_text(report->existing).at);
	if (report->permission != PERMISSION_PUBLIC)
		json_write_member_text(out, "permission", permission_text(report->permission));
	if (report->errors_len > 0)
		write_errors(out, report);
	buf_text(out, "}");
	CHECK(!out->overflow);
}

void problem_write_plain(unsigned status, const char *code, const char *detail,
			 const char *request_id, struct buf *out)
{
	enum problem problem = problem_of_code(code);
	write_head(out, code, status,
		   problem == PROBLEM_NONE ? "Request refused" : row_of(problem)->title);
	json_write_member_text(out, "detail", detail);
	write_tail(out, code, request_id);
	buf_text(out, "}");
	CHECK(!out->overflow);
}

void problem_write_markdown(struct buf *out)
{
	buf_text(out,
		 "# Errors of the API\n\n"
		 "Made from the table in `src/service/api/problem.c`; a test compares the two.\n\n"
		 "An error is an `application/problem+json` document (RFC 9457). Decide by `code`, "
		 "which never changes; `detail` is for people. `errors[]` names every field that "
		 "was refused, by JSON pointer; its first entry gives the document its code. "
		 "A request that got a 4xx stored nothing.\n\n"
		 "| status | code | meaning |\n| --- | --- | --- |\n");
	for (int i = PROBLEM_NONE + 1; i < PROBLEM_COUNT; i++)
		buf_format(out, "| %u | `%s` | %s |\n", rows[i].status,
			   problem_code((enum problem)i), problem_text((enum problem)i));
	buf_text(out,
		 "\n## Codes of a withdrawal that was not paid\n\n"
		 "`failure.code` of a withdrawal that is `REJECTED`, `FAILED` or `CANCELED`.\n\n"
		 "| code | meaning |\n| --- | --- |\n");
	for (int i = REFUSAL_BELOW_MINIMUM; i < REFUSAL_COUNT; i++)
		buf_format(out, "| `%s` | %s |\n", refusal_code((enum refusal)i),
			   refusal_text((enum refusal)i));
}
