/* Bodies of POST /v1/withdrawals: either a withdrawal that is whole and within every bound, the
 * same again from the canonical form of its text, or at least one problem that can be told. */
#include "fuzz.h"

#include "../unit/service/api_catalogue.h"
#include "base/utf8.h"
#include "service/api/request.h"

static void check_metadata(const char *metadata)
{
	struct str text = str_from(metadata);
	const struct json_value *value;
	struct str name, member;
	void *cursor = NULL;
	if (text.len == 0)
		return;
	JSON_OWNED json = fuzz_json(text);
	CHECK(json != NULL && json_type_of(json_root(json)) == JSON_TYPE_OBJECT);
	CHECK(json_size(json_root(json)) <= METADATA_ENTRIES_MAX);
	while (json_next_member(json_root(json), &cursor, &name, &value))
		CHECK(json_string(value, &member));
	struct buf again = buf_new(METADATA_BYTES_MAX);
	json_write_canonical(json_root(json), &again);
	CHECK(str_equal(buf_view(&again), text));
	buf_free(&again);
}

static void check_amount(const struct intent *intent)
{
	struct amount again;
	char storage[160];
	struct buf text = buf_of(storage, sizeof storage);
	CHECK(!amount_is_zero(intent->amount));
	amount_write(intent->amount, intent->decimals, &text);
	CHECK(amount_read(buf_view(&text), intent->decimals, &again) == AMOUNT_OK);
	CHECK(amount_compare(again, intent->amount) == 0);
}

static void check_taken(const struct catalogue *catalogue, const struct withdrawal *taken)
{
	const struct intent *intent = &taken->intent;
	const struct asset *asset =
		catalogue_asset(catalogue, intent->chain_id, str_from(intent->asset));
	CHECK(asset != NULL && asset->is_native == intent->is_native &&
	      asset->decimals == intent->decimals &&
	      address_equal(asset->contract, intent->contract));
	CHECK(!address_is_zero(intent->to) && !catalogue_is_wallet(catalogue, intent->to) &&
	      !catalogue_is_token(catalogue, intent->chain_id, intent->to));
	CHECK(utf8_is_valid(str_from(intent->external_id)));
	for (const char *at = intent->external_id; *at != 0; at++)
		CHECK((uint8_t)*at >= 0x20 && *at != 0x7f);
	/* Nothing that the body does not say. */
	CHECK(intent->account[0] == 0 && id_is_zero(intent->id) && intent->created_at == 0);
	CHECK(taken->version == 0 && taken->intent_mac.key_id == 0);
	check_amount(intent);
	check_metadata(taken->metadata);
}

static void check_canonical(const struct catalogue *catalogue, struct str body,
			    const struct withdrawal *taken)
{
	struct withdrawal *again = calloc(1, sizeof *again);
	struct problem_report report;
	struct buf text = buf_new(BODY_BYTES_MAX);
	JSON_OWNED json = fuzz_json(body);
	CHECK(again != NULL && json != NULL);
	json_write_canonical(json_root(json), &text);
	CHECK(!text.overflow && request_read(buf_view(&text), catalogue, again, &report));
	CHECK(memcmp(taken, again, sizeof *taken) == 0);
	buf_free(&text);
	free(again);
}

static void check_problem(const struct problem_report *report)
{
	struct str code;
	struct buf text = buf_new(PROBLEM_BYTES_MAX);
	CHECK(report->problem > PROBLEM_NONE && report->problem < PROBLEM_COUNT);
	CHECK(problem_status(report->problem) / 100 == 4);
	CHECK(report->errors_len <= PROBLEM_ERRORS_MAX);
	problem_write(report, "request", &text);
	CHECK(!text.overflow);
	JSON_OWNED json = fuzz_json(buf_view(&text));
	CHECK(json != NULL && json_string(json_member(json_root(json), "code"), &code));
	CHECK(str_equal_text(code, problem_code(report->problem)));
	CHECK(json_size(json_member(json_root(json), "errors")) == report->errors_len);
	buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct catalogue *catalogue;
	if (catalogue == NULL)
		catalogue = catalogue_make();
	struct str body = str_from_bytes(bytes, len);
	struct withdrawal *taken = calloc(1, sizeof *taken);
	struct problem_report report;
	CHECK(taken != NULL);
	if (request_read(body, catalogue, taken, &report)) {
		check_taken(catalogue, taken);
		check_canonical(catalogue, body, taken);
	} else {
		check_problem(&report);
	}
	CHECK(request_empty_body_check(body) == PROBLEM_NONE ||
	      request_empty_body_check(body) == PROBLEM_BODY_UNEXPECTED);
	free(taken);
	return 0;
}
