#include "cmd/secret_reference.h"

#include <ctype.h>
#include <string.h>

static const char scheme[] = "secret://";

bool secret_reference_is_meant(struct str text)
{
	return str_starts_with(text, STR("secret://"));
}

static bool is_made_of(struct str text, const char *others)
{
	for (size_t i = 0; i < text.len; i++)
		if (!isalnum((unsigned char)text.at[i]) &&
		    (text.at[i] == 0 || strchr(others, text.at[i]) == NULL))
			return false;
	return text.len > 0;
}

/* The characters of AWS's names and ARNs. */
bool secret_reference_read(struct str text, struct secret_reference *ret_reference)
{
	struct secret_reference reference = { .member = "" };
	struct str region, name, before, member;
	if (!secret_reference_is_meant(text) ||
	    !str_cut(str_skip(text, sizeof scheme - 1), '/', &region, &name))
		return false;
	if (str_cut(name, '#', &before, &member)) {
		name = before;
		if (!is_made_of(member, "_-.") ||
		    !str_copy(member, reference.member, sizeof reference.member))
			return false;
	}
	if (!is_made_of(region, "-") || !is_made_of(name, "/_+=.@:-") ||
	    !str_copy(region, reference.region, sizeof reference.region) ||
	    !str_copy(name, reference.name, sizeof reference.name))
		return false;
	*ret_reference = reference;
	return true;
}
