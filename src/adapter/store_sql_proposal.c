/* Proposals as rows. What one grants is decided by its MAC, in port/store_proposal.h. */
#include "adapter/store_sql_proposal.h"

#include "base/json.h"

#include <string.h>

#define PROPOSAL_COLUMNS                                                                   \
	"id, kind, state, version, digest, account, proposed_by, created_at, expires_at, " \
	"first_person, first_id, ended_by, ended_at, mac_key_id, mac"

static void proposal_take(struct sql *sql, struct store_proposal *ret_proposal)
{
	memset(ret_proposal, 0, sizeof *ret_proposal);
	ret_proposal->id = sql_take_id(sql);
	ret_proposal->kind = (enum proposal_kind)sql_take_i64(sql);
	ret_proposal->state = (enum proposal_state)sql_take_i64(sql);
	ret_proposal->version = sql_take_u64(sql);
	sql_take_bytes(sql, ret_proposal->digest, sizeof ret_proposal->digest);
	sql_take_text(sql, ret_proposal->account, sizeof ret_proposal->account);
	sql_take_text(sql, ret_proposal->proposed_by, sizeof ret_proposal->proposed_by);
	ret_proposal->created_at = sql_take_i64(sql);
	ret_proposal->expires_at = sql_take_i64(sql);
	sql_take_text(sql, ret_proposal->first_person, sizeof ret_proposal->first_person);
	sql_take_text(sql, ret_proposal->first_id, sizeof ret_proposal->first_id);
	sql_take_text(sql, ret_proposal->ended_by, sizeof ret_proposal->ended_by);
	ret_proposal->ended_at = sql_take_i64(sql);
	ret_proposal->mac = sql_take_mac(sql);
}

/* Who stood for it, and what it was about: also when the row is gone one day. */
static bool proposal_audit(struct db *db, const struct store_proposal *proposal, const char *action,
			   const struct store_by *by, struct err *err)
{
	char detail[512];
	struct buf out = buf_of(detail, sizeof detail);
	buf_byte(&out, '{');
	json_write_member_u64(&out, "kind", (uint64_t)proposal->kind);
	json_write_member_u64(&out, "version", proposal->version);
	json_write_member_text(&out, "proposed_by", proposal->proposed_by);
	json_write_member_text(&out, "first_person", proposal->first_person);
	json_write_name(&out, "digest");
	buf_byte(&out, '"');
	for (size_t i = 0; i < sizeof proposal->digest; i++)
		buf_format(&out, "%02x", proposal->digest[i]);
	buf_text(&out, "\"}");
	return audit_add(db, action, proposal->id, buf_terminated(&out), by, err);
}

/* ---- adding ---- */

struct proposal_new {
	const struct store_proposal *proposal;
	struct str text;
	const struct store_by *by;
};

static bool room_check(struct db *db, const struct proposal_new *new, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT COUNT(*) FROM proposals WHERE kind = ? AND state = ? "
				     "AND expires_at > ? AND account = ?",
				     err);
	int64_t open = 0;
	sql_put_i64(&sql, new->proposal->kind);
	sql_put_i64(&sql, PROPOSAL_OPEN);
	sql_put_i64(&sql, new->by->now_ms);
	sql_put_text(&sql, new->proposal->account);
	if (sql_next(&sql))
		open = sql_take_i64(&sql);
	if (!sql_end(&sql))
		return false;
	int64_t own = 0;
	struct sql mine = sql_prepare(db,
				      "SELECT COUNT(*) FROM proposals WHERE kind = ? AND state = ? "
				      "AND expires_at > ? AND proposed_by = ?",
				      err);
	sql_put_i64(&mine, new->proposal->kind);
	sql_put_i64(&mine, PROPOSAL_OPEN);
	sql_put_i64(&mine, new->by->now_ms);
	sql_put_text(&mine, new->proposal->proposed_by);
	if (sql_next(&mine))
		own = sql_take_i64(&mine);
	if (!sql_end(&mine))
		return false;
	if (own >= PROPOSALS_OF_ONE_MAX)
		return err_refuse(err, "proposals_full", "%d proposals of yours wait already",
				  PROPOSALS_OF_ONE_MAX);
	return open < PROPOSALS_MAX ||
	       err_refuse(err, "proposals_full", "%d proposals wait already: reject some",
			  PROPOSALS_MAX);
}

static const char *proposed_text(enum proposal_kind kind)
{
	switch (kind) {
	case PROPOSAL_UNPAUSE:
		return "unpause_proposed";
	case PROPOSAL_POLICY:
		return "policy_proposed";
	case PROPOSAL_ALLOW_LIST:
		return "allow_list_proposed";
	}
	CHECK(false);
}

static bool proposal_insert(struct db *db, void *context, struct err *err)
{
	const struct proposal_new *new = context;
	const struct store_proposal *proposal = new->proposal;
	if (!room_check(db, new, err))
		return false;
	struct sql sql = sql_prepare(db,
				     "INSERT INTO proposals (" PROPOSAL_COLUMNS ", text) VALUES "
				     "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
				     err);
	sql_put_id(&sql, proposal->id);
	sql_put_i64(&sql, proposal->kind);
	sql_put_i64(&sql, proposal->state);
	sql_put_u64(&sql, proposal->version);
	sql_put_bytes(&sql, proposal->digest, sizeof proposal->digest);
	sql_put_text(&sql, proposal->account);
	sql_put_text(&sql, proposal->proposed_by);
	sql_put_i64(&sql, proposal->created_at);
	sql_put_i64(&sql, proposal->expires_at);
	sql_put_text(&sql, proposal->first_person);
	sql_put_text(&sql, proposal->first_id);
	sql_put_text(&sql, proposal->ended_by);
	sql_put_i64(&sql, proposal->ended_at);
	sql_put_mac(&sql, &proposal->mac);
	sql_put_bytes(&sql, new->text.at, new->text.len);
	return sql_run(&sql, NULL) &&
	       proposal_audit(db, proposal, proposed_text(proposal->kind), new->by, err);
}

bool store_sql_proposal_add(struct store *store, const struct store_proposal *proposal,
			    struct str text, const struct store_by *by, struct err *err)
{
	struct proposal_new new = { proposal, text, by };
	return sql_write(db_of(store), proposal_insert, &new, err);
}

/* ---- changing ---- */

/* What it asks for never changes. */
bool proposal_end(struct db *db, struct store_proposal_change *change, const struct store_by *by,
		  bool *ret_ended, struct err *err)
{
	*ret_ended = true;
	if (change == NULL)
		return true;
	const struct store_proposal *proposal = change->proposal;
	struct sql sql = sql_prepare(db,
				     "UPDATE proposals SET state = ?, first_person = ?, first_id = "
				     "?, ended_by = ?, ended_at = ?, mac_key_id = ?, mac = ? "
				     "WHERE id = ? AND state = ? AND mac_key_id = ? AND mac = ?",
				     err);
	sql_put_i64(&sql, proposal->state);
	sql_put_text(&sql, proposal->first_person);
	sql_put_text(&sql, proposal->first_id);
	sql_put_text(&sql, proposal->ended_by);
	sql_put_i64(&sql, proposal->ended_at);
	sql_put_mac(&sql, &proposal->mac);
	sql_put_id(&sql, proposal->id);
	sql_put_i64(&sql, PROPOSAL_OPEN);
	sql_put_mac(&sql, &change->before);
	if (!sql_run(&sql, NULL))
		return false;
	change->applied = *ret_ended = db_changes(db) == 1;
	return !change->applied || proposal_audit(db, proposal, change->action, by, err);
}

struct proposal_write {
	struct store_proposal_change *change;
	const struct store_by *by;
};

static bool change_write(struct db *db, void *context, struct err *err)
{
	const struct proposal_write *write = context;
	bool ended;
	return proposal_end(db, write->change, write->by, &ended, err);
}

bool store_sql_proposal_change(struct store *store, struct store_proposal_change *change,
			       const struct store_by *by, struct err *err)
{
	struct proposal_write write = { change, by };
	return sql_write(db_of(store), change_write, &write, err);
}

/* ---- reading ---- */

static bool text_load(struct db *db, struct id id, struct buf *ret_text, struct err *err)
{
	struct sql sql = sql_prepare(db, "SELECT text FROM proposals WHERE id = ?", err);
	sql_put_id(&sql, id);
	if (sql_next(&sql))
		buf_str(ret_text, db_column_bytes(db, sql.statement, 0));
	return sql_end(&sql);
}

bool store_sql_proposal_load(struct store *store, struct id id, struct store_proposal *ret_proposal,
			     struct buf *ret_text, bool *ret_found, struct err *err)
{
	struct db *db = db_of(store);
	struct sql sql =
		sql_prepare(db, "SELECT " PROPOSAL_COLUMNS " FROM proposals WHERE id = ?", err);
	sql_put_id(&sql, id);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		proposal_take(&sql, ret_proposal);
	if (!sql_end(&sql))
		return false;
	return !*ret_found || ret_text == NULL || text_load(db, id, ret_text, err);
}

bool store_sql_proposals_list(struct store *store, enum proposal_kind kind, const char *account,
			      int64_t now_ms, struct store_proposal *ret_proposals, size_t cap,
			      size_t *ret_len, struct err *err)
{
	struct sql sql =
		sql_prepare(db_of(store),
			    "SELECT " PROPOSAL_COLUMNS " FROM proposals WHERE kind = ? "
			    "AND state = ? AND expires_at > ? AND (account IN ('', ?) OR ? "
			    "= '') ORDER BY account <> ?, id LIMIT ?",
			    err);
	size_t len = 0;
	sql_put_i64(&sql, kind);
	sql_put_i64(&sql, PROPOSAL_OPEN);
	sql_put_i64(&sql, now_ms);
	sql_put_text(&sql, account);
	sql_put_text(&sql, account);
	sql_put_text(&sql, account);
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql))
		proposal_take(&sql, &ret_proposals[len++]);
	*ret_len = len;
	return sql_end(&sql);
}
