/* doc/permissions.md: who may do what, made from the tables of routes and of permissions. */
#include "service/api/permissions.h"

#include "service/api/http.h"

static void shared_write(struct buf *out)
{
	bool is_first = true;
	for (int i = PERMISSION_PUBLIC + 1; i < PERMISSION_COUNT; i++) {
		if (!permission_set_has(permissions_of_all_accounts(), (enum permission)i))
			continue;
		buf_format(out, "%s`%s`", is_first ? "" : ", ",
			   permission_text((enum permission)i));
		is_first = false;
	}
}

void permissions_write_markdown(struct buf *out)
{
	buf_text(out,
		 "# Permissions\n\n"
		 "Made from the tables in `src/core/permission.c` and "
		 "`src/service/api/http_routes.c`; a test compares them.\n\n"
		 "Every route names the one permission that it needs, and a caller without it gets "
		 "403 `permission_missing`, which names it. A person uses what is marked *second "
		 "factor* only after showing one (403 `second_factor_required`). An API key has "
		 "the scopes that it was made with: *yes* are those that it gets when none is "
		 "named, *never* those that no key can hold. What belongs to another account is "
		 "answered as if it was not there. What there is one of for all accounts, people "
		 "of one account do not use, whatever their role (403 `account_forbidden`): ");
	shared_write(out);
	buf_text(out, ".\n\n"
		      "## Routes\n\n| route | permission |\n| --- | --- |\n");
	for (size_t i = 0; i < http_routes_len; i++)
		buf_format(out, "| `%s %s` | `%s` |\n", http_method_text(http_routes[i].method),
			   http_routes[i].pattern, permission_text(http_routes[i].permission));
	buf_text(out, "\n## Permissions, roles and keys\n\n");
	permission_write_markdown(out);
}
