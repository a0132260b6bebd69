/* What the API reads: one withdrawal with its transfer, lists of an account, events; and the rows
 * of API keys. */
#include "store_fixture.h"

#include "core/intent.h"

static const struct store_names all = { "", "" };

static struct store_view view(struct fixture *f, struct id id)
{
	struct store_view seen;
	bool found = false;
	memset(&seen, 0xee, sizeof seen);
	MUST(store_withdrawal_view, f->store, id, &seen, &found);
	assert_true(found);
	return seen;
}

static void a_view_shows_the_newest_hash_then_the_mined_one(void **state)
{
	struct fixture *f = *state;
	struct attempt attempts[ATTEMPTS_MAX];
	struct withdrawal row = fixture_queue(f, "one");
	struct store_view seen = view(f, row.intent.id);
	assert_withdrawal_equal(&seen.withdrawal, &row);
	assert_false(seen.has_transfer);
	assert_int_equal(seen.attempts, 0);
	assert_true(hash32_is_zero(seen.tx_hash));

	struct transfer slot = fixture_reserve(f, &row, 0);
	seen = view(f, row.intent.id);
	assert_true(seen.has_transfer);
	assert_true(id_equal(seen.transfer.id, slot.id));
	assert_int_equal(seen.attempts, 0);
	assert_true(hash32_is_zero(seen.tx_hash));

	slot = fixture_sign(f, &slot);
	slot = fixture_send(f, &slot);
	slot = fixture_sign(f, &slot);
	assert_int_equal(fixture_attempts(f, slot.id, attempts), 2);
	seen = view(f, row.intent.id);
	assert_int_equal(seen.attempts, 2);
	assert_true(hash32_equal(seen.tx_hash, attempts[1].tx_hash));

	struct store_observation mined =
		fixture_observation(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	mined.mined_hash = attempts[0].tx_hash;
	MUST(store_transfers_observe, f->store, &mined, 1, &f->monitor, &by);
	seen = view(f, row.intent.id);
	assert_int_equal(seen.attempts, 2);
	assert_true(hash32_equal(seen.tx_hash, attempts[0].tx_hash));
	assert_int_equal(seen.transfer.stage, TRANSFER_MINED);
}

static void an_unknown_id_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct store_view seen;
	struct store_event events[2];
	bool found = true;
	size_t len = 9;
	MUST(store_withdrawal_view, f->store, fixture_id(f), &seen, &found);
	assert_false(found);
	MUST(store_events_list, f->store, fixture_id(f), 0, events, 2, &len);
	assert_int_equal(len, 0);
}

/* --- lists --------------------------------------------------------------------------------------
 */

#define ROWS 12

/* Two accounts take turns; every third row pays USDC; each a second after the one before. */
static void rows_make(struct fixture *f, struct withdrawal rows[ROWS])
{
	char key[16];
	for (size_t i = 0; i < ROWS; i++) {
		snprintf(key, sizeof key, "key-%zu", i);
		rows[i] = fixture_withdrawal(f, key);
		fixture_set_key(&rows[i], i % 2 == 0 ? "acme" : "other", key);
		snprintf(rows[i].intent.external_id, sizeof rows[i].intent.external_id, "order-%zu",
			 i / 2);
		if (i % 3 == 0)
			snprintf(rows[i].intent.asset, sizeof rows[i].intent.asset, "USDC");
		struct store_accept item = fixture_item(&rows[i]);
		MUST(store_accept_withdrawals, f->store, &item, 1);
		assert_int_equal(item.result, STORE_ACCEPTED);
		fixture_wait(f, 1000);
	}
}

static struct store_filter filter_of(const char *account)
{
	return (struct store_filter){ .account = account, .limit = PAGE_MAX };
}

/* The list, against the indices of rows that are expected, ended by -1. */
static void assert_list(struct fixture *f, const struct store_filter *filter,
			const struct withdrawal *rows, const int *expected)
{
	struct store_view *views = calloc(PAGE_MAX, sizeof *views);
	struct store_page page = { .len = 99 };
	assert_non_null(views);
	MUST(store_withdrawals_list, f->store, filter, views, &page);
	for (size_t i = 0; i < page.len; i++) {
		assert_true(expected[i] >= 0);
		assert_true(id_equal(views[i].withdrawal.intent.id, rows[expected[i]].intent.id));
		assert_string_equal(views[i].withdrawal.intent.account, filter->account);
	}
	assert_int_equal(expected[page.len], -1);
	assert_int_equal(page.has_next, page.len == filter->limit);
	free(views);
}

/* idor: an account sees its own rows, whatever it asks for. */
static void a_list_is_one_accounts_newest_first(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[ROWS];
	rows_make(f, rows);
	struct store_filter acme = filter_of("acme");
	struct store_filter other = filter_of("other");
	struct store_filter nobody = filter_of("acm");
	assert_list(f, &acme, rows, (int[]){ 10, 8, 6, 4, 2, 0, -1 });
	assert_list(f, &other, rows, (int[]){ 11, 9, 7, 5, 3, 1, -1 });
	assert_list(f, &nobody, rows, (int[]){ -1 });
	acme.external_id = "order-2";
	assert_list(f, &acme, rows, (int[]){ 4, -1 });
	other.external_id = "order-2";
	assert_list(f, &other, rows, (int[]){ 5, -1 });
	other.external_id = "Order-2";
	assert_list(f, &other, rows, (int[]){ -1 });
}

static void a_cursor_walks_without_gaps(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[ROWS];
	rows_make(f, rows);
	struct store_filter page = filter_of("acme");
	page.limit = 2;
	assert_list(f, &page, rows, (int[]){ 10, 8, -1 });
	page.has_before = true;
	page.before = rows[8].intent.id;
	assert_list(f, &page, rows, (int[]){ 6, 4, -1 });
	page.before = rows[5].intent.id; /* another account's row is a place like any other */
	assert_list(f, &page, rows, (int[]){ 4, 2, -1 });
	page.before = rows[2].intent.id;
	assert_list(f, &page, rows, (int[]){ 0, -1 });
	page.before = rows[0].intent.id;
	assert_list(f, &page, rows, (int[]){ -1 });
	/* A newer row does not move a page that was begun. */
	page.before = rows[8].intent.id;
	(void)fixture_accept(f, "new");
	assert_list(f, &page, rows, (int[]){ 6, 4, -1 });
}

static void filters_narrow_a_list_together(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[ROWS];
	rows_make(f, rows);
	static const int queued[] = { 2, 6, 8 };
	for (size_t i = 0; i < COUNT_OF(queued); i++) {
		struct store_change change =
			fixture_change(&rows[queued[i]], WITHDRAWAL_QUEUED, "queued");
		assert_true(fixture_apply(f, &change, ACTOR_PROCESSOR));
	}
	struct withdrawal row = fixture_load(f, rows[6].intent.id);
	(void)fixture_reserve(f, &row, 0);
	struct store_filter filter = filter_of("acme");
	filter.has_status = true;
	filter.stage_first = WITHDRAWAL_QUEUED;
	filter.stage_last = WITHDRAWAL_ASSIGNED;
	assert_list(f, &filter, rows, (int[]){ 8, 6, 2, -1 });
	filter.stage_last = WITHDRAWAL_QUEUED;
	assert_list(f, &filter, rows, (int[]){ 8, 2, -1 });
	filter.has_before = true;
	filter.before = rows[8].intent.id;
	assert_list(f, &filter, rows, (int[]){ 2, -1 });
	filter.stage_first = filter.stage_last = WITHDRAWAL_COMPLETED;
	assert_list(f, &filter, rows, (int[]){ -1 });
	filter.has_before = false;
	filter.stage_first = WITHDRAWAL_ACCEPTED;
	filter.stage_last = WITHDRAWAL_CANCELED;
	filter.asset = "USDC";
	assert_list(f, &filter, rows, (int[]){ 6, 0, -1 });
	filter.created_after_ms = rows[0].intent.created_at;
	assert_list(f, &filter, rows, (int[]){ 6, -1 });
	filter.created_after_ms = rows[6].intent.created_at;
	assert_list(f, &filter, rows, (int[]){ -1 });
	filter.created_after_ms--;
	assert_list(f, &filter, rows, (int[]){ 6, -1 });
	filter.external_id = "order-3";
	assert_list(f, &filter, rows, (int[]){ 6, -1 });
	filter.stage_first = filter.stage_last = WITHDRAWAL_QUEUED;
	assert_list(f, &filter, rows, (int[]){ -1 });
}

#define MANY (PAGE_LOOKED_MAX + 100)

/* So many of one account, a second apart from the first hundred on; the oldest one pays USDC. */
static void many_make(struct fixture *f, struct withdrawal *rows)
{
	struct store_accept items[BATCH_MAX];
	char key[16];
	for (size_t done = 0; done < MANY;) {
		size_t n = MANY - done < BATCH_MAX ? MANY - done : BATCH_MAX;
		for (size_t i = 0; i < n; i++) {
			struct withdrawal *row = &rows[done + i];
			snprintf(key, sizeof key, "key-%zu", done + i);
			fixture_wait(f, 1000);
			*row = fixture_withdrawal(f, key);
			fixture_set_key(row, "acme", key);
			if (done + i == 0)
				snprintf(row->intent.asset, sizeof row->intent.asset, "USDC");
			items[i] = fixture_item(row);
		}
		MUST(store_accept_withdrawals, f->store, items, n);
		done += n;
	}
}

static struct store_page list_once(struct fixture *f, const struct store_filter *filter,
				   struct store_view *views)
{
	struct store_page page = { .len = 99 };
	MUST(store_withdrawals_list, f->store, filter, views, &page);
	return page;
}

/* Whatever a filter lets pass, a page looks at so many rows and no more; the cursor goes on behind
 * them, and nothing is left out. */
static void a_page_looks_at_so_many_rows(void **state)
{
	struct fixture *f = *state;
	struct withdrawal *rows = calloc(MANY, sizeof *rows);
	struct store_view *views = calloc(PAGE_MAX, sizeof *views);
	assert_true(rows != NULL && views != NULL);
	many_make(f, rows);
	struct id last = rows[MANY - PAGE_LOOKED_MAX].intent.id;
	struct store_filter filters[3];
	for (size_t i = 0; i < COUNT_OF(filters); i++)
		filters[i] = filter_of("acme");
	filters[0].asset = "USDC";
	filters[1].asset = "NOPE";
	filters[2].has_status = true;
	filters[2].stage_first = filters[2].stage_last = WITHDRAWAL_FAILED;
	for (size_t i = 0; i < COUNT_OF(filters); i++) {
		struct store_page page = list_once(f, &filters[i], views);
		assert_int_equal(page.len, 0);
		assert_true(page.has_next && id_equal(page.next, last));
		filters[i].has_before = true;
		filters[i].before = page.next;
		page = list_once(f, &filters[i], views);
		assert_int_equal(page.len, i == 0 ? 1 : 0);
		assert_false(page.has_next);
		if (i == 0)
			assert_true(id_equal(views[0].withdrawal.intent.id, rows[0].intent.id));
	}
	free(views);
	free(rows);
}

/* A time is a bound on ids, with room for a clock that was set; what is older is not looked at. */
static void a_time_bounds_what_is_looked_at(void **state)
{
	struct fixture *f = *state;
	struct withdrawal *rows = calloc(MANY, sizeof *rows);
	struct store_view *views = calloc(PAGE_MAX, sizeof *views);
	assert_true(rows != NULL && views != NULL);
	many_make(f, rows);
	struct store_filter filter = filter_of("acme");
	filter.created_after_ms = f->clock.now_ms + 86400000;
	struct store_page page = list_once(f, &filter, views);
	assert_int_equal(page.len, 0);
	assert_false(page.has_next);
	filter.created_after_ms = rows[MANY - 4].intent.created_at;
	assert_list(f, &filter, rows, (int[]){ MANY - 1, MANY - 2, MANY - 3, -1 });
	filter.created_after_ms = rows[0].intent.created_at; /* all but the first, by pages */
	size_t seen = 0;
	do {
		page = list_once(f, &filter, views);
		seen += page.len;
		filter.has_before = true;
		filter.before = page.next;
	} while (page.has_next);
	assert_int_equal(seen, MANY - 1);
	free(views);
	free(rows);
}

static void a_list_shows_each_rows_transfer(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	(void)fixture_accept(f, "two");
	struct attempt attempts[ATTEMPTS_MAX];
	struct store_filter filter = filter_of("acme");
	struct store_view views[2];
	struct store_page page = { 0 };
	filter.limit = 2;
	memset(views, 0xee, sizeof views);
	MUST(store_withdrawals_list, f->store, &filter, views, &page);
	assert_int_equal(page.len, 2);
	assert_int_equal(fixture_attempts(f, slot.id, attempts), 1);
	assert_false(views[0].has_transfer);
	assert_true(hash32_is_zero(views[0].tx_hash));
	assert_true(views[1].has_transfer);
	assert_true(id_equal(views[1].transfer.id, slot.id));
	assert_true(hash32_equal(views[1].tx_hash, attempts[0].tx_hash));
	assert_int_equal(views[1].attempts, 1);
}

static void try_list(struct fixture *f, const char *account, size_t limit)
{
	struct store_filter filter = { .account = account, .limit = limit };
	struct store_view view_one;
	struct err err = { 0 };
	struct store_page page;
	(void)!store_withdrawals_list(f->store, &filter, &view_one, &page, &err);
}

static void a_list_has_an_account_and_an_end(void **state)
{
	struct fixture *f = *state;
	assert_aborts(try_list(f, NULL, 1));
	assert_aborts(try_list(f, "acme", 0));
	assert_aborts(try_list(f, "acme", PAGE_MAX + 1));
}

/* --- events -------------------------------------------------------------------------------------
 */

static void events_are_read_in_order_from_where_one_was(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	(void)fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	static const char *const types[] = { "accepted", "queued", "assigned", "broadcast",
					     "completed" };
	static const enum actor actors[] = { ACTOR_API, ACTOR_PROCESSOR, ACTOR_SIGNER, ACTOR_SIGNER,
					     ACTOR_MONITOR };
	struct store_event events[8];
	size_t len = 0;
	MUST(store_events_list, f->store, slot.withdrawal, 0, events, 8, &len);
	assert_int_equal(len, COUNT_OF(types));
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(events[i].sequence, i + 1);
		assert_string_equal(events[i].type, types[i]);
		assert_int_equal(events[i].actor, actors[i]);
	}
	MUST(store_events_list, f->store, slot.withdrawal, 2, events, 2, &len);
	assert_int_equal(len, 2);
	assert_int_equal(events[0].sequence, 3);
	assert_int_equal(events[1].sequence, 4);
	MUST(store_events_list, f->store, slot.withdrawal, 5, events, 8, &len);
	assert_int_equal(len, 0);
	/* Another withdrawal's are its own. */
	struct withdrawal other = fixture_accept(f, "two");
	MUST(store_events_list, f->store, other.intent.id, 0, events, 8, &len);
	assert_int_equal(len, 1);
}

/* --- API keys -----------------------------------------------------------------------------------
 */

static struct store_api_key key_of(const char *id, int64_t created_at)
{
	struct store_api_key key;
	memset(&key, 0, sizeof key);
	snprintf(key.id, sizeof key.id, "%s", id);
	memset(key.secret_hash, 0x5e, sizeof key.secret_hash);
	snprintf(key.account, sizeof key.account, "acme");
	snprintf(key.name, sizeof key.name, "Büro 2");
	key.created_at = created_at;
	key.expires_at = 999;
	key.scopes = permissions_all();
	snprintf(key.ranges, sizeof key.ranges, "10.0.0.0/8 2001:db8::/32");
	key.mac.key_id = 2;
	memset(key.mac.bytes, 0x3a, sizeof key.mac.bytes);
	return key;
}

static void assert_key_equal(const struct store_api_key *a, const struct store_api_key *b)
{
	assert_string_equal(a->id, b->id);
	assert_memory_equal(a->secret_hash, b->secret_hash, sizeof a->secret_hash);
	assert_string_equal(a->account, b->account);
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->created_at, b->created_at);
	assert_int_equal(a->revoked_at, b->revoked_at);
	assert_int_equal(a->expires_at, b->expires_at);
	assert_int_equal(a->scopes, b->scopes);
	assert_string_equal(a->ranges, b->ranges);
	assert_int_equal(a->mac.key_id, b->mac.key_id);
	assert_memory_equal(a->mac.bytes, b->mac.bytes, sizeof a->mac.bytes);
}

static void keys_are_added_revoked_and_listed(void **state)
{
	struct fixture *f = *state;
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct store_api_key keys[2] = { key_of("b", 100), key_of("a", 200) };
	struct store_api_key read[4];
	struct store_api_key key;
	bool found = false;
	size_t len = 0;
	MUST(store_api_key_add, f->store, &keys[1], &by);
	MUST(store_api_key_add, f->store, &keys[0], &by);
	MUST(store_api_key_load, f->store, "a", &key, &found);
	assert_true(found);
	assert_key_equal(&key, &keys[1]);
	struct store_api_key_change change = { .before = keys[1].mac,
					       .key = &keys[1],
					       .action = "api_key_revoked" };
	keys[1].revoked_at = 300;
	keys[1].mac.bytes[0] = 1;
	MUST(store_api_key_change, f->store, &change, &by);
	assert_true(change.applied);
	MUST(store_api_keys_list, f->store, &all, read, 4, &len);
	assert_int_equal(len, 2);
	assert_key_equal(&read[0], &keys[1]); /* by id */
	assert_key_equal(&read[1], &keys[0]);
	MUST(store_api_keys_list, f->store, &all, read, 1, &len);
	assert_int_equal(len, 1);
	MUST(store_api_keys_list, f->store, (&(struct store_names){ "", "a" }), read, 4, &len);
	assert_int_equal(len, 1);
	assert_key_equal(&read[0], &keys[0]);
	MUST(store_api_keys_list, f->store, (&(struct store_names){ "nobody", "" }), read, 4, &len);
	assert_int_equal(len, 0);
	MUST(store_api_key_load, f->store, "A", &key, &found);
	assert_false(found);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM audit WHERE action LIKE "
					   "'api_key_%' AND actor = 5"),
			 3);
}

static void a_key_is_added_once_and_changed_only_as_it_was_read(void **state)
{
	struct fixture *f = *state;
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct store_api_key key = key_of("a", 100), other = key_of("b", 200);
	struct store_api_key_change change = {
		.before = key.mac, .key = &key, .added = &other, .action = "api_key_rotated"
	};
	MUST(store_api_key_change, f->store, &change, &by); /* there is none yet */
	assert_false(change.applied);
	MUST(store_api_key_add, f->store, &key, &by);
	struct digest before = fixture_digest(f);
	key.account[0] = 'x';
	MUST_FAIL(ERR_REFUSED, store_api_key_add, f->store, &key, &by);
	for (int i = 0; i < 2; i++) { /* somebody has changed it meanwhile */
		change.before = key.mac;
		if (i == 0)
			change.before.bytes[31] ^= 1;
		else
			change.before.key_id++;
		MUST(store_api_key_change, f->store, &change, &by);
		assert_false(change.applied);
	}
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);

	/* Both rows, or none. */
	change.before = key.mac;
	MUST(store_api_key_add, f->store, &other, &by);
	before = fixture_digest(f);
	MUST_FAIL(ERR_REFUSED, store_api_key_change, f->store, &change, &by);
	after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

static void use(struct fixture *f, const char *id, int64_t at_ms, uint8_t last)
{
	struct store_api_key_use uses[2] = {
		{ .id = "nobody", .at_ms = at_ms },
		{ .at_ms = at_ms, .from = { { [10] = 0xff, 0xff, 10, 0, 0, last } } }
	};
	snprintf(uses[1].id, sizeof uses[1].id, "%s", id);
	MUST(store_api_keys_used, f->store, uses, 2);
}

static void the_last_use_of_a_key_is_written_once_a_minute(void **state)
{
	struct fixture *f = *state;
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct store_api_key key = key_of("a", 100), read;
	bool found = false;
	MUST(store_api_key_add, f->store, &key, &by);
	int64_t audits = fixture_number(f, "SELECT COUNT(*) FROM audit");
	use(f, "a", 1000000, 1);
	use(f, "a", 1000000 + API_KEY_USE_LEAST_MS - 1, 2);
	MUST(store_api_key_load, f->store, "a", &read, &found);
	assert_int_equal(read.last_used_at, 1000000);
	assert_string_equal(read.last_used_from, "10.0.0.1");
	assert_key_equal(&read, &key);
	use(f, "a", 1000000 + API_KEY_USE_LEAST_MS, 3);
	use(f, "a", 1000000, 4); /* late */
	MUST(store_api_key_load, f->store, "a", &read, &found);
	assert_int_equal(read.last_used_at, 1000000 + API_KEY_USE_LEAST_MS);
	assert_string_equal(read.last_used_from, "10.0.0.3");
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM audit"), audits);

	/* A change of the key keeps it. */
	struct store_api_key_change change = { .before = key.mac, .key = &key, .action = "edit" };
	MUST(store_api_key_change, f->store, &change, &by);
	MUST(store_api_key_load, f->store, "a", &read, &found);
	assert_int_equal(read.last_used_at, 1000000 + API_KEY_USE_LEAST_MS);
}

/* What an editor writes reads as something that no reader falls over; the MACs tell the rest. */
static void edited_decimals_read_within_their_bounds(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_accept(f, "one");
	fixture_edit(f, "UPDATE withdrawals SET decimals = 4711");
	assert_int_equal(fixture_load(f, row.intent.id).intent.decimals, DECIMALS_MAX);
	fixture_edit(f, "UPDATE withdrawals SET decimals = -1");
	assert_true(fixture_load(f, row.intent.id).intent.decimals <= DECIMALS_MAX);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_view_shows_the_newest_hash_then_the_mined_one),
		STORE_TEST(an_unknown_id_is_not_found),
		STORE_TEST(edited_decimals_read_within_their_bounds),
		STORE_TEST(a_list_is_one_accounts_newest_first),
		STORE_TEST(a_cursor_walks_without_gaps),
		STORE_TEST(filters_narrow_a_list_together),
		STORE_TEST(a_page_looks_at_so_many_rows),
		STORE_TEST(a_time_bounds_what_is_looked_at),
		STORE_TEST(a_list_shows_each_rows_transfer),
		STORE_TEST(a_list_has_an_account_and_an_end),
		STORE_TEST(events_are_read_in_order_from_where_one_was),
		STORE_TEST(keys_are_added_revoked_and_listed),
		STORE_TEST(a_key_is_added_once_and_changed_only_as_it_was_read),
		STORE_TEST(the_last_use_of_a_key_is_written_once_a_minute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
