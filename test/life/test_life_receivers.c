/* Receivers that nobody may pay: whatever the rules say, and whenever it becomes known. */
#include "life_world.h"

#include "adapter/deny_list_file.h"
#include "core/reason.h"
#include "core/refusal.h"

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
	life->cancels_by_signer = true;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_sanctioned_receiver),
		LIFE_TEST(test_sanctioned_receiver_after_the_approval),
		LIFE_TEST(test_sanctioned_receiver_while_the_list_is_away),
		LIFE_TEST(test_cancel_while_the_list_is_away),
	};
	return LIFE_MAIN(tests);
}
