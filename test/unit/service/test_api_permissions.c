#include "service/api/permissions.h"

#include "../document.h"
#include "../testing.h"

#include "base/json.h"
#include "service/api/http.h"
#include "service/api/openapi.h"

static void the_document_is_what_the_tables_say(void **state)
{
	(void)state;
	assert_document("doc/permissions.md", permissions_write_markdown);
}

/* {"security": [{"apiKey": ["withdrawals:create"]}]}, or no security for what is public: RFC-like
 * names of roles, which OpenAPI 3.1 has for schemes that are not OAuth. */
static void assert_security(const struct json_value *operation, const struct http_route *route)
{
	struct str name;
	const struct json_value *security = json_member(operation, "security");
	assert_non_null(security);
	if (route->permission == PERMISSION_PUBLIC) {
		assert_null(json_element(security, 0));
		return;
	}
	const struct json_value *names = json_member(json_element(security, 0), "apiKey");
	assert_true(json_string(json_element(names, 0), &name));
	assert_str_equal(name, permission_text(route->permission));
	assert_null(json_element(names, 1));
}

static void openapi_names_the_permission_of_every_route(void **state)
{
	(void)state;
	JSON_OWNED json = NULL;
	struct err err;
	assert_true(json_parse(str_from_bytes(openapi_json, openapi_json_len), &json, &err));
	const struct json_value *paths = json_member(json_root(json), "paths");
	for (size_t i = 0; i < http_routes_len; i++) {
		const struct http_route *route = &http_routes[i];
		const struct json_value *path = json_member(paths, route->pattern);
		const char *method = route->method == HTTP_GET ? "get" : "post";
		if (json_member(path, method) == NULL)
			fail_msg("doc/openapi.json has no %s %s", method, route->pattern);
		assert_security(json_member(path, method), route);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_is_what_the_tables_say),
		cmocka_unit_test(openapi_names_the_permission_of_every_route),
	};
	return cmocka_run_group_tests_name("service/api_permissions", tests, NULL, NULL);
}
