/* Reads the body of POST /v1/withdrawals: first as text, then as JSON, then field by field, then
 * against the catalogue. Called by http_withdrawals.c; what passes goes to the store thread. */
#include "service/api/request.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"

#include <string.h>

#define FINGERPRINT_VERSION 1
#define ROUTE               "/v1/withdrawals"
#define TRACEPARENT_LEN     55
#define TRACE_ID_AT         3
#define TRACE_ID_LEN        32
#define PARENT_ID_AT        36
#define PARENT_ID_LEN       16

enum field {
	FIELD_CHAIN,
	FIELD_ASSET,
	FIELD_TO,
	FIELD_AMOUNT,
	FIELD_EXTERNAL_ID,
	FIELD_METADATA,
	FIELD_COUNT,
};

static const struct {
	const char *name;
	const char *pointer;
	bool is_required;
	bool is_object;
} fields[FIELD_COUNT] = {
	[FIELD_CHAIN] = { "chain", "/chain", true, false },
	[FIELD_ASSET] = { "asset", "/asset", true, false },
	[FIELD_TO] = { "to", "/to", true, false },
	[FIELD_AMOUNT] = { "amount", "/amount", true, false },
	[FIELD_EXTERNAL_ID] = { "external_id", "/external_id", false, false },
	[FIELD_METADATA] = { "metadata", "/metadata", false, true },
};

/* One body on its way. */
struct reading {
	const struct catalogue *catalogue;
	const struct json_value *values[FIELD_COUNT]; /* NULL: absent or of a wrong type */
	struct withdrawal *withdrawal;
	struct problem_report *report;
};

static void refuse(struct reading *reading, enum field field, enum problem problem)
{
	problem_report_add(reading->report, problem, str_from(fields[field].pointer), NULL);
}

enum problem request_content_type_check(size_t count, struct str value)
{
	struct str type = value;
	struct str parameter = { 0 };
	if (count != 1)
		return PROBLEM_CONTENT_TYPE_UNSUPPORTED;
	bool has_parameter = str_cut(value, ';', &type, &parameter);
	if (!str_equal_fold(str_trim(type), STR("application/json")))
		return PROBLEM_CONTENT_TYPE_UNSUPPORTED;
	parameter = str_trim(parameter);
	if (has_parameter && !str_equal_fold(parameter, STR("charset=utf-8")) &&
	    !str_equal_fold(parameter, STR("charset=\"utf-8\"")))
		return PROBLEM_CONTENT_TYPE_UNSUPPORTED;
	return PROBLEM_NONE;
}

enum problem request_idempotency_key_check(size_t count, struct str value)
{
	if (count == 0)
		return PROBLEM_IDEMPOTENCY_KEY_MISSING;
	if (count > 1 || value.len == 0 || value.len > IDEMPOTENCY_KEY_LEN_MAX ||
	    !ascii_is_visible(value))
		return PROBLEM_IDEMPOTENCY_KEY_MALFORMED;
	return PROBLEM_NONE;
}

enum problem request_empty_body_check(struct str body)
{
	struct err err;
	JSON_OWNED json = NULL;
	if (body.len == 0)
		return PROBLEM_NONE;
	if (!json_parse(body, &json, &err))
		return PROBLEM_BODY_UNEXPECTED;
	const struct json_value *root = json_root(json);
	return json_type_of(root) == JSON_TYPE_OBJECT && json_size(root) == 0
		       ? PROBLEM_NONE
		       : PROBLEM_BODY_UNEXPECTED;
}

/* What the parser's words mean as a code. */
static enum problem parse_problem(const struct err *err)
{
	if (strstr(err->text, "duplicate") != NULL)
		return PROBLEM_JSON_DUPLICATE_KEY;
	if (strstr(err->text, "nested deeper") != NULL)
		return PROBLEM_JSON_TOO_DEEP;
	if (strstr(err->text, "too big") != NULL || strstr(err->text, "overflow") != NULL)
		return PROBLEM_NUMBER_FORBIDDEN;
	return PROBLEM_JSON_MALFORMED;
}

bool request_body_parse(struct str body, struct json **ret_json, struct problem_report *report)
{
	struct err err;
	struct json *json;
	enum problem problem = PROBLEM_NONE;
	if (str_trim(body).len == 0)
		problem = PROBLEM_BODY_MISSING;
	else if (body.len > BODY_BYTES_MAX)
		problem = PROBLEM_BODY_TOO_LARGE;
	else if (!utf8_is_valid(body))
		problem = PROBLEM_BODY_NOT_UTF8;
	else if (!json_parse(body, &json, &err))
		problem = parse_problem(&err);
	if (problem != PROBLEM_NONE) {
		problem_report_set(report, problem, NULL);
		return false;
	}
	if (json_type_of(json_root(json)) != JSON_TYPE_OBJECT) {
		problem_report_set(report, PROBLEM_BODY_NOT_OBJECT, NULL);
		json_free(json);
		return false;
	}
	*ret_json = json;
	return true;
}

/* "/parent/name" with the escapes of RFC 6901. A name that does not fit leaves the pointer at its
 * parent. */
static void refuse_member(struct reading *reading, const char *parent, struct str name,
			  enum problem problem, const char *detail)
{
	char storage[PROBLEM_POINTER_LEN + 1];
	struct buf pointer = buf_of(storage, sizeof storage - 1);
	buf_text(&pointer, parent);
	buf_byte(&pointer, '/');
	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] == '~')
			buf_text(&pointer, "~0");
		else if (name.at[i] == '/')
			buf_text(&pointer, "~1");
		else
			buf_byte(&pointer, (uint8_t)name.at[i]);
	}
	struct str text = pointer.overflow ? str_from(parent) : buf_view(&pointer);
	problem_report_add(reading->report, problem, text, detail);
}

static void take_field(struct reading *reading, enum field field, const struct json_value *value)
{
	enum json_type wanted = fields[field].is_object ? JSON_TYPE_OBJECT : JSON_TYPE_STRING;
	enum json_type type = json_type_of(value);
	struct str pointer = str_from(fields[field].pointer);
	if (type == wanted)
		reading->values[field] = value;
	else if (type == JSON_TYPE_NUMBER)
		refuse(reading, field, PROBLEM_NUMBER_FORBIDDEN);
	else
		problem_report_add(reading->report, PROBLEM_FIELD_TYPE, pointer,
				   fields[field].is_object
					   ? "This field must be an object of strings."
					   : NULL);
}

/* Puts the members of the body into reading->values. */
static void take_fields(struct reading *reading, const struct json_value *root)
{
	bool seen[FIELD_COUNT] = { false };
	const struct json_value *value;
	struct str name;
	void *cursor = NULL;
	while (json_next_member(root, &cursor, &name, &value)) {
		int field = 0;
		while (field < FIELD_COUNT && !str_equal_text(name, fields[field].name))
			field++;
		if (field == FIELD_COUNT) {
			refuse_member(reading, "", name, PROBLEM_FIELD_UNKNOWN, NULL);
			continue;
		}
		seen[field] = true;
		take_field(reading, (enum field)field, value);
	}
	for (int field = 0; field < FIELD_COUNT; field++)
		if (fields[field].is_required && !seen[field])
			refuse(reading, (enum field)field, PROBLEM_FIELD_MISSING);
}

static bool text_of(const struct reading *reading, enum field field, struct str *ret_text)
{
	return reading->values[field] != NULL && json_string(reading->values[field], ret_text);
}

/* Chain and asset; NULL when either is not known. */
static const struct asset *read_asset(struct reading *reading,
				      const struct chain_params **ret_chain)
{
	struct str chain_text, asset_text;
	if (!text_of(reading, FIELD_CHAIN, &chain_text))
		return NULL;
	const struct chain_params *chain = catalogue_chain_by_name(reading->catalogue, chain_text);
	if (chain == NULL) {
		refuse(reading, FIELD_CHAIN, PROBLEM_CHAIN_UNKNOWN);
		return NULL;
	}
	*ret_chain = chain;
	if (!text_of(reading, FIELD_ASSET, &asset_text))
		return NULL;
	const struct asset *asset =
		catalogue_asset(reading->catalogue, chain->chain_id, asset_text);
	if (asset == NULL) {
		refuse(reading, FIELD_ASSET, PROBLEM_ASSET_UNKNOWN);
		return NULL;
	}
	struct intent *intent = &reading->withdrawal->intent;
	intent->chain_id = chain->chain_id;
	memcpy(intent->asset, asset->symbol, sizeof intent->asset);
	intent->is_native = asset->is_native;
	intent->contract = asset->contract;
	intent->decimals = asset->decimals;
	return asset;
}

static void read_receiver(struct reading *reading, const struct chain_params *chain)
{
	struct str text;
	struct address to;
	if (!text_of(reading, FIELD_TO, &text))
		return;
	enum address_read read = address_read(text, &to);
	if (read == ADDRESS_MALFORMED) {
		refuse(reading, FIELD_TO, PROBLEM_ADDRESS_MALFORMED);
		return;
	}
	if (read == ADDRESS_BAD_CHECKSUM) {
		refuse(reading, FIELD_TO, PROBLEM_ADDRESS_CHECKSUM);
		return;
	}
	if (address_is_zero(to))
		refuse(reading, FIELD_TO, PROBLEM_ADDRESS_ZERO);
	else if (chain != NULL && catalogue_is_token(reading->catalogue, chain->chain_id, to))
		refuse(reading, FIELD_TO, PROBLEM_ADDRESS_IS_TOKEN);
	else if (catalogue_is_wallet(reading->catalogue, to))
		refuse(reading, FIELD_TO, PROBLEM_ADDRESS_IS_OURS);
	reading->withdrawal->intent.to = to;
}

static enum problem amount_problem(enum amount_read read)
{
	switch (read) {
	case AMOUNT_OK:
		return PROBLEM_NONE;
	case AMOUNT_MALFORMED:
		return PROBLEM_AMOUNT_MALFORMED;
	case AMOUNT_TOO_MANY_DECIMALS:
		return PROBLEM_AMOUNT_DECIMALS;
	case AMOUNT_TOO_LARGE:
		return PROBLEM_AMOUNT_TOO_LARGE;
	case AMOUNT_NOT_POSITIVE:
		return PROBLEM_AMOUNT_NOT_POSITIVE;
	}
	CHECK(false);
}

/* Without an asset only the form can be judged. */
static void read_amount(struct reading *reading, const struct asset *asset)
{
	struct str text;
	if (!text_of(reading, FIELD_AMOUNT, &text))
		return;
	struct amount *amount = &reading->withdrawal->intent.amount;
	unsigned decimals = asset != NULL ? asset->decimals : DECIMALS_MAX;
	enum problem problem = amount_problem(amount_read(text, decimals, amount));
	if (asset == NULL && problem == PROBLEM_AMOUNT_TOO_LARGE)
		return;
	if (problem != PROBLEM_NONE)
		refuse(reading, FIELD_AMOUNT, problem);
}

static bool has_control(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = (uint8_t)text.at[i];
		bool is_c1 = byte == 0xc2 && i + 1 < text.len && (uint8_t)text.at[i + 1] < 0xa0;
		if (byte < 0x20 || byte == 0x7f || is_c1)
			return true;
	}
	return false;
}

static void read_external_id(struct reading *reading)
{
	struct str text;
	if (!text_of(reading, FIELD_EXTERNAL_ID, &text))
		return;
	char *external_id = reading->withdrawal->intent.external_id;
	if (text.len > EXTERNAL_ID_LEN_MAX)
		refuse(reading, FIELD_EXTERNAL_ID, PROBLEM_EXTERNAL_ID_TOO_LONG);
	else if (text.len == 0 || has_control(text))
		refuse(reading, FIELD_EXTERNAL_ID, PROBLEM_EXTERNAL_ID_MALFORMED);
	else
		CHECK(str_copy(text, external_id, EXTERNAL_ID_LEN_MAX + 1));
}

static void read_metadata(struct reading *reading)
{
	const struct json_value *metadata = reading->values[FIELD_METADATA];
	const struct json_value *value;
	struct str name, text;
	void *cursor = NULL;
	bool all_strings = true;
	if (metadata == NULL || json_size(metadata) == 0)
		return;
	if (json_size(metadata) > METADATA_ENTRIES_MAX) {
		refuse(reading, FIELD_METADATA, PROBLEM_METADATA_TOO_MANY);
		return;
	}
	while (json_next_member(metadata, &cursor, &name, &value)) {
		if (json_string(value, &text))
			continue;
		all_strings = false;
		bool is_number = json_type_of(value) == JSON_TYPE_NUMBER;
		refuse_member(reading, fields[FIELD_METADATA].pointer, name,
			      is_number ? PROBLEM_NUMBER_FORBIDDEN : PROBLEM_FIELD_TYPE, NULL);
	}
	if (!all_strings)
		return;
	struct buf out = buf_of(reading->withdrawal->metadata, METADATA_BYTES_MAX + 1);
	json_write_canonical(metadata, &out);
	if (out.overflow || out.len > METADATA_BYTES_MAX)
		refuse(reading, FIELD_METADATA, PROBLEM_METADATA_TOO_LARGE);
	else
		(void)buf_terminated(&out);
}

void request_fingerprint(struct str method, struct str route, struct str canonical,
			 uint8_t ret_fingerprint[32])
{
	char storage[BODY_BYTES_MAX + 128];
	struct buf out = buf_of(storage, sizeof storage);
	buf_prefixed_u64(&out, FINGERPRINT_VERSION);
	buf_prefixed(&out, method.at, method.len);
	buf_prefixed(&out, route.at, route.len);
	buf_prefixed(&out, canonical.at, canonical.len);
	CHECK(!out.overflow);
	sha256(out.at, out.len, ret_fingerprint);
}

bool request_read(struct str body, const struct catalogue *catalogue,
		  struct withdrawal *ret_withdrawal, struct problem_report *ret_report)
{
	JSON_OWNED json = NULL;
	if (!request_body_parse(body, &json, ret_report))
		return false;
	memset(ret_withdrawal, 0, sizeof *ret_withdrawal);
	struct reading reading = { .catalogue = catalogue,
				   .withdrawal = ret_withdrawal,
				   .report = ret_report };
	problem_report_reset(ret_report);
	take_fields(&reading, json_root(json));
	const struct chain_params *chain = NULL;
	const struct asset *asset = read_asset(&reading, &chain);
	read_receiver(&reading, chain);
	read_amount(&reading, asset);
	read_external_id(&reading);
	read_metadata(&reading);
	if (ret_report->problem != PROBLEM_NONE)
		return false;

	/* Canonical text is never longer than what it was read from: escapes only get shorter. */
	char storage[BODY_BYTES_MAX];
	struct buf canonical = buf_of(storage, sizeof storage);
	CHECK(asset != NULL && !json_has_number(json_root(json)));
	json_write_canonical(json_root(json), &canonical);
	CHECK(!canonical.overflow);
	request_fingerprint(STR("POST"), STR(ROUTE), buf_view(&canonical),
			    ret_withdrawal->intent.fingerprint);
	return true;
}

void request_complete(struct withdrawal *withdrawal, const struct request_origin *origin)
{
	struct intent *intent = &withdrawal->intent;
	intent->id = origin->id;
	CHECK(str_copy(str_from(origin->account), intent->account, sizeof intent->account));
	key_hash_make(origin->account, origin->idempotency_key, intent->key_hash);
	intent->created_at = origin->now_ms;
	CHECK(str_copy(str_from(origin->created_by), intent->created_by,
		       sizeof intent->created_by));
	CHECK(str_copy(str_from(origin->key_owner), intent->key_owner, sizeof intent->key_owner));
	CHECK(str_copy(str_from(origin->correlation_id), withdrawal->correlation_id,
		       sizeof withdrawal->correlation_id));
	withdrawal->intent_mac = intent_mac_make(origin->intent_keys, origin->deployment, intent);
	withdrawal->stage = WITHDRAWAL_ACCEPTED;
	withdrawal->version = 1;
	withdrawal->due_at = origin->now_ms + lifecycle_due_in_ms(WITHDRAWAL_ACCEPTED);
	withdrawal->updated_at = origin->now_ms;
}

/* Lower-case hexadecimal, not all zero. */
static bool is_trace_field(struct str text)
{
	bool is_zero = true;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		is_zero = is_zero && c == '0';
	}
	return !is_zero;
}

struct str request_trace_id(struct str value)
{
	struct str none = { 0 };
	bool is_version_0 = str_starts_with(value, STR("00-"));
	if (value.len != TRACEPARENT_LEN || !is_version_0 || value.at[TRACE_ID_AT - 1] != '-' ||
	    value.at[PARENT_ID_AT - 1] != '-' || value.at[PARENT_ID_AT + PARENT_ID_LEN] != '-')
		return none;
	struct str trace_id = { value.at + TRACE_ID_AT, TRACE_ID_LEN };
	struct str parent_id = { value.at + PARENT_ID_AT, PARENT_ID_LEN };
	return is_trace_field(trace_id) && is_trace_field(parent_id) ? trace_id : none;
}
