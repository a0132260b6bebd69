/* Answers of a screening service: whatever is taken is to this very request, about this very
 * withdrawal, says one of three things, and holds nothing that would break a line of the log; what
 * is not taken says why, and leaves nothing behind. */
#include "fuzz.h"

#include "adapter/screen_http_message.h"

/* Events take it as it is. */
static void reference_check(const char *text)
{
	for (; *text != 0; text++)
		CHECK(*text > ' ' && *text < 0x7f && *text != '"' && *text != '\\');
}

static void plain_check(const char *text)
{
	for (; *text != 0; text++)
		CHECK((unsigned char)*text >= ' ');
}

static bool holds(struct str body, struct str text)
{
	for (size_t i = 0; i + text.len <= body.len; i++)
		if (memcmp(body.at + i, text.at, text.len) == 0)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str body = str_from_bytes(bytes, len);
	struct screen_request request = { .id = "00112233445566778899aabbccddeeff" };
	struct screen_answer answer = { 0 };
	struct err err = { 0 };
	CHECK(id_read(STR("01890a5d-ac96-774b-bcce-b302099a8057"), &request.withdrawal));
	if (screen_answer_read(body, &request, &answer, &err)) {
		CHECK(answer.decision >= SCREEN_ALLOW && answer.decision <= SCREEN_REVIEW);
		/* Escapes may write it in another way. */
		CHECK(holds(body, str_from(request.id)) || holds(body, STR("\\u")));
		reference_check(answer.reference);
		plain_check(answer.reason);
	} else {
		CHECK(answer.decision == 0 && err.kind == ERR_REFUSED && err.text[0] != 0);
	}
	const struct screen_secret secret = { (const uint8_t *)"01234567890123456789012345678901",
					      SCREEN_SECRET_MIN };
	CHECK(!screen_answer_is_signed(&secret, body, body));
	return 0;
}
