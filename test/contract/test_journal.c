/* The contract of port/journal.h, and what happens to a journal that somebody edits. */
#include "journal_place.h"
#include "mysql_server.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void repeat_is_equal(void **state)
{
	struct place *place = *state;
	struct journal_entry entry = payment(1, 7);

	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	assert_int_equal(append(place, &entry), JOURNAL_EQUAL);
	/* Derived again after a crash: the time is another one, the payment is the same. */
	entry.right.time_ms += 60000;
	reopen(place);
	assert_int_equal(append(place, &entry), JOURNAL_EQUAL);
	assert_int_equal(verified_rows(place), 3);
}

static void rows_come_back(void **state)
{
	struct place *place = *state;
	const struct journal_entry entry = payment(1, 7);
	struct journal_right right[4];
	struct wei ceiling;
	struct hash32 hash;
	bool has_pay, has_cancel, any;
	uint32_t attempts;
	uint64_t nonce;
	struct err err = { 0 };

	assert_true(journal_next_nonce(place->journal, 137, hot, &any, &nonce, &err));
	assert_false(any);
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	reopen(place);
	assert_int_equal(rights(place, 1, right, 4), 1);
	assert_true(id_equal(right[0].withdrawal, entry.right.withdrawal));
	assert_memory_equal(right[0].pay_tag, entry.right.pay_tag, 32);
	assert_false(right[0].is_void);
	assert_int_equal(right[0].slot.nonce, 7);
	assert_int_equal(right[0].slot.chain_id, 137);
	assert_true(address_equal(right[0].slot.wallet, hot));
	assert_true(address_equal(right[0].asset, token));
	assert_int_equal(amount_compare(right[0].amount, entry.right.amount), 0);
	assert_int_equal(right[0].time_ms, 5001);
	assert_int_equal(rights(place, 2, right, 4), 0);

	assert_true(journal_slot_of(place->journal, &entry.slot, &has_pay, &has_cancel, &hash,
				    &ceiling, &attempts, &err));
	assert_true(has_pay);
	assert_false(has_cancel);
	assert_true(hash32_equal(hash, entry.payload_hash));
	assert_int_equal(wei_compare(ceiling, entry.fee_ceiling), 0);
	assert_int_equal(attempts, 1);
	assert_true(journal_next_nonce(place->journal, 137, hot, &any, &nonce, &err));
	assert_true(any);
	assert_int_equal(nonce, 8);
	assert_true(journal_next_nonce(place->journal, 138, hot, &any, &nonce, &err));
	assert_false(any);
	assert_true(journal_next_nonce(place->journal, 137, cold, &any, &nonce, &err));
	assert_false(any);
}

/* Found by the tag although the id is another: a right that was spent under another name. */
static void tag_finds_the_right(void **state)
{
	struct place *place = *state;
	struct journal_entry entry = payment(1, 7);
	struct journal_right right[4];
	struct err err = { 0 };
	size_t len;

	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	assert_true(journal_rights_of(place->journal, payment(9, 0).right.withdrawal,
				      entry.right.pay_tag, right, 4, &len, &err));
	assert_int_equal(len, 1);
	assert_true(journal_rights_of(place->journal, entry.right.withdrawal,
				      payment(9, 0).right.pay_tag, right, 4, &len, &err));
	assert_int_equal(len, 1);
}

#define EXPECT_DIFFERENT(change)                                            \
	do {                                                                \
		struct journal_entry entry = payment(1, 7);                 \
		change;                                                     \
		assert_int_equal(append(place, &entry), JOURNAL_DIFFERENT); \
		assert_int_equal(verified_rows(place), rows);               \
	} while (0)

static void each_difference_is_seen(void **state)
{
	struct place *place = *state;
	struct journal_entry first = payment(1, 7);
	int64_t rows = 3;

	assert_int_equal(append(place, &first), JOURNAL_WRITTEN);
	EXPECT_DIFFERENT(entry.payload_hash.bytes[31] ^= 1);
	EXPECT_DIFFERENT(entry.right.amount.units = u256_from_u64(1));
	EXPECT_DIFFERENT(entry.right.asset = native);
	EXPECT_DIFFERENT(entry.slot.nonce = entry.right.slot.nonce = 8);
	EXPECT_DIFFERENT(entry.slot.wallet = entry.right.slot.wallet = cold);
	EXPECT_DIFFERENT(entry.slot.chain_id = entry.right.slot.chain_id = entry.right.chain_id =
				 1);
	EXPECT_DIFFERENT(entry.right.pay_tag[5] ^= 1);
	EXPECT_DIFFERENT(entry.right.withdrawal.bytes[5] ^= 1);
	EXPECT_DIFFERENT(entry.fee_ceiling.value = u256_from_u64(701));
	EXPECT_DIFFERENT(entry = void_of(1, 0));
}

static void different_harms_no_neighbour(void **state)
{
	struct place *place = *state;
	struct journal_entry entries[4] = { payment(1, 1), payment(2, 2), payment(3, 3),
					    payment(4, 4) };
	enum journal_verdict verdicts[4];
	struct err err = { 0 };
	struct journal_right right[2];

	assert_int_equal(append(place, &entries[1]), JOURNAL_WRITTEN);
	/* The slot and the attempt are new here, only the right is not: none of them is written. */
	entries[2].right.withdrawal = entries[1].right.withdrawal;
	entries[2].right.pay_tag[0] = entries[1].right.pay_tag[0];
	assert_true(journal_append_many(place->journal, entries, 4, verdicts, &err));
	assert_int_equal(verdicts[0], JOURNAL_WRITTEN);
	assert_int_equal(verdicts[1], JOURNAL_EQUAL);
	assert_int_equal(verdicts[2], JOURNAL_DIFFERENT);
	assert_int_equal(verdicts[3], JOURNAL_WRITTEN);
	assert_int_equal(verified_rows(place), 9);
	assert_int_equal(rights(place, 4, right, 2), 1);
	assert_int_equal(rights(place, 3, right, 2), 0);
}

/* In one batch as in two: the second entry meets what the first one wrote. */
static void same_right_twice_in_one_batch(void **state)
{
	struct place *place = *state;
	struct journal_entry entries[3] = { payment(1, 1), payment(1, 2), payment(1, 1) };
	enum journal_verdict verdicts[3];
	struct err err = { 0 };

	assert_true(journal_append_many(place->journal, entries, 3, verdicts, &err));
	assert_int_equal(verdicts[0], JOURNAL_WRITTEN);
	assert_int_equal(verdicts[1], JOURNAL_DIFFERENT);
	assert_int_equal(verdicts[2], JOURNAL_EQUAL);
}

/* A batch payout is one slot with many rights. */
static void one_slot_many_rights(void **state)
{
	struct place *place = *state;
	struct journal_entry entries[3] = { payment(1, 5), payment(2, 5), payment(3, 5) };
	enum journal_verdict verdicts[3];
	struct err err = { 0 };

	for (int i = 0; i < 3; i++)
		entries[i].payload_hash = entries[0].payload_hash;
	assert_true(journal_append_many(place->journal, entries, 3, verdicts, &err));
	for (int i = 0; i < 3; i++)
		assert_int_equal(verdicts[i], JOURNAL_WRITTEN);
	assert_int_equal(verified_rows(place), 5);
}

static void cancel_beside_pay(void **state)
{
	struct place *place = *state;
	struct journal_entry pay = payment(1, 7), cancel = payment(1, 7);
	struct wei ceiling;
	struct hash32 hash;
	bool has_pay, has_cancel;
	uint32_t attempts;
	struct err err = { 0 };

	cancel.kind = JOURNAL_CANCEL;
	cancel.payload_hash.bytes[0] = 0x77;
	cancel.attempt_number = 2;
	cancel.fee_ceiling.value = u256_from_u64(900);
	assert_int_equal(append(place, &pay), JOURNAL_WRITTEN);
	assert_int_equal(append(place, &cancel), JOURNAL_WRITTEN);
	assert_int_equal(append(place, &cancel), JOURNAL_EQUAL);
	assert_int_equal(append(place, &pay), JOURNAL_EQUAL);
	assert_true(journal_slot_of(place->journal, &pay.slot, &has_pay, &has_cancel, &hash,
				    &ceiling, &attempts, &err));
	assert_true(has_pay && has_cancel);
	assert_true(hash32_equal(hash, pay.payload_hash));
	assert_int_equal(attempts, 2);
	assert_int_equal(wei_compare(ceiling, cancel.fee_ceiling), 0);
	/* From now on the slot signs cancellations only. */
	pay.attempt_number = 3;
	assert_int_equal(append(place, &pay), JOURNAL_DIFFERENT);
	cancel.attempt_number = 3;
	assert_int_equal(append(place, &cancel), JOURNAL_WRITTEN);
}

static void nothing_pays_after_a_cancel(void **state)
{
	struct place *place = *state;
	struct journal_entry pay = payment(1, 7), cancel = { 0 };

	cancel.has_slot = true;
	cancel.slot = pay.slot;
	cancel.kind = JOURNAL_CANCEL;
	cancel.payload_hash.bytes[0] = 0x77;
	assert_int_equal(append(place, &cancel), JOURNAL_WRITTEN);
	assert_int_equal(append(place, &pay), JOURNAL_DIFFERENT);
	assert_int_equal(verified_rows(place), 1);
	/* What a block has was signed in another life; its right cannot be spent otherwise. */
	pay.is_on_chain = true;
	pay.has_attempt = false;
	assert_int_equal(append(place, &pay), JOURNAL_WRITTEN);
	assert_int_equal(append(place, &pay), JOURNAL_EQUAL);
	pay.payload_hash.bytes[0] ^= 1;
	assert_int_equal(append(place, &pay), JOURNAL_DIFFERENT);
}

static void void_ends_all_rounds(void **state)
{
	struct place *place = *state;
	struct journal_entry first = payment(1, 7), second = payment(1, 8);
	struct journal_entry end = void_of(1, 1);
	struct journal_right right[4];

	assert_int_equal(append(place, &first), JOURNAL_WRITTEN);
	assert_int_equal(append(place, &end), JOURNAL_WRITTEN);
	assert_int_equal(append(place, &end), JOURNAL_EQUAL);
	assert_int_equal(append(place, &first), JOURNAL_EQUAL);
	second.right.round = 2;
	assert_int_equal(append(place, &second), JOURNAL_DIFFERENT);
	/* Nor under another id with the same tag. */
	second.right.withdrawal.bytes[9] = 1;
	assert_int_equal(append(place, &second), JOURNAL_DIFFERENT);
	assert_int_equal(rights(place, 1, right, 4), 2);
	assert_false(right[0].is_void);
	assert_true(right[1].is_void);
	assert_int_equal(right[1].round, 1);
	assert_string_equal(right[1].void_stage, "rejected");
	assert_string_equal(right[1].void_code, "signer_limit");
	end = void_of(1, 1);
	snprintf(end.right.void_code, sizeof end.right.void_code, "canceled");
	assert_int_equal(append(place, &end), JOURNAL_DIFFERENT);
}

static void next_round_is_new(void **state)
{
	struct place *place = *state;
	struct journal_entry first = payment(1, 7), second = payment(1, 8);
	struct journal_right right[4];

	second.right.round = 1;
	assert_int_equal(append(place, &first), JOURNAL_WRITTEN);
	assert_int_equal(append(place, &second), JOURNAL_WRITTEN);
	assert_int_equal(rights(place, 1, right, 4), 2);
	assert_int_equal(right[0].round, 0);
	assert_int_equal(right[1].round, 1);
	assert_int_equal(right[1].slot.nonce, 8);
	assert_int_equal(rights(place, 1, right, 1), 1);
}

static void another_deployment_is_refused(void **state)
{
	struct place *place = *state;
	struct journal_sql_options options = { .deployment = deployment, .mac_key = mac_key };
	static const uint8_t other_key[32] = "another key, in another deployme";
	struct db *db = open_db(place->path);
	struct journal *journal = NULL;
	struct err err = { 0 };

	options.is_made = is_on_mysql();
	options.deployment.bytes[0] ^= 1;
	assert_false(journal_sql_open(db, &options, &journal, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "belongs to deployment"));
	options.deployment = deployment;
	options.mac_key = other_key;
	assert_false(journal_sql_open(db, &options, &journal, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	options.mac_key = mac_key;
	assert_true(journal_sql_open(db, &options, &journal, &err));
	journal_close(journal);
}

/* Two processes on one journal (a signer and a command): one chain, whoever appends. */
static void two_writers_one_chain(void **state)
{
	struct place *place = *state;
	struct err err = { 0 };
	struct place other = { .journal = open_journal(place->path, &err) };
	struct journal_entry entry;

	assert_non_null(other.journal);
	for (uint8_t i = 1; i <= 6; i++) {
		entry = payment(i, i);
		assert_int_equal(append(i % 2 ? place : &other, &entry), JOURNAL_WRITTEN);
		assert_int_equal(append(i % 2 ? &other : place, &entry), JOURNAL_EQUAL);
	}
	assert_int_equal(verified_rows(place), 18);
	assert_int_equal(verified_rows(&other), 18);
	journal_close(other.journal);
}

#define RACERS 6
#define SHARED 20

struct racer {
	pthread_t thread;
	struct place *place;
	uint8_t number;
	size_t written; /* of those that all of them have */
	bool done;
};

static struct journal_entry race_entry(uint8_t number, uint64_t nonce)
{
	struct journal_entry entry = payment((uint8_t)nonce, nonce);
	entry.right.withdrawal.bytes[9] = number;
	entry.right.pay_tag[9] = number;
	entry.slot.chain_id = entry.right.slot.chain_id = entry.right.chain_id = 100u + number;
	return entry;
}

/* One of its own, and one that everybody wants to append. */
static void *racer_run(void *context)
{
	struct racer *racer = context;
	struct err err = { 0 };
	struct journal *journal = open_journal(racer->place->path, &err);
	racer->done = journal != NULL;
	for (uint8_t i = 1; i <= SHARED && racer->done; i++) {
		struct journal_entry entries[2] = { race_entry(racer->number, i),
						    race_entry(0, i) };
		enum journal_verdict verdicts[2];
		racer->done = journal_append_many(journal, entries, 2, verdicts, &err) &&
			      verdicts[0] == JOURNAL_WRITTEN && verdicts[1] != JOURNAL_DIFFERENT;
		racer->written += racer->done && verdicts[1] == JOURNAL_WRITTEN;
	}
	if (!racer->done)
		fprintf(stderr, "racer: %s\n", err.text);
	journal_close(journal);
	return NULL;
}

/* Several signers at once: one chain, and each right is spent once. */
static void racing_writers_make_one_chain(void **state)
{
	struct place *place = *state;
	struct racer racers[RACERS];
	size_t written = 0;

	for (uint8_t i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){ .place = place, .number = i + 1 };
		assert_int_equal(pthread_create(&racers[i].thread, NULL, racer_run, &racers[i]), 0);
	}
	for (uint8_t i = 0; i < RACERS; i++) {
		assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
		assert_true(racers[i].done);
		written += racers[i].written;
	}
	assert_int_equal(written, SHARED);
	assert_int_equal(verified_rows(place), 3 * (RACERS + 1) * SHARED);
}

/* Where the database has users, the signer's own cannot take back what it has written. */
static void the_signers_user_can_only_append(void **state)
{
	struct place *place = *state;
	static const char *const texts[] = {
		"UPDATE rights SET round = 7",
		"DELETE FROM rights",
		"DROP TABLE rights",
		"TRUNCATE TABLE rights",
		"CREATE TABLE mine (id INTEGER)",
		"ALTER TABLE rights DROP COLUMN round",
		"REPLACE INTO turns (first) VALUES (1)",
	};
	struct journal_entry entry = payment(1, 1);

	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	struct db *db = mysql_server_open(place->path, "appender");
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct err err = { 0 };
		assert_false(db_exec(db, texts[i], &err));
		assert_int_equal(err.kind, ERR_REFUSED);
	}
	db_close(db);
	assert_int_equal(verified_rows(place), 3);
}

/* --- edited by hand ----------------------------------------------------------------------------
 */

static void edit(struct place *place, const char *sql)
{
	struct db *db = open_db(place->path);
	struct err err = { 0 };

	if (!db_exec(db, sql, &err))
		fail_msg("%s: %s", sql, err.text);
	db_close(db);
}

static void fill(struct place *place)
{
	struct journal_entry entry;

	for (uint8_t i = 1; i <= 5; i++) {
		entry = payment(i, i);
		assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	}
	entry = void_of(6, 0);
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	assert_int_equal(verified_rows(place), 16);
}

static struct journal_entry resolution(uint8_t number, uint32_t round, uint8_t hash, bool is_paid)
{
	struct journal_entry entry = { .has_resolution = true };
	entry.resolution.withdrawal = payment(number, 0).right.withdrawal;
	entry.resolution.round = round;
	entry.resolution.is_paid = is_paid;
	entry.resolution.chain_id = 137;
	entry.resolution.tx_hash.bytes[0] = hash;
	entry.resolution.time_ms = 5000;
	return entry;
}

/* One per round, and a transaction pays one round. */
static void people_resolve_a_round_once(void **state)
{
	struct place *place = *state;
	struct journal_entry entry = resolution(1, 0, 7, true);
	struct journal_resolution row;
	struct err err = { 0 };
	bool any = true;

	assert_true(journal_resolution_of(place->journal, entry.resolution.withdrawal, 0, &any,
					  &row, &err));
	assert_false(any);
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	entry.resolution.time_ms = 6000;
	assert_int_equal(append(place, &entry), JOURNAL_EQUAL);
	assert_true(journal_resolution_of(place->journal, entry.resolution.withdrawal, 0, &any,
					  &row, &err));
	assert_true(any && row.is_paid && row.round == 0 && row.chain_id == 137);
	assert_int_equal(row.tx_hash.bytes[0], 7);
	assert_int_equal(row.time_ms, 5000);
	entry = resolution(1, 0, 7, false);
	assert_int_equal(append(place, &entry), JOURNAL_DIFFERENT);
	entry = resolution(1, 0, 8, true);
	assert_int_equal(append(place, &entry), JOURNAL_DIFFERENT);
	entry = resolution(2, 0, 7, true); /* another withdrawal, the same transaction */
	assert_int_equal(append(place, &entry), JOURNAL_DIFFERENT);
	entry = resolution(2, 0, 7, false);
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	entry = resolution(2, 1, 8, false);
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	assert_int_equal(verified_rows(place), 3);
}

/* A slot that a stranger took is one: nonces stay dense. */
static void a_foreign_slot_is_a_slot(void **state)
{
	struct place *place = *state;
	struct journal_entry entry = payment(1, 7);
	struct err err = { 0 };
	uint64_t next = 0;
	bool any = false, has_pay = true, has_cancel = true;
	struct hash32 hash = { 0 };
	struct wei ceiling;
	uint32_t attempts = 1;

	entry.kind = JOURNAL_FOREIGN;
	entry.has_attempt = false;
	entry.has_resolution = true;
	entry.resolution = resolution(1, 0, 7, false).resolution;
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	assert_int_equal(append(place, &entry), JOURNAL_EQUAL);
	assert_int_equal(verified_rows(place), 3);
	assert_true(journal_next_nonce(place->journal, entry.slot.chain_id, entry.slot.wallet, &any,
				       &next, &err));
	assert_true(any && next == 8);
	assert_true(journal_slot_of(place->journal, &entry.slot, &has_pay, &has_cancel, &hash,
				    &ceiling, &attempts, &err));
	assert_false(has_pay || has_cancel);
	assert_true(hash32_equal(hash, entry.payload_hash));
	entry.slot.nonce = 6;
	assert_true(journal_slot_of(place->journal, &entry.slot, &has_pay, &has_cancel, &hash,
				    &ceiling, &attempts, &err));
	assert_true(hash32_is_zero(hash) && attempts == 0);
}

static void edited_resolutions_are_found(void **state)
{
	static const char *const edits[] = {
		"UPDATE resolutions SET withdrawal = X'00'", "UPDATE resolutions SET round = 1",
		"UPDATE resolutions SET is_paid = 1",        "UPDATE resolutions SET chain_id = 1",
		"UPDATE resolutions SET tx_hash = X'00'",    "UPDATE resolutions SET time_ms = 1",
		"UPDATE resolutions SET previous = X'00'",   "DELETE FROM resolutions",
	};
	for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
		struct place *place;
		struct journal_entry entry = resolution(1, 0, 7, false);
		struct err err = { 0 };
		int64_t rows;

		place_make((void **)&place);
		fill(place);
		assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
		edit(place, edits[i]);
		if (journal_sql_verify(place->journal, &rows, &err))
			fail_msg("verified after: %s", edits[i]);
		assert_int_equal(err.kind, ERR_REFUSED);
		place_remove((void **)&place);
	}
	(void)state;
}

/* Every column of every table, and rows that were taken out, moved or put in: the walk refuses, and
 * so does the next open. */
static void every_edit_is_found(void **state)
{
	(void)state;
	static const char *const edits[] = {
		"UPDATE slots SET payload_hash = X'00' WHERE nonce = 3",
		"UPDATE slots SET nonce = 33 WHERE nonce = 3",
		"UPDATE slots SET kind = 2 WHERE nonce = 3",
		"UPDATE slots SET chain_id = 1 WHERE nonce = 3",
		"UPDATE slots SET wallet = X'00' WHERE nonce = 3",
		"UPDATE slots SET previous = X'00' WHERE nonce = 3",
		"UPDATE slots SET mac = X'00' WHERE nonce = 3",
		"UPDATE rights SET amount = X'00' WHERE nonce = 3",
		"UPDATE rights SET withdrawal = X'00' WHERE nonce = 3",
		"UPDATE rights SET round = 4294967296 WHERE nonce = 3",
		"UPDATE rights SET pay_tag = X'00' WHERE nonce = 3",
		"UPDATE rights SET is_void = 1 WHERE nonce = 3",
		"UPDATE rights SET void_stage = 'failed' WHERE nonce = 3",
		"UPDATE rights SET void_code = 'code' WHERE nonce = 3",
		"UPDATE rights SET wallet = X'00' WHERE nonce = 3",
		"UPDATE rights SET nonce = 33 WHERE nonce = 3",
		"UPDATE rights SET chain_id = 1 WHERE nonce = 3",
		"UPDATE rights SET asset = X'00' WHERE nonce = 3",
		"UPDATE rights SET time_ms = 0 WHERE nonce = 3",
		"UPDATE attempts SET number = 2 WHERE nonce = 3",
		"UPDATE attempts SET fee_ceiling = X'00' WHERE nonce = 3",
		"UPDATE attempts SET nonce = 33 WHERE nonce = 3",
		"UPDATE rights SET chain_id = 1 WHERE is_void = 1",
		"UPDATE rights SET is_void = 0 WHERE is_void = 1",
		"UPDATE rights SET void_stage = 'failed' WHERE is_void = 1",
		"UPDATE rights SET void_code = 'canceled' WHERE is_void = 1",
		"DELETE FROM rights WHERE nonce = 3",
		"DELETE FROM slots WHERE nonce = 1",
		"DELETE FROM rights WHERE is_void = 1",
		"UPDATE slots SET sequence = -sequence WHERE nonce = 3",
		"UPDATE attempts SET sequence = 17 WHERE nonce = 5",
		"INSERT INTO attempts SELECT sequence + 14, previous, mac, chain_id, wallet, 44, "
		"number, fee_ceiling FROM attempts WHERE nonce = 1",
		"INSERT INTO attempts SELECT 1, previous, mac, chain_id, wallet, 44, number, "
		"fee_ceiling FROM attempts WHERE nonce = 1",
		"DELETE FROM meta",
		"UPDATE meta SET mac = X'00'",
		/* Where a column of numbers takes such a value. */
		"UPDATE rights SET round = x'' WHERE nonce = 3",
	};
	const size_t len = sizeof edits / sizeof edits[0] - is_on_mysql();

	for (size_t i = 0; i < len; i++) {
		struct place *place;
		struct err err = { 0 };
		struct journal_entry entry = payment(9, 9);
		enum journal_verdict verdict;
		bool pinned = !strstr(edits[i], "meta");
		int64_t rows;

		place_make((void **)&place);
		fill(place);
		edit(place, edits[i]);
		if (pinned && journal_sql_verify(place->journal, &rows, &err))
			fail_msg("verified after: %s", edits[i]);
		assert_true(!pinned || err.kind == ERR_REFUSED);
		/* A cut-off end shows while somebody remembers where it was. */
		if (strstr(edits[i], "DELETE FROM rights WHERE is_void"))
			assert_false(
				journal_append_many(place->journal, &entry, 1, &verdict, &err));
		else
			assert_null(open_journal(place->path, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
		place_remove((void **)&place);
	}
}

/* Each read checks what it hands out, also far from the end of the chain. */
static void edited_row_is_not_handed_out(void **state)
{
	struct place *place = *state;
	const struct journal_entry first = payment(1, 1), second = payment(2, 2);
	const struct journal_entry third = payment(3, 3);
	const struct journal_purse purse = purse_of(hot, token);
	const struct journal_span all = { .since_ms = 0 };
	enum journal_verdict verdict;
	struct journal_right right[4];
	struct journal_listed listed[8];
	struct limit_window window;
	struct amount total;
	int64_t sequence;
	struct wei ceiling;
	struct hash32 hash;
	struct err err = { 0 };
	bool has_pay, has_cancel, any;
	uint32_t attempts;
	uint64_t nonce;
	size_t len;

	fill(place);
	edit(place, "UPDATE rights SET amount = X'00' WHERE nonce = 3");
	assert_false(journal_rights_of(place->journal, third.right.withdrawal, third.right.pay_tag,
				       right, 4, &len, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_false(journal_sum_of(place->journal, &purse, &all, &total, &sequence, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_false(journal_window_of(place->journal, &purse, 6000, &window, &sequence, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_false(journal_rights_after(place->journal, 0, listed, 8, &len, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_false(journal_append_many(place->journal, &third, 1, &verdict, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	/* Others are not harmed. */
	assert_int_equal(rights(place, 2, right, 4), 1);

	edit(place, "UPDATE rights SET round = 4294967296 WHERE nonce = 1");
	assert_false(journal_rights_of(place->journal, first.right.withdrawal, first.right.pay_tag,
				       right, 4, &len, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	edit(place, "UPDATE attempts SET fee_ceiling = X'00' WHERE nonce = 2");
	assert_false(journal_slot_of(place->journal, &second.slot, &has_pay, &has_cancel, &hash,
				     &ceiling, &attempts, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	edit(place, "UPDATE slots SET payload_hash = X'00' WHERE nonce = 5");
	assert_false(journal_next_nonce(place->journal, 137, hot, &any, &nonce, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
}

/* Rows with valid MACs out of another branch of the same journal (a backup that was written on,
 * say): they are not linked to the rows before them. */
static void spliced_rows_are_found(void **state)
{
	struct place *place = *state, other = { 0 };
	struct journal_entry entry = payment(1, 1);
	char sql[400];
	struct err err = { 0 };
	int64_t rows;

	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	snprintf(other.path, sizeof other.path, "%s/other.db", place->dir);
	snprintf(sql, sizeof sql, "VACUUM INTO '%s'", other.path);
	edit(place, sql);
	reopen(&other);
	for (uint8_t i = 2; i <= 3; i++) {
		entry = payment(i, i);
		assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
		/* The same payments, at another time. */
		entry.right.time_ms++;
		assert_int_equal(append(&other, &entry), JOURNAL_WRITTEN);
	}
	assert_int_equal(verified_rows(&other), 9);
	journal_close(other.journal);

	struct db *db = open_db(place->path);
	snprintf(sql, sizeof sql, "ATTACH '%s' AS other", other.path);
	assert_true(db_exec(db, sql, &err));
	assert_true(db_exec(db, "DELETE FROM rights WHERE sequence = 8", &err));
	assert_true(db_exec(db,
			    "INSERT INTO main.rights SELECT * FROM other.rights "
			    "WHERE sequence = 8",
			    &err));
	db_close(db);
	assert_false(journal_sql_verify(place->journal, &rows, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "row 8 is not linked"));
	assert_null(open_journal(place->path, &err));
}

/* A server lost the last commits, and got as many others since: whoever has seen the lost ones
 * links nothing behind rows that are not those. */
static void other_rows_in_the_place_of_seen_ones_are_found(void **state)
{
	struct place *place = *state, other = { 0 };
	struct journal_entry entry = payment(1, 1);
	struct err err = { 0 };
	enum journal_verdict verdict;

	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	entry = payment(2, 2);
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	assert_int_equal(verified_rows(place), 6);
	edit(place, "DELETE FROM slots WHERE sequence > 3");
	edit(place, "DELETE FROM rights WHERE sequence > 3");
	edit(place, "DELETE FROM attempts WHERE sequence > 3");
	edit(place, "DELETE FROM turns WHERE first > 3");
	other.journal = open_journal(place->path, &err);
	assert_non_null(other.journal);
	entry = payment(3, 3);
	assert_int_equal(append(&other, &entry), JOURNAL_WRITTEN);
	assert_int_equal(verified_rows(&other), 6);

	entry = payment(4, 4);
	assert_false(journal_append_many(place->journal, &entry, 1, &verdict, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "row 6 is another one"));
	assert_int_equal(verified_rows(&other), 6);
	journal_close(other.journal);
}

/* The open reads the tail only; the whole walk finds what is older. */
static void old_edit_is_found_by_the_walk(void **state)
{
	struct place *place = *state;
	struct journal_entry entries[BATCH_MAX];
	enum journal_verdict verdicts[BATCH_MAX];
	struct err err = { 0 };
	int64_t rows;

	for (uint64_t nonce = 0; nonce < 512;) {
		size_t n = 0;

		for (; n < BATCH_MAX; n++, nonce++) {
			entries[n] = payment((uint8_t)nonce, nonce);
			entries[n].right.withdrawal.bytes[8] = (uint8_t)(nonce >> 8);
			entries[n].right.pay_tag[8] = (uint8_t)(nonce >> 8);
		}
		assert_true(journal_append_many(place->journal, entries, n, verdicts, &err));
	}
	assert_int_equal(verified_rows(place), 1536);
	edit(place, "UPDATE rights SET amount = X'00' WHERE nonce = 100");
	reopen(place);
	assert_false(journal_sql_verify(place->journal, &rows, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	edit(place, "UPDATE rights SET amount = X'00' WHERE nonce = 400");
	assert_null(open_journal(place->path, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
}

static void empty_journal_verifies(void **state)
{
	struct place *place = *state;

	assert_int_equal(verified_rows(place), 0);
	reopen(place);
	assert_int_equal(verified_rows(place), 0);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		AT_PLACE(empty_journal_verifies),
		AT_PLACE(repeat_is_equal),
		AT_PLACE(rows_come_back),
		AT_PLACE(tag_finds_the_right),
		AT_PLACE(each_difference_is_seen),
		AT_PLACE(different_harms_no_neighbour),
		AT_PLACE(same_right_twice_in_one_batch),
		AT_PLACE(one_slot_many_rights),
		AT_PLACE(cancel_beside_pay),
		AT_PLACE(nothing_pays_after_a_cancel),
		AT_PLACE(void_ends_all_rounds),
		AT_PLACE(next_round_is_new),
		AT_PLACE(another_deployment_is_refused),
		AT_PLACE(two_writers_one_chain),
		AT_PLACE(racing_writers_make_one_chain),
		cmocka_unit_test(every_edit_is_found),
		cmocka_unit_test(edited_resolutions_are_found),
		AT_PLACE(people_resolve_a_round_once),
		AT_PLACE(a_foreign_slot_is_a_slot),
		AT_PLACE(edited_row_is_not_handed_out),
		AT_PLACE(old_edit_is_found_by_the_walk),
		AT_PLACE(other_rows_in_the_place_of_seen_ones_are_found),
		/* By files, and by users: each where there are some. */
		AT_PLACE(spliced_rows_are_found),
		AT_PLACE(the_signers_user_can_only_append),
	};
	size_t len = sizeof tests / sizeof tests[0] - 1;
	if (is_on_mysql())
		tests[len - 1] = tests[len];
	return _cmocka_run_group_tests("journal", tests, len, NULL, NULL);
}
