/* What a role holds on to: the pins of its configuration, leases, wallets; marks and balances. */
#include "store_fixture.h"

#include "core/timing.h"

#include "fault_db.h"

static struct store_lease lease_named(const char *name, int64_t wallet_id)
{
	struct store_lease lease = { .wallet_id = wallet_id };
	snprintf(lease.name, sizeof lease.name, "%s", name);
	return lease;
}

static bool take(struct fixture *f, struct store *store, struct store_lease *lease,
		 const char *holder)
{
	bool taken = false;
	MUST(store_lease_take, store, lease, holder, f->clock.now_ms, &taken);
	assert_int_equal(taken, lease->epoch > 0);
	return taken;
}

/* After an owner that is gone: at once, or when its lease has stood still for a term. */
static bool take_over(struct fixture *f, struct store *store, struct store_lease *lease,
		      const char *holder)
{
	if (take(f, store, lease, holder) || fixture_is_of_one_host())
		return lease->epoch > 0;
	fixture_wait(f, LEASE_TERM_MS);
	return take(f, store, lease, holder);
}

/* --- the catalogue ------------------------------------------------------------------------------
 */

static void a_catalogue_is_pinned_once(void **state)
{
	struct fixture *f = *state;
	struct wallet wallets[8];
	size_t len = 0;
	MUST(store_catalogue_pin, f->store, &f->catalogue);
	struct digest before = fixture_digest(f);
	MUST(store_catalogue_pin, f->store, &f->catalogue);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
	MUST(store_wallets_load, f->store, wallets, 8, &len);
	assert_int_equal(len, FIXTURE_WALLETS);
	for (size_t i = 0; i < len; i++) {
		assert_true(wallets[i].id > 0);
		assert_true(i == 0 || wallets[i].id > wallets[i - 1].id);
		assert_int_equal(wallets[i].chain_id, FIXTURE_CHAIN_ID);
		assert_true(address_equal(wallets[i].address, f->catalogue.wallets[i].address));
		assert_false(wallets[i].entered);
		assert_int_equal(wallets[i].lease_epoch, 0);
		assert_string_equal(wallets[i].stop_reason, "");
	}
	MUST(store_wallets_load, f->store, wallets, 2, &len);
	assert_int_equal(len, 2);
}

/* symbol-rebound, decimals-changed: and nothing else of such a catalogue is taken either. */
static void a_symbol_is_never_rebound(void **state)
{
	struct fixture *f = *state;
	MUST(store_catalogue_pin, f->store, &f->catalogue);
	struct digest before = fixture_digest(f);
	for (int change = 0; change < 5; change++) {
		struct catalogue other = f->catalogue;
		struct asset *added = &other.assets[other.assets_len++];
		*added = other.assets[1];
		snprintf(added->symbol, sizeof added->symbol, "DAI");
		if (change == 0)
			other.assets[1].decimals = 18;
		else if (change == 1)
			other.assets[1].contract.bytes[19] ^= 1;
		else if (change == 2)
			other.assets[1].is_native = true;
		else if (change == 3)
			other.assets[0].decimals = 8;
		else
			snprintf(other.wallets[1].key_ref, 8, "hot-9");
		MUST_FAIL(ERR_REFUSED, store_catalogue_pin, f->store, &other);
		struct digest after = fixture_digest(f);
		assert_digest_equal(&before, &after);
	}
}

/* A name means one chain for ever, and a chain has one name. */
static void a_chain_keeps_name_and_id(void **state)
{
	struct fixture *f = *state;
	MUST(store_catalogue_pin, f->store, &f->catalogue);
	struct digest before = fixture_digest(f);
	struct catalogue renamed = f->catalogue, moved = f->catalogue;
	snprintf(renamed.chains[0].name, sizeof renamed.chains[0].name, "other");
	moved.chains[0].chain_id++;
	MUST_FAIL(ERR_REFUSED, store_catalogue_pin, f->store, &renamed);
	MUST_FAIL(ERR_REFUSED, store_catalogue_pin, f->store, &moved);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

static void a_catalogue_may_grow_and_shrink(void **state)
{
	struct fixture *f = *state;
	struct catalogue grown = f->catalogue;
	MUST(store_catalogue_pin, f->store, &f->catalogue);
	/* The same symbol on another chain is another asset; symbols are compared exactly. */
	grown.chains[1] = (struct chain_params){ .name = "amoy", .chain_id = 80002 };
	grown.chains_len = 2;
	grown.assets[2] = grown.assets[1];
	grown.assets[2].chain = 1;
	grown.assets[2].decimals = 7;
	grown.assets[3] = grown.assets[1];
	grown.assets[3].decimals = 8;
	snprintf(grown.assets[3].symbol, 8, "usdc");
	grown.assets_len = 4;
	grown.wallets[3] = grown.wallets[0];
	grown.wallets[3].chain = 1;
	snprintf(grown.wallets[3].key_ref, 8, "hot-3");
	grown.wallets_len = 4;
	MUST(store_catalogue_pin, f->store, &grown);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM assets"), 4);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM wallets"), 4);
	MUST(store_catalogue_pin, f->store, &f->catalogue);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM wallets"), 4);
	/* What was left out stays pinned. */
	grown.assets[2].decimals = 6;
	MUST_FAIL(ERR_REFUSED, store_catalogue_pin, f->store, &grown);
}

static void *pin_run(void *context)
{
	struct fixture *f = context;
	struct db *db = fixture_connect(f);
	struct store *store = fixture_store_over(db);
	struct err err = { 0 };
	CHECK(store_catalogue_pin(store, &f->catalogue, &err));
	store_close(store);
	db_close(db);
	return NULL;
}

/* All roles of a machine start at once. */
/* Wallets come and go until there is no room for one more: it is refused, and none is lost sight
 * of.
 */
static void more_wallets_than_are_watched_are_refused(void **state)
{
	struct fixture *f = *state;
	struct catalogue next = f->catalogue;
	for (uint8_t made = 0; made < WALLETS_MAX; made++) {
		next.wallets_len = 1;
		next.wallets[0].address.bytes[19] = made;
		MUST(store_catalogue_pin, f->store, &next);
	}
	next.wallets[0].address.bytes[19] = WALLETS_MAX;
	MUST_FAIL(ERR_REFUSED, store_catalogue_pin, f->store, &next);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM wallets"), WALLETS_MAX);
	next.wallets[0].address.bytes[19] = 0;
	MUST(store_catalogue_pin, f->store, &next);
}

static void several_roles_pin_the_same(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pin_run, f), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM chains"), 1);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM assets"), 2);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM wallets"), FIXTURE_WALLETS);
}

/* --- leases -------------------------------------------------------------------------------------
 */

static void a_lease_is_kept_by_its_owner(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = lease_named("monitor-1", 0);
	struct store_lease other = lease_named("monitor-2", 0);
	assert_true(take(f, f->store, &lease, "a"));
	assert_int_equal(lease.epoch, 1);
	for (int i = 0; i < 3; i++) {
		assert_true(take(f, f->store, &lease, "a"));
		assert_int_equal(lease.epoch, 1);
	}
	assert_true(take(f, f->store, &other, "a"));
	assert_int_equal(other.epoch, 1);
}

static void a_lease_has_one_owner_on_a_host(void **state)
{
	struct fixture *f = *state;
	struct db *db = fixture_connect(f);
	struct store *store = fixture_store_over(db);
	struct store_lease ours = lease_named("monitor-1", 0);
	struct store_lease theirs = ours;
	assert_true(take(f, f->store, &ours, "a"));
	theirs.epoch = 7; /* whatever it believed before */
	assert_false(take(f, store, &theirs, "b"));
	assert_int_equal(theirs.epoch, 0);
	/* Not even under the same name. */
	assert_false(take(f, store, &theirs, "a"));
	assert_int_equal(ours.epoch, 1);
	store_close(store);
	db_close(db);
}

/* A restart: the epoch rises, so that whatever the predecessor left half done is fenced off. */
static void every_change_of_hands_raises_the_epoch(void **state)
{
	struct fixture *f = *state;
	static const char *const holders[] = { "a", "b", "a", "a" };
	for (uint64_t i = 0; i < COUNT_OF(holders); i++) {
		struct db *db = fixture_connect(f);
		struct store *store = fixture_store_over(db);
		struct store_lease lease = lease_named("monitor-1", 0);
		assert_true(take_over(f, store, &lease, holders[i]));
		assert_int_equal(lease.epoch, i + 1);
		store_close(store);
		db_close(db);
	}
}

/* The connection was lost, and with it the lease; another process had it in the meantime. */
static void an_owner_that_was_away_gets_a_new_epoch(void **state)
{
	struct fixture *f = *state;
	struct store_lease ours = lease_named("monitor-1", 0);
	struct store_lease theirs = ours;
	struct db *db = fixture_connect(f);
	struct store *store = fixture_store_over(db);
	assert_true(take(f, store, &ours, "a"));
	store_close(store);
	db_close(db);
	db = fixture_connect(f);
	store = fixture_store_over(db);
	assert_true(take_over(f, store, &theirs, "b"));
	assert_int_equal(theirs.epoch, 2);
	store_close(store);
	db_close(db);
	assert_true(take_over(f, f->store, &ours, "a"));
	assert_int_equal(ours.epoch, 3);
}

static void a_killed_owner_is_replaced_at_once(void **state)
{
	struct fixture *f = *state;
	int ends[2];
	int status = 0;
	char byte;
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct store *store = fixture_store_over(fixture_connect(f));
		struct store_lease lease = lease_named("monitor-1", 0);
		struct err err = { 0 };
		bool taken = false;
		CHECK(store_lease_take(store, &lease, "a", 1, &taken, &err) && taken);
		CHECK(write(ends[1], "+", 1) == 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	struct store_lease lease = lease_named("monitor-1", 0);
	assert_false(take(f, f->store, &lease, "b"));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(take(f, f->store, &lease, "b"));
	assert_int_equal(lease.epoch, 2);
	close(ends[0]);
	close(ends[1]);
}

/* split-brain-wallet: the old owner still believes; every write of his is dropped. */
static void an_old_owner_is_fenced_off(void **state)
{
	struct fixture *f = *state;
	struct db *db = fixture_connect(f);
	struct store *store = fixture_store_over(db);
	struct store_lease first = lease_named("wallet-3", f->wallets[2].id);
	struct store_lease second = first;
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	assert_true(take(f, store, &first, "a"));
	MUST(store_wallet_enter, store, first.wallet_id, first.epoch, 3, &by);
	assert_int_equal(fixture_wallet(f, 2).lease_epoch, first.epoch);
	f->leases[2] = first;
	struct withdrawal rows[2] = { fixture_queue(f, "one"), fixture_queue(f, "two") };
	struct transfer slot = fixture_reserve(f, &rows[0], 2);
	struct store_reservation reservation = fixture_reservation(f, &rows[1], 2);
	struct store_attempt attempt = fixture_attempt(f, &slot);
	struct store_sent sent = fixture_sent(f, &slot, 1);
	store_close(store);
	db_close(db);
	assert_true(take_over(f, f->store, &second, "b"));
	assert_int_equal(second.epoch, first.epoch + 1);
	assert_int_equal(fixture_wallet(f, 2).lease_epoch, second.epoch);
	struct digest before = fixture_digest(f);
	enum store_write result = 0;
	MUST(store_transfers_reserve, f->store, &reservation, 1, &by);
	MUST(store_attempts_add, f->store, &attempt, 1, &by);
	MUST(store_attempts_sent, f->store, &sent, 1, &by);
	MUST(store_transfer_turn_cancel, f->store, &slot, first.epoch, &by, &result);
	assert_int_equal(reservation.result, STORE_FENCED);
	assert_int_equal(attempt.result, STORE_FENCED);
	assert_int_equal(sent.result, STORE_FENCED);
	assert_int_equal(result, STORE_FENCED);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
	/* The new one goes on where the old one stopped. */
	f->leases[2] = second;
	slot = fixture_sign(f, &slot);
	assert_int_equal(fixture_reserve(f, &rows[1], 2).nonce, slot.nonce + 1);
}

/* A take that failed is no lease. */
static void a_lease_that_could_not_be_written_is_not_ours(void **state)
{
	struct fixture *f = *state;
	struct db *db = fault_db_open(fixture_connect(f));
	struct store *store = fixture_store_over(db);
	struct store_lease lease = lease_named("wallet-3", f->wallets[2].id);
	bool taken = false;
	for (uint64_t at = 1;; at++) {
		struct err err = { 0 };
		fault_db_plan(db, (struct fault_plan){ .kind = FAULT_FAIL, .at = at });
		bool done = store_lease_take(store, &lease, "a", f->clock.now_ms, &taken, &err);
		if (!fault_db_fired(db)) {
			assert_true(done && taken);
			break;
		}
		assert_false(done);
		assert_int_equal(lease.epoch, 0);
		assert_int_equal(fixture_wallet(f, 2).lease_epoch, 0);
	}
	assert_int_equal(lease.epoch, 1);
	assert_int_equal(fixture_wallet(f, 2).lease_epoch, 1);
	store_close(store);
	db_close(db);
}

/* Epoch 0 is none, also for a wallet that nobody ever leased. */
static void without_a_lease_nothing_is_written(void **state)
{
	struct fixture *f = *state;
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	struct withdrawal row = fixture_queue(f, "one");
	assert_int_equal(fixture_wallet(f, 2).lease_epoch, 0);
	MUST_FAIL(ERR_REFUSED, store_wallet_enter, f->store, f->wallets[2].id, 0, 3, &by);
	assert_false(fixture_wallet(f, 2).entered);
	struct store_reservation item = fixture_reservation(f, &row, 2);
	assert_int_equal(item.epoch, 0);
	MUST(store_transfers_reserve, f->store, &item, 1, &by);
	assert_int_equal(item.result, STORE_FENCED);
}

/* --- wallets ------------------------------------------------------------------------------------
 */

static int64_t audited(struct fixture *f, const char *sql)
{
	return fixture_number(f, sql);
}

#define ENTERED "SELECT COUNT(*) FROM audit WHERE action = 'wallet_entered'"
#define STOPPED "SELECT COUNT(*) FROM audit WHERE action = 'wallet_stopped'"

static void a_wallet_enters_once(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = lease_named("wallet-3", f->wallets[2].id);
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	int64_t before = audited(f, ENTERED);
	assert_true(take(f, f->store, &lease, "a"));
	MUST_FAIL(ERR_REFUSED, store_wallet_enter, f->store, lease.wallet_id, lease.epoch + 1, 3,
		  &by);
	MUST_FAIL(ERR_REFUSED, store_wallet_enter, f->store, 99, lease.epoch, 3, &by);
	assert_false(fixture_wallet(f, 2).entered);
	assert_int_equal(audited(f, ENTERED), before);
	MUST(store_wallet_enter, f->store, lease.wallet_id, lease.epoch, 3, &by);
	struct wallet wallet = fixture_wallet(f, 2);
	assert_true(wallet.entered);
	assert_int_equal(wallet.first_nonce, 3);
	assert_int_equal(wallet.next_nonce, 3);
	assert_int_equal(audited(f, ENTERED), before + 1);
	/* A second entry would forget its nonces. */
	struct digest first = fixture_digest(f);
	MUST(store_wallet_enter, f->store, lease.wallet_id, lease.epoch, 8, &by);
	struct digest second = fixture_digest(f);
	assert_digest_equal(&first, &second);
}

static void the_first_reason_to_stop_stays(void **state)
{
	struct fixture *f = *state;
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	struct err err = { 0 };
	bool held = false;
	MUST(store_wallet_stop, f->store, f->wallets[0].id, "foreign_transaction", NULL, &by,
	     &held);
	assert_true(held);
	MUST(store_wallet_stop, f->store, f->wallets[0].id, "asked", NULL, &by, &held);
	MUST(store_wallet_stop, f->store, 99, "asked", NULL, &by, &held);
	assert_string_equal(fixture_wallet(f, 0).stop_reason, "foreign_transaction");
	assert_string_equal(fixture_wallet(f, 1).stop_reason, "");
	assert_int_equal(audited(f, STOPPED), 1);
	assert_aborts(
		(void)!store_wallet_stop(f->store, f->wallets[0].id, "", NULL, &by, &held, &err));
}

/* By the wallet's lease or the chain's, of whoever judges: one who slept stops nothing. */
static void who_lost_the_lease_stops_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	struct store_lease leases[] = { f->leases[0], f->monitor };
	bool held = true;
	for (size_t i = 0; i < COUNT_OF(leases); i++) {
		leases[i].epoch--;
		MUST(store_wallet_stop, f->store, f->wallets[0].id, "asked", &leases[i], &by,
		     &held);
		assert_false(held);
		assert_string_equal(fixture_wallet(f, 0).stop_reason, "");
		assert_int_equal(audited(f, STOPPED), i);
		leases[i].epoch++;
		MUST(store_wallet_stop, f->store, f->wallets[0].id, "asked", &leases[i], &by,
		     &held);
		assert_true(held);
		assert_string_equal(fixture_wallet(f, 0).stop_reason, "asked");
		assert_int_equal(audited(f, STOPPED), i + 1);
		fixture_edit(f, "UPDATE wallets SET stop_reason = ''");
	}
}

#define STARTED "SELECT COUNT(*) FROM audit WHERE action = 'wallet_started'"

static void a_person_starts_what_is_stopped(void **state)
{
	struct fixture *f = *state;
	struct store_by signer = fixture_by(f, ACTOR_SIGNER);
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct err err = { 0 };
	bool started = true;
	int64_t id = f->wallets[0].id;
	MUST(store_wallet_start, f->store, id, "asked", "none", &by, &started);
	assert_false(started);
	MUST(store_wallet_stop, f->store, id, "asked", NULL, &signer, &(bool){ false });
	/* What a person has looked at is this reason, not the one that came after it. */
	MUST(store_wallet_start, f->store, id, "foreign_transaction", "seen", &by, &started);
	assert_false(started);
	assert_string_equal(fixture_wallet(f, 0).stop_reason, "asked");
	assert_int_equal(audited(f, STARTED), 0);
	MUST(store_wallet_start, f->store, id, "asked", "say \"why\"", &by, &started);
	assert_true(started);
	assert_string_equal(fixture_wallet(f, 0).stop_reason, "");
	assert_int_equal(audited(f, STARTED " AND detail LIKE '%say _\"why_\"%'"), 1);
	assert_aborts(
		(void)!store_wallet_start(f->store, id, "asked", "x", &signer, &started, &err));
	assert_aborts((void)!store_wallet_start(f->store, id, "asked", "", &by, &started, &err));
}

/* --- marks and balances -------------------------------------------------------------------------
 */

static uint64_t raise_mark(struct fixture *f, uint64_t finalized)
{
	struct store_mark mark = { FIXTURE_CHAIN_ID, finalized };
	MUST(store_mark_raise, f->store, &mark);
	return mark.finalized;
}

/* finalized-goes-backwards */
static void a_mark_of_no_chain_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct store_mark mark = { FIXTURE_CHAIN_ID + 1, 7 };
	struct digest before = fixture_digest(f);
	MUST_FAIL(ERR_REFUSED, store_mark_raise, f->store, &mark);
	mark.finalized = 0;
	MUST_FAIL(ERR_REFUSED, store_mark_raise, f->store, &mark);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

static void a_mark_only_rises(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(raise_mark(f, 0), 0);
	assert_int_equal(raise_mark(f, 100), 100);
	assert_int_equal(raise_mark(f, 90), 100);
	assert_int_equal(raise_mark(f, 100), 100);
	assert_int_equal(raise_mark(f, 101), 101);
	assert_int_equal(raise_mark(f, 0), 101);
}

static void rival_raises(void *context)
{
	struct fixture *f = context;
	struct store_mark mark = { FIXTURE_CHAIN_ID, 120 };
	struct err err = { 0 };
	CHECK(store_mark_raise(f->store, &mark, &err));
}

/* Another monitor is ahead between our look and our write: its mark is the answer. */
static void a_mark_that_rose_meanwhile_is_returned(void **state)
{
	struct fixture *f = *state;
	struct db *db = fault_db_open(fixture_connect(f));
	struct store *store = fixture_store_over(db);
	struct store_mark mark = { FIXTURE_CHAIN_ID, 110 };
	assert_int_equal(raise_mark(f, 100), 100);
	fault_db_plan(db, (struct fault_plan){ .kind = FAULT_CALL,
					       .where = FAULT_AT_BEGIN,
					       .at = 1,
					       .call = rival_raises,
					       .context = f });
	MUST(store_mark_raise, store, &mark);
	assert_true(fault_db_fired(db));
	assert_int_equal(mark.finalized, 120);
	assert_int_equal(raise_mark(f, 0), 120);
	store_close(store);
	db_close(db);
}

static struct store_balance balance_of(const char *asset, uint8_t wallet, uint64_t units)
{
	struct store_balance balance = { .chain_id = FIXTURE_CHAIN_ID, .block = units, .at_ms = 5 };
	balance.wallet.bytes[0] = wallet;
	snprintf(balance.asset, sizeof balance.asset, "%s", asset);
	balance.amount.units = u256_from_u64(units);
	return balance;
}

static void balances_are_replaced_and_listed(void **state)
{
	struct fixture *f = *state;
	struct store_balance balances[3] = { balance_of("USDC", 1, 10), balance_of("POL", 2, 20),
					     balance_of("POL", 1, 30) };
	struct store_balance read[4];
	size_t len = 0;
	balances[0].amount.units = u256_max();
	MUST(store_balances_save, f->store, balances, 3);
	balances[1] = balance_of("POL", 2, 21);
	MUST(store_balances_save, f->store, &balances[1], 1);
	MUST(store_balances_list, f->store, read, 4, &len);
	assert_int_equal(len, 3);
	static const size_t order[3] = { 2, 0, 1 }; /* by chain, wallet, asset */
	for (size_t i = 0; i < 3; i++) {
		const struct store_balance *expected = &balances[order[i]];
		assert_string_equal(read[i].asset, expected->asset);
		assert_int_equal(read[i].chain_id, FIXTURE_CHAIN_ID);
		assert_true(address_equal(read[i].wallet, expected->wallet));
		assert_int_equal(amount_compare(read[i].amount, expected->amount), 0);
		assert_int_equal(read[i].block, expected->block);
		assert_int_equal(read[i].at_ms, 5);
	}
	MUST(store_balances_list, f->store, read, 2, &len);
	assert_int_equal(len, 2);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
#define BARE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up_bare, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_TEST(a_catalogue_is_pinned_once),
		BARE_TEST(a_symbol_is_never_rebound),
		BARE_TEST(a_chain_keeps_name_and_id),
		BARE_TEST(a_catalogue_may_grow_and_shrink),
		BARE_TEST(more_wallets_than_are_watched_are_refused),
		BARE_TEST(several_roles_pin_the_same),
		BARE_TEST(a_lease_is_kept_by_its_owner),
		BARE_TEST(every_change_of_hands_raises_the_epoch),
		BARE_TEST(an_owner_that_was_away_gets_a_new_epoch),
		STORE_TEST(an_old_owner_is_fenced_off),
		STORE_TEST(a_lease_that_could_not_be_written_is_not_ours),
		STORE_TEST(without_a_lease_nothing_is_written),
		STORE_TEST(a_wallet_enters_once),
		STORE_TEST(the_first_reason_to_stop_stays),
		STORE_TEST(who_lost_the_lease_stops_nothing),
		STORE_TEST(a_person_starts_what_is_stopped),
		STORE_TEST(a_mark_only_rises),
		STORE_TEST(a_mark_of_no_chain_is_an_error),
		STORE_TEST(a_mark_that_rose_meanwhile_is_returned),
		STORE_TEST(balances_are_replaced_and_listed),
		/* A kernel's locks tell whether an owner lives: on one host only. */
		BARE_TEST(a_lease_has_one_owner_on_a_host),
		BARE_TEST(a_killed_owner_is_replaced_at_once),
	};
	const size_t of_host = fixture_is_of_one_host() ? 0 : 2;
	return _cmocka_run_group_tests("store_wallet", tests, COUNT_OF(tests) - of_host, NULL,
				       NULL);
}
