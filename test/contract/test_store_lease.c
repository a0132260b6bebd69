/* Leases of a store that is not of one host: renewed by their owner, and taken by who has watched
 * one stand still for a term. */
#include "store_fixture.h"

#include "core/timing.h"

static struct store_lease lease_of(const char *name)
{
	struct store_lease lease = { .epoch = 0 };
	snprintf(lease.name, sizeof lease.name, "%s", name);
	return lease;
}

/* Another instance, with a connection of its own. */
struct instance {
	const char *name;
	struct db *db;
	struct store *store;
	struct store_lease lease;
};

static struct instance instance_of(struct fixture *f, const char *name)
{
	struct db *db = fixture_connect(f);
	return (struct instance){ name, db, fixture_store_over(db), lease_of("monitor-1") };
}

static void instance_end(struct instance *instance)
{
	store_close(instance->store);
	db_close(instance->db);
}

static bool look(struct fixture *f, struct instance *instance)
{
	bool taken = false;
	MUST(store_lease_take, instance->store, &instance->lease, instance->name, f->clock.now_ms,
	     &taken);
	assert_int_equal(taken, instance->lease.epoch > 0);
	return taken;
}

static void what_nobody_has_is_taken_at_once(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance b = instance_of(f, "b");
	assert_true(look(f, &a));
	assert_int_equal(a.lease.epoch, 1);
	assert_false(look(f, &b));
	instance_end(&a);
	instance_end(&b);
}

static void what_is_renewed_stays(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance b = instance_of(f, "b");
	for (int i = 0; i < 10; i++) {
		assert_true(look(f, &a));
		assert_false(look(f, &b));
		fixture_wait(f, LEASE_TERM_MS - 1);
	}
	assert_int_equal(a.lease.epoch, 1);
	instance_end(&a);
	instance_end(&b);
}

/* The owner hangs for longer than a term; when it comes to, it has nothing any more. */
static void what_stands_still_for_a_term_is_taken(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance b = instance_of(f, "b");
	assert_true(look(f, &a));
	assert_false(look(f, &b));
	fixture_wait(f, LEASE_TERM_MS - 1);
	assert_false(look(f, &b));
	fixture_wait(f, 1);
	assert_true(look(f, &b));
	assert_int_equal(b.lease.epoch, 2);
	assert_false(look(f, &a));
	assert_true(look(f, &b));
	instance_end(&a);
	instance_end(&b);
}

/* Who ends gives it up, and the next one waits for no term. What the first one would still write is
 * fenced off. */
static void what_is_given_up_is_taken_at_once(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance b = instance_of(f, "b");
	assert_true(look(f, &a));
	assert_false(look(f, &b));
	a.lease.leaves = true;
	assert_false(look(f, &a));
	assert_true(look(f, &b));
	assert_int_equal(b.lease.epoch, 3);
	assert_false(look(f, &a));
	fixture_wait(f, 2 * LEASE_TERM_MS);
	assert_false(look(f, &a));
	assert_true(look(f, &b));
	instance_end(&a);
	instance_end(&b);
}

/* Who is asked for it and ends has given it. */
static void what_was_asked_for_is_given_up_to_who_asked(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance b = instance_of(f, "b");
	struct instance c = instance_of(f, "c");
	assert_true(look(f, &a));
	b.lease.asks = true;
	assert_false(look(f, &b));
	a.lease.leaves = true;
	assert_false(look(f, &a));
	assert_false(look(f, &c));
	assert_true(look(f, &b));
	instance_end(&a);
	instance_end(&b);
	instance_end(&c);
}

/* One that rests keeps it for as long as nobody wants it; whoever does waits for a term. */
static void what_rests_stands_still(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance b = instance_of(f, "b");
	assert_true(look(f, &a));
	assert_false(look(f, &b));
	a.lease.rests = b.lease.rests = true;
	for (int i = 0; i < 10; i++) {
		assert_true(look(f, &a));
		assert_false(look(f, &b));
		fixture_wait(f, LEASE_TERM_MS / 2);
	}
	assert_int_equal(a.lease.epoch, 1);
	b.lease.rests = false;
	assert_true(look(f, &b));
	assert_false(look(f, &a));
	instance_end(&a);
	instance_end(&b);
}

/* A clock that went back has measured nothing. */
static void a_clock_that_went_back_waits_again(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance b = instance_of(f, "b");
	assert_true(look(f, &a));
	assert_false(look(f, &b));
	fixture_wait(f, -1000);
	assert_false(look(f, &b));
	fixture_wait(f, LEASE_TERM_MS - 1);
	assert_false(look(f, &b));
	fixture_wait(f, 1);
	assert_true(look(f, &b));
	instance_end(&a);
	instance_end(&b);
}

/* It died, and is started again under its name: that it is the same one nobody can know. */
static void the_same_name_is_another_instance(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance again = instance_of(f, "a");
	assert_true(look(f, &a));
	assert_false(look(f, &again));
	fixture_wait(f, LEASE_TERM_MS);
	assert_true(look(f, &again));
	assert_int_equal(again.lease.epoch, 2);
	assert_false(look(f, &a));
	instance_end(&a);
	instance_end(&again);
}

static void of_many_who_watched_one_gets_it(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance others[4] = { instance_of(f, "b"), instance_of(f, "c"), instance_of(f, "d"),
				      instance_of(f, "e") };
	size_t taken = 0;
	assert_true(look(f, &a));
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(look(f, &others[i]));
	fixture_wait(f, LEASE_TERM_MS);
	for (size_t i = 0; i < COUNT_OF(others); i++)
		taken += look(f, &others[i]);
	assert_int_equal(taken, 1);
	for (size_t i = 0; i < COUNT_OF(others); i++)
		instance_end(&others[i]);
	instance_end(&a);
}

/* Asked for, it changes hands as soon as its owner gives it, and not before; and who gave it has
 * nothing. */
static void what_is_asked_for_is_given(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance b = instance_of(f, "b");
	struct instance c = instance_of(f, "c");
	assert_true(look(f, &a));
	b.lease.asks = c.lease.asks = true;
	assert_false(look(f, &b));
	assert_false(look(f, &c)); /* too late: somebody else asks */
	assert_string_equal(c.lease.holder, "a");
	assert_string_equal(c.lease.wanted_by, "b");
	assert_true(look(f, &a));
	assert_string_equal(a.lease.wanted_by, "b");
	assert_false(look(f, &b));
	a.lease.gives = true;
	assert_false(look(f, &a));
	assert_string_equal(a.lease.holder, "b");
	assert_false(look(f, &c));
	assert_true(look(f, &b));
	assert_int_equal(b.lease.epoch, 3); /* given, and taken */
	assert_false(look(f, &a));
	assert_true(look(f, &b));
	assert_string_equal(b.lease.wanted_by, "");
	instance_end(&a);
	instance_end(&b);
	instance_end(&c);
}

static void what_nobody_asks_for_stays(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance b = instance_of(f, "b");
	a.lease.gives = true;
	for (int i = 0; i < 3; i++) {
		assert_true(look(f, &a));
		assert_false(look(f, &b));
	}
	assert_int_equal(a.lease.epoch, 1);
	instance_end(&a);
	instance_end(&b);
}

/* It hung, and somebody took it over, who is asked in his turn: what it gives when it comes to is
 * not its own. */
static void who_has_lost_it_gives_nothing(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance b = instance_of(f, "b");
	struct instance c = instance_of(f, "c");
	assert_true(look(f, &a));
	assert_false(look(f, &b));
	fixture_wait(f, LEASE_TERM_MS);
	assert_true(look(f, &b));
	c.lease.asks = true;
	assert_false(look(f, &c));
	a.lease.gives = true;
	assert_false(look(f, &a));
	assert_true(look(f, &b));
	assert_int_equal(b.lease.epoch, 2);
	assert_false(look(f, &c));
	instance_end(&a);
	instance_end(&b);
	instance_end(&c);
}

/* Who asked is gone by the time that it is given: whoever watches it for a term takes it, as from
 * any other that is gone. */
static void what_the_dead_asked_for_is_taken(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance b = instance_of(f, "b");
	assert_true(look(f, &a));
	b.lease.asks = true;
	assert_false(look(f, &b));
	a.lease.gives = true;
	assert_false(look(f, &a));
	a.lease.gives = false;
	fixture_wait(f, LEASE_TERM_MS - 1);
	assert_false(look(f, &a));
	fixture_wait(f, 1);
	assert_true(look(f, &a));
	assert_int_equal(a.lease.epoch, 3);
	assert_false(look(f, &b)); /* it was late */
	instance_end(&a);
	instance_end(&b);
}

/* It asked, died, and is started again under its name: what is given then is nobody's for a term.
 */
static void who_did_not_ask_is_given_nothing(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance b = instance_of(f, "b");
	struct instance again = instance_of(f, "b");
	assert_true(look(f, &a));
	b.lease.asks = true;
	assert_false(look(f, &b));
	a.lease.gives = true;
	assert_false(look(f, &a));
	assert_false(look(f, &again));
	assert_true(look(f, &b)); /* it lives after all */
	assert_false(look(f, &again));
	instance_end(&a);
	instance_end(&b);
	instance_end(&again);
}

struct owned {
	struct store_lease leases[4];
	struct store_lease *all[4];
	bool taken[4];
};

static void look_at_all(struct fixture *f, struct instance *instance, struct owned *owned, size_t n)
{
	for (size_t i = 0; i < n; i++)
		owned->all[i] = &owned->leases[i];
	MUST(store_leases_take, instance->store, owned->all, n, instance->name, f->clock.now_ms,
	     owned->taken);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(owned->taken[i], owned->leases[i].epoch > 0);
}

static struct owned four(void)
{
	struct owned owned = { .taken = { false } };
	for (size_t i = 0; i < 4; i++)
		snprintf(owned.leases[i].name, sizeof owned.leases[i].name, "wallet-%zu", 9 - i);
	return owned;
}

/* What is kept together is renewed, each of them; what was lost, is given or rests does not come
 * along, and keeps no other back. */
static void many_are_kept_together(void **state)
{
	struct fixture *f = *state;
	struct instance a = instance_of(f, "a");
	struct instance b = instance_of(f, "b");
	struct owned ours = four();
	struct owned theirs = four();
	look_at_all(f, &a, &ours, 4);
	for (int round = 0; round < 3; round++) {
		look_at_all(f, &b, &theirs, 4);
		for (size_t i = 0; i < 4; i++) {
			assert_true(ours.taken[i] && !theirs.taken[i]);
			assert_string_equal(theirs.leases[i].holder, "a");
		}
		fixture_wait(f, LEASE_TERM_MS - 1);
		look_at_all(f, &a, &ours, 4);
	}
	/* One is taken away, one asked for and given, one rests. */
	fixture_edit(f, "UPDATE leases SET holder = 'c', epoch = 7 WHERE name = 'wallet-8'");
	theirs.leases[2].asks = true;
	look_at_all(f, &b, &theirs, 4);
	theirs.leases[2].asks = false;
	ours.leases[2].gives = ours.leases[3].rests = true;
	int64_t renewals = fixture_number(f, "SELECT SUM(renewals) FROM leases");
	look_at_all(f, &a, &ours, 4);
	assert_true(ours.taken[0] && !ours.taken[1] && !ours.taken[2] && ours.taken[3]);
	assert_string_equal(ours.leases[1].holder, "c");
	assert_int_equal(ours.leases[0].epoch, 1);
	assert_int_equal(fixture_number(f, "SELECT renewals FROM leases WHERE name = 'wallet-9'"),
			 4);
	assert_true(fixture_number(f, "SELECT SUM(renewals) FROM leases") <= renewals + 1);
	look_at_all(f, &b, &theirs, 4);
	assert_true(!theirs.taken[0] && theirs.taken[2] && !theirs.taken[3]);
	instance_end(&a);
	instance_end(&b);
}

#define BARE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up_bare, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_TEST(many_are_kept_together),
		BARE_TEST(what_nobody_has_is_taken_at_once),
		BARE_TEST(what_is_renewed_stays),
		BARE_TEST(what_stands_still_for_a_term_is_taken),
		BARE_TEST(what_is_given_up_is_taken_at_once),
		BARE_TEST(what_was_asked_for_is_given_up_to_who_asked),
		BARE_TEST(what_rests_stands_still),
		BARE_TEST(a_clock_that_went_back_waits_again),
		BARE_TEST(the_same_name_is_another_instance),
		BARE_TEST(of_many_who_watched_one_gets_it),
		BARE_TEST(what_is_asked_for_is_given),
		BARE_TEST(what_nobody_asks_for_stays),
		BARE_TEST(who_has_lost_it_gives_nothing),
		BARE_TEST(what_the_dead_asked_for_is_taken),
		BARE_TEST(who_did_not_ask_is_given_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
