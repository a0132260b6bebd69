/* Who is never paid: a list of addresses (sanctions) that others keep, and exchange while we run.
 *
 * A list that cannot be read is not an empty one. Whoever decides looks first (deny_list_look), and
 * decides nothing while the answer is false.
 */
#ifndef SLUICE_PORT_DENY_LIST_H
#define SLUICE_PORT_DENY_LIST_H

#include "base/err.h"
#include "core/address.h"

struct deny_list;

struct deny_list_ops {
	bool (*look)(struct deny_list *list, struct err *err);
	bool (*has)(const struct deny_list *list, struct address address);
	size_t (*len)(const struct deny_list *list);
	void (*close)(struct deny_list *list);
};

struct deny_list {
	const struct deny_list_ops *ops;
	bool stands; /* what the last look said; kept by port/deny_list.c */
};

/* Takes a list that has changed; cheap when asked often. False: there is none to be believed. */
MUST_CHECK bool deny_list_look(struct deny_list *list, struct err *err);
/* Only after a look that said true. */
bool deny_list_has(const struct deny_list *list, struct address address);
/* Entries of the list that was taken last. */
size_t deny_list_len(const struct deny_list *list);
void deny_list_close(struct deny_list *list); /* accepts NULL */

#endif
