/* Files of trust keys: what is read, written again in the plain form, is read as the same keys; a
 * refusal names a line, never what stands in it. */
#include "fuzz.h"

#include "adapter/trust_keys.h"
#include "base/hex.h"

#define FILE_BYTES_MAX 4096

static const char *const names[] = { TRUST_INTENT_MAC,    TRUST_APPROVAL_MAC, TRUST_IDENTITY_GRANTS,
				     TRUST_POLICY_GRANTS, TRUST_CONTROLS,     TRUST_PAY_TAG,
				     TRUST_JOURNAL_MAC,   TRUST_FEED_SEAL,    TRUST_ACCESS_TOKENS,
				     TRUST_SECRETS_SEAL };

static void write_keys(const struct trust_keys *keys, struct buf *out)
{
	size_t count = 0;
	buf_format(out, "deployment_id %s\n", id_text(trust_keys_deployment(keys)).at);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct mac_keys found;
		if (!trust_keys_mac_keys(keys, names[i], &found))
			continue;
		CHECK(found.len >= 1 && found.len <= MAC_KEYS_MAX);
		for (size_t j = 0; j < found.len; j++) {
			CHECK(found.keys[j].id >= 1);
			buf_format(out, "%s %u ", names[i], found.keys[j].id);
			hex_write(out, found.keys[j].key, 32);
			buf_byte(out, '\n');
			count++;
		}
	}
	CHECK(!out->overflow && count > 0 && !id_is_zero(trust_keys_deployment(keys)));
}

/* "PATH: line N is not as it should be", or that something is missing, or of the file itself. */
static void check_refusal(const struct err *err, const char *path)
{
	static const char *const texts[] = { "line ", "has no deployment_id", "has no key",
					     "is empty", "is longer than" };
	CHECK(err->kind == ERR_REFUSED);
	const char *text = strstr(err->text, path);
	CHECK(text != NULL);
	text += strlen(path);
	text += strspn(text, ": ");
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (strncmp(text, texts[i], strlen(texts[i])) == 0)
			return;
	fprintf(stderr, "%s\n", err->text);
	CHECK(false);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct trust_keys *keys = NULL;
	struct trust_keys *again = NULL;
	struct err err = { 0 };
	struct buf first = buf_new(FILE_BYTES_MAX);
	struct buf second = buf_new(FILE_BYTES_MAX);
	const char *path = fuzz_file_write(str_from_bytes(bytes, len));
	if (trust_keys_read(path, &keys, &err)) {
		write_keys(keys, &first);
		CHECK(trust_keys_read(fuzz_file_write(buf_view(&first)), &again, &err));
		write_keys(again, &second);
		CHECK(str_equal(buf_view(&first), buf_view(&second)));
	} else {
		CHECK(keys == NULL);
		check_refusal(&err, path);
	}
	trust_keys_free(keys);
	trust_keys_free(again);
	buf_free(&first);
	buf_free(&second);
	return 0;
}
