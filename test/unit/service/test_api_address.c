#include "service/api/http_address.h"

#include "../testing.h"

#define FORWARDED "X-Forwarded-For"

/* The request of a peer with so many lines of the header, in their order. */
static struct http_request request_of(const char *peer, const char *const *lines, size_t len)
{
	struct http_request request = { .headers_len = len };
	assert_true(ip_read(str_from(peer), &request.address));
	for (size_t i = 0; i < len; i++)
		request.headers[i] =
			(struct http_pair){ i % 2 == 0 ? STR(FORWARDED) : STR("x-forwarded-for"),
					    str_from(lines[i]) };
	return request;
}

static void assert_client(const char *peer, const char *one, const char *two, const char *wanted)
{
	static const char proxies_text[] = "10.0.0.0/8 2001:db8:ffff::/48";
	const char *lines[] = { one, two };
	struct ip_range proxies[4];
	size_t len = 0;
	char text[IP_TEXT_MAX + 1];
	struct buf out = buf_of(text, sizeof text);
	struct http_request request = request_of(peer, lines,
						 one == NULL   ? 0
						 : two == NULL ? 1
							       : 2);
	assert_true(ip_ranges_read(str_from(proxies_text), proxies, COUNT_OF(proxies), &len));
	ip_write(http_client_address(&request, proxies, len), &out);
	assert_str_equal(buf_view(&out), wanted);
}

static void without_a_proxy_it_is_the_peer(void **state)
{
	(void)state;
	const char *line = "10.0.0.9";
	struct http_request request = request_of("192.0.2.1", &line, 1);
	assert_true(ip_equal(http_client_address(&request, NULL, 0), request.address));
	/* Who is no proxy says what it likes. */
	assert_client("192.0.2.1", "10.0.0.9", NULL, "192.0.2.1");
	assert_client("192.0.2.1", "198.51.100.7", NULL, "192.0.2.1");
}

static void a_proxy_says_who_it_was(void **state)
{
	(void)state;
	assert_client("10.0.0.1", "198.51.100.7", NULL, "198.51.100.7");
	assert_client("10.0.0.1", "2001:db8::7", NULL, "2001:db8::7");
	assert_client("2001:db8:ffff::1", "198.51.100.7", NULL, "198.51.100.7");
	assert_client("10.0.0.1", NULL, NULL, "10.0.0.1");
	/* Past every trusted one, and not a step further. */
	assert_client("10.0.0.1", "203.0.113.5, 198.51.100.7, 10.0.0.2,10.0.0.3", NULL,
		      "198.51.100.7");
	assert_client("10.0.0.1", "10.0.0.7", NULL, "10.0.0.7");
	/* Lines are one list. */
	assert_client("10.0.0.1", "203.0.113.5", "198.51.100.7, 10.0.0.2", "198.51.100.7");
	assert_client("10.0.0.1", "203.0.113.5", "10.0.0.2", "203.0.113.5");
	/* Some add the port. */
	assert_client("10.0.0.1", "198.51.100.7:4711", NULL, "198.51.100.7");
	assert_client("10.0.0.1", "[2001:db8::7]:443", NULL, "2001:db8::7");
	assert_client("10.0.0.1", "[2001:db8::7]", NULL, "2001:db8::7");
}

/* Nobody gets into a range by an entry that cannot be read. */
static void what_a_proxy_writes_wrongly_is_not_known(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"unknown",        "198.51.100.7,", "_hidden", "[2001:db8::7",
		"198.51.100.7 x", "10.0.0.1/8",    ",",       "[2001:db8::7]x:443"
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_client("10.0.0.1", bad[i], NULL, "::");
	assert_client("10.0.0.1", "198.51.100.7", "unknown", "::");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_proxy_it_is_the_peer),
		cmocka_unit_test(a_proxy_says_who_it_was),
		cmocka_unit_test(what_a_proxy_writes_wrongly_is_not_known),
	};
	return cmocka_run_group_tests_name("service/api/address", tests, NULL, NULL);
}
