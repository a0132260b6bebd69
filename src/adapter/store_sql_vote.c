#include "adapter/store_sql_vote.h"

#include "adapter/store_sql_parts.h"

#include <string.h>

bool vote_row_add(struct db *db, const struct vote *vote, struct err *err)
{
	struct sql sql =
		sql_prepare(db,
			    "REPLACE INTO approvals (withdrawal_id, policy_version, person, "
			    "shown, verdict, decided_at, signature, mac_key_id, mac) "
			    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			    err);
	sql_put_id(&sql, vote->withdrawal);
	sql_put_u64(&sql, vote->policy_version);
	sql_put_text(&sql, vote->person);
	sql_put_hash(&sql, vote->shown);
	sql_put_i64(&sql, vote->verdict);
	sql_put_i64(&sql, vote->decided_at);
	if (vote->is_signed)
		sql_put_bytes(&sql, vote->signature, sizeof vote->signature);
	else
		sql_put_null(&sql);
	sql_put_mac(&sql, &vote->mac);
	return sql_run(&sql, NULL);
}

static void vote_take(struct sql *sql, struct vote *ret_vote)
{
	static const uint8_t none[ED25519_SIGNATURE_BYTES];
	ret_vote->person[0] = 0;
	sql_take_text(sql, ret_vote->person, sizeof ret_vote->person);
	ret_vote->shown = sql_take_hash(sql);
	ret_vote->verdict = (enum vote_verdict)sql_take_i64(sql);
	ret_vote->decided_at = sql_take_i64(sql);
	sql_take_bytes(sql, ret_vote->signature, sizeof ret_vote->signature);
	ret_vote->is_signed = memcmp(ret_vote->signature, none, sizeof none) != 0;
	ret_vote->mac = sql_take_mac(sql);
}

bool store_sql_votes_load(struct store *store, struct id withdrawal, uint64_t policy_version,
			  struct vote ret_votes[VOTES_MAX], size_t *ret_len, struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT person, shown, verdict, decided_at, signature, "
				     "mac_key_id, mac FROM approvals WHERE withdrawal_id = ? AND "
				     "policy_version = ? ORDER BY decided_at, person LIMIT ?",
				     err);
	*ret_len = 0;
	sql_put_id(&sql, withdrawal);
	sql_put_u64(&sql, policy_version);
	sql_put_i64(&sql, VOTES_MAX);
	while (*ret_len < VOTES_MAX && sql_next(&sql)) {
		struct vote *vote = &ret_votes[(*ret_len)++];
		*vote = (struct vote){ .withdrawal = withdrawal, .policy_version = policy_version };
		vote_take(&sql, vote);
	}
	return sql_end(&sql);
}
