#include "cmd/command.h"

#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HELP_COLUMN 24

/* The argument count of a command's name: 1 or 2 words that argv begins with; 0 for another. */
static size_t name_matches(const struct command *command, int argc, char **argv)
{
	struct str first, second;
	if (!str_cut(str_from(command->name), ' ', &first, &second))
		return argc > 1 && strcmp(argv[1], command->name) == 0 ? 1 : 0;
	bool both = argc > 2 && str_equal_text(first, argv[1]) && str_equal_text(second, argv[2]);
	return both ? 2 : 0;
}

static bool is_group(const char *word)
{
	for (const struct command *command = commands; command->name != NULL; command++) {
		struct str first, second;
		if (str_cut(str_from(command->name), ' ', &first, &second) &&
		    str_equal_text(first, word))
			return true;
	}
	return false;
}

/* All commands, or those of a group such as "keys". */
static void print_commands(FILE *out, const char *group)
{
	for (const struct command *command = commands; command->name != NULL; command++) {
		struct str first = str_from(command->name), second;
		(void)str_cut(str_from(command->name), ' ', &first, &second);
		if (group == NULL || str_equal_text(first, group))
			(void)fprintf(out, "  %-*s %s\n", HELP_COLUMN, command->name,
				      command->summary);
	}
}

static void print_usage(FILE *out)
{
	(void)fputs("Sluice pays crypto withdrawals.\n\n"
		    "usage: sluice COMMAND [OPTIONS] [ARGUMENTS]\n\ncommands:\n",
		    out);
	print_commands(out, NULL);
	(void)fputs("\n`sluice COMMAND --help` tells more. Every command knows --json. A command "
		    "ends "
		    "with\n0 (done), 1 (failed) or 2 (wrong use); a role, and run, also with 3 "
		    "(refused: starting\nit again would not help).\n",
		    out);
}

static void print_option(const char *name, const char *value, const char *help)
{
	char left[64];
	(void)snprintf(left, sizeof left, "--%s%s%s", name, value != NULL ? " " : "",
		       value != NULL ? value : "");
	(void)printf("  %-*s %s\n", HELP_COLUMN, left, help);
}

static void print_help(const struct command *command)
{
	(void)printf("%s\n\nusage: sluice %s [OPTIONS]%s%s\n", command->summary, command->name,
		     command->arguments[0] != '\0' ? " " : "", command->arguments);
	if (command->details != NULL)
		(void)printf("\n%s\n", command->details);
	(void)printf("\noptions:\n");
	for (const struct command_option *option = command->options; option->name != NULL; option++)
		print_option(option->name, option->value, option->help);
	print_option("json", NULL, "print JSON");
	print_option("help", NULL, "print this");
}

static size_t option_index(const struct command *command, struct str name)
{
	size_t i = 0;
	while (command->options[i].name != NULL && !str_equal_text(name, command->options[i].name))
		i++;
	CHECK(i < COMMAND_OPTIONS_MAX);
	return i;
}

static bool repeats(const struct command_option *option)
{
	static const char mark[] = "…";
	size_t len = option->value != NULL ? strlen(option->value) : 0;
	return len >= strlen(mark) && strcmp(option->value + len - strlen(mark), mark) == 0;
}

const char *invocation_option(const struct invocation *invocation, const char *name)
{
	size_t index = option_index(invocation->command, str_from(name));
	CHECK(invocation->command->options[index].name != NULL);
	return invocation->values[index];
}

const char *invocation_repeated(const struct invocation *invocation, const char *name,
				size_t *cursor)
{
	size_t index = option_index(invocation->command, str_from(name));
	CHECK(repeats(&invocation->command->options[index]));
	while (*cursor < invocation->repeated_len) {
		size_t at = (*cursor)++;
		if (invocation->repeated[at].option == index)
			return invocation->repeated[at].value;
	}
	return NULL;
}

bool invocation_flag(const struct invocation *invocation, const char *name)
{
	return invocation_option(invocation, name) != NULL;
}

bool invocation_count(const struct invocation *invocation, const char *name, uint64_t min,
		      uint64_t max, uint64_t fallback, uint64_t *ret_value)
{
	const char *text = invocation_option(invocation, name);
	uint64_t value = fallback;
	if (text != NULL && (!str_to_u64(str_from(text), &value) || value < min || value > max)) {
		(void)invocation_misused(invocation, "--%s takes a number from %llu to %llu", name,
					 (unsigned long long)min, (unsigned long long)max);
		return false;
	}
	*ret_value = value;
	return true;
}

enum exit_status invocation_misused(const struct invocation *invocation, const char *format, ...)
{
	char text[ERR_TEXT_LEN];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	(void)fprintf(stderr, "sluice %s: %s; `sluice %s --help` tells more\n",
		      invocation->command->name, text, invocation->command->name);
	return EXIT_USAGE;
}

void invocation_failed_json(const struct invocation *invocation, const struct err *err)
{
	char bytes[4 * ERR_TEXT_LEN];
	struct buf out = buf_of(bytes, sizeof bytes);
	if (!invocation->json)
		return;
	buf_byte(&out, '{');
	json_write_member_text(&out, "error", err->text);
	json_write_member_text(&out, "kind", err_kind_text(err->kind));
	buf_byte(&out, '}');
	(void)puts(buf_terminated(&out));
}

enum exit_status invocation_failed(const struct invocation *invocation, const struct err *err)
{
	(void)fprintf(stderr, "sluice %s: %s\n", invocation->command->name, err->text);
	invocation_failed_json(invocation, err);
	return EXIT_FAILED;
}

static bool repeated_take(struct invocation *invocation, size_t option, const char *value)
{
	if (invocation->repeated_len == COMMAND_REPEATS_MAX) {
		(void)invocation_misused(invocation, "more than %d values", COMMAND_REPEATS_MAX);
		return false;
	}
	invocation->repeated[invocation->repeated_len].option = option;
	invocation->repeated[invocation->repeated_len++].value = value;
	return true;
}

/* Takes "--name", "--name=value" or "--name value" at argv[*at]. */
static bool take_option(struct invocation *invocation, int argc, char **argv, int *at)
{
	struct str name = str_from(argv[*at] + 2), value = { 0 };
	bool has_value = str_cut(str_from(argv[*at] + 2), '=', &name, &value);
	if (str_equal(name, STR("json")) && !has_value) {
		invocation->json = true;
		return true;
	}
	size_t index = option_index(invocation->command, name);
	const struct command_option *option = &invocation->command->options[index];
	if (option->name == NULL) {
		(void)invocation_misused(invocation, "unknown option --%.*s", STR_ARG(name));
		return false;
	}
	if (invocation->values[index] != NULL && !repeats(option)) {
		(void)invocation_misused(invocation, "--%s is given twice", option->name);
		return false;
	}
	if (option->value == NULL && has_value) {
		(void)invocation_misused(invocation, "--%s takes no value", option->name);
		return false;
	}
	if (option->value != NULL && !has_value) {
		if (*at + 1 >= argc) {
			(void)invocation_misused(invocation, "--%s needs a value (%s)",
						 option->name, option->value);
			return false;
		}
		value = str_from(argv[++*at]);
	}
	invocation->values[index] = option->value != NULL ? value.at : "";
	return !repeats(option) || repeated_take(invocation, index, value.at);
}

static bool take_arguments(struct invocation *invocation, int argc, char **argv, int at)
{
	bool options_end = false;
	for (; at < argc; at++) {
		if (!options_end && strcmp(argv[at], "--") == 0) {
			options_end = true;
			continue;
		}
		if (!options_end && strncmp(argv[at], "--", 2) == 0) {
			if (!take_option(invocation, argc, argv, &at))
				return false;
			continue;
		}
		if (invocation->arguments_len == invocation->command->arguments_max) {
			(void)invocation_misused(invocation, "\"%s\" is too much", argv[at]);
			return false;
		}
		invocation->arguments[invocation->arguments_len++] = argv[at];
	}
	if (invocation->arguments_len < invocation->command->arguments_min) {
		(void)invocation_misused(invocation, "%s is missing",
					 invocation->command->arguments);
		return false;
	}
	return true;
}

static bool asks_for_help(int argc, char **argv, int at)
{
	for (; at < argc && strcmp(argv[at], "--") != 0; at++)
		if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)
			return true;
	return false;
}

static enum exit_status run_command(const struct command *command, int argc, char **argv, int at)
{
	CHECK(command->arguments_max <= COMMAND_ARGUMENTS_MAX);
	struct invocation invocation = { .command = command };
	if (asks_for_help(argc, argv, at)) {
		print_help(command);
		return EXIT_DONE;
	}
	if (!take_arguments(&invocation, argc, argv, at))
		return EXIT_USAGE;
	enum exit_status status = command->run(&invocation);
	/* A full disk must not look like success. */
	bool is_written = fflush(stdout) == 0 && ferror(stdout) == 0;
	if (!is_written && status == EXIT_DONE) {
		(void)fprintf(stderr, "sluice %s: cannot write to standard output\n",
			      command->name);
		return EXIT_FAILED;
	}
	return status;
}

static bool word_is(const char *word, const char *one, const char *two, const char *three)
{
	return strcmp(word, one) == 0 || strcmp(word, two) == 0 || strcmp(word, three) == 0;
}

/* What is no command: help, a group without its second word, a mistake. */
static enum exit_status run_other(int argc, char **argv)
{
	if (argc > 1 && word_is(argv[1], "--help", "-h", "help")) {
		print_usage(stdout);
		return EXIT_DONE;
	}
	if (argc > 1 && is_group(argv[1])) {
		FILE *out = asks_for_help(argc, argv, 2) ? stdout : stderr;
		(void)fprintf(out, "usage: sluice %s …\n\n", argv[1]);
		print_commands(out, argv[1]);
		return out == stdout ? EXIT_DONE : EXIT_USAGE;
	}
	if (argc > 1)
		(void)fprintf(stderr, "sluice: there is no command \"%s\"\n\n", argv[1]);
	print_usage(stderr);
	return EXIT_USAGE;
}

/* What people type out of habit: `--version`, and `help keys new` for `keys new --help`. */
static void habit_translate(int argc, char **argv)
{
	static char version[] = "version", help[] = "--help";
	if (argc > 1 && word_is(argv[1], "--version", "-V", "-v"))
		argv[1] = version;
	if (argc < 3 || strcmp(argv[1], "help") != 0)
		return;
	for (int i = 1; i + 1 < argc; i++)
		argv[i] = argv[i + 1];
	argv[argc - 1] = help;
}

enum exit_status command_main(int argc, char **argv)
{
	habit_translate(argc, argv);
	for (const struct command *command = commands; command->name != NULL; command++) {
		size_t words = name_matches(command, argc, argv);
		if (words > 0)
			return run_command(command, argc, argv, (int)words + 1);
	}
	return run_other(argc, argv);
}
