#include "sim/fault.h"

#include "base/check.h"

#define SIM_CALL_TEXT(name, text, writes)   [SIM_CALL_##name] = text,
#define SIM_CALL_WRITES(name, text, writes) [SIM_CALL_##name] = writes,

static const char *const call_texts[SIM_CALLS] = { SIM_CALL_LIST(SIM_CALL_TEXT) };
static const bool call_writes[SIM_CALLS] = { SIM_CALL_LIST(SIM_CALL_WRITES) };

static const char *const fault_texts[SIM_FAULTS] = {
	[SIM_FAIL] = "fails",
	[SIM_LOSE] = "answer lost",
	[SIM_KILL_BEFORE] = "killed before",
	[SIM_KILL_AFTER] = "killed after",
	[SIM_PAUSE] = "stands still",
};

static const char *const family_texts[SIM_FAMILIES] = {
	"crash",  "store",   "journal",   "keys",    "node",     "messages", "reorg",
	"fees",   "clock",   "pause",     "overlap", "receiver", "cancel",   "funds",
	"editor", "foreign", "take-back", "liar",    "restore",  "controls", "approvals",
};

const char *sim_call_text(enum sim_call call)
{
	CHECK(call < SIM_CALLS);
	return call_texts[call];
}

bool sim_call_writes(enum sim_call call)
{
	CHECK(call < SIM_CALLS);
	return call_writes[call];
}

const char *sim_fault_text(enum sim_fault fault)
{
	CHECK(fault < SIM_FAULTS);
	return fault_texts[fault];
}

const char *sim_family_text(unsigned index)
{
	CHECK(index < SIM_FAMILIES);
	return family_texts[index];
}

static const unsigned call_family[] = { SIM_FAMILY_STORE, SIM_FAMILY_JOURNAL, SIM_FAMILY_KEYS,
					SIM_FAMILY_NODE };

static unsigned family_of(enum sim_call call)
{
	if (call <= SIM_CALL_QUEUE_ACK)
		return call_family[0];
	if (call <= SIM_CALL_JOURNAL_NEXT)
		return call_family[1];
	return call == SIM_CALL_KEYS_SIGN ? call_family[2] : call_family[3];
}

bool sim_call_is_sure(enum sim_call call, unsigned families)
{
	const unsigned people = SIM_FAMILY_FOREIGN | SIM_FAMILY_TAKE_BACK | SIM_FAMILY_EDITOR;
	return (call != SIM_CALL_STORE_STOP && call != SIM_CALL_CHAIN_FIND) ||
	       (families & people) != 0;
}

/* Only a store that was restored is asked so. */
static bool is_of_restore(enum sim_call call)
{
	return (call >= SIM_CALL_STORE_OF_SLOT && call <= SIM_CALL_STORE_RECOVER_LAST) ||
	       call == SIM_CALL_CHAIN_TRANSACTIONS;
}

bool sim_call_is_of_proposals(enum sim_call call)
{
	return call >= SIM_CALL_STORE_PROPOSAL_ADD && call <= SIM_CALL_STORE_USER_LOAD;
}

/* Who is accepted already is looked for by his key while the intake is paused. */
static bool is_of_controls(enum sim_call call)
{
	return call == SIM_CALL_STORE_CONTROLS_CHANGE || call == SIM_CALL_STORE_OF_KEY ||
	       call == SIM_CALL_STORE_PROPOSALS || sim_call_is_of_proposals(call);
}

/* What is only asked for when a person is needed: without these families no wallet stops. */
static bool is_made(enum sim_call call, unsigned families)
{
	if (!sim_call_is_sure(call, families))
		return (families & SIM_FAMILY_LIAR) != 0;
	if (call == SIM_CALL_STORE_DECISION_PUT || call == SIM_CALL_STORE_ATTEMPT_OWNER ||
	    call == SIM_CALL_STORE_CASE_RESOLVE)
		return (families & SIM_FAMILY_FOREIGN) != 0;
	if (is_of_controls(call))
		return (families & SIM_FAMILY_CONTROLS) != 0;
	if (call == SIM_CALL_STORE_VOTES_LOAD || call == SIM_CALL_STORE_POLICIES)
		return (families & SIM_FAMILY_APPROVALS) != 0;
	/* How a recovery begins is not the signer's call here: `restore` did it. */
	return !is_of_restore(call) ||
	       ((families & SIM_FAMILY_RESTORE) != 0 && call != SIM_CALL_STORE_RECOVER_BEGIN);
}

bool sim_fault_fits(enum sim_call call, enum sim_fault fault, unsigned families)
{
	if (!is_made(call, families))
		return false;
	switch (fault) {
	case SIM_FAIL:
		return (families & family_of(call)) != 0;
	case SIM_LOSE:
		return (families & family_of(call)) != 0 && sim_call_writes(call);
	case SIM_KILL_BEFORE:
	case SIM_KILL_AFTER:
		return (families & SIM_FAMILY_CRASH) != 0;
	case SIM_PAUSE:
		return (families & SIM_FAMILY_PAUSE) != 0;
	case SIM_FAULTS:
		return false;
	}
	return false;
}
