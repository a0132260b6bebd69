/* CHECK(): a broken invariant stops the process, in production too.
 *
 * A wrong belief about money is worse than a restart: the supervisor starts the role again and the
 * store holds the truth. Foreign input is never CHECKed; it is parsed, and refused with an error.
 */
#ifndef SLUICE_BASE_CHECK_H
#define SLUICE_BASE_CHECK_H

#define MUST_CHECK __attribute__((warn_unused_result))

/* Prints one line to standard error and aborts. Never returns. */
_Noreturn void check_failed(const char *file, int line, const char *function, const char *text);

#define CHECK(condition)                                                        \
	do {                                                                    \
		if (__builtin_expect(!(condition), 0))                          \
			check_failed(__FILE__, __LINE__, __func__, #condition); \
	} while (0)

#endif
