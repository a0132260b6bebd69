#include "base/json_sieve.h"

#include "base/json.h"

#include <string.h>

struct level {
	bool is_object;
	bool passed; /* a member or element of it lies behind */
	bool wrote;  /* and one stands in the output */
};

struct walk {
	const struct json_sieve *sieve;
	const char *at;
	const char *end;
	struct buf *out;
	struct level levels[JSON_DEPTH_MAX];
	size_t depth;
	size_t objects; /* among the levels */
};

static void skip_space(struct walk *walk)
{
	while (walk->at < walk->end &&
	       (*walk->at == ' ' || *walk->at == '\n' || *walk->at == '\t' || *walk->at == '\r'))
		walk->at++;
}

/* From one quote behind the other. */
static bool string_pass(struct walk *walk)
{
	const char *at = walk->at + 1;
	while (at < walk->end) {
		const char *quote = memchr(at, '"', (size_t)(walk->end - at));
		if (quote == NULL)
			return false;
		size_t slashes = 0;
		while (quote - slashes > at && quote[-1 - (ptrdiff_t)slashes] == '\\')
			slashes++;
		at = quote + 1;
		if (slashes % 2 == 0) {
			walk->at = at;
			return true;
		}
	}
	return false;
}

/* A number, or one of the three words. */
static bool word_pass(struct walk *walk)
{
	const char *start = walk->at;
	while (walk->at < walk->end && strchr(",]} \n\t\r", *walk->at) == NULL)
		walk->at++;
	return walk->at > start;
}

/* Passes a whole value. */
static bool value_pass(struct walk *walk)
{
	size_t open = 0;
	do {
		skip_space(walk);
		if (walk->at == walk->end)
			return false;
		char c = *walk->at;
		if (c == '[' || c == '{') {
			open++;
			walk->at++;
		} else if (c == ']' || c == '}') {
			if (open == 0)
				return false;
			open--;
			walk->at++;
		} else if (c == ',' || c == ':') {
			if (open == 0)
				return false;
			walk->at++;
		} else if (c == '"' ? !string_pass(walk) : !word_pass(walk)) {
			return false;
		}
	} while (open > 0);
	return true;
}

static bool is_kept(const struct walk *walk, struct str name)
{
	size_t level = walk->objects - 1;
	if (level >= JSON_SIEVE_LEVELS || walk->sieve->names[level] == NULL)
		return true;
	for (const char *const *kept = walk->sieve->names[level]; *kept != NULL; kept++)
		if (str_equal_text(name, *kept))
			return true;
	return false;
}

static bool level_open(struct walk *walk)
{
	bool is_object = *walk->at == '{';
	if (walk->depth == JSON_DEPTH_MAX)
		return false;
	walk->levels[walk->depth++] = (struct level){ .is_object = is_object };
	walk->objects += is_object;
	buf_byte(walk->out, is_object ? '{' : '[');
	walk->at++;
	return true;
}

static bool level_close(struct walk *walk)
{
	bool is_object = *walk->at == '}';
	if (walk->levels[walk->depth - 1].is_object != is_object)
		return false;
	walk->depth--;
	walk->objects -= is_object;
	buf_byte(walk->out, is_object ? '}' : ']');
	walk->at++;
	return true;
}

static void copy(struct walk *walk, const char *from)
{
	buf_str(walk->out, (struct str){ from, (size_t)(walk->at - from) });
}

static void separate(struct walk *walk, struct level *level)
{
	if (level->wrote)
		buf_byte(walk->out, ',');
	level->wrote = true;
}

/* A value of which something is kept; a container only opens. */
static bool value_take(struct walk *walk)
{
	skip_space(walk);
	if (walk->at == walk->end)
		return false;
	if (*walk->at == '[' || *walk->at == '{')
		return level_open(walk);
	const char *from = walk->at;
	if (*from == '"' ? !string_pass(walk) : !word_pass(walk))
		return false;
	copy(walk, from);
	return true;
}

static bool member_step(struct walk *walk, struct level *level)
{
	const char *name = walk->at;
	if (walk->at == walk->end || *name != '"' || !string_pass(walk))
		return false;
	const char *behind = walk->at;
	skip_space(walk);
	if (walk->at == walk->end || *walk->at != ':')
		return false;
	walk->at++;
	if (!is_kept(walk, (struct str){ name + 1, (size_t)(behind - name) - 2 }))
		return value_pass(walk);
	separate(walk, level);
	buf_str(walk->out, (struct str){ name, (size_t)(behind - name) });
	buf_byte(walk->out, ':');
	return value_take(walk);
}

/* One step inside the innermost container: its end, or its next member or element. */
static bool level_step(struct walk *walk)
{
	struct level *level = &walk->levels[walk->depth - 1];
	skip_space(walk);
	if (walk->at == walk->end)
		return false;
	if (*walk->at == ']' || *walk->at == '}')
		return level_close(walk);
	if (level->passed && *walk->at++ != ',')
		return false;
	level->passed = true;
	skip_space(walk);
	if (level->is_object)
		return member_step(walk, level);
	separate(walk, level);
	return value_take(walk);
}

bool json_sieve_write(const struct json_sieve *sieve, struct str text, struct buf *out)
{
	struct walk walk = { .sieve = sieve, .at = text.at, .end = text.at + text.len, .out = out };
	if (text.len == 0 || !value_take(&walk))
		return false;
	while (walk.depth > 0)
		if (!level_step(&walk))
			return false;
	skip_space(&walk);
	return walk.at == walk.end && !out->overflow;
}
