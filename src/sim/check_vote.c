/* Approvals: what the processor lets go, so many people have let go, by words that are stored,
 * about the question that is open and in its time; and nobody of them said no. */
#include "sim/check.h"

#include "core/vote.h"

void sim_check_word(struct sim_world *world, const struct sim_change *change)
{
	struct sim_order *order = sim_order_of_row(world, change->row);
	int64_t person = change->value[3];
	if (order == NULL)
		return;
	CHECK(person >= 0 && person < SIM_APPROVERS);
	order->people.words[person] = (struct sim_word){ .policy = (uint64_t)change->value[0],
							 .verdict = (int)change->value[1],
							 .at = change->value[2] };
}

static bool is_heard(const struct sim_case *people, const struct sim_rule *rule, unsigned person)
{
	const struct sim_word *word = &people->words[person];
	return word->policy == people->asked_policy && (rule->approvers & (1U << person)) != 0 &&
	       word->at >= people->asked_at && word->at < people->asked_at + rule->within_ms;
}

static unsigned count(const struct sim_case *people, const struct sim_rule *rule, int verdict)
{
	unsigned n = 0;
	for (unsigned i = 0; i < SIM_APPROVERS; i++)
		n += is_heard(people, rule, i) && people->words[i].verdict == verdict ? 1 : 0;
	return n;
}

/* What was said before the question, by the time of it, is not heard. */
static void asked(struct sim_order *order, const struct sim_change *change)
{
	struct sim_case *people = &order->people;
	people->asked_policy = (uint64_t)change->value[0];
	people->asked_at = change->value[1];
	people->granted_policy = 0;
	people->may_be_canceled |= change->value[3] == WITHDRAWAL_QUEUED;
}

static const char *grant_wrong(const struct sim_case *people, const struct sim_rule *rule,
			       uint64_t policy)
{
	if (rule->approvals == 0)
		return NULL;
	if (people->asked_policy != policy)
		return "nobody was asked";
	if (count(people, rule, VOTE_REJECT) > 0)
		return "somebody said no";
	return count(people, rule, VOTE_APPROVE) < rule->approvals ? "not by enough people" : NULL;
}

static void granted(struct sim_world *world, struct sim_order *order, uint64_t policy)
{
	struct sim_case *people = &order->people;
	const struct sim_rule rule = sim_rule_of(world, policy, order);
	/* What an editor has made of its row is what the rules were asked about: whoever signs has
	 * to see that. */
	bool is_edited = (order->causes & SIM_CAUSE_EDITED) != 0;
	const char *wrong = grant_wrong(people, &rule, policy);
	if (wrong != NULL && !is_edited)
		sim_fail(world, "approval", "%s is approved, and %s", order->key, wrong);
	people->granted_policy = wrong == NULL ? policy : 0;
	people->asked_policy = 0;
}

static bool has_no(const struct sim_world *world, const struct sim_order *order)
{
	const struct sim_case *people = &order->people;
	if (people->asked_policy == 0)
		return false;
	const struct sim_rule rule = sim_rule_of(world, people->asked_policy, order);
	return count(people, &rule, VOTE_REJECT) > 0;
}

/* Where somebody else may know of the row (a store that was restored, one on a server) the signer
 * ends what people refused. */
static void unpayable(struct sim_world *world, struct sim_order *order)
{
	struct sim_case *people = &order->people;
	people->was_denied |= has_no(world, order);
	people->was_silent |= people->asked_policy != 0;
	people->granted_policy = people->asked_policy = 0;
}

void sim_check_approval(struct sim_world *world, const struct sim_change *change)
{
	struct sim_order *order = sim_order_of_row(world, change->row);
	if (order == NULL)
		return;
	if (change->value[2] == APPROVAL_ASKS)
		asked(order, change);
	else if (change->value[2] > APPROVAL_ASKS)
		granted(world, order, (uint64_t)change->value[0]);
	else
		unpayable(world, order);
}

void sim_check_granted(struct sim_world *world, const struct sim_order *order)
{
	if (sim_has(world, SIM_FAMILY_APPROVALS) && order->people.granted_policy == 0)
		sim_fail(world, "approval", "%s is signed, and was not approved", order->key);
}

bool sim_is_refused_by_people(struct sim_world *world, const struct sim_order *order)
{
	char code[REASON_LEN_MAX + 1] = "";
	size_t len = 0;
	const struct sim_case *people = &order->people;
	if (!sim_has(world, SIM_FAMILY_APPROVALS))
		return false;
	(void)sim_ask_bytes(world, "SELECT failure_code FROM withdrawals WHERE rowid = ?",
			    order->row, code, sizeof code - 1, &len);
	if (strcmp(code, "approval_timeout") == 0)
		return people->asked_policy != 0 || people->was_silent;
	return strcmp(code, "approval_denied") == 0 && (has_no(world, order) || people->was_denied);
}

/* ---- after a restore ---- */

static void words_restore(struct sim_world *world, struct sim_order *order)
{
	struct err err = { 0 };
	struct db_statement *statement =
		db_prepare(world->db,
			   "SELECT policy_version, verdict, decided_at, CAST(substr(person, 1, 8) "
			   "AS INTEGER) FROM approvals WHERE withdrawal_id = ? AND policy_version "
			   "= ?",
			   &err);
	CHECK(statement != NULL);
	db_bind_bytes(world->db, statement, 1, order->id_stored.bytes, ID_BYTES);
	db_bind_i64(world->db, statement, 2, (int64_t)order->people.asked_policy);
	while (db_step(world->db, statement, &err) == DB_ROW) {
		struct sim_change change = { .row = order->row };
		for (int i = 0; i < 4; i++)
			change.value[i] = db_column_i64(world->db, statement, i);
		sim_check_word(world, &change);
	}
	db_reset(world->db, statement);
}

static void case_restore(struct sim_world *world, struct sim_order *order)
{
	int64_t value[3] = { 0 };
	order->people = (struct sim_case){ .may_be_canceled = order->people.may_be_canceled,
					   .was_denied = order->people.was_denied,
					   .was_silent = order->people.was_silent };
	if (order->row == 0 ||
	    !sim_ask_of_id(world,
			   "SELECT policy_version, approved_at, expires_at FROM withdrawals "
			   "WHERE id = ?",
			   order->id_stored, value, 3))
		return;
	if (value[2] > APPROVAL_ASKS)
		order->people.granted_policy = (uint64_t)value[0];
	if (value[2] != APPROVAL_ASKS)
		return;
	order->people.asked_policy = (uint64_t)value[0];
	order->people.asked_at = value[1];
	words_restore(world, order);
}

void sim_check_votes_restored(struct sim_world *world)
{
	for (size_t i = 0; i < world->orders_len; i++)
		case_restore(world, &world->orders[i]);
}
