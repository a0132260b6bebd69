/* `sluice check-config`: what is in force, without what may be secret. */
#include "cmd/config_files.h"
#include "cmd/config_texts.h"

#include "base/check.h"
#include "base/json.h"

#include <string.h>

/* Scheme, host and port of a URL; user, path and query may hold a key. */
static void url_write(struct str url, struct buf *out)
{
	size_t start = 0;
	while (start + 2 < url.len && memcmp(url.at + start, "://", 3) != 0)
		start++;
	start += 3;
	CHECK(start <= url.len);
	size_t end = start;
	while (end < url.len && strchr("/?#", url.at[end]) == NULL)
		end++;
	size_t host = start;
	for (size_t i = start; i < end; i++)
		if (url.at[i] == '@')
			host = i + 1;
	buf_bytes(out, url.at, start);
	buf_text(out, host > start ? "***@" : "");
	buf_bytes(out, url.at + host, end - host);
	if (end + 1 < url.len)
		buf_text(out, "/***");
}

static const char *shown(const struct config_place *place, char *storage, size_t cap)
{
	enum config_type type = config_rule_of(str_from(place->path))->type;
	if (type != CONFIG_TYPE_URL && type != CONFIG_TYPE_WS)
		return *place->text;
	struct buf url = buf_of(storage, cap);
	url_write(str_from(*place->text), &url);
	return buf_terminated(&url);
}

static void indent(struct buf *out, size_t depth)
{
	for (size_t i = 0; i < depth; i++)
		buf_text(out, "  ");
}

/* JSON strings are YAML strings. Numbers and words need no quotes. */
static void yaml_value(const struct config_place *place, const char *text, struct buf *out)
{
	switch (config_rule_of(str_from(place->path))->type) {
	case CONFIG_TYPE_BOOL:
	case CONFIG_TYPE_COUNT:
	case CONFIG_TYPE_LEVEL:
	case CONFIG_TYPE_CHOICE:
		buf_text(out, text);
		return;
	case CONFIG_TYPE_NAME:
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_DECIMAL:
	case CONFIG_TYPE_PATH:
	case CONFIG_TYPE_SECRET:
	case CONFIG_TYPE_LISTEN:
	case CONFIG_TYPE_RANGE:
	case CONFIG_TYPE_URL:
	case CONFIG_TYPE_WS:
	case CONFIG_TYPE_ADDRESS:
		json_write_string(out, str_from(text));
		return;
	}
}

/* "there", "later" for what Sluice makes by itself, "problem". */
static const char *file_state(const struct config_file *file)
{
	if (file->problem[0] != '\0')
		return "problem";
	if (file->is_fetched)
		return "fetched";
	return file->is_there ? "there" : "later";
}

static void files_write_yaml(const struct config_file *files, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		const struct config_file *file = &files[i];
		buf_format(out, "#   %-7s %s: %s", file_state(file), file->key, file->path);
		if (!file->is_there && file->made_by != NULL)
			buf_format(out, " (%s makes it)", file->made_by);
		buf_byte(out, '\n');
	}
}

static void files_write_json(const struct config_file *files, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		const struct config_file *file = &files[i];
		json_write_name(out, file->key);
		buf_byte(out, '{');
		json_write_member_text(out, "path", file->path);
		json_write_member_bool(out, "exists", file->is_there);
		json_write_member_bool(out, "made_by_sluice", file->made_by != NULL);
		if (file->problem[0] != '\0')
			json_write_member_text(out, "problem", file->problem);
		buf_byte(out, '}');
	}
}

/* A mapping without a key that is there would read back as no mapping. */
static bool is_empty_mapping(const struct config_walk *walk, const struct config_place *place)
{
	struct config_walk ahead = *walk;
	struct config_place inner;
	if (place->kind != CONFIG_MAPPING || place->key == NULL)
		return false;
	while (config_walk_next(&ahead, &inner) && inner.depth > place->depth)
		if (inner.kind == CONFIG_SCALAR && *inner.text != NULL)
			return false;
	return true;
}

void config_write_yaml(const struct config *config, const struct config_file *files,
		       size_t files_len, struct buf *out)
{
	struct config_walk walk;
	struct config_place place;
	char url[CONFIG_SCALAR_LEN_MAX + 8];
	bool first_of_element = false;
	buf_format(out, "# %s, with environment and defaults applied\n", config->file);
	config_walk_init(&walk, config->texts->text);
	while (config_walk_next(&walk, &place)) {
		bool is_end = place.kind == CONFIG_MAPPING_END || place.kind == CONFIG_LIST_END;
		bool is_absent = (place.kind == CONFIG_SCALAR && *place.text == NULL) ||
				 (place.kind == CONFIG_LIST && place.len == 0) ||
				 is_empty_mapping(&walk, &place);
		if (is_end || is_absent)
			continue;
		if (place.key == NULL && place.kind == CONFIG_MAPPING) {
			indent(out, place.depth);
			buf_text(out, "- ");
			first_of_element = true;
			continue;
		}
		if (!first_of_element)
			indent(out, place.depth);
		first_of_element = false;
		if (place.key != NULL)
			buf_format(out, "%s:%s", place.key,
				   place.kind == CONFIG_SCALAR ? " " : "\n");
		else
			buf_text(out, "- ");
		if (place.kind != CONFIG_SCALAR)
			continue;
		yaml_value(&place, shown(&place, url, sizeof url), out);
		buf_byte(out, '\n');
	}
	buf_text(out, "\n# files\n");
	files_write_yaml(files, files_len, out);
	for (size_t i = 0; i < config->warnings_len; i++)
		buf_format(out, "%s#   %s\n", i == 0 ? "\n# warnings\n" : "", config->warnings[i]);
}

static void json_separate(struct buf *out)
{
	if (out->len > 0 && strchr("[{,:", out->at[out->len - 1]) == NULL)
		buf_byte(out, ',');
}

static void json_place(const struct config_place *place, struct buf *out)
{
	char url[CONFIG_SCALAR_LEN_MAX + 8];
	if (place->kind == CONFIG_MAPPING_END || place->kind == CONFIG_LIST_END) {
		buf_byte(out, place->kind == CONFIG_LIST_END ? ']' : '}');
		return;
	}
	if (place->kind == CONFIG_SCALAR && *place->text == NULL)
		return;
	if (place->key != NULL)
		json_write_name(out, place->key);
	else
		json_separate(out);
	if (place->kind == CONFIG_MAPPING || place->kind == CONFIG_LIST) {
		buf_byte(out, place->kind == CONFIG_LIST ? '[' : '{');
		return;
	}
	enum config_type type = config_rule_of(str_from(place->path))->type;
	const char *text = shown(place, url, sizeof url);
	if (type == CONFIG_TYPE_BOOL || type == CONFIG_TYPE_COUNT)
		buf_text(out, text);
	else
		json_write_string(out, str_from(text));
}

void config_write_json(const struct config *config, const struct config_file *files,
		       size_t files_len, struct buf *out)
{
	struct config_walk walk;
	struct config_place place;
	buf_byte(out, '{');
	json_write_member_text(out, "file", config->file);
	json_write_name(out, "config");
	buf_byte(out, '{');
	config_walk_init(&walk, config->texts->text);
	while (config_walk_next(&walk, &place))
		json_place(&place, out);
	buf_byte(out, '}');
	json_write_name(out, "files");
	buf_byte(out, '{');
	files_write_json(files, files_len, out);
	buf_byte(out, '}');
	json_write_name(out, "warnings");
	buf_byte(out, '[');
	for (size_t i = 0; i < config->warnings_len; i++) {
		json_separate(out);
		json_write_string(out, str_from(config->warnings[i]));
	}
	buf_text(out, "]}\n");
}

static const char *type_text(enum config_type type)
{
	switch (type) {
	case CONFIG_TYPE_NAME:
		return "name";
	case CONFIG_TYPE_TEXT:
		return "text";
	case CONFIG_TYPE_BOOL:
		return "bool";
	case CONFIG_TYPE_COUNT:
		return "integer";
	case CONFIG_TYPE_DECIMAL:
		return "decimal";
	case CONFIG_TYPE_PATH:
		return "path";
	case CONFIG_TYPE_SECRET:
		return "path or secret";
	case CONFIG_TYPE_LISTEN:
		return "address";
	case CONFIG_TYPE_RANGE:
		return "addresses";
	case CONFIG_TYPE_URL:
	case CONFIG_TYPE_WS:
		return "URL";
	case CONFIG_TYPE_ADDRESS:
		return "0x…";
	case CONFIG_TYPE_LEVEL:
		return "level";
	case CONFIG_TYPE_CHOICE:
		return "choice";
	}
	return "";
}

void config_write_reference(struct buf *out)
{
	size_t len;
	const struct config_rule *rules = config_rules(&len);
	buf_text(out, "| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < len; i++) {
		const char *fallback = rules[i].fallback;
		if (fallback == NULL)
			fallback = "none";
		buf_format(out, "| `%s` | %s | %s | %s |\n", rules[i].pattern,
			   type_text(rules[i].type), fallback, rules[i].help);
	}
	buf_text(out, "\nThe variable of a key is SLUICE_ and its names in capitals, joined by "
		      "'_'; elements of lists count from 0:\n`api.listen` is SLUICE_API_LISTEN, "
		      "the second URL of the first chain is SLUICE_CHAINS_0_RPC_1.\n");
}
