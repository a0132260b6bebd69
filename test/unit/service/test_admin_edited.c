/* What the people who run Sluice can still do after an editor of the store, on a real one. */
#include "../../contract/store_fixture.h"

#include "service/admin/controls.h"
#include "service/admin/policies.h"

static const uint8_t key_bytes[32] = { 1, 2, 3 };
static const struct mac_keys keys = { .keys = { { .id = 1, .key = key_bytes } }, .len = 1 };

#define NOW INT64_C(1700000000000)

#define EDIT(...)                                               \
	do {                                                    \
		char sql_[128];                                 \
		(void)snprintf(sql_, sizeof sql_, __VA_ARGS__); \
		fixture_edit(f, sql_);                          \
	} while (0)

/* ---- pause switches ---- */

static struct admin_controls switches_of(struct fixture *f)
{
	return (struct admin_controls){ .store = f->store,
					.keys = &keys,
					.by = { .who = "ann", .name = "ann" } };
}

static const struct admin_control_wish all = {
	.scope = CONTROL_ALL, .name = "", .stops = CONTROL_SIGNING, .reason = "drill"
};
static const struct admin_control_wish chain = {
	.scope = CONTROL_CHAIN, .name = "1", .stops = CONTROL_SIGNING, .reason = "drill"
};

/* Whatever number an editor wrote: a reset begins with the time, and people go on from there. */
static void switches_stuck_by_an_edited_number(void **state)
{
	static const int64_t numbers[] = { INT64_MAX - 1, INT64_MAX, NOW + CONTROL_AHEAD_MS, -7 };
	struct fixture *f = *state;
	struct admin_controls admin = switches_of(f);
	struct control_set set;
	bool sealed = true;
	int64_t now_ms = NOW;
	MUST(admin_controls_pause, &admin, &chain, false, now_ms, &set);
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		now_ms += 1000;
		EDIT("UPDATE controls_head SET version = %lld", (long long)numbers[i]);
		MUST_FAIL(ERR_REFUSED, admin_controls_pause, &admin, &chain, false, now_ms, &set);
		MUST(admin_controls_pause, &admin, &all, true, now_ms, &set);
		assert_true(set.version < (uint64_t)NOW + CONTROL_AHEAD_MS);
		MUST(admin_controls_unpause, &admin, &all, false, now_ms, &set);
		MUST(admin_controls_list, &admin, now_ms, &set, &sealed);
		assert_true(sealed && set.len == 0);
	}
}

/* It was sealed by who had not looked: as good as not sealed, for who begins anew. */
static void a_sealed_number_far_ahead_is_begun_anew(void **state)
{
	struct fixture *f = *state;
	struct admin_controls admin = switches_of(f);
	struct control_set set;
	bool sealed = true;
	MUST(admin_controls_pause, &admin, &all, true, NOW + 400 * CONTROL_AHEAD_MS, &set);
	MUST(admin_controls_list, &admin, NOW, &set, &sealed);
	assert_false(sealed);
	MUST(admin_controls_pause, &admin, &all, true, NOW, &set);
	assert_int_equal(set.version, NOW + 1);
	MUST(admin_controls_list, &admin, NOW, &set, &sealed);
	assert_true(sealed);
}

/* ---- the policy ---- */

static struct catalogue catalogue;

static struct admin_policies policies_of(struct fixture *f)
{
	return (struct admin_policies){ .store = f->store,
					.catalogue = &catalogue,
					.policy_keys = &keys,
					.by = { .who = "ann", .name = "ann" } };
}

#define ALLOW STR("{\"rules\":[{\"name\":\"all\",\"effect\":\"allow\"}]}")
#define DENY  STR("{\"rules\":[{\"name\":\"none\",\"effect\":\"deny\"}]}")

static void assert_in_force(const struct admin_policies *admin, uint64_t version)
{
	struct store_policy policy;
	struct buf document = buf_new(POLICY_DOCUMENT_BYTES_MAX);
	bool found = false, sealed = false;
	MUST(admin_policy_load, admin, &policy, &document, &found, &sealed);
	assert_true(found && sealed);
	assert_int_equal(policy.version, version);
	buf_free(&document);
}

static void switches_stuck_policy_by_an_edited_number(void **state)
{
	static const int64_t numbers[] = { NOW + 50000, INT64_MAX - 1, INT64_MAX };
	struct fixture *f = *state;
	struct admin_policies admin = policies_of(f);
	struct store_policy policy;
	int64_t now_ms = NOW;
	MUST(admin_policy_set, &admin, ALLOW, now_ms, &policy);
	MUST(admin_policy_set, &admin, DENY, now_ms, &policy);
	assert_int_equal(policy.version, 2);
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		EDIT("UPDATE policies SET version = %lld WHERE version = %llu",
		     (long long)numbers[i], (unsigned long long)policy.version);
		now_ms += 1000;
		MUST(admin_policy_set, &admin, DENY, now_ms, &policy);
		assert_int_equal(policy.version, now_ms);
		assert_in_force(&admin, policy.version);
		MUST(admin_policy_set, &admin, ALLOW, now_ms, &policy);
		assert_in_force(&admin, (uint64_t)now_ms + 1);
	}
}

/* What was damaged is not stepped over: an older one would be in force with nobody's word. */
static void a_policy_in_ruins_has_a_successor_of_another_number(void **state)
{
	struct fixture *f = *state;
	struct admin_policies admin = policies_of(f);
	struct store_policy policy;
	MUST(admin_policy_set, &admin, ALLOW, NOW, &policy);
	MUST(admin_policy_set, &admin, DENY, NOW, &policy);
	fixture_edit(f, "UPDATE policies SET set_by = 'eve' WHERE version = 2");
	struct buf document = buf_new(POLICY_DOCUMENT_BYTES_MAX);
	bool found = false, sealed = true;
	MUST(admin_policy_load, &admin, &policy, &document, &found, &sealed);
	assert_true(found && !sealed);
	buf_free(&document);
	MUST(admin_policy_set, &admin, DENY, NOW, &policy);
	assert_in_force(&admin, NOW); /* who holds number 2 takes it for a new one */
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM policies"), 3);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(switches_stuck_by_an_edited_number),
		STORE_TEST(a_sealed_number_far_ahead_is_begun_anew),
		STORE_TEST(switches_stuck_policy_by_an_edited_number),
		STORE_TEST(a_policy_in_ruins_has_a_successor_of_another_number),
	};
	return cmocka_run_group_tests_name("service/admin_edited", tests, NULL, NULL);
}
