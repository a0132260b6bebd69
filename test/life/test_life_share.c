/* Several signers on one MariaDB: they share the wallets out between them, also when one comes,
 * goes, or stands still; and everybody is paid once. */
#include "life_fault.h"
#include "life_world.h"

#define SIGNERS_MAX 3
#define LOOK_MS     600  /* longer than a lease's look */
#define TERM_MS     6000 /* longer than a lease */
/* Looks until nobody has anything to ask for. */
#define LOOKS 12

static struct life *signers[SIGNERS_MAX];

static size_t owned_by(const struct life *life)
{
	struct life *eyes = signers[0];
	char sql[128];
	struct err err = { 0 };
	snprintf(sql, sizeof sql,
		 "UPDATE look SET n = (SELECT COUNT(*) FROM wallets "
		 "WHERE lease_holder = '%s')",
		 life->instance);
	struct db *db = life_mysql(eyes->database);
	assert_true(db_exec(db, sql, &err));
	db_close(db);
	return (size_t)life_number(eyes, "SELECT n FROM look", NULL);
}

static size_t changes_of_hands(void)
{
	return (size_t)life_number(
		signers[0], "SELECT SUM(epoch) FROM leases WHERE name LIKE 'wallet-%'", NULL);
}

static void time_passes(int64_t ms)
{
	for (size_t i = 0; i < SIGNERS_MAX; i++)
		if (signers[i] != NULL)
			life_wait(signers[i], ms);
}

/* Those of the first n that live look at the leases, n times. */
static void looks(int n, const struct life *still)
{
	for (int k = 0; k < n; k++) {
		for (size_t i = 0; i < SIGNERS_MAX; i++)
			if (signers[i] != NULL && signers[i] != still)
				life_sign(signers[i]);
		time_passes(LOOK_MS);
	}
}

static struct life *signer_join(struct life *life, size_t number)
{
	static const char *const names[] = { "signer-1", "signer-2", "signer-3" };
	struct life *other = life_join(life);
	other->instance = names[number];
	life_restart(other, LIFE_SIGNER);
	signers[number] = other;
	return other;
}

static void scene_begin(struct life *life)
{
	struct err err = { 0 };
	memset(signers, 0, sizeof signers);
	signers[0] = life;
	assert_true(db_exec(life->db, "CREATE TABLE look (n BIGINT)", &err));
	assert_true(db_exec(life->db, "INSERT INTO look VALUES (0)", &err));
	assert_int_equal(owned_by(life), 3);
}

static void scene_end(void)
{
	for (size_t i = 1; i < SIGNERS_MAX; i++)
		if (signers[i] != NULL)
			life_part(signers[i]);
}

/* Three wallets of one signer: with a second one it keeps two, with a third each has one; and then
 * nothing changes hands any more. */
static void test_wallets_are_shared_out(void **state)
{
	struct life *life = *state;
	scene_begin(life);
	struct life *second = signer_join(life, 1);
	looks(LOOKS, NULL);
	assert_int_equal(owned_by(life), 2);
	assert_int_equal(owned_by(second), 1);
	struct life *third = signer_join(life, 2);
	looks(LOOKS, NULL);
	assert_int_equal(owned_by(life), 1);
	assert_int_equal(owned_by(second), 1);
	assert_int_equal(owned_by(third), 1);
	size_t before = changes_of_hands();
	looks(4 * LOOKS, NULL);
	assert_int_equal(changes_of_hands(), before);
	assert_int_equal(life_alarms(life, "wallet_stopped"), 0);
	scene_end();
}

/* One that stands still loses its share to the others; when it goes on it gets one again. */
static void test_who_stands_still_loses_its_share(void **state)
{
	struct life *life = *state;
	scene_begin(life);
	struct life *second = signer_join(life, 1);
	looks(LOOKS, NULL);
	assert_int_equal(owned_by(second), 1);
	looks(2, life);
	time_passes(TERM_MS);
	looks(2, life);
	assert_int_equal(owned_by(life), 0);
	assert_int_equal(owned_by(second), 3);
	looks(LOOKS, NULL);
	assert_int_equal(owned_by(life), 1);
	assert_int_equal(owned_by(second), 2);
	scene_end();
}

/* Who cannot take a wallet over, since its journal is away, keeps no more than one from those who
 * can. */
static void test_who_reaches_no_journal_leaves_wallets_to_others(void **state)
{
	struct life *life = *state;
	scene_begin(life);
	struct life *second = signer_join(life, 1);
	looks(LOOKS, NULL);
	assert_int_equal(owned_by(second), 1);
	life_fault_install(second);
	life_restart(second, LIFE_SIGNER);
	life_fault_at(second, LIFE_FAULT_FAIL, "journal_next_nonce", 0);
	looks(2, life);
	time_passes(TERM_MS); /* the first one stands still, and all its leases with it */
	looks(LOOKS, life);
	assert_true(owned_by(second) <= 1);
	looks(LOOKS, second);
	life_fault_clear(second);
	void *fault = second->fault;
	scene_end();
	free(fault);
}

/* One that ends as it was asked to leaves nothing to wait for. */
static void test_who_ends_gives_all_up(void **state)
{
	struct life *life = *state;
	scene_begin(life);
	struct life *second = signer_join(life, 1);
	looks(LOOKS, NULL);
	assert_int_equal(owned_by(second), 1);
	signer_leave(life->signer);
	life_sign(second);
	time_passes(LOOK_MS);
	life_sign(second);
	assert_int_equal(owned_by(second), 3);
	life_restart(life, LIFE_SIGNER);
	looks(LOOKS, NULL);
	assert_int_equal(owned_by(life), 1);
	scene_end();
}

/* The first signer has two wallets, the second one; then a neighbour of the first is away, and the
 * second pays all. Back comes the first one after `back_ms`, and has wallets again. */
static void who_cannot_work_lets_go(struct life *life, const char *call, int64_t back_ms)
{
	struct withdrawal rows[6];
	scene_begin(life);
	life_fault_install(life);
	struct life *second = signer_join(life, 1);
	looks(LOOKS, NULL);
	assert_int_equal(owned_by(life) + owned_by(second), 3);
	assert_int_equal(owned_by(second), 1);
	life_fault_at(life, LIFE_FAULT_FAIL, call, 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 6100 + i);
	life_process(life);
	for (int i = 0; i < 60 && owned_by(second) < 3; i++)
		looks(1, NULL);
	assert_int_equal(owned_by(second), 3);
	looks(LOOKS, NULL);
	assert_int_equal(owned_by(second), 3);
	time_passes(61000); /* claims of the first one run out */
	looks(LOOKS, NULL);
	life_run(second, 6);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	life_fault_clear(life);
	time_passes(back_ms);
	looks(2 * LOOKS, NULL);
	assert_int_equal(owned_by(life), 1);
	scene_end();
}

static void test_who_reaches_no_node_lets_its_wallets_go(void **state)
{
	who_cannot_work_lets_go(*state, "chain_head", 0);
}

static void test_who_reaches_no_keys_lets_its_wallets_go(void **state)
{
	who_cannot_work_lets_go(*state, "keys_sign_many", 61000);
}

/* Payouts come all the time while wallets change hands. */
static void test_shared_wallets_pay_once(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[24];
	scene_begin(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (i == 4 || i == 12)
			signer_join(life, i == 4 ? 1 : 2);
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 6000 + i);
		life_process(life);
		looks(1, NULL);
		life_run(life, 1);
	}
	for (int i = 0; i < 8; i++) {
		looks(1, NULL);
		life_run(life, 1);
	}
	for (size_t i = 0; i < SIGNERS_MAX; i++)
		assert_int_equal(owned_by(signers[i]), 1);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	life_assert_settled(life);
	life_assert_quiet(life);
	scene_end();
}

/* ---- what one has read of a wallet is judged by the others ---- */

static struct address wallet_of_another(struct life *life, int64_t id)
{
	struct wallet rows[WALLETS_MAX];
	struct err err = { 0 };
	size_t n = 0;
	assert_true(store_wallets_load(life->store, rows, WALLETS_MAX, &n, &err));
	assert_true(n > 1);
	return rows[0].id == id ? rows[1].address : rows[0].address;
}

/* Its owner tells of a payment after the others have judged their batch, and before they ask. */
static void owner_tells(struct life *life, const struct withdrawal *row)
{
	(void)life;
	(void)row;
	life_sign(signers[0]);
}

static void row_is_due(struct life *life)
{
	struct err err = { 0 };
	struct db *db = life_mysql(life->database);
	assert_true(db_exec(db, "UPDATE withdrawals SET due_at = 1 WHERE stage = 3", &err));
	db_close(db);
	time_passes(1500);
	life_process(life);
}

static void test_payment_is_read_while_another_signer_judges(void **state)
{
	struct life *life = *state;
	scene_begin(life);
	struct life *second = signer_join(life, 1);
	life_fault_install(second);
	second->clock.skew_ms = life->clock.skew_ms;
	looks(LOOKS, NULL);
	assert_int_equal(owned_by(second), 1);
	int64_t mine = life_number(
		life, "SELECT MIN(id) FROM wallets WHERE lease_holder = 'signer-2'", NULL);
	struct withdrawal row = life_accept(life, "POL", 9301);
	life_process(life);
	life_foreign_pay(life, wallet_of_another(life, mine), row.intent.to, 9301);
	/* Seen by its owner, and not deep yet. */
	life_sign(life);
	assert_int_equal(life_alarms(life, "chain_is_ahead"), 1);
	life_mine(life, 8);
	row_is_due(life);
	life_fault_plan(second, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							  .call = "chain_nonces",
							  .at = 1,
							  .act = owner_tells });
	life_sign(second);
	assert_string_equal(life_fault_hit(second), "chain_nonces");
	life_fault_clear(second);
	life_mine(life, 1);
	assert_true(u256_equal(life_balance(life, "POL", row.intent.to), u256_from_u64(9301)));
	time_passes(30000);
	life_process(life);
	looks(2, NULL);
	life_assert_stage(life, &row, WITHDRAWAL_QUEUED);
	assert_string_equal(life_view(life, row.intent.id).withdrawal.held_reason,
			    "may_be_paid_by_unbound");
	void *fault = second->fault;
	scene_end();
	free(fault);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_wallets_are_shared_out),
		LIFE_TEST(test_who_stands_still_loses_its_share),
		LIFE_TEST(test_who_reaches_no_journal_leaves_wallets_to_others),
		LIFE_TEST(test_who_ends_gives_all_up),
		LIFE_TEST(test_who_reaches_no_node_lets_its_wallets_go),
		LIFE_TEST(test_who_reaches_no_keys_lets_its_wallets_go),
		LIFE_TEST(test_shared_wallets_pay_once),
		LIFE_TEST(test_payment_is_read_while_another_signer_judges),
	};
	return LIFE_MAIN(tests);
}
