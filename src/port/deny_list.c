#include "port/deny_list.h"

bool deny_list_look(struct deny_list *list, struct err *err)
{
	list->stands = list->ops->look(list, err);
	return list->stands;
}

bool deny_list_has(const struct deny_list *list, struct address address)
{
	CHECK(list->stands);
	return list->ops->has(list, address);
}

size_t deny_list_len(const struct deny_list *list)
{
	return list->ops->len(list);
}

void deny_list_close(struct deny_list *list)
{
	if (list != NULL)
		list->ops->close(list);
}
