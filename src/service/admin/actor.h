/* Who does it, of all that the use cases of service/admin do: a person at a terminal of the host,
 * or one who asks over the API. */
#ifndef SLUICE_SERVICE_ADMIN_ACTOR_H
#define SLUICE_SERVICE_ADMIN_ACTOR_H

#include "core/permission.h"
#include "port/store.h"

/* All texts are borrowed. */
struct admin_actor {
	const char *who;     /* for the audit: a user's id, or the name of a user of this machine */
	const char *name;    /* for people to read; at most PRINCIPAL_LEN_MAX */
	const char *person;  /* the principal's name, by which two people are told apart; NULL:
				nobody  who can be, and who counts for none of them */
	const char *account; /* all that they can reach; "" or NULL: every account */
	const char *request_id;        /* NULL: none */
	const char *address;           /* NULL: none */
	const struct store_once *once; /* the request's key; NULL: it has none */
};

/* A user of this machine. */
static inline struct admin_actor admin_actor_local(const char *user)
{
	return (struct admin_actor){ .who = user, .name = user };
}

static inline struct store_by admin_by(const struct admin_actor *actor, int64_t now_ms)
{
	return (struct store_by){
		.actor = ACTOR_PERSON,
		.who = actor->who,
		.request_id = actor->request_id != NULL ? actor->request_id : "",
		.now_ms = now_ms,
		.address = actor->address,
		.once = actor->once,
	};
}

/* Is what belongs to `account` there for them? */
static inline bool admin_reaches(const struct admin_actor *actor, const char *account)
{
	bool is_bound = actor->account != NULL && actor->account[0] != 0;
	return !is_bound || str_equal_text(str_from(actor->account), account);
}

#endif
