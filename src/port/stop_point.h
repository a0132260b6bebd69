/* A build with -Dstop_points=true can stop itself (SIGSTOP) before or after the N-th call of a
 * port, so that a test kills it exactly there: between a commit and the send that follows it, say.
 * In every other build PORT_CALL() is nothing.
 *
 * PORT_CALL() is the first line of each function of port/ that reaches a back end. How a point is
 * chosen: cmd/stop_point.c.
 */
#ifndef SLUICE_PORT_STOP_POINT_H
#define SLUICE_PORT_STOP_POINT_H

#ifdef SLUICE_STOP_POINTS

#include <stdbool.h>
#include <stddef.h>

struct stop_point {
	const char *call; /* static: the name of the function */
};

/* Stops the process if this is the chosen point. A program that links no cmd/stop_point.c has none.
 */
void stop_point_pass(const char *call, bool is_after) __attribute__((weak));

static inline struct stop_point stop_point_enter(const char *call)
{
	if (stop_point_pass != NULL)
		stop_point_pass(call, false);
	return (struct stop_point){ call };
}

static inline void stop_point_leave(const struct stop_point *self)
{
	if (stop_point_pass != NULL)
		stop_point_pass(self->call, true);
}

#define PORT_CALL()                                                                          \
	__attribute__((cleanup(stop_point_leave), unused)) struct stop_point stop_point_of = \
		stop_point_enter(__func__)

#else

#define PORT_CALL() _Static_assert(1, "no stop points")

#endif

#endif
