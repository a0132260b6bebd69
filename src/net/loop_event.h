/* The libevent side of a loop, for files of src/net only. */
#ifndef SLUICE_NET_LOOP_EVENT_H
#define SLUICE_NET_LOOP_EVENT_H

#include "net/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>

struct event_base *loop_event_base(struct loop *loop);

#endif
