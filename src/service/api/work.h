/* What the store thread does: jobs in, answers in the jobs. No thread, no HTTP: the simulator calls
 * work_run directly. */
#ifndef SLUICE_SERVICE_API_WORK_H
#define SLUICE_SERVICE_API_WORK_H

#include "service/api/api.h"
#include "service/api/auth.h"
#include "service/api/desk.h"
#include "service/api/people.h"
#include "service/api/problem.h"
#include "service/api/query.h"
#include "service/api/resolve.h"

enum job_kind {
	JOB_ACCEPT,
	JOB_VIEW,
	JOB_LIST,
	JOB_LIST_ONE, /* by an external id: was it paid? */
	JOB_EVENTS,
	JOB_CANCEL,
	JOB_SPEED_UP,
	JOB_WALLETS,
	JOB_QUEUES,
	JOB_REDRIVE,
	JOB_RESOLVE,
	JOB_KEY,       /* load the row of an API key */
	JOB_KEYS_USED, /* write down which ones were used; nobody waits for it */
	JOB_PEOPLE,    /* users and sessions */
	JOB_DESK,      /* what people manage */
};

enum job_state {
	JOB_IDLE,    /* the loop thread's */
	JOB_WAITING, /* queued; either thread may take it */
	JOB_TAKEN,   /* the store thread's */
};

/* A request on its way to the store and back. Asked and answered without HTTP. */
struct job {
	/* The question. */
	enum job_kind kind;
	struct principal by;
	struct ip_address from; /* the client's address */
	char request_id[ID_TEXT_LEN + 1];
	bool is_judged;         /* by the shared limits, before */
	bool is_address_judged; /* by that of the address alone */
	bool wants_row;         /* VIEW: no copy will do */
	struct id withdrawal;   /* VIEW, EVENTS, CANCEL, SPEED_UP; RESOLVE: or a slot's id */
	union {
		struct withdrawal accept; /* ACCEPT: complete; answered with the one that counts */
		struct list_query list;
		struct events_query events;
		struct resolve_query resolve;
		enum queue_name queue;    /* REDRIVE: the queue, not its dead letters */
		struct store_api_key key; /* KEY: its id; answered with the row */
		struct people_query people;
		struct desk_query desk;
		struct {
			struct store_api_key_use items[API_KEY_USES_MAX];
			size_t len;
		} uses; /* KEYS_USED */
	};
	struct buf input; /* DESK: what `desk` points into; wiped and freed with the job */
	/* The answer. */
	enum problem problem;              /* NONE: what follows counts */
	char detail[ERR_TEXT_LEN];         /* of the problem; "": the table's text */
	enum store_accept_result accepted; /* ACCEPT */
	struct id existing;                /* ACCEPT with EXTERNAL_ID_TAKEN */
	bool found;                        /* KEY */
	bool is_replayed;                  /* DESK: the answer of a request before */
	bool is_answered;                  /* status and body are there, by a copy */
	bool is_final;                     /* VIEW of a row: nothing more will come; */
	uint64_t version;                  /* its version */
	bool is_stale;                     /* LIST: the replica's is too old */
	int64_t age_ms;                    /* LIST by a replica: how old it may be at most */
	struct rate_state rate;            /* of the shared limit */
	unsigned status;                   /* of HTTP; all but ACCEPT and KEY */
	struct buf body; /* JSON, likewise; of its own memory, freed with the job */
	/* The way: jobs.c. */
	void (*answer)(struct job *job);
	void *context; /* of answer */
	enum job_state state;
	bool is_abandoned; /* answered already; the loop thread's */
	int64_t deadline_ms;
	size_t were_there;           /* ACCEPT: how many were under way, this one included */
	struct job *next, *previous; /* among the waiting, the done, the free */
	struct job *newer, *older;   /* among all under way; the loop thread's */
};

/* The store thread's memory. */
struct work;

struct work *work_new(const struct api_options *options);
void work_free(struct work *work); /* accepts NULL */
/* Answers 1 to WORK_JOBS_MAX jobs, BATCH_MAX acceptances among them at most; those are one
 * transaction. Faults of the store are logged here and answered with STORE_UNAVAILABLE. */
#define WORK_JOBS_MAX (BATCH_MAX + 16)
void work_run(struct work *work, struct job **jobs, size_t n);
/* Asks the store something cheap, for work_answered_ms. */
void work_probe(struct work *work);
/* Answers a job of kind LIST with a page. */
void job_answer_list(struct job *job, const struct store_view *views, const struct store_page *page,
		     const struct catalogue *catalogue);
/* When the store last answered, monotonic; from any thread. */
int64_t work_answered_ms(const struct work *work);

enum cancel_decision {
	CANCEL_NOW,       /* no nonce can have been taken */
	CANCEL_REQUEST,   /* the signer decides */
	CANCEL_REQUESTED, /* it was asked before */
	CANCEL_DONE,      /* it is canceled */
	CANCEL_TOO_LATE,  /* it is in a block */
	CANCEL_FINAL,
	CANCEL_HELD,
};
/* What a request to cancel does to a withdrawal as it stands. Pure. */
enum cancel_decision work_cancel_decide(const struct store_view *view);

enum speed_up_decision {
	SPEED_UP_REQUEST,   /* the signer raises the fee, when and as far as its limits allow */
	SPEED_UP_REQUESTED, /* it was asked before, and is not done yet */
	SPEED_UP_NOT_SENT,  /* nothing is signed yet */
	SPEED_UP_TOO_LATE,  /* it is in a block */
	SPEED_UP_FINAL,
	SPEED_UP_HELD,
};
/* What a request for a higher fee does to a withdrawal as it stands. One that is being canceled has
 * its cancellation sped up. Pure. */
enum speed_up_decision work_speed_up_decide(const struct store_view *view);

#endif
