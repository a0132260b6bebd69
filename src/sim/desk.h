/* What people do at the desk while all goes on: pause switches, the policy, and what those who are
 * asked say about payments; and what the checkers remember of it. */
#ifndef SLUICE_SIM_DESK_H
#define SLUICE_SIM_DESK_H

#include "core/control.h"
#include "core/id.h"
#include "sim/random.h"

#include <stdint.h>

struct sim_order;
struct sim_process;
struct sim_slot;
struct sim_world;

#define SIM_APPROVERS      4
#define SIM_POLICIES_MAX   256
#define SIM_SWITCH_COMMITS 64

/* A rule that asks people, as the client's side of the table knows it. */
struct sim_rule {
	unsigned approvals; /* 0: nobody is asked */
	unsigned approvers; /* as bits; all of them: whoever may approve */
	int64_t within_ms;
};

/* One word of one person about one order, as it was stored. */
struct sim_word {
	uint64_t policy; /* version; 0: none */
	int verdict;
	int64_t at; /* as the row says */
};

/* What people were asked about an order, and said, and what the processor made of it. */
struct sim_case {
	uint64_t asked_policy;   /* version; 0: nobody is asked */
	int64_t asked_at;        /* as the row says */
	bool may_be_canceled;    /* though its client does not ask for it */
	bool was_denied;         /* the processor has given it up for a no, */
	bool was_silent;         /* or in the middle of a question */
	uint64_t granted_policy; /* version; 0: it may not be paid */
	struct sim_word words[SIM_APPROVERS];
	struct hash32 shown; /* to somebody, who may speak of it much later */
	bool has_shown;
};

struct sim_desk {
	struct sim_random random; /* of its own decisions: older seeds tell what they told */
	int64_t at;               /* when somebody does something next */
	unsigned unpause_people;
	bool is_reset; /* after a restore, which brings old switches back */
	/* The switches as they stand, and when each of their versions was committed. */
	struct control_set set;
	struct {
		uint64_t version;
		int64_t at;
	} commits[SIM_SWITCH_COMMITS];
	size_t commits_len;
	/* Which document each version of the policy is. */
	uint8_t policies[SIM_POLICIES_MAX];
	uint64_t policy;
};

/* desk.c: adds the families of the desk to those of the seed. */
void sim_desk_families(struct sim_world *world);
void sim_desk_open(struct sim_world *world);
/* When somebody does something next; INT64_MAX: never. */
int64_t sim_desk_next(const struct sim_world *world);
void sim_desk_act(struct sim_world *world);
/* Everything is lifted, and everybody who is asked answers. */
void sim_desk_calm(struct sim_world *world);

/* switches.c */
void sim_switches_act(struct sim_world *world);
void sim_switches_lift(struct sim_world *world);

/* approvers.c */
void sim_approvers_begin(struct sim_world *world);
void sim_approvers_act(struct sim_world *world);
void sim_approvers_answer(struct sim_world *world);
/* What a version of the policy asks of an order. */
struct sim_rule sim_rule_of(const struct sim_world *world, uint64_t version,
			    const struct sim_order *order);

/* check_switch.c: nothing is reserved, signed or sent for the first time over a switch. */
void sim_check_switches_changed(struct sim_world *world);
void sim_check_paused_accept(struct sim_world *world, const struct sim_order *order);
void sim_check_paused_reserve(struct sim_world *world, const struct sim_slot *slot);
void sim_check_paused_sign(struct sim_world *world, const struct sim_slot *slot, bool cancels);
void sim_check_paused_send(struct sim_world *world, const struct sim_slot *slot, bool pays);

/* check_vote.c: nothing is approved that people did not let go. */
struct sim_change;
void sim_check_word(struct sim_world *world, const struct sim_change *change);
void sim_check_approval(struct sim_world *world, const struct sim_change *change);
/* Before the first signature that pays it. */
void sim_check_granted(struct sim_world *world, const struct sim_order *order);
/* Was it refused for what people said, or did not say? */
bool sim_is_refused_by_people(struct sim_world *world, const struct sim_order *order);
void sim_check_votes_restored(struct sim_world *world);

#endif
