#include "core/vote.h"

#include "base/defence.h"
#include "base/hash.h"
#include "base/hex.h"

#include <string.h>

#define VOTE_LABEL "sluice approvals 1"
#define FIELDS_MAX 512

static void line(struct buf *out, const char *name, struct str value)
{
	buf_text(out, name);
	buf_byte(out, ' ');
	buf_str(out, value);
	buf_byte(out, '\n');
}

static void number_line(struct buf *out, const char *name, uint64_t value)
{
	buf_format(out, "%s %llu\n", name, (unsigned long long)value);
}

static void amount_line(struct buf *out, const struct intent *intent)
{
	buf_text(out, "amount ");
	amount_write(intent->amount, intent->decimals, out);
	buf_byte(out, '\n');
}

void vote_text(const struct intent *intent, const struct mac_tag *intent_mac,
	       uint64_t policy_version, struct buf *out)
{
	buf_text(out, "approve sluice payment 1\n");
	line(out, "withdrawal", str_from(id_text(intent->id).at));
	line(out, "account", str_from(intent->account));
	number_line(out, "chain", intent->chain_id);
	line(out, "asset", str_from(intent->asset));
	line(out, "contract",
	     str_from(intent->is_native ? "none" : address_text(intent->contract).at));
	line(out, "receiver", str_from(address_text(intent->to).at));
	amount_line(out, intent);
	number_line(out, "policy", policy_version);
	buf_text(out, "intent ");
	hex_write(out, intent_mac->bytes, sizeof intent_mac->bytes);
	buf_byte(out, '\n');
	CHECK(!out->overflow);
}

struct hash32 vote_digest(const struct intent *intent, const struct mac_tag *intent_mac,
			  uint64_t policy_version)
{
	char text[VOTE_TEXT_LEN_MAX];
	struct buf out = buf_of(text, sizeof text);
	struct hash32 digest;
	vote_text(intent, intent_mac, policy_version, &out);
	sha256(text, out.len, digest.bytes);
	return digest;
}

/* ---- what is believed ---- */

static struct str fields_of(const struct vote *vote, char *storage)
{
	struct buf out = buf_of(storage, FIELDS_MAX);
	buf_prefixed(&out, vote->withdrawal.bytes, ID_BYTES);
	buf_prefixed_u64(&out, vote->policy_version);
	buf_prefixed(&out, vote->person, strnlen(vote->person, sizeof vote->person));
	buf_prefixed(&out, vote->shown.bytes, sizeof vote->shown.bytes);
	buf_prefixed_u64(&out, (uint64_t)vote->verdict);
	buf_prefixed_u64(&out, (uint64_t)vote->decided_at);
	buf_prefixed(&out, vote->signature, vote->is_signed ? sizeof vote->signature : 0);
	CHECK(!out.overflow);
	return buf_view(&out);
}

void vote_seal(const struct mac_keys *keys, struct vote *vote)
{
	char storage[FIELDS_MAX];
	vote->mac = row_mac_make(keys, VOTE_LABEL, fields_of(vote, storage));
}

bool vote_is_sealed(const struct mac_keys *keys, const struct vote *vote)
{
	char storage[FIELDS_MAX];
	return row_mac_verify(keys, VOTE_LABEL, fields_of(vote, storage), &vote->mac);
}

bool vote_is_signed(const struct catalogue *catalogue, struct str text, const struct vote *vote)
{
	bool found = false;
	if (!vote->is_signed)
		return false;
	for (size_t i = 0; i < catalogue->approvers_len && !found; i++)
		found = ed25519_verify(catalogue->approvers[i].key, text, vote->signature);
	return found;
}

bool votes_are_signed(const struct catalogue *catalogue, const struct withdrawal *row,
		      uint64_t policy_version, const struct vote *votes, size_t n)
{
	char storage[VOTE_TEXT_LEN_MAX];
	struct buf text = buf_of(storage, sizeof storage);
	bool found = false;
	vote_text(&row->intent, &row->intent_mac, policy_version, &text);
	for (size_t i = 0; i < n && !found; i++)
		found = votes[i].verdict == VOTE_APPROVE &&
			vote_is_signed(catalogue, buf_view(&text), &votes[i]);
	return found;
}

/* ---- what it comes to ---- */

enum person_kind { PERSON_NONE, PERSON_OF_OURS, PERSON_OUTSIDE };

#define OUTSIDE_ID_LEN 32

static bool is_first_of_person(const struct vote *votes, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(votes[i].person, votes[at].person) == 0)
			return false;
	return true;
}

int64_t vote_until(const struct vote_ask *ask)
{
	return ask->row->approval.approved_at + ask->verdict->within_ms;
}

/* Who made a key has had its secret in hand, and can be whoever asks with it. */
static bool owns_key(const struct intent *intent, const char *person)
{
	return intent->key_owner[0] != 0 && strcmp(person, intent->key_owner) == 0;
}

bool vote_is_initiators(const struct intent *intent, const char *person)
{
	return strcmp(person, intent->created_by) == 0 || owns_key(intent, person);
}

/* The ids of our own users are UUIDs; those of others are 32 hexadecimal digits. An API key's id is
 * neither. */
static enum person_kind kind_of(const char *id)
{
	struct id ignored;
	if (strlen(id) == OUTSIDE_ID_LEN)
		return PERSON_OUTSIDE;
	return id_read(str_from(id), &ignored) ? PERSON_OF_OURS : PERSON_NONE;
}

/* Nobody knows which user of ours is which person of an identity provider: who logs in both ways
 * may be who asked, unless the rule names people. */
static bool may_be(const char *person, const char *other)
{
	enum person_kind kind = kind_of(other);
	return kind != PERSON_NONE && kind != kind_of(person);
}

static bool may_be_initiators(const struct vote_ask *ask, const char *person)
{
	const struct intent *intent = &ask->row->intent;
	bool named = ask->verdict->rule->approvers.len > 0;
	return !named && (may_be(person, intent->created_by) || may_be(person, intent->key_owner));
}

static bool is_heard(const struct vote_ask *ask, struct hash32 shown, const struct vote *vote)
{
	const struct intent *intent = &ask->row->intent;
	bool asked_for_it = strcmp(vote->person, intent->created_by) == 0;
	if (asked_for_it && DEFENCE("initiator_does_not_approve"))
		return false;
	if (owns_key(intent, vote->person) && DEFENCE("key_owner_does_not_approve"))
		return false;
	if (may_be_initiators(ask, vote->person) && DEFENCE("another_log_in_is_nobody_else"))
		return false;
	if (!hash32_equal(vote->shown, shown))
		return false;
	if (vote->decided_at < ask->row->approval.approved_at ||
	    vote->decided_at >= vote_until(ask))
		return false;
	return policy_may_approve(ask->policy, ask->verdict->rule, str_from(vote->person));
}

/* Nobody knows which user of ours is which person of an identity provider: unless the rule names
 * people, one who logs in both ways would be two. */
static enum vote_answer answer_of(const struct vote_ask *ask, const size_t approved[2],
				  size_t signatures)
{
	bool named = ask->verdict->rule->approvers.len > 0;
	size_t most = approved[0] > approved[1] ? approved[0] : approved[1];
	if ((named ? approved[0] + approved[1] : most) < ask->verdict->approvals)
		return VOTES_MISSING;
	return signatures > 0 || !ask->verdict->wants_signature ? VOTES_APPROVE : VOTES_MISSING;
}

enum vote_answer votes_count(const struct catalogue *catalogue, const struct vote_ask *ask,
			     const struct vote *votes, size_t n)
{
	const struct withdrawal *row = ask->row;
	char storage[VOTE_TEXT_LEN_MAX];
	struct buf text = buf_of(storage, sizeof storage);
	struct hash32 shown;
	size_t approved[2] = { 0 }; /* of an identity provider's people, and of our users */
	size_t signatures = 0;
	vote_text(&row->intent, &row->intent_mac, row->approval.policy_version, &text);
	sha256(storage, text.len, shown.bytes);
	for (size_t i = 0; i < n; i++) {
		if (!is_heard(ask, shown, &votes[i]) || !is_first_of_person(votes, i))
			continue;
		if (votes[i].verdict != VOTE_APPROVE)
			return VOTES_REJECT;
		approved[kind_of(votes[i].person) == PERSON_OF_OURS]++;
		signatures += vote_is_signed(catalogue, buf_view(&text), &votes[i]);
	}
	return answer_of(ask, approved, signatures);
}

const char *vote_verdict_text(enum vote_verdict verdict)
{
	switch (verdict) {
	case VOTE_APPROVE:
		return "approve";
	case VOTE_REJECT:
		return "reject";
	}
	return "unknown";
}
