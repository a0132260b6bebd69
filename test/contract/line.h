/* A line to a transport that a test has in its hand: cut before it or behind it, or with something
 * that happens while a batch is being sent. */
#ifndef SLUICE_TEST_CONTRACT_LINE_H
#define SLUICE_TEST_CONTRACT_LINE_H

#include "port/queue_transport.h"

struct line {
	struct queue_transport base;
	struct queue_transport *real; /* borrowed */
	bool is_cut;
	bool loses_answers;
	unsigned requests;
	void (*sending)(void *arg); /* before each batch; or NULL */
	void *arg;
};

struct line line_to(struct queue_transport *real);

#endif
