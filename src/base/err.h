/* Faults of the world, and what is then known about it.
 *
 * The kind decides what the caller may do: retry only after ERR_NOT_DONE; after ERR_MAYBE_DONE look
 * first; ERR_REFUSED will be answered the same way again. Faults travel up unchanged; only the top
 * of a service logs them, once.
 */
#ifndef SLUICE_BASE_ERR_H
#define SLUICE_BASE_ERR_H

#include "base/check.h"

#include <stdbool.h>

enum err_kind {
	ERR_NONE = 0,
	ERR_NOT_DONE = 1,   /* nothing happened; trying again is safe */
	ERR_MAYBE_DONE = 2, /* the effect may or may not have happened; look before acting */
	ERR_REFUSED = 3,    /* the other side understood and said no */
};

#define ERR_TEXT_LEN 240

struct err {
	enum err_kind kind;
	char text[ERR_TEXT_LEN]; /* for people; never holds a secret */
	const char *code;        /* of a refusal that programs tell apart; static; or NULL */
};

/* Sets kind and text (truncated, always terminated). Returns false, so that a function can end with
 * `return err_set(err, ERR_NOT_DONE, "…")`. `err` may be NULL: then nothing is written. */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A refusal under a stable code. Returns false. */
bool err_refuse(struct err *err, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text and keeps the kind. Returns false. */
bool err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "not done", "maybe done", "refused" or "none"; static storage. */
const char *err_kind_text(enum err_kind kind);

#endif
