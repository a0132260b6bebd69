#include "base/ip.h"

#include "../testing.h"

static struct ip_address ip(const char *text)
{
	struct ip_address address;
	if (!ip_read(str_from(text), &address))
		fail_msg("%s is no address", text);
	return address;
}

static void an_address_has_one_form(void **state)
{
	(void)state;
	static const char *const same[][2] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::ffff:c000:201", "192.0.2.1" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "::1", "::1" },
		{ "0.0.0.0", "0.0.0.0" },
	};
	for (size_t i = 0; i < COUNT_OF(same); i++) {
		char text[IP_TEXT_MAX + 1];
		struct buf out = buf_of(text, sizeof text);
		ip_write(ip(same[i][0]), &out);
		assert_str_equal(buf_view(&out), same[i][1]);
		assert_true(ip_equal(ip(same[i][0]), ip(same[i][1])));
		assert_true(ip_is_known(ip(same[i][0])));
	}
	assert_false(ip_is_known(ip("::")));
	assert_false(ip_equal(ip("::1"), ip("0.0.0.1")));
}

static void what_is_no_address_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "",          "1.2.3",      "1.2.3.4.5", "01.2.3.4",
					   "256.1.1.1", " 1.2.3.4",   "1.2.3.4 ",  "1.2.3.4:80",
					   "[::1]",     "fe80::1%1",  ":::",       "1.2.3.4/32",
					   "localhost", "0x7f.0.0.1", "2130706433" };
	struct ip_address address;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (ip_read(str_from(bad[i]), &address))
			fail_msg("\"%s\" is taken", bad[i]);
	assert_false(ip_read(str_from_bytes("1.2.3.4\0", 8), &address));
}

static bool has(const char *range, const char *address)
{
	struct ip_range read;
	if (!ip_range_read(str_from(range), &read))
		fail_msg("%s is no range", range);
	return ip_range_has(&read, ip(address));
}

static void a_range_ends_where_it_says(void **state)
{
	(void)state;
	assert_true(has("10.0.0.0/8", "10.255.255.255"));
	assert_false(has("10.0.0.0/8", "11.0.0.0"));
	assert_false(has("10.0.0.0/8", "9.255.255.255"));
	assert_true(has("192.0.2.128/25", "192.0.2.200"));
	assert_false(has("192.0.2.128/25", "192.0.2.127"));
	assert_true(has("192.0.2.1", "::ffff:192.0.2.1"));
	assert_false(has("192.0.2.1", "192.0.2.2"));
	assert_true(has("192.0.2.6/31", "192.0.2.7"));
	assert_false(has("192.0.2.6/31", "192.0.2.8"));
	assert_true(has("0.0.0.0/0", "255.255.255.255"));
	assert_false(has("0.0.0.0/0", "2001:db8::1"));
	assert_false(has("0.0.0.0/0", "::"));
	assert_true(has("::ffff:10.0.0.0/104", "10.1.2.3"));
	assert_true(has("2001:db8::/32", "2001:db8:ffff::1"));
	assert_false(has("2001:db8::/32", "2001:db9::"));
	assert_true(has("::/0", "1.2.3.4"));
	assert_true(has("fe80::/10", "febf::1"));
	assert_false(has("fe80::/10", "fec0::1"));
}

static void a_range_is_written_as_it_is_read(void **state)
{
	(void)state;
	static const char *const same[][2] = {
		{ "10.0.0.0/8", "10.0.0.0/8" },
		{ "192.0.2.1", "192.0.2.1/32" },
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8" },
		{ "2001:DB8::/32", "2001:db8::/32" },
		{ "::/0", "::/0" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
	};
	for (size_t i = 0; i < COUNT_OF(same); i++) {
		struct ip_range range;
		char text[IP_RANGE_MAX + 1];
		struct buf out = buf_of(text, sizeof text);
		assert_true(ip_range_read(str_from(same[i][0]), &range));
		ip_range_write(&range, &out);
		assert_str_equal(buf_view(&out), same[i][1]);
	}
	static const char *const bad[] = { "10.0.0.1/8",  "10.0.0.0/33", "10.0.0.0/",
					   "/8",          "10.0.0.0/08", "10.0.0.0/8/8",
					   "::1/64",      "::/129",      "::ffff:10.0.0.0/8",
					   "10.0.0.0/-1", "10.0.0.0/+8" };
	struct ip_range range;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (ip_range_read(str_from(bad[i]), &range))
			fail_msg("\"%s\" is taken", bad[i]);
}

static void ranges_are_read_together(void **state)
{
	(void)state;
	struct ip_range ranges[2];
	size_t len = 9;
	assert_true(ip_ranges_read(STR(""), ranges, 2, &len));
	assert_int_equal(len, 0);
	assert_false(ip_ranges_have(ranges, 0, ip("1.2.3.4")));
	assert_true(ip_ranges_read(STR("10.0.0.0/8 2001:db8::/32"), ranges, 2, &len));
	assert_int_equal(len, 2);
	assert_true(ip_ranges_have(ranges, 2, ip("10.1.1.1")));
	assert_true(ip_ranges_have(ranges, 2, ip("2001:db8::1")));
	assert_false(ip_ranges_have(ranges, 2, ip("192.0.2.1")));
	static const char *const bad[] = { " ",
					   "10.0.0.0/8 ",
					   " 10.0.0.0/8",
					   "10.0.0.0/8  ::1",
					   "10.0.0.0/8,::1",
					   "::1 ::2 ::3",
					   "x" };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(ip_ranges_read(str_from(bad[i]), ranges, 2, &len));
}

static void a_client_is_an_address_or_a_network(void **state)
{
	(void)state;
	assert_true(ip_equal(ip_client(ip("192.0.2.1")), ip("192.0.2.1")));
	assert_true(ip_equal(ip_client(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::")));
	assert_false(ip_equal(ip_client(ip("2001:db8:1:2::")), ip_client(ip("2001:db8:1:3::"))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_one_form),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(a_range_ends_where_it_says),
		cmocka_unit_test(a_range_is_written_as_it_is_read),
		cmocka_unit_test(ranges_are_read_together),
		cmocka_unit_test(a_client_is_an_address_or_a_network),
	};
	return cmocka_run_group_tests_name("base/ip", tests, NULL, NULL);
}
