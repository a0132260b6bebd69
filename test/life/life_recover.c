#include "life_recover.h"

#include "life_world.h"
#include "port/store_recover.h"

#include <stdio.h>
#include <unistd.h>

void recover_open(struct life *life, bool journal_lost, bool accepts_strangers)
{
	life->recovers = true;
	life->journal_lost = journal_lost;
	life->accepts_strangers = accepts_strangers;
	life_restart(life, LIFE_SIGNER);
	life_restart(life, LIFE_MONITOR);
}

void recover_close(struct life *life)
{
	life->recovers = life->journal_lost = life->accepts_strangers = false;
	life_restart(life, LIFE_SIGNER);
	life_restart(life, LIFE_MONITOR);
}

void recover_begin(struct life *life)
{
	struct err err = { 0 };
	if (!signer_recover_begin(life->signer, &err))
		fail_msg("%s", err.text);
}

void recover_refuses(struct life *life, const char *word)
{
	struct err err = { 0 };
	assert_false(signer_recover_begin(life->signer, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, word));
}

enum signer_recovery_phase recover_step_dry(struct life *life)
{
	struct signer_recovery state = { .phase = RECOVERY_READING };
	struct err err = { 0 };
	bool worked = false;
	if (!signer_recover_step(life->signer, &state, &worked, &err))
		fail_msg("%s", err.text);
	if (state.phase != RECOVERY_READING && state.phase != RECOVERY_DONE)
		life_watch(life);
	return state.phase;
}

enum signer_recovery_phase recover_step(struct life *life)
{
	enum signer_recovery_phase phase = recover_step_dry(life);
	life_mine(life, 1);
	life_wait(life, 500);
	return phase;
}

void recover_read(struct life *life)
{
	enum signer_recovery_phase phase = RECOVERY_READING;
	for (int i = 0; i < 100 && phase == RECOVERY_READING; i++)
		phase = recover_step(life);
	assert_int_not_equal(phase, RECOVERY_READING);
}

void recover_ends_refused(struct life *life)
{
	struct err err = { 0 };
	struct signer_recovery state = { .phase = RECOVERY_READING };
	bool worked = false;
	bool goes_on = true;
	for (int i = 0; i < 500 && goes_on && state.phase != RECOVERY_DONE; i++) {
		goes_on = signer_recover_step(life->signer, &state, &worked, &err);
		if (goes_on && state.phase != RECOVERY_READING)
			life_watch(life);
		life_mine(life, 1);
		life_wait(life, 500);
	}
	assert_false(goes_on);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "old one"));
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM wallets WHERE stop_reason = 'recovering'",
			    NULL),
		life->catalogue.wallets_len);
}

void recover_mark(struct life *life)
{
	struct store_by by = { .actor = ACTOR_PERSON,
			       .who = "restore",
			       .request_id = "-",
			       .now_ms = clock_now_ms(&life->clock.base) };
	struct store_incarnation last;
	uint64_t number = 0;
	struct err err = { 0 };
	if (!store_incarnation_load(life->store, &last, &err) ||
	    !store_recover_begin(life->store, last.number + 1, false, &by, &number, &err))
		fail_msg("%s", err.text);
}

void recover_run(struct life *life)
{
	enum signer_recovery_phase phase = RECOVERY_READING;
	for (int i = 0; i < 500 && phase != RECOVERY_DONE; i++)
		phase = recover_step(life);
	assert_int_equal(phase, RECOVERY_DONE);
	recover_close(life);
	assert_int_equal(life_number(life,
				     "SELECT count(*) FROM wallets WHERE stop_reason = 'recovered'",
				     NULL),
			 life->catalogue.wallets_len);
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
}

void journal_lose(struct life *life)
{
	char path[112];
	life_stop(life);
	snprintf(path, sizeof path, "%s/journal.db", life->dir);
	assert_int_equal(unlink(path), 0);
	life_start(life);
}

void journal_keep(struct life *life)
{
	life_sql(life, "ATTACH '%s/journal.db' AS journal; VACUUM journal INTO '%s/kept.db'",
		 life->dir, life->dir);
}

void journal_revive(struct life *life)
{
	char path[112];
	char kept[112];
	life_stop(life);
	snprintf(path, sizeof path, "%s/journal.db", life->dir);
	snprintf(kept, sizeof kept, "%s/kept.db", life->dir);
	assert_int_equal(rename(kept, path), 0);
	life_start(life);
}

void settle(struct life *life)
{
	life_wait(life, 16000);
	life_run(life, 10);
}

static void decided_run(struct life *life)
{
	for (int i = 0; i < 4; i++) {
		life_wait(life, 1000);
		life_run(life, 4);
	}
}

void both_decide(struct life *life, const struct withdrawal *row, const struct hash32 *paid_by)
{
	life_decide(life, row, "ann", paid_by);
	life_decide(life, row, "ben", paid_by);
	decided_run(life);
}

void both_name_another(struct life *life, const struct withdrawal *row, struct hash32 paid_another)
{
	life_decide_another(life, row, "ann", paid_another);
	life_decide_another(life, row, "ben", paid_another);
	decided_run(life);
}

void assert_received(struct life *life, const char *symbol, const struct withdrawal *row,
		     uint64_t units)
{
	assert_true(u256_equal(life_balance(life, symbol, row->intent.to), u256_from_u64(units)));
}

void assert_waits_for_people(struct life *life, const struct withdrawal *row, const char *reason)
{
	struct withdrawal now = life_view(life, row->intent.id).withdrawal;
	assert_string_equal(now.held_reason, reason);
	assert_int_equal(now.stage, WITHDRAWAL_QUEUED);
}
