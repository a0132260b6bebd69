/* Approvals by people: what one of them said about one withdrawal under one version of the policy,
 * and what all of it comes to. Pure; the keys are handed in.
 *
 * A vote is a row with a MAC (the policy grants' keys, which API and processor hold), bound to the
 * text of the payment that the person was shown: once the row or the policy is another one, it is
 * about nothing any more. Above an asset's threshold one of those who approve has to have signed
 * that text with a key of his own, which the signer's configuration names: then API and processor
 * together cannot make an approval.
 *
 * Source: doc/policy.md, "Approvals by people".
 */
#ifndef SLUICE_CORE_VOTE_H
#define SLUICE_CORE_VOTE_H

#include "base/ed25519.h"
#include "core/catalogue.h"
#include "core/intent.h"
#include "core/policy_rules.h"

/* Votes that are read of one withdrawal and one version; later ones are not heard. */
#define VOTES_MAX         32
#define VOTE_TEXT_LEN_MAX 1024

/* Stored as numbers. */
enum vote_verdict {
	VOTE_APPROVE = 1,
	VOTE_REJECT = 2,
};

struct vote {
	struct id withdrawal;
	uint64_t policy_version;
	char person[PRINCIPAL_LEN_MAX + 1]; /* the id of a user */
	struct hash32 shown;                /* vote_digest of what the person was shown */
	enum vote_verdict verdict;
	int64_t decided_at;
	bool is_signed;
	uint8_t signature[ED25519_SIGNATURE_BYTES]; /* of the text; zero: none */
	struct mac_tag mac; /* over all of the above: without it the row says nothing */
};

/* The payment as people see it, and sign that it be made: a line "name value" each for withdrawal,
 * account, chain id, asset, contract, receiver, amount, policy version and the intent's MAC. It
 * says "approve": who refuses signs nothing. */
void vote_text(const struct intent *intent, const struct mac_tag *intent_mac,
	       uint64_t policy_version, struct buf *out);
/* SHA-256 of that text. */
struct hash32 vote_digest(const struct intent *intent, const struct mac_tag *intent_mac,
			  uint64_t policy_version);
/* Sets the MAC; every other field is final. */
void vote_seal(const struct mac_keys *keys, struct vote *vote);
/* False: somebody has edited the store. */
bool vote_is_sealed(const struct mac_keys *keys, const struct vote *vote);
/* Did this person ask for the payment, or make the API key that did? Then nobody hears them. */
bool vote_is_initiators(const struct intent *intent, const char *person);
/* Did one of the configured approvers sign this text? */
bool vote_is_signed(const struct catalogue *catalogue, struct str text, const struct vote *vote);

/* Did one of them sign that the row be paid under this version? For who does not know the policy.
 */
bool votes_are_signed(const struct catalogue *catalogue, const struct withdrawal *row,
		      uint64_t policy_version, const struct vote *votes, size_t n);

/* What has to be said, and by whom. The row's approval, whose MAC is verified, says since when
 * people are asked, and under which version. */
struct vote_ask {
	const struct withdrawal *row;
	const struct policy *policy;          /* its rule asks */
	const struct policy_verdict *verdict; /* ASKED */
};

enum vote_answer {
	VOTES_MISSING = 1,
	VOTES_APPROVE = 2,
	VOTES_REJECT = 3,
};
/* Of n sealed votes. One who may approve and says no is enough for REJECT. Whoever asked for the
 * payment is not heard, nobody is heard twice, and nobody before people were asked or after the
 * rule's time. */
enum vote_answer votes_count(const struct catalogue *catalogue, const struct vote_ask *ask,
			     const struct vote *votes, size_t n);

/* When the time is up. */
int64_t vote_until(const struct vote_ask *ask);
/* "approve", "reject"; "unknown" of an edited row. */
const char *vote_verdict_text(enum vote_verdict verdict);

#endif
