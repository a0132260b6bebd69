/* RLP: an item that is read, written again, is the very bytes that it was read from: there is one
 * encoding of each value. */
#include "fuzz.h"

#include "core/rlp.h"

#define ITEMS_MAX 4096

static void check_item(struct str from, enum rlp_type type, struct str content)
{
	struct buf again = buf_new(from.len + 16);
	if (type == RLP_LIST) {
		rlp_write_list_head(&again, content.len);
		buf_str(&again, content);
	} else {
		rlp_write_bytes(&again, content.at, content.len);
	}
	CHECK(!again.overflow && str_equal(buf_view(&again), from));
	buf_free(&again);
}

/* The items of the text one after the other, then those of its lists. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str *lists = calloc(ITEMS_MAX, sizeof *lists);
	size_t lists_len = 1;
	CHECK(lists != NULL);
	lists[0] = str_from_bytes(bytes, len);
	for (size_t i = 0; i < lists_len; i++) {
		struct str rest = lists[i];
		struct str content;
		enum rlp_type type;
		while (lists_len < ITEMS_MAX) {
			struct str before = rest;
			if (!rlp_take(&rest, &type, &content)) {
				CHECK(rest.at == before.at && rest.len == before.len);
				break;
			}
			CHECK(rest.at == content.at + content.len && rest.len < before.len);
			check_item((struct str){ before.at, before.len - rest.len }, type, content);
			if (type == RLP_LIST)
				lists[lists_len++] = content;
		}
	}
	free(lists);
	return 0;
}
