#include "service/api/sessions.h"

#include "base/check.h"
#include "base/defence.h"

#include <stdlib.h>
#include <string.h>

/* Only a token with a MAC of ours leads here, so that nobody fills the table with guesses. */
#define ENTRIES 1024
#define WAYS    8

struct session_entry {
	int64_t until_ms; /* 0: free */
	struct id session;
	struct id user;
	bool is_good;
	bool second_factor;
	int64_t expires_at;
	struct principal principal; /* without a second factor */
};

struct sessions {
	const struct mac_keys *keys;
	int64_t cache_ms;
	struct session_entry entries[ENTRIES];
};

struct sessions *sessions_new(const struct mac_keys *keys, int64_t cache_ms)
{
	CHECK(keys->len > 0 && cache_ms > 0);
	struct sessions *sessions = calloc(1, sizeof *sessions);
	CHECK(sessions != NULL);
	sessions->keys = keys;
	sessions->cache_ms = cache_ms;
	return sessions;
}

void sessions_free(struct sessions *sessions)
{
	free(sessions);
}

/* The last bytes of an id are random. */
static size_t place_of(struct id session)
{
	return ((size_t)session.bytes[14] << 8 | session.bytes[15]) % ENTRIES;
}

static const struct session_entry *entry_find(const struct sessions *sessions, struct id session,
					      int64_t now_ms)
{
	for (size_t i = 0; i < WAYS; i++) {
		const struct session_entry *entry =
			&sessions->entries[(place_of(session) + i) % ENTRIES];
		if (entry->until_ms > now_ms && id_equal(entry->session, session))
			return entry;
	}
	return NULL;
}

/* A token of before the second factor was shown is one without it, and stays so; one that has it is
 * believed only while the row does. */
enum auth_verdict sessions_judge(const struct sessions *sessions,
				 const struct access_claims *claims, int64_t now_ms, int64_t at_ms,
				 struct principal *ret_principal)
{
	const struct session_entry *entry = entry_find(sessions, claims->session, now_ms);
	if (entry == NULL)
		return AUTH_UNKNOWN;
	if (!entry->is_good || entry->expires_at <= at_ms || !id_equal(entry->user, claims->user))
		return AUTH_REFUSED;
	*ret_principal = entry->principal;
	ret_principal->has_second_factor =
		claims->second_factor && (entry->second_factor || !DEFENCE("factor_is_of_session"));
	return AUTH_GRANTED;
}

bool session_is_good(const struct store_session *row, const struct store_user *user, int64_t at_ms)
{
	bool is_over = row->generation != user->generation || row->revoked_at != 0 ||
		       row->expires_at <= at_ms || user->disabled_at != 0;
	return id_equal(row->user, user->id) && (!is_over || !DEFENCE("session_is_over"));
}

void session_principal(const struct store_user *user, bool second_factor,
		       struct principal *ret_principal)
{
	struct id_text id = id_text(user->id);
	struct principal principal = {
		.kind = PRINCIPAL_USER,
		.reach = user->account[0] == 0 ? REACH_ALL : REACH_ACCOUNT,
		.has_second_factor = second_factor,
		.permissions = user_role_permissions(user->role),
	};
	CHECK(str_copy(str_from(user->account), principal.account, sizeof principal.account));
	CHECK(str_copy(str_from(user->name), principal.name, sizeof principal.name));
	CHECK(str_copy(str_from(id.at), principal.id, sizeof principal.id));
	*ret_principal = principal;
}

/* The entry of this session, else the one that ends first. */
static struct session_entry *entry_for(struct sessions *sessions, struct id session)
{
	size_t place = place_of(session);
	struct session_entry *best = &sessions->entries[place];
	for (size_t i = 0; i < WAYS; i++) {
		struct session_entry *entry = &sessions->entries[(place + i) % ENTRIES];
		if (id_equal(entry->session, session))
			return entry;
		if (entry->until_ms < best->until_ms)
			best = entry;
	}
	return best;
}

bool sessions_learn(struct sessions *sessions, struct id session, const struct store_session *row,
		    const struct store_user *user, int64_t now_ms)
{
	/* A row under another id than asked for is an edited store too. */
	bool is_sealed = (row == NULL || (id_equal(row->id, session) &&
					  store_session_is_sealed(sessions->keys, row))) &&
			 (user == NULL || store_user_is_sealed(sessions->keys, user));
	struct session_entry *entry = entry_for(sessions, session);
	*entry = (struct session_entry){ .until_ms = now_ms + sessions->cache_ms,
					 .session = session };
	if (row == NULL || user == NULL || !is_sealed)
		return is_sealed;
	entry->user = user->id;
	entry->expires_at = row->expires_at;
	entry->is_good = session_is_good(row, user, 0);
	entry->second_factor = row->second_factor_at != 0;
	session_principal(user, false, &entry->principal);
	return true;
}

void sessions_forget(struct sessions *sessions, struct id session)
{
	struct session_entry *entry = entry_for(sessions, session);
	if (id_equal(entry->session, session))
		*entry = (struct session_entry){ 0 };
}
