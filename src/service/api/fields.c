#include "service/api/fields.h"

#include "base/check.h"
#include "service/api/request.h"

#include <string.h>

static enum problem list_read(const struct json_value *value, size_t len_max, struct buf *lists,
			      struct str *ret_value)
{
	size_t start = lists->len;
	if (json_type_of(value) != JSON_TYPE_ARRAY)
		return PROBLEM_FIELD_TYPE;
	if (json_size(value) == 0) /* is not "all", which is to leave it out */
		return PROBLEM_FIELD_LENGTH;
	for (size_t i = 0; i < json_size(value); i++) {
		struct str text;
		if (!json_string(json_element(value, i), &text))
			return PROBLEM_FIELD_TYPE;
		if (text.len == 0 || memchr(text.at, ' ', text.len) != NULL ||
		    lists->len - start + text.len + 1 > len_max)
			return PROBLEM_FIELD_LENGTH;
		if (i > 0)
			buf_byte(lists, ' ');
		buf_str(lists, text);
	}
	CHECK(!lists->overflow);
	*ret_value = str_skip(buf_view(lists), start);
	return PROBLEM_NONE;
}

static enum problem value_read(struct field *field, const struct json_value *value,
			       struct buf *lists)
{
	bool flag = false;
	switch (field->kind) {
	case FIELD_TEXT:
		if (!json_string(value, &field->value))
			return PROBLEM_FIELD_TYPE;
		break;
	case FIELD_LIST:
		return list_read(value, field->len_max, lists, &field->value);
	case FIELD_FLAG:
		if (!json_bool(value, &flag))
			return PROBLEM_FIELD_TYPE;
		field->value = flag ? STR("true") : STR("false");
		return PROBLEM_NONE;
	}
	bool fits = field->value.len > 0 && field->value.len <= field->len_max;
	return fits ? PROBLEM_NONE : PROBLEM_FIELD_LENGTH;
}

static void field_read(struct field *field, const struct json_value *root, struct buf *lists,
		       struct problem_report *report)
{
	char pointer[40];
	const struct json_value *value = json_member(root, field->name);
	struct buf out = buf_of(pointer, sizeof pointer);
	enum problem problem = PROBLEM_NONE;
	buf_format(&out, "/%s", field->name);
	field->value = STR("");
	if (value != NULL)
		problem = value_read(field, value, lists);
	else if (!field->is_optional)
		problem = PROBLEM_FIELD_MISSING;
	if (problem != PROBLEM_NONE)
		problem_report_add(report, problem, buf_view(&out), NULL);
}

static bool is_field(const struct field *fields, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal_text(name, fields[i].name))
			return true;
	return false;
}

bool fields_read(struct str body, struct field *fields, size_t n, struct buf *lists,
		 struct json **ret_json, struct problem_report *report)
{
	void *cursor = NULL;
	struct str name;
	const struct json_value *value;
	if (!request_body_parse(body, ret_json, report))
		return false;
	problem_report_reset(report);
	const struct json_value *root = json_root(*ret_json);
	while (json_next_member(root, &cursor, &name, &value))
		if (!is_field(fields, n, name))
			problem_report_add(report, PROBLEM_FIELD_UNKNOWN, STR(""), NULL);
	for (size_t i = 0; i < n; i++)
		field_read(&fields[i], root, lists, report);
	return report->problem == PROBLEM_NONE;
}
