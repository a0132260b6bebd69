/* The fields of a small body: an object of texts, lists of texts and flags, each named, bounded,
 * required or not, and no other one. */
#ifndef SLUICE_SERVICE_API_FIELDS_H
#define SLUICE_SERVICE_API_FIELDS_H

#include "base/json.h"
#include "service/api/problem.h"

enum field_kind {
	FIELD_TEXT,
	FIELD_LIST, /* an array of texts without a space in them */
	FIELD_FLAG, /* true or false */
};

struct field {
	const char *name;
	size_t len_max; /* of a text; of all of a list, with a byte between two */
	enum field_kind kind;
	bool is_optional;
	/* What was read: a text; a list with a space between two; "true" or "false"; "" when it is
	 * not there. */
	struct str value;
};

#define FIELD(name_, len_max_) { .name = (name_), .len_max = (len_max_) }
#define FIELD_OPTIONAL(name_, len_max_) \
	{ .name = (name_), .len_max = (len_max_), .is_optional = true }

/* The values live until *ret_json and *lists are freed. lists: room for what lists are written
 * into; NULL where there is none. False: *report says what is wrong, and shows nothing of what was
 * in it.
 */
bool fields_read(struct str body, struct field *fields, size_t n, struct buf *lists,
		 struct json **ret_json, struct problem_report *report);

#endif
