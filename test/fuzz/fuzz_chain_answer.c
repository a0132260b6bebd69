/* The words of a node: every message has a meaning of the list, whatever the case of its letters,
 * and a node that only adds quotes around it changes nothing. */
#include "fuzz.h"

#include "core/chain_answer.h"

static char *upper(struct str text)
{
	char *copy = fuzz_copy(text);
	for (size_t i = 0; i < text.len; i++)
		if (copy[i] >= 'a' && copy[i] <= 'z')
			copy[i] = (char)(copy[i] - 'a' + 'A');
	return copy;
}

static char *quoted(struct str text)
{
	char *copy = malloc(text.len + 2);
	CHECK(copy != NULL);
	copy[0] = '"';
	if (text.len > 0)
		memcpy(copy + 1, text.at, text.len);
	copy[text.len + 1] = '"';
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const int64_t codes[] = { 0, 3, -32000, -32602, -39001, 4, INT64_MIN, INT64_MAX };
	struct str message = str_from_bytes(bytes, len);
	int64_t code = codes[fuzz_take(&message) % (sizeof codes / sizeof codes[0])];
	char *loud_text = upper(message);
	char *quoted_text = quoted(message);
	struct str loud = { loud_text, message.len };
	struct str quotes = { quoted_text, message.len + 2 };

	enum chain_send_state send = chain_error_classify(message);
	CHECK(send >= CHAIN_SEND_KNOWN && send <= CHAIN_SEND_UNKNOWN);
	CHECK(chain_error_classify(loud) == send && chain_error_classify(quotes) == send);

	enum chain_estimate_state estimate = chain_estimate_classify(code, message);
	CHECK(estimate != CHAIN_ESTIMATE_OK && estimate <= CHAIN_ESTIMATE_UNKNOWN);
	CHECK(chain_estimate_classify(code, loud) == estimate);
	if (code == 3)
		CHECK(estimate == CHAIN_ESTIMATE_REVERTED);

	bool is_unknown = chain_tag_is_unknown(code, message);
	CHECK(chain_tag_is_unknown(code, loud) == is_unknown);
	CHECK(chain_tag_is_unknown(code, quotes) == is_unknown);
	free(loud_text);
	free(quoted_text);
	return 0;
}
