/* People who are asked: they say yes, no, nothing, twice, late, about a policy that is not in force
 * any more, and about rows that somebody edited. And others, who set another policy meanwhile. */
#include "sim/check.h"

#include "base/hex.h"
#include "core/vote.h"
#include "service/admin/policies.h"
#include "sim/desk_job.h"

#include <stdio.h>

#define CHANGE_SHARE 60 /* per mille of the times that they come by: another policy */
#define WORDS_MAX    6
#define NO_SHARE     60
#define LATE_SHARE   150 /* of the words: about what was shown before */
#define CALM_NO      10
#define TWICE_SHARE  150

#define PEOPLE_012                                                                           \
	"\"approvers\":[\"00000000-0000-7000-8000-000000000000\",\"00000001-0000-7000-8000-" \
	"000000000000\",\"00000002-0000-7000-8000-000000000000\"],"
#define PEOPLE_13                                                                            \
	"\"approvers\":[\"00000001-0000-7000-8000-000000000000\",\"00000003-0000-7000-8000-" \
	"000000000000\"],"
#define EVERYBODY ((1U << SIM_APPROVERS) - 1)

/* Each a document and what it means, written down apart. Whoever is left out of one was let go. */
static const struct document {
	const char *rules;
	bool asks_coin, asks_token;
	uint64_t token_min; /* units */
	struct sim_rule rule;
} documents[] = {
	{ "{\"name\":\"all\",\"effect\":\"allow\"}", false, false, 0, { 0 } },
	{ "{\"name\":\"two\",\"effect\":\"approve\",\"assets\":[\"sim/TUSD\"],"
	  "\"approvals\":2," PEOPLE_012
	  "\"within\":\"30m\"},{\"name\":\"all\",\"effect\":\"allow\"}",
	  false,
	  true,
	  0,
	  { 2, 7, 1800000 } },
	{ "{\"name\":\"one\",\"effect\":\"approve\",\"approvals\":1,\"within\":\"10m\"}",
	  true,
	  true,
	  0,
	  { 1, EVERYBODY, 600000 } },
	{ "{\"name\":\"large\",\"effect\":\"approve\",\"assets\":[\"sim/TUSD\"],"
	  "\"amount_min\":\"50\",\"approvals\":2," PEOPLE_13
	  "\"within\":\"1h\"},{\"name\":\"all\",\"effect\":\"allow\"}",
	  false,
	  true,
	  50000000,
	  { 2, 10, 3600000 } },
	{ "{\"name\":\"three\",\"effect\":\"approve\",\"assets\":[\"sim/POL\"],\"approvals\":3,"
	  "\"within\":\"2m\"},{\"name\":\"all\",\"effect\":\"allow\"}",
	  true,
	  false,
	  0,
	  { 3, EVERYBODY, 120000 } },
};
#define DOCUMENTS (sizeof documents / sizeof *documents)

struct sim_rule sim_rule_of(const struct sim_world *world, uint64_t version,
			    const struct sim_order *order)
{
	const struct document *document;
	bool is_token = order->asset > 0;
	CHECK(version > 0 && version < SIM_POLICIES_MAX);
	document = &documents[world->desk.policies[version]];
	bool asks = is_token ? document->asks_token &&
				       u256_compare(order->amount.units,
						    u256_from_u64(document->token_min)) >= 0
			     : document->asks_coin;
	return asks ? document->rule : (struct sim_rule){ 0 };
}

/* ---- the policy ---- */

static void policy_set(struct sim_world *world, unsigned document)
{
	struct mac_keys keys = { .keys = { { 1, world->keys_bytes[6] } }, .len = 1 };
	const struct admin_policies admin = { .store = world->store,
					      .catalogue = &world->catalogue,
					      .policy_keys = &keys,
					      .by = admin_actor_local("root") };
	char text[1024];
	struct buf out = buf_of(text, sizeof text);
	struct store_policy policy;
	struct err err = { 0 };
	buf_format(&out,
		   "{\"rules\":[%s],\"limits\":[{\"name\":\"all\",\"count\":1000000,\"window\":"
		   "\"1h\"}]}",
		   documents[document].rules);
	CHECK(!out.overflow);
	if (!admin_policy_set(&admin, buf_view(&out), world->now_ms, &policy, &err)) {
		sim_fail(world, "people", "a policy is refused: %s", err.text);
		return;
	}
	CHECK(policy.version < SIM_POLICIES_MAX);
	world->desk.policies[policy.version] = (uint8_t)document;
	world->desk.policy = policy.version;
	sim_tell(world, "people: policy %llu is number %u", (unsigned long long)policy.version,
		 document);
}

static unsigned below(struct sim_world *world, size_t n)
{
	return (unsigned)sim_random_below(&world->desk.random, n);
}

void sim_approvers_begin(struct sim_world *world)
{
	policy_set(world, 1 + below(world, DOCUMENTS - 1));
}

/* ---- words ---- */

/* What GET /v1/withdrawals/{id} shows. */
static bool case_look(struct sim_world *world, const struct sim_order *order,
		      struct hash32 *ret_shown)
{
	struct withdrawal row;
	struct err err = { 0 };
	bool found = false;
	CHECK(store_withdrawals_load(world->store, &order->id, 1, &row, &found, &err));
	if (!found ||
	    (row.stage != WITHDRAWAL_AWAITING_APPROVAL &&
	     (row.stage != WITHDRAWAL_QUEUED || row.approval.expires_at != APPROVAL_ASKS)))
		return false;
	*ret_shown = vote_digest(&row.intent, &row.intent_mac, row.approval.policy_version);
	return true;
}

static void say(struct sim_world *world, struct sim_order *order, unsigned person, bool approves,
		const struct hash32 *shown)
{
	struct sim_process *api = sim_process_of_role(world, SIM_API);
	struct job *job = sim_desk_job(world, approves ? DESK_APPROVE : DESK_REJECT, person);
	char digest[65];
	struct buf out = buf_of(digest, sizeof digest);
	if (api == NULL)
		return;
	hex_write(&out, shown->bytes, sizeof shown->bytes);
	job->desk.fields[0] = buf_view(&out);
	(void)snprintf(job->desk.subject, sizeof job->desk.subject, "%s", id_text(order->id).at);
	bool answered = sim_process_answer(api, &job, 1);
	if (answered)
		buf_free(&job->body);
	const char *answer = !answered                      ? "no answer"
			     : job->problem == PROBLEM_NONE ? "heard"
							    : problem_code(job->problem);
	world->summary->words++;
	world->summary->words_refused += answered && job->problem != PROBLEM_NONE ? 1 : 0;
	sim_tell(world, "people: %s of %s by %u: %s", approves ? "yes" : "no", order->key, person,
		 answer);
}

static void word_some(struct sim_world *world, struct sim_order *order, unsigned no_share)
{
	struct sim_case *about = &order->people;
	struct hash32 shown;
	unsigned person = below(world, SIM_APPROVERS);
	bool approves = !sim_random_chance(&world->desk.random, no_share);
	bool is_late = sim_random_chance(&world->desk.random, LATE_SHARE) && world->faults_on;
	bool is_asked = case_look(world, order, &shown);
	if (is_late && about->has_shown)
		shown = about->shown;
	else if (!is_asked)
		return;
	if (is_asked && !about->has_shown) {
		about->shown = shown;
		about->has_shown = true;
	}
	say(world, order, person, approves, &shown);
	if (sim_random_chance(&world->desk.random, TWICE_SHARE))
		say(world, order, person, approves == sim_random_chance(&world->desk.random, 700),
		    &shown);
}

void sim_approvers_act(struct sim_world *world)
{
	size_t len = world->orders_len;
	if (sim_random_chance(&world->desk.random, CHANGE_SHARE))
		policy_set(world, below(world, DOCUMENTS));
	size_t from = below(world, len);
	unsigned words = below(world, WORDS_MAX + 1);
	for (size_t i = 0; i < len && words > 0; i++) {
		struct sim_order *order = &world->orders[(from + i) % len];
		if (!order->accepted || (order->stage != WITHDRAWAL_AWAITING_APPROVAL &&
					 order->people.asked_policy == 0))
			continue;
		word_some(world, order, NO_SHARE);
		words--;
	}
}

void sim_approvers_answer(struct sim_world *world)
{
	for (size_t i = 0; i < world->orders_len; i++) {
		struct sim_order *order = &world->orders[i];
		for (int words = 0; words < 2; words++)
			if (order->accepted && order->people.asked_policy != 0)
				word_some(world, order, CALM_NO);
	}
}
