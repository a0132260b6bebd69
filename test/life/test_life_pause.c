/* Pause switches: whatever people stop, whenever they do, nothing that was not out gets out; what
 * was goes on; and afterwards everybody is paid. */
#include "life_fault.h"
#include "life_world.h"

#include "adapter/freeze_file.h"
#include "port/store_control.h"

#include <unistd.h>

#define RESUME_MS 6000 /* past the time after which a paused row is looked at again */

static struct mac_keys controls_keys(const struct life *life)
{
	return (struct mac_keys){ .keys = { { 1, life->keys_bytes[4] } }, .len = 1 };
}

static void set_write(struct life *life, struct control_set *set, uint64_t version, bool resets)
{
	const struct mac_keys keys = controls_keys(life);
	struct store_by by = { .actor = ACTOR_PERSON,
			       .who = "ann",
			       .request_id = "",
			       .now_ms = clock_now_ms(&life->clock.base) };
	struct store_control_change change = {
		.version = version, .set = set, .resets = resets, .action = "paused", .detail = "{}"
	};
	struct err err = { 0 };
	control_set_seal(&keys, set);
	assert_true(store_controls_change(life->store, &change, &by, &err));
	assert_true(change.applied);
}

static struct control_set set_load(struct life *life)
{
	struct control_set set;
	struct err err = { 0 };
	assert_true(store_controls_load(life->store, &set, &err));
	return set;
}

static void stop(struct life *life, enum control_scope scope, const char *name, unsigned stops)
{
	struct control_set set = set_load(life);
	uint64_t version = set.version;
	struct control row = { .scope = scope, .stops = stops, .who = "ann", .reason = "drill" };
	assert_true(control_name_read(scope, str_from(name), row.name));
	assert_true(control_set_put(&set, &row, clock_now_ms(&life->clock.base)));
	set_write(life, &set, version, false);
}

static void lift_all(struct life *life)
{
	struct control_set set = set_load(life);
	uint64_t version = set.version;
	while (set.len > 0) {
		struct control row = set.rows[0];
		assert_true(control_set_lift(&set, row.scope, row.name, CONTROL_STOPS_ALL, 1));
	}
	set_write(life, &set, version, false);
}

/* What people do when a set is in doubt: all is paused anew, and that compared, and lifted. */
static void reset(struct life *life)
{
	struct control_set set = set_load(life);
	uint64_t version = set.version;
	struct control row = { .scope = CONTROL_ALL, .stops = CONTROL_SIGNING, .who = "ann" };
	set.len = 0;
	set.is_cut = false;
	assert_true(control_set_put(&set, &row, 1));
	set.version = set.reset_version = (uint64_t)clock_now_ms(&life->clock.base);
	set_write(life, &set, version, true);
}

/* ---- what is out ---- */

struct out {
	int64_t slots, signed_slots, sent_slots, attempts;
};

static struct out out_of(struct life *life)
{
	return (struct out){
		.slots = life_number(life, "SELECT count(*) FROM transfers", NULL),
		.signed_slots =
			life_number(life, "SELECT count(DISTINCT transfer_id) FROM attempts", NULL),
		.sent_slots = life_number(
			life, "SELECT count(DISTINCT transfer_id) FROM attempts WHERE sent_at > 0",
			NULL),
		.attempts = life_number(life, "SELECT count(*) FROM attempts", NULL),
	};
}

static void assert_nothing_new(struct life *life, struct out before)
{
	struct out now = out_of(life);
	assert_int_equal(now.slots, before.slots);
	assert_int_equal(now.signed_slots, before.signed_slots);
	assert_int_equal(now.sent_slots, before.sent_slots);
}

static void resume_and_pay(struct life *life, const struct withdrawal *rows, size_t n)
{
	lift_all(life);
	life_wait(life, RESUME_MS);
	life_run(life, 8);
	for (size_t i = 0; i < n; i++)
		life_assert_paid(life, &rows[i]);
	life_assert_settled(life);
}

/* ---- between any two steps ---- */

static struct {
	enum control_scope scope;
	const char *name;
	struct out out;
	bool was_out; /* the row that it was about */
} strike;

static void pause_strikes(struct life *life, const struct withdrawal *row)
{
	struct store_view view = life_view(life, row->intent.id);
	stop(life, strike.scope, strike.name, CONTROL_SIGNING);
	strike.out = out_of(life);
	strike.was_out = view.has_transfer && view.transfer.stage >= TRANSFER_BROADCAST;
}

/* The last look was before the send: what is on its way to the node goes. */
static bool is_on_its_way(const struct life *life)
{
	const char *hit = life_fault_hit(life);
	return strcmp(hit, "chain_send_many") == 0 || strcmp(hit, "store_attempts_sent") == 0;
}

/* One call of the signer is the one before which people pause. False: there are no more. */
static bool pause_before_call(struct life *life, uint64_t at, const char *symbol)
{
	struct withdrawal row = life_accept(life, symbol, 4000 + at);
	life_process(life);
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.at = at,
							.act = pause_strikes,
							.row = &row });
	life_sign(life);
	bool any = life_fault_hit(life)[0] != 0;
	bool on_its_way = is_on_its_way(life);
	life_fault_clear(life);
	if (any) {
		strike.out.sent_slots += on_its_way ? 1 : 0;
		struct out out = out_of(life);
		assert_true(out.sent_slots <= strike.out.sent_slots);
		strike.out.sent_slots = out.sent_slots;
		for (int i = 0; i < 2; i++) {
			life_wait(life, RESUME_MS);
			life_run(life, 1);
		}
		assert_nothing_new(life, strike.out);
		lift_all(life);
	}
	life_wait(life, RESUME_MS);
	life_run(life, 14);
	life_assert_paid(life, &row);
	return any;
}

static void pause_everywhere(struct life *life, enum control_scope scope, const char *name,
			     const char *symbol)
{
	uint64_t at = 1;
	strike.scope = scope;
	strike.name = name;
	life_fault_install(life);
	while (pause_before_call(life, at, symbol))
		at++;
	print_message("  paused before each of %llu calls\n", (unsigned long long)at - 1);
	assert_true(at > 15);
	life_assert_settled(life);
	life_assert_quiet(life);
}

static void test_paid_while_paused_between_any_two_steps(void **state)
{
	pause_everywhere(*state, CONTROL_ALL, "", "POL");
}

static void test_paid_while_paused_by_chain(void **state)
{
	pause_everywhere(*state, CONTROL_CHAIN, "31337", "TUSD");
}

static void stranger_toggles(struct life *life, const struct withdrawal *row)
{
	(void)row;
	if (set_load(life).len > 0)
		lift_all(life);
	else
		stop(life, CONTROL_ACCOUNT, "stranger", CONTROL_SIGNING);
}

/* Somebody turns his own account's switch whenever a node is asked: others are reserved, as ever.
 */
static void test_strangers_switch_keeps_nobody_waiting(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "TUSD", 4000);
	life_process(life);
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = "chain_estimate_many",
							.act = stranger_toggles,
							.row = &row });
	life_sign(life);
	assert_true(life_fault_seen(life) > 0);
	life_fault_clear(life);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.stage, WITHDRAWAL_ASSIGNED);
	life_run(life, 14);
	life_assert_paid(life, &row);
}

/* And whenever a key signs: what others are paid by is stored, as ever. */
static void test_strangers_switch_stores_what_others_are_paid_by(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "TUSD", 4001);
	life_process(life);
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = "keys_sign_many",
							.act = stranger_toggles,
							.row = &row });
	life_sign(life);
	assert_true(life_fault_seen(life) > 0);
	life_fault_clear(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_BROADCAST);
	life_run(life, 14);
	life_assert_paid(life, &row);
}

/* Its bytes are stored, and people are quicker than the send. */
static void test_paid_while_paused_right_before_the_send(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	for (uint64_t i = 0; i < 2; i++) {
		struct withdrawal row = life_accept(life, "POL", 4100 + i);
		strike.scope = i == 0 ? CONTROL_ALL : CONTROL_ACCOUNT;
		strike.name = i == 0 ? "" : row.intent.account;
		life_process(life);
		life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_AFTER,
								.call = "store_attempts_add",
								.at = 1,
								.act = pause_strikes,
								.row = &row });
		life_sign(life);
		life_fault_clear(life);
		life_run(life, 2);
		assert_nothing_new(life, strike.out);
		life_assert_unpaid(life, &row);
		lift_all(life);
		life_wait(life, RESUME_MS);
		life_run(life, 8);
		life_assert_paid(life, &row);
	}
}

/* Slots that were reserved turn into their self-transfers, which are signed and sent: nothing that
 * pays is. */
static void test_paid_while_paused_by_account(void **state)
{
	struct life *life = *state;
	uint64_t at = 1;
	bool any = true;
	life_fault_install(life);
	strike.scope = CONTROL_ACCOUNT;
	for (; any; at++) {
		struct withdrawal row = life_accept(life, "POL", 5000 + at);
		strike.name = row.intent.account;
		life_process(life);
		life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
								.at = at,
								.act = pause_strikes,
								.row = &row });
		life_sign(life);
		strike.was_out |= is_on_its_way(life);
		any = life_fault_hit(life)[0] != 0;
		life_fault_clear(life);
		life_run(life, 12);
		if (any && !strike.was_out)
			life_assert_unpaid(life, &row);
		if (any)
			lift_all(life);
		life_wait(life, RESUME_MS);
		life_run(life, 12);
		life_assert_paid(life, &row);
	}
	assert_true(at > 15);
	life_assert_settled(life);
}

/* ---- what is there when they pause ---- */

/* A slot that is reserved, and no more: its key was away. */
static struct withdrawal reserved(struct life *life, const char *symbol, uint64_t units)
{
	struct withdrawal row = life_accept(life, symbol, units);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "keys_sign_many", 0);
	life_sign(life);
	life_fault_clear(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_RESERVED);
	life_wait(life, 20000); /* keys that were away are asked again */
	return row;
}

/* A slot whose bytes are stored, and were never sent. */
static struct withdrawal signed_only(struct life *life, const char *symbol, uint64_t units)
{
	struct withdrawal row = life_accept(life, symbol, units);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_LOSE, "store_attempts_add", 1);
	life_sign(life);
	life_fault_clear(life);
	return row;
}

static void test_paid_while_paused_reserved_slot_waits(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	for (int i = 0; i < 3; i++) {
		struct withdrawal row = reserved(life, "POL", 6000 + (uint64_t)i);
		struct transfer slot = life_view(life, row.intent.id).transfer;
		struct out before = out_of(life);
		if (i == 0)
			stop(life, CONTROL_WALLET, address_text(slot.wallet).at, CONTROL_SIGNING);
		else if (i == 1)
			stop(life, CONTROL_CHAIN, "31337", CONTROL_SIGNING);
		else
			stop(life, CONTROL_ALL, "", CONTROL_SIGNING);
		life_run(life, 3);
		assert_nothing_new(life, before);
		assert_false(life_view(life, row.intent.id).transfer.is_cancel);
		resume_and_pay(life, &row, 1);
		assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 0);
	}
	life_assert_quiet(life);
}

static void test_paid_while_paused_reserved_slot_turns(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	for (int i = 0; i < 2; i++) {
		struct withdrawal row = reserved(life, "TUSD", 6100 + (uint64_t)i);
		struct id slot = life_view(life, row.intent.id).transfer.id;
		if (i == 0)
			stop(life, CONTROL_ACCOUNT, row.intent.account, CONTROL_SIGNING);
		else
			stop(life, CONTROL_ASSET, "31337/TUSD", CONTROL_SIGNING);
		life_run(life, 14);
		life_assert_unpaid(life, &row);
		assert_int_equal(
			life_number(life, "SELECT is_cancel FROM transfers WHERE id = ?", &slot),
			1);
		life_assert_waits(life, &row, "paused");
		/* Nobody else waits behind it. */
		struct withdrawal other = life_accept(life, "POL", 6150 + (uint64_t)i);
		if (i == 1) {
			life_run(life, 8);
			life_assert_paid(life, &other);
		}
		resume_and_pay(life, &row, 1);
		life_assert_paid(life, &other);
		assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 1);
	}
}

static void test_signed_slot_is_not_sent_for_the_first_time(void **state)
{
	struct life *life = *state;
	const char *const names[] = { "", "31337", "TUSD", NULL };
	const enum control_scope scopes[] = { CONTROL_ALL, CONTROL_CHAIN, CONTROL_ASSET,
					      CONTROL_ACCOUNT };
	life_fault_install(life);
	for (size_t i = 0; i < COUNT_OF(scopes); i++) {
		struct withdrawal row = signed_only(life, "TUSD", 6200 + i);
		struct out before = out_of(life);
		stop(life, scopes[i], names[i] == NULL ? row.intent.account : names[i],
		     CONTROL_SIGNING);
		life_run(life, 3);
		life_restart(life, LIFE_SIGNER);
		life_run(life, 3);
		assert_nothing_new(life, before);
		resume_and_pay(life, &row, 1);
	}
	life_assert_quiet(life);
}

/* An editor who makes the row another account's gets its bytes no further. */
static void test_pause_undone_by_another_account(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = signed_only(life, "TUSD", 6300);
	struct out before = out_of(life);
	const char *id = life_blob(row.intent.id.bytes, sizeof row.intent.id.bytes);
	stop(life, CONTROL_ACCOUNT, row.intent.account, CONTROL_SIGNING);
	life_sql(life, "UPDATE withdrawals SET account = 'umbra', asset = 'POL' WHERE id = %s", id);
	life_run(life, 3);
	assert_nothing_new(life, before);
	life_sql(life, "DELETE FROM transfer_items WHERE withdrawal_id = %s", id);
	life_run(life, 3);
	assert_nothing_new(life, before);
	life_assert_unpaid(life, &row);
}

/* ---- what was out goes on ---- */

static struct withdrawal sent(struct life *life, uint64_t units)
{
	struct withdrawal row = life_accept(life, "POL", units);
	life_process(life);
	life_sign(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_BROADCAST);
	return row;
}

static void test_what_is_out_is_bumped_and_canceled_under_pause(void **state)
{
	struct life *life = *state;
	struct withdrawal fast = sent(life, 6400);
	struct withdrawal gone = sent(life, 6401);
	stop(life, CONTROL_ALL, "", CONTROL_SIGNING | CONTROL_INTAKE);
	life_wait(life, 3000);
	assert_true(life_speed_up(life, &fast));
	assert_true(life_cancel(life, &gone));
	life_sign(life);
	assert_int_equal(life_view(life, fast.intent.id).attempts, 2);
	assert_int_equal(life_view(life, gone.intent.id).attempts, 2);
	life_run(life, 14);
	life_assert_paid(life, &fast);
	life_assert_stage(life, &gone, WITHDRAWAL_CANCELED);
	life_assert_unpaid(life, &gone);
}

/* Not even that leaves: by a switch, or by a file beside the signer. */
static void frozen_sends_nothing(struct life *life, const struct withdrawal *rows)
{
	struct out before = out_of(life);
	int64_t sends = life_number(life, "SELECT max(sent_at) FROM attempts", NULL);
	life_drop_pool(life);
	life_wait(life, 3000);
	assert_true(life_speed_up(life, &rows[0]));
	assert_true(life_cancel(life, &rows[1]));
	for (int i = 0; i < 4; i++) {
		life_process(life);
		life_sign(life);
		life_wait(life, 3000);
		life_watch(life);
	}
	assert_nothing_new(life, before);
	assert_int_equal(out_of(life).attempts, before.attempts);
	assert_int_equal(life_number(life, "SELECT max(sent_at) FROM attempts", NULL), sends);
}

static void test_frozen_switch_stops_every_send(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[3] = { sent(life, 6500), sent(life, 6501) };
	rows[2] = life_accept(life, "POL", 6502);
	stop(life, CONTROL_WALLET,
	     address_text(life_view(life, rows[0].intent.id).transfer.wallet).at,
	     CONTROL_BROADCAST);
	stop(life, CONTROL_CHAIN, "31337", CONTROL_BROADCAST);
	frozen_sends_nothing(life, rows);
	lift_all(life);
	life_wait(life, RESUME_MS);
	life_run(life, 16);
	life_assert_paid(life, &rows[0]);
	life_assert_stage(life, &rows[1], WITHDRAWAL_CANCELED);
	life_assert_paid(life, &rows[2]);
}

/* Its client cancels it, and the cancellation would cost too much today: the newest bytes are the
 * payment still, and go nowhere. */
static void test_frozen_account_though_its_cancellation_is_too_dear(void **state)
{
	struct life *life = *state;
	struct withdrawal row = sent(life, 6510);
	struct wei most = life->catalogue.chains[0].fees.cap_max;
	struct out before = out_of(life);
	int64_t sends = life_number(life, "SELECT max(sent_at) FROM attempts", NULL);
	stop(life, CONTROL_ACCOUNT, row.intent.account, CONTROL_BROADCAST);
	life_drop_pool(life);
	life->catalogue.chains[0].fees.cap_max = (struct wei){ u256_from_u64(1) };
	life_wait(life, 3000);
	assert_true(life_cancel(life, &row));
	for (int i = 0; i < 4; i++) {
		life_sign(life);
		life_wait(life, 3000);
		life_watch(life);
	}
	assert_nothing_new(life, before);
	assert_int_equal(life_number(life, "SELECT max(sent_at) FROM attempts", NULL), sends);
	life->catalogue.chains[0].fees.cap_max = most;
	lift_all(life);
	life_wait(life, RESUME_MS);
	life_run(life, 14);
	life_assert_stage(life, &row, WITHDRAWAL_CANCELED);
	life_assert_unpaid(life, &row);
}

static void test_frozen_by_a_file(void **state)
{
	struct life *life = *state;
	char path[96];
	snprintf(path, sizeof path, "%s/freeze", life->dir);
	struct freeze_file file = freeze_file_of(path);
	life->freeze = &file.base;
	life_restart(life, LIFE_SIGNER);
	struct withdrawal rows[3] = { sent(life, 6510), sent(life, 6511) };
	rows[2] = life_accept(life, "POL", 6512);
	FILE *made = fopen(path, "w");
	assert_non_null(made);
	fclose(made);
	frozen_sends_nothing(life, rows);
	assert_int_equal(life_alarms(life, "signer_frozen"), 1);
	assert_int_equal(unlink(path), 0);
	life_wait(life, RESUME_MS);
	life_run(life, 16);
	life_assert_paid(life, &rows[0]);
	life_assert_stage(life, &rows[1], WITHDRAWAL_CANCELED);
	life_assert_paid(life, &rows[2]);
	life->freeze = NULL;
	life_restart(life, LIFE_SIGNER);
}

/* A file that nobody can look for is one that may be there. */
static void test_freeze_file_out_of_sight(void **state)
{
	struct life *life = *state;
	char path[96];
	snprintf(path, sizeof path, "%s/store.db/freeze", life->dir);
	struct freeze_file hidden = freeze_file_of(path);
	assert_true(freeze_is_set(&hidden.base));
	snprintf(path, sizeof path, "%s/freeze", life->dir);
	struct freeze_file absent = freeze_file_of(path);
	assert_false(freeze_is_set(&absent.base));
}

/* ---- editors ---- */

static void head_restore(struct life *life)
{
	life_sql(life, "DELETE FROM controls_head");
	life_sql(life, "INSERT INTO controls_head SELECT * FROM kept");
}

/* What is done to the rows of a pause pays nobody; in `dies` the signer does not even remember. */
static void edit_pays_nobody(struct life *life, const char *const edits[], bool dies)
{
	struct withdrawal row = life_accept(life, "POL", 6600);
	size_t alarms = life_alarms(life, "controls_doubted");
	stop(life, CONTROL_ALL, "", CONTROL_SIGNING);
	life_run(life, 2);
	life_assert_waits(life, &row, "paused");
	struct out before = out_of(life);
	for (size_t i = 0; edits[i] != NULL; i++)
		life_sql(life, "%s", edits[i]);
	if (dies)
		life_restart(life, LIFE_SIGNER);
	for (int i = 0; i < 3; i++) {
		life_wait(life, RESUME_MS);
		life_run(life, 1);
	}
	assert_nothing_new(life, before);
	life_assert_unpaid(life, &row);
	assert_true(life_alarms(life, "controls_doubted") > alarms);
	/* Until people have looked. */
	reset(life);
	life_wait(life, RESUME_MS);
	life_run(life, 2);
	assert_nothing_new(life, before);
	resume_and_pay(life, &row, 1);
}

#define EDIT_TEST(name, dies, ...)                                        \
	static void name(void **state)                                    \
	{                                                                 \
		static const char *const edits[] = { __VA_ARGS__, NULL }; \
		edit_pays_nobody(*state, edits, dies);                    \
	}

EDIT_TEST(test_pause_undone_row_deleted, false, "DELETE FROM controls")
EDIT_TEST(test_pause_undone_row_deleted_and_restart, true, "DELETE FROM controls")
EDIT_TEST(test_pause_undone_head_deleted, false, "DELETE FROM controls",
	  "DELETE FROM controls_head")
EDIT_TEST(test_pause_undone_as_if_never_set, true, "DELETE FROM controls",
	  "UPDATE controls_head SET version = 0, reset_version = 0, mac_key_id = 0, mac = ''")
EDIT_TEST(test_pause_undone_row_edited, false, "UPDATE controls SET stops = 1")
EDIT_TEST(test_pause_undone_mac_forged, false, "UPDATE controls SET stops = 1",
	  "UPDATE controls_head SET version = version + 1, mac = randomblob(32)")
EDIT_TEST(test_pause_undone_scope_edited, true, "UPDATE controls SET scope = 4, name = 'umbra'")

/* A set that was valid once, from before the pause. */
static void old_set_back(struct life *life, bool dies)
{
	struct withdrawal row = life_accept(life, "POL", 6700);
	stop(life, CONTROL_ACCOUNT, "umbra", CONTROL_INTAKE);
	life_sql(life, "CREATE TABLE kept AS SELECT * FROM controls_head");
	life_sql(life, "CREATE TABLE kept_rows AS SELECT * FROM controls");
	stop(life, CONTROL_ALL, "", CONTROL_SIGNING);
	life_run(life, 2);
	struct out before = out_of(life);
	head_restore(life);
	life_sql(life, "DELETE FROM controls");
	life_sql(life, "INSERT INTO controls SELECT * FROM kept_rows");
	if (dies)
		life_restart(life, LIFE_SIGNER);
	life_wait(life, RESUME_MS);
	life_run(life, 2);
	assert_nothing_new(life, before);
	assert_int_equal(life_alarms(life, "controls_doubted"), 1);
	/* Nor by what people set on top of it without having seen that. */
	stop(life, CONTROL_ACCOUNT, "vega", CONTROL_INTAKE);
	life_wait(life, RESUME_MS);
	life_run(life, 2);
	stop(life, CONTROL_ACCOUNT, "wren", CONTROL_INTAKE);
	life_wait(life, RESUME_MS);
	life_run(life, 2);
	assert_nothing_new(life, before);
	life_assert_unpaid(life, &row);
	reset(life);
	life_wait(life, RESUME_MS);
	life_run(life, 2);
	resume_and_pay(life, &row, 1);
}

static void test_pause_undone_old_set_back(void **state)
{
	old_set_back(*state, false);
}

static void test_pause_undone_old_set_back_and_restart(void **state)
{
	old_set_back(*state, true);
}

/* As another signer does that shares the journal. */
static void journal_by_another_signer(struct life *life)
{
	struct control_set set = set_load(life);
	struct journal_entry entry = { .has_controls = true,
				       .controls = { .version = set.version, .time_ms = 1 } };
	enum journal_verdict verdict;
	struct err err = { 0 };
	memcpy(entry.controls.mac, set.mac.bytes, sizeof entry.controls.mac);
	assert_true(journal_append_many(life->journal, &entry, 1, &verdict, &err));
	assert_int_equal(verdict, JOURNAL_WRITTEN);
}

/* It was put back before this signer had a look at the newer one; another had. */
static void test_pause_undone_before_the_other_signer_looked(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", 6750);
	stop(life, CONTROL_ACCOUNT, "umbra", CONTROL_INTAKE);
	life_sign(life); /* no message yet: it has seen the switches, and nobody to pay */
	life_sql(life, "CREATE TABLE kept AS SELECT * FROM controls_head");
	life_sql(life, "CREATE TABLE kept_rows AS SELECT * FROM controls");
	stop(life, CONTROL_ALL, "", CONTROL_SIGNING);
	journal_by_another_signer(life);
	head_restore(life);
	life_sql(life, "DELETE FROM controls");
	life_sql(life, "INSERT INTO controls SELECT * FROM kept_rows");
	struct out before = out_of(life);
	life_wait(life, RESUME_MS);
	life_run(life, 2);
	assert_nothing_new(life, before);
	life_assert_unpaid(life, &row);
	assert_int_equal(life_alarms(life, "controls_doubted"), 1);
	reset(life);
	life_wait(life, RESUME_MS);
	life_run(life, 2);
	resume_and_pay(life, &row, 1);
}

/* Another set of that number: the one that this signer believed is not believed again. */
static void test_pause_undone_by_another_set_of_its_number(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", 6760);
	stop(life, CONTROL_ACCOUNT, "umbra", CONTROL_INTAKE);
	life_sign(life);
	stop(life, CONTROL_ALL, "", CONTROL_SIGNING);
	journal_by_another_signer(life);
	struct control_set set = set_load(life);
	life_sql(life, "DELETE FROM controls");
	life_sql(life, "UPDATE controls_head SET version = 1");
	set.len = 0;
	set_write(life, &set, 1, false);
	life_sign(life);
	struct out before = out_of(life);
	life_wait(life, RESUME_MS);
	life_run(life, 2);
	set = set_load(life);
	set.version++;
	set_write(life, &set, set.version - 1, false);
	life_wait(life, RESUME_MS);
	life_run(life, 2);
	assert_nothing_new(life, before);
	life_assert_unpaid(life, &row);
	reset(life);
	life_wait(life, RESUME_MS);
	life_run(life, 2);
	resume_and_pay(life, &row, 1);
}

/* Nobody can read them: nothing new, and what was out goes on. */
static void test_pause_undone_unreadable(void **state)
{
	struct life *life = *state;
	struct withdrawal out = sent(life, 6800);
	struct withdrawal row = life_accept(life, "POL", 6801);
	struct out before = out_of(life);
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "store_controls_load", 0);
	life_run(life, 8);
	life_fault_clear(life);
	assert_nothing_new(life, before);
	life_assert_paid(life, &out);
	life_assert_waits(life, &row, "paused");
	life_wait(life, RESUME_MS);
	life_run(life, 8);
	life_assert_paid(life, &row);
}

/* A freeze that was believed holds when its row is taken out. */
static void test_pause_undone_freeze_deleted(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2] = { sent(life, 6900), sent(life, 6901) };
	stop(life, CONTROL_ALL, "", CONTROL_BROADCAST);
	life_sign(life);
	life_sql(life, "DELETE FROM controls");
	frozen_sends_nothing(life, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_paid_while_paused_between_any_two_steps),
		LIFE_TEST(test_strangers_switch_keeps_nobody_waiting),
		LIFE_TEST(test_strangers_switch_stores_what_others_are_paid_by),
		LIFE_TEST(test_paid_while_paused_right_before_the_send),
		LIFE_TEST(test_paid_while_paused_by_chain),
		LIFE_TEST(test_paid_while_paused_by_account),
		LIFE_TEST(test_paid_while_paused_reserved_slot_waits),
		LIFE_TEST(test_paid_while_paused_reserved_slot_turns),
		LIFE_TEST(test_signed_slot_is_not_sent_for_the_first_time),
		LIFE_TEST(test_pause_undone_by_another_account),
		LIFE_TEST(test_what_is_out_is_bumped_and_canceled_under_pause),
		LIFE_TEST(test_frozen_switch_stops_every_send),
		LIFE_TEST(test_frozen_account_though_its_cancellation_is_too_dear),
		LIFE_TEST(test_frozen_by_a_file),
		LIFE_TEST(test_freeze_file_out_of_sight),
		LIFE_TEST(test_pause_undone_before_the_other_signer_looked),
		LIFE_TEST(test_pause_undone_by_another_set_of_its_number),
		LIFE_TEST(test_pause_undone_row_deleted),
		LIFE_TEST(test_pause_undone_row_deleted_and_restart),
		LIFE_TEST(test_pause_undone_head_deleted),
		LIFE_TEST(test_pause_undone_as_if_never_set),
		LIFE_TEST(test_pause_undone_row_edited),
		LIFE_TEST(test_pause_undone_mac_forged),
		LIFE_TEST(test_pause_undone_scope_edited),
		LIFE_TEST(test_pause_undone_old_set_back),
		LIFE_TEST(test_pause_undone_old_set_back_and_restart),
		LIFE_TEST(test_pause_undone_unreadable),
		LIFE_TEST(test_pause_undone_freeze_deleted),
	};
	return LIFE_MAIN(tests);
}
