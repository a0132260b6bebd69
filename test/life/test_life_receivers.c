/* Receivers that nobody may pay: whatever the rules say, and whenever it becomes known. */
#include "life_world.h"

#include "adapter/deny_list_file.h"
#include "core/reason.h"
#include "core/refusal.h"

#include "port/store_receivers.h"

#include <stdio.h>
#include <unistd.h>

static void list_put(struct life *life, const char *text)
{
	char path[96], next[96];
	snprintf(path, sizeof path, "%s/deny", life->dir);
	snprintf(next, sizeof next, "%s/deny-next", life->dir);
	FILE *file = fopen(next, "we");
	assert_non_null(file);
	fprintf(file, "0x00000000000000000000000000000000000000ff\n%s", text);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(next, path), 0);
}

static void list_put_address(struct life *life, struct address address)
{
	char text[ADDRESS_TEXT_LEN + 2];
	snprintf(text, sizeof text, "%s\n", address_text(address).at);
	list_put(life, text);
}

static void list_remove(struct life *life)
{
	char path[96];
	snprintf(path, sizeof path, "%s/deny", life->dir);
	(void)unlink(path);
}

/* From the next start of both on; the path outlives the test's frame. */
static char list_path[96];

static void list_configure(struct life *life)
{
	snprintf(list_path, sizeof list_path, "%s/deny", life->dir);
	list_put(life, "");
	life->deny_list = deny_list_file_new(list_path, &life->clock.base);
	life_restart(life, LIFE_PROCESSOR);
	life_restart(life, LIFE_SIGNER);
}

static void list_forget(struct life *life)
{
	struct deny_list *list = life->deny_list;
	life->deny_list = NULL;
	life_restart(life, LIFE_PROCESSOR);
	life_restart(life, LIFE_SIGNER);
	deny_list_close(list);
	list_remove(life);
}

/* A changed file is looked at twice. */
static void list_settle(struct life *life)
{
	for (int i = 0; i < 2; i++) {
		struct err err = { 0 };
		life_wait(life, 2000);
		if (!deny_list_look(life->deny_list, &err))
			printf("# %s\n", err.text);
	}
}

/* A signer that has started anew has to get at its wallets first. */
static void run_long(struct life *life)
{
	for (int i = 0; i < 3; i++) {
		life_run(life, 20);
		life_wait(life, 60000);
	}
	life_run(life, 20);
}

static void assert_rejected(struct life *life, const struct withdrawal *row, enum refusal refusal)
{
	life_assert_stage(life, row, WITHDRAWAL_REJECTED);
	assert_string_equal(life_view(life, row->intent.id).withdrawal.failure_code,
			    refusal_code(refusal));
	life_assert_unpaid(life, row);
}

static void test_sanctioned_receiver(void **state)
{
	struct life *life = *state;
	struct address receiver = life_fresh_address(life);
	list_configure(life);
	struct withdrawal before = life_accept(life, "POL", 1000);
	list_put_address(life, receiver);
	list_settle(life);
	struct withdrawal row = life_accept_to(life, "POL", 1000, receiver);
	run_long(life);
	assert_rejected(life, &row, REFUSAL_RECEIVER_DENIED);
	life_assert_paid(life, &before);
	list_forget(life);
}

/* Approved, waiting for its turn, and listed meanwhile: the signer looks for itself. */
static void test_sanctioned_receiver_after_the_approval(void **state)
{
	struct life *life = *state;
	list_configure(life);
	struct withdrawal row = life_accept(life, "POL", 1000);
	life_process(life);
	life_assert_stage(life, &row, WITHDRAWAL_QUEUED);
	list_put_address(life, row.intent.to);
	list_settle(life);
	run_long(life);
	assert_rejected(life, &row, REFUSAL_RECEIVER_DENIED);
	list_forget(life);
}

/* Without its file nobody is decided, and nobody who was is paid; with it, all are. */
static void test_sanctioned_receiver_while_the_list_is_away(void **state)
{
	struct life *life = *state;
	list_configure(life);
	struct withdrawal approved = life_accept(life, "POL", 1000);
	life_process(life);
	list_remove(life);
	life_wait(life, 2000);
	struct withdrawal row = life_accept(life, "POL", 1000);
	run_long(life);
	const char *code = reason_code(REASON_DENY_LIST_UNAVAILABLE);
	life_assert_stage(life, &row, WITHDRAWAL_ACCEPTED);
	life_assert_waits(life, &row, code);
	life_assert_stage(life, &approved, WITHDRAWAL_QUEUED);
	life_assert_waits(life, &approved, code);
	life_assert_unpaid(life, &row);
	life_assert_unpaid(life, &approved);
	assert_int_equal(life_alarms(life, "deny_list_unavailable"), 2);
	list_put(life, "");
	list_settle(life);
	run_long(life);
	life_assert_paid(life, &row);
	life_assert_paid(life, &approved);
	list_forget(life);
}

/* Whoever wants no payment any more is not kept waiting for a list. */
static void test_cancel_while_the_list_is_away(void **state)
{
	struct life *life = *state;
	life->ends_by_signer = true;
	list_configure(life);
	list_remove(life);
	life_wait(life, 2000);
	struct withdrawal row = life_accept(life, "POL", 1000);
	life_process(life);
	assert_true(life_cancel(life, &row));
	run_long(life);
	life_assert_stage(life, &row, WITHDRAWAL_CANCELED);
	life_assert_unpaid(life, &row);
	list_forget(life);
}

/* ---- receivers that look like others ---- */

#define WARY "{\"look_alikes\":\"deny\",\"rules\":[{\"name\":\"all\",\"effect\":\"allow\"}]}"

/* What dust is sent from: the same first and last digits, and others between them. */
static struct address look_alike(struct address address)
{
	for (size_t i = 2; i < ADDRESS_BYTES - 2; i++)
		address.bytes[i] ^= 0x5a;
	return address;
}

static void test_poisoned_address(void **state)
{
	struct life *life = *state;
	life_policy_set(life, WARY);
	struct withdrawal known = life_accept(life, "POL", 1000);
	life_run(life, 40);
	life_assert_paid(life, &known);
	struct withdrawal row = life_accept_to(life, "POL", 1000, look_alike(known.intent.to));
	life_run(life, 20);
	assert_rejected(life, &row, REFUSAL_RECEIVER_LOOKS_ALIKE);
	struct withdrawal again = life_accept_to(life, "TUSD", 1000, known.intent.to);
	life_run(life, 40);
	life_assert_stage(life, &again, WITHDRAWAL_COMPLETED);
}

/* Without a word of the policy it is paid, and a person hears of it each time. */
static void test_poisoned_address_is_told_of(void **state)
{
	struct life *life = *state;
	struct withdrawal known = life_accept(life, "POL", 1000);
	life_process(life);
	struct withdrawal row = life_accept_to(life, "POL", 1000, look_alike(known.intent.to));
	life_process(life);
	assert_int_equal(life_alarms(life, "receiver_looks_alike"), 1);
	struct withdrawal again = life_accept_to(life, "TUSD", 1000, look_alike(known.intent.to));
	life_run(life, 40);
	life_assert_stage(life, &row, WITHDRAWAL_COMPLETED);
	life_assert_stage(life, &again, WITHDRAWAL_COMPLETED);
	assert_int_equal(life_alarms(life, "receiver_looks_alike"), 2);
}

/* ---- contracts ---- */

#define NO_CONTRACTS                        \
	"{\"contract_receivers\":\"deny\"," \
	"\"rules\":[{\"name\":\"all\",\"effect\":\"allow\"}]}"

static void test_native_to_burning_contract_by_the_policy(void **state)
{
	struct life *life = *state;
	struct address contract = life_fresh_address(life);
	life_refuse(life, contract, false);
	life_policy_set(life, NO_CONTRACTS);
	struct withdrawal row = life_accept_to(life, "POL", 1000, contract);
	struct withdrawal person = life_accept(life, "POL", 1000);
	run_long(life);
	assert_rejected(life, &row, REFUSAL_RECEIVER_IS_CONTRACT);
	life_assert_paid(life, &person);
}

/* Nobody to ask: no answer is no payment, and no refusal either. */
static void test_native_to_burning_contract_when_no_node_answers(void **state)
{
	struct life *life = *state;
	struct address contract = life_fresh_address(life);
	struct chain *chain = life->ports.chain;
	life_refuse(life, contract, false);
	life_policy_set(life, NO_CONTRACTS);
	life->ports.chain = NULL;
	life_restart(life, LIFE_PROCESSOR);
	struct withdrawal row = life_accept_to(life, "POL", 1000, contract);
	life_run(life, 20);
	life_assert_stage(life, &row, WITHDRAWAL_ACCEPTED);
	life_assert_waits(life, &row, reason_code(REASON_CHAIN_UNAVAILABLE));
	life_assert_unpaid(life, &row);
	life->ports.chain = chain;
	life_restart(life, LIFE_PROCESSOR);
	life_wait(life, 60000);
	life_run(life, 10);
	assert_rejected(life, &row, REFUSAL_RECEIVER_IS_CONTRACT);
}

/* ---- receivers on the list ---- */

#define LISTED_ONLY                                                                      \
	"{\"rules\":[{\"name\":\"listed\",\"effect\":\"allow\",\"allow_listed\":true}]," \
	"\"look_alikes\":\"deny\"}"
#define LISTED_SOON                                                                      \
	"{\"rules\":[{\"name\":\"listed\",\"effect\":\"allow\",\"allow_listed\":true}]," \
	"\"allow_list\":{\"cooldown\":\"1m\"}}"
#define HOUR_MS INT64_C(3600000)

static struct store_by person(struct life *life)
{
	return (struct store_by){ .actor = ACTOR_PERSON,
				  .who = "ann",
				  .request_id = "",
				  .now_ms = clock_now_ms(&life->clock.base) };
}

static struct store_allow_entry entry_of(struct life *life, struct address receiver,
					 int64_t cooldown_ms)
{
	const struct mac_keys keys = { .keys = { { 1, life->keys_bytes[6] } }, .len = 1 };
	struct store_allow_entry entry = { .account = "default",
					   .chain_id = life->catalogue.chains[0].chain_id,
					   .receiver = receiver,
					   .label = "vault",
					   .added_by = "ann",
					   .added_at = clock_now_ms(&life->clock.base) };
	entry.active_at = entry.added_at + cooldown_ms;
	store_allow_seal(&keys, &entry);
	return entry;
}

static void entry_add(struct life *life, const struct store_allow_entry *entry)
{
	struct store_by by = person(life);
	struct err err = { 0 };
	bool added = false;
	assert_true(store_allow_add(life->store, entry, NULL, &by, &added, &err));
	assert_true(added);
}

static struct withdrawal order_of(struct life *life, struct address receiver)
{
	return life_accept_to(life, "POL", 1000, receiver);
}

/* It counts when it has cooled down; and who was taken off is off at once. */
static void test_allow_list_forged_by_a_newcomer(void **state)
{
	struct life *life = *state;
	struct address receiver = life_fresh_address(life);
	struct store_by by = person(life);
	struct err err = { 0 };
	bool removed = false;
	life_policy_set(life, LISTED_ONLY);
	struct store_allow_entry entry = entry_of(life, receiver, 24 * HOUR_MS);
	entry_add(life, &entry);
	life_wait(life, 23 * HOUR_MS);
	struct withdrawal early = order_of(life, receiver);
	life_process(life);
	assert_rejected(life, &early, REFUSAL_POLICY_NO_RULE);
	life_wait(life, HOUR_MS);
	struct withdrawal late = order_of(life, receiver);
	run_long(life);
	life_assert_paid(life, &late);
	assert_true(store_allow_remove(life->store, &entry, NULL, &by, &removed, &err));
	assert_true(removed);
	struct withdrawal off = life_accept_to(life, "TUSD", 1000, receiver);
	life_process(life);
	life_assert_stage(life, &off, WITHDRAWAL_REJECTED);
}

/* Who shortens the cool-down, and then adds a receiver, waits for a day all the same. */
static void test_allow_list_cooldown_shortened(void **state)
{
	struct life *life = *state;
	struct address receiver = life_fresh_address(life);
	life_policy_set(life, LISTED_SOON);
	struct store_allow_entry entry = entry_of(life, receiver, 60000);
	entry_add(life, &entry);
	life_wait(life, 20 * HOUR_MS);
	struct withdrawal early = order_of(life, receiver);
	life_process(life);
	assert_rejected(life, &early, REFUSAL_POLICY_NO_RULE);
	life_wait(life, 4 * HOUR_MS);
	struct withdrawal late = order_of(life, receiver);
	run_long(life);
	life_assert_paid(life, &late);
}

/* Who writes the store moves an entry to somebody else, or dates it back. */
static void test_allow_list_forged(void **state)
{
	struct life *life = *state;
	struct address receiver = life_fresh_address(life), other = life_fresh_address(life);
	uint8_t key[ALLOW_KEY_BYTES];
	life_policy_set(life, LISTED_ONLY);
	struct store_allow_entry entry = entry_of(life, receiver, 24 * HOUR_MS);
	entry_add(life, &entry);
	life_sql(life, "UPDATE allow_list SET active_at = 1, added_at = 1");
	struct withdrawal early = order_of(life, receiver);
	life_process(life);
	assert_rejected(life, &early, REFUSAL_POLICY_NO_RULE);
	assert_int_equal(life_alarms(life, "allow_list_seal_broken"), 1);
	store_allow_key("default", entry.chain_id, other, key);
	life_sql(life, "UPDATE allow_list SET active_at = %lld, added_at = %lld, entry_key = %s",
		 (long long)entry.active_at, (long long)entry.added_at, life_blob(key, sizeof key));
	life_wait(life, 25 * HOUR_MS);
	struct withdrawal moved = order_of(life, other);
	life_process(life);
	assert_rejected(life, &moved, REFUSAL_POLICY_NO_RULE);
	assert_int_equal(life_alarms(life, "allow_list_seal_broken"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_sanctioned_receiver),
		LIFE_TEST(test_sanctioned_receiver_after_the_approval),
		LIFE_TEST(test_sanctioned_receiver_while_the_list_is_away),
		LIFE_TEST(test_native_to_burning_contract_by_the_policy),
		LIFE_TEST(test_native_to_burning_contract_when_no_node_answers),
		LIFE_TEST(test_poisoned_address),
		LIFE_TEST(test_poisoned_address_is_told_of),
		LIFE_TEST(test_allow_list_forged_by_a_newcomer),
		LIFE_TEST(test_allow_list_cooldown_shortened),
		LIFE_TEST(test_allow_list_forged),
		LIFE_TEST(test_cancel_while_the_list_is_away),
	};
	return LIFE_MAIN(tests);
}
