/* A defence that tests can take out, to show that something notices.
 *
 *	if (DEFENCE("funds_counted") && !purse_covers(...))
 *
 * In every build that is shipped DEFENCE() is the constant true, and there is no switch: no name,
 * no variable that is read. A build with -Ddefence_switches=true takes out what the variable
 * DEFENCES_OUT names (DEFENCES_OUT=first,second), for the whole process; test/mutation then wants a
 * test to fail. Its table says of each name what it defends against.
 *
 * A name is a literal: [a-z0-9_], and stands where the defence is. The same name may stand in
 * several places.
 */
#ifndef SLUICE_BASE_DEFENCE_H
#define SLUICE_BASE_DEFENCE_H

#include <stdbool.h>

#ifdef SLUICE_DEFENCE_SWITCHES

/* False: DEFENCES_OUT names it. */
bool defence_stands(const char *name);

/* The names of a program lie side by side in a section of their own: DEFENCES_OUT may name no other
 * (base/defence.c). */
#define DEFENCE(name)                                                                          \
	(__extension__({                                                                       \
		static const char defence_name_[] __attribute__((section("defences"), used)) = \
			name;                                                                  \
		defence_stands(defence_name_);                                                 \
	}))

#else

#define DEFENCE(name) (sizeof "" name > 1)

_Static_assert(DEFENCE("any"), "no switch, but a constant");

#endif

#endif
