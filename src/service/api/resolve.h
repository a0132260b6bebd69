/* What a person decides about a held withdrawal, or about a slot that the chain took back: the body
 * becomes a decision under the person's own name. One decision alone does nothing; the signer acts
 * on two. */
#ifndef SLUICE_SERVICE_API_RESOLVE_H
#define SLUICE_SERVICE_API_RESOLVE_H

#include "core/resolve.h"
#include "service/api/api.h"
#include "service/api/problem.h"

struct job;

struct resolve_query {
	bool is_slot; /* the id is a transfer's */
	enum resolve_verdict verdict;
	struct hash32 tx_hash; /* when not paid: zero, or what paid another one */
};

/* {"verdict":"paid_by","tx_hash":"0x…"} or {"verdict":"not_paid"}, with the hash of what paid
 * another one if people have looked at that. False: *ret_report says why. */
bool resolve_query_read(struct str body, bool is_slot, struct resolve_query *ret_query,
			struct problem_report *ret_report);
/* Answers a RESOLVE job: 202 and the decisions of the case, or 409 and what stands there. False
 * when the store did not answer; then the job's problem says so. */
bool resolve_run(const struct api_options *options, struct job *job);

#endif
