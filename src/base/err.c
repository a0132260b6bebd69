#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
	CHECK(kind != ERR_NONE);
	if (err == NULL)
		return false;
	err->kind = kind;
	err->code = NULL;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(err->text, sizeof err->text, format, arguments);
	va_end(arguments);
	return false;
}

bool err_refuse(struct err *err, const char *code, const char *format, ...)
{
	if (err == NULL)
		return false;
	err->kind = ERR_REFUSED;
	err->code = code;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(err->text, sizeof err->text, format, arguments);
	va_end(arguments);
	return false;
}

bool err_wrap(struct err *err, const char *format, ...)
{
	if (err == NULL)
		return false;
	CHECK(err->kind != ERR_NONE);
	char old[ERR_TEXT_LEN];
	memcpy(old, err->text, sizeof old);
	va_list arguments;
	va_start(arguments, format);
	int written = vsnprintf(err->text, sizeof err->text, format, arguments);
	va_end(arguments);
	CHECK(written >= 0);
	size_t len = strlen(err->text);
	int wanted = snprintf(err->text + len, sizeof err->text - len, ": %s", old);
	CHECK(wanted >= 0); /* what does not fit is cut */
	return false;
}

const char *err_kind_text(enum err_kind kind)
{
	switch (kind) {
	case ERR_NONE:
		return "none";
	case ERR_NOT_DONE:
		return "not done";
	case ERR_MAYBE_DONE:
		return "maybe done";
	case ERR_REFUSED:
		return "refused";
	}
	return "none";
}
