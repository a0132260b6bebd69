/* From the file to checked texts: structure (libcyaml), environment, defaults, types. */
#include "cmd/config_texts.h"

#include "base/check.h"
#include "cmd/secret_reference.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1024 * 1024)
#define VARIABLE_LEN   (sizeof "SLUICE_" + CONFIG_PATH_LEN_MAX)

struct complaint {
	char text[ERR_TEXT_LEN];
};

/* Keeps the first line that libcyaml says: the reason, before its backtrace. */
static void complaint_take(cyaml_log_t level, void *context, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

static void complaint_take(cyaml_log_t level, void *context, const char *format, va_list arguments)
{
	struct complaint *complaint = context;
	if (level < CYAML_LOG_ERROR || complaint->text[0] != '\0')
		return;
	(void)vsnprintf(complaint->text, sizeof complaint->text, format, arguments);
	complaint->text[strcspn(complaint->text, "\n")] = '\0';
}

static const cyaml_config_t cyaml_plain = { .mem_fn = cyaml_mem };

static bool file_read(const char *file, struct buf *out, struct err *err)
{
	FILE *stream = fopen(file, "re");
	if (stream == NULL)
		return err_set(err, ERR_NOT_DONE, "configuration %s: %s", file, strerror(errno));
	out->len = fread(out->at, 1, out->cap, stream);
	bool failed = ferror(stream) != 0;
	(void)fclose(stream);
	if (failed)
		return err_set(err, ERR_NOT_DONE, "configuration %s: cannot be read", file);
	if (out->len == out->cap)
		return err_set(err, ERR_REFUSED, "configuration %s: larger than 1 MiB", file);
	return true;
}

static bool text_load(struct config_texts *texts, struct str content, struct err *err)
{
	if (!config_lines_new(texts->file, content, &texts->lines, err))
		return false;
	struct complaint complaint = { 0 };
	cyaml_config_t options = {
		.mem_fn = cyaml_mem,
		.log_fn = complaint_take,
		.log_ctx = &complaint,
		.log_level = CYAML_LOG_ERROR,
		.flags = CYAML_CFG_NO_ALIAS,
	};
	cyaml_err_t result = cyaml_load_data((const uint8_t *)content.at, content.len, &options,
					     &config_schema, (cyaml_data_t **)&texts->text, NULL);
	if (result != CYAML_OK)
		return err_set(err, ERR_REFUSED, "%s: %s", texts->file,
			       complaint.text[0] != '\0' ? complaint.text : cyaml_strerror(result));
	if (texts->text == NULL) /* an empty document */
		texts->text = calloc(1, sizeof *texts->text);
	CHECK(texts->text != NULL);
	return true;
}

static void text_set(char **place, const char *value)
{
	free(*place);
	*place = strdup(value);
	CHECK(*place != NULL);
}

/* Variables that are not settings: they choose the file, or belong to a client or a test. And what
 * Kubernetes puts into every container for a service named sluice or sluice-…: never a setting, and
 * no reason to refuse to start. */
static bool variable_is_other(struct str name, struct str value)
{
	static const char *const others[] = { CONFIG_FILE_VARIABLE, "SLUICE_API_KEY",
					      "SLUICE_CA_FILE", "SLUICE_URL" };
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (str_equal_text(name, others[i]))
			return true;
	return str_starts_with(name, STR("SLUICE_TEST_")) ||
	       str_contains_fold(name, STR("_SERVICE_HOST")) ||
	       str_contains_fold(name, STR("_SERVICE_PORT")) ||
	       str_starts_with(value, STR("tcp://")) || str_contains_fold(name, STR("_TCP_"));
}

static bool variable_is_setting(struct config_texts *texts, struct str name)
{
	struct config_walk walk;
	struct config_place place;
	config_walk_init(&walk, texts->text);
	while (config_walk_next(&walk, &place)) {
		char bytes[VARIABLE_LEN];
		struct buf variable = buf_of(bytes, sizeof bytes);
		config_variable_write(str_from(place.path), &variable);
		if (place.kind == CONFIG_SCALAR && str_equal(buf_view(&variable), name))
			return true;
	}
	return false;
}

static bool environment_check(struct config_texts *texts, struct err *err)
{
	for (char **entry = environ; *entry != NULL; entry++) {
		struct str name, value;
		if (!str_cut(str_from(*entry), '=', &name, &value) ||
		    !str_starts_with(name, STR("SLUICE_")) || variable_is_other(name, value))
			continue;
		if (!variable_is_setting(texts, name))
			return err_set(err, ERR_REFUSED,
				       "environment: %.*s is no setting of this configuration "
				       "(`sluice check-config --reference` lists them)",
				       STR_ARG(name));
	}
	return true;
}

static bool environment_apply(struct config_texts *texts, struct err *err)
{
	struct config_walk walk;
	struct config_place place;
	config_walk_init(&walk, texts->text);
	while (config_walk_next(&walk, &place)) {
		if (place.kind != CONFIG_SCALAR)
			continue;
		char bytes[VARIABLE_LEN];
		struct buf variable = buf_of(bytes, sizeof bytes);
		config_variable_write(str_from(place.path), &variable);
		const char *value = getenv(buf_terminated(&variable));
		if (value == NULL)
			continue;
		if (value[0] == '\0' || strlen(value) > CONFIG_SCALAR_LEN_MAX)
			return err_set(err, ERR_REFUSED, "environment: %s: 1 to %d characters",
				       buf_terminated(&variable), CONFIG_SCALAR_LEN_MAX);
		text_set(place.text, value);
		config_lines_set_variable(texts->lines, place.path);
	}
	return environment_check(texts, err);
}

static void path_complete(const struct config_texts *texts, char **place, const char *value)
{
	const char *directory = texts->directory;
	size_t marker_len = sizeof CONFIG_IN_DATA_DIR - 1;
	if (strncmp(value, CONFIG_IN_DATA_DIR, marker_len) == 0) {
		directory = texts->text->data_dir;
		value += marker_len;
	}
	if (value[0] == '/') {
		text_set(place, value);
		return;
	}
	while (strncmp(value, "./", 2) == 0)
		value += 2;
	char *joined = NULL;
	CHECK(asprintf(&joined, "%s/%s", directory, value) >= 0);
	free(*place);
	*place = joined;
}

static bool scalar_complete(struct config_texts *texts, const struct config_place *place,
			    struct err *err)
{
	const struct config_rule *rule = config_rule_of(str_from(place->path));
	if (*place->text == NULL) {
		if (rule->fallback == NULL || strcmp(rule->fallback, CONFIG_DERIVED) == 0)
			return true;
		if (strcmp(rule->fallback, CONFIG_REQUIRED) == 0)
			return config_lines_refuse(texts->lines, place->path, err, "is missing");
		text_set(place->text, rule->fallback);
	}
	char wanted[96];
	if (!config_rule_allows(rule, str_from(*place->text), wanted, sizeof wanted))
		return config_lines_refuse(texts->lines, place->path, err, "\"%s\" is not %s",
					   *place->text, wanted);
	bool is_path = rule->type == CONFIG_TYPE_PATH ||
		       (rule->type == CONFIG_TYPE_SECRET &&
			!secret_reference_is_meant(str_from(*place->text)));
	if (is_path) {
		char *value = strdup(*place->text);
		CHECK(value != NULL);
		path_complete(texts, place->text, value);
		free(value);
	}
	return true;
}

static bool scalars_complete(struct config_texts *texts, struct err *err)
{
	struct config_walk walk;
	struct config_place place;
	config_walk_init(&walk, texts->text);
	while (config_walk_next(&walk, &place))
		if (place.kind == CONFIG_SCALAR && !scalar_complete(texts, &place, err))
			return false;
	return true;
}

static void text_default(char **place, const char *value)
{
	if (*place == NULL)
		text_set(place, value);
}

/* Defaults that follow from other settings. */
static void texts_derive(struct config_text *text)
{
	for (size_t i = 0; i < text->chains_count; i++) {
		struct config_text_chain *chain = &text->chains[i];
		bool has_finality = config_bool(chain->finality);
		text_default(&chain->confirmations, has_finality ? "16" : "128");
		text_default(&chain->unpaid_confirmations, has_finality ? "256" : "512");
	}
	for (size_t i = 0; i < text->assets_count; i++) {
		struct config_text_asset *asset = &text->assets[i];
		bool is_native = config_bool(asset->native);
		if (is_native)
			text_default(&asset->decimals, "18");
		for (size_t j = 0; is_native && j < text->chains_count; j++)
			if (strcmp(text->chains[j].name, asset->chain) == 0)
				text_default(&asset->gas_ceiling, text->chains[j].native_gas_limit);
		text_default(&asset->gas_ceiling, "200000");
	}
	for (size_t i = 0; i < text->wallets_count; i++)
		text_default(&text->wallets[i].in_flight, text->signer.in_flight);
}

static char *directory_of(const char *file)
{
	char resolved[PATH_MAX];
	if (realpath(file, resolved) == NULL)
		return NULL;
	char *slash = strrchr(resolved, '/');
	CHECK(slash != NULL);
	*slash = '\0';
	char *directory = strdup(resolved);
	CHECK(directory != NULL);
	return directory;
}

static bool texts_fill(struct config_texts *texts, struct err *err)
{
	struct buf content = buf_new(FILE_BYTES_MAX);
	bool ok =
		file_read(texts->file, &content, err) && text_load(texts, buf_view(&content), err);
	buf_free(&content);
	if (!ok)
		return false;
	texts->directory = directory_of(texts->file);
	if (texts->directory == NULL)
		return err_set(err, ERR_NOT_DONE, "configuration %s: %s", texts->file,
			       strerror(errno));
	if (!environment_apply(texts, err) || !scalars_complete(texts, err))
		return false;
	texts_derive(texts->text);
	return true;
}

bool config_texts_load(const char *file, struct config_texts **ret_texts, struct err *err)
{
	struct config_texts *texts = calloc(1, sizeof *texts);
	CHECK(texts != NULL);
	texts->file = strdup(file);
	CHECK(texts->file != NULL);
	if (!texts_fill(texts, err)) {
		config_texts_free(texts);
		return false;
	}
	*ret_texts = texts;
	return true;
}

void config_texts_free(struct config_texts *texts)
{
	if (texts == NULL)
		return;
	if (texts->text != NULL)
		(void)cyaml_free(&cyaml_plain, &config_schema, texts->text, 0);
	config_lines_free(texts->lines);
	free(texts->directory);
	free(texts->file);
	free(texts);
}

uint64_t config_u64(const char *text)
{
	uint64_t value;
	CHECK(str_to_u64(str_from(text), &value));
	return value;
}

bool config_bool(const char *text)
{
	CHECK(strcmp(text, "true") == 0 || strcmp(text, "false") == 0);
	return text[0] == 't';
}
