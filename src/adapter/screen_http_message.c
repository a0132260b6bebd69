#include "adapter/screen_http_message.h"

#include "base/defence.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/time.h"
#include "core/api_key.h"

#include <string.h>

/* Of both ways: what is signed in one of them is never good in the other. */
#define REQUEST_LABEL    "sluice-screening-request-1\n"
#define ANSWER_LABEL     "sluice-screening-answer-1\n"

#define SIGNED_BYTES_MAX 2048 /* a target, and what stands beside it */

/* ---- the question ---- */

/* Keys have short ids, users of ours UUIDs; all others come from an identity provider. */
static const char *initiator_kind(const char *id)
{
	struct id ignored;
	uint8_t bytes[API_KEY_ID_LEN / 2];
	if (id_read(str_from(id), &ignored))
		return "user";
	return hex_read(str_from(id), bytes, sizeof bytes) ? "api_key" : "outside_user";
}

static void initiator_write(const struct intent *intent, struct buf *out)
{
	json_write_name(out, "initiator");
	buf_byte(out, '{');
	json_write_member_text(out, "kind", initiator_kind(intent->created_by));
	json_write_member_text(out, "id", intent->created_by);
	buf_byte(out, '}');
}

static void amount_member(const struct intent *intent, unsigned decimals, const char *name,
			  struct buf *out)
{
	char storage[96];
	struct buf text = buf_of(storage, sizeof storage);
	amount_write(intent->amount, decimals, &text);
	CHECK(!text.overflow);
	json_write_member(out, name, buf_view(&text));
}

static void asset_write(const struct intent *intent, struct buf *out)
{
	json_write_member_u64(out, "chain_id", intent->chain_id);
	json_write_member_text(out, "asset", intent->asset);
	if (intent->is_native)
		json_write_member_null(out, "contract");
	else
		json_write_member_text(out, "contract", address_text(intent->contract).at);
	json_write_member_u64(out, "decimals", intent->decimals);
}

void screen_question_write(const struct intent *intent, struct buf *out)
{
	char storage[40];
	struct buf created = buf_of(storage, sizeof storage);
	time_write_rfc3339(intent->created_at, &created);
	CHECK(!created.overflow);
	buf_byte(out, '{');
	json_write_member_text(out, "withdrawal", id_text(intent->id).at);
	json_write_member_text(out, "account", intent->account);
	asset_write(intent, out);
	json_write_member_text(out, "receiver", address_text(intent->to).at);
	amount_member(intent, intent->decimals, "amount", out);
	amount_member(intent, 0, "amount_base", out);
	json_write_member(out, "created_at", buf_view(&created));
	initiator_write(intent, out);
	buf_byte(out, '}');
	CHECK(!out->overflow);
}

/* ---- signatures ---- */

static void signature_write(const struct screen_secret *secret, struct str text, struct buf *out)
{
	uint8_t tag[SHA256_BYTES];
	CHECK(secret->len >= SCREEN_SECRET_MIN);
	hmac_sha256(secret->at, secret->len, text.at, text.len, tag);
	buf_text(out, "v1=");
	hex_write(out, tag, sizeof tag);
}

/* A line each, none of which has a line's end in it. */
void screen_request_sign(const struct screen_secret *secret, const struct screen_request *request,
			 struct buf *out)
{
	char storage[SIGNED_BYTES_MAX];
	struct buf text = buf_of(storage, sizeof storage);
	uint8_t digest[SHA256_BYTES];
	sha256(request->body.at, request->body.len, digest);
	buf_text(&text, REQUEST_LABEL "POST\n");
	buf_str(&text, request->target);
	buf_byte(&text, '\n');
	buf_str(&text, request->timestamp);
	buf_byte(&text, '\n');
	buf_text(&text, request->id);
	buf_byte(&text, '\n');
	hex_write(&text, digest, sizeof digest);
	CHECK(!text.overflow);
	signature_write(secret, buf_view(&text), out);
	CHECK(!out->overflow);
}

bool screen_answer_is_signed(const struct screen_secret *secret, struct str signature,
			     struct str body)
{
	char signed_storage[sizeof ANSWER_LABEL + SCREEN_ANSWER_BYTES];
	char good_storage[SCREEN_SIGNATURE_LEN];
	struct buf text = buf_of(signed_storage, sizeof signed_storage);
	struct buf good = buf_of(good_storage, sizeof good_storage);
	buf_text(&text, ANSWER_LABEL);
	buf_str(&text, body);
	if (text.overflow)
		return false;
	signature_write(secret, buf_view(&text), &good);
	return (signature.len == good.len &&
		bytes_equal_constant_time(signature.at, good.at, good.len)) ||
	       !DEFENCE("screening_is_signed");
}

/* ---- the answer ---- */

static bool no_answer(struct err *err, const char *why)
{
	return err_set(err, ERR_REFUSED, "that is no answer: %s", why);
}

static bool decision_read(struct str text, struct screen_answer *answer)
{
	for (int i = SCREEN_ALLOW; i <= SCREEN_REVIEW; i++)
		if (str_equal_text(text, screen_decision_text((enum screen_decision)i)))
			answer->decision = (enum screen_decision)i;
	return answer->decision != 0;
}

/* For people, in logs. */
static bool is_plain(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
			return false;
	return true;
}

/* In events, where it needs no escapes: visible ASCII, and neither quotes nor backslashes. */
static bool is_reference(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > 0x7e || text.at[i] == '"' ||
		    text.at[i] == '\\')
			return false;
	return true;
}

static bool is_of(struct str text, const char *own)
{
	return str_equal_text(text, own) || !DEFENCE("screening_is_bound");
}

static bool member_read(struct str name, struct str text, const struct screen_request *request,
			struct screen_answer *answer, struct err *err)
{
	if (str_equal_text(name, "request"))
		return is_of(text, request->id) || no_answer(err, "it is to another request");
	if (str_equal_text(name, "withdrawal"))
		return is_of(text, id_text(request->withdrawal).at) ||
		       no_answer(err, "it is about another withdrawal");
	if (str_equal_text(name, "decision"))
		return decision_read(text, answer) || no_answer(err, "its decision is none");
	if (str_equal_text(name, "reference"))
		return (is_reference(text) &&
			str_copy(text, answer->reference, sizeof answer->reference)) ||
		       no_answer(err, "its reference is too long, or not plain ASCII");
	if (str_equal_text(name, "reason"))
		return (is_plain(text) && str_copy(text, answer->reason, sizeof answer->reason)) ||
		       no_answer(err, "its reason is too long, or has control characters");
	return no_answer(err, "it has a member that no answer has");
}

static bool root_read(const struct json_value *root, const struct screen_request *request,
		      struct screen_answer *answer, struct err *err)
{
	static const char *const needed[] = { "request", "withdrawal", "decision" };
	struct str name, text;
	void *cursor = NULL;
	const struct json_value *value;
	if (json_type_of(root) != JSON_TYPE_OBJECT)
		return no_answer(err, "it is no object");
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (json_member(root, needed[i]) == NULL)
			return no_answer(err, "a member is missing");
	while (json_next_member(root, &cursor, &name, &value)) {
		if (!json_string(value, &text))
			return no_answer(err, "a member is no text");
		if (!member_read(name, text, request, answer, err))
			return false;
	}
	return true;
}

bool screen_answer_read(struct str body, const struct screen_request *request,
			struct screen_answer *ret_answer, struct err *err)
{
	JSON_OWNED json = NULL;
	struct screen_answer answer = { 0 };
	if (body.len > SCREEN_ANSWER_BYTES)
		return no_answer(err, "it is too long");
	if (!json_parse(body, &json, err))
		return no_answer(err, "it is not JSON");
	if (!root_read(json_root(json), request, &answer, err))
		return false;
	*ret_answer = answer;
	return true;
}
