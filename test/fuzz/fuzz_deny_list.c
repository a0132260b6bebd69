/* Files of a deny-list: each address in one that is taken is on it, and one that is none of ours is
 * no list at all; never half a one. */
#include "fuzz.h"

#include "adapter/deny_list_file.h"

#include <sys/stat.h>

static int64_t fuzz_now_ms = 1;

static int64_t now(struct clock *clock)
{
	(void)clock;
	return fuzz_now_ms;
}

static const struct clock_ops clock_ops = { now, now };

/* Every line that is an address by itself. */
static size_t listed(struct deny_list *list, struct str text)
{
	size_t found = 0;
	while (text.len > 0) {
		struct str line = text, rest = { 0 };
		struct address address;
		(void)str_cut(text, '\n', &line, &rest);
		if (address_read(line, &address) == ADDRESS_OK) {
			CHECK(deny_list_has(list, address));
			found++;
		}
		text = rest;
	}
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str text = str_from_bytes(bytes, len);
	struct clock clock = { &clock_ops };
	struct err err = { 0 };
	bool stands = false;
	const char *path = fuzz_file_write(text);
	struct deny_list *list = deny_list_file_new(path, &clock);
	for (int i = 0; i < 15 && !stands; i++) {
		fuzz_now_ms += DENY_LIST_LOOK_MS;
		stands = deny_list_look(list, &err);
	}
	if (stands) {
		CHECK(listed(list, text) > 0 || deny_list_len(list) > 0);
		CHECK(len > 0 && bytes[len - 1] == '\n');
	} else {
		CHECK(err.text[0] != 0);
	}
	deny_list_close(list);
	return 0;
}
